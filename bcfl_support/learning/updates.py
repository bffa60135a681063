"""A round's updates: checks, weights, lengths, distances, cuts; and the round as whoever averages or scores it sees it.

Leading axes are batches, such as seeds and runs: updates (…, n, P), sample counts (n,) or (…, n). Scores, aggregators
and attacks are found by name in their registries; what stands under a name is a function of a `Round`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bcfl_support.checks import check_range, check_rows, freeze, name_entry, to_array, to_floats
from bcfl_support.errors import InvalidInput, InvalidUpdate

FINITE = float(np.finfo(np.float64).max)
"""The largest number there is: what only NaN and infinity lie beyond."""
LARGEST = 1e150
"""Largest entry, of either sign, of what is multiplied with its like, so that no score overflows."""


def check_updates(updates: Any, name: str = "updates", *, least: int = 1, largest: float = FINITE) -> np.ndarray:
    """Updates as an array, or what is wrong with them.

    All-zero updates are valid. Every score and average of them is zero.

    Args:
        updates: updates g_i, shape (…, n, P).
        name: what they are called in a message.
        least: the fewest clients allowed.
        largest: the largest entry allowed, of either sign.

    Returns:
        The updates, float64.

    Raises:
        InvalidUpdate: rows of unequal length, too few clients, or an entry that is text, NaN, infinite or too large.
    """
    rows = to_floats(name, updates, InvalidUpdate)
    if rows.ndim < 2 or rows.shape[-2] < least:
        room = f"(…, n, P) with at least {'one client' if least == 1 else f'{least} clients'}"
        raise InvalidUpdate(f"{name} has shape {rows.shape}: it must be {room}.")
    check_finite(rows, "leave the client out of the round", name, largest)
    return rows


def check_finite(rows: np.ndarray, advice: str, name: str = "updates", largest: float = FINITE) -> None:
    """Say which entry of an array is NaN, infinite or too large, and what to do about it.

    Args:
        rows: any shape, float64.
        advice: what to do about it, the end of the message.
        name: what the array is called in the message.
        largest: the largest entry allowed, of either sign.

    Raises:
        InvalidUpdate: there is such an entry; the message has its place and value.
    """
    if -largest <= rows.min(initial=0.0) and rows.max(initial=0.0) <= largest:  # no copy, and false for NaN
        return
    for place in np.argwhere(~(np.abs(rows) <= largest)):
        value = rows[tuple(place)]
        far = f"lies beyond ±{largest:g}, where products overflow"
        fault = far if np.isfinite(value) else "is not a finite number"
        raise InvalidUpdate(f"{name_entry(name, place)} = {value} {fault}: {advice}.")


def compute_weights(samples: Any) -> np.ndarray:
    """FedAvg weights p_i = n_i / N, along the last axis.

    Args:
        samples: sample counts n_i, shape (…, n), positive integers. In a batch of rounds, shape (…, n) with a leading
            axis, 0 marks a client that is absent from one of them: its weight is 0, so it has no part in `fedavg` and
            in what is multiplied by p_i. What counts heads sees no weights and takes its row for a client's: medians,
            `Round.clipped`, every other aggregator, and cosines have no place for absent clients.

    Returns:
        Weights that sum to 1 (to 0 where all are absent), shape of `samples`, float64.

    Raises:
        InvalidUpdate: no client, not integers, or a count below 1, in a batch below 0.

    >>> compute_weights([1, 3]).tolist()
    [0.25, 0.75]
    """
    counts = to_array("samples", samples, InvalidUpdate)
    if counts.ndim < 1 or counts.shape[-1] == 0:
        raise InvalidUpdate(f"samples has shape {counts.shape}: it must be (…, n) with at least one client.")
    if counts.dtype.kind not in "iu":
        raise InvalidUpdate(f"samples has dtype {counts.dtype}: sample counts are integers.")
    for place in np.argwhere(counts < (1 if counts.ndim == 1 else 0)):
        found = f"{name_entry('samples', place)} = {counts[tuple(place)]}"
        raise InvalidUpdate(f"{found}: leave a client with no sample out of the round.")
    # added as floats: a sum of int64 may pass 2⁶³ and come out negative
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True, dtype=np.float64), 1)


def check_round(updates: Any, samples: Any) -> tuple[np.ndarray, np.ndarray]:
    """Updates and weights of a round as arrays that fit, or what is wrong with them.

    Args:
        updates: updates g_i, shape (…, n, P).
        samples: sample counts n_i, shape (n,) or (…, n), positive integers.

    Returns:
        (updates (…, n, P), weights p_i of the shape of `samples`), float64.

    Raises:
        InvalidUpdate: as in `check_updates` and `compute_weights`, an entry beyond `LARGEST`, or shapes that do not
            fit each other.
        InvalidInput: tables of pandas whose rows have other names, or the same in another order.
    """
    weights = compute_weights(samples)
    rows = check_updates(updates, largest=LARGEST)
    n = weights.shape[-1]
    if rows.shape[-2] != n or (weights.ndim > 1 and weights.shape != rows.shape[:-1]):
        raise InvalidUpdate(f"updates has shape {rows.shape}: it must be (…, {n}, P), one row per sample count.")
    check_rows({"updates": updates, "samples": samples})
    return rows, weights


def check_vector(values: Any, updates: Any, name: str) -> np.ndarray:
    """One vector for each round, such as w or a reference, that fits the round's updates.

    Args:
        values: shape (P,), the same for all rounds, or (…, P).
        updates: shape (…, n, P); as they are given, since a table of pandas names its columns.
        name: what the vector is called in a message.

    Returns:
        The vector, shape of `values`, float64.

    Raises:
        InvalidUpdate: another shape, or an entry that is text, NaN, infinite or beyond `LARGEST`.
        InvalidInput: pandas calls its entries by other names than the columns of the updates.
    """
    vector = to_floats(name, values, InvalidUpdate)
    *batch, _, size = np.shape(updates)
    if vector.shape not in ((size,), (*batch, size)):
        raise InvalidUpdate(f"{name} has shape {vector.shape}: the updates have {size} parameters, so must it.")
    check_rows({"updates": updates, name: values}, "column")
    check_finite(vector, "look at what made it", name, LARGEST)
    return vector


def compute_lengths(rows: np.ndarray) -> np.ndarray:
    """‖row‖ along the last axis, without the copy of all squares that np.linalg.norm makes; no square overflows.

    Args:
        rows: shape (…, P), float64.

    Returns:
        Lengths, shape (…), in the unit of the rows.

    >>> compute_lengths(np.array([[3.0, 4.0], [0.0, 4e200], [3e-200, 0.0]])).tolist()
    [5.0, 4e+200, 3e-200]
    """
    with np.errstate(over="ignore"):
        squares = np.einsum("...p,...p->...", rows, rows)
    if ((squares > 1e-280) & (squares < np.inf)).all():
        return np.sqrt(squares)
    scale = _scale(rows)
    scaled = rows / scale[..., None]
    with np.errstate(over="ignore"):  # of a row beyond all numbers, the length is infinite
        return scale * np.sqrt(np.einsum("...p,...p->...", scaled, scaled))


def _scale(rows: np.ndarray) -> np.ndarray:
    """A power of two near each row's largest entry, (…): divided by it, no square overflows and no digit changes."""
    return np.exp2(np.frexp(np.abs(rows).max(axis=-1, initial=0.0))[1] - 1.0)


