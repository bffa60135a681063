"""Five rungs, found by number, one result."""

from __future__ import annotations

import pytest
from scaling.cases import draw_values

from bcfl_support.chain import load_artifact
from bcfl_support.errors import ContractError, InvalidInput
from bcfl_support.scaling import gas_model, ladder
from bcfl_support.scaling.gas_model import largest_clients
from bcfl_support.scaling.ladder import RUNGS, start_rung


@pytest.mark.parametrize("number", range(len(RUNGS)))
def test_rung_gives_the_exact_round(chain, number):
    values, weights = draw_values(2 if number == 4 else 3, 1100 if number else 70, seed=number)
    rung = start_rung(chain, number, weights, values.shape[1])
    for again in (values, values[::-1].copy()):
        bill = rung.play(again)
        exact = rung.expected(again)
        assert bill.scores == exact.scores
        assert bill.result_digest == rung.result_digest(exact)
        assert bill.blobs == (2 if number == 4 else 0)
        assert bill.total_gas == sum(entry.gas_used for entry in rung.ledger.entries)


def test_every_rung_is_complete():
    """A rung is an entry with its class, contract and gas model."""
    for number, rung in enumerate(RUNGS):
        assert load_artifact(rung.contract).name == rung.contract
        assert rung.title and rung.trust and rung.kind.__doc__.startswith(f"Rung {number}:")
        assert gas_model.predict(number, 2, 10).rung == number
    with pytest.raises(ValueError, match=f"rungs 0 to {len(RUNGS) - 1}"):
        gas_model.predict(len(RUNGS), 2, 10)


@pytest.mark.parametrize(("number", "parameters", "most"), [(3, 1_000, 98), (4, 1_000, 98), (3, 100_000, 73)])
def test_largest_n_is_the_contracts(chain, monkeypatch, number, parameters, most):
    """With one client more the contract refuses; `start_rung` says so before."""
    assert largest_clients(number, parameters) == most
    start_rung(chain, number, [1] * most, parameters)
    with pytest.raises(
        InvalidInput, match=f"{most + 1} clients; rung {number} takes at most {most} with {parameters:,} "
    ):
        start_rung(chain, number, [1] * (most + 1), parameters)
    monkeypatch.setattr(ladder, "largest_clients", lambda *_: 120)  # so that the contract is asked
    with pytest.raises(ContractError, match=f"RungBadConfig: clients: {most + 1},"):
        start_rung(chain, number, [1] * (most + 1), parameters)


def test_bad_calls_are_named(chain):
    with pytest.raises(ValueError, match=f"rung is 99; the ladder has rungs 0 to {len(RUNGS) - 1}"):
        start_rung(chain, 99, [1], 10)
    with pytest.raises(InvalidInput, match="accounts"):
        start_rung(chain, 1, [1] * 109, 10)
