// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base, Vm } from "../utils/Base.sol";
import { Exact } from "./Exact.sol";

interface IKernel {
    function fold(uint256[] calldata weights, bytes calldata data, uint256 valid)
        external
        view
        returns (bytes32 digest, int256[] memory scores, bytes memory lanes);
    function foldPlainly(uint256[] calldata weights, bytes calldata data, uint256 valid)
        external
        view
        returns (int256[] memory sums, int256[] memory scores);
    function measure(uint256[] calldata weights, bytes calldata data, uint256 valid) external;
    function measurePlainly(uint256[] calldata weights, bytes calldata data, uint256 valid) external;
}

/// @notice Eight lanes at a time against one value at a time.
contract LanePackedTest is Base {
    IKernel private kernel;

    event Measured(bytes32 digest, int256[] scores, uint256 gasUsed);

    error LaneWeightTooLarge(uint256 totalWeight, uint256 maximum);

    function setUp() public {
        kernel = IKernel(vm.deployCode("LaneKernel.sol:LaneKernel", ""));
    }

    function assertSame(uint256[] memory weights, bytes memory data, uint256 valid) private view {
        (bytes32 digest, int256[] memory scores, bytes memory lanes) = kernel.fold(weights, data, valid);
        (int256[] memory sums, int256[] memory plain) = kernel.foldPlainly(weights, data, valid);
        vm.assertEq(scores, plain, "scores");
        uint256 total;
        for (uint256 i; i < weights.length; ++i) {
            total += weights[i];
        }
        Exact.Result memory r;
        (r.sums, r.total) = (sums, total);
        vm.assertEq(digest, Exact.chunkHash(r, 0), "digest");
        vm.assertEq(keccak256(lanes), digest, "lanes");
    }

    /// forge-config: default.fuzz.runs = 128
    function testDifferential_Fold(uint256 seed, uint256 n, uint256 valid) public view {
        n = bound(n, 1, 7);
        valid = bound(valid, 1, 96);
        uint256[] memory weights = new uint256[](n);
        for (uint256 i; i < n; ++i) {
            weights[i] = draw(seed, "weight", i) % (2048 / n + 1);
        }
        bytes memory data = new bytes(n * ((valid + 31) / 32 * 32));
        bytes32 noise;
        for (uint256 j; j < data.length; ++j) {
            if (j % 32 == 0) noise = bytes32(draw(seed, "data", j));
            data[j] = noise[j % 32];
        }
        assertSame(weights, data, valid);
    }

    /// @dev Every lane at its bound, where a carry would show: all values one extreme, then the other, then both.
    function test_Extremes() public view {
        uint256[] memory weights = new uint256[](1);
        weights[0] = 2048;
        bytes memory data = new bytes(64);
        assertSame(weights, data, 64);
        for (uint256 j; j < 64; ++j) {
            data[j] = 0xff;
        }
        assertSame(weights, data, 64);
        for (uint256 j; j < 64; j += 3) {
            data[j] = 0;
        }
        assertSame(weights, data, 64);
    }

    /// @dev The bound of the products is sharp up to rounding: rows that differ as much as they can.
    function test_OpposedRows() public view {
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (2047, 1);
        bytes memory data = new bytes(128);
        for (uint256 j; j < 64; ++j) {
            data[64 + j] = 0xff; // row 0: −128, row 1: 127, against sums of −2047·128 + 127
        }
        assertSame(weights, data, 64);
    }

    function test_RevertWhen_WeightsTooLarge() public {
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (2000, 49);
        vm.expectRevert(abi.encodeWithSelector(LaneWeightTooLarge.selector, 2049, 2048));
        kernel.fold(weights, new bytes(64), 32);
    }

    /// @dev What both ways cost, with what they found.
    function test_WhatIsMeasuredIsInTheLog() public {
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (3, 5);
        bytes memory data = new bytes(128);
        for (uint256 j; j < 128; ++j) {
            data[j] = bytes1(uint8(7 * j));
        }
        (bytes32 digest, int256[] memory scores,) = kernel.fold(weights, data, 64);
        (int256[] memory sums,) = kernel.foldPlainly(weights, data, 64);
        vm.recordLogs();
        kernel.measure(weights, data, 64);
        kernel.measurePlainly(weights, data, 64);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256[2] memory gas;
        for (uint256 k; k < 2; ++k) {
            vm.assertEq(logs[k].topics[0], Measured.selector, "kind");
            (bytes32 found, int256[] memory list, uint256 used) = abi.decode(logs[k].data, (bytes32, int256[], uint256));
            vm.assertEq(found, k == 0 ? digest : keccak256(abi.encode(sums)), "digest");
            vm.assertEq(list, scores, "scores");
            gas[k] = used;
        }
        vm.assertGe(gas[0], 1_000, "it is not for nothing");
        vm.assertGe(gas[1], 4 * gas[0], "and far less than one value at a time");
    }
}
