"""The page in a real browser: every lesson opened, run, read and moved, as its reader would.

Three views of each lesson. The **learner's**: the blank lesson in JupyterLab, all cells run, no exercise solved. The
**teacher's**: the solved one as it opens, with its stored outputs (`make test` runs it). The **page**: what
`tools.export` writes, opened from disk with the network cut off. In each, everything that a reader could stumble over
is looked for in what the browser shows. Of the first and the last a screenshot is kept of every screen, for a person to
leaf through: ``build/look/<view>/<lesson>/000.png`` and so on.

    python -m tools.look [LESSON …] [--json] [--theme dark] [--zoom 1.5]

It needs Chromium and playwright; ``make look`` brings playwright.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat

from bcfl_support import services
from bcfl_support.teaching import plots
from tools import export, lessons, markdown, release
from tools import page as check

VIEWPORT = {"width": 1280, "height": 900}
OVERLAP = 40
"""Pixels that a screenshot shares with the next, so that nothing falls between two."""
BROWSER_PACKAGES = ".playwright"
"""Folder with playwright, which drives the browser: nothing else of the project needs it."""
VIEWS = ("learner", "teacher", "page")
TOKEN = "look"
MARK = ".look"
"""File that says of a folder that looks are kept there."""
WORKERS = 3
"""Looks at a time: a look waits half of its time, so that three keep two cores busy."""
CELL_SECONDS = int(os.environ.get("LOOK_CELL_SECONDS", "120"))
"""Seconds a cell may take."""
REDRAW_SECONDS = 90

UNSOLVED = "NotSolved"
"""What a check says of an exercise that nobody has solved."""

RAW = re.compile(
    r"\\[A-Za-z]{2,}|\$[^$\n]{1,80}\$|\"{3}|'{3}|\*\*[^*\n]+\*\*|\]\([^)\s]+\)|^\|.*\|$|&[a-z]+;", re.MULTILINE
)
"""Markup that a reader should never see in running text."""


def find_chromium() -> str | None:
    """The browser: ``CHROMIUM`` in the environment, or the first of the usual names in the path."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@dataclass
class Sight:
    """What was seen of one lesson in one view.

    Attributes:
        lesson: the notebook's name.
        view: learner, teacher or page.
        cells, formulas, images: how many there are.
        math_errors: formulas that did not render, and TeX left in the text.
        images_without_alt: images whose alternative text is missing or says nothing.
        widgets_moved: controls that were moved and changed picture and sentence.
        console_errors: errors in the browser's console, and requests that failed.
        error_outputs: error outputs that the lesson does not mean.
        axe_serious: serious or critical violations that axe-core found (nodes).
        requests_elsewhere: requests to another host.
        screens: screenshots kept.
        seconds: how long the look took.
        faults: each fault in words.
    """

    lesson: str
    view: str
    cells: int = 0
    formulas: int = 0
    math_errors: int = 0
    images: int = 0
    images_without_alt: int = 0
    widgets_moved: int = 0
    console_errors: int = 0
    error_outputs: int = 0
    axe_serious: int = 0
    requests_elsewhere: int = 0
    screens: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def blame(self, what: str, counter: str = "") -> None:
        """Note a fault, and count it."""
        self.faults.append(what)
        if counter:
            setattr(self, counter, getattr(self, counter) + 1)


