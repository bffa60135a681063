"""The price list predicts what depends on a transaction's data, to the unit."""

from __future__ import annotations

import doctest

from hypothesis import given, settings
from hypothesis import strategies as st

from bcfl_support.chain import schedule
from bcfl_support.chain.schedule import calldata_floor, intrinsic_gas


def test_doctests():
    assert doctest.testmod(schedule).failed == 0


@given(st.binary(max_size=300))
def test_intrinsic_and_floor_count_every_byte_once(data):
    assert intrinsic_gas(data) == 21_000 + sum(4 if byte == 0 else 16 for byte in data)
    assert calldata_floor(data) == 21_000 + 10 * sum(1 if byte == 0 else 4 for byte in data)
    assert intrinsic_gas(data, create=True) - intrinsic_gas(data) == 32_000 + 2 * ((len(data) + 31) // 32)


@settings(max_examples=20)
@given(st.binary(max_size=300))
def test_a_receipt_without_execution_is_the_dearer_of_the_two(shared, data):
    receipt = shared.send({"to": shared.accounts[1], "data": "0x" + data.hex()}, sender=shared.accounts[0])
    assert receipt["gasUsed"] == max(intrinsic_gas(data), calldata_floor(data))