def compute_median_norm(updates: Any) -> np.ndarray:
    """Median length of the updates: fewer than half of the clients cannot move it beyond honest lengths.

    Args:
        updates: shape (…, n, P), float64.

    Returns:
        Median of ‖g_i‖, shape (…).

    Raises:
        InvalidUpdate: wrong shapes, or an entry that is NaN or infinite.

    >>> float(compute_median_norm([[3.0, 4.0], [0.0, 1.0], [0.0, 2.0]]))
    2.0
    """
    return np.median(compute_lengths(check_updates(updates)), axis=-1)


def clip_norms(updates: Any, *, clip: Any) -> np.ndarray:
    """Norm clipping: c_i = g_i · min(1, clip / ‖g_i‖). Bounds what one client can add, not where it points.

    Args:
        updates: shape (…, n, P), float64.
        clip: largest length kept, a number or (…), not negative; `compute_median_norm` is a common choice.

    Returns:
        Clipped updates, shape (…, n, P).

    Raises:
        InvalidInput: a negative clip, wrong shapes, or an entry that is NaN or infinite.

    >>> clip_norms([[3.0, 4.0], [0.0, 1.0]], clip=2.5).tolist()
    [[1.5, 2.0], [0.0, 1.0]]
    """
    rows, limit = check_updates(updates), check_range("clip", clip, 0, many=True, why="it is a length")
    if limit.ndim and limit.shape != rows.shape[:-2]:
        raise InvalidInput(f"clip has shape {limit.shape}: give a number, or one each of shape {rows.shape[:-2]}")
    lengths = compute_lengths(rows)
    limits = np.broadcast_to(limit[..., None], lengths.shape)
    return rows * np.where(lengths > limits, divide_or_zero(limits, lengths), 1.0)[..., None]


