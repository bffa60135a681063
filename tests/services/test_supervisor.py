"""Programs are started so that they never outlive their parent, and what they said is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import eventually, runs

from bcfl_support.errors import ServiceError, ToolMissing
from bcfl_support.services import supervisor
from bcfl_support.services.programs import project_root
from bcfl_support.services.supervisor import await_port, start_supervised

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


# ---------------------------------------------------------------- children
def test_a_child_runs_until_stopped_and_leaves_nothing(sleeper, tmp_path):
    assert sleeper.alive() and runs(sleeper.pid) and "running" in repr(sleeper)
    watcher = sleeper._watcher.pid
    sleeper.stop()
    assert not sleeper.alive() and not runs(sleeper.pid) and not runs(watcher)
    assert list(tmp_path.iterdir()) == []
    sleeper.stop()


def test_a_child_that_ignores_the_request_is_killed(monkeypatch):
    monkeypatch.setattr(supervisor, "_GRACE", 0.1)
    child = start_supervised(STUBBORN, name="stubborn")
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


def test_a_program_that_ends_at_once_has_been_started():
    for _ in range(30):  # its end must not be told before its process id
        child = start_supervised(["true"], name="short")
        assert child.wait(5)
        child.stop()


def test_a_child_gets_its_environment_and_no_input():
    code = "import os, sys; print(os.environ['COLOR'], repr(sys.stdin.read()))"
    child = start_supervised([sys.executable, "-c", code], name="reader", env={**os.environ, "COLOR": "red"})
    assert child.wait(10)
    assert child.log_tail() == "red ''"
    child.stop()


def test_folders_are_removed_with_the_child(tmp_path):
    folder = tmp_path / "blocks"
    folder.mkdir()
    (folder / "block").write_text("x")
    start_supervised(SLEEP, name="sleeper", remove=[folder]).stop()
    assert not folder.exists()


def test_a_program_that_does_not_exist_is_a_clear_error(tmp_path):
    (tmp_path / "blocks").mkdir()
    with pytest.raises(ToolMissing, match=r'ghost did not start \(cannot start: .*No such file.*\); run "make lab"'):
        start_supervised([tmp_path / "ghost"], name="ghost", remove=[tmp_path / "blocks"])
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
    code = PARENT.format(root=str(project_root()), folder=str(folder), extra=extra, end=end)
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
def test_await_port(sleeper):
    late = "import time; time.sleep(0.05); print('port 4001, port 4002', flush=True); time.sleep(600)"
    child = start_supervised([*SLEEP[:-1], late], name="late")
    assert await_port(child, r"port (\d+)", seconds=5, what="its port") == 4001
    child.stop()
    with pytest.raises(ServiceError, match=r"sleeper runs but its port did not come within 0.02 s.*\n\(none\)"):
        await_port(sleeper, r"port (\d+)", seconds=0.02, what="its port")


def test_await_port_reports_what_a_dead_child_said():
    child = start_supervised([sys.executable, "-c", "raise SystemExit('no room')"], name="guest")
    with pytest.raises(ServiceError, match=r'guest ended before a table; run "bcfl doctor".*\nno room'):
        await_port(child, r"(\d+)", seconds=10, what="a table")
    child.stop()
