"""Shapley values of the clients of a round: φ_i = Σ_{S∌i} |S|!(n−|S|−1)!/n! · [v(S ∪ {i}) − v(S)].

Exact from the utilities of all 2^n coalitions, in closed form for linear games, as a path integral for fixed weights.
What a coalition's utility is says `round_utility`; what to do when 2^n is too many, the estimators. Both are offered
here too, so that one import serves:

>>> game = additive_game([1.0, 2.0, 4.0])
>>> exact_shapley(compute_all_values(game, 3)).tolist()
[1.0, 2.0, 4.0]

Shapley's axioms fix these values (Shapley 1953): they sum to v(all) − v(none) (efficiency), equal clients get equal
values (symmetry), a client that never changes anything gets 0 (dummy), and the values of v + u are those of v plus
those of u (additivity).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcfl_support.learning import check_round
from bcfl_support.shapley.by_order import (
    Estimate,
    gtg_shapley,
    monte_carlo_banzhaf,
    permutation_shapley,
    stratified_shapley,
    truncated_shapley,
)
from bcfl_support.shapley.by_size import regression_shapley, svarm_shapley
from bcfl_support.shapley.coalitions import (
    Coalitions,
    Utility,
    Values,
    check_exact,
    check_finite,
    coalition_masks,
    coalition_matrix,
    coalition_members,
    compute_all_values,
    evaluate,
)
from bcfl_support.shapley.utility import RoundUtility, coalition_weights, round_utility

__all__ = [
    "Estimate",
    "RoundUtility",
    "additive_game",
    "coalition_masks",
    "coalition_matrix",
    "coalition_members",
    "coalition_weights",
    "compute_all_values",
    "cosine_game",
    "evaluate",
    "exact_banzhaf",
    "exact_shapley",
    "gtg_shapley",
    "leave_one_out",
    "mean_game_shapley",
    "mean_game_threshold",
    "monte_carlo_banzhaf",
    "permutation_shapley",
    "regression_shapley",
    "round_utility",
    "stratified_shapley",
    "svarm_shapley",
    "truncated_shapley",
]

Array = NDArray[np.float64]


# ---------------------------------------------------------------- exact


def _check_table(values: ArrayLike) -> tuple[Array, int]:
    table = np.asarray(values, dtype=np.float64)
    n = table.size.bit_length() - 1
    if table.ndim != 1 or n < 1 or table.size != 1 << n:
        raise ValueError(f"values has shape {table.shape}; give one utility for each of the 2^n coalitions, n ≥ 1")
    check_exact(n)
    check_finite(table)
    return table, n


def _semivalue(table: Array, n: int, weight_by_size: Array) -> Array:
    """Σ_{S∌i} weight[|S|]·[v(S ∪ {i}) − v(S)] for every client i."""
    # Deleting bit i numbers the coalitions without client i 0 … 2^(n−1) − 1, so one weight table serves all clients.
    weights = weight_by_size[np.bitwise_count(np.arange(1 << (n - 1), dtype=np.uint32))]
    scores = np.empty(n)
    for i in range(n):
        pairs = table.reshape(-1, 2, 1 << i)  # (bits above i, client i absent | present, bits below i)
        scores[i] = weights @ (pairs[:, 1] - pairs[:, 0]).reshape(-1)
    return scores


def exact_shapley(values: ArrayLike) -> Array:
    """Shapley values from the utilities of all 2^n coalitions.

    φ_i = Σ_{S∌i} [v(S ∪ {i}) − v(S)] / (n·C(n − 1, |S|))   (Shapley 1953)

    Args:
        values: (2^n,) float; ``values[k]`` is the utility of the coalition with bit mask k.

    Returns:
        (n,) float64, in the utility's unit; their sum is v(all) − v(none).

    Raises:
        ValueError: not 2^n values, or n > 24.
        UtilityError: a value is not finite; the message names the coalition.

    >>> exact_shapley([0, 0, 0, 1, 0, 1, 0, 1]).round(4).tolist()  # gloves: client 0 has the only left one
    [0.6667, 0.1667, 0.1667]
    """
    table, n = _check_table(values)
    choices = np.ones(n)  # C(n − 1, s), exact below 2^53
    for size in range(1, n):
        choices[size] = choices[size - 1] * (n - size) / size
    return _semivalue(table, n, 1.0 / (n * choices))


def exact_banzhaf(values: ArrayLike) -> Array:
    """Banzhaf values β_i = 2^{1−n} Σ_{S∌i} [v(S ∪ {i}) − v(S)] from the utilities of all 2^n coalitions.

    All coalitions weigh the same (Banzhaf 1965; for data, Wang and Jia 2023), so a noisy utility disturbs the ranking
    less; in exchange the values need not sum to v(all) − v(none).

    Args:
        values: (2^n,) float; ``values[k]`` is the utility of the coalition with bit mask k.

    Returns:
        (n,) float64, in the utility's unit.

    Raises:
        As `exact_shapley`.

    >>> exact_banzhaf([0, 0, 0, 1, 0, 1, 0, 1]).tolist()
    [0.75, 0.25, 0.25]
    """
    table, n = _check_table(values)
    return _semivalue(table, n, np.full(n, 2.0 ** (1 - n)))


def leave_one_out(utility: Utility, n: int) -> Array:
    """v(all) − v(all but i): what is lost without client i. n + 1 evaluations, and 0 for each of two twins.

    Args:
        utility: boolean (m, n) → float (m,).
        n: number of clients.

    Returns:
        (n,) float64, in the utility's unit.

    >>> gloves = lambda rows: (rows[:, 0] & (rows[:, 1] | rows[:, 2])).astype(float)
    >>> leave_one_out(gloves, 3).tolist()
    [1.0, 0.0, 0.0]
    """
    rows = np.concatenate([~np.eye(n, dtype=np.bool_), np.ones((1, n), dtype=np.bool_)])
    values = evaluate(utility, rows)
    return values[-1] - values[:-1]


# ---------------------------------------------------------------- without coalitions


def mean_game_shapley(x: ArrayLike) -> Array:
    """Shapley values of v(S) = mean of x over S, v(none) = 0: a linear utility, equal counts, re-normalized weights.

    φ_i = (1/n)[x_i + c(x_i − x̄)],  c = (H_n − 1)·n/(n − 1),  H_n = 1 + 1/2 + … + 1/n

    Joining as number s moves the mean by (x_i − mean so far)/s; averaged over orders that is x_i/n from s = 1 and
    (x_i − x̄)·[n/(n − 1)]·Σ_{s≥2} 1/(s n) from the rest.

    Args:
        x: (n,) float, each client's own utility.

    Returns:
        (n,) float64, in the unit of x; they sum to x̄.

    >>> mean_game_shapley([0.0, 3.0]).tolist()  # v = 0, 0, 3, 1.5: client 0 only dilutes
    [-0.75, 2.25]
    """
    own = np.asarray(x, dtype=np.float64)
    if own.ndim != 1 or not own.size:
        raise ValueError(f"x has shape {own.shape}; give one number for each client")
    scores: Array = (own + _dilution(own.size) * (own - own.mean())) / own.size
    return scores


def mean_game_threshold(n: int) -> float:
    """c/(1 + c): a client whose x_i is a smaller share of the mean x̄ > 0 has a negative value in the mean game.

    Args:
        n: number of clients, at least 2.

    Returns:
        The share, 0.5 at n = 2 and growing towards 1.

    >>> round(mean_game_threshold(10), 3)
    0.682
    """
    if n < 2:
        raise ValueError(f"n = {n}; a client is compared with others: give at least 2")
    return _dilution(n) / (1 + _dilution(n))


def _dilution(n: int) -> float:
    return (sum(1 / k for k in range(2, n + 1))) * n / (n - 1) if n > 1 else 0.0


# ---------------------------------------------------------------- games


def additive_game(x: ArrayLike) -> Utility:
    """v(S) = Σ_{i∈S} x_i, the game whose Shapley, Banzhaf and leave-one-out values are all x.

    With x_i = p_i ⟨g_i, g⟩ it is the game of the alignment score: v(S) = ⟨Σ_{i∈S} p_i g_i, g⟩.

    >>> additive_game([1.0, 10.0])(coalition_matrix(2)).tolist()
    [0.0, 1.0, 10.0, 11.0]
    """
    own = np.asarray(x, dtype=np.float64)

    def utility(coalitions: Coalitions) -> Values:
        return coalitions @ own

    return utility


def cosine_game(updates: Any, samples: Any) -> Utility:
    """v(S) = cos(Σ_{i∈S} p_i g_i, g), the game of CGSV (Xu et al. 2021); 0 where a vector is zero.

    Only inner products enter, so the (n, n) matrix of p_i p_j ⟨g_i, g_j⟩ stands for the updates whatever their length.

    Args:
        updates: (n, P) float64.
        samples: (n,) int, sample counts; equal ones give CGSV's plain sums.

    Returns:
        A utility with values in [−1, 1].

    >>> game = cosine_game([[3.0, 0.0], [0.0, 4.0]], [1, 1])
    >>> game(coalition_matrix(2)).round(9).tolist()
    [0.0, 0.6, 0.8, 1.0]
    """
    rows, weights = check_round(updates, samples)
    weighted = weights[:, None] * rows
    gram = weighted @ weighted.T
    with_all = gram.sum(axis=1)

    def utility(coalitions: Coalitions) -> Values:
        present = coalitions.astype(np.float64)
        squared = np.einsum("mi,mi->m", present @ gram, present) * with_all.sum()
        # rounding may leave a zero vector a squared length a little below 0
        length = np.sqrt(squared.clip(0))
        cosines: Values = np.divide(present @ with_all, length, out=np.zeros(len(present)), where=length > 0)
        return cosines

    return utility
