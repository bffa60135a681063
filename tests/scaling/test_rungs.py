"""Rungs 0 to 2, and what all rungs have in common: limits, bills, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest
from eth_abi import encode
from eth_utils import keccak
from scaling.cases import draw_round, draw_values

from bcfl_support.chain import load_artifact
from bcfl_support.chain.reverts import RevertDecoder
from bcfl_support.errors import ContractError, InvalidInput, InvalidUpdate, ServiceError, TransactionFailed
from bcfl_support.scaling import lanes, proofs
from bcfl_support.scaling.available import RevealedRung
from bcfl_support.scaling.ladder import RUNGS, start_rung
from bcfl_support.scaling.proofs.signing import add_keys
from bcfl_support.scaling.relayed import RelayedRung
from bcfl_support.scaling.rungs import EXPLANATIONS, Rung
from bcfl_support.scaling.sparse import sparsify


def test_what_went_through_beside_a_refused_call_is_on_the_bill(chain):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 1, weights, 40)
    rung.open()
    submit = [(rung.contract.functions.submit(1, lanes.pack(row)), rung.clients[i]) for i, row in enumerate(values)]
    with pytest.raises(TransactionFailed, match="failed: Rung"):
        rung._send("submit", [submit[1], *submit])
    bill = rung.bill()
    receipts = [chain.w3.eth.get_transaction_receipt(entry.transaction) for entry in rung.ledger.entries]
    assert bill.transactions == 5 and [receipt["status"] for receipt in receipts] == [1, 1, 1, 0, 1]
    assert bill.total_gas == sum(receipt["gasUsed"] for receipt in receipts)


def test_values_of_another_shape_are_named(chain):
    rung = start_rung(chain, 1, [1], 10)
    with pytest.raises(InvalidUpdate, match=r"shape \(1, 11\), this rung takes \(1, 10\)"):
        rung.submit(np.zeros((1, 11), dtype=np.int8))


@pytest.mark.parametrize("number", range(len(RUNGS)))
def test_what_cannot_be_played_opens_no_round(chain, number):
    values, weights = draw_round(number, 2, 40)
    rung = start_rung(chain, number, weights, 40)
    for wrong in (values.astype(float), values * 0.5, values.astype(np.int64), values.tolist()):
        with pytest.raises(InvalidUpdate, match="the chain takes int8: round the updates to steps first"):
            rung.play(wrong)
    with pytest.raises(InvalidUpdate, match=r"shape \(2, 39\)"):
        rung.play(values[:, 1:])
    assert rung.phase == ("Open" if isinstance(rung, RelayedRung) else "Idle")  # there a round is always open
    assert rung.play(values).scores == rung.expected(values).scores


@pytest.mark.parametrize("number", [1, 3, 4])
@pytest.mark.parametrize("clients", [[0, -1], [0, 2], [0.0], [True]])
def test_clients_that_there_are_not(chain, number, clients):
    values, weights = draw_values(2, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    with pytest.raises(
        InvalidInput, match=r"clients is \[.*\]: a client is named by its index; choose it whole, in \[0, 1\]"
    ):
        rung.submit(values, clients)
    assert not getattr(rung, "rows", {}) and len(rung.ledger.entries) == 1
    with pytest.raises(InvalidInput, match="clients is"):
        rung.expected(values, clients)


def test_no_bill_before_a_round(chain):
    with pytest.raises(
        InvalidInput, match="nothing was sent in this round, or a revert has undone it: there is no bill"
    ):
        start_rung(chain, 1, [1], 10).bill()


def test_every_error_has_its_sentence_and_every_sentence_its_error():
    classes = (*RUNGS, RevealedRung)
    errors = [each for rung in classes for each in load_artifact(rung.artifact).abi if each["type"] == "error"]
    assert set(EXPLANATIONS) == {error["name"] for error in errors}
    decoder = RevertDecoder()
    decoder.register(errors)
    decoder.explain(EXPLANATIONS)
    some = {"address": "0x" + "00" * 20, "bytes32": bytes(32), "string": "x"}
    for error in errors:
        types = [part["type"] for part in error["inputs"]]
        data = keccak(text=f"{error['name']}({','.join(types)})")[:4]
        data += encode(types, [some.get(each, 1) for each in types])
        text = str(decoder.decode(data))
        assert text.startswith(f"{error['name']}: ") and "=" not in text, text


@pytest.mark.parametrize(
    ("number", "terms", "message"),
    [
        (3, {"work_seconds": 259_199}, "RungBadConfig: workSeconds: 259,199, which no rung can be deployed with"),
        (3, {"fee": 0}, "RungBadConfig: fee: 0,"),
        (3, {"bond": 0}, "RungBadConfig: bond: 0,"),
        (4, {"work_seconds": 345_599}, "RungBadConfig: workSeconds: 345,599, which no rung can be deployed with"),
        (4, {"stake": 0}, "RungBadConfig: stake: 0,"),
    ],
)
def test_terms_the_contracts_refuse_are_refused_in_words(chain, monkeypatch, number, terms, message):
    monkeypatch.setattr(RUNGS[number], "terms", replace(RUNGS[number].terms, **terms))
    with pytest.raises(ContractError, match=message):
        start_rung(chain, number, [1, 1], 40)


def test_a_value_that_is_no_step_is_refused(chain):
    rung = start_rung(chain, 0, [1], 3)
    rung.open()
    payload = encode(["int256[]"], [[0, 10**18, 129 * 10**18]])
    with pytest.raises(ContractError, match=r"RungBadValue: entry 2 is 129,000,000,000,000,000,000, which is not v"):
        chain.send(rung.contract.functions.submit(rung.round, payload), sender=rung.clients[0])


def test_a_rung_that_a_revert_has_undone_says_so(chain):
    before = chain.snapshot()
    old = start_rung(chain, 1, [1, 2, 3], 64)
    chain.revert(before)
    start_rung(chain, 1, [30, 2, 1], 64)  # at the same address
    with pytest.raises(InvalidInput, match=r"this rung was deployed in block .* deploy another with start_rung"):
        old.play(np.ones((3, 64), dtype=np.int8))


def test_numbers_of_numpy_start_a_rung(chain):
    rung = start_rung(chain, np.int64(1), np.array([1, 2]), np.int64(64))
    assert type(rung.number) is type(rung.parameters) is int
    for weights, message in ((5, "weights is 5: give a list"), ([[1, 2], [3, 4]], "weight of client 0 is")):
        with pytest.raises(InvalidInput, match=message):
            start_rung(chain, 1, weights, 64)


def values_for(number, n, parameters):
    values, weights = draw_values(n, parameters, seed=3)
    return (sparsify(values.astype(float), step=1.0) if number == 5 else values), weights


@pytest.mark.parametrize("number", range(len(RUNGS)))
def test_a_table_of_pandas_is_submitted_by_rows(chain, number):
    values, weights = values_for(number, 3, 3)
    rung = start_rung(chain, number, weights, 3)
    assert rung.play(pandas.DataFrame(values)).scores == rung.expected(pandas.DataFrame(values)).scores
    assert rung.scores() == lanes.compute_round(values, weights).scores


@pytest.mark.parametrize("number", range(len(RUNGS)))
def test_what_was_submitted_first_stands(chain, number):
    """A second submission is refused before it overwrites anything, and the caller's array may change meanwhile."""
    values, weights = values_for(number, 3, 40)
    rung, given = start_rung(chain, number, weights, 40), values.copy()
    expected = lanes.compute_round(values, weights).scores
    rung.open()
    rung.submit(given, [0])
    if number not in (7, 8):  # whose relayer takes another row until the round is closed
        with pytest.raises(InvalidInput, match=r"clients \[0\] have submitted to round 1 already: give the others"):
            rung.submit(np.zeros_like(values))
    rung.submit(given, [1, 2])
    given[:] = 1
    rung.work(values)
    assert rung.scores() == expected


