"""The study of adversaries: a small part of it, played again, gives what its result file holds."""

from __future__ import annotations

import numpy as np
import pytest
from _common import read_result
from adversaries import SCORE_NAMES, Study, run_world

from bcfl_support.errors import InvalidInput


@pytest.mark.parametrize("partition", ["iid", "dir0.1"])
def test_seed_0_of_the_file_is_what_the_code_gives(partition):
    attacks = ("honest", "sybil", "copy", "badmouth")
    played = run_world(Study(attacks=attacks, aggregators=("fedavg",), adaptive=False), partition, 0)
    grid = read_result("adversaries")["grid"]
    stored = grid["seed_0"]["share"][grid["partitions"].index(partition)]
    rows = [stored[grid["attacks"].index(name)] for name in attacks]
    assert played["share"] == pytest.approx(np.array(rows, dtype=float), abs=1e-3, nan_ok=True)


def test_every_attack_aggregator_and_adaptive_attacker_plays():
    played = run_world(Study(rounds=2), "dir1.0", 0)
    assert played["share"].shape[1] == len(SCORE_NAMES) and np.isfinite(played["accuracy"]).all()


def test_an_attack_that_nobody_wrote_is_not_played_as_honest_work():
    with pytest.raises(InvalidInput, match="attack is 'scale x6'; use one of honest, "):
        run_world(Study(attacks=("scale x6",), aggregators=("fedavg",), adaptive=False, rounds=1), "iid", 0)
