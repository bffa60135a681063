"""What dishonest clients send: attacks on the model and on the money, as functions of what the attackers know.

    sent = attack(honest updates, own updates, last global update)        honest (..., h, P) -> (..., P) or (..., m, P)

Two aims. *Gradient manipulation* (sign flip, ALIE, IPM, Min-Max, ...) wants a worse model. *Reward gaming* (scale,
collude, copy, inflate, Sybil, badmouth) wants money for little or no work. The adaptive attacker knows the score and
searches for what pays best.

Every function is pure. Leading axes are batches (seeds, runs): all of them are attacked in one call. Attackers are
assumed to know what is written in the arguments; that is often more than they would, and so a bound on the damage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidUpdate
from bcfl_support.vectors import compute_median_norm, compute_square_distances, rescale

# ---------------------------------------------------------------- on the data


def mirror_labels(labels: Any, *, n_classes: int) -> np.ndarray:
    """Label flip: train on C - 1 - y instead of y (Fang et al. 2020, arXiv 1911.11815, section 5.1).

    Args:
        labels: labels 0 ... C-1, any shape, int.
        n_classes: C, at least 2.

    Returns:
        Flipped labels, same shape, int64.

    Raises:
        InvalidUpdate: fewer than two classes, or a label outside 0 ... C-1.

    >>> mirror_labels([0, 3, 9], n_classes=10).tolist()
    [9, 6, 0]
    """
    y = np.asarray(labels, dtype=np.int64)
    if n_classes < 2 or (y.size and (y.min() < 0 or y.max() >= n_classes)):
        raise InvalidUpdate(f"n_classes is {n_classes}: use at least 2, and labels from 0 to {n_classes - 1}.")
    return n_classes - 1 - y


# ---------------------------------------------------------------- on the model


def flip_sign(updates: Any, *, factor: float = 1.0) -> np.ndarray:
    """Sign flip: send -factor * g_i, the own update turned round.

    Args:
        updates: own updates, any shape, float64.
        factor: positive.

    >>> flip_sign([[1.0, -2.0]]).tolist()
    [[-1.0, 2.0]]
    """
    return -_positive(factor, "factor") * np.asarray(updates, dtype=np.float64)


def draw_noise(like: Any, *, norm: Any, rng: np.random.Generator) -> np.ndarray:
    """Gaussian attack: a normal vector scaled to length `norm`, one for each row.

    A normal vector of variance sigma^2 has length sigma sqrt(P) within 1 / sqrt(2 P); fixing the length takes that
    chance out. Under S_i = p_i <g_i, g> it earns p_i^2 norm^2 on average: the share the client gives itself.

    Args:
        like: array (..., P) that gives the shape.
        norm: length, a number or an array that broadcasts to (...).
        rng: source of the directions.

    Returns:
        Noise, shape (..., P), float64.
    """
    noise = rng.standard_normal(np.shape(like))
    return noise / np.linalg.norm(noise, axis=-1, keepdims=True) * np.asarray(norm, dtype=np.float64)[..., None]


def scale_up(updates: Any, *, factor: float) -> np.ndarray:
    """Scaling: send lambda g_i. The self-paid part p_i^2 ||g_i||^2 of the score grows with lambda^2.

    Args:
        updates: own updates, any shape, float64.
        factor: lambda, positive.

    >>> scale_up([[1.0, -2.0]], factor=5).tolist()
    [[5.0, -10.0]]
    """
    return _positive(factor, "factor") * np.asarray(updates, dtype=np.float64)


def replace_model(target: Any, *, weight: float, others: Any = 0.0) -> np.ndarray:
    """Model replacement: the update after which the average is the attacker's target (arXiv 1807.00459, eq. 3).

    The average is p a + sum_others p_j g_j; it equals the target t for a = (t - sum_others p_j g_j) / p. Near
    convergence the others' sum is close to 0, and the attacker leaves it out: a = t / p.

    Args:
        target: the global update wanted, shape (..., P), float64.
        weight: p, the weight of all attackers together, in (0, 1].
        others: sum_others p_j g_j where it is known, broadcast to (..., P).

    Raises:
        InvalidUpdate: weight outside (0, 1].

    >>> replace_model([1.0, 2.0], weight=0.25).tolist()
    [4.0, 8.0]
    """
    if not 0 < weight <= 1:
        raise InvalidUpdate(f"weight is {weight}: the attackers' share of the samples lies in (0, 1].")
    return (np.asarray(target, dtype=np.float64) - others) / weight


def compute_alie_z(n_clients: int, n_attackers: int) -> float:
    """How many deviations ALIE dares: z = ppf((n - m - s) / (n - m)), s = floor(n/2) + 1 - m (arXiv 1902.06156).

    s honest clients must lie further out than the attackers for these to be in the majority's half.

    Args:
        n_clients: n, attackers included.
        n_attackers: m, at least 1, fewer than n / 2.

    Raises:
        InvalidUpdate: m out of range; with half the clients there is nothing left to hide from.

    >>> round(compute_alie_z(50, 12), 4)
    0.336
    """
    if not 1 <= n_attackers < n_clients / 2:
        raise InvalidUpdate(f"n_attackers is {n_attackers} of {n_clients}: ALIE needs at least 1 and fewer than half.")
    supporters = n_clients // 2 + 1 - n_attackers
    return NormalDist().inv_cdf((n_clients - n_attackers - supporters) / (n_clients - n_attackers))


def alie(honest: Any, *, z: float) -> np.ndarray:
    """A Little Is Enough: mean - z * deviation in every coordinate (Baruch et al. 2019, arXiv 1902.06156).

    Inside the spread of honest updates, so distances give nothing away; always on the same side, so it adds up.
    The deviation is the sample deviation (ddof = 1).

    Args:
        honest: honest updates, shape (..., h, P), float64, h >= 2.
        z: deviations, see `compute_alie_z`; negative goes the other way.

    Returns:
        The vector all attackers send, shape (..., P).

    >>> alie([[1.0, 0.0], [3.0, 0.0]], z=1.0).round(4).tolist()
    [0.5858, 0.0]
    """
    rows = _check_honest(honest, least=2)
    return rows.mean(axis=-2) - z * rows.std(axis=-2, ddof=1)


def ipm(honest: Any, *, tau: float) -> np.ndarray:
    """Inner-product manipulation: -tau * mean (Xie et al. 2019, arXiv 1903.03936).

    With share q of the weight the average becomes (1 - q - q tau) * mean: it turns against descent for
    tau > (1 - q) / q.

    Args:
        honest: honest updates, shape (..., h, P), float64.
        tau: positive.

    >>> ipm([[1.0, 0.0], [3.0, 2.0]], tau=2.0).tolist()
    [-4.0, -2.0]
    """
    return -_positive(tau, "tau") * _check_honest(honest).mean(axis=-2)


def min_max(honest: Any, *, direction: str = "std") -> np.ndarray:
    """Min-Max: as far out as the two honest updates furthest apart (Shejwalkar and Houmansadr 2021, NDSS).

        mean + gamma d,  largest gamma with  max_i ||mean + gamma d - g_i|| <= max_ij ||g_i - g_j||

    The authors search gamma by halving; each condition is a quadratic inequality, so the smallest of the larger roots
    is the exact answer.

    Args:
        honest: honest updates, shape (..., h, P), float64, h >= 2.
        direction: d: "std" (-deviation), "unit" (-mean / ||mean||) or "sign" (-sign of the mean).

    Returns:
        The vector all attackers send, shape (..., P).

    Raises:
        InvalidUpdate: unknown direction or fewer than two honest updates.

    >>> min_max([[1.0], [3.0]], direction="unit").round(6).tolist()
    [1.0]
    """
    rows = _check_honest(honest, least=2)
    mean, out = rows.mean(axis=-2), _perturbation(rows, direction)
    apart = mean[..., None, :] - rows  # (..., h, P)
    widest = compute_square_distances(rows).max(axis=(-2, -1))  # (...)
    a = (out**2).sum(axis=-1)[..., None]
    b = (apart * out[..., None, :]).sum(axis=-1)
    c = (apart**2).sum(axis=-1) - widest[..., None]  # <= 0: the mean lies inside
    gamma = _larger_root(a, b, c).min(axis=-1)
    return mean + gamma[..., None] * out


def min_sum(honest: Any, *, direction: str = "std") -> np.ndarray:
    """Min-Sum: no larger sum of squared distances than the worst honest update has (Shejwalkar and Houmansadr 2021).

        mean + gamma d,  largest gamma with  sum_i ||mean + gamma d - g_i||^2 <= max_i sum_j ||g_i - g_j||^2

    Since sum_i (mean - g_i) = 0 this is gamma^2 h ||d||^2 <= max_i sum_j ||g_i - g_j||^2 - sum_i ||mean - g_i||^2.

    Args, Returns, Raises: as in `min_max`.

    >>> min_sum([[1.0], [3.0]], direction="unit").round(6).tolist()
    [1.0]
    """
    rows = _check_honest(honest, least=2)
    mean, out = rows.mean(axis=-2), _perturbation(rows, direction)
    allowed = compute_square_distances(rows).sum(axis=-1).max(axis=-1)
    spread = ((mean[..., None, :] - rows) ** 2).sum(axis=(-2, -1))
    a = rows.shape[-2] * (out**2).sum(axis=-1)
    gamma = _larger_root(a, np.zeros_like(a), spread - allowed)
    return mean + gamma[..., None] * out


def mimic(honest: Any, *, target: int | None = None) -> np.ndarray:
    """Mimic: all attackers copy one honest client, which is then over-represented (He et al. 2020, arXiv 2006.09365).

    Which one: the client furthest along the direction z in which honest updates differ most, i* = argmax_i |<z, g_i>|,
    z the first principal direction (here of this round alone).

    Args:
        honest: honest updates, shape (..., h, P), float64.
        target: number of the client to copy; None for i*.

    Returns:
        The vector all attackers send, shape (..., P).

    >>> mimic([[1.0, 0.0], [1.1, 0.0], [0.9, 5.0]]).tolist()
    [0.9, 5.0]
    """
    rows = _check_honest(honest)
    if target is not None:
        if not 0 <= target < rows.shape[-2]:
            raise InvalidUpdate(f"target is {target}: there are honest clients 0 to {rows.shape[-2] - 1}.")
        return rows[..., target, :].copy()
    centred = rows - rows.mean(axis=-2, keepdims=True)
    # the h x h Gram matrix has the same leading eigenvalue as the P x P covariance
    leading = np.linalg.eigh(centred @ centred.swapaxes(-1, -2))[1][..., -1]  # (..., h)
    z = (leading[..., None, :] @ centred)[..., 0, :]  # (..., P), not normalised: only the order counts
    best = np.abs((rows * z[..., None, :]).sum(axis=-1)).argmax(axis=-1)
    return np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]


# ---------------------------------------------------------------- on the money


def free_ride(like: Any) -> np.ndarray:
    """Plain free-rider: send no change at all, w_i = w (Fraboni et al. 2021, arXiv 2006.11901).

    >>> free_ride([[1.0, 2.0]]).tolist()
    [[0.0, 0.0]]
    """
    return np.zeros(np.shape(like))


def disguise(
    previous_step: Any, *, clients: int, round_number: int, decay: float = 1.0, rng: np.random.Generator
) -> np.ndarray:
    """Disguised free-rider: noise that looks like training, w + sigma t^-gamma epsilon (arXiv 2006.11901).

    Sigma is the deviation of the last global update's entries; the noise fades as training does.

    Args:
        previous_step: the last round's global update, shape (..., P), float64.
        clients: how many free-riders, m.
        round_number: t, from 1.
        decay: gamma.
        rng: source of epsilon.

    Returns:
        One vector each, shape (..., m, P).
    """
    step = np.asarray(previous_step, dtype=np.float64)
    sigma = step.std(axis=-1)[..., None, None] * float(round_number) ** -decay
    # one draw for all batches: what differs between two of them is not the noise
    return sigma * rng.standard_normal((clients, step.shape[-1]))


def replay(previous_step: Any, *, norm: Any) -> np.ndarray:
    """Copycat: send the last global update again, at the length honest updates have. No training, no data.

    Last round's average has less noise in it than any one client's update, so it is often better aligned with the
    next average than honest work is. In round 1, with nothing to copy, it is zero.

    Args:
        previous_step: the last round's global update, shape (..., P), float64.
        norm: length to send, a number or (...).

    >>> replay([3.0, 4.0], norm=10.0).tolist()
    [6.0, 8.0]
    """
    return rescale(previous_step, norm)


def collude(direction: Any, *, norm: Any) -> np.ndarray:
    """Collusion: all attackers send one agreed direction, which has nothing to do with any data.

    Each is paid for agreeing with the others. See `compute_collusion_share` for how much.

    Args:
        direction: the agreed direction, shape (..., P), float64, not zero.
        norm: length to send, a number or (...).

    >>> collude([0.0, 2.0], norm=5.0).tolist()
    [0.0, 5.0]
    """
    return rescale(direction, norm)


def sybil(updates: Any, samples: Any) -> np.ndarray:
    """Sybil: one actor under m names sends the weighted mean of its updates under each (arXiv 1808.04866).

    Under FedAvg the global update is the same, and so is the sum of S_i: splitting is neutral. A rule that counts
    heads, or that leaves out a client's own part only, is not.

    Args:
        updates: the updates its m names would have sent, shape (..., m, P), float64.
        samples: their sample counts, shape (m,).

    Returns:
        What each name sends, shape (..., m, P).

    >>> sybil([[1.0, 0.0], [0.0, 4.0]], [1, 3]).tolist()
    [[0.25, 3.0], [0.25, 3.0]]
    """
    rows, counts = np.asarray(updates, dtype=np.float64), np.asarray(samples)
    mean = ((counts / counts.sum())[:, None] * rows).sum(axis=-2, keepdims=True)
    return np.broadcast_to(mean, rows.shape).copy()


def split_client(updates: Any, samples: Any, *, client: int, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Sybil split: client i leaves and comes back as k names with n_i / k samples and the same update each.

    Args:
        updates: shape (n, P), float64.
        samples: shape (n,), positive integers.
        client: i.
        parts: k, at least 1 and at most n_i. The remainder of n_i / k goes to the first names.

    Returns:
        (updates (n + k - 1, P), samples (n + k - 1,)): the names stand at the end.

    Raises:
        InvalidUpdate: a client or a number of parts out of range.

    >>> split_client([[1.0], [2.0]], [4, 7], client=1, parts=3)[1].tolist()
    [4, 3, 2, 2]
    """
    rows, counts = np.asarray(updates, dtype=np.float64), np.asarray(samples)
    if not 0 <= client < len(rows):
        raise InvalidUpdate(f"client is {client}: the round has clients 0 to {len(rows) - 1}.")
    if not 1 <= parts <= counts[client]:
        raise InvalidUpdate(f"parts is {parts}: client {client} has {counts[client]} samples to split.")
    pieces = np.array([len(piece) for piece in np.array_split(np.arange(counts[client]), parts)])
    rest = np.arange(len(rows)) != client
    return (
        np.concatenate([rows[rest], np.repeat(rows[client][None], parts, axis=0)]),
        np.concatenate([counts[rest], pieces]),
    )


