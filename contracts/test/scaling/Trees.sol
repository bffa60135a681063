// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IOptimisticRung } from "../../src/scaling/IOptimisticRung.sol";
import { Exact } from "./Exact.sol";

/// @notice Sum trees and part trees, kept whole, node by node: what proposers and watchers have off the chain.
/// @dev Node 1 is the root, below node i are 2i and 2i + 1, and leaf k is node `width` + k.
library Trees {
    struct Tree {
        uint256 width;
        bytes32[] hashes;
        int256[][] scores;
    }

    /// @notice The true tree, its upper nodes not yet computed: leaves may be changed first, see `grow`.
    function leaves(Exact.Result memory r) internal pure returns (Tree memory t) {
        t.width = 1;
        while (t.width < r.chunkScores.length) t.width *= 2;
        t.hashes = new bytes32[](2 * t.width);
        t.scores = new int256[][](2 * t.width);
        for (uint256 k; k < t.width; ++k) {
            t.scores[t.width + k] = new int256[](r.scores.length);
            if (k >= r.chunkScores.length) continue;
            t.hashes[t.width + k] = Exact.chunkHash(r, k);
            for (uint256 i; i < r.scores.length; ++i) {
                t.scores[t.width + k][i] = r.chunkScores[k][i];
            }
        }
    }

    /// @notice Compute all nodes above the leaves.
    function grow(Tree memory t) internal pure returns (Tree memory) {
        uint256 n = t.scores[t.width].length;
        for (uint256 i = t.width - 1; i > 0; --i) {
            t.hashes[i] = keccak256(abi.encode(digest(t, 2 * i), digest(t, 2 * i + 1)));
            t.scores[i] = new int256[](n);
            for (uint256 c; c < n; ++c) {
                unchecked {
                    t.scores[i][c] = t.scores[2 * i][c] + t.scores[2 * i + 1][c];
                }
            }
        }
        return t;
    }

    function full(Exact.Result memory r) internal pure returns (Tree memory) {
        return grow(leaves(r));
    }

    function digest(Tree memory t, uint256 node) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(t.hashes[node], t.scores[node]));
    }

    function depth(Tree memory t) internal pure returns (uint256 levels) {
        while (1 << levels < t.width) ++levels;
    }

    function leaf(Tree memory t, uint256 k) internal pure returns (IOptimisticRung.Leaf memory) {
        return IOptimisticRung.Leaf(t.hashes[t.width + k], t.scores[t.width + k]);
    }

    function path(Tree memory t, uint256 k) internal pure returns (IOptimisticRung.Path memory p) {
        uint256 n = t.scores[1].length;
        uint256 levels = depth(t);
        (p.hashes, p.scores) = (new bytes32[](levels), new int256[](levels * n));
        uint256 node = t.width + k;
        for (uint256 level; level < levels; ++level) {
            p.hashes[level] = t.hashes[node ^ 1];
            for (uint256 c; c < n; ++c) {
                p.scores[level * n + c] = t.scores[node ^ 1][c];
            }
            node /= 2;
        }
    }

    /// @notice The payload of `work` that proposes this tree with these scores, computed from `basis`.
    function payload(Tree memory t, bytes32 basis, int256[] memory scores) internal pure returns (bytes memory) {
        return abi.encode(basis, t.hashes[1], scores);
    }

    /// @notice Siblings of chunk k of a row that is one part: at most 120 chunks.
    function partProof(bytes memory row, uint256 k) internal pure returns (bytes32[] memory proof) {
        uint256 count = (row.length + 1023) / 1024;
        uint256 width = 1;
        uint256 levels;
        for (; width < count; width *= 2) {
            ++levels;
        }
        bytes32[] memory nodes = new bytes32[](width);
        for (uint256 c; c < count; ++c) {
            nodes[c] = keccak256(Exact.slice(row, 1024 * c, 1024));
        }
        proof = new bytes32[](levels);
        for (uint256 level; level < levels; ++level) {
            proof[level] = nodes[k ^ 1];
            (k, width) = (k / 2, width / 2);
            for (uint256 c; c < width; ++c) {
                nodes[c] = keccak256(abi.encode(nodes[2 * c], nodes[2 * c + 1]));
            }
        }
    }
}
