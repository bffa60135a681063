"""The gas ladder at work: five contracts for the same round, and everybody who takes part in it.

::

    rung 0  a slot a number             rung 1  32 numbers a slot       rung 2  calldata, recomputed in full
    rung 3  optimistic, data logged     rung 4  optimistic, data in blobs

`start_rung` puts one on a chain; `play` runs a round from the opening to the scores and keeps its bill. On rungs 3
and 4 the steps are there one by one as well, honest or not: propose any result, challenge it, demand an answer.
Scores and sums are exact integers on every rung (`lanes.compute_round`).
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from eth_abi import encode
from eth_utils import to_checksum_address
from hexbytes import HexBytes
from web3.contract import Contract
from web3.types import TxReceipt

from . import chain as chains
from . import gas, lanes
from .errors import InvalidUpdate, ServiceError, TransactionFailed

ETH = 10**18

_BLOB_TRANSACTION_GAS = 1_000_000


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


RUNGS = (
    RungInfo(0, "Rung0Naive", "a slot a number", "nobody"),
    RungInfo(1, "Rung1Packed", "32 numbers a slot", "nobody"),
    RungInfo(2, "Rung2Calldata", "calldata, recomputed in full", "nobody"),
    RungInfo(3, "Rung3Optimistic", "optimistic, data logged", "one honest watcher"),
    RungInfo(4, "Rung4Blobs", "optimistic, data in blobs", "one honest watcher, within 18 days"),
)


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
        max_tx_gas: the dearest transaction.
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


def start_rung(
    chain: chains.Chain, number: int, weights: Sequence[int], parameters: int, terms: Terms | None = None
) -> Rung:
    """Deploy a rung for clients 0 … n−1, which are the chain's first n accounts.

    Args:
        chain: where.
        number: 0 to 4.
        weights: sample counts w_i, with a sum of at most 2,048.
        parameters: P.
        terms: None: the defaults.

    Raises:
        ValueError: there is no such rung.
        InvalidUpdate: more clients than the chain has accounts to spare.
    """
    kinds = (NaiveRung, PackedRung, CalldataRung, OptimisticRung, BlobRung)
    if number not in range(len(kinds)):
        raise ValueError(f"rung = {number}, but the ladder has rungs 0 to {len(kinds) - 1}")
    if len(weights) + 3 > len(chain.accounts):
        raise InvalidUpdate(
            f"{len(weights)} clients, a proposer and two watchers need {len(weights) + 3} accounts, this chain has "
            f"{len(chain.accounts)}; start it with more"
        )
    return kinds[number](chain, RUNGS[number], weights, parameters, terms or Terms())


class Rung:
    """One deployed rung and the round it is in.

    Attributes:
        contract: the web3 contract.
        clients: addresses, client 0 first.
        worker: the account that works and proposes.
        watcher: the account that watches and challenges.
        ledger: the bill of everything sent since the round was opened.
    """

    def __init__(
        self, chain: chains.Chain, info: RungInfo, weights: Sequence[int], parameters: int, terms: Terms
    ) -> None:
        self.chain, self.info, self.terms = chain, info, terms
        self.weights, self.parameters = tuple(int(w) for w in weights), parameters
        n = len(self.weights)
        self.clients = chain.accounts[:n]
        self.worker, self.watcher = chain.accounts[n], chain.accounts[n + 1]
        artifact = chains.load_artifact(info.contract)
        self.contract: Contract = chain.deploy(artifact, *self._arguments(), sender=self.worker)[0]
        self.ledger = gas.GasLedger()
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
        self.ledger, self.blobs = gas.GasLedger(), 0
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
            size = len(chains.calldata(call))
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


# ---------------------------------------------------------------- rungs 3 and 4
class OptimisticRung(Rung):
    """Rung 3: clients log their data, somebody proposes the result, anybody may refute it.

    Attributes:
        order: clients in the order of their submissions.
        rows: the packed rows they committed to, by client.
        blob_hashes: versioned hashes of their parts' blobs, by client; zeros on rung 3.
        tree: the tree behind the current proposal, if we made it.
        claimed: the scores it claims.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.order: list[int] = []
        self.rows: dict[int, bytes] = {}
        self.blob_hashes: dict[int, list[bytes]] = {}
        self.tree: lanes.SumTree | None = None
        self.claimed: tuple[int, ...] = ()
        self.deposit(self.worker, self.terms.bond)
        self.deposit(self.watcher, 10 * self.terms.fee)

    def _arguments(self) -> tuple[Any, ...]:
        t = self.terms
        config, clients, weights = super()._arguments()
        return (config, (t.window_seconds, t.bond, t.fee, t.stake), clients, weights)

    def deposit(self, account: str, amount: int) -> None:
        """Put money down. Not on the round's bill."""
        self.chain.send(self.contract.functions.deposit(), sender=account, value=amount)

    def get_deposit(self, account: str) -> int:
        """What an account has put down and not lost, in wei."""
        return int(self.contract.functions.depositOf(account).call())

    def get_available(self, account: str) -> int:
        """The part of it that no bond or stake ties up, in wei."""
        return int(self.contract.functions.availableOf(account).call())

    def open(self) -> None:
        """Open the next round, with an empty bill."""
        self.order, self.rows, self.blob_hashes, self.tree = [], {}, {}, None
        super().open()

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's submission, or that of some; see `Rung.submit`."""
        chosen = list(range(len(self.weights)) if clients is None else clients)
        super().submit(values, chosen)
        for i in chosen:
            self._remember(i, lanes.pack(values[i]))

    def _remember(self, client: int, row: bytes, blob_hashes: list[bytes] | None = None) -> None:
        self.order.append(client)
        self.rows[client] = row
        self.blob_hashes[client] = blob_hashes or [bytes(32)] * len(lanes.part_trees(row))

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        data, size = lanes.pack(row), lanes.PART * lanes.CHUNK
        return [data[start : start + size] for start in range(0, len(data), size)]

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores).root

    def honest_tree(self) -> lanes.SumTree:
        """The tree that the committed data give, without the clients that were put out."""
        out = int(self.contract.functions.excluded().call())
        taking = sorted(i for i in self.order if not out >> i & 1)
        packed = np.stack([np.frombuffer(self.rows[i], dtype=np.uint8) for i in taking])[:, : self.parameters]
        values = (packed.astype(np.int16) - lanes.BIAS).astype(np.int8)
        full = np.zeros((len(self.weights), self.parameters), dtype=np.int8)
        full[taking] = values
        exact = self.expected(full, taking)
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores)

    def propose(self, tree: lanes.SumTree, scores: Sequence[int] | None = None, sender: str | None = None) -> None:
        """Propose a tree's root and total, or other scores than its total.

        Args:
            tree: what the proposal claims.
            scores: claimed scores; None: the tree's total.
            sender: the proposer; None: the worker.
        """
        payload = encode(["bytes32", "int256[]"], [tree.root, list(tree.total if scores is None else scores)])
        self._send("propose", [(self.contract.functions.work(self.round, payload), sender or self.worker)])
        self.tree, self.claimed = tree, tuple(tree.total if scores is None else scores)

    def work(self, values: np.ndarray) -> None:
        """Propose the honest result, wait for the window to pass, finalise."""
        self.propose(self.honest_tree())
        self.finalize()

    def finalize(self) -> None:
        """Wait until the window has passed, then end the round."""
        deadline = self.contract.functions.proposal().call()[1]
        if self.chain.timestamp < deadline:
            self.chain.advance_time(deadline - self.chain.timestamp)
        self._send("finalize", [(self.contract.functions.finalize(self.round), self.worker)])

    def scores(self) -> tuple[int, ...]:
        """S_i of the finished round, as they were proposed."""
        return self._scores_in(self.contract.events.Proposed())

    # ------------------------------------------------------------ dispute
    def submissions(self) -> list[tuple[int, list[bytes], list[bytes]]]:
        """All submissions in order, as the contract wants to see them again."""
        return [(i, [t.root for t in lanes.part_trees(self.rows[i])], self.blob_hashes[i]) for i in self.order]

    def evidence(self, chunk: int) -> tuple[Any, bytes, list[bytes]]:
        """Everything a chunk is computed from: submissions, rows, Merkle proofs."""
        out = int(self.contract.functions.excluded().call())
        data, proofs = b"", []
        for i in self.order if chunk < -(-self.parameters // lanes.CHUNK) else []:
            if not out >> i & 1:
                data += lanes.chunks_of(self.rows[i])[chunk]
                proofs += lanes.part_trees(self.rows[i])[chunk // lanes.PART].proof(chunk % lanes.PART)
        return self.submissions(), data, proofs

    def demand(self, chunk: int) -> TxReceipt:
        """The watcher asks the proposer for a chunk."""
        return self._challenge("demand", self.contract.functions.demand(self.round, chunk))

    def answer(self, chunk: int, tree: lanes.SumTree | None = None) -> TxReceipt:
        """The proposer opens a chunk of its tree."""
        leaf, path = self._opening(chunk, tree)
        return self._challenge("answer", self.contract.functions.answer(self.round, chunk, leaf, path), self.worker)

    def expire(self, chunk: int) -> TxReceipt:
        """The watcher states, when the time has passed, that no answer came."""
        return self._challenge("expire", self.contract.functions.expire(self.round, chunk))

    def prove_chunk(self, chunk: int, tree: lanes.SumTree | None = None) -> TxReceipt:
        """The watcher shows that the proposed tree's leaf is not what the data give.

        Args:
            chunk: which.
            tree: the proposed tree as far as it is known; None: the one of the last `propose`.

        Raises:
            ContractError: the leaf is right (RungNoFraud), or something in the evidence is wrong.
        """
        leaf, path = self._opening(chunk, tree)
        call = self.contract.functions.proveChunk(self.round, chunk, leaf, path, self.evidence(chunk))
        return self._challenge("proveChunk", call)

    def prove_total(self, chunk: int = 0, tree: lanes.SumTree | None = None) -> TxReceipt:
        """The watcher shows that the tree's scores do not add up to the proposed ones."""
        leaf, path = self._opening(chunk, tree)
        return self._challenge(
            "proveTotal", self.contract.functions.proveTotal(self.round, chunk, leaf, path, list(self.claimed))
        )

    def _opening(self, chunk: int, tree: lanes.SumTree | None) -> tuple[Any, Any]:
        chosen = tree or self.tree
        if chosen is None:
            raise ValueError("no tree is known for this proposal; give the one it was made from")
        return chosen.leaf(chunk), chosen.path(chunk)

    def _challenge(self, operation: str, call: Any, sender: str | None = None) -> TxReceipt:
        """Send with an estimate first, so that a refusal says why."""
        receipt = self.chain.send(call, sender=sender or self.watcher)
        self._note(operation, receipt, len(chains.calldata(call)))
        return receipt

    def find_fraud(self, tree: lanes.SumTree) -> int | None:
        """The first chunk whose leaf in `tree` differs from the honest one; None if they are equal."""
        honest = self.honest_tree()
        pairs = zip(tree.levels[0], honest.levels[0], strict=True)
        return next((k for k, (claimed, true) in enumerate(pairs) if claimed != true), None)

    def balances(self) -> tuple[int, int]:
        """What the contract holds, and what it owes: Σ deposits + burned + fees of open demands (not counted here)."""
        functions = self.contract.functions
        accounts = [*self.clients, self.worker, self.watcher, self.chain.accounts[len(self.clients) + 2]]
        owed = sum(int(functions.depositOf(account).call()) for account in accounts)
        return int(self.chain.w3.eth.get_balance(self.contract.address)), owed + int(functions.burned().call())


class BlobRung(OptimisticRung):
    """Rung 4: as rung 3, with the data in blobs and only their Merkle roots in calldata."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if not self.chain.local:
            raise ServiceError("blobs are signed with the local chain's keys; start a local chain for rung 4")
        for client in self.clients:
            self.deposit(client, self.terms.stake)

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's blobs and roots, or those of some; see `Rung.submit`."""
        self._check(values)
        for i in range(len(self.weights)) if clients is None else clients:
            self.submit_row(i, lanes.pack(values[i]))

    def submit_row(self, client: int, row: bytes, blobs: Sequence[bytes] | None = None) -> None:
        """One client's submission.

        Args:
            client: its index.
            row: what its Merkle roots commit to.
            blobs: what it publishes; None: the same row.
        """
        chunks, number = lanes.chunks_of(row), self.round
        parts = [chunks[start : start + lanes.PART] for start in range(0, len(chunks), lanes.PART)]
        roots = [tree.root for tree in lanes.part_trees(row)]
        published = list(blobs) if blobs is not None else [lanes.to_blob(part) for part in parts]
        hashes: list[bytes] = []
        for start in range(0, len(parts), lanes.BLOBS_PER_TRANSACTION):
            stop = start + lanes.BLOBS_PER_TRANSACTION
            call = self.contract.functions.submit(number, b"".join(roots[start:stop]))
            receipt, found = send_blobs(self.chain, call, client, published[start:stop])
            self._note("submit", receipt, len(chains.calldata(call)))
            hashes += found
        self.blobs += len(hashes)
        self._remember(client, row, hashes)

    # ------------------------------------------------------------ data in dispute
    def demand_data(self, client: int, chunk: int) -> TxReceipt:
        """The watcher asks a client for a chunk of what it committed to."""
        return self._challenge("demandData", self.contract.functions.demandData(self.round, client, chunk))

    def answer_data(self, client: int, chunk: int) -> TxReceipt:
        """The client shows it."""
        call = self.contract.functions.answerData(self.round, *self._chunk(client, chunk))
        return self._challenge("answerData", call, self.clients[client])

    def expire_data(self, client: int, chunk: int) -> TxReceipt:
        """The watcher states that the client has not shown it in time."""
        return self._challenge("expireData", self.contract.functions.expireData(self.round, client, chunk))

    def prove_data(self, client: int, chunk: int, blob: bytes, element: int | None = None) -> TxReceipt:
        """The watcher shows that the client's blob holds something else than the chunk it committed to.

        Args:
            client: its index.
            chunk: which chunk.
            blob: the blob of the chunk's part, as published.
            element: an element of the chunk that differs; None: the first.

        Raises:
            ValueError: none differs.
            ContractError: the element agrees, or the opening is wrong.
        """
        data = lanes.chunks_of(self.rows[client])[chunk]
        first = lanes.ELEMENTS * (chunk % lanes.PART)
        if element is None:
            true = lanes.to_blob([data])
            places = range(-(-len(data) // 31))
            differs = (k for k in places if blob[32 * (first + k) :][:32] != true[32 * k :][:32])
            found = next(differs, None)
            if found is None:
                raise ValueError(f"chunk {chunk} of client {client} is what its blob holds")
            element = first + found
        call = self.contract.functions.proveData(
            self.round, *self._chunk(client, chunk), compute_opening(blob, element)
        )
        return self._challenge("proveData", call)

    def _chunk(self, client: int, chunk: int) -> tuple[Any, ...]:
        proof = lanes.part_trees(self.rows[client])[chunk // lanes.PART].proof(chunk % lanes.PART)
        data = lanes.chunks_of(self.rows[client])[chunk]
        return (self.submissions(), self.order.index(client), chunk, data, proof)


# ---------------------------------------------------------------- blobs on the wire
_ROOT_OF_UNITY = 0x564C0A11A0F704F4FC3E8ACFE0F8245F0AD1347B378FBF96E206DA11A5D36306
_FIELD = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001


@functools.cache
def _trusted_setup() -> Any:
    """Ethereum's KZG set-up, which eth_account ships; loading it takes two seconds, once."""
    import ckzg
    import eth_account

    folder = eth_account.__path__[0]
    return ckzg.load_trusted_setup(f"{folder}/typed_transactions/blob_transactions/kzg_trusted_setup.txt", 0)


@functools.lru_cache(maxsize=64)
def _commit(blob: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """A blob's KZG commitment and the proofs of its 128 cells, which the network samples (EIP-7594); half a second."""
    import ckzg

    setup = _trusted_setup()
    return ckzg.blob_to_kzg_commitment(blob, setup), tuple(ckzg.compute_cells_and_kzg_proofs(blob, setup)[1])


def compute_versioned_hash(commitment: bytes) -> bytes:
    """A blob's name on chain: the byte 1 and the last 31 bytes of the commitment's SHA-256 (EIP-4844).

    >>> compute_versioned_hash(bytes(48)).hex()[:8]
    '01b0761f'
    """
    return b"\x01" + hashlib.sha256(commitment).digest()[1:]


def compute_opening(blob: bytes, element: int) -> tuple[int, int, bytes, bytes]:
    """Open one element of a blob: (element, value, commitment, proof), as the contract takes it.

    The blob's polynomial has the value of element e at ω^brp(e), with ω of order 4,096 and brp the reversal of 12 bits
    (EIP-4844).

    Args:
        blob: 131,072 bytes.
        element: 0 to 4,095.
    """
    import ckzg

    setup = _trusted_setup()
    point = pow(_ROOT_OF_UNITY, int(f"{element:012b}"[::-1], 2), _FIELD)
    proof, value = ckzg.compute_kzg_proof(blob, point.to_bytes(32, "big"), setup)
    return element, int.from_bytes(value, "big"), _commit(blob)[0], proof


def send_blobs(chain: chains.Chain, call: Any, account: int, blobs: Sequence[bytes]) -> tuple[TxReceipt, list[bytes]]:
    """Send a call together with blobs, signed by one of the local chain's accounts.

    Args:
        chain: a local chain.
        call: a contract function.
        account: number of the account.
        blobs: 131,072 bytes each.

    Returns:
        The receipt and the blobs' versioned hashes.
    """
    import rlp
    from eth_account import Account
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    key = Account.from_key(key_from_seed(seed_from_mnemonic(chains.MNEMONIC, ""), f"m/44'/60'/0'/0/{account}"))
    commitments, proofs = zip(*(_commit(bytes(blob)) for blob in blobs), strict=True)
    hashes = [compute_versioned_hash(commitment) for commitment in commitments]
    transaction: dict[str, Any] = {
        "type": 3,
        "chainId": chain.w3.eth.chain_id,
        "nonce": chain.w3.eth.get_transaction_count(key.address),
        "to": to_checksum_address(call.address),
        "value": 0,
        "gas": _BLOB_TRANSACTION_GAS,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**9,
        "maxFeePerBlobGas": 10**12,
        "data": chains.calldata(call),
        "blobVersionedHashes": hashes,
    }
    # On the wire the signed transaction is wrapped together with blobs, commitments and cell proofs (EIP-7594).
    signed = rlp.decode(bytes(key.sign_transaction(transaction).raw_transaction)[1:])
    cells = [proof for each in proofs for proof in each]
    raw = b"\x03" + rlp.encode([signed, 1, list(blobs), list(commitments), cells])
    receipt = chain.w3.eth.wait_for_transaction_receipt(chain.w3.eth.send_raw_transaction(HexBytes(raw)))
    if receipt["status"] != 1:
        raise TransactionFailed(
            f"the blob transaction of account {account} was mined and failed; was it this client's turn?"
        )
    return receipt, hashes
