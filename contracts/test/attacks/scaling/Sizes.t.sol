// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "../../../src/scaling/IOptimisticRung.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { Attack } from "./Attack.sol";

/// @notice Who deploys a rung wants rounds that nobody can dispute, or finish, in a transaction.
abstract contract SizesTest is Attack {
    uint256 internal constant TRANSACTION = 131_072; // bytes
    uint256 internal constant ENVELOPE = 1_024;

    /// @dev Gas of a transaction with `bytes_` of calldata, none zero, and `execution` gas besides: EIP-7623.
    function gasOf(uint256 bytes_, uint256 execution) internal pure returns (uint256) {
        uint256 least = 21_000 + 40 * bytes_;
        uint256 gas = 21_000 + 16 * bytes_ + execution;
        return gas > least ? gas : least;
    }

    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return keccak256(abi.encode(a, b));
    }
}

/// @notice Each case deploys the largest n and proves a chunk wrong there, with all clients in the round.
/// forge-config: default.isolate = false
contract DisputeSizesTest is SizesTest {
    struct Shape {
        uint256 n;
        uint256 chunks;
        uint256 parts;
        uint256 partDepth;
        uint256 depth;
    }

    IOptimisticRung private rung;
    IOptimisticRung.Submission[] private submissions;
    bytes private data;
    bytes32[] private proofs;

    function test_DeployerWantsProofsTooLargeOf1000() public {
        dispute(1_000, Shape({ n: 98, chunks: 1, parts: 1, partDepth: 0, depth: 0 }));
    }

    function test_DeployerWantsProofsTooLargeOf100000() public {
        dispute(100_000, Shape({ n: 73, chunks: 98, parts: 1, partDepth: 7, depth: 7 }));
    }

    function test_DeployerWantsProofsTooLargeOf1000000() public {
        dispute(1_000_000, Shape({ n: 54, chunks: 977, parts: 9, partDepth: 7, depth: 10 }));
    }

    function test_DeployerWantsProofsTooLargeOf10000000() public {
        dispute(10_000_000, Shape({ n: 17, chunks: 9_766, parts: 82, partDepth: 7, depth: 14 }));
    }

    function dispute(uint32 parameters, Shape memory shape) private {
        IOptimisticRung.Terms memory t = terms();
        assertRefused(RUNG_3, optimistic(config(parameters), t, shape.n + 1), "clients", shape.n + 1);
        assertRefused(RUNG_4, optimistic(config(parameters), t, shape.n + 1), "clients", shape.n + 1);
        assertTaken(RUNG_3, optimistic(config(parameters), t, shape.n));
        rung = IOptimisticRung(assertTaken(RUNG_4, optimistic(config(parameters), t, shape.n)));
        submitAll(shape);
        bytes memory proof = proveWrong(shape);
        uint256 each = 224 + 64 * shape.parts + 1_024 + 32 * shape.partDepth + 32 * shape.depth;
        vm.assertLe(proof.length, TRANSACTION - ENVELOPE, "fits a transaction");
        vm.assertGe(proof.length + each, TRANSACTION - ENVELOPE + 1, "one client more would not");
        uint256 before = gasleft();
        (bool ok,) = address(rung).call(proof);
        uint256 used = before - gasleft();
        vm.assertTrue(ok, "proven");
        vm.assertEq(uint256(rung.currentRound().phase), uint256(IRung.Phase.Open), "rejected");
        vm.assertLe(gasOf(proof.length, used), CAP / 2, "gas, with as much again to spare");
    }

    /// @dev Chunk 0 and its siblings are drawn, and all other parts' roots.
    function submitAll(Shape memory shape) private {
        rung.openRound();
        for (uint256 i; i < shape.n; ++i) {
            fund(rung, member(i), STAKE);
            bytes memory row = drawRow(i, 1_024);
            data = abi.encodePacked(data, row);
            IOptimisticRung.Submission storage s = submissions.push();
            s.client = i;
            bytes32 root = keccak256(row);
            for (uint256 level; level < shape.partDepth; ++level) {
                bytes32 beside = bytes32(draw(i, "beside", level));
                proofs.push(beside);
                root = pair(root, beside);
            }
            for (uint256 part; part < shape.parts; ++part) {
                s.parts.push(part == 0 ? root : bytes32(draw(i, "part", part)));
                s.blobs.push(bytes32(uint256(1) << 248 | draw(i, "blob", part) >> 8));
            }
            attackVm.blobhashes(s.blobs);
            vm.prank(member(i));
            rung.submit(1, abi.encodePacked(s.parts));
        }
        attackVm.blobhashes(new bytes32[](0));
    }

    /// @dev Propose an invented tree; the call that shows its chunk 0 to be wrong.
    function proveWrong(Shape memory shape) private returns (bytes memory) {
        IOptimisticRung.Leaf memory leaf;
        IOptimisticRung.Path memory path;
        (leaf.sums, leaf.scores) = (bytes32(draw(1, "sums", 0)), numbers(shape.n, 0));
        path.hashes = new bytes32[](shape.depth);
        path.scores = new int256[](shape.depth * shape.n);
        (bytes32 root, int256[] memory total) = (leaf.sums, numbers(shape.n, 0));
        for (uint256 level; level < shape.depth; ++level) {
            path.hashes[level] = bytes32(draw(1, "hash", level));
            int256[] memory beside = numbers(shape.n, level + 1);
            root = pair(
                keccak256(abi.encodePacked(root, total)), keccak256(abi.encodePacked(path.hashes[level], beside))
            );
            for (uint256 i; i < shape.n; ++i) {
                path.scores[level * shape.n + i] = beside[i];
                total[i] += beside[i];
            }
        }
        fund(rung, address(this), BOND);
        rung.work(1, abi.encode(rung.basis(), root, total));
        IOptimisticRung.Evidence memory evidence =
            IOptimisticRung.Evidence({ submissions: submissions, data: data, proofs: proofs });
        return abi.encodeCall(IOptimisticRung.proveChunk, (1, 0, leaf, path, evidence));
    }

    function numbers(uint256 n, uint256 seed) private pure returns (int256[] memory list) {
        list = new int256[](n);
        for (uint256 i; i < n; ++i) {
            list[i] = int256(draw(seed, "score", i) >> 8);
        }
    }
}

