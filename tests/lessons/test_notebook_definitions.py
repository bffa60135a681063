"""What the lessons write on their pages and what the package holds are the same functions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from closed_forms import mean_game_shapley
from contract_scores import alignment_fixed
from eth_utils import keccak
from web3.utils import get_create_address

from bcfl_support import simulation
from bcfl_support.adversaries import attacks
from bcfl_support.adversaries.collusion import collude, compute_break_even, compute_collusion_share, inflate_samples
from bcfl_support.chain import intrinsic_gas
from bcfl_support.incentives import exact as incentives
from bcfl_support.incentives import pay_rules
from bcfl_support.incentives import population as behavior
from bcfl_support.incentives.consistency import CONSISTENCIES, alignment_penalties, expected_consistency, share_budget
from bcfl_support.incentives.market import Accidents, Game
from bcfl_support.incentives.pay_rules import PayRule
from bcfl_support.incentives.policies import UNKNOWN, Costs, price_of_a_miss, stay_threshold
from bcfl_support.incentives.population import Learner
from bcfl_support.incentives.worlds import PresenceWorld
from bcfl_support.ipfs.cids import compute_cid
from bcfl_support.learning import aggregators, compute_median_norm, datasets, models
from bcfl_support.protocol import commitments, fixed_point
from bcfl_support.scaling import fees, ladder, lanes, proofs
from bcfl_support.scaling.proofs import polynomials
from bcfl_support.scores import (
    accuracy_adjusted_scores,
    alignment_scores,
    clipped_scores,
    compute_novelty,
    cosine_scores,
    leave_self_out_scores,
    midpoint_scores,
)
from bcfl_support.shapley import exact as shapley
from bcfl_support.shapley.utility import round_utility
from notebooks import definitions


@pytest.fixture
def integers():
    rng = np.random.default_rng(7)
    return rng.integers(-(10**9), 10**9, size=(5, 9)), [40, 7, 120, 63, 1]


class TestLesson0:
    def test_shapley_by_orders_is_the_package_s(self):
        rng, trio = np.random.default_rng(3), [1, 4, 6]
        page = definitions("00", trio=trio)
        teams = [tuple(i for bit, i in enumerate(trio) if team >> bit & 1) for team in range(8)]
        worth = np.array([0, *rng.normal(size=7)])
        added = page["added_by_order"](dict(zip(teams, worth, strict=True)))
        np.testing.assert_allclose(added.mean(axis=0), shapley.exact_shapley(worth), atol=1e-15)
        np.testing.assert_allclose(added.sum(axis=1), worth[-1], atol=1e-15)  # each order shares out all there is

    def test_worth_of_teams_counts_birds(self):
        rng, trio = np.random.default_rng(3), [2, 5, 7]
        data, model = datasets.load_penguins(rng=rng), models.SoftmaxRegression(4, 3)
        updates, start = rng.normal(size=(9, 15)), np.zeros(15)
        worth = definitions("00", model=model, start=start, trio=trio)["worth_of_teams"](updates, data)
        for team, value in worth.items():
            w = sum((data.sizes[i] * updates[i] for i in team), start=start)
            logits = data.x_val @ w[:12].reshape(3, 4).T + w[12:]
            right = int((logits.argmax(axis=1) == data.y_val).sum())
            assert value == right - int((data.y_val == 0).sum()), team

    def test_rounds_off_the_chain_are_the_package_s(self):
        data, model = datasets.load_penguins(rng=np.random.default_rng(3)), models.SoftmaxRegression(4, 3)
        given = {"model": model, "start": np.zeros(15), "steps": 5, "learning_rate": 0.5, "rounds": 4, "rng": None}
        page = definitions("00", **given)
        run = simulation.run(data, model, rounds=4, steps=5, lr=0.5, rng=np.random.default_rng(0))
        np.testing.assert_allclose(page["federate"](data), run.params, atol=1e-12)
        scores = run.table.pivot("score")
        np.testing.assert_allclose(page["scores_by_round"](data), scores, atol=1e-12)

    def test_swapped_labels_are_one_station_s(self):
        data = datasets.load_penguins(rng=np.random.default_rng(3))
        other = definitions("00")["swap_labels"](data, "Dream 2008")
        changed = [(data.client(i)[1] != other.client(i)[1]).any() for i in range(9)]
        assert changed == [name == "Dream 2008" for name in data.names]
        assert other.label_counts()[4].tolist() == data.label_counts()[4][[1, 0, 2]].tolist()

    def test_rewards_by_hand_are_the_exact_arithmetic(self):
        class Record:
            scores, consistency, factors = (
                (10**16, 3 * 10**16, -(10**15)),
                (250_000, 500_000, None),
                (10**6, 1_250_000, None),
            )

            def scores_float(self):
                return np.array(self.scores) / 1e18

        page = definitions("00")
        weights = [
            incentives.compute_reward_weight(score, c or 0, f or 0, 500_000)
            for score, c, f in zip(Record.scores, Record.consistency, Record.factors, strict=True)
        ]
        exact = np.array(incentives.compute_rewards(weights, 10**18, 10**19)) / 1e18
        np.testing.assert_allclose(page["rewards_of"](Record()), exact, atol=1e-15)


class TestLesson1:
    def test_selector_and_disassembly(self):
        page = definitions("01")
        assert page["selector"]("transfer(address,uint256)").hex() == "a9059cbb"  # ERC-20's, known to everybody
        with_names = definitions("01", NAMES={0x52: "MSTORE"})
        assert with_names["disassemble"](bytes.fromhex("6080604052"), 9) == [
            "   0  PUSH1 0x80",
            "   2  PUSH1 0x40",
            "   4  MSTORE",
        ]

    def test_addresses_of_contracts(self):
        class Node:
            class w3:
                to_checksum_address = staticmethod(__import__("web3").Web3.to_checksum_address)

        sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
        page = definitions("01", node=Node)
        assert [page["create_address"](sender, k) for k in (0, 1, 300)] == [
            get_create_address(sender, k) for k in (0, 1, 300)
        ]

    def test_gas_before_the_first_instruction(self):
        data = bytes(range(200)) + bytes(60)
        page = definitions("01")
        assert page["intrinsic"](data) == intrinsic_gas(data)

    def test_packed_client(self):
        word = ((9 << 168) | (8 << 128) | (7 << 96) | 6).to_bytes(32)
        assert definitions("01")["unpack_client"](word) == (6, 7, 8, 9)

    def test_digest_of_an_update(self):
        values = np.array([4, -2, 0, 2**62, -(2**63)], dtype=np.int64)
        assert definitions("01")["digest_of"](values) == commitments.compute_digest(values)
        assert definitions("01")["digest_of"]([]) == keccak(b"")

    def test_average_and_scores(self, integers):
        values, counts = integers
        page = definitions("01")
        average = page["average_of"](values, counts)
        assert average == list(fixed_point.fedavg_fixed(values, counts))
        assert page["scores_of"](values, counts, average) == alignment_fixed(values, counts, average)

    @pytest.mark.parametrize(("a", "b"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (-6, 3), (0, 5)])
    def test_division(self, a, b):
        assert definitions("01")["divide_toward_zero"](a, b) == fixed_point.divide_toward_zero(a, b) == int(a / b)


class TestLesson2:
    @pytest.fixture
    def round_(self):
        rng = np.random.default_rng(13)
        return rng.normal(0.1, 0.5, (6, 8)), np.array([40, 7, 120, 63, 1, 20])

    def test_average_and_scores(self, round_):
        page = definitions("02")
        np.testing.assert_allclose(page["global_update"](*round_), aggregators.fedavg(*round_), atol=1e-15)
        np.testing.assert_allclose(page["scores_of"](*round_), alignment_scores(*round_), atol=1e-15)
        np.testing.assert_allclose(page["cosines_of"](*round_), cosine_scores(*round_), atol=1e-15)

    def test_two_parts_of_a_score(self, round_):
        others, own = definitions("02")["split_of"](*round_)
        np.testing.assert_allclose(others, leave_self_out_scores(*round_), atol=1e-15)
        np.testing.assert_allclose(others + own, alignment_scores(*round_), atol=1e-15)

    def test_shapley_values_by_orders(self):
        worth = np.random.default_rng(14).normal(size=32)
        worth[0] = 0
        by_orders = definitions("02")["shapley_by_orders"](lambda team: worth[sum(1 << i for i in team)], 5)
        np.testing.assert_allclose(by_orders, shapley.exact_shapley(worth), atol=1e-14)

    def test_midpoint_rule(self, round_):
        updates, samples = round_
        start = np.linspace(-1, 1, 8)
        np.testing.assert_allclose(
            definitions("02")["midpoint_of"](updates, samples, start, np.sin),
            midpoint_scores(updates, samples, params=start, gradient=np.sin),
            atol=1e-15,
        )

    def test_rank_correlation(self):
        from scipy.stats import spearmanr

        a, b = np.random.default_rng(15).normal(size=(2, 12))
        assert definitions("02")["rank_correlation"](a, b) == pytest.approx(spearmanr(a, b).statistic)

    @pytest.mark.parametrize("scale", [10, 10**4, 10**9])
    def test_integers_and_their_bound(self, round_, scale):
        page = definitions("02")
        values = fixed_point.encode(round_[0], scale=scale)
        average, scores = page["integers_of"](*round_, scale)
        assert average == list(fixed_point.fedavg_fixed(values, round_[1]))
        assert scores == alignment_fixed(values, round_[1], average)
        bounds = fixed_point.alignment_error_bound(*round_, scale)
        np.testing.assert_allclose(page["bound_of"](*round_, scale), bounds, rtol=1e-12)

    def test_clipped_scores(self, round_):
        middle = compute_median_norm(round_[0])
        np.testing.assert_allclose(
            definitions("02")["clipped_scores_of"](*round_), clipped_scores(*round_, clip=middle), atol=1e-15
        )

    def test_factor_at_which_harm_pays(self, round_):
        updates, samples = round_[0] + 1.0, round_[1]
        updates[4] *= -1
        factor = definitions("02")["break_even"](updates, samples, 4)
        updates[4] *= factor
        assert alignment_scores(updates, samples)[4] == pytest.approx(0, abs=1e-12)

    def test_exact_scores(self, round_):
        updates = np.rint(10 * round_[0]).astype(int)
        scores, square = definitions("02")["exact_scores"](updates.tolist(), round_[1].tolist())
        assert sum(scores) == square
        exact = alignment_scores(updates, round_[1])
        np.testing.assert_allclose([float(s) for s in scores], exact, atol=1e-12)

    @pytest.mark.parametrize("times", [1, 2.5, 30])
    def test_two_names_leave_the_step_and_are_paid_as_asked(self, round_, times):
        updates, samples = round_[0] + 0.5, round_[1]
        alone, step = alignment_scores(updates, samples)[2], aggregators.fedavg(updates, samples)
        page = definitions("02")
        rows, counts = page["under_two_names"](updates, samples, 2, page["two_names"](updates, samples, 2, times))
        np.testing.assert_allclose(aggregators.fedavg(rows, counts), step, atol=1e-13)
        scores = alignment_scores(rows, counts)[-2:]
        assert scores.sum() == pytest.approx(alone)
        assert np.maximum(scores, 0).sum() == pytest.approx(times * alone)


class TestLesson3:
    @pytest.fixture
    def table(self):
        worth = np.random.default_rng(31).normal(size=64)
        worth[0] = 0.25
        return worth

    @pytest.fixture
    def played(self):
        outcomes = []
        data = datasets.load_digits_federation(6, partition="dirichlet", alpha=0.5, rng=np.random.default_rng(32))
        model = models.SoftmaxRegression(64, 10)
        simulation.run(data, model, rounds=2, rng=np.random.default_rng(33), observe=outcomes.append)
        return outcomes[-1], model

    def test_three_ways_to_shapley_values(self, table):
        page, exact = definitions("03"), shapley.exact_shapley(table)
        by_orders = page["shapley_by_orders"](lambda team: table[sum(1 << i for i in team)], 6)
        np.testing.assert_allclose([float(value) for value in by_orders], exact, atol=1e-14)
        np.testing.assert_allclose(page["shapley_of_table"](table), exact, atol=1e-14)
        np.testing.assert_allclose(page["by_arrival_times"](table), exact, atol=1e-13)
        zeroed = table - table[0]
        _, by_prices = page["shapley_by_prices"](lambda team: Fraction(zeroed[sum(1 << i for i in team)]), 6)
        np.testing.assert_allclose([float(value) for value in by_prices], exact, atol=1e-13)

    def test_solo_says_why_it_cannot_share(self):
        page = definitions("03")
        assert page["by_solo"](lambda team: 3 * len(team), 2) == [3, 3]
        with pytest.raises(ValueError, match="nobody is worth anything alone"):
            page["by_solo"](lambda team: int(2 in team and len(team) > 1), 3)

    @pytest.mark.parametrize("needed", [1, 9, 14, 20])
    def test_power_in_a_vote(self, needed):
        samples = [1, 2, 3, 4, 4, 6]
        votes = [float(sum(s for i, s in enumerate(samples) if k >> i & 1) >= needed) for k in range(64)]
        power = definitions("03")["power_in_vote"](samples, needed)
        assert all(isinstance(value, Fraction) for value in power)
        np.testing.assert_allclose([float(value) for value in power], shapley.exact_shapley(votes), atol=1e-14)

    def test_means_by_size_average_to_shapley_values(self, table):
        added = definitions("03")["added_by_size"](table)
        np.testing.assert_allclose(added.mean(axis=0), shapley.exact_shapley(table), atol=1e-14)

    def test_leave_one_out(self, table):
        rule = definitions("03")["by_last_place"](lambda team: Fraction(table[sum(1 << i for i in team)]), 6)
        expected = shapley.leave_one_out(lambda rows: table[rows @ (1 << np.arange(6))], 6)
        np.testing.assert_allclose([float(value) for value in rule], expected, atol=1e-14)

    @pytest.mark.parametrize("convention", ["fixed", "renormalized"])
    def test_worth_of_a_round(self, played, convention):
        outcome, model = played
        state = outcome.state
        utility = round_utility(
            model,
            state.params,
            outcome.updates,
            state.samples,
            state.data.x_val,
            state.data.y_val,
            convention=convention,
        )
        worth = definitions("03")["worth_of_round"](outcome, model, convention)
        np.testing.assert_allclose(worth, utility.all_values(), atol=1e-12)

    @pytest.mark.parametrize("points", [1, 3])
    def test_along_the_step(self, played, points):
        outcome, model = played
        state = outcome.state
        np.testing.assert_allclose(
            definitions("03")["along_the_step"](outcome, model, points),
            midpoint_scores(
                outcome.updates,
                state.samples,
                params=state.params,
                points=points,
                gradient=lambda params: model.gradient(params, state.data.x_val, state.data.y_val),
            ),
            atol=1e-14,
        )

    def test_mean_game(self):
        page, x = definitions("03"), np.random.default_rng(34).normal(size=7)
        np.testing.assert_allclose(page["value_in_mean_game"](x), mean_game_shapley(x), atol=1e-14)
        for n in (2, 10, 1000):
            assert page["break_even"](n) == pytest.approx(shapley.mean_game_threshold(n), abs=1e-14)

    def test_random_orders_are_unbiased_and_efficient(self, table):
        mean, error = definitions("03")["by_random_orders"](lambda k: table[k], 6, 2000, np.random.default_rng(35))
        assert (np.abs(mean - shapley.exact_shapley(table)) < 4.5 * error).all()
        assert mean.sum() == pytest.approx(table[-1] - table[0], abs=1e-12)

    @pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256)) * 100])
    def test_address_of_a_block(self, data):
        assert definitions("03")["address_of"](data) == compute_cid(data)

    def test_least_audit_rate_is_where_cheating_stops_paying(self):
        page = definitions("03")
        for terms in ((0.3, 2.0, 0.05, 0.0), (5.0, 1.0, 0.5, 3.0)):
            rate = page["least_audit_rate"](*terms)
            assert page["profit"](*terms, rate) == pytest.approx(0, abs=1e-12)
            assert page["profit"](*terms, rate + 0.01) < 0 < page["profit"](*terms, rate - 0.01)

    def test_coverage_of_intervals_in_one_array(self, table):
        page = definitions("03")
        draws = np.random.default_rng(37)
        mean, error = page["by_random_orders"](lambda k: table[k], 6, 40, draws)
        assert mean.shape == error.shape == (6,)
        share = page["coverage"](table, 40, 2000, np.random.default_rng(38))
        assert (np.abs(share - 0.95) < 0.03).all()

    def test_errors_of_one_round_in_twenty(self):
        page = definitions("03")
        np.testing.assert_allclose(page["shares_of"](np.array([3.0, -1.0, 1.0])), [0.75, 0, 0.25])
        alike = np.tile([0.5, 0.3, 0.2], (40, 1))
        np.testing.assert_allclose(page["errors_of_twenty"](alike), 0, atol=1e-12)
        late = alike.copy()
        late[[19, 39]] = [0.2, 0.3, 0.5]  # the last round of each twenty is another one
        bias, error, last = page["errors_of_twenty"](late)
        truth = late.sum(axis=0) / 40
        assert last == pytest.approx(np.abs(truth - [0.2, 0.3, 0.5]).sum() / 2)
        assert bias == pytest.approx(0, abs=1e-12) and 0 < error < last  # rounds of one size: no bias

    def test_study_s_pay_is_the_page_s(self):
        rng = np.random.default_rng(36)
        scores, values = rng.uniform(0.1, 1, size=(6, 4)), rng.normal(0.3, 1, size=(6, 4))
        pay = definitions("03")["pay_with_factors"](scores, values, [np.array([0]), np.array([2, 3]), np.array([5])], 2)
        assert (values < 0).any(), "no value is negative: the scenario does not test the floor"
        np.testing.assert_allclose(pay[:2], scores[:2] / scores[:2].sum(axis=1, keepdims=True))
        for epoch, valued in ((1, [0]), (2, [2, 3])):
            wei = [round(10**15 * share) for share in pay[valued].sum(axis=0)]
            factors = np.array(incentives.compute_fairness_factors(values[valued].sum(axis=0), wei)) / 1e6
            rows = slice(2 * epoch, 2 * epoch + 2)
            np.testing.assert_allclose(pay[rows], share_budget(scores[rows] * factors, 1.0), atol=1e-5)


class TestLesson4:
    def test_rewards_by_hand_and_in_integers(self):
        page = definitions("04")
        rng = np.random.default_rng(0)
        scores, c = rng.normal(size=6), rng.random(6)
        rule = pay_rules.PayRule(alpha=0.7)
        weights = rule.base_weights(scores, np.full(6, 1 / 6), np.ones(6, bool)) * rule.standing_factor(c)
        np.testing.assert_allclose(page["share_out"](scores, c, 0.7, 3.0), share_budget(weights, 3.0), atol=1e-15)
        wei = [int(x) for x in rng.integers(-(10**18), 10**18, 6)]
        ppm, factors = [int(x * 1e6) for x in c], [700_000, 10**6, 1_400_000] * 2
        exact = [incentives.compute_reward_weight(a, b, f, 500_000) for a, b, f in zip(wei, ppm, factors, strict=True)]
        assert page["contract_rewards"](wei, ppm, factors, 500_000, 10**18) == incentives.compute_rewards(
            exact, 10**18, 10**18
        )

    def test_definitions_of_consistency(self):
        page = definitions("04")
        rng = np.random.default_rng(1)
        for _ in range(30):
            record = [bool(x) for x in rng.random(int(rng.integers(1, 40))) < 0.7]
            for kind in ("window", "streak", "ewma"):
                mine = page[f"{kind}_c"](record, 8)
                assert mine == pytest.approx(float(CONSISTENCIES[kind](np.array(record), window=8)), abs=1e-12)

    def test_price_and_threshold(self):
        page = definitions("04")
        for alpha in (0.0, 0.5, 3.0):
            assert page["price_of_a_miss"](alpha, 8) == pytest.approx(price_of_a_miss(alpha, window=8))
        for cost in (0.9, 1.2, 1.5, 1.9):
            c = float(expected_consistency(0.6, window=8))
            expected = stay_threshold(cost, attendance=0.6, consistency=c)
            assert page["alpha_star"](cost, 0.6, 8) == pytest.approx(expected)

    def test_learner(self):
        page = definitions("04")
        rng = np.random.default_rng(2)
        values, lots = rng.normal(size=(40, 8)), rng.random(40)
        chances = behavior.softmax_probabilities(values, np.ones(8, bool), UNKNOWN, temperature=0.08, explore=0.1)
        assert np.array_equal(page["choose"](values, lots), behavior.sample_policies(chances, lots))
        tries, chosen, payoff = rng.integers(0, 20, (40, 8)).astype(float), rng.integers(0, 8, 40), rng.normal(size=40)
        got, counted = page["learn"](values, tries, chosen, payoff)
        steps = np.maximum(1 / np.maximum(counted, 1), 0.15)
        np.testing.assert_allclose(got, behavior.update_values(values, chosen, payoff, steps), atol=1e-15)
        assert counted.sum() == tries.sum() + 40

    def test_foresight(self):
        """What a client learns from, in a game in progress, by the page's function and by the package's."""
        page, rule = definitions("04"), PayRule(alpha=2.0)
        world = PresenceWorld.equal(1, 6)
        start = ("full", "fair_weather", "skip", "full", "fair_weather", "copy")
        learner, costs = Learner(kind="fixed", start=start), Costs(busy=0.5)
        rngs = [np.random.default_rng(3)]
        game = Game(world, rule, learner, costs, 20, rngs, Accidents(), 0, (0.5, 1.5), 1.0)
        for outcome in world.play(20, game.work_rngs, game.choose):
            _, foreseen, _, standing = game._pay(outcome)
            base, marks = np.maximum(outcome.scores, 0)[0], game.crowd.standing_marks()[0]
            mine = page["foresee"](base * (1 + 2.0 * standing[0]), base, marks, 2.0, 8, 6)
            np.testing.assert_allclose(mine, foreseen[0], rtol=1e-12)
            game.settle(outcome)


class TestLesson5:
    """The attacks and checks of lesson 5's pages are those of the package."""

    rng = np.random.default_rng(55)
    honest = rng.normal(0.2, 1.0, (7, 12))
    page = definitions("05")

    def same(self, mine, theirs):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-14)

    def test_attacks(self):
        self.same(self.page["flip_sign"](self.honest), attacks.flip_sign(self.honest))
        self.same(self.page["alie"](self.honest, 0.7), attacks.alie(self.honest, z=0.7))
        self.same(self.page["ipm"](self.honest, 2.0), attacks.ipm(self.honest, tau=2.0))
        self.same(self.page["collude"](self.honest[0], 3.0), collude(self.honest[0], norm=3.0))
        self.same(self.page["replay"](self.honest[1], 3.0), attacks.replay(self.honest[1], norm=3.0))
        counts = np.array([5, 9, 2, 8])
        self.same(self.page["inflate_samples"](counts, [1, 3], 4), inflate_samples(counts, clients=[1, 3], factor=4))

    def test_collusion_formula(self):
        for kappa in (0.05, 0.4, 2.0):
            self.same(self.page["compute_break_even"](kappa), compute_break_even(kappa))
            for q in (0.1, 0.3, 0.9):
                share = self.page["compute_collusion_share"](q, kappa)
                self.same(share, compute_collusion_share(q, kappa))

    def test_the_two_proposals(self):
        scores, gains = np.array([0.3, -0.2, 0.1, 0.05]), np.array([0.02, 0.5, -0.1, 0.004])
        adjusted = accuracy_adjusted_scores(scores, gains, cap=0.01)
        self.same(self.page["accuracy_adjusted_scores"](scores, gains, 0.01), adjusted)
        stakes = np.array([1.0, 2.0, 3.0, 4.0])
        penalties = alignment_penalties(scores, stakes, 0.25, rate=0.1, cap=0.05)
        self.same(self.page["alignment_penalties"](scores, stakes, 0.25, 0.1, 0.05), penalties)

    def test_novelty(self):
        known = self.rng.normal(size=(3, 12))
        updates = np.vstack([self.honest, known[:1] * 2])
        self.same(self.page["compute_novelty"](updates, known), compute_novelty(updates, known=known))


