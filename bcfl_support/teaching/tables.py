"""Results as tables: a lesson's cell says what the columns are, and this says it to the eye, to a reader, to a test.

The HTML has a caption and marks its headings, so that a screen reader can name any cell's row and column; the plain
text beside it is what a terminal, a diff and a failing comparison show. Both hold the same strings.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidInput

EMPTY = "–"
"""What stands in a cell without a value (None)."""


def show(
    columns: Mapping[str, Iterable[Any]],
    caption: str,
    formats: Mapping[str, str] | str = "",
    *,
    mark: Iterable[bool] | None = None,
) -> None:
    """Display a table in a notebook.

    Args:
        columns: heading → values, one a row, all of one length. The first column names the rows.
        caption: what the table shows; it stands above it.
        formats: format specification of a column's numbers, such as ``".2f"`` or ``",d"``, by heading; one string
            is for all columns but the first. Text is shown as it is, None as a dash.
        mark: rows to set in bold, shape (rows,).

    Raises:
        InvalidInput: if the table has no column, columns differ in length, or a format names no column.
    """
    from IPython.display import display

    table = _lay_out(columns, caption, formats, mark)
    display({"text/html": _to_html(table), "text/plain": _to_text(table)}, raw=True)


@dataclass(frozen=True)
class _Table:
    """A table of strings; which columns are numbers, and which rows are bold."""

    caption: str
    headings: list[str]
    rows: list[tuple[str, ...]]
    numeric: list[bool]
    bold: list[bool]


def _lay_out(
    columns: Mapping[str, Iterable[Any]], caption: str, formats: Mapping[str, str] | str, mark: Iterable[bool] | None
) -> _Table:
    if not (columns := dict(columns)):  # also a DataFrame, which has no truth value
        raise InvalidInput("a table needs at least one column, columns is empty")
    headings = list(columns)
    if isinstance(formats, str):
        formats = dict.fromkeys(headings[1:], formats)
    if unknown := set(formats) - set(headings):
        raise InvalidInput(f"formats names {sorted(unknown)}, which are no columns; the columns are {headings}")
    values = {heading: list(column) for heading, column in columns.items()}
    lengths = {heading: len(column) for heading, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(f"all columns need one length, these are {lengths}")
    cells = [[_format(value, formats.get(heading, "")) for value in column] for heading, column in values.items()]
    numeric = [all(_stands_right(value) for value in column) for column in values.values()]
    rows = list(zip(*cells, strict=True))
    bold = [bool(flag) for flag in mark] if mark is not None else [False] * len(rows)
    if len(bold) != len(rows):
        raise InvalidInput(f"mark has {len(bold)} entries for {len(rows)} rows; give one a row")
    return _Table(caption, headings, rows, numeric, bold)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _stands_right(value: Any) -> bool:
    """Whether a value is read as a number: one, none, or text that begins like one, such as "0.5 ± 0.1"."""
    return value is None or _is_number(value) or bool(re.match(r"[+−-]?\d(?!x)", str(value)))


def _format(value: Any, specification: str) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not _is_number(value):
        return str(value)
    if math.isnan(value):
        return "not a number"
    text = format(value, specification)
    return "−" + text[1:] if text.startswith("-") else text


def _to_html(table: _Table) -> str:
    # A number that broke into two lines would be read as two.
    styles = ["white-space: nowrap; text-align: right" if number else "text-align: left" for number in table.numeric]
    head = "".join(
        f'<th scope="col" style="text-align: {"right" if number else "left"}">{html.escape(text)}</th>'
        for text, number in zip(table.headings, table.numeric, strict=True)
    )
    body = []
    for row, strong in zip(table.rows, table.bold, strict=True):
        cells = [f"<strong>{html.escape(text)}</strong>" if strong else html.escape(text) for text in row]
        # Bold and a tint say which rows are marked, so the others' names are plain.
        tint = ' style="background: rgba(0, 114, 178, 0.15)"' if strong else ""
        first = f'<th scope="row" style="{styles[0]}; font-weight: normal">{cells[0]}</th>'
        rest = "".join(f'<td style="{style}">{cell}</td>' for cell, style in zip(cells[1:], styles[1:], strict=True))
        body.append(f"<tr{tint}>{first}{rest}</tr>")
    # A <caption> is as wide as its table and would break over a narrow one; a figure's is as wide as the page. A wide
    # table does not leave the page but scrolls in it.
    name = html.escape(table.caption)
    lines = "\n".join(body)
    return (
        f'<figure style="margin: 0.8em 0; overflow-x: auto">\n<figcaption>{name}</figcaption>\n'
        f'<table aria-label="{name}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody>\n</table>\n</figure>"
    )


def _to_text(table: _Table) -> str:
    rows = [table.headings, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [f"{'>' if number else '<'}{width}" for number, width in zip(table.numeric, widths, strict=True)]
    lines = ["  ".join(map(format, row, sides)).rstrip() for row in rows]
    marks = ["", *(" *" if strong else "" for strong in table.bold)]
    return "\n".join([table.caption, *(line + mark for line, mark in zip(lines, marks, strict=True))])
