// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { DisputesTest } from "./Disputes.t.sol";
import { Exact } from "./Exact.sol";
import { Trees } from "./Trees.sol";

interface MockVm {
    /// @dev Calls of `callee` whose data begin with `data` return `returned`.
    function mockCall(address callee, bytes calldata data, bytes calldata returned) external;
    function clearMockedCalls() external;
}

/// @notice Rung 4's second dispute: clients' data. Openings are not proven here, but made good for exactly one input of the
/// point evaluation; real ones are in the Python tests.
/// forge-config: default.isolate = false
contract BlobDisputesTest is DisputesTest {
    using Trees for Trees.Tree;

    uint256 private constant FIELD = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    uint256 private constant ROOT = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

    function blobs() internal pure override returns (bool) {
        return true;
    }

    // -------------------------------------------------------------------------------------------------- submissions

    /// @dev Client 0 sends `roots` words with `names` blobs.
    function send(uint256 roots, uint256 names, bytes memory reason) private {
        sendBytes(new bytes(32 * roots), names, reason);
    }

    function sendBytes(bytes memory payload, uint256 names, bytes memory reason) private {
        bytes32[] memory hashes = new bytes32[](names);
        for (uint256 i; i < names; ++i) {
            hashes[i] = bytes32(uint256(1) << 248 | i + 1);
        }
        bytes memory call_ = abi.encodeCall(IRung.submit, (rung.currentRound().number, payload));
        attackVm.blobhashes(hashes);
        if (reason.length == 0) ok(member(0), call_);
        else refused(member(0), call_, reason);
        attackVm.blobhashes(new bytes32[](0));
    }

    function test_RevertWhen_RootsAndBlobsDiffer() public {
        deployRung(122_881, 1); // two parts
        fund(rung, member(0), ODD_STAKE);
        rung.openRound();
        sendBytes(new bytes(31), 1, wrongLength(31, 0));
        sendBytes(new bytes(33), 1, wrongLength(33, 32));
        send(0, 0, wrongLength(0, 2));
        send(3, 3, wrongLength(3, 2));
        send(2, 1, abi.encodeWithSelector(IBlobRung.RungMissingBlob.selector, 1));
        send(1, 0, abi.encodeWithSelector(IBlobRung.RungMissingBlob.selector, 0));
        send(1, 2, abi.encodeWithSelector(IBlobRung.RungUnusedBlob.selector, 1));
        send(1, 1, "");
        vm.assertEq(rung.currentRound().submitted, 0, "half of it");
        send(0, 0, wrongLength(0, 1)); // none is no part
        send(1, 1, "");
        vm.assertEq(rung.currentRound().submitted, 1, "complete");
        bytes32 name = bytes32(uint256(1) << 248 | 1);
        bytes32 c = keccak256(abi.encode(keccak256(abi.encode(bytes32(0), bytes32(0), name)), bytes32(0), name));
        vm.assertEq(rung.accumulator(), keccak256(abi.encode(uint256(1), 0, c)), "accumulator");
    }

    /// @dev Whoever sends all parts at once begins anew.
    function test_AllPartsAtOnceBeginAnew() public {
        deployRung(122_881, 1);
        fund(rung, member(0), ODD_STAKE);
        rung.openRound();
        send(1, 1, "");
        send(2, 2, "");
        bytes32 name = bytes32(uint256(1) << 248 | 1);
        bytes32 c = keccak256(abi.encode(bytes32(0), bytes32(0), name));
        c = keccak256(abi.encode(c, bytes32(0), bytes32(uint256(name) + 1)));
        vm.assertEq(rung.accumulator(), keccak256(abi.encode(uint256(1), 0, c)), "accumulator");
    }

    function test_RevertWhen_AStakeIsShort() public {
        deployRung(40, 1);
        fund(rung, member(0), ODD_STAKE - 1);
        rung.openRound();
        send(1, 1, short(member(0), ODD_STAKE - 1, ODD_STAKE));
        fund(rung, member(0), 1);
        send(1, 1, "");
    }

    function test_RevertWhen_TheStakeIsZero() public {
        IOptimisticRung.Terms memory t = gameTerms();
        t.stake = 0;
        assertRefused(RUNG_4, optimistic(config(40), t, 1), "stake", 0);
        t.stake = 1;
        assertTaken(RUNG_4, optimistic(config(40), t, 1));
    }

    /// @dev Stake until the round is over, and the bond on top of it while a client's own proposal stands.
    function test_StakeAndBondAreTiedTogether() public {
        start(uint32(P), 2, 1);
        vm.assertEq(rung.availableOf(member(0)), 0, "the stake");
        refused(member(0), workCall(2), short(member(0), 0, ODD_BOND));
        fund(rung, member(0), ODD_BOND + 3);
        Trees.Tree memory t = trueTree();
        ok(member(0), abi.encodeCall(IRung.work, (1, t.payload(rung.basis(), t.scores[1]))));
        refused(member(0), withdrawal(4), short(member(0), 3, 4));
        ok(member(0), withdrawal(3));
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.availableOf(member(0)), ODD_BOND + ODD_STAKE, "all free");
    }

    // ------------------------------------------------------------------------------------------------------ demands

    function test_DemandData() public {
        deployRung(uint32(P), 2);
        fund(rung, watcher, 3 * FEE);
        fund(rung, member(0), ODD_STAKE);
        uint256 closesAt = NOW + SUBMIT;
        refused(
            watcher, abi.encodeCall(IBlobRung.demandData, (0, 0, 0, 0)), wrongPhase(IRung.Phase.Idle, IRung.Phase.Open)
        );
        rung.openRound();
        refused(watcher, dataCall(0, 0), notIn(0));
        send(1, 1, "");
        refused(watcher, dataCall(1, 0), notIn(1));
        refused(watcher, dataCall(2, 0), notIn(2));
        refused(watcher, abi.encodeCall(IBlobRung.demandData, (2, rung.accumulator(), 0, 0)), wrongRound(2, 1));
        refused(watcher, dataCall(0, 0), abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, closesAt));
        vm.warp(closesAt - 1);
        refused(
            watcher, dataCall(0, 0), abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, closesAt - 1, closesAt)
        );
        vm.warp(closesAt);
        refused(watcher, dataCall(1, 0), notIn(1)); // it did not come
        bytes32 other = bytes32(uint256(rung.accumulator()) ^ 1);
        refused(
            watcher,
            abi.encodeCall(IBlobRung.demandData, (1, other, 0, 0)),
            abi.encodeWithSelector(IBlobRung.RungOtherSubmissions.selector, other, rung.accumulator())
        );
        refused(watcher, dataCall(0, 3), noChunk(3, 3));
        refused(passer, dataCall(0, 2), short(passer, 0, FEE));
        bytes memory question = dataCall(0, 2);
        vm.expectEmit(address(rung));
        emit IBlobRung.DataDemanded(1, 0, 2, closesAt + WINDOW);
        ok(watcher, question);
        refused(watcher, dataCall(0, 2), abi.encodeWithSelector(IOptimisticRung.RungDemandExists.selector, 2));
        ok(watcher, dataCall(0, 0));
        held(watcher, FEE, "two fees");
        assertBooks(2);
    }

    /// @dev Nobody is left to submit: there is nothing to wait for.
    function test_DataDemandsBeginWhenAllHaveSubmitted() public {
        start(uint32(P), 2, 1);
        vm.assertEq(rung.currentRound().closesAt, NOW + SUBMIT, "there would be time");
        ok(watcher, dataCall(0, 0));
    }

    function test_DataDemandsEndTwoWindowsBeforeTheRound() public {
        start(uint32(P), 2, 1);
        uint256 end = NOW + SUBMIT + WORK - 2 * WINDOW;
        vm.warp(end);
        refused(watcher, dataCall(0, 0), closed(end, end));
        vm.warp(end - 1);
        ok(watcher, dataCall(0, 0));
    }

    function test_DataDemandsEndWithTheProposals() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        vm.warp(NOW + WINDOW);
        refused(watcher, dataCall(0, 0), closed(NOW + WINDOW, NOW + WINDOW));
        vm.warp(NOW + WINDOW - 1);
        ok(watcher, dataCall(0, 0));
        vm.warp(NOW + 2 * WINDOW - 2);
        ok(passer, answerData(0, 0));
        vm.warp(NOW + 2 * WINDOW);
        refused(watcher, dataCall(0, 1), closed(NOW + 2 * WINDOW, NOW + 2 * WINDOW));
        vm.warp(NOW + 2 * WINDOW - 1);
        ok(watcher, dataCall(0, 1));
    }

    function test_AnswerData() public {
        start(uint32(P), 2, 1);
        refused(passer, answerData(1, 2), noDemand(2));
        ok(watcher, dataCall(1, 2));
        vm.warp(NOW + WINDOW - 1);
        vm.expectEmit(address(rung));
        emit IBlobRung.DataAnswered(1, 1, 2, Exact.slice(rows[1], 2048, 64), Trees.partProof(rows[1], 2));
        ok(passer, answerData(1, 2));
        held(passer, 0, "nothing for who answers");
        held(member(1), ODD_STAKE, "nothing before the round is over");
        vm.assertEq(rung.proposal().deadline, 0, "nothing to extend");
        refused(passer, answerData(1, 2), noDemand(2));
        refused(passer, settleCall(1, 2), live(2));
        refused(watcher, dataCall(1, 2), abi.encodeWithSelector(IOptimisticRung.RungDemandExists.selector, 2));
        vm.warp(NOW + WINDOW);
        refused(passer, expireData(1, 2), noDemand(2)); // it was answered
        assertBooks(1);
    }

    function test_RevertWhen_DataAreLate() public {
        start(uint32(P), 2, 1);
        ok(watcher, dataCall(0, 1));
        vm.warp(NOW + WINDOW);
        refused(
            passer,
            answerData(0, 1),
            abi.encodeWithSelector(IOptimisticRung.RungAnswerLate.selector, NOW + WINDOW, NOW + WINDOW)
        );
    }

    /// @dev Data shown leave a window to look at the proposal in their light; one that owes an answer is not final.
    function test_AnswerDataExtendsAProposal() public {
        start(uint32(P), 2, 1);
        ok(watcher, dataCall(0, 0));
        propose(trueTree());
        bytes memory finalize = abi.encodeCall(IOptimisticRung.finalize, (1));
        vm.warp(NOW + WINDOW - 1);
        ok(watcher, dataCall(1, 0));
        ok(passer, answerData(0, 0));
        vm.assertEq(rung.proposal().deadline, NOW + 2 * WINDOW - 1, "a window more");
        vm.warp(NOW + 2 * WINDOW - 2);
        refused(passer, finalize, stillOpen(NOW + 2 * WINDOW - 2, NOW + 2 * WINDOW - 1, 1));
        ok(passer, answerData(1, 0));
        vm.warp(NOW + 3 * WINDOW - 2);
        ok(passer, finalize);
    }

    function test_RevertWhen_AnAnswerIsNotTheClients() public {
        start(uint32(P), 2, 1);
        ok(watcher, dataCall(0, 2));
        bytes memory data = Exact.slice(rows[0], 2048, 64);
        bytes32[] memory proof = Trees.partProof(rows[0], 2);
        IOptimisticRung.Submission[] memory list = submissions();
        refused(passer, answer(list, 1, 3, data, proof), noChunk(3, 3));
        refused(passer, answer(list, 1, 2, Exact.slice(data, 0, 63), proof), wrongLength(63, 64));
        refused(passer, answer(list, 1, 2, abi.encodePacked(data, bytes1(0)), proof), wrongLength(65, 64));
        refused(passer, answer(list, 1, 2, data, new bytes32[](1)), wrongLength(1, 2));
        refused(passer, answer(list, 1, 2, data, new bytes32[](3)), wrongLength(3, 2));
        refused(passer, answer(list, 2, 2, data, proof), abi.encodeWithSelector(bytes4(0x4e487b71), 0x32));
        data[5] ^= 0x01;
        bytes32 side = keccak256(abi.encode(keccak256(data), proof[0]));
        bytes32 opened = keccak256(abi.encode(proof[1], side));
        refused(passer, answer(list, 1, 2, data, proof), badProof(0, opened, list[1].parts[0]));
        list[0].client = 7;
        refused(passer, answer(list, 1, 2, data, proof), badSubmissions(list));
        ok(passer, answerData(0, 2));
    }

    function test_ExpireData() public {
        start(uint32(P), 2, 1);
        ok(watcher, dataCall(1, 0));
        vm.warp(NOW + WINDOW - 1);
        refused(
            passer,
            expireData(1, 0),
            abi.encodeWithSelector(IOptimisticRung.RungAnswerDue.selector, NOW + WINDOW - 1, NOW + WINDOW)
        );
        refused(passer, expireData(0, 0), noDemand(0));
        refused(passer, abi.encodeCall(IBlobRung.expireData, (2, 1, 0)), wrongRound(2, 1));
        vm.warp(NOW + WINDOW);
        vm.expectEmit(address(rung));
        emit IBlobRung.Excluded(1, 1, watcher);
        ok(passer, expireData(1, 0));
        assertExcluded(1, watcher, 100 * FEE);
        held(passer, 0, "nothing for who says so");
        refused(passer, expireData(1, 0), notIn(1));
        refused(watcher, dataCall(1, 1), notIn(1));
        fund(rung, member(1), 5);
        vm.assertEq(rung.availableOf(member(1)), 5, "who is out owes no stake");
        assertBooks(0);
    }

    function assertExcluded(uint256 client, address challenger, uint256 before) private view {
        vm.assertEq(rung.excluded(), 1 << client, "out");
        assertPhase(IRung.Phase.Open);
        vm.assertEq(rung.currentRound().expiresAt, reopenedUntil(), "as much time as at first");
        held(member(client), 0, "the stake is gone");
        held(challenger, before + ODD_STAKE / 2, "the smaller half");
        vm.assertEq(rung.burned(), ODD_STAKE / 2 + 1, "the larger half is nobody's");
    }

    /// @dev The proposal goes, its bond stays, and what is computed from then on leaves the client out.
    function test_ProposalGoesWithAClient() public {
        start(uint32(P), 3, 1);
        propose(trueTree());
        demand(0);
        ok(watcher, dataCall(1, 0));
        ok(watcher, dataCall(1, 2));
        refused(watcher, settleCall(1, 2), live(2));
        vm.warp(NOW + WINDOW);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Canceled(1, proposer);
        ok(passer, expireData(1, 0));
        assertExcluded(1, watcher, 98 * FEE);
        held(proposer, ODD_BOND, "the bond is whole");
        vm.assertEq(rung.availableOf(proposer), ODD_BOND, "and free");
        ok(passer, settleCall(1, 2));
        refused(passer, settleCall(1, 2), noDemand(2));
        ok(passer, reclaimCall(1, 0));
        held(watcher, 100 * FEE + ODD_STAKE / 2, "all fees");
        assertBooks(0);
        Trees.Tree memory t = Trees.full(exactWithout(2));
        t.scores[1] = plus(t.scores[1], 0, 1);
        proposeScores(t, t.scores[1]);
        refused(passer, answerData(1, 2), notIn(1));
        ok(watcher, totalCall(t, 0, t.scores[1]));
    }

    function test_ProofsLeaveOutWhoIsOut() public {
        start(uint32(P), 3, 1);
        ok(watcher, dataCall(1, 0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 0));
        Trees.Tree memory t = Trees.full(exactWithout(2));
        propose(t);
        for (uint256 k; k < 4; ++k) {
            IOptimisticRung.Evidence memory none;
            refused(watcher, chunkCall(t, k, k < 3 ? evidence(k, 2) : none), noFraud(k));
        }
        refused(watcher, chunkCall(t, 0, evidence(0, 0)), wrongLength(3 * 1024, 2 * 1024));
        vm.warp(NOW + 2 * WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.resultDigest(), digestOf(t.hashes[1], t.scores[1]), "result");
        vm.assertEq(t.scores[1][1], int256(0), "no score for who is out");
    }

    /// @dev The true result of all, when one is out, is a wrong one.
    function test_WhoIsOutDoesNotCount() public {
        start(uint32(P), 3, 1);
        ok(watcher, dataCall(1, 0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 0));
        Trees.Tree memory t = trueTree();
        propose(t);
        ok(watcher, chunkCall(t, 0, evidence(0, 2)));
        held(proposer, 0, "the bond is gone");
    }

    /// @dev Two clients answered; one of them is put out. Each fee is paid once, to whom it is due, whoever says so.
    function test_SettleData() public {
        start(uint32(P), 3, 1);
        fund(rung, passer, FEE);
        ok(watcher, dataCall(0, 0));
        ok(passer, dataCall(0, 1));
        ok(watcher, dataCall(1, 0));
        ok(watcher, dataCall(1, 2));
        ok(watcher, answerData(0, 0));
        ok(watcher, answerData(0, 1));
        ok(watcher, answerData(1, 0));
        assertBooks(4);
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 2));
        held(watcher, 98 * FEE + ODD_STAKE / 2, "the last fee, and half of a stake");
        ok(passer, settleCall(1, 0));
        held(watcher, 99 * FEE + ODD_STAKE / 2, "who is out earns nothing");
        refused(watcher, settleCall(1, 0), noDemand(0));
        refused(member(0), settleCall(0, 0), live(0));
        propose(Trees.full(exactWithout(2)));
        refused(member(0), settleCall(0, 0), live(0));
        vm.warp(NOW + 2 * WINDOW);
        rung.finalize(1);
        ok(passer, settleCall(0, 0));
        refused(member(0), settleCall(0, 0), noDemand(0));
        openAndSubmitAgain(1);
        ok(watcher, settleCall(0, 1)); // in the next round, too
        refused(member(0), settleCall(0, 1), noDemand(1));
        held(member(0), ODD_STAKE + 2 * FEE, "two answers");
        held(passer, 0, "who asked has paid");
        assertBooks(0);
    }

    function openAndSubmitAgain(uint256 client) private {
        fund(rung, member(client), ODD_STAKE);
        openAndSubmit();
    }

    /// @dev Who was out of a round earns nothing of it later, when it takes part again.
    function test_SettleDataOfAClientThatCameBack() public {
        start(uint32(P), 2, 1);
        ok(watcher, dataCall(1, 0));
        ok(watcher, dataCall(1, 2));
        ok(watcher, answerData(1, 0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 2));
        vm.warp(NOW + WINDOW + WORK);
        openAndSubmitAgain(1);
        ok(member(1), settleCall(1, 0));
        held(watcher, 100 * FEE + ODD_STAKE / 2, "both fees");
        held(member(1), ODD_STAKE, "its new stake");
        assertBooks(0);
    }

    /// @dev A proposer in good faith is not paid when its proposal goes with a client; who asked has both fees back.
    function test_CanceledProposalEarnsNothing() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        demand(0);
        demand(1);
        ok(proposer, answerCall(t, 0));
        ok(watcher, dataCall(1, 0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 0));
        held(proposer, ODD_BOND, "the bond, and no fee");
        ok(passer, reclaimCall(1, 0));
        ok(passer, reclaimCall(1, 1));
        refused(watcher, reclaimCall(1, 0), noDemand(0));
        held(watcher, 100 * FEE + ODD_STAKE / 2, "all fees");
        assertBooks(0);
    }

    function test_SettleDataWhenTheRoundIsOver() public {
        start(uint32(P), 2, 1);
        ok(watcher, dataCall(0, 0));
        ok(watcher, dataCall(0, 1));
        refused(passer, settleCall(0, 0), live(0));
        vm.warp(NOW + SUBMIT + WORK);
        refused(passer, settleCall(0, 0), live(0)); // expired, but not given up
        rung.openRound();
        vm.assertEq(rung.excluded(), 0, "nobody is out of the next round");
        ok(passer, settleCall(0, 0));
        refused(passer, settleCall(0, 0), noDemand(0));
        held(watcher, 99 * FEE, "to who paid it");
        vm.warp(NOW + 2 * SUBMIT + WORK);
        rung.openRound();
        ok(passer, settleCall(0, 1));
        assertBooks(0);
    }

    function test_SettleDataWhenIdle() public {
        start(uint32(P), 3, 1);
        ok(watcher, dataCall(1, 0));
        ok(watcher, dataCall(1, 1));
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 0));
        propose(Trees.full(exactWithout(2)));
        vm.warp(NOW + 2 * WINDOW);
        rung.finalize(1);
        refused(watcher, dataCall(0, 0), wrongPhase(IRung.Phase.Idle, IRung.Phase.Open));
        refused(passer, settleCall(0, 1), noDemand(1)); // nothing is live in a round that is over
        ok(passer, settleCall(1, 1));
        assertBooks(0);
    }

    /// @dev What one round put out, and asked, is not the next one's.
    function test_NextRoundBeginsWithEverybody() public {
        start(uint32(P), 3, 1);
        ok(watcher, dataCall(1, 0));
        ok(watcher, dataCall(0, 0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireData(1, 0));
        vm.warp(NOW + WINDOW + WORK);
        fund(rung, member(1), ODD_STAKE);
        openAndSubmit();
        vm.assertEq(rung.excluded(), 0, "nobody is out");
        propose(trueTree());
        vm.warp(NOW + 2 * WINDOW + WORK);
        rung.finalize(2); // client 0 still owes an answer of round 1
        ok(passer, settleCall(0, 0));
        assertBooks(0);
    }

    // ------------------------------------------------------------------------------------------------------- blobs

    function test_BlobThatHoldsOtherDataPutsItsClientOut() public {
        start(uint32(P), 3, 1);
        propose(trueTree());
        IBlobRung.Opening memory opening = openingOf(34, element(rows[0], 1024, 31) + 1);
        evaluates(blobOf(0)[0], opening);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Canceled(1, proposer);
        vm.expectEmit(address(rung));
        emit IBlobRung.Excluded(1, 0, passer);
        ok(passer, proveData(0, 1, opening));
        assertExcluded(0, passer, 0);
        held(proposer, ODD_BOND, "the bond is whole");
        refused(passer, proveData(0, 1, opening), notIn(0));
        assertBooks(0);
    }

    /// @dev Each element of a chunk, the last ones short, and the ones beside it.
    function test_ElementsOfAChunk() public {
        start(uint32(P), 2, 1);
        agrees(1, 34, element(rows[0], 1024, 31));
        agrees(1, 35, element(rows[0], 1024 + 31, 31));
        agrees(1, 34 + 32, element(rows[0], 1024 + 32 * 31, 31));
        agrees(1, 34 + 33, element(rows[0], 2047, 1));
        agrees(2, 68, element(rows[0], 2048, 31));
        agrees(2, 69, element(rows[0], 2048 + 31, 31));
        agrees(2, 70, element(rows[0], 2048 + 62, 2));
        noElement(2, 71, badOpening(71));
        noElement(1, 34 + 34, badOpening(68));
        noElement(1, 33, abi.encodeWithSelector(bytes4(0x4e487b71), 0x11));
        noElement(1, 4096, badOpening(4096));
        noElement(1, 4095, badOpening(4095));
    }

    function test_RevertWhen_AnOpeningIsNotOfTheBlob() public {
        start(uint32(P), 2, 1);
        IBlobRung.Opening memory opening = openingOf(34, 1);
        refused(passer, proveData(0, 1, opening), badOpening(34)); // the precompile itself refuses it
        evaluates(blobOf(1)[0], opening); // another client's blob
        refused(passer, proveData(0, 1, opening), badOpening(34));
    }

    function test_LastChunkOfABlobAndFirstOfTheNext() public {
        deployRung(122_881, 1);
        fund(rung, member(0), ODD_STAKE);
        fund(rung, watcher, 5 * FEE);
        rung.openRound();
        IOptimisticRung.Submission[] memory list = twoParts();
        sendBytes(abi.encodePacked(list[0].parts), 2, "");
        bytes memory last = new bytes(1024);
        ok(watcher, dataCall(0, 119));
        ok(watcher, dataCall(0, 120));
        refused(watcher, dataCall(0, 121), noChunk(121, 121));
        bytes32[] memory proof = Trees.partProof(new bytes(122_880), 119);
        ok(passer, answer(list, 0, 119, last, proof));
        bytes32[] memory zeros = zeroProof();
        refused(passer, answer(list, 0, 120, last, zeros), wrongLength(1024, 32));
        ok(passer, answer(list, 0, 120, new bytes(32), zeros));
        held(member(0), ODD_STAKE, "fees are held");
        IBlobRung.Opening memory opening = openingOf(34 * 119 + 33, 0);
        evaluates(list[0].blobs[0], opening);
        refused(passer, prove(list, 119, last, proof, opening), agree(34 * 119 + 33));
        opening = openingOf(1, 3);
        evaluates(list[0].blobs[0], opening);
        refused(passer, prove(list, 120, new bytes(32), zeros, opening), badOpening(1));
        evaluates(list[0].blobs[1], opening);
        ok(passer, prove(list, 120, new bytes(32), zeros, opening));
        vm.assertEq(rung.excluded(), 1, "out");
        ok(passer, settleCall(0, 119));
        ok(passer, settleCall(0, 120));
        held(watcher, 5 * FEE, "both fees");
        held(member(0), 0, "who is out earns nothing");
    }

    function twoParts() private pure returns (IOptimisticRung.Submission[] memory list) {
        list = new IOptimisticRung.Submission[](1);
        (list[0].parts, list[0].blobs) = (new bytes32[](2), new bytes32[](2));
        list[0].parts[0] = Exact.partRoot(new bytes(122_880));
        list[0].parts[1] = keccak256(new bytes(32));
        bytes32[] memory zeros = zeroProof();
        for (uint256 level; level < 7; ++level) {
            list[0].parts[1] = keccak256(abi.encode(list[0].parts[1], zeros[level]));
        }
        (list[0].blobs[0], list[0].blobs[1]) = (bytes32(uint256(1) << 248 | 1), bytes32(uint256(1) << 248 | 2));
    }

    function zeroProof() private pure returns (bytes32[] memory zeros) {
        zeros = new bytes32[](7);
        for (uint256 level = 1; level < 7; ++level) {
            zeros[level] = keccak256(abi.encode(zeros[level - 1], zeros[level - 1]));
        }
    }

    function agrees(uint256 chunk, uint256 place, uint256 value) private {
        IBlobRung.Opening memory opening = openingOf(place, value);
        evaluates(blobOf(0)[0], opening);
        refused(passer, proveData(0, chunk, opening), agree(place));
    }

    function noElement(uint256 chunk, uint256 place, bytes memory reason) private {
        IBlobRung.Opening memory opening = openingOf(place, 1);
        if (place < 4096) evaluates(blobOf(0)[0], opening);
        refused(passer, proveData(0, chunk, opening), reason);
    }

    function openingOf(uint256 place, uint256 value) private pure returns (IBlobRung.Opening memory) {
        return IBlobRung.Opening({ element: place, value: value, commitment: filled(0x11), proof: filled(0x22) });
    }

    function filled(bytes1 with) private pure returns (bytes memory list) {
        list = new bytes(48);
        for (uint256 i; i < 48; ++i) {
            list[i] = with;
        }
    }

    /// @dev From now on the point evaluation holds of this opening, and of no other.
    function evaluates(bytes32 blob, IBlobRung.Opening memory opening) private {
        uint256 exponent;
        for (uint256 bit; bit < 12; ++bit) {
            exponent |= (opening.element >> bit & 1) << 11 - bit;
        }
        uint256 point = 1;
        for (uint256 i; i < exponent; ++i) {
            point = mulmod(point, ROOT, FIELD);
        }
        MockVm(address(vm)).clearMockedCalls();
        MockVm(address(vm))
            .mockCall(
                address(0x0a),
                abi.encodePacked(blob, point, opening.value, opening.commitment, opening.proof),
                abi.encode(uint256(4096), FIELD)
            );
    }

    function element(bytes memory row, uint256 from, uint256 size) private pure returns (uint256 value) {
        for (uint256 i; i < 31; ++i) {
            value = value << 8 | (i < size ? uint8(row[from + i]) : 0);
        }
    }

    // ------------------------------------------------------------------------------------------- calls and refusals

    function expireData(uint256 client, uint256 chunk) private pure returns (bytes memory) {
        return abi.encodeCall(IBlobRung.expireData, (1, client, chunk));
    }

    /// @dev A client's place in the order of submissions.
    function placeOf(uint256 client) private view returns (uint256 place) {
        while (order[place] != client) ++place;
    }

    function answerData(uint256 client, uint256 chunk) private view returns (bytes memory) {
        return answer(
            submissions(),
            placeOf(client),
            chunk,
            Exact.slice(rows[client], 1024 * chunk, 1024),
            Trees.partProof(rows[client], chunk)
        );
    }

    function answer(
        IOptimisticRung.Submission[] memory list,
        uint256 place,
        uint256 chunk,
        bytes memory data,
        bytes32[] memory proof
    ) private pure returns (bytes memory) {
        return abi.encodeCall(IBlobRung.answerData, (1, list, place, chunk, data, proof));
    }

    function proveData(uint256 client, uint256 chunk, IBlobRung.Opening memory opening)
        private
        view
        returns (bytes memory)
    {
        bytes memory data = Exact.slice(rows[client], 1024 * chunk, 1024);
        bytes32[] memory proof = Trees.partProof(rows[client], chunk);
        return abi.encodeCall(IBlobRung.proveData, (1, submissions(), placeOf(client), chunk, data, proof, opening));
    }

    function prove(
        IOptimisticRung.Submission[] memory list,
        uint256 chunk,
        bytes memory data,
        bytes32[] memory proof,
        IBlobRung.Opening memory opening
    ) private pure returns (bytes memory) {
        return abi.encodeCall(IBlobRung.proveData, (1, list, 0, chunk, data, proof, opening));
    }

    function notIn(uint256 client) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBlobRung.RungNotInRound.selector, client);
    }

    function badOpening(uint256 place) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBlobRung.RungBadOpening.selector, place);
    }

    function agree(uint256 place) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBlobRung.RungDataAgree.selector, 0, place);
    }
}
