"""The ``bcfl`` command: doctor, build, run, refresh, student."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bcfl_support import toolchain
from bcfl_support.errors import BcflError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status."""
    parser = argparse.ArgumentParser(prog="bcfl", description="Blockchain federated learning: set-up and lessons.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="say what is installed, what is missing, and how to get it")
    commands.add_parser("build", help="compile the contracts")
    for name, purpose in (
        ("run", "execute lessons, write HTML to build/"),
        ("refresh", "execute lessons and store their outputs in place"),
        ("student", "write the lessons without solutions to build/student/"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("lessons", nargs="*", help="lesson numbers, such as 01; default: all")
    arguments = parser.parse_args(argv)
    try:
        return _run(arguments)
    except (BcflError, FileNotFoundError) as error:
        parser.exit(1, f"bcfl {arguments.command}: {error}\n")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "doctor":
        checks = toolchain.doctor()
        print(toolchain.format_doctor(checks))
        return int(any(check.necessary and not check.ok for check in checks))
    if arguments.command == "build":
        toolchain.build_contracts()
        return 0

    from bcfl_support import lessons

    if arguments.command == "run":
        return lessons.report(lessons.run(arguments.lessons))
    if arguments.command == "refresh":
        return lessons.report(lessons.refresh(arguments.lessons))
    for path in lessons.student(arguments.lessons):
        print(path.relative_to(toolchain.project_root()))
    return 0
