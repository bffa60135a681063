"""A real IPFS node, its content identifiers, and records every client writes with the same bytes. Lessons 0 and 3.

`IpfsNode` adds and reads content, and believes nothing: what it reads must hash to its CID. `compute_cid` derives a CID
without a node. `canonical_json` turns a record into the one sequence of bytes that its CID stands for.
"""

from bcfl_support.ipfs.cids import (
    CHUNK_SIZE,
    CODECS,
    MAX_FILE_SIZE,
    MAX_LINKS,
    Cid,
    cid_digest,
    compute_cid,
    digest_to_cid,
    parse_cid,
    read_file,
    verify_block,
)
from bcfl_support.ipfs.node import API_VARIABLE, IpfsNode
from bcfl_support.ipfs.records import SAFE_INTEGER, canonical_json, parse_record

__all__ = [
    "API_VARIABLE",
    "CHUNK_SIZE",
    "CODECS",
    "MAX_FILE_SIZE",
    "MAX_LINKS",
    "SAFE_INTEGER",
    "Cid",
    "IpfsNode",
    "canonical_json",
    "cid_digest",
    "compute_cid",
    "digest_to_cid",
    "parse_cid",
    "parse_record",
    "read_file",
    "verify_block",
]
