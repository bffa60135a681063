"""Rung 4: the updates travel as blobs (EIP-4844), opened at a point where somebody doubts them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from eth_utils import to_checksum_address
from hexbytes import HexBytes
from web3.types import TxReceipt

from bcfl_support.chain import MNEMONIC, Chain, calldata
from bcfl_support.errors import ServiceError, TransactionFailed
from bcfl_support.scaling import lanes
from bcfl_support.scaling.optimistic import OptimisticRung

_BLOB_TRANSACTION_GAS = 1_000_000


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
            self._note("submit", receipt, call)
            hashes += found
        self.blobs += len(hashes)
        self._remember(client, row, hashes)

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


def send_blobs(chain: Chain, call: Any, account: int, blobs: Sequence[bytes]) -> tuple[TxReceipt, list[bytes]]:
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

    key = Account.from_key(key_from_seed(seed_from_mnemonic(MNEMONIC, ""), f"m/44'/60'/0'/0/{account}"))
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
        "data": calldata(call),
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
