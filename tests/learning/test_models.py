"""Losses and gradients of the flat-vector models, against the same networks built in PyTorch."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import models
from bcfl_support.learning.aggregators import fedavg
from bcfl_support.learning.datasets import load_digits_federation
from bcfl_support.learning.training import local_updates


class LogisticNet(torch.nn.Module):
    """Linear(d, 1) whose two-class logits are (0, z)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(d, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.linear(x)
        return torch.cat([torch.zeros_like(z), z], dim=1)


def conv_net() -> torch.nn.Module:
    nn = torch.nn
    layers = nn.Conv2d(1, 3, 3), nn.GroupNorm(1, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3)
    return nn.Sequential(nn.Unflatten(1, (1, 6, 6)), *layers, nn.Linear(12, 4)).eval()


def mlp(d: int, hidden: int, classes: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(d, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, classes))


CASES = {
    "logistic": (models.LogisticRegression(5), lambda: LogisticNet(5), 6),
    "softmax": (models.SoftmaxRegression(7, 4), lambda: torch.nn.Linear(7, 4), 32),
    "mlp": (models.MLP(7, 6, 4), lambda: mlp(7, 6, 4), 76),
    "torch linear": (models.TorchModel(torch.nn.Linear(7, 4), 7), lambda: torch.nn.Linear(7, 4), 32),
    "torch mlp": (models.TorchModel(mlp(7, 6, 4), 7), lambda: mlp(7, 6, 4), 76),
    "torch conv": (models.TorchModel(conv_net(), 36), conv_net, 88),
}


def reference(build: object, params: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Loss, gradient and logits of the PyTorch network with these parameters, float64."""
    net = build().double()  # type: ignore[operator]
    vector_to_parameters(torch.tensor(params), net.parameters())
    logits = net(torch.tensor(x))
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    gradient = torch.autograd.grad(loss, list(net.parameters()))
    return loss.item(), parameters_to_vector(gradient).numpy(), logits.detach().numpy()


def problem(model: models.Model, k: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    x = rng.standard_normal((k, m, model.n_features))
    return 0.5 * rng.standard_normal((k, model.n_params)), x, rng.integers(0, model.n_classes, (k, m))


@pytest.mark.parametrize("name", CASES)
def test_parameter_counts(name: str) -> None:
    model, build, n_params = CASES[name]
    assert model.n_params == n_params == sum(p.numel() for p in build().parameters())


def test_the_counts_the_lessons_quote() -> None:
    assert models.LogisticRegression(30).n_params == 31
    assert models.SoftmaxRegression(64, 10).n_params == 650
    assert models.MLP(64, 32, 10).n_params == 2410


@pytest.mark.parametrize("name", CASES)
def test_loss_gradient_accuracy_equal_autograd(name: str) -> None:
    model, build, _ = CASES[name]
    params, x, y = problem(model, 3, 11)
    for w in params:
        loss, gradient, logits = reference(build, w, x[0], y[0])
        assert model.loss(w, x[0], y[0]) == pytest.approx(loss, abs=1e-12)
        assert np.allclose(model.gradient(w, x[0], y[0]), gradient, atol=1e-12, rtol=1e-10)
        assert model.accuracy(w, x[0], y[0]) == (logits.argmax(axis=1) == y[0]).mean()


@pytest.mark.parametrize("name", CASES)
def test_many_vectors_at_once_equal_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = CASES[name][0]
    params, x, y = problem(model, 5, 11)
    monkeypatch.setattr(models, "CHUNK_FLOATS", 2 * 11 * model._floats_per_sample)  # chunks of 2, 2 and 1
    for method in (model.loss, model.accuracy, model.gradient):
        batched = method(params, x[0], y[0])
        assert np.allclose(batched, [method(w, x[0], y[0]) for w in params], atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_client_gradients_are_those_of_each_client_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, build, _ = CASES[name]
    params, x, y = problem(model, 4, 9)
    monkeypatch.setattr(models, "CHUNK_FLOATS", 3 * 9 * model._floats_per_sample)
    sizes = np.array([9, 4, 1, 6])
    weights = (np.arange(9) < sizes[:, None]) / sizes[:, None]
    together = model.client_gradients(params, x, y, weights)
    for i, size in enumerate(sizes):
        alone = reference(build, params[i], x[i, :size], y[i, :size])[1]
        assert np.allclose(together[i], alone, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_client_losses_are_those_of_each_sample_alone(name: str) -> None:
    model, build, _ = CASES[name]
    params, x, y = problem(model, 4, 9)
    own, shared = model.client_losses(params, x, y), model.client_losses(params, x[:1], y[:1])
    for i, j in np.ndindex(4, 9):
        assert own[i, j] == pytest.approx(reference(build, params[i], x[i, j : j + 1], y[i, j : j + 1])[0], abs=1e-12)
        assert shared[i, j] == pytest.approx(model.loss(params[i], x[0, j : j + 1], y[0, j : j + 1]), abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_arguments_are_not_changed(name: str) -> None:
    model = CASES[name][0]
    params, x, y = problem(model, 2, 5)
    before = params.copy(), x.copy(), y.copy()
    model.client_gradients(params, x, y, np.full((2, 5), 0.2))
    model.gradient(params, x[0], y[0])
    model.loss(params, x[0], y[0])
    model.client_losses(params, x, y)
    assert all(np.array_equal(a, b) for a, b in zip((params, x, y), before, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_start_is_seeded_and_linear_models_start_at_zero(name: str) -> None:
    model = CASES[name][0]
    first, again = (model.init(rng=np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (model.n_params,) and first.tobytes() == again.tobytes()
    if name in ("logistic", "softmax"):
        assert not first.any()
    else:
        assert not np.array_equal(first, model.init(rng=np.random.default_rng(4)))


@pytest.mark.parametrize("name", CASES)
def test_huge_logits_stay_finite(name: str) -> None:
    model = CASES[name][0]
    params, x, y = problem(model, 1, 6)
    assert np.isfinite(model.loss(1e6 * params[0], x[0], y[0]))
    assert np.isfinite(model.gradient(1e6 * params[0], x[0], y[0])).all()


def test_a_linear_federation_needs_neither_torch_nor_scikit_learn_to_import() -> None:
    code = "import sys; from bcfl_support import simulation; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_bad_sizes_and_labels_are_named() -> None:
    model = models.SoftmaxRegression(7, 4)
    x, y, w = np.zeros((3, 7)), np.zeros(3, int), np.zeros(32)
    with pytest.raises(InvalidInput, match=r"params has shape \(31,\): SoftmaxRegression\(7, 4\) needs \(32,\)"):
        model.loss(np.zeros(31), x, y)
    with pytest.raises(InvalidInput, match=r"x has shape \(3, 6\): give \(m, 7\)"):
        model.accuracy(w, x[:, :6], y)
    with pytest.raises(InvalidInput, match=r"y has shape \(2,\) for 3 samples"):
        model.gradient(w, x, y[:2])
    with pytest.raises(InvalidInput, match="x and y have no sample: give at least one"):
        model.loss(w, x[:0], y[:0])
    with pytest.raises(InvalidInput, match=r"y\[2\] = 4, of dtype int64, is no class: labels are integers from 0 to 3"):
        model.loss(w, x, np.array([0, 1, 4]))
    with pytest.raises(InvalidInput, match=r"weights \(1, 2\)"):
        model.client_gradients(w[None], x[None], y[None], np.zeros((1, 2)))


@pytest.mark.parametrize("name", ["logistic", "softmax", "torch mlp"])
def test_numbers_that_are_none_have_no_loss_and_no_accuracy(name: str) -> None:
    model = CASES[name][0]
    params, x, y = problem(model, 2, 5)
    for call in (model.loss, model.accuracy, model.gradient):
        for wrong in (np.nan, -np.inf):
            spoiled = params.copy()
            spoiled[1, 3] = wrong
            with pytest.raises(InvalidInput, match=rf"params\[1, 3\] = {wrong} is not a finite number"):
                call(spoiled, x[0], y[0])
        with pytest.raises(InvalidInput, match=r"x\[0, 2\] = nan is not a finite number: drop the row, or fill it in"):
            call(params, np.where(np.arange(x.shape[-1]) == 2, np.nan, x[0]), y[0])
        with pytest.raises(InvalidInput, match=r"y\[0\] = 0.0, of dtype float64, is no class: labels are integers"):
            call(params, x[0], np.linspace(0.0, 0.7, 5))


# ---------------------------------------------------------------- PyTorch modules


@pytest.mark.parametrize(("ours", "theirs"), [("softmax", "torch linear"), ("mlp", "torch mlp")])
def test_a_module_is_the_model_written_by_hand(ours: str, theirs: str) -> None:
    ours, theirs = CASES[ours][0], CASES[theirs][0]
    params, x, y = problem(ours, 4, 9)
    weights = np.random.default_rng(1).random((4, 9))
    together = [model.client_gradients(params, x, y, weights) for model in (ours, theirs)]
    np.testing.assert_allclose(*together, atol=1e-13, rtol=1e-11)
    np.testing.assert_allclose(ours.loss(params, x[0], y[0]), theirs.loss(params, x[0], y[0]), rtol=1e-13)
    np.testing.assert_allclose(
        ours.gradient(params, x[0], y[0]), theirs.gradient(params, x[0], y[0]), atol=1e-13, rtol=1e-11
    )


def test_a_module_stays_as_it_was_and_its_start_leaves_torchs_randomness_alone() -> None:
    net = mlp(7, 6, 4).train()
    before, dtype = parameters_to_vector(net.parameters()).detach().clone(), net[0].weight.dtype
    model = models.TorchModel(net, 7)
    torch.manual_seed(5)
    start = model.init(rng=np.random.default_rng(0))
    assert torch.equal(torch.rand(2), torch.rand(2, generator=torch.Generator().manual_seed(5)))
    model.gradient(start, np.ones((2, 7)), np.array([0, 3]))
    assert torch.equal(parameters_to_vector(net.parameters()), before)
    assert net.training and net[0].weight.dtype == dtype
    assert start.dtype == np.float64 and 0 < np.abs(start).max() < 1  # PyTorch's own scale, 1/√fan-in


def test_one_federated_round_of_a_module() -> None:
    data = load_digits_federation(4, rng=np.random.default_rng(0))
    model = models.TorchModel(mlp(64, 8, 10), 64)
    start = model.init(rng=np.random.default_rng(1))
    updates = local_updates(model, start, data, steps=20, lr=0.5, rng=np.random.default_rng(2))
    after = start + fedavg(updates, data.sizes)
    assert model.accuracy(after, data.x_test, data.y_test) > model.accuracy(start, data.x_test, data.y_test) + 0.2


class AsksForValues(torch.nn.Module):
    """A classifier whose computation depends on its input's values."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(7, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) if x.sum() > 0 else -self.layer(x)


def test_modules_that_do_not_fit_are_refused() -> None:
    nn = torch.nn
    with pytest.raises(InvalidInput, match=r"module has BatchNorm1d\(7.*running statistics are no parameters"):
        models.TorchModel(nn.Sequential(nn.BatchNorm1d(7), nn.Linear(7, 4)), 7)
    with pytest.raises(InvalidInput, match=r"module has \['0.weight', '0.bias'\] frozen"):
        models.TorchModel(nn.Sequential(nn.Linear(7, 7).requires_grad_(False), nn.Linear(7, 4)), 7)
    with pytest.raises(InvalidInput, match=r"module gives \(64, 7, 4\) for x \(64, 7\): it must give \(64, C\)"):
        models.TorchModel(nn.Sequential(nn.Unflatten(1, (7, 1)), nn.Linear(1, 4)), 7)
    with pytest.raises(InvalidInput, match=r"module gives \('tuple',\) for x \(64, 7\): it must give \(64, C\)"):
        models.TorchModel(nn.LSTM(7, 4), 7)
    with pytest.raises(InvalidInput, match=r"module is Flatten\(.*, which has no parameter"):
        models.TorchModel(nn.Flatten(), 7)
    with pytest.raises(InvalidInput, match=r"module is 3; give a torch\.nn\.Module"):
        models.TorchModel(3, 7)
    with pytest.raises(InvalidInput, match=r"copies of module cannot run in one batch: .* may not ask for values"):
        models.TorchModel(AsksForValues(), 7)
    with pytest.raises(InvalidInput, match=r"x has shape \(3, 6\): give \(m, 7\)"):
        CASES["torch linear"][0].loss(np.zeros(32), np.zeros((3, 6)), np.zeros(3, int))


@pytest.mark.parametrize("name", ["aggregators", "models", "partitions", "updates"])
def test_examples_in_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"bcfl_support.learning.{name}"))
    assert result.failed == 0 and result.attempted > 0


