"""The ``bcfl`` command: doctor, build, course."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from bcfl_support.errors import BcflError, ToolMissing
from bcfl_support.services.machine import doctor, format_doctor
from bcfl_support.services.programs import build_contracts, project_root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    about = "Blockchain federated learning: what is installed, the contracts, a course."
    parser = argparse.ArgumentParser(prog="bcfl", description=about)
    what = (
        "doctor: say what is installed, what is missing, and how to get it; build: compile the contracts; "
        "course DIR: make an nbgrader course (bcfl course --help)"
    )
    parser.add_argument("command", choices=("doctor", "build", "course"), help=what)
    command = parser.parse_args(arguments[:1]).command
    try:
        if command == "course":
            return _course(arguments[1:])
        parser.parse_args(arguments)
        if command == "build":
            build_contracts()
            return 0
        checks = doctor()
    except BcflError as error:
        parser.exit(1, f"bcfl {command}: {error}\n")
    print(format_doctor(checks))
    return int(not all(check.ok for check in checks))


def _course(arguments: Sequence[str]) -> int:
    """Hand over to the repository's tools, which no wheel brings along: the solved lessons are theirs."""
    advice = "a course is made from the solved lessons, which only a clone of the repository has; run it there"
    try:
        root = project_root()
    except ToolMissing:
        raise ToolMissing(advice) from None
    if not (root / "tools" / "course.py").is_file():
        raise ToolMissing(f"{advice} ({root} is none)")
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return subprocess.call([sys.executable, "-m", "tools.course", *arguments], env={**os.environ, "PYTHONPATH": path})
