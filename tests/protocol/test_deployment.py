"""Addresses known beforehand, contracts that know one another, and errors in words."""

from __future__ import annotations

import doctest

import pytest

from bcfl_support.chain import Chain, load_artifact
from bcfl_support.protocol import deployment
from bcfl_support.protocol.rounds import FederationConfig

CONFIG = FederationConfig(parameters=3, capacity=4)


@pytest.fixture(scope="module")
def node():
    with Chain.start() as chain:
        yield chain


def test_examples_in_the_documentation():
    assert doctest.testmod(deployment).failed == 0


def test_contracts_land_where_they_were_predicted(node):
    sender = node.accounts[5]
    node.send({"to": node.accounts[6]}, sender=sender)  # not the sender's first transaction
    first = node.w3.eth.get_transaction_count(sender)
    contracts, receipts = deployment.deploy_contracts(node, CONFIG, sender)
    predicted = [deployment.compute_create_address(sender, first + k) for k in range(4)]
    assert [contracts[name].address for name in deployment.CONTRACTS] == predicted
    assert [receipts[name]["contractAddress"] for name in deployment.CONTRACTS] == predicted


def test_every_explained_error_exists():
    declared = {
        entry["name"] for name in deployment.CONTRACTS for entry in load_artifact(name).abi if entry["type"] == "error"
    }
    assert set(deployment.EXPLANATIONS) <= declared
