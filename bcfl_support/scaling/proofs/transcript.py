"""What a round's proof says and hashes, byte by byte: the contract that checks it reads the same.

Numbers are big endian. A point is x (48) y (48), all zero at infinity; inside hashes and calldata it has no padding.
With K = ⌈P/N⌉ chunks, n clients in strictly rising order of their addresses, and "|" for "followed by"::

    record_i  = w_i (8) | keccak(C_i1 (96) | … | C_iK (96)) (32)
    records   = record_1 | … | record_n
    m         = keccak(chain id (32) | contract (32) | round (32) | setup's digest (32) | P (32)
                       | keccak(client_1 (32) | … | client_n (32)) | keccak(records))
    seed      = keccak(keccak(m | S_1 (16) | … | S_n (16)) | sender (32))

Every commitment is hashed, by way of its client's digest: so challenges can be drawn from digests, before a contract
has seen all the points. m is abi.encode of seven words, and what clients sign, if they do: it holds no score, for
nobody knows them yet. Scores are int128, so S + r cannot be written. The sender is bound so that a proof copied from a
mempool pays nobody else.

The prover's messages follow; each challenge is a hash modulo r (Fiat and Shamir 1986)::

    t_1 = keccak(seed | A_1 (96) | … | A_K (96))        ρ = t_1 mod r     the sum's commitments, or none
    t_2 = keccak(t_1 | C_q (96) | C_f (96))             ζ = t_2 mod r
    t_3 = keccak(t_2 | a_1 (32) | … | a_K (32))         γ = t_3 mod r     a_k < r, or the proof is refused
    t_4 = keccak(t_3 | π_ζ (96) | π_0 (96) | σ (96))    δ = t_4 mod r     σ: the clients' aggregated signature, or none

A proof travels as C_q | C_f | a_1 … a_K | π_ζ | π_0 | σ, 384 + 32K bytes or 96 more, and A_1 … A_K apart. σ is hashed,
since it enters the last sum unmultiplied: were it chosen after δ, it could make up for any false claim.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils import is_address, keccak, to_canonical_address

from bcfl_support.checks import check_kind, check_list, check_range, check_whole
from bcfl_support.errors import ProofError
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.proofs.setup import POINT, Setup

MAX_CLIENTS = 1_024
"""A transaction of 128 KiB holds no more clients: a point of 96 bytes and a score of 16 for each."""
MAX_PARAMETERS = 2**24
"""With `MAX_TOTAL_WEIGHT`, |S_i| ≤ 2^7·2^32 · 2^7·2^32 · 2^24 = 2^102, which int128 holds."""
MAX_TOTAL_WEIGHT = 2**32
"""Largest Σ w_i: the sums A_j stay below 2^39."""


@dataclass(frozen=True)
class Statement:
    """What a round's proof is about, all of it public.

    Attributes:
        chain_id: of the chain whose contract checks.
        contract: its address.
        round: the round's name, a number below 2^256: its index, or the hash of all rounds before it.
        sender: the address that brings the proof.
        parameters: P, entries of an update.
        clients: addresses, strictly rising.
        weights: w_i, one a client, at least 1.
        scores: S_i, as claimed.
        commitments: of each client K points, 96 bytes each.
    """

    chain_id: int
    contract: str
    round: int
    sender: str
    parameters: int
    clients: tuple[str, ...]
    weights: tuple[int, ...]
    scores: tuple[int, ...]
    commitments: tuple[tuple[bytes, ...], ...]

    def check(self, setup: Setup) -> None:
        """Refuse what a contract would not take to the hash: lengths, ranges, the order of clients.

        Raises:
            InvalidInput: this is no statement, or what is needed of each client no tuple.
            ProofError: with the number that is wrong.
        """
        check_kind("statement", self, Statement, "a Statement, such as state_round makes")  # where called by the class
        for name in ("clients", "weights", "scores", "commitments"):
            check_kind(name, getattr(self, name), (tuple, list), "a tuple, one of each a client")
        n, chunks = len(self.clients), setup.count_chunks(self.check_parameters())
        check_range("clients", n, 1, MAX_CLIENTS, why="a transaction holds no more", error=ProofError)
        for name, value in (("chain_id", self.chain_id), ("round", self.round)):
            check_whole(name, value, 0, 2**256 - 1, error=ProofError)
        for address in (self.contract, self.sender, *self.clients):
            if not (isinstance(address, str) and is_address(address)):
                raise ProofError(f"{address!r} is no address")
        keys = [to_canonical_address(client) for client in self.clients]
        if any(a >= b for a, b in itertools.pairwise(keys)):
            raise ProofError("clients are not in strictly rising order: sort them, each once")
        for name, values in (("weights", self.weights), ("scores", self.scores), ("commitments", self.commitments)):
            if len(values) != n:
                raise ProofError(f"{len(values)} {name} of {n} clients: give one for each")
        for i, (weight, score, points) in enumerate(zip(self.weights, self.scores, self.commitments, strict=True)):
            check_whole(f"the weight of client {i}", weight, 1, MAX_TOTAL_WEIGHT, error=ProofError)
            low, high, why = -(2**127), 2**127 - 1, "it travels as an int128"
            check_whole(f"the score of client {i}", score, low, high, why=why, error=ProofError)
            check_points(f"commitments of client {i}", points, chunks)
        check_range("the sum of weights", sum(map(int, self.weights)), 1, MAX_TOTAL_WEIGHT, error=ProofError)

    def check_parameters(self) -> int:
        """P, if it is in its range."""
        check_whole("parameters", self.parameters, 1, MAX_PARAMETERS, error=ProofError)
        return int(self.parameters)

    def records(self) -> bytes:
        """w_i and the digest of every client's commitments, 40 bytes each."""
        return b"".join(_word(w, 8) + digest for w, digest in zip(self.weights, self.digests(), strict=True))

    def digests(self) -> list[bytes]:
        """keccak(C_i1 | … | C_iK) of every client: what it seals, and what stands for its points in every hash."""
        return [keccak(b"".join(points)) for points in self.commitments]

    def message(self, setup: Setup) -> bytes:
        """m, 32 bytes: the round without its scores."""
        head = (_word(self.chain_id), _word(self.contract), _word(self.round), setup.digest, _word(self.parameters))
        return keccak(b"".join(head) + keccak(b"".join(map(_word, self.clients))) + keccak(self.records()))

    def seed(self, setup: Setup) -> bytes:
        """Where the transcript starts, 32 bytes."""
        scores = b"".join(int(score).to_bytes(16, "big", signed=True) for score in self.scores)
        return keccak(keccak(self.message(setup) + scores) + _word(self.sender))


