"""Lessons as pages that anybody can open: no kernel, no network, no color that is needed to understand.

nbconvert's page with five changes: formulas are typeset here and need no script from elsewhere; folded cells fold;
links between lessons lead to pages; marks for a course's tools are left out; colors have the contrast that WCAG 2.1 AA
asks for.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
from pathlib import Path
from typing import Any

import bs4
import jinja2
from nbconvert import HTMLExporter

from bcfl_support import services
from tools import markdown

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_TEMPLATES = Path(__file__).parent / "templates"


MARK = re.compile(r"^ *### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)\n?", re.MULTILINE)
"""What tells a course's tools where a solution or a hidden test begins and ends."""


def without_marks(source: str) -> str:
    """A cell as who reads the solved lesson wants it: solution and tests, without the marks around them."""
    return MARK.sub("", source).rstrip("\n")


class _Pages(HTMLExporter):
    """nbconvert's exporter, with formulas kept aside for KaTeX."""

    def __init__(self, **options: Any) -> None:
        self.formulas: list[markdown.Formula] = []
        super().__init__(template_name="lesson", extra_template_basedirs=[str(_TEMPLATES)], **options)

    @jinja2.pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return markdown.render(source, self.formulas)


def to_html(notebook: Any, name: str, folder: Path) -> str:
    """A lesson as a page.

    Args:
        notebook: nbformat v4; it is not changed.
        name: of the lesson, used as the page's title if it has none.
        folder: where the page will lie.

    Raises:
        ValueError: if KaTeX refuses a formula.
    """
    notebook = copy.deepcopy(notebook)
    title = next((match[1] for cell in notebook.cells if (match := re.match(r"# (.+)", cell.source))), name)
    notebook.metadata["title"] = title
    for cell in notebook.cells:
        cell.source = without_marks(cell.source)
        for output in cell.get("outputs", []):
            if WIDGET_VIEW in output.get("data", {}):
                # Its words stand for it: without a kernel a widget cannot move.
                del output.data[WIDGET_VIEW]
    exporter = _Pages()
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    return _finish(body, exporter.formulas, folder)


def _finish(body: str, formulas: list[markdown.Formula], folder: Path) -> str:
    """Put the formulas in, lead links to pages, and say what a scrolling box holds."""
    rendered = markdown.typeset(formulas)
    for formula, result in zip(formulas, rendered, strict=True):
        if "error" in result:
            raise ValueError(f"KaTeX refuses the formula ${formula.tex}$: {result['error']}")
    page = bs4.BeautifulSoup(body, "html.parser")
    for link in page("a", href=re.compile(r"^\d\d_\w+\.ipynb(#.*)?$")):
        link["href"] = str(link["href"]).replace(".ipynb", ".html", 1)
    for link in page("a", href=re.compile(r"^\.\./")):
        target = services.project_root() / "notebooks" / str(link["href"])
        link["href"] = Path(os.path.relpath(target, folder)).as_posix()
    for number, box in enumerate(page("pre"), 1):
        # A box that scrolls must be reachable by keyboard; every one may, on a narrow screen.
        box["tabindex"] = "0"
        box["role"] = "region"
        box["aria-label"] = f"{'output' if box.find_parent(class_='jp-OutputArea') else 'code'} {number}"
    for heading in page("a", class_="anchor-link"):
        heading.decompose()
    text = str(page)
    return re.sub(r'<span data-formula="(\d+)"></span>', lambda match: rendered[int(match[1])]["html"], text)


def write(notebook: Any, name: str, folder: Path | None = None) -> Path:
    """Write a lesson's page, beside the fonts that its formulas need.

    Args:
        notebook: nbformat v4.
        name: of the file, without its ending.
        folder: where to; None is ``build/html/``.

    Returns:
        The page's path.
    """
    root = services.project_root()
    folder = folder or root / "build" / "html"
    (folder / "katex").mkdir(parents=True, exist_ok=True)
    katex = root / "node_modules" / "katex" / "dist"
    shutil.copyfile(katex / "katex.min.css", folder / "katex" / "katex.min.css")
    shutil.copytree(
        katex / "fonts", folder / "katex" / "fonts", dirs_exist_ok=True, ignore=lambda _, names: _not_woff2(names)
    )
    page = folder / f"{name}.html"
    page.write_text(to_html(notebook, name, folder), encoding="utf-8")
    return page


def _not_woff2(names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".woff2")]
