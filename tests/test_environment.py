"""The machine of the user: locales, line ends and variables of other people's that must change nothing."""

from __future__ import annotations

import os
import re
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
    assert done.stdout.splitlines() == [str(ROOT.resolve() / folder)], done.stderr


def test_a_user_s_pip_and_npm_do_not_change_what_is_installed():
    done = run("make", "--dry-run", "--always-make", "setup", PIP_USER="1", npm_config_omit="optional")
    assert "npm ci --include=optional --include=dev" in done.stdout, done.stderr
    asked = run("make", "--eval", "asked:\n\t@echo $$PIP_USER $$PYTHONUTF8", "asked", PIP_USER="1", **ASCII)
    assert asked.stdout.split() in (["0", "1"], []), asked.stderr


def test_a_path_with_a_blank_stays_one_word():
    """In every recipe: `make deep` was not tried in such a folder."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = "\n".join(line for line in text.splitlines() if line.startswith("\t"))
    for name in ("FORGE", "CURDIR", "DIR", "ADDRESS"):
        for match in re.finditer(rf"\$\({name}\)", recipes):
            around = recipes[match.start() - 1], recipes[match.end() : match.end() + 1]
            assert around == ('"', '"') or recipes[: match.start()].endswith("$(if "), f"$({name}) is not quoted"


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
import numpy as np
from bcfl_support import chain, scaling
with chain.Chain.start(accounts=12) as node:
    rung = scaling.start_rung(node, 1, [1, 2], 3)
    rung.play(np.array([[1, 2, 3], [4, 5, 6]], dtype=np.int8))
    parts = chain.trace_gas(node, rung.ledger.entries[-1].transaction).parts
print(sum(parts.values()) > 21_000)
"""
    done = run(sys.executable, "-c", way, **ASCII)
    assert done.stdout.strip() == "True", done.stderr[-500:]


@pytest.mark.parametrize("command", [["bcfl_support", "doctor"], ["tools", "house"], ["tools", "page", "01"]], ids=str)
def test_a_command_prints_what_the_locale_can_show(command):
    done = run(sys.executable, "-m", *command, **ASCII)
    assert not done.returncode and "Error" not in done.stderr, done.stderr[-500:]


# ---------------------------------------------------------------- a folder that is only for reading
def read_only(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the project's folder, mounted for reading only."""
    mount = f'mount --bind "{ROOT}" "{ROOT}" && mount -o remount,ro,bind "{ROOT}" && cd "{ROOT}"'
    if run("unshare", "--mount", "--map-root-user", "sh", "-c", mount).returncode:
        pytest.skip("no folder can be mounted here")
    return run("unshare", "--mount", "--map-root-user", "sh", "-c", f"{mount} && {script}")


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
class TestReadOnly:
    def test_what_is_compiled_is_found_up_to_date(self):
        program = f'"{sys.executable}" -c "from bcfl_support import services as s; s.build_contracts(); print(1)"'
        done = read_only(program)
        assert done.stdout.strip() == "1", done.stderr[-500:]

    def test_what_cannot_be_written_is_said_in_one_sentence(self):
        done = read_only(f'"{sys.executable}" -m tools student')
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr[-500:]
        assert "copy the project to a folder that you may write to" in done.stderr
