"""Blank lessons: no solution in them, a word on where to write, and nothing of a learner's is ever overwritten."""

from __future__ import annotations

import json
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bcfl_support import errors
from notebooks import LESSONS, ROOT, read, source
from tools import lessons, page, release

every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def solution_lines(path):
    """Lines that stand between the marks of a solution or of hidden tests, without short ones that any code has."""
    inside, found = False, set()
    for cell in read(path)["cells"]:
        for line in source(cell).splitlines():
            if "### BEGIN" in line or "### END" in line:
                inside = "BEGIN" in line
            elif inside and len(line.strip()) > 25:
                found.add(line.strip())
    return found


@every_lesson
def test_blank_lesson_holds_no_solution_and_no_output(path):
    blank = release.release(path)
    text = "\n".join(cell.source for cell in blank.cells)
    assert solution_lines(path)
    # A line of a solution may stand in the lesson itself, as an example above; it must not be left in a stub.
    stubs = "\n".join(cell.source for cell in blank.cells if cell.metadata.get("nbgrader"))
    shown_elsewhere = "\n".join(source(cell) for cell in read(path)["cells"] if not cell["metadata"].get("nbgrader"))
    for line in solution_lines(path):
        assert line not in stubs or line in shown_elsewhere, line
    for mark in ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "END SOLUTION"):
        assert mark not in text
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in blank.cells)
    assert [cell.id for cell in blank.cells] == [cell["id"] for cell in read(path)["cells"]]
    nbformat.validate(blank)


@every_lesson
def test_every_exercise_says_where_to_write_and_its_stub_is_open(path):
    blank = release.release(path)
    stubs = [place for place, cell in enumerate(blank.cells) if cell.metadata.get("nbgrader", {}).get("solution")]
    assert len(stubs) >= 3
    for place in stubs:
        assert "Write your answer here" in blank.cells[place].source
        assert not blank.cells[place].metadata.get("jupyter")
    sentences = sum(cell.source.count(release.WHERE) for cell in blank.cells)
    assert sentences == len(stubs)


def small_lesson(path, *sources):
    """A lesson in a file: each source that begins with a # and a number is text, others are cells of an exercise."""
    cells = []
    for number, text in enumerate(sources):
        grader = {"schema_version": 3, "locked": False, "task": False, "grade": False, "solution": True}
        metadata = {"nbgrader": grader | {"grade_id": f"e{number}"}, "jupyter": {"source_hidden": True}}
        cells.append(new_markdown_cell(text) if text.startswith(">") else new_code_cell(text, metadata=metadata))
    nbformat.write(new_notebook(cells=cells), path)
    return path


SOLUTION = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"


def test_every_answer_s_place_is_open_and_told_where_it_is(tmp_path):
    path = small_lesson(tmp_path / "00_a.ipynb", ">9.1 · One", ">The task.", SOLUTION, SOLUTION, ">More.", SOLUTION)
    blank = release.release(path)
    assert [release.WHERE in cell.source for cell in blank.cells] == [False, True, False, False, True, False]
    assert all(not cell.metadata.get("jupyter") for cell in blank.cells)


def test_a_stub_says_that_it_is_not_solved_and_nothing_else(tmp_path):
    path = small_lesson(
        tmp_path / "00_a.ipynb", ">9.1 · One", f"def f():\n    {SOLUTION.replace(chr(10), chr(10) + '    ')}"
    )
    found = {}
    exec(release.release(path).cells[1].source, found)
    with pytest.raises(errors.NotSolved, match="not solved yet") as raised:
        found["f"]()
    assert isinstance(raised.value, NotImplementedError)
    assert raised.value._render_traceback_() == ["NotSolved: this exercise is not solved yet: write your answer"]


def test_a_mark_without_end_is_refused_with_the_lesson_s_name(tmp_path):
    with pytest.raises(ValueError, match=r"00_a\.ipynb: "):
        release.release(small_lesson(tmp_path / "00_a.ipynb", "### BEGIN SOLUTION\nx = 1"))


