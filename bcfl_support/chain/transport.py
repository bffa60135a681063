"""The connection to a node: JSON-RPC over HTTP, one request or many, in this package's exceptions.

A node that is gone is one sentence, never a traceback out of an HTTP library; a revert in an answer is the contract's
own error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from bcfl_support import services
from bcfl_support.chain.reverts import RevertDecoder, revert_data
from bcfl_support.errors import ServiceError, TransactionFailed

# anvil runs the calls of one JSON-RPC batch concurrently. Up to 30 are polled strictly in order; beyond about 60
# sends its scheduler makes the rest yield and they arrive in reverse. Twenty keeps the order with room to spare.
_BATCH = 20


class Transport(HTTPProvider):
    """web3's HTTP provider that raises `ServiceError` and `ContractError`.

    Attributes:
        child: our own anvil, None for a foreign node.
        decoder: what turns reverts into errors.
    """

    def __init__(self, url: str, child: services.Child | None) -> None:
        session = requests.Session()
        here = (services.LOCALHOST, "localhost")  # a proxy set for the web must not catch traffic to this machine
        session.trust_env = urlsplit(url).hostname not in here
        if child is None:  # who asks too often is told to wait; nothing was done then, and it is asked again
            patience = Retry(6, connect=0, read=0, status_forcelist=[429], allowed_methods=None, backoff_factor=0.5)
            session.mount(url, HTTPAdapter(max_retries=patience))
        session.headers["Content-Type"] = "application/json"
        super().__init__(url, {"timeout": 120}, session=session, exception_retry_configuration=None)
        self._session, self._closed, self._process = session, False, os.getpid()
        self.child, self.decoder = child, RevertDecoder()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request.

        Raises:
            ServiceError: no answer.
            ContractError: the answer is a revert: the contract's own error.
        """
        with self._answering():
            response = super().make_request(method, params)
        if (data := revert_data(response)) is not None:
            raise self.decoder.decode(data)
        return response

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one request, which the node must not refuse.

        Raises:
            TransactionFailed: the node refused it; or as in `make_request`.
        """
        response = self.make_request(RPCEndpoint(method), list(params))
        if "error" in response:
            raise TransactionFailed(f"the node refused {method}: {error_message(response)}")
        return response["result"]

    def batch(self, method: str, many: Sequence[list[Any]]) -> list[RPCResponse]:
        """Answers to one method with many parameters, in order, errors included.

        Public endpoints may refuse batches, so that a foreign node gets one request after the other.
        """
        questions = [(RPCEndpoint(method), params) for params in many]
        answers: list[RPCResponse] = []
        with self._answering():
            if self.child is None:
                return [HTTPProvider.make_request(self, *each) for each in questions]
            for start in range(0, len(questions), _BATCH):
                part = questions[start : start + _BATCH]
                found = self.make_batch_request(part)
                answers += found if isinstance(found, list) else [found] * len(part)
        return answers

    def close(self) -> None:
        """End the connection; what is asked afterwards is told so."""
        self._closed = True
        self._session.close()

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        if os.getpid() != self._process:  # a forked worker closes its copy of the connection and has one of its own
            self._process = os.getpid()
            self._session.close()
        try:
            yield
        except (requests.RequestException, ValueError) as error:
            raise self._no_answer(error) from None

    def _no_answer(self, error: Exception) -> ServiceError:
        if self.child is None:
            silent = f"no JSON-RPC answer from {without_secrets(str(self.endpoint_uri))} ({type(error).__name__})"
            advice = "start that node or correct BCFL_RPC_URL, or unset it and a local chain is started"
            return ServiceError(f"{silent}; {advice}")
        if self._closed:
            return ServiceError("this chain has been closed; start a new one with Chain.start()")
        if self.child.wait(0.5):
            ended = f"anvil (process {self.child.pid}) has ended and its state is gone"
            advice = "start a new chain with Chain.start() and deploy again"
            return ServiceError(f"{ended}; {advice}. Its last output:\n{self.child.log_tail(5) or '(none)'}")
        return ServiceError(f"anvil (process {self.child.pid}) runs but did not answer ({type(error).__name__})")


def error_message(answer: RPCResponse) -> str:
    """What the node said in an answer that is an error."""
    error = answer["error"]
    return str(error.get("message", error) if isinstance(error, dict) else error)


def without_secrets(url: str) -> str:
    """A URL without user, password, path and query: providers put keys there.

    >>> without_secrets("https://user:pw@rpc.example:8545/v3/key?x=1")
    'https://rpc.example:8545/…'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{'/…' if parts.path.strip('/') or parts.query else ''}"
