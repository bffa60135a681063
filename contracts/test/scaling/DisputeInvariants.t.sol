// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
import { BlobHandler, DisputeHandler, LoggedHandler } from "./DisputeHandler.sol";

/// @notice What holds of disputes, whoever lies, is silent, or asks for nothing.
abstract contract DisputeInvariants is Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    DisputeHandler internal handler;

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](1));
        targets[0].selectors[0] = DisputeHandler.play.selector;
    }

    function moves() internal pure virtual returns (string[] memory);

    /// @dev Nobody honest loses a bond or a stake; nothing wrong is final; a round ends in time; what comes too early, too
    /// late or twice is refused; and every wei is where the rules say, in every account.
    function invariant_NoRuleIsBroken() public view {
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
        uint256 owed = handler.openFees() + handler.burnedByBooks();
        for (uint256 i; i < 7; ++i) {
            address who = handler.accountAt(i);
            vm.assertEq(handler.depositOf(who), handler.expected(who), "an account");
            owed += handler.expected(who);
        }
        (uint256 balance, uint256 burned) = handler.held();
        vm.assertEq(burned, handler.burnedByBooks(), "burned");
        vm.assertEq(balance, owed, "deposits, open fees and what is burned");
        vm.assertEq(balance, handler.etherIn() - handler.etherOut(), "what came in less what went out");
    }

    /// @dev Runs in which a branch is never reached would prove nothing of it. At the end everybody has everything back
    /// but what was burned.
    function test_TheHandlerReachesEveryBranch() public {
        for (uint256 seed; seed < 1200; ++seed) {
            handler.play(draw(seed, "reach", 0));
        }
        string[] memory all = moves();
        for (uint256 i; i < all.length; ++i) {
            emit Moves(all[i], handler.done(all[i]));
            vm.assertGe(handler.done(all[i]), 1, all[i]);
        }
        invariant_NoRuleIsBroken();
        handler.drain();
        invariant_NoRuleIsBroken();
        (uint256 balance, uint256 burned) = handler.held();
        vm.assertEq(balance, burned, "all else was given back");
    }

    /// @dev How often each move succeeded; forge prints it with -vvvv.
    event Moves(string what, uint256 count);

    function append(string[] memory list, uint256 from, string[10] memory more) internal pure {
        for (uint256 i; i < 10; ++i) {
            list[from + i] = more[i];
        }
    }
}

/// forge-config: deep.isolate = false
/// forge-config: deep.invariant.runs = 400
/// forge-config: deep.invariant.depth = 500
/// forge-config: default.isolate = false
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 150
contract LoggedDisputeInvariantsTest is DisputeInvariants {
    function setUp() public {
        handler = new LoggedHandler();
    }

    function moves() internal pure override returns (string[] memory list) {
        list = new string[](23);
        append(
            list,
            0,
            [
                "submit",
                "propose",
                "wrong leaf",
                "wrong total",
                "hidden leaf",
                "hidden total",
                "absent",
                "demand",
                "answer",
                "expire"
            ]
        );
        append(
            list,
            10,
            [
                "reclaim",
                "prove chunk",
                "prove padding",
                "prove total",
                "finalize",
                "false proof",
                "refusals",
                "withdraw",
                "void",
                "other basis"
            ]
        );
        (list[20], list[21], list[22]) = ("other proposal", "reclaim answered", "fee earned");
    }
}

/// forge-config: deep.isolate = false
/// forge-config: deep.invariant.runs = 400
/// forge-config: deep.invariant.depth = 500
/// forge-config: default.isolate = false
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 150
contract BlobDisputeInvariantsTest is DisputeInvariants {
    function setUp() public {
        handler = new BlobHandler();
    }

    function moves() internal pure override returns (string[] memory list) {
        list = new string[](35);
        append(
            list,
            0,
            [
                "submit",
                "propose",
                "wrong leaf",
                "wrong total",
                "hidden leaf",
                "hidden total",
                "absent",
                "demand",
                "answer",
                "expire"
            ]
        );
        append(
            list,
            10,
            [
                "reclaim",
                "prove chunk",
                "prove padding",
                "prove total",
                "finalize",
                "false proof",
                "refusals",
                "withdraw",
                "void",
                "given up"
            ]
        );
        append(
            list,
            20,
            [
                "demand data",
                "answer data",
                "expire data",
                "data unanswered",
                "prove data",
                "data agree",
                "cancel",
                "other basis",
                "data too early",
                "bad padding"
            ]
        );
        (list[30], list[31], list[32]) = ("other proposal", "reclaim answered", "fee earned");
        (list[33], list[34]) = ("data earned", "data not earned");
    }
}
