"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bcfl_support.errors import ToolMissing
from bcfl_support.services.programs import (
    _version_of,
    anvil,
    built_contracts,
    forge,
    kubo,
    node,
    project_root,
    solc_wrapper,
)

# ---------------------------------------------------------------- the doctor
PINNED = ("jupyterlab", "web3", "torch", "numpy", "matplotlib", "ipywidgets", "ipfshttpclient", "nbval")
"""Packages whose installed version the doctor compares with `requirements.lock`."""


@dataclass(frozen=True)
class Check:
    """One finding of the doctor.

    Attributes:
        name: what was looked at.
        ok: whether it is as the lessons need it.
        found: what is there (differs between machines).
        advice: what to do if it is not ok; the same on every machine.
        necessary: whether the lessons cannot run without it.
    """

    name: str
    ok: bool
    found: str
    advice: str
    necessary: bool = True


def doctor(stable: bool = False) -> list[Check]:
    """Look at everything the lessons need: Python, packages, programs, contracts, endpoints, the machine.

    Args:
        stable: leave out the checks that only describe the machine, so that a lesson prints the same everywhere.
    """
    checks = [_check_python(), _check_packages()]
    checks += [_check_program("Node.js", node), _check_program("anvil", anvil), _check_program("forge", forge)]
    checks += [
        _check_module("Solidity compiler", "solc", also=solc_wrapper),
        _check_module("OpenZeppelin", "@openzeppelin/contracts"),
        _check_contracts(),
        _check_ipfs(),
    ]
    if not stable:
        checks += [*_check_endpoints(), *_describe_machine()]
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
        state = "ok" if check.ok else "missing" if check.necessary else "note"
        lines.append(f"{state:<9}{check.name:<20}{'' if stable else check.found}".rstrip())
        if not check.ok:
            lines.append(f"         -> {check.advice}")
    return "\n".join(lines)


def _check_python() -> Check:
    fits = sys.version_info >= (3, 11)
    return Check("Python", fits, platform.python_version(), "install Python 3.11 or newer, then run make lab")


def _installed(package: str) -> str:
    """Installed version of a Python package without its local label (`2.13.0+cpu` is 2.13.0), or an empty string."""
    import importlib.metadata  # slow to import, needed by the doctor only

    try:
        return importlib.metadata.version(package).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def _check_packages() -> Check:
    advice = 'run "make lab": it installs requirements.lock into .venv; then start Jupyter from there'
    try:
        lock = (project_root() / "requirements.lock").read_text()
    except OSError as error:
        return Check("Python packages", False, f"no requirements.lock ({error})", advice)
    wrong = []
    for package in PINNED:
        # A package may be pinned twice, for older and newer Pythons.
        wanted = re.findall(rf"^{re.escape(package)}==([^\s;]+)", lock, flags=re.MULTILINE)
        found = _installed(package)
        if found not in wanted:
            wrong.append(f"{package} {found or 'missing'} (wanted {' or '.join(wanted) or 'a pin in the lock'})")
    return Check("Python packages", not wrong, "; ".join(wrong) or f"{len(PINNED)} main packages as locked", advice)


def _check_program(name: str, find: Callable[[], Path]) -> Check:
    advice = 'run "make lab" in the project folder'
    try:
        program = find()
    except ToolMissing as error:
        return Check(name, False, str(error), advice)
    version = _version_of(program)
    return Check(name, bool(version), f"{version or 'does not run:'} {program}", advice)


def _module_version(module: str) -> str:
    """Version of an npm package in the project's node_modules, or an empty string."""
    with contextlib.suppress(OSError, ToolMissing):
        text = (project_root() / "node_modules" / module / "package.json").read_text()
        return (re.findall(r'"version"\s*:\s*"([^"]+)"', text) or [""])[0]
    return ""


def _check_module(name: str, module: str, also: Callable[[], Path] | None = None) -> Check:
    version = _module_version(module)
    found = f"{module} {version}" if version else f"{module} is not in node_modules"
    if also is not None:
        try:
            also()
        except ToolMissing as error:
            return Check(name, False, str(error), "restore the file from the repository")
    return Check(name, bool(version), found, 'run "make lab" (or "npm ci") in the project folder')


