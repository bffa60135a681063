"""``bcfl course``: a ready nbgrader course in a folder, and what an instructor does with it.

bcfl course DIR                   make it: sources, release, gradebook, student kit, guide
bcfl course collect DIR FOLDER    put the lessons that students handed in where they are graded
bcfl course check DIR             say what is wrong with what was handed in
bcfl course grade DIR             check, grade, write feedback and grades.csv
bcfl course predictions DIR       gather what students predicted
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import grading, kit, predictions, release
from tools.lessons import lesson_paths, store

COMMANDS = ("make", "collect", "check", "grade", "predictions")


class NotEmpty(BcflError, FileExistsError):
    """The folder of a new course holds something already."""


def make(folder: Path, names: Sequence[str] = ()) -> None:
    """Make a course.

    Args:
        folder: where to; must not exist or be empty.
        names: lessons to take, by number; empty takes all.

    Raises:
        NotEmpty: if the folder holds something.
    """
    begin(folder)
    shutil.copy(services.project_root() / "docs" / "TEACHING.md", folder)
    for path in lesson_paths(names):
        add(folder, path.stem, release.prepare(path))
    kit.write(folder / kit.NAME)


def begin(folder: Path) -> None:
    """Make a course without lessons.

    Args:
        folder: where to; must not exist or be empty.

    Raises:
        NotEmpty: if the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NotEmpty(f"{folder} is not empty; take another folder, so that nobody's work or grades are written over")
    (folder / "submitted").mkdir(parents=True)
    shutil.copy(release.CONFIG, folder)


def add(folder: Path, name: str, source: Any) -> None:
    """Put a lesson into a course: its source, its release, its points in the gradebook.

    Args:
        folder: the course.
        name: of the lesson, which is its assignment's.
        source: with solutions and hidden tests (nbformat v4), as `release.prepare` makes it.
    """
    place = folder / "source" / name
    place.mkdir(parents=True)
    store(source, place / f"{name}.ipynb")
    generate(folder, name)


def generate(folder: Path, name: str) -> None:
    """Make a lesson's release of its source, and enter it into the gradebook, as ``nbgrader generate_assignment`` does.

    Args:
        folder: the course.
        name: the lesson, which is its assignment's name.

    Raises:
        grading.Refused: with what nbgrader said.
    """
    from nbgrader.apps import NbGraderAPI

    logging.getLogger("alembic").setLevel(logging.WARNING)
    said = NbGraderAPI(config=read_config(folder)).generate_assignment(name, force=True)
    if not said["success"]:
        raise grading.Refused(f"nbgrader made no release of {name}; it said:\n{said.get('log') or said.get('error')}")


def read_config(folder: Path) -> Any:
    """What a course's own `nbgrader_config.py` says."""
    from traitlets.config.loader import PyFileConfigLoader

    return PyFileConfigLoader(release.CONFIG.name, path=str(folder.resolve())).load_config()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] not in (*COMMANDS, "-h", "--help"):
        arguments.insert(0, "make")  # bcfl course DIR
    parsed = _parser().parse_args(arguments)
    try:
        return _run(parsed)
    except (BcflError, OSError) as error:
        print(f"bcfl course: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    about = "A ready nbgrader course of the lessons. `bcfl course DIR` makes it; its TEACHING.md is the guide."
    parser = argparse.ArgumentParser(prog="bcfl course", description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="DIR | COMMAND")
    helps = {
        "make": "make a course in a new folder; the word can be left out",
        "collect": "put the lessons that students handed in where they are graded",
        "check": "say what is wrong with what was handed in",
        "grade": "check, grade, write feedback and grades.csv; one bad submission stops no other",
        "predictions": "gather what students predicted, into predictions.csv and predictions.md",
    }
    for name in COMMANDS:
        command = commands.add_parser(name, help=helps[name])
        command.add_argument("folder", type=Path, metavar="DIR", help="the course")
        if name == "collect":
            command.add_argument(
                "handed_in", type=Path, metavar="FOLDER", help="with files such as anna_00_start_here.ipynb"
            )
        else:
            command.add_argument("lessons", nargs="*", help="lesson numbers, such as 00; default: all")
        if name == "grade":
            command.add_argument("--again", action="store_true", help="grade also what has not changed since")
            command.add_argument("--minutes", type=float, default=grading.MINUTES, help="limit of one submission")
    return parser


def _run(parsed: argparse.Namespace) -> int:
    folder: Path = parsed.folder
    if parsed.command == "make":
        make(folder, parsed.lessons)
        print(
            f"{folder}: a course of {len(list((folder / 'source').iterdir()))} lessons; read {folder / 'TEACHING.md'}"
        )
        return 0
    grading.require_course(folder)
    if parsed.command == "collect":
        for place in grading.collect(folder, parsed.handed_in):
            print(place)
        return 0
    if parsed.command == "predictions":
        print(predictions.write(folder, parsed.lessons))
        return 0
    if parsed.command == "check":
        problems = [
            problem for found in grading.find(folder, parsed.lessons) for problem in grading.check(folder, found)
        ]
        print("\n".join(problems) or "nothing is wrong with what was handed in")
        return 0
    failed = 0
    for line, graded in grading.grade(folder, parsed.lessons, again=parsed.again, minutes=parsed.minutes):
        failed += not graded
        print(line, flush=True)
    print(grading.write_grades(folder))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
