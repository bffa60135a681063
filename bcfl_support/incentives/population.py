"""Clients that learn what pays: all clients of all seeds are rows of one array (seeds, n).

A client learns from what it is paid (softmax over estimates, Exp3), from what is publicly paid (best response), or by
imitating others (the replicator dynamics of a finite population). Nothing here trains or pays: `market` puts these
clients into a federation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bcfl_support.checks import check_choice, check_list, check_range, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.policies import POLICIES, UNKNOWN

LEARNERS = ("fixed", "softmax", "exp3", "best_response", "imitation")


_PAYOFF_RANGE = (-1.0, 3.0)


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
        policies: names that may be chosen, and started with; None for all. Without a working one among them, what is
            said above of working policies goes for all of them.

    Raises:
        InvalidInput: an unknown name, a start that may not be chosen, or a number out of range.
    """

    kind: str = "softmax"
    rate: float = 0.15
    temperature: float = 0.08
    explore: float = 0.1
    foresight: float = 1.0
    start: str | tuple[str, ...] = "full"
    policies: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, LEARNERS)
        allowed = POLICIES if self.policies is None else check_list("policies", self.policies)
        check_whole("the number of policies", len(allowed), 1, why="None allows all")
        for name in allowed:
            check_choice("policy", name, POLICIES)
        for name in (self.start,) if isinstance(self.start, str) else self.start:
            check_choice("start", name, allowed)
        for name, most in (("rate", 1), ("explore", 1), ("foresight", 1), ("temperature", np.inf)):
            number = check_range(name, getattr(self, name), 0, most, above=name in ("rate", "temperature"))
            object.__setattr__(self, name, number.item())

    def start_policies(self, n_clients: int) -> np.ndarray:
        """The clients' policies before they have learned anything.

        Args:
            n_clients: n.

        Returns:
            Indices into `POLICIES`, shape (n,), int.

        Raises:
            InvalidInput: `start` names neither one policy nor n.
        """
        names = (self.start,) * n_clients if isinstance(self.start, str) else self.start
        if len(names) != n_clients:
            raise InvalidInput(f"start names {len(names)} policies for {n_clients} clients; name one each or one")
        return np.array([POLICIES.index(name) for name in names])


def softmax_probabilities(
    values: np.ndarray, allowed: np.ndarray, explored: np.ndarray, *, temperature: float, explore: float
) -> np.ndarray:
    """(1 − ε)·softmax(values / τ) over the allowed policies, plus ε spread evenly over the explored ones.

    Args:
        values: shape (…, policies).
        allowed, explored: which policies, shape (policies,), bool.
        temperature: τ.
        explore: ε.

    Raises:
        InvalidInput: τ is not positive, or ε is no probability.

    >>> every, some = np.array([True, True, True]), np.array([True, False, False])
    >>> softmax_probabilities(np.log([2.0, 1.0, 1.0]), every, some, temperature=1.0, explore=0.2).round(3).tolist()
    [0.6, 0.2, 0.2]
    """
    tau, explore = check_range("temperature", temperature, 0, above=True), check_range("explore", explore, 0, 1).item()
    scaled = np.where(allowed, values / tau, -np.inf)
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    tried = explored if explored.any() else allowed  # nothing unknown is left to try
    return (1 - explore) * weights / weights.sum(axis=-1, keepdims=True) + explore * tried / tried.sum()


