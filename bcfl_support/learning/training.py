"""Local training and the loop around it: every client of a round trains a copy of the global model, all in one batch.

    w_i ← w, then S times  w_i ← w_i − lr · ∇L_i(w_i)             local training on client i's own samples
    g_i = w_i − w                                                 its update
    g = Σ p_i g_i,   p_i = n_i / N,   w ← w + g                   FedAvg (McMahan et al. 2017, arXiv 1602.05629)

The clients' parameters are the rows of one array, and a step is a few batched matrix products; the result is that of
training them one after another, to about 1e-15. `play_rounds` is the loop of all that trains for rounds;
ARCHITECTURE names the exceptions, two benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from bcfl_support.checks import check_generator, check_order, check_range, check_whole, freeze, to_array, to_floats
from bcfl_support.errors import InvalidInput
from bcfl_support.learning.aggregators import fedavg
from bcfl_support.learning.columns import check_labels
from bcfl_support.learning.datasets import FederatedData
from bcfl_support.learning.models import Model
from bcfl_support.learning.updates import LARGEST, Round, check_finite

_AT_ONCE = 120  # models whose parameters and gradients stay in the cache

Draw = tuple[np.ndarray, np.ndarray]
"""Row numbers (k, b) of k clients' samples for one step, and the weights (k, b) of these samples."""


def play_rounds(
    params: np.ndarray,
    rounds: int,
    work: Callable[[int, np.ndarray, np.ndarray], Round],
    *,
    aggregate: Callable[[Round], np.ndarray] = lambda seen: fedavg(seen.updates, seen.samples),
) -> Iterator[Round]:
    """Play rounds: clients work, the server averages, w ← w + g. Whoever iterates scores, pays and watches.

    Args:
        params: global parameters w before the first round, shape (…, P); leading axes are batches (seeds, runs).
        rounds: number of rounds.
        work: (number from 1, w, the last round's g) → the round: who took part, and what they sent.
        aggregate: what the server makes of the round, g of the shape of w.

    Yields:
        Each round with its `step` g; w is advanced before the next round's work begins.

    Raises:
        InvalidInput: what `work` sent does not fit `aggregate`; FedAvg takes no round without a client. Or the step is
            not of the shape of w, or not finite.
    """
    previous = np.zeros_like(params)
    for number in range(1, rounds + 1):
        seen = work(number, params, previous)
        step = freeze(to_floats(f"the step of round {number}", aggregate(seen)))  # it may write into its array anew
        if step.shape != np.shape(params):
            raise InvalidInput(f"aggregate gave shape {step.shape} in round {number}: give {np.shape(params)}, as w.")
        check_finite(step, "look at what the clients sent and how it is averaged", f"the step of round {number}")
        yield replace(seen, step=step)
        params, previous = params + step, step


