"""Every benchmark starts from any folder and is on the list; every result file names the command that made it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

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
def test_a_result_names_its_command(path):
    command = json.loads(path.read_text(encoding="utf-8"))["command"]
    assert command in ("make refresh", f"python benchmarks/{path.stem}.py --json")
