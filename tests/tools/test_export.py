"""Exported pages: readable without kernel, network or color, and linked among themselves."""

from __future__ import annotations

import re

import bs4
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks import LESSONS
from tools import export, page


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request, tmp_path_factory):
    """A lesson, and its page."""
    notebook = nbformat.read(request.param, as_version=4)
    written = export.write(notebook, request.param.stem, tmp_path_factory.mktemp("pages"))
    return notebook, bs4.BeautifulSoup(written.read_text(encoding="utf-8"), "html.parser"), written


def test_every_formula_is_typeset(lesson):
    notebook, html, _ = lesson
    assert len(html.select(".katex")) == page.count_formulas(notebook)
    assert not html.select(".katex-error") and not html.select("[data-formula]")


def test_nothing_comes_from_elsewhere(lesson):
    _, html, written = lesson
    sources = [tag.get("src") or tag.get("href") for tag in html(["script", "link", "img", "iframe"])]
    for source in filter(None, sources):
        assert source.startswith("data:") or (written.parent / source).exists(), source
    style = "".join(tag.get_text() for tag in html("style"))
    assert not re.search(r"(url\(|@import\s*)['\"]?https?:", style)
    assert not html("script"), "a page needs no script"
    sheet = (written.parent / "katex" / "katex.min.css").read_text(encoding="utf-8")
    for font in re.findall(r"url\((fonts/[^)]+\.woff2)\)", sheet):
        assert (written.parent / "katex" / font).exists(), font


def test_links_between_lessons_lead_to_pages(lesson):
    _, html, written = lesson
    names = {f"{path.stem}.html" for path in LESSONS}
    for link in html("a", href=True):
        target = link["href"].partition("#")[0]
        if re.match(r"https?:|mailto:", link["href"]) or not target:
            continue
        assert target in names or (written.parent / target).exists(), target


def test_folded_cells_fold_and_say_what_is_in_them(lesson):
    notebook, html, _ = lesson
    folded = [cell for cell in notebook.cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    summaries = [tag.summary.get_text() for tag in html("details", class_="folded")]
    assert len(summaries) == len(folded) and all(len(text) > 5 for text in summaries)
    assert not html("details", open=True)


def test_marks_for_a_course_s_tools_are_left_out(lesson):
    _, html, _ = lesson
    assert not re.search("### (BEGIN|END)", html.get_text())


def test_every_box_that_may_scroll_is_reached_by_keyboard_and_has_a_name(lesson):
    _, html, _ = lesson
    boxes = html("pre")
    assert all(box["tabindex"] == "0" and box["role"] == "region" for box in boxes)
    names = [box["aria-label"] for box in boxes]
    assert len(set(names)) == len(names) > 5


def test_every_image_has_its_words(lesson):
    _, html, _ = lesson
    assert all(len(image.get("alt", "")) >= 20 for image in html("img"))


def test_widget_is_replaced_by_its_words():
    output = new_output(
        "execute_result",
        {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Explorer: a line (move: end)"},
    )
    notebook = new_notebook(cells=[new_markdown_cell("# A"), new_code_cell("view", outputs=[output])])
    text = export.to_html(notebook, "a", LESSONS[0].parent)
    assert "Explorer: a line (move: end)" in text and "widget-view" not in text
    assert "application/vnd.jupyter.widget-view+json" in notebook.cells[1].outputs[0].data, "the lesson is not changed"


def test_formula_that_does_not_parse_is_refused():
    notebook = new_notebook(cells=[new_markdown_cell("# A\n\n$\\apla$")])
    with pytest.raises(ValueError, match=r"KaTeX refuses the formula \$\\apla\$"):
        export.to_html(notebook, "a", LESSONS[0].parent)
