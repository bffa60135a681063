"""The contract's check: honest rounds are accepted, all of them; false claims are not, with proofs built for them."""

from __future__ import annotations

import functools
import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st
from scaling.proofs.cases import OFF_CURVE, OFF_GROUP, SECRET, draw_round, lie, state, to_call, toy

from bcfl_support.chain import Chain, load_artifact
from bcfl_support.errors import ContractError, TransactionFailed
from bcfl_support.scaling import compute_round, proofs
from bcfl_support.scaling.proofs import rounds
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.proofs.setup import encode_key
from bcfl_support.scaling.rungs import EXPLANATIONS
from bcfl_support.services import project_root

GAS = 16_000_000


class Kernel:
    """`ProofKernel` for one setup and P, and statements about rounds there."""

    def __init__(self, chain, setup, parameters):
        self.chain, self.setup = chain, setup
        arguments = ((setup.log_n, encode_key(setup.tau_h)), parameters)
        self.contract = chain.deploy(load_artifact("ProofKernel"), *arguments)[0]
        self.sender = chain.accounts[0]

    def state(self, updates, weights, **changes):
        """The true statement, brought by the first account; and what a liar changes of it."""
        here = {"chain_id": self.chain.w3.eth.chain_id, "contract": self.contract.address, "sender": self.sender}
        return replace(state(self.setup, updates, weights, **here), **changes)

    def call(self, statement, made, step=None, **changes):
        """The call that brings it; `changes` are of bytes."""
        sent = to_call(statement, made) | changes
        clients = [to_checksum_address(client) for client in statement.clients]
        head = (statement.round, clients, list(statement.weights))
        return self.contract.functions.check(*head, sent["scores"], sent["proof"], sent["points"], step or len(clients))

    def check(self, statement, made, **options):
        return self.call(statement, made, **options).call({"from": self.sender, "gas": GAS})


@pytest.fixture(scope="module")
def chain():
    with Chain.start() as running:
        running.explain(EXPLANATIONS)
        yield running


def test_the_forge_tests_proofs_are_the_packages():
    path = project_root() / "contracts" / "test" / "vectors" / "make_proofs.py"
    spec = importlib.util.spec_from_file_location("make_proofs", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    stored = json.loads(path.with_name("proofs.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(made.make_cases()))
    assert {case["holds"] for case in stored["cases"]} == {True, False}


# ---------------------------------------------------------------- honest rounds
@functools.cache
def secret_toy(log_n):
    return proofs.toy_setup(log_n, SECRET, powers=False)


@pytest.mark.parametrize("block", range(10))
def test_honest_rounds_are_accepted(chain, block):
    """200 of them: n from 1 to 20, P from 1 to 10,000, one chunk or many, in one transaction or several."""
    rng = np.random.default_rng(block)
    for k in range(20):
        n, parameters, log_n = int(rng.integers(1, 21)), int(10 ** rng.uniform(0, 4)), int(rng.integers(9, 13))
        n = 1 if k == 0 else n
        updates, weights = draw_round(n, parameters, int(rng.integers(2**32)))
        if k % 5 == 1:
            updates[rng.integers(n)] = 0
        if k == 2:
            updates[:] = 0
        kernel = Kernel(chain, secret_toy(log_n), parameters)
        statement = kernel.state(updates, weights)
        proof = proofs.prove_round(kernel.setup, statement, updates)
        found = kernel.check(statement, proof, step=int(rng.integers(1, n + 1)))
        assert bytes(found) == statement.message(kernel.setup)
        assert statement.scores == compute_round(updates, weights).scores


@pytest.mark.parametrize(("n", "parameters"), [(2, 10), (3, 9_000)])
def test_rounds_by_ethereums_setup_are_accepted(chain, n, parameters):
    kernel = Kernel(chain, proofs.ethereum_setup(), parameters)
    updates, weights = draw_round(n, parameters)
    statement = kernel.state(updates, weights)
    kernel.check(statement, proofs.prove_round(kernel.setup, statement, updates))


# ---------------------------------------------------------------- lies
SRS = toy(4)
UPDATES, WEIGHTS = draw_round(4, 40)  # three chunks, the last one half full


@pytest.fixture(scope="module")
def kernel(chain):
    return Kernel(chain, SRS, 40)


@pytest.fixture(scope="module")
def true(kernel):
    return kernel.state(UPDATES, WEIGHTS)


@pytest.fixture(scope="module")
def honest(true):
    return proofs.prove_round(SRS, true, UPDATES)


def refuse(kernel, statement, made, reason="ProofFails: the pairing is not one", **options):
    for step in (None, 1):
        with pytest.raises(ContractError, match=reason):
            kernel.check(statement, made, step=step, **options)


def test_the_liar_who_tells_the_truth_is_believed(kernel, true, honest):
    assert lie(SRS, true, UPDATES) == honest
    for step in (1, 2, 3, 4):
        kernel.check(true, honest, step=step)


FALSE_SCORES = {
    "one more": lambda s: (s[0] + 1, *s[1:]),
    "one less, at the end": lambda s: (*s[:-1], s[-1] - 1),
    "swapped": lambda s: (s[1], s[0], *s[2:]),
    "moved between two": lambda s: (s[0] + 5, s[1] - 5, *s[2:]),
    "nothing": lambda s: (0, 0, 0, 0),
    "negated": lambda s: tuple(-x for x in s),
    "largest": lambda s: (2**127 - 1, *s[1:]),
    "lowest": lambda s: (-(2**127), *s[1:]),
    "r more, as far as an int128 holds it": lambda s: ((s[0] + R + 2**127) % 2**128 - 2**127, *s[1:]),
}


@pytest.mark.parametrize("name", FALSE_SCORES)
def test_false_scores_are_refused(kernel, true, honest, name):
    claimed = replace(true, scores=FALSE_SCORES[name](true.scores))
    refuse(kernel, claimed, honest)
    refuse(kernel, claimed, lie(SRS, claimed, UPDATES))
    refuse(kernel, claimed, rounds.build_proof(SRS, claimed, UPDATES, rounds.Coefficients))


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], WEIGHTS[::-1], [WEIGHTS[0] + 1, *WEIGHTS[1:]]])
def test_wrong_weights_are_refused(kernel, true, honest, weights):
    claimed = replace(true, scores=proofs.compute_scores(UPDATES, weights))
    refuse(kernel, claimed, lie(SRS, claimed, UPDATES, weights))
    refuse(kernel, claimed, lie(SRS, claimed, UPDATES))
    claimed = replace(true, weights=tuple(weights))
    refuse(kernel, claimed, lie(SRS, claimed, UPDATES))
    refuse(kernel, claimed, lie(SRS, claimed, UPDATES, WEIGHTS))
    refuse(kernel, claimed, honest)


