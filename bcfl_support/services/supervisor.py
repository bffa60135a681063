"""How a program is started so that it never outlives its parent.

A service (an EVM node, an IPFS node) runs as the grandchild of the process that asked for it::

    kernel ──line──► watcher ──► program

The watcher blocks on the line, a pair of sockets. However the kernel ends (exit, restart, SIGKILL), the operating
system closes the kernel's end; the watcher reads end-of-file, ends the program and removes its files. Nothing is
polled.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bcfl_support.errors import ServiceError, ToolMissing
from bcfl_support.services.programs import advice

LOCALHOST = "127.0.0.1"


# ---------------------------------------------------------------- children that die with their parent
_WATCH = r"""
import ctypes, os, shutil, signal, subprocess, sys, threading
from contextlib import suppress

grace, count = float(sys.argv[1]), int(sys.argv[2])
folders, command = sys.argv[3:3 + count], sys.argv[3 + count:]
libc = ctypes.CDLL(None) if sys.platform == "linux" else None

def tie():
    # Linux only: should this watcher itself be killed by SIGKILL, the kernel kills the program too.
    if libc is not None:
        libc.prctl(1, signal.SIGKILL)

def leave(*_):
    raise SystemExit

def tell(line):
    with suppress(OSError):
        os.write(0, line.encode())

def signal_group(number):
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, number)

def wait():
    program.wait()
    ended.set()
    told.wait()  # a program may end at once; its parent reads the process id first
    tell("ended %d\n" % program.returncode)

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, leave)
try:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=tie, process_group=0)
except OSError as error:
    tell("cannot start: %s\n" % error)
    raise SystemExit
ended, told = threading.Event(), threading.Event()
threading.Thread(target=wait, daemon=True).start()
try:
    tell("pid %d\n" % program.pid)
    told.set()
    while os.read(0, 1):
        pass
finally:
    signal_group(signal.SIGTERM)
    if not ended.wait(grace):
        signal_group(signal.SIGKILL)
        ended.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
"""


_GRACE = 3.0
"""Seconds between the polite request to end and SIGKILL."""
_live: set[Child] = set()


class Child:
    """A running program that ends with this process, whatever ends this process. Made by `start_supervised`.

    Attributes:
        name: what messages call it.
        pid: process id of the program itself (its watcher has another).
        log: file that receives the program's output; it goes with the program, `log_tail` still has the text.
    """

    def __init__(self, name: str, pid: int, log: Path, watcher: subprocess.Popen[bytes], line: socket.socket) -> None:
        self.name, self.pid, self.log = name, pid, log
        self._watcher, self._line, self._lock = watcher, line, threading.Lock()
        self._owner, self._ended, self._said = os.getpid(), False, ""

    def __repr__(self) -> str:
        return f"<{self.name}, process {self.pid}, {'running' if self.alive() else 'ended'}>"

    def alive(self) -> bool:
        """Whether the program runs."""
        return not self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the program to end by itself; True if it has."""
        with self._lock:
            if not self._ended:
                # The watcher writes a word when the program ends; its own death closes the line. Both end the wait.
                self._ended = bool(select.select([self._line], [], [], seconds)[0])
            return self._ended

    def stop(self) -> None:
        """End the program, wait until it is gone, and remove its private files. Calling it again does nothing."""
        if os.getpid() != self._owner:
            return  # A forked worker shares the program with its parent; only the parent may end it.
        with self._lock:
            self._ended = True
            self._said = self._said or self.log_tail(200)  # the file goes, the message may still be wanted
            _live.discard(self)
            self._line.close()
            self._watcher.wait()

    def log_tail(self, lines: int = 20) -> str:
        """Last lines the program printed, blank ones left out; also after it was stopped."""
        text = self._said
        with contextlib.suppress(OSError):
            text = self.log.read_text(errors="replace")
        return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])

    def _forget(self) -> None:
        """In a forked worker: close the copied end of the line, which would otherwise keep the program alive."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        self._ended = True
        self._line.close()
        self._watcher.returncode = 0  # not this process's child: nothing to reap, nothing to warn about


def start_supervised(
    command: Sequence[str | Path], *, name: str, env: Mapping[str, str] | None = None, remove: Sequence[Path] = ()
) -> Child:
    """Start a program that ends with this process in every case: exit, exception, kernel restart, SIGKILL.

    The line that holds the program alive is not inherited by programs this process starts, and workers made with
    `os.fork` (multiprocessing, joblib) close their copy, so that they do not keep the program alive either.

    Args:
        command: program and arguments; it gets no standard input.
        name: what messages call it, e.g. ``anvil``.
        env: its environment; None: this process's.
        remove: folders to delete once the program has ended, even if this process was killed, or did not start.

    Raises:
        ToolMissing: the program does not exist or cannot be executed.
    """
    private = Path(tempfile.mkdtemp(prefix="bcfl-"))
    log = private / f"{name}.log"
    folders = [str(folder.resolve()) for folder in (*remove, private)]
    watch = [sys.executable, "-I", "-S", "-c", _WATCH, str(_GRACE), str(len(folders)), *folders, *map(str, command)]
    line, theirs = socket.socketpair()
    with log.open("ab") as output, theirs:
        # A session of its own: an interrupt of the kernel must not reach the program.
        watcher = subprocess.Popen(
            watch, stdin=theirs.fileno(), stdout=output, stderr=output, env=env, start_new_session=True
        )
    with line.makefile("rb", buffering=0) as answers:
        first = answers.readline().decode()
    if not first.startswith("pid "):
        reason = first.strip() or log.read_text(errors="replace").strip()[-500:] or "its watcher ended"
        line.close()
        watcher.wait()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        raise ToolMissing(f"{name} did not start ({reason}); {advice()}")
    child = Child(name, int(first.split()[1]), log, watcher, line)
    _live.add(child)
    return child


@atexit.register
def _stop_all() -> None:
    for child in list(_live):
        child.stop()


def _forget_all() -> None:
    while _live:
        _live.pop()._forget()


os.register_at_fork(after_in_child=_forget_all)


def await_port(child: Child, announcement: str, *, seconds: float, what: str) -> int:
    """Wait until a program prints which port it listens on.

    Args:
        child: the program.
        announcement: regular expression of what it prints; its first group is the port.
        seconds: how long to wait.
        what: what one waits for, in the message.

    Returns:
        The port.

    Raises:
        ServiceError: the program ended, or `seconds` went by; the message ends with the program's last output.
    """
    deadline = time.monotonic() + seconds
    while not (found := re.search(announcement, child.log_tail(100))):
        if child.wait(0.005):
            reason = f"{child.name} ended before {what}"
        elif time.monotonic() > deadline:
            reason = f"{child.name} runs but {what} did not come within {seconds:g} s"
        else:
            continue
        raise ServiceError(f'{reason}; run "bcfl doctor". Its last output:\n{child.log_tail() or "(none)"}')
    return int(found[1])
