"""What an attacker may send where updates are clipped, by the mean of what the others send; on chain and off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STRATEGIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "far along": lambda mean: 50 * mean,
    "far against": lambda mean: -50 * mean,
    "at the bound": lambda mean: np.full(len(mean), 90.0),
    "one direction": lambda mean: 90.0 * np.eye(len(mean))[0],
    "as honest": lambda mean: mean,
}
