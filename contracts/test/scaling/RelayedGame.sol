// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRelayedRung } from "../../src/scaling/IRelayedRung.sol";
import { IRung } from "../../src/scaling/IRung.sol";
import { Base } from "../utils/Base.sol";

/// @notice A rung 7 of four clients, and rounds that were signed and proven in Python, see test/vectors/make_relayed.py.
abstract contract RelayedGame is Base {
    /// @dev As `RoundProof.Setup`.
    struct Setup {
        uint8 logN;
        bytes tauH;
    }

    /// @dev A round as somebody brings it. `fault` is empty where the client that has one is absent.
    struct Vector {
        uint256 present;
        bytes payload;
        bytes32 message;
        bytes scores;
        bytes fault;
    }

    uint256 internal constant NOW = 1_700_000_000;
    uint32 internal constant WINDOW = 1 hours;
    uint96 internal constant STAKE = 1 ether + 1;
    uint256 internal constant FAULTY = 1;
    uint256 internal constant SETS = 5;

    string internal json;
    IRelayedRung internal rung;
    address[] internal members;
    uint16[] internal weights;
    address internal relayer;
    address internal watcher = account("watcher");

    function read() internal {
        vm.warp(NOW);
        json = vm.readFile("test/vectors/relayed.json");
        uint256[] memory clients = vm.parseJsonUintArray(json, ".clients");
        uint256[] memory shares = vm.parseJsonUintArray(json, ".weights");
        for (uint256 i; i < clients.length; ++i) {
            members.push(address(uint160(clients[i])));
            weights.push(uint16(shares[i]));
        }
        relayer = address(uint160(uint256(bytes32(vm.parseJsonBytes(json, ".relayer")))));
    }

    function arguments(uint32 window, uint96 stake, bool ecdsa) internal view returns (bytes memory) {
        return abi.encode(
            IRung.Config({
                parameters: uint32(vm.parseJsonUint(json, ".parameters")), submitSeconds: 1, workSeconds: 1
            }),
            IRelayedRung.Terms({ windowSeconds: window, stake: stake, ecdsa: ecdsa }),
            Setup({ logN: uint8(vm.parseJsonUint(json, ".logN")), tauH: vm.parseJsonBytes(json, ".tauH") }),
            members,
            weights
        );
    }

    function deploy(bool ecdsa) internal returns (IRelayedRung made) {
        made = IRelayedRung(vm.deployCode("Rung7Relayed.sol", arguments(WINDOW, STAKE, ecdsa)));
        bytes memory place = vm.parseJsonBytes(json, ecdsa ? ".contracts.ecdsa" : ".contracts.bls");
        vm.assertEq(address(made), address(uint160(uint256(bytes32(place)))), "make_relayed.py signed for this address");
    }

    function keyOf(uint256 i) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".keys[", vm.toString(i), "]"));
    }

    function possessionOf(uint256 i) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".possessions[", vm.toString(i), "]"));
    }

    function allKeys() internal view returns (bytes memory keys) {
        for (uint256 i; i < members.length; ++i) {
            keys = bytes.concat(keys, keyOf(i));
        }
    }

    function fund(address who, uint256 amount) internal {
        vm.deal(who, amount);
        vm.prank(who);
        rung.deposit{ value: amount }();
    }

    function register(uint256 i, bool ecdsa) internal {
        bytes memory key = ecdsa ? bytes("") : keyOf(i);
        bytes memory possession = ecdsa ? bytes("") : possessionOf(i);
        vm.prank(members[i]);
        rung.register(key, possession);
    }

    /// @dev All have put their stakes down and registered, and round 1 is open.
    function found(bool ecdsa) internal {
        rung = deploy(ecdsa);
        for (uint256 i; i < members.length; ++i) {
            fund(members[i], STAKE);
            register(i, ecdsa);
        }
        rung.seat(ecdsa ? bytes("") : allKeys());
    }

    function vector(string memory kind, uint256 round, uint256 set) internal view returns (Vector memory v) {
        string memory place = string.concat(".", kind, "[", vm.toString(round - 1), "][", vm.toString(set), "]");
        v.present = vm.parseJsonUintArray(json, ".sets")[set];
        v.payload = vm.parseJsonBytes(json, string.concat(place, ".payload"));
        v.message = bytes32(vm.parseJsonBytes(json, string.concat(place, ".message")));
        v.scores = vm.parseJsonBytes(json, string.concat(place, ".scores"));
        if (v.present >> FAULTY & 1 == 1) v.fault = vm.parseJsonBytes(json, string.concat(place, ".fault"));
    }

    function bring(uint256 round, Vector memory v) internal {
        vm.prank(relayer);
        rung.work(round, v.payload);
    }

    function digestOf(Vector memory v) internal pure returns (bytes32) {
        return keccak256(abi.encode(v.message, keccak256(v.scores)));
    }

    function show(uint256 round, Vector memory v) internal {
        IRelayedRung.Fault memory fault = abi.decode(v.fault, (IRelayedRung.Fault));
        vm.prank(watcher);
        rung.proveFault(round, fault);
    }

    function skip(uint256 seconds_) internal {
        vm.warp(block.timestamp + seconds_);
    }
}
