"""A lesson's Markdown as its readers' programs render it, with the formulas taken out and typeset by KaTeX.

Used by the check of the page and by the export, so that both see the same formulas.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from bcfl_support import services

FENCE = re.compile(r"^[ \t]*(?P<ticks>`{3,}|~{3,})[^`\n]*\n(?:.*\n)*?[ \t]*(?P=ticks)[`~]* *$", re.MULTILINE)
"""A block of code, from fence to fence."""
CODE = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.DOTALL)
"""Code within a line."""


def without_code(source: str, code: str = "code") -> str:
    """Markdown with each piece of code replaced, so that nothing within it is taken for markup.

    Args:
        source: Markdown.
        code: what stands for a piece of code.
    """
    return CODE.sub(code, FENCE.sub(code, source))


@dataclass(frozen=True)
class Formula:
    """One formula of a page.

    Attributes:
        tex: its source between the delimiters.
        display: whether it stands in a line of its own.
    """

    tex: str
    display: bool


class _Renderer(IPythonRenderer):
    """nbconvert's own, but a formula becomes an empty placeholder and is kept aside."""

    def __init__(self, formulas: list[Formula]) -> None:
        super().__init__(escape=False)
        self._formulas = formulas

    def _keep(self, tex: str, display: bool) -> str:
        self._formulas.append(Formula(tex, display))
        return f'<span data-formula="{len(self._formulas) - 1}"></span>'

    def inline_math(self, body: str) -> str:
        return self._keep(body, False)

    def block_math(self, body: str) -> str:
        return self._keep(body, True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._keep(rf"\begin{{{name}}}{body}\end{{{name}}}", True)


def render(source: str, formulas: list[Formula]) -> str:
    """Markdown as HTML.

    Args:
        source: Markdown with formulas between dollars.
        formulas: each formula found is appended here; its index stands in its placeholder, an empty
            ``<span data-formula="k">``.
    """
    html: str = MarkdownWithMath(renderer=_Renderer(formulas)).render(source)
    return html


def typeset(formulas: Sequence[Formula]) -> list[dict[str, str]]:
    """Formulas typeset by KaTeX, in strict mode: for each either ``html`` or ``error``.

    Raises:
        RuntimeError: if KaTeX cannot be run.
    """
    script = services.project_root() / "tools" / "katex.mjs"
    work = json.dumps([{"tex": formula.tex, "display": formula.display} for formula in formulas])
    done = subprocess.run([services.node(), str(script)], input=work, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f'KaTeX did not run; "make setup" installs it. It said:\n{done.stderr.strip()[-800:]}')
    rendered: list[dict[str, str]] = json.loads(done.stdout)
    for formula, result in zip(formulas, rendered, strict=True):
        if fault := find_doubled_backslash(formula.tex):
            result.clear()
            result["error"] = fault
    return rendered


def find_doubled_backslash(tex: str) -> str:
    """What is wrong with a line break in a formula that has no lines; empty if nothing is.

    Neither KaTeX nor MathJax objects to a doubled backslash in front of a command: they break the line and print the
    command's name.
    """
    tex = re.sub(r"\\substack\{(?:[^{}]|\{[^{}]*\})*\}", "", tex)
    without = re.sub(r"\\begin\{([a-z]+\*?)\}.*?\\end\{\1\}", "", tex, flags=re.DOTALL)
    if match := re.search(r"\\\\[A-Za-z]+", tex):
        return f"doubled backslash: {match[0]}"
    if match := re.search(r"\\\\.{0,20}", without, re.DOTALL):
        return f"line break outside an environment: {match[0]}"
    return ""
