"""What is sent is mined in order, with room in its gas limit, and what is refused or fails says why."""

from __future__ import annotations

import threading

import pytest
from eth_utils import keccak
from solidity import burning

from bcfl_support.chain import sending
from bcfl_support.chain.node import TX_GAS_CAP, Chain, connect
from bcfl_support.chain.sending import check_address, encode_call
from bcfl_support.chain.transport import Transport
from bcfl_support.errors import ContractError, InvalidInput, TransactionFailed

ETHER = 10**18
FIRST_ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize(("key", "argument"), [("from", "sender"), ("value", "value"), ("gas", "gas")])
def test_what_has_its_argument_is_not_read_from_a_plain_transaction(chain, key, argument):
    sender, receiver = chain.accounts[:2]
    given = {"from": receiver, "value": ETHER, "gas": 30_000}[key]
    block = chain.w3.eth.block_number
    with pytest.raises(InvalidInput, match=f"the transaction has '{key}' in it: give it as the argument {argument}"):
        chain.send({"to": receiver, key: given}, sender=sender)
    assert chain.w3.eth.block_number == block


# ---------------------------------------------------------------- batches
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
        (
            20_000 * ETHER,
            FIRST_ACCOUNT,
            f"^insufficient funds for a transaction: {FIRST_ACCOUNT} has [0-9,]* wei, it sends {20_000 * ETHER:,} and",
        ),
        (1, "0x" + "12" * 20, "holds no key for this sender; use one of chain.accounts"),
    ],
)
def test_what_the_node_refuses(chain, value, sender, message):
    with pytest.raises(TransactionFailed, match=message):
        chain.send({"to": chain.accounts[1]}, sender=sender, value=value)
    assert chain.w3.provider.make_request("anvil_getAutomine", [])["result"] is True
    assert chain.send({"to": chain.accounts[1]}, sender=chain.accounts[0])["status"] == 1


@pytest.mark.parametrize("value", [-1, 1.9, "1", True])
def test_what_is_no_number_of_wei(chain, value):
    with pytest.raises(ValueError, match=rf"value is {value!r}: a transaction sends wei; choose it whole, in \[0, ∞\)"):
        chain.send({"to": chain.accounts[1]}, sender=chain.accounts[0], value=value)


