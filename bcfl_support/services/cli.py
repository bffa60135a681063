"""The ``bcfl`` command: doctor, build."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bcfl_support.errors import BcflError
from bcfl_support.services.machine import doctor, format_doctor
from bcfl_support.services.programs import build_contracts


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="bcfl", description="Blockchain federated learning: what is installed, and the contracts."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="say what is installed, what is missing, and how to get it")
    commands.add_parser("build", help="compile the contracts")
    arguments = parser.parse_args(argv)
    try:
        return _run(arguments)
    except BcflError as error:
        parser.exit(1, f"bcfl {arguments.command}: {error}\n")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "doctor":
        checks = doctor()
        print(format_doctor(checks))
        return int(any(check.necessary and not check.ok for check in checks))
    build_contracts()
    return 0
