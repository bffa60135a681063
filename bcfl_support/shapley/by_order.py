"""Shapley values from a budget of coalitions: φ_i = E[v(S ∪ {i}) − v(S)], S the clients before i in a random order.

Every estimator follows three steps: draw coalitions, evaluate them in one batch, accumulate. The draw is made here and
only the evaluation is spread over workers, so a seed gives the same answer on a laptop and on a cluster.

=========================  =======================================================  ===========================
estimator                  what is averaged                                         bias
=========================  =======================================================  ===========================
`permutation_shapley`      marginals along random orders, each with its reverse     none
`truncated_shapley`        the same, each order cut short (TMC)                     at most `truncation` in sum
`gtg_shapley`              the same, every client leading equally often             at most `truncation` in sum
`stratified_shapley`       rotations of a random order: all positions covered       none
`svarm_shapley`            values by size, with and without the client              none
`regression_shapley`       least squares over coalition pairs (KernelSHAP)          O(1/budget); none if v additive
=========================  =======================================================  ===========================

The budget counts coalitions evaluated, the empty one and that of all clients included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bcfl_support.checks import check_flag, check_generator, check_range, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.shapley.coalitions import Coalitions, Utility, Values, evaluate

Array = NDArray[np.float64]
BATCH = 16384  # coalitions drawn at a time


@dataclass(frozen=True)
class Estimate:
    """An estimate of every client's value.

    Attributes:
        values: (n,) float64, in the utility's unit.
        standard_errors: (n,) float64, of `values`, estimated from the same sample: rough when replicates are few.
        evaluations: coalitions evaluated, never more than the budget.
    """

    values: Array
    standard_errors: Array
    evaluations: int


class Meter:
    """A utility with a budget: v(none) and v(all) at once, then whatever is asked for as long as the budget lasts."""

    def __init__(self, utility: Utility, n: int, budget: int, rng: np.random.Generator) -> None:
        n = check_whole("n", n, 2, why="one client alone has v(all) − v(none)")
        budget = check_whole("budget", budget, 0, why="it counts coalitions")
        check_generator(rng)  # whether or not this budget leaves anything to draw
        self.n, self.budget, self.spent, self._utility = n, budget, 0, utility
        ends = self(np.stack([np.zeros(n, dtype=np.bool_), np.ones(n, dtype=np.bool_)]))
        self.none, self.everyone = float(ends[0]), float(ends[1])

    @property
    def left(self) -> int:
        """Coalitions that may still be evaluated."""
        return self.budget - self.spent

    def require(self, least: int) -> None:
        """Make sure that the budget pays for `least` more coalitions.

        Raises:
            InvalidInput: it does not; the message says how large it must be.
        """
        if self.left < least:
            raise InvalidInput(f"budget = {self.budget}; n = {self.n} needs at least {self.spent + least} coalitions")

    def __call__(self, coalitions: Coalitions) -> Values:
        """Values of coalitions (…, n), in the same shape without the last axis."""
        rows = coalitions.reshape(-1, self.n)
        self.require(len(rows))
        self.spent += len(rows)
        values = evaluate(self._utility, rows) if len(rows) else np.empty(0)
        return values.reshape(coalitions.shape[:-1])


def _average(meter: Meter, draw: Callable[[int], Array], cost: int) -> Estimate:
    """Mean of as many replicates (count, n) as the budget pays for, at most `cost` coalitions each."""
    meter.require(2 * cost)
    batches = []
    while meter.left >= cost:
        batches.append(draw(min(max(1, BATCH // cost), meter.left // cost)))
    replicates = np.concatenate(batches)
    errors = replicates.std(axis=0, ddof=1) / np.sqrt(len(replicates))
    return Estimate(replicates.mean(axis=0), errors, meter.spent)


# ---------------------------------------------------------------- orders


def draw_orders(count: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random orders of all clients.

    Args:
        count: number of orders.
        n: number of clients.
        rng: source of the orders.

    Returns:
        (count, n) int64; each row holds 0 … n − 1 once.
    """
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)


