"""Hashes that bind: to an update before it is revealed, and to the factors that an attestation stands for.

    commitment = keccak256(abi.encode(chain, contract, round, client, digest, salt))

A client first publishes the commitment, and the update only when every commitment is in. The hash binds the sender:
a copied commitment opens for nobody else, because the copier's address would have to stand in it. The salt hides the
update: without it, an update of few possible values could be found by trying them all.
Contract: ``Aggregator.commit`` and ``Aggregator.reveal``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from eth_abi import encode
from eth_utils import keccak
from numpy.random import Generator

from bcfl_support.chain import check_address
from bcfl_support.checks import check_whole, freeze, shorten
from bcfl_support.errors import InvalidInput, InvalidUpdate


@dataclass(frozen=True)
class Submission:
    """What one client sends in one round, and what it keeps to itself until the reveal.

    Attributes:
        client: the client's address.
        round_number: the round it is for, which no other takes it in.
        values: the update at scale s, shape (P,), int64.
        digest: keccak256 of the update, 32 bytes.
        salt: the random number that hides the commitment, 32 bytes.
        commitment: what goes on chain first, 32 bytes.
        aggregator: the contract it is for; empty where that is not known.
    """

    client: str
    round_number: int
    values: np.ndarray
    digest: bytes
    salt: bytes
    commitment: bytes
    aggregator: str = ""


PART = 2_048
"""Entries of an update that the contract takes in one transaction."""


def compute_digest(values: np.ndarray) -> bytes:
    """keccak256 of an update as the contract hashes it: every entry as a 32-byte big-endian signed integer.

    An update of more than `PART` entries is shown in parts; each further part is chained to what came before::

        d_1 = keccak256(part 1)            d_k = keccak256(d_{k−1}, keccak256(part k))

    Args:
        values: shape (P,), int64, at scale s.

    Returns:
        32 bytes; for up to `PART` entries equal to ``keccak256(abi.encodePacked(update))`` of an ``int64[]``.

    Raises:
        InvalidUpdate: if `values` is not a one-dimensional int64 array.

    >>> compute_digest(np.array([1, -1], dtype=np.int64)).hex()[:16]
    '9d3f4b35d3a7dca2'
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.int64 or values.ndim != 1:
        given = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else shorten(values)
        given = f"values are {given}, no one-dimensional int64 array"
        raise InvalidUpdate(f"{given}; encode the update with fixed_point.encode first")
    # abi.encodePacked pads the elements of an array to 32 bytes; the padding of a negative number is 0xff.
    words = np.empty((len(values), 32), dtype=np.uint8)
    words[:, :24] = np.where(values < 0, 0xFF, 0)[:, None]
    words[:, 24:] = values.astype(">i8").view(np.uint8).reshape(-1, 8)
    digest, *others = (keccak(words[start : start + PART].tobytes()) for start in range(0, max(len(words), 1), PART))
    for other in others:
        digest = keccak(digest + other)
    return digest


def compute_commitment(
    *, chain_id: int, aggregator: str, round_number: int, client: str, digest: bytes, salt: bytes
) -> bytes:
    """The commitment to an update, equal to the contract's ``commitmentOf``.

    Args:
        chain_id: the chain's id (EIP-155), so that nothing can be replayed on another chain.
        aggregator: address of the aggregator contract.
        round_number: the round it is for.
        client: who commits.
        digest: keccak256 of the update, 32 bytes; see `compute_digest`.
        salt: 32 random bytes.

    Returns:
        32 bytes.

    Raises:
        InvalidInput: a digest or a salt of another size, an id or a round that is not whole or negative, or no address.
    """
    for name, word in (("digest", digest), ("salt", salt)):
        if not isinstance(word, (bytes, bytearray)) or len(word) != 32:  # a shorter one would be padded in silence
            raise InvalidInput(f"{name} is {word!r}: give 32 bytes")
    chain_id = check_whole("chain_id", chain_id, 0, 2**256 - 1)  # the ABI takes no NumPy numbers
    round_number = check_whole("round_number", round_number, 0, 2**256 - 1)
    aggregator, client = check_address("aggregator", aggregator), check_address("client", client)
    types = ["uint256", "address", "uint256", "address", "bytes32", "bytes32"]
    return keccak(encode(types, [chain_id, aggregator, round_number, client, digest, salt]))


def bind_updates(encoded: Mapping[str, tuple[np.ndarray, bytes]], rng: Generator, **place: Any) -> list[Submission]:
    """What each client sends in a round, with a salt of its own.

    Args:
        encoded: client → update at scale s and its digest.
        rng: source of the salts.
        place: chain_id, aggregator and round_number, as in `compute_commitment`.
    """
    submissions = []
    for client, (values, digest) in encoded.items():
        salt = rng.bytes(32)
        commitment = compute_commitment(**place, client=client, digest=digest, salt=salt)
        where = place["round_number"], freeze(values), digest, salt, commitment, place["aggregator"]
        submissions.append(Submission(client, *where))
    return submissions


def compute_factors_hash(factors: Mapping[str, int]) -> bytes:
    """keccak256(abi.encode(clients, factors)): what an attestation pins, besides the record.

    The contract hashes any order. Here there is one, of addresses as text, or equal factors would not agree.

    Args:
        factors: client address → factor in millionths.

    Raises:
        InvalidInput: a client that is no address, or a factor that is not whole or does not fit 32 bits.
    """
    given = sorted((check_address("client", client), factor) for client, factor in factors.items())
    numbers = [check_whole(f"the factor of {client}", factor, 0, 2**32 - 1) for client, factor in given]
    return keccak(encode(["address[]", "uint32[]"], [[client for client, _ in given], numbers]))
