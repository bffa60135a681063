"""Rungs 0 to 2: what they cost, and what their work takes."""

from __future__ import annotations

import pytest
from scaling.cases import draw_values

from bcfl_support.chain import TX_GAS_CAP
from bcfl_support.errors import InvalidInput, TransactionFailed
from bcfl_support.scaling import lanes
from bcfl_support.scaling.ladder import start_rung


@pytest.mark.parametrize(("number", "most"), [(1, 900), (2, 42)])
def test_hundred_thousand_parameters(chain, number, most):
    values, weights = draw_values(10, 100_000)
    rung = start_rung(chain, number, [w // 2 + 1 for w in weights], 100_000)
    bill = rung.play(values)
    assert bill.scores == rung.expected(values).scores
    assert bill.gas_per_value <= most
    assert bill.max_tx_gas <= TX_GAS_CAP
    assert bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT - 400


def test_what_breaks_the_cap_opens_no_round(chain):
    values, weights = draw_values(3, 1000)
    rung = start_rung(chain, 0, weights, 1000)
    with pytest.raises(InvalidInput, match=r"a transaction of this round needs [\d,]+ gas, and may use 16,777,216"):
        rung.play(values)
    assert rung.phase == "Idle"


def test_naive_rung_breaks_the_cap(chain):
    values, weights = draw_values(1, 1000)
    rung = start_rung(chain, 0, weights, 1000)
    rung.open()
    with pytest.raises(TransactionFailed, match="used all of its 16,777,216 gas"):
        rung.submit(values)
    assert rung.bill().gas["submit"] == 16_777_216, "gas is spent, whatever came of it"


def test_rung_2_takes_the_rows_of_who_submitted(chain):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 2, weights, 40)
    rung.open()
    rung.submit(values, [0, 2])
    chain.wait_until(rung.contract.functions.currentRound().call()[2])
    with pytest.raises(InvalidInput, match="values have 3 rows, 2 clients have submitted: give theirs alone"):
        rung.work(values)
    rung.work(values[[0, 2]])
    assert rung.scores() == rung.expected(values, [0, 2]).scores
