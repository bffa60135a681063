// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Thirty picks to a word are what this library is about, and Solidity has none: its loops are assembly, each below its
// equivalent in Solidity.
// slither-disable-start assembly

/// @title Inner products of sparse int8 vectors, thirty blocks of parameters at a time
/// @notice A sparse update picks one parameter of each block of 64: an index x_b in the block, and a value v_b of int8. Two
/// of them meet in the blocks where they picked the same parameter:
///     D_ik = Σ_b [x_ib = x_kb]·v_ib·v_kb          (the Gram matrix of the updates, never the average)
///
/// Layout. A plane holds a client's indices, or its values, a byte a block. A word takes thirty picks, pick j = 0 … 29 in
/// its byte 29−j, counted from the lowest; a strip is six words. A word is ten lanes of three bytes; `& T0`, `& T1`, `& T2`
/// keep one byte of each lane, alone in its 24 bits. For a product one word has its lanes in reverse order, and byte g of a
/// lane moved to byte 2−g of it: a pick in byte g of lane l and the same pick of the reversed word then meet in the top
/// lane, from bit (24·l + 8·g) + (24·(9−l) + 8·(2−g)) = 232 on, where a product of two groups has Σ_j a_j·b_j.
///
/// Equal indices. x ^ y is at most 63 in each byte, so 128 − (x ^ y) borrows from nobody, and its highest bit is set where
/// x = y: times 255 that bit is a mask for the values.
///
/// Bounds. One side of a product is u = v + 128 (0 … 255; 128 where nothing is met), the other is v, signed. Over a strip
/// |Σ u·v| ≤ 180·255·128 = 5,875,200 < 2^23: adding 2^231 (half of the top lane's unit) and shifting arithmetically by 232
/// gives the top lane exactly, whatever lies below. 128·Σ_b v_kb is too much then, and is taken off at the end.
library SparseGram {
    /// @notice Parameters of which an update picks one.
    uint256 internal constant BLOCK = 64;
    /// @notice Blocks in a strip: planes are padded to whole strips, with zeros.
    uint256 internal constant STRIP = 180;

    uint256 private constant WORD = 30; // picks in a word
    uint256 private constant TWO_WORDS = 60;
    // A client's strip, prepared: six times indices, values, three reversed groups; then Σ u·v and 128·Σ v of all strips.
    uint256 private constant RECORD = 1024;
    uint256 private constant HALF = 1 << 231;
    uint256 private constant INDICES = 0x00003f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f;
    uint256 private constant BIAS = 0x0000808080808080808080808080808080808080808080808080808080808080;
    uint256 private constant EVEN_BYTES = 0x000000ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_LANES = 0x0000000000ffffff000000ffffff000000ffffff000000ffffff000000ffffff;
    uint256 private constant ODD_PAIRS = 0x0000000000000000ffffffffffff000000000000ffffffffffff000000000000;
    uint256 private constant MIDDLE_PAIR = 0x0000000000000000000000000000ffffffffffff000000000000000000000000;
    uint256 private constant B0 = 0x0000000080000080000080000080000080000080000080000080000080000080; // 128 in each lane of T0
    uint256 private constant T0 = 0x00000000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff;
    uint256 private constant T1 = 0x000000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff00;
    uint256 private constant T2 = 0x0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000ff0000;
    uint256 private constant PAIRS = 0x0001000100010001000100010001000100010001000100010001000100010001;

    /// @notice Add a page's share of D_ik, i ≤ k, to `gram`.
    /// @param planes Each client's indices, then its values, `width` bytes each; after the last one 2 more bytes.
    /// @param width A multiple of STRIP.
    /// @param n Clients.
    /// @param gram n·n entries, row by row; those below the diagonal are left alone.
    function fold(bytes memory planes, uint256 width, uint256 n, int256[] memory gram) internal pure {
        bytes memory records = new bytes(n * RECORD);
        for (uint256 from; from < width; from += STRIP) {
            _prepare(planes, from, width, records);
            _multiply(records, n, gram);
        }
        _unbias(records, n, gram);
    }

    /// @notice S_i = c_i·Σ_k c_k·D_ik.
    /// @param gram As `fold` fills it.
    /// @param c With n entries, at most 2^43 together; |D_ik| ≤ 2^30, so that nothing comes near 2^255.
    /// @dev Solidity equivalent, for each i ≤ k: scores[i] += c[i] * c[k] * gram[i, k]; if (i != k) scores[k] += the same;
    function score(int256[] memory gram, uint256[] memory c) internal pure returns (int256[] memory scores) {
        scores = new int256[](c.length);
        assembly ("memory-safe") {
            let entry := add(gram, 0x20)
            let ci := add(c, 0x20)
            let end := add(ci, shl(5, mload(c)))
            for { let si := add(scores, 0x20) } lt(ci, end) { si := add(si, 0x20) } {
                let w := mload(ci)
                let s := add(mload(si), mul(w, mload(entry))) // Σ_{k ≤ i} c_k·D_ik: the rows above have added theirs
                let sk := add(si, 0x20)
                for { let ck := add(ci, 0x20) } lt(ck, end) { ck := add(ck, 0x20) } {
                    entry := add(entry, 0x20)
                    let d := mload(entry)
                    s := add(s, mul(mload(ck), d))
                    mstore(sk, add(mload(sk), mul(w, d)))
                    sk := add(sk, 0x20)
                }
                mstore(si, mul(w, s))
                ci := add(ci, 0x20)
                // from the row's end to the next row's diagonal: as far as the diagonal is from the row's beginning, and one
                entry := add(entry, add(0x20, sub(ci, add(c, 0x20))))
            }
        }
    }

    /// @dev Solidity equivalent, for each i: gram[i, i] += diagonals[i]; for each i ≤ k: gram[i, k] −= biases[k];
    function _unbias(bytes memory records, uint256 n, int256[] memory gram) private pure {
        assembly ("memory-safe") {
            let end := add(add(records, 0x20), mload(records))
            let row := add(gram, 0x20)
            for { let diagonal := add(records, 0x3e0) } lt(diagonal, end) { diagonal := add(diagonal, RECORD) } {
                mstore(row, add(mload(row), mload(diagonal)))
                let entry := row
                for { let bias := add(diagonal, 0x20) } lt(bias, end) { bias := add(bias, RECORD) } {
                    mstore(entry, sub(mload(entry), mload(bias)))
                    entry := add(entry, 0x20)
                }
                row := add(row, shl(5, add(n, 1)))
            }
        }
    }

    /// @dev Fill `records` with the strip that begins at `from` of each plane.
    /// Solidity equivalent, for each client i and block b of the strip:
    ///     record[i] = (index & 63, value, value reversed); diagonals[i] += (v + 128) * v; biases[i] += 128 * v;
    function _prepare(bytes memory planes, uint256 from, uint256 width, bytes memory records) private pure {
        assembly ("memory-safe") {
            let source := add(add(planes, 0x20), from)
            let target := add(records, 0x20)
            for { let last := add(target, mload(records)) } lt(target, last) { target := add(target, 0x40) } {
                let d := HALF
                let s := 0
                let low := 0
                for { let end := add(source, STRIP) } lt(source, end) { source := add(source, TWO_WORDS) } {
                    mstore(target, and(shr(16, mload(source)), INDICES))
                    let u := shr(16, mload(add(source, width)))
                    mstore(add(target, 0x20), u)
                    u := xor(u, BIAS)
                    // Sums of six words of 240 bits: nothing is lost.
                    s := add(s, u)
                    low := add(low, and(u, EVEN_BYTES))
                    // The word's lanes in reverse order: neighbors, then five pairs, of which the middle one stays. What comes
                    // to lie above bit 240 is in no group. `add` for `or`: the optimizer would distribute the shifts over an
                    // `or`, which costs more.
                    let r := add(shl(24, and(u, EVEN_LANES)), and(shr(24, u), EVEN_LANES))
                    let x := and(r, ODD_PAIRS)
                    x := add(and(r, MIDDLE_PAIR), add(shl(96, x), shr(96, x)))
                    r := add(x, add(shl(192, r), shr(192, r)))
                    // v = u − 128 in each lane; one below zero borrows from the lane above: the word is Σ_k v_k·2^(24k)
                    x := sub(and(shr(16, r), T0), B0)
                    mstore(add(target, 0x40), x)
                    d := add(d, mul(x, and(u, T2)))
                    x := sub(and(r, T1), shl(8, B0))
                    mstore(add(target, 0x60), x)
                    d := add(d, mul(x, and(u, T1)))
                    x := sub(and(shl(16, r), T2), shl(16, B0))
                    mstore(add(target, 0x80), x)
                    d := add(d, mul(x, and(u, T0)))
                    // The second word, just as the first: a loop over single ones would cost a tenth more.
                    mstore(add(target, 0xa0), and(shr(16, mload(add(source, WORD))), INDICES))
                    u := shr(16, mload(add(add(source, WORD), width)))
                    mstore(add(target, 0xc0), u)
                    u := xor(u, BIAS)
                    s := add(s, u)
                    low := add(low, and(u, EVEN_BYTES))
                    r := add(shl(24, and(u, EVEN_LANES)), and(shr(24, u), EVEN_LANES))
                    x := and(r, ODD_PAIRS)
                    x := add(and(r, MIDDLE_PAIR), add(shl(96, x), shr(96, x)))
                    r := add(x, add(shl(192, r), shr(192, r)))
                    x := sub(and(shr(16, r), T0), B0)
                    mstore(add(target, 0xe0), x)
                    d := add(d, mul(x, and(u, T2)))
                    x := sub(and(r, T1), shl(8, B0))
                    mstore(add(target, 0x100), x)
                    d := add(d, mul(x, and(u, T1)))
                    x := sub(and(shl(16, r), T2), shl(16, B0))
                    mstore(add(target, 0x120), x)
                    d := add(d, mul(x, and(u, T0)))
                    target := add(target, 0x140)
                }
                source := add(source, sub(shl(1, width), STRIP)) // the next client's
                // Sums of bytes, a lane of 16 bits each: of two bytes of six words at most 3,060. Σ u is the top lane of them
                // times PAIRS, at most 45,900; 128·180 = 23,040 of it is bias.
                s := add(low, shr(8, sub(s, low)))
                mstore(target, add(mload(target), sar(232, d)))
                let bias := add(target, 0x20)
                mstore(bias, add(mload(bias), shl(7, sub(shr(240, mul(s, PAIRS)), 23040))))
            }
        }
    }

    /// @dev Add the strip's Σ u_i·v_k over equal indices, u_i = 128 where they differ, to gram[i, k], i < k.
    /// Solidity equivalent, for each i < k and block b: gram[i, k] += ((x_i == x_k ? v_i : 0) + 128) * v_k;
    /// Six words by hand, and those of client i read once for all k: a loop over them would cost a tenth more.
    function _multiply(bytes memory records, uint256 n, int256[] memory gram) private pure {
        assembly ("memory-safe") {
            let p := add(records, 0x20)
            let end := add(p, mload(records))
            let row := add(gram, 0x40) // right of the diagonal
            for { } lt(p, end) { } {
                let x0 := mload(p)
                let v0 := mload(add(p, 0x20))
                let x1 := mload(add(p, 0xa0))
                let v1 := mload(add(p, 0xc0))
                let x2 := mload(add(p, 0x140))
                let v2 := mload(add(p, 0x160))
                let x3 := mload(add(p, 0x1e0))
                let v3 := mload(add(p, 0x200))
                let x4 := mload(add(p, 0x280))
                let v4 := mload(add(p, 0x2a0))
                let x5 := mload(add(p, 0x320))
                let v5 := mload(add(p, 0x340))
                p := add(p, RECORD)
                let target := row
                for { let q := p } lt(q, end) { q := add(q, RECORD) } {
                    let t := mul(255, shr(7, and(BIAS, sub(BIAS, xor(x0, mload(q))))))
                    t := xor(BIAS, and(v0, t))
                    let e := add(HALF, mul(and(t, T2), mload(add(q, 0x40))))
                    e := add(e, mul(and(t, T1), mload(add(q, 0x60))))
                    e := add(e, mul(and(t, T0), mload(add(q, 0x80))))
                    t := mul(255, shr(7, and(BIAS, sub(BIAS, xor(x1, mload(add(q, 0xa0)))))))
                    t := xor(BIAS, and(v1, t))
                    e := add(e, mul(and(t, T2), mload(add(q, 0xe0))))
                    e := add(e, mul(and(t, T1), mload(add(q, 0x100))))
                    e := add(e, mul(and(t, T0), mload(add(q, 0x120))))
                    t := mul(255, shr(7, and(BIAS, sub(BIAS, xor(x2, mload(add(q, 0x140)))))))
                    t := xor(BIAS, and(v2, t))
                    e := add(e, mul(and(t, T2), mload(add(q, 0x180))))
                    e := add(e, mul(and(t, T1), mload(add(q, 0x1a0))))
                    e := add(e, mul(and(t, T0), mload(add(q, 0x1c0))))
                    t := mul(255, shr(7, and(BIAS, sub(BIAS, xor(x3, mload(add(q, 0x1e0)))))))
                    t := xor(BIAS, and(v3, t))
                    e := add(e, mul(and(t, T2), mload(add(q, 0x220))))
                    e := add(e, mul(and(t, T1), mload(add(q, 0x240))))
                    e := add(e, mul(and(t, T0), mload(add(q, 0x260))))
                    t := mul(255, shr(7, and(BIAS, sub(BIAS, xor(x4, mload(add(q, 0x280)))))))
                    t := xor(BIAS, and(v4, t))
                    e := add(e, mul(and(t, T2), mload(add(q, 0x2c0))))
                    e := add(e, mul(and(t, T1), mload(add(q, 0x2e0))))
                    e := add(e, mul(and(t, T0), mload(add(q, 0x300))))
                    t := mul(255, shr(7, and(BIAS, sub(BIAS, xor(x5, mload(add(q, 0x320)))))))
                    t := xor(BIAS, and(v5, t))
                    e := add(e, mul(and(t, T2), mload(add(q, 0x360))))
                    e := add(e, mul(and(t, T1), mload(add(q, 0x380))))
                    e := add(e, mul(and(t, T0), mload(add(q, 0x3a0))))
                    mstore(target, add(mload(target), sar(232, e)))
                    target := add(target, 0x20)
                }
                row := add(row, shl(5, add(n, 1)))
            }
        }
    }
}
// slither-disable-end assembly