@every_lesson
def test_solved_copies_show_solutions_and_tests_without_marks(path, tmp_path):
    release._copy_solved(path, tmp_path / "solved.ipynb", None)
    solved, committed = nbformat.read(tmp_path / "solved.ipynb", as_version=4), nbformat.read(path, as_version=4)
    for cell, original in zip(solved.cells, committed.cells, strict=True):
        assert "### BEGIN" not in cell.source and "### END" not in cell.source
        if "### BEGIN SOLUTION" in original.source:
            assert not cell.metadata.get("jupyter"), "who comes here wants to see it"


@every_lesson
def test_links_to_solutions_lead_to_their_own_exercise(path, tmp_path):
    blank = release.release(path, solutions="solved")
    links = [line for cell in blank.cells for line in cell.source.splitlines() if "[Solution]" in line]
    stubs = [cell for cell in blank.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert len(links) == len(set(links)) == len(stubs)
    for other in LESSONS:
        solved = tmp_path / "solved" / f"{other.stem}_solved.ipynb"
        release._copy_solved(other, solved, None)
    for cell in nbformat.read(tmp_path / "solved" / f"{path.stem}_solved.ipynb", as_version=4).cells:
        if cell.cell_type == "markdown":
            assert not list(page.check_links(cell.source, tmp_path / "solved" / path.name)), cell.source
    for link in links:
        assert not list(page.check_links(link, tmp_path / path.name)), link


def test_a_course_s_release_links_to_no_solution(tmp_path):
    for written in release.write_all(tmp_path):
        assert "[Solution]" not in written.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in LESSONS]


