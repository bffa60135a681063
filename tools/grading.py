"""What was handed in: checked, graded. One bad submission is named and stops no other.

Each submission is graded by nbgrader in a process and a folder of its own, with a limit of time; what it started ends
with it, and what it changed in the course is put back. Its points are entered when nothing of it runs any more.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import runpy
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from bcfl_support.errors import BcflError
from tools import hand_in, release, term
from tools.lessons import pick

MINUTES = 15.0
"""Limit of one submission; a lesson takes one on two quiet cores."""

CONFIG = "nbgrader_config.py"


class Refused(BcflError, RuntimeError):
    """nbgrader did not do what it was asked for; the message holds what it said."""


class NoCourse(BcflError, FileNotFoundError):
    """A folder that is no course."""


@dataclass(frozen=True)
class Submission:
    """One lesson of one student.

    Attributes:
        student: name of the folder in `submitted`.
        lesson: the assignment's name.
        path: the file that was handed in.
    """

    student: str
    lesson: str
    path: Path


def require_course(folder: Path) -> None:
    """Raise `NoCourse` unless `bcfl course` made this folder."""
    if not (folder / CONFIG).is_file() or not (folder / "release").is_dir():
        raise NoCourse(f"{folder} is no course: it has no {CONFIG} and no release; `bcfl course {folder}` makes one")


def lessons_of(folder: Path, names: Sequence[str] = ()) -> list[str]:
    """A course's lessons.

    Args:
        folder: the course.
        names: those wanted, by number or whole name; empty takes all.

    Raises:
        UnknownLesson: if one is none of the course's.
    """
    every = sorted(path.name for path in (folder / "release").iterdir() if path.is_dir())
    return pick(every, names, "this course")


def find(folder: Path, names: Sequence[str] = ()) -> list[Submission]:
    """What was handed in, lesson by lesson; also where the file itself is missing.

    Args:
        folder: the course.
        names: see `lessons_of`.
    """
    found = []
    for lesson in lessons_of(folder, names):
        for place in sorted((folder / "submitted").glob(f"*/{lesson}")):
            found.append(Submission(place.parent.name, lesson, place / f"{lesson}.ipynb"))
    return found


# ---------------------------------------------------------------- before it is graded
def check(folder: Path, found: Submission) -> list[str]:
    """What is wrong with a submission, each in a sentence; grading copes with all but the first two.

    Args:
        folder: the course.
        found: one of `find`.
    """
    who = f"{found.student}, {found.lesson}"
    others = sorted(path.name for path in found.path.parent.iterdir() if path != found.path)
    said = [f"{who}: {name} lies beside the lesson and is not looked at" for name in others if name != "timestamp.txt"]
    if not found.path.is_file():
        return [f"{who}: {found.path.name} is missing", *said]
    try:
        notebook = json.loads(found.path.read_text(encoding="utf-8"))
        theirs = _cells(notebook)
    except Exception as error:  # what is no notebook fails in many ways
        what = str(error).partition("\n")[0][:200]
        return [f"{who}: the file is no notebook ({type(error).__name__}: {what})", *said]
    try:
        nbformat.validate(nbformat.from_dict(notebook))
    except nbformat.ValidationError as error:
        what = str(error).partition("\n")[0][:200]
        said.append(f"{who}: the file does not keep to the form of notebooks ({what})")
    blank = folder / "release" / found.lesson / found.path.name
    ours = _cells(json.loads(blank.read_text(encoding="utf-8")))
    if hand_in.cells(found.path) == hand_in.cells(blank):
        said.append(f"{who}: it is as it was handed out; nothing is written in it")
    return said + [f"{who}: {what}" for what in _oddities(theirs, ours, _rules(folder / CONFIG))]


def equals(folder: Path, names: Sequence[str] = ()) -> Iterator[str]:
    """Hand-ins of several students whose answers are the same, to the letter; those left blank are not compared.

    Args:
        folder: the course.
        names: see `lessons_of`.

    Yields:
        A sentence for each group of them.
    """
    rules, groups = _rules(folder / CONFIG), dict[tuple[str, frozenset[tuple[int, str]]], list[str]]()
    for found in find(folder, names):
        blank = folder / "release" / found.lesson / found.path.name
        ours = _cells(json.loads(blank.read_text(encoding="utf-8")))
        try:
            theirs = _cells(json.loads(found.path.read_text(encoding="utf-8")))
            pairs = rules["pair"](theirs, ours)
        except Exception:  # what is no notebook fails in many ways, and `check` says how
            continue
        answers = frozenset(
            (place, theirs[mine].source)
            for mine, place in pairs.items()
            if rules["grader"](ours[place]).get("solution") and theirs[mine].source not in ("", ours[place].source)
        )
        groups.setdefault((found.lesson, answers), []).append(found.student)
    for (lesson, answers), who in groups.items():
        if answers and len(who) > 1:
            what = f"all {len(answers)} answers are" if len(answers) > 1 else "the one answer is"
            yield f"{' and '.join(who)}, {lesson}: {what} the same, to the letter; no points are taken for it"


def _cells(notebook: Any) -> list[Any]:
    """The cells of a notebook's JSON, with texts without the blanks at their ends."""
    cells = list(nbformat.from_dict(notebook).cells)
    for cell in cells:
        cell.source = _source(cell)
    return cells


