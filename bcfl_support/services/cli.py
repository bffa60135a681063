"""The ``bcfl`` command: doctor, build."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bcfl_support.errors import BcflError
from bcfl_support.services.machine import doctor, format_doctor
from bcfl_support.services.programs import build_contracts


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    about = "Blockchain federated learning: what is installed, and the contracts."
    parser = argparse.ArgumentParser(prog="bcfl", description=about)
    what = "doctor: say what is installed, what is missing, and how to get it; build: compile the contracts"
    parser.add_argument("command", choices=("doctor", "build"), help=what)
    command = parser.parse_args(argv).command
    try:
        if command == "build":
            build_contracts()
            return 0
        checks = doctor()
    except BcflError as error:
        parser.exit(1, f"bcfl {command}: {error}\n")
    print(format_doctor(checks))
    return int(not all(check.ok for check in checks))
