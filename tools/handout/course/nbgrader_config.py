"""How this course is graded: read by every nbgrader command that is run in this folder, and by `bcfl course`.

Each class below closes a way in which one submission could stop the others, earn points without an answer, or bring
home what it must not see. Nothing here needs the repository: the folder can be moved.
"""

from __future__ import annotations

import ast
import os
import re
import secrets
import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import DeadKernelError
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    Execute,
    GetGrades,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

# Results repeat to the last bit, and kernels at once do not slow each other down.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
# nbgrader calls alembic by its name, also when this environment was not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def grader(cell: Any) -> dict[str, Any]:
    """What nbgrader knows of a cell; nothing if its metadata was damaged."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def is_check(cell: Any) -> bool:
    """Whether a cell grades by running; one that is graded by hand, a text or an answer, is no check."""
    return cell.cell_type == "code" and bool(grader(cell).get("grade")) and not grader(cell).get("solution")


HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*\n?", re.MULTILINE | re.DOTALL)
NOT_SHOWN = "a test that is not shown failed: the answer is right on what you see and wrong elsewhere"

LESSON = "bcfl_lesson"
"""Metadata of a plain cell that is the lesson's own."""


def is_answer(cell: Any) -> bool:
    """Whether a cell is written in by the student: a place for an answer, or a text."""
    return bool(grader(cell).get("solution")) or (cell.cell_type == "markdown" and not grader(cell).get("locked"))


def pair(cells: list[Any], release: list[Any]) -> dict[int, int]:
    """Which cell of a submission is which of the lesson's, by their places; the others are the student's own.

    Told by nbgrader's name (of several the last one counts), else by the id, else by the same text: some programs lose
    ids, others nbgrader's marks.
    """
    found: dict[int, int] = {}
    for key in (
        lambda cell: grader(cell).get("grade_id"),
        lambda cell: cell.get("id"),
        lambda cell: (cell.cell_type, cell.source.rstrip()),
    ):
        open_places: dict[Any, int] = {}
        for place, cell in enumerate(release):
            if place not in found.values() and isinstance(key(cell), str | tuple):
                open_places.setdefault(key(cell), place)
        for place in reversed(range(len(cells))):
            name = key(cells[place])
            if place not in found and isinstance(name, str | tuple) and name in open_places:
                found[place] = open_places.pop(name)
    return found


class Mend(NbGraderPreprocessor):
    """Makes of a submission the lesson that was handed out, with the student's answers, texts and own cells in it.

    The lesson's cells stand in their order, with their marks, and what is no answer has the lesson's code. A student's
    own cells follow the cell that they followed, without marks. No tag keeps a cell from being run.
    """

    def preprocess(self, notebook: Any, resources: Any) -> tuple[Any, Any]:
        names = resources["nbgrader"]
        folder = Path(names["db_url"].removeprefix("sqlite:///")).parent / "release" / names["assignment"]
        release = nbformat.read(folder / f"{names['notebook']}.ipynb", as_version=4).cells
        pairs = pair(notebook.cells, release)
        written = {ours: notebook.cells[place] for place, ours in pairs.items()}
        own: dict[int, list[Any]] = {}
        last = -1
        for place, cell in enumerate(notebook.cells):
            if place in pairs:
                last = pairs[place]
            else:
                own.setdefault(last, []).append(self.unmarked(cell))
        cells = own.get(-1, [])
        for place, cell in enumerate(release):
            cells.append(self.restored(cell, written.get(place)))
            cells += own.get(place, [])
        notebook.cells = cells
        return notebook, resources

    def unmarked(self, cell: Any) -> Any:
        """A student's own cell."""
        for mark in ("nbgrader", "tags", LESSON):
            cell.metadata.pop(mark, None)
        cell["id"] = f"own-{secrets.token_hex(6)}"
        return cell

    def restored(self, cell: Any, written: Any) -> Any:
        """A cell of the lesson, with what the student wrote where there is a place for it."""
        made = nbformat.from_dict(cell)
        made.metadata.pop("tags", None)
        if not grader(cell):
            made.metadata[LESSON] = True
        if is_answer(cell) and written is not None:
            made.source = written.source
            if written.get("attachments"):
                made.attachments = written.attachments
        return made


