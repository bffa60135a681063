// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IClientRegistry } from "./IClientRegistry.sol";

/// @dev Clients in a round: the smallest page of `aggregate` reads three slots of each, and the first one sorts their
/// lengths where updates are clipped.
uint256 constant MAX_CAPACITY = 256;
/// @dev Entries of an update. A choice, with room to spare: at the largest bound `Entry.score` would hold the scores of
/// 2^23 − 1 entries. That no number overflows is reckoned from this bound, which the constructor enforces, and not from types.
uint256 constant MAX_PARAMETERS = 1 << 20;
/// @dev Entries revealed in one transaction; a first reveal costs some 6,600 gas an entry.
uint256 constant PART = 2_048;

/// @title Rounds of federated learning, averaged and scored by the contract itself
/// @notice A round goes Idle → Commit → Reveal → Aggregate → Score → Settle → Idle; a void one goes from Commit or Reveal to
/// Settle. Nobody can move it back.
/// Averaging, scoring and what follows a deadline are done by whoever sends the transaction; no deadline acts by itself.
/// Numbers are fixed point: an update's entries are integers at scale s = 10^9 (int64), a score is an
/// integer at scale s² = 10^18.
interface IAggregator {
    /// @notice Where a round stands.
    enum Phase {
        Idle,
        Commit,
        Reveal,
        Aggregate,
        Score,
        Settle
    }

    /// @notice What is fixed for a federation's whole life.
    /// @param parameters P, the length of every update and of the model.
    /// @param capacity Most clients in a round, at most `MAX_CAPACITY`; later ones need more samples than one of them.
    /// @param minimum Fewest commitments with which a round goes on; with fewer it is void.
    /// @param minimumSamples Fewest revealed samples with which a round is averaged; with fewer it is void.
    /// @param commitSeconds Commitments are taken for this long, however many there are; then `advance` ends the phase.
    /// At least 2: the block in which a phase begins takes none of its steps, nor does one at the deadline. Where blocks come
    /// every 12 seconds a phase of 12 has no block at all: choose many of them.
    /// @param revealSeconds Reveals are taken for this long, and then `advance` may end the phase; the last one ends it
    /// sooner. At least 2, and many blocks like the other; both together less than the registry's cool-down.
    /// @param bound Largest absolute value of an entry, at scale s.
    /// @param clipped Whether updates count by a length of at most the median one (see `aggregate`).
    struct Config {
        uint32 parameters;
        uint32 capacity;
        uint32 minimum;
        uint32 minimumSamples;
        uint32 commitSeconds;
        uint32 revealSeconds;
        uint64 bound;
        bool clipped;
    }

    /// @notice The current round; one slot.
    /// @param number Counts from 1; 0 before the first round.
    /// @param deadline Block time at which commit or reveal ends, in seconds.
    /// @param committed Clients that committed; 0 again once the round is void for want of them.
    /// @param revealed Clients that revealed.
    /// @param cursor Entries averaged (Aggregate, of P) or scored (Score, of P for each client) so far.
    /// @param phase Where it stands.
    /// @param stopped Whether the publisher has stopped the federation.
    /// @param isVoid Whether it ended without an average.
    /// @param since Block time at which the phase began; its steps are taken in later blocks only.
    struct Round {
        uint40 number;
        uint40 deadline;
        uint24 committed;
        uint24 revealed;
        uint32 cursor;
        Phase phase;
        bool stopped;
        bool isVoid;
        uint40 since;
    }

    /// @notice A client's part in the last round it joined.
    /// @param commitment What it committed to.
    /// @param round That round.
    /// @param samples Its weight n_i in it, as registered when it committed.
    /// @param revealed Whether a valid update followed.
    /// @param norm ‖v_i‖ at scale s, rounded down; zero unless updates are clipped.
    /// @param score S_i at scale s²; zero until scored.
    struct Entry {
        bytes32 commitment;
        uint40 round;
        uint32 samples;
        bool revealed;
        uint56 norm;
        int112 score;
    }

