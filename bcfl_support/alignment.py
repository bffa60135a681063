"""How well a client's update points where the federation goes: the paper's score and its relatives.

    S_i = p_i <g_i, g>,    g = sum_i p_i g_i,    p_i = n_i / N        arXiv 2502.14170; Aggregator.sol on integers

S is bilinear, which decides everything it can and cannot do:

    sum_i S_i = <g, g> = ||g||^2                                      a split of the squared step, entries may be < 0
    S_i = p_i <g_i, g_-i> + p_i^2 ||g_i||^2,  g_-i = g - p_i g_i      its second part a client controls alone

S_i is the Shapley value of the additive game v(C) = <sum_{i in C} p_i g_i, g>. Put -grad L in place of g and it is
the first-order Shapley value of the loss; `midpoint_scores` takes that gradient half a step ahead, which is exact for
quadratic losses. The variants other than `alignment_scores` are not the paper's.

Every function is pure: updates (n, P) and sample counts (n,) in, n scores out. With one client g = g_1 and S_1 =
||g_1||^2. Updates that are all zero score zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidUpdate
from bcfl_support.federation import check_round, compute_weights, fedavg


def alignment_scores(updates: Any, samples: Any) -> np.ndarray:
    """The paper's score: S_i = p_i <g_i, g>. An unnormalised dot product, not a cosine.

    Args:
        updates: updates g_i, shape (n, P), float64.
        samples: sample counts n_i, shape (n,), positive integers.

    Returns:
        Scores, shape (n,), float64, in the squared unit of the updates; they sum to ||g||^2.

    Raises:
        InvalidUpdate: wrong shapes, a count below 1, or an entry that is NaN or infinite.

    >>> alignment_scores([[2.0, 0.0], [0.0, 4.0]], [1, 3]).tolist()
    [0.25, 9.0]
    """
    rows, counts = check_round(updates, samples)
    return compute_weights(counts) * (rows @ fedavg(rows, counts))


def cosine_scores(updates: Any, samples: Any) -> np.ndarray:
    """Direction alone: cos(g_i, g) = <g_i, g> / (||g_i|| ||g||), without the weight p_i.

    Length earns nothing here, so scaling an update by k > 0 changes the score only through g. Where g_i or g is zero
    there is no angle; the score is 0.

    Args, Raises: as in `alignment_scores`.

    Returns:
        Cosines in [-1, 1], shape (n,), float64.

    >>> cosine_scores([[3.0, 0.0], [0.0, 4.0]], [1, 1]).tolist()
    [0.6, 0.8]
    """
    rows, counts = check_round(updates, samples)
    step = fedavg(rows, counts)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(step)
    return np.clip(_divide_or_zero(rows @ step, lengths), -1.0, 1.0)


def leave_self_out_scores(updates: Any, samples: Any) -> np.ndarray:
    """Alignment with the others: p_i <g_i, g_-i> with g_-i = sum_{j != i} p_j g_j.

    It is S_i less p_i^2 ||g_i||^2, the part a client pays itself. Pure noise then earns 0 on average. With one client
    there are no others; the score is 0.

    Args, Raises: as in `alignment_scores`.

    Returns:
        Scores, shape (n,), float64, in the squared unit of the updates.

    >>> leave_self_out_scores([[2.0, 0.0], [2.0, 4.0]], [1, 3]).tolist()
    [0.75, 0.75]
    """
    rows, counts = check_round(updates, samples)
    weights = compute_weights(counts)
    return alignment_scores(rows, counts) - weights**2 * (rows**2).sum(axis=1)


def clipped_scores(updates: Any, samples: Any, *, clip: float) -> np.ndarray:
    """The paper's score on updates cut to length `clip`: S_i = p_i <c_i, c>, c_i = g_i min(1, clip / ||g_i||).

    Both sides are clipped, so the scores still split the squared norm of the (clipped) step and scaling an update
    beyond `clip` earns nothing. What it costs: a client with much to teach is cut as well.

    Args:
        updates: updates g_i, shape (n, P), float64.
        samples: sample counts n_i, shape (n,), positive integers.
        clip: largest length kept, positive, in the unit of the updates; `median_norm` is a common choice.

    Returns:
        Scores, shape (n,), float64; they sum to ||sum_i p_i c_i||^2.

    Raises:
        InvalidUpdate: as in `alignment_scores`, or clip not positive.

    >>> clipped_scores([[8.0, 0.0], [0.0, 1.0]], [1, 1], clip=2.0).tolist()
    [1.0, 0.25]
    """
    rows, counts = check_round(updates, samples)
    return alignment_scores(clip_updates(rows, clip=clip), counts)


def root_scores(updates: Any, samples: Any, *, root_update: Any) -> np.ndarray:
    """Alignment with a trusted direction r: p_i <g_i, r>, r trained or derived on public "root" data.

    With r = -grad L(w) it is the first-order Shapley value of the root loss L. Clients cannot move r, so copying,
    scaling the majority and collusion lose their hold on the score.

    Args:
        updates: updates g_i, shape (n, P), float64.
        samples: sample counts n_i, shape (n,), positive integers.
        root_update: direction r, shape (P,), float64.

    Returns:
        Scores, shape (n,), float64; they sum to <g, r>.

    Raises:
        InvalidUpdate: as in `alignment_scores`, or r of another length than the updates.

    >>> root_scores([[2.0, 0.0], [0.0, 4.0]], [1, 3], root_update=[1.0, -1.0]).tolist()
    [0.5, -3.0]
    """
    rows, counts = check_round(updates, samples)
    return compute_weights(counts) * (rows @ _check_vector(root_update, rows.shape[1], "root_update"))


def midpoint_scores(
    updates: Any, samples: Any, *, params: Any, gradient: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The midpoint rule: phi_i = p_i <g_i, -grad L(w + g/2)>, one gradient for all n clients.

    For a quadratic loss, grad L(w + t g) is linear in t and the Shapley value of v(C) = L(w) - L(w + sum_C p_j g_j)
    is exactly phi_i; for other losses it is the one-point case of `shapley.aumann_shapley`.

    Args:
        updates: updates g_i, shape (n, P), float64.
        samples: sample counts n_i, shape (n,), positive integers.
        params: global parameters w before the round, shape (P,), float64.
        gradient: gradient of the loss L, takes and returns shape (P,).

    Returns:
        Scores, shape (n,), float64, in the unit of the loss; for a quadratic loss they sum to L(w) - L(w + g).

    Raises:
        InvalidUpdate: as in `alignment_scores`, or vectors of another length than the updates.

    >>> midpoint_scores([[2.0, 0.0], [0.0, 4.0]], [1, 1], params=[0.0, 0.0], gradient=lambda w: w - 1.0).tolist()
    [0.5, 0.0]
    """
    rows, counts = check_round(updates, samples)
    middle = _check_vector(params, rows.shape[1], "params") + 0.5 * fedavg(rows, counts)
    slope = _check_vector(gradient(middle), rows.shape[1], "gradient(w)")
    return root_scores(rows, counts, root_update=-slope)


