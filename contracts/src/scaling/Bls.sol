// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev The order r of the group, and the size of the field of scalars.
uint256 constant FIELD = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

// Precompiles have no interface to call them by, and points are laid out by the byte: hence assembly.
// slither-disable-start assembly,low-level-calls

/// @title Points of BLS12-381, by the precompiles of EIP-2537
/// @notice A point of G1 is x and y in 64 bytes each, the first 16 of which are zero; at infinity all are. A point of G2 has
/// four such numbers. Precompiles refuse what is not on the curve; sums with scalars and pairings, not plain additions,
/// also what is outside the group of order r.
/// @dev A precompile that refuses burns all gas it was given: each is given what EIP-2537 says it costs, and little more.
library Bls {
    /// @dev Bytes of a point of G1, of one with its scalar, and of a point of G2.
    uint256 internal constant POINT = 128;
    uint256 internal constant TERM = 160;
    uint256 internal constant KEY = 256;

    /// @dev G, the generator of G1, in two words a number.
    uint256 internal constant GX_HIGH = 0x17f1d3a73197d7942695638c4fa9ac0f;
    uint256 internal constant GX_LOW = 0xc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb;
    uint256 internal constant GY_HIGH = 0x08b3f481e3aaa0f1a09e30ed741d8ae4;
    uint256 internal constant GY_LOW = 0xfcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1;
    /// @dev −H, where H is the generator of G2.
    bytes internal constant MINUS_H = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000d1b3cc2c7027888be51d9ef691d77bcb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa"
        hex"0000000000000000000000000000000013fa4d4a0ad8b1ce186ed5061789213d993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed";

    uint256 private constant G1_ADD = 0x0b;
    uint256 private constant G1_MSM = 0x0c;
    uint256 private constant PAIRING = 0x0f;

    /// @notice Something is no point of its curve, or outside the group, or a number in it is not below the prime.
    error BlsBadPoint();

    /// @dev Σ s·P over `terms`, each a point of G1 and its scalar.
    function msm(bytes memory terms) internal view returns (bytes memory sum) {
        sum = new bytes(POINT);
        uint256 k = terms.length / TERM;
        uint256 discount = k < 3 ? 1000 : k < 8 ? 848 : k < 32 ? 728 : k < 128 ? 627 : 519; // at least EIP-2537's
        _call(G1_MSM, 12 * discount * k, terms, sum);
    }

    /// @dev P + Q of two points of G1 on the curve, which need not be in the group.
    function add(bytes memory one, bytes memory other) internal view returns (bytes memory sum) {
        sum = new bytes(POINT);
        _call(G1_ADD, 375, bytes.concat(one, other), sum);
    }

    /// @dev Refuse a point, 96 bytes, that is not on the curve. Whether it is in the group is not seen here.
    function checkOnCurve(bytes calldata point) internal view {
        bytes memory pair = new bytes(2 * POINT); // the point, and infinity
        putTerm(pair, 0, point, 0);
        _call(G1_ADD, 375, pair, new bytes(POINT));
    }

    /// @dev Whether the product of pairings is one; `pairs` are points of G1 and G2 in turn.
    function pairing(bytes memory pairs) internal view returns (bool one) {
        bytes memory answer = new bytes(32);
        _call(PAIRING, 37_700 + 32_600 * (pairs.length / (POINT + KEY)), pairs, answer);
        one = uint256(bytes32(answer)) == 1;
    }

    /// @dev base^exponent in the field of scalars.
    function power(uint256 base, uint256 exponent) internal pure returns (uint256 result) {
        result = 1;
        for (; exponent != 0; exponent >>= 1) {
            if (exponent & 1 == 1) result = mulmod(result, base, FIELD);
            base = mulmod(base, base, FIELD);
        }
    }

    /// @dev Write the point of 96 bytes at `source` in calldata, and its scalar, as a term of `terms`.
    /// @param from Where in `terms`; 160 bytes from there on are there, and zero.
    function putTerm(bytes memory terms, uint256 from, bytes calldata source, uint256 scalar) internal pure {
        assembly ("memory-safe") {
            let target := add(add(terms, 0x20), from)
            calldatacopy(add(target, 0x10), source.offset, 48) // x; source holds 96 bytes
            calldatacopy(add(target, 0x50), add(source.offset, 48), 48) // y
            mstore(add(target, 0x80), scalar)
        }
    }

    /// @dev The same for G.
    function putGenerator(bytes memory terms, uint256 from, uint256 scalar) internal pure {
        assembly ("memory-safe") {
            let target := add(add(terms, 0x20), from)
            mstore(target, GX_HIGH)
            mstore(add(target, 0x20), GX_LOW)
            mstore(add(target, 0x40), GY_HIGH)
            mstore(add(target, 0x60), GY_LOW)
            mstore(add(target, 0x80), scalar)
        }
    }

    /// @dev Call a precompile that answers with as many bytes as `output` has.
    function _call(uint256 precompile, uint256 gas_, bytes memory input, bytes memory output) private view {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas_, precompile, add(input, 0x20), mload(input), add(output, 0x20), mload(output))
            ok := and(ok, eq(returndatasize(), mload(output)))
        }
        if (!ok) revert BlsBadPoint();
    }
}
// slither-disable-end assembly,low-level-calls
