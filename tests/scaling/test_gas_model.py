"""Predictions against measurements, fits against known laws, forecasts against arithmetic."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace

import gas as benchmark
import numpy as np
import pytest

from bcfl_support.chain import OSAKA
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import gas_model, ladder
from bcfl_support.scaling.proven import ProvenRung
from bcfl_support.scaling.relayed import RelayedRung
from bcfl_support.services import programs as toolchain

NUMBERS = range(len(ladder.RUNGS))


def test_doctests():
    assert doctest.testmod(gas_model).failed == doctest.testmod(ladder).failed == 0


@pytest.fixture(scope="module")
def results():
    return json.loads((toolchain.project_root() / "results" / "gas.json").read_text())


@pytest.fixture(scope="module")
def table(results):
    return results["rows"]


def test_rows_are_of_rungs_that_can_be_deployed(results, table):
    """And whatever cannot be is listed, with the most clients there may be."""
    assert all(row["n"] <= ladder.largest_clients(row["rung"], row["P"]) for row in table)
    missing = results["not_deployable"]
    asked = [(rung, n, P) for rung in NUMBERS for n in benchmark.clients_of(rung) for P in benchmark.SIZES]
    cannot = {(rung, n, P) for rung, n, P in asked if n > ladder.largest_clients(rung, P)}
    assert {(row["rung"], row["n"], row["P"]) for row in missing} == cannot
    assert {(rung, n, P) for rung, n, P in cannot if rung < 5} == {
        (rung, 100, P) for rung in (3, 4) for P in (1_000, 10_000, 100_000, 1_000_000)
    }
    for row in missing:
        assert row["largest_n"] == ladder.largest_clients(row["rung"], row["P"])
        assert ("one blob" if row["rung"] == 8 else "would be too long") in row["why"]
    assert len(table) + len(missing) == len(asked)


def test_predictions_are_within_five_percent(table):
    measured = [row for row in table if row["measured"]]
    assert {row["rung"] for row in measured} == set(NUMBERS)
    for row in measured:
        predicted = ladder.predict(row["rung"], row["n"], row["P"])
        assert predicted.total_gas == pytest.approx(row["gas_round"], rel=0.05), row
        assert predicted.transactions == row["transactions"], row
        assert predicted.blobs == row["blobs"], row
        assert predicted.max_calldata_bytes == pytest.approx(row["max_calldata_bytes"], rel=0.25, abs=700), row


def test_table_keeps_its_promises(table):
    rows = {(row["rung"], row["n"], row["P"]): row for row in table}
    assert rows[1, 10, 100_000]["gas_per_value"] <= 900
    assert rows[2, 10, 100_000]["gas_per_value"] <= 42
    assert rows[4, 10, 100_000]["gas_round"] <= 630_000
    assert max(rows[3, 10, 100_000]["dispute_gas"].values()) <= 800_000
    assert all(row["kernel_gas_per_value"] <= 16 for row in table if "kernel_gas_per_value" in row)
    for row in table:
        assert row["gas_round"] == sum(row["gas_by_operation"].values())
        if row["rung"] > 0:
            assert row["max_tx_gas"] <= OSAKA.transaction_cap, row
            assert row["max_calldata_bytes"] <= 131_072, row


@pytest.mark.parametrize("number", NUMBERS)
def test_table_is_what_the_contracts_give(chain, table, number):
    """A row of each rung, played anew."""
    n = benchmark.clients_of(number)[0]  # ten, or as many as it takes
    stored = [row for row in table if (row["rung"], row["n"], row["measured"]) == (number, n, True) and row["P"] <= 100]
    assert stored, f"rung {number} is not in results/gas.json: python benchmarks/gas.py --json writes it"
    row, kept = benchmark.measure({True: chain}, number, n, stored[-1]["P"]), stored[-1]
    if issubclass(ladder.RUNGS[number], (ProvenRung, RelayedRung)):  # proofs hold the contract's address: bytes differ
        assert row.pop("gas_by_operation") == pytest.approx(kept["gas_by_operation"], rel=3e-4)
        for name in ("gas_round", "gas_per_value", "max_tx_gas"):
            assert row.pop(name) == pytest.approx(kept[name], rel=3e-4)
        assert row.pop("residual") == pytest.approx(kept["residual"], abs=3e-4)
    assert {name: kept[name] for name in row} == row


def test_the_rungs_of_lesson_6_get_cheaper_one_by_one():
    costs = [ladder.predict(rung, 10, 100_000).total_gas for rung in range(5)]
    assert costs == sorted(costs, reverse=True)


def test_blobs_do_not_depend_on_the_parameters():
    assert ladder.predict(4, 10, 10).total_gas == ladder.predict(4, 10, 122_880).total_gas
    assert ladder.predict(4, 10, 122_880).blobs == 10
    assert ladder.predict(4, 10, 122_881).blobs == 20


@pytest.mark.parametrize(
    ("rung", "n", "P"),
    [(99, 1, 1), (-1, 1, 1), (2.0, 2, 2), (1, 0, 1), (1, 1, 0), (2, 2.5, 10), (2, 2, 10.5), (0, np.nan, 10)],
)
def test_bad_sizes_are_named(rung, n, P):
    with pytest.raises(ValueError, match=r"^(rung|n|P) is .*choose it whole"):
        ladder.predict(rung, n, P)


# ---------------------------------------------------------------- fits
def test_fit_finds_a_known_law():
    sizes = [(n, P) for n in (5, 10, 50) for P in (10, 100, 1000)]
    terms = np.array([[1, n, P, n * P] for n, P in sizes])
    fit = gas_model.fit_gas(terms, terms @ [40_000, 25_000, 22_900, 3_700], ["1", "n", "P", "nP"])
    assert np.allclose(fit.values, [40_000, 25_000, 22_900, 3_700])
    assert fit.worst < 1e-9
    assert fit.predict(1, 10, 100, 1000) == pytest.approx(40_000 + 250_000 + 2_290_000 + 3_700_000)


def test_intervals_cover_the_truth():
    """95% intervals hold the true slope in about 95 of 100 seeded samples."""
    rng, sizes, held = np.random.default_rng(0), np.array([10, 20, 50, 100, 200, 500, 1000]), 0
    terms = np.column_stack([np.ones(len(sizes)), sizes])
    for _ in range(300):
        gas = terms @ [21_000, 22_500] * (1 + 0.01 * rng.standard_normal(len(sizes)))
        fit = gas_model.fit_gas(terms, gas, ["1", "P"])
        held += abs(fit.values[1] - 22_500) <= fit.margins[1]
    assert 0.91 <= held / 300 <= 0.99


def test_fits_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="1 measurements do not determine 2 terms"):
        gas_model.fit_gas(np.array([[1, 2]]), [3], ["1", "P"])
    with pytest.raises(ValueError, match="the terms 1, n do not vary independently"):
        gas_model.fit_gas(np.array([[1, 10], [1, 10], [1, 10]]), [3, 4, 5], ["1", "n"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"terms": [1, 10, 20]}, r"terms have shape \(3,\), gas \(3,\), and there are 2 names: give a row"),
        ({"gas": [3, 4]}, r"terms have shape \(3, 2\), gas \(2,\)"),
        ({"gas": 3}, r"gas \(\)"),
        ({"gas": [0, 4, 5]}, r"gas is \[0, 4, 5\]: relative errors need gas to compare with; choose it in \(0, ∞\)"),
        ({"gas": [np.nan, 4, 5]}, "gas is .*nan"),
        ({"terms": [[1, 10], [1, np.inf], [1, 30]]}, "terms is .*inf"),
        ({"names": ["1"]}, "there are 1 names"),
    ],
)
def test_measurements_that_do_not_fit_are_refused(change, message):
    good = {"terms": [[1, 10], [1, 20], [1, 30]], "gas": [3, 4, 5], "names": ["1", "n"]}
    assert gas_model.fit_gas(**good).values == pytest.approx([2, 0.1])
    with pytest.raises(InvalidInput, match=message):
        gas_model.fit_gas(**(good | change))


# ---------------------------------------------------------------- forecasts
def test_money_is_gas_times_price():
    found = ladder.forecast(3, 10, 100_000, gas_price=2, ether_price=3_000)
    assert found.ether == pytest.approx(found.cost.total_gas * 2 / 1e9)
    assert found.money == pytest.approx(found.ether * 3_000)
    assert found.blocks == 2, "40 million gas, and no more than 30 a block leave the price"
    assert found.fits_cap and found.fits_calldata


def test_blobs_are_paid_and_counted():
    """A blob price below a sixteenth of the base fee cannot last: EIP-7918's floor is paid."""
    floor, same, dear = (
        ladder.forecast(4, 100, 100_000, gas_price=16, ether_price=1, blob_price=price) for price in (0, 1, 3)
    )
    assert floor.ether == same.ether
    assert dear.ether - floor.ether == pytest.approx(2 * 100 * 131_072 / 1e9)
    assert dear.blocks == 8, "100 blobs at 14 a block"


