"""The study of eight bits: its first federation, played again, gives what its result file holds."""

from __future__ import annotations

import int8  # the benchmark
import numpy as np
import pytest
from _common import read_result

from bcfl_support.scaling import compute_round


def test_seed_0_of_the_file_is_what_the_code_gives():
    stored = next(row for row in read_result("int8")["rows"] if (row["kind"], row["seed"]) == ("iid", 0))
    played = int8.run_seed("iid", 0)
    assert played["int8"] == pytest.approx(stored["int8"], abs=0.005)
    assert played["float"] == pytest.approx(stored["float"], abs=0.005)
    assert played["rank"] == pytest.approx(stored["rank"], abs=0.01)


def test_the_file_has_every_federation():
    found = read_result("int8")
    assert {(row["kind"], row["seed"]) for row in found["rows"]} == {(k, s) for k in int8.KINDS for s in int8.SEEDS}
    assert found["setting"]["parameters"] == int8.MODEL.n_params == 101_770


@pytest.mark.parametrize("sizes", [[350] * 10, [3_000, 10, 3, 1], [5, 7]])
def test_weights_are_as_small_as_a_rung_wants(sizes):
    weights = int8.small_weights(np.array(sizes))
    assert sum(weights) <= int8.MOST_WEIGHT and min(weights) >= 1
    compute_round(np.ones((len(sizes), 3), dtype=np.int8), weights)


def test_values_beyond_the_ends_are_cut():
    assert int8.as_int8(np.array([-9.0, 0.26, 0.24, 9.0]), 0.05).tolist() == [-128, 5, 5, 127]
