"""What a transaction did cost: a trace that adds up to the receipt, and a bill of many.

`trace_gas` takes a mined transaction apart by kind of operation, and its parts sum to ``receipt.gasUsed`` exactly.
`GasLedger` keeps the bill, as each rung of the gas ladder does; a `Federation` keeps its rounds' receipts by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils import to_checksum_address
from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound
from web3.types import RPCEndpoint

from bcfl_support.chain.node import Chain
from bcfl_support.chain.schedule import OSAKA, calldata_floor, intrinsic_gas
from bcfl_support.errors import InvalidInput, ServiceError


# ---------------------------------------------------------------- a mined transaction, taken apart
@dataclass(frozen=True)
class StorageAccess:
    """One SLOAD or SSTORE.

    Attributes:
        operation: ``SLOAD`` or ``SSTORE``.
        address: contract whose storage it is, lower-case hex.
        slot: number of the slot.
        gas: what it cost.
    """

    operation: str
    address: str
    slot: int
    gas: int


@dataclass(frozen=True)
class GasTrace:
    """The bill of one transaction.

    Attributes:
        gas_used: what the receipt says; the sum of `parts`.
        parts: gas by kind: ``base``, ``calldata``, ``storage write``, …; ``refund`` is negative.
        operations: instruction -> (how often, gas), calls without what happens inside them.
        storage: every storage access, in order.
    """

    gas_used: int
    parts: dict[str, int]
    operations: dict[str, tuple[int, int]]
    storage: tuple[StorageAccess, ...]


_INSTRUCTIONS = {
    "storage read": ("SLOAD",),
    "storage write": ("SSTORE",),
    "transient storage": ("TLOAD", "TSTORE"),
    "hash": ("KECCAK256", "SHA3"),
    "call": ("CALL", "STATICCALL", "DELEGATECALL", "CALLCODE"),
    "creation": ("CREATE", "CREATE2"),
    "code deposit": ("CODE DEPOSIT",),
    "account access": ("BALANCE", "EXTCODESIZE", "EXTCODECOPY", "EXTCODEHASH", "SELFDESTRUCT"),
    "event": ("LOG0", "LOG1", "LOG2", "LOG3", "LOG4"),
}
_KINDS = {name: kind for kind, names in _INSTRUCTIONS.items() for name in names}


def trace_gas(chain: Chain, transaction: bytes | str) -> GasTrace:
    """Take a mined transaction apart; the parts sum to its receipt's ``gasUsed``.

    The node runs a tracer at each instruction, some 30 µs: fine for a registration, minutes for a full block.

    Args:
        chain: where it was mined; its node must offer ``debug_traceTransaction`` with tracers in JavaScript, as anvil
            and geth do.
        transaction: its hash.

    Raises:
        InvalidInput: no transaction of that hash was mined.
        ServiceError: the node does not trace, or its trace does not add up to its receipt.
    """
    w3 = chain.w3
    try:
        hash_ = HexBytes(transaction)
        sent, receipt = w3.eth.get_transaction(hash_), w3.eth.get_transaction_receipt(hash_)
    except (TransactionNotFound, TypeError, ValueError):
        raise InvalidInput(f"transaction is {transaction!r}: give the hash of one that this chain has mined") from None
    question = [hash_.to_0x_hex(), {"tracer": Path(__file__).with_name("tracer.js").read_text(encoding="utf-8")}]
    answer = w3.provider.make_request(RPCEndpoint("debug_traceTransaction"), question)
    found: Any = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or "operations" not in found:
        raise ServiceError("the node does not trace with JavaScript tracers; use anvil, or geth with its debug API")
    operations = {name: (int(count), int(gas)) for name, (count, gas) in found["operations"].items()}
    create = receipt.get("to") is None
    if create and receipt["status"] == 1:
        code = w3.eth.get_code(to_checksum_address(str(receipt["contractAddress"])), receipt["blockNumber"])
        operations["CODE DEPOSIT"] = (1, len(code) * OSAKA.code_deposit_byte)
    parts = _parts(bytes(sent["input"]), create, operations)
    gas_used = int(receipt["gasUsed"])
    if receipt["status"] == 0 and "revert" not in found["error"]:
        parts["burnt by failure"] = gas_used - sum(parts.values())
    else:
        used, counter = sum(parts.values()), int(found["refund"]) if receipt["status"] == 1 else 0
        parts["refund"] = -min(counter, used // OSAKA.refund_quotient)
        parts["calldata floor"] = max(0, calldata_floor(bytes(sent["input"])) - used - parts["refund"])
    if sum(parts.values()) != gas_used:
        raise ServiceError(f"the node's trace adds up to {sum(parts.values())} gas, but its receipt says {gas_used}")
    storage = tuple(StorageAccess(op, address, int(slot, 16), int(gas)) for op, address, slot, gas in found["storage"])
    return GasTrace(gas_used, {kind: gas for kind, gas in parts.items() if gas}, operations, storage)


def _parts(data: bytes, create: bool, operations: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Gas by kind, before refund and floor."""
    base = OSAKA.transaction + (OSAKA.create if create else 0)
    parts = {"base": base, "calldata": intrinsic_gas(data, create=create) - base}
    for name, (_, gas) in operations.items():
        kind = "precompile" if name.startswith("PRECOMPILE") else _KINDS.get(name, "computation")
        parts[kind] = parts.get(kind, 0) + gas
    return parts


# ---------------------------------------------------------------- a bill
@dataclass(frozen=True)
class GasEntry:
    """What one transaction cost.

    Attributes:
        operation: what it did, e.g. ``register``.
        gas_used: of the whole transaction.
        calldata_bytes: length of its data.
        transaction: its hash, hex with 0x.
    """

    operation: str
    gas_used: int
    calldata_bytes: int
    transaction: str


class GasLedger:
    """Collects receipts and adds them up.

    >>> ledger = GasLedger()
    >>> ledger.record("register", {"gasUsed": 45_000, "transactionHash": b"\\x01"})
    >>> ledger.record("register", {"gasUsed": 44_000, "transactionHash": b"\\x02"})
    >>> ledger.totals()
    {'register': 89000}
    """

    def __init__(self) -> None:
        self.entries: list[GasEntry] = []

    def record(self, operation: str, receipt: Mapping[str, Any], *, calldata_bytes: int = 0) -> None:
        """Note one receipt.

        Args:
            operation: what the transaction did.
            receipt: its receipt, as web3 gives it.
            calldata_bytes: length of its data, e.g. ``len(chain.encode_call(call))``.
        """
        hash_ = HexBytes(receipt["transactionHash"]).to_0x_hex()
        self.entries.append(GasEntry(operation, int(receipt["gasUsed"]), calldata_bytes, hash_))

    def totals(self) -> dict[str, int]:
        """Gas by operation, in the order they first appeared."""
        gas: dict[str, int] = {}
        for entry in self.entries:
            gas[entry.operation] = gas.get(entry.operation, 0) + entry.gas_used
        return gas
