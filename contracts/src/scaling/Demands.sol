// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Deposits } from "./Deposits.sol";
import { IOptimisticRung } from "./IOptimisticRung.sol";

// Demands have deadlines, whole windows off; a proposer can shift a block by seconds. Slither takes whatever else lies
// in a demand's slot for a time as well. A deadline is compared with `==` to 0 only, which says that there is none.
// slither-disable-start timestamp,incorrect-equality

/// @title The terms of rungs 3 and 4, and the demands that accounts pay for
/// @dev A demand is a question with a fee and a deadline; whose answer it waits for, and what follows when none comes,
/// is for the rung to say: `OptimisticRung` asks proposers for leaves, `Rung4Blobs` asks clients for data. An answer does
/// not close it: the demand holds its fee until the rung knows whose that is.
abstract contract Demands is IOptimisticRung, Deposits {
    /// @dev With a challenger and deadline 0 it was answered.
    struct Demand {
        address challenger;
        uint40 deadline;
    }

    uint256 internal immutable _windowSeconds;
    uint256 internal immutable _bond;
    uint256 internal immutable _fee;

    mapping(bytes32 key => Demand) private _demands;

    constructor(Terms memory terms_) Deposits(terms_.stake) {
        if (terms_.windowSeconds == 0) revert RungBadConfig("windowSeconds", 0);
        if (terms_.bond == 0) revert RungBadConfig("bond", 0);
        if (terms_.fee == 0) revert RungBadConfig("fee", 0);
        _windowSeconds = terms_.windowSeconds;
        (_bond, _fee) = (terms_.bond, terms_.fee);
    }

    /// @inheritdoc IOptimisticRung
    function terms() external view returns (Terms memory) {
        return
            Terms({
                windowSeconds: uint32(_windowSeconds), bond: uint96(_bond), fee: uint96(_fee), stake: uint96(_stake)
            });
    }

    /// @dev Take a fee from the caller's free deposit; the demand holds it.
    function _charge(uint256 amount) internal {
        uint256 available = availableOf(msg.sender);
        if (amount > available) revert RungShortDeposit(msg.sender, available, amount);
        _memberOf[msg.sender].held -= uint128(amount); // at most what is held
    }

    function _openDemand(bytes32 key, uint256 chunk) internal {
        if (_demands[key].challenger != address(0)) revert RungDemandExists(chunk);
        _charge(_fee);
        _demands[key] = Demand({ challenger: msg.sender, deadline: uint40(block.timestamp + _windowSeconds) });
    }

    /// @dev Mark a demand as answered in time.
    function _answerDemand(bytes32 key, uint256 chunk) internal {
        uint256 deadline = _due(key, chunk);
        if (block.timestamp >= deadline) revert RungAnswerLate(block.timestamp, deadline);
        _demands[key].deadline = 0;
    }

    /// @dev Close an overdue demand and give the fee back.
    function _expireDemand(bytes32 key, uint256 chunk) internal returns (address challenger) {
        uint256 deadline = _due(key, chunk);
        if (block.timestamp < deadline) revert RungAnswerDue(block.timestamp, deadline);
        (challenger,) = _closeDemand(key, chunk);
        _pay(challenger, _fee);
    }

    /// @dev The fee is then the caller's to pay out.
    function _closeDemand(bytes32 key, uint256 chunk) internal returns (address challenger, bool answered) {
        (challenger, answered) = (_demands[key].challenger, _demands[key].deadline == 0);
        if (challenger == address(0)) revert RungNoDemand(chunk);
        delete _demands[key];
    }

    /// @dev When the answer is due. Refuse a demand that is none, or was answered.
    function _due(bytes32 key, uint256 chunk) private view returns (uint256 deadline) {
        deadline = _demands[key].deadline;
        if (deadline == 0) revert RungNoDemand(chunk);
    }
}
// slither-disable-end timestamp,incorrect-equality
