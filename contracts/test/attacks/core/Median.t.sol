// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../../src/core/IAggregator.sol";
import { Federation } from "../../utils/Federation.sol";

/// @notice Three accounts of one sample each against two honest clients of a thousand: a majority of accounts, in a
/// federation that clips. A test is named after what the attackers want, and passes when they do not get it.
contract MedianAttacks is Federation {
    function run(int64[] memory a, int64[] memory b, int64[] memory c) private {
        IAggregator.Config memory config = defaultConfig();
        config.clipped = true;
        config.capacity = 5;
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), 1_000);
        register(client(1), 1_000);
        for (uint256 i = 2; i < 5; ++i) {
            register(client(i), 1);
        }
        int64[][] memory updates = new int64[][](5);
        updates[0] = vector(5e7, 4e7, 3e7);
        updates[1] = vector(4e7, 5e7, 2e7);
        (updates[2], updates[3], updates[4]) = (a, b, c);
        play(updates);
    }

    /// @dev The right way, two thousand times too far.
    function test_ThreeSamplesTakeTheBudget() public {
        run(vector(100e9, 100e9, 60e9), vector(100e9, 99e9, 60e9), vector(99e9, 100e9, 60e9));
        uint256 all = pool.creditOf(client(2)) + pool.creditOf(client(3)) + pool.creditOf(client(4));
        vm.assertLe(all, uint256(1 ether) * 6 / 2_003, "twice their share");
    }

    /// @dev With the median length at 1 all weights would be next to nothing.
    function test_ThreeSamplesStopTheModel() public {
        run(vector(1, 0, 0), vector(0, 1, 0), vector(0, 0, 1));
        vm.assertGe(uint256(int256(aggregator.model()[0])), 4e7, "the honest average");
    }

    /// @dev The wrong way, far.
    function test_ThreeSamplesBurnHonestStakes() public {
        run(vector(-100e9, -100e9, -60e9), vector(-100e9, -99e9, -60e9), vector(-99e9, -100e9, -60e9));
        vm.assertEq(uint256(registry.clientOf(client(0)).stake), 1_000 * STAKE_PER_SAMPLE, "honest stake");
    }
}
