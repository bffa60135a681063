// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Vectors of int64 in storage, four to a slot
/// @notice Solidity packs `int64[]` four to a slot, but handles it one entry at a time: a length check, a slot address
/// and an SLOAD each. On top of the 525 gas that a quarter of a cold slot costs, reading an entry so takes more than
/// 400 gas; slot by slot it takes less than 50.
library Int64Vector {
    /// @notice Make the vector `length` entries long without touching them: zeros where nothing was written.
    /// Solidity does that entry by entry, and has no word for it.
    function resize(int64[] storage vector, uint256 length) internal {
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            sstore(vector.slot, length)
        }
    }

    /// @notice Copy entries [from, from + buffer.length) into `buffer`, sign-extended to 256 bits.
    /// @dev `from` must be a multiple of four and the range must lie inside the vector: callers check both.
    /// Solidity equivalent: for (uint256 j; j < buffer.length; ++j) buffer[j] = vector[from + j];
    /// Entry j of a slot lies at bits 64·(j mod 4) … 64·(j mod 4) + 63; the vector's slots start at keccak256(its slot).
    /// @param vector The packed vector.
    /// @param from First entry, a multiple of four.
    /// @param buffer Where the entries go; it is reused from call to call, since memory that grows gets ever dearer.
    function readInto(int64[] storage vector, uint256 from, int256[] memory buffer) internal view {
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            mstore(0x00, vector.slot)
            let slot := add(keccak256(0x00, 0x20), shr(2, from))
            let target := add(buffer, 0x20)
            let end := add(target, shl(5, mload(buffer)))
            for { } gt(end, add(target, 0x60)) { slot := add(slot, 1) } {
                // Whole slots: four lanes at a time.
                let word := sload(slot)
                mstore(target, signextend(7, word)) // bits 0–63, with their sign
                mstore(add(target, 0x20), signextend(7, shr(64, word))) // bits 64–127
                mstore(add(target, 0x40), signextend(7, shr(128, word))) // bits 128–191
                mstore(add(target, 0x60), sar(192, word)) // bits 192–255
                target := add(target, 0x80)
            }
            if lt(target, end) {
                // The rest of the last slot, one to three lanes: nothing is written past the buffer's end.
                for { let word := sload(slot) } lt(target, end) { target := add(target, 0x20) } {
                    mstore(target, signextend(7, word))
                    word := shr(64, word)
                }
            }
        }
    }

    /// @notice Overwrite entries [from, from + values.length) of a vector with `values`.
    /// @dev `from` must be a multiple of four; the range must lie inside the vector and end with a whole slot or with
    /// the vector; every value must fit int64: callers check all three. Layout as in `readInto`.
    /// Solidity equivalent: for (uint256 j; j < values.length; ++j) vector[from + j] = int64(values[j]);
    /// @param vector The packed vector.
    /// @param from First entry, a multiple of four.
    /// @param values The new entries.
    function writeFrom(int64[] storage vector, uint256 from, int256[] memory values) internal {
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            mstore(0x00, vector.slot)
            let slot := add(keccak256(0x00, 0x20), shr(2, from))
            let source := add(values, 0x20)
            let end := add(source, shl(5, mload(values)))
            for { } lt(source, end) { slot := add(slot, 1) } {
                let word := 0
                // Up to four lanes; those after the vector's last entry are zero, as Solidity keeps them.
                for { let shift := 0 } and(lt(shift, 256), lt(source, end)) { shift := add(shift, 64) } {
                    // Bits 0–63 of the value, moved to bits shift … shift + 63 of the word.
                    word := or(word, shl(shift, and(mload(source), 0xffffffffffffffff)))
                    source := add(source, 0x20)
                }
                sstore(slot, word)
            }
        }
    }
}
