"""The federations: shapes, standardization, splits, a table of one's own, and what a learner can get wrong."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import replace
from importlib.metadata import files
from typing import Any

import numpy as np
import pandas
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import datasets as ds
from bcfl_support.learning import partitions
from bcfl_support.learning.models import SoftmaxRegression
from bcfl_support.learning.training import local_updates

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


@pytest.mark.parametrize("value", [1.0, 0.1, 1e8 + 0.1, -1e-300])
def test_a_constant_feature_becomes_zero(value: float) -> None:
    x = np.column_stack([np.full(40, value), np.arange(40.0)])
    data = ds.deal("toy", x, np.arange(40) % 2, 2, classes=("a", "b"), standardize=True, rng=seed())
    assert not any(part[:, 0].any() for part in (data.x, data.x_val, data.x_test))
    assert abs(data.x[:, 1].std() - 1) < 1e-12
    assert not ds.federate(toy() | {"same": [value] * 40}, label="color", client="site", rng=seed()).x[:, 1].any()


def test_a_number_means_its_value_whatever_its_type() -> None:
    """Images as files hold them, and labels in few bytes; 64 unsigned bits are those that NumPy counts with least."""
    images, labels = np.random.default_rng(0).integers(0, 256, (60, 4)), np.arange(60) % 3
    classes, model = ("a", "b", "c"), SoftmaxRegression(4, 3)

    def train(x: Any, y: Any) -> np.ndarray:
        data = ds.deal("toy", x, y, 4, classes=classes, rng=seed())
        assert data.x.dtype == np.float64 and data.y.dtype == data.y_val.dtype == data.sizes.dtype == np.int64
        noisy = ds.with_label_noise(data, [0.5] * 4, rng=seed())
        return local_updates(model, np.zeros(15), noisy, steps=2, lr=0.1, batch_size=5, rng=seed())

    expected = train(images.astype(float), labels)
    for kind in ("u1", "i2", "<i4", ">i8", "u8", "f4", ">f8", "f2", object):
        assert np.array_equal(train(images.astype(kind), labels), expected), kind
    for kind in ("u1", "i1", ">i2", ">i8", "u8", object):
        assert np.array_equal(train(images, labels.astype(kind)), expected), kind
    for lists in (images.tolist(), pandas.DataFrame(images), pandas.DataFrame(images).astype("uint8")):
        assert np.array_equal(train(lists, labels.tolist()), expected)
    whole = ds.deal("toy", images, labels, 4, classes=classes, rng=seed())
    for kind in ("u1", "u8", object):
        again = dataclasses.replace(whole, sizes=whole.sizes.astype(kind))
        assert again.sizes.dtype == np.int64
        assert np.array_equal(ds.with_label_noise(again, [0.5] * 4, rng=seed()).x, whole.x)


@pytest.mark.parametrize("hidden", [5, None])
def test_a_mask_would_be_lost(hidden: int | None) -> None:
    rows = {"x": np.random.default_rng(1).normal(size=(60, 2)), "y": np.arange(60) % 2}
    for name, values in rows.items():
        masked = np.ma.masked_array(values, np.zeros(values.shape, bool))
        if hidden is not None:
            masked[hidden] = np.ma.masked
        with pytest.raises(InvalidInput, match=f"{name} has a mask, which nobody who receives it would see: fill it"):
            ds.deal("toy", **(rows | {name: masked}), n_clients=3, classes=("a", "b"), rng=seed())
    for column in toy():
        masked = np.ma.masked_array(toy()[column], np.arange(40) == hidden)
        with pytest.raises(InvalidInput, match=f"column '{column}' has a mask"):
            ds.federate(toy() | {column: masked}, label="color", client="site", rng=seed())


def test_classes_too_small_to_be_held_out() -> None:
    x, y = np.arange(7.0)[:, None], np.array([0, 0, 0, 0, 1, 1, 1])
    with pytest.raises(InvalidInput, match="7 rows leave 0 for validation and 0 for the test: 15% of each class"):
        ds.deal("toy", x, y, 2, classes=("a", "b"), rng=seed())


def test_rows_that_pandas_calls_by_other_names_are_not_paired() -> None:
    frame = pandas.DataFrame(np.random.default_rng(1).normal(size=(60, 2)), columns=["a", "b"])
    frame["y"] = (frame.a > 0).astype(int)
    mixed = frame.sample(frac=1, random_state=0)

    def deal(x: Any, y: Any) -> ds.FederatedData:
        return ds.deal("toy", x, y, 3, classes=("n", "p"), rng=seed())

    for x, y in ((mixed[["a", "b"]], mixed.y), (mixed[["a", "b"]].to_numpy(), mixed.y)):  # by place, never by index
        data = deal(x, y)
        for end in ("", "_val", "_test"):
            assert np.array_equal(getattr(data, f"y{end}"), getattr(data, f"x{end}")[:, 0] > 0)
    with pytest.raises(InvalidInput, match="column 0 is 'a' in x and 'b' in x_val, by their indices"):
        replace(deal(frame[["a", "b"]], frame.y), x=frame[["a", "b"]][:42], x_val=frame[["b", "a"]][:9])
    model, message = (SoftmaxRegression(2, 2), rf"row 0 is {mixed.index[0]} in x and 0 in y, by their indices: bring")
    for use in (deal, lambda x, y: model.loss(np.zeros(6), x, y)):
        with pytest.raises(InvalidInput, match=message):
            use(mixed[["a", "b"]], frame.y)
        with pytest.raises(InvalidInput, match="by their indices"):
            use(mixed[["a", "b"]], mixed.y.reset_index(drop=True))
    table = {"a": mixed.a, "kind": mixed.y, "site": ["x", "y"] * 30}
    assert ds.federate(table, label="kind", client="site", rng=seed()).n_clients == 2
    with pytest.raises(InvalidInput, match=f"row 0 is 0 in kind and {mixed.index[0]} in a, by their indices"):
        ds.federate(table | {"kind": frame.y}, label="kind", client="site", rng=seed())


def test_unknown_partition_and_empty_clients_are_errors() -> None:
    with pytest.raises(InvalidInput, match="partition is 'shards'; use one of iid, dirichlet"):
        ds.load_hospitals(partition="shards", rng=seed())
    with pytest.raises(InvalidInput, match=r"n_clients is 402: .* choose it whole, in \[1, 401\]"):
        ds.load_hospitals(402, rng=seed())
    whole = ds.load_hospitals(2, rng=seed())
    fields = {name: getattr(whole, name) for name in whole.__dataclass_fields__}
    for sizes, message in (
        ([401, 0], r"sizes is \[401   0\]: each client needs a sample, else deal to fewer; choose it whole"),
        ([200.5, 200.5], r"sizes is \[200.5 200.5\]: .*choose it whole"),
        ([200, 200], r"sizes \(2,\) and 400 samples in it disagree"),
        ([[200, 201]], r"sizes \(1, 2\) and 401 samples in it disagree"),
    ):
        with pytest.raises(InvalidInput, match=message):
            ds.FederatedData(**{**fields, "sizes": np.array(sizes)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.arange(50) % 2}, r"y{end} has shape \(50,\) for 60 samples"),
        ({"y": np.arange(60) % 2 + 0.5}, r"y{end}\[0\] = 0.5, of dtype float64, is no class: labels are integers"),
        ({"y": np.arange(60) % 2 + 1}, r"y{end}\[1\] = 2, of dtype int64, is no class: .* from 0 to 1; np.unique\(y"),
        ({"y": 1 - 2 * (np.arange(60) % 2)}, r"y{end}\[1\] = -1, of dtype int64, is no class"),
        ({"y": np.arange(60) % 2 * 1.0}, r"y{end}\[0\] = 0.0, of dtype float64"),
        ({"y": np.where(np.arange(60) == 7, np.nan, 0)}, r"y{end}\[0\] = 0.0, of dtype float64"),
        ({"y": np.where(np.arange(60) % 2, "M", "B")}, r"y{end}\[0\] = 'B', of dtype <U1, is no class"),
        ({"y": [0, "M", None] * 20}, r"y{end}\[1\] = 'M', of dtype object, is no class"),
        ({"y": np.arange(60) % 2 == 1}, r"y{end}\[0\] = False, of dtype bool, is no class"),
        ({"y": np.full(60, 2**64 - 1, dtype=np.uint64)}, r"y{end}\[0\] = 18446744073709551615, of dtype uint64"),
        ({"x": np.full((60, 2), np.nan)}, r"x{end}\[0, 0\] = nan is not a finite number: drop the row"),
        ({"x": np.ones(60)}, r"x{end} has shape \(60,\)"),
    ],
)
def test_rows_and_labels_that_do_not_fit_are_refused(change: dict, message: str) -> None:
    rows = {"x": np.random.default_rng(1).normal(size=(60, 2)), "y": np.arange(60) % 2}
    with pytest.raises(InvalidInput, match=message.format(end="")):
        ds.deal("toy", **(rows | change), n_clients=3, classes=("a", "b"), rng=seed())
    parts = {name + end: value for end in ("", "_val", "_test") for name, value in rows.items()}
    for end in ("_val", "_test"):
        spoiled = parts | {name + end: value for name, value in change.items()}
        with pytest.raises(InvalidInput, match=message.format(end=end)):
            ds.FederatedData("toy", sizes=np.array([40, 20]), classes=("a", "b"), **spoiled)


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
    with pytest.raises(
        InvalidInput, match=r"'dirichlet' was given none of them: it takes alpha \(needed\), min_size, max"
    ):
        ds.load_hospitals(partition="dirichlet", rng=np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="partition 'iid' was given alpha: it takes no options"):
        ds.load_hospitals(alpha=0.5, rng=np.random.default_rng(0))


@pytest.mark.parametrize("load", [ds.load_hospitals, ds.load_digits_federation, ds.load_mnist_federation])
@pytest.mark.parametrize("option", [{"standardize": False}, {"standardize": True}, {"classes": ("a", "b")}])
def test_what_a_loader_decides_is_no_option(load, option: dict) -> None:
    with pytest.raises(InvalidInput, match=f"partition 'iid' was given {next(iter(option))}: it takes no options"):
        load(rng=seed(), **option)


# ---------------------------------------------------------------- tables with a column that says whose a row is
MEASURED = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def read_penguins() -> pandas.DataFrame:
    """The file as pandas reads it, the two birds that nobody measured left out."""
    [path] = [path for path in files("palmerpenguins") if path.name == "penguins.csv"]
    return pandas.read_csv(path.locate()).dropna(subset=MEASURED)


def test_penguins_stay_where_they_were_measured() -> None:
    table, data = read_penguins(), ds.load_penguins(rng=seed(2))
    assert data.classes == ("Adelie", "Chinstrap", "Gentoo") and data.n_features == 4
    assert data.names == tuple(f"{i} {y}" for i in ("Biscoe", "Dream", "Torgersen") for y in (2007, 2008, 2009))
    assert len(data.y) + len(data.y_val) + len(data.y_test) == len(table) == 342
    species = table.species.value_counts()
    assert np.bincount(data.y_val).tolist() == [int(0.15 * species[name]) for name in data.classes]
    assert np.bincount(data.y_test).tolist() == [int(0.3 * species[name]) for name in data.classes]
    held = Counter((name, data.classes[c]) for i, name in enumerate(data.names) for c in data.client(i)[1])
    seen = Counter(zip(table.island + " " + table.year.astype(str), table.species, strict=True))
    assert set(held) == set(seen) and all(held[key] < seen[key] for key in held)


def test_no_island_has_all_three_species() -> None:
    held = ds.load_penguins(rng=seed()).label_counts() > 0
    assert held[:3].tolist() == [[True, False, True]] * 3  # Biscoe: no Chinstraps
    assert held[3:6].tolist() == [[True, True, False]] * 3  # Dream: no Gentoos
    assert held[6:].tolist() == [[True, False, False]] * 3  # Torgersen: Adelies only


def test_penguins_read_without_their_package_are_those_that_it_loads() -> None:
    import palmerpenguins

    table = palmerpenguins.load_penguins().dropna(subset=MEASURED)
    table["station"] = table.island + " " + table.year.astype(str)
    options = {"label": "species", "client": "station", "features": MEASURED, "held_out": (0.15, 0.3)}
    ours, theirs = ds.load_penguins(rng=seed(5)), ds.federate(table, **options, rng=seed(5))
    assert all(np.array_equal(getattr(ours, part), getattr(theirs, part)) for part in ("x", "y", "x_val", "y_test"))
    assert ours.names == theirs.names and np.array_equal(ours.sizes, theirs.sizes)


def toy() -> dict[str, list]:
    """Forty rows; a row's feature is its own number, so that each can be found again."""
    return {
        "number": [float(k) for k in range(40)],
        "color": ["red", "blue"] * 20,
        "site": ["north" if k % 5 < 2 else "south" for k in range(40)],
    }


