"""``python -m tools COMMAND``: run, refresh, student, learner, wheel, kit, page, house, figure, address."""

from __future__ import annotations

import argparse
import errno
import io
import sys
from collections.abc import Iterator, Sequence

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import address, figure, house, lessons, page, release


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack the signs of a lesson's message
    parser = argparse.ArgumentParser(prog="python -m tools", description="What serves the lessons as files.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in (
        ("run", "execute lessons, write them as pages to build/html/"),
        ("refresh", "execute lessons and store their outputs in place"),
        ("page", "say what stands wrong on the lessons' pages"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("lessons", nargs="*", help="lesson numbers, such as 01; default: all")
    commands.add_parser("student", help="write the blank lessons, as a course hands them out, to build/student/")
    commands.add_parser("learner", help="bring the blank lessons to my/, where nothing that was changed is overwritten")
    commands.add_parser("wheel", help="build the package as a wheel that needs no clone, in dist/")
    commands.add_parser("kit", help="write the students' kit as a zip, in dist/")
    commands.add_parser("house", help="draw the rooms of the package and who imports whom")
    commands.add_parser("figure", help="draw the README's figure from results/, as docs/gas.svg")
    command = commands.add_parser("address", help="set where the repository is published, in all its places")
    command.add_argument("where", nargs="?", default="", help="such as https://github.com/you/lessons; none: nowhere")
    arguments = parser.parse_args(argv)
    try:
        return _run(arguments)
    except (BcflError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            error = BcflError(f"{error}; copy the project to a folder that you may write to, and run it there")
        parser.exit(1, f"{parser.prog} {arguments.command}: {error}\n")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "house":
        print(house.draw())
        return 0
    if arguments.command == "address":
        address.write(arguments.where)
        return 0
    if arguments.command == "figure":
        print(figure.write())
        return 0
    if arguments.command == "wheel":
        return _print_made("make_wheel")
    if arguments.command != "learner":  # there a damaged lesson does not keep the others back
        for path in lessons.lesson_paths(getattr(arguments, "lessons", ())):
            release.read(path)
    if arguments.command == "run":
        return _report(lessons.run(arguments.lessons))
    if arguments.command == "refresh":
        return _report(lessons.refresh(arguments.lessons))
    if arguments.command == "page":
        return page.report(arguments.lessons)
    if arguments.command == "kit":
        return _print_made("write_zip")
    if arguments.command == "learner":
        for sentence in release.deliver(services.project_root() / "my"):
            print(sentence)
        return 0
    for path in release.write_all(services.project_root() / "build" / "student"):
        print(path.relative_to(services.project_root()))
    return 0


def _print_made(how: str) -> int:
    """Make a file of a release by a function of `tools.kit`, and say where it is."""
    from tools import kit  # loads setuptools, which nothing else needs

    print(getattr(kit, how)(services.project_root() / "dist"))
    return 0


def _report(rows: Iterator[tuple[str, float, str]]) -> int:
    """Print a progress line for each lesson; return 1 if one failed."""
    total, failed = 0.0, 0
    for name, seconds, error in rows:
        total += seconds
        failed += bool(error)
        print(f"{'FAILED' if error else 'ok':<7}{seconds:6.1f} s  {name}  {error}".rstrip(), flush=True)
    print(f"{total:13.1f} s  in all", flush=True)
    if failed:
        print(f"{failed} of the lessons failed; `bcfl doctor` says whether something is missing", file=sys.stderr)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
