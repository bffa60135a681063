"""What a transaction did cost: a trace that adds up to the receipt, and the bill of a whole federation.

`trace_gas` takes a mined transaction apart by kind of operation, and its parts sum to ``receipt.gasUsed`` exactly.
`GasLedger` keeps the bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from eth_utils import to_checksum_address
from hexbytes import HexBytes

from bcfl_support.errors import ServiceError

if TYPE_CHECKING:
    from web3 import Web3
    from web3.types import RPCEndpoint
from bcfl_support.chain.gas import OSAKA, calldata_floor, intrinsic_gas


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


_KINDS = {
    "SLOAD": "storage read",
    "SSTORE": "storage write",
    "TLOAD": "transient storage",
    "TSTORE": "transient storage",
    "KECCAK256": "hash",
    "SHA3": "hash",
    "CALL": "call",
    "STATICCALL": "call",
    "DELEGATECALL": "call",
    "CALLCODE": "call",
    "CREATE": "creation",
    "CREATE2": "creation",
    "CODE DEPOSIT": "code deposit",
    "BALANCE": "account access",
    "EXTCODESIZE": "account access",
    "EXTCODECOPY": "account access",
    "EXTCODEHASH": "account access",
    "SELFDESTRUCT": "account access",
}


# Runs inside the node. The cost of an instruction is the gas before it minus the gas before the next one of the same
# frame, minus what the frames it opened used. Nodes do not agree on getCost(), so it is not asked. The last instruction
# of the outermost frame has no next one: it is STOP (free), or RETURN or REVERT, which pay only for memory.
_TRACER = """{
  operations: {}, storage: [], frames: [{inner: 0}], refund: 0,
  add: function (name, gas) {
    var row = this.operations[name] || [0, 0];
    this.operations[name] = [row[0] + 1, row[1] + gas];
  },
  settle: function (frame, left) {
    var gas = frame.gas - left - frame.inner;
    this.add(frame.op, gas);
    if (frame.slot !== null) this.storage.push([frame.op, frame.address, frame.slot, gas]);
    frame.inner = 0;
  },
  memory: function (log) {
    var size = parseInt(log.stack.peek(1).toString());
    if (size === 0) return 0;
    var words = Math.ceil((parseInt(log.stack.peek(0).toString()) + size) / 32), before = log.memory.length() / 32;
    if (words <= before) return 0;
    return 3 * (words - before) + Math.floor(words * words / 512) - Math.floor(before * before / 512);
  },
  step: function (log) {
    var frame = this.frames[this.frames.length - 1], op = log.op.toString(), left = log.getGas();
    if (frame.op) this.settle(frame, left);
    var touches = op === "SLOAD" || op === "SSTORE";
    frame.op = op; frame.gas = left;
    frame.slot = touches ? log.stack.peek(0).toString(16) : null;
    if (touches) frame.address = toHex(log.contract.getAddress());
    frame.last = op === "RETURN" || op === "REVERT" ? this.memory(log) : 0;
    this.refund = log.getRefund();
  },
  fault: function () {},
  enter: function (call) {
    var to = call.getTo();
    this.frames.push({inner: 0, forwarded: call.getGas(), type: call.getType(), to: to ? toHex(to) : ""});
  },
  exit: function (result) {
    var frame = this.frames.pop(), error = result.getError(), output = result.getOutput();
    // A frame that fails for any reason but REVERT uses all it was given.
    var used = error && String(error).indexOf("revert") < 0 ? frame.forwarded : result.getGasUsed();
    var created = frame.type.indexOf("CREATE") === 0 && !error && output ? (toHex(output).length - 2) / 2 : 0;
    if (frame.op) this.settle(frame, frame.forwarded - used + 200 * created);
    else if (used > 0) this.add("PRECOMPILE " + frame.to, used);
    if (created) this.add("CODE DEPOSIT", 200 * created);
    this.frames[this.frames.length - 1].inner += used;
  },
  result: function (context) {
    var frame = this.frames[0];
    if (frame.op) this.settle(frame, frame.gas - frame.inner - frame.last);
    var error = String(context.error || "");
    return {operations: this.operations, storage: this.storage, refund: this.refund, error: error};
  }
}"""


class HasWeb3(Protocol):
    """Anything with a web3 in it, such as a `bcfl_support.chain.Chain`."""

    @property
    def w3(self) -> Web3:
        """The web3 to ask."""


def trace_gas(chain: HasWeb3, transaction: bytes | str) -> GasTrace:
    """Take a mined transaction apart; the parts sum to its receipt's ``gasUsed``.

    The node runs a tracer at each instruction, some 30 µs: fine for a registration, minutes for a full block.

    Args:
        chain: where it was mined; its node must offer ``debug_traceTransaction`` with tracers in JavaScript, as anvil
            and geth do.
        transaction: its hash.

    Raises:
        ServiceError: the node does not trace, or its trace does not add up to its receipt.
    """
    w3, hash_ = chain.w3, HexBytes(transaction)
    sent, receipt = w3.eth.get_transaction(hash_), w3.eth.get_transaction_receipt(hash_)
    answer = w3.provider.make_request(
        cast("RPCEndpoint", "debug_traceTransaction"), [hash_.to_0x_hex(), {"tracer": _TRACER}]
    )
    found: Any = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or "operations" not in found:
        raise ServiceError(
            "the node does not trace with JavaScript tracers; use anvil, or geth with its debug interface"
        )
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
        _settle(parts, int(found["refund"]) if receipt["status"] == 1 else 0, calldata_floor(bytes(sent["input"])))
    if sum(parts.values()) != gas_used:
        raise ServiceError(f"the node's trace adds up to {sum(parts.values())} gas, but its receipt says {gas_used}")
    storage = tuple(StorageAccess(op, address, int(slot, 16), int(gas)) for op, address, slot, gas in found["storage"])
    return GasTrace(gas_used, {kind: gas for kind, gas in parts.items() if gas}, operations, storage)


def _parts(data: bytes, create: bool, operations: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Gas by kind, before refund and floor."""
    base = OSAKA.transaction + (OSAKA.create if create else 0)
    parts = {"base": base, "calldata": intrinsic_gas(data, create=create) - base}
    for name, (_, gas) in operations.items():
        kind = "event" if name.startswith("LOG") else "precompile" if name.startswith("PRECOMPILE") else ""
        kind = kind or _KINDS.get(name, "computation")
        parts[kind] = parts.get(kind, 0) + gas
    return parts


