"""Every partition gives each sample to exactly one client, and does to the classes what its name says."""

from __future__ import annotations

from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import partitions as pt

LABELS = np.repeat(np.arange(10), 60)
CASES: dict[str, dict] = {
    "iid": {},
    "dirichlet": {"alpha": 1.0},
    "pathological": {"classes_per_client": 2},
    "label_skew": {"skew": 0.7},
    "quantity_skew": {},
}


def counts(parts: pt.Parts, labels: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(labels[part], minlength=10) for part in parts])


def test_every_partition_is_tested() -> None:
    assert set(CASES) == set(pt.PARTITIONS)


@pytest.mark.parametrize("name", CASES)
@given(n=st.integers(5, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_every_sample_is_used_exactly_once(name: str, n: int, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(LABELS)
    before = labels.copy()
    parts = pt.PARTITIONS[name](labels, n, rng=np.random.default_rng(seed), **CASES[name])
    assert len(parts) == n
    assert min(len(part) for part in parts) >= 1
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("name", CASES)
def test_same_seed_same_parts_other_seed_other_parts(name: str) -> None:
    def deal(seed: int) -> np.ndarray:
        return np.concatenate(pt.PARTITIONS[name](LABELS, 8, rng=np.random.default_rng(seed), **CASES[name]))

    assert np.array_equal(deal(1), deal(1))
    assert not np.array_equal(deal(1), deal(2))


@pytest.mark.parametrize("name", CASES)
def test_more_clients_than_samples_is_an_error(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"n_clients is 21: .* choose it whole, in \[1, 20\]"):
        pt.PARTITIONS[name](LABELS[:20], 21, rng=np.random.default_rng(0), **CASES[name])
    with pytest.raises(InvalidInput, match="n_clients is 0"):
        pt.PARTITIONS[name](LABELS, 0, rng=np.random.default_rng(0), **CASES[name])


def test_labels_must_be_a_vector() -> None:
    with pytest.raises(InvalidInput, match=r"labels has shape \(5, 2\)"):
        pt.partition_iid(np.zeros((5, 2), int), 2, rng=np.random.default_rng(0))


def test_one_client_gets_everything() -> None:
    for name, options in {**CASES, "pathological": {"classes_per_client": 10}}.items():
        (part,) = pt.PARTITIONS[name](LABELS, 1, rng=np.random.default_rng(0), **options)
        assert np.array_equal(part, np.arange(len(LABELS)))


def test_iid_sizes_differ_by_at_most_one() -> None:
    sizes = [len(p) for p in pt.partition_iid(LABELS[:101], 7, rng=np.random.default_rng(0))]
    assert max(sizes) - min(sizes) == 1


def test_small_alpha_concentrates_classes_and_large_alpha_spreads_them() -> None:
    def largest_share(alpha: float) -> float:
        table = counts(pt.partition_dirichlet(LABELS, 5, alpha=alpha, rng=np.random.default_rng(3)), LABELS)
        return float((table.max(axis=0) / 60).mean())

    assert largest_share(0.1) > 0.7
    assert largest_share(1000.0) < 0.25


def test_dirichlet_keeps_its_minimum_or_says_why_not() -> None:
    parts = pt.partition_dirichlet(LABELS, 5, alpha=0.5, rng=np.random.default_rng(0), min_size=40)
    assert min(map(len, parts)) >= 40
    with pytest.raises(InvalidInput, match=r"no draw out of 3 with alpha 0\.01 gave each of 100 clients 1 samples"):
        pt.partition_dirichlet(LABELS, 100, alpha=0.01, rng=np.random.default_rng(0), max_tries=3)
    with pytest.raises(InvalidInput, match=r"min_size is 121: .* choose it whole, in \[1, 120\]"):
        pt.partition_dirichlet(LABELS, 5, alpha=1.0, rng=np.random.default_rng(0), min_size=121)
    with pytest.raises(InvalidInput, match="alpha is 0"):
        pt.partition_dirichlet(LABELS, 5, alpha=0, rng=np.random.default_rng(0))


@pytest.mark.parametrize("k", [1, 2, 3, 10])
def test_pathological_clients_hold_exactly_k_classes(k: int) -> None:
    table = counts(pt.partition_pathological(LABELS, 10, classes_per_client=k, rng=np.random.default_rng(5)), LABELS)
    assert ((table > 0).sum(axis=1) == k).all()


@given(data=st.data(), n=st.integers(1, 40), n_classes=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_pathological_spreads_classes_and_their_sets_evenly(
    data: st.DataObject, n: int, n_classes: int, seed: int
) -> None:
    k = data.draw(st.integers(-(-n_classes // n), n_classes), label="classes_per_client")
    labels = np.repeat(np.arange(n_classes), 40)
    parts = pt.partition_pathological(labels, n, classes_per_client=k, rng=np.random.default_rng(seed))
    own = [frozenset(labels[part].tolist()) for part in parts]
    assert {len(classes) for classes in own} == {k}
    owners = Counter(c for classes in own for c in classes)
    assert set(owners) == set(range(n_classes)) and max(owners.values()) - min(owners.values()) <= 1
    shared, possible = Counter(own), comb(n_classes, k)
    assert max(shared.values()) == -(-n // possible)  # 1 if there are sets enough: no client has a twin
    assert len(shared) == min(n, possible) and max(shared.values()) - min(shared.values()) <= 1


@given(seed=st.integers(0, 2**32 - 1))
def test_pathological_neighbors_share_one_class(seed: int) -> None:
    """Ten clients with two classes each of ten: each shares one class with each of two others."""
    parts = pt.partition_pathological(LABELS, 10, classes_per_client=2, rng=np.random.default_rng(seed))
    held = counts(parts, LABELS) > 0
    shared = held.astype(int) @ held.T
    assert (np.sort(shared, axis=1) == [0] * 7 + [1, 1, 2]).all()


def test_pathological_refuses_what_it_cannot_deal() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInput, match="4 clients with 2 classes each cannot hold 10 classes"):
        pt.partition_pathological(LABELS, 4, classes_per_client=2, rng=rng)
    with pytest.raises(InvalidInput, match=r"classes_per_client is 11: .* choose it whole, in \[1, 10\]"):
        pt.partition_pathological(LABELS, 4, classes_per_client=11, rng=rng)
    with pytest.raises(InvalidInput, match="class 1 has 2 samples for 3 clients"):
        pt.partition_pathological(np.array([0, 0, 0, 1, 1]), 3, classes_per_client=2, rng=rng)


def test_label_skew_runs_from_iid_to_sorted_at_equal_sizes() -> None:
    def skewed(skew: float) -> np.ndarray:
        return counts(pt.partition_label_skew(LABELS, 10, skew=skew, rng=np.random.default_rng(0)), LABELS)

    assert np.array_equal(skewed(1.0), 60 * np.eye(10, dtype=int))
    assert skewed(0.5).max(axis=1).min() > 25 > skewed(0.0).max()
    for skew in (0.0, 0.33, 0.5, 1.0):
        sizes = [len(p) for p in pt.partition_label_skew(LABELS[:599], 7, skew=skew, rng=np.random.default_rng(0))]
        assert max(sizes) - min(sizes) <= 1
    with pytest.raises(InvalidInput, match=r"skew is 1\.5"):
        skewed(1.5)


def test_quantity_skew_sizes_grow_with_the_number() -> None:
    parts = pt.partition_quantity_skew(LABELS, 4, rng=np.random.default_rng(0))
    assert [len(p) for p in parts] == [60, 120, 180, 240]


def test_quantity_skew_without_a_sample_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="20 samples are too few for 10 clients"):
        pt.partition_quantity_skew(LABELS[:20], 10, rng=np.random.default_rng(0))


def test_splits_are_disjoint_complete_and_stratified() -> None:
    labels = np.repeat([0, 1, 2], [100, 200, 40])
    train, val, test = pt.split_stratified(labels, rng=np.random.default_rng(0))
    assert np.array_equal(np.sort(np.concatenate([train, val, test])), np.arange(340))
    assert np.bincount(labels[val]).tolist() == np.bincount(labels[test]).tolist() == [15, 30, 6]


@pytest.mark.parametrize(
    ("labels", "held_out", "message"),
    [
        ([0, 1] * 10, (-0.1, 0.3), "held_out with its sum is .*: they are shares of a class; choose it in"),
        ([0, 1] * 10, (0.6, 0.6), "held_out with its sum is .*0.6.*0.6.*1.2"),
        ([0.0, np.nan] * 10, (0.15, 0.15), r"labels has shape \(20,\) and dtype float64: give \(N,\) whole numbers"),
        ([[0, 1]] * 10, (0.15, 0.15), r"labels has shape \(10, 2\)"),
        ([], (0.15, 0.15), r"labels has shape \(0,\)"),
    ],
)
def test_splits_that_would_overlap_or_lose_samples_are_refused(labels, held_out, message) -> None:
    with pytest.raises(InvalidInput, match=message):
        pt.split_stratified(np.array(labels), held_out=held_out, rng=np.random.default_rng(0))


def test_all_of_a_class_may_be_held_out() -> None:
    train, val, test = pt.split_stratified(np.array([0, 1] * 10), held_out=(0.5, 0.5), rng=np.random.default_rng(0))
    assert (len(train), len(val), len(test)) == (0, 10, 10)
    assert [len(part) for part in pt.split_stratified([0, 1] * 10, rng=np.random.default_rng(0))] == [
        16,
        2,
        2,
    ]  # a list, too


def test_a_share_that_no_float_hits_takes_what_it_says() -> None:
    parts = pt.split_stratified(np.zeros(100, int), held_out=(0.29, 0.57), rng=np.random.default_rng(0))
    assert [len(part) for part in parts] == [14, 29, 57]


@pytest.mark.parametrize("missing", [np.nan, None, np.datetime64("NaT")])
def test_a_label_that_is_missing_loses_no_row(missing):
    labels = np.array([0, 1, missing] * 4, dtype=None if isinstance(missing, float) else object)
    for deal, options in ((pt.partition_iid, {}), (pt.partition_dirichlet, {"alpha": 1.0})):
        with pytest.raises(InvalidInput, match=r"labels\[2\] is .*, no class: drop the row"):
            deal(labels, 2, rng=np.random.default_rng(0), **options)