    event RoundOpened(uint256 indexed round, uint256 deadline);
    event Committed(uint256 indexed round, address indexed client, bytes32 commitment);
    /// @notice A client with more samples took the place of `client`, which is out of the round and owes it nothing.
    event Displaced(uint256 indexed round, address indexed client, address by);
    event RevealOpened(uint256 indexed round, uint256 committed, uint256 deadline);
    event Revealed(uint256 indexed round, address indexed client, uint256 samples, bytes32 digest);
    event AggregationOpened(uint256 indexed round, uint256 revealed, uint256 totalSamples);
    event Aggregated(uint256 indexed round, uint256 normSquared);
    event Scored(uint256 indexed round, address indexed client, int256 score);
    event RoundScored(uint256 indexed round);
    /// @notice Too few committed, revealed, or revealed samples; `needed` is the minimum that was missed.
    event RoundVoid(uint256 indexed round, Phase phase, uint256 found, uint256 needed);
    event RoundClosed(uint256 indexed round);
    event Stopped(uint256 lastRound);

    error BadConfig(string field, uint256 value);
    error WrongPhase(Phase actual, Phase required);
    error DeadlinePassed(uint256 timestamp, uint256 deadline);
    error TooEarly(uint256 timestamp, uint256 deadline);
    error RoundFull(uint256 round, uint256 capacity);
    error WrongRound(uint256 given, uint256 current);
    error NotMoreSamples(uint256 samples, uint256 theirs);
    error AlreadyCommitted(address client, uint256 round);
    error ZeroCommitment(address client);
    error NotCommitted(address client, uint256 round);
    error AlreadyRevealed(address client, uint256 round);
    error CommitmentMismatch(bytes32 committed, bytes32 revealed);
    error WrongLength(uint256 actual, uint256 required);
    error RevealInParts(uint256 parameters, uint256 part);
    error WrongPart(uint256 from, uint256 expected);
    error ZeroUpdate(address client);
    error ValueOutOfBounds(uint256 index, int256 value, uint256 bound);
    error CopiedUpdate(bytes32 digest, address first);
    error ZeroCount();
    error FederationStopped();
    error NotPublisher(address caller, address publisher);
    error NotRewardPool(address caller, address rewardPool);

    /// @notice Open the next round. Anyone may, when the last one is settled and the publisher has not stopped.
    function openRound() external;

    /// @notice Bind oneself to an update without showing it.
    /// @param round The one that is meant, which the commitment binds as well: a later one refuses it.
    /// @param commitment See `commitmentOf`.
    function commit(uint256 round, bytes32 commitment) external;

    /// @notice Commit, and if the round is full, in the place of the client with the fewest samples, if one has more. Accounts
    /// cost nothing and samples cost stake: so accounts of one sample each shut out nobody who has more. Who has to go
    /// was absent from the round, as its later rewards will count. Whoever displaces others and reveals nothing can leave
    /// the round fewer than `minimumSamples`, and so void, for the penalty of a missing reveal.
    /// @param round As in `commit`.
    /// @param commitment See `commitmentOf`.
    function commitInstead(uint256 round, bytes32 commitment) external;

    /// @notice Show the update one committed to, in one transaction. From then on it is public. If this is taken, others cannot
    /// send it again up to the end of the next round that is averaged; later anybody may, once nobody has for so long. If it is
    /// refused, as it came too late, nothing is noted: in the next round anybody may send it as its own, and who does so first
    /// makes its author the copier. So one should not send again unchanged what was refused, nor parts that were not ended.
    /// In a round after a void one the model is where it was, and training with the same random numbers gives the same update,
    /// which others cannot copy if its reveal was taken, but can average with the rest before they commit.
    /// @param update P ≤ `PART` entries at scale s, each within the bound, not all zero.
    /// @param salt The random number that hid the commitment.
    function reveal(int64[] calldata update, bytes32 salt) external;

    /// @notice Show the next part of an update of more entries than a transaction holds. The last part reveals it; until then
    /// its parts are public, and nobody's: see `reveal`.
    /// @param from Entries shown before: a multiple of `PART`; 0 begins anew.
    /// @param values `PART` entries, or what is left of P.
    /// @param salt The random number that hid the commitment; only looked at with the last part.
    function revealPart(uint256 from, int64[] calldata values, bytes32 salt) external;

