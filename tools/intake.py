"""What students sent, put where it is graded: whose it is, of which lesson, and nothing lost on the way or back."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bcfl_support.errors import BcflError
from tools import term
from tools.grading import Submission, find, lessons_of
from tools.lessons import lesson_paths

NOBODY = {"my", "hand-in", "student-kit", "submitted", "notebooks"}
"""Folders that are called alike at everybody's, and so name nobody."""


class Unclear(BcflError, ValueError):
    """It cannot be said whose a file is, or of which lesson; the message says why, and what to do."""


class NotHandedIn(Unclear):
    """It is nothing that a student worked in."""


SHOWN = 3
"""So many files that are left for the same such reason are named; the others are counted."""


class NothingKept(BcflError, LookupError):
    """Nothing that a newer file replaced is kept, or not the one that was asked for."""


def collect(folder: Path, handed_in: Path) -> Iterator[str]:
    """Copy the lessons that students handed in to where they are graded; nothing is lost on the way.

    Args:
        folder: the course.
        handed_in: folder with files whose names end with a lesson's; what stands before it, in the name or as a
            folder's between the two, is the student: ``anna_00_start_here.ipynb``, ``anna/my/00_start_here.ipynb``.
            Where a name and a folder are two students', the file is left.

    Yields:
        A sentence for each file: where it is now, or why it was left. Of two that differ, for the same student and
        lesson, both are left; what a newer one replaces is kept in `earlier`. Files that no student worked in are
        counted after the first few.

    Raises:
        NotADirectoryError: if there is no such folder.
    """
    if not handed_in.is_dir():
        raise NotADirectoryError(f"{handed_in} is no folder; put what students sent into one, and name that")
    offered: dict[Submission, list[Path]] = {}
    beside: dict[str, int] = {}
    for path in sorted(path for path in handed_in.rglob("*") if path.is_file()):
        try:
            offered.setdefault(_whose(folder, handed_in, path), []).append(path)
        except NotHandedIn as why:
            beside[str(why)] = beside.get(str(why), 0) + 1
            if beside[str(why)] <= SHOWN:
                yield f"left: {path}: {why}"
        except Unclear as why:
            yield f"left: {path}: {why}"
    for reason, count in beside.items():
        if count > SHOWN:
            yield f"left: {count - SHOWN} more in {handed_in}, of each: {reason}"
    spelled: dict[str, set[str]] = {}
    for one in [*offered, *find(folder)]:
        spelled.setdefault(term.fold(one.student), set()).add(one.student)
    for one, paths in offered.items():
        alike = sorted(spelled[term.fold(one.student)])
        if len({path.read_bytes() for path in paths}) > 1:
            others = ", ".join(map(str, paths))
            yield f"left: {others}: they differ, and all are {one.student}'s {one.lesson}; leave one of them there"
        elif len(alike) > 1:
            yield f"left: {paths[0]}: {' and '.join(alike)} may be one student or more; give them one name, or two"
        else:
            yield _take(folder, one, paths[0])


