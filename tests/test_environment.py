"""The machine of the user: locales, line ends and variables of other people's that must change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bcfl_support.services.programs import project_root

ROOT = project_root()
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A locale that knows no letter beyond ASCII, as far as Python lets one have it."""


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


# ---------------------------------------------------------------- make
@pytest.mark.parametrize("folder", ["contracts", "notebooks"])
def test_a_cdpath_leads_nowhere_else(tmp_path, folder):
    (tmp_path / folder).mkdir()
    done = run("make", "--eval", f"where:\n\t@cd {folder} && pwd -P", "where", CDPATH=str(tmp_path))
    if "unrecognized option" in done.stderr:
        pytest.skip("this make is too old to be asked")
    assert done.stdout.split() == [str(ROOT.resolve() / folder)], done.stderr


def test_a_user_s_pip_and_npm_do_not_change_what_is_installed():
    done = run("make", "--dry-run", "--always-make", "setup", PIP_USER="1", npm_config_omit="optional")
    assert "npm ci --include=optional --include=dev" in done.stdout, done.stderr
    asked = run("make", "--eval", "asked:\n\t@echo $$PIP_USER $$PYTHONUTF8", "asked", PIP_USER="1", **ASCII)
    assert asked.stdout.split() in (["0", "1"], []), asked.stderr


# ---------------------------------------------------------------- git on Windows
def test_a_checkout_by_git_for_windows_keeps_its_line_ends(tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    windows = ("git", "-c", "core.autocrlf=true")
    assert not run(*windows, "clone", "--quiet", "--no-checkout", ROOT, tmp_path / "c").returncode
    run(*windows, "checkout", "HEAD", "--", ".gitattributes", cwd=tmp_path / "c")
    done = run(*windows, "checkout", "HEAD", "--", "contracts/solc", "postBuild", ".ci/run", cwd=tmp_path / "c")
    assert not done.returncode, done.stderr
    for name in ("contracts/solc", "postBuild", ".ci/run"):
        assert b"\r" not in (tmp_path / "c" / name).read_bytes(), name


# ---------------------------------------------------------------- locales
def test_no_text_is_read_by_the_locale():
    """What the package reads and prints on its way to a traced transaction, where only ASCII is known."""
    way = """
from bcfl_support import chain, protocol, scaling
with chain.Chain.start(accounts=12) as node:
    rung = scaling.start_rung(node, 1, [1, 2], 3)
    rung.play([[1, 2, 3], [4, 5, 6]])
    parts = chain.trace_gas(node, rung.ledger.entries[-1].transaction).parts
print(sum(parts.values()) > 21_000)
"""
    done = run(sys.executable, "-c", way, **ASCII)
    assert done.stdout.strip() == "True", done.stderr[-500:]


def test_the_commands_do_without_its_letters():
    for command in (["bcfl_support.services.cli"], ["tools", "house"], ["tools", "page", "01"]):
        program = "import runpy, sys; sys.argv[1:] = sys.argv[2:]; runpy.run_module(sys.argv[0], run_name='__main__')"
        del program
        done = run(sys.executable, "-m", *command, **ASCII)
        assert "UnicodeEncodeError" not in done.stderr and "UnicodeDecodeError" not in done.stderr, done.stderr[-500:]
