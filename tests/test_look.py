"""The look in a browser finds what it is for: a sound page has no fault, and each seeded fault is found.

Two small lessons, one sound and one with a fault of every kind, go through JupyterLab and the export once.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks import ROOT
from tools import lessons, look

pytestmark = pytest.mark.skipif(
    look.find_chromium() is None or not (ROOT / look.BROWSER_PACKAGES / "playwright").exists(),
    reason="no Chromium, or no playwright beside it: no page was looked at in a browser (make look)",
)

FOLD = {"jupyter": {"source_hidden": True}}
SET_UP = "from bcfl_support import plots, widgets"
EXPLORER = """# Explorer: a line
def draw_line(end, kind):
    figure, axes = plots.make_figure(3, 2)
    axes.plot([0, {drawn}], "-" if kind == "a" else ":")
    return figure


def describe_line(end, kind):
    return f"A line of kind {{kind}} that ends at {said}."


choice = widgets.ipywidgets.Dropdown(options=["a", "b"], description="kind")
widgets.Explorer(draw_line, describe_line, title="a line", end=widgets.slider("end", 1, 9, 9), kind=choice)
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
        new_code_cell(EXPLORER.format(drawn="end", said="{end}"), metadata=FOLD),
        new_code_cell(FIGURE, metadata=FOLD),
        *exercise(1),
        new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        new_code_cell("print('on it goes')"),
    ]


def faulty():
    """One fault of every kind, and the words that must name it."""
    solution = exercise(2)
    solution[1].metadata.pop("jupyter")
    script = "from IPython.display import HTML, display\ndisplay(HTML('<script>console.error(\"seeded\")</script>'))"
    cells = [
        (new_markdown_cell("# 8 · A page"), None),
        (new_markdown_cell('r"""\nQuoted.\n"""'), 'markup is left in the text: """'),
        (new_markdown_cell("A formula \\alpha outside."), "markup is left in the text: \\alpha"),
        (new_code_cell(SET_UP), None),
        (new_code_cell(EXPLORER.format(drawn="9", said="{end}"), metadata=FOLD), "moves, picture does not change"),
        (new_code_cell(EXPLORER.format(drawn="end", said="9"), metadata=FOLD), "moves, sentence does not change"),
        (new_code_cell(script), "console: seeded"),
        (
            new_code_cell(f"from IPython.display import HTML\nHTML('<img src=\"{PIXEL}\">')"),
            "an image without alternative text",
        ),
        (new_code_cell("1 / 0"), "ZeroDivisionError"),
        (new_code_cell("import sys\nprint('oh', file=sys.stderr)"), "stderr: oh"),
        (new_code_cell("x = '" + "long " * 40 + "'"), "code is cut"),
        (solution[1], "a solution stands in view"),
    ]  # fmt: skip
    return cells


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "tools.look", "--json"]
    pages = {"90_sound": sound(), "80_faulty": [cell for cell, _ in faulty()]}
    pages["60_doubled"] = [new_markdown_cell("# 6 · A page\n\nA sum $\\\\sum_i x_i$.")]
    pages["70_formula"] = [new_markdown_cell("# 7 · A page\n\nAn unknown $\\apla$ command.")]
    for name, cells in pages.items():
        notebook = new_notebook(cells=cells, metadata=lessons.METADATA)
        # The pages are exported with their stored outputs, as a lesson's are.
        client = lessons.make_client(notebook, folder)
        client.allow_errors = True
        client.execute()
        nbformat.write(notebook, folder / f"{name}.ipynb")
        command += ["--file", str(folder / f"{name}.ipynb")]
    done = subprocess.run([*command, "--out", str(folder / "look")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def test_sound_page_has_no_fault(summary):
    page = summary["90_sound"]
    assert page["faults"] == []
    assert (page["formulas"], page["images"], page["widgets_moved"]) == (2, 2, 2)
    assert all(page[name] == 0 for name in look.FAULTS)
    assert all(page["views"][view]["screens"] >= 1 for view in ("learner", "page"))


@pytest.mark.parametrize("message", [message for _, message in faulty() if message])
def test_seeded_fault_is_found(summary, message):
    assert any(message in fault for fault in summary["80_faulty"]["faults"]), summary["80_faulty"]["faults"]


def test_faults_are_counted(summary):
    page = summary["80_faulty"]
    for name in ("math_errors", "images_without_alt", "console_errors", "error_outputs"):
        assert page[name] > 0, name


def test_formula_that_does_not_parse_is_found_in_every_view(summary):
    faults = summary["70_formula"]["faults"]
    assert sum("MathJax could not typeset" in fault for fault in faults) == 2, faults
    assert any("KaTeX refuses the formula $\\apla$" in fault for fault in faults), faults


def test_doubled_backslash_is_found_though_mathjax_says_nothing(summary):
    assert any("doubled backslash: \\\\sum" in fault for fault in summary["60_doubled"]["faults"])


def test_exported_page_is_looked_at_without_a_network(summary):
    faults = [fault for fault in summary["80_faulty"]["faults"] if fault.startswith("page: ")]
    assert any("image" in fault for fault in faults)
    assert summary["80_faulty"]["requests_elsewhere"] == 0


def test_there_is_a_browser():
    assert importlib.util.find_spec("playwright") is None, "playwright is no package of the lessons' environment"
