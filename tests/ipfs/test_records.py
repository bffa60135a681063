"""A record has one spelling; every other is refused."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcfl_support.errors import RecordError
from bcfl_support.ipfs import records
from bcfl_support.ipfs.records import canonical_json, parse_record


def test_doctests() -> None:
    assert doctest.testmod(records).failed == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"round":1,"sco', "not JSON or is cut short"),
        (b"", "not JSON or is cut short"),
        (b"\xff\xfe\x00", "not JSON or is cut short"),
        (b"NaN", "nan is not representable"),
        (b"[" * 100_000, "not JSON or is cut short: brackets nested 100000 deep, at most 64"),
        (b"[" * 65 + b"]" * 65, "brackets nested 65 deep"),
        (b'{"b":1,"a":2}', "not in canonical form"),
        (b'{"a":1,"a":1}', "not in canonical form"),
        (b"[1.0]", "not in canonical form"),
        (b"[9007199254740993]", "not in canonical form"),
        (b"[1e999]", "no canonical JSON"),
    ],
)
def test_what_is_no_record_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        parse_record(data)


def test_brackets_in_texts_do_not_nest() -> None:
    record = {"text": '[{"' * 100 + "\\", "list": [[[1]]]}
    assert parse_record(canonical_json(record)) == record


@pytest.mark.parametrize("record", [float("nan"), float("inf"), 2**53, {1: 2}, {"a": object()}, "\ud800", b"bytes"])
def test_values_without_canonical_json_are_refused(record: object) -> None:
    with pytest.raises(RecordError, match="no canonical JSON"):
        canonical_json(record)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(json_values)
def test_records_come_back_equal_and_are_json(record: object) -> None:
    data = canonical_json(record)
    assert parse_record(data) == record
    assert canonical_json(parse_record(data)) == data
