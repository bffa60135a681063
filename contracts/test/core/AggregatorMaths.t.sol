// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { Federation } from "../utils/Federation.sol";
import { Reference } from "../utils/Reference.sol";

/// @notice What a round computes, against plain loops (Reference.sol) and against exact fractions (vectors/rounds.json).
contract AggregatorMathsTest is Federation {
    uint256 private constant BOUND = 2 ** 44;

    /// @dev Whether the next federation clips.
    bool private clipped;

    /// @dev A federation of `samples.length` clients, and a round with these updates up to its aggregation. Who has an
    /// empty one does not reveal.
    function start(uint256[] memory samples, int64[][] memory updates) private {
        IAggregator.Config memory config = defaultConfig();
        config.parameters = uint32(lengthOf(updates));
        config.capacity = uint32(samples.length);
        config.minimum = 1;
        config.bound = uint64(BOUND);
        config.clipped = clipped;
        deploy(config, defaultTerms());
        for (uint256 i; i < samples.length; ++i) {
            register(client(i), samples[i]);
        }
        playToAggregate(updates);
    }

    function lengthOf(int64[][] memory updates) private pure returns (uint256 length) {
        for (uint256 i; i < updates.length; ++i) {
            if (updates[i].length != 0) length = updates[i].length;
        }
    }

    /// @dev Updates of lengths up to nine digits apart, so that clipping has something to do.
    function random(uint256 seed, uint256 limit) private pure returns (uint256[] memory samples, int64[][] memory v) {
        uint256 n = 1 + draw(seed, "n", 0) % 7;
        uint256 parameters = 1 + draw(seed, "P", 0) % 23;
        samples = new uint256[](n);
        v = new int64[][](n);
        for (uint256 i; i < n; ++i) {
            samples[i] = 1 + draw(seed, "samples", i) % 2 ** (1 + draw(seed, "magnitude", i) % 32);
            if (samples[i] > type(uint32).max) samples[i] = type(uint32).max;
            uint256 most = limit >> (draw(seed, "shrink", i) % 3 == 0 ? draw(seed, "shift", i) % 32 : 0);
            v[i] = randomUpdate(draw(seed, "update", i), parameters, most < i + 1 ? i + 1 : most);
            v[i][0] = int64(int256(i + 1)); // no two alike, and none zero
        }
    }

    /// @dev Some clients do not reveal; one at least does.
    function silence(uint256 seed, int64[][] memory updates) private pure {
        uint256 speaker = draw(seed, "speaker", 0) % updates.length;
        for (uint256 i; i < updates.length; ++i) {
            if (i != speaker && draw(seed, "silent", i) % 4 == 0) updates[i] = new int64[](0);
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

    function assertReference(uint256[] memory samples, int64[][] memory updates) private view {
        int256[] memory g = Reference.average(updates, samples, lengthOf(updates), clipped);
        assertOutcome(g, Reference.scores(updates, samples, g, clipped), Reference.normSquared(g));
        vm.assertEq(aggregator.clipNorm(), clipped ? Reference.medianNorm(updates, samples) : 0, "median length");
        for (uint256 i; i < updates.length; ++i) {
            vm.assertEq(aggregator.entryOf(client(i)).norm, clipped ? Reference.norm(updates[i]) : 0, "length");
        }
    }

    // ------------------------------------------------------------------------------------------------- differential

    /// @dev Pages of random sizes must add up to what one obvious loop says; so must a single page, the largest size.
    function testFuzz_RoundMatchesTheReference(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, BOUND);
        silence(seed, updates);
        clipped = draw(seed, "clipped", 0) % 2 == 0;
        start(samples, updates);
        for (uint256 k; phase() == IAggregator.Phase.Aggregate; ++k) {
            aggregator.aggregate(pageSize(seed, "page", k));
        }
        nextBlock();
        for (uint256 k; phase() == IAggregator.Phase.Score; ++k) {
            aggregator.score(pageSize(seed, "scores", k));
        }
        assertReference(samples, updates);
    }

    /// @dev 1 to 9, and everything at once in one of four cases.
    function pageSize(uint256 seed, string memory what, uint256 k) private pure returns (uint256) {
        uint256 word = draw(seed, what, k);
        return word % 4 == 0 ? type(uint256).max : 1 + word / 4 % 9;
    }

    /// @dev Small numbers, where almost every division leaves a rest.
    function testFuzz_SmallNumbersMatchTheReference(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, 1 + seed % 5);
        clipped = seed / 5 % 2 == 0;
        start(samples, updates);
        compute();
        assertReference(samples, updates);
    }

    /// @dev The model is the sum of all averages, and a shorter history leaves nothing in the buffers.
    function testFuzz_ModelAddsUp(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, 100e9);
        clipped = seed % 2 == 0;
        start(samples, updates);
        int256[] memory sum = new int256[](updates[0].length);
        for (uint256 r = 1; r <= 3; ++r) {
            if (r > 1) playToAggregate(updates);
            int256[] memory g = Reference.average(updates, samples, sum.length, clipped);
            for (uint256 j; j < sum.length; ++j) {
                sum[j] += g[j];
            }
            compute();
            vm.assertEq(widened(aggregator.globalUpdate()), g, "this round's average");
            vm.assertEq(
                chainScores(samples.length), Reference.scores(updates, samples, g, clipped), "this round's scores"
            );
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
            clipped = vm.parseJsonBool(json, string.concat(path, ".clipped"));
            start(samples, split(flat, samples.length));
            compute();
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
        clipped = seed % 2 == 0;
        start(samples, updates);
        compute();
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

    /// @dev Pages of every size, from one entry to all, in both kinds of federation: the same scores. Client 1 is silent.
    /// P = 7 is a slot and three quarters; with P = 8 a client's last part can be as long as the next one's first. Every
    /// second page after a longer one than P has 5 entries, so that pages begin and end at odd places.
    function test_ScorePagesOfEverySize() public {
        for (uint256 parameters = 7; parameters <= 8; ++parameters) {
            (uint256[] memory samples, int64[][] memory updates) = (new uint256[](4), new int64[][](4));
            for (uint256 i; i < 4; ++i) {
                (samples[i], updates[i]) = (3 * i + 2, randomUpdate(i, parameters, 1e9 << i));
            }
            updates[1] = new int64[](0);
            for (uint256 size = 1; size <= 4 * parameters + 1; ++size) {
                clipped = size % 2 == parameters % 2;
                start(samples, updates);
                aggregator.aggregate(type(uint256).max);
                nextBlock();
                for (uint256 k; phase() == IAggregator.Phase.Score; ++k) {
                    scorePage(k % 2 == 1 && size > parameters ? 5 : size, parameters);
                }
                assertReference(samples, updates);
            }
        }
    }

    /// @dev A page ends at the first stop that is not before `count` more entries: a client's end, or, within a client that
    /// revealed, a slot's.
    function scorePage(uint256 count, uint256 parameters) private {
        uint256 end = aggregator.currentRound().cursor + count;
        while (end % parameters != 0 && (end / parameters == 1 || end % parameters % 4 != 0)) {
            ++end;
        }
        aggregator.score(count);
        if (end < 4 * parameters) vm.assertEq(aggregator.currentRound().cursor, end, "cursor");
        else assertPhase(IAggregator.Phase.Settle, "all are scored");
    }

    function test_AClientIsScoredWithItsLastEntry() public {
        (uint256[] memory samples, int64[][] memory updates) = (new uint256[](2), new int64[][](2));
        (samples[0], samples[1]) = (1, 2);
        for (uint256 i; i < 2; ++i) {
            updates[i] = randomUpdate(i, 9, 1e9);
        }
        start(samples, updates);
        aggregator.aggregate(9);
        nextBlock();
        aggregator.score(8);
        vm.assertEq(int256(aggregator.entryOf(client(0)).score), 0, "one entry is left");
        aggregator.score(1);
        vm.assertTrue(aggregator.entryOf(client(0)).score != 0, "scored");
        vm.assertEq(int256(aggregator.entryOf(client(1)).score), 0, "the second is not");
    }

    // ------------------------------------------------------------------------------------------------------ clipping

    /// @dev Lengths 1,000, 100,000 and 500, in no order: just half of the samples are not above 1,000, and the longest update
    /// counts a hundredth.
    function test_ALongUpdateCountsByTheMedianLength() public {
        (uint256[] memory samples, int64[][] memory updates) = (new uint256[](3), new int64[][](3));
        (samples[0], samples[1], samples[2]) = (20, 50, 30);
        (updates[0], updates[1], updates[2]) = (vector(-600, 800, 0), vector(0, 0, 100_000), vector(300, 400, 0));
        clipped = true;
        start(samples, updates);
        compute();
        vm.assertEq(aggregator.clipNorm(), 1_000, "R");
        int64[] memory g = aggregator.globalUpdate();
        vm.assertEq(int256(g[0]), int256(30 * 300 - 20 * 600) / 100, "not clipped");
        vm.assertEq(int256(g[1]), int256(30 * 400 + 20 * 800) / 100, "not clipped");
        vm.assertEq(int256(g[2]), int256(50 * 1_000) / 100, "clipped to length 1,000");
        vm.assertEq(int256(aggregator.entryOf(client(1)).score), int256(50 * 1_000 * 500) / 100, "its score, too");
        pool.settle(7);
        vm.assertEq(aggregator.clipNorm(), 1_000, "of the last round");
        open();
        vm.assertEq(aggregator.clipNorm(), 0, "the next one has none yet");
    }

    /// @dev ‖g‖ ≤ Σ w_i·‖v_i‖ / W < R + 1: lengths are rounded down, so ‖v_i‖ < ⌊‖v_i‖⌋ + 1, and a clipped one has ⌊‖v_i‖⌋ > R.
    function testFuzz_ClippingBoundsEveryone(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, BOUND);
        clipped = true;
        start(samples, updates);
        compute();
        uint256 radius = aggregator.clipNorm() + 1;
        vm.assertLe(aggregator.normSquared(), radius * radius, "squared length of the average");
    }

    // ---------------------------------------------------------------------------------------------------- saturation

    /// @dev A model near the ends of int64, at random: each entry is the sum, or the end which that would leave.
    function testFuzz_TheModelStaysAtItsEnds(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, BOUND);
        start(samples, updates);
        uint256 slot = uint256(keccak256(abi.encode(uint256(7)))); // of `_model`
        uint256 parameters = lengthOf(updates);
        int256[] memory expected = new int256[](parameters);
        for (uint256 k; k < parameters; k += 4) {
            uint256 word;
            for (uint256 j = k; j < k + 4 && j < parameters; ++j) {
                uint256 near = draw(seed, "model", j) % 2 ** 45;
                expected[j] = draw(seed, "end", j) % 2 == 0
                    ? int256(type(int64).max) - int256(near)
                    : int256(type(int64).min) + int256(near);
                word |= uint256(uint64(int64(expected[j]))) << 64 * (j - k);
            }
            vm.store(address(aggregator), bytes32(slot + k / 4), bytes32(word));
        }
        vm.assertEq(widened(aggregator.model()), expected, "as stored");
        compute();
        int256[] memory g = Reference.average(updates, samples, parameters, false);
        for (uint256 j; j < parameters; ++j) {
            expected[j] += g[j];
            if (expected[j] > type(int64).max) expected[j] = type(int64).max;
            if (expected[j] < type(int64).min) expected[j] = type(int64).min;
        }
        vm.assertEq(widened(aggregator.model()), expected, "model");
        vm.assertEq(widened(aggregator.globalUpdate()), g, "the average does not saturate");
    }

    // ------------------------------------------------------------------------------------------- revealing in parts

    /// @dev 5,000 entries are three parts. What the round makes of them is what the reference says, as of a reveal at once.
    function test_RoundOfFiveThousand() public {
        (uint256[] memory samples, int64[][] memory updates) = (new uint256[](3), new int64[][](3));
        (samples[0], samples[1], samples[2]) = (5, 9, 2);
        for (uint256 i; i < 3; ++i) {
            updates[i] = randomUpdate(i, 5_000, BOUND >> 4 * i);
        }
        for (uint256 k; k < 2; ++k) {
            clipped = k == 1;
            start(samples, updates);
            for (uint256 i; i < 3; ++i) {
                vm.assertEq(widened(aggregator.updateOf(client(i))), widened(updates[i]), "the update");
            }
            while (phase() == IAggregator.Phase.Aggregate) {
                aggregator.aggregate(1_999);
            }
            nextBlock();
            while (phase() == IAggregator.Phase.Score) {
                aggregator.score(3_333);
            }
            assertReference(samples, updates);
        }
    }

    /// @dev With up to 2,048 entries both ways lead to the same place.
    function testFuzz_OnePartIsARevealAtOnce(uint256 seed) public {
        (uint256[] memory samples, int64[][] memory updates) = random(seed, BOUND);
        clipped = true;
        start(samples, updates);
        compute();
        pool.settle(type(uint256).max);
        open();
        for (uint256 i; i < samples.length; ++i) {
            updates[i] = randomUpdate(draw(seed, "next", i), updates[i].length, BOUND);
            commit(client(i), updates[i]);
        }
        endPhase();
        uint256 sum;
        for (uint256 i; i < samples.length; ++i) {
            if (draw(seed, "parts", i) % 2 == 0) reveal(client(i), updates[i]);
            else revealParts(client(i), updates[i], 0);
            sum += samples[i];
            vm.assertEq(widened(aggregator.updateOf(client(i))), widened(updates[i]), "update");
            vm.assertEq(aggregator.entryOf(client(i)).norm, Reference.norm(updates[i]), "length");
            vm.assertEq(aggregator.totalSamples(), sum, "samples");
        }
        assertPhase(IAggregator.Phase.Aggregate, "all revealed");
    }

    /// @dev A length of 2.83 counts as 2, which is R: the update is not clipped, and half of it, of length 1.41, is in the
    /// average. That is more than R / 2, and less than (R + 1) / 2.
    function test_WhatCountsOfAnUpdateIsShorterThanROnceRoundedUp() public {
        clipped = true;
        uint256[] memory samples = new uint256[](2);
        (samples[0], samples[1]) = (1, 1);
        int64[][] memory updates = new int64[][](2);
        (updates[0], updates[1]) = (vector(2, 0, 0), vector(2, 2, 0));
        start(samples, updates);
        compute();
        vm.assertEq(aggregator.clipNorm(), 2, "R");
        vm.assertEq(widened(aggregator.globalUpdate()), widened(vector(2, 1, 0)), "(1, 0, 0) and (1, 1, 0)");
    }
}
