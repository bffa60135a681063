// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { BlobAttack } from "./Attack.sol";

/// @notice Clients that do not show their data, and what they leave behind.
/// forge-config: default.isolate = false
contract EscapesTest is BlobAttack {
    uint256 private constant CLOSED = NOW + SUBMIT; // the third client does not come: nobody is asked before

    function startClosed() private {
        start(SUBMIT);
        vm.warp(CLOSED);
    }

    /// @dev The round could be void before the answer is due, and with it the stake free.
    function test_ClientLetsTheRoundExpireToKeepItsStake() public {
        start(SUBMIT);
        uint256 expiresAt = NOW + SUBMIT + WORK;
        uint256 end = expiresAt - 2 * WINDOW;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungDemandsClosed.selector, end, end));
        demandData(0, 0);
        vm.warp(end - 1);
        demandData(0, 0);
        vm.warp(end - 1 + WINDOW); // a window is left in which to say that it is overdue
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotExpired.selector, end - 1 + WINDOW, expiresAt));
        rung.openRound();
        rung.expireData(1, 0, 0);
        vm.assertEq(rung.depositOf(member(0)), 0, "the stake is gone");
        assertSolvent(rung, everybody(), 0);
    }

    /// @dev On rung 4 a search of a blob has to fit as well, see Searches.t.sol.
    function test_RoundIsOverBeforeADisputeCanBe() public {
        IRung.Config memory c = config(PARAMETERS);
        c.workSeconds = 3 * WINDOW - 1;
        assertRefused(RUNG_3, optimistic(c, terms(), 2), "workSeconds", 3 * WINDOW - 1);
        c.workSeconds = 3 * WINDOW;
        assertTaken(RUNG_3, optimistic(c, terms(), 2));
        c.workSeconds = 4 * WINDOW - 1;
        assertRefused(RUNG_4, optimistic(c, terms(), 2), "workSeconds", 4 * WINDOW - 1);
        c.workSeconds = 4 * WINDOW;
        assertTaken(RUNG_4, optimistic(c, terms(), 2));
    }

    function test_ClientShowsItsDataWhenItLikes() public {
        startClosed();
        demandData(0, 0);
        uint256 due = CLOSED + WINDOW;
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungAnswerLate.selector, due, due));
        answerData(0);
        rung.expireData(1, 0, 0);
        vm.assertEq(rung.excluded(), 1, "out");
    }

    /// @dev While a proposal stands, data are asked for as long as leaves are, and answers move its end no further.
    function test_StrangerDelaysAProposalByAskingForData() public {
        start(SUBMIT);
        vm.warp(NOW + SUBMIT);
        propose();
        uint256 t = NOW + SUBMIT;
        vm.warp(t + WINDOW - 1);
        demandData(0, 0);
        vm.warp(t + 2 * WINDOW - 2);
        answerData(0);
        vm.warp(t + 2 * WINDOW - 1);
        demandData(0, 1);
        vm.warp(t + 2 * WINDOW);
        vm.expectRevert(
            abi.encodeWithSelector(IOptimisticRung.RungDemandsClosed.selector, t + 2 * WINDOW, t + 2 * WINDOW)
        );
        demandData(1, 0);
        vm.warp(t + 3 * WINDOW - 2);
        answerData(1);
        vm.warp(t + 4 * WINDOW);
        rung.finalize(1);
        assertSolvent(rung, everybody(), 2);
        rung.settleData(1, 0, 0);
        rung.settleData(1, 0, 1);
        assertSolvent(rung, everybody(), 0);
    }

    /// @dev A client is put out on the first day; submissions stay open for nine more. Not by silence: nobody is asked yet.
    /// By what its blob holds.
    function test_CheatHasARoundGivenUpWhileOthersSubmit() public {
        start(10 days);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, NOW + 10 days));
        demandData(0, 0);
        vm.warp(NOW + WINDOW);
        showOtherBlob(rung, watcher, submissions(), 0, rows[0], 0);
        vm.assertEq(rung.excluded(), 1, "out");
        vm.assertEq(rung.currentRound().expiresAt, NOW + 10 days + WORK, "as much time as at first, after the last");
        vm.warp(NOW + WINDOW + WORK);
        vm.expectRevert(
            abi.encodeWithSelector(IRung.RungNotExpired.selector, NOW + WINDOW + WORK, NOW + 10 days + WORK)
        );
        rung.openRound();
    }

    /// @dev Asked twice, out after the first: the second question waits for nobody.
    function test_ClientThatIsOutHoldsTheRoundUp() public {
        startClosed();
        demandData(0, 0);
        demandData(0, 1);
        demandData(0, 2);
        vm.warp(CLOSED + WINDOW);
        rung.expireData(1, 0, 0);
        propose();
        vm.prank(watcher);
        rung.settleData(1, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungNoDemand.selector, 1));
        rung.settleData(1, 0, 1);
        vm.warp(CLOSED + 2 * WINDOW);
        rung.finalize(1); // the third one's fee is still in there
        assertSolvent(rung, everybody(), 1);
        rung.settleData(1, 0, 2);
        assertSolvent(rung, everybody(), 0);
        vm.assertEq(rung.depositOf(watcher), 100 * FEE + STAKE / 2, "all fees, and half of the stake");
    }

    /// @dev What the others are asked still counts.
    function test_ClientThatIsOutTakesOthersQuestionsWithIt() public {
        startClosed();
        demandData(0, 0);
        demandData(0, 1);
        vm.warp(CLOSED + WINDOW - 1);
        demandData(1, 0);
        vm.warp(CLOSED + WINDOW);
        rung.expireData(1, 0, 0);
        propose();
        vm.expectRevert(
            abi.encodeWithSelector(
                IOptimisticRung.RungChallengeOpen.selector, CLOSED + 3 * WINDOW, CLOSED + 2 * WINDOW, 1
            )
        );
        finalizeAt(CLOSED + 3 * WINDOW);
    }

    /// @dev A client that is put out starts the time to work anew, though no proposal was made: its end moves once a client at
    /// most.
    function test_ClientThatIsOutPutsTheRoundsEndOff() public {
        startClosed();
        vm.warp(CLOSED + WORK - 2 * WINDOW - 1);
        demandData(1, 0);
        uint256 due = CLOSED + WORK - WINDOW - 1;
        vm.warp(due);
        rung.expireData(1, 1, 0);
        vm.assertEq(rung.currentRound().expiresAt, due + WORK, "as long as at first");
        vm.warp(CLOSED + WORK);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotExpired.selector, CLOSED + WORK, due + WORK));
        rung.openRound();
        vm.warp(due + WORK);
        rung.openRound();
    }

    function test_StrangerProposesForNobody() public {
        startClosed();
        demandData(0, 0);
        demandData(1, 0);
        vm.warp(CLOSED + WINDOW);
        rung.expireData(1, 0, 0);
        rung.expireData(1, 1, 0);
        bytes memory payload = abi.encode(rung.basis(), bytes32(uint256(1)), new int256[](3));
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNobodySubmitted.selector, 1));
        rung.work(1, payload);
        vm.warp(CLOSED + WINDOW + WORK);
        rung.openRound();
        vm.assertEq(rung.currentRound().number, 2, "given up");
        assertSolvent(rung, everybody(), 0);
    }

    function finalizeAt(uint256 time) private {
        vm.warp(time);
        rung.finalize(1);
    }
}
