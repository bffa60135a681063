"""Defenses against byzfl's, against slow loops in exact fractions, and against what their papers promise."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.adversaries.collusion import collude
from bcfl_support.incentives import exact as incentives
from bcfl_support.incentives.consistency import alignment_penalties
from bcfl_support.learning import aggregators
from bcfl_support.scores import (
    accuracy_adjusted_scores,
    alignment_scores,
    compute_novelty,
    fltrust_scores,
    median_reference_scores,
    peer_median_scores,
)

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "byzfl.json").read_text())["cases"]
UPDATES = np.random.default_rng(8).standard_normal((3, 9, 5)) * np.linspace(0.5, 2, 9)[:, None] + 0.3
SAMPLES = np.array([5, 11, 2, 7, 3, 13, 1, 8, 6])
ROOT = np.random.default_rng(9).standard_normal((3, 5))


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
class TestAgainstByzfl:
    def test_coordinate_median(self, case: dict) -> None:
        np.testing.assert_allclose(
            aggregators.coordinate_median(case["updates"]), case["coordinate_median"], rtol=1e-12
        )

    def test_trimmed_mean(self, case: dict) -> None:
        ours = aggregators.trimmed_mean(case["updates"], trim=case["f"])
        np.testing.assert_allclose(ours, case["trimmed_mean"], rtol=1e-10, atol=1e-12)

    def test_krum_with_byzfls_neighbors(self, case: dict) -> None:
        n, f = len(case["updates"]), case["f"]
        for name, selected in (("krum", 1), ("multi_krum", n - f)):
            # byzfl counts n − f − 1 neighbors, as ours does for one attacker fewer
            ours = aggregators.multi_krum(case["updates"], attackers=f - 1, selected=selected)
            np.testing.assert_allclose(ours, case[name], rtol=1e-10, atol=1e-12)

    def test_geometric_median(self, case: dict) -> None:
        rows, theirs = np.array(case["updates"]), np.array(case["geometric_median"])
        ours = aggregators.geometric_median(rows, iterations=2000)
        totals = [np.linalg.norm(rows - z, axis=1).sum() for z in (ours, theirs)]
        assert totals[0] == pytest.approx(totals[1], rel=1e-6)
        if rows.shape[1] > 1:  # on a line with an even number of clients every point between the middle two is one
            np.testing.assert_allclose(ours, theirs, atol=1e-5)

    def test_centered_clipping(self, case: dict) -> None:
        ours = np.zeros(len(case["updates"][0]))
        for _ in range(3):
            ours = aggregators.centered_clipping(case["updates"], center=ours, radius=case["radius"])
        np.testing.assert_allclose(ours, case["centered_clipping"], rtol=1e-12)

    def test_nnm(self, case: dict) -> None:
        ours = aggregators.mix_neighbors(case["updates"], attackers=case["f"])
        np.testing.assert_allclose(ours, case["nnm"], rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------- slow references

whole = st.integers(-20, 20)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[list[int]], int]:
    """Integer updates (n, P) and a number f of Byzantine clients that Krum provides for."""
    f = draw(st.integers(0, 2))
    n, size = draw(st.integers(2 * f + 3, 2 * f + 6)), draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(whole, min_size=size, max_size=size), min_size=n, max_size=n))
    return rows, f


def squared(a: list[int], b: list[int]) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


@given(rounds())
def test_krum_in_whole_numbers(case: tuple[list[list[int]], int]) -> None:
    rows, f = case
    badness = []
    for i, own in enumerate(rows):
        others = sorted(squared(own, other) for j, other in enumerate(rows) if j != i)
        badness.append(sum(others[: len(rows) - f - 2]))
    ranked = sorted(range(len(rows)), key=badness.__getitem__)
    for count in (1, 2, len(rows) - f):
        chosen = [rows[i] for i in ranked[:count]]
        expected = [float(Fraction(sum(column), count)) for column in zip(*chosen, strict=True)]
        assert aggregators.multi_krum(rows, attackers=f, selected=count) == pytest.approx(expected)


@given(rounds())
def test_trimmed_mean_and_median_in_fractions(case: tuple[list[list[int]], int]) -> None:
    rows, f = case
    columns = [sorted(column) for column in zip(*rows, strict=True)]
    n = len(rows)
    means = [float(Fraction(sum(column[f : n - f]), n - 2 * f)) for column in columns]
    assert aggregators.trimmed_mean(rows, trim=f) == pytest.approx(means)
    middles = [float(Fraction(column[(n - 1) // 2] + column[n // 2], 2)) for column in columns]
    assert aggregators.coordinate_median(rows).tolist() == middles


def test_geometric_median_beats_every_neighbor() -> None:
    for rows in UPDATES:
        best = aggregators.geometric_median(rows, iterations=500)
        total = np.linalg.norm(rows - best, axis=1).sum()
        for away in np.random.default_rng(0).standard_normal((50, 5)):
            assert np.linalg.norm(rows - best - 1e-3 * away, axis=1).sum() > total


def test_fltrust_in_a_loop() -> None:
    for rows, root, ours in zip(UPDATES, ROOT, aggregators.fltrust(UPDATES, root_update=ROOT), strict=True):
        trust, total = np.zeros(5), 0.0
        for row in rows:
            cosine = max(0.0, row @ root / np.linalg.norm(row) / np.linalg.norm(root))
            trust += cosine * np.linalg.norm(root) / np.linalg.norm(row) * row
            total += cosine
        np.testing.assert_allclose(ours, trust / total, rtol=1e-12)


def test_fltrust_without_a_trusted_update_does_nothing() -> None:
    assert aggregators.fltrust([[-1.0, 0.0], [0.0, 0.0]], root_update=[1.0, 0.0]).tolist() == [0.0, 0.0]


def test_fltrust_scores_are_weighted_trust() -> None:
    ours = fltrust_scores(UPDATES[0], SAMPLES, root_update=ROOT[0])
    for i, row in enumerate(UPDATES[0]):
        cosine = row @ ROOT[0] / np.linalg.norm(row) / np.linalg.norm(ROOT[0])
        assert ours[i] == pytest.approx(SAMPLES[i] / SAMPLES.sum() * max(0.0, cosine))


def test_median_reference_scores_in_a_loop() -> None:
    middle = np.median(UPDATES[1], axis=0)
    expected = [n / SAMPLES.sum() * (row @ middle) for n, row in zip(SAMPLES, UPDATES[1], strict=True)]
    assert median_reference_scores(UPDATES[1], SAMPLES) == pytest.approx(expected)


def slow_peer_scores(rows: list[list[int]], samples: list[int]) -> list[Fraction]:
    n, total = len(rows), sum(samples)
    agree = [
        [max(0, sum(a * b for a, b in zip(rows[j], rows[i], strict=True))) if i != j else 0 for i in range(n)]
        for j in range(n)
    ]
    ratings = [[Fraction(v, sum(row)) if sum(row) else Fraction(0) for v in row] for row in agree]
    scores = []
    for i in range(n):
        votes = sorted((ratings[j][i], samples[j]) for j in range(n) if j != i)
        half, so_far, middle = Fraction(sum(s for _, s in votes), 2), 0, Fraction(0)
        for rating, weight in votes:
            so_far += weight
            if so_far >= half:
                middle = rating
                break
        scores.append(
            Fraction(samples[i], total)
            * sum(Fraction(samples[j], total) * min(ratings[j][i], middle) for j in range(n) if j != i)
        )
    return scores


@given(rounds(), st.data())
def test_peer_median_scores_in_fractions(case: tuple[list[list[int]], int], data: st.DataObject) -> None:
    rows = case[0]
    samples = data.draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    expected = [float(s) for s in slow_peer_scores(rows, samples)]
    assert peer_median_scores(rows, samples) == pytest.approx(expected, abs=1e-12)


def test_peer_median_does_not_see_a_minority_coalition() -> None:
    """Three of nine send a vector nobody else agrees with: the others rate it 0, and so does the median."""
    rows = np.zeros((9, 4))
    rows[:6, :3] = np.random.default_rng(1).uniform(0.5, 1.5, (6, 3))
    rows[6:, 3] = 100.0
    scores = peer_median_scores(rows, np.ones(9, dtype=int))
    assert scores[6:].tolist() == [0.0] * 3 and (scores[:6] > 0).all()


# ---------------------------------------------------------------- what they promise

ROBUST = {
    "coordinate median": lambda rows: aggregators.coordinate_median(rows),
    "trimmed mean": lambda rows: aggregators.trimmed_mean(rows, trim=3),
    "krum": lambda rows: aggregators.multi_krum(rows, attackers=3, selected=1),
    "multi-krum": lambda rows: aggregators.multi_krum(rows, attackers=3),
    "geometric median": lambda rows: aggregators.geometric_median(rows, iterations=300),
    "centered clipping": lambda rows: aggregators.centered_clipping(rows, center=np.zeros(5), radius=3.0),
    "NNM, then trimmed mean": lambda rows: aggregators.trimmed_mean(
        aggregators.mix_neighbors(rows, attackers=3), trim=3
    ),
}


@pytest.mark.parametrize("name", list(ROBUST))
@pytest.mark.parametrize("size", [1e1, 1e3, 1e6])
def test_three_attackers_of_nine_move_it_a_bounded_way(name: str, size: float) -> None:
    honest = UPDATES[0].copy()
    lied = honest.copy()
    lied[:3] = size * np.random.default_rng(2).standard_normal(5)
    spread = np.linalg.norm(honest - honest.mean(axis=0), axis=1).max()
    moved = np.linalg.norm(ROBUST[name](lied) - honest[3:].mean(axis=0))
    assert moved < 2.5 * spread, f"{name} moved {moved:.2f}, honest spread {spread:.2f}"


@pytest.mark.parametrize("name", list(ROBUST))
def test_order_of_clients_does_not_matter(name: str) -> None:
    order = np.random.default_rng(3).permutation(9)
    np.testing.assert_allclose(ROBUST[name](UPDATES[:, order]), ROBUST[name](UPDATES), atol=1e-9)


@pytest.mark.parametrize("name", list(ROBUST))
def test_agreement_is_kept(name: str) -> None:
    same = np.tile([0.5, -1.0, 0.0, 2.0, 0.25], (9, 1))
    np.testing.assert_allclose(ROBUST[name](same), same[0], atol=1e-9)


@pytest.mark.parametrize("name", list(ROBUST))
def test_a_batch_equals_one_after_another(name: str) -> None:
    before = UPDATES.copy()
    for rows, ours in zip(UPDATES, ROBUST[name](UPDATES), strict=True):
        np.testing.assert_allclose(ours, ROBUST[name](rows), atol=1e-10)
    np.testing.assert_array_equal(UPDATES, before, err_msg="an aggregator changed its arguments")


@pytest.mark.parametrize(
    "score", [median_reference_scores, peer_median_scores, lambda rows, n: fltrust_scores(rows, n, root_update=ROOT[0])]
)
def test_scores_of_a_batch(score) -> None:
    together = score(UPDATES, np.tile(SAMPLES, (3, 1)))
    for rows, ours in zip(UPDATES, together, strict=True):
        np.testing.assert_allclose(ours, score(rows, SAMPLES), atol=1e-12)


# ---------------------------------------------------------------- the two proposals


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


@given(st.floats(-5, 5), st.floats(-1, 1), st.floats(0.01, 1))
def test_accuracy_adjustment_never_turns_a_score(score: float, gain: float, cap: float) -> None:
    adjusted = float(accuracy_adjusted_scores([score], [gain], cap=cap)[0])
    assert abs(adjusted) <= abs(score) * (1 + 1e-12) and adjusted * score >= 0
    assert gain > 0 or adjusted == 0
    assert gain < cap or adjusted == score


def test_novelty_of_combinations_is_zero() -> None:
    rng = np.random.default_rng(6)
    known = rng.standard_normal((4, 30))
    copies = rng.standard_normal((5, 4)) @ known
    assert compute_novelty(copies, known=known).max() < 1e-6
    assert compute_novelty(np.zeros((1, 30)), known=known).tolist() == [0.0]
    # a random vector keeps 1 - sqrt(4 / 30) of its length outside 4 of 30 dimensions, on average
    fresh = compute_novelty(rng.standard_normal((500, 30)), known=known)
    assert abs(fresh.mean() - (1 - np.sqrt(4 / 30))) < 0.03


def test_novelty_sees_noise_on_a_copy_only_in_proportion() -> None:
    known = np.eye(50)[:1]
    noisy = known + 0.1 * np.eye(50)[1:2]
    assert compute_novelty(noisy, known=known)[0] == pytest.approx(1 - 1 / np.sqrt(1.01))


def test_novelty_with_nothing_known_is_one() -> None:
    assert compute_novelty([[1.0, 2.0]], known=np.zeros((1, 2))).tolist() == [1.0]


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: aggregators.trimmed_mean(UPDATES, trim=5), "trim is 5 for 9 updates"),
        (
            lambda: aggregators.multi_krum(UPDATES, attackers=4),
            "attackers is 4 for 9 updates: Krum needs n > 2 f \\+ 2",
        ),
        (lambda: aggregators.multi_krum(UPDATES, attackers=3, selected=0), "selected is 0: average 1 to 9 updates"),
        (lambda: aggregators.mix_neighbors(UPDATES, attackers=5), "attackers is 5 for 9 updates: NNM needs fewer"),
        (lambda: aggregators.geometric_median(UPDATES, iterations=0), "iterations is 0"),
        (lambda: aggregators.centered_clipping(UPDATES, center=np.zeros(5), radius=-1.0), "radius is -1.0"),
        (lambda: aggregators.coordinate_median(np.zeros(3)), r"updates has shape \(3,\)"),
        (lambda: median_reference_scores(UPDATES[0], [0, *SAMPLES[1:]]), r"samples\[0\] = 0"),
        (lambda: accuracy_adjusted_scores([1.0], [0.1], cap=0.0), "cap is 0.0"),
        (lambda: alignment_penalties([1.0], [1.0], 1.0, rate=-1, cap=0.1), "rate is -1, cap 0.1"),
        (lambda: alignment_penalties([1.0], [1.0], 1.0, rate=1, cap=1.1), "rate is 1, cap 1.1"),
    ],
)
def test_bad_input(call, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        call()


def test_more_attackers_means_more_trimming_never_a_wider_range() -> None:
    """The trimmed mean stays between the smallest and largest value kept, and the range shrinks with `trim`."""
    ordered = np.sort(UPDATES[2], axis=0)
    for trim, wider in pairwise((4, 3, 2, 1, 0)):
        value = aggregators.trimmed_mean(UPDATES[2], trim=trim)
        assert (ordered[trim] <= value + 1e-12).all() and (value <= ordered[-1 - trim] + 1e-12).all()
        assert (ordered[wider] <= ordered[trim]).all()


def test_collusion_is_seen_by_the_root_but_not_by_the_mean() -> None:
    rng = np.random.default_rng(7)
    truth = rng.standard_normal(60)
    honest = truth + rng.standard_normal((7, 60))
    lie = collude(rng.standard_normal(60), norm=5 * np.linalg.norm(honest[0]))
    updates, samples = np.vstack([honest, np.tile(lie, (3, 1))]), np.ones(10, dtype=int)
    paper = np.maximum(alignment_scores(updates, samples), 0)
    trusted = fltrust_scores(updates, samples, root_update=truth)
    assert paper[7:].sum() / paper.sum() > 0.8
    assert trusted[7:].sum() / trusted.sum() < 0.2
