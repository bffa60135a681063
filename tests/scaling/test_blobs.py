"""Data in blobs: whoever publishes something else than it committed to is put out; and what a round costs."""

from __future__ import annotations

import doctest
import itertools
from functools import partial

import numpy as np
import pytest
from eth_utils import to_hex
from scaling.cases import assert_solvent, draw_values

from bcfl_support.errors import ContractError, InvalidInput, TransactionFailed
from bcfl_support.scaling import blobs as module
from bcfl_support.scaling import lanes
from bcfl_support.scaling.blobs import ELEMENTS, compute_opening, to_blob
from bcfl_support.scaling.ladder import start_rung


def open_element(rung, client, chunk, blob, element):
    """The watcher opens an element of a blob, whether or not it differs from what the client committed to."""
    row, place = rung.rows[client], list(rung.rows).index(client)
    shown = (lanes.chunks_of(row)[chunk], lanes.part_trees(row)[0].proof(chunk))
    opening = compute_opening(blob, element)
    call = rung.contract.functions.proveData(rung.round, rung.submissions(), place, chunk, *shown, opening)
    rung.chain.send(call, sender=rung.watcher)


def demand_data(rung, client, chunk):
    """The watcher asks a client for a chunk of what it committed to."""
    submitted = rung.contract.functions.accumulator().call()
    rung.chain.send(rung.contract.functions.demandData(rung.round, submitted, client, chunk), sender=rung.watcher)


def answer_data(rung, client, chunk):
    """Somebody who has it shows it; the fee is the client's if it is in the round to its end."""
    row, place = rung.rows[client], list(rung.rows).index(client)
    shown = (lanes.chunks_of(row)[chunk], lanes.part_trees(row)[0].proof(chunk))
    call = rung.contract.functions.answerData(rung.round, rung.submissions(), place, chunk, *shown)
    rung.chain.send(call, sender=rung.worker)


def settle_data(rung, client, chunk):
    """The fee of a question goes to whom it is due."""
    rung.chain.send(rung.contract.functions.settleData(rung.round, client, chunk), sender=rung.watcher)


def expire_data(rung, client, chunk):
    """The watcher states that the client has not shown it in time."""
    rung.chain.send(rung.contract.functions.expireData(rung.round, client, chunk), sender=rung.watcher)


@pytest.fixture(scope="module")
def in_blobs(chain):
    """A rung 4 with three clients. Client 1's blob differs from what it committed to in one byte of chunk 1."""
    values, weights = draw_values(3, 2100, seed=6)
    rung = start_rung(chain, 4, weights, 2100)
    rung.open()
    rung.submit(values, [2, 0])
    row = lanes.pack(values[1])
    published = bytearray(to_blob(lanes.chunks_of(row)))
    published[32 * (34 + 20) + 5] ^= 1
    rung.submit_row(1, row, [bytes(published)])
    return rung, values, bytes(published)


@pytest.fixture
def blobs(chain, in_blobs):
    before = chain.snapshot()
    yield in_blobs
    chain.revert(before)


def test_blob_that_differs_puts_its_client_out(blobs):
    rung, values, published = blobs
    rung.propose(rung.honest_tree())
    before = rung.get_deposit(rung.watcher)
    rung.prove_data(1, 1, published)
    assert rung.phase == "Open"
    assert rung.contract.functions.excluded().call() == 0b010
    assert rung.get_deposit(rung.clients[1]) == 0
    assert rung.get_deposit(rung.watcher) == before + rung.terms.stake // 2
    assert rung.get_available(rung.worker) == rung.terms.bond, "it proposed in good faith"
    with pytest.raises(ContractError, match="RungNotInRound"):
        rung.prove_data(1, 1, published)
    rung.work(values)
    exact = rung.expected(values, [0, 2])
    assert exact.scores[1] == 0
    assert bytes(rung.contract.functions.resultDigest().call()) == rung.result_digest(exact)
    assert_solvent(rung)


