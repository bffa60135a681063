"""Clients that want to earn: what they can do, what it costs them, how they learn what pays.

    payoff_i(t) = pay_i − fine_i − cost_i,      in fair pays: the budget of a round over n, for a client with p_i = 1/n

A client chooses a policy each round: honest work at three efforts, work only when its machine is free, a copy of the
last global update, noise, a skipped round, or leaving. It learns from what it is paid (softmax over estimates, Exp3),
from what is publicly paid (best response), or by imitating others (the replicator dynamics of a finite population).
All clients of all seeds are rows of one array (seeds, n).

Nothing here trains or pays: `game` puts these clients into a federation. The closed forms at the end describe a world
in which only presence counts; they are what the simulation is tested against. All numbers are this project's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

POLICIES = ("full", "half", "token", "fair_weather", "copy", "noise", "skip", "out")
"""What a client may choose; "fair_weather" is full effort when the machine is free, a skipped round when it is not."""
FULL, HALF, TOKEN, FAIR_WEATHER, COPY, NOISE, SKIP, OUT = range(len(POLICIES))
EFFORT = np.array([1.0, 0.5, 0.25, 1.0, 0.0, 0.0, 0.0, 0.0])
"""Share of the full local training each policy does."""
UNKNOWN = np.arange(len(POLICIES)) < SKIP
"""Policies whose pay a client has to find out; what a skipped round or leaving brings it knows."""
LEARNERS = ("fixed", "softmax", "exp3", "best_response", "imitation")
_PAYOFF_RANGE = (-1.0, 3.0)


@dataclass(frozen=True)
class Costs:
    """What a round costs a client, in fair pays per unit of p_i·n: twice the data, twice the cost.

    Attributes:
        compute: full local training on a free machine; half and token effort cost that share of it.
        data: having fresh labelled data to train on, whatever the effort.
        send: taking part at all: gas and attention.
        outside: earned by a client that has left: its stake at work elsewhere.
        rejoin: paid once on coming back.
        spread: standard deviation of the logarithm of a client's own cost level, mean level 1.
        busy: probability that a client's machine is needed elsewhere in a round.
        busy_factor: by how much computing costs more then.
    """

    compute: float = 0.4
    data: float = 0.1
    send: float = 0.02
    outside: float = 0.1
    rejoin: float = 0.3
    spread: float = 0.3
    busy: float = 0.2
    busy_factor: float = 2.0

    @property
    def honest(self) -> float:
        """Mean cost of full effort on a free machine: computing and data."""
        return self.compute + self.data


def draw_cost_levels(n_clients: int, spread: float, *, rng: np.random.Generator) -> np.ndarray:
    """Each client's cost level, log-normal with mean 1, shape (n,)."""
    return np.exp(spread * rng.standard_normal(n_clients) - spread**2 / 2)


def compute_costs(costs: Costs, played: Any, busy: Any, levels: Any) -> np.ndarray:
    """What what-they-did costs the clients; a negative cost is the outside option.

    Args:
        costs: the cost model.
        played: what was done, index into `POLICIES`, shape (…); FAIR_WEATHER must have been resolved into FULL or SKIP.
        busy: whether the machine was busy, shape (…).
        levels: the clients' cost levels, shape (…).

    Returns:
        Costs in fair pays per unit of p_i·n, shape (…), float64.

    Raises:
        ValueError: if FAIR_WEATHER is left in `played`.

    >>> compute_costs(Costs(), [FULL, FULL, HALF, COPY, SKIP, OUT], [0, 1, 0, 0, 0, 0], np.ones(6)).round(2).tolist()
    [0.52, 0.92, 0.32, 0.02, 0.0, -0.1]
    """
    doing = np.asarray(played)
    if (doing == FAIR_WEATHER).any():
        raise ValueError("played holds FAIR_WEATHER; resolve it with resolve_policies first")
    price = np.where(busy, costs.busy_factor, 1.0) * costs.compute
    work = EFFORT[doing] * price + np.where(doing <= TOKEN, costs.data, 0.0)
    return levels * work + np.where(doing < SKIP, costs.send, 0.0) - np.where(doing == OUT, costs.outside, 0.0)


