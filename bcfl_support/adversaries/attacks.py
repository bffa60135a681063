"""What dishonest clients send: attacks on the model and on the money, as functions of what the attackers know.

    sent = ATTACKS[name](insight)        an `Insight` into the round → what the attackers send, (…, P) or (…, m, P)

Two aims. *Gradient manipulation* (sign flip, ALIE, IPM, Min-Max, …) wants a worse model. *Reward gaming* (scale, copy,
mimic, …) wants money for little or no work; what several agree on, and the adaptive attacker, are in `collusion`.

Every function is pure. Leading axes are batches (seeds, runs): all of them are attacked in one call. Attackers are
assumed to know what is written in the arguments, which is often more than they would. What they do with it is no bound
on what can be done.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from bcfl_support.adversaries.insight import ATTACKS
from bcfl_support.checks import check_generator, check_range, check_whole
from bcfl_support.learning import check_updates, check_vectors, compute_square_distances, divide_or_zero, rescale

FAR = 1e75
"""Largest entry of the others' updates: of some, fourth powers are needed."""


def mirror_labels(labels: Any, *, n_classes: int) -> np.ndarray:
    """Label flip: train on C − 1 − y instead of y (Fang et al. 2020, arXiv 1911.11815, section 5.1).

    Args:
        labels: labels 0 … C−1, any shape, int.
        n_classes: C, at least 2.

    Returns:
        Flipped labels, same shape, int64.

    Raises:
        InvalidInput: fewer than two classes, or a label outside 0 … C−1.

    >>> mirror_labels([0, 3, 9], n_classes=10).tolist()
    [9, 6, 0]
    """
    n_classes = check_whole("n_classes", n_classes, 2, why="a label flips to another")
    return n_classes - 1 - check_range("labels", labels, 0, n_classes - 1, many=True, whole=True).astype(np.int64)


def flip_sign(updates: Any) -> np.ndarray:
    """Sign flip: send −g_i, the own update turned round.

    Args:
        updates: own updates, shape (…, P), float64.

    Raises:
        InvalidInput: no vector, or an entry that is text, NaN or infinite.

    >>> flip_sign([[1.0, -2.0]]).tolist()
    [[-1.0, 2.0]]
    """
    return -check_vectors(updates, "updates")


def draw_noise(like: Any, *, norm: Any, rng: np.random.Generator) -> np.ndarray:
    """Gaussian attack: a normal vector scaled to length `norm`, one for each row.

    A normal vector of variance σ² has length σ √P within 1 / √(2 P); fixing the length takes that
    chance out. Under S_i = p_i ⟨g_i, g⟩ it earns p_i² norm² on average: the share the client gives itself.

    Args:
        like: array (…, P) that gives the shape.
        norm: length, a number or an array that broadcasts to (…), not negative.
        rng: source of the directions.

    Returns:
        Noise, shape (…, P), float64.

    Raises:
        InvalidInput: a negative norm, or no generator.
    """
    check_generator(rng)
    noise = rng.standard_normal(np.shape(like))
    return noise / np.linalg.norm(noise, axis=-1, keepdims=True) * check_range("norm", norm, 0, many=True)[..., None]


def replace_model(target: Any, *, weight: float) -> np.ndarray:
    """Model replacement: the update after which the average is the attacker's target (arXiv 1807.00459, eq. 3).

    The average is p a + Σ_others p_j g_j; it equals the target t for a = (t − Σ_others p_j g_j) / p. Near
    convergence the others' sum is close to 0, and the attacker leaves it out: a = t / p.

    Args:
        target: the global update wanted, shape (…, P), float64.
        weight: p, the weight of all attackers together, in (0, 1].

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: weight outside (0, 1], or a target that is no vector of finite numbers.

    >>> replace_model([1.0, 2.0], weight=0.25).tolist()
    [4.0, 8.0]
    """
    share = check_range("weight", weight, 0, 1, above=True, why="it is the attackers' share of the samples")
    return check_vectors(target, "target") / share


