"""``make hand-in`` of a student's kit: copies of the lessons that somebody has written in, under a name.

It is in the kit, too, and runs before anything is set up there: it needs Python alone.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


def cells(path: Path) -> list[tuple[str, str]] | None:
    """What a notebook says and asks to compute; None if the file is none.

    Outputs and metadata are left out, and so are empty cells, empty lines around a cell's text and blanks at the end of
    a line, which programs add and take away.
    """
    try:
        found = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(path.read_bytes())["cells"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    texts = [(kind, "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")) for kind, text in found]
    return [(kind, text) for kind, text in texts if text]


def hand_in(folder: Path, name: str, numbers: Sequence[str] = ()) -> Iterator[str]:
    """Copy lessons from `my` to `hand-in`.

    Args:
        folder: of the kit.
        name: the student's.
        numbers: of the lessons; empty takes all.

    Yields:
        For each lesson where its copy is, or why there is none.

    Raises:
        ValueError: if the name could not be told from the lesson's, or would lead to another folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", name):
        raise ValueError("Say who you are, in letters and digits: make hand-in NAME=anna")
    known = {path.stem for path in (folder / "lessons").glob("*.ipynb")}
    mine = {path.stem: path for path in sorted((folder / "my").glob("*.ipynb"))}
    meant = {number: [stem for stem in mine if stem in known and _is(stem, number)] for number in numbers}
    wanted = {stem for found in meant.values() for stem in found} if numbers else set(mine)
    (folder / "hand-in").mkdir(exist_ok=True)
    for stem in (stem for stem in mine if stem in wanted):
        written, copy = cells(mine[stem]), f"hand-in/{name}_{stem}.ipynb"
        if stem not in known:
            yield f"left: my/{stem}.ipynb, which is called as no lesson is"
        elif written is not None and written == cells(folder / "lessons" / f"{stem}.ipynb"):
            yield f"left: my/{stem}.ipynb, in which you have written nothing"
        else:
            shutil.copy2(mine[stem], folder / copy)
            yield copy
    yield from (f"There is no lesson {number} in my/" for number, found in meant.items() if not found)


def _is(stem: str, number: str) -> bool:
    """Whether a lesson is meant by a number, such as ``0`` or ``00``, or by its name."""
    begin = re.match(r"[0-9]+", stem)
    return stem == number or (begin is not None and number.isdecimal() and int(begin[0]) == int(number))


def main(argv: Sequence[str]) -> int:
    """Hand in, in the working folder; return the exit status."""
    try:
        for sentence in hand_in(Path.cwd(), argv[0] if argv else "", argv[1:]):
            print(sentence)
    except (ValueError, OSError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
