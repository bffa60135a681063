"""Records as canonical JSON (RFC 8785): equal records are equal bytes, so they have one hash and one address.

Keys are sorted, there are no spaces, and a number has one spelling: 1.0, 1e0 and 1 are all written ``1``.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidInput, RecordError

SAFE_INTEGER = 2**53 - 1
"""JSON numbers are doubles; up to here every integer is one."""

MAX_NESTING = 64
"""Lists and objects in one another; no record of this project comes near it."""


def check_bytes(name: str, value: Any) -> None:
    """Refuse what is no bytes.

    Raises:
        InvalidInput: it is something else, such as text.
    """
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise InvalidInput(f"{name} is {repr(value)[:60]}: give bytes")


def canonical_json(record: Any) -> bytes:
    """The one spelling of a record.

    Args:
        record: dictionaries with text keys, lists, texts, booleans, None, finite floats, and integers below 2**53 in
            size. Larger integers (a contract's) go in as texts, NumPy values as Python's.

    Raises:
        RecordError: something in it has no canonical JSON.

    >>> canonical_json({"scores": [0.5, 2.0], "round": 1})
    b'{"round":1,"scores":[0.5,2]}'
    """
    import rfc8785

    try:
        return rfc8785.dumps(record)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError) as error:
        advice = "write integers from 2**53 on as texts, and NumPy values as Python's"
        raise RecordError(f"the record has no canonical JSON ({error}); {advice}") from None


def parse_record(data: bytes) -> Any:
    """A record from its bytes. Whole numbers come back as integers: JSON does not tell 1.0 from 1.

    Args:
        data: JSON in UTF-8, in its canonical spelling; in another, an equal record has another address.

    Raises:
        InvalidInput: it is no bytes.
        RecordError: not JSON, cut short, or not canonical.

    >>> parse_record(b'{"round":1,"scores":[0.5,2]}')
    {'round': 1, 'scores': [0.5, 2]}
    """
    check_bytes("data", data)
    try:
        _check_depth(data)
        record = json.loads(data.decode("utf-8"), parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        what = f"the record ({len(data)} bytes) is not JSON or is cut short"
        raise RecordError(f"{what}: {error}; check the writer") from None
    if canonical_json(record) != data:
        raise RecordError("the record is JSON but not in canonical form (RFC 8785); write records with canonical_json")
    return record


def _check_depth(data: bytes) -> None:
    """Refuse brackets nested deeper than any record's: Python's parser recurses, and may run out of stack and crash."""
    marks = np.frombuffer(re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data), dtype=np.uint8)
    steps = np.isin(marks, list(b"[{")).astype(np.int64) - np.isin(marks, list(b"]}"))
    deepest = int(steps.cumsum().max(initial=0))
    if deepest > MAX_NESTING:
        raise ValueError(f"brackets nested {deepest} deep, at most {MAX_NESTING} are read")


def _whole_number(digits: str) -> int | float:
    value = float(digits)  # RFC 8785 writes large floats without an exponent, so long digits need not be an integer
    return int(digits) if abs(value) <= SAFE_INTEGER else value
