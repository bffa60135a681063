"""Squared norms, proven: honest ones are accepted, false ones refused with the proof built for them."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaling.proofs.cases import draw_round, state, toy

from bcfl_support.errors import InvalidInput, InvalidUpdate, ProofError
from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import norms
from bcfl_support.scaling.proofs.polynomials import R

SETUP = toy(2)
UPDATES, WEIGHTS = draw_round(3, 10, seed=4)  # three chunks each
STATEMENT = state(SETUP, UPDATES, WEIGHTS)
TRUE = proofs.compute_norms(UPDATES)


def test_doctests():
    assert doctest.testmod(norms).failed == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 3), st.booleans(), st.integers(0, 2**32 - 1))
def test_what_is_true_is_accepted(n, parameters, log_n, powers, seed):
    setup, (updates, weights) = toy(log_n, powers), draw_round(n, parameters, seed)
    updates[seed % n] *= seed % 2  # zeros among them
    statement = state(setup, updates, weights)
    claimed = proofs.compute_norms(updates)
    assert claimed == tuple(sum(int(v) ** 2 for v in row) for row in updates)
    proofs.verify_norms(setup, statement, claimed, proofs.prove_norms(setup, statement, updates))


def test_ethereums_setup():
    setup, (updates, weights) = proofs.ethereum_setup(), draw_round(2, 5_000, seed=1)
    statement, told = state(setup, updates, weights), []
    proof = proofs.prove_norms(setup, statement, updates, progress=lambda done, of: told.append((done, of)))
    proofs.verify_norms(setup, statement, proofs.compute_norms(updates), proof)
    assert len(proof.values) == 4 and told == [(1, 2), (2, 2)]


def lie(claimed, updates=UPDATES):
    """A proof built for the claim: f's constant term is forced to it, so that the opening at 0 holds."""

    class Liar(norms.Squares):
        def __init__(self, setup, updates, rho, progress):
            super().__init__(setup, updates, rho, progress)
            claim = sum(pow(rho, i, R) * s for i, s in enumerate(claimed)) * pow(setup.n, -1, R)
            self.f += claim - int(self.f(0))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(norms, "Squares", Liar)
        return norms.build_norms_proof(SETUP, STATEMENT, claimed, updates)


@pytest.mark.parametrize(
    "claimed",
    [(TRUE[0] + 1, *TRUE[1:]), (TRUE[1], TRUE[0], TRUE[2]), (TRUE[0] + 1, TRUE[1] - 1, TRUE[2]), (0, 0, 0)],
    ids=["one more", "swapped", "shifted", "zeros"],
)
def test_false_norms_are_refused(claimed):
    with pytest.raises(ProofError, match="the pairing fails"):
        proofs.verify_norms(SETUP, STATEMENT, claimed, lie(claimed))


def test_norms_of_other_updates_are_refused():
    others = draw_round(3, 10, seed=5)[0]
    claimed = proofs.compute_norms(others)
    with pytest.raises(ProofError, match="the pairing fails"):
        proofs.verify_norms(SETUP, STATEMENT, claimed, lie(claimed, others))
    with pytest.raises(ProofError, match="the pairing fails"):
        proofs.prove_norms(SETUP, STATEMENT, others)


@pytest.mark.parametrize("part", ["round", "contract", "chain_id", "weights"])
def test_a_proof_is_of_its_round(part):
    other = {"round": 4, "contract": "0x" + "c1" * 20, "chain_id": 1, "weights": STATEMENT.weights[::-1]}[part]
    proof = proofs.prove_norms(SETUP, STATEMENT, UPDATES)
    with pytest.raises(ProofError, match="the pairing fails"):
        proofs.verify_norms(SETUP, replace(STATEMENT, **{part: other}), TRUE, proof)


def test_every_part_of_a_proof_counts():
    proof = proofs.prove_norms(SETUP, STATEMENT, UPDATES)
    parts = ("q", "f", "at_zeta", "at_zero")
    for k, name in enumerate(parts):
        other = getattr(proof, parts[(k + 1) % 4])
        with pytest.raises(ProofError, match="the pairing fails"):
            proofs.verify_norms(SETUP, STATEMENT, TRUE, replace(proof, **{name: other}))
    for k in range(9):
        values = [value + (i == k) for i, value in enumerate(proof.values)]
        with pytest.raises(ProofError, match="the pairing fails"):
            proofs.verify_norms(SETUP, STATEMENT, TRUE, replace(proof, values=tuple(values)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": (1, 2)}, "2 values at ζ, the round has 9 chunks"),
        ({"values": (R,) * 9}, "below r"),
        ({"q": b"\1" * 96}, "q of the proof is no point of G1"),
        ({"signature": bytes(96)}, "neither aggregates nor a signature"),
    ],
)
def test_what_is_no_proof_is_named(change, message):
    proof = replace(proofs.prove_norms(SETUP, STATEMENT, UPDATES), **change)
    with pytest.raises(ProofError, match=message):
        proofs.verify_norms(SETUP, STATEMENT, TRUE, proof)


@pytest.mark.parametrize(
    ("claimed", "message"), [(TRUE[:2], "2 norms of 3 clients"), ((-1, 0, 0), "norm of client 0 is -1")]
)
def test_claims_that_are_none_are_named(claimed, message):
    with pytest.raises(ProofError, match=message):
        proofs.verify_norms(SETUP, STATEMENT, claimed, proofs.prove_norms(SETUP, STATEMENT, UPDATES))


def test_updates_that_do_not_fit_are_named():
    with pytest.raises(InvalidUpdate, match=r"give \(n, P\) of int8"):
        proofs.prove_norms(SETUP, STATEMENT, UPDATES.astype(float))
    with pytest.raises(InvalidInput, match=r"updates have shape \(3, 9\), the statement is about \(3, 10\)"):
        proofs.prove_norms(SETUP, STATEMENT, UPDATES[:, :9])
