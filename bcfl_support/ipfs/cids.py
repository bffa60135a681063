"""Content addresses: a CID names bytes by their hash, so whoever holds the CID can check the bytes.

A block of bytes ``b`` has the digest ``sha2-256(b)`` (32 bytes), and its address is that digest with a few bytes that
say how to read it::

    CID = "b" + base32( 0x01 ‖ codec ‖ 0x12 ‖ 0x20 ‖ digest )      codec 0x55 raw bytes, 0x70 dag-pb node

(This is version 1. Version 0, ``base58btc(0x12 ‖ 0x20 ‖ digest)``, names dag-pb nodes alone; it is read in the links of
older trees.) A file of one chunk (at most 262,144 bytes) is one raw block: its digest is the SHA-256 of the file, 32
bytes that fill exactly one storage slot of a contract. A longer file is a tree of dag-pb nodes with at most 174 links,
whose leaves are the chunks; the file's digest is that of the tree's root.

Everything here is pure: no node is asked. Formats: https://github.com/multiformats/cid,
https://ipld.io/specs/codecs/dag-pb/spec/ and https://specs.ipfs.tech/unixfs/.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bcfl_support.errors import ContentCorrupted, InvalidCid, RecordError
from bcfl_support.ipfs.records import check_bytes

CHUNK_SIZE = 262_144
"""Bytes in a full chunk: Kubo's classic default."""
MAX_LINKS = 174
"""Links of a full tree node: Kubo's classic default."""
MAX_FILE_SIZE = 256 * 1024 * 1024
"""Largest file `read_file` assembles, in bytes; an address can point to a tree that claims any size."""
MAX_LEVELS = 16
"""Levels of the tree `read_file` goes down; a full one of that many would hold far more than `MAX_FILE_SIZE`."""

CODECS = {"raw": 0x55, "dag-pb": 0x70}
_SHA2_256 = b"\x12\x20"  # multihash: function 0x12, 0x20 = 32 bytes


# ---------------------------------------------------------------- addresses
@dataclass(frozen=True)
class Cid:
    """A CID taken apart.

    Attributes:
        codec: ``"raw"`` (the block is the content) or ``"dag-pb"`` (the block is a node of a tree).
        digest: SHA-256 of the block, 32 bytes.
    """

    codec: str
    digest: bytes

    def to_bytes(self) -> bytes:
        """The binary form that tree nodes link with, 36 bytes."""
        return bytes([1, CODECS[self.codec]]) + _SHA2_256 + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(self.to_bytes()).decode().rstrip("=").lower()


def parse_cid(text: str) -> Cid:
    """Take a CID apart: version 1 in base 32 (``b…``), with a sha2-256 hash.

    Raises:
        InvalidCid: anything else.

    >>> parse_cid("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku").digest.hex()[:16]
    'e3b0c44298fc1c14'
    """
    if not isinstance(text, str):
        raise InvalidCid(f"a CID is a text, not {type(text).__name__}; digest_to_cid makes one from a digest")
    try:
        if len(text) > 100:
            raise ValueError("it is too long")
        if not text.startswith("b"):
            raise ValueError('it does not begin with b (version 1 in base 32), which "ipfs cid base32" makes of others')
        body = text[1:].upper()
        cid = _bytes_to_cid(base64.b32decode(body + "=" * (-len(body) % 8)))
        if str(cid) != text:
            raise ValueError("it is not in its one canonical spelling")
    except ValueError as error:
        raise InvalidCid(f"{text[:100]!r} is not a CID this package reads: {error}") from None
    return cid


def _bytes_to_cid(data: bytes) -> Cid:
    """Binary form to `Cid`; ValueError with the reason if it is none of the kinds used here."""
    head, digest = data[:-32], data[-32:]
    if head == _SHA2_256:
        return Cid("dag-pb", digest)
    for name, code in CODECS.items():
        if head == bytes([1, code]) + _SHA2_256:
            return Cid(name, digest)
    raise ValueError("its bytes are not version, codec raw or dag-pb, and a sha2-256 hash of 32 bytes")


def cid_digest(cid: str) -> bytes:
    """The 32 bytes a contract stores for a CID: the SHA-256 of its block. `digest_to_cid` is the way back.

    Raises:
        InvalidCid: not a CID with a sha2-256 hash.

    >>> cid_digest("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku").hex()[:16]
    'e3b0c44298fc1c14'
    """
    return parse_cid(cid).digest


def digest_to_cid(digest: bytes) -> str:
    """The CIDv1 of a file of one chunk, from its digest; a digest alone does not say that it is not a longer file's.

    Args:
        digest: SHA-256 of the block, 32 bytes.

    Raises:
        InvalidCid: not 32 bytes.

    >>> digest_to_cid(cid_digest("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"))
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
    """
    if not isinstance(digest, bytes | bytearray) or len(digest) != 32:
        size = f"{len(digest)} bytes" if isinstance(digest, bytes | bytearray) else type(digest).__name__
        raise InvalidCid(f"digest must be the 32 bytes of a SHA-256, not {size}")
    return str(Cid("raw", bytes(digest)))


def verify_block(cid: str, block: bytes) -> None:
    """Check that a block is the one its address names.

    Raises:
        InvalidInput: it is no bytes.
        ContentCorrupted: it hashes to something else.
    """
    check_bytes("block", block)
    found, named = hashlib.sha256(block).digest().hex(), cid_digest(cid).hex()
    if found != named:
        other = f"has the SHA-256 {found}, not {named}"
        raise ContentCorrupted(f"the block given for {cid} {other}; do not use it, ask another node")


