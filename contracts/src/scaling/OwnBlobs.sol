// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { BlsSigning } from "./BlsSigning.sol";

/// @title Commitments that are those of blobs
/// @notice EIP-4844 commits to a blob on the curve, and with the setup, that rounds are proven with. So the commitment to an
/// update can be that of a blob which carries it, entry j in the element bitrev(j), of twelve bits: the proof is then about
/// data that the network has held available. A transaction knows its blobs by their versioned hashes.
abstract contract OwnBlobs {
    /// @dev keccak256 of N = 4,096 and τ·H of Ethereum's ceremony.
    bytes32 internal constant CEREMONY = 0x8d46ba9c1950209d7d33b332ef9922fc70f0e436235ef245faf0070b8d9dfeb4;
    /// @dev Of a transaction (EIP-7594).
    uint256 internal constant MAX_BLOBS = 6;

    /// @notice The transaction's blob is not the one whose commitment the point is.
    error RungOtherBlob(uint256 index, bytes32 blob, bytes32 committed);
    /// @notice Only what the ceremony's setup commits to is a blob's.
    error RungOtherSetup(bytes32 given, bytes32 required);

    /// @dev Refuse a point, 96 bytes, that has another x, or y in the other half, than the commitment of the transaction's blob
    /// number `index`. On the curve it is that commitment then, and in the group, as commitments are: so the caller has a
    /// precompile look at it, in the same transaction. Else a client's update would count that no proof can be of.
    function _checkBlob(uint256 index, bytes calldata point) internal view {
        (bytes32 blob, bytes32 committed) = (blobhash(index), BlsSigning.versionedHash(point));
        if (blob != committed) revert RungOtherBlob(index, blob, committed);
    }
}
