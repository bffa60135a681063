"""Keys whose signatures add up: what a round's clients sign with, so that one check does for all of them.

A secret x has the key x·H in G2, and its signature on a message m is x·hash(m) in G1 (Boneh, Lynn and Shacham 2001).
With K = Σ x_i·H and σ = Σ x_i·hash(m) (Boldyreva 2003)::

    e(σ, H) = e(hash(m), K)

Whoever may register any point could take x·H minus all others' keys, and sign for everybody by x alone. So a key is
registered with a signature on itself, of a domain of its own: a proof of possession.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_abi import encode
from eth_utils import keccak, to_canonical_address
from py_arkworks_bls12381 import G1Point, G2Point

from bcfl_support.chain import check_address
from bcfl_support.checks import check_kind, check_list, check_whole
from bcfl_support.errors import ProofError
from bcfl_support.scaling.proofs import setup
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.proofs.rounds import SIGNING_DOMAIN
from bcfl_support.scaling.proofs.setup import decode_key, decode_point, encode_key, encode_point, pairs_to_one

POSSESSION_DOMAIN = b"BCFL-V1-POSSESSION_BLS12381G1_XMD:SHA-256_SSWU_RO_"
"""What a key's proof of possession is hashed to the curve with: it is no signature on a round."""


@dataclass(frozen=True)
class SigningKey:
    """A client's key pair.

    >>> keys = [SigningKey(2), SigningKey(3)]
    >>> add_keys([key.public for key in keys]) == SigningKey(5).public
    True
    >>> add_signatures([key.sign(b"m") for key in keys]) == SigningKey(5).sign(b"m")
    True

    Attributes:
        secret: x, 1 … r − 1.
    """

    secret: int = field(repr=False)

    def __post_init__(self) -> None:
        check_whole("secret", self.secret, 1, R - 1, why="it is an element of the field, not zero")

    @classmethod
    def derive(cls, account: str) -> SigningKey:
        """A key for an account. FOR TEACHING: whoever knows the address knows the secret.

        Args:
            account: an address; `InvalidInput` if it is none.
        """
        who = check_address("account", account)
        return cls(int.from_bytes(keccak(b"a key for teaching" + to_canonical_address(who)), "big") % R)

    @property
    def public(self) -> bytes:
        """x·H, 256 bytes."""
        return encode_key(setup.H * setup.to_scalar(self.secret))

    def sign(self, message: bytes) -> bytes:
        """The signature on a round's message, 96 bytes."""
        return encode_point(self._times(message, SIGNING_DOMAIN))

    def prove_possession(self, chain_id: int, contract: str, account: str) -> bytes:
        """That the secret is known to whoever registers the key, 128 bytes as a contract takes them.

        Args:
            chain_id, contract: where it is registered.
            account: by whom.

        Raises:
            InvalidInput: no number of a chain, or no address.
        """
        chain_id, contract = check_whole("chain_id", chain_id, 0, 2**256 - 1), check_address("contract", contract)
        where = [chain_id, contract, check_address("account", account), self.public]
        message = keccak(encode(["uint256", "address", "address", "bytes"], where))
        return pad_point(encode_point(self._times(message, POSSESSION_DOMAIN)))

    def _times(self, message: bytes, domain: bytes) -> G1Point:
        check_kind("message", message, bytes, "the bytes to sign")
        return G1Point.hash_to_curve(message, domain) * setup.to_scalar(self.secret)


def add_keys(keys: Sequence[bytes]) -> bytes:
    """The key of several together.

    Args:
        keys: 256 bytes each.

    Raises:
        ProofError: one is no key.
    """
    points = [decode_key(f"key {i}", raw) for i, raw in enumerate(check_list("keys", keys))]
    return encode_key(sum(points, G2Point.identity()))


def add_signatures(signatures: Sequence[bytes]) -> bytes:
    """The signature of several together.

    Args:
        signatures: 96 bytes each, all on one message.

    Raises:
        ProofError: one is no point.
    """
    points = [decode_point(f"signature {i}", raw) for i, raw in enumerate(check_list("signatures", signatures))]
    return encode_point(sum(points, G1Point.identity()))


def verify_signature(key: bytes, message: bytes, signature: bytes) -> None:
    """Check the signature of one or of several together: e(σ, −H)·e(hash(m), K) = 1.

    Args:
        key: 256 bytes.
        message: what was signed.
        signature: 96 bytes.

    Raises:
        ProofError: it is not by this key on this message.
    """
    check_kind("message", message, bytes, "the bytes that were signed")
    point, signer = decode_point("the signature", signature), decode_key("the key", key)
    if not pairs_to_one([(point, -setup.H), (G1Point.hash_to_curve(message, SIGNING_DOMAIN), signer)]):
        raise ProofError("the signature is not by this key on this message: the pairing fails")


def pad_point(raw: bytes) -> bytes:
    """A point of 96 bytes in 128, as EIP-2537 takes it."""
    return bytes(16) + raw[:48] + bytes(16) + raw[48:]
