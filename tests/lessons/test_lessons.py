"""The lessons as files: complete, executed, bland, accessible. (That their outputs are true, nbval checks.)"""

from __future__ import annotations

import ast
import re

import nbformat
import pytest

from notebooks import LESSONS, ROOT, code_cells, markdown, read, source, tags
from tools import lessons

every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)

EXEMPT = {"nbval-ignore-output", "nbval-skip"}
MARKERS = re.compile(r"#\s*(NBVAL_IGNORE_OUTPUT|NBVAL_SKIP|PYTEST_VALIDATE_IGNORE_OUTPUT)")
LAST_PARTS = ("## What you measured", "**Limits.**", "**Next.**", "**References.**")


def test_there_are_lessons_numbered_without_gaps():
    assert [path.name[:2] for path in LESSONS] == [f"{k:02d}" for k in range(len(LESSONS))]


@every_lesson
def test_is_a_valid_notebook_with_the_one_metadata_block(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == lessons.METADATA
    assert path.stat().st_size <= 500_000
    allowed = {"tags", "jupyter", "nbgrader"}
    assert all(set(cell.metadata) <= allowed for cell in notebook.cells)


@every_lesson
def test_was_executed_once_from_top_to_bottom(path):
    cells = code_cells(read(path))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@every_lesson
def test_fails_only_where_it_means_to(path):
    for cell in code_cells(read(path)):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == ("raises-exception" in tags(cell)), source(cell)[:80]
        assert not any(output.get("name") == "stderr" for output in cell["outputs"]), source(cell)[:80]


@every_lesson
def test_compares_nearly_all_outputs(path):
    cells = code_cells(read(path))
    exempt = [cell for cell in cells if tags(cell) & EXEMPT or MARKERS.search(source(cell))]
    assert len(exempt) <= 0.03 * len(cells), f"{len(exempt)} of {len(cells)} code cells are exempt"


@every_lesson
def test_stores_nothing_that_is_new_at_every_run(path):
    assert "application/vnd.jupyter.widget-view+json" not in path.read_text(encoding="utf-8")


@every_lesson
def test_names_no_place_on_the_machine_it_was_executed_on(path):
    text = path.read_text(encoding="utf-8")
    for pattern in (re.escape(str(ROOT)), r"/(home|Users|root|tmp)/\w", r"site-packages/"):
        assert not re.search(pattern, text), pattern


@every_lesson
def test_has_the_parts_of_a_lesson(path):
    text = markdown(read(path))
    number = int(path.name[:2])
    assert re.findall(r"^# .*", text, re.M) == re.findall(rf"^# {number} · .*", text, re.M)
    assert len(re.findall(r"^# ", text, re.M)) == 1
    for part in ("**You will be able to**", "**Time.**", "**Before you start**", "## Your turn", *LAST_PARTS):
        assert text.count(part) == 1, part
    places = [text.index(part) for part in LAST_PARTS]
    assert places == sorted(places)
    assert len(re.findall(r"^### .*", text[text.index("## Your turn") :], re.M)) >= 3
    assert text.count("<details>") == text.count("</details>") >= 2
    assert "Explorer(" in "".join(source(cell) for cell in code_cells(read(path)))


@every_lesson
def test_exercises_are_nbgrader_cells(path):
    identities = []
    for cell in read(path)["cells"]:
        grader = cell["metadata"].get("nbgrader")
        marked = "BEGIN SOLUTION" in source(cell)
        assert marked == bool(grader and grader["solution"]), source(cell)[:80]
        if grader:
            identities.append(grader["grade_id"])
            assert grader["schema_version"] == 3
            assert not grader["grade"] or grader["points"] > 0
    assert len(identities) == len(set(identities)) >= 6


def test_map_lists_every_lesson():
    table = lessons.format_map()
    assert all(path.name in table for path in LESSONS)
    assert table in markdown(read(LESSONS[0])) + "\n", "`make refresh` writes the map into the first lesson"


def test_asking_for_a_lesson_that_does_not_exist():
    with pytest.raises(FileNotFoundError, match="99"):
        lessons.lesson_paths(["99"])


def bound_names(tree):
    """Names that a cell's own statements bind; those inside of functions are others."""
    names, nodes = set(), list(tree.body)
    inner = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, inner):
            nodes += ast.iter_child_nodes(node)
    return names


def free_names(function):
    """Names that a function reads and does not bind."""
    names = {node for node in ast.walk(function) if isinstance(node, ast.Name)}
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - own - {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}


@every_lesson
def test_what_an_explorer_draws_from_stays_as_it_is(path):
    """An explorer is moved when all cells have run: what its functions read must not have become something else."""
    trees = [ast.parse(source(cell)) for cell in code_cells(read(path))]
    reads, problems = {}, []
    for place, tree in enumerate(trees):
        functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        reads |= {node.name: free_names(node) for node in functions}
        if not any(isinstance(n, ast.Attribute) and n.attr in ("Explorer", "Turns") for n in ast.walk(tree)):
            continue
        seen, todo = set(), {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(reads)
        while todo:
            seen |= todo
            todo = set().union(*(reads.get(name, set()) for name in todo)) - seen
        problems += [(place, later, seen & bound_names(trees[later])) for later in range(place + 1, len(trees))]
    assert not [problem for problem in problems if problem[2]]
