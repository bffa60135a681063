// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { IEscrow } from "../../src/core/IEscrow.sol";
import { IRewardPool } from "../../src/core/IRewardPool.sol";
import { RefusingClient, ReenteringEarner } from "../actors/BadClients.sol";
import { StubLedger } from "../actors/Stubs.sol";
import { Federation } from "../utils/Federation.sol";
import { Refusals } from "../utils/Refusals.sol";

/// @notice Money in the whole federation: funding, settling, penalties, withdrawing, reclaiming.
/// @dev Three clients with 100, 50 and 50 samples. The first two agree on the direction, the third pulls back.
contract RewardPoolTest is Federation, Refusals {
    address private alice = client(0);
    address private bob = client(1);
    address private carol = client(2);
    address private stranger = account("stranger");
    int64[][] private updates;

    function setUp() public {
        deploy(defaultConfig(), defaultTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fund(10 ether);
        // g = (100·(4, 2, 0) + 50·(2, 2, 0) + 50·(−2, 2, 0)) / 200 = (2, 2, 0), ‖g‖² = 8
        // S = (100·12, 50·8, 50·0) / 200 = (6, 2, 0)
        updates.push(vector(4e9, 2e9, 0));
        updates.push(vector(2e9, 2e9, 0));
        updates.push(vector(-2e9, 2e9, 0));
    }

    /// @dev Carol turns round: g = (2, 1, 0), ‖g‖² = 5, S = (100·10, 50·6, 50·(−6)) / 200 = (5, 1.5, −1.5).
    function carolTurnsRound() private {
        updates[2] = vector(-2e9, -2e9, 0);
    }

    function stakeOf(address who) private view returns (uint256) {
        return registry.clientOf(who).stake;
    }

    // ---------------------------------------------------------------------------------------------------- deployment

    function test_Deployment() public view {
        vm.assertEq(pool.registry(), address(registry), "registry");
        vm.assertEq(pool.aggregator(), address(aggregator), "aggregator");
        vm.assertEq(pool.ledger(), address(ledger), "ledger");
        vm.assertEq(keccak256(abi.encode(pool.terms())), keccak256(abi.encode(defaultTerms())), "terms");
    }

    /// @dev A pool of these terms whose registry and aggregator name it, but for what `wrong` says.
    function arguments(IRewardPool.Terms memory terms, string memory wrong) private returns (bytes memory) {
        address poolAt = addressAfter(4);
        bytes32 what = keccak256(bytes(wrong));
        address slasher = what == keccak256("slasher") ? stranger : poolAt;
        address closer = what == keccak256("rewardPool") ? stranger : poolAt;
        address first =
            vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(STAKE_PER_SAMPLE, COOL_DOWN, slasher));
        address second =
            vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(STAKE_PER_SAMPLE, COOL_DOWN, slasher));
        address counted = what == keccak256("registry") ? second : first;
        address rounds =
            vm.deployCode("Aggregator.sol:Aggregator", abi.encode(counted, closer, PUBLISHER, defaultConfig()));
        address agreement = address(new StubLedger(what == keccak256("ledger") ? stranger : rounds));
        return abi.encode(first, rounds, agreement, terms);
    }

    function assertBadTerms(IRewardPool.Terms memory terms, string memory field, uint256 value) private {
        bytes memory reason = abi.encodeWithSelector(IEscrow.BadTerms.selector, field, value);
        assertRefused("RewardPool.sol:RewardPool", arguments(terms, ""), reason);
    }

    function test_RevertWhen_BadTerms() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.fullSamples = 0;
        assertBadTerms(terms, "fullSamples", 0);
        terms = defaultTerms();
        terms.alpha = 10_000_001;
        assertBadTerms(terms, "alpha", 10_000_001);
        terms = defaultTerms();
        terms.window = 0;
        assertBadTerms(terms, "window", 0);
        terms.window = 65;
        assertBadTerms(terms, "window", 65);
        terms = defaultTerms();
        terms.penaltyCap = 1_000_001;
        assertBadTerms(terms, "penaltyCap", 1_000_001);
    }

    /// @dev A pool that may not slash, or not close a round, would hold its pot for ever.
    function test_RevertWhen_NotWired() public {
        string[2] memory names = ["slasher", "rewardPool"];
        for (uint256 k; k < 2; ++k) {
            address poolAt = addressAfter(4);
            assertRefused(
                "RewardPool.sol:RewardPool",
                arguments(defaultTerms(), names[k]),
                abi.encodeWithSelector(IEscrow.NotWired.selector, names[k], stranger, poolAt)
            );
        }
        address first = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        address second = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        assertRefused(
            "RewardPool.sol:RewardPool",
            arguments(defaultTerms(), "registry"),
            abi.encodeWithSelector(IEscrow.NotWired.selector, "registry", second, first)
        );
        address third = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        assertRefused(
            "RewardPool.sol:RewardPool",
            arguments(defaultTerms(), "ledger"),
            abi.encodeWithSelector(IEscrow.NotWired.selector, "ledger", stranger, third)
        );
        this.deployIt("RewardPool.sol:RewardPool", arguments(defaultTerms(), ""));
    }

    // ------------------------------------------------------------------------------------------------------- funding

    function testFuzz_Fund(uint256 amount) public {
        amount = bound(amount, 1, 1000 ether);
        vm.deal(stranger, amount);
        vm.expectEmit(address(pool));
        emit IEscrow.Funded(stranger, amount, 10 ether + amount);
        vm.prank(stranger);
        pool.fund{ value: amount }();
        vm.assertEq(pool.pot(), 10 ether + amount, "pot");
        vm.assertEq(address(pool).balance, 10 ether + amount, "balance");
    }

    function test_RevertWhen_NothingToFund() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToFund.selector));
        pool.fund();
    }

    function test_RevertWhen_EtherWithoutACall() public {
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        (bool ok,) = address(pool).call{ value: 1 ether }("");
        vm.assertTrue(!ok, "plain transfers would belong to nobody");
    }

    // ------------------------------------------------------------------------------------------------------ settling

    /// @dev All three are good in round 1 of a window of 8: C = 1/8, the same factor for all, so rewards go as S: 6 : 2 : 0.
    function test_RewardsFollowTheScores() public {
        playToSettle(updates);
        vm.expectEmit(address(pool));
        emit IRewardPool.Rewarded(1, alice, 0.75 ether, 125_000, 1_000_000);
        vm.expectEmit(address(pool));
        emit IRewardPool.Rewarded(1, bob, 0.25 ether, 125_000, 1_000_000);
        vm.expectEmit(address(pool));
        emit IRewardPool.Settled(1, 1 ether, 9 ether);
        vm.expectEmit(address(aggregator));
        emit IAggregator.RoundClosed(1);
        pool.settle(6);
        vm.assertEq(pool.creditOf(alice), 0.75 ether, "alice");
        vm.assertEq(pool.creditOf(bob), 0.25 ether, "bob");
        vm.assertEq(pool.creditOf(carol), 0, "carol: a score of zero earns nothing");
        vm.assertEq(stakeOf(carol), 0.5 ether, "and costs nothing");
        vm.assertEq(pool.consistencyOf(carol), 125_000, "it even counts as a good round");
        vm.assertEq(pool.totalCredit(), 1 ether, "sum of credits");
        vm.assertEq(pool.pot(), 9 ether, "pot");

        playToSettle(updates);
        vm.expectEmit(address(pool));
        emit IRewardPool.Settled(2, 1 ether, 8 ether);
        pool.settle(6);
    }

    /// @dev A round Bob is silent in: C_alice = 2/8, C_bob = 1/8 in the round after it; α = 1/2.
    function test_ConsistencyRaisesTheReward() public {
        int64[] memory bobs = updates[1];
        updates[1] = new int64[](0);
        play(updates);
        uint256 before = pool.creditOf(alice);
        updates[1] = bobs;
        play(updates);
        // weights: alice 6·(1 + 1/8), bob 2·(1 + 1/16)
        vm.assertEq(pool.creditOf(alice) - before, 1 ether * uint256(6 * 18) / (6 * 18 + 2 * 17), "alice");
        vm.assertEq(pool.creditOf(bob), 1 ether * uint256(2 * 17) / (6 * 18 + 2 * 17), "bob");
        vm.assertEq(pool.consistencyOf(alice), 250_000, "two of eight");
        vm.assertEq(pool.consistencyOf(bob), 125_000, "one of eight");
        register(client(13), 1);
        register(client(14), 1);
        for (uint256 r = 3; r <= 9; ++r) {
            playWithout(r);
        }
        vm.assertEq(pool.consistencyOf(bob), 125_000, "in round 9, round 2 is in the window");
        vm.assertEq(pool.consistencyOf(alice), 125_000, "and round 1 has left it");
        playWithout(10);
        vm.assertEq(pool.consistencyOf(bob), 0, "in round 10, round 2 has left it");
    }

    /// @dev Round r, in which two others take part.
    function playWithout(uint256 r) private {
        address first = client(13);
        address second = client(14);
        (int64[] memory u, int64[] memory v) = (vector(1e9, int64(int256(r)), 0), vector(1e9, int64(int256(r)), 1));
        open();
        commit(first, u);
        commit(second, v);
        endPhase();
        reveal(first, u);
        reveal(second, v);
        compute();
        pool.settle(4);
        vm.assertEq(aggregator.lastClosedRound(), r, "closed");
    }

    function test_FairnessFactorsScaleTheReward() public {
        play(updates);
        playVoid();
        (address[] memory clients, uint32[] memory factors) = (new address[](2), new uint32[](2));
        (clients[0], factors[0], clients[1], factors[1]) = (alice, 500_000, bob, 1_500_000);
        for (uint256 i; i < 2; ++i) {
            vm.prank(client(i));
            ledger.attest(0, bytes32(uint256(1)), keccak256(abi.encode(clients, factors)));
        }
        ledger.applyFactors(0, bytes32(uint256(1)), clients, factors);
        playToSettle(updates);
        vm.expectEmit(address(pool));
        emit IRewardPool.Rewarded(3, alice, 0.5 ether, 250_000, 500_000);
        vm.expectEmit(address(pool));
        emit IRewardPool.Rewarded(3, bob, 0.5 ether, 250_000, 1_500_000);
        pool.settle(6);
    }

    function test_PotSmallerThanTheBudget() public {
        deploy(defaultConfig(), defaultTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fund(0.1 ether + 3);
        play(updates);
        vm.assertEq(pool.creditOf(alice), 0.075 ether + 2, "three quarters of what there is, rounded down");
        vm.assertEq(pool.creditOf(bob), 0.025 ether, "one quarter");
        vm.assertEq(pool.pot(), 1, "what rounding left stays");
        play(updates);
        vm.assertEq(pool.totalCredit(), 0.1 ether + 2, "an empty pot pays nothing, and the round ends all the same");
        vm.assertEq(aggregator.lastClosedRound(), 2, "closed");
    }

    /// @dev Money that arrives while some are paid and some not: nobody gets more for being paid later.
    function test_FundingDuringTheSettlementCountsNextTime() public {
        deploy(defaultConfig(), defaultTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fund(0.4 ether);
        playToSettle(updates);
        pool.settle(4);
        vm.assertEq(pool.creditOf(alice), 0.3 ether, "alice is paid");
        fund(5 ether);
        pool.settle(2);
        vm.assertEq(pool.creditOf(bob), 0.1 ether, "bob's share is that of the same budget");
        vm.assertEq(pool.pot(), 5 ether, "the rest is for rounds to come");
    }

    function test_PagesAreStepsOfTwoPasses() public {
        playToSettle(updates);
        pool.settle(1);
        IRewardPool.Settlement memory s = pool.settlement();
        vm.assertTrue(s.round == 1 && s.cursor == 1 && !s.paying, "alice is weighed");
        pool.settle(3);
        s = pool.settlement();
        vm.assertTrue(s.cursor == 1 && s.paying, "all are weighed, alice is paid");
        vm.assertEq(pool.creditOf(alice), 0.75 ether, "alice's reward");
        vm.assertEq(pool.creditOf(bob), 0, "bob's comes later");
        assertPhase(IAggregator.Phase.Settle, "not over");
        pool.settle(type(uint256).max);
        vm.assertEq(pool.creditOf(bob), 0.25 ether, "bob's reward");
        assertPhase(IAggregator.Phase.Idle, "over");
    }

    function test_RevertWhen_SettlingTwice() public {
        play(updates);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToSettle.selector, 1));
        pool.settle(6);
        aggregator.openRound();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToSettle.selector, 2));
        pool.settle(6);
    }

    function test_RevertWhen_ZeroSettleCount() public {
        playToSettle(updates);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.ZeroSettleCount.selector));
        pool.settle(0);
    }

    /// @dev A void round pays nobody, punishes nobody, and does not count: nobody could be consistent in it.
    function test_VoidRound() public {
        play(updates);
        playVoid();
        vm.assertEq(pool.pot(), 9 ether, "nothing paid");
        vm.assertEq(stakeOf(alice), 1 ether, "nothing burned");
        vm.assertEq(pool.consistencyOf(alice), 125_000, "one of the last eight");
        vm.assertEq(pool.settlement().counted, 1, "one round counted");
        play(updates);
        vm.assertEq(pool.accountOf(alice).history, 3, "good, void, good: 11");
        vm.assertEq(pool.settlement().counted, 2, "two rounds counted");
        vm.assertEq(pool.consistencyOf(alice), 250_000, "two of the last eight");
    }

    /// @dev Void for want of samples: who revealed loses nothing and gains nothing, who did not pays for it.
    function test_RoundVoidForWantOfSamples() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 120;
        deploy(config, defaultTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fund(10 ether);
        play(updates);
        uint256 before = pool.totalCredit();
        int64[] memory alices = updates[0];
        updates[0] = new int64[](0);
        play(updates);
        vm.assertTrue(aggregator.currentRound().isVoid, "100 of 200 were revealed");
        vm.assertEq(pool.totalCredit(), before, "nobody is paid");
        vm.assertEq(stakeOf(bob) + stakeOf(carol), 1 ether, "bob and carol revealed");
        vm.assertEq(stakeOf(alice), 0.9 ether, "alice did not");
        vm.assertEq(pool.settlement().counted, 1, "one round counted");
        vm.assertEq(pool.consistencyOf(alice), 125_000, "no round missed");
        updates[0] = alices;
        play(updates);
        vm.assertEq(pool.consistencyOf(alice), 250_000, "two good ones");
        vm.assertEq(pool.consistencyOf(bob), 250_000, "bob's reveal in the void round is not one");
    }

    // ------------------------------------------------------------------------------------------------ samples and budget

    /// @dev 200 of 800 samples: a quarter of the budget, shared as ever.
    function test_FewSamplesShareLess() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.fullSamples = 800;
        deploy(defaultConfig(), terms);
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fund(10 ether);
        play(updates);
        vm.assertEq(pool.creditOf(alice), 0.1875 ether, "three quarters of it");
        vm.assertEq(pool.creditOf(bob), 0.0625 ether, "one quarter of it");
        vm.assertEq(pool.pot(), 9.75 ether, "the rest stays");
    }

    /// @dev With as many samples as are asked for, and with more, the whole budget is shared.
    function test_FullSamplesShareAll() public {
        IRewardPool.Terms memory terms = defaultTerms();
        for (uint32 full = 199; full <= 201; ++full) {
            terms.fullSamples = full;
            deploy(defaultConfig(), terms);
            register(alice, 100);
            register(bob, 50);
            register(carol, 50);
            fund(10 ether);
            playToSettle(updates);
            pool.settle(6);
            uint256 shared = full > 200 ? 1 ether * uint256(200) / 201 : 1 ether;
            vm.assertEq(pool.creditOf(alice), shared * 6 / 8, "alice");
        }
    }

    // ----------------------------------------------------------------------------------------------------- penalties

    /// @dev −S/‖g‖² = 1.5/5 and a rate of 5%: 1.5% of 0.5 ether.
    function test_NegativeScoreBurnsStake() public {
        carolTurnsRound();
        playToSettle(updates);
        vm.expectEmit(address(pool));
        emit IEscrow.Penalized(1, carol, 0.0075 ether);
        pool.settle(6);
        vm.assertEq(stakeOf(carol), 0.4925 ether, "burned");
        vm.assertEq(stakeOf(alice), 1 ether, "alice's is not touched");
        vm.assertEq(pool.consistencyOf(carol), 0, "not a good round");
        vm.assertEq(pool.creditOf(alice), uint256(1 ether) * 10 / 13, "the budget goes to the others: 5 : 1.5");
        vm.assertEq(address(registry).balance, 1 ether + 0.5 ether + 0.4925 ether, "what the registry holds");
    }

    function test_PenaltyIsCapped() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.penaltyRate = 10_000_000; // 1.5/5 of ten times the stake
        deploy(defaultConfig(), terms);
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        carolTurnsRound();
        play(updates);
        vm.assertEq(stakeOf(carol), 0.45 ether, "a tenth of the stake, the cap");
    }

    function test_RateZeroPunishesOnlySilence() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.penaltyRate = 0;
        deploy(defaultConfig(), terms);
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        carolTurnsRound();
        vm.recordLogs();
        play(updates);
        assertNotEmitted(IEscrow.Penalized.selector, "nothing was burned, nothing is told");
        vm.assertEq(stakeOf(carol), 0.5 ether, "a negative score costs nothing");
        updates[2] = new int64[](0);
        play(updates);
        vm.assertEq(stakeOf(carol), 0.45 ether, "a missing reveal costs the cap");
    }

    /// @dev The shortest average there is, of length one: a score against it is graded like any other.
    function test_RateZeroPunishesNobodyInARoundOfLengthOne() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.penaltyRate = 0;
        deploy(defaultConfig(), terms);
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        (updates[0], updates[1], updates[2]) = (vector(5, 0, 0), vector(0, 1, 0), vector(-5, 0, 0));
        play(updates);
        vm.assertEq(aggregator.normSquared(), 1, "of length one");
        vm.assertEq(stakeOf(carol), 0.5 ether, "a negative score costs nothing");
    }

    function test_MissingRevealCostsTheCap() public {
        updates[1] = new int64[](0);
        playToSettle(updates);
        vm.expectEmit(address(pool));
        emit IEscrow.Penalized(1, bob, 0.05 ether);
        pool.settle(6);
        vm.assertEq(stakeOf(bob), 0.45 ether, "a tenth");
    }

    function test_NobodyRevealsAllPay() public {
        for (uint256 i; i < 3; ++i) {
            updates[i] = new int64[](0);
        }
        play(updates);
        vm.assertEq(stakeOf(alice), 0.9 ether, "alice");
        vm.assertEq(stakeOf(bob), 0.45 ether, "bob");
        vm.assertEq(stakeOf(carol), 0.45 ether, "carol");
        vm.assertEq(pool.pot(), 10 ether, "nobody is paid");
    }

    /// @dev A cool-down shorter than the round: Carol gets away, and the settlement must not stop at her empty stake.
    function test_SettlingAfterAStakeWasTaken() public {
        updates[2] = new int64[](0);
        playToSettle(updates);
        vm.prank(carol);
        registry.deregister();
        vm.warp(block.timestamp + COOL_DOWN);
        vm.prank(carol);
        registry.withdrawStake();
        pool.settle(6);
        vm.assertGe(pool.totalCredit(), 1 ether - 1, "the others are paid, but for the rounding");
    }

    function test_ALeaverIsStillPunished() public {
        updates[2] = new int64[](0);
        playToSettle(updates);
        vm.prank(carol);
        registry.deregister();
        pool.settle(6);
        vm.assertEq(stakeOf(carol), 0.45 ether, "the stake is locked for the cool-down");
    }

    // --------------------------------------------------------------------------------------------------- withdrawing

    function test_Withdraw() public {
        play(updates);
        vm.expectEmit(address(pool));
        emit IEscrow.Withdrawn(alice, 0.75 ether);
        vm.prank(alice);
        pool.withdraw();
        vm.assertEq(alice.balance, 0.75 ether, "alice has it");
        vm.assertEq(pool.creditOf(alice), 0, "once");
        vm.assertEq(pool.totalCredit(), 0.25 ether, "bob's is left");
        vm.assertEq(address(pool).balance, 9.25 ether, "balance");
    }

    function test_RevertWhen_WithdrawingTwice() public {
        play(updates);
        vm.prank(alice);
        pool.withdraw();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToWithdraw.selector, alice));
        vm.prank(alice);
        pool.withdraw();
    }

    function testFuzz_RevertWhen_AStrangerWithdraws(address who) public {
        if (who == alice || who == bob) return;
        play(updates);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToWithdraw.selector, who));
        vm.prank(who);
        pool.withdraw();
    }

    function test_RevertWhen_PayoutFailed() public {
        address refusing = address(new RefusingClient());
        playWith(refusing);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.PayoutFailed.selector, refusing, 0.75 ether));
        vm.prank(refusing);
        pool.withdraw();
        vm.assertEq(pool.creditOf(refusing), 0.75 ether, "the credit is not lost");
    }

    /// @dev The same round, with `who` in Alice's place.
    function playWith(address who) private {
        register(who, 100);
        open();
        commit(who, updates[0]);
        commit(bob, updates[1]);
        commit(carol, updates[2]);
        endPhase();
        reveal(who, updates[0]);
        reveal(bob, updates[1]);
        reveal(carol, updates[2]);
        compute();
        pool.settle(6);
    }

    function reenter(bytes memory call) private returns (ReenteringEarner thief) {
        thief = new ReenteringEarner(pool, call);
        playWith(address(thief));
        thief.withdraw();
        vm.assertEq(address(thief).balance, 0.75 ether, "paid once");
        vm.assertEq(address(pool).balance, 9.25 ether, "what is left");
        vm.assertTrue(!thief.answered(), "the second call fails");
        bytes4 guard = bytes4(keccak256("ReentrancyGuardReentrantCall()"));
        vm.assertEq(bytes32(bytes4(thief.reentryAnswer())), bytes32(guard), "the guard's error");
    }

    function test_ReenteringWithdraw() public {
        reenter(abi.encodeCall(IEscrow.withdraw, ()));
    }

    function test_ReenteringSettle() public {
        reenter(abi.encodeCall(IRewardPool.settle, (1)));
    }

    function test_ReenteringReclaim() public {
        reenter(abi.encodeCall(IEscrow.reclaim, ()));
    }

    // ----------------------------------------------------------------------------------------------------- reclaiming

    function stop() private {
        vm.prank(PUBLISHER);
        aggregator.stop();
    }

    function expectNotReclaimable(address who, bool stopped, bool idle) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotReclaimable.selector, who, stopped, idle));
        vm.prank(who);
        pool.reclaim();
    }

    function test_Reclaim() public {
        play(updates);
        stop();
        vm.expectEmit(address(pool));
        emit IEscrow.Reclaimed(PUBLISHER, 9 ether);
        vm.prank(PUBLISHER);
        pool.reclaim();
        vm.assertEq(PUBLISHER.balance, 9 ether, "the rest");
        vm.assertEq(address(pool).balance, 1 ether, "what was earned stays");
        vm.prank(alice);
        pool.withdraw();
        vm.assertEq(alice.balance, 0.75 ether, "and can be withdrawn after all");
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToWithdraw.selector, PUBLISHER));
        vm.prank(PUBLISHER);
        pool.reclaim();
    }

    /// @dev The last round shares it first.
    function test_FundsAfterAStop() public {
        deploy(defaultConfig(), defaultTerms()); // an empty pot
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        playToSettle(updates);
        stop();
        fund(1.5 ether);
        pool.settle(6);
        vm.assertEq(pool.totalCredit(), 1 ether, "the round's budget");
        vm.prank(PUBLISHER);
        pool.reclaim();
        vm.assertEq(PUBLISHER.balance, 0.5 ether, "and the publisher has the rest");
    }

    function test_RevertWhen_NotReclaimable() public {
        expectNotReclaimable(PUBLISHER, false, true);
        playToSettle(updates);
        expectNotReclaimable(PUBLISHER, false, false);
        stop();
        expectNotReclaimable(PUBLISHER, true, false);
        pool.settle(6);
        expectNotReclaimable(stranger, true, true);
        vm.prank(PUBLISHER);
        pool.reclaim();
    }
}
