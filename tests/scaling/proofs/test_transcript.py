"""What is hashed, byte by byte; and what no contract would take that far."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from eth_abi import encode
from eth_utils import keccak
from scaling.proofs.cases import CONTRACT, draw_round, state, toy

from bcfl_support.errors import ProofError
from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import transcript as t
from bcfl_support.scaling.proofs.polynomials import R

SETUP = toy(3)
UPDATES, WEIGHTS = draw_round(3, 20)
ROUND = state(SETUP, UPDATES, WEIGHTS)
PROOF = proofs.prove_round(SETUP, ROUND, UPDATES, aggregates=True)
POINT = proofs.commit(SETUP, UPDATES[0])[0]


def test_the_message_is_seven_words():
    types = ["uint256", "address", "uint256", "bytes32", "uint256", "bytes32", "bytes32"]
    clients = keccak(b"".join(bytes(12) + bytes.fromhex(c[2:]) for c in ROUND.clients))
    digests = [keccak(b"".join(points)) for points in ROUND.commitments]
    records = b"".join(w.to_bytes(8, "big") + digest for w, digest in zip(WEIGHTS, digests, strict=True))
    assert ROUND.records() == records and ROUND.digests() == digests and len(records) == 3 * 40
    message = keccak(encode(types, [31337, CONTRACT, 3, SETUP.digest, 20, clients, keccak(records)]))
    assert ROUND.message(SETUP) == message
    scores = b"".join(s.to_bytes(16, "big", signed=True) for s in ROUND.scores)
    sender = bytes(12) + bytes.fromhex(ROUND.sender[2:])
    assert ROUND.seed(SETUP) == keccak(keccak(message + scores) + sender)


def test_the_bytes_never_change():
    """A contract that is deployed reads these: a change is a new version, and not by accident."""
    assert ROUND.message(SETUP).hex() == "2b7e6a6dc087d6e33a858d487b71501bd5e6ae86ecb7a8d10079daff0306f6ab"
    assert ROUND.seed(SETUP).hex() == "d5abc5046d95405c00b5c7d6303e7c22039c00ade940d2d0dc3da1d3ee8b5739"
    assert keccak(PROOF.to_bytes()).hex() == "bce1fde164fba46a3db28f5a0eb0c6390ffc64570030a4690cec5148591fea92"


def test_challenges_are_hashes_of_all_before_them():
    chain = t.Transcript(b"\1" * 32)
    first = keccak(b"\1" * 32 + b"ab")
    assert chain.absorb(b"a", b"b") == int.from_bytes(first, "big") % R and chain.state == first
    second = keccak(first + (5).to_bytes(32, "big") + (7).to_bytes(32, "big"))
    assert chain.absorb_values([5, 7]) == int.from_bytes(second, "big") % R
    assert chain.absorb() == int.from_bytes(keccak(second), "big") % R


CHANGES = {
    "chain_id": 1,
    "contract": "0x" + "c1" * 20,
    "round": 4,
    "sender": "0x" + "05" * 20,
    "parameters": 21,
    "clients": (*ROUND.clients[:2], "0x" + "99" * 20),
    "weights": (*ROUND.weights[:2], ROUND.weights[2] + 1),
    "scores": (*ROUND.scores[:2], ROUND.scores[2] + 1),
    "commitments": (*ROUND.commitments[:2], (*ROUND.commitments[2][:2], POINT)),
}


@pytest.mark.parametrize("name", [field.name for field in fields(proofs.Statement)])
def test_every_part_of_a_statement_is_hashed(name):
    other = replace(ROUND, **{name: CHANGES[name]})
    other.check(SETUP)
    assert other.seed(SETUP) != ROUND.seed(SETUP)
    assert (other.message(SETUP) == ROUND.message(SETUP)) == (name in ("scores", "sender"))


def test_the_setup_is_hashed():
    other = proofs.toy_setup(3, 99)
    assert ROUND.message(other) != ROUND.message(SETUP) != ROUND.message(toy(4))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chain_id": -1}, "chain_id is -1"),
        ({"chain_id": 2**256}, "chain_id is"),
        ({"chain_id": True}, "chain_id is True"),
        ({"round": 1.5}, "round is 1.5"),
        ({"contract": "0x12"}, "'0x12' is no address"),
        ({"contract": b"\1" * 20}, "is no address"),
        ({"sender": None}, "None is no address"),
        ({"parameters": 0}, "parameters is 0"),
        ({"parameters": 2**24 + 1}, "parameters is 16777217"),
        ({"parameters": 16}, "3 points of \\[96\\] bytes, not 2 of 96"),
        ({"parameters": 25}, "3 points of \\[96\\] bytes, not 4 of 96"),
        ({"clients": ()}, "clients is 0"),
        ({"clients": ROUND.clients[::-1]}, "strictly rising"),
        ({"clients": (ROUND.clients[0], *ROUND.clients[:2])}, "strictly rising"),
        ({"clients": ROUND.clients[:2]}, "3 weights of 2 clients"),
        ({"weights": ROUND.weights[:2]}, "2 weights of 3 clients"),
        ({"weights": (0, 1, 1)}, "the weight of client 0 is 0"),
        ({"weights": (1, -1, 1)}, "the weight of client 1 is -1"),
        ({"weights": (1, 1, 1.5)}, "the weight of client 2 is 1.5"),
        ({"weights": (2**32, 1, 1)}, "the sum of weights is 4294967298"),
        ({"scores": ROUND.scores[:2]}, "2 scores of 3 clients"),
        ({"scores": (2**127, 0, 0)}, "the score of client 0 is .*int128"),
        ({"scores": (0, -(2**127) - 1, 0)}, "the score of client 1 is .*int128"),
        ({"scores": (0, 0, ROUND.scores[2] + R)}, "the score of client 2 is .*int128"),
        ({"scores": (0, 0, ROUND.scores[2] - R)}, "the score of client 2 is .*int128"),
        ({"commitments": ROUND.commitments[:2]}, "2 commitments of 3 clients"),
        ({"commitments": (*ROUND.commitments[:2], ROUND.commitments[2][:2])}, "commitments of client 2: 2 points"),
        ({"commitments": (*ROUND.commitments[:2], (POINT, POINT, POINT[:-1]))}, "commitments of client 2"),
        ({"commitments": (*ROUND.commitments[:2], (POINT, POINT, "x" * 96))}, "commitments of client 2"),
    ],
    ids=range(29),
)
def test_statements_are_refused(change, reason):
    with pytest.raises(ProofError, match=reason):
        replace(ROUND, **change).check(SETUP)


def test_more_clients_than_a_transaction_holds_are_refused():
    clients = tuple(f"0x{i:040x}" for i in range(1, 1026))
    with pytest.raises(ProofError, match="clients is 1025: a transaction holds no more"):
        replace(ROUND, clients=clients).check(SETUP)


def test_scores_at_their_bounds_are_hashed():
    edge = replace(ROUND, scores=(2**127 - 1, -(2**127), -1))
    edge.check(SETUP)
    assert len(edge.seed(SETUP)) == 32


@pytest.mark.parametrize("signature", [b"", POINT])
def test_proofs_travel(signature):
    proof = replace(PROOF, signature=signature)
    raw = proof.to_bytes()
    assert len(raw) == 384 + 3 * 32 + len(signature)
    assert t.Proof.from_bytes(raw, 3, proof.aggregates) == proof
    for size in range(len(raw) + 200):
        if size not in (len(raw), 480, 576):
            with pytest.raises(ProofError, match=f"the proof has {size} bytes, one of 3 chunks has 480, or 576"):
                t.Proof.from_bytes((raw + bytes(200))[:size], 3)
    for chunks in (1, 2, 4, 7):
        with pytest.raises(ProofError, match="the proof has"):
            t.Proof.from_bytes(raw, chunks)


def test_a_value_in_another_form_is_refused():
    for k in range(3):
        for value in (PROOF.values[k] + R, PROOF.values[k] - R, R, 2**256 - 1, 0.5, True):
            values = (*PROOF.values[:k], value, *PROOF.values[k + 1 :])
            with pytest.raises(ProofError, match=f"the value of chunk {k} at ζ is .*a scalar has one form"):
                replace(PROOF, values=values).check(3)
        raw = bytearray(PROOF.to_bytes())
        if PROOF.values[k] + R < 2**256:
            raw[192 + 32 * k : 224 + 32 * k] = (PROOF.values[k] + R).to_bytes(32, "big")
            with pytest.raises(ProofError, match="a scalar has one form"):
                t.Proof.from_bytes(bytes(raw), 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"q": b""}, "the proof: 4 points"),
        ({"at_zero": POINT + b"\0"}, "the proof: 4 points"),
        ({"aggregates": (POINT,)}, "aggregates: 1 points of \\[96\\] bytes, not 3"),
        ({"aggregates": (POINT, POINT, POINT, POINT)}, "aggregates: 4 points"),
        ({"signature": POINT[:-1]}, "signatures: 1 points of \\[95\\] bytes"),
        ({"values": PROOF.values[:2]}, "2 values at ζ, the round has 3 chunks"),
        ({"values": (*PROOF.values, 0)}, "4 values at ζ, the round has 3 chunks"),
    ],
)
def test_proofs_of_wrong_lengths_are_refused(change, reason):
    with pytest.raises(ProofError, match=reason):
        replace(PROOF, **change).check(3)