def _settle(parts: dict[str, int], refund: int, floor: int) -> None:
    """Add what is given back, and what is missing to the calldata floor."""
    used = sum(parts.values())
    parts["refund"] = -min(refund, used // OSAKA.refund_quotient)
    parts["calldata floor"] = max(0, floor - used - parts["refund"])


# ---------------------------------------------------------------- the bill of a federation
@dataclass(frozen=True)
class GasEntry:
    """What one transaction of a federation cost.

    Attributes:
        operation: what it did, e.g. ``register``.
        clients: number of clients n.
        parameters: number of parameters P of the model.
        gas_used: of the whole transaction.
        calldata_bytes: length of its data.
        transaction: its hash, hex with 0x.
    """

    operation: str
    clients: int
    parameters: int
    gas_used: int
    calldata_bytes: int
    transaction: str


@dataclass(frozen=True)
class GasTotal:
    """The transactions of one operation together: how many, their gas, the most expensive one, their bytes."""

    operation: str
    transactions: int
    gas_used: int
    most: int
    calldata_bytes: int


class GasLedger:
    """Collects receipts and adds them up.

    >>> ledger = GasLedger()
    >>> ledger.record("register", {"gasUsed": 45_000, "transactionHash": b"\\x01"}, clients=10, parameters=31)
    >>> ledger.record("register", {"gasUsed": 44_000, "transactionHash": b"\\x02"}, clients=10, parameters=31)
    >>> ledger.totals()
    [GasTotal(operation='register', transactions=2, gas_used=89000, most=45000, calldata_bytes=0)]
    """

    def __init__(self) -> None:
        self.entries: list[GasEntry] = []

    def record(
        self, operation: str, receipt: Mapping[str, Any], *, clients: int, parameters: int, calldata_bytes: int = 0
    ) -> None:
        """Note one receipt.

        Args:
            operation: what the transaction did.
            receipt: its receipt, as web3 gives it.
            clients: number of clients n.
            parameters: number of parameters P.
            calldata_bytes: length of its data, e.g. ``len(chain.calldata(call))``.
        """
        hash_ = HexBytes(receipt["transactionHash"]).to_0x_hex()
        self.entries.append(GasEntry(operation, clients, parameters, int(receipt["gasUsed"]), calldata_bytes, hash_))

    def totals(self) -> list[GasTotal]:
        """One row an operation, in the order they first appeared."""
        rows = []
        for operation in dict.fromkeys(entry.operation for entry in self.entries):
            mine = [entry for entry in self.entries if entry.operation == operation]
            gas = [entry.gas_used for entry in mine]
            rows.append(GasTotal(operation, len(mine), sum(gas), max(gas), sum(entry.calldata_bytes for entry in mine)))
        return rows

    @property
    def gas_used(self) -> int:
        """Everything together."""
        return sum(entry.gas_used for entry in self.entries)
