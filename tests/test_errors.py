"""What a learner sees of an error: their own line and the sentence, not the package's insides."""

from __future__ import annotations

import nbformat

from bcfl_support import errors
from tools import lessons


def test_notebook_shows_the_reader_s_own_lines_and_the_sentence(tmp_path):
    source = (
        "from bcfl_support import ipfs\n\n\ndef look_up(text):\n    return ipfs.parse_cid(text)\n\n\nlook_up('no CID')"
    )
    cell = nbformat.v4.new_code_cell(source)
    client = lessons.make_client(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    client.allow_errors = True
    client.execute()
    [error] = cell.outputs
    first, second, *last = error.traceback
    assert (first, second) == (
        "line 8 of the cell:  look_up('no CID')",
        "line 5 of the cell:  return ipfs.parse_cid(text)",
    )
    assert " ".join(last) == f"InvalidCid: {error.evalue}" and "no CID" in last[0]
    assert max(map(len, last)) <= errors.WIDTH, "a notebook would break it in the middle of a word"


def test_a_stored_lesson_keeps_the_reader_s_lines_and_no_folder_of_this_machine(tmp_path):
    sources = ("from bcfl_support import ipfs\nipfs.parse_cid('no CID')", "open('/nowhere/at/all')")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = lessons.make_client(notebook, tmp_path)
    client.allow_errors = True
    client.execute()
    lessons.store(notebook, tmp_path / "stored.ipynb")
    ours, other = (cell.outputs[0].traceback for cell in nbformat.read(tmp_path / "stored.ipynb", 4).cells)
    assert ours[0] == "line 2 of the cell:  ipfs.parse_cid('no CID')" and len(ours) > 1
    assert other == ["FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/at/all'"]
