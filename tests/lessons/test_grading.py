"""The exercises' checks: the solution passes, an empty answer and every named misconception fail, the rest is kept.

Each lesson is executed once. At an exercise, the blank stub and the wrong answers come first, each followed by the
check, which must fail with a message, the one that fits where `SAYS` has its words; then right answers in another form
and the solution, whose checks must pass. In the lessons of `AS_A_LEARNER` the check that sees misconceptions is the one
of a learner's edition, from which the hidden tests are taken out. Answers that are none (constants, echoes, impostors,
what a check shows by heart) are handed in by `make loop`.
"""

from __future__ import annotations

import nbformat
import pytest
from misconceptions import MISCONCEPTIONS, RIGHT, SAYS
from nbclient.exceptions import CellExecutionError
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

from notebooks import LESSONS, code_cells, read, source, tags
from tools import lessons

AS_A_LEARNER = {"00", "01", "02", "03", "04", "05", "06", "07"}
"""Lessons whose checks refuse every wrong answer also without their hidden tests."""

every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cleared(cell, preprocessor):
    """A cell's source as a tool of the course leaves it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source(cell))])
    notebook.cells[0].metadata = nbformat.from_dict(cell["metadata"])
    return preprocessor.preprocess(notebook, {})[0].cells[0].source


def blank(cell):
    """The stub a student starts from."""
    return cleared(cell, ClearSolutions())


def as_run(path, cell):
    """The check as a learner runs it, where a lesson's checks are tested so."""
    return cleared(cell, ClearHiddenTests()) if path.name[:2] in AS_A_LEARNER else source(cell)


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
                for kind, answer in wrong.items():
                    kernel.run(answer)
                    verdict = kernel.run(as_run(path, cell))
                    words = SAYS.get(name, {}).get(kind, "")
                    if verdict is None:
                        problems.append(f"{grader['grade_id']} accepts the answer '{kind}'")
                    elif words not in verdict[1]:
                        problems.append(f"{grader['grade_id']} says to '{kind}', without {words!r}: {verdict[1]}")
                    elif verdict[0] == "AssertionError" and len(verdict[1]) < 15:
                        problems.append(f"{grader['grade_id']} refuses '{kind}' without saying why")
                for kind, answer in RIGHT.get(name, {}).items():
                    kernel.run(answer)
                    if (verdict := kernel.run(source(cell))) is not None:
                        problems.append(f"{grader['grade_id']} refuses the right answer '{kind}': {verdict}")
                assert kernel.run(source(stub)) is None
            elif stub is not None:
                kernel.run(source(stub))  # a cell between stub and check may need the solution
            verdict = kernel.run(source(cell))
            if (verdict is None) == ("raises-exception" in tags(cell)):
                problems.append(f"{source(cell)[:60]!r}: {verdict}")
    assert not problems, "\n".join(problems)


@every_lesson
def test_points_and_checks(path):
    checks = [cell for cell in code_cells(read(path)) if cell["metadata"].get("nbgrader", {}).get("grade")]
    assert len(checks) >= 3 and all(1 <= cell["metadata"]["nbgrader"]["points"] <= 5 for cell in checks)
    for cell in checks:
        name = cell["metadata"]["nbgrader"]["grade_id"]
        assert cleared(cell, ClearHiddenTests()) != source(cell), f"{name} has no hidden part"
        assert len(source(cell).splitlines()) <= 50, f"{name}: a check has 50 lines at most"


def test_words_are_of_wrong_answers():
    """A fragment in `SAYS` belongs to a misconception that is there."""
    for name, said in SAYS.items():
        assert said.keys() <= MISCONCEPTIONS[name].keys(), (
            f"{name}: {sorted(said.keys() - MISCONCEPTIONS[name].keys())}"
        )
