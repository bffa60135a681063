"""Sending to a chain: gas limits, order within blocks, receipts, and why something failed.

Two promises. A call the contract would refuse as the chain stands raises `ContractError`, with the contract's own
numbers in the message, before anything is sent. The transactions of one `send_many` are mined in the order given.

What no estimate sees is a call that is refused only because of one before it in its batch, such as the second of two
equal votes: it is mined, fails and raises `TransactionFailed`. The others of the batch stand.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from eth_typing import ChecksumAddress
from eth_utils import ValidationError, is_checksum_formatted_address, to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.exceptions import TimeExhausted, TransactionNotFound, Web3Exception
from web3.types import RPCResponse, TxReceipt

from bcfl_support.chain.reverts import revert_data
from bcfl_support.chain.schedule import OSAKA
from bcfl_support.chain.transport import Transport, error_message, without_secrets
from bcfl_support.checks import check_whole
from bcfl_support.errors import ContractError, InvalidInput, ServiceError, TransactionFailed

if TYPE_CHECKING:
    from bcfl_support.chain.node import Chain

Call = ContractFunction | ContractConstructor | Mapping[str, Any]
"""What can be sent: a bound contract function, a constructor, or a plain transaction such as ``{"to": address}``, in
which sender, value and gas do not stand: they are arguments of what sends it."""

Transaction = dict[str, Any]

_NEW_SLOT = OSAKA.cold_sload + OSAKA.sstore_set
_PATIENCE = 300.0  # seconds a foreign node has for mining a transaction


class Sender:
    """Sends over one connection; `Chain.send_many` says what it promises."""

    def __init__(self, w3: Web3, transport: Transport, *, tx_gas_cap: int, block_gas_limit: int) -> None:
        self._w3, self._transport, self._lock = w3, transport, threading.RLock()
        self._tx_gas_cap, self._block_gas_limit = tx_gas_cap, block_gas_limit
        self._unfinished = False  # whether a batch may have left transactions that wait to be mined

    def send_many(self, calls: Iterable[tuple[Call, str, int]], gas: int | None, check: bool) -> list[TxReceipt]:
        """Send (call, sender, value in wei) of each and wait for all receipts."""
        calls = list(calls)
        labels = [_label(call) for call, _, _ in calls]
        transactions = [_transaction(*each) for each in calls]
        if gas is not None:
            gas = check_whole("gas", gas, 1, 2**63, why="gas is counted")
        self._check_code(calls)
        with self._lock:
            limits = [gas] * len(calls) if gas is not None else self._gas_limits(transactions, labels)
            for transaction, limit in zip(transactions, limits, strict=True):
                transaction["gas"] = limit
            together = self._transport.child is not None
            receipts = self._mine_together(transactions) if together else self._send_one_by_one(transactions)
        if check:
            self.check_receipts(calls, receipts)
        return receipts

    def check_receipts(self, calls: Sequence[tuple[Call, str, int]], receipts: Sequence[TxReceipt]) -> None:
        """Raise for the first transaction that was mined and failed."""
        for (call, _, _), receipt in zip(calls, receipts, strict=True):
            if receipt["status"] != 1:
                raise self._failure(_label(call), receipt)

    def check(self, calls: Sequence[tuple[Call, str, int]]) -> None:
        """Raise for the first call that would fail."""
        transactions = [_transaction(*each) for each in calls]
        self._check_code(calls)
        self._gas_limits(transactions, [_label(call) for call, _, _ in calls])

    def _check_code(self, calls: Sequence[tuple[Call, str, int]]) -> None:
        """Refuse a contract's call where no contract is: it would succeed, do nothing and leave the money there."""
        places = list(dict.fromkeys(call.address for call, _, _ in calls if isinstance(call, ContractFunction)))
        answers = self._transport.batch("eth_getCode", [[place, "pending"] for place in places])
        for place, answer in zip(places, answers, strict=True):
            if len(str(answer.get("result", "unknown"))) <= 2:
                gone = "another chain's address, or the chain was reverted to before its deployment"
                raise InvalidInput(f"there is no contract at {place}: {gone}; deploy it again, and call that one")

    # ------------------------------------------------------------ gas limits
    def _gas_limits(self, transactions: list[Transaction], labels: list[str]) -> list[int]:
        """A quarter above each estimate. Raises for the first call that would fail.

        Those before it in a batch may have filled a slot that a call found free for the taking when it was estimated,
        such as a place in a list: it then takes a new one, for 22,100 gas more. A batch has room for two of them.
        """
        spare = 2 * _NEW_SLOT if len(transactions) > 1 else 0
        answers = self._transport.batch("eth_estimateGas", [[_as_rpc(each), "pending"] for each in transactions])
        limits = []
        for i, (answer, label) in enumerate(zip(answers, labels, strict=True)):
            if (data := revert_data(answer)) is not None:
                refused = self._transport.decoder.decode(data)
                if len(labels) > 1:
                    refused.add_note(f"{label}, number {i} of {len(labels)}, from {transactions[i]['from']}")
                raise refused
            if "error" in answer:
                raise self._refusal(label, answer, transactions[i])
            estimate = int(str(answer["result"]), 16)
            if estimate > self._tx_gas_cap:
                room = f"more than the {self._tx_gas_cap:,} a transaction may use (EIP-7825)"
                raise TransactionFailed(f"{label} needs {estimate:,} gas, {room}; split it over several transactions")
            limits.append(min(estimate * 5 // 4 + spare, self._tx_gas_cap))
        return limits

    def _refusal(self, label: str, answer: RPCResponse, transaction: Transaction) -> TransactionFailed:
        """The exception for an error the node gave, not the contract."""
        message = error_message(answer)
        if "exceeds allowance" in message:
            room = f"a block has ({self._block_gas_limit:,})"
            return TransactionFailed(f"{label} needs more gas than {room}; split the work over several transactions")
        if "insufficient funds" in message.lower():
            account, value = transaction["from"], transaction["value"]
            has = f"{account} has {self._w3.eth.get_balance(account):,} wei, it sends {value:,} and pays for gas"
            return TransactionFailed(f"insufficient funds for {label}: {has}; send less, or from another account")
        if "no signer" in message.lower():
            return TransactionFailed(f"{label}: the node holds no key for this sender; use one of chain.accounts")
        return TransactionFailed(f"the node refused {label}: {message}")

    # ------------------------------------------------------------ getting mined
    def _mine_together(self, transactions: list[Transaction]) -> list[TxReceipt]:
        """Own anvil: fill blocks in the order given, one block at a time, while nothing else is mined."""
        rpc = self._transport.rpc
        receipts: list[TxReceipt] = []
        try:
            if self._unfinished:  # an interrupt came while the last batch was being taken back
                rpc("anvil_dropAllTransactions")
            self._unfinished = True
            rpc("evm_setAutomine", False)
            for block in _split(transactions, self._block_gas_limit):
                receipts += self._mine_block(block)
        finally:
            with contextlib.suppress(ServiceError):  # a node that is gone has been told of
                if len(receipts) < len(transactions):
                    rpc("anvil_dropAllTransactions")
                rpc("evm_setAutomine", True)
                self._unfinished = False
        return receipts

    def _mine_block(self, transactions: list[Transaction]) -> list[TxReceipt]:
        hashes = []
        answers = self._transport.batch("eth_sendTransaction", [[_as_rpc(each)] for each in transactions])
        for answer, transaction in zip(answers, transactions, strict=True):
            if "error" in answer:
                raise self._refusal("a transaction", answer, transaction)
            hashes.append(HexBytes(str(answer["result"])))
        found: dict[HexBytes, TxReceipt] = {}
        for _ in range(len(hashes)):  # one block takes all; a transaction left over gets the next one
            self._transport.rpc("evm_mine")
            found |= {HexBytes(r["transactionHash"]): r for r in self._w3.eth.get_block_receipts("latest")}
            for each in set(hashes) - set(found):  # in an earlier block, if somebody else mines, too
                with contextlib.suppress(TransactionNotFound):
                    found[each] = self._w3.eth.get_transaction_receipt(each)
            if all(each in found for each in hashes):
                return [found[each] for each in hashes]
        left = [each["from"] for each, hash_ in zip(transactions, hashes, strict=True) if hash_ not in found]
        why = f"those from {', '.join(left)}: has each enough for all it sends in this batch? The others stand"
        raise TransactionFailed(f"anvil did not mine {len(left)} of {len(hashes)} transactions, {why}")

    def _send_one_by_one(self, transactions: list[Transaction]) -> list[TxReceipt]:
        """Foreign node: it mines when it likes; keys we hold sign here, the others on the node."""
        eth = self._w3.eth
        try:
            hashes = [eth.send_transaction(cast(Any, transaction)) for transaction in transactions]
            return [eth.wait_for_transaction_receipt(each, _PATIENCE) for each in hashes]
        except TimeExhausted as error:
            advice = "look it up again later with chain.w3.eth.get_transaction_receipt"
            raise TransactionFailed(f"{error} (chain {eth.chain_id}); {advice}") from None
        except Web3Exception as error:
            raise TransactionFailed(f"the node refused a transaction: {error}") from None

    # ------------------------------------------------------------ failures
    def _failure(self, label: str, receipt: TxReceipt) -> TransactionFailed:
        """The exception for a mined transaction that failed, with the contract's error as its cause if there is one."""
        hash_, block = HexBytes(receipt["transactionHash"]).to_0x_hex(), receipt["blockNumber"]
        reason = self._why_failed(hash_, receipt)
        failed = TransactionFailed(f"{label} was mined in block {block} and failed: {reason} ({hash_})")
        failed.__cause__ = reason if isinstance(reason, ContractError) else None
        return failed

    def _why_failed(self, hash_: str, receipt: TxReceipt) -> ContractError | str:
        """What its trace says; on nodes that do not trace, what the same call says one block earlier."""
        transaction = self._w3.eth.get_transaction(receipt["transactionHash"])
        if receipt["gasUsed"] == transaction["gas"]:
            return f"it used all of its {transaction['gas']:,} gas"
        [answer] = self._transport.batch("debug_traceTransaction", [[hash_, {"tracer": "callTracer"}]])
        trace: Any = answer.get("result")
        if isinstance(trace, dict):
            return self._transport.decoder.decode(bytes(HexBytes(trace.get("output", "0x"))))
        again: Any = {key: transaction[key] for key in ("from", "to", "value", "gas") if transaction.get(key)}
        try:
            self._w3.eth.call(again | {"data": transaction["input"]}, receipt["blockNumber"] - 1)
        except ContractError as error:
            return error
        return "the node does not say why"


# ---------------------------------------------------------------- keys
def sign_here(w3: Web3, url: str) -> list[str]:
    """Twenty accounts from ``BCFL_MNEMONIC``, for a node that holds no keys; web3 signs with them."""
    from eth_account import Account
    from web3.middleware import SignAndSendRawMiddlewareBuilder

    mnemonic = os.environ.get("BCFL_MNEMONIC", "")
    if not mnemonic:
        raise ServiceError(f"{without_secrets(url)} holds no accounts; set BCFL_MNEMONIC to the words of funded ones")
    Account.enable_unaudited_hdwallet_features()
    try:
        keys = [Account.from_mnemonic(mnemonic, account_path=f"m/44'/60'/0'/0/{i}") for i in range(20)]
    except ValidationError:  # its text may hold the words
        count = f"BCFL_MNEMONIC holds {len(mnemonic.split())} words that make no account"
        raise ServiceError(f"{count}; 12 to 24 words of BIP 39's list do: correct their spelling") from None
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(keys), layer=0)
    return [str(key.address) for key in keys]


# ---------------------------------------------------------------- transactions
def encode_call(call: Call) -> bytes:
    """The bytes a call sends as its transaction's data; gas is paid for each of them."""
    return bytes(HexBytes(_transaction(call, "0x" + "00" * 20, 0).get("data", b"")))


def _label(call: Call) -> str:
    if isinstance(call, ContractFunction):
        return str(call.fn_name)
    return "a deployment" if isinstance(call, ContractConstructor) or "to" not in call else "a transaction"


def require_kept(chain: Chain, receipt: TxReceipt, what: str, advice: str) -> None:
    """Refuse what a `revert` has undone: a call would do nothing, or reach what was deployed there since.

    Args:
        chain: where it was made.
        receipt: of the transaction that made it.
        what: what that did, for the message.
        advice: what to do.

    Raises:
        InvalidInput: the chain has another block in the place of the receipt's, or none.
    """
    if receipt["blockHash"] not in chain.block_hashes([receipt["blockNumber"]]):
        block = f"block {receipt['blockNumber']}, which a revert of the chain has undone"
        raise InvalidInput(f"{what} in {block}: {advice}")


def check_address(name: str, value: Any) -> ChecksumAddress:
    """An address as web3 wants it, its checksum in capitals.

    Args:
        name: what it is called in the message.
        value: 20 bytes in hex, in capitals or not; capitals and small letters mixed are a checksum.

    Raises:
        InvalidInput: it is none, or has a wrong checksum.
    """
    try:
        found = to_checksum_address(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} is {value!r}, no address: use one of chain.accounts, or 20 bytes in hex") from None
    if is_checksum_formatted_address(value) and str(value)[-40:] != found[-40:]:
        raise InvalidInput(f"{name} is {value!r}, whose capitals (EIP-55) say that it is mistyped: copy it anew")
    return found


def _transaction(call: Call, sender: str, value: int) -> Transaction:
    """Sender, receiver, value and data of a call, without asking the node anything."""
    value = check_whole("value", value, 0, why="a transaction sends wei")
    transaction: Transaction = {"from": check_address("sender", sender), "value": int(value)}
    if isinstance(call, ContractFunction):
        # All defaults are given, so that web3 fills in none by asking the node.
        nothing: Any = {"gas": 0, "gasPrice": 0, "nonce": 0, "chainId": 1, "value": 0}
        full = call.build_transaction(nothing)
        return transaction | {"to": full["to"], "data": full["data"]}
    if isinstance(call, ContractConstructor):
        return transaction | {"data": call.data_in_transaction}
    for key, argument in (("from", "sender"), ("value", "value"), ("gas", "gas")):
        if key in call:
            raise InvalidInput(f"the transaction has {key!r} in it: give it as the argument {argument}")
    if call.get("to") is None and call.get("data") in (None, "", "0x", b""):
        raise InvalidInput(f"the transaction has only {[*call]}: give 'to' or 'data'; without, money goes to nobody")
    if call.get("to") is not None:
        transaction["to"] = check_address("to", call["to"])
    return dict(call) | transaction


def _as_rpc(transaction: Transaction) -> Transaction:
    """A transaction as JSON-RPC wants it: integers in hex."""
    return {key: hex(value) if isinstance(value, int) else value for key, value in transaction.items()}


def _split(transactions: Sequence[Transaction], limit: int) -> list[list[Transaction]]:
    """Cut into runs whose gas limits fit one block each. anvil would fill a block with later ones that still fit."""
    blocks: list[list[Transaction]] = []
    room = 0
    for transaction in transactions:
        if not blocks or transaction["gas"] > room:
            blocks.append([])
            room = limit
        blocks[-1].append(transaction)
        room -= transaction["gas"]
    return blocks
