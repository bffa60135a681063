"""Utilities of a round: every fast path against one model at a time, for both conventions and both kinds."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bcfl_support.errors import InvalidInput
from bcfl_support.learning.models import MLP, LogisticRegression, SoftmaxRegression, TorchModel
from bcfl_support.shapley import utility as ru
from bcfl_support.shapley.coalitions import coalition_matrix
from bcfl_support.shapley.exact import exact_shapley

LAYERED = [LogisticRegression(5), SoftmaxRegression(4, 3), MLP(4, 6, 3)]
MODULE = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
MODELS = [*LAYERED, TorchModel(MODULE, 4)]
CONVENTIONS = ["fixed", "renormalized"]
KINDS = ["loss", "accuracy"]


def make_round(model, n, seed=0, validation=23, scale=0.8):
    rng = np.random.default_rng(seed)
    return (
        model,
        rng.normal(0, 0.5, model.n_params),
        rng.normal(0, scale, (n, model.n_params)),
        rng.integers(1, 200, n),
        rng.normal(size=(validation, model.n_features)),
        rng.integers(0, model.n_classes, validation),
    )


def one_at_a_time(model, params, updates, samples, x, y, convention, kind):
    """The definition: build each coalition's model and measure it."""
    values = []
    for row in coalition_matrix(len(updates)):
        present = np.flatnonzero(row)
        whole = samples.sum() if convention == "fixed" else samples[present].sum()
        moved = params.copy()
        for i in present:
            moved = moved + samples[i] / whole * updates[i]
        if kind == "loss":
            values.append(model.loss(params, x, y) - model.loss(moved, x, y))
        else:
            values.append(model.accuracy(moved, x, y) - model.accuracy(params, x, y))
    return np.array(values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("model", LAYERED, ids=repr)
@pytest.mark.parametrize("floats", [ru.CHUNK_FLOATS, 1, 800])
def test_every_path_gives_the_definition(model, convention, kind, floats, monkeypatch):
    monkeypatch.setattr(ru, "CHUNK_FLOATS", floats)  # all coalitions at once, one at a time, a few
    arguments = make_round(model, 5)
    game = ru.round_utility(*arguments, convention=convention, kind=kind)
    expected = one_at_a_time(*arguments, convention, kind)
    assert game(coalition_matrix(5)) == pytest.approx(expected, abs=1e-12)
    assert game.all_values() == pytest.approx(expected, abs=1e-12)
    assert game.all_values()[0] == 0.0
    # rows in any order and number
    some = np.random.default_rng(1).integers(0, 32, 40)
    assert game(coalition_matrix(5)[some]) == pytest.approx(expected[some], abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_any_model_can_be_measured(convention, kind):
    arguments = make_round(MODELS[-1], 3)
    game = ru.round_utility(*arguments, convention=convention, kind=kind)
    assert game.all_values() == pytest.approx(one_at_a_time(*arguments, convention, kind), abs=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("model", LAYERED, ids=repr)
def test_matrix_products_equal_the_generic_utility(model, convention):
    arguments = make_round(model, 9, seed=2)
    fast = ru.round_utility(*arguments, convention=convention)
    parts = (fast.model, fast.params, fast.updates, fast.weights, fast.x, fast.y)
    generic = ru.RoundUtility(*parts, convention, "loss")
    assert type(fast) is not type(generic)
    assert fast.all_values() == pytest.approx(generic.all_values(), abs=1e-12)


@settings(max_examples=30)
@given(n=st.integers(1, 7), validation=st.integers(1, 40), seed=st.integers(0, 2**32 - 1), scale=st.floats(0.0, 30.0))
def test_the_product_of_two_half_tables_equals_the_definition(n, validation, seed, scale):
    arguments = make_round(SoftmaxRegression(3, 4), n, seed, validation, scale)
    game = ru.round_utility(*arguments)
    expected = one_at_a_time(*arguments, "fixed", "loss")
    assert game.all_values() == pytest.approx(expected, rel=1e-10, abs=1e-11)


def test_tables_in_pieces_give_the_same(monkeypatch):
    arguments = make_round(SoftmaxRegression(4, 3), 8, validation=50)
    whole = ru.round_utility(*arguments).all_values()
    monkeypatch.setattr(ru, "TABLE_FLOATS", 3 * 16 * 7)  # seven samples at a time
    monkeypatch.setattr(ru, "TILE", 3)
    assert ru.round_utility(*arguments).all_values() == pytest.approx(whole, abs=1e-13)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("model", LAYERED, ids=repr)
def test_an_attacker_with_a_huge_update_does_not_overflow(model, convention):
    arguments = make_round(model, 5)
    arguments[2][3] *= 1e5  # logits of about ± 1e5: exp of them is inf or 0
    game = ru.round_utility(*arguments, convention=convention)
    expected = one_at_a_time(*arguments, convention, "loss")
    assert np.abs(expected).max() > 1e3
    assert game.all_values() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert game(coalition_matrix(5)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("model", LAYERED, ids=repr)
def test_ties_count_as_in_the_models_own_accuracy(model):
    arguments = make_round(model, 3)
    arguments[1][:] = 0.0  # all logits equal: argmax says class 0
    arguments[2][1] = 0.0
    game = ru.round_utility(*arguments, kind="accuracy")
    assert (game.all_values() == one_at_a_time(*arguments, "fixed", "accuracy")).all()


def test_conventions_are_different_games():
    arguments = make_round(SoftmaxRegression(4, 3), 6)
    fixed, renormalized = (exact_shapley(ru.round_utility(*arguments, convention=c).all_values()) for c in CONVENTIONS)
    # both share out the same total, v(all)
    assert fixed.sum() == pytest.approx(renormalized.sum(), abs=1e-12)
    assert np.abs(fixed - renormalized).max() > 0.01


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_utility_can_be_sent_to_a_worker(model):
    game = ru.round_utility(*make_round(model, 4))
    assert (pickle.loads(pickle.dumps(game))(coalition_matrix(4)) == game(coalition_matrix(4))).all()


def test_no_coalition_at_all_is_no_value():
    assert ru.round_utility(*make_round(MLP(4, 6, 3), 3))(np.empty((0, 3), dtype=bool)).shape == (0,)


def test_one_client():
    arguments = make_round(MLP(4, 6, 3), 1)
    for convention in CONVENTIONS:
        game = ru.round_utility(*arguments, convention=convention)
        assert game.all_values() == pytest.approx(one_at_a_time(*arguments, convention, "loss"), abs=1e-12)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"convention": "average"}, "convention is 'average'; use one of fixed, renormalized"),
        ({"kind": "f1"}, "kind is 'f1'; use one of loss, accuracy"),
    ],
)
def test_unknown_options_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        ru.round_utility(*make_round(MODELS[1], 3), **option)