def test_a_hurry_costs_what_it_does_to_the_price():
    """The naive round's 521 full blocks cost more ether than there is, rung 1's 14 two and a half times as much."""
    quick, slow = (
        [ladder.forecast(rung, 10, 100_000, gas_price=1, ether_price=1, hurry=hurry) for rung in range(3)]
        for hurry in (True, False)
    )
    assert [f.blocks for f in quick] == [521, 14, 1] and [f.blocks for f in slow] == [1042, 27, 2]
    assert quick[0].ether > 1e9 and 2 < quick[1].ether / slow[1].ether < 3
    assert quick[2].ether == pytest.approx(slow[2].ether), "within one block the price is known"
    last = 798.0 - 13 * 60  # million gas, of which a block at the target would have had 30
    assert quick[1].paid.base_fee == pytest.approx(1.125**13 * (1 + (last / 30 - 1) / 8), rel=0.01)


def test_naive_rung_fits_nowhere():
    found = ladder.forecast(0, 10, 100_000, gas_price=1, ether_price=1)
    assert not found.fits_cap and not found.fits_calldata
    assert found.blocks > 500


@pytest.mark.parametrize("name", ["gas_price", "ether_price", "blob_price"])
def test_negative_prices_are_named(name):
    with pytest.raises(ValueError, match=f"{name} is -1: it is a price"):
        ladder.forecast(1, 10, 10, **({"gas_price": 1, "ether_price": 1} | {name: -1}))


