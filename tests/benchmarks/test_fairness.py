"""The study of fairness records: its first seed, played again, gives what its result file holds."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from _common import read_result

from notebooks import ROOT


@pytest.fixture(scope="module")
def study():
    """The script; its plain name belongs to a room of the tests, too."""
    spec = importlib.util.spec_from_file_location("fairness_study", ROOT / "benchmarks" / "fairness.py")
    module = sys.modules["fairness_study"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["IID, wrong labels", "2 classes each"])
def test_the_first_seed_of_the_conventions(study, name):
    stored = read_result("fairness")["conventions"][name]
    for key, value in study.compare_conventions(name, 0).items():
        assert stored[key][0] == pytest.approx(value, abs=1e-3, nan_ok=True), key


@pytest.mark.parametrize(("section", "once"), [("thirty", "compare_thirty"), ("noise", "value_noise")])
def test_the_first_seed_of_the_long_runs(study, section, once):
    stored = read_result("fairness")[section]
    for key, value in getattr(study, once)(0).items():
        assert stored[key][0] == pytest.approx(value, abs=1e-3), key


def test_sections_written_are_those_in_the_file(study):
    assert set(read_result("fairness")) == {"command", "seeds", "took", *study.SECTIONS}
