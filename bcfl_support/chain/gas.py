"""The price list: what a transaction costs, unit by unit, as numbers.

A transaction's gas is::

    max( intrinsic(data) + execution − min(refund, (intrinsic + execution) / 5),  floor(data) )

`intrinsic_gas`, `calldata_floor`, `sstore_gas`, `log_gas`, … predict its parts from the fee schedule (`OSAKA`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


# ---------------------------------------------------------------- the schedule
@dataclass(frozen=True)
class GasSchedule:
    """Prices in gas, with the proposal (EIP) that set each. "Cold" is the first touch in a transaction."""

    transaction: int = 21_000
    """Any transaction (Yellow Paper, G_transaction)."""
    zero_byte: int = 4
    """A zero byte of calldata (Yellow Paper)."""
    nonzero_byte: int = 16
    """A non-zero byte of calldata (EIP-2028)."""
    floor_zero_byte: int = 10
    """A zero byte in the calldata floor (EIP-7623)."""
    floor_nonzero_byte: int = 40
    """A non-zero byte in the calldata floor (EIP-7623)."""
    create: int = 32_000
    """Making a contract (EIP-2)."""
    initcode_word: int = 2
    """32 bytes of creation code (EIP-3860)."""
    code_deposit_byte: int = 200
    """A byte of code left on chain (Yellow Paper); at most 24,576 of them (EIP-170)."""
    cold_sload: int = 2_100
    """First touch of a storage slot (EIP-2929)."""
    cold_account: int = 2_600
    """First touch of an account (EIP-2929)."""
    warm_access: int = 100
    """Touching a slot or an account again (EIP-2929)."""
    sstore_set: int = 20_000
    """Storage from zero to non-zero, without the cold touch (EIP-2200)."""
    sstore_reset: int = 2_900
    """Storage from non-zero to another value, without the cold touch (EIP-2929: 5,000 − 2,100)."""
    sstore_clear_refund: int = 4_800
    """Given back for storage from non-zero to zero (EIP-3529)."""
    refund_quotient: int = 5
    """At most one part in this many of the gas used is given back (EIP-3529)."""
    log: int = 375
    """An event (Yellow Paper)."""
    log_topic: int = 375
    """A topic of an event; the event's signature is one (Yellow Paper)."""
    log_byte: int = 8
    """A byte of an event's data (Yellow Paper)."""
    keccak: int = 30
    """A hash (Yellow Paper)."""
    keccak_word: int = 6
    """32 bytes hashed (Yellow Paper)."""
    memory_word: int = 3
    """32 bytes of memory, the linear part (Yellow Paper)."""
    memory_quadratic: int = 512
    """Divisor of the quadratic part: words² / 512 (Yellow Paper)."""
    transaction_cap: int = 16_777_216
    """Most gas a transaction may ask for (EIP-7825)."""
    block_limit: int = 60_000_000
    """Most gas of a block (EIP-7935)."""


OSAKA = GasSchedule()
"""Ethereum's prices since the Fusaka upgrade of 3 December 2025."""


def intrinsic_gas(data: bytes, *, create: bool = False, schedule: GasSchedule = OSAKA) -> int:
    """What a transaction costs before its first instruction: 21,000 + 4·zeros + 16·nonzeros [+ 32,000 + 2·words].

    >>> intrinsic_gas(b""), intrinsic_gas(b"\\x00\\x01"), intrinsic_gas(b"\\x01" * 33, create=True)
    (21000, 21020, 53532)

    Args:
        data: calldata, or creation code with the constructor's arguments.
        create: whether the transaction makes a contract.
        schedule: prices.
    """
    zeros = data.count(0)
    gas = schedule.transaction + zeros * schedule.zero_byte + (len(data) - zeros) * schedule.nonzero_byte
    if create:
        gas += schedule.create + schedule.initcode_word * _words(len(data))
    return gas


def calldata_floor(data: bytes, *, schedule: GasSchedule = OSAKA) -> int:
    """Least a transaction costs, however little it computes: 21,000 + 10·zeros + 40·nonzeros (EIP-7623).

    >>> calldata_floor(b"\\x00\\x01")
    21050

    Args:
        data: the transaction's data.
        schedule: prices.
    """
    zeros = data.count(0)
    per_byte = zeros * schedule.floor_zero_byte + (len(data) - zeros) * schedule.floor_nonzero_byte
    return schedule.transaction + per_byte


