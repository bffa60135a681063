"""The three federations: shapes, standardization, splits, and what a learner can get wrong."""

from __future__ import annotations

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import datasets as ds

LOADERS = {
    "breast cancer": (ds.load_hospitals, 569, 30, 2),
    "digits": (ds.load_digits_federation, 1797, 64, 10),
    "MNIST-5k": (ds.load_mnist_federation, 5000, 784, 10),
}


def seed(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


@pytest.mark.parametrize("name", LOADERS)
def test_each_source_is_complete_and_typed(name: str) -> None:
    load, total, features, classes = LOADERS[name]
    data = load(7, rng=seed())
    assert (data.name, data.n_clients, data.n_features, data.n_classes) == (name, 7, features, classes)
    assert len(data.y) + len(data.y_val) + len(data.y_test) == total
    assert data.x.dtype == data.x_val.dtype == data.x_test.dtype == np.float64
    assert data.y.dtype == np.int64 and set(np.unique(data.y)) == set(range(classes))
    assert np.isfinite(data.x).all()
    assert int(data.sizes.sum()) == len(data.y)


def test_hospitals_are_standardised_with_training_statistics() -> None:
    data = ds.load_hospitals(rng=seed())
    assert np.allclose(data.x.mean(axis=0), 0, atol=1e-12) and np.allclose(data.x.std(axis=0), 1)
    assert np.abs(data.x_test.mean(axis=0)).max() > 1e-3  # the test rows had no say
    assert data.classes == ("malignant", "benign")


def test_clients_are_views_that_tile_the_training_set() -> None:
    data = ds.load_digits_federation(6, partition="quantity_skew", rng=seed())
    pieces = [data.client(i) for i in range(6)]
    assert np.array_equal(np.concatenate([x for x, _ in pieces]), data.x)
    assert np.array_equal(np.concatenate([y for _, y in pieces]), data.y)
    assert [len(y) for _, y in pieces] == data.sizes.tolist()
    assert np.shares_memory(pieces[2][0], data.x)
    with pytest.raises(InvalidInput, match=r"client is 6: choose it whole, in \[0, 5\]"):
        data.client(6)


def test_label_counts_equal_a_count_client_by_client() -> None:
    data = ds.load_digits_federation(6, partition="dirichlet", alpha=0.3, rng=seed())
    by_hand = [np.bincount(data.client(i)[1], minlength=10).tolist() for i in range(6)]
    assert data.label_counts().tolist() == by_hand


def test_partitions_share_the_test_set_of_their_seed() -> None:
    iid = ds.load_digits_federation(5, rng=seed(3))
    skewed = ds.load_digits_federation(9, partition="dirichlet", alpha=1.0, rng=seed(3))
    other = ds.load_digits_federation(5, rng=seed(4))
    assert np.array_equal(iid.x_test, skewed.x_test) and np.array_equal(iid.x_val, skewed.x_val)
    assert not np.array_equal(iid.x_test, other.x_test)


def test_splits_are_disjoint_complete_and_stratified() -> None:
    labels = np.repeat([0, 1, 2], [100, 200, 40])
    train, val, test = ds.split_stratified(labels, rng=seed())
    assert np.array_equal(np.sort(np.concatenate([train, val, test])), np.arange(340))
    assert np.bincount(labels[val]).tolist() == np.bincount(labels[test]).tolist() == [15, 30, 6]


def test_a_constant_feature_stays_finite() -> None:
    x = np.column_stack([np.ones(40), np.arange(40.0)])
    data = ds.federate("toy", x, np.arange(40) % 2, 2, classes=("a", "b"), standardize=True, rng=seed())
    assert np.array_equal(data.x[:, 0], np.zeros(len(data.y)))


def test_unknown_partition_and_empty_clients_are_errors() -> None:
    with pytest.raises(InvalidInput, match="partition is 'shards'; use one of iid, dirichlet"):
        ds.load_hospitals(partition="shards", rng=seed())
    with pytest.raises(InvalidInput, match=r"n_clients is 402: .* choose it whole, in \[1, 401\]"):
        ds.load_hospitals(402, rng=seed())
    whole = ds.load_hospitals(2, rng=seed())
    fields = {name: getattr(whole, name) for name in whole.__dataclass_fields__}
    with pytest.raises(InvalidInput, match="client 1 has 0 samples"):
        ds.FederatedData(**{**fields, "sizes": np.array([401, 0])})
    with pytest.raises(InvalidInput, match="400 samples in sizes disagree"):
        ds.FederatedData(**{**fields, "sizes": np.array([200, 200])})


def test_clients_of_graded_quality_differ_in_their_own_labels_only() -> None:
    data = ds.load_digits_federation(4, rng=seed())
    noisy = ds.with_label_noise(data, [0.0, 0.2, 0.5, 1.0], rng=seed(1))
    wrong = [int((noisy.client(i)[1] != data.client(i)[1]).sum()) for i in range(4)]
    assert wrong == [round(share * size) for share, size in zip([0.0, 0.2, 0.5, 1.0], data.sizes, strict=True)]
    assert noisy.x is data.x and noisy.y_test is data.y_test
    assert noisy.y.min() >= 0 and noisy.y.max() <= 9
    with pytest.raises(InvalidInput, match=r"fractions has shape \(2,\): give one to each of 4 clients"):
        ds.with_label_noise(data, [0.1, 0.2], rng=seed())
    with pytest.raises(InvalidInput, match=r"fractions is \[0\.1, 0\.2, 1\.1, 0\.0\]: each is a share"):
        ds.with_label_noise(data, [0.1, 0.2, 1.1, 0.0], rng=seed())


def test_options_that_a_partition_does_not_take_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"partition 'dirichlet' takes alpha, .*: not none"):
        ds.load_hospitals(partition="dirichlet", rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="partition 'iid' takes no options: not alpha"):
        ds.load_hospitals(alpha=0.5, rng=np.random.default_rng(0))
