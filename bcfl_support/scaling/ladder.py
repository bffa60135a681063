"""The gas ladder by name: the same round, from storing every value on chain to blobs and fraud proofs."""

from __future__ import annotations

from collections.abc import Sequence

from bcfl_support.chain import Chain
from bcfl_support.errors import InvalidUpdate
from bcfl_support.scaling.blobs import BlobRung
from bcfl_support.scaling.optimistic import OptimisticRung
from bcfl_support.scaling.rungs import CalldataRung, NaiveRung, PackedRung, Rung, RungInfo, Terms

RUNGS = (
    RungInfo(0, "Rung0Naive", "a slot a number", "nobody"),
    RungInfo(1, "Rung1Packed", "32 numbers a slot", "nobody"),
    RungInfo(2, "Rung2Calldata", "calldata, recomputed in full", "nobody"),
    RungInfo(3, "Rung3Optimistic", "optimistic, data logged", "one honest watcher"),
    RungInfo(4, "Rung4Blobs", "optimistic, data in blobs", "one honest watcher, within 18 days"),
)


def start_rung(chain: Chain, number: int, weights: Sequence[int], parameters: int, terms: Terms | None = None) -> Rung:
    """Deploy a rung for clients 0 … n−1, which are the chain's first n accounts.

    Args:
        chain: where.
        number: 0 to 4.
        weights: sample counts w_i, with a sum of at most 2,048.
        parameters: P.
        terms: None: the defaults.

    Raises:
        ValueError: there is no such rung.
        InvalidUpdate: more clients than the chain has accounts to spare.
    """
    kinds = (NaiveRung, PackedRung, CalldataRung, OptimisticRung, BlobRung)
    if number not in range(len(kinds)):
        raise ValueError(f"rung = {number}, but the ladder has rungs 0 to {len(kinds) - 1}")
    if len(weights) + 3 > len(chain.accounts):
        raise InvalidUpdate(
            f"{len(weights)} clients, a proposer and two watchers need {len(weights) + 3} accounts, this chain has "
            f"{len(chain.accounts)}; start it with more"
        )
    return kinds[number](chain, RUNGS[number], weights, parameters, terms or Terms())
