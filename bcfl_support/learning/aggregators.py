"""Aggregators: what a server makes of a round's updates, FedAvg and those that tolerate Byzantine clients.

    g = A(g_1, …, g_n)        updates (…, n, P) → (…, P)

Robust aggregators take every client for one vote: a weight by declared sample counts would hand them to whoever
declares most. What they give up is told in each docstring. `AGGREGATORS` has them by name, as functions of a
`rounds.Round`.

Every function is pure. Leading axes are batches (seeds, runs).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidUpdate
from bcfl_support.learning.updates import (
    Round,
    average,
    check_round,
    check_updates,
    compute_clip_factors,
    compute_cosines,
    compute_lengths,
    compute_median_norm,
    compute_square_distances,
    divide_or_zero,
)


def fedavg(updates: Any, samples: Any) -> np.ndarray:
    """Average updates by sample count: g = sum_i (n_i / N) g_i.

    The counts are taken as given. In an open federation they are the clients' own claims; the contracts tie them to
    a stake.

    Args:
        updates: updates g_i, shape (…, n, P), float64.
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.

    Returns:
        The global update g, shape (…, P), float64. With n = 1 it is the client's own update.

    Raises:
        InvalidUpdate: wrong shapes, a count below 1, or an entry that is NaN or infinite.

    >>> fedavg([[1.0, 0.0], [0.0, 4.0]], [1, 3]).tolist()
    [0.25, 3.0]
    """
    rows, weights = check_round(updates, samples)
    return average(weights, rows)


def coordinate_median(updates: Any) -> np.ndarray:
    """Median of every coordinate (Yin et al. 2018, arXiv 1803.01498). Tolerates fewer than n / 2 Byzantine clients.

    With skewed data a coordinate that only a minority has reason to move stays still.

    Args:
        updates: shape (..., n, P), float64.

    Returns:
        The aggregate, shape (..., P); for even n the mean of the two middle values.

    >>> coordinate_median([[1.0, 9.0], [2.0, 0.0], [99.0, 1.0]]).tolist()
    [2.0, 1.0]
    """
    return np.median(check_updates(updates), axis=-2)


def trimmed_mean(updates: Any, *, trim: int) -> np.ndarray:
    """Mean of every coordinate without its `trim` largest and smallest values (arXiv 1803.01498).

    Args:
        updates: shape (..., n, P), float64.
        trim: values left out at each end, 0 <= trim < n / 2.

    Raises:
        InvalidUpdate: trim that leaves nothing.

    >>> trimmed_mean([[0.0], [1.0], [2.0], [99.0]], trim=1).tolist()
    [1.5]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    if trim < 0 or 2 * trim >= n:
        raise InvalidUpdate(f"trim is {trim} for {n} updates: leave out fewer than half of them at each end.")
    return np.sort(rows, axis=-2)[..., trim : n - trim, :].mean(axis=-2)


def krum_scores(updates: Any, *, attackers: int, neighbors: int | None = None) -> np.ndarray:
    """Krum's badness of each update: the sum of its squared distances to its closest others (arXiv 1703.02757).

    Args:
        updates: shape (..., n, P), float64.
        attackers: f, the number of Byzantine clients provided for, with 2 f + 2 < n (the theorem's condition).
        neighbors: others counted; None for the paper's n - f - 2.

    Returns:
        Sums, shape (..., n); small is trusted.

    Raises:
        InvalidUpdate: too many Byzantine clients for n, or neighbors out of range.

    >>> krum_scores([[0.0], [1.0], [2.0], [3.0], [99.0]], attackers=1).tolist()
    [5.0, 2.0, 2.0, 5.0, 18625.0]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    if attackers < 0 or 2 * attackers + 2 >= n:
        raise InvalidUpdate(f"attackers is {attackers} for {n} updates: Krum needs n > 2 f + 2.")
    count = n - attackers - 2 if neighbors is None else neighbors
    if not 1 <= count <= n - 1:
        raise InvalidUpdate(f"neighbors is {count}: an update has 1 to {n - 1} others.")
    return np.sort(compute_square_distances(rows), axis=-1)[..., 1 : count + 1].sum(axis=-1)


def multi_krum(
    updates: Any, *, attackers: int, selected: int | None = None, neighbors: int | None = None
) -> np.ndarray:
    """Multi-Krum: mean of the updates with the smallest Krum scores; `selected=1` is Krum (arXiv 1703.02757).

    What it leaves out is left out whole: under skewed data those are honest clients with rare classes.

    Args:
        updates: shape (..., n, P), float64.
        attackers: f, with 2 f + 2 < n.
        selected: how many are averaged, 1 to n; None for n - f.
        neighbors: as in `krum_scores`.

    Returns:
        The aggregate, shape (..., P).

    >>> multi_krum([[0.0], [1.0], [2.0], [3.0], [99.0]], attackers=1).tolist()
    [1.5]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    count = n - attackers if selected is None else selected
    if not 1 <= count <= n:
        raise InvalidUpdate(f"selected is {count}: average 1 to {n} updates.")
    order = np.argsort(krum_scores(rows, attackers=attackers, neighbors=neighbors), axis=-1, kind="stable")
    chosen = np.sort(order[..., :count], axis=-1)
    return np.take_along_axis(rows, chosen[..., None], axis=-2).mean(axis=-2)


