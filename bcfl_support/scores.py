"""Who pushed where everybody went: the paper's score and its relatives.

    S_i = p_i ⟨g_i, g⟩,    g = Σ p_i g_i,    p_i = n_i / N        arXiv 2502.14170; Aggregator.sol on integers

S is bilinear, which decides everything it can and cannot do:

    Σ S_i = ⟨g, g⟩ = ‖g‖²                                         a split of the squared step, entries may be < 0
    S_i = p_i ⟨g_i, g_−i⟩ + p_i² ‖g_i‖²,  g_−i = g − p_i g_i      its second part a client controls alone

S_i is the Shapley value of the additive game v(T) = ⟨Σ_{i∈T} p_i g_i, g⟩. Put −∇L in place of g and it is the
first-order Shapley value of the loss; `midpoint_scores` takes that gradient half a step ahead, which is exact for
quadratic losses. The variants other than `alignment_scores` are not the paper's; the forms of those that the paper
leaves open are this project's choice.

Every function is pure: updates (…, n, P) and sample counts (n,) or (…, n) in, scores (…, n) out; leading axes are
batches, such as seeds and runs. With one client, under FedAvg, g = g_1 and S_1 = ‖g_1‖². Updates that are all zero
score zero. `SCORES` has them by name, as functions of a `learning.Round`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bcfl_support.checks import check_alike, check_range, check_rows, check_whole
from bcfl_support.errors import InvalidUpdate
from bcfl_support.learning import (
    Round,
    check_round,
    check_updates,
    check_vector,
    clip_norms,
    compute_cosines,
    compute_lengths,
    coordinate_median,
    divide_or_zero,
    fedavg,
    rescale,
)


def alignment_scores(updates: Any, samples: Any, *, step: Any = None) -> np.ndarray:
    """The paper's score: S_i = p_i ⟨g_i, g⟩. An unnormalized dot product, not a cosine.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.
        step: g, shape (…, P); None for FedAvg's. What another aggregator made goes here.

    Returns:
        Scores, shape (…, n), float64, in the squared unit of the updates; under FedAvg they sum to ‖g‖².

    Raises:
        InvalidUpdate: wrong shapes, a count below 1, or an entry that is NaN or infinite.

    >>> alignment_scores([[2.0, 0.0], [0.0, 4.0]], [1, 3]).tolist()
    [0.25, 9.0]
    """
    rows, weights = check_round(updates, samples)
    return weights * np.matvec(rows, _step(updates, samples, step))


def cosine_scores(updates: Any, samples: Any, *, step: Any = None) -> np.ndarray:
    """Direction alone: cos(g_i, g) = ⟨g_i, g⟩ / (‖g_i‖ ‖g‖), without the weight p_i.

    Length earns nothing here, so scaling an update by k > 0 changes the score only through g. Where g_i or g is zero
    there is no angle; the score is 0.

    Args, Raises: as in `alignment_scores`.

    Returns:
        Cosines in [−1, 1], shape (…, n), float64.

    >>> cosine_scores([[3.0, 0.0], [0.0, 4.0]], [1, 1]).tolist()
    [0.6, 0.8]
    """
    rows, _ = check_round(updates, samples)
    return compute_cosines(rows, _step(updates, samples, step))


def leave_self_out_scores(updates: Any, samples: Any, *, step: Any = None) -> np.ndarray:
    """Alignment with the others: p_i ⟨g_i, g_−i⟩ with g_−i = g − p_i g_i.

    It is S_i less p_i² ‖g_i‖², the part a client pays itself. Pure noise then earns 0 on average. Under FedAvg a client
    alone scores 0: there are no others. A `step` that another aggregator made is no sum in which a client has its
    part; what is left of it then, g − p_i g_i, is not what the others sent.

    Args, Raises: as in `alignment_scores`.

    Returns:
        Scores, shape (…, n), float64, in the squared unit of the updates.

    >>> leave_self_out_scores([[2.0, 0.0], [2.0, 4.0]], [1, 3]).tolist()
    [0.75, 0.75]
    >>> leave_self_out_scores([[1.0, 0.0]], [5]).tolist()
    [0.0]
    >>> leave_self_out_scores([[1.0, 0.0]], [5], step=[3.0, 0.0]).tolist()
    [2.0]
    """
    rows, weights = check_round(updates, samples)
    squares = np.einsum("...p,...p->...", rows, rows)
    return weights * (np.matvec(rows, _step(updates, samples, step)) - weights * squares)


def clipped_scores(updates: Any, samples: Any, *, clip: Any) -> np.ndarray:
    """The paper's score on updates cut to length `clip`: S_i = p_i ⟨c_i, c⟩, c_i = g_i · min(1, clip / ‖g_i‖).

    Both sides are clipped, so the scores still split the squared norm of the (clipped) step and scaling an update
    beyond `clip` earns nothing. What it costs: a client with much to teach is cut as well.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.
        clip: largest length kept, a number or (…), not negative; `learning.compute_median_norm` is a common choice.

    Returns:
        Scores, shape (…, n), float64; they sum to ‖Σ p_i c_i‖².

    Raises:
        InvalidUpdate: as in `alignment_scores`.
        InvalidInput: a negative clip.

    >>> clipped_scores([[8.0, 0.0], [0.0, 1.0]], [1, 1], clip=2.0).tolist()
    [1.0, 0.25]
    """
    check_rows({"updates": updates, "samples": samples})  # clipping drops the names
    return alignment_scores(clip_norms(updates, clip=clip), samples)


def root_scores(updates: Any, samples: Any, *, root_update: Any) -> np.ndarray:
    """Alignment with a trusted direction r: p_i ⟨g_i, r⟩, r trained or derived on public "root" data.

    With r = −∇L(w) it is the first-order Shapley value of the root loss L. Clients cannot move r, so copying,
    scaling the majority and collusion lose their hold on the score.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.
        root_update: direction r, shape (P,) or (…, P), float64.

    Returns:
        Scores, shape (…, n), float64; they sum to ⟨g, r⟩ with FedAvg's g.

    Raises:
        InvalidUpdate: as in `alignment_scores`, or r of another length than the updates.

    >>> root_scores([[2.0, 0.0], [0.0, 4.0]], [1, 3], root_update=[1.0, -1.0]).tolist()
    [0.5, -3.0]
    """
    rows, weights = check_round(updates, samples)
    return weights * np.matvec(rows, check_vector(root_update, updates, "root_update"))


def midpoint_scores(
    updates: Any,
    samples: Any,
    *,
    params: Any,
    gradient: Callable[[np.ndarray], np.ndarray],
    step: Any = None,
    points: int = 1,
) -> np.ndarray:
    """The midpoint rule, φ_i = p_i ⟨g_i, −∇L(w + g/2)⟩: one gradient for all n clients; with more points, the integral.

        φ_i = p_i ⟨g_i, ∫₀¹ −∇L(w + t·g) dt⟩

    That is the value of Aumann and Shapley (1974) for infinitely many infinitely small clients: each joins when a share
    t of all the others has, so only the diagonal w + t·g is seen. For a quadratic L it is the Shapley value of
    v(T) = L(w) − L(w + Σ_{i∈T} p_i g_i) exactly, and one point, the midpoint, suffices.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.
        params: global parameters w before the round, shape (P,) or (…, P), float64.
        gradient: gradient of the loss L, takes and returns the shape of `params`.
        step: g, as in `alignment_scores`.
        points: Gauss–Legendre points k, one gradient each; exact along the path if L is there of degree ≤ 2k.

    Returns:
        Scores, shape (…, n), float64, in the unit of the loss; under FedAvg they sum to L(w) − L(w + g) up to the
        quadrature's error.

    Raises:
        InvalidUpdate: as in `alignment_scores`, or vectors of another length than the updates.
        InvalidInput: points < 1.

    >>> midpoint_scores([[2.0, 0.0], [0.0, 4.0]], [1, 1], params=[0.0, 0.0], gradient=lambda w: w - 1.0).tolist()
    [0.5, 0.0]
    """
    points = check_whole("points", points, 1, why="the path integral needs a point")
    rows, weights = check_round(updates, samples)
    start, way = check_vector(params, updates, "params"), _step(updates, samples, step)
    nodes, shares = np.polynomial.legendre.leggauss(points)
    places = zip((1 + nodes) / 2, shares / 2, strict=True)  # from [−1, 1] to [0, 1]
    slopes = [share * check_vector(gradient(start + t * way), rows, "gradient(w)") for t, share in places]
    return weights * np.matvec(rows, -np.sum(slopes, axis=0))


def median_reference_scores(updates: Any, samples: Any) -> np.ndarray:
    """Alignment with the coordinate median instead of the mean: p_i ⟨g_i, median⟩.

    Nobody moves the reference by length alone, but one's own length still pays, linearly.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.

    Returns:
        Scores, shape (…, n), float64, in the squared unit of the updates.

    Raises:
        InvalidUpdate: as in `alignment_scores`.

    >>> median_reference_scores([[1.0], [2.0], [9.0]], [1, 1, 2]).tolist()
    [0.5, 1.0, 9.0]
    """
    return alignment_scores(updates, samples, step=coordinate_median(updates))


def fltrust_scores(updates: Any, samples: Any, *, root_update: Any) -> np.ndarray:
    """FLTrust's trust as a score: p_i ReLU(cos(g_i, r)). The paper's penalty idea with a reference nobody can move.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.
        root_update: direction r, shape (P,) or (…, P), float64.

    Returns:
        Scores from 0 to p_i, shape (…, n), float64, without a unit.

    Raises:
        InvalidUpdate: as in `root_scores`.

    >>> fltrust_scores([[3.0, 4.0], [-1.0, 0.0]], [1, 1], root_update=[1.0, 0.0]).tolist()
    [0.3, 0.0]
    """
    rows, weights = check_round(updates, samples)
    return weights * np.maximum(compute_cosines(rows, check_vector(root_update, updates, "root_update")), 0.0)


def peer_median_scores(updates: Any, samples: Any) -> np.ndarray:
    """Peer ratings cut at their median, in the manner of Bittensor's Yuma consensus.

        W_ji = max(⟨g_j, g_i⟩, 0) / Σ_k max(⟨g_j, g_k⟩, 0), W_jj = 0     how client j rates client i
        S_i  = p_i Σ_j p_j min(W_ji, median_j W_ji)                      no rating above the weighted median counts

    A coalition holding less than half of the weight cannot lift its rating above what some honest client gives it. But
    honest clients are paid only by a majority that agrees with them: with rare data there may be none.
    Yuma's raters are stake-holders, here they are the clients; the ratings here are computed, not reported.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.

    Returns:
        Scores, shape (…, n), float64, none negative, without a unit; 0 for a client alone.

    Raises:
        InvalidUpdate: as in `alignment_scores`.

    >>> peer_median_scores([[1.0], [1.0], [-1.0]], [1, 1, 1]).round(4).tolist()
    [0.0, 0.0, 0.0]
    """
    rows, weights = check_round(updates, samples)
    agreement = np.maximum(rows @ rows.swapaxes(-1, -2), 0.0)
    n = rows.shape[-2]
    agreement[..., np.arange(n), np.arange(n)] = 0.0
    ratings = divide_or_zero(agreement, np.broadcast_to(agreement.sum(axis=-1, keepdims=True), agreement.shape))
    # the diagonal is no vote: each client is judged by the weights of the others
    voters = np.broadcast_to(weights[..., :, None], ratings.shape) * (1 - np.eye(n))
    middle = _weighted_lower_median(ratings, voters)  # (..., n)
    return weights * (voters * np.minimum(ratings, middle[..., None, :])).sum(axis=-2)


def accuracy_adjusted_scores(scores: Any, gains: Any, *, cap: float) -> np.ndarray:
    """Accuracy-adjusted alignment (our form): A_i = S_i min(max(a_i, 0), cap) / cap.

    a_i = accuracy(w + g_i) − accuracy(w) on a public validation set: what the update brings on its own. Never
    negative, so a negative score stays one and no product of two negatives earns.

    Args:
        scores: S_i, shape (…, n), float64.
        gains: a_i, shape of `scores`, float64, in units of accuracy (1 = all).
        cap: gain from which on a score counts in full, positive.

    Returns:
        Adjusted scores, shape (…, n), float64, in the unit of the scores.

    Raises:
        InvalidInput: a cap or a gain that is none, shapes or names in pandas that differ, or a score that is text, NaN
            or infinite.

    >>> accuracy_adjusted_scores([8.0, 8.0, 8.0, -8.0], [0.5, 0.05, -0.1, 0.2], cap=0.1).tolist()
    [8.0, 4.0, 0.0, -8.0]
    """
    full = check_range("cap", cap, 0, 1, above=True, why="it is a gain in accuracy, whose unit is 1")
    check_alike({"scores": scores, "gains": gains}, exact=True)
    marks, gained = check_range("scores", scores, -np.inf, many=True), check_range("gains", gains, -1, 1, many=True)
    return marks * np.clip(gained / full, 0.0, 1.0) + 0.0  # 0 · a negative score is −0.0


# ---------------------------------------------------------------- checks against copying


def compute_novelty(updates: Any, *, known: Any) -> np.ndarray:
    """How much of an update is new: 1 − ‖projection of g_i on the span of what was known‖ / ‖g_i‖.

    0 for any combination of earlier updates, 1 for one at right angles to all of them. A zero update has novelty 0.

    Args:
        updates: shape (n, P), float64.
        known: earlier updates (global or clients'), shape (r, P), at least one.

    Returns:
        Novelty in [0, 1], shape (n,).

    Raises:
        InvalidUpdate: wrong shapes, or an entry that is NaN or infinite.

    >>> compute_novelty([[2.0, 0.0], [0.0, 1.0], [3.0, 4.0]], known=[[1.0, 0.0]]).round(4).tolist()
    [0.0, 1.0, 0.4]
    """
    rows, old = check_updates(updates, largest=1e300), check_updates(known, "known")
    if rows.ndim != 2 or old.ndim != 2 or rows.shape[1] != old.shape[1]:
        raise InvalidUpdate(f"updates has shape {rows.shape}, known {old.shape}: give (n, P) and (r, P), P the same.")
    check_rows({"updates": updates, "known": known}, "column")
    left, size, _ = np.linalg.svd(rescale(old, 1.0).T, full_matrices=False)  # short ones count as long ones do
    basis = left[:, size > 1e-10 * max(size.max(initial=0.0), 1e-300)]  # (P, rank)
    inside, length = compute_lengths(rows @ basis), compute_lengths(rows)
    return np.where(length > 0, 1.0 - divide_or_zero(inside, length), 0.0).clip(0.0, 1.0)


# ---------------------------------------------------------------- by name

ACCURACY_CAP = 0.1
"""Gain in accuracy from which on "accuracy_adjusted" counts a score in full."""

SCORES: dict[str, Callable[[Round], np.ndarray]] = {
    "alignment": lambda r: alignment_scores(r.updates, r.samples, step=r.step),
    "cosine": lambda r: cosine_scores(r.updates, r.samples, step=r.step),
    "leave_self_out": lambda r: leave_self_out_scores(r.updates, r.samples, step=r.step),
    "clipped": lambda r: alignment_scores(r.clipped, r.samples),
    "clipped_self_out": lambda r: leave_self_out_scores(r.clipped, r.samples),
    "median_reference": lambda r: median_reference_scores(r.updates, r.samples),
    "peer_median": lambda r: peer_median_scores(r.updates, r.samples),
    "fltrust": lambda r: fltrust_scores(r.updates, r.samples, root_update=r.root),
    "root": lambda r: root_scores(r.updates, r.samples, root_update=r.root),
    "midpoint": lambda r: midpoint_scores(r.updates, r.samples, params=r.params, gradient=r.gradient, step=r.step),
    "clipped_midpoint": lambda r: midpoint_scores(r.clipped, r.samples, params=r.params, gradient=r.gradient),
    "accuracy_adjusted": lambda r: accuracy_adjusted_scores(
        alignment_scores(r.updates, r.samples, step=r.step), r.gains, cap=ACCURACY_CAP
    ),
}
"""Scores by name. "clipped…" clip at the round's median norm; what needs data uses the public validation set."""


# ---------------------------------------------------------------- pieces


def _step(updates: Any, samples: Any, step: Any) -> np.ndarray:
    return fedavg(updates, samples) if step is None else check_vector(step, updates, "step")


def _weighted_lower_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Along axis -2: the smallest value with at least half of the weight at or below it; (…, n, n) → (…, n)."""
    order = np.argsort(values, axis=-2, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-2)
    below = np.cumsum(np.take_along_axis(weights, order, axis=-2), axis=-2)
    # a hair of slack: half of the weight computed from thirds is still half
    first = (below >= 0.5 * below[..., -1:, :] * (1 - 1e-12)).argmax(axis=-2)
    return np.take_along_axis(ordered, first[..., None, :], axis=-2)[..., 0, :]
