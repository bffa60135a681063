"""Definitions of C against slow loops; floats against the contract's integers."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives import exact
from bcfl_support.incentives.consistency import (
    CONSISTENCIES,
    alignment_penalties,
    ewma_consistency,
    expected_consistency,
    fairness_ratios,
    share_budget,
    window_consistency,
)
from bcfl_support.incentives.exact import PPM

records = st.lists(st.booleans(), min_size=1, max_size=90)
windows = st.integers(1, 64)


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


def test_fairness_factors_lie_between_the_bounds_they_are_given() -> None:
    brought, paid = [8.0, 1.0, 1.0, 2.0], [1.0, 5.0, 6.0, 0.0]
    assert fairness_ratios(brought, paid, bounds=(0.8, 1.25)).tolist() == [1.25, 0.8, 0.8, 1.25]
    wide = fairness_ratios(brought, paid, bounds=(0.1, 10.0))
    assert wide.tolist() == pytest.approx([8.0, 0.2, 1 / 6, 10.0])
    with pytest.raises(ValueError, match=r"the least factor is 1.5: choose it in \[0, 1\]"):
        fairness_ratios(brought, paid, bounds=(1.5, 0.5))
    with pytest.raises(ValueError, match=r"the largest factor is 0.9: choose it in \[1, ∞\)"):
        fairness_ratios(brought, paid, bounds=(0.5, 0.9))


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 10**18)), min_size=1, max_size=8))
def test_fairness_factors_in_floats_equal_those_in_integers(pairs: list[tuple[float, int]]) -> None:
    brought, paid = [a for a, _ in pairs], [b for _, b in pairs]
    integers = exact.compute_fairness_factors(brought, paid)
    floats = fairness_ratios(brought, [float(b) for b in paid])
    assert np.abs(floats * PPM - integers).max() <= 0.51


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
    wei = [exact.compute_penalty(k, s, square, rate=rate, cap=cap) for k, s in zip(stakes, scores, strict=True)]
    ours = alignment_penalties(scores, stakes, square, rate=rate / 1e6, cap=cap / 1e6)
    for whole, close, stake in zip(wei, ours, stakes, strict=True):
        assert abs(whole - close) <= stake * 1e-6 * (1 + 1e-9), "the contract rounds the ratio down to a millionth"
        assert close <= stake * cap / 1e6 * (1 + 1e-12)


def test_penalty_without_a_step_is_the_cap() -> None:
    assert alignment_penalties([-1.0, 1.0], [10.0, 10.0], 0.0, rate=0.1, cap=0.05).tolist() == [0.5, 0.0]


@pytest.mark.parametrize(("rate", "cap"), [(-1, 0.1), (1, 1.1), (float("nan"), 0.1)])
def test_bad_terms_of_a_penalty(rate: float, cap: float) -> None:
    with pytest.raises(ValueError, match=rf"(rate is {rate}|cap is {cap}): choose it in \[0, "):
        alignment_penalties([1.0], [1.0], 1.0, rate=rate, cap=cap)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (([-1.0], [-10.0], 2.0), r"stakes is \[-10.0\]: choose it in \[0, ∞\)"),
        (([np.nan], [10.0], 2.0), r"scores is \[nan\]"),
        (([-1.0], [10.0], -2.0), "step_square is -2.0"),
        (([-1.0], [10.0], np.nan), "step_square is nan"),
    ],
)
def test_what_is_no_score_no_stake_or_no_square_burns_nothing(terms: tuple, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        alignment_penalties(*terms, rate=0.1, cap=0.05)


def test_ratios_of_other_clients_and_sums_too_large_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"contributions, rewards have the shapes \(3,\), \(1,\): give one of each"):
        fairness_ratios([1.0, 2.0, 3.0], [1.0])
    for call in (fairness_ratios, exact.compute_fairness_factors):
        with pytest.raises(InvalidInput, match=r"contributions is .*: choose it in \(-inf, 1e\+300\]"):
            call([1e308, 1e308], [1, 1])
    with pytest.raises(InvalidInput, match=r"weights is \[1e\+308, 1e\+308\]"):
        share_budget([1e308, 1e308], 1.0)


def test_bad_windows_and_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"window is 0: consistency counts rounds; choose it whole, in \[1, ∞\)"):
        ewma_consistency([[True]], window=0)
    with pytest.raises(ValueError, match="kind is 'mean'; use one of window, streak, ewma"):
        expected_consistency(0.5, window=4, kind="mean")
    with pytest.raises(ValueError, match=r"share is 2\.0: choose it in \[0, 1\]"):
        expected_consistency(2.0, window=4)


def test_penalties_of_shapes_that_do_not_fit_are_refused() -> None:
    two = [[1.0, 2.0]] * 2
    for scores, stakes, squares, message in (
        ([1.0, 2.0], [1.0] * 3, 1.0, r"scores, stakes have the shapes \(2,\), \(3,\): give one of each a client"),
        (two, [1.0, 2.0], [1.0] * 3, r"step_square has shape \(3,\), scores \(2, 2\): give one a round"),
    ):
        with pytest.raises(InvalidInput, match=message):
            alignment_penalties(scores, stakes, squares, rate=0.1, cap=0.05)
    assert alignment_penalties(two, [1.0, 2.0], 1.0, rate=0.1, cap=0.05).tolist() == [[0.0, 0.0]] * 2


@pytest.mark.parametrize("record", [[[5]] * 3, [[np.nan]], [[0.5], [1.0]]])
@pytest.mark.parametrize("kind", CONSISTENCIES)
def test_a_record_holds_truth_values(kind: str, record: list) -> None:
    with pytest.raises(InvalidInput, match="record holds more than truth values"):
        CONSISTENCIES[kind](record, window=4)
    assert CONSISTENCIES[kind]([[1], [0]], window=4) == CONSISTENCIES[kind]([[True], [False]], window=4)
