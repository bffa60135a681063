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
from typing import Protocol

import numpy as np

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.policies import COPY, EFFORT, NOISE, TOKEN
from bcfl_support.learning import FederatedData, Round, SoftmaxRegression, descend, play_rounds
from bcfl_support.scores import SCORES

PAYING = ("alignment", "midpoint")
"""Names in `scores.SCORES` that a world may pay by."""

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


class World(Protocol):
    """Where the clients work."""

    @property
    def sizes(self) -> np.ndarray:
        """Data shares p_i, shape (seeds, n)."""
        ...

    def play(self, rounds: int, rngs: Sequence[np.random.Generator], choose: Choose) -> Iterator[Outcome]:
        """Ask before each round what the clients do, and say what came of it; one generator a seed."""
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

    def play(self, rounds: int, rngs: Sequence[np.random.Generator], choose: Choose) -> Iterator[Outcome]:
        """Presence is the score, the contribution and the test; "accuracy" is the share of data present."""
        for number in range(rounds):
            _, present = choose(number)
            scores = np.where(present, self.sizes, 0.0)
            yield Outcome(scores, scores, present, scores.sum(axis=1))


@dataclass(frozen=True, eq=False)
class TrainingWorld:
    """Federated training of a softmax regression, one federation a seed.

    Attributes:
        federations: one a seed, all with n clients and equally large validation and test sets.
        score: a name in `PAYING`.
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
        if self.score not in PAYING:
            raise InvalidInput(f"score is {self.score!r}: use one of {', '.join(PAYING)}.")
        if self.steps < 4 or self.steps % 4:
            raise InvalidInput(f"steps is {self.steps}: a quarter of it must be a whole number, use 4, 8, ….")
        shapes = {(data.n_clients, data.x_val.shape, data.x_test.shape) for data in self.federations}
        if len(shapes) != 1:
            raise InvalidInput(f"federations differ in clients, validation or test size: {sorted(shapes)}.")
        counts = np.stack([data.sizes for data in self.federations])
        object.__setattr__(self, "sizes", counts / counts.sum(axis=1, keepdims=True))

    def play(self, rounds: int, rngs: Sequence[np.random.Generator], choose: Choose) -> Iterator[Outcome]:
        """Train from zero parameters."""
        training = _Training(self, rounds, rngs, choose)
        start = np.zeros((len(self.federations), training.model.n_params))
        for seen in play_rounds(start, rounds, training.work):
            yield training.judge(seen)


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
        shape = (rounds, world.steps, n, world.batch)
        self.draws = np.stack([rng.random(shape) for rng in batches], axis=2)  # (rounds, steps, seeds, n, batch)
        self.probes = np.stack([rng.random((rounds, world.probe)) for rng in batches], axis=1)

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
        lengths = np.where(honest, np.linalg.norm(seen.updates, axis=2), np.nan)
        for s in np.flatnonzero(honest.any(axis=1)):
            self.length[s] = np.nanmedian(lengths[s])
        return Outcome(scores, contributions, passed, self._accuracy(seen.params + seen.step, self.x_test, self.y_test))

    def _updates(self, params: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """What the clients would send, shape (seeds, n, P)."""
        seeds, n = self.played.shape
        steps = (EFFORT[self.played] * self.world.steps).astype(int).ravel()
        weights = np.full((seeds * n, self.world.batch), self.world.lr / self.world.batch)
        draws = [(self._rows(k), weights) for k in range(self.world.steps)]
        starts = np.repeat(params, n, axis=0)[None]
        updates = descend(self.model, starts, self.x, self.y[None], steps, draws).reshape(seeds, n, -1)
        size = np.linalg.norm(previous, axis=1)
        stretch = np.divide(self.length, size, out=np.zeros(seeds), where=size > 0)
        copiers = np.nonzero(self.played == COPY)
        updates[copiers] = stretch[copiers[0], None] * previous[copiers[0]]
        for s, i in np.argwhere(self.played == NOISE):
            noise = self.noise_rngs[s].standard_normal(self.model.n_params)
            updates[s, i] = noise * (self.length[s] / np.linalg.norm(noise))
        return updates

    def _rows(self, step: int) -> np.ndarray:
        """The samples of a mini-batch of this round, for every client of every seed, shape (seeds · n, batch)."""
        places = self.draws[self.round, step] * self.counts[..., None]
        return (self.first[..., None] + places.astype(int)).reshape(-1, self.world.batch)

    def _test(self, seen: Round) -> np.ndarray:
        """Does an update lower the loss more on the client's own mini-batch than on random public samples?"""
        seeds, n = self.present.shape
        rows = np.flatnonzero(self.present)
        if not len(rows):
            return np.zeros_like(self.present)
        picked = self._rows(0)[rows]
        x, y, before = self.x[picked], self.y[picked], seen.params[rows // n]
        after = before + seen.updates.reshape(seeds * n, -1)[rows]
        own = np.full(seeds * n, -np.inf)
        own[rows] = (_losses(self._logits(before, x), y) - _losses(self._logits(after, x), y)).mean(axis=1)
        return own.reshape(seeds, n) > self._public_gain(seen)

    def _public_gain(self, seen: Round) -> np.ndarray:
        """How much each update alone lowers the loss on this round's public samples, shape (seeds, n)."""
        seeds, n = seen.updates.shape[:2]
        picked = (self.probes[self.round] * self.y_val.shape[1]).astype(int)  # (seeds, probe)
        x = np.take_along_axis(self.x_val, picked[:, :, None], axis=1)
        y = np.take_along_axis(self.y_val, picked, axis=1)
        start = self._logits(seen.params, x)  # (seeds, probe, classes)
        weight, bias = self._split(seen.updates)
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

    def _accuracy(self, params: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (self._logits(params, x).argmax(axis=-1) == y).mean(axis=1)


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy of each sample: logits (…, classes), labels (…)."""
    own = np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    top = logits.max(axis=-1, keepdims=True)
    return np.log(np.exp(logits - top).sum(axis=-1)) + top[..., 0] - own