def inflate_samples(samples: Any, *, clients: Sequence[int], factor: int) -> np.ndarray:
    """Inflate n_i: declare `factor` times the samples one has. The count enters weight and score.

    Args:
        samples: true counts, shape (n,), int.
        clients: who lies.
        factor: whole number, at least 1.

    >>> inflate_samples([10, 20], clients=[1], factor=5).tolist()
    [10, 100]
    """
    counts = np.array(samples, dtype=np.int64)
    if factor < 1:
        raise InvalidUpdate(f"factor is {factor}: inflating multiplies by a whole number of at least 1.")
    counts[list(clients)] *= factor
    return counts


def badmouth(honest: Any, *, victim: int, norm: Any) -> np.ndarray:
    """Badmouthing: push against one competitor, -g_victim at length `norm` (aim described in arXiv 2509.19921).

    It lowers <g_victim, g>, hence the victim's score, and leaves the rest of the pay to the others.

    Args:
        honest: honest updates, shape (..., h, P), float64.
        victim: number of the competitor among them.
        norm: length to send, a number or (...).

    >>> badmouth([[3.0, 4.0], [1.0, 0.0]], victim=0, norm=10.0).tolist()
    [-6.0, -8.0]
    """
    return -rescale(mimic(honest, target=victim), norm)


