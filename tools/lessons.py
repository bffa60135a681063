"""The lessons as files: run them all, refresh their stored outputs.

The committed notebooks are the single source: lesson, solutions, tests and executed outputs in one file. Everything
here reads them; only `refresh` writes them: outputs, execution counts, and the minutes that the rule of `times` gives.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import export, times
from tools.kernels import QuietKernel

CELL_TIMEOUT = 300
"""Seconds one cell may take."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of a kernel: results repeat to the last bit, and kernels at once do not slow each other down."""

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""The one metadata block of every notebook: nothing in it depends on who executed it, or where."""


class UnknownLesson(BcflError, FileNotFoundError):
    """A lesson that there is none of, or more than one; the message says which there are."""


def pick(every: Sequence[str], names: Sequence[str], where: str) -> list[str]:
    """The lessons that are meant, each once and in the order in which they stand.

    Args:
        every: names of all lessons, such as ``02_gradient_alignment``.
        names: those wanted, by number (``"2"``, ``"02"``) or by their whole name; empty takes all.
        where: what has the lessons, for the message.

    Raises:
        UnknownLesson: if a name is no lesson's, or a number is that of two.
    """
    wanted = set()
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        number = int(stem) if stem.isascii() and stem.isdigit() else None
        found = [one for one in every if one == stem]
        if not found and number is not None:
            found = [one for one in every if (begin := re.match(r"\d+", one)) and int(begin[0]) == number]
        if len(found) != 1:
            what = f"{where} has {', '.join(every) or 'none'}"
            if found:
                raise UnknownLesson(f"lesson {name!r} is {' and '.join(found)}: write the whole name; {what}")
            raise UnknownLesson(f"no lesson in {where} matches {[name]}; {what}")
        wanted.add(found[0])
    return [one for one in every if one in wanted or not names]


def lesson_paths(names: Sequence[str] = ()) -> list[Path]:
    """The lessons' notebooks, in order.

    Args:
        names: keep only these; see `pick`.

    Raises:
        UnknownLesson: if one is none, or there is no lesson at all.
    """
    folder = services.project_root() / "notebooks"
    paths = {path.stem: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    if not paths:
        raise UnknownLesson(f"{folder} holds no lesson")
    return [paths[name] for name in pick(list(paths), names, folder.name)]


def needs(path: Path) -> list[str]:
    """Numbers of the lessons that a lesson's table of what to know before calls necessary, such as ``["00", "02"]``."""
    text = path.read_text(encoding="utf-8")
    rows = re.findall(r"\| necessary \|[^|]*\|", text)
    return sorted({number for row in rows for number in re.findall(r"\]\((\d\d)_\w+\.ipynb", row)})


def make_client(notebook: Any, folder: Path) -> Any:
    """A client that executes a notebook in the Python that calls it.

    Kernels that other folders offer under the same name, such as those in JUPYTER_PATH, are not asked.

    Args:
        notebook: nbformat v4; execution writes into it.
        folder: where its relative paths begin.
    """
    from nbclient import NotebookClient

    os.environ.update(ONE_THREAD)
    return NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=QuietKernel,
        timeout=CELL_TIMEOUT,
        coalesce_streams=True,  # on a busy machine one printout arrives in several pieces
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )


def execute(path: Path) -> tuple[Any, float]:
    """Execute a notebook from its first cell to its last in a fresh kernel.

    Args:
        path: the notebook; it is not changed.

    Returns:
        The executed notebook (nbformat v4) and the seconds it took, kernel start included.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell without the tag ``raises-exception`` fails.
    """
    notebook = nbformat.read(path, as_version=4)
    start = time.monotonic()
    make_client(notebook, path.parent).execute()
    return notebook, time.monotonic() - start


