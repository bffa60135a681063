"""A student's kit: blank lessons, the package as a wheel, the pinned environment, and a Makefile; no solution in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import release

NAME = "student-kit"
"""Folder of the kit, and the name of its zip."""

HANDOUT = Path(__file__).parent / "handout" / "kit"
"""What is in a kit only: its Makefile and its README."""

PINNED = (
    "requirements.lock",
    "package.json",
    "package-lock.json",
    "pyproject.toml",
    ".npmrc",
    "LICENSE",
    "LICENSE-TEXT",
)
CONTRACTS = ("foundry.toml", "solc", "src")
"""What compiles, of `contracts/`; its tests stay here."""

NODE_SIDE = ("ipfs/ipfs_node.mjs", "ipfs/ipfs_store.mjs")
"""What runs in Node, of `bcfl_support/`: it is looked for beside `node_modules`, and not in the installed package."""

SETTINGS = ("__init__.py", "kernels.py", "lab/learner", "lab/custom")
"""What `make lab` needs, of `tools/`."""


class NoWheel(BcflError, RuntimeError):
    """pip did not make the package's wheel."""


def write(folder: Path) -> Path:
    """Write the kit to a folder, and beside it as a zip.

    Args:
        folder: where to; made, must not exist.

    Returns:
        The zip.

    Raises:
        NoWheel: if the wheel could not be made.
    """
    root = services.project_root()
    folder.mkdir(parents=True)
    for name in PINNED:
        shutil.copy(root / name, folder)
    for part, names in (("contracts", CONTRACTS), ("bcfl_support", NODE_SIDE), ("tools", SETTINGS)):
        for name in names:
            _copy(root / part / name, folder / part / name)
    for result in sorted((root / "results").glob("*.json")):
        _copy(result, folder / "results" / result.name)
    for _ in release.write_all(folder / "lessons"):
        pass
    make_wheel(folder / "wheels")
    shutil.copy(HANDOUT / "README.md", folder)
    text = (HANDOUT / "Makefile").read_text(encoding="utf-8")
    (folder / "Makefile").write_text(text.replace("@NODE_WHEEL@", _node_wheel(root)), encoding="utf-8")
    made = shutil.make_archive(str(folder), "zip", folder.parent, folder.name)
    return Path(made)


def make_wheel(folder: Path) -> Path:
    """Build the package's wheel from a fresh copy, so that nothing of an earlier build gets into it.

    Args:
        folder: where it goes.

    Raises:
        NoWheel: with what pip said.
    """
    root = services.project_root()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "package"
        _copy(root / "bcfl_support", copy / "bcfl_support")
        for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
            shutil.copy(root / name, copy)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        done = subprocess.run(
            [*command, "--wheel-dir", str(folder), str(copy)], capture_output=True, text=True, check=False
        )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise NoWheel(f"pip made no wheel of the package; it said: {done.stderr.strip() or done.stdout.strip()}")
    return wheels[-1]


def _copy(source: Path, place: Path) -> None:
    """Copy a file or a folder, without what Python keeps beside its files."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"), dirs_exist_ok=True)
    else:
        shutil.copy(source, place)


def _node_wheel(root: Path) -> str:
    """The Node that the repository's Makefile installs where there is none."""
    found = re.search(r"^NODE_WHEEL := (\S+)$", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise ValueError("the Makefile names no NODE_WHEEL")
    return found[1]
