"""What is found by name: each is one of a kind, works on batches as on single rounds, and is what the study runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bcfl_support.adversaries.insight import ATTACKS, Insight
from bcfl_support.learning.aggregators import AGGREGATORS, fedavg
from bcfl_support.learning.models import SoftmaxRegression
from bcfl_support.learning.updates import Round
from bcfl_support.scores import SCORES

RUNS, CLIENTS, BAD = 3, 9, 2
MODEL = SoftmaxRegression(5, 3)


def make_round() -> Round:
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((40, 5)), rng.integers(0, 3, 40)
    params = rng.standard_normal((RUNS, MODEL.n_params))
    return Round(
        updates=rng.standard_normal((RUNS, CLIENTS, MODEL.n_params)) * rng.uniform(0.2, 2, (RUNS, CLIENTS, 1)) + 0.2,
        samples=rng.integers(1, 50, (RUNS, CLIENTS)),
        params=params,
        gradient=lambda where: MODEL.gradient(where, x, y),
        accuracy=lambda where: MODEL.accuracy(where, x, y),
        previous=rng.standard_normal(params.shape),
        byzantine=BAD,
    )


def make_insight(seen: Round) -> Insight:
    return Insight(
        own=seen.updates[..., :BAD, :],
        honest=seen.updates[..., BAD:, :],
        previous=seen.previous,
        samples=np.array([3, 8]),
        weight=0.2,
        victim=1,
        agreed=np.arange(MODEL.n_params) - 4.0,
        round_number=3,
        rng=np.random.default_rng(7),
    )


def one_run(seen: Round, run: int) -> Round:
    parts = {name: getattr(seen, name)[run] for name in ("updates", "samples", "params", "previous")}
    return replace(seen, **parts)


@pytest.mark.parametrize("name", SCORES)
def test_scores_of_a_batch_are_those_of_its_rounds(name: str) -> None:
    seen = make_round()
    whole = SCORES[name](seen)
    assert whole.shape == (RUNS, CLIENTS)
    for run in range(RUNS):
        np.testing.assert_allclose(whole[run], SCORES[name](one_run(seen, run)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", AGGREGATORS)
def test_averages_of_a_batch_are_those_of_its_rounds(name: str) -> None:
    seen = make_round()
    whole = AGGREGATORS[name](seen)
    assert whole.shape == seen.params.shape
    for run in range(RUNS):
        np.testing.assert_allclose(whole[run], AGGREGATORS[name](one_run(seen, run)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_on_a_batch_are_those_on_its_rounds(name: str) -> None:
    seen = make_round()
    whole = ATTACKS[name](make_insight(seen))
    assert whole.shape == (RUNS, BAD, MODEL.n_params)
    for run in range(RUNS):
        alone = ATTACKS[name](make_insight(one_run(seen, run)))
        np.testing.assert_allclose(whole[run], alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("registry", [SCORES, AGGREGATORS, ATTACKS], ids=["scores", "aggregators", "attacks"])
def test_no_two_are_the_same(registry: dict) -> None:
    seen = make_round()
    values = {name: one(make_insight(seen) if registry is ATTACKS else seen) for name, one in registry.items()}
    for a, b in combinations(values, 2):
        assert not np.allclose(values[a], values[b], rtol=1e-6), f"{a} and {b} are one thing under two names"


def test_a_step_of_another_aggregator_is_the_one_that_scores() -> None:
    seen = make_round()
    other = replace(seen, step=AGGREGATORS["median"](seen))
    same = replace(seen, step=fedavg(seen.updates, seen.samples))
    for name in ("alignment", "cosine", "leave_self_out", "midpoint", "accuracy_adjusted"):
        np.testing.assert_allclose(SCORES[name](same), SCORES[name](seen), atol=1e-12)
        assert not np.allclose(SCORES[name](other), SCORES[name](seen)), name


def test_the_study_runs_what_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent.parent / "benchmarks"))
    import adversaries

    def keys(names: tuple[str, ...]) -> set[str]:
        return {adversaries.KEYS.get(name, name) for name in names}

    assert keys(adversaries.SCORE_NAMES) == set(SCORES)
    assert keys(adversaries.AGGREGATOR_NAMES) == set(AGGREGATORS)
    # These two are made before training: on the labels and on the declared counts.
    assert keys(adversaries.ATTACKS) - {"label flip", "inflate x5"} == set(ATTACKS)
    del sys.modules["adversaries"]