def resolve_policies(chosen: Any, busy: Any) -> np.ndarray:
    """What the chosen policies do this round: fair-weather clients work or skip, all others do what they chose.

    >>> resolve_policies([FAIR_WEATHER, FAIR_WEATHER, COPY], [False, True, True]).tolist() == [FULL, SKIP, COPY]
    True
    """
    policy = np.asarray(chosen)
    return np.where(policy == FAIR_WEATHER, np.where(busy, SKIP, FULL), policy)


def expected_costs(costs: Costs, levels: np.ndarray) -> np.ndarray:
    """Mean cost of each policy for each client over busy and free rounds, shape (…, policies)."""
    shape = (*levels.shape, len(POLICIES))
    level = np.broadcast_to(levels[..., None], shape)
    each = np.broadcast_to(np.arange(len(POLICIES)), shape)
    free, busy = (compute_costs(costs, resolve_policies(each, state), state, level) for state in (False, True))
    return (1 - costs.busy) * free + costs.busy * busy


# ---------------------------------------------------------------- learning


@dataclass(frozen=True)
class Learner:
    """How clients choose.

    Attributes:
        kind: "fixed" (each keeps the policy in `start`), "softmax" (each keeps an estimate of every policy's payoff and
            prefers high ones), "exp3" (as softmax, on importance-weighted sums), "best_response" (each knows what
            others were publicly paid and picks the best for its own costs) or "imitation" (each now and then takes
            over the policy of a client that fared better).
        rate: smallest step of the estimates (the first result of a policy is taken as it is, the k-th moves the
            estimate by 1/k until that is less); also the share of clients that reconsider in a round
            (best_response, imitation), and Exp3's step.
        temperature: payoff difference, in fair pays, that makes softmax prefer a policy e times.
        explore: probability of a random working policy, for this round only; for imitation, explore·rate is the
            probability of a mutation: a random working policy to stay with.
        foresight: 1 counts what a policy would earn with the standing it leads to if kept up; 0 what it earned today;
            between the two, a mean of both.
        start: policy of each client in the first round, one name or n names, thought to pay the fair pay; the other
            working policies start unknown, at payoff 0.
        policies: names that may be chosen; None for all.
    """

    kind: str = "softmax"
    rate: float = 0.15
    temperature: float = 0.08
    explore: float = 0.1
    foresight: float = 1.0
    start: str | tuple[str, ...] = "full"
    policies: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in LEARNERS:
            raise ValueError(f"kind is {self.kind!r}; use one of {', '.join(LEARNERS)}")
        named = (self.start,) if isinstance(self.start, str) else self.start
        for name in (*named, *(self.policies or ())):
            if name not in POLICIES:
                raise ValueError(f"policy {name!r} is unknown; use one of {', '.join(POLICIES)}")
        if not 0 < self.rate <= 1 or not 0 <= self.explore <= 1 or not 0 <= self.foresight <= 1:
            raise ValueError(
                f"rate {self.rate}, explore {self.explore}, foresight {self.foresight}: all lie in [0, 1], rate above 0"
            )
        if self.temperature <= 0:
            raise ValueError(f"temperature is {self.temperature}; it must be positive")

    def start_policies(self, n_clients: int) -> np.ndarray:
        """The clients' policies before they have learned anything, shape (n,), int."""
        names = (self.start,) * n_clients if isinstance(self.start, str) else self.start
        if len(names) != n_clients:
            raise ValueError(f"start names {len(names)} policies for {n_clients} clients; name one each or one for all")
        return np.array([POLICIES.index(name) for name in names])

    def allowed(self) -> np.ndarray:
        """Which policies may be chosen, shape (policies,), bool."""
        return np.array([self.policies is None or name in self.policies for name in POLICIES])


def softmax_probabilities(
    values: np.ndarray, allowed: np.ndarray, explored: np.ndarray, *, temperature: float, explore: float
) -> np.ndarray:
    """(1 − ε)·softmax(values / τ) over the allowed policies, plus ε spread evenly over the explored ones.

    Args:
        values: shape (…, policies).
        allowed, explored: which policies, shape (policies,), bool.
        temperature: τ.
        explore: ε.

    >>> every, some = np.array([True, True, True]), np.array([True, False, False])
    >>> softmax_probabilities(np.log([2.0, 1.0, 1.0]), every, some, temperature=1.0, explore=0.2).round(3).tolist()
    [0.6, 0.2, 0.2]
    """
    scaled = np.where(allowed, values / temperature, -np.inf)
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (1 - explore) * weights / weights.sum(axis=-1, keepdims=True) + explore * explored / explored.sum()


