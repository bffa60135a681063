// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { Federation } from "../utils/Federation.sol";
import { Reference } from "../utils/Reference.sol";

/// @notice What a round computes, against plain loops (Reference.sol) and against exact fractions (vectors/rounds.json).
contract AggregatorMathsTest is Federation {
    uint256 private constant BOUND = 2 ** 44;

    /// @dev A federation of `samples.length` clients, and a round with these updates up to its aggregation.
    function start(uint256[] memory samples, int64[][] memory updates) private {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = uint32(updates[0].length);
        config.capacity = uint32(samples.length);
        config.minimum = 1;
        config.bound = uint64(BOUND);
        deploy(config, defaultTerms());
        for (uint256 i; i < samples.length; ++i) {
            register(client(i), samples[i]);
        }
        playToAggregate(updates);
    }

    function random(uint256 seed, uint256 limit) private pure returns (uint256[] memory samples, int64[][] memory v) {
        uint256 n = 1 + draw(seed, "n", 0) % 7;
        uint256 parameters = 1 + draw(seed, "P", 0) % 23;
        samples = new uint256[](n);
        v = new int64[][](n);
        for (uint256 i; i < n; ++i) {
            samples[i] = 1 + draw(seed, "samples", i) % 2 ** (1 + draw(seed, "magnitude", i) % 32);
            if (samples[i] > type(uint32).max) samples[i] = type(uint32).max;
            v[i] = randomUpdate(draw(seed, "update", i), parameters, limit);
        }
    }

    function widened(int64[] memory narrow) private pure returns (int256[] memory wide) {
        wide = new int256[](narrow.length);
        for (uint256 j; j < narrow.length; ++j) {
            wide[j] = narrow[j];
        }
    }

    function chainScores(uint256 n) private view returns (int256[] memory s) {
        s = new int256[](n);
        for (uint256 i; i < n; ++i) {
            s[i] = aggregator.entryOf(client(i)).score;
        }
    }

    function assertOutcome(int256[] memory g, int256[] memory s, uint256 square) private view {
        vm.assertEq(widened(aggregator.globalUpdate()), g, "averaged update");
        vm.assertEq(widened(aggregator.model()), g, "model after the first round");
        vm.assertEq(aggregator.normSquared(), square, "squared norm");
        vm.assertEq(chainScores(s.length), s, "scores");
    }

    // ------------------------------------------------------------------------------------------------- differential

    /// @dev Pages of random sizes must add up to what one obvious loop says; so must a single page, the largest size.
    function testFuzz_RoundMatchesTheReference(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, BOUND);
        start(samples, updates);
        for (uint256 k; phase() == IAggregator.Phase.Aggregate; ++k) {
            aggregator.aggregate(pageSize(seed, "page", k));
        }
        for (uint256 k; phase() == IAggregator.Phase.Score; ++k) {
            aggregator.score(pageSize(seed, "scores", k));
        }
        int256[] memory g = Reference.average(updates, samples);
        assertOutcome(g, Reference.scores(updates, samples, g), Reference.normSquared(g));
    }

    /// @dev 1 to 9, and everything at once in one of four cases.
    function pageSize(uint256 seed, string memory what, uint256 k) private pure returns (uint256) {
        uint256 word = draw(seed, what, k);
        return word % 4 == 0 ? type(uint256).max : 1 + word / 4 % 9;
    }

    /// @dev Small numbers, where almost every division leaves a rest.
    function testFuzz_SmallNumbersMatchTheReference(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, 1 + seed % 5);
        for (uint256 i; i < updates.length; ++i) {
            updates[i][0] = int64(int256(i)); // all different: equal updates count as copies
        }
        start(samples, updates);
        aggregator.aggregate(type(uint256).max);
        aggregator.score(type(uint256).max);
        int256[] memory g = Reference.average(updates, samples);
        assertOutcome(g, Reference.scores(updates, samples, g), Reference.normSquared(g));
    }

    /// @dev The model is the sum of all averages, and a shorter history leaves nothing in the buffers.
    function testFuzz_ModelAddsUp(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, 100e9);
        start(samples, updates);
        int256[] memory sum = new int256[](updates[0].length);
        for (uint256 r = 1; r <= 3; ++r) {
            if (r > 1) playToAggregate(updates);
            int256[] memory g = Reference.average(updates, samples);
            for (uint256 j; j < sum.length; ++j) {
                sum[j] += g[j];
            }
            aggregator.aggregate(type(uint256).max);
            aggregator.score(type(uint256).max);
            vm.assertEq(widened(aggregator.globalUpdate()), g, "this round's average");
            vm.assertEq(chainScores(samples.length), Reference.scores(updates, samples, g), "this round's scores");
            pool.settle(type(uint256).max);
            for (uint256 i; i < updates.length; ++i) {
                updates[i] = randomUpdate(draw(seed, "next", 100 * r + i), sum.length, 100e9);
            }
        }
        vm.assertEq(widened(aggregator.model()), sum, "model");
    }

    /// @dev Exact fractions, computed by vectors/make_rounds.py.
    function testDifferential_Vectors() public {
        string memory json = vm.readFile("test/vectors/rounds.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        vm.assertTrue(count > 0, "no vectors");
        for (uint256 k; k < count; ++k) {
            string memory path = string.concat(".cases[", vm.toString(k), "]");
            uint256[] memory samples = vm.parseJsonUintArray(json, string.concat(path, ".samples"));
            int256[] memory flat = vm.parseJsonIntArray(json, string.concat(path, ".updates"));
            start(samples, split(flat, samples.length));
            aggregator.aggregate(type(uint256).max);
            aggregator.score(type(uint256).max);
            assertOutcome(
                vm.parseJsonIntArray(json, string.concat(path, ".global")),
                vm.parseJsonIntArray(json, string.concat(path, ".scores")),
                vm.parseJsonUintArray(json, string.concat(path, ".norm_squared"))[0]
            );
        }
    }

    function split(int256[] memory flat, uint256 n) private pure returns (int64[][] memory rows) {
        rows = new int64[][](n);
        for (uint256 i; i < n; ++i) {
            rows[i] = new int64[](flat.length / n);
            for (uint256 j; j < rows[i].length; ++j) {
                rows[i][j] = int64(flat[i * rows[i].length + j]);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- properties

    /// @dev Σ_i S_i = ‖g‖² within what two truncations can lose: Σ_j |g_j| for the averages, 1 a client for the scores.
    function testFuzz_ScoresSplitTheSquaredNorm(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, 1000 + seed % 100e9);
        start(samples, updates);
        aggregator.aggregate(type(uint256).max);
        aggregator.score(type(uint256).max);
        int256[] memory g = widened(aggregator.globalUpdate());
        int256 gap = -int256(aggregator.normSquared());
        uint256 slack = samples.length;
        for (uint256 i; i < samples.length; ++i) {
            gap += aggregator.entryOf(client(i)).score;
        }
        for (uint256 j; j < g.length; ++j) {
            slack += uint256(g[j] < 0 ? -g[j] : g[j]);
        }
        vm.assertLe(uint256(gap < 0 ? -gap : gap), slack, "sum of scores minus squared norm");
    }

    // ------------------------------------------------------------------------------------------------------- cursors

    /// @dev A page of 1 is rounded up to the four entries of a slot; the last one is shorter.
    function test_AggregatePagesAreWholeSlots() public {
        uint256[] memory samples = new uint256[](1);
        samples[0] = 5;
        int64[][] memory updates = new int64[][](1);
        updates[0] = randomUpdate(1, 10, 100e9);
        start(samples, updates);
        aggregator.aggregate(1);
        vm.assertEq(aggregator.currentRound().cursor, 4, "one slot");
        vm.assertEq(int256(aggregator.globalUpdate()[3]), updates[0][3], "its last entry is there");
        vm.assertEq(int256(aggregator.globalUpdate()[4]), 0, "the next one is not");
        aggregator.aggregate(4);
        vm.assertEq(aggregator.currentRound().cursor, 8, "two slots");
        aggregator.aggregate(1);
        assertPhase(IAggregator.Phase.Score, "two entries were left");
        vm.assertEq(aggregator.currentRound().cursor, 0, "scoring starts with the first client");
    }

    function test_ScorePagesCountClients() public {
        (uint256[] memory samples, int64[][] memory updates) = (new uint256[](3), new int64[][](3));
        for (uint256 i; i < 3; ++i) {
            (samples[i], updates[i]) = (i + 1, vector(1e9, 2e9, int64(int256(i))));
        }
        start(samples, updates);
        aggregator.aggregate(3);
        aggregator.score(2);
        vm.assertEq(aggregator.currentRound().cursor, 2, "two clients");
        vm.assertTrue(aggregator.entryOf(client(1)).score > 0, "the second is scored");
        vm.assertTrue(aggregator.entryOf(client(2)).score == 0, "the third is not");
        aggregator.score(type(uint256).max);
        assertPhase(IAggregator.Phase.Settle, "all clients");
    }
}
