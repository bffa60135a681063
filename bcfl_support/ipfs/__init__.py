"""A real IPFS node, its content identifiers, and records every client writes with the same bytes. Lessons 0 and 3.

`IpfsNode.connect()` gives a node, as `chain.connect()` gives a chain. It adds and reads content, and believes nothing:
what it reads must hash to its CID. `compute_cid` derives a CID without a node. `canonical_json` turns a record into the
one sequence of bytes that its CID stands for.
"""

from bcfl_support.ipfs.cids import CHUNK_SIZE, cid_digest, compute_cid, digest_to_cid, parse_cid
from bcfl_support.ipfs.node import IpfsNode
from bcfl_support.ipfs.records import canonical_json, parse_record
