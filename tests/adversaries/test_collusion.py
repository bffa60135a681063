"""One actor under several names, searches for what pays, and collusion against its closed form."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from bcfl_support.learning import fedavg
from bcfl_support.scores import alignment_scores, fltrust_scores, leave_self_out_scores

HONEST = np.random.default_rng(5).standard_normal((4, 7, 6)) + 0.4  # four seeds, seven clients, six parameters


def test_colluders_and_badmouthers_send_the_length_they_are_told() -> None:
    norm = np.array([1.0, 2.0, 3.0, 4.0])
    for sent in (collude(HONEST[:, 1], norm=norm), badmouth(HONEST, victim=2, norm=norm)):
        np.testing.assert_allclose(np.linalg.norm(sent, axis=-1), norm, rtol=1e-14)


def test_badmouth_points_away_from_the_victim() -> None:
    sent = badmouth(HONEST, victim=3, norm=2.0)
    np.testing.assert_allclose(sent, -2.0 * HONEST[:, 3] / np.linalg.norm(HONEST[:, 3], axis=-1)[:, None])


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
    """With k names the own part left out is p_i² ‖g_i‖² / k: in the limit nothing is left out."""
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


def test_search_finds_the_best_pair_for_every_seed() -> None:
    wanted = np.array([[2.0, 0.0], [0.0, -3.0]])
    candidates = [np.tile(v, (2, 1)) for v in ([1.0, 0.0], [0.0, 1.0], [0.0, -1.0])]
    best, paid, number = search_best(candidates, [1.0, 2.0, 3.0], lambda v: -((v - wanted) ** 2).sum(axis=-1))
    np.testing.assert_array_equal(best, wanted)
    np.testing.assert_array_equal(paid, [0.0, 0.0])
    np.testing.assert_array_equal(number, [1, 8])  # first direction at 2; third at 3


def test_search_works_on_one_vector_for_each_attacker() -> None:
    candidates = [np.ones((2, 3, 4)), 2 * np.ones((2, 3, 4))]
    best, paid, _ = search_best(candidates, [0.5, 1.0], lambda v: v.sum(axis=(-2, -1)))
    assert best.shape == (2, 3, 4) and paid.tolist() == [24.0, 24.0]


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


@pytest.mark.parametrize(
    "attack",
    [
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


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        (lambda: inflate_samples([1, 2], clients=[0], factor=0), "factor is 0"),
        (lambda: search_best([], [1.0], lambda v: v), "candidates of shape .*give one shape to all"),
        (lambda: compute_collusion_share(1.2, 0.5), r"q is 1.2: choose it in \[0, 1\]"),
        (lambda: compute_break_even(0.0), r"kappa is 0.0: choose it in \(0, ∞\)"),
        (lambda: compute_collusion_share(np.nan, 0.5), "q is nan"),
        (lambda: inflate_samples([1, 2], clients=[5], factor=2), r"clients is \[5\]: choose it whole, in \[0, 1\]"),
        (lambda: inflate_samples([1, 2], clients=[-1], factor=2), r"clients is \[-1\]"),
        (lambda: inflate_samples([200, 300], clients=[0], factor=2**62), r"samples times factor is \[\d+ 300\]"),
        (lambda: inflate_samples([1.9, 2], clients=[0], factor=2), r"samples is \[1.9, 2\]: choose it whole, in \[1"),
        (lambda: inflate_samples([-3, 2], clients=[0], factor=2), r"samples is \[-3, 2\]"),
        (lambda: search_best([np.ones(1)], [2.0], lambda v: np.nan), "payoff gave nan at scale 2.0: give a number"),
    ],
)
def test_bad_input(attack, error: str) -> None:
    with pytest.raises(InvalidInput, match=error):
        attack()


def test_what_pays_minus_infinity_is_not_sent() -> None:
    two = [np.array([2.0]), np.array([1.0])]
    best, paid, number = search_best(two, [1.0], lambda v: np.where(v[0] > 1, -np.inf, v[0]))
    assert best.tolist() == [1.0] and float(paid) == 1.0 and int(number) == 1


def test_a_search_in_which_nothing_pays_says_so() -> None:
    best, paid, number = search_best([np.array([2.0])], [0.5, 1.0], lambda v: -np.inf)
    assert best.tolist() == [1.0] and float(paid) == -np.inf and int(number) == -1


def test_a_tie_goes_to_the_shorter() -> None:
    assert int(search_best([np.ones(2)], [1.0, 2.0, 5.0], lambda v: np.minimum(v.sum(), 2.0))[2]) == 0


def test_sybil_refuses_counts_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="one row per sample count"):
        sybil([[1.0, 2.0], [3.0, 4.0]], [1])
