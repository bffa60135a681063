"""What a wheel brings of the clone, so that it needs none: compiled contracts, the node side's pins, results.

The build calls it (`tool.setuptools.cmdclass` in pyproject.toml), and nothing of it is committed. A clone has no such
folder: there the package reads `contracts/out` as `bcfl build` left it. It runs in whatever environment builds the
wheel, and therefore uses setuptools and the standard library only.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

FILES = ("package.json", "package-lock.json", ".npmrc", "pyproject.toml", "requirements.lock", "contracts/foundry.toml")
"""Copied as they stand, to the same places."""

FOLDERS = ("contracts/src", "results")
"""Copied whole."""

READ = {"abi": None, "bytecode": "object", "deployedBytecode": "object"}
"""What `chain.load_artifact` reads of a compiled contract, and which part of it."""


class BuildWithBundle(build_py):
    """Build the package, and add the bundle; an editable package reads the clone."""

    def run(self) -> None:
        """Called by setuptools."""
        super().run()
        if not self.editable_mode:
            write(Path.cwd(), Path(self.build_lib) / "bcfl_support" / "bundle")


def write(root: Path, folder: Path) -> None:
    """Write the bundle.

    Args:
        root: the clone.
        folder: where to; what is there is replaced.

    Raises:
        SetupError: a contract is not compiled.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in FOLDERS:
        shutil.copytree(root / name, folder / name)
    for name in FILES:
        shutil.copy(root / name, folder / name)
    for source in sorted((root / "contracts" / "src").rglob("*.sol")):
        place = Path("contracts", "out", source.name)
        compiled = [path for path in (root / place).glob("*.json") if not path.name.endswith(".tests.json")]
        if not compiled:
            raise SetupError(f'{source.name} is not compiled; run "make wheel" in a clone of the repository')
        (folder / place).mkdir(parents=True)
        for path in compiled:
            small = json.dumps(strip(json.loads(path.read_text(encoding="utf-8"))), separators=(",", ":"))
            (folder / place / path.name).write_text(small, encoding="utf-8")


def strip(artifact: dict[str, Any]) -> dict[str, Any]:
    """Of what the compiler wrote about a contract, what the package reads.

    >>> strip({"abi": [], "bytecode": {"object": "0x60", "opcodes": ""}, "deployedBytecode": {"object": "0x"}, "id": 1})
    {'abi': [], 'bytecode': {'object': '0x60'}, 'deployedBytecode': {'object': '0x'}}

    Args:
        artifact: as JSON.
    """
    return {name: {part: artifact[name][part]} if part else artifact[name] for name, part in READ.items()}
