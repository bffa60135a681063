"""Values known by formula, which the package's are compared with."""

import numpy as np


def mean_game_shapley(x):
    """Shapley values of v(S) = mean of x over S, v(none) = 0, derived in `shapley.mean_game_threshold`."""
    own = np.asarray(x, dtype=np.float64)
    n = len(own)
    c = sum(1 / k for k in range(2, n + 1)) * n / (n - 1) if n > 1 else 0.0
    return (own + c * (own - own.mean())) / n
