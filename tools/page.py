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

from bcfl_support.teaching import plots
from tools import lessons, markdown, times

LONGEST_LINE = 100
"""Characters a code line or a printed line may have: the width of a page at 1280 pixels."""
LONGEST_CELL = 30
"""Lines an open code cell may have: what a reader sees at once."""

LONGEST_CHECK = 50
"""Lines an exercise's solution or its check may have: neither can be divided."""

PLOTTING = re.compile(r"\bmake_figure\(|\bplots\.show\(|\bExplorer\(")
QUOTED = re.compile(r"""\A\s*[rbf]{0,2}(\"{3}|'{3})|(\"{3}|'{3})\s*\Z""")
TAGS = {"a", "b", "br", "code", "details", "em", "i", "img", "kbd", "p", "strong", "sub", "summary", "sup"}

WRITTEN = (
    (r"\\[nt](?![A-Za-z])|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|&amp;#?\w+;", "an escape is shown as it is written"),
    (r"\\\(.*?\\\)|\\\[.*?\\\]", "only some programs take this for a formula, all know dollars"),
    (r"^#{1,6}[^#\s].*", "no heading without a blank after #"),
    (r"[ÃÂ][\x80-\xbf‘’“”€™]|â€|\ufffd", "text in a wrong encoding"),
    (r"\b(?:TODO|FIXME|TBD|XXX)\b.*", "a note to oneself"),
    (r"`+.*", "a backtick without its second"),
    (r"<!--(?![\s\S]*?-->)", "a comment without its end, which swallows all that follows"),
    (r"\w\*\w+\*\w|\b__\w+__\b", "stars or underscores of code are taken for emphasis: put it into backticks"),
    (r"^[^\s|>#*-].*\n(?:-{2,}|={2,})[ \t]*$", "a paragraph taken for a heading: put an empty line before the rule"),
    (r"\]\s+\(https?:.*|\)\[https?:.*|\[[^\]\n]+\]\[\]", "no link"),
    (r"^(?:> \[!\w+\]|:::).*|^[•·] .*", "markup that JupyterLab does not know"),
)
"""What is wrong wherever it is written, code and formulas aside."""

RENDERED = (
    (r"\$[^$\n]{0,40}", "a dollar of a formula that does not end (an amount is written 5 USD)"),
    (r"`[^`\n]*", "a backtick"),
    (r"\\[A-Za-z]+", "TeX outside a formula"),
    (r"(?<![\w*])\*{1,2}(?=[^\s*)])[^*\n]{1,40}", "asterisks"),
    (r"(?<!\w)__\w+|\w__(?!\w)", "underscores"),
    (r"^#{1,6} .*", "a heading that is not rendered"),
    (r"\]\([^)\n]*\)|\]\[[^\]\n]+\]", "a link that is not rendered"),
    (r"\[\^[^\]\n]+\]", "a footnote, which JupyterLab does not know"),
    (r"^\|.*\|", "a table that is not rendered"),
)
"""Markup that a reader sees: it did not become what it stands for."""


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
        if cell.metadata.get("jp-MarkdownHeadingCollapsed") or cell.metadata.get("jupyter", {}).get("outputs_hidden"):
            faults.append(Fault(path.stem, place, "what follows is folded away: open it and save the lesson"))
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
    if not source.strip():
        yield "an empty text, which is an empty box"
    text = markdown.without_code(source)
    if text.count(r"\$") > 1:
        yield r"two \$ in one text, which JupyterLab takes for a formula all the same: write 5 USD"
    text = text.replace(r"\$", "").replace(r"\*", "")
    prose = re.sub(r"<[^<>\s]+[:@][^<>\s]+>", "address", text)
    prose = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", "x", prose, flags=re.DOTALL)
    for pattern, what in WRITTEN:
        for match in re.finditer(pattern, prose, re.MULTILINE):
            yield f"{what}: {match[0][:60]}"
    if len(re.findall(r"<details\b", text)) != text.count("</details>"):
        yield "a <details> without its end, or an end without its start"
    if re.search(r"</summary>(?!\s*\n\s*\n)|(?<!\n)\n[ \t]*</details>|[^\n\s][ \t]*</details>", text):
        yield "an empty line is missing after </summary> or before </details>: what is between is not rendered"
    for match in re.finditer(r"^>.*\$\$[ \t]*$", text, re.MULTILINE):
        yield f"a formula of several lines in a quotation: JupyterLab typesets its signs too: {match[0]}"
    yield from _check_tags(prose)
    yield from _check_tables(prose)
    yield from _check_rendered(source)


