"""Attacks of several who agree, or of one who is several; and how many it takes before lying pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from bcfl_support.adversaries.attacks import FAR, mimic
from bcfl_support.adversaries.insight import ATTACKS
from bcfl_support.checks import check_list, check_range, check_whole, to_floats
from bcfl_support.errors import InvalidInput
from bcfl_support.learning import check_round, check_updates, rescale


def collude(direction: Any, *, norm: Any) -> np.ndarray:
    """Collusion: all attackers send one agreed direction, which has nothing to do with any data.

    Each is paid for agreeing with the others. See `compute_collusion_share` for how much.

    Args:
        direction: the agreed direction, shape (…, P), float64, not zero.
        norm: length to send, a number or (…), not negative.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: a negative norm, or a direction that is no vector of finite numbers.

    >>> collude([0.0, 2.0], norm=5.0).tolist()
    [0.0, 5.0]
    """
    return rescale(direction, norm, "direction")


def sybil(updates: Any, samples: Any) -> np.ndarray:
    """Sybil: one actor under m names sends the weighted mean of its updates under each (arXiv 1808.04866).

    Under FedAvg the global update is the same, and so is the sum of S_i: splitting is neutral. A rule that counts
    heads, or that leaves out a client's own part only, is not.

    Args:
        updates: the updates its m names would have sent, shape (…, m, P), float64.
        samples: their sample counts, shape (m,).

    Returns:
        What each name sends, shape (…, m, P).

    Raises:
        InvalidUpdate: updates and counts do not fit together.

    >>> sybil([[1.0, 0.0], [0.0, 4.0]], [1, 3]).tolist()
    [[0.25, 3.0], [0.25, 3.0]]
    """
    rows, weights = check_round(updates, samples)
    return np.broadcast_to((weights[..., None] * rows).sum(axis=-2, keepdims=True), rows.shape).copy()


def inflate_samples(samples: Any, *, clients: Sequence[int], factor: int) -> np.ndarray:
    """Inflate n_i: declare `factor` times the samples one has. The count enters weight and score.

    Args:
        samples: true counts, shape (n,), positive integers.
        clients: who lies, numbers 0 to n − 1.
        factor: whole number, at least 1.

    Returns:
        Declared counts, shape (n,), int64.

    Raises:
        InvalidInput: a count or a factor below 1 or not whole, a client that is not there, or a declared count that
            int64 does not hold.

    >>> inflate_samples([10, 20], clients=[1], factor=5).tolist()
    [10, 100]
    """
    given = check_range("samples", check_list("samples", samples), 1, many=True, whole=True)
    counts = given.astype(object)  # Python's integers do not overflow
    lying = check_range("clients", clients, 0, len(counts) - 1, many=True, whole=True).astype(int)
    counts[lying] *= check_whole("factor", factor, 1)
    return check_range("samples times factor", counts, 1, 2**63 - 1, many=True, whole=True).astype(np.int64)


def badmouth(honest: Any, *, victim: int, norm: Any) -> np.ndarray:
    """Badmouthing: push against one competitor, −g_victim at length `norm` (aim described in arXiv 2509.19921).

    It lowers ⟨g_victim, g⟩, hence the victim's score, and leaves the rest of the pay to the others.

    Args:
        honest: honest updates, shape (…, h, P), float64.
        victim: number of the competitor among them.
        norm: length to send, a number or (…), not negative.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: honest has another shape, no client of that number, or a negative norm.

    >>> badmouth([[3.0, 4.0], [1.0, 0.0]], victim=0, norm=10.0).tolist()
    [-6.0, -8.0]
    """
    return -rescale(mimic(honest, target=victim), norm)


def search_best(
    candidates: Sequence[np.ndarray], scales: Sequence[float], payoff: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adaptive attacker: the candidate direction and scale that pay best, by trying them all.

        argmax over directions d and scales c of payoff(c d)

    The attacker knows the score, since it is public in a contract, and all updates of the round, which a commit-reveal
    scheme would hide. It looks no further than its candidates: what it finds is no bound on what can be found.

    Args:
        candidates: directions, each (…, P) or (…, m, P), all of one shape.
        scales: factors c to try for each.
        payoff: what the attackers would get for sending an array of that shape; one number a batch entry, shape (…),
            −∞ for what must not be sent.

    Returns:
        (best array, its payoff (…), its number (…)), chosen for each batch entry on its own; ties go to the earlier
        one. All scales of a candidate come before the next candidate; the number is −1 where every payoff is −∞, and
        the first array stands there.

    Raises:
        InvalidInput: nothing to try, or a payoff that is NaN.

    >>> two = [np.array([1.0]), np.array([-2.0])]
    >>> best, paid, number = search_best(two, [1.0, 3.0], lambda v: -((v[..., 0] + 5.0) ** 2))
    >>> best.tolist(), float(paid), int(number)
    ([-6.0], -1.0, 3)
    """
    directions, factors = to_floats("candidates", check_list("candidates", candidates)), to_floats("scales", scales)
    if not len(directions) or factors.ndim != 1 or not len(factors):
        shapes = f"candidates of shape {directions.shape} and scales of shape {factors.shape}"
        raise InvalidInput(f"{shapes}: give one shape to all candidates, a number to each scale, and one of each.")
    best, paid, number = factors[0] * directions[0], np.asarray(-np.inf), np.asarray(-1)
    for place, (direction, factor) in enumerate(product(directions, factors)):
        sent = factor * direction
        value = to_floats("payoff", payoff(sent))
        if np.isnan(value).any():
            raise InvalidInput(f"payoff gave {value} at scale {factor}: give a number, -inf for what must not be sent.")
        better = value > paid
        best = np.where(better.reshape(better.shape + (1,) * (sent.ndim - better.ndim)), sent, best)
        paid, number = np.where(better, value, paid), np.where(better, place, number)
    return best, paid, number


