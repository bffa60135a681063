"""What students predicted, gathered for a talk in class: question by question, typed into the lessons they hand in."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tools import grading, release, term


@dataclass(frozen=True)
class Prediction:
    """What one student predicted at one question.

    Attributes:
        lesson: the assignment's name.
        number: of the question in the lesson, from 1.
        question: its text.
        student: whose it is.
        text: what was written; empty if nothing was.
    """

    lesson: str
    number: int
    question: str
    student: str
    text: str


def read(folder: Path, names: Sequence[str] = ()) -> Iterator[Prediction]:
    """Every student's predictions, lesson by lesson; of a file that is no notebook there are none.

    Args:
        folder: the course.
        names: see `grading.lessons_of`.
    """
    for found in grading.find(folder, names):
        cells = nbformat.read(folder / "release" / found.lesson / f"{found.lesson}.ipynb", as_version=4).cells
        places = [place for place, cell in enumerate(cells) if cell.id.endswith(release.PREDICTION)]
        try:
            theirs = nbformat.read(found.path, as_version=4).cells
        except Exception:  # `grading.check` says what is wrong with it
            continue
        texts = {cell.get("id"): cell.source for cell in theirs}
        for number, place in enumerate(places, 1):
            question = cells[place - 1].source.partition("**Predict.**")[2].strip()
            yield Prediction(found.lesson, number, question, found.student, _written(texts.get(cells[place].id, "")))


def _written(source: str) -> str:
    """What was written, without the words that stood there."""
    return re.sub(r"^\*Your prediction[^\n]*?\*", "", source).strip()


def write(folder: Path, names: Sequence[str] = ()) -> str:
    """Write `predictions.csv`, with names, and `predictions.md`, without: to be shown in class.

    Args:
        folder: the course.
        names: see `grading.lessons_of`.

    Returns:
        A sentence on what was written.
    """
    found = list(read(folder, names))
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerow(["lesson", "question", "asks", "student", "prediction"])
    # A spreadsheet takes what begins with one of these for a formula.
    rows.writerows(
        [p.lesson, p.number, p.question, p.student, re.sub(r"^(?=[=+\-@\t])", "'", p.text)] for p in found if p.text
    )
    lines = ["# Predictions", ""]
    for lesson, number, question in dict.fromkeys((p.lesson, p.number, p.question) for p in found):
        texts = sorted(p.text for p in found if (p.lesson, p.number) == (lesson, number) and p.text)
        asked = sum((p.lesson, p.number) == (lesson, number) for p in found)
        lines += [f"## {lesson}, question {number}", "", question, "", f"{len(texts)} of {asked} predicted.", ""]
        lines += [f"- {html.escape(' '.join(text.split()), quote=False)}" for text in texts] + [""]
    written, places = sum(bool(p.text) for p in found), (folder / "predictions.csv", folder / "predictions.md")
    said = [f"{written} predictions are in {places[0]} and, without names, in {places[1]}"]
    for place, text in zip(places, (table.getvalue(), "\n".join(lines).rstrip() + "\n"), strict=True):
        said.append(term.renew(folder, place.name, text))
    return "\n".join(filter(None, said))
