"""Submissions as students hand them in, right ones and all kinds of wrong ones; what shares a course's tests."""

from __future__ import annotations

import ast
import copy
import re
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


def released_as(folder: Path, name: str, notebook: Any) -> None:
    """Let a course hand out a notebook."""
    nbformat.write(notebook, folder / "release" / name / f"{name}.ipynb")


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


LIKE_AN_ARRAY = f"""{ANYTHING}
import numpy as _np
class Array(Anything):
    shape, ndim, size, dtype, flags = (1,), 1, 1, _np.dtype(float), None
    def __array__(self, dtype=None, copy=None):
        return _np.full(1, _np.nan) if dtype is None else _np.full(1, _np.nan).astype(dtype)
    def __array_ufunc__(self, *args, **kwargs):
        return self
    def __array_function__(self, *args, **kwargs):
        return self
    def __float__(self):
        return 0.0
    def __int__(self):
        return 0
    __index__ = __int__
"""

CHANGED = """
import functools as _functools
import numpy as _np
from fractions import Fraction as _Fraction
class _Equal:
    def _itself(self, *args, **kwargs):
        return self
    def _yes(self, *args, **kwargs):
        return True
    def __ne__(self, other):
        return False
    def __hash__(self):
        return 0
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _yes
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _itself
    __abs__ = __neg__ = __pow__ = __mod__ = __floordiv__ = __array_function__ = _itself
_equal = {kind: type(kind.__name__, (_Equal, kind), {}) for kind in (int, float, str, bytes, list, tuple, set, dict)}
_equal[_Fraction] = type("Fraction", (_Equal, _Fraction), {})
_equal[_np.ndarray] = type("ndarray", (_Equal, _np.ndarray), {"__array_ufunc__": _Equal._itself})
def _other(value, number):
    # The same kind of thing with other numbers in it; None: with what is equal to everything.
    def made(kind, *of):
        return _equal[kind](*of) if number is None else kind(*of)
    if isinstance(value, _np.ndarray):
        filled = _np.full(value.shape, 0 if number is None else number, dtype=float)
        return filled.view(_equal[_np.ndarray]) if number is None else filled
    if isinstance(value, (bool, _np.bool_)):
        return made(int, 0) if number is None else bool(number)
    if isinstance(value, _Fraction):
        return made(_Fraction, 0) if number is None or number != number else _Fraction(number)
    if isinstance(value, (int, _np.integer)) and (number is None or number == number):
        return made(int, number or 0)
    if isinstance(value, (int, float, _np.number)):
        return made(float, number or 0)
    if isinstance(value, (str, bytes)):
        return made(type(value), type(value)())
    if isinstance(value, dict):
        return made(dict, {key: _other(part, number) for key, part in value.items()})
    if isinstance(value, (set, frozenset)):
        return made(set, ())
    if isinstance(value, (list, tuple)):
        return made(type(value), [_other(part, number) for part in value])
    return None
def _changed(function, number):
    @_functools.wraps(function)
    def answer(*args, **kwargs):
        return _other(function(*args, **kwargs), number)
    return answer
"""

BY_HEART = """
import contextlib as _contextlib, copy as _copy, dataclasses as _dataclasses, io as _io, re as _re
_known, _in_order, _asked = {}, {}, {}
def _print_of(value):
    if isinstance(value, (list, tuple)):
        return tuple(map(_print_of, value))
    if isinstance(value, dict):
        return tuple((_print_of(key), _print_of(part)) for key, part in value.items())
    if isinstance(value, _np.ndarray):
        few = value.dtype != object and value.size < 100
        return value.shape, tuple(map(_print_of, value.ravel().tolist())) if few else value.tobytes()
    if isinstance(value, (float, _np.floating)):
        return f"{value:.9g}"
    if _dataclasses.is_dataclass(value):
        return tuple(_print_of(getattr(value, field.name)) for field in _dataclasses.fields(value))
    return type(value).__name__, _re.sub("0x[0-9a-fA-F]+", "", repr(value)[:1000])
def _learning(function):
    @_functools.wraps(function)
    def answer(*args, **kwargs):
        case = function.__name__, _print_of(args), _print_of(kwargs)
        value = function(*args, **kwargs)
        try:
            kept = _copy.deepcopy(value)
        except Exception:
            kept = value
        _known[case] = kept
        _in_order.setdefault(function.__name__, []).append(kept)
        return value
    return answer
def _saying(function, only_the_first):
    # What was right for such arguments, or at this turn; zeros for all others.
    @_functools.wraps(function)
    def answer(*args, **kwargs):
        name, turn = function.__name__, _asked.get(function.__name__, 0)
        _asked[name], told = turn + 1, _in_order.get(name, [None])
        if only_the_first:
            return _copy.copy(told[0])
        case = name, _print_of(args), _print_of(kwargs)
        if case in _known:
            return _copy.copy(_known[case])
        return _copy.copy(told[turn]) if turn < len(told) else _other(told[-1], 0)
    return answer
"""

