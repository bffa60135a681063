"""Attacks against byzfl's, and against the papers' formulas in slow loops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm as normal

from bcfl_support.adversaries import attacks, collusion
from bcfl_support.errors import InvalidInput
from bcfl_support.learning import fedavg
from bcfl_support.scores import alignment_scores

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "byzfl.json").read_text())["cases"]
HONEST = np.random.default_rng(5).standard_normal((4, 7, 6)) + 0.4  # four seeds, seven clients, six parameters


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
class TestAgainstByzfl:
    def test_alie_subtracts_what_byzfl_adds(self, case: dict) -> None:
        np.testing.assert_allclose(attacks.alie(case["updates"], z=-1.5), case["alie_1.5"], rtol=1e-12)

    def test_ipm(self, case: dict) -> None:
        np.testing.assert_allclose(attacks.ipm(case["updates"], tau=2.0), case["ipm_2"], rtol=1e-12)

    def test_sign_flip_of_the_mean(self, case: dict) -> None:
        mean = np.mean(case["updates"], axis=0)
        np.testing.assert_allclose(attacks.flip_sign(mean), case["sign_flip_of_mean"], rtol=1e-12)

    def test_mimic_of_a_chosen_client(self, case: dict) -> None:
        np.testing.assert_array_equal(attacks.mimic(case["updates"], target=1), case["mimic_1"])


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize(("n", "m"), [(50, 12), (10, 3), (11, 5), (20, 1)])
def test_alie_z_is_the_papers(n: int, m: int) -> None:
    s = n // 2 + 1 - m
    assert attacks.compute_alie_z(n, m) == pytest.approx(normal.ppf((n - m - s) / (n - m)), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(10, 0), (10, 5), (9, 6)])
def test_alie_needs_a_minority(n: int, m: int) -> None:
    with pytest.raises(InvalidInput, match=f"n_attackers is {m}: fewer than half of {n}; choose it whole, in"):
        attacks.compute_alie_z(n, m)


def halving_search(rows: np.ndarray, out: np.ndarray, allowed, reach) -> float:
    """The authors' own search: the largest gamma that still satisfies the condition."""
    mean, low, high = rows.mean(axis=0), 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if reach(mean + middle * out) <= allowed else (low, middle)
    return low


def test_min_max_is_the_largest_gamma() -> None:
    sent = attacks.min_max(HONEST)
    for rows, ours in zip(HONEST, sent, strict=True):
        out = -rows.std(axis=0, ddof=1)
        widest = max(np.linalg.norm(a - b) for a in rows for b in rows)
        gamma = halving_search(rows, out, widest, lambda v, rows=rows: max(np.linalg.norm(v - r) for r in rows))
        np.testing.assert_allclose(ours, rows.mean(axis=0) + gamma * out, rtol=1e-9)


@pytest.mark.parametrize("attack", [attacks.min_max, attacks.min_sum])
@pytest.mark.parametrize("common", [2.0**10, 2.0**20, 2.0**25])
def test_what_honest_updates_have_in_common_gives_no_room(attack, common: float) -> None:
    shifted = attack(HONEST * 2.0**-10 + common) - common
    np.testing.assert_allclose(shifted * 2.0**10, attack(HONEST), atol=common * 2.0**10 * 2.0**-50)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("far", [1e76, 1e151, np.finfo(float).max, np.inf, np.nan])
def test_honest_updates_beyond_all_numbers_are_refused_by_their_number(far: float) -> None:
    sent = HONEST[0].copy()
    sent[2, 1] = far
    for attack in (attacks.min_max, attacks.min_sum, attacks.mimic, lambda rows: attacks.alie(rows, z=1.0)):
        with pytest.raises(ValueError, match=r"^honest\[2, 1\] = .*: leave the client out of the round"):
            attack(sent)
    with pytest.raises(ValueError, match=r"^honest\[2, 1\] = "):
        collusion.compute_kappa(sent, norm=1.0)


def test_min_sum_is_the_largest_gamma() -> None:
    sent = attacks.min_sum(HONEST)
    for rows, ours in zip(HONEST, sent, strict=True):
        out = -rows.std(axis=0, ddof=1)
        worst = max(sum(np.sum((a - b) ** 2) for b in rows) for a in rows)
        gamma = halving_search(rows, out, worst, lambda v, rows=rows: sum(np.sum((v - r) ** 2) for r in rows))
        np.testing.assert_allclose(ours, rows.mean(axis=0) + gamma * out, rtol=1e-9)


def test_identical_honest_updates_leave_no_room() -> None:
    rows = np.ones((4, 3))
    for attack in (attacks.min_max, attacks.min_sum):
        np.testing.assert_allclose(attack(rows), np.ones(3))


