"""Pay rules, the paper's and those of live systems, on the same axes: what a round earns, what a record is worth.

    pay_i ∝ base_i · gate(C_i) · (1 + α·C_i) · F_i,  less a fine

The base is what the round alone earns: max(S_i, 0), presence, or a rank. C_i is the standing by some definition
(`incentives.CONSISTENCIES`) of some record: rounds attended, rounds with S_i ≥ 0, or rounds whose work passed a test.
The gate is 1 in the paper, max(0, 2·C − 1) or a threshold elsewhere. Every rule takes arrays with the clients in the
last axis and any leading shape, such as seeds.

What is named after a live system keeps one idea of it, not the system: Gauntlet (arXiv 2505.21684) pays a rating times
a mean of tests, FLock a rank-geometric share by stake; Filecoin and Avalanche ask for verified uptime above a threshold
and fine or pay nothing below.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcfl_support.checks import check_alike, check_choice, check_flag, check_flags, check_range, look_up, to_floats
from bcfl_support.incentives.consistency import CONSISTENCIES, alignment_penalties, check_window, share_budget
from bcfl_support.scores import SCORES

_CHOICES: dict[str, Collection[str]] = {
    "base": ("flat", "share", "rank"),
    "gate": ("none", "product", "threshold"),
    "consistency": tuple(CONSISTENCIES),
    "record": ("attended", "good", "verified"),
    "fine_on": ("negative", "failed"),
    "score": SCORES,
}
_MOST = {"alpha": np.inf, "stake": np.inf, "fine_rate": np.inf, "fine_cap": 1, "threshold": 1, "ratio": 1}


def rank_weights(scores: Any, sizes: Any, *, ratio: float = 0.8) -> np.ndarray:
    """p_i · ρ^rank_i for a positive score, 0 for the others; the rank is how many have a better score per unit of p_i.

    How far ahead a client is counts for nothing, only that it is ahead: after FLock's rank-geometric pay by stake.

    Args:
        scores: S_i, shape (…, n).
        sizes: p_i, shape (…, n), positive.
        ratio: ρ, in (0, 1].

    Raises:
        InvalidInput: ratio out of range, a size that is not positive, a score that is not finite, or not one of each a
            client, by the same names in pandas.

    >>> rank_weights([0.9, 0.2, -0.1], [0.5, 0.25, 0.25]).tolist()
    [0.5, 0.2, 0.0]
    """
    ratio = check_range("ratio", ratio, 0, 1, above=True, why="it is the pay of a rank over the rank before").item()
    check_alike({"scores": scores, "sizes": sizes})
    score = check_range("scores", scores, -np.inf, many=True)
    size = check_range("sizes", sizes, 0, above=True, many=True)
    worth = score / size
    # better by more than rounding: equal updates have equal ranks on every machine
    better = worth[..., None, :] > worth[..., :, None] + 1e-9 * np.abs(worth).max(axis=-1)[..., None, None]
    return np.where(score > 0, size * ratio ** better.sum(axis=-1), 0.0)


def gate_factor(standing: Any) -> np.ndarray:
    """max(0, 2·C − 1), where C is the share of passed tests: nothing for one who passes half or fewer.

    Passing at random, one test in two, gives a mean of 0: after Gauntlet's product of a rating with
    max(0, mean of ±1 tests).

    Args:
        standing: C, any shape, float64 in [0, 1].

    Raises:
        InvalidInput: a standing outside of that.

    >>> gate_factor([0.5, 0.75, 1.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.maximum(0.0, 2 * check_range("standing", standing, 0, 1, many=True) - 1)


@dataclass(frozen=True)
class PayRule:
    """pay_i ∝ base_i · factor(standing_i) · F_i, less a fine. Amounts are in fair pays: budget / n for p_i = 1/n.

    Attributes:
        base: "flat" (p_i for being there), "share" (max(S_i, 0)) or "rank" (`rank_weights`).
        gate: "none", "product" (`gate_factor`) or "threshold" (1 where C reaches the threshold, else 0: after uptime
            rules such as Avalanche's).
        alpha: α of the bonus 1 + α·C, the paper's multiplier: never below 1, it rewards presence and excludes nobody.
        consistency: definition of C, a name in `CONSISTENCIES`.
        record: rounds that count for C: "attended", "good" (revealed with S_i ≥ 0) or "verified" (passed a test).
        window: K.
        threshold: C from which the threshold rule pays.
        ratio: ρ of rank pay.
        scaled: whether a round shares a fixed budget; False pays a fixed price per unit of base: the one at which the
            first round in which anybody earns spends the budget.
        stake: stake per unit of p_i·n, in fair pays.
        fine_rate: share of the stake lost per unit of −S_i/Σ S.
        fine_cap: most that one round takes, as a share of the stake.
        fine_on: "negative" (S_i < 0, by rate up to the cap, as the contract does) or "failed" (a failed test costs
            the cap).
        loyal_fines: multiply fines by 1 + α·C as well: S_i·(1 + α·C) taken at its word.
        score: name in `scores.SCORES` of the score it pays by: "alignment" asks the other clients, "midpoint" public
            validation data.

    Raises:
        InvalidInput: an unknown name, a number out of range, or a window below 1.
    """

    base: str = "share"
    gate: str = "none"
    alpha: float = 0.5
    consistency: str = "window"
    record: str = "good"
    window: int = 8
    threshold: float = 0.75
    ratio: float = 0.8
    scaled: bool = True
    stake: float = 0.0
    fine_rate: float = 0.1
    fine_cap: float = 0.05
    fine_on: str = "negative"
    loyal_fines: bool = False
    score: str = "alignment"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            check_choice(name, getattr(self, name), allowed)
        for name, most in _MOST.items():
            number = check_range(name, getattr(self, name), 0, most, above=name == "ratio")
            object.__setattr__(self, name, number.item())
        for name in ("scaled", "loyal_fines"):
            check_flag(name, getattr(self, name))
        object.__setattr__(self, "window", check_window(self.window))

    @property
    def needs_test(self) -> bool:
        """Whether the rule asks if the work passed a test."""
        return self.record == "verified" or self.fine_on == "failed"

    def standing(self, record: np.ndarray) -> np.ndarray:
        """C by this rule's definition, from a record of shape (rounds, …, n)."""
        return CONSISTENCIES[self.consistency](record, window=self.window)

    def base_weights(self, scores: np.ndarray, sizes: np.ndarray, present: np.ndarray) -> np.ndarray:
        """What the round alone earns, shape (…, n); 0 for absent clients. Arguments and refusals as in `share`."""
        check_alike({"scores": scores, "sizes": sizes, "present": present})
        sizes = check_range("sizes", sizes, 0, 1, many=True, why="they are shares p_i")
        there = check_flags("present", present)
        if self.base == "flat":
            return np.where(there, sizes, 0.0)
        shared = np.maximum(_of_present(scores, there), 0.0)
        return shared if self.base == "share" else rank_weights(shared, sizes, ratio=self.ratio)

    def standing_factor(self, standing: np.ndarray) -> np.ndarray:
        """What the record is worth, gate(C)·(1 + α·C), shape of `standing`; refuses a C outside [0, 1]."""
        standing = check_range("standing", standing, 0, 1, many=True)
        bonus = 1 + self.alpha * standing
        if self.gate == "none":
            return bonus
        return bonus * (gate_factor(standing) if self.gate == "product" else standing >= self.threshold - 1e-12)

    def share(self, scores: np.ndarray, sizes: np.ndarray, present: np.ndarray, standing: np.ndarray) -> np.ndarray:
        """Shares of the round's budget without F_i, shape (…, n): they sum to 1, or to 0 if nobody earned.

        Args:
            scores: S_i, shape (…, n); those of absent clients are not read.
            sizes: p_i, shape (…, n).
            present: whether the client took part.
            standing: C_i.

        Raises:
            InvalidInput: the score of a client that took part is not finite, a size is negative, a standing lies
                outside [0, 1], `present` holds more than truth values, or not one of each a client, by the same names
                in pandas.
        """
        check_alike({"scores": scores, "sizes": sizes, "present": present, "standing": standing})
        return share_budget(self.base_weights(scores, sizes, present) * self.standing_factor(standing), 1.0)

    def fines(
        self, scores: np.ndarray, sizes: np.ndarray, present: np.ndarray, failed: np.ndarray, standing: np.ndarray
    ) -> np.ndarray:
        """Stake lost in the round, in fair pays, shape (…, n).

        Args:
            scores: S_i, shape (…, n).
            sizes: p_i, shape (…, n).
            present: whether the client took part.
            failed: whether it failed the round's test.
            standing: C_i.

        Raises:
            InvalidInput: as in `share`; where failed tests are fined, scores are not read.
        """
        check_alike({"scores": scores, "sizes": sizes, "present": present, "failed": failed, "standing": standing})
        sizes = check_range("sizes", sizes, 0, 1, many=True, why="they are shares p_i")
        present = check_flags("present", present)
        standing = check_range("standing", standing, 0, 1, many=True)
        if self.fine_on == "failed":
            ratio = np.where(present & check_flags("failed", failed), self.fine_cap, 0.0)
        else:
            there, rate = _of_present(scores, present), self.fine_rate
            # Σ S of those there is ‖g‖²; that of another score than the paper's may be negative
            ratio = alignment_penalties(
                there, np.ones_like(there), there.sum(axis=-1).clip(0.0), rate=rate, cap=self.fine_cap
            )
        loyalty = 1 + self.alpha * standing if self.loyal_fines else 1.0
        return self.stake * sizes * sizes.shape[-1] * ratio * loyalty


PAY_RULES: dict[str, PayRule] = {
    "flat": PayRule(base="flat", record="attended"),
    "paper": PayRule(),
    "paper_fines": PayRule(stake=10.0),
    "verified": PayRule(record="verified"),
    "paper_gate": PayRule(gate="product", consistency="ewma", record="verified", alpha=0.0),
    "midpoint": PayRule(score="midpoint"),
    "rank": PayRule(base="rank", alpha=0.0, score="midpoint"),
    "gate": PayRule(
        base="rank", ratio=0.95, gate="product", consistency="ewma", record="verified", alpha=0.0, score="midpoint"
    ),
    "threshold": PayRule(
        base="flat", gate="threshold", record="verified", alpha=0.0, stake=10.0, fine_on="failed", score="midpoint"
    ),
}
"""Pay rules by name; "paper" is what `RewardPool.sol` does."""


def _of_present(scores: Any, present: np.ndarray) -> np.ndarray:
    """The scores of those who took part, 0 for the others, whose scores are not read."""
    return check_range("scores", np.where(present, to_floats("scores", scores), 0.0), -np.inf, many=True)


def check_rule(rule: PayRule | str) -> PayRule:
    """A pay rule, or the one of that name in `PAY_RULES`.

    Raises:
        InvalidInput: it is neither.
    """
    return look_up("pay rule", rule, PAY_RULES, PayRule)
