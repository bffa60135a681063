"""Tables: the same strings in HTML and in text, headings that a screen reader can name, clear refusals."""

from __future__ import annotations

import bs4
import numpy as np
import pandas
import pytest

from bcfl_support.teaching import tables


@pytest.fixture
def shown(monkeypatch):
    """A function: a table's HTML, parsed, and its text."""

    def show(*arguments, **options):
        outputs = []
        monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
        tables.show(*arguments, **options)
        [data] = outputs
        return bs4.BeautifulSoup(data["text/html"], "html.parser"), data["text/plain"]

    return show


COLUMNS = {"client": ["a", "b<"], "samples": np.array([1200, 30]), "score": [0.5, -0.25], "paid": [True, None]}
FORMATS = {"samples": ",d", "score": ".3f"}


def test_cells_in_html_and_in_text(shown):
    page, text = shown(COLUMNS, "Two clients", FORMATS)
    assert [[cell.get_text() for cell in row(["th", "td"])] for row in page("tr")] == [
        ["client", "samples", "score", "paid"],
        ["a", "1,200", "0.500", "yes"],
        ["b<", "30", "−0.250", "–"],
    ]
    assert text.splitlines() == [
        "Two clients",
        "client  samples   score  paid",
        "a         1,200   0.500  yes",
        "b<           30  −0.250  –",
    ]


def test_headings_and_caption_are_marked(shown):
    page, _ = shown(COLUMNS, "Two clients", FORMATS)
    assert page.figcaption.get_text() == page.table["aria-label"] == "Two clients"
    assert [cell["scope"] for cell in page("th")] == ["col"] * 4 + ["row"] * 2


def test_numbers_stand_right_and_words_left(shown):
    page, _ = shown({"a": ["x"], "n": [1], "change": ["+0.1 ± 0.2"], "hash": ["0xab"]}, "one row")
    sides = [cell["style"].split()[-1] for cell in page.thead("th")]
    assert sides == ["left", "right", "right", "left"]


def test_one_format_is_for_all_columns_but_the_first(shown):
    page, _ = shown({"round": [1, 2], "x": [1 / 3, 2], "name": ["a", "b"]}, "thirds", ".2f")
    assert [cell.get_text() for cell in page.tbody(["th", "td"])] == ["1", "0.33", "a", "2", "2.00", "b"]


def test_marked_rows_are_bold_and_starred(shown):
    page, text = shown({"a": [1, 2]}, "two", mark=[False, True])
    assert [cell.get_text() for cell in page("strong")] == ["2"]
    assert ["background" in row.get("style", "") for row in page.tbody("tr")] == [False, True]
    assert text.splitlines()[-1].endswith("*") and not text.splitlines()[-2].endswith("*")


def test_numbers_do_not_break_and_a_wide_table_scrolls(shown):
    page, _ = shown(COLUMNS, "Two clients", FORMATS)
    breaks = [["nowrap" not in cell["style"] for cell in row(["th", "td"])] for row in page.tbody("tr")]
    assert breaks == [[True, False, False, True]] * 2
    assert "overflow-x: auto" in page.figure["style"] and page.figure.table


def test_what_is_no_number_says_so(shown):
    _, text = shown({"a": [float("nan")], "b": [np.inf]}, "none")
    assert text.splitlines()[-1] == "not a number  inf"


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {}, "at least one column"),
        ({"a": [1], "b": [1, 2]}, {}, r"one length, these are \{'a': 1, 'b': 2\}"),
        ({"a": [1]}, {"formats": {"b": ".2f"}}, r"\['b'\], which are no columns; the columns are \['a'\]"),
        ({"a": [1]}, {"mark": [True, False]}, "mark has 2 entries for 1 rows"),
    ],
)
def test_what_cannot_be_a_table_is_refused(columns, options, message):
    with pytest.raises(ValueError, match=message):
        tables.show(columns, "caption", **options)


def test_what_looks_like_a_tag_is_shown_as_it_is(shown):
    page, _ = shown({"a<b": ["x<y"]}, "p < q", mark=[True])
    assert (page.figcaption.get_text(), page.thead.get_text(), page.tbody.get_text().strip()) == ("p < q", "a<b", "x<y")


def test_flags_of_numpy_say_yes_and_no(shown):
    _, text = shown({"a": [np.bool_(True), np.bool_(False)]}, "flags")
    assert text.splitlines()[-2:] == ["yes", "no"]


def test_a_frame_of_pandas_is_a_table(shown):
    columns = {"client": ["A", "B"], "n": [1, 2]}
    assert shown(pandas.DataFrame(columns), "counts")[1] == shown(columns, "counts")[1]
