"""Where learning clients work: a federation that trains, or one in which only presence counts; many seeds in one array.

    w ← w + g,   g = Σ p_i g_i over the clients present,   S_i = p_i⟨g_i, g⟩ or the midpoint rule

`TrainingWorld` trains a softmax regression for every client of every seed at once. A client may also send a copy or
noise: a copy is the last global update, stretched to the honest clients' median length of the round before; noise is a
random direction of that length. The test (our simplification of Gauntlet's) asks whether an update lowers the loss more
on the first mini-batch the client was to train on than on random public data: work on that data passes, a copy passes
half the time. `PresenceWorld` has closed forms instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bcfl_support.checks import check_choice, check_flag, check_kind, check_range, check_whole, freeze
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.policies import COPY, EFFORT, NOISE, TOKEN
from bcfl_support.learning import FederatedData, Round, SoftmaxRegression, descend, play_rounds, rescale
from bcfl_support.scores import SCORES

PAYING = ("alignment", "midpoint")
"""Names in `scores.SCORES` that a world may pay by."""

STEPS, BATCH, LR = 4, 16, 0.3
"""Training at full effort: gradient steps (a multiple of 4, for token effort), samples a step, learning rate."""

PROBE = 32
"""Public validation samples the test compares with."""

Choose = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""round, from 0 → what each client does (index into POLICIES) and whether its update arrives, both (seeds, n)."""


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


@dataclass(frozen=True, eq=False)
class PresenceWorld:
    """A world where only presence counts: S_i = p_i for whoever is there, whatever it sends. It has closed forms.

    Attributes:
        sizes: data shares p_i, shape (seeds, n), positive; each row sums to 1.

    Raises:
        InvalidInput: other sizes.
    """

    sizes: np.ndarray

    def __post_init__(self) -> None:
        shares = check_range("sizes", self.sizes, 0, 1, many=True, above=True, why="they are shares of the data")
        if shares.ndim != 2 or not np.allclose(shares.sum(axis=-1), 1.0):
            raise InvalidInput(f"sizes is {self.sizes}: give shape (seeds, n), each row with a sum of 1.")
        object.__setattr__(self, "sizes", freeze(shares))  # from lists, too

    @classmethod
    def equal(cls, seeds: int, n_clients: int) -> PresenceWorld:
        """Clients with equal shares.

        Args:
            seeds: number of worlds.
            n_clients: number of clients n.

        Returns:
            A world in which every share is 1/n.

        Raises:
            InvalidInput: a number that is not whole or is below 1.
        """
        seeds = check_whole("seeds", seeds, 1)
        n_clients = check_whole("n_clients", n_clients, 1)
        return cls(np.full((seeds, n_clients), 1 / n_clients))

    def play(self, rounds: int, rngs: Sequence[np.random.Generator], choose: Choose) -> Iterator[Outcome]:
        """Play rounds in which presence is the score, the contribution and the test.

        Args:
            rounds: number of rounds.
            rngs: not read: nothing is random here.
            choose: what the clients do, asked before each round; only who is present counts.

        Yields:
            Each round's outcome; "accuracy" is the share of data present.
        """
        for number in range(rounds):
            _, present = choose(number)
            scores = np.where(present, self.sizes, 0.0)
            yield Outcome(scores, scores, present, scores.sum(axis=1))


@dataclass(frozen=True, eq=False)
class TrainingWorld:
    """Federated training of a softmax regression, one federation a seed.

    Attributes:
        federations: one a seed, all with n clients, the same number of classes, and equally large validation and test
            sets.
        score: a name in `PAYING`.
        tested: whether to run the test on own data; without it `passed` says S_i > 0.
        sizes: data shares p_i, shape (seeds, n).

    Raises:
        InvalidInput: no federation, federations that differ in one of these, or no such score.
    """

    federations: tuple[FederatedData, ...]
    score: str = "alignment"
    tested: bool = False
    sizes: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        check_choice("score", self.score, PAYING)
        check_flag("tested", self.tested)
        check_kind("federations", self.federations, (tuple, list), "federated data, one for each seed")
        if not self.federations:
            raise InvalidInput("there is no federation: give at least one.")
        shapes = {(data.n_clients, data.n_classes, data.x_val.shape, data.x_test.shape) for data in self.federations}
        if len(shapes) != 1:
            raise InvalidInput(f"federations differ in clients, classes, validation or test size: {sorted(shapes)}.")
        counts = np.stack([data.sizes for data in self.federations])
        object.__setattr__(self, "federations", tuple(self.federations))  # a list may get longer
        object.__setattr__(self, "sizes", freeze(counts / counts.sum(axis=1, keepdims=True)))

    def play(self, rounds: int, rngs: Sequence[np.random.Generator], choose: Choose) -> Iterator[Outcome]:
        """Train from zero parameters.

        Args:
            rounds: number of rounds.
            rngs: one generator a seed, for mini-batches, probes and noise.
            choose: what the clients do, asked before each round.

        Yields:
            Each round's outcome.
        """
        training = _Training(self, rounds, rngs, choose)
        start = np.zeros((len(self.federations), training.model.n_params))
        for seen in play_rounds(start, rounds, training.work):
            yield training.judge(seen)


