"""The check of the page: no lesson has a fault, and each kind of fault is found when it is put there."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks import LESSONS, ROOT
from tools import lessons, markdown, page, times

NOT_RUN = "x = 2"
IMAGE = '<img alt="{alt}" src="data:image/png;base64,AAAA">'


def sound():
    """A small page with nothing wrong."""
    cells = [
        new_markdown_cell("# 0 · A page\n\nA sentence with $x_i$ and\n\n$$\\sum_i x_i = 1 .$$"),
        new_markdown_cell("**Time.** 0 minutes, short."),
        new_markdown_cell(
            "## 1 · First\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
            "<details><summary>Hint</summary>\n\n`f` of $x$\n\n</details>"
        ),
        new_code_cell("x = 1\nprint(x)", outputs=[new_output("stream", name="stdout", text="1\n")]),
        new_code_cell(
            "# Figure: a line that rises\nplots.show(figure, alt=words)",
            metadata={"jupyter": {"source_hidden": True}},
            outputs=[new_output("display_data", {"text/html": IMAGE.format(alt="a line that rises from 0 to 1")})],
        ),
        new_markdown_cell(
            "## 2 · Second\n\nSee [the figure](#A-heading) and [the other](other.ipynb#1-·-First).\n\n### A heading"
        ),
    ]
    notebook = new_notebook(cells=cells, metadata=lessons.METADATA)
    times.write(notebook)
    return notebook


@pytest.fixture
def faults(tmp_path):
    """A function: the faults of a page, as it lies beside another."""

    def find(notebook):
        other = new_notebook(cells=[new_markdown_cell("# other\n\n## 1 · First", id="first")])
        nbformat.write(other, tmp_path / "other.ipynb")
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.source != NOT_RUN:
                cell.execution_count = 1
        nbformat.write(notebook, tmp_path / "page.ipynb")
        return [str(fault) for fault in page.check(tmp_path / "page.ipynb")]

    return find


def test_sound_page_has_no_fault(faults):
    assert faults(sound()) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_lesson_has_a_fault(path):
    assert not page.check(path), "\n".join(map(str, page.check(path)))


def test_every_lesson_has_formulas_or_is_the_one_about_contracts():
    counts = {path.stem: page.count_formulas(nbformat.read(path, as_version=4)) for path in LESSONS}
    assert sum(count > 0 for count in counts.values()) >= len(LESSONS) - 1, counts


MARKDOWN_FAULTS = {
    "quoted": ('r"""\nText.\n"""', "Python quotes"),
    "quoted before only": ('"""Text.', "Python quotes"),
    "doubled backslash": ("A sum $\\\\sum_i x_i$ here.", "doubled backslash: \\\\sum"),
    "doubled backslash in display": ("$$\\\\alpha + 1$$", "doubled backslash"),
    "line break": ("$a \\\\ b$", "line break outside an environment"),
    "unknown command": ("$\\apla$", "formula $\\apla$"),
    "unbalanced brace": ("$\\frac{1}{2$", "formula $\\frac{1}{2$"),
    "Unicode fraction in a formula": ("$½ x$", "formula $½ x$"),
    "formula without end": ("the value $x_i is large", "a dollar of a formula"),
    "TeX in the text": ("the \\alpha of it", "TeX outside a formula"),
    "escape": ("one line\\n and another", "an escape"),
    "Unicode escape": ("a caf\\u00e9", "an escape"),
    "entity escaped twice": ("a &amp;lt; b", "an escape"),
    "number escaped twice": ("a &amp;#8211; b", "an escape"),
    "formula in brackets": ("so \\(x\\) is", "all know dollars"),
    "heading without a blank": ("##Heading", "no heading without a blank"),
    "wrong encoding": ("a cafÃ© there", "a wrong encoding"),
    "note to oneself": ("TODO say why", "a note to oneself"),
    "code without end": ("use `f of x", "a backtick without its second"),
    "fence without end": ("```python\nx = 1\n", "a backtick without its second"),
    "power of two digits": ("$10^18$", "only the first of these is raised"),
    "index of two letters": ("$S_total$", "only the first of these is raised"),
    "percent in a formula": ("$$p = 5%\n= r$$", "a percent sign swallows"),
    "less or equal": ("$x <= 5$", "program text in a formula: <="),
    "arrow": ("$a -> b$", "program text in a formula: ->"),
    "formula in a quotation": ("> $$\n> a = b\n> $$", "a formula of several lines in a quotation"),
    "rule below a paragraph": ("The clients agree.\n---\nThen they are paid.", "taken for a heading: put an"),
    "indented paragraph": ("The result:\n\n    All clients get one.", "an indented paragraph is taken for code"),
    "comment without end": ("Before.\n\n<!-- a note ->\n\nAfter.", "a comment without its end"),
    "comparison taken for a tag": ("It holds for a <b and c> d.", "<b and c> is taken for a tag"),
    "bold tag without end": ("This is <b>bold.", "a <b> without its end"),
    "product": ("so 2*n*m of them", "taken for emphasis"),
    "dunder": ("its __init__ does", "taken for emphasis"),
    "code in a summary": (
        "<details><summary>What does `f` do?</summary>\n\nx\n\n</details>",
        "a backtick in the rendered",
    ),
    "entity in code": ("`a &lt; b`", "within code"),
    "link with a gap": ("[the rule] (https://example.org)", "no link"),
    "link turned round": ("(the rule)[https://example.org]", "no link"),
    "link to its own name": ("[the rule][]", "no link"),
    "admonition": ("> [!NOTE]\n> text", "markup that JupyterLab does not know"),
    "directive": (":::{note}\ntext", "markup that JupyterLab does not know"),
    "bullets of another kind": ("• one\n• two", "markup that JupyterLab does not know"),
    "amounts escaped": ("It costs \\$5 here and \\$6 there.", "two \\$ in one text"),
    "nothing": ("  \n", "an empty text"),
    "link to the top": ("[there](#)", "a link to nothing"),
    "link into this machine": ("[there](/etc/hostname)", "which is not there"),
    "two amounts": ("It costs $5 here and $6 there.", "taken for a formula"),
    "two amounts in a range": ("It costs $5, here not $ 6.", "taken for a formula"),
    "words between dollars": ("It is $so many words$.", "taken for a formula"),
    "one amount": ("It costs $5.", "a dollar of a formula"),
    "emphasis that does not close": ("this *word is", "asterisks"),
    "underscores that do not close": ("this __word is", "underscores"),
    "footnote": ("A claim[^1].", "a footnote"),
    "link of three brackets": ("see [this][that]", "a link that is not rendered"),
    "link with a blank": ("see [this](a b.ipynb)", "a link that is not rendered"),
    "heading in a tag": ("<p>\n## A\n</p>", "a heading that is not rendered"),
    "table in a tag": ("<p>\n| a | b |\n|---|---|\n| 1 | 2 |\n</p>", "a table that is not rendered"),
    "link with a title": ('[there](nowhere.ipynb "title")', "which is not there"),
    "link by reference": ("[there][x]\n\n[x]: nowhere.ipynb", "which is not there"),
    "link in a tag": ("<a href='nowhere.ipynb'>there</a>", "which is not there"),
    "link to nothing": ("[there]()", "a link to nothing"),
    "image that is not there": ("![an image with a good alternative](x.png)", "a link to x.png"),
    "tag of an image without words": ("<img src='other.ipynb'>", "an image without alternative text"),
    "poor words": ("![plot](other.ipynb)", "with a poor one: 'plot'"),
    "formula in a heading": ("### The sum $S$", "a formula in the heading"),
    "link to a cell that is not": ("[there](other.ipynb#cell-id=none)", "no such heading or cell"),
    "table of unequal rows": ("| a | b |\n|---|---|\n| 1 |\n", "a table whose rows"),
    "table without rule": ("| a | b |\n| 1 | 2 |\n", "a table without the line"),
    "hint in one line": ("<details><summary>Hint</summary>use `f`</details>", "an empty line is missing"),
    "details without end": ("<details><summary>Hint</summary>\n\nuse `f`", "<details>"),
    "image without words": ("![](x.png)", "an image without alternative text"),
    "words in angle brackets": ("An array of List<int> values.", "<int> is taken for a tag"),
    "tag that swallows the rest": ("Use <style> tags.", "<style> is taken for a tag"),
    "second title": ("# Another", "one title"),
    "jump of levels": ("##### Deep", "levels below"),
    "section number": ("## 4 · Fourth  *(1 minute)*", "sections are numbered"),
    "same heading twice": ("### A heading", "cannot tell them apart"),
    "link to nowhere": ("[there](99_nowhere.ipynb)", "which is not there"),
    "link to no heading": ("[there](other.ipynb#Nothing)", "no such heading or cell"),
    "link to no heading here": ("[there](#Nothing)", "no such heading or cell"),
    "bold that does not close": ("this **word is", "asterisks"),
}


