"""The doctor says what is installed, what is missing and what to do, the same on every machine where it matters."""

from __future__ import annotations

import doctest
import importlib.metadata
import re
import socket
import sys
from unittest.mock import ANY

import pytest

from bcfl_support.services import machine, programs
from bcfl_support.services.machine import Check, doctor, format_doctor
from bcfl_support.services.supervisor import LOCALHOST
from tools.look import free_port


@pytest.fixture
def empty_project(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    monkeypatch.setattr(machine, "project_root", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def look() -> dict[str, Check]:
    return {check.name: check for check in doctor()}


def test_doctests():
    assert doctest.testmod(machine).failed == 0


def test_the_doctor_finds_the_pinned_programs():
    checks = look()
    for name in ("Python", "Python packages", "Node.js", "anvil", "forge", "Solidity compiler", "OpenZeppelin", "IPFS"):
        assert checks[name].ok, checks[name]
    assert "BCFL_RPC_URL" in checks


def test_what_a_lesson_prints_is_the_same_on_every_machine(monkeypatch):
    monkeypatch.setenv("BCFL_RPC_URL", "http://127.0.0.1:1")
    checks = doctor(stable=True)
    text = format_doctor(checks, stable=True)
    assert str(programs.project_root()) not in text
    assert not re.search(r"\d", text)
    assert [line.split() for line in text.splitlines() if line.startswith("ok")] == [
        ["ok", *check.name.split()] for check in checks if check.ok
    ]
    missing = [Check("anvil", False, "/home/me/anvil", 'run "make lab"')]
    assert format_doctor(missing, stable=True) == 'missing  anvil\n         -> run "make lab"'


def test_the_doctor_in_an_empty_project(empty_project):
    checks = look()
    absent = ("Python packages", "anvil", "forge", "Solidity compiler", "OpenZeppelin", "contracts compiled", "IPFS")
    for name in absent:
        assert not checks[name].ok and checks[name].advice, name
    assert checks["OpenZeppelin"].found == "@openzeppelin/contracts is not in node_modules"


def test_sources_without_artifacts_are_named(empty_project):
    for name in ("Done", "New"):
        path = empty_project / "contracts" / "src" / "core" / f"{name}.sol"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    built = empty_project / "contracts" / "out" / "Done.sol"
    built.mkdir(parents=True)
    (built / "Done.json").touch()
    assert look()["contracts compiled"].found == "not compiled: New"


def test_a_program_that_does_not_run_is_missing(empty_project, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (empty_project / "node").write_text("#!/bin/sh\nexit 1\n")
    (empty_project / "node").chmod(0o755)
    node = look()["Node.js"]
    assert not node.ok and "does not run" in node.found


def test_the_doctor_compares_versions_with_the_lock(empty_project):
    packages = ("web3", "torch", "py_arkworks_bls12381", "nbgrader")
    pins = [f"{p.replace('_', '-')}=={importlib.metadata.version(p).split('+')[0]}" for p in packages]
    named = 'dependencies = ["web3>=8,<9", "torch==2.13.0", "py_arkworks_bls12381>=0.5"]'
    named += '\n[project.optional-dependencies]\nlab = ["nbgrader==0.9.6"]\ntest = ["nbval==0.11.0"]'
    (empty_project / "pyproject.toml").write_text(f"[project]\n{named}")
    (empty_project / "requirements.lock").write_text("\n".join(pins))
    assert look()["Python packages"] == Check("Python packages", True, "4 main packages as locked", ANY)
    (empty_project / "requirements.lock").write_text("\n".join(pins).replace("web3==", "web3==99."))
    found = look()["Python packages"]
    assert not found.ok and re.fullmatch(r"web3 [\d.]+ \(wanted 99\.[\d.]+\)", found.found)


@pytest.mark.parametrize("package", ["palmerpenguins", "scikit-learn", "mlxtend", "rfc8785", "jupyterlab", "nbgrader"])
def test_the_doctor_misses_every_package_that_a_lesson_needs(monkeypatch, package):
    version = importlib.metadata.version

    def other(name: str) -> str:
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    found = look()["Python packages"]
    assert not found.ok and found.found.startswith(f"{package} missing (wanted ")


def test_a_python_too_old_for_the_doctor_s_own_imports_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "tomllib", None)  # as before Python 3.11
    assert not look()["Python packages"].ok


def test_the_doctor_tries_the_endpoints(monkeypatch):
    with socket.socket() as server:
        server.bind((LOCALHOST, 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setenv("BCFL_RPC_URL", f"http://127.0.0.1:{port}/key")
        monkeypatch.setenv("BCFL_IPFS_API", f"/ip4/127.0.0.1/tcp/{free_port()}")
        checks = look()
    rpc, ipfs = checks["BCFL_RPC_URL"], checks["BCFL_IPFS_API"]
    assert rpc.ok and rpc.found == f"127.0.0.1:{port} accepts connections"
    assert not ipfs.ok and "unset it to use a local node" in ipfs.advice


@pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/99999", "http://127.0.0.1:x", "nonsense.invalid", "http://["])
def test_an_endpoint_that_is_no_address_is_reported(monkeypatch, address):
    monkeypatch.setenv("BCFL_RPC_URL", address)
    assert not look()["BCFL_RPC_URL"].ok


def test_an_endpoint_s_key_is_not_shown(monkeypatch):
    monkeypatch.setenv("BCFL_RPC_URL", f"http://user:password@127.0.0.1:{free_port()}/v3/secret?key=secret")
    found = look()["BCFL_RPC_URL"].found
    assert "does not answer" in found and "password" not in found and "secret" not in found
