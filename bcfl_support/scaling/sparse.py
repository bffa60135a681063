"""Rung 5: one value of each 64 parameters, and the round from the updates' inner products. What clients send, and how.

A client keeps of each block of 64 the entry that is largest in length, in whole steps; what it did not send stays in a
memory, and is added to its next update (error feedback: Stich et al. 2018, arXiv 1809.07599; Karimireddy et al. 2019,
arXiv 1901.09847)::

    a_t = u_t + m_t          v_t = keep(a_t / step)          m_{t+1} = a_t − step·v_t

so that Σ_t step·v_t = Σ_t u_t − m_{T+1}: nothing is lost, it is late. The contract (``Rung5Sparse.sol``) computes::

    D_ik = Σ_j v_ij·v_kj          S_i = c_i·Σ_k c_k·D_ik          c_i = w_i, or w_i·f_i where it clips

with f_i = ⌊2^32·min(1, R/‖v_i‖)⌋, ‖v_i‖² = D_ii, and R their median by samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from eth_abi import encode
from eth_utils import keccak
from web3.types import TxReceipt

from bcfl_support.checks import check_alike, check_flag, check_range, check_rows, lower_median, to_floats
from bcfl_support.errors import InvalidInput, InvalidUpdate
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.lanes import BLOCK
from bcfl_support.scaling.rungs import Rung

EDGE = 127
"""Largest value that is sent, in steps."""


# ---------------------------------------------------------------- the client's side
def sparsify(updates: Any, *, step: float) -> np.ndarray:
    """Keep of each block of 64 the entry of largest size, as a whole number of steps; all others become zero.

    >>> sparsify([[0.5, -2.2, 0.25] + 61 * [0.0] + [300.0]], step=0.5)[0, [0, 1, 2, 64]].tolist()
    [0, -4, 0, 127]

    Args:
        updates: shape (…, n, P), in the model's units.
        step: what one unit of a value stands for, positive; all clients use the same.

    Returns:
        v = round(u/step), at most 127 in size, where kept; shape of `updates`, int8. Of equals the first is kept.

    Raises:
        InvalidInput: an entry that is not finite, or a step that is not positive.
    """
    rows = check_range("updates", updates, -np.inf, many=True, why="the chain takes numbers")
    step = check_range("step", step, 0, above=True, why="values count in steps").item()
    if not rows.ndim:
        raise InvalidInput(f"updates is {rows}: give one update, (P,), or more of them, (…, n, P)")
    kept = _find_largest(rows)
    values = np.zeros(rows.shape, dtype=np.int8)
    counts = np.clip(np.rint(np.take_along_axis(rows, kept, axis=-1) / step), -EDGE, EDGE)
    np.put_along_axis(values, kept, counts.astype(np.int8), axis=-1)
    return values


def compress(updates: Any, memory: Any, *, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Sparsify with error feedback: what is not sent now is remembered, and sent when it is large enough.

    >>> values, left = compress([[1.0, 3.0]], [[0.25, 0.0]], step=1.0)
    >>> values.tolist(), left.tolist()
    ([[0, 3]], [[1.25, 0.0]])

    Args:
        updates: this round's, shape (…, n, P).
        memory: what earlier rounds left, of the same shape, or 0.
        step: as in `sparsify`.

    Returns:
        (values to send, int8; the memory for the next round, float64). values·step + memory = updates + old memory.

    Raises:
        InvalidInput: as in `sparsify`.
    """
    step = check_range("step", step, 0, above=True, why="values count in steps").item()  # int8 times an int is int8
    rows, kept = to_floats("updates", updates), to_floats("memory", memory)
    if kept.shape not in ((), rows.shape):
        raise InvalidInput(f"memory has shape {kept.shape}, updates {rows.shape}: give what the last call left, or 0")
    check_rows({"updates": updates, "memory": memory}, "row", "column")
    whole = rows + kept
    values = sparsify(whole, step=step)
    return values, whole - step * values


def choose_step(step: float, values: np.ndarray) -> float:
    """The step of the next round, from what all could see in this one.

    It doubles when the median client's largest value is at the edge, since half of the clients are cut then, and halves
    when that is below 48, since every rounding error could be half as large. No minority of clients decides it.

    >>> choose_step(0.5, np.array([[127, 0], [-127, 3], [9, 0]], dtype=np.int8))
    1.0

    Args:
        step: this round's.
        values: what the clients sent, shape (n, P), int8.

    Raises:
        InvalidInput: a step that is not positive.
    """
    step = float(check_range("step", step, 0, above=True))
    largest = float(np.median(np.abs(lanes.as_int8(values).astype(np.int16)).max(axis=-1)))
    return step * 2 if largest >= EDGE else step / 2 if largest < 48 else step


