"""Rounds by one transaction cost what their model says, whoever signs how."""

from __future__ import annotations

import pytest
from scaling.cases import draw_values

from bcfl_support.chain import OSAKA
from bcfl_support.errors import ContractError
from bcfl_support.scaling import ladder, proof_gas, relayed
from bcfl_support.scaling.relayed import RelayedRung

SIZES = [(1, 10), (2, 4096), (10, 4096), (15, 4096), (16, 4096), (40, 100), (100, 4096), (10, 100_000), (49, 8192)]


@pytest.fixture(scope="module")
def measured(chain):
    """Gas of a first and a later round, by size and signatures."""
    found = {}
    for n, parameters in SIZES:
        values, weights = draw_values(n, parameters)
        for signatures in relayed.SIGNATURES:
            rung = RelayedRung(chain, 7, weights, parameters, signatures=signatures)
            found[n, parameters, signatures] = [rung.play(values), rung.play(values[:, ::-1].copy())]
    return found


@pytest.mark.parametrize(("n", "parameters"), SIZES)
def test_gas_is_predicted(measured, n, parameters):
    for signatures in relayed.SIGNATURES:
        predicted = proof_gas.relayed(n, parameters, OSAKA, ecdsa=signatures == "ecdsa")
        for bill in measured[n, parameters, signatures]:
            assert predicted.total_gas == pytest.approx(bill.total_gas, rel=0.003)
            assert predicted.max_calldata_bytes == pytest.approx(bill.max_calldata_bytes, abs=32)
            assert predicted.transactions == bill.transactions == 1


def test_the_bars(measured):
    for bill in measured[10, 4096, "bls"] + measured[10, 4096, "ecdsa"]:
        assert bill.total_gas <= 420_000
    for bill in measured[100, 4096, "bls"]:
        assert bill.total_gas <= 1_250_000


def test_where_signatures_that_add_up_pay(measured):
    """Up to 15 clients those of their accounts are cheaper, from 16 on one sum of all."""
    for n, parameters in SIZES:
        bls, ecdsa = (measured[n, parameters, kind][1].total_gas for kind in relayed.SIGNATURES)
        assert (bls < ecdsa) == (n >= 16)


def test_the_contract_takes_whom_the_model_says(chain):
    most = ladder.largest_clients(7, 100_000)
    assert most == 49
    with pytest.raises(ContractError, match="clients: 50"):
        RelayedRung(chain, 7, [1] * 50, 100_000)
    assert len(RelayedRung(chain, 7, [1] * most, 100_000, signatures="ecdsa").clients) == most
