"""Which rounds of the ladder are played: all rungs there are, at all sizes, and none that cannot be deployed."""

from __future__ import annotations

import gas  # the benchmark
from _common import read_result

from bcfl_support import scaling


def test_every_rung_has_its_cases(monkeypatch):
    for ladder in (scaling.RUNGS, (*scaling.RUNGS, scaling.RUNGS[2])):  # as it is, and with one rung more
        monkeypatch.setattr(scaling, "RUNGS", ladder)
        monkeypatch.setattr(scaling.ladder, "RUNGS", ladder)
        cases, refused = gas.make_cases(quick=False)
        sizes = {rung: {(n, P) for n in gas.clients_of(rung) for P in gas.SIZES} for rung in range(len(ladder))}
        for rung in range(len(ladder)):
            left_out = {(row["n"], row["P"]) for row in refused if row["rung"] == rung}
            assert {(n, P) for number, n, P in cases if number == rung} == sizes[rung] - left_out
    assert all(row["n"] > row["largest_n"] for row in refused) and len(refused) > 0
    assert len(cases) + len(refused) == sum(map(len, sizes.values()))
    assert [gas.clients_of(rung)[0] for rung in (0, 7, 8)] == [10, 10, 6], "rung 8 takes six at most"


def test_the_quick_cases_are_of_every_rung():
    cases, refused = gas.make_cases(quick=True)
    assert {rung for rung, _, _ in cases} == set(range(len(scaling.RUNGS))) and not refused


def test_stored_times_and_prices_are_those_of_the_stored_gas():
    """Every row has them, and they are what its own gas gives today."""
    rows = read_result("gas")["rows"]
    for row in rows:
        assert gas.price(row) == row
        assert row["blob_gas"] == 131_072 * row["blobs"]
        for name, inputs in gas.INPUTS.items():
            paid = row["ether_at"][name]
            assert paid["inputs"] == inputs
            blob_fee = max(inputs["blob_fee"], inputs["base_fee"] / 16)
            ether = row["gas_round"] * (inputs["base_fee"] + inputs["tip"]) + row["blob_gas"] * blob_fee
            assert abs(paid["patiently"] - ether / 1e9) < 1e-8
            quick, slow = paid["in_a_hurry"], paid["patiently"]
            assert quick is None or quick >= slow * (1 - 1e-9)
            seconds = row["seconds_at"][name]
            assert seconds["in_a_hurry"] <= seconds["patiently"] <= seconds["with_demands"]
            objected = "propose" in row["gas_by_operation"]
            waits = objected or bool({"prove", "relay"} & set(row["gas_by_operation"]))
            assert seconds["patiently"] > 86_400 or not waits
            assert seconds["patiently"] < 86_400 or waits or row["gas_round"] > 2e10, "a day of blocks"
            assert seconds["with_demands"] - seconds["patiently"] == (3 * 86_400 if objected else 0)
        assert row["seconds_to_final"] == row["seconds_at"]["quiet"]["patiently"] > 768