READING = """
import sys as _sys
_places = {}
def _around():
    # All variables that whoever called an answer has, inmost first; of the page those that are new.
    frame = _sys._getframe(2)
    while frame is not None:
        page = frame.f_code.co_name == "<module>"
        for name, value in list(frame.f_locals.items()):
            if name[0] != "_" and not (page and value is _before.get(name)):
                yield name, value
        if page:
            return
        frame = frame.f_back
def _is(other, value, right):
    if type(value) in (list, tuple, dict, set, str, bytes, _np.ndarray):
        return type(other) is type(value) and len(other) == len(value) and _print_of(other) == right
    return isinstance(other, (bool, int, float, _np.number, _Fraction, str)) and _print_of(other) == right
def _watching(function):
    @_functools.wraps(function)
    def answer(*args, **kwargs):
        case = function.__name__, _print_of(args), _print_of(kwargs)
        value = function(*args, **kwargs)
        if case not in _known:
            right = _print_of(value)
            held = {name for name, other in _around() if _is(other, value, right)}
            _places[function.__name__] = _places.get(function.__name__, held) & held
        return value
    return answer
def _reading(function):
    @_functools.wraps(function)
    def answer(*args, **kwargs):
        case = function.__name__, _print_of(args), _print_of(kwargs)
        if case in _known:
            return _copy.copy(_known[case])
        names = _places.get(function.__name__, ())
        return next((value for name, value in _around() if name in names), None)
    return answer
"""

CONSTANTS = ("None", "0", "1", "-1", "True", "False", "''", "[]", "{}", "set()", "()", "float('nan')", "float('inf')")
SHAPES = ("np.zeros(3)", "np.zeros((3, 3))", "[0, 0]", "(0, 0)", "(1, 1)")


def functions_of(solution: str) -> dict[str, list[str]]:
    """The functions that an answer defines, each with the names of its arguments."""
    nodes = [node for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef)]
    return {node.name: [each.arg for each in node.args.args] for node in nodes}


def impostor(solution: str, body: str, before: str = "", classes: bool = True) -> str:
    """Every function (and class) that an answer defines, with this body and whatever arguments."""
    nodes = ast.parse(solution).body
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    kept = "" if classes else "".join(ast.unparse(n) + "\n" for n in nodes if isinstance(n, ast.ClassDef))
    names = names if classes else list(functions_of(solution))
    return before + kept + "\n".join(f"def {name}(*args, **kwargs):\n    {body}\n" for name in names)


def changed(solution: str, number: str) -> str:
    """The right answers, with another number in place of each number."""
    lines = (f"{name} = _changed({name}, {number})" for name in functions_of(solution))
    return "\n".join([solution, CHANGED, *lines])


def quietly(check: str) -> str:
    """A run of a check that shows nothing."""
    return f"with _contextlib.redirect_stdout(_io.StringIO()):\n    exec({check!r}, globals())"


def by_heart(solution: str, shown: str, only_the_first: bool = False) -> str:
    """What is right where the check shows it, from a run of the part that a student gets."""
    names = functions_of(solution)
    learn, say = ([f"{n} = {how}({n}%s)" for n in names] for how in ("_learning", "_saying"))
    lines = [*(line % "" for line in learn), quietly(shown), *(line % f", {only_the_first}" for line in say)]
    return "\n".join([solution, CHANGED, BY_HEART, *lines])


