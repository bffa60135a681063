"""What a client that wants to earn can do, what it costs, and when staying pays.

    payoff_i(t) = pay_i − fine_i − cost_i,      in fair pays: the budget of a round over n, for a client with p_i = 1/n

A client chooses a policy each round: honest work at three efforts, work only when its machine is free, a copy of the
last global update, noise, a skipped round, or leaving. The closed forms at the end describe a world in which only
presence counts; they are what the simulation is tested against. All numbers are this project's choice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bcfl_support.checks import check_flags, check_generator, check_range, check_whole, to_floats
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.consistency import check_window

POLICIES = ("full", "half", "token", "fair_weather", "copy", "noise", "skip", "out")
"""What a client may choose; "fair_weather" is full effort when the machine is free, a skipped round when it is not."""


FULL, HALF, TOKEN, FAIR_WEATHER, COPY, NOISE, SKIP, OUT = range(len(POLICIES))


EFFORT = np.array([1.0, 0.5, 0.25, 1.0, 0.0, 0.0, 0.0, 0.0])
"""Share of the full local training each policy does."""


UNKNOWN = np.arange(len(POLICIES)) < SKIP
"""Policies whose pay a client has to find out; what a skipped round or leaving brings it knows."""


def resolve_policies(chosen: Any, busy: Any) -> np.ndarray:
    """What the chosen policies do this round: fair-weather clients work or skip, all others do what they chose.

    Raises:
        InvalidInput: an index that is none of `POLICIES`, or something else than truth values for `busy`.

    >>> resolve_policies([FAIR_WEATHER, FAIR_WEATHER, COPY], [False, True, True]).tolist() == [FULL, SKIP, COPY]
    True
    """
    policy = check_range("chosen", chosen, 0, OUT, many=True, whole=True, why="it is an index into POLICIES")
    return np.where(policy == FAIR_WEATHER, np.where(check_flags("busy", busy), SKIP, FULL), policy)


@dataclass(frozen=True)
class Costs:
    """What a round costs a client, in fair pays per unit of p_i·n: twice the data, twice the cost.

    Attributes:
        compute: full local training on a free machine; half and token effort cost that share of it.
        data: having fresh labeled data to train on, whatever the effort.
        send: taking part at all: gas and attention.
        outside: earned by a client that has left: its stake at work elsewhere.
        rejoin: paid once on coming back.
        spread: standard deviation of the logarithm of a client's own cost level, mean level 1.
        busy: probability that a client's machine is needed elsewhere in a round.
        busy_factor: by how much computing costs more then.

    Raises:
        InvalidInput: a negative number, or a probability above 1.
    """

    compute: float = 0.4
    data: float = 0.1
    send: float = 0.02
    outside: float = 0.1
    rejoin: float = 0.3
    spread: float = 0.3
    busy: float = 0.2
    busy_factor: float = 2.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            object.__setattr__(self, name, check_range(name, value, 0, 1 if name == "busy" else np.inf).item())

    def draw_levels(self, n_clients: int, *, rng: np.random.Generator) -> np.ndarray:
        """Each client's cost level, log-normal with mean 1.

        Args:
            n_clients: n.
            rng: source of the levels.

        Returns:
            Levels, shape (n,), float64.

        Raises:
            InvalidInput: a number of clients that is not whole or is below 1, or no generator.
        """
        n_clients = check_whole("n_clients", n_clients, 1)
        check_generator(rng)
        return np.exp(self.spread * rng.standard_normal(n_clients) - self.spread**2 / 2)

    def spent(self, chosen: Any, busy: Any, levels: Any) -> np.ndarray:
        """What a round costs the clients; a negative cost is the outside option.

        Args:
            chosen: what they chose, index into `POLICIES`, shape (…).
            busy: whether the machine was busy, shape (…).
            levels: the clients' cost levels, shape (…).

        Returns:
            Costs in fair pays per unit of p_i·n, shape (…), float64.

        Raises:
            InvalidInput: as in `resolve_policies`, or a level that is negative or not finite.

        >>> Costs().spent([FULL, FULL, HALF, COPY, SKIP, OUT], [0, 1, 0, 0, 0, 0], np.ones(6)).round(2).tolist()
        [0.52, 0.92, 0.32, 0.02, 0.0, -0.1]
        """
        played = resolve_policies(chosen, busy)
        price = np.where(busy, self.busy_factor, 1.0) * self.compute
        work = EFFORT[played] * price + np.where(played <= TOKEN, self.data, 0.0)
        own = check_range("levels", levels, 0, many=True)
        return own * work + np.where(played < SKIP, self.send, 0.0) - np.where(played == OUT, self.outside, 0.0)

    def expected(self, levels: np.ndarray) -> np.ndarray:
        """Mean cost of each policy for each client over busy and free rounds.

        Args:
            levels: the clients' cost levels, shape (…).

        Returns:
            Costs in fair pays per unit of p_i·n, shape (…, policies).
        """
        policies = np.arange(len(POLICIES))
        free, busy = (self.spent(policies, state, levels[..., None]) for state in (False, True))
        return (1 - self.busy) * free + self.busy * busy


def price_of_a_miss(alpha: float, *, window: int, kind: str = "window") -> float:
    """What one missed round costs a client that is otherwise always there, in fair pays, many clients.

        1 + α/(1+α)·(K−1)/K  (window; EWMA alike)        1 + α/(1+α)·(K−1)/2  (streak)

    The 1 is the round's own pay. The rest is the bonus lost later: for the window, C is lower by 1/K in each of the
    next K − 1 rounds; a streak climbs back from 1/K to 1.

    Args:
        alpha: α.
        window: K.
        kind: "window", "ewma" or "streak".

    Raises:
        InvalidInput: a negative α, a window below 1, or no such kind.

    >>> price_of_a_miss(1.0, window=8), price_of_a_miss(1.0, window=8, kind="streak"), price_of_a_miss(0.0, window=8)
    (1.4375, 2.75, 1.0)
    """
    window, alpha = check_window(window, kind), check_range("alpha", alpha, 0).item()
    return 1 + alpha / (1 + alpha) * ((window - 1) / (2 if kind == "streak" else window))


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
        InvalidInput: if c, q or C is out of range.

    >>> stay_threshold(1.25, attendance=0.5, consistency=0.5), stay_threshold(0.9, attendance=0.5, consistency=0.5)
    (1.0, 0.0)
    """
    cost = check_range("cost", cost, 0).item()
    q, c = to_floats("attendance", attendance), to_floats("consistency", consistency)
    if q.ndim or c.ndim or not 0 <= q < 1 or not q <= c <= 1:
        room = "attendance lies in [0, 1), consistency from it to 1: choose a client that skips some rounds"
        raise InvalidInput(f"attendance is {attendance} and consistency {consistency}; {room}")
    if cost <= 1:
        return 0.0
    most = float((1 - q * c) / (1 - q))
    return (cost - 1) / (most - cost) if cost < most else float("inf")