def compute_alie_z(n_clients: int, n_attackers: int) -> float:
    """How many deviations ALIE dares: z = ppf((n − m − s) / (n − m)), s = ⌊n/2⌋ + 1 − m (arXiv 1902.06156).

    s honest clients must lie further out than the attackers for these to be in the majority's half.

    Args:
        n_clients: n, attackers included.
        n_attackers: m, at least 1, fewer than n / 2.

    Raises:
        InvalidInput: m out of range; with half the clients there is nothing left to hide from.

    >>> round(compute_alie_z(50, 12), 4)
    0.336
    """
    n_clients = check_whole("n_clients", n_clients, 3, why="one attacker of three is fewer than half")
    why = f"fewer than half of {n_clients}"
    n_attackers = check_whole("n_attackers", n_attackers, 1, (n_clients - 1) // 2, why=why)
    supporters = n_clients // 2 + 1 - n_attackers
    return NormalDist().inv_cdf((n_clients - n_attackers - supporters) / (n_clients - n_attackers))


def alie(honest: Any, *, z: float) -> np.ndarray:
    """A Little Is Enough: mean − z · deviation in every coordinate (Baruch et al. 2019, arXiv 1902.06156).

    With the z of `compute_alie_z` it lies among the honest updates, so distances give nothing away; always on the same
    side, so it adds up. With a large z it lies outside: of h values none is further than (h − 1) / √h deviations from
    their mean, and the furthest often less. The deviation is the sample one (ddof = 1).

    Args:
        honest: honest updates, shape (…, h, P), float64, h ≥ 2.
        z: deviations, see `compute_alie_z`; negative goes the other way.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: z is not finite, or fewer than two honest updates, as in `check_updates`.

    >>> alie([[1.0, 0.0], [3.0, 0.0]], z=1.0).round(4).tolist()
    [0.5858, 0.0]
    """
    rows = check_updates(honest, "honest", least=2, largest=FAR)
    return rows.mean(axis=-2) - check_range("z", z, -np.inf) * rows.std(axis=-2, ddof=1)


def ipm(honest: Any, *, tau: float) -> np.ndarray:
    """Inner-product manipulation: −τ · mean (Xie et al. 2019, arXiv 1903.03936).

    With share q of the weight the average becomes (1 − q − q τ) · mean: it turns against descent for
    τ > (1 − q) / q.

    Args:
        honest: honest updates, shape (…, h, P), float64.
        tau: positive.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: tau is not positive, or there are no honest updates.

    >>> ipm([[1.0, 0.0], [3.0, 2.0]], tau=2.0).tolist()
    [-4.0, -2.0]
    """
    return -check_range("tau", tau, 0, above=True) * check_updates(honest, "honest").mean(axis=-2)


def min_max(honest: Any) -> np.ndarray:
    """Min-Max: as far out as the two honest updates furthest apart (Shejwalkar and Houmansadr 2021, NDSS).

        mean + γ d,  d = −deviation,  largest γ with  max_i ‖mean + γ d − g_i‖ ≤ max_ij ‖g_i − g_j‖

    The deviation is the first of the authors' three directions. They search γ by halving; each condition is a quadratic
    inequality, so the smallest of the larger roots is the exact answer.

    Args:
        honest: honest updates, shape (…, h, P), float64, h ≥ 2.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: fewer than two honest updates, or an entry that is text, NaN, infinite or beyond 1e75.

    >>> min_max([[1.0], [3.0]]).round(6).tolist()
    [1.0]
    """
    rows = check_updates(honest, "honest", least=2, largest=FAR)
    mean, out = rows.mean(axis=-2), -rows.std(axis=-2, ddof=1)
    apart = mean[..., None, :] - rows  # (..., h, P)
    widest = compute_square_distances(rows).max(axis=(-2, -1))  # (…)
    a = (out**2).sum(axis=-1)[..., None]
    b = (apart * out[..., None, :]).sum(axis=-1)
    c = (apart**2).sum(axis=-1) - widest[..., None]  # ≤ 0: the mean lies inside
    return mean + _larger_root(a, b, c).min(axis=-1)[..., None] * out


def min_sum(honest: Any) -> np.ndarray:
    """Min-Sum: no larger sum of squared distances than the worst honest update has (Shejwalkar and Houmansadr 2021).

        mean + γ d,  largest γ with  Σ_i ‖mean + γ d − g_i‖² ≤ max_i Σ_j ‖g_i − g_j‖²

    Since Σ_i (mean − g_i) = 0 this is γ² h ‖d‖² ≤ max_i Σ_j ‖g_i − g_j‖² − Σ_i ‖mean − g_i‖².

    Args, Returns, Raises: as in `min_max`.

    >>> min_sum([[1.0], [3.0]]).round(6).tolist()
    [1.0]
    """
    rows = check_updates(honest, "honest", least=2, largest=FAR)
    mean, out = rows.mean(axis=-2), -rows.std(axis=-2, ddof=1)
    allowed = compute_square_distances(rows).sum(axis=-1).max(axis=-1)
    spread = ((mean[..., None, :] - rows) ** 2).sum(axis=(-2, -1))
    a = rows.shape[-2] * (out**2).sum(axis=-1)
    return mean + _larger_root(a, np.zeros_like(a), spread - allowed)[..., None] * out


def mimic(honest: Any, *, target: int | None = None) -> np.ndarray:
    """Mimic: all attackers copy one honest client, which is then over-represented (He et al. 2020, arXiv 2006.09365).

    Which one: the client furthest along the direction z in which honest updates differ most, i* = argmax_i |⟨z, g_i⟩|,
    z the first principal direction (here of this round alone).

    Args:
        honest: honest updates, shape (…, h, P), float64.
        target: number of the client to copy; None for i*.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: honest has another shape, or no client of that number.

    >>> mimic([[1.0, 0.0], [1.1, 0.0], [0.9, 5.0]]).tolist()
    [0.9, 5.0]
    """
    rows = check_updates(honest, "honest", largest=FAR)
    if target is not None:
        target = check_whole("target", target, 0, rows.shape[-2] - 1, why="it is an honest client")
        return rows[..., target, :].copy()
    centered = rows - rows.mean(axis=-2, keepdims=True)
    # the h × h Gram matrix has the same leading eigenvalue as the P × P covariance
    leading = np.linalg.eigh(centered @ centered.swapaxes(-1, -2))[1][..., -1]  # (…, h)
    z = (leading[..., None, :] @ centered)[..., 0, :]  # (…, P), not normalized: only the order counts
    best = np.abs((rows * z[..., None, :]).sum(axis=-1)).argmax(axis=-1)
    return np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]


