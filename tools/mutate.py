"""``python -m tools.mutate ROOM…``: do the contracts' tests notice small faults in the contracts?

Every mutant of `tools.mutants` is compiled at once, in a copy of `contracts/`; then forge runs a room's tests once for
each, with that mutant switched on. A mutant is killed when a test fails, or when the tests take `TIMEOUT` seconds of
the processor's time, as with a loop that does not end. Tests of gas are left out, since the switches cost gas.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import mutants
from tools.mutants import Mutant

ROOMS = {
    "core": ("core", "libraries", "attacks/core"),
    "proposals": ("proposals",),
    "scaling": ("scaling", "attacks/scaling"),
}  # room of contracts/src → folders of contracts/test
UNTIMED = "Gas|Deep"  # contracts whose tests are not run
TIMEOUT = 120
QUICK = {"FOUNDRY_FUZZ_RUNS": "8", "FOUNDRY_INVARIANT_RUNS": "2", "FOUNDRY_INVARIANT_DEPTH": "32"}
INLINE = re.compile(r"/// forge-config: \S*(runs|depth) = \d+")  # would go before these


class MutationError(BcflError, RuntimeError):
    """The mutants could not be built, or the tests fail without any."""


def main(argv: Sequence[str] | None = None) -> int:
    """Mutate rooms and print who survived; return the exit status, 0 also if some did."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("rooms", nargs="*", help="rooms of contracts/src; default: all")
    parser.add_argument("--minutes", type=float, default=math.inf, help="for a room; then begin no more")
    parser.add_argument("--workers", type=int, default=2, help="forge processes at a time")
    parser.add_argument("--again", action="store_true", help="only those that the last run did not kill or reach")
    parser.add_argument("--thorough", action="store_true", help="as many draws as the contracts' tests have by default")
    parser.add_argument("--contracts", type=Path, help="folder of the contracts, such as another commit's")
    parser.add_argument("--folder", type=Path, default=services.project_root() / "build" / "mutate")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}")
    try:
        for room in arguments.rooms or ROOMS:
            run(
                room,
                arguments.folder.resolve() / room,
                arguments.minutes,
                arguments.workers,
                arguments.again,
                arguments.thorough,
                arguments.contracts,
            )
    except (BcflError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


def run(
    room: str,
    folder: Path,
    minutes: float = math.inf,
    workers: int = 2,
    again: bool = False,
    thorough: bool = False,
    contracts: Path | None = None,
) -> list[dict[str, Any]]:
    """Build the mutants of a room in `folder`, test a sample, write the results beside it and print the survivors."""
    results = folder.with_suffix(".json")
    known = {row["number"]: row for row in json.loads(results.read_text(encoding="utf-8"))["mutants"]} if again else {}
    everyone, skipped = build(room, folder, contracts or services.project_root() / "contracts")
    chosen = [one for one in shuffled(everyone) if known.get(one.number, {}).get("fate") != "killed"]
    print(f"{room}: {len(everyone)} mutants, {len(skipped)} more do not compile; {len(chosen)} are tested", flush=True)
    excluded = baseline(room, folder)
    print(f"left out, as they fail without a mutant: {', '.join(excluded) or 'no test'}", flush=True)
    folders: Queue[Path] = Queue()  # forge writes its cache at every run: each worker has its own
    for worker in range(workers):
        folders.put(copy := folder.with_suffix(f".{worker}"))
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy, symlinks=True)
    rows = [known[number] for number in sorted(known)]
    killers = Killers(rows)
    with ThreadPoolExecutor(workers) as pool:
        until = time.monotonic() + 60 * minutes
        fates = pool.map(partial(try_out, room, folders, excluded, killers, thorough, until), chosen)
        for mutant, (fate, by) in zip(chosen, fates, strict=True):
            if fate == "late":
                continue
            killers.note(mutant.path, by)
            known[mutant.number] = {**asdict(mutant), "fate": fate, "by": by}
            print(f"{mutant.number:5d} {fate:8} {mutant.path}:{mutant.line} {mutant.operator}  {by}", flush=True)
            rows = [known[number] for number in sorted(known)]
            results.write_text(
                json.dumps(
                    {"made": len(everyone), "skipped": len(skipped), "excluded": excluded, "mutants": rows}, indent=1
                )
            )
    print(report(room, rows), flush=True)
    return rows


def shuffled(everyone: Sequence[Mutant]) -> list[Mutant]:
    """The mutants in an order drawn with a fixed seed: however many are reached, they are a fair sample."""
    return random.Random(2502).sample(list(everyone), len(everyone))


