"""Pay in exact integers against the contract on a real chain; definitions of C against slow loops."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.chain import node as chain
from bcfl_support.incentives import exact as incentives
from bcfl_support.incentives.consistency import (
    CONSISTENCIES,
    alignment_penalties,
    ewma_consistency,
    expected_consistency,
    fairness_factors,
    window_consistency,
)
from bcfl_support.incentives.exact import PPM, Account, Terms, settle_round
from bcfl_support.protocol import federation as protocol
from bcfl_support.protocol.fixed_point import SCALE
from bcfl_support.protocol.rounds import FederationConfig

records = st.lists(st.booleans(), min_size=1, max_size=90)
windows = st.integers(1, 64)


# ---------------------------------------------------------------- the contract, to the last wei

# Who does what in each of the 20 rounds: "." absent, "+" with the others, "-" against them, "0" a score near zero, "l"
# commits and does not reveal. F joins last; C leaves after round 7 and comes back in round 13; B is often absent; in
# round 9 nobody reveals, and round 17 has fewer than the minimum of 2.
SCRIPT = {
    "A": "+++++ +++l+ +++++ +.+++",
    "B": "+.+++ .+.l. ++..+ ..+.+",
    "C": "++-++ +-... ..+++ +.-++",
    "D": "-+-+- +-+l+ -+-+- +.-+-",
    "E": "...++ 0++l. +l+++ +.l++",
    "F": "..... .++.+ +++++ +++++",
}
SCRIPT = {name: acts.replace(" ", "") for name, acts in SCRIPT.items()}
SAMPLES = {"A": 40, "B": 25, "C": 60, "D": 10, "E": 33, "F": 7}
BUDGET, FUND = 10**18 + 7, 16 * 10**18  # the pot runs dry before round 20


def scripted_update(name: str, number: int, act: str) -> np.ndarray:
    """An update of four entries at scale 10^9, different for every client and round."""
    rng = np.random.default_rng([ord(name), number])
    common = np.array([3, 2, 1, 0]) * SCALE // 10
    own = rng.integers(-(SCALE // 20), SCALE // 20, size=4)
    if act == "0":
        return np.array([0, 0, 0, number])  # at right angles to nearly everything
    return (common if act == "+" else -common) + own


def toward_zero(a: int, b: int) -> int:
    return abs(a) // b * (1 if a >= 0 else -1)


def expected_scores(sent: dict[str, list[int]]) -> tuple[dict[str, int], int]:
    """S_i and ‖g‖² in Python integers, from nothing but the updates."""
    total = sum(SAMPLES[name] for name in sent)
    g = [toward_zero(sum(SAMPLES[name] * row[j] for name, row in sent.items()), total) for j in range(4)]
    dots = {name: sum(a * b for a, b in zip(row, g, strict=True)) for name, row in sent.items()}
    return {name: toward_zero(SAMPLES[name] * dot, total) for name, dot in dots.items()}, sum(x * x for x in g)


def play_scripted(fed: protocol.Federation, acts: dict[str, str], address: dict[str, str], number: int) -> None:
    """One round on chain: all commit, all but "l" reveal."""
    fed.open_round()
    updates = {address[n]: scripted_update(n, number, "+" if act == "l" else act) for n, act in acts.items()}
    submissions = fed.prepare(updates, rng=np.random.default_rng(number))
    fed.commit(submissions)
    fed.end_phase("Commit")
    late = {address[name] for name, act in acts.items() if act == "l"}
    if fed.round_state()["phase"] == "Reveal":
        fed.reveal([s for s in submissions if s.client not in late])
        fed.end_phase("Reveal")
    if fed.round_state()["phase"] == "Aggregate":
        fed.aggregate()
        fed.score()


def join_and_leave(fed: protocol.Federation, number: int, address: dict[str, str], stakes: dict[str, int]) -> None:
    for name, script in SCRIPT.items():
        first = number == next(k for k, act in enumerate(script, 1) if act != ".")
        if first or (name == "C" and number == 13):
            fed.register([address[name]], [SAMPLES[name]])
            stakes[name] = incentives.compute_stake(SAMPLES[name], fed.config.stake_per_sample)
    if number == 8:
        fed.chain.send(fed.registry.functions.deregister(), sender=address["C"])
    if number == 12:
        fed.chain.advance_time(fed.config.cool_down_seconds)
        fed.chain.send(fed.registry.functions.withdrawStake(), sender=address["C"])


def test_twenty_scripted_rounds_equal_the_chain_to_the_last_wei() -> None:
    config = FederationConfig(
        parameters=4, capacity=6, budget=BUDGET, alpha=0.7, window=5, penalty_rate=0.3, penalty_cap=0.04, quorum=1
    )
    terms = Terms(BUDGET, 700_000, 5, 300_000, 40_000)
    with chain.Chain.start() as node:
        fed = protocol.Federation.deploy(node, config)
        fed.fund(FUND)
        address = dict(zip(SCRIPT, node.accounts[1:], strict=False))
        accounts: dict[str, Account] = {}
        stakes: dict[str, int] = {}
        factors: dict[str, int] = {}
        pot, seen = FUND, {"fined": 0, "late": 0, "void": 0, "negative": 0}
        for number in range(1, 21):
            join_and_leave(fed, number, address, stakes)
            acts = {name: script[number - 1] for name, script in SCRIPT.items() if script[number - 1] != "."}
            play_scripted(fed, acts, address, number)
            record = fed.settle()

            sent = {n: scripted_update(n, number, act).tolist() for n, act in acts.items() if act != "l"}
            void = not sent or len(acts) < config.minimum
            scores, square = ({}, 0) if void else expected_scores(sent)
            took_part = {} if len(acts) < config.minimum else {name: scores.get(name) for name in acts}
            settled = settle_round(
                number,
                took_part,
                norm_squared=square,
                terms=terms,
                accounts=accounts,
                stakes=stakes,
                pot=pot,
                factors=factors,
            )
            accounts, stakes, pot = dict(settled.accounts), dict(settled.stakes), settled.pot
            names = [next(n for n, a in address.items() if a == client) for client in record.clients]
            assert void == record.void
            for k, name in enumerate(names if took_part else []):
                assert record.scores[k] == took_part[name]
                assert record.rewards[k] == settled.rewards[name], f"round {number}, {name}"
                assert record.penalties[k] == settled.penalties[name], f"round {number}, {name}"
                if record.consistency[k] is not None:
                    assert record.consistency[k] == settled.consistency[name]
                    assert record.factors[k] == factors.get(name, PPM)
            for name in stakes if number % 4 == 0 else ():  # the books, now and then
                on_chain = fed.pool.functions.accountOf(address[name]).call()
                mine = accounts.get(name, Account())
                assert (on_chain[0], on_chain[2], on_chain[3]) == (mine.credit, mine.history, mine.last_round)
                if not (name == "C" and number == 12):
                    assert fed.registry.functions.clientOf(address[name]).call()[0] == stakes[name]
            assert fed.pool.functions.pot().call() == pot
            seen["fined"] += any(settled.penalties.values())
            seen["late"] += "l" in acts.values()
            seen["void"] += void
            seen["negative"] += any(score < 0 for score in scores.values())

            if number in (5, 10):  # new factors for some of the clients; the others go back to 1
                chosen = ["A", "D", "E"] if number == 5 else ["B", "C", "F"]
                factors = dict(zip(chosen, (1_500_000, 612_345, 999_999), strict=True))
                on_chain_factors = {address[name]: value for name, value in factors.items()}
                epoch, digest = number // 5 - 1, number.to_bytes(32, "big")
                fed.attest(epoch, digest, on_chain_factors, clients=[address["A"]])
                fed.apply_factors(epoch, digest, on_chain_factors)
        assert pot < BUDGET, "the script must run the pot dry"
        assert seen == {"fined": 11, "late": 3, "void": 2, "negative": 9}


# ---------------------------------------------------------------- C


def slow_window(record: list[bool], window: int) -> Fraction:
    return Fraction(sum(record[max(0, len(record) - window) :]), window)


def slow_streak(record: list[bool], window: int) -> Fraction:
    run = 0
    while run < min(window, len(record)) and record[-1 - run]:
        run += 1
    return Fraction(run, window)


def slow_ewma(record: list[bool], window: int) -> Fraction:
    value = Fraction(0)
    for good in record:
        value += (int(good) - value) / window
    return value


@given(records, windows)
def test_definitions_of_c_equal_slow_loops(record: list[bool], window: int) -> None:
    for kind, slow in {"window": slow_window, "streak": slow_streak, "ewma": slow_ewma}.items():
        got = CONSISTENCIES[kind](np.array(record)[:, None], window=window)
        assert got.shape == (1,) and got[0] == pytest.approx(float(slow(record, window)), abs=1e-12)


@given(records, windows, st.integers(0, 3))
def test_settled_history_gives_the_same_c_as_the_record(record: list[bool], window: int, gap: int) -> None:
    """Absent rounds shift zeros in, also more than 64 of them."""
    accounts: dict[str, Account] = {}
    number = 0
    padded: list[bool] = []
    for good in record:
        number += 1 + gap
        padded += [False] * gap + [good]
        settled = settle_round(
            number,
            {"a": 5 if good else -5},
            norm_squared=10,
            terms=Terms(window=window),
            accounts=accounts,
            stakes={"a": 0},
            pot=0,
        )
        accounts = dict(settled.accounts)
    assert settled.consistency["a"] == int(slow_window(padded, window) * PPM)
    later = settle_round(
        number + 70, {"a": 1}, norm_squared=1, terms=Terms(window=window), accounts=accounts, stakes={"a": 0}, pot=0
    )
    assert later.accounts["a"].history == 1


@pytest.mark.parametrize("kind", list(CONSISTENCIES))
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_expected_consistency_equals_the_mean_over_all_pasts(kind: str, share: float) -> None:
    window = 6
    mean = 0.0
    for past in range(2 ** (window - 1)):
        bits = [bool(past >> k & 1) for k in range(window - 1)]
        probability = share ** sum(bits) * (1 - share) ** (window - 1 - sum(bits))
        mean += probability * CONSISTENCIES[kind](np.array([*bits, True])[:, None], window=window)[0]
    if kind == "ewma":  # its past is endless: rounds before the last five add share · (1 − 1/K)^6
        mean += share * (1 - 1 / window) ** window
    assert expected_consistency(share, window=window, kind=kind) == pytest.approx(mean, abs=1e-12)


def test_c_keeps_leading_axes_and_counts_the_last_rounds_only() -> None:
    record = np.random.default_rng(0).random((20, 3, 4)) < 0.7
    stacked = window_consistency(record, window=8)
    assert stacked.shape == (3, 4)
    for s in range(3):
        for kind in CONSISTENCIES.values():
            assert np.allclose(kind(record, window=8)[s], kind(record[:, s], window=8), atol=1e-15)
    history = np.array([[True]] * 3 + [[False]] * 2 + [[True]] * 7)
    shares = [window_consistency(history[: r + 1], window=8).item() for r in range(12)]
    # rounds before the first count as missed
    assert shares == [k / 8 for k in (1, 2, 3, 3, 3, 4, 5, 6, 6, 6, 6, 7)]


def test_bad_windows_and_names_are_refused() -> None:
    for window in (0, 65):
        with pytest.raises(ValueError, match=f"window is {window}; the contract keeps 1 to 64 rounds"):
            Terms(window=window)
    with pytest.raises(ValueError, match="window is 0; consistency counts over at least 1 round"):
        ewma_consistency([[True]], window=0)
    with pytest.raises(ValueError, match="kind is 'mean'; use one of window, streak, ewma"):
        expected_consistency(0.5, window=4, kind="mean")


# ---------------------------------------------------------------- integers


@given(st.integers(0, 2**100), st.integers(0, PPM), st.integers(500_000, 1_500_000), st.integers(0, 10 * PPM))
def test_weight_is_the_product_less_at_most_three_roundings(score: int, c: int, factor: int, alpha: int) -> None:
    exact = Fraction(score) * (1 + Fraction(alpha * c, PPM * PPM)) * Fraction(factor, PPM)
    got = incentives.compute_reward_weight(score, c, factor, alpha)
    assert got <= exact
    assert exact - got < 3 + Fraction(2 * score, PPM)  # α·C loses less than a millionth of the score, times F


@given(st.lists(st.integers(0, 2**120), min_size=1, max_size=12), st.integers(0, 10**20), st.integers(0, 10**20))
def test_rewards_never_exceed_budget_or_pot(weights: list[int], budget: int, pot: int) -> None:
    rewards = incentives.compute_rewards(weights, budget, pot)
    assert sum(rewards) <= min(budget, pot)
    if sum(weights):
        assert min(budget, pot) - sum(rewards) < len(weights)  # less than one wei a client stays


def test_penalty_is_graded_then_capped_and_a_missing_reveal_costs_the_cap() -> None:
    terms = {"rate": 100_000, "cap": 50_000}
    assert incentives.compute_penalty(10**6, -10, 100, **terms) == 10_000
    assert incentives.compute_penalty(10**6, -90, 100, **terms) == 50_000
    assert incentives.compute_penalty(10**6, None, 0, **terms) == 50_000
    assert incentives.compute_penalty(10**6, -1, 0, **terms) == 50_000
    assert incentives.compute_penalty(10**6, 0, 0, **terms) == 0


def test_settling_out_of_order_is_refused_and_arguments_stay() -> None:
    accounts, stakes = {"a": Account(1, 3, 5)}, {"a": 100}
    with pytest.raises(ValueError, match="round 3 is not after round 3, which a was settled in"):
        settle_round(3, {"a": 1}, norm_squared=1, terms=Terms(), accounts=accounts, stakes=stakes, pot=1)
    settle_round(4, {"a": -1}, norm_squared=1, terms=Terms(), accounts=accounts, stakes=stakes, pot=1)
    assert accounts == {"a": Account(1, 3, 5)} and stakes == {"a": 100}


def test_stake_follows_the_declared_samples() -> None:
    assert incentives.compute_stake(7, 3) == 21
    with pytest.raises(ValueError, match="samples is 0; a client registers with at least 1"):
        incentives.compute_stake(0, 3)


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 10**18)), min_size=1, max_size=8))
def test_fairness_factors_in_floats_equal_those_in_integers(pairs: list[tuple[float, int]]) -> None:
    brought, paid = [a for a, _ in pairs], [b for _, b in pairs]
    integers = incentives.compute_fairness_factors(brought, paid)
    floats = fairness_factors(brought, [float(b) for b in paid])
    assert np.abs(floats * PPM - integers).max() <= 0.51
    with pytest.raises(ValueError, match="1 contributions for 2 rewards"):
        incentives.compute_fairness_factors([1.0], [1, 2])


def test_binomial_mean_of_the_window_is_what_expected_consistency_says() -> None:
    window, share = 8, 0.8
    mean = sum(
        comb(window - 1, k) * share**k * (1 - share) ** (window - 1 - k) * (k + 1) / window for k in range(window)
    )
    assert expected_consistency(share, window=window) == pytest.approx(mean)


@given(
    st.lists(st.integers(-(10**18), 10**18), min_size=1, max_size=6),
    st.integers(0, 10**18),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_penalty_is_the_contracts_within_its_rounding(scores: list[int], square: int, rate: int, cap: int) -> None:
    stakes = [10**18 * (i + 1) for i in range(len(scores))]
    exact = [incentives.compute_penalty(k, s, square, rate=rate, cap=cap) for k, s in zip(stakes, scores, strict=True)]
    ours = alignment_penalties(scores, stakes, square, rate=rate / 1e6, cap=cap / 1e6)
    for wei, close, stake in zip(exact, ours, stakes, strict=True):
        assert abs(wei - close) <= stake * 1e-6 * (1 + 1e-9), "the contract rounds the ratio down to a millionth"
        assert close <= stake * cap / 1e6 * (1 + 1e-12)


def test_penalty_without_a_step_is_the_cap() -> None:
    assert alignment_penalties([-1.0, 1.0], [10.0, 10.0], 0.0, rate=0.1, cap=0.05).tolist() == [0.5, 0.0]


@pytest.mark.parametrize(("rate", "cap"), [(-1, 0.1), (1, 1.1)])
def test_bad_terms_of_a_penalty(rate: float, cap: float) -> None:
    with pytest.raises(ValueError, match=f"rate is {rate}, cap {cap}"):
        alignment_penalties([1.0], [1.0], 1.0, rate=rate, cap=cap)
