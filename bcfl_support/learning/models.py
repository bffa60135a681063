"""Models as flat parameter vectors: a model is a function of one vector w in R^P, and so is its loss.

    L(w) = (1/m) sum_j l(f_w(x_j), y_j)        cross-entropy l, samples j = 1 ... m

Contracts, scores and Shapley values see only vectors, so models here have no state: `params` goes in, numbers come
out. A leading axis of `params`, shape (k, P), asks for k models at once; they are computed together in batched matrix
products, which is what makes a round of many clients fast. Parameters are in the order of
`torch.nn.utils.parameters_to_vector` of the same PyTorch network, so a vector can be moved between the two.

All arrays are float64. The linear models and the MLP are NumPy; only `ConvNet` imports torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidUpdate

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

    @abstractmethod
    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """Draw a starting vector, shape (P,), float64. Models with a convex loss start at zero."""

    @abstractmethod
    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Logits (k, m, C) of k vectors (k, P) on inputs (k, m, d), or (1, m, d) shared by all."""

    @abstractmethod
    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradients (k, P) of sum_j weights_kj l(f_k(x_kj), y_kj); leading axes as in `_logits`."""

    @property
    def _floats_per_sample(self) -> int:
        """Float64 entries one sample needs in a forward pass; sets the chunk size."""
        return self.n_classes

    def loss(self, params: Any, x: Any, y: Any) -> Any:
        """Mean cross-entropy on the samples, natural logarithm.

        Args:
            params: one vector (P,) or k vectors (k, P), float64.
            x: features, shape (m, d), float64.
            y: labels 0 ... C-1, shape (m,), int.

        Returns:
            A float for one vector, an array (k,) for k vectors.

        Raises:
            InvalidUpdate: sizes that do not fit the model.
        """
        w, features, labels = self._check(params, x, y)

        def mean_loss(logits: np.ndarray) -> np.ndarray:
            picked = np.take_along_axis(logits, labels[None, :, None], axis=2)[..., 0]  # (k, m)
            return (_log_sum_exp(logits) - picked).mean(axis=1)

        return self._evaluate(w, features, mean_loss)

    def accuracy(self, params: Any, x: Any, y: Any) -> Any:
        """Share of samples whose largest logit is that of their label; arguments and shapes as in `loss`."""
        w, features, labels = self._check(params, x, y)
        return self._evaluate(w, features, lambda logits: (logits.argmax(axis=2) == labels).mean(axis=1))

    def predict(self, params: Any, x: Any) -> np.ndarray:
        """Most likely class of each sample: (m,) int for one vector (P,), (k, m) for k vectors."""
        w, features, _ = self._check(params, x, np.zeros(len(x), dtype=np.int64))
        return self._evaluate(w, features, lambda logits: logits.argmax(axis=2))

    def gradient(self, params: Any, x: Any, y: Any) -> np.ndarray:
        """Gradient of `loss`, shape of `params`; arguments as in `loss`."""
        w, features, labels = self._check(params, x, y)
        rows = w.reshape(-1, self.n_params)
        weights = np.full((1, len(labels)), 1.0 / len(labels))
        step = self._chunk(len(labels))
        chunks = [
            self._backward(rows[i : i + step], features[None], labels[None], weights) for i in range(0, len(rows), step)
        ]
        return np.concatenate(chunks).reshape(w.shape)

    def client_gradients(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradients of k models, each on its own samples: the inner step of training many clients at once.

        Row k of the result is the gradient of sum_j weights_kj l(f_k(x_kj), y_kj). Weight 0 removes a sample, which
        is how clients with fewer samples than others are padded.

        Args:
            params: k vectors, shape (k, P), float64.
            x: features, shape (k, m, d), float64.
            y: labels 0 ... C-1, shape (k, m), int.
            weights: sample weights, shape (k, m), float64; 1 / n_k makes the sum a mean.

        Returns:
            Gradients, shape (k, P), float64.

        Raises:
            InvalidUpdate: sizes that do not fit the model or each other.
        """
        k, m = y.shape
        if params.shape != (k, self.n_params) or x.shape != (k, m, self.n_features) or weights.shape != (k, m):
            raise InvalidUpdate(
                f"params {params.shape}, x {x.shape}, y {y.shape}, weights {weights.shape}: expected "
                f"({k}, {self.n_params}), ({k}, {m}, {self.n_features}), ({k}, {m}), ({k}, {m})."
            )
        return self._backward(params, x, y, weights)

    def _chunk(self, n_samples: int) -> int:
        return max(1, CHUNK_FLOATS // max(1, n_samples * self._floats_per_sample))

    def _evaluate(self, w: np.ndarray, features: np.ndarray, summary: Any) -> Any:
        rows = w.reshape(-1, self.n_params)
        step = self._chunk(len(features))
        parts = [summary(self._logits(rows[i : i + step], features[None])) for i in range(0, len(rows), step)]
        values = np.concatenate(parts)
        if w.ndim == 2:
            return values
        return values[0] if values.ndim == 2 else float(values[0])

    def _check(self, params: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w, features, labels = np.asarray(params, dtype=np.float64), np.asarray(x, dtype=np.float64), np.asarray(y)
        if w.ndim not in (1, 2) or w.shape[-1] != self.n_params:
            raise InvalidUpdate(
                f"params has shape {w.shape}: {self!r} needs ({self.n_params},) or (k, {self.n_params})."
            )
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise InvalidUpdate(f"x has shape {features.shape}: {self!r} needs (m, {self.n_features}).")
        if labels.shape != (len(features),) or len(labels) == 0:
            raise InvalidUpdate(
                f"y has shape {labels.shape} for {len(features)} samples: one label each, at least one."
            )
        if labels.min() < 0 or labels.max() >= self.n_classes:
            raise InvalidUpdate(
                f"labels run from {labels.min()} to {labels.max()}: they must be 0 to {self.n_classes - 1}."
            )
        return w, features, labels


class LogisticRegression(Model):
    """Two classes: P(y = 1 | x) = 1 / (1 + exp(-(w . x + b))), parameters (w, b), P = d + 1.

    >>> LogisticRegression(30).n_params
    31
    """

    def __init__(self, n_features: int) -> None:
        self.n_features, self.n_classes, self.n_params = n_features, 2, n_features + 1

    def __repr__(self) -> str:
        return f"LogisticRegression({self.n_features})"

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """The zero vector: the loss is convex, so the start decides nothing."""
        return np.zeros(self.n_params)

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

    def __repr__(self) -> str:
        return f"SoftmaxRegression({self.n_features}, {self.n_classes})"

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """The zero vector: the loss is convex, so the start decides nothing."""
        return np.zeros(self.n_params)

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        weight, bias = _split(params, (self.n_classes, self.n_features), (self.n_classes,))
        return _affine(x, weight, bias)

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        residual = _softmax_residual(self._logits(params, x), y, weights)
        gradient = np.empty_like(params)
        slope, offset = _split(gradient, (self.n_classes, self.n_features), (self.n_classes,))
        np.matmul(residual.swapaxes(1, 2), x, out=slope)
        residual.sum(axis=1, out=offset)
        return gradient


class MLP(Model):
    """One hidden layer of ReLU units: logits W2 max(W1 x + b1, 0) + b2, parameters (W1, b1, W2, b2).

    >>> MLP(64, 32, 10).n_params
    2410
    """

    def __init__(self, n_features: int, n_hidden: int, n_classes: int) -> None:
        self.n_features, self.n_hidden, self.n_classes = n_features, n_hidden, n_classes
        self._shapes = ((n_hidden, n_features), (n_hidden,), (n_classes, n_hidden), (n_classes,))
        self.n_params = sum(int(np.prod(shape)) for shape in self._shapes)

    def __repr__(self) -> str:
        return f"MLP({self.n_features}, {self.n_hidden}, {self.n_classes})"

    @property
    def _floats_per_sample(self) -> int:
        return self.n_hidden + self.n_classes

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """He initialization: W ~ N(0, 2 / fan-in), biases zero."""
        return _he_init(self._shapes, rng)

    def _forward(self, params: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w1, b1, w2, b2 = _split(params, *self._shapes)
        hidden = _affine(x, w1, b1)
        np.maximum(hidden, 0.0, out=hidden)
        return hidden, _affine(hidden, w2, b2)

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        return self._forward(params, x)[1]

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        hidden, logits = self._forward(params, x)
        residual = _softmax_residual(logits, y, weights)  # (k, m, C)
        w2 = _split(params, *self._shapes)[2]
        back = residual @ w2  # (k, m, H)
        back *= hidden > 0
        gradient = np.empty_like(params)
        g1, h1, g2, h2 = _split(gradient, *self._shapes)
        np.matmul(back.swapaxes(1, 2), x, out=g1)
        back.sum(axis=1, out=h1)
        np.matmul(residual.swapaxes(1, 2), hidden, out=g2)
        residual.sum(axis=1, out=h2)
        return gradient


class ConvNet(Model):
    """A small convolutional network: twice (3 x 3 convolution, ReLU, 2 x 2 maximum), then a linear layer.

    k networks run as one grouped convolution: client k's channels form group k. Gradients come from PyTorch's
    autograd of the summed loss; the clients share no parameter, so the sum's gradient is each client's own.

    Args:
        height: image height; 1 for signals such as MNIST-1D.
        width: image width; d = height * width.
        n_classes: number of classes C.
        channels: channels after the first and the second convolution.

    >>> ConvNet(8, 8, 10).n_params
    1898
    """

    def __init__(self, height: int, width: int, n_classes: int, channels: tuple[int, int] = (8, 16)) -> None:
        if width < 4 or (height < 4 and height != 1):
            raise InvalidUpdate(
                f"image {height} x {width} is too small: two poolings need 4 pixels a side (or height 1)."
            )
        self.height, self.width, self.n_classes = height, width, n_classes
        self.n_features = height * width
        self.channels = channels
        self._pool = (1, 2) if height == 1 else (2, 2)
        pixels = max(height // 4, 1) * (width // 2 // 2)
        self._shapes: tuple[tuple[int, ...], ...] = (
            (channels[0], 1, 3, 3),
            (channels[0],),
            (channels[1], channels[0], 3, 3),
            (channels[1],),
            (n_classes, channels[1] * pixels),
            (n_classes,),
        )
        self.n_params = sum(int(np.prod(shape)) for shape in self._shapes)

    def __repr__(self) -> str:
        return f"ConvNet({self.height}, {self.width}, {self.n_classes})"

    @property
    def _floats_per_sample(self) -> int:
        return self.n_features * (sum(self.channels) + 1)

    def init(self, *, rng: np.random.Generator) -> np.ndarray:
        """He initialization: W ~ N(0, 2 / fan-in), biases zero."""
        return _he_init(self._shapes, rng)

    def _torch_logits(self, params: Any, x: Any) -> Any:
        import torch.nn.functional as F

        k, m = len(params), x.shape[1]
        w1, b1, w2, b2, w3, b3 = _split(params, *self._shapes)
        images = x.reshape(len(x), m, self.height, self.width).expand(k, -1, -1, -1)
        z = images.transpose(0, 1)  # (m, k, height, width): one input channel a client
        for weight, bias in ((w1, b1), (w2, b2)):
            z = F.conv2d(z, weight.reshape(-1, *weight.shape[2:]), bias.reshape(-1), padding=1, groups=k)
            z = F.max_pool2d(F.relu(z), self._pool)
        z = z.reshape(m, k, -1).transpose(0, 1)  # (k, m, features)
        return _affine(z, w3, b3)

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        import torch

        with torch.no_grad():
            return self._torch_logits(torch.tensor(params), torch.tensor(x)).numpy()

    def _backward(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        step = self._chunk(x.shape[1])
        shared = len(x) == 1
        gradients = [
            self._backward_chunk(params[i : i + step], *((a if shared else a[i : i + step]) for a in (x, y, weights)))
            for i in range(0, len(params), step)
        ]
        return np.concatenate(gradients)

    def _backward_chunk(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        import torch

        w = torch.tensor(params, requires_grad=True)
        log_p = self._torch_logits(w, torch.tensor(x)).log_softmax(dim=2)
        labels = torch.tensor(np.asarray(y, dtype=np.int64))[..., None].expand(len(w), -1, -1)
        picked = log_p.gather(2, labels)[..., 0]
        return torch.autograd.grad(-(picked * torch.tensor(weights)).sum(), w)[0].numpy()


# ---------------------------------------------------------------- pieces


def _split(params: Any, *shapes: tuple[int, ...]) -> list[Any]:
    """Views of the blocks of flat vectors (k, P), each reshaped to (k, *shape); NumPy arrays or torch tensors."""
    blocks, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        blocks.append(params[:, start : start + size].reshape(len(params), *shape))
        start += size
    return blocks


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    """x W^T + b for each of k models: (k or 1, m, d), (k, c, d), (k, c) -> (k, m, c)."""
    z = x @ weight.swapaxes(1, 2)
    z += bias[:, None, :]
    return z


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    top = logits.max(axis=2)
    return top + np.log(np.exp(logits - top[..., None]).sum(axis=2))


def _softmax_residual(logits: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """weights * (softmax(logits) - onehot(y)), the gradient of the weighted loss in the logits, (k, m, C)."""
    k, m, c = logits.shape
    # classes first: maxima and sums over classes then run along contiguous rows, two to three times as fast
    z = np.ascontiguousarray(logits.transpose(2, 0, 1))  # (C, k, m)
    z -= z.max(axis=0)
    np.exp(z, out=z)
    z /= z.sum(axis=0)
    z.reshape(c, k * m)[np.broadcast_to(y, (k, m)).reshape(-1), np.arange(k * m)] -= 1.0
    z *= weights
    return z.transpose(1, 2, 0)


def _he_init(shapes: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> np.ndarray:
    blocks = []
    for shape in shapes:
        if len(shape) == 1:
            blocks.append(np.zeros(shape))
        else:
            fan_in = int(np.prod(shape[1:]))
            blocks.append((rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).reshape(-1))
    return np.concatenate(blocks)
