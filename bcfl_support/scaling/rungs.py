"""What every rung of the ladder does, and rungs 0 to 2: all on chain, packed on chain, packed in calldata."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from eth_abi import encode
from web3.contract import Contract
from web3.types import TxReceipt

from bcfl_support.chain import Chain, GasLedger, calldata, load_artifact
from bcfl_support.errors import InvalidUpdate
from bcfl_support.scaling import lanes

ETH = 10**18


@dataclass(frozen=True)
class RungInfo:
    """What one rung is.

    Attributes:
        number: 0 to 4.
        contract: name of the contract.
        title: in a few words.
        trust: who must be trusted for a correct result.
    """

    number: int
    contract: str
    title: str
    trust: str


@dataclass(frozen=True)
class Terms:
    """What is fixed when a rung is deployed; amounts in wei, times in seconds.

    Attributes:
        submit_seconds: how long clients may submit.
        work_seconds: how long a result may take after that.
        window_seconds: how long a proposal is open to challenge (rungs 3 and 4).
        bond: what a wrong proposal costs.
        fee: what a demand costs.
        stake: what a client loses for data that are not what it committed to (rung 4).
    """

    submit_seconds: int = 3600
    work_seconds: int = 86_400
    window_seconds: int = 86_400
    bond: int = ETH
    fee: int = ETH // 100
    stake: int = ETH // 2


@dataclass(frozen=True)
class RoundBill:
    """What a round cost and gave.

    Attributes:
        rung: 0 to 4.
        clients: n.
        parameters: P.
        scores: S_i.
        result_digest: what the contract keeps of the round, see `Rung.result_digest`.
        gas: total gas by operation.
        max_tx_gas: the most expensive transaction.
        max_calldata_bytes: the longest one.
        transactions: how many.
        blobs: how many.
    """

    rung: int
    clients: int
    parameters: int
    scores: tuple[int, ...]
    result_digest: bytes
    gas: Mapping[str, int]
    max_tx_gas: int
    max_calldata_bytes: int
    transactions: int
    blobs: int = 0

    @property
    def total_gas(self) -> int:
        """All operations together."""
        return sum(self.gas.values())

    @property
    def gas_per_value(self) -> float:
        """Gas a client and parameter."""
        return self.total_gas / (self.clients * self.parameters)


class Rung:
    """One deployed rung and the round it is in.

    Attributes:
        contract: the web3 contract.
        clients: addresses, client 0 first.
        worker: the account that works and proposes.
        watcher: the account that watches and challenges.
        ledger: the bill of everything sent since the round was opened.
    """

    def __init__(self, chain: Chain, info: RungInfo, weights: Sequence[int], parameters: int, terms: Terms) -> None:
        self.chain, self.info, self.terms = chain, info, terms
        self.weights, self.parameters = tuple(int(w) for w in weights), parameters
        n = len(self.weights)
        self.clients = chain.accounts[:n]
        self.worker, self.watcher = chain.accounts[n], chain.accounts[n + 1]
        artifact = load_artifact(info.contract)
        self.contract: Contract = chain.deploy(artifact, *self._arguments(), sender=self.worker)[0]
        self.ledger = GasLedger()
        self.blobs = 0

    def _arguments(self) -> tuple[Any, ...]:
        config = (self.parameters, self.terms.submit_seconds, self.terms.work_seconds)
        return (config, self.clients, self.weights)

    # ------------------------------------------------------------ a round
    @property
    def round(self) -> int:
        """Number of the current round."""
        return int(self.contract.functions.currentRound().call()[0])

    @property
    def phase(self) -> str:
        """Idle, Open or Proposed."""
        return ("Idle", "Open", "Proposed")[self.contract.functions.currentRound().call()[5]]

    def open(self) -> None:
        """Open the next round, with an empty bill."""
        self.ledger, self.blobs = GasLedger(), 0
        self._send("open", [(self.contract.functions.openRound(), self.worker)])

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's submission, or that of some.

        Args:
            values: shape (n, P), int8; row i is client i's.
            clients: who submits, in this order; None: all.
        """
        self._check(values)
        number = self.round
        calls = []
        for i in range(len(self.weights)) if clients is None else clients:
            for payload in self._payloads(values[i]):
                calls.append((self.contract.functions.submit(number, payload), self.clients[i]))
        self._send("submit", calls)

    def work(self, values: np.ndarray) -> None:
        """All work of the round, from closed submissions to the scores."""
        raise NotImplementedError

    def play(self, values: np.ndarray) -> RoundBill:
        """A whole round with all clients, honest.

        Args:
            values: shape (n, P), int8.
        """
        self.open()
        self.submit(values)
        self.work(values)
        return self.bill()

    def bill(self) -> RoundBill:
        """What the round has cost, and its results if it is finished."""
        functions, totals = self.contract.functions, self.ledger.totals()
        return RoundBill(
            rung=self.info.number,
            clients=len(self.weights),
            parameters=self.parameters,
            scores=self.scores(),
            result_digest=bytes(functions.resultDigest().call()),
            gas={row.operation: row.gas_used for row in totals},
            max_tx_gas=max(row.most for row in totals),
            max_calldata_bytes=max(entry.calldata_bytes for entry in self.ledger.entries),
            transactions=len(self.ledger.entries),
            blobs=self.blobs,
        )

    def scores(self) -> tuple[int, ...]:
        """S_i of the finished round, from its event; empty if there is none."""
        return self._scores_in(self.contract.events.Finished())

    def _scores_in(self, event: Any) -> tuple[int, ...]:
        latest = self.chain.w3.eth.block_number
        for block in range(latest, max(-1, latest - 400), -50):
            for log in reversed(self.chain.events(event, max(0, block - 49), block)):
                if log["args"]["round"] == self.contract.functions.currentRound().call()[1]:
                    return tuple(log["args"]["scores"])
        return ()

    def expected(self, values: np.ndarray, clients: Sequence[int] | None = None) -> lanes.ExactRound:
        """What the round must give with these clients, in exact integers; others have score 0."""
        if clients is None or len(clients) == len(self.weights):
            return lanes.compute_round(values, self.weights)
        some = lanes.compute_round(values[list(clients)], [self.weights[i] for i in clients])
        place = {client: k for k, client in enumerate(clients)}

        def spread(row: Sequence[int]) -> tuple[int, ...]:
            return tuple(row[place[i]] if i in place else 0 for i in range(len(self.weights)))

        return lanes.ExactRound(
            some.sums, spread(some.scores), tuple(map(spread, some.chunk_scores)), some.total_weight
        )

    def result_digest(self, exact: lanes.ExactRound) -> bytes:
        """The digest under which this rung keeps a result: keccak256(sums digest, scores digest)."""
        return lanes.compute_result_digest(self._sums_digest(exact), exact.scores)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        return lanes.compute_sums_digest(exact.chunk_hashes())

    # ------------------------------------------------------------ for the rungs
    def _payloads(self, row: np.ndarray) -> list[bytes]:
        """What one client sends, a transaction each."""
        raise NotImplementedError

    def _check(self, values: np.ndarray) -> None:
        shape = (len(self.weights), self.parameters)
        if np.shape(values) != shape:
            raise InvalidUpdate(f"values have shape {np.shape(values)}, this rung takes {shape}")

    @property
    def _gas(self) -> int:
        return min(self.chain.tx_gas_cap, self.chain.block_gas_limit)

    def _send(
        self, operation: str, calls: Sequence[tuple[Any, str]], *, value: int = 0, gas_limit: int | None = None
    ) -> list[TxReceipt]:
        """Send, wait, and note on the bill. The gas limit is given: estimating runs everything twice."""
        receipts = []
        for start in range(0, len(calls), 16):  # one batch holds at most some 2 MB of calldata
            part = calls[start : start + 16]
            receipts += self.chain.send_many(
                [(call, sender, value) for call, sender in part], gas=gas_limit or self._gas
            )
        for (call, _), receipt in zip(calls, receipts, strict=True):
            size = len(calldata(call))
            self._note(operation, receipt, size)
        return receipts

    def _note(self, operation: str, receipt: TxReceipt, size: int) -> None:
        n = len(self.weights)
        self.ledger.record(operation, receipt, clients=n, parameters=self.parameters, calldata_bytes=size)


