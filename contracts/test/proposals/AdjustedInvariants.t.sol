// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
import { AdjustedHandler } from "./AdjustedHandler.sol";

/// @notice What holds of a federation paid by accuracy-adjusted alignment, whatever its attackers do.
abstract contract AdjustedInvariants is Base {
    AdjustedHandler internal handler;

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The escrow holds pot and credits, to the wei, and they are what came in less what went out.
    function invariant_NobodyDrainsThePool() public view {
        (uint256 balance, uint256 pot, uint256 credit) = handler.books();
        vm.assertEq(credit, handler.sumOfCredits(), "total credit and credits");
        vm.assertEq(balance, pot + credit, "balance, pot and credits");
        vm.assertEq(balance, handler.ether_(), "balance and payments");
    }

    /// @dev Nobody with a good update loses stake; nobody loses more than the cap in a round; a round pays its budget at
    /// most, and nobody without a good update and a gain; a minority neither decides nor blocks.
    function invariant_NoRuleIsBroken() public view {
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
    }

    /// @dev Runs in which nobody is paid or punished would prove nothing.
    function test_TheHandlerPaysAndPunishes() public {
        for (uint256 seed = 1; seed <= 12; ++seed) {
            handler.doRound(uint256(keccak256(abi.encode(seed))));
        }
        vm.assertGe(handler.roundsPaid(), 6, "rounds paid");
        vm.assertGe(handler.penalties(), 3, "penalties");
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
    }
}

/// forge-config: deep.invariant.runs = 100
/// forge-config: deep.invariant.depth = 500
/// forge-config: default.invariant.runs = 12
/// forge-config: default.invariant.depth = 24
contract AdjustedInvariantsTest is AdjustedInvariants {
    function setUp() public {
        handler = new AdjustedHandler(false);
    }
}

/// @notice The same of a federation that clips.
/// forge-config: deep.invariant.runs = 100
/// forge-config: deep.invariant.depth = 500
/// forge-config: default.invariant.runs = 12
/// forge-config: default.invariant.depth = 24
contract ClippedAdjustedInvariantsTest is AdjustedInvariants {
    function setUp() public {
        handler = new AdjustedHandler(true);
    }
}
