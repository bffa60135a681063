// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../../src/scaling/IRung.sol";
import { ISparseRung } from "../../../src/scaling/ISparseRung.sol";
import { Picks } from "../../scaling/Picks.sol";
import { SparseGame } from "../../scaling/SparseGame.sol";

/// @notice Rung 5: somebody wants a round that does not end, another's pay, or a client gone.
contract WithholdersTest is SparseGame {
    using Picks for Picks.Row;

    uint256 private constant DUE = NOW + WORK / 4;

    function startThree(bool clipped) private {
        start(3, 500, clipped, 11);
        commitAll();
    }

    function test_ClientHandsNothingOver() public {
        startThree(false);
        askAs(0, 4);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungAnswerDue.selector, DUE, DUE));
        vm.warp(DUE);
        rung.leaveOut(1, 2);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 2);
        vm.assertEq(rung.excluded(), 4, "out");
        finish(4);
        vm.assertEq(truth(4)[2], 0, "and without pay");
    }

    /// @dev It withholds the second page only, when the first is done.
    function test_ClientHandsOnlyTheFirstPageOver() public {
        start(40, 64 * 1_500, false, 5);
        commitAll();
        ISparseRung.State memory state;
        state = work(0, 0, state);
        askAs(0, 1 << 39);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 39);
        finish(1 << 39); // begins anew, without it
    }

    /// @dev All withhold, the one that asks as well: the round can be given up when its time is over.
    function test_AllWithhold() public {
        startThree(false);
        askAs(0, 7);
        vm.warp(DUE + 1);
        for (uint256 i; i < 3; ++i) {
            rung.leaveOut(1, i);
        }
        ISparseRung.Step memory step;
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNobodySubmitted.selector, 1));
        rung.work(1, abi.encode(step));
        vm.warp(NOW + SUBMIT + WORK);
        rung.openRound();
        vm.assertEq(rung.excluded(), 0, "nobody is out of the next round");
    }

    function test_WorkerLeavesOutWhoShowedItsRow() public {
        startThree(false);
        askAs(0, 6);
        showAs(2);
        vm.warp(DUE + 1);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotAsked.selector, 2));
        rung.leaveOut(1, 2);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotAsked.selector, 0));
        rung.leaveOut(1, 0); // who was not asked at all
        finish(0);
    }

    function test_WorkerLeavesOutWhoIsOut() public {
        startThree(false);
        askAs(0, 4);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 2);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotInRound.selector, 2));
        rung.leaveOut(1, 2);
    }

    /// @dev Late, but nobody has left it out.
    function test_WorkerLeavesOutWhoShowsItsRowLate() public {
        startThree(false);
        askAs(0, 4);
        vm.warp(DUE + 5);
        showAs(2);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotAsked.selector, 2));
        rung.leaveOut(1, 2);
    }

    function test_WorkerLeavesSomebodyOutItself() public {
        startThree(false);
        ISparseRung.Step memory step = stepOf(0, 4, noState());
        vm.expectRevert(abi.encodeWithSelector(IRung.RungWrongLength.selector, 32, 48));
        rung.work(1, abi.encode(step));
        step = stepOf(0, 0, noState());
        step.order = hex"0100";
        (bool ok, bytes memory reason) = address(rung).call(abi.encodeCall(IRung.work, (1, abi.encode(step))));
        vm.assertTrue(!ok && bytes4(reason) == ISparseRung.RungBadSubmissions.selector, "refused");
    }

    function test_ClientShowsAnotherRow() public {
        startThree(false);
        askAs(0, 4);
        bytes32 committed = rows[2].head(size, 1, 2);
        rows[2].values[0] = rows[2].values[0] ^ 0x01;
        (bool ok, bytes memory reason) = address(rung).call(showCall(2));
        vm.assertTrue(!ok && bytes4(reason) == ISparseRung.RungBadSubmissions.selector, "another head");
        vm.assertTrue(committed != rows[2].head(size, 1, 2), "it differs");
    }

    function test_StrangerAsksEverybodyToPayForCalldata() public {
        start(3, 500, false, 11);
        commit(0);
        commit(1);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungSubmissionsOpen.selector, NOW, NOW + SUBMIT));
        askAs(0, 2);
        vm.warp(NOW + SUBMIT);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotClient.selector, address(this)));
        rung.ask(1, 3);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotClient.selector, member(2)));
        askAs(2, 3); // a client that has not submitted
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotInRound.selector, 2));
        askAs(0, 4);
        askAs(0, 2);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungAskedAlready.selector, 2));
        askAs(1, 2);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungAskedAlready.selector, 0));
        askAs(1, 0);
    }

    /// @dev Clients 1 and 2 withhold. One of them is asked for right before an ask for both, which still holds for the other.
    function test_WithholderIsAskedForFirst() public {
        startThree(false);
        askAs(2, 2);
        vm.warp(NOW + 12);
        vm.expectEmit(address(rung));
        emit ISparseRung.Asked(1, 4, DUE + 12);
        askAs(0, 6);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 1);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungAskedAlready.selector, 6));
        askAs(0, 6); // one is out, the other's time runs on
        vm.warp(DUE + 13);
        rung.leaveOut(1, 2);
        finish(6);
    }

    function test_DeployerWantsNoTimeToAnswer() public {
        (address[] memory accounts, uint16[] memory weights) = members(2);
        IRung.Config memory c = config(500);
        c.workSeconds = 47;
        assertRefused(RUNG_5, abi.encode(c, false, accounts, weights), "workSeconds", 47);
        c.workSeconds = 48;
        assertTaken(RUNG_5, abi.encode(c, false, accounts, weights));
    }

    /// @dev With the least time to work: asked by a block's last transaction, it answers in the next slot's block.
    function test_ClientIsLeftOutBeforeItHadABlockToAnswerIn() public {
        (address[] memory accounts, uint16[] memory weights) = members(3);
        (n, parameters) = (3, 640);
        IRung.Config memory c = config(640);
        c.workSeconds = 48;
        rung = ISparseRung(assertTaken(RUNG_5, abi.encode(c, true, accounts, weights)));
        size = rung.pageBlocks();
        for (uint256 i; i < n; ++i) {
            rows.push(drawPicks(3, i));
        }
        rung.openRound();
        commitAll();
        askAs(0, 2);
        vm.warp(NOW + 12);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungAnswerDue.selector, NOW + 12, NOW + 12));
        rung.leaveOut(1, 1);
        showAs(1);
        finish(0);
    }

    /// @dev A commitment is of one client and one round: the copy opens to nothing.
    function test_ClientCopiesACommitment() public {
        start(2, 500, false, 11);
        commit(0);
        bytes32 head = rows[0].head(size, 1, 0);
        vm.prank(member(1));
        rung.submit(1, abi.encode(head));
        order.push(1);
        rows[1] = rows[0]; // by now it knows the row
        ISparseRung.Step memory step = stepOf(0, 0, noState());
        (bool ok, bytes memory reason) = address(rung).call(abi.encodeCall(IRung.work, (1, abi.encode(step))));
        vm.assertTrue(!ok && bytes4(reason) == ISparseRung.RungBadSubmissions.selector, "refused");
        askAs(0, 2);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 1);
        step = stepOf(0, 2, noState());
        step.absent[0] = head;
        rung.work(1, abi.encode(step));
        vm.assertEq(rung.currentRound().finished, 1, "finished without the copy");
    }

    /// @dev Index 64 + x is index x; one beyond the last parameter is of no parameter, and earns nothing.
    function test_ClientPicksOutsideItsBlock() public {
        start(2, 70, false, 1); // the second block has six parameters
        rows[0] = Picks.Row({ indices: hex"4506", values: hex"7f7f" });
        rows[1] = Picks.Row({ indices: hex"8546", values: hex"7f7f" });
        commitAll();
        finish(0);
        int256[] memory scores = truth(0);
        vm.assertEq(scores[0], int256(127 * 127 * 3), "they met in the first block only"); // w = 1, 2
    }

    /// @dev One client with one of 31 samples sends 127 in every block, the others small values: it takes nearly all of the
    /// pay; clipped, its update is as long as the median.
    function test_LongUpdateTakesThePay() public {
        for (uint256 clipped; clipped < 2; ++clipped) {
            start(4, 64 * 60, clipped == 1, 2);
            for (uint256 i; i < 4; ++i) {
                for (uint256 b; b < 60; ++b) {
                    (rows[i].indices[b], rows[i].values[b]) =
                    (bytes1(uint8(i == 0 ? 1 : 2)), i == 0 ? bytes1(0x7f) : bytes1(0x02));
                }
            }
            commitAll();
            finish(0);
            int256[] memory s = truth(0);
            int256 rest = s[1] + s[2] + s[3];
            vm.assertTrue(clipped == 1 ? 50 * s[0] < rest : s[0] > 10 * rest, "its share");
        }
    }

    /// @dev Half of the samples, clipped: the median length is theirs.
    function test_HalfOfTheSamplesLeavesNobodyAnything() public {
        start(equal(2, 5), 640, true, 4, drawPicks);
        rows[1].values = new bytes(10);
        commitAll();
        finish(0);
        vm.assertTrue(Picks.norm(rows[0], parameters) > 0 && truth(0)[0] == 0, "clipped to nothing");
    }
}
