"""What the tests of the lessons share: the notebooks, their cells, and the definitions written in them."""

from __future__ import annotations

import ast
import contextlib
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and source(cell).strip()]


def markdown(notebook: dict[str, Any]) -> str:
    return "\n\n".join(source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")


def tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def definitions(lesson: str, **given: Any) -> dict[str, Any]:
    """The functions that a lesson defines on its pages, ready to call.

    Nothing else of the notebook is executed but its imports: what a function takes from the page's variables is handed
    in as `given`.
    """
    [path] = [path for path in LESSONS if path.name.startswith(lesson)]
    namespace: dict[str, Any] = dict(given)
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for cell in code_cells(read(path)):
        if "raises-exception" in tags(cell):
            continue
        for node in ast.parse(source(cell)).body:
            # A default argument may name a variable of the page; such a function is the page's own business.
            with contextlib.suppress(NameError):
                if isinstance(node, kept):
                    exec(compile(ast.Module([node], type_ignores=[]), path.name, "exec"), namespace)
    return namespace
