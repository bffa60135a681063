"""A student's kit: blank lessons, the package as a wheel, the pinned environment, and a Makefile; no solution in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools import bundle, release

NAME = "student-kit"
"""Folder of the kit, and the name of its zip."""

HANDOUT = Path(__file__).parent / "handout" / "kit"
"""What is in a kit only: its Makefile and its README."""

AS_THEY_STAND = ("requirements.lock", "LICENSE", "LICENSE-TEXT")
"""Files of the clone; what else a kit needs of it, the wheel brings."""

SETTINGS = ("__init__.py", "kernels.py", "hand_in.py", "lab/learner", "lab/custom")
"""What the kit's Makefile needs, of `tools/`."""


MADE_THERE = {"my", "hand-in", ".venv", "__pycache__", ".ipynb_checkpoints"}
"""What comes into being where somebody works in a kit's folder, and belongs to nobody else."""

PACKAGE = (
    *("bcfl_support", "tools/bundle.py", "README.md", "LICENSE", "LICENSE-TEXT"),
    *(*bundle.FILES, *bundle.FOLDERS, "contracts/out"),
)
"""What the package's wheel is made from."""


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
    for name in AS_THEY_STAND:
        shutil.copy(root / name, folder)
    for name in SETTINGS:
        _copy(root / "tools" / name, folder / "tools" / name)
    for _ in release.write_all(folder / "lessons"):
        pass
    make_wheel(folder / "wheels")
    shutil.copy(HANDOUT / "README.md", folder)
    text = (HANDOUT / "Makefile").read_text(encoding="utf-8")
    (folder / "Makefile").write_text(text.replace("@NODE_WHEEL@", _node_wheel(root)), encoding="utf-8")
    return pack(folder)


def pack(folder: Path) -> Path:
    """Pack a kit's folder as a zip beside it, over one that is there; without what somebody made in it.

    Args:
        folder: of the kit.

    Returns:
        The zip.
    """
    made = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if not MADE_THERE & set(path.relative_to(folder).parts):
                archive.write(path, path.relative_to(folder.parent))
    return made


def write_zip(folder: Path) -> Path:
    """Write the kit as a zip only, over one that is there.

    Args:
        folder: where it goes; made if missing.

    Returns:
        The zip.

    Raises:
        NoWheel: if the wheel could not be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        return Path(shutil.copy(write(Path(place) / NAME), folder))


def make_wheel(folder: Path) -> Path:
    """Build the package's wheel from a fresh copy, so that nothing of an earlier build gets into it.

    Args:
        folder: where it goes.

    Raises:
        NoWheel: with what pip said.
        CompileError: if the contracts do not compile.
    """
    root = services.project_root()
    services.build_contracts()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "package"
        for name in PACKAGE:
            _copy(root / name, copy / name)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        done = subprocess.run(
            [*command, "--wheel-dir", f"{place}/made", str(copy)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoWheel(f"pip made no wheel of the package; it said: {done.stderr.strip() or done.stdout.strip()}")
        [made] = Path(place, "made").glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(made, folder))


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
