"""What every rung of the ladder does, and rungs 0 to 2: all on chain, packed on chain, packed in calldata."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from eth_abi import encode
from web3.contract import Contract
from web3.types import TxReceipt

from bcfl_support.chain import Chain, GasLedger, GasSchedule, encode_call, load_artifact, require_kept
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.gas_model import RoundBill, RoundCost

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
        rows: what clients submitted in this round, by client, on rungs from 3 on.
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
        self.chain, self.number, self.rows = chain, number, dict[int, Any]()
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
        self._begin(receipt["blockNumber"])
        self._note("open", receipt, call)

    def _begin(self, block: int) -> None:
        self.ledger, self.blobs, self._opened, self.rows = GasLedger(), 0, block, {}

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's submission, or that of some. One of several transactions that was interrupted goes on.

        Args:
            values: shape (n, P), int8; row i is client i's.
            clients: who submits, in this order; None: all.

        Raises:
            InvalidUpdate: values of another shape or type.
            InvalidInput: there is no such client, one has submitted already, or has sent a part of another row.
            TransactionFailed: the contract refused, e.g. since the time to submit has passed.
        """
        rows, chosen = self._admit(values, clients)
        submit, number, sent = self.contract.functions.submit, self._number(), []
        for i in chosen:
            calls = [submit(number, part) for part in self._payloads(rows[i], i)]
            sent += [(call, self.clients[i]) for call in calls[len(self._mined(i, calls)) :]]
        try:
            self._send("submit", sent)
        finally:  # what was mined before a refusal, or an interrupt, stands
            for client in (said["client"] for said in self._said("Submitted", number) if said["client"] in chosen):
                self._keep(client, rows[client])

    def work(self, values: np.ndarray) -> None:
        """All work of the round, from closed submissions to the scores.

        Args:
            values: what was submitted. Rung 2 sends it again; the others have it on chain, or kept it.

        What was interrupted goes on from where the contract stands.
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
        """What the round has cost who sent through this object, and its results if it is finished.

        Raises:
            InvalidInput: nothing has been sent in a round, or the chain was reverted past that.
        """
        functions, entries = self.contract.functions, self.ledger.entries
        if not (self._opened and entries):
            raise InvalidInput(
                "nothing was sent in this round, so that there is no bill; play a round, or go on with it"
            )
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
        said = self._said(self._scores_event, self.contract.functions.currentRound().call()[1])
        return tuple(said[-1]["scores"]) if said else ()

    def expected(self, values: np.ndarray, clients: Iterable[int] | None = None) -> lanes.ExactRound:
        """What the round must give with these clients, in exact integers; others have score 0."""
        return lanes.compute_round(values, self.weights, clients)

    def result_digest(self, exact: lanes.ExactRound) -> bytes:
        """The digest under which this rung keeps a finished round's result: keccak256(sums digest, scores digest)."""
        return lanes.compute_result_digest(self._sums_digest(exact), exact.scores)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        return lanes.compute_sums_digest(exact.chunk_hashes())

    # ------------------------------------------------------------ for the rungs
    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        """What one client sends, a transaction each."""
        raise NotImplementedError

    def _mined(self, client: int, calls: Sequence[Any]) -> list[Any]:
        """The transactions with which a client has sent the first of these calls, since the round was opened."""
        found, eth = [], self.chain.w3.eth
        data = [encode_call(call) for call in calls]
        for number in range(self._opened, eth.block_number + 1) if len(calls) > 1 else []:  # one stands or does not
            for sent in cast(Any, eth.get_block(number, full_transactions=True)["transactions"]):
                ours = sent["from"] == self.clients[client] and sent.get("to") == calls[0].address
                if ours and bytes(sent["input"])[:4] == data[0][:4]:
                    found += [sent] * eth.get_transaction_receipt(sent["hash"])["status"]
        if [bytes(sent["input"]) for sent in found] != data[: len(found)]:
            has = f"client {client} has sent {len(found)} parts of another row to this round"
            raise InvalidInput(f"{has}: submit that row, or let the round pass")
        return found

    def _keep(self, client: int, row: np.ndarray) -> None:
        """Keep what disputes or the work will need of a row that is on chain."""

    def _number(self) -> int:
        """Of the round that is submitted to."""
        return self.round

    def _said(self, event: str, number: int) -> list[Any]:
        """Arguments of the contract's events of a round since it was opened, oldest first."""
        logs = self.chain.events(self.contract.events[event](), self._opened)
        return [log["args"] for log in logs if log["args"]["round"] == number]

    def _state(self, *names: str) -> tuple[Any, ...]:
        """Where the work of the round stands, as its last event has it; empty before the first."""
        said = self._said("Worked", self.round)
        return tuple(said[-1]["state"][name] for name in names) if said else ()

    def _check(self, values: Any, clients: Iterable[int] | None = None) -> tuple[np.ndarray, list[int]]:
        """The values, and who submits; a table of pandas has rows only as an array."""
        rows, shape = lanes.as_int8(values), (len(self.weights), self.parameters)
        if rows.shape != shape:
            raise InvalidUpdate(f"values have shape {rows.shape}, this rung takes {shape}: give one row a client")
        return rows, lanes.check_clients(clients, len(self.weights))

    def _admit(self, values: Any, clients: Iterable[int] | None) -> tuple[np.ndarray, list[int]]:
        """As `_check`, and nobody has submitted yet: what is kept of the first submission is not overwritten."""
        rows, chosen = self._check(values, clients)
        number, _, _, _, submitted, phase = self.contract.functions.currentRound().call()
        there = {i for i in range(len(self.weights)) if phase and submitted >> i & 1}
        if done := [i for i in chosen if i in there]:
            raise InvalidInput(f"clients {done} have submitted to round {number} already: give the others, clients=[…]")
        return rows, chosen

    def _put(self, client: int, row: Any) -> None:
        """Keep a row as the last one that was submitted; of one that a revert has undone the client had a place."""
        self.rows.pop(client, None)
        self.rows[client] = row

    def _require_rows(self) -> None:
        """Rows of whom the contract has in the round, and no others: forget what a revert has undone."""
        bits = int(self.contract.functions.currentRound().call()[4])
        there = [i for i in range(len(self.weights)) if bits >> i & 1]
        self.rows = {i: row for i, row in self.rows.items() if i in there}
        if len(self.rows) < len(there):
            raise InvalidInput(f"rows are kept of clients {list(self.rows)}, the contract has {there}: submit here")

    def _client(self, client: Any) -> int:
        """Index of a client; `InvalidInput` if there is none."""
        return lanes.check_clients([client], len(self.weights))[0]

    def _holder(self, client: Any, kept: Mapping[int, Any] | None = None) -> int:
        """The same, of one whose row is here, or what else is kept of it."""
        if (found := self._client(client)) not in (self.rows if kept is None else kept):
            raise InvalidInput(f"client {found} has no row here: there are those of {list(self.rows)}, from submit")
        return found

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


