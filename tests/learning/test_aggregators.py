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

from bcfl_support.learning import Round, aggregators

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "byzfl.json").read_text())["cases"]
UPDATES = np.random.default_rng(8).standard_normal((3, 9, 5)) * np.linspace(0.5, 2, 9)[:, None] + 0.3
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
@pytest.mark.parametrize("size", [1e1, 1e3, 1e6, 1e14])
def test_three_attackers_of_nine_move_it_a_bounded_way(name: str, size: float) -> None:
    honest = UPDATES[0].copy()
    lied = honest.copy()
    lied[:3] = size * np.random.default_rng(2).standard_normal(5)
    spread = np.linalg.norm(honest - honest.mean(axis=0), axis=1).max()
    moved = np.linalg.norm(ROBUST[name](lied) - honest[3:].mean(axis=0))
    assert moved < 2.5 * spread, f"{name} moved {moved:.2f}, honest spread {spread:.2f}"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", list(aggregators.AGGREGATORS))
@pytest.mark.parametrize("far", [np.nan, np.inf, -np.inf, 1e200, -np.finfo(float).max])
def test_a_row_beyond_all_numbers_is_refused_by_its_number_or_dropped(name: str, far: float) -> None:
    honest = 1 + 0.1 * np.random.default_rng(0).standard_normal((2, 7, 3))
    sent = np.concatenate([honest, np.full((2, 1, 3), 5.0)], axis=1)
    sent[1, 7, 2] = far  # one entry, of one client, in one round of two
    seen = Round(sent, np.full(8, 10), np.zeros((2, 3)), abs, abs, np.zeros((2, 3)), 1, np.ones((2, 3)))
    if np.isfinite(far) and name != "fedavg":  # these bear it
        step = aggregators.AGGREGATORS[name](seen)
        assert (np.abs(step - honest.mean(axis=1)) < 0.9).all(), step
    else:
        with pytest.raises(ValueError, match=r"^updates\[1, 7, 2\] = .*: leave the client out of the round"):
            aggregators.AGGREGATORS[name](seen)


@given(rounds(), st.integers(10, 40))
def test_krum_is_the_same_whatever_all_have_in_common(case: tuple[list[list[int]], int], digits: int) -> None:
    rows, attackers = np.array(case[0], dtype=float), case[1]
    common = 2.0**digits * np.arange(1, rows.shape[1] + 1)
    for selected in (1, None):
        found = aggregators.multi_krum(rows + common, attackers=attackers, selected=selected) - common
        np.testing.assert_allclose(
            found, aggregators.multi_krum(rows, attackers=attackers, selected=selected), atol=2.0 ** (digits - 46)
        )


@pytest.mark.parametrize("far", [1e14, 1e155, 1e300])
@pytest.mark.parametrize("unit", [1e-150, 1e-9, 1.0, 1e13])
def test_one_attacker_however_far_leaves_the_geometric_median_among_the_others(far: float, unit: float) -> None:
    assert aggregators.geometric_median([[0.0], [unit], [2 * unit], [3 * unit], [far]])[0] == pytest.approx(
        2 * unit, rel=1e-6, abs=0
    )
    honest = unit * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = aggregators.geometric_median(np.concatenate([honest, [[far, -far]]]))
    assert (np.abs(found - honest.mean(axis=0)) <= unit).all()


def test_the_geometric_median_is_iterated_to_its_end_by_default() -> None:
    for rows in UPDATES:
        found, further = aggregators.geometric_median(rows), aggregators.geometric_median(rows, iterations=50_000)
        np.testing.assert_allclose(found, further, atol=1e-8)
        apart = (rows - found) / np.linalg.norm(rows - found, axis=1, keepdims=True)
        np.testing.assert_allclose(apart.sum(axis=0), 0, atol=1e-7)  # the unit vectors to the updates balance
    assert np.array_equal(aggregators.geometric_median(UPDATES, iterations=0), np.median(UPDATES, axis=1))


@pytest.mark.parametrize("name", ["trimmed_mean", "multi_krum", "nnm_trimmed_mean"])
def test_who_must_know_how_many_are_byzantine_refuses_none(name: str) -> None:
    seen = Round(UPDATES, np.ones(9, int), np.zeros((3, 5)), abs, abs, np.zeros((3, 5)))
    with pytest.raises(ValueError, match="byzantine is 0: provided for none, it is the plain mean"):
        aggregators.AGGREGATORS[name](seen)


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


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: aggregators.trimmed_mean(UPDATES, trim=5), r"trim is 5: of 9 updates .* choose it whole, in \[0, 4\]"),
        (
            lambda: aggregators.multi_krum(UPDATES, attackers=4),
            r"attackers is 4: Krum needs n > 2 f \+ 2, and n is 9; choose it whole, in \[0, 3\]",
        ),
        (
            lambda: aggregators.multi_krum(UPDATES, attackers=3, selected=0),
            r"selected is 0: choose it whole, in \[1, 9\]",
        ),
        (lambda: aggregators.mix_neighbors(UPDATES, attackers=5), "attackers is 5: NNM needs fewer than half of 9"),
        (lambda: aggregators.centered_clipping(UPDATES, center=np.zeros(5), radius=-1.0), "radius is -1.0"),
        (lambda: aggregators.trimmed_mean(UPDATES, trim=0.5), "trim is 0.5: .* choose it whole"),
        (lambda: aggregators.multi_krum(UPDATES[..., :2, :], attackers=0), "updates is 2: Krum needs n > 2 f"),
        (lambda: aggregators.geometric_median(UPDATES, iterations=-1), "iterations is -1"),
        (lambda: aggregators.centered_clipping(UPDATES, center=[0.0], radius=1.0), r"center has shape \(1,\)"),
        (lambda: aggregators.centered_clipping(UPDATES, center=np.zeros(2), radius=1.0), r"center has shape \(2,\)"),
        (lambda: aggregators.centered_clipping(UPDATES, center=np.zeros(5), radius=np.nan), "radius is nan"),
        (lambda: aggregators.fltrust(UPDATES, root_update=np.ones(4)), r"root_update has shape \(4,\)"),
        (lambda: aggregators.fltrust(UPDATES, root_update=[1, 2, 3, 4, np.nan]), r"root_update\[4\] = nan"),
        (lambda: aggregators.coordinate_median(np.zeros(3)), r"updates has shape \(3,\)"),
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
