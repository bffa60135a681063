"""Rung 8, both ways: each commitment is that of a blob which was there, and the rest is as on rungs 7 and 6."""

from __future__ import annotations

import doctest
import hashlib
from copy import copy
from dataclasses import replace

import ckzg
import numpy as np
import pytest
from eth_abi import encode
from eth_utils import keccak
from py_arkworks_bls12381 import G1Point
from scaling.cases import assert_solvent, draw_values
from scaling.proofs.cases import lie, toy

from bcfl_support.chain import OSAKA
from bcfl_support.errors import ContractError, InvalidInput, ServiceError, TransactionFailed
from bcfl_support.scaling import available, ladder, proof_gas, proofs
from bcfl_support.scaling.available import AvailableRung, RevealedRung, vector_to_blob
from bcfl_support.scaling.proofs import setup
from bcfl_support.scaling.proofs.signing import add_keys

P = 30


def test_examples_in_the_documentation():
    assert doctest.testmod(available).failed == 0


@pytest.mark.parametrize("size", [1, 3, 4095, 4096])
def test_a_blob_has_its_updates_commitment(size):
    """By c-kzg, which knows nothing of how updates are committed to."""
    row = draw_values(1, size, size)[0][0]
    [point] = proofs.commit(proofs.ethereum_setup(), row)
    found = ckzg.blob_to_kzg_commitment(vector_to_blob(row), proofs.ethereum_setup().kzg)
    assert G1Point.from_xy_bytes_be(point).to_compressed_bytes() == found


def test_a_blob_that_is_too_long():
    with pytest.raises(InvalidInput, match="4,097 entries; a blob has 4,096 elements"):
        vector_to_blob(np.zeros(4097, dtype=np.int8))


# ---------------------------------------------------------------- by a relayer
@pytest.fixture(scope="module")
def relayed(chain):
    values, weights = draw_values(3, P)
    rung = ladder.start_rung(chain, 8, weights, P)
    rung.play(values[:, ::-1].copy())
    rung.open()
    rung.submit(values)
    return rung


@pytest.fixture
def rung(chain, relayed):
    snapshot = chain.snapshot()
    yield relayed
    chain.revert(snapshot)


def bring(rung, statement=None, **options):
    statement = statement or rung.state()
    signature, signed = rung.sign(statement)
    proof = lie(rung.setup, statement, np.stack(list(rung.rows.values())), signature=signature)
    return rung.relay(statement, proof, signed, **options)


