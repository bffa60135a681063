"""Encoding, exact integer references and their error bounds, against rational arithmetic and the contract."""

from __future__ import annotations

import doctest
import json
from fractions import Fraction

import numpy as np
import pytest
from contract_scores import alignment_fixed
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support import services, simulation
from bcfl_support.chain import Chain
from bcfl_support.errors import BcflError, FixedPointError
from bcfl_support.learning import aggregators, datasets, models
from bcfl_support.protocol import fixed_point as fp
from bcfl_support.protocol.federation import Federation
from bcfl_support.protocol.rounds import FederationConfig
from bcfl_support.scores import alignment_scores

VECTORS = services.project_root() / "contracts" / "test" / "vectors" / "rounds.json"
CASES = json.loads(VECTORS.read_text())["cases"]  # which the contract is held to as well

small = st.floats(-1000.0, 1000.0, allow_nan=False)
scales = st.sampled_from([1, 10, 10**3, 10**6, 10**9])


@st.composite
def rounds(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """Updates (n, P) and sample counts of one round."""
    n, p = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    updates = draw(st.lists(st.lists(small, min_size=p, max_size=p), min_size=n, max_size=n))
    return np.array(updates), draw(st.lists(st.integers(1, 2000), min_size=n, max_size=n))


def exact_fedavg(updates: np.ndarray, samples: list[int]) -> list[Fraction]:
    total = sum(samples)
    return [
        sum((Fraction(int(n), total) * Fraction(float(x)) for n, x in zip(samples, column, strict=True)), Fraction(0))
        for column in updates.T
    ]


def test_examples_in_the_documentation() -> None:
    assert doctest.testmod(fp).failed == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_averages_are_those_of_exact_fractions(case: dict) -> None:
    samples = [int(n) for n in case["samples"]]
    updates = np.array([int(v) for v in case["updates"]], dtype=object).reshape(len(samples), -1)
    step = fp.fedavg_fixed(updates, samples, clipped=case["clipped"])
    assert [str(g) for g in step] == case["global"]
    if not case["clipped"]:
        assert [str(score) for score in alignment_fixed(updates, samples, step)] == case["scores"]


def test_encode_rounds_ties_to_even() -> None:
    assert fp.encode([0.5, 1.5, 2.5, -0.5, -1.5], scale=1).tolist() == [0, 2, 2, 0, -2]


def test_encode_returns_int64_of_the_same_shape() -> None:
    encoded = fp.encode(np.array([[1.0, -2.0], [0.25, 0.0]]))
    assert encoded.dtype == np.int64
    assert encoded.tolist() == [[10**9, -2 * 10**9], [250_000_000, 0]]
    assert fp.encode(3.0).shape == ()


@given(small, scales)
def test_one_number_is_within_the_encoding_error(x: float, scale: int) -> None:
    error = abs(Fraction(int(fp.encode(x, scale=scale)), scale) - Fraction(x))
    assert error <= Fraction(fp.encoding_error(scale, largest=abs(x)))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_decode_gives_the_nearest_float(integers: list[int]) -> None:
    decoded = fp.decode(np.array(integers, dtype=np.int64))
    assert decoded.tolist() == [v / fp.SCALE for v in integers]  # Python's int / int is correctly rounded


def test_decode_takes_integers_beyond_64_bits() -> None:
    assert fp.decode([3 * 10**30, -(10**18)]).tolist() == [3e21, -1e9]


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20))
def test_encode_undoes_decode(integers: list[int]) -> None:
    assert fp.encode(fp.decode(integers)).tolist() == integers


@pytest.mark.parametrize(
    ("values", "options", "message", "index"),
    [
        ([1.0, float("nan")], {}, r"values\[1\] = nan is not a finite number", 1),
        ([[0.0, 1.0], [float("-inf"), 0.0]], {}, r"values\[1, 0\] = -inf is not a finite number", (1, 0)),
        ([0.0, -2.5], {"bound": 2.0}, r"values\[1\] = -2\.5 is above the bound 2: clip", 1),
        ([9.3e9], {}, r"values\[0\] = 9300000000\.0 does not fit int64 at scale 1000000000", 0),
        ([1e308], {}, r"does not fit int64 at scale 1000000000: the range is -9\.22337e\+09 to 9\.22337e\+09", 0),
        (float("inf"), {}, r"values = inf is not a finite number", ()),
    ],
)
def test_encode_names_what_does_not_fit(values: object, options: dict, message: str, index: object) -> None:
    with pytest.raises(FixedPointError, match=message) as caught:
        fp.encode(values, **options)
    assert caught.value.index == index
    assert isinstance(caught.value, BcflError) and isinstance(caught.value, ValueError)


def test_the_integer_range_is_closed_below_and_open_above() -> None:
    assert int(fp.encode(-(2.0**63), scale=1)) == -(2**63)
    with pytest.raises(FixedPointError, match="int64"):
        fp.encode(2.0**63, scale=1)


