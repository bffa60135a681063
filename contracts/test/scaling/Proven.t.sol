// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDeposits } from "../../src/scaling/IDeposits.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { IProvenRung } from "../../src/scaling/IProvenRung.sol";
import { Refusals } from "../utils/Refusals.sol";
import { ProvenHandler } from "./ProvenHandler.sol";
import { Sealing } from "./Sealing.sol";

/// @notice What holds of seals, proofs and stakes, whatever is done in which order.
/// forge-config: deep.isolate = false
/// forge-config: deep.invariant.runs = 400
/// forge-config: deep.invariant.depth = 500
/// forge-config: default.isolate = false
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 150
contract ProvenInvariantsTest is Refusals {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    ProvenHandler private handler;

    function setUp() public {
        handler = new ProvenHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](1));
        targets[0].selectors[0] = ProvenHandler.play.selector;
    }

    /// @dev What the rules allow works and nothing else does; nothing is final that was not proven, or counts a client that is
    /// out; and every wei is where the rules say.
    function invariant_NoRuleIsBroken() public view {
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
        IProvenRung rung = handler.rung();
        uint256 owed = handler.burnedByBooks();
        for (uint256 i; i < 5; ++i) {
            address who = handler.accountAt(i);
            vm.assertEq(rung.depositOf(who), handler.expected(who), "an account");
            owed += handler.expected(who);
        }
        vm.assertEq(rung.burned(), handler.burnedByBooks(), "burned");
        vm.assertEq(address(rung).balance, owed, "deposits and what is burned");
        vm.assertEq(owed, handler.etherIn() - handler.etherOut(), "what came in less what went out");
    }

    /// @dev Runs in which a branch is never reached would prove nothing of it.
    function test_TheHandlerReachesEveryBranch() public {
        string[13] memory all = [
            "open",
            "seal",
            "reveal",
            "prove",
            "prove with seals",
            "reveal behind a proof",
            "prove without some",
            "fault",
            "fall",
            "anew",
            "finalize",
            "withdraw",
            "withdraw beside a stake"
        ];
        for (uint256 seed; seed < 3000; ++seed) {
            handler.play(draw(seed, "reach", 0));
        }
        for (uint256 i; i < all.length; ++i) {
            vm.assertGe(handler.done(all[i]), 1, all[i]);
        }
        invariant_NoRuleIsBroken();
    }
}

/// @notice Deployments of rung 6 that are refused, and what its events say.
contract ProvenTest is Refusals {
    address[] private members;
    uint16[] private weights;

    function setUp() public {
        vm.warp(1_700_000_000);
        Sealing.mockPairing();
        for (uint256 i; i < 3; ++i) {
            members.push(address(uint160(0xC0DE00 + i)));
            weights.push(uint16(2 + i));
        }
    }

    function terms() private pure returns (IProvenRung.Terms memory) {
        return IProvenRung.Terms({ windowSeconds: 60, revealSeconds: 60, stake: 1 ether });
    }

    function encoded(uint32 parameters, uint32 work, IProvenRung.Terms memory t) private view returns (bytes memory) {
        IRung.Config memory config = IRung.Config({ parameters: parameters, submitSeconds: 60, workSeconds: work });
        return abi.encode(config, t, Sealing.setup(), members, weights);
    }

    function refused(bytes memory arguments, string memory field, uint256 value) private {
        assertRefused(
            "Rung6Proven.sol:Rung6Proven", arguments, abi.encodeWithSelector(IRung.RungBadConfig.selector, field, value)
        );
    }

    function test_RevertWhen_BadConfig() public {
        IProvenRung.Terms memory t = terms();
        t.stake = 0;
        refused(encoded(70, 120, t), "stake", 0);
        t = terms();
        t.windowSeconds = 0;
        refused(encoded(70, 120, t), "windowSeconds", 0);
        t = terms();
        t.revealSeconds = 0;
        refused(encoded(70, 120, t), "revealSeconds", 0);
        refused(encoded(70, 119, terms()), "workSeconds", 119);
        refused(encoded(64 * 1010, 120, terms()), "parameters", 64 * 1010);
        (members[1], members[2]) = (members[2], members[1]);
        refused(encoded(70, 120, terms()), "order of client", 2);
    }

    function test_RevertWhen_MoreThan116Clients() public {
        while (members.length < 117) {
            members.push(address(uint160(0xC0DE00 + members.length)));
            weights.push(1);
        }
        refused(encoded(70, 120, terms()), "clients", 117);
        members.pop();
        weights.pop();
        vm.deployCode("Rung6Proven.sol:Rung6Proven", encoded(70, 120, terms()));
    }

    /// @dev The scores stand in the event, at everybody's places; final is what was proven.
    function test_ScoresAreLoggedWhenProven() public {
        IProvenRung rung = IProvenRung(vm.deployCode("Rung6Proven.sol:Rung6Proven", encoded(70, 120, terms())));
        rung.openRound();
        for (uint256 i; i < 3; i += 2) {
            vm.deal(members[i], 1 ether);
            vm.prank(members[i]);
            IDeposits(address(rung)).deposit{ value: 1 ether }();
            bytes32 seal = Sealing.seal(rung, 1, i, members[i], 70);
            vm.prank(members[i]);
            rung.submit(1, abi.encode(seal));
        }
        vm.warp(block.timestamp + 60);
        int256[] memory scores = new int256[](3);
        (scores[0], scores[2]) = (type(int128).min, type(int128).max);
        (, uint256[] memory w) = rung.clients();
        bytes32 message = Sealing.message(rung, members, w, 1, 5, 70);
        bytes memory step = abi.encode(Sealing.step(members, 1, 5, 0, 70, scores));
        vm.expectEmit(address(rung));
        emit IProvenRung.Proven(1, address(this), message, scores);
        rung.work(1, step);
        bytes32 digest = keccak256(abi.encode(message, keccak256(abi.encode(scores))));
        vm.assertEq(rung.proposedDigest(), digest, "proven");
        vm.assertEq(rung.resultDigest(), 0, "not final");
        vm.warp(block.timestamp + 60);
        vm.expectEmit(address(rung));
        emit IRung.Finished(1, digest, new int256[](0));
        rung.finalize(1);
        vm.assertEq(rung.resultDigest(), digest, "final");
    }
}