def test_a_round_that_does_not_fit_is_refused():
    model, params, updates, samples, x, y = make_round(SoftmaxRegression(4, 3), 3)
    with pytest.raises(InvalidInput, match=r"params has shape \(14,\): the updates have 15 parameters"):
        ru.round_utility(model, params[:-1], updates, samples, x, y)
    for bad in (updates[:, 1:], updates[None]):
        with pytest.raises(InvalidInput, match=r"updates has shape .*: SoftmaxRegression\(4, 3\) needs \(n, 15\)"):
            ru.round_utility(model, params, bad, samples, x, y)
    with pytest.raises(InvalidInput, match=r"updates has shape \(15,\)"):
        ru.round_utility(model, params, updates[0], samples, x, y)
    with pytest.raises(InvalidInput, match=r"updates has shape \(3, 15\): it must be \(…, 2, P\)"):
        ru.round_utility(model, params, updates, samples[:2], x, y)
    with pytest.raises(InvalidInput, match=r"samples\[1\] = 0"):
        ru.round_utility(model, params, updates, np.array([1, 0, 2]), x, y)
    with pytest.raises(InvalidInput, match=r"y\[\d+\] = \d, of dtype int64, is no class"):
        ru.round_utility(model, params, updates, samples, x, y + 1)
    updates[1, 4] = np.inf
    with pytest.raises(InvalidInput, match=r"updates\[1, 4\] = inf is not a finite number: leave the client out"):
        ru.round_utility(model, params, updates, samples, x, y)


def test_coalitions_of_another_round_are_refused():
    game = ru.round_utility(*make_round(MODELS[1], 3))
    with pytest.raises(ValueError, match=r"coalitions has shape \(8, 4\); n is 3 in this round"):
        game(np.zeros((8, 4), dtype=bool))


@pytest.mark.parametrize("wrong", [[[0, 1, 2]], [[0.2, 0, 0]], [[np.nan, 1, 1]]])
def test_client_numbers_are_no_coalitions(wrong):
    game = ru.round_utility(*make_round(LAYERED[0], 3))
    with pytest.raises(InvalidInput, match="coalitions holds more than truth values"):
        game(wrong)
    assert game([[1, 0, 1]]) == game([[True, False, True]])


def test_a_utility_values_what_it_was_given_at_first():
    """Coalitions are computed when they are asked for: what the caller writes meanwhile must not count."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    updates, params = rng.normal(size=(3, 8)), np.zeros(8)
    model = TorchModel(torch.nn.Linear(3, 2), 3)
    utility = ru.round_utility(model, params.copy(), sent := updates.copy(), [1, 2, 3], x, y)
    expected = ru.round_utility(model, params, updates, [1, 2, 3], x, y).all_values()
    sent[:] = 0
    assert np.array_equal(utility.all_values(), expected)