def _whose(folder: Path, handed_in: Path, path: Path) -> Submission:
    """What a file's name and folders say it is; raises `Unclear`."""
    between = path.relative_to(handed_in).parts[:-1]
    if path.suffix.lower() != ".ipynb":
        if path.suffix.lower() in (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar"):
            raise Unclear("it is packed; unpack it into a folder with the student's name")
        raise NotHandedIn("it is no notebook")
    # A Mac's zip has a file "._name" beside each, which holds no text of it.
    if path.name.startswith("._") or {".ipynb_checkpoints", "__MACOSX", "lessons", "solved"} & set(between):
        raise NotHandedIn("it is a copy that a program put there, and not what the student works in")
    known = "|".join(map(re.escape, lessons_of(folder)))
    match = re.fullmatch(rf"(?:(.+?)[_-]+)?({known})(?: ?\(\d+\))?", path.stem)
    if not match:
        every = "|".join(re.escape(other.stem) for other in lesson_paths())
        other = re.search(rf"({every})(?: ?\(\d+\))?$", path.stem)
        raise Unclear(f"this course has no lesson {other[1]}" if other else "its name does not end with a lesson's")
    folders = [name for name in reversed(between) if name.lower() not in NOBODY]
    student = _student(term.read_class(folder), match[1] or "", folders, match[2])
    return Submission(student, match[2], folder / "submitted" / student / match[2] / f"{match[2]}.ipynb")


def _student(known: Sequence[str], said: str, folders: Sequence[str], lesson: str) -> str:
    """Whose a file is, by its name and the folders that it lies in; where they disagree, nobody's.

    Args:
        known: names of the class; empty if there is no list.
        said: what stands in the file's name before the lesson's; may be empty.
        folders: those that could be a student's, the inmost first.
        lesson: the lesson's name.

    Raises:
        Unclear: if they name nobody, or more than one.
    """
    if said:
        agreeing = [name for name in folders if _agree(said, name)]
        if folders and not agreeing:
            raise Unclear(
                f"its name says {said}, its folder {folders[0]}; if it is {said}'s, move it out of that folder, if not "
                f"rename it; where the folder is no student's, collect from that folder itself"
            )
        names = [said, *agreeing]
    else:
        names = list(folders)
    spelled = {term.fold(name): name for name in known}
    students = list(dict.fromkeys(filter(None, map(term.student_name, names))))
    if known and students:
        listed = list(dict.fromkeys(spelled[term.fold(it)] for it in students if term.fold(it) in spelled))
        if not listed:
            raise Unclear(f"{term.CLASS} has no {' and no '.join(students)}; correct the file's name, or the list")
        students = listed
    elif said:  # "Anna Smith" says more than "anna"
        students = [max(students, key=lambda name: len(_words(name)))] if students else []
    if not students:
        raise Unclear(f"it does not say whose it is; call it anna_{lesson}.ipynb, or put it into a folder anna")
    if len(students) > 1:
        raise Unclear(
            f"{' and '.join(students)} may each be the student; call it anna_{lesson}.ipynb after whose it is, or "
            f"collect from the folder in which the students' folders lie"
        )
    return students[0]


def _words(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", term.fold(term.student_name(name)))) - {""}


def _agree(one: str, other: str) -> bool:
    """Whether two names can be one student's: all words of one are in the other, as in anna and Anna Smith."""
    return _words(one) <= _words(other) or _words(other) <= _words(one)


def _take(folder: Path, one: Submission, path: Path) -> str:
    """Put a file where it is graded, unless what is there is the same or newer; a sentence on what was done."""
    place = one.path
    if place.is_file():
        if place.read_bytes() == path.read_bytes():
            return f"{place} (it was there)"
        if path.stat().st_mtime <= place.stat().st_mtime:
            return f"left: {path}: it is not newer than {place}; to take it all the same, move that one away"
        earlier = term.next_free(folder / "earlier" / one.student / one.lesson, "", ".ipynb")
        shutil.copy2(place, earlier)
        shutil.copy2(path, place)
        return f"{place} (it replaces an older one, kept as {earlier})"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, place)
    return str(place)


def back(folder: Path, student: str, lesson: str, number: int | None = None) -> str:
    """Let a file that a newer one replaced be graded again; the two change places, so the same words undo it.

    Args:
        folder: the course.
        student: the name, as a folder of `submitted` is called; capitals and umlauts do not matter.
        lesson: number or whole name.
        number: of the file in `earlier`; None takes the one that was replaced last.

    Returns:
        A sentence on what is where now, and what to do.

    Raises:
        UnknownLesson: if the course has no such lesson.
        NothingKept: if `earlier` has no such file.
    """
    [name] = lessons_of(folder, [lesson])
    places = {
        int(path.stem): path
        for path in (folder / "earlier").glob(f"*/{name}/*.ipynb")
        if term.fold(path.parts[-3]) == term.fold(term.student_name(student)) and path.stem.isdecimal()
    }
    number = max(places, default=None) if number is None else number
    if number not in places:
        others = ", ".join(map(str, sorted(places)))
        what = f"only {others}; name one of these" if places else f"nothing of {student}, {name}; nothing has changed"
        raise NothingKept(f"{folder / 'earlier'} has {what}")
    kept = places[number]
    place = folder / "submitted" / kept.parts[-3] / name / f"{name}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    then = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.stat().st_mtime))
    said = f"{place} is the file of {then} again"
    if place.is_file():
        safe = kept.with_name(f"{kept.name}.swap")  # at every moment each of the two is somewhere under a name
        shutil.copy2(place, safe)
        os.replace(kept, place)
        os.replace(safe, kept)
        said += f"; what stood there is {kept} (`bcfl course back {folder} {kept.parts[-3]} {name} {number}` undoes it)"
    else:
        os.replace(kept, place)
    return f"{said}; `bcfl course grade {folder} {name}` grades it"
