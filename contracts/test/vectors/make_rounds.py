"""Rounds with their exact outcome: `rounds.json` checks the contract (forge) and the package (pytest) alike.

    g_j = trunc(sum_i w_i v_ij / W)        S_i = trunc(w_i * sum_j v_ij g_j / W)        norm = sum_j g_j^2

with w_i = n_i and W = N. Where updates are clipped, w_i = n_i * floor(10^9 * min(1, R / |v_i|)) and W = 10^9 * N, where
lengths are rounded down and R is the median length by samples.

Computed with `fractions.Fraction`, which has no rounding and no width; `int` of a fraction cuts toward zero, as the
EVM's signed division does. Integers are written as decimal strings, since most JSON readers stop at 2^53.

    python contracts/test/vectors/make_rounds.py
"""

from __future__ import annotations

import json
import random
from fractions import Fraction
from math import isqrt
from pathlib import Path

BOUND = 2**44
"""The largest bound the contract accepts."""


def compute_round(samples: list[int], updates: list[list[int]], clipped: bool = False) -> dict[str, list[int]]:
    """The outcome of one round, in exact arithmetic.

    Args:
        samples: n_i, shape (n,).
        updates: v_ij, shape (n, P), at scale 10^9.
        clipped: whether the federation clips.

    Returns:
        `global` (P entries at scale 10^9), `scores` (n entries at scale 10^18) and `norm_squared` (one such entry).

    >>> compute_round([100, 50], [[5, -2], [-1, 7]])
    {'global': [3, 1], 'scores': [8, 1], 'norm_squared': [10]}
    >>> compute_round([2, 1], [[3, 4], [30, 40]], clipped=True)
    {'global': [3, 4], 'scores': [16, 8], 'norm_squared': [25]}
    """
    total = sum(samples)
    weights = [Fraction(n, total) for n in samples]
    if clipped:
        lengths = [isqrt(sum(x * x for x in v)) for v in updates]
        order = sorted(zip(lengths, samples, strict=True))
        radius = next(length for k, (length, _) in enumerate(order) if 2 * sum(n for _, n in order[: k + 1]) >= total)
        factors = [min(10**9, radius * 10**9 // length) for length in lengths]
        weights = [w * Fraction(f, 10**9) for w, f in zip(weights, factors, strict=True)]
    mean = [int(sum(w * v[j] for w, v in zip(weights, updates, strict=True))) for j in range(len(updates[0]))]
    scores = [int(w * sum(x * g for x, g in zip(v, mean, strict=True))) for w, v in zip(weights, updates, strict=True)]
    return {"global": mean, "scores": scores, "norm_squared": [sum(g * g for g in mean)]}


def make_cases() -> list[tuple[str, list[int], list[list[int]], bool]]:
    """Name, samples, updates of every case and whether they are clipped; all asymmetric, so that a permuted client
    changes the answer.
    """
    rng = random.Random(2502)

    def draw(clients: int, parameters: int, limit: int) -> list[list[int]]:
        return [[rng.randint(-limit, limit) for _ in range(parameters)] for _ in range(clients)]

    plain = [
        ("one client is its own average", [7], [[-3, 10**9, 5]]),
        ("sums that leave a rest, both signs", [100, 50, 7], [[5, -2, -1], [-1, 7, -1], [1, -1, -2]]),
        ("updates that cancel to zero", [3, 1], [[10**9, -(10**9)], [-3 * 10**9, 3 * 10**9]]),
        ("ten hospitals, 31 parameters", [rng.randint(20, 90) for _ in range(10)], draw(10, 31, 10**9)),
        ("one full slot", [1, 2, 3], draw(3, 4, 10**10)),
        ("one entry more than a slot", [9, 4], draw(2, 5, 10**10)),
        ("largest values, largest weights", [2**32 - 1, 2**32 - 1], [[BOUND] * 6, [BOUND] * 5 + [BOUND - 1]]),
        ("largest values, opposite signs", [2**32 - 1, 2**32 - 2], [[BOUND] * 6, [-BOUND] * 5 + [1 - BOUND]]),
        ("weights nine digits apart", [1, 2**32 - 1], draw(2, 7, BOUND)),
    ]
    cut = [
        ("one sample at the bound against honest ones", [20, 30, 25, 1], [*draw(3, 5, 10**9), [BOUND] * 5]),
        ("half of the samples at the median, exactly", [50, 30, 20], [[3, 4, 0], [30, 40, 0], [0, 0, 70]]),
        ("lengths nine digits apart", [5, 1, 9, 3], [[1, 0], [10**9, 5], [7, -3], [-BOUND, BOUND - 1]]),
        ("ten hospitals, 31 parameters, clipped", [rng.randint(20, 90) for _ in range(10)], draw(10, 31, 10**9)),
    ]
    return [(*case, False) for case in plain] + [(*case, True) for case in cut]


def main() -> None:
    """Write `rounds.json` beside this file."""
    cases = []
    for name, samples, updates, clipped in make_cases():
        flat = [value for update in updates for value in update]
        outcome = compute_round(samples, updates, clipped)
        numbers = {"samples": samples, "updates": flat, **outcome}
        cases.append(
            {"name": name, "clipped": clipped, **{key: [str(v) for v in values] for key, values in numbers.items()}}
        )
    path = Path(__file__).with_name("rounds.json")
    path.write_text(json.dumps({"count": len(cases), "cases": cases}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
