// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../../src/scaling/IRung.sol";
import { ISparseRung } from "../../../src/scaling/ISparseRung.sol";
import { SparseGame } from "../../scaling/SparseGame.sol";

/// @notice Rung 5: a client wants to be in a round as long as that suits it, and then to be out of it.
contract AbsenteesTest is SparseGame {
    uint256 private constant DUE = NOW + WORK / 4;

    /// @dev Client 37 withholds; 38 handed everything over and is asked for when submissions close, 39 when a page is done,
    /// each by itself. Who works shows what it has, and needs no more than the quarter that 37 took.
    function test_ClientsThrowFinishedPagesAway() public {
        start(40, 64 * 1_500, false, 5);
        commitAll();
        askAs(0, uint256(1) << 37);
        askAs(38, uint256(1) << 38);
        showAs(38); // anyone may
        vm.warp(DUE + 1);
        rung.leaveOut(1, 37);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotAsked.selector, 38));
        rung.leaveOut(1, 38);
        ISparseRung.State memory state = work(0, uint256(1) << 37, noState());
        askAs(39, uint256(1) << 39);
        showAs(39);
        vm.warp(DUE + WORK / 4);
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotAsked.selector, 39));
        rung.leaveOut(1, 39);
        work(1, uint256(1) << 37, state);
        assertFinished(uint256(1) << 37);
    }

    /// @dev Three clients handed everything over and are asked for when submissions close, against somebody that shows
    /// nothing. One after the other leaves itself out right before the last page: all is to be done again, each time.
    function test_WorkerThatShowsNothingLosesItsPages() public {
        start(80, 64 * 600, false, 5);
        commitAll();
        askAs(79, uint256(7) << 77);
        uint256 paid = vm.lastCallGas().gasTotalUsed;
        vm.warp(DUE + 1);
        uint256 lost;
        uint256 out;
        for (uint256 client = 77; client < 80; ++client) {
            bytes memory page = abi.encode(stepOf(0, out, noState()));
            vm.recordLogs();
            rung.work(1, page);
            lost += vm.lastCallGas().gasTotalUsed;
            bytes memory last = abi.encode(stepOf(1, out, stateLeft()));
            rung.leaveOut(1, client);
            paid += vm.lastCallGas().gasTotalUsed;
            (bool ok,) = address(rung).call(abi.encodeCall(IRung.work, (1, last)));
            vm.assertTrue(!ok, "the last page is refused");
            out |= 1 << client;
        }
        vm.assertGe(lost, 35_000_000, "lost");
        vm.assertLe(paid, 250_000, "what it cost them");
        vm.assertEq(rung.currentRound().finished, 0, "and no page is done");
    }

    /// @dev Client 2 would have a negative score. It reads the others' rows first, hands over none, and has no score.
    function test_ClientReadsTheOthersRowsAndChoosesToBeAbsent() public {
        start(3, 64 * 60, false, 2);
        for (uint256 i; i < 3; ++i) {
            for (uint256 b; b < 60; ++b) {
                (rows[i].indices[b], rows[i].values[b]) = (0x01, i == 2 ? bytes1(0xfe) : bytes1(0x05));
            }
        }
        commitAll();
        vm.assertTrue(truth(0)[2] < 0, "what it would get");
        askAs(0, 4);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 2);
        finish(4);
        vm.assertTrue(truth(4)[2] == 0 && truth(4)[0] > truth(0)[0], "what it gets, and others, too");
    }

    /// @dev A round is given up with a page done, a client asked for and another out: nothing of that is left in the next.
    function test_ClientIsOutOfTheNextRound() public {
        start(40, 64 * 1_500, true, 5);
        commitAll();
        askAs(0, 3 << 38);
        vm.warp(DUE + 1);
        rung.leaveOut(1, 39);
        ISparseRung.State memory state = work(0, 1 << 39, noState());
        vm.warp(NOW + SUBMIT + WORK);
        rung.openRound();
        delete order;
        commitAll();
        vm.expectRevert(abi.encodeWithSelector(ISparseRung.RungNotAsked.selector, 38));
        rung.leaveOut(2, 38);
        (bool ok,) = address(rung).call(abi.encodeCall(IRung.work, (2, abi.encode(stepOf(1, 0, state)))));
        vm.assertTrue(!ok, "an old state is nothing");
        finish(0);
    }
}
