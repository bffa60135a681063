// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../../src/scaling/IRung.sol";
import { LoggedAttack } from "./Attack.sol";

/// @notice Somebody else's contract pays by `resultDigest`.
contract PayersTest is LoggedAttack {
    function test_ProposerIsPaidByWhatItOnlyProposed() public {
        start(40);
        proposeHonestly();
        vm.assertEq(rung.resultDigest(), 0, "nothing is final");
        bytes32 proposed = rung.proposedDigest();
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.resultDigest(), proposed, "now it is");
    }

    /// @dev It even waits until the next round is over: here nobody proposed in that one, and it is given up.
    function test_ProposerIsPaidByWhatWasRefuted() public {
        start(40);
        proposeHonestly();
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        bytes32 last = rung.resultDigest();
        submitAll(40);
        rung.work(2, abi.encode(rung.basis(), bytes32(0), new int256[](2)));
        vm.assertEq(rung.resultDigest(), last, "while it can be refuted");
        demandAs(stranger, 0);
        vm.warp(NOW + 2 * WINDOW);
        rung.expire(2, 0);
        vm.assertEq(rung.resultDigest(), last, "after it was");
        vm.warp(NOW + 2 * WINDOW + WORK);
        rung.openRound();
        vm.assertEq(rung.resultDigest(), last, "in the round after it");
        vm.assertEq(rung.currentRound().finished, 1, "finished");
    }

    function test_ClientIsPaidBeforeThereIsAResult() public {
        IRung naive = IRung(assertTaken(RUNG_0, simple(40, 2)));
        vm.assertEq(naive.resultDigest(), 0, "no round is finished");
    }
}