def _rules(settings: Path = release.CONFIG) -> dict[str, Any]:
    """What a course's settings define: how cells are told, and which of them are checks and answers."""
    from traitlets.config import Config

    return runpy.run_path(str(settings), {"get_config": Config})


def _oddities(theirs: list[Any], ours: list[Any], rules: dict[str, Any]) -> Iterator[str]:
    """What a submission does with the lesson's cells."""
    grader, is_check, is_answer = rules["grader"], rules["is_check"], rules["is_answer"]
    pairs = rules["pair"](theirs, ours)
    back = {place: theirs[mine] for mine, place in pairs.items()}
    names = [grader(cell).get("grade_id") for cell in theirs]
    known = {grader(cell)["grade_id"]: cell for cell in ours if grader(cell)}
    if known and not set(names) & set(known):
        yield "it has none of this lesson's marks; is it another lesson, or was it saved by another program?"
    elif len(known) > 1 and (other := len([name for name in names if name and name not in known])) > len(known) // 2:
        yield f"{other} cells have marks of no cell of this lesson; is it another one?"
    edited, deleted = [], []
    for place, cell in enumerate(ours):
        mine, name = back.get(place), grader(cell).get("grade_id")
        changed = mine is not None and not is_answer(cell) and mine.source != cell.source
        if not name:
            if cell.cell_type == "code" and mine is None:
                deleted.append(cell)
            elif cell.cell_type == "code" and changed:
                edited.append(cell)
            continue
        kind = "check" if is_check(cell) else "place for the answer"
        if mine is None:
            yield f"the {kind} {name} was deleted; it is put back"
        if names.count(name) > 1:
            yield f"{name} is there {names.count(name)} times; the last one counts"
        copies = [other for other, its in zip(theirs, names, strict=True) if its == name] or ([mine] if mine else [])
        if not is_answer(cell) and any(copy.source != cell.source for copy in copies):
            yield f"the {kind} {name} was edited; it is run as it was handed out"
        if any({"skip-execution", "raises-exception"} & set(_tags(copy)) for copy in copies):
            yield f"{name} has a tag that would keep it from being run or judged; it is taken off"
    for cells, what in ((edited, "edited; it is run as it was handed out"), (deleted, "deleted; it is put back")):
        for cell in cells:
            yield f"the lesson's cell “{cell.source.partition(chr(10))[0][:60]}” was {what}"
    order = [place for _, place in sorted(pairs.items()) if ours[place].cell_type == "code"]
    if order != sorted(order):
        yield "cells of the lesson were moved; they are run in the lesson's order"
    for name in dict.fromkeys(name for name in names if name and name not in known):
        yield f"{name} is no cell of the lesson; it earns nothing"
    reaching = [word for word in REACHING if any(word in cell.source for cell in _written(theirs, ours, pairs))]
    if reaching:
        yield f"what the student wrote speaks of {', '.join(reaching)}: read it"


