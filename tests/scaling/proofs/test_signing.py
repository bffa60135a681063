"""Keys whose signatures add up, and what is none. What contracts make of them: `test_relayed`."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaling.proofs.cases import OFF_CURVE

from bcfl_support.errors import BcflError, InvalidInput, ProofError
from bcfl_support.scaling.proofs import signing


def test_doctests():
    assert doctest.testmod(signing).failed == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 2**200), min_size=1, max_size=5), st.binary(max_size=40))
def test_one_signature_for_all(secrets, message):
    keys = [signing.SigningKey(secret) for secret in secrets]
    total = signing.add_keys([key.public for key in keys])
    signature = signing.add_signatures([key.sign(message) for key in keys])
    signing.verify_signature(total, message, signature)
    with pytest.raises(ProofError, match="not by this key"):
        signing.verify_signature(total, message + b"!", signature)
    if len(keys) > 1:
        with pytest.raises(ProofError, match="not by this key"):
            signing.verify_signature(keys[0].public, message, signature)


def test_keys_and_signatures_that_are_none():
    with pytest.raises(InvalidInput, match="secret is 0"):
        signing.SigningKey(0)
    with pytest.raises(ProofError, match="key 1 is no point of G2"):
        signing.add_keys([signing.SigningKey(5).public, bytes(255)])
    with pytest.raises(ProofError, match="signature 0 is no point of G1"):
        signing.add_signatures([OFF_CURVE])
    key = signing.SigningKey(5)
    signing.verify_signature(key.public, b"m", key.sign(b"m"))
    with pytest.raises(ProofError, match="not by this key"):
        signing.verify_signature(key.public, b"n", key.sign(b"m"))


@pytest.mark.parametrize(
    "call",
    [
        lambda key: signing.SigningKey.derive("0x1"),
        lambda key: signing.SigningKey.derive(None),
        lambda key: key.sign("text"),
        lambda key: key.sign(None),
        lambda key: key.prove_possession(1, "0x1", "0x" + "11" * 20),
        lambda key: key.prove_possession(1, "0x" + "11" * 20, None),
        lambda key: key.prove_possession(-1, "0x" + "11" * 20, "0x" + "11" * 20),
        lambda key: key.prove_possession(1.5, "0x" + "11" * 20, "0x" + "11" * 20),
        lambda key: signing.verify_signature(key.public, "text", key.sign(b"m")),
        lambda key: signing.verify_signature(None, b"m", key.sign(b"m")),
        lambda key: signing.verify_signature(key.public, b"m", None),
        lambda key: signing.add_keys(None),
        lambda key: signing.add_keys([None]),
        lambda key: signing.add_keys([3]),
        lambda key: signing.add_signatures(5),
        lambda key: signing.add_signatures([None]),
    ],
    ids=range(16),
)
def test_what_is_no_address_no_message_and_no_point(call):
    with pytest.raises(BcflError):
        call(signing.SigningKey(5))
