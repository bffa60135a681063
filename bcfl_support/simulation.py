"""A federation off chain, round by round, in one seeded call: the same rounds as `protocol`, a thousand times faster.

Each round: the clients that take part train from w, an attack may change what they send, the server averages, scores
and pays, w <- w + g. One tidy table comes back, a row for each round and client.

    reward_i = budget * weight_i / sum_j weight_j,    weight_i = max(S_i, 0) (1 + alpha C_i) F_i
    C_i = (rounds among the last K in which i took part with S_i >= 0) / K

The paper gives S_i and the form (1 + alpha C); C, alpha = 0.5, K = 8, F and the scaling to a budget are this
project's choice and those of `contracts/src/RewardPool.sol`. Rounds before the first count as missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcfl_support import alignment
from bcfl_support.datasets import FederatedData
from bcfl_support.errors import InvalidUpdate
from bcfl_support.federation import check_round, fedavg, local_updates
from bcfl_support.models import Model


@dataclass(frozen=True, eq=False)
class RoundState:
    """What is known when a round's updates have been trained; hooks and scores read it.

    Attributes:
        round: number of the round, from 1.
        params: global parameters w before the round, shape (P,).
        clients: numbers of the k clients that take part, shape (k,).
        samples: sample counts they declare, shape (k,).
        steps: gradient steps each of them does, shape (k,).
        previous_step: the last round's global update, shape (P,), zero in round 1.
        model: the model.
        data: the federation's data, validation set included.
        rng: source of randomness for the hooks; training draws from another one.
    """

    round: int
    params: np.ndarray
    clients: np.ndarray
    samples: np.ndarray
    steps: np.ndarray
    previous_step: np.ndarray
    model: Model
    data: FederatedData
    rng: np.random.Generator


@dataclass(frozen=True, eq=False)
class RoundOutcome:
    """What a round brought; the `observe` hook receives it.

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


Scorer = Callable[[np.ndarray, np.ndarray, RoundState], np.ndarray]
"""(updates (k, P), samples (k,), state) -> scores (k,)."""

