// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IBlobRung } from "../../../src/scaling/IBlobRung.sol";
import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Exact } from "../../scaling/Exact.sol";
import { Game } from "../../scaling/Game.sol";
import { Trees } from "../../scaling/Trees.sol";

/// @notice Somebody honest has sent a transaction; somebody else sees it, and acts just before.
abstract contract RacesTest is Game {
    using Trees for Trees.Tree;

    uint32 internal constant PARAMETERS = 2050; // three chunks
    address internal cheat = account("cheat");

    bytes internal sent; // what the honest proposer has sent, as it is
    bytes32 internal computedFrom;

    /// @dev As `start`, with another time to submit and other terms, and nobody in yet.
    function prepare(IRung.Config memory c, IOptimisticRung.Terms memory t, uint256 n_) internal {
        (parameters, n) = (c.parameters, n_);
        rung = IBlobRung(assertTaken(blobs() ? RUNG_4 : RUNG_3, optimistic(c, t, n_)));
        fund(rung, proposer, t.bond);
        fund(rung, watcher, 100 * FEE);
        for (uint256 i; i < n_; ++i) {
            rows.push(drawRow(1 + i, (uint256(c.parameters) + 31) / 32 * 32));
            if (blobs()) fund(rung, member(i), t.stake);
        }
        rung.openRound();
    }

    /// @dev The right result of the clients that are in now and not in `out`.
    function sendHonestly(uint256 out) internal {
        Trees.Tree memory t = truth(out);
        computedFrom = rung.basis();
        sent = abi.encodeCall(IRung.work, (rung.currentRound().number, t.payload(computedFrom, t.scores[1])));
    }

    function truth(uint256 out) internal view returns (Trees.Tree memory) {
        return Trees.full(exactWithout(out));
    }

    /// @dev It costs nothing but gas: the bond is not even tied up.
    function sentIsRefused() internal {
        bytes32 basis = rung.basis();
        vm.assertTrue(basis != computedFrom, "something changed");
        refused(proposer, sent, abi.encodeWithSelector(IOptimisticRung.RungOtherBasis.selector, computedFrom, basis));
        assertPhase(IRung.Phase.Open);
        vm.assertEq(rung.availableOf(proposer), ODD_BOND, "the bond is whole, and free");
    }

    /// @dev A demand is on its way to a wrong proposal. In the same block, before it, its author has it rejected, which costs
    /// half of a bond, and proposes what is right: nobody is paid for a leaf of that.
    function test_CheatSwapsItsProposalToTakeAFee() public {
        start(PARAMETERS, 3, 1);
        fund(rung, cheat, 2 * ODD_BOND);
        Trees.Tree memory wrong = Trees.leaves(exactWithout(0));
        wrong.scores[wrong.width][0] += 1;
        wrong.grow();
        ok(cheat, abi.encodeCall(IRung.work, (1, wrong.payload(rung.basis(), wrong.scores[1]))));
        (bytes memory question, bytes32 meant) = (demandCall(0), rung.proposedDigest());
        ok(cheat, chunkCall(wrong, 0));
        Trees.Tree memory right = truth(0);
        ok(cheat, abi.encodeCall(IRung.work, (1, right.payload(rung.basis(), right.scores[1]))));
        refused(watcher, question, otherProposal(meant));
        held(watcher, 100 * FEE, "nothing was paid");
        ok(watcher, demandCall(0)); // who does mean this one
        held(watcher, 99 * FEE, "a fee");
    }

    /// @dev As before, but for nothing: the chain is reorganized, and the right proposal has the wrong one's place.
    function test_CheatSwapsItsProposalByAReorganizationToTakeFees() public {
        start(PARAMETERS, 3, 1);
        fund(rung, cheat, ODD_BOND);
        Trees.Tree memory wrong = Trees.leaves(exactWithout(0));
        wrong.scores[wrong.width][0] += 1;
        wrong.grow();
        Trees.Tree memory right = truth(0);
        uint256 fork = attackVm.snapshotState();
        ok(cheat, abi.encodeCall(IRung.work, (1, wrong.payload(rung.basis(), wrong.scores[1]))));
        (bytes memory question, bytes32 meant) = (demandCall(0), rung.proposedDigest());
        ok(watcher, question); // taken on the first chain
        vm.assertTrue(attackVm.revertToState(fork), "reorganized");
        ok(cheat, abi.encodeCall(IRung.work, (1, right.payload(rung.basis(), right.scores[1]))));
        vm.assertEq(rung.proposal().attempt, 1, "in the same place");
        refused(watcher, question, otherProposal(meant)); // and not on the second
        held(watcher, 100 * FEE, "nothing was paid");
    }

    function otherProposal(bytes32 meant) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungOtherProposal.selector, meant, rung.proposedDigest());
    }

    /// @dev Right where a first stage looks, rubbish elsewhere: all subtrees differ, and two watchers that do not know of each
    /// other search one each, in the same block. The cheat answers both in the last second, and at once catches itself.
    function test_CheatEarnsTheSearchesOfTwoWatchers() public {
        start(16 * 1024, 1, 1);
        fund(rung, passer, 100 * FEE);
        fund(rung, cheat, ODD_BOND);
        Trees.Tree memory t = Trees.leaves(exactWithout(0));
        for (uint256 k; k < 16; ++k) {
            if (k % 4 != 0) t.hashes[16 + k] = keccak256(abi.encode("rubbish", k));
        }
        t.grow();
        ok(cheat, abi.encodeCall(IRung.work, (1, t.payload(rung.basis(), t.scores[1]))));
        for (uint256 k; k < 16; k += 4) {
            demand(k);
        }
        vm.warp(NOW + WINDOW - 1);
        for (uint256 k; k < 16; k += 4) {
            ok(cheat, answerCall(t, k));
        }
        for (uint256 k = 1; k < 4; ++k) {
            demand(k);
            ok(passer, demandCall(4 + k));
        }
        vm.warp(NOW + 2 * WINDOW - 2);
        for (uint256 k = 1; k < 4; ++k) {
            ok(cheat, answerCall(t, k));
            ok(cheat, answerCall(t, 4 + k));
        }
        ok(cheat, chunkCall(t, 1));
        held(cheat, ODD_BOND / 2, "half of its bond, and no fee");
        for (uint256 k; k < 16; ++k) {
            if (k % 4 == 0 || k < 8) ok(cheat, reclaimCall(1, k)); // whoever asks for it
        }
        held(watcher, 100 * FEE, "the search cost nothing");
        held(passer, 100 * FEE, "nor did the other one's");
        held(cheat, ODD_BOND / 2, "still");
    }

    /// @dev Computed anew it is taken, cannot be shown to be wrong, and becomes the result.
    function sendsAgain(uint256 out) internal {
        sendHonestly(out);
        ok(proposer, sent);
        refused(
            cheat,
            chunkCall(truth(out), 1, evidence(1, out)),
            abi.encodeWithSelector(IOptimisticRung.RungNoFraud.selector, 1)
        );
        uint256 deadline = rung.proposal().deadline;
        vm.warp(deadline);
        rung.finalize(1);
        vm.assertEq(rung.resultDigest(), digestOf(truth(out).hashes[1], truth(out).scores[1]), "result");
        vm.assertEq(rung.availableOf(proposer), ODD_BOND, "the bond is whole, and free");
    }
}

