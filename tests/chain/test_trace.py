"""The trace explains receipts to the unit, and agrees with prices written down from the proposals."""

from __future__ import annotations

import doctest
from types import SimpleNamespace

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st
from solidity import compile_source

from bcfl_support.chain import trace as trace_module
from bcfl_support.chain.artifacts import load_artifact
from bcfl_support.chain.node import Chain
from bcfl_support.chain.schedule import OSAKA, calldata_floor, intrinsic_gas
from bcfl_support.chain.sending import encode_call
from bcfl_support.chain.trace import GasLedger, trace_gas
from bcfl_support.errors import InvalidInput, ServiceError

ETHER = 10**18


def place(chain: Chain, runtime: str) -> str:
    """Put hand-written code on chain; returns its address."""
    header = f"61{len(runtime) // 2:04x}80600a5f395ff3"  # PUSH2 n DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN
    receipt = chain.send({"data": f"0x{header}{runtime}"}, sender=chain.accounts[0])
    return receipt["contractAddress"]


def word(value: int) -> str:
    return f"{value:064x}"


def test_doctests():
    assert doctest.testmod(trace_module).failed == 0


# ---------------------------------------------------------------- what the EVM charges, from the proposals
COLD_ACCOUNT = 2_600  # first touch of an account (EIP-2929)
SSTORE_CLEAR_REFUND = 4_800  # given back for storage from non-zero to zero (EIP-3529)
LOG = 375  # an event (Yellow Paper)
LOG_TOPIC = 375  # a topic of an event; the event's signature is one (Yellow Paper)
LOG_BYTE = 8  # a byte of an event's data (Yellow Paper)
KECCAK = 30  # a hash (Yellow Paper)
KECCAK_WORD = 6  # 32 bytes hashed (Yellow Paper)
MEMORY_WORD = 3  # 32 bytes of memory, the linear part (Yellow Paper)
MEMORY_QUADRATIC = 512  # divisor of the quadratic part: words² / 512 (Yellow Paper)


def memory_expansion_gas(to_bytes: int, from_bytes: int = 0) -> int:
    """Growing memory: C(w) = 3·w + ⌊w²/512⌋ for w words, and only the difference is paid.

    >>> memory_expansion_gas(32), memory_expansion_gas(1024), memory_expansion_gas(1024, 992)
    (3, 98, 4)
    """

    def cost(size: int) -> int:
        words = _words(size)
        return MEMORY_WORD * words + words * words // MEMORY_QUADRATIC

    return max(0, cost(to_bytes) - cost(from_bytes))


def log_gas(topics: int, data_bytes: int) -> int:
    """An event: 375 + 375·topics + 8·bytes, memory not included.

    >>> log_gas(2, 64)
    1637
    """
    return LOG + topics * LOG_TOPIC + data_bytes * LOG_BYTE


def keccak_gas(data_bytes: int) -> int:
    """A hash: 30 + 6·words, memory not included.

    >>> keccak_gas(64)
    42
    """
    return KECCAK + KECCAK_WORD * _words(data_bytes)


def sload_gas(*, cold: bool) -> int:
    """Reading a storage slot: 2,100 the first time in a transaction, 100 afterwards.

    >>> sload_gas(cold=True), sload_gas(cold=False)
    (2100, 100)
    """
    return OSAKA.cold_sload if cold else OSAKA.warm_access


def sstore_gas(original: int, current: int, new: int, *, cold: bool) -> tuple[int, int]:
    """Writing a storage slot (EIP-2200 with the prices of EIP-2929 and EIP-3529).

    >>> sstore_gas(0, 0, 1, cold=True), sstore_gas(5, 5, 6, cold=True), sstore_gas(5, 5, 0, cold=False)
    ((22100, 0), (5000, 0), (2900, 4800))


    Returns:
        Gas, and the change of the refund counter (negative when an earlier refund is taken back).
    """
    touch = OSAKA.cold_sload if cold else 0
    if new == current:
        return touch + OSAKA.warm_access, 0
    if current == original:
        if original == 0:
            return touch + OSAKA.sstore_set, 0
        return touch + OSAKA.sstore_reset, SSTORE_CLEAR_REFUND if new == 0 else 0
    refund = 0
    if original != 0:
        refund += SSTORE_CLEAR_REFUND * ((new == 0) - (current == 0))
    if new == original:
        dearer = OSAKA.sstore_set if original == 0 else OSAKA.sstore_reset
        refund += dearer - OSAKA.warm_access
    return touch + OSAKA.warm_access, refund


