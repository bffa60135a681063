from __future__ import annotations

import numpy as np
import pytest

from bcfl_support.learning import load_digits_federation


@pytest.fixture(scope="session")
def federations() -> tuple:
    """Three seeds of digits, dealt to five clients."""
    return tuple(
        load_digits_federation(5, partition="dirichlet", alpha=1.0, rng=np.random.default_rng(seed))
        for seed in range(3)
    )
