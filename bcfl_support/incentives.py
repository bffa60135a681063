"""From scores to pay: consistency, multiplier, gate, fairness factor, penalty; first in the contract's exact integers.

    reward_i = budget · w_i / Σ w,      w_i = max(S_i, 0) · (1 + α·C_i) · F_i           arXiv 2502.14170; RewardPool.sol

S_i is the alignment score, C_i the consistency, F_i the fairness factor. The paper gives S_i·(1 + α·C) and leaves α, C
and the place of fairness open; every definition here is this project's choice.

The first half is integers: ratios in millionths, every division rounded as the contract rounds, so that `settle_round`
equals ``RewardPool`` to the last wei. The second half is the same in float arrays of any leading shape, with further
definitions of C; `pay_rules` builds on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

ONE = 1_000_000
"""The ratio 1, in millionths."""
MIN_FACTOR, MAX_FACTOR = 500_000, 1_500_000
"""Bounds of a fairness factor, in millionths."""
HISTORY_BITS = 64
"""Rounds of history the contract keeps for a client."""


# ---------------------------------------------------------------- integers, as on chain


def compute_consistency(history: Sequence[bool], window: int) -> int:
    """C_i: the share of good rounds among the last K, in millionths.

    Args:
        history: one entry a round, oldest first, up to and including the round to be paid: did the client reveal, with
            S_i ≥ 0? A round it was absent from is False.
        window: K, 1 to 64. The denominator is K also for a client younger than K rounds.

    Returns:
        C_i in millionths, rounded down.

    Raises:
        ValueError: if `window` is out of range.

    >>> compute_consistency([True, False, True], 8)
    250000
    """
    _check_window(window)
    return sum(map(bool, list(history)[-window:])) * ONE // window


def compute_streak(history: Sequence[bool], window: int) -> int:
    """C_i as a streak: min(good rounds in a row up to now, K) / K, in millionths. No contract here uses it.

    Args, Raises: as in `compute_consistency`.

    >>> compute_streak([True, False, True, True], 8)
    250000
    """
    _check_window(window)
    run = 0
    for good in reversed(history):
        if not good or run == window:
            break
        run += 1
    return run * ONE // window


def compute_ewma(history: Sequence[bool], window: int) -> int:
    """C_i as an exponentially weighted mean, c ← c·(K − 1)/K + good/K from c = 0, in millionths. No contract uses it.

    A contract would keep c itself instead of bits, hence one rounding down a round.

    Args, Raises: as in `compute_consistency`.

    >>> compute_ewma([True, True], 8)
    234375
    """
    _check_window(window)
    value = 0
    for good in history:
        value = (value * (window - 1) + (ONE if good else 0)) // window
    return value


def compute_multiplier(consistency: int, alpha: int) -> int:
    """1 + α·C_i, in millionths, rounded down.

    >>> compute_multiplier(250_000, 500_000)
    1125000
    """
    return ONE + alpha * consistency // ONE


def compute_reward_weight(score: int, consistency: int, factor: int, alpha: int) -> int:
    """w_i = S_i · (1 + α·C_i) · F_i, rounded down after each product; 0 for a negative score.

    Args:
        score: S_i at scale s².
        consistency: C_i in millionths.
        factor: F_i in millionths.
        alpha: α in millionths.

    >>> compute_reward_weight(1000, 250_000, 1_000_000, 500_000)
    1125
    """
    if score < 0:
        return 0
    return score * compute_multiplier(consistency, alpha) // ONE * factor // ONE


def compute_rewards(weights: Sequence[int], budget: int, pot: int) -> list[int]:
    """Each client's share of the round's budget, in wei, rounded down; all zero when no weight is positive.

    Args:
        weights: w_i of each client.
        budget: wei a round.
        pot: wei left in the escrow; it bounds the budget.

    >>> compute_rewards([1, 2, 0], 100, 1000)
    [33, 66, 0]
    """
    total, available = sum(weights), min(budget, pot)
    return [available * weight // total if total else 0 for weight in weights]


def compute_stake(samples: int, per_sample: int) -> int:
    """Wei a client stakes: proportional to the sample count it declares, so that a larger claim costs more.

    >>> compute_stake(40, 10**16) / 10**18
    0.4
    """
    if samples < 1:
        raise ValueError(f"samples is {samples}; a client registers with at least 1")
    return samples * per_sample


def compute_penalty(stake: int, score: int | None, norm_squared: int, *, rate: int, cap: int) -> int:
    """Wei of stake that a round burns: stake · min(rate · (−S_i)/‖g‖², cap).

    Args:
        stake: wei.
        score: S_i at scale s²; None when the client committed and did not reveal, which costs the cap.
        norm_squared: ‖g‖² at scale s².
        rate: millionths of the stake per unit of −S_i/‖g‖².
        cap: most that a round burns, in millionths of the stake.

    >>> compute_penalty(10**18, -30, 100, rate=100_000, cap=50_000) / 10**18
    0.03
    """
    if score is None:
        ratio = cap
    elif score >= 0:
        return 0
    else:
        ratio = min(-score * rate // norm_squared, cap) if norm_squared else cap
    return stake * ratio // ONE


def compute_fairness_factors(contributions: Sequence[float], rewards: Sequence[int]) -> list[int]:
    """F_i = clip(share of the contributions / share of the pay, ½, 1½), in millionths, rounded to the nearest.

    Args:
        contributions: what each client brought over the epoch, such as its Shapley values' sum; negative counts as 0.
        rewards: what each was paid over the epoch, in wei.

    Returns:
        One factor a client. A client that brought nothing and was paid nothing keeps the factor 1; one that brought
        something and was paid nothing gets the largest.

    Raises:
        ValueError: if the lengths differ.

    >>> compute_fairness_factors([2.0, 1.0, 0.0], [50, 50, 0])
    [1333333, 666667, 1000000]
    """
    if len(contributions) != len(rewards):
        raise ValueError(f"{len(contributions)} contributions for {len(rewards)} rewards; give one of each a client")
    positive = [max(0.0, float(value)) for value in contributions]
    brought, paid = sum(positive), sum(rewards)
    factors = []
    for value, reward in zip(positive, rewards, strict=True):
        if not reward:
            factors.append(MAX_FACTOR if value else ONE)
        else:
            ratio = (value / brought if brought else 0.0) / (reward / paid)
            factors.append(max(MIN_FACTOR, min(MAX_FACTOR, round(ratio * ONE))))
    return factors


@dataclass(frozen=True)
class Terms:
    """What ``RewardPool`` fixes at deployment: wei, and ratios in millionths.

    Attributes:
        budget: wei shared in a round.
        alpha: α.
        window: K, 1 to 64.
        penalty_rate: share of the stake burned per unit of −S_i/‖g‖².
        penalty_cap: most that one round burns.
    """

    budget: int = 10**18
    alpha: int = 500_000
    window: int = 8
    penalty_rate: int = 100_000
    penalty_cap: int = 50_000


@dataclass(frozen=True)
class Account:
    """What the pool remembers of a client.

    Attributes:
        history: one bit a round, the newest lowest, at most 64.
        last_round: the round of the lowest bit; 0 before the first.
        credit: wei earned and not yet withdrawn.
    """

    history: int = 0
    last_round: int = 0
    credit: int = 0


@dataclass(frozen=True)
class Settlement:
    """A settled round: what each client that committed got and lost, and the books after it.

    Attributes:
        consistency: C_i in millionths, by client; as used for its reward.
        rewards: wei credited, by client.
        penalties: wei of stake burned, by client.
        accounts: everybody's account after the round.
        stakes: everybody's stake after the round.
        pot: wei left in the escrow.
    """

    consistency: Mapping[str, int]
    rewards: Mapping[str, int]
    penalties: Mapping[str, int]
    accounts: Mapping[str, Account]
    stakes: Mapping[str, int]
    pot: int


def settle_round(
    number: int,
    scores: Mapping[str, int | None],
    *,
    norm_squared: int,
    terms: Terms,
    accounts: Mapping[str, Account],
    stakes: Mapping[str, int],
    pot: int,
    factors: Mapping[str, int] | None = None,
) -> Settlement:
    """Settle one round as ``RewardPool`` does: history, weights and penalties first, then the payments.

    Args:
        number: the round's number, above every account's `last_round`.
        scores: client → S_i at scale s², for those that committed; None for one that did not reveal.
        norm_squared: ‖g‖² at scale s²; 0 when nobody revealed.
        terms: the pool's terms.
        accounts: client → account; a client not in it starts with an empty one.
        stakes: client → wei of stake.
        pot: wei in the escrow.
        factors: client → F_i in millionths; a client not in it has 1.

    Returns:
        The settlement, with new accounts and stakes; the arguments are not changed.

    Raises:
        ValueError: if a round is settled twice or out of order.

    >>> s = settle_round(1, {"a": 3, "b": -1}, norm_squared=2, terms=Terms(budget=100), accounts={},
    ...                  stakes={"a": 1000, "b": 1000}, pot=1000)
    >>> s.rewards, s.penalties, s.stakes["b"], bin(s.accounts["a"].history)
    ({'a': 100, 'b': 0}, {'a': 0, 'b': 50}, 950, '0b1')
    """
    books, held = dict(accounts), dict(stakes)
    weights, consistency, penalties = {}, {}, {}
    for client, score in scores.items():
        account = books.get(client, Account())
        if number <= account.last_round:
            raise ValueError(f"round {number} is not after round {account.last_round}, which {client} was settled in")
        good = score is not None and score >= 0
        history = (account.history << number - account.last_round | good) % 2**HISTORY_BITS
        books[client] = replace(account, history=history, last_round=number)
        consistency[client] = _count_ones(history, terms.window)
        factor = (factors or {}).get(client, ONE)
        counted = -1 if score is None else score  # a missing reveal earns what a negative score does
        weights[client] = compute_reward_weight(counted, consistency[client], factor, terms.alpha)
        penalties[client] = compute_penalty(
            held[client], score, norm_squared, rate=terms.penalty_rate, cap=terms.penalty_cap
        )
        held[client] -= penalties[client]
    paid = dict(zip(weights, compute_rewards(list(weights.values()), terms.budget, pot), strict=True))
    for client, amount in paid.items():
        books[client] = replace(books[client], credit=books[client].credit + amount)
    return Settlement(consistency, paid, penalties, books, held, pot - sum(paid.values()))


def _count_ones(history: int, window: int) -> int:
    return (history & ((1 << window) - 1)).bit_count() * ONE // window


def _check_window(window: int) -> None:
    if not 1 <= window <= HISTORY_BITS:
        raise ValueError(f"window is {window}; the contract keeps 1 to {HISTORY_BITS} rounds of history")


# ---------------------------------------------------------------- definitions of C, in arrays


def window_consistency(record: Any, *, window: int) -> np.ndarray:
    """C as the share of good rounds among the last K; the contract's definition.

    Args:
        record: good rounds, shape (rounds, …), bool, oldest first, the round to be paid last; rounds before the first
            count as missed.
        window: K, at least 1.

    Returns:
        C in [0, 1], shape (…), float64.

    >>> window_consistency([[True], [False], [True]], window=8).tolist()
    [0.25]
    """
    _check_array_window(window)
    return np.asarray(record, dtype=bool)[-window:].sum(axis=0) / window


def streak_consistency(record: Any, *, window: int) -> np.ndarray:
    """C as a streak: min(good rounds in a row up to now, K) / K; one miss takes all of it.

    Args, Returns: as in `window_consistency`.

    >>> streak_consistency([[True], [False], [True]], window=8).tolist()
    [0.125]
    """
    _check_array_window(window)
    newest_first = np.asarray(record, dtype=bool)[-window:][::-1]
    return np.logical_and.accumulate(newest_first, axis=0).sum(axis=0) / window


def ewma_consistency(record: Any, *, window: int) -> np.ndarray:
    """C as an exponentially weighted mean: C ← C·(1 − 1/K) + good/K from C = 0.

    Args, Returns: as in `window_consistency`.

    >>> ewma_consistency([[True], [True]], window=8).tolist()
    [0.234375]
    """
    _check_array_window(window)
    rows = np.asarray(record, dtype=np.float64)
    ages = np.arange(len(rows))[::-1]
    return np.tensordot((1 - 1 / window) ** ages / window, rows, axes=1)


CONSISTENCIES: dict[str, Callable[..., np.ndarray]] = {
    "window": window_consistency,
    "streak": streak_consistency,
    "ewma": ewma_consistency,
}
"""Definitions of C by name; which rounds count as good is another choice, see `PayRule.record`."""


def expected_consistency(share: Any, *, window: int, kind: str = "window") -> np.ndarray:
    """E[C_i | this round is good] of a client whose rounds are good independently with probability q.

        window: (1 + (K − 1)·q) / K      streak: (1 − q^K) / (K·(1 − q))      EWMA: 1/K + (1 − 1/K)·q

    Window and EWMA agree; the streak lies below both, since it asks for an unbroken past.

    Args:
        share: q in [0, 1], any shape.
        window: K.
        kind: a name in `CONSISTENCIES`.

    >>> expected_consistency(0.5, window=2).item(), expected_consistency(0.5, window=3, kind="streak").item()
    (0.75, 0.5833333333333334)
    """
    _check_array_window(window)
    if kind not in CONSISTENCIES:
        raise ValueError(f"kind is {kind!r}; use one of {', '.join(CONSISTENCIES)}")
    q = np.asarray(share, dtype=np.float64)
    if kind == "streak":
        return sum((q**k for k in range(window)), np.zeros_like(q)) / window
    return (1 + (window - 1) * q) / window


def _check_array_window(window: int) -> None:
    if window < 1:
        raise ValueError(f"window is {window}; consistency counts over at least 1 round")


# ---------------------------------------------------------------- budget and fairness, in arrays


def share_budget(weights: Any, budget: float) -> np.ndarray:
    """budget · w_i / Σ w along the last axis; zeros where no weight is positive.

    >>> share_budget([1.0, 3.0, 0.0], 8.0).tolist()
    [2.0, 6.0, 0.0]
    """
    rows = np.asarray(weights, dtype=np.float64)
    total = rows.sum(axis=-1, keepdims=True)
    return budget * np.divide(rows, total, out=np.zeros_like(rows), where=total > 0)


def fairness_factors(contributions: Any, rewards: Any) -> np.ndarray:
    """`compute_fairness_factors` for arrays (…, n): clip(share of contributions / share of pay, ½, 1½).

    >>> fairness_factors([2.0, 1.0, 0.0], [50.0, 50.0, 0.0]).round(6).tolist()
    [1.333333, 0.666667, 1.0]
    """
    brought = share_budget(np.maximum(contributions, 0.0), 1.0)
    paid = share_budget(rewards, 1.0)
    unpaid = np.where(brought > 0, 1.5, 1.0)
    return np.clip(np.divide(brought, paid, out=unpaid, where=paid > 0), 0.5, 1.5)


def alignment_penalties(scores: Any, stakes: Any, step_square: Any, *, rate: float, cap: float) -> np.ndarray:
    """Negative-alignment penalty (our form): burn_i = stake_i min(rate (-S_i) / ||g||^2, cap) where S_i < 0, else 0.

    The rule of `RewardPool.sol`, which computes it in integers (`compute_penalty`). No client, honest or
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
        ValueError: rate or cap out of range.

    >>> alignment_penalties([2.0, -1.0, -9.0], [10.0, 10.0, 10.0], 2.0, rate=0.1, cap=0.05).tolist()
    [0.0, 0.5, 0.5]
    """
    if rate < 0 or not 0 <= cap <= 1:
        raise ValueError(f"rate is {rate}, cap {cap}: the rate is not negative and the cap lies in [0, 1].")
    values, square = np.asarray(scores, dtype=np.float64), np.asarray(step_square, dtype=np.float64)[..., None]
    shape = np.broadcast_shapes(values.shape, square.shape)
    ratio = np.divide(-rate * values, square, out=np.full(shape, cap), where=np.broadcast_to(square > 0, shape))
    return np.where(values < 0, np.asarray(stakes, dtype=np.float64) * np.minimum(ratio, cap), 0.0)