def test_mimic_copies_the_client_furthest_along_the_first_principal_direction() -> None:
    for rows, sent in zip(HONEST, attacks.mimic(HONEST), strict=True):
        z = np.linalg.svd(rows - rows.mean(axis=0))[2][0]
        np.testing.assert_array_equal(sent, rows[np.abs(rows @ z).argmax()])


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        (lambda: attacks.mimic(HONEST, target=7), r"target is 7: it is an honest client; choose it whole, in \[0, 6\]"),
        (lambda: attacks.ipm(HONEST, tau=0.0), r"tau is 0.0: choose it in \(0, ∞\)"),
        (lambda: attacks.alie(HONEST[:, :1], z=1.0), r"honest has shape \(4, 1, 6\).*at least 2 clients"),
        (lambda: attacks.alie(HONEST[0, 0], z=1.0), r"honest has shape \(6,\)"),
        (lambda: attacks.replace_model([1.0], weight=0.0), "weight is 0.0"),
        (lambda: attacks.mirror_labels([10], n_classes=10), r"labels is \[10\]: choose it whole, in \[0, 9\]"),
    ],
)
def test_bad_input(attack, error: str) -> None:
    with pytest.raises(InvalidInput, match=error):
        attack()


def test_replaced_model_is_the_target() -> None:
    updates, samples = np.array([[1.0, -2.0], [0.5, 0.25], [7.0, 7.0]]), np.array([10, 30, 60])
    others = fedavg(updates[:2], samples[:2]) * 0.4
    target = np.array([3.0, 4.0])
    updates[2] = attacks.replace_model(target - others, weight=0.6)
    np.testing.assert_allclose(fedavg(updates, samples), target, rtol=1e-14)


def test_lengths() -> None:
    rng = np.random.default_rng(0)
    norm = np.array([1.0, 2.0, 3.0, 4.0])
    for sent in (attacks.draw_noise(HONEST[:, 0], norm=norm, rng=rng), attacks.replay(HONEST[:, 0], norm=norm)):
        np.testing.assert_allclose(np.linalg.norm(sent, axis=-1), norm, rtol=1e-14)
    assert not attacks.replay(np.zeros(3), norm=1.0).any(), "nothing to copy in round 1"


def test_disguise_fades_like_the_paper_says() -> None:
    step = np.random.default_rng(1).standard_normal((2, 40_000))
    early = attacks.disguise(step, clients=2, round_number=1, rng=np.random.default_rng(2))
    late = attacks.disguise(step, clients=2, round_number=4, rng=np.random.default_rng(2))
    np.testing.assert_allclose(late, early / 4.0, rtol=1e-14)
    with pytest.raises(InvalidInput, match="round_number is 0: rounds are counted from 1"):
        attacks.disguise(step, clients=2, round_number=0, rng=np.random.default_rng(2))
    # deviation of a deviation from 40,000 draws: 1 / sqrt(80,000) = 0.0035; five of them
    assert np.abs(early.std(axis=-1) / step.std(axis=-1)[:, None] - 1).max() < 0.018


def test_labels_are_mirrored() -> None:
    labels = np.arange(10)
    assert attacks.mirror_labels(labels, n_classes=10).tolist() == labels[::-1].tolist()


@pytest.mark.parametrize("factor", [1.0, 3.0, 10.0])
def test_noise_earns_what_it_pays_itself(factor: float) -> None:
    """E[S_i] = p_i² ‖g_i‖² for a random direction: all from the part a client pays itself."""
    rng = np.random.default_rng(4)
    honest = np.tile(rng.standard_normal(300), (4, 1))
    total, runs = 0.0, 400
    for _ in range(runs):
        noise = attacks.draw_noise(honest[0], norm=factor, rng=rng)
        total += alignment_scores(np.vstack([honest, noise]), np.ones(5, dtype=int))[4]
    # standard error of ⟨noise, g⟩ / 5 over the runs: factor · 0.8 · ‖honest‖ / √300 / 5 / √runs
    error = factor * 0.8 * np.linalg.norm(honest[0]) / np.sqrt(300) / 5 / np.sqrt(runs)
    assert abs(total / runs - factor**2 / 25) < 4 * error


@pytest.mark.parametrize(
    "attack",
    [
        lambda rows: attacks.alie(rows, z=0.7),
        lambda rows: attacks.ipm(rows, tau=1.5),
        attacks.min_max,
        attacks.min_sum,
        attacks.mimic,
    ],
)
def test_a_batch_equals_one_after_another(attack) -> None:
    before = HONEST.copy()
    together = attack(HONEST)
    for rows, ours in zip(HONEST, together, strict=True):
        np.testing.assert_allclose(ours, attack(rows), rtol=1e-10)
    np.testing.assert_array_equal(HONEST, before, err_msg="an attack changed its arguments")