def _check_tags(prose: str) -> Iterator[str]:
    """What is taken for a tag must be one, and must end."""
    found = re.findall(r"<(/?)([A-Za-z][\w-]*)([^<>\n]*)>", prose)
    for _, tag, attributes in found:
        if tag.lower() not in TAGS or not re.fullmatch(r"(\s+(open|[\w-]+=(\"[^\"]*\"|'[^']*')))*\s*/?", attributes):
            what = "is taken for a tag, and is not shown or swallows what follows: put it into backticks"
            yield f"<{tag}{attributes}> {what}"
    for tag in sorted(TAGS - {"br", "img", "details", "p"}):
        ends = [end for end, name, _ in found if name.lower() == tag]
        if ends.count("") != ends.count("/"):
            yield f"a <{tag}> without its end, or an end without its start"


def _check_tables(text: str) -> Iterator[str]:
    """Rows of a table must have one number of cells; a bar in a formula counts as one more."""
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        rows = table.strip().splitlines()
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        if len(widths) > 1:
            yield f"a table whose rows have {sorted(width - 1 for width in widths)} cells: {rows[0]}"
        if len(rows) < 2 or not re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", rows[1].strip()):
            yield f"a table without the line below its head: {rows[0]}"


def _check_rendered(source: str) -> Iterator[str]:
    """What stays of the markup when the text is rendered, and images that say nothing."""
    page = bs4.BeautifulSoup(markdown.render(source.replace(r"\$", "").replace(r"\*", ""), []), "html.parser")
    if len(page("pre")) != len(markdown.FENCE.findall(source)):
        yield "an indented paragraph is taken for code: begin it at the edge, and code with ```"
    for image in page("img"):
        if len(alt := str(image.get("alt", ""))) < plots.MINIMUM_ALT:
            yield f"an image without alternative text, or with a poor one: {alt!r}"
    for heading in page(re.compile("^h[1-6]$")):
        if heading.select("[data-formula]"):
            yield f"a formula in the heading {heading.get_text()!r}: no link can name it"
    for code in page(["code", "pre"]):
        if match := re.search(r"&(?:lt|gt|amp|quot|#\d+);", code.get_text()):
            yield f"an escape is shown as it is written, within code: {match[0]}"
        code.decompose()
    text = page.get_text()
    for pattern, what in RENDERED:
        for match in re.finditer(pattern, text, re.MULTILINE):
            yield f"{what} in the rendered text: {match[0]}"


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
        elif _is_prose(formula):
            yield (
                place,
                f"text between two dollars is taken for a formula (an amount is written 5 USD): ${formula.tex}$",
            )
        for match, what in _find_slips(formula.tex):
            yield place, f"{what}: {match} in ${formula.tex}$"


SLIPS = (
    (r"[_^](?:\d\d|[A-Za-z]{2})", "only the first of these is raised or lowered: put them into braces"),
    (r"(?<!\\)%", "a percent sign swallows the rest of its line: write \\%"),
    (r"<=|>=|!=|->", "program text in a formula"),
)


def _find_slips(tex: str) -> Iterator[tuple[str, str]]:
    """What every engine typesets, and not as it is meant."""
    tex = re.sub(r"\\(?:text|mathrm|operatorname|texttt)\*?\{[^{}]*\}", "", tex)
    for pattern, what in SLIPS:
        for match in re.finditer(pattern, tex):
            yield match[0], what


def _is_prose(formula: markdown.Formula) -> bool:
    """Whether two dollars stand around words: those of amounts, mostly."""
    words = re.sub(r"\\[A-Za-z]+(\{[^{}]*\})?", "", formula.tex)
    return not formula.display and (
        formula.tex != formula.tex.strip() or bool(re.search(r"[A-Za-z]{3,}\s+[A-Za-z]{2,}", words))
    )


