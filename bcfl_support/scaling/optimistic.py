"""Rung 3: somebody, client or not, proposes the result, anybody may prove it wrong; a bond pays for the proof.

What all rungs share whose contract holds money is here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from eth_abi import encode
from web3.types import TxReceipt

from bcfl_support.chain import check_address
from bcfl_support.checks import check_kind, check_whole
from bcfl_support.errors import ContractError, InvalidInput
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.gas_model import RoundBill
from bcfl_support.scaling.rungs import Rung


class DepositRung(Rung):
    """A rung whose contract holds bonds or stakes: 3, 4, and from 6 on."""

    _backed: tuple[tuple[str, str, int], ...] = ()  # accounts, and what of which each must have for a round

    def deposit(self, account: str, amount: int) -> None:
        """Put money down. Not on the round's bill.

        Args:
            account: whose.
            amount: wei.
        """
        self.chain.send(self.contract.functions.deposit(), sender=account, value=amount)

    def _back(self, accounts: Sequence[str], what: str, amount: int) -> None:
        """Put down what accounts must have for a round, in as few blocks as hold it."""
        self._backed += tuple((account, what, amount) for account in accounts)
        self.chain.send_many([(self.contract.functions.deposit(), account, amount) for account in accounts])

    def get_deposit(self, account: str) -> int:
        """What an account has put down and not lost, in wei; `InvalidInput` for what is no address."""
        return int(self.contract.functions.depositOf(check_address("account", account)).call())

    def get_available(self, account: str) -> int:
        """The part of it that no bond or stake ties up, in wei; as `get_deposit`."""
        return int(self.contract.functions.availableOf(check_address("account", account)).call())

    def play(self, values: np.ndarray) -> RoundBill:
        """A whole round, see `Rung.play`.

        Raises:
            ServiceError: its window cannot be skipped. As what follows, before anything is sent.
            InvalidInput: a stake was lost, or the worker's bond, and not put down again.
        """
        self.chain.require_own("move the clock past the window")
        for account, what, needed in self._backed:
            if (held := self.get_deposit(account)) < needed:
                raise InvalidInput(f"{account} has put down {held:,} wei, {what} is {needed:,}: deposit(…) first")
        return super().play(values)

    def finalize(self) -> None:
        """Wait until the window has passed, then end the round.

        Raises:
            ContractError: a demand waits for its answer, or nothing is proposed. The clock stays where it is.
        """
        call = self.contract.functions.finalize(self.round)
        try:
            self.chain.check([(call, self.worker, 0)])
        except ContractError as refused:
            if refused.name not in ("RungChallengeOpen", "RungWindowOpen") or refused.values.get("openDemands"):
                raise
            self.chain.wait_until(cast(int, refused.values.get("deadline", refused.values.get("end"))))
        self._send("finalize", [(call, self.worker)])


class OptimisticRung(DepositRung):
    """Rung 3: clients log their data, somebody proposes the result, anybody may refute it.

    Attributes:
        rows: the packed rows that clients committed to, by client, in the order of their submissions.
        blob_hashes: versioned hashes of their parts' blobs, by client; zeros on rung 3.
        tree: the tree behind the current proposal; None: there is none yet.
    """

    artifact, title, trust = "Rung3Optimistic", "optimistic, data logged", "one honest watcher"
    gas, limit, most_played = staticmethod(gas_model.optimistic), staticmethod(gas_model.proof), 10_000_000
    keeps_rows = True
    _scores_event = "Proposed"  # with which the round finished

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._back([self.worker], "a proposal's bond", self.terms.bond)
        self.deposit(self.watcher, 100 * self.terms.fee)

    def _arguments(self) -> tuple[Any, ...]:
        t = self.terms
        config, clients, weights = super()._arguments()
        return (config, (t.window_seconds, t.bond, t.fee, t.stake), clients, weights)

    def _begin(self, *, lost: bool = False) -> None:
        self.blob_hashes: dict[int, list[bytes]] = {}
        self.tree: lanes.SumTree | None = None
        super()._begin(lost=lost)

    def _keep(self, client: int, row: np.ndarray) -> None:
        self.rows[client] = lanes.pack(row)
        self.blob_hashes[client] = [bytes(32)] * len(lanes.part_trees(self.rows[client]))

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return lanes.chunks_of(lanes.pack(row), lanes.PART * lanes.CHUNK)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores).root

    def honest_tree(self) -> lanes.SumTree:
        """The tree that the committed data give, without the clients that were put out."""
        self._require_rows()
        taking = self._taking_part()
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

        Raises:
            InvalidInput: no tree.
        """
        check_kind("tree", tree, lanes.SumTree, "a SumTree, such as honest_tree() makes")
        basis, claimed = self.contract.functions.basis().call(), tree.total if scores is None else scores
        payload = encode(["bytes32", "bytes32", "int256[]"], [basis, tree.root, claimed])
        try:
            self._send("propose", [(self.contract.functions.work(self.round, payload), self.worker)])
        finally:  # what an interrupt left standing has to be answered for
            if self._stands(tree.root, claimed):
                self.tree = tree

    def _stands(self, root: bytes, scores: Sequence[int]) -> bool:
        proposed = bytes(self.contract.functions.proposedDigest().call())
        return self.phase == "Proposed" and proposed == lanes.compute_result_digest(root, scores)

    def work(self, values: np.ndarray) -> None:
        """Propose the honest result, unless it stands already, wait for the window to pass, finalize."""
        if not self._stands((tree := self.honest_tree()).root, tree.total):
            self.propose(tree)
        self.finalize()

    # ------------------------------------------------------------ dispute
    def submissions(self) -> list[tuple[int, list[bytes], list[bytes]]]:
        """All submissions in order, as the contract wants to see them again."""
        self._require_rows()
        return [(i, [t.root for t in lanes.part_trees(row)], self.blob_hashes[i]) for i, row in self.rows.items()]

    def evidence(self, chunk: int) -> tuple[Any, bytes, list[bytes]]:
        """Everything a chunk is computed from.

        Args:
            chunk: its number, from 0.

        Returns:
            (submissions, the clients' rows of it one after the other, their Merkle proofs).
        """
        chunk, data, proofs = check_whole("chunk", chunk, 0), b"", []
        for i in self._taking_part() if chunk < -(-self.parameters // lanes.CHUNK) else []:
            data += lanes.chunks_of(self.rows[i])[chunk]
            proofs += lanes.part_trees(self.rows[i])[chunk // lanes.PART].proof(chunk % lanes.PART)
        return self.submissions(), data, proofs

    def _taking_part(self) -> list[int]:
        """Who submitted, in order, without those that were put out."""
        out = self._bits("excluded")
        return [i for i in self.rows if i not in out]

    def demand(self, chunk: int) -> TxReceipt:
        """The watcher asks the proposer for a chunk of the proposal that stands now.

        The fee is the proposer's when the proposal becomes final; `reclaim` gives it back when it falls.

        Args:
            chunk: its number, from 0.

        Raises:
            ContractError: nothing is proposed, the window has passed, or the chunk was asked for before.
        """
        proposed, chunk = self.contract.functions.proposedDigest().call(), check_whole("chunk", chunk, 0, 2**32)
        return self._call("demand", self.contract.functions.demand(self.round, proposed, chunk), self.watcher)

    def answer(self, chunk: int) -> TxReceipt:
        """The worker opens a leaf of the tree that it proposed, which somebody asked for: else it loses its bond.

        Args:
            chunk: number of the leaf's chunk, from 0.

        Raises:
            InvalidInput: as `prove_chunk`.
            ContractError: nobody asked for it, or the time to answer has passed.
        """
        opening = self._open_leaf(chunk)
        return self._call("answer", self.contract.functions.answer(self.round, *opening), self.worker)

    def reclaim(self, chunk: int) -> TxReceipt:
        """The watcher has back the fee of a demand of the last proposal, which fell.

        Args:
            chunk: number of the chunk it asked for.

        Raises:
            ContractError: there was no such demand, or whose the fee is, is open, or it is the proposer's.
        """
        attempt, chunk = self.contract.functions.proposal().call()[2], check_whole("chunk", chunk, 0, 2**32)
        return self._call("reclaim", self.contract.functions.reclaim(self.round, attempt, chunk), self.watcher)

    def _open_leaf(self, chunk: int) -> tuple[int, Any, Any]:
        """A leaf of the tree that was proposed last, and its path."""
        if self.tree is None:
            raise InvalidInput("tree is None; a proof opens a leaf of the tree that was proposed: call propose first")
        chunk = check_whole("chunk", chunk, 0, len(self.tree.levels[0]) - 1, why="the tree has no other")
        return chunk, self.tree.leaf(chunk), self.tree.path(chunk)

    def expire(self, chunk: int) -> TxReceipt:
        """The watcher states, when the time has passed, that no answer came.

        Args:
            chunk: number of the chunk it asked for.

        Raises:
            ContractError: the chunk was not asked for, or the time to answer has not passed.
        """
        call = self.contract.functions.expire(self.round, check_whole("chunk", chunk, 0, 2**32))
        return self._call("expire", call, self.watcher)

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
        opening = (*self._open_leaf(chunk), self.evidence(chunk))
        return self._call("proveChunk", self.contract.functions.proveChunk(self.round, *opening), self.watcher)

    def find_fraud(self, tree: lanes.SumTree) -> int | None:
        """The first chunk whose leaf in `tree` differs from the honest one; None if they are equal.

        Args:
            tree: what was proposed, over as many leaves as the honest one.

        Raises:
            InvalidInput: no tree.
        """
        check_kind("tree", tree, lanes.SumTree, "a SumTree, such as honest_tree() makes")
        pairs = zip(tree.levels[0], self.honest_tree().levels[0], strict=True)
        return next((k for k, (claimed, true) in enumerate(pairs) if claimed != true), None)
