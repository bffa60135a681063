"""The workflows of the public CI: sound by GitHub's own schema, and their commands are the project's."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import yaml

from bcfl_support.services.programs import project_root

ROOT = project_root()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def commands(path):
    """What a workflow runs, line by line."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [line.strip() for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]


def test_they_are_valid():
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, WORKFLOWS),
    ]
    done = subprocess.run(check, capture_output=True, encoding="utf-8")
    assert WORKFLOWS and done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_their_targets_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in commands(path):
        for target in re.findall(r"^make ([a-z]+)", line):
            assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_python_that_the_readme_names_is_tested():
    low, high = map(
        int, re.search(r"Python 3\.(\d+) to 3\.(\d+)", (ROOT / "README.md").read_text(encoding="utf-8")).groups()
    )
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(low, high + 1)]
    assert "make test PYTHON=python" in commands(ROOT / ".github" / "workflows" / "test.yml")


def test_a_release_is_tested_and_holds_what_was_made():
    path = ROOT / ".github" / "workflows" / "release.yml"
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads "on" as true
    assert workflow["permissions"] == {"contents": "write"}
    version, *made, publish = commands(path)
    assert made == [f"make {target} PYTHON=python" for target in ("test", "wheel", "kit")]
    assert publish.startswith('gh release create "$GITHUB_REF_NAME" dist/*.whl dist/student-kit.zip --verify-tag')
    number = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[1]
    for tag, status in ((f"v{number}", 0), (f"v{number}0", 1)):
        done = subprocess.run(["bash", "-c", version], cwd=ROOT, env={**os.environ, "GITHUB_REF_NAME": tag})
        assert done.returncode == status, tag
