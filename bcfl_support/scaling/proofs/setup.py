"""The points that everybody shares: powers of a secret τ that nobody should know, and how points travel.

A setup is G, τ·G, …, τ^(N−1)·G and H, τ·H. A polynomial of degree < N is committed to as p(τ)·G (Kate, Zaverucha and
Goldberg 2010). Who knows τ can open a commitment to any value; Ethereum's was made by 141,416 people one after the
other, of whom a single honest one is enough.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ckzg
import numpy as np
from eth_account.typed_transactions.base import TRUSTED_SETUP
from eth_utils import keccak
from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from bcfl_support.checks import check_flag, check_whole
from bcfl_support.errors import ProofError
from bcfl_support.scaling.proofs.polynomials import MAX_LOG_N, R, lagrange_at, to_limbs

G, H = G1Point(), G2Point()
POINT = 96
"""Bytes of a point of G1: x and y, 48 bytes each; all zero is the point at infinity."""
KEY = 256
"""Bytes of a point of G2: the real parts and the others of x and y, 64 bytes each, as EIP-2537 takes them."""
CEREMONY = "d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"
"""SHA-256 of the file with the points of Ethereum's ceremony."""
_MAX_LOG_POWERS = 12  # a toy's powers up to here: 4,096 multiplications, a second


