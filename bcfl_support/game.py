"""Clients that learn what pays, in a federation that trains: training × pay rule × behaviour, many seeds in one array.

    choose policies → train, copy or stay away → average → score and test → pay and fine → learn      w ← w + g

One call plays all seeds of a setting at once: arrays are (seeds, n), and (rounds, seeds, n) when kept. Every seed draws
from its own generator, so it gives the same numbers in whichever batch it is played. `simulation` plays one federation
with any model, score or attack; this module gives that generality up for speed, and is tested against it.

A round has n fair pays to share, one for each client if all held equal data. A copy is the last global update,
stretched to the honest clients' median length of the round before; noise is a random direction of that length. The test
(our simplification of Gauntlet's) asks whether an update lowers the loss more on the first mini-batch the client was to
train on than on random public data: work on that data passes, a copy passes half the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bcfl_support import behavior, incentives
from bcfl_support.behavior import COPY, NOISE, OUT, SKIP, TOKEN, Costs, Crowd, Learner
from bcfl_support.datasets import FederatedData
from bcfl_support.errors import InvalidUpdate
from bcfl_support.models import SoftmaxRegression
from bcfl_support.pay_rules import PayRule

SCORES = ("alignment", "midpoint")
"""S_i = p_i⟨g_i, g⟩, or the same with −∇L(w + g/2) of the public validation loss in place of g."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a round of work brought, before anybody is paid.

    Attributes:
        scores: S_i, shape (seeds, n); 0 where absent.
        contributions: midpoint scores on the validation loss, shape (seeds, n); the fairness record is made of them.
        passed: whether the work passed the test, shape (seeds, n); False where absent.
        accuracy: test accuracy of the new model, shape (seeds,).
    """

    scores: np.ndarray
    contributions: np.ndarray
    passed: np.ndarray
    accuracy: np.ndarray


class Work(Protocol):
    """Rounds of work in progress."""

    def step(self, played: np.ndarray, present: np.ndarray) -> Outcome:
        """Do one round: what each client does (index into POLICIES) and whether its update arrives, both (seeds, n)."""
        ...


class World(Protocol):
    """Where the clients work."""

    @property
    def sizes(self) -> np.ndarray:
        """Data shares p_i, shape (seeds, n)."""
        ...

    def begin(self, rounds: int, rngs: Sequence[np.random.Generator]) -> Work:
        """Start from the first round, one generator a seed."""
        ...


@dataclass(frozen=True, eq=False)
class PresenceWorld:
    """A world where only presence counts: S_i = p_i for whoever is there, whatever it sends. It has closed forms.

    Attributes:
        sizes: data shares p_i, shape (seeds, n).
    """

    sizes: np.ndarray

    @classmethod
    def equal(cls, seeds: int, n_clients: int) -> PresenceWorld:
        """Clients with equal shares."""
        return cls(np.full((seeds, n_clients), 1 / n_clients))

    def begin(self, rounds: int, rngs: Sequence[np.random.Generator]) -> PresenceWorld:
        """This world has no state: it is its own work in progress."""
        return self

    def step(self, played: np.ndarray, present: np.ndarray) -> Outcome:
        """Presence is the score, the contribution and the test; "accuracy" is the share of data present."""
        scores = np.where(present, self.sizes, 0.0)
        return Outcome(scores, scores, present, scores.sum(axis=1))


@dataclass(frozen=True, eq=False)
class TrainingWorld:
    """Federated training of a softmax regression, one federation a seed.

    Attributes:
        federations: one a seed, all with n clients and equally large validation and test sets.
        score: a name in `SCORES`.
        tested: whether to run the test on own data; without it `passed` says S_i > 0.
        lr: learning rate of the clients.
        steps: gradient steps of full effort, a multiple of 4 so that token effort is a whole number.
        batch: samples a step, drawn with replacement.
        probe: public validation samples the test compares with.
    """

    federations: tuple[FederatedData, ...]
    score: str = "alignment"
    tested: bool = False
    lr: float = 0.3
    steps: int = 4
    batch: int = 16
    probe: int = 32
    sizes: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        if self.score not in SCORES:
            raise InvalidUpdate(f"score is {self.score!r}: use one of {', '.join(SCORES)}.")
        if self.steps < 4 or self.steps % 4:
            raise InvalidUpdate(f"steps is {self.steps}: a quarter of it must be a whole number, use 4, 8, ….")
        shapes = {(data.n_clients, data.x_val.shape, data.x_test.shape) for data in self.federations}
        if len(shapes) != 1:
            raise InvalidUpdate(f"federations differ in clients, validation or test size: {sorted(shapes)}.")
        counts = np.stack([data.sizes for data in self.federations])
        object.__setattr__(self, "sizes", counts / counts.sum(axis=1, keepdims=True))

    def begin(self, rounds: int, rngs: Sequence[np.random.Generator]) -> _Training:
        """Start training from zero parameters."""
        return _Training(self, rounds, rngs)


class _Training:
    """Training in progress: the models of all seeds and what clients can see of the last round."""

    def __init__(self, world: TrainingWorld, rounds: int, rngs: Sequence[np.random.Generator]) -> None:
        data = world.federations
        self.world = world
        self.model = SoftmaxRegression(data[0].n_features, data[0].n_classes)
        self.x = np.concatenate([federation.x for federation in data])
        self.y = np.concatenate([federation.y for federation in data])
        self.counts = np.stack([federation.sizes for federation in data])
        self.first = (np.cumsum(self.counts) - self.counts.ravel()).reshape(self.counts.shape)
        self.x_val, self.y_val = (np.stack([getattr(d, name) for d in data]) for name in ("x_val", "y_val"))
        self.x_test, self.y_test = (np.stack([getattr(d, name) for d in data]) for name in ("x_test", "y_test"))
        self.val_weights = np.full(self.y_val.shape, 1 / self.y_val.shape[1])
        seeds, n = self.counts.shape
        self.params = np.zeros((seeds, self.model.n_params))
        self.previous = np.zeros((seeds, self.model.n_params))
        self.length = np.zeros(seeds)  # the honest clients' median length, of the last round that had any
        batches, self.noise_rngs = zip(*(rng.spawn(2) for rng in rngs), strict=True)
        shape = (rounds, world.steps, n, world.batch)
        self.draws = np.stack([rng.random(shape) for rng in batches], axis=2)  # (rounds, steps, seeds, n, batch)
        self.probes = np.stack([rng.random((rounds, world.probe)) for rng in batches], axis=1)
        self.round = 0

    def step(self, played: np.ndarray, present: np.ndarray) -> Outcome:
        """Train, average, score, test; advance the models."""
        weights = np.where(present, self.world.sizes, 0.0)
        weights = incentives.share_budget(weights, 1.0)
        updates = self._updates(played)
        step = np.einsum("sn,snp->sp", weights, updates)
        descent = -self.model.client_gradients(self.params + step / 2, self.x_val, self.y_val, self.val_weights)
        contributions = weights * np.einsum("snp,sp->sn", updates, descent)
        aligned = weights * np.einsum("snp,sp->sn", updates, step)
        scores = aligned if self.world.score == "alignment" else contributions
        passed = present & (self._test(updates, present) if self.world.tested else scores > 0)
        honest = present & (played <= TOKEN)
        lengths = np.where(honest, np.linalg.norm(updates, axis=2), np.nan)
        for s in np.flatnonzero(honest.any(axis=1)):
            self.length[s] = np.nanmedian(lengths[s])
        self.params, self.previous = self.params + step, step
        self.round += 1
        return Outcome(scores, contributions, passed, self._accuracy())

    def _updates(self, played: np.ndarray) -> np.ndarray:
        """What the clients would send, shape (seeds, n, P)."""
        seeds, n = played.shape
        todo = (behavior.EFFORT[played] * self.world.steps).astype(int).ravel()
        updates = np.zeros((seeds * n, self.model.n_params))
        weights = np.full((seeds * n, self.world.batch), 1 / self.world.batch)
        rows = np.flatnonzero(todo)
        params = self.params[rows // n]
        for k in range(todo.max(initial=0)):
            keep = todo[rows] > k
            if not keep.all():  # those who are done hand in what they have
                updates[rows[~keep]] = params[~keep]
                rows, params = rows[keep], params[keep]
            gradient = self.model.client_gradients(params, *self._batch(k, rows), weights[: len(rows)])
            gradient *= self.world.lr
            params -= gradient
        updates[rows] = params
        worked = np.flatnonzero(todo)
        updates[worked] -= self.params[worked // n]
        updates = updates.reshape(seeds, n, -1)
        size = np.linalg.norm(self.previous, axis=1)
        stretch = np.divide(self.length, size, out=np.zeros(seeds), where=size > 0)
        copiers = np.nonzero(played == COPY)
        updates[copiers] = stretch[copiers[0], None] * self.previous[copiers[0]]
        for s, i in np.argwhere(played == NOISE):
            noise = self.noise_rngs[s].standard_normal(self.model.n_params)
            updates[s, i] = noise * (self.length[s] / np.linalg.norm(noise))
        return updates

    def _batch(self, k: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mini-batch k of this round for some clients: features (rows, batch, d) and labels (rows, batch)."""
        draws = self.draws[self.round, k].reshape(-1, self.world.batch)[rows]
        places = self.first.ravel()[rows, None] + (draws * self.counts.ravel()[rows, None]).astype(int)
        return self.x.take(places, axis=0), self.y.take(places)

    def _test(self, updates: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Does an update lower the loss more on the client's own mini-batch than on random public samples?"""
        seeds, n = present.shape
        rows = np.flatnonzero(present)
        if not len(rows):
            return np.zeros_like(present)
        x, y = self._batch(0, rows)
        before = self.params[rows // n]
        after = before + updates.reshape(seeds * n, -1)[rows]
        own = np.full(seeds * n, -np.inf)
        own[rows] = (_losses(self._logits(before, x), y) - _losses(self._logits(after, x), y)).mean(axis=1)
        return own.reshape(seeds, n) > self._public_gain(updates)

    def _public_gain(self, updates: np.ndarray) -> np.ndarray:
        """How much each update alone lowers the loss on this round's public samples, shape (seeds, n)."""
        seeds, n = updates.shape[:2]
        picked = (self.probes[self.round] * self.y_val.shape[1]).astype(int)  # (seeds, probe)
        x = np.take_along_axis(self.x_val, picked[:, :, None], axis=1)
        y = np.take_along_axis(self.y_val, picked, axis=1)
        start = self._logits(self.params, x)  # (seeds, probe, classes)
        weight, bias = self._split(updates)
        # logits are linear in the parameters: one product for all n updates of a seed
        moves = x @ weight.reshape(seeds, -1, x.shape[2]).swapaxes(1, 2)  # (seeds, probe, n · classes)
        moved = start[:, :, None, :] + moves.reshape(*y.shape, n, -1) + bias[:, None]
        after = _losses(moved, np.broadcast_to(y[..., None], moved.shape[:-1])).mean(axis=1)
        return _losses(start, y).mean(axis=1)[:, None] - after

    def _split(self, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (…, classes, features) and biases (…, classes) of parameter vectors (…, P)."""
        classes, features = self.model.n_classes, self.model.n_features
        cut = classes * features
        return params[..., :cut].reshape(*params.shape[:-1], classes, features), params[..., cut:]

    def _logits(self, params: np.ndarray, x: np.ndarray) -> np.ndarray:
        weight, bias = self._split(params)
        return x @ weight.swapaxes(1, 2) + bias[:, None, :]

    def _accuracy(self) -> np.ndarray:
        return (self._logits(self.params, self.x_test).argmax(axis=-1) == self.y_test).mean(axis=1)


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy of each sample: logits (…, classes), labels (…)."""
    own = np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    top = logits.max(axis=-1, keepdims=True)
    return np.log(np.exp(logits - top).sum(axis=-1)) + top[..., 0] - own


# ---------------------------------------------------------------- the game


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
        chosen: policy each client chose, index into `behavior.POLICIES`.
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
    for number in range(rounds):
        table.play_round(number)
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
        self.levels = np.stack([behavior.draw_cost_levels(n, costs.spread, rng=own[0]) for own in streams])
        self.draws = np.stack([own[1].random((rounds, n, 9)) for own in streams], axis=1)  # (rounds, seeds, n, 9)
        self.work = world.begin(rounds, [own[2] for own in streams])
        self.crowd = Crowd(learner, behavior.expected_costs(costs, self.levels))
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

    def play_round(self, number: int) -> None:
        """Choose, work, pay, learn."""
        draws, accidents = self.draws[number], self.accidents
        busy = draws[..., 4] < self.costs.busy
        self._welcome_newcomers(number, draws[..., 5] < accidents.churn)
        chosen = self.crowd.choose(draws[..., :4], ~self.away | (draws[..., 6] < 1 / accidents.pause))
        played = behavior.resolve_policies(chosen, busy)
        sent = played < SKIP
        dropped = sent & (draws[..., 7] < np.asarray(accidents.drop))
        late = dropped & (draws[..., 8] < accidents.late)
        present = sent & ~dropped
        outcome = self.work.step(played, present)
        rewards, foreseen, fines, standing = self._pay(number, outcome, present, late)
        spent = behavior.compute_costs(self.costs, played, busy, self.levels)
        spent = spent + np.where(self.away & (chosen != OUT), self.costs.rejoin, 0.0)
        unit = self.sizes * self.sizes.shape[1]
        self.crowd.learn((foreseen - fines) / unit, spent)
        self.away = chosen == OUT
        columns = {"chosen": chosen, "played": played, "present": present, "passed": outcome.passed}
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
            lasting = incentives.expected_consistency(
                self.crowd.standing_marks(), window=rule.window, kind=rule.consistency
            )
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
            self.factor_now = incentives.fairness_factors(
                self.kept["contributions"][epoch].sum(axis=0), self.kept["rewards"][epoch].sum(axis=0)
            )

    def result(self) -> Play:
        """The finished game."""
        kept = {name: values for name, values in self.kept.items() if name != "contributions"}
        return Play(**kept, accuracy=self.accuracy, sizes=self.sizes)


# ---------------------------------------------------------------- what came of it


def summarise(game: Play, *, last: int = 50, target: float = 0.9, paid_rounds: int = 50) -> dict[str, np.ndarray]:
    """What came of a game, one number a seed, behaviour over the last rounds.

    Args:
        game: the game.
        last: rounds at the end over which behaviour is averaged.
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
    found = {"honest": working.mean(axis=(0, 2)), "effort": behavior.EFFORT[played].mean(axis=(0, 2))}
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


RULES: Mapping[str, PayRule] = {
    "flat": PayRule(base="flat", record="attended"),
    "paper": PayRule(),
    "paper_fines": PayRule(stake=10.0),
    "verified": PayRule(record="verified"),
    "paper_gate": PayRule(gate="product", consistency="ewma", record="verified", alpha=0.0),
    "midpoint": PayRule(),
    "rank": PayRule(base="rank", alpha=0.0),
    "gate": PayRule(base="rank", ratio=0.95, gate="product", consistency="ewma", record="verified", alpha=0.0),
    "threshold": PayRule(base="flat", gate="threshold", record="verified", alpha=0.0, stake=10.0, fine_on="failed"),
}
"""The rules of the study; by which score each pays is in `RULE_SCORES`."""
RULE_SCORES: Mapping[str, str] = {
    name: "midpoint" if name in ("midpoint", "rank", "gate", "threshold") else "alignment" for name in RULES
}
"""The score each of `RULES` pays by: alignment asks the other clients, midpoint asks public validation data."""


def make_world(
    rule: str,
    *,
    seeds: Sequence[int],
    n_clients: int = 12,
    partition: str = "dirichlet",
    tested: bool | None = None,
    **options: Any,
) -> TrainingWorld:
    """The digits dealt to n clients, once a seed, scored as a rule of `RULES` needs it.

    Args:
        rule: a name in `RULES`.
        seeds: one federation each.
        n_clients: number of clients.
        partition: a name in `partitions.PARTITIONS`.
        tested: whether to run the test on own data; None if the rule needs it.
        **options: passed to the partition, e.g. ``alpha=1.0``.
    """
    from bcfl_support.datasets import load_digits_federation

    federations = tuple(
        load_digits_federation(n_clients, partition=partition, rng=np.random.default_rng(seed), **options)
        for seed in seeds
    )
    needs_test = RULES[rule].record == "verified" or RULES[rule].fine_on == "failed"
    return TrainingWorld(federations, score=RULE_SCORES[rule], tested=needs_test if tested is None else tested)
