"""Clients that learn what pays: work × pay rule × behavior, round after round, many seeds in one array.

    choose policies → train, copy or stay away → average, score, test → pay and fine → learn

One call plays all seeds of a setting at once: arrays are (seeds, n), and (rounds, seeds, n) when kept. Every seed draws
from its own generator, so it gives the same numbers in whichever batch it is played. A round has n fair pays to share,
one for each client if all held equal data. Where the clients work is in `worlds`, how they choose and learn in
`behavior`, how they are paid in `pay_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcfl_support.incentives.consistency import expected_consistency, fairness_factors
from bcfl_support.incentives.pay_rules import PAY_RULES, PayRule
from bcfl_support.incentives.policies import (
    COPY,
    EFFORT,
    NOISE,
    OUT,
    SKIP,
    TOKEN,
    Costs,
    compute_costs,
    draw_cost_levels,
    expected_costs,
    resolve_policies,
)
from bcfl_support.incentives.population import Crowd, Learner
from bcfl_support.incentives.worlds import Outcome, TrainingWorld, World
from bcfl_support.learning import load_digits_federation


@dataclass(frozen=True)
class Accidents:
    """What happens to clients whatever they want.

    Attributes:
        drop: probability that a client's update does not arrive, one number or n of them; its work is lost, and it
            counts as absent.
        late: share of the drops that come after the commitment: such a client is fined the cap.
        churn: probability a round that a client is replaced by a newcomer who knows nothing and has no record.
        pause: mean rounds that a client that has left stays away before it thinks again.
    """

    drop: float | tuple[float, ...] = 0.0
    late: float = 0.0
    churn: float = 0.0
    pause: float = 5.0

    def __post_init__(self) -> None:
        if not 0 <= self.late <= 1 or not 0 <= self.churn <= 1 or self.pause < 1:
            raise ValueError(f"late {self.late} and churn {self.churn} lie in [0, 1], pause {self.pause} is at least 1")
        if np.min(self.drop) < 0 or np.max(self.drop) > 1:
            raise ValueError(f"drop is {self.drop}; probabilities lie in [0, 1]")


@dataclass(frozen=True, eq=False)
class Play:
    """A finished game; arrays are (rounds, seeds, n) unless said otherwise.

    Attributes:
        chosen: policy each client chose, index into `POLICIES`.
        played: what it did: as chosen, with FAIR_WEATHER resolved.
        present: whether its update arrived.
        rewards: pay, in fair pays.
        fines: stake lost, in fair pays.
        costs: what the round cost, in fair pays; negative when out.
        standing: C_i as used for the pay.
        factors: F_i as used for the pay.
        scores: S_i.
        passed: whether the work passed the test.
        accuracy: test accuracy after the round, shape (rounds, seeds).
        sizes: data shares p_i, shape (seeds, n).
    """

    chosen: np.ndarray
    played: np.ndarray
    present: np.ndarray
    rewards: np.ndarray
    fines: np.ndarray
    costs: np.ndarray
    standing: np.ndarray
    factors: np.ndarray
    scores: np.ndarray
    passed: np.ndarray
    accuracy: np.ndarray
    sizes: np.ndarray


def play(
    world: World,
    rule: PayRule,
    learner: Learner,
    costs: Costs,
    *,
    rounds: int,
    rngs: Sequence[np.random.Generator],
    accidents: Accidents | None = None,
    fairness_interval: int = 0,
    budget: float = 1.0,
) -> Play:
    """Play a federation of learning clients for some rounds, once for every seed.

    Args:
        world: where they work.
        rule: how they are paid.
        learner: how they learn.
        costs: what it costs them.
        rounds: number of rounds, at least 1.
        rngs: one generator a seed.
        accidents: drop-outs and churn; None for none.
        fairness_interval: rounds between fairness records; 0 for no fairness factors.
        budget: what a round pays, in fair pays a client.

    Returns:
        Everything that happened.

    Raises:
        ValueError: rounds, budget or interval out of range, or not one generator a seed.
    """
    if rounds < 1 or budget < 0 or fairness_interval < 0:
        raise ValueError(f"rounds {rounds} is at least 1, budget {budget} and interval {fairness_interval} at least 0")
    if len(rngs) != len(world.sizes):
        raise ValueError(f"{len(rngs)} generators for {len(world.sizes)} seeds; give one of each")
    table = _Table(world, rule, learner, costs, rounds, rngs, accidents or Accidents(), fairness_interval, budget)
    for outcome in world.play(rounds, table.work_rngs, table.choose):
        table.settle(outcome)
    return table.result()


class _Table:
    """One game in progress: the arrays it fills, and the round that fills them."""

    def __init__(
        self,
        world: World,
        rule: PayRule,
        learner: Learner,
        costs: Costs,
        rounds: int,
        rngs: Sequence[np.random.Generator],
        accidents: Accidents,
        interval: int,
        budget: float,
    ) -> None:
        self.rule, self.costs, self.accidents, self.interval = rule, costs, accidents, interval
        self.sizes = world.sizes
        seeds, n = self.sizes.shape
        self.pot = budget * n
        streams = [rng.spawn(3) for rng in rngs]
        self.levels = np.stack([draw_cost_levels(n, costs.spread, rng=own[0]) for own in streams])
        self.draws = np.stack([own[1].random((rounds, n, 9)) for own in streams], axis=1)  # (rounds, seeds, n, 9)
        self.work_rngs = [own[2] for own in streams]
        self.crowd = Crowd(learner, expected_costs(costs, self.levels))
        self.record = np.zeros((rounds, seeds, n), dtype=bool)
        self.factor_now = np.ones((seeds, n))
        self.price: np.ndarray | None = None
        self.away = np.zeros((seeds, n), dtype=bool)
        self.kept: dict[str, np.ndarray] = {
            name: np.zeros((rounds, seeds, n), dtype=dtype)
            for name, dtype in (
                *((name, np.int8) for name in ("chosen", "played")),
                *((name, bool) for name in ("present", "passed")),
                *((name, float) for name in ("rewards", "fines", "costs", "standing", "factors", "scores")),
                ("contributions", float),
            )
        }
        self.accuracy = np.zeros((rounds, seeds))

    def choose(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """What each client does in a round, and whose update arrives."""
        draws, accidents = self.draws[number], self.accidents
        self.number, self.busy = number, draws[..., 4] < self.costs.busy
        self._welcome_newcomers(number, draws[..., 5] < accidents.churn)
        self.chosen = self.crowd.choose(draws[..., :4], ~self.away | (draws[..., 6] < 1 / accidents.pause))
        self.played = resolve_policies(self.chosen, self.busy)
        sent = self.played < SKIP
        dropped = sent & (draws[..., 7] < np.asarray(accidents.drop))
        self.late = dropped & (draws[..., 8] < accidents.late)
        self.present = sent & ~dropped
        return self.played, self.present

    def settle(self, outcome: Outcome) -> None:
        """Pay, and let the clients learn from it."""
        number, chosen = self.number, self.chosen
        rewards, foreseen, fines, standing = self._pay(number, outcome, self.present, self.late)
        spent = compute_costs(self.costs, self.played, self.busy, self.levels)
        spent = spent + np.where(self.away & (chosen != OUT), self.costs.rejoin, 0.0)
        unit = self.sizes * self.sizes.shape[1]
        self.crowd.learn((foreseen - fines) / unit, spent)
        self.away = chosen == OUT
        columns = {"chosen": chosen, "played": self.played, "present": self.present, "passed": outcome.passed}
        columns |= {"rewards": rewards, "fines": fines, "costs": spent * unit, "standing": standing}
        columns |= {"factors": self.factor_now, "scores": outcome.scores, "contributions": outcome.contributions}
        for name, values in columns.items():
            self.kept[name][number] = values
        self.accuracy[number] = outcome.accuracy
        self._update_fairness(number)

    def _welcome_newcomers(self, number: int, gone: np.ndarray) -> None:
        if gone.any():
            self.crowd.replace(gone)
            self.record[:number][:, gone] = False
            self.factor_now = np.where(gone, 1.0, self.factor_now)

    def _pay(
        self, number: int, outcome: Outcome, present: np.ndarray, late: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rewards, what a foresighted client counts them as, fines, and standings, each (seeds, n)."""
        rule, learner = self.rule, self.crowd.learner
        marks = {"attended": present, "good": present & (outcome.scores >= 0), "verified": outcome.passed}[rule.record]
        self.record[number] = marks
        self.crowd.observe_marks(marks)
        standing = rule.standing(self.record[: number + 1])
        base = rule.base_weights(outcome.scores, self.sizes, present) * self.factor_now
        weights = base * rule.standing_factor(standing)
        rewards = self._amounts(weights, weights)
        foreseen = rewards
        if learner.foresight:
            # the standing this policy leads to when kept up, everybody else as they are
            lasting = expected_consistency(self.crowd.standing_marks(), window=rule.window, kind=rule.consistency)
            later = self._amounts(weights, base * rule.standing_factor(lasting))
            foreseen = (1 - learner.foresight) * rewards + learner.foresight * later
        failed = present & ~outcome.passed
        fines = rule.fines(outcome.scores, self.sizes, present, failed, standing)
        fines = fines + late * (rule.stake * rule.fine_cap * self.sizes * self.sizes.shape[1])
        return rewards, foreseen, fines, standing

    def _amounts(self, weights: np.ndarray, own: np.ndarray) -> np.ndarray:
        """What each client gets if its weight is `own` and the others have `weights`."""
        total = weights.sum(axis=1, keepdims=True)
        if not self.rule.scaled:
            if self.price is None:
                self.price = np.where(total > 0, self.pot / np.where(total > 0, total, 1.0), 0.0)
            return self.price * own
        theirs = total - weights + own
        return self.pot * np.divide(own, theirs, out=np.zeros_like(own), where=theirs > 0)

    def _update_fairness(self, number: int) -> None:
        """At the end of an epoch: F_i from what was brought and what was paid in it."""
        if self.interval and (number + 1) % self.interval == 0:
            epoch = slice(number + 1 - self.interval, number + 1)
            self.factor_now = fairness_factors(
                self.kept["contributions"][epoch].sum(axis=0), self.kept["rewards"][epoch].sum(axis=0)
            )

    def result(self) -> Play:
        """The finished game."""
        kept = {name: values for name, values in self.kept.items() if name != "contributions"}
        return Play(**kept, accuracy=self.accuracy, sizes=self.sizes)