class NaiveRung(Rung):
    """Rung 0: every number at 18 decimals in a slot of its own."""

    artifact, title, trust = "Rung0Naive", "a slot a number", "nobody"
    gas, limit, most_played = staticmethod(gas_model.naive), staticmethod(gas_model.nothing), 100_000

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return [encode(["int256[]"], [[int(v) * ETH for v in row]])]

    def work(self, values: np.ndarray) -> None:
        """Average, then score."""
        number = self.round
        for operation in ("aggregate", "score"):
            self._send(operation, [(self.contract.functions.work(number, b""), self.worker)])
            if self.phase != "Open":  # an interrupted work had averaged
                return


class PackedRung(Rung):
    """Rung 1: 32 numbers a slot, in as many transactions as the gas cap asks for."""

    artifact, title, trust = "Rung1Packed", "32 numbers a slot", "nobody"
    gas, limit = staticmethod(gas_model.packed), staticmethod(gas_model.nothing)
    most_played = 1_000_000  # anvil keeps all states, which takes memory

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return lanes.chunks_of(lanes.pack(row), 32 * lanes.WORDS_PER_PAGE)

    def work(self, values: np.ndarray) -> None:
        """Sum and score page by page."""
        number, count = self.round, lanes.count_stored_chunks_at_once(len(self.weights))
        left = math.ceil(self.parameters / lanes.CHUNK) - len(self._said("Sums", number))
        call = self.contract.functions.work(number, count.to_bytes(32, "big"))
        self._send("work", [(call, self.worker)] * max(1, math.ceil(left / count)))


class CalldataRung(Rung):
    """Rung 2: commitments first, then all data once, in calldata."""

    artifact, title, trust = "Rung2Calldata", "calldata, recomputed in full", "nobody"
    gas, limit, most_played = staticmethod(gas_model.calldata), staticmethod(gas_model.chunk), 10_000_000

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return [lanes.compute_heads(lanes.chunks_of(lanes.pack(row)))[0]]

    def work(self, values: np.ndarray) -> None:
        """Recompute the round, as many chunks a transaction as its size allows.

        Args:
            values: rows of the clients that have submitted, in order, and no others.
        """
        rows = [lanes.chunks_of(lanes.pack(row)) for row in lanes.as_int8(values)]
        number, _, _, _, submitted, _ = self.contract.functions.currentRound().call()
        if len(rows) != (n := submitted.bit_count()):
            raise InvalidInput(f"values have {len(rows)} rows, {n} clients have submitted: give theirs alone, in order")
        heads, total = [lanes.compute_heads(row) for row in rows], math.ceil(self.parameters / lanes.CHUNK)
        count = lanes.count_sent_chunks_at_once(n, len(rows[0][0]))
        stop = 0
        while stop < total:
            state = self._state("chunks", "digest", "heads", "scores") or (0, bytes(32), [], [])
            start, stop = state[0], min(state[0] + count, total)
            data = b"".join(row[k] for k in range(start, stop) for row in rows)
            step = (state, stop - start, [head[stop] for head in heads], data)
            payload = encode(["((uint256,bytes32,bytes32[],int256[]),uint256,bytes32[],bytes)"], [step])
            self._send("work", [(self.contract.functions.work(number, payload), self.worker)])
