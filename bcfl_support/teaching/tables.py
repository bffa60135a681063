"""Results as tables: a lesson's cell says what the columns are, and this says it to the eye, to a reader, to a test.

The HTML has a caption and marks its headings, so that a screen reader can name any cell's row and column; the plain
text beside it is what a terminal, a diff and a failing comparison show. Both hold the same strings.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

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
        ValueError: if the table has no column, columns differ in length, or a format names no column.
    """
    from IPython.display import display

    headings, rows, numeric = _lay_out(columns, formats)
    bold = [bool(flag) for flag in mark] if mark is not None else [False] * len(rows)
    if len(bold) != len(rows):
        raise ValueError(f"mark has {len(bold)} entries for {len(rows)} rows; give one a row")
    display(
        {
            "text/html": _to_html(headings, rows, numeric, caption, bold),
            "text/plain": _to_text(headings, rows, numeric, caption, bold),
        },
        raw=True,
    )


def _lay_out(
    columns: Mapping[str, Iterable[Any]], formats: Mapping[str, str] | str
) -> tuple[list[str], list[tuple[str, ...]], list[bool]]:
    """Headings, rows of strings, and which columns are numbers."""
    if not columns:
        raise ValueError("a table needs at least one column, columns is empty")
    headings = list(columns)
    if isinstance(formats, str):
        formats = dict.fromkeys(headings[1:], formats)
    if unknown := set(formats) - set(headings):
        raise ValueError(f"formats names {sorted(unknown)}, which are no columns; the columns are {headings}")
    values = {heading: list(column) for heading, column in columns.items()}
    lengths = {heading: len(column) for heading, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"all columns need one length, these are {lengths}")
    cells = [[_format(value, formats.get(heading, "")) for value in values[heading]] for heading in headings]
    numeric = [all(_stands_right(value) for value in values[heading]) for heading in headings]
    return headings, list(zip(*cells, strict=True)), numeric


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


def _to_html(
    headings: list[str], rows: list[tuple[str, ...]], numeric: list[bool], caption: str, bold: list[bool]
) -> str:
    # A number that broke into two lines would be read as two.
    align = [
        f' style="{"white-space: nowrap; text-align: right" if number else "text-align: left"}"' for number in numeric
    ]
    head = "".join(
        f'<th scope="col" style="text-align: {"right" if number else "left"}">{html.escape(text)}</th>'
        for text, number in zip(headings, numeric, strict=True)
    )
    body = []
    for row, strong in zip(rows, bold, strict=True):
        cells = [f"<strong>{html.escape(text)}</strong>" if strong else html.escape(text) for text in row]
        # Bold and a tint say which rows are marked, so the others' names are plain.
        first = f'<th scope="row"{align[0][:-1]}; font-weight: normal">{cells[0]}</th>'
        tint = ' style="background: rgba(0, 114, 178, 0.15)"' if strong else ""
        body.append(
            f"<tr{tint}>{first}"
            + "".join(f"<td{side}>{cell}</td>" for cell, side in zip(cells[1:], align[1:], strict=True))
            + "</tr>"
        )
    # A <caption> is as wide as its table and would break over a narrow one; a figure's is as wide as the page. A wide
    # table does not leave the page but scrolls in it.
    name = html.escape(caption)
    lines = "\n".join(body)
    return (
        f'<figure style="margin: 0.8em 0; overflow-x: auto">\n<figcaption>{name}</figcaption>\n'
        f'<table aria-label="{name}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody>\n</table>\n</figure>"
    )


def _to_text(
    headings: list[str], rows: list[tuple[str, ...]], numeric: list[bool], caption: str, bold: list[bool]
) -> str:
    widths = [max(len(row[column]) for row in [tuple(headings), *rows]) for column in range(len(headings))]

    def line(cells: Iterable[str]) -> str:
        return "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(cells, widths, numeric, strict=True)
        ).rstrip()

    marks = [" *" if strong else "" for strong in bold]
    return "\n".join([caption, line(headings), *(line(row) + star for row, star in zip(rows, marks, strict=True))])
