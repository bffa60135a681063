// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../../src/core/IAggregator.sol";
import { Federation } from "../../utils/Federation.sol";

/// @notice Three accounts of one sample each against two honest clients of a thousand: a majority of accounts, in a
/// federation that clips. A test is named after what the attackers want, and passes when they do not get it; the last ones
/// are limits, and pass when they do.
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

    // ------------------------------------------------------------------------------------------------ known limits

    /// @dev Pay and penalties are relative to ‖g‖². Three honest updates cancel, as they do at the end of training: the
    /// average is what one sample of 3,001 adds, and every score has the sign of a product with that. In the second round
    /// two honest updates point against it.
    function test_KnownLimit_OneSampleTakesAllAndBurnsStakesWhereHonestUpdatesCancel() public {
        IAggregator.Config memory config = defaultConfig();
        config.clipped = true;
        deploy(config, defaultTerms());
        fund(10 ether);
        for (uint256 i; i < 3; ++i) {
            register(client(i), 1_000);
        }
        register(client(3), 1);
        int64[][] memory updates = new int64[][](4);
        (updates[0], updates[1]) = (vector(1e9, 0, 0), vector(-5e8, 866_025_404, 0));
        (updates[2], updates[3]) = (vector(-5e8, -866_025_404, 0), vector(0, 0, 1e9));
        play(updates);
        vm.assertEq(aggregator.clipNorm(), 1e9, "R");
        vm.assertLe(
            aggregator.normSquared(), (1e9 / uint256(3_001)) ** 2, "the average is no longer than R times its share"
        );
        vm.assertEq(pool.creditOf(client(3)), 1 ether, "one sample takes the whole budget");

        (updates[0][2], updates[1][2], updates[2][2]) = (1, -1, 1); // not last round's
        updates[3] = vector(0, -1e9, 0);
        play(updates);
        vm.assertEq(registry.clientOf(client(1)).stake, 1_000 * STAKE_PER_SAMPLE * 9 / 10, "the cap is burned");
        vm.assertEq(registry.clientOf(client(3)).stake, STAKE_PER_SAMPLE, "at no cost to who did it");
    }

    /// @dev Two honest clients, the second with an update a hundred times as long, and `samples` more.
    function step(uint256 short, uint256 long, uint256 samples, int64[] memory third) private {
        IAggregator.Config memory config = defaultConfig();
        config.clipped = true;
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), short);
        register(client(1), long);
        if (samples != 0) register(client(2), samples);
        int64[][] memory updates = new int64[][](samples == 0 ? 2 : 3);
        (updates[0], updates[1]) = (vector(1e9, 0, 0), vector(0, 100e9, 0));
        if (samples != 0) updates[2] = third;
        play(updates);
    }

    /// @dev R is one of the lengths that are revealed: between two halves of very different ones, one sample says which.
    function test_KnownLimit_OneSampleAtTheMedianMovesTheAverageBeyondItsShare() public {
        step(1_000, 1_000, 0, vector(0, 0, 0));
        vm.assertEq(aggregator.clipNorm(), 1e9, "R without it");
        vm.assertEq(pool.creditOf(client(1)), 0.5 ether, "half of the budget");
        int64 without = aggregator.globalUpdate()[1];
        step(1_000, 1_000, 1, vector(0, 100e9, 1));
        vm.assertEq(aggregator.clipNorm(), 100e9, "R with it");
        uint256 moved = uint256(int256(aggregator.globalUpdate()[1] - without));
        vm.assertGe(moved, 990 * (uint256(100e9) / 2_001), "990 times its share of the longer R");
        vm.assertGe(pool.creditOf(client(1)), 0.998 ether, "and the budget goes with it");
    }

    /// @dev The other way round.
    function test_KnownLimit_ThreeSamplesOfAHundredAndThreeCutTheMedian() public {
        step(49, 51, 0, vector(0, 0, 0));
        vm.assertEq(aggregator.clipNorm(), 100e9, "R without them");
        int64 without = aggregator.globalUpdate()[1];
        step(49, 51, 3, vector(1e9, 1, 0));
        vm.assertEq(aggregator.clipNorm(), 1e9, "R with them");
        uint256 moved = uint256(int256(without - aggregator.globalUpdate()[1]));
        vm.assertGe(moved, 17 * (uint256(3) * 100e9 / 103), "17 times their share of the longer R");
    }
}
