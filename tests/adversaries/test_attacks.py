"""Attacks against byzfl's, against the papers' formulas in slow loops, and against the closed form of collusion."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm as normal

from bcfl_support.adversaries import attacks
from bcfl_support.adversaries.collusion import (
    badmouth,
    collude,
    compute_break_even,
    compute_collusion_share,
    compute_kappa,
    inflate_samples,
    search_best,
    sybil,
)
from bcfl_support.errors import InvalidInput
from bcfl_support.learning.aggregators import fedavg
from bcfl_support.scores import alignment_scores, fltrust_scores, leave_self_out_scores

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
    with pytest.raises(InvalidInput, match=f"n_attackers is {m} of {n}: ALIE needs at least 1 and fewer than half"):
        attacks.compute_alie_z(n, m)


def halving_search(rows: np.ndarray, out: np.ndarray, allowed, reach) -> float:
    """The authors' own search: the largest gamma that still satisfies the condition."""
    mean, low, high = rows.mean(axis=0), 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if reach(mean + middle * out) <= allowed else (low, middle)
    return low


DIRECTIONS = {
    "std": lambda rows: -rows.std(axis=0, ddof=1),
    "unit": lambda rows: -rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0)),
    "sign": lambda rows: -np.sign(rows.mean(axis=0)),
}


@pytest.mark.parametrize("direction", list(DIRECTIONS))
def test_min_max_is_the_largest_gamma(direction: str) -> None:
    sent = attacks.min_max(HONEST, direction=direction)
    for rows, ours in zip(HONEST, sent, strict=True):
        out = DIRECTIONS[direction](rows)
        widest = max(np.linalg.norm(a - b) for a in rows for b in rows)
        gamma = halving_search(rows, out, widest, lambda v, rows=rows: max(np.linalg.norm(v - r) for r in rows))
        np.testing.assert_allclose(ours, rows.mean(axis=0) + gamma * out, rtol=1e-9)


@pytest.mark.parametrize("direction", list(DIRECTIONS))
def test_min_sum_is_the_largest_gamma(direction: str) -> None:
    sent = attacks.min_sum(HONEST, direction=direction)
    for rows, ours in zip(HONEST, sent, strict=True):
        out = DIRECTIONS[direction](rows)
        worst = max(sum(np.sum((a - b) ** 2) for b in rows) for a in rows)
        gamma = halving_search(rows, out, worst, lambda v, rows=rows: sum(np.sum((v - r) ** 2) for r in rows))
        np.testing.assert_allclose(ours, rows.mean(axis=0) + gamma * out, rtol=1e-9)


def test_identical_honest_updates_leave_no_room() -> None:
    rows = np.ones((4, 3))
    for attack in (attacks.min_max, attacks.min_sum):
        np.testing.assert_allclose(attack(rows, direction="unit"), np.ones(3))
        np.testing.assert_allclose(attack(rows, direction="std"), np.ones(3))


def test_unknown_direction() -> None:
    with pytest.raises(InvalidInput, match="direction is 'up': use 'std', 'unit' or 'sign'"):
        attacks.min_max(HONEST, direction="up")


def test_mimic_copies_the_client_furthest_along_the_first_principal_direction() -> None:
    for rows, sent in zip(HONEST, attacks.mimic(HONEST), strict=True):
        z = np.linalg.svd(rows - rows.mean(axis=0))[2][0]
        np.testing.assert_array_equal(sent, rows[np.abs(rows @ z).argmax()])


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        (lambda: attacks.mimic(HONEST, target=7), "target is 7: there are honest clients 0 to 6"),
        (lambda: attacks.ipm(HONEST, tau=0.0), "tau is 0.0: it must be positive"),
        (lambda: attacks.scale_up(HONEST, factor=-1), "factor is -1: it must be positive"),
        (lambda: attacks.alie(HONEST[:, :1], z=1.0), r"honest has shape \(4, 1, 6\).*at least 2 updates"),
        (lambda: attacks.alie(HONEST[0, 0], z=1.0), r"honest has shape \(6,\)"),
        (lambda: attacks.replace_model([1.0], weight=0.0), "weight is 0.0"),
        (lambda: attacks.mirror_labels([10], n_classes=10), "n_classes is 10: use at least 2, and labels from 0 to 9"),
        (lambda: inflate_samples([1, 2], clients=[0], factor=0), "factor is 0"),
        (lambda: search_best([], [1.0], lambda v: v), "0 candidates and 1 scales"),
        (lambda: compute_collusion_share(1.2, 0.5), "q is 1.2 and kappa is 0.5"),
        (lambda: compute_break_even(0.0), "kappa is 0.0: it must be positive"),
    ],
)
def test_bad_input(attack, error: str) -> None:
    with pytest.raises(InvalidInput, match=error):
        attack()


def test_replaced_model_is_the_target() -> None:
    updates, samples = np.array([[1.0, -2.0], [0.5, 0.25], [7.0, 7.0]]), np.array([10, 30, 60])
    others = fedavg(updates[:2], samples[:2]) * 0.4
    target = np.array([3.0, 4.0])
    updates[2] = attacks.replace_model(target, weight=0.6, others=others)
    np.testing.assert_allclose(fedavg(updates, samples), target, rtol=1e-14)