REACHING = (
    "get_ipython", "ipykernel", "shell_handlers", "_getframe", "settrace", "setprofile", "__code__", "__globals__",
    "builtins", "ctypes", "import gc", "exec(", "eval(", "__import__", "sqlite3", "gradebook", "subprocess", "Popen",
    "os.fork", "source/", "setattr(",
)  # fmt: skip
"""Words of answers that reach further than an exercise asks."""


def _written(theirs: list[Any], ours: list[Any], pairs: dict[int, int]) -> list[Any]:
    """The code that is the student's own: answers and further cells, not what the lesson has anywhere."""
    lesson = {cell.source.rstrip() for cell in ours}
    graded = {place for place, cell in enumerate(ours) if not cell.metadata.get("nbgrader", {}).get("solution")}
    return [
        cell
        for place, cell in enumerate(theirs)
        if cell.cell_type == "code" and pairs.get(place) not in graded and cell.source.rstrip() not in lesson
    ]


def _source(cell: Any) -> str:
    return "".join(cell["source"]).rstrip()


def _tags(cell: Any) -> list[str]:
    tags = cell["metadata"].get("tags", [])
    return tags if isinstance(tags, list) else []


# ---------------------------------------------------------------- grading
def grade(
    folder: Path, names: Sequence[str] = (), *, again: bool = False, minutes: float = MINUTES
) -> Iterator[tuple[str, bool]]:
    """Check and grade what was handed in and has changed since it was graded, and write feedback.

    Args:
        folder: the course.
        names: see `lessons_of`.
        again: grade also what has not changed.
        minutes: limit of one submission.

    Yields:
        For each submission lines for the instructor, and whether it was graded.
    """
    for found in find(folder, names):
        done = folder / "autograded" / found.student / found.lesson / found.path.name
        same = done.is_file() and found.path.is_file() and _seal(folder, found) == _digest(found.path)
        if same and not again:
            if by_hand(folder, found).given and (
                trouble := _nbgrader(folder, folder, "generate_feedback", found, minutes)
            ):
                yield f"{found.student}, {found.lesson}: its feedback could not be written anew: {trouble}", False
            continue
        said = check(folder, found)
        start = time.monotonic()
        trouble, told = _run(folder, found, minutes, same) if found.path.is_file() else ("nothing to grade", [])
        said += [f"{found.student}, {found.lesson}: {what}" for what in told]
        if trouble:
            _seal_of(folder, found).unlink(missing_ok=True)
            if done.is_file():
                said.append(
                    f"{found.student}, {found.lesson}: what was graded before keeps its points and its feedback"
                )
        elif trouble := _nbgrader(folder, folder, "generate_feedback", found, minutes):
            for part in ("autograded", "feedback"):  # what was begun is no grade, and older feedback is not this file's
                shutil.rmtree(folder / part / found.student / found.lesson, ignore_errors=True)
        else:
            _seal_of(folder, found).write_text(_digest(found.path), encoding="utf-8")
            if (hand := by_hand(folder, found)).given and not same:
                cells = f" (points: {', '.join(hand.outdated)})" if hand.outdated else ""
                what = f"what was given by hand{cells} was for another file and still counts; look again in Formgrader"
                said.append(f"{found.student}, {found.lesson}: {what}")
        seconds = time.monotonic() - start
        earned = "" if trouble else "{:g} of {:g}".format(*points(folder, found))
        verdict = f"{found.student}, {found.lesson}: {'NOT GRADED: ' + trouble if trouble else earned}"
        yield "\n".join([f"{verdict}  ({seconds:.0f} s)", *(f"    {line}" for line in said)]), not trouble


