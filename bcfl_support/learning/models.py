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
import hashlib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from bcfl_support.checks import check_generator, check_kind, check_range, check_whole, to_floats
from bcfl_support.errors import InvalidInput
from bcfl_support.learning.columns import pick_classes, read_samples
from bcfl_support.learning.updates import check_finite

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

    @abstractmethod
    def __repr__(self) -> str:
        """What tells it from every model that computes something else, the same on every machine."""

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """Draw a starting vector: zero where the loss is convex and the start decides nothing. No seed is taken.

        Args:
            rng: source of the draw.

        Returns:
            Parameters w, shape (P,), float64.
        """
        check_generator(rng)
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
            InvalidInput: sizes that do not fit the model, labels that are no whole numbers of its classes, or a
                parameter or feature that is NaN or infinite.
        """
        return self._evaluate(lambda w, x, y: self.client_losses(w, x, y).mean(axis=1), params, x, y)

    def accuracy(self, params: Any, x: Any, y: Any) -> Any:
        """Share of samples whose label `columns.pick_classes` picks.

        Args, Raises: as in `loss`.

        Returns:
            A float from 0 to 1 for one vector, an array (k,) for k vectors.
        """
        return self._evaluate(lambda w, x, y: (pick_classes(self._logits(w, x)) == y).mean(axis=1), params, x, y)

    def gradient(self, params: Any, x: Any, y: Any) -> np.ndarray:
        """Gradient of `loss` in the parameters.

        Args, Raises: as in `loss`.

        Returns:
            ∇L(w), shape of `params`, float64.
        """

        def backward(rows: np.ndarray, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
            return self._backward(rows, features, labels, np.full(labels.shape, 1.0 / labels.size))

        return np.asarray(self._evaluate(backward, params, x, y))

    def client_losses(self, params: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Cross-entropy of k models, each on its own samples.

        Args:
            params: k vectors, shape (k, P), float64.
            x: features, shape (k, m, d), float64, or (1, m, d) for all.
            y: labels 0 … C−1, shape (k, m), or (1, m) for all, int.

        Returns:
            ℓ(f_k(x_kj), y_kj), shape (k, m), float64, natural logarithm.
        """
        logits = self._logits(params, x)
        top = logits.max(axis=2)
        at_label = np.take_along_axis(logits, y[..., None], axis=2)[..., 0]
        return top + np.log(np.exp(logits - top[..., None]).sum(axis=2)) - at_label

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
            shown = f"params {params.shape}, x {x.shape}, y {y.shape}, weights {weights.shape}"
            wanted = f"({k}, {self.n_params}), ({k}, {m}, {self.n_features}), ({k}, {m}), ({k}, {m})"
            raise InvalidInput(f"{shown}: expected {wanted}.")
        return self._backward(params, x, y, weights)

    def _chunk(self, n_samples: int) -> int:
        return max(1, CHUNK_FLOATS // (n_samples * self._floats_per_sample))

    def _evaluate(self, compute: Callable[..., np.ndarray], params: Any, x: Any, y: Any) -> Any:
        """`compute` of the vectors (k, P), a few at a time, and of the samples; for one vector (P,) its one value."""
        w = to_floats("params", params)
        if w.ndim not in (1, 2) or w.shape[-1] != self.n_params:
            raise InvalidInput(f"params has shape {w.shape}: {self!r} needs ({self.n_params},), or k such rows.")
        features, labels = read_samples(x, y, self.n_features, self.n_classes)
        if not (m := len(features)):
            raise InvalidInput("x and y have no sample: give at least one.")
        check_finite(w, "no class would be the likeliest; look at what made it", "params")
        rows, step = w.reshape(-1, self.n_params), self._chunk(m)
        chunks = [compute(rows[i : i + step], features[None], labels[None]) for i in range(0, len(rows), step)]
        values = np.concatenate(chunks)
        return values if w.ndim == 2 else values[0] if values.ndim > 1 else float(values[0])


class LogisticRegression(Model):
    """Two classes: P(y = 1 | x) = 1 / (1 + exp(−(w·x + b))), parameters (w, b), P = d + 1.

    Raises:
        InvalidInput: a number of features, as of units or classes in other models, that is not whole or is below 1.

    >>> LogisticRegression(30).n_params
    31
    """

    def __init__(self, n_features: int) -> None:
        n_features = check_whole("n_features", n_features, 1)
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


class _Layers(Model):
    """Affine layers, each followed by ReLU but the last; the widths run from the features to the classes."""

    def __init__(self, *widths: int) -> None:
        widths = tuple(check_range("(n_features, …, n_classes)", widths, 1, many=True, whole=True).tolist())
        self._widths, self.n_features, self.n_classes = widths, widths[0], widths[-1]
        self._shapes = [shape for inputs, units in pairwise(widths) for shape in ((units, inputs), (units,))]
        *self._cuts, self.n_params = accumulate(map(math.prod, self._shapes))
        self._floats_per_sample = sum(widths[1:])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self._widths))})"

    def _forward(self, params: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
        """What enters each layer, and what leaves the last, (k, m, units); the first is x itself."""
        blocks, passed = self.split(params), [x]
        for weight, bias in zip(blocks[::2], blocks[1::2], strict=True):
            if len(passed) > 1:
                np.maximum(passed[-1], 0.0, out=passed[-1])
            z = passed[-1] @ weight.swapaxes(1, 2)
            z += bias[:, None, :]
            passed.append(z)
        return passed

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        return self._forward(params, x)[-1]

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        *entered, logits = self._forward(params, x)
        gradient = np.empty_like(params)
        blocks, slopes = self.split(params), self.split(gradient)
        back = _softmax_residual(logits, y, weights)
        for layer in range(len(entered) - 1, -1, -1):
            np.matmul(back.swapaxes(1, 2), entered[layer], out=slopes[2 * layer])
            back.sum(axis=1, out=slopes[2 * layer + 1])
            if layer:
                back = back @ blocks[2 * layer]
                back *= entered[layer] > 0
        return gradient

    def split(self, params: np.ndarray) -> list[np.ndarray]:
        """Views of the blocks W₁, b₁, W₂, b₂, … of k flat vectors, shape (k, P): (k, units, inputs), (k, units), …"""
        blocks = zip(np.split(params, self._cuts, axis=1), self._shapes, strict=True)
        return [block.reshape(len(params), *shape) for block, shape in blocks]


class SoftmaxRegression(_Layers):
    """C classes: logits W x + b, parameters (W row by row, b), P = C (d + 1).

    >>> SoftmaxRegression(64, 10).n_params
    650
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__(n_features, n_classes)


class MLP(_Layers):
    """One hidden layer of ReLU units: logits W₂ max(W₁ x + b₁, 0) + b₂, parameters (W₁, b₁, W₂, b₂).

    >>> MLP(64, 32, 10).n_params
    2410
    """

    def __init__(self, n_features: int, n_hidden: int, n_classes: int) -> None:
        super().__init__(n_features, n_hidden, n_classes)
        self.n_hidden = self._widths[1]

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """He initialization: W ~ N(0, 2 / fan-in), biases zero; as in `Model.init`."""
        check_generator(rng)
        w = np.zeros((1, self.n_params))
        for weight in self.split(w)[::2]:
            weight[:] = rng.standard_normal(weight.shape) * np.sqrt(2.0 / weight.shape[-1])
        return w[0]


class TorchModel(Model):
    """Any PyTorch classifier as a function of one flat vector, in the order of `module.parameters()`.

    k vectors stand for k copies of the module; `torch.func` computes all of them in one batch, each client's gradient
    on its own samples. Everything is float64, on a copy of the module in evaluation mode: dropout is off.
    Its `repr`, which a `fairness.Task` publishes, has all layers' options. Who changes a `forward` renames its class.

    Args:
        module: takes features (m, d), returns logits (m, C). For images begin with `torch.nn.Unflatten(1, shape)`.
        n_features: number of features d.

    Raises:
        InvalidInput: no module, one that does not give (m, C) for (m, d), no parameters or frozen ones, running
            statistics, or a `forward` that asks for values (``if x.sum() > 0``), which no batch of copies can answer.

    >>> import torch
    >>> layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 6 * 6, 10)
    >>> TorchModel(torch.nn.Sequential(torch.nn.Unflatten(1, (1, 8, 8)), *layers), 64).n_params
    2970
    """

    def __init__(self, module: Any, n_features: int) -> None:
        import torch

        n_features = check_whole("n_features", n_features, 1)
        check_kind("module", module, torch.nn.Module, "a torch.nn.Module")
        if kept_apart := [part for part in module.modules() if getattr(part, "running_mean", None) is not None]:
            raise InvalidInput(f"module has {kept_apart[0]}: its running statistics are no parameters; use GroupNorm.")
        if frozen := [name for name, value in module.named_parameters() if not value.requires_grad]:
            raise InvalidInput(f"module has {frozen} frozen: every parameter is trained here; make them buffers.")
        if not [*module.parameters()]:
            raise InvalidInput(f"module is {module!r}, which has no parameter: there is nothing to train.")
        self._module: Any = copy.deepcopy(module).double().eval()
        kept: list[int] = []  # by a backward pass over 64 samples
        with torch.autograd.graph.saved_tensors_hooks(lambda value: kept.append(value.numel()), lambda kept: kept):
            try:
                logits = self._module(torch.zeros(64, n_features, dtype=torch.float64))
            except (RuntimeError, ValueError, IndexError) as error:
                raise InvalidInput(f"module refuses x (64, {n_features}): {error}; does n_features fit?") from error
        shape = tuple(getattr(logits, "shape", [type(logits).__name__]))  # recurrent layers give a tuple
        if len(shape) != 2 or shape[0] != 64:
            raise InvalidInput(f"module gives {shape} for x (64, {n_features}): it must give (64, C).")
        self._sizes = [value.numel() for value in self._module.parameters()]
        self.n_features, self.n_classes, self.n_params = n_features, shape[1], sum(self._sizes)
        self._floats_per_sample = n_features + sum(kept) // 64
        try:
            self._backward(np.zeros((2, self.n_params)), np.zeros((2, 1, n_features)), *np.zeros((2, 2, 1)))
        except RuntimeError as error:
            why = f"copies of module cannot run in one batch: {str(error)[:90]}…"
            raise InvalidInput(f"{why}; its forward may not ask for values, use torch.where.") from error

    def __repr__(self) -> str:
        """Every part of the module with its options, the parameters by name, the buffers by a hash."""
        import torch

        inherited = vars(torch.nn.Module())
        told = [str([name for name, _ in self._module.named_parameters()])]
        for name, part in self._module.named_modules(remove_duplicate=False):
            options = {key: value for key, value in vars(part).items() if key not in inherited}
            told.append(f"{name} {type(part).__name__} {options}")
        buffers = hashlib.sha256(b"".join(value.numpy().tobytes() for value in self._module.buffers())).hexdigest()
        # where an option lies in memory differs from one process to the next
        return re.sub(" at 0x[0-9a-f]+", "", f"TorchModel({'; '.join(told)}; {buffers}, {self.n_features})")

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """The layers' own random start, see `Model.init`; parameters outside PyTorch's layers start as they are."""
        import torch

        check_generator(rng)
        fresh = copy.deepcopy(self._module)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            for part in fresh.modules():
                if callable(reset := getattr(part, "reset_parameters", None)):
                    reset()
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