def disguise(previous_step: Any, *, clients: int, round_number: int, rng: np.random.Generator) -> np.ndarray:
    """Disguised free-rider: noise that looks like training, w + σ ε / t (Fraboni et al. 2021, arXiv 2006.11901).

    σ is the deviation of the last global update's entries; the noise fades as training does (the authors' γ is 1).

    Args:
        previous_step: the last round's global update, shape (…, P), float64.
        clients: how many free-riders, m.
        round_number: t, from 1.
        rng: source of ε.

    Returns:
        One vector each, shape (…, m, P).

    Raises:
        InvalidInput: fewer than 0 clients, a round before the first, no generator, or a step that is no vector of
            finite numbers.
    """
    check_generator(rng)
    clients = check_whole("clients", clients, 0)
    round_number = check_whole("round_number", round_number, 1, why="rounds are counted from 1")
    step = check_vectors(previous_step, "previous_step")
    sigma = step.std(axis=-1)[..., None, None] * float(round_number) ** -1.0
    # one draw for all batches: what differs between two of them is not the noise
    return sigma * rng.standard_normal((clients, step.shape[-1]))


def replay(previous_step: Any, *, norm: Any) -> np.ndarray:
    """Copycat: send the last global update again, at the length honest updates have. No training, no data.

    Last round's average has less noise in it than any one client's update, so it is often better aligned with the
    next average than honest work is. In round 1, with nothing to copy, it is zero.

    Args:
        previous_step: the last round's global update, shape (…, P), float64.
        norm: length to send, a number or (…), not negative.

    Returns:
        The vector all attackers send, shape (…, P).

    Raises:
        InvalidInput: a negative norm, or a step that is no vector of finite numbers.

    >>> replay([3.0, 4.0], norm=10.0).tolist()
    [6.0, 8.0]
    """
    return rescale(previous_step, norm, "previous_step")


# ---------------------------------------------------------------- by name

ATTACKS |= {
    "honest": lambda k: k.own,
    "sign_flip": lambda k: flip_sign(k.own),
    "gaussian_x5": lambda k: (
        draw_noise(np.empty(k.own.shape[-2:]), norm=1.0, rng=k.rng) * (5 * k.typical)[..., None, None]
    ),
    "scale_x5": lambda k: 5.0 * k.own,  # scaling by λ: the self-paid part p_i² ‖g_i‖² of the score grows with λ²
    "replacement": lambda k: k.each(replace_model(k.own.mean(axis=-2), weight=k.weight)),
    "alie": lambda k: k.each(alie(k.honest, z=compute_alie_z(k.honest.shape[-2] + k.own.shape[-2], k.own.shape[-2]))),
    "alie_z1.5": lambda k: k.each(alie(k.honest, z=1.5)),
    "ipm_x2": lambda k: k.each(ipm(k.honest, tau=2.0)),
    "min_max": lambda k: k.each(min_max(k.honest)),
    "min_sum": lambda k: k.each(min_sum(k.honest)),
    "mimic": lambda k: k.each(mimic(k.honest)),
    "free_rider": lambda k: np.zeros_like(k.own),  # no change at all, w_i = w (arXiv 2006.11901)
    "disguised": lambda k: disguise(k.previous, clients=k.own.shape[-2], round_number=k.round_number, rng=k.rng),
    "copy": lambda k: k.each(replay(k.previous, norm=k.typical)),
}


# ---------------------------------------------------------------- pieces


def _larger_root(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Larger root of a x² + 2 b x + c = 0 for c ≤ 0; 0 where a = 0: there is no direction to go."""
    return divide_or_zero(np.sqrt(np.maximum(b**2 - a * c, 0.0)) - b, a)
