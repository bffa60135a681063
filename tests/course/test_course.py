"""A course as it is made: what students get holds no solution, and what is graded is what they got."""

from __future__ import annotations

import csv
import os
import subprocess
import zipfile

import nbformat
import pytest
import submissions as s

from bcfl_support.services import cli
from notebooks import LESSONS, ROOT
from tools import course, grading, intake, kit, predictions, release, term

NAMES = [path.stem for path in LESSONS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A whole course, made by the command, from another working folder."""
    place = tmp_path_factory.mktemp("a place") / "my course"
    assert course.main([str(place)]) == 0
    return place


def test_a_release_is_what_make_lab_brings_but_for_links_to_solutions(folder):
    for path in LESSONS:
        theirs = s.released(folder, path.stem)
        assert theirs.cells == release.release(path).cells
        linked = release.release(path, solutions=release.SOLVED)
        for cell in linked.cells:
            cell.source = "\n".join(line.partition(" [Solution](")[0] for line in cell.source.split("\n"))
        assert [cell.source for cell in linked.cells] == [cell.source for cell in theirs.cells]
        lab = (folder / kit.NAME / "lessons" / path.name).read_bytes()
        assert nbformat.reads(lab.decode(), as_version=4).cells == theirs.cells


def test_a_new_course_s_sources_are_those_of_its_releases(folder):
    assert term.unreleased(folder, NAMES) == []
    source = folder / "source" / NAMES[0] / f"{NAMES[0]}.ipynb"
    before = source.read_bytes()
    source.write_bytes(before.replace(b"BEGIN HIDDEN TESTS", b"BEGIN HIDDEN  TESTS", 1))
    [line] = term.unreleased(folder, NAMES)
    source.write_bytes(before)
    assert line.startswith(f"source/{NAMES[0]} was edited since its release")


def test_the_gradebook_knows_every_lesson_and_its_points(folder):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder}/gradebook.db") as book:
        found = {assignment.name: assignment.max_score for assignment in book.assignments}
    points = {
        path.stem: sum(s.grader(cell).get("points", 0) for cell in nbformat.read(path, as_version=4).cells)
        for path in LESSONS
    }
    assert found == points and sum(points.values()) == 87


def hidden_and_solved():
    """Lines of solutions and hidden tests that nothing else in the repository's open parts has."""
    found = set()
    for path in LESSONS:
        for cell in nbformat.read(path, as_version=4).cells:
            inside = False
            for line in cell.source.splitlines():
                if "### BEGIN" in line or "### END" in line:
                    inside = "BEGIN" in line
                elif inside and len(line.strip()) > 30:
                    found.add(line.strip())
    blank = "\n".join(cell.source for path in LESSONS for cell in release.release(path).cells)
    open_parts = [ROOT / "bcfl_support", ROOT / "contracts" / "src"]
    texts = [
        file.read_text(encoding="utf-8") for part in open_parts for file in part.rglob("*.*") if file.suffix != ".pyc"
    ]
    shown = "\n".join([blank, *texts])
    return {line for line in found if line not in shown}


def texts_of(archive):
    """Every file of a zip as text, and those of the wheels within."""
    with zipfile.ZipFile(archive) as files:
        for name in files.namelist():
            if name.endswith(".whl"):
                with files.open(name) as wheel:
                    yield from texts_of(wheel)
            else:
                yield name, files.read(name).decode("utf-8", "replace")


def test_the_kit_holds_no_solution_and_no_hidden_test(folder):
    secrets = hidden_and_solved()
    assert len(secrets) > 100
    names = []
    for name, text in texts_of(folder / f"{kit.NAME}.zip"):
        names.append(name)
        assert not any(mark in text for mark in ("BEGIN SOLUTION", "BEGIN HIDDEN", "MISCONCEPTIONS")), name
        found = [line for line in secrets if line in text or line.replace('"', '\\"') in text]
        assert not found, (name, found)
    assert not any(
        part in name for name in names for part in ("notebooks/", "tests/", "solved", "source/", "gradebook")
    )
    for name in ("Makefile", "README.md", "requirements.lock", "tools/lab/learner/server.json"):
        assert f"{kit.NAME}/{name}" in names
    for name in ("package-lock.json", "results/gas.json", "contracts/out/ClientRegistry.sol/ClientRegistry.json"):
        assert f"bcfl_support/bundle/{name}" in names
    assert "bcfl_support/services/cli.py" in names and "bcfl_support/ipfs/ipfs_node.mjs" in names


def test_the_kit_s_makefile_sets_up_what_the_repository_s_does(folder):
    ours, theirs = (ROOT / "Makefile").read_text(), (folder / kit.NAME / "Makefile").read_text()
    [wheel] = [line for line in ours.splitlines() if line.startswith("NODE_WHEEL")]
    assert wheel in theirs.splitlines()
    run = subprocess.run(
        ["make", "--no-print-directory", "-n", "lab"], cwd=folder / kit.NAME, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "jupyterlab" in run.stdout and "bcfl setup" in run.stdout


def test_lessons_come_to_a_student_once_and_go_back_under_a_name(folder):
    place = folder / kit.NAME

    def make(*words):
        quiet = ["make", "--no-print-directory"]
        return subprocess.run([*quiet, *words], cwd=place, capture_output=True, text=True)

    assert make("lessons").returncode == 0
    mine = place / "my" / f"{NAMES[0]}.ipynb"
    mine.write_text("my own work", encoding="utf-8")
    assert make("lessons").returncode == 0 and mine.read_text(encoding="utf-8") == "my own work"
    assert "make hand-in NAME=anna" in make("hand-in").stdout
    done = make("hand-in", "NAME=anna", "LESSONS=00 03 9").stdout.splitlines()
    assert done == [
        f"hand-in/anna_{NAMES[0]}.ipynb",
        f"left: my/{NAMES[3]}.ipynb, in which you have written nothing",
        "There is no lesson 9 in my/",
    ]
    for bad in ("../x", "a b", "a_b"):
        assert make("hand-in", f"NAME={bad}").returncode != 0
    assert len(list((place / "hand-in").iterdir())) == 1 and not (place / "x_00_start_here.ipynb").exists()


def test_what_was_handed_in_is_collected_by_name(folder, tmp_path):
    for name in (f"anna_{NAMES[0]}.ipynb", f"Ben O'Neil-{NAMES[1]} (2).ipynb", f"cleo/{NAMES[0]}.ipynb", "notes.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    lines = list(intake.collect(folder, tmp_path))
    assert [line for line in lines if line.startswith("left: ")] == [
        f"left: {tmp_path}/notes.ipynb: its name does not end with a lesson's"
    ]
    found = {(one.student, one.lesson) for one in grading.find(folder)}
    assert found == {("anna", NAMES[0]), ("Ben-O-Neil", NAMES[1]), ("cleo", NAMES[0])}
    assert "no notebook" in grading.check(folder, grading.find(folder)[0])[0]


@pytest.fixture
def bare(tmp_path):
    """A course of two lessons without points: enough to collect into."""
    for name in NAMES[:2]:
        (tmp_path / "course" / "release" / name).mkdir(parents=True)
    (tmp_path / "course" / "submitted").mkdir()
    return tmp_path / "course"


def put(place, text, seconds=1_000_000_000):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    os.utime(place, (seconds, seconds))


def collected(folder, handed_in):
    lines = [line.replace(f"{handed_in}/", "") for line in intake.collect(folder, handed_in)]
    return lines, {one.student: one.path.read_text(encoding="utf-8") for one in grading.find(folder, ["00"])}


class TestCollectLosesNothing:
    def test_folders_of_the_kit_name_nobody(self, bare, tmp_path):
        there, name = tmp_path / "in", f"{NAMES[0]}.ipynb"
        for who in ("lou/my", "max/student-kit/my", "my", "hand-in", "."):
            put(there / who / name, who)
        put(there / "eva" / "hand-in" / f"eva_{name}", "eva")
        put(there / "eva" / "lessons" / name, "as it came")
        put(there / "eva" / ".ipynb_checkpoints" / name, "some time ago")
        lines, found = collected(bare, there)
        assert found == {"lou": "lou/my", "max": "max/student-kit/my", "eva": "eva"}
        assert sum("does not say whose it is" in line for line in lines) == 3 and len(lines) == 8

    def test_two_that_differ_are_both_left(self, bare, tmp_path):
        there, name = tmp_path / "in", NAMES[0]
        put(there / f"anna_{name}.ipynb", "one")
        put(there / f"anna_{name} (2).ipynb", "two")
        put(there / f"ben_{name}.ipynb", "same")
        put(there / "ben" / f"{name}.ipynb", "same")
        put(there / f"Zoe_{name}.ipynb", "one")
        put(there / f"zoe_{NAMES[1]}.ipynb", "one")
        lines, found = collected(bare, there)
        assert found == {"ben": "same"}
        assert any(line.startswith("left: ") and "they differ, and all are anna's" in line for line in lines)
        assert sum("Zoe and zoe may be one student" in line for line in lines) == 2

    def test_a_newer_one_replaces_and_an_older_one_does_not(self, bare, tmp_path):
        there = tmp_path / "in" / f"anna_{NAMES[0]}.ipynb"
        put(there, "second", 2_000_000)
        assert collected(bare, there.parent)[1] == {"anna": "second"}
        assert "it was there" in collected(bare, there.parent)[0][0]
        put(there, "first", 1_000_000)
        lines, found = collected(bare, there.parent)
        assert found == {"anna": "second"} and "left: " in lines[0] and "it is not newer" in lines[0]
        put(there, "third", 3_000_000)
        lines, found = collected(bare, there.parent)
        [kept] = (bare / "earlier" / "anna" / NAMES[0]).iterdir()
        assert found == {"anna": "third"} and kept.read_text(encoding="utf-8") == "second" and str(kept) in lines[0]

    def test_everything_that_is_left_is_named(self, bare, tmp_path):
        there = tmp_path / "in"
        for name in (f"anna_{NAMES[0]}.IPYNB", "ben.zip", "notes.txt", f"anna_{NAMES[5]}.ipynb"):
            put(there / name, name)
        lines, found = collected(bare, there)
        assert set(found) == {"anna"}
        said = "\n".join(lines)
        assert "left: ben.zip: it is packed" in said and "left: notes.txt: it is no notebook" in said
        assert f"this course has no lesson {NAMES[5]}" in said


def test_predictions_are_typed_kept_and_gathered(tmp_path):
    place, name = tmp_path / "course", NAMES[2]
    course.begin(place)
    course.add(place, name, release.prepare(LESSONS[2]))
    for student, text in (("anna", "=90 degrees,\nand then less"), ("ben", "never <b>"), ("cleo", "")):
        notebook = s.released(place, name)
        first = next(cell for cell in notebook.cells if cell.id.endswith(release.PREDICTION))
        first.source += f" {text}" if student == "anna" else f"\n\n{text}"
        if student == "ben":
            first.source = text  # the words that stood there are gone
        s.hand_in(place, student, name, notebook)
    s.hand_in(place, "dora", name, "no notebook")
    assert "2 predictions" in predictions.write(place)
    rows = list(csv.DictReader((place / "predictions.csv").open(encoding="utf-8")))
    assert [(row["student"], row["prediction"]) for row in rows] == [
        ("anna", "'=90 degrees,\nand then less"),
        ("ben", "never <b>"),
    ]
    assert rows[0]["asks"].startswith("Before you run the explorer below: client 2 has length 1.")
    talk = (place / "predictions.md").read_text(encoding="utf-8")
    assert "2 of 3 predicted." in talk and "- never &lt;b&gt;" in talk and "anna" not in talk


class TestCommand:
    def test_a_folder_that_holds_something_is_left_alone(self, tmp_path, capsys):
        (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
        assert course.main([str(tmp_path)]) == 1
        assert "is not empty; take another folder" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

    @pytest.mark.parametrize("command", ["check", "grade", "predictions"])
    def test_a_folder_that_is_no_course_is_one_sentence(self, tmp_path, capsys, command):
        assert course.main([command, str(tmp_path)]) == 1
        assert "is no course" in capsys.readouterr().err

    def test_bcfl_hands_over(self, tmp_path):
        assert cli.main(["course", "check", str(tmp_path)]) == 1
        with pytest.raises(SystemExit) as stop:
            cli.main(["course", "--help"])
        assert stop.value.code == 0

    def test_without_a_clone_it_says_where_to_run_it(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(cli, "project_root", lambda: tmp_path)
        with pytest.raises(SystemExit) as stop:
            cli.main(["course", "somewhere"])
        said = capsys.readouterr().err
        assert stop.value.code == 1 and said.startswith("bcfl course: a course is made from the solved lessons, which")
        assert said.count("\n") == 1


def test_every_question_has_a_place_for_its_prediction():
    sources = [release.prepare(path) for path in LESSONS]
    places = sum(cell.id.endswith(release.PREDICTION) for source in sources for cell in source.cells)
    assert places == sum(path.read_text(encoding="utf-8").count("**Predict.**") for path in LESSONS)


def test_a_right_answer_has_nothing_odd_about_it():
    rules = grading._rules()
    for path in LESSONS:
        ours = release.release(path).cells
        solutions = {s.grader(cell)["grade_id"]: cell.source for cell in s.answers_of(release.prepare(path))}
        theirs = nbformat.from_dict(ours)
        for cell in theirs:
            if s.grader(cell).get("solution"):
                cell.source = solutions[s.grader(cell)["grade_id"]]
        assert list(grading._oddities(theirs, ours, rules)) == []
    other = release.release(LESSONS[1]).cells
    assert any("is it another lesson" in line for line in grading._oddities(other, ours, rules))
