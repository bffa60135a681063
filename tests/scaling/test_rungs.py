"""Rungs 0 to 2, and what all rungs have in common: limits, bills, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scaling.cases import draw_values

from bcfl_support.chain import TX_GAS_CAP
from bcfl_support.errors import InvalidUpdate, TransactionFailed
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


def test_naive_rung_breaks_the_cap(chain):
    values, weights = draw_values(1, 1000)
    rung = start_rung(chain, 0, weights, 1000)
    rung.open()
    with pytest.raises(TransactionFailed, match="used all of its 16,777,216 gas"):
        rung.submit(values)


def test_values_of_another_shape_are_named(chain):
    rung = start_rung(chain, 1, [1], 10)
    with pytest.raises(InvalidUpdate, match=r"shape \(1, 11\), this rung takes \(1, 10\)"):
        rung.submit(np.zeros((1, 11), dtype=np.int8))


def test_too_many_clients_for_calldata_are_named(chain):
    rung = start_rung(chain, 2, [1] * 107, 2048)
    values = np.ones((120, 2048), dtype=np.int8)
    with pytest.raises(InvalidUpdate, match="one chunk of 120 clients does not fit a transaction of 131,072 bytes"):
        rung.work(values)
