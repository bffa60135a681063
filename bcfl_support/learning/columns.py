"""A learner's own table, and samples, checked: what is missing or no number, in which row; the classes of logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bcfl_support.checks import check_rows, name_entry, to_array, to_floats
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
        except (TypeError, ValueError, OverflowError):
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


def read_samples(
    x: Any, y: Any, n_features: int | None, n_classes: int, end: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels, once it is known that they fit each other, and a model or a data set.

    A feature means its value, whatever type of number it is; NaN and infinity are none. Rows are paired in their order.

    Args:
        x: features, shape (m, d), numbers.
        y: labels, shape (m,), integers 0 … C−1.
        n_features: d; None for any.
        n_classes: C.
        end: what follows x and y in the message, such as "_val".

    Returns:
        (features, float64, labels, int64).

    Raises:
        InvalidInput: other shapes, a label that is no whole number from 0 to C − 1, a feature that is not finite, or
            rows that pandas calls by other names in x than in y.
    """
    features, labels = to_floats(f"x{end}", x), to_array(f"y{end}", y)
    if features.ndim != 2 or n_features not in (None, features.shape[1]):
        raise InvalidInput(f"x{end} has shape {features.shape}: give (m, {n_features or 'd'}), a row a sample.")
    if labels.shape != features.shape[:1]:
        raise InvalidInput(f"y{end} has shape {labels.shape} for {len(features)} samples: give one label each.")
    check_rows({f"x{end}": x, f"y{end}": y})
    labels = check_labels(labels, n_classes, f"y{end}")
    check_finite(features, "drop the row, or fill it in", f"x{end}")
    return features, labels


def check_labels(labels: np.ndarray, n_classes: int, name: str = "y") -> np.ndarray:
    """Labels of any shape, int64; `InvalidInput` for the first that is no integer from 0 to C − 1."""
    if labels.dtype.kind not in "iu" or labels.min(initial=0) < 0 or labels.max(initial=0) >= n_classes:
        for place, label in np.ndenumerate(labels.astype(object)):
            if type(label) is not int or label not in range(n_classes):
                found = f"{name_entry(name, place)} = {label!r}, of dtype {labels.dtype}, is no class"
                advice = f"np.unique({name}, return_inverse=True) gives the classes there are, and such numbers"
                raise InvalidInput(f"{found}: labels are integers from 0 to {n_classes - 1}; {advice}.")
    return labels.astype(np.int64, copy=False)


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
