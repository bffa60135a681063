// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
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
}

/// @notice Eight lanes at a time against one value at a time.
contract LanePackedTest is Base {
    IKernel private kernel;

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
}
