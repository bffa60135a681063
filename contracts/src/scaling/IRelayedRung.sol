// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "./IDeposits.sol";

/// @title A round in one transaction: commitments, the clients' signatures, and the proof of all scores
/// @notice Clients exchange their commitments off chain, each sealed until all seals are there: who saw the others' could
/// choose its own from them, as C(v) + C(u) is a commitment to v + u. Then all sign m (`RoundProof`), which holds chain,
/// contract, round, who takes part, weights and commitments; a relayer, anybody, proves the scores and brings everything by
/// `work`, with payload `abi.encode(Closing)`. That closes the round, and the next one is open at once: one is always open,
/// `openRound` and `submit` refuse. The result stands for `windowSeconds`, in which anybody may show an entry that is no
/// int8, or padding that is not zero, by one opening. It is final then, by time alone, as `resultDigest` and `currentRound`
/// say: there is no transaction for it, and no event `Finished` or, but for round 1, `RoundOpened`. Until then no other round
/// is closed: from one to the next it takes a window at least, unless everybody in the first is shown to be at fault before
/// that.
///
/// When a fault is shown the result falls, and its round has none. Until when it would have been final everything else stays:
/// who else was counted can be shown to be at fault as well, and cannot take out its stake, and the next round waits, until the
/// window is over or all who were counted are out (`answerable`). Else of several cheats only the first would pay, and could be
/// each other's accomplice.
///
/// Who takes part. Every client registers once, with a stake, and with a key and the proof that it has the secret to it:
/// keys add up, and without that proof one could register the difference of a key of one's own and all others', and sign
/// for all. `seat` then notes all keys' sum, and round 1 is open; all have to be in for that. A relayer may leave members out,
/// for whom nobody signed, as long as more than two thirds of those who are in remain, and more than half of all clients,
/// whether they are in or not. Without the two thirds it could close a round with a single one; without the half, and without
/// all at the start, whoever is silent, or registers late, until the others have left could do so, as all the members. A member
/// is in from its registration until it resigns, or a fault of its is proven, and again from when it rejoins.
///
/// What clients can do for nothing but gas. One that never registers, or resigns in front of `seat`, prevents the first round,
/// for good: choose who takes part accordingly. (Who has registered can resign, and take its stake out.) Members that are a
/// third, or more, and silent stop all rounds, and nobody can put them out. The others can resign, and take their stakes out.
/// While half of all clients, or more, are out, no round is closed: if they do not rejoin, it has ended, and takes a new
/// contract. (More than half of all clients can go on without the rest, once the rest has left.) A member that resigns in front
/// of `work` has that refused; so has one that was out and rejoins, where those who signed are not more than two thirds with
/// it. Either may undo it, and do it again, as often as it likes. By resigning and rejoining, for some 47,000 and 27,000
/// gas, a member costs a relayer who brings six blobs some 84,000 gas, and 786,432 of blobs. (If it were one to the round's end,
/// its stake would be tied up for as long as others are silent.) So let relayers simulate, and send by ways that show
/// transactions to nobody before they are in a block.
///
/// What is signed stays signed. m names the round by its number, and no time: a signature is good until that round is closed,
/// years later if nothing closes it, and if its member has resigned and come back in between. Whoever has two sets of
/// commitments that enough members have signed for one round chooses. So a member signs once a round, and who resigns for good
/// stays out.
///
/// `Round` has no phase Proposed here: `number` is the round that is open, `submitted` holds the clients of the result of the
/// round before as long as that stands, `closesAt` is when it is final or, if it fell, when the next round may be closed (at
/// once, if all in it are out, which `answerable` tells), and `expiresAt` is 0. Of `Config`, `submitSeconds` and `workSeconds`
/// have no use. sumsDigest is m, which binds weights and commitments, and so all A_j.
interface IRelayedRung is IDeposits {
    /// @param windowSeconds How long a result is open to a proof that an entry in it is out of range. Not 0.
    /// @param stake What a member loses by such a proof; half goes to who brings it, half is burned. Not 0.
    /// @param ecdsa Whether members sign by their accounts' keys, one signature each (EIP-191, EIP-2098); else by keys of
    /// BLS12-381, whose signatures add up to one.
    struct Terms {
        uint32 windowSeconds;
        uint96 stake;
        bool ecdsa;
    }

    /// @notice All of a round. "Present" are the members that are not absent, ascending.
    /// @param everybody keccak256 of all clients' addresses, a word each; without a use where somebody is absent.
    /// @param weights Of all clients, 2 bytes each.
    /// @param key The sum of all clients' keys, 256 bytes; empty with ECDSA.
    /// @param absent Bits of the clients that take no part.
    /// @param accounts All clients' addresses where somebody is absent; else empty.
    /// @param keys Of the absent ones, 256 bytes each; empty with ECDSA.
    /// @param points K commitments of each client that is present, 96 bytes each.
    /// @param scores Their S_i, int128 each.
    /// @param proof See `RoundProof`; ends with the sum of the signatures, or with ECDSA without.
    /// @param signatures With ECDSA: r and s of each client that is present, y's parity in the highest bit of s.
    struct Closing {
        bytes32 everybody;
        bytes weights;
        bytes key;
        uint256 absent;
        address[] accounts;
        bytes keys;
        bytes points;
        bytes scores;
        bytes proof;
        bytes signatures;
    }

