"""The repository as a newcomer meets it: a fast import, modules that load, a README that tells the truth."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib

import pytest

import bcfl_support
from bcfl_support.services import cli
from notebooks import ROOT
from tools import __main__ as tools_main
from tools import lessons

MODULES = sorted(module.name for module in pkgutil.walk_packages(bcfl_support.__path__, "bcfl_support."))
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_module_loads_and_says_what_it_is_for(name):
    module = importlib.import_module(name)
    assert module.__doc__ and len(module.__doc__.splitlines()[0]) > 20


def test_import_loads_nothing_heavy():
    code = (
        "import sys, bcfl_support; print([m for m in ('torch', 'web3', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_imports_write_nothing_to_stderr():
    code = "import " + ", ".join(MODULES)
    run = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == bcfl_support.__version__


def test_every_contract_stands_in_the_contracts_readme():
    rows = (ROOT / "contracts" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "contracts" / "src").rglob("*.sol"):
        assert f"[`{path.stem}`](src/{path.parent.name}/{path.name})" in rows, path.name


def test_readme_has_the_map_of_lessons():
    assert lessons.format_map("notebooks/") in README


def test_readme_s_gas_is_what_was_measured():
    measured = json.loads((ROOT / "results" / "services.json").read_text())
    assert f"**{measured['register_gas']:,} gas**" in README
    for shape, operations in measured["gas_of_a_first_round"].items():
        n, parameters = re.findall(r"\d+", shape)
        cells = [f"{operations[name]['gas']:,}" for name in ("commit", "reveal", "aggregate", "score", "settle")]
        total = sum(operation["gas"] for operation in operations.values())
        assert f"| {n} | {parameters} | {' | '.join(cells)} | {total:,} |" in README, shape


def test_readme_names_only_commands_and_files_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for command in set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.M)):
        assert command in targets, f"make {command}"
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
    tree = README[README.index("```text") : README.index("```", README.index("```text") + 7)]
    for line in tree.splitlines()[1:]:
        if name := re.match(r"^ {0,4}([\w.\-/]+)", line):
            candidates = [ROOT / name[1], ROOT / "bcfl_support" / name[1], ROOT / "contracts" / name[1]]
            assert any(path.exists() for path in candidates), f"{name[1]} is in the README's tree only"


def test_readme_s_example_prints_what_it_says():
    code = re.search(r"```python\n(.*?)```", README, re.S)[1]
    expected = re.findall(r"# → (.*)", code)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.splitlines() == expected, run.stderr


def test_versions_in_the_readme_are_those_of_the_locks():
    locked = dict(re.findall(r"^([\w\-]+)==([\w.]+)", (ROOT / "requirements-test.lock").read_text(), re.M))
    node = json.loads((ROOT / "package.json").read_text())["dependencies"]
    for name in ("jupyterlab", "web3", "torch", "ipfshttpclient", "nbval", "ipywidgets", "matplotlib"):
        assert f"{name} {locked[name]}" in README, name
    for name, label in (
        ("@foundry-rs/anvil", "anvil and forge"),
        ("solc", "solc"),
        ("@openzeppelin/contracts", "OpenZeppelin"),
    ):
        assert f"{label} {node[name]}" in README, label


class TestCommand:
    @pytest.mark.parametrize(
        ("main", "names"),
        [
            (cli.main, ("doctor", "setup", "build", "course")),
            (tools_main.main, ("run", "refresh", "page", "student", "learner", "wheel", "kit")),
        ],
    )
    def test_help_names_every_command(self, capsys, main, names):
        with pytest.raises(SystemExit):
            main(["--help"])
        printed = capsys.readouterr().out
        assert all(name in printed for name in names)

    def test_doctor_says_all_is_here(self, capsys):
        assert cli.main(["doctor"]) == 0
        assert "anvil" in capsys.readouterr().out

    def test_unknown_lesson_is_one_sentence(self, capsys):
        with pytest.raises(SystemExit) as stop:
            tools_main.main(["run", "42"])
        assert stop.value.code == 1
        assert re.fullmatch(r"python -m tools run: no lesson in .* matches \['42'\]; .*\n", capsys.readouterr().err)


def test_the_snapshot_command_runs_every_test_that_takes_one():
    [options] = re.findall(r"^snapshot: setup\n.* test (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    [(option, left_out)] = re.findall(r"(--[\w-]+) '(.*?)'", options)
    assert option == "--no-match-test"
    for path in (ROOT / "contracts" / "test").rglob("*.sol"):
        for name, body in re.findall(r"^    function (\w+)(.*?)^    }", path.read_text(encoding="utf-8"), re.M | re.S):
            assert "vm.snapshot" not in body or not re.match(left_out, name), f"{path.name}: {name}"
