"""Rungs 0 to 2, and what all rungs have in common: limits, bills, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from eth_abi import encode
from eth_utils import keccak
from scaling.cases import draw_round, draw_values

from bcfl_support.chain import TX_GAS_CAP, load_artifact
from bcfl_support.chain.reverts import RevertDecoder
from bcfl_support.errors import ContractError, InvalidInput, InvalidUpdate, TransactionFailed
from bcfl_support.scaling import lanes
from bcfl_support.scaling.available import RevealedRung
from bcfl_support.scaling.ladder import RUNGS, start_rung
from bcfl_support.scaling.relayed import RelayedRung
from bcfl_support.scaling.rungs import EXPLANATIONS


@pytest.mark.parametrize(("number", "most"), [(1, 900), (2, 42)])
def test_hundred_thousand_parameters(chain, number, most):
    values, weights = draw_values(10, 100_000)
    rung = start_rung(chain, number, [w // 2 + 1 for w in weights], 100_000)
    bill = rung.play(values)
    assert bill.scores == rung.expected(values).scores
    assert bill.gas_per_value <= most
    assert bill.max_tx_gas <= TX_GAS_CAP
    assert bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT - 400


def test_naive_rung_breaks_the_cap(chain):
    values, weights = draw_values(1, 1000)
    rung = start_rung(chain, 0, weights, 1000)
    rung.open()
    with pytest.raises(TransactionFailed, match="used all of its 16,777,216 gas"):
        rung.submit(values)
    assert rung.bill().gas["submit"] == 16_777_216, "gas is spent, whatever came of it"


def test_what_went_through_beside_a_refused_call_is_on_the_bill(chain):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 1, weights, 40)
    rung.open()
    rung.submit(values, [1])
    with pytest.raises(TransactionFailed, match="failed: Rung"):
        rung.submit(values)
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
    with pytest.raises(InvalidInput, match="no round was opened, so that there is no bill; call open, or play"):
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