/// @notice Rung 2: the smallest step of the largest round.
contract StepSizesTest is SizesTest {
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

    /// @dev A round without parameters, or without time to submit or to work.
    function test_DeployerWantsRoundsThatNobodyCanPlay() public {
        (address[] memory accounts, uint16[] memory weights) = members(2);
        string[3] memory artifacts = [RUNG_0, RUNG_1, RUNG_2];
        for (uint256 k; k < 3; ++k) {
            IRung.Config memory c = config(0);
            assertRefused(artifacts[k], abi.encode(c, accounts, weights), "parameters", 0);
            (c.parameters, c.submitSeconds) = (40, 0);
            assertRefused(artifacts[k], abi.encode(c, accounts, weights), "submitSeconds", 0);
            (c.submitSeconds, c.workSeconds) = (1, 0);
            assertRefused(artifacts[k], abi.encode(c, accounts, weights), "workSeconds", 0);
            c.workSeconds = 1;
            assertTaken(artifacts[k], abi.encode(c, accounts, weights));
        }
    }

    function test_DeployerWantsStepsTooLarge() public {
        assertRefused(RUNG_2, simple(2_000, 117), "clients", 117);
        assertRefused(RUNG_2, simple(961, 120), "clients", 120);
        assertTaken(RUNG_2, simple(960, 120)); // rows are shorter
        IRung rung = IRung(assertTaken(RUNG_2, simple(2_000, 116)));
        Step memory step;
        (step.count, step.tails, step.data) = (1, new bytes32[](116), new bytes(116 * 1_024));
        // Only the first step ignores the state; the others bring as many bytes along.
        (step.state.heads, step.state.scores) = (new bytes32[](116), new int256[](116));
        rung.openRound();
        for (uint256 i; i < 116; ++i) {
            bytes memory row = drawRow(i, 1_024);
            for (uint256 j; j < 1_024; j += 32) {
                bytes memory all = step.data;
                assembly ("memory-safe") {
                    mstore(add(add(add(all, 0x20), mul(i, 1024)), j), mload(add(add(row, 0x20), j)))
                }
            }
            step.tails[i] = bytes32(draw(i, "tail", 0));
            vm.prank(member(i));
            rung.submit(1, abi.encode(pair(keccak256(row), step.tails[i])));
        }
        bytes memory sent = abi.encodeCall(IRung.work, (1, abi.encode(step)));
        vm.assertLe(sent.length, TRANSACTION - 512, "fits a transaction");
        (bool ok,) = address(rung).call(sent);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.assertTrue(ok, "worked");
        vm.assertLe(gasOf(sent.length, used), CAP, "gas");
    }
}
