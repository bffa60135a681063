"""The look in a browser finds what it is for: a sound page has no fault, and each seeded fault is found.

Two small lessons, one sound and one with a fault of every kind, go through JupyterLab and the export once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks import ROOT
from tools import lessons, look

pytestmark = pytest.mark.skipif(
    look.find_chromium() is None or not (ROOT / look.BROWSER_PACKAGES / "playwright").exists(),
    reason="no Chromium, or no playwright beside it: no page was looked at in a browser (make look)",
)

FOLD = {"jupyter": {"source_hidden": True}}
SET_UP = "import ipywidgets\nimport numpy as np\n\nfrom bcfl_support.teaching import plots, turns, widgets"
EXPLORER = """# Explorer: a line
def draw_line(end, **others):
    figure, axes = plots.make_figure(3, 2)
    axes.plot([0, {drawn}])
    axes.set_xlabel(sum(place * ord(letter) for place, letter in enumerate(str(others))))
    return figure


def describe_line(end, **others):
    return f"A line that ends at {said}, with {{others}}."


widgets.Explorer(draw_line, describe_line, title="a line", end=widgets.slider("end", 1, 9, 9){others})
"""
OTHERS = """,
    kind=ipywidgets.Dropdown(options=["a", "b"], description="kind"),
    few=ipywidgets.SelectionSlider(options=["p", "q", "r"], value="q", description="few", continuous_update=False),
    radio=ipywidgets.RadioButtons(options=["a", "b"], description="radio"),
    box=ipywidgets.Checkbox(description="box"),
    press=ipywidgets.ToggleButton(description="press"),
    either=ipywidgets.ToggleButtons(options=["a", "b"], description="either"),
    number=ipywidgets.BoundedIntText(value=3, min=1, max=3, description="number"),
    both=ipywidgets.IntRangeSlider(value=(2, 5), min=0, max=9, description="both", continuous_update=False),
"""
TURNS = """# A game: count
class Count:
    def __init__(self):
        self.turns = []

    @property
    def left(self):
        return 9 - len(self.turns)

    def act(self, move):
        self.turns.append(move)


def draw_count(game):
    figure, axes = plots.make_figure(3, 2)
    axes.plot([0, {drawn}])
    return figure