World = PresenceWorld | TrainingWorld
"""Where clients work: `sizes`, and `play`, which asks what they do and yields what came of it."""


class _Training:
    """Training in progress: the data of all seeds, and what clients can see of the last round."""

    def __init__(self, world: TrainingWorld, rounds: int, rngs: Sequence[np.random.Generator], choose: Choose) -> None:
        data = world.federations
        self.world, self.choose = world, choose
        self.model = SoftmaxRegression(data[0].n_features, data[0].n_classes)
        self.x = np.concatenate([federation.x for federation in data])
        self.y = np.concatenate([federation.y for federation in data])
        self.counts = np.stack([federation.sizes for federation in data])
        self.first = (np.cumsum(self.counts) - self.counts.ravel()).reshape(self.counts.shape)
        self.x_val, self.y_val = (np.stack([getattr(d, name) for d in data]) for name in ("x_val", "y_val"))
        self.x_test, self.y_test = (np.stack([getattr(d, name) for d in data]) for name in ("x_test", "y_test"))
        self.val_weights = np.full(self.y_val.shape, 1 / self.y_val.shape[1])
        seeds, n = self.counts.shape
        self.length = np.zeros(seeds)  # the honest clients' median length, of the last round that had any
        batches, self.noise_rngs = zip(*(rng.spawn(2) for rng in rngs), strict=True)
        # (rounds, steps, seeds, n, batch) and (rounds, seeds, probe)
        self.draws = np.stack([rng.random((rounds, STEPS, n, BATCH)) for rng in batches], axis=2)
        self.probes = np.stack([rng.random((rounds, PROBE)) for rng in batches], axis=1)

    def work(self, number: int, params: np.ndarray, previous: np.ndarray) -> Round:
        """Let the clients choose, and train those that train."""
        self.round = number - 1
        self.played, self.present = self.choose(self.round)
        return Round(
            updates=self._updates(params, previous),
            samples=np.where(self.present, self.counts, 0),
            params=params,
            gradient=lambda where: self.model.client_gradients(where, self.x_val, self.y_val, self.val_weights),
            accuracy=lambda where: self._accuracy(where, self.x_val, self.y_val),
            previous=previous,
        )

    def judge(self, seen: Round) -> Outcome:
        """Score and test a round's work."""
        contributions = SCORES["midpoint"](seen)
        scores = contributions if self.world.score == "midpoint" else SCORES[self.world.score](seen)
        passed = self.present & (self._test(seen) if self.world.tested else scores > 0)
        honest = self.present & (self.played <= TOKEN)
        lengths = np.linalg.norm(seen.updates, axis=2)
        for s in np.flatnonzero(honest.any(axis=1)):
            self.length[s] = np.median(lengths[s, honest[s]])
        return Outcome(scores, contributions, passed, self._accuracy(seen.params + seen.step, self.x_test, self.y_test))

    def _updates(self, params: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """What the clients would send, shape (seeds, n, P)."""
        seeds, n = self.played.shape
        steps = (EFFORT[self.played] * STEPS).astype(int).ravel()
        weights = np.full((seeds * n, BATCH), LR / BATCH)
        draws = [(self._rows(k), weights) for k in range(STEPS)]
        starts = np.repeat(params, n, axis=0)[None]
        updates = descend(self.model, starts, self.x, self.y[None], steps, draws).reshape(seeds, n, -1)
        copiers = np.nonzero(self.played == COPY)
        updates[copiers] = rescale(previous, self.length)[copiers[0]]
        for s, i in np.argwhere(self.played == NOISE):
            noise = self.noise_rngs[s].standard_normal(self.model.n_params)
            updates[s, i] = noise * (self.length[s] / np.linalg.norm(noise))
        return updates

    def _rows(self, step: int) -> np.ndarray:
        """The samples of a mini-batch of this round, for every client of every seed, shape (seeds · n, batch)."""
        places = self.draws[self.round, step] * self.counts[..., None]
        return (self.first[..., None] + places.astype(int)).reshape(-1, BATCH)

    def _test(self, seen: Round) -> np.ndarray:
        """Does an update lower the loss more on the client's own mini-batch than on random public samples?"""
        seeds, n = self.present.shape
        before = np.repeat(seen.params, n, axis=0)  # (seeds · n, P)
        after = before + seen.updates.reshape(before.shape)

        def gain(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            losses = self.model.client_losses(before, x, y) - self.model.client_losses(after, x, y)
            return losses.mean(axis=1).reshape(seeds, n)

        own, seed = self._rows(0), np.repeat(np.arange(seeds), n)[:, None]
        public = (self.probes[self.round] * self.y_val.shape[1]).astype(int)[seed[:, 0]]  # (seeds · n, probe)
        return gain(self.x[own], self.y[own]) > gain(self.x_val[seed, public], self.y_val[seed, public])

    def _accuracy(self, params: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Each seed's model on its own samples, shape (seeds,)."""
        return np.array([self.model.accuracy(*own) for own in zip(params, x, y, strict=True)])
