"""Rung 7: a round by one transaction. Honest ones are taken; each lie is refused, with a proof built for it."""

from __future__ import annotations

import doctest
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from eth_abi import encode
from eth_utils import keccak
from py_arkworks_bls12381 import G1Point, G2Point
from scaling.cases import assert_solvent, draw_values
from scaling.proofs.cases import OFF_CURVE, OFF_GROUP, call_contract, lie, to_call, toy

from bcfl_support.errors import ContractError, InvalidInput, InvalidUpdate, ProofError, TransactionFailed
from bcfl_support.scaling import proofs, relayed
from bcfl_support.scaling.proofs import rounds, setup, signing
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.relayed import RelayedRung

SRS, P = toy(6), 50


def start(chain, n=4, parameters=P, **options):
    """A rung, its values and weights."""
    values, weights = draw_values(n, parameters)
    return RelayedRung(chain, 7, weights, parameters, **{"setup": SRS} | options), values


@pytest.fixture(scope="module", params=relayed.SIGNATURES)
def ready(chain, request):
    """A rung of four in its third round, everybody's commitments with the relayer."""
    rung, values = start(chain, signatures=request.param)
    rung.play(values[:, ::-1].copy())
    rung.stale = rung.statement
    rung.play(values[::-1].copy())
    rung.open()
    rung.submit(values)
    return rung


@pytest.fixture
def rung(chain, ready):
    """The same, whatever a test does to it."""
    snapshot = chain.snapshot()
    yield ready
    chain.revert(snapshot)


def bring(rung, statement, updates=None, weights=None, signed_by=None, **changed):
    """Send a proof made for a claim, and the signatures of whoever it says took part on what `signed_by` states."""
    signature, signatures = rung.sign(statement if signed_by is None else signed_by)
    rows = np.stack([rung.rows[i] for i in sorted(rung.rows)]) if updates is None else updates
    proof = lie(rung.setup, statement, rows, weights, signature=signature)
    return rung.relay(replace(statement, round=rung.round), proof, signatures, **changed)


def refuse(rung, reason, statement, **options):
    with pytest.raises(TransactionFailed, match=reason):
        bring(rung, statement, **options)


def test_examples_in_the_documentation():
    assert doctest.testmod(relayed).failed == 0


# ---------------------------------------------------------------- honest rounds
@pytest.mark.parametrize("signatures", relayed.SIGNATURES)
@pytest.mark.parametrize(("n", "parameters", "srs"), [(1, 1, 0), (1, 65, 6), (2, 50, 6), (5, 200, 6), (12, 64, 6)])
def test_rounds_are_those_of_the_other_rungs(chain, signatures, n, parameters, srs):
    rung, values = start(chain, n, parameters, setup=toy(srs), signatures=signatures)
    for played in (values, values * 0, values[::-1].copy()):
        bill = rung.play(played)
        exact = rung.expected(played)
        assert bill.scores == exact.scores and bill.result_digest == rung.result_digest(exact)
        assert list(bill.gas) == ["relay"] and bill.transactions == 1 and bill.blobs == 0
    assert rung.round == 4 and rung.phase == "Open"


def test_ethereums_setup(chain):
    rung, values = start(chain, 3, 4096, setup=None)
    assert rung.play(values).scores == rung.expected(values).scores


def test_a_result_is_final_by_time_alone(chain):
    rung, values = start(chain)
    rung.play(values)
    first = rung.bill().result_digest
    rung.open()
    rung.submit(values[:, ::-1].copy())
    statement = rung.state()
    bring(rung, statement)
    digest, current = rung.contract.functions.resultDigest(), rung.contract.functions.currentRound()
    assert digest.call() == first and current.call()[:2] == (3, 1) and current.call()[4] == 0b1111
    with pytest.raises(TransactionFailed, match=r"faults in the last proof may be shown until time \d+"):
        bring(rung, replace(statement, round=3))
    rung._wait()
    assert digest.call() == rung.result_digest(rung.expected(values[:, ::-1].copy()))
    assert current.call()[:2] == (3, 2) and current.call()[4] == 0


@pytest.mark.parametrize("signatures", relayed.SIGNATURES)
def test_members_that_are_absent(chain, signatures):
    rung, values = start(chain, 7, signatures=signatures)
    for present in ([0, 1, 3, 4, 6], [1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4]):
        rung.open()
        rung.submit(values, present)
        rung.work()
        exact = rung.expected(values, present)
        assert rung.bill().scores == exact.scores and rung.bill().result_digest == rung.result_digest(exact)
    rung.open()
    rung.submit(values, [0, 1, 2, 3])
    with pytest.raises(TransactionFailed, match="4 of 7 members are present, more than two thirds"):
        rung.work()