# ---------------------------------------------------------------- adaptive


def search_best(
    candidates: Sequence[np.ndarray], scales: Sequence[float], payoff: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Adaptive attacker: the candidate direction and scale that pay best, by trying them all.

        argmax over directions d and scales c of payoff(c d)

    The attacker knows the score, since it is public in a contract, and all updates of the round: the worst case. A
    commit-reveal scheme takes the second away.

    Args:
        candidates: directions, each (..., P) or (..., m, P), all of one shape.
        scales: factors c to try for each.
        payoff: what the attackers would get for sending an array of that shape; one number a batch entry, shape (...).

    Returns:
        (best array, its payoff (...)), chosen for each batch entry on its own; ties go to the earlier candidate.

    Raises:
        InvalidUpdate: nothing to try.

    >>> best, paid = search_best([np.array([1.0]), np.array([-2.0])], [1.0, 3.0], lambda v: -(v[..., 0] + 5.0) ** 2)
    >>> best.tolist(), float(paid)
    ([-6.0], -1.0)
    """
    if not len(candidates) or not len(scales):
        raise InvalidUpdate(f"{len(candidates)} candidates and {len(scales)} scales: give at least one of each.")
    best = paid = None
    for direction in candidates:
        for factor in scales:
            sent = factor * np.asarray(direction, dtype=np.float64)
            value = np.asarray(payoff(sent), dtype=np.float64)
            if best is None or paid is None:
                best, paid = sent, value
                continue
            better = value > paid
            spread = better.reshape(better.shape + (1,) * (sent.ndim - better.ndim))
            best, paid = np.where(spread, sent, best), np.where(better, value, paid)
    assert best is not None and paid is not None
    return best, paid


# ---------------------------------------------------------------- by name


@dataclass(frozen=True, eq=False)
class Insight:
    """What attackers know of a round, or of a batch of rounds.

    Attributes:
        own: what the attackers' own training gave, shape (…, m, P), float64.
        honest: what the others send, shape (…, h, P).
        previous: the last round's global update, shape (…, P).
        samples: true sample counts of the attackers, shape (m,).
        weight: their share of all samples.
        victim: the honest client that badmouthers push against.
        agreed: direction that colluders agreed on beforehand, shape (P,).
        round_number: number of the round, from 1.
        rng: source of noise.
    """

    own: np.ndarray
    honest: np.ndarray
    previous: np.ndarray
    samples: np.ndarray
    weight: float
    victim: int
    agreed: np.ndarray
    round_number: int
    rng: np.random.Generator

    @property
    def typical(self) -> np.ndarray:
        """Median length of honest updates, shape (…)."""
        return compute_median_norm(self.honest)

    def each(self, sent: np.ndarray) -> np.ndarray:
        """One vector (…, P) sent by all of them, shape (…, m, P)."""
        return np.repeat(sent[..., None, :], self.own.shape[-2], axis=-2)

    def collude(self, factor: float) -> np.ndarray:
        """The agreed direction at `factor` times the typical length, shape (…, m, P)."""
        direction = np.broadcast_to(self.agreed, self.previous.shape)
        return self.each(collude(direction, norm=factor * self.typical))


ATTACKS: dict[str, Callable[[Insight], np.ndarray]] = {
    "honest": lambda k: k.own,
    "sign_flip": lambda k: flip_sign(k.own),
    "gaussian_x5": lambda k: (
        draw_noise(np.empty(k.own.shape[-2:]), norm=1.0, rng=k.rng) * (5 * k.typical)[..., None, None]
    ),
    "scale_x5": lambda k: scale_up(k.own, factor=5.0),
    "replacement": lambda k: k.each(replace_model(k.own.mean(axis=-2), weight=k.weight)),
    "alie": lambda k: k.each(alie(k.honest, z=compute_alie_z(k.honest.shape[-2] + k.own.shape[-2], k.own.shape[-2]))),
    "alie_z1.5": lambda k: k.each(alie(k.honest, z=1.5)),
    "ipm_x2": lambda k: k.each(ipm(k.honest, tau=2.0)),
    "min_max": lambda k: k.each(min_max(k.honest)),
    "min_sum": lambda k: k.each(min_sum(k.honest)),
    "mimic": lambda k: k.each(mimic(k.honest)),
    "free_rider": lambda k: free_ride(k.own),
    "disguised": lambda k: disguise(k.previous, clients=k.own.shape[-2], round_number=k.round_number, rng=k.rng),
    "sybil": lambda k: sybil(k.own, k.samples),
    "collude": lambda k: k.collude(1.0),
    "collude_x5": lambda k: k.collude(5.0),
    "copy": lambda k: k.each(replay(k.previous, norm=k.typical)),
    "badmouth": lambda k: k.each(badmouth(k.honest, victim=k.victim, norm=k.typical)),
}
"""What attackers send, by name, shape (…, m, P). Attacks on labels and on declared counts are made before training."""


# ---------------------------------------------------------------- theory of collusion


def compute_kappa(honest: Any, *, norm: Any) -> np.ndarray:
    """How much honest clients agree: kappa = ||mean honest update||^2 / B^2, B the length everybody is clipped to.

    1 when all send the same vector of length B, about 1/h when they are unrelated.

    Args:
        honest: honest updates (after clipping), shape (..., h, P), float64.
        norm: B, a number or (...).

    >>> float(compute_kappa([[1.0, 0.0], [0.0, 1.0]], norm=1.0))
    0.5
    """
    mean = _check_honest(honest).mean(axis=-2)
    return (mean**2).sum(axis=-1) / np.asarray(norm, dtype=np.float64) ** 2


def compute_collusion_share(q: Any, kappa: Any) -> np.ndarray:
    """Share of the reward taken by a fraction q that sends one common vector of length B, unrelated to the honest ones.

    With equal weights g = q B u + (1 - q) mu and <u, mu> = 0. The colluders' scores sum to q B <u, g> = q^2 B^2, the
    honest ones to (1 - q) <mu, g> = (1 - q)^2 ||mu||^2; with kappa = ||mu||^2 / B^2 their share is

        q^2 / (q^2 + (1 - q)^2 kappa).

    Exact when no honest score is negative (negative ones are paid 0, which this sum does not know).

    Args:
        q: fraction of colluders, in [0, 1].
        kappa: see `compute_kappa`, positive.

    Raises:
        InvalidUpdate: q or kappa out of range.

    >>> float(compute_collusion_share(0.5, 0.25))
    0.8
    """
    share, agreement = np.asarray(q, dtype=np.float64), np.asarray(kappa, dtype=np.float64)
    if (share < 0).any() or (share > 1).any() or not (agreement > 0).all():
        raise InvalidUpdate(f"q is {q} and kappa is {kappa}: q lies in [0, 1], kappa is positive.")
    return share**2 / (share**2 + (1 - share) ** 2 * agreement)


def compute_break_even(kappa: Any) -> np.ndarray:
    """The fraction from which collusion pays more than its head count: q* = kappa / (1 + kappa).

    q^2 / (q^2 + (1 - q)^2 kappa) > q  is  q (1 - q) > (1 - q)^2 kappa,  is  q > kappa / (1 + kappa).

    >>> float(compute_break_even(0.25))
    0.2
    """
    agreement = np.asarray(kappa, dtype=np.float64)
    if not (agreement > 0).all():
        raise InvalidUpdate(f"kappa is {kappa}: it must be positive.")
    return agreement / (1 + agreement)


# ---------------------------------------------------------------- pieces


def _positive(value: float, name: str) -> float:
    if not value > 0:
        raise InvalidUpdate(f"{name} is {value}: it must be positive.")
    return value


def _check_honest(honest: Any, *, least: int = 1) -> np.ndarray:
    rows = np.asarray(honest, dtype=np.float64)
    if rows.ndim < 2 or rows.shape[-2] < least:
        raise InvalidUpdate(f"honest has shape {rows.shape}: it must be (..., h, P) with at least {least} updates.")
    return rows


def _perturbation(rows: np.ndarray, direction: str) -> np.ndarray:
    mean = rows.mean(axis=-2)
    if direction == "std":
        return -rows.std(axis=-2, ddof=1)
    if direction == "unit":
        return -rescale(mean, 1.0)
    if direction == "sign":
        return -np.sign(mean)
    raise InvalidUpdate(f"direction is {direction!r}: use 'std', 'unit' or 'sign'.")


def _larger_root(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Larger root of a x^2 + 2 b x + c = 0 for c <= 0; 0 where a = 0: there is no direction to go."""
    root = -b + np.sqrt(np.maximum(b**2 - a * c, 0.0))
    return np.divide(root, a, out=np.zeros_like(root), where=np.broadcast_to(a, root.shape) > 0)
