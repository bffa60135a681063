"""The gas ladder by name: the same round, from storing every value on chain to blobs and fraud proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bcfl_support.chain import Chain
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling.blobs import BlobRung
from bcfl_support.scaling.gas_model import largest_clients
from bcfl_support.scaling.optimistic import OptimisticRung
from bcfl_support.scaling.rungs import CalldataRung, NaiveRung, PackedRung, Rung


@dataclass(frozen=True)
class RungInfo:
    """What one rung is.

    Attributes:
        kind: the class that plays it.
        contract: name of its contract.
        title: in a few words.
        trust: who must be trusted for a correct result.
    """

    kind: type[Rung]
    contract: str
    title: str
    trust: str


RUNGS = (
    RungInfo(NaiveRung, "Rung0Naive", "a slot a number", "nobody"),
    RungInfo(PackedRung, "Rung1Packed", "32 numbers a slot", "nobody"),
    RungInfo(CalldataRung, "Rung2Calldata", "calldata, recomputed in full", "nobody"),
    RungInfo(OptimisticRung, "Rung3Optimistic", "optimistic, data logged", "one honest watcher"),
    RungInfo(BlobRung, "Rung4Blobs", "optimistic, data in blobs", "one honest watcher, within 18 days"),
)
"""The ladder: a rung's number is its place. A new rung is a class, a contract, an entry here, and its gas model."""


def start_rung(chain: Chain, number: int, weights: Sequence[int], parameters: int) -> Rung:
    """Deploy a rung for clients 0 … n−1, which are the chain's first n accounts.

    Args:
        chain: where.
        number: its place in `RUNGS`.
        weights: sample counts w_i, with a sum of at most 2,048.
        parameters: P.

    Raises:
        InvalidInput: there is no such rung, P is below 1, or there are more clients than the rung can take with so many
            parameters, or than the chain has accounts to spare.
        ServiceError: rung 4 on a chain that is not ours.
        ContractError: the contract refuses weights or sizes.
    """
    most, spare = largest_clients(number, parameters), len(chain.accounts) - 3
    if len(weights) > min(most, spare):
        raise InvalidInput(
            f"{len(weights)} clients; rung {number} takes at most {most} with {parameters:,} parameters each, and this "
            f"chain has accounts for {spare}, a proposer and two watchers: take fewer, or start it with more accounts"
        )
    rung = RUNGS[number]
    return rung.kind(chain, number, rung.contract, weights, parameters)