def _check_contracts() -> Check:
    advice = 'run "bcfl build"'
    try:
        there, missing = built_contracts()
    except ToolMissing as error:
        return Check("contracts compiled", False, str(error), advice)
    found = f"not compiled: {', '.join(missing)}" if missing else f"{len(there)} sources compiled"
    return Check("contracts compiled", bool(there) and not missing, found, advice)


def _check_ipfs() -> Check:
    program = kubo()
    if program is not None:
        return Check("IPFS", True, f"Kubo: {program}", "")
    versions = {module: _module_version(module) for module in ("@helia/unixfs", "blockstore-fs")}
    missing = [module for module, version in versions.items() if not version]
    found = f"no Kubo; not in node_modules: {', '.join(missing)}" if missing else "embedded node (no Kubo on PATH)"
    return Check("IPFS", not missing, found, 'run "make lab" (or "npm ci"), or install Kubo')


def _check_endpoints() -> list[Check]:
    """The endpoints the environment names: does anything accept a connection there?"""
    checks = []
    for variable, own in (("BCFL_RPC_URL", "a local anvil"), ("BCFL_IPFS_API", "a local node")):
        address = os.environ.get(variable, "")
        if not address:
            checks.append(Check(variable, True, f"not set: {own} is started when needed", "", necessary=False))
            continue
        host, port = _host_and_port(address)
        try:
            socket.create_connection((host, port), timeout=3).close()
            checks.append(Check(variable, True, f"{host}:{port} accepts connections", ""))
        except OSError as error:
            advice = f"start that node, correct {variable}, or unset it to use {own}"
            checks.append(Check(variable, False, f"{host}:{port} does not answer ({error})", advice))
    return checks


def _host_and_port(address: str) -> tuple[str, int]:
    """Host and port of a URL or of a multiaddress such as /ip4/127.0.0.1/tcp/5001.

    >>> _host_and_port("/dns/ipfs.example/tcp/5001/https"), _host_and_port("https://rpc.example/key")
    (('ipfs.example', 5001), ('rpc.example', 443))
    """
    if address.startswith("/"):
        parts = [*address.split("/"), "", ""]
        port = parts[4] if parts[3] == "tcp" else ""
        return parts[2], int(port) if port.isdigit() else 5001
    found = re.match(r"(?P<scheme>\w+)://(?:[^@/]*@)?\[?(?P<host>[^/\]]+?)\]?(?::(?P<port>\d+))?(?:/|$)", address)
    if found is None:
        return address, 0
    return found["host"], int(found["port"] or (443 if found["scheme"].endswith("s") else 80))


def _describe_machine() -> list[Check]:
    """Memory, cores and BLAS threads: notes, never a reason to stop."""
    free = _free_memory()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return [
        Check(
            "free memory",
            free >= 2.0,
            f"{free:.1f} GB",
            "close other programs: the lessons are measured with 2 GB free",
            necessary=False,
        ),
        Check("processor cores", True, str(len(_usable_cores())), "", necessary=False),
        Check(
            "BLAS threads",
            True,
            f"OMP_NUM_THREADS={threads}" if threads else "one a core (OMP_NUM_THREADS is not set)",
            "",
            necessary=False,
        ),
    ]


def _usable_cores() -> Sequence[int]:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux: containers and Binder allow fewer than the machine has
    return sorted(affinity(0)) if affinity else range(os.cpu_count() or 1)


def _free_memory() -> float:
    """Memory this process may still take, in GB (10^9 bytes): the machine's, or less if a container limits it."""
    bounds = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text()
        bounds.append(int(re.findall(r"MemAvailable:\s+(\d+) kB", text)[0]) * 1024)
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        used = int((group / "memory.current").read_text())
        bounds.append(int((group / "memory.max").read_text()) - used)
    if not bounds:  # macOS: only the total is known without further tools
        bounds.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(bounds) / 1e9


def versions() -> dict[str, str]:
    """Version of everything that can change a result, by name; empty if it is not there."""
    programs = {"node": node, "anvil": anvil, "forge": forge}
    found = {"bcfl_support": _installed("bcfl-support"), "python": platform.python_version()}
    for name, find in programs.items():
        try:
            found[name] = (re.findall(r"\d+\.\d+\.\d+", _version_of(find())) or [""])[0]
        except ToolMissing:
            found[name] = ""
    modules = ("solc", "@openzeppelin/contracts", "@helia/unixfs", "blockstore-fs")
    return found | {module: _module_version(module) for module in modules} | {name: _installed(name) for name in PINNED}