def test_a_table_becomes_a_federation_row_by_row() -> None:
    table = toy()
    data = ds.federate(table, label="color", client="site", name="colors", rng=seed(3))
    assert (data.name, data.classes, data.names) == ("colors", ("blue", "red"), ("north", "south"))
    train, val, test = partitions.split_stratified(np.array([1, 0] * 20), rng=seed(3))  # what was asked to be held out
    scaled = {k: (k - val.mean()) / val.std() for k in range(40)}
    for i, name in enumerate(data.names):
        rows = [k for k in train if table["site"][k] == name]
        x, y = data.client(i)
        assert np.allclose(x[:, 0], [scaled[k] for k in rows], atol=1e-12)
        assert [data.classes[c] for c in y] == [table["color"][k] for k in rows]
    assert np.allclose(data.x_test[:, 0], [scaled[k] for k in test]) and abs(data.x_val.mean()) < 1e-12
    frame = ds.federate(pandas.DataFrame(table), label="color", client="site", rng=seed(3))
    assert np.array_equal(frame.x, data.x) and frame.names == data.names
    some = ds.federate({**table, "note": ["?"] * 40}, label="color", client="site", features=["number"], rng=seed(3))
    assert np.array_equal(some.x, data.x)
    years = ds.federate({**table, "site": [2007, 2010] * 20}, label="site", client="color", rng=seed(3))
    assert years.classes == ("2007", "2010")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"client": "place"}, "there is no column 'place': the table has number, color, site"),
        ({}, {"features": ["weight"]}, "there is no column 'weight'"),
        ({}, {"client": "color"}, "label 'color', client 'color', .*name one column each"),
        ({}, {"features": ["color"]}, r"features \['color'\]: name one column each"),
        ({}, {"features": []}, r"features \[\]: .*at least one other"),
        ({"sex": ["male"] * 40}, {}, "row 0 of column 'sex' is 'male', no finite number: code it"),
        ({"number": [*range(39), np.inf]}, {}, "row 39 of column 'number' is inf, no finite number"),
        ({"number": [*range(7), np.nan, *range(32)]}, {}, r"row 7 of column 'number' has no value \(nan\): drop"),
        ({"site": ["a"] * 39 + [None]}, {}, r"row 39 of column 'site' has no value \(None\)"),
        ({"color": ["red"] * 40}, {}, "column 'color' holds one class only, red: give at least two"),
        ({"color": ["red"] * 36 + ["blue"] * 4}, {}, "class 'blue' has 4 records: 0.15 and 0.15 of them, rounded down"),
        ({}, {"held_out": (0.5, 0.5)}, "class 'blue' has 20 records: 0.5 and 0.5 .* leave validation, test or"),
        ({"number": range(39)}, {}, r"the columns have \[39, 40\] rows"),
        ({"number": np.ones((40, 2))}, {}, r"column 'number' has shape \(40, 2\): give one value a row"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(change: dict, options: dict, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ds.federate({**toy(), **change}, **{"label": "color", "client": "site", **options}, rng=seed())


def test_a_site_whose_rows_are_all_held_out_is_named() -> None:
    _, val, _ = partitions.split_stratified(np.array([1, 0] * 20), rng=seed())
    sites = ["lost" if k == val[0] else "kept" for k in range(40)]
    with pytest.raises(
        InvalidInput, match="client 'lost' has no training row, all of its 1 records went to validation"
    ):
        ds.federate({**toy(), "site": sites}, label="color", client="site", rng=seed())


def test_penguins_without_their_package_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    ds._read_penguins.cache_clear()
    monkeypatch.setattr(ds, "find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match="'palmerpenguins', which brings the penguins: `make lab` installs it"
    ):
        ds.load_penguins(rng=seed())


def test_what_was_checked_cannot_be_changed_afterwards() -> None:
    """Sizes that are written to later would move rows from one client to another."""
    data = ds.load_hospitals(3, rng=seed())
    sizes, x = data.sizes.copy(), data.x.copy()
    kept = replace(data, sizes=sizes, x=x)
    sizes[:], x[:] = [1, 1, len(x) - 2], 0
    assert kept.sizes.tolist() == data.sizes.tolist() and np.array_equal(kept.x, data.x)
    for array in (kept.x, kept.y, kept.sizes, kept.x_val, kept.client(0)[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert replace(kept, name="again").x is kept.x, "what cannot change is not copied"


def test_a_masked_table_is_refused() -> None:
    column = np.ma.masked_array(np.r_[[1e6] * 3, np.arange(37.0)], mask=[1] * 3 + [0] * 37)
    table = {"a": column, "y": ["u", "v"] * 20, "c": [1] * 20 + [2] * 20}
    with pytest.raises(InvalidInput, match="column 'a' has a mask"):
        ds.federate(table, label="y", client="c", rng=seed())
