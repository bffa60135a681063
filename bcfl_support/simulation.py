"""A federation off chain, round by round, in one seeded call: the rounds of `protocol`, a thousand times faster.

Each round: the clients that take part train from w, an attack may change what they send, the server averages, scores
and pays, w ← w + g. One tidy table comes back, a row for each round and client. Scores are found in `scores.SCORES`,
how they pay is a `pay_rules.PayRule`; its default is the rule of `contracts/src/core/RewardPool.sol`. A round that
nobody came to is void: it moves and pays nothing and no consistency counts it, as on chain, where a federation may ask
for more clients than one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from bcfl_support import checks
from bcfl_support.checks import check_choice, check_generator, check_kind, check_range, check_whole, look_up, to_floats
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives import PayRule, check_rule
from bcfl_support.learning import AGGREGATORS, FederatedData, Model, Round, check_round, local_updates, play_rounds
from bcfl_support.scores import SCORES


@dataclass(frozen=True, eq=False)
class RoundState:
    """What is known when a round's updates have been trained; hooks and scores read it, and cannot write to it.

    Attributes:
        round: number of the round, from 1.
        params: global parameters w before the round, shape (P,).
        clients: numbers of the k clients that take part, shape (k,).
        samples: sample counts they declare, shape (k,).
        previous_step: the last round's global update, shape (P,), zero in round 1.
        data: the federation's data, validation set included.
        rng: source of randomness for the hooks; training draws from another one.
    """

    round: int
    params: np.ndarray
    clients: np.ndarray
    samples: np.ndarray
    previous_step: np.ndarray
    data: FederatedData
    rng: np.random.Generator


@dataclass(frozen=True, eq=False)
class RoundOutcome:
    """What a round brought; the `observe` hook receives it: a copy of the updates, the rest read-only.

    Attributes:
        state: the round's state.
        updates: updates as sent, shape (k, P).
        step: global update g, shape (P,).
        scores: scores of the k clients by name, each (k,); the first one pays.
        rewards: rewards of all n clients, shape (n,).
    """

    state: RoundState
    updates: np.ndarray
    step: np.ndarray
    scores: dict[str, np.ndarray]
    rewards: np.ndarray


Scorer = Callable[[Round], np.ndarray]
"""round of k clients → scores (k,)."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, a row for each round and client, clients in order within a round.

    Attributes:
        columns: arrays of length rounds · n, by name.
        n_clients: number of clients n.
    """

    columns: Mapping[str, np.ndarray]
    n_clients: int

    def column(self, name: str) -> np.ndarray:
        """One column.

        Args:
            name: a key of `columns`.

        Returns:
            Its values, shape (rounds · n,), clients in order within a round.

        Raises:
            InvalidInput: no column of this name; the message lists those there are.
        """
        check_choice("column", name, self.columns)
        return self.columns[name]

    def pivot(self, name: str) -> np.ndarray:
        """One column as a matrix, shape (rounds, n); as in `column`."""
        return self.column(name).reshape(-1, self.n_clients)


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A finished run.

    Attributes:
        table: columns round, client, samples, participated, norm, score, score_<name> for each score, consistency,
            reward, accuracy, loss. norm and scores are NaN where a client was absent; accuracy and loss are those of
            the new global model on the test set.
        params: final global parameters, shape (P,).
    """

    table: Table
    params: np.ndarray

    @property
    def accuracy(self) -> float:
        """Test accuracy of the final model, 0 to 1."""
        return float(self.table.column("accuracy")[-1])