def sample_policies(probabilities: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Draw from probabilities (…, policies) by inverting their distribution at uniforms (…).

    >>> sample_policies(np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]), np.array([0.4, 0.99])).tolist()
    [1, 0]
    """
    below = probabilities.cumsum(axis=-1)[..., :-1]
    return (uniforms[..., None] >= below).sum(axis=-1)


def update_values(values: np.ndarray, chosen: np.ndarray, results: np.ndarray, steps: Any) -> np.ndarray:
    """Move the estimate of the chosen policy toward what it brought: v ← v + step·(result − v).

    Args:
        values: estimates, shape (…, policies).
        chosen: policy of each client, shape (…).
        results: what it brought, shape (…).
        steps: steps in (0, 1], one number or shape (…, policies).

    >>> update_values(np.zeros((1, 2)), np.array([1]), np.array([4.0]), 0.25).tolist()
    [[0.0, 1.0]]
    """
    hit = np.arange(values.shape[-1]) == chosen[..., None]
    return values + steps * hit * (results[..., None] - values)


def update_exp3(
    sums: np.ndarray, probabilities: np.ndarray, chosen: np.ndarray, payoffs: np.ndarray, rate: float
) -> np.ndarray:
    """Exp3 (Auer et al. 2002): add rate·x / (A·π(chosen)) to the chosen policy's log-weight, x the scaled payoff.

    Exp3 needs bounded payoffs; here −1 to 3 fair pays become 0 to 1, and what lies outside is cut off.

    Args:
        sums: log-weights, shape (…, A).
        probabilities: with which the policies were drawn, shape (…, A).
        chosen, payoffs: shape (…).
        rate: step.

    >>> update_exp3(np.zeros((1, 2)), np.full((1, 2), 0.5), np.array([0]), np.array([1.0]), 0.4).tolist()
    [[0.2, 0.0]]
    """
    low, high = _PAYOFF_RANGE
    gain = np.clip((payoffs - low) / (high - low), 0.0, 1.0)
    hit = np.arange(sums.shape[-1]) == chosen[..., None]
    return sums + rate / sums.shape[-1] * hit * (gain[..., None] / np.where(hit, probabilities, 1.0))


def imitate(policies: np.ndarray, payoffs: np.ndarray, models: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Take over the policy of the client one looks at, with probability the difference of the payoffs in fair pays.

    For many clients this is the replicator dynamics dx_a/dt ∝ x_a·(u_a − ū) (Schlag 1998).

    Args:
        policies: of each client, shape (seeds, n).
        payoffs: of each client, smoothed, shape (seeds, n); a difference of 1 fair pay or more is always followed.
        models: the client each one looks at, shape (seeds, n).
        uniforms: in [0, 1), shape (seeds, n).

    >>> imitate(np.array([[0, 4]]), np.array([[0.0, 0.5]]), np.array([[1, 0]]), np.array([[0.4, 0.4]])).tolist()
    [[4, 4]]
    """
    better = np.take_along_axis(payoffs, models, axis=-1) - payoffs
    return np.where(uniforms < better, np.take_along_axis(policies, models, axis=-1), policies)


