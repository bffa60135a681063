// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IClientRegistry } from "../../src/core/IClientRegistry.sol";
import { IFairnessLedger } from "../../src/core/IFairnessLedger.sol";
import { Federation } from "../utils/Federation.sol";
import { ILedger } from "../utils/Getters.sol";
import { Reference } from "../utils/Reference.sol";
import { Refusals } from "../utils/Refusals.sol";

/// @notice Attesting, agreeing, expiring, applying. Epochs have two rounds here. Three clients with 25, 20 and 15 samples
/// were present, and 36 must say the same: Alice and one of the others are enough, Bob and Carol are not.
contract FairnessLedgerTest is Federation, Refusals {
    uint256 private constant NEUTRAL = 1_000_000;
    uint256 private constant MIN_FACTOR = 500_000;
    uint256 private constant MAX_FACTOR = 1_500_000;
    /// @dev 60% of 60 samples.
    uint256 private constant NEEDED = 36;
    string private constant ARTIFACT = "FairnessLedger.sol:FairnessLedger";

    // Any digests do. (sha256 is a call to a precompile: it would use up the `vm.prank` before it.)
    bytes32 private constant RECORD = keccak256("the record");
    bytes32 private constant OTHER = keccak256("another record");

    address private alice = client(0);
    address private bob = client(1);
    address private carol = client(2);
    address private stranger = account("stranger");

    address[] private clients;
    uint32[] private factors;
    bytes32 private factorsHash;

    function setUp() public {
        deploy(defaultConfig(), defaultTerms());
        register(alice, 25);
        register(bob, 20);
        register(carol, 15);
        name(alice, 1_250_000, bob, 500_000);
        playRound(3);
        playVoid();
    }

    /// @dev A round in which the first n clients take part, all in one direction.
    function playRound(uint256 n) private {
        int64[][] memory updates = new int64[][](n);
        for (uint256 i; i < n; ++i) {
            updates[i] = vector(1e9, int64(int256(i)), 0);
        }
        play(updates);
    }

    /// @dev The factors that the clients attest to from now on.
    function name(address a, uint32 fa, address b, uint32 fb) private {
        (clients, factors) = (new address[](2), new uint32[](2));
        (clients[0], factors[0], clients[1], factors[1]) = (a, fa, b, fb);
        factorsHash = keccak256(abi.encode(clients, factors));
    }

    function attest(address who, uint256 epoch, bytes32 record) private {
        vm.prank(who);
        ledger.attest(epoch, record, factorsHash);
    }

    function expectOnAttest(address who, uint256 epoch, bytes32 record, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(who);
        ledger.attest(epoch, record, factorsHash);
    }

    function agree(uint256 epoch) private {
        attest(alice, epoch, RECORD);
        attest(bob, epoch, RECORD);
    }

    function applyNow(uint256 epoch) private {
        ledger.applyFactors(epoch, RECORD, clients, factors);
    }

    function expectOnApply(uint256 epoch, bytes memory reason) private {
        vm.expectRevert(reason);
        ledger.applyFactors(epoch, RECORD, clients, factors);
    }

    // ---------------------------------------------------------------------------------------------------- deployment

    function test_Deployment() public view {
        vm.assertEq(ledger.registry(), address(registry), "registry");
        vm.assertEq(address(ledger.aggregator()), address(aggregator), "aggregator");
        vm.assertEq(ledger.interval(), INTERVAL, "interval");
        vm.assertEq(ledger.quorum(), QUORUM, "quorum");
        vm.assertEq(ledger.attestSeconds(), ATTEST_SECONDS, "attestSeconds");
        vm.assertEq(ledger.newestPlusOne(), 0, "no epoch applied");
        vm.assertEq(ledger.factorOf(alice), NEUTRAL, "a client's factor");
        vm.assertEq(ledger.factorOf(stranger), NEUTRAL, "a stranger's factor");
    }

    function assertBadConfig(
        address registry_,
        uint256 interval,
        uint256 quorum,
        uint256 time,
        string memory field,
        uint256 value
    ) private {
        assertRefused(
            ARTIFACT,
            abi.encode(registry_, aggregator, interval, quorum, time),
            abi.encodeWithSelector(IFairnessLedger.BadLedgerConfig.selector, field, value)
        );
    }

    function test_RevertWhen_BadLedgerConfig() public {
        address here = address(registry);
        assertBadConfig(here, 0, 600_000, 1, "interval", 0);
        assertBadConfig(here, 1_001, 600_000, 1, "interval", 1_001);
        assertBadConfig(here, 1, 0, 1, "quorum", 0);
        assertBadConfig(here, 1, 500_000, 1, "quorum", 500_000);
        assertBadConfig(here, 1, 1_000_001, 1, "quorum", 1_000_001);
        assertBadConfig(here, 1, 600_000, 0, "attestSeconds", 0);
        assertBadConfig(here, 1, 600_000, COOL_DOWN + 1, "attestSeconds", COOL_DOWN + 1);
        address other =
            vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(STAKE_PER_SAMPLE, COOL_DOWN, pool));
        assertBadConfig(other, 1, 600_000, 1, "registry", uint160(other));
        vm.deployCode(ARTIFACT, abi.encode(registry, aggregator, 1, 500_001, COOL_DOWN));
        vm.deployCode(ARTIFACT, abi.encode(registry, aggregator, 1, 1_000_000, 1));
    }

    // ----------------------------------------------------------------------------------------------------- attesting

    function test_QuorumAgrees() public {
        uint256 time = block.timestamp;
        vm.assertEq(ledger.epochOf(0).needed, 0, "not fixed yet");
        vm.expectEmit(address(ledger));
        emit IFairnessLedger.Attested(0, alice, RECORD, factorsHash, 25);
        attest(alice, 0, RECORD);
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "25 samples do not agree");
        vm.assertEq(ledger.epochOf(0).needed, NEEDED, "36 are needed");
        vm.assertEq(ledger.epochOf(0).deadline, time + ATTEST_SECONDS, "the first attestation starts the clock");

        vm.warp(time + ATTEST_SECONDS - 1);
        vm.expectEmit(address(ledger));
        emit IFairnessLedger.Attested(0, bob, RECORD, factorsHash, 45);
        vm.expectEmit(address(ledger));
        emit IFairnessLedger.Agreed(0, RECORD, 45);
        attest(bob, 0, RECORD);
        vm.assertEq(ledger.epochOf(0).record, RECORD, "45 do");
        vm.assertEq(ledger.epochOf(0).deadline, time + ATTEST_SECONDS, "the deadline stays");
        vm.assertTrue(!ledger.epochOf(0).applied, "nothing is applied yet");
        vm.assertEq(ledger.votesFor(0, RECORD, factorsHash), 45, "votes");
    }

    /// @dev Another record, other factors or another epoch: another statement, with votes of its own.
    function test_DisputeIsDecidedByTheThirdVote() public {
        attest(alice, 0, RECORD);
        attest(bob, 0, OTHER);
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "25 against 20");
        expectOnApply(0, abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, 0, 25, NEEDED));
        attest(carol, 0, RECORD);
        vm.assertEq(ledger.epochOf(0).record, RECORD, "40 against 20");
        vm.assertEq(ledger.votesFor(0, OTHER, factorsHash), 20, "the other record's vote is counted apart");
        applyNow(0);
    }

    /// @dev Two of three clients, and 35 of 60 samples: heads do not count.
    function test_VotesWeighSamples() public {
        attest(bob, 0, RECORD);
        attest(carol, 0, RECORD);
        vm.assertEq(ledger.votesFor(0, RECORD, factorsHash), 35, "votes");
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "one sample is missing");
        register(client(3), 1);
        attest(client(3), 0, RECORD);
        vm.assertEq(ledger.epochOf(0).record, RECORD, "36");
    }

    /// @dev Who is present later changes nothing: the quorum is that of the first attestation.
    function test_NeededIsFixedByTheFirstAttestation() public {
        attest(bob, 0, RECORD);
        playRound(2);
        vm.assertEq(aggregator.presentSamples(), 45, "Carol is away");
        attest(carol, 0, RECORD);
        vm.assertEq(ledger.epochOf(0).needed, NEEDED, "60% of 60");
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "no agreement by 35");
        playRound(2);
        attest(alice, 1, RECORD);
        vm.assertEq(ledger.epochOf(1).needed, 27, "60% of 45");
    }

    function test_SameRecordWithOtherFactorsIsADispute() public {
        attest(alice, 0, RECORD);
        vm.prank(bob);
        ledger.attest(0, RECORD, keccak256("other factors"));
        vm.assertEq(ledger.epochOf(0).record, bytes32(0), "no quorum for either");
    }

    function test_DisputedEpochExpiresAndTheNextOneGoesOn() public {
        attest(alice, 0, RECORD);
        attest(bob, 0, OTHER);
        uint256 deadline = ledger.epochOf(0).deadline;
        vm.warp(deadline);
        expectOnAttest(
            carol, 0, RECORD, abi.encodeWithSelector(IFairnessLedger.EpochExpired.selector, 0, deadline, deadline)
        );
        expectOnApply(0, abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, 0, 25, NEEDED));
        vm.assertEq(ledger.factorOf(alice), NEUTRAL, "factors stay as they were");

        playRound(3);
        playVoid();
        agree(1);
        applyNow(1);
        vm.assertEq(ledger.factorOf(alice), 1_250_000, "epoch 1 agreed");
    }

    function test_RevertWhen_AttesterIsNotRegistered() public {
        expectOnAttest(stranger, 0, RECORD, abi.encodeWithSelector(IClientRegistry.NotRegistered.selector, stranger));
    }

    function test_RevertWhen_AttesterHasLeft() public {
        vm.prank(alice);
        registry.deregister();
        uint256 unlockAt = block.timestamp + COOL_DOWN;
        expectOnAttest(alice, 0, RECORD, abi.encodeWithSelector(IClientRegistry.AlreadyLeft.selector, alice, unlockAt));
    }

    function test_RevertWhen_AttesterLostItsStake() public {
        vm.prank(address(pool));
        registry.slash(alice, 0.13 ether);
        expectOnAttest(
            alice,
            0,
            RECORD,
            abi.encodeWithSelector(IClientRegistry.StakeBelowMaintenance.selector, 0.12 ether, 0.125 ether, 25)
        );
    }

    function test_VoteOfALeaverStillCounts() public {
        attest(alice, 0, RECORD);
        vm.prank(alice);
        registry.deregister();
        attest(bob, 0, RECORD);
        vm.assertEq(ledger.epochOf(0).record, RECORD, "both voted while they were clients");
    }

    function test_RevertWhen_ZeroRecord() public {
        expectOnAttest(alice, 0, 0, abi.encodeWithSelector(IFairnessLedger.ZeroRecord.selector));
    }

    function testFuzz_RevertWhen_EpochNotOver(uint256 epoch) public {
        epoch = bound(epoch, 1, type(uint64).max);
        aggregator.openRound(); // round 3 of epoch 1
        expectOnAttest(
            alice,
            epoch,
            RECORD,
            abi.encodeWithSelector(IFairnessLedger.EpochNotOver.selector, epoch, (epoch + 1) * INTERVAL, 2)
        );
    }

    /// @dev An epoch is over when its last round is settled, not when that round begins.
    function test_RevertWhen_LastRoundIsNotSettled() public {
        playRound(3);
        aggregator.openRound();
        bytes memory reason = abi.encodeWithSelector(IFairnessLedger.EpochNotOver.selector, 1, 4, 3);
        expectOnAttest(alice, 1, RECORD, reason);
        endPhase();
        expectOnAttest(alice, 1, RECORD, reason);
        pool.settle(1);
        attest(alice, 1, RECORD);
    }

    function test_RevertWhen_AlreadyAttested() public {
        attest(alice, 0, RECORD);
        expectOnAttest(alice, 0, RECORD, abi.encodeWithSelector(IFairnessLedger.AlreadyAttested.selector, alice, 0));
        expectOnAttest(alice, 0, OTHER, abi.encodeWithSelector(IFairnessLedger.AlreadyAttested.selector, alice, 0));
    }

    /// @dev Registering again does not give a second vote.
    function test_RevertWhen_AttestingAgainAfterComingBack() public {
        attest(alice, 0, RECORD);
        vm.prank(alice);
        registry.deregister();
        vm.warp(block.timestamp + COOL_DOWN);
        vm.prank(alice);
        registry.withdrawStake();
        register(alice, 10);
        expectOnAttest(alice, 0, RECORD, abi.encodeWithSelector(IFairnessLedger.AlreadyAttested.selector, alice, 0));
    }

    /// @dev An epoch's time is over when a newer one's factors count. The newest may be attested to long after.
    function test_RevertWhen_EpochOver() public {
        playRound(3);
        playVoid();
        agree(0);
        agree(1);
        playVoid();
        bytes memory agreed = abi.encodeWithSelector(IFairnessLedger.AlreadyAgreed.selector, 0, RECORD);
        expectOnAttest(carol, 0, RECORD, agreed); // epoch 1 is agreed on, but does not count yet
        applyNow(1);
        bytes memory over = abi.encodeWithSelector(IFairnessLedger.EpochOver.selector, 0, 1);
        expectOnAttest(carol, 0, RECORD, over);
        expectOnApply(0, over);
    }

    /// @dev Applied within as long again as there was to agree, to the second.
    function test_RevertWhen_AppliedLate() public {
        agree(0);
        uint256 end = ledger.epochOf(0).deadline + ATTEST_SECONDS;
        vm.warp(end);
        expectOnApply(0, abi.encodeWithSelector(IFairnessLedger.EpochExpired.selector, 0, end, end));
        vm.warp(end - 1);
        applyNow(0);
        vm.assertEq(ledger.factorOf(alice), 1_250_000, "in time");
    }

    function test_RevertWhen_AlreadyAgreed() public {
        agree(0);
        expectOnAttest(carol, 0, OTHER, abi.encodeWithSelector(IFairnessLedger.AlreadyAgreed.selector, 0, RECORD));
        applyNow(0); // and it says the same when the factors count
        expectOnAttest(carol, 0, OTHER, abi.encodeWithSelector(IFairnessLedger.AlreadyAgreed.selector, 0, RECORD));
    }

    /// @dev Many clients with random samples, a random choice of three statements each: agreed is what first reaches the
    /// quorum, if any does.
    function testFuzz_FirstToReachTheQuorum(uint256 seed) public {
        uint256 quorum = 500_001 + draw(seed, "quorum", 0) % 500_000;
        ledger = ILedger(vm.deployCode(ARTIFACT, abi.encode(registry, aggregator, INTERVAL, quorum, ATTEST_SECONDS)));
        uint256 needed = Reference.needed(60, quorum);
        uint256[3] memory votes;
        bytes32 agreed;
        for (uint256 i; i < 9; ++i) {
            if (i > 2) register(client(i), 1 + draw(seed, "samples", i) % 20);
            uint256 choice = draw(seed, "choice", i) % 3;
            bytes32 record = bytes32(choice + 1);
            if (agreed != 0) {
                expectOnAttest(
                    client(i), 0, record, abi.encodeWithSelector(IFairnessLedger.AlreadyAgreed.selector, 0, agreed)
                );
                continue;
            }
            attest(client(i), 0, record);
            votes[choice] += registry.clientOf(client(i)).samples;
            if (votes[choice] >= needed) agreed = record;
            vm.assertEq(ledger.epochOf(0).needed, needed, "needed");
            vm.assertEq(ledger.votesFor(0, record, factorsHash), votes[choice], "votes");
            vm.assertEq(ledger.epochOf(0).record, agreed, "agreed record");
        }
    }

    // ------------------------------------------------------------------------------------------------------ applying

    function test_AnyoneAppliesWhatWasAgreed() public {
        agree(0);
        vm.expectEmit(address(ledger));
        emit IFairnessLedger.FactorsApplied(0, RECORD, clients, factors);
        vm.prank(stranger);
        applyNow(0);
        vm.assertEq(ledger.factorOf(alice), 1_250_000, "alice");
        vm.assertEq(ledger.factorOf(bob), 500_000, "bob");
        vm.assertEq(ledger.factorOf(carol), NEUTRAL, "carol is not named");
        vm.assertTrue(ledger.epochOf(0).applied, "applied");
        vm.assertEq(ledger.newestPlusOne(), 1, "epoch 0 is the newest");
    }

    /// @dev The hash pins clients, factors and their order; the record and the epoch belong to the statement too.
    function test_RevertWhen_WrongPreimage() public {
        agree(0);
        bytes memory none = abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, 0, 0, NEEDED);
        name(bob, 500_000, alice, 1_250_000);
        expectOnApply(0, none);
        name(alice, 1_250_001, bob, 500_000);
        expectOnApply(0, none);
        name(alice, 1_250_000, carol, 500_000);
        expectOnApply(0, none);
        name(alice, 1_250_000, bob, 500_000);
        vm.expectRevert(none);
        ledger.applyFactors(0, OTHER, clients, factors);
        expectOnApply(1, abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, 1, 0, 0)); // which is not over
        applyNow(0);
    }

    function test_RevertWhen_FactorsLengthMismatch() public {
        agree(0);
        factors = new uint32[](3);
        expectOnApply(0, abi.encodeWithSelector(IFairnessLedger.FactorsLengthMismatch.selector, 2, 3));
    }

    function test_RevertWhen_AlreadyApplied() public {
        agree(0);
        applyNow(0);
        expectOnApply(0, abi.encodeWithSelector(IFairnessLedger.AlreadyApplied.selector, 0));
    }

    /// @dev Before anybody attested nothing is agreed on, whatever is given.
    function test_RevertWhen_NobodyAttested() public {
        expectOnApply(0, abi.encodeWithSelector(IFairnessLedger.NoAgreement.selector, 0, 0, 0));
    }

    function testFuzz_RevertWhen_FactorOutOfBounds(uint32 factor) public {
        if (factor >= MIN_FACTOR && factor <= MAX_FACTOR) factor = uint32(MAX_FACTOR + 1);
        name(alice, 1_000_000, bob, factor);
        agree(0);
        expectOnApply(
            0, abi.encodeWithSelector(IFairnessLedger.FactorOutOfBounds.selector, bob, factor, MIN_FACTOR, MAX_FACTOR)
        );
        vm.assertEq(ledger.factorOf(alice), NEUTRAL, "all or nothing");
    }

    function testFuzz_FactorsWithinBounds(uint32 fa, uint32 fb) public {
        fa = uint32(bound(fa, MIN_FACTOR, MAX_FACTOR));
        fb = uint32(bound(fb, MIN_FACTOR, MAX_FACTOR));
        name(alice, fa, bob, fb);
        agree(0);
        applyNow(0);
        vm.assertEq(ledger.factorOf(alice), fa, "alice");
        vm.assertEq(ledger.factorOf(bob), fb, "bob");
    }

    /// @dev Otherwise whoever settles could have some clients weighed with the old factors and some with the new.
    function test_RevertWhen_SettlementRunning() public {
        agree(0);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1e9, 2e9, 4e9), vector(2e9, 0, 0));
        playToSettle(updates);
        bytes memory running = abi.encodeWithSelector(IFairnessLedger.SettlementRunning.selector, 3);
        expectOnApply(0, running);
        pool.settle(3);
        expectOnApply(0, running);
        pool.settle(1);
        applyNow(0);
    }

    function test_FactorsLapseWithTheNextEpoch() public {
        agree(0);
        applyNow(0);
        playRound(3);
        playVoid();
        name(bob, 700_000, carol, 800_000);
        agree(1);
        vm.assertEq(ledger.factorOf(alice), 1_250_000, "agreed is not yet applied");
        applyNow(1);
        vm.assertEq(ledger.factorOf(alice), NEUTRAL, "epoch 1 does not name alice");
        vm.assertEq(ledger.factorOf(bob), 700_000, "bob");
        vm.assertEq(ledger.factorOf(carol), 800_000, "carol");
    }

    function test_AnEmptyRecordPutsEverybodyBackToNeutral() public {
        agree(0);
        applyNow(0);
        playRound(3);
        playVoid();
        (clients, factors) = (new address[](0), new uint32[](0));
        factorsHash = keccak256(abi.encode(clients, factors));
        agree(1);
        applyNow(1);
        vm.assertEq(ledger.factorOf(alice), NEUTRAL, "alice");
        vm.assertEq(ledger.factorOf(bob), NEUTRAL, "bob");
    }
}