def local_updates(
    model: Model,
    params: np.ndarray,
    data: FederatedData,
    *,
    steps: int | np.ndarray,
    lr: float,
    batch_size: int | None = None,
    clients: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    rng: Generator,
) -> np.ndarray:
    """Train every client of a round from the same global model, all of them in one batch.

    Memory grows with k · P: three float64 arrays of that size, and one padded copy of the samples in use, at most
    twice their size.

    Args:
        model: gives the gradients.
        params: global parameters w, shape (P,), float64; or (T, P) for T federations of these clients that train on
            the same mini-batches.
        data: the clients' samples.
        steps: gradient steps S; an array (k,) gives each client its own number (a straggler does fewer, 0 gives a
            zero update).
        lr: learning rate, positive.
        batch_size: samples a step, drawn without replacement within a step and anew for every step; None, and every
            client with no more samples than that, uses all of its samples.
        clients: numbers of the k clients that take part, distinct; None for all.
        labels: what the clients take for labels in place of `data.y`, shape (N,) or (T, N).
        rng: source of the mini-batches; not read when `batch_size` is None.

    Returns:
        Updates g_i = w_i − w, shape (k, P) or (T, k, P), float64, in the order of `clients`.

    Raises:
        InvalidInput: an unknown or repeated client, sizes that do not fit, steps that pandas calls by other names or in
            another order than those of the clients, a `batch_size` and no generator, or
            training that left the finite numbers (lr too large).
    """
    params, lr = to_floats("params", params), check_range("lr", lr, 0, above=True).item()
    chosen, todo = _check_training(model, params, data, steps, batch_size, clients, rng)
    starts, answers = np.atleast_2d(params), np.atleast_2d(data.y if labels is None else to_array("labels", labels))
    answers = _check_labels(model, data, answers, len(starts))
    updates = np.empty((len(starts), len(chosen), model.n_params))
    at_once = max(1, _AT_ONCE // len(chosen))
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below, with its cause
        for group, draws in _plan(data.sizes, chosen, todo, lr, batch_size, rng):
            for first in range(0, len(starts), at_once):
                part = slice(first, first + at_once)
                y = np.broadcast_to(answers, (len(starts), answers.shape[1]))[part]
                moved = descend(model, starts[part, None], data.x, y, todo[group], draws)
                if moved.shape == updates.shape:
                    updates = moved  # all there is, and no copy of it
                else:
                    updates[part, group] = moved
    check_finite(
        updates, f"training with lr {lr:g} diverged: use a smaller learning rate or fewer steps", largest=LARGEST
    )
    return updates if params.ndim > 1 else updates[0]


def descend(
    model: Model, starts: np.ndarray, x: np.ndarray, y: np.ndarray, steps: np.ndarray, draws: Sequence[Draw]
) -> np.ndarray:
    """Gradient descent of T · k models from where each starts, in one batch; who is done drops out.

    Args:
        model: gives the gradients.
        starts: parameters, shape (T, k, P), or (T, 1, P) where all k start alike.
        x: features, shape (N, d).
        y: labels, shape (T, N).
        steps: steps of each client, shape (k,).
        draws: the samples of each step and their weights, the learning rate included (a gradient is linear in the
            weights of its samples); the last ones serve all further steps.

    Returns:
        How far each model moved, shape (T, k, P).
    """
    federations = len(starts)
    moved = np.empty((federations, len(steps), starts.shape[-1]))
    moved[:] = starts

    def each(values: np.ndarray) -> np.ndarray:  # the same for all federations: (k, …) → (T · k, …)
        return values if federations == 1 else np.concatenate([values] * federations)

    active = np.arange(0)
    for step in range(int(steps.max(initial=0))):
        left = np.flatnonzero(steps > step)
        if step < len(draws) or len(left) < len(active):
            active = left
            rows, weights = (drawn[active] for drawn in draws[min(step, len(draws) - 1)])
            batch = each(x[rows]), y[:, rows].reshape(-1, rows.shape[1]), each(weights)
        place = (slice(None), slice(None) if len(active) == len(steps) else active)
        gradients = model.client_gradients(moved[place].reshape(-1, moved.shape[-1]), *batch)
        moved[place] -= gradients.reshape(federations, len(active), -1)
    moved -= starts
    return moved


def draw_batches(sizes: np.ndarray, batch_size: int, *, rng: Generator) -> Draw:
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
    rows, weights = _first_rows(sizes, np.arange(len(sizes)), batch_size)
    return shuffled[rows], weights


# ---------------------------------------------------------------- pieces


def _plan(
    sizes: np.ndarray, chosen: np.ndarray, steps: np.ndarray, lr: float, batch_size: int | None, rng: Generator
) -> Iterator[tuple[np.ndarray, list[Draw]]]:
    """Which of the chosen clients train together, and on which samples in each step."""
    if batch_size is None:
        for group in _similar_sizes(sizes[chosen]):
            rows, weights = _first_rows(sizes, chosen[group], int(sizes.max()))
            yield group, [(rows, lr * weights)]
        return
    # drawn for all clients, so that a client's batches do not depend on who else takes part
    drawn = [draw_batches(sizes, batch_size, rng=rng) for _ in range(int(steps.max()))]
    yield np.arange(len(chosen)), [(rows[chosen], lr * weights[chosen]) for rows, weights in drawn]


def _first_rows(sizes: np.ndarray, chosen: np.ndarray, most: int) -> Draw:
    """Row numbers (k, b) of at most `most` samples of each chosen client, and weights 1 / min(most, n_i) or 0."""
    first = (np.cumsum(sizes) - sizes)[chosen, None]
    count = np.minimum(sizes[chosen, None], most)
    place = np.arange(int(count.max()))
    real = place < count
    return np.where(real, first + place, first), real / count


def _similar_sizes(sizes: np.ndarray) -> list[np.ndarray]:
    """Groups of clients such that padding to the largest of a group at most doubles the work."""
    if len(sizes) * int(sizes.max()) <= 2 * int(sizes.sum()):
        return [np.arange(len(sizes))]
    magnitude = np.frexp(sizes)[1]  # number of binary digits
    return [np.flatnonzero(magnitude == m) for m in np.unique(magnitude)]


def _check_labels(model: Model, data: FederatedData, answers: np.ndarray, federations: int) -> np.ndarray:
    if answers.shape[1:] != data.y.shape or len(answers) not in (1, federations):
        wanted = f"one of the {len(data.y)} samples each, in one row or in {federations}"
        raise InvalidInput(f"labels have shape {answers.shape}: give {wanted}.")
    return check_labels(answers, model.n_classes, "labels")


def _check_training(
    model: Model,
    params: np.ndarray,
    data: FederatedData,
    steps: Any,
    batch_size: int | None,
    clients: Any,
    rng: Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """The chosen clients' numbers and step counts, both (k,) int64, after all checks."""
    n = len(data.sizes)
    if params.ndim not in (1, 2) or params.shape[-1] != model.n_params:
        raise InvalidInput(f"params has shape {params.shape}: {model!r} needs ({model.n_params},), or T such rows.")
    check_finite(params, "look at what made it", "params")
    if batch_size is not None:
        batch_size = check_whole("batch_size", batch_size, 1, why="None takes all samples")
        check_generator(rng)
    chosen = np.arange(n) if clients is None else check_range("clients", clients, 0, n - 1, many=True, whole=True)
    if chosen.ndim != 1 or not 0 < len(chosen) == np.isin(np.arange(n), chosen).sum():
        raise InvalidInput(f"clients is {chosen.tolist()}: name at least one of clients 0 to {n - 1}, each once.")
    check_order("steps", steps, [data.names[i] for i in chosen] if data.names else chosen)
    todo = check_range("steps", steps, 0, many=True, whole=True)
    if todo.shape not in ((), (len(chosen),)):
        raise InvalidInput(f"steps is {steps}: use one number or {len(chosen)} of them.")
    return chosen, np.broadcast_to(todo, chosen.shape)