    /// @notice One entry of a commitment in the result that stands, or fell and would not be final yet, opened.
    /// @param accounts Who took part.
    /// @param weights Their w_i.
    /// @param digests keccak256 of each one's points.
    /// @param scoresDigest Of the result.
    /// @param place Whose entry, counted among `accounts`.
    /// @param points All of that client's.
    /// @param position Of the entry, counted over all chunks.
    /// @param value Modulo r.
    /// @param opening π, 96 bytes.
    struct Fault {
        address[] accounts;
        uint256[] weights;
        bytes32[] digests;
        bytes32 scoresDigest;
        uint256 place;
        bytes points;
        uint256 position;
        uint256 value;
        bytes opening;
    }

    event Registered(uint256 indexed client, bytes key);
    event Seated(bytes32 committee);
    event Resigned(uint256 indexed client);
    event Rejoined(uint256 indexed client);
    /// @notice The scores, one for each client, proven; final after a window if nobody shows a fault.
    /// @param sumsDigest m: what was signed.
    event Proven(uint256 indexed round, address indexed prover, bytes32 sumsDigest, int256[] scores);
    /// @notice A client whose update has a fault is no member any more.
    event Excluded(uint256 indexed round, uint256 indexed client, address challenger);
    /// @notice The result that stood counted it.
    event Fell(uint256 indexed round);

    error RungAlwaysOpen(uint256 round);
    error RungAlreadySeated();
    error RungAlreadyRegistered(uint256 client);
    error RungNotRegistered(uint256 client);
    error RungNoMember(uint256 client);
    error RungStillMember(uint256 client);
    error RungBadKey();
    /// @notice The signature is not by the secret of this key, on this chain, contract and account.
    error RungBadPossession(address account);
    error RungOtherKey(uint256 client);
    error RungOtherCommittee(bytes32 given, bytes32 kept);
    error RungNoQuorum(uint256 present, uint256 members);
    /// @notice Not more than half of all clients, whether they are members or not.
    error RungNoMajority(uint256 present, uint256 clients);
    error RungBadSignatures();
    error RungWindowOpen(uint256 timestamp, uint256 end);
    error RungNothingStands(uint256 round);
    /// @notice The client has lost its stake for this result already.
    error RungAlreadyOut(uint256 client);
    error RungOtherResult(bytes32 given, bytes32 standing);
    error RungWrongData(uint256 client, bytes32 opened, bytes32 committed);
    error RungNoEntry(uint256 position, uint256 end);
    error RungNoFault(uint256 position, uint256 value);

    /// @notice Take part, once and for good: put the stake down first (`deposit`).
    /// @param key In G2, 256 bytes; empty with ECDSA.
    /// @param possession Signature in G1, 128 bytes, by the secret of `key` on keccak256(abi.encode(chain id, contract,
    /// account, key)), in a domain of its own; empty with ECDSA.
    function register(bytes calldata key, bytes calldata possession) external;

    /// @notice Note the sum of all clients' keys and open round 1, when all have registered and none is out. Anyone may.
    /// @param keys One after the other; empty with ECDSA.
    function seat(bytes calldata keys) external;

    /// @notice Take part no more, from now on: not from the next round. The stake is free when the window of the last result
    /// that counts the caller's update is over.
    function resign() external;

    /// @notice Take part again, with the same key: after having resigned, or lost a stake and put down another.
    function rejoin() external;

    /// @notice Show an entry of a client's update that is no int8, or padding that is not zero. The result falls, if it has not
    /// yet, the client loses its stake, and is out. Anybody who sees the transaction can send the same first.
    function proveFault(uint256 round, Fault calldata fault) external;

    function terms() external view returns (Terms memory);

    /// @notice keccak256 of `everybody`, `weights` and `key` of `Closing`, one after the other; 0 before `seat`.
    function committee() external view returns (bytes32);

    /// @notice Bits of the clients for whose faults in the last result evidence is taken now, and whose stakes are tied for it.
    /// While there are any, no other round is closed before `currentRound().closesAt`; where there are none, one may be now.
    function answerable() external view returns (uint256);

    /// @notice Bits of clients that are no members: not yet, no more, or by a proven fault.
    function excluded() external view returns (uint256);

    /// @notice keccak256 of a client's key; 0 before it registers.
    function keyOf(address account) external view returns (bytes32);

    /// @notice m of the open round, for clients to sign.
    /// @param who keccak256 of the addresses of who takes part, a word each.
    /// @param records keccak256 of their records, see `RoundProof`.
    function messageOf(bytes32 who, bytes32 records) external view returns (bytes32);
}
