"""Aggregators: what a server makes of a round's updates, FedAvg and those that tolerate Byzantine clients.

    g = A(g_1, …, g_n)        updates (…, n, P) → (…, P)

Robust aggregators take every client for one vote: a weight by declared sample counts would hand them to whoever
declares most. What they give up is told in each docstring. `AGGREGATORS` has them by name, as functions of a
`updates.Round`.

Every function is pure. Leading axes are batches (seeds, runs).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bcfl_support.checks import check_range, check_whole
from bcfl_support.learning.updates import (
    Round,
    check_round,
    check_updates,
    check_vector,
    clip_norms,
    compute_cosines,
    compute_lengths,
    compute_median_norm,
    compute_square_distances,
    divide_or_zero,
)


def fedavg(updates: Any, samples: Any) -> np.ndarray:
    """Average updates by sample count: g = Σ (n_i / N) g_i.

    The counts are taken as given. In an open federation they are the clients' own claims; the contracts tie them to
    a stake.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.

    Returns:
        The global update g, shape (…, P), float64. With n = 1 it is the client's own update.

    Raises:
        InvalidInput: wrong shapes, a count below 1, or an entry that is NaN or infinite.

    >>> fedavg([[1.0, 0.0], [0.0, 4.0]], [1, 3]).tolist()
    [0.25, 3.0]
    """
    rows, weights = check_round(updates, samples)
    return np.vecmat(weights, rows)


def coordinate_median(updates: Any) -> np.ndarray:
    """Median of every coordinate (Yin et al. 2018, arXiv 1803.01498). Tolerates fewer than n / 2 Byzantine clients.

    With skewed data a coordinate that only a minority has reason to move stays still.

    Args:
        updates: shape (…, n, P), float64.

    Returns:
        The aggregate, shape (…, P); for even n the mean of the two middle values.

    Raises:
        InvalidUpdate: wrong shapes, or an entry that is NaN or infinite.

    >>> coordinate_median([[1.0, 9.0], [2.0, 0.0], [99.0, 1.0]]).tolist()
    [2.0, 1.0]
    """
    return np.median(check_updates(updates), axis=-2)


def trimmed_mean(updates: Any, *, trim: int) -> np.ndarray:
    """Mean of every coordinate without its `trim` largest and smallest values (arXiv 1803.01498).

    Args:
        updates: shape (…, n, P), float64.
        trim: values left out at each end, 0 ≤ trim < n / 2.

    Returns:
        The aggregate, shape (…, P); with trim 0 the mean.

    Raises:
        InvalidInput: trim that leaves nothing, wrong shapes, or an entry that is NaN or infinite.

    >>> trimmed_mean([[0.0], [1.0], [2.0], [99.0]], trim=1).tolist()
    [1.5]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    trim = check_whole("trim", trim, 0, (n - 1) // 2, why=f"of {n} updates fewer than half go at each end")
    return np.sort(rows, axis=-2)[..., trim : n - trim, :].mean(axis=-2)


def multi_krum(updates: Any, *, attackers: int, selected: int | None = None) -> np.ndarray:
    """Multi-Krum: mean of the updates closest to their nearest others; `selected=1` is Krum (arXiv 1703.02757).

    An update's badness is the sum of its squared distances to its n − f − 2 nearest others. What is left out is left
    out whole: under skewed data those are honest clients with rare classes.

    Args:
        updates: shape (…, n, P), float64.
        attackers: f, the number of Byzantine clients provided for, with 2f + 2 < n (the theorem's condition).
        selected: how many of the least bad are averaged, 1 to n; None for n − f. Krum is in the comparison with byzfl.

    Returns:
        The aggregate, shape (…, P).

    Raises:
        InvalidInput: too many Byzantine clients for n, `selected` out of range, wrong shapes, or an entry that is NaN
            or infinite.

    >>> multi_krum([[0.0], [1.0], [2.0], [3.0], [99.0]], attackers=1).tolist()
    [1.5]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    check_whole("the number of updates", n, 3, why="Krum needs n > 2 f + 2")
    attackers = check_whole("attackers", attackers, 0, (n - 3) // 2, why=f"Krum needs n > 2 f + 2, and n is {n}")
    count = check_whole("selected", n - attackers if selected is None else selected, 1, n)
    badness = np.sort(compute_square_distances(rows), axis=-1)[..., 1 : n - attackers - 1].sum(axis=-1)
    chosen = np.sort(np.argsort(badness, axis=-1, kind="stable")[..., :count], axis=-1)
    return np.take_along_axis(rows, chosen[..., None], axis=-2).mean(axis=-2)


def geometric_median(updates: Any, *, iterations: int = 1_000) -> np.ndarray:
    """Geometric median: argmin_z Σ ‖g_i − z‖, by Weiszfeld's iteration (Pillutla et al. arXiv 1912.13445).

        z ← Σ b_i g_i / Σ b_i,   b_i = 1 / max(‖g_i − z‖, 10⁻⁶ d),   from the coordinate median z₀

    d is the median of ‖g_i − z₀‖. It ends with a step shorter than 10⁻¹⁰ d. Tolerates fewer than n / 2 Byzantine
    clients, however long their updates: z₀ does, and no step increases the sum, in which they are outnumbered. Unlike
    the coordinate median it turns with the axes.

    Args:
        updates: shape (…, n, P), float64.
        iterations: most steps; the result of none is the coordinate median.

    Returns:
        The aggregate, shape (…, P).

    Raises:
        InvalidInput: a negative number of iterations, wrong shapes, or an entry that is NaN or infinite.

    >>> geometric_median([[0.0, 0.0], [0.0, 0.0], [9.0, 0.0]]).round(4).tolist()
    [0.0, 0.0]
    >>> geometric_median([[0.0], [1.0], [2.0], [3.0], [1e155]]).tolist()
    [2.0]
    """
    rows, z = check_updates(updates), coordinate_median(updates)
    unit = np.maximum(np.median(compute_lengths(rows - z[..., None, :]), axis=-1, keepdims=True), 1e-280)
    for _ in range(check_whole("iterations", iterations, 0)):
        pull = 1e-6 * unit / np.maximum(compute_lengths(rows - z[..., None, :]), 1e-6 * unit)
        step = np.vecmat(pull / pull.sum(axis=-1, keepdims=True), rows) - z
        moves = compute_lengths(step)[..., None] > 1e-10 * unit  # who has arrived stays, whatever else is in the batch
        if not moves.any():
            break
        z = np.where(moves, z + step, z)
    return z


def centered_clipping(updates: Any, *, center: Any, radius: Any) -> np.ndarray:
    """Centered clipping: v + mean_i (g_i − v)·min(1, radius / ‖g_i − v‖) (Karimireddy et al. arXiv 2012.10333).

    `center` is the last round's aggregate: what an attacker gains it must gain slowly, over rounds. Feed the result
    back as the center for more of the paper's iterations.

    Args:
        updates: shape (…, n, P), float64.
        center: v, shape (P,) or (…, P).
        radius: how far one client may pull, a number or (…), not negative.

    Returns:
        The aggregate, shape (…, P).

    Raises:
        InvalidInput: a negative radius, wrong shapes, or an entry that is NaN or infinite.

    >>> centered_clipping([[1.0], [3.0], [100.0]], center=[0.0], radius=2.0).round(4).tolist()
    [1.6667]
    """
    rows, limit = check_updates(updates), check_range("radius", radius, 0, many=True, why="it is a length")
    value = check_vector(center, updates, "center")
    return value + clip_norms(rows - value[..., None, :], clip=limit).mean(axis=-2)


def mix_neighbors(updates: Any, *, attackers: int) -> np.ndarray:
    """NNM: replace every update by the mean of its n − f nearest, itself included (Allouah et al. arXiv 2302.01772).

    A step before another aggregator: it narrows the honest spread in which an attacker hides.

    Args:
        updates: shape (…, n, P), float64.
        attackers: f, 0 ≤ f < n / 2.

    Returns:
        Mixed updates, shape (…, n, P).

    Raises:
        InvalidInput: f out of range, wrong shapes, or an entry that is NaN or infinite.

    >>> mix_neighbors([[0.0], [1.0], [99.0]], attackers=1).tolist()
    [[0.5], [0.5], [50.0]]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    attackers = check_whole("attackers", attackers, 0, (n - 1) // 2, why=f"NNM needs fewer than half of {n}")
    nearest = np.argsort(compute_square_distances(rows), axis=-1, kind="stable")[..., : n - attackers]
    mixing = np.zeros((*rows.shape[:-2], n, n))
    np.put_along_axis(mixing, nearest, 1.0 / (n - attackers), axis=-1)
    return mixing @ rows


def fltrust(updates: Any, *, root_update: Any) -> np.ndarray:
    """FLTrust: average with weights ReLU(cos(g_i, r)), every update at length ‖r‖ (Cao et al. arXiv 2012.13995).

    r is the update of the server's own small, clean "root" data set. Tolerates any number of Byzantine
    clients, and trusts the root.

    Args:
        updates: shape (…, n, P), float64.
        root_update: r, shape (P,) or (…, P).

    Returns:
        The aggregate, shape (…, P); zero when no update points along r.

    Raises:
        InvalidUpdate: wrong shapes, or an entry that is NaN or infinite.

    >>> fltrust([[9.0, 0.0], [0.0, 5.0], [-1.0, 0.0]], root_update=[2.0, 0.0]).tolist()
    [2.0, 0.0]
    """
    rows = check_updates(updates)
    root = check_vector(root_update, updates, "root_update")
    trust = np.maximum(compute_cosines(rows, root), 0.0)
    share = divide_or_zero(trust, trust.sum(axis=-1, keepdims=True))
    factors = share * divide_or_zero(compute_lengths(root)[..., None], compute_lengths(rows))
    return (factors[..., None] * rows).sum(axis=-2)


# ---------------------------------------------------------------- by name


def _centered(r: Round) -> np.ndarray:
    radius = compute_median_norm(r.updates - r.previous[..., None, :])
    return centered_clipping(r.updates, center=r.previous, radius=radius)


def _byzantine(r: Round) -> int:
    return check_whole("byzantine", r.byzantine, 1, why="provided for none, it is the plain mean")


# "norm_clip" and "centered_clipping" cut at the median length of the round's clients; a contract goes by samples.
AGGREGATORS: dict[str, Callable[[Round], np.ndarray]] = {
    "fedavg": lambda r: fedavg(r.updates, r.samples),
    "norm_clip": lambda r: fedavg(r.clipped, r.samples),
    "median": lambda r: coordinate_median(r.updates),
    "trimmed_mean": lambda r: trimmed_mean(r.updates, trim=_byzantine(r)),
    "multi_krum": lambda r: multi_krum(r.updates, attackers=_byzantine(r)),
    "geometric_median": lambda r: geometric_median(r.updates),
    "centered_clipping": _centered,
    "nnm_trimmed_mean": lambda r: trimmed_mean(mix_neighbors(r.updates, attackers=_byzantine(r)), trim=_byzantine(r)),
    "fltrust": lambda r: fltrust(r.updates, root_update=r.root),
}
"""Aggregators by name. Those that must know how many clients are Byzantine refuse a round whose `byzantine` is 0."""
