"""A course over a term: whose a file is, the clone it was made from, hands and edits, changes after hand-ins."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import zipfile

import nbformat
import pytest
import submissions as s

from bcfl_support import services
from notebooks import LESSONS, ROOT
from tools import course, grading, intake, kit, lessons, term

NAME, OTHER = (path.stem for path in LESSONS[:2])


@pytest.fixture
def bare(tmp_path):
    """A course of two lessons without cells: enough to collect into."""
    course.begin(tmp_path / "course")
    for name in (NAME, OTHER):
        (tmp_path / "course" / "release" / name).mkdir(parents=True)
        s.released_as(tmp_path / "course", name, nbformat.v4.new_notebook())
    return tmp_path / "course"


def handed_in(place, *names):
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name, encoding="utf-8")
    return place


def students(folder):
    return sorted(one.student for one in grading.find(folder))


class TestWhoseItIs:
    def test_a_name_and_a_folder_that_disagree_are_left_and_named(self, bare, tmp_path):
        there = handed_in(tmp_path / "in", f"ben/anna_{NAME}.ipynb", f"ben/ben_{NAME}.ipynb", f"week1/{OTHER}.ipynb")
        lines = list(intake.collect(bare, there))
        [left] = [line for line in lines if line.startswith("left: ")]
        assert f"ben/anna_{NAME}.ipynb: its name says anna, its folder ben; if it is anna's, move it out" in left
        assert "collect from that folder itself" in left and students(bare) == ["ben", "week1"]

    def test_two_folders_that_could_be_a_student_are_not_guessed(self, bare, tmp_path):
        there = handed_in(tmp_path / "in", f"anna/homework/{NAME}.ipynb", f"ben/late/ben_{NAME}.ipynb")
        [left] = [line for line in intake.collect(bare, there) if line.startswith("left: ")]
        assert "homework and anna may each be the student" in left and students(bare) == ["ben"]

    def test_the_fuller_name_is_taken_and_moodle_s_own_words_are_not(self, bare, tmp_path):
        there = handed_in(tmp_path / "in", f"Anna Smith_123_assignsubmission_file/anna_{NAME}.ipynb")
        handed_in(there, f"Ben_77_assignsubmission_file_ben_{NAME}.ipynb", f"Jose\u0301_{NAME}.ipynb")
        list(intake.collect(bare, there))
        assert students(bare) == ["Anna-Smith", "Ben", "Jos\u00e9"]

    def test_with_a_list_of_the_class_nobody_else_is_taken(self, bare, tmp_path):
        (bare / term.CLASS).write_text("Anna\nben\n\ncleo\n", encoding="utf-8")
        there = handed_in(tmp_path / "in", f"anna/homework/{NAME}.ipynb", f"bne_{NAME}.ipynb", f"ben/{OTHER}.ipynb")
        [left] = [line for line in intake.collect(bare, there) if line.startswith("left: ")]
        assert "students.txt has no bne; correct the file's name, or the list" in left
        assert students(bare) == ["Anna", "ben"]
        grading.write_grades(bare)
        rows = list(csv.reader((bare / "grades.csv").open(encoding="utf-8")))
        assert rows[1] == ["Anna", NAME, "", "", "not graded"]
        missing = [(row[0], row[1]) for row in rows if row[-1] == "nothing handed in"]
        assert missing == [("ben", NAME), ("cleo", NAME), ("Anna", OTHER), ("cleo", OTHER)]

    @pytest.mark.parametrize("listed", ["Emil Mueller", "Emil Müller"])
    def test_an_umlaut_is_two_letters_too(self, bare, tmp_path, listed):
        (bare / term.CLASS).write_text(f"{listed}\n", encoding="utf-8")
        there = handed_in(tmp_path / "in", f"Emil Müller_12345_assignsubmission_file_/{NAME}.ipynb")
        handed_in(there, f"Emil Müller_12345_assignsubmission_file_/emil-mueller_{OTHER}.ipynb")
        assert not [line for line in intake.collect(bare, there) if line.startswith("left: ")]
        assert students(bare) == [listed.replace(" ", "-")] * 2
        (bare / term.CLASS).unlink()
        handed_in(there, f"Emil Müller_12345_assignsubmission_file_/{NAME}.ipynb")
        other = handed_in(tmp_path / "more", f"emil-mueller_{NAME}.ipynb", f"Emil Müller/{OTHER}.ipynb")
        assert all("may be one student or more" in line for line in intake.collect(bare, other))

    def test_what_nobody_worked_in_is_counted_after_the_first_few(self, bare, tmp_path):
        there = handed_in(tmp_path / "in", *(f"pictures/{number}.png" for number in range(200)), "anna.zip", "ben.zip")
        handed_in(there, *(f"s{number}/lessons/{NAME}.ipynb" for number in range(9)), "notes.ipynb", "more.ipynb")
        lines = list(intake.collect(bare, there))
        assert sum("it is no notebook" in line for line in lines) == 4 and len(lines) == 4 + 4 + 2 + 2
        assert f"left: 197 more in {there}, of each: it is no notebook" in lines
        assert any("6 more" in line and "a copy that a program put there" in line for line in lines)

    def test_what_a_mac_packs_beside_a_file_is_not_the_file(self, bare, tmp_path):
        there = handed_in(tmp_path / "in", f"anna/{NAME}.ipynb", f"__MACOSX/anna/._{NAME}.ipynb", f"._ben_{NAME}.ipynb")
        lines = list(intake.collect(bare, there))
        assert sum("a copy that a program put there" in line for line in lines) == 2
        assert students(bare) == ["anna"]

    def test_a_folder_that_is_not_there_is_one_sentence(self, bare, capsys):
        assert course.main(["collect", str(bare), str(bare / "typo")]) == 1
        assert "typo is no folder; put what students sent into one" in capsys.readouterr().err


class TestGoingBack:
    """A late file replaced one in time; the one in time is to be graded after all."""

    @pytest.fixture
    def late(self, bare, tmp_path):
        place = tmp_path / "in" / f"Anna_{NAME}.ipynb"
        place.parent.mkdir()
        for text, seconds in (("in time", 1_000_000_000), ("late", 1_000_100_000)):
            place.write_text(text, encoding="utf-8")
            os.utime(place, (seconds, seconds))
            list(intake.collect(bare, place.parent))
        return bare

    def texts(self, folder):
        kept = (folder / "earlier" / "Anna" / NAME).iterdir()
        return grading.find(folder)[0].path.read_text(encoding="utf-8"), {
            path.name: path.read_text(encoding="utf-8") for path in kept
        }

    def test_the_two_change_places_and_change_back(self, late, tmp_path, capsys):
        assert self.texts(late) == ("late", {"1.ipynb": "in time"})
        assert course.main(["back", str(late), "anna", "0"]) == 0
        assert self.texts(late) == ("in time", {"1.ipynb": "late"})
        said = capsys.readouterr().out
        assert "is the file of 2001-09-" in said and f"`bcfl course back {late} Anna {NAME} 1` undoes it" in said
        assert f"`bcfl course grade {late} {NAME}` grades it" in said
        [line] = intake.collect(late, tmp_path / "in")  # it kept its time, so the late one is still the newer
        assert "it replaces an older one" in line and self.texts(late)[0] == "late"
        assert course.main(["back", str(late), "Anna", NAME]) == 0
        assert self.texts(late) == ("in time", {"1.ipynb": "late", "2.ipynb": "late"})

    def test_one_of_several_is_named_by_its_number(self, late, tmp_path):
        place = tmp_path / "in" / f"Anna_{NAME}.ipynb"
        place.write_text("later still", encoding="utf-8")
        list(intake.collect(late, place.parent))
        assert course.main(["back", str(late), "anna", "0", "1"]) == 0
        assert self.texts(late) == ("in time", {"1.ipynb": "later still", "2.ipynb": "late"})
        (late / "submitted" / "Anna" / NAME / f"{NAME}.ipynb").unlink()
        assert course.main(["back", str(late), "anna", "0"]) == 0
        assert self.texts(late) == ("late", {"1.ipynb": "later still"})

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["ben", "0"], f"has nothing of ben, {NAME}; nothing has changed"),
            (["anna", "1"], f"has nothing of anna, {OTHER}; nothing has changed"),
            (["anna", "0", "7"], "has only 1; name one of these"),
            (["anna", "7"], "matches ['7']; "),
        ],
    )
    def test_what_is_not_kept_is_one_sentence(self, late, words, sentence, capsys):
        assert course.main(["back", str(late), *words]) == 1
        said = capsys.readouterr().err
        assert sentence in said and said.count("\n") == 1
        assert self.texts(late) == ("late", {"1.ipynb": "in time"})


def test_equal_answers_are_named_and_blank_ones_are_not(bare, capsys):
    blank = essay()
    blank.cells[0].source, blank.cells[2].source = "raise NotSolved", "Why two?"
    s.released_as(bare, NAME, blank)
    for student, code, text in (
        ("anna", "def double(x):\n    return 2 * x", "Why two?"),
        ("ben", "def double(x):\n    return 2 * x\n", "Why two?"),
        ("cleo", "def double(x):\n    return x * 2", "Since."),
        ("dora", "def double(x):\n    return x * 2", "Since."),
        ("emil", "def double(x):\n    return x * 2", "So it is."),
        ("finn", "raise NotSolved", "Why two?"),
        ("gina", "raise NotSolved", ""),
    ):
        notebook = s.released(bare, NAME)
        notebook.cells[0].source, notebook.cells[2].source = code, text
        s.hand_in(bare, student, NAME, notebook)
    for student in ("hugo", "ida"):
        s.hand_in(bare, student, NAME, "no notebook")
    assert course.main(["check", str(bare)]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if "to the letter" in line] == [
        f"anna and ben, {NAME}: the one answer is the same, to the letter; no points are taken for it",
        f"cleo and dora, {NAME}: all 2 answers are the same, to the letter; no points are taken for it",
    ]
    assert list(grading.equals(bare, ["1"])) == []


def test_after_one_lesson_only_what_was_asked_for_is_still_to_be_done(bare, capsys):
    for student, lesson in (("anna", NAME), ("anna", OTHER), ("ben", OTHER)):
        (bare / "submitted" / student / lesson).mkdir(parents=True)
    assert course.main(["grade", str(bare), "0"]) == 1
    said = capsys.readouterr().out
    assert "1 × “not graded”" in said and "3 rows are in" in said
    assert "3 × “not graded”" in grading.write_grades(bare)


def test_a_source_that_was_never_released_is_named(bare, capsys):
    place = bare / "source" / "08_own" / "08_own.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(essay(), place)
    for command in ("check", "grade"):
        assert course.main([command, str(bare)]) == 0
        said = capsys.readouterr().out
        assert f"source/08_own was never released; `bcfl course release {bare} 08_own` brings it" in said


def test_without_git_the_record_says_that_the_commit_is_unknown(bare, tmp_path, monkeypatch):
    root = tmp_path / "clone"
    root.mkdir()
    monkeypatch.setattr(services, "project_root", lambda: root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    term.record(bare)
    assert json.loads((bare / term.RECORD).read_text(encoding="utf-8"))["commit"] == "unknown"
    (root / "requirements.lock").write_text("other", encoding="utf-8")
    with pytest.raises(term.OtherClone, match="grade with that one, or accept"):
        term.require_same_clone(bare)


class TestLessonsByName:
    def test_a_number_is_one_lesson(self):
        assert [path.stem[:2] for path in lessons.lesson_paths(["0", "02", LESSONS[5].name])] == ["00", "02", "05"]

    @pytest.mark.parametrize("name", ["9", "00_start", "", "0*", "²"])
    def test_what_is_none_is_refused_with_those_that_are(self, name, tmp_path, capsys):
        assert course.main([str(tmp_path / "new"), "0", name]) == 1
        said = capsys.readouterr().err
        assert (
            f"no lesson in notebooks matches {[name]}; notebooks has 00_start_here, 01_" in said
            and said.count("\n") == 1
        )
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("command", ["check", "grade", "predictions", "release"])
    def test_every_command_refuses_before_it_writes(self, bare, command, capsys):
        before = sorted(bare.rglob("*"))
        assert course.main([command, str(bare), "7"]) == 1
        assert "matches ['7']; " in capsys.readouterr().err
        assert [path for path in sorted(bare.rglob("*")) if path.name != ".lock"] == before

    def test_a_number_of_two_lessons_is_neither(self):
        with pytest.raises(lessons.UnknownLesson, match="'0' is 00_a and 00_b: write the whole name"):
            lessons.pick(["00_a", "00_b"], ["0"], "this course")
        assert lessons.pick(["00_a", "00_b", "essay"], ["essay", "00_b"], "this course") == ["00_b", "essay"]

    def test_a_course_that_cannot_be_made_leaves_nothing(self, tmp_path, monkeypatch, capsys):
        def fail(folder):
            raise kit.NoWheel("no wheel")

        monkeypatch.setattr(kit, "write", fail)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert course.main(["~/new", "0"]) == 1 and "no wheel" in capsys.readouterr().err
        assert not (tmp_path / "new").exists()
        monkeypatch.setattr(kit, "write", lambda folder: None)
        assert course.main(["~/new", "0"]) == 0 and (tmp_path / "new" / "release" / NAME).is_dir()

    def test_make_passes_on_which_lessons(self):
        words = ["make", "--no-print-directory", "-n", "course", "DIR=~/x", "LESSONS=0 2"]
        said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
        assert 'bcfl course "~/x" 0 2' in said


class TestOneClone:
    def test_another_clone_does_not_grade_until_it_is_accepted(self, bare, tmp_path, monkeypatch, capsys):
        assert course.main(["grade", str(bare)]) == 0
        root = tmp_path / "clone"
        (root / "bcfl_support").mkdir(parents=True)
        (root / "bcfl_support" / "scores.py").write_text("other", encoding="utf-8")
        monkeypatch.setattr(services, "project_root", lambda: root)
        (bare / "grades.csv").unlink()
        assert course.main(["grade", str(bare)]) == 1
        said = capsys.readouterr().err
        assert f"more differ from the clone that {bare} was made from" in said and "git checkout" in said
        assert not (bare / "grades.csv").exists()
        assert course.main(["check", str(bare)]) == 0
        assert course.main(["grade", str(bare), "--accept-clone"]) == 0
        assert course.main(["grade", str(bare)]) == 0

    def test_a_lesson_that_changes_in_the_clone_is_no_other_clone(self):
        assert not [path for path in term.called() if path.startswith(("notebooks", "docs", "tests"))]
        assert "bcfl_support/scores.py" in term.called() and "requirements.lock" in term.called()

    @pytest.mark.parametrize("text", [None, "{", "[]", '{"files": 3, "commit": ""}'])
    def test_without_a_record_it_says_so(self, bare, text):
        (bare / term.RECORD).unlink()
        if text is not None:
            (bare / term.RECORD).write_text(text, encoding="utf-8")
        with pytest.raises(term.OtherClone, match=r"course\.json is missing or damaged"):
            term.require_same_clone(bare)


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_a_limit_that_grades_nothing_is_refused(bare, minutes, capsys):
    with pytest.raises(SystemExit):
        course.main(["grade", str(bare), f"--minutes={minutes}"])
    assert f"a limit of {minutes} minutes grades nothing; it must be above 0" in capsys.readouterr().err


HOLD = "import sys, pathlib, time\nfrom tools import term\nwith term.locked(pathlib.Path(sys.argv[1]), 'grade'):\n"
HOLD += "    print('in', flush=True)\n    time.sleep(60)"


def test_two_commands_do_not_work_in_a_course_at_once(bare, capsys):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(bare)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "in\n"
        for words in (["grade", str(bare)], ["collect", str(bare), str(bare)], ["predictions", str(bare)]):
            assert course.main(words) == 1
            said = capsys.readouterr().err
            assert f"`bcfl course grade` (process {other.pid}, since {time.strftime('%H')[0]}" in said
            assert f"works in {bare}; wait until it has ended" in said and said.count("\n") == 1
        assert course.main(["check", str(bare)]) == 0
    finally:
        other.kill()  # a lock ends with who has it
        other.wait()
        other.stdout.close()
    assert course.main(["grade", str(bare)]) == 0


def test_what_a_hand_wrote_into_a_table_is_kept(bare):
    s.hand_in(bare, "anna", NAME, "no notebook")
    assert "edited" not in grading.write_grades(bare) + grading.write_grades(bare)
    for number in (1, 2):
        (bare / "grades.csv").write_text(f"mine {number}", encoding="utf-8")
        assert f"grades.csv had been edited; what it was is kept as {bare}/earlier/grades{number}.csv" in (
            grading.write_grades(bare)
        )
        assert (bare / "earlier" / f"grades{number}.csv").read_text(encoding="utf-8") == f"mine {number}"
    assert "anna" in (bare / "grades.csv").read_text(encoding="utf-8")


# ---------------------------------------------------------------- after hand-ins
def essay():
    """A lesson with an answer, its check, and a text that is graded by hand."""
    texts = ["def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", "assert double(2) == 5"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in texts])
    notebook.cells.append(nbformat.v4.new_markdown_cell("Why two?"))
    for cell, name, marks in zip(
        notebook.cells,
        ("double", "double-check", "why"),
        ({"grade": False}, {"solution": False, "points": 2}, {"points": 3}),
        strict=True,
    ):
        flags = {"schema_version": 3, "locked": False, "task": False, "grade": True, "solution": True}
        cell.metadata.nbgrader = nbformat.from_dict(flags | {"grade_id": name} | marks)
    return notebook


def answered(folder, text):
    notebook = s.released(folder, "08_own")
    notebook.cells[0].source, notebook.cells[2].source = text, "Since it is so."
    s.hand_in(folder, "anna", "08_own", notebook)


def give(folder, **values):
    """What Formgrader does where a hand gives points."""
    with grading.gradebook(folder) as book:
        grade = book.find_grade("why", "08_own", "08_own", "anna")
        for name, value in values.items():
            setattr(grade, name, value)
        grade.needs_manual_grade = False
        book.db.commit()


def state(folder):
    grading.write_grades(folder)
    return (folder / "grades.csv").read_text(encoding="utf-8").splitlines()[1]


def test_an_own_lesson_a_check_mended_and_points_by_hand(bare, capsys):
    """An own lesson comes to the kit; its check is mended after a hand-in; points by hand wait for a second look."""
    place = bare / "source" / "08_own" / "08_own.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(essay(), place)
    for made in ("lessons", "my"):
        (bare / kit.NAME / made).mkdir(parents=True)
    (bare / kit.NAME / "my" / "mine.ipynb").write_text("mine", encoding="utf-8")
    assert course.main(["release", str(bare), "8"]) == 0
    with zipfile.ZipFile(bare / f"{kit.NAME}.zip") as archive:
        assert [name for name in archive.namelist() if "." in name] == [f"{kit.NAME}/lessons/08_own.ipynb"]
        assert "2 * x" not in archive.read(f"{kit.NAME}/lessons/08_own.ipynb").decode()

    answered(bare, "def double(x):\n    return 2 * x")
    assert course.main(["grade", str(bare), "8"]) == 0
    assert "anna, 08_own: 0 of 5" in capsys.readouterr().out and "0.0,5.0,awaits a hand" in state(bare)
    give(bare, manual_score=2.5)
    assert ",2.5,5.0,graded" in state(bare)

    opened = nbformat.read(place, as_version=4)
    opened.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    opened.cells[0].execution_count = 3
    nbformat.write(opened, place)
    capsys.readouterr()
    assert course.main(["check", str(bare)]) == 0 and "source/" not in capsys.readouterr().out

    mended = nbformat.read(place, as_version=4)
    mended.cells[1].source = "assert double(2) == 4"
    nbformat.write(mended, place)
    for words in (["check", str(bare)], ["grade", str(bare), "8"]):
        assert course.main(words) == 0
        edited = "source/08_own was edited since its release, which is what is graded by; "
        assert f"{edited}`bcfl course release {bare} 08_own` brings it" in capsys.readouterr().out
    assert course.main(["release", str(bare), "08_own"]) == 0
    assert f"1 handed in: `bcfl course grade {bare} 08_own --again`" in capsys.readouterr().out
    assert course.main(["grade", str(bare), "8", "--again"]) == 0
    assert "source/" not in capsys.readouterr().out
    assert ",4.5,5.0,graded" in state(bare)  # the same file: what a hand gave it stands

    answered(bare, "def double(x):\n    return x + x")
    capsys.readouterr()
    assert course.main(["grade", str(bare)]) == 0
    said = capsys.readouterr().out
    assert "what was given by hand (points: why) was for another file and still counts; look again" in said
    assert "1 × “look again”: points by hand are for an earlier file and still count; in Formgrader type others" in said
    assert ",4.5,5.0,look again" in state(bare)
    give(bare, extra_credit=1)
    assert ",5.5,5.0,graded" in state(bare)

    mended.cells.pop()
    nbformat.write(mended, place)
    assert course.main(["release", str(bare), "8"]) == 1
    said = capsys.readouterr().err
    assert "Cannot add or remove cells" in said and said.count("\n") == 1 and "logs/08_own-generate_assignment" in said
    assert len(s.released(bare, "08_own").cells) == 3


# ---------------------------------------------------------------- the bound of Python
PYTHON = """#!/bin/sh
[ "$1" = -c ] || exit 3
exec "{python}" -c 'import sys; sys.version_info = {version}; sys.version = "{text} (old)"; exec(sys.argv[1])' "$2"
"""


@pytest.mark.parametrize("makefile", [ROOT / "Makefile", kit.HANDOUT / "Makefile"], ids=["clone", "kit"])
@pytest.mark.parametrize(("version", "good"), [((3, 10, 9), 0), ((3, 11, 0), 1), ((3, 13, 9), 1), ((3, 14, 0), 0)])
def test_another_python_than_the_stated_ones_is_one_sentence(makefile, version, good, tmp_path):
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / "Makefile").write_text(makefile.read_text(encoding="utf-8"), encoding="utf-8")
    python, text = tmp_path / "python", ".".join(map(str, version))
    python.write_text(PYTHON.format(python=sys.executable, version=version, text=text), encoding="utf-8")
    python.chmod(0o755)
    words = ["make", "--no-print-directory", f"PYTHON={python}", ".venv/.packages"]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    wanted = f"Python 3.11, 3.12 or 3.13 is needed, {python} is {text}; install one of them"
    assert (wanted in run.stderr, run.stdout.startswith("Setting up Python packages")) == (not good, bool(good))
    for guide in (ROOT / "README.md", kit.HANDOUT / "README.md"):
        assert "You need Python 3.11, 3.12 or 3.13 and make" in guide.read_text(encoding="utf-8")
