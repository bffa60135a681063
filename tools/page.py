"""The page without a browser: what would stand wrong on a lesson's page, found in its file.

Every fault names the lesson, the cell and what is wrong. `check` looks at one lesson; `python -m tools page` prints the
faults of all and ends with their number.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import bs4
import nbformat

from bcfl_support import plots
from tools import lessons, markdown, times

LONGEST_LINE = 100
"""Characters a code line or a printed line may have: the width of a page at 1280 pixels."""
LONGEST_CELL = 30
"""Lines an open code cell may have: what a reader sees at once."""

PLOTTING = re.compile(r"\bmake_figure\(|\bplots\.show\(|\bExplorer\(|^def (draw|describe)_", re.MULTILINE)
QUOTED = re.compile(r"""\A\s*[rbf]{0,2}(\"{3}|'{3})|(\"{3}|'{3})\s*\Z""")
ESCAPES = re.compile(r"\\[nt](?![A-Za-z])|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|&amp;[a-z]+;|&(?:amp;)?#\d+;")
TAGS = {"a", "b", "br", "code", "details", "em", "i", "img", "kbd", "p", "strong", "sub", "summary", "sup"}
LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Fault:
    """One thing wrong on a page.

    Attributes:
        lesson: the notebook's name.
        cell: which one, counted from 1; 0 for the page as a whole.
        what: the fault, with what is concerned.
    """

    lesson: str
    cell: int
    what: str

    def __str__(self) -> str:
        return f"{self.lesson}, cell {self.cell}: {self.what}" if self.cell else f"{self.lesson}: {self.what}"


def check(path: Path) -> list[Fault]:
    """Everything wrong on the page of one lesson.

    Args:
        path: a notebook; its links are followed from the folder it lies in.
    """
    notebook = nbformat.read(path, as_version=4)
    faults: list[Fault] = []
    for place, cell in enumerate(notebook.cells, 1):
        found = _check_text(cell.source) if cell.cell_type == "markdown" else _check_code(cell)
        faults += [Fault(path.stem, place, what) for what in found]
        if cell.cell_type == "markdown":
            faults += [Fault(path.stem, place, what) for what in check_links(cell.source, path)]
    faults += [Fault(path.stem, *fault) for fault in _check_formulas(notebook)]
    faults += [Fault(path.stem, 0, what) for what in (*_check_headings(notebook), *_check_times(notebook))]
    return faults


def count_formulas(notebook: Any) -> int:
    """Formulas on a lesson's page."""
    return len(list(_formulas(notebook)))


# ---------------------------------------------------------------- text
def _check_text(source: str) -> Iterator[str]:
    if match := QUOTED.search(source):
        yield f"Python quotes {match[0].strip()} around the text"
    prose = re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", "", source, flags=re.DOTALL)
    for match in ESCAPES.finditer(prose):
        yield f"an escape is shown as it is written: {match[0]}"
    if source.count("<details>") != source.count("</details>"):
        yield "a <details> without its end, or an end without its start"
    if re.search(r"</summary>(?!\s*\n\s*\n)|(?<!\n\n)</details>", source):
        yield "an empty line is missing after </summary> or before </details>: what is between is not rendered"
    for tag in re.findall(r"</?([A-Za-z][\w-]*)[^<>\n]*>", prose):
        if tag.lower() not in TAGS:
            yield f"<{tag}> is taken for a tag, and is not shown or swallows what follows: put it into backticks"
    yield from _check_tables(source)
    for match in re.finditer(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>", source):
        yield f"an image without alternative text: {match[0]}"
    yield from _check_rendered(source)


def _check_tables(source: str) -> Iterator[str]:
    """Rows of a table must have one number of cells; a bar in a formula counts as one more."""
    for table in re.findall(r"(?:^\|.*\n?)+", source, re.MULTILINE):
        rows = table.strip().splitlines()
        widths = {len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) for row in rows}
        if len(widths) > 1:
            yield f"a table whose rows have {sorted(width - 1 for width in widths)} cells: {rows[0]}"
        if len(rows) < 2 or not re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", rows[1].strip()):
            yield f"a table without the line below its head: {rows[0]}"


def _check_rendered(source: str) -> Iterator[str]:
    """What stays of the markup when the text is rendered."""
    page = bs4.BeautifulSoup(markdown.render(source, []), "html.parser")
    for code in page(["code", "pre"]):
        code.decompose()
    text = page.get_text()
    for pattern, name in (
        (r"\$[^$\s][^$\n]{0,40}", "a dollar of a formula that does not end"),
        (r"\\[A-Za-z]+", "TeX outside a formula"),
        (r"\*\*[^*\n]{1,40}", "asterisks"),
        (r"^#{1,6} .*", "a heading that is not rendered"),
        (r"\]\([^)\s]+\)", "a link that is not rendered"),
        (r"^\|.*\|", "a table that is not rendered"),
    ):
        for match in re.finditer(pattern, text, re.MULTILINE):
            yield f"{name} in the rendered text: {match[0]}"


# ---------------------------------------------------------------- formulas
def _formulas(notebook: Any) -> Iterator[tuple[int, markdown.Formula]]:
    for place, cell in enumerate(notebook.cells, 1):
        found: list[markdown.Formula] = []
        if cell.cell_type == "markdown":
            markdown.render(cell.source, found)
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                markdown.render(output.data["text/markdown"], found)
        yield from ((place, formula) for formula in found)


