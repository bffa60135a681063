"""What gas and blobs cost when a round is large enough to move the price: EIP-1559, EIP-4844 and EIP-7918 in integers.

After each block the base fee of gas moves by up to an eighth, up when more than half of the block was used, down when
less (EIP-1559). The blob fee is e^(excess / fraction), where the excess grows by what blocks carry beyond their target
(EIP-4844); while a blob costs less than 2^13 gas would, it does not shrink (EIP-7918), which holds the blob fee at a
sixteenth of the base fee or above, but for the step of one block, 15% at most. `pay` sends a round through such blocks,
in a hurry or without moving the price.

Sources: the EIPs' texts, https://eips.ethereum.org/EIPS/eip-1559, eip-4844, eip-7918, and eip-8135 for `BPO2`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bcfl_support.chain import OSAKA
from bcfl_support.checks import check_flag, check_range, check_whole
from bcfl_support.scaling.gas_model import BLOB_GAS, BLOBS_PER_BLOCK

GWEI = 10**9
SLOT_SECONDS = 12
"""Between two blocks (Ethereum's consensus specification, SECONDS_PER_SLOT)."""
MOST_ETHER = 10**9
"""More than there is of it, several times: what costs more costs infinity."""
BLOB_BASE_COST = 2**13
"""A blob costs at least as much as this much gas (EIP-7918)."""


@dataclass(frozen=True)
class BlobSchedule:
    """Blobs a block and how fast their fee follows; since EIP-7892 a setting of its own (`BPO2`: EIP-8135).

    Attributes:
        target: blobs a block at which the fee stays.
        most: blobs a block may carry.
        fraction: blob gas of excess that multiplies the fee by e.

    Raises:
        InvalidInput: a number that is not whole or is below 1, or a block that carries no more than the target.
    """

    target: int = BLOBS_PER_BLOCK
    most: int = 21
    fraction: int = 11_684_671

    def __post_init__(self) -> None:
        for name, least in (("target", 1), ("most", self.target + 1), ("fraction", 1)):
            why = "the fee rises when a block carries more than the target" if name == "most" else ""
            object.__setattr__(self, name, check_whole(name, getattr(self, name), least, why=why))


BPO2 = BlobSchedule()
"""Ethereum's since 7 January 2026."""


def next_base_fee(base_fee: int, gas_used: int, gas_limit: int = OSAKA.block_limit) -> int:
    """The base fee of the next block, in wei: b + b·(used − T)/T/8, with the target T = limit/2, rounded down.

    >>> [next_base_fee(1_000_000_000, used) for used in (60_000_000, 30_000_000, 0)]
    [1125000000, 1000000000, 875000000]

    Args:
        base_fee: this block's, wei a gas.
        gas_used: what this block used.
        gas_limit: what it could have held.

    Raises:
        InvalidInput: a fee or gas that is no whole number from 0 on, or a limit below 2.
    """
    base_fee, gas_used = check_whole("base_fee", base_fee, 0, why="it is wei"), check_whole("gas_used", gas_used, 0)
    target = check_whole("gas_limit", gas_limit, 2, why="half of it is the target") // 2
    if gas_used > target:
        return base_fee + max(base_fee * (gas_used - target) // target // 8, 1)
    return base_fee - base_fee * (target - gas_used) // target // 8


def blob_fee(excess: int, schedule: BlobSchedule = BPO2) -> int:
    """The blob fee, wei a blob gas: e^(excess / fraction), by EIP-4844's series in integers (fake_exponential).

    >>> blob_fee(0), blob_fee(3 * BPO2.fraction)
    (1, 20)

    Args:
        excess: blob gas that blocks carried beyond their targets.
        schedule: whose fraction.

    Raises:
        InvalidInput: the excess is no whole number from 0 on.
    """
    excess = check_whole("excess", excess, 0)
    term, place, total = schedule.fraction, 1, 0
    while term > 0:
        total += term
        term = term * excess // (schedule.fraction * place)
        place += 1
    return total // schedule.fraction


def next_excess(excess: int, blobs: int, base_fee: int, schedule: BlobSchedule = BPO2) -> int:
    """The excess after a block, by EIP-7918's calc_excess_blob_gas.

    >>> next_excess(0, 14, 10**9) // BLOB_GAS, next_excess(10**9, 14, 10**9) - 10**9
    (4, 0)

    Args:
        excess: before the block.
        blobs: in it.
        base_fee: its base fee, wei a gas.
        schedule: target and maximum.
    """
    excess, base_fee = check_whole("excess", excess, 0), check_whole("base_fee", base_fee, 0, why="it is wei")
    used, target = check_whole("blobs", blobs, 0) * BLOB_GAS, schedule.target * BLOB_GAS
    if excess + used < target:
        return 0
    if BLOB_BASE_COST * base_fee > BLOB_GAS * blob_fee(excess, schedule):  # below the reserve price
        return excess + used * (schedule.most - schedule.target) // schedule.most
    return excess + used - target


def excess_of(fee: int, schedule: BlobSchedule = BPO2) -> int:
    """The least excess at which a blob gas costs so much, in wei; the inverse of `blob_fee`.

    >>> blob_fee(excess_of(10**9)) >= 10**9 > blob_fee(excess_of(10**9) - 1)
    True
    """
    low, high = -1, math.ceil(schedule.fraction * (math.log(max(fee, 1)) + 1))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if blob_fee(middle, schedule) >= fee else (middle, high)
    return high


def blob_floor(base_fee: float) -> float:
    """The blob fee's reserve price: a sixteenth of the base fee, in its unit (2^13 gas for 2^17 blob gas, EIP-7918)."""
    return base_fee * BLOB_BASE_COST / BLOB_GAS


@dataclass(frozen=True)
class Market:
    """What a round meets.

    Attributes:
        base_fee: gwei a gas, when the round begins.
        blob_fee: gwei a blob gas then; where it is below a sixteenth of the base fee, that counts (`blob_floor`).
        tip: gwei a gas to the proposer of a block, on top.
        others: what all others use in each block, whatever it costs, as a share of the target of gas and of blobs. At 1
            they alone hold the price where it is, and there is no room to send anything and not to move it.
        blobs: target and maximum of blobs.
    """

    base_fee: float = 1.0
    blob_fee: float = 0.0
    tip: float = 0.0
    others: float = 0.0
    blobs: BlobSchedule = BPO2

    def __post_init__(self) -> None:
        for name in ("base_fee", "blob_fee", "tip"):
            price = check_range(name, getattr(self, name), 0, 1e9, why="it is a price in gwei")
            object.__setattr__(self, name, price.item())
        why = "it is a share of the target, and at all of it nothing can be sent that leaves the price where it is"
        object.__setattr__(self, "others", check_range("others", self.others, 0, 0.99, why=why).item())

    @property
    def first_blob_fee(self) -> float:
        """Gwei a blob gas in the first block, the floor included."""
        return max(self.blob_fee, blob_floor(self.base_fee))


@dataclass(frozen=True)
class Payment:
    """What some gas and some blobs cost, and when they were in.

    Attributes:
        blocks: how many it took, one after the other.
        ether: all of it, in ETH; infinite from a billion on.
        base_fee: gwei a gas in the block after the last; infinite as ether.
        blob_fee: gwei a blob gas there.
    """

    blocks: int
    ether: float
    base_fee: float
    blob_fee: float

    @property
    def seconds(self) -> int:
        """From the first block's beginning to the last one's end."""
        return self.blocks * SLOT_SECONDS


def pay(gas: float, blobs: int, market: Market, *, hurry: bool) -> Payment:
    """Send gas and blobs, and pay for both.

    In a hurry they fill what others leave of each block, and the fees move from block to block, though not below where
    they began, since others hold them there. Not in a hurry they
    take what others leave of the target, on average over blocks: then the price stays where it was.

    >>> quick, slow = (pay(798_000_000, 0, Market(base_fee=1), hurry=hurry) for hurry in (True, False))
    >>> quick.blocks, round(quick.ether, 2), round(quick.base_fee, 1)
    (14, 1.82, 4.4)
    >>> slow.blocks, round(slow.ether, 2), slow.base_fee
    (27, 0.8, 1.0)

    Args:
        gas: of all transactions.
        blobs: of all of them.
        market: prices, and what others use.
        hurry: whether to fill blocks.

    Raises:
        InvalidInput: gas or blobs are negative, or `hurry` is no flag.
    """
    check_flag("hurry", hurry)
    gas = check_range("gas", gas, 0, why="it is used").item()
    blobs = check_whole("blobs", blobs, 0, why="they are sent")
    return _rush(math.ceil(gas), blobs, market) if hurry else _wait(gas, blobs, market)


def _wait(gas: float, blobs: int, market: Market) -> Payment:
    free = 1 - market.others
    filled = (gas / (OSAKA.block_limit / 2 * free), blobs / (market.blobs.target * free))
    ether = (gas * (market.base_fee + market.tip) + blobs * BLOB_GAS * market.first_blob_fee) / GWEI
    return Payment(max(1, math.ceil(max(filled) - 1e-9)), ether, market.base_fee, market.first_blob_fee)


def _rush(gas: int, blobs: int, market: Market) -> Payment:
    schedule = market.blobs
    base, tip = round(market.base_fee * GWEI), round(market.tip * GWEI)
    excess = excess_of(round(market.first_blob_fee * GWEI), schedule)
    their_gas, their_blobs = (math.ceil(market.others * t) for t in (OSAKA.block_limit // 2, schedule.target))
    gas_room, blob_room = OSAKA.block_limit - their_gas, schedule.most - their_blobs
    blocks = max(1, math.ceil(gas / gas_room), math.ceil(blobs / blob_room))
    paid, least = 0, (base, excess)
    for _ in range(blocks):
        sent, carried = min(gas, gas_room), min(blobs, blob_room)
        paid += sent * (base + tip) + carried * BLOB_GAS * blob_fee(excess, schedule)
        if paid > MOST_ETHER * GWEI**2:
            return Payment(blocks, math.inf, math.inf, math.inf)
        gas, blobs = gas - sent, blobs - carried
        excess = max(least[1], next_excess(excess, carried + their_blobs, base, schedule))
        base = max(least[0], next_base_fee(base, sent + their_gas))
    return Payment(blocks, paid / GWEI**2, base / GWEI, blob_fee(excess, schedule) / GWEI)
