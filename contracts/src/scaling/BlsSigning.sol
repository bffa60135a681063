// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Bls } from "./Bls.sol";

// Coordinates of 48 bytes lie across words, for which Solidity has none: its loops and copies are assembly, each below its
// equivalent in Solidity.
// slither-disable-start assembly

/// @title What signatures on BLS12-381 need beside a pairing: messages hashed to the curve, keys added and taken away
/// @notice Signatures lie in G1, keys in G2. Points of G1 have 128 bytes here and points of G2 256, as EIP-2537 takes them:
/// coordinates of 48 bytes, each after 16 zeros; all zero is the point at infinity.
/// @dev A precompile that refuses its input burns all gas it is given: it is given what the schedule asks for, no more.
library BlsSigning {
    uint256 private constant SHA256 = 0x02;
    address private constant MODEXP = address(0x05);
    address private constant G1ADD = address(0x0b);
    address private constant G2ADD = address(0x0d);
    address private constant MAP_FP_TO_G1 = address(0x10);

    uint256 private constant SHA256_GAS = 120; // 60, and 12 a word
    uint256 private constant MODEXP_GAS = 500; // the least (EIP-7883), for 64 bytes to the power of 1
    uint256 private constant G1ADD_GAS = 375;
    uint256 private constant G2ADD_GAS = 600;
    uint256 private constant MAP_FP_TO_G1_GAS = 5_500;

    // The base field's prime p in two words, 16 and 32 bytes, and (p − 1)/2 in the same way.
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;

    /// @notice A key, or a point that travels, has another length.
    error BlsBadLength(uint256 actual, uint256 required);

    /// @notice A message as a point of G1 of which nobody knows the logarithm: BLS12381G1_XMD:SHA-256_SSWU_RO_ of RFC 9380.
    /// @param message Of any length.
    /// @param domain At most 255 bytes; what is signed for one purpose is worth nothing for another.
    /// @return point 128 bytes.
    function hashToG1(bytes memory message, bytes memory domain) internal view returns (bytes memory point) {
        // expand_message_xmd to 128 bytes, two field elements of 64
        bytes memory suffix = abi.encodePacked(domain, uint8(domain.length));
        bytes32 b0 = sha256(abi.encodePacked(new bytes(64), message, uint16(128), uint8(0), suffix));
        bytes32 b1 = sha256(abi.encodePacked(b0, uint8(1), suffix));
        bytes32 b2 = sha256(abi.encodePacked(b0 ^ b1, uint8(2), suffix));
        bytes32 b3 = sha256(abi.encodePacked(b0 ^ b2, uint8(3), suffix));
        bytes32 b4 = sha256(abi.encodePacked(b0 ^ b3, uint8(4), suffix));
        // The precompile clears the cofactor of each, which is linear: of the sum it would come to the same.
        return _call(G1ADD, G1ADD_GAS, bytes.concat(_map(b1, b2), _map(b3, b4)), 128);
    }

    /// @notice The sum of two keys, which need to be points of the curve: G2ADD does not look at the group.
    function addKeys(bytes memory a, bytes memory b) internal view returns (bytes memory) {
        if (a.length != Bls.KEY) revert BlsBadLength(a.length, Bls.KEY);
        if (b.length != Bls.KEY) revert BlsBadLength(b.length, Bls.KEY);
        return _call(G2ADD, G2ADD_GAS, bytes.concat(a, b), Bls.KEY);
    }

    /// @notice −K: the point with p − y for y, in both of its parts.
    /// @param key Of the curve, with coordinates below p: one that went through a pairing.
    /// @dev Solidity equivalent, for the two words of each part of y: if (y != 0) y = p - y;
    function negateKey(bytes memory key) internal pure returns (bytes memory negated) {
        if (key.length != Bls.KEY) revert BlsBadLength(key.length, Bls.KEY);
        negated = bytes.concat(key);
        assembly ("memory-safe") {
            let end := add(negated, 0x120)
            for { let part := add(negated, 0xa0) } lt(part, end) { part := add(part, 0x40) } {
                let high := mload(part)
                let low := mload(add(part, 0x20))
                if or(high, low) {
                    mstore(part, sub(sub(P_HIGH, high), gt(low, P_LOW))) // less 1 where the low word borrows
                    mstore(add(part, 0x20), sub(P_LOW, low))
                }
            }
        }
    }

    /// @notice Whether all bytes of a key are zero: the point at infinity, which signs everything by the signature 0.
    function isInfinity(bytes memory key) internal pure returns (bool) {
        return keccak256(key) == keccak256(new bytes(Bls.KEY));
    }

    /// @notice The versioned hash of the blob whose commitment a point is (EIP-4844): 0x01 and the last 31 bytes of
    /// sha256(C). C has 48 bytes: x, and in its three highest bits that it is compressed, that it is infinity, and that y is
    /// the larger one of y and p − y.
    /// @param point x and y, 48 bytes each. Of y nothing counts but its half: a pair that is on no curve has the hash of one that
    /// is. So it is the commitment if it is on the curve, which is for the caller to see; x is below 2^381 then.
    /// @dev Solidity equivalent: C = x; C[0] |= 0x80; if (y > (p - 1) / 2) C[0] |= 0x20; if (x == 0 && y == 0) C[0] |= 0x40;
    function versionedHash(bytes calldata point) internal view returns (bytes32 hash) {
        if (point.length != 96) revert BlsBadLength(point.length, 96);
        bool ok;
        assembly ("memory-safe") {
            let x := point.offset
            let low := calldataload(add(x, 0x40)) // y's last 32 bytes
            let high := shr(128, calldataload(add(x, 0x30))) // and the 16 before them
            let first := calldataload(x) // x's first 32 bytes
            ok := iszero(shr(253, first))
            let flags := 4
            if or(gt(high, HALF_HIGH), and(eq(high, HALF_HIGH), gt(low, HALF_LOW))) { flags := 5 }
            if iszero(or(or(first, shr(128, calldataload(add(x, 0x20)))), or(high, low))) { flags := 6 }
            calldatacopy(0, x, 0x30)
            mstore8(0, or(shr(248, first), shl(5, flags)))
            ok := and(staticcall(SHA256_GAS, SHA256, 0, 0x30, 0, 0x20), ok)
            hash := or(shr(8, shl(8, mload(0))), shl(248, 1))
        }
        if (!ok) revert Bls.BlsBadPoint();
    }

    /// @dev 64 bytes modulo p, mapped to the curve.
    function _map(bytes32 high, bytes32 low) private view returns (bytes memory) {
        bytes memory numbers = abi.encodePacked(uint256(64), uint256(1), uint256(48), high, low, uint8(1));
        bytes memory element =
            _call(MODEXP, MODEXP_GAS, bytes.concat(numbers, abi.encodePacked(uint128(P_HIGH), P_LOW)), 48);
        return _call(MAP_FP_TO_G1, MAP_FP_TO_G1_GAS, bytes.concat(new bytes(16), element), 128);
    }

    /// @dev What a precompile answers, in `size` bytes.
    function _call(address precompile, uint256 allowance, bytes memory input, uint256 size)
        private
        view
        returns (bytes memory output)
    {
        output = new bytes(size);
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(allowance, precompile, add(input, 0x20), mload(input), add(output, 0x20), size)
            ok := and(ok, eq(returndatasize(), size))
        }
        if (!ok) revert Bls.BlsBadPoint();
    }
}
// slither-disable-end assembly
