// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Exact } from "./Exact.sol";

/// @notice Sparse updates, a pick a block, and their round computed slowly and obviously: what rung 5 must agree with.
library Picks {
    /// @param indices A byte a block; the two highest bits mean nothing.
    /// @param values An int8 a block.
    struct Row {
        bytes indices;
        bytes values;
    }

    /// @notice A row of all rungs, bytes u = v + 128, in which at most one value of each block of 64 is not zero.
    /// @dev The two bits of an index that mean nothing are set at random. What lies beyond the last parameter, where there
    /// is nothing before it in its block, is picked as well.
    function fromRow(bytes memory row, uint256 parameters) internal pure returns (Row memory r) {
        uint256 blocks = (parameters + 63) / 64;
        (r.indices, r.values) = (new bytes(blocks), new bytes(blocks));
        for (uint256 b; b < blocks; ++b) {
            uint256 noise = uint256(keccak256(abi.encode(row.length, b))) % 4 << 6;
            r.indices[b] = bytes1(uint8(noise));
            for (uint256 x; x < 64; ++x) {
                uint256 j = 64 * b + x;
                if (j >= row.length || row[j] == 0x80) continue;
                (r.indices[b], r.values[b]) = (bytes1(uint8(noise | x)), row[j] ^ 0x80);
            }
        }
    }

    /// @notice Page `k` of pages of `size` blocks.
    function page(Row memory r, uint256 k, uint256 size) internal pure returns (bytes memory) {
        return abi.encodePacked(Exact.slice(r.indices, k * size, size), Exact.slice(r.values, k * size, size));
    }

    /// @notice c_0 of client i in `round`.
    function head(Row memory r, uint256 size, uint256 round, uint256 i) internal pure returns (bytes32) {
        return tail(r, size, round, i, 0);
    }

    /// @notice c_k.
    function tail(Row memory r, uint256 size, uint256 round, uint256 i, uint256 k) internal pure returns (bytes32 c) {
        c = bytes32(round * 256 + i);
        for (uint256 last = (r.indices.length + size - 1) / size; last > k; --last) {
            c = keccak256(abi.encode(keccak256(page(r, last - 1, size)), c));
        }
    }

    /// @notice S_i = c_i·Σ_j v_ij·A_j with A_j = Σ_i c_i·v_ij, parameter by parameter.
    function scores(Row[] memory rows, uint256[] memory c, uint256 parameters)
        internal
        pure
        returns (int256[] memory found)
    {
        int256[] memory sums = new int256[](parameters);
        found = new int256[](rows.length);
        for (uint256 i; i < rows.length; ++i) {
            for (uint256 b; b < rows[i].indices.length; ++b) {
                (uint256 j, int256 v) = pick(rows[i], b);
                if (j < parameters) sums[j] += int256(c[i]) * v;
            }
        }
        for (uint256 i; i < rows.length; ++i) {
            for (uint256 b; b < rows[i].indices.length; ++b) {
                (uint256 j, int256 v) = pick(rows[i], b);
                if (j < parameters) found[i] += int256(c[i]) * v * sums[j];
            }
        }
    }

    /// @notice ‖v‖².
    function norm(Row memory r, uint256 parameters) internal pure returns (uint256 square) {
        for (uint256 b; b < r.indices.length; ++b) {
            (uint256 j, int256 v) = pick(r, b);
            if (j < parameters) square += uint256(v * v);
        }
    }

    /// @notice c_i = w_i·f_i of clipped updates. The median is the smallest norm such that those not longer hold half of the
    /// samples; f_i is found by trying its bits, from the highest down.
    function clip(Row[] memory rows, uint256[] memory w, uint256 parameters)
        internal
        pure
        returns (uint256[] memory c)
    {
        c = new uint256[](rows.length);
        uint256[] memory norms = new uint256[](rows.length);
        uint256 total;
        uint256 most = type(uint256).max;
        for (uint256 i; i < rows.length; ++i) {
            total += w[i];
            norms[i] = norm(rows[i], parameters);
        }
        for (uint256 i; i < rows.length; ++i) {
            uint256 held;
            for (uint256 k; k < rows.length; ++k) {
                if (norms[k] <= norms[i]) held += w[k];
            }
            if (2 * held >= total && norms[i] < most) most = norms[i];
        }
        for (uint256 i; i < rows.length; ++i) {
            uint256 f = norms[i] <= most ? 1 << 32 : 0;
            for (uint256 bit = 1 << 31; norms[i] > most && bit > 0; bit >>= 1) {
                if ((f + bit) * (f + bit) * norms[i] <= most << 64) f += bit;
            }
            c[i] = w[i] * f;
        }
    }

    function pick(Row memory r, uint256 b) internal pure returns (uint256 j, int256 v) {
        return (64 * b + uint8(r.indices[b]) % 64, int256(int8(uint8(r.values[b]))));
    }
}
