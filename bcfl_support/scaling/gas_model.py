"""What a round costs before one runs it: gas as a polynomial in n and P, and what follows from it.

For every rung of the ladder and every operation::

    gas(n, P) = a + b·n + c·P + d·n·P

The fee schedule gives most of each coefficient: storage slots, calldata or its floor, what a transaction
costs at all. The rest is loops, measured once and written down here. `fit_gas` finds the four from measurements, with
95% intervals. Which model is which rung's its class says; `ladder.predict` and `forecast` ask it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bcfl_support.chain import OSAKA, GasSchedule
from bcfl_support.checks import check_range
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import lanes
from bcfl_support.scaling.lanes import CHUNK, PART

BLOB_GAS = 131_072
"""Gas of a blob, of a kind of its own (EIP-4844)."""
BLOBS_PER_BLOCK = 14
"""Target of blobs a block since the BPO2 fork; the maximum is in `fees.BPO2`."""

MOST_CLIENTS = 120
"""Clients that a contract takes, whatever they send."""

NEXT_FORK = replace(OSAKA, sstore_set=107_920, code_deposit_byte=1_530, floor_zero_byte=64, floor_nonzero_byte=64)
"""What is proposed for the fork after Fusaka (EIPs 7976, 8037, 8038). Not live: numbers may change."""

# Loops, in gas, measured with solc 0.8.37 via IR on anvil with Osaka's rules; benchmarks/gas.py prints the residuals.
_KERNEL_VALUE = 11.8  # word-parallel sum and score, a client and parameter
_KERNEL_PARAMETER = 17.0  # mirror, sums and hash of a parameter, without the log
_NAIVE_SUBMIT = 507.0  # decode, check and copy one number, besides its calldata and its slot
_NAIVE_ADD = 810.0  # fetch, multiply, add, besides the cold slot
_NAIVE_PUSH = 200.0  # push one sum, besides its slot
_NAIVE_DOT = 1_090.0  # fetch two numbers, multiply, add, besides the cold slot
_NAIVE_ZEROS = 0.013  # share of values that are zero: a slot that stays zero is not paid for
_NAIVE_CALLDATA = 352.0  # 32 bytes of a number at 18 decimals: half are negative, full of 255s

_SPARSE_PAIR = 985.0  # inner product over a strip, a pair of clients
_SPARSE_CLIENT = 3_470.0  # a strip made ready, its length, a client
_SPARSE_GRAM = 180.0  # D allocated, freed of its bias, scored: n² of these
_SPARSE_ZEROS = 0.04  # share of bytes that are zero

# fmt: off
_DISCOUNTS = (
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665, 661, 658, 654,
    651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615, 613, 611, 609, 608, 606, 604,
    603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581, 580, 579, 577, 576, 575, 574,
    573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 551,
    550, 549, 548, 547, 547, 546, 545, 544, 543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532,
    532, 531, 530, 529, 528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
)  # EIP-2537: what k points cost each, in thousandths of 12,000
# fmt: on


@dataclass(frozen=True)
class RoundCost:
    """What a round costs, as predicted here or as played (`RoundBill`).

    Attributes:
        rung: its number.
        clients: n.
        parameters: P.
        gas: by operation.
        transactions: how many.
        max_tx_gas: the most expensive one, if it were not cut to size (rung 0) or as it is cut (the others).
        max_calldata_bytes: of the longest one.
        blobs: how many.
    """

    rung: int
    clients: int
    parameters: int
    gas: Mapping[str, float]
    transactions: int
    max_tx_gas: float
    max_calldata_bytes: int
    blobs: int = 0

    @property
    def total_gas(self) -> float:
        """All operations together."""
        return sum(self.gas.values())


@dataclass(frozen=True, kw_only=True)
class RoundBill(RoundCost):
    """What a round cost and gave.

    Attributes:
        scores: S_i; empty as long as the round has not finished.
        result_digest: what the contract keeps of the last finished round, see `Rung.result_digest`.
    """

    gas: Mapping[str, int]
    max_tx_gas: int
    scores: tuple[int, ...]
    result_digest: bytes

    @property
    def gas_per_value(self) -> float:
        """Gas a client and parameter."""
        return self.total_gas / (self.clients * self.parameters)


def new_slot(s: GasSchedule) -> float:
    """A storage slot written for the first time."""
    return s.cold_sload + s.sstore_set


def opening(s: GasSchedule) -> float:
    """A round opened."""
    return s.transaction + new_slot(s) + 2_600


# ---------------------------------------------------------------- a rung's gas: (n, P, prices) → what a round costs
def naive(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 0: a slot a number."""
    number = new_slot(s) - _NAIVE_ZEROS * (s.sstore_set - s.warm_access) + _NAIVE_CALLDATA + _NAIVE_SUBMIT
    floor = s.transaction + 32 * P * s.floor_nonzero_byte * 0.62
    one = max(s.transaction + new_slot(s) + 14_500 + P * number, floor)
    aggregate = s.transaction + 40_000 + P * (new_slot(s) + _NAIVE_PUSH) + n * P * (s.cold_sload + _NAIVE_ADD)
    score = s.transaction + 60_000 + n * 27_000 + P * s.cold_sload + n * P * (s.cold_sload + _NAIVE_DOT)
    gas = {"open": opening(s), "submit": n * one, "aggregate": aggregate, "score": score}
    return RoundCost(0, n, P, gas, n + 3, max(one, aggregate, score), 4 + 32 * (P + 6))


