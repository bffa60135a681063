// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAggregator } from "../../src/core/IAggregator.sol";
import { IRewardPool } from "../../src/core/IRewardPool.sol";
import { Base } from "../utils/Base.sol";
import { IPool, IRegistry } from "../utils/Getters.sol";
import { Reference } from "../utils/Reference.sol";
import { StubAggregator, StubLedger } from "../actors/Stubs.sol";

/// @notice Rewards, consistency and penalties against the plain formulas of Reference.sol. The pool and the registry are
/// real; a stub stands in for the aggregator, so that scores, norms, absences and factors can be anything.
contract RewardPoolMathsTest is Base {
    uint256 private constant ONE = 1_000_000;
    uint256 private constant CLIENTS = 5;
    /// @dev Largest |score|: P·bound² with P = 2^20, bound = 2^44.
    uint256 private constant LARGEST = 2 ** 108;

    IRegistry private registry;
    StubAggregator private aggregator;
    StubLedger private ledger;
    IPool private pool;
    IRewardPool.Terms private terms;

    // What should be, kept by plain rules beside the contract.
    mapping(address client => bool[]) private good; // by round number
    bool[] private isVoid; // by round number
    mapping(address client => uint256) private credit;
    mapping(address client => uint256) private stake;
    uint256 private pot;

    function deploy(IRewardPool.Terms memory terms_) private {
        terms = terms_;
        address poolAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 3);
        registry = IRegistry(vm.deployCode("ClientRegistry.sol:ClientRegistry", abi.encode(1 ether, 1 days, poolAt)));
        aggregator = new StubAggregator(address(registry), poolAt);
        ledger = new StubLedger(address(aggregator));
        pool = IPool(vm.deployCode("RewardPool.sol:RewardPool", abi.encode(registry, aggregator, ledger, terms)));
        vm.assertEq(address(pool), poolAt, "the pool's address");
        isVoid = new bool[](500);
        for (uint256 i; i < CLIENTS; ++i) {
            stake[client(i)] = (i + 1) * 1 ether;
            good[client(i)] = new bool[](500);
            vm.deal(client(i), stake[client(i)]);
            vm.prank(client(i));
            registry.register{ value: stake[client(i)] }(i + 1);
        }
    }

    function client(uint256 i) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("client", i)))));
    }

    function randomTerms(uint256 seed) private pure returns (IRewardPool.Terms memory t) {
        t.budget = uint96(draw(seed, "budget", 0) % 2 ether);
        t.fullSamples = uint32(1 + draw(seed, "full", 0) % 24);
        t.alpha = uint32(draw(seed, "alpha", 0) % (10 * ONE + 1));
        t.window = uint32(1 + draw(seed, "window", 0) % 64);
        t.penaltyRate = uint32(draw(seed, "rate", 0) >> (224 + draw(seed, "rateBits", 0) % 32));
        t.penaltyCap = uint32(draw(seed, "cap", 0) % (ONE + 1));
    }

    function addToPot(uint256 amount) private {
        if (amount == 0) return;
        vm.deal(address(this), amount);
        pool.fund{ value: amount }();
        pot += amount;
    }

    // -------------------------------------------------------------------------------------------------- random rounds

    /// @dev Rounds of random clients in random order, with rounds in which none of them takes part, void rounds, missing
    /// reveals, samples, scores of both signs and all sizes, changing factors, a pot that runs dry, and settlement in random
    /// pages.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_SettlementMatchesTheReference(uint256 seed) public {
        deploy(randomTerms(seed));
        uint256 number;
        for (uint256 r; r < 6; ++r) {
            uint256 word = draw(seed, "round", r);
            for (uint256 k; word % 8 == 0 && k < word / 8 % 70; ++k) {
                playWithoutThem(++number);
            }
            addToPot(draw(seed, "money", r) % 1.5 ether);
            playRound(draw(seed, "play", r), ++number);
            settleInPages(draw(seed, "pages", r));
            assertState(number);
        }
    }

    /// @dev A round of somebody else's, with a score of zero: it counts, and pays nothing.
    function playWithoutThem(uint256 number) private {
        aggregator.begin(number, 1, false);
        aggregator.add(account("another"), true, 1, 0);
        pool.settle(2);
    }

    /// @dev One of six is void: nobody has a score then, but somebody may have failed to reveal.
    function playRound(uint256 seed, uint256 number) private {
        isVoid[number] = draw(seed, "void", 0) % 6 == 0;
        uint256 square = isVoid[number] ? 0 : 1 + draw(seed, "square", 0) % 2 ** (1 + draw(seed, "squareBits", 0) % 108);
        aggregator.begin(number, square, isVoid[number]);
        uint256 n = draw(seed, "n", 0) % (CLIENTS + 1);
        int256[] memory scores = new int256[](n);
        for (uint256 k; k < n; ++k) {
            scores[k] = playClient(seed, number, square, k);
        }
        expectRewards(number, n, scores);
    }

    function playClient(uint256 seed, uint256 number, uint256 square, uint256 k) private returns (int256 score) {
        address who = client((k + seed % CLIENTS) % CLIENTS);
        bool revealed = draw(seed, "revealed", k) % 4 != 0;
        if (revealed && !isVoid[number]) score = randomScore(draw(seed, "score", k));
        aggregator.add(who, revealed, draw(seed, "samples", k) % 9, score);
        ledger.set(who, ONE / 2 + draw(seed, "factor", k) % (ONE + 1));
        good[who][number] = revealed && score >= 0 && !isVoid[number];
        if (!revealed) stake[who] -= stake[who] * terms.penaltyCap / ONE;
        else if (score < 0) punish(who, score, square);
    }

    function randomScore(uint256 word) private pure returns (int256 s) {
        s = int256((word >> 16) % (LARGEST >> word % 109) + word % 2);
        if (word / 2 % 3 == 0) s = -s;
    }

    function punish(address who, int256 s, uint256 square) private {
        stake[who] -= Reference.penalty(stake[who], s, square, terms.penaltyRate, terms.penaltyCap);
    }

    function expectRewards(uint256 number, uint256 n, int256[] memory scores) private {
        uint256[] memory weights = new uint256[](n);
        uint256 total;
        for (uint256 k; k < n; ++k) {
            address who = aggregator.participantAt(k);
            if (!good[who][number]) continue;
            uint256 c = Reference.consistency(good[who], isVoid, number, terms.window);
            weights[k] = Reference.weight(scores[k], terms.alpha, c, ledger.factorOf(who));
            total += weights[k];
        }
        uint256 budget = Reference.shared(terms.budget, aggregator.totalSamples(), terms.fullSamples, pot);
        uint256 paid;
        for (uint256 k; k < n; ++k) {
            if (total == 0) break;
            uint256 reward = budget * weights[k] / total;
            credit[aggregator.participantAt(k)] += reward;
            paid += reward;
        }
        vm.assertLe(paid, budget, "never more than the budget");
        pot -= paid;
    }

    function settleInPages(uint256 seed) private {
        for (uint256 k; aggregator.currentRound().phase == IAggregator.Phase.Settle; ++k) {
            uint256 word = draw(seed, "page", k);
            pool.settle(word % 5 == 0 ? type(uint256).max : 1 + word / 5 % 6);
        }
    }

    function assertState(uint256 number) private view {
        uint256 total;
        for (uint256 i; i < CLIENTS; ++i) {
            address who = client(i);
            vm.assertEq(pool.creditOf(who), credit[who], "credit");
            vm.assertEq(registry.clientOf(who).stake, stake[who], "stake");
            uint256 c = Reference.consistency(good[who], isVoid, number, terms.window);
            vm.assertEq(pool.consistencyOf(who), c, "consistency");
            total += credit[who];
        }
        vm.assertEq(pool.totalCredit(), total, "sum of credits");
        vm.assertEq(pool.pot(), pot, "pot");
        vm.assertEq(address(pool).balance, pot + total, "balance");
    }

    // ----------------------------------------------------------------------------------------------------- extremes

    /// @dev The largest score, α = 10, C = 1 and F = 1.5 together fit the 128 bits of a weight, and so does their sum
    /// when the scores are those of one round: Σ|S_i| ≤ P·bound².
    function test_LargestWeightsFit() public {
        deploy(
            IRewardPool.Terms({
                budget: 1 ether,
                fullSamples: 1,
                alpha: uint32(10 * ONE),
                window: 1,
                penaltyRate: type(uint32).max,
                penaltyCap: uint32(ONE)
            })
        );
        addToPot(1 ether);
        aggregator.begin(1, 1, false);
        for (uint256 i; i < 4; ++i) {
            aggregator.add(client(i), true, 1, int256(LARGEST / 4));
            ledger.set(client(i), 1_500_000);
        }
        pool.settle(8);
        vm.assertEq(pool.creditOf(client(0)), 0.25 ether, "a quarter each");
        vm.assertEq(pool.accountOf(client(0)).weight, LARGEST / 4 * 33 / 2, "11 times 1.5 times the score");
    }

    /// @dev The most negative score against the smallest norm: the cap holds, here the whole stake.
    function test_LargestPenaltyFits() public {
        deploy(
            IRewardPool.Terms({
                budget: 1 ether,
                fullSamples: 1,
                alpha: 0,
                window: 1,
                penaltyRate: type(uint32).max,
                penaltyCap: uint32(ONE)
            })
        );
        aggregator.begin(1, 1, false);
        aggregator.add(client(2), true, 1, -int256(LARGEST));
        pool.settle(2);
        vm.assertEq(registry.clientOf(client(2)).stake, 0, "all of it");
    }

    /// @dev 64 good rounds fill the history to its last bit; void rounds leave it alone; 64 rounds of absence empty it.
    function test_WindowOfSixtyFour() public {
        deploy(
            IRewardPool.Terms({
                budget: 1 ether, fullSamples: 1, alpha: uint32(ONE), window: 64, penaltyRate: 0, penaltyCap: 0
            })
        );
        uint256 number;
        for (uint256 r = 1; r <= 66; ++r) {
            aggregator.begin(++number, 1, false);
            aggregator.add(client(0), true, 1, 1);
            pool.settle(2);
            uint256 hits = r < 64 ? r : 64;
            vm.assertEq(pool.consistencyOf(client(0)), hits * ONE / 64, "consistency");
            if (r % 3 == 0) {
                aggregator.begin(++number, 0, true);
                aggregator.add(client(0), true, 1, 0);
                pool.settle(2);
                vm.assertEq(pool.consistencyOf(client(0)), hits * ONE / 64, "a void round does not count");
            }
        }
        vm.assertEq(pool.settlement().counted, 66, "counted");
        vm.assertEq(pool.accountOf(client(0)).history, type(uint64).max, "a full history");
        for (uint256 r = 1; r <= 65; ++r) {
            playWithoutThem(++number);
            uint256 hits = r < 64 ? 64 - r : 0;
            vm.assertEq(pool.consistencyOf(client(0)), hits * ONE / 64, "an absence is a miss");
        }
    }
}
