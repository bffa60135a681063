"""A chain that repeats itself, ends with its user, and moves its clock and its past where it is told."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from eth_utils import keccak
from hexbytes import HexBytes
from processes import eventually, runs
from solidity import compile_source
from web3.exceptions import Web3RPCError

from bcfl_support import services
from bcfl_support.chain import node as node_module
from bcfl_support.chain.node import GENESIS, MNEMONIC, Chain, connect
from bcfl_support.errors import ContractError, InvalidInput, ServiceError, TransactionFailed

ETHER = 10**18
FIRST_ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


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


def test_a_node_that_does_not_come_up_shows_what_it_said(monkeypatch):
    monkeypatch.setattr(node_module, "HARDFORK", "future")
    with pytest.raises(ServiceError, match=r"anvil ended before its port[\s\S]*Unknown hardfork: future"):
        Chain.start()


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


# ---------------------------------------------------------------- contracts, events, storage
def test_deploying(chain, purse_artifact):
    purse, receipt = chain.deploy(purse_artifact, 41, sender=chain.accounts[8])
    assert receipt["contractAddress"] == purse.address and receipt["from"] == chain.accounts[8]
    assert HexBytes(chain.w3.eth.get_code(purse.address)) == HexBytes(purse_artifact.deployed_bytecode)
    assert chain.storage_at(purse.address, 0) == (41).to_bytes(32, "big")
    assert chain.storage_at(purse.address, 99) == bytes(32)
    slot = int.from_bytes(
        keccak(bytes.fromhex(chain.accounts[3][2:]).rjust(32, b"\0") + (1).to_bytes(32, "big")), "big"
    )
    chain.send(purse.functions.pay(1), sender=chain.accounts[3], value=ETHER)
    assert int.from_bytes(chain.storage_at(purse.address, slot), "big") == ETHER
    assert chain.contract(purse.address.lower(), purse_artifact).functions.total().call() == 41 + ETHER


@pytest.mark.parametrize("address", ["bob", "0x12", 3, None])
def test_what_is_no_address(chain, purse_artifact, address):
    for use in (
        lambda: chain.contract(address, purse_artifact),
        lambda: chain.storage_at(address, 0),
        lambda: chain.send({"to": chain.accounts[0]}, sender=address),
    ):
        with pytest.raises(InvalidInput, match=r"is .*, no address: use one of chain.accounts, or 20 bytes"):
            use()


@pytest.mark.parametrize("slot", [-1, 2**256, "1", 0.5])
def test_what_is_no_slot(chain, slot):
    with pytest.raises(InvalidInput, match="slot"):
        chain.storage_at(chain.accounts[0], slot)


def test_an_interface_cannot_be_deployed(chain):
    with pytest.raises(ValueError, match="Empty is an interface or abstract, without code"):
        chain.deploy(compile_source()["Empty"])


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


# ---------------------------------------------------------------- the clock
def test_the_clock_moves_a_slot_a_block_and_where_it_is_told(chain):
    start, height = chain.timestamp, chain.w3.eth.block_number
    for _ in range(4):
        chain.send({"to": chain.accounts[0]}, sender=chain.accounts[0])
    assert (chain.timestamp, chain.w3.eth.block_number) == (start + 48, height + 4)
    chain.advance_time(3600)
    assert chain.timestamp == start + 48 + 3600
    chain.send({"to": chain.accounts[0]}, sender=chain.accounts[0])
    assert chain.timestamp == start + 48 + 3600 + 12
    clock = HexBytes(chain.w3.eth.call({"data": "0x425f5260205ff3"}))  # TIMESTAMP, returned
    assert int(clock.hex(), 16) == chain.timestamp
    for wrong in (0, 1.5, 2**40):
        with pytest.raises(ValueError, match=f"seconds is {wrong}: the clock only moves forward, .*; choose it"):
            chain.advance_time(wrong)


def test_blocks_that_a_revert_has_undone_are_not_there(chain):
    latest = chain.w3.eth.block_number
    snapshot = chain.snapshot()
    gone = chain.send({"to": chain.accounts[1]}, sender=chain.accounts[0])
    kept = chain.block_hashes([latest])
    assert len(kept) == 1 and chain.block_hashes([latest, gone["blockNumber"]]) == kept | {gone["blockHash"]}
    chain.revert(snapshot)
    assert chain.block_hashes([latest, gone["blockNumber"]]) == kept
    chain.send({"to": chain.accounts[2]}, sender=chain.accounts[0])
    assert gone["blockHash"] not in chain.block_hashes([latest, gone["blockNumber"]])


def test_a_snapshot_brings_back_state_height_and_time(chain, purse):
    before = (chain.timestamp, chain.w3.eth.block_number)
    snapshot = chain.snapshot()
    chain.send(purse.functions.visit(), sender=chain.accounts[0])
    chain.advance_time(500)
    chain.revert(snapshot)
    assert (chain.timestamp, chain.w3.eth.block_number) == before
    assert purse.functions.count().call() == 0
    chain.send({"to": chain.accounts[0]}, sender=chain.accounts[0])
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
            for wish in (chain.snapshot, lambda: chain.advance_time(5), lambda: chain.revert("0x0")):
                with pytest.raises(ServiceError, match=r"is not a chain of ours, so we cannot .*unset BCFL_RPC_URL"):
                    wish()
            with pytest.raises(ServiceError, match="so we cannot play"):
                chain.require_own("play")
        node.require_own("play")
        assert node.timestamp > 0  # closing a borrowed chain leaves its node alone


def test_a_node_without_keys_takes_ours(keyless, purse_artifact, monkeypatch):
    with pytest.raises(ServiceError, match="holds no accounts; set BCFL_MNEMONIC"):
        connect(keyless)
    for words, count in (
        (MNEMONIC.replace("junk", "junkk"), 12),
        ("test test", 2),
        (MNEMONIC.replace("junk", "test"), 12),
    ):
        monkeypatch.setenv("BCFL_MNEMONIC", words)
        with pytest.raises(ServiceError, match=f"BCFL_MNEMONIC holds {count} words that make no account") as refused:
            connect(keyless)
        assert "test" not in str(refused.value), "the words are secret"
    monkeypatch.setenv("BCFL_MNEMONIC", MNEMONIC)
    with connect(keyless) as chain:
        assert chain.accounts[0] == FIRST_ACCOUNT and len(chain.accounts) == 20
        for account in chain.accounts[:6]:
            chain.w3.provider.make_request("anvil_setBalance", [account, hex(10 * ETHER)])
        purse, _ = chain.deploy(purse_artifact, 0)
        receipts = chain.send_many([(purse.functions.pay(1), chain.accounts[i // 2], ETHER) for i in range(8)])
        assert [r["from"] for r in receipts] == [chain.accounts[i // 2] for i in range(8)]
        assert purse.functions.total().call() == 8 * ETHER
        with pytest.raises(TransactionFailed, match=r"[Ii]nsufficient funds"):
            chain.send({"to": FIRST_ACCOUNT}, sender=chain.accounts[1], value=100 * ETHER, gas=21_000)
        hash_ = purse.functions.visit().transact({"from": chain.accounts[2]})
        assert chain.w3.eth.wait_for_transaction_receipt(hash_)["status"] == 1


@pytest.mark.parametrize("address", ["127.0.0.1:8545", "ws://127.0.0.1:8545", "nonsense"])
def test_an_endpoint_that_is_no_http_address(monkeypatch, address):
    monkeypatch.setenv("BCFL_RPC_URL", address)
    with pytest.raises(ServiceError, match=r"^BCFL_RPC_URL = .* is no http address; it looks like http://127\.0\.0\.1"):
        connect()
    monkeypatch.delenv("BCFL_RPC_URL")
    with pytest.raises(ServiceError, match=r"^url = "):
        connect(address)


@pytest.mark.parametrize("snapshot", [None, 1, "x", "", "0x", [], "0xffffff"])
def test_what_is_no_snapshot(chain, snapshot):
    with pytest.raises(InvalidInput, match="does not exist or is used up"):
        chain.revert(snapshot)


@pytest.mark.parametrize("blocks", [(-1,), ("0",), (0.5,), (0, -1), (0, "newest"), (0, None)])
def test_what_is_no_block(chain, purse, blocks):
    with pytest.raises(InvalidInput, match=r"(from|to)_block is "):
        chain.events(purse.events.Paid, *blocks)


def test_arguments_that_a_constructor_does_not_take(chain, purse_artifact):
    for arguments in ((1, 2, "x"), ("x",), (None,), ([],)):
        with pytest.raises(InvalidInput, match="Purse's constructor does not take"):
            chain.deploy(purse_artifact, *arguments)


def test_an_estimate_for_what_no_block_holds(chain, purse):
    assert 21_000 < chain.estimate(purse.functions.visit(), sender=chain.accounts[0].lower()) < 100_000
    with pytest.raises(InvalidInput, match="sender is 'bob'"):
        chain.estimate(purse.functions.visit(), sender="bob")


def test_what_anvil_keeps_on_disk_goes_with_it(tmp_path, monkeypatch):
    """Past states, which are gigabytes after long work: never in the user's home, where nobody would look for them."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Chain.start() as chain:
        chain._rpc("anvil_mine", 1_200)  # more than it keeps in memory
        [kept] = tmp_path.glob("bcfl-anvil-*")
        assert any(kept.rglob("*.json"))
    assert not any(tmp_path.glob("bcfl-anvil-*")) and not (tmp_path / "home" / ".foundry" / "anvil").exists()


