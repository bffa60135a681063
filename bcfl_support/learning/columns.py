"""A learner's own table, and samples, checked: what is missing or no number, in which row; the classes of logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bcfl_support.checks import to_array
from bcfl_support.errors import InvalidInput
from bcfl_support.learning.updates import check_finite

TIE = 1e-9
"""Logits that differ by less are equal."""


def read_numbers(frame: Mapping[str, Any], column: str) -> np.ndarray:
    """A column of finite numbers; numbers written as text are read.

    Args:
        frame: a pandas DataFrame, or a mapping from column names to columns.
        column: the column's name.

    Returns:
        The numbers, shape (N,), float64.

    Raises:
        InvalidInput: no such column, or a row without a value or with one that is no finite number.

    >>> read_numbers({"cm": ["1.5", 2]}, "cm").tolist()
    [1.5, 2.0]
    """
    values = _read_column(frame, column)
    for row, value in enumerate(values.tolist()):
        try:
            fits = values.dtype.kind not in "mM" and np.isfinite(float(value))  # a date is no number
        except (TypeError, ValueError):
            fits = False
        if not fits:
            what = f"row {row} of column {column!r} is {value!r}, no finite number"
            raise InvalidInput(f"{what}: code it as one, or leave the column out with features=[…].")
    return values.astype(np.float64)


def read_names(frame: Mapping[str, Any], column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The values of a column as names, and which of them each row has.

    Args: as in `read_numbers`, of any kind of values.

    Returns:
        The names, sorted as the values are, and their numbers, shape (N,), int64.

    Raises:
        InvalidInput: no such column, a row without a value, or two values that read alike, such as 1 and "1".

    >>> names, numbers = read_names({"site": ["b", "a", "b"]}, "site")
    >>> names, numbers.tolist()
    (('a', 'b'), [1, 0, 1])
    """
    values = _read_column(frame, column)
    alike: dict[str, Any] = {}
    for value in frame[column]:  # as given: NumPy makes text of 1 beside "1"
        if (other := alike.setdefault(str(value), value)) != value:
            raise InvalidInput(f"column {column!r} has {other!r} and {value!r}: write what is one name in one way.")
    try:
        kinds, numbers = np.unique(values, return_inverse=True)
    except TypeError:  # numbers and text in one column
        kinds, numbers = np.unique(values.astype(str), return_inverse=True)
    return tuple(map(str, kinds.tolist())), numbers.astype(np.int64)


def check_samples(x: np.ndarray, y: np.ndarray, n_features: int, n_classes: int, end: str = "") -> None:
    """Refuse features and labels that do not fit each other, or a model or a data set.

    Args:
        x: features, shape (m, d), float64.
        y: labels, shape (m,).
        n_features: d.
        n_classes: C.
        end: what follows x and y in the message, such as "_val".

    Raises:
        InvalidInput: other shapes, a label that is no whole number from 0 to C − 1, or a feature that is not finite.
    """
    if x.ndim != 2 or x.shape[1] != n_features:
        raise InvalidInput(f"x{end} has shape {x.shape}: give (m, {n_features}), a row a sample.")
    if y.shape != x.shape[:1]:
        raise InvalidInput(f"y{end} has shape {y.shape} for {len(x)} samples: give one label each.")
    if y.dtype.kind not in "iu" or y.min(initial=0) < 0 or y.max(initial=0) >= n_classes:
        found = f"labels run from {min(y, default=0)} to {max(y, default=0)} in y{end}, of dtype {y.dtype}"
        raise InvalidInput(f"{found}: give integers from 0 to {n_classes - 1}, whole floats by y.astype(int).")
    check_finite(x, "drop the row, or fill it in", f"x{end}")


def pick_classes(logits: np.ndarray) -> np.ndarray:
    """The class of the largest logit; of several as large, to within 1e-9, the first.

    Two classes that a client has never seen have the same logits for ever, but for roundings, which no machines share.

    Args:
        logits: shape (…, C).

    Returns:
        Classes, shape (…).

    >>> pick_classes(np.array([[0.0, 1.0, 1.0 + 1e-12], [0.0, 1.0, 2.0]])).tolist()
    [1, 2]
    """
    return (logits >= logits.max(axis=-1, keepdims=True) - TIE).argmax(axis=-1)


def _read_column(frame: Mapping[str, Any], column: str) -> np.ndarray:
    """A column without gaps, shape (N,)."""
    if column not in frame:
        raise InvalidInput(f"there is no column {column!r}: the table has {', '.join(map(str, frame))}.")
    values = to_array(f"column {column!r}", frame[column])
    if values.ndim != 1:
        raise InvalidInput(f"column {column!r} has shape {values.shape}: give one value a row, under a name of its own")
    for row, value in enumerate(values.tolist()):
        if value is None or str(value) in ("nan", "<NA>", "NaT"):  # None, NaN, and what pandas writes for them
            raise InvalidInput(f"row {row} of column {column!r} has no value ({value}): drop the row, or fill it in.")
    return values
