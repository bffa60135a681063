"""A chain a module, put back after each test, and a contract on it."""

from __future__ import annotations

import pytest
from solidity import compile_source

from bcfl_support import services
from bcfl_support.chain.node import Chain


@pytest.fixture(scope="module")
def purse_artifact():
    return compile_source()["Purse"]


@pytest.fixture(scope="module")
def shared():
    with Chain.start() as chain:
        yield chain


@pytest.fixture
def chain(shared):
    """The module's chain, put back afterwards."""
    before = shared.snapshot()
    yield shared
    shared.revert(before)


@pytest.fixture
def purse(chain, purse_artifact):
    return chain.deploy(purse_artifact, 0)[0]


@pytest.fixture(autouse=True)
def _no_endpoints(monkeypatch, tmp_path):
    monkeypatch.delenv("BCFL_RPC_URL", raising=False)
    monkeypatch.delenv("BCFL_MNEMONIC", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def keyless():
    """An anvil without accounts; tests give money to those of the test mnemonic."""
    command = [services.anvil(), "--port", "0", "--accounts", "0"]
    child = services.start_supervised(command, name="anvil")
    port = services.await_port(child, r"Listening on [\d.]+:(\d+)", seconds=20, what="its port")
    yield f"http://127.0.0.1:{port}"
    child.stop()
