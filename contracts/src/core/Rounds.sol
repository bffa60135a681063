// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator, MAX_CAPACITY, MAX_PARAMETERS } from "./IAggregator.sol";
import { IClientRegistry } from "./IClientRegistry.sol";
import { Int64Vector } from "./Int64Vector.sol";

// Slither takes whatever comes out of the slot of `_round` for a time, since a deadline is in it. Phases and counters are
// compared with `==` because they are exact; deadlines lie minutes apart, and a proposer can shift a block by seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Rounds
/// @notice What an aggregator keeps, how a round goes from phase to phase, and what can be read.
/// @dev Storage is a buffer, not an archive: a client's update and entry are overwritten in its next round (5,000 gas a
/// slot instead of 22,100). The history is in the events, that of the updates in the input of the calls that revealed them,
/// which where a contract made one is in a trace only.
/// Nobody can shorten what was announced: commitments are taken until their deadline, whoever has committed by then, and
/// a phase's steps are taken only in blocks later than the one in which it began (a settlement may begin at once, and
/// ends in a later one). So a round takes `commitSeconds` at least, during which clients in good standing can join it, as
/// long as it has a place, or one of a client with fewer samples.
abstract contract Rounds is IAggregator {
    using Int64Vector for int64[];

    /// @inheritdoc IAggregator
    IClientRegistry public immutable registry;
    /// @inheritdoc IAggregator
    address public immutable rewardPool;
    /// @inheritdoc IAggregator
    address public immutable publisher;

    uint256 internal immutable _parameters;
    uint256 internal immutable _capacity;
    uint256 internal immutable _minimum;
    uint256 internal immutable _minimumSamples;
    uint256 internal immutable _commitSeconds;
    uint256 internal immutable _revealSeconds;
    int256 internal immutable _bound;
    bool internal immutable _clipped;

    Round internal _round;
    /// @dev Samples revealed in this round; number of the last round before it that was not void.
    uint64 internal _samples;
    uint40 internal _numberBefore;
    uint64 internal _clipNorm;
    /// @inheritdoc IAggregator
    uint256 public normSquared;

    /// @dev The first `_round.committed` elements are this round's; what follows is left over from a larger round, or, in a round
    /// that is void for want of commitments, from its own.
    address[] internal _participants;
    mapping(address client => Entry) internal _entries;
    mapping(address client => int64[]) internal _updates;
    int64[] internal _globalUpdate;
    int64[] internal _model;
    /// @inheritdoc IAggregator
    mapping(uint256 round => uint256 samples) public samplesOf;

    /// @param registry_ The federation's registry.
    /// @param rewardPool_ Address at which the reward pool is going to be deployed.
    /// @param publisher_ Who may stop the federation.
    /// @param config_ See `Config`.
    constructor(IClientRegistry registry_, address rewardPool_, address publisher_, Config memory config_) {
        if (config_.parameters == 0 || config_.parameters > MAX_PARAMETERS) {
            revert BadConfig("parameters", config_.parameters);
        }
        if (config_.minimum == 0) revert BadConfig("minimum", 0);
        if (config_.minimumSamples == 0) revert BadConfig("minimumSamples", 0);
        if (config_.capacity < config_.minimum || config_.capacity > MAX_CAPACITY) {
            revert BadConfig("capacity", config_.capacity);
        }
        if (config_.commitSeconds < 2) revert BadConfig("commitSeconds", config_.commitSeconds);
        if (config_.revealSeconds < 2) revert BadConfig("revealSeconds", config_.revealSeconds);
        // |S_i| ≤ P · bound² ≤ 2^108 fits `Entry.score`, ‖v_i‖ ≤ √P · bound ≤ 2^54 fits `Entry.norm`.
        if (config_.bound == 0 || config_.bound > 1 << 44) revert BadConfig("bound", config_.bound);
        // Else a client could leave during a round, take its stake, and stand in the same round a second time with it.
        uint256 longest = uint256(config_.commitSeconds) + config_.revealSeconds;
        if (registry_.coolDown() <= longest) revert BadConfig("coolDown", registry_.coolDown());
        registry = registry_;
        // slither-disable-next-line missing-zero-check
        rewardPool = rewardPool_; // deployed after this contract: nothing to check yet
        // slither-disable-next-line missing-zero-check
        publisher = publisher_; // zero: nobody can stop the federation, or take back what is left of its pot
        _parameters = config_.parameters;
        _capacity = config_.capacity;
        _minimum = config_.minimum;
        _minimumSamples = config_.minimumSamples;
        _commitSeconds = config_.commitSeconds;
        _revealSeconds = config_.revealSeconds;
        _bound = int256(uint256(config_.bound));
        _clipped = config_.clipped;
        _globalUpdate.resize(config_.parameters);
        _model.resize(config_.parameters);
    }

    // -------------------------------------------------------------------------------------------------- a round's life

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
            stopped: false,
            isVoid: false,
            since: uint40(block.timestamp)
        });
        if (!round.isVoid) _numberBefore = round.number;
        _samples = 0;
        _clipNorm = 0;
        normSquared = 0;
        emit RoundOpened(round.number + 1, deadline);
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
    function closeRound() external {
        if (msg.sender != rewardPool) revert NotRewardPool(msg.sender, rewardPool);
        Round memory round = _in(Phase.Settle);
        _enter(round, Phase.Idle);
        _round = round;
        if (!round.isVoid) samplesOf[round.number] = _samples;
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
            minimumSamples: uint32(_minimumSamples),
            commitSeconds: uint32(_commitSeconds),
            revealSeconds: uint32(_revealSeconds),
            bound: uint64(uint256(_bound)),
            clipped: _clipped
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
        // Of a round void for want of commitments nobody is a part, whoever had committed to it.
        if (entry.round != _round.number || _round.committed == 0) delete entry;
    }

    /// @inheritdoc IAggregator
    function totalSamples() external view returns (uint256) {
        return _samples;
    }

    /// @inheritdoc IAggregator
    function presentSamples() external view returns (uint256) {
        return samplesOf[_round.phase == Phase.Idle && !_round.isVoid ? _round.number : _numberBefore];
    }

    /// @inheritdoc IAggregator
    function clipNorm() external view returns (uint256) {
        return _clipNorm;
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

    // ----------------------------------------------------------------------------------------------------- transitions

    function _in(Phase required) internal view returns (Round memory round) {
        round = _round;
        if (round.phase != required) revert WrongPhase(round.phase, required);
        if (block.timestamp <= round.since && required != Phase.Idle) {
            revert TooEarly(block.timestamp, round.since + 1);
        }
    }

    function _inTime(Phase required) internal view returns (Round memory round) {
        round = _in(required);
        if (block.timestamp >= round.deadline) revert DeadlinePassed(block.timestamp, round.deadline);
    }

    /// @dev These change `round` in memory; the caller stores it.
    function _enter(Round memory round, Phase phase) internal view {
        (round.phase, round.cursor, round.since) = (phase, 0, uint40(block.timestamp));
    }

    function _openReveal(Round memory round) private {
        if (round.committed < _minimum) {
            _void(round, round.committed, _minimum);
            round.committed = 0; // nobody had a chance to reveal, so nobody took part and nobody can be blamed
            return;
        }
        _enter(round, Phase.Reveal);
        round.deadline = uint40(block.timestamp + _revealSeconds);
        emit RevealOpened(round.number, round.committed, round.deadline);
    }

    function _openAggregation(Round memory round) internal {
        if (round.revealed == 0) return _void(round, 0, 1); // one update has an average
        if (_samples < _minimumSamples) return _void(round, _samples, _minimumSamples);
        _enter(round, Phase.Aggregate);
        emit AggregationOpened(round.number, round.revealed, _samples);
    }

    /// @dev A void round skips averaging and scoring: nobody has a score, and settling it pays nothing.
    function _void(Round memory round, uint256 found, uint256 needed) private {
        emit RoundVoid(round.number, round.phase, found, needed);
        _enter(round, Phase.Settle);
        round.isVoid = true;
    }
}
// slither-disable-end timestamp,incorrect-equality
