"""Which rounds of the ladder are played: all rungs there are, at all sizes, and none that cannot be deployed."""

from __future__ import annotations

import gas  # the benchmark

from bcfl_support import scaling


def test_every_rung_has_its_cases(monkeypatch):
    sizes = {(n, P) for n in gas.CLIENTS for P in gas.SIZES}
    for ladder in (scaling.RUNGS, (*scaling.RUNGS, scaling.RUNGS[2])):  # as it is, and with a sixth rung
        monkeypatch.setattr(scaling, "RUNGS", ladder)
        monkeypatch.setattr(scaling.ladder, "RUNGS", ladder)
        cases, refused = gas.make_cases(quick=False)
        for rung in range(len(ladder)):
            left_out = {(row["n"], row["P"]) for row in refused if row["rung"] == rung}
            assert {(n, P) for number, n, P in cases if number == rung} == sizes - left_out
    assert all(row["n"] > row["largest_n"] for row in refused) and len(refused) > 0
    assert len(cases) + len(refused) == len(ladder) * len(sizes)


def test_the_quick_cases_are_of_every_rung():
    cases, refused = gas.make_cases(quick=True)
    assert {rung for rung, _, _ in cases} == set(range(len(scaling.RUNGS))) and not refused
