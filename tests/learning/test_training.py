"""All clients in one batch against one PyTorch model after another, and what a round refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import aggregators, training
from bcfl_support.learning.datasets import FederatedData
from bcfl_support.learning.models import MLP, LogisticRegression, Model, SoftmaxRegression, TorchModel

SIZES = np.array([1, 40, 7, 7, 12, 3])


def make_data(sizes: np.ndarray = SIZES, features: int = 64, classes: int = 4) -> FederatedData:
    rng = np.random.default_rng(2)
    total = int(sizes.sum())
    x, y = rng.standard_normal((total, features)), rng.integers(0, classes, total)
    return FederatedData("random", x, y, sizes, x[:0], y[:0], x[:0], y[:0], tuple("0123")[:classes])


def softmax_net() -> torch.nn.Module:
    return torch.nn.Linear(64, 4)


def mlp_net() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(64, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4))


def conv_net() -> torch.nn.Module:
    nn = torch.nn
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 4)),
    )


MODELS: dict[str, tuple[Model, Callable[[], torch.nn.Module]]] = {
    "softmax": (SoftmaxRegression(64, 4), softmax_net),
    "mlp": (MLP(64, 5, 4), mlp_net),
    "conv": (TorchModel(conv_net(), 64), conv_net),
}


def train_alone(
    build: Callable[[], torch.nn.Module], start: np.ndarray, batches: list[tuple[np.ndarray, np.ndarray]], lr: float
) -> np.ndarray:
    """The usual loop of one client: a fresh network, SGD, one batch a step. Returns its update."""
    net = build().double()
    vector_to_parameters(torch.tensor(start), net.parameters())
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for x, y in batches:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    return parameters_to_vector(net.parameters()).detach().numpy() - start


def own_samples(data: FederatedData, i: int) -> tuple[np.ndarray, np.ndarray]:
    rows = slice(int(data.sizes[:i].sum()), int(data.sizes[: i + 1].sum()))
    return data.x[rows], data.y[rows]


@pytest.mark.parametrize("name", MODELS)
def test_full_batches_equal_one_model_after_another(name: str) -> None:
    model, build = MODELS[name]
    data, rng = make_data(), np.random.default_rng(0)
    start = 0.1 * rng.standard_normal(model.n_params)
    together = training.local_updates(model, start, data, steps=5, lr=0.3, rng=rng)
    alone = [train_alone(build, start, [own_samples(data, i)] * 5, 0.3) for i in range(len(SIZES))]
    assert np.allclose(together, alone, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_mini_batches_equal_one_model_after_another(name: str) -> None:
    model, build = MODELS[name]
    data, rng = make_data(), np.random.default_rng(0)
    start = 0.1 * rng.standard_normal(model.n_params)
    together = training.local_updates(model, start, data, steps=4, lr=0.3, batch_size=5, rng=np.random.default_rng(9))
    replay = np.random.default_rng(9)
    drawn = [training.draw_batches(SIZES, 5, rng=replay) for _ in range(4)]
    for i in range(len(SIZES)):
        batches = [rows[i][weights[i] > 0] for rows, weights in drawn]
        alone = train_alone(build, start, [(data.x[b], data.y[b]) for b in batches], 0.3)
        assert np.allclose(together[i], alone, atol=1e-12, rtol=1e-9)


def test_batches_hold_distinct_samples_of_their_own_client() -> None:
    rows, weights = training.draw_batches(SIZES, 5, rng=np.random.default_rng(0))
    owner = np.repeat(np.arange(len(SIZES)), SIZES)
    assert rows.shape == weights.shape == (6, 5)
    for i, size in enumerate(SIZES):
        drawn = rows[i][weights[i] > 0]
        assert len(drawn) == len(set(drawn.tolist())) == min(5, size)
        assert (owner[drawn] == i).all()
    assert np.allclose(weights.sum(axis=1), 1)


def test_every_sample_is_drawn_equally_often() -> None:
    rng, sizes = np.random.default_rng(0), np.array([4, 6])
    hits = np.zeros(10)
    for _ in range(3000):
        rows, weights = training.draw_batches(sizes, 2, rng=rng)
        np.add.at(hits, rows[weights > 0], 1)
    assert np.abs(hits[:4] / 3000 - 2 / 4).max() < 0.05
    assert np.abs(hits[4:] / 3000 - 2 / 6).max() < 0.05


def test_a_batch_as_large_as_the_data_is_the_full_batch() -> None:
    model, data = MODELS["softmax"][0], make_data()
    start = np.zeros(model.n_params)
    full = training.local_updates(model, start, data, steps=3, lr=0.3, rng=np.random.default_rng(0))
    same = training.local_updates(model, start, data, steps=3, lr=0.3, batch_size=40, rng=np.random.default_rng(0))
    assert np.allclose(full, same, atol=1e-13)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_stragglers_stop_early(batch_size: int | None) -> None:
    model, data = MODELS["mlp"][0], make_data()
    start = model.init(rng=np.random.default_rng(1))
    steps = np.array([5, 0, 2, 5, 1, 3])

    def train(todo: int | np.ndarray) -> np.ndarray:
        return training.local_updates(
            model, start, data, steps=todo, lr=0.3, batch_size=batch_size, rng=np.random.default_rng(4)
        )

    mixed = train(steps)
    for i, s in enumerate(steps):
        assert np.allclose(mixed[i], train(int(s))[i], atol=1e-14)
    assert not mixed[1].any()


@pytest.mark.parametrize("batch_size", [None, 5])
def test_partial_participation_trains_the_chosen_as_if_all_did(batch_size: int | None) -> None:
    model, data = MODELS["softmax"][0], make_data()
    start, chosen = np.zeros(model.n_params), np.array([4, 1, 5])

    def train(clients: np.ndarray | None) -> np.ndarray:
        return training.local_updates(
            model, start, data, steps=3, lr=0.3, batch_size=batch_size, clients=clients, rng=np.random.default_rng(4)
        )

    assert np.allclose(train(chosen), train(None)[chosen], atol=1e-14)


def test_equal_seeds_give_equal_bits() -> None:
    model, data = MODELS["mlp"][0], make_data()
    start = model.init(rng=np.random.default_rng(1))
    first, again, other = (
        training.local_updates(model, start, data, steps=3, lr=0.3, batch_size=3, rng=np.random.default_rng(s))
        for s in (5, 5, 6)
    )
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(first, other)


def test_one_client_alone_is_gradient_descent() -> None:
    model, data = MODELS["softmax"][0], make_data(np.array([30]))
    start = np.zeros(model.n_params)
    update = training.local_updates(model, start, data, steps=1, lr=0.3, rng=np.random.default_rng(0))
    assert np.allclose(update, -0.3 * model.gradient(start, data.x, data.y)[None], atol=1e-15)
    assert np.array_equal(aggregators.fedavg(update, data.sizes), update[0])


def test_one_equal_step_and_fedavg_is_a_step_on_all_data() -> None:
    model, data = MODELS["mlp"][0], make_data()
    start = model.init(rng=np.random.default_rng(1))
    updates = training.local_updates(model, start, data, steps=1, lr=0.3, rng=np.random.default_rng(0))
    assert np.allclose(aggregators.fedavg(updates, SIZES), -0.3 * model.gradient(start, data.x, data.y), atol=1e-14)


def test_a_class_missing_from_a_client_is_unlearned_by_it() -> None:
    # documented result, no error: the client's update lowers the bias of every class it never sees
    model, data = MODELS["softmax"][0], make_data(np.array([10, 10]))
    data = replace(data, y=np.where(np.arange(20) < 10, data.y % 3, data.y))
    update = training.local_updates(
        model, np.zeros(model.n_params), data, steps=5, lr=0.3, rng=np.random.default_rng(0)
    )[0]
    assert np.isfinite(update).all()
    assert update[-1] < -0.1


def test_padding_is_grouped_when_one_client_dwarfs_the_rest() -> None:
    for sizes in ([5, 5, 6], [1] * 50 + [3000], [1, 2, 4, 8, 16]):
        counts = np.array(sizes)
        groups = training._similar_sizes(counts)
        assert np.array_equal(np.sort(np.concatenate(groups)), np.arange(len(counts)))
        assert sum(len(g) * counts[g].max() for g in groups) <= 2 * counts.sum()


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(-10, 10), st.floats(-10, 10)), min_size=1, max_size=8))
def test_fedavg_is_the_weighted_mean(clients: list[tuple[int, float, float]]) -> None:
    samples = [c[0] for c in clients]
    by_hand = [sum(c[0] * c[j] for c in clients) / sum(samples) for j in (1, 2)]
    assert aggregators.fedavg([c[1:] for c in clients], samples) == pytest.approx(by_hand, abs=1e-12)


def test_all_zero_updates_average_to_zero() -> None:
    assert not aggregators.fedavg(np.zeros((3, 4)), [1, 2, 3]).any()


@pytest.mark.parametrize(
    ("updates", "samples", "message"),
    [
        ([[1.0], [2.0]], [1, 0], r"samples\[1\] = 0: leave a client with no sample out of the round"),
        ([[1.0], [2.0]], [1, -3], r"samples\[1\] = -3"),
        ([[1.0], [2.0]], [1.0, 2.5], r"samples has dtype float64: sample counts are integers"),
        ([[1.0], [2.0]], [1, 2, 3], r"updates has shape \(2, 1\): it must be \(…, 3, P\)"),
        ([1.0, 2.0], [1, 2], r"updates has shape \(2,\)"),
        ([], [], r"samples has shape \(0,\)"),
        ([[1.0, 2.0], [3.0]], [1, 2], r"updates is \[\[1.0, 2.0\], \[3.0\]\]: give numbers, in rows of one length"),
        ([[1.0], [np.nan]], [1, 2], r"updates\[1, 0\] = nan is not a finite number: leave the client out"),
        ([[np.inf], [0.0]], [1, 2], r"updates\[0, 0\] = inf"),
    ],
)
def test_a_bad_round_is_refused(updates: object, samples: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        aggregators.fedavg(updates, samples)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params": np.zeros(9)}, r"params has shape \(9,\): SoftmaxRegression\(64, 4\) needs \(260,\)"),
        ({"lr": 0.0}, r"lr is 0\.0: choose it in \(0, ∞\)"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"clients": np.array([1, 1])}, r"clients is \[1, 1\]: name at least one of clients 0 to 5, each once"),
        ({"clients": np.array([], dtype=int)}, r"clients is \[\]"),
        ({"clients": np.array([6])}, r"clients is \[6\]: choose it whole, in \[0, 5\]"),
        ({"clients": np.array([-1, 2])}, r"clients is \[-1 +2\]"),
        ({"clients": np.array(2)}, "clients is 2"),
        ({"steps": -1}, "steps is -1"),
        ({"steps": 1.9}, r"steps is 1\.9: choose it whole, in \[0, ∞\)"),
        ({"steps": np.array([1, 2])}, r"steps is \[1 2\]: use one number or 6 of them"),
    ],
)
def test_bad_training_arguments_are_refused(changes: dict, message: str) -> None:
    model = MODELS["softmax"][0]
    arguments = {"params": np.zeros(260), "data": make_data(), "steps": 2, "lr": 0.1, **changes}
    params, data = arguments.pop("params"), arguments.pop("data")
    with pytest.raises(InvalidInput, match=message):
        training.local_updates(model, params, data, rng=np.random.default_rng(0), **arguments)


@pytest.mark.filterwarnings("error")
def test_divergence_is_an_error_not_a_nan() -> None:
    model = MODELS["mlp"][0]
    start = model.init(rng=np.random.default_rng(1))
    with pytest.raises(InvalidInput, match=r"training with lr 1e\+200 diverged: use a smaller learning rate"):
        training.local_updates(model, start, make_data(), steps=5, lr=1e200, rng=np.random.default_rng(0))


def test_labels_that_the_model_does_not_have_are_refused() -> None:
    data = FederatedData(
        "two",
        np.ones((4, 3)),
        np.array([0, 1, 2, 1]),
        np.array([2, 2]),
        *[np.ones((1, 3)), np.array([0])] * 2,
        ("a", "b", "c"),
    )
    model, options = SoftmaxRegression(3, 2), {"steps": 1, "lr": 0.1, "rng": np.random.default_rng(0)}
    with pytest.raises(
        InvalidInput, match=r"labels\[0, 2\] = 2, of dtype int64, is no class: labels are integers from 0 to 1"
    ):
        training.local_updates(model, np.zeros(model.n_params), data, **options)
    with pytest.raises(InvalidInput, match="give one of the 4 samples each"):
        training.local_updates(model, np.zeros(model.n_params), data, labels=np.zeros(3, int), **options)


@pytest.mark.parametrize(
    "labels", [np.zeros((3, 4), int), np.zeros(4), np.full(4, 0.5)], ids=["rows", "floats", "half"]
)
def test_labels_of_another_kind_or_for_other_federations_are_refused(labels: np.ndarray) -> None:
    own = [np.ones((1, 3)), np.array([0])] * 2
    data = FederatedData("two", np.ones((4, 3)), np.array([0, 1, 0, 1]), np.array([2, 2]), *own, ("a", "b"))
    model = LogisticRegression(3)
    message = r"labels have shape \(3, 4\): .* in 2" if len(labels) == 3 else r"labels\[0, 0\] = 0\.\d, of"
    with pytest.raises(InvalidInput, match=message):
        training.local_updates(
            model, np.zeros((2, 4)), data, labels=labels, steps=1, lr=0.1, rng=np.random.default_rng(0)
        )


def test_a_mask_names_no_clients() -> None:
    data, hidden = make_data(), np.ma.masked_array([0, 1], mask=[1, 0])
    model = SoftmaxRegression(64, 4)
    for options in ({"clients": hidden}, {"steps": np.ma.masked_array([1] * 6, mask=[1, 0, 0, 0, 0, 0])}):
        with pytest.raises(InvalidInput, match="has a mask"):
            training.local_updates(
                model, np.zeros(260), data, **{"steps": 1, "lr": 0.1, "rng": np.random.default_rng(0), **options}
            )
