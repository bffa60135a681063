"""One chain, one IPFS node and one epoch of two rounds for each test file."""

from __future__ import annotations

import pytest

from bcfl_support.chain import Chain
from bcfl_support.fairness.record import compute_fairness
from bcfl_support.ipfs import IpfsNode
from bcfl_support.protocol import Federation
from tests.fairness.cases import CONFIG, SAMPLES, TASK, play


@pytest.fixture(scope="module")
def node():
    with Chain.start() as chain:
        yield chain


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return tmp_path_factory.mktemp("ipfs")


@pytest.fixture(scope="module")
def store(repo):
    with IpfsNode.start(repo=repo, program="embedded") as ipfs:
        yield ipfs


@pytest.fixture(scope="module")
def _played(node, store):
    federation = Federation.deploy(node, CONFIG)
    clients = node.accounts[1:5]
    federation.register(clients, SAMPLES)
    federation.fund(20 * 10**18)
    return federation, clients, [play(federation, store, clients, 1), play(federation, store, clients[:3], 2)]


@pytest.fixture
def epoch(node, _played):
    """(federation, clients, CIDs of the two rounds of epoch 0); fresh for each test."""
    snapshot = node.snapshot()
    yield _played
    node.revert(snapshot)


@pytest.fixture(scope="module")
def record(_played, store):
    return compute_fairness(store, _played[2], TASK, epoch=0)