# ---------------------------------------------------------------- code and what it shows
def _check_code(cell: Any) -> Iterator[str]:
    lines = cell.source.splitlines()
    for line in lines:
        if len(line) > LONGEST_LINE:
            yield f"a code line of {len(line)} characters, over {LONGEST_LINE}: {line.strip()[:60]} …"
    folded = bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
    grader = cell.metadata.get("nbgrader")
    longest = LONGEST_CHECK if grader else LONGEST_CELL
    if (grader or not folded) and len(lines) > longest:
        yield f"an open cell of {len(lines)} lines, over {longest}; it begins: {lines[0]}"
    if not grader and PLOTTING.search(cell.source) and not folded:
        yield f"plotting code that is not folded; it begins: {lines[0]}"
    if folded and not grader and not re.match(r"# \S.{9,}", cell.source):
        yield f"a folded cell without a caption (a comment as its first line); it begins: {(lines or [''])[0]}"
    outputs = cell.get("outputs", [])
    if lines and not cell.get("execution_count"):
        yield f"a cell that was not run; it begins: {lines[0]}"
    if re.match(r"# (Figure|Explorer)\b", cell.source) and not any(
        "<img" in output.get("data", {}).get("text/html", "")
        or any("image/" in kind for kind in output.get("data", {}))
        for output in outputs
    ):
        yield f"a cell that shows no picture: {lines[0]}"
    meant, raised = (
        "raises-exception" in cell.metadata.get("tags", []),
        [o for o in outputs if o.output_type == "error"],
    )
    if raised and not meant:
        yield f"an error that the lesson does not mean: {raised[0].ename}: {raised[0].evalue[:100]}"
    if meant and outputs and not raised:
        yield "a cell that is meant to raise an exception, and raises none"
    for output in outputs:
        yield from _check_output(output)


def _check_output(output: Any) -> Iterator[str]:
    data = output.get("data", {})
    for kind in data:
        if kind.startswith("image/"):
            yield f"an {kind} output, whose alternative text no page shows: use plots.show"
        elif kind not in ("text/html", "text/plain", "text/markdown"):
            yield f"an output of kind {kind}, which not every page shows"
    for image in bs4.BeautifulSoup(data.get("text/html", ""), "html.parser")("img"):
        if len(alt := str(image.get("alt", ""))) < plots.MINIMUM_ALT:
            yield f"an image whose alternative text is {alt!r}"
    if "text/markdown" in data:
        yield from _check_text(data["text/markdown"])
    if output.get("name") == "stderr":
        yield f"a warning or an error is printed: {output.text.strip()[:100]}"
    shown = output.get("text", "") or ("" if len(data) > 1 else data.get("text/plain", ""))
    if match := re.search(r"<[^<>\n]{1,80} at 0x[0-9a-f]{6,16}>|<Figure size .*>|^Text\(.*", shown, re.MULTILINE):
        yield f"an object is shown, which says nothing: {match[0]}"
    if match := re.search(r"\*\*[^*\s][^*\n]*\*\*|\$\\?\w+[_^][^$\n]*\$", output.get("text", "")):
        yield f"markup is printed: {match[0]}"
    for line in shown.splitlines():
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
    """Links and images of a text that lead nowhere.

    Args:
        source: Markdown.
        path: the file it stands in.
    """
    page = bs4.BeautifulSoup(markdown.render(source, []), "html.parser")
    for link in page("a", class_="anchor-link"):
        link.decompose()
    for target in [
        str(tag.get(key, "")) for key, name in (("href", "a"), ("src", "img")) for tag in page.select(f"{name}[{key}]")
    ]:
        if re.match(r"https?:|mailto:|attachment:|data:", target):
            continue
        name, _, fragment = unquote(target).partition("#")
        file = (path.parent / name) if name else path
        if target in ("", "#") or name.startswith("/") or not file.exists():
            yield f"a link to {target.strip('#') or 'nothing'}, which is not there"
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
    if total != (stated or 0):
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
