"""Every benchmark starts from any folder and is on the list; every result file names the command that made it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import _common
import pytest

from notebooks import ROOT

FOLDER = ROOT / "benchmarks"
OTHER_ENVIRONMENTS = {"training_flower", "shapley_peers"}
SCRIPTS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if path.stem not in OTHER_ENVIRONMENTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_starts_and_takes_the_options_of_all(name, tmp_path):
    run = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", "--help"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "--json" in run.stdout and "--quick" in run.stdout


def test_the_list_is_complete():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.py"):
        assert f"`{path.name}`" in text, path.name
    named = set(re.findall(r"^BENCHMARKS := (.*)$", (ROOT / "Makefile").read_text(), re.M)[0].split())
    assert named == set(SCRIPTS)
    for path in (ROOT / "results").glob("*.json"):
        assert f"results/{path.name}" in text, path.name


@pytest.mark.parametrize("path", sorted((ROOT / "results").glob("*.json")), ids=lambda path: path.stem)
def test_a_result_names_its_command_and_what_it_took(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["command"] != "make refresh":
        assert content["command"] in (f"python benchmarks/{path.stem}.py --json", f"make {path.stem}")
        assert content["took"]["minutes"] > 0 and content["took"]["cores"] >= 1


def test_a_part_made_anew_does_not_change_what_the_whole_took(tmp_path, monkeypatch):
    monkeypatch.setattr(_common, "RESULTS", tmp_path)
    _common.write_result("some", {"a": 1}, whole=False)
    assert "took" not in _common.read_result("some")
    _common.write_result("some", {"a": 1})
    whole = _common.read_result("some")["took"]
    monkeypatch.setattr(_common, "_START", -6e9)
    _common.write_result("some", _common.read_result("some") | {"b": 2}, whole=False)
    assert _common.read_result("some") == {"command": "python benchmarks/some.py --json", "a": 1, "b": 2, "took": whole}