RewardRule = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(scores (n,), NaN where absent; history (rounds so far, n) of good rounds) -> rewards (n,)."""

SCORES: dict[str, Scorer] = {
    "alignment": lambda updates, samples, state: alignment.alignment_scores(updates, samples),
    "cosine": lambda updates, samples, state: alignment.cosine_scores(updates, samples),
    "leave_self_out": lambda updates, samples, state: alignment.leave_self_out_scores(updates, samples),
    "clipped": lambda updates, samples, state: _clipped(updates, samples),
    "root": lambda updates, samples, state: alignment.root_scores(
        updates, samples, root_update=-_validation_gradient(state)(state.params)
    ),
    "midpoint": lambda updates, samples, state: alignment.midpoint_scores(
        updates, samples, params=state.params, gradient=_validation_gradient(state)
    ),
}
"""Scores by name; "clipped" clips at the round's median norm, "root" and "midpoint" use the validation set."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, a row for each round and client, clients in order within a round.

    Attributes:
        columns: arrays of length rounds * n, by name.
        n_clients: number of clients n.
    """

    columns: Mapping[str, np.ndarray]
    n_clients: int

    def __len__(self) -> int:
        return len(self.columns["round"])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.columns)

    def column(self, name: str) -> np.ndarray:
        """One column, shape (rounds * n,)."""
        if name not in self.columns:
            raise KeyError(f"no column {name!r}: the table has {', '.join(self.columns)}.")
        return self.columns[name]

    def pivot(self, name: str) -> np.ndarray:
        """One column as a matrix, shape (rounds, n)."""
        return self.column(name).reshape(-1, self.n_clients)

    def per_round(self, name: str) -> np.ndarray:
        """A column that is the same for all clients of a round, such as accuracy, shape (rounds,)."""
        return self.pivot(name)[:, 0]

    def to_rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries of Python numbers, for printing and for JSON."""
        lists = {name: values.tolist() for name, values in self.columns.items()}
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A finished run.

    Attributes:
        table: columns round, client, samples, participated, steps, norm, score, score_<name> for each score,
            consistency, reward, accuracy, loss. norm and scores are NaN where a client was absent; accuracy and loss
            are those of the new global model on the test set.
        params: final global parameters, shape (P,).
    """

    table: Table
    params: np.ndarray

    @property
    def accuracy(self) -> float:
        """Test accuracy of the final model."""
        return float(self.table.per_round("accuracy")[-1])


def run(
    data: FederatedData,
    model: Model,
    *,
    rounds: int,
    rng: np.random.Generator,
    steps: int | Callable[[int, np.ndarray], np.ndarray] = 5,
    lr: float = 0.5,
    batch_size: int | None = None,
    scores: str | tuple[str, ...] | Mapping[str, Scorer] = "alignment",
    reward: RewardRule | None = None,
    participation: float | Callable[[int, np.random.Generator], np.ndarray] = 1.0,
    declared_samples: np.ndarray | None = None,
    aggregate: Callable[[np.ndarray, np.ndarray], np.ndarray] = fedavg,
    transform_updates: Callable[[int, np.ndarray, RoundState], np.ndarray] | None = None,
    observe: Callable[[RoundOutcome], None] | None = None,
) -> SimulationResult:
    """Run a federation for some rounds and return one tidy table.

    Equal arguments and equally seeded generators give equal tables. Start, participation, mini-batches and hooks draw
    from generators of their own, so an attack does not change who takes part or which batches are drawn.

    Args:
        data: the clients' samples, validation and test set.
        model: the model.
        rounds: number of rounds, at least 1.
        rng: seeds all randomness of the run.
        steps: local gradient steps; or a function (round, clients (k,)) -> steps (k,) for stragglers.
        lr: learning rate of the clients.
        batch_size: samples a step; None for all of a client's samples.
        scores: name or names in `SCORES`, or named functions; the first one pays.
        reward: reward rule; None for `compute_rewards`.
        participation: share of clients drawn for each round; or a function (round, rng) -> client numbers (k,).
        declared_samples: counts the clients claim, shape (n,); None for their true ones.
        aggregate: how the server averages, (updates (k, P), samples (k,)) -> g (P,).
        transform_updates: attack or defence, (round, updates (k, P), state) -> updates (k, P) as sent.
        observe: called with each round's outcome, to keep updates or to let clients learn from their pay.

    Returns:
        The table and the final parameters.

    Raises:
        InvalidUpdate: rounds, participation or declared counts out of range, an unknown score, or updates that are
            not finite or of the wrong shape; the message says which client of the round.
    """
    n = data.n_clients
    if rounds < 1:
        raise InvalidUpdate(f"rounds is {rounds}: run at least 1.")
    declared = _check_declared(declared_samples, data.sizes)
    scorers, rule = _named_scorers(scores), reward or compute_rewards
    start_rng, client_rng, batch_rng, hook_rng = rng.spawn(4)
    params = model.init(rng=start_rng)
    step = np.zeros(model.n_params)
    good = np.zeros((rounds, n), dtype=bool)
    blocks: list[dict[str, np.ndarray]] = []
    for number in range(1, rounds + 1):
        clients = _draw_clients(participation, n, number, client_rng)
        todo = _count_steps(steps, number, clients)
        state = RoundState(number, params, clients, declared[clients], todo, step, model, data, hook_rng)
        updates = _sent_updates(state, lr, batch_size, batch_rng, transform_updates)
        step = aggregate(updates, state.samples) if len(clients) else np.zeros_like(params)
        given = {name: f(updates, state.samples, state) if len(clients) else np.zeros(0) for name, f in scorers.items()}
        spread = {name: _spread(values, clients, n) for name, values in given.items()}
        paying = next(iter(spread.values()))
        good[number - 1] = paying >= 0  # False where NaN: absent
        rewards = rule(paying, good[:number])
        params = params + step
        blocks.append(_round_columns(state, updates, params, declared, spread, good[:number], rewards))
        if observe is not None:
            observe(RoundOutcome(state, updates, step, given, rewards))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return SimulationResult(Table(columns, n), params)


def compute_rewards(
    scores: np.ndarray,
    history: np.ndarray,
    *,
    alpha: float = 0.5,
    window: int = 8,
    factors: np.ndarray | float = 1.0,
    budget: float = 1.0,
) -> np.ndarray:
    """Share a round's budget: reward_i proportional to max(S_i, 0) (1 + alpha C_i) F_i.

    Args:
        scores: scores of the round, shape (n,), NaN where a client was absent.
        history: whether client i took part with S_i >= 0, shape (rounds so far, n), bool; the last row is this round.
        alpha: weight of consistency, at least 0.
        window: K, the number of rounds that count, at least 1.
        factors: fairness factors F_i, shape (n,) or one number.
        budget: what the round pays in total, at least 0.

    Returns:
        Rewards, shape (n,), float64; they sum to the budget, or to 0 when no score is positive.

    Raises:
        InvalidUpdate: alpha, window or budget out of range.

    >>> compute_rewards(np.array([3.0, 1.0, -2.0]), np.array([[True, True, False]]), budget=100.0).tolist()
    [75.0, 25.0, 0.0]
    """
    if alpha < 0 or budget < 0:
        raise InvalidUpdate(f"alpha {alpha} and budget {budget} must not be negative.")
    positive = np.where(np.isnan(scores), 0.0, np.maximum(scores, 0.0))
    weights = positive * (1.0 + alpha * compute_consistency(history, window=window)) * factors
    total = weights.sum()
    return budget * weights / total if total > 0 else np.zeros_like(weights)


def compute_consistency(history: np.ndarray, *, window: int = 8) -> np.ndarray:
    """C_i: share of the last K rounds in which client i took part with a non-negative score.

    Args:
        history: good rounds, shape (rounds so far, n), bool; rounds before the first count as missed.
        window: K, at least 1.

    Returns:
        C, shape (n,), float64, in [0, 1].

    Raises:
        InvalidUpdate: window below 1.

    >>> compute_consistency(np.array([[True, False], [True, True]]), window=8).tolist()
    [0.25, 0.125]
    """
    if window < 1:
        raise InvalidUpdate(f"window is {window}: consistency counts over at least 1 round.")
    return np.asarray(history, dtype=bool)[-window:].sum(axis=0) / window


# ---------------------------------------------------------------- pieces of a round


def _sent_updates(
    state: RoundState,
    lr: float,
    batch_size: int | None,
    rng: np.random.Generator,
    transform: Callable[[int, np.ndarray, RoundState], np.ndarray] | None,
) -> np.ndarray:
    """Train the round's clients, let the hook change what they send, and check it."""
    if len(state.clients) == 0:
        return np.zeros((0, len(state.params)))
    updates = local_updates(
        state.model,
        state.params,
        state.data,
        steps=state.steps,
        lr=lr,
        batch_size=batch_size,
        clients=state.clients,
        rng=rng,
    )
    if transform is not None:
        sent = np.asarray(transform(state.round, updates.copy(), state), dtype=np.float64)
        if sent.shape != updates.shape:
            raise InvalidUpdate(
                f"transform_updates returned shape {sent.shape} in round {state.round}, not {updates.shape}."
            )
        updates = sent
    return check_round(updates, state.samples)[0]


