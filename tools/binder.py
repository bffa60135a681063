"""What Binder builds and what the lessons take there, tried without conda and containers: ``make binder``.

The tracked files are copied into a new home of a user who is not root, an environment beside it is filled from
requirements.lock, and postBuild runs, as repo2docker does it with environment.yml (conda's packages are PyPI's here,
and Node comes from its wheel). Then: what is on the disk, what else was left in that home, and for each lesson the
most memory that its kernel and all programs it started held together. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bcfl_support import services
from bcfl_support.errors import BcflError
from tools.lessons import lesson_paths

NOBODY = 65534
EXPECTED = ("node_modules", "contracts/out", "contracts/cache", "my", "bcfl_support.egg-info")
"""What a build adds to the clone."""

EXECUTE = """
import sys
from pathlib import Path
from tools import lessons
sys.exit(lessons.try_execute(Path(sys.argv[1]))[2] or None)
"""


class BuildFailed(BcflError, RuntimeError):
    """A step of the build, or a lesson in what it built, ended with an error."""


class Build:
    """A home and an environment as Binder makes them.

    Attributes:
        home: the clone, which is the user's home.
        environment: Python's packages.
        temporary: the user's folder for temporary files.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folders.

        Args:
            folder: an empty one.
        """
        self.home, self.environment, self.temporary = folder / "home", folder / "environment", folder / "tmp"
        self._who: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        folder.chmod(0o755)
        for place in (self.environment, self.temporary):
            place.mkdir()
        copy_tracked(self.home)
        for path in (*folder.rglob("*"), *[folder] * bool(self._who)):
            if self._who:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def start(self, *command: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Start a command in the home, as its user."""
        own = ("PYTHON", "VIRTUAL", "XDG_", "JUPYTER", "BCFL_", "MAKE", "MFLAGS", "npm_config_cache", "PIP_CACHE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        env |= {"HOME": str(self.home), "TMPDIR": str(self.temporary)}
        env["PATH"] = os.pathsep.join([str(self.environment / "bin"), "/usr/local/bin", "/usr/bin", "/bin"])
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
        return subprocess.Popen(command, cwd=self.home, env=env | variables, **pipes, **self._who)

    def run(self, *command: str | Path, **variables: str) -> None:
        """Run a command as `start` does.

        Raises:
            BuildFailed: with the end of what it said.
        """
        print("$", *command, flush=True)
        process = self.start(*command, **variables)
        said, _ = process.communicate()
        if process.returncode:
            raise BuildFailed(f"{' '.join(map(str, command))} failed; it said: {said[-2000:]}")

    def make(self) -> None:
        """What repo2docker runs."""
        makefile = (self.home / "Makefile").read_text(encoding="utf-8")
        node = re.findall(r"^NODE_WHEEL := (\S+)$", makefile, re.MULTILINE)
        self.run(self._python(), "-m", "venv", self.environment)
        install = (self.environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir")
        self.run(*install, "-r", "requirements.lock", *node)
        self.run("./postBuild")

    def _python(self) -> str:
        """A Python that the user may run: root's own folder is closed to others."""
        for program in (getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3"):
            try:
                process = self.start(program, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))")
            except OSError:
                continue
            if not process.wait():
                return str(program)
        raise BuildFailed("no Python 3.11 or newer that a user who is not root may run; install one in /usr/bin")

    def size(self) -> dict[str, float]:
        """Megabytes on the disk, by part."""
        parts = {name: megabytes(self.home / name) for name in EXPECTED}
        return {"environment": megabytes(self.environment)} | parts | {"all": megabytes(self.home.parent)}

    def left(self) -> list[str]:
        """What the build left that nobody needs: caches and temporary files."""
        tracked = set(list_tracked())
        expected = {self.home / name for name in EXPECTED}
        found = list(self.temporary.iterdir())
        for folder, names, files in os.walk(self.home):
            names[:] = [name for name in names if Path(folder, name) not in expected and name != "__pycache__"]
            found += [
                Path(folder, name) for name in files if str(Path(folder, name).relative_to(self.home)) not in tracked
            ]
        found += [path for path in (self.home / "node_modules" / ".cache", self.home / ".npm") if path.exists()]
        return sorted(str(path.relative_to(self.home.parent)) for path in found)

    def memory(self, lesson: str) -> float:
        """Megabytes that a lesson's kernel and what it starts hold at most.

        Raises:
            BuildFailed: if the lesson does not run through.
        """
        process = self.start("python", "-c", EXECUTE, f"notebooks/{lesson}")
        most = 0.0
        while process.poll() is None:
            most = max(most, sum(map(proportional_size, descendants(process.pid))))
            time.sleep(0.1)
        if process.returncode:
            raise BuildFailed(f"{lesson}: {process.communicate()[0][-2000:]}")
        return most


def list_tracked() -> list[str]:
    """Files that git follows, by their path."""
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=services.project_root(), capture_output=True, encoding="utf-8", check=True)
    return [name for name in done.stdout.split("\0") if name]


def copy_tracked(folder: Path) -> None:
    """Copy the files that git follows, as they stand in the clone.

    Args:
        folder: where to; must not exist.
    """
    for name in list_tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(services.project_root() / name, folder / name, follow_symlinks=False)


def megabytes(folder: Path) -> float:
    """What a folder takes on the disk, links not followed, in 10⁶ bytes."""
    paths = [folder, *folder.rglob("*")] if folder.exists() else []
    return round(sum(path.lstat().st_blocks * 512 for path in paths) / 1e6, 1)


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and those that these started."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = list(children.get(pid, []))
    for one in found:  # grows
        found += children.get(one, [])
    return found


def proportional_size(pid: int) -> float:
    """Memory of a process in 10⁶ bytes; what n processes share counts an n-th for each. 0 when it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return (
        sum(int(kilobytes) for kilobytes in re.findall(r"^(?:Pss|SwapPss): +(\d+) kB", text, re.MULTILINE)) * 1024 / 1e6
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Build, measure, and write results/binder.json; of lessons that are not asked for it keeps what it says."""
    names = list(sys.argv[1:] if argv is None else argv)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="binder-") as place:
        build = Build(Path(place))
        try:
            build.make()
            found: dict[str, Any] = {"command": "make binder", "size_mb": build.size(), "left": build.left()}
            print(json.dumps(found, indent=1), flush=True)
            found["memory_mb"] = {}
            for path in lesson_paths(names):
                found["memory_mb"][path.stem] = round(build.memory(path.name))
                print(f"{found['memory_mb'][path.stem]:6} MB  {path.stem}", flush=True)
        except BuildFailed as error:
            print(f"make binder: {error}", file=sys.stderr)
            return 1
    took = {"minutes": round((time.monotonic() - begin) / 60, 1), "cores": os.cpu_count()}
    result = services.project_root() / "results" / "binder.json"
    if names:  # the others stay as they were measured
        before = json.loads(result.read_text(encoding="utf-8"))
        found["memory_mb"] = before["memory_mb"] | found["memory_mb"]
        took = before["took"]
    result.write_text(json.dumps({**found, "took": took}, indent=1) + "\n", encoding="utf-8")
    return int(bool(found["left"]))


if __name__ == "__main__":
    sys.exit(main())
