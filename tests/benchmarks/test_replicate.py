"""Replication: what makes a row hold or fail, the cells it names, and that a broken lesson is reported."""

from __future__ import annotations

import argparse
import json
import re
import sys

import numpy as np
import pytest
import replicate  # the benchmark
from claims.pages import Page
from claims.rows import PARTS, Rows, more, wilson

from notebooks import LESSONS, ROOT, read

FIELDS = {"claim", "lesson", "value", "interval", "holds", "bar", "cell"}


def answer(monkeypatch, capsys, *options: str) -> tuple[dict, int]:
    """What the script prints as JSON, and its exit status."""
    monkeypatch.setattr(sys, "argv", ["replicate.py", "--json", "--jobs", "1", *options])
    with pytest.raises(SystemExit) as left:
        replicate.main()
    return json.loads(capsys.readouterr().out), left.value.code


def test_cheap_claims_hold_on_new_seeds_and_say_what_they_are(monkeypatch, capsys):
    found, status = answer(monkeypatch, capsys, "--quick", "--seeds", "4000:4020", "--lessons", "1")
    assert status == 0 == found["failed"] and found["seeds"] == "4000:4020"
    assert len(found["claims"]) == 3 and set(found["cpu_s"]) == {"1"}
    for row in found["claims"]:
        assert set(row) == FIELDS and row["holds"] is True and row["value"] == 1
        low, high = row["interval"]
        assert 0 < low < high <= 1


def test_a_sabotaged_claim_is_reported_as_failing(monkeypatch, capsys):
    opened = Page.__init__

    def sabotage(self, lesson, seeds):
        opened(self, lesson, seeds)
        cell = "c-70339c7c1a"  # the division of lesson 1, made to round down
        broken = self.cells[cell].replace("abs(a) // abs(b) * (1 if (a >= 0) == (b > 0) else -1)", "a // b")
        assert broken != self.cells[cell]
        self.cells[cell] = broken

    monkeypatch.setattr(Page, "__init__", sabotage)
    found, status = answer(monkeypatch, capsys, "--lessons", "1")
    failing = [row["claim"] for row in found["claims"] if row["holds"] is False]
    assert status == 1 and "the division rounds toward zero" in failing and found["failed"] == len(failing)


def test_a_page_runs_on_the_seeds_that_it_is_given():
    page = Page(0, [4000, 4001]).run("c-d2af16a1e8").run("c-6be16163f5").run("c-5263be1632")
    page.run("c-3d48962b7e", ("range(20)", "SEED_LIST"), ("reshape(20, 3, 3)", "reshape(2, 3, 3)"))
    assert len(page["runs"]) == 2 and page["every"].shape == (2, 11)


def test_a_cell_that_has_changed_is_an_error_and_no_claim():
    with pytest.raises(LookupError, match="no cell c-nothing"):
        Page(0, [1]).run("c-nothing")
    with pytest.raises(LookupError, match=r"no longer says 'range\(77\)'"):
        Page(0, [1]).run("c-3d48962b7e", ("range(77)", "SEED_LIST"))
    with pytest.raises(LookupError, match="no longer has a statement 'def nobody'"):
        Page(0, [1]).run("c-5263be1632", only=("def nobody",))


@pytest.mark.parametrize("lesson", range(len(LESSONS)))
def test_every_cell_that_is_named_stands_in_its_lesson(lesson):
    text = (ROOT / "benchmarks" / "claims" / f"lesson_{lesson}.py").read_text(encoding="utf-8")
    known = {cell["id"] for cell in read(LESSONS[lesson])["cells"]}
    assert set(re.findall(r'"(c-[0-9a-z]+)"', text)) <= known


def test_what_makes_a_row_hold():
    rows = Rows(0)
    rows.every("c", "one counterexample", [True, True, False])
    rows.share("c", "most", [True, True, True, False], least=0.75)
    rows.mean("c", "wholly above", [1.0, 1.1, 0.9], above=0.5)
    rows.mean("c", "the interval reaches the bar", [1.0, 1.5, 0.5], above=0.5)
    rows.unmeasured("c", "holds zero", [1.0, -1.0, 0.5])
    rows.unmeasured("c", "does not", [1.0, 1.1, 0.9])
    rows.quoted("c", "19 of 20", [True] * 17 + [False] * 3, 19, 20)
    rows.quoted("c", "not 19 of 20", [True] * 8 + [False] * 12, 19, 20)
    rows.near("c", "about 1", [1.0, 1.1, 0.9], 1.05)
    rows.near("c", "not about 3", [1.0, 1.1, 0.9], 3.0)
    rows.ratio("c", "about half", [2.0, 2.1, 1.9], [1.0, 1.1, 0.9], above=1.5, below=2.5)
    rows.number("c", "too large", 0.2, below=0.1)
    verdicts = [row["holds"] for row in rows.found]
    assert verdicts == [False, True, True, False, None, False, True, False, True, False, True, False]
    assert [row["bar"] for row in rows.found[:3]] == ["3 of 3", "> 0.75", "> 0.5"]


def test_intervals_and_seeds():
    low, high = wilson(np.array([True] * 20))
    assert low == pytest.approx(20 / (20 + 1.959964**2)) and high == pytest.approx(1)
    assert more([1, 2], 2) == [1, 2, 100_001, 100_002]
    assert replicate.parse_seeds("1000:1020") == range(1000, 1020)
    for text in ("0:20", "1000:1002"):
        with pytest.raises(argparse.ArgumentTypeError, match="at least 4 seeds, none below 60"):
            replicate.parse_seeds(text)


def test_every_lesson_with_seeds_has_its_parts():
    replicate.load_parts(list(replicate.LESSONS))
    assert {part.lesson for part in PARTS.values()} == set(range(8))
    assert any(part.quick for part in PARTS.values())
