"""The repository's address: set once, said everywhere."""

from __future__ import annotations

import doctest
import shutil
import tomllib

import pytest
import yaml

from bcfl_support.errors import InvalidInput
from tools import address


@pytest.fixture
def fork(tmp_path):
    for name in ("CITATION.cff", "README.md", "pyproject.toml"):
        shutil.copy(address.ROOT / name, tmp_path)
    return tmp_path


def texts(folder):
    return {
        name: (folder / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "README.md", "pyproject.toml")
    }


def test_doctests():
    assert doctest.testmod(address).failed == 0


def test_the_readme_says_what_the_citation_has():
    assert address.describe(address.read()) in texts(address.ROOT)["README.md"]


@pytest.mark.parametrize(
    ("where", "link"),
    [
        ("https://github.com/you/lessons", "v2/gh/you/lessons/HEAD"),
        ("https://github.com/you/lessons.git", "v2/gh/you/lessons/HEAD"),
        ("https://gitlab.com/a/b/lessons", "v2/gl/a%2Fb%2Flessons/HEAD"),
        ("https://git.school.edu/you/lessons", "v2/git/https%3A%2F%2Fgit.school.edu%2Fyou%2Flessons/HEAD"),
    ],
)
def test_a_fork_sets_it_once(fork, where, link):
    before = texts(fork)
    for _ in range(2):  # setting it again changes nothing
        address.write(where, fork)
        said = texts(fork)
        assert address.read(fork) == where.removesuffix(".git")
        assert yaml.safe_load(said["CITATION.cff"])["repository-code"] == where.removesuffix(".git")
        assert tomllib.loads(said["pyproject.toml"])["project"]["urls"]["Repository"] == where.removesuffix(".git")
        assert said["README.md"].count(link) == 1 and "my%2F00_start_here.ipynb" in said["README.md"]
    address.write("https://github.com/other/name", fork)
    assert link not in texts(fork)["README.md"]
    address.write("", fork)
    assert address.read(fork) == "" and (texts(fork) == before or address.read())


@pytest.mark.parametrize(
    "wrong", ["github.com/you/lessons", "http://github.com/you/lessons", "https://github.com/you", "you"]
)
def test_what_is_no_address_is_refused(fork, wrong):
    before = texts(fork)
    with pytest.raises(InvalidInput, match="is no address of a repository; give one such as https://"):
        address.write(wrong, fork)
    assert texts(fork) == before
