"""Refusals come out with the contract's name for them and its numbers."""

from __future__ import annotations

import doctest

import pytest
from eth_utils import keccak
from hexbytes import HexBytes
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.chain import reverts
from bcfl_support.chain.reverts import Amount, RevertDecoder, format_eth, revert_data

ETHER = 10**18


def test_doctests():
    assert doctest.testmod(reverts).failed == 0


def test_an_error_nobody_explained():
    decoder = RevertDecoder()
    error = decoder.decode(bytes.fromhex("11223344") + b"\0" * 32)
    assert error.name == "0x11223344" and error.values == {"data": HexBytes("11223344" + "00" * 32)}
    assert "no registered ABI explains" in str(error)
    # a known selector with arguments that are too short
    decoder.register([{"type": "error", "name": "E", "inputs": [{"name": "a", "type": "uint256"}]}])
    assert decoder.decode(keccak(text="E(uint256)")[:4] + b"\1").name.startswith("0x")


def test_unnamed_and_nested_arguments():
    decoder = RevertDecoder()
    inputs = [
        {"name": "", "type": "uint8"},
        {"name": "at", "type": "tuple", "components": [{"name": "x", "type": "uint8"}, {"name": "y", "type": "bool"}]},
        {"name": "digest", "type": "bytes32"},
    ]
    decoder.register(
        [{"type": "error", "name": "Odd", "inputs": inputs}, {"type": "event", "name": "Other", "inputs": []}]
    )
    words = [7, 1, 1, 255]
    data = keccak(text="Odd(uint8,(uint8,bool),bytes32)")[:4] + b"".join(w.to_bytes(32, "big") for w in words)
    error = decoder.decode(data)
    assert error.values == {"arg0": 7, "at": (1, True), "digest": HexBytes((255).to_bytes(32, "big"))}
    assert str(error) == f"Odd: arg0=7, at=(1, True), digest=0x{'0' * 62}ff"


def test_amounts():
    assert format_eth(10**9) == "0.000000001 ETH"
    assert format_eth(123_456_789) == "123,456,789 wei"
    assert format_eth(12_345 * ETHER) == "12,345 ETH"
    assert f"{Amount(1_000):,}" == "1,000"
    assert format_eth(-ETHER // 2) == "-0.5 ETH"


@given(st.integers(-(2**256), 2**256))
def test_an_amount_in_eth_is_exact(wei):
    number, unit = format_eth(wei).replace(",", "").split(" ")
    whole, _, fraction = number.partition(".")
    scale = {"ETH": 18, "wei": 0}[unit]
    assert int(whole + fraction.ljust(scale, "0")) == wei


def test_templates():
    decoder = RevertDecoder()
    inputs = [{"name": "sent", "type": "uint256"}, {"name": "samples", "type": "uint32"}]
    decoder.register([{"type": "error", "name": "Short", "inputs": inputs}])
    data = keccak(text="Short(uint256,uint32)")[:4] + (ETHER // 2).to_bytes(32, "big") + (1200).to_bytes(32, "big")
    assert str(decoder.decode(data)) == "Short: sent=500,000,000,000,000,000, samples=1,200"
    decoder.explain({"Short": "sent {sent:eth} for {samples:,} samples"})
    assert str(decoder.decode(data)) == "Short: sent 0.5 ETH for 1,200 samples"
    decoder.explain({"Short": "round {round}"})  # meant for another contract's error of this name
    assert str(decoder.decode(data)) == "Short: sent=500,000,000,000,000,000, samples=1,200"


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ({"result": "0x1"}, None),
        ({"error": "text"}, None),
        ({"error": {"code": -32000, "message": "nonce too low"}}, None),
        ({"error": {"code": -32601, "message": "Method not found", "data": "0x12"}}, None),
        ({"error": {"code": 3, "message": "execution reverted", "data": "0x1234"}}, b"\x12\x34"),  # geth, anvil
        ({"error": {"code": 3, "message": "execution reverted"}}, b""),
        ({"error": {"code": -32015, "message": "VM execution error.", "data": "Reverted 0x1234"}}, b"\x12\x34"),
    ],
)
def test_which_answers_are_reverts(answer, data):
    assert revert_data(answer) == data
