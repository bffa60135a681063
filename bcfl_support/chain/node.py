"""A chain to work on: a local anvil that repeats itself to the bit, or any JSON-RPC endpoint.

`Chain.start()` runs anvil with Osaka's rules, a fixed mnemonic, a fixed genesis time and a clock that moves one slot
a block, so addresses, transaction hashes, block hashes and gas are the same in every run. `connect()` takes
the endpoint in ``BCFL_RPC_URL`` instead, if there is one.

Sending keeps three promises. A call the contract would refuse raises `ContractError`, with the contract's own numbers
in the message, before anything is sent. The transactions of one `send_many` are mined in the order given. A node
that is gone is one sentence, never a traceback out of an HTTP library.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from eth_typing import HexStr
from eth_utils import to_checksum_address
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractEvent, ContractFunction
from web3.exceptions import TransactionNotFound, Web3Exception
from web3.types import EventData, RPCEndpoint, RPCResponse, TxReceipt

from bcfl_support import services
from bcfl_support.chain.reverts import RevertDecoder, revert_data
from bcfl_support.errors import ContractError, PortInUse, ServiceError, ToolMissing, TransactionFailed

MNEMONIC = "test test test test test test test test test test test junk"
"""Foundry's public test mnemonic; its keys are known to everybody."""
GENESIS = 1_760_000_000
"""Time of the first block, 9 October 2025, 08:53:20 UTC."""
SLOT_SECONDS = 12
"""Seconds between blocks, as on Ethereum."""
BLOCK_GAS_LIMIT = 60_000_000
"""EIP-7935."""
TX_GAS_CAP = 16_777_216
"""Most gas one transaction may ask for, 2^24 (EIP-7825)."""
HARDFORK = "bpo2"
"""anvil's name for Osaka's rules with today's blob schedule."""

Call = ContractFunction | ContractConstructor | Mapping[str, Any]
"""What can be sent: a bound contract function, a constructor, or a plain transaction such as ``{"to": address}``."""

# anvil runs the calls of one JSON-RPC batch concurrently. Up to 30 are polled strictly in order; beyond about 60
# sends its scheduler makes the rest yield and they arrive in reverse. Twenty keeps the order with room to spare.
_BATCH = 20
_NEW_SLOT = 22_100


