// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator, PART } from "../../src/core/IAggregator.sol";
import { IRewardPool } from "../../src/core/IRewardPool.sol";
import { Base } from "./Base.sol";
import { ILedger, IPool, IRegistry } from "./Getters.sol";
import { Reference } from "./Reference.sol";

/// @notice A whole federation, deployed as in reality, and the steps of a round.
abstract contract Federation is Base {
    uint256 internal constant STAKE_PER_SAMPLE = 0.01 ether;
    uint256 internal constant COOL_DOWN = 1 days;
    uint256 internal constant INTERVAL = 2;
    uint256 internal constant QUORUM = 600_000;
    uint256 internal constant ATTEST_SECONDS = 1 hours;
    uint256 internal constant NOW = 1_700_000_000;
    address internal constant PUBLISHER = address(0x9B11);

    IRegistry internal registry;
    IAggregator internal aggregator;
    ILedger internal ledger;
    IPool internal pool;

    function defaultConfig() internal pure returns (IAggregator.Config memory) {
        return IAggregator.Config({
            parameters: 3,
            capacity: 4,
            minimum: 2,
            minimumSamples: 1,
            commitSeconds: 600,
            revealSeconds: 300,
            bound: 100e9,
            clipped: false
        });
    }

    function defaultTerms() internal pure returns (IRewardPool.Terms memory) {
        return IRewardPool.Terms({
            budget: 1 ether, fullSamples: 1, alpha: 500_000, window: 8, penaltyRate: 50_000, penaltyCap: 100_000
        });
    }

    /// @dev Registry, aggregator and pool name one another, so the pool's address is computed beforehand.
    function deploy(IAggregator.Config memory config, IRewardPool.Terms memory terms) internal {
        vm.warp(NOW);
        address poolAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 3);
        registry = IRegistry(
            vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(STAKE_PER_SAMPLE, COOL_DOWN, poolAt))
        );
        aggregator =
            IAggregator(vm.deployCode("Aggregator.sol:Aggregator", abi.encode(registry, poolAt, PUBLISHER, config)));
        ledger = ILedger(
            vm.deployCode(
                "FairnessLedger.sol:FairnessLedger", abi.encode(registry, aggregator, INTERVAL, QUORUM, ATTEST_SECONDS)
            )
        );
        pool = IPool(vm.deployCode("RewardPool.sol:RewardPool", abi.encode(registry, aggregator, ledger, terms)));
        vm.assertEq(address(pool), poolAt, "the pool's address");
    }

    /// @dev The i-th client.
    function client(uint256 i) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("client", i)))));
    }

    function register(address who, uint256 samples) internal {
        uint256 stake = samples * STAKE_PER_SAMPLE;
        vm.deal(who, who.balance + stake);
        vm.prank(who);
        registry.register{ value: stake }(samples);
    }

    function fund(uint256 amount) internal {
        vm.deal(PUBLISHER, PUBLISHER.balance + amount);
        vm.prank(PUBLISHER);
        pool.fund{ value: amount }();
    }

    // ------------------------------------------------------------------------------------------ a round, step by step

    function saltOf(address who, uint256 round) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", who, round));
    }

    function commitmentFor(address who, int64[] memory update) internal view returns (bytes32) {
        uint256 round = aggregator.currentRound().number;
        return aggregator.commitmentOf(round, who, Reference.digest(update), saltOf(who, round));
    }

    function commit(address who, int64[] memory update) internal {
        bytes32 commitment = commitmentFor(who, update);
        uint256 round = aggregator.currentRound().number;
        vm.prank(who);
        aggregator.commit(round, commitment);
    }

    function reveal(address who, int64[] memory update) internal {
        bytes32 salt = saltOf(who, aggregator.currentRound().number);
        vm.prank(who);
        aggregator.reveal(update, salt);
    }

    /// @dev The parts from entry `from` on, a transaction each.
    function revealParts(address who, int64[] memory update, uint256 from) internal {
        bytes32 salt = saltOf(who, aggregator.currentRound().number);
        for (; from < update.length; from += PART) {
            int64[] memory part = Reference.slice(update, from, PART);
            vm.prank(who);
            aggregator.revealPart(from, part, salt);
        }
    }

    function warpToDeadline() internal {
        vm.warp(aggregator.currentRound().deadline);
    }

    /// @dev Open a round in which clients 0 … n − 1 commit; those with an empty update stay silent afterwards.
    /// @param updates One a client.
    function playToAggregate(int64[][] memory updates) internal {
        open();
        for (uint256 i; i < updates.length; ++i) {
            commit(client(i), updates[i]);
        }
        endPhase();
        for (uint256 i; i < updates.length; ++i) {
            if (updates[i].length > PART) revealParts(client(i), updates[i], 0);
            else if (updates[i].length != 0) reveal(client(i), updates[i]);
        }
        if (phase() == IAggregator.Phase.Reveal) endPhase();
        else nextBlock();
    }

    /// @dev Open a round, and be in a block in which commitments are taken.
    function open() internal {
        aggregator.openRound();
        nextBlock();
    }

    /// @dev Let commit or reveal run out, move on, and be in a block in which the next phase's steps are taken.
    function endPhase() internal {
        warpToDeadline();
        aggregator.advance();
        nextBlock();
    }

    function nextBlock() internal {
        vm.warp(block.timestamp + 1);
    }

    function playToSettle(int64[][] memory updates) internal {
        playToAggregate(updates);
        if (phase() == IAggregator.Phase.Aggregate) compute();
    }

    /// @dev Average and score, a page each, and be in a block in which the round may be closed.
    function compute() internal {
        nextBlock();
        aggregator.aggregate(type(uint256).max);
        nextBlock();
        aggregator.score(type(uint256).max);
        nextBlock();
    }

    function play(int64[][] memory updates) internal {
        playToSettle(updates);
        pool.settle(2 * updates.length + 1);
    }

    /// @dev A round nobody commits to.
    function playVoid() internal {
        aggregator.openRound();
        endPhase();
        pool.settle(1);
    }

    function phase() internal view returns (IAggregator.Phase) {
        return aggregator.currentRound().phase;
    }

    function assertPhase(IAggregator.Phase expected, string memory what) internal view {
        vm.assertEq(uint256(phase()), uint256(expected), what);
    }

    // -------------------------------------------------------------------------------------------------------- updates

    function vector(int64 a, int64 b, int64 c) internal pure returns (int64[] memory v) {
        v = new int64[](3);
        (v[0], v[1], v[2]) = (a, b, c);
    }

    /// @dev P entries within ±limit, all different for different seeds.
    function randomUpdate(uint256 seed, uint256 parameters, uint256 limit) internal pure returns (int64[] memory v) {
        v = new int64[](parameters);
        for (uint256 j; j < parameters; ++j) {
            v[j] = int64(int256(draw(seed, "entry", j) % (2 * limit + 1)) - int256(limit));
        }
    }
}