NO_FAULTS = {
    "amount": "It costs \\$5 here.",
    "addresses": "See <https://example.org/x> or write to <me@example.org>.",
    "bars in a formula": "$$\n|S| = 3\n$$",
    "stars": "Pass \\*args and \\*\\*kwargs on. Equation (*) says so.",
    "lines below a sum": "$$\\sum_{\\substack{i \\in S \\\\ i \\ne j}} x_i$$",
    "code within a list": "10. Do this:\n\n    ```python\n    x = 1\n\n    y = 2\n    ```",
    "hint within a list": "1. Do it.\n\n   <details>\n   <summary>Hint</summary>\n\n   Text.\n\n   </details>",
    "list of tasks": "- [ ] one\n- [x] two",
    "place to link to": '<a id="fig"></a>',
    "a comment": "<!-- what nobody sees -->\n\nText.",
    "numbers in formulas": "$10^{18}$, $x_1 y_2$, $n_i \\to p_i$, $5\\%$, $\\text{a != b}$, $2^n n$",
    "a rule": "Text.\n\n---\n\nMore.",
    "powers": "`5 ** 2`, 5 ** 2, 5 * 3 and `f(**kwargs)`",
    "markup as code": "```\n| a | b |\n<details>\n[x](nowhere.ipynb) <int> **x\n## 7 · Not a section\n$x\n```",
    "markup as code in a line": "`[x](nowhere.ipynb)`, ``a ` b`` and `<int>`, `$x`, `__init__`, `\\alpha`",
    "open details": "<details open>\n<summary>Hint</summary>\n\nuse `f`\n\n</details>",
    "quotes around an attribute": "<img alt='an image with a good alternative' src='other.ipynb'>",
    "entity": "1&#8211;2 &amp; 3",
    "words in a formula": "$x_\\text{the one that is best} = \\operatorname{arg max} x$",
    "link to a cell": "[there](other.ipynb#cell-id=first)",
    "stars of an interval": "those with a star\\* do, 0.01*",
    "image within the text": "![an image with a good alternative](data:image/png;base64,AAAA)",
}