def test_what_would_be_refused_is_said_without_sending(chain, purse, monkeypatch):
    sender, height, asked = chain.accounts[0], chain.w3.eth.block_number, []
    batch = chain._transport.make_batch_request
    monkeypatch.setattr(chain._transport, "make_batch_request", lambda part: asked.append(len(part)) or batch(part))
    chain.check((purse.functions.total(), account, 0) for account in chain.accounts[:3])
    assert asked == [1, 3], "is there a contract, and one request for all"
    with pytest.raises(ContractError, match=r"^ShortStake"):
        chain.check([(purse.functions.visit(), sender, 0), (purse.functions.pay(120), sender, ETHER // 2)])
    assert chain.w3.eth.block_number == height


def test_a_refusal_comes_with_its_numbers(chain, purse):
    with pytest.raises(ContractError, match=r"^ShortStake: sent=500,000,000,000,000,000, needed=1,2") as caught:
        chain.send(purse.functions.pay(120), sender=chain.accounts[0], value=ETHER // 2)
    assert caught.value.name == "ShortStake"
    assert caught.value.values == {"sent": ETHER // 2, "needed": 12 * ETHER // 10, "samples": 120}


def test_a_refusal_with_a_sentence_of_its_own(purse_artifact):
    with Chain.start(accounts=1) as chain:
        purse, _ = chain.deploy(purse_artifact, 0)
        chain.explain({"ShortStake": "sent {sent:eth}, {needed:eth} needed for {samples} samples"})
        with pytest.raises(ContractError, match=r"^ShortStake: sent 0\.5 ETH, 1\.2 ETH needed for 120 samples$"):
            chain.send(purse.functions.pay(120), sender=chain.accounts[0], value=ETHER // 2)


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
    ask = Transport.batch

    def without_traces(self, method, many):
        return ask(self, "eth_nothing" if method.startswith("debug") else method, many)

    monkeypatch.setattr(Transport, "batch", without_traces)
    with pytest.raises(TransactionFailed, match=r"fail was mined in block \d+ and failed: Locked \(0x"):
        chain.send(purse.functions.fail(6), sender=FIRST_ACCOUNT, gas=100_000)


def test_encode_call(purse):
    assert encode_call(purse.functions.pay(5)) == keccak(text="pay(uint256)")[:4] + (5).to_bytes(32, "big")
    assert encode_call({"to": FIRST_ACCOUNT}) == b""


def test_a_transaction_nobody_mines(monkeypatch):
    monkeypatch.setattr(sending, "_PATIENCE", 0.02)
    late = pytest.raises(TransactionFailed, match=r"0x[0-9a-f]{64}.* not in the chain after 0.02 seconds .*chain 31337")
    with Chain.start(accounts=2) as node, connect(node.url) as chain:
        node.w3.provider.make_request("evm_setAutomine", [False])
        with late:
            chain.send({"to": chain.accounts[1]}, sender=chain.accounts[0])


@pytest.mark.parametrize("gas", ["x", -1, 0, 0.5, True])
def test_what_is_no_gas_limit(chain, purse, gas):
    with pytest.raises(InvalidInput, match=r"gas is .*gas is counted"):
        chain.send(purse.functions.visit(), sender=FIRST_ACCOUNT, gas=gas)


@pytest.mark.parametrize("to", ["0x12", "bob", 5, b"x"])
def test_a_receiver_that_is_none(chain, to):
    with pytest.raises(InvalidInput, match=r"to is .* no address"):
        chain.send({"to": to}, sender=FIRST_ACCOUNT)


@pytest.mark.parametrize("gas", [None, 100_000])
def test_no_contract_is_called_where_none_is(chain, purse, gas):
    nowhere = chain.w3.eth.contract(address="0x" + "11" * 20, abi=purse.abi)
    call = nowhere.functions.pay(1)
    with pytest.raises(InvalidInput, match="there is no contract at 0x1111"):
        chain.send(call, sender=FIRST_ACCOUNT, value=5, gas=gas)
    with pytest.raises(InvalidInput, match="there is no contract at 0x1111"):
        chain.check([(call, FIRST_ACCOUNT, 5)])
    assert chain.w3.eth.get_balance(nowhere.address) == 0


def test_an_address_whose_checksum_is_wrong_is_mistyped(chain):
    right = chain.accounts[3]
    typo = right[:-1] + ("A" if right[-1] != "A" else "B")
    with pytest.raises(InvalidInput, match=f"to is '{typo}', whose capitals .EIP-55. say that it is mistyped"):
        chain.send({"to": typo}, sender=chain.accounts[0], value=10**18)
    for spelled in (right, right.lower(), "0x" + right[2:].upper(), right[2:], bytes.fromhex(right[2:])):
        assert check_address("to", spelled) == right


def test_somebody_else_mining_loses_no_receipt(chain, purse, monkeypatch):
    """The transactions may be in a block before the latest one."""
    rpc = chain._transport.rpc

    def twice(method, *params):
        answer = rpc(method, *params)
        return rpc(method, *params) if method == "evm_mine" else answer

    monkeypatch.setattr(chain._transport, "rpc", twice)
    receipts = chain.send_many([(purse.functions.visit(), account, 0) for account in chain.accounts[1:4]])
    assert [receipt["from"] for receipt in receipts] == chain.accounts[1:4]
    assert purse.functions.count().call() == 3


def test_an_interrupt_leaves_the_chain_mining(chain, purse, monkeypatch):
    rpc = chain._transport.rpc

    def interrupted(method, *params):
        answer = rpc(method, *params)
        if (method, *params) == ("evm_setAutomine", False):
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(chain._transport, "rpc", interrupted)
        with pytest.raises(KeyboardInterrupt):
            chain.send(purse.functions.visit(), sender=chain.accounts[1])
    hash_ = purse.functions.visit().transact({"from": chain.accounts[2]})
    assert chain.w3.eth.wait_for_transaction_receipt(hash_, 5)["status"] == 1


def test_two_interrupts_send_nothing_twice(chain, monkeypatch):
    """The second comes while the first one's transaction is taken back."""
    payer, payee = chain.accounts[5:7]
    before, rpc = chain.w3.eth.get_balance(payee), chain._transport.rpc

    def stop(method, *params):
        if method in ("evm_mine", "anvil_dropAllTransactions"):
            raise KeyboardInterrupt
        return rpc(method, *params)

    with monkeypatch.context() as patched:
        patched.setattr(chain._transport, "rpc", stop)
        with pytest.raises(KeyboardInterrupt):
            chain.send({"to": payee}, sender=payer, value=7)
    chain.send({"to": payee}, sender=payer, value=5)
    chain.send({"to": payee}, sender=payer, value=1)
    assert chain.w3.eth.get_balance(payee) == before + 6


def test_who_has_not_enough_for_a_batch_is_named(chain):
    payer, payee = chain.accounts[7:9]
    half = chain.w3.eth.get_balance(payer) * 3 // 5
    with pytest.raises(TransactionFailed, match=f"did not mine 1 of 2 transactions, those from {payer}: has each"):
        chain.send_many([({"to": payee}, payer, half)] * 2)
