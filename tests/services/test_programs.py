"""Programs are found, or one sentence says what to do; the contracts are compiled, or the compiler says why not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bcfl_support.errors import CompileError, ToolMissing
from bcfl_support.services import programs


def test_importing_it_loads_nothing_heavy():
    heavy = ("numpy", "web3", "torch", "sklearn")
    code = f"import sys, bcfl_support.services; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=programs.project_root()
    )
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- where the programs are
def test_programs_are_native_binaries_that_run():
    for program in (programs.node(), programs.anvil(), programs.forge()):
        assert program.read_bytes()[:2] != b"#!"
        assert subprocess.run([program, "--version"], capture_output=True).returncode == 0
    assert (programs.project_root() / "contracts" / "foundry.toml").is_file()
    assert programs.solc_wrapper().stat().st_mode & 0o100


def test_a_missing_program_is_one_sentence_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    with pytest.raises(ToolMissing, match=r'anvil is not at .*node_modules.*; run "make lab"'):
        programs.anvil()


def test_an_unsupported_machine_is_named(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ToolMissing, match=r"not packaged for \w+ riscv64"):
        programs.anvil()


def test_project_root_is_the_package_s_clone_wherever_one_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert programs.project_root() == Path(__file__).resolve().parents[2] and programs.in_clone()
    monkeypatch.setattr(programs, "__file__", str(tmp_path / "bcfl_support" / "services" / "programs.py"))
    with pytest.raises(ToolMissing, match=r'is in no clone, and "make wheel" did not make it; install such a wheel'):
        programs.project_root()


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """The package's folder, as if a wheel had been installed."""
    package = tmp_path / "bcfl_support"
    (package / programs.BUNDLE / "contracts").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "contracts/foundry.toml"):
        (package / programs.BUNDLE / name).touch()
    monkeypatch.setattr(programs, "__file__", str(package / "services" / "programs.py"))
    return package


def test_a_wheel_has_its_own_root_and_a_node_side_for_each_lock(wheel, tmp_path, monkeypatch):
    assert programs.project_root() == wheel / programs.BUNDLE and not programs.in_clone()
    assert programs.advice("this") == 'run "this" and then "bcfl setup"'
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    first = programs.node_side()
    assert first.parent == tmp_path / "env" / "share" / "bcfl"
    (wheel / programs.BUNDLE / "package-lock.json").write_text("{}")
    assert programs.node_side() != first
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert programs.node_side().parent == tmp_path / "data" / "bcfl"
    programs.build_contracts()  # nothing to do


def test_node_on_path_counts_only_when_new_enough(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r'Node.js is neither .* nor on PATH; run "make lab"'):
        programs.node()
    fake = tmp_path / "node"
    fake.write_text("#!/bin/sh\necho v20.1.0\n")
    fake.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"is v20.1.0, 22 or newer is needed"):
        programs.node()
    fake.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(ToolMissing, match=r'node does not run .*; run "make lab"'):
        programs.node()
    fake.write_text("#!/bin/sh\necho v22.0.0\n")
    assert programs.node() == fake


def test_kubo_is_optional(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.kubo() is None
    (tmp_path / "ipfs").write_text("#!/bin/sh\n")
    (tmp_path / "ipfs").chmod(0o755)
    assert programs.kubo() == tmp_path / "ipfs"


# ---------------------------------------------------------------- compiling
def test_a_contract_that_does_not_compile_says_why(tmp_path, monkeypatch):
    root = programs.project_root()
    (tmp_path / "node_modules").symlink_to(root / "node_modules")
    (tmp_path / "contracts" / "src").mkdir(parents=True)
    for name in ("foundry.toml", "solc"):
        shutil.copy(root / "contracts" / name, tmp_path / "contracts" / name)
    source = tmp_path / "contracts" / "src" / "Broken.sol"
    source.write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.30;\ncontract Broken { uint256 x = nothing; }\n"
    )
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    with pytest.raises(
        CompileError, match=r"did not compile; the compiler said:[\s\S]*Undeclared identifier[\s\S]*nothing"
    ):
        programs.build_contracts()
    source.write_text(source.read_text().replace("nothing", "1"))
    programs.build_contracts()
    assert (tmp_path / "contracts" / "out" / "Broken.sol" / "Broken.json").is_file()


def test_building_without_the_compiler(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    with pytest.raises(ToolMissing, match=r"Solidity compiler is not in .*node_modules; run"):
        programs.build_contracts()
