"""Blank lessons: no solution in them, a word on where to write, and nothing of a learner's is ever overwritten.

And what `make lab` does before it brings them: an environment that was made in another folder is made anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import compute_checksum

from bcfl_support import errors
from notebooks import LESSONS, ROOT, markdown, read, source
from tools import __main__ as tools_main
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
    own = [cell.id for cell in blank.cells if not cell.id.endswith((release.PREDICTION, "-answer"))]
    assert own == [cell["id"] for cell in read(path)["cells"]]
    nbformat.validate(blank)


@every_lesson
def test_every_prediction_has_its_place_before_the_folded_answer(path):
    cells = release.release(path).cells
    asked = [place for place, cell in enumerate(cells) if "**Predict.**" in cell.source]
    assert len(asked) >= 5
    for place in asked:
        assert "<details>" not in cells[place].source.partition("**Predict.**")[2]
        yours, answer = cells[place + 1 : place + 3]
        assert (yours.source, yours.metadata.tags) == (release.YOURS, ["prediction"])
        assert answer.source.startswith("<details>")
    parted = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown" and "tags" not in cell.metadata)
    words = [text.split() for text in (parted.replace(release.WHERE, ""), markdown(read(path)))]
    assert words[0] == words[1]


@every_lesson
def test_checks_are_locked_and_known_by_their_checksums(path):
    for cell in release.release(path).cells:
        if grader := cell.metadata.get("nbgrader"):
            assert grader["checksum"] == compute_checksum(cell)
            assert cell.metadata.deletable is False
            assert cell.metadata.get("editable", True) == (not grader["grade"])


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
    with pytest.raises(release.DamagedLesson, match=r"00_a\.ipynb: "):
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

    def touch(self, name):
        (self.mine / name).write_text("my own work", encoding="utf-8")

    def stays(self, name):
        return (self.mine / name).read_text(encoding="utf-8") == "my own work"

    def code(self, name):
        return nbformat.read(self.mine / name, as_version=4).cells[1].source

    def run(self, name):
        """Open a lesson, run it and save it, without changing a word."""
        notebook = nbformat.read(self.mine / name, as_version=4)
        notebook.cells[1].execution_count = 1
        notebook.metadata["language_info"]["version"] = "3.11"
        nbformat.write(notebook, self.mine / name)

    def test_a_changed_lesson_takes_the_place_of_what_nobody_touched(self):
        release.deliver(self.mine)
        for code in ("x = 2", "x = 3", "x = 1"):
            self.write("00_first", code)
            [sentence] = release.deliver(self.mine)
            assert sentence == "my/00_first.ipynb is the new version: the lesson has changed, you had not touched it."
            assert self.code("00_first.ipynb") == code
            assert release.deliver(self.mine) == []
        assert self.names() == ["00_first.ipynb", "01_second.ipynb"]

    def test_a_changed_lesson_arrives_beside_the_learner_s(self):
        release.deliver(self.mine)
        self.touch("00_first.ipynb")
        self.write("00_first", "x = 2")
        [sentence] = release.deliver(self.mine)
        assert sentence == "00_first.ipynb has changed; yours stays as it is, the new one is my/00_v2_first.ipynb."
        self.write("00_first", "x = 3")  # the copy is as it was brought: it gives way
        [sentence] = release.deliver(self.mine)
        assert sentence.startswith("my/00_v2_first.ipynb is the new version")
        assert self.names() == ["00_first.ipynb", "00_v2_first.ipynb", "01_second.ipynb"]
        assert self.code("00_v2_first.ipynb") == "x = 3"
        self.touch("00_v2_first.ipynb")
        self.write("00_first", "x = 4")
        release.deliver(self.mine)
        assert self.code("00_v3_first.ipynb") == "x = 4"
        assert self.stays("00_first.ipynb") and self.stays("00_v2_first.ipynb")
        assert release.deliver(self.mine) == []

    def test_to_have_been_run_is_to_have_been_touched(self):
        release.deliver(self.mine)
        self.run("00_first.ipynb")
        before = (self.mine / "00_first.ipynb").read_bytes()
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        assert (self.mine / "00_first.ipynb").read_bytes() == before
        assert self.code("00_v2_first.ipynb") == "x = 2"

    @pytest.mark.parametrize("touched", [[], ["00_v2_first.ipynb"]])
    def test_what_lies_there_does_not_come_again(self, touched):
        release.deliver(self.mine)
        self.run("00_first.ipynb")
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        for name in touched:
            self.touch(name)
        self.write("00_first", "x = 1")
        assert release.deliver(self.mine) == []
        assert self.names() == ["00_first.ipynb", "00_v2_first.ipynb", "01_second.ipynb"]

    def test_who_goes_on_in_the_new_copy_is_not_brought_it_again(self):
        release.deliver(self.mine)
        self.touch("00_first.ipynb")
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        self.touch("00_v2_first.ipynb")
        (self.mine / "00_v2_first.ipynb").replace(self.mine / "00_first.ipynb")
        assert release.deliver(self.mine) == []
        assert self.stays("00_first.ipynb")

    def test_copies_under_names_of_old_count(self):
        release.deliver(self.mine)
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        (self.mine / "00_first.ipynb").replace(self.mine / "00_first_v2.ipynb")
        self.touch("00_first.ipynb")
        (self.mine / release.DELIVERED).unlink()
        assert release.deliver(self.mine) == []
        self.touch("00_first_v2.ipynb")
        self.write("00_first", "x = 3")
        release.deliver(self.mine)
        assert self.names() == ["00_first.ipynb", "00_first_v2.ipynb", "00_v3_first.ipynb", "01_second.ipynb"]
        assert self.stays("00_first.ipynb") and self.stays("00_first_v2.ipynb")

    def test_a_record_of_old_is_understood(self):
        """It held, for each lesson's name, the digest of the lesson brought last, without the file's last line end."""
        release.deliver(self.mine)
        record = json.loads((self.mine / release.DELIVERED).read_text())
        old = {name: digest for name, digest in record.items() if name.endswith(".ipynb")}
        (self.mine / release.DELIVERED).write_text(json.dumps(old), encoding="utf-8")
        assert release.deliver(self.mine) == []
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        assert self.code("00_first.ipynb") == "x = 2"

    def test_a_link_in_a_lesson_s_place_is_the_learner_s(self):
        release.deliver(self.mine)
        (self.mine / "00_first.ipynb").replace(self.mine / "elsewhere.ipynb")
        (self.mine / "00_first.ipynb").symlink_to("elsewhere.ipynb")
        self.write("00_first", "x = 2")
        release.deliver(self.mine)
        assert (self.mine / "00_first.ipynb").is_symlink()
        assert self.code("elsewhere.ipynb") == "x = 1" and self.code("00_v2_first.ipynb") == "x = 2"

    @pytest.mark.parametrize("damage", [b"<<<<<<< HEAD\n{", b"", b"{}", b"[]", b'{"cells": 3, "nbformat": 4}', b"\xff"])
    def test_a_damaged_lesson_is_named_and_the_others_arrive(self, damage):
        (self.series / "00_first.ipynb").write_bytes(damage)
        bad, good = release.deliver(self.mine)
        assert bad.startswith("notebooks/00_first.ipynb is no notebook (") and "\n" not in bad
        assert "git checkout HEAD notebooks/00_first.ipynb" in bad
        assert good == "01_second.ipynb is new in my/."
        assert self.names() == ["01_second.ipynb"]
        self.write("00_first", "x = 1")
        assert release.deliver(self.mine) == ["00_first.ipynb is new in my/."]

    @pytest.mark.parametrize("command", ["run", "refresh", "page", "student"])
    def test_other_commands_name_a_damaged_lesson_too(self, monkeypatch, capsys, command):
        monkeypatch.setattr(lessons, "lesson_paths", lambda names=(): sorted(self.series.glob("*.ipynb")))
        (self.series / "01_second.ipynb").write_text("<<<<<<< HEAD", encoding="utf-8")
        with pytest.raises(SystemExit):
            tools_main.main([command])
        error = capsys.readouterr().err
        assert error.startswith(f"python -m tools {command}: notebooks/01_second.ipynb is no notebook")
        assert error.count("\n") == 1

    def test_a_deleted_lesson_comes_back(self):
        release.deliver(self.mine)
        (self.mine / "01_second.ipynb").unlink()
        assert release.deliver(self.mine) == ["01_second.ipynb is new in my/."]

    @pytest.mark.parametrize("record", [None, "no json", '{"00_first.ipynb": 3}'])
    def test_without_its_record_only_what_differs_is_the_learner_s(self, record):
        release.deliver(self.mine)
        self.touch("00_first.ipynb")
        (self.mine / release.DELIVERED).unlink()
        if record is not None:
            (self.mine / release.DELIVERED).write_text(record, encoding="utf-8")
        [sentence] = release.deliver(self.mine)
        assert sentence.endswith("yours stays as it is, the new one is my/00_v2_first.ipynb.")
        assert self.stays("00_first.ipynb")
        assert self.names() == ["00_first.ipynb", "00_v2_first.ipynb", "01_second.ipynb"]
        assert release.deliver(self.mine) == []
        for name in ("00_first", "01_second"):  # what equals the lesson is followed again
            self.write(name, "x = 2")
        release.deliver(self.mine)
        assert self.stays("00_first.ipynb")
        assert self.code("00_v2_first.ipynb") == self.code("01_second.ipynb") == "x = 2"
        copy = self.mine / release.SOLVED / "01_second_solved.ipynb"
        assert "x = 2" in copy.read_text(encoding="utf-8")

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
        def slow(source, place):
            self.touch("00_first.ipynb")
            link(source, place)

        link = os.link
        monkeypatch.setattr(release.os, "link", slow)
        with pytest.raises(FileExistsError):
            release.deliver(self.mine)
        assert self.stays("00_first.ipynb")

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


def test_copies_stand_right_after_their_lesson_in_a_list(tmp_path):
    names = [path.name for path in LESSONS]
    for place, name in enumerate(names):
        copy = release._free_name(tmp_path / name).name
        assert copy.startswith(f"{name[:2]}_v2_"), "the mark must be seen where a list is narrow"
        assert sorted([*names, copy]).index(copy) == place + 1


class TestEnvironmentMadeElsewhere:
    """The Makefile with a Python that only makes the files that matter: what was made where, by which Python."""

    FAKE = r"""#!/bin/sh
