// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Rounds of federated learning, averaged and scored by the contract itself
/// @notice A round goes Idle → Commit → Reveal → Aggregate → Score → Settle → Idle. Nobody can move it back.
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
    /// @param capacity Most clients in a round; when that many have committed, the round moves on at once.
    /// @param minimum Fewest commitments with which a round goes on; with fewer it is void.
    /// @param commitSeconds Commitments are taken for this long; then `advance` may end the phase.
    /// @param revealSeconds Reveals are taken for this long; then `advance` may end the phase.
    /// @param bound Largest absolute value of an entry, at scale s.
    struct Config {
        uint32 parameters;
        uint32 capacity;
        uint32 minimum;
        uint32 commitSeconds;
        uint32 revealSeconds;
        uint64 bound;
    }

    /// @notice The current round; one slot.
    /// @param number Counts from 1; 0 before the first round.
    /// @param deadline Block time at which commit or reveal ends, in seconds.
    /// @param committed Clients that committed.
    /// @param revealed Clients that revealed.
    /// @param cursor Entries averaged (Aggregate) or clients scored (Score) so far.
    struct Round {
        uint64 number;
        uint40 deadline;
        uint32 committed;
        uint32 revealed;
        uint32 cursor;
        Phase phase;
        bool stopped;
    }

    /// @notice A client's part in the last round it joined.
    /// @param commitment What it committed to.
    /// @param round That round.
    /// @param samples Its weight n_i in it, as registered when it committed.
    /// @param revealed Whether a valid update followed.
    /// @param score S_i at scale s²; zero until scored.
    struct Entry {
        bytes32 commitment;
        uint64 round;
        uint32 samples;
        bool revealed;
        int128 score;
    }

    event RoundOpened(uint256 indexed round, uint256 deadline);
    event Committed(uint256 indexed round, address indexed client, bytes32 commitment);
    event RevealOpened(uint256 indexed round, uint256 committed, uint256 deadline);
    event Revealed(uint256 indexed round, address indexed client, uint256 samples, bytes32 digest);
    event AggregationOpened(uint256 indexed round, uint256 revealed, uint256 totalSamples);
    event Aggregated(uint256 indexed round, uint256 normSquared);
    event Scored(uint256 indexed round, address indexed client, int256 score);
    event RoundScored(uint256 indexed round);
    event RoundVoid(uint256 indexed round, Phase phase, uint256 clients, uint256 minimum);
    event RoundClosed(uint256 indexed round);
    event Stopped(uint256 lastRound);

    error BadConfig(string field, uint256 value);
    error WrongPhase(Phase actual, Phase required);
    error DeadlinePassed(uint256 timestamp, uint256 deadline);
    error TooEarly(uint256 timestamp, uint256 deadline);
    error AlreadyCommitted(address client, uint256 round);
    error ZeroCommitment(address client);
    error NotCommitted(address client, uint256 round);
    error AlreadyRevealed(address client, uint256 round);
    error CommitmentMismatch(bytes32 committed, bytes32 revealed);
    error WrongLength(uint256 actual, uint256 required);
    error ValueOutOfBounds(uint256 index, int256 value, uint256 bound);
    error CopiedUpdate(bytes32 digest, address first);
    error ModelOverflow(uint256 index, int256 value);
    error ZeroCount();
    error FederationStopped();
    error NotPublisher(address caller, address publisher);
    error NotRewardPool(address caller, address rewardPool);

    /// @notice Open the next round. Anyone may, when the last one is settled and the publisher has not stopped.
    function openRound() external;

    /// @notice Bind oneself to an update without showing it.
    /// @param commitment See `commitmentOf`.
    function commit(bytes32 commitment) external;

    /// @notice Show the update one committed to.
    /// @param update P entries at scale s, each within the bound.
    /// @param salt The random number that hid the commitment.
    function reveal(int64[] calldata update, bytes32 salt) external;

    /// @notice Move on from a commit or reveal phase whose deadline has passed.
    function advance() external;

    /// @notice Average up to `count` more entries of the round's updates: g_j = Σ n_i·v_ij / N, toward zero.
    /// @param count Rounded up to a multiple of four, the entries of one slot.
    function aggregate(uint256 count) external;

    /// @notice Score up to `count` more clients: S_i = n_i · Σ_j v_ij·g_j / N, toward zero.
    function score(uint256 count) external;

    /// @notice End a settled round. Only the reward pool may call it.
    function closeRound() external;

    /// @notice Open no further rounds. Only the publisher; a running round is finished and paid as usual.
    function stop() external;

    /// @notice keccak256 over chain, contract, round, client, update digest and salt, in `abi.encode`.
    function commitmentOf(uint256 round, address client, bytes32 digest, bytes32 salt) external view returns (bytes32);

    function publisher() external view returns (address);

    function config() external view returns (Config memory);

    function currentRound() external view returns (Round memory);

    /// @notice Number of the last round that was settled.
    function lastClosedRound() external view returns (uint256);

    /// @notice The clients that committed in the current (or last) round, in order.
    function participants() external view returns (address[] memory);

    function participantAt(uint256 index) external view returns (address);

    /// @notice A client's part in the current (or last) round; all zeros if it had none.
    function entryOf(address client) external view returns (Entry memory);

    /// @notice Σ n_i over the clients that revealed in the current (or last) round.
    function totalSamples() external view returns (uint256);

    /// @notice ‖g‖² at scale s², of the current (or last) round. In phase Aggregate, of the entries averaged so far.
    function normSquared() external view returns (uint256);

    /// @notice The last update a client revealed, at scale s.
    function updateOf(address client) external view returns (int64[] memory);

    /// @notice The last averaged update g, at scale s. In phase Aggregate, entries from the cursor on are
    /// still those of the round before.
    function globalUpdate() external view returns (int64[] memory);

    /// @notice The global model: the sum of all averaged updates, at scale s. It starts at zero. In phase Aggregate,
    /// entries from the cursor on still lack the round's update.
    function model() external view returns (int64[] memory);
}
