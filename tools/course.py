"""``bcfl course``: a ready nbgrader course in a folder, and what an instructor does with it.

bcfl course DIR                   make it: sources, release, gradebook, student kit, guide
bcfl course collect DIR FOLDER    put the lessons that students handed in where they are graded
bcfl course back DIR NAME LESSON  take the file again that a newer one replaced
bcfl course check DIR             say what is wrong with what was handed in
bcfl course grade DIR             check, grade, write feedback and grades.csv
bcfl course predictions DIR       gather what students predicted
bcfl course release DIR LESSON    bring what was changed in source/ to release/, gradebook and kit
"""

from __future__ import annotations

import argparse
import logging
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import grading, intake, kit, predictions, release, term
from tools.lessons import lesson_paths, needs, pick, store

COMMANDS = ("make", "collect", "back", "check", "grade", "predictions", "release")


class NotEmpty(BcflError, FileExistsError):
    """The folder of a new course holds something already."""


def make(folder: Path, names: Sequence[str] = ()) -> None:
    """Make a course, or nothing: of one that could not be made to its end nothing is left.

    Args:
        folder: where to; must not exist or be empty.
        names: lessons to take, by number or whole name; empty takes all.

    Raises:
        UnknownLesson: if there is no such lesson.
        NotEmpty: if the folder holds something.
    """
    sources = {path.stem: release.prepare(path) for path in lesson_paths(names)}
    there = folder.exists()
    begin(folder)
    try:
        shutil.copy(services.project_root() / "docs" / "TEACHING.md", folder)
        for name, source in sources.items():
            add(folder, name, source)
        kit.write(folder / kit.NAME)
    except BaseException:
        shutil.rmtree(folder)
        if there:
            folder.mkdir()
        raise


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
    term.record(folder)


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
        log = folder / "logs" / f"{name}-generate_assignment.txt"
        log.parent.mkdir(exist_ok=True)
        log.write_text(str(said.get("log") or said.get("error")), encoding="utf-8")
        why = grading.why(log.read_text(encoding="utf-8"))
        raise grading.Refused(f"nbgrader made no release of {name}, and nothing has changed: {why} (see {log})")
    term.note_release(folder, name)


def renew(folder: Path, names: Sequence[str] = ()) -> Iterator[str]:
    """Bring lessons as they are now in `source` to where they are handed out and graded: release, gradebook and kit.

    Args:
        folder: the course.
        names: lessons, by number or whole name, own ones among them; empty takes all in `source`.

    Yields:
        Sentences: what was done, and what is still to be done.

    Raises:
        UnknownLesson: if `source` has no such lesson.
        grading.Refused: if nbgrader makes no release, as where graded cells come or go after a hand-in; the release
            that was there stays.
    """
    lessons, place = pick(_sources(folder), names, "source/"), folder / kit.NAME
    for name in lessons:
        made = folder / "release" / name
        with tempfile.TemporaryDirectory() as safe:
            if made.is_dir():
                shutil.copytree(made, Path(safe) / name)
            try:
                generate(folder, name)
            except grading.Refused:
                if (Path(safe) / name).is_dir():
                    shutil.copytree(Path(safe) / name, made, dirs_exist_ok=True)
                raise
        if (place / "lessons").is_dir():
            shutil.copy(made / f"{name}.ipynb", place / "lessons")
        yield f"{name}: its release, its points in the gradebook and the kit are those of source/"
        if count := len(grading.find(folder, [name])):
            yield f"{name}: {count} handed in: `bcfl course grade {folder} {name} --again` grades them by it"
    if (place / "lessons").is_dir():
        kit.pack(place)
        yield f"give students {place}.zip; who has a kit already needs the file of release/ in its lessons/ and my/"