turns.Turns(Count, draw_count, lambda game: f"The moves so far: {{game.turns}}.", title="count", one="one", two="two")
"""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
FIGURE = """# Figure: the line
figure, axes = plots.make_figure(3, 2)
plots.show(figure, "A line that goes from zero to nine.")"""


def exercise(number):
    """Statement, solution and check, as a lesson has them."""
    grader = {"schema_version": 3, "locked": False, "task": False}
    solution = grader | {"grade": False, "solution": True, "grade_id": f"ex-9-{number}"}
    check = grader | {"grade": True, "solution": False, "grade_id": f"ex-9-{number}-check", "points": 1}
    return [
        new_markdown_cell(f"### 9.{number} · One  *(1 point)*\n\nReturn {number}."),
        new_code_cell(
            f"def f():\n    ### BEGIN SOLUTION\n    return {number}\n    ### END SOLUTION",
            metadata={"nbgrader": solution} | FOLD,
        ),
        new_code_cell(f"assert f() == {number}", metadata={"nbgrader": check}),
    ]


def sound():
    return [
        new_markdown_cell("# 9 · A page\n\nText with $x_i$ and `code`, and\n\n$$\\sum_i x_i = 1 .$$"),
        new_code_cell(SET_UP),
        new_code_cell(EXPLORER.format(drawn="end", said="{end}", others=OTHERS), metadata=FOLD),
        new_code_cell(TURNS.format(drawn="len(game.turns)"), metadata=FOLD),
        new_code_cell(FIGURE, metadata=FOLD),
        *exercise(1),
        new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        new_code_cell("print('on it goes')"),
    ]


def faulty():
    """One fault of every kind, and the words that must name it."""
    solution = exercise(2)
    solution[1].metadata.pop("jupyter")
    silent = EXPLORER.format(drawn="end", said="{end}", others=', word=ipywidgets.Text("a")')
    # A choice that fails: its error is seen nowhere.
    dead_end = EXPLORER.format(
        drawn="{'a': 1, 'b': 2}[others['kind']]",
        said="{end}",
        others=', kind=ipywidgets.Dropdown(options=["a", "b", "c"], description="kind")',
    )
    by_chance = EXPLORER.format(
        drawn="np.random.default_rng().normal()", said="{np.random.default_rng().normal()}", others=""
    )
    message = "{message: 'seeded', type: 'info', options: {autoClose: false}}"
    notify = f"window.jupyterapp.commands.execute('apputils:notify', {message})"
    unmoved = EXPLORER.format(drawn="9", said="{end}", others="")
    unsaid = EXPLORER.format(drawn="end", said="9", others="")
    marked = "from IPython.display import Markdown\nMarkdown('this **word is \\\\alpha')"
    other_check = {"nbgrader": solution[2].metadata.nbgrader | {"grade_id": "b"}}
    html = "from IPython.display import HTML\nHTML({!r})".format
    script = "from IPython.display import HTML, display\ndisplay(HTML('<script>console.error(\"seeded\")</script>'))"
    cells = [
        (new_markdown_cell("# 8 · A page"), None),
        (new_markdown_cell('r"""\nQuoted.\n"""'), 'markup is left in the text: """'),
        (new_markdown_cell("A formula \\alpha outside."), "markup is left in the text: \\alpha"),
        (new_code_cell(SET_UP), None),
        (new_code_cell(unmoved, metadata=FOLD), "moves, picture does not change"),
        (new_code_cell(unsaid, metadata=FOLD), "moves, sentence does not change"),
        (new_code_cell(script), "console: seeded"),
        (
            new_code_cell(f"from IPython.display import HTML\nHTML('<img src=\"{PIXEL}\">')"),
            "an image without alternative text",
        ),
        (new_code_cell("1 / 0"), "ZeroDivisionError"),
        (new_code_cell("import sys\nprint('oh', file=sys.stderr)"), "stderr: oh"),
        (new_code_cell("x = '" + "long " * 40 + "'"), "code is cut"),
        (solution[1], "a solution stands in view"),
        (new_code_cell(silent, metadata=FOLD), "is of a kind that was not moved"),
        (new_code_cell(dead_end, metadata=FOLD), "control 2 of the explorer moves, picture and sentence"),
        (new_code_cell(TURNS.format(drawn="9"), metadata=FOLD), "button 1 of the game is pressed, picture does not"),
        (new_code_cell(by_chance, metadata=FOLD), "is back where it was, picture or sentence are not"),
        (new_code_cell("ipywidgets.IntSlider()"), "controls that belong to no Explorer and no Turns"),
        (new_code_cell(html(f"<script>{notify}</script>")), "a pop-up covers the last screen: seeded"),
        (new_code_cell(html("<table><tr>" + "<td>unbreakable-word</td>" * 40)), "it is cut at the right edge"),
        (new_markdown_cell("$$" + "x_1 + " * 90 + "x_2$$"), "it is cut at the right edge: x"),
        (new_markdown_cell("unbreakable" * 60), "it is cut at the right edge: unbreakable"),
        (new_code_cell("\n\nx = 1", metadata=FOLD), "a folded cell that does not say what is in it"),
        (new_code_cell("int('x')", metadata={"tags": ["other"]}), "ValueError: invalid literal"),
        (new_code_cell("raise NotImplementedError", metadata=other_check), "NotImplementedError"),
        (new_code_cell(marked), "markup is left in the text: \\alpha"),
        (new_markdown_cell("<details><summary>Of $x$</summary></details>"), "0 formulas are written, 1 are typeset"),
        (new_markdown_cell('<img alt="a long and good alternative" src="missing.png">'), "an image that did not load"),
        (new_code_cell(html("<img alt='a long and good alternative' src='https://example.org/a.png'>")), "a request to https://example.org"),
    ]  # fmt: skip
    return cells


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "tools.look", "--json"]
    pages = {"90_sound": sound(), "80_faulty": [cell for cell, _ in faulty()]}
    pages["60_doubled"] = [new_markdown_cell("# 6 · A page\n\nA sum $\\\\sum_i x_i$.")]
    pages["50_waiting"] = [new_markdown_cell("# 5 · A page"), new_code_cell("while WAITS:\n    pass")]
    pages["70_formula"] = [new_markdown_cell("# 7 · A page\n\nAn unknown $\\apla$ command.")]
    for name, cells in pages.items():
        notebook = new_notebook(cells=cells, metadata=lessons.METADATA)
        # The pages are exported with their stored outputs, as a lesson's are.
        client = lessons.make_client(notebook, folder)
        client.allow_errors = True
        notebook.cells[-1].source = notebook.cells[-1].source.replace("WAITS", "0")
        client.execute()
        notebook.cells[-1].source = notebook.cells[-1].source.replace("while 0", "while 1")
        lessons.store(notebook, folder / f"{name}.ipynb")
        command += ["--file", str(folder / f"{name}.ipynb")]
    done = subprocess.run(
        [*command, "--out", str(folder / "look")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"LOOK_CELL_SECONDS": "20"},
    )
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def test_sound_page_has_no_fault(summary):
    page = summary["90_sound"]
    assert page["faults"] == []
    assert (page["formulas"], page["images"], page["widgets_moved"]) == (2, 3, 13)
    assert all(page[name] == 0 for name in look.FAULTS)
    assert all(page["views"][view]["screens"] >= 1 for view in ("learner", "page"))


