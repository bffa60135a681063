// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IFairnessLedger } from "../../src/core/IFairnessLedger.sol";
import { IRewardPool } from "../../src/core/IRewardPool.sol";

// The contracts' interfaces with the getters that Solidity adds for public constants. Tests import these and not the
// contracts: a test file that imports a contract compiles it anew.

interface IRegistry is IClientRegistry {
    function stakePerSample() external view returns (uint256);
}

interface ILedger is IFairnessLedger {
    function registry() external view returns (address);
    function interval() external view returns (uint256);
    function quorum() external view returns (uint256);
    function attestSeconds() external view returns (uint256);
    function newestPlusOne() external view returns (uint256);
}

interface IPool is IRewardPool {
    function registry() external view returns (address);
    function aggregator() external view returns (address);
    function ledger() external view returns (address);
}
