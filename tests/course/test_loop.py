"""The full loop, for real: a course is made, students hand in, nbgrader grades, and every score is what it must be.

`make test` tries what one submission can do to others, with a small lesson; `make loop` (LOOP=all) goes through every
lesson and the rest. Of each lesson a class of four is graded: everything right, nothing done, all kinds of tampering at
once, a file that is no notebook. And in one more run every named misconception of every exercise, and impostors; see
`submissions.repeated`.
"""

from __future__ import annotations

import os
import re

import bs4
import nbformat
import psutil
import pytest
import submissions as s
from processes import eventually

from notebooks import LESSONS
from tools import course, grading, release

WHOLE = os.environ.get("LOOP") == "all"
only_in_the_loop = pytest.mark.skipif(not WHOLE, reason="make loop tries it")
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)

EARNS: dict[str, set[str]] = {}
"""Impostors that earn points although they must not, by exercise: each is a fault of that exercise's check."""


@pytest.fixture
def mark(monkeypatch):
    """Whatever is started inherits this from the environment; at the end nothing of it may be left."""
    word = f"loop-{os.getpid()}-{os.urandom(4).hex()}"
    monkeypatch.setenv("BCFL_LOOP", word)

    def left():
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.environ().get("BCFL_LOOP") == word:
                    found.append(process.cmdline())
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    return left


def begin(folder, name, source, seconds=None):
    """A course of one lesson, in which a cell may take that long."""
    course.begin(folder)
    if seconds is not None:
        config = folder / grading.CONFIG
        text = config.read_text(encoding="utf-8")
        config.write_text(re.sub(r"(Execute\.timeout = )\d+", rf"\g<1>{seconds}", text), encoding="utf-8")
    course.add(folder, name, source)


def graded(folder, **options):
    """Lines that the instructor reads, by student."""
    return {text.partition(",")[0]: (text, done) for text, done in grading.grade(folder, **options)}


def scores(folder, student, name):
    return grading.scores(folder, grading.Submission(student, name, folder))


def points(notebook):
    return {s.grader(cell)["grade_id"]: s.grader(cell)["points"] for cell in s.checks_of(notebook)}


def tampered(folder, name):
    """One student's four ways: a deleted check, a copied answer, an endless loop, a check that was emptied.

    Returns the notebook and the checks that must earn nothing.
    """
    notebook = s.solved(folder, name)
    answers, checks = s.answers_of(notebook), s.checks_of(notebook)
    stubs = {s.grader(cell)["grade_id"]: cell.source for cell in s.answers_of(s.released(folder, name))}
    notebook.cells.remove(checks[0])
    copied = nbformat.from_dict(answers[1])
    notebook.cells.insert(notebook.cells.index(answers[1]) + 1, copied)
    copied.id += "-copy"
    answers[2].source = s.impostor(answers[2].source, s.LOOP)
    answers[3].source = stubs[s.grader(answers[3])["grade_id"]]
    checks[3].source = "pass"
    checks[3].metadata.tags = ["skip-execution"]
    checks[3].metadata.nbgrader["points"] = 99
    return notebook, {s.grader(check)["grade_id"] for check in checks[2:4]}


@only_in_the_loop
@every_lesson
def test_a_class_is_graded_as_it_deserves(path, tmp_path, mark):
    folder, name = tmp_path / "course", path.stem
    begin(folder, name, release.prepare(path), seconds=30)
    bad, nothing = tampered(folder, name)
    students = {"aaron-07": False, "ben-07": True, "cleo-07": True}
    s.hand_in(folder, "aaron-07", name, '{"cells": [<<<<<<<')
    if path == LESSONS[0]:  # of the others the run with all wrong answers holds the right ones, too
        s.hand_in(folder, "anna-07", name, s.solved(folder, name))
        students["anna-07"] = True
    s.hand_in(folder, "ben-07", name, s.released(folder, name))
    s.hand_in(folder, "cleo-07", name, bad)
    lines = graded(folder)
    assert {student: done for student, (_, done) in lines.items()} == students
    most = points(s.released(folder, name))
    if "anna-07" in students:
        assert scores(folder, "anna-07", name) == most and lines["anna-07"][0].count("\n") == 0
    assert scores(folder, "ben-07", name) == dict.fromkeys(most, 0)
    assert scores(folder, "cleo-07", name) == {check: 0 if check in nothing else most[check] for check in most}
    assert "no notebook" in lines["aaron-07"][0]
    for words in ("was deleted", "is there 2 times", "was edited", "has a tag"):
        assert words in lines["cleo-07"][0], words
    feedback_hides_what_is_hidden(folder, name, set(students) - {"aaron-07"})
    assert eventually(lambda: not mark()), mark()


