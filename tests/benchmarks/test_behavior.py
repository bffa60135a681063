"""The study of learning clients: its result file says what the code gives."""

from __future__ import annotations

import numpy as np
import pytest
from behavior import CLIENTS, FIGURES, ROUNDS, SEEDS, Setting, cut_seeds, get_world, play_setting, study

from bcfl_support import incentives
from bcfl_support.incentives import Results

STAY = {"policies": "honest", "busy": 0.3, "busy_factor": 3.0}


@pytest.fixture(scope="module")
def results() -> Results:
    return Results.read()


@pytest.mark.parametrize(
    ("section", "setting"),
    [
        ("main", Setting()),
        ("phase", Setting(rule="gate", alpha=2.0, cost=0.9)),
        ("offers", Setting(rule="threshold", budget=2.0)),
        ("definitions", Setting(**STAY, alpha=10.0, consistency="streak", window=32, drop=0.1)),
        ("stay", Setting(alpha=2.0, foresight=0.0, policies="honest", busy=0.3, busy_factor=3.0)),
    ],
)
def test_cells_of_the_file_are_what_the_code_gives(results: Results, section: str, setting: Setting) -> None:
    figures = play_setting(setting)
    for name in FIGURES[:19]:  # what came later, these cells do not have
        mean, half = incentives.mean_interval(figures[name])
        assert results.cell(section, name, **setting.changed()) == pytest.approx((mean, half), abs=2e-5), name


def test_effects_are_taken_seed_by_seed(results: Results) -> None:
    before, after = Setting(alpha=0.0, partition="iid"), Setting(alpha=2.0, partition="iid")
    [found] = [
        (mean, half)
        for start, end, mean, half in results.effect("alpha 0 to 2", "accuracy")
        if (start, end) == (before.changed(), after.changed())
    ]
    change = play_setting(after)["accuracy"] - play_setting(before)["accuracy"]
    assert found == pytest.approx(incentives.mean_interval(change), abs=2e-5)


def test_the_study_is_as_large_as_it_says(results: Results) -> None:
    content = results.content
    assert content["seeds"] == len(SEEDS) >= 20 and content["rounds"] == ROUNDS == 150
    assert content["command"] == "python benchmarks/behavior.py --json"
    assert content["study_minutes"] <= 15 and content["run_150x12_s"] <= 1 and content["onchain_equals_simulated"]
    assert content["figures"] == list(FIGURES)
    assert all(part["command"] == "python benchmarks/behavior.py --json --missing" for part in content["added"])
    younger = ("offers", "most alpha", "bounds", "convergence")
    for name, cells in content["sections"].items():
        for cell in cells:
            values = np.array(cell["figures"])
            whole = len(FIGURES) if name in younger else values.shape[0]
            assert (
                values.shape == (whole, 2) and whole >= 19 and np.isfinite(values).all() and (values[:, 1] >= 0).all()
            )


def test_seeds_of_its_own_are_those_of_all_cells_and_more() -> None:
    assert cut_seeds(Setting(), SEEDS) == [SEEDS]
    first, *more = cut_seeds(Setting(seeds=60), SEEDS)
    assert first == SEEDS and [len(chunk) for chunk in more] == [20, 20]
    own = [seed for chunk in more for seed in chunk]
    assert len(set(own)) == 40 and min(own) >= 10_000, "the numbers between are left to who checks claims"


def test_what_the_file_has_is_not_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Setting(learner="fixed")
    tested = {"main": [base, Setting(learner="fixed", rule="flat")]}
    monkeypatch.setattr("behavior.list_sections", lambda _quick: tested)
    monkeypatch.setattr("behavior.list_effects", lambda _quick: [("change", *tested["main"])])
    whole = study(quick=True, jobs=1, known={})
    assert whole["cells_played"] == 2 and whole["added"] == []
    mark = {"setting": base.changed(), "figures": [[0.5, 0.1]]}
    part = study(quick=True, jobs=1, known=whole | {"sections": {"main": [mark]}})
    assert part["sections"]["main"] == [mark, whole["sections"]["main"][1]] and part["effects"] == whole["effects"]
    assert [added["cells_played"] for added in part["added"]] == [1] and part["cells_played"] == 2


def test_a_setting_names_what_it_changes() -> None:
    assert Setting().changed() == {}
    assert Setting(rule="gate", stake=3.0, consistency="streak").changed() == {
        "rule": "gate",
        "consistency": "streak",
        "stake": 3.0,
    }
    rule = Setting(rule="gate", alpha=1.5, stake=3.0, consistency="streak", window=4).pay_rule()
    assert (rule.gate, rule.alpha, rule.stake, rule.consistency, rule.window) == ("product", 1.5, 3.0, "streak", 4)
    assert Setting(rule="paper_fines").pay_rule().stake == incentives.PAY_RULES["paper_fines"].stake == 10.0


def test_another_partition_is_another_world() -> None:
    small = get_world("midpoint", False, "dir0.1", (0, 1))
    assert small.score == "midpoint" and small.sizes.shape == (2, CLIENTS)
    assert small.sizes.std() > get_world("midpoint", False, "iid", (0, 1)).sizes.std()
