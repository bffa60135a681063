"""Rung 4: the updates travel as blobs (EIP-4844), opened at a point where somebody doubts them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import ckzg
import numpy as np
from eth_utils import to_hex
from web3.types import TxReceipt

from bcfl_support.chain import Chain, encode_call
from bcfl_support.checks import check_list, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.optimistic import OptimisticRung
from bcfl_support.scaling.proofs import ethereum_setup
from bcfl_support.scaling.proofs.polynomials import R, root_of_unity

ELEMENTS = 34
"""Field elements of a blob that hold a chunk, 31 bytes in each."""


class BlobRung(OptimisticRung):
    """Rung 4: as rung 3, with the data in blobs and only their Merkle roots in calldata."""

    artifact, title = "Rung4Blobs", "optimistic, data in blobs"
    gas, most_played, brings_blobs = staticmethod(gas_model.blobs), 20, True  # blobs

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._back(self.clients, "a client's stake", self.terms.stake)

    def submit(self, values: np.ndarray, clients: Iterable[int] | None = None) -> None:
        """Everybody's blobs and roots, or those of some; see `Rung.submit`."""
        rows, chosen = self._admit(values, clients)
        for i in chosen:
            self.submit_row(i, lanes.pack(rows[i]))

    def submit_row(self, client: int, row: bytes, blobs: Sequence[bytes] | None = None) -> None:
        """One client's submission.

        Args:
            client: its index.
            row: what its Merkle roots commit to.
            blobs: what it publishes; None: the same row.
        """
        client, chunks, number = self._client(client), lanes.chunks_of(row), self.round
        self._refuse_again([client])
        parts = [chunks[start : start + lanes.PART] for start in range(0, len(chunks), lanes.PART)]
        roots = [tree.root for tree in lanes.part_trees(row)]
        published = [to_blob(part) for part in parts] if blobs is None else blobs
        starts = range(0, len(parts), most := lanes.BLOBS_PER_TRANSACTION)
        calls = [self.contract.functions.submit(number, b"".join(roots[start : start + most])) for start in starts]
        mined = len(self._mined(client, calls))  # by a submission that was interrupted
        self._in.pop(client, None)  # as in `Rung.submit`
        self.rows[client], self.blob_hashes[client] = row, name_blobs(published)
        try:
            for call, start in list(zip(calls, starts, strict=True))[mined:]:
                send = partial(send_blobs, self.chain, blobs=published[start : start + most])
                self._call("submit", call, self.clients[client], send)
        finally:
            self._sort_rows()

    def prove_data(self, client: int, chunk: int, blob: bytes) -> TxReceipt:
        """The watcher shows that the client's blob holds something else than the chunk it committed to.

        Args:
            client: its index.
            chunk: which chunk.
            blob: the blob of the chunk's part, as published.

        Raises:
            InvalidInput: no element of the chunk differs.
            ContractError: the client is out already, or the blob is not what it published.
        """
        row = self.rows[client := self._holder(client)]
        chunk = check_whole("chunk", chunk, 0, len(lanes.chunks_of(row)) - 1, why="its row has no other")
        first, data = ELEMENTS * (chunk % lanes.PART), lanes.chunks_of(row)[chunk]
        true, places = to_blob([data]), range(-(-len(data) // 31))
        found = next((k for k in places if blob[32 * (first + k) :][:32] != true[32 * k :][:32]), None)
        if found is None:
            raise InvalidInput(f"chunk {chunk} of client {client} is what its blob holds")
        opening = compute_opening(blob, first + found)
        proof = lanes.part_trees(row)[chunk // lanes.PART].proof(chunk % lanes.PART)
        shown = (self.submissions(), list(self.rows).index(client), chunk, data, proof)
        return self._call("proveData", self.contract.functions.proveData(self.round, *shown, opening), self.watcher)


# ---------------------------------------------------------------- blobs on the wire
_GWEI = 10**9


def to_blob(chunks: Sequence[bytes]) -> bytes:
    """A part's chunks as a blob: chunk c in the elements 34c … 34c + 33, 31 bytes in each after a zero byte.

    >>> blob = to_blob([bytes(range(32))])
    >>> len(blob), blob[:4].hex(), blob[32:36].hex()
    (131072, '00000102', '001f0000')

    Args:
        chunks: at most 120, of at most 1,024 bytes.

    Returns:
        131,072 bytes.

    Raises:
        InvalidInput: more chunks, or longer ones.
    """
    longest = max(map(len, chunks), default=0)
    if len(chunks) > lanes.PART or longest > lanes.CHUNK:
        room = f"at most {lanes.PART} of at most {lanes.CHUNK:,} bytes do: send several blobs"
        raise InvalidInput(f"{len(chunks)} chunks of up to {longest:,} bytes do not fit a blob, {room}")
    pieces = [chunk[at : at + 31] for chunk in chunks for at in range(0, 31 * ELEMENTS, 31)]
    return b"".join((b"\0" + piece).ljust(32, b"\0") for piece in pieces).ljust(4096 * 32, b"\0")


def compute_opening(blob: bytes, element: int) -> tuple[int, int, bytes, bytes]:
    """Open one element of a blob: (element, value, commitment, proof), as the contract takes it.

    The blob's polynomial has the value of element e at ω^brp(e), with ω of order 4,096 and brp the reversal of 12 bits
    (EIP-4844).

    Args:
        blob: 131,072 bytes.
        element: 0 to 4,095.
    """
    setup = ethereum_setup().kzg
    point = pow(root_of_unity(12), int(f"{check_whole('element', element, 0, 4095):012b}"[::-1], 2), R)
    proof, value = ckzg.compute_kzg_proof(blob, point.to_bytes(32, "big"), setup)
    return element, int.from_bytes(value, "big"), ckzg.blob_to_kzg_commitment(blob, setup), proof


def name_blobs(blobs: Sequence[bytes]) -> list[bytes]:
    """The names under which a transaction carries blobs: the byte 1, and 31 bytes of their commitments' SHA-256.

    Raises:
        InvalidInput: something that is no blob.
    """
    if any(not isinstance(blob, bytes) or len(blob) != 32 * 4096 for blob in check_list("blobs", blobs)):
        raise InvalidInput("one of the blobs has another length than 131,072 bytes: give 4,096 elements of 32")
    commitments = [ckzg.blob_to_kzg_commitment(blob, ethereum_setup().kzg) for blob in blobs]
    return [b"\x01" + hashlib.sha256(commitment).digest()[1:] for commitment in commitments]


def send_blobs(chain: Chain, call: Any, sender: str, blobs: Sequence[bytes], *, check: bool = True) -> TxReceipt:
    """Send a call together with blobs.

    Beside the transaction travel the blobs, their commitments, and proofs of the 128 cells of each, which the network
    samples (EIP-7594); they take half a second a blob. In the transaction a blob has a name (`name_blobs`, EIP-4844).

    Args:
        chain: a local chain: it signs.
        call: a contract function.
        sender: one of the chain's accounts.
        blobs: 131,072 bytes each.
        check: raise if it was mined and failed; otherwise its receipt says ``status`` 0.

    Returns:
        The receipt.

    Raises:
        TransactionFailed: the contract refused the call, for example because it is not this client's turn.
    """
    names, setup = name_blobs(blobs), ethereum_setup().kzg
    commitments = [ckzg.blob_to_kzg_commitment(blob, setup) for blob in blobs]
    proofs = [proof for blob in blobs for proof in ckzg.compute_cells_and_kzg_proofs(blob, setup)[1]]
    parts = {"blobs": blobs, "commitments": commitments, "cellProofs": proofs, "blobVersionedHashes": names}
    fees = {"maxFeePerGas": 100 * _GWEI, "maxPriorityFeePerGas": _GWEI, "maxFeePerBlobGas": 1_000 * _GWEI}
    transaction = {"type": 3, "to": call.address, "data": to_hex(encode_call(call)), **fees}
    transaction |= {name: [to_hex(part) for part in each] for name, each in parts.items()}
    return chain.send(transaction, sender=sender, gas=1_000_000, check=check)