GUARD = '''
def install(shell, word, token):
    """Keep what runs cells as it is now, and answer requests to put it back and to run a check, past all of it."""
    import builtins, sys, types

    run, translate, bind = exec, compile, setattr
    kernel, session, user, trap = shell.kernel, shell.kernel.session, shell.user_ns, shell.builtin_trap
    manager = shell.input_transformer_manager
    things = [shell, kernel, session, manager, shell.compile, shell.events, shell.displayhook, shell.display_pub]
    code = (types.FunctionType, staticmethod, classmethod, property)
    classes = {kind: None for thing in things for kind in type(thing).__mro__ if kind is not object}
    kept = {kind: {k: v for k, v in vars(kind).items() if isinstance(v, code)} for kind in classes}
    held = {kind: set(vars(kind)) for kind in classes}
    inner = {f: (f.__code__, f.__defaults__) for own in kept.values() for f in own.values() if hasattr(f, "__code__")}
    inner[session.send.__func__] = (session.send.__func__.__code__, session.send.__func__.__defaults__)
    begun = {id(thing): set(vars(thing)) for thing in things}
    lists = [(manager, name) for name in ("cleanup_transforms", "line_transforms", "token_transformers")]
    lists = [(*pair, list(getattr(*pair))) for pair in [*lists, (shell, "ast_transformers")]]
    values = [(shell, name, getattr(shell, name)) for name in ("custom_exceptions", "ast_node_interactivity")]
    values.append((shell, "input_transformer_manager", manager))
    passing = {"input", "exit", "quit", "get_ipython", "display", "_", "__IPYTHON__", "__debug__"}
    known = {name: value for name, value in vars(builtins).items() if name not in passing}
    everyday = [name for name in known if name[0] != "_" and name not in user]  # IPython has an `open` of its own

    def restore():
        changed = []
        for kind, own in kept.items():
            for name, value in own.items():
                if vars(kind).get(name) is not value:
                    bind(kind, name, value)
                    changed.append(kind.__name__ + "." + name)
            for name in set(vars(kind)) - held[kind]:  # over one of a class that this one is made from
                if any(name in kept.get(base, ()) for base in kind.__mro__):
                    delattr(kind, name)
                    changed.append(kind.__name__ + "." + name)
        for function, (code, defaults) in inner.items():
            if function.__code__ is not code or function.__defaults__ is not defaults:
                function.__code__, function.__defaults__ = code, defaults
                changed.append(function.__qualname__)
        for thing in things:
            for name in set(vars(thing)) - begun[id(thing)]:
                if any(name in kept.get(kind, ()) for kind in type(thing).__mro__):
                    del vars(thing)[name]
                    changed.append(type(thing).__name__ + "." + name)
        for thing, name, value in values:
            if getattr(thing, name) is not value and getattr(thing, name) != value:
                bind(thing, name, value)
                changed.append(name)
        for thing, name, value in lists:
            if list(getattr(thing, name)) != value:
                bind(thing, name, list(value))
                changed.append(name)
        for event, hooks in shell.events.callbacks.items():
            mine = [hook for hook in hooks if getattr(hook, "__module__", None) == "__main__"]
            for hook in mine:
                hooks.remove(hook)
                changed.append(event)
        for name, value in known.items():
            if vars(builtins).get(name) is not value:
                bind(builtins, name, value)
                changed.append("builtins." + name)
        user["__builtins__"] = builtins
        for name in everyday:
            if name in user:
                del user[name]
                changed.append("the name " + name)
        for get, put in ((sys.gettrace, sys.settrace), (sys.getprofile, sys.setprofile)):
            if get() is not None:
                put(None)
                changed.append(put.__name__)
        return changed

    def judge(source, name):
        """Run a check as one piece, so that no part of it can be left out."""
        try:
            whole = translate(source, name, "exec", dont_inherit=True, optimize=0)
            with trap:
                run(whole, user)
        except BaseException as error:
            line, own, trace = 0, False, error.__traceback__
            while trace is not None:
                own = trace.tb_frame.f_code.co_filename == name
                line = trace.tb_lineno if own else line
                trace = trace.tb_next
            kind = type(error)
            try:
                said = str(error)[:2000]
            except BaseException:
                said = ""
            return {"line": line, "own": own and kind is AssertionError, "kind": kind.__name__, "said": said}
        return {"passed": True}

    def answer(stream, ident, message):
        asked = message["content"]
        changed = restore()
        reply = judge(asked["source"], asked["name"]) if asked.get("source") else {}
        changed += restore()
        reply.update(token=token, changed=changed)
        session.send(stream, word + "_reply", content=reply, parent=message, ident=ident)

    kernel.shell_handlers[word] = answer


install(shell, word, token)
'''
"""Run in the kernel before all else."""


