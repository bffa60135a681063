"""A lesson's own cells, run on seeds that the lesson never saw.

A claim is recomputed by the code that stands on the page, not by a twin of it. A cell is named by its id; what it only
shows (a call that stands alone: a table, a figure, a line of text) and what it asserts are left out, and the seeds are
put in by a swap that fails if the cell no longer says what it replaces. What a lesson reads from a long study comes
from the script of that study, `load_study`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from _common import ROOT  # first: it sets the threads


def track(items: Iterable[Any], *_: str) -> Iterable[Any]:
    """In the place of `widgets.track`: the items, without a progress line."""
    return items


def load_study(name: str) -> ModuleType:
    """The script of a long study, by a name of its own: the tests have a room that is called `fairness`, too."""
    known = f"study_of_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, ROOT / "benchmarks" / f"{name}.py")
        assert spec is not None and spec.loader is not None, name
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


class _Silent(ast.NodeTransformer):
    """Takes out every assert: a claim that fails is a row of the answer, not an error."""

    def visit_Assert(self, node: ast.Assert) -> ast.Pass:
        return ast.copy_location(ast.Pass(), node)


class Page:
    """The cells of one lesson, and the names they have defined so far.

    Attributes:
        seeds: the seeds to run on, also in the cells, as `SEED_LIST`.
        names: what the cells have defined.
    """

    def __init__(self, lesson: int, seeds: Sequence[int]) -> None:
        [path] = (ROOT / "notebooks").glob(f"{lesson:02d}_*.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        self.cells = {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}
        self.seeds = list(seeds)
        self.names: dict[str, Any] = {"SEED_LIST": self.seeds}

    def run(self, cell: str, *swaps: tuple[str, str], only: Sequence[str] = ()) -> Page:
        """Execute a cell: with text swapped, or only the statements that begin with one of the texts of `only`.

        Raises:
            LookupError: the lesson has no such cell, or the cell not such a text: look at its claims anew.
        """
        if cell not in self.cells:
            raise LookupError(f"the lesson has no cell {cell}: find the cell that makes this claim now")
        source = self.cells[cell]
        for old, new in swaps:
            if old not in source:
                raise LookupError(f"cell {cell} no longer says {old!r}: look at what it claims now")
            source = source.replace(old, new)
        body = [node for node in ast.parse(source).body if not _only_shows(node)]
        for text in only:
            if not any(ast.unparse(node).startswith(text) for node in body):
                raise LookupError(f"cell {cell} no longer has a statement {text!r}: look at what it claims now")
        chosen = [node for node in body if not only or ast.unparse(node).startswith(tuple(only))]
        tree = ast.fix_missing_locations(_Silent().visit(ast.Module(chosen, type_ignores=[])))
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(tree, f"cell {cell}", "exec"), self.names)
        self.names["widgets"] = SimpleNamespace(track=track)
        return self

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


def _only_shows(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
