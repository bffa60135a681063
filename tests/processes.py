"""Is a process there, and is something so in a moment?"""

from __future__ import annotations

import subprocess
import time


def runs(pid: int) -> bool:
    """Whether a process runs; a zombie does not, although it still takes signals."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def eventually(condition, seconds: float = 10.0) -> bool:
    """Poll until true, or give up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
