"""What every rung of the ladder does: a round, its rows, its bill, and what an interrupt or a revert leaves of them."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from hexbytes import HexBytes
from web3.contract import Contract
from web3.types import TxReceipt

from bcfl_support.chain import OSAKA, Chain, GasLedger, GasSchedule, encode_call, load_artifact, require_kept
from bcfl_support.checks import check_rows
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
        brings_blobs: whether transactions of a round carry blobs, which we can sign on a chain of ours alone.
        keeps_rows: whether work and disputes need the rows of a round, in the order of their submissions.
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
    keeps_rows = brings_blobs = False
    _scores_event = "Finished"

    def __init__(self, chain: Chain, number: int, weights: Sequence[int], parameters: int) -> None:
        self.chain, self.number = chain, number
        self.weights, self.parameters, self._named = tuple(int(w) for w in weights), parameters, weights
        if self.brings_blobs:
            chain.require_own("sign blobs")
        n = len(self.weights)
        self.clients = self._order(chain.accounts[:n])
        self.worker, self.watcher = chain.accounts[n], chain.accounts[n + 1]
        chain.explain(EXPLANATIONS)
        self._deployed = chain.deploy(load_artifact(self.artifact), *self._arguments(), sender=self.worker)
        self._begin()

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
        self._begin(lost=True)  # until it is noted; an interrupt before is found by `_stated`
        self._note("open", receipt, call)
        self._lost = False

    def _begin(self, *, lost: bool = False) -> None:
        self.ledger, self.rows = GasLedger(), dict[int, Any]()
        self._lost = lost  # whether an interrupt may have kept a transaction from the bill
        self._blocks: list[TxReceipt] = []  # of the ledger's entries
        self._in: dict[int, bytes] = {}  # by which transaction a row came into the round, where that is known
        self._current = self._number()  # what they are of; last, so that an interrupt before leaves another

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
        for i in chosen:  # before it is sent: what was mined when a refusal, or an interrupt, came stands
            self._in.pop(i, None)
            self._keep(i, rows[i])
        try:
            self._send("submit", sent)
        finally:
            self._sort_rows()

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
            InvalidInput: a transaction needs more gas than the chain lets it have; nor then.
        """
        self._check(values)
        cost = self.gas(len(self.weights), self.parameters, OSAKA)
        if cost.max_tx_gas > (most := self.chain.tx_gas_cap):
            needs = f"a transaction of this round needs {cost.max_tx_gas:,.0f} gas, and may use {most:,}"
            raise InvalidInput(f"{needs}: take fewer parameters, another rung, or Chain.start(tx_gas_cap=False)")
        self.open()
        self.submit(values)
        self.work(values)
        return self.bill()

    def bill(self) -> RoundBill:
        """What the round has cost who sent through this object, and its results if it is finished.

        Raises:
            InvalidInput: nothing has been sent in this round, or a revert of the chain has undone it.

        Warns where an interrupt, or a revert into this round, may have kept a transaction from being noted.
        """
        number, functions, entries = self._stated(), self.contract.functions, self.ledger.entries
        there = self.chain.block_hashes({receipt["blockNumber"] for receipt in self._blocks})
        kept = {HexBytes(r["transactionHash"]).to_0x_hex(): r for r in self._blocks if r["blockHash"] in there}
        self._blocks = list(kept.values())
        entries[:] = {entry.transaction: entry for entry in entries if entry.transaction in kept}.values()
        if not (self.round and entries):
            raise InvalidInput(
                "nothing was sent in this round, or a revert has undone it: there is no bill, play a round"
            )
        if self._lost:
            warnings.warn(f"round {number} was interrupted: its bill may lack a transaction", stacklevel=2)
        return RoundBill(
            rung=self.number,
            clients=len(self.weights),
            parameters=self.parameters,
            scores=self.scores() if self._is_over() else (),
            result_digest=bytes(functions.resultDigest().call()),
            gas=self.ledger.totals(),
            max_tx_gas=max(entry.gas_used for entry in entries),
            max_calldata_bytes=max(entry.calldata_bytes for entry in entries),
            transactions=len(entries),
            blobs=sum(cast(Any, receipt).get("blobGasUsed", 0) for receipt in self._blocks) // gas_model.BLOB_GAS,
        )

    def _is_over(self) -> bool:
        """Whether the round that the bill is of is the last that has finished."""
        return bool(self.contract.functions.currentRound().call()[1] == self._stated())

    def scores(self) -> tuple[int, ...]:
        """S_i of the finished round, from its event; empty if there is none."""
        said = self._said(self._scores_event, self.contract.functions.currentRound().call()[1])
        return tuple(said[-1]["scores"]) if said else ()

    def expected(self, values: np.ndarray, clients: Iterable[int] | None = None) -> lanes.ExactRound:
        """What the round must give with these clients, in exact integers; others have score 0."""
        check_rows({"values": values, "the weights": self._named})
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
        data, opened = [encode_call(call) for call in calls], self._logs("RoundOpened", self.round)
        for number in range(opened[-1]["blockNumber"], eth.block_number + 1) if opened and calls[1:] else []:
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

    def _stated(self) -> int:
        """Number of the round that rows and bill are of; what an interrupt or a revert left of another is forgotten."""
        if self._current not in (self.round, self._number()):
            self._begin(lost=True)
        return self._current

    def _number(self) -> int:
        """Of the round that is submitted to."""
        return self.round

    def _logs(self, event: str, number: int) -> list[Any]:
        """The contract's events of a round, oldest first."""
        logs = self.chain.events(self.contract.events[event](), self._deployed[1]["blockNumber"])
        return [log for log in logs if log["args"]["round"] == number]

    def _said(self, event: str, number: int) -> list[Any]:
        """Their arguments."""
        return [log["args"] for log in self._logs(event, number)]

    def _state(self, *names: str) -> tuple[Any, ...]:
        """Where the work of the round stands, as its last event has it; empty before the first."""
        said = self._said("Worked", self.round)
        return tuple(said[-1]["state"][name] for name in names) if said else ()

    def _check(self, values: Any, clients: Iterable[int] | None = None) -> tuple[np.ndarray, list[int]]:
        """The values, and who submits; a table of pandas has rows only as an array, and pairs by name with weights."""
        check_rows({"values": values, "the weights": self._named})
        rows, shape = lanes.as_int8(values), (len(self.weights), self.parameters)
        if rows.shape != shape:
            raise InvalidUpdate(f"values have shape {rows.shape}, this rung takes {shape}: give one row a client")
        return rows, lanes.check_clients(clients, len(self.weights))

    def _admit(self, values: Any, clients: Iterable[int] | None) -> tuple[np.ndarray, list[int]]:
        """As `_check`, and nobody has submitted yet."""
        rows, chosen = self._check(values, clients)
        self._refuse_again(chosen)
        return rows, chosen

    def _refuse_again(self, chosen: Sequence[int]) -> None:
        """Refuse who has submitted: what is kept of the first submission is not overwritten."""
        if self._current != self._number():  # rows and bill are of another, which is over if it is the last
            self._begin(lost=self._current != self.round)
        number, _, _, _, submitted, phase = self.contract.functions.currentRound().call()
        if done := [i for i in chosen if phase and submitted >> i & 1]:
            raise InvalidInput(f"clients {done} have submitted to round {number} already: give the others, clients=[…]")

    def _sort_rows(self) -> list[int]:
        """Forget rows that a refusal or a revert keeps from being in the round; whom the contract has, in order."""
        logs = self._logs("Submitted", self._number())
        there = {log["args"]["client"]: bytes(log["transactionHash"]) for log in logs}
        if self.keeps_rows:
            kept = {i: self._in.setdefault(i, sent) for i, sent in there.items() if i in self.rows}
            self.rows = {i: self.rows[i] for i in kept if kept[i] == there[i]}
            self._in = {i: kept[i] for i in self.rows}
        return list(there)

    def _require_rows(self) -> None:
        """Rows of whom the contract has in the round, in its order, and no others."""
        if (there := self._sort_rows()) != list(self.rows):
            has = f"rows are kept of clients {list(self.rows)}, the contract has {there} in this round"
            raise InvalidInput(f"{has}: submit through this object, or let the round pass")

    def _bits(self, name: str) -> list[int]:
        """Clients of whom a function of the contract says something, a bit each. Ascending."""
        bits = int(self.contract.functions[name]().call())
        return [i for i in range(len(self.weights)) if bits >> i & 1]

    def _client(self, client: Any) -> int:
        """Index of a client; `InvalidInput` if there is none."""
        return lanes.check_clients([client], len(self.weights))[0]

    def _holder(self, client: Any) -> int:
        """The same, of one whose row is here, of the round that goes on."""
        self._stated()
        if (found := self._client(client)) not in self.rows:
            raise InvalidInput(f"client {found} has no row here: there are those of {list(self.rows)}, from submit")
        return found

    def _send(self, operation: str, calls: Sequence[tuple[Any, str]]) -> list[TxReceipt]:
        """Send, wait, and note on the bill what was mined. The gas limit is given: estimating runs everything twice."""
        limit = min(self.chain.tx_gas_cap, self.chain.block_gas_limit)
        receipts: list[TxReceipt] = []
        for start in range(0, len(calls), 16):  # one batch holds at most some 2 MB of calldata
            batch = [(call, sender, 0) for call, sender in calls[start : start + 16]]
            receipts += self._book(operation, batch, partial(self.chain.send_many, batch, gas=limit, check=False))
        return receipts

    def _call(self, operation: str, call: Any, sender: str, send: Callable[..., TxReceipt] | None = None) -> TxReceipt:
        """Send one, by `Chain.send` with an estimate first, so that a refusal says why, and costs nothing."""
        sent = partial(send or self.chain.send, call, sender=sender, check=False)
        return self._book(operation, [(call, sender, 0)], lambda: [sent()])[0]

    def _book(
        self, operation: str, batch: list[tuple[Any, str, int]], send: Callable[[], list[TxReceipt]]
    ) -> list[TxReceipt]:
        """Send, and note on the bill what was mined, also what failed, which is raised for then."""
        try:
            receipts = send()
            for (call, _, _), receipt in zip(batch, receipts, strict=True):
                self._note(operation, receipt, call)
        except KeyboardInterrupt:  # which may keep what was mined from the bill
            self._lost = True
            raise
        self.chain.check_receipts(batch, receipts)
        return receipts

    def _note(self, operation: str, receipt: TxReceipt, call: Any) -> None:
        self._stated()
        self._blocks.append(receipt)
        self.ledger.record(operation, receipt, calldata_bytes=len(encode_call(call)))
