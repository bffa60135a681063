// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Sealing } from "../../scaling/Sealing.sol";
import { IRung } from "../../../src/scaling/IRung.sol";
import { IProvenRung } from "../../../src/scaling/IProvenRung.sol";
import { IRelayedRung } from "../../../src/scaling/IRelayedRung.sol";
import { Attack } from "./Attack.sol";

interface IKernel {
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

/// @notice What somebody who proves rounds wants: a contract that takes what is false. The proofs themselves are built in
/// tests/scaling/proofs/test_attacks.py.
contract ProversTest is Attack {
    error ProofBadSetup(uint256 logN, uint256 parameters);
    error ProofBadWeight(uint256 index, uint256 value);

    function assertNotDeployed(string memory artifact, bytes memory arguments, uint8 logN) private {
        (address made, bytes memory reason) = create(artifact, arguments);
        vm.assertEq(made, address(0), "refused");
        vm.assertEq(reason, abi.encodeWithSelector(ProofBadSetup.selector, logN, 40), "why");
    }

    /// @dev Below 2^12 more powers of τ are public than polynomials may have coefficients: whatever is claimed can be proven.
    function test_EthereumsSetupIsCutShort() public {
        (address[] memory accounts, uint16[] memory weights) = members(2);
        IProvenRung.Terms memory sealed_ =
            IProvenRung.Terms({ windowSeconds: WINDOW, revealSeconds: SUBMIT, stake: STAKE });
        IRelayedRung.Terms memory relayed = IRelayedRung.Terms({ windowSeconds: WINDOW, stake: STAKE, ecdsa: true });
        for (uint8 logN; logN < 23; ++logN) {
            Sealing.Setup memory setup = Sealing.Setup({ logN: logN, tauH: Sealing.ETHEREUM });
            bytes memory arguments = abi.encode(setup, 40);
            if (logN == 12) {
                assertTaken("ProofKernel.sol:ProofKernel", arguments);
                continue;
            }
            assertNotDeployed("ProofKernel.sol:ProofKernel", arguments, logN);
            if (logN % 6 != 5) continue;
            arguments = abi.encode(config(40), sealed_, setup, accounts, weights);
            assertNotDeployed("Rung6Proven.sol:Rung6Proven", arguments, logN);
            arguments = abi.encode(config(40), relayed, setup, accounts, weights);
            assertNotDeployed("Rung7Relayed.sol:Rung7Relayed", arguments, logN);
        }
    }

    /// @dev Of the point at infinity, where τ = 0, everybody knows all powers.
    function test_SetupOfASecretThatIsZero() public {
        (address[] memory accounts, uint16[] memory weights) = members(2);
        IProvenRung.Terms memory sealed_ =
            IProvenRung.Terms({ windowSeconds: WINDOW, revealSeconds: SUBMIT, stake: STAKE });
        IRelayedRung.Terms memory relayed = IRelayedRung.Terms({ windowSeconds: WINDOW, stake: STAKE, ecdsa: true });
        Sealing.Setup memory setup = Sealing.Setup({ logN: 12, tauH: new bytes(256) });
        assertNotDeployed("ProofKernel.sol:ProofKernel", abi.encode(setup, 40), 12);
        bytes memory arguments = abi.encode(config(40), sealed_, setup, accounts, weights);
        assertNotDeployed("Rung6Proven.sol:Rung6Proven", arguments, 12);
        arguments = abi.encode(config(40), relayed, setup, accounts, weights);
        assertNotDeployed("Rung7Relayed.sol:Rung7Relayed", arguments, 12);
    }

    /// @dev A known limit: −τ·H of Ethereum's ceremony has as many public powers as τ·H, and is taken with fewer entries. So is
    /// what is made of τ by any other polynomial, and another ceremony's. Who takes part has to know the setup.
    function test_KnownLimit_WhatIsMadeOfEthereumsSetupIsCutShort() public {
        bytes memory tau = Sealing.ETHEREUM;
        for (uint256 part = 2; part < 4; ++part) {
            assembly ("memory-safe") {
                // y becomes p − y
                let high := add(tau, add(0x20, mul(part, 0x40)))
                let low := mload(add(high, 0x20))
                let pLow := 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab
                mstore(high, sub(sub(0x1a0111ea397fe69a4b1ba7b6434bacd7, mload(high)), gt(low, pLow)))
                mstore(add(high, 0x20), sub(pLow, low))
            }
        }
        assertTaken("ProofKernel.sol:ProofKernel", abi.encode(Sealing.Setup({ logN: 5, tauH: tau }), 40));
    }

    /// @dev What does not fit its record would be counted, and bound by no challenge: with two such weights a false sum is made
    /// true.
    function test_WeightIsCountedThatNoChallengeDependsOn() public {
        Sealing.mockPairing();
        bytes memory arguments = abi.encode(Sealing.setup(), 40);
        IKernel kernel = IKernel(assertTaken("ProofKernel.sol:ProofKernel", arguments));
        (address[] memory accounts,) = members(2);
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (7, type(uint64).max);
        bytes memory proof = new bytes(384 + 32);
        kernel.check(1, accounts, weights, new bytes(32), proof, new bytes(192), 2);
        weights[1] = 1 << 64;
        vm.expectRevert(abi.encodeWithSelector(ProofBadWeight.selector, 1, 1 << 64));
        kernel.check(1, accounts, weights, new bytes(32), proof, new bytes(192), 2);
    }
}
