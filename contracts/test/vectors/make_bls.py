"""Points, hashes and keys of BLS12-381 by two other implementations: `bls.json` checks the contracts' library.

Messages hashed to the curve are those of RFC 9380, appendix J.9.1, as printed there, and some by py_arkworks_bls12381,
which has to give the printed ones as well. Versioned hashes are of blobs whose commitments c-kzg computes.

    python contracts/test/vectors/make_bls.py
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import ckzg
import numpy as np
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from bcfl_support.scaling.proofs import ethereum_setup
from bcfl_support.scaling.proofs.setup import encode_key

RFC_DOMAIN = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
RFC_POINTS = {
    b"": "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1"
    "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
    b"abc": "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903"
    "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
    b"abcdef0123456789": ""
    "11e0b079dea29a68f0383ee94fed1b940995272407e3bb916bbf268c263ddd57a6a27200a784cbc248e84f357ce82d98"
    "03a87ae2caf14e8ee52e51fa2ed8eefe80f02457004ba4d486d6aa1f517c0889501dc7413753f9599b099ebcbbd2d709",
}
"""Appendix J.9.1: x and y."""


def pad(point: G1Point) -> bytes:
    """A point of G1 in 128 bytes, as EIP-2537 takes it."""
    raw = point.to_xy_bytes_be()
    return bytes(16) + raw[:48] + bytes(16) + raw[48:]


def make_hashes() -> list[tuple[bytes, bytes, bytes]]:
    """Message, domain and point."""
    cases = []
    for message, printed in RFC_POINTS.items():
        point = G1Point.hash_to_curve(message, RFC_DOMAIN)
        assert point.to_xy_bytes_be().hex() == printed
        cases.append((message, RFC_DOMAIN, pad(point)))
    rng = random.Random(9380)
    for length, size in ((0, 1), (1, 255), (31, 47), (32, 46), (33, 46), (64, 46), (128, 43), (512, 43)):
        message, domain = rng.randbytes(length), rng.randbytes(size)
        cases.append((message, domain, pad(G1Point.hash_to_curve(message, domain))))
    return cases


def make_blobs() -> list[tuple[bytes, bytes]]:
    """Points, 96 bytes, and versioned hashes: random blobs, equal values (C = v·G, so both signs of y), zeros."""
    kzg, rng = ethereum_setup().kzg, np.random.default_rng(4844)
    rows = [rng.integers(0, 256, 4096) for _ in range(4)] + [np.full(4096, v) for v in (0, 1, 2, 3, 4, 5)]
    cases = []
    for row in rows:
        compressed = ckzg.blob_to_kzg_commitment(b"".join(int(v).to_bytes(32, "big") for v in row), kzg)
        point = G1Point.from_compressed_bytes(compressed)
        cases.append((point.to_xy_bytes_be(), b"\x01" + hashlib.sha256(compressed).digest()[1:]))
        negated = -point
        name = hashlib.sha256(bytes(negated.to_compressed_bytes())).digest()
        cases.append((negated.to_xy_bytes_be(), b"\x01" + name[1:]))
    return cases


def make_keys() -> list[tuple[bytes, bytes, bytes]]:
    """K, −K and K + 7·H."""
    keys = [G2Point() * Scalar(secret) for secret in (1, 2, 3, 5, 8, 13)]
    seven = G2Point() * Scalar(7)
    made = [(encode_key(key), encode_key(-key), encode_key(key + seven)) for key in keys]
    infinity = G2Point.identity()
    return [*made, (encode_key(infinity), encode_key(infinity), encode_key(seven))]


def main() -> None:
    """Write `bls.json` beside this file."""
    tables = {
        "hashes": (("message", "domain", "point"), make_hashes()),
        "blobs": (("point", "hash"), make_blobs()),
        "keys": (("key", "negated", "more"), make_keys()),
    }
    written = {}
    for table, (names, rows) in tables.items():
        written[table] = {
            "count": len(rows),
            "rows": [dict(zip(names, ("0x" + part.hex() for part in row), strict=True)) for row in rows],
        }
    path = Path(__file__).with_name("bls.json")
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
