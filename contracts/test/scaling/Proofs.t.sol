// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Base } from "../utils/Base.sol";
import { Sealing } from "./Sealing.sol";

interface ProofVm {
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonAddressArray(string calldata json, string calldata key) external pure returns (address[] memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
}

interface IProofKernel {
    function check(
        uint256 round,
        address[] calldata clients,
        uint256[] calldata weights,
        bytes calldata scores,
        bytes calldata proof,
        bytes calldata points,
        uint256 step
    ) external view returns (bytes32 message);
}

/// @notice Proofs that Python made, true and false, by the precompiles themselves.
contract ProofsTest is Base {
    error ProofFails();
    error ProofBadLength(uint256 actual, uint256 required);

    struct Case {
        address[] clients;
        uint256[] weights;
        bytes scores;
        bytes proof;
        bytes points;
        bytes32 message;
        bool holds;
        string name;
    }

    ProofVm private constant jsonVm = ProofVm(address(vm));
    IProofKernel private kernel;
    string private json;
    uint256 private round;
    address private sender;

    function setUp() public {
        json = vm.readFile("test/vectors/proofs.json");
        Sealing.Setup memory setup = Sealing.Setup({
            logN: uint8(vm.parseJsonUint(json, ".log_n")), tauH: jsonVm.parseJsonBytes(json, ".tau_h")
        });
        bytes memory arguments = abi.encode(setup, vm.parseJsonUint(json, ".parameters"));
        kernel = IProofKernel(vm.deployCode("ProofKernel.sol:ProofKernel", arguments));
        vm.assertEq(address(kernel), jsonVm.parseJsonAddress(json, ".contract"), "the proofs are of this address");
        round = vm.parseJsonUint(json, ".round");
        sender = jsonVm.parseJsonAddress(json, ".sender");
    }

    function read(uint256 k) private view returns (Case memory c) {
        string memory key = string.concat(".cases[", vm.toString(k), "]");
        c.clients = jsonVm.parseJsonAddressArray(json, string.concat(key, ".clients"));
        c.weights = vm.parseJsonUintArray(json, string.concat(key, ".weights"));
        c.scores = jsonVm.parseJsonBytes(json, string.concat(key, ".scores"));
        c.proof = jsonVm.parseJsonBytes(json, string.concat(key, ".proof"));
        c.points = jsonVm.parseJsonBytes(json, string.concat(key, ".points"));
        c.message = jsonVm.parseJsonBytes32(json, string.concat(key, ".message"));
        c.holds = vm.parseJsonBool(json, string.concat(key, ".holds"));
        c.name = jsonVm.parseJsonString(json, string.concat(key, ".name"));
    }

    /// @return ok Whether it was taken.
    /// @return answer m, or why not.
    function send(Case memory c, address from, uint256 step) private returns (bool ok, bytes memory answer) {
        bytes memory data =
            abi.encodeCall(IProofKernel.check, (round, c.clients, c.weights, c.scores, c.proof, c.points, step));
        vm.prank(from);
        (ok, answer) = address(kernel).call(data);
    }

    function testDifferential_Proofs() public {
        uint256 count = vm.parseJsonUint(json, ".count");
        for (uint256 k; k < count; ++k) {
            Case memory c = read(k);
            for (uint256 step = 1; step <= c.clients.length; ++step) {
                (bool ok, bytes memory answer) = send(c, sender, step);
                if (c.holds) vm.assertEq(answer, abi.encode(c.message), c.name);
                else vm.assertEq(answer, abi.encodePacked(ProofFails.selector), c.name);
                vm.assertTrue(ok == c.holds, c.name);
            }
        }
        vm.assertGe(count, 14, "cases");
    }

    function test_RevertWhen_SomebodyElseBringsIt() public {
        (bool ok, bytes memory answer) = send(read(0), account("thief"), 1);
        vm.assertTrue(!ok, "taken");
        vm.assertEq(answer, abi.encodePacked(ProofFails.selector), "why");
    }

    /// @dev One bit of anything makes it worthless, and what it burns is bounded.
    function testFuzz_RevertWhen_ABitIsWrong(uint256 which, uint256 place) public {
        Case memory c = read(3);
        vm.assertTrue(c.holds, "a true one");
        bytes memory part = which % 3 == 0 ? c.proof : which % 3 == 1 ? c.points : c.scores;
        place = bound(place, 0, 8 * part.length - 1);
        part[place / 8] = bytes1(uint8(part[place / 8]) ^ uint8(1 << place % 8));
        uint256 before = gasleft();
        (bool ok,) = send(c, sender, 3);
        vm.assertTrue(!ok, "taken");
        vm.assertLe(before - gasleft(), 700_000, "gas");
    }

    function testFuzz_RevertWhen_BytesAreMissingOrTooMany(uint256 which, uint256 length) public {
        Case memory c = read(3);
        bytes memory part = which % 2 == 0 ? c.proof : c.scores;
        bytes memory other = new bytes(bound(length, 0, 2 * part.length));
        if (other.length == part.length) return;
        for (uint256 i; i < other.length && i < part.length; ++i) {
            other[i] = part[i];
        }
        if (which % 2 == 0) c.proof = other;
        else c.scores = other;
        (, bytes memory answer) = send(c, sender, 3);
        vm.assertEq(
            answer, abi.encodeWithSelector(ProofBadLength.selector, other.length, part.length), "why it was refused"
        );
    }
}
