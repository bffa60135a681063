"""Local training: every client of a round trains a copy of the global model, all of them in one batch.

    w_i <- w, then S times  w_i <- w_i - lr * grad L_i(w_i)       local training on client i's own samples
    g_i = w_i - w                                                 its update
    g = sum_i p_i g_i,   p_i = n_i / N,   w <- w + g              FedAvg (McMahan et al. 2017, arXiv 1602.05629)

All clients of a round train in one batch: their parameters are the rows of one (n, P) array and a step is a few
batched matrix products. The result is that of training them one after another, to about 1e-15.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from bcfl_support.errors import InvalidUpdate
from bcfl_support.learning.updates import check_finite


class TrainingData(Protocol):
    """What training needs of a federation's data; `datasets.FederatedData` has it.

    Attributes:
        x: features in client order, shape (N, d), float64.
        y: labels in client order, shape (N,), int64.
        sizes: sample counts n_i, shape (n,), int64, each at least 1.
    """

    @property
    def x(self) -> np.ndarray: ...

    @property
    def y(self) -> np.ndarray: ...

    @property
    def sizes(self) -> np.ndarray: ...


class Trainable(Protocol):
    """What training needs of a model; every model in `models` has it."""

    n_params: int

    def client_gradients(self, params: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradients (k, P) of k models, each on its own weighted samples."""
        ...


