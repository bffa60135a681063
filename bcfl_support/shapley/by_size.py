"""Shapley values from coalitions sampled by size: each one evaluated serves all n clients at once.

φ_i = (1/n) Σ_{s=1…n} {mean of v over coalitions of size s with i} − (1/n) Σ_{s=0…n−1} {the same without i}

Small coalitions are few and differ most when weights are re-normalized; large ones are few too. Both ends are
enumerated as far as the budget goes and only the sizes between are sampled. That is what makes these two estimators
the ones to use under the re-normalized convention, where orders, which draw all sizes alike, are several times less
precise. `by_order` has those, the meaning of `Estimate`, and a table of all.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from bcfl_support.learning import divide_or_zero
from bcfl_support.shapley.by_order import Array, Estimate, Meter, draw_orders, take_prefixes
from bcfl_support.shapley.coalitions import Coalitions, Utility, Values


def svarm_shapley(utility: Utility, n: int, *, budget: int, rng: np.random.Generator) -> Estimate:
    """Stratified SVARM (Kolpaczki et al. 2024): no marginals; every value serves all n clients. Unbiased.

    φ_i = (1/n) Σ_s {mean of v over coalitions of size s with i} − (1/n) Σ_s {the same without i}

    Each evaluated coalition enters one such mean for every client. Sizes whose share of the budget pays for all their
    coalitions are enumerated (0, 1, n − 1, n always), the others sampled in number ∝ 1/(s(n − s)). Client i's mean at
    size s rests on a share s/n of the samples, or (n − s)/n, so counts ∝ σ_s/√(s(n − s)) are optimal for values that
    spread by σ_s; re-normalized weights make it fall like 1/√s, and hence these counts. The gap to
    Σφ_i = v(all) − v(none) is then shared equally, a projection: it adds no bias and never adds error.

    Args:
        utility, n, budget, rng: as in `permutation_shapley`; the least budget grows like 2n ln n.

    Returns:
        The estimate; standard errors from the spread within sizes, the gain of the projection not counted.

    Raises:
        InvalidInput: fewer than 2 clients, no generator, or a budget that is not whole or too small for one mean a size
            and client.
        UtilityError: a coalition's utility failed or is not finite.

    >>> game = lambda rows: rows.sum(axis=1) ** 2.0
    >>> svarm_shapley(game, 6, budget=60, rng=np.random.default_rng(0)).values.round(9).tolist()
    [6.0, 6.0, 6.0, 6.0, 6.0, 6.0]
    """
    n = (meter := Meter(utility, n, budget, rng)).n
    sizes = np.arange(n // 2 + 1)
    cover = -(-n // np.maximum(sizes, 1))  # windows that hold every client
    counts, enumerated = _plan(meter, cover)
    strata = _Strata(n)
    for rows in (_enumerate_sizes(n, enumerated), _draw_covers(n, counts, rng)):
        strata.add(rows, meter(rows))
    sampled = np.isin(np.arange(n + 1), [side for s in np.flatnonzero(counts) for side in (s, n - s)])
    whole = meter.everyone - meter.none
    values = strata.shapley() + whole / n
    return Estimate(values + (whole - values.sum()) / n, strata.errors(sampled), meter.spent)


def regression_shapley(utility: Utility, n: int, *, budget: int, rng: np.random.Generator) -> Estimate:
    """KernelSHAP (Lundberg and Lee 2017) with paired samples (Covert and Lee 2021): the best additive fit is Shapley.

    φ = argmin Σ_S k(|S|) [v(S) − v(none) − Σ_{i∈S} φ_i]²  subject to Σφ_i = v(all) − v(none),
    k(s) = (n − 1) / (C(n, s)·s·(n − s))

    Sizes are enumerated from the outside in while their share of the budget pays for all their coalitions; the other
    sizes are sampled in number ∝ 1/(s(n − s)), every coalition together with its complement.

    Bias: O(1/budget), that of a ratio of sample means; none for additive games, which are fitted without error, and
    none once every size is enumerated.

    Args:
        utility, n, budget, rng: as in `permutation_shapley`; at least 3n + 2 coalitions always do.

    Returns:
        The estimate; standard errors are the sandwich of the sampled pairs, an approximation for large budgets.

    Raises:
        InvalidInput: fewer than 2 clients, no generator, or a budget that is not whole or too small for one pair a
            size.
        UtilityError: a coalition's utility failed or is not finite.

    >>> game = lambda rows: rows @ np.arange(8.0)
    >>> regression_shapley(game, 8, budget=40, rng=np.random.default_rng(0)).values.round(9).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """
    n = (meter := Meter(utility, n, budget, rng)).n
    one_pair = np.where(2 * np.arange(n // 2 + 1) == n, 2, 1)
    counts, enumerated = _plan(meter, one_pair)
    exact, pairs = _enumerate_sizes(n, enumerated), _draw_pairs(n, counts, rng)
    fit = _KernelFit(n, meter.none, meter.everyone)
    fit.add_exact(exact, meter(exact))
    values, errors = fit.solve(pairs, meter(np.stack([pairs, ~pairs], axis=1)))
    return Estimate(values, errors, meter.spent)


# ---------------------------------------------------------------- which sizes


def _plan(meter: Meter, least: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]]:
    """Share out what is left of the budget over sizes 1 … n // 2 ∝ 1/(s(n − s)), at least `least` each.

    Args:
        meter: says n and the budget left.
        least: (n // 2 + 1,) coalitions of size s needed, and as many of size n − s.

    Returns:
        How many coalitions of size s to draw, and as many of size n − s, (n // 2 + 1,); and the sizes of which all
        coalitions, and their complements, are taken. A size whose share is no less than its number of coalitions is
        enumerated, and what it leaves over goes to the others, which may then be enumerated in turn; sizes 1 and n − 1
        always are.
    """
    n, left, sizes = meter.n, meter.left, np.arange(meter.n // 2 + 1)
    density = 1.0 / np.maximum(sizes * (n - sizes), 1)
    open_sizes, enumerated = list(range(1, n // 2 + 1)), [1]
    while enumerated and open_sizes:
        price = {s: _sides(n, s) * comb(n, s) for s in open_sizes}
        share = {s: left * density[s] / density[open_sizes].sum() for s in open_sizes}
        enumerated = [s for s in open_sizes if s == 1 or max(share[s], _sides(n, s) * least[s]) >= price[s]]
        left -= sum(price[s] for s in enumerated)
        open_sizes = [s for s in open_sizes if s not in enumerated]
    spare = left - sum(_sides(n, s) * int(least[s]) for s in open_sizes)
    meter.require(meter.left - spare)
    counts = np.zeros(len(sizes), dtype=np.int64)
    for s in open_sizes:
        counts[s] = least[s] + int(spare * density[s] / density[open_sizes].sum() / _sides(n, s))
    return counts, [s for s in range(1, n // 2 + 1) if s not in open_sizes]


def _sides(n: int, size: int) -> int:
    """Sizes s and n − s are two, unless they are one."""
    return 1 if 2 * size == n else 2


def _enumerate_sizes(n: int, sizes: list[int]) -> Coalitions:
    """All coalitions of the given sizes and their complements, each once."""
    blocks = [np.empty((0, n), dtype=np.bool_)]
    for size in sizes:
        members = np.array(list(combinations(range(n), size)))
        rows = np.zeros((len(members), n), dtype=np.bool_)
        np.put_along_axis(rows, members, True, axis=1)
        blocks += [rows, ~rows][: _sides(n, size)]
    return np.concatenate(blocks)


# ---------------------------------------------------------------- SVARM


class _Strata:
    """Values grouped by coalition size, separately for each client inside and outside: index (inside, size, client)."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.count, self.total, self.square = (np.zeros((2, n + 1, n)) for _ in range(3))

    def add(self, rows: Coalitions, values: Values) -> None:
        sizes = rows.sum(axis=1)
        for size in np.unique(sizes):
            chosen = sizes == size
            for inside, members in ((1, rows[chosen].astype(np.float64)), (0, (~rows[chosen]).astype(np.float64))):
                self.count[inside, size] += members.sum(axis=0)
                self.total[inside, size] += values[chosen] @ members
                self.square[inside, size] += values[chosen] ** 2 @ members

    def shapley(self) -> Array:
        """(1/n) [Σ_{s=1…n} mean with the client − Σ_{s=0…n−1} mean without it]."""
        means = divide_or_zero(self.total, self.count)
        return (means[1].sum(axis=0) - means[0].sum(axis=0)) / self.n

    def errors(self, sampled: NDArray[np.bool_]) -> Array:
        """Standard errors of `shapley`; sizes not in `sampled` are known exactly."""
        count, spread = self.count, self.square - self.total**2 / np.maximum(self.count, 1)
        pooled = spread.sum(axis=2) / np.maximum((count - 1).clip(0).sum(axis=2), 1)  # for strata seen only once
        variance = np.where(count > 1, spread / np.maximum(count - 1, 1), pooled[:, :, None]).clip(0)
        of_means = divide_or_zero(variance, count)
        return np.sqrt(of_means[:, sampled].sum(axis=(0, 1))) / self.n


def _cover(n: int, size: int, rng: np.random.Generator) -> Coalitions:
    """The fewest coalitions of one size that hold every client: consecutive windows of a random order, wrapping round.

    Each is uniform among the coalitions of its size.
    """
    windows = -(-n // size)
    places = (np.arange(windows)[:, None] * size + np.arange(size)) % n
    rows = np.zeros((windows, n), dtype=np.bool_)
    np.put_along_axis(rows, rng.permutation(n)[places], True, axis=1)
    return rows


def _draw_covers(n: int, counts: NDArray[np.int64], rng: np.random.Generator) -> Coalitions:
    """The sampled sizes' coalitions, a cover of each stratum among them."""
    drawn = [np.empty((0, n), dtype=np.bool_)]
    for size in map(int, np.flatnonzero(counts)):
        # complements of a cover have size n − s and leave every client out at least once
        for complement in (False, True)[: _sides(n, size)]:
            first = _cover(n, size, rng)
            rest = take_prefixes(draw_orders(int(counts[size]) - len(first), n, rng), size)
            drawn.append(np.concatenate([first, rest]) ^ complement)
    return np.concatenate(drawn)


# ---------------------------------------------------------------- regression


def _draw_pairs(n: int, counts: NDArray[np.int64], rng: np.random.Generator) -> Coalitions:
    """First members of complementary pairs."""
    drawn = [np.empty((0, n), dtype=np.bool_)]
    for size in map(int, np.flatnonzero(counts)):
        count = int(counts[size]) * _sides(n, size) // 2  # at n / 2 a pair is two coalitions of the one size
        drawn.append(take_prefixes(draw_orders(count, n, rng), size))
    return np.concatenate(drawn)


class _KernelFit:
    """Weighted least squares on coalitions, the constraint Σφ_i = v(all) − v(none) eliminated.

    With x = 1_S − |S|/n and y = v(S) − v(none) − |S|·[v(all) − v(none)]/n it is φ_i = [v(all) − v(none)]/n + β_i,
    β = A⁻¹ Σ k x y, A = Σ k x xᵀ. All x, and so β, are orthogonal to (1, …, 1), which is added to A to invert it.
    """

    def __init__(self, n: int, none: float, everyone: float) -> None:
        self.n, self.none, self.share = n, none, (everyone - none) / n
        self.gram, self.moment = np.zeros((n, n)), np.zeros(n)  # of the enumerated coalitions

    def _center(self, rows: Coalitions, values: Values) -> tuple[Array, Array, Array]:
        sizes = rows.sum(axis=1)
        return rows - sizes[:, None] / self.n, values - self.none - sizes * self.share, sizes

    def add_exact(self, rows: Coalitions, values: Values) -> None:
        """Coalitions of enumerated sizes, with the kernel's own weights."""
        x, y, sizes = self._center(rows, values)
        weights = np.array([(self.n - 1) / (comb(self.n, int(s)) * s * (self.n - s)) for s in sizes])
        self.gram += (x * weights[:, None]).T @ x
        self.moment += (weights * y) @ x

    def solve(self, pairs: Coalitions, values: Values) -> tuple[Array, Array]:
        """Values and their standard errors, with the sampled pairs (m, n) and the `values` (m, 2) of both of a pair."""
        x, y, sizes = self._center(pairs, values[:, 0])
        y = y - self._center(~pairs, values[:, 1])[1]  # the complement's x is −x
        drawn = np.bincount(sizes, minlength=self.n + 1)[sizes]
        # the mass of sizes s and n − s, 2(n − 1)/(s(n − s)), shared by the pairs; half of it if they are one size
        mass = np.where(2 * sizes == self.n, 1.0, 2.0) * (self.n - 1) / (sizes * (self.n - sizes))
        weights = mass / drawn / 2
        gram = self.gram + 2 * (x * weights[:, None]).T @ x
        inverse = np.linalg.inv(gram + np.full((self.n, self.n), np.trace(gram) / self.n**2))
        beta = inverse @ (self.moment + (weights * y) @ x)
        pulls = (x * (weights * (y - 2 * x @ beta))[:, None]) @ inverse  # (pairs, n)
        return self.share + beta, np.sqrt((pulls**2).sum(axis=0))