def _told(folder: Path, found: Submission) -> list[str]:
    """What the settings' classes said of a submission while it was graded."""
    log = folder / "logs" / f"{found.student}-{found.lesson}-autograde.txt"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return [what[:500] for what in re.findall(r"^BCFL: (.+)", text, re.MULTILINE)][:5]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _seal_of(folder: Path, found: Submission) -> Path:
    """Where the digest of the file stands that was graded; a file's time says when it was written, not when it came."""
    return folder / "logs" / f"{found.student}-{found.lesson}.sha256"


def _seal(folder: Path, found: Submission) -> str:
    place = _seal_of(folder, found)
    return place.read_text(encoding="utf-8") if place.is_file() else ""


def _run(folder: Path, found: Submission, minutes: float, same: bool) -> tuple[str, list[str]]:
    """Grade a submission in a room of its own, and take over its points and nothing else.

    Args:
        folder: the course; what a submission changes there is put back.
        found: the submission.
        minutes: its limit.
        same: whether this very file was graded before.

    Returns:
        What went wrong, empty if nothing did; and what is odd about it.
    """
    before, rules = _contents(folder), _rules(folder / CONFIG)  # read before the submission could change them
    with tempfile.TemporaryDirectory(prefix="bcfl-", ignore_cleanup_errors=True) as place:
        room = Path(place).resolve()
        _furnish(folder, found, room)
        tag = {TAG: f"{os.getpid()}-{os.urandom(8).hex()}", "IPYTHONDIR": str(room / "ipython")}
        try:
            trouble = _nbgrader(folder, room, "autograde", found, minutes, tag)
        finally:
            left = rules["end_started"](tag[TAG], room)
            told = _put_back(folder, before)
        if left:
            told.append(f"it left {left} processes running; they were ended")
        if not trouble:
            told += _told(folder, found)
            graded = room / "autograded" / found.student / found.lesson / found.path.name
            trouble = _take_over(folder, found, graded, same)
    return trouble, told


TAG = "BCFL_GRADING"
"""In the environment of all that a submission starts."""

LEFT_OUT = ("logs", "student-kit", "student-kit.zip")
"""What is in a course and not looked at: what is written while grading, and what was handed out."""


def _contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Every file of a course, and when it was written."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if inside[0] not in LEFT_OUT and not any(part[0] == "." for part in inside) and path.is_file():
            found[path] = (path.read_bytes(), path.stat().st_mtime_ns)
    return found


def _put_back(folder: Path, before: dict[Path, tuple[bytes, int]]) -> list[str]:
    """Undo what was changed in a course meanwhile, each in a sentence; what is new is named and left."""
    after = _contents(folder)
    said = []
    for path, (content, written) in before.items():
        if path not in after or after[path][0] != content:
            if path.is_symlink():
                path.unlink()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, ns=(written, written))
            said.append(f"{path.relative_to(folder)} was changed while it was graded; that was put back")
    said += [f"{path.relative_to(folder)} came while it was graded; look at it" for path in after if path not in before]
    return said


def _furnish(folder: Path, found: Submission, room: Path) -> None:
    """Make a course of one lesson and one submission, without solutions, other lessons, or anybody's points."""
    shutil.copy(folder / CONFIG, room)
    shutil.copytree(folder / "release" / found.lesson, room / "release" / found.lesson)
    theirs = room / "submitted" / found.student / found.lesson
    theirs.mkdir(parents=True)
    for path in (found.path, found.path.with_name("timestamp.txt")):
        if path.is_file():
            shutil.copy2(path, theirs)
    beside = folder / "source" / found.lesson
    shutil.copytree(beside, room / "source" / found.lesson, ignore=shutil.ignore_patterns("*.ipynb", ".*"))
    with (
        contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as whole,
        contextlib.closing(sqlite3.connect(room / "gradebook.db", isolation_level=None)) as part,
    ):
        whole.backup(part)
        for table in ("comment", "grade", "submitted_notebook", "submitted_assignment", "student"):
            part.execute(f"DELETE FROM {table}")
        part.execute("DELETE FROM assignment WHERE name != ?", [found.lesson])
        part.execute("DELETE FROM notebook WHERE assignment_id NOT IN (SELECT id FROM assignment)")
        for table in ("source_cell", "base_cell"):
            part.execute(f"DELETE FROM {table} WHERE notebook_id NOT IN (SELECT id FROM notebook)")
        for table in ("grade_cells", "solution_cells", "task_cells"):
            part.execute(f"DELETE FROM {table} WHERE id NOT IN (SELECT id FROM base_cell)")
        part.execute("VACUUM")


