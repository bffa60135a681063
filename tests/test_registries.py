"""What is found by name: works on batches as on single rounds, and is what the study runs. No function has a twin."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from bcfl_support import scores
from bcfl_support.adversaries import attacks, collusion
from bcfl_support.adversaries.insight import ATTACKS, Insight
from bcfl_support.incentives import consistency, exact, pay_rules, policies, population
from bcfl_support.learning import aggregators, updates
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


WITHOUT_STEP = {
    **dict.fromkeys(("clipped", "clipped_self_out", "clipped_midpoint"), "score against what was clipped, averaged"),
    **dict.fromkeys(("median_reference", "peer_median"), "score against a median of their own"),
    **dict.fromkeys(("fltrust", "root"), "score against the server's own update"),
}
"""Scores that do not read which step was made of the round, and why."""


@pytest.mark.parametrize("name", SCORES)
def test_a_step_of_another_aggregator_is_the_one_that_scores(name: str) -> None:
    seen = make_round()
    other = replace(seen, step=AGGREGATORS["median"](seen))
    same = replace(seen, step=fedavg(seen.updates, seen.samples))
    np.testing.assert_allclose(SCORES[name](same), SCORES[name](seen), atol=1e-12)
    read = not np.allclose(SCORES[name](other), SCORES[name](seen))
    assert read == (name not in WITHOUT_STEP), f"{name}: pass step=r.step, or say in WITHOUT_STEP why it has none"


def test_the_study_runs_what_is_found_by_name() -> None:
    import adversaries  # the benchmark

    def keys(names: tuple[str, ...]) -> set[str]:
        return {adversaries.KEYS.get(name, name) for name in names}

    # What is in a registry and not in the study has not been measured there yet.
    # The contracts' clipped rule is a score and an average of the study's own: tests/benchmarks proves it theirs.
    assert keys(adversaries.ALL_SCORES) <= {*SCORES, adversaries.CHAIN_CLIP}
    assert keys((*adversaries.AGGREGATOR_NAMES, *adversaries.SEARCHED)) <= {*AGGREGATORS, adversaries.CHAIN_CLIP}
    # These two are made before training: on the labels and on the declared counts.
    assert keys(adversaries.ATTACKS) - {"label flip", "inflate x5"} <= set(ATTACKS)
    del sys.modules["adversaries"]


# ---------------------------------------------------------------- twins

MODULES = (scores, aggregators, updates, attacks, collusion, consistency, exact, pay_rules, policies, population)
WITHOUT_NUMBERS = {
    "exact.settle_round": "takes a whole round's books",
    "collusion.search_best": "searches with other functions",
}
"""And what only checks its argument and gives it back: `check_…`."""

TWINS = {
    ("attacks.replay", "collusion.collude"): "two attacks that send a vector at a length: last round's, an agreed one",
    ("attacks.replay", "updates.rescale"): "the vector at a length itself",
    ("collusion.collude", "updates.rescale"): "the vector at a length itself",
    ("consistency.share_budget", "exact.compute_rewards"): "one budget in arrays of many games, and to the wei",
}
"""Pairs that agree on purpose, and why both are there."""


def meanings() -> dict[str, Any]:
    """Arguments by name, at random: whoever takes a round's updates takes the same ones, under whatever name."""
    rng = np.random.default_rng(11)
    n, p, policies = 7, 5, 6
    rows, vector, per_client, positive = rng.normal(size=(n, p)), rng.normal(size=p), rng.normal(size=n), rng.random(n)
    counts, others = rng.integers(1, 50, n), rng.normal(size=(n, policies))
    shares = np.exp(others) / np.exp(others).sum(axis=1, keepdims=True)
    same = {
        ("updates", "rows", "honest", "like"): rows,
        (
            "root_update",
            "reference",
            "vector",
            "center",
            "previous_step",
            "target",
            "direction",
            "params",
            "step",
        ): vector,
        ("samples", "weights", "sizes"): counts,
        ("scores", "top", "results", "payoffs", "contributions"): per_client,
        ("gains",): per_client / 10,
        ("q", "kappa", "share", "standing", "uniforms", "lengths", "bottom"): positive,
        ("labels", "chosen", "policies", "models"): rng.integers(0, policies, n),
        ("clip", "norm", "radius", "limit"): np.array(0.8),
        ("trim", "attackers", "victim"): 1,
        ("factor", "tau", "z", "temperature", "n_attackers"): 2,
        ("weight", "alpha", "cap", "rate", "explore", "steps", "consistency"): 0.3,
        ("clients", "rng"): 7,  # made anew below
    }
    alone = {
        "gradient": lambda where: where**3,
        "known": rng.normal(size=(2, p)),
        "record": rng.random((20, n)) < 0.7,
        "busy": rng.random(n) < 0.5,
        "values": others,
        "sums": others,
        "probabilities": shares,
        "allowed": np.ones(policies, dtype=bool),
        "explored": np.arange(policies) < 4,
        "stakes": 10.0 * counts,
        "rewards": rng.integers(1, 10**9, n),
    }
    alone |= {"seen": make_round(), "insight": make_insight(make_round())}
    alone |= {"n_classes": policies, "n_clients": n, "window": 8, "round_number": 3, "attendance": 0.25, "cost": 1.1}
    alone |= {"score": -7, "stake": 10**9, "norm_squared": 11, "step_square": 2.0}
    alone |= {"budget": 10**12, "pot": 10**15, "per_sample": 10**6}
    return {name: value for names, value in same.items() for name in names} | alone


def call(function: Callable[..., Any]) -> np.ndarray:
    """Its result on the common arguments; options stay as they are."""
    common = meanings()
    needed = {name: part for name, part in inspect.signature(function).parameters.items() if part.default is part.empty}
    unknown = sorted(set(needed) - set(common))
    assert not unknown, f"{function.__name__}: say in `meanings` what {unknown} are, the same as for its kin"
    given = {name: common[name] for name in needed}
    for name, part in needed.items():
        if part.annotation == "int":
            value = np.ravel(given[name])[0]
            given[name] = int(value if value >= 1 or value <= 0 else value * exact.PPM)
    if "rng" in given:
        given["rng"] = np.random.default_rng(5)
    if "clients" in given:
        given["clients"] = [1, 4] if function is collusion.inflate_samples else 7
    return np.asarray(function(**given), dtype=np.float64)


def test_no_function_has_a_twin() -> None:
    results = {}
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            label = f"{module.__name__.rpartition('.')[2]}.{name}"
            own = function.__module__ == module.__name__ and not name.startswith(("_", "check_"))
            if own and label not in WITHOUT_NUMBERS:
                results[label] = call(function)
    assert len(results) > 60
    for (a, one), (b, other) in combinations(sorted(results.items()), 2):
        same = one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=0)
        if same and np.ptp(one) == 0 and not one.any():
            continue  # nothing paid, nothing sent: no sign of kinship
        assert same == ((a, b) in TWINS), f"{a} and {b}: {'are one thing under two names' if same else 'differ now'}"
