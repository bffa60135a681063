"""What is computed of a round's updates, against slow loops; and what a bad vector is told."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support import adversaries, scores
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.exact import compute_fairness_factors
from bcfl_support.learning import aggregators, updates
from bcfl_support.learning.models import SoftmaxRegression

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "byzfl.json").read_text())["cases"]
ROWS = np.random.default_rng(8).standard_normal((3, 9, 5)) * np.linspace(0.5, 2, 9)[:, None]
SAMPLES = np.array([5, 11, 2, 7, 3, 13, 1, 8, 6])


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_clipping_is_byzfls(case: dict) -> None:
    ours = updates.clip_norms(case["updates"], clip=case["radius"])
    np.testing.assert_allclose(ours, case["clipping"], rtol=1e-12)


def test_a_clip_of_zero_leaves_nothing_and_a_negative_one_is_refused() -> None:
    assert not updates.clip_norms([[1.0, 2.0], [0.0, 0.0]], clip=0.0).any()
    with pytest.raises(InvalidInput, match=r"clip is -2\.0: it is a length; choose it in \[0, ∞\)"):
        updates.clip_norms(ROWS, clip=-2.0)


@pytest.mark.parametrize("clip", [[1.0, 2.0, 3.0], [[1.0]], []])
def test_a_clip_is_one_number_a_round(clip) -> None:
    rounds = np.ones((2, 3, 4))
    assert updates.clip_norms(rounds, clip=[2.0, 1.0]) == pytest.approx(rounds * np.array([1.0, 0.5])[:, None, None])
    with pytest.raises(InvalidInput, match=r"clip has shape \(.*\): give a number, or one each of shape \(2,\)"):
        updates.clip_norms(rounds, clip=clip)


def test_lengths_cosines_and_distances_in_a_loop() -> None:
    reference = np.random.default_rng(1).standard_normal((3, 5))
    cosines, squares = updates.compute_cosines(ROWS, reference), updates.compute_square_distances(ROWS)
    for run, (rows, r) in enumerate(zip(ROWS, reference, strict=True)):
        lengths = [np.linalg.norm(row) for row in rows]
        assert updates.compute_median_norm(ROWS)[run] == pytest.approx(np.median(lengths))
        assert cosines[run] == pytest.approx([row @ r / np.linalg.norm(row) / np.linalg.norm(r) for row in rows])
        for i in range(9):
            assert squares[run, i] == pytest.approx([np.sum((rows[i] - row) ** 2) for row in rows], abs=1e-12)
            assert squares[run, i, i] == 0.0
    assert updates.compute_cosines([[0.0, 0.0], [1.0, 0.0]], [1.0, 0.0]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("reference", [[1.0], [1.0, 2, 3, 4, np.nan], np.ones((2, 5))])
def test_cosines_with_what_does_not_fit(reference: object) -> None:
    with pytest.raises(InvalidInput, match="reference"):
        updates.compute_cosines(ROWS, reference)


def test_rescaling_keeps_the_direction_and_zero_stays_zero() -> None:
    rescaled = updates.rescale(ROWS, np.full((3, 9), 2.0))
    np.testing.assert_allclose(np.linalg.norm(rescaled, axis=-1), 2.0)
    np.testing.assert_allclose(rescaled * np.linalg.norm(ROWS, axis=-1, keepdims=True), 2 * ROWS)
    assert updates.rescale([0.0, 0.0], 3.0).tolist() == [0.0, 0.0]


def test_cosines_of_a_batch_are_those_of_its_rounds() -> None:
    expected = [updates.compute_cosines(rows, rows[0]) for rows in ROWS]
    np.testing.assert_allclose(updates.compute_cosines(ROWS, ROWS[:, 0]), expected)
    np.testing.assert_allclose([cosines[0] for cosines in expected], 1.0)


def test_a_round_says_what_each_update_brings_alone() -> None:
    rng = np.random.default_rng(4)
    model, x, y = SoftmaxRegression(2, 3), rng.standard_normal((40, 2)), rng.integers(0, 3, 40)
    params, sent = rng.standard_normal((2, 9)), rng.standard_normal((2, 4, 9))
    seen = updates.Round(
        updates=sent,
        samples=np.array([1, 2, 3, 4]),
        params=params,
        gradient=lambda w: model.gradient(w, x, y),
        accuracy=lambda w: model.accuracy(w, x, y),
        previous=np.zeros((2, 9)),
    )
    for run in range(2):
        before = model.accuracy(params[run], x, y)
        assert seen.gains[run] == pytest.approx([model.accuracy(params[run] + g, x, y) - before for g in sent[run]])
        np.testing.assert_allclose(seen.descent[run], -model.gradient(params[run], x, y))
    assert (updates.compute_lengths(seen.clipped) <= updates.compute_median_norm(sent)[:, None] * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], r"root_update has shape \(2,\): the updates have 5 parameters, so must it"),
        (np.zeros((2, 5)), r"root_update has shape \(2, 5\)"),
        ([1.0, np.nan, 0, 0, 0], r"root_update\[1\] = nan is not a finite number: look at what made it"),
        ([1.0, 2e150, 0, 0, 0], r"root_update\[1\] = 2e\+150 lies beyond ±1e\+150, where products overflow: look at"),
    ],
)
def test_a_bad_vector_is_refused(values: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        updates.check_vector(values, ROWS, "root_update")


@pytest.mark.parametrize(
    ("rows", "samples", "message"),
    [
        (ROWS, SAMPLES[:8], r"updates has shape \(3, 9, 5\): it must be \(…, 8, P\), one row per sample count"),
        (ROWS, np.tile(SAMPLES, (2, 1)), r"updates has shape \(3, 9, 5\)"),
        (ROWS, [0, *SAMPLES[1:]], r"samples\[0\] = 0: leave a client with no sample out of the round"),
        (np.where(ROWS[1, 2, 3] == ROWS, np.inf, ROWS), SAMPLES, r"updates\[1, 2, 3\] = inf is not a finite number"),
        (np.full((2, 1), 1e150), [1, 1], None),
        (np.full((2, 1), -1e151), [1, 1], r"updates\[0, 0\] = -1e\+151 lies beyond ±1e\+150, where products overflow"),
    ],
)
def test_a_round_is_checked(rows: object, samples: object, message: str | None) -> None:
    if message is None:
        updates.check_round(rows, samples)
        return
    with pytest.raises(InvalidInput, match=message):
        updates.check_round(rows, samples)


def test_lengths_neither_overflow_nor_vanish() -> None:
    for size in (1e200, 1e-200):
        assert updates.clip_norms([[3 * size, 4 * size]], clip=2.5 * size) == pytest.approx(
            size * np.array([[1.5, 2.0]])
        )
        assert updates.rescale([3 * size, 4 * size], 10.0) == pytest.approx(np.array([6.0, 8.0]))
    assert updates.clip_norms([[1e200, 0.0]], clip=2.5).tolist() == [[2.5, 0.0]]
    rows = np.random.default_rng(3).standard_normal((4, 7))
    with_extremes = np.concatenate([rows, np.zeros((1, 7)), np.full((1, 7), 1e200)])
    assert np.array_equal(updates.compute_lengths(with_extremes)[:4], updates.compute_lengths(rows))


@st.composite
def sent(draw: st.DrawFn) -> np.ndarray:
    """Updates with a large part in common, copies among them, as whole multiples of 2⁻²⁰."""
    common = draw(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=2))
    own = draw(st.lists(st.tuples(*[st.integers(-1000, 1000)] * 2), min_size=2, max_size=5))
    far = draw(st.sampled_from([1, 2**100, 2**400]))  # one that is far away from all
    return (np.array(common) + np.array([*own, own[0]]) * np.array([[far], *[[1]] * len(own)], dtype=object)).astype(
        float
    ) * 2.0**-20


@given(rows=sent())
def test_distances_are_exact_however_much_all_have_in_common(rows: np.ndarray) -> None:
    exact = [[sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(g, h, strict=True)) for h in rows] for g in rows]
    for found in (updates.compute_square_distances(rows), updates.compute_square_distances(rows[None])[0]):
        np.testing.assert_allclose(found, np.array(exact, dtype=float), rtol=1e-11, atol=0)


@pytest.mark.filterwarnings("error")
def test_no_distance_and_no_cosine_overflows_on_its_way() -> None:
    rows = np.array([[1e160, 3.0], [1e160, 1.0], [2.0, 1.0], [np.finfo(float).max] * 2])
    distances = updates.compute_square_distances(rows)
    assert distances[0, 1] == distances[1, 0] == 4.0 and np.isinf(distances[:3, 3]).all()
    assert not np.isnan(distances).any()
    assert updates.compute_cosines(rows, [1e150, 0.0]) == pytest.approx([1, 1, 2 / 5**0.5, 0.5**0.5])
    assert updates.compute_cosines([[3e-200, 4e-200]], [1e-200, 0.0]) == pytest.approx([0.6])
    many = np.random.default_rng(0).standard_normal((2, 60, 5_000)) * 1e-3 + 1e3  # more pairs than are taken at once
    apart = ((many[1, :1] - many[1]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(updates.compute_square_distances(many)[1, 0], apart, rtol=1e-11)


def test_a_negative_length_does_not_turn_a_vector_round() -> None:
    for send in (
        lambda norm: updates.rescale([3.0, 4.0], norm),
        lambda norm: adversaries.collude([3.0, 4.0], norm=norm),
        lambda norm: adversaries.replay([3.0, 4.0], norm=norm),
        lambda norm: adversaries.draw_noise([[3.0, 4.0]], norm=norm, rng=np.random.default_rng(0)),
    ):
        for norm in (-1.0, np.nan):
            with pytest.raises(InvalidInput, match=rf"norm is {norm}: choose it in \[0, ∞\)"):
                send(norm)


def test_text_is_no_update() -> None:
    with pytest.raises(InvalidInput, match="there is text in updates: give numbers, not their digits"):
        updates.check_updates([["2", "0"], ["0", "4"]])
    with pytest.raises(InvalidInput, match="there is text in reference"):
        updates.compute_cosines(ROWS, ["1", "2", "3", "4", "5"])


def test_counts_whose_sum_int64_does_not_hold_are_shares_all_the_same() -> None:
    assert updates.compute_weights([2**62, 2**62, 2**63 - 1]).tolist() == [0.25, 0.25, 0.5]
    assert updates.compute_weights(np.full((2, 4), 2**62)).tolist() == [[0.25] * 4] * 2


def test_an_absent_client_has_no_part_in_means_and_a_vote_in_medians() -> None:
    """What `compute_weights` says of a sample count of 0 in a batch."""
    rows, counts = np.array([[[1.0], [2.0], [9.0], [0.0]]]), np.array([[1, 2, 3, 0]])
    there, present = rows[:, :3], counts[:, :3]
    assert aggregators.fedavg(rows, counts) == aggregators.fedavg(there, present)
    for name in ("alignment_scores", "leave_self_out_scores", "peer_median_scores"):
        score = getattr(scores, name)
        assert score(rows, counts)[0].tolist() == [*score(there, present)[0].tolist(), 0.0], name
    assert aggregators.coordinate_median(rows).item() == 1.5 != aggregators.coordinate_median(there).item()
    assert updates.compute_median_norm(rows).item() == 1.5


def test_tables_of_clients_are_paired_by_name_or_not_at_all() -> None:
    rows = pandas.DataFrame([[2.0, 0.0], [0.0, 1.0]], index=["ann", "bob"])
    counts = pandas.Series([1, 9], index=["ann", "bob"])
    pairs = {
        "updates": lambda other: scores.alignment_scores(rows, other),
        "contributions": lambda other: compute_fairness_factors(counts * 1.0, other),
    }
    for name, pair in pairs.items():
        assert np.array_equal(pair(counts), pair(counts.to_numpy()))
        with pytest.raises(InvalidInput, match=f"row 0 is 'ann' in {name} and 'bob' in .*: bring them into one order"):
            pair(counts[::-1])


def test_a_mask_within_lists_is_seen() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    for rows in ([masked, [3.0, 4.0]], [[masked, [3.0, 4.0]]], ([[3.0, 4.0], masked],)):
        with pytest.raises(InvalidInput, match="updates has a mask"):
            aggregators.fedavg(rows, [1, 1])
