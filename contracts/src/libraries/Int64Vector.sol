// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Vectors of int64 in storage, four to a slot
/// @notice Solidity packs `int64[]` four to a slot, but reads it one entry at a time: a length check, a slot address
/// and a warm SLOAD each, some 350 gas an entry. Reading slot by slot costs a quarter of that.
library Int64Vector {
    /// @notice Copy entries [from, from + buffer.length) into `buffer`, sign-extended to 256 bits.
    /// @dev `from` must be a multiple of four and the range must lie inside the vector: callers check both.
    /// Solidity equivalent: for (uint256 j; j < buffer.length; ++j) buffer[j] = vector[from + j];
    /// Entry j of a slot lies at bits 64·(j mod 4) … 64·(j mod 4) + 63; the vector's slots start at keccak256(its slot).
    /// @param vector The packed vector.
    /// @param from First entry, a multiple of four.
    /// @param buffer Where the entries go; it is reused from call to call, since memory that grows gets ever dearer.
    function readInto(int64[] storage vector, uint256 from, int256[] memory buffer) internal view {
        assembly ("memory-safe") {
            mstore(0x00, vector.slot)
            let slot := add(keccak256(0x00, 0x20), shr(2, from))
            let target := add(buffer, 0x20)
            let end := add(target, shl(5, mload(buffer)))
            for { } lt(target, end) { slot := add(slot, 1) } {
                let word := sload(slot)
                // Up to four lanes; the last slot may hold fewer, and nothing is written past the buffer's end.
                for { let lanes := 4 } and(gt(lanes, 0), lt(target, end)) { lanes := sub(lanes, 1) } {
                    mstore(target, signextend(7, word)) // bytes 0–7 of the word, with their sign
                    word := shr(64, word)
                    target := add(target, 0x20)
                }
            }
        }
    }
}