def krum(updates: Any, *, attackers: int, neighbors: int | None = None) -> np.ndarray:
    """Krum: the one update closest to its n - f - 2 nearest others. See `multi_krum`.

    >>> krum([[0.0], [1.0], [2.1], [3.0], [99.0]], attackers=1).tolist()
    [2.1]
    """
    return multi_krum(updates, attackers=attackers, selected=1, neighbors=neighbors)


def geometric_median(updates: Any, *, smoothing: float = 1e-6, iterations: int = 50) -> np.ndarray:
    """Geometric median: argmin_z sum_i ||g_i - z||, by Weiszfeld's iteration (Pillutla et al. arXiv 1912.13445).

        z <- sum_i b_i g_i / sum_i b_i,   b_i = 1 / max(||g_i - z||, smoothing)

    Tolerates fewer than n / 2 Byzantine clients, however long their updates. Unlike the coordinate median it turns with
    the axes.

    Args:
        updates: shape (..., n, P), float64.
        smoothing: least distance, positive, in the unit of the updates.
        iterations: steps, at least 1; starts at the mean.

    Returns:
        The aggregate, shape (..., P).

    Raises:
        InvalidUpdate: smoothing or iterations not positive.

    >>> geometric_median([[0.0, 0.0], [0.0, 0.0], [9.0, 0.0]]).round(4).tolist()
    [0.0, 0.0]
    """
    rows = check_updates(updates)
    if not smoothing > 0 or iterations < 1:
        raise InvalidUpdate(f"smoothing is {smoothing}, iterations {iterations}: both must be positive.")
    # all iterates are combinations of the updates, so distances come from the n x n Gram matrix alone
    gram = rows @ rows.swapaxes(-1, -2)
    squares = np.diagonal(gram, axis1=-2, axis2=-1)
    n = rows.shape[-2]
    share = np.full((*rows.shape[:-2], n), 1.0 / n)
    for _ in range(iterations):
        towards = (gram @ share[..., None])[..., 0]  # <g_i, z>
        length = (share * towards).sum(axis=-1, keepdims=True)  # ||z||^2
        distance = np.sqrt(np.maximum(squares - 2 * towards + length, 0.0))
        share = 1.0 / np.maximum(distance, smoothing)
        share /= share.sum(axis=-1, keepdims=True)
    return (share[..., None, :] @ rows)[..., 0, :]


def centered_clipping(updates: Any, *, center: Any, radius: Any, iterations: int = 1) -> np.ndarray:
    """Centered clipping: v <- v + mean_i (g_i - v) min(1, radius / ||g_i - v||) (Karimireddy et al. arXiv 2012.10333).

    `center` is the last round's aggregate: what an attacker gains it must gain slowly, over rounds.

    Args:
        updates: shape (..., n, P), float64.
        center: v to start from, shape (..., P).
        radius: how far one client may pull, a number or (...), not negative.
        iterations: at least 1.

    Returns:
        The aggregate, shape (..., P).

    Raises:
        InvalidUpdate: negative radius or no iteration.

    >>> centered_clipping([[1.0], [3.0], [100.0]], center=[0.0], radius=2.0).round(4).tolist()
    [1.6667]
    """
    rows, limit = check_updates(updates), np.asarray(radius, dtype=np.float64)
    if (limit < 0).any() or iterations < 1:
        raise InvalidUpdate(f"radius is {radius}, iterations {iterations}: a length and at least one step.")
    value = np.asarray(center, dtype=np.float64)
    for _ in range(iterations):
        pull = rows - value[..., None, :]
        factors = compute_clip_factors(compute_lengths(pull), limit[..., None])
        value = value + (factors[..., None] * pull).mean(axis=-2)
    return value


