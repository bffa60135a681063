"""Honest rounds are accepted, all of them; false claims are not, each with a proof built for it.

Every verdict is asked of two verifiers: the package's, and `call_contract`, which reads bytes as a contract does.
"""

from __future__ import annotations

import doctest
from dataclasses import replace

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point
from scaling.proofs.cases import (
    OFF_CURVE,
    OFF_GROUP,
    SECRET,
    Precompiles,
    call_contract,
    draw_round,
    lie,
    name_clients,
    state,
    to_call,
    toy,
)
from web3.exceptions import Web3Exception

from bcfl_support.chain import Chain
from bcfl_support.errors import BcflError, InvalidInput, InvalidUpdate, ProofError
from bcfl_support.scaling import compute_round, proofs
from bcfl_support.scaling.proofs import rounds, setup
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.proofs.transcript import Transcript

PRODUCT, CLAIM, SUM, SIGNED = "fails at ζ", "fails at 0", "an aggregate is not", "the signature is not"


def test_examples_in_the_documentation():
    assert doctest.testmod(rounds).failed == 0


def accept(srs, statement, proof, key=None):
    proofs.verify_round(srs, statement, proof, key=key)
    assert call_contract(srs, to_call(statement, proof, key))


def refuse(srs, statement, proof, reason, key=None):
    with pytest.raises(ProofError, match=reason):
        proofs.verify_round(srs, statement, proof, key=key)
    try:
        accepted = call_contract(srs, to_call(statement, proof, key))
    except (AssertionError, ValueError, OverflowError, TypeError):
        return  # bytes that are no statement, no proof or no point
    assert not accepted


# ---------------------------------------------------------------- honest rounds
SIZES = st.one_of(st.integers(1, 40), st.integers(1, 1000), st.integers(1, 10_000))


