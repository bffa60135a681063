"""Losses and gradients of the flat-vector models, against the same networks built in PyTorch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bcfl_support.errors import InvalidUpdate
from bcfl_support.learning import models


class LogisticNet(torch.nn.Module):
    """Linear(d, 1) whose two-class logits are (0, z)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(d, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.linear(x)
        return torch.cat([torch.zeros_like(z), z], dim=1)


def conv_net(height: int, width: int, classes: int) -> torch.nn.Module:
    pool = (1, 2) if height == 1 else (2, 2)
    flat = 16 * max(height // 4, 1) * (width // 2 // 2)
    nn = torch.nn
    return nn.Sequential(
        nn.Unflatten(1, (1, height, width)),
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(pool)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(pool)),
        *(nn.Flatten(), nn.Linear(flat, classes)),
    )


def mlp(d: int, hidden: int, classes: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(d, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, classes))


CASES = {
    "logistic": (models.LogisticRegression(5), lambda: LogisticNet(5), 6),
    "softmax": (models.SoftmaxRegression(7, 4), lambda: torch.nn.Linear(7, 4), 32),
    "mlp": (models.MLP(7, 6, 4), lambda: mlp(7, 6, 4), 76),
    "conv": (models.ConvNet(8, 8, 4), lambda: conv_net(8, 8, 4), 1508),
    "conv odd": (models.ConvNet(6, 9, 3), lambda: conv_net(6, 9, 3), 1347),
    "conv signal": (models.ConvNet(1, 12, 3), lambda: conv_net(1, 12, 3), 1395),
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
        assert np.array_equal(model.predict(w, x[0]), logits.argmax(axis=1))
        assert model.accuracy(w, x[0], y[0]) == (logits.argmax(axis=1) == y[0]).mean()


@pytest.mark.parametrize("name", CASES)
def test_many_vectors_at_once_equal_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = CASES[name][0]
    params, x, y = problem(model, 5, 11)
    monkeypatch.setattr(models, "CHUNK_FLOATS", 2 * 11 * model._floats_per_sample)  # chunks of 2, 2 and 1
    for method in (model.loss, model.accuracy, model.gradient):
        batched = method(params, x[0], y[0])
        assert np.allclose(batched, [method(w, x[0], y[0]) for w in params], atol=1e-13)
    assert np.array_equal(model.predict(params, x[0]), [model.predict(w, x[0]) for w in params])


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
def test_arguments_are_not_changed(name: str) -> None:
    model = CASES[name][0]
    params, x, y = problem(model, 2, 5)
    before = params.copy(), x.copy(), y.copy()
    model.client_gradients(params, x, y, np.full((2, 5), 0.2))
    model.gradient(params, x[0], y[0])
    model.loss(params, x[0], y[0])
    assert all(np.array_equal(a, b) for a, b in zip((params, x, y), before, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_start_is_seeded_and_linear_models_start_at_zero(name: str) -> None:
    model = CASES[name][0]
    first, again = (model.init(rng=np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (model.n_params,) and np.array_equal(first, again)
    if name in ("logistic", "softmax"):
        assert not first.any()
    else:
        assert not np.array_equal(first, model.init(rng=np.random.default_rng(4)))


@pytest.mark.parametrize("name", ["logistic", "softmax", "mlp"])
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
    with pytest.raises(InvalidUpdate, match=r"params has shape \(31,\): SoftmaxRegression\(7, 4\) needs \(32,\)"):
        model.loss(np.zeros(31), x, y)
    with pytest.raises(InvalidUpdate, match=r"x has shape \(3, 6\): .* needs \(m, 7\)"):
        model.accuracy(w, x[:, :6], y)
    with pytest.raises(InvalidUpdate, match=r"y has shape \(2,\) for 3 samples"):
        model.gradient(w, x, y[:2])
    with pytest.raises(InvalidUpdate, match=r"y has shape \(0,\) for 0 samples"):
        model.loss(w, x[:0], y[:0])
    with pytest.raises(InvalidUpdate, match="labels run from 0 to 4: they must be 0 to 3"):
        model.loss(w, x, np.array([0, 1, 4]))
    with pytest.raises(InvalidUpdate, match=r"weights \(1, 2\)"):
        model.client_gradients(w[None], x[None], y[None], np.zeros((1, 2)))
    with pytest.raises(InvalidUpdate, match="image 3 x 8 is too small"):
        models.ConvNet(3, 8, 10)
