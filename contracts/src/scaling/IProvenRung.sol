// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "./IDeposits.sol";

/// @title Rung 6: all scores of a round proven at once, and never recomputed
/// @notice A client commits to its update by K points of BLS12-381 (`RoundProof`), which add up as the updates do, and seals
/// them: commitments can be added and copied, so nobody may see another's before its own is fixed. `submit` takes
///     seal = keccak256(abi.encode(chain id, this contract, round, client's address, salt, digest))
/// with digest = keccak256(C_1 | … | C_K), 96 bytes a point, and ties up the client's stake until the round is over, or a
/// fault of the client is shown.
///
/// Clients hand values, points and salts over off chain when sealing has closed. Whoever has everybody's proves the scores,
/// and the proof shows all seals' salts: nobody reveals anything before. If a client hands nothing over, the others `reveal`
/// within `revealSeconds`, each by itself or all in one transaction. From then on the round is of exactly those who did, and
/// not excluded; before, of all who sealed: who handed nothing over may prove it with the others' values, and is in. So let
/// everybody reveal, in time. The last one chooses: once it has the others' values, it may reveal or, for nothing, be out of the
/// round, and k that collude choose among 2^k rounds. A client that reveals and hands its values to nobody, and does not prove the
/// round itself, or has sealed what no points are, holds the round up until it is given up, as on rung 2, and keeps its stake: a
/// proof says nothing of where data are to be had, and a seal nothing of what is in it.
///
/// A proof cannot be wrong, but an update may hold what no update may: an entry that is no int8, or padding, up to a multiple
/// of N, that is not zero. Anyone who has the values shows it by one opening (`proveFault`), from when sealing has closed until
/// the round is over: the client is out and loses its stake, and a proof that counted it falls. A proof stands for
/// `windowSeconds` at least, and as long after that as nobody calls `finalize`. When a client is put out, and no proof stands or
/// the one that does falls, the time to work begins anew, and so does the time to reveal if it has not passed, or had not when
/// that proof was brought: from then, or from `closesAt` where that is yet to come. So a fault that is shown in front of a reveal,
/// or of a proof that counts all who sealed, leaves the others `revealSeconds` and `workSeconds`; and seals can be opened all the
/// while that such a proof stands. The other clients' stakes stay tied up, and their faults can be shown as before.
///
/// That can hold a round up, and not for ever: each time costs a client its place in the round and its stake, of which half may go
/// to an accomplice. So of n clients both times begin anew n times at most. Who gives the round up as soon as it can be, and
/// finalizes a proof as soon as that can be, ends it n·(windowSeconds + workSeconds) after it could first be given up, or a
/// window later if a proof comes in the last moment. Who waits lets others work on.
interface IProvenRung is IDeposits {
    /// @param windowSeconds How long a proof is open to `proveFault` at least: until `finalize` is called, see above. Not 0.
    /// @param revealSeconds How long after `closesAt`, which may move, seals may be revealed. Not 0; `workSeconds` is at least
    /// twice as much.
    /// @param stake What a client loses by a fault; half goes to who shows it, half is burned. Not 0.
    struct Terms {
        uint32 windowSeconds;
        uint32 revealSeconds;
        uint96 stake;
    }

    /// @notice A seal, opened.
    struct Opening {
        uint256 client;
        bytes32 salt;
        bytes32 digest;
    }

