// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Commitments } from "./Commitments.sol";
import { IOptimisticRung } from "./IOptimisticRung.sol";
import { LanePacked } from "./LanePacked.sol";
import { Merkle } from "./Merkle.sol";

// Bits of a mask are compared with `==` because they are exact.
// slither-disable-start incorrect-equality

/// @title What a proposed tree says of a chunk, and what the committed data say of it
/// @dev Nothing is decided here: paths and evidence are checked, and one leaf is computed anew.
abstract contract Judgment is Commitments {
    using LanePacked for LanePacked.Workspace;

    /// @inheritdoc IOptimisticRung
    bytes32 public proposedDigest;

    /// @inheritdoc IOptimisticRung
    function excluded() public view virtual returns (uint256) {
        return 0;
    }

    // -------------------------------------------------------------------------------------------- the proposed tree

    /// @dev Refuse a path that does not lead to the proposed root and scores.
    function _checkPath(uint256 chunk, Leaf calldata leaf, Path calldata path) internal view {
        (bytes32 root, bytes32 total) = _climb(chunk, leaf, path);
        bytes32 opened = _digestResult(root, total);
        if (opened != proposedDigest) revert RungBadPath(opened, proposedDigest);
    }

    /// @dev The root a path leads to, and the digest of its scores. At depth 0 that is the leaf itself: its scores are then
    /// in the digest only.
    function _climb(uint256 chunk, Leaf calldata leaf, Path calldata path)
        internal
        view
        returns (bytes32 hash, bytes32 total)
    {
        uint256 depth = Merkle.depth(_chunks());
        uint256 n = _members;
        if (chunk >= 1 << depth) revert RungNoChunk(chunk, 1 << depth);
        if (path.hashes.length != depth) revert RungWrongLength(path.hashes.length, depth);
        if (path.scores.length != depth * n) revert RungWrongLength(path.scores.length, depth * n);
        if (leaf.scores.length != n) revert RungWrongLength(leaf.scores.length, n);
        hash = leaf.sums;
        int256[] memory scores = leaf.scores;
        for (uint256 level; level < depth; ++level) {
            int256[] calldata beside = path.scores[level * n:(level + 1) * n];
            bytes32 mine = _digest(hash, scores);
            bytes32 other = _digest(path.hashes[level], beside);
            hash = chunk >> level & 1 == 0 ? Merkle.pair(mine, other) : Merkle.pair(other, mine);
            unchecked {
                // Modulo 2^256. Where all leaves are right so is their sum, which is far smaller.
                for (uint256 i; i < n; ++i) {
                    scores[i] += beside[i];
                }
            }
        }
        total = keccak256(abi.encode(scores));
    }

    // ------------------------------------------------------------------------------------------- the committed data

    /// @dev Bytes of calldata of `proveChunk` at most, with all clients in the round. What is counted for each client: its
    /// score in the leaf, its submission (an offset, its number, two offsets, two lengths, a root and a blob a part), its
    /// row, the row's proof; and on each level a hash and everybody's score.
    function _proofBytes() internal view returns (uint256) {
        uint256 row = _stride(_valid(0)) + 32 * _partDepth();
        uint256 submission = 6 * 32 + 64 * _partCount();
        return 4 + 18 * 32 + _members * (32 + submission + row) + 32 * Merkle.depth(_chunks()) * (_members + 1);
    }

    /// @dev Sum and score one chunk from the committed data. Fills `scores`, one a client.
    function _recompute(uint256 chunk, Evidence calldata evidence, int256[] memory scores)
        internal
        view
        returns (bytes32 sums)
    {
        uint256[] memory list = _takingPart(evidence.submissions);
        uint256 valid = _valid(chunk);
        uint256 stride = _stride(valid);
        if (evidence.data.length != list.length * stride) {
            revert RungWrongLength(evidence.data.length, list.length * stride);
        }
        LanePacked.Workspace memory ws = LanePacked.workspace(_weightsOf(list), stride);
        bytes memory target = ws.data;
        bytes calldata data = evidence.data;
        // Solidity would copy into memory of its own; the workspace has room for one row more.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            calldatacopy(add(target, 0x20), data.offset, data.length) // a row shorter than `target`, checked above
        }
        _checkProofs(chunk, stride, evidence);
        int256[] memory rows = new int256[](list.length);
        sums = ws.fold(stride, valid, rows);
        for (uint256 i; i < list.length; ++i) {
            scores[list[i]] = rows[i];
        }
    }

    /// @dev Digest of a node of the sum tree.
    function _digest(bytes32 hash, int256[] memory scores) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hash, scores));
    }

    /// @dev Each row of the data must be the chunk its client committed to.
    function _checkProofs(uint256 chunk, uint256 stride, Evidence calldata evidence) private view {
        uint256 depth = _partDepth();
        uint256 out = excluded();
        uint256 row;
        for (uint256 i; i < evidence.submissions.length; ++i) {
            Submission calldata s = evidence.submissions[i];
            if (out >> s.client & 1 == 1) continue;
            bytes32 opened = Merkle.open(
                keccak256(evidence.data[row * stride:(row + 1) * stride]),
                chunk % PART,
                evidence.proofs[row * depth:(row + 1) * depth]
            );
            bytes32 committed = s.parts[chunk / PART];
            if (opened != committed) revert RungBadProof(s.client, opened, committed);
            ++row;
        }
    }

    /// @dev Clients of the round that were not put out, in the order of their submissions.
    function _takingPart(Submission[] calldata submissions) private view returns (uint256[] memory list) {
        uint256 out = excluded();
        list = new uint256[](submissions.length);
        uint256 count;
        for (uint256 i; i < submissions.length; ++i) {
            if (out >> submissions[i].client & 1 == 0) list[count++] = submissions[i].client;
        }
        // Solidity has no word for a shorter array in the same memory.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            mstore(list, count) // shorten
        }
    }
}
// slither-disable-end incorrect-equality