@pytest.mark.parametrize("kind", NO_FAULTS)
def test_what_is_right_is_no_fault(faults, kind):
    notebook = sound()
    notebook.cells.append(new_markdown_cell(NO_FAULTS[kind]))
    times.write(notebook)
    assert faults(notebook) == []


def test_page_without_sections_needs_no_times(faults):
    assert faults(new_notebook(cells=[new_markdown_cell("# A page")])) == []


@pytest.mark.parametrize("kind", MARKDOWN_FAULTS)
def test_fault_in_the_text_is_found(faults, kind):
    text, message = MARKDOWN_FAULTS[kind]
    notebook = sound()
    notebook.cells.append(new_markdown_cell(text))
    times.write(notebook)
    found = faults(notebook)
    assert any(message in fault for fault in found), found
    assert all(fault.startswith(("page, cell 7: ", "page: ")) for fault in found), "the cell is named"


def test_what_a_heading_hides_is_found(faults):
    notebook = sound()
    notebook.cells[-1].metadata["jp-MarkdownHeadingCollapsed"] = True
    assert any("what follows is folded away" in fault for fault in faults(notebook))


def test_an_address_of_a_contract_is_no_object(faults):
    notebook = sound()
    text = f"<Contract at 0x{'5fbdb2' * 6}80aa>"
    notebook.cells.append(new_code_cell("x", outputs=[new_output("stream", name="stdout", text=text)]))
    times.write(notebook)
    assert faults(notebook) == []


def figure_cell(**changes):
    cell = sound().cells[4]
    cell.update(changes)
    return cell