@pytest.mark.parametrize("scale", [0, -1, 1.5, True])
def test_a_scale_is_a_positive_integer(scale: object) -> None:
    with pytest.raises(FixedPointError, match=r"scale is .*: choose it whole, in \[1, ∞\)"):
        fp.encode([1.0], scale=scale)  # type: ignore[arg-type]


def test_decode_refuses_floats() -> None:
    with pytest.raises(FixedPointError, match=r"integers holds 1\.5 at flat index 1"):
        fp.decode([1, 1.5])


@given(st.integers(-(10**40), 10**40), st.integers(-(10**20), 10**20).filter(bool))
def test_division_cuts_toward_zero(a: int, b: int) -> None:
    exact = Fraction(a, b)
    quotient = fp.divide_toward_zero(a, b)
    assert abs(quotient) == abs(exact).__floor__()
    assert quotient * exact >= 0


def test_division_of_arrays_is_elementwise_and_exact() -> None:
    result = fp.divide_toward_zero(np.array([-(2**63), 7, -7], dtype=np.int64), [-1, -2, 2])
    assert result.tolist() == [2**63, -3, -3]
    assert all(type(v) is int for v in result)


def test_division_by_zero_reverts() -> None:
    with pytest.raises(FixedPointError, match="5 / 0: the divisor is zero"):
        fp.divide_toward_zero(5, 0)
    with pytest.raises(FixedPointError, match="1 / 0"):
        fp.divide_toward_zero([2, 1], [1, 0])


def test_hand_sized_round() -> None:
    # N = 6; column sums 1*7 + 2*(-3) + 3*1 = 4 and 1*(-9) + 2*2 + 3*(-1) = -8
    updates, samples = [[7, -9], [-3, 2], [1, -1]], [1, 2, 3]
    g = fp.fedavg_fixed(updates, samples)
    assert g.tolist() == [0, -1]
    assert alignment_fixed(updates, samples, g) == [1, 0, 0]  # 9/6, -4/6, 3/6


@given(rounds(), scales)
def test_fedavg_is_within_its_bound(case: tuple[np.ndarray, list[int]], scale: int) -> None:
    updates, samples = case
    bound = Fraction(fp.fedavg_error_bound(scale, largest=float(np.abs(updates).max())))
    g = fp.fedavg_fixed(fp.encode(updates, scale=scale), samples)
    for integer, real in zip(g, exact_fedavg(updates, samples), strict=True):
        assert abs(Fraction(integer, scale) - real) <= bound


@given(rounds(), scales)
def test_scores_are_within_their_bound(case: tuple[np.ndarray, list[int]], scale: int) -> None:
    updates, samples = case
    encoded = fp.encode(updates, scale=scale)
    scores = alignment_fixed(encoded, samples, fp.fedavg_fixed(encoded, samples))
    bounds = fp.alignment_error_bound(updates, samples, scale)
    step = exact_fedavg(updates, samples)
    for i, (score, row) in enumerate(zip(scores, updates, strict=True)):
        dot = sum((Fraction(float(x)) * g for x, g in zip(row, step, strict=True)), Fraction(0))
        real = Fraction(samples[i], sum(samples)) * dot
        # 1e-12: the bound itself is evaluated in floats
        assert abs(Fraction(score, scale**2) - real) <= Fraction(float(bounds[i])) * (1 + Fraction(1, 10**12))


def test_the_score_bound_is_not_far_from_what_happens() -> None:
    rng = np.random.default_rng(0)
    updates, samples = rng.standard_normal((10, 650)) * 0.1, rng.integers(20, 200, 10)
    encoded = fp.encode(updates)
    scores = alignment_fixed(encoded, samples, fp.fedavg_fixed(encoded, samples))
    weights = samples / samples.sum()
    error = np.abs(np.array(scores) / fp.SCALE**2 - weights * (updates @ (weights @ updates)))
    bound = fp.alignment_error_bound(updates, samples)
    assert (error <= bound).all()
    assert error.max() > bound.max() / 1000


@given(rounds(), scales)
def test_scores_sum_to_the_squared_norm_within_rounding(case: tuple[np.ndarray, list[int]], scale: int) -> None:
    updates, samples = case
    encoded = fp.encode(updates, scale=scale)
    g = fp.fedavg_fixed(encoded, samples)
    excess = sum(alignment_fixed(encoded, samples, g)) - sum(v * v for v in g)
    low, high = fp.alignment_sum_bounds(g, len(samples))
    assert low <= excess <= high