def marked_lines(source, mark):
    """Lines between such marks that stand nowhere else in the lesson, without short ones that any code has."""
    shown = "\n".join(cell.source for cell in source.cells if not s.grader(cell))
    texts = [text for cell in source.cells for text in re.findall(rf"BEGIN {mark}\n(.*?)### END", cell.source, re.S)]
    lines = {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) > 25}
    return {line for line in lines if line not in shown}


def feedback_hides_what_is_hidden(folder, name, students):
    source = s.source_of(folder, name)
    open_checks = "\n".join(cell.source for cell in s.checks_of(s.released(folder, name)))
    solved = marked_lines(source, "SOLUTION")  # who has answered so shows it
    hidden = {line for line in marked_lines(source, "HIDDEN TESTS") if line not in open_checks} - solved
    for student in students:
        page = (folder / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
        text = bs4.BeautifulSoup(page, "html.parser").get_text()
        assert not [line for line in hidden if line in text], student
        assert "BEGIN HIDDEN" not in text
        assert not [other for other in students - {student} if other in text]
        if student == "ben-07":
            assert not [line for line in marked_lines(source, "SOLUTION") if line in text]


@only_in_the_loop
@every_lesson
def test_every_wrong_answer_earns_nothing(path, tmp_path, mark):
    folder, name = tmp_path / "course", path.stem
    source, kinds, answers = s.repeated(path)
    begin(folder, name, source)
    notebook = s.solved(folder, name)
    for cell in s.answers_of(notebook):
        cell.source = answers.get(s.grader(cell)["grade_id"], cell.source)
    s.hand_in(folder, "eve", name, notebook)
    [(text, done)] = grading.grade(folder, minutes=30)
    assert done, text
    earned = scores(folder, "eve", name)
    right = points(release.release(path))
    assert {check: earned[check] for check in right} == right
    found = {(exercise, kind) for check, (exercise, kind) in kinds.items() if earned[check]}
    expected = {(exercise, kind) for exercise, every in EARNS.items() for kind in every}
    here = {exercise for exercise, _ in kinds.values()}
    assert found == {pair for pair in expected if pair[0] in here}
    assert len(kinds) > 50 and eventually(lambda: not mark()), mark()


# ---------------------------------------------------------------- a small lesson with services, for many runs
SMALL = [
    "from bcfl_support import chain, ipfs\n"
    "node, store = chain.connect(), ipfs.IpfsNode.connect()\ncid = store.add(b'4')",
    "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
    "assert double(2) == int(store.cat(cid)) == len(node.accounts[:4]), 'twice two is four'\n### BEGIN HIDDEN TESTS\n"
    "assert double(12345) == 24690, f'twice 12345 is 24690 and not {double(12345)}'\n### END HIDDEN TESTS",
]


def small():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in SMALL])
    flags = {"schema_version": 3, "locked": False, "task": False}
    for cell, more in (
        (notebook.cells[1], {"grade_id": "double", "grade": False, "solution": True}),
        (notebook.cells[2], {"grade_id": "double-check", "grade": True, "solution": False, "points": 2}),
    ):
        cell.metadata.nbgrader = nbformat.from_dict(flags | more)
    return notebook


STUBBORN = """while True:
        try:
            while True:
                pass
        except BaseException:
            pass"""