# ---------------------------------------------------------------- the browser
@contextmanager
def open_page(sight: Sight, *, dark: bool, zoom: float) -> Iterator[Any]:
    """A page of a new browser; what its console complains of is a fault of `sight`."""
    sys.path.append(str(services.project_root() / BROWSER_PACKAGES))
    try:
        from playwright.sync_api import sync_playwright
    finally:
        sys.path.pop()

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=flags)
        # A page at 150 % is one on a screen of two thirds the size, drawn larger.
        size = {side: round(pixels / zoom) for side, pixels in VIEWPORT.items()}
        scheme = "dark" if dark else "light"
        page = browser.new_page(viewport=size, device_scale_factor=zoom, color_scheme=scheme)

        def hear(message: Any) -> None:
            address = message.location.get("url", "")
            # The server stumbles over this while another lesson's kernel starts; a reader starts one at a time.
            stumbled = "/api/kernels?" in address and "status of 500" in message.text
            if message.type == "error" and not stumbled:
                sight.blame(f"console: {message.text[:300]} ({address})", "console_errors")

        def watch(request: Any) -> None:
            if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:")):
                sight.blame(f"a request to {request.url[:120]}", "requests_elsewhere")

        page.on("console", hear)
        page.on("request", watch)
        page.on("pageerror", lambda error: sight.blame(f"script error: {str(error)[:300]}", "console_errors"))
        try:
            yield page
        finally:
            browser.close()


# What JupyterLab shows, asked of its own objects: `nb` is the notebook, its widgets are the cells.
_RUN_ALL = """async LIMIT => {
  const nb = window.jupyterapp.shell.currentWidget.content;
  const codes = nb.widgets.map((cell, k) => [cell, k])
    .filter(([cell]) => cell.model.type === 'code' && cell.model.sharedModel.source.trim());
  // One after the other, as a reader does: running all stops at the first error, meant or not.
  for (const [, k] of codes) {
    nb.deselectAll();
    nb.activeCellIndex = k;
    // A cell that waits for an answer, or for nothing, would never end.
    const late = new Promise(resolve => setTimeout(resolve, LIMIT, 'late'));
    if (await Promise.race([window.jupyterapp.commands.execute('notebook:run-cell'), late]) === 'late') return k;
  }
  return codes.find(([cell]) => !cell.model.executionCount)?.[1] ?? -1;
}"""

# What takes a reader's hand. The readout beside a slider is a part of it.
_CONTROLS = (
    ".noUi-handle, select, input:not([type=hidden], :disabled), textarea, .widget-toggle-buttons, "
    ".widget-toggle-button, .widget-button"
)

_CELL = r"""async ([k, CONTROLS]) => {
  const nb = window.jupyterapp.shell.currentWidget.content, cell = nb.widgets[k], model = cell.model;
  await nb.scrollToItem(k, 'start');
  const rendered = () => cell.isPlaceholder?.() !== true && cell.node.childElementCount > 0;
  for (let n = 0; n < 50 && !rendered(); n++) await new Promise(r => setTimeout(r, 40));
  const node = cell.node, source = model.sharedModel.source;
  // Formulas are typeset after their text is there.
  const typeset = () => model.type !== 'markdown' || !/[^\\]\$/.test(source) || node.querySelector('mjx-container');
  for (let n = 0; n < 100 && !typeset(); n++) await new Promise(r => setTimeout(r, 40));
  const outputs = model.type === 'code' ? model.outputs.toJSON() : [];
  const texts = model.type === 'markdown' ? [source] : outputs.flatMap(o => o.data?.['text/markdown'] ?? []);
  const shown = [...node.querySelectorAll('.jp-RenderedMarkdown')].map(e => e.cloneNode(true));
  shown.forEach(e => e.querySelectorAll('mjx-container, code, pre, script, style').forEach(part => part.remove()));
  const math = [...node.querySelectorAll('mjx-container')];
  // What does not fit its box: at a zoom that is to be expected. What MathJax hides for screen readers has no size.
  const wide = e => devicePixelRatio === 1 && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 2;
  node.querySelectorAll('mjx-assistive-mml').forEach(e => e.style.setProperty('display', 'none', 'important'));
  const boxes = '.jp-RenderedMarkdown, .jp-OutputArea-output, :is(.jp-RenderedMarkdown, .jp-OutputArea-output) '
    + ':not(mjx-container *, .slider-container, .slider-container *)';
  return {
    type: model.type,
    source,
    metadata: model.sharedModel.metadata ?? model.metadata,
    hidden: !!cell.inputHidden,
    placeholder: node.querySelector('.jp-InputPlaceholder, .jp-Placeholder')?.textContent ?? '',
    texts,
    shown: shown.map(e => e.textContent).join('\n'),
    formulas: math.length,
    // An unknown command is no error to MathJax: it stands there in red, as it was written.
    mathErrors: math.filter(m => m.querySelector('mjx-merror, [data-mjx-error]') || /\\[A-Za-z]/.test(m.textContent))
      .map(m => m.textContent.slice(0, 80)),
    images: [...node.querySelectorAll('img')].map(i => [i.getAttribute('alt') ?? '', i.naturalWidth]),
    errors: outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue.slice(0, 150)),
    stderr: outputs.filter(o => o.name === 'stderr').map(o => [].concat(o.text).join('').slice(0, 150)),
    explorers: node.querySelectorAll('.bcfl-explorer').length,
    games: node.querySelectorAll('.bcfl-turns').length,
    strays: node.querySelectorAll(CONTROLS).length
      - node.querySelectorAll(`:is(.bcfl-explorer, .bcfl-turns) :is(${CONTROLS})`).length,
    codeCut: !cell.inputHidden && model.type === 'code' && wide(node.querySelector('.cm-scroller')),
    cut: [...node.querySelectorAll(boxes)].filter(wide).map(e => e.textContent.trim().slice(0, 60)),
  };
}"""