def test_who_resigned_is_out_until_it_rejoins(chain):
    rung, values = start(chain, 4)
    resign, rejoin = rung.contract.functions.resign(), rung.contract.functions.rejoin()
    chain.send(resign, sender=rung.clients[2])
    assert rung.excluded() == {2}
    rung.open()
    rung.submit(values)
    with pytest.raises(TransactionFailed, match="client 2 is no member"):
        rung.work()
    rung.open()
    rung.submit(values, [0, 1, 3])  # all of the three members there are
    rung.work()
    with pytest.raises(ContractError, match="client 2 is no member"):
        chain.send(resign, sender=rung.clients[2])
    chain.send(rung.contract.functions.withdraw(rung.terms.stake), sender=rung.clients[2])
    with pytest.raises(ContractError, match="has 0"):
        chain.send(rejoin, sender=rung.clients[2])
    chain.send(rung.contract.functions.deposit(), sender=rung.clients[2], value=rung.terms.stake)
    chain.send(rejoin, sender=rung.clients[2])
    with pytest.raises(ContractError, match="client 2 is a member"):
        chain.send(rejoin, sender=rung.clients[2])
    assert rung.play(values).scores == rung.expected(values).scores
    assert_solvent(rung)


def test_known_limit_rejoining_has_a_round_refused(chain):
    """Three of the four left are a quorum; three of five are no more than two thirds."""
    rung, values = start(chain, 5)
    resign, rejoin = rung.contract.functions.resign(), rung.contract.functions.rejoin()
    chain.send(resign, sender=rung.clients[4])
    rung.open()
    rung.submit(values, [0, 1, 2])
    chain.send(rejoin, sender=rung.clients[4])
    with pytest.raises(TransactionFailed, match="3 of 5 members are present, more than two thirds"):
        rung.work()
    chain.send(resign, sender=rung.clients[4])
    rung.work()
    assert rung.bill().scores == rung.expected(values, [0, 1, 2]).scores


@pytest.mark.parametrize("signatures", relayed.SIGNATURES)
def test_a_rest_closes_no_round(chain, signatures):
    """All the members that are left, and no more than half of all clients."""
    rung, values = start(chain, 4, signatures=signatures)
    resign, rejoin = rung.contract.functions.resign(), rung.contract.functions.rejoin()
    for client in (0, 1):
        chain.send(resign, sender=rung.clients[client])
    rung.open()
    rung.submit(values, [2, 3])
    with pytest.raises(TransactionFailed, match="2 of all 4 clients are present, more than half"):
        rung.work()
    chain.send(rejoin, sender=rung.clients[1])
    rung.open()
    rung.submit(values, [1, 2, 3])
    rung.work()
    assert rung.bill().scores == rung.expected(values, [1, 2, 3]).scores


def test_a_round_is_always_open(chain):
    rung, _ = start(chain, 2)
    for call in (rung.contract.functions.openRound(), rung.contract.functions.submit(1, b"")):
        with pytest.raises(ContractError, match="round 1 is open, as one always is here"):
            chain.send(call, sender=rung.worker)


# ---------------------------------------------------------------- lies
@pytest.mark.parametrize("delta", [1, -1, 2**100])
def test_a_wrong_score(rung, delta):
    true = rung.state()
    for client in range(4):
        scores = tuple(s + delta * (i == client) for i, s in enumerate(true.scores))
        refuse(rung, "the pairing is not one", replace(true, scores=scores))


def test_swapped_scores(rung):
    true = rung.state()
    refuse(rung, "the pairing is not one", replace(true, scores=(true.scores[1], true.scores[0], *true.scores[2:])))


def test_wrong_weights(rung):
    """Those in the payload are the committee's; the clients' signatures hold them as well."""
    true = rung.state()
    weights = (true.weights[0] + 1, *true.weights[1:])
    rows = np.stack(list(rung.rows.values()))
    false = replace(true, weights=weights, scores=proofs.compute_scores(rows, weights))
    refuse(rung, "the pairing is not one|signatures", false)
    packed = b"".join(w.to_bytes(2, "big") for w in weights)
    signature, signatures = rung.sign(false)
    proof = lie(rung.setup, false, rows, signature=signature)
    with pytest.raises(TransactionFailed, match="the committee's"):
        rung.relay(false, proof, signatures, weights=packed)