class Judge(Execute):
    """Runs a lesson; its checks not as cells, but past everything that a cell could have changed of IPython.

    Before each cell of the lesson, transformers, hooks, handlers and builtins are put back as they were at first; a
    submission that changed them is named. A check is compiled as one piece and passes if the kernel says so with a
    word that it was given before the student's first cell.
    """

    def preprocess(self, notebook: Any, resources: Any, km: Any = None) -> tuple[Any, Any]:
        self.word, self.token, self.changed = f"judge_{secrets.token_hex(8)}", secrets.token_hex(16), dict[str, None]()
        self.begun = False
        notebook, resources = super().preprocess(notebook, resources, km)
        if left := end_started(os.environ.get("BCFL_GRADING", "")):
            print(f"BCFL: it left {left} processes running; they were ended")
        if self.changed:
            print(f"BCFL: it changed what runs cells ({', '.join(self.changed)}); that was put back before each check")
        return notebook, resources

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if cell.cell_type != "code":
            return cell, resources
        if not self.begun:
            room = f"{{'shell': get_ipython(), 'word': {self.word!r}, 'token': {self.token!r}}}"
            code = f"exec(compile({GUARD!r}, '<guard>', 'exec'), {room})"
            reply = self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))
            if reply["content"]["status"] != "ok":
                raise RuntimeError(f"the kernel could not be guarded: {reply['content']}")
            self.begun = True
        if is_check(cell):
            name = f"<check {grader(cell)['grade_id']} {secrets.token_hex(4)}>"
            found = run_sync(self.ask)({"source": cell.source, "name": name})
            cell.execution_count = index + 1
            cell.outputs = [] if found.get("passed") is True else [self.failed(cell.source, found)]
            return cell, resources
        if cell.metadata.get(LESSON):
            run_sync(self.ask)({})
        return super().preprocess_cell(cell, resources, index)

    async def ask(self, content: dict[str, Any]) -> dict[str, Any]:
        """What the guard in the kernel replies; of one that takes too long, that it did."""
        message = self.kc.session.msg(self.word, content)
        self.kc.shell_channel.send(message)
        end, interrupts = time.monotonic() + (self.timeout or 1e9), 0
        while True:
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
            except Empty:
                if not await ensure_async(self.km.is_alive()):
                    raise DeadKernelError("Kernel died") from None
                if time.monotonic() < end:
                    continue
                if interrupts == 3:
                    return {"kind": "CellTimeoutError"}
                await ensure_async(self.km.interrupt_kernel())
                end, interrupts = time.monotonic() + 5, interrupts + 1
                continue
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                found = reply["content"]
                self.changed |= dict.fromkeys(str(name)[:60] for name in found.get("changed", [])[:20])
                if interrupts:
                    return {"kind": "CellTimeoutError"}
                return found if found.get("token") == self.token else {"kind": "NotRun"}

    def failed(self, source: str, found: dict[str, Any]) -> Any:
        """A check's error: what the student may read in its value, what the kernel said below, for the instructor."""
        said = f"{found.get('kind')}: {found.get('said', '')} (line {found.get('line')})"
        return nbformat.v4.new_output(
            "error", ename="NotPassed", evalue=sentence(source, found, self.timeout), traceback=said.splitlines()
        )


