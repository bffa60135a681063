// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Exact } from "../../scaling/Exact.sol";
import { LoggedAttack } from "./Attack.sol";

/// @notice A tree of one leaf: nothing above it binds the leaf's scores, so nothing may be proven with invented ones.
contract BondsTest is LoggedAttack {
    using Exact for Exact.Result;

    function test_StrangerTakesAnHonestProposersBond() public {
        start(40);
        proposeHonestly();
        int256[] memory invented = new int256[](2);
        invented[1] = 1;
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungNoTree.selector, 40));
        vm.prank(stranger);
        rung.proveTotal(1, 0, IOptimisticRung.Leaf(exact.root(), invented), noPath(), exact.scores);
        vm.warp(NOW + WINDOW);
        rung.finalize(1);
        vm.assertEq(rung.availableOf(address(this)), BOND, "the bond is whole, and free");
    }

    /// @dev Neither its own invention nor another leaf saves it: the leaf's scores are the proposed ones.
    function test_ProposerOfWrongScoresInASingleLeafKeepsItsBond() public {
        start(40);
        int256[] memory wrong = new int256[](2);
        (wrong[0], wrong[1]) = (exact.scores[0] + 1, exact.scores[1] - 1);
        rung.work(1, abi.encode(rung.basis(), exact.root(), wrong));
        bytes32 proposed = rung.proposedDigest();
        bytes32 honest = keccak256(abi.encode(exact.root(), keccak256(abi.encode(exact.scores))));
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungBadPath.selector, honest, proposed));
        rung.proveChunk(1, 0, IOptimisticRung.Leaf(exact.root(), exact.scores), noPath(), evidence());
        vm.expectRevert(abi.encodeWithSelector(IOptimisticRung.RungNoTree.selector, 40));
        rung.proveTotal(1, 0, IOptimisticRung.Leaf(exact.root(), exact.scores), noPath(), wrong);
        vm.prank(stranger);
        rung.proveChunk(1, 0, IOptimisticRung.Leaf(exact.root(), wrong), noPath(), evidence());
        vm.assertEq(rung.depositOf(address(this)), 0, "the bond is gone");
        vm.assertEq(rung.depositOf(stranger), 100 * FEE + BOND / 2, "half of it to who showed it");
    }

    function test_ProposerRisksNothing() public {
        IOptimisticRung.Terms memory t = terms();
        t.bond = 0;
        assertRefused(RUNG_3, optimistic(config(40), t, 2), "bond", 0);
        assertRefused(RUNG_4, optimistic(config(40), t, 2), "bond", 0);
    }

    function test_AnybodyDemandsForFree() public {
        IOptimisticRung.Terms memory t = terms();
        t.fee = 0;
        assertRefused(RUNG_3, optimistic(config(40), t, 2), "fee", 0);
        assertRefused(RUNG_4, optimistic(config(40), t, 2), "fee", 0);
    }

    function test_ClientPublishesRubbishForFree() public {
        IOptimisticRung.Terms memory t = terms();
        t.stake = 0;
        assertRefused(RUNG_4, optimistic(config(40), t, 2), "stake", 0);
        assertTaken(RUNG_3, optimistic(config(40), t, 2)); // data and commitment cannot differ there
    }
}
