"""Compiled contracts, as `bcfl build` leaves them in a clone, and a wheel brings them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bcfl_support import services
from bcfl_support.errors import ToolMissing


@dataclass(frozen=True)
class Artifact:
    """A compiled contract.

    Attributes:
        name: the contract's name.
        abi: its interface, as JSON.
        bytecode: creation code, hex with 0x.
        deployed_bytecode: the code left on chain, hex with 0x (immutables still zero).
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str


def load_artifact(name: str) -> Artifact:
    """Read a contract that `bcfl build` has compiled.

    Args:
        name: the contract's name, e.g. ``ClientRegistry``.

    Raises:
        ToolMissing: no compiled contract has this name; the message lists the project's own.
    """
    folder = services.project_root() / "contracts" / "out"
    # Names are compared, not put into the pattern, where "*" would find whatever comes first.
    paths = [path for path in folder.glob("*/*.json") if path.stem == name]
    if not paths:
        # without interfaces, libraries and what others are built on
        own = sorted(
            p.stem
            for p in (folder.parent / "src").rglob("*.sol")
            if f"\ncontract {p.stem} " in p.read_text(encoding="utf-8")
        )
        build = 'run "bcfl build", or ' if services.in_clone() else ""
        advice = f"{build}take one of {', '.join(own)}"
        raise ToolMissing(f'no compiled contract "{name}" in {folder}; {advice}')
    found = json.loads(
        min(paths, key=lambda path: path.parent.stem != name).read_text(encoding="utf-8")
    )  # its own source first
    return Artifact(name, found["abi"], found["bytecode"]["object"], found["deployedBytecode"]["object"])