@pytest.mark.parametrize("signatures", ["bls", "ecdsa"])
@pytest.mark.parametrize("n", [1, 4])
def test_rounds_are_those_of_the_other_rungs(chain, n, signatures):
    values, weights = draw_values(n, P)
    values[n // 2] = 0  # whose commitment is the point at infinity
    rung = AvailableRung(chain, 8, weights, P, signatures=signatures)
    bill = rung.play(values)
    exact = rung.expected(values)
    assert bill.scores == exact.scores and bill.result_digest == rung.result_digest(exact)
    assert (bill.transactions, bill.blobs, list(bill.gas)) == (1, n, ["relay"])


def test_the_blobs_are_on_the_transaction(rung):
    receipt = bring(rung)
    sent = rung.chain.w3.eth.get_transaction(receipt["transactionHash"])
    compressed = [G1Point.from_xy_bytes_be(rung.points[i][0]).to_compressed_bytes() for i in range(3)]
    names = [b"\x01" + hashlib.sha256(bytes(point)).digest()[1:] for point in compressed]
    assert [bytes(name) for name in sent["blobVersionedHashes"]] == names


def test_other_blobs_are_refused(rung):
    own = [vector_to_blob(rung.rows[i]) for i in range(3)]
    natural = b"".join((int(v) % proofs.polynomials.R).to_bytes(32, "big") for v in rung.rows[1]).ljust(131_072, b"\0")
    changed = vector_to_blob(rung.rows[1][::-1])
    for blobs in (own[::-1], own[:2], [own[0], natural, own[2]], [own[0], changed, own[2]], own[1:] + own[:1]):
        with pytest.raises(TransactionFailed, match="has the name"):
            bring(rung, blobs=blobs)
    bring(rung, blobs=[*own, changed])  # one more than needed harms nobody


def test_the_other_sign_is_another_point(rung):
    """−C has the same x, and is not the blob's: everybody signed it, the proof is for it."""
    true = rung.state()
    point = setup.encode_point(-setup.decode_point("C", true.commitments[0][0]))
    with pytest.raises(TransactionFailed, match="blob 0 has the name"):
        bring(rung, replace(true, commitments=((point,), *true.commitments[1:])))


def test_a_wrong_score(rung):
    true = rung.state()
    with pytest.raises(TransactionFailed, match="the pairing is not one"):
        bring(rung, replace(true, scores=(true.scores[0] + 1, *true.scores[1:])))


def test_who_is_absent_has_no_blob(chain):
    values, weights = draw_values(4, P)
    rung = AvailableRung(chain, 8, weights, P)
    rung.open()
    rung.submit(values, [0, 2, 3])
    rung.work()
    assert rung.bill().blobs == 3 and rung.bill().scores == rung.expected(values, [0, 2, 3]).scores


def test_a_relayer_publishes_no_more_than_its_statement_says(chain):
    """The blobs are those of who takes part, and of nobody whom it does without."""
    values, weights = draw_values(4, P)
    rung = AvailableRung(chain, 8, weights, P)
    rung.open()
    rung.submit(values)
    for chosen in ([0, 1, 2], [0, 2, 3]):
        before, statement = chain.snapshot(), rung.state(chosen)
        signature, signed = rung.sign(statement)
        key = add_keys([rung.keys[i].public for i in chosen])
        proof = proofs.prove_round(rung.setup, statement, values[chosen], signature=signature, key=key)
        rung.relay(statement, proof, signed)
        rung._wait()
        assert rung.bill().blobs == 3 and rung.bill().scores == rung.expected(values, chosen).scores
        chain.revert(before)


def test_a_refused_closing_is_on_the_bill(chain):
    """With its gas and its blobs, which are paid for."""
    values, weights = draw_values(3, P)
    rung = AvailableRung(chain, 8, weights, P)
    rung.open()
    rung.submit(values)
    chain.send(rung.contract.functions.resign(), sender=rung.clients[2])
    with pytest.raises(TransactionFailed, match=r"work was mined in block .* client 2 is no member"):
        rung.work()
    refused = rung.bill()
    assert refused.transactions == 1 and refused.blobs == 3 and refused.gas["relay"] > 50_000
    chain.send(rung.contract.functions.rejoin(), sender=rung.clients[2])
    rung.work()
    bill = rung.bill()
    assert bill.transactions == 2 and bill.blobs == 6 and bill.gas["relay"] > 2 * refused.gas["relay"]


def test_known_limit_resigning_costs_the_relayer_its_blobs(chain):
    """In front of its transaction, which is refused, and paid for with all six blobs."""
    values, weights = draw_values(6, P)
    rung = AvailableRung(chain, 8, weights, P)
    rung.play(values)
    rung.open()
    rung.submit(values)
    functions, client = rung.contract.functions, rung.clients[5]
    resigned = chain.send(functions.resign(), sender=client)
    with pytest.raises(TransactionFailed, match="client 5 is no member"):
        rung.work()
    refused = chain.w3.eth.get_transaction_receipt(chain.w3.eth.get_block("latest")["transactions"][0])
    rejoined = chain.send(functions.rejoin(), sender=client)
    assert refused["blobGasUsed"] == 6 * 131_072 and refused["status"] == 0
    spent = resigned["gasUsed"], rejoined["gasUsed"], refused["gasUsed"]
    assert spent == pytest.approx((46_883, 27_386, 84_290), rel=0.02)
    rung.work()
    assert rung.scores() == rung.expected(values).scores


@pytest.mark.parametrize("cls", [AvailableRung, RevealedRung])
def test_what_cannot_be_deployed(chain, cls):
    for parameters, options, reason in (
        (P, {"setup": toy(6)}, "deploy with Ethereum's"),
        (4097, {}, "parameters: 4,097"),
    ):
        with pytest.raises(ContractError, match=reason):
            cls(chain, 8, [1, 2], parameters, **options)


def test_how_many_there_may_be(chain):
    with pytest.raises(ContractError, match="clients: 7"):
        AvailableRung(chain, 8, [1] * 7, P)
    with pytest.raises(InvalidInput, match="rung 8 takes at most 6"):
        ladder.start_rung(chain, 8, [1] * 7, P)
    with pytest.raises(InvalidInput, match="rung 8 takes at most 0"):
        ladder.start_rung(chain, 8, [1], 4097)


# ---------------------------------------------------------------- by each client
@pytest.fixture(scope="module")
def sealed(chain):
    """Three clients' seals, in a second round."""
    values, weights = draw_values(3, P)
    rung = RevealedRung(chain, 8, weights, P)
    rung.play(values[:, ::-1].copy())
    rung.open()
    rung.submit(values)
    return rung


@pytest.fixture
def apart(chain, sealed):
    snapshot = chain.snapshot()
    yield copy(sealed)
    chain.revert(snapshot)


@pytest.mark.parametrize("n", [1, 3])
def test_rounds_by_each_client(chain, n):
    values, weights = draw_values(n, P)
    values[n // 2] = 0
    rung = RevealedRung(chain, 8, weights, P)
    for played in (values, values[::-1].copy()):
        bill = rung.play(played)
        exact = rung.expected(played)
        assert bill.scores == exact.scores and bill.result_digest == rung.result_digest(exact)
        assert (bill.transactions, bill.blobs, list(bill.gas)) == (2 * n + 1, n, ["submit", "reveal", "prove"])
    rung.chain.send(rung.contract.functions.finalize(2), sender=rung.worker)
    assert bytes(rung.contract.functions.resultDigest().call()) == bill.result_digest and rung.phase == "Idle"


def test_nothing_is_known_before_the_first_round(chain):
    rung = RevealedRung(chain, 8, [1, 2], P)
    functions = rung.contract.functions
    assert functions.resultDigest().call() == functions.proposedDigest().call() == bytes(32)
    assert functions.excluded().call() == functions.revealed().call() == 0
    with pytest.raises(ContractError, match="phase Idle"):
        rung.chain.send(functions.submit(0, bytes(32)), sender=rung.clients[0])
    with pytest.raises(ContractError, match="meant for round 2"):
        rung.chain.send(functions.submit(2, bytes(32)), sender=rung.clients[0])


def test_a_seal_is_opened_by_its_blob(apart):
    with pytest.raises(TransactionFailed, match="blob 0 has the name"):
        apart.bring(0, vector_to_blob(apart.rows[1]))
    apart.salts[0], salt = bytes(32), apart.salts[0]
    with pytest.raises(TransactionFailed, match="what client 0 opens"):
        apart.bring(0)
    apart.salts[0] = salt
    call = apart.contract.functions.bring(apart.round, salt, apart.points[0][0])
    with pytest.raises(ContractError, match="blob 0 has the name 0x0000"):
        apart.chain.send(call, sender=apart.clients[0])
    with pytest.raises(ContractError, match="what client 1 opens"):
        apart.chain.send(call, sender=apart.clients[1])
    with pytest.raises(ContractError, match="not one of the clients"):
        apart.chain.send(call, sender=apart.watcher)
    with pytest.raises(ContractError, match="opened together with their blobs"):
        apart.reveal([0])
    apart.bring(0)
    assert apart.contract.functions.revealed().call() == 0b001


def test_a_proof_waits_for_every_blob(apart):
    apart.bring(0)
    apart.bring(2)
    statement = apart.state()
    proof = lie(apart.setup, statement, np.stack(list(apart.rows.values())))
    with pytest.raises(TransactionFailed, match="the clients 0b10, a bit each, have not opened"):
        apart.prove(statement, proof)
    apart.bring(1)
    apart.prove(statement, proof)


def test_who_withholds_its_blob_is_out(apart):
    values = np.stack(list(apart.rows.values()))
    apart.bring(0)
    apart.bring(2)
    apart.chain.advance_time(apart.terms.reveal_seconds + apart.terms.submit_seconds)
    with pytest.raises(TransactionFailed, match="seals could be opened until"):
        apart.bring(1)
    assert apart.present() == [0, 2]
    apart.work()
    assert apart.bill().scores == apart.expected(values, [0, 2]).scores


def test_a_client_is_neither_counted_nor_put_out(apart):
    """It seals its commitment but for y's last bit, and brings its true blob: y is in the same half, the name the same.
    If that opened the seal, every proof and every fault would end at the point, and the round with it.
    """
    values = np.stack(list(apart.rows.values()))
    apart.chain.advance_time(apart.terms.submit_seconds + apart.terms.work_seconds)
    apart.chain.send(apart.contract.functions.openRound(), sender=apart.watcher)
    number, functions = apart.round, apart.contract.functions
    for i in range(3):
        seal = apart.seal(i, values[i], number)
        if i == 1:
            [true] = apart.points[1]
            apart.points[1] = (true[:-1] + bytes([true[-1] ^ 1]),)
            where = [31337, apart.contract.address, number, apart.clients[1], apart.salts[1], apart.digest(1)]
            seal = keccak(encode(["uint256", "address", "uint256", "address", "bytes32", "bytes32"], where))
        apart.chain.send(functions.submit(number, seal), sender=apart.clients[i])
    apart.bring(0)
    with pytest.raises(TransactionFailed, match="no point of the curve"):
        apart.bring(1)
    apart.bring(2)
    assert functions.revealed().call() == 0b101
    apart.chain.advance_time(apart.terms.reveal_seconds + apart.terms.submit_seconds)
    apart.work()
    assert apart.scores() == apart.expected(values, [0, 2]).scores


def test_what_is_final_stays(apart):
    """A fault that is shown in time fells the result; after the window it does not."""
    row = apart.rows[1].astype(np.int64)
    row[3] = 500
    apart.chain.advance_time(apart.terms.submit_seconds + apart.terms.work_seconds)
    apart.chain.send(apart.contract.functions.openRound(), sender=apart.watcher)
    number, rows = apart.round, dict(apart.rows) | {1: row}
    for i in range(3):
        call = apart.contract.functions.submit(number, apart.seal(i, rows[i]))
        apart.chain.send(call, sender=apart.clients[i])
    for i in range(3):
        apart.bring(i)
    updates = np.stack([rows[i].astype(np.int64) for i in range(3)])
    sums = np.array(apart.weights) @ updates
    scores = tuple(int(w * (v @ sums)) for w, v in zip(apart.weights, updates, strict=True))
    apart.rows = {i: np.zeros(P, dtype=np.int8) for i in range(3)}
    statement = replace(apart.state(), scores=scores)
    apart.rows = rows
    apart.prove(statement, lie(apart.setup, statement, updates))
    snapshot = apart.chain.snapshot()
    apart.prove_fault(1)
    assert apart.phase == "Open" and apart.contract.functions.excluded().call() == 0b010
    assert_solvent(apart)
    apart.chain.revert(snapshot)
    apart.finalize()
    assert apart.phase == "Idle"
    with pytest.raises(ContractError, match="phase Idle"):
        apart.prove_fault(1)


def test_a_round_without_a_result_is_left_behind(chain):
    """Everybody seals, nobody brings its blob in time: the next round is opened, and ends."""
    values, weights = draw_values(3, P)
    rung = RevealedRung(chain, 8, weights, P)
    rung.open()
    rung.submit(values)
    with pytest.raises(ContractError, match="the round may be given up for a new one at time"):
        rung.open()
    rung.bring(0)  # what was refused has dropped nothing
    chain.advance_time(rung.terms.submit_seconds + rung.terms.work_seconds)
    with pytest.raises(InvalidInput, match=r"clients \[0, 1, 2\] have submitted to round 1 already"):
        rung.submit(values)
    bill = rung.play(values[::-1])
    assert rung.round == 2 and bill.scores == rung.expected(values[::-1]).scores
    assert list(bill.gas) == ["open", "submit", "reveal", "prove"] and bill.transactions == 8
    assert all(rung.get_available(client) == rung.terms.stake for client in rung.clients)
    assert rung.play(values).scores == rung.expected(values).scores and rung.round == 3


def test_a_running_round_is_not_begun_anew(chain):
    """Nothing that is kept of it is dropped; and a blob that was refused is on its bill."""
    values, weights = draw_values(3, P)
    rung = RevealedRung(chain, 8, weights, P)
    rung.open()
    rung.submit(values)
    rows, salts, bill = rung.rows, rung.salts, rung.bill()
    for start in (rung.open, lambda: rung.play(values[::-1])):
        with pytest.raises(ContractError, match="the round may be given up for a new one at time"):
            start()
    assert rung.rows is rows and rung.salts is salts and rung.bill() == bill and len(rows) == 3
    with pytest.raises(TransactionFailed, match="blob 0 has the name"):
        rung.bring(0, vector_to_blob(values[1]))
    refused = rung.bill()
    assert (refused.transactions, refused.blobs) == (bill.transactions + 1, 1) and refused.gas["reveal"] > 21_000
    rung.work()
    assert rung.bill().blobs == 4 and rung.scores() == rung.expected(values).scores


def test_what_is_said_before_the_first_seal_is_of_the_round_it_opens(chain):
    values, weights = draw_values(3, P)
    rung = RevealedRung(chain, 8, weights, P)
    for played in (values, values[::-1]):
        rung.open()
        expected, sent = rung.result_digest(rung.expected(played)), rung.seal(0, played[0])
        chain.send(rung.contract.functions.submit(rung.round + 1, sent), sender=rung.clients[0])
        rung.submit(played, [1, 2])
        rung.work()
        assert rung.bill().result_digest == expected == rung.result_digest(rung.expected(played))
    rung.submit(values)  # without `open`: the next round's
    rung.work()
    assert rung.round == 3 and rung.bill().transactions == 7 and rung.bill().scores == rung.expected(values).scores


# ---------------------------------------------------------------- gas
def test_gas_by_the_accounts_signatures(chain):
    values, weights = draw_values(4, 4096)
    bill = AvailableRung(chain, 8, weights, 4096, signatures="ecdsa").play(values)
    assert proof_gas.available(4, 4096, OSAKA, ecdsa=True).total_gas == pytest.approx(bill.total_gas, rel=0.003)


@pytest.mark.parametrize(("cls", "most"), [(AvailableRung, 400_000), (RevealedRung, 750_000)])
def test_a_round_of_five(chain, cls, most):
    """First and later rounds, everything but what it takes to join; blob gas apart."""
    values, weights = draw_values(5, 4096)
    rung = cls(chain, 8, [w // 3 + 1 for w in weights], 4096)
    for _ in range(3):
        bill = rung.play(values)
        assert bill.total_gas <= most and bill.blobs == 5
        predicted = cls.gas(5, 4096, OSAKA)
        assert predicted.total_gas == pytest.approx(bill.total_gas, rel=0.03)
        assert (predicted.transactions, predicted.blobs) == (bill.transactions, bill.blobs)
        assert predicted.max_calldata_bytes == pytest.approx(bill.max_calldata_bytes, rel=0.03)
        assert {name: pytest.approx(gas, rel=0.05) for name, gas in predicted.gas.items()} == bill.gas


def test_seals_bind_the_round(chain):
    rung = RevealedRung(chain, 8, [1, 2], P)
    row = draw_values(1, P)[0][0]
    assert rung.seal(0, row, 1) != rung.seal(0, row, 2)
    types = ["uint256", "address", "uint256", "address", "bytes32", "bytes32"]
    where = [31337, rung.contract.address, 2, rung.clients[0], rung.salts[0], keccak(rung.points[0][0])]
    assert rung.seal(0, row, 2) == keccak(encode(types, where))


def test_a_round_without_a_result_waits_for_none(chain):
    values, weights = draw_values(2, 40)
    rung = RevealedRung(chain, 8, weights, 40)
    rung.open()
    rung.submit(values)
    before = chain.timestamp
    with pytest.raises(InvalidInput, match="round 1 has no result that could be final: prove it first"):
        rung.finalize()
    assert chain.timestamp == before
    rung.work()
    assert rung.scores() == rung.expected(values).scores


@pytest.mark.parametrize("row", [[1.5, 2], ["1"], None, 3, np.zeros((2, 2), int), [float("nan")]], ids=str)
def test_a_blob_is_of_whole_numbers(row):
    with pytest.raises(InvalidInput, match="row is"):
        vector_to_blob(row)


def test_what_is_no_blob_is_not_sent(rung, apart):
    before = rung.chain.w3.eth.block_number
    for blobs in ([b"x"], b"x" * 131_072, [None], 3, [bytes(131_073)]):
        with pytest.raises(InvalidInput, match="blobs"):
            bring(rung, blobs=blobs)
    with pytest.raises(InvalidInput, match="blobs has another length than 131,072 bytes"):
        apart.bring(0, b"x")
    assert rung.chain.w3.eth.block_number == before


def test_a_foreign_chain_is_told_of_before_a_deployment(chain, monkeypatch):
    before = chain.w3.eth.block_number
    monkeypatch.setattr(chain, "local", False)
    for kind in (AvailableRung, RevealedRung):
        with pytest.raises(ServiceError, match="we cannot sign blobs"):
            kind(chain, 8, [1, 2], P)
    assert chain.w3.eth.block_number == before
