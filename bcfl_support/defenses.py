"""Defences: aggregators that bear some lies, and scores and checks that pay for them less.

    g = A(g_1, ..., g_n)      robust aggregators: no client moves g far          updates (..., n, P) -> (..., P)
    S_i = p_i <g_i, r>        scores against a reference r that is harder to move    updates, samples -> (..., n)

Robust aggregators take every client for one vote: a weight by declared sample counts would hand them to whoever
declares most. What they give up is told in each docstring. The paper averages by FedAvg and asks, as open, whether
accuracy-adjusted alignment and negative-alignment penalties help; their exact forms here are this project's choice.

Every function is pure. Leading axes are batches (seeds, runs).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bcfl_support.errors import InvalidUpdate

# ---------------------------------------------------------------- aggregators


def compute_median_norm(updates: Any) -> np.ndarray:
    """Median length of the updates, shape (...): fewer than half of the clients cannot move it beyond honest lengths.

    >>> float(compute_median_norm([[3.0, 4.0], [0.0, 1.0], [0.0, 2.0]]))
    2.0
    """
    return np.median(_lengths(_check_updates(updates)), axis=-1)


def clip_norms(updates: Any, *, clip: Any) -> np.ndarray:
    """Norm clipping: c_i = g_i min(1, clip / ||g_i||). Bounds what one client can add, not where it points.

    Args:
        updates: shape (..., n, P), float64.
        clip: largest length kept, a number or (...), not negative.

    Returns:
        Clipped updates, shape (..., n, P).

    Raises:
        InvalidUpdate: a negative clip.

    >>> clip_norms([[3.0, 4.0], [0.0, 1.0]], clip=2.5).tolist()
    [[1.5, 2.0], [0.0, 1.0]]
    """
    rows, limit = _check_updates(updates), np.asarray(clip, dtype=np.float64)
    if (limit < 0).any():
        raise InvalidUpdate(f"clip is {clip}: it is a length and must not be negative.")
    return rows * _clip_factors(_lengths(rows), limit[..., None])[..., None]


def coordinate_median(updates: Any) -> np.ndarray:
    """Median of every coordinate (Yin et al. 2018, arXiv 1803.01498). Bears fewer than n / 2 liars.

    With skewed data a coordinate that only a minority has reason to move stays still.

    Args:
        updates: shape (..., n, P), float64.

    Returns:
        The aggregate, shape (..., P); for even n the mean of the two middle values.

    >>> coordinate_median([[1.0, 9.0], [2.0, 0.0], [99.0, 1.0]]).tolist()
    [2.0, 1.0]
    """
    return np.median(_check_updates(updates), axis=-2)


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
    rows = _check_updates(updates)
    n = rows.shape[-2]
    if trim < 0 or 2 * trim >= n:
        raise InvalidUpdate(f"trim is {trim} for {n} updates: leave out fewer than half of them at each end.")
    return np.sort(rows, axis=-2)[..., trim : n - trim, :].mean(axis=-2)


def krum_scores(updates: Any, *, attackers: int, neighbours: int | None = None) -> np.ndarray:
    """Krum's badness of each update: the sum of its squared distances to its closest others (arXiv 1703.02757).

    Args:
        updates: shape (..., n, P), float64.
        attackers: f, the number of liars provided for, with 2 f + 2 < n (the theorem's condition).
        neighbours: others counted; None for the paper's n - f - 2.

    Returns:
        Sums, shape (..., n); small is trusted.

    Raises:
        InvalidUpdate: too many liars for n, or neighbours out of range.

    >>> krum_scores([[0.0], [1.0], [2.0], [3.0], [99.0]], attackers=1).tolist()
    [5.0, 2.0, 2.0, 5.0, 18625.0]
    """
    rows = _check_updates(updates)
    n = rows.shape[-2]
    if attackers < 0 or 2 * attackers + 2 >= n:
        raise InvalidUpdate(f"attackers is {attackers} for {n} updates: Krum needs n > 2 f + 2.")
    count = n - attackers - 2 if neighbours is None else neighbours
    if not 1 <= count <= n - 1:
        raise InvalidUpdate(f"neighbours is {count}: an update has 1 to {n - 1} others.")
    return np.sort(square_distances(rows), axis=-1)[..., 1 : count + 1].sum(axis=-1)


def multi_krum(
    updates: Any, *, attackers: int, selected: int | None = None, neighbours: int | None = None
) -> np.ndarray:
    """Multi-Krum: mean of the updates with the smallest Krum scores; `selected=1` is Krum (arXiv 1703.02757).

    What it leaves out is left out whole: under skewed data those are honest clients with rare classes.

    Args:
        updates: shape (..., n, P), float64.
        attackers: f, with 2 f + 2 < n.
        selected: how many are averaged, 1 to n; None for n - f.
        neighbours: as in `krum_scores`.

    Returns:
        The aggregate, shape (..., P).

    >>> multi_krum([[0.0], [1.0], [2.0], [3.0], [99.0]], attackers=1).tolist()
    [1.5]
    """
    rows = _check_updates(updates)
    n = rows.shape[-2]
    count = n - attackers if selected is None else selected
    if not 1 <= count <= n:
        raise InvalidUpdate(f"selected is {count}: average 1 to {n} updates.")
    order = np.argsort(krum_scores(rows, attackers=attackers, neighbours=neighbours), axis=-1, kind="stable")
    chosen = np.sort(order[..., :count], axis=-1)
    return np.take_along_axis(rows, chosen[..., None], axis=-2).mean(axis=-2)


def krum(updates: Any, *, attackers: int, neighbours: int | None = None) -> np.ndarray:
    """Krum: the one update closest to its n - f - 2 nearest others. See `multi_krum`.

    >>> krum([[0.0], [1.0], [2.1], [3.0], [99.0]], attackers=1).tolist()
    [2.1]
    """
    return multi_krum(updates, attackers=attackers, selected=1, neighbours=neighbours)


def geometric_median(updates: Any, *, smoothing: float = 1e-6, iterations: int = 50) -> np.ndarray:
    """Geometric median: argmin_z sum_i ||g_i - z||, by Weiszfeld's iteration (Pillutla et al. arXiv 1912.13445).

        z <- sum_i b_i g_i / sum_i b_i,   b_i = 1 / max(||g_i - z||, smoothing)

    Bears fewer than n / 2 liars, however long their updates. Unlike the coordinate median it turns with the axes.

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
    rows = _check_updates(updates)
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
    rows, limit = _check_updates(updates), np.asarray(radius, dtype=np.float64)
    if (limit < 0).any() or iterations < 1:
        raise InvalidUpdate(f"radius is {radius}, iterations {iterations}: a length and at least one step.")
    value = np.asarray(center, dtype=np.float64)
    for _ in range(iterations):
        pull = rows - value[..., None, :]
        factors = _clip_factors(_lengths(pull), limit[..., None])
        value = value + (factors[..., None] * pull).mean(axis=-2)
    return value


def mix_neighbours(updates: Any, *, attackers: int) -> np.ndarray:
    """NNM: replace every update by the mean of its n - f nearest, itself included (Allouah et al. arXiv 2302.01772).

    A step before another aggregator: it narrows the honest spread in which an attacker hides.

    Args:
        updates: shape (..., n, P), float64.
        attackers: f, 0 <= f < n / 2.

    Returns:
        Mixed updates, shape (..., n, P).

    Raises:
        InvalidUpdate: f out of range.

    >>> mix_neighbours([[0.0], [1.0], [99.0]], attackers=1).tolist()
    [[0.5], [0.5], [50.0]]
    """
    rows = _check_updates(updates)
    n = rows.shape[-2]
    if attackers < 0 or 2 * attackers >= n:
        raise InvalidUpdate(f"attackers is {attackers} for {n} updates: NNM needs fewer than half.")
    nearest = np.argsort(square_distances(rows), axis=-1, kind="stable")[..., : n - attackers]
    mixing = np.zeros((*rows.shape[:-2], n, n))
    np.put_along_axis(mixing, nearest, 1.0 / (n - attackers), axis=-1)
    return mixing @ rows


def fltrust(updates: Any, *, root_update: Any) -> np.ndarray:
    """FLTrust: average with weights ReLU(cos(g_i, r)), every update at length ||r|| (Cao et al. arXiv 2012.13995).

    r is the update of the server's own small, clean "root" data set. Bears any number of liars, and trusts the root.

    Args:
        updates: shape (..., n, P), float64.
        root_update: r, shape (..., P).

    Returns:
        The aggregate, shape (..., P); zero when no update points along r.

    >>> fltrust([[9.0, 0.0], [0.0, 5.0], [-1.0, 0.0]], root_update=[2.0, 0.0]).tolist()
    [2.0, 0.0]
    """
    rows, root = _check_updates(updates), np.asarray(root_update, dtype=np.float64)
    trust = np.maximum(compute_cosines(rows, root), 0.0)
    lengths, size = _lengths(rows), _lengths(root)[..., None]
    share = divide_or_zero(trust, np.broadcast_to(trust.sum(axis=-1, keepdims=True), trust.shape))
    return ((share * divide_or_zero(np.broadcast_to(size, lengths.shape), lengths))[..., None] * rows).sum(axis=-2)


# ---------------------------------------------------------------- scores


def median_reference_scores(updates: Any, samples: Any) -> np.ndarray:
    """Alignment with the coordinate median instead of the mean: p_i <g_i, median>.

    Nobody moves the reference by length alone, but one's own length still pays, linearly.

    Args:
        updates: shape (..., n, P), float64.
        samples: sample counts, shape (..., n), positive.

    Returns:
        Scores, shape (..., n).

    >>> median_reference_scores([[1.0], [2.0], [9.0]], [1, 1, 2]).tolist()
    [0.5, 1.0, 9.0]
    """
    rows = _check_updates(updates)
    return _shares(samples) * (rows @ coordinate_median(rows)[..., None])[..., 0]


def fltrust_scores(updates: Any, samples: Any, *, root_update: Any) -> np.ndarray:
    """FLTrust's trust as a score: p_i ReLU(cos(g_i, r)). The paper's penalty idea with a reference nobody can move.

    Args:
        updates: shape (..., n, P), float64.
        samples: sample counts, shape (..., n), positive.
        root_update: r, shape (..., P).

    >>> fltrust_scores([[3.0, 4.0], [-1.0, 0.0]], [1, 1], root_update=[1.0, 0.0]).tolist()
    [0.3, 0.0]
    """
    rows = _check_updates(updates)
    return _shares(samples) * np.maximum(compute_cosines(rows, np.asarray(root_update, dtype=np.float64)), 0.0)


def peer_median_scores(updates: Any, samples: Any) -> np.ndarray:
    """Peer ratings cut at their median, in the manner of Bittensor's Yuma consensus.

        W_ji = max(<g_j, g_i>, 0) / sum_k max(<g_j, g_k>, 0), W_jj = 0     how client j rates client i
        S_i  = p_i sum_j p_j min(W_ji, median_j W_ji)                      no rating above the weighted median counts

    A coalition holding less than half of the weight cannot lift its rating above what some honest client gives it. But
    honest clients are paid only by a majority that agrees with them: with rare data there may be none.
    Yuma's raters are stake-holders, here they are the clients; the ratings here are computed, not reported.

    Args:
        updates: shape (..., n, P), float64, n >= 2.
        samples: sample counts, shape (..., n), positive.

    Returns:
        Scores, shape (..., n), none negative.

    >>> peer_median_scores([[1.0], [1.0], [-1.0]], [1, 1, 1]).round(4).tolist()
    [0.0, 0.0, 0.0]
    """
    rows, weights = _check_updates(updates), _shares(samples)
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

    a_i = accuracy(w + g_i) - accuracy(w) on a public validation set: what the update brings on its own. Never
    negative, so a negative score stays one and no product of two negatives earns.

    Args:
        scores: S_i, shape (..., n).
        gains: a_i, shape (..., n), in units of accuracy (1 = all).
        cap: gain from which on a score counts in full, positive.

    Returns:
        Adjusted scores, shape (..., n).

    Raises:
        InvalidUpdate: cap not positive.

    >>> accuracy_adjusted_scores([8.0, 8.0, 8.0, -8.0], [0.5, 0.05, -0.1, 0.2], cap=0.1).tolist()
    [8.0, 4.0, 0.0, -8.0]
    """
    if not cap > 0:
        raise InvalidUpdate(f"cap is {cap}: a gain in accuracy that counts in full must be positive.")
    share = np.clip(np.asarray(gains, dtype=np.float64) / cap, 0.0, 1.0)
    # 0 * a negative score is -0.0
    return np.asarray(scores, dtype=np.float64) * share + 0.0


def alignment_penalties(scores: Any, stakes: Any, step_square: Any, *, rate: float, cap: float) -> np.ndarray:
    """Negative-alignment penalty (our form): burn_i = stake_i min(rate (-S_i) / ||g||^2, cap) where S_i < 0, else 0.

    The rule of `RewardPool.sol`, which computes it in integers (`incentives.compute_penalty`). No client, honest or
    not, loses more than cap * stake_i in a round.

    Args:
        scores: S_i, shape (..., n).
        stakes: stake_i, shape (..., n).
        step_square: ||g||^2, shape (...); where it is 0, a negative score costs the cap.
        rate: share of the stake per unit of -S_i / ||g||^2, not negative.
        cap: most that one round burns, as a share of the stake, in [0, 1].

    Returns:
        What is burned, in the unit of the stakes, shape (..., n).

    Raises:
        InvalidUpdate: rate or cap out of range.

    >>> alignment_penalties([2.0, -1.0, -9.0], [10.0, 10.0, 10.0], 2.0, rate=0.1, cap=0.05).tolist()
    [0.0, 0.5, 0.5]
    """
    if rate < 0 or not 0 <= cap <= 1:
        raise InvalidUpdate(f"rate is {rate}, cap {cap}: the rate is not negative and the cap lies in [0, 1].")
    values, square = np.asarray(scores, dtype=np.float64), np.asarray(step_square, dtype=np.float64)[..., None]
    shape = np.broadcast_shapes(values.shape, square.shape)
    ratio = np.divide(-rate * values, square, out=np.full(shape, cap), where=np.broadcast_to(square > 0, shape))
    return np.where(values < 0, np.asarray(stakes, dtype=np.float64) * np.minimum(ratio, cap), 0.0)


# ---------------------------------------------------------------- checks against copying


def compute_novelty(updates: Any, *, known: Any) -> np.ndarray:
    """How much of an update is new: 1 - ||projection of g_i on the span of what was known|| / ||g_i||.

    0 for any combination of earlier updates, 1 for one at right angles to all of them. A zero update has novelty 0.

    Args:
        updates: shape (n, P), float64.
        known: earlier updates (global or clients'), shape (r, P).

    Returns:
        Novelty in [0, 1], shape (n,).

    >>> compute_novelty([[2.0, 0.0], [0.0, 1.0], [3.0, 4.0]], known=[[1.0, 0.0]]).round(4).tolist()
    [0.0, 1.0, 0.4]
    """
    rows, old = _check_updates(updates), _check_updates(known)
    left, size, _ = np.linalg.svd(old.T, full_matrices=False)
    basis = left[:, size > 1e-10 * max(size.max(initial=0.0), 1e-300)]  # (P, rank)
    inside, length = np.linalg.norm(rows @ basis, axis=-1), _lengths(rows)
    return np.where(length > 0, 1.0 - divide_or_zero(inside, length), 0.0).clip(0.0, 1.0)


def own_data_scores(own_gains: Any, random_gains: Any) -> np.ndarray:
    """Gauntlet's test: does the update help on the client's own data more than on random data (arXiv 2505.21684)?

    max(own - random, 0): who did not train on its own (assigned) data gains as much on the one as on the other.

    Args:
        own_gains: loss before minus loss after the client's update, on its own data, shape (..., n).
        random_gains: the same on random data, shape (..., n).

    >>> own_data_scores([0.5, 0.2], [0.2, 0.3]).round(4).tolist()
    [0.3, 0.0]
    """
    return np.maximum(np.asarray(own_gains, dtype=np.float64) - np.asarray(random_gains, dtype=np.float64), 0.0)


def compute_profits(shares: Any, burned: Any, *, budget: float, costs: Any = 0.0) -> np.ndarray:
    """What a round leaves a client: budget * share - stake burned - what the work cost, in the budget's unit.

    >>> compute_profits([0.25, 0.75], [0.5, 0.0], budget=4.0, costs=[0.0, 1.0]).tolist()
    [0.5, 2.0]
    """
    return budget * np.asarray(shares, dtype=np.float64) - np.asarray(burned, dtype=np.float64) - np.asarray(costs)


# ---------------------------------------------------------------- pieces


def square_distances(updates: Any) -> np.ndarray:
    """||g_i - g_j||^2 for all pairs, shape (..., n, n), from the Gram matrix; the diagonal is exactly 0."""
    rows = _check_updates(updates)
    gram = rows @ rows.swapaxes(-1, -2)
    squares = np.diagonal(gram, axis1=-2, axis2=-1)
    distances = np.maximum(squares[..., :, None] + squares[..., None, :] - 2 * gram, 0.0)
    distances[..., np.arange(rows.shape[-2]), np.arange(rows.shape[-2])] = 0.0
    return distances


def compute_cosines(updates: Any, reference: Any) -> np.ndarray:
    """cos(g_i, r), shape (..., n); 0 where either is zero."""
    rows, vector = _check_updates(updates), np.asarray(reference, dtype=np.float64)
    lengths = _lengths(rows) * _lengths(vector)[..., None]
    return np.clip(divide_or_zero((rows @ vector[..., None])[..., 0], lengths), -1.0, 1.0)


def divide_or_zero(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, 0 where bottom is not positive."""
    return np.divide(top, bottom, out=np.zeros(np.shape(top)), where=bottom > 0)


def _lengths(rows: np.ndarray) -> np.ndarray:
    """||row|| along the last axis, without the copy of all squares that np.linalg.norm makes."""
    return np.sqrt(np.einsum("...p,...p->...", rows, rows))


def _clip_factors(lengths: np.ndarray, limit: np.ndarray) -> np.ndarray:
    limits = np.broadcast_to(limit, lengths.shape)
    return np.where(lengths > limits, divide_or_zero(limits, lengths), 1.0)


def _shares(samples: Any) -> np.ndarray:
    counts = np.asarray(samples, dtype=np.float64)
    if not (counts > 0).all():
        raise InvalidUpdate(f"samples is {np.asarray(samples).tolist()}: every count must be positive.")
    return counts / counts.sum(axis=-1, keepdims=True)


def _weighted_lower_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Along axis -2: the smallest value with at least half of the weight at or below it; (..., n, n) -> (..., n)."""
    order = np.argsort(values, axis=-2, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-2)
    below = np.cumsum(np.take_along_axis(weights, order, axis=-2), axis=-2)
    # a hair of slack: half of the weight computed from thirds is still half
    first = (below >= 0.5 * below[..., -1:, :] * (1 - 1e-12)).argmax(axis=-2)
    return np.take_along_axis(ordered, first[..., None, :], axis=-2)[..., 0, :]


def _check_updates(updates: Any) -> np.ndarray:
    rows = np.asarray(updates, dtype=np.float64)
    if rows.ndim < 2 or rows.shape[-2] == 0:
        raise InvalidUpdate(f"updates has shape {rows.shape}: it must be (..., n, P) with at least one client.")
    return rows