@pytest.mark.parametrize(
    "other", [{"round": 4}, {"chain_id": 1}, {"contract": "0x" + "c0" * 20}, {"parameters": 51}], ids=str
)
def test_another_place(rung, other):
    """Everything is of another round, chain, contract or size, signatures included."""
    refuse(rung, "the pairing is not one|the signatures are not", replace(rung.state(), **other))


def test_another_sender(rung):
    """Copied from the mempool: everything is true but who brings it."""
    true = replace(rung.state(), sender=rung.watcher)
    refuse(rung, "the pairing is not one", true)
    signature, signatures = rung.sign(true)
    proof = lie(rung.setup, true, np.stack(list(rung.rows.values())), signature=signature)
    call = rung.contract.functions.work(rung.round, rung.payload(true, proof, signatures))
    rung.chain.send(call, sender=rung.watcher)


def test_a_stale_commitment(rung):
    """The last round's commitments, with its signature or this one's."""
    true = rung.state()
    for client in range(4):
        points = tuple(rung.stale.commitments[i] if i == client else c for i, c in enumerate(true.commitments))
        refuse(rung, "the pairing is not one|the signatures are not", replace(true, commitments=points), signed_by=true)
    refuse(rung, "the pairing is not one|the signatures are not", replace(rung.stale, round=3), signed_by=rung.stale)


def test_an_omitted_or_doubled_client(rung):
    true, rows = rung.state(), np.stack(list(rung.rows.values()))

    def pick(chosen):
        parts = {name: tuple(getattr(true, name)[i] for i in chosen) for name in ("clients", "weights", "commitments")}
        return replace(true, **parts, scores=proofs.compute_scores(rows[chosen], parts["weights"]))

    for out in range(4):
        chosen = [i for i in range(4) if i != out]
        refuse(rung, "the pairing is not one|a length of 256", pick(chosen), updates=rows[chosen], signed_by=true)
    # client 0 signed for itself and, as it were, for client 1
    doubled = pick([0, 0, 2, 3])
    refuse(
        rung,
        "the pairing is not one|the signatures",
        replace(doubled, clients=true.clients),
        updates=rows[[0, 0, 2, 3]],
        signed_by=true,
    )


def test_a_signature_that_is_missing(rung):
    """Three of four signed, all four are said to take part."""
    true = rung.state()
    if rung.keys:
        message = true.message(rung.setup)
        some = signing.add_signatures([key.sign(message) for key in rung.keys[:3]])
        for signature in (some, bytes(96), setup.encode_point(setup.G)):
            proof = lie(rung.setup, true, np.stack(list(rung.rows.values())), signature=signature)
            with pytest.raises(TransactionFailed, match="the pairing is not one"):
                rung.relay(true, proof)
        return
    proof, (_, signed) = lie(rung.setup, true, np.stack(list(rung.rows.values()))), rung.sign(true)
    for wrong in (signed[:192] + signed[:64], signed[64:] + signed[:64], signed[:192] + bytes(64)):
        with pytest.raises(TransactionFailed, match="the signatures are not those"):
            rung.relay(true, proof, wrong)
    with pytest.raises(TransactionFailed, match="a length of 192"):
        rung.relay(true, proof, signed[:192])


def test_points_off_the_curve_or_out_of_the_group(rung):
    true, (signature, signed) = rung.state(), rung.sign(rung.state())
    honest = lie(rung.setup, true, np.stack(list(rung.rows.values())), signature=signature)
    for point in (OFF_CURVE, OFF_GROUP, b"\xff" * 96):
        for part in ("q", "f", "at_zeta", "at_zero", *(["signature"] if signature else [])):
            with pytest.raises(TransactionFailed, match="no point of the curve"):
                rung.relay(true, replace(honest, **{part: point}), signed)
        false = replace(true, commitments=((point,), *true.commitments[1:]))
        refuse(rung, "no point of the curve", false)


def test_scalars_have_one_form(rung):
    true, (signature, signed) = rung.state(), rung.sign(rung.state())
    honest = lie(rung.setup, true, np.stack(list(rung.rows.values())), signature=signature)
    value = honest.values[0]
    assert value + R < 2**256
    with pytest.raises(TransactionFailed, match="not below the order of the group"):
        rung.relay(true, replace(honest, values=(value + R,)), signed)


