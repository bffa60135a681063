// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { IAccuracyAdjusted } from "../../src/proposals/IAccuracyAdjusted.sol";
import { IRegistry } from "../utils/Getters.sol";
import { Federation } from "../utils/Federation.sol";

/// @notice A federation with `AccuracyAdjusted` where the reward pool stands.
abstract contract AdjustedFederation is Federation {
    string internal constant ARTIFACT = "AccuracyAdjusted.sol:AccuracyAdjusted";
    uint32 internal constant ATTEST = 1 hours;

    IAccuracyAdjusted internal adjusted;

    function adjustedTerms() internal pure returns (IAccuracyAdjusted.Terms memory) {
        return IAccuracyAdjusted.Terms({
            budget: 1 ether,
            fullSamples: 1,
            gainCap: 8,
            penaltyRate: 50_000,
            penaltyCap: 100_000,
            quorum: 666_667,
            attestSeconds: ATTEST,
            validationSet: sha256("the validation set")
        });
    }

    /// @dev Registry and aggregator name the pool, so its address is computed beforehand.
    function deployAdjusted(IAggregator.Config memory config, IAccuracyAdjusted.Terms memory terms) internal {
        vm.warp(NOW);
        address poolAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        registry = IRegistry(
            vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(STAKE_PER_SAMPLE, COOL_DOWN, poolAt))
        );
        aggregator =
            IAggregator(vm.deployCode("Aggregator.sol:Aggregator", abi.encode(registry, poolAt, PUBLISHER, config)));
        adjusted = IAccuracyAdjusted(vm.deployCode(ARTIFACT, abi.encode(registry, aggregator, terms)));
        vm.assertEq(address(adjusted), poolAt, "the pool's address");
    }

    function fundAdjusted(uint256 amount) internal {
        vm.deal(PUBLISHER, PUBLISHER.balance + amount);
        vm.prank(PUBLISHER);
        adjusted.fund{ value: amount }();
    }

    function attest(address who, bytes32 hash) internal {
        uint256 round = aggregator.currentRound().number;
        vm.prank(who);
        adjusted.attest(round, hash);
    }

    /// @dev Clients 0 and 1 attest to these gains; in the tests they are a quorum.
    function agree(int32[] memory gains) internal {
        attest(client(0), hashOf(gains));
        attest(client(1), hashOf(gains));
    }

    function hashOf(int32[] memory gains) internal pure returns (bytes32) {
        return keccak256(abi.encode(gains));
    }

    function gains3(int32 a, int32 b, int32 c) internal pure returns (int32[] memory gains) {
        gains = new int32[](3);
        (gains[0], gains[1], gains[2]) = (a, b, c);
    }
}