def _round_columns(
    state: RoundState,
    updates: np.ndarray,
    params: np.ndarray,
    declared: np.ndarray,
    scores: dict[str, np.ndarray],
    good: np.ndarray,
    rewards: np.ndarray,
) -> dict[str, np.ndarray]:
    data, n = state.data, state.data.n_clients
    steps = np.zeros(n, dtype=np.int64)
    steps[state.clients] = state.steps
    return {
        "round": np.full(n, state.round),
        "client": np.arange(n),
        "samples": declared,
        "participated": np.isin(np.arange(n), state.clients),
        "steps": steps,
        "norm": _spread(np.linalg.norm(updates, axis=1), state.clients, n),
        "score": next(iter(scores.values())),
        **{f"score_{name}": values for name, values in scores.items()},
        "consistency": compute_consistency(good),
        "reward": rewards,
        "accuracy": np.full(n, state.model.accuracy(params, data.x_test, data.y_test)),
        "loss": np.full(n, state.model.loss(params, data.x_test, data.y_test)),
    }


def _draw_clients(
    participation: float | Callable[[int, np.random.Generator], np.ndarray],
    n: int,
    number: int,
    rng: np.random.Generator,
) -> np.ndarray:
    if callable(participation):
        chosen = np.asarray(participation(number, rng), dtype=np.int64)
        if chosen.ndim != 1 or ((chosen < 0) | (chosen >= n)).any() or len(np.unique(chosen)) < len(chosen):
            raise InvalidUpdate(
                f"participation gave {chosen.tolist()} in round {number}: name clients 0 to {n - 1}, each at most once."
            )
        return np.sort(chosen)
    if not 0 < participation <= 1:
        raise InvalidUpdate(f"participation is {participation}: it is a share of the clients, above 0 and at most 1.")
    return np.sort(rng.permutation(n)[: max(1, round(participation * n))])


def _count_steps(steps: int | Callable[[int, np.ndarray], np.ndarray], number: int, clients: np.ndarray) -> np.ndarray:
    todo = np.asarray(steps(number, clients) if callable(steps) else steps, dtype=np.int64)
    if todo.shape not in ((), clients.shape):
        raise InvalidUpdate(f"steps gave shape {todo.shape} in round {number}: one number a client, {clients.shape}.")
    return np.broadcast_to(todo, clients.shape)


def _named_scorers(scores: str | tuple[str, ...] | Mapping[str, Scorer]) -> dict[str, Scorer]:
    if isinstance(scores, Mapping):
        named = dict(scores)
    else:
        names = (scores,) if isinstance(scores, str) else tuple(scores)
        for name in names:
            if name not in SCORES:
                raise InvalidUpdate(f"score {name!r} is unknown: use {', '.join(SCORES)}, or pass a named function.")
        named = {name: SCORES[name] for name in names}
    if not named:
        raise InvalidUpdate("scores is empty: name at least the one that pays.")
    return named


def _check_declared(declared: np.ndarray | None, sizes: np.ndarray) -> np.ndarray:
    counts = np.asarray(sizes if declared is None else declared)
    if counts.shape != sizes.shape or counts.dtype.kind not in "iu" or counts.min() < 1:
        raise InvalidUpdate(f"declared_samples is {counts.tolist()}: give {len(sizes)} positive integers.")
    return counts


def _spread(values: np.ndarray, clients: np.ndarray, n: int) -> np.ndarray:
    """Values of the k clients that took part among all n, NaN elsewhere."""
    full = np.full(n, np.nan)
    full[clients] = values
    return full


def _clipped(updates: np.ndarray, samples: np.ndarray) -> np.ndarray:
    # a median of 0 leaves nothing to compare with: all scores of such a round are 0
    middle = alignment.median_norm(updates)
    return alignment.clipped_scores(updates, samples, clip=middle) if middle > 0 else np.zeros(len(samples))


def _validation_gradient(state: RoundState) -> Callable[[np.ndarray], np.ndarray]:
    return lambda params: state.model.gradient(params, state.data.x_val, state.data.y_val)