def report(room: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Counts and survivors, as Markdown."""
    rows = list(rows)
    fates = Counter(row["fate"] for row in rows)
    lines = [
        f"## {room}: {len(rows)} tested, {fates['killed'] + fates['timeout']} killed "
        f"({fates['timeout']} by time), {fates['survived']} survived",
        "",
        "| Mutant | Place | Change |",
        "|---|---|---|",
    ]
    for row in rows:
        if row["fate"] == "survived":
            place = f"{row['path'].removeprefix('src/')}:{row['line']} `{row['where']}`"
            after = f"`{row['after']}`" if row["after"] else "left out"
            lines.append(f"| {row['number']} | {place} | `{row['before']}` → {after} |".replace("||", "\\|\\|"))
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------------- building


def build(room: str, folder: Path, contracts: Path) -> tuple[list[Mutant], set[int]]:
    """A copy of `contracts` in `folder` with all mutants of the room; and the numbers of those that do not compile."""
    for name in ("src", "test"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(contracts / name, folder / name)
    for test in (folder / "test").rglob("*.sol"):
        test.write_text(INLINE.sub("", test.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "snapshots").mkdir(exist_ok=True)
    modules = folder / "node_modules"
    if not modules.is_symlink():
        modules.symlink_to((contracts / "node_modules").resolve())
    quick_solc(contracts / "solc", folder)
    settings = (contracts / "foundry.toml").read_text(encoding="utf-8")
    # A loop that does not end is over sooner with less gas; optimizing for size compiles sooner.
    settings = settings.replace("gas_limit = 9_000_000_000", "gas_limit = 3_000_000_000")
    (folder / "foundry.toml").write_text(settings.replace("optimizer_runs = 1_000_000", "optimizer_runs = 1"))

    sources = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted((folder / "src").rglob("*.sol"))
    }
    own = {path: text for path, text in sources.items() if path.startswith(f"src/{room}/")}
    trees = {path: unit["ast"] for path, unit in compile_(folder, sources)["sources"].items() if path in own}
    skipped: set[int] = set()
    while True:
        made, everyone = mutants.make(own, trees, skipped)
        mutated = {**sources, **made, "src/Mutant.sol": mutants.SWITCH}
        wrong = [error for error in compile_(folder, mutated).get("errors", ()) if error["severity"] == "error"]
        if not wrong:
            break
        found = {number for error in wrong for number in blame(mutated, error)}
        if not found - skipped:
            raise MutationError(f"the mutants of {room} do not compile: {wrong[0]['formattedMessage']}")
        skipped |= found
    for path, text in mutated.items():
        (folder / path).write_text(text, encoding="utf-8")
    return everyone, skipped


def quick_solc(wrapper: Path, folder: Path) -> None:
    """`folder`/solc: the wrapper, which answers without the compiler what forge asks at every start, its version."""
    shutil.copy2(wrapper, folder / "solc.js")
    version = subprocess.run(
        [folder / "solc.js", "--version"], env=_environment(), capture_output=True, encoding="utf-8", check=True
    )
    otherwise = 'exec "$(dirname "$0")/solc.js" "$@"'
    script = f'#!/bin/sh\ncase "$*" in *--version*) cat <<"END"\n{version.stdout}END\n;; *) {otherwise};; esac\n'
    (folder / "solc").write_text(script, encoding="utf-8")
    (folder / "solc").chmod(0o755)


def compile_(folder: Path, sources: Mapping[str, str]) -> Any:
    """What the compiler says of sources, as far as types; their imports are read from `folder`."""
    every = dict(sources)
    waiting = list(sources)
    while waiting:
        for name in re.findall(r'from "(@[^"]+|\.[^"]+)"', every[here := waiting.pop()]):
            path = os.path.normpath(Path(here).parent / name) if name.startswith(".") else name
            if path not in every:
                every[path] = (folder / ("node_modules" if path.startswith("@") else ".") / path).read_text(
                    encoding="utf-8"
                )
                waiting.append(path)
    order = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in every.items()},
        "settings": {"outputSelection": {"*": {"": ["ast"]}}},
    }
    done = subprocess.run(
        [folder / "solc"],
        cwd=folder,
        env=_environment(),
        input=json.dumps(order),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return json.loads(done.stdout)


def blame(sources: Mapping[str, str], error: Mapping[str, Any]) -> set[int]:
    """The mutant in which the compiler found an error: the innermost choice around the place, or those inside it."""
    where = error.get("sourceLocation") or {}
    text = sources.get(where.get("file", ""), "").encode()
    start, end = where.get("start", 0), where.get("end", 0)
    for opening in reversed(list(re.finditer(rb"\(MUTANT\((\d+)\) \?", text[: start + 12]))):
        depth = 0
        for at in range(opening.start(), len(text)):
            depth += {40: 1, 41: -1}.get(text[at], 0)
            if depth == 0:
                break
        if opening.start() <= start and at + 1 >= end:
            return {int(opening[1])}
    inside = re.findall(rb"MUTANT\((\d+)\)", text[start:end])
    before = re.findall(rb"if \(MUTANT\((\d+)\)", text[:start])
    return {int(number) for number in inside or before[-1:]}


# -------------------------------------------------------------------------------------------------------------- testing


def _environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(services.node().parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1", **more}


def _forge(
    folder: Path, number: int, draws: Mapping[str, str], *options: str, seconds: int | str = "unlimited"
) -> tuple[int, str]:
    """Exit status and words of a test run with one mutant on (none if its number is negative).

    The limit is on the processor's time: a busy machine kills no mutant.
    """
    shutil.rmtree(folder / "cache" / "fuzz", ignore_errors=True)
    coinbase = f"0x{mutants.FIRST + number:040x}"
    command = [
        "sh", "-c", 'ulimit -S -t "$0"; exec "$@"', str(seconds),
        str(services.forge()), "test", "--offline", "--color", "never", "--threads", "1",
        "--code-size-limit", "1000000", "--no-match-contract", UNTIMED, "--block-coinbase", coinbase, *options,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=_environment(**draws), capture_output=True, encoding="utf-8", check=False
    )
    return done.returncode, done.stdout + done.stderr


def of_room(room: str) -> str:
    """The room's folders of tests, as forge wants alternatives in a pattern: at least two."""
    return ",".join((*ROOMS[room], "none"))


def baseline(room: str, folder: Path) -> list[str]:
    """Compile; names of the tests that fail although no mutant is on, since they look at gas or at the code.

    Raises:
        MutationError: it does not compile, or no test runs.
    """
    # What no pattern matches is compiled as well: else forge begins with it at every run, and never keeps it.
    subprocess.run(
        [services.forge(), "build", "--offline"], cwd=folder, env=_environment(), capture_output=True, check=False
    )
    _, said = _forge(folder, -1, QUICK, "--match-path", f"test/{{{of_room(room)}}}/**")
    if not re.search(r"[1-9]\d* tests passed", said) and not re.search(r"\b[1-9]\d* passed", said):
        raise MutationError(f"no test of {room} passes without a mutant; forge said:\n{said[-3000:]}")
    return sorted(set(re.findall(r"^\[FAIL[^\n]*\] (\w+)\(", said, re.MULTILINE)))


class Killers:
    """Which tests have killed mutants so far: they come first, as most faults of a contract fall to a few tests."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        for row in rows:
            self.note(row["path"], row["by"])

    def note(self, path: str, by: str) -> None:
        """A mutant of the contract at `path` was killed by the test of that name; "" and words for many say nothing."""
        if re.fullmatch(r"test\w+", by):
            self._counts[path, by] += 1

    def likely(self, path: str, most: int = 6) -> list[str]:
        """The tests that killed most mutants of this contract, then those that killed most of any."""
        own = Counter({by: count for (where, by), count in self._counts.items() if where == path})
        every: Counter[str] = Counter()
        for (_, by), count in self._counts.items():
            every[by] += count
        names = [name for name, _ in own.most_common(most)] + [name for name, _ in every.most_common(most // 2)]
        return list(dict.fromkeys(names))


def try_out(
    room: str,
    folders: Queue[Path],
    excluded: Sequence[str],
    killers: Killers,
    thorough: bool,
    until: float,
    mutant: Mutant,
) -> tuple[str, str]:
    """Fate of a mutant, "killed", "timeout", "survived" or "late" (not begun), and the test that killed it.

    First come the tests that killed others like it, then those of its own contract, then all of the room.
    """
    if time.monotonic() > until:
        return "late", ""
    folder = folders.get()
    seconds, draws = (5 * TIMEOUT, {}) if thorough else (TIMEOUT, QUICK)
    try:
        name = Path(mutant.path).stem
        stages = [[f"test/{{{of_room(room)}}}/**"]]
        if any(any((folder / "test" / part).rglob(f"{name}*.t.sol")) for part in ROOMS[room]):
            stages.insert(0, [f"test/{{{of_room(room)}}}/**/{name}*.t.sol"])
        if likely := killers.likely(mutant.path):
            stages.insert(0, [stages[-1][0], "--match-test", rf"^({'|'.join(likely)})\b"])
        options = ["--fail-fast", *(["--no-match-test", rf"^({'|'.join(excluded)})\b"] if excluded else [])]
        for paths in stages:
            status, said = _forge(folder, mutant.number, draws, "--match-path", *paths, *options, seconds=seconds)
            if "[FAIL" in said:
                named = re.search(r"^\[FAIL[^\n]*\] (\w+)\(", said, re.MULTILINE)
                return "killed", named[1] if named else "an invariant"
            if status == -signal.SIGXCPU:
                return "timeout", ""
            if status != 0:
                raise MutationError(
                    f"forge did not run the tests of {room} for mutant {mutant.number}:\n{said[-3000:]}"
                )
        return "survived", ""
    finally:
        folders.put(folder)


if __name__ == "__main__":
    sys.exit(main())
