"""Real numbers as the contract keeps them: a float x becomes the signed integer round(x · SCALE).

A contract has no floating point. The lessons therefore publish every update as int64 "nanos" (SCALE = 10⁹) and the
contract does FedAvg and the alignment score on integers:

    G_j = trunc(Σ_i n_i·v_ij / N)                  FedAvg,            at scale SCALE
    S_i = trunc(n_i · Σ_j v_ij·G_j / N)            alignment score,   at scale SCALE²

with v_ij the encoded update of client i, n_i its sample count, N = Σ n_i and trunc the EVM's signed division
(SDIV), which rounds toward zero. A federation that clips replaces n_i and N by `clip_weights`. This module holds the
encoding, the first sum in exact Python integers, and how far the integers can lie from the real numbers. It serves
`contracts/src/core/Aggregator.sol`; the formulas of G and S are those of arXiv 2502.14170, the scale and the rounding
are this project's choice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bcfl_support import checks
from bcfl_support.checks import check_flag, check_range, check_whole, name_entry, shorten, to_array, to_floats
from bcfl_support.errors import BcflError, FixedPointError, InvalidUpdate

SCALE = 10**9
"""Integer units ("nanos") per 1.0."""

UNIT_ROUNDOFF = 2.0**-53
"""Largest relative error of one float64 operation."""


def encode(values: Any, *, scale: int = SCALE, bound: float | None = None) -> np.ndarray:
    """Encode real numbers as signed integers: v = rint(x · scale), ties to the even integer.

    The error of one entry is at most `encoding_error(scale, largest=abs(x))`.

    Args:
        values: real numbers of any shape, float64.
        scale: integer units per 1.0, positive.
        bound: largest absolute value allowed, in the unit of `values`; None for the integer range only.

    Returns:
        int64 array of the shape of `values`.

    Raises:
        FixedPointError: an entry is text, NaN, infinite, above `bound` or outside the integer range; the message and
            its `index` name the first such entry. Or `bound` is NaN or negative, or rows differ in length.

    >>> encode([0.5, -0.0000000125, 1/3]).tolist()
    [500000000, -12, 333333333]
    """
    scale = check_whole("scale", scale, 1, error=FixedPointError)
    numbers = to_floats("values", values, FixedPointError)
    _refuse(numbers, ~np.isfinite(numbers), "is not a finite number: remove NaN and infinities before encoding")
    if bound is not None:
        bound = check_range("bound", bound, 0, error=FixedPointError).item()
        _refuse(numbers, np.abs(numbers) > bound, f"is above the bound {bound:g}: clip the update or raise the bound")
    with np.errstate(over="ignore"):
        scaled = np.rint(numbers * float(scale))
    reach = f"{-(2.0**63) / scale:g} to {2.0**63 / scale:g}"
    problem = f"does not fit int64 at scale {scale}: the range is {reach}, use a smaller scale or clip"
    _refuse(numbers, (scaled >= 2.0**63) | (scaled < -(2.0**63)), problem)
    return scaled.astype(np.int64)


def to_integers(name: str, values: Any, size: int, *, scaled: bool = False, bound: float | None = None) -> np.ndarray:
    """One vector as the contract takes it. Numbers mean their value, whatever their dtype; `scaled` says otherwise.

    Args:
        name: what it is called in a message.
        values: numbers, shape (P,).
        size: P; 0 for any.
        scaled: whether they are integers at scale SCALE already.
        bound: as in `encode`; not for what is scaled.

    Returns:
        int64 array, shape (P,).

    Raises:
        InvalidUpdate: something else than numbers, than integers if `scaled`, or another shape.
        FixedPointError: as in `encode`.

    >>> to_integers("g", [1, 0], 2).tolist(), to_integers("g", [1, 0], 2, scaled=True).tolist()
    ([1000000000, 0], [1, 0])
    """
    check_flag("scaled", scaled)
    array = to_array(name, values, InvalidUpdate)
    if array.shape != (size or array.size,) or array.dtype.kind not in ("i" if scaled else "iuf"):
        wanted = f"{size or 'P'} parameters, as {f'integers of int64, not {array.dtype}' if scaled else 'numbers'}"
        raise InvalidUpdate(f"{name} is {shorten(values)}, of shape {array.shape}; send one flat vector of {wanted}")
    return array.astype(np.int64) if scaled else encode(array, bound=bound)


def decode(integers: Any, *, scale: int = SCALE) -> np.ndarray:
    """Decode integers to float64: x = v / scale.

    Args:
        integers: integers of any shape, int64 or Python integers of any size.
        scale: as in `encode`.

    Returns:
        float64 array of the shape of `integers`, each entry the float nearest to v / scale.

    Raises:
        FixedPointError: an entry is not an integer.

    >>> decode([500000000, -12]).tolist()
    [0.5, -1.2e-08]
    """
    scale = check_whole("scale", scale, 1, error=FixedPointError)
    array = to_array("integers", integers, FixedPointError)
    if array.dtype == np.int64 and (np.abs(array.astype(np.float64)) < 2**53).all():  # exact as floats
        return array / scale
    return np.asarray(_to_python_integers("integers", integers) / scale, dtype=np.float64)


def divide_toward_zero(dividend: Any, divisor: Any) -> Any:
    """Divide exact integers as Solidity's `/` on signed integers does: the quotient is cut toward zero.

    Python's `//` rounds down, which differs whenever the signs differ and the division leaves a rest.

    Args:
        dividend: a Python integer, or an array of integers.
        divisor: a Python integer, or an array of integers that broadcasts against `dividend`.

    Returns:
        A Python integer for two integers, else an object array of Python integers.

    Raises:
        FixedPointError: a divisor is zero (Solidity reverts there too) or an entry is not an integer.

    >>> divide_toward_zero(-7, 2), -7 // 2
    (-3, -4)
    """
    top, bottom = _to_python_integers("dividend", dividend), _to_python_integers("divisor", divisor)
    return np.frompyfunc(_divide, 2, 1)(top, bottom)


def clip_weights(updates_int: Any, samples: Any) -> tuple[np.ndarray, int]:
    """What an update counts where updates are clipped at R, their median length by samples: exact integers w_i and W.

    An update longer than R counts as if it were that long::

        w_i = n_i · ⌊min(1, R/‖v_i‖) · 10⁹⌋        W = 10⁹ · Σ n_i

    with ‖v_i‖ rounded down to an integer at scale SCALE, and R the smallest of the lengths such that updates not longer
    hold half of the samples: a median of clients could be bought at one sample a client.
    Off chain ("norm_clip" in AGGREGATORS, "clipped" in SCORES) nobody can add clients, and R is the median of clients,
    for an even number the mean of the middle two: an R of its own, hence other averages and scores than here.

    Args:
        updates_int: encoded updates v, shape (n, P), integers at scale SCALE, none of them zero.
        samples: sample counts n_i, shape (n,), positive integers.

    Returns:
        (w, W): object array of n Python integers, and a Python integer.

    Raises:
        FixedPointError: wrong shapes, non-integers, a sample count below 1, or a zero update.
        InvalidInput: tables of pandas whose rows have other names, or the same in another order.

    >>> clip_weights([[3, 4], [6, 8], [30, 40]], [1, 2, 1])
    (array([1000000000, 2000000000, 200000000], dtype=object), 4000000000)
    """
    updates, counts = _read_round("updates_int", updates_int, samples)
    norms = [math.isqrt(square) for square in (updates * updates).sum(axis=1)]
    if 0 in norms:
        raise FixedPointError(f"update {norms.index(0)} is zero; the contract refuses it: leave its client out")
    clip = checks.lower_median(norms, counts.tolist())
    shares = np.array([min(SCALE, clip * SCALE // norm) for norm in norms], dtype=object)
    return counts * shares, SCALE * int(sum(counts))


def fedavg_fixed(updates_int: Any, samples: Any, *, clipped: bool = False) -> np.ndarray:
    """FedAvg as the contract computes it, in exact integers: G_j = trunc(Σ_i n_i·v_ij / N).

    Args:
        updates_int: encoded updates v, shape (n, P), integers at scale SCALE.
        samples: sample counts n_i, shape (n,), positive integers.
        clipped: whether the federation clips: `clip_weights` then stand in the place of n_i and N.

    Returns:
        Object array of P Python integers at scale SCALE.

    Raises:
        FixedPointError: wrong shapes, non-integers, a sample count below 1, or, clipped, a zero update.
        InvalidInput: as in `clip_weights`.

    >>> fedavg_fixed([[4, -5], [1, 0]], [1, 2]).tolist()
    [2, -1]
    """
    check_flag("clipped", clipped)
    updates, counts = _read_round("updates_int", updates_int, samples)
    weights, total = clip_weights(updates, counts) if clipped else (counts, sum(counts))
    return divide_toward_zero(weights @ updates, total)


# ---------------------------------------------------------------- how far the integers lie from the real numbers


def encoding_error(scale: int = SCALE, *, largest: float = 0.0) -> float:
    """Bound on |v / scale − x| for one encoded number.

    Rounding to the nearest integer moves x · scale by at most 1/2. The product itself is a float64 operation and
    adds a relative error u = 2⁻⁵³, which stays below 1/2 unit while |x|·scale < 2⁵²:

        |v / scale − x| ≤ 1 / (2·scale) + u·|x|

    Args:
        scale: integer units per 1.0.
        largest: largest |x| that was encoded; 0 gives the limit of exact multiplication.

    Returns:
        The bound, in the unit of x.

    >>> encoding_error(10**9)
    5e-10
    """
    scale = check_whole("scale", scale, 1, error=FixedPointError)
    return 0.5 / scale + UNIT_ROUNDOFF * check_range("largest", largest, 0, error=FixedPointError).item()


def fedavg_error_bound(scale: int = SCALE, *, largest: float = 0.0) -> float:
    """Bound on |G_j / scale − g_j|, the contract's FedAvg against the real one g_j = Σ_i p_i·x_ij.

    The weights p_i = n_i / N are exact in the contract and sum to 1, so the average of encoded numbers is off by no
    more than one encoding error e; the single division toward zero drops less than one unit:

        |G_j / scale − g_j| ≤ e + 1 / scale,    e = encoding_error(scale, largest=largest)

    The bound is on real arithmetic: a float64 average adds its own (n + 1)·u·|x|, about 1e-15.

    Args:
        scale: integer units per 1.0.
        largest: largest |x_ij| that was encoded.

    Returns:
        The bound, in the unit of x: 1.5 / scale for small updates.

    >>> f"{fedavg_error_bound(10**9):.1e}"
    '1.5e-09'
    """
    return encoding_error(scale, largest=largest) + 1.0 / scale


def alignment_error_bound(updates: Any, samples: Any, scale: int = SCALE) -> np.ndarray:
    """Bound on |S_i / scale² − p_i·⟨x_i, g⟩| for every client, the contract's score against the real one.

    Write v_ij / scale = x_ij + d_ij and G_j / scale = g_j + D_j with |d_ij| ≤ e (`encoding_error`) and
    |D_j| ≤ E (`fedavg_error_bound`). Then

        Σ_j v_ij·G_j / scale² − ⟨x_i, g⟩ = Σ_j (x_ij·D_j + d_ij·g_j + d_ij·D_j)

    and with the weight p_i ≤ 1 and one division toward zero, which drops less than 1 / scale²:

        |error_i| ≤ p_i·(E·‖x_i‖₁ + e·‖g‖₁ + P·e·E) + 1 / scale²

    The bound is on real arithmetic; the norms are taken of the float updates, whose relative error 1e-15 is ignored.

    Args:
        updates: the real updates x before encoding, shape (n, P), float64.
        samples: sample counts n_i, shape (n,), positive integers.
        scale: integer units per 1.0.

    Returns:
        float64 array of n bounds, in the unit of the score (the square of the unit of x).

    Raises:
        FixedPointError: wrong shapes, a sample count below 1, or an entry that is text, NaN or infinite.
        InvalidInput: as in `clip_weights`.

    >>> f"{alignment_error_bound([[1.0, 0.0], [0.0, 1.0]], [1, 1])[0]:.2e}"
    '1.00e-09'
    """
    x, counts = _read_round("updates", updates, samples, to_floats)
    _refuse(x, ~np.isfinite(x), "is not a finite number: remove NaN and infinities")
    weights = np.array([int(c) / sum(counts) for c in counts])
    largest = float(np.abs(x).max(initial=0.0))
    e, step_error = encoding_error(scale, largest=largest), fedavg_error_bound(scale, largest=largest)
    step_norm = np.abs(weights @ x).sum()
    return weights * (step_error * np.abs(x).sum(axis=1) + e * step_norm + x.shape[1] * e * step_error) + 1.0 / scale**2


def alignment_sum_bounds(global_int: Any, n_clients: int) -> tuple[int, int]:
    """Bounds on Σ S_i − ‖G‖² in the contract's integers, where real arithmetic gives exactly 0.

    Cutting toward zero leaves a rest with the sign of the quotient: Σ_i n_i·v_ij / N = G_j + r_j with |r_j| < 1
    and r_j·G_j ≥ 0. Before the scores are cut their sum is Σ_j (G_j + r_j)·G_j, so it exceeds ‖G‖² by at
    least 0 and at most ‖G‖₁; cutting n scores moves it by less than n either way:

        −n ≤ Σ S_i − ‖G‖² ≤ ‖G‖₁ + n

    Args:
        global_int: the contract's FedAvg G, shape (P,), integers at scale SCALE.
        n_clients: number of clients n.

    Returns:
        (lower, upper) as Python integers at scale SCALE².

    Raises:
        FixedPointError: an entry is not an integer, or the number of clients not a positive one.

    >>> alignment_sum_bounds([2, -1], n_clients=2)
    (-2, 5)
    """
    n_clients = check_whole("n_clients", n_clients, 1, error=FixedPointError)
    return -n_clients, sum(abs(v) for v in _to_python_integers("global_int", global_int).ravel()) + n_clients


# ---------------------------------------------------------------- checks


def _divide(a: int, b: int) -> int:
    if b == 0:
        raise FixedPointError(f"{a} / 0: the divisor is zero, Solidity reverts here; check that N is not 0.")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _refuse(values: np.ndarray, bad: np.ndarray, reason: str) -> None:
    if not bad.any():
        return
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    index: int | tuple[int, ...] = place[0] if len(place) == 1 else place
    where = name_entry("values", place) if place else "values"
    raise FixedPointError(f"{where} = {values[place]!s} {reason}.", index)


def _to_python_integers(name: str, values: Any, error: type[BcflError] = FixedPointError) -> np.ndarray:
    """Object array of Python integers, in which sums and products cannot overflow."""
    array = to_array(name, values, error)
    if array.dtype.kind in "iu":
        return array.astype(object)
    array = np.array(values, dtype=object)  # uint256 values arrive as Python integers that fit no NumPy type
    for place, value in enumerate(array.flat):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise FixedPointError(f"{name} holds {value!r} at flat index {place}: encode it first.", place)
        array.flat[place] = int(value)
    return array


def _check_counts(samples: Any) -> np.ndarray:
    counts = _to_python_integers("samples", samples)
    if counts.ndim != 1 or len(counts) == 0:
        raise FixedPointError(f"samples has shape {counts.shape}: it must be (n,) with n at least 1.")
    for i, count in enumerate(counts):
        if count < 1:
            raise FixedPointError(f"samples[{i}] = {count}: every client in the round needs at least 1 sample.", i)
    return counts


def _read_round(
    name: str, updates: Any, samples: Any, read: Any = _to_python_integers
) -> tuple[np.ndarray, np.ndarray]:
    """Updates (n, P) and sample counts (n,), once it is known that they fit each other."""
    counts, rows = _check_counts(samples), read(name, updates, FixedPointError)
    if rows.ndim != 2 or len(rows) != len(counts):
        shape = f"({len(counts)}, P)"
        raise FixedPointError(f"{name} has shape {rows.shape}; it must be {shape}: give one row a sample count")
    checks.check_rows({name: updates, "samples": samples})
    return rows, counts