@given(st.integers(1, 20), SIZES, st.integers(0, 2**32), st.integers(1, 6), st.booleans(), st.booleans())
@settings(max_examples=300)
@example(1, 1, 0, 1, False, False)
@example(20, 10_000, 1, 5, True, False)
@example(1, 10_000, 2, 1, False, True)
def test_honest_rounds_are_accepted(n, parameters, seed, chunks, aggregates, by_secret):
    """Also with clients that changed nothing, and in chunks that the last update fills, or nearly."""
    updates, weights = draw_round(n, parameters, seed)
    updates[np.random.default_rng(seed).random(n) < 0.1] = 0
    log_n = max(-(-parameters // chunks) - 1, 0).bit_length()
    srs = toy(log_n, log_n <= 10 and not by_secret)
    statement = state(srs, updates, weights)
    assert statement.scores == compute_round(updates, weights).scores  # those of the other rungs
    accept(srs, statement, proofs.prove_round(srs, statement, updates, aggregates=aggregates))


@pytest.mark.parametrize(
    ("n", "parameters", "value"), [(1, 1, 0), (1, 1, -128), (2, 9, 0), (20, 8, 127), (3, 16, -128), (1, 17, 1)]
)
@pytest.mark.parametrize("log_n", [0, 3, 5])
def test_plain_rounds_are_accepted(n, parameters, value, log_n):
    updates = np.full((n, parameters), value, dtype=np.int8)
    statement = state(toy(log_n), updates, [7] * n)
    accept(toy(log_n), statement, proofs.prove_round(toy(log_n), statement, updates, aggregates=True))


@pytest.mark.parametrize(("n", "parameters"), [(1, 1), (3, 650), (5, 4096), (2, 4097), (20, 10_000)])
def test_ethereums_setup_proves_rounds(n, parameters):
    srs = proofs.ethereum_setup()
    updates, weights = draw_round(n, parameters)
    updates[n // 2, :] *= n != 2
    statement = state(srs, updates, weights)
    proof = proofs.prove_round(srs, statement, updates, aggregates=n == 3)
    accept(srs, statement, proof)
    assert len(proof.to_bytes()) == 384 + 32 * -(-parameters // 4096)
    refuse(srs, replace(statement, scores=(statement.scores[0] + 1, *statement.scores[1:])), proof, CLAIM)


@given(st.integers(1, 6), st.integers(1, 60), st.integers(0, 2**32), st.integers(0, 4))
@settings(max_examples=20)
def test_a_proof_by_the_secret_is_the_provers_to_the_byte(n, parameters, seed, log_n):
    updates, weights = draw_round(n, parameters, seed)
    statement = state(toy(log_n), updates, weights)
    assert state(toy(log_n, False), updates, weights) == statement
    made = [proofs.prove_round(toy(log_n, powers), statement, updates, aggregates=True) for powers in (True, False)]
    assert made[0] == made[1]


def test_nobody_needs_the_secret():
    """The prover has powers alone, the verifier nothing but N and τ·H."""
    updates, weights = draw_round(3, 40)
    prover, verifier = replace(toy(4), secret=None), proofs.Setup("verifier's", 4, toy(4).tau_h)
    statement = state(prover, updates, weights)
    assert statement == state(toy(4), updates, weights)
    accept(verifier, statement, proofs.prove_round(prover, statement, updates))


def test_sums_beyond_64_bits_are_exact():
    """Σ_j v_j·A_j = 2^63: one int64 would not hold it."""
    updates, srs = np.full((1, 2**17), -128, dtype=np.int8), toy(17, False)
    statement = state(srs, updates, [2**32])
    assert statement.scores == (2 ** (17 + 14 + 64),)
    accept(srs, statement, proofs.prove_round(srs, statement, updates))


def test_scores_are_exact_at_their_bounds():
    updates = np.full((2, 3000), -128, dtype=np.int8)
    weights = [2**32 - 1, 1]
    total = 3000 * 128 * 128 * 2**32
    assert proofs.compute_scores(updates, weights) == ((2**32 - 1) * total, total)
    srs = toy(10)
    statement = state(srs, updates, weights)
    accept(srs, statement, proofs.prove_round(srs, statement, updates))


HERE = {"chain_id": 1, "contract": "0x" + "c0" * 20, "round": 0, "sender": "0x" + "01" * 20}


@pytest.mark.parametrize("powers", [True, False])
def test_progress_is_told(powers):
    (updates, weights), srs, told = draw_round(3, 20), toy(3, powers), []

    def tell(*step):
        told.append(step)

    statement = proofs.state_round(srs, updates, weights, name_clients(3), **HERE, progress=tell)
    assert told == [(1, 3), (2, 3), (3, 3)]
    proofs.prove_round(srs, statement, updates, progress=tell)
    assert told[3:] == [(1, 3), (2, 3), (3, 3)]
    points = [proofs.commit(srs, row) for row in updates]
    assert statement == proofs.state_round(srs, updates, weights, name_clients(3), **HERE, commitments=points)


# ---------------------------------------------------------------- lies
SRS = toy(4)
UPDATES, WEIGHTS = draw_round(4, 40)  # three chunks, the last one half full
TRUE = state(SRS, UPDATES, WEIGHTS)
HONEST = proofs.prove_round(SRS, TRUE, UPDATES)
SUMMED = proofs.prove_round(SRS, TRUE, UPDATES, aggregates=True)
S = TRUE.scores


def test_the_liar_who_tells_the_truth_is_believed():
    assert lie(SRS, TRUE, UPDATES) == HONEST
    accept(SRS, TRUE, HONEST)
    accept(SRS, TRUE, SUMMED)


FALSE_SCORES = {
    "one more": (S[0] + 1, *S[1:]),
    "one less, at the end": (*S[:-1], S[-1] - 1),
    "swapped": (S[1], S[0], *S[2:]),
    "all moved on": (*S[1:], S[0]),
    "moved between two": (S[0] + 5, S[1] - 5, *S[2:]),
    "nothing": (0, 0, 0, 0),
    "negated": tuple(-s for s in S),
    "doubled": tuple(2 * s for s in S),
    "largest": (2**127 - 1, *S[1:]),
    "without w_i": tuple(s // w for s, w in zip(S, WEIGHTS, strict=True)),
}


@pytest.mark.parametrize("name", FALSE_SCORES)
def test_false_scores_are_refused(name):
    claimed = replace(TRUE, scores=FALSE_SCORES[name])
    refuse(SRS, claimed, HONEST, CLAIM)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES), PRODUCT)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES, aggregates=True), PRODUCT)
    refuse(SRS, claimed, rounds.build_proof(SRS, claimed, UPDATES, rounds.Coefficients), CLAIM)
    with pytest.raises(InvalidInput, match="state those"):
        proofs.prove_round(SRS, claimed, UPDATES)


@given(st.integers(0, 3), st.integers(-(2**126), 2**126).filter(bool), st.integers(0, 2**32))
@settings(max_examples=30)
def test_no_score_can_be_moved(client, by, seed):
    updates, weights = draw_round(4, 40, seed)
    true = state(SRS, updates, weights)
    claimed = replace(true, scores=tuple(s + by * (i == client) for i, s in enumerate(true.scores)))
    refuse(SRS, claimed, lie(SRS, claimed, updates), PRODUCT)


@pytest.mark.parametrize("by", [R, -R])
def test_a_score_has_no_second_form(by):
    """In the field S + r is S, and the equations hold; the int128 is what refuses it."""
    claimed = replace(TRUE, scores=(S[0] + by, *S[1:]))
    refuse(SRS, claimed, HONEST, "the score of client 0 is .*int128")
    with pytest.raises(OverflowError):
        claimed.seed(SRS)


@pytest.mark.parametrize(
    "weights", [[1, 1, 1, 1], WEIGHTS[::-1], [WEIGHTS[0] + 1, *WEIGHTS[1:]], [2 * w for w in WEIGHTS]]
)
def test_wrong_weights_are_refused(weights):
    """Scores of other weights, under the true ones; and other weights under the true scores."""
    claimed = replace(TRUE, scores=proofs.compute_scores(UPDATES, weights))
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES, weights), PRODUCT)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES), PRODUCT)
    claimed = replace(TRUE, weights=tuple(weights))
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES), PRODUCT)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES, WEIGHTS), PRODUCT)
    refuse(SRS, claimed, HONEST, "the pairing fails")