    /// @notice Move on from a commit or reveal phase whose deadline has passed.
    function advance() external;

    /// @notice Average up to `count` more entries of the round's updates: g_j = Σ w_i·v_ij / W, toward zero.
    /// The weight w_i is n_i and W = Σ n_i. In a federation that clips, an update longer than the median length R counts
    /// as if it had that length: w_i = n_i · ⌊min(1, R/‖v_i‖)·10^9⌋, and W = 10^9·Σ n_i. Lengths are rounded down to integers,
    /// so that what counts of an update is shorter than R + 1;
    /// R is the smallest of the revealed ones such that updates not longer hold half of the samples, or more. What an update
    /// adds to g is shorter than R + 1 times its share of the samples, but each update has a say in R.
    /// @param count Rounded up to a multiple of four, the entries of one slot.
    function aggregate(uint256 count) external;

    /// @notice Score up to `count` more entries, P for each client: S_i = w_i · Σ_j v_ij·g_j / W, toward zero.
    /// @param count Rounded up to a multiple of four within a client.
    function score(uint256 count) external;

    /// @notice End a settled round. Only the reward pool may call it.
    function closeRound() external;

    /// @notice Open no further rounds. Only the publisher; a running round is finished and paid as usual.
    function stop() external;

    /// @notice keccak256 over chain, contract, round, client, update digest and salt, in `abi.encode`.
    /// @dev The digest of an update of one part is keccak256(abi.encodePacked(update)). Each further part is chained to
    /// what came before: keccak256(abi.encode(digest so far, keccak256(abi.encodePacked(part)))).
    function commitmentOf(uint256 round, address client, bytes32 digest, bytes32 salt) external view returns (bytes32);

    function registry() external view returns (IClientRegistry);

    /// @notice The one contract that may close a round.
    function rewardPool() external view returns (address);

    function publisher() external view returns (address);

    function config() external view returns (Config memory);

    function currentRound() external view returns (Round memory);

    /// @notice Number of the last round that was settled.
    function lastClosedRound() external view returns (uint256);

    /// @notice The clients that committed in the current (or last) round, in the order of their places: who came by
    /// `commitInstead` stands where the displaced client stood. None, once that round is void for want of commitments.
    function participants() external view returns (address[] memory);

    /// @dev From `committed` on: whoever stood there in a larger round, or in this one, void for want of commitments.
    function participantAt(uint256 index) external view returns (address);

    /// @notice A client's part in the current (or last) round; all zeros if it had none.
    function entryOf(address client) external view returns (Entry memory);

    /// @notice Σ n_i over the clients that revealed in the current (or last) round.
    function totalSamples() external view returns (uint256);

    /// @notice Σ n_i of a closed round; zero of a void one.
    function samplesOf(uint256 round) external view returns (uint256);

    /// @notice Σ n_i of the last closed round that was not void: how much was present of late.
    function presentSamples() external view returns (uint256);

    /// @notice R, the length at which the current (or last) round's updates were clipped, at scale s; zero without clipping.
    function clipNorm() external view returns (uint256);

    /// @notice ‖g‖² at scale s², of the current (or last) round. In phase Aggregate, of the entries averaged so far.
    function normSquared() external view returns (uint256);

    /// @notice The last update a client revealed, at scale s; a mixture once it has begun to reveal the next one in
    /// parts, until it ends that or the reveal after it.
    function updateOf(address client) external view returns (int64[] memory);

    /// @notice The last averaged update g, at scale s. In phase Aggregate, entries from the cursor on are
    /// still those of the round before.
    function globalUpdate() external view returns (int64[] memory);

    /// @notice The global model: the sum of all averaged updates, at scale s. It starts at zero. In phase Aggregate,
    /// entries from the cursor on still lack the round's update. An entry that would leave int64 stays at its end.
    function model() external view returns (int64[] memory);
}
