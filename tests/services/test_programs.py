"""Programs are found, started so that they never outlive their parent, and reported on in plain words."""

from __future__ import annotations

import doctest
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes import eventually, runs

from bcfl_support.errors import CompileError, PortInUse, ServiceError, ToolMissing
from bcfl_support.services import machine, programs
from bcfl_support.services.machine import (
    PINNED,
    Check,
    _check_endpoints,
    _check_packages,
    _installed,
    doctor,
    format_doctor,
    versions,
)
from bcfl_support.services.supervisor import LOCALHOST, check_port_free, free_port, start_supervised, wait_until

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
STUBBORN = [
    *(sys.executable, "-S", "-c"),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path, monkeypatch):
    """Private folders of children land below the test's own folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def sleeper():
    child = start_supervised(SLEEP, name="sleeper")
    yield child
    child.stop()


def test_doctests():
    assert doctest.testmod(machine).failed == 0


def test_importing_it_loads_nothing_heavy():
    heavy = ("numpy", "web3", "torch", "sklearn")
    code = f"import sys, bcfl_support.services; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=programs.project_root()
    )
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- programs
def test_programs_are_native_binaries_that_run():
    for program in (programs.node(), programs.anvil(), programs.forge(), programs.cast()):
        assert program.read_bytes()[:2] != b"#!"
        assert subprocess.run([program, "--version"], capture_output=True).returncode == 0
    assert (programs.project_root() / "contracts" / "foundry.toml").is_file()
    assert programs.solc_wrapper().stat().st_mode & 0o100


def test_a_missing_program_is_one_sentence_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    with pytest.raises(ToolMissing, match=r'anvil is not at .*node_modules.*; run "make lab"'):
        programs.anvil()
    with pytest.raises(ToolMissing, match="compiler wrapper is not at"):
        programs.solc_wrapper()


def test_an_unsupported_machine_is_named(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ToolMissing, match=r"not packaged for \w+ riscv64"):
        programs.anvil()


def test_project_root_outside_a_clone(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "__file__", str(tmp_path / "site" / "programs.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ToolMissing, match="work inside a clone of the repository"):
        programs.project_root()
    monkeypatch.chdir(Path(__file__).parent)
    assert programs.project_root() == Path(__file__).resolve().parents[2]


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
    fake.write_text("#!/bin/sh\necho v22.0.0\n")
    assert programs.node() == fake


def test_kubo_is_optional(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.kubo() is None
    (tmp_path / "ipfs").write_text("#!/bin/sh\n")
    (tmp_path / "ipfs").chmod(0o755)
    assert programs.kubo() == tmp_path / "ipfs"


# ---------------------------------------------------------------- children
def test_a_child_runs_until_stopped_and_leaves_nothing(sleeper, tmp_path):
    assert sleeper.alive() and runs(sleeper.pid) and "running" in repr(sleeper)
    watcher = sleeper._watcher.pid
    sleeper.stop()
    assert not sleeper.alive() and not runs(sleeper.pid) and not runs(watcher)
    assert list(tmp_path.iterdir()) == []
    sleeper.stop()


def test_a_child_that_ignores_the_request_is_killed():
    child = start_supervised(STUBBORN, name="stubborn", grace=0.1)
    assert eventually(lambda: "deaf" in child.log_tail())
    child.stop()
    assert not runs(child.pid)


def test_what_a_failed_child_said_is_kept_without_a_file(tmp_path):
    command = [sys.executable, "-c", "print(*range(30), sep='\\n'); raise SystemExit('out of luck')"]
    child = start_supervised(command, name="unlucky")
    assert eventually(lambda: not child.alive())
    assert child.log_tail(2) == "29\nout of luck"
    child.stop()
    assert child.log_tail(2) == "29\nout of luck"
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_was_asked_for_is_kept(tmp_path):
    log = tmp_path / "mine.log"
    child = start_supervised([sys.executable, "-c", "print('hi')"], name="polite", log=log)
    assert child.wait(10) is True
    child.stop()
    assert log.read_text() == "hi\n"


def test_a_child_gets_its_environment_folder_and_no_input(tmp_path):
    code = "import os, sys; print(os.environ['COLOR'], os.getcwd(), repr(sys.stdin.read()))"
    child = start_supervised(
        [sys.executable, "-c", code], name="reader", env={**os.environ, "COLOR": "red"}, cwd=tmp_path
    )
    child.wait(10)
    assert child.log_tail() == f"red {tmp_path.resolve()} ''"
    child.stop()


def test_folders_are_removed_with_the_child(tmp_path):
    folder = tmp_path / "blocks"
    folder.mkdir()
    (folder / "block").write_text("x")
    start_supervised(SLEEP, name="sleeper", remove=[folder]).stop()
    assert not folder.exists()


def test_a_program_that_does_not_exist_is_a_clear_error(tmp_path):
    with pytest.raises(ToolMissing, match=r'ghost did not start \(cannot start: .*No such file.*\); run "make lab"'):
        start_supervised([tmp_path / "ghost"], name="ghost")
    assert list(tmp_path.iterdir()) == []


PARENT = """
import os, signal, subprocess, sys, tempfile, time
sys.path.insert(0, {root!r})
tempfile.tempdir = {folder!r}
from bcfl_support.services import start_supervised
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
child = start_supervised([sys.executable, "-S", "-c", "import time; time.sleep(600)"], name="sleeper")
worker = 0
{extra}
print(child.pid, child._watcher.pid, worker, flush=True)
{end}
"""


def start_parent(tmp_path: Path, extra: str = "", end: str = "time.sleep(600)") -> tuple[subprocess.Popen, list[int]]:
    folder = tmp_path / "private"
    folder.mkdir()
    code = PARENT.format(root=str(programs.project_root()), folder=str(folder), extra=extra, end=end)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(part) for part in parent.stdout.readline().split()]
    parent.stdout.close()
    return parent, pids


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_parent_that_is_killed(tmp_path, end):
    parent, (child, watcher, _) = start_parent(tmp_path)
    assert runs(child) and runs(watcher)
    parent.send_signal(end)
    parent.wait(timeout=30)
    assert eventually(lambda: not runs(child) and not runs(watcher))
    assert eventually(lambda: not list((tmp_path / "private").iterdir()))


@pytest.mark.parametrize("end", ["", "raise RuntimeError", "os._exit(3)", "os.abort()"])
def test_nothing_outlives_a_parent_that_ends_by_itself(tmp_path, end):
    parent, (child, watcher, _) = start_parent(tmp_path, end=f"sys.stderr = open(os.devnull, 'w')\n{end}")
    parent.wait(timeout=30)
    assert eventually(lambda: not runs(child) and not runs(watcher))
    assert eventually(lambda: not list((tmp_path / "private").iterdir()))


@pytest.mark.parametrize(
    "extra",
    [
        "worker = os.fork()\nif worker == 0:\n    time.sleep(600)",
        "worker = subprocess.Popen(['sleep', '600']).pid",
        "worker = subprocess.Popen(['sleep', '600'], close_fds=False).pid",
    ],
    ids=["forked", "spawned", "spawned with open files"],
)
def test_a_worker_that_outlives_the_parent_does_not_keep_the_child(tmp_path, extra):
    parent, (child, watcher, worker) = start_parent(tmp_path, extra)
    try:
        parent.kill()
        parent.wait(timeout=30)
        assert eventually(lambda: not runs(child) and not runs(watcher))
        assert runs(worker)
    finally:
        os.kill(worker, signal.SIGKILL)


def test_a_forked_worker_neither_ends_nor_owns_the_child(sleeper):
    worker = os.fork()
    if worker == 0:
        sleeper.stop()
        os._exit(0 if not sleeper.alive() else 1)
    assert os.waitpid(worker, 0)[1] == 0
    assert sleeper.alive() and runs(sleeper.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_killing_the_watcher_ends_the_child(sleeper):
    os.kill(sleeper._watcher.pid, signal.SIGKILL)
    assert eventually(lambda: not sleeper.alive() and not runs(sleeper.pid))


def test_a_terminated_watcher_ends_its_child_first(sleeper):
    os.kill(sleeper._watcher.pid, signal.SIGTERM)
    assert eventually(lambda: not sleeper.alive() and not runs(sleeper.pid))


def test_an_interrupt_of_the_parents_group_does_not_reach_the_child(sleeper):
    assert os.getpgid(sleeper.pid) != os.getpgid(0)
    assert os.getsid(sleeper.pid) != os.getsid(0)


# ---------------------------------------------------------------- ports and waiting
def test_ports():
    assert len({free_port() for _ in range(5)}) > 1
    with socket.socket() as server:
        server.bind((LOCALHOST, 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(
            PortInUse, match=rf"port {port} on 127.0.0.1 is in use by another program; .*choose another"
        ):
            check_port_free(port)
    check_port_free(port)
    for bad in (0, -1, 65536):
        with pytest.raises(ValueError, match=f"port = {bad} is no port number"):
            check_port_free(bad)


def test_wait_until(sleeper):
    answers = iter([False, ConnectionRefusedError(), True])

    def ready() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    wait_until(ready, sleeper, seconds=5, what="an answer")
    with pytest.raises(ServiceError, match=r"sleeper runs but a miracle did not come within 0.02 s.*\n\(none\)"):
        wait_until(lambda: False, sleeper, seconds=0.02, what="a miracle")


def test_wait_until_reports_what_a_dead_child_said():
    child = start_supervised([sys.executable, "-c", "raise SystemExit('no room')"], name="guest")
    with pytest.raises(ServiceError, match=r'guest ended before a table; run "bcfl doctor".*\nno room'):
        wait_until(lambda: False, child, seconds=10, what="a table")
    child.stop()


# ---------------------------------------------------------------- compiling
def test_a_contract_that_does_not_compile_says_why(tmp_path):
    root = programs.project_root()
    (tmp_path / "node_modules").symlink_to(root / "node_modules")
    (tmp_path / "contracts" / "src").mkdir(parents=True)
    for name in ("foundry.toml", "solc"):
        shutil.copy(root / "contracts" / name, tmp_path / "contracts" / name)
    source = tmp_path / "contracts" / "src" / "Broken.sol"
    source.write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.30;\ncontract Broken { uint256 x = nothing; }\n"
    )
    with pytest.raises(
        CompileError, match=r"did not compile; the compiler said:[\s\S]*Undeclared identifier[\s\S]*nothing"
    ):
        programs.build_contracts(tmp_path)
    assert programs.built_contracts(tmp_path) == ([], ["Broken"])
    source.write_text(source.read_text().replace("nothing", "1"))
    programs.build_contracts(tmp_path)
    assert programs.built_contracts(tmp_path) == (["Broken"], [])


def test_building_without_the_compiler(tmp_path):
    with pytest.raises(ToolMissing, match=r"Solidity compiler is not in .*node_modules; run"):
        programs.build_contracts(tmp_path)


# ---------------------------------------------------------------- the doctor
def test_the_doctor_finds_the_pinned_programs():
    checks = {check.name: check for check in doctor()}
    for name in ("Python", "Python packages", "Node.js", "anvil", "forge", "Solidity compiler", "OpenZeppelin", "IPFS"):
        assert checks[name].ok, checks[name]
    assert "processor cores" in checks and "BCFL_RPC_URL" in checks


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


def test_the_doctor_in_an_empty_project(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    monkeypatch.setattr(machine, "project_root", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = {check.name: check for check in doctor()}
    for name in (
        "Python packages",
        "anvil",
        "forge",
        "Solidity compiler",
        "OpenZeppelin",
        "contracts compiled",
        "IPFS",
    ):
        assert not checks[name].ok and checks[name].advice, name


def test_the_doctor_compares_versions_with_the_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "project_root", lambda: tmp_path)
    monkeypatch.setattr(machine, "project_root", lambda: tmp_path)
    pins = [f"{package}=={_installed(package)}" for package in PINNED]
    (tmp_path / "requirements.lock").write_text("\n".join(pins))
    assert _check_packages().ok
    (tmp_path / "requirements.lock").write_text("\n".join(pins).replace("web3==", "web3==99."))
    found = _check_packages()
    assert not found.ok and re.fullmatch(r"web3 [\d.]+ \(wanted 99\.[\d.]+\)", found.found)


def test_the_doctor_tries_the_endpoints(monkeypatch):
    with socket.socket() as server:
        server.bind((LOCALHOST, 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setenv("BCFL_RPC_URL", f"http://127.0.0.1:{port}/key")
        monkeypatch.setenv("BCFL_IPFS_API", f"/ip4/127.0.0.1/tcp/{free_port()}")
        rpc, ipfs = _check_endpoints()
    assert rpc.ok and rpc.found == f"127.0.0.1:{port} accepts connections"
    assert not ipfs.ok and "unset it to use a local node" in ipfs.advice


def test_a_note_is_not_a_missing_part():
    note = Check("free memory", False, "0.5 GB", "close other programs", necessary=False)
    assert format_doctor([note]).split("\n") == [
        "note     free memory         0.5 GB",
        "         -> close other programs",
    ]


def test_versions():
    found = versions()
    assert found["anvil"] == found["forge"] == "1.7.1" and found["python"] == platform.python_version()
    assert found["solc"] and found["web3"]