@dataclass(frozen=True, eq=False)
class Setup:
    """A structured reference string with exactly N powers: no polynomial of degree N or more can be committed to.

    Whoever holds τ^N·G, or τ itself, can prove every score: with f + c·(X^N − 1) and q − c in place of f and q the
    proof holds for every c. So N is the number of all powers that are public, or can be computed from what is, as those
    of τ + 1 can. In Ethereum's setup for blobs that is 4,096; contracts refuse its τ·H with another N, and know no
    other setup, nor the three other sets of its ceremony.

    Attributes:
        name: what it is called.
        log_n: the logarithm of N.
        tau_h: τ·H.
        powers: τ^i·G for i < N; none where a toy works through its secret alone.
        secret: τ of a toy; None where nobody knows it.
        kzg: Ethereum's setup as ckzg holds it.
    """

    name: str
    log_n: int
    tau_h: Any
    powers: tuple[Any, ...] = field(default=(), repr=False)
    secret: int | None = field(default=None, repr=False)
    kzg: Any = field(default=None, repr=False)

    @property
    def n(self) -> int:
        """N: powers, and entries of a chunk."""
        return 1 << self.log_n

    @functools.cached_property
    def digest(self) -> bytes:
        """What a transcript says of it: keccak256(N as 32 bytes, τ·H as 256)."""
        return keccak(self.n.to_bytes(32, "big") + encode_key(self.tau_h))

    @functools.cached_property
    def lagrange(self) -> np.ndarray:
        """L_j(τ) in limbs, (11, N), of a toy."""
        assert self.secret is not None
        return to_limbs(lagrange_at(self.secret, self.log_n))

    def count_chunks(self, parameters: int) -> int:
        """K = ⌈P/N⌉: commitments of an update of P entries; `InvalidInput` for what is no P."""
        return -(-check_whole("parameters", parameters, 1, why="an update has an entry at least") // self.n)

    def commit_polynomial(self, polynomial: Any) -> Any:
        """p(τ)·G by the powers, for a polynomial of FLINT's with degree < N."""
        coefficients = [int(c) for c in polynomial.coeffs()]
        return multiply(self.powers[: len(coefficients)], coefficients)

    def holds(self, left: Any, right: Any, *others: tuple[Any, Any]) -> bool:
        """Whether e(left, −H)·e(right, τ·H), times what other pairs give, is one."""
        return pairs_to_one([(left, -H), (right, self.tau_h), *others])


@functools.cache
def ethereum_setup() -> Setup:
    """Ethereum's, from the ceremony of 2023: N = 4,096. eth_account ships it; loading takes two seconds, once.

    The points are those of EIP-4844, so a commitment here is a blob's, entry j in its element bitrev(j).

    Raises:
        ProofError: the file is not there, or holds anything else: other points would commit to other values.
    """
    place = Path(TRUSTED_SETUP)
    raw = place.read_bytes() if place.is_file() else b""
    if (found := hashlib.sha256(raw).hexdigest()) != CEREMONY:
        what = f"{place}, Ethereum's setup, is {'damaged' if raw else 'missing'}: its SHA-256 is {found}"
        raise ProofError(f"{what}, that of the ceremony's {CEREMONY}; install eth-account anew")
    lines = raw.decode().split()
    ones, twos = int(lines[0]), int(lines[1])  # points of G1, of G2; then both in turn, and G1's powers last
    points = [bytes.fromhex(line) for line in lines[2 + ones :]]
    powers = tuple(G1Point.from_compressed_bytes_unchecked(point) for point in points[twos:])
    tau_h = G2Point.from_compressed_bytes(points[1])
    return Setup("Ethereum's ceremony", 12, tau_h, powers, kzg=ckzg.load_trusted_setup(TRUSTED_SETUP, 0))


def toy_setup(log_n: int, secret: int, *, powers: bool | None = None) -> Setup:
    """A setup made by one person. FOR TEACHING AND FOR MEASURING GAS ONLY: WHO KNOWS THE SECRET CAN PROVE ANYTHING.

    The points are those that an honest ceremony with this τ would give, and the proofs those of an honest prover; but
    the secret is kept, and commitments are computed by it. With N ≥ P an update is a single chunk.

    >>> toy_setup(2, secret=5).n
    4

    Args:
        log_n: the logarithm of N, 0 to 22. A million entries need 20, and three seconds, once.
        secret: τ, 2 … r−1, no root of unity.
        powers: whether τ^i·G are made and proofs use nothing but them; None: up to N = 4,096. Without them, proofs
            too are computed through the secret.

    Raises:
        InvalidInput: log_n or secret lies elsewhere.
    """
    log_n = check_whole("log_n", log_n, 0, MAX_LOG_N, why="sums stay exact to there")
    secret = check_whole("secret", secret, 2, R - 1, why="it is an element of the field")
    check_whole("secret^N mod r", pow(secret, 1 << log_n, R), 2, R, why="a root of unity is no secret")
    check_flag("powers", made := log_n <= _MAX_LOG_POWERS if powers is None else powers)
    each = tuple(times(pow(secret, i, R)) for i in range(made << log_n))
    return Setup("toy", log_n, H * to_scalar(secret), each, secret)


# ---------------------------------------------------------------- points
def to_scalar(number: int) -> Any:
    """A number, also a negative one, as the library's scalar."""
    return Scalar.from_be_bytes((int(number) % R).to_bytes(32, "big"))


def times(number: int) -> Any:
    """The number times G."""
    return G * to_scalar(number)


def multiply(points: Sequence[Any], numbers: Sequence[int]) -> Any:
    """Σ n_i·P_i, a multi-scalar multiplication."""
    return G1Point.multiexp_unchecked(list(points), [to_scalar(number) for number in numbers])


def pairs_to_one(pairs: Sequence[tuple[Any, Any]]) -> bool:
    """Whether Π e(P, Q) = 1 over pairs of points of G1 and G2: what a pairing precompile answers."""
    first, second = zip(*pairs, strict=True)
    return bool(GT.pairing_check(list(first), list(second)))


def encode_point(point: Any) -> bytes:
    """A point of G1 as it travels: 96 bytes."""
    return point.to_xy_bytes_be()


def decode_point(name: str, raw: bytes) -> Any:
    """A point that somebody sent, on the curve and in the group of order r.

    Args:
        name: what it is called in the message.
        raw: 96 bytes.

    Raises:
        ProofError: it has another length, is not on the curve or not in the group, or a coordinate is not below the
            base field's prime.
    """
    try:
        return G1Point.from_xy_bytes_be(raw)
    except (ValueError, TypeError) as error:
        how = f"x and y in {POINT} bytes, each below the base field's prime"
        raise ProofError(f"{name} is no point of G1 ({error}): give {how}") from None


def encode_key(point: Any) -> bytes:
    """A point of G2 in 256 bytes, as EIP-2537 takes it."""
    raw = point.to_xy_bytes_be()
    return b"".join(bytes(16) + raw[start : start + 48] for start in range(0, 192, 48))


def decode_key(name: str, raw: bytes) -> Any:
    """A point of G2 that somebody sent, checked as in `decode_point`."""
    try:
        parts = [raw[start : start + 64] for start in range(0, KEY, 64)] if isinstance(raw, bytes) else []
        if parts and len(raw) == KEY and any(raw) and not any(any(part[:16]) for part in parts):
            return G2Point.from_xy_bytes_be(b"".join(part[16:] for part in parts))
        reason = "wrong length or padding, or the key of nobody"
    except ValueError as error:
        reason = str(error)
    raise ProofError(f"{name} is no point of G2 in {KEY} bytes: {reason}")
