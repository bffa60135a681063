// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../../src/core/IAggregator.sol";
import { IClientRegistry } from "../../../src/core/IClientRegistry.sol";
import { IRewardPool } from "../../../src/core/IRewardPool.sol";
import { Federation } from "../../utils/Federation.sol";
import { Refusals } from "../../utils/Refusals.sol";

/// @notice Attacks on the stakes and the consistency of honest clients. A test is named after what the attacker wants,
/// and passes when it does not get it.
contract StakeAttacks is Federation, Refusals {
    address private honest = client(0);
    address private attacker = client(1);
    int64[] private work = vector(5e9, -2e9, 1);

    function setUp() public {
        deploy(defaultConfig(), defaultTerms());
        fund(10 ether);
        register(honest, 100);
        register(attacker, 1);
    }

    function two(int64[] memory a, int64[] memory b) private pure returns (int64[][] memory updates) {
        updates = new int64[][](2);
        (updates[0], updates[1]) = (a, b);
    }

    function stakeOf(address who) private view returns (uint256) {
        return registry.clientOf(who).stake;
    }

    /// @dev With a first reveal of zeros, whoever else came to zeros would be refused and punished.
    function test_AnUpdateOfZerosMakesTheNextOneACopy() public {
        aggregator.openRound();
        nextBlock();
        commit(attacker, vector(0, 0, 0));
        commit(honest, work);
        endPhase();
        bytes32 salt = saltOf(attacker, 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.ZeroUpdate.selector, attacker));
        vm.prank(attacker);
        aggregator.reveal(vector(0, 0, 0), salt);
    }

    function test_AClientsOwnRepeatIsACopy() public {
        play(two(work, vector(1, 1, 1)));
        play(two(work, vector(1, 1, 2)));
        vm.assertEq(stakeOf(honest), 100 * STAKE_PER_SAMPLE, "nothing burned");
        vm.assertTrue(aggregator.entryOf(honest).revealed, "its repeat counts");
    }

    /// @dev The attacker reveals what honest work may lead to; two rounds later it does.
    function test_WhatWasOnceRevealedIsForbiddenForEver() public {
        play(two(vector(7, 7, 7), work));
        play(two(vector(7, 7, 8), vector(1, 1, 1)));
        play(two(work, vector(1, 1, 2)));
        vm.assertTrue(aggregator.entryOf(honest).revealed, "nobody is a copier for ever");
    }

    function expectCopy() private {
        bytes32 digest = keccak256(abi.encodePacked(work));
        bytes32 salt = saltOf(attacker, aggregator.currentRound().number);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, digest, honest));
        vm.prank(attacker);
        aggregator.reveal(work, salt);
    }

    function test_LastRoundsWorkIsPaidAgain() public {
        play(two(work, vector(1, 1, 1)));
        aggregator.openRound();
        nextBlock();
        commit(honest, vector(1, 2, 3));
        commit(attacker, work);
        endPhase();
        expectCopy();
    }

    /// @dev Who comes, by work of its own, to what somebody revealed long ago may go on from there.
    function test_AnOldRevealMakesAnotherOnesRepeatACopy() public {
        play(two(vector(7, 7, 1), vector(7, 7, 7))); // client 1 long ago
        play(two(vector(7, 7, 2), vector(7, 6, 2)));
        play(two(vector(7, 7, 7), vector(7, 6, 3))); // client 0 comes to it
        uint256 before = stakeOf(client(0));
        play(two(vector(7, 7, 7), vector(7, 6, 4)));
        vm.assertTrue(aggregator.entryOf(client(0)).revealed, "its own repeat");
        vm.assertEq(stakeOf(client(0)), before, "and nothing is burned");
    }

    /// @dev Nobody has time in a phase of one second: its steps are taken after the block that began it.
    function test_APhaseOfOneSecondBurnsEveryStake() public {
        IAggregator.Config memory config = defaultConfig();
        config.revealSeconds = 1;
        bytes memory reason = abi.encodeWithSelector(IAggregator.BadConfig.selector, "revealSeconds", 1);
        assertRefused("Aggregator.sol:Aggregator", abi.encode(registry, address(pool), PUBLISHER, config), reason);
        (config.revealSeconds, config.commitSeconds) = (2, 1);
        reason = abi.encodeWithSelector(IAggregator.BadConfig.selector, "commitSeconds", 1);
        assertRefused("Aggregator.sol:Aggregator", abi.encode(registry, address(pool), PUBLISHER, config), reason);
    }

    /// @dev Commit, leave, take the stake and register it elsewhere, all before the same round's deadline: where the
    /// cool-down is that short, no aggregator is deployed.
    function test_OneStakeStandsTwiceInARound() public {
        IAggregator.Config memory config = defaultConfig();
        bytes memory reason = abi.encodeWithSelector(IAggregator.BadConfig.selector, "coolDown", COOL_DOWN);
        config.commitSeconds = uint32(COOL_DOWN);
        assertRefused("Aggregator.sol:Aggregator", abi.encode(registry, address(pool), PUBLISHER, config), reason);
    }

    /// @dev A penalty is a share of the stake: a mistake of one digit would cost ten times as much, and weigh nothing.
    function test_AStakeTooManyIsBurnedAsWell() public {
        bytes memory reason = abi.encodeWithSelector(IClientRegistry.ExcessStake.selector, 1 ether, 0, 100);
        vm.deal(honest, 1 ether);
        vm.expectRevert(reason);
        vm.prank(honest);
        registry.addStake{ value: 1 ether }();
    }

    /// @dev Old enough to be nobody's, an update is revealed by another: its author may go on repeating it.
    function test_ALateCopyMakesTheAuthorACopier() public {
        play(two(vector(1, 2, 3), vector(4, 5, 6)));
        play(two(vector(1, 1, 3), vector(4, 4, 6)));
        play(two(vector(1, 1, 1), vector(1, 2, 3))); // client 1 reveals client 0's of two rounds ago
        uint256 before = stakeOf(client(0));
        play(two(vector(1, 2, 3), vector(9, 9, 9)));
        vm.assertTrue(aggregator.entryOf(client(0)).revealed, "its own");
        vm.assertEq(stakeOf(client(0)), before, "and nothing is burned");
    }

    function test_AVoidRoundBetweenHidesTheCopy() public {
        play(two(work, vector(1, 1, 1)));
        playVoid();
        aggregator.openRound();
        nextBlock();
        commit(honest, vector(1, 2, 3));
        commit(attacker, work);
        endPhase();
        expectCopy();
    }

    /// @dev A known limit. The honest client came to it by work of its own, and may repeat it, as the last who revealed it.
    /// The one who did first reveals it again before it does: now that one is the last.
    function test_KnownLimit_TheFirstAuthorMakesAnHonestRepeatACopy() public {
        play(two(vector(5, 5, 5), vector(7, 7, 7))); // the attacker long ago
        play(two(vector(5, 5, 6), vector(7, 7, 8)));
        play(two(vector(7, 7, 7), vector(7, 7, 9))); // the honest client comes to it
        vm.assertTrue(aggregator.entryOf(honest).revealed, "taken");
        open();
        commit(honest, vector(7, 7, 7));
        commit(attacker, vector(7, 7, 7));
        endPhase();
        reveal(attacker, vector(7, 7, 7));
        bytes32 digest = keccak256(abi.encodePacked(vector(7, 7, 7)));
        bytes32 salt = saltOf(honest, 4);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CopiedUpdate.selector, digest, attacker));
        vm.prank(honest);
        aggregator.reveal(vector(7, 7, 7), salt);
        uint256 stake = stakeOf(honest);
        endPhase();
        compute();
        pool.settle(4);
        vm.assertEq(stakeOf(honest), stake * 9 / 10, "the cap is burned");
    }

    function test_AStrangersCommitmentOpensForOneself() public {
        aggregator.openRound();
        nextBlock();
        bytes32 commitment = commitmentFor(honest, work);
        vm.prank(honest);
        aggregator.commit(1, commitment);
        vm.prank(attacker);
        aggregator.commit(1, commitment);
        endPhase();
        bytes32 salt = saltOf(honest, 1);
        bytes32 opened = aggregator.commitmentOf(1, attacker, keccak256(abi.encodePacked(work)), salt);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.CommitmentMismatch.selector, commitment, opened));
        vm.prank(attacker);
        aggregator.reveal(work, salt);
    }

    // -------------------------------------------------------------------------------------------------------- deadlines

    /// @dev Capacity 4: three more accounts fill the round in its first minute. The honest client reads the deadline and
    /// comes to reveal after it.
    function test_FillingTheRoundMakesTheHonestLate() public {
        register(client(2), 1);
        register(client(3), 1);
        aggregator.openRound();
        uint256 announced = aggregator.currentRound().deadline;
        nextBlock();
        commit(honest, work);
        commit(attacker, vector(1, 1, 1));
        commit(client(2), vector(1, 1, 2));
        commit(client(3), vector(1, 1, 3));
        vm.expectRevert(abi.encodeWithSelector(IAggregator.TooEarly.selector, block.timestamp, announced));
        aggregator.advance();
        vm.assertEq(aggregator.currentRound().deadline, announced, "the deadline stays");
        endPhase();
        reveal(attacker, vector(1, 1, 1));
        reveal(client(2), vector(1, 1, 2));
        reveal(client(3), vector(1, 1, 3));
        vm.warp(announced + 299);
        reveal(honest, work);
        assertPhase(IAggregator.Phase.Aggregate, "all have revealed");
    }

    /// @dev Nobody moves the round on for a day: the time to reveal begins when somebody does.
    function test_WaitingToAdvanceLeavesNoTimeToReveal() public {
        aggregator.openRound();
        nextBlock();
        commit(honest, work);
        commit(attacker, vector(1, 1, 1));
        vm.warp(block.timestamp + 1 days);
        aggregator.advance();
        vm.assertEq(aggregator.currentRound().deadline, block.timestamp + 300, "a whole reveal phase");
        nextBlock();
        reveal(honest, work);
    }

    /// @dev A known limit: the constructor knows nothing of blocks. Where they come every 12 seconds, the next one after the
    /// phase began is at its deadline.
    function test_KnownLimit_ARevealPhaseOfOneBlockTimeBurnsEveryStake() public {
        IAggregator.Config memory config = defaultConfig();
        config.revealSeconds = 12;
        deploy(config, defaultTerms());
        register(honest, 100);
        open();
        commit(honest, work);
        register(attacker, 1);
        commit(attacker, vector(1, 1, 1));
        warpToDeadline();
        aggregator.advance();
        uint256 next = block.timestamp + 12;
        vm.warp(next);
        bytes32 salt = saltOf(honest, 1);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.DeadlinePassed.selector, next, next));
        vm.prank(honest);
        aggregator.reveal(work, salt);
        aggregator.advance();
        nextBlock();
        pool.settle(4);
        vm.assertEq(stakeOf(honest), 0.9 ether, "the cap is burned");
    }

    /// @dev Sent in time and mined three blocks late: a stranger has moved the rounds on. In the next round it could not be
    /// opened, nor replaced, and would cost the whole cap.
    function test_ALateCommitmentBurnsTheStake() public {
        aggregator.openRound();
        bytes32 signed = commitmentFor(honest, work);
        endPhase(); // void
        pool.settle(1);
        aggregator.openRound();
        nextBlock();
        vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongRound.selector, 1, 2));
        vm.prank(honest);
        aggregator.commit(1, signed);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.WrongRound.selector, 1, 2));
        vm.prank(honest);
        aggregator.commitInstead(1, signed);
        commit(honest, work);
        vm.assertEq(aggregator.entryOf(honest).round, 2, "it takes part with a new one");
    }

    /// @dev Nobody knows in the last block whether there will be room: accounts of one sample fill it just before.
    function test_TheLastFreePlacesShutALargerOneOut() public {
        register(client(2), 1);
        register(client(3), 1);
        register(client(4), 1);
        aggregator.openRound();
        vm.warp(aggregator.currentRound().deadline - 1);
        bytes32 commitment = commitmentFor(honest, work);
        for (uint256 i = 1; i < 5; ++i) {
            commit(client(i), vector(1, 1, int64(int256(i))));
        }
        vm.prank(honest);
        aggregator.commitInstead(1, commitment); // which takes a free place as well
        vm.assertEq(aggregator.entryOf(honest).round, 1, "it is in");
    }

    function test_MovingOnInTheSameBlockShutsOthersOut() public {
        aggregator.openRound();
        bytes32 commitment = commitmentFor(attacker, work);
        vm.expectRevert(abi.encodeWithSelector(IAggregator.TooEarly.selector, block.timestamp, block.timestamp + 1));
        vm.prank(attacker);
        aggregator.commit(1, commitment);
    }

    // ------------------------------------------------------------------------------------------------------ consistency

    /// @dev A stakeless stranger opens eight rounds that nobody joins.
    function test_VoidRoundsWipeEveryonesConsistency() public {
        play(two(work, vector(5e9, -2e9, 2)));
        play(two(vector(5e9, -2e9, 3), vector(5e9, -2e9, 4)));
        uint256 before = pool.consistencyOf(honest);
        for (uint256 k; k < 8; ++k) {
            playVoid();
        }
        vm.assertEq(pool.consistencyOf(honest), before, "as it was");
        play(two(vector(5e9, -2e9, 5), vector(5e9, -2e9, 6)));
        vm.assertEq(pool.consistencyOf(honest), 3 * 125_000, "three rounds of eight");
    }

    function test_AVoidRoundLeavesEntriesBehind() public {
        aggregator.openRound();
        nextBlock();
        commit(honest, work);
        endPhase();
        vm.assertEq(aggregator.entryOf(honest).commitment, bytes32(0), "nobody took part");
        vm.assertEq(aggregator.entryOf(honest).round, 0, "in a round that was not");
        pool.settle(1);
        vm.assertEq(stakeOf(honest), 100 * STAKE_PER_SAMPLE, "and nobody pays");
    }

    function pair(address a, address b, int64 salt) private {
        open();
        commit(a, vector(1e9, salt, 1));
        commit(b, vector(1e9, -salt, 1));
        endPhase();
        reveal(a, vector(1e9, salt, 1));
        reveal(b, vector(1e9, -salt, 1));
        compute();
        pool.settle(4);
    }

    /// @dev A known limit: with `minimumSamples` = 1 a round of two samples counts.
    function test_KnownLimit_TwoSamplesWipeEveryonesConsistency() public {
        register(client(2), 100);
        register(client(3), 1);
        for (int64 k = 1; k < 9; ++k) {
            pair(honest, client(2), k);
        }
        vm.assertEq(pool.consistencyOf(honest), 1_000_000, "eight good rounds");
        uint256 began = block.timestamp;
        for (int64 k = 11; k < 19; ++k) {
            pair(attacker, client(3), k);
        }
        vm.assertLe(block.timestamp - began, 81 minutes, "the time it takes");
        vm.assertEq(pool.consistencyOf(honest), 0, "nothing is left");
        vm.assertEq(pool.consistencyOf(attacker), 1_000_000, "its own is full");
        vm.assertEq(stakeOf(attacker), STAKE_PER_SAMPLE, "at no cost");
    }

    /// @dev A known limit: consistency belongs to the address. Eight rounds with one sample, then with a thousand, as long as
    /// no round counted while the cool-down ran.
    function test_KnownLimit_ConsistencyOfOneSampleCountsForAThousand() public {
        IRewardPool.Terms memory terms = defaultTerms();
        terms.alpha = 10_000_000;
        deploy(defaultConfig(), terms);
        fund(100 ether);
        register(attacker, 1);
        register(client(2), 1);
        for (int64 k = 1; k < 9; ++k) {
            pair(attacker, client(2), k);
        }
        vm.prank(attacker);
        registry.deregister();
        vm.warp(block.timestamp + COOL_DOWN);
        vm.prank(attacker);
        registry.withdrawStake();
        register(attacker, 1_000);
        register(honest, 1_000);
        uint256 before = pool.creditOf(attacker);
        pair(attacker, honest, 9);
        vm.assertGe(pool.creditOf(attacker) - before, 0.83 ether, "with half of the samples");
        vm.assertLe(pool.creditOf(honest), 0.17 ether, "for the same work");
    }

    /// @dev A known limit: S_i ≥ 0 is all that consistency asks. One unit of 10⁻⁹ has it in an entry that nobody else moves,
    /// where g is 0; in one of the right sign; and, however it points, wherever its score is less than a unit of 10⁻¹⁸, since
    /// that is cut toward zero. No data, no stake lost, and all of C after eight rounds.
    function test_KnownLimit_AnUpdateOfOneUnitKeepsConsistencyFull() public {
        register(client(2), 100);
        int64[] memory unit = vector(0, 0, 1);
        playBeside(unit, 1e9, 10);
        vm.assertEq(aggregator.entryOf(attacker).score, 0, "nobody else moves that entry");
        vm.assertEq(pool.consistencyOf(attacker), 1_000_000, "all of it");

        playBeside(vector(1, 0, 0), 1e9, 20);
        vm.assertEq(aggregator.entryOf(attacker).score, 4_950_372, "a 201st of 200 / 201 of 10^9, toward zero");
        vm.assertEq(pool.consistencyOf(attacker), 1_000_000, "by the right sign");

        playBeside(vector(-1, 0, 0), 100, 30);
        vm.assertEq(aggregator.entryOf(attacker).score, 0, "99 of 201 are cut to nothing");
        vm.assertEq(pool.consistencyOf(attacker), 1_000_000, "by the wrong one");
        vm.assertEq(stakeOf(attacker), STAKE_PER_SAMPLE, "at no cost");
    }

    /// @dev Eight rounds of the attacker and two others, who go `far` in the first entry.
    function playBeside(int64[] memory unit, int64 far, int64 from) private {
        int64[][] memory updates = new int64[][](3);
        updates[1] = unit;
        for (int64 k = from; k < from + 8; ++k) {
            (updates[0], updates[2]) = (vector(far, k, 0), vector(far, -k, 0));
            play(updates);
        }
    }

    // ------------------------------------------------------------------------------------------------------ outvoting

    /// @dev A known limit, of the plain rule: entries at the bound give an honest client negative scores until half of its
    /// stake is gone. Till then all of its samples count; then it has to add stake before it can commit.
    function test_KnownLimit_OutvotedHonestClientHasToAddStakeToCommit() public {
        IRewardPool.Terms memory terms = defaultTerms();
        (terms.penaltyRate, terms.penaltyCap) = (100_000_000, 300_000);
        deploy(defaultConfig(), terms);
        fund(10 ether);
        register(honest, 100);
        register(attacker, 1);
        for (int64 k; k < 2; ++k) {
            vm.assertEq(registry.eligibleSamples(honest), 100, "all of them");
            play(two(vector(1e8, 1e8 + k, 0), vector(-99e9, -99e9 - k, 0)));
        }
        open();
        bytes32 commitment = commitmentFor(honest, work);
        vm.expectRevert(
            abi.encodeWithSelector(IClientRegistry.StakeBelowMaintenance.selector, 0.49 ether, 0.5 ether, 100)
        );
        vm.prank(honest);
        aggregator.commit(3, commitment);
        vm.deal(honest, 0.01 ether);
        vm.prank(honest);
        registry.addStake{ value: 0.01 ether }();
        commit(honest, work);
        vm.assertEq(aggregator.entryOf(honest).samples, 100, "it is in, with all of them");
    }

    /// @dev What `accounts` with 100 samples together lose by one update against 200 others.
    function burnedBy(uint256 accounts) private returns (uint256 burned) {
        IAggregator.Config memory config = defaultConfig();
        config.capacity = 32;
        deploy(config, defaultTerms());
        register(client(0), 200);
        int64[][] memory updates = new int64[][](1 + accounts);
        updates[0] = vector(1e9, 0, 0);
        for (uint256 i = 1; i <= accounts; ++i) {
            register(client(i), 100 / accounts);
            updates[i] = vector(-1e9, int64(int256(i)), 0);
        }
        play(updates);
        burned = 100 * STAKE_PER_SAMPLE;
        for (uint256 i = 1; i <= accounts; ++i) {
            burned -= stakeOf(client(i));
        }
    }

    /// @dev A known limit: −S_i and the stake each grow with n_i, so below the cap a penalty grows with its square.
    function test_KnownLimit_ManyAccountsBurnLessThanOne() public {
        uint256 whole = burnedBy(1);
        uint256 split = burnedBy(25);
        vm.assertGe(whole, 0.0499 ether, "of a stake of 1 ether");
        vm.assertGe(whole, split * 24, "a 25th, but for rounding");
        vm.assertLe(whole, split * 26, "a 25th");
    }

    // ----------------------------------------------------------------------------------------------------------- fleeing

    function test_LeavingBeforeTheRoundIsSettledSavesTheStake() public {
        aggregator.openRound();
        nextBlock();
        commit(honest, work);
        commit(attacker, vector(-5e9, 2e9, 0));
        vm.prank(attacker);
        registry.deregister();
        endPhase();
        reveal(honest, work);
        endPhase();
        uint256 unlockAt = registry.clientOf(attacker).unlockAt;
        vm.expectRevert(abi.encodeWithSelector(IClientRegistry.CoolingDown.selector, block.timestamp, unlockAt));
        vm.prank(attacker);
        registry.withdrawStake();
        aggregator.aggregate(3);
        nextBlock();
        aggregator.score(6);
        nextBlock();
        pool.settle(4);
        vm.assertEq(stakeOf(attacker), STAKE_PER_SAMPLE * 9 / 10, "the price of a missing reveal");
    }
}
