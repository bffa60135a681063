"""What is installed, what is missing, and how to get it: the doctor.

It runs before anything is installed, so it uses the standard library only.
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bcfl_support.errors import ToolMissing
from bcfl_support.services import programs
from bcfl_support.services.programs import advice, anvil, forge, in_clone, kubo, node, node_side, project_root


@dataclass(frozen=True)
class Check:
    """One finding of the doctor.

    Attributes:
        name: what was looked at.
        ok: whether it is as the lessons need it.
        found: what is there (differs between machines).
        advice: what to do if it is not ok; the same on every machine.
    """

    name: str
    ok: bool
    found: str
    advice: str


def doctor(stable: bool = False) -> list[Check]:
    """Look at everything the lessons need: Python, packages, programs, contracts, endpoints.

    Args:
        stable: leave out the endpoints, which this machine's environment names: a lesson prints the same everywhere.
    """
    lab, lock = advice(), 'run "pip install --upgrade bcfl-support"'
    if in_clone():
        lab = 'run "make lab" in the project folder'
        lock = 'run "make lab": it installs requirements.lock into .venv; then start Jupyter from there'
    programs, modern = (("Node.js", node), ("anvil", anvil), ("forge", forge)), sys.version_info >= (3, 11)
    checks = [
        Check("Python", modern, platform.python_version(), f"install Python 3.11 or newer, then {advice()}"),
        _check("Python packages", _packages, lock),
        *(_check(name, partial(_program, it), lab) for name, it in programs),
        _check("Solidity compiler", partial(_modules, "solc"), lab),
        _check("OpenZeppelin", partial(_modules, "@openzeppelin/contracts"), lab),
        _check("contracts compiled", _contracts, 'run "bcfl build"'),
        _check("IPFS", _ipfs, f"{advice()}, or install Kubo"),
    ]
    if not stable:
        for variable, own in (("BCFL_RPC_URL", "a local anvil"), ("BCFL_IPFS_API", "a local node")):
            start = f"start that node, correct {variable}, or unset it to use {own}"
            checks.append(_check(variable, partial(_endpoint, variable, own), start))
    return checks


def format_doctor(checks: Sequence[Check], stable: bool = False) -> str:
    """The findings as plain text, one line each, advice below what is missing.

    >>> print(format_doctor([Check("Python", True, "3.12.1", ""), Check("anvil", False, "not found", "run make lab")]))
    ok       Python              3.12.1
    missing  anvil               not found
             -> run make lab
    >>> print(format_doctor([Check("Python", True, "3.12.1", "")], stable=True))
    ok       Python

    Args:
        checks: what `doctor` returned.
        stable: leave out what differs between machines.
    """
    lines = []
    for check in checks:
        lines.append(f"{'ok' if check.ok else 'missing':<9}{check.name:<20}{'' if stable else check.found}".rstrip())
        if not check.ok:
            lines.append(f"         -> {check.advice}")
    return "\n".join(lines)


# ---------------------------------------------------------------- what the lessons cannot run without
def _check(name: str, look: Callable[[], str], advice: str) -> Check:
    """What `look` found; it raises `ToolMissing` (an `OSError`), `ValueError` or `ImportError` with what is wrong."""
    try:
        return Check(name, True, look(), advice)
    except (OSError, ValueError, ImportError) as error:
        return Check(name, False, str(error), advice)


def _packages() -> str:
    """Compare what `pyproject.toml` names for the lessons with `requirements.lock`; a wheel bears other versions."""
    import importlib.metadata  # slow to import, needed by the doctor only
    import tomllib  # Python 3.11 brings it; the doctor has to say so on an older one

    project = tomllib.loads((project_root() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lab = project["optional-dependencies"]["lab"] if in_clone() else []
    named = "\n".join([*project["dependencies"], *lab]).replace("_", "-")
    packages = re.findall(r"^[\w-]+", named, re.MULTILINE)
    lock = (project_root() / "requirements.lock").read_text(encoding="utf-8")
    wrong = []
    for package in packages:
        # A package may be pinned twice, for older and newer Pythons.
        wanted = re.findall(rf"^{re.escape(package)}==([^\s;]+)", lock, flags=re.MULTILINE)
        try:
            found = importlib.metadata.version(package).split("+")[0]  # 2.13.0+cpu is 2.13.0
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found not in wanted:
            wrong.append(f"{package} {found} (wanted {' or '.join(wanted) or 'a pin in the lock'})")
    if wrong and (in_clone() or any(" missing (" in line for line in wrong)):
        raise ToolMissing("; ".join(wrong))
    return f"{len(packages)} main packages as locked" + f" but for {'; '.join(wrong)}" * bool(wrong)


def _program(find: Callable[[], Path]) -> str:
    program = find()
    return f"{programs.version_of(program)} {program}"


def _modules(*names: str) -> str:
    """Names and versions of npm packages, which must be in the node side's node_modules."""
    found = []
    for name in names:
        path = node_side() / "node_modules" / name / "package.json"
        if not path.is_file():
            raise ToolMissing(f"{name} is not in node_modules")
        found.append(f"{name} {json.loads(path.read_text(encoding='utf-8'))['version']}")
    return ", ".join(found)


def _contracts() -> str:
    folder = project_root() / "contracts"
    sources = sorted(path.stem for path in (folder / "src").rglob("*.sol"))
    missing = [name for name in sources if not any((folder / "out" / f"{name}.sol").glob("*.json"))]
    if missing or not sources:
        raise ToolMissing(f"not compiled: {', '.join(missing) or f'no sources in {folder}'}")
    return f"{len(sources)} sources compiled"


def _ipfs() -> str:
    program = kubo()
    return f"Kubo: {program}" if program else f"embedded node ({_modules('@helia/unixfs', 'blockstore-fs')})"


def _endpoint(variable: str, own: str) -> str:
    """The endpoint the environment names: does anything accept a connection there?"""
    if not (address := os.environ.get(variable, "")):
        return f"not set: {own} is started when needed"
    host, port = _host_and_port(address)
    try:
        socket.create_connection((host, port), timeout=3).close()
    except (OSError, OverflowError) as error:
        raise ToolMissing(f"{host}:{port} does not answer ({error})") from None
    return f"{host}:{port} accepts connections"


def _host_and_port(address: str) -> tuple[str, int]:
    """Host and port of a URL or of a multiaddress such as /ip4/127.0.0.1/tcp/5001.

    >>> _host_and_port("/dns/ipfs.example/tcp/5001/https"), _host_and_port("https://rpc.example/key")
    (('ipfs.example', 5001), ('rpc.example', 443))
    """
    if found := re.match(r"/\w+/([^/]+)/tcp/(\d+)", address):
        return found[1], int(found[2])
    parts = urlsplit(address)
    return parts.hostname or address, parts.port or (443 if parts.scheme == "https" else 80)
