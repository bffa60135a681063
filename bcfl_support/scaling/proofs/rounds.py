"""All scores of a round in one proof: a batched inner product by univariate sumcheck.

Clients' vectors v_i, weights w_i, the sum A = Σ_i w_i·v_i and scores S_i = w_i·⟨v_i, A⟩, exact integers as those of
the other rungs. A challenge ρ makes one claim of n, and N·f(0) a sum of N values (Aurora: Ben-Sasson et al. 2019)::

    Σ_i ρ^i·S_i = Σ_k ⟨A_k, G_k⟩           G = Σ_i ρ^i·w_i·v_i,  k runs over the chunks
    Σ_k A_k(X)·G_k(X) = q(X)·(X^N − 1) + f(X)        deg f < N, so that the sum is N·f(0)

Commitments of A_k and G_k anybody forms from the clients'. The prover commits to q and f, tells a_k = A_k(ζ), and opens
at ζ the polynomial that is linear in all commitments (as Plonk does: Gabizon, Williamson and Ciobotaru 2019), with the
value Σ_k γ^k·a_k, k from 1, and f at 0::

    D(X) = Σ_k (γ^k·A_k(X) + a_k·G_k(X)) − q(X)·(ζ^N − 1) − f(X)

A false claim passes with a probability below 2^-220 a try, for whoever does not know the setup's secret. Not proven is
that the data is to be had, that entries are in range (`find_fault`), that nobody copied. Squared norms take
n·K values at ζ: see `norms`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from py_arkworks_bls12381 import G1Point

from bcfl_support.checks import check_flag, check_list, check_range
from bcfl_support.errors import InvalidInput, InvalidUpdate, ProofError
from bcfl_support.scaling.proofs.commitments import average, chunks_of, commit
from bcfl_support.scaling.proofs.polynomials import POLYNOMIALS, R, divide_out, dot, interpolate, lagrange_at, to_limbs
from bcfl_support.scaling.proofs.setup import G, Setup, decode_key, decode_point, encode_point, multiply, times
from bcfl_support.scaling.proofs.transcript import MAX_PARAMETERS, MAX_TOTAL_WEIGHT, Proof, Statement, Transcript

SIGNING_DOMAIN = b"BCFL-V1-ROUND_BLS12381G1_XMD:SHA-256_SSWU_RO_"
"""What a signed message is hashed to the curve with (RFC 9380)."""
Tick = Callable[[int, int], None]
"""Told of progress: steps done, steps in all."""
_BLOCK = 1024  # entries of a sum that int64 holds: 2^7 · 2^39 · 2^10


def state_round(
    setup: Setup,
    updates: np.ndarray,
    weights: Sequence[int],
    clients: Sequence[str],
    *,
    chain_id: int,
    contract: str,
    round: int,
    sender: str,
    commitments: Sequence[Sequence[bytes]] | None = None,
    progress: Tick | None = None,
) -> Statement:
    """A round's true statement: its scores, and the commitments.

    Args:
        setup: what to commit with.
        updates: v_i, shape (n, P), int8.
        weights: w_i, positive integers with a sum of at most 2^32.
        clients: addresses, strictly rising.
        chain_id, contract, round, sender: see `Statement`.
        commitments: the clients' own, if they have sent them; None: they are made, 5 ms a chunk with Ethereum's setup.
        progress: told after each client.

    Raises:
        InvalidInput, InvalidUpdate: as `compute_scores`.
        ProofError: what else the statement needs is missing or out of range.
    """
    scores = compute_scores(updates, weights)
    if commitments is None:
        commitments = []
        for i, row in enumerate(updates):
            commitments.append(commit(setup, row))
            if progress:
                progress(i + 1, len(updates))
    who, shares = tuple(check_list("clients", clients)), tuple(int(w) for w in weights)
    points = tuple(tuple(check_list("commitments", c)) for c in check_list("commitments", commitments))
    made = Statement(chain_id, contract, round, sender, updates.shape[1], who, shares, scores, points)
    made.check(setup)
    return made


def compute_scores(updates: np.ndarray, weights: Sequence[int]) -> tuple[int, ...]:
    """S_i = w_i·Σ_j v_ij·A_j with A = Σ_i w_i·v_i, exactly.

    >>> compute_scores(np.array([[3, -1], [1, 2]], dtype=np.int8), [2, 1])
    (42, 7)

    Args:
        updates: shape (n, P), int8, P at most 2^24.
        weights: positive integers with a sum of at most 2^32.

    Raises:
        InvalidInput: a weight is not whole or below 1, or their sum too large.
        InvalidUpdate: another shape or type of updates.
    """
    array = check_range("weights", weights, 1, MAX_TOTAL_WEIGHT, row=True, whole=True).astype(np.int64)
    check_range("the sum of weights", int(array.sum()), 1, MAX_TOTAL_WEIGHT, why="sums are exact to there")
    check_updates(updates, array.size)
    total = sum_updates(updates, array.tolist())
    starts = np.arange(0, len(total), _BLOCK)
    shares = [np.add.reduceat(row * total, starts).tolist() for row in updates]
    return tuple(w * sum(share) for w, share in zip(array.tolist(), shares, strict=True))


def check_updates(updates: Any, n: int | None = None) -> None:
    """Refuse what is no (n, P) of int8, or where there are n weights, of another n; `InvalidUpdate`."""
    fits = type(updates) in (np.ndarray, np.memmap) and updates.dtype == np.int8 and updates.ndim == 2
    if not fits or n not in (None, len(updates)) or not 1 <= updates.shape[1] <= MAX_PARAMETERS:
        shape = f"shape {updates.shape}" if isinstance(updates, np.ndarray) else "no shape"
        kind = updates.dtype if type(updates) is np.ndarray else type(updates).__name__
        said = f"updates have {shape} and type {kind}: " + (n is not None) * f"{n} weights need (n, P) of int8; "
        raise InvalidUpdate(f"{said}give (n, P) of int8, P from 1 to {MAX_PARAMETERS:,}")


def sum_updates(updates: np.ndarray, weights: Sequence[int]) -> np.ndarray:
    """A = Σ_i w_i·v_i, shape (P,), int64."""
    total = np.zeros(updates.shape[1], dtype=np.int64)
    for weight, row in zip(weights, updates, strict=True):
        total += weight * row.astype(np.int64)
    return total


# ---------------------------------------------------------------- the prover
def prove_round(
    setup: Setup,
    statement: Statement,
    updates: np.ndarray,
    *,
    aggregates: bool = False,
    signature: bytes = b"",
    key: bytes | None = None,
    progress: Tick | None = None,
) -> Proof:
    """Prove a round's scores, and check the proof as everybody will.

    Two products of polynomials a chunk and six multiplications: 2 s for 10 clients of 100,000 entries with Ethereum's
    setup, 17 s for a million; 4 s in a toy that holds it in one chunk. Memory: 300 bytes an entry, 600 in such a toy.

    Args:
        setup: what the commitments were made with.
        statement: what to prove, from `state_round`.
        updates: v_i, shape (n, P), int8.
        aggregates: whether the sum's commitments go along.
        signature: the sum of the clients' signatures on the statement's message, 96 bytes; or none.
        key: the sum of their keys, 256 bytes, if there is a signature.
        progress: told after each chunk.

    Raises:
        InvalidInput: the statement's scores or shape are not those of the updates.
        ProofError: the statement is no statement, or its commitments are not those of the updates.
    """
    Statement.check(statement, setup)
    check_flag("aggregates", aggregates)
    if (true := compute_scores(updates, statement.weights)) != tuple(statement.scores):
        raise InvalidInput(f"the statement's scores are {statement.scores}, the updates' are {true}: state those")
    if updates.shape[1] != statement.parameters:
        raise InvalidInput(f"updates have {updates.shape[1]:,} entries, the statement says {statement.parameters:,}")
    witness = Coefficients if setup.powers else Numbers
    proof = build_proof(setup, statement, updates, witness, aggregates, signature, progress)
    verify_round(setup, statement, proof, key=key)
    return proof


class Coefficients:
    """The prover's polynomials, for a setup with powers.

    Attributes:
        pairs: (A_k, G_k).
        q, f: quotient and remainder of Σ_k A_k·G_k by X^N − 1.
    """

    def __init__(self, setup: Setup, updates: np.ndarray, weights: Sequence[int], rho: int, progress: Tick | None):
        self.setup, self.pairs, product = setup, [], POLYNOMIALS([0])
        factors = mix_weights(weights, rho)
        chunks = chunks_of(setup, updates)
        for k, chunk in enumerate(chunks):
            mixed = [0] * chunk.shape[1]
            for factor, row in zip(factors, chunk.tolist(), strict=True):
                mixed = [m + factor * v for m, v in zip(mixed, row, strict=True)]
            summed = interpolate(sum_updates(chunk, weights).tolist(), setup.log_n)
            self.pairs.append((summed, interpolate(mixed, setup.log_n)))
            product += summed * self.pairs[-1][1]
            if progress:
                progress(k + 1, len(chunks))
        self.q = product.right_shift(setup.n)
        self.f = product.truncate(setup.n) + self.q

    def commit(self) -> tuple[Any, Any]:
        """C_q and C_f."""
        return self.setup.commit_polynomial(self.q), self.setup.commit_polynomial(self.f)

    def evaluate(self, zeta: int) -> tuple[int, ...]:
        """a_k = A_k(ζ)."""
        return tuple(int(summed(zeta)) for summed, _ in self.pairs)

    def open(self, zeta: int, gamma: int, values: Sequence[int]) -> tuple[Any, Any]:
        """π_ζ and π_0."""
        opened, _ = combine(self, zeta, gamma, values)
        made = self.setup.commit_polynomial
        return made(divide_out(opened, zeta)), made(self.f.right_shift(1))


class Numbers:
    """The same at τ alone, for a toy without powers: every commitment is a number times G.

    Attributes:
        pairs: (A_k(τ), G_k(τ)).
        q, f: q(τ) and f(τ).
        zero: f(0).
    """

    def __init__(self, setup: Setup, updates: np.ndarray, weights: Sequence[int], rho: int, progress: Tick | None):
        assert setup.secret is not None
        self.setup, self.tau, self.pairs, self.f, claim = setup, setup.secret, [], 0, 0
        self.sums = chunks_of(setup, sum_updates(updates, weights))
        factors = mix_weights(weights, rho)
        for k, (summed, chunk) in enumerate(zip(self.sums, chunks_of(setup, updates), strict=True)):
            mixed = sum(factor * dot(row, setup.lagrange) for factor, row in zip(factors, chunk, strict=True)) % R
            self.pairs.append((dot(summed, setup.lagrange) % R, mixed))
            for factor, row in zip(factors, chunk, strict=True):
                product = row * summed
                self.f += factor * dot(product, setup.lagrange)
                claim += factor * sum(np.add.reduceat(product, np.arange(0, len(product), _BLOCK)).tolist())
            if progress:
                progress(k + 1, len(self.sums))
        self.q = (sum(a * b for a, b in self.pairs) - self.f) * pow(pow(self.tau, setup.n, R) - 1, -1, R) % R
        self.zero = claim * pow(setup.n, -1, R)

    def commit(self) -> tuple[Any, Any]:
        """See `Coefficients.commit`."""
        return times(self.q), times(self.f)

    def evaluate(self, zeta: int) -> tuple[int, ...]:
        """See `Coefficients.evaluate`."""
        limbs = to_limbs(lagrange_at(zeta, self.setup.log_n))
        return tuple(dot(summed, limbs) % R for summed in self.sums)

    def open(self, zeta: int, gamma: int, values: Sequence[int]) -> tuple[Any, Any]:
        """See `Coefficients.open`."""
        opened, value = combine(self, zeta, gamma, values)
        at_zeta, at_zero = (opened - value) * pow(self.tau - zeta, -1, R), (self.f - self.zero) * pow(self.tau, -1, R)
        return times(at_zeta), times(at_zero)


def combine(known: Any, zeta: int, gamma: int, values: Sequence[int]) -> tuple[Any, int]:
    """D, or D(τ), of a witness, and what D(ζ) has to be."""
    opened, value, power = -known.q * (pow(zeta, known.setup.n, R) - 1) - known.f, 0, 1
    for (summed, mixed), a in zip(known.pairs, values, strict=True):
        power = power * gamma % R
        opened += summed * power + mixed * a
        value += power * a
    return opened, value


def mix_weights(weights: Sequence[int], rho: int) -> list[int]:
    """ρ^i·w_i: what client i counts in G."""
    return [pow(rho, i, R) * int(weight) % R for i, weight in enumerate(weights)]


def build_proof(
    setup: Setup,
    statement: Statement,
    updates: np.ndarray,
    witness: Callable[..., Any],
    aggregates: bool = False,
    signature: bytes = b"",
    progress: Tick | None = None,
) -> Proof:
    """A proof by the transcript, from whatever the witness says; nothing is checked. Arguments as in `prove_round`."""
    summed = average(statement.commitments, statement.weights) if aggregates else ()
    transcript = Transcript(statement.seed(setup))
    secret = witness(setup, updates, statement.weights, transcript.absorb(*summed), progress)
    q, f = map(encode_point, secret.commit())
    zeta = transcript.absorb(q, f)
    values = secret.evaluate(zeta)
    at_zeta, at_zero = map(encode_point, secret.open(zeta, transcript.absorb_values(values), values))
    return Proof(q, f, values, at_zeta, at_zero, summed, signature)


# ---------------------------------------------------------------- the verifier
def verify_round(setup: Setup, statement: Statement, proof: Proof, *, key: bytes | None = None) -> None:
    """Check a round's proof as a contract would: hashes, one multi-scalar multiplication, one pairing::

        e(L, −H)·e(M, τ·H)·e(hash(m), key) = 1          M = δ·π_ζ + δ²·π_0, L from `fold`

    Args:
        setup: N and τ·H; nothing else of it is used.
        statement: what the contract knows and is told.
        proof: what somebody sent.
        key: the sum of the clients' keys, 256 bytes of G2, each registered with a proof of possession, where they
            sign; None where they do not, and the last pair is left out.

    Raises:
        ProofError: it proves nothing; the message says which check failed.
    """
    Statement.check(statement, setup)
    Proof.check(proof, setup.count_chunks(statement.parameters))
    if bool(proof.signature) != (key is not None):
        raise ProofError("there is a signature and no key" if proof.signature else "there is a key and no signature")
    points, (q, f, at_zeta, at_zero) = decode_points(statement, proof)
    summed = [decode_point("an aggregate", raw) for raw in proof.aggregates]
    signed = decode_point("the signature", proof.signature) if proof.signature else G1Point.identity()
    signers = []
    if key is not None:
        signers = [(G1Point.hash_to_curve(statement.message(setup), SIGNING_DOMAIN), decode_key("the key", key))]

    challenges = draw_challenges(setup, statement, proof)
    others = [*summed, q, f, at_zeta, signed, G]

    def holds(batch: Sequence[int]) -> bool:
        left = multiply(points + others, fold(setup, statement, proof, challenges, batch))
        return setup.holds(left, multiply([at_zeta, at_zero], batch[1:3]), *(signers if batch[0] else []))

    powers = [pow(challenges[3], i, R) for i in range(3 + len(summed))]
    if holds(powers):
        return
    for first, last, reason in _REASONS:  # which of the equations that δ made one is it?
        chosen = [power if first <= i < last else 0 for i, power in enumerate(powers)]
        if any(chosen) and not holds(chosen):
            raise ProofError(reason)
    raise ProofError("the pairing fails")  # cannot be: the sum of equations that hold


_REASONS = (
    (0, 1, "the pairing fails: the signature is not the clients' on this round, its weights and commitments"),
    (3, 2**30, "the pairing fails: an aggregate is not the weighted sum of the commitments"),
    (2, 3, "the pairing fails at 0: the scores, weighted by powers of ρ, are not N·f(0)"),
    (1, 2, "the pairing fails at ζ: commitments, weights and scores are not those of one round"),
)


def decode_points(statement: Statement, proof: Proof) -> tuple[list[Any], list[Any]]:
    """The clients' points, and q, f, at_zeta and at_zero of the proof; `ProofError` names what is none."""
    records = [(f"a commitment of client {i}", c) for i, row in enumerate(statement.commitments) for c in row]
    ends = [(f"{name} of the proof", getattr(proof, name)) for name in ("q", "f", "at_zeta", "at_zero")]
    return [decode_point(*record) for record in records], [decode_point(*end) for end in ends]