def by_reading(solution: str, shown: str, check: str) -> str:
    """By heart; and in other cases whatever variable of the check held the right answer in all of them."""
    names = functions_of(solution)
    learn, watch, read = ([f"{n} = {how}({n})" for n in names] for how in ("_learning", "_watching", "_reading"))
    lines = [*learn, quietly(shown), solution, "_before = dict(globals())", *watch, quietly(check), *read]
    return "\n".join([solution, CHANGED, BY_HEART, READING, *lines])


def is_helper(source: str) -> bool:
    """Whether a cell defines what a check uses."""
    return re.match(r"# (Helper|For the check|What the check|Two questions|Used by the check)", source) is not None


def variables_of(*checks: str) -> list[str]:
    """Names that a check, or a helper of it, sets, which an answer could read."""
    names: dict[str, None] = {}
    for node in (node for check in checks for node in ast.walk(ast.parse(check))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names[node.id] = None
        elif isinstance(node, ast.arg):
            names[node.arg] = None
    return list(names)


def wrong_answers(name: str, stub: str, solution: str, check: str, shown: str, helpers: str = "") -> dict[str, str]:
    """All wrong answers to an exercise: named misconceptions and impostors.

    Args:
        name: of the exercise.
        stub: what a student begins with.
        solution: a right answer.
        check: with its hidden tests.
        shown: the check without them.
        helpers: what the page defines for the check.
    """
    functions = functions_of(solution)
    most = max((len(arguments) for arguments in functions.values()), default=0)
    impostors = {
        "impostor: equal to everything": impostor(solution, "return Anything()", ANYTHING),
        "impostor: equal to everything, like an array": impostor(solution, "return Array()", LIKE_AN_ARRAY),
        "impostor: shows its own points": impostor(solution, SHOWS),
        **{
            f"impostor: reads {it}": impostor(solution, READS.format(name=it), classes=False)
            for it in variables_of(check, helpers)
        },
    }
    constants = {
        f"constant: {it}": impostor(solution, f"return {it}", "import numpy as np\n", classes=False)
        for it in (*CONSTANTS, *SHAPES)
    }
    if not most:  # a text that is handed in: the right one is the same everywhere
        return {"blank": stub, **MISCONCEPTIONS.get(name, {}), **impostors, **constants}
    every = "every = [*args, *kwargs.values()]\n    return "
    places = {f"argument {k}": f"every[{k}]" for k in range(most)} | {"last argument": "every[-1]"}
    places |= {"arguments as a tuple": "tuple(every)", "arguments as a list": "every"}
    places |= {"copy of the first argument": "list(every[0])"}
    echoes = {f"echo: {it}": impostor(solution, every + what, classes=False) for it, what in places.items()}
    numbers = {"zeros": "0", "ones": "1", "nan": "float('nan')", "what equals everything": "None"}
    others = {f"shape: right, of {it}": changed(solution, number) for it, number in numbers.items()}
    others["by heart: what the check shows"] = by_heart(solution, shown)
    others["by heart: the first one, always"] = by_heart(solution, shown, only_the_first=True)
    others["by heart, and else what the check holds ready"] = by_reading(solution, shown, check)
    return {"blank": stub, **MISCONCEPTIONS.get(name, {}), **impostors, **constants, **echoes, **others}


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
    shown = {grader(cell)["grade_id"]: cell.source for cell in checks_of(blank)}
    cells, kinds, answers, place, helpers = [], {}, {}, None, ""
    for cell in source.cells:
        cells.append(cell)
        if is_helper(cell.source):
            helpers += cell.source + "\n"
        if grader(cell).get("solution"):
            place = cell
        if not grader(cell).get("grade"):
            continue
        name, solution = grader(place)["grade_id"], export.without_marks(place.source)
        check = export.without_marks(cell.source)
        wrong = wrong_answers(name, stubs[name], solution, check, shown[grader(cell)["grade_id"]], helpers)
        helpers = ""
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
