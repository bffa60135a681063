// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Committee } from "./Committee.sol";
import { IRelayedRung } from "./IRelayedRung.sol";
import { IRung } from "./IRung.sol";
import { ENVELOPE, MAX_TRANSACTION, Rung } from "./Rung.sol";
import { FIELD } from "./Bls.sol";
import { RoundProof } from "./RoundProof.sol";

// Rounds, bits and digests are compared with `==` because they are exact; a window is many blocks long, and a proposer can
// shift one by seconds. The payload is read where it lies, for which Solidity has no word.
// slither-disable-start timestamp,incorrect-equality,assembly

/// @title Rung 7: a round is one transaction, whoever brings it
/// @notice See `IRelayedRung`. Of P the gas does not depend, as long as a client's update is a single chunk.
/// @dev A transaction for a round that is over, or for one that may not be closed yet, is refused before anything is computed.
contract Rung7Relayed is Committee, RoundProof {
    uint256 private constant MINUS_128 = FIELD - 128;

    bytes32 private _standing; // in the form of `resultDigest`, which it becomes

    constructor(
        Config memory config_,
        RelayTerms memory terms_,
        Setup memory setup_,
        address[] memory accounts,
        uint16[] memory weights
    ) Rung(config_, accounts, weights) Committee(terms_, accounts) RoundProof(setup_, config_.parameters) {
        // what is always there, and of each client its points, score, weight, address, signature or a third of a key
        uint256 bytes_ = 1_536 + 32 * _points + accounts.length * (96 * _points + 160);
        if (bytes_ > MAX_TRANSACTION - ENVELOPE) revert RungBadConfig("clients", accounts.length);
    }

    // ------------------------------------------------------------------------------------------------------------- a round

    /// @inheritdoc IRung
    function work(uint256 round, bytes calldata payload) external {
        Round memory current = _in(round, Phase.Open);
        if (current.submitted != 0 && block.timestamp < current.closesAt) {
            revert RungWindowOpen(block.timestamp, current.closesAt);
        }
        Closing calldata closing;
        assembly ("memory-safe") {
            // abi.encode(closing) begins with the closing's offset; Solidity checks all accesses through `closing`.
            closing := add(payload.offset, calldataload(payload.offset))
        }
        (uint256 present, bytes32 who, bytes memory key) = _admit(closing);
        uint256[] memory list = _indices(present);
        bytes32 message = _check(round, list, who, key, closing);
        if (current.submitted != 0) _settle(current);
        _stand(current, present, message, _spread(list, _scoresOf(closing.scores)));
    }

    /// @inheritdoc IRung
    function openRound() external view override(IRung, Rung) {
        revert RungAlwaysOpen(_round.number);
    }

    /// @inheritdoc IRung
    function submit(uint256, bytes calldata) external view {
        revert RungAlwaysOpen(_round.number);
    }

    /// @inheritdoc IRelayedRung
    function finalize(uint256 round) external {
        Round memory current = _round;
        _checkStanding(current, round);
        if (block.timestamp < current.closesAt) revert RungWindowOpen(block.timestamp, current.closesAt);
        _settle(current);
        (_round.finished, _round.submitted) = (uint24(round), 0); // it is one less than the current one's number
    }

    /// @inheritdoc IRelayedRung
    function proveFault(uint256 round, Fault calldata fault) external {
        Round memory current = _round;
        _checkStanding(current, round);
        if (block.timestamp >= current.closesAt) revert RungNothingStands(round);
        bytes32 clients = keccak256(abi.encodePacked(fault.accounts));
        bytes32 message = _messageOf(round, clients, _recordsOf(fault.weights, fault.digests));
        bytes32 given = _digestResult(message, fault.scoresDigest);
        if (given != _standing) revert RungOtherResult(given, _standing);
        uint256 client = _clientOf(fault.accounts[fault.place]);
        if (fault.points.length != 96 * _points || keccak256(fault.points) != fault.digests[fault.place]) {
            revert RungOtherResult(keccak256(fault.points), fault.digests[fault.place]);
        }
        _checkFault(fault);
        _round.submitted = 0;
        _expel(client);
        emit FaultProven(round, client, msg.sender, fault.position);
        emit RoundVoid(round);
    }

    // ------------------------------------------------------------------------------------------------------------ readers

    /// @inheritdoc IRung
    function currentRound() external view override(IRung, Rung) returns (Round memory round) {
        round = _round;
        if (_isFinal(round)) (round.finished, round.submitted) = (round.number - 1, 0);
    }

    /// @inheritdoc IRung
    function resultDigest() external view override(IRung, Rung) returns (bytes32) {
        return _isFinal(_round) ? _standing : _result;
    }

    /// @inheritdoc IRelayedRung
    function messageOf(bytes32 clients, bytes32 records) external view returns (bytes32) {
        return _messageOf(_round.number, clients, records);
    }

    // -------------------------------------------------------------------------------------------------------- transitions

    /// @dev Refuse what is not signed by the members in `list`, or not proven.
    /// @return message m.
    function _check(
        uint256 round,
        uint256[] memory list,
        bytes32 who,
        bytes memory key,
        Closing calldata closing
    ) private view returns (bytes32 message) {
        uint256 n = list.length;
        uint256 size = 96 * _points;
        if (closing.points.length != n * size) revert RungWrongLength(closing.points.length, n * size);
        _checkPoints(closing.points, n);
        uint256[] memory weights = new uint256[](n);
        bytes32[] memory digests = new bytes32[](n);
        for (uint256 i; i < n; ++i) {
            weights[i] = uint16(bytes2(closing.weights[2 * list[i]:]));
            digests[i] = _digestOf(closing.points, i);
        }
        message = _messageOf(round, who, _recordsOf(weights, digests));
        bytes memory pair = _authenticate(message, who, key, closing.signatures, n);
        Challenges memory c = _draw(message, closing.scores, msg.sender, closing.proof, !_ecdsa);
        Progress memory progress;
        _fold(c, progress, weights, closing.scores, closing.proof, closing.points);
        _pair(c, progress.sum, closing.proof, pair);
    }

    /// @dev What else the points have to be.
    function _checkPoints(bytes calldata points, uint256 n) internal view virtual { }

    /// @dev Note a final result; its round's slot is the caller's to write.
    function _settle(Round memory current) private {
        _result = _standing;
        emit Finished(current.number - 1, _result, new int256[](0)); // the scores are in `Relayed`
    }

    /// @dev A result stands from now on, and the next round is open.
    function _stand(Round memory current, uint256 present, bytes32 message, int256[] memory scores) private {
        _standing = _digestResult(message, keccak256(abi.encode(scores)));
        _round = Round({
            number: current.number + 1,
            finished: current.submitted != 0 ? current.number - 1 : current.finished,
            closesAt: uint40(block.timestamp + _windowSeconds),
            expiresAt: 0,
            submitted: uint120(present), // of at most 120 clients
            phase: Phase.Open
        });
        emit Relayed(current.number, msg.sender, message, scores);
        emit RoundOpened(current.number + 1);
    }

    /// @dev Refuse an entry that is allowed, or not the one committed to.
    function _checkFault(Fault calldata fault) private view {
        uint256 chunk = fault.position >> _logN;
        if (chunk >= _points) revert RungNoFault(fault.position, fault.value);
        bool allowed = fault.position < _parameters
            ? fault.value < 128 || fault.value >= MINUS_128 && fault.value < FIELD
            : fault.value == 0;
        if (allowed) revert RungNoFault(fault.position, fault.value);
        bytes calldata point = fault.points[96 * chunk:96 * (chunk + 1)];
        _checkEntry(point, fault.position & ((1 << _logN) - 1), fault.value, fault.opening);
    }

    function _checkStanding(Round memory current, uint256 round) private pure {
        if (current.submitted == 0 || round + 1 != current.number) revert RungNothingStands(round);
    }

    function _isFinal(Round memory round) private view returns (bool) {
        return round.submitted != 0 && block.timestamp >= round.closesAt;
    }

    function _scoresOf(bytes calldata packed) private pure returns (int256[] memory scores) {
        scores = new int256[](packed.length / 16);
        for (uint256 i; i < scores.length; ++i) {
            scores[i] = int128(uint128(bytes16(packed[16 * i:])));
        }
    }
}
// slither-disable-end timestamp,incorrect-equality,assembly
