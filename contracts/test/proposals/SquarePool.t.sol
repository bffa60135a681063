// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRewardPool } from "../../src/core/IRewardPool.sol";
import { StubAggregator, StubLedger } from "../actors/Stubs.sol";
import { Base } from "../utils/Base.sol";
import { IPool, IRegistry } from "../utils/Getters.sol";

/// @notice The one function that SquarePool has of its own: weights grow with the root of the score.
contract SquarePoolTest is Base {
    /// @dev Two clients, in a pool without consistency bonus: pay is in the ratio of the scores' roots.
    function testFuzz_PayGrowsWithTheRootOfTheScore(uint256 a, uint256 b) public {
        (a, b) = (bound(a, 1, 2 ** 54), bound(b, 1, 2 ** 54));
        address poolAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 3);
        IRegistry registry =
            IRegistry(vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(1 ether, 1 days, poolAt)));
        StubAggregator aggregator = new StubAggregator(address(registry), poolAt);
        StubLedger ledger = new StubLedger(address(aggregator));
        IRewardPool.Terms memory terms =
            IRewardPool.Terms({ budget: 1 ether, fullSamples: 1, alpha: 0, window: 8, penaltyRate: 0, penaltyCap: 0 });
        IPool pool = IPool(vm.deployCode("SquarePool.sol:SquarePool", abi.encode(registry, aggregator, ledger, terms)));
        vm.deal(address(this), 1 ether);
        pool.fund{ value: 1 ether }();
        (address first, address second) = (address(1001), address(1002));
        aggregator.begin(1, 1, false);
        aggregator.add(first, true, 1, int256(a * a));
        aggregator.add(second, true, 1, int256(b * b));
        ledger.set(first, 1_000_000);
        ledger.set(second, 1_000_000);
        pool.settle(4); // two clients, two passes
        vm.assertEq(pool.creditOf(first), 1 ether * a / (a + b), "first");
        vm.assertEq(pool.creditOf(second), 1 ether * b / (a + b), "second");
    }
}
