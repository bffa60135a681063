// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAccuracyAdjusted } from "../../../src/proposals/IAccuracyAdjusted.sol";
import { IAggregator } from "../../../src/core/IAggregator.sol";
import { IEscrow } from "../../../src/core/IEscrow.sol";
import { IFairnessLedger } from "../../../src/core/IFairnessLedger.sol";
import { AdjustedFederation } from "../../proposals/AdjustedFederation.sol";
import { Refusals } from "../../utils/Refusals.sol";

/// @notice Attacks on what clients agree about. A test is named after what the attacker wants, and passes when it does
/// not get it.
contract VoteAttacks is AdjustedFederation, Refusals {
    address private whale = client(0);
    address private sybil = client(2);
    address private twin = client(3);
    bytes32 private constant RECORD = bytes32(uint256(7));

    function setUp() public {
        deploy(defaultConfig(), defaultTerms());
        register(whale, 1_000);
        register(client(1), 1_000);
        register(sybil, 1);
        register(twin, 1);
    }

    function playTwo(int64 salt) private {
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, salt), vector(3e9, 2e9, salt));
        play(updates);
    }

    function playEpoch(int64 salt) private {
        for (uint256 k; k < INTERVAL; ++k) {
            playTwo(salt + int64(int256(k)));
        }
    }

    function lies() private view returns (address[] memory clients, uint32[] memory factors, bytes32 hash) {
        (clients, factors) = (new address[](2), new uint32[](2));
        (clients[0], clients[1]) = (sybil, whale);
        (factors[0], factors[1]) = (1_500_000, 500_000);
        hash = keccak256(abi.encode(clients, factors));
    }

    function test_TwoSamplesFixEverybodysFactors() public {
        playEpoch(1);
        (address[] memory clients, uint32[] memory factors, bytes32 hash) = lies();
        vm.prank(sybil);
        ledger.attest(0, RECORD, hash);
        vm.prank(twin);
        ledger.attest(0, RECORD, hash);
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, 0, 2, 1_200));
        ledger.applyFactors(0, RECORD, clients, factors);
        vm.assertEq(ledger.factorOf(whale), 1_000_000, "as it was");
    }

    /// @dev Before any round was averaged nobody is present, and nothing would be a quorum of nobody.
    function test_OneSampleAgreesBeforeAnybodyIsThere() public {
        playVoid();
        playVoid();
        (,, bytes32 hash) = lies();
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.NobodyPresent.selector, 0));
        vm.prank(sybil);
        ledger.attest(0, RECORD, hash);
    }

    /// @dev The samples of the round now running are none yet: the quorum is one of the last that was averaged.
    function test_AVoteWhileARoundBeginsNeedsNobody() public {
        playEpoch(1);
        aggregator.openRound();
        (,, bytes32 hash) = lies();
        vm.prank(sybil);
        ledger.attest(0, RECORD, hash);
        vm.assertEq(ledger.epochOf(0).needed, 1_200, "of 2,000");
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "not agreed");
    }

    /// @dev A void round of few samples is not what was present.
    function test_AVoidRoundMakesTheQuorumSmall() public {
        playTwo(1);
        playVoid();
        vm.assertEq(aggregator.presentSamples(), 2_000, "of the round before");
    }

    /// @dev Anybody may open a round, also when the others sleep.
    function test_AQuietRoundMakesTheQuorumSmall() public {
        playEpoch(1);
        playTwins(11);
        vm.assertEq(aggregator.presentSamples(), 2, "a quiet round");
        assertOthersAreNeeded(0, 1_200);
    }

    /// @dev Nor when the quiet round belongs to the epoch.
    function test_AQuietLastRoundOfTheEpoch() public {
        playTwo(1);
        playTwins(11);
        assertOthersAreNeeded(0, 1_200);
    }

    /// @dev Nor when only the epoch's last round was a busy one.
    function test_QuietRoundsOnBothSidesOfTheEpochsLastOne() public {
        playTwins(1);
        playTwo(11);
        playTwins(21);
        assertOthersAreNeeded(0, 1_200);
    }

    /// @dev Epoch 1 was left empty by a stranger, and a quiet round followed: two samples would agree on it, and so end the
    /// vote on epoch 0, which others were present in.
    function test_AnEpochLeftEmptyIsVotedOnByTwo() public {
        playEpoch(1);
        playVoid();
        playVoid();
        playTwins(11);
        vm.assertEq(aggregator.presentSamples(), 2, "the last round was a quiet one");
        (,, bytes32 hash) = lies();
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.NobodyPresent.selector, 1));
        vm.prank(sybil);
        ledger.attest(1, RECORD, hash);
        vm.assertEq(ledger.epochOf(1).deadline, 0, "no clock was started");
    }

    /// @dev Nor is it a large last round's to say: an epoch without an average has nothing to agree on.
    function test_AnEpochLeftEmptyIsVotedOnByAll() public {
        playVoid();
        playVoid();
        playTwo(1);
        (,, bytes32 hash) = lies();
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.NobodyPresent.selector, 0));
        vm.prank(whale);
        ledger.attest(0, RECORD, hash);
    }

    /// @dev A known limit: one round of two samples, and no others but empty ones, make an epoch of which two samples are the
    /// quorum. Their factors count for everybody, and the vote on the epoch before, with 2,000 samples present, is over.
    function test_KnownLimit_AnEpochHeldOrLeftEmptyEndsTheVoteOnTheOneBefore() public {
        playEpoch(1);
        (address[] memory clients, uint32[] memory factors, bytes32 hash) = lies();
        vm.prank(whale);
        ledger.attest(0, keccak256("honest"), hash);
        playVoid(); // left empty
        playTwins(11); // held
        vm.prank(sybil);
        ledger.attest(1, RECORD, hash);
        vm.prank(twin);
        ledger.attest(1, RECORD, hash);
        vm.assertEq(ledger.epochOf(1).needed, 2, "60% of 2, rounded up");
        ledger.applyFactors(1, RECORD, clients, factors);
        vm.assertEq(ledger.factorOf(whale), 500_000, "two samples say so");
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.EpochOver.selector, 0, 1));
        vm.prank(client(1));
        ledger.attest(0, keccak256("honest"), hash);
    }

    /// @dev What stands against it: with a minimum of samples the twins' round is void, and so is all of their epoch.
    function test_AnEpochHeldByFewerThanTheMinimum() public {
        IAggregator.Config memory config = defaultConfig();
        config.minimumSamples = 1_000;
        deploy(config, defaultTerms());
        register(whale, 1_000);
        register(client(1), 1_000);
        register(sybil, 1);
        register(twin, 1);
        playEpoch(1);
        playVoid();
        playTwins(11);
        (,, bytes32 hash) = lies();
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.NobodyPresent.selector, 1));
        vm.prank(sybil);
        ledger.attest(1, RECORD, hash);
    }

    /// @dev What was present in an epoch before is no measure: or clients that have gone would block the others for ever.
    function test_WhoHasGoneBlocksTheOthers() public {
        playEpoch(1);
        playTwins(11);
        playTwins(21);
        vm.prank(sybil);
        ledger.attest(1, RECORD, keccak256("factors"));
        vm.assertEq(ledger.epochOf(1).needed, 2, "60% of 2, rounded up");
    }

    /// @dev Epoch 0 was the twins' own. Its record would bind all who came since.
    function test_AnEpochFromBeforeTheOthersCame() public {
        playTwins(1);
        playTwins(11);
        playTwo(21);
        assertOthersAreNeeded(0, 1_200);
    }

    function playTwins(int64 salt) private {
        int64[][] memory updates = new int64[][](4);
        (updates[2], updates[3]) = (vector(1e9, 2e9, salt), vector(3e9, 2e9, salt));
        play(updates);
    }

    function assertOthersAreNeeded(uint256 epoch, uint256 needed) private {
        (address[] memory clients, uint32[] memory factors, bytes32 hash) = lies();
        vm.prank(sybil);
        ledger.attest(epoch, RECORD, hash);
        vm.prank(twin);
        ledger.attest(epoch, RECORD, hash);
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, epoch, 2, needed));
        ledger.applyFactors(epoch, RECORD, clients, factors);
    }

    /// @dev A known limit: half of the samples keep silent, and one that was in no round votes in their stead.
    function test_KnownLimit_WhoWasAbsentOutvotesTheSilent() public {
        playEpoch(1);
        address late = client(4);
        register(late, 1_200);
        vm.prank(late);
        ledger.attest(0, RECORD, keccak256("whatever"));
        vm.assertEq(ledger.epochOf(0).record, RECORD, "agreed on, without anybody who was there");
    }

    function test_AnOldRecordComesIntoForceTwentyEpochsLater() public {
        playEpoch(1);
        (address[] memory clients, uint32[] memory factors, bytes32 hash) = lies();
        vm.prank(whale);
        ledger.attest(0, RECORD, hash);
        vm.prank(client(1));
        ledger.attest(0, RECORD, hash);
        uint256 end = block.timestamp + 2 * ATTEST_SECONDS;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.EpochExpired.selector, 0, end, end));
        ledger.applyFactors(0, RECORD, clients, factors);
        vm.warp(end - 1);
        ledger.applyFactors(0, RECORD, clients, factors); // as long again as there was to agree
    }

    /// @dev Factors go forward: what an older epoch's majority agreed on does not come back over a newer one's.
    function test_AnOldRecordReplacesANewerOne() public {
        playEpoch(1);
        playEpoch(11);
        (address[] memory clients, uint32[] memory factors, bytes32 hash) = lies();
        for (uint256 epoch; epoch < 2; ++epoch) {
            vm.prank(whale);
            ledger.attest(epoch, RECORD, hash);
            vm.prank(client(1));
            ledger.attest(epoch, RECORD, hash);
        }
        ledger.applyFactors(1, RECORD, clients, factors);
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.EpochOver.selector, 0, 1));
        ledger.applyFactors(0, RECORD, clients, factors);
        vm.expectRevert(abi.encodeWithSelector(IFairnessLedger.EpochOver.selector, 0, 1));
        vm.prank(sybil);
        ledger.attest(0, RECORD, hash);
    }

    /// @dev Anybody can open rounds and leave them empty. The time to attest is counted in seconds.
    function test_EmptyRoundsCutTheTimeToAttest() public {
        playEpoch(1);
        (address[] memory clients, uint32[] memory factors, bytes32 hash) = lies();
        vm.prank(sybil);
        ledger.attest(0, RECORD, hash); // the clock runs
        uint256 deadline = ledger.epochOf(0).deadline;
        vm.assertEq(deadline, block.timestamp + ATTEST_SECONDS, "as announced");
        for (uint256 k; k < 5; ++k) {
            playVoid(); // two epochs and a half
        }
        vm.warp(deadline - 1);
        vm.prank(whale);
        ledger.attest(0, RECORD, hash);
        vm.prank(client(1));
        ledger.attest(0, RECORD, hash);
        ledger.applyFactors(0, RECORD, clients, factors);
        vm.assertEq(ledger.factorOf(sybil), 1_500_000, "agreed and applied in time");
    }

    /// @dev Accounts cost nothing: four of one sample each are there first, and would be the next quorum.
    function test_OneSampleAccountsShutTheOthersOut() public {
        register(client(4), 1);
        register(client(5), 1);
        playEpoch(1);
        open();
        for (uint256 i = 2; i < 6; ++i) {
            commit(client(i), vector(1, 2, int64(int256(i))));
        }
        for (uint256 i; i < 2; ++i) {
            bytes32 commitment = commitmentFor(client(i), vector(1e9, 2e9, int64(int256(i))));
            vm.prank(client(i));
            aggregator.commitInstead(3, commitment);
        }
        endPhase();
        for (uint256 i; i < 2; ++i) {
            reveal(client(i), vector(1e9, 2e9, int64(int256(i))));
        }
        vm.assertEq(aggregator.totalSamples(), 2_000, "the others are in");
    }

    function test_OneStakeVotesTwice() public {
        bytes memory arguments = abi.encode(registry, aggregator, INTERVAL, QUORUM, COOL_DOWN + 1);
        assertRefused(
            "FairnessLedger.sol:FairnessLedger",
            arguments,
            abi.encodeWithSelector(IFairnessLedger.BadLedgerConfig.selector, "attestSeconds", COOL_DOWN + 1)
        );
    }

    function test_AMinorityAgreesWithItself() public {
        assertRefused(
            "FairnessLedger.sol:FairnessLedger",
            abi.encode(registry, aggregator, INTERVAL, 500_000, ATTEST_SECONDS),
            abi.encodeWithSelector(IFairnessLedger.BadLedgerConfig.selector, "quorum", 500_000)
        );
    }

    /// @dev A syndicate of 78 of 178 registered samples, one of them in the round: two of its clients take places in the last
    /// second. By the largest ones the rest would be few enough for its quorum of 60 percent; those are not to be had.
    function test_FourNinthsMeetTheQuorumByTheLargestPlaces() public {
        deploy(defaultConfig(), defaultTerms());
        uint32[6] memory samples = [uint32(50), 25, 25, 1, 51, 26];
        int64[][] memory updates = new int64[][](4);
        for (uint256 i; i < 6; ++i) {
            register(client(i), samples[i]);
            if (i < 4) updates[i] = vector(5e9, int64(int256(i)), 1);
        }
        play(updates);
        open();
        for (uint256 i; i < 4; ++i) {
            commit(client(i), vector(5e9, int64(int256(i)), 2));
        }
        vm.warp(aggregator.currentRound().deadline - 1);
        for (uint256 i = 4; i < 6; ++i) {
            bytes32 commitment = commitmentFor(client(i), vector(5e9, int64(int256(i)), 2));
            vm.prank(client(i));
            aggregator.commitInstead(2, commitment);
        }
        endPhase();
        for (uint256 i; i < 6; ++i) {
            if (aggregator.entryOf(client(i)).round == 2) reveal(client(i), vector(5e9, int64(int256(i)), 2));
        }
        compute();
        pool.settle(100);
        vm.assertEq(aggregator.presentSamples(), 50 + 25 + 51 + 26, "the largest");
        for (uint256 i = 3; i < 6; ++i) {
            vm.prank(client(i));
            ledger.attest(0, RECORD, keccak256("lies"));
        }
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "78 are no quorum of 152");
    }

    // ---------------------------------------------------------------------------------------------- the attested gains

    function adjustedRound() private {
        deployAdjusted(defaultConfig(), adjustedTerms());
        fundAdjusted(10 ether);
        register(whale, 1_000);
        register(client(1), 1_000);
        register(sybil, 1);
        int64[][] memory updates = new int64[][](3);
        (updates[0], updates[1], updates[2]) = (vector(1e9, 2e9, 1), vector(3e9, 2e9, 1), vector(1e9, 1e9, 1));
        playToSettle(updates);
    }

    function test_AgreementOnNothingIsAgreement() public {
        adjustedRound();
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.ZeroGains.selector));
        vm.prank(whale);
        adjusted.attest(1, 0);
    }

    /// @dev What is sent for one round and mined in the next would count there, for other updates.
    function test_ALateAttestationCountsInTheNextRound() public {
        adjustedRound();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToSettle.selector, 0));
        vm.prank(whale);
        adjusted.attest(0, keccak256("the round before"));
    }

    function test_OneSampleSaysWhoGained() public {
        adjustedRound();
        attest(sybil, hashOf(gains3(0, 0, 8)));
        int32[] memory gains = gains3(0, 0, 8);
        vm.expectRevert(abi.encodeWithSelector(IAccuracyAdjusted.GainsLengthMismatch.selector, 3, 0));
        adjusted.settle(10, gains);
        vm.assertEq(adjusted.creditOf(sybil), 0, "nothing");
    }

    function test_AHashOfNothingStopsTheFederation() public {
        adjustedRound();
        attest(whale, keccak256("nothing"));
        attest(client(1), keccak256("nothing"));
        vm.warp(adjusted.settlement().deadline + ATTEST);
        adjusted.settle(10, new int32[](0));
        assertPhase(IAggregator.Phase.Idle, "it goes on, unpaid");
    }
}