case "$*" in
  "-m venv "*)
    mkdir -p "$3/bin"
    [ "$0" -ef "$3/bin/python" ] || cp "$0" "$3/bin/python"
    [ -e "$3/bin/pip" ] ||
      printf '#!/bin/sh\n\047\047\047exec\047 "%s/%s/bin/python3" "$0" "$@"\n' "$PWD" "$3" >"$3/bin/pip" ;;
  "-m pip "*) echo "$*" >>"$(dirname "$0")/../installed" ;;
esac
"""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        self.here = tmp_path / "a b" / "repo"
        self.here.mkdir(parents=True)
        for name in ("Makefile", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.here)
        self.python = tmp_path / "python"
        self.python.write_text(self.FAKE, encoding="utf-8")
        self.python.chmod(0o755)

    def make(self, folder, target=".venv/.packages", *options):
        command = ["make", target, f"PYTHON={self.python}", *options]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        run = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, env=own
        )  # also when make runs the test
        assert run.returncode == 0, run.stderr
        return run.stdout

    def state(self, folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    def is_done(self, folder):
        return "up to date" in self.make(folder)

    def test_one_that_was_made_here_stays(self):
        assert "made anew" not in self.make(self.here)
        assert self.is_done(self.here)
        os.utime(self.here / "requirements.lock")  # a changed lock is installed into it
        (self.here / ".venv" / "mine").touch()
        assert "made anew" not in self.make(self.here)
        assert (self.here / ".venv" / "mine").exists() and self.is_done(self.here)

    def test_one_in_a_moved_folder_is_made_anew(self):
        self.make(self.here)
        (self.here / ".venv" / "old").touch()
        there = self.here.rename(self.here.with_name("renamed"))
        assert self.make(there).splitlines()[0].endswith("made anew: .venv")
        assert not (there / ".venv" / "old").exists()
        assert f"{there}/.venv/" in (there / ".venv" / "bin" / "pip").read_text()
        assert self.is_done(there)

    @pytest.mark.parametrize("kind", ["copied", "linked", "lock newer"])
    def test_a_copy_makes_its_own_and_leaves_the_original_alone(self, kind):
        self.make(self.here)
        before = self.state(self.here)
        there = self.here.with_name("copy")
        shutil.copytree(self.here, there)
        if kind == "linked":
            shutil.rmtree(there / ".venv")
            (there / ".venv").symlink_to(self.here / ".venv")
        if kind == "lock newer":
            os.utime(there / "requirements.lock")
        assert "made anew: .venv" in self.make(there)
        assert self.state(self.here) == before
        assert not (there / ".venv").is_symlink() and self.is_done(there) and self.is_done(self.here)

    def test_another_name_of_the_same_folder_is_no_other_folder(self):
        self.make(self.here)
        there = self.here.rename(self.here.with_name("renamed"))
        self.here.symlink_to(there)
        assert self.is_done(there) and self.is_done(self.here)

    def test_one_whose_python_is_gone_is_made_anew(self):
        self.make(self.here)
        python = self.here / ".venv" / "bin" / "python"
        python.unlink()
        python.symlink_to("/no/such/python")
        assert "made anew: .venv" in self.make(self.here)
        assert self.is_done(self.here)

    def test_one_that_was_half_removed_is_made_anew(self):
        self.make(self.here)
        (self.here / ".venv" / "bin" / "pip").unlink()
        assert "made anew: .venv" in self.make(self.here)
        assert self.is_done(self.here)

    def test_the_others_go_too_and_foreign_ones_stay(self):
        for name in (".venv", ".venv-flower", ".venv-pydvl", ".venv-slither"):
            self.make(self.here, f"{name}/.packages")
        (self.here / ".venv-mine").mkdir()
        there = self.here.rename(self.here.with_name("renamed"))
        assert "made anew: .venv .venv-flower .venv-pydvl .venv-slither" in self.make(there)
        assert (there / ".venv-mine").exists() and not (there / ".venv-flower").exists()
        assert "Setting up Flower" in self.make(there, ".venv-flower/.packages")

    def test_a_dry_run_removes_nothing(self):
        self.make(self.here)
        there = self.here.rename(self.here.with_name("renamed"))
        before = self.state(there)
        assert "rm -rf .venv\n" in self.make(there, ".venv/.packages", "--dry-run")
        assert self.state(there) == before

    def test_the_first_lines_that_python_writes_are_read(self):
        """Of a real environment: one with blanks in its path, and, where the tests run, mostly one without."""
        subprocess.run([sys.executable, "-m", "venv", ".venv"], cwd=self.here, check=True)
        assert self.make(self.here, "anew", "--dry-run").splitlines()[-1].strip() == "rm -rf"
        there = self.here.rename(self.here.with_name("renamed"))
        assert self.make(there, "anew", "--dry-run").splitlines()[-1] == "rm -rf .venv"
        assert self.make(ROOT, "anew", "--dry-run").splitlines()[-1].strip() == "rm -rf"


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
