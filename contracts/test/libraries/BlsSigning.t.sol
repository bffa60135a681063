// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Bls } from "../../src/scaling/Bls.sol";
import { BlsSigning } from "../../src/scaling/BlsSigning.sol";
import { Base } from "../utils/Base.sol";

/// @dev Its calls are calls, so that their refusals can be expected and memory is dirty as a caller's is.
contract BlsHarness {
    modifier dirty() {
        assembly ("memory-safe") {
            let free := mload(0x40)
            for { let at := 0 } lt(at, 0x1000) { at := add(at, 0x20) } { mstore(add(free, at), not(0)) }
        }
        _;
    }

    function hashToG1(bytes memory message, bytes memory domain) external view dirty returns (bytes memory) {
        return BlsSigning.hashToG1(message, domain);
    }

    function addKeys(bytes memory a, bytes memory b) external view dirty returns (bytes memory) {
        return BlsSigning.addKeys(a, b);
    }

    function negateKey(bytes memory key) external pure returns (bytes memory) {
        return BlsSigning.negateKey(key);
    }

    function versionedHash(bytes calldata point) external view dirty returns (bytes32) {
        return BlsSigning.versionedHash(point);
    }
}

/// @notice Against RFC 9380's vectors, py_arkworks_bls12381 and c-kzg, see test/vectors/make_bls.py.
contract BlsSigningTest is Base {
    BlsHarness private harness;
    string private json;

    function setUp() public {
        harness = new BlsHarness();
        json = vm.readFile("test/vectors/bls.json");
    }

    function entry(string memory table, uint256 i, string memory field) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".", table, ".rows[", vm.toString(i), "].", field));
    }

    function rows(string memory table) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(".", table, ".count"));
    }

    function test_MessagesHashToTheCurve() public view {
        for (uint256 i; i < rows("hashes"); ++i) {
            bytes memory found = harness.hashToG1(entry("hashes", i, "message"), entry("hashes", i, "domain"));
            vm.assertEq(found, entry("hashes", i, "point"), vm.toString(i));
        }
    }

    function test_BlobsHaveTheirNames() public view {
        for (uint256 i; i < rows("blobs"); ++i) {
            vm.assertEq(
                harness.versionedHash(entry("blobs", i, "point")), bytes32(entry("blobs", i, "hash")), vm.toString(i)
            );
        }
    }

    function test_KeysAreAddedAndNegated() public view {
        uint256 last = rows("keys") - 1; // the point at infinity, and 7·H
        for (uint256 i; i <= last; ++i) {
            bytes memory key = entry("keys", i, "key");
            vm.assertEq(harness.negateKey(key), entry("keys", i, "negated"), "negated");
            vm.assertEq(harness.addKeys(key, entry("keys", last, "more")), entry("keys", i, "more"), "more");
            vm.assertEq(harness.addKeys(key, entry("keys", i, "negated")), entry("keys", last, "key"), "nothing");
        }
    }

    function test_RevertWhen_APointOrAKeyHasAnotherLength() public {
        vm.expectRevert(abi.encodeWithSelector(BlsSigning.BlsBadLength.selector, 95, 96));
        harness.versionedHash(new bytes(95));
        vm.expectRevert(abi.encodeWithSelector(BlsSigning.BlsBadLength.selector, 257, 256));
        harness.negateKey(new bytes(257));
        vm.expectRevert(abi.encodeWithSelector(BlsSigning.BlsBadLength.selector, 128, 256));
        harness.addKeys(new bytes(256), new bytes(128));
    }

    /// @dev A coordinate of 2^381 or more would set the flags itself.
    function test_RevertWhen_FlagsAreInTheWay() public {
        bytes memory point = new bytes(96);
        point[0] = 0x20;
        vm.expectRevert(abi.encodeWithSelector(Bls.BlsBadPoint.selector));
        harness.versionedHash(point);
    }

    function test_RevertWhen_AKeyIsNoPointOfTheCurve() public {
        bytes memory key = new bytes(256);
        key[255] = 0x01;
        vm.expectRevert(abi.encodeWithSelector(Bls.BlsBadPoint.selector));
        harness.addKeys(key, new bytes(256));
    }
}
