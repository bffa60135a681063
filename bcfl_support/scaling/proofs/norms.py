"""All squared norms of a round in one proof, as its scores (`rounds`): what clipping by a median length would ask for.

‖v_i‖² is a sum of squares, so the product of two commitments that nobody can mix beforehand, and every chunk of every
client is opened at ζ, where a round's scores need the sum's alone. With V_ik client i's chunk k, t its place among all
n·K from 1, and b_t = V_ik(ζ)::

    Σ_i ρ^i·‖v_i‖² = N·f(0)           Σ_ik ρ^i·V_ik(X)² = q(X)·(X^N − 1) + f(X)
    D(X) = Σ_ik (γ^t + ρ^i·b_t)·V_ik(X) − q(X)·(ζ^N − 1) − f(X)          D(ζ) = Σ_ik γ^t·b_t

The transcript begins with keccak(m | "norms" | ‖v_0‖² (16) | … ), m the round's message, and goes on as a round's. No
contract here checks it: 32 bytes a client and chunk more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from eth_utils import keccak

from bcfl_support.checks import check_list, check_whole
from bcfl_support.errors import InvalidInput, ProofError
from bcfl_support.scaling.proofs.commitments import chunks_of
from bcfl_support.scaling.proofs.polynomials import POLYNOMIALS, R, dot, interpolate
from bcfl_support.scaling.proofs.rounds import Coefficients, Numbers, Tick, check_updates, decode_points
from bcfl_support.scaling.proofs.setup import G, Setup, encode_point, multiply
from bcfl_support.scaling.proofs.transcript import MAX_PARAMETERS, Proof, Statement, Transcript

MAX_NORM = 2**14 * MAX_PARAMETERS
"""The largest ‖v‖² of int8."""


def compute_norms(updates: np.ndarray) -> tuple[int, ...]:
    """‖v_i‖², exactly.

    >>> compute_norms(np.array([[3, -1], [-128, 2]], dtype=np.int8))
    (10, 16388)

    Args:
        updates: shape (n, P), int8.

    Raises:
        InvalidUpdate: another shape or type.
    """
    check_updates(updates)
    return tuple(int(np.square(row, dtype=np.int64).sum()) for row in updates)


def prove_norms(setup: Setup, statement: Statement, updates: np.ndarray, *, progress: Tick | None = None) -> Proof:
    """Prove ‖v_i‖² of all clients, and check the proof as everybody will.

    An interpolation and a square for each client and chunk.

    Args:
        setup: what the commitments were made with.
        statement: of the round, for its commitments; its scores do not matter.
        updates: v_i, shape (n, P), int8.
        progress: told after each client.

    Returns:
        A proof whose `values` are b_t, client by client.

    Raises:
        InvalidInput: there are other clients or entries than in the statement.
        InvalidUpdate: as `compute_norms`.
        ProofError: the statement's commitments are not those of the updates.
    """
    Statement.check(statement, setup)
    norms = compute_norms(updates)
    if updates.shape != (wanted := (len(statement.clients), statement.parameters)):
        raise InvalidInput(f"updates have shape {updates.shape}, the statement is about {wanted}: give those")
    proof = build_norms_proof(setup, statement, norms, updates, progress)
    verify_norms(setup, statement, norms, proof)
    return proof


def build_norms_proof(
    setup: Setup, statement: Statement, norms: Sequence[int], updates: np.ndarray, progress: Tick | None = None
) -> Proof:
    """A proof by the transcript, of whatever is claimed; nothing is checked. Arguments as in the functions around."""
    transcript = _begin(setup, statement, norms)
    secret = (Squares if setup.powers else SquareNumbers)(setup, updates, transcript.absorb(), progress)
    q, f = map(encode_point, secret.commit())
    zeta = transcript.absorb(q, f)
    values = secret.evaluate(zeta)
    at_zeta, at_zero = map(encode_point, secret.open(zeta, transcript.absorb_values(values), values))
    return Proof(q, f, values, at_zeta, at_zero)


class Squares(Coefficients):
    """The prover's polynomials, for a setup with powers: `pairs` are V_ik and ρ^i·V_ik, client by client."""

    def __init__(self, setup: Setup, updates: np.ndarray, rho: int, progress: Tick | None):
        self.setup, self.pairs, product = setup, [], POLYNOMIALS([0])
        for i, row in enumerate(updates):
            for chunk in chunks_of(setup, row):
                value = interpolate(chunk.tolist(), setup.log_n)
                self.pairs.append((value, value * pow(rho, i, R)))
                product += self.pairs[-1][1] * value
            if progress:
                progress(i + 1, len(updates))
        self.q = product.right_shift(setup.n)
        self.f = product.truncate(setup.n) + self.q


