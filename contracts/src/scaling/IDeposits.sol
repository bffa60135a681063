// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";

/// @title A round in which money is at stake
/// @notice What an account has put down is its own, and can be taken out again, but for what its part in a round ties up,
/// the fees it pays, and what it loses. Of that, half goes to whoever showed why, and half to nobody: to catch oneself costs half.
interface IDeposits is IRung {
    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);

    error RungShortDeposit(address account, uint256 available, uint256 needed);
    error RungTransferFailed(address to, uint256 amount);

    /// @notice Put money down, for bonds, fees and stakes.
    function deposit() external payable;

    /// @notice Take out what is not tied up.
    function withdraw(uint256 amount) external;

    function depositOf(address account) external view returns (uint256);

    /// @notice The part of a deposit that can be withdrawn or put to another use.
    function availableOf(address account) external view returns (uint256);

    /// @notice The part of lost bonds and stakes that nobody gets.
    function burned() external view returns (uint256);
}
