"""The study's result file is read without surprises."""

from __future__ import annotations

import pytest

from bcfl_support.incentives import Results


@pytest.fixture(scope="module")
def results() -> Results:
    return Results.read()


def test_a_cell_that_was_not_played_is_an_error(results: Results) -> None:
    with pytest.raises(LookupError, match=r"section 'main' has no cell \{'cost': 0\.123\}; the study plays python"):
        results.cell("main", "honest", cost=0.123)
    assert results.effect("no such comparison", "honest") == []


def test_what_is_not_given_has_the_default(results: Results) -> None:
    whole = results.content["defaults"]
    assert results.cell("main", "honest", **whole) == results.cell("main", "honest")