CODE_FAULTS = {
    "long line": (new_code_cell("x = " + "1 + " * 30 + "1"), "a code line of 125 characters"),
    "long cell": (new_code_cell("\n".join(f"x{k} = {k}" for k in range(31))), "an open cell of 31 lines"),
    "open plotting": (figure_cell(metadata={}), "plotting code that is not folded"),
    "no caption": (figure_cell(source="plots.show(figure, alt=words)"), "a folded cell without a caption"),
    "png": (
        figure_cell(outputs=[new_output("display_data", {"image/png": "AAAA"})]),
        "an image/png output",
    ),
    "no alternative": (figure_cell(outputs=[new_output("display_data", {"text/html": '<img src="x">'})]), "text is ''"),
    "poor alternative": (
        figure_cell(outputs=[new_output("display_data", {"text/html": IMAGE.format(alt="a plot")})]),
        "alternative text is 'a plot'",
    ),
    "svg": (figure_cell(outputs=[new_output("display_data", {"image/svg+xml": "<svg/>"})]), "an image/svg+xml output"),
    "TeX output": (new_code_cell("x", outputs=[new_output("display_data", {"text/latex": "$x$"})]), "kind text/latex"),
    "Markdown output": (
        new_code_cell("x", outputs=[new_output("display_data", {"text/markdown": "this **word is"})]),
        "asterisks",
    ),
    "formula in an output": (
        new_code_cell("x", outputs=[new_output("display_data", {"text/markdown": "$\\apla$"})]),
        "formula $\\apla$",
    ),
    "error": (
        new_code_cell("1 / 0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="zero")]),
        "does not mean: ZeroDivisionError: zero",
    ),
    "error with another tag": (
        new_code_cell(
            "1 / 0",
            metadata={"tags": ["slow"]},
            outputs=[new_output("error", ename="ZeroDivisionError", evalue="zero")],
        ),
        "does not mean: ZeroDivisionError: zero",
    ),
    "no error": (
        new_code_cell(
            "print(1)",
            metadata={"tags": ["raises-exception"]},
            outputs=[new_output("stream", name="stdout", text="1")],
        ),
        "raises none",
    ),
    "warning": (
        new_code_cell("x", outputs=[new_output("stream", name="stderr", text="a warning")]),
        "printed: a warning",
    ),
    "address": (
        new_code_cell("x", outputs=[new_output("execute_result", {"text/plain": "<a.B object at 0x7f01234>"})]),
        "an object is shown",
    ),
    "generator": (
        new_code_cell("x", outputs=[new_output("execute_result", {"text/plain": "<generator object f at 0x7f01234>"})]),
        "an object is shown",
    ),
    "figure as text": (
        new_code_cell("x", outputs=[new_output("execute_result", {"text/plain": "<Figure size 288x192 with 1 Axes>"})]),
        "an object is shown",
    ),
    "printed markup": (
        new_code_cell("x", outputs=[new_output("stream", name="stdout", text="**Result:** 0.5")]),
        "markup is printed",
    ),
    "not run": (new_code_cell(NOT_RUN), "a cell that was not run"),
    "figure that is not shown": (figure_cell(outputs=[]), "a cell that shows no picture"),
    "folded output": (
        new_code_cell("x", metadata={"jupyter": {"outputs_hidden": True}}),
        "what follows is folded away",
    ),
    "long value": (
        new_code_cell("x", outputs=[new_output("execute_result", {"text/plain": "x" * 101})]),
        "a printed line of 101",
    ),
    "long check": (
        new_code_cell("\n".join(["x = 1"] * 51), metadata={"nbgrader": {"grade": True, "points": 0}}),
        "an open cell of 51 lines, over 50",
    ),
    "long output": (
        new_code_cell("print(x)", outputs=[new_output("stream", name="stdout", text="x" * 101)]),
        "a printed line of 101",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CODE_FAULTS)
def test_fault_in_the_code_is_found(faults, kind):
    cell, message = CODE_FAULTS[kind]
    notebook = sound()
    notebook.cells.append(cell)
    times.write(notebook)
    found = faults(notebook)
    assert len(found) == 1 and message in found[0] and found[0].startswith("page, cell 7: "), found


def test_wrong_times_are_found(faults):
    notebook = sound()
    notebook.cells[2].source = notebook.cells[2].source.replace("*(2\u00a0minutes)*", "*(9 minutes)*")
    assert any("states 9 minutes, by the rule it takes 2" in fault for fault in faults(notebook))
    assert any("add up to 10 minutes, **Time.** says 3" in fault for fault in faults(notebook))
    notebook.cells[2].source = notebook.cells[2].source.replace("  *(9 minutes)*", "")
    assert any("states None minutes" in fault for fault in faults(notebook))


class TestTimes:
    def section(self, *cells):
        [section] = times.measure(new_notebook(cells=[new_markdown_cell("## A"), *cells]))
        return section.minutes

    def test_words(self):
        assert self.section(new_markdown_cell("word " * 134)) == 1
        assert self.section(new_markdown_cell("word " * 135)) == 2, "135 words and the heading's"

    def test_code_counts_where_it_stands_open(self):
        code = "\n".join(["x = 1"] * 29)
        assert self.section(new_code_cell(code)) == 3, "29 lines are 2.9 minutes"
        assert self.section(new_code_cell(code, metadata={"jupyter": {"source_hidden": True}})) == 1

    def test_formulas_code_and_addresses_are_no_words(self):
        text = "$" + "x " * 500 + "$ `" + "y " * 500 + "` [a](http://" + "z/" * 500 + ")"
        assert self.section(new_markdown_cell(text)) == 1

    def test_formulas_take_time_of_their_own(self):
        assert self.section(new_markdown_cell("$x$ " * 4)) == 1
        assert self.section(new_markdown_cell("$x$ " * 3 + "$$y$$ $$z$$ $x$")) == 2, "six, a fifth of a minute each"

    def test_points(self):
        check = new_code_cell("assert f", metadata={"nbgrader": {"grade": True, "points": 3}})
        assert self.section(new_markdown_cell("Solve it."), check) == 20

    def test_questions_take_a_minute_and_a_half(self):
        assert self.section(new_markdown_cell("**Predict.** Why?")) == 2
        assert self.section(new_markdown_cell("**Predict.** Why?\n\n**Two minutes.** And then?")) == 4
        assert self.section(new_markdown_cell("Why do we **predict**?")) == 1

    def test_what_is_looked_at_takes_time(self):
        def shown(text):
            return new_code_cell("", outputs=[new_output("display_data", data={"text/html": "…", "text/plain": text})])

        figure, explorer, table = map(shown, ("Figure: a line", "Explorer: a slider", "Shares"))
        assert self.section(figure) == self.section(explorer) == self.section(table, table) == 2
        assert self.section(table) == 1

    def test_a_printout_counts_for_120_lines_at_most(self):
        def cell(lines):
            return new_code_cell("", outputs=[new_output("stream", name="stdout", text="x\n" * lines)])

        assert [self.section(cell(lines)) for lines in (30, 40, 120, 4000)] == [2, 2, 5, 5]

    def test_what_stands_before_the_first_section_counts_to_it(self):
        cells = [new_markdown_cell("word " * 240), new_markdown_cell("## A"), new_markdown_cell("## B")]
        assert [section.minutes for section in times.measure(new_notebook(cells=cells))] == [2, 1]

    def test_writing_twice_changes_nothing(self):
        once = sound()
        twice = nbformat.from_dict(json.loads(json.dumps(once)))
        times.write(twice)
        assert once == twice


def test_formulas_are_typeset_in_order():
    formulas = [markdown.Formula("x^2", False), markdown.Formula(r"\nothing", False), markdown.Formula(r"\sum_i", True)]
    first, second, third = markdown.typeset(formulas)
    assert "katex" in first["html"] and "nothing" in second["error"] and "katex-display" in third["html"]


def test_lines_within_an_environment_are_no_fault():
    assert markdown.find_doubled_backslash(r"\begin{aligned} a &= b \\ c &= d \end{aligned}") == ""
    assert markdown.find_doubled_backslash(r"\begin{aligned} a \\alpha \end{aligned}") != ""


@pytest.mark.parametrize(
    ("heading", "minutes"),
    [("## A  *(9 minutes)*", "1\u00a0minute"), ("## B", "1\u00a0minute"), ("```\n## C\n```\n\n## D", "1\u00a0minute")],
)
def test_times_are_written_into_headings_and_nowhere_else(heading, minutes):
    notebook = new_notebook(cells=[new_markdown_cell(heading)])
    times.write(notebook)
    title = heading.split("  *")[0]
    assert notebook.cells[0].source == f"{title}  *({minutes})*"


def test_report_fails_if_there_is_a_fault(monkeypatch, capsys):
    fault = page.Fault("00_a", 3, "something")
    monkeypatch.setattr(page, "check", lambda path: [fault])
    assert page.report(["00"]) == 1
    assert "00_a, cell 3: something" in capsys.readouterr().out
    monkeypatch.setattr(page, "check", lambda path: [])
    assert page.report(["00"]) == 0


def test_links_of_the_readme_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not list(page.check_links(text, ROOT / "README.md"))
