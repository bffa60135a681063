"""Attacks found by name: what the attackers of a round know, and what each attack makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bcfl_support.adversaries.attacks import (
    alie,
    compute_alie_z,
    disguise,
    draw_noise,
    flip_sign,
    free_ride,
    ipm,
    mimic,
    min_max,
    min_sum,
    replace_model,
    replay,
    scale_up,
)
from bcfl_support.adversaries.collusion import badmouth, collude, sybil
from bcfl_support.learning import compute_median_norm


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