def clip_updates(updates: Any, *, clip: float) -> np.ndarray:
    """Cut every update to length at most `clip`, direction unchanged: c_i = g_i min(1, clip / ||g_i||).

    Args:
        updates: updates g_i, shape (n, P), float64.
        clip: largest length kept, positive.

    Returns:
        Clipped updates, shape (n, P), float64.

    Raises:
        InvalidUpdate: clip not positive.

    >>> clip_updates([[3.0, 4.0], [0.0, 1.0]], clip=2.5).tolist()
    [[1.5, 2.0], [0.0, 1.0]]
    """
    if not clip > 0:
        raise InvalidUpdate(f"clip is {clip}: it is a length and must be positive.")
    rows = np.asarray(updates, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows * np.where(lengths > clip, _divide_or_zero(np.full_like(lengths, clip), lengths), 1.0)


def median_norm(updates: Any) -> float:
    """Median length of the updates: a clip that fewer than half of the clients can move at will.

    >>> median_norm([[3.0, 4.0], [0.0, 1.0], [0.0, 2.0]])
    2.0
    """
    return float(np.median(np.linalg.norm(np.asarray(updates, dtype=np.float64), axis=1)))


def _divide_or_zero(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _check_vector(values: Any, length: int, name: str) -> np.ndarray:
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (length,):
        raise InvalidUpdate(f"{name} has shape {vector.shape}: the updates have {length} parameters, so must it.")
    if not np.isfinite(vector).all():
        j = int(np.argmin(np.isfinite(vector)))
        raise InvalidUpdate(f"{name}[{j}] = {vector[j]} is not a finite number: check the root data and the model.")
    return vector