class SquareNumbers(Numbers):
    """The same at τ alone, for a toy without powers."""

    def __init__(self, setup: Setup, updates: np.ndarray, rho: int, progress: Tick | None):
        assert setup.secret is not None
        self.setup, self.tau, self.pairs, self.sums, self.f, claim = setup, setup.secret, [], [], 0, 0
        for i, row in enumerate(updates):
            factor = pow(rho, i, R)
            for chunk in chunks_of(setup, row.astype(np.int64)):
                value, square = dot(chunk, setup.lagrange) % R, chunk * chunk
                self.sums.append(chunk)
                self.pairs.append((value, factor * value % R))
                self.f += factor * dot(square, setup.lagrange)
                claim += factor * int(square.sum())
            if progress:
                progress(i + 1, len(updates))
        self.q = (sum(a * b for a, b in self.pairs) - self.f) * pow(pow(self.tau, setup.n, R) - 1, -1, R) % R
        self.zero = claim * pow(setup.n, -1, R)


def verify_norms(setup: Setup, statement: Statement, norms: Sequence[int], proof: Proof) -> None:
    """Check a proof of squared norms: hashes, one multi-scalar multiplication, one pairing.

    Args:
        setup: N and τ·H; nothing else of it is used.
        statement: the round, whose commitments are looked at.
        norms: ‖v_i‖², as claimed.
        proof: what somebody sent.

    Raises:
        ProofError: it proves nothing.
    """
    Statement.check(statement, setup)
    Proof.check(proof, len(statement.clients) * setup.count_chunks(statement.parameters))
    if proof.aggregates or proof.signature:
        raise ProofError("a proof of norms has neither aggregates nor a signature: leave them out")
    points, (q, f, at_zeta, at_zero) = decode_points(statement, proof)
    transcript = _begin(setup, statement, norms)
    rho, zeta = transcript.absorb(), transcript.absorb(proof.q, proof.f)
    gamma = transcript.absorb_values(proof.values)
    delta = transcript.absorb(proof.at_zeta, proof.at_zero)

    chunks = setup.count_chunks(statement.parameters)
    scalars, opened, power = [], 0, 1
    for t, value in enumerate(proof.values):
        power = power * gamma % R
        scalars.append(delta * (power + pow(rho, t // chunks, R) * value) % R)
        opened += power * value
    claim = sum(pow(rho, i, R) * int(norm) for i, norm in enumerate(norms)) * pow(setup.n, -1, R)
    ends = [-delta * (pow(zeta, setup.n, R) - 1), delta**2 - delta, delta * zeta, -delta * opened - delta**2 * claim]
    left = multiply([*points, q, f, at_zeta, G], [*scalars, *ends])
    right = multiply([at_zeta, at_zero], [delta, delta**2])
    if not setup.holds(left, right):
        raise ProofError("the pairing fails: these are not the norms of what was committed to")


def _begin(setup: Setup, statement: Statement, norms: Sequence[int]) -> Transcript:
    """The transcript's start, once the claim is one: a norm a client, none that int8 cannot have."""
    if len(check_list("norms", norms)) != len(statement.clients):
        raise ProofError(f"{len(norms)} norms of {len(statement.clients)} clients: give one for each")
    said = statement.message(setup) + b"norms"
    for i, norm in enumerate(norms):
        why = "no update of int8 has another"
        whole = check_whole(f"the norm of client {i}", norm, 0, MAX_NORM, why=why, error=ProofError)
        said += whole.to_bytes(16, "big")
    return Transcript(keccak(said))
