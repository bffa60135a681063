"""The scores' identities, each against an exact or brute-force reference."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.learning import Round
from bcfl_support.learning import updates as vectors
from bcfl_support.learning.aggregators import fedavg
from bcfl_support.learning.models import SoftmaxRegression
from bcfl_support.scores import (
    SCORES,
    accuracy_adjusted_scores,
    alignment_scores,
    clipped_scores,
    compute_novelty,
    cosine_scores,
    fltrust_scores,
    leave_self_out_scores,
    median_reference_scores,
    midpoint_scores,
    peer_median_scores,
    root_scores,
)

whole = st.integers(-50, 50)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
    """Integer updates (n, P), so that fractions are exact, and sample counts."""
    n, p = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    updates = draw(st.lists(st.lists(whole, min_size=p, max_size=p), min_size=n, max_size=n))
    return updates, draw(st.lists(st.integers(1, 300), min_size=n, max_size=n))


def dot(a: list, b: list) -> Fraction:
    return sum((Fraction(x) * y for x, y in zip(a, b, strict=True)), Fraction(0))


def exact_step(updates: list[list[int]], samples: list[int]) -> list[Fraction]:
    return [dot(samples, list(column)) / sum(samples) for column in zip(*updates, strict=True)]


def shapley(n: int, value: Callable[[frozenset[int]], object]) -> list:
    """Average marginal contribution over all n! orders: slow and obvious."""
    orders = list(permutations(range(n)))
    totals: list = [0] * n
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            totals[player] += value(before | {player}) - value(before)  # type: ignore[operator]
    return [total / len(orders) for total in totals]


def quadratic(rng: np.random.Generator, p: int) -> tuple[Callable, Callable]:
    """A strictly convex quadratic loss and its gradient."""
    root, center = rng.standard_normal((p, p)), rng.standard_normal(p)
    hessian = root @ root.T + np.eye(p)
    return lambda w: 0.5 * (w - center) @ hessian @ (w - center), lambda w: hessian @ (w - center)


UPDATES = np.random.default_rng(0).standard_normal((6, 9)) + 0.5
SAMPLES = np.array([10, 20, 5, 40, 15, 30])


@given(rounds())
def test_scores_equal_exact_rational_arithmetic(case: tuple[list[list[int]], list[int]]) -> None:
    updates, samples = case
    step = exact_step(updates, samples)
    exact = [float(Fraction(n, sum(samples)) * dot(row, step)) for n, row in zip(samples, updates, strict=True)]
    assert alignment_scores(updates, samples) == pytest.approx(exact, rel=1e-12, abs=1e-9)


@given(rounds())
def test_scores_sum_to_the_squared_norm(case: tuple[list[list[int]], list[int]]) -> None:
    updates, samples = case
    step = exact_step(updates, samples)
    assert alignment_scores(updates, samples).sum() == pytest.approx(float(dot(step, step)), rel=1e-12, abs=1e-9)


@given(rounds())
def test_score_is_the_shapley_value_of_the_additive_game(case: tuple[list[list[int]], list[int]]) -> None:
    updates, samples = case
    step, total = exact_step(updates, samples), sum(samples)

    def value(coalition: frozenset[int]) -> Fraction:
        return sum((Fraction(samples[i], total) * dot(updates[i], step) for i in coalition), Fraction(0))

    exact = [float(v) for v in shapley(len(samples), value)]
    assert alignment_scores(updates, samples) == pytest.approx(exact, rel=1e-12, abs=1e-9)


@given(rounds())
def test_self_inclusion_splits_off_the_clients_own_square(case: tuple[list[list[int]], list[int]]) -> None:
    updates, samples = case
    weights = [Fraction(n, sum(samples)) for n in samples]
    step = exact_step(updates, samples)
    others = [
        float(p * dot(row, [g - p * x for g, x in zip(step, row, strict=True)]))
        for p, row in zip(weights, updates, strict=True)
    ]
    own = np.array([float(p * p * dot(row, row)) for p, row in zip(weights, updates, strict=True)])
    assert leave_self_out_scores(updates, samples) == pytest.approx(others, rel=1e-10, abs=1e-9)
    split = leave_self_out_scores(updates, samples) + own
    assert split == pytest.approx(alignment_scores(updates, samples), rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_midpoint_is_the_exact_shapley_value_of_a_quadratic_loss(n: int) -> None:
    rng = np.random.default_rng(n)
    loss, gradient = quadratic(rng, 7)
    w, updates, samples = rng.standard_normal(7), rng.standard_normal((n, 7)), rng.integers(5, 90, n)
    moves = samples[:, None] / samples.sum() * updates

    def value(coalition: frozenset[int]) -> float:
        return loss(w) - loss(w + moves[sorted(coalition)].sum(axis=0))

    scores = midpoint_scores(updates, samples, params=w, gradient=gradient)
    assert scores == pytest.approx(shapley(n, value), abs=1e-12)
    assert scores.sum() == pytest.approx(loss(w) - loss(w + moves.sum(axis=0)), abs=1e-12)


def test_root_score_with_the_gradient_is_first_order_shapley() -> None:
    # the loss of a tiny step is linear to first order: the exact value over the step size tends to the root score
    rng = np.random.default_rng(4)
    loss, gradient = quadratic(rng, 5)
    w, updates, samples = rng.standard_normal(5), rng.standard_normal((4, 5)), rng.integers(5, 90, 4)
    moves = samples[:, None] / samples.sum() * updates

    def value(coalition: frozenset[int]) -> float:
        return (loss(w) - loss(w + 1e-6 * moves[sorted(coalition)].sum(axis=0))) / 1e-6

    assert root_scores(updates, samples, root_update=-gradient(w)) == pytest.approx(shapley(4, value), abs=1e-4)


def test_path_integrals_converge_to_the_fall_of_a_smooth_loss() -> None:
    rng = np.random.default_rng(1)
    model = SoftmaxRegression(6, 3)
    x, y, w = rng.standard_normal((60, 6)), rng.integers(0, 3, 60), model.init(rng=rng)
    updates, samples = rng.standard_normal((5, model.n_params)), np.array([1, 2, 3, 4, 5])
    gain = model.loss(w, x, y) - model.loss(w + fedavg(updates, samples), x, y)

    def gap(points: int) -> float:
        gradient = lambda v: model.gradient(v, x, y)  # noqa: E731
        return abs(midpoint_scores(updates, samples, params=w, gradient=gradient, points=points).sum() - gain)

    assert gap(1) < 0.1 * abs(gain)
    assert gap(8) < 1e-10 < gap(1)


def test_polynomials_of_degree_2m_are_exact_with_m_points() -> None:
    updates, samples, w = np.array([[1.0, -2.0], [0.5, 3.0]]), [1, 3], np.array([0.3, -0.2])
    loss = lambda v: float((v**6).sum())  # noqa: E731
    step = fedavg(updates, samples)
    for points, exact in ((2, False), (3, True)):
        scores = midpoint_scores(updates, samples, params=w, gradient=lambda v: 6 * v**5, points=points)
        assert (abs(scores.sum() - (loss(w) - loss(w + step))) < 1e-10) == exact


def test_cosine_is_the_angle_and_ignores_length() -> None:
    step = fedavg(UPDATES, SAMPLES)
    by_hand = [float(u @ step / np.sqrt((u @ u) * (step @ step))) for u in UPDATES]
    assert cosine_scores(UPDATES, SAMPLES) == pytest.approx(by_hand, abs=1e-14)
    assert cosine_scores(3 * UPDATES, SAMPLES) == pytest.approx(by_hand, abs=1e-14)
    same = np.tile(np.array([1e-3, 2e-3, 3e-3]), (2, 1))
    assert (cosine_scores(same, [1, 2]) <= 1.0).all()


def test_clipping_leaves_short_updates_and_cuts_long_ones() -> None:
    lengths = np.linalg.norm(UPDATES, axis=1)
    clip = vectors.compute_median_norm(UPDATES)
    cut = vectors.clip_norms(UPDATES, clip=clip)
    assert np.allclose(np.linalg.norm(cut, axis=1), np.minimum(lengths, clip))
    assert np.array_equal(cut[lengths <= clip], UPDATES[lengths <= clip])
    assert clipped_scores(UPDATES, SAMPLES, clip=clip) == pytest.approx(alignment_scores(cut, SAMPLES))
    wide = clipped_scores(UPDATES, SAMPLES, clip=2 * lengths.max())
    assert wide == pytest.approx(alignment_scores(UPDATES, SAMPLES), abs=1e-15)


def test_scaling_pays_with_its_square_until_clipped() -> None:
    own = (SAMPLES[0] / SAMPLES.sum()) ** 2 * (UPDATES[0] @ UPDATES[0])
    cross = leave_self_out_scores(UPDATES, SAMPLES)[0]
    clip = float(np.linalg.norm(UPDATES[0]))
    for k in (1.0, 2.0, 10.0):
        scaled = UPDATES * np.where(np.arange(6) == 0, k, 1.0)[:, None]
        assert alignment_scores(scaled, SAMPLES)[0] == pytest.approx(k * cross + k**2 * own)
        assert clipped_scores(scaled, SAMPLES, clip=clip)[0] == pytest.approx(
            clipped_scores(UPDATES, SAMPLES, clip=clip)[0]
        )


SCORERS: dict[str, Callable] = {
    "alignment": alignment_scores,
    "cosine": cosine_scores,
    "leave_self_out": leave_self_out_scores,
    "clipped": lambda u, s: clipped_scores(u, s, clip=1.0),
    "root": lambda u, s: root_scores(u, s, root_update=np.arange(np.shape(u)[1]) - 2.0),
    "midpoint": lambda u, s: midpoint_scores(u, s, params=np.ones(np.shape(u)[1]), gradient=lambda w: w**3),
    "median reference": median_reference_scores,
    "peer median": peer_median_scores,
    "fltrust": lambda u, s: fltrust_scores(u, s, root_update=np.arange(np.shape(u)[1]) - 2.0),
}


@pytest.mark.parametrize("name", SCORERS)
def test_scores_follow_a_permutation_of_the_clients(name: str) -> None:
    order = np.array([3, 0, 5, 1, 4, 2])
    scores = SCORERS[name](UPDATES, SAMPLES)
    assert scores.shape == (6,) and scores.dtype == np.float64
    assert SCORERS[name](UPDATES[order], SAMPLES[order]) == pytest.approx(scores[order], abs=1e-12)
    assert len(np.unique(np.round(scores, 9))) == 6  # an asymmetric fixture: permuting changes the answer


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("far", [np.nan, np.inf, -np.inf, 1e200, -np.finfo(float).max])
def test_a_row_beyond_all_numbers_is_refused_by_its_number_or_dropped(name: str, far: float) -> None:
    sent = np.stack([UPDATES, UPDATES])
    sent[1, 4, 2] = far
    zero = np.zeros((2, UPDATES.shape[1]))
    seen = Round(sent, SAMPLES, zero, lambda w: w - 1, lambda w: np.zeros(w.shape[:-1]), zero, root_update=zero + 1)
    if np.isfinite(far) and name.startswith("clipped"):  # to the length of the others
        kept = np.abs(SCORES[name](seen)[1])
        assert np.isfinite(kept).all() and kept.max() < 10 * np.abs(SCORES[name](seen)[0]).max()
    else:
        with pytest.raises(InvalidUpdate, match=r"^updates\[1, 4, 2\] = .*: leave the client out of the round"):
            SCORES[name](seen)


@pytest.mark.parametrize("name", SCORERS)
def test_all_zero_updates_score_zero(name: str) -> None:
    assert SCORERS[name](np.zeros((3, 4)), [1, 2, 3]).tolist() == [0, 0, 0]


def test_a_client_alone() -> None:
    update = [[3.0, 4.0]]
    assert alignment_scores(update, [7]).tolist() == [25.0]
    assert cosine_scores(update, [7]).tolist() == [1.0]
    assert leave_self_out_scores(update, [7]).tolist() == [0.0]


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize(
    ("updates", "samples", "message"),
    [
        ([[1.0, 2.0], [3.0, np.nan]], [1, 2], r"updates\[1, 1\] = nan"),
        ([[1.0, 2.0], [3.0, 4.0]], [1, 0], r"samples\[1\] = 0"),
        ([[1.0, 2.0], [3.0, 4.0]], [1], r"updates has shape \(2, 2\): it must be \(…, 1, P\)"),
    ],
)
def test_bad_rounds_are_refused(name: str, updates: list, samples: list, message: str) -> None:
    with pytest.raises(InvalidUpdate, match=message):
        SCORERS[name](updates, samples)


def test_bad_directions_and_clips_are_named() -> None:
    with pytest.raises(InvalidUpdate, match=r"root_update has shape \(3,\): the updates have 9 parameters"):
        root_scores(UPDATES, SAMPLES, root_update=np.ones(3))
    with pytest.raises(InvalidUpdate, match=r"root_update\[1\] = inf"):
        root_scores(UPDATES, SAMPLES, root_update=[1.0, np.inf] + [0.0] * 7)
    with pytest.raises(InvalidUpdate, match=r"params has shape \(8,\)"):
        midpoint_scores(UPDATES, SAMPLES, params=np.ones(8), gradient=lambda w: w)
    with pytest.raises(InvalidUpdate, match=r"gradient\(w\) has shape \(1,\)"):
        midpoint_scores(UPDATES, SAMPLES, params=np.ones(9), gradient=lambda w: w[:1])
    for clip in (-1.0, float("nan")):
        with pytest.raises(InvalidInput, match="clip is"):
            clipped_scores(UPDATES, SAMPLES, clip=clip)


# ---------------------------------------------------------------- other references, and the proposals

BATCH = np.random.default_rng(8).standard_normal((3, 9, 5)) * np.linspace(0.5, 2, 9)[:, None] + 0.3
COUNTS = np.array([5, 11, 2, 7, 3, 13, 1, 8, 6])
ROOT = np.random.default_rng(9).standard_normal((3, 5))


def test_fltrust_scores_are_weighted_trust() -> None:
    ours = fltrust_scores(BATCH[0], COUNTS, root_update=ROOT[0])
    for i, row in enumerate(BATCH[0]):
        cosine = row @ ROOT[0] / np.linalg.norm(row) / np.linalg.norm(ROOT[0])
        assert ours[i] == pytest.approx(COUNTS[i] / COUNTS.sum() * max(0.0, cosine))


def test_median_reference_scores_in_a_loop() -> None:
    middle = np.median(BATCH[1], axis=0)
    expected = [n / COUNTS.sum() * (row @ middle) for n, row in zip(COUNTS, BATCH[1], strict=True)]
    assert median_reference_scores(BATCH[1], COUNTS) == pytest.approx(expected)


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


@given(rounds())
def test_peer_median_scores_in_fractions(case: tuple[list[list[int]], list[int]]) -> None:
    rows, samples = case
    expected = [float(s) for s in slow_peer_scores(rows, samples)]
    assert peer_median_scores(rows, samples) == pytest.approx(expected, abs=1e-12)


def test_peer_median_does_not_see_a_minority_coalition() -> None:
    """Three of nine send a vector nobody else agrees with: the others rate it 0, and so does the median."""
    rows = np.zeros((9, 4))
    rows[:6, :3] = np.random.default_rng(1).uniform(0.5, 1.5, (6, 3))
    rows[6:, 3] = 100.0
    scores = peer_median_scores(rows, np.ones(9, dtype=int))
    assert scores[6:].tolist() == [0.0] * 3 and (scores[:6] > 0).all()


@pytest.mark.parametrize(
    "score", [median_reference_scores, peer_median_scores, lambda rows, n: fltrust_scores(rows, n, root_update=ROOT[0])]
)
def test_scores_of_a_batch(score) -> None:
    together = score(BATCH, np.tile(COUNTS, (3, 1)))
    for rows, ours in zip(BATCH, together, strict=True):
        np.testing.assert_allclose(ours, score(rows, COUNTS), atol=1e-12)


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


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1.0, 1e160, 1e300])
def test_novelty_does_not_depend_on_length(size: float) -> None:
    assert compute_novelty([[size, size]], known=[[1.0, 0.0]])[0] == pytest.approx(1 - np.sqrt(0.5))


def test_novelty_with_nothing_known_is_one() -> None:
    assert compute_novelty([[1.0, 2.0]], known=np.zeros((1, 2))).tolist() == [1.0]


@pytest.mark.parametrize(("updates", "known"), [(np.ones((2, 3)), [[1.0]]), (np.ones((2, 2, 1)), [[1.0]])])
def test_novelty_says_what_does_not_fit(updates: np.ndarray, known: list) -> None:
    with pytest.raises(InvalidUpdate, match=r"updates has shape \(2, .*\), known \(1, 1\): give \(n, P\) and \(r, P\)"):
        compute_novelty(updates, known=known)


def test_a_cap_must_be_positive() -> None:
    for cap in (0.0, -1.0, np.nan):
        with pytest.raises(InvalidInput, match=rf"cap is {cap}"):
            accuracy_adjusted_scores([1.0], [0.1], cap=cap)


@pytest.mark.parametrize(
    ("scores", "gains", "message"),
    [
        ([1.0, np.nan], [0.1, 0.1], r"scores is \[1\.0, nan\]"),
        ([1.0, 2.0], [0.1, np.inf], r"gains is \[0\.1, inf\]"),
        ([1.0, 2.0], ["0.1", "0.2"], "gains is"),
        ([1.0, 2.0], [0.1], r"scores, gains have the shapes \(2,\), \(1,\): give one of each a client"),
        ([[1.0, 2.0]], [0.1, 0.2], r"scores, gains have the shapes \(1, 2\), \(2,\)"),
        ([[1.0, 2.0]], [[0.1], [0.2]], r"scores, gains have the shapes \(1, 2\), \(2, 1\)"),
    ],
)
def test_gains_that_do_not_fit_their_scores(scores: Any, gains: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        accuracy_adjusted_scores(scores, gains, cap=0.1)


def test_the_copy_of_a_short_update_is_no_more_new_than_that_of_a_long_one() -> None:
    known = np.array([[1.0, 0.0, 0.0], [0.0, 1e-12, 0.0]])
    assert compute_novelty(known, known=known).round(6).tolist() == [0.0, 0.0]
    assert compute_novelty([[0.0, 0.0, 1.0]], known=known).tolist() == [1.0]
