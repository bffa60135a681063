"""Setups and points: what is in them, how points travel, and what a toy's secret can do."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from eth_utils import keccak
from py_arkworks_bls12381 import G1Point, G2Point
from scaling.proofs.cases import BASE_PRIME, OFF_CURVE, OFF_GROUP, SECRET, toy

from bcfl_support.errors import InvalidInput, ProofError
from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import setup as s
from bcfl_support.scaling.proofs.polynomials import POLYNOMIALS, R, root_of_unity

GENERATOR = s.encode_point(s.G)


def test_examples_in_the_documentation():
    assert doctest.testmod(s).failed == 0


@pytest.mark.parametrize("make", [proofs.ethereum_setup, lambda: toy(4)])
def test_powers_are_powers(make):
    """e(τ^(i+1)·G, H) = e(τ^i·G, τ·H), at both ends and, with random factors, everywhere."""
    setup = make()
    assert len(setup.powers) == setup.n and setup.powers[0] == s.G
    factors = [pow(3, i, R) for i in range(setup.n - 1)]
    low, high = s.multiply(setup.powers[:-1], factors), s.multiply(setup.powers[1:], factors)
    assert s.pairs_to_one([(high, -s.H), (low, setup.tau_h)])
    assert not s.pairs_to_one([(low, -s.H), (low, setup.tau_h)])
    whole = setup.commit_polynomial(POLYNOMIALS([0, 2, 0, 5]))
    assert whole == setup.powers[1] * s.to_scalar(2) + setup.powers[3] * s.to_scalar(5)
    assert setup.commit_polynomial(POLYNOMIALS([0])) == G1Point.identity()


def test_ethereums_is_loaded_once_and_named_by_its_digest():
    setup = proofs.ethereum_setup()
    assert setup is proofs.ethereum_setup() and setup.n == 4096 and setup.secret is None
    assert setup.digest.hex() == "8d46ba9c1950209d7d33b332ef9922fc70f0e436235ef245faf0070b8d9dfeb4"
    assert setup.digest == keccak((4096).to_bytes(32, "big") + s.encode_key(setup.tau_h))


def test_a_toy_without_powers_is_the_same_setup():
    assert toy(5, False).digest == toy(5).digest and not toy(5, False).powers
    assert toy(4).digest != toy(5).digest != proofs.toy_setup(5, 6).digest
    assert not proofs.toy_setup(13, 6).powers
    assert [toy(5).count_chunks(p) for p in (1, 32, 33, 64, 65)] == [1, 1, 2, 2, 3]
    assert str(SECRET) not in repr(toy(5))


@pytest.mark.parametrize(
    ("log_n", "secret", "reason"),
    [(23, 5, "log_n is 23"), (-1, 5, "log_n is -1"), (2, 1, "secret is 1"), (2, R, "secret is"), (2, 2.5, "secret is")],
)
def test_toys_are_refused(log_n, secret, reason):
    with pytest.raises(InvalidInput, match=reason):
        proofs.toy_setup(log_n, secret)


def test_a_root_of_unity_is_no_secret():
    with pytest.raises(InvalidInput, match="a root of unity is no secret"):
        proofs.toy_setup(3, root_of_unity(2))


def test_points_travel():
    for number in (1, 2, R - 1, 12345):
        assert s.decode_point("it", s.encode_point(s.times(number))) == s.times(number)
    assert s.encode_point(G1Point.identity()) == bytes(96)
    assert s.decode_point("it", bytes(96)) == G1Point.identity()
    assert s.times(-3) == -s.times(3)
    key = s.encode_key(s.H)
    # EIP-2537's generator of G2: the real part of x first
    assert len(key) == 256 and key[16:24].hex() == "024aa2b2f08f0a91" and key[80:88].hex() == "13e02b6052719f60"
    assert s.decode_key("it", key) == G2Point()


def shift_coordinate(raw, start):
    moved = int.from_bytes(raw[start : start + 48], "big") + BASE_PRIME
    return raw[:start] + moved.to_bytes(48, "big") + raw[start + 48 :]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (OFF_CURVE, "not on the G1 curve"),
        (OFF_GROUP, "not in the correct G1 subgroup"),
        (GENERATOR[:95], "96"),
        (GENERATOR + b"\0", "96"),
        (b"", "96"),
        (shift_coordinate(GENERATOR, 0), ""),
        (shift_coordinate(GENERATOR, 48), ""),
        (b"\x80" + GENERATOR[1:], ""),
        (b"\x40" + bytes(95), ""),  # another way to write infinity
        (b"\xff" * 96, ""),
        ("00" * 96, ""),
        (None, ""),
    ],
    ids=range(12),
)
def test_what_is_no_point_is_refused(raw, reason):
    with pytest.raises(ProofError, match=rf"it is no point of G1 \(.*{reason}"):
        s.decode_point("it", raw)


def test_what_is_no_key_is_refused():
    key = s.encode_key(s.H)
    for raw in (key[:-1], key + b"\0", b"\1" + key[1:], key[:-1] + b"\0", key[64:] + key[:64], b""):
        with pytest.raises(ProofError, match="it is no point of G2 in 256 bytes"):
            s.decode_key("it", raw)


@pytest.mark.parametrize("damage", ["swapped", "cut", "more", "text", "gone", "folder"])
def test_a_file_that_is_not_the_ceremonys_is_refused(monkeypatch, tmp_path, damage):
    """Swapped lines are points of the curve as well, and would commit to other values."""
    raw, file = Path(s.TRUSTED_SETUP).read_bytes(), tmp_path / "setup.txt"
    lines = raw.splitlines(keepends=True)
    lines[-1], lines[-2] = lines[-2], lines[-1]
    damaged = {"swapped": b"".join(lines), "cut": raw[:-100], "more": raw + b"\n", "text": b"<html>\xff"}
    if damage in damaged:
        file.write_bytes(damaged[damage])
    elif damage == "folder":
        file.mkdir()
    monkeypatch.setattr(s, "TRUSTED_SETUP", str(file))
    what = "damaged" if damage in damaged else "missing"
    with pytest.raises(ProofError, match=rf"Ethereum's setup, is {what}: its SHA-256 is .*; install eth-account anew"):
        proofs.ethereum_setup.__wrapped__()


def test_powers_are_asked_for_by_a_flag():
    with pytest.raises(InvalidInput, match="powers is 'no'; give True or False"):
        proofs.toy_setup(2, 5, powers="no")
    assert len(proofs.toy_setup(0, 5).powers) == 1 and proofs.toy_setup(1, 5, powers=True).powers[1] == s.times(5)
