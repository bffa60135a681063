// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "../../src/scaling/IDeposits.sol";
import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Exact } from "./Exact.sol";
import { Game } from "./Game.sol";
import { Trees } from "./Trees.sol";

/// @notice Each refusal at its bound, each payment to the wei, the same on rungs 3 and 4.
abstract contract DisputesTest is Game {
    using Trees for Trees.Tree;

    uint256 internal constant P = 2100; // three chunks, a tree of depth 2, one padding leaf

    // ----------------------------------------------------------------------------------------------------- deposits

    function test_DepositsAndWithdrawals() public {
        deployRung(40, 1);
        vm.deal(watcher, 7);
        vm.expectEmit(address(rung));
        emit IDeposits.Deposited(watcher, 7);
        vm.prank(watcher);
        rung.deposit{ value: 7 }();
        held(watcher, 7, "put down");
        refused(watcher, withdrawal(8), short(watcher, 7, 8));
        vm.expectEmit(address(rung));
        emit IDeposits.Withdrawn(watcher, 3);
        ok(watcher, withdrawal(3));
        held(watcher, 4, "left");
        vm.assertEq(watcher.balance, 3, "taken out");
        ok(watcher, withdrawal(4));
        refused(watcher, withdrawal(1), short(watcher, 0, 1));
        fund(rung, address(this), 5);
        refused(
            address(this),
            withdrawal(5),
            abi.encodeWithSelector(IDeposits.RungTransferFailed.selector, address(this), 5)
        );
        assertBooks(0);
    }

    function test_TermsAreKept() public {
        deployRung(40, 1);
        vm.assertEq(keccak256(abi.encode(rung.terms())), keccak256(abi.encode(gameTerms())), "terms");
    }

    function test_RevertWhen_TermsAreZero() public {
        string memory artifact = blobs() ? RUNG_4 : RUNG_3;
        IOptimisticRung.Terms memory t = gameTerms();
        t.windowSeconds = 0;
        assertRefused(artifact, optimistic(config(40), t, 1), "windowSeconds", 0);
        t = gameTerms();
        t.bond = 0;
        assertRefused(artifact, optimistic(config(40), t, 1), "bond", 0);
        t = gameTerms();
        uint32 shortest = blobs() ? 4 * WINDOW : 3 * WINDOW;
        IRung.Config memory c = config(40);
        c.workSeconds = shortest - 1;
        assertRefused(artifact, optimistic(c, gameTerms(), 1), "workSeconds", shortest - 1);
        c.workSeconds = shortest;
        assertTaken(artifact, optimistic(c, gameTerms(), 1));
        t = gameTerms();
        (t.windowSeconds, t.bond, t.fee, t.stake) = (1, 1, 1, blobs() ? 1 : 0);
        assertTaken(artifact, optimistic(config(40), t, 1));
        t.fee = 0;
        assertRefused(artifact, optimistic(config(40), t, 1), "fee", 0);
    }

    /// @dev The bond, no more and no less, while the proposal stands.
    function test_BondIsTied() public {
        start(uint32(P), 2, 1);
        ok(proposer, withdrawal(1));
        refused(proposer, workCall(2), short(proposer, ODD_BOND - 1, ODD_BOND));
        fund(rung, proposer, 6);
        propose(trueTree());
        vm.assertEq(rung.availableOf(proposer), 5, "free");
        refused(proposer, withdrawal(6), short(proposer, 5, 6));
        ok(proposer, withdrawal(5));
        vm.assertEq(rung.availableOf(proposer), 0, "all tied");
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        ok(proposer, withdrawal(ODD_BOND));
    }

    function test_BondPaysNoFee() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        fund(rung, proposer, FEE - 1);
        refused(proposer, demandCall(0), short(proposer, FEE - 1, FEE));
        fund(rung, proposer, 1);
        ok(proposer, demandCall(0));
        held(proposer, ODD_BOND, "the fee is taken");
        assertBooks(1);
    }

    function test_RevertWhen_ADepositIsShortOfAFee() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        fund(rung, passer, FEE - 1);
        refused(passer, demandCall(0), short(passer, FEE - 1, FEE));
        fund(rung, passer, 1);
        ok(passer, demandCall(0));
        held(passer, 0, "the fee is taken");
    }

    // ---------------------------------------------------------------------------------------------------- proposals

    function test_Proposal() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        vm.warp(NOW + 17);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Proposed(1, proposer, t.hashes[1], t.scores[1]);
        propose(t);
        assertPhase(IRung.Phase.Proposed);
        IOptimisticRung.Proposal memory p = rung.proposal();
        vm.assertEq(p.proposer, proposer, "proposer");
        vm.assertEq(p.deadline, NOW + 17 + WINDOW, "deadline");
        vm.assertEq(p.attempt, 1, "attempt");
        vm.assertEq(p.open, 0, "open");
        vm.assertEq(rung.currentRound().expiresAt, NOW + 17 + 2 * WINDOW, "demands are taken in two windows");
        vm.assertEq(rung.proposedDigest(), digestOf(t.hashes[1], t.scores[1]), "digest");
        refused(proposer, workCall(2), wrongPhase(IRung.Phase.Proposed, IRung.Phase.Open));
    }

    function test_RevertWhen_ScoresAreNotOneAClient() public {
        start(uint32(P), 2, 1);
        refused(proposer, workCall(1), wrongLength(1, 2));
        refused(proposer, workCall(3), wrongLength(3, 2));
        ok(proposer, workCall(2));
    }

    function test_Finalize() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        bytes memory call_ = abi.encodeCall(IOptimisticRung.finalize, (1));
        refused(passer, call_, wrongPhase(IRung.Phase.Open, IRung.Phase.Proposed));
        propose(t);
        refused(passer, abi.encodeCall(IOptimisticRung.finalize, (2)), wrongRound(2, 1));
        demand(1);
        demand(2);
        uint256 end = NOW + WINDOW;
        vm.warp(end - 1);
        refused(passer, call_, stillOpen(end - 1, end, 2));
        ok(passer, answerCall(t, 1));
        end = end - 1 + WINDOW;
        vm.warp(NOW + WINDOW - 1);
        ok(passer, answerCall(t, 2));
        vm.warp(end - 1);
        refused(passer, call_, stillOpen(end - 1, end, 0));
        held(proposer, ODD_BOND, "not paid yet");
        assertBooks(2);
        vm.warp(end);
        vm.expectEmit(address(rung));
        emit IRung.Finished(1, digestOf(t.hashes[1], t.scores[1]), new int256[](0));
        ok(passer, call_);
        assertPhase(IRung.Phase.Idle);
        vm.assertEq(rung.resultDigest(), digestOf(t.hashes[1], t.scores[1]), "result");
        held(proposer, ODD_BOND + 2 * FEE, "the fees are the proposer's");
        held(watcher, 98 * FEE, "who asked has paid");
        assertBooks(0);
        refused(watcher, reclaimCall(1, 1), earned(1));
        refused(watcher, reclaimCall(1, 2), earned(2));
        refused(watcher, reclaimCall(1, 0), noDemand(0));
        refused(passer, call_, wrongPhase(IRung.Phase.Idle, IRung.Phase.Proposed));
    }

    /// @dev Overdue and not expired: it can be neither answered nor finalized.
    function test_RevertWhen_FinalizedOverAnOpenDemand() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        demand(0);
        uint256 late = NOW + 9 * WINDOW;
        vm.warp(late);
        refused(passer, abi.encodeCall(IOptimisticRung.finalize, (1)), stillOpen(late, NOW + WINDOW, 1));
        ok(passer, expireCall(0));
    }

    // ------------------------------------------------------------------------------------------------------ demands

    function test_Demand() public {
        start(uint32(P), 2, 1);
        refused(watcher, demandCall(0), wrongPhase(IRung.Phase.Open, IRung.Phase.Proposed));
        propose(trueTree());
        bytes32 proposed = rung.proposedDigest();
        bytes32 other = bytes32(uint256(proposed) ^ 1);
        refused(watcher, abi.encodeCall(IOptimisticRung.demand, (2, proposed, 0)), wrongRound(2, 1));
        refused(
            watcher,
            abi.encodeCall(IOptimisticRung.demand, (1, other, 0)),
            abi.encodeWithSelector(IOptimisticRung.RungOtherProposal.selector, other, proposed)
        );
        refused(watcher, demandCall(4), noChunk(4, 4));
        vm.warp(NOW + 5);
        bytes memory padding = demandCall(3);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Demanded(1, 3, watcher, NOW + 5 + WINDOW);
        ok(watcher, padding);
        refused(passer, demandCall(3), abi.encodeWithSelector(IOptimisticRung.RungDemandExists.selector, 3));
        vm.assertEq(rung.proposal().open, 1, "open");
        vm.assertEq(rung.proposal().deadline, NOW + WINDOW, "a demand does not extend");
        held(watcher, 99 * FEE, "a fee");
        held(proposer, ODD_BOND, "which is not the proposer's yet");
        assertBooks(1);
    }

    function test_DemandsEndWithTheWindow() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        vm.warp(NOW + WINDOW - 1);
        demand(0);
        vm.warp(NOW + WINDOW);
        refused(watcher, demandCall(1), closed(NOW + WINDOW, NOW + WINDOW));
    }

    /// @dev From the deadline until an answer comes none is taken; an answer leaves what is left of the second window.
    function test_NoDemandBetweenTheDeadlineAndAnAnswer() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        vm.warp(NOW + WINDOW - 1);
        demand(0);
        vm.warp(NOW + WINDOW);
        refused(watcher, demandCall(1), closed(NOW + WINDOW, NOW + WINDOW));
        vm.warp(NOW + 2 * WINDOW - 2);
        refused(watcher, demandCall(1), closed(NOW + 2 * WINDOW - 2, NOW + WINDOW));
        ok(proposer, answerCall(t, 0)); // as late as it may
        demand(1);
        vm.warp(NOW + 2 * WINDOW);
        refused(watcher, demandCall(2), closed(NOW + 2 * WINDOW, NOW + 2 * WINDOW));
        vm.warp(NOW + 3 * WINDOW - 3);
        ok(proposer, answerCall(t, 1)); // as late as it may
        refused(watcher, demandCall(2), closed(NOW + 3 * WINDOW - 3, NOW + 2 * WINDOW));
        vm.assertEq(rung.proposal().deadline, NOW + 4 * WINDOW - 3, "final before four windows");
    }

    function test_DemandsEndAfterTwoWindows() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        demand(0);
        vm.warp(NOW + WINDOW - 1);
        ok(proposer, answerCall(t, 0)); // until 2W − 1
        demand(1);
        vm.warp(NOW + 2 * WINDOW - 2);
        ok(proposer, answerCall(t, 1)); // until 3W − 2
        vm.warp(NOW + 2 * WINDOW - 1);
        demand(2);
        vm.warp(NOW + 2 * WINDOW);
        refused(watcher, demandCall(3), closed(NOW + 2 * WINDOW, NOW + 2 * WINDOW));
    }

    function test_Answer() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        refused(proposer, answerCall(t, 1), noDemand(1));
        demand(1);
        demand(3);
        vm.warp(NOW + WINDOW - 1);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Answered(1, 1, t.leaf(1), t.path(1));
        ok(passer, answerCall(t, 1));
        vm.assertEq(rung.proposal().open, 1, "one is left");
        vm.assertEq(rung.proposal().deadline, NOW + 2 * WINDOW - 1, "a window to look at it");
        held(proposer, ODD_BOND, "nothing before it is final");
        held(passer, 0, "nothing for who answers");
        refused(proposer, answerCall(t, 1), noDemand(1));
        refused(watcher, reclaimCall(1, 1), live(1));
        vm.warp(NOW + WINDOW);
        refused(
            proposer,
            answerCall(t, 3),
            abi.encodeWithSelector(IOptimisticRung.RungAnswerLate.selector, NOW + WINDOW, NOW + WINDOW)
        );
        refused(passer, expireCall(1), noDemand(1)); // it was answered
        assertBooks(2);
    }

    function test_RevertWhen_AnAnswerIsNotTheTree() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        demand(0);
        Trees.Tree memory other = wrongLeaf(0, 1, 1);
        bytes32 proposed = rung.proposedDigest();
        bytes memory reason = badPath(digestOf(other.hashes[1], other.scores[1]), proposed);
        refused(proposer, answerCall(other, 0), reason);
        vm.assertEq(rung.proposal().open, 1, "still asked");
        vm.assertEq(rung.proposal().deadline, NOW + WINDOW, "not extended");
        ok(proposer, answerCall(t, 0));
    }

    /// @dev All have seen the answer.
    function test_RevertWhen_AskedAgainAfterAnAnswer() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        demand(0);
        ok(proposer, answerCall(t, 0));
        refused(watcher, demandCall(0), abi.encodeWithSelector(IOptimisticRung.RungDemandExists.selector, 0));
        vm.assertEq(rung.proposal().open, 0, "open");
        held(watcher, 99 * FEE, "one fee");
        assertBooks(1);
    }

    function test_Expire() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        demand(2);
        refused(passer, expireCall(1), noDemand(1));
        vm.warp(NOW + WINDOW - 1);
        refused(
            passer,
            expireCall(2),
            abi.encodeWithSelector(IOptimisticRung.RungAnswerDue.selector, NOW + WINDOW - 1, NOW + WINDOW)
        );
        vm.warp(NOW + WINDOW);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Rejected(1, proposer, watcher, 2);
        ok(passer, expireCall(2));
        assertRejected(watcher, 100 * FEE);
        held(passer, 0, "nothing for who says so");
        assertBooks(0);
        refused(passer, expireCall(2), wrongPhase(IRung.Phase.Open, IRung.Phase.Proposed));
    }

    function test_ReclaimOnceOnly() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        demand(0);
        demand(1);
        refused(watcher, reclaimCall(1, 0), live(0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireCall(0));
        held(watcher, 99 * FEE + ODD_BOND / 2, "one fee is still in there");
        assertBooks(1);
        ok(passer, reclaimCall(1, 1));
        assertRejected(watcher, 100 * FEE);
        held(passer, 0, "to who paid it");
        refused(watcher, reclaimCall(1, 1), noDemand(1));
        refused(watcher, reclaimCall(1, 0), noDemand(0));
        assertBooks(0);
    }

    /// @dev One demand was answered, one is overdue, one is neither.
    function test_ReclaimOfARejectedProposal() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        fund(rung, passer, 2 * FEE);
        demand(0);
        vm.warp(NOW + 5);
        ok(passer, demandCall(1));
        ok(passer, demandCall(2));
        ok(proposer, answerCall(t, 1));
        vm.warp(NOW + WINDOW);
        ok(passer, expireCall(0));
        assertRejected(watcher, 100 * FEE);
        assertBooks(2);
        refused(passer, reclaimCall(2, 1), noDemand(1));
        ok(watcher, reclaimCall(1, 1));
        ok(watcher, reclaimCall(1, 2));
        held(passer, 2 * FEE, "both fees, to who paid them");
        refused(passer, reclaimCall(1, 1), noDemand(1));
        held(proposer, 0, "nothing for the answer");
        assertBooks(0);
    }

    /// @dev The same result is proposed twice: what the first proposal answered is not the second one's.
    function test_EachProposalIsPaidForItsOwnAnswers() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        demand(0);
        demand(1);
        ok(proposer, answerCall(t, 0));
        vm.warp(NOW + WINDOW);
        ok(passer, expireCall(1));
        fund(rung, passer, ODD_BOND);
        bytes memory again = abi.encodeCall(IRung.work, (1, t.payload(rung.basis(), t.scores[1])));
        ok(passer, again);
        demand(0);
        demand(2);
        ok(passer, answerCall(t, 0));
        ok(passer, answerCall(t, 2));
        vm.warp(NOW + 2 * WINDOW);
        rung.finalize(1);
        held(passer, ODD_BOND + 2 * FEE, "two answers");
        held(proposer, 0, "nothing");
        refused(watcher, reclaimCall(2, 0), earned(0));
        ok(watcher, reclaimCall(1, 0));
        held(watcher, 98 * FEE + ODD_BOND / 2, "two fees are the passer-by's");
        assertBooks(0);
    }

    /// @dev The next proposal has the same chunks; a demand is of one attempt.
    function test_ReclaimWhileTheNextProposalStands() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        demand(0);
        demand(1);
        vm.warp(NOW + WINDOW);
        ok(passer, expireCall(0));
        fund(rung, proposer, ODD_BOND);
        propose(trueTree());
        vm.assertEq(rung.proposal().attempt, 2, "attempt");
        vm.assertEq(rung.proposal().open, 0, "what was asked before is not asked now");
        refused(passer, answerCall(trueTree(), 1), noDemand(1));
        demand(1);
        refused(watcher, reclaimCall(2, 1), live(1));
        ok(watcher, reclaimCall(1, 1));
        refused(watcher, reclaimCall(1, 1), noDemand(1));
        held(watcher, 99 * FEE + ODD_BOND / 2, "the new demand still holds its fee");
        assertBooks(1);
    }

    function test_ReclaimInTheNextRound() public {
        start(uint32(P), 2, 1);
        propose(trueTree());
        demand(0);
        demand(1);
        vm.warp(NOW + WINDOW);
        ok(passer, expireCall(0));
        vm.warp(NOW + WINDOW + WORK);
        openAndSubmit();
        fund(rung, proposer, ODD_BOND);
        propose(trueTree());
        refused(watcher, abi.encodeCall(IOptimisticRung.reclaim, (2, 2, 1)), live(1));
        ok(watcher, reclaimCall(1, 1));
        assertBooks(0);
    }

    /// @dev A watcher that knows nothing of a tree of depth 3, and a proposer that answers in the last second.
    function test_SearchInTwoStages() public {
        start(5000, 2, 1);
        uint256 wrong = 3;
        Trees.Tree memory truth = trueTree();
        Trees.Tree memory t = wrongLeaf(wrong, 0, 9);
        propose(t);
        vm.warp(NOW + WINDOW - 1);
        for (uint256 s; s < 4; ++s) {
            demand(2 * s); // subtrees of height 1
        }
        vm.warp(NOW + 2 * WINDOW - 2);
        for (uint256 s; s < 4; ++s) {
            ok(proposer, answerCall(t, 2 * s));
        }
        vm.assertTrue(t.digest(4 + wrong / 2) != truth.digest(4 + wrong / 2), "seen from the answers");
        demand(wrong); // the other one was shown
        vm.warp(NOW + 3 * WINDOW - 3);
        ok(proposer, answerCall(t, wrong));
        vm.warp(NOW + 4 * WINDOW - 4);
        refused(
            passer,
            abi.encodeCall(IOptimisticRung.finalize, (1)),
            stillOpen(NOW + 4 * WINDOW - 4, NOW + 4 * WINDOW - 3, 0)
        );
        ok(watcher, chunkCall(t, wrong));
        held(watcher, 95 * FEE + ODD_BOND / 2, "five fees, and half of the bond");
        held(proposer, 0, "nothing");
        for (uint256 s; s < 4; ++s) {
            ok(passer, reclaimCall(1, 2 * s));
        }
        ok(passer, reclaimCall(1, wrong));
        held(watcher, 100 * FEE + ODD_BOND / 2, "the search cost nothing");
        assertBooks(0);
    }

    // ------------------------------------------------------------------------------------------------------- proofs

    function test_WrongLeafFalls() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = wrongLeaf(2, 2, -1);
        propose(t);
        refused(watcher, chunkCall(t, 0), noFraud(0));
        refused(watcher, chunkCall(t, 1), noFraud(1));
        vm.warp(NOW + WINDOW - 1);
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Rejected(1, proposer, passer, 2);
        ok(passer, chunkCall(t, 2));
        assertRejected(passer, 0);
        assertBooks(0);
        refused(passer, chunkCall(t, 2), wrongPhase(IRung.Phase.Open, IRung.Phase.Proposed));
    }

    function test_WrongSumsFall() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = Trees.leaves(exactWithout(0));
        t.hashes[t.width + 1] = bytes32(uint256(t.hashes[t.width + 1]) ^ 1);
        t.grow();
        propose(t);
        ok(passer, chunkCall(t, 1));
        assertRejected(passer, 0);
    }

    /// @dev The leaf after the last chunk: nothing is needed to show that it should be zero.
    function test_WrongPaddingFalls() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = wrongLeaf(3, 0, 1);
        propose(t);
        IOptimisticRung.Evidence memory none;
        refused(passer, chunkCall(t, 2), noFraud(2));
        ok(passer, chunkCall(t, 3, none));
        assertRejected(passer, 0);
    }

    function test_RightPaddingStands() public {
        start(uint32(P), 3, 1);
        propose(trueTree());
        IOptimisticRung.Evidence memory none;
        refused(passer, chunkCall(trueTree(), 3, none), noFraud(3));
        refused(passer, chunkCall(trueTree(), 2, none), noSubmissions());
    }

    /// @dev It may still be shown after the deadline, as long as nobody finalized.
    function test_ProofCountsUntilItIsFinal() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = wrongLeaf(0, 0, 1);
        propose(t);
        vm.warp(NOW + 5 * WINDOW);
        ok(passer, chunkCall(t, 0));
        assertRejected(passer, 0);
    }

    /// @dev Who catches itself has half of its bond back; the other half is gone.
    function test_ProposerCatchesItself() public {
        start(uint32(P), 2, 1);
        Trees.Tree memory t = wrongLeaf(0, 0, 1);
        propose(t);
        ok(proposer, chunkCall(t, 0));
        held(proposer, ODD_BOND / 2, "half");
        vm.assertEq(rung.burned(), ODD_BOND - ODD_BOND / 2, "half");
    }

    function test_WrongTotalFalls() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = trueTree();
        int256[] memory wrong = plus(t.scores[1], 1, 1);
        proposeScores(t, wrong);
        bytes32 proposed = rung.proposedDigest();
        refused(watcher, chunkCall(t, 0), badPath(digestOf(t.hashes[1], t.scores[1]), proposed));
        refused(watcher, totalCall(t, 0, t.scores[1]), badPath(digestOf(t.hashes[1], t.scores[1]), proposed));
        vm.expectEmit(address(rung));
        emit IOptimisticRung.Rejected(1, proposer, passer, 3);
        ok(passer, totalCall(t, 3, wrong));
        assertRejected(passer, 0);
        refused(passer, totalCall(t, 3, wrong), wrongPhase(IRung.Phase.Open, IRung.Phase.Proposed));
        assertBooks(0);
    }

    function test_RightTotalStands() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        for (uint256 k; k < 4; ++k) {
            refused(watcher, totalCall(t, k, t.scores[1]), noFraud(k));
        }
        refused(
            watcher,
            abi.encodeCall(IOptimisticRung.proveTotal, (2, 0, t.leaf(0), t.path(0), t.scores[1])),
            wrongRound(2, 1)
        );
        refused(
            watcher,
            abi.encodeCall(IOptimisticRung.proveChunk, (2, 0, t.leaf(0), t.path(0), evidence(0, 0))),
            wrongRound(2, 1)
        );
    }

    /// @dev P = 1,024 is a leaf; P = 1,025 is a tree.
    function test_ATreeBeginsWithTheSecondChunk() public {
        start(1024, 1, 1);
        Trees.Tree memory t = trueTree();
        int256[] memory wrong = plus(t.scores[1], 0, 1);
        proposeScores(t, wrong);
        refused(watcher, totalCall(t, 0, wrong), abi.encodeWithSelector(IOptimisticRung.RungNoTree.selector, 1024));
        t.scores[1] = wrong; // the leaf's scores are the proposed ones
        ok(passer, chunkCall(t, 0));
        assertRejected(passer, 0);
    }

    function test_ATreeOfTwoLeaves() public {
        start(1025, 1, 1);
        Trees.Tree memory t = trueTree();
        int256[] memory wrong = plus(t.scores[1], 0, 1);
        proposeScores(t, wrong);
        refused(passer, demandCall(2), noChunk(2, 2));
        ok(passer, totalCall(t, 1, wrong));
        assertRejected(passer, 0);
    }

    function test_DemandsOfASingleLeaf() public {
        start(1024, 1, 1);
        propose(trueTree());
        refused(watcher, demandCall(1), noChunk(1, 1));
        demand(0);
        ok(proposer, answerCall(trueTree(), 0));
    }

    // ---------------------------------------------------------------------------------------------- paths, evidence

    int256[] private wrongTotal;

    function test_RevertWhen_APathHasAnotherShape() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = wrongLeaf(0, 0, 1);
        propose(t);
        demand(0);
        wrongTotal = t.scores[1];
        IOptimisticRung.Leaf memory leaf = t.leaf(0);
        IOptimisticRung.Path memory path = t.path(0);
        assertShape(0, leaf, path, "");
        path.hashes = new bytes32[](1);
        assertShape(0, leaf, path, wrongLength(1, 2));
        path.hashes = new bytes32[](3);
        assertShape(0, leaf, path, wrongLength(3, 2));
        path = t.path(0);
        path.scores = new int256[](5);
        assertShape(0, leaf, path, wrongLength(5, 6));
        path.scores = new int256[](7);
        assertShape(0, leaf, path, wrongLength(7, 6));
        path = t.path(0);
        leaf.scores = new int256[](2);
        assertShape(0, leaf, path, wrongLength(2, 3));
        leaf.scores = new int256[](4);
        assertShape(0, leaf, path, wrongLength(4, 3));
        bytes32 proposed = rung.proposedDigest();
        leaf = t.leaf(0);
        IOptimisticRung.Evidence memory e;
        refused(watcher, abi.encodeCall(IOptimisticRung.proveChunk, (1, 4, leaf, path, e)), noChunk(4, 4));
        refused(watcher, abi.encodeCall(IOptimisticRung.proveTotal, (1, 4, leaf, path, t.scores[1])), noChunk(4, 4));
        vm.assertEq(rung.proposedDigest(), proposed, "stands");
    }

    /// @dev In all three calls that take a path. With no reason: the path is right, and the proof of the total says so.
    function assertShape(
        uint256 chunk,
        IOptimisticRung.Leaf memory leaf,
        IOptimisticRung.Path memory path,
        bytes memory reason
    ) private {
        IOptimisticRung.Evidence memory e;
        bool right = reason.length == 0;
        refused(
            watcher,
            abi.encodeCall(IOptimisticRung.proveTotal, (1, chunk, leaf, path, wrongTotal)),
            right ? noFraud(chunk) : reason
        );
        refused(
            watcher,
            abi.encodeCall(IOptimisticRung.proveChunk, (1, chunk, leaf, path, e)),
            right ? noSubmissions() : reason
        );
        if (!right) refused(proposer, abi.encodeCall(IOptimisticRung.answer, (1, chunk, leaf, path)), reason);
    }

    function test_RevertWhen_EvidenceIsNotTheRounds() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = wrongLeaf(1, 0, 1);
        propose(t);
        IOptimisticRung.Evidence memory e = evidence(1, 0);
        e.data = Exact.slice(e.data, 0, 3 * 1024 - 1);
        refused(watcher, chunkCall(t, 1, e), wrongLength(3 * 1024 - 1, 3 * 1024));
        e.data = abi.encodePacked(e.data, bytes2(0));
        refused(watcher, chunkCall(t, 1, e), wrongLength(3 * 1024 + 1, 3 * 1024));
        e = evidence(1, 0);
        (e.submissions[0], e.submissions[1]) = (e.submissions[1], e.submissions[0]);
        refused(watcher, chunkCall(t, 1, e), badSubmissions(e.submissions));
        e = evidence(1, 0);
        e.submissions[2].parts[0] = bytes32(uint256(e.submissions[2].parts[0]) ^ 1);
        refused(watcher, chunkCall(t, 1, e), badSubmissions(e.submissions));
        e = evidence(1, 0);
        e.submissions[2].client = 0;
        refused(watcher, chunkCall(t, 1, e), badSubmissions(e.submissions));
        e = evidence(1, 0);
        e.submissions[1].blobs = new bytes32[](2);
        refused(watcher, chunkCall(t, 1, e), wrongLength(2, 1));
        e.submissions[1].blobs = new bytes32[](0);
        refused(watcher, chunkCall(t, 1, e), wrongLength(0, 1));
        e.submissions = new IOptimisticRung.Submission[](0);
        refused(watcher, chunkCall(t, 1, e), noSubmissions());
        ok(watcher, chunkCall(t, 1));
    }

    function test_RevertWhen_DataAreNotTheClients() public {
        start(uint32(P), 3, 1);
        Trees.Tree memory t = trueTree();
        propose(t);
        IOptimisticRung.Evidence memory e = evidence(1, 0);
        e.data[1024 + 17] ^= 0x01; // the second row: client 0
        bytes32 root = Exact.partRoot(rows[0]);
        bytes memory row = Exact.slice(rows[0], 0, rows[0].length);
        row[1024 + 17] ^= 0x01;
        refused(watcher, chunkCall(t, 1, e), badProof(0, Exact.partRoot(row), root));
        e = evidence(1, 0);
        e.proofs[3] = bytes32(uint256(e.proofs[3]) ^ 1);
        bytes32 side = keccak256(abi.encode(e.proofs[2], keccak256(Exact.slice(rows[0], 1024, 1024))));
        refused(watcher, chunkCall(t, 1, e), badProof(0, keccak256(abi.encode(side, e.proofs[3])), root));
        refused(watcher, chunkCall(t, 1), noFraud(1));
    }

    // ------------------------------------------------------------------------------------------- calls and refusals

    /// @dev A tree whose leaf k says `change` more of client i than is true, with a total that adds up.
    function wrongLeaf(uint256 k, uint256 i, int256 change) internal view returns (Trees.Tree memory t) {
        t = Trees.leaves(exactWithout(0));
        t.scores[t.width + k] = plus(t.scores[t.width + k], i, change);
        t.grow();
    }

    function withdrawal(uint256 amount) internal pure returns (bytes memory) {
        return abi.encodeCall(IDeposits.withdraw, (amount));
    }

    function workCall(uint256 scores) internal view returns (bytes memory) {
        return abi.encodeCall(IRung.work, (1, abi.encode(rung.basis(), bytes32(uint256(1)), new int256[](scores))));
    }

    function expireCall(uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeCall(IOptimisticRung.expire, (1, chunk));
    }

    function short(address who, uint256 available, uint256 needed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDeposits.RungShortDeposit.selector, who, available, needed);
    }

    function wrongPhase(IRung.Phase actual, IRung.Phase required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRung.RungWrongPhase.selector, actual, required);
    }

    function wrongRound(uint256 given, uint256 current) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRung.RungWrongRound.selector, given, current);
    }

    function wrongLength(uint256 actual, uint256 required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRung.RungWrongLength.selector, actual, required);
    }

    function noChunk(uint256 chunk, uint256 end) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungNoChunk.selector, chunk, end);
    }

    function noDemand(uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungNoDemand.selector, chunk);
    }

    function live(uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungDemandLive.selector, chunk);
    }

    function earned(uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungFeeEarned.selector, chunk);
    }

    function noFraud(uint256 chunk) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungNoFraud.selector, chunk);
    }

    function closed(uint256 time, uint256 end) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungDemandsClosed.selector, time, end);
    }

    function stillOpen(uint256 time, uint256 deadline, uint256 open) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungChallengeOpen.selector, time, deadline, open);
    }

    function badPath(bytes32 opened, bytes32 proposed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungBadPath.selector, opened, proposed);
    }

    function badProof(uint256 client, bytes32 opened, bytes32 root) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticRung.RungBadProof.selector, client, opened, root);
    }

    function noSubmissions() internal view returns (bytes memory) {
        return badSubmissions(new IOptimisticRung.Submission[](0));
    }

    function badSubmissions(IOptimisticRung.Submission[] memory list) internal view returns (bytes memory) {
        bytes32 a = bytes32(uint256(rung.currentRound().number));
        for (uint256 i; i < list.length; ++i) {
            bytes32 c;
            for (uint256 p; p < list[i].parts.length; ++p) {
                c = keccak256(abi.encode(c, list[i].parts[p], list[i].blobs[p]));
            }
            a = keccak256(abi.encode(a, list[i].client, c));
        }
        return abi.encodeWithSelector(IOptimisticRung.RungBadSubmissions.selector, a, rung.accumulator());
    }
}

