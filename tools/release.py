"""Blank lessons: what a learner opens and what a course hands out, made from the committed ones in one way.

Solutions and hidden tests are taken out, outputs cleared. `release` makes one blank lesson; `write_all` fills a folder
with them (a course's release); `deliver` brings them to a learner's own folder and never overwrites anything there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from tools.lessons import lesson_paths, store

STUB = (
    "# Write your answer here, in place of the next line.\n"
    'raise NotImplementedError("this exercise is not solved yet: write your answer in the cell above")'
)
"""What stands where a solution stood."""

DELIVERED = ".delivered.json"
SOLVED = "solved"
"""Folder beside a learner's lessons that holds copies of the solved ones."""


def release(path: Path, *, solutions: str = "") -> Any:
    """A blank lesson.

    Args:
        path: the committed notebook.
        solutions: folder of the solved lessons, as seen from where the blank one will lie; each exercise then links to
            its own solution. Empty leaves the links out, as a course wants it.

    Returns:
        The blank notebook (nbformat v4), with the committed one's cell ids.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    config = Config({"ClearSolutions": {"code_stub": {"python": STUB}}})
    resources: dict[str, Any] = {}
    for preprocessor in (ClearSolutions(config=config), ClearHiddenTests(), ClearOutput()):
        notebook, resources = preprocessor.preprocess(notebook, resources)
    exercise = None
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"(?m)^### \d+\.\d+ ·", cell.source):
            exercise = cell
        elif exercise is not None and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.metadata.pop("jupyter", None)  # a solution is folded away; a stub to fill in is open
            exercise.source += "\n\n*Write your answer in the next code cell, then run the check below it.*"
            if solutions:
                exercise.source += f" [Solution]({solutions}/{_solved_name(path)}#cell-id={cell.id})"
            exercise = None
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

    A lesson that is missing there is written. One that is there stays as it is, whatever was done to it; if the lesson
    has changed since it was brought, the new one is put beside it under another name. Copies of the solved lessons go
    to a folder of their own and are renewed: nothing of the learner's is there.

    Args:
        folder: the learner's folder; made if it does not exist.

    Returns:
        Sentences for the learner, one for each lesson that arrived.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / DELIVERED
    delivered = _read_record(record)
    news: list[str] = []
    for path in lesson_paths():
        blank = release(path, solutions=SOLVED)
        digest = hashlib.sha256(nbformat.writes(blank).encode()).hexdigest()
        mine = folder / path.name
        if not mine.exists():
            store(blank, mine)
            news.append(f"{mine.name} is new in {folder.name}/.")
        elif delivered.get(path.name) != digest:
            beside = _free_name(mine)
            store(blank, beside)
            news.append(f"{mine.name} has changed; yours stays as it is, the new one is {folder.name}/{beside.name}.")
        delivered[path.name] = digest
        record.write_text(json.dumps(delivered, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        _copy_solved(path, folder / SOLVED)
    return news


def _read_record(record: Path) -> dict[str, str]:
    """What was brought, by lesson; nothing if the record is lost: then each lesson may come once more."""
    try:
        return dict(json.loads(record.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def _free_name(path: Path) -> Path:
    """The same name with a number that no file has."""
    number = 2
    while (candidate := path.with_stem(f"{path.stem}_v{number}")).exists():
        number += 1
    return candidate


def _copy_solved(path: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    copy, solved = folder / _solved_name(path), nbformat.read(path, as_version=4)
    for cell in solved.cells:
        if "BEGIN SOLUTION" in cell.source:
            cell.metadata.pop("jupyter", None)  # who comes here wants to see it
    text = nbformat.writes(solved)
    if copy.exists():
        if copy.read_text(encoding="utf-8") == text:
            return
        copy.chmod(0o644)
    copy.write_text(text, encoding="utf-8")
    copy.chmod(0o444)  # JupyterLab opens it for reading: what one types there would be lost
