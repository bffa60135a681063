"""A chain that repeats itself, orders what it is given, and explains what goes wrong."""

from __future__ import annotations

import doctest
import gc
import http.server
import os
import signal
import subprocess
import sys
import threading

import pytest
from eth_utils import keccak
from hexbytes import HexBytes
from processes import eventually, runs
from solidity import burning, compile_source

from bcfl_support import services
from bcfl_support.chain import node as chain_module
from bcfl_support.chain.node import GENESIS, MNEMONIC, TX_GAS_CAP, Chain, connect, load_artifact
from bcfl_support.errors import ContractError, PortInUse, ServiceError, ToolMissing, TransactionFailed
from bcfl_support.services.supervisor import free_port, start_supervised, wait_until

ETHER = 10**18
FIRST_ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.fixture(scope="module")
def purse_artifact():
    return compile_source()["Purse"]


@pytest.fixture(scope="module")
def shared():
    with Chain.start() as chain:
        yield chain


@pytest.fixture
def chain(shared):
    """The module's chain, put back afterwards."""
    before = shared.snapshot()
    yield shared
    shared.revert(before)


@pytest.fixture
def purse(chain, purse_artifact):
    return chain.deploy(purse_artifact, 0)[0]


@pytest.fixture(autouse=True)
def _no_endpoints(monkeypatch, tmp_path):
    monkeypatch.delenv("BCFL_RPC_URL", raising=False)
    monkeypatch.delenv("BCFL_MNEMONIC", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_doctests():
    assert doctest.testmod(chain_module).failed == 0


# ---------------------------------------------------------------- start
def test_a_new_chain(shared):
    assert len(shared.accounts) == 110 and shared.accounts[0] == FIRST_ACCOUNT
    assert shared.w3.eth.chain_id == 31337
    assert shared.w3.eth.get_balance(shared.accounts[109]) == 10_000 * ETHER
    assert shared.w3.eth.get_block(0)["timestamp"] == GENESIS
    assert shared.w3.eth.get_block(0)["gasLimit"] == 60_000_000
    assert shared.local and shared.url.startswith("http://127.0.0.1:")
    assert "110 accounts" in repr(shared)


def history(artifact) -> tuple:
    """Everything a lesson could print about some work on a new chain."""
    with Chain.start(accounts=30) as chain:
        purse, created = chain.deploy(artifact, 5)
        calls = [(purse.functions.pay(i), chain.accounts[i], i * ETHER) for i in range(30)]
        receipts = [created, *chain.send_many(calls), chain.send(purse.functions.visit(), sender=chain.accounts[3])]
        chain.advance_time(1000)
        blocks = [chain.w3.eth.get_block(i) for i in range(chain.w3.eth.block_number + 1)]
        return (
            purse.address,
            [(r["transactionHash"], r["blockHash"], r["transactionIndex"], r["gasUsed"]) for r in receipts],
            [(b["hash"], b["stateRoot"], b["timestamp"], b["baseFeePerGas"]) for b in blocks],
            chain.w3.eth.get_balance(chain.accounts[7]),
        )


def test_two_runs_are_equal_to_the_bit(purse_artifact):
    assert history(purse_artifact) == history(purse_artifact)


def test_two_chains_side_by_side(chain, purse, purse_artifact):
    with Chain.start(accounts=2) as other:
        assert other.url != chain.url
        chain.send(purse.functions.visit(), sender=chain.accounts[0])
        twin, _ = other.deploy(purse_artifact, 0)
        assert twin.address == purse.address
        assert (purse.functions.count().call(), twin.functions.count().call()) == (1, 0)


def test_a_port_that_is_taken(chain):
    port = int(chain.url.rpartition(":")[2])
    with pytest.raises(PortInUse, match=f"port {port} on 127.0.0.1 is in use"):
        Chain.start(port=port)


def test_a_port_lost_to_another_program_while_starting(chain, monkeypatch):
    monkeypatch.setattr(services, "check_port_free", lambda port: None)
    port = int(chain.url.rpartition(":")[2])
    with pytest.raises(PortInUse, match=f"port {port} was taken while anvil started"):
        Chain.start(port=port)


def test_a_port_that_is_free():
    port = free_port()
    with Chain.start(port=port, accounts=1) as chain:
        assert chain.url == f"http://127.0.0.1:{port}"


def test_a_node_that_does_not_come_up_shows_what_it_said():
    with pytest.raises(ServiceError, match=r"anvil ended before its port[\s\S]*Unknown hardfork: future"):
        Chain.start(hardfork="future")


# ---------------------------------------------------------------- the end
def test_close_ends_the_node_and_later_use_says_so():
    chain = Chain.start(accounts=1)
    pid = chain._child.pid
    chain.close()
    chain.close()
    assert not runs(pid)
    with pytest.raises(ServiceError, match=r"this chain has been closed; start a new one with Chain.start\(\)"):
        chain.w3.eth.get_block("latest")


def test_a_chain_replaced_by_running_its_cell_again_ends(purse_artifact):
    def cell() -> tuple:
        chain = Chain.start(accounts=1)
        return chain, chain.deploy(purse_artifact, 0)[0]

    chain, purse = cell()
    first = chain._child
    chain, purse = cell()
    gc.collect()
    assert eventually(lambda: not runs(first.pid))
    assert purse.functions.total().call() == 0
    chain.close()


def test_a_contract_keeps_its_chain_alive(purse_artifact):
    chain = Chain.start(accounts=1)
    child, purse = chain._child, chain.deploy(purse_artifact, 3)[0]
    del chain
    gc.collect()
    assert purse.functions.total().call() == 3
    child.stop()


def test_anvil_dies_with_a_parent_that_is_killed():
    code = (
        f"import sys, time; sys.path.insert(0, {str(services.project_root())!r})\n"
        "from bcfl_support.chain import Chain\n"
        "chain = Chain.start(accounts=1)\n"
        "print(chain._child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert runs(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert eventually(lambda: not runs(pid))


@pytest.mark.parametrize(
    "use",
    [
        lambda chain, purse: chain.timestamp,
        lambda chain, purse: chain.w3.eth.get_balance(chain.accounts[0]),
        lambda chain, purse: purse.functions.total().call(),
        lambda chain, purse: chain.send(purse.functions.visit(), sender=chain.accounts[0]),
        lambda chain, purse: chain.send_many([(purse.functions.visit(), a, 0) for a in chain.accounts]),
        lambda chain, purse: chain.send(purse.functions.visit(), sender=chain.accounts[0], gas=90_000),
        lambda chain, purse: chain.events(purse.events.Paid),
    ],
)
def test_anvil_killed_in_the_middle_of_the_work(purse_artifact, use):
    with Chain.start(accounts=3) as chain:
        purse, _ = chain.deploy(purse_artifact, 0)
        os.kill(chain._child.pid, signal.SIGKILL)
        with pytest.raises(
            ServiceError, match=r"anvil \(process \d+\) has ended and its state is gone; start a new chain"
        ):
            use(chain, purse)


# ---------------------------------------------------------------- sending
def test_a_batch_is_mined_in_the_order_given(chain, purse):
    order = [(i * 37) % 110 for i in range(110)]
    receipts = chain.send_many([(purse.functions.visit(), chain.accounts[i], 0) for i in order])
    assert [r["transactionIndex"] for r in receipts] == list(range(110))
    assert len({r["blockNumber"] for r in receipts}) == 1
    assert [r["from"] for r in receipts] == [chain.accounts[i] for i in order]
    assert [purse.functions.visitors(k).call() for k in (0, 63, 64, 109)] == [
        chain.accounts[order[k]] for k in (0, 63, 64, 109)
    ]


def test_a_batch_too_large_for_a_block_is_split_and_keeps_its_order(purse_artifact):
    with Chain.start(accounts=12, block_gas_limit=2_000_000) as chain:
        purse, _ = chain.deploy(purse_artifact, 0)
        # Large and small alternate: a block filled by what still fits would let the small ones overtake.
        calls = [(purse.functions.burn(burning(900_000 if i % 2 else 10_000)), chain.accounts[i], 0) for i in range(12)]
        receipts = chain.send_many(calls)
        places = [(r["blockNumber"], r["transactionIndex"]) for r in receipts]
        assert places == sorted(places) and len({block for block, _ in places}) == 6
        assert all(r["status"] == 1 for r in receipts)
        assert purse.functions.total().call() == 12


def test_one_sender_may_send_several(chain, purse):
    receipts = chain.send_many([(purse.functions.pay(1), chain.accounts[4], ETHER) for _ in range(40)])
    assert [r["transactionIndex"] for r in receipts] == list(range(40))
    assert purse.functions.paid(chain.accounts[4]).call() == 40 * ETHER


def test_an_empty_batch(chain):
    height = chain.w3.eth.block_number
    assert chain.send_many([]) == []
    assert chain.w3.eth.block_number == height


def test_nothing_is_sent_when_one_call_would_be_refused(chain, purse):
    height = chain.w3.eth.block_number
    calls = [(purse.functions.pay(1), chain.accounts[i], ETHER if i != 5 else 0) for i in range(8)]
    with pytest.raises(ContractError, match="ShortStake") as caught:
        chain.send_many(calls)
    assert caught.value.__notes__ == [f"pay, number 5 of 8, from {chain.accounts[5]}"]
    assert chain.w3.eth.block_number == height
    assert purse.functions.total().call() == 0


def test_plain_web3_still_works(chain, purse):
    hash_ = purse.functions.visit().transact({"from": chain.accounts[2]})
    assert chain.w3.eth.wait_for_transaction_receipt(hash_)["status"] == 1
    chain.send(purse.functions.visit(), sender=chain.accounts[1])
    hash_ = chain.w3.eth.send_transaction({"from": chain.accounts[0], "to": chain.accounts[1], "value": 1})
    assert chain.w3.eth.wait_for_transaction_receipt(hash_)["gasUsed"] == 21_000


def test_threads_do_not_disturb_one_another(chain, purse):
    def work(k: int) -> None:
        done[k] = chain.send_many([(purse.functions.visit(), chain.accounts[10 * k + i], 0) for i in range(10)])

    done: dict[int, list] = {}
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert purse.functions.count().call() == 40
    assert all([r["from"] for r in done[k]] == chain.accounts[10 * k : 10 * k + 10] for k in range(4))


def test_the_gas_limit_is_a_quarter_above_the_estimate(chain, purse):
    call = purse.functions.visit()
    estimate = call.estimate_gas({"from": chain.accounts[0]})
    receipt = chain.send(call, sender=chain.accounts[0])
    assert chain.w3.eth.get_transaction(receipt["transactionHash"])["gas"] == estimate * 5 // 4


def test_a_call_near_the_cap_gets_the_cap(chain, purse):
    receipt = chain.send(purse.functions.burn(burning(15_000_000)), sender=chain.accounts[0])
    assert chain.w3.eth.get_transaction(receipt["transactionHash"])["gas"] == TX_GAS_CAP
    assert 15_000_000 < receipt["gasUsed"] < TX_GAS_CAP


def test_a_call_above_the_cap_is_refused_before_sending(chain, purse):
    height = chain.w3.eth.block_number
    with pytest.raises(TransactionFailed, match=r"burn needs 2\d,\d{3},\d{3} gas, more than the 16,777,216 .*EIP-7825"):
        chain.send(purse.functions.burn(burning(20_000_000)), sender=chain.accounts[0])
    with pytest.raises(TransactionFailed, match=r"burn needs more gas than a block has \(60,000,000\)"):
        chain.send(purse.functions.burn(burning(70_000_000)), sender=chain.accounts[0])
    with pytest.raises(TransactionFailed, match="tx_gas_limit_cap"):
        chain.send(purse.functions.visit(), sender=chain.accounts[0], gas=TX_GAS_CAP + 1)
    assert chain.w3.eth.block_number == height
    assert chain.send(purse.functions.visit(), sender=chain.accounts[0])["status"] == 1


def test_without_the_cap(purse_artifact):
    with Chain.start(accounts=1, tx_gas_cap=False) as chain:
        purse, _ = chain.deploy(purse_artifact, 0)
        assert chain.send(purse.functions.burn(burning(20_000_000)), sender=chain.accounts[0])["gasUsed"] > TX_GAS_CAP


def test_a_large_transaction(chain):
    data = b"\xff" * 1_000_000  # 4 MB of JSON with the estimate; anvil's default limit of a request is 2 MB
    receipt = chain.send({"to": chain.accounts[1], "data": "0x" + (data[:400_000]).hex()}, sender=chain.accounts[0])
    assert receipt["gasUsed"] == 21_000 + 40 * 400_000
    with pytest.raises(TransactionFailed, match=r"a transaction needs 40,021,000 gas, more than the 16,777,216"):
        chain.send({"to": chain.accounts[1], "data": "0x" + data.hex()}, sender=chain.accounts[0])


@pytest.mark.parametrize(
    ("value", "sender", "message"),
    [
        (20_000 * ETHER, FIRST_ACCOUNT, "the node refused .*[Ii]nsufficient funds"),
        (1, "0x" + "12" * 20, "holds no key for this sender; use one of chain.accounts"),
    ],
)
def test_what_the_node_refuses(chain, value, sender, message):
    with pytest.raises(TransactionFailed, match=message):
        chain.send({"to": chain.accounts[1]}, sender=sender, value=value)
    assert chain._rpc("anvil_getAutomine") is True
    assert chain.send({"to": chain.accounts[1]}, sender=chain.accounts[0])["status"] == 1


def test_a_negative_value(chain):
    with pytest.raises(ValueError, match="value = -1 wei is negative"):
        chain.send({"to": chain.accounts[1]}, sender=chain.accounts[0], value=-1)


# ---------------------------------------------------------------- refusals
def test_a_refusal_comes_with_its_numbers(chain, purse):
    with pytest.raises(ContractError, match=r"^ShortStake: sent=500,000,000,000,000,000, needed=1,2") as caught:
        chain.send(purse.functions.pay(120), sender=chain.accounts[0], value=ETHER // 2)
    assert caught.value.name == "ShortStake"
    assert caught.value.values == {"sent": ETHER // 2, "needed": 12 * ETHER // 10, "samples": 120}


def test_a_refusal_with_a_sentence_of_its_own(chain, purse):
    chain.explain("ShortStake", "sent {sent:eth}, {needed:eth} needed for {samples} samples")
    try:
        with pytest.raises(ContractError, match=r"^ShortStake: sent 0\.5 ETH, 1\.2 ETH needed for 120 samples$"):
            chain.send(purse.functions.pay(120), sender=chain.accounts[0], value=ETHER // 2)
    finally:
        del chain._decoder._templates["ShortStake"]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (0, "", "the contract reverted without a reason"),
        (1, "Error", "Error: no luck"),
        (2, "Panic", r"Panic: an assertion is false \(code 0x01\)"),
        (3, "Panic", r"Panic: an integer overflows or falls below zero \(code 0x11\)"),
        (4, "Panic", r"Panic: array index out of bounds \(code 0x32\)"),
        (5, "Stranger", rf"Stranger: caller={FIRST_ACCOUNT}, stakeValue=1\.5 ETH, score=-3"),
        (6, "Locked", "Locked"),
    ],
)
def test_every_kind_of_revert_through_every_door(chain, purse, kind, name, message):
    call = purse.functions.fail(kind)
    doors = [
        lambda: chain.send(call, sender=FIRST_ACCOUNT),
        lambda: call.call({"from": FIRST_ACCOUNT}),
        lambda: call.estimate_gas({"from": FIRST_ACCOUNT}),
        lambda: call.transact({"from": FIRST_ACCOUNT}),
    ]
    for door in doors:
        with pytest.raises(ContractError, match=f"^{message}$") as caught:
            door()
        assert caught.value.name == name
    with pytest.raises(
        TransactionFailed, match=rf"^fail was mined in block \d+ and failed: {message} \(0x[0-9a-f]{{64}}\)$"
    ):
        chain.send(call, sender=FIRST_ACCOUNT, gas=100_000)


def test_a_failed_transaction_carries_the_contracts_error(chain, purse):
    calls = [(purse.functions.pay(1), chain.accounts[0], ETHER), (purse.functions.pay(3), chain.accounts[1], 7)]
    with pytest.raises(TransactionFailed, match="pay was mined in block") as caught:
        chain.send_many(calls, gas=100_000)
    assert isinstance(caught.value.__cause__, ContractError)
    assert caught.value.__cause__.values == {"sent": 7, "needed": 3 * ETHER // 100, "samples": 3}
    assert purse.functions.total().call() == ETHER


def test_a_failed_transaction_can_be_looked_at_instead(chain, purse):
    receipt = chain.send(purse.functions.fail(6), sender=FIRST_ACCOUNT, gas=100_000, check=False)
    assert receipt["status"] == 0


def test_running_out_of_gas_is_named(chain, purse):
    with pytest.raises(
        TransactionFailed, match=r"burn was mined in block \d+ and failed: it used all of its 50,000 gas"
    ):
        chain.send(purse.functions.burn(burning(100_000)), sender=FIRST_ACCOUNT, gas=50_000)


def test_on_a_node_that_does_not_trace_the_call_is_repeated(chain, purse, monkeypatch):
    whole = chain._batch

    def without_traces(calls):
        return whole([("eth_nothing", []) if method.startswith("debug") else (method, p) for method, p in calls])

    monkeypatch.setattr(chain, "_batch", without_traces)
    with pytest.raises(TransactionFailed, match=r"fail was mined in block \d+ and failed: Locked \(0x"):
        chain.send(purse.functions.fail(6), sender=FIRST_ACCOUNT, gas=100_000)


# ---------------------------------------------------------------- contracts, events, storage
def test_deploying(chain, purse_artifact):
    purse, receipt = chain.deploy(purse_artifact, 41, sender=chain.accounts[8], value=5)
    assert receipt["contractAddress"] == purse.address and receipt["from"] == chain.accounts[8]
    assert HexBytes(chain.w3.eth.get_code(purse.address)) == HexBytes(purse_artifact.deployed_bytecode)
    assert chain.w3.eth.get_balance(purse.address) == 5
    assert chain.storage_at(purse.address, 0) == (41).to_bytes(32, "big")
    assert chain.storage_at(purse.address, 99) == bytes(32)
    slot = int.from_bytes(
        keccak(bytes.fromhex(chain.accounts[3][2:]).rjust(32, b"\0") + (1).to_bytes(32, "big")), "big"
    )
    chain.send(purse.functions.pay(1), sender=chain.accounts[3], value=ETHER)
    assert int.from_bytes(chain.storage_at(purse.address, slot), "big") == ETHER
    assert chain.contract(purse.address.lower(), purse_artifact).functions.total().call() == 41 + ETHER


def test_an_interface_cannot_be_deployed(chain):
    with pytest.raises(ValueError, match="Empty is an interface or abstract, it has no code"):
        chain.deploy(compile_source()["Empty"])


def test_compiled_contracts_of_the_project():
    registry = load_artifact("ClientRegistry")
    assert registry.bytecode.startswith("0x60") and registry.storage_layout["storage"]
    assert any(item["type"] == "error" for item in registry.abi)
    with pytest.raises(ToolMissing, match=r'no compiled contract "Nobody" in .*out; run "bcfl build"'):
        load_artifact("Nobody")


def test_events(chain, purse):
    before = chain.w3.eth.block_number
    chain.send_many([(purse.functions.pay(i), chain.accounts[i], ETHER * i) for i in range(1, 4)])
    chain.send(purse.functions.pay(0), sender=chain.accounts[9], value=1)
    found = chain.events(purse.events.Paid, before + 1)
    assert [e["args"]["amount"] for e in found] == [ETHER, 2 * ETHER, 3 * ETHER, 1]
    assert found[1]["args"]["who"] == chain.accounts[2]
    assert [e["args"]["total"] for e in chain.events(purse.events.Paid, before + 1, before + 1)] == [
        ETHER,
        3 * ETHER,
        6 * ETHER,
    ]
    assert chain.events(purse.events.Paid, before + 3) == []


def test_calldata(purse):
    assert chain_module.calldata(purse.functions.pay(5)) == keccak(text="pay(uint256)")[:4] + (5).to_bytes(32, "big")
    assert chain_module.calldata({"to": FIRST_ACCOUNT}) == b""


# ---------------------------------------------------------------- the clock
def test_the_clock_moves_a_slot_a_block_and_where_it_is_told(chain):
    start, height = chain.timestamp, chain.w3.eth.block_number
    chain.mine()
    assert chain.timestamp == start + 12
    chain.mine(3)
    assert (chain.timestamp, chain.w3.eth.block_number) == (start + 48, height + 4)
    chain.advance_time(3600)
    assert chain.timestamp == start + 48 + 3600
    chain.send({"to": chain.accounts[0]}, sender=chain.accounts[0])
    assert chain.timestamp == start + 48 + 3600 + 12
    clock = HexBytes(chain.w3.eth.call({"data": "0x425f5260205ff3"}))  # TIMESTAMP, returned
    assert int(clock.hex(), 16) == chain.timestamp
    with pytest.raises(ValueError, match="seconds = 0, but the clock only moves forward"):
        chain.advance_time(0)


def test_a_snapshot_brings_back_state_height_and_time(chain, purse):
    before = (chain.timestamp, chain.w3.eth.block_number)
    snapshot = chain.snapshot()
    chain.send(purse.functions.visit(), sender=chain.accounts[0])
    chain.advance_time(500)
    chain.revert(snapshot)
    assert (chain.timestamp, chain.w3.eth.block_number) == before
    assert purse.functions.count().call() == 0
    chain.mine()
    assert chain.timestamp == before[0] + 12
    with pytest.raises(ValueError, match=f"snapshot {snapshot} does not exist or is used up"):
        chain.revert(snapshot)


# ---------------------------------------------------------------- other people's nodes
def test_a_node_that_holds_its_own_keys(purse_artifact, monkeypatch):
    with Chain.start(accounts=5) as node:
        monkeypatch.setenv("BCFL_RPC_URL", node.url)
        with connect() as chain:
            assert not chain.local and chain.accounts == node.accounts
            purse, _ = chain.deploy(purse_artifact, 0)
            receipts = chain.send_many([(purse.functions.pay(1), a, ETHER) for a in chain.accounts])
            assert [r["from"] for r in receipts] == chain.accounts
            with pytest.raises(ContractError, match="ShortStake"):
                chain.send(purse.functions.pay(2), sender=chain.accounts[0])
            with pytest.raises(TransactionFailed, match="failed: ShortStake"):
                chain.send(purse.functions.pay(2), sender=chain.accounts[0], gas=100_000)
            for wish in (chain.mine, chain.snapshot, lambda: chain.advance_time(5), lambda: chain.revert("0x0")):
                with pytest.raises(ServiceError, match=r"is not a chain of ours, so we cannot .*unset BCFL_RPC_URL"):
                    wish()
        assert node.timestamp > 0  # closing a borrowed chain leaves its node alone


@pytest.fixture
def keyless():
    """An anvil without accounts, with money for the first six of the test mnemonic."""
    command = [str(services.anvil()), "--port", "0", "--accounts", "0"]
    child = start_supervised(command, name="anvil")
    wait_until(lambda: chain_module._port_in(child) > 0, child, seconds=20, what="its port")
    yield f"http://127.0.0.1:{chain_module._port_in(child)}"
    child.stop()


def test_a_node_without_keys_takes_ours(keyless, purse_artifact, monkeypatch):
    with pytest.raises(ServiceError, match="holds no accounts; set BCFL_MNEMONIC"):
        connect(keyless)
    monkeypatch.setenv("BCFL_MNEMONIC", MNEMONIC)
    with connect(keyless, accounts=6) as chain:
        assert chain.accounts[0] == FIRST_ACCOUNT and len(chain.accounts) == 6
        for account in chain.accounts:
            chain._rpc("anvil_setBalance", account, hex(10 * ETHER))
        purse, _ = chain.deploy(purse_artifact, 0)
        receipts = chain.send_many([(purse.functions.pay(1), chain.accounts[i // 2], ETHER) for i in range(8)])
        assert [r["from"] for r in receipts] == [chain.accounts[i // 2] for i in range(8)]
        assert purse.functions.total().call() == 8 * ETHER
        with pytest.raises(TransactionFailed, match=r"[Ii]nsufficient funds"):
            chain.send({"to": FIRST_ACCOUNT}, sender=chain.accounts[1], value=100 * ETHER, gas=21_000)
        hash_ = purse.functions.visit().transact({"from": chain.accounts[2]})
        assert chain.w3.eth.wait_for_transaction_receipt(hash_)["status"] == 1


def test_a_transaction_nobody_mines(keyless, monkeypatch):
    monkeypatch.setenv("BCFL_MNEMONIC", MNEMONIC)
    late = pytest.raises(TransactionFailed, match=r"0x11[0-9a-f]+ was not mined within 0.02 s on chain 31337")
    with connect(keyless, accounts=1) as chain, late:
        chain._wait(HexBytes("11" * 32), seconds=0.02)


def test_an_endpoint_that_does_not_answer(monkeypatch):
    url = f"http://user:password@127.0.0.1:{free_port()}/v3/secret"
    monkeypatch.setenv("BCFL_RPC_URL", url)
    with pytest.raises(
        ServiceError, match=r"no JSON-RPC answer from http://127.0.0.1:\d+/… .*correct BCFL_RPC_URL"
    ) as caught:
        connect()
    assert "secret" not in str(caught.value) and "password" not in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:8545", "ws://127.0.0.1:8545", "nonsense"])
def test_an_endpoint_that_is_no_http_address(monkeypatch, address):
    monkeypatch.setenv("BCFL_RPC_URL", address)
    with pytest.raises(ServiceError, match=r"is no http address; it looks like http://127\.0\.0\.1:8545"):
        connect()


@pytest.mark.parametrize("status", [200, 401, 500])
def test_an_endpoint_that_is_something_else(status):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ServiceError, match=r"no JSON-RPC answer from http://127\.0\.0\.1"):
            connect(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_proxy_does_not_catch_local_traffic(monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with Chain.start(accounts=1) as chain:
        assert chain.timestamp == GENESIS + 12
