"""Is a process there, and is something so in a moment?"""

from __future__ import annotations

import os
import subprocess
import time
import traceback
from collections.abc import Callable


def runs(pid: int) -> bool:
    """Whether a process runs; a zombie does not, although it still takes signals."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def in_forks(work: Callable[[int], bool], count: int) -> list[int]:
    """Do work(0), work(1), … in forked workers at the same time; 0 for each whose work was true."""
    workers = []
    for k in range(count):
        if not (worker := os.fork()):
            try:
                os._exit(0 if work(k) else 1)
            except BaseException:
                traceback.print_exc()
                os._exit(2)
        workers.append(worker)
    return [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]


def eventually(condition, seconds: float = 10.0) -> bool:
    """Poll until true, or give up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
