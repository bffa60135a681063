"""How long a lesson takes its reader: one written rule, the same for every section of every lesson.

    minutes = words/135 + code lines/10 + formulas/5 + printed lines/30
              + 1.5 · questions + figures + tables/2 + 6.5 · points

rounded up for each section, at least one. Words are those of the text, without code, formulas and addresses; code
lines those that stand open and belong to no exercise; questions are each **Predict.** and each **Two minutes.**; of
the lines of tables and printouts a section counts at most 120, since nobody reads a long one line by line. What stands
before the first section counts to it. The rule was fitted to thirteen times that a lesson was worked through, section
by section, as a new reader does who predicts before running: six without the exercises and seven with all of them,
which took 145, 149, 217, 204, 236, 229 and 233 minutes for lessons 0 to 6. Seven later readers put lessons 4 to 7,
grown since, at 248; 255 and 261; 249 and 277; 303 and 283 minutes, exercises among them; words, code and above all
formulas are therefore counted as slower than that fit had them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from tools import markdown

WORDS, CODE_LINES, FORMULAS, PRINTED_LINES = 135, 10, 5, 30
QUESTION, FIGURE, TABLE, POINT = 1.5, 1, 0.5, 6.5
MOST_PRINTED = 120

HEADING = re.compile(r"^## (?P<title>.+?)(?:  \*\((?P<minutes>\d+)[ \u00a0]minutes?\)\*)?$", re.MULTILINE)
TOTAL = re.compile(r"^\*\*Time\.\*\* (\d+) minutes", re.MULTILINE)


@dataclass
class Section:
    """A section of a lesson: its title, the minutes it states (None if it states none), and those of the rule."""

    title: str
    stated: int | None
    minutes: int


@dataclass
class _Load:
    """What the rule counts."""

    words: int = 0
    code: int = 0
    formulas: int = 0
    printed: int = 0
    questions: int = 0
    figures: int = 0
    tables: int = 0
    points: int = 0

    def minutes(self) -> int:
        exact = (
            self.words / WORDS
            + self.code / CODE_LINES
            + self.formulas / FORMULAS
            + min(self.printed, MOST_PRINTED) / PRINTED_LINES
            + QUESTION * self.questions
            + FIGURE * self.figures
            + TABLE * self.tables
            + POINT * self.points
        )
        return max(1, math.ceil(exact - 1e-9))


def measure(notebook: Any) -> list[Section]:
    """The sections of a lesson with the time each states and the time the rule gives it.

    Args:
        notebook: the lesson, nbformat v4.
    """
    sections: list[Section] = []
    load, before = _Load(), _Load()

    def close() -> None:
        if sections:
            sections[-1].minutes = load.minutes()

    for cell in notebook.cells:
        if cell.cell_type == "code":
            _add_code(load if sections else before, cell)
            continue
        parts = re.split(r"(?m)^(?=## )", markdown.FENCE.sub("x", cell.source))
        for part in parts:
            heading = HEADING.match(part)
            if heading:
                close()
                load = _Load() if sections else before
                sections.append(Section(heading["title"], int(heading["minutes"] or 0) or None, 0))
            _add_text(load if sections else before, part)
    close()
    return sections


def stated_total(notebook: Any) -> int | None:
    """The minutes that the line **Time.** gives the lesson."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := TOTAL.search(cell.source)):
            return int(match[1])
    return None


def write(notebook: Any) -> None:
    """Put the rule's minutes in the place of those stated, in every section and in the line **Time.**."""
    minutes = iter(measure(notebook))
    total = sum(section.minutes for section in measure(notebook))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                rf"{markdown.FENCE.pattern}|{HEADING.pattern}",
                lambda match: _heading(match["title"], next(minutes).minutes) if match["title"] else match[0],
                cell.source,
                flags=re.MULTILINE,
            )
            cell.source = TOTAL.sub(f"**Time.** {total} minutes", cell.source)


def _heading(title: str, minutes: int) -> str:
    return f"## {title}  *({minutes}\u00a0minute{'s' if minutes > 1 else ''})*"  # never broken before "minutes"


def _add_text(load: _Load, text: str) -> None:
    load.questions += len(re.findall(r"\*\*(?:Predict|Two minutes)\.\*\*", text))
    text = re.sub(r"```.*?```|`[^`]*`", " x ", text, flags=re.DOTALL)
    text, formulas = re.subn(r"\$\$.*?\$\$|\$[^$]*\$", " x ", text, flags=re.DOTALL)
    load.formulas += formulas
    text = re.sub(r"\]\([^)]*\)|<[^>]+>", " ", text)
    load.words += len(re.findall(r"[\w’']+", text))


def _add_code(load: _Load, cell: Any) -> None:
    grader = cell.metadata.get("nbgrader", {})
    if grader.get("grade"):
        load.points += int(grader["points"])
    if grader:
        return
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        load.code += sum(bool(line.strip()) for line in cell.source.splitlines())
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        text = output.get("text") or data.get("text/plain", "")
        load.printed += len(text.splitlines())
        seen = text.startswith(("Figure:", "Explorer:"))
        load.figures += seen
        load.tables += "text/html" in data and not seen