def run(
    data: FederatedData,
    model: Model,
    *,
    rounds: int,
    rng: np.random.Generator,
    steps: int = 5,
    lr: float = 0.5,
    batch_size: int | None = None,
    scores: str | tuple[str, ...] | Mapping[str, Scorer | str] | None = None,
    reward: PayRule | str = "paper",
    participation: Callable[[int, np.random.Generator], np.ndarray] | None = None,
    declared_samples: np.ndarray | None = None,
    aggregate: str | Callable[[Round], np.ndarray] = "fedavg",
    byzantine: int = 0,
    transform_updates: Callable[[int, np.ndarray, RoundState], np.ndarray] | None = None,
    observe: Callable[[RoundOutcome], None] = lambda outcome: None,
) -> SimulationResult:
    """Run a federation for some rounds and return one tidy table.

    Equal arguments and equally seeded generators give equal tables. Start, participation, batches and hooks draw from
    generators of their own, so an attack does not change who takes part or which batches are drawn.

    Args:
        data: the clients' samples, validation and test set.
        model: the model.
        rounds, rng: number of rounds, at least 1; what seeds all randomness of the run.
        steps, lr: local gradient steps, and their learning rate.
        batch_size: samples a step; None for all of a client's samples.
        scores: names in `scores.SCORES`, or by name functions of a `Round`; the first one pays. None: the rule's.
        reward: how a budget of 1 is paid, a rule or a name in `incentives.PAY_RULES`; no rule that fines or tests.
        participation: who takes part, (round, rng) → client numbers (k,), perhaps none; None for all clients.
        declared_samples: counts the clients claim, shape (n,); None for their true ones.
        aggregate: how the server averages, a name in `learning.AGGREGATORS` or a function of a `Round`.
        byzantine: how many Byzantine clients `aggregate` provides for; the names that must know it refuse 0.
        transform_updates: attack or defense, (round, updates (k, P), state) → updates (k, P) as sent.
        observe: called with each round's outcome, to keep updates or to let clients learn from their pay.

    Returns:
        The table and the final parameters.

    Raises:
        InvalidInput: a number out of range, an unknown name, no generator, or updates, steps or scores that cannot be.
    """
    rule = _check_terms(data, model, reward, rng, observe)
    rounds, byzantine = check_whole("rounds", rounds, 1), check_whole("byzantine", byzantine, 0, data.n_clients)
    average = look_up("aggregator", aggregate, AGGREGATORS, Callable)
    scorers, n = _named_scorers(rule.score if scores is None else scores), data.n_clients
    start, draws, batches, hooks = rng.spawn(4)
    train = partial(local_updates, model, data=data, steps=steps, lr=lr, batch_size=batch_size, rng=batches)
    declared, blocks = _check_declared(declared_samples, data), []
    federation = _Federation(
        data, model, participation, declared, train, transform_updates, average, byzantine, scorers, rule, draws, hooks
    )
    for seen in play_rounds(model.init(rng=start), rounds, federation.work, aggregate=federation.aggregate):
        outcome, block = federation.settle(seen)
        blocks.append(block)
        observe(outcome)
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return SimulationResult(Table(columns, n), outcome.state.params + outcome.step)


