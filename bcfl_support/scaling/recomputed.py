"""Rungs 0 to 2, where the chain recomputes the whole round: all stored, packed and stored, packed in calldata."""

from __future__ import annotations

import math

import numpy as np
from eth_abi import encode

from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import gas_model, lanes
from bcfl_support.scaling.rungs import ETH, Rung


class NaiveRung(Rung):
    """Rung 0: every number at 18 decimals in a slot of its own."""

    artifact, title, trust = "Rung0Naive", "a slot a number", "nobody"
    gas, limit, most_played = staticmethod(gas_model.naive), staticmethod(gas_model.nothing), 100_000

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return [encode(["int256[]"], [[int(v) * ETH for v in row]])]

    def work(self, values: np.ndarray) -> None:
        """Average, then score."""
        number = self.round
        for operation in ("aggregate", "score"):
            self._send(operation, [(self.contract.functions.work(number, b""), self.worker)])
            if self.phase != "Open":  # an interrupted work had averaged
                return


class PackedRung(Rung):
    """Rung 1: 32 numbers a slot, in as many transactions as the gas cap asks for."""

    artifact, title, trust = "Rung1Packed", "32 numbers a slot", "nobody"
    gas, limit = staticmethod(gas_model.packed), staticmethod(gas_model.nothing)
    most_played = 1_000_000  # anvil keeps all states, which takes memory

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return lanes.chunks_of(lanes.pack(row), 32 * lanes.WORDS_PER_PAGE)

    def work(self, values: np.ndarray) -> None:
        """Sum and score page by page."""
        number, count = self.round, lanes.count_stored_chunks_at_once(len(self.weights))
        left = math.ceil(self.parameters / lanes.CHUNK) - len(self._said("Sums", number))
        call = self.contract.functions.work(number, count.to_bytes(32, "big"))
        self._send("work", [(call, self.worker)] * max(1, math.ceil(left / count)))


class CalldataRung(Rung):
    """Rung 2: commitments first, then all data once, in calldata."""

    artifact, title, trust = "Rung2Calldata", "calldata, recomputed in full", "nobody"
    gas, limit, most_played = staticmethod(gas_model.calldata), staticmethod(gas_model.chunk), 10_000_000

    def _payloads(self, row: np.ndarray, client: int) -> list[bytes]:
        return [lanes.compute_heads(lanes.chunks_of(lanes.pack(row)))[0]]

    def work(self, values: np.ndarray) -> None:
        """Recompute the round, as many chunks a transaction as its size allows.

        Args:
            values: rows of the clients that have submitted, in order, and no others.
        """
        rows = [lanes.chunks_of(lanes.pack(row)) for row in lanes.as_int8(values)]
        number, _, _, _, submitted, _ = self.contract.functions.currentRound().call()
        if len(rows) != (n := submitted.bit_count()):
            raise InvalidInput(f"values have {len(rows)} rows, {n} clients have submitted: give theirs alone, in order")
        heads, total = [lanes.compute_heads(row) for row in rows], math.ceil(self.parameters / lanes.CHUNK)
        count = lanes.count_sent_chunks_at_once(n, len(rows[0][0]))
        stop = 0
        while stop < total:
            state = self._state("chunks", "digest", "heads", "scores") or (0, bytes(32), [], [])
            start, stop = state[0], min(state[0] + count, total)
            data = b"".join(row[k] for k in range(start, stop) for row in rows)
            step = (state, stop - start, [head[stop] for head in heads], data)
            payload = encode(["((uint256,bytes32,bytes32[],int256[]),uint256,bytes32[],bytes)"], [step])
            self._send("work", [(self.contract.functions.work(number, payload), self.worker)])