class TestLesson6:
    """Packing, fees and Merkle roots are the package's, and the exercise's search finds what the cost model's does."""

    def test_next_fee(self):
        page, rng = definitions("06"), np.random.default_rng(6)
        for fee, used in zip(
            rng.integers(1, 10**12, 200).tolist(), rng.integers(0, 60_000_000, 200).tolist(), strict=True
        ):
            assert page["next_fee"](fee, used, 60_000_000) == fees.next_base_fee(fee, used)

    def test_merkle_root(self):
        page, rng = definitions("06"), np.random.default_rng(6)
        for count in (1, 2, 5, 8, 13):
            row = lanes.pack(rng.integers(-127, 128, 1024 * count).astype(np.int8))
            [tree] = lanes.part_trees(row)
            assert page["merkle_root"]([keccak(chunk) for chunk in lanes.chunks_of(row)]) == tree.root

    def test_packed_row(self):
        page = definitions("06", WORD=32, LANES=32)
        values = np.random.default_rng(6).integers(-127, 128, 96).astype(np.int8)
        packed = page["pack_row"](values)
        theirs = lanes.pack(values)
        assert [int(word) for word in packed] == [int(word) for word in theirs]

    def test_largest_number_of_parameters(self):
        search = definitions("06")["largest_P"]
        for budget in (16_777_216, 60_000_000):
            found = search(lambda count: ladder.predict(2, 10, count).total_gas, budget)
            assert found == ladder.largest_parameters(2, 10, budget)