def test_lengths() -> None:
    rng = np.random.default_rng(0)
    norm = np.array([1.0, 2.0, 3.0, 4.0])
    for sent in (
        attacks.draw_noise(HONEST[:, 0], norm=norm, rng=rng),
        attacks.replay(HONEST[:, 0], norm=norm),
        collude(HONEST[:, 1], norm=norm),
        badmouth(HONEST, victim=2, norm=norm),
    ):
        np.testing.assert_allclose(np.linalg.norm(sent, axis=-1), norm, rtol=1e-14)
    assert not attacks.replay(np.zeros(3), norm=1.0).any(), "nothing to copy in round 1"


def test_badmouth_points_away_from_the_victim() -> None:
    sent = badmouth(HONEST, victim=3, norm=2.0)
    np.testing.assert_allclose(sent, -2.0 * HONEST[:, 3] / np.linalg.norm(HONEST[:, 3], axis=-1)[:, None])


def test_disguise_fades_like_the_paper_says() -> None:
    step = np.random.default_rng(1).standard_normal((2, 40_000))
    early = attacks.disguise(step, clients=2, round_number=1, decay=0.5, rng=np.random.default_rng(2))
    late = attacks.disguise(step, clients=2, round_number=16, decay=0.5, rng=np.random.default_rng(2))
    np.testing.assert_allclose(late, early / 4.0, rtol=1e-14)
    # deviation of a deviation from 40,000 draws: 1 / sqrt(80,000) = 0.0035; five of them
    assert np.abs(early.std(axis=-1) / step.std(axis=-1)[:, None] - 1).max() < 0.018


def test_labels_are_mirrored() -> None:
    labels = np.arange(10)
    assert attacks.mirror_labels(labels, n_classes=10).tolist() == labels[::-1].tolist()


# ---------------------------------------------------------------- money


