"""Addresses and files made of blocks: pure functions, against an independent CID library and blocks made by hand."""

from __future__ import annotations

import doctest
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.errors import ContentCorrupted, InvalidCid, RecordError
from bcfl_support.ipfs import cids
from bcfl_support.ipfs.cids import Cid, cid_digest, compute_cid, digest_to_cid, parse_cid, read_file, verify_block

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_doctests() -> None:
    assert doctest.testmod(cids).failed == 0


@given(st.binary(max_size=600))
def test_an_independent_library_reads_the_same_cids(data: bytes) -> None:
    import cid as py_cid

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cids, "CHUNK_SIZE", 300)  # so that some are trees
        text = compute_cid(data)
    theirs, ours = py_cid.make_cid(text), parse_cid(text)
    assert (theirs.version, theirs.codec) == (1, ours.codec)
    assert theirs.multihash == b"\x12\x20" + ours.digest


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_fills_one_slot_and_comes_back(digest: bytes) -> None:
    cid = digest_to_cid(digest)
    assert cid_digest(cid) == cid_digest(str(Cid("dag-pb", digest))) == digest
    assert parse_cid(cid) == Cid("raw", digest) != parse_cid(str(Cid("dag-pb", digest)))


def test_the_digest_of_a_short_record_is_its_sha256() -> None:
    data = b"0.5,0.25"
    assert cid_digest(compute_cid(data)) == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "does not begin with b"),
        ("hello", "does not begin with b"),
        (EMPTY[:-1], "not a CID"),
        (EMPTY.upper(), "does not begin with b"),
        ("b" + "a" * 200, "too long"),
        (EMPTY[:-1] + "v", "canonical"),  # only the unused last bits differ
        ("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", 'version 1 in base 32.*, which "ipfs cid base32" makes'),
        ("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua", "codec raw or dag-pb"),  # dag-cbor
        (b"bytes", "a text, not bytes"),
    ],
)
def test_what_is_no_cid_is_refused(bad: str, reason: str) -> None:
    for function in (parse_cid, cid_digest):
        with pytest.raises(InvalidCid, match=reason):
            function(bad)


def test_bad_digests_are_refused() -> None:
    with pytest.raises(InvalidCid, match="not 31 bytes"):
        digest_to_cid(bytes(31))
    with pytest.raises(InvalidCid, match="not str"):
        digest_to_cid("00" * 32)  # type: ignore[arg-type]


def dag_pb(data: bytes, *links: tuple[str, int]) -> bytes:
    """A dag-pb block built by hand: protobuf with one-byte lengths."""
    encoded = b""
    for cid, total in links:
        link = b"\x0a\x24" + parse_cid(cid).to_bytes() + b"\x12\x00\x18" + bytes([total])
        encoded += b"\x12" + bytes([len(link)]) + link
    return encoded + b"\x0a" + bytes([len(data)]) + data


def store(*blocks: bytes, codec: str = "dag-pb") -> tuple[str, dict[str, bytes]]:
    """Blocks by raw and dag-pb CID, and the CID of the last one."""
    names = {str(Cid(c, hashlib.sha256(b).digest())): b for b in blocks for c in ("raw", "dag-pb")}
    return str(Cid(codec, hashlib.sha256(blocks[-1]).digest())), names


def test_a_tree_made_by_hand_is_read() -> None:
    left, right = digest_to_cid(hashlib.sha256(b"ab").digest()), digest_to_cid(hashlib.sha256(b"cde").digest())
    cid, blocks = store(b"ab", b"cde", dag_pb(b"\x08\x02\x18\x05\x20\x02\x20\x03", (left, 2), (right, 3)))
    assert read_file(cid, blocks.__getitem__) == b"abcde"


@pytest.mark.parametrize(
    ("unixfs", "error", "reason"),
    [
        (b"\x08\x02\x18\x05\x20\x05", ContentCorrupted, "holds 2 bytes where its tree says 5"),
        (b"\x08\x02\x18\x05\x20\x02", ContentCorrupted, "contradicts itself"),
        (b"\x08\x02\x18\x00\x20\x00", ContentCorrupted, "contradicts itself"),  # empty subtrees would be free work
        (b"\x08\x02\x18\x02", ContentCorrupted, "contradicts itself"),
        (b"\x08\x01", RecordError, "not a file"),
        (b"\x08\x02\x18", ContentCorrupted, "cut short"),
        (b"\x08\x02\x12\x09ab", ContentCorrupted, "cut short"),
        (b"\x0d\x02\x00\x00\x00", ContentCorrupted, "wire type 5"),
        (b"\x08\x02\x10\xff\xff\xff\xff\xff\x7f", ContentCorrupted, "contradicts itself"),  # a number for its bytes
    ],
)
def test_a_tree_that_contradicts_itself_is_refused(unixfs: bytes, error: type[Exception], reason: str) -> None:
    cid, blocks = store(b"ab", dag_pb(unixfs, (digest_to_cid(hashlib.sha256(b"ab").digest()), 2)))
    with pytest.raises(error, match=reason):
        read_file(cid, blocks.__getitem__)


def test_a_claimed_size_is_checked_before_any_child_is_fetched() -> None:
    child = digest_to_cid(hashlib.sha256(b"ab").digest())
    huge = b"\xff\xff\xff\xff\x7f"
    cid, blocks = store(dag_pb(b"\x08\x02\x18" + huge + b"\x20" + huge, (child, 2)))
    with pytest.raises(RecordError, match="34,359,738,367 bytes; at most 268,435,456"):
        read_file(cid, blocks.__getitem__)  # a fetch of the child would be a KeyError


def test_a_wrong_block_is_refused_wherever_it_comes_from() -> None:
    with pytest.raises(ContentCorrupted, match="ask another node"):
        verify_block(EMPTY, b"not empty")
    with pytest.raises(ContentCorrupted, match="ask another node"):
        read_file(EMPTY, lambda cid: b"not empty")
