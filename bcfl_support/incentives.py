"""Rewards as the contract computes them, in exact integers.

    reward_i = budget · w_i / Σ w,      w_i = max(S_i, 0) · (1 + α·C_i) · F_i

S_i is the alignment score, C_i the consistency, F_i the fairness factor. The paper gives S_i·(1 + α·C) and leaves α, C
and the place of fairness open; the definitions here are this project's choice. Ratios are integers in millionths, as
on chain, and every division rounds as the contract's does, so that each function equals ``RewardPool`` to the last wei.
"""

from __future__ import annotations

from collections.abc import Sequence

ONE = 1_000_000
"""The ratio 1, in millionths."""
MIN_FACTOR, MAX_FACTOR = 500_000, 1_500_000
"""Bounds of a fairness factor, in millionths."""


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
    if not 1 <= window <= 64:
        raise ValueError(f"window is {window}; the contract keeps 1 to 64 rounds of history")
    return sum(map(bool, list(history)[-window:])) * ONE // window


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
    return score * (ONE + alpha * consistency // ONE) // ONE * factor // ONE


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
