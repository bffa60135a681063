"""The documents are true: their code runs, their pictures are drawn from the code, their figures are counted."""

from __future__ import annotations

import ast
import re

import pytest

from notebooks import ROOT
from tools import house

DOCS = ROOT / "docs"
PACKAGE = ROOT / "bcfl_support"
EXTENDING = (DOCS / "EXTENDING.md").read_text(encoding="utf-8")
SECTIONS = dict(part.split("\n", 1) for part in re.split(r"^## ", EXTENDING, flags=re.M)[1:])
BLOCKS = {title: code for title, text in SECTIONS.items() for code in re.findall(r"```python\n(.*?)```", text, re.S)}


def code_lines(source: str) -> int:
    """Lines that hold code: no blank ones, comments, docstrings."""
    import io
    import tokenize

    tree, words = ast.parse(source), set()
    for node in ast.walk(tree):  # docstrings, and the texts that say what a constant is
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            words |= set(range(node.lineno, node.end_lineno + 1))
    kinds = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in kinds:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - words)


@pytest.mark.parametrize("title", BLOCKS)
def test_every_example_of_extending_runs(title, monkeypatch):
    from bcfl_support import incentives, learning, scores
    from bcfl_support.adversaries import ATTACKS

    for registry in (scores.SCORES, learning.AGGREGATORS, incentives.PAY_RULES, ATTACKS):
        for name in registry:
            monkeypatch.setitem(registry, name, registry[name])  # what an example enters is taken out again
    before = {id(r): set(r) for r in (scores.SCORES, learning.AGGREGATORS, incentives.PAY_RULES, ATTACKS)}
    try:
        exec(compile(BLOCKS[title], f"EXTENDING: {title}", "exec"), {"__name__": "example"})
    finally:
        for registry in (scores.SCORES, learning.AGGREGATORS, incentives.PAY_RULES, ATTACKS):
            for name in set(registry) - before[id(registry)]:
                del registry[name]


def test_every_kind_of_extension_has_its_example():
    kinds = re.findall(r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \| \d+ \|$", EXTENDING, re.M)
    assert len(kinds) == len(BLOCKS) == 10  # a way to deal data has none, a model of PyTorch needs no file
    for path in re.findall(r"`((?:bcfl_support|tests|contracts|notebooks)/[\w./]*)`", EXTENDING):
        if "…" not in path:
            assert (ROOT / path).exists(), path


def test_the_pay_rule_of_the_example_is_the_contract_in_the_repository():
    [shown] = re.findall(r"```solidity\n(.*?)```", EXTENDING, re.S)
    assert shown == (ROOT / "contracts" / "src" / "proposals" / "SquarePool.sol").read_text(encoding="utf-8")


def test_the_picture_is_drawn_from_the_imports():
    text = (DOCS / "ARCHITECTURE.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```mermaid\n(.*?)\n```", text, re.S)
    assert shown == house.draw(), "python -m tools house draws it anew"
    for room in house.read_arrows():
        assert f"`{room}`" in text, room


def test_where_things_live_names_every_file():
    text = (DOCS / "ARCHITECTURE.md").read_text(encoding="utf-8")
    [table] = re.findall(r"^## Where things live\n(.*?)^## ", text, re.M | re.S)
    named = set()
    for room, files in re.findall(r"^\| `([\w./]+)` \| (.*) \|$", table, re.M):
        base = ROOT if room == "tools/" else PACKAGE
        named |= (
            {base / room / name for name in re.findall(r"`([\w.]+\.\w+)`", files)} if "." not in room else {base / room}
        )
    homes = [*PACKAGE.iterdir(), *(p for p in PACKAGE.glob("*/*") if (p / "__init__.py").exists()), ROOT / "tools"]
    files = {path for home in homes for path in (home.iterdir() if home.is_dir() else [home])}
    kinds = (".py", ".js", ".mjs", ".toml")
    assert named == {path for path in files if path.suffix in kinds and not path.stem.startswith("__")}


def test_the_house_is_small():
    arrows = house.read_arrows()
    assert len(arrows) <= 20 and sum(map(len, arrows.values())) <= 45
    house.count_floors(arrows)  # raises where rooms import each other in a circle
    sources = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    # A small package is a promise: who raises this number has looked for what can go. 5,600 were the rooms; the rest
    # are a learner's own tables, classes dealt without twins, void rounds, and refusals of what gave wrong results in
    # silence or left a round open; then, what can be refused is refused before the first transaction. 150 are fees that
    # react and seconds to a final score; 127 lesson 4's seat: a game that the reader plays, and bounds of F to sweep;
    # 180 rung 5: what clients keep and remember, and who withholds its row;
    # 135 refuse arrays, seeds, text and ragged rows where a number, a generator or a shape is asked for;
    # 145 are a federation that says when a revert has undone it, round records read back entry by entry,
    # factors checked before a quorum spends its epoch on them, copies found before a round opens; 30 lists, flags,
    # shares and fees; 50 numbers of NumPy, which overflow and no chain takes, a budget that fell short; 20 are
    # room for a rung more; 90 what all rungs share with proven ones: terms, windows, gas of points; 105 a user's own
    # tables, hosted endpoints, proxies and forks, arrays that nobody may change any more, work that goes on after an
    # interruption; 85 a wheel that needs no clone, and its set-up; 140 rounds that an interrupt
    # or a revert stopped: submissions go on after their last page, bills hold what the chain has, nothing goes twice;
    # rows that a revert has undone, tables of clients in two orders, a chain that forgets, near rows; 59 salts that a
    # refusal or an interrupt would have lost, and with them stakes, a federation found again after a restart, windows
    # and weights that wrapped and paid nobody, values by client that pandas has in another order than the clients.
    proven = ("proven.py", "relayed.py", "available.py", "proof_gas.py")
    inside = {path for path in sources if "proofs" in path.relative_to(PACKAGE).parts or path.name in proven}
    proofs = sum(code_lines(sources[path]) for path in inside)
    assert proofs <= 1_170  # provers, verifiers, their transcript, keys that add up; rungs 6 to 8
    assert sum(map(code_lines, sources.values())) - proofs <= 7_199
    for path, source in sources.items():
        assert len(source.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def test_every_module_has_its_test_file():
    for path in PACKAGE.rglob("*.py"):
        if path.stem not in ("__init__", "__main__", "cli"):
            place = path.relative_to(PACKAGE)
            assert (ROOT / "tests" / place.parent / f"test_{place.name}").exists(), place


def test_the_glossary_has_a_term_once():
    terms = re.findall(r"^\| ([^|]+?) \|", (DOCS / "GLOSSARY.md").read_text(encoding="utf-8"), re.M)[2:]
    assert len(terms) == len(set(terms)) and terms == sorted(terms, key=str.casefold)