@dataclass(frozen=True)
class Proof:
    """What the prover sends.

    Attributes:
        q: C_q, the quotient's commitment, 96 bytes as all points.
        f: C_f, the remainder's.
        values: a_k, the sum's chunks at ζ.
        at_zeta: π_ζ, one opening of all at ζ.
        at_zero: π_0, that of f at 0.
        aggregates: the commitments of Σ w_i·v_i, for a contract that publishes them; or none.
        signature: σ, the sum of the clients' signatures on the round's message; or nothing.
    """

    q: bytes
    f: bytes
    values: tuple[int, ...]
    at_zeta: bytes
    at_zero: bytes
    aggregates: tuple[bytes, ...] = ()
    signature: bytes = b""

    def check(self, chunks: int) -> None:
        """Refuse wrong lengths, and scalars that are not in their one form.

        Raises:
            InvalidInput: this is no proof, or a part is of another kind.
            ProofError: with what is wrong.
        """
        check_kind("proof", self, Proof, "a Proof, such as prove_round makes")
        for name, kind in (("values", (tuple, list)), ("aggregates", (tuple, list)), ("signature", bytes)):
            check_kind(f"{name} of the proof", getattr(self, name), kind, "a tuple; for the signature, bytes")
        check_points("the proof", (self.q, self.f, self.at_zeta, self.at_zero), 4)
        check_points("aggregates", self.aggregates, chunks if self.aggregates else 0)
        check_points("signatures", (self.signature,) if self.signature else (), 1 if self.signature else 0)
        if len(self.values) != chunks:
            raise ProofError(f"{len(self.values)} values at ζ, the round has {chunks} chunks")
        for k, value in enumerate(self.values):
            why = "a scalar has one form, below r"
            check_whole(f"the value of chunk {k} at ζ", value, 0, R - 1, why=why, error=ProofError)

    def to_bytes(self) -> bytes:
        """The proof as it travels, aggregates apart."""
        return b"".join((self.q, self.f, *map(_word, self.values), self.at_zeta, self.at_zero, self.signature))

    @classmethod
    def from_bytes(cls, raw: bytes, chunks: int, aggregates: Sequence[bytes] = ()) -> Proof:
        """Read one.

        Args:
            raw: as `to_bytes` writes it.
            chunks: K.
            aggregates: K points, or none.

        Raises:
            InvalidInput: no bytes, or no number of chunks.
            ProofError: the bytes are too few or too many, or a scalar is not below r.
        """
        check_kind("raw", raw, bytes, "a proof as to_bytes writes it")
        end = 2 * POINT + 32 * (chunks := check_whole("chunks", chunks, 1))
        if len(raw) not in (end + 2 * POINT, end + 3 * POINT):
            sizes = f"{end + 2 * POINT:,}, or {end + 3 * POINT:,} with a signature"
            raise ProofError(f"the proof has {len(raw):,} bytes, one of {chunks} chunks has {sizes}")
        values = tuple(int.from_bytes(raw[at : at + 32], "big") for at in range(2 * POINT, end, 32))
        points = [raw[at : at + POINT] for at in (0, POINT, end, end + POINT, end + 2 * POINT)]
        sums = tuple(check_list("aggregates", aggregates))
        proof = cls(points[0], points[1], values, points[2], points[3], sums, points[4])
        proof.check(chunks)
        return proof


class Transcript:
    """The hash that stands in for a verifier who draws challenges.

    Attributes:
        state: t, 32 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self.state = seed

    def absorb(self, *parts: bytes) -> int:
        """t ← keccak(t | parts); the challenge is t mod r."""
        self.state = keccak(self.state + b"".join(parts))
        return int.from_bytes(self.state, "big") % R

    def absorb_values(self, values: Sequence[int]) -> int:
        """The same for scalars, 32 bytes each."""
        return self.absorb(*map(_word, values))


def check_points(name: str, points: Sequence[bytes], number: int) -> None:
    """Refuse another number of points, or other lengths; whether they are points is seen when they are read.

    Raises:
        ProofError: with both.
    """
    sizes = [len(point) if isinstance(point, bytes) else -1 for point in check_list(name, points)]
    if sizes != [POINT] * number:
        raise ProofError(f"{name}: {len(sizes)} points of {sorted(set(sizes))} bytes, not {number} of {POINT}")


def _word(value: int | str, size: int = 32) -> bytes:
    """A number or an address in so many bytes."""
    return (int(value, 16) if isinstance(value, str) else int(value)).to_bytes(size, "big")
