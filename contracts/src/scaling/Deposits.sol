// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "./IDeposits.sol";
import { Rung } from "./Rung.sol";

/// @title What an account has put down, and what ties it up
/// @dev What a deposit is tied up by, and when it is lost, is for the rung to say.
abstract contract Deposits is IDeposits, Rung {
    uint256 internal immutable _stake;

    /// @inheritdoc IDeposits
    uint256 public burned;

    constructor(uint256 stake_) {
        _stake = stake_;
    }

    /// @inheritdoc IDeposits
    function deposit() external payable {
        _pay(msg.sender, msg.value);
        emit Deposited(msg.sender, msg.value);
    }

    /// @inheritdoc IDeposits
    function withdraw(uint256 amount) external {
        uint256 available = availableOf(msg.sender);
        if (amount > available) revert RungShortDeposit(msg.sender, available, amount);
        _memberOf[msg.sender].held -= uint128(amount); // at most what is held
        emit Withdrawn(msg.sender, amount);
        // a call rather than `transfer`, whose 2,300 gas many contracts cannot receive ether with
        // slither-disable-next-line low-level-calls
        (bool ok,) = msg.sender.call{ value: amount }("");
        if (!ok) revert RungTransferFailed(msg.sender, amount);
    }

    /// @inheritdoc IDeposits
    function depositOf(address account) public view returns (uint256) {
        return _memberOf[account].held;
    }

    /// @inheritdoc IDeposits
    function availableOf(address account) public view returns (uint256) {
        uint256 tied = _tied(account);
        uint256 held = _memberOf[account].held;
        return held > tied ? held - tied : 0;
    }

    /// @dev What of an account's deposit its part in the round ties up.
    function _tied(address account) internal view virtual returns (uint256 amount);

    /// @dev Take `loss` from a cheat: half for who caught it, half for nobody: to catch oneself costs half.
    function _slash(address cheat, uint256 loss, address challenger) internal {
        _memberOf[cheat].held -= uint128(loss); // tied up since before: it is there
        _pay(challenger, loss / 2);
        burned += loss - loss / 2;
    }

    function _pay(address account, uint256 amount) internal {
        _memberOf[account].held += uint128(amount); // all ether there is fits 2^87 wei
    }
}