def end_started(tag: str, room: Path | None = None) -> int:
    """End what a submission started and left, before anything is written that it could change; how many there were.

    `bcfl course grade` puts a word into the environment, which all of it inherits.

    Args:
        tag: the word; if empty nothing has it.
        room: what works in this folder is ended, too.
    """
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            tagged = tag and process.environ().get("BCFL_GRADING") == tag
            here = room and Path(process.cwd()).is_relative_to(room)
            if (tagged or here) and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                process.kill()
                found.append(process)
        except (psutil.Error, OSError):
            continue
    psutil.wait_procs(found, timeout=10)
    return len(found)


def sentence(source: str, found: dict[str, Any], seconds: float | None) -> str:
    """Why a check was not passed, in words of the check's own text and no others.

    What an answer raises, prints or is called can be anything that is to be read where lessons are graded.
    """
    if found.get("kind") == "CellTimeoutError":
        return f"it took more than {seconds:g} seconds and was stopped"
    line = found.get("line")
    if not isinstance(line, int) or not 0 < line <= source.count("\n") + 1:
        return "this check was not run to its end"
    spans = [(source[: m.start()].count("\n") + 1, source[: m.end()].count("\n")) for m in HIDDEN.finditer(source)]
    if any(first <= line <= last for first, last in spans):
        return NOT_SHOWN
    shown = line - sum(last - first + 1 for first, last in spans if last < line)
    if found.get("own") is not True:
        return f"an error stopped line {shown} of the check; run the check in your lesson to read which"
    asserted = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
    here = [node.msg for node in asserted if node.lineno <= line <= (node.end_lineno or 0)]
    parts = here[-1].values if here and isinstance(here[-1], ast.JoinedStr) else here[-1:]
    words = [part.value if isinstance(part, ast.Constant) else "…" for part in parts if part is not None]
    said = "".join(map(str, words))
    return f"line {shown} of the check: {said}" if said.strip("… ") else f"line {shown} of the check does not hold"


class HideTests(NbGraderPreprocessor):
    """Feedback without hidden tests: not their code, not what they compared, not what a cell printed of them.

    Outputs of all other cells are left out. The student has them; and what is printed where lessons are graded may be
    anything that can be read there.
    """

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if cell.cell_type != "code":
            return cell, resources
        if not is_check(cell):
            cell.outputs = []
            return cell, resources
        said = [output.evalue for output in cell.outputs if output.get("ename") == "NotPassed"]
        cell.outputs = [nbformat.v4.new_output("error", ename="", evalue="", traceback=[line]) for line in said[-1:]]
        cell.source = HIDDEN.sub("", cell.source)
        return cell, resources


c = get_config()  # type: ignore[name-defined] # noqa: F821

c.CourseDirectory.course_id = "bcfl"
c.CourseDirectory.root = str(Path(globals().get("__file__", "nbgrader_config.py")).resolve().parent)
c.CourseDirectory.db_url = f"sqlite:///{c.CourseDirectory.root}/gradebook.db"

# ---------------------------------------------------------------- what is handed out
c.ClearSolutions.code_stub = {
    "python": "# Write your answer here, in place of the next two lines.\n"
    "from bcfl_support.errors import NotSolved\n"
    "raise NotSolved"
}

# ---------------------------------------------------------------- grading
# A lesson takes a minute on two quiet cores, its longest cell some twenty seconds. A cell that is interrupted earns
# nothing and the next one is run; a whole submission has the limit of `bcfl course grade`.
c.Execute.timeout = 120
c.Execute.raise_on_iopub_timeout = False
c.Autograde.sanitize_preprocessors = [ClearOutput, Mend, OverwriteKernelspec, OverwriteCells, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [Judge, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]

# ---------------------------------------------------------------- feedback
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"]