def settle_gas(intrinsic: int, execution: int, refund: int, floor: int) -> int:
    """Gas on the receipt: max(used − min(refund, ⌊used/5⌋), floor) with used = intrinsic + execution.

    >>> settle_gas(21_064, 5_000, 4_800, 21_160), settle_gas(21_064, 9_000, 9_600, 21_160)
    (21264, 24052)
    >>> settle_gas(37_000, 10, 0, 61_000)
    61000
    """
    used = intrinsic + execution
    return max(used - min(refund, used // OSAKA.refund_quotient), floor)


def _words(size: int) -> int:
    return -(-size // 32)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_memory_is_paid_once_however_it_grows(a, b, c):
    a, b, c = sorted((a, b, c))
    assert memory_expansion_gas(c, a) == memory_expansion_gas(b, a) + memory_expansion_gas(c, b)
    assert memory_expansion_gas(a, c) == 0


def test_storage_prices_of_eip_3529():
    """The table of EIP-3529, warm slot: values written one after the other, gas, refund."""
    table = [
        ((0, 0, 0), 200, 0),
        ((0, 0, 1), 20_100, 0),
        ((0, 1, 0), 20_100, 19_900),
        ((0, 1, 2), 20_100, 0),
        ((0, 1, 1), 20_100, 0),
        ((1, 0, 0), 3_000, 4_800),
        ((1, 0, 1), 3_000, 2_800),
        ((1, 0, 2), 3_000, 0),
        ((1, 2, 0), 3_000, 4_800),
        ((1, 2, 3), 3_000, 0),
        ((1, 2, 1), 3_000, 2_800),
        ((1, 2, 2), 3_000, 0),
        ((1, 1, 0), 3_000, 4_800),
        ((1, 1, 2), 3_000, 0),
        ((1, 1, 1), 200, 0),
    ]
    for (original, first, second), cost, refund in table:
        one = sstore_gas(original, original, first, cold=False)
        two = sstore_gas(original, first, second, cold=False)
        assert (one[0] + two[0], one[1] + two[1]) == (cost, refund), (original, first, second)


@pytest.mark.parametrize("values", [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 0), (0, 2)])
@pytest.mark.parametrize("original", [0, 1])
def test_storage_prices_of_the_evm(chain, original, values):
    """Two writes to one slot of a hand-written contract, against its receipt."""
    address = place(chain, "5f355f55" + "6020355f55" + "00")  # sstore(0, data[0]); sstore(0, data[1])
    if original:
        chain.send({"to": address, "data": "0x" + word(original) * 2}, sender=chain.accounts[0])
    data = bytes.fromhex(word(values[0]) + word(values[1]))
    receipt = chain.send({"to": address, "data": "0x" + data.hex()}, sender=chain.accounts[0], gas=100_000)
    first, back = sstore_gas(original, original, values[0], cold=True)
    second, more = sstore_gas(original, values[0], values[1], cold=False)
    others = 2 + 3 + 2 + 3 + 3 + 2  # PUSH0 CALLDATALOAD PUSH0, PUSH1 CALLDATALOAD PUSH0
    predicted = settle_gas(intrinsic_gas(data), first + second + others, back + more, calldata_floor(data))
    assert receipt["gasUsed"] == predicted
    trace = trace_gas(chain, receipt["transactionHash"])
    assert [access.gas for access in trace.storage] == [first, second]
    used = intrinsic_gas(data) + first + second + others
    assert trace.parts.get("refund", 0) == -min(back + more, used // 5)


def test_memory_hash_event_and_read_of_the_evm(chain):
    """mload(0x3e0), keccak256(0, 100), log3(0, 70, 1, 2, 3), sload(5) twice."""
    address = place(chain, "6103e05150" + "60645f2050" + "600360026001" + "60465fa3" + "60055450" + "60055450" + "00")
    receipt = chain.send({"to": address}, sender=chain.accounts[0])
    small = (3 + 2) + (3 + 2 + 2) + 9 + (3 + 2) + 2 * (3 + 2)  # PUSH 3, PUSH0 2, POP 2
    predicted = (
        21_000
        + small
        + (3 + memory_expansion_gas(0x400))
        + keccak_gas(100)
        + log_gas(3, 70)
        + sload_gas(cold=True)
        + sload_gas(cold=False)
    )
    assert receipt["gasUsed"] == predicted
    parts = trace_gas(chain, receipt["transactionHash"]).parts
    assert parts == {
        "base": 21_000,
        "computation": small + 3 + memory_expansion_gas(0x400),
        "hash": keccak_gas(100),
        "event": log_gas(3, 70),
        "storage read": 2_200,
    }


# ---------------------------------------------------------------- traces
def test_every_real_transaction_adds_up(chain, purse):
    """Reads, writes, refunds, events, creation, precompiles, failures: the parts sum to the receipt."""
    functions, sender = purse.functions, chain.accounts[1]
    calls = [
        (functions.pay(2), ETHER),
        (functions.pay(2), ETHER),
        (functions.visit(), 0),
        (functions.spawn(), 0),
        (functions.hash(bytes(range(256)) * 40), 0),
        (functions.clear(100), 0),
        ({"to": purse.address}, 5),
        ({"to": chain.accounts[7], "data": "0x" + "ff00" * 500}, 0),
        ({"to": "0x" + "00" * 19 + "04", "data": "0x01"}, 0),
    ]
    receipts = [chain.send(call, sender=sender, value=value) for call, value in calls]
    for kind in range(7):
        receipts.append(chain.send(functions.fail(kind), sender=sender, gas=60_000, check=False))
    receipts.append(chain.send(functions.visit(), sender=sender, gas=30_000, check=False))
    receipts.append(chain.deploy(compile_source()["Purse"], 7)[1])
    for receipt in receipts:
        trace = trace_gas(chain, receipt["transactionHash"])
        assert trace.gas_used == receipt["gasUsed"] == sum(trace.parts.values())
    assert [receipt["status"] for receipt in receipts] == [1] * 9 + [0] * 8 + [1]


def test_the_kinds_of_a_payment(chain, purse):
    call = purse.functions.pay(2)
    chain.send(call, sender=chain.accounts[2], value=ETHER)
    receipt = chain.send(call, sender=chain.accounts[3], value=ETHER)
    trace = trace_gas(chain, receipt["transactionHash"].to_0x_hex())
    slot = int.from_bytes(keccak(bytes.fromhex(chain.accounts[3][2:]).rjust(32, b"\0") + bytes(31) + b"\1"), "big")
    assert [(access.operation, access.slot, access.gas) for access in trace.storage] == [
        ("SLOAD", slot, 2_100),
        ("SSTORE", slot, 20_000),
        ("SLOAD", 0, 2_100),
        ("SSTORE", 0, 2_900),
        *([("SLOAD", 0, 100)] if trace.operations["SLOAD"][0] == 3 else []),
    ]
    assert {access.address for access in trace.storage} == {purse.address.lower()}
    assert trace.parts["base"] == 21_000
    assert trace.parts["base"] + trace.parts["calldata"] == intrinsic_gas(encode_call(call))
    assert trace.parts["event"] == log_gas(2, 64)
    assert trace.operations["LOG2"] == (1, log_gas(2, 64))


def test_a_refund_is_capped_at_a_fifth(chain):
    clear = "".join(f"5f60{slot:02x}55" for slot in range(10))
    fill = "".join(f"600160{slot:02x}55" for slot in range(10))
    address = place(chain, f"3660{5 + len(clear) // 2:02x}57{clear}005b{fill}00")  # no data: clear; else fill
    chain.send({"to": address, "data": "0x01"}, sender=chain.accounts[0])
    receipt = chain.send({"to": address}, sender=chain.accounts[0])
    used = 21_000 + 10 * (5_000 + 5) + 2 + 3 + 10
    assert receipt["gasUsed"] == used - used // 5
    trace = trace_gas(chain, receipt["transactionHash"])
    assert trace.parts["refund"] == -(used // 5) and trace.parts["storage write"] == 50_000


def test_calls_are_billed_without_what_happens_inside(chain):
    inner = place(chain, "60015f5500")  # sstore(0, 1)
    outer = place(chain, f"5f5f5f5f5f73{inner[2:].lower()}5af15000")
    # The estimate would be too low: the outer call succeeds even if the inner one runs out of gas.
    receipt = chain.send({"to": outer}, sender=chain.accounts[0], gas=100_000)
    trace = trace_gas(chain, receipt["transactionHash"])
    assert trace.operations["CALL"] == (1, COLD_ACCOUNT)
    assert trace.parts["storage write"] == OSAKA.cold_sload + OSAKA.sstore_set


def test_an_inner_call_that_fails_is_billed_for_all_it_was_given(chain):
    inner = place(chain, "fe")  # INVALID uses everything
    outer = place(chain, f"5f5f5f5f5f73{inner[2:].lower()}611388f15000")  # with 5,000 gas
    trace = trace_gas(chain, chain.send({"to": outer}, sender=chain.accounts[0])["transactionHash"])
    assert trace.operations["CALL"] == (1, COLD_ACCOUNT)
    assert sum(count for count, _ in trace.operations.values()) == 11


def test_creation_from_a_contract_pays_for_its_code(chain, purse):
    receipt = chain.send(purse.functions.spawn(), sender=chain.accounts[0])
    trace = trace_gas(chain, receipt["transactionHash"])
    size = (len(compile_source()["Child"].deployed_bytecode) - 2) // 2
    assert trace.parts["code deposit"] == size * OSAKA.code_deposit_byte
    assert trace.operations["CREATE"][1] >= OSAKA.create


def test_large_data_pays_the_floor(chain):
    data = b"\xff" * 3_000
    receipt = chain.send({"to": chain.accounts[1], "data": "0x" + data.hex()}, sender=chain.accounts[0])
    assert receipt["gasUsed"] == calldata_floor(data) == 141_000
    parts = trace_gas(chain, receipt["transactionHash"]).parts
    assert parts == {"base": 21_000, "calldata": 48_000, "calldata floor": 72_000}


def test_running_out_of_gas_burns_the_rest(chain, purse):
    receipt = chain.send(purse.functions.visit(), sender=chain.accounts[0], gas=40_000, check=False)
    trace = trace_gas(chain, receipt["transactionHash"])
    assert trace.gas_used == 40_000 and trace.parts["burnt by failure"] > 0


def test_a_registration_of_the_project(chain):
    registry, _ = chain.deploy(load_artifact("ClientRegistry"), 10**16, 3600, chain.accounts[0])
    call = registry.functions.register(120)
    receipt = chain.send(call, sender=chain.accounts[1], value=120 * 10**16)
    trace = trace_gas(chain, receipt["transactionHash"])
    assert trace.gas_used == receipt["gasUsed"] <= 45_373
    assert trace.parts["calldata"] == intrinsic_gas(encode_call(call)) - 21_000
    assert trace.parts["event"] + trace.parts["storage write"] >= 20_000


@pytest.mark.parametrize("transaction", [b"\1" * 32, "0x" + "1" * 64, "0x12", "pay-day", 3, None])
def test_a_transaction_that_was_never_mined(chain, transaction):
    with pytest.raises(InvalidInput, match=r"transaction is .*: give the hash of one that this chain has mined"):
        trace_gas(chain, transaction)


def test_a_node_without_traces(chain):
    receipt = chain.send({"to": chain.accounts[0]}, sender=chain.accounts[0])
    provider = SimpleNamespace(make_request=lambda method, params: {"error": {"message": "no such method"}})
    blind = SimpleNamespace(w3=SimpleNamespace(eth=chain.w3.eth, provider=provider))
    with pytest.raises(ServiceError, match="the node does not trace with JavaScript tracers; use anvil"):
        trace_gas(blind, receipt["transactionHash"])


def test_a_trace_that_does_not_add_up_is_an_error(chain):
    receipt = chain.send({"to": chain.accounts[0]}, sender=chain.accounts[0])
    wrong = {"operations": {"ADD": [1, 3]}, "storage": [], "refund": 0, "error": ""}
    provider = SimpleNamespace(make_request=lambda method, params: {"result": wrong})
    liar = SimpleNamespace(w3=SimpleNamespace(eth=chain.w3.eth, provider=provider))
    with pytest.raises(ServiceError, match="trace adds up to 21003 gas, but its receipt says 21000"):
        trace_gas(liar, receipt["transactionHash"])


# ---------------------------------------------------------------- the ledger
def test_a_ledger_adds_up_by_operation(chain, purse):
    ledger = GasLedger()
    calls = [purse.functions.pay(i) for i in range(3)]
    receipts = chain.send_many([(call, chain.accounts[i], ETHER) for i, call in enumerate(calls)])
    for call, receipt in zip(calls, receipts, strict=True):
        ledger.record("pay", receipt, calldata_bytes=len(encode_call(call)))
    visit = chain.send(purse.functions.visit(), sender=chain.accounts[0])
    ledger.record("visit", visit)
    assert [entry.calldata_bytes for entry in ledger.entries] == [36, 36, 36, 0]
    assert ledger.totals() == {"pay": sum(receipt["gasUsed"] for receipt in receipts), "visit": visit["gasUsed"]}
    assert list(ledger.totals()) == ["pay", "visit"]
