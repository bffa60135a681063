// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Int64Vector } from "../../src/core/Int64Vector.sol";

/// @notice Int64Vector behind external functions, compiled with the contracts' own settings.
contract VectorHarness {
    using Int64Vector for int64[];

    int64[] private _vector;

    function set(int64[] calldata values) external {
        _vector = values;
    }

    function get() external view returns (int64[] memory) {
        return _vector;
    }

    function plainRead(uint256 from, uint256 size) external view returns (int256[] memory buffer) {
        buffer = new int256[](size);
        for (uint256 j; j < size; ++j) {
            buffer[j] = _vector[from + j];
        }
    }

    function read(uint256 from, uint256 size) external view returns (int256[] memory buffer) {
        buffer = new int256[](size);
        _vector.readInto(from, buffer);
    }

    /// @dev As `read`, in memory full of ones. `after0` and `after1` are the two words behind the buffer, afterwards;
    /// `clean` says that the free memory pointer and the zero slot were left alone.
    function readDirty(uint256 from, uint256 size)
        external
        view
        returns (int256[] memory buffer, bytes32 after0, bytes32 after1, bool clean)
    {
        uint256 free = _dirty(size + 8);
        // Solidity equivalent: buffer = new int256[](size), without zeroing it, and two words after it.
        assembly ("memory-safe") {
            buffer := free
            mstore(buffer, size)
            mstore(0x40, add(buffer, add(0x60, shl(5, size)))) // length, entries, two words
        }
        _vector.readInto(from, buffer);
        clean = _untouched(free + 0x60 + 32 * size);
        assembly ("memory-safe") {
            let end := add(buffer, add(0x20, shl(5, mload(buffer))))
            after0 := mload(end)
            after1 := mload(add(end, 0x20))
        }
    }

    /// @dev The sum of the first and the last entry, read the plain way: nothing is returned that would blur what reading costs.
    function plainEnds() external view returns (int256) {
        int256[] memory buffer = new int256[](_vector.length);
        for (uint256 j; j < buffer.length; ++j) {
            buffer[j] = _vector[j];
        }
        return buffer[0] + buffer[buffer.length - 1];
    }

    /// @dev As `plainEnds`, read by slots.
    function ends() external view returns (int256) {
        int256[] memory buffer = new int256[](_vector.length);
        _vector.readInto(0, buffer);
        return buffer[0] + buffer[buffer.length - 1];
    }

    function plainWrite(uint256 from, int256[] memory values) external {
        for (uint256 j; j < values.length; ++j) {
            _vector[from + j] = int64(values[j]);
        }
    }

    function write(uint256 from, int256[] memory values) external {
        _vector.writeFrom(from, values);
    }

    /// @dev As `write`, with ones in memory behind the values.
    function writeDirty(uint256 from, int256[] memory values) external returns (bool clean) {
        uint256 free = _dirty(8);
        _vector.writeFrom(from, values);
        clean = _untouched(free);
    }

    /// @dev Fills `words` words of free memory with ones, and the scratch space too. Nothing is allocated.
    function _dirty(uint256 words) private pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
            for { let p := free } lt(p, add(free, shl(5, words))) { p := add(p, 0x20) } {
                mstore(p, not(0))
            }
            mstore(0x00, not(0))
            mstore(0x20, not(0))
        }
    }

    /// @dev Whether the free memory pointer (0x40) is as expected and the zero slot (0x60) zero.
    function _untouched(uint256 expected) private pure returns (bool clean) {
        assembly ("memory-safe") {
            clean := and(eq(mload(0x40), expected), iszero(mload(0x60)))
        }
    }
}
