// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";
import { LanePacked } from "./LanePacked.sol";

/// @dev Bytes of the largest transaction that public nodes pass on (128 KiB).
uint256 constant MAX_TRANSACTION = 131_072;
/// @dev How many of them to leave for what is not calldata: nonce, fees, addresses, signature.
uint256 constant ENVELOPE = 1_024;

// Slither takes whatever comes out of the slot of `_round` for a time, since deadlines are in it. Phases, counters and
// bits are compared with `==` because they are exact; deadlines lie minutes apart, and a proposer can shift a block by
// seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title What all rungs share: who takes part, rounds, deadlines, results
/// @dev Membership is fixed at deployment: registration and stakes are `ClientRegistry`'s business, commit–reveal is
/// `Aggregator`'s. Here only the cost of the data and of the arithmetic is at stake.
abstract contract Rung is IRung {
    /// @dev An account's slot. `held` is the deposits' on rungs 3, 4, 6 to 8, and zero on others.
    struct Member {
        uint16 indexPlusOne;
        uint16 weight;
        uint128 held;
    }

    /// @dev One bit a client in `Round.submitted`.
    uint256 internal constant MAX_CLIENTS = 120;

    uint256 internal immutable _parameters;
    uint256 internal immutable _members;
    uint256 private immutable _submitSeconds;
    uint256 internal immutable _workSeconds;

    address[] private _accounts;
    uint16[] private _weights;
    mapping(address account => Member) internal _memberOf;

    Round internal _round;
    bytes32 internal _result;

    constructor(Config memory config_, address[] memory accounts, uint16[] memory weights) {
        if (config_.parameters == 0) revert RungBadConfig("parameters", 0);
        if (config_.submitSeconds == 0) revert RungBadConfig("submitSeconds", 0);
        if (config_.workSeconds == 0) revert RungBadConfig("workSeconds", 0);
        uint256 n = accounts.length;
        if (n == 0 || n > MAX_CLIENTS) revert RungBadConfig("clients", n);
        if (weights.length != n) revert RungBadConfig("weights", weights.length);
        uint256 total;
        for (uint256 i; i < n; ++i) {
            if (weights[i] == 0) revert RungBadConfig("weight of client", i);
            if (_memberOf[accounts[i]].weight != 0) revert RungBadConfig("client listed twice", i);
            _memberOf[accounts[i]] = Member({ indexPlusOne: uint16(i + 1), weight: weights[i], held: 0 }); // i < 120
            total += weights[i];
        }
        if (total > LanePacked.MAX_TOTAL_WEIGHT) revert RungBadConfig("total weight", total);
        _accounts = accounts;
        _weights = weights;
        _members = n;
        _parameters = config_.parameters;
        _submitSeconds = config_.submitSeconds;
        _workSeconds = config_.workSeconds;
    }

    // ------------------------------------------------------------------------------------------------ a round's life

    /// @inheritdoc IRung
    function openRound() external virtual {
        _open();
    }

    /// @inheritdoc IRung
    function clients() external view returns (address[] memory accounts, uint256[] memory weights) {
        accounts = _accounts;
        weights = _weightsOf(_indices(type(uint120).max));
    }

    /// @inheritdoc IRung
    function config() external view returns (Config memory) {
        return Config({
            parameters: uint32(_parameters), submitSeconds: uint32(_submitSeconds), workSeconds: uint32(_workSeconds)
        });
    }

    /// @inheritdoc IRung
    function currentRound() external view virtual returns (Round memory) {
        return _round;
    }

    /// @inheritdoc IRung
    function resultDigest() external view virtual returns (bytes32) {
        return _result;
    }

    /// @dev The next round, if it may be opened.
    function _open() internal {
        Round memory round = _round;
        if (round.phase == Phase.Proposed) revert RungWrongPhase(round.phase, Phase.Idle);
        if (round.phase == Phase.Open) {
            uint256 end = round.submitted == 0 ? round.closesAt : round.expiresAt; // nothing to work on: no need to wait
            if (block.timestamp < end) revert RungNotExpired(block.timestamp, end);
            emit RoundVoid(round.number);
        }
        uint256 closesAt = block.timestamp + _submitSeconds;
        _round = Round({
            number: round.number + 1,
            finished: round.finished,
            closesAt: uint40(closesAt),
            expiresAt: uint40(closesAt + _workSeconds),
            submitted: 0,
            phase: Phase.Open
        });
        emit RoundOpened(round.number + 1);
    }

    /// @dev The caller's index, if it may submit to `number` now.
    function _enter(uint256 number) internal view returns (Round memory round, uint256 client) {
        round = _in(number, Phase.Open);
        Member memory member = _memberOf[msg.sender];
        if (member.weight == 0) revert RungNotClient(msg.sender);
        client = member.indexPlusOne - 1;
        if (round.submitted >> client & 1 == 1) revert RungAlreadySubmitted(client);
        if (block.timestamp >= round.closesAt) revert RungSubmissionsClosed(block.timestamp, round.closesAt);
    }

    /// @dev The client's submission is complete.
    function _complete(Round memory round, uint256 client) internal {
        _round.submitted = round.submitted | uint120(1 << client); // client < 120
        emit Submitted(round.number, client);
    }

    /// @dev The round, if submissions to `number` have closed and there are some.
    function _closed(uint256 number) internal view returns (Round memory round) {
        round = _in(number, Phase.Open);
        _checkClosed(round);
        if (round.submitted == 0) revert RungNobodySubmitted(number);
    }

    /// @dev Once this holds it holds for the round: nobody is left to submit, or it is too late.
    function _checkClosed(Round memory round) internal view {
        bool all = round.submitted == (uint256(1) << _members) - 1;
        if (!all && block.timestamp < round.closesAt) revert RungSubmissionsOpen(block.timestamp, round.closesAt);
    }

    function _in(uint256 number, Phase required) internal view returns (Round memory round) {
        round = _round;
        if (number != round.number) revert RungWrongRound(number, round.number);
        if (round.phase != required) revert RungWrongPhase(round.phase, required);
    }

    function _finish(Round memory round, bytes32 sums, int256[] memory scores) internal {
        _result = _digestResult(sums, keccak256(abi.encode(scores)));
        _close(round.number, sums, scores);
    }

    function _close(uint256 round, bytes32 sums, int256[] memory scores) internal {
        (_round.finished, _round.phase) = (uint24(round), Phase.Idle); // it is the current one's number
        emit Finished(round, sums, scores);
    }

    function _digestResult(bytes32 sums, bytes32 scores) internal pure returns (bytes32) {
        return keccak256(abi.encode(sums, scores));
    }

    // ------------------------------------------------------------------------------------------- chunks and clients

    function _chunks() internal view returns (uint256) {
        return (_parameters + LanePacked.CHUNK - 1) / LanePacked.CHUNK;
    }

    /// @dev Values in chunk k < `_chunks()`.
    function _valid(uint256 k) internal view returns (uint256) {
        uint256 left = _parameters - k * LanePacked.CHUNK;
        return left < LanePacked.CHUNK ? left : LanePacked.CHUNK;
    }

    /// @dev Bytes of a client's row of a chunk with `valid` values: whole words.
    function _stride(uint256 valid) internal pure returns (uint256) {
        // up to whole words: the division is there to lose what it loses
        // slither-disable-next-line divide-before-multiply
        return (valid + 31) / 32 * 32;
    }

    /// @dev Indices of the set bits of `mask`, ascending.
    function _indices(uint256 mask) internal view returns (uint256[] memory list) {
        list = new uint256[](_members);
        uint256 count;
        for (uint256 i; i < _members; ++i) {
            if (mask >> i & 1 == 1) list[count++] = i;
        }
        // Solidity has no word for a shorter array in the same memory.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            mstore(list, count) // shorten: count ≤ _members
        }
    }

    /// @dev Weights of the clients in `list`.
    function _weightsOf(uint256[] memory list) internal view returns (uint256[] memory weights) {
        weights = new uint256[](list.length);
        for (uint256 i; i < list.length; ++i) {
            weights[i] = _weights[list[i]];
        }
    }

    function _account(uint256 client) internal view returns (address) {
        return _accounts[client];
    }

    /// @dev The account's bit in `Round.submitted`, 0 if it is no client's.
    function _bitOf(address account) internal view returns (uint256) {
        uint256 indexPlusOne = _memberOf[account].indexPlusOne;
        return indexPlusOne == 0 ? 0 : 1 << (indexPlusOne - 1);
    }

    /// @dev `values`, one for each client in `list`, at those clients' places among all.
    function _spread(uint256[] memory list, int256[] memory values) internal view returns (int256[] memory all) {
        all = new int256[](_members);
        for (uint256 i; i < list.length; ++i) {
            all[list[i]] = values[i];
        }
    }
}
// slither-disable-end timestamp,incorrect-equality
