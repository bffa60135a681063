"""Shapley values of the clients of a round: φ_i = Σ_{S∌i} |S|!(n−|S|−1)!/n! · [v(S ∪ {i}) − v(S)].

Exact from the utilities of all 2^n coalitions. `utility` says what a coalition
is worth; `by_order` and `by_size` estimate when 2^n is too many.

Shapley's axioms fix these values (Shapley 1953): they sum to v(all) − v(none) (efficiency), equal clients get equal
values (symmetry), a client that never changes anything gets 0 (dummy), and the values of v + u are those of v plus
those of u (additivity).
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcfl_support.checks import check_whole, to_floats
from bcfl_support.errors import InvalidInput
from bcfl_support.shapley.coalitions import Utility, check_exact, check_values, evaluate

Array = NDArray[np.float64]


def exact_shapley(values: ArrayLike) -> Array:
    """Shapley values from the utilities of all 2^n coalitions.

    φ_i = Σ_{S∌i} [v(S ∪ {i}) − v(S)] / (n·C(n − 1, |S|))   (Shapley 1953)

    Args:
        values: (2^n,) float; ``values[k]`` is the utility of the coalition with bit mask k.

    Returns:
        (n,) float64, in the utility's unit; their sum is v(all) − v(none).

    Raises:
        InvalidInput: not 2^n values, or n > 24.
        UtilityError: a value is not finite; the message names the coalition.

    >>> exact_shapley([0, 0, 0, 1, 0, 1, 0, 1]).round(4).tolist()  # gloves: client 0 has the only left one
    [0.6667, 0.1667, 0.1667]
    """
    table = to_floats("values", values)
    n = table.size.bit_length() - 1
    if table.ndim != 1 or n < 1 or table.size != 1 << n:
        raise InvalidInput(f"values has shape {table.shape}; give one utility for each of the 2^n coalitions, n ≥ 1")
    check_exact(n)
    check_values(table)
    choices = np.array([comb(n - 1, size) for size in range(n)])
    # Deleting bit i numbers the coalitions without client i 0 … 2^(n−1) − 1, so one weight table serves all clients.
    weights = (1.0 / (n * choices))[np.bitwise_count(np.arange(1 << (n - 1), dtype=np.uint32))]
    scores = np.empty(n)
    for i in range(n):
        pairs = table.reshape(-1, 2, 1 << i)  # (bits above i, client i absent | present, bits below i)
        scores[i] = weights @ (pairs[:, 1] - pairs[:, 0]).reshape(-1)
    return scores


def leave_one_out(utility: Utility, n: int) -> Array:
    """v(all) − v(all but i): what is lost without client i. n + 1 evaluations, and 0 for each of two twins.

    Args:
        utility: boolean (m, n) → float (m,).
        n: number of clients.

    Returns:
        (n,) float64, in the utility's unit.

    Raises:
        InvalidInput: n is not whole or below 1.
        UtilityError: a coalition's utility failed or is not finite.

    >>> gloves = lambda rows: (rows[:, 0] & (rows[:, 1] | rows[:, 2])).astype(float)
    >>> leave_one_out(gloves, 3).tolist()
    [1.0, 0.0, 0.0]
    """
    n = check_whole("n", n, 1)
    values = evaluate(utility, np.concatenate([~np.eye(n, dtype=np.bool_), np.ones((1, n), dtype=np.bool_)]))
    return values[-1] - values[:-1]


# ---------------------------------------------------------------- without coalitions


def mean_game_threshold(n: int) -> float:
    """c/(1 + c): a client whose x_i is a smaller share of the mean x̄ > 0 has a negative value in the mean game.

    That game is v(S) = mean of x over S, v(none) = 0: a linear utility, equal counts, re-normalized weights. There

        φ_i = (1/n)[x_i + c(x_i − x̄)],  c = (H_n − 1)·n/(n − 1),  H_n = 1 + 1/2 + … + 1/n

    Joining as number s moves the mean by (x_i − mean so far)/s; averaged over orders that is x_i/n from s = 1 and
    (x_i − x̄)·[n/(n − 1)]·Σ_{s≥2} 1/(s n) from the rest.

    Args:
        n: number of clients, at least 2.

    Returns:
        The share, 0.5 at n = 2 and growing toward 1.

    Raises:
        InvalidInput: fewer than 2 clients.

    >>> round(mean_game_threshold(10), 3)
    0.682
    """
    n = check_whole("n", n, 2, why="a client is compared with others")
    c = (sum(1 / k for k in range(2, n + 1))) * n / (n - 1)
    return c / (1 + c)