def look_at_lesson(page: Any, sight: Sight, url: str, shots: Path, *, dark: bool) -> None:
    """Open a lesson in JupyterLab, look at every cell; run the learner's, move every control and keep every screen."""
    page.goto(url)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.content?.widgets?.length > 0")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=60_000,
    )
    if dark:
        page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    _find_pop_up(page, sight, "the first screen")
    page.screenshot(path=shots / "first.png")
    stuck = page.evaluate(_RUN_ALL, CELL_SECONDS * 1000) if sight.view == "learner" else -1
    if stuck >= 0:
        sight.blame(f"cell {stuck + 1} did not end in {CELL_SECONDS} seconds, or was not run")
        return
    sight.cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    for place in range(sight.cells):
        seen = page.evaluate(_CELL, [place, _CONTROLS])
        _judge_cell(sight, f"cell {place + 1}: ", seen)
        for number in range(seen["explorers"]):
            _move_controls(page, sight, place, number)
        for number in range(seen["games"]):
            _press_buttons(page, sight, place, number)
    _find_pop_up(page, sight, "the last screen")
    if sight.view == "learner":  # the solved lesson looks the same, but for its solutions, which the page shows
        _keep_screens(page, sight, shots, ".jp-WindowedPanel-outer")


def _find_pop_up(page: Any, sight: Sight, what: str) -> None:
    for pop_up in page.locator(".jp-Dialog, .Toastify__toast").all():
        sight.blame(f"a pop-up covers {what}: {(pop_up.text_content() or '')[:150]}")


def _judge_cell(sight: Sight, where: str, seen: dict[str, Any]) -> None:
    """Everything that could be wrong with one cell as JupyterLab shows it."""
    grader = seen["metadata"].get("nbgrader", {})
    sight.formulas += seen["formulas"]
    written: list[markdown.Formula] = []
    for text in seen["texts"]:
        markdown.render(text, written)
    if len(written) != seen["formulas"]:
        sight.blame(f"{where}{len(written)} formulas are written, {seen['formulas']} are typeset", "math_errors")
    _judge_shown(sight, where, seen)
    meant = "raises-exception" in seen["metadata"].get("tags", [])
    for error in seen["errors"]:
        unsolved = sight.view == "learner" and grader.get("grade") and error.startswith(UNSOLVED)
        if not (meant or unsolved):
            sight.blame(f"{where}{error}", "error_outputs")
    for text in seen["stderr"]:
        sight.blame(f"{where}stderr: {text}", "error_outputs")
    if seen["codeCut"]:
        sight.blame(f"{where}code is cut at the right edge")
    if seen["strays"]:
        sight.blame(
            f"{where}{seen['strays']} controls that belong to no Explorer and no Turns: nothing says what they change"
        )
    if seen["hidden"] and not seen["placeholder"].strip():
        sight.blame(f"{where}a folded cell that does not say what is in it")
    if "BEGIN SOLUTION" in seen["source"]:
        if sight.view == "learner":
            sight.blame(f"{where}a solution in the learner's lesson")
        elif not seen["hidden"]:
            sight.blame(f"{where}a solution stands in view")