ELSEWHERE = {
    "round": 4,
    "contract": "0x" + "c1" * 20,
    "chain_id": 1,
    "sender": "0x" + "77" * 20,
    "parameters": 41,
    "clients": (*TRUE.clients[:3], "0x" + "99" * 20),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_proof_is_worth_nothing_elsewhere(name):
    there = replace(TRUE, **{name: ELSEWHERE[name]})
    refuse(SRS, there, HONEST, "the pairing fails")
    accept(SRS, there, lie(SRS, there, UPDATES))  # made for there, it is: nothing else was wrong


def test_a_proof_is_worth_nothing_with_another_setup():
    other = proofs.toy_setup(4, 99)
    refuse(other, TRUE, HONEST, "the pairing fails")
    refuse(other, state(other, UPDATES, WEIGHTS), HONEST, "the pairing fails")
    refuse(SRS, state(other, UPDATES, WEIGHTS), lie(SRS, TRUE, UPDATES), "the pairing fails")


@pytest.mark.parametrize("client", range(4))
def test_stale_commitments_are_refused(client):
    """One client's commitment is last round's; the scores are this round's."""
    before = draw_round(4, 40, 9)[0]
    points = (*TRUE.commitments[:client], proofs.commit(SRS, before[client]), *TRUE.commitments[client + 1 :])
    stale = replace(TRUE, commitments=points)
    refuse(SRS, stale, HONEST, "the pairing fails")
    refuse(SRS, stale, lie(SRS, stale, UPDATES), PRODUCT)
    mixed = UPDATES.copy()
    mixed[client] = before[client]
    refuse(SRS, stale, lie(SRS, stale, mixed), PRODUCT)  # the data is the commitment's, the scores are not
    with pytest.raises(ProofError, match=PRODUCT):
        proofs.prove_round(SRS, stale, UPDATES)


@pytest.mark.parametrize("client", range(4))
@pytest.mark.parametrize("times", [0, 2])
def test_a_client_left_out_or_counted_twice_is_refused(client, times):
    weights = [w * (times if i == client else 1) for i, w in enumerate(WEIGHTS)]
    total = rounds.sum_updates(UPDATES, weights)
    scores = tuple(w * int(row.astype(int) @ total) for w, row in zip(weights, UPDATES, strict=True))
    claimed = replace(TRUE, scores=scores)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES, weights), PRODUCT)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES), PRODUCT)
    names = ("clients", "weights", "scores", "commitments")
    keep = [i for i in range(4) for _ in range(times if i == client else 1)]
    listed = replace(TRUE, **{name: tuple(getattr(TRUE, name)[i] for i in keep) for name in names})
    reason = "strictly rising" if times else "the pairing fails"
    refuse(SRS, listed, HONEST, reason)
    refuse(SRS, listed, lie(SRS, listed, UPDATES[keep]), reason if times else PRODUCT)


