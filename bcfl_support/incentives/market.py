"""Clients that learn what pays: work × pay rule × behavior, round after round, many seeds in one array.

    choose policies → train, copy or stay away → average, score, test → pay and fine → learn

One call plays all seeds of a setting at once: arrays are (seeds, n), and (rounds, seeds, n) when kept. Every seed draws
from its own generator, so it gives the same numbers in whichever batch it is played. A round has n fair pays to share,
one for each client if all held equal data. Where the clients work is in `worlds`, how they choose and learn in
`population`, how they are paid in `pay_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bcfl_support.checks import check_generator, check_list, check_range, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.consistency import expected_consistency, fairness_ratios
from bcfl_support.incentives.pay_rules import PayRule, check_rule
from bcfl_support.incentives.policies import EFFORT, OUT, POLICIES, SKIP, TOKEN, Costs, resolve_policies
from bcfl_support.incentives.population import Crowd, Learner
from bcfl_support.incentives.worlds import Outcome, TrainingWorld, World
from bcfl_support.learning import divide_or_zero, load_digits_federation


@dataclass(frozen=True)
class Accidents:
    """What happens to clients whatever they want.

    Attributes:
        drop: probability that a client's update does not arrive, one number or n of them; its work is lost, and it
            counts as absent.
        churn: probability a round that a client is replaced by a newcomer who knows nothing and has no record.
        pause: mean rounds that a client that has left stays away before it thinks again.

    Raises:
        InvalidInput: a probability outside [0, 1], or a pause below 1.
    """

    drop: float | tuple[float, ...] = 0.0
    churn: float = 0.0
    pause: float = 5.0

    def __post_init__(self) -> None:
        check_range("drop", self.drop, 0, 1, many=True)
        for name, room, why in (("churn", (0, 1), ""), ("pause", (1, np.inf), "who leaves stays away for a round")):
            object.__setattr__(self, name, check_range(name, getattr(self, name), *room, why=why).item())


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
    rule: PayRule | str,
    learner: Learner,
    costs: Costs,
    *,
    rounds: int,
    rngs: Sequence[np.random.Generator],
    accidents: Accidents | None = None,
    fairness_interval: int = 0,
    fairness_bounds: tuple[float, float] = (0.5, 1.5),
    budget: float = 1.0,
) -> Play:
    """Play a federation of learning clients for some rounds, once for every seed.

    Args:
        world: where they work.
        rule: how they are paid, a rule or a name in `PAY_RULES`.
        learner: how they learn.
        costs: what it costs them.
        rounds: number of rounds, at least 1.
        rngs: one generator a seed.
        accidents: drop-outs and churn; None for none.
        fairness_interval: rounds between fairness records; 0 for no fairness factors.
        fairness_bounds: least and most factor, the contract's unless given.
        budget: what a round pays, in fair pays a client.

    Returns:
        Everything that happened.

    Raises:
        InvalidInput: rounds, budget or interval out of range, no such rule, not one generator a seed, or not one
            probability of accidents a client.
    """
    accidents = accidents or Accidents()
    paid = check_rule(rule)
    game = Game(world, paid, learner, costs, rounds, rngs, accidents, fairness_interval, fairness_bounds, budget)
    for outcome in world.play(rounds, game.work_rngs, game.choose):
        game.settle(outcome)
    return game.result()


@dataclass(eq=False)
class Game:
    """One game in progress: the clients, everybody's record, and what the rounds brought so far."""

    world: World
    rule: PayRule
    learner: Learner
    costs: Costs
    rounds: int
    rngs: Sequence[np.random.Generator]
    accidents: Accidents
    interval: int
    bounds: tuple[float, float]
    budget: float
    held: dict[int, int] = field(default_factory=dict)  # client → what it plays, whatever it has learned

    def __post_init__(self) -> None:
        world, rule, (seeds, n) = self.world, self.rule, self.world.sizes.shape
        self.rounds = check_whole("rounds", self.rounds, 1)
        self.budget = check_range("budget", self.budget, 0).item()
        self.interval = check_whole("fairness_interval", self.interval, 0)
        self.rngs = check_list("rngs", self.rngs)
        for place, rng in enumerate(self.rngs):
            check_generator(rng, f"rngs[{place}]")
        if len(self.rngs) != seeds:
            raise InvalidInput(f"{len(self.rngs)} generators for {seeds} seeds; give one of each")
        if isinstance(world, TrainingWorld) and (world.score != rule.score or (rule.needs_test and not world.tested)):
            offered = f"the world scores by {world.score!r} and tested is {world.tested}"
            asked = f"the rule pays by {rule.score!r} and needs a test: {rule.needs_test}"
            raise InvalidInput(f"{offered}, {asked}; make the world for the rule, or replace(rule, score=…)")
        if np.shape(self.accidents.drop) not in ((), (n,)):
            raise InvalidInput(f"drop is {self.accidents.drop}; give one probability, or {n}, one a client")
        self.sizes = world.sizes
        self.pot, self.unit = self.budget * n, self.sizes * n
        streams = [rng.spawn(3) for rng in self.rngs]
        self.levels = np.stack([self.costs.draw_levels(n, rng=own[0]) for own in streams])
        self.draws = np.stack([own[1].random((self.rounds, n, 9)) for own in streams], axis=1)  # (rounds, seeds, n, 9)
        self.work_rngs = [own[2] for own in streams]
        self.crowd = Crowd(self.learner, self.costs.expected(self.levels))
        self.record = np.zeros((self.rounds, seeds, n), dtype=bool)
        self.factors = np.ones((seeds, n))
        self.price = np.zeros((seeds, 1))  # 0 until somebody has earned
        self.away = np.zeros((seeds, n), dtype=bool)
        self.rows: list[dict[str, np.ndarray]] = []

    def choose(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """What each client does in a round, and whose update arrives."""
        draws, accidents = self.draws[number], self.accidents
        gone = draws[..., 5] < accidents.churn
        if gone.any():
            self.crowd.replace(gone)
            self.record[:number][:, gone] = False
            self.factors = np.where(gone, 1.0, self.factors)
        self.busy = draws[..., 4] < self.costs.busy
        chosen = self.crowd.choose(draws[..., :4], ~self.away | (draws[..., 6] < 1 / accidents.pause))
        chosen[:, list(self.held)] = list(self.held.values())
        self.played = resolve_policies(chosen, self.busy)
        sent = self.played < SKIP
        self.present = sent & (draws[..., 7] >= np.asarray(accidents.drop))
        return self.played, self.present

    def settle(self, outcome: Outcome) -> None:
        """Pay, let the clients learn from it, and keep what happened."""
        chosen = self.crowd.policies
        rewards, foreseen, fines, standing = self._pay(outcome)
        spent = self.costs.spent(self.played, self.busy, self.levels)
        spent = spent + np.where(self.away & (chosen != OUT), self.costs.rejoin, 0.0)
        self.crowd.learn((foreseen - fines) / self.unit, spent)
        self.away = chosen == OUT
        row = {"chosen": chosen.astype(np.int8), "played": self.played.astype(np.int8), "present": self.present}
        row |= {"rewards": rewards, "fines": fines, "costs": spent * self.unit, "standing": standing}
        row |= {"factors": self.factors, "scores": outcome.scores, "contributions": outcome.contributions}
        self.rows.append(row | {"passed": outcome.passed, "accuracy": outcome.accuracy})
        if self.interval and len(self.rows) % self.interval == 0:  # from what was brought and paid in this epoch
            epoch = self.rows[-self.interval :]
            brought, paid = (np.sum([row[name] for row in epoch], axis=0) for name in ("contributions", "rewards"))
            self.factors = fairness_ratios(brought, paid, bounds=self.bounds)

    def _pay(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rewards, what a foresighted client counts them as, fines, and standings, each (seeds, n)."""
        rule, present, scores, number = self.rule, self.present, outcome.scores, len(self.rows)
        marks = {"attended": present, "good": present & (scores >= 0), "verified": outcome.passed}[rule.record]
        self.record[number] = marks
        self.crowd.observe_marks(marks)
        standing = rule.standing(self.record[: number + 1])
        base = rule.base_weights(scores, self.sizes, present) * self.factors
        weights = base * rule.standing_factor(standing)
        rewards = foreseen = self._amounts(weights, weights)
        if share := self.learner.foresight:
            # the standing this policy leads to when kept up, everybody else as they are
            lasting = expected_consistency(self.crowd.standing_marks(), window=rule.window, kind=rule.consistency)
            later = self._amounts(weights, base * rule.standing_factor(lasting))
            foreseen = (1 - share) * rewards + share * later
        fines = rule.fines(scores, self.sizes, present, present & ~outcome.passed, standing)
        return rewards, foreseen, fines, standing

    def _amounts(self, weights: np.ndarray, own: np.ndarray) -> np.ndarray:
        """What each client gets if its weight is `own` and the others have `weights`."""
        total = weights.sum(axis=1, keepdims=True)
        if self.rule.scaled:
            return self.pot * divide_or_zero(own, total - weights + own)
        self.price = np.where(self.price > 0, self.price, divide_or_zero(self.pot, total))
        return self.price * own

    def result(self) -> Play:
        """The finished game."""
        kept = {name: np.stack([row[name] for row in self.rows]) for name in self.rows[0] if name != "contributions"}
        return Play(**kept, sizes=self.sizes)


# ---------------------------------------------------------------- what came of it


PAID_ROUNDS = 50
"""Rounds whose full budget "accuracy_at_budget" of `summarize` allows."""


def summarize(game: Play, *, last: int = 50, target: float = 0.9) -> dict[str, np.ndarray]:
    """What came of a game, one number a seed, behavior over the last rounds.

    Args:
        game: the game.
        last: rounds at the end over which behavior is averaged, at least 1.
        target: accuracy to be reached.

    Returns:
        Arrays of shape (seeds,): "honest" (share of client-rounds of honest work at any effort), "effort" (mean share
        of the full training done), "copy", "noise", "skip", "out", "accuracy" (mean of the last 10 rounds),
        "rounds_to_target" (rounds + 1 if never), "spent_to_target" and "spent" (fair pays until then and a round),
        "accuracy_at_budget" (accuracy when the pay of `PAID_ROUNDS` full rounds was spent, or at the end), "margin"
        (pay less fines and costs a client and round), "false_fines" (fines on honest work, a client and round), "jain"
        (Jain's index of pay per unit of data).

    Raises:
        InvalidInput: no round to average over, or a target that is no share.
    """
    last = check_whole("last", last, 1)
    target = check_range("target", target, 0, 1, why="it is a share of the test samples").item()
    tail = slice(-last, None)
    played, n = game.played[tail], game.sizes.shape[1]
    working = played <= TOKEN
    found = {"honest": working.mean(axis=(0, 2)), "effort": EFFORT[played].mean(axis=(0, 2))}
    for name in ("copy", "noise", "skip", "out"):
        found[name] = (played == POLICIES.index(name)).mean(axis=(0, 2))
    found["accuracy"] = game.accuracy[-10:].mean(axis=0)
    reached = game.accuracy >= target
    first = np.where(reached.any(axis=0), reached.argmax(axis=0), len(reached))
    spending = np.concatenate([np.zeros((1, game.sizes.shape[0])), game.rewards.sum(axis=2).cumsum(axis=0)])
    found["rounds_to_target"] = first + 1.0
    found["spent_to_target"] = np.take_along_axis(spending, np.minimum(first + 1, len(reached))[None], axis=0)[0]
    found["spent"] = spending[-1] / len(game.accuracy)
    within = (spending[1:] <= PAID_ROUNDS * n + 1e-9).sum(axis=0)  # rounds that this budget paid for
    found["accuracy_at_budget"] = np.take_along_axis(game.accuracy, np.maximum(within, 1)[None] - 1, axis=0)[0]
    found["margin"] = (game.rewards - game.fines - game.costs)[tail].mean(axis=(0, 2))
    found["false_fines"] = np.where(working, game.fines[tail], 0.0).sum(axis=2).mean(axis=0) / n
    per_data = game.rewards[tail].sum(axis=0) / game.sizes
    found["jain"] = divide_or_zero(per_data.sum(axis=1) ** 2, (per_data**2).sum(axis=1) * n)
    return found


def make_world(
    rule: PayRule | str,
    *,
    seeds: Sequence[int],
    n_clients: int = 12,
    partition: str = "dirichlet",
    tested: bool | None = None,
    **options: Any,
) -> TrainingWorld:
    """The digits dealt to n clients, once a seed, scored as a pay rule needs it.

    Args:
        rule: the rule, or a name in `PAY_RULES`.
        seeds: one federation each.
        n_clients: number of clients.
        partition: a name in `partitions.PARTITIONS`.
        tested: whether to run the test on own data; None if the rule needs it.
        **options: passed to the partition; the default partition has ``alpha=1.0``.

    Raises:
        InvalidInput: no such rule or partition, or seeds that are no row of whole numbers.
    """
    chosen = check_rule(rule)
    whole = check_range("seeds", seeds, 0, row=True, whole=True, why="there is one for each federation")
    if partition == "dirichlet":
        options = {"alpha": 1.0} | options
    rngs = map(np.random.default_rng, whole.tolist())
    federations = [load_digits_federation(n_clients, partition=partition, rng=rng, **options) for rng in rngs]
    return TrainingWorld(tuple(federations), score=chosen.score, tested=chosen.needs_test if tested is None else tested)