# ---------------------------------------------------------------- what came of it


def summarize(game: Play, *, last: int = 50, target: float = 0.9, paid_rounds: int = 50) -> dict[str, np.ndarray]:
    """What came of a game, one number a seed, behavior over the last rounds.

    Args:
        game: the game.
        last: rounds at the end over which behavior is averaged.
        target: accuracy to be reached.
        paid_rounds: rounds whose full budget "accuracy_at_budget" allows.

    Returns:
        Arrays of shape (seeds,): "honest" (share of client-rounds of honest work at any effort), "effort" (mean share
        of the full training done), "copy", "noise", "skip", "out", "accuracy" (mean of the last 10 rounds),
        "rounds_to_target" (rounds + 1 if never), "spent_to_target" and "spent" (fair pays until then and a round),
        "accuracy_at_budget" (accuracy when the pay of `paid_rounds` full rounds was spent, or at the end), "margin"
        (pay less fines and costs a client and round), "false_fines" (fines on honest work, a client and round), "jain"
        (Jain's index of pay per unit of data).
    """
    tail = slice(-last, None)
    played, n = game.played[tail], game.sizes.shape[1]
    working = played <= TOKEN
    found = {"honest": working.mean(axis=(0, 2)), "effort": EFFORT[played].mean(axis=(0, 2))}
    for name, code in (("copy", COPY), ("noise", NOISE), ("skip", SKIP), ("out", OUT)):
        found[name] = (played == code).mean(axis=(0, 2))
    found["accuracy"] = game.accuracy[-10:].mean(axis=0)
    reached = game.accuracy >= target
    first = np.where(reached.any(axis=0), reached.argmax(axis=0), len(reached))
    spending = np.concatenate([np.zeros((1, game.sizes.shape[0])), game.rewards.sum(axis=2).cumsum(axis=0)])
    found["rounds_to_target"] = first + 1.0
    found["spent_to_target"] = np.take_along_axis(spending, np.minimum(first + 1, len(reached))[None], axis=0)[0]
    found["spent"] = spending[-1] / len(game.accuracy)
    within = (spending[1:] <= paid_rounds * n + 1e-9).sum(axis=0)  # rounds that this budget paid for
    found["accuracy_at_budget"] = np.take_along_axis(game.accuracy, np.maximum(within, 1)[None] - 1, axis=0)[0]
    found["margin"] = (game.rewards - game.fines - game.costs)[tail].mean(axis=(0, 2))
    found["false_fines"] = np.where(working, game.fines[tail], 0.0).sum(axis=2).mean(axis=0) / n
    per_data = game.rewards[tail].sum(axis=0) / game.sizes
    square = (per_data**2).sum(axis=1) * n
    found["jain"] = np.divide(per_data.sum(axis=1) ** 2, square, out=np.zeros(len(square)), where=square > 0)
    return found