def _layers(*middle):
    return models.TorchModel(nn.Sequential(nn.Linear(8, 8), *middle, nn.Linear(8, 3)), 8)


class _Scaled(nn.Module):
    """A layer of one's own, with an option and a buffer."""

    def __init__(self, factor: float, shift: float) -> None:
        super().__init__()
        self.factor = factor
        self.register_buffer("shift", torch.full((8,), shift))

    def forward(self, x: Any) -> Any:
        return self.factor * x + self.shift


def _heads(count: int, **options: Any) -> Any:
    encoder = nn.TransformerEncoderLayer(4, count, 8, batch_first=True, **options)
    return models.TorchModel(nn.Sequential(nn.Unflatten(1, (2, 4)), encoder, nn.Flatten(), nn.Linear(8, 3)), 8)


def test_networks_that_compute_something_else_have_other_names() -> None:
    """What a task publishes of a model: equal for equal networks, in every process, and for no others."""

    def make() -> list[Any]:
        plain = [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.GELU(approximate="tanh"), nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)]
        plain += [nn.GroupNorm(2, 8), nn.GroupNorm(4, 8), nn.GroupNorm(2, 8, eps=0.1), nn.Softplus(2.0), nn.Softplus()]
        plain += [_Scaled(1.0, 0.0), _Scaled(2.0, 0.0), _Scaled(1.0, 1.0), nn.Identity()]
        biased = [nn.Linear(8, 8, bias=first) for first in (True, False)]
        networks = [_layers(layer) for layer in plain] + [_layers(*biased), _layers(*biased[::-1])]
        return [*networks, _heads(1), _heads(2), _heads(2, norm_first=True), _heads(2, activation=torch.tanh)]

    names = [repr(model) for model in make()]
    assert len(set(names)) == len(names) and [repr(model) for model in make()] == names
    assert not any(" at 0x" in name for name in names), "where something lies in memory is not the same twice"


def test_a_model_says_what_it_is() -> None:
    class Nameless(models.Model):
        _logits = _backward = None

    with pytest.raises(TypeError, match="__repr__"):
        Nameless()
