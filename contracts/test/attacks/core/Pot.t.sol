// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../../src/core/IAggregator.sol";
import { IEscrow } from "../../../src/core/IEscrow.sol";
import { IRewardPool } from "../../../src/core/IRewardPool.sol";
import { Federation } from "../../utils/Federation.sol";

interface FeeVm {
    function fee(uint256 newBasefee) external;
    function txGasPrice(uint256 newGasPrice) external;
}

/// @notice A stranger's contract with clients of its own, which does all it can in one transaction.
contract Syndicate {
    IAggregator private immutable _aggregator;
    IRewardPool private immutable _pool;

    constructor(IAggregator aggregator, IRewardPool pool) {
        _aggregator = aggregator;
        _pool = pool;
    }

    function open() external {
        _aggregator.openRound();
    }

    /// @dev Whatever can be done now, as often as it can: a refusal ends the step, not the attack.
    function rush(Member[] calldata members) external {
        for (uint256 k; k < 3; ++k) {
            try _aggregator.openRound() { } catch { }
            uint256 round = _aggregator.currentRound().number;
            for (uint256 i; i < members.length; ++i) {
                members[i].commit(round);
            }
            try _aggregator.advance() { } catch { }
            for (uint256 i; i < members.length; ++i) {
                members[i].reveal();
            }
            try _aggregator.advance() { } catch { }
            try _aggregator.aggregate(type(uint256).max) { } catch { }
            try _aggregator.score(type(uint256).max) { } catch { }
            try _pool.settle(type(uint256).max) { } catch { }
        }
    }
}

/// @notice One of its clients.
contract Member {
    IAggregator private immutable _aggregator;
    int64[] private _update;

    constructor(IAggregator aggregator, int64 value) payable {
        _aggregator = aggregator;
        for (uint256 j; j < 3; ++j) {
            _update.push(value);
        }
    }

    function join(uint256 samples) external {
        _aggregator.registry().register{ value: address(this).balance }(samples);
    }

    function commit(uint256 round) external {
        bytes32 digest = keccak256(abi.encodePacked(_update));
        try _aggregator.commit(round, _aggregator.commitmentOf(round, address(this), digest, 0)) { } catch { }
    }

    function reveal() external {
        try _aggregator.reveal(_update, 0) { } catch { }
    }
}