class Forgetful(proofs.Statement):
    """A transcript that forgets the scores."""

    def seed(self, setup):
        return replace(TRUE, scores=(0,) * 4).seed(setup)


class ForgetsOne(proofs.Statement):
    """A transcript that forgets the last score."""

    def seed(self, setup):
        return replace(TRUE, scores=(*self.scores[:-1], 0)).seed(setup)


def as_kind(kind, statement):
    return kind(**{name: getattr(statement, name) for name in statement.__dataclass_fields__})


def test_a_score_left_out_of_the_transcript_is_refused():
    for kind in (Forgetful, ForgetsOne):
        weak = as_kind(kind, TRUE)
        proof = rounds.build_proof(SRS, weak, UPDATES, rounds.Coefficients)
        proofs.verify_round(SRS, weak, proof)
        refuse(SRS, TRUE, proof, "the pairing fails")
        moved = replace(weak, scores=(*S[:-1], S[-1] + 1))
        refuse(SRS, replace(TRUE, scores=moved.scores), lie(SRS, moved, UPDATES), "the pairing fails")


def test_why_scores_are_hashed():
    """Who knows ρ first finds scores by lattice reduction, all int128, that the same sum stands for."""
    rho = Transcript(as_kind(Forgetful, TRUE).seed(SRS)).absorb()
    basis = [[R, 0, 0, 0]] + [[-pow(rho, i, R) % R] + [int(i == j) for j in range(1, 4)] for i in range(1, 4)]
    short = [int(x) for x in fmpz_mat(basis).lll().tolist()[0]]
    assert any(short) and sum(pow(rho, i, R) * x for i, x in enumerate(short)) % R == 0
    false = as_kind(Forgetful, replace(TRUE, scores=tuple(s + x for s, x in zip(S, short, strict=True))))
    proof = rounds.build_proof(SRS, false, UPDATES, rounds.Coefficients)
    proofs.verify_round(SRS, false, proof)  # nonsense, believed by whoever forgets
    refuse(SRS, replace(TRUE, scores=false.scores), proof, "the pairing fails")


def test_who_knows_the_secret_can_prove_anything():
    claimed = replace(TRUE, scores=FALSE_SCORES["nothing"])

    def forge(*arguments):
        made = rounds.Numbers(*arguments)
        made.zero = 0
        return made

    accept(SRS, claimed, rounds.build_proof(toy(4, False), claimed, UPDATES, forge))
    assert SRS.secret == SECRET


# ---------------------------------------------------------------- damaged proofs
PLACES = ("q", "f", "at_zeta", "at_zero")


@pytest.mark.parametrize("point", [OFF_CURVE, OFF_GROUP, b"\xff" * 96])
def test_points_off_the_curve_or_the_group_are_refused(point):
    for name in PLACES:
        refuse(SRS, TRUE, replace(HONEST, **{name: point}), f"{name} of the proof is no point")
    refuse(SRS, TRUE, replace(SUMMED, aggregates=(*SUMMED.aggregates[:2], point)), "an aggregate is no point")
    for client in range(4):
        points = tuple((*c[:2], point) if i == client else c for i, c in enumerate(TRUE.commitments))
        claimed = replace(TRUE, commitments=points)
        refuse(SRS, claimed, lie(SRS, claimed, UPDATES), f"a commitment of client {client} is no point")