def mix_neighbors(updates: Any, *, attackers: int) -> np.ndarray:
    """NNM: replace every update by the mean of its n - f nearest, itself included (Allouah et al. arXiv 2302.01772).

    A step before another aggregator: it narrows the honest spread in which an attacker hides.

    Args:
        updates: shape (..., n, P), float64.
        attackers: f, 0 <= f < n / 2.

    Returns:
        Mixed updates, shape (..., n, P).

    Raises:
        InvalidUpdate: f out of range.

    >>> mix_neighbors([[0.0], [1.0], [99.0]], attackers=1).tolist()
    [[0.5], [0.5], [50.0]]
    """
    rows = check_updates(updates)
    n = rows.shape[-2]
    if attackers < 0 or 2 * attackers >= n:
        raise InvalidUpdate(f"attackers is {attackers} for {n} updates: NNM needs fewer than half.")
    nearest = np.argsort(compute_square_distances(rows), axis=-1, kind="stable")[..., : n - attackers]
    mixing = np.zeros((*rows.shape[:-2], n, n))
    np.put_along_axis(mixing, nearest, 1.0 / (n - attackers), axis=-1)
    return mixing @ rows


def fltrust(updates: Any, *, root_update: Any) -> np.ndarray:
    """FLTrust: average with weights ReLU(cos(g_i, r)), every update at length ||r|| (Cao et al. arXiv 2012.13995).

    r is the update of the server's own small, clean "root" data set. Tolerates any number of Byzantine
    clients, and trusts the root.

    Args:
        updates: shape (..., n, P), float64.
        root_update: r, shape (..., P).

    Returns:
        The aggregate, shape (..., P); zero when no update points along r.

    >>> fltrust([[9.0, 0.0], [0.0, 5.0], [-1.0, 0.0]], root_update=[2.0, 0.0]).tolist()
    [2.0, 0.0]
    """
    rows, root = check_updates(updates), np.asarray(root_update, dtype=np.float64)
    trust = np.maximum(compute_cosines(rows, root), 0.0)
    lengths, size = compute_lengths(rows), compute_lengths(root)[..., None]
    share = divide_or_zero(trust, np.broadcast_to(trust.sum(axis=-1, keepdims=True), trust.shape))
    return ((share * divide_or_zero(np.broadcast_to(size, lengths.shape), lengths))[..., None] * rows).sum(axis=-2)


# ---------------------------------------------------------------- by name


def _centered(r: Round) -> np.ndarray:
    radius = compute_median_norm(r.updates - r.previous[..., None, :])
    return centered_clipping(r.updates, center=r.previous, radius=radius)


AGGREGATORS: dict[str, Callable[[Round], np.ndarray]] = {
    "fedavg": lambda r: fedavg(r.updates, r.samples),
    "norm_clip": lambda r: fedavg(r.clipped, r.samples),
    "median": lambda r: coordinate_median(r.updates),
    "trimmed_mean": lambda r: trimmed_mean(r.updates, trim=r.byzantine),
    "multi_krum": lambda r: multi_krum(r.updates, attackers=r.byzantine),
    "geometric_median": lambda r: geometric_median(r.updates, iterations=20),
    "centered_clipping": _centered,
    "nnm_trimmed_mean": lambda r: trimmed_mean(mix_neighbors(r.updates, attackers=r.byzantine), trim=r.byzantine),
    "fltrust": lambda r: fltrust(r.updates, root_update=r.descent if r.root_update is None else r.root_update),
}
"""Aggregators by name. "norm_clip" and "centered_clipping" cut at the round's median length."""