def test_largest_clients_of_the_forge_tests():
    """The same numbers as in contracts/test/attacks/scaling/Sizes.t.sol."""
    sizes = (1_000, 100_000, 1_000_000, 10_000_000)
    assert [ladder.largest_clients(3, P) for P in sizes] == [98, 73, 54, 17]
    assert [ladder.largest_clients(4, P) for P in sizes] == [98, 73, 54, 17]
    assert [ladder.largest_clients(2, P) for P in sizes] == [116] * 4
    assert ladder.largest_clients(2, 10) == ladder.largest_clients(0, 10_000_000) == 120
    for rung, P in ((99, 10), (-1, 10), (3, 0)):
        with pytest.raises(ValueError, match=rf"rung is {rung}:|P is {P}:"):
            ladder.largest_clients(rung, P)


def test_what_cannot_be_disputed_does_not_fit():
    assert ladder.forecast(3, 73, 100_000, gas_price=1, ether_price=1).fits_calldata
    assert not ladder.forecast(3, 74, 100_000, gas_price=1, ether_price=1).fits_calldata
    assert not ladder.forecast(2, 117, 100_000, gas_price=1, ether_price=1).fits_calldata
    assert [ladder.forecast(0, n, 1, gas_price=1, ether_price=1).fits_calldata for n in (120, 121)] == [True, False]
    assert [ladder.forecast(8, 1, P, gas_price=1, ether_price=1).fits_calldata for P in (4_096, 4_097)] == [True, False]


def test_largest_parameters_is_the_last_that_fits():
    for rung, n, gas in ((0, 10, 60e6), (1, 10, 60e6), (2, 50, 60e6), (3, 10, 16_777_216)):
        most = ladder.largest_parameters(rung, n, gas)
        assert ladder.predict(rung, n, most).total_gas <= gas
        assert ladder.predict(rung, n, most + 2_048).total_gas > gas
    assert ladder.largest_parameters(0, 10, 1_000) == 0


def test_a_large_budget_ends_at_no_round_number():
    most = ladder.largest_parameters(1, 1, 1e12)
    assert most > 2**30 and ladder.predict(1, 1, most).total_gas <= 1e12 < ladder.predict(1, 1, most + 2_048).total_gas
    with pytest.raises(InvalidInput, match="gas is 1e\\+16: it is a budget; choose it in"):
        ladder.largest_parameters(1, 1, 1e16)


@pytest.mark.parametrize(("rung", "n"), [(2, 120), (3, 82), (3, 120), (4, 10), (4, 98)])
def test_largest_parameters_are_of_a_rung_that_takes_the_clients(rung, n):
    most = ladder.largest_parameters(rung, n, 1e9)
    assert ladder.largest_clients(rung, most) >= n > ladder.largest_clients(rung, most + 1)


def test_what_no_rung_takes_has_no_largest_parameters():
    assert ladder.largest_parameters(1, 500, 60e6) == ladder.largest_parameters(4, 121, 60e6) == 0
    none = len(ladder.RUNGS)
    for arguments, name in (
        ((1, 10, np.nan), "gas is nan"),
        ((1, 10, -1), "gas is -1"),
        ((none, 10, 60e6), f"rung is {none}"),
    ):
        with pytest.raises(InvalidInput, match=f"{name}: .*; choose it"):
            ladder.largest_parameters(*arguments)
    with pytest.raises(InvalidInput, match=r"n is 500\.5: "):
        ladder.largest_parameters(1, 500.5, 60e6)


def test_next_fork_hurts_storage_and_calldata_not_arithmetic():
    now = [ladder.predict(rung, 10, 100_000).total_gas for rung in NUMBERS]
    then = [ladder.predict(rung, 10, 100_000, schedule=gas_model.NEXT_FORK).total_gas for rung in NUMBERS]
    assert 4 < then[1] / now[1] < 5, "a new slot goes from 22,100 to 110,020"
    assert then[2] / now[2] == pytest.approx(64 / 40, rel=0.05)
    assert ladder.predict(1, 10, 1000, schedule=replace(OSAKA, floor_nonzero_byte=64)).total_gas == pytest.approx(
        ladder.predict(1, 10, 1000).total_gas
    )