@pytest.mark.parametrize("message", [message for _, message in faulty() if message])
def test_seeded_fault_is_found(summary, message):
    assert any(message in fault for fault in summary["80_faulty"]["faults"]), summary["80_faulty"]["faults"]


def test_cell_that_does_not_end_is_found(summary):
    faults = summary["50_waiting"]["faults"]
    assert any("cell 2 did not end in 20 seconds" in fault for fault in faults), faults


def test_faults_are_counted(summary):
    page = summary["80_faulty"]
    for name in ("math_errors", "images_without_alt", "console_errors", "error_outputs"):
        assert page[name] > 0, name


def test_formula_that_does_not_parse_is_found_in_every_view(summary):
    faults = summary["70_formula"]["faults"]
    assert sum("could not be typeset" in fault for fault in faults) == 2, faults
    assert any("KaTeX refuses the formula $\\apla$" in fault for fault in faults), faults


def test_doubled_backslash_is_found_though_mathjax_says_nothing(summary):
    assert any("doubled backslash: \\\\sum" in fault for fault in summary["60_doubled"]["faults"])


PAGE_FAULTS = {
    "a request to https://example.org/b.png": '<img alt="a long and good alternative" src="https://example.org/b.png">',
    "script error: seeded": "<script>throw new Error('seeded')</script>",
    "a link leads to a notebook: other.ipynb": '<a href="other.ipynb">there</a>',
    "a link leads nowhere: nowhere.html": '<a href="nowhere.html">there</a>',
    "a link leads to no place on the page: #none": '<a href="#none">there</a>',
    "1 answers or folded cells stand open": "<details open><summary>a</summary>b</details>",
    "fonts of the formulas did not load": "<style>@font-face { font-family: KaTeX_Main; src: url(none.woff2); }</style>"
    '<p style="font-family: KaTeX_Main">x</p>',
    "the page is": '<div style="width: 3000px">wide</div>',
    "it is cut at the right edge: wide": '<pre tabindex="0" style="overflow: auto">' + "wide" * 400 + "</pre>",
    "a formula that could not be typeset: \\apla": '<span class="katex-error">\\apla</span>',
    "axe: color-contrast": '<p style="color: #ddd">too pale to read</p>',
    "axe: button-name": "<button></button>",
    "markup is left in the text: **word**": "<p>**word**</p>",
    "an image without alternative text ('')": f'<img alt="" src="{PIXEL}">',
}


@pytest.fixture(scope="module")
def page_faults(tmp_path_factory):
    """What is said of a page with every fault, and of the same page without."""
    folder = tmp_path_factory.mktemp("page")
    found = []
    for body in ("".join(PAGE_FAULTS.values()), "<p>Nothing.</p>"):
        file = folder / "page.html"
        file.write_text(
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A</title></head>'
            f"<body><main><h1>A</h1>{body}</main></body></html>",
            encoding="utf-8",
        )
        sight = look.Sight("page", "page")
        with look.open_page(sight, dark=False, zoom=1) as page:
            look.look_at_page(page, sight, file, folder)
        found.append(sight.faults)
    return found


@pytest.mark.parametrize("message", PAGE_FAULTS)
def test_seeded_fault_of_a_page_is_found(page_faults, message):
    assert any(message in fault for fault in page_faults[0]), page_faults[0]


def test_page_without_faults_has_none(page_faults):
    assert page_faults[1] == []


def test_page_that_lacks_a_part_of_its_lesson_is_found():
    sight = look.Sight("a", "page", cells=8, formulas=2, images=1)
    look.compare(sight, new_notebook(cells=sound()))
    assert sight.faults == ["8 cells are on the page, 10 in the lesson"]


def test_solution_in_the_learner_s_lesson_is_found():
    # No notebook can hold one: what makes the blank lessons finds every mark. It must be seen all the same.
    nothing = {name: [] for name in ("texts", "errors", "stderr", "mathErrors", "images", "cut")}
    cell = {"source": "### BEGIN SOLUTION", "metadata": {}, "formulas": 0, "shown": "", "placeholder": "words"}
    sight = look.Sight("a", "learner")
    look._judge_cell(sight, "", nothing | cell | {"hidden": True, "strays": 0, "codeCut": False})
    assert sight.faults == ["a solution in the learner's lesson"]


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RuntimeError, match="holds other things"):
        look.prepare([], tmp_path)
    assert (tmp_path / "page" / "mine.txt").exists()
