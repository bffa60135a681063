"""Blank lessons: what a learner opens and what a course hands out, made from the committed ones in one way.

`prepare` makes a course's source; `release` takes solutions, hidden tests and outputs out of it; `write_all` fills a
folder with blank lessons; `deliver` brings them to a learner's own folder and overwrites nothing that was changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from bcfl_support.errors import BcflError
from tools import export, hand_in
from tools.lessons import lesson_paths, store

WHERE = "*Write your answer below, where a cell says “Write your answer here”; then run the check that follows.*"
YOURS = "*Your prediction (double-click here and write it below):*"
"""What stands where a prediction goes."""

PREDICTION = "-predicted"
"""How the id of such a cell ends."""

CONFIG = Path(__file__).parent / "handout" / "course" / "nbgrader_config.py"
"""How a course is handed out and graded."""

DELIVERED = ".delivered.json"
"""Record beside a learner's lessons: of each file the digest it had when it was brought, and under a lesson's name
without ending the digest of the one brought last."""

SOLVED = "solved"
"""Folder beside a learner's lessons that holds copies of the solved ones."""


class DamagedLesson(BcflError, ValueError):
    """A lesson's file that no blank lesson can be made from: a merge left its marks in it, or it was cut off."""


def read(path: Path) -> Any:
    """A committed lesson (nbformat v4).

    Raises:
        DamagedLesson: if the file is no notebook.
    """
    text = path.read_bytes()
    try:
        nbformat.validate(json.loads(text))
        return nbformat.reads(text.decode(), as_version=4)
    except Exception as error:  # what is no notebook fails in many ways
        name = f"{path.parent.name}/{path.name}"
        what = str(error).partition("\n")[0] or type(error).__name__
        raise DamagedLesson(f"{name} is no notebook ({what}); to get it back: git checkout HEAD {name}") from error


def prepare(path: Path, *, solutions: str = "") -> Any:
    """A lesson as a course's source: as committed, with a place for each prediction and open places for answers.

    Args:
        path: the committed notebook.
        solutions: see `release`.

    Returns:
        The notebook (nbformat v4). Cells keep their ids; a question to predict is parted from its folded answer, and
        between the two stands a new cell.

    Raises:
        DamagedLesson: if the file is no notebook.
    """
    notebook = read(path)
    task = None  # the last text before the place where the answer goes
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            task = cell
            cells += _ask(cell)
        elif cell.metadata.get("nbgrader", {}).get("solution"):
            cell.metadata.pop("jupyter", None)  # a solution is folded away; a stub to fill in is open
            if task is not None:
                where = WHERE
                if solutions:
                    where += f" [Solution]({solutions}/{_solved_name(path)}#cell-id={cell.id})"
                task.source = f"{task.source.rstrip()}\n\n{where}"
            task = None
    notebook.cells = cells
    return notebook


def _ask(cell: Any) -> list[Any]:
    """Part a text that asks for a prediction before its folded answer; what then follows it."""
    if not (asked := re.search(r"\*\*Predict\.\*\*.*?(?=<details>)", cell.source, re.DOTALL)):
        return []
    answer = nbformat.v4.new_markdown_cell(cell.source[asked.end() :], id=f"{cell.id}-answer")
    cell.source = cell.source[: asked.end()].rstrip()
    place = nbformat.v4.new_markdown_cell(YOURS, id=f"{cell.id}{PREDICTION}")
    place.metadata = nbformat.from_dict({"deletable": False, "tags": ["prediction"]})
    return [place, answer]


def course_config() -> Any:
    """What `nbgrader_config.py` of a course says: traitlets' configuration, with the course's folder left out."""
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(CONFIG.name, path=str(CONFIG.parent)).load_config()
    del config["CourseDirectory"]
    return config


def release(path: Path, *, solutions: str = "") -> Any:
    """A blank lesson, made by the steps with which nbgrader makes a course's, as a course is configured.

    Only the database is left out. A test holds that both come out alike.

    Args:
        path: the committed notebook.
        solutions: folder of the solved lessons, as seen from where the blank one will lie; each exercise then links to
            its own solution. Empty leaves the links out, as a course wants it.

    Returns:
        The blank notebook (nbformat v4), with the committed one's cell ids; checks locked, with nbgrader's checksums.

    Raises:
        DamagedLesson: if the file is no notebook, if the mark of a solution has no end, or stands in a cell that is no
            solution.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import IncludeHeaderFooter, InstantiateTests, SaveCells

    notebook = prepare(path, solutions=solutions)
    config, resources = course_config(), dict[str, Any]()
    try:
        for step in GenerateAssignment.class_traits()["preprocessors"].default():
            if step not in (IncludeHeaderFooter, InstantiateTests, SaveCells):
                notebook, resources = step(config=config).preprocess(notebook, resources)
    except RuntimeError as error:  # it says what is wrong with a mark, and not where
        raise DamagedLesson(f"{path.name}: {error}") from error
    return notebook


def _solved_name(path: Path) -> str:
    """Another name than the blank lesson's: two tabs called alike would be confused."""
    return f"{path.stem}_solved.ipynb"


