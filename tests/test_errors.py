"""What a learner sees of an error: their own line and the sentence, not the package's insides."""

from __future__ import annotations

import nbformat

from bcfl_support import errors
from tools import lessons


def test_notebook_shows_the_reader_s_own_lines_and_the_sentence(tmp_path):
    source = (
        "from bcfl_support import cids\n\n\ndef look_up(text):\n    return cids.parse_cid(text)\n\n\nlook_up('no CID')"
    )
    cell = nbformat.v4.new_code_cell(source)
    client = lessons.make_client(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    client.allow_errors = True
    client.execute()
    [error] = cell.outputs
    first, second, *last = error.traceback
    assert (first, second) == (
        "line 8 of the cell:  look_up('no CID')",
        "line 5 of the cell:  return cids.parse_cid(text)",
    )
    assert " ".join(last) == f"InvalidCid: {error.evalue}" and "no CID" in last[0]
    assert max(map(len, last)) <= errors.WIDTH, "a notebook would break it in the middle of a word"