def test_a_proof_is_worth_nothing_elsewhere(chain, kernel, true, honest):
    """Another round, contract, chain, sender, client or P."""
    other = Kernel(chain, SRS, 40)
    for name, value in (("chain_id", 1), ("contract", other.contract.address), ("sender", chain.accounts[1])):
        there = lie(SRS, replace(true, **{name: value}), UPDATES)
        refuse(kernel, true, there)
    refuse(kernel, replace(true, round=4), honest)
    refuse(kernel, replace(true, clients=(*true.clients[:3], "0x" + "99" * 20)), honest)
    refuse(other, true, honest)
    refuse(Kernel(chain, SRS, 41), true, honest)
    refuse(Kernel(chain, proofs.toy_setup(4, 99), 40), true, honest)
    thief = kernel.call(true, honest)
    with pytest.raises(ContractError, match="ProofFails"):
        thief.call({"from": chain.accounts[1], "gas": GAS})


@pytest.mark.parametrize("client", range(4))
def test_stale_commitments_are_refused(kernel, true, honest, client):
    before = draw_round(4, 40, 9)[0]
    points = (*true.commitments[:client], proofs.commit(SRS, before[client]), *true.commitments[client + 1 :])
    stale = replace(true, commitments=points)
    mixed = UPDATES.copy()
    mixed[client] = before[client]
    for proof in (honest, lie(SRS, stale, UPDATES), lie(SRS, stale, mixed)):
        refuse(kernel, stale, proof)


@pytest.mark.parametrize("client", range(4))
@pytest.mark.parametrize("times", [0, 2])
def test_a_client_left_out_or_counted_twice_is_refused(kernel, true, honest, client, times):
    weights = [w * (times if i == client else 1) for i, w in enumerate(WEIGHTS)]
    total = rounds.sum_updates(UPDATES, weights)
    scores = tuple(w * int(row.astype(int) @ total) for w, row in zip(weights, UPDATES, strict=True))
    claimed = replace(true, scores=scores)
    refuse(kernel, claimed, lie(SRS, claimed, UPDATES, weights))
    keep = [i for i in range(4) for _ in range(times if i == client else 1)]
    names = ("clients", "weights", "scores", "commitments")
    listed = replace(true, **{name: tuple(getattr(true, name)[i] for i in keep) for name in names})
    refuse(kernel, listed, honest)
    refuse(kernel, listed, lie(SRS, listed, UPDATES[keep]))


class ForgetsOne(proofs.Statement):
    """A transcript that forgets the last score."""

    def seed(self, setup):
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return proofs.Statement(**kept | {"scores": (*self.scores[:-1], 0)}).seed(setup)


def test_a_score_left_out_of_the_transcript_is_refused(kernel, true):
    weak = ForgetsOne(**{name: getattr(true, name) for name in true.__dataclass_fields__})
    proof = rounds.build_proof(SRS, weak, UPDATES, rounds.Coefficients)
    proofs.verify_round(SRS, weak, proof)
    refuse(kernel, true, proof)
    moved = replace(weak, scores=(*true.scores[:-1], true.scores[-1] + 1))
    refuse(kernel, moved, lie(SRS, moved, UPDATES))


