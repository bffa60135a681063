"""The lessons as files: run them all, refresh their stored outputs, make the student version.

The committed notebooks are the single source: lesson, solutions, tests and executed outputs in one file. Everything
here reads them; only `refresh` writes them, and only outputs and execution counts.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

from bcfl_support import toolchain

CELL_TIMEOUT = 300
"""Seconds one cell may take."""

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""The one metadata block of every notebook: nothing in it depends on who executed it, or where."""


def lesson_paths(names: Sequence[str] = ()) -> list[Path]:
    """The lessons' notebooks, in order.

    Args:
        names: keep those whose file name starts with one of these (``"01"``); empty keeps all.

    Raises:
        FileNotFoundError: if nothing matches.
    """
    folder = toolchain.project_root() / "notebooks"
    paths = [
        path
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if not names or any(path.name.startswith(Path(name).name) for name in names)
    ]
    if not paths:
        raise FileNotFoundError(f"no lesson in {folder} matches {list(names)}; name one by its number, such as 01")
    return paths


def execute(path: Path) -> tuple[Any, float]:
    """Execute a notebook from its first cell to its last in a fresh kernel.

    Args:
        path: the notebook; it is not changed.

    Returns:
        The executed notebook (nbformat v4) and the seconds it took, kernel start included.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell without the tag ``raises-exception`` fails.
    """
    from nbclient import NotebookClient

    # One thread a kernel: results repeat to the last bit, and two kernels at once do not slow each other down.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.monotonic()
    client.execute()
    return notebook, time.monotonic() - start


def try_execute(path: Path) -> tuple[Any, float, str]:
    """As `execute`, but a failing cell is an answer: notebook (None if it failed), seconds, and what failed."""
    from nbclient.exceptions import CellExecutionError

    start = time.monotonic()
    try:
        return *execute(path), ""
    except CellExecutionError as error:
        cell = str(error).split("------------------")[1].strip().splitlines()[0]
        return None, time.monotonic() - start, f"{error.ename}: {error.evalue} (in the cell that begins: {cell})"


def run(names: Sequence[str] = (), *, html: bool = True) -> Iterator[tuple[str, float, str]]:
    """Execute lessons and write each as HTML to ``build/``.

    Args:
        names: see `lesson_paths`.
        html: whether to write the HTML.

    Yields:
        Lesson, seconds, and the error's last line — empty when it ran through.
    """
    build = toolchain.project_root() / "build"
    build.mkdir(exist_ok=True)
    for path in lesson_paths(names):
        notebook, seconds, error = try_execute(path)
        if html and not error:
            from nbconvert import HTMLExporter

            body, _ = HTMLExporter().from_notebook_node(notebook)
            (build / f"{path.stem}.html").write_text(body, encoding="utf-8")
        yield path.stem, seconds, error


def refresh(names: Sequence[str] = ()) -> Iterator[tuple[str, float, str]]:
    """Execute lessons and store their outputs in place, in a form that does not depend on the machine.

    The seconds each took go to ``results/lesson_times.json`` and into the README's map. The first lesson prints them
    too, so a refresh of all lessons executes it once more at the end, with all times known.

    Args:
        names: see `lesson_paths`.

    Yields:
        Lesson, seconds, and the error's last line — empty when it ran through and was stored.
    """
    for path in lesson_paths(names):
        notebook, seconds, error = try_execute(path)
        if not error:
            _store(notebook, path)
            _write_times(read_times() | {path.stem: round(seconds)})
        yield path.stem, seconds, error
    if not names or lesson_paths()[0] in lesson_paths(names):
        first = lesson_paths()[0]
        notebook, seconds, error = try_execute(first)
        if not error:
            _store(notebook, first)
        yield f"{first.stem} (its map of measured times)", seconds, error
    _update_readme()


def _store(notebook: Any, path: Path) -> None:
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                # A traceback names this machine's folders; its last line is what the lesson reads.
                output.traceback = [f"{output.ename}: {output.evalue}"]
    nbformat.write(notebook, path)


def _times_path() -> Path:
    return toolchain.project_root() / "results" / "lesson_times.json"


def read_times() -> dict[str, int]:
    """Seconds each lesson's code took when its outputs were last refreshed, on two cores."""
    path = _times_path()
    return json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.exists() else {}


def _write_times(seconds: dict[str, int]) -> None:
    record = {"command": "make refresh", "machine": "2 cores", "seconds": dict(sorted(seconds.items()))}
    _times_path().write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def format_map(folder: str = "") -> str:
    """The table of lessons in Markdown: title, time asked of the reader, measured seconds of its code.

    Args:
        folder: put before the links, such as ``notebooks/`` for a page outside that folder.
    """
    times = read_times()
    rows = ["| lesson | your time | its code |", "|---|---|---|"]
    for path in lesson_paths():
        text = "".join(
            cell.source + "\n" for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        )
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        minutes = re.search(r"\*\*Time\.\*\* ([^:.;]+)", text)
        if title is None or minutes is None:
            raise ValueError(f"{path.name} lacks its title or its line **Time.**; see how the other lessons begin")
        code = f"{times[path.stem]} s" if path.stem in times else "not measured yet"
        rows.append(f"| [{title[1]}]({folder}{path.name}) | {minutes[1]} | {code} |")
    return "\n".join(rows)


def _update_readme() -> None:
    """Put the map as it is now in the place of the one in the README."""
    path = toolchain.project_root() / "README.md"
    table = re.compile(r"^\| lesson \| your time .*\n(?:\|.*(?:\n|\Z))+", re.MULTILINE)
    text = path.read_text(encoding="utf-8")
    path.write_text(table.sub(lambda _: format_map("notebooks/") + "\n", text, count=1), encoding="utf-8")


def show_map() -> None:
    """Display `format_map` in a notebook."""
    from IPython.display import Markdown, display

    display(Markdown(format_map()))


def student(names: Sequence[str] = ()) -> Iterator[Path]:
    """Write the student version of lessons to ``build/student/``: solutions and hidden tests taken out.

    Args:
        names: see `lesson_paths`.

    Yields:
        Each file written.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions

    folder = toolchain.project_root() / "build" / "student"
    folder.mkdir(parents=True, exist_ok=True)
    for path in lesson_paths(names):
        notebook = nbformat.read(path, as_version=4)
        resources: dict[str, Any] = {}
        for preprocessor in (ClearSolutions(), ClearHiddenTests(), ClearOutput()):
            notebook, resources = preprocessor.preprocess(notebook, resources)
        for cell in notebook.cells:
            cell.metadata.pop("jupyter", None)  # a solution is folded away; a stub to fill in is open
        nbformat.write(notebook, folder / path.name)
        yield folder / path.name


def report(rows: Iterator[tuple[str, float, str]]) -> int:
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
