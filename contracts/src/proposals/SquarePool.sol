// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IAggregator } from "../core/IAggregator.sol";
import { IClientRegistry } from "../core/IClientRegistry.sol";
import { IFairnessLedger } from "../core/IFairnessLedger.sol";
import { RewardPool } from "../core/RewardPool.sol";

/// @title SquarePool
/// @notice Pays by the square root of the alignment score: who pulls four times as far earns twice as much. An example
/// of a pay rule: everything but the weight is `RewardPool`'s. And of what a rule can do: whoever splits its samples among
/// k accounts weighs √k times as much.
contract SquarePool is RewardPool {
    constructor(IClientRegistry registry_, IAggregator aggregator_, IFairnessLedger ledger_, Terms memory terms_)
        RewardPool(registry_, aggregator_, ledger_, terms_)
    { }

    function _weight(address client, uint256 score, uint256 history) internal view override returns (uint128) {
        return super._weight(client, Math.sqrt(score) * 1e9, history); // scores are at scale 10^18
    }
}