class NaiveRung(Rung):
    """Rung 0: every number at 18 decimals in a slot of its own."""

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        return [encode(["int256[]"], [[int(v) * ETH for v in row]])]

    def work(self, values: np.ndarray) -> None:
        """Average, then score."""
        number = self.round
        for operation in ("aggregate", "score"):
            self._send(operation, [(self.contract.functions.work(number, b""), self.worker)])


class PackedRung(Rung):
    """Rung 1: 32 numbers a slot, in as many transactions as the gas cap asks for."""

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        data, page = lanes.pack(row), 32 * lanes.WORDS_PER_PAGE
        return [data[start : start + page] for start in range(0, len(data), page)]

    def work(self, values: np.ndarray) -> None:
        """Sum and score page by page."""
        number, count = self.round, lanes.count_stored_chunks_at_once(len(self.weights))
        pages = math.ceil(math.ceil(self.parameters / lanes.CHUNK) / count)
        call = self.contract.functions.work(number, count.to_bytes(32, "big"))
        self._send("work", [(call, self.worker)] * pages)


class CalldataRung(Rung):
    """Rung 2: commitments first, then all data once, in calldata."""

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        return [lanes.compute_heads(lanes.chunks_of(lanes.pack(row)))[0]]

    def work(self, values: np.ndarray, clients: Sequence[int] | None = None) -> None:
        """Recompute the round, as many chunks a transaction as its size allows.

        Args:
            values: shape (n, P), int8.
            clients: who submitted, ascending; None: all.

        Raises:
            InvalidUpdate: so many clients that one chunk of all of them does not fit a transaction.
        """
        chosen = range(len(self.weights)) if clients is None else clients
        rows = [lanes.chunks_of(lanes.pack(values[i])) for i in chosen]
        heads = [lanes.compute_heads(row) for row in rows]
        n, total = len(rows), len(rows[0])
        count = lanes.count_sent_chunks_at_once(n, len(rows[0][0]))
        if count < 1:
            raise InvalidUpdate(
                f"one chunk of {n} clients does not fit a transaction of {lanes.CALLDATA_LIMIT:,} bytes"
            )
        state: tuple[Any, ...] = (0, bytes(32), [], [])
        for start in range(0, total, count):
            stop = min(start + count, total)
            data = b"".join(row[k] for k in range(start, stop) for row in rows)
            state = self._step(state, stop - start, [head[stop] for head in heads], data)

    def _step(self, state: tuple[Any, ...], count: int, tails: list[bytes], data: bytes) -> tuple[Any, ...]:
        """One transaction of work; the state it leaves."""
        kind = "((uint256,bytes32,bytes32[],int256[]),uint256,bytes32[],bytes)"
        payload = encode([kind], [(state, count, tails, data)])
        [receipt] = self._send("work", [(self.contract.functions.work(self.round, payload), self.worker)])
        log = next(each for each in receipt["logs"] if each["topics"][0] == _topic(self.contract.events.Worked()))
        found = self.contract.events.Worked().process_log(log)["args"]["state"]
        return (found["chunks"], found["digest"], found["heads"], found["scores"])


def _topic(event: Any) -> bytes:
    from eth_utils.abi import event_abi_to_log_topic

    return event_abi_to_log_topic(event.abi)
