"""Where the project lives: one line of CITATION.cff, from which the README's badge and pyproject's link are written.

    python -m tools address https://github.com/you/lessons

A fork sets its address once. Without one the README says how to set it.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from bcfl_support.errors import InvalidInput

ROOT = Path(__file__).resolve().parent.parent
FIRST = "lab/tree/my/00_start_here.ipynb"
"""What Binder opens: the first lesson, blank."""

_LINE = re.compile(r'^repository-code: "([^"]*)"\n', re.MULTILINE)
_BADGE = re.compile(r"(<!-- address -->\n).*?(<!-- /address -->\n)", re.DOTALL)
_URLS = re.compile(r'^\[project\.urls\]\nRepository = "[^"]*"\n\n', re.MULTILINE)


def read(root: Path = ROOT) -> str:
    """The repository's address, as CITATION.cff has it; empty if it has none."""
    found = _LINE.search((root / "CITATION.cff").read_text(encoding="utf-8"))
    return found[1] if found else ""


def binder_link(address: str) -> str:
    """Where Binder builds a repository and opens the first lesson.

    >>> binder_link("https://github.com/you/lessons")
    'https://mybinder.org/v2/gh/you/lessons/HEAD?urlpath=lab%2Ftree%2Fmy%2F00_start_here.ipynb'

    Args:
        address: of the repository; GitHub and GitLab have ways of their own, others are cloned.
    """
    parts = urlsplit(address)
    way = {"github.com": f"gh{parts.path}", "gitlab.com": f"gl/{quote(parts.path[1:], safe='')}"}
    place = way.get(parts.netloc, f"git/{quote(address, safe='')}")
    return f"https://mybinder.org/v2/{place}/HEAD?urlpath={quote(FIRST, safe='')}"


def describe(address: str) -> str:
    """What the README says of starting without a clone."""
    if not address:
        return (
            "Without installing: this copy does not say where it is published. Push it to a public repository, run\n"
            "`make address ADDRESS=https://github.com/you/lessons` with its address, and a badge for\n"
            "[Binder](https://mybinder.org) stands here.\n"
        )
    badge = f"[![Open the first lesson on Binder](https://mybinder.org/badge_logo.svg)]({binder_link(address)})"
    return f"{badge} Without installing, in a browser; Binder takes some minutes to start.\n"


def write(address: str, root: Path = ROOT) -> None:
    """Set the address, in CITATION.cff, the README and pyproject.toml.

    Args:
        address: of the repository, https; empty takes it away.
        root: folder of the project.

    Raises:
        InvalidInput: it is no address of a repository.
    """
    parts = urlsplit(address)
    if address and not (parts.scheme == "https" and parts.netloc and re.fullmatch(r"(/[\w.~-]+){2,}", parts.path)):
        example = "https://github.com/you/lessons"
        raise InvalidInput(f"{address!r} is no address of a repository; give one such as {example}")
    address = address.removesuffix(".git")
    citation, readme, project = root / "CITATION.cff", root / "README.md", root / "pyproject.toml"
    line = f'repository-code: "{address}"\n' if address else ""
    text = _LINE.sub("", citation.read_text(encoding="utf-8"))
    citation.write_text(text.replace("license: MIT\n", f"license: MIT\n{line}"), encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    readme.write_text(_BADGE.sub(lambda found: found[1] + describe(address) + found[2], text), encoding="utf-8")
    urls = f'[project.urls]\nRepository = "{address}"\n\n' if address else ""
    text = _URLS.sub("", project.read_text(encoding="utf-8"))
    project.write_text(text.replace("[project.scripts]\n", f"{urls}[project.scripts]\n"), encoding="utf-8")