def _judge_shown(sight: Sight, where: str, seen: dict[str, Any]) -> None:
    """What cells and pages have in common: formulas, text, images, and what does not fit."""
    for error in seen["mathErrors"]:
        sight.blame(f"{where}a formula that could not be typeset: {error}", "math_errors")
    for match in RAW.finditer(seen["shown"]):
        counter = "math_errors" if match[0][0] in "\\$" else ""
        sight.blame(f"{where}markup is left in the text: {match[0][:80]}", counter)
    for alt, width in seen["images"]:
        sight.images += 1
        if len(alt) < plots.MINIMUM_ALT or "No description" in alt:
            sight.blame(f"{where}an image without alternative text ({alt!r})", "images_without_alt")
        if not width:
            sight.blame(f"{where}an image that did not load ({alt[:60]!r})")
    for words in seen["cut"][:3]:
        sight.blame(f"{where}it is cut at the right edge: {words}")


# ---------------------------------------------------------------- widgets
_STATE = """([k, n, kind = '.bcfl-explorer']) => {
  const view = window.jupyterapp.shell.currentWidget.content.widgets[k].node.querySelectorAll(kind)[n];
  return [view.querySelector('img')?.src ?? '', view.querySelector('p')?.textContent ?? ''];
}"""


def _press_buttons(page: Any, sight: Sight, place: int, number: int) -> None:
    """Press each button of a game from the keyboard: picture and sentence change, and the button keeps the focus."""
    handle = page.evaluate_handle(
        "([k, n]) => window.jupyterapp.shell.currentWidget.content.widgets[k].node.querySelectorAll('.bcfl-turns')[n]",
        [place, number],
    ).as_element()
    for order, button in enumerate(handle.query_selector_all("button"), 1):
        before = page.evaluate(_STATE, [place, number, ".bcfl-turns"])
        _press(button, "Enter")
        missing = _wait_for_change(page, [place, number, ".bcfl-turns"], before)
        if missing:
            sight.blame(f"cell {place + 1}: button {order} of the game is pressed, {missing} does not change")
        elif not button.evaluate("e => e === document.activeElement"):
            sight.blame(f"cell {place + 1}: button {order} of the game loses the focus when it is pressed")
        else:
            sight.widgets_moved += 1


def _move_controls(page: Any, sight: Sight, place: int, number: int) -> None:
    """Move each control of an explorer by a step, see picture and sentence change, and move it back."""
    handle = page.evaluate_handle(
        "([k, n]) => window.jupyterapp.shell.currentWidget.content.widgets[k].node"
        ".querySelectorAll('.bcfl-explorer')[n]",
        [place, number],
    ).as_element()
    views = handle.query_selector_all(":scope > *")[:-1]  # the last one is the picture
    if not views:
        sight.blame(f"cell {place + 1}: an explorer without controls")
    for order, view in enumerate(views, 1):
        name = f"cell {place + 1}: control {order} of the explorer"
        itself = view.evaluate("(e, movable) => e.matches(movable)", _MOVABLE)
        handles = [view] if itself else view.query_selector_all(_MOVABLE)
        if not handles:
            sight.blame(f"{name} is of a kind that was not moved")
        for control in handles:
            first = before = page.evaluate(_STATE, [place, number])
            moves = _moves(control)
            for turn, move in enumerate(moves, 1):
                move()
                back = first if turn == len(moves) else None
                missing = _wait_for_change(page, [place, number], before, back)
                if missing:
                    sight.blame(f"{name} moves, {missing} does not change (move {turn})")
                    break
                before = page.evaluate(_STATE, [place, number])
            else:
                sight.widgets_moved += 1
                if before != first:
                    sight.blame(f"{name} is back where it was, picture or sentence are not: {before[1][:150]}")


