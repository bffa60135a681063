"""Rung 7: a round is one transaction, with everybody's signature and the proof of all scores.

What a client does off chain: it commits to its update, seals the commitment (`seal`), opens it when all have sealed,
and signs the round's message, which holds everybody's commitments and weights. A relayer, anybody, adds the signatures
up, proves the scores (`proofs`) and sends. A signature is good until its round is closed, so a client signs once a
round; and who resigns or rejoins in front of the relayer's transaction can have it refused (see ``IRelayedRung.sol``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from eth_abi import encode
from eth_typing import HexStr
from eth_utils import keccak
from hexbytes import HexBytes
from web3.types import TxReceipt

from bcfl_support.chain import check_address
from bcfl_support.checks import check_choice, check_kind, shorten
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import proof_gas
from bcfl_support.scaling.gas_model import RoundBill
from bcfl_support.scaling.proofs import Proof, Statement, prove_round
from bcfl_support.scaling.proofs.signing import SigningKey, add_keys, add_signatures
from bcfl_support.scaling.proven import CommittedRung, ProvenRung

CLOSING = "(bytes32,bytes,bytes,uint256,address[],bytes,bytes,bytes,bytes,bytes)"
"""ABI of `IRelayedRung.Closing`."""
SIGNATURES = ("bls", "ecdsa")
"""How clients of rungs 7 and 8 may sign: by keys whose signatures add up, or each by its account's key."""


def seal(points: Sequence[bytes], client: str, salt: bytes) -> bytes:
    """What a client shows before anybody's commitments are open: it fixes them, and says nothing of them.

    Args:
        points: the client's commitments.
        client: whose, so that a copy is nobody else's seal.
        salt: 32 random bytes.

    Raises:
        InvalidInput: no address, or a salt of another length.
    """
    if not isinstance(salt, bytes) or len(salt) != 32:
        raise InvalidInput(f"salt is {shorten(salt)}: give 32 random bytes")
    opened = [check_address("client", client), salt, keccak(b"".join(points))]
    return keccak(encode(["address", "bytes32", "bytes32"], opened))