class TestSmallLesson:
    @pytest.fixture(autouse=True)
    def a_course(self, tmp_path, mark):
        self.folder, self.left = tmp_path / "course", mark
        begin(self.folder, "00_small", small(), seconds=10)

    def hand_in(self, student, answer):
        notebook = s.released(self.folder, "00_small")
        notebook.cells[1].source = answer
        return s.hand_in(self.folder, student, "00_small", notebook)

    def score(self, student):
        return scores(self.folder, student, "00_small")["double-check"]

    def test_who_ends_the_kernel_or_never_ends_stops_nobody(self):
        self.hand_in("anna", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
        self.hand_in("zoe", "def double(x):\n    return x + x")
        lines = graded(self.folder)
        assert [done for _, done in lines.values()] == [False, True]
        assert "NOT GRADED: nbclient.exceptions.DeadKernelError" in lines["anna"][0]
        assert self.score("zoe") == 2
        (self.folder / "submitted" / "anna" / "00_small" / "00_small.ipynb").unlink()
        self.hand_in("ben", f"def double(x):\n    {STUBBORN}")
        lines = graded(self.folder, minutes=0.15)
        assert "it took more than 0.15 minutes" in lines["ben"][0] and "anna" in lines and "zoe" not in lines
        grading.write_grades(self.folder)
        assert "ben,00_small,,,not graded" in (self.folder / "grades.csv").read_text(encoding="utf-8")
        assert eventually(lambda: not self.left()), self.left()

    def test_feedback_says_what_is_shown_and_not_what_is_hidden(self):
        self.hand_in("anna", "def double(x):\n    return 4")
        self.hand_in("ben", "def double(x):\n    return 5")
        self.hand_in("cleo", "def double(x):\n    print(In[-1])\n    raise ValueError(In[-1])")
        graded(self.folder)
        pages = {
            who: (self.folder / "feedback" / who / "00_small" / "00_small.html").read_text(encoding="utf-8")
            for who in ("anna", "ben", "cleo")
        }
        assert "a test that is not shown failed" in pages["anna"] and "twice two is four" in pages["ben"]
        assert not any("12345" in page or "24690" in page for page in pages.values())
        assert [self.score(who) for who in pages] == [0, 0, 0]

    @only_in_the_loop
    def test_what_an_answer_raises_is_not_in_the_feedback(self):
        """Not what it can read where it is run: hidden tests, the course's files, its own words."""
        spells = "''.join(map(chr, [110, 111, 116, 45, 115, 104, 111, 119, 110]))"  # not-shown
        for student, kind in (("anna", "ValueError"), ("ben", "AssertionError"), ("cleo", "")):
            error = f"{kind}({spells})" if student != "cleo" else f"type({spells}, (AssertionError,), {{}})({spells})"
            self.hand_in(student, f"def double(x):\n    raise {error}")
        graded(self.folder)
        for student in ("anna", "ben", "cleo"):
            page = (self.folder / "feedback" / student / "00_small" / "00_small.html").read_text(encoding="utf-8")
            text = bs4.BeautifulSoup(page, "html.parser").get_text()
            assert "not-shown" not in text and "an error stopped line 1 of the check" in text
            assert self.score(student) == 0

    @only_in_the_loop
    def test_what_is_graded_stays_until_something_new_comes(self):
        self.hand_in("anna", "def double(x):\n    return 4")
        assert len(graded(self.folder)) == 1 and graded(self.folder) == {}
        self.hand_in("anna", "def double(x):\n    return 2 * x")
        assert len(graded(self.folder)) == 1 and self.score("anna") == 2
        grading.write_grades(self.folder)
        assert "anna,00_small,2.0,2.0,graded" in (self.folder / "grades.csv").read_text(encoding="utf-8")
        s.hand_in(self.folder, "anna", "00_small", "{")
        text, done = graded(self.folder)["anna"]
        assert not done and "what was graded before keeps its points and its feedback" in text
        grading.write_grades(self.folder)
        assert "anna,00_small,2.0,2.0,an earlier one's" in (self.folder / "grades.csv").read_text(encoding="utf-8")
        assert (self.folder / "feedback" / "anna" / "00_small" / "00_small.html").is_file()

    @only_in_the_loop
    def test_nothing_is_left_after_many_gradings(self):
        """With those of the lessons, each of which asserts the same, the whole loop grades more than fifty times."""
        for number in range(20):
            self.hand_in(f"student{number}", "def double(x):\n    return 2 * x" if number % 2 else "raise SystemExit")
        lines = graded(self.folder)
        assert all(done for _, done in lines.values())
        assert eventually(lambda: not self.left()), self.left()
        assert {self.score(who) for who in lines} == {0, 2}


SKIP = "lambda lines: ['pass\\n'] if lines and any('assert double' in line for line in lines) else lines"
CHANGES = {
    "input transformer": f"get_ipython().input_transformers_cleanup.append({SKIP})",
    "AST transformer": """import ast
class Swallow(ast.NodeTransformer):
    def visit_Module(self, tree):
        handler = ast.ExceptHandler(type=None, name=None, body=[ast.Pass()])
        tree.body = [ast.Try(body=[one], handlers=[handler], orelse=[], finalbody=[]) for one in tree.body]
        return ast.fix_missing_locations(tree)
get_ipython().ast_transformers.append(Swallow())""",
    "handler of errors": "get_ipython().set_custom_exc((Exception,), lambda *args, **kwargs: None)",
    "run_cell": "type(get_ipython()).run_cell_async = type(get_ipython()).run_code = lambda *args, **kwargs: None",
    "builtins": "import builtins\nbuiltins.sum = builtins.all = lambda *args: double(2)",
    "a name": "int = len = lambda *args: double(2)",
    "within the check": """def double(x):
    import sys
    frame = sys._getframe()
    while frame is not None:
        if "to_run" in frame.f_locals:
            frame.f_locals["to_run"].clear()
        frame = frame.f_back
    type(get_ipython()).run_code = lambda *args, **kwargs: None
    return 4""",
}
"""Ways to make checks pass without an answer, by what they change; each is put where an answer goes."""


@only_in_the_loop
def test_a_check_is_run_whatever_the_kernel_was_made_into(a_small_course):
    folder = a_small_course
    for number, code in enumerate([*CHANGES.values(), CHANGES["input transformer"]]):
        notebook = s.released(folder, "00_small")
        notebook.cells[1].source = code if "def double" in code else f"def double(x):\n    return -1\n{code}\n"
        if number == len(CHANGES):  # in a cell of the lesson
            notebook.cells[1].source = "def double(x):\n    return -1"
            notebook.cells[0].source += f"\n{code}"
        s.hand_in(folder, f"student{number}", "00_small", notebook)
    lines = graded(folder)
    assert all(f"{who}, 00_small: 0 of 2" in text for who, (text, _) in lines.items()), lines
    silent = [who for who, (text, _) in lines.items() if "it changed what runs cells" not in text]
    assert silent == [f"student{len(CHANGES)}"], lines
    assert "the lesson's cell “from bcfl_support import chain, ipfs” was edited" in lines[silent[0]][0]


@pytest.fixture
def a_small_course(tmp_path):
    begin(tmp_path / "course", "00_small", small(), seconds=10)
    return tmp_path / "course"


@only_in_the_loop
def test_another_program_and_another_order_cost_nothing(a_small_course):
    folder = a_small_course
    for student in ("no marks", "moved", "no ids"):
        notebook = s.solved(folder, "00_small")
        for cell in notebook.cells:
            if student == "no marks":
                cell.metadata.pop("nbgrader", None)
            if student == "no ids":
                cell.id = f"other-{cell.id}"
        if student == "moved":
            notebook.cells.insert(0, notebook.cells.pop())
        s.hand_in(folder, student.replace(" ", "-"), "00_small", notebook)
    lines = graded(folder)
    assert all(": 2 of 2" in text for text, _ in lines.values()), lines
    assert "deleted" not in "".join(text for text, _ in lines.values())
    assert "were moved" in lines["moved"][0] and "none of this lesson's marks" in lines["no-marks"][0]


INTRUDER = """
import pathlib, sqlite3, subprocess, sys, time
course = pathlib.Path({course!r})
with sqlite3.connect(course / "gradebook.db") as book:
    book.execute("UPDATE grade SET extra_credit = 50")
for path in [*course.glob("submitted/zoe/*/*"), *course.glob("source/*/*")]:
    path.write_text("mine now")
(course / "autograded" / "anna" / "00_small" / "00_small.ipynb").unlink()
for path in pathlib.Path.cwd().parents[2].rglob("*.db"):
    with sqlite3.connect(path) as book:
        book.execute("UPDATE base_cell SET name = name")
        book.execute("CREATE TRIGGER more AFTER UPDATE ON grade BEGIN UPDATE grade SET extra_credit = 50; END")
seen = [str(path) for path in pathlib.Path.cwd().parents[2].rglob("*") if path.name in ("source", "anna", "zoe")]
assert not list(pathlib.Path.cwd().parents[2].glob("source/*/*.ipynb")) and not [one for one in seen if "anna" in one]
wait = [sys.executable, "-c", "import time; time.sleep(300)"]
subprocess.Popen(wait, start_new_session=True)
subprocess.Popen(wait, start_new_session=True, env=dict(BCFL_LOOP={mark!r}))
def double(x):
    return 2 * x
"""


def test_a_submission_changes_nothing_but_its_own_points(a_small_course, mark):
    folder = a_small_course
    for student in ("anna", "mallory", "zoe"):
        notebook = s.solved(folder, "00_small")
        if student == "mallory":
            notebook.cells[1].source = INTRUDER.format(course=str(folder), mark=os.environ["BCFL_LOOP"])
        s.hand_in(folder, student, "00_small", notebook)
    before = (folder / "source" / "00_small" / "00_small.ipynb").read_bytes()
    lines = graded(folder)
    said = lines["mallory"][0]
    for student in ("anna", "mallory", "zoe"):
        assert f"{student}, 00_small: 2 of 2" in lines[student][0], lines
    for path in ("gradebook.db", "source/00_small/00_small.ipynb", "submitted/zoe/00_small/00_small.ipynb"):
        assert f"{path} was changed while it was graded; that was put back" in said
    assert "processes running" in said and "speaks of" in said
    assert (folder / "source" / "00_small" / "00_small.ipynb").read_bytes() == before
    assert (folder / "autograded" / "anna" / "00_small" / "00_small.ipynb").is_file()
    with grading.gradebook(folder) as book:
        assert {one.student.id: one.score for one in book.find_assignment("00_small").submissions} == {
            "anna": 2,
            "mallory": 2,
            "zoe": 2,
        }
    assert eventually(lambda: not mark()), mark()


def by_hand(kind):
    """The small lesson with one more cell, which is graded by hand."""
    notebook = small()
    cell = getattr(nbformat.v4, f"new_{kind}_cell")("# Why two?")
    flags = {"schema_version": 3, "locked": False, "task": False, "grade": True, "solution": True}
    cell.metadata.nbgrader = nbformat.from_dict(flags | {"grade_id": "why", "points": 3})
    notebook.cells.append(cell)
    return notebook


@pytest.mark.parametrize("kind", ["markdown", pytest.param("code", marks=only_in_the_loop)])
def test_what_is_graded_by_hand_is_no_check(tmp_path, kind):
    folder = tmp_path / "course"
    begin(folder, "00_small", by_hand(kind), seconds=10)
    notebook = s.released(folder, "00_small")
    notebook.cells[1].source, notebook.cells[3].source = "def double(x):\n    return 2 * x", "# Since it is so."
    s.hand_in(folder, "anna", "00_small", notebook)
    [(text, done)] = grading.grade(folder)
    assert done and text.startswith("anna, 00_small: 2 of 5") and "edited" not in text
    grading.write_grades(folder)
    assert "anna,00_small,2.0,5.0,awaits a hand" in (folder / "grades.csv").read_text(encoding="utf-8")
    with grading.gradebook(folder) as book:
        grade = book.find_grade("why", "00_small", "00_small", "anna")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.db.commit()
    assert list(grading.grade(folder)) == []
    grading.write_grades(folder)
    assert "anna,00_small,4.5,5.0,graded" in (folder / "grades.csv").read_text(encoding="utf-8")
    page = (folder / "feedback" / "anna" / "00_small" / "00_small.html").read_text(encoding="utf-8")
    assert "Score: 4.5 / 5.0" in bs4.BeautifulSoup(page, "html.parser").get_text()
