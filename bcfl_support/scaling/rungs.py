"""What every rung of the ladder does, and rungs 0 to 2: all on chain, packed on chain, packed in calldata."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from eth_abi import encode
from web3.contract import Contract
from web3.logs import DISCARD
from web3.types import TxReceipt

from bcfl_support.chain import Chain, GasLedger, GasSchedule, encode_call, load_artifact, require_kept
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.gas_model import RoundCost

ETH = 10**18

EXPLANATIONS: dict[str, str] = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8"))
"""Custom errors of the rungs in words, see `Chain.explain`."""


@dataclass(frozen=True)
class DisputeTerms:
    """What is fixed when a rung is deployed; amounts in wei, times in seconds.

    Attributes:
        submit_seconds: how long clients may submit.
        work_seconds: how long a result may take after that; on rung 3 at least three windows, on rung 4 four. Four by
            default.
        window_seconds: how long a result is open to challenge (rungs 3, 4, 6 to 8), and how long an answer to a demand
            may take (rungs 3 and 4). Demands are taken in the first window and, within a window of an answer, in the
            second; each answer leaves one to look at it, so a proposal lives four windows at most, on rung 6 one.
        bond: what a wrong proposal costs; half of it goes to who shows that it is wrong.
        fee: what a demand costs, when what answers it stands in the end; otherwise it comes back.
        stake: what a client loses for data that are not what it committed to (rung 4), or for an entry that no update
            may have (rungs 6 to 8); half goes to who shows that.
        reveal_seconds: how long seals may be opened after they are closed (rungs 6, 8); at most half of `work_seconds`.
    """

    submit_seconds: int = 3600
    work_seconds: int = 345_600
    window_seconds: int = 86_400
    bond: int = ETH
    fee: int = ETH // 1000
    stake: int = ETH // 2
    reveal_seconds: int = 3600


@dataclass(frozen=True, kw_only=True)
class RoundBill(RoundCost):
    """What a round cost and gave.

    Attributes:
        scores: S_i.
        result_digest: what the contract keeps of the last finished round, see `Rung.result_digest`.
    """

    gas: Mapping[str, int]
    max_tx_gas: int
    scores: tuple[int, ...]
    result_digest: bytes

    @property
    def gas_per_value(self) -> float:
        """Gas a client and parameter."""
        return self.total_gas / (self.clients * self.parameters)


class Rung:
    """A rung of the ladder: what its class says of it and, once it is deployed, the round it is in.

    The docstring of each class begins "Rung N:". A variant states anew what it does not share with the rung it is of.

    Attributes:
        artifact: name of its contract.
        title: in a few words.
        trust: who must be trusted for a correct result.
        gas: its gas model, (n, P, prices) → what a first round costs.
        limit: P → bytes of the transaction that must hold something of every client, and of each client in it; the
            contract refuses more clients than fit.
        most_played: values n·P, or blobs where it sends some, up to which anvil plays a round in reasonable time.
        most_clients: how many its contract takes, whatever they send.
        terms: what its contract was deployed with.
        number: its place in `ladder.RUNGS`.
        contract: the web3 contract.
        clients: addresses, client 0 first.
        worker: the account that works and proposes.
        watcher: the account that watches and challenges.
        ledger: the bill of everything sent since the round was opened.
    """

    artifact: ClassVar[str]
    title: ClassVar[str]
    trust: ClassVar[str]
    gas: ClassVar[staticmethod[[int, int, GasSchedule], RoundCost]]
    limit: ClassVar[staticmethod[[int], tuple[int, int]]]
    most_played: ClassVar[int]
    most_clients = gas_model.MOST_CLIENTS
    terms = DisputeTerms()
    _scores_event = "Finished"

    def __init__(self, chain: Chain, number: int, weights: Sequence[int], parameters: int) -> None:
        self.chain, self.number = chain, number
        self.weights, self.parameters = tuple(int(w) for w in weights), parameters
        n = len(self.weights)
        self.clients = self._order(chain.accounts[:n])
        self.worker, self.watcher = chain.accounts[n], chain.accounts[n + 1]
        chain.explain(EXPLANATIONS)
        self._deployed = chain.deploy(load_artifact(self.artifact), *self._arguments(), sender=self.worker)
        self.ledger, self.blobs, self._opened = GasLedger(), 0, 0

    def _order(self, accounts: Sequence[str]) -> list[str]:
        """In which order accounts are clients."""
        return list(accounts)

    def _arguments(self) -> tuple[Any, ...]:
        config = (self.parameters, self.terms.submit_seconds, self.terms.work_seconds)
        return (config, self.clients, self.weights)

    @property
    def contract(self) -> Contract:
        """Its contract; `InvalidInput` if the chain was reverted past its deployment."""
        contract, receipt = self._deployed
        require_kept(self.chain, receipt, "this rung was deployed", "deploy another with start_rung")
        return contract

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
        call = self.contract.functions.openRound()
        receipt = self.chain.send(call, sender=self.worker)  # with an estimate first: a refusal leaves all as it is
        self.ledger, self.blobs, self._opened = GasLedger(), 0, receipt["blockNumber"]
        self._note("open", receipt, call)

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's submission, or that of some.

        Args:
            values: shape (n, P), int8; row i is client i's.
            clients: who submits, in this order; None: all.

        Raises:
            InvalidUpdate: values of another shape or type.
            InvalidInput: there is no such client.
            TransactionFailed: the contract refused, e.g. since the time to submit has passed.
        """
        chosen = self._check(values, clients)
        submit, number = self.contract.functions.submit, self.round
        sent = [(submit(number, payload), self.clients[i]) for i in chosen for payload in self._payloads(values[i])]
        self._send("submit", sent)

    def work(self, values: np.ndarray) -> None:
        """All work of the round, from closed submissions to the scores.

        Args:
            values: what was submitted. Rung 2 sends it again; the others have it on chain, or kept it.
        """
        raise NotImplementedError

    def play(self, values: np.ndarray) -> RoundBill:
        """A whole round with all clients, honest.

        Args:
            values: shape (n, P), int8.

        Raises:
            InvalidUpdate: values of another shape or type; no round is opened then.
        """
        self._check(values)
        self.open()
        self.submit(values)
        self.work(values)
        return self.bill()

    def bill(self) -> RoundBill:
        """What the round has cost, and its results if it is finished.

        Raises:
            InvalidInput: no round was opened, or the chain was reverted past that.
        """
        functions, entries = self.contract.functions, self.ledger.entries
        if not entries:
            raise InvalidInput("no round was opened, so that there is no bill; call open, or play a whole round")
        require_kept(self.chain, self._noted, "this round was played", "open another")
        return RoundBill(
            rung=self.number,
            clients=len(self.weights),
            parameters=self.parameters,
            scores=self.scores(),
            result_digest=bytes(functions.resultDigest().call()),
            gas=self.ledger.totals(),
            max_tx_gas=max(entry.gas_used for entry in entries),
            max_calldata_bytes=max(entry.calldata_bytes for entry in entries),
            transactions=len(entries),
            blobs=self.blobs,
        )

    def scores(self) -> tuple[int, ...]:
        """S_i of the finished round, from its event; empty if there is none."""
        event = self.contract.events[self._scores_event]()
        finished = self.contract.functions.currentRound().call()[1]
        logs = [log["args"] for log in self.chain.events(event, self._opened) if log["args"]["round"] == finished]
        return tuple(logs[-1]["scores"]) if logs else ()

    def expected(self, values: np.ndarray, clients: Iterable[int] | None = None) -> lanes.ExactRound:
        """What the round must give with these clients, in exact integers; others have score 0."""
        return lanes.compute_round(values, self.weights, clients)

    def result_digest(self, exact: lanes.ExactRound) -> bytes:
        """The digest under which this rung keeps a finished round's result: keccak256(sums digest, scores digest)."""
        return lanes.compute_result_digest(self._sums_digest(exact), exact.scores)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        return lanes.compute_sums_digest(exact.chunk_hashes())

    # ------------------------------------------------------------ for the rungs
    def _payloads(self, row: np.ndarray) -> list[bytes]:
        """What one client sends, a transaction each."""
        raise NotImplementedError

    def _check(self, values: np.ndarray, clients: Iterable[int] | None = None) -> list[int]:
        """Who submits, of values that are right."""
        shape = (len(self.weights), self.parameters)
        if lanes.as_int8(values).shape != shape:
            raise InvalidUpdate(f"values have shape {np.shape(values)}, this rung takes {shape}: give one row a client")
        return lanes.check_clients(clients, len(self.weights))

    def _send(self, operation: str, calls: Sequence[tuple[Any, str]]) -> list[TxReceipt]:
        """Send, wait, and note on the bill what was mined. The gas limit is given: estimating runs everything twice."""
        limit = min(self.chain.tx_gas_cap, self.chain.block_gas_limit)
        receipts: list[TxReceipt] = []
        for start in range(0, len(calls), 16):  # one batch holds at most some 2 MB of calldata
            batch = [(call, sender, 0) for call, sender in calls[start : start + 16]]
            receipts += self.chain.send_many(batch, gas=limit, check=False)
            for (call, _, _), receipt in zip(batch, receipts[start:], strict=True):
                self._note(operation, receipt, call)
            self.chain.check_receipts(batch, receipts[start:])
        return receipts

    def _note(self, operation: str, receipt: TxReceipt, call: Any) -> None:
        self._noted = receipt
        self.ledger.record(operation, receipt, calldata_bytes=len(encode_call(call)))

    def _call(self, operation: str, call: Any, sender: str) -> TxReceipt:
        """Send one with an estimate first, so that a refusal says why."""
        receipt = self.chain.send(call, sender=sender)
        self._note(operation, receipt, call)
        return receipt


