"""What whoever proves a round wants: scores that are false, and a contract that takes them."""

from __future__ import annotations

import functools
import operator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from eth_utils import to_checksum_address
from scaling.proofs.cases import draw_round, lie, to_call, toy
from scaling.proofs.test_on_chain import Kernel

from bcfl_support.chain import Chain
from bcfl_support.errors import ContractError
from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import rounds, setup
from bcfl_support.scaling.proofs.polynomials import POLYNOMIALS, R
from bcfl_support.scaling.rungs import EXPLANATIONS

P = 30
FALSE = (10**30, -(10**30), 42)


@pytest.fixture(scope="module")
def chain():
    with Chain.start() as running:
        running.explain(EXPLANATIONS)
        yield running


# ---------------------------------------------------------------- more powers of τ than a chunk has entries
def prove_anything(cut, statement, updates):
    """A proof of any scores, by whoever holds τ^N·G: with f + c·(X^N − 1) and q − c the equation at ζ still holds."""

    def witness(setup, updates, stated, rho, progress):
        made = rounds.Coefficients(setup, updates, stated, rho, progress)
        claim = sum(pow(rho, i, R) * score for i, score in enumerate(statement.scores)) * pow(setup.n, -1, R)
        c = (int(made.f(0)) - claim) % R
        made.f = made.f + POLYNOMIALS([-1 % R] + [0] * (setup.n - 1) + [1]) * c
        made.q = made.q - POLYNOMIALS([c])
        return made

    return rounds.build_proof(cut, statement, updates, witness)


def commit_cut(cut, updates):
    rows = [rounds.interpolate([int(v) for v in row], cut.log_n) for row in updates]
    return tuple((setup.encode_point(cut.commit_polynomial(row)),) for row in rows)


def test_ethereums_setup_is_cut_short(chain):
    """All of its 4,096 powers are public: with N = 32, and with any N but 4,096, it is refused."""
    whole = proofs.ethereum_setup()
    for log_n in (0, 5, 11, 13, 22):
        cut = setup.Setup("Ethereum's, cut", log_n, whole.tau_h, whole.powers)
        with pytest.raises(ContractError, match=r"Ethereum's with 2\^12 points alone"):
            Kernel(chain, cut, P)


@pytest.mark.parametrize("made_of_it", [(1, 1), (0, -1), (0, 0, 1)], ids=["τ + 1", "-τ", "τ²"])
def test_known_limit_what_is_made_of_ethereums_setup_proves_any_score(chain, made_of_it):
    """From public powers of τ come those of what is made of τ, and all of them but 32 are cut off."""
    whole, polynomial = proofs.ethereum_setup(), POLYNOMIALS([c % R for c in made_of_it])
    twos = Path(setup.TRUSTED_SETUP).read_text(encoding="utf-8").split()[2 + whole.n :][:3]  # H, τ·H, τ²·H
    keys = [setup.G2Point.from_compressed_bytes(bytes.fromhex(line)) for line in twos]
    terms = [key if c > 0 else -key for key, c in zip(keys, made_of_it, strict=False) if c != 0]
    tau_h = functools.reduce(operator.add, terms)
    powers = tuple(whole.commit_polynomial(polynomial**i) for i in range(40))
    cut = setup.Setup("made of Ethereum's, cut", 5, tau_h, powers)
    kernel = Kernel(chain, cut, P)
    updates, weights = draw_round(3, P)
    false = replace(kernel.state(updates, weights, commitments=commit_cut(cut, updates)), scores=FALSE)
    assert bytes(kernel.check(false, prove_anything(cut, false, updates))) == false.message(cut)


def test_known_limit_more_powers_than_entries_prove_any_score(chain):
    """What no constructor checks: here 4,096 powers of a toy's τ are known, and chunks have 32 entries."""
    cut = setup.Setup("a toy's, cut", 5, toy(12).tau_h, toy(12).powers)
    kernel = Kernel(chain, cut, P)
    updates, weights = draw_round(3, P)
    true = kernel.state(updates, weights, commitments=commit_cut(cut, updates))
    false = replace(true, scores=FALSE)
    assert true.scores != FALSE
    assert bytes(kernel.check(false, prove_anything(cut, false, updates))) == true.message(cut)


# ---------------------------------------------------------------- weights that no challenge depends on
def find_parts(factors, target):
    """t_0, t_1 below 2^192 with c_0·t_0 + c_1·t_1 = target modulo r: two vectors of a lattice, made short."""
    (c0, c1), inverse = factors, pow(factors[1], -1, R)
    offset = target * inverse % R
    short, long = (0, R), (1, -c0 * inverse % R)

    def dot(p, q):
        return p[0] * q[0] + p[1] * q[1]

    while True:
        if dot(short, short) > dot(long, long):
            short, long = long, short
        m = round(Fraction(dot(short, long), dot(short, short)))
        if m == 0:
            break
        long = (long[0] - m * short[0], long[1] - m * short[1])
    middle, det = (2**191, 2**191 - offset), short[0] * long[1] - short[1] * long[0]
    x = round(Fraction(middle[0] * long[1] - middle[1] * long[0], det))
    y = round(Fraction(short[0] * middle[1] - short[1] * middle[0], det))
    parts = (x * short[0] + y * long[0], x * short[1] + y * long[1] + offset)
    assert all(0 <= part < 2**192 for part in parts) and (c0 * parts[0] + c1 * parts[1] - target) % R == 0
    return parts


def test_weights_are_counted_that_no_challenge_depends_on(chain):
    """What exceeds 64 bits of two weights is chosen after the challenges, so that a false claim adds up."""
    srs, weights = toy(5), [3, 5, 7]
    updates, _ = draw_round(3, 32)
    updates[:2] = 1  # both have one commitment, so that a share of one is a share of the other
    kernel = Kernel(chain, srs, 32)
    true = kernel.state(updates, weights)
    false = replace(true, scores=(10**15, -(10**15), 42))
    proof = lie(srs, false, updates)
    rho, _, gamma, _ = rounds.draw_challenges(srs, false, proof)
    wrong = enumerate(zip(false.scores, true.scores, strict=True))
    error = sum(pow(rho, i, R) * (f - t) for i, (f, t) in wrong) * pow(srs.n, -1, R) % R
    factors = [(gamma + pow(rho, i, R) * proof.values[0]) * 2**64 % R for i in range(2)]
    sent, clients = to_call(false, proof), [to_checksum_address(client) for client in false.clients]
    for target in (error, -error % R):  # of which one is what the sum lacks
        parts = find_parts(factors, target)
        brought = [weights[0] + (parts[0] << 64), weights[1] + (parts[1] << 64), weights[2]]
        call = kernel.contract.functions.check(
            false.round, clients, brought, sent["scores"], sent["proof"], sent["points"], 3
        )
        with pytest.raises(ContractError, match=r"weight 0 is [\d,]+, a record holds 8 bytes of it"):
            chain.estimate(call, sender=kernel.sender)