def memory_expansion_gas(to_bytes: int, from_bytes: int = 0, *, schedule: GasSchedule = OSAKA) -> int:
    """Growing memory: C(w) = 3·w + ⌊w²/512⌋ for w words, and only the difference is paid.

    >>> memory_expansion_gas(32), memory_expansion_gas(1024), memory_expansion_gas(1024, 992)
    (3, 98, 4)

    Args:
        to_bytes: memory in use afterwards.
        from_bytes: memory in use before.
        schedule: prices.
    """

    def cost(size: int) -> int:
        words = _words(size)
        return schedule.memory_word * words + words * words // schedule.memory_quadratic

    return max(0, cost(to_bytes) - cost(from_bytes))


def log_gas(topics: int, data_bytes: int, *, schedule: GasSchedule = OSAKA) -> int:
    """An event: 375 + 375·topics + 8·bytes, memory not included.

    >>> log_gas(2, 64)
    1637

    Args:
        topics: its indexed arguments, plus one for the signature; at most 4.
        data_bytes: length of the other arguments, ABI-encoded.
        schedule: prices.
    """
    if not 0 <= topics <= 4:
        raise ValueError(f"topics = {topics}, but an event has 0 to 4; count the signature as one")
    return schedule.log + topics * schedule.log_topic + data_bytes * schedule.log_byte


def keccak_gas(data_bytes: int, *, schedule: GasSchedule = OSAKA) -> int:
    """A hash: 30 + 6·words, memory not included.

    >>> keccak_gas(64)
    42
    """
    return schedule.keccak + schedule.keccak_word * _words(data_bytes)


def sload_gas(*, cold: bool, schedule: GasSchedule = OSAKA) -> int:
    """Reading a storage slot: 2,100 the first time in a transaction, 100 afterwards.

    >>> sload_gas(cold=True), sload_gas(cold=False)
    (2100, 100)
    """
    return schedule.cold_sload if cold else schedule.warm_access


def sstore_gas(original: int, current: int, new: int, *, cold: bool, schedule: GasSchedule = OSAKA) -> tuple[int, int]:
    """Writing a storage slot (EIP-2200 with the prices of EIP-2929 and EIP-3529).

    >>> sstore_gas(0, 0, 1, cold=True), sstore_gas(5, 5, 6, cold=True), sstore_gas(5, 5, 0, cold=False)
    ((22100, 0), (5000, 0), (2900, 4800))

    Args:
        original: value of the slot before the transaction.
        current: value now.
        new: value written.
        cold: whether this is the first touch of the slot in the transaction.
        schedule: prices.

    Returns:
        Gas, and the change of the refund counter (negative when an earlier refund is taken back).
    """
    touch = schedule.cold_sload if cold else 0
    if new == current:
        return touch + schedule.warm_access, 0
    if current == original:
        if original == 0:
            return touch + schedule.sstore_set, 0
        return touch + schedule.sstore_reset, schedule.sstore_clear_refund if new == 0 else 0
    refund = 0
    if original != 0:
        refund += schedule.sstore_clear_refund * ((new == 0) - (current == 0))
    if new == original:
        dearer = schedule.sstore_set if original == 0 else schedule.sstore_reset
        refund += dearer - schedule.warm_access
    return touch + schedule.warm_access, refund


def settle_gas(intrinsic: int, execution: int, refund: int, floor: int, *, schedule: GasSchedule = OSAKA) -> int:
    """Gas on the receipt: max(used − min(refund, ⌊used/5⌋), floor) with used = intrinsic + execution.

    >>> settle_gas(21_064, 5_000, 4_800, 21_160), settle_gas(21_064, 9_000, 9_600, 21_160)
    (21264, 24052)
    >>> settle_gas(37_000, 10, 0, 61_000)
    61000
    """
    used = intrinsic + execution
    return max(used - min(refund, used // schedule.refund_quotient), floor)


def _words(size: int) -> int:
    return -(-size // 32)
