// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
import { VectorHarness } from "../utils/VectorHarness.sol";

/// @notice The assembly against plain Solidity: any length, any page, dirty memory, dirty lanes in storage.
contract Int64VectorTest is Base {
    bytes32 private constant ONES = bytes32(type(uint256).max);
    VectorHarness private harness;

    function setUp() public {
        harness = new VectorHarness();
    }

    /// @dev Full-range values, with the extremes often among them.
    function values(uint256 seed, uint256 length) private pure returns (int64[] memory v) {
        v = new int64[](length);
        for (uint256 j; j < length; ++j) {
            uint256 word = draw(seed, "value", j);
            if (word % 8 == 0) v[j] = type(int64).min;
            else if (word % 8 == 1) v[j] = type(int64).max;
            else if (word % 8 == 2) v[j] = -1;
            else v[j] = int64(uint64(word >> 8));
        }
    }

    function wide(uint256 seed, uint256 length) private pure returns (int256[] memory v) {
        int64[] memory narrow = values(seed, length);
        v = new int256[](length);
        for (uint256 j; j < length; ++j) {
            v[j] = narrow[j];
        }
    }

    /// @dev The first slot of the vector's entries: the harness keeps it in slot 0.
    function dataSlot(uint256 index) private pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(uint256(0)))) + index);
    }

    // ------------------------------------------------------------------------------------------------------- reading

    function testFuzz_ReadMatchesPlainSolidity(uint256 seed, uint256 length, uint256 from, uint256 size) public {
        length = bound(length, 0, 41);
        from = bound(from, 0, length) / 4 * 4;
        size = bound(size, 0, length - from);
        harness.set(values(seed, length));
        int256[] memory expected = harness.plainRead(from, size);
        vm.assertEq(harness.read(from, size), expected, "clean memory");

        (int256[] memory buffer, bytes32 after0, bytes32 after1, bool clean) = harness.readDirty(from, size);
        vm.assertEq(buffer, expected, "dirty memory");
        vm.assertEq(after0, ONES, "the word after the buffer");
        vm.assertEq(after1, ONES, "the word after that");
        vm.assertTrue(clean, "free memory pointer and zero slot");
    }

    /// @dev Lanes after the last entry are zero as Solidity keeps them; even if they were not, none would be read.
    function testFuzz_LanesAfterTheLastEntryAreNotRead(uint256 seed, uint256 length) public {
        length = bound(length, 1, 3);
        harness.set(values(seed, length));
        int256[] memory expected = harness.plainRead(0, length);
        uint256 word = uint256(vm.load(address(harness), dataSlot(0)));
        vm.store(address(harness), dataSlot(0), bytes32(word | type(uint256).max << (64 * length)));
        (int256[] memory buffer, bytes32 after0,,) = harness.readDirty(0, length);
        vm.assertEq(buffer, expected, "entries");
        vm.assertEq(after0, ONES, "the word after the buffer");
    }

    function test_ReadOfNothing() public {
        harness.set(values(1, 5));
        (int256[] memory buffer, bytes32 after0,, bool clean) = harness.readDirty(4, 0);
        vm.assertTrue(buffer.length == 0 && after0 == ONES && clean, "an empty buffer stays empty");
    }

    // ------------------------------------------------------------------------------------------------------- writing

    /// @dev A page of whole slots, or one that ends with the vector.
    function testFuzz_WriteMatchesPlainSolidity(uint256 seed, uint256 length, uint256 from, uint256 size) public {
        length = bound(length, 0, 41);
        from = bound(from, 0, length) / 4 * 4;
        size = bound(size, 0, length - from);
        if (from + size != length) size = size / 4 * 4;
        int256[] memory page = wide(draw(seed, "page", 0), size);

        harness.set(values(seed, length));
        harness.plainWrite(from, page);
        bytes32 expected = keccak256(abi.encode(harness.get()));
        bytes32 lastSlot = vm.load(address(harness), dataSlot(length / 4));

        harness.set(values(seed, length));
        vm.assertTrue(harness.writeDirty(from, page), "free memory pointer and zero slot");
        vm.assertEq(keccak256(abi.encode(harness.get())), expected, "the vector");
        vm.assertEq(vm.load(address(harness), dataSlot(length / 4)), lastSlot, "the lanes after its last entry");
        vm.assertEq(vm.load(address(harness), dataSlot(length / 4 + 1)), 0, "the slot after it");
    }

    /// @dev High bits of a value that does not fit are cut off: they must not reach the lanes beside it.
    function testFuzz_WriteCutsHighBits(uint256 seed) public {
        int256[] memory page = new int256[](4);
        for (uint256 j; j < 4; ++j) {
            page[j] = int256(draw(seed, "value", j));
        }
        harness.set(values(seed, 8));
        harness.plainWrite(4, page);
        bytes32 expected = keccak256(abi.encode(harness.get()));
        harness.set(values(seed, 8));
        harness.write(4, page);
        vm.assertEq(keccak256(abi.encode(harness.get())), expected, "as int64(value) does");
    }

    // ---------------------------------------------------------------------------------------------------------- gas

    /// @dev The figures of the library's NatSpec: per entry, of a vector whose slots are cold in both ways: isolation makes every call a transaction.
    function test_ReadingBySlotIsCheaper() public {
        uint256[2] memory plain;
        uint256[2] memory fast;
        for (uint256 k; k < 2; ++k) {
            harness.set(values(1, 4 + 400 * k));
            int256 expected = harness.plainEnds();
            plain[k] = vm.lastCallGas().gasTotalUsed;
            vm.assertEq(harness.ends(), expected, "both read the same");
            fast[k] = vm.lastCallGas().gasTotalUsed;
        }
        uint256 cold = 2100 / 4; // of every entry's cost, the chain's own part: one cold SLOAD a slot
        vm.assertGe((plain[1] - plain[0]) / 400 - cold, 400, "entry by entry");
        vm.assertLe((fast[1] - fast[0]) / 400 - cold, 50, "slot by slot");
    }
}
