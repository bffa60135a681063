"""A course over a term: the clone that it was made from, its class, one command at a time, and no edit lost."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from bcfl_support import services
from bcfl_support.errors import BcflError

RECORD = "course.json"
"""What a course was made from."""

CLASS = "students.txt"
"""A list of the class that an instructor may put into a course: a name a line, as in the names of files."""

CALLED = ("bcfl_support", "contracts/src", "results", "requirements.lock", "package-lock.json")
"""What of the clone a check calls or reads; the lessons themselves are copied."""

NOT_CALLED = ("lesson_times.json", "binder.json")
"""Results that no lesson reads."""


class OtherClone(BcflError, RuntimeError):
    """A course is to be graded by a clone that differs from the one it was made from."""


class Busy(BcflError, RuntimeError):
    """Another command works in the course."""


# ---------------------------------------------------------------- the clone
def called() -> dict[str, str]:
    """Digest of each file of the clone that a check may call or read, by its path."""
    root, found = services.project_root(), {}
    for name in CALLED:
        place = root / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix != ".pyc" and path.name not in NOT_CALLED and path.name[0] != ".":
                found[path.relative_to(root).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def record(folder: Path) -> None:
    """Write down in a course which clone it is made from, and from now on graded by."""
    text = json.dumps({"commit": _commit() or "unknown", "files": called()}, indent=1)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def _commit() -> str:
    """The clone's commit; empty if git does not say."""
    with contextlib.suppress(OSError):
        git = ["git", "-C", str(services.project_root()), "rev-parse", "--short", "HEAD"]
        done = subprocess.run(git, capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout.strip()
    return ""


def require_same_clone(folder: Path) -> None:
    """Raise `OtherClone` if what checks call is not what it was when the course was made."""
    try:
        made = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        then, commit = dict(made["files"]), made["commit"]
    except (OSError, ValueError, LookupError, TypeError):
        then, commit = {}, ""
    now = called()
    if others := sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path)):
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        what = f"{others[0]}{more} differ from" if then else f"{RECORD} is missing or damaged and does not name"
        back = (
            f"go back to it (`git checkout {commit}` in the clone)"
            if commit not in ("", "unknown")
            else "grade with that one"
        )
        raise OtherClone(
            f"{what} the clone that {folder} was made from, and checks call it: equal answers could earn other points "
            f"than before; {back}, or accept this clone for the rest of the term: --accept-clone"
        )


# ---------------------------------------------------------------- one command at a time
@contextlib.contextmanager
def locked(folder: Path, command: str) -> Iterator[None]:
    """Keep others out of a course while a command works in it; ends with the process, however that ends.

    Args:
        folder: the course.
        command: for the message, such as ``grade``.

    Raises:
        Busy: if another one works there.
    """
    import fcntl

    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "another command"
            raise Busy(f"{who} works in {folder}; wait until it has ended, then type this again") from None
        file.truncate(0)
        file.write(f"`bcfl course {command}` (process {os.getpid()}, since {time.strftime('%H:%M')})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


# ---------------------------------------------------------------- what was handed out
def _source(folder: Path, lesson: str) -> tuple[str, Path]:
    """Digest of a lesson's source as far as a release is made of it, and where that of the last release stands."""
    place = folder / "source" / lesson / f"{lesson}.ipynb"
    content = place.read_bytes() if place.is_file() else b""
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):  # no notebook: its bytes are compared
        # Without outputs and what programs write into metadata: who only looks at a source has not edited it.
        cells = [
            (cell["cell_type"], "".join(cell["source"]).rstrip(), cell["metadata"].get("nbgrader"))
            for cell in json.loads(content)["cells"]
        ]
        content = json.dumps(cells, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest(), folder / "logs" / f"{lesson}-source.sha256"


def note_release(folder: Path, lesson: str) -> None:
    """Write down that a lesson's release is made of its source as it is now."""
    digest, seal = _source(folder, lesson)
    seal.parent.mkdir(exist_ok=True)
    seal.write_text(digest, encoding="utf-8")


def unreleased(folder: Path, lessons: Iterable[str]) -> list[str]:
    """Sentences on lessons whose source was edited and not released, which nothing uses then.

    Args:
        folder: the course.
        lessons: whole names; of the course's, or of folders in `source`.
    """
    said = []
    for name in lessons:
        if not (folder / "source" / name / f"{name}.ipynb").is_file():
            continue
        digest, seal = _source(folder, name)
        new = not (folder / "release" / name / f"{name}.ipynb").is_file()
        if new or (seal.is_file() and seal.read_text(encoding="utf-8") != digest):
            what = "was never released" if new else "was edited since its release, which is what is graded by"
            said.append(f"source/{name} {what}; `bcfl course release {folder} {name}` brings it")
    return said


# ---------------------------------------------------------------- the class
def student_name(text: str) -> str:
    """A student's name as a folder can be called; empty if nothing is left of it."""
    # "Anna Smith_12345_assignsubmission_file_…" is how Moodle calls what it packs.
    whole = re.sub(r"_\d+_assignsubmission_.*$", "", unicodedata.normalize("NFC", text))
    return re.sub(r"[^\w.-]+", "-", whole).strip("-._+ ")


def fold(name: str) -> str:
    """A name as others may spell it: without capitals, and an umlaut as two letters."""
    return name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")


def read_class(folder: Path) -> list[str]:
    """The names in a course's list of its class; none if it has no list."""
    place = folder / CLASS
    lines = place.read_text(encoding="utf-8-sig").splitlines() if place.is_file() else []
    return list(dict.fromkeys(name for line in lines if (name := student_name(line.strip()))))


# ---------------------------------------------------------------- files that are written again and again
def renew(folder: Path, name: str, text: str) -> str:
    """Write a course's file anew; one that somebody has edited since is kept in `earlier`.

    Args:
        folder: the course.
        name: of the file.
        text: what it holds from now on.

    Returns:
        A sentence on what was kept; empty if nothing had to be.
    """
    place, seal, said = folder / name, folder / "logs" / f"{name}.sha256", ""
    new = text.encode()
    if place.is_file() and place.read_bytes() != new:
        ours = seal.read_text(encoding="utf-8") if seal.is_file() else ""
        if hashlib.sha256(place.read_bytes()).hexdigest() != ours:
            kept = next_free(folder / "earlier", place.stem, place.suffix)
            shutil.copy2(place, kept)
            said = f"{name} had been edited; what it was is kept as {kept}"
    seal.parent.mkdir(exist_ok=True)
    seal.write_text(hashlib.sha256(new).hexdigest(), encoding="utf-8")
    place.write_bytes(new)
    return said


def next_free(folder: Path, stem: str, suffix: str) -> Path:
    """A name with a number in a folder, which is made, that no file there has."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (place := folder / f"{stem}{number}{suffix}").exists():
        number += 1
    return place
