"""The federations: shapes, standardization, splits, a table of one's own, and what a learner can get wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.metadata import files

import numpy as np
import pandas
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.learning import datasets as ds
from bcfl_support.learning import partitions

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


def test_a_constant_feature_stays_finite() -> None:
    x = np.column_stack([np.ones(40), np.arange(40.0)])
    data = ds.deal("toy", x, np.arange(40) % 2, 2, classes=("a", "b"), standardize=True, rng=seed())
    assert np.array_equal(data.x[:, 0], np.zeros(len(data.y)))


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
        ({"y": np.arange(60) % 2 + 0.5}, r"labels run from 0.5 to 1.5 in y{end}, of dtype float64"),
        ({"y": np.arange(60) % 2 + 1}, "labels run from 1 to 2 in y{end}, .* from 0 to 1"),
        ({"y": -(np.arange(60) % 2)}, "labels run from -1 to 0 in y{end}"),
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