def test_a_chain_that_keeps_few_states():
    with connect(states=4) as chain:
        payer, payee = chain.accounts[:2]
        chain.send_many([({"to": payee}, payer, 1)] * 3)
        before = chain.snapshot()
        for _ in range(10):
            chain.send({"to": payee}, sender=payer, value=1)
        assert chain.w3.eth.get_balance(payee, chain.w3.eth.block_number - 2) == 10_000 * ETHER + 11
        with pytest.raises(Web3RPCError, match="BlockOutOfRange"):
            chain.w3.eth.get_balance(payee, 2)
        assert len(chain.block_hashes(range(12))) == 12
        chain.revert(before)
        assert chain.w3.eth.get_balance(payee) == 10_000 * ETHER + 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("accounts", 0), ("accounts", 1.5), ("block_gas_limit", 1e7), ("block_gas_limit", 0), ("states", 1)],
)
def test_what_no_chain_is_started_with(name, value):
    with pytest.raises(InvalidInput, match=f"{name} is .*: .*whole"):
        Chain.start(**{name: value})


def test_a_clock_waits_for_what_is_ahead_alone(chain):
    before = chain.timestamp
    chain.wait_until(before)
    assert chain.timestamp == before
    chain.wait_until(before + 1000)
    assert chain.timestamp == before + 1000
