"""The price list: what a transaction costs, unit by unit, as numbers.

A transaction's gas is::

    max( intrinsic(data) + execution − min(refund, (intrinsic + execution) / 5),  floor(data) )

`intrinsic_gas` and `calldata_floor` predict the parts that depend on the data alone, by the fee schedule (`OSAKA`).
"""

from __future__ import annotations

from dataclasses import dataclass


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
    warm_access: int = 100
    """Touching a slot or an account again (EIP-2929)."""
    sstore_set: int = 20_000
    """Storage from zero to non-zero, without the cold touch (EIP-2200)."""
    sstore_reset: int = 2_900
    """Storage from non-zero to another value, without the cold touch (EIP-2929: 5,000 − 2,100)."""
    refund_quotient: int = 5
    """At most one part in this many of the gas used is given back (EIP-3529)."""
    transaction_cap: int = 16_777_216
    """Most gas a transaction may ask for (EIP-7825)."""
    block_limit: int = 60_000_000
    """Most gas of a block (EIP-7935)."""


OSAKA = GasSchedule()
"""Ethereum's prices since the Fusaka upgrade of 3 December 2025."""


def intrinsic_gas(data: bytes, *, create: bool = False) -> int:
    """What a transaction costs before its first instruction: 21,000 + 4·zeros + 16·nonzeros [+ 32,000 + 2·words].

    >>> intrinsic_gas(b""), intrinsic_gas(b"\\x00\\x01"), intrinsic_gas(b"\\x01" * 33, create=True)
    (21000, 21020, 53532)

    Args:
        data: calldata, or creation code with the constructor's arguments.
        create: whether the transaction makes a contract.
    """
    zeros = data.count(0)
    creation = OSAKA.create + OSAKA.initcode_word * -(-len(data) // 32) if create else 0
    return OSAKA.transaction + zeros * OSAKA.zero_byte + (len(data) - zeros) * OSAKA.nonzero_byte + creation


def calldata_floor(data: bytes) -> int:
    """Least a transaction costs, however little it computes: 21,000 + 10·zeros + 40·nonzeros (EIP-7623).

    >>> calldata_floor(b"\\x00\\x01")
    21050
    """
    zeros = data.count(0)
    return OSAKA.transaction + zeros * OSAKA.floor_zero_byte + (len(data) - zeros) * OSAKA.floor_nonzero_byte