def test_fraud_is_caught_with_a_client_put_out(blobs):
    rung, values, published = blobs
    rung.prove_data(1, 1, published)
    with_all = rung.expected(values)
    rung.propose(lanes.SumTree(with_all.chunk_hashes(), with_all.chunk_scores))
    rung.prove_chunk(0)
    assert rung.phase == "Open"
    assert rung.get_deposit(rung.worker) == 0
    assert_solvent(rung)


def test_honest_client_keeps_its_stake(blobs):
    rung, values, published = blobs
    blob = to_blob(lanes.chunks_of(lanes.pack(values[0])))
    with pytest.raises(ValueError, match="chunk 1 of client 0 is what its blob holds"):
        rung.prove_data(0, 1, blob)
    for element in (34, 34 + 33):
        with pytest.raises(ContractError, match="RungDataAgree"):
            open_element(rung, 0, 1, blob, element)
    for wrong, element in ((published, 34 + 20), (blob, 68 + 33)):
        with pytest.raises(ContractError, match="RungBadOpening"):
            open_element(rung, 0, 1, wrong, element)
    with pytest.raises(ContractError, match="Panic"):
        open_element(rung, 0, 1, blob, 33)
    demand_data(rung, 0, 2)
    assert_solvent(rung, fees=1)
    with pytest.raises(ContractError, match="RungAnswerDue"):
        expire_data(rung, 0, 2)
    with pytest.raises(ContractError, match="RungDemandLive"):
        settle_data(rung, 0, 2)
    rung.propose(rung.honest_tree())
    with pytest.raises(ContractError, match=r"RungChallengeOpen: .* \(now 1\)"):
        rung.chain.send(rung.contract.functions.finalize(rung.round), sender=rung.worker)
    answer_data(rung, 0, 2)
    rung.finalize()
    assert_solvent(rung, fees=1)
    settle_data(rung, 0, 2)
    available = rung.get_available(rung.clients[0])
    assert available == rung.terms.stake + rung.terms.fee, "the stake, and the fee for the answer"
    assert_solvent(rung)


def test_only_whose_turn_it_is_may_publish(blobs):
    rung, values, _ = blobs
    row = lanes.pack(values[0])
    again = rung.contract.functions.submit(rung.round, b"".join(tree.root for tree in lanes.part_trees(row)))
    blob = to_blob(lanes.chunks_of(row))
    with pytest.raises(TransactionFailed, match="failed: Rung"):
        rung._call("submit", again, rung.clients[0], partial(module.send_blobs, rung.chain, blobs=[blob]))
    for call in (lambda: rung.submit(values, [0]), lambda: rung.submit_row(0, row)):
        with pytest.raises(InvalidInput, match=r"clients \[0\] have submitted to round 1 already"):
            call()


def test_data_shown_late_are_not_taken(blobs):
    rung, _, _ = blobs
    demand_data(rung, 0, 2)
    rung.chain.advance_time(rung.terms.window_seconds)
    with pytest.raises(ContractError, match="RungAnswerLate: the answer was due"):
        answer_data(rung, 0, 2)
    expire_data(rung, 0, 2)
    assert rung.contract.functions.excluded().call() == 0b001


def test_a_question_names_the_submissions_it_is_about(blobs):
    """Others may be in their place when the chain is reorganized; nobody pays for data of those."""
    rung, _, _ = blobs
    other = rung.contract.functions.demandData(rung.round, bytes([7] * 32), 1, 0)
    with pytest.raises(ContractError, match="RungOtherSubmissions: the question is about submissions 0x0707"):
        rung.chain.send(other, sender=rung.watcher)


def test_who_is_out_earns_no_fee(blobs):
    """It answered, then showed its own blob: the fee goes back to who asked."""
    rung, _, published = blobs
    before = rung.get_deposit(rung.watcher)
    demand_data(rung, 1, 0)
    answer_data(rung, 1, 0)
    rung.prove_data(1, 1, published)
    settle_data(rung, 1, 0)
    assert rung.get_deposit(rung.clients[1]) == 0
    assert rung.get_deposit(rung.watcher) == before + rung.terms.stake // 2
    assert_solvent(rung)


