// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../../src/scaling/IRung.sol";
import { Vm } from "../../utils/Base.sol";
import { Attack } from "./Attack.sol";

/// @notice A known limit of rungs 0 to 4, on which nobody is paid: what is submitted is bound to nobody. A client sees a
/// submission on its way and sends the same first, and it counts. (In the core and on rung 5 it opens to nothing, see
/// Stakes.t.sol and Withholders.t.sol.)
contract CopiesTest is Attack {
    /// @dev As rung 2's state and step.
    struct State {
        uint256 chunks;
        bytes32 digest;
        bytes32[] heads;
        int256[] scores;
    }

    struct Step {
        State state;
        uint256 count;
        bytes32[] tails;
        bytes data;
    }

    bytes private honest = drawRow(1, 64);
    bytes private other = drawRow(2, 64);

    /// @dev Client 1 copies client 0, and has nine times its samples.
    function start(string memory artifact) private returns (IRung rung) {
        (address[] memory accounts, uint16[] memory weights) = members(3);
        (weights[0], weights[1], weights[2]) = (1, 9, 1);
        rung = IRung(assertTaken(artifact, abi.encode(config(64), accounts, weights)));
        rung.openRound();
    }

    function submitAll(IRung rung, bytes memory payload, bytes memory others) private {
        vm.prank(member(1));
        rung.submit(1, payload);
        vm.prank(member(0));
        rung.submit(1, payload);
        vm.prank(member(2));
        rung.submit(1, others);
    }

    function assertCopyCounts(IRung rung) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        vm.assertEq(last.topics[0], IRung.Finished.selector, "finished");
        (, int256[] memory scores) = abi.decode(last.data, (bytes32, int256[]));
        vm.assertTrue(scores[0] > 0 && scores[1] == 9 * scores[0], "the copy, at nine times its author's weight");
        vm.assertEq(rung.currentRound().finished, 1, "with the copy in it");
    }

    function test_KnownLimit_RowIsCopiedOnRung1() public {
        IRung rung = start(RUNG_1);
        submitAll(rung, honest, other);
        vm.recordLogs();
        rung.work(1, abi.encode(uint256(1)));
        assertCopyCounts(rung);
    }

    function test_KnownLimit_CommitmentIsCopiedOnRung2() public {
        IRung rung = start(RUNG_2);
        submitAll(rung, headOf(honest), headOf(other));
        Step memory step;
        (step.count, step.tails) = (1, new bytes32[](3));
        step.data = abi.encodePacked(honest, honest, other);
        vm.recordLogs();
        rung.work(1, abi.encode(step));
        assertCopyCounts(rung);
    }

    /// @dev Of a row of one chunk.
    function headOf(bytes memory row) private pure returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(keccak256(row), bytes32(0))));
    }
}
