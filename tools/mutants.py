"""Mutants of Solidity sources, all in one source: a mutant is a small fault, and the block's coinbase says which is on.

    l < r   becomes   (MUTANT(7) ? l <= r : (l < r))        MUTANT(k) = (block.coinbase = 2^96 + k)

The compiler's syntax tree says where the operators are. One build serves all mutants, since a test run chooses one with
`--block-coinbase`. `OPERATORS` says what is changed; what cannot be written as a choice at run time is left as it is:
modifiers, strings, types, constants where they are declared (their uses are changed), and declarations, which a deleted
statement would take out of scope. A guard (an `if` that reverts) is removed and not negated: its negation refuses every
honest call, and kills nothing but time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any

OPERATORS = {
    "guard": "an `if (…) revert` never reverts",
    "negate": "another condition is negated",
    "compare": "< ↔ ≤, > ↔ ≥, == ↔ !=",
    "arithmetic": "+ ↔ −, × ↔ /, % → ×, << ↔ >>, & ↔ |",
    "logic": "&& ↔ ||",
    "constant": "a number, or the use of a constant, plus 1; minus 1 if it is not 0",
    "delete": "a statement is left out: assignment, call, event, `delete`, `++`",
    "assign": "+= ↔ −=, |= ↔ &=",
    "return": "what a function returns is 0, false or nobody",
    "yul": "in assembly: add ↔ sub, shl ↔ shr, and ↔ or, lt ↔ gt, a number plus 1, a store left out",
}

FIRST = 1 << 96  # no account that a test names, and no precompile
SWITCH = f"""// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Reads the block and says it does not: pure functions have mutants too. With `gas()` in it the optimizer leaves each
// choice where it is; moved out of a loop, a hundred of them do not fit on the stack.
function MUTANT(uint256 k) pure returns (bool on) {{
    function(uint256) view returns (bool) reads = _mutant;
    function(uint256) pure returns (bool) says;
    assembly ("memory-safe") {{ says := reads }}
    return says(k);
}}

// The number of the mutant that is on, for assembly in a pure function.
function MUTANT_ON() pure returns (uint256 k) {{
    function() view returns (uint256) reads = _mutantOn;
    function() pure returns (uint256) says;
    assembly ("memory-safe") {{ says := reads }}
    return says();
}}

function _mutantOn() view returns (uint256 k) {{
    assembly ("memory-safe") {{ k := sub(coinbase(), {FIRST}) }}
}}

function _mutant(uint256 k) view returns (bool on) {{
    assembly ("memory-safe") {{ on := eq(coinbase(), add(add({FIRST}, k), iszero(gas()))) }}
}}
"""

_COMPARE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&"}
_LOGIC = {"&&": "||", "||": "&&"}
_ASSIGN = {"+=": "-=", "-=": "+=", "|=": "&=", "&=": "|="}
_YUL = {"add": "sub", "sub": "add", "shl": "shr", "shr": "shl", "and": "or", "or": "and", "lt": "gt", "gt": "lt"}
_YUL_STORES = {"sstore", "mstore"}


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        number: what the coinbase is set to, from `FIRST`.
        path: the source, as the compiler names it.
        line: where it begins, from 1.
        operator: a key of `OPERATORS`.
        before, after: the source there, and what stands in its place.
        where: the function.
    """

    number: int
    path: str
    line: int
    operator: str
    before: str
    after: str
    where: str


@dataclass
class _Place:
    """A piece of a source, [start, end) in bytes, and its faults: kind "expression", "statement" or "yul…"."""

    start: int
    end: int
    kind: str
    faults: list[tuple[str, str, str]] = field(default_factory=list)  # operator, what is shown, what is written
    where: str = ""


def make(
    sources: Mapping[str, str], trees: Mapping[str, Any], skip: Set[int] = frozenset()
) -> tuple[dict[str, str], list[Mutant]]:
    """Sources that hold every mutant, and the list of them.

    Args:
        sources: path → Solidity text; all are mutated.
        trees: path → the compiler's syntax tree of it.
        skip: numbers of mutants to leave out; the others keep their numbers.
    """
    constants = {
        node["id"]
        for tree in trees.values()
        for node, _, _ in _walk(tree)
        if _is(node, "VariableDeclaration") and node.get("constant")
    }
    mutants: list[Mutant] = []
    made: dict[str, str] = {}
    for path in sorted(sources):
        text = sources[path].encode()
        number_of: dict[tuple[int, int], list[tuple[int, str]]] = {}
        places = _places(text, trees[path], constants)
        for place in places:
            for operator, shown, written in place.faults:
                number = len(mutants)
                mutants.append(
                    Mutant(
                        number,
                        path,
                        text[: place.start].count(b"\n") + 1,
                        operator,
                        _short(text[place.start : place.end].decode()),
                        _short(shown),
                        place.where,
                    )
                )
                if number not in skip:
                    number_of.setdefault((place.start, place.end), []).append((number, written))
        body = _render(text, 0, len(text), places, number_of)
        depth = path.count("/") - 1
        door = f'import {{ MUTANT, MUTANT_ON }} from "{"../" * depth or "./"}Mutant.sol";\n'
        head, _, tail = body.partition("pragma solidity ^0.8.30;\n")
        made[path] = f"{head}pragma solidity ^0.8.30;\n{door}{tail}"
    return made, [mutant for mutant in mutants if mutant.number not in skip]


