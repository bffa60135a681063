// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Eight lanes to a word are what this library is about, and Solidity has none: its loops are assembly, each below its
// equivalent in Solidity.
// slither-disable-start assembly

/// @title Eight numbers in one machine word
/// @notice Weighted sums and inner products of int8 vectors, eight lanes of 32 bits at a time.
///
/// Layout. A row holds one client's values of a chunk, a byte each: u = v + 128, so 0 ≤ u ≤ 255. Of a word of 32 bytes
/// (byte 0 the highest) `(word >> 8q) & LANES` keeps the bytes 3−q, 7−q, …, 31−q, each alone in a lane of 32 bits:
///     group q, lane k (k = 0 the highest)  holds byte 4k + 3 − q.
/// The sums of 32 parameters are four such words, q = 0 … 3; their lanes hold a_j = Σ_i w_i·u_ij = A_j + 128·W.
///
/// Bounds, with W = Σ w_i ≤ 2,048 = 2^11, which `workspace` checks:
///     sums      a_j ≤ 255·W < 2^19: a lane never carries into the next.
///     products  a word x of bytes times a word y of signed A_j in reversed lanes is a polynomial product in 2^32; its
///               top lane is Σ_k x_k·y_k over 8 lanes. Four such products are added first: |Σ| over 32 lanes is at most
///               32·255·128·W = 2,139,095,040 < 2^31, so that adding 2^223 (half of a top lane's unit) and shifting
///               arithmetically by 224 gives it exactly, whatever lies below.
///     total     32·255·W < 2^24 in the top lane when the 32 lanes of four words are summed by one multiplication.
library LanePacked {
    /// @notice Parameters in a chunk.
    uint256 internal constant CHUNK = 1024;
    uint256 internal constant BIAS = 128;
    uint256 internal constant MAX_TOTAL_WEIGHT = 2048;

    uint256 private constant LANES = 0x000000ff000000ff000000ff000000ff000000ff000000ff000000ff000000ff;
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant HALF = 1 << 223;

    error LaneWeightTooLarge(uint256 totalWeight, uint256 maximum);

    /// @notice Memory for one chunk, reused from chunk to chunk since memory that grows gets ever dearer.
    /// @dev The loops take rows, and words of a row, two at a time. So there is room for one more row than clients, with
    /// weight zero, and for 128 zero bytes after the mirror: the odd one out meets a factor of zero.
    /// @param data One row a client, `stride` bytes each, one after the other.
    /// @param lanes The sums: 4·stride bytes.
    /// @param mirror A_j, signed, lanes reversed: 4·stride bytes, then 128 zeros.
    /// @param weights w_i of each row; in memory a zero follows the last one.
    /// @param total W.
    struct Workspace {
        bytes data;
        bytes lanes;
        bytes mirror;
        uint256[] weights;
        uint256 total;
    }

    /// @notice Room for chunks of up to `stride` bytes a client.
    function workspace(uint256[] memory weights, uint256 stride) internal pure returns (Workspace memory ws) {
        uint256 rows = weights.length;
        uint256[] memory copy = new uint256[](rows + 1);
        for (uint256 i; i < rows; ++i) {
            ws.total += copy[i] = weights[i];
        }
        if (ws.total > MAX_TOTAL_WEIGHT) revert LaneWeightTooLarge(ws.total, MAX_TOTAL_WEIGHT);
        assembly ("memory-safe") {
            mstore(copy, rows) // the zero stays behind the last weight
        }
        ws.weights = copy;
        ws.data = new bytes((rows + 1) * stride);
        ws.lanes = new bytes(4 * stride);
        ws.mirror = new bytes(4 * stride + 128);
    }

    /// @notice Sum the chunk in `ws.data` and add each row's share w_i·⟨v_i, A⟩ to `scores[i]`.
    /// @param ws The chunk; its rows are `stride` bytes apart and start at the first byte of `data`.
    /// @param stride Bytes of a row, a multiple of 32.
    /// @param valid Parameters in a row; what follows them, fewer than 32 bytes, is read as zeros.
    /// @param scores One a row.
    /// @return digest keccak256 of the chunk's sums, 4·stride bytes of lanes.
    function fold(Workspace memory ws, uint256 stride, uint256 valid, int256[] memory scores)
        internal
        pure
        returns (bytes32 digest)
    {
        if (valid != stride) _clearTail(ws, stride, stride - valid);
        int256 total = _sum(ws, stride);
        _mirror(ws, stride);
        _score(ws, stride, total, scores);
        bytes memory lanes = ws.lanes;
        assembly ("memory-safe") {
            digest := keccak256(add(lanes, 0x20), shl(2, stride))
        }
    }

    /// @dev Set the last `tail` bytes of each row, fewer than 32, to 128, which stands for zero.
    function _clearTail(Workspace memory ws, uint256 stride, uint256 tail) private pure {
        bytes memory data = ws.data;
        uint256 rows = ws.weights.length;
        uint256 mask = (1 << (8 * tail)) - 1; // the lowest `tail` bytes: they come last in memory
        // exact: 255 divides 2^256 − 1, which makes a one in every byte
        // slither-disable-next-line divide-before-multiply
        uint256 zeros = (type(uint256).max / 255 * BIAS) & mask;
        assembly ("memory-safe") {
            let last := add(data, stride) // the row's last word: data + 32 + stride − 32
            for { let i := 0 } lt(i, rows) { i := add(i, 1) } {
                mstore(last, or(and(mload(last), not(mask)), zeros))
                last := add(last, stride)
            }
        }
    }

    /// @dev Fill `ws.lanes` and return Σ_j A_j.
    /// Solidity equivalent: for each j: for each i: a[j] += weights[i] * uint8(data[i * stride + j]);
    function _sum(Workspace memory ws, uint256 stride) private pure returns (int256 total) {
        bytes memory data = ws.data;
        bytes memory lanes = ws.lanes;
        uint256[] memory weights = ws.weights;
        assembly ("memory-safe") {
            let first := add(weights, 0x20)
            let last := add(first, shl(5, mload(weights)))
            let target := add(lanes, 0x20)
            let column := add(data, 0x20)
            for { let end := add(column, stride) } lt(column, end) { column := add(column, 0x20) } {
                let a := 0
                let b := 0
                let c := 0
                let d := 0
                let row := column
                for { let weight := first } lt(weight, last) { weight := add(weight, 0x40) } {
                    let x := mload(row)
                    let v := mload(weight)
                    row := add(row, stride)
                    let y := mload(row) // the next row
                    let w := mload(add(weight, 0x20))
                    row := add(row, stride)
                    a := add(a, add(mul(and(x, LANES), v), mul(and(y, LANES), w))) // bytes 3, 7, …, 31
                    b := add(b, add(mul(and(shr(8, x), LANES), v), mul(and(shr(8, y), LANES), w))) // 2, 6, …, 30
                    c := add(c, add(mul(and(shr(16, x), LANES), v), mul(and(shr(16, y), LANES), w))) // 1, 5, …, 29
                    d := add(d, add(mul(and(shr(24, x), LANES), v), mul(and(shr(24, y), LANES), w))) // 0, 4, …, 28
                }
                mstore(target, a)
                mstore(add(target, 0x20), b)
                mstore(add(target, 0x40), c)
                mstore(add(target, 0x60), d)
                target := add(target, 0x80)
                // The top lane of y·ONES is the sum of y's lanes.
                total := add(total, shr(224, mul(add(add(a, b), add(c, d)), ONES)))
            }
        }
        unchecked {
            total -= int256(BIAS * ws.total * stride); // a_j − 128·W for stride values; far from 2^255
        }
    }

    /// @dev Fill `ws.mirror`: each word of `ws.lanes` with its eight lanes in reverse order, minus 128·W in each lane
    /// (a lane below zero borrows from the one above: the word as a whole is Σ_k A_k·2^(32k), modulo 2^256).
    function _mirror(Workspace memory ws, uint256 stride) private pure {
        bytes memory lanes = ws.lanes;
        bytes memory mirror = ws.mirror;
        uint256 bias = ONES * (BIAS * ws.total); // 128·W ≤ 2^18 in each lane: no carry
        assembly ("memory-safe") {
            function reverseLanes(x) -> y {
                y := or(shr(128, x), shl(128, x)) // swap halves
                y := or(
                    and(shr(64, y), 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff),
                    shl(64, and(y, 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff))
                ) // swap quarters
                y := or(
                    and(shr(32, y), 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff),
                    shl(32, and(y, 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff))
                ) // swap eighths
            }
            let target := add(mirror, 0x20)
            let source := add(lanes, 0x20)
            for { let end := add(source, shl(2, stride)) } lt(source, end) { source := add(source, 0x80) } {
                mstore(target, sub(reverseLanes(mload(source)), bias))
                mstore(add(target, 0x20), sub(reverseLanes(mload(add(source, 0x20))), bias))
                mstore(add(target, 0x40), sub(reverseLanes(mload(add(source, 0x40))), bias))
                mstore(add(target, 0x60), sub(reverseLanes(mload(add(source, 0x60))), bias))
                target := add(target, 0x80)
            }
            // what a longer chunk left behind
            mstore(target, 0)
            mstore(add(target, 0x20), 0)
            mstore(add(target, 0x40), 0)
            mstore(add(target, 0x60), 0)
        }
    }

    /// @dev scores[i] += w_i·Σ_j v_ij·A_j.
    /// Solidity equivalent: for each i: for each j: scores[i] += weights[i] * (int(uint8(data[i * stride + j])) − 128) * A[j];
    /// The lanes hold u = v + 128, so 128·Σ_j A_j is taken off again.
    function _score(Workspace memory ws, uint256 stride, int256 total, int256[] memory scores) private pure {
        bytes memory data = ws.data;
        bytes memory mirror = ws.mirror;
        uint256[] memory weights = ws.weights;
        assembly ("memory-safe") {
            let row := add(data, 0x20)
            let weight := add(weights, 0x20)
            let score := add(scores, 0x20)
            for { let last := add(weight, shl(5, mload(weights))) } lt(weight, last) { weight := add(weight, 0x20) } {
                let t := 0
                let y := add(mirror, 0x20)
                let word := row
                row := add(row, stride)
                for { } lt(word, row) { word := add(word, 0x40) } {
                    let x := mload(word)
                    let z := mload(add(word, 0x20))
                    t := add(
                        t,
                        add(
                            sar(
                                224,
                                add(
                                    add(
                                        add(
                                            mul(and(x, LANES), mload(y)),
                                            mul(and(shr(8, x), LANES), mload(add(y, 0x20)))
                                        ),
                                        add(
                                            mul(and(shr(16, x), LANES), mload(add(y, 0x40))),
                                            mul(and(shr(24, x), LANES), mload(add(y, 0x60)))
                                        )
                                    ),
                                    HALF
                                )
                            ),
                            sar(
                                224,
                                add(
                                    add(
                                        add(
                                            mul(and(z, LANES), mload(add(y, 0x80))),
                                            mul(and(shr(8, z), LANES), mload(add(y, 0xa0)))
                                        ),
                                        add(
                                            mul(and(shr(16, z), LANES), mload(add(y, 0xc0))),
                                            mul(and(shr(24, z), LANES), mload(add(y, 0xe0)))
                                        )
                                    ),
                                    HALF
                                )
                            )
                        )
                    )
                    y := add(y, 0x100)
                }
                // |w_i·(t − 128·Σ A)| ≤ 2^11 · 2^10 · 2^7 · 2^18 a chunk: far from 2^255.
                mstore(score, add(mload(score), mul(mload(weight), sub(t, shl(7, total)))))
                score := add(score, 0x20)
            }
        }
    }
}
// slither-disable-end assembly