def take_prefixes(orders: NDArray[np.int64], size: int | None = None) -> Coalitions:
    """The coalitions of those who came first in each order.

    Args:
        orders: (k, n) int64, each row an order of all clients.
        size: how many came; None for every number from 1 to n − 1.

    Returns:
        (k, n) bool; or (k, n − 1, n), row s − 1 of an order being its first s clients.
    """
    place = np.argsort(orders, axis=1)
    if size is not None:
        return place < size
    return place[:, None, :] < np.arange(1, orders.shape[1])[None, :, None]


def _marginals(orders: NDArray[np.int64], values: Array) -> Array:
    """What each client added: values (k, n + 1) along the orders (k, n) → (k, n) by client."""
    added = np.empty(orders.shape)
    np.put_along_axis(added, orders, np.diff(values, axis=1), axis=1)
    return added


def _walk(meter: Meter, orders: NDArray[np.int64]) -> Array:
    """Marginals along whole orders, all prefixes in one batch."""
    values = np.empty((len(orders), meter.n + 1))
    values[:, 0], values[:, -1] = meter.none, meter.everyone
    values[:, 1:-1] = meter(take_prefixes(orders))
    return _marginals(orders, values)


def _walk_truncated(meter: Meter, orders: NDArray[np.int64], truncation: float) -> Array:
    """Marginals along orders, each 0 from where v(all) is closer than `truncation`; one batch for each prefix size."""
    values = np.empty((len(orders), meter.n + 1))
    values[:, 0], values[:, -1] = meter.none, meter.everyone
    walking = np.abs(values[:, 0] - meter.everyone) >= truncation
    for size in range(1, meter.n):
        values[:, size] = values[:, size - 1]
        values[walking, size] = meter(take_prefixes(orders[walking], size))
        walking &= np.abs(values[:, size] - meter.everyone) >= truncation
    values[~walking, -1] = values[~walking, -2]
    return _marginals(orders, values)


def permutation_shapley(
    utility: Utility, n: int, *, budget: int, rng: np.random.Generator, antithetic: bool = True
) -> Estimate:
    """Mean marginal over random orders (Castro, Gómez and Tejada 2009), unbiased; the values sum to v(all) − v(none).

    Antithetic: each order is walked forwards and backwards (Mitchell et al. 2022). A client late in one is early in the
    other, which cancels whatever part of its marginal is linear in the size of the coalition it joins.

    Args:
        utility: boolean (m, n) → float (m,).
        n: number of clients.
        budget: coalitions that may be evaluated; an order costs n − 1, a pair twice that, plus 2 once.
        rng: source of the orders.
        antithetic: walk each order both ways.

    Returns:
        The estimate; one replicate is an order, or a pair of them.

    Raises:
        InvalidInput: fewer than 2 clients, no generator, or a budget that is not whole or does not pay for two
            replicates.
        UtilityError: a coalition's utility failed or is not finite.

    >>> game = lambda rows: rows @ np.array([1.0, 2.0, 4.0])
    >>> permutation_shapley(game, 3, budget=20, rng=np.random.default_rng(0)).values.tolist()
    [1.0, 2.0, 4.0]
    """
    check_flag("antithetic", antithetic)
    n = (meter := Meter(utility, n, budget, rng)).n

    def draw(count: int) -> Array:
        orders = draw_orders(count, n, rng)
        added = _walk(meter, np.concatenate([orders, orders[:, ::-1]]) if antithetic else orders)
        return added.reshape(-1, count, n).mean(axis=0)

    return _average(meter, draw, (n - 1) * (2 if antithetic else 1))


def truncated_shapley(
    utility: Utility, n: int, *, budget: int, truncation: float, rng: np.random.Generator
) -> Estimate:
    """Truncated Monte Carlo (Ghorbani and Zou 2019): once |v(all) − v(prefix)| < truncation, later clients add 0.

    Bias: along each order the zeroed marginals sum to less than `truncation` in absolute value, so the values sum to
    v(all) − v(none) within `truncation`. A single client's bias has no such bound: large marginals of opposite sign may
    hide behind a prefix that happens to be close to v(all).

    Args:
        truncation: how close to v(all) is close enough, in the utility's unit; 0 truncates nothing.
        utility, n, budget, rng: as in `permutation_shapley`; an order costs at most n − 1.

    Returns:
        The estimate; one replicate is an order.

    Raises:
        InvalidInput: a negative truncation, or as in `permutation_shapley`.
        UtilityError: a coalition's utility failed or is not finite.

    >>> game = lambda rows: np.minimum(rows.sum(axis=1), 2.0)  # two clients suffice
    >>> estimate = truncated_shapley(game, 50, budget=100, truncation=1e-9, rng=np.random.default_rng(0))
    >>> float(estimate.values.sum().round(9)), int((estimate.values > 0).sum())  # of two whole orders it would be 4
    (2.0, 33)
    """
    return _truncated(utility, n, budget, truncation, rng, lead=False)


