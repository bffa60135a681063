// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { LanePacked } from "./LanePacked.sol";

/// @title The arithmetic of one chunk, alone: word-parallel and plain, to compare and to measure
/// @notice No rung uses this contract; from rung 1 on they use the library it shows.
contract LaneKernel {
    using LanePacked for LanePacked.Workspace;

    event Measured(bytes32 digest, int256[] scores, uint256 gasUsed);

    /// @notice Sum and score one chunk, eight lanes at a time.
    /// @param weights One a client.
    /// @param data The clients' rows one after the other, each padded to a multiple of 32 bytes.
    /// @param valid Values in a row.
    /// @return digest Hash of the sums in lanes.
    /// @return scores w_i·⟨v_i, A⟩.
    /// @return lanes The sums.
    function fold(uint256[] calldata weights, bytes calldata data, uint256 valid)
        public
        pure
        returns (bytes32 digest, int256[] memory scores, bytes memory lanes)
    {
        // exact for rows of equal length; what is left over otherwise is not read
        // slither-disable-next-line divide-before-multiply
        uint256 stride = data.length / weights.length;
        uint256[] memory weights_ = weights;
        LanePacked.Workspace memory ws = LanePacked.workspace(weights_, stride);
        bytes memory target = ws.data;
        // Solidity would copy into memory of its own; the workspace has room for one row more.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            calldatacopy(add(target, 0x20), data.offset, mul(mload(weights_), stride)) // a row shorter than `target`
        }
        scores = new int256[](weights.length);
        digest = ws.fold(stride, valid, scores);
        lanes = ws.lanes;
    }

    /// @notice The same in plain Solidity, one value at a time.
    /// @return sums A_j.
    /// @return scores w_i·⟨v_i, A⟩.
    function foldPlainly(uint256[] calldata weights, bytes calldata data, uint256 valid)
        public
        pure
        returns (int256[] memory sums, int256[] memory scores)
    {
        // exact for rows of equal length; what is left over otherwise is not read
        // slither-disable-next-line divide-before-multiply
        uint256 stride = data.length / weights.length;
        sums = new int256[](valid);
        scores = new int256[](weights.length);
        for (uint256 j; j < valid; ++j) {
            for (uint256 i; i < weights.length; ++i) {
                sums[j] += int256(weights[i]) * _value(data[i * stride + j]);
            }
        }
        for (uint256 i; i < weights.length; ++i) {
            for (uint256 j; j < valid; ++j) {
                scores[i] += int256(weights[i]) * _value(data[i * stride + j]) * sums[j];
            }
        }
    }

    /// @notice `fold` with an event that says what the arithmetic cost, memory included, calldata not.
    function measure(uint256[] calldata weights, bytes calldata data, uint256 valid) external {
        uint256 start = gasleft();
        (bytes32 digest, int256[] memory scores,) = fold(weights, data, valid);
        emit Measured(digest, scores, start - gasleft());
    }

    /// @notice `foldPlainly` with an event that says what the arithmetic cost.
    function measurePlainly(uint256[] calldata weights, bytes calldata data, uint256 valid) external {
        uint256 start = gasleft();
        (int256[] memory sums, int256[] memory scores) = foldPlainly(weights, data, valid);
        emit Measured(keccak256(abi.encode(sums)), scores, start - gasleft());
    }

    function _value(bytes1 biased) private pure returns (int256) {
        return int256(uint256(uint8(biased))) - int256(LanePacked.BIAS);
    }
}