def test_a_replayed_or_stale_transaction_burns_little(rung):
    true, (signature, signed) = rung.state(), rung.sign(rung.state())
    proof = lie(rung.setup, true, np.stack(list(rung.rows.values())), signature=signature)
    rung.relay(true, proof, signed)
    with pytest.raises(TransactionFailed, match="meant for round 3, the current round is 4"):
        rung.relay(true, proof, signed)
    with pytest.raises(TransactionFailed, match="may be shown until time"):
        rung.relay(replace(true, round=4), proof, signed)
    for entry in rung.ledger.entries[-2:]:
        assert entry.gas_used < 21_000 + 40 * entry.calldata_bytes, "calldata at its floor, no precompile"


def test_cut_and_padded_payloads_are_refused_at_bounded_gas(rung):
    true, (signature, signed) = rung.state(), rung.sign(rung.state())
    honest = lie(rung.setup, true, np.stack(list(rung.rows.values())), signature=signature)
    parts = {
        "weights": b"".join(w.to_bytes(2, "big") for w in rung.weights),
        "points": b"".join(b"".join(row) for row in true.commitments),
        "scores": b"".join(score.to_bytes(16, "big", signed=True) for score in true.scores),
        "proof": honest.to_bytes(),
        "signatures": signed,
    }
    broken = []
    for part, more in [(part, more) for part in parts for more in (1, 2, 16, 32, 64, 96)]:
        for changed in (parts[part] + bytes(more), parts[part][:-more]):
            if changed != parts[part]:
                broken.append(rung.payload(true, honest, signed, **{part: changed}))
    whole, rng = rung.payload(true, honest, signed), np.random.default_rng(0)
    for _ in range(20):
        broken.append(whole[: int(rng.integers(len(whole) - 32))])  # the last word may be padding
        at = int(rng.choice([i for i, byte in enumerate(whole) if byte]))  # nothing but padding is zero and not read
        broken.append(whole[:at] + bytes([whole[at] ^ int(rng.integers(1, 256))]) + whole[at + 1 :])
    for payload in broken:
        before = len(rung.ledger.entries)
        with pytest.raises(TransactionFailed):
            rung._send("work", [(rung.contract.functions.work(rung.round, payload), rung.worker)])
        assert rung.ledger.entries[before].gas_used < 450_000, "a precompile burns what it was given, no more"


# ---------------------------------------------------------------- keys
def test_a_rogue_key_is_refused(chain):
    """x·H minus everybody else's keys would sign for all; its owner has no secret to prove."""
    rung, _ = start(chain, 3)
    contract = fresh(rung)
    others = setup.decode_key("k", signing.add_keys([key.public for key in rung.keys[:2]]))
    mine = signing.SigningKey(99)
    rogue = setup.encode_key(setup.decode_key("k", mine.public) + -others)
    message = keccak(
        encode(["uint256", "address", "address", "bytes"], [31337, contract.address, rung.clients[2], rogue])
    )
    point = G1Point.hash_to_curve(message, signing.POSSESSION_DOMAIN) * setup.to_scalar(99)
    possession = signing.pad_point(setup.encode_point(point))
    with pytest.raises(ContractError, match="does not prove"):
        chain.send(contract.functions.register(rogue, possession), sender=rung.clients[2])
    # what it would have been good for
    total = signing.add_keys([rung.keys[0].public, rung.keys[1].public, rogue])
    signing.verify_signature(total, b"m", mine.sign(b"m"))


def fresh(rung):
    """Another contract of the same clients, where they have put their stakes down and are not registered."""
    from bcfl_support.chain import load_artifact

    contract = rung.chain.deploy(load_artifact(rung.artifact), *rung._arguments(), sender=rung.worker)[0]
    for client in rung.clients:
        rung.chain.send(contract.functions.deposit(), sender=client, value=rung.terms.stake)
    return contract


