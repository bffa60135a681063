"""Fingerprints of updates that add up as the updates do, and single entries shown to whoever doubts them.

An update of P integers is cut into K = ⌈P/N⌉ chunks, padded with zeros; entry j of a chunk is its polynomial's value at
ω^j, and C = v(τ)·G its commitment (Kate, Zaverucha and Goldberg 2010). C is linear in v, hence::

    C(Σ_i w_i·v_i) = Σ_i w_i·C(v_i)                    FedAvg for free
    v(z) = y   ⟺   e(C − y·G + z·π, H) = e(π, τ·H)      with π = (v(τ) − y)/(τ − z)·G

A commitment binds and does not hide: who guesses an update can check the guess. Nor is it the sender's own: C(v) + C(u)
is a commitment to v + u. A protocol therefore seals commitments before anybody sees another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import ckzg
import numpy as np
from py_arkworks_bls12381 import G1Point

from bcfl_support.checks import check_kind, check_list, check_range, check_whole
from bcfl_support.errors import InvalidInput, InvalidUpdate, ProofError
from bcfl_support.scaling.proofs.polynomials import R, divide_out, dot, interpolate, root_of_unity
from bcfl_support.scaling.proofs.setup import POINT, G, Setup, decode_point, encode_point, multiply, times

LOWEST, HIGHEST = -128, 127
"""What an entry of an update may be: int8."""
_LARGEST = 2**62 - 1  # of what `commit` takes: differences stay below 2^63


def commit(setup: Setup, values: np.ndarray) -> tuple[bytes, ...]:
    """One vector's commitments, a point for each chunk of N.

    >>> from bcfl_support.scaling.proofs.setup import toy_setup
    >>> setup = toy_setup(1, secret=5)
    >>> [point.hex()[:6] for point in commit(setup, np.array([1, 1, 0]))]  # 1 everywhere is G, 0 the point at infinity
    ['17f1d3', '000000']

    Args:
        setup: whose N and points to use.
        values: shape (P,), whole numbers below 2^62 in magnitude. Small ones are faster: 5 ms a chunk of int8 with
            Ethereum's setup, 16 ms if they need 64 bits.

    Returns:
        K points, 96 bytes each.

    Raises:
        InvalidInput: another shape, or an entry that is not whole or too large, see `split`.
    """
    array = check_range("values", values, -_LARGEST, _LARGEST, many=True, whole=True).astype(np.int64, copy=False)
    if array.ndim != 1 or not len(array):
        raise InvalidInput(f"values has shape {array.shape}: give one update, (P,)")
    return tuple(encode_point(_commit_chunk(setup, chunk)) for chunk in chunks_of(setup, array))


def split(values: Iterable[Any]) -> dict[int, np.ndarray]:
    """Whole numbers of any size, mod r, by parts below 2^60 that `commit` takes: Σ share·part, by share."""
    return {1 << at: np.array([int(v) % R >> at & (1 << 60) - 1 for v in values]) for at in range(0, 255, 60)}


def _commit_chunk(setup: Setup, chunk: np.ndarray) -> G1Point:
    if setup.secret is not None:
        return times(dot(chunk, setup.lagrange))
    if setup.kzg is None:
        return setup.commit_polynomial(interpolate(chunk.tolist(), setup.log_n))
    # Numbers of few bits are faster, negative ones would have 255: v − m is committed to, and m·G added, for the
    # Lagrange polynomials sum to 1.
    padded = np.zeros(setup.n, dtype=np.int64)
    padded[: len(chunk)] = chunk
    lowest = int(padded.min())
    elements = np.zeros((setup.n, 4), dtype=">u8")  # 32 bytes each
    elements[:, 3] = (padded - lowest)[_bit_reversal(setup.log_n)]
    shifted = ckzg.blob_to_kzg_commitment(elements.tobytes(), setup.kzg)
    return G1Point.from_compressed_bytes_unchecked(shifted) + times(lowest)


def chunks_of(setup: Setup, values: np.ndarray) -> list[np.ndarray]:
    """A vector in pieces of N along its last axis, the last piece shorter."""
    return [values[..., start : start + setup.n] for start in range(0, values.shape[-1], setup.n)]


def _bit_reversal(log_n: int) -> np.ndarray:
    """Where a blob has its element e: at the root number brp(e)."""
    order = np.zeros(1, dtype=np.int64)
    for _ in range(log_n):
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def average(commitments: Sequence[Sequence[bytes]], weights: Sequence[int]) -> tuple[bytes, ...]:
    """FedAvg on commitments alone: those of A = Σ_i w_i·v_i, which divided by Σ w_i is the average.

    Args:
        commitments: K points a client, 96 bytes each.
        weights: w_i, one a client.

    Returns:
        K points.

    Raises:
        InvalidInput: not one whole weight a client, or clients with different numbers of points.
        ProofError: something is no point.
    """
    rows = [check_list(f"commitments of client {i}", c) for i, c in enumerate(check_list("commitments", commitments))]
    shares, widths = check_range("weights", weights, -np.inf, row=True, whole=True).tolist(), set(map(len, rows))
    if len(widths) != 1 or len(rows) != len(shares):
        raise InvalidInput(f"{len(rows)} clients of {sorted(widths)} points, {len(shares)} weights: K for each")
    decoded = [[decode_point(f"a commitment of client {i}", c) for c in points] for i, points in enumerate(rows)]
    return tuple(encode_point(multiply(column, shares)) for column in zip(*decoded, strict=True))


# ---------------------------------------------------------------- one entry
@dataclass(frozen=True)
class Opening:
    """One entry of a committed update.

    Attributes:
        position: which, counted from 0 over all chunks, padding included.
        value: what it is, an element of the field: v mod r.
        proof: π, 96 bytes.
    """

    position: int
    value: int
    proof: bytes

    @property
    def entry(self) -> int:
        """The value as a signed number, between −r/2 and r/2."""
        return self.value - R if self.value > R // 2 else self.value


def open_entry(setup: Setup, values: Sequence[int] | np.ndarray, position: int) -> Opening:
    """Show one entry.

    Args:
        setup: what the commitment was made with.
        values: the update, shape (P,); entries beyond it are zeros, if it was committed to as it is.
        position: 0 … K·N − 1.

    Raises:
        InvalidInput: there is no such position, or an entry that is not whole.
    """
    values = check_range("values", values, -np.inf, row=True, whole=True)
    last = setup.count_chunks(len(values)) * setup.n - 1
    position = check_whole("position", position, 0, last, why="no other is committed to")
    chunk, j = divmod(position, setup.n)
    entries = [int(v) % R for v in values[chunk * setup.n : (chunk + 1) * setup.n]]
    value = entries[j] if j < len(entries) else 0
    place = pow(root_of_unity(setup.log_n), j, R)
    if setup.powers:
        proof = setup.commit_polynomial(divide_out(interpolate(entries, setup.log_n), place))
    else:
        assert setup.secret is not None
        known = sum(share * dot(part, setup.lagrange) for share, part in split(entries).items())
        proof = times((known - value) * pow(setup.secret - place, -1, R))
    return Opening(position, value, encode_point(proof))


def verify_entry(setup: Setup, commitments: Sequence[bytes], opening: Opening) -> None:
    """Check a shown entry: e(C − y·G + ω^j·π, −H)·e(π, τ·H) = 1.

    Args:
        setup: what the commitments were made with.
        commitments: K points of the client.
        opening: what somebody sent.

    Raises:
        InvalidInput: these are no commitments, or no opening.
        ProofError: the entry is not the one committed to; a position, value or point is not in its range.
    """
    check_kind("opening", opening, Opening, "an Opening, such as open_entry makes")
    commitments, why = check_list("commitments", commitments), "no other was committed to"
    last = len(commitments) * setup.n - 1
    position = check_whole("position", opening.position, 0, last, why=why, error=ProofError)
    value = check_whole("value", opening.value, 0, R - 1, why="each has one form only", error=ProofError)
    chunk, j = divmod(position, setup.n)
    point, proof = decode_point("the commitment", commitments[chunk]), decode_point("the proof", opening.proof)
    left = multiply([point, G, proof], [1, -value, pow(root_of_unity(setup.log_n), j, R)])
    if not setup.holds(left, proof):
        raise ProofError(f"entry {opening.position} is not {opening.entry:,}: the pairing fails")


def check_entries(setup: Setup, name: str, values: Any, parameters: int) -> np.ndarray:
    """Refuse what no client of P entries commits to: its row has P whole numbers, whatever they are, up to K·N.

    Args:
        setup: whose N to pad to.
        name: what the row is called in the message.
        values: the row.
        parameters: P.

    Returns:
        The row, int64, or objects where that is too small.

    Raises:
        InvalidInput: P is no number of parameters.
        InvalidUpdate: another shape, or an entry that is not whole.
    """
    most = setup.count_chunks(parameters)
    row = check_range(name, values, -np.inf, many=True, whole=True, error=InvalidUpdate)
    if row.ndim != 1 or not parameters <= len(row) <= most * setup.n:
        room = f"{parameters:,}, and padding up to {most * setup.n:,}"
        raise InvalidUpdate(f"{name} has shape {row.shape}: give one row of P = {room} whole numbers")
    return row


def find_fault(setup: Setup, values: Sequence[int] | np.ndarray, parameters: int) -> int | None:
    """Where a published update breaks the rules first: an entry that is no int8, or padding that is not zero.

    Args:
        setup: whose N to pad to.
        values: what the client published for what it committed to, shape (P,), or with its padding up to (K·N,).
        parameters: P.

    Returns:
        Its position, or None.

    Raises:
        InvalidInput: P is no number of parameters.
        InvalidUpdate: another shape, or an entry is not whole, so that it cannot have been committed to.
    """
    row = check_entries(setup, "values", values, parameters)
    if row.dtype == object:
        row = (row + R // 2) % R - R // 2  # elements of the field: r − 1 is −1
    wrong = np.flatnonzero(~_is_allowed(np.arange(len(row)), row, parameters))
    return int(wrong[0]) if len(wrong) else None


def verify_fault(setup: Setup, commitments: Sequence[bytes], parameters: int, opening: Opening) -> None:
    """Check that a client broke the rules: a proof of fraud, on which a contract would slash.

    Args:
        setup: what the commitments were made with.
        commitments: K points of the client.
        parameters: P.
        opening: the entry.

    Raises:
        InvalidInput: as `verify_entry`, or P is no number of parameters.
        InvalidUpdate: the number of commitments is not that of P entries.
        ProofError: the entry is not the one committed to, or it breaks no rule.
    """
    if len(check_list("commitments", commitments)) != (chunks := setup.count_chunks(parameters)):
        raise InvalidUpdate(f"{len(commitments)} commitments, {parameters:,} entries have {chunks} of {POINT} bytes")
    verify_entry(setup, commitments, opening)
    if _is_allowed(opening.position, opening.entry, parameters):
        raise ProofError(f"entry {opening.position} is {opening.entry}, which is allowed: no fault")


def _is_allowed(position: Any, entry: Any, parameters: int) -> np.ndarray:
    return np.where(position < parameters, (entry >= LOWEST) & (entry <= HIGHEST), entry == 0)
