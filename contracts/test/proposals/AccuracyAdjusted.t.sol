// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IEscrow } from "../../src/core/IEscrow.sol";
import { IAccuracyAdjusted } from "../../src/proposals/IAccuracyAdjusted.sol";
import { Reference } from "../utils/Reference.sol";
import { Refusals } from "../utils/Refusals.sol";
import { AdjustedFederation } from "./AdjustedFederation.sol";

/// @notice A whole federation that pays by accuracy-adjusted alignment.
/// @dev Three clients with 100, 50 and 50 samples. The first two agree on the direction, the third pulls back:
/// g = (2, 1, 0), ‖g‖² = 5, S = (5, 1.5, −1.5).
contract AccuracyAdjustedTest is AdjustedFederation, Refusals {
    address private alice = client(0);
    address private bob = client(1);
    address private carol = client(2);
    address private stranger = account("stranger");
    int64[][] private updates;

    function setUp() public {
        deployAdjusted(defaultConfig(), adjustedTerms());
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fundAdjusted(10 ether);
        updates.push(vector(4e9, 2e9, 0));
        updates.push(vector(2e9, 2e9, 0));
        updates.push(vector(-2e9, -2e9, 0));
    }

    function stakeOf(address who) private view returns (uint256) {
        return registry.clientOf(who).stake;
    }

    // ---------------------------------------------------------------------------------------------------- deployment

    function test_Deployment() public view {
        vm.assertEq(keccak256(abi.encode(adjusted.terms())), keccak256(abi.encode(adjustedTerms())), "terms");
        vm.assertEq(registry.slasher(), address(adjusted), "slasher");
        vm.assertEq(aggregator.rewardPool(), address(adjusted), "reward pool");
    }

    /// @dev A pool of these terms whose registry and aggregator name it, or a stranger.
    function arguments(IAccuracyAdjusted.Terms memory terms, bool wired) private returns (bytes memory) {
        address poolAt = addressAfter(2);
        address named = wired ? poolAt : stranger;
        address clients =
            vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(STAKE_PER_SAMPLE, COOL_DOWN, named));
        address rounds =
            vm.deployCode("Aggregator.sol:Aggregator", abi.encode(clients, named, PUBLISHER, defaultConfig()));
        return abi.encode(clients, rounds, terms);
    }

    function assertBadTerms(IAccuracyAdjusted.Terms memory terms, string memory field, uint256 value) private {
        assertRefused(ARTIFACT, arguments(terms, true), abi.encodeWithSelector(IEscrow.BadTerms.selector, field, value));
    }

    function test_RevertWhen_BadTerms() public {
        IAccuracyAdjusted.Terms memory terms = adjustedTerms();
        terms.fullSamples = 0;
        assertBadTerms(terms, "fullSamples", 0);
        terms = adjustedTerms();
        terms.gainCap = 0;
        assertBadTerms(terms, "gainCap", 0);
        terms.gainCap = 2 ** 31;
        assertBadTerms(terms, "gainCap", 2 ** 31);
        terms = adjustedTerms();
        terms.penaltyCap = 1_000_001;
        assertBadTerms(terms, "penaltyCap", 1_000_001);
        terms = adjustedTerms();
        terms.quorum = 500_000;
        assertBadTerms(terms, "quorum", 500_000);
        terms.quorum = 1_000_001;
        assertBadTerms(terms, "quorum", 1_000_001);
        terms = adjustedTerms();
        terms.attestSeconds = 0;
        assertBadTerms(terms, "attestSeconds", 0);
        terms.attestSeconds = uint32((COOL_DOWN - 600 - 300) / 2); // twice, with commit and reveal: the cool-down
        assertBadTerms(terms, "attestSeconds", terms.attestSeconds);
        terms.attestSeconds = type(uint32).max;
        assertBadTerms(terms, "attestSeconds", type(uint32).max);
        terms.attestSeconds = uint32((COOL_DOWN - 600 - 300) / 2 - 1);
        this.deployIt(ARTIFACT, arguments(terms, true));
        this.deployIt(ARTIFACT, arguments(adjustedTerms(), true));
        terms = adjustedTerms();
        (terms.gainCap, terms.quorum, terms.penaltyCap) = (2 ** 31 - 1, 1_000_000, 1_000_000);
        this.deployIt(ARTIFACT, arguments(terms, true)); // the largest
    }

    /// @dev A quorum of all is met by all, and by nobody less.
    function test_AQuorumOfAll() public {
        IAccuracyAdjusted.Terms memory terms = adjustedTerms();
        terms.quorum = 1_000_000;
        deployAdjusted(defaultConfig(), terms);
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        playToSettle(updates);
        bytes32 hash = hashOf(gains3(1, 1, 1));
        attest(alice, hash);
        attest(bob, hash);
        vm.assertEq(adjusted.settlement().agreed, bytes32(0), "150 of 200");
        attest(carol, hash);
        vm.assertEq(adjusted.settlement().agreed, hash, "200 of 200");
    }

    function test_RevertWhen_NotWired() public {
        address poolAt = addressAfter(2);
        assertRefused(
            ARTIFACT,
            arguments(adjustedTerms(), false),
            abi.encodeWithSelector(IEscrow.NotWired.selector, "slasher", stranger, poolAt)
        );
    }

    // --------------------------------------------------------------------------------------------------- attestation

    /// @dev Alice and Bob hold 150 of 200 samples, above two thirds; Alice alone does not.
    function test_VotesWeighSamples() public {
        playToSettle(updates);
        bytes32 hash = hashOf(gains3(4, 8, 8));
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.AttestationOpened(1, block.timestamp + ATTEST);
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Attested(1, alice, hash, 100);
        attest(alice, hash);
        vm.assertEq(adjusted.votesFor(1, hash), 100, "Alice's samples");
        vm.assertEq(adjusted.settlement().agreed, 0, "not yet");
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Agreed(1, hash, 150);
        attest(bob, hash);
        vm.assertEq(adjusted.settlement().agreed, hash, "agreed");
    }

    function test_RevertWhen_Attesting() public {
        bytes32 hash = hashOf(gains3(4, 8, 8));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToSettle.selector, 0));
        vm.prank(alice);
        adjusted.attest(0, hash);

        updates[2] = new int64[](0);
        playToSettle(updates);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.ZeroGains.selector));
        vm.prank(alice);
        adjusted.attest(1, 0); // zero stands for "nothing agreed": a quorum of zeros would stop the round
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.NotInRound.selector, stranger, 1));
        vm.prank(stranger);
        adjusted.attest(1, hash);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.NotInRound.selector, carol, 1)); // did not reveal
        vm.prank(carol);
        adjusted.attest(1, hash);

        attest(bob, hash);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.GainsAlreadyAttested.selector, bob, 1));
        vm.prank(bob);
        adjusted.attest(1, hash);
        attest(alice, hash); // 150 of 150
    }

    function test_RevertWhen_AttestingAfterAgreementOrDeadline() public {
        playToSettle(updates);
        bytes32 hash = hashOf(gains3(4, 8, 8));
        attest(alice, hash);
        uint256 deadline = adjusted.settlement().deadline;
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.AttestationOver.selector, deadline, deadline));
        vm.prank(bob);
        adjusted.attest(1, hash);
        vm.warp(deadline - 1);
        attest(bob, hash);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.GainsAlreadyAgreed.selector, 1, hash));
        vm.prank(carol);
        adjusted.attest(1, hash);
    }

    function test_RevertWhen_OpeningTwice() public {
        playToSettle(updates);
        adjusted.openAttestation();
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.AlreadyOpen.selector, 1, block.timestamp + ATTEST));
        adjusted.openAttestation();
    }

    // ---------------------------------------------------------------------------------------------------- settlement

    /// @dev gainCap 8: Alice's gain 4 counts half, Bob's 16 in full: weights 2.5 and 1.5.
    function test_RewardsFollowScoreTimesGain() public {
        playToSettle(updates);
        int32[] memory gains = gains3(4, 16, 8);
        agree(gains);
        vm.expectEmit(address(adjusted));
        emit IEscrow.Penalized(1, carol, 0.5 ether * 15_000 / uint256(1_000_000)); // 0.05 · 1.5 / 5 of the stake
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Rewarded(1, alice, 0.625 ether, 4);
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Rewarded(1, bob, 0.375 ether, 16);
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Settled(1, 1 ether, 9 ether, true);
        adjusted.settle(6, gains);
        vm.assertEq(adjusted.creditOf(carol), 0, "a negative score earns nothing, whatever its gain");
        vm.assertEq(stakeOf(carol), 0.5 ether - 0.0075 ether, "and costs");
        vm.assertEq(stakeOf(alice) + stakeOf(bob), 1.5 ether, "the honest lose nothing");
        vm.assertEq(adjusted.pot() + adjusted.totalCredit(), address(adjusted).balance, "solvent");
        assertPhase(IAggregator.Phase.Idle, "closed");
    }

    /// @dev 200 of 800 samples: a quarter of the budget, in the same proportions.
    function testFuzz_FewSamplesShareLess(uint32 full) public {
        IAccuracyAdjusted.Terms memory terms = adjustedTerms();
        terms.fullSamples = uint32(bound(full, 1, 2_000));
        deployAdjusted(defaultConfig(), terms);
        register(alice, 100);
        register(bob, 50);
        register(carol, 50);
        fundAdjusted(10 ether);
        playToSettle(updates);
        int32[] memory gains = gains3(4, 16, 8);
        agree(gains);
        adjusted.settle(6, gains);
        uint256 budget = Reference.shared(1 ether, 200, terms.fullSamples, 10 ether);
        vm.assertEq(adjusted.creditOf(alice), budget * 25 / 40, "alice");
        vm.assertEq(adjusted.creditOf(bob), budget * 15 / 40, "bob");
    }

    /// @dev Scores of 2, 1 and 1 units: an eighth of 2 is rounded down to nothing.
    function test_AShareOfAScoreIsRoundedDown() public {
        updates[0] = vector(2, 1, 0);
        updates[1] = vector(2, 0, 0);
        updates[2] = vector(2, 0, 1);
        playToSettle(updates);
        vm.assertEq(aggregator.entryOf(alice).score, 2, "half of 2 * 2");
        int32[] memory gains = gains3(1, 8, 0);
        agree(gains);
        adjusted.settle(6, gains);
        vm.assertEq(adjusted.creditOf(alice), 0, "nothing");
        vm.assertEq(adjusted.creditOf(bob), 1 ether, "all");
    }

    function test_GainsBelowOneEarnNothing() public {
        playToSettle(updates);
        int32[] memory gains = gains3(0, -3, 8);
        agree(gains);
        adjusted.settle(6, gains);
        vm.assertEq(adjusted.totalCredit(), 0, "nobody is paid");
        vm.assertEq(adjusted.pot(), 10 ether, "the budget stays");
    }

    function testFuzz_PagesDoNotMatter(uint256 seed) public {
        playToSettle(updates);
        int32[] memory gains = gains3(3, 5, 8);
        agree(gains);
        uint256 steps;
        while (phase() == IAggregator.Phase.Settle) {
            adjusted.settle(1 + draw(seed, "page", steps++) % 3, gains);
        }
        // weights 5·3/8 and 1.5·5/8 = 15 : 7.5
        vm.assertEq(adjusted.creditOf(alice), uint256(1 ether) * 1_875_000_000 / 2_812_500_000, "alice");
        vm.assertEq(adjusted.creditOf(bob), uint256(1 ether) * 937_500_000 / 2_812_500_000, "bob");
    }

    function test_RevertWhen_GainsAreNotTheAgreedOnes() public {
        playToSettle(updates);
        int32[] memory gains = gains3(4, 8, 8);
        agree(gains);
        int32[] memory others = gains3(5, 8, 8);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.WrongGains.selector, hashOf(others), hashOf(gains)));
        adjusted.settle(6, others);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.ZeroSettleCount.selector));
        adjusted.settle(0, gains);
    }

    /// @dev A quorum that agrees on a list of the wrong length stops one round's pay, not the federation.
    function test_AgreementOnNothingUsableExpires() public {
        playToSettle(updates);
        int32[] memory gains = new int32[](2);
        agree(gains);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.GainsLengthMismatch.selector, 2, 3));
        adjusted.settle(6, gains);
        uint256 end = adjusted.settlement().deadline + ATTEST;
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.NoGainsAgreed.selector, 1, end - 1, end));
        adjusted.settle(6, new int32[](0));
        vm.warp(end);
        adjusted.settle(2, new int32[](0));
        adjusted.settle(4, new int32[](0));
        assertPhase(IAggregator.Phase.Idle, "closed");
        vm.assertEq(adjusted.pot(), 10 ether, "unpaid");
    }

    /// @dev With nearly the longest time to attest: a quorum agrees on nothing, so that the settlement has to wait as long as it
    /// can, for two whose stakes are to be cut, and who left as early as they could. A time to attest with which their stakes
    /// would be free by then is refused at deployment.
    function test_LeaversTakeWholeStakesBeforeAnybodyCanSettle() public {
        IAccuracyAdjusted.Terms memory terms = adjustedTerms();
        terms.attestSeconds = uint32((COOL_DOWN - 600 - 300) / 2 - 10); // each step takes a second here
        deployAdjusted(defaultConfig(), terms);
        fundAdjusted(10 ether);
        register(alice, 100);
        register(bob, 52);
        register(carol, 50);
        open();
        commit(alice, updates[0]);
        commit(bob, updates[2]); // pulls back
        commit(carol, updates[1]); // and shows nothing
        for (uint256 i = 1; i < 3; ++i) {
            vm.prank(client(i));
            registry.deregister();
        }
        endPhase();
        reveal(alice, updates[0]);
        reveal(bob, updates[2]);
        endPhase();
        compute();
        vm.assertTrue(aggregator.entryOf(bob).score < 0, "to be penalized");
        attest(alice, keccak256("nothing that anybody can show"));
        attest(bob, keccak256("nothing that anybody can show"));
        vm.warp(adjusted.settlement().deadline + terms.attestSeconds);
        for (uint256 i = 1; i < 3; ++i) {
            uint256 unlockAt = registry.clientOf(client(i)).unlockAt;
            vm.expectRevert(abi.encodeWithSelector(IClientRegistry.CoolingDown.selector, block.timestamp, unlockAt));
            vm.prank(client(i));
            registry.withdrawStake();
        }
        adjusted.settle(6, new int32[](0));
        vm.assertLe(stakeOf(bob), 52 * STAKE_PER_SAMPLE - 1, "cut for its score");
        vm.assertEq(stakeOf(carol), 50 * STAKE_PER_SAMPLE * 9 / 10, "cut for its silence");
    }

    /// @dev A settlement begun with the agreed gains is finished with them, however late.
    function test_RevertWhen_SettlementChangesItsGround() public {
        playToSettle(updates);
        int32[] memory gains = gains3(4, 8, 8);
        agree(gains);
        adjusted.settle(1, gains);
        uint256 end = adjusted.settlement().deadline + ATTEST;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.NoGainsAgreed.selector, 1, end, end));
        adjusted.settle(5, new int32[](0));
        adjusted.settle(5, gains);
        vm.assertGe(adjusted.totalCredit(), 1 ether - 2, "paid");
    }

    function test_WithoutAgreementNobodyIsPaidButPenaltiesStand() public {
        playToSettle(updates);
        int32[] memory none;
        vm.expectRevert(
            abi.encodeWithSelector(IAccuracyAdjusted.NoGainsAgreed.selector, 1, block.timestamp, type(uint40).max)
        );
        adjusted.settle(6, none);
        attest(alice, hashOf(gains3(4, 8, 8)));
        uint256 deadline = adjusted.settlement().deadline;
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.NoGainsAgreed.selector, 1, block.timestamp, deadline));
        adjusted.settle(6, none);
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.GainsLengthMismatch.selector, 3, 0));
        adjusted.settle(6, gains3(4, 8, 8));
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Settled(1, 0, 10 ether, false);
        adjusted.settle(6, none);
        vm.assertEq(adjusted.totalCredit(), 0, "nobody is paid");
        vm.assertEq(stakeOf(carol), 0.4925 ether, "Carol's penalty does not wait for an agreement");
        assertPhase(IAggregator.Phase.Idle, "closed");
    }

    /// @dev Whatever was agreed on in a void round, nobody is paid by it, and the event says so.
    function test_AVoidRoundIsNotSettledByGains() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 1_000;
        deployAdjusted(config, adjustedTerms());
        fundAdjusted(10 ether);
        register(alice, 100);
        register(bob, 10);
        int64[][] memory two = new int64[][](2);
        (two[0], two[1]) = (updates[0], updates[1]);
        playToSettle(two);
        vm.assertTrue(aggregator.currentRound().isVoid, "too few samples");
        int32[] memory gains = new int32[](2);
        (gains[0], gains[1]) = (8, 8);
        attest(alice, hashOf(gains));
        vm.assertEq(adjusted.settlement().agreed, hashOf(gains), "agreed on");
        vm.expectEmit(address(adjusted));
        emit IAccuracyAdjusted.Settled(1, 0, 10 ether, false);
        adjusted.settle(4, gains);
        assertPhase(IAggregator.Phase.Idle, "closed");
    }

    function test_AVoidRoundClosesAtOnce() public {
        aggregator.openRound();
        endPhase();
        adjusted.settle(1, new int32[](0));
        assertPhase(IAggregator.Phase.Idle, "closed");

        updates[0] = new int64[](0);
        updates[1] = new int64[](0);
        updates[2] = new int64[](0);
        playToAggregate(updates);
        adjusted.settle(100, new int32[](0));
        assertPhase(IAggregator.Phase.Idle, "closed");
        vm.assertEq(stakeOf(alice), 0.9 ether, "a missing reveal costs the cap: a tenth");
    }

    function test_SecondRoundStartsAfresh() public {
        playToSettle(updates);
        agree(gains3(4, 8, 8));
        adjusted.settle(6, gains3(4, 8, 8));
        playToSettle(updates);
        vm.assertEq(adjusted.votesFor(2, hashOf(gains3(4, 8, 8))), 0, "votes of another round");
        agree(gains3(4, 8, 8));
        adjusted.settle(6, gains3(4, 8, 8));
        vm.assertEq(adjusted.totalCredit(), adjusted.creditOf(alice) + adjusted.creditOf(bob), "two rounds");
        vm.assertGe(adjusted.totalCredit(), 2 ether - 4, "of one ether each, less rounding");
    }

    // --------------------------------------------------------------------------------------------------------- money

    function test_Withdraw() public {
        playToSettle(updates);
        agree(gains3(4, 16, 8));
        adjusted.settle(6, gains3(4, 16, 8));
        uint256 before = alice.balance;
        vm.expectEmit(address(adjusted));
        emit IEscrow.Withdrawn(alice, 0.625 ether);
        vm.prank(alice);
        adjusted.withdraw();
        vm.assertEq(alice.balance - before, 0.625 ether, "paid out");
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToWithdraw.selector, alice));
        vm.prank(alice);
        adjusted.withdraw();
    }

    function test_Reclaim() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotReclaimable.selector, alice, false, true));
        vm.prank(alice);
        adjusted.reclaim();
        vm.prank(PUBLISHER);
        aggregator.stop();
        uint256 before = PUBLISHER.balance;
        vm.prank(PUBLISHER);
        adjusted.reclaim();
        vm.assertEq(PUBLISHER.balance - before, 10 ether, "the pot");
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToWithdraw.selector, PUBLISHER));
        vm.prank(PUBLISHER);
        adjusted.reclaim();
    }

    function test_RevertWhen_NothingToFund() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToFund.selector));
        adjusted.fund();
    }

    // ----------------------------------------------------------------------------------------- the bounds, for any gains

    /// @dev Whatever a quorum attests: a round pays its budget at most, pays nobody with a score below zero, and takes
    /// stake only from those, the cap at most. Scores and gains are drawn; the federation is real.
    function testFuzz_NoGainsDrainThePool(uint256 seed) public {
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3; ++j) {
                updates[i][j] = int64(int256(draw(seed, "update", 3 * i + j) % 200e9)) - 100e9;
            }
        }
        playToSettle(updates);
        int32[] memory gains = gains3(
            int32(int256(draw(seed, "gain", 0) % 2 ** 32) - 2 ** 31),
            int32(int256(draw(seed, "gain", 1) % 40) - 10),
            int32(int256(draw(seed, "gain", 2) % 40) - 10)
        );
        agree(gains);
        adjusted.settle(2, gains);
        adjusted.settle(type(uint256).max, gains);
        vm.assertLe(adjusted.totalCredit(), 1 ether, "the budget");
        vm.assertEq(adjusted.pot() + adjusted.totalCredit(), 10 ether, "nothing appears, nothing vanishes");
        uint256[3] memory staked = [uint256(1 ether), 0.5 ether, 0.5 ether];
        for (uint256 i; i < 3; ++i) {
            int256 score = aggregator.entryOf(client(i)).score;
            uint256 lost = staked[i] - stakeOf(client(i));
            if (score < 0) vm.assertEq(adjusted.creditOf(client(i)), 0, "paid for a negative score");
            else vm.assertEq(lost, 0, "punished without a negative score");
            if (gains[i] <= 0) vm.assertEq(adjusted.creditOf(client(i)), 0, "paid without a gain");
            vm.assertLe(lost, staked[i] / 10, "punished beyond the cap");
        }
    }

    // ----------------------------------------------------------------------------------------------------------- gas

    /// @dev What the adjustment adds to a round of three, in transactions of their own.
    function test_Gas() public {
        int32[] memory gains = gains3(4, 16, 8);
        for (uint256 round; round < 2; ++round) {
            playToSettle(updates);
            attest(alice, hashOf(gains));
            if (round == 1) vm.snapshotGasLastCall("proposals", "attest first");
            attest(bob, hashOf(gains));
            if (round == 1) vm.snapshotGasLastCall("proposals", "attest last");
            adjusted.settle(6, gains);
            if (round == 1) vm.snapshotGasLastCall("proposals", "settle 3 clients, 1 penalized");
            for (uint256 i; i < 3; ++i) {
                updates[i][2] = 9; // other scores, so that every slot is written
            }
        }
    }
}
