"""Definitions of consistency C, budgets, fairness factors and penalties, in float arrays of any leading shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from bcfl_support.checks import check_alike, check_choice, check_flags, check_range, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.learning import divide_or_zero


def window_consistency(record: Any, *, window: int) -> np.ndarray:
    """C as the share of good rounds among the last K; the contract's definition.

    Args:
        record: good rounds, shape (rounds, …), bool, oldest first, the round to be paid last; rounds before the first
            count as missed.
        window: K, at least 1.

    Returns:
        C in [0, 1], shape (…), float64.

    Raises:
        InvalidInput: a window below 1, or a record of something else than truth values, NaN for one.

    >>> window_consistency([[True], [False], [True]], window=8).tolist()
    [0.25]
    """
    rows, window = _read_record(record, window)
    return rows[-window:].sum(axis=0) / window


def streak_consistency(record: Any, *, window: int) -> np.ndarray:
    """C as a streak: min(good rounds in a row up to now, K) / K; one miss takes all of it.

    Args, Returns, Raises: as in `window_consistency`.

    >>> streak_consistency([[True], [False], [True]], window=8).tolist()
    [0.125]
    """
    rows, window = _read_record(record, window)
    return np.logical_and.accumulate(rows[-window:][::-1], axis=0).sum(axis=0) / window


def ewma_consistency(record: Any, *, window: int) -> np.ndarray:
    """C as an exponentially weighted mean: C ← C·(1 − 1/K) + good/K from C = 0.

    Args, Returns, Raises: as in `window_consistency`.

    >>> ewma_consistency([[True], [True]], window=8).tolist()
    [0.234375]
    """
    rows, window = _read_record(record, window)
    ages = np.arange(len(rows))[::-1]
    return np.tensordot((1 - 1 / window) ** ages / window, rows.astype(np.float64), axes=1)


CONSISTENCIES = {"window": window_consistency, "streak": streak_consistency, "ewma": ewma_consistency}
"""Definitions of C by name; which rounds count as good is another choice, see `PayRule.record`."""


def expected_consistency(share: Any, *, window: int, kind: str = "window") -> np.ndarray:
    """E[C_i | this round is good] of a client whose rounds are good independently with probability q.

        window: (1 + (K − 1)·q) / K      streak: (1 − q^K) / (K·(1 − q))      EWMA: 1/K + (1 − 1/K)·q

    Window and EWMA agree; the streak lies below both, since it asks for an unbroken past.

    Args:
        share: q in [0, 1], any shape.
        window: K.
        kind: a name in `CONSISTENCIES`.

    Returns:
        E[C], the shape of `share`, float64.

    Raises:
        InvalidInput: no such kind, a window below 1, or a share outside [0, 1].

    >>> expected_consistency(0.5, window=2).item(), expected_consistency(0.5, window=3, kind="streak").item()
    (0.75, 0.5833333333333334)
    """
    window = check_window(window, kind)
    q = check_range("share", share, 0, 1, many=True)
    if kind == "streak":
        return sum((q**k for k in range(window)), np.zeros_like(q)) / window
    return (1 + (window - 1) * q) / window


def check_window(window: int, kind: str = "window") -> int:
    """A window as Python's integer: NumPy's small ones wrap when they are negated, and rows [−K:] would be none.

    Raises:
        InvalidInput: it counts no round, or there is no such definition of C.
    """
    check_choice("kind", kind, CONSISTENCIES)
    return check_whole("window", window, 1, why="consistency counts rounds")


def _read_record(record: Any, window: int) -> tuple[np.ndarray, int]:
    """A record with an axis of rounds, and K."""
    if not (rows := check_flags("record", record)).ndim:
        raise InvalidInput(f"record is {rows}: give a row for each round, (rounds, …)")
    return rows, check_window(window)


def share_budget(weights: Any, budget: float) -> np.ndarray:
    """budget · w_i / Σ w along the last axis; zeros where no weight is positive.

    Args:
        weights: w_i, shape (…, n), not negative.
        budget: what is shared, in any unit.

    Returns:
        Shares in the unit of the budget, shape (…, n), float64.

    Raises:
        InvalidInput: a weight or a budget that is negative or not finite, or a weight above 1e300.

    >>> share_budget([1.0, 3.0, 0.0], 8.0).tolist()
    [2.0, 6.0, 0.0]
    """
    rows = check_range("weights", weights, 0, 1e300, many=True)
    return check_range("budget", budget, 0) * divide_or_zero(rows, rows.sum(axis=-1, keepdims=True))


def fairness_ratios(contributions: Any, rewards: Any, *, bounds: tuple[float, float] = (0.5, 1.5)) -> np.ndarray:
    """`compute_fairness_factors` as plain numbers, in arrays (…, n): clip(share brought / share of pay, least, most).

    Args:
        contributions: what each client brought over the epoch, shape (…, n); negative counts as 0.
        rewards: what each was paid over it, in any unit, shape (…, n).
        bounds: least and most F_i; the contract has ½ and 1½. The most is for who brought something and got nothing.

    Returns:
        F_i as plain numbers, shape (…, n), float64.

    Raises:
        InvalidInput: rewards of another shape than contributions, or whose clients pandas calls by other names, a
            contribution that is not finite, a reward that is negative or not finite, one of them above 1e300, or bounds
            between which 1 does not lie.

    >>> fairness_ratios([2.0, 1.0, 0.0], [50.0, 50.0, 0.0]).round(6).tolist()
    [1.333333, 0.666667, 1.0]
    """
    least, most = check_range("the least factor", bounds[0], 0, 1), check_range("the largest factor", bounds[1], 1)
    check_alike({"contributions": contributions, "rewards": rewards}, exact=True)
    brought = share_budget(np.maximum(check_range("contributions", contributions, -np.inf, 1e300, many=True), 0.0), 1.0)
    paid = share_budget(check_range("rewards", rewards, 0, 1e300, many=True), 1.0)
    unpaid = np.where(brought > 0, most, 1.0)
    return np.clip(np.divide(brought, paid, out=unpaid, where=paid > 0), least, most)


def alignment_penalties(scores: Any, stakes: Any, step_square: Any, *, rate: float, cap: float) -> np.ndarray:
    """Negative-alignment penalty (our form): burn_i = stake_i min(rate (-S_i) / ‖g‖², cap) where S_i < 0, else 0.

    The rule of `RewardPool.sol`, which computes it in integers (`compute_penalty`). No client, honest or
    not, loses more than cap · stake_i in a round.

    Args:
        scores: S_i, shape (…, n).
        stakes: stake_i, shape (…, n), not negative.
        step_square: ‖g‖², shape (…), not negative; where it is 0, a negative score costs the cap.
        rate: share of the stake per unit of -S_i / ‖g‖², not negative.
        cap: most that one round burns, as a share of the stake, in [0, 1].

    Returns:
        What is burned, in the unit of the stakes, shape (…, n).

    Raises:
        InvalidInput: rate or cap out of range, a negative stake or square, a number that is not finite, or shapes that
            do not fit each other.

    >>> alignment_penalties([2.0, -1.0, -9.0], [10.0, 10.0, 10.0], 2.0, rate=0.1, cap=0.05).tolist()
    [0.0, 0.5, 0.5]
    """
    part, most = check_range("rate", rate, 0), check_range("cap", cap, 0, 1)
    check_alike({"scores": scores, "stakes": stakes})
    values, held = check_range("scores", scores, -np.inf, many=True), check_range("stakes", stakes, 0, many=True)
    square = check_range("step_square", step_square, 0, many=True)
    if square.shape not in ((), values.shape[:-1]):
        raise InvalidInput(f"step_square has shape {square.shape}, scores {values.shape}: give one a round")
    ratio = np.where(square[..., None] > 0, divide_or_zero(-part * values, square[..., None]), most)
    return np.where(values < 0, held * np.minimum(ratio, most), 0.0)
