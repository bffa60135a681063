"""Columns of a table as lists, arrays and pandas hold them; what is missing or no number is named with its row."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.learning.columns import read_names, read_numbers


@pytest.mark.parametrize(
    "column",
    [[1, 2.5], ["1", " 2.5"], np.array([1, 2.5], dtype=object), pandas.Series([1, 2.5]), pandas.array(["1", "2.5"])],
)
def test_numbers_of_every_container(column) -> None:
    numbers = read_numbers({"x": column}, "x")
    assert numbers.dtype == np.float64 and numbers.tolist() == [1.0, 2.5]


@pytest.mark.parametrize("gap", [None, float("nan"), pandas.NA, pandas.NaT])
def test_gaps_are_gaps_however_they_are_written(gap) -> None:
    for read in (read_numbers, read_names):
        with pytest.raises(InvalidInput, match="row 1 of column 'x' has no value"):
            read({"x": pandas.Series([1, gap], dtype=object)}, "x")


@pytest.mark.parametrize("value", ["NA", 10**400, "1,5", float("inf"), 1j, pandas.Timestamp(2007, 1, 1)])
def test_what_is_no_number_is_named(value) -> None:
    with pytest.raises(InvalidInput, match=r"row 1 of column 'x' is .*, no finite number"):
        read_numbers({"x": pandas.Series([0, value], dtype=object)}, "x")


def test_dates_are_no_numbers() -> None:
    with pytest.raises(InvalidInput, match=r"row 0 of column 'x' is .*, no finite number"):
        read_numbers(pandas.DataFrame({"x": pandas.to_datetime(["2007-01-01"])}), "x")


def test_names_are_sorted_as_their_values_are() -> None:
    names, numbers = read_names({"year": [2010, 999, 2010]}, "year")
    assert names == ("999", "2010") and numbers.tolist() == [1, 0, 1] and numbers.dtype == np.int64
    names, numbers = read_names({"mixed": np.array([1, "b", 1], dtype=object)}, "mixed")
    assert names == ("1", "b") and numbers.tolist() == [0, 1, 0]
    assert read_names(pandas.DataFrame({"sex": pandas.Categorical(["m", "f"])}), "sex")[0] == ("f", "m")


@pytest.mark.parametrize("column", [[1, "1", 2], np.array([1, "1"], dtype=object), pandas.Series([1, 2, "1"])])
def test_two_values_that_read_alike_are_not_one_name(column) -> None:
    with pytest.raises(InvalidInput, match="column 'site' has 1 and '1': write what is one name in one way"):
        read_names({"site": column}, "site")


def test_a_column_that_stands_there_twice() -> None:
    table = pandas.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    with pytest.raises(InvalidInput, match=r"column 'x' has shape \(2, 2\): give one value a row, under a name of its"):
        read_numbers(table, "x")


def test_a_masked_column_is_refused() -> None:
    column = np.ma.masked_array([1e6, 1.0, 2.0], mask=[1, 0, 0])
    for read in (read_numbers, read_names):
        with pytest.raises(InvalidInput, match="column 'x' has a mask"):
            read({"x": column}, "x")