def sample_policies(probabilities: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Draw from probabilities (…, policies) by inverting their distribution at uniforms (…).

    >>> sample_policies(np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]), np.array([0.4, 0.99])).tolist()
    [1, 0]
    """
    return (uniforms[..., None] >= probabilities.cumsum(axis=-1)[..., :-1]).sum(axis=-1)


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
            mean_costs: mean cost of each policy, shape (seeds, n, policies); see `Costs.expected`.
        """
        seeds, n, count = mean_costs.shape
        self.learner, self.mean_costs = learner, mean_costs
        self._allowed = np.isin(POLICIES, learner.policies or POLICIES)  # which may be chosen, (policies,)
        self.policies = np.broadcast_to(learner.start_policies(n), (seeds, n)).copy()
        self._settled = self.policies  # what a client returns to after a round of exploring
        self._age = np.zeros((seeds, n), dtype=int)  # rounds since it settled on it
        self._fortune = 1.0 - _at(mean_costs, self.policies)  # and what it has brought
        self.marks = np.ones((seeds, n, count))
        self._tries = np.zeros((seeds, n, count))
        started = np.arange(count) == self.policies[..., None]
        if learner.kind == "exp3":
            self._values = np.where(started, 3.0, 0.0)  # log-weights
        else:
            self._values = np.where(started, 1.0 - mean_costs, np.where(UNKNOWN, 0.0, -mean_costs))
        self._public = np.where(started.any(axis=1), 1.0, 0.0)  # what each policy is seen to be paid, (seeds, policies)
        self._seen = np.zeros((seeds, count))

    def choose(self, uniforms: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Choose the round's policies.

        Args:
            uniforms: in [0, 1), shape (seeds, n, 4).
            free: who may change its policy this round, shape (seeds, n).

        Returns:
            Policies, shape (seeds, n).
        """
        learner, explored = self.learner, self._allowed & UNKNOWN
        wanted = self.policies
        if learner.kind in ("softmax", "exp3"):
            temperature = learner.temperature if learner.kind == "softmax" else 1.0
            how = {"temperature": temperature, "explore": learner.explore}
            self._probabilities = softmax_probabilities(self._values, self._allowed, explored, **how)
            wanted = sample_policies(self._probabilities, uniforms[..., 0])
        elif learner.kind != "fixed":
            wanted = self._reconsider(uniforms, free, np.flatnonzero(explored if explored.any() else self._allowed))
        self.policies, self._free = np.where(free, wanted, self.policies), free
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
        self.marks = update_values(self.marks, self.policies, marks, _steps(self._tries, 0.1))

    def standing_marks(self) -> np.ndarray:
        """The estimated share of good marks of the policy each client is playing, shape (seeds, n)."""
        return _at(self.marks, self.policies)

    def learn(self, pay: np.ndarray, costs: np.ndarray) -> None:
        """Learn from a round; call `observe_marks` first.

        Args:
            pay: pay less fines, in fair pays per unit of p_i·n, shape (seeds, n).
            costs: what it cost, in the same unit, shape (seeds, n).
        """
        rate, chosen, payoffs = self.learner.rate, self.policies, pay - costs
        if self.learner.kind == "exp3":
            moved = update_exp3(self._values, self._probabilities, chosen, payoffs, rate)
            self._values = np.where(self._free[..., None], moved, self._values)  # a forced round was not drawn
        else:
            self._values = update_values(self._values, chosen, payoffs, _steps(self._tries, rate))
        self._age = self._age + 1
        self._fortune = self._fortune + _steps(self._age, rate) * (payoffs - self._fortune)
        hit = np.arange(self._public.shape[-1]) == chosen[..., None]  # (seeds, n, policies)
        played = hit.sum(axis=1)
        self._seen += played > 0
        mean = np.divide((hit * pay[..., None]).sum(axis=1), played, out=self._public.copy(), where=played > 0)
        self._public = self._public + _steps(self._seen, rate) * (mean - self._public)

    def replace(self, gone: np.ndarray) -> None:
        """Put newcomers, who know nothing, in the place of clients that are gone for good, shape (seeds, n)."""
        fresh = Crowd(self.learner, self.mean_costs)
        for name in ("policies", "_settled", "_age", "_fortune", "marks", "_tries", "_values"):
            mine, new = getattr(self, name), getattr(fresh, name)
            setattr(self, name, np.where(gone.reshape(gone.shape + (1,) * (mine.ndim - 2)), new, mine))


def _at(values: np.ndarray, policies: np.ndarray) -> np.ndarray:
    """What stands at each client's policy: values (seeds, n, policies), policies (seeds, n) → (seeds, n)."""
    return np.take_along_axis(values, policies[..., None], axis=-1)[..., 0]


def _steps(counts: np.ndarray, least: float) -> np.ndarray:
    """The k-th result moves an estimate by 1/k, until that is less than `least`."""
    return np.maximum(1 / np.maximum(counts, 1), least)
