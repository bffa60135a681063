"""Blank lessons: what a learner opens and what a course hands out, made from the committed ones in one way.

Solutions and hidden tests are taken out, outputs cleared. `release` makes one blank lesson; `write_all` fills a folder
with them (a course's release); `deliver` brings them to a learner's own folder and never overwrites anything there.
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

from tools import export
from tools.lessons import lesson_paths, store

STUB = (
    "# Write your answer here, in place of the next two lines.\n"
    "from bcfl_support.errors import NotSolved\n"
    "raise NotSolved"
)
"""What stands where a solution stood."""

WHERE = "*Write your answer below, where a cell says “Write your answer here”; then run the check that follows.*"
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

    Raises:
        ValueError: if the mark of a solution has no end, or stands in a cell that is no solution.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    config = Config({"ClearSolutions": {"code_stub": {"python": STUB}}})
    resources: dict[str, Any] = {}
    try:
        for preprocessor in (ClearSolutions(config=config), ClearHiddenTests(), ClearOutput()):
            notebook, resources = preprocessor.preprocess(notebook, resources)
    except RuntimeError as error:  # it says what is wrong with a mark, and not where
        raise ValueError(f"{path.name}: {error}") from error
    task = None  # the last text before the place where the answer goes
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            task = cell
        elif cell.metadata.get("nbgrader", {}).get("solution"):
            cell.metadata.pop("jupyter", None)  # a solution is folded away; a stub to fill in is open
            if task is not None:
                where = WHERE
                if solutions:
                    where += f" [Solution]({solutions}/{_solved_name(path)}#cell-id={cell.id})"
                text, hint, more = task.source.partition("<details>")
                task.source = f"{text.rstrip()}\n\n{where}" + (f"\n\n{hint}{more}" if hint else "")
            task = None
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
        if not os.path.lexists(mine):
            _put(blank, mine)
            news.append(f"{mine.name} is new in {folder.name}/.")
        elif delivered.get(path.name) != digest:
            beside = _free_name(mine)
            _put(blank, beside)
            news.append(f"{mine.name} has changed; yours stays as it is, the new one is {folder.name}/{beside.name}.")
        delivered[path.name] = digest
        copy = folder / SOLVED / _solved_name(path)
        delivered[copy.name] = _copy_solved(path, copy, delivered.get(copy.name))
        _write(record, json.dumps(delivered, indent=2, sort_keys=True) + "\n")
    return news


def _read_record(record: Path) -> dict[str, str]:
    """What was brought, by name; nothing if the record is lost: then each lesson may come once more."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _put(notebook: Any, path: Path) -> None:
    """Write a notebook under a name that nothing has: whole or not at all, and never over anything.

    Raises:
        FileExistsError: if something has come to lie there in the meantime.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".arriving-") as folder:
        whole = Path(folder) / path.name
        store(notebook, whole)
        os.link(whole, path)


def _write(path: Path, text: str) -> None:
    """Replace a file of our own, whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as new:
        new.write(text)
    os.replace(new.name, path)


def _free_name(path: Path) -> Path:
    """The same name with a number that no file has."""
    number = 2
    while os.path.lexists(candidate := path.with_stem(f"{path.stem}_v{number}")):
        number += 1
    return candidate


def _copy_solved(path: Path, copy: Path, before: str | None) -> str:
    """Put a solved lesson where exercises link to it, unless somebody has written there; the digest of what was put.

    Args:
        path: the committed notebook.
        copy: where it goes.
        before: digest of what was put there last time, None if nothing was.
    """
    solved = nbformat.read(path, as_version=4)
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
        if copy.is_symlink() or hashlib.sha256(copy.read_bytes()).hexdigest() != before:
            return before or ""  # not as we left it: somebody's notes
        if digest == before:
            return digest
    _write(copy, text)
    copy.chmod(0o444)  # JupyterLab opens it for reading
    return digest
