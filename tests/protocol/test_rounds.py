"""What a federation is deployed with, and round records as JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput, RecordError
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
    digests=("0x" + "ab" * 32, None),
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


BAD_FIELDS = [
    *({"note": 1}, {"scores": ["x"]}, {"rewards": None}, {"norm_squared": None}, {"number": 0}, {"number": "1"}),
    *({"samples": [1]}, {"factors": []}, {"rewards": ["-1", "0"]}, {"samples": ["1", 2]}, {"penalties": ["0.5", "0"]}),
    *({"number": []}, {"number": [[]]}, {"number": True}, {"clients": ["0x01", "0x01"]}, {"note": None}),
    *({"rewards": [1.5, 2.5]}, {"rewards": [1, 2]}, {"rewards": "12"}, {"rewards": {"5": 1, "6": 2}}),
    *({"rewards": ["1", "02"]}, {"penalties": ["1", " 2"]}, {"scores": [1.5, None]}, {"global_update": [1.5, 2.5]}),
    *({"global_update": ["1_0"]}, {"norm_squared": -1}, {"norm_squared": "-1"}, {"norm_squared": float("inf")}),
    *({"norm_squared": float("nan")}, {"consistency": ["x", None]}, {"consistency": [float("nan"), None]}),
    *({"consistency": [-1, None]}, {"factors": ["1", None]}, {"factors": [-1, None]}, {"digests": ["x", None]}),
    *({"digests": [1, None]}, {"gas": "abc"}, {"gas": [1]}, {"gas": {"open": 1}}, {"gas": {"open": [-1]}}),
    *({"gas": {"open": ["x"]}}, {"transactions": [1]}, {"transactions": {"open": [1]}}, {"samples": [1.0, 0]}),
    *({"void": "no"}, {"void": 0}, {"void": None}, {"clients": [1, "0x02"]}, {"clients": [None, "0x02"]}),
]


@pytest.mark.parametrize("change", BAD_FIELDS)
def test_fields_that_are_none(change):
    with pytest.raises(RecordError, match="lacks or misnames a field"):
        RoundRecord.from_json(RECORD.to_json() | change)


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": 0},
        {"parameters": 2.5},
        {"parameters": 2**20 + 1},
        {"capacity": 257},
        {"capacity": 1},
        {"minimum": 0},
        {"minimum_samples": 0},
        {"commit_seconds": 0},
        {"reveal_seconds": 2**32},
        {"bound": -3},
        {"bound": 17_593},
        {"bound": 0.0},
        {"stake_per_sample": 2**64},
        {"stake_per_sample": -1},
        {"budget": 1.5},
        {"budget": 2**96},
        {"full_samples": 0},
        {"alpha": -1},
        {"alpha": float("nan")},
        {"window": -4},
        {"window": 65},
        {"penalty_rate": -0.1},
        {"penalty_cap": 1.01},
        {"interval": 0},
        {"interval": 1_001},
        {"quorum": 0.5},
        {"quorum": 1.1},
    ],
    ids=str,
)
def test_numbers_that_no_contract_takes(change):
    [(name, value)] = change.items()
    with pytest.raises(InvalidInput, match=rf"{name} is {value}: .*choose it (whole, )?in \["):
        FederationConfig(**{"parameters": 6} | change)


def test_configuration_that_lets_stakes_escape():
    config = FederationConfig(parameters=6)
    with pytest.raises(InvalidInput, match=r"100: a stake that leaves sooner escapes .* choose it whole, in \[7201, "):
        dataclasses.replace(config, cool_down_seconds=100, attest_seconds=50)
    with pytest.raises(InvalidInput, match=r"votes twice; choose it whole, in \[1000000, "):
        dataclasses.replace(config, attest_seconds=10**6)


@pytest.mark.parametrize("name", ["gas", "transactions", "digests", "void"])
def test_a_field_that_is_missing(name):
    plain = RECORD.to_json()
    del plain[name]
    with pytest.raises(RecordError, match="lacks or misnames a field"):
        RoundRecord.from_json(plain)
