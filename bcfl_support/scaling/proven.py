"""Rung 6: nobody recomputes anything; one proof says that all scores are right, whatever P is.

Clients commit to their updates by points that add up as the updates do (``proofs``), and seal them by a salted hash::

    seal = keccak(chain id | contract | round | client | salt | digest)        digest = keccak(C_1 | … | C_K)

Who has all updates proves the scores, and the same transaction opens all seals. Where a client hands nothing over, the
others reveal, and the round is theirs. An entry out of range is found by whoever has the update, and shown by one
opening, before the round is final: a window after the proof, or later, when somebody says so (``finalize``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from eth_abi import encode
from eth_utils import keccak
from web3.logs import DISCARD
from web3.types import TxReceipt

from bcfl_support.checks import freeze, to_array
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.scaling import gas_model, lanes, proof_gas, proofs
from bcfl_support.scaling.optimistic import DepositRung
from bcfl_support.scaling.proofs.setup import encode_key

STEP = "(address[],bytes32[],bytes32[],bytes,bytes,uint256,bytes,bytes)"
"""What `work` takes; see ``IProvenRung.sol``."""


@dataclass(frozen=True)
class ProvenRound(lanes.ExactRound):
    """What a round of rung 6 must give.

    Attributes:
        message: m of its transcript, in place of the sums' digest.
    """

    message: bytes


class CommittedRung(DepositRung):
    """What rungs 6 to 8 share: clients, in rising order of their addresses, commit to their updates by points.

    Attributes:
        setup: what commitments are made with; Ethereum's if none is given.
        rows: what clients committed to, by client; also what no update may be.
        points: their commitments, K points of 96 bytes each.
    """

    _scores_event = "Proven"  # with which the round finished

    def __init__(self, *arguments: Any, setup: proofs.Setup | None = None) -> None:
        self.setup = proofs.ethereum_setup() if setup is None else setup
        self.points: dict[int, tuple[bytes, ...]] = {}
        super().__init__(*arguments)

    def _order(self, accounts: Sequence[str]) -> list[str]:
        return sorted(accounts, key=lambda account: int(account, 16))

    def _begin(self, *, lost: bool = False) -> None:
        super()._begin(lost=lost)
        self.points = {}

    def _commit(self, client: Any, row: Any) -> int:
        """Commit to a copy of a row, and keep both."""
        client, row = self._client(client), freeze(to_array("row", row))
        most = self.setup.count_chunks(self.parameters) * self.setup.n
        if row.ndim != 1 or not self.parameters <= len(row) <= most:
            room = f"{self.parameters:,}, and padding up to {most:,}"
            raise InvalidInput(f"row has shape {row.shape}: give one row of P = {room} whole numbers")
        self.rows[client], self.points[client] = row, proofs.commit(self.setup, row)
        return client

    def _stack(self, clients: Iterable[int]) -> np.ndarray:
        """The clients' rows, (n, P)."""
        rows = [self.rows[self._holder(i)] for i in clients]
        if not rows:
            raise InvalidInput("nobody takes part, so that there is nothing to prove; call submit first")
        return to_array("rows", rows, InvalidUpdate)