def _check_formulas(notebook: Any) -> Iterator[tuple[int, str]]:
    places = list(_formulas(notebook))
    if not places:
        return
    results = markdown.typeset([formula for _, formula in places])
    for (place, formula), result in zip(places, results, strict=True):
        if "error" in result:
            yield place, f"formula ${formula.tex}$: {result['error']}"


# ---------------------------------------------------------------- code and what it shows
def _check_code(cell: Any) -> Iterator[str]:
    lines = cell.source.splitlines()
    for line in lines:
        if len(line) > LONGEST_LINE:
            yield f"a code line of {len(line)} characters, over {LONGEST_LINE}: {line.strip()[:60]} …"
    folded = bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
    grader = cell.metadata.get("nbgrader")
    if not folded and not grader and len(lines) > LONGEST_CELL:
        yield f"an open cell of {len(lines)} lines, over {LONGEST_CELL}; it begins: {lines[0]}"
    if not grader and PLOTTING.search(cell.source) and not folded:
        yield f"plotting code that is not folded; it begins: {lines[0]}"
    if folded and not grader and not re.match(r"# \S.{9,}", cell.source):
        yield f"a folded cell without a caption (a comment as its first line); it begins: {lines[0]}"
    for output in cell.get("outputs", []):
        yield from _check_output(output)


def _check_output(output: Any) -> Iterator[str]:
    data = output.get("data", {})
    for kind in ("image/png", "image/jpeg", "image/svg+xml"):
        if kind in data:
            yield f"an {kind} output, whose alternative text no page shows: use plots.show"
    for image in bs4.BeautifulSoup(data.get("text/html", ""), "html.parser")("img"):
        alt = str(image.get("alt", ""))
        if len(alt) < plots.MINIMUM_ALT:
            yield f"an image whose alternative text is {alt!r}"
    for line in output.get("text", "").splitlines():
        if len(line) > LONGEST_LINE:
            yield f"a printed line of {len(line)} characters, over {LONGEST_LINE}: {line.strip()[:60]} …"


# ---------------------------------------------------------------- headings, links, times
def headings(notebook: Any) -> list[tuple[int, str]]:
    """Level and text of each heading, as rendered."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            page = bs4.BeautifulSoup(markdown.render(cell.source, []), "html.parser")
            for heading in page(re.compile("^h[1-6]$")):
                for link in heading("a", class_="anchor-link"):
                    link.decompose()
                found.append((int(heading.name[1]), heading.get_text()))
    return found


def _check_headings(notebook: Any) -> Iterator[str]:
    found = headings(notebook)
    if sum(level == 1 for level, _ in found) != 1 or (found and found[0][0] != 1):
        yield f"a page has one title, and it comes first; the headings of level 1 are {[t for n, t in found if n == 1]}"
    for (before, _), (level, text) in itertools.pairwise(found):
        if level > before + 1:
            yield f"the heading {text!r} is {level - before} levels below the one before it"
    numbers = [int(match[1]) for level, text in found if level == 2 and (match := re.match(r"(\d+) ·", text))]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"sections are numbered {numbers}"
    texts = [text for _, text in found]
    for text in {text for text in texts if texts.count(text) > 1}:
        yield f"two headings are called {text!r}: a link cannot tell them apart"


def anchor(heading: str) -> str:
    """What a link to a heading says after its ``#``, in JupyterLab, in nbconvert and on GitHub's notebook page."""
    return heading.strip().replace(" ", "-")


def check_links(source: str, path: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", source, flags=re.DOTALL)
    for match in LINK.finditer(text):
        target = match["target"]
        if re.match(r"https?:|mailto:|attachment:", target):
            continue
        name, _, fragment = unquote(target).partition("#")
        file = (path.parent / name) if name else path
        if not file.exists():
            yield f"a link to {target}, which is not there"
        elif fragment and file.suffix == ".ipynb":
            other = nbformat.read(file, as_version=4)
            places = {anchor(heading) for _, heading in headings(other)}
            places |= {f"cell-id={cell.id}" for cell in other.cells}
            if fragment not in places:
                yield f"a link to {target}, which has no such heading or cell"


def _check_times(notebook: Any) -> Iterator[str]:
    sections = times.measure(notebook)
    for section in sections:
        if section.stated != section.minutes:
            yield (
                f"section {section.title!r} states {section.stated} minutes, by the rule it takes {section.minutes}; "
                "`make refresh` writes it"
            )
    total, stated = sum(section.stated or 0 for section in sections), times.stated_total(notebook)
    if total != stated:
        yield f"the sections' times add up to {total} minutes, **Time.** says {stated}"


def report(names: Sequence[str] = ()) -> int:
    """Print the faults of lessons and their number; return 1 if there are any."""
    paths = lessons.lesson_paths(names)
    faults = [fault for path in paths for fault in check(path)]
    for fault in faults:
        print(fault)
    count = sum(count_formulas(nbformat.read(path, as_version=4)) for path in paths)
    print(f"{len(paths)} pages, {count} formulas, {len(faults)} faults")
    return int(bool(faults))
