"""Mutants: each operator makes the faults it names, all stand in one source, and the compiler takes it."""

from __future__ import annotations

import pytest

from bcfl_support import services
from tools import mutants, mutate

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;
uint256 constant TEN = 10;
error Low(uint256 value);
contract Till {
    uint256 public sum;
    function put(uint256 value) external returns (bool) {
        if (value <= TEN) revert Low(value);
        sum += value;
        return true;
    }
    function mask(uint256 bits) external pure returns (uint256) {
        return 1 << bits;
    }
    function half(uint256 value) external pure returns (uint256 out) {
        assembly ("memory-safe") {
            function double(x) -> y { y := add(x, x) }
            out := shr(1, double(shr(3, value)))
        }
    }
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the compiler, and the source's syntax tree in it."""
    place = tmp_path_factory.mktemp("contracts")
    contracts = services.project_root() / "contracts"
    (place / "node_modules").symlink_to((contracts / "node_modules").resolve())
    mutate.quick_solc(contracts / "solc", place)
    return place


@pytest.fixture(scope="module")
def tree(folder):
    return mutate.compile_(folder, {"src/room/Till.sol": SOURCE})["sources"]["src/room/Till.sol"]["ast"]


@pytest.fixture(scope="module")
def made(tree):
    return mutants.make({"src/room/Till.sol": SOURCE}, {"src/room/Till.sol": tree})


def changes(made, operator):
    return {(mutant.before, mutant.after) for mutant in made[1] if mutant.operator == operator}


def test_every_operator_makes_what_it_says(made):
    assert changes(made, "guard") == {("value <= TEN", "false")}
    assert changes(made, "compare") == {("value <= TEN", "value < TEN")}
    assert changes(made, "delete") == {("sum += value;", "")}
    assert changes(made, "assign") == {("sum += value;", "sum -= value;")}
    assert changes(made, "arithmetic") == {("1 << bits", "1 >> bits")}
    assert changes(made, "constant") == {("TEN", "TEN + 1"), ("TEN", "TEN - 1"), ("1", "1 + 1"), ("1", "1 - 1")}
    assert changes(made, "return") == {("true", "false"), ("1 << bits", "uint256(0)")}
    assert changes(made, "yul") == {
        ("shr(1, double(shr(3, value)))", "shl(1, double(shr(3, value)))"), ("shr(3, value)", "shl(3, value)"),
        ("1", "add(1, 1)"), ("3", "add(3, 1)"), ("add(x, x)", "sub(x, x)"),
    }  # fmt: skip
    assert changes(made, "negate") == set()
    assert {mutant.operator for mutant in made[1]} <= set(mutants.OPERATORS)


def test_all_of_them_compile_at_once(made, folder):
    sources = {**made[0], "src/Mutant.sol": mutants.SWITCH}
    assert [error for error in mutate.compile_(folder, sources).get("errors", ()) if error["severity"] == "error"] == []


def test_who_is_skipped_leaves_the_other_numbers_alone(made, tree):
    sources, left = mutants.make({"src/room/Till.sol": SOURCE}, {"src/room/Till.sol": tree}, {0, 3})
    assert left == [mutant for mutant in made[1] if mutant.number not in (0, 3)]
    assert "MUTANT(0)" not in sources["src/room/Till.sol"] and "MUTANT(1)" in sources["src/room/Till.sol"]


def test_the_compilers_error_names_its_mutant(folder):
    function = "function f(bool b) pure returns (bool) { return (MUTANT(4) ? b + 1 : (MUTANT(5) ? !b : b)); }"
    source = f'pragma solidity ^0.8.30;\nimport {{ MUTANT }} from "./Mutant.sol";\n{function}\n'
    sources = {"src/X.sol": source, "src/Mutant.sol": mutants.SWITCH}
    errors = [error for error in mutate.compile_(folder, sources)["errors"] if error["severity"] == "error"]
    assert [mutate.blame(sources, error) for error in errors] == [{4}]


def test_the_order_repeats(made):
    once = mutate.shuffled(made[1])
    assert once == mutate.shuffled(made[1]) and once != made[1]
    assert sorted(once, key=lambda mutant: mutant.number) == made[1]


def test_the_report_counts_and_lists_survivors():
    row = {"number": 7, "path": "src/core/A.sol", "line": 3, "operator": "logic", "where": "f", "by": ""}
    rows = [
        {**row, "before": "a || b", "after": "a && b", "fate": "survived"},
        {**row, "before": "a", "after": "", "fate": "killed"},
        {**row, "before": "a", "after": "", "fate": "timeout"},
    ]
    said = mutate.report("core", rows)
    assert "3 tested, 2 killed (1 by time), 1 survived" in said
    assert "| 7 | core/A.sol:3 `f` | `a \\|\\| b` → `a && b` |" in said and said.count("| 7 |") == 1


def test_rooms_are_those_of_the_sources():
    assert set(mutate.ROOMS) == {
        path.name for path in (services.project_root() / "contracts" / "src").iterdir() if any(path.iterdir())
    }
    for folders in mutate.ROOMS.values():
        for folder in folders:
            assert (services.project_root() / "contracts" / "test" / folder).is_dir()


def test_tests_that_killed_others_come_first():
    rows = [{"path": "src/a.sol", "by": name} for name in ("test_Once", "test_Often", "test_Often", "an invariant", "")]
    killers = mutate.Killers([*rows, *({"path": "src/b.sol", "by": "test_Other"} for _ in range(3))])
    assert killers.likely("src/a.sol") == ["test_Often", "test_Once", "test_Other"]
    assert killers.likely("src/new.sol", most=4) == ["test_Other", "test_Often"]
    killers.note("src/new.sol", "testFuzz_New")
    assert killers.likely("src/new.sol")[0] == "testFuzz_New"
    assert mutate.Killers([]).likely("src/a.sol") == []
