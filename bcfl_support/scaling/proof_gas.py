"""What rounds of rungs 6 to 8 cost before one runs them: points, pairings, calldata, and a few slots.

For n clients with K = ⌈P/4,096⌉ points each, of a round by one transaction, on rung 7::

    gas = base + calldata + multiply(n·K + 5) + multiply(2) + pair(3) + a + b·n + c·n·K + d·K

By the clients' accounts it is n·K + 4 points, pair(2), and n signatures to recover.
"""

from __future__ import annotations

import math

from bcfl_support.chain import GasSchedule
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.gas_model import RoundCost, multiply_points, new_slot

POINTS = 4_096
"""Entries that one of rung 6's points commits to, with Ethereum's setup."""
MOST_SEALED = 116
"""Clients that rung 6 takes, whatever they send: two bits a client and 24 of the round's number share a slot."""

# Measured as those of `gas_model`, on 36 rounds with n up to 100 and K up to 25; residuals below 0.1%.
_BLS = (56_760.0, 1_150.0)  # a, with two hashes to the curve; b
_ECDSA = (35_420.0, 1_420.0)
_POINT, _CHUNK = 264.0, 1_224.0  # c; d
_SALT, _FIRST_SEAL = 1_280.0, 20_040.0  # a seal opened by the proof itself; a round opened
_BLOB = 775.0  # a commitment and its blob's name compared
_RECOVER = 3_000.0
_PROOF_POINT = 300.0  # on rung 6: a point read, hashed and put to its scalar
_PROOF_SEAL = 4_450.0  # address, weight, score and seal of a client, besides the seal's slot
_PROOF_FRAME = 30_400.0  # hashes, the equation's other scalars, the event
_FRAME = {False: 1_468, True: 1_116}  # bytes of a transaction besides what grows, by whether accounts sign
_ZEROS = {False: 757.0, True: 692.0}  # of them, bytes that are zero
_ZEROS_CLIENT = 13.3


def pair(k: int) -> float:
    """Gas of EIP-2537's check of k pairs."""
    return 37_700.0 + 32_600.0 * k


def proven(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 6 with Ethereum's setup: seals, a proof that opens them, its end; nobody is at fault."""
    chunks = math.ceil(P / POINTS)
    submit = n * (s.transaction + new_slot(s) + 2 * s.cold_sload + s.sstore_reset + 4_985)
    counts = gas_model.split_points(n, chunks)
    costs, longest = [], 0
    for k, count in enumerate(counts):
        first, last = k == 0, k + 1 == len(counts)
        spared = 32 * n * ((not first) + (len(counts) == 1))  # salts, digests
        length = gas_model.step_bytes(n, chunks) + 96 * count * chunks - spared
        longest = max(longest, length)
        zeros = 20 * n + 600
        data = s.nonzero_byte * (length - zeros) + s.zero_byte * zeros
        points = count * chunks + 4 * last
        words = 5 * points + 40 * n + 200  # of memory
        plain = s.transaction + data + multiply_points(points) + _PROOF_POINT * count * chunks + _PROOF_FRAME
        plain += (_PROOF_SEAL + s.cold_sload) * n * first + 3 * words + words**2 / 512
        plain += multiply_points(2) + pair(2) if last else 0
        plain += new_slot(s) if first or last else s.sstore_reset
        floor = s.transaction + s.floor_nonzero_byte * (length - zeros) + s.floor_zero_byte * zeros
        costs.append(max(plain, floor))
    gas = {"open": gas_model.opening(s), "submit": submit, "prove": sum(costs)}
    gas["finalize"] = s.transaction + new_slot(s) + 10_460
    return RoundCost(6, n, P, gas, 2 + n + len(counts), max(costs), longest)


def relayed(n: int, P: int, s: GasSchedule, *, ecdsa: bool = False) -> RoundCost:
    """Gas of rung 7 with Ethereum's setup: one transaction, everybody present; no fault is shown.

    Args:
        n: clients.
        P: parameters.
        s: prices.
        ecdsa: whether accounts sign, instead of keys whose signatures add up.
    """
    chunks = math.ceil(P / POINTS)
    points, (frame, client) = n * chunks + (4 if ecdsa else 5), _ECDSA if ecdsa else _BLS
    length = _FRAME[ecdsa] + (96 * chunks + 18 + 64 * ecdsa) * n + 32 * chunks
    zeros = _ZEROS[ecdsa] + _ZEROS_CLIENT * n
    data = s.nonzero_byte * (length - zeros) + s.zero_byte * zeros
    words = 5 * points
    plain = s.transaction + data + multiply_points(points) + multiply_points(2) + pair(2 if ecdsa else 3)
    plain += frame + client * n + _POINT * n * chunks + _CHUNK * chunks + 3 * words + words**2 / 512
    plain += _RECOVER * n * ecdsa
    floor = s.transaction + s.floor_nonzero_byte * (length - zeros) + s.floor_zero_byte * zeros
    work = max(plain, floor)
    return RoundCost(7, n, P, {"relay": work}, 1, work, length)


def available(n: int, P: int, s: GasSchedule, *, ecdsa: bool = False) -> RoundCost:
    """Gas of rung 8 by a relayer: the same and a blob of each client, whose gas is of another kind.

    Args:
        n, P, s, ecdsa: as in `relayed`.
    """
    cost = relayed(n, min(P, POINTS), s, ecdsa=ecdsa)
    work = cost.gas["relay"] + _BLOB * n
    return RoundCost(8, n, P, {"relay": work}, 1, work, cost.max_calldata_bytes, n)


def revealed(n: int, P: int, s: GasSchedule) -> RoundCost:
    """Gas of rung 8 with a blob transaction a client: a seal each, of which the first opens the round, a blob each, and
    rung 6's proof, with no new slot and no salts.
    """
    seal = s.transaction + 3 * s.cold_sload + 2 * s.sstore_reset + 5_165
    bring = s.transaction + 4 * s.cold_sload + 2 * s.sstore_reset + 8_905
    sealed = proven(n, min(P, POINTS), s)
    prove = sealed.gas["prove"] - (s.sstore_set - s.sstore_reset) - _SALT * n
    gas = {"submit": n * seal + _FIRST_SEAL, "reveal": n * bring, "prove": prove}
    return RoundCost(8, n, P, gas, 2 * n + 1, max(prove, seal + _FIRST_SEAL), 1_040 + 144 * n, n)


# ---------------------------------------------------------------- limits: P → (bytes, bytes a client) at once
def step(P: int) -> tuple[int, int]:
    """One client's points and the proof; of every client an address, a salt, a digest and a score."""
    chunks = math.ceil(P / POINTS)
    return gas_model.step_bytes(0, chunks) + 96 * chunks, 112


def points(P: int) -> tuple[int, int]:
    """A round in one transaction; of each client points, weight, score, address, signature or a third of a key."""
    chunks = math.ceil(P / POINTS)
    return 1_536 + 32 * chunks, 96 * chunks + 160


def blob(P: int) -> tuple[int, int]:
    """A client's update is one blob, of 4,096 elements."""
    return (0 if P <= POINTS else lanes.CALLDATA_LIMIT), 1