# ---------------------------------------------------------------- files as trees of blocks
def compute_cid(data: bytes) -> str:
    """The CID that adding a file gives, computed without a node; equal to Kubo's with CIDv1 and chunks of `CHUNK_SIZE`.

    Raises:
        InvalidInput: `data` is no bytes.

    >>> compute_cid(b"")
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
    """
    check_bytes("data", data)
    chunks = [data[start : start + CHUNK_SIZE] for start in range(0, len(data), CHUNK_SIZE)] or [b""]
    level = [_Node(Cid("raw", hashlib.sha256(chunk).digest()), len(chunk), len(chunk)) for chunk in chunks]
    while len(level) > 1:
        level = [_parent(level[start : start + MAX_LINKS]) for start in range(0, len(level), MAX_LINKS)]
    return str(level[0].cid)


@dataclass(frozen=True)
class _Node:
    """A subtree: its root's CID, the file bytes under it, and the bytes of all its blocks (dag-pb's Tsize)."""

    cid: Cid
    content: int
    total: int


def _parent(children: list[_Node]) -> _Node:
    content = sum(child.content for child in children)
    links = [_field(2, _field(1, child.cid.to_bytes()) + _field(2, b"") + _field(3, child.total)) for child in children]
    data = _field(1, 2) + _field(3, content) + b"".join(_field(4, child.content) for child in children)
    block = b"".join(links) + _field(1, data)
    total = len(block) + sum(child.total for child in children)
    return _Node(Cid("dag-pb", hashlib.sha256(block).digest()), content, total)


def read_file(cid: str, fetch: Callable[[str], bytes]) -> bytes:
    """Assemble a file from its blocks, checking every one; the source of the blocks need not be trusted.

    Sizes that a tree claims are checked before its blocks are fetched, so the work is bounded by `MAX_FILE_SIZE`.

    Args:
        cid: the file's address.
        fetch: gives the block for a CID, e.g. from a node.

    Raises:
        ContentCorrupted: a block does not hash to its CID, or a tree contradicts itself.
        RecordError: the CID names no file (a directory, say), or one larger than `MAX_FILE_SIZE`.
    """
    return b"".join(_read(cid, fetch, None, 0))


def _read(cid: str, fetch: Callable[[str], bytes], size: int | None, depth: int) -> Iterator[bytes]:
    """Content of one subtree; `size` is what its parent says it holds, None at the root."""
    block = bytes(fetch(cid))
    verify_block(cid, block)
    own, found, links = _file_node(cid, block) if parse_cid(cid).codec == "dag-pb" else (block, len(block), [])
    if size not in (None, found):
        raise ContentCorrupted(f"{cid} holds {found} bytes where its tree says {size}; the file was made wrongly")
    if found > MAX_FILE_SIZE:
        raise RecordError(f"{cid} is a file of {found:,} bytes; at most {MAX_FILE_SIZE:,} are read: split the content")
    if depth > MAX_LEVELS:
        raise ContentCorrupted(f"{cid} lies more than {MAX_LEVELS} levels deep; the file was made wrongly")
    yield own
    for child, length in links:
        yield from _read(child, fetch, length, depth + 1)


def _file_node(cid: str, block: bytes) -> tuple[bytes, int, list[tuple[str, int]]]:
    """A dag-pb file node: its own bytes, the bytes of the whole subtree, and its (CID, bytes) links."""
    try:
        node = _fields(block)
        data = _fields(_only(node, 1))
        kind, size = ([0, *_numbers(data, field)][-1] for field in (1, 3))  # given twice, the last one counts
        own, lengths = [b"", *_strings(data, 2)][-1], _numbers(data, 4)
        targets = [str(_bytes_to_cid(_only(_fields(link), 1))) for link in _strings(node, 2)]
    except ValueError as error:
        raise ContentCorrupted(f"{cid} is no node of a UnixFS file: {error}") from None
    if kind not in (0, 2):
        raise RecordError(f"{cid} is not a file (UnixFS type {kind}; 1 is a directory); give the CID of a file")
    if len(targets) != len(lengths) or 0 in lengths or size != len(own) + sum(lengths):
        raise ContentCorrupted(f"{cid} contradicts itself about its size; the file was made wrongly")
    return own, size, list(zip(targets, lengths, strict=True))


# ---------------------------------------------------------------- encodings
def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, value: int | bytes) -> bytes:
    """One protobuf field: an integer or a byte string."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Fields of a protobuf message in order; ValueError if it is cut short or uses other wire types."""
    found: list[tuple[int, int | bytes]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            if at >= len(message) or shift > 63:
                raise ValueError("its protobuf is cut short")
            byte = message[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        value = varint()
        if key & 7 == 2:
            if at + value > len(message):
                raise ValueError("its protobuf is cut short")
            found.append((key >> 3, message[at : at + value]))
            at += value
        elif key & 7 == 0:
            found.append((key >> 3, value))
        else:
            raise ValueError(f"protobuf wire type {key & 7} does not belong there")
    return found


def _numbers(fields: list[tuple[int, int | bytes]], number: int) -> list[int]:
    return [value for found, value in fields if found == number and isinstance(value, int)]


def _strings(fields: list[tuple[int, int | bytes]], number: int) -> list[bytes]:
    return [value for found, value in fields if found == number and isinstance(value, bytes)]


def _only(fields: list[tuple[int, int | bytes]], number: int) -> bytes:
    """The byte string of the one field with this number."""
    values = _strings(fields, number)
    if len(values) != 1:
        raise ValueError(f"protobuf field {number} is there {len(values)} times, not once")
    return values[0]
