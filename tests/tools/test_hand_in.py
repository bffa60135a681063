"""A student hands in what was written, and is told what was left."""

from __future__ import annotations

import copy
import subprocess
import sys

import nbformat
import pytest

from notebooks import LESSONS, ROOT
from tools import hand_in, release

NAME, OTHER = (path.stem for path in LESSONS[:2])


@pytest.fixture(scope="module")
def blank():
    return release.release(LESSONS[0])


@pytest.fixture
def kit(tmp_path, blank):
    """Two lessons as they came."""
    for folder in ("lessons", "my"):
        (tmp_path / folder).mkdir()
        nbformat.write(blank, tmp_path / folder / f"{NAME}.ipynb")
        (tmp_path / folder / f"{OTHER}.ipynb").write_text('{"cells": []}', encoding="utf-8")
    return tmp_path


def said(kit, notebook, *numbers):
    nbformat.write(notebook, kit / "my" / f"{NAME}.ipynb")
    return list(hand_in.hand_in(kit, "anna", numbers))


def test_what_programs_change_is_nothing_written(kit, blank):
    opened = copy.deepcopy(blank)
    opened.metadata["kernelspec"] = {"name": "other", "display_name": "Other"}
    for cell in opened.cells:
        cell.source = cell.source.replace("\n", "  \n") + "\n\n"
        cell.metadata["scrolled"] = True
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="ran")], 3
    opened.cells.append(nbformat.v4.new_code_cell(""))
    assert said(kit, opened, "0") == [f"left: my/{NAME}.ipynb, in which you have written nothing"]
    assert not list((kit / "hand-in").iterdir())


@pytest.mark.parametrize("text", ["    return 2", "# a thought"])
def test_a_line_is_something_written(kit, blank, text):
    written = copy.deepcopy(blank)
    next(cell for cell in written.cells if cell.cell_type == "code").source += f"\n{text}"
    assert said(kit, written, "00") == [f"hand-in/anna_{NAME}.ipynb"]


def test_a_number_is_one_lesson_and_none_is_all(kit, blank):
    (kit / "my" / f"{NAME}-Copy1.ipynb").write_text("{}", encoding="utf-8")
    assert [line[:24] for line in said(kit, blank, "1", "9")] == [
        "left: my/01_contract_dep",
        "There is no lesson 9 in ",
    ]
    assert [line.partition(",")[0] for line in said(kit, blank)] == [
        f"left: my/{stem}.ipynb" for stem in (f"{NAME}-Copy1", NAME, OTHER)
    ]
    assert said(kit, blank)[0].endswith("which is called as no lesson is")


def test_it_needs_python_alone_and_says_one_sentence(tmp_path):
    words = [sys.executable, "-S", "-E", "-m", "tools.hand_in", "../x"]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (1, "") and run.stdout.startswith("Say who you are")
    assert run.stdout.count("\n") == 1
