"""A round, or a batch of rounds, as whoever averages, scores or attacks it sees it.

Scores, aggregators and attacks are found by name in their registries; what stands under a name is a function of this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bcfl_support.vectors import clip_norms, compute_median_norm


@dataclass(frozen=True, eq=False)
class Round:
    """What a round consists of. Leading axes are batches (seeds, runs).

    Attributes:
        updates: updates as sent, shape (…, n, P), float64.
        samples: sample counts as declared, shape (n,) or (…, n), positive integers.
        params: global parameters w before the round, shape (…, P).
        gradient: gradient of the loss on the public validation set, takes and returns (…, P).
        accuracy: accuracy on that set, takes (P,) or (k, P), returns one number or (k,).
        previous: the last round's global update, shape (…, P); zero before the first.
        byzantine: how many clients a robust aggregator provides for.
        root_update: update that the server's own clean data gives, shape (…, P); None takes −∇L(w) in its place.
        step: what the aggregator made of the updates, shape (…, P); None for FedAvg's average.
    """

    updates: np.ndarray
    samples: np.ndarray
    params: np.ndarray
    gradient: Callable[[np.ndarray], np.ndarray]
    accuracy: Callable[[np.ndarray], np.ndarray]
    previous: np.ndarray
    byzantine: int = 0
    root_update: np.ndarray | None = None
    step: np.ndarray | None = None

    @cached_property
    def clipped(self) -> np.ndarray:
        """Updates cut at their median length, shape (…, n, P)."""
        return clip_norms(self.updates, clip=compute_median_norm(self.updates))

    @cached_property
    def descent(self) -> np.ndarray:
        """−∇L(w), where the loss falls fastest, shape (…, P)."""
        return -self.gradient(self.params)

    @cached_property
    def gains(self) -> np.ndarray:
        """Accuracy that each update brings on its own, shape (…, n)."""
        alone = (self.params[..., None, :] + self.updates).reshape(-1, self.params.shape[-1])
        after, before = self.accuracy(alone), np.asarray(self.accuracy(self.params))
        return after.reshape(self.updates.shape[:-1]) - before[..., None]
