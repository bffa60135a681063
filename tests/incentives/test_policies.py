"""Costs by hand, and the closed forms of the world where only presence counts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.incentives.consistency import CONSISTENCIES
from bcfl_support.incentives.policies import (
    COPY,
    FAIR_WEATHER,
    FULL,
    NOISE,
    OUT,
    POLICIES,
    SKIP,
    Costs,
    price_of_a_miss,
    stay_threshold,
)


def test_costs_add_up_by_hand() -> None:
    costs = Costs(compute=0.4, data=0.1, send=0.02, outside=0.15, busy_factor=3.0)
    played = np.array([FULL, 1, 2, COPY, NOISE, SKIP, OUT])
    level = np.full(7, 2.0)
    idle = [2 * 0.5 + 0.02, 2 * 0.3 + 0.02, 2 * 0.2 + 0.02, 0.02, 0.02, 0.0, -0.15]
    busy = [2 * 1.3 + 0.02, 2 * 0.7 + 0.02, 2 * 0.4 + 0.02, 0.02, 0.02, 0.0, -0.15]
    assert np.allclose(costs.spent(played, np.zeros(7, bool), level), idle)
    assert np.allclose(costs.spent(played, np.ones(7, bool), level), busy)
    fair = costs.spent(np.full(2, FAIR_WEATHER), np.array([False, True]), 2.0)
    assert np.allclose(fair, [idle[0], 0.0])  # full effort when free, nothing when busy


def test_expected_costs_are_means_over_busy_rounds() -> None:
    costs = Costs(busy=0.25, busy_factor=2.0)
    levels = np.array([[0.5, 1.0, 2.0]])
    expected = costs.expected(levels)
    assert expected.shape == (1, 3, len(POLICIES))
    full = levels * (0.4 * 1.25 + 0.1) + 0.02
    assert np.allclose(expected[..., FULL], full)
    assert np.allclose(expected[..., FAIR_WEATHER], 0.75 * (levels * 0.5 + 0.02))
    assert np.allclose(expected[..., OUT], -0.1) and np.allclose(expected[..., COPY], 0.02)


def test_cost_levels_have_mean_one() -> None:
    levels = Costs(spread=0.4).draw_levels(20_000, rng=np.random.default_rng(0))
    # standard error of the mean: sqrt(exp(0.16) − 1)/sqrt(20,000) = 0.0029
    assert abs(levels.mean() - 1) < 4 * 0.003 and levels.min() > 0
    assert np.array_equal(Costs(spread=0.0).draw_levels(3, rng=np.random.default_rng(0)), np.ones(3))


# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize("kind", ["window", "ewma", "streak"])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 2.0])
def test_price_of_a_miss_equals_a_written_out_life(kind: str, alpha: float) -> None:
    """Many others, all always there with C = 1: a client's pay in a round is (1 + α·C)/(1 + α) fair pays."""
    window, rounds = 6, 300
    record = np.ones((rounds, 2), bool)
    record[150, 1] = False
    lost = 0.0
    for t in range(100, rounds):
        c = CONSISTENCIES[kind](record[: t + 1], window=window)
        pay = record[t] * (1 + alpha * c) / (1 + alpha)
        lost += pay[0] - pay[1]
    assert lost == pytest.approx(price_of_a_miss(alpha, window=window, kind=kind), abs=1e-9)


@given(
    st.fractions(Fraction(11, 10), 2, max_denominator=50),
    st.fractions(0, Fraction(9, 10), max_denominator=20),
    st.integers(1, 64),
)
def test_at_alpha_star_both_lives_earn_the_same(cost: Fraction, share: Fraction, window: int) -> None:
    c = (1 + (window - 1) * share) / window
    alpha = stay_threshold(float(cost), attendance=float(share), consistency=float(c))
    most = (1 - share * c) / (1 - share)
    if cost >= most:
        assert alpha == float("inf") or float(most) == pytest.approx(float(cost), rel=1e-9)
        return
    exact = (cost - 1) / (most - cost)
    assert alpha == pytest.approx(float(exact), rel=1e-9)
    always = 1 - (1 - share) * cost
    sometimes = share * (1 + exact * c) / (1 + exact)
    assert always == sometimes  # exactly, in fractions


def test_alpha_star_and_the_price_of_a_miss_agree_in_the_limit() -> None:
    """A client that hardly ever skips: the threshold is where the price of one miss equals its cost."""
    window, cost = 8, 1.3
    share = 1 - 1e-7
    alpha = stay_threshold(cost, attendance=share, consistency=(1 + (window - 1) * share) / window)
    assert price_of_a_miss(alpha, window=window) == pytest.approx(cost, abs=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Costs(busy=5), r"busy is 5: choose it in \[0, 1\]"),
        (lambda: Costs(compute=-1), r"compute is -1: choose it in \[0, ∞\)"),
        (lambda: price_of_a_miss(1.0, window=8, kind="x"), "kind is 'x'; use one of window, streak, ewma"),
        (lambda: price_of_a_miss(-1.0, window=8), "alpha is -1.0"),
        (lambda: price_of_a_miss(1.0, window=0), "window is 0"),
    ],
)
def test_bad_costs_and_prices_are_refused(wrong, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


def test_stay_threshold_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"attendance is 1\.0 and consistency 1\.0; attendance lies in \[0, 1\)"):
        stay_threshold(1.2, attendance=1.0, consistency=1.0)
    with pytest.raises(ValueError, match=r"consistency 0\.2; attendance lies in \[0, 1\), consistency from it to 1"):
        stay_threshold(1.2, attendance=0.5, consistency=0.2)
    for cost in (np.nan, -0.1):
        with pytest.raises(ValueError, match=rf"cost is {cost}: choose it in \[0, ∞\)"):
            stay_threshold(cost, attendance=0.5, consistency=0.5)