def test_a_point_moved_out_of_the_group_is_refused():
    """C plus a point of another order: it is on the curve, and some multiples of it are those of C."""
    added = G1Point.from_xy_bytes_unchecked_be(OFF_GROUP) + setup.decode_point("C", TRUE.commitments[0][0])
    points = ((added.to_xy_bytes_be(), *TRUE.commitments[0][1:]), *TRUE.commitments[1:])
    claimed = replace(TRUE, commitments=points)
    refuse(SRS, claimed, lie(SRS, claimed, UPDATES), "a commitment of client 0 is no point of G1 .*subgroup")


@pytest.mark.parametrize("name", PLACES)
def test_other_points_are_refused(name):
    for point in (bytes(96), setup.encode_point(setup.G), getattr(HONEST, PLACES[PLACES.index(name) - 1])):
        refuse(SRS, TRUE, replace(HONEST, **{name: point}), "the pairing fails")


def test_other_values_are_refused():
    for k in range(3):
        for by in (1, -1, R):
            values = (*HONEST.values[:k], HONEST.values[k] + by, *HONEST.values[k + 1 :])
            refuse(SRS, TRUE, replace(HONEST, values=values), "one form, below r" if by == R else PRODUCT)
    refuse(SRS, TRUE, replace(HONEST, values=HONEST.values[::-1]), PRODUCT)
    refuse(SRS, TRUE, replace(HONEST, values=HONEST.values[:2]), "2 values at ζ")


def test_false_aggregates_are_refused():
    refuse(SRS, TRUE, replace(SUMMED, aggregates=()), "the pairing fails")
    refuse(SRS, TRUE, replace(HONEST, aggregates=SUMMED.aggregates), "the pairing fails")
    refuse(SRS, TRUE, replace(SUMMED, aggregates=SUMMED.aggregates[:2]), "aggregates: 2 points")

    def prove_with(aggregates):
        """The rest of the proof made for these aggregates."""
        transcript = Transcript(TRUE.seed(SRS))
        made = rounds.Coefficients(SRS, UPDATES, TRUE.weights, transcript.absorb(*aggregates), None)
        q, f = map(setup.encode_point, made.commit())
        zeta = transcript.absorb(q, f)
        values = made.evaluate(zeta)
        ends = map(setup.encode_point, made.open(zeta, transcript.absorb_values(values), values))
        return proofs.Proof(q, f, values, *ends, tuple(aggregates))

    assert prove_with(SUMMED.aggregates) == SUMMED
    more = setup.encode_point(setup.decode_point("A", SUMMED.aggregates[0]) + setup.G)
    less = setup.encode_point(setup.decode_point("A", SUMMED.aggregates[1]) + -setup.G)
    for false in (SUMMED.aggregates[::-1], (more, *SUMMED.aggregates[1:]), (more, less, SUMMED.aggregates[2])):
        refuse(SRS, TRUE, prove_with(false), SUM)


@given(st.data())
@settings(max_examples=60)
def test_damaged_bytes_are_refused(data):
    raw = bytearray(HONEST.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProofError):
        proofs.verify_round(SRS, TRUE, proofs.Proof.from_bytes(bytes(raw), 3))


@given(st.binary(max_size=700))
@settings(max_examples=60)
def test_noise_is_refused(raw):
    with pytest.raises(ProofError):
        proofs.verify_round(SRS, TRUE, proofs.Proof.from_bytes(raw.ljust(480, b"\0")[:480], 3))
    if len(raw) not in (480, 576):
        with pytest.raises(ProofError, match="the proof has"):
            proofs.Proof.from_bytes(raw, 3)