def _take_over(folder: Path, found: Submission, graded: Path, same: bool) -> str:
    """Enter what a graded notebook earned into the gradebook, and keep the notebook; what went wrong, if anything.

    Points are read from the notebook, which was written when nothing of the student's ran any more, and are those of
    the course's own list of checks. What a hand gave for another file than this one awaits a hand again; for the same
    file it stands.
    """
    from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
    from nbgrader.utils import parse_utc
    from traitlets.config.loader import PyFileConfigLoader

    try:
        notebook = nbformat.read(graded, as_version=4)
    except Exception as error:  # what is no notebook fails in many ways
        return f"what was graded is no notebook ({type(error).__name__})"
    stamp = found.path.with_name("timestamp.txt")
    when = stamp.read_text(encoding="utf-8").strip() if stamp.is_file() else ""
    with gradebook(folder) as book, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Object of type .* not in session")  # nbgrader's own way to make one
        book.update_or_create_student(found.student)
        more = {"timestamp": parse_utc(when)} if when else {}
        [kept] = book.update_or_create_submission(found.lesson, found.student, **more).notebooks
        awaited = {grade.name: grade.needs_manual_grade for grade in kept.grades}
    names = {"notebook": found.path.stem, "assignment": found.lesson, "student": found.student}
    names["db_url"] = f"sqlite:///{folder.resolve()}/gradebook.db"
    config = PyFileConfigLoader(CONFIG, path=str(folder.resolve())).load_config()
    for step in (SaveAutoGrades, AssignLatePenalties):
        step(config=config).preprocess(notebook, {"nbgrader": names})
    with gradebook(folder) as book:
        [kept] = book.find_submission(found.lesson, found.student).notebooks
        for grade in kept.grades:
            if grade.auto_score is not None:
                grade.auto_score = min(max(grade.auto_score, 0), grade.max_score)
            if grade.manual_score is not None or grade.extra_credit:
                grade.needs_manual_grade = awaited[grade.name] if same else True
        book.db.commit()
    place = folder / "autograded" / found.student / found.lesson
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.copy(graded, place)
    return ""


def _nbgrader(
    folder: Path, room: Path, command: str, found: Submission, minutes: float, more: dict[str, str] | None = None
) -> str:
    """Run one of nbgrader's commands in a room, with more in its environment; what went wrong, empty if nothing did."""
    log = folder / "logs" / f"{found.student}-{found.lesson}-{command}.txt"
    log.parent.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "nbgrader", command, found.lesson, f"--student={found.student}", "--force"]
    options: dict[str, Any] = {"cwd": room, "stdin": subprocess.DEVNULL, "env": os.environ | (more or {})}
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT, **options)
        try:
            status = process.wait(timeout=60 * minutes)
        except subprocess.TimeoutExpired:
            end(process.pid)
            return f"it took more than {minutes:g} minutes and was ended"
        except BaseException:
            end(process.pid)
            raise
    if not status:
        return ""
    return f"{why(log.read_text(encoding='utf-8', errors='replace'))} (see {log})"


def why(log: str) -> str:
    """The sentence of an nbgrader log that says why it failed."""
    lines = re.findall(r"^ *(\w+(?:\.\w+)*(?:Error|Exception)\b.*)", log, re.MULTILINE)
    return lines[0][:200] if lines else "nbgrader failed"