/// @notice Who takes part changes when a client is put out, which whoever controls one can bring about when it likes.
/// forge-config: default.isolate = false
contract BlobRacesTest is RacesTest {
    using Trees for Trees.Tree;

    function blobs() internal pure override returns (bool) {
        return true;
    }

    /// @dev Client 2 is the cheat's own, and put other bytes into its blob.
    function putOut(uint256 client) private {
        uint256 place;
        while (order[place] != client) ++place;
        showOtherBlob(rung, cheat, submissions(), place, rows[client], 0);
        vm.assertEq(rung.excluded() >> client & 1, 1, "out");
    }

    function askCheat(address asker, uint256 client) private {
        if (rung.availableOf(asker) < FEE) fund(rung, asker, FEE);
        ok(asker, dataCall(client, 0));
    }

    // -------------------------------------------------------------------- a proposal that comes just after an exclusion

    function test_CheatShowsItsOwnBlobToTakeABond() public {
        start(PARAMETERS, 3, 1);
        vm.warp(NOW + SUBMIT);
        sendHonestly(0);
        putOut(2);
        sentIsRefused();
        sendsAgain(4);
        assertBooksWithCheat(0);
    }

    /// @dev All are in: work goes on before the time to submit is over.
    function test_CheatShowsItsOwnBlobEarlyToTakeABond() public {
        start(PARAMETERS, 3, 1);
        sendHonestly(0);
        putOut(2);
        sentIsRefused();
        sendsAgain(4);
    }

    /// @dev An answer that is overdue lies ready until somebody honest proposes.
    function test_CheatStaysSilentToTakeABond() public {
        start(PARAMETERS, 3, 1);
        vm.warp(NOW + SUBMIT);
        askCheat(cheat, 2);
        vm.warp(NOW + SUBMIT + WINDOW + 5);
        sendHonestly(0);
        ok(cheat, abi.encodeCall(IBlobRung.expireData, (1, 2, 0)));
        sentIsRefused();
        sendsAgain(4);
    }

    function test_CheatStaysSilentEarlyToTakeABond() public {
        IRung.Config memory c = config(PARAMETERS);
        c.submitSeconds = 10 days;
        prepare(c, gameTerms(), 3);
        for (uint256 i; i < 3; ++i) {
            submitRow(i);
        }
        askCheat(cheat, 2);
        vm.warp(NOW + WINDOW);
        sendHonestly(0);
        ok(cheat, abi.encodeCall(IBlobRung.expireData, (1, 2, 0)));
        vm.assertTrue(block.timestamp < rung.currentRound().closesAt, "there is time to submit");
        sentIsRefused();
        sendsAgain(4);
    }

    /// @dev Silent clients wait for each other: the honest proposer has already computed without the first.
    function test_CheatPutsOutOneClientAfterTheOtherToTakeABond() public {
        start(PARAMETERS, 3, 1);
        askCheat(cheat, 1);
        askCheat(cheat, 2);
        vm.warp(NOW + WINDOW);
        sendHonestly(0);
        ok(cheat, abi.encodeCall(IBlobRung.expireData, (1, 1, 0)));
        sentIsRefused();
        sendHonestly(2);
        ok(cheat, abi.encodeCall(IBlobRung.expireData, (1, 2, 0)));
        sentIsRefused();
        sendsAgain(6);
    }

    /// @dev The cheat's wrong proposal stands. Somebody honest sends the proof and its own proposal, one after the other; the
    /// cheat takes its proposal back before either.
    function test_CheatTakesItsProposalBackToTakeABond() public {
        start(PARAMETERS, 3, 1);
        fund(rung, cheat, ODD_BOND);
        Trees.Tree memory wrong = Trees.leaves(exactWithout(0));
        wrong.hashes[wrong.width + 1] = bytes32(uint256(1));
        wrong.grow();
        ok(cheat, abi.encodeCall(IRung.work, (1, wrong.payload(rung.basis(), wrong.scores[1]))));
        sendHonestly(0);
        bytes memory proof = chunkCall(wrong, 1);
        putOut(2);
        refused(
            proposer,
            proof,
            abi.encodeWithSelector(IRung.RungWrongPhase.selector, IRung.Phase.Open, IRung.Phase.Proposed)
        );
        sentIsRefused();
        sendsAgain(4);
    }

    /// @dev The other way round: computed without a client that is about to be put out, and is not yet.
    function test_CheatStaysInToTakeABond() public {
        start(PARAMETERS, 3, 1);
        Trees.Tree memory t = truth(4);
        computedFrom = keccak256(abi.encode(rung.accumulator(), uint256(4))); // as it will be
        sent = abi.encodeCall(IRung.work, (1, t.payload(computedFrom, t.scores[1])));
        sentIsRefused();
        putOut(2);
        ok(proposer, sent);
    }

    // ------------------------------------------------------------------- an answer that comes just after a submission

    /// @dev An answer names all submissions. So nobody is asked while one more may come.
    function test_ClientSubmitsToTakeTheStakeOfOneThatAnswers() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        uint256 closesAt = NOW + SUBMIT;
        bytes memory question = dataCall(0, 1);
        refused(watcher, question, abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, closesAt));
        vm.warp(closesAt - 1);
        refused(watcher, question, abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, closesAt - 1, closesAt));
        vm.warp(closesAt);
        ok(watcher, question);
        bytes memory reply = answerOf(0, 1);
        vm.warp(closesAt + WINDOW - 1);
        refused(
            member(2),
            abi.encodeCall(IRung.submit, (1, abi.encode(bytes32(uint256(1))))),
            abi.encodeWithSelector(IRung.RungSubmissionsClosed.selector, closesAt + WINDOW - 1, closesAt)
        );
        ok(member(0), reply);
        held(member(0), ODD_STAKE, "its stake");
    }

    /// @dev The last submission lets questions begin; the answers then name it.
    function test_LastClientTakesTheStakeOfOneThatAnswers() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        bytes memory question = dataCall(0, 1);
        refused(cheat, question, abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, NOW + SUBMIT));
        submitRow(2);
        ok(watcher, dataCall(0, 1));
        bytes memory reply = answerOf(0, 1);
        for (uint256 i; i < 3; ++i) {
            refused(
                member(i),
                abi.encodeCall(IRung.submit, (1, abi.encode(bytes32(uint256(1))))),
                abi.encodeWithSelector(IRung.RungAlreadySubmitted.selector, i)
            );
        }
        putOut(2); // who is out stays in the list
        vm.warp(NOW + WINDOW - 1);
        ok(member(0), reply);
        held(member(0), ODD_STAKE, "its stake");
    }

    function answerOf(uint256 client, uint256 chunk) private view returns (bytes memory) {
        uint256 place;
        while (order[place] != client) ++place;
        bytes memory data = Exact.slice(rows[client], 1024 * chunk, 1024);
        bytes32[] memory proof = Trees.partProof(rows[client], chunk);
        return abi.encodeCall(IBlobRung.answerData, (1, submissions(), place, chunk, data, proof));
    }

    /// @dev Questions would be free, and the fee would not go toward the answer.
    function test_AskerCopiesAnAnswerToHaveItsFeeBack() public {
        start(PARAMETERS, 3, 1);
        ok(watcher, dataCall(0, 1));
        bytes memory reply = answerOf(0, 1);
        ok(watcher, reply);
        refused(member(0), reply, abi.encodeWithSelector(IOptimisticRung.RungNoDemand.selector, 1));
        sendsAgain(0);
        ok(watcher, settleCall(0, 1));
        held(watcher, 99 * FEE, "the fee is paid");
        held(member(0), ODD_STAKE + FEE, "to the client");
    }

    /// @dev Client 2's root does not follow from its blob, and it is asked; then the chain is reorganized, and it submits one
    /// that does.
    function test_ClientSwapsItsSubmissionByAReorganizationToTakeAFee() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        uint256 fork = attackVm.snapshotState();
        bytes memory honest = rows[2];
        rows[2] = drawRow(99, honest.length);
        submitRow(2);
        (bytes memory question, bytes32 meant) = (dataCall(2, 0), rung.accumulator());
        ok(watcher, question); // taken on the first chain
        vm.assertTrue(attackVm.revertToState(fork), "reorganized");
        submitRow(2);
        bytes32 current = rung.accumulator();
        refused(watcher, question, abi.encodeWithSelector(IBlobRung.RungOtherSubmissions.selector, meant, current));
        held(watcher, 100 * FEE, "nothing was paid");
    }

    // ------------------------------------------------------------------------- fees for a search, and then no proposal

    function test_CheatsEarnASearchAndTakeTheProposalBackByABlob() public {
        searched(1024, 1, Way.Blob);
        searched(1025, 2, Way.Blob);
        searched(2050, 3, Way.Blob);
        searched(4097, 5, Way.Blob);
    }

    function test_CheatsEarnASearchAndTakeTheProposalBackBySilence() public {
        searched(1024, 1, Way.Silence);
        searched(1025, 2, Way.Silence);
        searched(2050, 3, Way.Silence);
        searched(4097, 5, Way.Silence);
    }

    /// @dev An honest client is asleep. It loses its stake, as its data are not shown; the cheat gains half of that, and no fee.
    function test_CheatEarnsASearchAndTakesTheProposalBackBySomebodyElsesSilence() public {
        searched(1024, 1, Way.OthersSilence);
        searched(2050, 3, Way.OthersSilence);
    }

    enum Way {
        Blob,
        Silence,
        OthersSilence
    }

    /// @dev Bond and stake are as low as may be. A wrong proposal whose tree is kept back; the watcher asks for a leaf of each
    /// subtree, then for all other leaves of one; each time the cheat answers at the last moment. Then a client is put out by
    /// the cheat's hand: its own, or one that is asleep.
    function searched(uint32 parameters_, uint96 asked, Way way) private {
        vm.warp(NOW);
        delete rows;
        delete order;
        IOptimisticRung.Terms memory t = gameTerms();
        (t.stake, t.bond) = (1, 1);
        prepare(config(parameters_), t, 3);
        for (uint256 i; i < 3; ++i) {
            submitRow(i);
        }
        fund(rung, cheat, 1 + FEE);
        Trees.Tree memory wrong = Trees.leaves(exactWithout(0));
        wrong.scores[wrong.width][0] += 1;
        wrong.grow();
        ok(cheat, abi.encodeCall(IRung.work, (1, wrong.payload(rung.basis(), wrong.scores[1]))));

        uint256 below = 1 << wrong.depth() / 2; // leaves of a subtree
        for (uint256 k; k < wrong.width; k += below) {
            demand(k);
        }
        if (way != Way.Blob) askCheat(cheat, 2);
        vm.warp(NOW + WINDOW - 1);
        for (uint256 k; k < wrong.width; k += below) {
            ok(cheat, answerCall(wrong, k));
        }
        // The first subtree is the wrong one, and its first leaf was shown.
        for (uint256 k = 1; k < below; ++k) {
            demand(k);
        }
        vm.warp(NOW + 2 * WINDOW - 2);
        for (uint256 k = 1; k < below; ++k) {
            ok(cheat, answerCall(wrong, k));
        }
        held(watcher, (100 - asked) * FEE, "so many fees are held");
        if (way == Way.Blob) putOut(2);
        else ok(cheat, abi.encodeCall(IBlobRung.expireData, (1, 2, 0)));
        assertPhase(IRung.Phase.Open);
        held(member(2), 0, "the stake is gone");
        for (uint256 k; k < wrong.width; ++k) {
            if (k < below || k % below == 0) ok(watcher, reclaimCall(1, k));
        }
        held(watcher, 100 * FEE, "the search cost nothing");
        held(cheat, 1 + FEE, "nothing was earned"); // half of a stake of one wei is none
        vm.assertEq(rung.burned(), 1, "the stake is burned");
    }

    // --------------------------------------------------------------------------------------------------- the basis

    /// @dev The same clients with the same data, a round later: a result of the last round is not one of this round.
    function test_BasisIsOfOneRound() public {
        start(PARAMETERS, 3, 1);
        sendHonestly(0);
        vm.assertEq(computedFrom, keccak256(abi.encode(rung.accumulator(), uint256(0))), "what the interface says");
        ok(proposer, sent);
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        openAndSubmit();
        Trees.Tree memory t = truth(0);
        sent = abi.encodeCall(IRung.work, (2, t.payload(computedFrom, t.scores[1])));
        sentIsRefused();
    }

    function assertBooksWithCheat(uint256 open) private view {
        uint256 owed =
            rung.burned() + open * FEE + rung.depositOf(proposer) + rung.depositOf(watcher) + rung.depositOf(cheat);
        for (uint256 i; i < n; ++i) {
            owed += rung.depositOf(member(i));
        }
        vm.assertEq(address(rung).balance, owed, "the contract holds what it owes");
    }
}

