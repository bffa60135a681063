// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Binary hash trees, as both trees of the optimistic rungs are
/// @notice A tree has a power of two leaves: who builds or opens one pads it. A place is a leaf's number; its lowest bit
/// says left (0) or right (1), the next one the same of the node above.
library Merkle {
    /// @notice Levels above the leaves of a tree over `leaves` of them: ⌈log2 leaves⌉.
    function depth(uint256 leaves) internal pure returns (uint256 levels) {
        while (1 << levels < leaves) ++levels;
    }

    /// @notice The root that one leaf and the siblings on its way lead to.
    function open(bytes32 leaf, uint256 place, bytes32[] calldata siblings) internal pure returns (bytes32) {
        for (uint256 level; level < siblings.length; ++level) {
            leaf = place >> level & 1 == 0 ? pair(leaf, siblings[level]) : pair(siblings[level], leaf);
        }
        return leaf;
    }

    /// @notice A node above two others: keccak256(abi.encode(a, b)).
    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32 digest) {
        // `abi.encode` would allocate memory for every node.
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            mstore(0x00, a)
            mstore(0x20, b)
            digest := keccak256(0x00, 0x40)
        }
    }

    /// @notice A link of a chain: keccak256(abi.encode(a, b, c)).
    function triple(bytes32 a, bytes32 b, bytes32 c) internal pure returns (bytes32 digest) {
        // likewise, in memory that nobody has yet
        // slither-disable-next-line assembly
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, a)
            mstore(add(free, 0x20), b)
            mstore(add(free, 0x40), c)
            digest := keccak256(free, 0x60)
        }
    }
}
