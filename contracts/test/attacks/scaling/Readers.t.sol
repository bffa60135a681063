// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "../../../src/scaling/IRung.sol";
import { ISparseRung } from "../../../src/scaling/ISparseRung.sol";
import { Picks } from "../../scaling/Picks.sol";
import { SparseGame } from "../../scaling/SparseGame.sol";
import { Vm } from "../../utils/Base.sol";

/// @notice Rung 5: somebody wants to read a row before others can, or nobody to read its own.
contract ReadersTest is SparseGame {
    using Picks for Picks.Row;

    uint256 private constant BLOCKS = 300;

    /// @dev Two clients that hold what a contract derives.
    function startDerived() private returns (Deriver deriver) {
        start(2, uint32(64 * BLOCKS), false, 1);
        deriver = new Deriver();
        for (uint256 i; i < 2; ++i) {
            (rows[i].indices, rows[i].values) = deriver.derive(i, BLOCKS);
        }
        commitAll();
    }

    /// @dev What is shown is in the input of the contract's call: a trace has it, the transaction has not.
    function test_ShownRowIsNotInTheTransaction() public {
        Deriver deriver = startDerived();
        askAs(0, 2);
        bytes memory input = abi.encodeCall(Deriver.show, (rung, orderBytes(), headsInOrder(), placeOf(1), 1, BLOCKS));
        vm.assertLe(input.length, 2 * BLOCKS - 1, "shorter than the row");
        vm.expectEmit(address(rung));
        emit ISparseRung.Shown(1, 1);
        (bool ok,) = address(deriver).call(input);
        vm.assertTrue(ok, "shown");
    }

    function test_WorkedRowsAreNotInTheTransaction() public {
        Deriver deriver = startDerived();
        bytes memory input = abi.encodeCall(Deriver.work, (rung, orderBytes(), BLOCKS));
        vm.assertLe(input.length, 2 * BLOCKS - 1, "shorter than a row");
        (bool ok,) = address(deriver).call(input);
        vm.assertTrue(ok, "worked");
        assertFinished(0);
    }

    /// @dev A commitment has no salt: that of one block is found among 64·256. A copy earns what the original does.
    function test_RowOfOneBlockIsGuessed() public {
        start(equal(2, 5), 64, false, 0, drawPicks);
        rows[0] = Picks.Row({ indices: hex"2b", values: hex"d3" });
        vm.recordLogs();
        commit(0);
        bytes32 head = abi.decode(vm.getRecordedLogs()[0].data, (bytes32));
        rows[1] = guess(head);
        commit(1);
        finish(0);
        vm.assertTrue(truth(0)[0] > 0 && truth(0)[1] == truth(0)[0], "a copy earns what the original does");
    }

    function guess(bytes32 head) private pure returns (Picks.Row memory) {
        for (uint16 g; g < 64 * 256; ++g) {
            bytes memory row = abi.encodePacked(g);
            if (keccak256(abi.encode(keccak256(row), 1 << 8)) != head) continue;
            return Picks.Row({ indices: abi.encodePacked(row[0]), values: abi.encodePacked(row[1]) });
        }
        revert("not found");
    }
}

/// @notice Holds no rows: it makes them up when they are wanted.
contract Deriver {
    function derive(uint256 i, uint256 blocks) public pure returns (bytes memory indices, bytes memory values) {
        (indices, values) = (new bytes(blocks), new bytes(blocks));
        for (uint256 b; b < blocks; ++b) {
            (indices[b], values[b]) = (bytes1(uint8(b)), bytes1(uint8(b + i)));
        }
    }

    function show(
        ISparseRung rung,
        bytes calldata order,
        bytes32[] calldata heads,
        uint256 place,
        uint256 i,
        uint256 blocks
    ) external {
        (bytes memory indices, bytes memory values) = derive(i, blocks);
        rung.show(1, order, heads, place, abi.encodePacked(indices, values));
    }

    function work(IRung rung, bytes calldata order, uint256 blocks) external {
        ISparseRung.Step memory step;
        step.order = order;
        for (uint256 i; i < 2; ++i) {
            (bytes memory indices, bytes memory values) = derive(i, blocks);
            step.rows = abi.encodePacked(step.rows, indices, values);
        }
        rung.work(1, abi.encode(step));
    }
}
