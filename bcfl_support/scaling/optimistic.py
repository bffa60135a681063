"""Rung 3: somebody, client or not, proposes the result, anybody may prove it wrong; a bond pays for the proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from eth_abi import encode
from web3.types import TxReceipt

from bcfl_support.checks import check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.rungs import DepositRung, RoundBill


class OptimisticRung(DepositRung):
    """Rung 3: clients log their data, somebody proposes the result, anybody may refute it.

    Attributes:
        rows: the packed rows that clients committed to, by client, in the order of their submissions.
        blob_hashes: versioned hashes of their parts' blobs, by client; zeros on rung 3.
        tree: the tree behind the current proposal; None: there is none yet.
    """

    artifact, title, trust = "Rung3Optimistic", "optimistic, data logged", "one honest watcher"
    gas, limit, most_played = staticmethod(gas_model.optimistic), staticmethod(gas_model.proof), 10_000_000
    _scores_event = "Proposed"  # with which the round finished

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.rows: dict[int, bytes] = {}
        self.blob_hashes: dict[int, list[bytes]] = {}
        self.tree: lanes.SumTree | None = None
        self.deposit(self.worker, self.terms.bond)
        self.deposit(self.watcher, 100 * self.terms.fee)

    def _arguments(self) -> tuple[Any, ...]:
        t = self.terms
        config, clients, weights = super()._arguments()
        return (config, (t.window_seconds, t.bond, t.fee, t.stake), clients, weights)

    def open(self) -> None:
        """Open the next round, with an empty bill."""
        super().open()
        self.rows, self.blob_hashes, self.tree = {}, {}, None

    def play(self, values: np.ndarray) -> RoundBill:
        """A whole round, see `Rung.play`; `InvalidInput` before it is open if nobody could propose its result."""
        if (free := self.get_available(self.worker)) < self.terms.bond:
            lacks = f"the worker has {free:,} wei free, a proposal's bond is {self.terms.bond:,}"
            raise InvalidInput(f"{lacks}: deposit(rung.worker, …) first")
        return super().play(values)

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's submission, or that of some; see `Rung.submit`."""
        chosen = self._check(values, clients)
        super().submit(values, chosen)
        for i in chosen:
            self.rows[i] = lanes.pack(values[i])
            self.blob_hashes[i] = [bytes(32)] * len(lanes.part_trees(self.rows[i]))

    def _payloads(self, row: np.ndarray) -> list[bytes]:
        return lanes.chunks_of(lanes.pack(row), lanes.PART * lanes.CHUNK)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores).root

    def honest_tree(self) -> lanes.SumTree:
        """The tree that the committed data give, without the clients that were put out."""
        taking, there = self._taking_part(), int(self.contract.functions.currentRound().call()[4])
        if there != sum(1 << i for i in self.rows):
            raise InvalidInput(f"rows are kept of clients {list(self.rows)}, the contract has others: submit here")
        values = np.zeros((len(self.weights), self.parameters), dtype=np.int8)
        for i in taking:
            values[i] = lanes.unpack(self.rows[i], self.parameters)
        exact = self.expected(values, taking)
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores)

    def propose(self, tree: lanes.SumTree, scores: Sequence[int] | None = None) -> None:
        """Propose a tree's root and total, or other scores than its total.

        Args:
            tree: what the proposal claims.
            scores: claimed scores; None: the tree's total.
        """
        claim = [self.contract.functions.basis().call(), tree.root, tree.total if scores is None else scores]
        payload = encode(["bytes32", "bytes32", "int256[]"], claim)
        self._send("propose", [(self.contract.functions.work(self.round, payload), self.worker)])
        self.tree = tree

    def work(self, values: np.ndarray) -> None:
        """Propose the honest result, wait for the window to pass, finalize."""
        self.propose(self.honest_tree())
        self.finalize()

    def finalize(self) -> None:
        """Wait until the window has passed, then end the round."""
        deadline = self.contract.functions.proposal().call()[1]
        if self.chain.timestamp < deadline:
            self.chain.advance_time(deadline - self.chain.timestamp)
        self._send("finalize", [(self.contract.functions.finalize(self.round), self.worker)])

    # ------------------------------------------------------------ dispute
    def submissions(self) -> list[tuple[int, list[bytes], list[bytes]]]:
        """All submissions in order, as the contract wants to see them again."""
        return [(i, [t.root for t in lanes.part_trees(row)], self.blob_hashes[i]) for i, row in self.rows.items()]

    def evidence(self, chunk: int) -> tuple[Any, bytes, list[bytes]]:
        """Everything a chunk is computed from.

        Args:
            chunk: its number, from 0.

        Returns:
            (submissions, the clients' rows of it one after the other, their Merkle proofs).
        """
        data, proofs = b"", []
        for i in self._taking_part() if chunk < -(-self.parameters // lanes.CHUNK) else []:
            data += lanes.chunks_of(self.rows[i])[chunk]
            proofs += lanes.part_trees(self.rows[i])[chunk // lanes.PART].proof(chunk % lanes.PART)
        return self.submissions(), data, proofs

    def _taking_part(self) -> list[int]:
        """Who submitted, in order, without those that were put out."""
        out = int(self.contract.functions.excluded().call())
        return [i for i in self.rows if not out >> i & 1]

    def demand(self, chunk: int) -> TxReceipt:
        """The watcher asks the proposer for a chunk of the proposal that stands now.

        The fee is the proposer's when the proposal becomes final; `reclaim` gives it back when it falls.

        Args:
            chunk: its number, from 0.

        Raises:
            ContractError: nothing is proposed, the window has passed, or the chunk was asked for before.
        """
        proposed = self.contract.functions.proposedDigest().call()
        return self._call("demand", self.contract.functions.demand(self.round, proposed, chunk), self.watcher)

    def expire(self, chunk: int) -> TxReceipt:
        """The watcher states, when the time has passed, that no answer came.

        Args:
            chunk: number of the chunk it asked for.

        Raises:
            ContractError: the chunk was not asked for, or the time to answer has not passed.
        """
        return self._call("expire", self.contract.functions.expire(self.round, chunk), self.watcher)

    def prove_chunk(self, chunk: int) -> TxReceipt:
        """The watcher shows that a leaf of the tree proposed last is not what the data give.

        Args:
            chunk: number of the leaf's chunk, from 0.

        Returns:
            The receipt.

        Raises:
            InvalidInput: nothing was proposed yet, or its tree has no such leaf.
            ContractError: the leaf is right (RungNoFraud), or something in the evidence is wrong.
        """
        if self.tree is None:
            raise InvalidInput("tree is None; a proof opens a leaf of the tree that was proposed: call propose first")
        chunk = check_whole("chunk", chunk, 0, len(self.tree.levels[0]) - 1, why="the tree has no other")
        opening = (self.tree.leaf(chunk), self.tree.path(chunk), self.evidence(chunk))
        return self._call("proveChunk", self.contract.functions.proveChunk(self.round, chunk, *opening), self.watcher)

    def find_fraud(self, tree: lanes.SumTree) -> int | None:
        """The first chunk whose leaf in `tree` differs from the honest one; None if they are equal.

        Args:
            tree: what was proposed, over as many leaves as the honest one.
        """
        honest = self.honest_tree()
        pairs = zip(tree.levels[0], honest.levels[0], strict=True)
        return next((k for k, (claimed, true) in enumerate(pairs) if claimed != true), None)
