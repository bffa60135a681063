"""The README's figure is what results/ give: `python -m tools figure` draws it anew."""

from __future__ import annotations

import re

from notebooks import ROOT
from tools import figure

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_stored_figure_is_what_the_results_give():
    assert figure.TARGET.read_text(encoding="utf-8") == figure.render()


def test_the_readme_says_what_the_figure_shows():
    [(alternative, target)] = re.findall(r"!\[([^\]]+)\]\((docs/[^)]+)\)", README)
    assert alternative == figure.describe() and ROOT / target == figure.TARGET


def test_every_rung_is_drawn_and_named():
    from bcfl_support import scaling

    lines, _ = figure.read()
    assert list(lines) == list(figure.NAMES) == list(figure.PLACES) == list(range(len(scaling.RUNGS)))
    assert all(name.startswith(f"{number} ") for number, name in figure.NAMES.items())
    assert {row["n"] for number in range(8) for row in lines[number]} == {figure.CLIENTS}
    assert {row["n"] for row in lines[8]} == {6}, "six, as its name says"
