"""Five rungs, found by number, one result."""

from __future__ import annotations

import pytest
from scaling.cases import draw_values

from bcfl_support.chain import load_artifact
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import gas_model
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


def test_bad_calls_are_named(chain):
    with pytest.raises(ValueError, match=f"rung is 99; the ladder has rungs 0 to {len(RUNGS) - 1}"):
        start_rung(chain, 99, [1], 10)
    with pytest.raises(InvalidInput, match="accounts"):
        start_rung(chain, 1, [1] * 109, 10)
