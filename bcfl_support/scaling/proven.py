"""Rung 6: nobody recomputes anything; one proof says that all scores are right, whatever P is.

Clients commit to their updates by points that add up as the updates do (``proofs``), and seal them by a salted hash::

    seal = keccak(chain id | contract | round | client | salt | digest)        digest = keccak(C_1 | … | C_K)

Who has all updates proves the scores, and the same transaction shows what all seals hold. Where a client hands nothing
over, the others reveal, and the round is theirs. An entry out of range is found by whoever has the update, and shown by
one opening, before the round is final: a window after the proof, or later, when somebody says so (``finalize``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from eth_abi import encode
from eth_utils import keccak
from web3.logs import DISCARD
from web3.types import TxReceipt

from bcfl_support.checks import check_kind, check_range, check_whole, freeze, to_array
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.scaling import gas_model, lanes, proof_gas, proofs
from bcfl_support.scaling.optimistic import DepositRung
from bcfl_support.scaling.proofs import Proof, Statement
from bcfl_support.scaling.proofs.polynomials import R
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
        salts: of their seals, where these are on chain.
    """

    _scores_event = "Proven"  # with which the round finished

    def __init__(self, *arguments: Any, setup: proofs.Setup | None = None) -> None:
        self.setup = proofs.ethereum_setup() if setup is None else setup
        check_kind("setup", self.setup, proofs.Setup, "a Setup, such as toy_setup makes, or None")
        super().__init__(*arguments)

    def _arguments(self) -> tuple[Any, ...]:
        config, clients, weights = super()._arguments()
        return (config, self._terms(), (self.setup.log_n, encode_key(self.setup.tau_h)), clients, weights)

    def _terms(self) -> tuple[Any, ...]:
        """Of `terms`, what its contract takes."""
        return self.terms.window_seconds, self.terms.reveal_seconds, self.terms.stake

    def _order(self, accounts: Sequence[str]) -> list[str]:
        return sorted(accounts, key=lambda account: int(account, 16))

    def _begin(self, *, lost: bool = False) -> None:
        self.points, self.salts = dict[int, tuple[bytes, ...]](), dict[int, bytes]()
        super()._begin(lost=lost)

    def _commit(self, client: Any, row: Any) -> int:
        """Commit to a copy of a row, whatever whole numbers a cheat has in it, and keep both."""
        checked = proofs.check_entries(self.setup, "row", row, self.parameters)
        client, row = self._client(client), freeze(to_array("row", row))
        parts = {1: row}
        if ((checked >= 2**62) | (checked <= -(2**62))).any():  # entries count modulo r
            row = freeze((checked.astype(object) + R // 2) % R - R // 2)
            parts = proofs.split(row)
        points = proofs.average([proofs.commit(self.setup, part) for part in parts.values()], list(parts))
        self.points[client], self.rows[client] = points, row  # the row last: an interrupt leaves no row without points
        return client

    def _stack(self, clients: Iterable[int]) -> np.ndarray:
        """The clients' updates, (n, P), int8, whatever type their rows have, and however far they are padded."""
        rows = []
        for i in clients:
            row = self.rows[self._holder(i)]
            if (found := proofs.find_fault(self.setup, row, self.parameters)) is not None:
                what = f"entry {found} of client {i} is {row[found]:,}, which no update may have, and no proof holds"
                raise InvalidUpdate(f"{what}: show it by prove_fault, or do without the client")
            rows.append(row[: self.parameters].astype(np.int8))
        if not rows:
            late = f"its seals were not opened in time, or who did is out; it is {self.chain.timestamp}: end the round"
            why = late if self.rows and not self.present() else "call submit first"
            raise InvalidInput(f"nobody takes part, so that there is nothing to prove; {why}")
        return np.stack(rows)

    # ------------------------------------------------------------ statements
    def present(self) -> list[int]:
        """Who takes part. Ascending."""
        return sorted(self.rows)

    def state(self, clients: Iterable[int] | None = None) -> Statement:
        """The true statement about what clients committed to, to be sent by the worker.

        Args:
            clients: who takes part; None: `present`.

        Raises:
            InvalidInput: the row of one of them is not here, or there is nobody.
            InvalidUpdate: a row is no update: a cheat's statement is made by `dataclasses.replace`.
        """
        chosen = self.present() if clients is None else sorted(lanes.check_clients(clients, len(self.weights)))
        return self._state_rows(chosen, self._stack(chosen), [self.points[i] for i in chosen])

    def _state_rows(self, chosen: list[int], rows: np.ndarray, points: Sequence[Any]) -> Statement:
        weights, who = [self.weights[i] for i in chosen], [self.clients[i] for i in chosen]
        place: dict[str, Any] = {"chain_id": self.chain.w3.eth.chain_id, "contract": self.contract.address}
        place |= {"round": self._stated(), "sender": self.worker, "commitments": points}
        return proofs.state_round(self.setup, rows, weights, who, **place)

    def expected(self, values: np.ndarray, clients: Iterable[int] | None = None) -> ProvenRound:
        """What the current round must give with these clients, in exact integers; others have score 0."""
        values, exact = lanes.as_int8(values), super().expected(values, clients)
        chosen, points = sorted(lanes.check_clients(clients, len(self.weights))), []
        for i in chosen:
            known = i in self.rows and np.array_equal(self.rows[i], values[i])
            points.append(self.points[i] if known else proofs.commit(self.setup, values[i]))
        message = self._state_rows(chosen, values[chosen], points).message(self.setup)
        return ProvenRound(exact.sums, exact.scores, exact.chunk_scores, exact.total_weight, message)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        check_kind("exact", exact, ProvenRound, "what expected gives")
        return cast(ProvenRound, exact).message

    def _open_fault(self, client: int, position: int | None) -> proofs.Opening:
        """An entry of a client's row; None: the first that no update may have."""
        row = self.rows[self._holder(client)]
        found = proofs.find_fault(self.setup, row, self.parameters) if position is None else position
        if found is None:
            raise InvalidInput(f"client {client} has no fault: all entries are int8, and its padding is zero")
        return proofs.open_entry(self.setup, row, found)

    def _places(self, statement: Statement) -> list[int]:
        """Which clients it is of, however their addresses are written; `InvalidInput` for an account that is none."""
        known = {client.lower(): i for i, client in enumerate(self.clients)}
        return [self._client(known.get(str(client).lower(), client)) for client in statement.clients]

    def _write(self, statement: Any, proof: Any) -> bytes:
        """A proof as the contracts take it, which publish no sums; `InvalidInput` for what is none, or has some."""
        check_kind("statement", statement, Statement, "a Statement, such as state makes")
        check_kind("proof", proof, Proof, "a Proof, such as prove_round makes")
        check_range("scores", statement.scores, -(2**127), 2**127 - 1, row=True, whole=True, why="each is an int128")
        check_whole("the number of the statement's clients", len(statement.clients), 1, why="a proof is of somebody")
        if proof.aggregates:
            raise InvalidInput("the proof has aggregates, which no contract here reads: prove with aggregates=False")
        return proof.to_bytes()


class ProvenRung(CommittedRung):
    """Rung 6: sealed commitments, then one proof of everybody's scores, final after a window."""

    artifact, title = "Rung6Proven", "committed to, proven"
    trust = "one of those who made the setup, one honest watcher"
    gas, limit, most_played = staticmethod(proof_gas.proven), staticmethod(proof_gas.step), 10_000_000
    most_clients = proof_gas.MOST_SEALED

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._back(self.clients, "a client's stake", self.terms.stake)

    # ------------------------------------------------------------ seals
    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return [self.seal(client, row, self._number())]

    def seal(self, client: int, row: np.ndarray, number: int | None = None) -> bytes:
        """Commit to an update, keep it here, and seal the commitment; what `submit` sends.

        Args:
            client: whose.
            row: whole numbers, P of them and zeros up to K·N; a cheat may have others, of any size, which count mod r.
            number: of the round; None: the current one, or that which the first seal opens.

        Returns:
            32 bytes.

        Raises:
            InvalidInput: there is no such client or round, a row of another length, or what is kept here of the client
                is in the round that goes on: its seal could not be opened any more.
        """
        self._refuse_again([i for i in [self._client(client)] if i in self.rows])
        number = check_whole("number", self._current if number is None else number, 0, 2**256 - 1)
        client = self._commit(client, row)
        # Hashed, so that a lesson's hashes repeat; a client draws its salt at random, or its update could be guessed.
        self.salts[client] = keccak(encode(["address", "uint256", "uint256"], [self.contract.address, number, client]))
        types = ["uint256", "address", "uint256", "address", "bytes32", "bytes32"]
        who = [self.chain.w3.eth.chain_id, self.contract.address, number, self.clients[client]]
        return keccak(encode(types, [*who, self.salts[client], self.digest(client)]))

    def digest(self, client: int) -> bytes:
        """keccak(C_1 | … | C_K) of what a client committed to."""
        return keccak(b"".join(self.points[self._holder(client)]))

    def reveal(self, clients: Iterable[int], sender: str | None = None) -> TxReceipt:
        """Open seals on chain, in one transaction.

        Args:
            clients: whose; who is open or out already is passed over.
            sender: who sends it and pays; None: the worker.

        Raises:
            ContractError: sealing goes on, or the time to reveal is over, or was when the proof that stands came.
        """
        chosen = [self._holder(i) for i in lanes.check_clients(clients, len(self.weights))]
        openings = [(i, self.salts[i], self.digest(i)) for i in chosen]
        return self._call("reveal", self.contract.functions.reveal(self.round, openings), sender or self.worker)

    def present(self) -> list[int]:
        """Whom the proof that stands counts, or the last result; else whom a proof brought now would. Ascending."""
        return self._bits("present")

    # ------------------------------------------------------------ proofs
    def prove(self, statement: Statement, proof: Proof, operation: str = "prove") -> None:
        """Send a proof, in as many transactions as its points ask for.

        Args:
            statement: what it is of; the worker sends it, whoever it says.
            proof: true or not.
            operation: what the bill calls it.

        Raises:
            InvalidInput: something of another kind, or a proof with aggregates.
            TransactionFailed: the contract refused it.
        """
        self._write(statement, proof)
        sums, start = b"", 0
        for count in gas_model.split_points(len(statement.clients), len(statement.commitments[0])):
            payload = self.encode(statement, proof, start, count, sums)
            [receipt] = self._send(operation, [(self.contract.functions.work(self.round, payload), self.worker)])
            for log in self.contract.events.Worked().process_receipt(receipt, errors=DISCARD):
                sums = log["args"]["sum"]
            start += count

    def encode(
        self, statement: Statement, proof: Proof, start: int = 0, count: int | None = None, sums: bytes = b""
    ) -> bytes:
        """One step of a proof, as `work` takes it.

        Args:
            statement: what it is of.
            proof: of it.
            start: how many clients' points were sent before.
            count: how many come now; None: all that are left.
            sums: what the last step left.
        """
        written, n = self._write(statement, proof), len(statement.clients)
        left = n - check_whole("start", start, 0, n, why="there are no more clients")
        stop = start + (left if count is None else check_whole("count", count, 0, left, why="no more are left"))
        chosen = self._places(statement)
        salts = [] if start or set(chosen) <= set(self._bits("revealed")) else [self.salts[i] for i in chosen]
        digests = [] if stop - start == n else statement.digests()
        scores = b"".join(int(score).to_bytes(16, "big", signed=True) for score in statement.scores)
        points = b"".join(point for row in statement.commitments[start:stop] for point in row)
        return encode([STEP], [(self.clients, salts, digests, scores, written, start, sums, points)])

    def work(self, values: np.ndarray | None = None) -> None:
        """Prove the scores of all whom a proof counts, unless a proof stands, wait for the window to pass, finalize."""
        if (phase := self.phase) == "Idle":
            raise InvalidInput("no round goes on: the last one's result is final, or there is none; call open")
        if phase == "Open":
            statement = self.state()
            self.prove(statement, proofs.prove_round(self.setup, statement, self._stack(self.present())))
        self.finalize()

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
        opening, client = self._open_fault(client, position), self._holder(client)
        shown = (self.salts[client], b"".join(self.points[client]), opening.position, opening.value, opening.proof)
        return self._call("proveFault", self.contract.functions.proveFault(self.round, client, *shown), self.watcher)
