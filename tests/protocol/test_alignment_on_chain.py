"""The contract's average and scores of real updates: exact integers to the last unit, floats within the proven bounds.

Ten clients hold digits unevenly and train a softmax regression (P = 650). Late in training updates are small and
rounding matters most, so the round on chain is one from there.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bcfl_support import simulation
from bcfl_support.chain.node import Chain
from bcfl_support.learning import aggregators, datasets, models
from bcfl_support.protocol import fixed_point
from bcfl_support.protocol.federation import Federation
from bcfl_support.protocol.rounds import FederationConfig
from bcfl_support.scores import alignment_scores

CLIENTS, ROUNDS = 10, 12


@pytest.fixture(scope="module")
def outcomes():
    """Twelve rounds of unequal clients; client 3 has half of its labels wrong, so that signs differ."""
    rng = np.random.default_rng(11)
    data = datasets.load_digits_federation(CLIENTS, partition="dirichlet", alpha=0.5, min_size=5, rng=rng)
    data = datasets.with_label_noise(data, np.where(np.arange(CLIENTS) == 3, 0.9, 0.0), rng=rng)
    played = []
    simulation.run(data, models.SoftmaxRegression(64, 10), rounds=ROUNDS, rng=rng, observe=played.append)
    return played


@pytest.fixture(scope="module")
def outcome(outcomes):
    return outcomes[-1]


@pytest.fixture(scope="module")
def record(outcome):
    """The round as the contracts' events tell it."""
    with Chain.start() as node:
        config = FederationConfig(parameters=outcome.updates.shape[1], capacity=CLIENTS, bound=4.0)
        fed = Federation.deploy(node, config)
        clients = node.accounts[1 : CLIENTS + 1]
        fed.register(clients, outcome.state.samples)
        fed.fund(10**18)
        played = fed.play_round(dict(zip(clients, outcome.updates, strict=True)), rng=np.random.default_rng(5))
        assert played.clients == tuple(clients)  # the contract's order is ours: rows may be compared
        return played


@pytest.fixture(scope="module")
def exact(outcomes):
    """By round: (g, S) of the float updates as given, in exact fractions. That is what real arithmetic says."""
    played = (outcomes[0], outcomes[ROUNDS // 2], outcomes[-1])
    return {outcome.state.round: exact_round(outcome.updates, outcome.state.samples) for outcome in played}


def exact_round(updates, samples):
    rows = [[Fraction(x) for x in row] for row in updates.tolist()]
    weights = [Fraction(int(n), int(samples.sum())) for n in samples]
    step = [sum(p * x for p, x in zip(weights, column, strict=True)) for column in zip(*rows, strict=True)]
    return step, [p * sum(x * g for x, g in zip(row, step, strict=True)) for p, row in zip(weights, rows, strict=True)]


def encoded(outcome):
    return fixed_point.encode(outcome.updates), outcome.state.samples


def test_round_is_a_hard_one(outcome, record):
    assert outcome.updates.shape == (CLIENTS, 650)
    assert len(set(outcome.state.samples.tolist())) > 5, "unequal counts: a wrong weighting would show"
    assert min(record.scores) < 0 < max(record.scores)
    assert min(record.global_update) < 0 < max(record.global_update), "truncation toward zero needs both signs"


def test_average_equals_exact_integers(outcome, record):
    values, samples = encoded(outcome)
    assert list(record.global_update) == list(fixed_point.fedavg_fixed(values, samples))


def test_scores_equal_exact_integers(outcome, record):
    values, samples = encoded(outcome)
    assert list(record.scores) == list(fixed_point.alignment_fixed(values, samples, record.global_update))


def test_integers_are_truncated_not_floored(outcome, record):
    values, samples = encoded(outcome)
    total = int(samples.sum())
    sums = [sum(int(n) * int(v) for n, v in zip(samples, column, strict=True)) for column in values.T]
    floored = [top // total for top in sums]
    assert floored != list(record.global_update)
    assert [abs(top) // total for top in sums] == [abs(g) for g in record.global_update]


def test_average_lies_within_its_bound_of_real_arithmetic(outcome, record, exact):
    step, _ = exact[ROUNDS]
    bound = fixed_point.fedavg_error_bound(largest=float(np.abs(outcome.updates).max()))
    errors = [abs(Fraction(g, fixed_point.SCALE) - x) for g, x in zip(record.global_update, step, strict=True)]
    assert bound / 10 < float(max(errors)) <= bound


def test_scores_lie_within_their_bounds_of_real_arithmetic(outcome, record, exact):
    _, scores = exact[ROUNDS]
    bounds = fixed_point.alignment_error_bound(outcome.updates, outcome.state.samples)
    errors = [abs(Fraction(s, fixed_point.SCALE**2) - x) for s, x in zip(record.scores, scores, strict=True)]
    assert all(float(error) <= bound for error, bound in zip(errors, bounds, strict=True))
    tightest = max(float(error) / bound for error, bound in zip(errors, bounds, strict=True))
    assert tightest > 0.05, "the bound is not idle"


def test_floats_lie_within_the_bounds_too(outcome, record):
    # float64 itself is off by about 1e-16, a millionth of these bounds
    bounds = fixed_point.alignment_error_bound(outcome.updates, outcome.state.samples)
    floats = alignment_scores(outcome.updates, outcome.state.samples)
    np.testing.assert_array_less(np.abs(floats - record.scores_float()), bounds)
    step = aggregators.fedavg(outcome.updates, outcome.state.samples)
    bound = fixed_point.fedavg_error_bound(largest=float(np.abs(outcome.updates).max()))
    np.testing.assert_array_less(np.abs(step - np.array(record.global_update) / fixed_point.SCALE), bound + 1e-15)


def test_scores_sum_to_the_squared_step_up_to_the_cuts(record):
    low, high = fixed_point.alignment_sum_bounds(record.global_update, CLIENTS)
    assert record.norm_squared == sum(g * g for g in record.global_update)
    assert low <= sum(record.scores) - record.norm_squared <= high


@pytest.mark.parametrize("exponent", [3, 6, 9, 12])
def test_bound_holds_at_every_scale_and_round(outcomes, exact, exponent):
    # off chain: the integers are the contract's, as shown above
    scale = 10**exponent
    for number, (_, scores) in exact.items():
        outcome = outcomes[number - 1]
        values, samples = fixed_point.encode(outcome.updates, scale=scale), outcome.state.samples
        integers = fixed_point.alignment_fixed(values, samples, fixed_point.fedavg_fixed(values, samples))
        bounds = fixed_point.alignment_error_bound(outcome.updates, samples, scale)
        errors = [abs(float(Fraction(s, scale**2) - x)) for s, x in zip(integers, scores, strict=True)]
        np.testing.assert_array_less(errors, bounds)
