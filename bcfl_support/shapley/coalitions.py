"""Coalitions as rows of a boolean matrix, and their utilities many at a time.

Coalition number k of n clients holds client i iff bit i of k is set, so ``values[0b101]`` is the utility v({0, 2}).
A *utility* takes a boolean matrix (m, n), one row a coalition, and returns float64 values (m,). Evaluation goes
through joblib: inside ``joblib.parallel_config("dask")``, or any other backend, blocks of rows run on its workers.
Rows are drawn before they are sent out, so the answer does not depend on where they ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import joblib
import numpy as np
from numpy.typing import NDArray

from bcfl_support.errors import UtilityError

Coalitions = NDArray[np.bool_]
Values = NDArray[np.float64]
Utility = Callable[[Coalitions], Values]

MAX_EXACT = 24  # 2**24 values are 128 MiB; beyond that, estimate
BLOCK = 8192  # rows handed to the utility in one call


def check_exact(n: int) -> int:
    """Return n if all 2^n coalitions can be tabulated, raise otherwise."""
    if not 1 <= n <= MAX_EXACT:
        raise ValueError(f"n = {n} clients have 2^{n} coalitions; need 1 ≤ n ≤ {MAX_EXACT}: use an estimator instead")
    return n


def coalition_masks(n: int) -> NDArray[np.uint32]:
    """All 2^n coalitions as bit masks.

    >>> coalition_masks(2).tolist()
    [0, 1, 2, 3]
    """
    return np.arange(1 << check_exact(n), dtype="<u4")


def coalition_matrix(n: int, start: int = 0, stop: int | None = None) -> Coalitions:
    """Coalitions `start` … `stop` − 1 of n clients as rows of a boolean matrix.

    Args:
        n: number of clients, at most 24.
        start: first coalition, as a bit mask.
        stop: one past the last coalition; 2^n if left out.

    Returns:
        (stop − start, n) bool; row k, column i: whether client i is in coalition start + k.

    >>> coalition_matrix(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    stop = 1 << check_exact(n) if stop is None else stop
    octets = np.arange(start, stop, dtype="<u4").view(np.uint8).reshape(-1, 4)
    return np.unpackbits(octets, axis=1, count=n, bitorder="little").view(np.bool_)


def coalition_members(coalition: int | Coalitions) -> tuple[int, ...]:
    """The clients in a coalition, given as a bit mask or as a boolean row.

    >>> coalition_members(0b101)
    (0, 2)
    >>> coalition_members(np.array([True, False, True]))
    (0, 2)
    """
    if isinstance(coalition, (int, np.integer)):
        return tuple(i for i in range(int(coalition).bit_length()) if int(coalition) >> i & 1)
    return tuple(int(i) for i in np.flatnonzero(coalition))


def _name_the_culprit(utility: Utility, rows: Coalitions, cause: Exception) -> None:
    """Raise UtilityError for the first single row that fails; return if each row alone succeeds."""
    for row in rows:
        try:
            utility(row[None])
        except Exception:
            members = coalition_members(row)
            raise UtilityError(f"utility of coalition {members} failed: {cause!r}", members) from cause


def _evaluate_block(utility: Utility, rows: Coalitions) -> Values:
    try:
        raw = utility(rows)
    except Exception as cause:
        _name_the_culprit(utility, rows, cause)
        raise
    values = np.asarray(raw, dtype=np.float64)
    if values.shape != (len(rows),):
        raise UtilityError(
            f"utility returned shape {values.shape} for {len(rows)} coalitions; it must be ({len(rows)},)"
        )
    check_finite(values, rows)
    return values


def check_finite(values: Values, rows: Coalitions | None = None) -> None:
    """Raise UtilityError naming the first coalition whose value is not finite; without `rows` value k is mask k's."""
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        members = coalition_members(int(bad[0]) if rows is None else rows[bad[0]])
        raise UtilityError(f"utility of coalition {members} is {values[bad[0]]}; it must be a finite number", members)


def _blocks(coalitions: Coalitions, jobs: int) -> Iterator[Coalitions]:
    count = max(-(-len(coalitions) // BLOCK), min(jobs, len(coalitions)), 1)
    yield from np.array_split(coalitions, count)


def evaluate(utility: Utility, coalitions: Coalitions) -> Values:
    """Utilities of many coalitions, in blocks spread by joblib over the active backend's workers.

    Args:
        utility: boolean (m, n) → float (m,).
        coalitions: (m, n) bool.

    Returns:
        (m,) float64, in the utility's unit.

    Raises:
        UtilityError: the utility failed or was not finite; `coalition` and the message say for whom.

    >>> evaluate(lambda rows: rows.sum(axis=1), coalition_matrix(2)).tolist()
    [0.0, 1.0, 1.0, 2.0]
    """
    pool = joblib.Parallel()
    jobs = joblib.effective_n_jobs(pool.n_jobs)
    blocks = _blocks(coalitions, jobs)
    if jobs == 1:
        return np.concatenate([_evaluate_block(utility, rows) for rows in blocks])
    return np.concatenate(pool(joblib.delayed(_evaluate_block)(utility, rows) for rows in blocks))


def compute_all_values(utility: Utility, n: int, *, progress: bool = False) -> Values:
    """Utilities of all 2^n coalitions, in the order of their bit masks.

    A utility that offers ``all_values()``, as those of a round do, is asked for it: it knows a faster way.

    Args:
        utility: boolean (m, n) → float (m,).
        n: number of clients, at most 24.
        progress: show a bar.

    Returns:
        (2^n,) float64.

    >>> compute_all_values(lambda rows: rows @ np.array([1.0, 10.0]), 2).tolist()
    [0.0, 1.0, 10.0, 11.0]
    """
    total = 1 << check_exact(n)
    whole = getattr(utility, "all_values", None)
    if whole is not None:
        values: Values = np.asarray(whole(), dtype=np.float64)
        if values.shape != (total,):
            raise UtilityError(f"all_values() returned shape {values.shape} for n = {n}; it must be ({total},)")
        check_finite(values)
        return values
    step = BLOCK * joblib.effective_n_jobs(joblib.Parallel().n_jobs)
    values = np.empty(total)
    with progress_bar(total, progress) as advance:
        for start in range(0, total, step):
            stop = min(start + step, total)
            values[start:stop] = evaluate(utility, coalition_matrix(n, start, stop))
            advance(stop - start)
    return values


@contextmanager
def progress_bar(total: int, show: bool) -> Iterator[Callable[[int], object]]:
    """Give a function to call with the number of coalitions just done; silent unless `show`."""
    if not show:
        yield lambda count: None
        return
    from tqdm.auto import tqdm  # a widget in notebooks, a line of text elsewhere

    with tqdm(total=total, unit="coalition") as bar:
        yield bar.update
