"""What a federation is given is refused in words, with whose it is, before anything is sent."""

from __future__ import annotations

import numpy as np
import pytest

from bcfl_support.errors import FixedPointError, InvalidInput, InvalidUpdate
from bcfl_support.protocol.inputs import check_clients, check_statement, encode_updates
from bcfl_support.protocol.rounds import FederationConfig

A, B = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
CONFIG = FederationConfig(parameters=2, capacity=2, bound=5.0)


def test_an_entry_that_does_not_fit_is_said_with_whose_it_is():
    for wrong in (np.nan, np.inf, 6.0):
        with pytest.raises(FixedPointError, match=rf"in the update of {A}, values\[1\] = ") as why:
            encode_updates(CONFIG, {A: [1.0, wrong]})
        assert why.value.index == 1


@pytest.mark.parametrize("count", [0, 3])
def test_what_makes_no_round(count):
    updates = {f"0x{k:040x}": [1.0 + k, 2.0] for k in range(count)}
    with pytest.raises(
        InvalidUpdate, match=f"{count} updates were given; a round needs at least one client and has room"
    ):
        encode_updates(CONFIG, updates, room=2)


@pytest.mark.parametrize("updates", [[[1.0, 2.0]], None, 3])
def test_updates_come_by_client(updates):
    with pytest.raises(InvalidInput, match=r"updates is .*; give one for each client, by its address"):
        encode_updates(CONFIG, updates)


def test_two_spellings_are_one_client():
    assert list(encode_updates(CONFIG, {A.lower(): [1.0, 2.0]})) == [A]
    with pytest.raises(InvalidInput, match="is there twice, maybe in two spellings"):
        encode_updates(CONFIG, {A: [1, 0], A.lower(): [1, 1]})


def test_clients_come_as_the_chain_spells_them():
    assert check_clients([A.lower(), B]) == [A, B]
    with pytest.raises(InvalidInput, match="client is 'bob', no address"):
        check_clients(["bob"])


def test_a_statement_comes_as_the_chain_spells_it():
    epoch, factors = check_statement(np.int64(7), bytes(32), {A.lower(): np.int64(500_000)}, [A])
    assert (epoch, factors) == (7, {A: 500_000}) and type(epoch) is type(factors[A]) is int


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(({"epoch": wrong}, "epoch is ") for wrong in (-1, "0", 0.5, None)),
        *(({"record": wrong}, "record is .* give the 32 bytes") for wrong in ("y" * 32, b"x", None, 1)),
        *(({"factors": wrong}, "factors .* give one for each") for wrong in ({}, None, [10**6])),
        *(({"factors": {A: w}}, f"the factor of {A} is ") for w in (-1, 1.0, 1, 499_999, 1_500_001, "1000000", None)),
        ({"factors": {"bob": 10**6}}, "client is 'bob'"),
        ({"factors": {B: 10**6}}, f"factors has {B}, which never registered"),
        ({"factors": {A: 10**6, A.lower(): 10**6}}, "is there twice, maybe in two spellings"),
    ],
)
def test_statements_that_spend_an_epoch_in_vain(change, message):
    with pytest.raises(InvalidInput, match=message):
        check_statement(**{"epoch": 0, "record": bytes(32), "factors": {A: 10**6}, "members": [A]} | change)
