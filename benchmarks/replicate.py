"""Every claim of the lessons that is more than one run, recomputed on seeds that no lesson has used.

    python benchmarks/replicate.py --seeds 1000:1020 --json     all lessons; exit status 1 if a claim fails
    python benchmarks/replicate.py --seeds 70:90 --lessons 0 2  some lessons, as a table
    python benchmarks/replicate.py --quick                      the cheapest claims

A row is a claim: `value` over the seeds, its 95% `interval`, the `bar` that the lesson sets, whether the claim `holds`
(null: the lesson says that nothing was measured, and nothing was), and the `cell` of the lesson that makes it. What the
page computes is computed by the page's own cells (`claims/pages.py`), what it reads from a long study by the functions
of that study's script; no result file is read. Left out is what has no seeds: gas, refusals, and other sentences about
what a contract does (lesson 1 has hardly any others), and what the lessons play once on the chain, on one federation:
lesson 5's robbery by three hospitals and its two rounds of the adjusted score. Where a contract's arithmetic is what
counts, its exact integers are replayed off the chain; lesson 5's robbery with one sample is replayed in floats.

Takes twenty seeds or so: the bars are those of checks on twenty. `cpu_s` is the processor time of each lesson.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from _common import make_parser, report  # first: it sets the threads

# isort: split
from claims.rows import PARTS
from joblib import Parallel, delayed

LESSONS = (0, 1, 2, 3, 4, 5, 6, 7)
SEEDS, USED = range(1000, 1020), 60


def load_parts(lessons: list[int]) -> None:
    """Import the modules that register the parts of these lessons."""
    for lesson in lessons:
        __import__(f"claims.lesson_{lesson}")


def run_part(name: str, seeds: range) -> tuple[str, list[dict[str, Any]], float]:
    """The rows of a part and the processor seconds they took, in whichever process this runs."""
    load_parts([int(name.split(":")[0])])
    start = time.process_time()
    found = PARTS[name].run(seeds).found
    return name, found, time.process_time() - start


def replicate(seeds: range, lessons: list[int], *, quick: bool = False, jobs: int = 2) -> dict[str, Any]:
    """All rows of the lessons, in the lessons' order.

    Returns:
        seeds, claims (the rows), failed, unmeasured (how many), cpu_s (by lesson).
    """
    load_parts(lessons)
    chosen = [name for name, part in PARTS.items() if part.lesson in lessons and (part.quick or not quick)]
    longest_first = sorted(chosen, key=lambda name: -PARTS[name].seconds)
    done = Parallel(n_jobs=jobs)(delayed(run_part)(name, seeds) for name in longest_first)
    by_name = {name: (rows, seconds) for name, rows, seconds in done}
    rows = [row for name in chosen for row in by_name[name][0]]
    cpu = dict.fromkeys(lessons, 0.0)
    for name in chosen:
        cpu[PARTS[name].lesson] += by_name[name][1]
    return {
        "seeds": f"{seeds.start}:{seeds.stop}",
        "claims": rows,
        "failed": sum(row["holds"] is False for row in rows),
        "unmeasured": sum(row["holds"] is None for row in rows),
        "cpu_s": {str(lesson): round(seconds, 1) for lesson, seconds in cpu.items()},
    }


def show(result: dict[str, Any]) -> None:
    """The rows as a table."""
    words = {True: "holds", False: "FAILS", None: "not measured"}
    for row in result["claims"]:
        low, high = row["interval"] or (None, None)
        ends = "" if low is None else f"{low:.3f} to {high:.3f}"
        numbers = f"{row['value']:8.3f}  {ends:18} {row['bar']:22}"
        print(f"{row['lesson']} {words[row['holds']]:12} {numbers} {row['claim']} ({row['cell']})")
    counted = f"{len(result['claims'])} claims, {result['failed']} fail, {result['unmeasured']} not measured"
    print(f"seeds {result['seeds']}: {counted}; CPU seconds by lesson {result['cpu_s']}")


def parse_seeds(text: str) -> range:
    """A range of seeds from A:B, the last one left out."""
    first, _, last = text.partition(":")
    seeds = range(int(first), int(last))
    if seeds.start < USED or len(seeds) < 4:
        message = f"{text} should hold at least 4 seeds, none below {USED}: the lessons have used those"
        raise argparse.ArgumentTypeError(message)
    return seeds


def main() -> None:
    """Run, print, and say by the exit status whether every claim holds."""
    parser = make_parser(__doc__, jobs=True)
    parser.add_argument("--seeds", type=parse_seeds, default=SEEDS, metavar="A:B", help="seeds from A to B − 1")
    parser.add_argument("--lessons", type=int, nargs="+", choices=LESSONS, default=list(LESSONS), metavar="N")
    options = parser.parse_args()
    result = replicate(options.seeds, options.lessons, quick=options.quick, jobs=options.jobs)
    if options.json:
        report(result, True)
    else:
        show(result)
    sys.exit(1 if result["failed"] else 0)


if __name__ == "__main__":
    main()