def _short(text: str) -> str:
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------------------ the tree


def _is(node: Mapping[str, Any], *kinds: str) -> bool:
    return node.get("nodeType") in kinds


def _walk(node: Any, parents: tuple[Any, ...] = (), key: str = "") -> Iterator[tuple[Any, tuple[Any, ...], str]]:
    """Every node of a tree, with those above it and the field of the last of these that holds it."""
    if "nodeType" in node:
        yield node, parents, key
    for name, value in node.items():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict) and name not in ("typeDescriptions", "documentation"):
                yield from _walk(child, (*parents, node) if "nodeType" in node else parents, name)


def _range(node: Mapping[str, Any]) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _type(node: Mapping[str, Any]) -> str:
    return node.get("typeDescriptions", {}).get("typeString", "") or ""


def _places(text: bytes, tree: Any, constants: Set[int]) -> list[_Place]:
    places: dict[tuple[int, int, str], _Place] = {}

    def add(node: Any, kind: str, operator: str, shown: str, written: str | None = None, prefix: str = "") -> None:
        start, end = _range(node)
        if kind == "statement":
            end = text.index(b";", end) + 1
        key = (start, end, "statement" if kind == "statement" else "expression")
        place = places.setdefault(key, _Place(start, end, prefix + kind, where=where))
        place.faults.append((operator, shown, shown if written is None else written))

    def source(node: Any) -> str:
        start, end = _range(node)
        return text[start:end].decode()

    for node, parents, key in _walk(tree):
        functions = [parent for parent in parents if _is(parent, "FunctionDefinition")]
        if not functions or any(_is(parent, "ModifierInvocation", "ParameterList") for parent in parents):
            continue
        where = functions[-1]["name"] or functions[-1]["kind"]
        parent = parents[-1]
        if _is(node, "BinaryOperation"):
            _binary(node, source, add)
        elif _is(node, "Literal", "Identifier"):
            _constant(node, parent, key, constants, source, add)
        elif _is(node, "ExpressionStatement", "EmitStatement") and key in (
            "statements",
            "trueBody",
            "falseBody",
            "body",
        ):
            add(node, "statement", "delete", "")
            inner = node.get("expression", {})
            if _is(inner, "Assignment") and inner["operator"] in _ASSIGN:
                left, right = source(inner["leftHandSide"]), source(inner["rightHandSide"])
                add(node, "statement", "assign", f"{left} {_ASSIGN[inner['operator']]} {right};")
        elif _is(node, "Return") and node.get("expression"):
            _return(node["expression"], functions[-1], add)
        elif _is(node, "YulFunctionCall", "YulLiteral"):
            prefix = "pure " if functions[-1]["stateMutability"] == "pure" else ""
            _yul(node, parent, source, partial(add, prefix=prefix))
        elif _is(node, "InlineAssembly") and functions[-1]["stateMutability"] == "pure":
            start, end = _range(node)
            places[(start, end, "assembly")] = _Place(start, end, "assembly", where=where)
        if key == "condition" and _is(parent, "IfStatement", "WhileStatement", "Conditional"):
            if _is(parent, "IfStatement") and _reverts(parent["trueBody"]):
                add(node, "expression", "guard", "false")
            else:
                add(node, "expression", "negate", f"!({source(node)})")
    return sorted(places.values(), key=lambda place: (place.start, -place.end, place.kind != "statement"))


def _reverts(body: Mapping[str, Any]) -> bool:
    if _is(body, "Block"):
        return bool(body["statements"]) and _reverts(body["statements"][-1])
    return _is(body, "RevertStatement")


def _binary(node: Any, source: Any, add: Any) -> None:
    sign, left, right = node["operator"], source(node["leftExpression"]), source(node["rightExpression"])
    for name, table in (("compare", _COMPARE), ("arithmetic", _ARITHMETIC), ("logic", _LOGIC)):
        if sign in table:
            add(node, "expression", name, f"{left} {table[sign]} {right}")