class RelayedRung(CommittedRung):
    """Rung 7: commitments, signatures and a proof in one transaction; no data on chain at all.

    Attributes:
        signatures: one of `SIGNATURES`, chosen when it is deployed.
        keys: the clients' signing keys, by client; none with ECDSA.
    """

    artifact, title, trust = "Rung7Relayed", "proven, one transaction", ProvenRung.trust
    gas, limit, most_played = staticmethod(proof_gas.relayed), staticmethod(proof_gas.points), 1_000_000

    def __init__(self, *arguments: Any, signatures: str = "bls", **options: Any) -> None:
        check_choice("signatures", signatures, SIGNATURES)
        self.signatures = signatures
        super().__init__(*arguments, **options)
        self.keys = [SigningKey.derive(client) for client in self.clients] if signatures == "bls" else []
        self._found()
        self._current = self.round

    def _terms(self) -> tuple[Any, ...]:
        return self.terms.window_seconds, self.terms.stake, self.signatures == "ecdsa"

    def _found(self) -> None:
        """Stakes, keys and the committee: once, and not on any round's bill."""
        self._back(self.clients, "a client's stake", self.terms.stake)
        functions, chain = self.contract.functions, self.chain
        chain.send_many([(functions.register(*self.registration(i)), c, 0) for i, c in enumerate(self.clients)])
        chain.send(functions.seat(b"".join(key.public for key in self.keys)), sender=self.worker)

    def registration(self, client: int) -> tuple[bytes, bytes]:
        """A client's key and the proof that it has the secret; empty with ECDSA."""
        client = self._client(client)
        if not self.keys:
            return b"", b""
        key = self.keys[client]
        return key.public, key.prove_possession(self.chain.w3.eth.chain_id, self.contract.address, self.clients[client])

    # ------------------------------------------------------------ a round
    def open(self) -> None:
        """Begin anew, with an empty bill: a round is open, as soon as the last one's result is final."""
        self._wait()
        self._begin()

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's commitments, or those of some, to the relayer: nothing goes to the chain. See `Rung.submit`."""
        rows, chosen = self._admit(values, clients)
        for i in chosen:
            self._commit(i, rows[i])

    def submit_row(self, client: int, row: np.ndarray) -> None:
        """One client's commitment, to whatever numbers; behind the closing one that turned up, to show its fault.

        Args:
            client: its index.
            row: shape (P,), whole numbers.

        Raises:
            InvalidInput: there is no such client, it has handed in a row before in this round, which others may have
                signed for, or a row of another length.
        """
        if self.round == self._current or self._client(client) in self.rows:
            self._refuse_again([self._client(client)])
        self._commit(client, row)

    def _refuse_again(self, chosen: Sequence[int]) -> None:
        self._require_open()
        if done := [i for i in chosen if i in self.rows]:
            raise InvalidInput(f"clients {done} have handed in theirs already: give the others, clients=[…]")

    def play(self, values: np.ndarray) -> RoundBill:
        """A whole round, see `DepositRung.play`; `InvalidInput` before anything is sent if a client is no member."""
        if out := self.excluded():
            raise InvalidInput(f"clients {sorted(out)} are no members: have them deposit and rejoin, or submit without")
        return super().play(values)

    def work(self, values: np.ndarray | None = None) -> None:
        """Have everybody sign who submitted, prove, send, and wait for the window to pass."""
        self._require_open()
        statement, present = self.state(), self.present()
        signature, signed = self.sign(statement)
        key = add_keys([self.keys[i].public for i in present]) if self.keys else None
        proof = prove_round(self.setup, statement, self._stack(present), signature=signature, key=key)
        self.relay(statement, proof, signed)
        self._wait()

    @property
    def statement(self) -> Statement | None:
        """Of the round that was closed last, whoever closed it, as its transaction has it; None: there is none.

        Raises:
            InvalidInput: another contract has sent the closing on: its points stand in a trace, and `prove_fault` takes
                the statement made of them.
        """
        if not (logs := self.chain.events(self.contract.events.Proven(), self._deployed[1]["blockNumber"])):
            return None
        said, sent = logs[-1]["args"], self.chain.w3.eth.get_transaction(logs[-1]["transactionHash"])
        if sent["to"] != self.contract.address:
            raise InvalidInput(f"round {said['round']} was closed through {sent['to']}: give prove_fault a statement")
        absent, points = _read_closing(bytes(sent["input"])[4:])
        there = [i for i in range(len(self.weights)) if not absent >> i & 1]
        k = 96 * self.setup.count_chunks(self.parameters)
        rows = [tuple(points[at : at + 96] for at in range(k * j, k * j + k, 96)) for j in range(len(there))]
        place = (self.chain.w3.eth.chain_id, self.contract.address, said["round"], said["prover"], self.parameters)
        clients, weights = tuple(self.clients[i] for i in there), tuple(self.weights[i] for i in there)
        return Statement(*place, clients, weights, tuple(said["scores"][i] for i in there), tuple(rows))

    def _stated(self) -> int:
        return self._current  # not the one that is open as soon as it is closed

    def _require_open(self) -> None:
        """Whoever has closed the round, or has it reopened by a revert: rows and bill are of another."""
        if self.round != self._current:
            raise InvalidInput("this round has been closed: call open for the next one")

    def sign(self, statement: Statement) -> tuple[bytes, bytes]:
        """The signatures of the statement's clients: their sum, for the proof; and with ECDSA one after the other."""
        check_kind("statement", statement, Statement, "a Statement, such as state makes")
        message, signers = statement.message(self.setup), self._places(statement)
        if self.keys:
            return add_signatures([self.keys[i].sign(message) for i in signers]), b""
        return b"", b"".join(self._sign_by_account(self.clients[i], message) for i in signers)

    def _sign_by_account(self, account: str, message: bytes) -> bytes:
        """EIP-191, in the 64 bytes of EIP-2098."""
        raw = HexBytes(self.chain.w3.eth.sign(account, hexstr=HexStr("0x" + message.hex())))
        return raw[:32] + (int.from_bytes(raw[32:64], "big") | (raw[64] - 27) << 255).to_bytes(32, "big")

    def payload(self, statement: Statement, proof: Proof, signed: bytes = b"", /, **changed: Any) -> bytes:
        """What `work` takes.

        Args:
            statement: of the round.
            proof: of it, with the clients' signature if they sign by keys of BLS12-381.
            signed: the clients' signatures if they sign by their accounts.
            **changed: parts of `IRelayedRung.Closing` to be others.
        """
        check_kind("signed", signed, bytes, "the signatures, one after the other")
        written = self._write(statement, proof)
        absent = sorted(set(range(len(self.clients))) - set(self._places(statement)))
        parts: dict[str, Any] = {
            "everybody": keccak(b"".join(encode(["address"], [client]) for client in self.clients)),
            "weights": b"".join(weight.to_bytes(2, "big") for weight in self.weights),
            "key": add_keys([key.public for key in self.keys]) if self.keys else b"",
            "absent": sum(1 << i for i in absent),
            "accounts": self.clients if absent else [],
            "keys": b"".join(self.keys[i].public for i in absent) if self.keys else b"",
            "points": b"".join(b"".join(points) for points in statement.commitments),
            "scores": b"".join(int(score).to_bytes(16, "big", signed=True) for score in statement.scores),
            "proof": written,
            "signatures": signed,
        }
        return encode([CLOSING], [tuple((parts | changed).values())])

    def relay(self, statement: Statement, proof: Proof, signed: bytes = b"", /, **changed: Any) -> TxReceipt:
        """Close the round, by one transaction of the worker. Arguments as in `payload`.

        Raises:
            InvalidInput: something of another kind, or a proof with aggregates.
            TransactionFailed: the contract refused.
        """
        payload = self.payload(statement, proof, signed, **changed)
        return self._send("relay", [(self.contract.functions.work(statement.round, payload), self.worker)])[0]

    def bill(self) -> RoundBill:
        """See `Rung.bill`. A closing that an interrupt kept from being noted is looked up on the chain."""
        noted, eth = {entry.transaction for entry in self.ledger.entries}, self.chain.w3.eth
        for hash_ in (log["transactionHash"] for log in self._logs("Proven", self._current)):
            sent = eth.get_transaction(hash_)
            if hash_.to_0x_hex() not in noted and sent["from"] == self.worker:
                self._note("relay", eth.get_transaction_receipt(hash_), {"data": sent["input"]})
        return super().bill()

    def _wait(self) -> None:
        """Until the result that stands is final, or the next one may be closed: at once, if all in it are out."""
        closes_at = int(self.contract.functions.currentRound().call()[2])
        if self.contract.functions.answerable().call() != 0:
            self.chain.wait_until(closes_at)

    # ------------------------------------------------------------ who broke the rules
    def prove_fault(self, client: int, position: int | None = None, statement: Statement | None = None) -> TxReceipt:
        """The watcher shows an entry of what a client committed to, which is out of range, or padding and not zero.

        Args:
            client: its index.
            position: of the entry; None: the first fault is looked for.
            statement: of the round that was closed last; None: as its transaction has it, see `statement`.

        Raises:
            InvalidInput: no round was closed, or not with this client, its row is not here or another than it committed
                to, there is no fault, or a contract has sent the closing on and no statement was given.
            ContractError: the entry breaks no rule, or the result does not stand any more.
        """
        if (s := self.statement if statement is None else statement) is None:
            raise InvalidInput("no round was closed, so that no commitment is on chain; play one first")
        check_kind("statement", s, Statement, "what is made of a closing's points")
        scores = dict(zip(s.clients, s.scores, strict=True))
        everybody = encode(["int256[]"], [[scores.get(each, 0) for each in self.clients]])
        if (who := self.clients[self._holder(client)]) not in s.clients:
            raise InvalidInput(f"client {client} is not in round {s.round}, which was closed last")
        place, opening = s.clients.index(who), self._open_fault(client, position)
        if self.points[client] != s.commitments[place]:
            raise InvalidInput(f"the row of client {client} is not what it committed to in round {s.round}: bring that")
        shown = (b"".join(s.commitments[place]), opening.position, opening.value, opening.proof)
        result = (list(s.clients), list(s.weights), s.digests(), keccak(everybody))
        call = self.contract.functions.proveFault(s.round, (*result, place, *shown))
        return self._call("proveFault", call, self.watcher)

    def excluded(self) -> set[int]:
        """Clients that are no members: they resigned, or a fault of theirs was proven."""
        return set(self._bits("excluded"))


def _read_closing(data: bytes) -> tuple[int, bytes]:
    """Who is absent, and all points, as the contract reads them: offsets lead anywhere, padding is not looked at."""

    def word(at: int) -> int:
        return int.from_bytes(data[at % 2**256 :][:32].ljust(32, b"\0"), "big")

    start = word(32) + 32 + word(word(32) + 32)
    at = (start + word(start + 192)) % 2**256
    return word(start + 96), data[at + 32 : at + 32 + word(at)]
