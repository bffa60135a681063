// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Bls } from "./Bls.sol";
import { IProvenRung } from "./IProvenRung.sol";
import { IRung } from "./IRung.sol";
import { OwnBlobs } from "./OwnBlobs.sol";
import { Rung } from "./Rung.sol";
import { Rung6Proven } from "./Rung6Proven.sol";
import { SealedRung } from "./SealedRung.sol";

// Rounds and bits are compared with `==` because they are exact; a window is many blocks long, and a proposer can shift one by
// seconds.
// slither-disable-start timestamp,incorrect-equality

/// @title Rung 8, a blob transaction a client: as rung 6, and who opens its seal brings the blob that it sealed
/// @notice `work` and `proveFault` are as on rung 6. A client opens its seal by `bring`, in a transaction with the blob whose
/// commitment its point is; `reveal` refuses. A proof counts nobody whose blob has not been there: as long as seals may be opened,
/// it waits for all. That time does not begin anew, whoever is put out: no fault keeps another client from opening its seal. To
/// save transactions, a result is final by time alone, as `resultDigest` and `currentRound` say, and ties up no stake from then on;
/// the first seal of the next round notes it and opens that round. `openRound` does both as well, and `finalize` notes it.
contract Rung8Revealed is Rung6Proven, OwnBlobs {
    /// @dev In a slot that holds nothing yet.
    bytes32 private constant USED = bytes32(uint256(1));

    /// @notice Whose blobs have not been there, a bit each.
    error RungNotRevealed(uint256 clients);
    error RungNeedsBlobs();

    constructor(
        Config memory config_,
        Terms memory terms_,
        Setup memory setup_,
        address[] memory accounts,
        uint16[] memory weights
    ) Rung6Proven(config_, terms_, setup_, accounts, weights) {
        if (setupDigest != CEREMONY) revert RungOtherSetup(setupDigest, CEREMONY);
        if (_points != 1) revert RungBadConfig("parameters", config_.parameters);
        // Slots that every round writes are new but once: that is paid for here, and by no round.
        _marks = uint256(type(uint24).max) << 2 * BITS; // of a round that never comes
        (_proposed, _result) = (USED, USED);
        for (uint256 i; i < accounts.length; ++i) {
            _seals[i] = USED;
        }
    }

    /// @inheritdoc SealedRung
    /// @dev The next round's first seal opens it, when the last one is over.
    function submit(uint256 round, bytes calldata payload) external override {
        if (round == uint256(_round.number) + 1) _next();
        _seal(round, payload);
    }

    /// @notice Open one's seal, in a transaction with the blob that was sealed.
    /// @param salt Of the seal.
    /// @param point The blob's commitment, 96 bytes.
    function bring(uint256 round, bytes32 salt, bytes calldata point) external {
        Round memory current = _closed(round);
        uint256 end = current.closesAt + _revealSeconds;
        if (block.timestamp >= end) revert RungRevealsClosed(block.timestamp, end);
        uint256 indexPlusOne = _memberOf[msg.sender].indexPlusOne;
        if (indexPlusOne == 0) revert RungNotClient(msg.sender);
        uint256 client = indexPlusOne - 1;
        Marks memory marks = _marksOf(current);
        _checkIn(current, marks, client);
        bytes32 digest = keccak256(point);
        _checkSeal(round, marks, client, msg.sender, salt, digest);
        _checkBlob(0, point);
        Bls.checkOnCurve(point); // what counts is in no transaction's sum before the proof, which it must not prevent
        _seals[client] = digest;
        marks.revealed |= 1 << client;
        _mark(current, marks);
        emit Revealed(round, 1 << client);
    }

    /// @notice Refused here: a seal is opened together with its blob.
    function reveal(uint256, Opening[] calldata) external pure override {
        revert RungNeedsBlobs();
    }

    /// @inheritdoc IRung
    function openRound() external override(IRung, Rung) {
        _next();
    }

    /// @inheritdoc IRung
    function currentRound() external view override(IRung, Rung) returns (Round memory round) {
        round = _round;
        if (_isFinal(round)) (round.finished, round.phase) = (round.number, Phase.Idle);
    }

    /// @inheritdoc IRung
    function resultDigest() external view override(IRung, Rung) returns (bytes32) {
        return _known(_isFinal(_round) ? _proposed : _result);
    }

    /// @inheritdoc IProvenRung
    function proposedDigest() external view override returns (bytes32) {
        return _known(_proposed);
    }

    /// @dev What is final stays, and so does the time to open seals: here each client opens its own, whatever becomes of others.
    function _exclude(Round memory round, Marks memory marks, uint256 client, address challenger) internal override {
        if (_isFinal(round)) revert RungWrongPhase(Phase.Idle, Phase.Proposed);
        super._exclude(round, marks, client, challenger);
        _round.closesAt = round.closesAt;
    }

    /// @dev What is final ties nothing up, whether somebody has noted it or not.
    function _tied(address account) internal view override returns (uint256 amount) {
        if (!_isFinal(_round)) amount = super._tied(account);
    }

    /// @dev The next round, if it may be opened; the last one's result is noted if it is final.
    function _next() private {
        if (_isFinal(_round)) _finalize(_round.number);
        _open();
    }

    function _known(bytes32 digest) private pure returns (bytes32) {
        return digest == USED ? bytes32(0) : digest;
    }

    function _isFinal(Round memory round) private view returns (bool) {
        return round.phase == Phase.Proposed && block.timestamp >= round.expiresAt;
    }

    /// @dev Nobody's update counts that nobody could have had.
    function _checkRevealed(uint256 hidden) internal pure override {
        if (hidden != 0) revert RungNotRevealed(hidden);
    }
}
// slither-disable-end timestamp,incorrect-equality