# ---------------------------------------------------------------- bytes that are no proof
@pytest.mark.parametrize("point", [OFF_CURVE, OFF_GROUP, b"\xff" * 96, b"\0" * 95 + b"\1"])
def test_points_off_the_curve_or_the_group_are_refused(kernel, true, honest, point):
    for name in ("q", "f", "at_zeta", "at_zero"):
        refuse(kernel, true, replace(honest, **{name: point}), "BlsBadPoint|ProofFails")
    for client in range(4):
        rows = [list(row) for row in true.commitments]
        rows[client][1] = point
        refuse(kernel, replace(true, commitments=tuple(map(tuple, rows))), honest, "BlsBadPoint")


@pytest.mark.parametrize("k", range(3))
def test_scalars_have_one_form(kernel, true, honest, k):
    values = list(honest.values)
    values[k] += R
    assert values[k] < 2**256
    refuse(kernel, true, replace(honest, values=tuple(values)), f"ProofBadScalar: scalar {k} is ")


def test_other_lengths_are_refused(kernel, true, honest):
    sent = to_call(true, honest)
    for proof in (b"", sent["proof"][:-1], sent["proof"] + b"\0", sent["proof"] + bytes(96)):
        refuse(kernel, true, honest, "ProofBadLength", proof=proof)
    for scores in (b"", sent["scores"][:-16], sent["scores"] + b"\0"):
        refuse(kernel, true, honest, "ProofBadLength", scores=scores)
    with pytest.raises(ContractError, match="ProofBadLength"):
        kernel.check(true, honest, points=sent["points"] + b"\0")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_refused_at_bounded_gas(chain, kernel, true, honest, data):
    """A precompile that refuses burns what it was given, and no more: some 150,000 above what an honest proof costs."""
    sent = to_call(true, honest)
    name = data.draw(st.sampled_from(["proof", "points", "scores"]))
    raw = bytearray(sent[name])
    kind = data.draw(st.sampled_from(["bit", "cut", "more", "noise"]))
    if kind == "bit":
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        raw = raw[: data.draw(st.integers(0, len(raw) - 1))]
    elif kind == "more":
        raw += data.draw(st.binary(min_size=1, max_size=200))
    else:
        start = data.draw(st.integers(0, len(raw) - 32))
        raw[start : start + 32] = data.draw(st.binary(min_size=32, max_size=32))
    if bytes(raw) == sent[name]:
        return
    call = kernel.call(true, honest, **{name: bytes(raw)})
    receipt = chain.send(call, sender=kernel.sender, gas=GAS, check=False)
    whole = chain.send(kernel.call(true, honest), sender=kernel.sender, gas=GAS)["gasUsed"]
    assert receipt["status"] == 0 and receipt["gasUsed"] < whole + 150_000
    with pytest.raises((ContractError, TransactionFailed)):
        chain.send(call, sender=kernel.sender)


# ---------------------------------------------------------------- entries and setups
def test_entries_are_opened_as_they_were_committed_to(chain, kernel, true):
    check = kernel.contract.functions.checkEntry
    for position in (0, 7, 16, 39, 40, 47):
        opening = proofs.open_entry(SRS, UPDATES[1], position)
        chunk, j = divmod(position, SRS.n)
        check(true.commitments[1][chunk], j, opening.value, opening.proof).call()
        for value in ((opening.value + 1) % R, R - 1):
            with pytest.raises(ContractError, match="ProofFails"):
                check(true.commitments[1][chunk], j, value, opening.proof).call()
        with pytest.raises(ContractError, match="ProofFails"):
            check(true.commitments[1][chunk], j + 1, opening.value, opening.proof).call()
        with pytest.raises(ContractError, match="ProofBadScalar"):
            check(true.commitments[1][chunk], j, opening.value + R, opening.proof).call()
        with pytest.raises(ContractError, match="BlsBadPoint"):
            check(true.commitments[1][chunk], j, opening.value, OFF_GROUP).call()


def test_setups_that_are_none_are_refused(chain):
    tau = encode_key(SRS.tau_h)
    for setup, parameters in (((23, tau), 40), ((4, tau[:-1]), 40), ((4, tau), 0), ((4, tau), 2**24 + 1)):
        with pytest.raises(ContractError, match="ProofBadSetup"):
            chain.deploy(load_artifact("ProofKernel"), setup, parameters)
    with pytest.raises(ContractError, match="BlsBadPoint"):
        chain.deploy(load_artifact("ProofKernel"), (4, tau[:-1] + b"\1"), 40)
    kernel = chain.deploy(load_artifact("ProofKernel"), (4, tau), 40)[0]
    assert bytes(kernel.functions.setupDigest().call()) == SRS.digest