def read_submissions(rung):
    """All submissions of the first round, from the contract's logs alone; a submission of one part each."""
    submitted, sent = rung.contract.events.Submitted().topic, rung.contract.events.Sent().topic
    logs = rung.chain.w3.eth.get_logs({"address": rung.contract.address, "fromBlock": 0})
    assert not any(log["topics"] and to_hex(log["topics"][0]) == sent for log in logs), "one part each"
    pairs = itertools.pairwise(logs)
    found = [(log, after) for log, after in pairs if not log["topics"]]
    assert all(to_hex(after["topics"][0]) == submitted for _, after in found)
    return [
        (int.from_bytes(after["topics"][2], "big"), [bytes(log["data"][:32])], [bytes(log["data"][32:])])
        for log, after in found
    ]


def test_submissions_are_read_from_the_log(blobs):
    """Whoever answers or proves anything brings everybody's: no transaction has to be looked into."""
    rung, _, _ = blobs
    assert read_submissions(rung) == rung.submissions()
    demand_data(rung, 0, 1)
    before = rung.chain.w3.eth.block_number + 1
    answer_data(rung, 0, 1)
    [answer] = rung.chain.events(rung.contract.events.DataAnswered, before)
    assert answer["args"]["data"] == lanes.chunks_of(rung.rows[0])[1]
    assert answer["args"]["proof"] == lanes.part_trees(rung.rows[0])[0].proof(1), "siblings, for who searches"


def test_withheld_data_put_their_client_out(blobs):
    """Nobody can show a chunk of a commitment that is none: the demand expires, the round goes on without."""
    rung, values, _ = blobs
    demand_data(rung, 1, 0)
    demand_data(rung, 1, 2)
    rung.propose(rung.honest_tree())
    rung.chain.advance_time(rung.terms.window_seconds + 1)
    expire_data(rung, 1, 0)
    assert rung.phase == "Open"
    assert rung.get_available(rung.worker) == rung.terms.bond
    settle_data(rung, 1, 2)
    rung.work(values)
    assert bytes(rung.contract.functions.resultDigest().call()) == rung.result_digest(rung.expected(values, [0, 2]))
    assert_solvent(rung)


def test_stakes_and_bonds_come_back(blobs):
    rung, values, _ = blobs
    functions, client = rung.contract.functions, rung.clients[0]
    with pytest.raises(ContractError, match="RungShortDeposit"):
        rung.chain.send(functions.withdraw(1), sender=client)
    rung.work(values)
    rung.chain.send(functions.withdraw(rung.terms.stake), sender=client)
    rung.chain.send(functions.withdraw(rung.terms.bond), sender=rung.worker)
    assert rung.get_deposit(client) == rung.get_deposit(rung.worker) == 0
    assert_solvent(rung)


def test_blob_rounds_cost_the_same_at_any_size(chain):
    """Gas is linear in n and does not depend on P, so two small rounds say what ten clients cost."""
    gas = {}
    for n, parameters in ((1, 40), (2, 40), (1, 3000)):
        values, weights = draw_values(n, parameters)
        gas[n, parameters] = start_rung(chain, 4, weights, parameters).play(values).total_gas
    slope = gas[2, 40] - gas[1, 40]
    assert gas[1, 40] + 9 * slope <= 630_000
    assert abs(gas[1, 3000] - gas[1, 40]) < 1000


def from_blob(blob, chunk, length):
    """The bytes of one chunk of a part, read from its blob."""
    start = 32 * ELEMENTS * chunk
    elements = (blob[at : at + 32] for at in range(start, start + 32 * ELEMENTS, 32))
    return b"".join(element[1:] for element in elements)[:length]


def test_blob_holds_the_chunks():
    rng = np.random.default_rng(0)
    chunks = [rng.integers(0, 256, size, dtype=np.uint8).tobytes() for size in (1024, 1024, 64)]
    blob = to_blob(chunks)
    assert [from_blob(blob, c, len(chunk)) for c, chunk in enumerate(chunks)] == chunks
    assert all(blob[k] == 0 for k in range(0, len(blob), 32)), "each element is below the field's order"
    with pytest.raises(InvalidInput, match="121 chunks"):
        to_blob([b""] * 121)


def test_examples_in_the_documentation():
    assert doctest.testmod(module).failed == 0
