"""Rungs, found by number, one result."""

from __future__ import annotations

from dataclasses import fields, replace

import gas  # the benchmark
import pytest
from scaling.cases import draw_values

from bcfl_support.chain import OSAKA, load_artifact
from bcfl_support.errors import ContractError, InvalidInput
from bcfl_support.scaling import ladder
from bcfl_support.scaling.ladder import RUNGS, RungInfo, largest_clients, start_rung
from bcfl_support.scaling.sparse import sparsify


@pytest.mark.parametrize("number", range(len(RUNGS)))
def test_rung_gives_the_exact_round(chain, number):
    values, weights = draw_values(2 if number == 4 else 3, 1100 if number else 70, seed=number)
    if number == 5:
        values = sparsify(values, step=1.0)
    rung = start_rung(chain, number, weights, values.shape[1])
    for again in (values, values[::-1].copy()):
        bill = rung.play(again)
        exact = rung.expected(again)
        assert bill.scores == exact.scores
        assert bill.result_digest == rung.result_digest(exact)
        assert bill.blobs == (2 if number == 4 else 0)
        assert bill.total_gas == sum(entry.gas_used for entry in rung.ledger.entries)


def check_complete(number: int, rung: RungInfo) -> None:
    """A rung is a class, a contract, a gas model, a limit, a title and whom to trust; what is missing fails."""
    assert rung.title and rung.trust
    assert rung.kind.__doc__.startswith(f"Rung {number}:"), "the class docstring"
    assert load_artifact(rung.contract).name == rung.contract
    cost = rung.gas(2, 10, OSAKA)
    assert (cost.rung, cost.clients, cost.parameters) == (number, 2, 10) and cost.total_gas > 21_000, "the gas model"
    fixed, each = rung.limit(10)
    assert fixed >= 0 and each > 0, "the limit"
    assert number == 4 or number in gas.MOST_VALUES, "MOST_VALUES: blobs have MOST_BLOBS"


def test_every_rung_is_complete():
    for number, rung in enumerate(RUNGS):
        check_complete(number, rung)
        assert 0 < largest_clients(number, 10) <= 120
    with pytest.raises(ValueError, match=rf"choose it whole, in \[0, {len(RUNGS) - 1}\]"):
        ladder.predict(len(RUNGS), 2, 10)


@pytest.mark.parametrize("part", [field.name for field in fields(RungInfo)])
def test_a_rung_that_lacks_a_part_is_not_complete(part):
    with pytest.raises(TypeError, match=part):
        RungInfo(**{name: value for name, value in vars(RUNGS[2]).items() if name != part})
    wrong = {"contract": "Rung2Nothing", "gas": RUNGS[1].gas, "limit": lambda P: (0, 0), "title": "", "trust": ""}
    with pytest.raises((AssertionError, FileNotFoundError)):
        check_complete(2, replace(RUNGS[2], **{part: ({"kind": RUNGS[1].kind} | wrong)[part]}))


def test_a_rung_that_the_benchmark_does_not_know_is_not_complete(monkeypatch):
    monkeypatch.delitem(gas.MOST_VALUES, 2)
    with pytest.raises(AssertionError, match="MOST_VALUES"):
        check_complete(2, RUNGS[2])


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
    with pytest.raises(ValueError, match=rf"rung is 99: .* in \[0, {len(RUNGS) - 1}\]"):
        start_rung(chain, 99, [1], 10)
    with pytest.raises(InvalidInput, match="accounts"):
        start_rung(chain, 1, [1] * 109, 10)
    for weights in ([1.9, 2.9], [1, 0], [1, -1], ["1", "2"], [True, 1]):
        with pytest.raises(
            InvalidInput, match=r"weights is \[.*a client counts by its samples; choose it whole, in \[1, "
        ):
            start_rung(chain, 1, weights, 10)
