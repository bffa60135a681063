"""The study of sparse updates: what its shares mean, who lies in it and how, and what its result file must hold."""

from __future__ import annotations

import numpy as np
import pytest
import sparse as study  # the benchmark
from _common import read_result

from bcfl_support import adversaries
from bcfl_support.scaling import compute_round
from bcfl_support.scaling.sparse import UNIT, compute_factors, to_picks

BAD = np.array([0, 2])


@pytest.fixture(scope="module")
def seen():
    """The second round of an honest sparse run, and the step its values count in."""
    *_, (_, last, step) = study.play("IID", "feedback", 0, 2, study.SMALL)
    return last, step


@pytest.mark.parametrize("clipped", [False, True])
def test_shares_are_those_of_the_contracts_scores(clipped):
    rng = np.random.default_rng(1)
    values = rng.integers(-20, 21, (5, 300)).astype(np.int8)
    values[0] *= 6  # a long one, to be cut
    samples = np.array([3, 1, 4, 1, 5])
    if clipped:
        norms = [int(norm) for norm in (values.astype(int) ** 2).sum(axis=1)]
        c = samples * np.array(compute_factors(norms, samples.tolist())) / UNIT
        scores = c * (values.astype(float) @ (c @ values.astype(float)))
    else:
        scores = np.array(compute_round(values, samples.tolist()).scores, dtype=float)
    pay = np.maximum(scores, 0)
    expected = pay[BAD].sum() / pay.sum()
    assert study.share_of_pay(0.01 * values, samples, BAD, clipped) == pytest.approx(expected, rel=1e-6)


def test_a_round_that_pays_nothing_gives_no_share():
    assert study.share_of_pay(np.zeros((3, 4)), np.array([1, 2, 3]), np.array([0]), clipped=True) == 0


def test_what_is_sent_is_sparse_and_in_steps(seen):
    round_, step = seen
    values = np.rint(round_.updates / step)
    assert np.allclose(values * step, round_.updates) and np.abs(values).max() <= 127
    to_picks(values.astype(np.int8))  # refuses a block with two


@pytest.mark.parametrize("name", adversaries.ATTACKS)
def test_liars_send_what_rung_5_takes_and_nobody_else_changes(seen, name):
    round_, step = seen
    updates = study.lie(name, round_, BAD, step, 0, 2)
    assert (np.delete(updates, BAD, axis=0) == np.delete(round_.updates, BAD, axis=0)).all()
    values = np.rint(updates / step)
    assert np.allclose(values * step, updates) and np.abs(values).max() <= 127
    to_picks(values.astype(np.int8))
    if name == "honest":
        assert (updates == round_.updates).all()


def test_blocks_in_which_two_met():
    updates = np.zeros((3, 128))
    updates[0, [3, 70]], updates[1, [3, 71]], updates[2, [4, 70]] = 1.0, -2.0, 5.0
    assert study.share_met(updates) == pytest.approx((1 + 1 + 0) / (3 * 2))  # three pairs, two blocks


def test_dense_clients_send_what_they_trained_and_remember_nothing():
    updates = np.random.default_rng(0).normal(0, 0.01, (2, 70))
    sent, step = study.Compressor("dense").send(updates)
    assert sent is updates and step == 0


def test_only_with_feedback_is_what_was_not_sent_sent_later():
    updates = np.zeros((1, 64))
    updates[0, :2] = 0.125, 0.0625
    sent = {}
    for mode in ("feedback", "plain"):
        compressor = study.Compressor(mode)
        first, _ = compressor.send(updates)
        second, _ = compressor.send(0 * updates)
        sent[mode] = (first + second)[0, :2].tolist()
    assert sent == {"feedback": [0.125, 0.0625], "plain": [0.125, 0.0]}


def test_one_seed_of_the_attacks_plays():
    shares = study.play_attacks("Dirichlet 0.1", 1, (1,))
    assert set(shares) == {*adversaries.ATTACKS, "met"}
    for name in adversaries.ATTACKS:
        assert set(shares[name]) == {"dense", "dense, clipped", "sparse", "sparse, clipped"}
        assert all(0 <= share <= 1 for share in shares[name].values())
    assert 0 < shares["met"]["sparse"] < 1


def test_the_file_has_every_deal_and_attack():
    stored = read_result("sparse")
    names = {(deal, name) for deal in study.DEALS for name in (*adversaries.ATTACKS, "met")}
    assert {(row["deal"], row["attack"]) for row in stored["attacks"]} == names
    assert stored["seeds"] == study.SEEDS
    for row in stored["attacks"]:
        if row["attack"] == "met":
            continue
        for rule in ("", ", clipped"):
            change = row["sparse" + rule][0] - row["dense" + rule][0]
            assert row["change" + rule][0] == pytest.approx(change, abs=2e-4)


@pytest.mark.parametrize(("deal", "mode"), [("Dirichlet 0.1", "feedback"), ("IID", "plain")])
def test_seed_0_of_the_accuracies_is_what_the_code_gives(deal, mode):
    [stored] = [row for row in read_result("sparse")["accuracy"] if (row["deal"], row["mode"]) == (deal, mode)]
    marks = study.MARKS[:2]
    played = study.play_accuracy(deal, mode, 0, marks)
    assert played == pytest.approx([stored["accuracy"][str(mark)][0] for mark in marks], abs=0.005)


def test_the_file_has_every_accuracy():
    """20 seeds of each deal, mode and mark; the gap is the paired one, of dense updates with the same seeds."""
    stored = {(row["deal"], row["mode"]): row for row in read_result("sparse")["accuracy"]}
    assert set(stored) == {(deal, mode) for deal in study.DEALS for mode in study.MODES}
    for (deal, mode), row in stored.items():
        assert list(row["accuracy"]) == [str(mark) for mark in study.MARKS]
        assert {len(values) for values in row["accuracy"].values()} == {study.SEEDS}
        for mark, values in row["accuracy"].items() if mode != "dense" else ():
            points = 100 * (np.array(values) - stored[deal, "dense"]["accuracy"][mark])
            assert row["gap"][mark] == study.summarize(points, 3)


def test_accuracies_are_of_the_marked_rounds():
    """Honest dense rounds learn, and the number at a mark does not depend on which other marks there are."""
    both = study.play_accuracy("IID", "dense", 0, (1, 6))
    assert both[-1:] == study.play_accuracy("IID", "dense", 0, (6,)) and both[1] > both[0] + 0.1


def test_one_section_anew_keeps_what_the_file_has_of_the_other_one(monkeypatch):
    written = {}
    monkeypatch.setattr(study, "read_result", lambda name: {"accuracy": ["kept"], "seeds": 20})
    monkeypatch.setattr(study, "write_result", lambda name, content, *, whole: written.update(content))
    monkeypatch.setattr(study, "study_attacks", lambda jobs, seeds, rounds: ["new"])
    monkeypatch.setattr("sys.argv", ["sparse.py", "--only", "attacks"])
    study.main()
    assert written == {"accuracy": ["kept"], "attacks": ["new"], "seeds": study.SEEDS}
    monkeypatch.setattr(study, "read_result", lambda name: {})
    written.clear()
    study.main()
    assert written == {"attacks": ["new"], "seeds": study.SEEDS}, "a section that nobody played is not there"
