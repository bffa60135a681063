// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAccuracyAdjusted } from "../../../src/proposals/IAccuracyAdjusted.sol";
import { IAggregator, PART } from "../../../src/core/IAggregator.sol";
import { IRewardPool } from "../../../src/core/IRewardPool.sol";
import { AdjustedFederation } from "../../proposals/AdjustedFederation.sol";
import { Reference } from "../../utils/Reference.sol";

/// @notice What a reveal shows to others, and what a missing one does to them. All of these are known limits: a test is
/// named after what the attacker gets.
contract RevealAttacks is AdjustedFederation {
    function stakeOf(address who) private view returns (uint256) {
        return registry.clientOf(who).stake;
    }

    /// @dev A round of 200 honest samples would be averaged from 150 on. Two accounts of 51 each put two of the four clients
    /// out in the last second, as the smallest, and stay silent.
    function test_KnownLimit_DisplacingAndStayingSilentVoidsAnHonestRound() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 150;
        deploy(config, defaultTerms());
        fund(10 ether);
        open();
        for (uint256 i; i < 4; ++i) {
            register(client(i), 50);
            commit(client(i), vector(1e9, int64(int256(i)), 0));
        }
        vm.warp(aggregator.currentRound().deadline - 1);
        for (uint256 i = 4; i < 6; ++i) {
            register(client(i), 51);
            vm.prank(client(i));
            aggregator.commitInstead(1, keccak256("nothing"));
        }
        endPhase();
        for (uint256 i; i < 4; ++i) {
            if (aggregator.entryOf(client(i)).round == 1) reveal(client(i), vector(1e9, int64(int256(i)), 0));
        }
        endPhase();
        vm.assertTrue(aggregator.currentRound().isVoid, "100 samples are not 150");
        pool.settle(8);
        vm.assertEq(pool.pot(), 10 ether, "the honest earn nothing of 1 ether");
        uint256 burned = 102 * STAKE_PER_SAMPLE - stakeOf(client(4)) - stakeOf(client(5));
        vm.assertEq(burned, 0.102 ether, "the cap of two stakes is what it costs");
    }

    /// @dev The same two come again and never top up: they are burned a share of what they still have, and keep their places
    /// down to half of it. Their victims' cap stays what it was.
    function test_KnownLimit_WhoDisplacesAgainPaysLessEachTime() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 150;
        deploy(config, defaultTerms());
        fund(10 ether);
        for (uint256 i; i < 6; ++i) {
            register(client(i), i < 4 ? 50 : 51);
        }
        uint256 first = 102 * STAKE_PER_SAMPLE;
        for (uint256 round = 1; round <= 7; ++round) {
            open();
            for (uint256 i; i < 4; ++i) {
                commit(client(i), vector(1e9, int64(int256(i)), int64(int256(round))));
            }
            vm.warp(aggregator.currentRound().deadline - 1);
            uint256 held = stakeOf(client(4)) + stakeOf(client(5));
            for (uint256 i = 4; i < 6; ++i) {
                vm.prank(client(i));
                aggregator.commitInstead(round, keccak256("nothing"));
            }
            endPhase();
            for (uint256 i; i < 4; ++i) {
                if (aggregator.entryOf(client(i)).round != round) continue;
                reveal(client(i), vector(1e9, int64(int256(i)), int64(int256(round))));
            }
            endPhase();
            vm.assertTrue(aggregator.currentRound().isVoid, "100 samples are not 150");
            pool.settle(8);
            uint256 burned = held - stakeOf(client(4)) - stakeOf(client(5));
            vm.assertEq(burned, held / 10, "a tenth of what they have left");
            vm.assertGe(burned, first / 20, "half of the cap of what registration asked for");
            for (uint256 i; i < 4; ++i) {
                vm.assertEq(stakeOf(client(i)), 50 * STAKE_PER_SAMPLE, "nobody else pays");
            }
        }
        uint256 total = first - stakeOf(client(4)) - stakeOf(client(5));
        vm.assertEq(total, 0.532137162 ether, "seven rounds, where their victims' caps add up to 0.7");
        vm.assertEq(pool.pot(), 10 ether, "the honest earn nothing of 7 ether");
    }

    /// @dev The model is where it was before a void round, so clients that train as before come to the same updates. Who saw
    /// them commits to their mean, at their length. Here it made the round void itself, by a missing reveal.
    function test_KnownLimit_AVoidRoundShowsWhatTheNextOneHolds() public {
        IAggregator.Config memory config = defaultConfig();
        (config.minimumSamples, config.clipped) = (150, true);
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), 50);
        register(client(1), 50);
        register(client(2), 60);
        int64[][] memory updates = new int64[][](3);
        (updates[0], updates[1]) = (vector(1e9, 0, 0), vector(0, 1e9, 0));
        play(updates);
        vm.assertTrue(aggregator.currentRound().isVoid, "100 samples are not 150");
        vm.assertEq(stakeOf(client(2)), 0.54 ether, "the cap is burned");

        int64[] memory a = aggregator.updateOf(client(0));
        int64[] memory b = aggregator.updateOf(client(1));
        updates[2] = vector((a[0] + b[0]) * 707 / 1_000, (a[1] + b[1]) * 707 / 1_000, 0);
        play(updates);
        vm.assertGe(pool.creditOf(client(2)), 0.45 ether, "of 1 ether, with three eighths of the samples and no data");
    }

    /// @dev Client 2's score would be negative, and cost it the cap, which a missing reveal costs as well. It has seen both
    /// others: by its silence a fifth of the budget goes from client 1 to client 0.
    function test_KnownLimit_TheLastToRevealChooses() public {
        uint256[2] memory credits;
        for (uint256 k; k < 2; ++k) {
            IRewardPool.Terms memory terms = defaultTerms();
            terms.penaltyRate = 1_000_000;
            deploy(defaultConfig(), terms);
            fund(10 ether);
            int64[][] memory updates = new int64[][](3);
            (updates[0], updates[1], updates[2]) = (vector(4e9, 0, 0), vector(1e9, 3e9, 0), vector(-3e9, 5e8, 0));
            for (uint256 i; i < 3; ++i) {
                register(client(i), 100);
            }
            open();
            for (uint256 i; i < 3; ++i) {
                commit(client(i), updates[i]);
            }
            endPhase();
            for (uint256 i; i < 3 - k; ++i) {
                reveal(client(i), updates[i]);
            }
            if (k == 1) endPhase();
            compute();
            pool.settle(6);
            vm.assertEq(stakeOf(client(2)), 0.9 ether, "the same price");
            credits[k] = pool.creditOf(client(0));
        }
        vm.assertLe(credits[0], 0.4 ether, "with it");
        vm.assertGe(credits[1], 0.58 ether, "without it");
    }

    /// @dev Client 0's reveal comes a block too late, and is public. Client 1 reveals the same in the next round, before client 0
    /// sends it again unchanged: that is a copy by then.
    function test_KnownLimit_ALateRevealMakesItsAuthorTheCopier() public {
        deploy(defaultConfig(), defaultTerms());
        int64[] memory work = vector(5e9, -2e9, 1);
        for (uint256 i; i < 3; ++i) {
            register(client(i), 100);
        }
        open();
        for (uint256 i; i < 3; ++i) {
            commit(client(i), i == 0 ? work : vector(5e9, -2e9, int64(int256(i + 1))));
        }
        endPhase();
        for (uint256 i = 1; i < 3; ++i) {
            reveal(client(i), vector(5e9, -2e9, int64(int256(i + 1))));
        }
        uint256 deadline = aggregator.currentRound().deadline;
        vm.warp(deadline);
        bytes32 salt = saltOf(client(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.DeadlinePassed.selector, deadline, deadline));
        vm.prank(client(0));
        aggregator.reveal(work, salt);
        aggregator.advance();
        compute();
        pool.settle(6);
        copyFirst(work);
        vm.assertEq(stakeOf(client(0)), 0.81 ether, "the cap for the late reveal, and for the copy");
        vm.assertEq(stakeOf(client(1)), 1 ether, "nothing for who copied");
    }

    /// @dev Client 0 shows all but the last entry of its update, and does not end it. What it showed is public.
    function test_KnownLimit_PartsNotEndedMakeTheirAuthorTheCopier() public {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = uint32(PART + 1);
        deploy(config, defaultTerms());
        int64[] memory work = randomUpdate(1, PART + 1, 5e9);
        for (uint256 i; i < 2; ++i) {
            register(client(i), 100);
        }
        open();
        commit(client(0), work);
        commit(client(1), randomUpdate(2, PART + 1, 5e9));
        endPhase();
        bytes32 salt = saltOf(client(0), 1);
        int64[] memory part = Reference.slice(work, 0, PART);
        vm.prank(client(0));
        aggregator.revealPart(0, part, salt);
        revealParts(client(1), randomUpdate(2, PART + 1, 5e9), 0);
        endPhase();
        compute();
        pool.settle(4);
        // the last entry is one of few that it could be, or was in a transaction that failed
        copyFirst(work);
        vm.assertEq(stakeOf(client(0)), 0.81 ether, "the cap for each of the two rounds");
    }

    /// @dev A round in which client 1 reveals client 0's update first, of which nothing was taken before.
    function copyFirst(int64[] memory work) private {
        open();
        commit(client(0), work);
        commit(client(1), work);
        endPhase();
        revealParts(client(1), work, 0);
        bytes memory copied =
            abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, Reference.digest(work), client(1));
        bytes32 salt = saltOf(client(0), aggregator.currentRound().number);
        for (uint256 from; from < work.length; from += PART) {
            int64[] memory part = Reference.slice(work, from, PART);
            if (from + PART >= work.length) vm.expectRevert(copied);
            vm.prank(client(0));
            aggregator.revealPart(from, part, salt);
        }
        endPhase();
        compute();
        pool.settle(4);
    }

    /// @dev Blocks every 12 seconds, and each step in the first one that takes it. The longest time to attest that the
    /// constructor takes leaves two seconds of the cool-down: averaging and scoring take a block each.
    function test_KnownLimit_ALeaverOfTheAccuracyAdjustedPoolTakesItsStake() public {
        IAccuracyAdjusted.Terms memory terms = adjustedTerms();
        terms.attestSeconds = uint32((COOL_DOWN - 600 - 300 - 1) / 2);
        deployAdjusted(defaultConfig(), terms);
        register(client(0), 100);
        register(client(1), 50);
        aggregator.openRound();
        vm.warp(NOW + 12);
        commit(client(0), vector(1e9, 0, 0));
        commit(client(1), vector(0, 1e9, 0)); // and reveals nothing
        vm.prank(client(1));
        registry.deregister();
        vm.warp(NOW + 600);
        aggregator.advance();
        vm.warp(NOW + 612);
        reveal(client(0), vector(1e9, 0, 0));
        vm.warp(NOW + 900);
        aggregator.advance();
        vm.warp(NOW + 912);
        aggregator.aggregate(3);
        vm.warp(NOW + 924);
        aggregator.score(6);
        attest(client(0), keccak256("what nobody shows")); // agreed on, by all who revealed
        uint256 from = uint256(adjusted.settlement().deadline) + terms.attestSeconds;
        vm.warp(NOW + 12 + COOL_DOWN);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.NoGainsAgreed.selector, 1, block.timestamp, from));
        adjusted.settle(4, new int32[](0));
        vm.prank(client(1));
        registry.withdrawStake();
        vm.assertEq(client(1).balance, 0.5 ether, "all of it, where a missing reveal costs a tenth");
    }
}