_MOVABLE = (
    ".noUi-handle, select, input[type=checkbox], input[type=number], .widget-radio-box, .widget-toggle-buttons, "
    ".widget-toggle-button"
)


def _moves(control: Any) -> list[Callable[[], Any]]:
    """Ways to move a control, one after the other: to both its ends, or through all that it offers, and back."""
    kind = control.evaluate(
        "e => e.tagName === 'SELECT' ? 'select' : e.tagName === 'INPUT' ? e.type : [...e.classList].find(name => "
        "['widget-radio-box', 'widget-toggle-buttons', 'widget-toggle-button', 'noUi-handle'].includes(name))"
    )
    if kind in ("checkbox", "widget-toggle-button"):
        return [control.click, control.click]
    if kind == "number":
        now = control.evaluate("e => e.value")
        return [partial(_enter, control, f"{float(now) - 1:g}"), partial(_enter, control, now)]
    if kind == "select":
        options = control.evaluate("e => [...e.options].map(o => o.value)")
        now = options.index(control.evaluate("e => e.value"))
        choose: list[Callable[[], Any]] = [partial(control.select_option, option) for option in options]
        return [*choose[now + 1 :], *choose[: now + 1]]
    if kind in ("widget-radio-box", "widget-toggle-buttons"):
        choices = control.query_selector_all("input, button")
        chosen = [choice.evaluate("e => e.checked || e.classList.contains('mod-active')") for choice in choices]
        turn = chosen.index(True) + 1
        return [choice.click for choice in (*choices[turn:], *choices[:turn])]
    now, low, high = control.evaluate("e => [e.ariaValueNow, e.ariaValueMin, e.ariaValueMax].map(Number)")
    ends = [key for key, end in (("Home", low), ("End", high)) if end != now]
    moves = [partial(_press, control, key) for key in ends]
    return [*moves, partial(_return, control, now, "ArrowRight" if ends[-1] == "Home" else "ArrowLeft")]


def _press(control: Any, key: str) -> None:
    control.focus()
    control.press(key)


def _return(control: Any, value: float, key: str) -> None:
    """Bring a slider from an end back to a value: write it, or where it is a choice of few go there step by step."""
    at = "e => Number(e.ariaValueNow)"
    readout = control.evaluate_handle("e => e.closest('.widget-slider').querySelector('.widget-readout')").as_element()
    same = "(e, text) => Number(text) === Number(e.ariaValueNow)"
    if readout and control.evaluate(same, readout.text_content()):
        _enter(readout, f"{value:g}")
        return
    control.focus()
    for _ in range(100):
        if control.evaluate(at) == value:
            return
        control.press(key)


def _enter(control: Any, value: str) -> None:
    control.fill(value)
    control.press("Enter")


def _wait_for_change(page: Any, where: list[Any], before: list[str], back: list[str] | None = None) -> str:
    """Wait until an explorer has redrawn and rests; what has not changed: "picture", "sentence", both, or nothing.

    A move of several steps is redrawn after each, with rests between them: with `back`, where it leads to, a rest is an
    end there only, or if it lasts.
    """
    end = time.monotonic() + REDRAW_SECONDS
    last, since = before, time.monotonic()
    while time.monotonic() < end:
        now = page.evaluate(_STATE, where)
        busy = page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status !== 'idle'"
        )
        if busy or now != last:
            last, since = now, time.monotonic()
        there = now == back if back else now[0] != before[0] and now[1] != before[1]
        # A kernel that rests has answered, or has not yet been asked.
        if time.monotonic() - since > (0.25 if there else 3):
            break
        page.wait_for_timeout(50)
    return " and ".join(name for name, a, b in zip(("picture", "sentence"), before, last, strict=True) if a == b)


