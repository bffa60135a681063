"""How this course is graded: read by every nbgrader command that is run in this folder, and by `bcfl course`.

Each class below closes a way in which one submission could stop the others, earn points without an answer, or bring
home what it must not see. Nothing here needs the repository: the folder can be moved.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    Execute,
    GetGrades,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

# Results repeat to the last bit, and kernels at once do not slow each other down.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
# nbgrader calls alembic by its name, also when this environment was not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def grader(cell: Any) -> dict[str, Any]:
    """What nbgrader knows of a cell; nothing if its metadata was damaged."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def is_check(cell: Any) -> bool:
    """Whether a cell grades by running; one that is graded by hand, a text or an answer, is no check."""
    return cell.cell_type == "code" and bool(grader(cell).get("grade")) and not grader(cell).get("solution")


class Mend(NbGraderPreprocessor):
    """Gives a submission the cells and the marks of the lesson that was handed out.

    Checks and answers' places that were deleted come back where they stood, copies lose their marks (the last one
    counts), points, kinds and locks are as they were, and no tag keeps a cell from being run.
    """

    def preprocess(self, notebook: Any, resources: Any) -> tuple[Any, Any]:
        names = resources["nbgrader"]
        folder = Path(names["db_url"].removeprefix("sqlite:///")).parent / "release" / names["assignment"]
        release = nbformat.read(folder / f"{names['notebook']}.ipynb", as_version=4)
        theirs = {grader(cell)["grade_id"]: cell for cell in release.cells if grader(cell)}
        seen: set[str] = set()
        for cell in reversed(notebook.cells):
            name = grader(cell).get("grade_id")
            cell.metadata.pop("nbgrader", None)
            cell.metadata.pop("tags", None)
            if isinstance(name, str) and name in theirs and name not in seen:
                cell.metadata = nbformat.from_dict(theirs[name].metadata)
                seen.add(name)
        for cell in self.missing(release.cells, seen):
            self.put_back(cell, notebook.cells, release.cells)
        return notebook, resources

    def missing(self, cells: list[Any], seen: set[str]) -> list[Any]:
        """Cells of the lesson that a submission lacks, in order."""
        return [cell for cell in cells if grader(cell) and grader(cell)["grade_id"] not in seen]

    def put_back(self, cell: Any, cells: list[Any], release: list[Any]) -> None:
        """Insert a cell after the one before it that is still there; some programs lose ids, none the marks."""
        places = {other.get("id"): place for place, other in enumerate(cells)}
        places |= {grader(other).get("grade_id"): place for place, other in enumerate(cells)}
        places.pop(None, None)
        before = [places.get(other.id, places.get(grader(other).get("grade_id"))) for other in release]
        found = [place for place in before[: release.index(cell)] if place is not None]
        cells.insert(found[-1] + 1 if found else len(cells), nbformat.from_dict(cell))


class Verdict(NbGraderPreprocessor):
    """Leaves of what a check put out what is the check's own: its error, or nothing.

    nbgrader takes the first result that it meets for the points earned; an answer that displays a number when the
    check calls it would grade itself. And a warning is not a wrong answer.
    """

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if is_check(cell):
            ran = cell.get("execution_count") is not None
            cell.outputs = [output for output in cell.outputs if output.output_type == "error"][-1:]
            if not ran and not cell.outputs:
                cell.outputs = [nbformat.v4.new_output("error", ename="NotRun", evalue="this check was not run")]
        return cell, resources


HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*\n?", re.MULTILINE | re.DOTALL)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
NOT_SHOWN = "a test that is not shown failed: the answer is right on what you see and wrong elsewhere"


class HideTests(NbGraderPreprocessor):
    """Feedback without hidden tests: not their code, not what they compared, not what a cell printed of them.

    Outputs of all other cells are left out. The student has them; and what is printed where lessons are graded may be
    anything that can be read there.
    """

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if cell.cell_type != "code":
            return cell, resources
        if not is_check(cell):
            cell.outputs = []
            return cell, resources
        errors = [output for output in cell.outputs if output.output_type == "error"]
        said = [self.say(cell.source, error) for error in errors[-1:]]
        cell.outputs = [nbformat.v4.new_output("error", ename="", evalue="", traceback=[line]) for line in said]
        cell.source = HIDDEN.sub("", cell.source)
        return cell, resources

    def say(self, source: str, error: Any) -> str:
        """One line of an error, without what belongs to a hidden test."""
        text = ANSI.sub("", "\n".join(error.get("traceback", [])))
        place = re.search(r"Cell In\[\d+\], line (\d+)|<ipython-input[^\n]*\n[^\n]*?-+> (\d+)", text)
        line = int(place[1] or place[2]) if place else 0
        spans = [(source[: m.start()].count("\n") + 1, source[: m.end()].count("\n")) for m in HIDDEN.finditer(source)]
        if any(first <= line <= last for first, last in spans) or (spans and not line and text):
            return NOT_SHOWN
        line_of_error = f"{error.ename}: {error.evalue}".splitlines()[0][:500]
        hidden = [part.strip() for m in HIDDEN.finditer(source) for part in m[0].splitlines() if len(part.strip()) > 15]
        return NOT_SHOWN if any(part in line_of_error for part in hidden) else line_of_error


c = get_config()  # type: ignore[name-defined] # noqa: F821

c.CourseDirectory.course_id = "bcfl"
c.CourseDirectory.root = str(Path(globals().get("__file__", "nbgrader_config.py")).resolve().parent)
c.CourseDirectory.db_url = f"sqlite:///{c.CourseDirectory.root}/gradebook.db"

# ---------------------------------------------------------------- what is handed out
c.ClearSolutions.code_stub = {
    "python": "# Write your answer here, in place of the next two lines.\n"
    "from bcfl_support.errors import NotSolved\n"
    "raise NotSolved"
}

# ---------------------------------------------------------------- grading
# A lesson takes a minute on two quiet cores, its longest cell some twenty seconds. A cell that is interrupted earns
# nothing and the next one is run; a whole submission has the limit of `bcfl course grade`.
c.Execute.timeout = 120
c.Execute.raise_on_iopub_timeout = False
c.Autograde.sanitize_preprocessors = [ClearOutput, Mend, OverwriteKernelspec, OverwriteCells, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [
    Execute,
    Verdict,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

# ---------------------------------------------------------------- feedback
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"]