/// @notice Attacks on the pot. A test is named after what the attacker wants, and passes when it does not get it.
contract PotAttacks is Federation {
    Syndicate private syndicate;
    Member[] private members;

    function prepare(uint256 samplesEach, IRewardPool.Terms memory terms) private {
        deploy(defaultConfig(), terms);
        fund(10 ether);
        syndicate = new Syndicate(aggregator, pool);
        for (uint256 i; i < 4; ++i) {
            Member member = new Member(aggregator, int64(int256(i + 1)));
            vm.deal(address(member), samplesEach * STAKE_PER_SAMPLE);
            member.join(samplesEach);
            members.push(member);
        }
    }

    function creditOfAll() private view returns (uint256 sum) {
        for (uint256 i; i < members.length; ++i) {
            sum += pool.creditOf(address(members[i]));
        }
    }

    function test_OneContractEmptiesThePotInOneTransaction() public {
        prepare(1, defaultTerms());
        syndicate.rush(members);
        vm.assertEq(creditOfAll(), 0, "nothing was earned");
        vm.assertEq(pool.pot(), 10 ether, "the pot");
        vm.assertEq(aggregator.currentRound().number, 1, "one round was opened");
        assertPhase(IAggregator.Phase.Commit, "and clients may still join it");
    }

    /// @dev The clock allows a round every `commitSeconds`; a rush a minute for an hour is 60 transactions.
    function test_ASyndicateEmptiesThePotFasterThanTheClock() public {
        prepare(1, defaultTerms());
        for (uint256 minute; minute < 60; ++minute) {
            syndicate.rush(members);
            vm.warp(block.timestamp + 60);
            uint256 rounds = (block.timestamp - NOW) / 600;
            vm.assertLe(creditOfAll(), rounds * 1 ether, "budget times the rounds the clock allows");
        }
        vm.assertGe(creditOfAll(), 1, "the rush works, only slowly");
    }

    function test_FourSamplesShareTheBudgetOfAHundred() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.fullSamples = 100;
        prepare(1, terms);
        for (uint256 minute; minute < 60; ++minute) {
            syndicate.rush(members);
            vm.warp(block.timestamp + 60);
        }
        uint256 rounds = aggregator.currentRound().number;
        vm.assertLe(creditOfAll(), rounds * 0.04 ether, "four hundredths of the budget a round");
    }

    function test_ARoundOfFewSamplesIsAveraged() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 100;
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), 50);
        register(client(1), 49);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1, 2, 3), vector(3, 2, 1));
        play(updates);
        vm.assertTrue(aggregator.currentRound().isVoid, "99 samples are not 100");
        vm.assertEq(pool.pot(), 10 ether, "nothing was paid");
        vm.assertEq(registry.clientOf(client(0)).stake, 50 * STAKE_PER_SAMPLE, "and nobody is punished");
    }

    // ------------------------------------------------------------------------------------------- one sample, much noise

    function robbery(bool clipped) private returns (uint256 robber, uint256 burned) {
        IAggregator.Config memory config = defaultConfig();
        config.clipped = clipped;
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), 1_000);
        register(client(1), 1_000);
        register(client(2), 1);
        int64[][] memory updates = new int64[][](3);
        updates[0] = vector(5e7, 4e7, 3e7);
        updates[1] = vector(4e7, 5e7, 2e7);
        updates[2] = vector(-100e9, -100e9, -100e9); // at the bound
        play(updates);
        robber = pool.creditOf(client(2));
        burned = 2_000 * STAKE_PER_SAMPLE - registry.clientOf(client(0)).stake - registry.clientOf(client(1)).stake;
    }

    /// @dev What the attack is, where nothing stands against it: the paper's plain rule.
    function test_ThePlainRuleIsRobbed() public {
        (uint256 robber, uint256 burned) = robbery(false);
        vm.assertEq(robber, 1 ether, "one sample of 2,001 takes the whole budget");
        vm.assertGe(burned, 1, "and the honest pay for it");
    }

    function test_OneSampleTakesTheWholeReward() public {
        (uint256 robber, uint256 burned) = robbery(true);
        vm.assertEq(robber, 0, "its score is negative");
        vm.assertEq(burned, 0, "the honest keep their stakes");
    }

    function test_OneSampleAlongTheOthersTakesMoreThanItsShare() public {
        IAggregator.Config memory config = defaultConfig();
        config.clipped = true;
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), 1_000);
        register(client(1), 1_000);
        register(client(2), 1);
        int64[][] memory updates = new int64[][](3);
        updates[0] = vector(5e7, 4e7, 3e7);
        updates[1] = vector(4e7, 5e7, 2e7);
        updates[2] = vector(100e9, 100e9, 60e9); // the right way, two thousand times too far
        play(updates);
        vm.assertLe(pool.creditOf(client(2)), uint256(1 ether) * 2 / 2_001, "twice its share of the samples");
    }

    /// @dev A, B and C hold 50, 25 and 25, a sybil of one sample fills the round, and 51 more come in the last second: they
    /// get the sybil's place, and a third of the samples earns nothing.
    function test_AThirdOfTheSamplesTakesARoundByTheLargestPlace() public {
        IAggregator.Config memory config = defaultConfig();
        config.clipped = true;
        deploy(config, defaultTerms());
        fund(10 ether);
        uint32[5] memory samples = [uint32(50), 25, 25, 1, 51];
        int64[][] memory updates = new int64[][](5);
        for (uint256 i; i < 5; ++i) {
            register(client(i), samples[i]);
            updates[i] = i < 3 ? vector(5e9, int64(int256(i)), 3) : vector(-5e9, int64(int256(i)), 0);
        }
        open();
        for (uint256 i; i < 4; ++i) {
            commit(client(i), updates[i]);
        }
        vm.warp(aggregator.currentRound().deadline - 1);
        bytes32 commitment = commitmentFor(client(4), updates[4]);
        vm.prank(client(4));
        aggregator.commitInstead(1, commitment);
        endPhase();
        for (uint256 i; i < 5; ++i) {
            if (i != 3) reveal(client(i), updates[i]);
        }
        compute();
        pool.settle(100);
        vm.assertEq(pool.creditOf(client(4)), 0, "nothing is earned");
        for (uint256 i; i < 3; ++i) {
            vm.assertEq(registry.clientOf(client(i)).stake, samples[i] * STAKE_PER_SAMPLE, "nothing is burned");
        }
    }

    // ---------------------------------------------------------------------------------------------------------- refunds

    function twoUpdates() private pure returns (int64[][] memory updates) {
        updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 3e9), vector(3e9, 2e9, 1e9));
    }

    /// @dev A round of two clients, carried on by client 9 where each step costs more than a round's refunds come to.
    function workAtAHighFee() private {
        playToAggregate(twoUpdates());
        FeeVm(address(vm)).fee(1_000 gwei);
        while (phase() != IAggregator.Phase.Idle) {
            vm.prank(client(9));
            pool.carryOn(1);
            nextBlock();
        }
    }

    /// @dev `carryOn` in every page size and at every base fee: what is credited never exceeds what the base fee took.
    /// Not isolated, since forge sets the base fee of an isolated call to zero.
    /// forge-config: default.isolate = false
    function testFuzz_CarryingOnIsAWayToEarn(uint256 page, uint256 baseFee) public {
        page = bound(page, 1, 13);
        baseFee = bound(baseFee, 1, 1e13);
        deploy(defaultConfig(), defaultTerms());
        fund(10 ether);
        register(client(0), 10);
        register(client(1), 20);
        playToAggregate(twoUpdates());
        FeeVm(address(vm)).fee(baseFee);
        FeeVm(address(vm)).txGasPrice(baseFee);
        address worker = account("worker");
        uint256 paid;
        while (phase() != IAggregator.Phase.Idle) {
            vm.prank(worker);
            pool.carryOn(page);
            paid += uint256(vm.lastCallGas().gasTotalUsed) * baseFee;
            nextBlock();
        }
        uint256 refund = pool.creditOf(worker);
        vm.assertLe(refund, paid, "the refund and what the work cost");
        vm.assertLe(refund, 0.05 ether, "a twentieth of the budget");
        vm.assertLe(refund, paid * 4 / 5, "less a fifth");
        vm.assertGe(
            refund, paid * 11 / 20 < 0.05 ether ? paid * 11 / 20 : 0.05 ether, "and no more than it must be less"
        );
        vm.assertEq(address(pool).balance, pool.pot() + pool.totalCredit(), "the books");
    }

    /// @dev Of a step so large that what a transaction costs besides is little, four fifths come back, and not five.
    /// forge-config: default.isolate = false
    function test_RefundsGiveBackWhatWorkCost() public {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = 1_024;
        deploy(config, defaultTerms());
        fund(10 ether);
        register(client(0), 10);
        register(client(1), 20);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (randomUpdate(1, 1_024, 1e9), randomUpdate(2, 1_024, 1e9));
        playToAggregate(updates);
        FeeVm(address(vm)).fee(1 gwei);
        FeeVm(address(vm)).txGasPrice(1 gwei);
        vm.prank(client(9));
        pool.carryOn(1_024);
        uint256 paid = uint256(vm.lastCallGas().gasTotalUsed) * 1 gwei;
        vm.assertLe(pool.creditOf(client(9)), paid * 80 / 100, "four fifths at most");
        vm.assertGe(pool.creditOf(client(9)), paid * 77 / 100, "and nearly that");
    }

    /// @dev Of a round of one sample in a hundred, refunds come to a twentieth of what that round shares.
    /// forge-config: default.isolate = false
    function test_RoundsOfOneSampleAreRefundedLikeLargeOnes() public {
        IRewardPool.Terms memory terms = defaultTerms();
        (terms.fullSamples, terms.budget) = (100, 0.001 ether);
        deploy(defaultConfig(), terms);
        fund(1 ether);
        register(client(0), 1);
        register(client(1), 1);
        workAtAHighFee();
        vm.assertEq(pool.creditOf(client(9)), 0.00002 ether / 20, "a twentieth of two hundredths");
    }

    /// @dev A round shares no more than the pot has left, and its refunds are a twentieth of that.
    /// forge-config: default.isolate = false
    function test_RefundsTakeAllThatIsLeftInThePot() public {
        deploy(defaultConfig(), defaultTerms());
        fund(0.05 ether);
        register(client(0), 10);
        register(client(1), 20);
        workAtAHighFee();
        vm.assertEq(pool.creditOf(client(9)), 0.0025 ether, "a twentieth");
        vm.assertGe(pool.creditOf(client(0)) + pool.creditOf(client(1)), 0.0475 ether - 2, "the rest is the clients'");
    }

    /// @dev What one round has refunded says nothing about the next.
    /// forge-config: default.isolate = false
    function test_EachRoundRefundsATwentiethOfItsOwn() public {
        deploy(defaultConfig(), defaultTerms());
        register(client(0), 10);
        register(client(1), 20);
        for (uint256 round = 1; round < 4; ++round) {
            fund(0.05 ether - pool.pot());
            workAtAHighFee();
            vm.assertEq(pool.creditOf(client(9)), round * 0.0025 ether, "a twentieth of each");
        }
    }

    /// @dev A twentieth of less than twenty wei is nothing.
    /// forge-config: default.isolate = false
    function test_APotOfDustRefundsNothing() public {
        deploy(defaultConfig(), defaultTerms());
        fund(19);
        register(client(0), 10);
        register(client(1), 20);
        workAtAHighFee();
        vm.assertEq(pool.creditOf(client(9)), 0, "not a wei");
    }

    /// @dev One step at so high a fee takes all that the round may refund; the next one is refunded nothing.
    /// forge-config: default.isolate = false
    function test_ARefundIsTakenWithoutATrace() public {
        deploy(defaultConfig(), defaultTerms());
        fund(0.05 ether);
        register(client(0), 10);
        register(client(1), 20);
        playToAggregate(twoUpdates());
        FeeVm(address(vm)).fee(1_000_000 gwei);
        vm.expectEmit(address(pool));
        emit IEscrow.Refunded(1, client(9), 0.0025 ether);
        vm.prank(client(9));
        pool.carryOn(3);
        nextBlock();
        vm.recordLogs();
        vm.prank(client(9));
        pool.carryOn(1);
        assertNotEmitted(IEscrow.Refunded.selector, "a refund of nothing");
        vm.assertEq(pool.creditOf(client(9)), 0.0025 ether, "once");
    }

    /// @dev All of the pot is shared, and paid a client at a time: what the next one is owed refunds nobody.
    /// forge-config: default.isolate = false
    function test_RefundsTakeWhatTheNextPageIsOwed() public {
        deploy(defaultConfig(), defaultTerms());
        fund(0.05 ether);
        register(client(0), 10);
        register(client(1), 20);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 3e9), vector(3e9, 2e9, 1e9));
        FeeVm(address(vm)).fee(0);
        playToSettle(updates);
        pool.carryOn(2); // the first pass, for nothing
        FeeVm(address(vm)).fee(10 gwei);
        vm.prank(client(9));
        pool.carryOn(1);
        vm.assertEq(pool.creditOf(client(9)), 0, "all of the pot is promised");
        vm.assertGe(pool.creditOf(client(0)), 1, "one is paid");
        vm.prank(client(9));
        pool.carryOn(1);
        assertPhase(IAggregator.Phase.Idle, "so is the other");
        vm.assertEq(pool.creditOf(client(0)) + pool.creditOf(client(1)), 0.05 ether - pool.creditOf(client(9)), "all");
        vm.assertLe(pool.creditOf(client(9)), 2, "a refund of what rounding left");
        vm.assertEq(pool.pot(), 0, "and nothing more is there");
    }

    /// @dev Two accounts cancel each other out, so that nobody is paid: the next round's work is refunded all the same.
    /// forge-config: default.isolate = false
    function test_ARoundThatPaysNobodyLeavesTheNextOnesWorkUnpaid() public {
        deploy(defaultConfig(), defaultTerms());
        fund(1 ether);
        register(client(0), 10);
        register(client(1), 10);
        int64[][] memory updates = new int64[][](2);
        FeeVm(address(vm)).fee(0);
        (updates[0], updates[1]) = (vector(1e9, 0, 0), vector(-1e9, 0, 0));
        play(updates);
        vm.assertEq(pool.pot(), 1 ether, "nobody was paid");
        (updates[0], updates[1]) = (vector(1e9, 2e9, 3e9), vector(3e9, 2e9, 1e9));
        playToSettle(updates);
        FeeVm(address(vm)).fee(10 gwei);
        vm.prank(client(9));
        pool.carryOn(1); // the first pass
        vm.assertGe(pool.creditOf(client(9)), 1, "it is paid for");
    }

    /// forge-config: default.isolate = false
    function test_VoidRoundsAreRefunded() public {
        deploy(defaultConfig(), defaultTerms());
        fund(10 ether);
        FeeVm(address(vm)).fee(1 gwei);
        aggregator.openRound();
        endPhase();
        address worker = account("worker");
        vm.prank(worker);
        pool.carryOn(1);
        assertPhase(IAggregator.Phase.Idle, "the round is over");
        vm.assertEq(pool.creditOf(worker), 0, "nothing for a void round");
    }

    /// @dev The pot holds exactly the budget; refunds between the passes must not take from what is being paid.
    /// forge-config: default.isolate = false
    function test_RefundsTakeWhatIsBeingPaid() public {
        deploy(defaultConfig(), defaultTerms());
        fund(1 ether);
        register(client(0), 10);
        register(client(1), 20);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 3e9), vector(3e9, 2e9, 1e9));
        playToSettle(updates);
        FeeVm(address(vm)).fee(1000 gwei);
        while (phase() != IAggregator.Phase.Idle) {
            pool.carryOn(1);
            nextBlock();
        }
        vm.assertEq(address(pool).balance, pool.pot() + pool.totalCredit(), "the books");
        uint256 earned = pool.creditOf(client(0)) + pool.creditOf(client(1)) + pool.creditOf(address(this));
        vm.assertLe(earned, 1 ether, "no more than there was");
        vm.assertGe(pool.creditOf(address(this)), 1, "something was refunded");
        vm.assertGe(pool.creditOf(client(0)) + pool.creditOf(client(1)), 0.94 ether, "the clients have theirs");
    }

    /// @dev A stranger works while the pot is empty, or holds so little that a twentieth of it is a wei: what the round's work
    /// is refunded once the pot is filled is what it would have been.
    /// forge-config: default.isolate = false
    function test_AStrangerFixesARoundsRefundsAtNothing() public {
        uint256[3] memory credits;
        for (uint256 before; before < 3; ++before) {
            deploy(defaultConfig(), defaultTerms());
            register(client(0), 10);
            register(client(1), 20);
            playToAggregate(twoUpdates());
            FeeVm(address(vm)).fee(1 gwei);
            if (before == 2) fund(20); // wei
            vm.prank(before == 0 ? client(9) : client(8));
            if (before == 0) aggregator.aggregate(3);
            else pool.carryOn(3);
            vm.assertEq(pool.totalCredit(), before / 2, "nothing, or a wei");
            fund(10 ether);
            while (phase() != IAggregator.Phase.Idle) {
                nextBlock();
                vm.prank(client(9));
                pool.carryOn(100);
            }
            credits[before] = pool.creditOf(client(9));
        }
        vm.assertGe(credits[0], 1, "work is refunded");
        // to work from a slot that is written is cheaper, so that there is less to refund
        vm.assertGe(credits[1], credits[0] * 9 / 10, "a stranger worked while the pot was empty");
        vm.assertGe(credits[2], credits[0] * 9 / 10, "a stranger was refunded a wei");
    }

    /// @dev Money that comes between two steps lifts the limit; however often it comes, refunds end at the whole round's.
    /// forge-config: default.isolate = false
    function test_FundingBetweenStepsRefundsMoreThanTheRoundsLimit() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.fullSamples = 60; // the round has half of them
        deploy(defaultConfig(), terms);
        register(client(0), 10);
        register(client(1), 20);
        playToAggregate(twoUpdates());
        FeeVm(address(vm)).fee(1_000_000 gwei);
        uint256 last;
        for (uint256 step; phase() != IAggregator.Phase.Idle; ++step) {
            fund(0.2 ether);
            vm.prank(client(9));
            pool.carryOn(1);
            nextBlock();
            if (step == 0) vm.assertEq(pool.creditOf(client(9)), 0.01 ether, "a twentieth of what there is");
            else if (step == 1) vm.assertEq(pool.creditOf(client(9)), 0.39 ether / 20, "of what there is by now");
            else if (step > 2) vm.assertEq(pool.creditOf(client(9)), 0.025 ether, "of half of the budget");
            last = step;
        }
        vm.assertGe(last, 4, "many steps");
    }

    /// @dev A known limit. The round shares the little there was when its payments began; money for rounds to come is there
    /// before a refund, which is a twentieth of what it would share by now: of the whole budget, and no more. Fifty times what
    /// the round shares, here, and any number of times with less in the pot: the bound is the budget's, not the round's.
    /// forge-config: default.isolate = false
    function test_KnownLimit_RefundsAreATwentiethOfWhatThePotHoldsAtARefund() public {
        deploy(defaultConfig(), defaultTerms());
        fund(0.001 ether);
        register(client(0), 10);
        register(client(1), 20);
        playToSettle(twoUpdates());
        pool.settle(3); // the first pass, and one payment
        fund(10 ether);
        FeeVm(address(vm)).fee(1_000_000 gwei);
        vm.prank(client(9));
        pool.carryOn(1);
        vm.assertLe(pool.creditOf(client(0)) + pool.creditOf(client(1)), 0.001 ether, "what it shared");
        vm.assertEq(pool.creditOf(client(9)), 0.05 ether, "a twentieth of the budget");
        assertPhase(IAggregator.Phase.Idle, "that was the last step");
        vm.assertGe(pool.creditOf(client(9)), 50 * (pool.creditOf(client(0)) + pool.creditOf(client(1))), "fifty times");
    }

    /// @dev A known limit: a round with an empty pot shares nothing, and its work is refunded from what comes meanwhile; as
    /// it has half of `fullSamples`, by half of that at most.
    /// forge-config: default.isolate = false
    function test_KnownLimit_ARoundThatSharesNothingIsRefunded() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.fullSamples = 60;
        deploy(defaultConfig(), terms);
        register(client(0), 10);
        register(client(1), 20);
        playToSettle(twoUpdates());
        pool.settle(2); // the first pass, of an empty pot
        fund(10 ether);
        FeeVm(address(vm)).fee(1_000_000 gwei);
        for (uint256 i; i < 2; ++i) {
            vm.prank(client(9));
            pool.carryOn(1);
            vm.assertEq(pool.creditOf(client(9)), 0.025 ether, "a twentieth of half of the budget, once");
        }
        assertPhase(IAggregator.Phase.Idle, "both were paid");
        vm.assertEq(pool.creditOf(client(0)) + pool.creditOf(client(1)), 0, "nothing");
    }

    // ---------------------------------------------------------------------------------------------------------- the rest

    function test_ThePublisherTakesThePotWhileClientsWork() public {
        deploy(defaultConfig(), defaultTerms());
        fund(10 ether);
        aggregator.openRound();
        vm.prank(PUBLISHER);
        aggregator.stop();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotReclaimable.selector, PUBLISHER, true, false));
        vm.prank(PUBLISHER);
        pool.reclaim();
    }

    function test_AStrangerClosesARoundUnpaid() public {
        deploy(defaultConfig(), defaultTerms());
        register(client(0), 10);
        register(client(1), 20);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 3e9), vector(3e9, 2e9, 1e9));
        playToSettle(updates);
        address stranger = account("stranger");
        vm.expectRevert(abi.encodeWithSelector(IAggregator.NotRewardPool.selector, stranger, address(pool)));
        vm.prank(stranger);
        aggregator.closeRound();
    }
}
