"""Estimators by size: exact once the budget is, ahead when weights are re-normalized; `test_by_order` has the rest."""

import itertools

import numpy as np
import pytest
from closed_forms import mean_game_shapley

from bcfl_support.shapley import exact as sh
from bcfl_support.shapley.by_order import permutation_shapley
from bcfl_support.shapley.by_size import _cover, _enumerate_sizes, regression_shapley, svarm_shapley
from bcfl_support.shapley.coalitions import coalition_members

ESTIMATORS = {"antithetic": permutation_shapley, "svarm": svarm_shapley, "regression": regression_shapley}


@pytest.mark.parametrize("name", ["svarm", "regression"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 9])
def test_a_budget_of_all_coalitions_gives_exact_values(name, n):
    table = np.random.default_rng(n).normal(size=1 << n)

    def game(rows):
        return table[(rows << np.arange(n)).sum(axis=1)]

    run = ESTIMATORS[name](game, n, budget=1 << n, rng=np.random.default_rng(0))
    assert run.values == pytest.approx(sh.exact_shapley(table), abs=1e-9)
    assert run.standard_errors == pytest.approx(np.zeros(n), abs=1e-9)
    assert run.evaluations == 1 << n


def test_sampling_by_size_wins_when_weights_are_renormalized():
    own = np.random.default_rng(11).normal(1.0, 1.0, 20)

    def mean(rows):
        return rows @ own / np.maximum(rows.sum(axis=1), 1)

    truth = mean_game_shapley(own)
    miss = {
        name: np.median(
            [
                np.linalg.norm(ESTIMATORS[name](mean, 20, budget=2000, rng=np.random.default_rng(s)).values - truth)
                for s in range(10)
            ]
        )
        for name in ("antithetic", "svarm", "regression")
    }
    assert miss["svarm"] < 0.5 * miss["antithetic"]
    assert miss["regression"] < 0.8 * miss["antithetic"]


@pytest.mark.parametrize(("n", "size"), [(7, 2), (7, 3), (8, 4), (9, 4), (10, 3), (100, 49)])
def test_a_cover_holds_every_client_and_its_complements_leave_every_client_out(n, size):
    rows = _cover(n, size, np.random.default_rng(n))
    assert (rows.sum(axis=1) == size).all()
    assert rows.any(axis=0).all() and (~rows).any(axis=0).all()


def test_enumerated_sizes_hold_each_coalition_once():
    rows = _enumerate_sizes(6, [1, 2, 3])
    expected = {c for size in range(1, 6) for c in itertools.combinations(range(6), size)}
    found = [coalition_members(row) for row in rows]
    assert len(found) == len(set(found)) == len(expected) and set(found) == expected


@pytest.mark.parametrize(("name", "n"), [("svarm", 10), ("svarm", 30), ("regression", 10), ("regression", 31)])
def test_estimators_by_size_say_what_they_need(name, n):
    def game(rows):
        return rows.sum(axis=1).astype(float)

    with pytest.raises(ValueError, match=rf"budget = {n}; n = {n} needs at least \d+ coalitions") as caught:
        ESTIMATORS[name](game, n, budget=n, rng=np.random.default_rng(0))
    least = int(str(caught.value).split()[-2])
    assert ESTIMATORS[name](game, n, budget=least, rng=np.random.default_rng(0)).evaluations <= least