# ---------------------------------------------------------------- signed rounds
KEYS = [3 * 2**200 + i for i in range(4)]
KEY = setup.encode_key(setup.H * setup.to_scalar(sum(KEYS)))


def sign(statement, keys=KEYS):
    """All clients' signatures, added up."""
    message = G1Point.hash_to_curve(statement.message(SRS), rounds.SIGNING_DOMAIN)
    return setup.encode_point(message * setup.to_scalar(sum(keys)))


def test_signed_rounds_are_accepted_with_all_signatures_alone():
    for aggregates in (False, True):
        options = {"signature": sign(TRUE), "aggregates": aggregates}
        accept(SRS, TRUE, proofs.prove_round(SRS, TRUE, UPDATES, key=KEY, **options), KEY)
        refuse(SRS, TRUE, lie(SRS, TRUE, UPDATES, **options | {"signature": sign(TRUE, KEYS[:3])}), SIGNED, KEY)
    other = replace(TRUE, round=4)
    refuse(SRS, other, lie(SRS, other, UPDATES, signature=sign(TRUE)), SIGNED, KEY)
    false = replace(TRUE, scores=FALSE_SCORES["swapped"])
    refuse(SRS, false, lie(SRS, false, UPDATES, signature=sign(false)), PRODUCT, KEY)
    refuse(SRS, TRUE, lie(SRS, TRUE, UPDATES, signature=OFF_GROUP), "the signature is no point", KEY)
    signed = proofs.prove_round(SRS, TRUE, UPDATES, key=KEY, signature=sign(TRUE))
    refuse(SRS, TRUE, replace(signed, signature=b""), "a key and no signature", KEY)
    with pytest.raises(ProofError, match="a signature and no key"):
        proofs.verify_round(SRS, TRUE, signed)
    with pytest.raises(ProofError, match="the key is no point of G2"):
        proofs.verify_round(SRS, TRUE, signed, key=KEY[:-1])
    with pytest.raises(ProofError, match="a signature and no key"):
        proofs.prove_round(SRS, TRUE, UPDATES, signature=sign(TRUE))


def test_why_the_signature_is_hashed():
    """σ − L makes up for any claim, if δ was drawn before: then the empty proof passes."""
    false = replace(TRUE, scores=(10**9,) * 4)
    nothing = proofs.Proof(bytes(96), bytes(96), (0, 0, 0), bytes(96), bytes(96))
    challenges = rounds.draw_challenges(SRS, false, nothing)
    powers = [pow(challenges[3], i, R) for i in range(3)]
    records = [setup.decode_point("C", c) for row in false.commitments for c in row]
    gone = [G1Point.identity()] * 4
    left = setup.multiply([*records, *gone, setup.G], rounds.fold(SRS, false, nothing, challenges, powers))
    forged = replace(nothing, signature=setup.encode_point(setup.decode_point("σ", sign(false)) + -left))
    assert call_contract(SRS, to_call(false, forged, KEY), absorb_signature=False)
    refuse(SRS, false, forged, "the pairing fails", KEY)


# ---------------------------------------------------------------- on a node
@pytest.fixture(scope="module")
def node():
    with Chain.start(accounts=1) as chain:
        yield Precompiles(chain)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("aggregates", [False, True])
def test_the_precompiles_agree(node, signed, aggregates):
    key = KEY if signed else None
    options = {"aggregates": aggregates, "signature": sign(TRUE) if signed else b""}
    proof = proofs.prove_round(SRS, TRUE, UPDATES, key=key, **options)
    assert call_contract(SRS, to_call(TRUE, proof, key), node=node)
    false = replace(TRUE, scores=FALSE_SCORES["swapped"])
    assert not call_contract(SRS, to_call(false, lie(SRS, false, UPDATES, **options), key), node=node)
    for point in (OFF_CURVE, OFF_GROUP):
        with pytest.raises(Web3Exception):
            call_contract(SRS, to_call(TRUE, replace(proof, at_zero=point), key), node=node)


