// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../../src/core/IAggregator.sol";
import { IEscrow } from "../../../src/core/IEscrow.sol";
import { Federation } from "../../utils/Federation.sol";
import { Refusals } from "../../utils/Refusals.sol";

/// @notice Attempts to stop a federation for good, with its pot inside. A test is named after what the attacker wants,
/// and passes when it does not get it.
contract LockAttacks is Federation, Refusals {
    uint256 private constant CAP = 16_777_216; // gas of a transaction, EIP-7825

    function refuse(string memory field, uint256 value, IAggregator.Config memory config) private {
        assertRefused(
            "Aggregator.sol:Aggregator",
            abi.encode(registry, pool, PUBLISHER, config),
            abi.encodeWithSelector(IAggregator.BadConfig.selector, field, value)
        );
    }

    /// @dev With 2,600 clients the smallest page of an average took more gas than a transaction may have.
    function test_SoManyClientsThatNoPageFits() public {
        deploy(defaultConfig(), defaultTerms());
        IAggregator.Config memory config = defaultConfig();
        config.capacity = 257;
        refuse("capacity", 257, config);
        config.capacity = 2_600;
        refuse("capacity", 2_600, config);
    }

    function test_SoManyParametersThatNoScoreFits() public {
        deploy(defaultConfig(), defaultTerms());
        IAggregator.Config memory config = defaultConfig();
        config.parameters = (1 << 20) + 1;
        refuse("parameters", (1 << 20) + 1, config);
    }

    /// @dev At P = 6,000 no transaction could hold a reveal, and every honest client would have been punished.
    function test_AModelThatNoRevealCanHold() public {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.minimum) = (6_000, 1);
        deploy(config, defaultTerms());
        address who = client(0);
        register(who, 10);
        int64[] memory update = randomUpdate(1, 6_000, 1e9);
        bytes32 digest;
        for (uint256 from; from < 6_000; from += 2_048) {
            bytes32 h = keccak256(abi.encodePacked(slice(update, from)));
            digest = from == 0 ? h : keccak256(abi.encode(digest, h));
        }
        aggregator.openRound();
        nextBlock();
        bytes32 commitment = aggregator.commitmentOf(1, who, digest, 0);
        vm.prank(who);
        aggregator.commit(1, commitment);
        endPhase();
        for (uint256 from; from < 6_000; from += 2_048) {
            int64[] memory part = slice(update, from);
            vm.prank(who);
            aggregator.revealPart(from, part, 0);
            vm.assertLe(vm.lastCallGas().gasTotalUsed, CAP, "gas of a part");
        }
        assertPhase(IAggregator.Phase.Aggregate, "revealed");
    }

    function slice(int64[] memory update, uint256 from) private pure returns (int64[] memory part) {
        uint256 left = update.length - from;
        part = new int64[](left < 2_048 ? left : 2_048);
        for (uint256 j; j < part.length; ++j) {
            part[j] = update[from + j];
        }
    }

    /// @dev An entry pushed to the end of its range for half a million rounds; here the model is put there at once.
    function test_AnEntryOutOfRangeStopsEveryRound() public {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = 4;
        deploy(config, defaultTerms());
        register(client(0), 10);
        register(client(1), 10);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (new int64[](4), new int64[](4));
        (updates[0][0], updates[1][0]) = (100e9, 99e9);
        play(updates);
        bytes32 slot = modelSlot();
        vm.store(address(aggregator), slot, bytes32(uint256(uint64(type(int64).max) - 5)));
        updates[1][0] = 98e9;
        play(updates);
        vm.assertEq(int256(aggregator.model()[0]), type(int64).max, "it stays at the end");
        assertPhase(IAggregator.Phase.Idle, "and the federation goes on");
    }

    /// @dev The slot that holds the model's first entries, found by its value.
    function modelSlot() private view returns (bytes32) {
        bytes32 held = bytes32(uint256(uint64(aggregator.model()[0])));
        bytes32 average = bytes32(uint256(uint64(aggregator.globalUpdate()[0])));
        vm.assertEq(held, average, "after one round the two are equal");
        for (uint256 s; s < 32; ++s) {
            bytes32 slot = keccak256(abi.encode(s));
            if (vm.load(address(aggregator), slot) != held) continue;
            bytes32 next = keccak256(abi.encode(s + 1)); // declared after the average
            return vm.load(address(aggregator), next) == held ? next : slot;
        }
        vm.assertTrue(false, "no such slot");
        return 0;
    }

    function test_APoolThatMayNotCloseRounds() public {
        deploy(defaultConfig(), defaultTerms());
        address mine = addressAfter(0);
        assertRefused(
            "RewardPool.sol:RewardPool",
            abi.encode(registry, aggregator, ledger, defaultTerms()),
            abi.encodeWithSelector(IEscrow.NotWired.selector, "slasher", address(pool), mine)
        );
    }

    function test_APageTooLargeStopsTheRound() public {
        deploy(defaultConfig(), defaultTerms());
        register(client(0), 10);
        register(client(1), 10);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(1, 2, 3), vector(3, 2, 1));
        playToAggregate(updates);
        aggregator.aggregate(type(uint256).max);
        nextBlock();
        aggregator.score(type(uint256).max);
        nextBlock();
        pool.settle(type(uint256).max);
        assertPhase(IAggregator.Phase.Idle, "no count is too large");
    }
}
