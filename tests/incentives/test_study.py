"""The study's result file is read without surprises."""

from __future__ import annotations

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives import Results, mean_interval


@pytest.fixture(scope="module")
def results() -> Results:
    return Results.read()


def test_a_cell_that_was_not_played_is_an_error(results: Results) -> None:
    with pytest.raises(LookupError, match=r"section 'main' has no cell \{'cost': 0\.123\}; .* python .* run it again"):
        results.cell("main", "honest", cost=0.123)


def test_a_name_that_the_study_has_not_is_an_error_that_lists_those_it_has(results: Results) -> None:
    with pytest.raises(InvalidInput, match="effect is 'nope'; use one of alpha 0 to 2, "):
        results.effect("nope", "honest")
    with pytest.raises(InvalidInput, match="figure is 'nope'; use one of honest, effort"):
        results.effect("alpha 0 to 2", "nope")
    with pytest.raises(InvalidInput, match="figure is 'nope'; use one of honest, effort"):
        results.cell("main", "nope")
    with pytest.raises(InvalidInput, match=r"section is 'nope'; use one of .*main"):
        results.cell("nope", "honest")
    with pytest.raises(InvalidInput, match="setting is 'nope'; use one of rule, alpha"):
        results.cell("main", "honest", nope=1)


def test_a_figure_that_is_younger_than_the_cell_is_an_error(results: Results) -> None:
    content = {name: results.content[name] for name in ("command", "defaults")}
    content |= {"figures": ["honest", "new"], "sections": {"main": [{"setting": {}, "figures": [[0.5, 0.1]]}]}}
    assert Results(content).cell("main", "honest") == (0.5, 0.1)
    with pytest.raises(LookupError, match="'new' came to the study after this was played; python benchmarks/behavior"):
        Results(content).cell("main", "new")


def test_what_is_not_given_has_the_default(results: Results) -> None:
    whole = results.content["defaults"]
    assert results.cell("main", "honest", **whole) == results.cell("main", "honest")


def test_intervals_cover_the_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        mean, half = mean_interval(rng.normal(size=8))
        hits += abs(mean) <= half
    assert abs(hits / 1000 - 0.95) < 4 * 0.0069  # four standard errors
    with pytest.raises(ValueError, match=r"values have shape \(1,\); an interval needs one row of at least 2"):
        mean_interval([1.0])
    with pytest.raises(ValueError, match=r"values is \[1.0, nan\]"):
        mean_interval([1.0, np.nan])