def test_the_precompiles_agree_about_ethereums_setup_and_zeros(node):
    srs, (updates, weights) = proofs.ethereum_setup(), draw_round(2, 4097)
    for row in (updates, np.zeros_like(updates)):
        statement = state(srs, row, weights)
        proof = proofs.prove_round(srs, statement, row, aggregates=True)
        assert call_contract(srs, to_call(statement, proof), node=node)
        false = replace(statement, scores=(statement.scores[0] + 1, statement.scores[1]))
        assert not call_contract(srs, to_call(false, lie(srs, false, row)), node=node)


# ---------------------------------------------------------------- what cannot be proven
@pytest.mark.parametrize(
    ("updates", "weights", "reason"),
    [
        (UPDATES.astype(int), WEIGHTS, "type int64: 4 weights need \\(n, P\\) of int8"),
        (UPDATES[:3], WEIGHTS, "4 weights need"),
        (UPDATES.tolist(), WEIGHTS, "of int8"),
        (UPDATES[0], [1] * 40, "give \\(n, P\\)"),
        (UPDATES[:, :0], WEIGHTS, "P from 1"),
        (UPDATES, [0, 1, 1, 1], "weights is"),
        (UPDATES, [1, 1, 1, 1.5], "weights is"),
        (UPDATES, [2**32, 1, 1, 1], "the sum of weights is"),
        (np.zeros((0, 3), np.int8), [], "the sum of weights is 0"),
    ],
    ids=range(9),
)
def test_rounds_are_refused(updates, weights, reason):
    with pytest.raises(InvalidInput, match=reason):
        proofs.compute_scores(updates, weights)
    assert issubclass(InvalidUpdate, InvalidInput)


def test_a_statement_of_other_updates_is_not_proven():
    with pytest.raises(InvalidInput, match="the statement's scores are"):
        proofs.prove_round(SRS, TRUE, draw_round(4, 40, 1)[0])
    padded = np.pad(UPDATES, ((0, 0), (0, 1)))
    with pytest.raises(InvalidInput, match="updates have 41 entries, the statement says 40"):
        proofs.prove_round(SRS, TRUE, padded)
    with pytest.raises(ProofError, match="strictly rising"):
        proofs.state_round(SRS, UPDATES, WEIGHTS, TRUE.clients[::-1], **HERE)


ODD = [None, 3, float("nan"), "12", b"x", (), [None], object()]
NO_NUMBERS = ("contract", "sender", "clients", "weights", "scores", "commitments")


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_what_is_no_statement_no_proof_and_no_updates(odd):
    """In words, whoever is asked; a part of another kind as well as the whole."""
    proof, norms = proofs.prove_round(SRS, TRUE, UPDATES), proofs.compute_norms(UPDATES)
    calls = [
        lambda: proofs.prove_round(SRS, odd, UPDATES),
        lambda: proofs.prove_round(SRS, TRUE, odd),
        lambda: proofs.verify_round(SRS, odd, proof),
        lambda: proofs.verify_round(SRS, TRUE, odd),
        lambda: proofs.verify_round(SRS, TRUE, proof, key=b"x" if odd is None else odd),
        lambda: proofs.prove_norms(SRS, odd, UPDATES),
        lambda: proofs.prove_norms(SRS, TRUE, odd),
        lambda: proofs.verify_norms(SRS, odd, norms, proof),
        lambda: proofs.verify_norms(SRS, TRUE, odd, proofs.prove_norms(SRS, TRUE, UPDATES)),
        lambda: proofs.verify_norms(SRS, TRUE, norms, odd),
        lambda: proofs.Proof.from_bytes(odd, 3),
        lambda: proofs.Proof.from_bytes(proof.to_bytes(), [3] if odd == 3 else odd),
        lambda: replace(proof, values=odd).check(3),
        lambda: replace(proof, aggregates=[odd]).check(3),
        lambda: replace(proof, signature=odd).check(3),
        *(
            lambda name=name: replace(TRUE, **{name: odd}).check(SRS)
            for name in vars(TRUE)
            if odd != 3 or name in NO_NUMBERS
        ),
    ]
    for call in calls:
        with pytest.raises(BcflError):
            call()
