// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Exact } from "../../scaling/Exact.sol";
import { LoggedAttack } from "./Attack.sol";

/// @notice Results that never become final, and rounds that never end.
contract DelaysTest is LoggedAttack {
    using Exact for Exact.Result;

    /// @dev A demand as late as it is taken, each answered as late as it may be.
    function test_StrangerAndProposerNeverLetARoundEnd() public {
        start(2049); // four leaves
        proposeHonestly();
        vm.warp(NOW + WINDOW - 1);
        demandAs(stranger, 0); // the last second of the first window
        vm.warp(NOW + 2 * WINDOW - 2);
        answerHonestly(0);
        vm.warp(NOW + 2 * WINDOW - 1);
        demandAs(stranger, 1); // the last second of the second one
        vm.warp(NOW + 3 * WINDOW - 2);
        answerHonestly(1);
        uint256 end = NOW + 2 * WINDOW;
        uint256 time = NOW + 3 * WINDOW - 2;
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungDemandsClosed.selector, time, end));
        demand(2);
        vm.warp(NOW + 4 * WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.currentRound().finished, 1, "finished within four windows");
    }

    function test_StrangerDemandsWhenItCouldBeFinalized() public {
        start(40);
        proposeHonestly();
        vm.warp(NOW + WINDOW);
        uint256 end = NOW + WINDOW;
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungDemandsClosed.selector, end, end));
        demand(0);
        rung.finalize(1);
    }

    /// @dev It would have as long as it takes until somebody says that it is late.
    function test_ProposerAnswersWhenItLikes() public {
        start(40);
        proposeHonestly();
        demandAs(stranger, 0);
        uint256 due = NOW + WINDOW;
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungAnswerLate.selector, due, due));
        answerHonestly(0);
        rung.expire(1, 0);
        vm.assertEq(rung.depositOf(stranger), 100 * FEE + BOND / 2, "half of the bond");
    }

    /// @dev Proposed when the round could long have been given up: demands have as much time as ever.
    function test_ProposerComesTooLateToBeAsked() public {
        start(1025); // two leaves
        vm.warp(NOW + SUBMIT + 10 * WORK);
        proposeHonestly();
        uint256 t = NOW + SUBMIT + 10 * WORK;
        vm.assertEq(rung.currentRound().expiresAt, t + 2 * WINDOW, "demands are taken in two windows");
        vm.warp(t + WINDOW - 1);
        demandAs(stranger, 0);
        answerHonestly(0);
        vm.warp(t + 2 * WINDOW - 2);
        demandAs(stranger, 1);
        vm.assertEq(rung.proposal().open, 1, "taken");
    }

    function test_StrangerBlocksEverybodyWithAnEmptyRound() public {
        start(40);
        proposeHonestly();
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        vm.prank(stranger);
        rung.openRound(); // nobody is ready
        uint256 closesAt = NOW + WINDOW + SUBMIT;
        vm.warp(closesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IRung.RungNotExpired.selector, closesAt - 1, closesAt));
        rung.openRound();
        vm.warp(closesAt);
        rung.openRound();
        vm.assertEq(rung.currentRound().number, 3, "the next round is open");
    }

    /// @dev Whoever computes in time for the next round names what that round has: nothing yet, and not the last one's.
    function test_LastRoundsSubmissionsPassForTheNextOnes() public {
        start(40);
        vm.assertTrue(rung.accumulator() != bytes32(uint256(1)), "two have submitted");
        vm.warp(NOW + SUBMIT + WORK);
        rung.openRound();
        vm.assertEq(rung.accumulator(), bytes32(uint256(2)), "the round's number until one has");
        vm.assertEq(rung.basis(), keccak256(abi.encode(uint256(2), uint256(0))), "and nobody is out");
    }

    /// @dev Of the honest proposal; there is no other here.
    function demand(uint256 chunk) private {
        vm.prank(stranger);
        rung.demand(1, keccak256(abi.encode(exact.root(), keccak256(abi.encode(exact.scores)))), chunk);
    }
}
