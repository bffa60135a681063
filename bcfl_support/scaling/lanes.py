"""Updates as bytes, sums as lanes, and the trees over them: what the contracts in ``contracts/src/scaling`` read.

A value v of type int8 travels as the byte u = v + 128; 32 values fill a machine word and 1,024 a chunk. A round is::

    A_j = Σ_i w_i·v_ij            S_i = w_i·Σ_j v_ij·A_j            Σ_i S_i = Σ_j A_j²

exact integers, with sample counts w_i and W = Σ w_i ≤ 2,048. Hashes bind the chunks (`MerkleTree`), and a tree whose
nodes also carry every client's share of the scores binds the result (`SumTree`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np
from eth_abi import encode
from eth_utils import keccak

from bcfl_support.checks import check_indices, check_list, check_range, check_rows, check_whole, to_array
from bcfl_support.errors import InvalidInput, InvalidUpdate

CHUNK = 1024
"""Parameters in a chunk."""
PART = 120
"""Chunks in a part: 122,880 bytes fit a transaction of 128 KiB, and a blob."""
BIAS = 128
"""What is added to a value on the wire."""
MAX_TOTAL_WEIGHT = 2048
"""Largest W for which no lane overflows: 32·255·128·W < 2^31."""
CALLDATA_LIMIT = 131_072
"""Largest transaction that public nodes pass on, in bytes (128 KiB, geth's txMaxSize)."""
BLOBS_PER_TRANSACTION = 6
"""EIP-7594."""
ENVELOPE = 1_024
"""Bytes of a transaction left for what is not calldata: nonce, fees, addresses, signature."""
BLOCK = 64
"""Parameters of which a sparse update, on rung 5, keeps one."""
STRIP = 180
"""Blocks that its contract computes at once; a page has whole strips."""
_GAS_AT_ONCE = 15_000_000  # aimed at in a transaction, below the cap of 16,777,216
WORDS_PER_PAGE = _GAS_AT_ONCE // (22_100 + 800)
"""Words that a transaction stores on rung 1: a new slot each, its calldata and the loop."""

_ZERO = bytes(32)
_Node = tuple[bytes, tuple[int, ...]]
_T = TypeVar("_T")


# ---------------------------------------------------------------- values
def pack(values: np.ndarray) -> bytes:
    """One client's values as the chain takes them: v + 128, padded with zeros (byte 128) to whole words.

    >>> pack(np.array([0, 1, -128, 127], dtype=np.int8))[:5].hex()
    '808100ff80'

    Args:
        values: shape (P,), int8.

    Raises:
        InvalidUpdate: another type or shape.
    """
    if (row := as_int8(values)).ndim != 1:
        raise InvalidUpdate(f"values have shape {row.shape}: pack one client's, (P,)")
    biased = row.view(np.uint8) ^ BIAS  # the sign bit flipped
    return biased.tobytes() + bytes([BIAS]) * (-len(biased) % 32)


def unpack(row: bytes, parameters: int) -> np.ndarray:
    """The inverse of `pack`: the first P values, int8."""
    return (np.frombuffer(row, dtype=np.uint8)[:parameters] ^ BIAS).view(np.int8)


def chunks_of(row: bytes, size: int = CHUNK) -> list[bytes]:
    """A packed row in pieces of so many bytes, the last one shorter."""
    return [row[start : start + size] for start in range(0, len(row), size)]


def as_int8(values: np.ndarray) -> np.ndarray:
    """Values as they are, if the chain takes them.

    Raises:
        InvalidUpdate: another type than int8.
    """
    array = to_array("values", values, InvalidUpdate)
    if array.dtype != np.int8:
        raise InvalidUpdate(f"values have dtype {array.dtype}, the chain takes int8: round the updates to steps first")
    return array


def check_clients(clients: Iterable[int] | None, n: int) -> list[int]:
    """Who is meant, in the given order; None: all.

    Args:
        clients: indices.
        n: how many there are.

    Raises:
        InvalidInput: an index is none of 0 … n−1.
    """
    given = range(n) if clients is None else check_list("clients", clients)
    return [int(client) for client in check_indices("clients", given, n)]


def count_stored_chunks_at_once(n: int) -> int:
    """Chunks of n clients that a transaction sums and scores from storage, on rung 1; at least one."""
    return max(1, _GAS_AT_ONCE // (n * CHUNK // 32 * 2_700 + 120_000))


def count_sent_chunks_at_once(n: int, chunk: int) -> int:
    """Chunks of `chunk` bytes of n clients that fit a transaction's calldata, on rung 2; 0 if none does."""
    # With the chunks come a head, a tail and a score of each client.
    return max(0, CALLDATA_LIMIT - ENVELOPE - 96 * n) // (n * chunk)


def count_sparse_blocks_at_once(n: int) -> int:
    """Blocks of n clients in a page of rung 5: as many whole strips as fit a transaction, in bytes and in gas."""
    room = CALLDATA_LIMIT - 2 * ENVELOPE - 64 * n - 4 * n * (n + 1)
    gas = (15_800_000 - 580 * n**2) // (510 * n * (n - 1) + 9_100 * n)
    return STRIP * min(room // (2 * STRIP * n), max(gas, 1))


# ---------------------------------------------------------------- the round in exact integers
@dataclass(frozen=True)
class ExactRound:
    """What a round must give, whichever rung computes it.

    Attributes:
        sums: A_j, shape (P,), int64.
        scores: S_i, one a client, exact.
        chunk_scores: each chunk's share of them, shape (K, n).
        total_weight: W.
    """

    sums: np.ndarray
    scores: tuple[int, ...]
    chunk_scores: tuple[tuple[int, ...], ...]
    total_weight: int

    def chunk_hashes(self) -> list[bytes]:
        """h_k: keccak256 of each chunk's sums in lanes."""
        return [keccak(to_lanes(self.sums[k : k + CHUNK], self.total_weight)) for k in range(0, len(self.sums), CHUNK)]


def compute_round(values: np.ndarray, weights: Sequence[int], clients: Iterable[int] | None = None) -> ExactRound:
    """Average and score, in integers.

    >>> exact = compute_round(np.array([[3, -1], [1, 2]], dtype=np.int8), [2, 1])
    >>> exact.sums.tolist(), exact.scores, sum(exact.scores) == 7**2 + 0**2
    ([7, 0], (42, 7), True)

    Args:
        values: shape (n, P), int8.
        weights: w_i, positive integers with a sum of at most 2,048.
        clients: who takes part; None: all. The others count nothing and have score 0.

    Raises:
        InvalidInput: a weight is not whole or below 1, a client is none of 0 … n−1, or pandas calls the rows of values
            and weights by other names.
        InvalidUpdate: wrong shape or dtype, or a sum of weights that is too large.
    """
    check_rows({"values": values, "weights": weights})
    values = as_int8(values)
    array = check_range("weights", weights, 1, MAX_TOTAL_WEIGHT, row=True, whole=True).astype(np.int64)
    if values.ndim != 2 or len(values) != len(array):
        raise InvalidUpdate(f"values have shape {values.shape}, {len(array)} weights need ({len(array)}, P)")
    if (total := int(array.sum())) > MAX_TOTAL_WEIGHT:
        advice = "divide the sample counts by a common factor"
        raise InvalidUpdate(f"weights sum to {total:,}, at most {MAX_TOTAL_WEIGHT:,} fit the lanes; {advice}")
    array = np.where(np.isin(np.arange(len(array)), check_clients(clients, len(array))), array, 0)
    sums = np.zeros(values.shape[1], dtype=np.int64)
    for weight, row in zip(array, values, strict=True):  # row by row: values as int64 would need eight times the room
        sums += weight * row
    # |Σ v·A| ≤ 2^10 · 2^7 · 2^18 a chunk, times w ≤ 2^11: int64 holds it.
    starts = np.arange(0, len(sums), CHUNK)
    shares = np.stack([np.add.reduceat(row * sums, starts) for row in values], axis=1) * array
    chunk_scores = tuple(map(tuple, shares.tolist()))
    scores = tuple(map(sum, zip(*chunk_scores, strict=True)))  # Python integers: the sum may exceed 64 bits
    return ExactRound(sums, scores, chunk_scores, int(array.sum()))


def to_lanes(sums: np.ndarray, total_weight: int) -> bytes:
    """One chunk's sums as the contract lays them out: a_j = A_j + 128·W in lanes of 32 bits.

    Of 32 parameters, word q = 0 … 3 holds those at 4k + 3 − q, k = 0 … 7; the chunk is padded with A = 0.

    Args:
        sums: shape (≤ 1024,), int64.
        total_weight: W.

    Raises:
        InvalidInput: W is no sum of weights, there are more sums than a chunk has, or a sum is none of int8 values with
            that W: its lane would wrap.
    """
    total_weight = check_whole("total_weight", total_weight, 0, MAX_TOTAL_WEIGHT, why="the lanes hold no more")
    why = "int8 values times W go no further"
    sums = check_range("sums", sums, -BIAS * total_weight, (BIAS - 1) * total_weight, many=True, whole=True, why=why)
    if sums.ndim != 1 or len(sums) > CHUNK:
        raise InvalidInput(f"sums has shape {sums.shape}: give one chunk, (≤ {CHUNK:,},)")
    biased = np.full(-(-len(sums) // 32) * 32, BIAS * total_weight, dtype=np.int64)
    biased[: len(sums)] += sums
    # (words, 8 lanes, 4 bytes of a lane) → (words, 4 groups, 8 lanes), groups from the lane's last byte to its first
    return biased.reshape(-1, 8, 4)[:, :, ::-1].transpose(0, 2, 1).astype(">u4").tobytes()


# ---------------------------------------------------------------- hashes
def compute_sums_digest(hashes: Sequence[bytes]) -> bytes:
    """d_K of rungs 0 to 2: d_0 = 0, d_{k+1} = keccak256(d_k, h_k)."""
    return reduce(lambda digest, each: keccak(digest + each), hashes, _ZERO)


def compute_result_digest(sums_digest: bytes, scores: Sequence[int]) -> bytes:
    """What every rung keeps of a round: keccak256(sums digest, keccak256(abi.encode(int256[] scores)))."""
    return keccak(sums_digest + keccak(encode(["int256[]"], [scores])))


def compute_heads(chunks: Sequence[bytes], end: bytes = _ZERO) -> list[bytes]:
    """c_0 … c_K of a commitment: c_K = end, 0 on rung 2, c_k = keccak256(keccak256(chunk k), c_{k+1})."""
    heads = accumulate(reversed(chunks), lambda head, chunk: keccak(keccak(chunk) + head), initial=end)
    return list(heads)[::-1]


class _Tree(Generic[_T]):
    """A binary tree over leaves, as many as a power of two.

    Attributes:
        levels: nodes from the leaves up.
    """

    def __init__(self, leaves: list[_T], join: Callable[[_T, _T], _T]) -> None:
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([join(below[k], below[k + 1]) for k in range(0, len(below), 2)])

    def proof(self, leaf: int) -> list[_T]:
        """Siblings on the way from a leaf to the root."""
        return [level[(leaf >> height) ^ 1] for height, level in enumerate(self.levels[:-1])]


class MerkleTree(_Tree[bytes]):
    """A binary hash tree, padded with zeros to a width that is a power of two.

    >>> MerkleTree([b"\\1" * 32], 1).root.hex()[:4], MerkleTree([b"\\1" * 32, b"\\2" * 32], 2).proof(0)[0].hex()[:4]
    ('0101', '0202')

    Attributes:
        levels: nodes from the leaves up.
    """

    def __init__(self, leaves: Sequence[bytes], width: int) -> None:
        super().__init__([*leaves, *[_ZERO] * (width - len(leaves))], lambda left, right: keccak(left + right))

    @property
    def root(self) -> bytes:
        """The node above all."""
        return self.levels[-1][0]


def part_trees(row: bytes) -> list[MerkleTree]:
    """The trees of a packed row, one for each 120 chunks; all have the same width."""
    leaves = [keccak(chunk) for chunk in chunks_of(row)]
    width = _width(min(len(leaves), PART))
    return [MerkleTree(leaves[start : start + PART], width) for start in range(0, len(leaves), PART)]


class SumTree(_Tree[_Node]):
    """A hash tree whose nodes (h, s) also carry sums: h = keccak256(d', d''), s = s' + s'', d = keccak256(h, s).

    Attributes:
        levels: nodes from the leaves up, each a hash and one number a client.
    """

    def __init__(self, hashes: Sequence[bytes], scores: Sequence[Sequence[int]]) -> None:
        """Build it.

        Args:
            hashes: h of each leaf.
            scores: s of each leaf.
        """
        leaves = [(h, tuple(s)) for h, s in zip(hashes, scores, strict=True)]
        padding = (_ZERO, (0,) * len(scores[0]))
        super().__init__(leaves + [padding] * (_width(len(leaves)) - len(leaves)), _add_nodes)

    @property
    def root(self) -> bytes:
        """The hash of the node above all."""
        return self.levels[-1][0][0]

    @property
    def total(self) -> tuple[int, ...]:
        """The scores of the node above all."""
        return self.levels[-1][0][1]

    def leaf(self, k: int) -> _Node:
        """(h, s) of a leaf."""
        return self.levels[0][k]

    def path(self, k: int) -> tuple[list[bytes], list[int]]:
        """The nodes beside the way from a leaf to the root: hashes, and scores one after the other."""
        beside = self.proof(k)
        return [h for h, _ in beside], [number for _, s in beside for number in s]


def _width(leaves: int) -> int:
    """The power of two that holds them."""
    return 1 << (leaves - 1).bit_length()


def _add_nodes(left: _Node, right: _Node) -> _Node:
    digests = [keccak(h + b"".join((number % 2**256).to_bytes(32, "big") for number in s)) for h, s in (left, right)]
    return keccak(digests[0] + digests[1]), tuple(a + b for a, b in zip(left[1], right[1], strict=True))