class ProvenRung(CommittedRung):
    """Rung 6: sealed commitments, then one proof of everybody's scores, final after a window.

    Attributes:
        salts: of the clients' seals.
    """

    artifact, title = "Rung6Proven", "committed to, proven"
    trust = "one of those who made the setup, one honest watcher"
    gas, limit, most_played = staticmethod(proof_gas.proven), staticmethod(gas_model.step), 10_000_000
    most_clients = gas_model.MOST_SEALED

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.salts: dict[int, bytes] = {}
        super().__init__(*arguments, **options)
        for client in self.clients:
            self.deposit(client, self.terms.stake)

    def _arguments(self) -> tuple[Any, ...]:
        t = self.terms
        config, clients, weights = super()._arguments()
        sealed = (t.window_seconds, t.reveal_seconds, t.stake)
        return (config, sealed, (self.setup.log_n, encode_key(self.setup.tau_h)), clients, weights)

    # ------------------------------------------------------------ seals
    def _begin(self, *, lost: bool = False) -> None:
        super()._begin(lost=lost)
        self.salts = {}

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return [self.seal(client, row, self._number())]

    def seal(self, client: int, row: np.ndarray, number: int | None = None) -> bytes:
        """Commit to an update, keep it here, and seal the commitment; what `submit` sends.

        Args:
            client: whose.
            row: whole numbers, P of them and zeros up to K·N; a cheat may have others, see `proofs.commit`.
            number: of the round; None: the current one.

        Returns:
            32 bytes.

        Raises:
            InvalidInput: there is no such client, or a row of another length.
        """
        number = self.round if number is None else number
        client = self._commit(client, row)
        # Hashed, so that a lesson's hashes repeat; a client draws its salt at random, or its update could be guessed.
        self.salts[client] = keccak(encode(["address", "uint256", "uint256"], [self._place(), number, client]))
        types = ["uint256", "address", "uint256", "address", "bytes32", "bytes32"]
        who = [self.chain.w3.eth.chain_id, self._place(), number, self.clients[client]]
        return keccak(encode(types, [*who, self.salts[client], self.digest(client)]))

    def digest(self, client: int) -> bytes:
        """keccak(C_1 | … | C_K) of what a client committed to."""
        return keccak(b"".join(self.points[self._holder(client, self.points)]))

    def reveal(self, clients: Iterable[int], sender: str | None = None) -> TxReceipt:
        """Open seals on chain, in one transaction.

        Args:
            clients: whose; who is open or out already is passed over.
            sender: who sends it and pays; None: the worker.

        Raises:
            ContractError: sealing goes on, or the time to reveal is over, or was when the proof that stands came.
        """
        chosen = [self._holder(i, self.salts) for i in lanes.check_clients(clients, len(self.weights))]
        openings = [(i, self.salts[i], self.digest(i)) for i in chosen]
        return self._call("reveal", self.contract.functions.reveal(self.round, openings), sender or self.worker)

    def present(self) -> list[int]:
        """Whom the proof that stands counts, or the last result; else whom a proof brought now would. Ascending."""
        bits = int(self.contract.functions.present().call())
        return [i for i in range(len(self.weights)) if bits >> i & 1]

    # ------------------------------------------------------------ proofs
    def state(self, clients: Iterable[int] | None = None) -> proofs.Statement:
        """The true statement about what clients committed to, brought by the worker.

        Args:
            clients: who takes part; None: `present`.

        Raises:
            InvalidInput: the row of one of them is not here.
            InvalidUpdate: a row is no update: a cheat's statement is made by `dataclasses.replace`.
        """
        chosen = self.present() if clients is None else sorted(lanes.check_clients(clients, len(self.weights)))
        return proofs.state_round(
            self.setup,
            self._stack(chosen),
            [self.weights[i] for i in chosen],
            [self.clients[i] for i in chosen],
            chain_id=self.chain.w3.eth.chain_id,
            contract=self._place(),
            round=self.round,
            sender=self.worker,
            commitments=[self.points[i] for i in chosen],
        )

    def prove(self, statement: proofs.Statement, proof: proofs.Proof, operation: str = "prove") -> None:
        """Send a proof, in as many transactions as its points ask for.

        Args:
            statement: what it is of; the worker sends it, whoever it says.
            proof: true or not.
            operation: what the bill calls it.

        Raises:
            TransactionFailed: the contract refused it.
        """
        sums, start = b"", 0
        for count in gas_model.split_points(len(statement.clients), len(statement.commitments[0])):
            payload = self.encode(statement, proof, start, count, sums)
            [receipt] = self._send(operation, [(self.contract.functions.work(self.round, payload), self.worker)])
            for log in self.contract.events.Worked().process_receipt(receipt, errors=DISCARD):
                sums = log["args"]["sum"]
            start += count

    def encode(
        self,
        statement: proofs.Statement,
        proof: proofs.Proof,
        start: int = 0,
        count: int | None = None,
        sums: bytes = b"",
    ) -> bytes:
        """One step of a proof, as `work` takes it.

        Args:
            statement: what it is of.
            proof: of it.
            start: how many clients' points were sent before.
            count: how many come now; None: all that are left.
            sums: what the last step left.
        """
        n = len(statement.clients)
        stop = n if count is None else start + count
        opened = int(self.contract.functions.revealed().call())
        chosen = [self.clients.index(client) for client in statement.clients]
        open_already = all(opened >> i & 1 for i in chosen)
        salts = [] if start or open_already else [self.salts[i] for i in chosen]
        digests = [] if stop - start == n else statement.digests()
        scores = b"".join(score.to_bytes(16, "big", signed=True) for score in statement.scores)
        points = b"".join(point for row in statement.commitments[start:stop] for point in row)
        step = (self.clients, salts, digests, scores, proof.to_bytes(), start, sums, points)
        return encode([STEP], [step])

    def work(self, values: np.ndarray | None = None) -> None:
        """Prove the scores of all whom a proof counts, wait for the window to pass, finalize."""
        statement = self.state()
        self.prove(statement, proofs.prove_round(self.setup, statement, self._stack(self.present())))
        self.finalize()

    def expected(self, values: np.ndarray, clients: Iterable[int] | None = None) -> ProvenRound:
        """What the current round must give with these clients, in exact integers; others have score 0."""
        values, exact = lanes.as_int8(values), lanes.compute_round(values, self.weights, clients)
        chosen = sorted(lanes.check_clients(clients, len(self.weights)))
        known = [i in self.rows and np.array_equal(self.rows[i], values[i]) for i in chosen]
        points = [
            self.points[i] if k else proofs.commit(self.setup, values[i]) for i, k in zip(chosen, known, strict=True)
        ]
        statement = proofs.Statement(
            chain_id=self.chain.w3.eth.chain_id,
            contract=self._place(),
            round=self.round,
            sender=self.worker,
            parameters=self.parameters,
            clients=tuple(self.clients[i] for i in chosen),
            weights=tuple(self.weights[i] for i in chosen),
            scores=tuple(exact.scores[i] for i in chosen),
            commitments=tuple(points),
        )
        parts = (exact.sums, exact.scores, exact.chunk_scores, exact.total_weight)
        return ProvenRound(*parts, statement.message(self.setup))

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        assert isinstance(exact, ProvenRound)
        return exact.message

    # ------------------------------------------------------------ faults
    def prove_fault(self, client: int, position: int | None = None) -> TxReceipt:
        """The watcher shows an entry that no update may have, and takes half of the client's stake.

        Args:
            client: whose.
            position: of the entry; None: the first fault is looked for.

        Raises:
            InvalidInput: there is no fault, or the row is not here.
            ContractError: the entry is allowed, or the client is out already.
        """
        row = self.rows[client := self._holder(client)]
        found = proofs.find_fault(self.setup, row, self.parameters) if position is None else position
        if found is None:
            raise InvalidInput(f"client {client} has no fault: all entries are int8, and its padding is zero")
        opening = proofs.open_entry(self.setup, row, found)
        points = b"".join(self.points[client])
        shown = (self.salts[client], points, opening.position, opening.value, opening.proof)
        return self._call("proveFault", self.contract.functions.proveFault(self.round, client, *shown), self.watcher)

    def _place(self) -> str:
        return str(self._deployed[0].address)