class TestDelivery:
    @pytest.fixture(autouse=True)
    def two_lessons(self, monkeypatch, tmp_path):
        """A series of two small lessons that can be changed."""
        self.series, self.mine = tmp_path / "notebooks", tmp_path / "my"
        self.series.mkdir()
        for name in ("00_first", "01_second"):
            self.write(name, "x = 1")
        monkeypatch.setattr(release, "lesson_paths", lambda: sorted(self.series.glob("*.ipynb")))

    def write(self, name, code):
        cells = [
            nbformat.v4.new_markdown_cell("# A lesson", id="c-title"),
            nbformat.v4.new_code_cell(code, id="c-code"),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), self.series / f"{name}.ipynb")

    def names(self):
        return sorted(path.name for path in self.mine.glob("*.ipynb"))

    def test_first_time_everything_arrives(self):
        news = release.deliver(self.mine)
        assert self.names() == ["00_first.ipynb", "01_second.ipynb"]
        assert news == ["00_first.ipynb is new in my/.", "01_second.ipynb is new in my/."]
        assert release.deliver(self.mine) == []

    def test_a_learner_s_work_stays(self):
        release.deliver(self.mine)
        (self.mine / "00_first.ipynb").write_text("my own work", encoding="utf-8")
        assert release.deliver(self.mine) == []
        assert (self.mine / "00_first.ipynb").read_text(encoding="utf-8") == "my own work"

    @pytest.mark.parametrize("touched", [True, False])
    def test_a_changed_lesson_arrives_beside_the_old_one(self, touched):
        release.deliver(self.mine)
        old = b"my own work" if touched else (self.mine / "00_first.ipynb").read_bytes()
        (self.mine / "00_first.ipynb").write_bytes(old)
        self.write("00_first", "x = 2")
        [sentence] = release.deliver(self.mine)
        assert sentence == "00_first.ipynb has changed; yours stays as it is, the new one is my/00_first_v2.ipynb."
        assert (self.mine / "00_first.ipynb").read_bytes() == old
        assert "x = 2" in (self.mine / "00_first_v2.ipynb").read_text(encoding="utf-8")
        self.write("00_first", "x = 3")
        release.deliver(self.mine)
        assert "x = 3" in (self.mine / "00_first_v3.ipynb").read_text(encoding="utf-8")
        assert "x = 2" in (self.mine / "00_first_v2.ipynb").read_text(encoding="utf-8")
        assert release.deliver(self.mine) == []

    def test_a_deleted_lesson_comes_back(self):
        release.deliver(self.mine)
        (self.mine / "01_second.ipynb").unlink()
        assert release.deliver(self.mine) == ["01_second.ipynb is new in my/."]

    def test_a_lost_record_loses_no_work(self):
        release.deliver(self.mine)
        (self.mine / "00_first.ipynb").write_text("my own work", encoding="utf-8")
        (self.mine / release.DELIVERED).write_text("no json", encoding="utf-8")
        release.deliver(self.mine)
        assert (self.mine / "00_first.ipynb").read_text(encoding="utf-8") == "my own work"
        assert release.deliver(self.mine) == []

    @pytest.mark.parametrize("record", ["3", "null", "[1]", "no json"])
    def test_a_record_that_is_none_loses_no_work(self, record):
        self.mine.mkdir()
        (self.mine / "00_first.ipynb").write_text("my own work", encoding="utf-8")
        (self.mine / release.DELIVERED).write_text(record, encoding="utf-8")
        release.deliver(self.mine)
        assert (self.mine / "00_first.ipynb").read_text(encoding="utf-8") == "my own work"

    def test_an_interrupted_delivery_leaves_no_half_lesson(self, monkeypatch):
        def half(notebook, path):
            path.write_text('{"cells": [', encoding="utf-8")
            raise KeyboardInterrupt

        monkeypatch.setattr(release, "store", half)
        with pytest.raises(KeyboardInterrupt):
            release.deliver(self.mine)
        monkeypatch.setattr(release, "store", lessons.store)
        assert self.names() == []
        assert release.deliver(self.mine)[0] == "00_first.ipynb is new in my/."

    def test_what_arrives_in_the_meantime_is_not_overwritten(self, monkeypatch):
        def slow(notebook, path):
            (self.mine / "00_first.ipynb").write_text("my own work", encoding="utf-8")
            lessons.store(notebook, path)

        monkeypatch.setattr(release, "store", slow)
        with pytest.raises(FileExistsError):
            release.deliver(self.mine)
        monkeypatch.setattr(release, "store", lessons.store)
        assert (self.mine / "00_first.ipynb").read_text(encoding="utf-8") == "my own work"

    def test_notes_in_a_solved_copy_stay(self):
        release.deliver(self.mine)
        copy = self.mine / release.SOLVED / "00_first_solved.ipynb"
        copy.chmod(0o644)
        copy.write_text("my notes", encoding="utf-8")
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        release.deliver(self.mine)
        assert copy.read_text(encoding="utf-8") == "my notes"

    def test_a_link_to_elsewhere_is_not_written_through(self):
        release.deliver(self.mine)
        elsewhere = self.mine / "notes.ipynb"
        elsewhere.write_text("my notes", encoding="utf-8")
        copy = self.mine / release.SOLVED / "00_first_solved.ipynb"
        copy.unlink()
        copy.symlink_to(elsewhere)
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        assert elsewhere.read_text(encoding="utf-8") == "my notes"

    def test_solved_copies_follow_and_are_for_reading(self):
        release.deliver(self.mine)
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        copy = self.mine / release.SOLVED / "00_first_solved.ipynb"
        assert "x = 2" in copy.read_text(encoding="utf-8")
        assert not copy.stat().st_mode & 0o222


def test_git_ignores_the_learner_s_folder_and_no_command_removes_it():
    ignored = subprocess.run(
        ["git", "check-ignore", "my/00_start_here.ipynb"], cwd=ROOT, capture_output=True, text=True
    )
    assert ignored.returncode == 0
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in makefile.splitlines():
        if "rm -" in line:
            assert " my" not in line, line


def test_metadata_of_a_blank_lesson_is_bland(tmp_path):
    for written in release.write_all(tmp_path):
        assert json.loads(written.read_text(encoding="utf-8"))["metadata"] == lessons.METADATA