    /// @notice What `work` takes, as `abi.encode(Step)`. With all points it proves the round in one transaction. Else points of
    /// some clients, ascending, come with each of several, all other parts being the same, and the last one ends it. What was sent
    /// before the last is lost if another's proof stands meanwhile, or if another set of clients takes part: a fault was shown, or
    /// the time to reveal has passed. So let everybody reveal before a proof of several; against a fault nothing helps, nor against
    /// another prover but to agree on one.
    /// @param clients The addresses of all clients of this contract, whether they take part or not.
    /// @param salts Of all who take part, ascending; of a client whose seal is open, anything: so nobody undoes a proof that is
    /// on its way by opening a seal. (By showing its own fault a client does, for half of its stake.) None if all are open, and
    /// in all transactions but the first.
    /// @param digests Of all who take part; empty when their points all come with this transaction.
    /// @param scores S_i of those who take part, int128, 16 bytes each.
    /// @param proof See `RoundProof`, without a signature; made for the account that sends it.
    /// @param next How many clients' points were brought before.
    /// @param sum What the last transaction's event has; empty in the first.
    /// @param points C_1 … C_K of the next clients.
    struct Step {
        address[] clients;
        bytes32[] salts;
        bytes32[] digests;
        bytes scores;
        bytes proof;
        uint256 next;
        bytes sum;
        bytes points;
    }

    /// @param clients Who was revealed by this transaction, a bit each. On rung 8 by each client: whose blob came with it, be it
    /// for the second time.
    event Revealed(uint256 indexed round, uint256 clients);
    /// @notice Points of `next` clients are folded, by `prover`, whose next step starts from this sum.
    event Worked(uint256 indexed round, address indexed prover, uint256 next, bytes sum);
    /// @notice The scores, proven. Once a window has passed, `finalize` makes them final, if nobody has shown a fault of theirs;
    /// on rung 8 by each client they are final when it has.
    event Proven(uint256 indexed round, address indexed prover, bytes32 sumsDigest, int256[] scores);
    event Excluded(uint256 indexed round, uint256 indexed client, address challenger);
    /// @notice The proof that stood counted a client that was excluded.
    event Fell(uint256 indexed round);

    error RungNotInRound(uint256 client);
    error RungWrongSeal(uint256 client, bytes32 opened, bytes32 kept);
    error RungWrongData(uint256 client, bytes32 opened, bytes32 committed);
    error RungWrongState(bytes32 given, bytes32 kept);
    error RungWrongClients(bytes32 given, bytes32 kept);
    error RungRevealsClosed(uint256 timestamp, uint256 end);
    error RungWindowOpen(uint256 timestamp, uint256 end);
    error RungNoEntry(uint256 position, uint256 end);
    error RungNoFault(uint256 position, uint256 value);

    /// @notice Open seals. Anyone may who knows the salts, until the time to reveal is over, and while a proof stands that was brought
    /// before it was. Seals that are open already, and those of clients that are out, are passed over, whatever comes with them: so
    /// nobody undoes others' reveals by one of its own, or by a fault.
    function reveal(uint256 round, Opening[] calldata openings) external;

    /// @notice Show that a client's update breaks the rules.
    /// @param client Its index.
    /// @param salt Of its seal; ignored if that is open.
    /// @param points Its K points.
    /// @param position Of the entry, 0 to K·N − 1.
    /// @param value What it is, modulo r.
    /// @param opening π, 96 bytes.
    function proveFault(
        uint256 round,
        uint256 client,
        bytes32 salt,
        bytes calldata points,
        uint256 position,
        uint256 value,
        bytes calldata opening
    ) external;

    /// @notice End a round whose proof has stood for a window. Anyone may.
    function finalize(uint256 round) external;

    function terms() external view returns (Terms memory);

    /// @notice What was proven last, fallen or not, in the form of `resultDigest`, which it becomes when it is final.
    /// sumsDigest is the message m of the transcript (`RoundProof`): it binds who took part, with which weights, and by the
    /// commitments all updates and so all A_j, which no hash could: the contract never sees them.
    function proposedDigest() external view returns (bytes32);

    /// @notice Bits of clients whose seals are open on chain, in the current round.
    function revealed() external view returns (uint256);

    /// @notice Bits of clients put out of the current round for a fault.
    function excluded() external view returns (uint256);

    /// @notice Bits of those whom the proof that stands counts, or the last round's result; as long as there is none, of those whom
    /// a proof would count that is brought now: see above.
    function present() external view returns (uint256);
}