def _constant(node: Any, parent: Any, key: str, constants: Set[int], source: Any, add: Any) -> None:
    if _is(node, "Identifier"):
        if node.get("referencedDeclaration") not in constants or not _type(node).startswith(("uint", "int")):
            return
        zero, cast = False, ""
    else:
        if node.get("kind") != "number" or node.get("subdenomination"):
            return
        zero = node["value"] == "0"
        # A choice between literals has their own small type, in which a shift or a power would lose bits.
        shifted = _is(parent, "BinaryOperation") and parent["operator"] in ("<<", "**") and key == "leftExpression"
        cast = "uint256" if shifted else ""
    for sign in ("+",) if zero else ("+", "-"):
        add(node, "expression" if not cast else "cast", "constant", f"{source(node)} {sign} 1")


def _return(expression: Any, function: Any, add: Any) -> None:
    outputs = function["returnParameters"]["parameters"]
    kind = _type(outputs[0]) if len(outputs) == 1 else ""
    if kind == "bool":
        for value in sorted({"false", "true"} - {expression.get("value")}):
            add(expression, "expression", "return", value)
    elif kind.startswith(("uint", "int", "bytes", "address")) and not kind.endswith(("]", "memory", "storage ref")):
        add(expression, "expression", "return", f"{kind}(0)")


def _yul(node: Any, parent: Any, source: Any, add: Any) -> None:
    if _is(node, "YulLiteral"):
        if node.get("kind") == "number":
            add(node, "yul", "yul", f"add({source(node)}, 1)")
        return
    name = node["functionName"]["name"]
    if name in _YUL_STORES and _is(parent, "YulExpressionStatement"):
        add(node, "yul statement", "yul", "")
    elif name in _YUL and "call(" not in source(node):  # what stands in a choice is evaluated twice
        add(node, "yul", "yul", f"{_YUL[name]}({', '.join(source(argument) for argument in node['arguments'])})")


# ------------------------------------------------------------------------------------------------------------- writing


def _render(
    text: bytes,
    start: int,
    end: int,
    places: Sequence[_Place],
    numbers: Mapping[tuple[int, int], Sequence[tuple[int, str]]],
) -> str:
    """Text [start, end) with the choices of the places inside, which are sorted, outer ones first."""
    pieces: list[str] = []
    at, i = start, 0
    while i < len(places):
        place = places[i]
        last = i + 1
        while last < len(places) and places[last].start < place.end:
            last += 1
        inner = _render(text, place.start, place.end, places[i + 1 : last], numbers)
        pieces += [text[at : place.start].decode(), _choose(text, place, inner, numbers)]
        at, i = place.end, last
    return "".join(pieces) + text[at:end].decode()


def _on(number: int, pure: bool) -> str:
    """`MUTANT(number)` in assembly."""
    if pure:
        return f"eq(mutantOn, {number})"
    return f"eq(coinbase(), add({FIRST + number}, iszero(gas())))"


def _hand_on(assembly: str) -> str:
    """Assembly whose own functions are told which mutant is on: they see no local variable of Solidity."""
    for name in re.findall(r"function (\w+)\(", assembly):
        for call in reversed(list(re.finditer(rf"\b{name}\(", assembly))):  # inner calls first
            depth, end = 1, call.end()
            while depth := depth + {"(": 1, ")": -1}.get(assembly[end], 0):
                end += 1
            comma = ", " if assembly[call.end() : end].strip() else ""
            assembly = f"{assembly[:end]}{comma}mutantOn{assembly[end:]}"
        start = assembly.index(f"function {name}(")
        depth, end = 0, assembly.index("{", start)  # its argument has a name of its own
        while depth := depth + {"{": 1, "}": -1}.get(assembly[end], 0):
            end += 1
        assembly = f"{assembly[:start]}{assembly[start:end].replace('mutantOn', 'mutantIn')}{assembly[end:]}"
    return assembly


def _choose(
    text: bytes, place: _Place, inner: str, numbers: Mapping[tuple[int, int], Sequence[tuple[int, str]]]
) -> str:
    faults = numbers.get((place.start, place.end), ())
    if place.kind == "assembly":
        return f"{{ uint256 mutantOn = MUTANT_ON(); {_hand_on(inner)} }}"
    if not faults:
        return inner
    original = text[place.start : place.end].decode()
    if place.kind == "statement":
        for number, written in faults:
            inner = f"if (MUTANT({number})) {{ {written} }} else {{ {inner} }}"
        return f"{{ {inner} }}"
    pure, kind = place.kind.startswith("pure "), place.kind.removeprefix("pure ")
    if kind == "yul statement":
        return "".join(f"if iszero({_on(number, pure)}) {{ {inner} }}" for number, _ in faults)
    for number, written in faults:
        if kind == "yul":
            inner = f"xor({inner}, mul({_on(number, pure)}, xor({original}, {written})))"
        elif kind == "cast":
            inner = f"(MUTANT({number}) ? uint256({written}) : uint256({inner}))"
        else:
            inner = f"(MUTANT({number}) ? {written} : {inner})"
    return inner