def test_whose_possession_is_proven(chain):
    rung, _ = start(chain, 3)
    contract, (key, other) = fresh(rung), rung.keys[:2]
    register, account = contract.functions.register, rung.clients[0]
    here = (31337, contract.address)
    wrong = [
        (key.public, key.prove_possession(*here, rung.clients[1])),  # another's, copied
        (key.public, key.prove_possession(31337, rung.contract.address, account)),  # of another contract
        (key.public, key.prove_possession(1, contract.address, account)),
        (key.public, other.prove_possession(*here, account)),
        (key.public, bytes(128)),
        (key.public, signing.pad_point(key.sign(b"m"))),
    ]
    for sent in wrong:
        with pytest.raises(ContractError, match="does not prove"):
            chain.send(register(*sent), sender=account)
    infinity = setup.encode_key(G2Point.identity())
    for sent in [(infinity, bytes(128)), (key.public[:-1], bytes(128)), (b"", b""), (key.public, b"")]:
        with pytest.raises(ContractError, match="no key"):
            chain.send(register(*sent), sender=account)
    for point in (OFF_CURVE, OFF_GROUP):
        with pytest.raises(ContractError, match="no point of the curve"):
            chain.send(register(key.public, signing.pad_point(point)), sender=account)
    with pytest.raises(ContractError, match="not one of the clients"):
        chain.send(register(key.public, key.prove_possession(*here, account)), sender=rung.watcher)
    chain.send(register(key.public, key.prove_possession(*here, account)), sender=account)
    with pytest.raises(ContractError, match="client 0 has registered"):
        chain.send(register(other.public, other.prove_possession(*here, account)), sender=account)


def test_the_committee_is_of_all_or_of_nobody(chain):
    rung, _ = start(chain, 3)
    contract, keys = fresh(rung), [key.public for key in rung.keys]
    seat = contract.functions.seat
    for i, key in enumerate(rung.keys):
        with pytest.raises(ContractError, match=f"client {i} has not registered"):
            chain.send(seat(b"".join(keys)), sender=rung.worker)
        possession = key.prove_possession(31337, contract.address, rung.clients[i])
        chain.send(contract.functions.register(key.public, possession), sender=rung.clients[i])
    with pytest.raises(ContractError, match="another key of client 0"):
        chain.send(seat(b"".join(keys[::-1])), sender=rung.worker)
    with pytest.raises(ContractError, match="a length of 512"):
        chain.send(seat(b"".join(keys[:2])), sender=rung.worker)
    chain.send(seat(b"".join(keys)), sender=rung.worker)
    with pytest.raises(ContractError, match="once"):
        chain.send(seat(b"".join(keys)), sender=rung.worker)


def test_the_challenge_absorbs_the_signature(chain):
    """σ − L makes any scores pass where the last challenge is drawn without σ; where it is drawn from it, none."""
    rung, values = start(chain, 3)
    rung.open()
    rung.submit(values)
    true, key = rung.state(), signing.add_keys([k.public for k in rung.keys])
    false = replace(true, scores=(10**9, -5, 7))
    zero = bytes(96)
    nothing = proofs.Proof(zero, zero, (0,), zero, zero, signature=zero)
    transcript = proofs.transcript.Transcript(false.seed(SRS))
    challenges = [
        transcript.absorb(),
        transcript.absorb(zero, zero),
        transcript.absorb_values((0,)),
        transcript.absorb(zero, zero),
    ]
    powers = [pow(challenges[3], k, R) for k in range(3)]
    points = (
        [setup.decode_point("C", c) for row in false.commitments for c in row] + [G1Point.identity()] * 4 + [setup.G]
    )
    left = setup.multiply(points, rounds.fold(SRS, false, nothing, challenges, powers))
    signature, _ = rung.sign(false)
    forged = replace(nothing, signature=setup.encode_point(setup.decode_point("σ", signature) + -left))
    assert call_contract(SRS, to_call(false, forged, key), absorb_signature=False), "the variant takes it"
    assert not call_contract(SRS, to_call(false, forged, key))
    with pytest.raises(TransactionFailed, match="the pairing is not one"):
        rung.relay(false, forged)


# ---------------------------------------------------------------- faults
@pytest.mark.parametrize(
    ("parameters", "position", "value"), [(P, 7, 128), (P, 49, -129), (P, 0, 10**15), (150, 130, 300)]
)
def test_an_entry_out_of_range_costs_the_stake(chain, parameters, position, value):
    rung, values = start(chain, 4, parameters)
    rung.play(values)
    digest = rung.bill().result_digest
    rung.open()
    rung.submit(values)
    row = values[1].astype(np.int64)
    row[position] = value
    cheat(rung, 1, row)
    stake, held = rung.terms.stake, rung.contract.functions.depositOf
    with pytest.raises(ContractError, match=r"which an update may have|is 0"):
        rung.prove_fault(0, position)
    rung.prove_fault(1, position)
    assert held(rung.clients[1]).call() == 0 and held(rung.watcher).call() == stake // 2
    assert rung.contract.functions.burned().call() == stake - stake // 2 and rung.excluded() == {1}
    with pytest.raises(ContractError, match="client 1 has lost its stake for this result"):
        rung.prove_fault(1, position)
    rung._wait()
    assert rung.contract.functions.resultDigest().call() == digest, "the one before"
    rung.open()
    rung.submit(values, [0, 2, 3])
    rung.work()
    assert rung.bill().scores == rung.expected(values, [0, 2, 3]).scores
    assert rung.contract.functions.currentRound().call()[:2] == (4, 3)
    assert_solvent(rung)


