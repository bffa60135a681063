"""The gas ladder by name: the same round, from storing every value on chain to blobs and fraud proofs; what it costs.

A class of `RUNGS` says all there is of a rung. `predict` asks its gas model what a round costs before one runs it;
`forecast` turns gas into transactions, blocks, seconds and money at prices that the reader sets and the round moves.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

from bcfl_support.chain import OSAKA, Chain, GasSchedule
from bcfl_support.checks import check_list, check_range, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.scaling import lanes
from bcfl_support.scaling.available import AvailableRung
from bcfl_support.scaling.blobs import BlobRung
from bcfl_support.scaling.fees import Market, Payment, pay
from bcfl_support.scaling.gas_model import RoundCost
from bcfl_support.scaling.latency import Latency, compute_latency
from bcfl_support.scaling.optimistic import OptimisticRung
from bcfl_support.scaling.proven import ProvenRung
from bcfl_support.scaling.recomputed import CalldataRung, NaiveRung, PackedRung
from bcfl_support.scaling.relayed import RelayedRung
from bcfl_support.scaling.rungs import Rung
from bcfl_support.scaling.sparse import SparseRung

RUNGS: tuple[type[Rung], ...] = (NaiveRung, PackedRung, CalldataRung, OptimisticRung, BlobRung, SparseRung)
RUNGS += (ProvenRung, RelayedRung, AvailableRung)
"""The ladder: a rung's number is its place, and its class says the rest."""


def start_rung(chain: Chain, number: int, weights: Sequence[int], parameters: int, **options: Any) -> Rung:
    """Deploy a rung for clients 0 … n−1, which are the chain's first n accounts.

    Args:
        chain: where.
        number: its place in `RUNGS`.
        weights: sample counts w_i, with a sum of at most 2,048. Where pandas names them, values are to have the names.
        parameters: P.
        **options: of this rung alone, such as `clipped` of rung 5, `setup` of rung 6 or `signatures` of rung 7.

    Raises:
        InvalidInput: there is no such rung, P is below 1, a weight is not whole or below 1, or there are more clients
            than the rung can take with so many parameters, or than the chain has accounts to spare; or the rung
            has no such option.
        ServiceError: rung 4 on a chain that is not ours.
        ContractError: the contract refuses weights or sizes.
    """
    parameters = check_whole("P", parameters, 1, why="a round has a client and a parameter")
    most, spare = largest_clients(number, parameters), len(chain.accounts) - 3
    counts = check_list("weights", weights)
    if len(counts) > min(most, spare):
        room = f"rung {number} takes at most {most} with {parameters:,} parameters each, and this chain has accounts"
        advice = f"for {spare}, a proposer and two watchers: take fewer, or start it with more accounts"
        raise InvalidInput(f"{len(counts)} clients; {room} {advice}")
    most, why = lanes.MAX_TOTAL_WEIGHT, "a client counts by its samples"
    counts = [check_whole(f"the weight of client {i}", weight, 1, most, why=why) for i, weight in enumerate(counts)]
    known = [p for kind in RUNGS[number].__mro__[:-1] for p in signature(kind).parameters.values()]
    takes = sorted({parameter.name for parameter in known if parameter.kind is parameter.KEYWORD_ONLY})
    if unknown := [*set(options) - set(takes)]:
        raise InvalidInput(f"rung {number} has no option {unknown[0]!r}: it takes {', '.join(takes) or 'none'}")
    return RUNGS[number](chain, int(number), getattr(weights, "copy", counts.copy)(), parameters, **options)


# ---------------------------------------------------------------- what a round costs
def predict(rung: int, n: int, P: int, *, schedule: GasSchedule = OSAKA) -> RoundCost:
    """A first round, from the schedule and the loops: no storage slot has been used before.

    It is asked about gas alone: whether a contract takes such a round at all, says `largest_clients`. None takes rung 8
    beyond 4,096 parameters, one blob, and what is said of more is the price of 4,096.

    >>> round(predict(2, 10, 100_000).total_gas / 1e6, 1)
    41.2
    >>> predict(4, 10, 1_000_000).blobs
    90

    >>> predict(8, 3, 5_000).total_gas == predict(8, 3, 4_096).total_gas, largest_clients(8, 5_000)
    (True, 0)

    Args:
        rung: its number.
        n: clients.
        P: parameters.
        schedule: prices.

    Raises:
        InvalidInput: no such rung, or n or P is not whole or below 1.
    """
    rung, n, P = _check(rung, n, P)
    return RUNGS[rung].gas(n, P, schedule)


def _check(rung: int, n: int, P: int) -> tuple[int, int, int]:
    rung, why = check_whole("rung", rung, 0, len(RUNGS) - 1, why="the ladder has no other"), "a round has one at least"
    return rung, check_whole("n", n, 1, why=why), check_whole("P", P, 1, why=why)