def draw_challenges(setup: Setup, statement: Statement, proof: Proof) -> tuple[int, int, int, int]:
    """ρ, ζ, γ and δ, as `transcript` says."""
    transcript = Transcript(statement.seed(setup))
    rho, zeta = transcript.absorb(*proof.aggregates), transcript.absorb(proof.q, proof.f)
    gamma = transcript.absorb_values(proof.values)
    return rho, zeta, gamma, transcript.absorb(proof.at_zeta, proof.at_zero, proof.signature)


def fold(
    setup: Setup, statement: Statement, proof: Proof, challenges: Sequence[int], batch: Sequence[int]
) -> list[int]:
    """The scalars of L, the one sum of points, in the order of the contract's input.

    Each equation has its power of δ: the signature 1, the opening at ζ δ, that of f at 0 δ², and the aggregate of
    chunk k, from 1, e_k = δ^(2+k), or 0 without aggregates. The points and their scalars::

        C_ik     w_i·(δ·(γ^k + ρ^i·a_k) − e_k)            client by client, i from 0
        A_k      e_k                                      if sent
        C_q      −δ·(ζ^N − 1)
        C_f      δ² − δ
        π_ζ      δ·ζ
        σ        1                                        if sent
        G        −δ·Σ_k γ^k·a_k − δ²·Σ_i ρ^i·S_i/N

    Args:
        setup: whose N.
        statement: weights and scores.
        proof: a_k.
        challenges: ρ, ζ, γ, δ.
        batch: 1, δ, δ², … as many as there are equations; zeros leave equations out.
    """
    rho, zeta, gamma, _ = challenges
    sign, at_zeta, at_zero, *sums = batch
    sums = sums or [0] * len(proof.values)
    gammas = [pow(gamma, k + 1, R) for k in range(len(proof.values))]
    scalars, power, claim = [], 1, 0
    for weight, score in zip(statement.weights, statement.scores, strict=True):
        parts = zip(gammas, proof.values, sums, strict=True)
        scalars += [int(weight) * (at_zeta * (g + power * a) - e) % R for g, a, e in parts]
        claim += power * int(score)
        power = power * rho % R
    if proof.aggregates:
        scalars += sums
    opened = sum(g * a for g, a in zip(gammas, proof.values, strict=True))
    ends = [-at_zeta * (pow(zeta, setup.n, R) - 1), at_zero - at_zeta, at_zeta * zeta, sign]
    return [*scalars, *ends, -at_zeta * opened - at_zero * claim * pow(setup.n, -1, R)]
