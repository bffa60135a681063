// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The cheatcodes used here and no others. No registry ships forge-std, and this is all that is needed of it.
interface Vm {
    /// @dev The next call comes from `sender`.
    function prank(address sender) external;
    /// @dev Sets an account's balance.
    function deal(address account, uint256 balance) external;
    /// @dev Sets the block time.
    function warp(uint256 timestamp) external;
    /// @dev The next call must revert with exactly these bytes: selector and arguments.
    function expectRevert(bytes calldata reason) external;
    /// @dev The next call must emit, from `emitter`, the very event that the test emits right after this line.
    function expectEmit(address emitter) external;
    function chainId(uint256 id) external;
    function getNonce(address account) external view returns (uint64);
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    /// @dev Deploys a compiled artifact. `new` would compile a copy of it into every test contract, which takes long.
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    /// @dev From here on logs are kept, until they are asked for.
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function load(address account, bytes32 slot) external view returns (bytes32);
    function store(address account, bytes32 slot, bytes32 value) external;
    /// @dev Writes the last call's gas to snapshots/`group`.json. With FORGE_SNAPSHOT_CHECK=true a change is a failure.
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256);
    function lastCallGas() external view returns (Gas memory);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonIntArray(string calldata json, string calldata key) external pure returns (int256[] memory);
    function toString(uint256 value) external pure returns (string memory);
    function assertTrue(bool condition, string calldata what) external pure;
    function assertEq(uint256 a, uint256 b, string calldata what) external pure;
    function assertEq(int256 a, int256 b, string calldata what) external pure;
    function assertEq(address a, address b, string calldata what) external pure;
    function assertEq(bytes32 a, bytes32 b, string calldata what) external pure;
    function assertEq(bytes calldata a, bytes calldata b, string calldata what) external pure;
    function assertEq(int256[] calldata a, int256[] calldata b, string calldata what) external pure;
    function assertLe(uint256 a, uint256 b, string calldata what) external pure;
    function assertGe(uint256 a, uint256 b, string calldata what) external pure;

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }
}

/// @notice What every test contract needs.
abstract contract Base {
    /// @dev forge answers at this address.
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev `x` folded into [low, high].
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        if (x >= low && x <= high) return x;
        uint256 size = high - low + 1;
        return size == 0 ? x : low + x % size;
    }

    /// @dev An account that nobody else has.
    function account(string memory name) internal pure returns (address) {
        return address(uint160(uint256(keccak256(bytes(name)))));
    }

    /// @dev That no event of this kind was emitted since `vm.recordLogs`.
    function assertNotEmitted(bytes32 kind, string memory what) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            vm.assertTrue(logs[i].topics[0] != kind, what);
        }
    }

    /// @dev A pseudo-random word: independent draws from one fuzzed seed.
    function draw(uint256 seed, string memory what, uint256 index) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, index)));
    }
}