def compute_cosines(updates: Any, reference: Any) -> np.ndarray:
    """cos(g_i, r) = ⟨g_i, r⟩ / (‖g_i‖ ‖r‖).

    Args:
        updates: g_i, shape (…, n, P), float64.
        reference: r, shape (P,) or (…, P), float64.

    Returns:
        Cosines in [−1, 1], shape (…, n); 0 where g_i or r is zero, since there is no angle then.

    Raises:
        InvalidUpdate: wrong shapes, or an entry that is NaN or infinite.
    """
    rows = check_updates(updates)
    vector = check_vector(reference, updates, "reference")
    vector, lengths = vector / _scale(vector)[..., None], compute_lengths(rows)
    if not (lengths <= LARGEST).all():
        rows = rows / _scale(rows)[..., None]
        lengths = compute_lengths(rows)
    lengths = lengths * compute_lengths(vector)[..., None]
    return np.clip(divide_or_zero(np.matvec(rows, vector), lengths), -1.0, 1.0)


def compute_square_distances(updates: Any) -> np.ndarray:
    """‖g_i − g_j‖² for all pairs.

    Most are read off the Gram matrix, ‖g_i‖² + ‖g_j‖² − 2 ⟨g_i, g_j⟩. Of two updates that are close for their lengths
    little but rounding would be left of that, and of long ones nothing. A round with such pairs is read off once more,
    as differences from its middle row, and the pairs of which that is still true are subtracted.

    Args:
        updates: shape (…, n, P), float64.

    Returns:
        Squared distances, shape (…, n, n), none negative; the diagonal is exactly 0. Infinite where float64 ends.

    Raises:
        InvalidUpdate: wrong shapes, or an entry that is NaN or infinite.
    """
    rows = check_updates(updates)
    shape, rows = rows.shape[:-1], rows.reshape(-1, *rows.shape[-2:])
    with np.errstate(over="ignore", invalid="ignore"):
        distances, close = _read_off_gram(rows)
        if (again := close.any(axis=(1, 2))).any():
            middle = distances[again].sum(axis=-1).argmin(axis=-1)  # the row that is nearest to the others
            rest = rows[again] - np.take_along_axis(rows[again], middle[:, None, None], axis=1)
            distances[again], close[again] = _read_off_gram(rest)
        of, i, j = np.nonzero(np.triu(close, 1))
        few = max(1, 2**17 // rows.shape[-1])  # whose differences stay in the cache
        for some in (slice(k, k + few) for k in range(0, len(i), few)):
            squares = np.square(rows[of[some], i[some]] - rows[of[some], j[some]]).sum(axis=-1)
            distances[of[some], i[some], j[some]] = distances[of[some], j[some], i[some]] = squares
    return distances.reshape(*shape, shape[-1])


def _read_off_gram(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances, (m, n, n), and of which pairs nothing but rounding may be left."""
    gram, n = rows @ rows.swapaxes(-1, -2), np.arange(rows.shape[-2])
    sums = gram[:, n, n, None] + gram[:, None, n, n]
    distances = np.maximum(sums - 2 * gram, 0.0)
    close = ~((distances >= 1e-3 * sums) & np.isfinite(distances))
    distances[:, n, n], close[:, n, n] = 0.0, False
    return distances, close


def check_vectors(values: Any, name: str) -> np.ndarray:
    """Vectors of any number and length, finite.

    Args:
        values: shape (…, P).
        name: what they are called in a message.

    Returns:
        The vectors, float64.

    Raises:
        InvalidUpdate: a single number, or an entry that is text, NaN or infinite.
    """
    rows = to_floats(name, values, InvalidUpdate)
    if not rows.ndim:
        raise InvalidUpdate(f"{name} is {rows}: give a vector (P,), or more of them, (…, P).")
    check_finite(rows, "look at what made it", name)
    return rows


def rescale(vector: Any, norm: Any, name: str = "vector") -> np.ndarray:
    """Vectors at another length.

    Args:
        vector: shape (…, P), float64.
        norm: the length wanted, a number or (…), not negative.
        name: what the vectors are called in a message.

    Returns:
        Vectors of the same directions, shape (…, P); zero stays zero.

    Raises:
        InvalidInput: a negative norm, or no vector, or one that is not finite.
    """
    rows, wanted = check_vectors(vector, name), check_range("norm", norm, 0, many=True)
    scale = _scale(rows)
    return rows * divide_or_zero(wanted, scale * np.linalg.norm(rows / scale[..., None], axis=-1))[..., None]


def divide_or_zero(top: Any, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, 0 where bottom is not positive.

    Args:
        top: any shape, or a number.
        bottom: a shape that broadcasts with that of `top`.

    Returns:
        Quotients, in the shape both broadcast to, float64.

    >>> divide_or_zero([1.0, 2.0], np.array([4.0, 0.0])).tolist()
    [0.25, 0.0]
    """
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    return np.divide(top, bottom, out=np.zeros(shape), where=np.broadcast_to(bottom > 0, shape))


@dataclass(frozen=True, eq=False)
class Round:
    """What a round consists of. Leading axes are batches (seeds, runs).

    Attributes:
        updates: updates as sent, shape (…, n, P), float64.
        samples: sample counts as declared, shape (n,) or (…, n), positive integers; for 0 see `compute_weights`.
        params: global parameters w before the round, shape (…, P).
        gradient: gradient of the loss on the public validation set, takes and returns (…, P).
        accuracy: accuracy on that set, takes (P,) or (k, P), returns one number or (k,).
        previous: the last round's global update, shape (…, P); zero before the first.
        byzantine: how many clients a robust aggregator provides for; those that ask refuse 0.
        root_update: update that the server's own clean data gives, shape (…, P); None takes −∇L(w) in its place.
        step: what the aggregator made of the updates, shape (…, P); None for FedAvg's average.
    """

    updates: np.ndarray
    samples: np.ndarray
    params: np.ndarray
    gradient: Callable[[np.ndarray], np.ndarray]
    accuracy: Callable[[np.ndarray], np.ndarray]
    previous: np.ndarray
    byzantine: int = 0
    root_update: np.ndarray | None = None
    step: np.ndarray | None = None

    @cached_property
    def clipped(self) -> np.ndarray:
        """Updates cut at the median length of the clients (for even n the mean of the middle two), shape (…, n, P).

        A contract that clips takes the lower median by samples, since accounts cost nothing there:
        `protocol.fixed_point.clip_weights`.
        """
        check_rows({"updates": self.updates, "samples": self.samples})  # clipping drops the names
        return freeze(clip_norms(self.updates, clip=compute_median_norm(self.updates)))

    @cached_property
    def descent(self) -> np.ndarray:
        """−∇L(w), where the loss falls fastest, shape (…, P)."""
        return freeze(-self.gradient(self.params))

    @property
    def root(self) -> np.ndarray:
        """What a trusted party would send: the root update if there is one, else −∇L(w), shape (…, P)."""
        return self.descent if self.root_update is None else self.root_update

    @cached_property
    def gains(self) -> np.ndarray:
        """Accuracy that each update brings on its own, shape (…, n)."""
        alone = (self.params[..., None, :] + np.asarray(self.updates)).reshape(-1, self.params.shape[-1])
        after, before = self.accuracy(alone), np.asarray(self.accuracy(self.params))
        return freeze(after.reshape(np.shape(self.updates)[:-1]) - before[..., None])