def _sources(folder: Path) -> list[str]:
    """Lessons that have a source, own ones that were never released among them."""
    return sorted(path.parent.name for path in (folder / "source").glob("*/*.ipynb") if path.stem == path.parent.name)


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
        "back": "take the file again that a newer one replaced; the newer one is kept in its place",
        "check": "say what is wrong with what was handed in",
        "grade": "check, grade, write feedback and grades.csv; one bad submission stops no other",
        "predictions": "gather what students predicted, into predictions.csv and predictions.md",
        "release": "bring what was changed in source/ to release/, the gradebook and the kit",
    }
    for name in COMMANDS:
        command = commands.add_parser(name, help=helps[name])
        command.add_argument("folder", type=_path, metavar="DIR", help="the course")
        if name == "collect":
            command.add_argument(
                "handed_in", type=_path, metavar="FOLDER", help="with files such as anna_00_start_here.ipynb"
            )
        elif name == "back":
            command.add_argument("student", metavar="NAME", help="as the student's folder in submitted/ is called")
            command.add_argument("lesson", metavar="LESSON", help="number, such as 0 or 00, or whole name")
            command.add_argument("number", nargs="?", type=int, help="of the file in earlier/; default: the last one")
        else:
            command.add_argument("lessons", nargs="*", help="numbers, such as 0 or 00, or whole names; default: all")
        if name == "grade":
            command.add_argument("--again", action="store_true", help="grade also what has not changed since")
            command.add_argument(
                "--accept-clone", action="store_true", help="grade by this clone, though it has changed"
            )
            command.add_argument("--minutes", type=_minutes, default=grading.MINUTES, help="limit of one submission")
    return parser


def _path(text: str) -> Path:
    """A path as it was typed; where a shell left a ``~``, as make does, it is the home folder."""
    return Path(text).expanduser()


def _minutes(text: str) -> float:
    """A limit of time."""
    minutes = float(text)
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError(f"a limit of {text} minutes grades nothing; it must be above 0, such as 15")
    return minutes


def _run(parsed: argparse.Namespace) -> int:
    folder: Path = parsed.folder
    if parsed.command == "make":
        make(folder, parsed.lessons)
        names = grading.lessons_of(folder)
        print(f"{folder}: a course of {len(names)} lessons; read {folder / 'TEACHING.md'}")
        taken = {name[:2] for name in names}
        for path in lesson_paths(names):
            if missing := [number for number in needs(path) if number not in taken]:
                print(f"{path.stem} needs lesson {', '.join(missing)}, which is in the kit and not graded here")
        return 0
    grading.require_course(folder)
    if parsed.command == "check":
        problems = [
            problem for found in grading.find(folder, parsed.lessons) for problem in grading.check(folder, found)
        ]
        problems += [*grading.equals(folder, parsed.lessons), *_unreleased(folder, parsed.lessons)]
        print("\n".join(problems) or "nothing is wrong with what was handed in")
        return 0
    with term.locked(folder, parsed.command):
        return _change(folder, parsed)


def _change(folder: Path, parsed: argparse.Namespace) -> int:
    """Run a command that writes into a course."""
    if parsed.command == "collect":
        lines = intake.collect(folder, parsed.handed_in)
    elif parsed.command == "back":
        lines = iter([intake.back(folder, parsed.student, parsed.lesson, parsed.number)])
    elif parsed.command == "predictions":
        lines = iter([predictions.write(folder, parsed.lessons)])
    elif parsed.command == "release":
        lines = renew(folder, parsed.lessons)
    else:
        return _grade(folder, parsed)
    for line in lines:
        print(line, flush=True)
    return 0


def _unreleased(folder: Path, names: Sequence[str]) -> list[str]:
    """See `term.unreleased`; where no lesson is named, also of lessons in `source` that were never released."""
    return term.unreleased(folder, grading.lessons_of(folder, names) if names else _sources(folder))


def _grade(folder: Path, parsed: argparse.Namespace) -> int:
    grading.lessons_of(folder, parsed.lessons)  # raises before anything is written
    if parsed.accept_clone:
        term.record(folder)
    term.require_same_clone(folder)
    for line in _unreleased(folder, parsed.lessons):  # before hours of grading by what was meant to be replaced
        print(line, flush=True)
    failed = 0
    for line, graded in grading.grade(folder, parsed.lessons, again=parsed.again, minutes=parsed.minutes):
        failed += not graded
        print(line, flush=True)
    for line in grading.equals(folder, parsed.lessons):
        print(line)
    print(grading.write_grades(folder, parsed.lessons))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