def compute_kappa(honest: Any, *, norm: Any) -> np.ndarray:
    """How much honest clients agree: κ = ‖mean honest update‖² / ℓ², ℓ the length everybody is clipped to.

    1 when all send the same vector of length ℓ, about 1/h when they are unrelated.

    Args:
        honest: honest updates (after clipping), shape (…, h, P), float64.
        norm: ℓ, a number or (…), positive.

    Returns:
        κ, shape (…), float64.

    Raises:
        InvalidInput: honest has another shape or an entry that is not finite, or ℓ is not positive.

    >>> float(compute_kappa([[1.0, 0.0], [0.0, 1.0]], norm=1.0))
    0.5
    """
    mean = check_updates(honest, "honest", largest=FAR).mean(axis=-2)
    return (mean**2).sum(axis=-1) / check_range("norm", norm, 0, above=True, many=True) ** 2


def compute_collusion_share(q: Any, kappa: Any) -> np.ndarray:
    """Share of the reward taken by a fraction q that sends one common vector of length ℓ, unrelated to the honest ones.

    With equal weights g = q ℓ u + (1 − q) μ and ⟨u, μ⟩ = 0. The colluders' scores sum to q ℓ ⟨u, g⟩ = q² ℓ², the
    honest ones to (1 − q) ⟨μ, g⟩ = (1 − q)² ‖μ‖²; with κ = ‖μ‖² / ℓ² their share is

        q² / (q² + (1 − q)² κ).

    Exact when no honest score is negative (negative ones are paid 0, which this sum does not know).

    Args:
        q: fraction of colluders, in [0, 1].
        kappa: see `compute_kappa`, positive.

    Returns:
        Shares in [0, 1], float64, as q and kappa broadcast.

    Raises:
        InvalidInput: q or κ out of range.

    >>> float(compute_collusion_share(0.5, 0.25))
    0.8
    """
    share, agreement = check_range("q", q, 0, 1, many=True), check_range("kappa", kappa, 0, many=True, above=True)
    return share**2 / (share**2 + (1 - share) ** 2 * agreement)


def compute_break_even(kappa: Any) -> np.ndarray:
    """The fraction from which collusion pays more than its head count: q* = κ / (1 + κ).

    q² / (q² + (1 − q)² κ) > q  is  q (1 − q) > (1 − q)² κ,  is  q > κ / (1 + κ).

    Args:
        kappa: see `compute_kappa`, positive, any shape.

    Returns:
        q*, the shape of `kappa`, float64.

    Raises:
        InvalidInput: kappa is not positive.

    >>> float(compute_break_even(0.25))
    0.2
    """
    agreement = check_range("kappa", kappa, 0, many=True, above=True)
    return agreement / (1 + agreement)


# ---------------------------------------------------------------- by name

ATTACKS |= {
    "sybil": lambda k: sybil(k.own, k.samples),
    "collude": lambda k: k.each(collude(np.broadcast_to(k.agreed, k.previous.shape), norm=k.typical)),
    "collude_x5": lambda k: k.each(collude(np.broadcast_to(k.agreed, k.previous.shape), norm=5.0 * k.typical)),
    "badmouth": lambda k: k.each(badmouth(k.honest, victim=k.victim, norm=k.typical)),
}