def try_execute(path: Path) -> tuple[Any, float, str]:
    """As `execute`, but a failing cell is an answer: notebook (None if it failed), seconds, and what failed."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    start = time.monotonic()
    try:
        return *execute(path), ""
    except CellExecutionError as error:
        cell = str(error).split("------------------")[1].strip().splitlines()[0]
        what = f"{error.ename}: {error.evalue} (in the cell that begins: {cell})"
    except (CellTimeoutError, DeadKernelError) as error:
        what = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None, time.monotonic() - start, what


def run(names: Sequence[str] = ()) -> Iterator[tuple[str, float, str]]:
    """Execute lessons and write each as a page to ``build/html/``.

    Args:
        names: see `lesson_paths`.

    Yields:
        Lesson, seconds, and what failed — empty when it ran through.
    """
    for path in lesson_paths(names):
        notebook, seconds, error = try_execute(path)
        if not error:
            export.write(notebook, path.stem)
        yield path.stem, seconds, error


def refresh(names: Sequence[str] = ()) -> Iterator[tuple[str, float, str]]:
    """Execute lessons and store their outputs in place, in a form that does not depend on the machine.

    The minutes of each section are written by the rule of `times`; the seconds each lesson took go to
    ``results/lesson_times.json``; both go into the map of lessons, in the README and in the first lesson.

    Args:
        names: see `lesson_paths`.

    Yields:
        Lesson, seconds, and what failed — empty when it ran through and was stored.
    """
    for path in lesson_paths(names):
        notebook, seconds, error = try_execute(path)
        if not error:
            times.write(notebook)
            store(notebook, path)
            _write_seconds(read_seconds() | {path.stem: round(seconds)})
        yield path.stem, seconds, error
    write_map()


def store(notebook: Any, path: Path) -> None:
    """Write a notebook without what depends on who executed it, and where."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # Its number is new in every kernel and means nothing in another: the words that stand beside it do.
            output.get("data", {}).pop(export.WIDGET_VIEW, None)
            # A traceback names this machine's folders, unless it is one of the package's: that is what a reader sees.
            if output.output_type == "error" and not "".join(output.traceback).startswith("line "):
                output.traceback = [f"{output.ename}: {output.evalue}"]
    nbformat.write(notebook, path)


def _seconds_path() -> Path:
    return services.project_root() / "results" / "lesson_times.json"


def read_seconds() -> dict[str, int]:
    """Seconds each lesson's code took when its outputs were last refreshed, on two cores."""
    path = _seconds_path()
    return json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.exists() else {}


def _write_seconds(seconds: dict[str, int]) -> None:
    record = {"command": "make refresh", "machine": "2 cores", "seconds": dict(sorted(seconds.items()))}
    _seconds_path().write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


MAP = re.compile(r"^\| lesson \| your time .*\n(?:\|.*(?:\n|\Z))+", re.MULTILINE)
"""The map of lessons, where it stands in a text."""


def format_map(folder: str = "") -> str:
    """The table of lessons in Markdown: title, time asked of the reader, measured seconds of its code.

    Args:
        folder: put before the links, such as ``notebooks/`` for a page outside that folder.
    """
    seconds = read_seconds()
    rows = ["| lesson | your time | its code |", "|---|---|---|"]
    for path in lesson_paths():
        notebook = nbformat.read(path, as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        minutes = times.stated_total(notebook)
        if title is None or minutes is None:
            raise ValueError(f"{path.name} lacks its title or its line **Time.**; see how the other lessons begin")
        code = f"{seconds[path.stem]} s" if path.stem in seconds else "not measured yet"
        rows.append(f"| [{title[1]}]({folder}{path.name}) | {minutes} minutes | {code} |")
    return "\n".join(rows) + "\n"


def write_map() -> None:
    """Put the map as it is now in the place of those in the README and in the first lesson."""
    readme = services.project_root() / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(MAP.sub(lambda _: format_map("notebooks/"), text, count=1), encoding="utf-8")
    first = lesson_paths()[0]
    notebook = nbformat.read(first, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = MAP.sub(lambda _: format_map(), cell.source).rstrip("\n")
    nbformat.write(notebook, first)