def test_sums_beyond_int64_are_exact() -> None:
    huge = 2**62
    assert fp.fedavg_fixed([[huge], [huge]], [3, 5]).tolist() == [huge]
    assert alignment_fixed([[huge], [huge]], [1, 3], [huge]) == [huge * huge // 4, 3 * huge * huge // 4]


@pytest.mark.parametrize(
    ("updates", "samples", "message"),
    [
        ([[1], [2]], [1, 0], r"samples\[1\] = 0: every client in the round needs at least 1 sample"),
        ([[1], [2]], [1], r"updates_int has shape \(2, 1\); it must be \(1, P\)"),
        ([[1.5]], [1], r"updates_int holds 1\.5"),
        ([[1]], [], r"samples has shape \(0,\)"),
        ([1, 2], [1, 2], r"updates_int has shape \(2,\)"),
    ],
)
def test_bad_rounds_are_refused(updates: object, samples: object, message: str) -> None:
    with pytest.raises(FixedPointError, match=message):
        fp.fedavg_fixed(updates, samples)


def test_global_update_of_another_length_is_refused() -> None:
    with pytest.raises(FixedPointError, match=r"updates has shape \(2,\)"):
        fp.alignment_error_bound([1.0, 2.0], [1, 1])


# ---------------------------------------------------------------- the contract's average and scores of real updates
# Ten clients hold digits unevenly and train a softmax regression (P = 650). Late in training updates are small and
# rounding matters most, so the round on chain is one from there.
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
    return fp.encode(outcome.updates), outcome.state.samples


def test_round_is_a_hard_one(outcome, record):
    assert outcome.updates.shape == (CLIENTS, 650)
    assert len(set(outcome.state.samples.tolist())) > 5, "unequal counts: a wrong weighting would show"
    assert min(record.scores) < 0 < max(record.scores)
    assert min(record.global_update) < 0 < max(record.global_update), "truncation toward zero needs both signs"


def test_average_equals_exact_integers(outcome, record):
    values, samples = encoded(outcome)
    assert list(record.global_update) == list(fp.fedavg_fixed(values, samples))


def test_scores_equal_exact_integers(outcome, record):
    values, samples = encoded(outcome)
    assert list(record.scores) == list(alignment_fixed(values, samples, record.global_update))


def test_integers_are_truncated_not_floored(outcome, record):
    values, samples = encoded(outcome)
    total = int(samples.sum())
    sums = [sum(int(n) * int(v) for n, v in zip(samples, column, strict=True)) for column in values.T]
    floored = [top // total for top in sums]
    assert floored != list(record.global_update)
    assert [abs(top) // total for top in sums] == [abs(g) for g in record.global_update]


def test_average_lies_within_its_bound_of_real_arithmetic(outcome, record, exact):
    step, _ = exact[ROUNDS]
    bound = fp.fedavg_error_bound(largest=float(np.abs(outcome.updates).max()))
    errors = [abs(Fraction(g, fp.SCALE) - x) for g, x in zip(record.global_update, step, strict=True)]
    assert bound / 10 < float(max(errors)) <= bound


def test_scores_lie_within_their_bounds_of_real_arithmetic(outcome, record, exact):
    _, scores = exact[ROUNDS]
    bounds = fp.alignment_error_bound(outcome.updates, outcome.state.samples)
    errors = [abs(Fraction(s, fp.SCALE**2) - x) for s, x in zip(record.scores, scores, strict=True)]
    assert all(float(error) <= bound for error, bound in zip(errors, bounds, strict=True))
    tightest = max(float(error) / bound for error, bound in zip(errors, bounds, strict=True))
    assert tightest > 0.05, "the bound is not idle"


def test_floats_lie_within_the_bounds_too(outcome, record):
    # float64 itself is off by about 1e-16, a millionth of these bounds
    bounds = fp.alignment_error_bound(outcome.updates, outcome.state.samples)
    floats = alignment_scores(outcome.updates, outcome.state.samples)
    np.testing.assert_array_less(np.abs(floats - record.scores_float()), bounds)
    step = aggregators.fedavg(outcome.updates, outcome.state.samples)
    bound = fp.fedavg_error_bound(largest=float(np.abs(outcome.updates).max()))
    np.testing.assert_array_less(np.abs(step - np.array(record.global_update) / fp.SCALE), bound + 1e-15)


def test_scores_sum_to_the_squared_step_up_to_the_cuts(record):
    low, high = fp.alignment_sum_bounds(record.global_update, CLIENTS)
    assert record.norm_squared == sum(g * g for g in record.global_update)
    assert low <= sum(record.scores) - record.norm_squared <= high


@pytest.mark.parametrize("exponent", [3, 6, 9, 12])
def test_bound_holds_at_every_scale_and_round(outcomes, exact, exponent):
    # off chain: the integers are the contract's, as shown above
    scale = 10**exponent
    for number, (_, scores) in exact.items():
        outcome = outcomes[number - 1]
        values, samples = fp.encode(outcome.updates, scale=scale), outcome.state.samples
        integers = alignment_fixed(values, samples, fp.fedavg_fixed(values, samples))
        bounds = fp.alignment_error_bound(outcome.updates, samples, scale)
        errors = [abs(float(Fraction(s, scale**2) - x)) for s, x in zip(integers, scores, strict=True)]
        np.testing.assert_array_less(errors, bounds)