@dataclass(eq=False)
class _Federation:
    """Who comes, what it trains, what it sends, and what it is paid."""

    data: FederatedData
    model: Model
    participation: Callable[[int, np.random.Generator], np.ndarray] | None
    declared: np.ndarray
    train: Callable[..., np.ndarray]
    transform: Callable[[int, np.ndarray, RoundState], np.ndarray] | None
    average: Callable[[Round], np.ndarray]
    byzantine: int
    scorers: Mapping[str, Scorer]
    rule: PayRule
    draws: np.random.Generator
    hooks: np.random.Generator
    state: RoundState = field(init=False)
    record: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, hook in (("participation", self.participation), ("transform_updates", self.transform)):
            check_kind(name, hook, (Callable, type(None)), "a function, or None")

    def work(self, number: int, params: np.ndarray, previous: np.ndarray) -> Round:
        """Draw the round's clients, train them, let the hook change what they send, and check it."""
        model, data, clients = self.model, self.data, checks.freeze(self._draw_clients(number))
        params, previous, samples = map(checks.freeze, (params, previous, self.declared[clients]))  # hooks see them
        self.state = RoundState(number, params, clients, samples, previous, data, self.hooks)
        return Round(
            updates=self._sent_updates(self.state),
            samples=samples,
            params=params,
            gradient=lambda where: model.gradient(where, data.x_val, data.y_val),
            accuracy=lambda where: model.accuracy(where, data.x_val, data.y_val),
            previous=previous,
            byzantine=self.byzantine,
        )

    def _draw_clients(self, number: int) -> np.ndarray:
        n = self.data.n_clients
        if self.participation is None:
            return np.arange(n)
        what = f"what participation gave in round {number}"
        return np.sort(checks.check_indices(what, self.participation(number, self.draws), n))

    def _sent_updates(self, state: RoundState) -> np.ndarray:
        if len(state.clients) == 0:
            return np.zeros((0, len(state.params)))
        updates = self.train(state.params, clients=state.clients)
        if self.transform is not None:
            shape = updates.shape
            what = f"what transform_updates gave in round {state.round}"
            checks.check_order(what, sent := self.transform(state.round, updates, state), state.clients)
            updates = to_floats(what, sent)
            if updates.shape != shape:
                raise InvalidInput(f"{what} has shape {updates.shape}, not {shape}.")
        return checks.freeze(check_round(updates, state.samples)[0])

    def aggregate(self, seen: Round) -> np.ndarray:
        """The server's step; a round that nobody came to moves nothing."""
        return self.average(seen) if len(seen.samples) else np.zeros_like(seen.params)

    def settle(self, seen: Round) -> tuple[RoundOutcome, dict[str, np.ndarray]]:
        """Score and pay a round, and enter it into the record: its outcome, and its rows of the table."""
        state, rule, clients, n = self.state, self.rule, self.state.clients, len(self.declared)
        given = {}
        for name, score in self.scorers.items():
            what = f"what score {name!r} gave in round {state.round}"
            marks: Any = score(seen) if len(clients) else []
            checks.check_order(what, marks, clients)
            given[name] = checks.freeze(to_floats(what, marks))
            if given[name].shape != clients.shape or not np.isfinite(given[name]).all():
                raise InvalidInput(f"{what} is {given[name].tolist()}: give {len(clients)} finite numbers, one each.")
        spread = {name: _spread(values, clients, n) for name, values in given.items()}
        paying, present = next(iter(spread.values())), np.isin(np.arange(n), clients)
        if len(clients):
            self.record.append(present if rule.record == "attended" else paying >= 0)
        standing = rule.standing(np.array(self.record).reshape(-1, n))
        sizes = self.declared / self.declared.sum(dtype=np.float64)  # a sum of int64 may pass 2⁶³
        rewards = checks.freeze(rule.share(np.nan_to_num(paying), sizes, present, standing))
        outcome = RoundOutcome(state, seen.updates.copy(), np.asarray(seen.step), given, rewards)
        params, test = state.params + outcome.step, (self.data.x_test, self.data.y_test)
        block = {
            "round": np.full(n, state.round),
            "client": np.arange(n),
            "samples": self.declared,
            "participated": present,
            "norm": _spread(np.linalg.norm(seen.updates, axis=1), clients, n),
            "score": paying,
            **{f"score_{name}": values for name, values in spread.items()},
            "consistency": standing,
            "reward": rewards,
            "accuracy": np.full(n, self.model.accuracy(params, *test)),
            "loss": np.full(n, self.model.loss(params, *test)),
        }
        return outcome, block


# ---------------------------------------------------------------- pieces


def _check_terms(data: Any, model: Any, reward: PayRule | str, rng: Any, observe: Any) -> PayRule:
    check_kind("data", data, FederatedData, "federated data, as learning.load_digits_federation makes them")
    check_kind("model", model, Model, "a model, such as learning.SoftmaxRegression(64, 10)")
    rule = check_rule(reward)
    check_generator(rng)
    check_kind("observe", observe, Callable, "a function")
    if rule.needs_test or rule.stake or not rule.scaled:
        what = f"record is {rule.record!r}, stake {rule.stake}, scaled {rule.scaled}"
        why = "nothing is tested or fined here, and a round shares its budget"
        raise InvalidInput(f"{what}: {why}; use incentives.play.")
    return rule


def _named_scorers(scores: str | tuple[str, ...] | Mapping[str, Scorer | str]) -> Mapping[str, Scorer]:
    if not isinstance(scores, (Sequence, Mapping)) or not scores:  # a set has no first one
        raise InvalidInput(f"scores is {scores!r}: name at least the one that pays, first, in a tuple or a mapping.")
    names = [scores] if isinstance(scores, str) else scores
    wanted = names if isinstance(names, Mapping) else dict(zip(names, names, strict=True))
    return {name: look_up("score", scorer, SCORES, Callable) for name, scorer in wanted.items()}


def _check_declared(declared: np.ndarray | None, data: FederatedData) -> np.ndarray:
    given = data.sizes if declared is None else declared
    checks.check_order("declared_samples", given, data.names)
    counts = check_range("declared_samples", given, 1, 2**63 - 1, many=True, whole=True)
    if counts.shape != data.sizes.shape:
        raise InvalidInput(f"declared_samples is {counts.tolist()}: give {data.n_clients} positive integers.")
    return checks.freeze(counts)


def _spread(values: np.ndarray, clients: np.ndarray, n: int) -> np.ndarray:
    """Values of the k clients that took part among all n, NaN elsewhere."""
    full = np.full(n, np.nan)
    full[clients] = values
    return full
