"""A node that is gone, or is none, is one sentence without secrets."""

from __future__ import annotations

import doctest
import http.server
import json
import os
import signal
import threading

import pytest
from processes import in_forks
from web3 import Web3

from bcfl_support.chain import transport
from bcfl_support.chain.node import GENESIS, MNEMONIC, Chain, connect
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
        with connect(chain.url) as borrowed:  # one's own, started by hand
            assert borrowed.timestamp == GENESIS + 12


def test_forked_workers_do_not_share_a_connection(chain, purse):
    def work(k: int) -> bool:
        mine = chain.accounts[k + 1]  # the first has deployed
        receipt = chain.send(purse.functions.visit(), sender=mine)
        nonces = [chain.w3.eth.get_transaction_count(chain.accounts[j]) for j in (k + 1, 100 + k) for _ in range(25)]
        return receipt["from"] == mine and nonces == [1] * 25 + [0] * 25

    assert in_forks(work, 1) == [0] and chain.w3.provider.make_request("anvil_getAutomine", [])["result"] is True
    assert in_forks(lambda k: all(chain.w3.eth.get_block(k)["number"] == k for _ in range(50)), 4) == [0] * 4
    assert purse.functions.count().call() == 1


# ---------------------------------------------------------------- hosted endpoints
class Hosted:
    """A node behind a host's rules: no accounts, logs of ten blocks at most, and three requests, then a pause."""

    def __init__(self, node: Chain) -> None:
        self.refused = self.answered = 0
        outer = self

        class Rules(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if outer.answered % 4 == 3:
                    outer.answered += 1
                    outer.refused += 1
                    return self.say(429, {}, {"Retry-After": "0"})
                outer.answered += 1
                error = None
                if asked["method"] == "eth_accounts":
                    error = {"code": -32601, "message": "the method eth_accounts does not exist"}
                if asked["method"] == "eth_getLogs":
                    first, last = asked["params"][0]["fromBlock"], asked["params"][0]["toBlock"]
                    last = node.w3.eth.block_number if last == "latest" else int(last, 16)
                    if last - int(first, 16) >= 10:
                        error = {"code": -32005, "message": "query exceeds max block range 10"}
                if error:
                    return self.say(200, {"jsonrpc": "2.0", "id": asked["id"], "error": error})
                found = node.w3.provider.make_request(asked["method"], asked["params"])
                return self.say(200, json.loads(Web3.to_json(found)) | {"id": asked["id"]})

            def say(self, status: int, body: dict, headers: dict = {}) -> None:  # noqa: B006
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(data))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rules)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v3/key"


def test_a_hosted_endpoint(purse_artifact, monkeypatch):
    monkeypatch.setenv("BCFL_MNEMONIC", MNEMONIC)
    with Chain.start(accounts=20, block_gas_limit=9_000_000) as node:
        hosted = Hosted(node)
        with connect(hosted.url) as chain:
            assert chain.accounts == node.accounts, "which it does not tell: they are the mnemonic's"
            assert (chain.block_gas_limit, chain.tx_gas_cap) == (9_000_000, 9_000_000)
            purse, _ = chain.deploy(purse_artifact, 0)
            for k in range(12):
                node.send({"to": node.accounts[1]}, sender=node.accounts[1])
                chain.send(purse.functions.pay(1), sender=chain.accounts[2 + k % 3], value=10**18)
            paid = chain.events(purse.events.Paid)
            assert [log["blockNumber"] for log in paid] == sorted(log["blockNumber"] for log in paid) and len(
                paid
            ) == 12
            assert len(chain.events(purse.events.Paid, 5, 12)) == sum(5 <= log["blockNumber"] <= 12 for log in paid)
            assert chain.events(purse.events.Paid, 10_000) == [] and chain.timestamp == node.timestamp
            assert hosted.refused > 10
        hosted.server.shutdown()
        hosted.server.server_close()
