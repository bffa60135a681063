"""Rung 8: the commitments of a proven round are those of blobs, which the network has held available.

EIP-4844 commits to a blob on the curve, and with the setup, that rounds are proven with (`proofs`). So an update of up
to 4,096 entries is a blob, entry j its element bitrev(j), and what rungs 6 and 7 leave open is closed: everybody could
have had the data. A relayer brings all blobs in one transaction, up to six; or each client brings its own, when it
opens its seal.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from web3.types import TxReceipt

from bcfl_support.checks import check_range
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import lanes, proof_gas
from bcfl_support.scaling.blobs import send_blobs
from bcfl_support.scaling.proofs import Proof, Statement
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.proven import ProvenRung
from bcfl_support.scaling.relayed import RelayedRung


class AvailableRung(RelayedRung):
    """Rung 8: as rung 7, and each commitment is that of a blob which travels with the transaction."""

    artifact, title = "Rung8Relayed", "proven, the data in blobs"
    gas, limit, most_played = staticmethod(proof_gas.available), staticmethod(proof_gas.blob), 40
    most_clients, brings_blobs = lanes.BLOBS_PER_TRANSACTION, True

    def relay(
        self, statement: Statement, proof: Proof, signed: bytes = b"", /, blobs: Any = None, **changed: Any
    ) -> TxReceipt:
        """Close the round, by one transaction with a blob of each client.

        Args:
            statement, proof, signed, **changed: as in `payload`.
            blobs: a list of other blobs than the clients' own.
        """
        call = self.contract.functions.work(statement.round, self.payload(statement, proof, signed, **changed))
        if blobs is None:
            blobs = [vector_to_blob(self.rows[self._holder(i)]) for i in self._places(statement)]
        return self._call("relay", call, self.worker, partial(send_blobs, self.chain, blobs=blobs))


class RevealedRung(ProvenRung):
    """Rung 8: as rung 6, and each client opens its seal in a transaction with the blob that it sealed."""

    artifact, title = "Rung8Revealed", "proven, each client's data in its blob"
    gas, limit, most_played = staticmethod(proof_gas.revealed), staticmethod(proof_gas.blob), 40
    brings_blobs = True

    def open(self) -> None:
        """Begin anew, with an empty bill: the first seal opens the round, as soon as the last one's result is final.

        Raises:
            ContractError: a round goes on, without a result. When its time has passed, the next one is opened at once.
        """
        if self.phase == "Open":
            super().open()
        else:
            self.finalize()
            self._begin()

    def _number(self) -> int:
        return self.round + (self.phase == "Idle")

    def bring(self, client: int, blob: bytes | None = None) -> TxReceipt:
        """A client opens its seal, with its blob.

        Args:
            client: which.
            blob: another blob than its own.

        Raises:
            InvalidInput: the client's row is not here.
            TransactionFailed: it is another blob, or the time to open seals has passed.
        """
        client = self._holder(client)
        call = self.contract.functions.bring(self.round, self.salts[client], b"".join(self.points[client]))
        sent = vector_to_blob(self.rows[client]) if blob is None else blob
        return self._call("reveal", call, self.clients[client], partial(send_blobs, self.chain, blobs=[sent]))

    def work(self, values: np.ndarray | None = None) -> None:
        """Have everybody bring its blob who has not, prove the scores, and wait for the window to pass."""
        for i in sorted(set(self.present()) - set(self._bits("revealed"))):
            self.bring(i)
        super().work(values)

    def finalize(self) -> None:
        """Wait until the window has passed: the result is final by time alone.

        Raises:
            InvalidInput: there is none; waiting would end the round without it.
        """
        if self.phase == "Open":
            raise InvalidInput(f"round {self.round} has no result that could be final: prove it first, or call work")
        self.chain.wait_until(int(self.contract.functions.currentRound().call()[3]))


def vector_to_blob(row: np.ndarray) -> bytes:
    """A vector as the blob whose KZG commitment is its own: entry j is the element bitrev(j), of twelve bits.

    >>> blob = vector_to_blob(np.array([7, -1]))
    >>> blob[31], blob[2048 * 32 : 2048 * 32 + 4].hex(), len(blob)
    (7, '73eda753', 131072)

    Args:
        row: shape (P,), at most 4,096 whole numbers.

    Raises:
        InvalidInput: more of them, or others.
    """
    row = check_range("row", row, -np.inf, row=True, whole=True, why="an element of the field is a whole number")
    if len(row) > 4096:
        raise InvalidInput(f"{len(row):,} entries; a blob has 4,096 elements: take fewer parameters")
    elements = [bytes(32)] * 4096
    for j, value in enumerate(row):
        elements[int(f"{j:012b}"[::-1], 2)] = (int(value) % R).to_bytes(32, "big")
    return b"".join(elements)