def gtg_shapley(utility: Utility, n: int, *, budget: int, truncation: float, rng: np.random.Generator) -> Estimate:
    """The sampler of GTG-Shapley (Liu et al. 2022): truncated orders in which every client leads equally often.

    A round with |v(all) − v(none)| < truncation pays nobody and costs two evaluations. Otherwise leaders follow a
    random cycle, the rest of each order is random, and it is truncated as in `truncated_shapley`, with the same bias.
    Standard errors treat orders as independent; balanced leaders make the true ones a little smaller.

    Args:
        truncation: how close to v(all) is close enough, in the utility's unit; 0 truncates nothing.
        utility, n, budget, rng: as in `permutation_shapley`; an order costs at most n − 1.

    Returns:
        The estimate; one replicate is an order.

    Raises:
        InvalidInput: a negative truncation, or as in `permutation_shapley`.
        UtilityError: a coalition's utility failed or is not finite.

    >>> game = lambda rows: np.zeros(len(rows))  # a round that changed nothing
    >>> gtg_shapley(game, 3, budget=20, truncation=0.01, rng=np.random.default_rng(0)).evaluations
    2
    """
    return _truncated(utility, n, budget, truncation, rng, lead=True)


def _truncated(
    utility: Utility, n: int, budget: int, truncation: float, rng: np.random.Generator, *, lead: bool
) -> Estimate:
    """Mean over truncated orders; with `lead` the clients take turns, in a random cycle, to be first."""
    truncation = check_range("truncation", truncation, 0, why="it is a distance from v(all)").item()
    n, led = (meter := Meter(utility, n, budget, rng)).n, 0
    if abs(meter.everyone - meter.none) < truncation:
        return Estimate(np.zeros(n), np.zeros(n), meter.spent)
    cycle = rng.permutation(n) if lead else np.arange(n)

    def draw(count: int) -> Array:
        nonlocal led
        orders = draw_orders(count, n, rng)
        if lead:
            leaders = cycle[(led + np.arange(count)) % n]
            led += count
            place = np.argmax(orders == leaders[:, None], axis=1)
            orders[np.arange(count), place], orders[:, 0] = orders[:, 0], leaders
        return _walk_truncated(meter, orders, truncation)

    return _average(meter, draw, n - 1)


def stratified_shapley(utility: Utility, n: int, *, budget: int, rng: np.random.Generator) -> Estimate:
    """Orders stratified by position: each random order is walked in evenly spaced rotations. Unbiased.

    There are as many rotations as leave 8 orders or more, n at most. With n every client takes every position once,
    which removes the variance between positions (stratification by coalition size: Maleki et al. 2013); with fewer the
    positions are a systematic sample of them.

    Args:
        utility, n, budget, rng: as in `permutation_shapley`, and so what is raised; a rotation costs n − 1.

    Returns:
        The estimate; one replicate is an order with its rotations.

    >>> game = lambda rows: rows.sum(axis=1) ** 2.0  # what a client adds depends on its position only
    >>> estimate = stratified_shapley(game, 4, budget=200, rng=np.random.default_rng(0))
    >>> estimate.values.tolist(), estimate.standard_errors.tolist()
    ([4.0, 4.0, 4.0, 4.0], [0.0, 0.0, 0.0, 0.0])
    """
    n = (meter := Meter(utility, n, budget, rng)).n
    turns = int(np.clip(meter.left // (8 * (n - 1)), 1, n))
    shifts = (np.arange(turns)[:, None] * n // turns + np.arange(n)) % n  # (rotation, position)

    def draw(count: int) -> Array:
        orders = draw_orders(count, n, rng)[:, shifts].reshape(-1, n)
        return _walk(meter, orders).reshape(count, turns, n).mean(axis=1)

    return _average(meter, draw, turns * (n - 1))