class TestLesson7:
    """The toys obey the laws of what they stand for; polynomials and openings are the package's."""

    @pytest.fixture
    def page(self):
        return definitions("07")

    @pytest.mark.parametrize("modulus", [23, 2_027, 2_039])
    def test_toy_group(self, page, modulus):
        group, rng = page["Toy"](modulus), np.random.default_rng(7)
        assert all(group.order % k for k in range(2, 40) if k < group.order), "a prime order"
        bases = [int(x) ** 2 % modulus for x in rng.integers(2, modulus // 2, 5)]
        v, u = rng.integers(-99, 99, (2, 5))
        prints = [page["fingerprint"](group, bases, row) for row in (v, u, 3 * v - u)]
        assert prints[2] == group.add(group.times(3, prints[0]), group.times(-1, prints[1]))
        k = page["find_factor"](group, bases[0], bases[1])
        assert group.times(k, bases[0]) == bases[1]

    def test_polynomials(self, page):
        rng = np.random.default_rng(7)
        values = rng.integers(-128, 128, (2, 8)).tolist()
        root = polynomials.root_of_unity(3)
        a, b = (page["interpolate"](row, root, polynomials.R) for row in values)
        theirs = [polynomials.interpolate(row, 3) for row in values]
        assert [a, b] == [[int(c) for c in found.coeffs()] for found in theirs]
        assert page["evaluate"](a, 12_345, polynomials.R) == int(theirs[0](12_345))
        product = page["multiply_out"](a, b, polynomials.R)
        assert product == [int(c) for c in (theirs[0] * theirs[1]).coeffs()]
        _, f = page["divide_by_roots"](product, 8, polynomials.R)
        assert 8 * f[0] % polynomials.R == int(np.dot(*values)) % polynomials.R

    def test_openings_and_a_ceremony(self, page):
        secrets = (11, 5_000_000_011)
        powers, tau_h = [page["G"]] * 8, page["H"]
        for secret in secrets:
            powers, tau_h = page["contribute"](powers, tau_h, secret)
        setup = proofs.toy_setup(3, secrets[0] * secrets[1])
        assert (powers, tau_h) == (list(setup.powers), setup.tau_h)
        values = np.random.default_rng(7).integers(-128, 128, 8)
        coefficients = page["interpolate"](values.tolist(), polynomials.root_of_unity(3), polynomials.R)
        for j in range(8):
            z = pow(polynomials.root_of_unity(3), j, polynomials.R)
            y, pi = page["open_at"](powers, coefficients, z)
            theirs = proofs.open_entry(setup, values, j)
            assert (y, pi.to_xy_bytes_be()) == (theirs.value, theirs.proof)

    def test_small_errors(self, page):
        for rho in (3, 2**200 + 1, polynomials.R - 5):
            errors = page["small_errors"](rho, 10)
            assert any(errors) and max(map(abs, errors)) < 2**30
            assert sum(e * pow(rho, i, polynomials.R) for i, e in enumerate(errors)) % polynomials.R == 0

    def test_bytes_of_a_proof(self, page):
        setup, rng = proofs.toy_setup(3, 5), np.random.default_rng(7)
        updates = rng.integers(-128, 128, (3, 20)).astype(np.int8)
        names = [f"0x{i + 1:040x}" for i in range(3)]
        place = {"chain_id": 1, "contract": names[0], "round": 0, "sender": names[0]}
        statement = proofs.state_round(setup, updates, [1, 2, 3], names, **place)
        points = sum(len(point) for row in statement.commitments for point in row)
        proof = proofs.prove_round(setup, statement, updates)
        assert page["bytes_read"](20, 3, 8) == points + 3 * (8 + 16) + len(proof.to_bytes())