contract LoggedDisputesTest is DisputesTest {
    using Trees for Trees.Tree;

    function blobs() internal pure override returns (bool) {
        return false;
    }

    // ----------------------------------------------------------------------------------------- submissions by parts

    function part(uint256 length, bytes memory reason) private {
        bytes memory call_ = abi.encodeCall(IRung.submit, (rung.currentRound().number, new bytes(length)));
        if (reason.length == 0) ok(member(0), call_);
        else refused(member(0), call_, reason);
    }

    function test_RevertWhen_ARowIsNotWhole() public {
        deployRung(1025, 1);
        rung.openRound();
        part(1055, wrongLength(1055, 1056));
        part(1057, wrongLength(1057, 1056));
        part(1024, wrongLength(1024, 1056));
        part(1056, "");
        vm.assertEq(rung.currentRound().submitted, 1, "complete");
    }

    /// @dev 120 chunks, then one value; a part left over from the round before does not count.
    function test_PartsOfARound() public {
        deployRung(122_881, 1);
        rung.openRound();
        part(122_880 + 32, wrongLength(122_880 + 32, 122_880));
        part(122_880, "");
        vm.assertEq(rung.currentRound().submitted, 0, "half of it");
        vm.warp(NOW + SUBMIT);
        rung.openRound();
        part(32, wrongLength(32, 122_880));
        part(122_880, "");
        part(122_880, wrongLength(122_880, 32));
        part(32, "");
        vm.assertEq(rung.currentRound().submitted, 1, "complete");
        part(32, abi.encodeWithSelector(IRung.RungAlreadySubmitted.selector, 0));
        bytes32 c = keccak256(abi.encode(bytes32(0), Exact.partRoot(new bytes(122_880)), bytes32(0)));
        bytes32 root = keccak256(new bytes(32)); // a part's tree has 128 leaves, whatever it holds
        bytes32 zero;
        for (uint256 level; level < 7; ++level) {
            root = keccak256(abi.encode(root, zero));
            zero = keccak256(abi.encode(zero, zero));
        }
        c = keccak256(abi.encode(c, root, bytes32(0)));
        vm.assertEq(rung.accumulator(), keccak256(abi.encode(uint256(2), 0, c)), "accumulator");
    }

    // ---------------------------------------------------------------------------------------------- the second part

    /// @dev Chunk 120 is the first of part 1: its place, its root and its siblings are that part's.
    function test_FirstChunkOfTheSecondPart() public {
        deployRung(122_881, 1);
        fund(rung, proposer, ODD_BOND);
        rung.openRound();
        vm.assertEq(rung.accumulator(), bytes32(uint256(1)), "the round's number until a submission is complete");
        bytes memory last = new bytes(32);
        last[0] = 0x93; // 19, of weight 1
        part(122_880, "");
        ok(member(0), abi.encodeCall(IRung.submit, (1, last)));
        (Trees.Tree memory t, IOptimisticRung.Evidence memory e) = twoParts(last);
        propose(t);
        refused(watcher, chunkCall(t, 120, e), noFraud(120));
        demandAndExpire();
        t.scores[t.width + 120][0] += 1;
        t.grow();
        fund(rung, proposer, ODD_BOND);
        propose(t);
        ok(passer, chunkCall(t, 120, e));
        held(passer, ODD_BOND / 2, "half of the bond");
    }

    function demandAndExpire() private {
        fund(rung, watcher, FEE);
        demand(120);
        vm.warp(NOW + WINDOW);
        ok(watcher, expireCall(120));
    }

    /// @dev Only leaf 120 is true: nothing is asked about the others.
    function twoParts(bytes memory last) private pure returns (Trees.Tree memory t, IOptimisticRung.Evidence memory e) {
        Exact.Result memory r;
        (r.sums, r.total) = (new int256[](1), 1);
        r.sums[0] = 19;
        (t.width, t.hashes, t.scores) = (128, new bytes32[](256), new int256[][](256));
        for (uint256 k; k < 128; ++k) {
            t.scores[128 + k] = new int256[](1);
        }
        (t.hashes[128 + 120], t.scores[128 + 120][0]) = (Exact.chunkHash(r, 0), 361);
        t.grow();
        e.data = last;
        e.proofs = new bytes32[](7);
        for (uint256 level = 1; level < 7; ++level) {
            e.proofs[level] = keccak256(abi.encode(e.proofs[level - 1], e.proofs[level - 1]));
        }
        e.submissions = new IOptimisticRung.Submission[](1);
        (e.submissions[0].parts, e.submissions[0].blobs) = (new bytes32[](2), new bytes32[](2));
        e.submissions[0].parts[0] = Exact.partRoot(new bytes(122_880));
        e.submissions[0].parts[1] = keccak256(last);
        for (uint256 level; level < 7; ++level) {
            e.submissions[0].parts[1] = keccak256(abi.encode(e.submissions[0].parts[1], e.proofs[level]));
        }
    }
}
