// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Arrays } from "@openzeppelin/contracts/utils/Arrays.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IAggregator, MAX_CAPACITY, MAX_PARAMETERS, PART } from "./IAggregator.sol";
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
/// No step needs more than the 16,777,216 gas of a transaction: what grows with P comes in pages of any size, and what
/// grows with the clients is bounded by `MAX_CAPACITY`.
/// Nobody can shorten what was announced: commitments are taken until their deadline, whoever has committed by then, and
/// a phase's steps are taken only in blocks later than the one in which it began. So a round takes `commitSeconds` at
/// least, during which every registered client can join it.
contract Aggregator is IAggregator {
    using Int64Vector for int64[];

    /// @dev Lengths of clipped updates count in 10^-9 of their own.
    uint256 private constant CLIP_SCALE = 1e9;

    /// @dev Who revealed an update first, and the round in which it was last revealed; one slot a digest.
    struct Seen {
        address client;
        uint40 round;
    }

    /// @dev How far a reveal in parts has come.
    struct Parts {
        bytes32 digest;
        uint128 square;
        uint40 round;
        uint32 entries;
    }

    /// @inheritdoc IAggregator
    IClientRegistry public immutable registry;
    /// @inheritdoc IAggregator
    address public immutable rewardPool;
    /// @inheritdoc IAggregator
    address public immutable publisher;

    uint256 private immutable _parameters;
    uint256 private immutable _capacity;
    uint256 private immutable _minimum;
    uint256 private immutable _minimumSamples;
    uint256 private immutable _commitSeconds;
    uint256 private immutable _revealSeconds;
    int256 private immutable _bound;
    bool private immutable _clipped;

    Round private _round;
    /// @dev Samples revealed in this round; samples and number of the last round before it that was not void.
    uint64 private _samples;
    uint64 private _samplesBefore;
    uint40 private _numberBefore;
    uint64 private _clipNorm;
    /// @inheritdoc IAggregator
    uint256 public normSquared;
    /// @dev What the pages so far give of the inner product that `score` is at.
    int256 private _product;

    /// @dev The first `_round.committed` elements are this round's; what follows is left over from a larger round.
    address[] private _participants;
    mapping(address client => Entry) private _entries;
    mapping(address client => int64[]) private _updates;
    mapping(address client => Parts) private _parts;
    mapping(bytes32 digest => Seen) private _seen;
    int64[] private _globalUpdate;
    int64[] private _model;

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
        if (config_.commitSeconds == 0) revert BadConfig("commitSeconds", 0);
        if (config_.revealSeconds == 0) revert BadConfig("revealSeconds", 0);
        // |S_i| ≤ P · bound² ≤ 2^108 fits `Entry.score`, ‖v_i‖ ≤ √P · bound ≤ 2^54 fits `Entry.norm`.
        if (config_.bound == 0 || config_.bound > 1 << 44) revert BadConfig("bound", config_.bound);
        registry = registry_;
        // slither-disable-next-line missing-zero-check
        rewardPool = rewardPool_; // deployed after this contract: nothing to check yet
        // slither-disable-next-line missing-zero-check
        publisher = publisher_; // zero would be a federation that nobody can stop
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
            stopped: false,
            isVoid: false,
            since: uint40(block.timestamp)
        });
        if (!round.isVoid) (_samplesBefore, _numberBefore) = (_samples, round.number);
        _samples = 0;
        _clipNorm = 0;
        normSquared = 0;
        emit RoundOpened(round.number + 1, deadline);
    }

    /// @inheritdoc IAggregator
    function commit(bytes32 commitment) external {
        Round memory round = _inTime(Phase.Commit);
        if (round.committed == _capacity) revert RoundFull(round.number, _capacity);
        _join(round.number, commitment);
        if (round.committed == _participants.length) _participants.push(msg.sender);
        else _participants[round.committed] = msg.sender;
        round.committed += 1;
        _round = round;
    }

    /// @inheritdoc IAggregator
    function commitInstead(bytes32 commitment, uint256 place) external {
        Round memory round = _inTime(Phase.Commit);
        if (round.committed < _capacity) revert RoundHasRoom(round.number, round.committed, _capacity);
        if (place >= _capacity) revert NoSuchPlace(place, _capacity);
        address other = _participants[place];
        uint32 theirs = _entries[other].samples;
        uint32 samples = _join(round.number, commitment);
        if (samples <= theirs) revert NotMoreSamples(samples, theirs);
        _entries[other].round = 0; // the rest stays: who comes back writes over it, for less than into an empty slot
        _participants[place] = msg.sender;
        emit Displaced(round.number, other, msg.sender);
    }

    /// @inheritdoc IAggregator
    function reveal(int64[] calldata update, bytes32 salt) external {
        (Round memory round, Entry storage entry) = _revealing();
        if (update.length != _parameters || update.length > PART) revert WrongLength(update.length, _parameters);
        uint256 square = _keep(0, update);
        _open(round, entry, keccak256(abi.encodePacked(update)), salt, square);
    }

    /// @inheritdoc IAggregator
    function revealPart(uint256 from, int64[] calldata values, bytes32 salt) external {
        (Round memory round, Entry storage entry) = _revealing();
        Parts memory parts = _parts[msg.sender];
        if (parts.round != round.number || from == 0) parts = Parts(0, 0, round.number, 0);
        if (from != parts.entries) revert WrongPart(from, parts.entries);
        uint256 left = _parameters - from;
        if (values.length != (left < PART ? left : PART)) revert WrongLength(values.length, left < PART ? left : PART);
        bytes32 digest = keccak256(abi.encodePacked(values));
        parts.digest = from == 0 ? digest : keccak256(abi.encode(parts.digest, digest));
        parts.square += uint128(_keep(from, values)); // P · bound² ≤ 2^108
        parts.entries += uint32(values.length);
        _parts[msg.sender] = parts;
        if (values.length == left) _open(round, entry, parts.digest, salt, parts.square);
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
        if (_clipped && from == 0) _clipNorm = _medianNorm(round);
        uint256 left = _parameters - from;
        // Whole slots, so that `from` stays a multiple of 4. The division is there to lose what it loses.
        // slither-disable-next-line divide-before-multiply
        uint256 size = count < left ? (count + 3) / 4 * 4 : left;
        if (size > left) size = left;

        normSquared += _average(_weightedSums(round.committed, from, size), from);
        round.cursor = uint32(from + size);
        if (round.cursor == _parameters) {
            _enter(round, Phase.Score);
            emit Aggregated(round.number, normSquared);
        }
        _round = round;
    }

    /// @inheritdoc IAggregator
    function score(uint256 count) external {
        Round memory round = _in(Phase.Score);
        if (count == 0) revert ZeroCount();
        uint256 all = round.committed * _parameters;
        uint256 cursor = round.cursor;
        uint256 end = count < all - cursor ? cursor + count : all; // no count is too large: "all" may be 2^256 − 1
        int256[] memory g;
        int256[] memory update;
        while (cursor < end) {
            address client = _participants[cursor / _parameters];
            Entry storage entry = _entries[client];
            // an entry's place within its client: nothing is drawn
            // slither-disable-next-line weak-prng
            uint256 from = cursor % _parameters;
            uint256 size = _parameters - from;
            if (!entry.revealed) {
                cursor += size;
                continue;
            }
            if (end - cursor < size) {
                // Less than what is left of this client, in whole slots. The division is there to lose what it loses.
                // slither-disable-next-line divide-before-multiply
                uint256 whole = (end - cursor + 3) / 4 * 4;
                if (whole < size) size = whole;
            }
            if (from != 0 || size != g.length) {
                (g, update) = (new int256[](size), new int256[](size));
                _globalUpdate.readInto(from, g);
            }
            _updates[client].readInto(from, update);
            int256 product = _dot(update, g);
            if (from != 0) {
                product += _product;
                delete g; // holds a part
            }
            cursor += size;
            // written once a page at most: only the last client of a page can be left unfinished
            // slither-disable-next-line costly-loop
            if (from + size < _parameters) _product = product;
            else _score(round.number, client, entry, product);
        }
        round.cursor = uint32(cursor);
        if (cursor == all) {
            _enter(round, Phase.Settle);
            emit RoundScored(round.number);
        }
        _round = round;
    }

    /// @inheritdoc IAggregator
    function closeRound() external {
        if (msg.sender != rewardPool) revert NotRewardPool(msg.sender, rewardPool);
        Round memory round = _in(Phase.Settle);
        _enter(round, Phase.Idle);
        _round = round;
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
        return _round.phase == Phase.Idle && !_round.isVoid ? _samples : _samplesBefore;
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

    /// @inheritdoc IAggregator
    function commitmentOf(uint256 round, address client, bytes32 digest, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), round, client, digest, salt));
    }

    // --------------------------------------------------------------------------------------- committing and revealing

    /// @dev The caller's entry in the round; its samples.
    function _join(uint40 round, bytes32 commitment) private returns (uint32 samples) {
        if (commitment == 0) revert ZeroCommitment(msg.sender);
        if (_entries[msg.sender].round == round) revert AlreadyCommitted(msg.sender, round);
        samples = registry.eligibleSamples(msg.sender);
        _entries[msg.sender] =
            Entry({ commitment: commitment, round: round, samples: samples, revealed: false, norm: 0, score: 0 });
        emit Committed(round, msg.sender, commitment);
    }

    /// @dev The round and the caller's entry, if it may reveal now.
    function _revealing() private view returns (Round memory round, Entry storage entry) {
        round = _inTime(Phase.Reveal);
        entry = _entries[msg.sender];
        if (entry.round != round.number) revert NotCommitted(msg.sender, round.number);
        if (entry.revealed) revert AlreadyRevealed(msg.sender, round.number);
    }

    /// @dev Check and store entries [from, from + values.length) of the caller's update; Σ of their squares.
    function _keep(uint256 from, int64[] calldata values) private returns (uint256 square) {
        int256[] memory checked = new int256[](values.length);
        for (uint256 j; j < values.length; ++j) {
            int256 value = values[j];
            if (value > _bound || value < -_bound) revert ValueOutOfBounds(from + j, value, uint256(_bound));
            checked[j] = value;
            unchecked {
                square += uint256(value * value); // ≤ 2^20 · 2^88
            }
        }
        int64[] storage update = _updates[msg.sender];
        if (update.length != _parameters) update.resize(_parameters);
        update.writeFrom(from, checked);
    }

    /// @dev The whole update has been shown: compare it with the commitment, and count it in.
    function _open(Round memory round, Entry storage entry, bytes32 digest, bytes32 salt, uint256 square) private {
        bytes32 opened = commitmentOf(round.number, msg.sender, digest, salt);
        if (opened != entry.commitment) revert CommitmentMismatch(entry.commitment, opened);
        // Nobody's work, and everybody's who did none: the second one to reveal it would be taken for a copier.
        if (square == 0) revert ZeroUpdate(msg.sender);
        // A copy is what another client revealed in this round, or since the last one that was not void. One's own repeats
        // are one's own affair, and who comes to the same update by honest work later is no copier. One digit more or less
        // makes another update: what that brings is for the score to say.
        Seen memory seen = _seen[digest];
        if (seen.client == address(0)) seen.client = msg.sender; // and stays: no copier makes its author one
        else if (seen.client != msg.sender && seen.round >= _numberBefore) revert CopiedUpdate(digest, seen.client);
        seen.round = round.number;
        _seen[digest] = seen;

        entry.revealed = true;
        if (_clipped) entry.norm = uint56(Math.sqrt(square)); // ≤ 2^54
        _samples += entry.samples;
        round.revealed += 1;
        emit Revealed(round.number, msg.sender, entry.samples, digest);

        if (round.revealed == round.committed) _openAggregation(round);
        _round = round;
    }

    // ------------------------------------------------------------------------------------------------ the arithmetic

    /// @dev w_i, with W = `_totalWeight()`.
    function _weightOf(Entry storage entry, uint256 clip) private view returns (int256) {
        uint256 samples = entry.samples;
        if (!_clipped) return int256(samples);
        uint256 norm = entry.norm; // ≥ 1, since the update is not zero
        // ⌊R/‖v_i‖ · 10^9⌋ is the definition: what the division loses, the weight is to lose
        // slither-disable-next-line divide-before-multiply
        return int256(samples * (norm > clip ? clip * CLIP_SCALE / norm : CLIP_SCALE));
    }

    function _totalWeight() private view returns (int256) {
        return int256(uint256(_samples) * (_clipped ? CLIP_SCALE : 1));
    }

    /// @dev R: the median length of the revealed updates, where every sample counts: the smallest of them such that updates
    /// not longer hold half of the samples. A median of clients would be for sale at one sample a client.
    function _medianNorm(Round memory round) private view returns (uint64) {
        uint256[] memory norms = new uint256[](round.revealed); // each above its samples, in one word
        uint256 found;
        for (uint256 i; i < round.committed; ++i) {
            Entry storage entry = _entries[_participants[i]];
            if (entry.revealed) norms[found++] = uint256(entry.norm) << 32 | entry.samples;
        }
        // sorts in place; what it returns is `norms` itself
        // slither-disable-next-line unused-return
        Arrays.sort(norms);
        uint256 samples;
        for (uint256 i; i < found; ++i) {
            samples += uint32(norms[i]);
            if (2 * samples >= _samples) return uint64(norms[i] >> 32);
        }
        return 0; // never: all of them hold all
    }

    /// @dev S_i from ⟨v_i, g⟩. Signed division truncates toward zero; |S_i| ≤ P · bound² ≤ 2^108, so the cast is safe.
    function _score(uint256 round, address client, Entry storage entry, int256 product) private {
        int256 value = _weightOf(entry, _clipNorm) * product / _totalWeight();
        entry.score = int112(value);
        emit Scored(round, client, value);
    }

    /// @dev Σ_i w_i·v_ij for j in [from, from + size), over the clients that revealed. Clients in the outer loop: each
    /// one's slots are read once, in order, into one buffer.
    /// No sum overflows: |v_ij| ≤ 2^44, w_i < 2^32 · 2^30, at most 2^8 clients, and 2^114 is far from 2^255.
    function _weightedSums(uint256 clients, uint256 from, uint256 size) private view returns (int256[] memory sums) {
        sums = new int256[](size);
        int256[] memory update = new int256[](size);
        uint256 clip = _clipNorm;
        for (uint256 i; i < clients; ++i) {
            address client = _participants[i];
            Entry storage entry = _entries[client];
            if (!entry.revealed) continue;
            int256 weight = _weightOf(entry, clip);
            _updates[client].readInto(from, update);
            unchecked {
                for (uint256 j; j < size; ++j) {
                    sums[j] += weight * update[j];
                }
            }
        }
    }

    /// @dev Divide by W (toward zero), store the page of g, add it to the model, return the page's share of ‖g‖².
    function _average(int256[] memory sums, uint256 from) private returns (uint256 square) {
        int256 total = _totalWeight();
        int256[] memory parameters = new int256[](sums.length);
        _model.readInto(from, parameters);
        for (uint256 j; j < sums.length; ++j) {
            // A mean of values within the bound is within the bound: it fits int64. The norm is that of the rounded mean.
            // slither-disable-next-line divide-before-multiply
            int256 mean = sums[j] / total;
            int256 parameter = parameters[j] + mean;
            // A revert would end the federation here, for want of one entry: it stays at the end of the range instead.
            if (parameter > type(int64).max) parameter = type(int64).max;
            else if (parameter < type(int64).min) parameter = type(int64).min;
            (sums[j], parameters[j]) = (mean, parameter);
            square += uint256(mean * mean);
        }
        _globalUpdate.writeFrom(from, sums);
        _model.writeFrom(from, parameters);
    }

    /// @dev Σ_j a_j·b_j. Unchecked: |a_j|, |b_j| ≤ 2^44 and at most 2^20 entries, so |Σ| ≤ 2^108.
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
        if (block.timestamp <= round.since && required != Phase.Idle) {
            revert TooEarly(block.timestamp, round.since + 1);
        }
    }

    function _inTime(Phase required) private view returns (Round memory round) {
        round = _in(required);
        if (block.timestamp >= round.deadline) revert DeadlinePassed(block.timestamp, round.deadline);
    }

    /// @dev These change `round` in memory; the caller stores it.
    function _enter(Round memory round, Phase phase) private view {
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

    function _openAggregation(Round memory round) private {
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