class DepositRung(Rung):
    """A rung whose contract holds bonds or stakes: 3, 4, and from 6 on."""

    def deposit(self, account: str, amount: int) -> None:
        """Put money down. Not on the round's bill.

        Args:
            account: whose.
            amount: wei.
        """
        self.chain.send(self.contract.functions.deposit(), sender=account, value=amount)

    def get_deposit(self, account: str) -> int:
        """What an account has put down and not lost, in wei."""
        return int(self.contract.functions.depositOf(account).call())

    def get_available(self, account: str) -> int:
        """The part of it that no bond or stake ties up, in wei."""
        return int(self.contract.functions.availableOf(account).call())


class NaiveRung(Rung):
    """Rung 0: every number at 18 decimals in a slot of its own."""

    artifact, title, trust = "Rung0Naive", "a slot a number", "nobody"
    gas, limit, most_played = staticmethod(gas_model.naive), staticmethod(gas_model.nothing), 100_000

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        return [encode(["int256[]"], [[int(v) * ETH for v in row]])]

    def work(self, values: np.ndarray) -> None:
        """Average, then score."""
        number = self.round
        for operation in ("aggregate", "score"):
            self._send(operation, [(self.contract.functions.work(number, b""), self.worker)])


class PackedRung(Rung):
    """Rung 1: 32 numbers a slot, in as many transactions as the gas cap asks for."""

    artifact, title, trust = "Rung1Packed", "32 numbers a slot", "nobody"
    gas, limit = staticmethod(gas_model.packed), staticmethod(gas_model.nothing)
    most_played = 1_000_000  # anvil keeps all states, which takes memory

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        return lanes.chunks_of(lanes.pack(row), 32 * lanes.WORDS_PER_PAGE)

    def work(self, values: np.ndarray) -> None:
        """Sum and score page by page."""
        number, count = self.round, lanes.count_stored_chunks_at_once(len(self.weights))
        pages = math.ceil(math.ceil(self.parameters / lanes.CHUNK) / count)
        call = self.contract.functions.work(number, count.to_bytes(32, "big"))
        self._send("work", [(call, self.worker)] * pages)