def local_updates(
    model: Trainable,
    params: np.ndarray,
    data: TrainingData,
    *,
    steps: int | np.ndarray,
    lr: float,
    batch_size: int | None = None,
    clients: np.ndarray | None = None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Train every client of a round from the same global model, all of them in one batch.

    Memory grows with k * P: three float64 arrays of that size, and one padded copy of the samples in use, at most
    twice their size.

    Args:
        model: gives the gradients.
        params: global parameters w, shape (P,), float64.
        data: the clients' samples.
        steps: gradient steps S; an array (k,) gives each client its own number (a straggler does fewer, 0 gives a
            zero update).
        lr: learning rate, positive.
        batch_size: samples a step, drawn without replacement within a step and anew for every step; None, and every
            client with no more samples than that, uses all of its samples.
        clients: numbers of the k clients that take part, distinct; None for all.
        rng: source of the mini-batches; not read when `batch_size` is None.

    Returns:
        Updates g_i = w_i - w, shape (k, P), float64, in the order of `clients`.

    Raises:
        InvalidUpdate: a client without samples, an unknown or repeated client, sizes that do not fit, or training
            that left the finite numbers (lr too large).
    """
    chosen, todo = _check_training(model, params, data, steps, lr, batch_size, clients)
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below, with its cause
        if batch_size is None:
            updates = _train_on_all_samples(model, params, data, chosen, todo, lr)
        else:
            updates = _train_on_batches(model, params, data, chosen, todo, lr, batch_size, rng)
    check_finite(updates, f"training with lr {lr:g} diverged: use a smaller learning rate or fewer steps")
    return updates


def draw_batches(sizes: np.ndarray, batch_size: int, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw one mini-batch for every client: min(batch_size, n_i) of its samples, without replacement.

    Args:
        sizes: sample counts n_i, shape (n,), int.
        batch_size: b, at least 1.
        rng: source of one random key for each of the N samples.

    Returns:
        (rows, weights), both (n, b): row numbers in client order, and weights 1 / min(b, n_i), 0 where a client has
        fewer than b samples.
    """
    owner = np.repeat(np.arange(len(sizes)), sizes)
    shuffled = np.lexsort((rng.random(len(owner)), owner))  # each client's rows, in random order
    place = np.arange(min(batch_size, int(sizes.max())))
    real = place < sizes[:, None]
    first = np.cumsum(sizes) - sizes
    rows = shuffled[np.where(real, first[:, None] + place, 0)]
    return rows, real / np.minimum(sizes, batch_size)[:, None]


# ---------------------------------------------------------------- pieces


def _train_on_all_samples(
    model: Trainable, params: np.ndarray, data: TrainingData, chosen: np.ndarray, steps: np.ndarray, lr: float
) -> np.ndarray:
    updates = np.empty((len(chosen), model.n_params))
    for group in _similar_sizes(data.sizes[chosen]):
        rows, weights = _all_rows(data.sizes, chosen[group])
        weights = lr * weights  # a gradient is linear in the sample weights: this makes it the step itself
        x, y = data.x[rows], data.y[rows]  # (k, m, d), (k, m)
        w = np.repeat(params[None], len(group), axis=0)
        for step in range(int(steps[group].max())):
            active = step < steps[group]
            w -= model.client_gradients(w, x, y, weights if active.all() else weights * active[:, None])
        w -= params
        updates[group] = w
    return updates


def _train_on_batches(
    model: Trainable,
    params: np.ndarray,
    data: TrainingData,
    chosen: np.ndarray,
    steps: np.ndarray,
    lr: float,
    batch_size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    w = np.repeat(params[None], len(chosen), axis=0)
    for step in range(int(steps.max())):
        # drawn for all clients, so that a client's batches do not depend on who else takes part
        rows, weights = (drawn[chosen] for drawn in draw_batches(data.sizes, batch_size, rng=rng))
        active = (step < steps)[:, None]
        w -= model.client_gradients(w, data.x[rows], data.y[rows], lr * weights * active)
    w -= params
    return w


def _all_rows(sizes: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers (k, m) of all samples of each chosen client, m the largest size, and weights 1 / n_i or 0."""
    first = (np.cumsum(sizes) - sizes)[chosen, None]
    count = sizes[chosen, None]
    place = np.arange(int(count.max()))
    real = place < count
    return np.where(real, first + place, first), real / count


def _similar_sizes(sizes: np.ndarray) -> list[np.ndarray]:
    """Groups of clients such that padding to the largest of a group at most doubles the work."""
    if len(sizes) * int(sizes.max()) <= 2 * int(sizes.sum()):
        return [np.arange(len(sizes))]
    magnitude = np.frexp(sizes)[1]  # number of binary digits
    return [np.flatnonzero(magnitude == m) for m in np.unique(magnitude)]


def _check_training(
    model: Trainable,
    params: np.ndarray,
    data: TrainingData,
    steps: int | np.ndarray,
    lr: float,
    batch_size: int | None,
    clients: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The chosen clients' numbers and step counts, both (k,) int64, after all checks."""
    n = len(data.sizes)
    if params.shape != (model.n_params,):
        raise InvalidUpdate(f"params has shape {params.shape}: {model!r} needs ({model.n_params},).")
    if np.min(data.sizes) < 1 or int(np.sum(data.sizes)) != len(data.y):
        raise InvalidUpdate(f"sizes {data.sizes.tolist()} must be at least 1 each and sum to {len(data.y)} samples.")
    if not lr > 0:
        raise InvalidUpdate(f"lr is {lr}: the learning rate must be positive.")
    if batch_size is not None and batch_size < 1:
        raise InvalidUpdate(f"batch_size is {batch_size}: use at least 1 sample a step, or None for all of them.")
    chosen = np.arange(n) if clients is None else np.asarray(clients, dtype=np.int64)
    if chosen.ndim != 1 or len(chosen) == 0 or len(np.unique(chosen)) < len(chosen):
        raise InvalidUpdate(f"clients is {chosen.tolist()}: name at least one client, each once.")
    if chosen.min() < 0 or chosen.max() >= n:
        raise InvalidUpdate(f"clients is {chosen.tolist()}: the federation has clients 0 to {n - 1}.")
    todo = np.asarray(steps, dtype=np.int64)
    if todo.shape not in ((), (len(chosen),)) or todo.min() < 0:
        raise InvalidUpdate(f"steps is {steps}: use one number or {len(chosen)} of them, none negative.")
    return chosen, np.broadcast_to(todo, chosen.shape)