def _find_largest(rows: np.ndarray) -> np.ndarray:
    """Place of the largest entry of each block, shape (…, ⌈P/64⌉)."""
    blocks = math.ceil(rows.shape[-1] / BLOCK)
    sizes = np.zeros((*rows.shape[:-1], blocks * BLOCK))
    np.abs(rows, out=sizes[..., : rows.shape[-1]])
    # (…, P) → (…, blocks, 64); the padding is zero and comes last, so that it is never the first largest
    return sizes.reshape(*rows.shape[:-1], blocks, BLOCK).argmax(axis=-1) + BLOCK * np.arange(blocks)


# ---------------------------------------------------------------- bytes
def to_picks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sparse updates as indices and values, one of each a block.

    Args:
        values: shape (…, P), int8.

    Returns:
        (indices in the block, uint8; values, int8), both (…, ⌈P/64⌉).

    Raises:
        InvalidUpdate: another type, or a block in which more than one value is not zero.
    """
    rows = lanes.as_int8(values)
    places = _find_largest(rows.astype(np.int16))
    picks = np.take_along_axis(rows, places, axis=-1)
    if np.count_nonzero(picks) != np.count_nonzero(rows):
        most = "at most one value of each block of 64 may differ from zero"
        raise InvalidUpdate(f"{np.count_nonzero(rows):,} values are not zero, {most}: sparsify the updates first")
    return (places % BLOCK).astype(np.uint8), picks


def to_pages(row: np.ndarray, size: int) -> list[bytes]:
    """One client's values as the chain takes them: of each page the indices, then the values, a byte each.

    >>> [page.hex() for page in to_pages(np.array(70 * [0] + [-2], dtype=np.int8), 180)]
    ['000600fe']

    Args:
        row: shape (P,), int8, sparse.
        size: blocks in a page.

    Raises:
        InvalidUpdate: as `to_picks`.
    """
    indices, picks = to_picks(row)
    starts = range(0, len(picks), size)
    return [indices[k : k + size].tobytes() + picks[k : k + size].tobytes() for k in starts]


# ---------------------------------------------------------------- the round in exact integers
UNIT = 2**32
"""What a factor of 1 is in the contract's integers."""


@dataclass(frozen=True)
class SparseRound(lanes.ExactRound):
    """What a round of rung 5 must give.

    Attributes:
        sums: A_j = Σ_i c_i·v_ij, shape (P,), int64.
        scores: S_i = c_i·Σ_j v_ij·A_j, exact; at scale (2^32·W)² where updates are clipped.
        factors: f_i, 2^32 for an update that is not cut; 0 for who did not take part; empty without clipping.
        digest: of who takes part and their commitments, in place of the sums' digest.
    """

    factors: tuple[int, ...]
    digest: bytes


