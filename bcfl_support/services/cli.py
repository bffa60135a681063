"""The ``bcfl`` command: doctor, setup, build, course."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from bcfl_support.errors import BcflError, ToolMissing
from bcfl_support.services.machine import doctor, format_doctor
from bcfl_support.services.programs import build_contracts, in_clone, project_root, set_up


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    about = "Blockchain federated learning: what is installed, the contracts, a course."
    parser = argparse.ArgumentParser(prog="bcfl", description=about)
    what = (
        "doctor: what is installed, what is missing, how to get it; setup: install what runs in Node.js, for a package "
    )
    what += "that pip installed; build: compile the contracts; course: make one (both in a clone of the repository)"
    parser.add_argument("command", choices=("doctor", "setup", "build", "course"), help=what)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    command, rest = vars(parser.parse_args(argv)).values()
    if rest and command != "course":
        parser.error(f"{command} takes nothing more: {' '.join(rest)}")
    try:
        if command == "course":
            return _course(rest)
        if command == "setup":
            print(f"anvil and what else runs in Node.js is in {set_up()}")
            return 0
        if command == "build":
            return _build()
        checks = doctor()
    except BcflError as error:
        parser.exit(1, f"bcfl {command}: {error}\n")
    print(format_doctor(checks))
    return int(not all(check.ok for check in checks))


def _build() -> int:
    """Compile the contracts of a clone."""
    if not in_clone():
        raise ToolMissing("contracts are compiled in a clone of the repository; those of this package are compiled")
    build_contracts()
    return 0


def _course(rest: Sequence[str]) -> int:
    """Hand over to the repository's tools, which no wheel brings along: the solved lessons are theirs."""
    root = project_root()
    if not (root / "tools" / "course.py").is_file():
        need = "a course is made from the solved lessons, which only a clone of the repository has; run it there"
        raise ToolMissing(f"{need} ({root} is none)")
    sys.path.insert(0, str(root))
    return int(importlib.import_module("tools.course").main(rest))
