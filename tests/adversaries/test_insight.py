"""What attackers know, and the attacks that are found by name."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from bcfl_support.adversaries import ATTACKS, Insight


def see(*batch: int, seed: int = 0) -> Insight:
    """Three attackers and seven honest clients with four parameters, in a batch of rounds or in one."""
    rng = np.random.default_rng(seed)
    return Insight(
        own=rng.standard_normal((*batch, 3, 4)),
        honest=rng.standard_normal((*batch, 7, 4)),
        previous=rng.standard_normal((*batch, 4)),
        samples=np.array([3, 4, 5]),
        weight=0.3,
        victim=2,
        agreed=np.array([1.0, -1.0, 0.0, 2.0]),
        round_number=3,
        rng=np.random.default_rng(9),
    )


def test_typical_is_the_median_length_and_each_sends_the_same() -> None:
    known = see(2)
    assert np.allclose(known.typical, np.median(np.linalg.norm(known.honest, axis=-1), axis=-1))
    sent = known.each(known.previous)
    assert sent.shape == (2, 3, 4) and (sent == known.previous[:, None]).all()


@pytest.mark.parametrize("batch", [(), (2,), (2, 5)])
@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_sends_one_update_an_attacker_and_changes_nothing(name: str, batch: tuple[int, ...]) -> None:
    known, untouched = see(*batch), see(*batch)
    sent = ATTACKS[name](known)
    assert sent.shape == (*batch, 3, 4) and sent.dtype == np.float64 and np.isfinite(sent).all()
    for field in fields(Insight):
        if field.name != "rng":
            np.testing.assert_array_equal(getattr(known, field.name), getattr(untouched, field.name))