/// @notice Who takes part changes as long as submissions are open, and once more when the chain is reorganized.
contract LoggedRacesTest is RacesTest {
    using Trees for Trees.Tree;

    function blobs() internal pure override returns (bool) {
        return false;
    }

    /// @dev Sent so as to be in the first block after the time to submit; the submission is in the last one before.
    function test_LateClientTakesABond() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        sendHonestly(4);
        vm.warp(NOW + SUBMIT - 1);
        submitRow(2);
        vm.warp(NOW + SUBMIT);
        sentIsRefused();
        sendsAgain(0);
    }

    /// @dev Sent too early, which would cost nothing; the last submission lets it in.
    function test_LastClientTakesABondByClosingTheRound() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        sendHonestly(4);
        refused(proposer, sent, abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, NOW + SUBMIT));
        submitRow(2);
        sentIsRefused();
        sendsAgain(0);
    }

    /// @dev The chain loses the last submission; its client has signed another one, which gets in.
    function test_ClientSubmitsOtherDataAfterAReorganizationToTakeABond() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        uint256 fork = attackVm.snapshotState();
        submitRow(2);
        sendHonestly(0);
        (bytes memory kept, bytes32 from) = (sent, computedFrom);
        vm.assertTrue(attackVm.revertToState(fork), "reorganized");
        (sent, computedFrom) = (kept, from); // it is still on its way
        rows[2] = drawRow(99, rows[2].length);
        submitRow(2);
        sentIsRefused();
        sendsAgain(0);
    }

    /// @dev The same submissions in another order. The result is the same, but proofs name the order: the proposer looks
    /// again, and sends it again.
    function test_BlocksComeInAnotherOrderToTakeABond() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        uint256 fork = attackVm.snapshotState();
        submitRow(1);
        submitRow(2);
        sendHonestly(0);
        (bytes memory kept, bytes32 from) = (sent, computedFrom);
        vm.assertTrue(attackVm.revertToState(fork), "reorganized");
        (sent, computedFrom) = (kept, from);
        submitRow(2);
        submitRow(1);
        sentIsRefused();
        sendsAgain(0);
    }

    /// @dev The chain loses a whole submission, and nobody sends it again.
    function test_ClientIsGoneAfterAReorganizationToTakeABond() public {
        prepare(config(PARAMETERS), gameTerms(), 3);
        submitRow(0);
        submitRow(1);
        uint256 fork = attackVm.snapshotState();
        submitRow(2);
        sendHonestly(0);
        (bytes memory kept, bytes32 from) = (sent, computedFrom);
        vm.assertTrue(attackVm.revertToState(fork), "reorganized");
        (sent, computedFrom) = (kept, from);
        vm.warp(NOW + SUBMIT);
        sentIsRefused();
        sendsAgain(4);
    }
}
