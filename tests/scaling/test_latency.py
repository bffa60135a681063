"""Seconds to a final score: sums, and the chain's own clock."""

from __future__ import annotations

import doctest

import pytest
from scaling.cases import draw_values

from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import ladder, latency
from bcfl_support.scaling.fees import SLOT_SECONDS, Market
from bcfl_support.scaling.latency import FINALITY_SECONDS, compute_latency
from bcfl_support.scaling.rungs import DisputeTerms


def test_doctests():
    assert doctest.testmod(latency).failed == 0


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
def test_the_chains_clock_agrees(chain, number):
    """From the first submission's block to the final score's: windows to the second, blocks as few or fewer."""
    values, weights = draw_values(2, 1100 if number else 70, seed=number)
    rung = ladder.start_rung(chain, number, weights, values.shape[1])
    rung.play(values)
    blocks = {
        entry.operation: chain.w3.eth.get_transaction_receipt(entry.transaction)["blockNumber"]
        for entry in rung.ledger.entries
    }
    first = next(entry for entry in rung.ledger.entries if entry.operation == "submit")
    start = chain.w3.eth.get_transaction_receipt(first.transaction)["blockNumber"]
    clock = [chain.w3.eth.get_block(block)["timestamp"] for block in (start, max(blocks.values()))]
    found = compute_latency(ladder.predict(number, 2, values.shape[1]), Market())
    waited = clock[1] - clock[0]
    assert found.windows == (86_400 if number in (3, 4, 6) else 0)
    assert abs(waited - (found.seconds - FINALITY_SECONDS)) <= 3 * SLOT_SECONDS, (
        "anvil's blocks are less full, or fuller"
    )


def test_windows_dominate_where_there_are_any():
    for number in range(5):
        cost = ladder.predict(number, 10, 100_000)
        quiet = compute_latency(cost, Market(others=0.9))
        worst = compute_latency(cost, Market(others=0.9), windows=4)
        if number in (3, 4):
            assert quiet.windows == 86_400 > 10 * (quiet.seconds - quiet.windows)
            assert worst.seconds - quiet.seconds == 3 * 86_400
        else:
            assert worst == quiet and quiet.windows == 0


def test_a_proof_waits_for_one_window():
    """Nothing is demanded of it, so that no answer moves its deadline."""
    cost = ladder.predict(6, 10, 100_000)
    one, four = (compute_latency(cost, Market(), windows=windows) for windows in (1, 4))
    assert one == four and one.windows == 86_400


def test_an_absent_client_makes_all_wait():
    cost, terms = ladder.predict(2, 10, 1_000), DisputeTerms(submit_seconds=600)
    waited = compute_latency(cost, Market(), absent=True, terms=terms)
    assert waited.submit == 600 and waited.work == compute_latency(cost, Market()).work
    crowded = compute_latency(ladder.predict(0, 10, 100_000), Market(), absent=True)
    assert crowded.submit > 3_600, "when submitting takes longer than the time to submit, that counts"


def test_load_and_hurry():
    cost = ladder.predict(1, 10, 100_000)
    at = [compute_latency(cost, Market(others=others)).submit for others in (0, 0.5, 0.9)]
    assert at == sorted(at) and at[1] == pytest.approx(2 * at[0], abs=12)
    assert compute_latency(cost, Market(), hurry=True).submit < at[0]
    assert compute_latency(cost, Market()).finality == 768


def test_the_forecast_has_it():
    found = ladder.forecast(4, 10, 100_000, gas_price=1, ether_price=1)
    assert found.latency == compute_latency(found.cost, Market())
    assert found.latency.seconds == sum((found.latency.submit, found.latency.work, found.latency.windows, 768))


def test_bad_windows_are_named():
    with pytest.raises(InvalidInput, match="windows is 0: a proposal is open to challenge for one"):
        compute_latency(ladder.predict(3, 2, 10), Market(), windows=0)
