"""A node that is gone, or is none, is one sentence without secrets."""

from __future__ import annotations

import doctest
import http.server
import os
import signal
import threading

import pytest

from bcfl_support.chain import transport
from bcfl_support.chain.node import GENESIS, Chain, connect
from bcfl_support.errors import ServiceError
from tools.look import free_port


def test_doctests():
    assert doctest.testmod(transport).failed == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda chain, purse: chain.timestamp,
        lambda chain, purse: chain.w3.eth.get_balance(chain.accounts[0]),
        lambda chain, purse: purse.functions.total().call(),
        lambda chain, purse: chain.send(purse.functions.visit(), sender=chain.accounts[0]),
        lambda chain, purse: chain.send_many([(purse.functions.visit(), a, 0) for a in chain.accounts]),
        lambda chain, purse: chain.send(purse.functions.visit(), sender=chain.accounts[0], gas=90_000),
        lambda chain, purse: chain.events(purse.events.Paid),
    ],
)
def test_anvil_killed_in_the_middle_of_the_work(purse_artifact, use):
    with Chain.start(accounts=3) as chain:
        purse, _ = chain.deploy(purse_artifact, 0)
        os.kill(chain._child.pid, signal.SIGKILL)
        with pytest.raises(
            ServiceError, match=r"anvil \(process \d+\) has ended and its state is gone; start a new chain"
        ):
            use(chain, purse)


def test_an_endpoint_that_does_not_answer(monkeypatch):
    url = f"http://user:password@127.0.0.1:{free_port()}/v3/secret"
    monkeypatch.setenv("BCFL_RPC_URL", url)
    with pytest.raises(
        ServiceError, match=r"no JSON-RPC answer from http://127.0.0.1:\d+/… .*correct BCFL_RPC_URL"
    ) as caught:
        connect()
    assert "secret" not in str(caught.value) and "password" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_an_endpoint_that_is_something_else(status):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ServiceError, match=r"no JSON-RPC answer from http://127\.0\.0\.1"):
            connect(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_proxy_does_not_catch_local_traffic(monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with Chain.start(accounts=1) as chain:
        assert chain.timestamp == GENESIS + 12
