"""Models as flat parameter vectors: a model is a function of one vector w ∈ ℝᴾ, and so is its loss.

    L(w) = (1/m) Σ_j ℓ(f_w(x_j), y_j)        cross-entropy ℓ, samples j = 1 … m

Contracts, scores and Shapley values see only vectors, so models here have no state: `params` goes in, numbers come
out. A leading axis of `params`, shape (k, P), asks for k models at once; they are computed together in batched matrix
products, which is what makes a round of many clients fast. Parameters are in the order of
`torch.nn.utils.parameters_to_vector` of the same PyTorch network, so a vector can be moved between the two.

All arrays are float64. The linear models and the MLP are NumPy; `TorchModel` makes a model of any PyTorch module.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidInput

CHUNK_FLOATS = 2**21
"""Work arrays stay near this many float64 entries (16 MB), however many parameter vectors are asked for."""


class Model(ABC):
    """A classifier whose parameters are one flat vector.

    Attributes:
        n_features: number of features d.
        n_classes: number of classes C.
        n_params: number of parameters P.
    """

    n_features: int
    n_classes: int
    n_params: int
    _floats_per_sample: int
    """Float64 entries one sample needs in a forward pass; sets the size of chunks."""

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """Draw a starting vector, shape (P,), float64: zero where the loss is convex and the start decides nothing."""
        return np.zeros(self.n_params)

    @abstractmethod
    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Logits (k, m, C) of k vectors (k, P) on inputs (k, m, d), or (1, m, d) shared by all."""

    @abstractmethod
    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradients (k, P) of Σ_j weights_kj·ℓ(f_k(x_kj), y_kj); leading axes as in `_logits`."""

    def loss(self, params: Any, x: Any, y: Any) -> Any:
        """Mean cross-entropy on the samples, natural logarithm.

        Args:
            params: one vector (P,) or k vectors (k, P), float64.
            x: features, shape (m, d), float64.
            y: labels 0 … C−1, shape (m,), int.

        Returns:
            A float for one vector, an array (k,) for k vectors.

        Raises:
            InvalidInput: sizes that do not fit the model.
        """
        w, features, labels = self._check(params, x, y)

        def mean_loss(rows: np.ndarray) -> np.ndarray:
            logits = self._logits(rows, features[None])
            picked = np.take_along_axis(logits, labels[None, :, None], axis=2)[..., 0]  # (k, m)
            top = logits.max(axis=2)
            return (top + np.log(np.exp(logits - top[..., None]).sum(axis=2)) - picked).mean(axis=1)

        values = self._in_chunks(w, len(labels), mean_loss)
        return values if w.ndim == 2 else float(values)

    def accuracy(self, params: Any, x: Any, y: Any) -> Any:
        """Share of samples whose largest logit is that of their label; arguments and shapes as in `loss`."""
        w, features, labels = self._check(params, x, y)

        def share_of_hits(rows: np.ndarray) -> np.ndarray:
            return (self._logits(rows, features[None]).argmax(axis=2) == labels).mean(axis=1)

        values = self._in_chunks(w, len(labels), share_of_hits)
        return values if w.ndim == 2 else float(values)

    def predict(self, params: Any, x: Any) -> np.ndarray:
        """Most likely class of each sample: (m,) int for one vector (P,), (k, m) for k vectors."""
        w, features, labels = self._check(params, x, np.zeros(len(x), dtype=np.int64))
        return self._in_chunks(w, len(labels), lambda rows: self._logits(rows, features[None]).argmax(axis=2))

    def gradient(self, params: Any, x: Any, y: Any) -> np.ndarray:
        """Gradient of `loss`, shape of `params`; arguments as in `loss`."""
        w, features, labels = self._check(params, x, y)
        data = features[None], labels[None], np.full((1, len(labels)), 1.0 / len(labels))
        return self._in_chunks(w, len(labels), lambda rows: self._backward(rows, *data))

    def client_gradients(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradients of k models, each on its own samples: the inner step of training many clients at once.

        Row k of the result is the gradient of Σ_j weights_kj·ℓ(f_k(x_kj), y_kj). Weight 0 removes a sample, which
        is how clients with fewer samples than others are padded.

        Args:
            params: k vectors, shape (k, P), float64.
            x: features, shape (k, m, d), float64.
            y: labels 0 … C−1, shape (k, m), int.
            weights: sample weights, shape (k, m), float64; 1 / n_k makes the sum a mean.

        Returns:
            Gradients, shape (k, P), float64.

        Raises:
            InvalidInput: sizes that do not fit the model or each other.
        """
        k, m = y.shape
        if params.shape != (k, self.n_params) or x.shape != (k, m, self.n_features) or weights.shape != (k, m):
            raise InvalidInput(
                f"params {params.shape}, x {x.shape}, y {y.shape}, weights {weights.shape}: expected "
                f"({k}, {self.n_params}), ({k}, {m}, {self.n_features}), ({k}, {m}), ({k}, {m})."
            )
        return self._backward(params, x, y, weights)

    def _chunk(self, n_samples: int) -> int:
        return max(1, CHUNK_FLOATS // (n_samples * self._floats_per_sample))

    def _in_chunks(self, w: np.ndarray, n_samples: int, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """`compute` of the rows of w (k, P), a few at a time; for one vector (P,) the first of it."""
        rows = w.reshape(-1, self.n_params)
        step = self._chunk(n_samples)
        values = np.concatenate([compute(rows[i : i + step]) for i in range(0, len(rows), step)])
        return values if w.ndim == 2 else values[0]

    def _check(self, params: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w, features, labels = np.asarray(params, dtype=np.float64), np.asarray(x, dtype=np.float64), np.asarray(y)
        if w.ndim not in (1, 2) or w.shape[-1] != self.n_params:
            sizes = f"({self.n_params},) or (k, {self.n_params})"
            raise InvalidInput(f"params has shape {w.shape}: {self!r} needs {sizes}.")
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise InvalidInput(f"x has shape {features.shape}: {self!r} needs (m, {self.n_features}).")
        m, low, high = len(features), labels.min(initial=0), labels.max(initial=0)
        if labels.shape != (m,) or m == 0:
            raise InvalidInput(f"y has shape {labels.shape} for {m} samples: one label each, at least one.")
        if low < 0 or high >= self.n_classes:
            raise InvalidInput(f"labels run from {low} to {high}: they must be 0 to {self.n_classes - 1}.")
        return w, features, labels


class LogisticRegression(Model):
    """Two classes: P(y = 1 | x) = 1 / (1 + exp(−(w·x + b))), parameters (w, b), P = d + 1.

    >>> LogisticRegression(30).n_params
    31
    """

    def __init__(self, n_features: int) -> None:
        self.n_features, self.n_classes, self.n_params = n_features, 2, n_features + 1
        self._floats_per_sample = 2

    def __repr__(self) -> str:
        return f"LogisticRegression({self.n_features})"

    def _margin(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (x @ params[:, :-1, None])[..., 0] + params[:, -1:]  # (k, m)

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        # two-class softmax over (0, z) is the logistic function of z
        margin = self._margin(params, x)
        return np.stack([np.zeros_like(margin), margin], axis=2)

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        # sigmoid through tanh never overflows
        residual = (0.5 + 0.5 * np.tanh(0.5 * self._margin(params, x)) - y) * weights  # (k, m)
        slope = (residual[:, None, :] @ x)[:, 0, :]  # (k, d)
        return np.concatenate([slope, residual.sum(axis=1, keepdims=True)], axis=1)


class SoftmaxRegression(Model):
    """C classes: logits W x + b, parameters (W row by row, b), P = C (d + 1).

    >>> SoftmaxRegression(64, 10).n_params
    650
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        self.n_features, self.n_classes, self.n_params = n_features, n_classes, n_classes * (n_features + 1)
        self._floats_per_sample = n_classes
        self._shapes = ((n_classes, n_features), (n_classes,))

    def __repr__(self) -> str:
        return f"SoftmaxRegression({self.n_features}, {self.n_classes})"

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        return _affine(x, *_split(params, self._shapes))

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        residual = _softmax_residual(self._logits(params, x), y, weights)
        gradient = np.empty_like(params)
        slope, offset = _split(gradient, self._shapes)
        np.matmul(residual.swapaxes(1, 2), x, out=slope)
        residual.sum(axis=1, out=offset)
        return gradient


class MLP(Model):
    """One hidden layer of ReLU units: logits W₂ max(W₁ x + b₁, 0) + b₂, parameters (W₁, b₁, W₂, b₂).

    >>> MLP(64, 32, 10).n_params
    2410
    """

    def __init__(self, n_features: int, n_hidden: int, n_classes: int) -> None:
        self.n_features, self.n_hidden, self.n_classes = n_features, n_hidden, n_classes
        self._shapes = ((n_hidden, n_features), (n_hidden,), (n_classes, n_hidden), (n_classes,))
        self.n_params = n_hidden * (n_features + 1) + n_classes * (n_hidden + 1)
        self._floats_per_sample = n_hidden + n_classes

    def __repr__(self) -> str:
        return f"MLP({self.n_features}, {self.n_hidden}, {self.n_classes})"

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """He initialization: W ~ N(0, 2 / fan-in), biases zero."""
        w = np.zeros((1, self.n_params))
        for weight in _split(w, self._shapes)[::2]:
            weight[:] = rng.standard_normal(weight.shape) * np.sqrt(2.0 / weight.shape[-1])
        return w[0]

    def _forward(self, params: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w1, b1, w2, b2 = _split(params, self._shapes)
        hidden = _affine(x, w1, b1)
        np.maximum(hidden, 0.0, out=hidden)
        return hidden, _affine(hidden, w2, b2)

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        return self._forward(params, x)[1]

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        hidden, logits = self._forward(params, x)
        residual = _softmax_residual(logits, y, weights)  # (k, m, C)
        back = residual @ _split(params, self._shapes)[2]  # (k, m, H)
        back *= hidden > 0
        gradient = np.empty_like(params)
        g1, h1, g2, h2 = _split(gradient, self._shapes)
        np.matmul(back.swapaxes(1, 2), x, out=g1)
        back.sum(axis=1, out=h1)
        np.matmul(residual.swapaxes(1, 2), hidden, out=g2)
        residual.sum(axis=1, out=h2)
        return gradient


class TorchModel(Model):
    """Any PyTorch classifier as a function of one flat vector, in the order of `module.parameters()`.

    k vectors stand for k copies of the module; `torch.func` computes all of them in one batch, each client's gradient
    on its own samples. Everything is float64, on a copy of the module in evaluation mode: dropout is off.

    Args:
        module: takes features (m, d), returns logits (m, C). For images begin with `torch.nn.Unflatten(1, shape)`.
        n_features: number of features d.

    Raises:
        InvalidInput: a module that keeps running statistics (as BatchNorm does): no client's vector would hold them.

    >>> import torch
    >>> layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 6 * 6, 10)
    >>> TorchModel(torch.nn.Sequential(torch.nn.Unflatten(1, (1, 8, 8)), *layers), 64).n_params
    2970
    """

    def __init__(self, module: Any, n_features: int) -> None:
        import torch

        for part in module.modules():
            if getattr(part, "running_mean", None) is not None:
                raise InvalidInput(f"module has {part}: its running statistics are no parameters; use GroupNorm.")
        self._module = copy.deepcopy(module).double().eval()
        kept: list[int] = []  # what a backward pass over 64 samples keeps
        with torch.autograd.graph.saved_tensors_hooks(lambda value: kept.append(value.numel()), lambda kept: kept):
            logits = self._module(torch.zeros(64, n_features, dtype=torch.float64))
        if logits.ndim != 2 or len(logits) != 64:
            raise InvalidInput(f"module gives {tuple(logits.shape)} for x (64, {n_features}): it must give (64, C).")
        self._sizes = [value.numel() for value in self._module.parameters()]
        self.n_features, self.n_classes, self.n_params = n_features, logits.shape[1], sum(self._sizes)
        self._floats_per_sample = n_features + sum(kept) // 64

    def __repr__(self) -> str:
        return f"TorchModel({type(self._module).__name__}, {self.n_features})"

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """The layers' own random initialization; parameters outside PyTorch's layers start as the module has them."""
        import torch

        fresh = copy.deepcopy(self._module)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            for part in fresh.modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
        return torch.nn.utils.parameters_to_vector(fresh.parameters()).detach().numpy()

    def _call(self, vector: Any, x: Any) -> Any:
        """Logits (m, C) of the module with its parameters taken from one vector (P,)."""
        from torch.func import functional_call

        pieces = zip(self._module.named_parameters(), vector.split(self._sizes), strict=True)
        return functional_call(self._module, {name: piece.view_as(old) for (name, old), piece in pieces}, (x,))

    def _map(self, function: Callable[..., Any], params: np.ndarray, *data: np.ndarray) -> np.ndarray:
        """`function` of each vector and its own data, in one batch; data with a single row are shared by all."""
        import torch

        shared = len(data[0]) == 1
        tensors = [torch.tensor(rows[0] if shared else rows) for rows in data]
        places = (0, *(None if shared else 0 for _ in data))
        mapped = torch.func.vmap(function, places, chunk_size=self._chunk(data[0].shape[1]))
        return mapped(torch.tensor(params), *tensors).numpy()

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        return self._map(self._call, params, x)

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        import torch

        def total_loss(vector: Any, x: Any, y: Any, weights: Any) -> Any:
            return torch.nn.functional.cross_entropy(self._call(vector, x), y, reduction="none") @ weights

        return self._map(torch.func.grad(total_loss), params, x, y.astype(np.int64), weights)


# ---------------------------------------------------------------- pieces


def _split(params: np.ndarray, shapes: tuple[tuple[int, ...], ...]) -> list[np.ndarray]:
    """Views of the blocks of flat vectors (k, P), each reshaped to (k, *shape)."""
    blocks, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        blocks.append(params[:, start : start + size].reshape(len(params), *shape))
        start += size
    return blocks


def _affine(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """x Wᵀ + b for each of k models: (k or 1, m, d), (k, c, d), (k, c) → (k, m, c)."""
    z = x @ weight.swapaxes(1, 2)
    z += bias[:, None, :]
    return z


def _softmax_residual(logits: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """weights·(softmax(logits) − onehot(y)), the gradient of the weighted loss in the logits, (k, m, C)."""
    k, m, c = logits.shape
    # classes first: maxima and sums over classes then run along contiguous rows, two to three times as fast
    z = np.ascontiguousarray(logits.transpose(2, 0, 1))  # (C, k, m)
    z -= z.max(axis=0)
    np.exp(z, out=z)
    z /= z.sum(axis=0)
    z.reshape(c, k * m)[np.broadcast_to(y, (k, m)).reshape(-1), np.arange(k * m)] -= 1.0
    z *= weights
    return z.transpose(1, 2, 0)