class CalldataRung(Rung):
    """Rung 2: commitments first, then all data once, in calldata."""

    artifact, title, trust = "Rung2Calldata", "calldata, recomputed in full", "nobody"
    gas, limit, most_played = staticmethod(gas_model.calldata), staticmethod(gas_model.chunk), 10_000_000

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        return [lanes.compute_heads(lanes.chunks_of(lanes.pack(row)))[0]]

    def work(self, values: np.ndarray) -> None:
        """Recompute the round, as many chunks a transaction as its size allows."""
        rows = [lanes.chunks_of(lanes.pack(row)) for row in values]
        heads = [lanes.compute_heads(row) for row in rows]
        n, total = len(rows), len(rows[0])
        count = lanes.count_sent_chunks_at_once(n, len(rows[0][0]))
        state: tuple[Any, ...] = (0, bytes(32), [], [])
        for start in range(0, total, count):
            stop = min(start + count, total)
            data = b"".join(row[k] for k in range(start, stop) for row in rows)
            step = (state, stop - start, [head[stop] for head in heads], data)
            payload = encode(["((uint256,bytes32,bytes32[],int256[]),uint256,bytes32[],bytes)"], [step])
            [receipt] = self._send("work", [(self.contract.functions.work(self.round, payload), self.worker)])
            [log] = self.contract.events.Worked().process_receipt(receipt, errors=DISCARD)
            state = tuple(log["args"]["state"][name] for name in ("chunks", "digest", "heads", "scores"))