def write_all(folder: Path) -> Iterator[Path]:
    """Write every lesson's blank version, without links to solutions.

    Args:
        folder: where to; made if it does not exist, and what it holds under the same names is replaced.

    Yields:
        Each file written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in lesson_paths():
        store(release(path), folder / path.name)
        yield folder / path.name


def deliver(folder: Path) -> list[str]:
    """Bring the blank lessons to a learner's folder.

    A lesson that is missing there is written. When a lesson has changed since it was brought, the new one takes the
    place of a copy that nobody has touched, that is, whose bytes are those that were brought; if there is none, it is
    put beside the learner's under another name. What lies there already does not come again. Copies of the solved
    lessons go to a folder of their own and are renewed, unless somebody has written there.

    Args:
        folder: the learner's folder; made if it does not exist.

    Returns:
        Sentences for the learner: one for each lesson that arrived, and one for each that is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / DELIVERED
    delivered = _read_record(record)
    news: list[str] = []
    for path in lesson_paths():
        try:
            news += _bring(path, folder, delivered)
            copy = folder / SOLVED / _solved_name(path)
            delivered[copy.name] = _copy_solved(path, copy, delivered.get(copy.name))
        except DamagedLesson as error:
            news.append(f"{error} (the other lessons are in {folder.name}/)")
        _write(record, json.dumps(delivered, indent=2, sort_keys=True) + "\n")
    return news


def _bring(path: Path, folder: Path, delivered: dict[str, str]) -> Iterator[str]:
    """Bring one lesson, note it in the record, and say so if something arrived."""
    mine = folder / path.name
    with tempfile.TemporaryDirectory(dir=folder, prefix=".arriving-") as arriving:
        new = Path(arriving) / path.name
        store(release(path, solutions=SOLVED), new)
        digest = _digest(new)
        copies = [mine, *_copies(mine)]
        # A link leads to a file that somebody has put elsewhere on purpose.
        untouched = [
            copy for copy in copies if not copy.is_symlink() and delivered.get(copy.name, "") == _digest(copy) != ""
        ]
        if not os.path.lexists(mine):
            place, sentence = mine, f"{mine.name} is new in {folder.name}/."
        elif digest in [delivered.get(path.stem), *(delivered.get(copy.name) for copy in copies)]:
            place, sentence = None, ""
        elif untouched:
            place = untouched[0]
            sentence = f"{folder.name}/{place.name} is the new version: the lesson has changed, you had not touched it."
        elif same := [copy for copy in copies if hand_in.cells(copy) == hand_in.cells(new)]:
            place, sentence = None, ""
            if _digest(same[0]) == digest:  # the record was lost
                delivered[same[0].name] = digest
        else:
            place = _free_name(mine)
            sentence = f"{mine.name} has changed; yours stays as it is, the new one is {folder.name}/{place.name}."
        if place in untouched:
            os.replace(new, place)
        elif place is not None:
            os.link(new, place)  # whole or not at all, and never over anything
    if place is not None:
        delivered[place.name] = digest
        yield sentence
    delivered[path.stem] = digest


def _digest(path: Path) -> str:
    """Digest of a file's text; empty if there is no file."""
    return hashlib.sha256(path.read_bytes().rstrip(b"\n")).hexdigest() if path.is_file() else ""


def _read_record(record: Path) -> dict[str, str]:
    """What was brought, by name; nothing if the record is lost: then every file counts as the learner's own."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: digest for name, digest in found.items() if isinstance(digest, str)}


def _write(path: Path, text: str) -> None:
    """Replace a file of our own, whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as new:
        new.write(text)
    os.replace(new.name, path)


def _copy_names(path: Path, number: str) -> tuple[str, str]:
    """Names of a lesson's copy: today's, told apart in a narrow list and sorted after the lesson, and that of old."""
    first, _, rest = path.name.partition("_")
    return f"{first}_v{number}_{rest}", f"{path.stem}_v{number}{path.suffix}"


def _copies(path: Path) -> list[Path]:
    """Copies that lie beside a lesson, in the order in which they came."""
    found = {}
    for name in _copy_names(path, "*"):
        pattern = re.escape(name).replace(r"\*", r"(\d+)")
        for copy in path.parent.glob(name):
            if match := re.fullmatch(pattern, copy.name):
                found[copy] = int(match[1])
    return sorted(found, key=lambda copy: found[copy])


def _free_name(path: Path) -> Path:
    """A copy's name with a number that no copy has."""
    number = 2
    while any(os.path.lexists(path.with_name(name)) for name in _copy_names(path, str(number))):
        number += 1
    return path.with_name(_copy_names(path, str(number))[0])


def _copy_solved(path: Path, copy: Path, before: str | None) -> str:
    """Put a solved lesson where exercises link to it, unless somebody has written there; the digest of what was put.

    Args:
        path: the committed notebook.
        copy: where it goes.
        before: digest of what was put there last time, None if nothing was.
    """
    solved = read(path)
    for cell in solved.cells:
        if "BEGIN SOLUTION" in cell.source:
            cell.metadata.pop("jupyter", None)  # who comes here wants to see it
        cell.source = export.without_marks(cell.source)
        if cell.cell_type == "markdown":
            # From one solved lesson to the next.
            cell.source = re.sub(r"(\]\(\d\d_\w+)\.ipynb", r"\1_solved.ipynb", cell.source)
    text = nbformat.writes(solved)
    digest = hashlib.sha256(text.encode()).hexdigest()
    copy.parent.mkdir(exist_ok=True)
    if os.path.lexists(copy):
        there = hashlib.sha256(copy.read_bytes()).hexdigest() if copy.is_file() and not copy.is_symlink() else ""
        if there == digest:
            return digest
        if not there or there != before:
            return before or ""  # not as we left it: somebody's notes
    _write(copy, text)
    copy.chmod(0o444)  # JupyterLab opens it for reading
    return digest
