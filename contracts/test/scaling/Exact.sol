// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A round computed slowly and obviously: what every rung must agree with.
library Exact {
    struct Result {
        int256[] sums;
        int256[] scores;
        int256[][] chunkScores;
        uint256 total;
    }

    /// @param rows One a client, bytes u = v + 128; longer than P when padded.
    function compute(bytes[] memory rows, uint256[] memory weights, uint256 parameters)
        internal
        pure
        returns (Result memory r)
    {
        r.sums = new int256[](parameters);
        r.scores = new int256[](rows.length);
        r.chunkScores = new int256[][]((parameters + 1023) / 1024);
        for (uint256 k; k < r.chunkScores.length; ++k) {
            r.chunkScores[k] = new int256[](rows.length);
        }
        for (uint256 i; i < rows.length; ++i) {
            r.total += weights[i];
            for (uint256 j; j < parameters; ++j) {
                r.sums[j] += int256(weights[i]) * value(rows[i], j);
            }
        }
        for (uint256 i; i < rows.length; ++i) {
            for (uint256 j; j < parameters; ++j) {
                int256 part = int256(weights[i]) * value(rows[i], j) * r.sums[j];
                r.scores[i] += part;
                r.chunkScores[j / 1024][i] += part;
            }
        }
    }

    function value(bytes memory row, uint256 j) internal pure returns (int256) {
        return int256(uint256(uint8(row[j]))) - 128;
    }

    /// @notice h_k: hash of chunk k's sums in lanes.
    function chunkHash(Result memory r, uint256 k) internal pure returns (bytes32) {
        uint256 left = r.sums.length - 1024 * k;
        uint256 stride = ((left < 1024 ? left : 1024) + 31) / 32 * 32;
        bytes memory lanes = new bytes(4 * stride);
        for (uint256 place; place < stride; ++place) {
            uint256 j = 1024 * k + place;
            int256 biased = (j < r.sums.length ? r.sums[j] : int256(0)) + 128 * int256(r.total);
            // value at byte 4l + 3 − q of its word: group q, lane l
            uint256 offset = 4 * (place / 32 * 32) + 32 * (3 - place % 4) + 4 * (place % 32 / 4);
            for (uint256 b; b < 4; ++b) {
                lanes[offset + b] = bytes1(uint8(uint256(biased) >> (8 * (3 - b))));
            }
        }
        return keccak256(lanes);
    }

    /// @notice Digest chain of rungs 0 to 2.
    function chain(Result memory r) internal pure returns (bytes32 digest) {
        for (uint256 k; k < r.chunkScores.length; ++k) {
            digest = keccak256(abi.encode(digest, chunkHash(r, k)));
        }
    }

    /// @notice Root of the sum tree of rungs 3 and 4.
    function root(Result memory r) internal pure returns (bytes32) {
        uint256 width = 1;
        while (width < r.chunkScores.length) width *= 2;
        bytes32[] memory hashes = new bytes32[](width);
        int256[][] memory scores = new int256[][](width);
        for (uint256 k; k < width; ++k) {
            scores[k] = new int256[](r.scores.length);
            if (k < r.chunkScores.length) (hashes[k], scores[k]) = (chunkHash(r, k), r.chunkScores[k]);
        }
        for (; width > 1; width /= 2) {
            for (uint256 k; k < width / 2; ++k) {
                bytes32 left = keccak256(abi.encodePacked(hashes[2 * k], scores[2 * k]));
                bytes32 right = keccak256(abi.encodePacked(hashes[2 * k + 1], scores[2 * k + 1]));
                hashes[k] = keccak256(abi.encode(left, right));
                int256[] memory sum = new int256[](r.scores.length);
                for (uint256 i; i < sum.length; ++i) {
                    sum[i] = scores[2 * k][i] + scores[2 * k + 1][i];
                }
                scores[k] = sum;
            }
        }
        return hashes[0];
    }

    /// @notice Merkle root of a client's part (one part: at most 120 chunks).
    function partRoot(bytes memory row) internal pure returns (bytes32) {
        uint256 count = (row.length + 1023) / 1024;
        uint256 width = 1;
        while (width < count) width *= 2;
        bytes32[] memory nodes = new bytes32[](width);
        for (uint256 k; k < count; ++k) {
            nodes[k] = keccak256(slice(row, 1024 * k, 1024));
        }
        for (; width > 1; width /= 2) {
            for (uint256 k; k < width / 2; ++k) {
                nodes[k] = keccak256(abi.encode(nodes[2 * k], nodes[2 * k + 1]));
            }
        }
        return nodes[0];
    }

    /// @notice c_k of rung 2's commitment.
    function head(bytes memory row, uint256 k) internal pure returns (bytes32 c) {
        for (uint256 chunk = (row.length + 1023) / 1024; chunk > k; --chunk) {
            c = keccak256(abi.encode(keccak256(slice(row, 1024 * (chunk - 1), 1024)), c));
        }
    }

    /// @notice Up to `size` bytes from `from` on.
    function slice(bytes memory data, uint256 from, uint256 size) internal pure returns (bytes memory part) {
        uint256 left = data.length - from;
        part = new bytes(left < size ? left : size);
        for (uint256 i; i < part.length; ++i) {
            part[i] = data[from + i];
        }
    }
}
