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
`monte_carlo_banzhaf`      v(S) − v(all but S) over random S                        none (estimates Banzhaf)
=========================  =======================================================  ===========================

With a `tolerance` sampling ends as soon as every standard error is at most that; stopping on an estimated error is
itself a small bias. The budget counts coalitions evaluated, the empty one and that of all clients included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bcfl_support.shapley.coalitions import Coalitions, Utility, Values, evaluate, progress_bar

Array = NDArray[np.float64]
BATCH = 16384  # coalitions drawn at a time without a tolerance
FIRST_LOOK = 16  # replicates before a standard error may stop the sampling


@dataclass(frozen=True)
class Estimate:
    """An estimate of every client's value.

    Attributes:
        values: (n,) float64, in the utility's unit.
        standard_errors: (n,) float64, of `values`, estimated from the same sample: rough when replicates are few.
        evaluations: coalitions evaluated, never more than the budget.
        converged: every standard error is at most the tolerance; False if none was given.
    """

    values: Array
    standard_errors: Array
    evaluations: int
    converged: bool


class Meter:
    """A utility with a budget: evaluates, counts, and shows progress."""

    def __init__(
        self, utility: Utility, n: int, budget: int, tolerance: float | None, advance: Callable[[int], object]
    ) -> None:
        if n < 2:
            raise ValueError(f"n = {n}; an estimate needs at least 2 clients: with one, its value is v(all) − v(none)")
        if tolerance is not None and not tolerance > 0:
            raise ValueError(f"tolerance = {tolerance}; give a positive standard error, or None to spend the budget")
        self.n, self.budget, self.tolerance, self.spent = n, budget, tolerance, 0
        self._utility, self._advance = utility, advance

    @property
    def left(self) -> int:
        """Coalitions that may still be evaluated."""
        return self.budget - self.spent

    def require(self, least: int) -> None:
        """Raise unless `least` more coalitions may be evaluated."""
        if self.left < least:
            raise ValueError(
                f"budget = {self.budget}; n = {self.n} clients need at least {self.spent + least} coalitions"
            )

    def __call__(self, coalitions: Coalitions) -> Values:
        """Values of coalitions (…, n), in the same shape without the last axis."""
        rows = coalitions.reshape(-1, self.n)
        self.require(len(rows))
        values = evaluate(self._utility, rows) if len(rows) else np.empty(0)
        self.spent += len(rows)
        self._advance(len(rows))
        return values.reshape(coalitions.shape[:-1])

    def ends(self) -> tuple[float, float]:
        """v(none) and v(all)."""
        none, everyone = self(np.stack([np.zeros(self.n, dtype=np.bool_), np.ones(self.n, dtype=np.bool_)]))
        return float(none), float(everyone)

    def is_met(self, errors: Array) -> bool:
        """Whether there is a tolerance and no standard error exceeds it."""
        return self.tolerance is not None and bool((errors <= self.tolerance).all())


Draw = Callable[[Meter, int], Array]  # meter, how many replicates → (replicates, n)