def end(pid: int) -> None:
    """End a process and all that it has started, at once."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=10)


def gradebook(folder: Path) -> Any:
    """A course's gradebook, to be used in a ``with``."""
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{folder.resolve()}/gradebook.db")


def points(folder: Path, found: Submission) -> tuple[float, float]:
    """Points that a submission has in the gradebook, and how many there are."""
    with gradebook(folder) as book:
        graded = book.find_submission(found.lesson, found.student)
        return graded.score, graded.max_score


def scores(folder: Path, found: Submission) -> dict[str, float]:
    """Points of each check of a submission, by the check's name."""
    with gradebook(folder) as book:
        [notebook] = book.find_submission(found.lesson, found.student).notebooks
        return {score.name: score.score for score in notebook.grades}


@dataclass(frozen=True)
class ByHand:
    """What hands have done, and have to do, at a graded submission.

    Attributes:
        given: whether one has given points, extra points or a comment.
        awaited: names of the cells that await their first points.
        outdated: names of those whose points were given for another file.
    """

    given: bool
    awaited: list[str]
    outdated: list[str]


def by_hand(folder: Path, found: Submission) -> ByHand:
    """What hands have done, and have to do, at a graded submission."""
    with gradebook(folder) as book:
        [notebook] = book.find_submission(found.lesson, found.student).notebooks
        given = {one.name: one.manual_score is not None or bool(one.extra_credit) for one in notebook.grades}
        open_ones = sorted(one.name for one in notebook.grades if one.needs_manual_grade)
        commented = any(one.manual_comment is not None for one in notebook.comments)
    awaited, outdated = ([name for name in open_ones if given[name] is it] for it in (False, True))
    return ByHand(commented or any(given.values()), awaited, outdated)


STATES = {
    "graded": "",
    "awaits a hand": "points by hand are still to be given, in Formgrader",
    "look again": "points by hand are for an earlier file and still count; in Formgrader type others, or, to confirm "
    "them, clear them and type them again",
    "an earlier one's": "the newest file could not be graded, and the points are those of the one before",
    "not graded": "why stands above, or in logs/; `bcfl course check` says more",
    "nothing handed in": "",
}
"""What `grades.csv` says of a submission, and what is to be done."""


def write_grades(folder: Path, names: Sequence[str] = ()) -> str:
    """Write `grades.csv` anew: a row for each student and lesson; sentences that say so, and what is to be done.

    With a list of the class each of its names has a row for every lesson that somebody has handed in.

    Args:
        folder: the course.
        names: lessons of which it is said what is to be done, see `lessons_of`; the table holds all.
    """
    rows, spoken_of = [], lessons_of(folder, names)
    for found in find(folder):
        done = folder / "autograded" / found.student / found.lesson / found.path.name
        earned, most = points(folder, found) if done.is_file() else ("", "")
        state = "not graded"
        if done.is_file():
            of_this, hand = found.path.is_file() and _seal(folder, found) == _digest(found.path), by_hand(folder, found)
            state = "look again" if hand.outdated else "awaits a hand" if hand.awaited else "graded"
            state = "an earlier one's" if state == "graded" and not of_this else state
        rows.append([found.student, found.lesson, earned, most, state])
    there = {(row[0], row[1]) for row in rows}
    for lesson in sorted({lesson for _, lesson in there}):
        missing = [name for name in term.read_class(folder) if (name, lesson) not in there]
        rows += [[name, lesson, "", "", "nothing handed in"] for name in missing]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["student", "lesson", "points", "of", "state"], *sorted(rows, key=lambda row: row[1])])
    said = [f"{len(rows)} rows are in {folder / 'grades.csv'}, feedback in {folder / 'feedback'}"]
    said += filter(None, [term.renew(folder, "grades.csv", text.getvalue())])
    for state, what in STATES.items():
        if what and (count := sum(row[-1] == state and row[1] in spoken_of for row in rows)):
            said.append(f"{count} × “{state}”: {what}")
    return "\n".join(said)