# ---------------------------------------------------------------- compiled contracts
@dataclass(frozen=True)
class Artifact:
    """A compiled contract.

    Attributes:
        name: the contract's name.
        abi: its interface, as JSON.
        bytecode: creation code, hex with 0x.
        deployed_bytecode: the code left on chain, hex with 0x (immutables still zero).
        storage_layout: slot, offset and type of each state variable, as the compiler gives it.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str
    storage_layout: dict[str, Any] | None = None


def load_artifact(name: str, root: Path | None = None) -> Artifact:
    """Read a contract that `bcfl build` has compiled.

    Args:
        name: the contract's name, e.g. ``ClientRegistry``.
        root: project folder; None: the one the package finds.

    Raises:
        ToolMissing: no compiled contract has this name.
    """
    folder = (root or services.project_root()) / "contracts" / "out"
    paths = [folder / f"{name}.sol" / f"{name}.json", *sorted(folder.glob(f"*/{name}.json"))]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise ToolMissing(f'no compiled contract "{name}" in {folder}; run "bcfl build"')
    found = json.loads(path.read_text())
    return Artifact(
        name, found["abi"], found["bytecode"]["object"], found["deployedBytecode"]["object"], found.get("storageLayout")
    )


# ---------------------------------------------------------------- the connection
class _Provider(HTTPProvider):
    """web3's HTTP provider that speaks this package's exceptions: `ServiceError` and `ContractError`."""

    def __init__(self, url: str, decoder: RevertDecoder, child: services.Child | None) -> None:
        session = requests.Session()
        session.trust_env = child is None  # a proxy set for the web must not catch traffic to this machine
        session.headers["Content-Type"] = "application/json"
        super().__init__(url, {"timeout": 120}, session=session, exception_retry_configuration=None)
        self.session, self.decoder, self.child, self.closed = session, decoder, child, False

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request; a revert in the answer is raised as the contract's own error."""
        response = self.ask(method, params)
        data = revert_data(response)
        if data is not None:
            raise self.decoder.decode(data)
        return response

    def ask(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request; errors stay in the answer."""
        try:
            return super().make_request(method, params)
        except (requests.RequestException, ValueError) as error:
            raise self._no_answer(error) from None

    def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Several requests at once; errors stay in the answers, because the others may have succeeded."""
        try:
            return super().make_batch_request(batch_requests)
        except (requests.RequestException, ValueError) as error:
            raise self._no_answer(error) from None

    def close(self) -> None:
        self.closed = True
        self.session.close()

    def _no_answer(self, error: Exception) -> ServiceError:
        if self.child is None:
            return ServiceError(
                f"no JSON-RPC answer from {_without_secrets(str(self.endpoint_uri))} ({type(error).__name__}); start "
                "that node or correct BCFL_RPC_URL, or unset it and a local chain is started"
            )
        if self.closed:
            return ServiceError("this chain has been closed; start a new one with Chain.start()")
        if self.child.wait(0.5):
            return ServiceError(
                f"anvil (process {self.child.pid}) has ended and its state is gone; start a new chain with "
                f"Chain.start() and deploy again. Its last output:\n{self.child.log_tail(5) or '(none)'}"
            )
        return ServiceError(f"anvil (process {self.child.pid}) runs but did not answer ({type(error).__name__})")


def _without_secrets(url: str) -> str:
    """A URL without user, password, path and query: providers put keys there.

    >>> _without_secrets("https://user:pw@rpc.example:8545/v3/key?x=1")
    'https://rpc.example:8545/…'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{'/…' if parts.path.strip('/') or parts.query else ''}"


# ---------------------------------------------------------------- the chain
class Chain:
    """A chain, its accounts, and the ways to send to it. Made by `Chain.start` or `connect`; use it in a `with` block.

    Attributes:
        w3: a plain `web3.Web3`, for everything this class does not wrap.
        url: the JSON-RPC endpoint.
        accounts: addresses that can send.
        local: whether this is our own anvil, with a clock and snapshots that can be moved.
        tx_gas_cap: most gas one transaction may ask for.
        block_gas_limit: most gas of one block.
    """

    def __init__(
        self,
        url: str,
        *,
        child: services.Child | None = None,
        accounts: int = 110,
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        tx_gas_cap: int = TX_GAS_CAP,
    ) -> None:
        self.url, self.local, self._child = url, child is not None, child
        self.tx_gas_cap, self.block_gas_limit = tx_gas_cap, block_gas_limit
        self._decoder, self._lock = RevertDecoder(), threading.RLock()
        self._provider = _Provider(url, self._decoder, child)
        self.w3 = Web3(self._provider)
        if child is not None:
            # A chain nobody refers to any more (a cell run twice) should not keep its node running. Contracts and
            # w3 refer to it through the provider; so does web3 itself, until the same methods are used elsewhere.
            weakref.finalize(self._provider, child.stop)
        self.accounts: list[str] = list(self.w3.eth.accounts) or self._sign_here(accounts)

    @classmethod
    def start(
        cls,
        *,
        accounts: int = 110,
        hardfork: str = HARDFORK,
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        tx_gas_cap: bool = True,
        port: int | None = None,
        timestamp: int = GENESIS,
        block_time: int = SLOT_SECONDS,
    ) -> Chain:
        """Start a private anvil on 127.0.0.1 that ends with this process.

        Args:
            accounts: how many accounts of the test mnemonic, with 10,000 ETH each.
            hardfork: anvil's name of the rules.
            block_gas_limit: gas of one block.
            tx_gas_cap: whether EIP-7825's cap of one transaction is on.
            port: where to listen; None: wherever the system has room.
            timestamp: time of the genesis block, seconds since 1970.
            block_time: seconds from each block to the next; blocks come when there are transactions, not by the clock.

        Raises:
            ToolMissing: anvil is not installed.
            PortInUse: the port asked for is taken.
            ServiceError: anvil did not come up.
        """
        if port is not None:
            services.check_port_free(port)
        command = [
            *(services.anvil(), "--host", services.LOCALHOST, "--port", port or 0, "--mnemonic", MNEMONIC),
            *("--accounts", accounts, "--balance", 10_000, "--chain-id", 31337, "--hardfork", hardfork),
            *("--gas-limit", block_gas_limit, "--timestamp", timestamp, "--order", "fifo", "--no-request-size-limit"),
            *(["--enable-tx-gas-limit"] if tx_gas_cap else []),
        ]
        child = services.start_supervised([str(part) for part in command], name="anvil")
        try:
            services.wait_until(lambda: _port_in(child) > 0, child, seconds=20, what="its port")
            url = f"http://{services.LOCALHOST}:{_port_in(child)}"
            chain = cls(
                url, child=child, block_gas_limit=block_gas_limit, tx_gas_cap=TX_GAS_CAP if tx_gas_cap else 2**63
            )
            chain._rpc("anvil_setLoggingEnabled", False)
            chain._rpc("anvil_setBlockTimestampInterval", block_time)
            chain.mine()  # anvil answers eth_call on an empty chain with a clock at 1970
        except BaseException as error:
            child.stop()
            if isinstance(error, ServiceError) and port is not None and "in use" in str(error).lower():
                raise PortInUse(f"port {port} was taken while anvil started; choose another, or give none") from None
            raise
        return chain

    # ------------------------------------------------------------ life
    def close(self) -> None:
        """End the node if it is ours. Calling it again does nothing."""
        self._provider.close()
        if self._child is not None:
            self._child.stop()

    def __enter__(self) -> Chain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Chain {_without_secrets(self.url)}, {len(self.accounts)} accounts>"

    # ------------------------------------------------------------ contracts
    def register_abi(self, abi: Iterable[Mapping[str, Any]]) -> None:
        """Learn the custom errors of a contract, so that its refusals come out with names and numbers."""
        self._decoder.register(abi)

    def explain(self, name: str, template: str) -> None:
        """Give a custom error a sentence: ``chain.explain("ShortStake", "sent {sent:eth}, {needed:eth} needed")``.

        Args:
            name: the error's Solidity name.
            template: text with the error's arguments as fields; ``:eth`` shows wei as ETH, ``:,`` groups digits,
                ``:short`` cuts a hash.
        """
        self._decoder.explain(name, template)

    def contract(self, address: str, artifact: Artifact) -> Contract:
        """A contract that is already on chain, with its errors registered."""
        self.register_abi(artifact.abi)
        return cast(Contract, self.w3.eth.contract(address=to_checksum_address(address), abi=artifact.abi))

    def deploy(
        self, artifact: Artifact, *args: Any, sender: str | None = None, value: int = 0
    ) -> tuple[Contract, TxReceipt]:
        """Put a contract on chain.

        Args:
            artifact: the compiled contract.
            *args: its constructor's arguments.
            sender: account that pays; None: the first one.
            value: wei sent along.

        Returns:
            The contract, ready to call, and the receipt of its creation.
        """
        if len(artifact.bytecode) <= 2:
            raise ValueError(f"{artifact.name} is an interface or abstract, it has no code; deploy what implements it")
        self.register_abi(artifact.abi)
        factory = self.w3.eth.contract(abi=artifact.abi, bytecode=HexStr(artifact.bytecode))
        receipt = self.send(factory.constructor(*args), sender=sender or self.accounts[0], value=value)
        return self.contract(str(receipt["contractAddress"]), artifact), receipt

    # ------------------------------------------------------------ sending
    def send(self, call: Call, *, sender: str, value: int = 0, gas: int | None = None, check: bool = True) -> TxReceipt:
        """Send one transaction and wait for its receipt; see `send_many`."""
        return self.send_many([(call, sender, value)], gas=gas, check=check)[0]

    def send_many(
        self, calls: Iterable[tuple[Call, str, int]], *, gas: int | None = None, check: bool = True
    ) -> list[TxReceipt]:
        """Send transactions that do not depend on one another's effect, and wait for all receipts.

        On a local chain they share blocks, in the order given, as many to a block as their gas limits allow. All
        gas is estimated against the state before the first of them: nothing is sent if any would be refused.

        Args:
            calls: (call, sender, value in wei) of each.
            gas: gas limit of each; None: a quarter more than estimated, at most `tx_gas_cap`.
            check: raise if a transaction was mined and failed; otherwise its receipt says ``status`` 0.

        Returns:
            Receipts, in the order given.

        Raises:
            ContractError: a contract would refuse one of the calls; nothing was sent.
            TransactionFailed: one needs more gas than a transaction may use, the node refused it, or it failed.
            ServiceError: the node is gone.
        """
        labels, transactions = [], []
        for call, sender, value in calls:
            labels.append(_label(call))
            transactions.append(_transaction(call, sender, value))
        with self._lock:
            limits = [gas] * len(transactions) if gas is not None else self._gas_limits(transactions, labels)
            for transaction, limit in zip(transactions, limits, strict=True):
                transaction["gas"] = limit
            receipts = self._mine_together(transactions) if self.local else self._send_one_by_one(transactions)
        for label, receipt in zip(labels, receipts, strict=True):
            if check and receipt["status"] != 1:
                raise self._failure(label, receipt)
        return receipts

    def _gas_limits(self, transactions: list[dict[str, Any]], labels: list[str]) -> list[int]:
        """A quarter above each estimate. Raises for the first call that would fail.

        Those before it in a batch may have filled a slot that a call found free for the taking when it was estimated,
        such as a place in a list: it then takes a new one, for 22,100 gas more. A batch has room for two of them.
        """
        spare = 2 * _NEW_SLOT if len(transactions) > 1 else 0
        answers = self._batch([("eth_estimateGas", [_as_rpc(transaction)]) for transaction in transactions])
        limits = []
        for i, (answer, label) in enumerate(zip(answers, labels, strict=True)):
            data = revert_data(answer)
            if data is not None:
                refused = self._decoder.decode(data)
                if len(labels) > 1:
                    refused.add_note(f"{label}, number {i} of {len(labels)}, from {transactions[i]['from']}")
                raise refused
            if "error" in answer:
                raise TransactionFailed(self._refusal(label, answer))
            estimate = int(str(answer["result"]), 16)
            if estimate > self.tx_gas_cap:
                raise TransactionFailed(
                    f"{label} needs {estimate:,} gas, more than the {self.tx_gas_cap:,} a transaction may use "
                    "(EIP-7825); split the work over several transactions"
                )
            limits.append(min(estimate * 5 // 4 + spare, self.tx_gas_cap))
        return limits

    def _refusal(self, label: str, answer: RPCResponse) -> str:
        """One sentence for an error the node gave, not the contract."""
        error = answer["error"]
        message = str(error.get("message", error) if isinstance(error, dict) else error)
        if "exceeds allowance" in message:
            return (
                f"{label} needs more gas than a block has ({self.block_gas_limit:,}); "
                "split the work over several transactions"
            )
        if "no signer" in message.lower():
            return f"{label}: the node holds no key for this sender; use one of chain.accounts"
        return f"the node refused {label}: {message}"

    def _mine_together(self, transactions: list[dict[str, Any]]) -> list[TxReceipt]:
        """Own anvil: fill blocks in the order given, one block at a time, while nothing else is mined."""
        receipts: list[TxReceipt] = []
        self._rpc("evm_setAutomine", False)
        try:
            for block in _split(transactions, self.block_gas_limit):
                receipts += self._mine_block(block)
        except BaseException:
            if self._child is not None and self._child.alive():
                self._rpc("anvil_dropAllTransactions")
            raise
        finally:
            if self._child is not None and self._child.alive():
                self._rpc("evm_setAutomine", True)
        return receipts

    def _mine_block(self, transactions: list[dict[str, Any]]) -> list[TxReceipt]:
        hashes = []
        for answer in self._batch([("eth_sendTransaction", [_as_rpc(tx)]) for tx in transactions]):
            if "error" in answer:
                raise TransactionFailed(self._refusal("a transaction", answer))
            hashes.append(HexBytes(str(answer["result"])))
        found: dict[HexBytes, TxReceipt] = {}
        for _ in range(len(hashes)):  # one block takes all; a transaction left over gets the next one
            self._rpc("evm_mine")
            found |= {HexBytes(r["transactionHash"]): r for r in self.w3.eth.get_block_receipts("latest")}
            if all(each in found for each in hashes):
                return [found[each] for each in hashes]
        raise TransactionFailed(f"anvil did not mine {len(hashes) - len(found)} of {len(hashes)} transactions")

    def _send_one_by_one(self, transactions: list[dict[str, Any]]) -> list[TxReceipt]:
        """Foreign node: it mines when it likes; keys we hold sign here, the others on the node."""
        try:
            hashes = [self.w3.eth.send_transaction(cast(Any, transaction)) for transaction in transactions]
        except Web3Exception as error:
            raise TransactionFailed(f"the node refused a transaction: {error}") from None
        return [self._wait(each) for each in hashes]

    def _wait(self, transaction: HexBytes, seconds: float = 300.0) -> TxReceipt:
        """The receipt, asked for after 5 ms, 10 ms, … then every second: fast on a test node, polite elsewhere."""
        deadline, delay = time.monotonic() + seconds, 0.005
        while True:
            with contextlib.suppress(TransactionNotFound):
                return self.w3.eth.get_transaction_receipt(transaction)
            if time.monotonic() > deadline:
                raise TransactionFailed(
                    f"transaction {transaction.to_0x_hex()} was not mined within {seconds:g} s on chain "
                    f"{self.w3.eth.chain_id}; look it up again later with chain.w3.eth.get_transaction_receipt"
                )
            time.sleep(delay)
            delay = min(delay * 2, 1.0)

    def _failure(self, label: str, receipt: TxReceipt) -> TransactionFailed:
        """The exception for a mined transaction that failed, with the contract's error as its cause if there is one."""
        hash_, block = HexBytes(receipt["transactionHash"]).to_0x_hex(), receipt["blockNumber"]
        reason = self._why_failed(hash_, receipt)
        failed = TransactionFailed(f"{label} was mined in block {block} and failed: {reason} ({hash_})")
        failed.__cause__ = reason if isinstance(reason, ContractError) else None
        return failed

    def _why_failed(self, hash_: str, receipt: TxReceipt) -> ContractError | str:
        """What its trace says; on nodes that do not trace, what the same call says one block earlier."""
        transaction = self.w3.eth.get_transaction(receipt["transactionHash"])
        if receipt["gasUsed"] == transaction["gas"]:
            return f"it used all of its {transaction['gas']:,} gas"
        [answer] = self._batch([("debug_traceTransaction", [hash_, {"tracer": "callTracer"}])])
        trace: Any = answer.get("result")
        if isinstance(trace, dict):
            return self._decoder.decode(bytes(HexBytes(trace.get("output", "0x"))))
        again: Any = {key: transaction[key] for key in ("from", "to", "value", "gas") if transaction.get(key)}
        try:
            self.w3.eth.call(again | {"data": transaction["input"]}, receipt["blockNumber"] - 1)
        except ContractError as error:
            return error
        return "the node does not say why"

    # ------------------------------------------------------------ reading
    def events(self, event: ContractEvent, from_block: int = 0, to_block: int | str = "latest") -> list[EventData]:
        """All logs of one event of one contract, decoded, oldest first.

        Args:
            event: e.g. ``registry.events.Registered``.
            from_block: first block; none are found beyond the latest one.
            to_block: last block, included.
        """
        try:
            return list(event.get_logs(from_block=from_block, to_block=cast(Any, to_block)))
        except Web3Exception:
            if from_block > self.w3.eth.block_number:
                return []  # nodes call that an error; to whoever waits for news it is "nothing yet"
            raise

    def storage_at(self, address: str, slot: int) -> bytes:
        """The 32 bytes of one storage slot of a contract."""
        return bytes(self.w3.eth.get_storage_at(to_checksum_address(address), slot)).rjust(32, b"\0")

    @property
    def timestamp(self) -> int:
        """Time of the latest block, seconds since 1970."""
        return int(self.w3.eth.get_block("latest")["timestamp"])

    # ------------------------------------------------------------ a clock and a past that can be moved
    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks, each one slot after the last."""
        self._own("mine blocks on demand")
        self._rpc("anvil_mine", hex(blocks))

    def advance_time(self, seconds: int) -> None:
        """Mine a block whose time is `seconds` after the latest one's."""
        self._own("move the clock")
        if seconds < 1:
            raise ValueError(f"seconds = {seconds}, but the clock only moves forward; give at least 1")
        self._rpc("evm_setNextBlockTimestamp", self.timestamp + int(seconds))
        self._rpc("evm_mine")

    def snapshot(self) -> str:
        """Remember the whole state; `revert` goes back to it, once."""
        self._own("take snapshots")
        return str(self._rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot; it and all later ones are used up."""
        self._own("go back to snapshots")
        if self._rpc("evm_revert", snapshot) is not True:
            raise ValueError(f"snapshot {snapshot} does not exist or is used up; take a new one")

    def _own(self, wish: str) -> None:
        if not self.local:
            raise ServiceError(
                f"{_without_secrets(self.url)} is not a chain of ours, so we cannot {wish}; "
                "unset BCFL_RPC_URL and a local chain is started"
            )

    # ------------------------------------------------------------ requests
    def _rpc(self, method: str, *params: Any) -> Any:
        response = self._provider.make_request(RPCEndpoint(method), list(params))
        if "error" in response:
            raise TransactionFailed(self._refusal(method, response))
        return response["result"]

    def _batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[RPCResponse]:
        """Answers in order, errors included; public endpoints may refuse batches, so foreign ones get none."""
        size = _BATCH if self.local else 1
        answers: list[RPCResponse] = []
        for start in range(0, len(calls), size):
            part = [(RPCEndpoint(method), params) for method, params in calls[start : start + size]]
            if len(part) == 1:
                answers.append(self._provider.ask(*part[0]))
            else:
                found = self._provider.make_batch_request(part)
                answers += found if isinstance(found, list) else [found] * len(part)
        return answers

    def _sign_here(self, count: int) -> list[str]:
        """Accounts from ``BCFL_MNEMONIC``, for a node that holds no keys; web3 signs with them."""
        from eth_account import Account
        from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
        from web3.middleware import SignAndSendRawMiddlewareBuilder

        mnemonic = os.environ.get("BCFL_MNEMONIC", "")
        if not mnemonic:
            raise ServiceError(
                f"{_without_secrets(self.url)} holds no accounts; set BCFL_MNEMONIC to the words of funded ones"
            )
        seed = seed_from_mnemonic(mnemonic, "")
        keys = [Account.from_key(key_from_seed(seed, f"m/44'/60'/0'/0/{i}")) for i in range(count)]
        self.w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(keys), layer=0)
        return [str(key.address) for key in keys]


def connect(url: str | None = None, **options: Any) -> Chain:
    """The chain to use: the endpoint given, else the one in ``BCFL_RPC_URL``, else a new local anvil.

    Args:
        url: JSON-RPC endpoint, http or https.
        **options: for `Chain.start`, when a local chain is started.

    Raises:
        ServiceError: the endpoint does not answer, or holds no accounts and ``BCFL_MNEMONIC`` is not set.
    """
    address = url or os.environ.get("BCFL_RPC_URL", "")
    if not address:
        return Chain.start(**options)
    if urlsplit(address).scheme not in ("http", "https"):
        raise ServiceError(f"BCFL_RPC_URL = {address!r} is no http address; it looks like http://127.0.0.1:8545")
    return Chain(address, accounts=options.get("accounts", 20))


# ---------------------------------------------------------------- transactions
def _label(call: Call) -> str:
    if isinstance(call, ContractFunction):
        return str(call.fn_name)
    return "a deployment" if isinstance(call, ContractConstructor) or "to" not in call else "a transaction"


def _transaction(call: Call, sender: str, value: int) -> dict[str, Any]:
    """Sender, receiver, value and data of a call, without asking the node anything."""
    if value < 0:
        raise ValueError(f"value = {value} wei is negative; send 0 or more")
    transaction: dict[str, Any] = {"from": to_checksum_address(sender), "value": int(value)}
    if isinstance(call, ContractFunction):
        # All defaults are given, so that web3 fills in none by asking the node.
        nothing: Any = {"gas": 0, "gasPrice": 0, "nonce": 0, "chainId": 1, "value": 0}
        full = call.build_transaction(nothing)
        return transaction | {"to": full["to"], "data": full["data"]}
    if isinstance(call, ContractConstructor):
        return transaction | {"data": call.data_in_transaction}
    return dict(call) | transaction


def calldata(call: Call) -> bytes:
    """The bytes a call sends as its transaction's data; gas is paid for each of them."""
    return bytes(HexBytes(_transaction(call, "0x" + "00" * 20, 0).get("data", b"")))


def _as_rpc(transaction: Mapping[str, Any]) -> dict[str, Any]:
    """A transaction as JSON-RPC wants it: integers in hex."""
    return {key: hex(value) if isinstance(value, int) else value for key, value in transaction.items()}


def _split(transactions: Sequence[dict[str, Any]], limit: int) -> list[list[dict[str, Any]]]:
    """Cut into runs whose gas limits fit one block each. anvil would fill a block with later ones that still fit."""
    blocks: list[list[dict[str, Any]]] = []
    room = 0
    for transaction in transactions:
        if not blocks or transaction["gas"] > room:
            blocks.append([])
            room = limit
        blocks[-1].append(transaction)
        room -= transaction["gas"]
    return blocks


def _port_in(child: services.Child) -> int:
    """The port anvil says it listens on, 0 as long as it has not said so."""
    found = re.search(r"Listening on [\d.]+:(\d+)", child.log_tail(5))
    return int(found[1]) if found else 0
