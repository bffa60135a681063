// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
import { SystemHandler } from "../actors/SystemHandler.sol";

/// @notice What holds of the whole federation, whatever anybody does, in any order.
contract SystemTest is Base {
    SystemHandler private handler;

    function setUp() public {
        handler = new SystemHandler();
    }

    /// @dev forge calls nothing but the handler's actions: its public functions that change state.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The registry holds the stakes, to the wei, and they are what came in less what went out or was burned.
    function invariant_RegistryHoldsTheStakes() public view {
        vm.assertEq(handler.registryBalance(), handler.sumOfStakes(), "balance and stakes");
        vm.assertEq(handler.registryBalance(), handler.registryEther(), "balance and payments");
    }

    /// @dev The pool holds pot and credits, to the wei, and they are what came in less what went out.
    function invariant_PoolHoldsPotAndCredits() public view {
        (uint256 pot, uint256 credit) = handler.potAndCredit();
        vm.assertEq(credit, handler.sumOfCredits(), "total credit and credits");
        vm.assertEq(handler.poolBalance(), pot + credit, "balance, pot and credits");
        vm.assertEq(handler.poolBalance(), handler.poolEther(), "balance and payments");
    }

    /// @dev Phases never go back; nobody is paid or punished twice for a round, paid without a positive score, or punished
    /// beyond the cap; a round pays its budget at most; scores add up to the squared norm within the rounding.
    function invariant_NoRuleIsBroken() public view {
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
    }

    /// @dev A long run in which little happened would prove little. (forge replays shortened runs, too.)
    function afterInvariant() public view {
        if (handler.actions() >= 50) vm.assertGe(handler.roundsClosed(), 2, "fewer than two rounds came to their end");
    }
}
