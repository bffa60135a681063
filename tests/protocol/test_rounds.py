"""What a federation is deployed with, and round records as JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from bcfl_support.errors import InvalidUpdate, RecordError
from bcfl_support.protocol.rounds import FederationConfig, RoundRecord

RECORD = RoundRecord(
    number=3,
    clients=("0x01", "0x02"),
    samples=(40, 0),
    scores=(2**200, None),
    rewards=(10**18, 0),
    penalties=(0, 5),
    consistency=(250_000, None),
    factors=(1_000_000, None),
    digests=("0xab", None),
    norm_squared=2**190,
    global_update=(-7, 2**62),
    void=False,
    gas={"commit": (21_000, 22_000), "settle": (5,)},
    transactions={"commit": ("0x1", "0x2"), "settle": ("0x3",)},
)


def test_round_trip():
    plain = RECORD.to_json()
    assert RoundRecord.from_json(json.loads(json.dumps(plain))) == RECORD
    assert plain["scores"] == [str(2**200), None] and plain["norm_squared"] == str(2**190)
    assert plain["gas"] == {"commit": [21_000, 22_000], "settle": [5]}
    assert (plain["kind"], plain["version"]) == ("bcfl-round", 1)


def test_sums_and_floats():
    assert RECORD.total_gas == 43_005
    np.testing.assert_array_equal(RECORD.scores_float(), [2**200 / 10**18, np.nan])


@pytest.mark.parametrize("broken", [{}, [], {"kind": "bcfl-round", "version": 2}, {"kind": "bcfl-round", "version": 1}])
def test_broken_record(broken):
    with pytest.raises(RecordError):
        RoundRecord.from_json(broken)


@pytest.mark.parametrize("change", [{"note": 1}, {"scores": ["x"]}, {"rewards": None}, {"norm_squared": None}])
def test_fields_that_are_none(change):
    with pytest.raises(RecordError, match="lacks or misnames a field"):
        RoundRecord.from_json(RECORD.to_json() | change)


def test_configuration_that_lets_stakes_escape():
    config = FederationConfig(parameters=6)
    with pytest.raises(InvalidUpdate, match="parameters is 0; a model has at least 1"):
        dataclasses.replace(config, parameters=0)
    with pytest.raises(ValueError, match="take its stake before its penalty: choose at least 7201"):
        dataclasses.replace(config, cool_down_seconds=100)
    with pytest.raises(ValueError, match="vote twice: choose at least 1000000"):
        dataclasses.replace(config, attest_seconds=10**6)