def cheat(rung, client, row):
    """Everybody else is honest, and signs; the proof is true of what the cheat committed to."""
    rung.rows.pop(client, None)  # another than it may have handed in
    rung.submit_row(client, row)
    rows = np.stack([rung.rows[i].astype(np.int64) for i in sorted(rung.rows)])
    weights = [rung.weights[i] for i in sorted(rung.rows)]
    summed = sum(w * r.astype(object) for w, r in zip(weights, rows[:, : rung.parameters], strict=True))
    scores = tuple(
        int(w * (r[: rung.parameters].astype(object) * summed).sum()) for w, r in zip(weights, rows, strict=True)
    )
    honest = dict(rung.rows)
    rung.rows = {i: np.zeros(rung.parameters, np.int8) for i in honest}
    statement = replace(rung.state(), scores=scores)
    rung.rows = honest
    bring(rung, statement, updates=rows)
    return statement


def test_an_interrupt_behind_a_closing_saves_no_stake(chain, monkeypatch):
    rung, values = start(chain, 4)
    rung.open()
    rung.submit(values)
    row, mine = values[1].astype(np.int64), chain.send_many
    row[7] = 128

    def send(calls, **options):
        mine(calls, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(chain, "send_many", send)
        with pytest.raises(KeyboardInterrupt):
            cheat(rung, 1, row)
    rung.prove_fault(1)
    assert rung.get_deposit(rung.clients[1]) == 0 and rung.excluded() == {1}
    assert_solvent(rung)


def test_a_refused_closing_is_none(rung):
    """A lie of this round is no statement of it, nor in the place of the last one's."""
    true, before = rung.state(), rung.statement
    assert before.round == 2
    refuse(rung, "the pairing is not one", replace(true, scores=(0, *true.scores[1:])))
    assert rung.statement == before
    bring(rung, true)
    with pytest.raises(TransactionFailed):
        bring(rung, replace(true, scores=(0, *true.scores[1:])))
    assert rung.statement == true
    with pytest.raises(ContractError, match="which an update may have"):
        rung.prove_fault(2, 0)


def test_what_a_seal_is_made_of(chain):
    points = proofs.commit(SRS, np.arange(5))
    for client, salt, reason in (
        (chain.accounts[0], b"x", "salt is b'x': give 32 random bytes"),
        ("0x1", bytes(32), "no address"),
    ):
        with pytest.raises(InvalidInput, match=reason):
            relayed.seal(points, client, salt)


def test_nobody_waits_for_a_result_all_of_which_are_out(chain):
    rung, values = start(chain, 1)
    rung.open()
    rung.submit(values)
    cheat(rung, 0, np.full(P, 200))
    answerable, before = rung.contract.functions.answerable(), chain.timestamp
    assert answerable.call() == 1
    rung.prove_fault(0, 7)
    closes_at = rung.contract.functions.currentRound().call()[2]
    assert answerable.call() == 0 and rung.excluded() == {0}
    rung._wait()
    assert before <= chain.timestamp < closes_at, "at once"
    chain.send(rung.contract.functions.deposit(), sender=rung.clients[0], value=rung.terms.stake)
    chain.send(rung.contract.functions.rejoin(), sender=rung.clients[0])
    assert rung.play(values).scores == rung.expected(values).scores
    assert rung.contract.functions.currentRound().call()[:2] == (3, 2)


def test_a_row_that_others_have_signed_for_is_not_replaced(chain):
    """Or its fault could not be shown any more."""
    rung, values = start(chain, 3)
    rung.open()
    row = values[1].astype(np.int64)
    row[7] = 300
    rung.submit_row(1, row)
    for again in (lambda: rung.submit_row(1, values[1]), lambda: rung.submit(values)):
        with pytest.raises(InvalidInput, match=r"clients \[1\] have handed in theirs already: give the others"):
            again()
    rung.submit(values, [0, 2])
    cheat(rung, 1, row)
    rung.prove_fault(1)
    assert rung.excluded() == {1}


@pytest.mark.parametrize("parameters", [P, 150])
def test_whoever_has_the_row_shows_a_fault_in_what_others_closed(chain, parameters):
    """The commitments are read from the closing's transaction, also of some of the clients."""
    rung, values = start(chain, 4, parameters)
    rung.open()
    rung.submit(values, [0, 1, 3])
    watcher = copy(rung)  # another object on the contract
    watcher.open()
    row = values[1].astype(np.int64)
    row[7] = 300
    watcher.submit_row(1, row)
    assert watcher.statement is None
    statement = cheat(rung, 1, row)
    assert watcher.statement == statement == rung.statement
    watcher.prove_fault(1)
    assert rung.excluded() == {1}
    with pytest.raises(InvalidInput, match="client 0 has no row here"):
        watcher.prove_fault(0)


def twist(kind, payload):
    """Arguments of `work` in an encoding that nobody's library makes, and the contract takes."""
    if kind == "padding behind the weights":
        at = 32 + int.from_bytes(payload[64:96], "big")
        end = at + 32 + int.from_bytes(payload[at : at + 32], "big")
        assert end % 32 and not payload[end]
        return encode(["uint256", "bytes"], [1, payload[:end] + b"\1" + payload[end + 1 :]])
    if kind == "padding behind all":
        return encode(["uint256", "bytes"], [1, payload + b"\1"])[:-1] + b"\1"
    assert kind == "behind the payload"
    return encode(["uint256", "bytes"], [1, payload[:32]]) + payload[32:]


@pytest.mark.parametrize("kind", ["padding behind the weights", "padding behind all", "behind the payload"])
def test_no_encoding_of_a_closing_hides_a_cheat(chain, kind):
    """And whoever comes to have its row when the round is closed shows the fault."""
    rung, values = start(chain, 4)
    rung.open()
    watcher = copy(rung)
    watcher.open()
    rung.submit(values)
    row = values[1].astype(np.int64)
    row[7] = 300
    selector = keccak(b"work(uint256,bytes)")[:4]

    def relay(statement, proof, signed):
        call = {"to": rung.contract.address, "data": selector + twist(kind, rung.payload(statement, proof, signed))}
        return chain.send(call, sender=rung.worker)

    rung.relay = relay
    statement = cheat(rung, 1, row)
    assert watcher.statement == statement
    with pytest.raises(InvalidInput, match="client 1 has no row here"):
        watcher.prove_fault(1)
    watcher.submit_row(1, row)
    watcher.prove_fault(1)
    assert rung.excluded() == {1}


def test_a_statement_that_somebody_found_does_as_well(chain):
    rung, values = start(chain, 3)
    rung.open()
    rung.submit(values)
    row = values[1].astype(np.int64)
    row[7] = 300
    statement = cheat(rung, 1, row)
    with pytest.raises(InvalidInput, match="statement is 5; give what is made of a closing's points"):
        rung.prove_fault(1, statement=5)
    with pytest.raises(ContractError, match="stands: bring all of who took part"):
        rung.prove_fault(1, statement=replace(statement, scores=tuple(x + 1 for x in statement.scores)))
    rung.prove_fault(1, statement=statement)
    assert rung.excluded() == {1}


def test_a_round_that_a_member_cannot_be_in_is_not_played(chain):
    """Its stake is lost, then put down again; and it is no member until it rejoins."""
    rung, values = start(chain, 3)
    rung.open()
    rung.submit(values)
    row = values[1].astype(np.int64)
    row[7] = 300
    cheat(rung, 1, row)
    rung.prove_fault(1)
    rung._wait()
    for _ in range(2):
        before = chain.w3.eth.block_number
        with pytest.raises(InvalidInput, match=r"clients \[1\] are no members: have them deposit and rejoin"):
            rung.play(values)
        assert chain.w3.eth.block_number == before
        rung.deposit(rung.clients[1], rung.terms.stake)
    chain.send(rung.contract.functions.rejoin(), sender=rung.clients[1])
    assert rung.play(values).scores == rung.expected(values).scores


def test_a_fault_is_shown_in_the_row_of_the_statement(chain):
    """Rows of the next round are not those of a closing that a revert has brought back."""
    rung, values = start(chain, 3)
    rung.open()
    rung.submit(values)
    bring(rung, rung.state())
    before = chain.snapshot()
    rung.open()
    rung.submit(values[::-1])
    chain.revert(before)
    height = chain.w3.eth.block_number
    with pytest.raises(InvalidInput, match="row of client 0 is not what it committed to in round 1"):
        rung.prove_fault(0, 3)
    with pytest.raises(ContractError, match="which an update may have"):
        rung.prove_fault(1, 3)  # whose row is the same
    assert chain.w3.eth.block_number == height


def test_a_fault_that_is_none(chain):
    rung, values = start(chain, 4)
    with pytest.raises(InvalidInput, match="no round was closed"):
        rung.prove_fault(0, 0)
    rung.open()
    rung.submit(values)
    bring(rung, rung.state())
    for position in (0, 63):  # an entry, and padding
        with pytest.raises(ContractError, match="which an update may have"):
            rung.prove_fault(2, position)
    rung.rows[2] = rung.rows[2].astype(np.int64) + 1000  # not what it committed to
    with pytest.raises(ContractError, match="the pairing is not one"):
        rung.prove_fault(2, 3)
    rung._wait()
    chain.send(rung.contract.functions.deposit(), sender=rung.watcher, value=1)
    with pytest.raises(ContractError, match="no fault in round 1 is looked at"):
        rung.prove_fault(2, 3)


def test_the_stake_is_tied_until_the_result_is_final(chain):
    rung, values = start(chain, 4)
    available = rung.contract.functions.availableOf(rung.clients[0])
    assert available.call() == 0
    rung.open()
    rung.submit(values)
    bring(rung, rung.state())
    chain.send(rung.contract.functions.resign(), sender=rung.clients[0])
    assert available.call() == 0, "its update is in the result"
    chain.send(rung.contract.functions.rejoin(), sender=rung.clients[0])
    chain.send(rung.contract.functions.resign(), sender=rung.clients[0])
    rung._wait()
    chain.send(rung.contract.functions.deposit(), sender=rung.watcher, value=1)
    assert available.call() == rung.terms.stake


# ---------------------------------------------------------------- off chain
def test_seals_are_nobody_elses(chain):
    points = proofs.commit(SRS, np.arange(5))
    mine = relayed.seal(points, chain.accounts[0], bytes(32))
    assert mine == keccak(encode(["address", "bytes32", "bytes32"], [chain.accounts[0], bytes(32), keccak(points[0])]))
    others = (relayed.seal(points, chain.accounts[1], bytes(32)), relayed.seal(points, chain.accounts[0], b"\1" * 32))
    assert mine not in others


def test_options_that_there_are_not(chain):
    with pytest.raises(InvalidInput, match="signatures is 'rsa'; use one of bls, ecdsa"):
        start(chain, 2, signatures="rsa")
    rung, _ = start(chain, 2)
    with pytest.raises(InvalidInput, match="nobody takes part"):
        rung.work()


def test_a_round_that_is_closed_takes_no_more(chain):
    values, weights = draw_values(3, P)
    rung = RelayedRung(chain, 7, weights, P)
    rung.play(values)
    gas = rung.bill().total_gas
    for again in (lambda: rung.submit(values, [0]), rung.work):
        with pytest.raises(InvalidInput, match="call open for the next one"):
            again()
    assert rung.bill().total_gas == gas
    rung.open()
    rung.submit(values, [0])
    with pytest.raises(InvalidInput, match=r"clients \[0\] have handed in theirs already"):
        rung.submit(-values)
    assert (rung.rows[0] == values[0]).all()


def test_a_closed_round_takes_no_rows(chain):
    rung, values = start(chain, 3)
    rung.play(values)
    with pytest.raises(InvalidInput, match="open"):
        rung.submit_row(0, values[0])
    rung.open()
    rung.submit_row(0, values[0])
    assert list(rung.rows) == [0]


def test_nobody_signs_nothing():
    nobody, nothing = signing.add_keys([]), signing.add_signatures([])
    with pytest.raises(ProofError, match="the key of nobody"):
        signing.verify_signature(nobody, b"m", nothing)
    values, weights = draw_values(3, P)
    statement = proofs.state_round(
        SRS, values, weights, [f"0x{k:040x}" for k in (1, 2, 3)], chain_id=1, contract="0x" + "c0" * 20, round=1,
        sender="0x" + "d0" * 20,
    )  # fmt: skip
    with pytest.raises(ProofError, match="the key of nobody"):
        proofs.prove_round(SRS, statement, values, signature=nothing, key=nobody)


@pytest.mark.parametrize("compute", [lambda rows: proofs.rounds.compute_scores(rows, [1]), proofs.norms.compute_norms])
def test_masked_rows_are_refused(compute):
    rows = np.ones((1, 8), np.int8)
    with pytest.raises(InvalidUpdate, match="type MaskedArray"):
        compute(np.ma.masked_array(rows, rows))
