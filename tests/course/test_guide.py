"""The instructor's guide says what is so: minutes, points, commands; and the course that it speaks of is whole."""

from __future__ import annotations

import re

import nbformat
import pytest
import submissions as s

from notebooks import LESSONS, ROOT
from tools import course, grading, lessons, times

GUIDE = (ROOT / "docs" / "TEACHING.md").read_text(encoding="utf-8")


ROWS = re.findall(r"^\| (\d\d_\w+) \| (\d+) \| (\d+) \| ([\d, ]+|–) \|$", GUIDE, re.M)


def test_minutes_points_and_needs_are_those_of_the_lessons():
    found = []
    for path in LESSONS:
        notebook = nbformat.read(path, as_version=4)
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in notebook.cells)
        needs = ", ".join(str(int(number)) for number in lessons.needs(path)) or "–"
        found.append((path.stem, str(times.stated_total(notebook)), str(points), needs))
    assert found == ROWS


def test_needs_are_links_of_the_rows_that_are_necessary():
    assert [lessons.needs(s.lesson(number)) for number in ("00", "01", "05", "07")] == [
        *([], ["00"], ["00", "01", "02"], ["00", "02", "06"])
    ]


@pytest.mark.parametrize("numbers", re.findall(r"bcfl course DIR ([\d ]+)`|LESSONS=\"([\d ]+)\"", GUIDE))
def test_an_example_leaves_out_no_lesson_that_another_needs(numbers):
    taken = set(max(numbers).split())
    assert all(set(needs.split(", ")) <= taken | {"–"} for name, _, _, needs in ROWS if str(int(name[:2])) in taken)


def test_hours_are_sums_of_the_minutes():
    minutes = {int(name[:2]): int(number) for name, number, _, _ in ROWS}
    for lessons_of_plan, words in (
        ((0, 2), "what), 7 hours in all"),
        ((0, 1), "1, 6 hours in all"),
        ((0, 1, 2, 4, 5, 6), "24 hours in all. Lesson 3"),
        (range(8), "all eight, 32 hours in all"),
    ):
        hours = round(sum(minutes[number] for number in lessons_of_plan) / 60)
        assert words in " ".join(GUIDE.split()) and f"{hours} hours in all" in words


def test_every_state_of_the_table_of_grades_is_explained():
    [table] = re.findall(r"^\| state \|.*\n\|[-|]+\n((?:\|.*\n)+)", GUIDE, re.M)
    assert re.findall(r"^\| ([a-z' ]+) \|", table, re.M) == list(grading.STATES)


def test_guide_and_program_say_alike_how_points_for_an_earlier_file_are_confirmed():
    said = grading.STATES["look again"]
    assert f"| look again | {said} |" in GUIDE and "to confirm them, clear them and type them again" in said


def test_every_command_is_one():
    for command in set(re.findall(r"bcfl course ([a-z]+) DIR", GUIDE)):
        assert command in course.COMMANDS
    assert set(course.COMMANDS) - {"make"} <= set(re.findall(r"bcfl course ([a-z]+) DIR", GUIDE))
    assert "DIR" in course.__doc__ and all(f"bcfl course {name} DIR" in course.__doc__ for name in course.COMMANDS[1:])


def test_every_option_is_one(capsys):
    with pytest.raises(SystemExit):
        course.main(["grade", "--help"])
    known = capsys.readouterr().out
    options = set(re.findall(r"[` ](--(?:a|m)[a-z-]+)", GUIDE)) - {"--allow-root"}
    assert options == {"--again", "--accept-clone", "--minutes"} and all(option in known for option in options)


def test_the_seed_of_a_name_is_a_number():
    [code] = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    found = {}
    exec(code, found)
    assert 60 <= found["seed"] < 10_060


def test_so_many_checks_have_hidden_tests():
    cells = [cell for path in LESSONS for cell in nbformat.read(path, as_version=4).cells]
    checks = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert f"{sum('BEGIN HIDDEN TESTS' in check for check in checks)} of {len(checks)} have a hidden test" in GUIDE