def _keep_screens(page: Any, sight: Sight, shots: Path, scroller: str) -> None:
    """A screenshot of every screen from top to bottom."""
    page.evaluate("s => (document.querySelector(s) ?? document.scrollingElement).scrollTo(0, 0)", scroller)
    for number in range(400):
        page.wait_for_timeout(80)
        page.screenshot(path=shots / f"{number:03d}.png")
        sight.screens = number + 1
        moved = page.evaluate(
            "([s, d]) => { const e = document.querySelector(s) ?? document.scrollingElement; const y = e.scrollTop;"
            " e.scrollBy(0, e.clientHeight - d); return e.scrollTop - y; }",
            [scroller, OVERLAP],
        )
        if moved < 5:
            return


# ---------------------------------------------------------------- the exported page
_PAGE = r"""() => {
  const text = document.querySelector('main').cloneNode(true);
  text.querySelectorAll('.katex, code, pre, script, style').forEach(e => e.remove());
  const links = [...document.querySelectorAll('a[href]')];
  const wide = e => devicePixelRatio === 1 && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 2;
  return {
    cells: document.querySelectorAll('.jp-Cell').length,
    formulas: document.querySelectorAll('.katex').length,
    mathErrors: [...document.querySelectorAll('.katex-error')].map(e => e.textContent.slice(0, 80)),
    shown: text.textContent,
    images: [...document.querySelectorAll('img')].map(i => [i.getAttribute('alt') ?? '', i.naturalWidth]),
    links: links.map(a => a.href.split('#')[0]),
    nowhere: links.filter(a => a.getAttribute('href').startsWith('#') && a.hash.length > 1
      && !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map(a => a.getAttribute('href')),
    open: [...document.querySelectorAll('details[open]')].length,
    fonts: [...document.fonts].filter(f => f.family.startsWith('KaTeX') && f.status === 'error').length,
    cut: [...document.querySelectorAll('.katex-display, table, pre')].filter(wide)
      .map(e => e.textContent.trim().slice(0, 60)),
    width: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""


def look_at_page(page: Any, sight: Sight, file: Path, shots: Path) -> None:
    """Open an exported lesson from disk with the network cut off."""
    page.route(lambda url: not url.startswith(("file:", "data:")), lambda route: route.abort())
    page.goto(file.as_uri())
    page.wait_for_load_state("load")
    seen = page.evaluate(_PAGE)
    sight.cells, sight.formulas = seen["cells"], seen["formulas"]
    _judge_shown(sight, "", seen)
    for link in seen["links"]:
        target = Path(unquote(urlsplit(link).path))
        if link.startswith("file:") and target.suffix == ".ipynb":
            sight.blame(f"a link leads to a notebook: {target.name}")
        elif link.startswith("file:") and not (target.exists() or target.stem in _names_of_lessons()):
            sight.blame(f"a link leads nowhere: {target.name}")
    for link in seen["nowhere"]:
        sight.blame(f"a link leads to no place on the page: {link}")
    if seen["open"]:
        sight.blame(f"{seen['open']} answers or folded cells stand open")
    if seen["fonts"]:
        sight.blame(f"{seen['fonts']} fonts of the formulas did not load", "math_errors")
    if seen["width"] > 2:
        sight.blame(f"the page is {seen['width']} pixels wider than the screen")
    page.add_script_tag(path=services.project_root() / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations"
    )
    for violation in found:
        if violation["impact"] in ("serious", "critical"):
            nodes = violation["nodes"]
            sight.axe_serious += len(nodes)
            sight.blame(f"axe: {violation['id']}, {len(nodes)} nodes, such as {nodes[0]['html'][:160]}")
    _keep_screens(page, sight, shots, "html")


def _names_of_lessons() -> set[str]:
    """Pages that a look at some of the lessons does not write."""
    return {path.stem for path in lessons.lesson_paths()}


def compare(sight: Sight, notebook: Any) -> None:
    """A page must hold everything of its lesson."""
    pictures = sum(
        str(output.get("data", {}).get("text/html", "")).count("<img")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    for name, expected in (
        ("cells", len(notebook.cells)),
        ("formulas", check.count_formulas(notebook)),
        ("images", pictures),
    ):
        if getattr(sight, name) < expected:
            sight.blame(f"{getattr(sight, name)} {name} are on the page, {expected} in the lesson")


# ---------------------------------------------------------------- all of them
def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago; whoever uses it must be ready to lose the race and ask again."""
    with socket.socket() as probe:
        probe.bind((services.LOCALHOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The learner's JupyterLab on a free port, with its objects reachable from the page; its address.

    Args:
        folder: what it serves; its settings and its log go there too.
    """
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        f"--IdentityProvider.token={TOKEN}", "--config=tools/lab/learner/server.json", f"--ServerApp.root_dir={folder}",
        "--LabApp.app_settings_dir=tools/lab/learner", f"--LabApp.workspaces_dir={folder / 'workspaces'}",
        f"--LabApp.user_settings_dir={folder / 'settings'}", "--LabApp.expose_app_in_browser=True",
        "--ServerApp.log_level=WARN",
    ]  # fmt: skip
    log_file = folder / "server.log"
    with log_file.open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            command,
            cwd=services.project_root(),
            env=os.environ | lessons.ONE_THREAD,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and server.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        else:
            raise RuntimeError(f"JupyterLab did not start within a minute; see {log_file}")
        if "Error" in (noise := log_file.read_text(encoding="utf-8")):
            raise RuntimeError(f"JupyterLab starts with an error: {noise[:500]}")
        yield address
    finally:
        server.terminate()
        server.wait(20)


def prepare(paths: Sequence[Path], folder: Path) -> None:
    """Lay out what is looked at: blank lessons, and copies of the solved ones, from which pages are made too."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise RuntimeError(f"{folder} holds other things, and a look empties it: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    for name in (*VIEWS, "solved"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for path in paths:
        lessons.store(release.release(path, solutions=release.SOLVED), folder / "learner" / path.name)
        shutil.copyfile(path, folder / "teacher" / path.name)  # autosaved
        shutil.copyfile(path, folder / "solved" / path.name)


def look(name: str, view: str, address: str, folder: Path, *, dark: bool, zoom: float) -> Sight:
    """Look at one lesson in one view; whatever goes wrong is a fault of it."""
    sight = Sight(name, view)
    shots = folder / view / name
    shots.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        with open_page(sight, dark=dark, zoom=zoom) as page:
            if view == "page":
                solved = nbformat.read(folder / "solved" / f"{name}.ipynb", as_version=4)
                look_at_page(page, sight, export.write(solved, name, folder / view), shots)
                compare(sight, solved)
            else:
                url = f"{address}/lab/workspaces/{view}-{name}/tree/{view}/{name}.ipynb?token={TOKEN}&reset"
                look_at_lesson(page, sight, url, shots, dark=dark)
        if view != "page":
            _end_session(address, f"{view}/{name}.ipynb")
    except Exception as error:  # a look that broke off is a finding, and the others go on
        sight.blame(f"the look broke off: {type(error).__name__}: {str(error)[:400]}")
    sight.seconds = round(time.monotonic() - start, 1)
    return sight


def _end_session(address: str, path: str) -> None:
    """Stop a lesson's kernel, once no page is there to wonder."""
    request = urllib.request.Request(f"{address}/api/sessions", headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        sessions = json.load(answer)
    for session in sessions:
        if session["path"].startswith(path):
            request.full_url, request.method = f"{address}/api/sessions/{session['id']}", "DELETE"
            urllib.request.urlopen(request, timeout=20).close()


def look_at(
    paths: Sequence[Path], folder: Path, *, views: Sequence[str] = VIEWS, dark: bool = False, zoom: float = 1.0
) -> list[Sight]:
    """Look at lessons in all views, a few at a time.

    Args:
        paths: the committed notebooks.
        folder: where everything goes that the look makes.
        views: which views.
        dark: JupyterLab's dark theme.
        zoom: the browser's zoom.

    Raises:
        RuntimeError: if there is no Chromium, the folder holds other things, or JupyterLab does not start.
        ValueError: if a lesson cannot be made blank.
    """
    if find_chromium() is None:
        raise RuntimeError("no Chromium: install it (Debian: apt-get install chromium), or name one in CHROMIUM")
    prepare(paths, folder)
    work = [(path.stem, view) for path in paths for view in views]
    with serve(folder) as address, ProcessPoolExecutor(WORKERS) as pool:
        task = partial(_look_one, address=address, folder=folder, dark=dark, zoom=zoom)
        sights = []
        for sight in pool.map(task, work):
            print(
                f"{'FAULTS' if sight.faults else 'ok':<7}{sight.seconds:6.1f} s  {sight.view:8s}{sight.lesson}",
                file=sys.stderr,
                flush=True,
            )
            for fault in sight.faults:
                print(f"         {fault}", file=sys.stderr, flush=True)
            sights.append(sight)
    return sights


def _look_one(which: tuple[str, str], **options: Any) -> Sight:
    return look(*which, **options)


COUNTS = ("cells", "formulas", "images", "widgets_moved")
FAULTS = (
    "math_errors", "images_without_alt", "console_errors", "error_outputs", "axe_serious", "requests_elsewhere",
)  # fmt: skip


def summarize(sights: Sequence[Sight]) -> dict[str, Any]:
    """One entry a lesson: what it holds (the largest count of its views), and its faults (of all views together)."""
    summary: dict[str, Any] = {}
    for sight in sights:
        entry = summary.setdefault(sight.lesson, dict.fromkeys((*COUNTS, *FAULTS), 0) | {"faults": [], "views": {}})
        for name in COUNTS:
            entry[name] = max(entry[name], getattr(sight, name))
        for name in FAULTS:
            entry[name] += getattr(sight, name)
        entry["faults"] += [f"{sight.view}: {fault}" for fault in sight.faults]
        entry["views"][sight.view] = {key: value for key, value in asdict(sight).items() if key != "faults"}
    return summary


def main(argv: Sequence[str] | None = None) -> int:
    """Look, write ``build/look/summary.json``, return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tools.look", description="Look at the lessons in a browser.")
    parser.add_argument("lessons", nargs="*", help="lesson numbers, such as 01; default: all")
    parser.add_argument("--out", type=Path, default=Path("build/look"), help="folder for screenshots and summary")
    parser.add_argument("--file", action="append", type=Path, help="a notebook that is none of the lessons")
    parser.add_argument("--view", action="append", choices=VIEWS, help="default: all three")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--zoom", type=float, default=1.0)
    parser.add_argument("--json", action="store_true", help="print the summary")
    arguments = parser.parse_args(argv)
    paths = arguments.file or lessons.lesson_paths(arguments.lessons)
    start, folder = time.monotonic(), arguments.out.resolve()
    try:
        dark = arguments.theme == "dark"
        sights = look_at(paths, folder, views=arguments.view or VIEWS, dark=dark, zoom=arguments.zoom)
    except (RuntimeError, FileNotFoundError, ValueError) as error:
        parser.exit(2, f"look: {error}\n")
    summary = summarize(sights)
    target = folder / "summary.json"
    target.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.json:
        print(target.read_text(encoding="utf-8"), end="")
    faults = sum(len(entry["faults"]) for entry in summary.values())
    screens = sum(sight.screens for sight in sights)
    print(
        f"{len(sights)} looks, lessons: {len(summary)}, {screens} screens in {arguments.out}, {faults} faults, "
        f"{time.monotonic() - start:.0f} s",
        file=sys.stderr,
    )
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