def packed(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 1: 32 numbers a slot, in pages."""
    words, page = math.ceil(P / 32), lanes.WORDS_PER_PAGE
    pages = math.ceil(words / page)
    word = new_slot(s) + 32 * s.nonzero_byte + 115
    one = pages * (s.transaction + 14_500) + new_slot(s) + words * word
    chunks = math.ceil(P / CHUNK)
    a_chunk = n * min(P, CHUNK) / 32 * (s.cold_sload + 60) + _kernel(n, min(P, CHUNK)) + 3_000
    at_once = lanes.count_stored_chunks_at_once(n)
    count = math.ceil(chunks / at_once)
    work = count * (s.transaction + 18_000) + 3 * new_slot(s) + n * 4_000 + chunks * a_chunk
    if count > 1:
        work += n * (new_slot(s) + 5_000 * (count - 2))
    largest = max((one - new_slot(s)) / pages, min(chunks, at_once) * a_chunk)
    gas = {"open": opening(s), "submit": n * one, "work": work}
    return RoundCost(1, n, P, gas, 1 + n * pages + count, largest, 132 + 32 * min(words, page))


def _kernel(n: int, valid: int) -> float:
    """Word-parallel sums and scores of one chunk."""
    padded = math.ceil(valid / 32) * 32
    return _KERNEL_VALUE * n * padded + _KERNEL_PARAMETER * padded + 32 * padded


def calldata(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 2: commitments, then all data once, at the floor of calldata."""
    chunks, chunk = math.ceil(P / CHUNK), min(CHUNK, math.ceil(P / 32) * 32)
    count = max(1, lanes.count_sent_chunks_at_once(n, chunk))
    steps = math.ceil(chunks / count)
    data = math.ceil(P / 32) * 32 * n
    submit = n * (s.transaction + new_slot(s) + 11_700)
    frame = 1_000 + 96 * n
    between = (steps - 1) * frame * 0.55 * s.floor_nonzero_byte  # the state and the tails; the last tails are zeros
    floor = steps * (s.transaction + 6_000) + data * s.floor_nonzero_byte + between + 32 * n * s.floor_zero_byte
    work = steps * (s.transaction + 30_000 + n * 7_000) + data * s.nonzero_byte + chunks * _kernel(n, chunk)
    gas = {"open": opening(s), "submit": submit, "work": max(floor, work) + new_slot(s)}
    biggest = min(count, chunks) * n * chunk
    envelope = 500 + (32 if steps == 1 else 96) * n
    return RoundCost(2, n, P, gas, 1 + n + steps, s.transaction + biggest * s.floor_nonzero_byte, envelope + biggest)


def _proposal(n: int, s: GasSchedule) -> dict[str, float]:
    # Two new slots for the proposal and its digest, and a third for the result that is final.
    propose = s.transaction + 2 * new_slot(s) + 17_350 + 670 * n
    return {"propose": propose, "finalize": s.transaction + new_slot(s) + 15_100}


def optimistic(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 3: data logged, a proposal and its end; no dispute."""
    data, parts = math.ceil(P / 32) * 32, math.ceil(math.ceil(P / CHUNK) / PART)
    floor = parts * (s.transaction + 1_200) + data * s.floor_nonzero_byte
    plain = parts * (s.transaction + 24_000) + data * (s.nonzero_byte + 10)
    gas = {"open": opening(s), "submit": n * max(floor, plain) + s.sstore_set - s.sstore_reset, **_proposal(n, s)}
    biggest = min(data, PART * CHUNK)
    largest = max(s.transaction + biggest * s.floor_nonzero_byte, gas["propose"])
    return RoundCost(3, n, P, gas, 3 + n * parts, largest, max(100 + biggest, 196 + 32 * n))


def blobs(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 4: parts in blobs, a proposal and its end; no dispute."""
    parts = math.ceil(math.ceil(P / CHUNK) / PART)
    sends = math.ceil(parts / lanes.BLOBS_PER_TRANSACTION)
    pending = (sends > 1) * (2 * new_slot(s) - 4_900)
    one = sends * (s.transaction + 19_300) + pending + 1_830 * (parts - 1)
    proposal = _proposal(n, s)
    proposal["propose"] += 3_400
    proposal["finalize"] += 2_350
    gas = {"open": opening(s), "submit": n * one + s.sstore_set - s.sstore_reset, **proposal}
    return RoundCost(4, n, P, gas, 3 + n * sends, proposal["propose"], 196 + 32 * n, n * parts)


def sparse(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 5: commitments, then an index and a value of each block once; few bytes of them are zero."""
    blocks, page = math.ceil(P / lanes.BLOCK), lanes.count_sparse_blocks_at_once(n)
    steps, new = math.ceil(blocks / page), s.sstore_set - s.sstore_reset
    submit = n * (s.transaction + 3 * s.cold_sload + 2 * s.sstore_reset + 5_459) + new
    state = 4 * n * (n + 1) + 64 * n  # bytes of D and of heads that a page leaves to the next one; 0.6 are not zero
    pages = [min(page, blocks - k) for k in range(0, blocks, page)]
    costs = []
    for k, size in enumerate(pages):
        brought, left = state * (k > 0), state * (k + 1 < steps)
        nonzero, zeros = 2 * n * size * (1 - _SPARSE_ZEROS), 2 * n * size * _SPARSE_ZEROS
        nonzero, zeros = nonzero + 0.6 * brought + 32 * n * (left > 0), zeros + 0.4 * brought
        floor = s.transaction + 5_200 + nonzero * s.floor_nonzero_byte + zeros * s.floor_zero_byte
        loops = math.ceil(size / lanes.STRIP) * (_SPARSE_PAIR * n * (n - 1) / 2 + _SPARSE_CLIENT * n)
        plain = s.transaction + 38_500 + 1_300 * n + _SPARSE_GRAM * n**2 + loops
        plain += nonzero * s.nonzero_byte + zeros * s.zero_byte + 8 * brought + 13 * left
        if steps > 1 and k == 0:
            plain += 2 * s.sstore_set
        costs.append(max(floor, plain + (new if k + 1 == steps else 0)))
    gas = {"open": opening(s), "submit": submit, "work": sum(costs)}
    longest = round(650 + n + 2 * n * pages[0] + (steps > 1) * state)
    return RoundCost(5, n, P, gas, 1 + n + steps, max(costs), longest)


def multiply_points(k: int) -> float:
    """Gas of EIP-2537's multi-scalar multiplication in G1.

    >>> multiply_points(1), multiply_points(1_000)
    (12000.0, 6228000.0)

    Args:
        k: points, at least one.
    """
    return 12.0 * k * _DISCOUNTS[min(k, len(_DISCOUNTS)) - 1]


def split_points(n: int, chunks: int) -> list[int]:
    """How many clients' points each transaction of a proof brings, on rung 6: evenly, in as few as their size allows.

    >>> split_points(10, 25), split_points(100, 25)
    ([10], [33, 33, 34])

    Args:
        n: clients.
        chunks: points of each.
    """
    most = (lanes.CALLDATA_LIMIT - lanes.ENVELOPE - step_bytes(n, chunks)) // (96 * chunks)
    steps = math.ceil(n / max(most, 1))
    return [n * (k + 1) // steps - n * k // steps for k in range(steps)]


def step_bytes(n: int, chunks: int) -> int:
    """Bytes of a proof's transaction besides points: an address, a salt, a digest and a score of each client."""
    return 1_184 + 32 * chunks + 112 * n


# ---------------------------------------------------------------- a rung's limit: P → (bytes, bytes a client) at once
def nothing(P: int) -> tuple[int, int]:
    """No transaction holds something of every client."""
    return 0, 1


def chunk(P: int) -> tuple[int, int]:
    """One chunk of all clients, with a head, a tail and a score of each."""
    return 0, 96 + _row(P)


def proof(P: int) -> tuple[int, int]:
    """The proof that one chunk is wrong: the leaf and its path; of each client the chunk, its Merkle proof and its
    submission, with all ABI offsets and lengths.
    """
    chunks = math.ceil(P / CHUNK)
    depth, part_depth = (chunks - 1).bit_length(), (min(chunks, PART) - 1).bit_length()
    return 580 + 32 * depth, 224 + _row(P) + 32 * (part_depth + depth) + 64 * math.ceil(chunks / PART)


def shown(P: int) -> tuple[int, int]:
    """A sparse row, shown with a head and the place of each client."""
    return 2 * math.ceil(P / lanes.BLOCK), 34


def _row(P: int) -> int:
    return 32 * math.ceil(min(P, CHUNK) / 32)


# ---------------------------------------------------------------- fits
@dataclass(frozen=True)
class Fit:
    """A least-squares fit.

    Attributes:
        names: of the terms.
        values: their coefficients.
        margins: half widths of their 95% intervals.
        worst: largest relative residual, |predicted / measured − 1|.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    margins: tuple[float, ...]
    worst: float

    def predict(self, *terms: float) -> float:
        """The fitted value at these terms."""
        return float(np.dot(self.values, terms))


def fit_gas(terms: np.ndarray, gas: Sequence[float], names: Sequence[str]) -> Fit:
    """Fit gas = Σ coefficient · term, with 95% intervals from Student's t.

    Relative errors count, not absolute ones: a round of 1,000 parameters must not drown one of 10.

    >>> fit = fit_gas(np.array([[1, 10], [1, 20], [1, 40], [1, 80]]), [121, 221, 421, 821], ["1", "P"])
    >>> [round(value, 6) for value in fit.values], fit.worst < 1e-9
    ([21.0, 10.0], True)

    Args:
        terms: shape (measurements, terms), finite.
        gas: shape (measurements,), positive.
        names: of the terms.

    Raises:
        InvalidInput: shapes that do not fit each other or the names, a term that is not finite, gas that is not
            positive, fewer measurements than terms, or terms that do not differ.
    """
    x = check_range("terms", terms, -np.inf, many=True)
    y = check_range("gas", gas, 0, many=True, above=True, why="relative errors need gas to compare with")
    if x.ndim != 2 or x.shape != (*y.shape, len(names)):
        given = f"terms have shape {x.shape}, gas {y.shape}, and there are {len(names)} names"
        raise InvalidInput(f"{given}: give a row a measurement, a column a name, and one gas a row")
    if len(x) < x.shape[1]:
        raise InvalidInput(f"{len(x)} measurements do not determine {x.shape[1]} terms; measure more sizes")
    scaled, one = x / y[:, None], np.ones(len(y))
    if np.linalg.matrix_rank(scaled) < x.shape[1]:
        raise InvalidInput(f"the terms {', '.join(names)} do not vary independently; measure other sizes")
    values, *_ = np.linalg.lstsq(scaled, one, rcond=None)
    residual = scaled @ values - one
    freedom = len(y) - len(values)
    margins = np.full(len(values), math.inf)
    if freedom > 0:
        from scipy.stats import t  # heavy

        covariance = np.linalg.inv(scaled.T @ scaled) * (residual @ residual / freedom)
        margins = t.ppf(0.975, freedom) * np.sqrt(np.maximum(np.diag(covariance), 0))
    return Fit(tuple(names), tuple(map(float, values)), tuple(map(float, margins)), float(np.abs(residual).max()))
