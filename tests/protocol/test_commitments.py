"""Commitments equal the contract's, and bind every field."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bcfl_support.chain.node import Chain
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.protocol import commitments
from bcfl_support.protocol.federation import Federation
from bcfl_support.protocol.rounds import FederationConfig

FIELDS = {
    "chain_id": 31337,
    "aggregator": "0x" + "11" * 20,
    "round_number": 4,
    "client": "0x" + "22" * 20,
    "digest": b"\3" * 32,
    "salt": b"\4" * 32,
}


def test_examples_in_the_documentation():
    assert doctest.testmod(commitments).failed == 0


@given(arrays(np.int64, st.integers(0, 40)))
def test_digest_equals_the_reference_encoder(values):
    assert commitments.compute_digest(values) == keccak(encode(["int64"] * len(values), values.tolist()))


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_counts(field):
    other = {int: 5, str: "0x" + "33" * 20, bytes: b"\5" * 32}[type(FIELDS[field])]
    assert commitments.compute_commitment(**FIELDS) != commitments.compute_commitment(**FIELDS | {field: other})


def test_equal_to_the_contract():
    with Chain.start() as chain:
        federation = Federation.deploy(chain, FederationConfig(parameters=2))
        federation.open_round()
        client = chain.accounts[3]
        [submission] = federation.prepare({client: np.array([0.5, -0.25])}, rng=np.random.default_rng(0))
        expected = federation.aggregator.functions.commitmentOf(1, client, submission.digest, submission.salt).call()
        assert submission.commitment == expected


def test_wrong_kind_of_array():
    with pytest.raises(
        InvalidUpdate, match=r"are float64 of shape \(1,\), .*encode the update with fixed_point\.encode"
    ):
        commitments.compute_digest(np.array([0.5]))
    with pytest.raises(InvalidUpdate, match=r"values are \[1\], no one-dimensional int64 array"):
        commitments.compute_digest([1])


@pytest.mark.parametrize(("name", "value"), [("chain_id", [1]), ("chain_id", -1), ("round_number", 0.5)])
def test_ids_and_rounds_are_whole_numbers(name, value):
    place = {"chain_id": np.int64(1), "aggregator": "0x" + "22" * 20, "round_number": np.array(3)}
    place |= {"client": "0x" + "33" * 20, "digest": bytes(32), "salt": bytes(32)}
    assert commitments.compute_commitment(**place) == commitments.compute_commitment(
        **place | {"chain_id": 1, "round_number": 3}
    )
    with pytest.raises(InvalidInput, match=rf"{name} is .*: choose .*whole"):
        commitments.compute_commitment(**place | {name: value})


def test_equal_factors_have_one_hash_in_whatever_order_they_are_given():
    one = {"0x" + "22" * 20: 1, "0x" + "33" * 20: 2}
    whole = keccak(encode(["address[]", "uint32[]"], [list(one), list(one.values())]))
    for factors in (one, dict(reversed(one.items()))):
        assert commitments.compute_factors_hash(factors) == whole
