"""Coalitions as rows of a boolean matrix, and their utilities many at a time.

Coalition number k of n clients holds client i iff bit i of k is set, so ``values[0b101]`` is the utility v({0, 2}).
A *utility* takes a boolean matrix (m, n), one row a coalition, and returns float64 values (m,). Evaluation goes
through joblib: inside ``joblib.parallel_config("dask")``, or any other backend, blocks of rows run on its workers.
Rows are drawn before they are sent out, so the answer does not depend on where they ran.
"""

from __future__ import annotations

from collections.abc import Callable

import joblib
import numpy as np
from numpy.typing import NDArray

from bcfl_support.checks import check_flags, check_whole, to_floats
from bcfl_support.errors import UtilityError

Coalitions = NDArray[np.bool_]
Values = NDArray[np.float64]
Utility = Callable[[Coalitions], Values]

MAX_EXACT = 24  # 2**24 values are 128 MiB; beyond that, estimate
BLOCK = 8192  # rows handed to the utility in one call


def check_exact(n: int) -> int:
    """Make sure that all 2^n coalitions can be tabulated.

    Args:
        n: number of clients, 1 to 24.

    Returns:
        n itself.

    Raises:
        InvalidInput: n out of range.
    """
    n = check_whole("n", n, 1, MAX_EXACT, why="beyond, 2^n coalitions are too many, and an estimator is there")
    return n


def coalition_matrix(n: int) -> Coalitions:
    """All 2^n coalitions of n clients as rows of a boolean matrix, in the order of their bit masks.

    Args:
        n: number of clients, at most 24.

    Returns:
        (2^n, n) bool; row k, column i: whether client i is in coalition k.

    Raises:
        InvalidInput: n out of range.

    >>> coalition_matrix(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    octets = np.arange(1 << check_exact(n), dtype="<u4").view(np.uint8).reshape(-1, 4)
    return np.unpackbits(octets, axis=1, count=n, bitorder="little").view(np.bool_)


def coalition_members(coalition: int | Coalitions) -> tuple[int, ...]:
    """The clients in a coalition.

    Args:
        coalition: a bit mask, or a boolean row (n,).

    Returns:
        Their numbers, in order.

    Raises:
        InvalidInput: a negative mask, or a row of something else than truth values.

    >>> coalition_members(0b101)
    (0, 2)
    >>> coalition_members(np.array([True, False, True]))
    (0, 2)
    """
    if isinstance(coalition, (int, np.integer)):
        coalition = check_whole("coalition", coalition, 0, why="it is a bit mask")
        return tuple(i for i in range(int(coalition).bit_length()) if int(coalition) >> i & 1)
    return tuple(int(i) for i in np.flatnonzero(check_flags("coalition", coalition)))


def _evaluate_block(utility: Utility, rows: Coalitions) -> Values:
    rows = rows.view()
    rows.flags.writeable = False  # what a utility writes there would change what is asked next
    try:
        raw = utility(rows)
    except Exception as cause:
        _name_the_culprit(utility, rows, cause)
        raise
    values = to_floats("what utility returned", raw, UtilityError).copy()  # it may write into its array anew
    if values.shape != (len(rows),):
        raise UtilityError(f"utility returned shape {values.shape} for {len(rows)} coalitions; give ({len(rows)},)")
    check_values(values, rows)
    return values


def _name_the_culprit(utility: Utility, rows: Coalitions, cause: Exception) -> None:
    """Raise UtilityError for the first single row that fails; return if each row alone succeeds."""
    for row in rows:
        try:
            utility(row[None])
        except Exception:
            raise UtilityError(f"utility of coalition {coalition_members(row)} failed: {cause!r}") from cause


def check_values(values: Values, rows: Coalitions | None = None) -> None:
    """Make sure that all utilities are finite.

    Args:
        values: (m,) float64.
        rows: the coalitions, (m, n) bool; None if value k is that of bit mask k.

    Raises:
        UtilityError: one is not; the message names the first such coalition.
    """
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        members = coalition_members(int(bad[0]) if rows is None else rows[bad[0]])
        raise UtilityError(f"utility of coalition {members} is {values[bad[0]]}; it must be a finite number")


def evaluate(utility: Utility, coalitions: Coalitions) -> Values:
    """Utilities of many coalitions, in blocks spread by joblib over the active backend's workers.

    Args:
        utility: boolean (m, n) → float (m,).
        coalitions: (m, n) bool.

    Returns:
        (m,) float64, in the utility's unit.

    Raises:
        UtilityError: the utility failed or was not finite; the message says for whom.
        InvalidInput: coalitions of something else than truth values.

    >>> evaluate(lambda rows: rows.sum(axis=1), coalition_matrix(2)).tolist()
    [0.0, 1.0, 1.0, 2.0]
    """
    pool, coalitions = joblib.Parallel(), check_flags("coalitions", coalitions)
    jobs = joblib.effective_n_jobs(pool.n_jobs)
    blocks = np.array_split(coalitions, max(-(-len(coalitions) // BLOCK), min(jobs, len(coalitions)), 1))
    if jobs == 1:
        return np.concatenate([_evaluate_block(utility, rows) for rows in blocks])
    return np.concatenate(pool(joblib.delayed(_evaluate_block)(utility, rows) for rows in blocks))
