"""Attacks found by name: what the attackers of a round know, and what each attack makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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


ATTACKS: dict[str, Callable[[Insight], np.ndarray]] = {}
"""What attackers send, by name, shape (…, m, P); the modules of this room enter what they define. Attacks on labels and
on declared counts are made before training."""
