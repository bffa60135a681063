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
    /// @dev Bits of `expiresAt`, which has no other use here: where in `_digests` the last result is, and whether it fell. That
    /// one's clients, but for those that are out for it, stay in `submitted` until `closesAt`, with their stakes: its other
    /// cheats are to pay as the first.
    uint40 private constant PLACE = 1;
    uint40 private constant FALLEN = 2;

    /// @dev In the form of `resultDigest`: of the last final result, and of the one that stands, or fell, or became final since by
    /// time alone. They are never 0: a round should not pay for new slots.
    bytes32[2] private _digests;

    constructor(
        Config memory config_,
        Terms memory terms_,
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
        bytes32 message = _check(round, present, who, key, closing);
        _stand(current, present, message, _scoresOf(present, closing.scores));
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
    function proveFault(uint256 round, Fault calldata fault) external {
        Round memory current = _round;
        _checkStanding(current, round);
        bytes32 who = keccak256(abi.encodePacked(fault.accounts));
        bytes32 message = _messageOf(round, who, _recordsOf(fault.weights, fault.digests));
        bytes32 given = _digestResult(message, fault.scoresDigest);
        bytes32 standing = _digests[current.expiresAt & PLACE];
        if (given != standing) revert RungOtherResult(given, standing);
        uint256 client = _clientOf(fault.accounts[fault.place]);
        if (current.submitted >> client & 1 == 0) revert RungAlreadyOut(client);
        bytes32 opened = keccak256(fault.points);
        if (opened != fault.digests[fault.place]) revert RungWrongData(client, opened, fault.digests[fault.place]);
        _checkFault(fault);
        (_round.submitted, _round.expiresAt) = (current.submitted & ~uint120(1 << client), current.expiresAt | FALLEN);
        _expel(client);
        if (current.expiresAt & FALLEN == 0) emit Fell(round);
        emit Excluded(round, client, msg.sender);
    }

    // ------------------------------------------------------------------------------------------------------------ readers

    /// @inheritdoc IRung
    function currentRound() external view override(IRung, Rung) returns (Round memory round) {
        round = _round;
        if (_isFinal(round)) (round.finished, round.submitted) = (round.number - 1, 0);
        if (round.expiresAt & FALLEN != 0) round.submitted = 0;
        round.expiresAt = 0;
    }

    /// @inheritdoc IRung
    function resultDigest() external view override(IRung, Rung) returns (bytes32) {
        Round memory round = _round;
        uint256 place = round.expiresAt & PLACE;
        if (_isFinal(round)) return _digests[place];
        return round.finished == 0 ? bytes32(0) : _digests[1 - place];
    }

    /// @inheritdoc IRelayedRung
    function answerable() external view returns (uint256) {
        return block.timestamp < _round.closesAt ? _round.submitted : 0;
    }

    /// @inheritdoc IRelayedRung
    function messageOf(bytes32 who, bytes32 records) external view returns (bytes32) {
        return _messageOf(_round.number, who, records);
    }

    // -------------------------------------------------------------------------------------------------------- transitions

    /// @dev Refuse what is not signed by the members that are present, or not proven.
    /// @return message m.
    function _check(uint256 round, uint256 present, bytes32 who, bytes memory key, Closing calldata closing)
        private
        view
        returns (bytes32 message)
    {
        uint256 n = _count(present);
        uint256 length = 96 * _points * n;
        if (closing.points.length != length) revert RungWrongLength(closing.points.length, length);
        _checkPoints(closing.points, n);
        uint256[] memory weights = new uint256[](n);
        message = _messageOf(round, who, _readRecords(present, closing.weights, closing.points, weights));
        bytes memory pair = _authenticate(message, who, key, closing.signatures, n);
        Challenges memory c = _draw(message, closing.scores, msg.sender, closing.proof, !_ecdsa);
        Progress memory progress;
        _fold(c, progress, weights, closing.scores, closing.proof, closing.points);
        _pair(c, progress.sum, closing.proof, pair);
    }

    function _seated() internal override {
        (_digests[0], _digests[1]) = (bytes32(uint256(1)), bytes32(uint256(1)));
    }

    /// @dev What else the points have to be.
    function _checkPoints(bytes calldata points, uint256 n) internal view virtual { }

    /// @dev The hash of the records of clients that are present, and their weights. Solidity equivalent, for the i-th of them,
    /// client k: weights[i] = uint16(bytes2(packed[2 * k:])); records = bytes.concat(records, bytes8(uint64(weights[i])),
    /// keccak256(points[size * i:size * (i + 1)])), with size = 96 * K
    /// @param weights With as many entries as are present, and `points` as many points; filled.
    function _readRecords(uint256 present, bytes calldata packed, bytes calldata points, uint256[] memory weights)
        private
        view
        returns (bytes32 digest)
    {
        uint256 size = 96 * _points;
        assembly ("memory-safe") {
            let records := mload(0x40) // not kept: the records, and behind them a client's points
            let record := records
            let scratch := add(records, mul(40, mload(weights)))
            let weight := add(weights, 0x20)
            let share := packed.offset
            let source := points.offset
            for { } present { present := shr(1, present) } {
                if and(present, 1) {
                    let w := shr(240, calldataload(share))
                    mstore(weight, w)
                    calldatacopy(scratch, source, size)
                    mstore(record, shl(192, w)) // 8 bytes; what follows is written over
                    mstore(add(record, 8), keccak256(scratch, size))
                    weight := add(weight, 0x20)
                    record := add(record, 40)
                    source := add(source, size)
                }
                share := add(share, 2)
            }
            digest := keccak256(records, sub(record, records))
        }
    }

    /// @dev A result stands from now on, and the next round is open. The one before, if it did not fall, is final: its digest stays
    /// where it is.
    function _stand(Round memory current, uint256 present, bytes32 message, int256[] memory scores) private {
        bool followed = current.submitted != 0 && current.expiresAt & FALLEN == 0;
        uint40 place = followed ? PLACE - current.expiresAt : current.expiresAt & PLACE;
        _digests[place] = _digestResult(message, keccak256(abi.encode(scores)));
        _round = Round({
            number: current.number + 1,
            finished: followed ? current.number - 1 : current.finished,
            closesAt: uint40(block.timestamp + _windowSeconds),
            expiresAt: place,
            submitted: uint120(present), // of at most 120 clients
            phase: Phase.Open
        });
        emit Proven(current.number, msg.sender, message, scores);
    }

    /// @dev Refuse an entry that is allowed, or not the one committed to.
    function _checkFault(Fault calldata fault) private view {
        uint256 end = _points << _logN;
        (uint256 position, uint256 value) = (fault.position, fault.value);
        if (position >= end) revert RungNoEntry(position, end);
        bool allowed = position < _parameters ? value < 128 || value >= FIELD - 128 : value == 0;
        if (allowed) revert RungNoFault(position, value);
        uint256 chunk = position >> _logN;
        _checkEntry(fault.points[96 * chunk:96 * (chunk + 1)], position - (chunk << _logN), value, fault.opening);
    }

    /// @dev Refuse a round of which nobody can lose a stake: its result is final, or there is none, or all in it are out.
    function _checkStanding(Round memory current, uint256 round) private view {
        bool over = current.submitted == 0 || block.timestamp >= current.closesAt;
        if (over || round + 1 != current.number) revert RungNothingStands(round);
    }

    function _isFinal(Round memory round) private view returns (bool) {
        return round.submitted != 0 && round.expiresAt & FALLEN == 0 && block.timestamp >= round.closesAt;
    }

    /// @dev Scores of all clients. Solidity equivalent, for the i-th that is present, client k:
    /// all[k] = int128(uint128(bytes16(packed[16 * i:]))), whose length the proof has seen.
    function _scoresOf(uint256 present, bytes calldata packed) private view returns (int256[] memory all) {
        all = new int256[](_members);
        assembly ("memory-safe") {
            let source := packed.offset
            for { let score := add(all, 0x20) } present { score := add(score, 0x20) } {
                if and(present, 1) {
                    mstore(score, sar(128, calldataload(source)))
                    source := add(source, 16)
                }
                present := shr(1, present)
            }
        }
    }
}
// slither-disable-end timestamp,incorrect-equality,assembly