def split_client(updates: np.ndarray, samples: np.ndarray, *, client: int, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Client i leaves and comes back as k names with n_i / k samples and the same update each, at the end."""
    pieces = [len(piece) for piece in np.array_split(np.arange(samples[client]), parts)]
    rest = np.arange(len(updates)) != client
    return np.vstack([updates[rest], *[updates[client]] * parts]), np.concatenate([samples[rest], pieces])


@given(st.lists(st.integers(1, 99), min_size=3, max_size=6), st.integers(1, 5), st.integers(0, 2**31))
def test_a_split_keeps_the_average_and_the_sum_of_scores(samples: list[int], parts: int, seed: int) -> None:
    """S_i is linear in p_i at a fixed g, so k names with n_i / k samples earn together what one did."""
    rng = np.random.default_rng(seed)
    updates, counts = rng.standard_normal((len(samples), 4)), np.array(samples)
    parts = min(parts, samples[0])
    split, declared = split_client(updates, counts, client=0, parts=parts)
    assert declared.sum() == counts.sum() and len(split) == len(samples) + parts - 1
    np.testing.assert_allclose(fedavg(split, declared), fedavg(updates, counts), atol=1e-12)
    before, after = alignment_scores(updates, counts), alignment_scores(split, declared)
    assert after[-parts:].sum() == pytest.approx(before[0], abs=1e-12)


def test_a_split_undoes_leave_self_out() -> None:
    """With k names the own part left out is p_i^2 ||g_i||^2 / k: in the limit nothing is left out."""
    updates, counts = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([12, 12])
    alone = leave_self_out_scores(updates, counts)[0]
    split, declared = split_client(updates, counts, client=0, parts=4)
    assert alone == 0.0
    assert leave_self_out_scores(split, declared)[-4:].sum() == pytest.approx(0.25 * 4.0 * (1 - 1 / 4))


def test_sybil_names_leave_the_average_unchanged() -> None:
    updates, counts = np.random.default_rng(3).standard_normal((5, 4)), np.array([3, 9, 1, 4, 6])
    sent = updates.copy()
    sent[2:] = sybil(updates[2:], counts[2:])
    np.testing.assert_allclose(fedavg(sent, counts), fedavg(updates, counts), atol=1e-14)
    assert (sent[2:] == sent[2]).all()


def test_inflated_counts_pay_more_than_their_factor_cost() -> None:
    updates, counts = np.tile([[1.0, 0.0]], (4, 1)), np.full(4, 10)
    scores = alignment_scores(updates, inflate_samples(counts, clients=[0], factor=3))
    assert scores[0] / scores.sum() == pytest.approx(3 / 6)


@pytest.mark.parametrize("factor", [1.0, 3.0, 10.0])
def test_noise_earns_what_it_pays_itself(factor: float) -> None:
    """E[S_i] = p_i^2 ||g_i||^2 for a random direction: all from the part a client pays itself."""
    rng = np.random.default_rng(4)
    honest = np.tile(rng.standard_normal(300), (4, 1))
    total, runs = 0.0, 400
    for _ in range(runs):
        noise = attacks.draw_noise(honest[0], norm=factor, rng=rng)
        total += alignment_scores(np.vstack([honest, noise]), np.ones(5, dtype=int))[4]
    # standard error of <noise, g> / 5 over the runs: factor * 0.8 * ||honest|| / sqrt(300) / 5 / sqrt(runs)
    error = factor * 0.8 * np.linalg.norm(honest[0]) / np.sqrt(300) / 5 / np.sqrt(runs)
    assert abs(total / runs - factor**2 / 25) < 4 * error


# ---------------------------------------------------------------- adaptive


def test_search_finds_the_best_pair_for_every_seed() -> None:
    wanted = np.array([[2.0, 0.0], [0.0, -3.0]])
    candidates = [np.tile(v, (2, 1)) for v in ([1.0, 0.0], [0.0, 1.0], [0.0, -1.0])]
    best, paid = search_best(candidates, [1.0, 2.0, 3.0], lambda v: -((v - wanted) ** 2).sum(axis=-1))
    np.testing.assert_array_equal(best, wanted)
    np.testing.assert_array_equal(paid, [0.0, 0.0])


def test_search_works_on_one_vector_for_each_attacker() -> None:
    candidates = [np.ones((2, 3, 4)), 2 * np.ones((2, 3, 4))]
    best, paid = search_best(candidates, [0.5, 1.0], lambda v: v.sum(axis=(-2, -1)))
    assert best.shape == (2, 3, 4) and paid.tolist() == [24.0, 24.0]


# ---------------------------------------------------------------- collusion


@pytest.mark.parametrize("colluders", [1, 2, 4, 8])
def test_collusion_theory_is_exact_for_honest_scores_that_are_positive(colluders: int) -> None:
    n, rng = 12, np.random.default_rng(colluders)
    honest = np.zeros((n - colluders, 20))
    honest[:, 1:] = rng.standard_normal(19) + 0.1 * rng.standard_normal((n - colluders, 19))
    norm = 1.7
    sent = collude(np.eye(20)[0], norm=norm)  # at right angles to all honest updates
    updates = np.vstack([honest, np.tile(sent, (colluders, 1))])
    scores = alignment_scores(updates, np.ones(n, dtype=int))
    assert (scores > 0).all()
    q, kappa = colluders / n, compute_kappa(honest, norm=norm)
    measured = scores[-colluders:].sum() / scores.sum()
    assert compute_collusion_share(q, kappa) == pytest.approx(measured, rel=1e-12)
    assert (measured > q) == (q > compute_break_even(kappa))


@given(st.fractions(Fraction(1, 50), Fraction(4, 1)))
def test_break_even_is_where_the_share_is_the_head_count(kappa: Fraction) -> None:
    q = kappa / (1 + kappa)
    assert q * q / (q * q + (1 - q) ** 2 * kappa) == q
    assert compute_collusion_share(float(q), float(kappa)) == pytest.approx(float(q))
    assert compute_break_even(float(kappa)) == pytest.approx(float(q))


def test_kappa_lies_between_unrelated_and_equal() -> None:
    rows = HONEST / np.linalg.norm(HONEST, axis=-1, keepdims=True)
    assert (compute_kappa(rows, norm=1.0) < 1).all()
    assert compute_kappa(np.tile(rows[0, 0], (5, 1)), norm=1.0) == pytest.approx(1.0)
    assert compute_kappa(np.eye(5), norm=1.0) == pytest.approx(1 / 5)


# ---------------------------------------------------------------- batches


@pytest.mark.parametrize(
    "attack",
    [
        lambda rows: attacks.alie(rows, z=0.7),
        lambda rows: attacks.ipm(rows, tau=1.5),
        attacks.min_max,
        attacks.min_sum,
        attacks.mimic,
        lambda rows: badmouth(rows, victim=1, norm=2.0),
        lambda rows: compute_kappa(rows, norm=2.0),
        lambda rows: sybil(rows, np.arange(1, 8)),
    ],
)
def test_a_batch_equals_one_after_another(attack) -> None:
    before = HONEST.copy()
    together = attack(HONEST)
    for rows, ours in zip(HONEST, together, strict=True):
        np.testing.assert_allclose(ours, attack(rows), rtol=1e-10)
    np.testing.assert_array_equal(HONEST, before, err_msg="an attack changed its arguments")


def test_collusion_is_seen_by_the_root_but_not_by_the_mean() -> None:
    rng = np.random.default_rng(7)
    truth = rng.standard_normal(60)
    honest = truth + rng.standard_normal((7, 60))
    lie = collude(rng.standard_normal(60), norm=5 * np.linalg.norm(honest[0]))
    updates, samples = np.vstack([honest, np.tile(lie, (3, 1))]), np.ones(10, dtype=int)
    paper = np.maximum(alignment_scores(updates, samples), 0)
    trusted = fltrust_scores(updates, samples, root_update=truth)
    assert paper[7:].sum() / paper.sum() > 0.8
    assert trusted[7:].sum() / trusted.sum() < 0.2