@pytest.mark.parametrize("number", [3, 5, 6])
@pytest.mark.parametrize("stop", [TransactionFailed, KeyboardInterrupt])
def test_rows_that_were_mined_before_a_refusal_or_an_interrupt_are_kept(chain, monkeypatch, number, stop):
    values, weights = values_for(number, 3, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()

    def send(operation, calls):
        Rung._send(rung, operation, calls[:2])
        raise stop

    with monkeypatch.context() as patched:
        patched.setattr(rung, "_send", send)
        with pytest.raises(stop):
            rung.submit(values)
    rung.submit(values, [2])
    rung.work(values)
    assert rung.scores() == lanes.compute_round(values, weights).scores


@pytest.mark.parametrize(
    ("number", "n", "parameters", "sent"), [(1, 2, 70_000, 2), (3, 2, 300_000, 2), (4, 1, 800_000, 1)]
)
def test_a_submission_that_was_interrupted_goes_on(chain, monkeypatch, number, n, parameters, sent):
    values, weights = draw_values(n, parameters)
    rung = start_rung(chain, number, weights, parameters)
    rung.open()
    mine = chain.send_many

    def send(calls, **options):
        if rung.ledger.entries[-1].operation == "submit":
            raise KeyboardInterrupt
        receipts = mine(list(calls)[:sent], **options)
        if number != 4:  # where blobs go one by one
            raise KeyboardInterrupt
        return receipts

    with monkeypatch.context() as patched:
        patched.setattr(chain, "send_many", send)
        with pytest.raises(KeyboardInterrupt):
            rung.submit(values)
    with pytest.raises(InvalidInput, match=f"client 0 has sent {sent} parts of another row to this round: submit that"):
        rung.submit(np.roll(values, 1, axis=1))
    rung.submit(values)
    rung.work(values)
    assert rung.scores() == rung.expected(values).scores
    assert number != 4 or rung.bill().blobs == 7


@pytest.mark.parametrize("number", [3, 4, 5])
def test_rows_that_a_revert_has_undone_are_forgotten(chain, number):
    values, weights = values_for(number, 3, 64)
    rung = start_rung(chain, number, weights, 64)
    rung.open()
    rung.submit(values, [2])
    before = chain.snapshot()
    rung.submit(values, [0, 1])
    chain.revert(before)
    other = np.roll(values, 1, axis=0)
    rung.submit(other, [1])
    chain.wait_until(rung.contract.functions.currentRound().call()[2])
    values[1] = other[1]
    rung.work(values)
    assert rung.scores() == rung.expected(values, [1, 2]).scores
    assert list(rung.rows) == [2, 1]


@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_revert_to_an_earlier_round_does_not_take_later_rows(chain, number):
    first, weights = values_for(number, 3, 64)
    rung = start_rung(chain, number, weights, 64)
    rung.open()
    rung.submit(first)
    before = chain.snapshot()
    rung.work(first)
    rung.open()
    rung.submit(np.roll(first, 1, axis=0))
    chain.revert(before)
    with pytest.raises(InvalidInput, match=r"rows are kept of clients \[\], the contract has \[0, 1, 2\] in this"):
        rung.work(first)


def stop_behind(monkeypatch, target, name):
    """An interrupt as soon as what was sent is mined."""
    mine = getattr(target, name)

    def send(calls, **options):
        mine(calls, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(target, name, send)


@pytest.mark.parametrize("number", range(7))
def test_an_interrupt_behind_a_submission_loses_no_row(chain, monkeypatch, number):
    values, weights = values_for(number, 2, 64)
    rung = start_rung(chain, number, weights, 64)
    rung.open()
    with monkeypatch.context() as patched:
        stop_behind(patched, chain, "send_many")
        with pytest.raises(KeyboardInterrupt):
            rung.submit(values, [0])
    rung.submit(values, [1])
    with pytest.warns(UserWarning, match="round 1 was interrupted: its bill may lack a transaction"):
        rung.bill()
    rung.work(values)
    assert rung.scores() == rung.expected(values).scores


@pytest.mark.parametrize("number", [1, 3])
def test_an_interrupt_behind_an_opened_round_leaves_it_open(chain, monkeypatch, number):
    values, weights = draw_values(2, 200_000 if number == 3 else 70_000)
    rung = start_rung(chain, number, weights, values.shape[1])
    rung.play(values)
    with monkeypatch.context() as patched:
        stop_behind(patched, chain, "send_many")
        with pytest.raises(KeyboardInterrupt):
            rung.open()
    other = np.roll(values, 1, axis=0)
    rung.submit(other)
    rung.work(other)
    assert rung.round == 2 and rung.scores() == rung.expected(other).scores
    with pytest.warns(UserWarning, match="round 2 was interrupted"):
        assert "open" not in rung.bill().gas


@pytest.mark.parametrize("number", [0, 3, 6])
@pytest.mark.parametrize("stop", ["before", "_begin", "_note"])
def test_a_round_behind_whose_opening_an_interrupt_came_is_the_one_that_is_billed(chain, monkeypatch, number, stop):
    """Wherever it came: the last round's bill is not this one's, and what it lacks is said."""
    values, weights = draw_values(2, 64)
    rung = start_rung(chain, number, weights, 64)
    rung.play(values)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if stop == "before":
            stop_behind(patched, chain, "send_many")
        else:
            patched.setattr(rung, stop, interrupt)
        with pytest.raises(KeyboardInterrupt):
            rung.open()
    with pytest.raises(InvalidInput, match="nothing was sent in this round"):
        rung.bill()
    rung.submit(values[::-1])
    rung.work(values[::-1])
    with pytest.warns(UserWarning, match="round 2 was interrupted: its bill may lack a transaction"):
        bill = rung.bill()
    assert bill.scores == rung.expected(values[::-1]).scores and "open" not in bill.gas and bill.gas["submit"]


@pytest.mark.parametrize("number", [0, 1, 2, 6])
def test_a_bill_that_a_revert_has_shortened_says_so(chain, number):
    """The next round's opening had dropped what was sent in this one."""
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    rung.submit(values)
    before = chain.snapshot()
    rung.work(values)
    rung.open()
    chain.revert(before)
    if number == 6:  # whose work needs the rows
        with pytest.raises(InvalidInput, match="client 0 has no row here"):
            rung.work()
        rung._call("reveal", rung.contract.functions.reveal(1, []), rung.worker)
    else:
        rung.work(values)
        assert rung.scores() == rung.expected(values).scores
    with pytest.warns(UserWarning, match="round 1 was interrupted: its bill may lack a transaction"):
        assert rung.bill().transactions in (1, 2)


@pytest.mark.parametrize("kind", [lambda *a: start_rung(a[0], 6, *a[1:]), lambda *a: RevealedRung(a[0], 8, *a[1:])])
def test_a_revert_to_an_earlier_round_proves_no_later_rows(chain, kind):
    values, weights = draw_values(3, 40)
    rung = kind(chain, weights, 40)
    rung.open()
    rung.submit(values)
    before = chain.snapshot()
    rung.work()
    rung.open()
    rung.submit(np.roll(values, 1, axis=0))
    chain.revert(before)
    height = chain.w3.eth.block_number
    for call in (rung.work, rung.state, lambda: rung.reveal([0]), lambda: rung.digest(0), lambda: rung.prove_fault(0)):
        with pytest.raises(InvalidInput, match=r"client 0 has no row here: there are those of \[\]"):
            call()
    assert chain.w3.eth.block_number == height and rung.salts == {} == rung.points


@pytest.mark.parametrize("kind", [lambda *a: start_rung(a[0], 6, *a[1:]), lambda *a: RevealedRung(a[0], 8, *a[1:])])
def test_what_is_final_is_not_proven_again(chain, kind):
    values, weights = draw_values(2, 40)
    rung = kind(chain, weights, 40)
    with pytest.raises(InvalidInput, match=r"no round goes on: .* call open"):
        rung.work()
    bill, before = rung.play(values), chain.w3.eth.block_number
    with pytest.raises(InvalidInput, match="no round goes on: the last one's result is final"):
        rung.work()
    assert rung.bill() == bill and chain.w3.eth.block_number == before


@pytest.mark.parametrize("number", [7, 8])
def test_a_round_is_closed_once(chain, monkeypatch, number):
    values, weights = draw_round(number, 2, 64)
    rung = start_rung(chain, number, weights, 64)
    rung.submit(values)
    with monkeypatch.context() as patched:
        patched.setattr(rung, "_wait", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rung.work(values)
    assert rung.bill().transactions == 1
    chain.advance_time(10 * 86_400)
    for again in (rung.work, rung.submit):
        with pytest.raises(InvalidInput, match="this round has been closed: call open for the next one"):
            again(values)
    assert rung.play(values).scores == rung.expected(values).scores


@pytest.mark.parametrize(("number", "transactions", "blobs"), [(2, 5, 0), (4, 6, 3)])
def test_a_bill_holds_what_the_chain_has(chain, number, transactions, blobs):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    before = chain.snapshot()
    rung.submit(values)
    chain.revert(before)
    rung.submit(values)
    rung.work(values)
    scores, before = rung.scores(), chain.snapshot()
    assert (rung.bill().transactions, rung.bill().blobs) == (transactions, blobs)
    assert len(rung.ledger.entries) == transactions
    rung.open()
    chain.revert(before)
    assert rung.scores() == scores


@pytest.mark.parametrize("number", [0, 2, 3, 6])
def test_a_round_that_has_not_finished_has_no_scores(chain, number):
    values, weights = values_for(number, 2, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.play(values)
    rung.open()
    assert rung.bill().scores == ()
    rung.submit(values)
    rung.work(values)
    assert rung.bill().scores == rung.expected(values).scores


def test_nobody_proves_nothing(chain):
    for number in (6, 7):
        rung = start_rung(chain, number, [1, 1], 40)
        rung.open()
        with pytest.raises(InvalidInput, match="nobody takes part, so that there is nothing to prove; call submit"):
            rung.work()


@pytest.mark.parametrize(
    ("number", "n", "parameters"), [(0, 2, 20), (1, 2, 4 * 1024), (2, 2, 4 * 1024), (5, 40, 64 * 1_500)]
)
def test_work_that_was_interrupted_goes_on(chain, monkeypatch, number, n, parameters):
    values, weights = values_for(number, n, parameters)
    monkeypatch.setattr(lanes, "count_stored_chunks_at_once", lambda n: 1)
    monkeypatch.setattr(lanes, "count_sent_chunks_at_once", lambda n, chunk: 1)
    rung = start_rung(chain, number, weights, parameters)
    rung.open()
    rung.submit(values)

    def send(operation, calls):
        Rung._send(rung, operation, calls[:1])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rung, "_send", send)
        with pytest.raises(KeyboardInterrupt):
            rung.work(values)
    assert rung.phase == "Open"
    rung.work(values)
    assert rung.scores() == lanes.compute_round(values, weights).scores
    with pytest.raises(TransactionFailed, match="RungWrongPhase"):
        rung.work(values)


@pytest.mark.parametrize("number", range(6))
def test_work_before_a_round_makes_no_bill(chain, number):
    values, weights = values_for(number, 2, 3)
    rung = start_rung(chain, number, weights, 3)
    with pytest.raises((TransactionFailed, InvalidInput, ContractError)):
        rung.work(values)
    with pytest.raises(InvalidInput, match="nothing was sent in this round"):
        rung.bill()


@pytest.mark.parametrize("number", [3, 4, 6])
def test_nothing_to_finalize_moves_no_clock(chain, number):
    values, weights = draw_values(2, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    rung.submit(values)
    before = chain.timestamp
    with pytest.raises(ContractError, match="RungWrongPhase"):
        rung.finalize()
    assert chain.timestamp == before
    rung.work(values)
    assert rung.phase == "Idle"


ODD = {
    3: ["demand(-1)", "expire(-1)", "evidence(-1)", "answer(9)", "reclaim(-1)", "prove_chunk(0.5)"],
    4: ["submit_row(9, b'')", "submit_row(-1, b'')", "prove_data(9, 0, b'')", "prove_data(0, -1, b'')"],
    5: ["leave_out(-1)", "leave_out(9)", "show(9)", "show('a')", "ask([9], 0)", "ask([0], 9)"],
    6: ["reveal([7])", "reveal({0})", "state([9])", "state([2])", "digest(9)", "digest(2)", "prove_fault(9)"],
    8: ["seal(9, values[0])", "seal(0, values[0][:3])", "seal(0, values)", "seal(0, [0] * 4097)", "prove_fault(2)"],
    7: ["submit_row(9, values[0])", "submit_row(-1, values[0])", "submit_row(0, values[0][:3])", "registration(9)"],
}

ODD[6] += ["prove(None, None)", "prove(rung.state([0]), None)", "encode(None, None)", "seal(2, values[0], 0.5)"]
ODD[7] += ["relay(None, None)", "relay(rung.state(), None)", "payload(rung.state(), (), None)", "sign(None)"]
ODD[7] += ["prove_fault(0)", "submit_row(0, values)", "submit_row(0, None)", "submit_row(0, values[0] * 0.5)"]


@pytest.mark.parametrize(("number", "call"), [(number, call) for number, calls in ODD.items() for call in calls])
def test_clients_and_chunks_that_there_are_not_are_refused_in_words(odd, number, call):
    rung, values = odd[number if number != 8 else 6]  # whose proofs are alike
    with pytest.raises(InvalidInput):
        eval(f"rung.{call}", {"rung": rung, "values": values})


@pytest.fixture(scope="module")
def odd(chain):
    """Rungs of three clients, of whom two have submitted."""
    rungs = {}
    for number in range(3, 8):
        values, weights = values_for(number, 3, 40)
        rungs[number] = rung, _ = start_rung(chain, number, weights, 40), values
        rung.open()
        rung.submit(values, [0, 1])
    return rungs


@pytest.mark.parametrize("number", [7, 8])
def test_an_interrupt_behind_a_closing_lets_no_cheat_go(chain, monkeypatch, number):
    """What closed the round is on the bill, its commitments are known, and the stake is lost."""
    values, weights = draw_round(number, 3, 64)
    rung = start_rung(chain, number, weights, 64)
    rung.play(values)
    rung.open()
    rung.submit(values[::-1])
    statement = rung.state()
    with monkeypatch.context() as patched:
        stop_behind(patched, chain, "send_many")
        with pytest.raises(KeyboardInterrupt):
            rung.work()
    assert rung.statement == statement and rung.round == 3
    with pytest.warns(UserWarning, match="round 2 was interrupted"):
        bill = rung.bill()
    closing = chain.w3.eth.get_transaction_receipt(rung.ledger.entries[0].transaction)
    assert bill.gas == {"relay": closing["gasUsed"]} and bill.transactions == 1 and bill.scores == ()
    assert bill.blobs == (3 if number == 8 else 0) and bill.max_calldata_bytes > 1_000
    with pytest.raises(ContractError, match="RungNoFault: entry 5 is"):  # the contract looks at this commitment
        rung.prove_fault(1, np.int8(5))
    with pytest.raises(InvalidInput, match="client 1 has no fault"):
        rung.prove_fault(1)
    rung._wait()
    with pytest.warns(UserWarning, match="round 2 was interrupted"):
        bill = rung.bill()
    exact = rung.expected(values[::-1])
    assert bill.transactions == 1 and bill.scores == exact.scores and bill.result_digest == rung.result_digest(exact)


@pytest.mark.parametrize("number", [6, 7, 8])
def test_a_result_is_expected_of_the_round_that_goes_on(chain, number):
    """Not of one before it, and of its own values."""
    values, weights = draw_round(number, 3, 64)
    rung = start_rung(chain, number, weights, 64)
    first = rung.play(values).result_digest
    assert rung.result_digest(rung.expected(values)) == first != rung.result_digest(rung.expected(values[::-1]))
    rung.open()
    rung.submit(values)
    expected = rung.result_digest(rung.expected(values))
    assert expected != first
    rung.work()
    assert rung.bill().result_digest == expected == rung.result_digest(rung.expected(values))
    with pytest.raises(InvalidInput, match=r"exact is ExactRound.*; give what expected gives"):
        rung.result_digest(lanes.compute_round(values, weights))


def hand_in(rung, client, row):
    """A row, as whoever is no int8 hands it in."""
    if isinstance(rung, RelayedRung):
        rung.submit_row(client, row)
    else:
        call = rung.contract.functions.submit(rung.round, rung.seal(client, row))
        rung.chain.send(call, sender=rung.clients[client])


@pytest.mark.parametrize("number", [6, 7, 8])
def test_a_padded_row_is_the_update_it_holds(chain, number):
    values, weights = draw_round(number, 3, 40)
    rung = start_rung(chain, number, weights, 40)
    rows = [np.pad(values[0], (0, 4096 - 40)), values[1].astype(np.int64), np.pad(values[2], (0, 5)).astype(object)]
    rung.open()
    for client, row in enumerate(rows):
        hand_in(rung, client, row)
    rung.work()
    assert rung.bill().result_digest == rung.result_digest(rung.expected(values))


@pytest.mark.parametrize("number", [6, 7, 8])
@pytest.mark.parametrize(("place", "entry"), [(7, 128), (50, 1), (0, -(10**15))])
def test_what_no_proof_can_hold_is_not_paid_for(chain, number, place, entry):
    values, weights = draw_round(number, 3, 40)
    rung = start_rung(chain, number, weights, 40)
    rows = np.pad(values, ((0, 0), (0, 24))).astype(np.int64)
    rows[1, place] = entry
    rung.open()
    for client, row in enumerate(rows):
        hand_in(rung, client, row)
    before, said = chain.w3.eth.block_number, rf"entry {place} of client 1 is {entry:,}, which no update may have"
    for call in (rung.work, rung.state):
        with pytest.raises(InvalidUpdate, match=said):
            call()
    assert chain.w3.eth.block_number == before


@pytest.mark.parametrize("entry", [2**62, -(2**62), 2**63, -(2**63), 2**70, proofs.polynomials.R // 2])
@pytest.mark.parametrize("number", [6, 7, 8])
def test_an_entry_of_any_size_is_committed_to_and_shown(chain, number, entry):
    """As the sum of two commitments has it, which any client can form."""
    values, weights = draw_round(number, 3, 40)
    rung = start_rung(chain, number, weights, 40)
    row, half, rest = values[1].astype(object), values[1].astype(np.int64), np.zeros(40, np.int64)
    row[3] = entry
    rung.open()
    hand_in(rung, 1, row)
    if abs(entry) == 2**62:
        half[3], rest[3] = entry - entry // abs(entry), entry // abs(entry)
        parts = [proofs.commit(rung.setup, part) for part in (half, rest)]
        assert rung.points[1] == proofs.average(parts, [1, 1])
    opening = proofs.open_entry(rung.setup, rung.rows[1], proofs.find_fault(rung.setup, row, 40))
    proofs.verify_fault(rung.setup, rung.points[1], 40, opening)
    assert (opening.position, opening.entry) == (3, entry)
    for client in (0, 2):
        hand_in(rung, client, values[client])
    with pytest.raises(InvalidUpdate, match=f"entry 3 of client 1 is {entry:,}, which no update may have"):
        rung.work()
    if number == 6:
        rung.prove_fault(1)
        rung.work()
        assert rung.get_deposit(rung.clients[1]) == 0 and rung.scores() == rung.expected(values, [0, 2]).scores


@pytest.mark.parametrize("number", [6, 7])
def test_an_entry_that_is_small_modulo_r_is_an_update(chain, number):
    values, weights = draw_round(number, 2, 40)
    rung, row = start_rung(chain, number, weights, 40), values[1].astype(object)
    row[3] += proofs.polynomials.R
    rung.open()
    hand_in(rung, 0, values[0])
    hand_in(rung, 1, row)
    rung.work()
    assert rung.scores() == rung.expected(values).scores


@pytest.mark.parametrize("number", [4, 6])
def test_no_round_is_opened_with_a_stake_that_was_lost(chain, number):
    values, weights = draw_values(2, 40)
    rung = start_rung(chain, number, weights, 40)
    chain.send(rung.contract.functions.withdraw(1), sender=rung.clients[1])
    before, free = chain.w3.eth.block_number, rung.terms.stake - 1
    with pytest.raises(InvalidInput, match=f"has put down {free:,} wei, a client's stake is {free + 1:,}: deposit"):
        rung.play(values)
    assert chain.w3.eth.block_number == before and rung.phase == "Idle"
    rung.deposit(rung.clients[1], 1)
    assert rung.play(values).scores == rung.expected(values).scores


@pytest.mark.parametrize("number", [3, 6])
def test_work_that_an_interrupt_stopped_before_its_end_goes_on(chain, monkeypatch, number):
    values, weights = draw_round(number, 2, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    rung.submit(values)
    with monkeypatch.context() as patched:
        stop_behind(patched, chain, "send_many")
        with pytest.raises(KeyboardInterrupt):
            rung.work(values)
    assert rung.phase == "Proposed"
    rung.work(values)
    assert rung.phase == "Idle" and rung.scores() == rung.expected(values).scores


def test_a_proposal_behind_which_an_interrupt_came_is_answered_for(chain, monkeypatch):
    values, weights = draw_values(2, 40)
    rung = start_rung(chain, 3, weights, 40)
    rung.open()
    rung.submit(values)
    tree, bond = rung.honest_tree(), rung.get_deposit(rung.worker)
    with monkeypatch.context() as patched:
        stop_behind(patched, chain, "send_many")
        with pytest.raises(KeyboardInterrupt):
            rung.propose(tree)
    other = lanes.SumTree([bytes(32)], [(0, 0)])
    with pytest.raises(TransactionFailed, match="RungWrongPhase"):
        rung.propose(other)  # is refused, and not what has to be answered for
    rung.demand(0)
    rung.answer(0)
    rung.work(values)
    assert rung.scores() == tree.total and rung.get_deposit(rung.worker) >= bond


def test_another_proposal_that_stands_is_not_ended_by_work(chain):
    values, weights = draw_values(2, 40)
    rung = start_rung(chain, 3, weights, 40)
    rung.open()
    rung.submit(values)
    rung.propose(lanes.SumTree([bytes(32)], [(0, 0)]))
    with pytest.raises(TransactionFailed, match="RungWrongPhase"):
        rung.work(values)
    assert rung.phase == "Proposed"


@pytest.mark.parametrize("number", [3, 6, 7])
def test_a_clock_that_is_not_ours_is_told_of_before_anything_is_sent(chain, monkeypatch, number):
    values, weights = draw_round(number, 2, 40)
    rung = start_rung(chain, number, weights, 40)
    before = chain.w3.eth.block_number
    with monkeypatch.context() as patched:
        patched.setattr(chain, "local", False)
        with pytest.raises(ServiceError, match="we cannot move the clock past the window"):
            rung.play(values)
    assert chain.w3.eth.block_number == before
    assert rung.play(values).scores == rung.expected(values).scores


@pytest.mark.parametrize("number", range(len(RUNGS)))
def test_values_and_weights_pair_by_their_names(chain, number):
    values, weights = draw_round(number, 3, 3)
    named = pandas.Series(weights, index=["a", "b", "c"])
    rung, table = start_rung(chain, number, named, 3), pandas.DataFrame(values, index=named.index)
    named.index = ["c", "b", "a"]  # no matter, afterwards
    before = chain.w3.eth.block_number
    for call in (rung.play, rung.expected, rung.submit):
        with pytest.raises(InvalidInput, match="row 0 is 'c' in values and 'a' in the weights, by their indices"):
            call(table.iloc[::-1])
    assert chain.w3.eth.block_number == before
    assert rung.play(table).scores == rung.expected(table).scores == rung.expected(values).scores


def test_what_a_client_published_is_not_overwritten_by_another_row(chain):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 4, weights, 40)
    rung.open()
    rung.submit(values)
    with pytest.raises(InvalidInput, match=r"clients \[1\] have submitted to round 1 already"):
        rung.submit_row(1, lanes.pack(values[0]))
    rung.work(values)
    assert rung.scores() == rung.expected(values).scores


@pytest.mark.parametrize("later", [0, 1])
def test_what_a_client_sealed_is_not_overwritten_by_another_row(chain, later):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 6, weights, 40)
    rung.open()
    rung.submit(values)
    with pytest.raises(InvalidInput, match=r"clients \[1\] have submitted to round 1 already"):
        rung.seal(1, values[0], 1 + later)
    rung.work(values)
    assert rung.scores() == rung.expected(values).scores
    rung.seal(1, values[0], 2)  # ahead of the round
    with pytest.raises(InvalidInput, match="number is -1"):
        rung.seal(1, values[0], -1)


@pytest.mark.parametrize("kind", [lambda *a: start_rung(a[0], 6, *a[1:]), lambda *a: RevealedRung(a[0], 8, *a[1:])])
def test_seals_that_a_clock_has_overtaken_are_named(chain, kind):
    """Everybody has submitted, and another rung's window has passed on the same chain."""
    values, weights = draw_values(2, 40)
    rung, other = kind(chain, weights, 40), start_rung(chain, 7, weights, 40)
    rung.open()
    rung.submit(values)
    other.play(values)
    with pytest.raises(InvalidInput, match=r"nothing to prove; its seals were not opened in time, .* it is \d+"):
        rung.work()


@pytest.mark.parametrize("number", [6, 7, 8])
def test_aggregates_are_sent_to_no_contract(chain, number):
    values, weights = draw_round(number, 2, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    rung.submit(values)
    statement = rung.state()
    made, before = proofs.prove_round(rung.setup, statement, values, aggregates=True), chain.w3.eth.block_number
    with pytest.raises(InvalidInput, match="aggregates, which no contract here reads: prove with aggregates=False"):
        (rung.prove if number == 6 else rung.relay)(statement, made)
    assert chain.w3.eth.block_number == before


@pytest.mark.parametrize("number", [6, 7, 8])
def test_addresses_of_any_case_are_the_clients(chain, number):
    values, weights = draw_round(number, 3, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    rung.submit(values)
    statement = rung.state()
    lower = replace(statement, clients=tuple(client.lower() for client in statement.clients))
    strange = replace(statement, clients=(*statement.clients[:2], "0x" + "ff" * 20))
    if number == 6:
        proof = proofs.prove_round(rung.setup, lower, values)
        with pytest.raises(InvalidInput, match="0xffff"):
            rung.prove(strange, proof)
        rung.prove(lower, proof)
        rung.finalize()
    else:
        signature, signed = rung.sign(lower)
        key = add_keys([key.public for key in rung.keys])
        proof = proofs.prove_round(rung.setup, lower, values, signature=signature, key=key)
        for call in (lambda: rung.sign(strange), lambda: rung.relay(strange, proof, signed)):
            with pytest.raises(InvalidInput, match="0xffff"):
                call()
        rung.relay(lower, proof, signed)
        rung._wait()
    assert rung.bill().scores == rung.expected(values).scores


@pytest.mark.parametrize("number", [6, 7])
def test_scores_that_no_transaction_holds_are_refused_in_words(chain, number):
    values, weights = draw_round(number, 2, 40)
    rung = start_rung(chain, number, weights, 40)
    rung.open()
    rung.submit(values)
    statement = rung.state()
    proof, before = proofs.prove_round(rung.setup, statement, values), chain.w3.eth.block_number
    send = rung.prove if number == 6 else rung.relay
    with pytest.raises(InvalidInput, match="the number of the statement's clients is 0"):
        send(replace(statement, clients=(), scores=()), proof)
    with pytest.raises(InvalidInput, match="setup is 5; give a Setup, such as toy_setup makes"):
        start_rung(chain, number, weights, 40, setup=5)
    for bad in (1.5, None, 2**127, "1"):
        with pytest.raises(InvalidInput, match=r"scores is .* each is an int128"):
            send(replace(statement, scores=(statement.scores[0], bad)), proof)
    assert chain.w3.eth.block_number == before
    if number == 6:
        for given, said in (
            ((-1,), "start is -1"),
            ((3,), "start is 3"),
            ((0, -1), "count is -1"),
            ((1, 2), "count is 2"),
        ):
            with pytest.raises(InvalidInput, match=said):
                rung.encode(statement, proof, *given)
        rung.prove(replace(statement, scores=tuple(map(np.int64, statement.scores))), proof)
        rung.finalize()
        assert rung.scores() == rung.expected(values).scores
