"""Submissions as students hand them in, right ones and all kinds of wrong ones; what shares a course's tests."""

from __future__ import annotations

import ast
import copy
from pathlib import Path
from typing import Any

import nbformat
from misconceptions import MISCONCEPTIONS

from notebooks import LESSONS
from tools import export, release


def lesson(number: str) -> Path:
    [path] = [path for path in LESSONS if path.name.startswith(number)]
    return path


def grader(cell: Any) -> dict[str, Any]:
    return cell.metadata.get("nbgrader", {})


def answers_of(notebook: Any) -> list[Any]:
    """The cells that hold an answer, in order."""
    return [cell for cell in notebook.cells if grader(cell).get("solution")]


def checks_of(notebook: Any) -> list[Any]:
    """The cells that check one, in order."""
    return [cell for cell in notebook.cells if grader(cell).get("grade")]


def released(folder: Path, name: str) -> Any:
    """What a student gets."""
    return nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)


def solved(folder: Path, name: str) -> Any:
    """What a student hands in who has got everything right."""
    solutions = {grader(cell)["grade_id"]: cell.source for cell in answers_of(source_of(folder, name))}
    notebook = released(folder, name)
    for cell in answers_of(notebook):
        cell.source = export.without_marks(solutions[grader(cell)["grade_id"]])
    return notebook


def source_of(folder: Path, name: str) -> Any:
    return nbformat.read(folder / "source" / name / f"{name}.ipynb", as_version=4)


def hand_in(folder: Path, student: str, name: str, notebook: Any) -> Path:
    """Put a notebook, or the text of a file, where it is graded."""
    place = folder / "submitted" / student / name / f"{name}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
    return place


# ---------------------------------------------------------------- answers that are none
ANYTHING = """
class Anything:
    def itself(self, *args, **kwargs):
        return self
    def yes(self, *args):
        return True
    def __ne__(self, other):
        return False
    def __iter__(self):
        return iter([self])
    def __hash__(self):
        return 0
    def __len__(self):
        return 1
    def __repr__(self):
        return ""
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = yes
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = itself
    __abs__ = __neg__ = __getitem__ = __call__ = __round__ = __mod__ = __floordiv__ = itself
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self
"""

LOOP = "while True:\n        pass"
SHOWS = "get_ipython().displayhook(3)"

READS = """import sys
    frame = sys._getframe(1)
    while frame is not None:
        if {name!r} in frame.f_locals:
            return frame.f_locals[{name!r}]
        frame = frame.f_back"""


def impostor(solution: str, body: str, before: str = "") -> str:
    """Every function and class that an answer defines, with this body and whatever arguments."""
    names = [node.name for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return before + "\n".join(f"def {name}(*args, **kwargs):\n    {body}\n" for name in names)


def variables_of(check: str, most: int = 6) -> list[str]:
    """Names that a check sets on the page, which an answer could read."""
    names: dict[str, None] = {}
    for node in ast.parse(check).body:
        if isinstance(node, ast.Assign):
            found = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            names |= dict.fromkeys(found)
    return list(names)[:most]


def wrong_answers(name: str, stub: str, solution: str, check: str) -> dict[str, str]:
    """All wrong answers to an exercise: named misconceptions and impostors."""
    impostors = {
        "impostor: equal to everything": impostor(solution, "return Anything()", ANYTHING),
        "impostor: shows its own points": impostor(solution, SHOWS),
        **{f"impostor: reads {it}": impostor(solution, READS.format(name=it)) for it in variables_of(check)},
    }
    return {"blank": stub, **MISCONCEPTIONS.get(name, {}), **impostors}


# ---------------------------------------------------------------- one run for all of them
def repeated(path: Path) -> tuple[Any, dict[str, tuple[str, str]], dict[str, str]]:
    """A lesson in which each exercise stands once for every wrong answer, and is graded in one run.

    Behind an exercise's check, which the right answer passes, come pairs of a place for an answer and the same check
    under names of their own; after the last one the right answer is there again.

    Returns:
        The source, which a course can be made of; of each further check the exercise and the kind of its answer; and
        the answers by the names of their places.
    """
    source, blank = release.prepare(path), release.release(path)
    stubs = {grader(cell)["grade_id"]: cell.source for cell in answers_of(blank)}
    cells, kinds, answers, place = [], {}, {}, None
    for cell in source.cells:
        cells.append(cell)
        if grader(cell).get("solution"):
            place = cell
        if not grader(cell).get("grade"):
            continue
        name, solution = grader(place)["grade_id"], export.without_marks(place.source)
        wrong = wrong_answers(name, stubs[name], solution, export.without_marks(cell.source))
        for number, (kind, answer) in enumerate(wrong.items()):
            for original in (place, cell):
                again = copy.deepcopy(original)
                again.id = f"{again.id}-{number}"
                again.metadata.nbgrader.grade_id = f"{grader(original)['grade_id']}--{number}"
                cells.append(again)
            kinds[grader(again)["grade_id"]] = (name, kind)
            answers[f"{name}--{number}"] = answer
        cells.append(nbformat.v4.new_code_cell(solution))
    source.cells = cells
    return source, kinds, answers