def compute_factors(norms: Sequence[int], weights: Sequence[int]) -> list[int]:
    """f_i = ⌊2^32·min(1, R/‖v_i‖)⌋, with R² the smallest ‖v_i‖² such that updates not longer hold half of the samples.

    >>> [factor / UNIT for factor in compute_factors([4, 16, 64], [1, 1, 1])]
    [1.0, 1.0, 0.5]

    Args:
        norms: ‖v_i‖², whole.
        weights: w_i, positive and whole.

    Raises:
        InvalidInput: norms that are not whole or are negative, weights that are not whole or below 1, or not one of
            each a client.
    """
    check_alike({"norms": norms, "weights": weights}, exact=True)
    counts = check_range("weights", weights, 1, row=True, whole=True).tolist()
    norms = check_range("norms", norms, 0, row=True, whole=True).tolist()
    most = lower_median(norms, counts)  # R as protocol.clip_weights finds it, of lengths in place of squares
    return [math.isqrt((most << 64) // norm) if norm > most else UNIT for norm in norms]


class SparseRung(Rung):
    """Rung 5: sparse updates, in calldata once; nobody is trusted, and who withholds its row is left out.

    Attributes:
        clipped: whether updates longer than the median are cut to it, which is chosen when it is deployed.
        rows: pages that clients committed to, by client, in the order of their submissions.
    """

    artifact, title, trust = "Rung5Sparse", "one value of 64, recomputed in full", "nobody"
    gas, limit, most_played = staticmethod(gas_model.sparse), staticmethod(gas_model.shown), 10_000_000
    keeps_rows = True

    def __init__(self, *arguments: Any, clipped: bool = False) -> None:
        check_flag("clipped", clipped)
        self.clipped = bool(clipped)
        super().__init__(*arguments)
        self._page = lanes.count_sparse_blocks_at_once(len(self.weights))

    def _arguments(self) -> tuple[Any, ...]:
        config, clients, weights = super()._arguments()
        return (config, self.clipped, clients, weights)

    def _check(self, values: Any, clients: Iterable[int] | None = None) -> tuple[np.ndarray, list[int]]:
        rows, chosen = super()._check(values, clients)
        to_picks(rows)  # so that what is not sparse is refused before a round is open
        return rows, chosen

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return self._heads(to_pages(row, self._page), client)[:1]

    def _keep(self, client: int, row: np.ndarray) -> None:
        self.rows[client] = to_pages(row, self._page)

    def _heads(self, row: Sequence[bytes], client: int) -> list[bytes]:
        return lanes.compute_heads(row, (self.round << 8 | client).to_bytes(32, "big"))

    def work(self, values: np.ndarray | None = None) -> None:
        """Recompute the round from the rows of all that were not left out, page by page.

        Let nobody be asked and unshown meanwhile (`show` takes any client's row that is here): who is left out between
        two pages makes the work begin anew.
        """
        self._require_rows()
        out = self.excluded()
        heads = {i: self._heads(row, i) for i, row in sorted(self.rows.items())}
        present = [i for i in heads if i not in out]
        absent = [heads[i][0] for i in heads if i in out]
        state, first = self._state("pages", "digest", "heads", "gram"), [heads[i][0] for i in present]
        if not state or state[1] != keccak(encode(["uint256", "bytes32[]"], [sum(1 << i for i in present), first])):
            state = (0, bytes(32), [], b"")
        pages = math.ceil(math.ceil(self.parameters / BLOCK) / self._page)
        for page in range(state[0], pages):
            data = b"".join(self.rows[i][page] for i in present)
            tails = [heads[i][page + 1] for i in present] if page + 1 < pages else []
            step = (state, bytes(self.rows) if page == 0 else b"", absent if page == 0 else [], tails, data)
            payload = encode(["((uint256,bytes32,bytes32[],bytes),bytes,bytes32[],bytes32[],bytes)"], [step])
            self._send("work", [(self.contract.functions.work(self.round, payload), self.worker)])
            state = self._state("pages", "digest", "heads", "gram")

    def expected(self, values: np.ndarray, clients: Iterable[int] | None = None) -> SparseRound:
        """What the current round must give with these clients, in exact integers; others have score 0."""
        values, exact = lanes.as_int8(values), super().expected(values, clients)
        chosen = sorted(lanes.check_clients(clients, len(self.weights)))
        heads = [self._heads(to_pages(values[i], self._page), i)[0] for i in chosen]
        digest = keccak(encode(["uint256", "bytes32[]"], [sum(1 << i for i in chosen), heads]))
        if not self.clipped:
            return SparseRound(exact.sums, exact.scores, exact.chunk_scores, exact.total_weight, (), digest)
        rows = values[chosen].astype(np.float64)  # an inner product is whole, and far below 2^53
        gram = [[int(entry) for entry in row] for row in rows @ rows.T]
        weights = [self.weights[i] for i in chosen]
        found = compute_factors([gram[i][i] for i in range(len(chosen))], weights)
        c = [weight * factor for weight, factor in zip(weights, found, strict=True)]
        factors, scores = [0] * len(self.weights), [0] * len(self.weights)
        for i, client in enumerate(chosen):
            factors[client] = found[i]
            scores[client] = c[i] * sum(c[k] * gram[i][k] for k in range(len(chosen)))
        # |c·v| ≤ 2^43 · 2^7, and the c sum to at most 2^43: int64 holds the sums
        sums = np.array(c, dtype=np.int64) @ values[chosen].astype(np.int64)
        return SparseRound(sums, tuple(scores), (tuple(scores),), exact.total_weight, tuple(factors), digest)

    def _sums_digest(self, exact: lanes.ExactRound) -> bytes:
        assert isinstance(exact, SparseRound)
        return exact.digest

    # ------------------------------------------------------------ who hands nothing over
    def excluded(self) -> set[int]:
        """Clients that were left out of the current round."""
        return set(self._bits("excluded"))

    def ask(self, clients: Iterable[int], by: int) -> TxReceipt:
        """Ask clients to show their rows on chain within a quarter of the time to work.

        Args:
            clients: who handed nothing over.
            by: the client that asks; it has submitted.

        Raises:
            InvalidInput: there is no such client.
            ContractError: submissions are open, one of them is not in the round, or was asked before.
        """
        bits = sum(1 << i for i in lanes.check_clients(clients, len(self.weights)))
        return self._call("ask", self.contract.functions.ask(self.round, bits), self.clients[self._client(by)])

    def show(self, client: int) -> TxReceipt:
        """The row of a client that was asked, in the input of a call, where all can read it.

        Raises:
            InvalidInput: it has submitted nothing.
            ContractError: it was not asked, or is left out.
        """
        self._require_rows()
        client = self._holder(client)
        heads, row = [self._heads(pages, i)[0] for i, pages in self.rows.items()], b"".join(self.rows[client])
        order = list(self.rows)
        call = self.contract.functions.show(self.round, bytes(order), heads, order.index(client), row)
        return self._call("show", call, self.clients[client])

    def leave_out(self, client: int) -> TxReceipt:
        """Somebody states, when the time has passed, that the client did not show its row.

        Raises:
            ContractError: it was not asked, has shown it, or the time has not passed.
        """
        return self._call("leaveOut", self.contract.functions.leaveOut(self.round, self._client(client)), self.watcher)
