// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../../src/scaling/IRung.sol";
import { Attack } from "./Attack.sol";

/// @notice Rung 0 takes numbers of 256 bits: some would overflow everybody's average.
contract ValuesTest is Attack {
    error RungBadValue(uint256 index, int256 value);

    IRung private rung;

    function submit(int256 value) private {
        int256[] memory values = new int256[](40);
        values[17] = value;
        vm.prank(member(0));
        rung.submit(1, abi.encode(values));
    }

    function assertBad(int256 value) private {
        vm.expectRevert(abi.encodeWithSelector(RungBadValue.selector, 17, value));
        submit(value);
    }

    function start() private {
        rung = IRung(assertTaken(RUNG_0, simple(40, 1)));
        rung.openRound();
    }

    function test_ClientOverflowsEverybodysRound() public {
        start();
        assertBad(type(int256).max);
        assertBad(type(int256).min);
        assertBad(128e18);
        assertBad(-129e18);
        submit(-128e18);
        rung.work(1, "");
        rung.work(1, "");
        vm.assertEq(rung.currentRound().finished, 1, "finished");
    }

    function test_ClientGainsByFractionsOfAStep() public {
        start();
        assertBad(1);
        assertBad(-1);
        assertBad(127.5e18);
        assertBad(-128.5e18);
        submit(127e18);
    }
}
