// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { Int64Vector } from "./Int64Vector.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since a deadline is in it. Phases and counters are
// compared with `==` because they are exact; deadlines lie minutes apart, and a proposer can shift a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Aggregator
/// @notice Commit–reveal rounds; federated averaging and gradient alignment computed on chain.
/// @dev Storage is a buffer, not an archive: a client's update and entry are overwritten in its next round (5,000 gas a
/// slot instead of 22,100); only the digests of updates stay, by which copies are known. The history is in the events,
/// that of the updates in the reveals' calldata.
/// `aggregate` and `score` come in pages, since a transaction may have 16,777,216 gas. A page can be made small in one
/// direction only: the smallest of `aggregate` is four entries of all clients, the smallest of `score` one client's P
/// entries. Nothing here bounds either number. A first reveal costs some 6,600 gas an entry and has no pages: about
/// 2,500 entries fit a transaction.
contract Aggregator is IAggregator {
    using Int64Vector for int64[];

    IClientRegistry public immutable registry;
    /// @notice The one contract that may close a round.
    address public immutable rewardPool;
    /// @inheritdoc IAggregator
    address public immutable publisher;

    uint256 private immutable _parameters;
    uint256 private immutable _capacity;
    uint256 private immutable _minimum;
    uint256 private immutable _commitSeconds;
    uint256 private immutable _revealSeconds;
    int256 private immutable _bound;

    Round private _round;
    /// @inheritdoc IAggregator
    uint256 public totalSamples;
    /// @inheritdoc IAggregator
    uint256 public normSquared;

    /// @dev The first `_round.committed` elements are this round's; what follows is left over from a larger round.
    address[] private _participants;
    mapping(address client => Entry) private _entries;
    mapping(address client => int64[]) private _updates;
    mapping(bytes32 digest => address client) private _firstRevealer;
    int64[] private _globalUpdate;
    int64[] private _model;

    /// @param registry_ The federation's registry.
    /// @param rewardPool_ Address at which the reward pool is going to be deployed.
    /// @param publisher_ Who may stop the federation.
    /// @param config_ See `Config`.
    constructor(IClientRegistry registry_, address rewardPool_, address publisher_, Config memory config_) {
        if (config_.parameters == 0) revert BadConfig("parameters", 0);
        if (config_.minimum == 0) revert BadConfig("minimum", 0);
        if (config_.capacity < config_.minimum) revert BadConfig("capacity", config_.capacity);
        if (config_.commitSeconds == 0) revert BadConfig("commitSeconds", 0);
        if (config_.revealSeconds == 0) revert BadConfig("revealSeconds", 0);
        // |S_i| ≤ P · bound², which must leave the int128 of `Entry.score` room for the reward's factors (≤ 2^7).
        if (config_.bound == 0 || config_.bound > 1 << 44) revert BadConfig("bound", config_.bound);
        registry = registry_;
        // slither-disable-next-line missing-zero-check
        rewardPool = rewardPool_; // deployed after this contract: nothing to check yet
        // slither-disable-next-line missing-zero-check
        publisher = publisher_; // zero would be a federation that nobody can stop
        _parameters = config_.parameters;
        _capacity = config_.capacity;
        _minimum = config_.minimum;
        _commitSeconds = config_.commitSeconds;
        _revealSeconds = config_.revealSeconds;
        _bound = int256(uint256(config_.bound));
        _globalUpdate = new int64[](config_.parameters);
        _model = new int64[](config_.parameters);
    }

    // ------------------------------------------------------------------------------------------------ a round's life

    /// @inheritdoc IAggregator
    function openRound() external {
        Round memory round = _in(Phase.Idle);
        if (round.stopped) revert FederationStopped();
        uint256 deadline = block.timestamp + _commitSeconds;
        _round = Round({
            number: round.number + 1,
            deadline: uint40(deadline),
            committed: 0,
            revealed: 0,
            cursor: 0,
            phase: Phase.Commit,
            stopped: false
        });
        totalSamples = 0;
        normSquared = 0;
        emit RoundOpened(round.number + 1, deadline);
    }

    /// @inheritdoc IAggregator
    function commit(bytes32 commitment) external {
        Round memory round = _inTime(Phase.Commit);
        if (commitment == 0) revert ZeroCommitment(msg.sender);
        Entry storage entry = _entries[msg.sender];
        if (entry.round == round.number) revert AlreadyCommitted(msg.sender, round.number);

        uint32 samples = registry.eligibleSamples(msg.sender);
        _entries[msg.sender] =
            Entry({ commitment: commitment, round: round.number, samples: samples, revealed: false, score: 0 });
        if (round.committed == _participants.length) _participants.push(msg.sender);
        else _participants[round.committed] = msg.sender;
        round.committed += 1;
        emit Committed(round.number, msg.sender, commitment);

        if (round.committed == _capacity) _openReveal(round);
        _round = round;
    }

    /// @inheritdoc IAggregator
    function reveal(int64[] calldata update, bytes32 salt) external {
        Round memory round = _inTime(Phase.Reveal);
        Entry storage entry = _entries[msg.sender];
        if (entry.round != round.number) revert NotCommitted(msg.sender, round.number);
        if (entry.revealed) revert AlreadyRevealed(msg.sender, round.number);
        if (update.length != _parameters) revert WrongLength(update.length, _parameters);

        bytes32 digest = keccak256(abi.encodePacked(update));
        bytes32 opened = commitmentOf(round.number, msg.sender, digest, salt);
        if (opened != entry.commitment) revert CommitmentMismatch(entry.commitment, opened);
        address first = _firstRevealer[digest];
        if (first != address(0)) revert CopiedUpdate(digest, first);
        for (uint256 j; j < update.length; ++j) {
            int256 value = update[j];
            if (value > _bound || value < -_bound) revert ValueOutOfBounds(j, value, uint256(_bound));
        }

        _firstRevealer[digest] = msg.sender;
        _updates[msg.sender] = update;
        entry.revealed = true;
        totalSamples += entry.samples;
        round.revealed += 1;
        emit Revealed(round.number, msg.sender, entry.samples, digest);

        if (round.revealed == round.committed) _openAggregation(round);
        _round = round;
    }

    /// @inheritdoc IAggregator
    function advance() external {
        Round memory round = _round;
        if (round.phase != Phase.Commit && round.phase != Phase.Reveal) revert WrongPhase(round.phase, Phase.Commit);
        if (block.timestamp < round.deadline) revert TooEarly(block.timestamp, round.deadline);
        if (round.phase == Phase.Commit) _openReveal(round);
        else _openAggregation(round);
        _round = round;
    }

    /// @inheritdoc IAggregator
    function aggregate(uint256 count) external {
        Round memory round = _in(Phase.Aggregate);
        if (count == 0) revert ZeroCount();
        uint256 from = round.cursor;
        uint256 left = _parameters - from;
        // Whole slots, so that `from` stays a multiple of 4. The division is there to lose what it loses.
        // slither-disable-next-line divide-before-multiply
        uint256 size = count < left ? (count + 3) / 4 * 4 : left;
        if (size > left) size = left;

        normSquared += _average(_weightedSums(round.committed, from, size), from);
        round.cursor = uint32(from + size);
        if (round.cursor == _parameters) {
            (round.phase, round.cursor) = (Phase.Score, 0);
            emit Aggregated(round.number, normSquared);
        }
        _round = round;
    }

    /// @inheritdoc IAggregator
    function score(uint256 count) external {
        Round memory round = _in(Phase.Score);
        if (count == 0) revert ZeroCount();
        int256[] memory g = new int256[](_parameters);
        int256[] memory update = new int256[](_parameters);
        _globalUpdate.readInto(0, g);
        int256 total = int256(totalSamples);

        uint256 left = round.committed - round.cursor;
        uint256 end = round.cursor + (count < left ? count : left); // no count is too large: "all" may be 2^256 − 1
        for (uint256 i = round.cursor; i < end; ++i) {
            address client = _participants[i];
            Entry storage entry = _entries[client];
            if (!entry.revealed) continue;
            _updates[client].readInto(0, update);
            // Signed division truncates toward zero. |S_i| ≤ P·bound² < 2^32 · 2^88, so the cast is safe.
            int256 value = int256(uint256(entry.samples)) * _dot(update, g) / total;
            entry.score = int128(value);
            emit Scored(round.number, client, value);
        }
        round.cursor = uint32(end);
        if (end == round.committed) {
            (round.phase, round.cursor) = (Phase.Settle, 0);
            emit RoundScored(round.number);
        }
        _round = round;
    }

    /// @inheritdoc IAggregator
    function closeRound() external {
        if (msg.sender != rewardPool) revert NotRewardPool(msg.sender, rewardPool);
        Round memory round = _in(Phase.Settle);
        _round.phase = Phase.Idle;
        emit RoundClosed(round.number);
    }

    /// @inheritdoc IAggregator
    function stop() external {
        if (msg.sender != publisher) revert NotPublisher(msg.sender, publisher);
        _round.stopped = true;
        emit Stopped(_round.number);
    }

    // ----------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IAggregator
    function config() external view returns (Config memory) {
        return Config({
            parameters: uint32(_parameters),
            capacity: uint32(_capacity),
            minimum: uint32(_minimum),
            commitSeconds: uint32(_commitSeconds),
            revealSeconds: uint32(_revealSeconds),
            bound: uint64(uint256(_bound))
        });
    }

    /// @inheritdoc IAggregator
    function currentRound() external view returns (Round memory) {
        return _round;
    }

    /// @inheritdoc IAggregator
    function lastClosedRound() external view returns (uint256) {
        return _round.phase == Phase.Idle ? _round.number : _round.number - 1;
    }

    /// @inheritdoc IAggregator
    function participants() external view returns (address[] memory list) {
        list = new address[](_round.committed);
        for (uint256 i; i < list.length; ++i) {
            list[i] = _participants[i];
        }
    }

    /// @inheritdoc IAggregator
    function participantAt(uint256 index) external view returns (address) {
        return _participants[index];
    }

    /// @inheritdoc IAggregator
    function entryOf(address client) external view returns (Entry memory entry) {
        entry = _entries[client];
        if (entry.round != _round.number) delete entry;
    }

    /// @inheritdoc IAggregator
    function updateOf(address client) external view returns (int64[] memory) {
        return _updates[client];
    }

    /// @inheritdoc IAggregator
    function globalUpdate() external view returns (int64[] memory) {
        return _globalUpdate;
    }

    /// @inheritdoc IAggregator
    function model() external view returns (int64[] memory) {
        return _model;
    }

    /// @inheritdoc IAggregator
    function commitmentOf(uint256 round, address client, bytes32 digest, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), round, client, digest, salt));
    }

    // ------------------------------------------------------------------------------------------------ the arithmetic

    /// @dev Σ_i n_i·v_ij for j in [from, from + size), over the clients that revealed. Clients in the outer loop: each
    /// one's slots are read once, in order, into one buffer.
    /// No sum overflows: |v_ij| ≤ 2^44, n_i < 2^32, at most 2^32 clients, and 2^108 is far from 2^255.
    function _weightedSums(uint256 clients, uint256 from, uint256 size) private view returns (int256[] memory sums) {
        sums = new int256[](size);
        int256[] memory update = new int256[](size);
        for (uint256 i; i < clients; ++i) {
            address client = _participants[i];
            Entry storage entry = _entries[client];
            if (!entry.revealed) continue;
            int256 samples = int256(uint256(entry.samples));
            _updates[client].readInto(from, update);
            unchecked {
                for (uint256 j; j < size; ++j) {
                    sums[j] += samples * update[j];
                }
            }
        }
    }

    /// @dev Divide by N (toward zero), store the page of g, add it to the model, return the page's share of ‖g‖².
    function _average(int256[] memory sums, uint256 from) private returns (uint256 square) {
        int256 total = int256(totalSamples);
        int256[] memory parameters = new int256[](sums.length);
        _model.readInto(from, parameters);
        for (uint256 j; j < sums.length; ++j) {
            // A mean of values within the bound is within the bound: it fits int64. The norm is that of the rounded mean.
            // slither-disable-next-line divide-before-multiply
            int256 mean = sums[j] / total;
            int256 parameter = parameters[j] + mean;
            if (parameter > type(int64).max || parameter < type(int64).min) revert ModelOverflow(from + j, parameter);
            (sums[j], parameters[j]) = (mean, parameter);
            square += uint256(mean * mean);
        }
        _globalUpdate.writeFrom(from, sums);
        _model.writeFrom(from, parameters);
    }

    /// @dev Σ_j a_j·b_j. Unchecked: |a_j|, |b_j| ≤ 2^44 and at most 2^32 entries, so |Σ| ≤ 2^120.
    function _dot(int256[] memory a, int256[] memory b) private pure returns (int256 sum) {
        unchecked {
            for (uint256 j; j < a.length; ++j) {
                sum += a[j] * b[j];
            }
        }
    }

    // ----------------------------------------------------------------------------------------------------- transitions

    function _in(Phase required) private view returns (Round memory round) {
        round = _round;
        if (round.phase != required) revert WrongPhase(round.phase, required);
    }

    function _inTime(Phase required) private view returns (Round memory round) {
        round = _in(required);
        if (block.timestamp >= round.deadline) revert DeadlinePassed(block.timestamp, round.deadline);
    }

    /// @dev Changes `round` in memory; the caller stores it.
    function _openReveal(Round memory round) private {
        if (round.committed < _minimum) {
            _void(round, round.committed, _minimum);
            round.committed = 0; // nobody had a chance to reveal, so nobody took part and nobody can be blamed
            return;
        }
        round.phase = Phase.Reveal;
        round.deadline = uint40(block.timestamp + _revealSeconds);
        emit RevealOpened(round.number, round.committed, round.deadline);
    }

    /// @dev Changes `round` in memory; the caller stores it.
    function _openAggregation(Round memory round) private {
        if (round.revealed == 0) return _void(round, 0, 1); // one update has an average
        round.phase = Phase.Aggregate;
        emit AggregationOpened(round.number, round.revealed, totalSamples);
    }

    /// @dev A void round skips averaging and scoring: nobody has a score, and settling it pays nothing.
    function _void(Round memory round, uint256 clients, uint256 needed) private {
        emit RoundVoid(round.number, round.phase, clients, needed);
        round.phase = Phase.Settle;
    }
}
// slither-disable-end timestamp,incorrect-equality
