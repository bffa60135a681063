"""The instructor's guide says what is so: minutes, points, commands; and the course that it speaks of is whole."""

from __future__ import annotations

import re

import nbformat

from notebooks import LESSONS, ROOT
from tools import course, times

GUIDE = (ROOT / "docs" / "TEACHING.md").read_text(encoding="utf-8")


def test_minutes_and_points_are_those_of_the_lessons():
    rows = re.findall(r"^\| (\d\d_\w+) \| (\d+) \| (\d+) \|$", GUIDE, re.M)
    found = []
    for path in LESSONS:
        notebook = nbformat.read(path, as_version=4)
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in notebook.cells)
        found.append((path.stem, str(times.stated_total(notebook)), str(points)))
    assert rows == found


def test_every_command_is_one():
    for command in set(re.findall(r"bcfl course ([a-z]+) DIR", GUIDE)):
        assert command in course.COMMANDS
    assert set(course.COMMANDS) - {"make"} <= set(re.findall(r"bcfl course ([a-z]+) DIR", GUIDE))
    assert "DIR" in course.__doc__ and all(f"bcfl course {name} DIR" in course.__doc__ for name in course.COMMANDS[1:])


def test_the_seed_of_a_name_is_a_number():
    [code] = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    found = {}
    exec(code, found)
    assert 60 <= found["seed"] < 10_060


def test_so_many_checks_have_hidden_tests():
    cells = [cell for path in LESSONS for cell in nbformat.read(path, as_version=4).cells]
    checks = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert f"{sum('BEGIN HIDDEN TESTS' in check for check in checks)} of {len(checks)} have a hidden test" in GUIDE