def _average(meter: Meter, draw: Draw, cost: int) -> Estimate:
    """Mean of independent replicates of at most `cost` coalitions each, until the budget or the tolerance is met."""
    meter.require(2 * cost)
    replicates = np.empty((0, meter.n))
    while meter.left >= cost:
        batch = max(1, BATCH // cost) if meter.tolerance is None else max(FIRST_LOOK, len(replicates) // 4)
        replicates = np.concatenate([replicates, draw(meter, min(batch, meter.left // cost))])
        if len(replicates) >= FIRST_LOOK and meter.is_met(_error_of_mean(replicates)):
            break
    errors = _error_of_mean(replicates)
    return Estimate(replicates.mean(axis=0), errors, meter.spent, meter.is_met(errors))


def _error_of_mean(replicates: Array) -> Array:
    error: Array = replicates.std(axis=0, ddof=1) / np.sqrt(len(replicates))
    return error


# ---------------------------------------------------------------- orders


def draw_orders(count: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` random orders of n clients, (count, n)."""
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)


def take_prefixes(orders: NDArray[np.int64], size: int | None = None) -> Coalitions:
    """First `size` clients of each order, (k, n); or its prefixes of 1 … n − 1 clients, (k, n − 1, n)."""
    place = np.argsort(orders, axis=1)
    if size is not None:
        return place < size
    return place[:, None, :] < np.arange(1, orders.shape[1])[None, :, None]


def _marginals(orders: NDArray[np.int64], values: Array) -> Array:
    """What each client added: values (k, n + 1) along the orders (k, n) → (k, n) by client."""
    added = np.empty(orders.shape)
    np.put_along_axis(added, orders, np.diff(values, axis=1), axis=1)
    return added


def _walk(meter: Meter, orders: NDArray[np.int64], ends: tuple[float, float]) -> Array:
    """Marginals along whole orders, all prefixes in one batch."""
    values = np.empty((len(orders), meter.n + 1))
    values[:, 0], values[:, -1] = ends
    values[:, 1:-1] = meter(take_prefixes(orders))
    return _marginals(orders, values)


def _walk_truncated(meter: Meter, orders: NDArray[np.int64], ends: tuple[float, float], truncation: float) -> Array:
    """Marginals along orders, each 0 from where v(all) is within `truncation`; one batch for each prefix size."""
    values = np.empty((len(orders), meter.n + 1))
    values[:, 0], values[:, -1] = ends
    walking = np.abs(values[:, 0] - ends[1]) > truncation
    for size in range(1, meter.n):
        values[:, size] = values[:, size - 1]
        values[walking, size] = meter(take_prefixes(orders[walking], size))
        walking &= np.abs(values[:, size] - ends[1]) > truncation
    values[~walking, -1] = values[~walking, -2]
    return _marginals(orders, values)


def permutation_shapley(
    utility: Utility,
    n: int,
    *,
    budget: int,
    rng: np.random.Generator,
    antithetic: bool = True,
    tolerance: float | None = None,
    progress: bool = False,
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
        tolerance: stop when every standard error is at most this, in the utility's unit.
        progress: show a bar.

    Returns:
        The estimate; one replicate is an order, or a pair of them.

    Raises:
        ValueError: the budget does not pay for two replicates.
        UtilityError: a coalition's utility failed or is not finite.

    >>> game = lambda rows: rows @ np.array([1.0, 2.0, 4.0])
    >>> permutation_shapley(game, 3, budget=20, rng=np.random.default_rng(0)).values.tolist()
    [1.0, 2.0, 4.0]
    """
    with progress_bar(budget, progress) as advance:
        meter = Meter(utility, n, budget, tolerance, advance)
        ends = meter.ends()

        def draw(meter: Meter, count: int) -> Array:
            orders = draw_orders(count, n, rng)
            added = _walk(meter, np.concatenate([orders, orders[:, ::-1]]) if antithetic else orders, ends)
            return added.reshape(-1, count, n).mean(axis=0)

        return _average(meter, draw, (n - 1) * (2 if antithetic else 1))


def truncated_shapley(
    utility: Utility,
    n: int,
    *,
    budget: int,
    truncation: float,
    rng: np.random.Generator,
    tolerance: float | None = None,
    progress: bool = False,
) -> Estimate:
    """Truncated Monte Carlo (Ghorbani and Zou 2019): once |v(all) − v(prefix)| ≤ truncation, later clients add 0.

    Bias: along each order the zeroed marginals sum to at most `truncation` in absolute value, so the values sum to
    v(all) − v(none) within `truncation`. A single client's bias has no such bound: large marginals of opposite sign may
    hide behind a prefix that happens to be close to v(all).

    Args:
        truncation: how close to v(all) is close enough, in the utility's unit; 0 truncates almost nothing.
        utility, n, budget, rng, tolerance, progress: as in `permutation_shapley`; an order costs at most n − 1.

    Returns:
        The estimate; one replicate is an order.

    >>> game = lambda rows: np.minimum(rows.sum(axis=1), 2.0)  # two clients suffice
    >>> estimate = truncated_shapley(game, 50, budget=200, truncation=0.0, rng=np.random.default_rng(0))
    >>> float(estimate.values.sum().round(9)), estimate.evaluations <= 200
    (2.0, True)
    """
    _check_truncation(truncation)
    with progress_bar(budget, progress) as advance:
        meter = Meter(utility, n, budget, tolerance, advance)
        ends = meter.ends()
        if abs(ends[1] - ends[0]) <= truncation:
            return Estimate(np.zeros(n), np.zeros(n), meter.spent, tolerance is not None)

        def draw(meter: Meter, count: int) -> Array:
            return _walk_truncated(meter, draw_orders(count, n, rng), ends, truncation)

        return _average(meter, draw, n - 1)


def gtg_shapley(
    utility: Utility,
    n: int,
    *,
    budget: int,
    truncation: float,
    rng: np.random.Generator,
    tolerance: float | None = None,
    progress: bool = False,
) -> Estimate:
    """The sampler of GTG-Shapley (Liu et al. 2022): truncated orders in which every client leads equally often.

    A round with |v(all) − v(none)| ≤ truncation pays nobody and costs two evaluations. Otherwise leaders follow a
    random cycle, the rest of each order is random, and it is truncated as in `truncated_shapley`, with the same bias.
    Standard errors treat orders as independent; balanced leaders make the true ones a little smaller.

    Args:
        truncation: how close to v(all) is close enough, in the utility's unit.
        utility, n, budget, rng, tolerance, progress: as in `permutation_shapley`; an order costs at most n − 1.

    Returns:
        The estimate; one replicate is an order.

    >>> game = lambda rows: np.zeros(len(rows))  # a round that changed nothing
    >>> gtg_shapley(game, 3, budget=20, truncation=0.01, rng=np.random.default_rng(0)).evaluations
    2
    """
    _check_truncation(truncation)
    with progress_bar(budget, progress) as advance:
        meter = Meter(utility, n, budget, tolerance, advance)
        none, everyone = meter.ends()
        if abs(everyone - none) <= truncation:
            return Estimate(np.zeros(n), np.zeros(n), meter.spent, tolerance is not None)
        cycle, led = rng.permutation(n), 0

        def draw(meter: Meter, count: int) -> Array:
            nonlocal led
            leaders = cycle[(led + np.arange(count)) % n]
            led += count
            orders = draw_orders(count, n, rng)
            place = np.argmax(orders == leaders[:, None], axis=1)
            orders[np.arange(count), place], orders[:, 0] = orders[:, 0], leaders
            return _walk_truncated(meter, orders, (none, everyone), truncation)

        return _average(meter, draw, n - 1)


def stratified_shapley(
    utility: Utility,
    n: int,
    *,
    budget: int,
    rng: np.random.Generator,
    rotations: int | None = None,
    tolerance: float | None = None,
    progress: bool = False,
) -> Estimate:
    """Orders stratified by position: each random order is walked in evenly spaced rotations. Unbiased.

    With `rotations` = n every client takes every position once, which removes the variance between positions
    (stratification by coalition size: Maleki et al. 2013); with fewer the positions are a systematic sample of them.

    Args:
        rotations: rotations of each order, 1 … n; left out, as many as leave 8 replicates or more.
        utility, n, budget, rng, tolerance, progress: as in `permutation_shapley`; a rotation costs n − 1.

    Returns:
        The estimate; one replicate is an order with its rotations.

    >>> game = lambda rows: rows.sum(axis=1) ** 2.0  # what a client adds depends on its position only
    >>> estimate = stratified_shapley(game, 4, budget=200, rng=np.random.default_rng(0))
    >>> estimate.values.tolist(), estimate.standard_errors.tolist()
    ([4.0, 4.0, 4.0, 4.0], [0.0, 0.0, 0.0, 0.0])
    """
    with progress_bar(budget, progress) as advance:
        meter = Meter(utility, n, budget, tolerance, advance)
        ends = meter.ends()
        turns = rotations if rotations is not None else int(np.clip(meter.left // (8 * (n - 1)), 1, n))
        if not 1 <= turns <= n:
            raise ValueError(f"rotations = {rotations}; give 1 to n = {n}")
        shifts = (np.arange(turns)[:, None] * n // turns + np.arange(n)) % n  # (rotation, position)

        def draw(meter: Meter, count: int) -> Array:
            orders = draw_orders(count, n, rng)[:, shifts].reshape(-1, n)
            return _walk(meter, orders, ends).reshape(count, turns, n).mean(axis=1)

        return _average(meter, draw, turns * (n - 1))


def _check_truncation(truncation: float) -> None:
    if not truncation >= 0:
        raise ValueError(f"truncation = {truncation}; give a distance from v(all), at least 0")


# ---------------------------------------------------------------- coalitions


def monte_carlo_banzhaf(
    utility: Utility,
    n: int,
    *,
    budget: int,
    rng: np.random.Generator,
    tolerance: float | None = None,
    progress: bool = False,
) -> Estimate:
    """Banzhaf values β_i = E[v(S ∪ {i}) − v(S)], S uniform, each sample reused for every client. Unbiased.

    Maximum sample reuse (Wang and Jia 2023), paired: a coalition and its complement give ±[v(S) − v(all but S)] for the
    clients in S and outside, whose mean is E[v | i ∈ S] − E[v | i ∉ S] = β_i.

    Args:
        utility, n, budget, rng, tolerance, progress: as in `permutation_shapley`; a pair costs 2.

    Returns:
        The estimate; one replicate is a pair.

    >>> game = lambda rows: rows @ np.array([1.0, 2.0, 4.0])
    >>> estimate = monte_carlo_banzhaf(game, 3, budget=4000, rng=np.random.default_rng(0))
    >>> bool((np.abs(estimate.values - [1, 2, 4]) < 4 * estimate.standard_errors).all())
    True
    """
    with progress_bar(budget, progress) as advance:

        def draw(meter: Meter, count: int) -> Array:
            rows = rng.random((count, n)) < 0.5
            values = meter(np.stack([rows, ~rows]))
            return np.where(rows, 1.0, -1.0) * (values[0] - values[1])[:, None]

        return _average(Meter(utility, n, budget, tolerance, advance), draw, 2)