class Crowd:
    """The clients of all seeds, choosing and learning together.

    Attributes:
        policies: what each client plays this round, shape (seeds, n).
        marks: each client's estimate of the share of rounds a policy leaves a good mark on its record, shape
            (seeds, n, policies).
    """

    def __init__(self, learner: Learner, mean_costs: np.ndarray) -> None:
        """Start a crowd.

        Args:
            learner: how they learn.
            mean_costs: mean cost of each policy, shape (seeds, n, policies); see `expected_costs`.
        """
        seeds, n, count = mean_costs.shape
        self.learner, self.mean_costs = learner, mean_costs
        self._allowed = learner.allowed()
        self.policies = np.broadcast_to(learner.start_policies(n), (seeds, n)).copy()
        self._settled = self.policies  # what a client returns to after a round of exploring
        self._age = np.zeros((seeds, n), dtype=int)  # rounds since it settled on it
        self.marks = np.ones((seeds, n, count))
        self._tries = np.zeros((seeds, n, count))
        started = np.arange(count) == self.policies[..., None]
        self._values = np.where(started, 1.0 - mean_costs, np.where(UNKNOWN, 0.0, -mean_costs))
        self._public = np.where(started.any(axis=1), 1.0, 0.0)
        self._seen = np.zeros((seeds, count))
        self._fortune = np.take_along_axis(self._values, self.policies[..., None], axis=-1)[..., 0]
        self._sums = np.where(started, 3.0, 0.0)
        self._probabilities = started.astype(np.float64)
        self._free = np.ones((seeds, n), dtype=bool)

    def choose(self, uniforms: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Choose the round's policies.

        Args:
            uniforms: in [0, 1), shape (seeds, n, 4).
            free: who may change its policy this round, shape (seeds, n).

        Returns:
            Policies, shape (seeds, n).
        """
        learner, explored = self.learner, self._allowed & UNKNOWN
        if learner.kind in ("softmax", "exp3"):
            values = self._values / learner.temperature if learner.kind == "softmax" else self._sums
            self._probabilities = softmax_probabilities(
                values, self._allowed, explored, temperature=1.0, explore=learner.explore
            )
            wanted = sample_policies(self._probabilities, uniforms[..., 0])
        elif learner.kind == "fixed":
            wanted = self.policies
        else:
            wanted = self._reconsider(uniforms, free, np.flatnonzero(explored))
        self.policies = np.where(free, wanted, self.policies)
        self._free = free
        return self.policies

    def _reconsider(self, uniforms: np.ndarray, free: np.ndarray, explored: np.ndarray) -> np.ndarray:
        """A share `rate` of the free clients settles anew; a few explore, or mutate."""
        learner, lot = self.learner, uniforms[..., 3]
        imitates = learner.kind == "imitation"
        if imitates:
            others = (uniforms[..., 1] * self.policies.shape[1]).astype(int)
            wanted = imitate(self._settled, self._fortune, others, uniforms[..., 2])
        else:
            worth = np.where(self._allowed, self._public[:, None, :] - self.mean_costs, -np.inf)
            wanted = worth.argmax(axis=-1)
        settled = np.where(free & (uniforms[..., 0] < learner.rate), wanted, self._settled)
        chance = learner.explore * (learner.rate if imitates else 1.0)
        odd = explored[(lot / max(chance, 1e-12) % 1 * len(explored)).astype(int)]
        tried = np.where(lot < chance, odd, settled)
        if imitates:
            settled = np.where(free, tried, self._settled)
        self._age = np.where(settled == self._settled, self._age, 0)
        self._settled = settled
        return tried

    def observe_marks(self, marks: np.ndarray) -> None:
        """Count the round, and learn how often each policy leaves a good mark; old marks fade at rate 0.1 or less."""
        self._tries += np.arange(self.marks.shape[-1]) == self.policies[..., None]
        steps = np.maximum(1 / np.maximum(self._tries, 1), 0.1)
        self.marks = update_values(self.marks, self.policies, marks, steps)

    def standing_marks(self) -> np.ndarray:
        """The estimated share of good marks of the policy each client is playing, shape (seeds, n)."""
        return np.take_along_axis(self.marks, self.policies[..., None], axis=-1)[..., 0]

    def learn(self, pay: np.ndarray, costs: np.ndarray) -> None:
        """Learn from a round; call `observe_marks` first.

        Args:
            pay: pay less fines, in fair pays per unit of p_i·n, shape (seeds, n).
            costs: what it cost, in the same unit, shape (seeds, n).
        """
        rate, chosen = self.learner.rate, self.policies
        steps = np.maximum(1 / np.maximum(self._tries, 1), rate)
        self._values = update_values(self._values, chosen, pay - costs, steps)
        self._age = self._age + 1
        self._fortune = self._fortune + np.maximum(1 / self._age, rate) * (pay - costs - self._fortune)
        if self.learner.kind == "exp3":
            moved = update_exp3(self._sums, self._probabilities, chosen, pay - costs, rate)
            self._sums = np.where(self._free[..., None], moved, self._sums)  # a forced round was not drawn
        hit = np.arange(self._public.shape[-1]) == chosen[..., None]  # (seeds, n, policies)
        played = hit.sum(axis=1)
        self._seen += played > 0
        mean = np.divide((hit * pay[..., None]).sum(axis=1), played, out=self._public.copy(), where=played > 0)
        self._public = self._public + np.maximum(1 / np.maximum(self._seen, 1), rate) * (mean - self._public)

    def replace(self, gone: np.ndarray) -> None:
        """Put newcomers, who know nothing, in the place of clients that are gone for good, shape (seeds, n)."""
        fresh = Crowd(self.learner, self.mean_costs)
        for name in ("policies", "_settled", "_age", "marks", "_tries", "_values", "_sums", "_fortune"):
            mine, new = getattr(self, name), getattr(fresh, name)
            setattr(self, name, np.where(gone.reshape(gone.shape + (1,) * (mine.ndim - 2)), new, mine))


# ---------------------------------------------------------------- closed forms where only presence counts


def price_of_a_miss(alpha: float, *, window: int, kind: str = "window") -> float:
    """What one missed round costs a client that is otherwise always there, in fair pays, many clients.

        1 + α/(1+α)·(K−1)/K  (window; EWMA alike)        1 + α/(1+α)·(K−1)/2  (streak)

    The 1 is the round's own pay. The rest is the bonus lost later: for the window, C is lower by 1/K in each of the
    next K − 1 rounds; a streak climbs back from 1/K to 1.

    Args:
        alpha: α.
        window: K.
        kind: "window", "ewma" or "streak".

    >>> price_of_a_miss(1.0, window=8), price_of_a_miss(1.0, window=8, kind="streak"), price_of_a_miss(0.0, window=8)
    (1.4375, 2.75, 1.0)
    """
    lost = {"window": (window - 1) / window, "ewma": (window - 1) / window, "streak": (window - 1) / 2}
    return 1 + alpha / (1 + alpha) * lost[kind]


def stay_threshold(cost: float, *, attendance: float, consistency: float) -> float:
    """α*: the least α at which a client works in its busy rounds too, many other clients always present.

    Always there it earns 1 a round. Coming only when free, a share q of the rounds, it earns q·(1 + α·C)/(1 + α), with
    C its consistency when it comes. Working in a busy round costs c more than skipping it, so it stays iff

        1 − q·(1 + α·C)/(1 + α) ≥ (1 − q)·c      ⟺      α ≥ α* = (c − 1)/(D − c),   D = (1 − q·C)/(1 − q)

    For c ≤ 1 it stays at any α. For c ≥ D it stays at none: the bonus is at most the pay.

    Args:
        cost: c, in fair pays.
        attendance: q in [0, 1).
        consistency: C in [q, 1], of the client that skips; (1 + (K − 1)·q)/K for the window.

    Returns:
        α*, 0 where no bonus is needed, infinity where none suffices.

    Raises:
        ValueError: if q or C is out of range.

    >>> stay_threshold(1.25, attendance=0.5, consistency=0.5), stay_threshold(0.9, attendance=0.5, consistency=0.5)
    (1.0, 0.0)
    """
    if not 0 <= attendance < 1 or not attendance <= consistency <= 1:
        raise ValueError(
            f"attendance {attendance} must lie in [0, 1) and consistency {consistency} between it and 1; a client that "
            "never skips has no busy round to decide on"
        )
    most = (1 - attendance * consistency) / (1 - attendance)
    if cost <= 1:
        return 0.0
    return (cost - 1) / (most - cost) if cost < most else float("inf")


def count_stayers(costs: Sequence[float], budget: float) -> int:
    """How many clients stay when k present clients share the budget equally: the largest k with budget/k ≥ c_(k).

    c_(1) ≤ c_(2) ≤ … are the sorted costs, outside option included. With k clients in, none of them gains by leaving
    and no other by joining. α plays no part: a bonus all present clients have cancels in the shares.

    Args:
        costs: cost of a round for each client, shape (n,).
        budget: of a round.

    >>> count_stayers([0.2, 0.5, 0.9, 2.0], 2.0)
    2
    """
    ordered = np.sort(np.asarray(costs, dtype=np.float64))
    fits = np.flatnonzero(budget / np.arange(1, len(ordered) + 1) >= ordered)
    return int(fits[-1]) + 1 if len(fits) else 0
