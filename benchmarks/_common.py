"""What every benchmark does the same way: one thread a process, options, timing, where results go.

Import this module before NumPy: the number of threads is read when NumPy is loaded.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # the processes share the cores

# ruff: noqa: E402
import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
_START = time.perf_counter()


def make_parser(doc: str | None, *, jobs: bool = False) -> argparse.ArgumentParser:
    """The options that every benchmark takes; `doc` is the module's docstring."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a small part in at most 45 seconds, written nowhere")
    if jobs:
        parser.add_argument("--jobs", type=int, default=2, help="processes, or tasks at a time on a cluster")
    return parser


def report(figures: dict[str, Any], as_json: bool) -> None:
    """Print the figures a benchmark is judged by."""
    print(json.dumps(figures, ensure_ascii=False) if as_json else json.dumps(figures, indent=1, ensure_ascii=False))


def read_result(name: str) -> dict[str, Any]:
    """What `results/NAME.json` holds; empty if there is no such file."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_result(name: str, content: dict[str, Any], *, whole: bool = True) -> None:
    """Write `results/NAME.json`: the command that makes it, then the content by name; a line for each entry.

    `took` is the wall time of the last run of that command, in minutes, start to end, and on how many cores; a run that
    made a part anew (not `whole`) leaves it.
    """
    took = {"minutes": round((time.perf_counter() - _START) / 60, 1), "cores": os.cpu_count()}
    last = read_result(name).get("took")
    content = {key: value for key, value in content.items() if key not in ("command", "took")}
    if whole or last:
        content["took"] = took if whole else last
    stamped = {"command": f"python benchmarks/{name}.py --json"} | {key: content[key] for key in sorted(content)}
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in stamped.items())
    (RESULTS / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def seconds(function: Callable[..., object], *arguments: Any) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object], repeats: int) -> float:
    """Median wall time of `action`."""
    return statistics.median(seconds(action) for _ in range(repeats))
