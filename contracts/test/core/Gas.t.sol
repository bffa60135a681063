// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { Federation } from "../utils/Federation.sol";
import { Reference } from "../utils/Reference.sol";

/// @notice The gas of every step, kept in snapshots/*.json. With FORGE_SNAPSHOT_CHECK=true a changed figure is a failure;
/// without it the files are written anew.
/// @dev foundry.toml sets `isolate`: each call from a test is a transaction of its own, and the figures are those of
/// receipts: 21,000 intrinsic gas, calldata (or its floor price) and cold storage included, refunds taken off. anvil's
/// receipt of the same registration says the same 45,329.
contract GasTest is Federation {
    uint256 private constant TRANSACTION_CAP = 16_777_216;

    /// @dev Values of up to ±1.0 at scale 10^9, as a model's update has them: about half of the words are negative.
    function updateOf(uint256 i, uint256 round, uint256 parameters) private pure returns (int64[] memory) {
        return randomUpdate(uint256(keccak256(abi.encode("update", i, round))), parameters, 1e9);
    }

    function start(uint256 n, uint256 parameters) private {
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.capacity) = (uint32(parameters), uint32(n));
        deploy(config, defaultTerms());
        fund(100 ether);
        for (uint256 i; i < n; ++i) {
            register(client(i), 10 + i);
        }
    }

    function commitAndReveal(uint256 n, uint256 round, uint256 parameters) private {
        int64[][] memory updates = new int64[][](n);
        for (uint256 i; i < n; ++i) {
            updates[i] = updateOf(i, round, parameters);
        }
        playToAggregate(updates);
    }

    function finish(uint256 n) private {
        compute();
        pool.settle(2 * n);
    }

    // ------------------------------------------------------------------------------------------------------- clients

    /// @dev The paper reports about 45,373 gas a client, whatever the sample count.
    function test_Register() public {
        deploy(defaultConfig(), defaultTerms());
        register(client(0), 120);
        vm.assertLe(vm.snapshotGasLastCall("ClientRegistry", "register"), 45_373, "registration, whole transaction");
        register(client(1), 65_535);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 45_373, "more non-zero bytes in the sample count");
    }

    function test_LeaveAndTakeTheStake() public {
        deploy(defaultConfig(), defaultTerms());
        register(client(0), 120);
        vm.prank(address(pool));
        registry.slash(client(0), 0.1 ether);
        vm.deal(client(0), 0.1 ether);
        vm.prank(client(0));
        registry.addStake{ value: 0.1 ether }();
        vm.snapshotGasLastCall("ClientRegistry", "addStake");
        vm.prank(client(0));
        registry.deregister();
        vm.snapshotGasLastCall("ClientRegistry", "deregister");
        vm.warp(block.timestamp + COOL_DOWN);
        vm.prank(client(0));
        registry.withdrawStake();
        vm.snapshotGasLastCall("ClientRegistry", "withdrawStake");
    }

    // -------------------------------------------------------------------------------------------------------- rounds

    /// @dev Ten clients, 31 parameters: a client's first round writes new slots, its second one overwrites them.
    function test_RoundOf31() public {
        start(10, 31);
        snapshotRound(1, 31, "first");
        snapshotRound(2, 31, "later");
    }

    function snapshotRound(uint256 round, uint256 parameters, string memory when) private {
        aggregator.openRound();
        vm.snapshotGasLastCall("Round10x31", string.concat("openRound ", when));
        nextBlock();
        for (uint256 i; i < 10; ++i) {
            commit(client(i), updateOf(i, round, parameters));
            if (i == 5) vm.snapshotGasLastCall("Round10x31", string.concat("commit ", when));
        }
        endPhase();
        for (uint256 i; i < 10; ++i) {
            reveal(client(i), updateOf(i, round, parameters));
            if (i == 5) vm.snapshotGasLastCall("Round10x31", string.concat("reveal ", when));
        }
        nextBlock();
        aggregator.aggregate(parameters);
        vm.snapshotGasLastCall("Round10x31", string.concat("aggregate ", when));
        nextBlock();
        aggregator.score(10 * parameters);
        vm.snapshotGasLastCall("Round10x31", string.concat("score ", when));
        nextBlock();
        pool.settle(20);
        vm.snapshotGasLastCall("Round10x31", string.concat("settle ", when));
    }

    /// @dev Softmax regression on digits: 650 parameters.
    function test_RevealOf650() public {
        start(2, 650);
        for (uint256 round = 1; round <= 2; ++round) {
            string memory when = round == 1 ? "first" : "later";
            open();
            commit(client(0), updateOf(0, round, 650));
            commit(client(1), updateOf(1, round, 650));
            endPhase();
            reveal(client(0), updateOf(0, round, 650));
            reveal(client(1), updateOf(1, round, 650));
            vm.snapshotGasLastCall("Round2x650", string.concat("reveal ", when));
            nextBlock();
            aggregator.aggregate(650);
            vm.snapshotGasLastCall("Round2x650", string.concat("aggregate ", when));
            nextBlock();
            aggregator.score(2 * 650);
            vm.snapshotGasLastCall("Round2x650", string.concat("score ", when));
            nextBlock();
            pool.settle(4);
        }
    }

    /// @dev A hundred clients: one call a phase is enough with 31 parameters, each below the cap of a transaction.
    function test_RoundOfAHundred() public {
        start(100, 31);
        commitAndReveal(100, 1, 31);
        aggregator.aggregate(31);
        vm.assertLe(vm.snapshotGasLastCall("Round100x31", "aggregate first"), TRANSACTION_CAP, "aggregate");
        nextBlock();
        aggregator.score(100 * 31);
        vm.assertLe(vm.snapshotGasLastCall("Round100x31", "score"), TRANSACTION_CAP, "score");
        nextBlock();
        pool.settle(200);
        vm.assertLe(vm.snapshotGasLastCall("Round100x31", "settle first"), TRANSACTION_CAP, "settle");
    }

    // ----------------------------------------------------------------------------------------------- the largest round

    /// @dev The smallest pages of the largest round fit a transaction, in whatever order the lengths are to be sorted: a
    /// round that could not be averaged would be the last one. The first page of a round that clips sorts: lengths that
    /// ascend, descend or are all the same, and the largest one before all others, ascending: every level of quicksort then
    /// swaps all it has, which costs most of these.
    function test_LargestRoundAscending() public {
        largestRound("ascending");
    }

    function test_LargestRoundDescending() public {
        largestRound("descending");
    }

    function test_LargestRoundOfTheLargestFirst() public {
        largestRound("largest first");
    }

    function test_LargestRoundOfEqualLengths() public {
        largestRound("equal");
    }

    function largestRound(string memory order) private {
        int64[][] memory updates = new int64[][](256);
        for (uint256 i; i < 256; ++i) {
            updates[i] = new int64[](8);
            if (keccak256(bytes(order)) == keccak256("equal")) {
                signs(updates[i], i);
            } else if (keccak256(bytes(order)) == keccak256("ascending")) {
                updates[i][0] = int64(int256(1e9 * (i + 1)));
            } else if (keccak256(bytes(order)) == keccak256("largest first")) {
                updates[i][0] = int64(int256(1e9 * (i == 0 ? 256 : i)));
            } else {
                updates[i][0] = int64(int256(1e9 * (256 - i)));
            }
        }
        IAggregator.Config memory config = defaultConfig();
        (config.parameters, config.capacity, config.bound, config.clipped) = (8, 256, 2 ** 44, true);
        deploy(config, defaultTerms());
        uint256[] memory samples = new uint256[](256);
        for (uint256 i; i < 256; ++i) {
            samples[i] = 10 + i;
            register(client(i), samples[i]);
        }
        playToAggregate(updates);
        aggregator.aggregate(1);
        fits(string.concat("aggregate 4 of 8 entries, lengths ", order));
        vm.assertEq(aggregator.clipNorm(), Reference.medianNorm(updates, samples), "median length");
        aggregator.aggregate(1);
        nextBlock();
        aggregator.score(1);
        fits(string.concat("score 4 of 8 entries, lengths ", order));
        vm.assertEq(aggregator.currentRound().cursor, 4, "half a client");
    }

    function fits(string memory name) private {
        vm.assertLe(vm.snapshotGasLastCall("Round256x8", name), TRANSACTION_CAP, name);
    }

    /// @dev ±1 by the bits of i: 256 updates, no two alike, all of one length.
    function signs(int64[] memory update, uint256 i) private pure {
        for (uint256 j; j < 8; ++j) {
            update[j] = i >> j & 1 == 0 ? int64(1e9) : int64(-1e9);
        }
    }

    // --------------------------------------------------------------------------------------------- fairness and money

    function test_FairnessOfTen() public {
        start(10, 3);
        (address[] memory clients, uint32[] memory factors) = (new address[](10), new uint32[](10));
        for (uint256 i; i < 10; ++i) {
            (clients[i], factors[i]) = (client(i), uint32(900_000 + i));
        }
        for (uint256 round = 1; round <= INTERVAL; ++round) {
            commitAndReveal(10, round, 3);
            finish(10);
        }
        bytes32 factorsHash = keccak256(abi.encode(clients, factors));
        // 10 + 11 + … + 19 = 145 samples are present, 87 must say the same: the last of seven makes 91.
        for (uint256 i; i < 7; ++i) {
            vm.prank(client(i));
            ledger.attest(0, keccak256("record"), factorsHash);
            if (i == 0) vm.snapshotGasLastCall("FairnessLedger", "attest first");
            if (i == 1) vm.snapshotGasLastCall("FairnessLedger", "attest second");
            if (i == 6) vm.snapshotGasLastCall("FairnessLedger", "attest last");
        }
        ledger.applyFactors(0, keccak256("record"), clients, factors);
        vm.snapshotGasLastCall("FairnessLedger", "applyFactors");
    }

    function test_FundAndWithdraw() public {
        start(2, 3);
        fund(1 ether);
        vm.snapshotGasLastCall("RewardPool", "fund");
        commitAndReveal(2, 1, 3);
        finish(2);
        address winner = pool.creditOf(client(0)) > 0 ? client(0) : client(1);
        vm.prank(winner);
        pool.withdraw();
        vm.snapshotGasLastCall("RewardPool", "withdraw");
    }
}
