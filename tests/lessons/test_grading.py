"""The exercises' checks: the solution passes, an empty answer and every named misconception fail, the rest is kept.

Each lesson is executed once. At an exercise, the blank stub and the wrong answers come first, each followed by the
check, which must fail with a message; then right answers that look otherwise, and the solution, whose check must pass.
In the lessons of LEARNERS_CHECK the wrong answers meet the check as the learner has it, without hidden tests.
"""

from __future__ import annotations

import nbformat
import pytest
from misconceptions import ALSO_RIGHT, MISCONCEPTIONS
from nbclient.exceptions import CellExecutionError
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

from notebooks import LESSONS, code_cells, read, source, tags
from tools import lessons

LEARNERS_CHECK = ("03",)
"""Lessons whose checks refuse every named misconception also without the hidden tests, which a learner never runs."""

every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def clear(cell, preprocessor):
    """A cell as nbgrader hands it out."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source(cell))])
    notebook.cells[0].metadata = nbformat.from_dict(cell["metadata"])
    cleared, _ = preprocessor.preprocess(notebook, {})
    return cleared.cells[0].source


def blank(cell):
    """The stub a student starts from."""
    return clear(cell, ClearSolutions())


class Kernel:
    """A kernel that runs the sources it is given, one after another."""

    def __init__(self, path):
        self.notebook = nbformat.v4.new_notebook(metadata=lessons.METADATA)
        self.client = lessons.make_client(self.notebook, path.parent)

    def run(self, text):
        """None if it ran through, else the error as (name, message)."""
        cell = nbformat.v4.new_code_cell(text)
        self.notebook.cells.append(cell)
        try:
            self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        except CellExecutionError as error:
            return error.ename, error.evalue
        return None


@every_lesson
def test_checks_tell_right_from_wrong(path):
    cells = code_cells(read(path))
    kernel, stub, wrong = Kernel(path), None, {}
    problems = []
    with kernel.client.setup_kernel():
        for cell in cells:
            grader = cell["metadata"].get("nbgrader", {})
            if grader.get("solution"):
                stub, name = cell, grader["grade_id"]
                wrong = {"blank": blank(cell), **MISCONCEPTIONS.get(name, {})}
                if name not in MISCONCEPTIONS:
                    problems.append(f"{name}: no misconception is named in tests/misconceptions.py")
                continue
            if grader.get("grade"):
                seen = path.stem.startswith(LEARNERS_CHECK)
                met = clear(cell, ClearHiddenTests()) if seen else source(cell)
                for kind, answer in wrong.items():
                    kernel.run(answer)
                    verdict = kernel.run(met)
                    if verdict is None:
                        problems.append(f"{grader['grade_id']} accepts the answer '{kind}'")
                    elif verdict[0] == "AssertionError" and len(verdict[1]) < 15:
                        problems.append(f"{grader['grade_id']} refuses '{kind}' without saying why")
                for kind, answer in ALSO_RIGHT.get(name, {}).items():
                    kernel.run(answer)
                    if verdict := kernel.run(source(cell)):
                        problems.append(f"{name} refuses the right answer '{kind}': {verdict}")
                assert kernel.run(source(stub)) is None
            elif stub is not None:
                kernel.run(source(stub))  # a cell between stub and check may need the solution
            verdict = kernel.run(source(cell))
            if (verdict is None) == ("raises-exception" in tags(cell)):
                problems.append(f"{source(cell)[:60]!r}: {verdict}")
    assert not problems, "\n".join(problems)


@every_lesson
def test_points_add_up(path):
    points = [
        cell["metadata"]["nbgrader"]["points"]
        for cell in code_cells(read(path))
        if cell["metadata"].get("nbgrader", {}).get("grade")
    ]
    assert len(points) >= 3 and all(1 <= p <= 5 for p in points)