@dataclass(frozen=True)
class Forecast:
    """A round in blocks, seconds and money.

    Attributes:
        cost: the round.
        paid: the blocks it takes and what it costs, fees that react included.
        latency: seconds from the first submission to a score that is final, when all submit and nobody objects.
        money: what it costs, in the currency of the ether price.
        fits_cap: whether every transaction stays below the gas cap.
        fits_calldata: whether every transaction stays below 128 KiB, on rungs 3 and 4 also that of a dispute; and
            whether a contract takes so many clients at all, see `largest_clients`: on rung 8 none beyond 4,096
            parameters.
    """

    cost: RoundCost
    paid: Payment
    latency: Latency
    money: float
    fits_cap: bool
    fits_calldata: bool

    @property
    def blocks(self) -> int:
        """Blocks that its gas or its blobs take, whichever are more, at least 1."""
        return self.paid.blocks

    @property
    def ether(self) -> float:
        """What gas and blobs cost, in ETH."""
        return self.paid.ether


def forecast(
    rung: int,
    n: int,
    P: int,
    *,
    gas_price: float,
    ether_price: float,
    blob_price: float = 0.0,
    tip: float = 0.0,
    others: float = 0.0,
    hurry: bool = False,
) -> Forecast:
    """A first round in gas, blocks, seconds and money, by today's fee schedule and at prices the caller sets.

    >>> f = forecast(2, 10, 100_000, gas_price=1, ether_price=2000)
    >>> f.blocks, round(f.ether, 3), round(f.money)
    (2, 0.041, 82)
    >>> forecast(2, 10, 100_000, gas_price=1, ether_price=2000, hurry=True).blocks
    1

    Args:
        rung: its number.
        n: clients.
        P: parameters.
        gas_price: base fee when the round begins, gwei a gas.
        ether_price: of one ETH, in any currency.
        blob_price: gwei a blob gas then; EIP-7918 keeps it at a sixteenth of the base fee, or above.
        tip: gwei a gas on top.
        others: what others use of each block's target, as a share.
        hurry: fill blocks and pay for it, see `fees.pay`; else no more is sent than leaves the prices where they are.

    Raises:
        InvalidInput: a price is negative, or others use more than 0.99 of the target.
    """
    prices = {"gas_price": gas_price, "ether_price": ether_price, "blob_price": blob_price}
    gas_fee, ether, blob_fee = (check_range(name, v, 0, why="it is a price").item() for name, v in prices.items())
    market = Market(gas_fee, blob_fee, tip, others)
    cost = predict(rung, n, P)
    paid = pay(cost.total_gas, cost.blobs, market, hurry=hurry)
    latency = compute_latency(cost, market, hurry=hurry)
    fits_cap = cost.max_tx_gas <= OSAKA.transaction_cap
    fits_calldata = cost.max_calldata_bytes <= lanes.CALLDATA_LIMIT and n <= largest_clients(rung, P)
    return Forecast(cost, paid, latency, paid.ether * ether, fits_cap, fits_calldata)


def largest_clients(rung: int, P: int) -> int:
    """The most clients a rung can be deployed with: its contract refuses rounds that could not be ended or disputed.

    On rung 2 a transaction of 128 KiB must hold one chunk of all clients, on rungs 3 and 4 the proof that one chunk is
    wrong (`Rung.limit`). On rung 0 what one client sends may need more gas than a transaction has, which `Rung.play`
    refuses. No rung takes more than 120 clients, rung 6 no more than 116, and rung 8, where a transaction brings a blob
    of each, no more than six.

    >>> [largest_clients(rung, 100_000) for rung in range(5)]
    [120, 120, 116, 73, 73]

    Args:
        rung: its number.
        P: parameters.

    Returns:
        The largest n; 0 where not even a single client can be taken.

    Raises:
        InvalidInput: no such rung, or P is not whole or below 1.
    """
    rung, _, P = _check(rung, 1, P)
    fixed, each = RUNGS[rung].limit(P)
    return min(RUNGS[rung].most_clients, max(0, lanes.CALLDATA_LIMIT - lanes.ENVELOPE - fixed) // each)


def largest_parameters(rung: int, n: int, gas: float) -> int:
    """The largest P whose whole round needs at most so much gas, on a rung that takes n clients; 0 if there is none.

    >>> P = largest_parameters(2, 10, 60e6)
    >>> predict(2, 10, P).total_gas <= 60e6 < predict(2, 10, P + 2048).total_gas
    True

    Args:
        rung: its number; on rung 4 gas does not depend on P until a transaction's six blobs are full.
        n: clients.
        gas: the budget, at most 10^15.

    Raises:
        InvalidInput: no such rung, n is not whole or below 1, or the budget is negative or above 10^15.
    """
    rung, n, _ = _check(rung, n, 1)
    budget = check_range("gas", gas, 0, 1e15, why="it is a budget").item()

    def gas_of(P: int) -> float:
        return predict(rung, n, P).total_gas if n <= largest_clients(rung, P) else math.inf

    high = 1
    while gas_of(high) <= budget:
        high *= 2
    return bisect.bisect_right(range(high), budget, lo=high // 2 + 1, key=gas_of) - 1