def mean_interval(values: Any) -> tuple[float, float]:
    """Mean and half-width of its 95% confidence interval by Student's t, over independent seeds.

    Args:
        values: one number a seed, at least two.

    >>> mean, half = mean_interval([1.0, 2.0, 3.0])
    >>> round(mean, 3), round(half, 3)
    (2.0, 2.484)
    """
    from scipy.stats import t

    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2:
        raise ValueError(f"an interval needs at least 2 values in one row, got shape {sample.shape}")
    return float(sample.mean()), float(t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))


def make_world(
    rule: str,
    *,
    seeds: Sequence[int],
    n_clients: int = 12,
    partition: str = "dirichlet",
    tested: bool | None = None,
    **options: Any,
) -> TrainingWorld:
    """The digits dealt to n clients, once a seed, scored as a rule of `PAY_RULES` needs it.

    Args:
        rule: a name in `PAY_RULES`.
        seeds: one federation each.
        n_clients: number of clients.
        partition: a name in `partitions.PARTITIONS`.
        tested: whether to run the test on own data; None if the rule needs it.
        **options: passed to the partition, e.g. ``alpha=1.0``.
    """
    federations = tuple(
        load_digits_federation(n_clients, partition=partition, rng=np.random.default_rng(seed), **options)
        for seed in seeds
    )
    chosen = PAY_RULES[rule]
    return TrainingWorld(federations, score=chosen.score, tested=chosen.needs_test if tested is None else tested)
