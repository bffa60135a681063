"""The study of adversaries: a small part of it, played again, gives what its result file holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from _common import read_result
from adversaries import (
    ALL_SCORES,
    CHAIN_CLIP,
    CLIMBING,
    DIRECTIONS,
    RULE,
    SCALES,
    SCORE_NAMES,
    Study,
    Trajectory,
    adapt,
    average_round,
    climb,
    payoff_of,
    run_world,
    score_round,
)

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import Round
from bcfl_support.protocol import fixed_point


@pytest.mark.parametrize("partition", ["iid", "dir0.1"])
def test_seed_0_of_the_file_is_what_the_code_gives(partition):
    attacks = ("honest", "sybil", "copy", "badmouth")
    """What is paid under FedAvg, and where each aggregator ends: an aggregator that has changed has another model."""
    attacks = ("honest", "sybil", "copy", "badmouth")
    study = Study(attacks=attacks)
    played = run_world(study, partition, 0)
    grid = read_result("adversaries")["grid"]
    place, rows = grid["partitions"].index(partition), [grid["attacks"].index(name) for name in attacks]
    share, accuracy = (np.array(grid["seed_0"][name][place], dtype=float)[rows] for name in ("share", "accuracy"))
    fedavg = [t for t, run in enumerate(study.trajectories()) if run.aggregator == "fedavg" and not run.target]
    assert played["share"][fedavg] == pytest.approx(share, abs=1e-3, nan_ok=True)
    assert played["accuracy"].reshape(accuracy.shape) == pytest.approx(accuracy, abs=5e-3)


def test_every_attack_aggregator_and_adaptive_attacker_plays():
    played = run_world(Study(rounds=2), "dir1.0", 0)
    assert played["share"].shape[1] == len(SCORE_NAMES) and np.isfinite(played["accuracy"]).all()
    played = run_world(replace(RULE, rounds=2), "dir1.0", 0)
    assert played["share"].shape[1] == len(ALL_SCORES) and np.isfinite(played["accuracy"]).all()
    assert played["take"] == pytest.approx(played["share"] * (1 - played["unpaid"]))
    searched = np.array([bool(run.target) and run.attack != CLIMBING for run in RULE.trajectories()])
    assert (played["choice"][~searched] == -1).all() and (played["choice"][searched] >= 0).any()
    assert played["choice"].max() < len(DIRECTIONS) * len(SCALES)


def make_round(seed: int, batch: int = 2) -> Round:
    """Ten clients of quite different lengths and counts; gradient and accuracy are not asked for."""
    rng = np.random.default_rng(seed)
    updates = rng.standard_normal((batch, 10, 8)) * rng.uniform(0.2, 3, (batch, 10, 1)) + 0.2
    samples = rng.integers(1, 60, (batch, 10))
    return Round(updates, samples, np.zeros((batch, 8)), lambda w: w, lambda w: w[..., 0], updates.mean(axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_chain_clip_is_the_rule_of_the_contracts(seed):
    seen = make_round(seed)
    step, scores = average_round(CHAIN_CLIP, seen), score_round(CHAIN_CLIP, seen)
    for t, (updates, samples) in enumerate(zip(seen.updates, seen.samples, strict=True)):
        whole = fixed_point.encode(updates)
        average = fixed_point.fedavg_fixed(whole, samples, clipped=True)
        assert step[t] == pytest.approx(average.astype(float) / fixed_point.SCALE, abs=1e-7)
        weights, total = fixed_point.clip_weights(whole, samples)
        exact = weights * (whole * average).sum(axis=1) / (total * fixed_point.SCALE**2)
        assert scores[t] == pytest.approx(exact.astype(float), abs=1e-6)


def test_who_climbs_is_paid_no_less_than_where_he_began_and_a_clip_makes_lengths_tie():
    bad, run = np.array([1, 4, 7]), Trajectory(CLIMBING, CHAIN_CLIP, CHAIN_CLIP)
    for seed in range(5):
        seen = make_round(seed)
        (begun, choice), ended = adapt(run, seen, bad, seed), climb(run, seen, bad, seed, 1)
        payoff = payoff_of(run, seen, bad)
        assert (payoff(ended) > payoff(begun)).all()
        longer = payoff(np.where(choice[:, None, None] % len(SCALES) == len(SCALES) - 1, begun, 2 * begun))
        assert (longer <= payoff(begun)).all()


def test_an_attack_that_nobody_wrote_is_not_played_as_honest_work():
    with pytest.raises(InvalidInput, match="attack is 'scale x6'; use one of honest, "):
        run_world(Study(attacks=("scale x6",), aggregators=("fedavg",), rounds=1), "iid", 0)
