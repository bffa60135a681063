// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
import { SystemHandler } from "../actors/SystemHandler.sol";

/// @notice What holds of the whole federation, whatever anybody does, in any order.
abstract contract SystemInvariants is Base {
    SystemHandler internal handler;

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
    /// beyond the cap; a round pays its samples' share of the budget at most, and nothing if it was void; scores add up to
    /// the squared norm within the rounding; consistency counts the rounds that were not void; a record has its quorum.
    function invariant_NoRuleIsBroken() public view {
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
    }

    /// @dev A long run in which little happened would prove little. (forge replays shortened runs, too.)
    function afterInvariant() public view {
        if (handler.actions() >= 50) vm.assertGe(handler.roundsClosed(), 2, "fewer than two rounds came to their end");
    }

    /// @dev What the handler does in a long life, so that the invariants are about something.
    function live() internal {
        for (uint256 k; k < 240; ++k) {
            uint256 seed = uint256(keccak256(abi.encode("life", k)));
            uint256 what = seed % 16;
            seed >>= 8;
            if (what == 0) handler.doRegister(seed);
            else if (what == 1) handler.doAddStake(seed);
            else if (what == 2) handler.doDeregister(seed);
            else if (what == 3) handler.doWithdrawStake(seed);
            else if (what == 4) handler.doWithdraw(seed);
            else if (what < 8) handler.doFund(seed);
            else if (what < 12) handler.doAttest(seed);
            else handler.doApplyFactors(seed);
        }
        vm.assertGe(handler.roundsClosed(), 30, "rounds closed");
        vm.assertGe(handler.roundsPaid(), 20, "payments");
        vm.assertGe(handler.penalties(), 5, "penalties");
        vm.assertGe(handler.roundsVoid(), 3, "void rounds");
        vm.assertGe(handler.roundsShortOfSamples(), 1, "rounds void for want of samples");
        vm.assertGe(handler.epochsApplied(), 3, "epochs applied");
        vm.assertGe(handler.displacements(), 1, "displacements");
        vm.assertEq(keccak256(bytes(handler.finding())), keccak256(""), handler.finding());
    }
}

/// forge-config: deep.invariant.runs = 200
/// forge-config: default.invariant.runs = 24
contract SystemTest is SystemInvariants {
    function setUp() public {
        handler = new SystemHandler(false);
    }

    function test_TheHandlerGetsEverywhere() public {
        live();
        vm.assertEq(handler.clippings(), 0, "nothing is clipped");
    }
}

/// @notice The same of a federation that clips.
/// forge-config: deep.invariant.runs = 200
/// forge-config: default.invariant.runs = 24
contract ClippedSystemTest is SystemInvariants {
    function setUp() public {
        handler = new SystemHandler(true);
    }

    function test_TheHandlerGetsEverywhere() public {
        live();
        vm.assertGe(handler.clippings(), 20, "updates clipped");
    }
}
