"""A chain to work on: a local anvil that repeats itself to the bit, or any JSON-RPC endpoint.

`Chain.start()` runs anvil with Osaka's rules, a fixed mnemonic, a fixed genesis time and a clock that moves one slot
a block, so addresses, transaction hashes, block hashes and gas are the same in every run. `connect()` takes
the endpoint in ``BCFL_RPC_URL`` instead, if there is one.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from eth_typing import HexStr
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractConstructor, ContractEvent
from web3.exceptions import Web3Exception, Web3RPCError
from web3.types import EventData, TxReceipt

from bcfl_support import services
from bcfl_support.chain.artifacts import Artifact
from bcfl_support.chain.schedule import OSAKA
from bcfl_support.chain.sending import Call, Sender, check_address, sign_here
from bcfl_support.chain.transport import Transport, without_secrets
from bcfl_support.checks import check_choice, check_flag, check_whole
from bcfl_support.errors import InvalidInput, ServiceError

MNEMONIC = "test test test test test test test test test test test junk"
"""Foundry's public test mnemonic; its keys are known to everybody."""
GENESIS = 1_760_000_000  # time of the first block, 9 October 2025, 08:53:20 UTC
SLOT_SECONDS = 12  # between blocks, as on Ethereum
HARDFORK = "bpo2"  # anvil's name for Osaka's rules with today's blob schedule
BLOCK_GAS_LIMIT, TX_GAS_CAP = OSAKA.block_limit, OSAKA.transaction_cap


# ---------------------------------------------------------------- the chain
class Chain(AbstractContextManager["Chain"]):
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
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        tx_gas_cap: int = TX_GAS_CAP,
    ) -> None:
        self.url, self.local, self._child = url, child is not None, child
        self._transport = Transport(url, child)
        self._rpc = self._transport.rpc
        block_gas_limit = block_gas_limit if child else self._read_latest("gasLimit")
        self.tx_gas_cap, self.block_gas_limit = min(tx_gas_cap, block_gas_limit), block_gas_limit
        self.w3 = Web3(self._transport)
        self._sender = Sender(self.w3, self._transport, tx_gas_cap=tx_gas_cap, block_gas_limit=block_gas_limit)
        if child is not None:
            # A chain nobody refers to any more (a cell run twice) should not keep its node running. Contracts and
            # w3 refer to it through the provider; so does web3 itself, until the same methods are used elsewhere.
            weakref.finalize(self._transport, child.stop)
        self.accounts: list[str] = []
        with contextlib.suppress(Web3RPCError):  # hosted endpoints, which hold no keys, do not know the question
            self.accounts += self.w3.eth.accounts
        self.accounts = self.accounts or sign_here(self.w3, url)

    @classmethod
    def start(
        cls,
        *,
        accounts: int = 110,
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        tx_gas_cap: bool = True,
        states: int | None = None,
    ) -> Chain:
        """Start a private anvil on a free port of 127.0.0.1 that ends with this process.

        Blocks come with transactions, not by the clock.

        Args:
            accounts: how many accounts of the test mnemonic, with 10,000 ETH each.
            block_gas_limit: gas of one block.
            tx_gas_cap: whether EIP-7825's cap of one transaction is on.
            states: of how many blocks the state can be asked for, the last ones: memory for large rounds. None: of all.

        Raises:
            InvalidInput: no number of accounts, of gas or of states, or `tx_gas_cap` is neither True nor False.
            ToolMissing: anvil is not installed.
            ServiceError: anvil did not come up.
        """
        check_flag("tx_gas_cap", tx_gas_cap)
        accounts, gas = check_whole("accounts", accounts, 1), check_whole("block_gas_limit", block_gas_limit, 1, 2**63)
        history = [] if states is None else ["--prune-history", check_whole("states", states, 2)]
        folder = Path(tempfile.mkdtemp(prefix="bcfl-anvil-"))  # anvil's own place is the user's home, never emptied
        command = [
            *(services.anvil(), "--host", services.LOCALHOST, "--port", 0, "--mnemonic", MNEMONIC),
            *("--accounts", accounts, "--balance", 10_000, "--chain-id", 31337, "--hardfork", HARDFORK),
            *("--gas-limit", gas, "--timestamp", GENESIS, "--order", "fifo", "--no-request-size-limit"),
            *("--cache-path", folder, *(["--enable-tx-gas-limit"] if tx_gas_cap else []), *history),
        ]
        child = services.start_supervised([str(part) for part in command], name="anvil", remove=[folder])
        try:
            port = services.await_port(child, r"Listening on [\d.]+:(\d+)", seconds=20, what="its port")
            cap = TX_GAS_CAP if tx_gas_cap else 2**63
            chain = cls(f"http://{services.LOCALHOST}:{port}", child=child, block_gas_limit=gas, tx_gas_cap=cap)
            chain._rpc("anvil_setLoggingEnabled", False)
            chain._rpc("anvil_setBlockTimestampInterval", SLOT_SECONDS)
            chain._rpc("evm_mine")  # anvil answers eth_call on an empty chain with a clock at 1970
        except BaseException:
            child.stop()
            raise
        return chain

    # ------------------------------------------------------------ life
    def close(self) -> None:
        """End the node if it is ours. Calling it again does nothing."""
        self._transport.close()
        if self._child is not None:
            self._child.stop()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Chain {without_secrets(self.url)}, {len(self.accounts)} accounts>"

    # ------------------------------------------------------------ contracts
    def register_abi(self, abi: Iterable[Mapping[str, Any]]) -> None:
        """Learn the custom errors of a contract, so that its refusals come out with names and numbers."""
        self._transport.decoder.register(abi)

    def explain(self, templates: Mapping[str, str]) -> None:
        """Give custom errors sentences: ``chain.explain({"ShortStake": "sent {sent:eth}, {needed:eth} needed"})``.

        Args:
            templates: by the error's Solidity name, text with the error's arguments as fields; ``:eth`` shows wei as
                ETH, ``:,`` groups digits, ``:short`` cuts a hash.
        """
        self._transport.decoder.explain(templates)

    def contract(self, address: str, artifact: Artifact) -> Contract:
        """A contract that is already on chain, with its errors registered.

        Args:
            address: where it is; `InvalidInput` if it is none.
            artifact: the compiled contract.
        """
        self.register_abi(artifact.abi)
        return cast(Contract, self.w3.eth.contract(address=check_address("address", address), abi=artifact.abi))

    def constructor(self, artifact: Artifact, *args: Any) -> ContractConstructor:
        """A deployment to be sent, or asked about by `check`; its contract's errors are registered.

        Args:
            artifact, *args: the compiled contract and its constructor's arguments.

        Raises:
            InvalidInput: a contract without code, an interface or an abstract one; or arguments it cannot take.
        """
        if len(artifact.bytecode) <= 2:
            raise InvalidInput(f"{artifact.name} is an interface or abstract, without code; deploy what implements it")
        self.register_abi(artifact.abi)
        try:
            return self.w3.eth.contract(abi=artifact.abi, bytecode=HexStr(artifact.bytecode)).constructor(*args)
        except (TypeError, ValueError, AttributeError) as error:  # web3's own are of these kinds, too
            raise InvalidInput(f"{artifact.name}'s constructor does not take {args}; see its source: {error}") from None

    def deploy(self, artifact: Artifact, *args: Any, sender: str | None = None) -> tuple[Contract, TxReceipt]:
        """Put a contract on chain.

        Args:
            artifact, *args: as in `constructor`.
            sender: account that pays; None: the first one.

        Returns:
            The contract, ready to call, and the receipt of its creation.

        Raises:
            InvalidInput: as in `constructor`.
            ContractError: the constructor refuses; nothing was sent.
            TransactionFailed: it needs more gas than a transaction may use, or the node refused it.
        """
        receipt = self.send(self.constructor(artifact, *args), sender=sender or self.accounts[0])
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
        gas is estimated against the state before the first of them: nothing is sent if any would be refused as things
        stand then. One that is refused only after another of them fails when it is mined; the others stand.

        Args:
            calls: (call, sender, value in wei) of each.
            gas: gas limit of each; None: a quarter more than estimated, at most `tx_gas_cap`.
            check: raise if a transaction was mined and failed; otherwise its receipt says ``status`` 0.

        Returns:
            Receipts, in the order given.

        Raises:
            InvalidInput: a value that is no number of wei, a gas limit or an address that is none, a sender, value or
                gas within a plain transaction, or a contract's call to where no code is: it would take the money.
            ContractError: a contract would refuse one of the calls; nothing was sent.
            TransactionFailed: one needs more gas than a transaction may use, the node refused it, or it failed.
            ServiceError: the node is gone.
        """
        return self._sender.send_many(calls, gas, check)

    def check_receipts(self, calls: Sequence[tuple[Call, str, int]], receipts: Sequence[TxReceipt]) -> None:
        """Raise for the first transaction that was mined and failed: for who sends without `check` and books all gas.

        Args:
            calls: as in `send_many`.
            receipts: what it returned.

        Raises:
            TransactionFailed: one failed; the message says why.
        """
        self._sender.check_receipts(calls, receipts)

    def check(self, calls: Iterable[tuple[Call, str, int]]) -> None:
        """Ask what `send_many` asks before it sends, and send nothing; on a local chain 20 calls are one request.

        Args:
            calls: as in `send_many`; also such as only read.

        Raises:
            ContractError, TransactionFailed, ServiceError: as in `send_many`, for the first call that would fail.
        """
        self._sender.check(list(calls))

    def estimate(self, call: Any, *, sender: str) -> float:
        """Gas one call of a contract would use as the chain stands; infinity where the node cannot even simulate it.

        Args:
            call: a bound contract function.
            sender: who would send it.

        Raises:
            ContractError: the contract would refuse it.
        """
        try:
            return float(call.estimate_gas({"from": check_address("sender", sender)}, "pending"))
        except Web3RPCError as error:
            if "gas" in str(error).lower():
                return float("inf")
            raise

    # ------------------------------------------------------------ reading
    def events(self, event: ContractEvent, from_block: int = 0, to_block: int | str = "latest") -> list[EventData]:
        """All logs of one event of one contract, decoded, oldest first.

        Args:
            event: e.g. ``registry.events.Registered``.
            from_block: first block; none are found beyond the latest one.
            to_block: last block, included.

        Raises:
            InvalidInput: a block that is no whole number from 0 on, nor one of the last by name, such as "latest".
        """
        from_block = check_whole("from_block", from_block, 0)
        if isinstance(to_block, str):
            check_choice("to_block", to_block, ("latest", "pending", "safe", "finalized", "earliest"))
        else:
            to_block = check_whole("to_block", to_block, 0)
        try:
            return list(event.get_logs(from_block=from_block, to_block=cast(Any, to_block)))
        except Web3Exception:
            last = to_block if isinstance(to_block, int) else self.w3.eth.block_number
            if from_block > last:
                return []  # nodes call that an error; to whoever waits for news it is "nothing yet"
            if self.local or from_block == last:
                raise
            middle = (from_block + last) // 2  # hosted endpoints limit how many blocks, or logs, they give at once
            return self.events(event, from_block, middle) + self.events(event, middle + 1, to_block)

    def storage_at(self, address: str, slot: int) -> bytes:
        """The 32 bytes of one storage slot of a contract.

        Args:
            address: the contract.
            slot: number of the slot; `InvalidInput` if there is none.
        """
        slot = check_whole("slot", slot, 0, 2**256 - 1)
        return bytes(self.w3.eth.get_storage_at(check_address("address", address), slot)).rjust(32, b"\0")

    def block_hashes(self, numbers: Iterable[int]) -> set[HexBytes]:
        """Hashes of the blocks of these numbers; none of one that is not there. See what `revert` has undone.

        Args:
            numbers: of blocks.
        """
        answers = self._transport.batch("eth_getBlockByNumber", [[hex(number), False] for number in numbers])
        return {HexBytes(block["hash"]) for answer in answers if (block := answer.get("result"))}

    @property
    def timestamp(self) -> int:
        """Time of the latest block, seconds since 1970."""
        return self._read_latest("timestamp")

    def _read_latest(self, name: str) -> int:
        """A number in the latest block; asked plainly, since web3 refuses blocks whose extra data hold signatures."""
        return int(self._rpc("eth_getBlockByNumber", "latest", False)[name], 16)

    # ------------------------------------------------------------ a clock and a past that can be moved
    def advance_time(self, seconds: int) -> None:
        """Mine a block whose time is `seconds` after the latest one's.

        Args:
            seconds: 1 to 100 years.

        Raises:
            InvalidInput: fewer or more, or no whole number.
            ServiceError: the chain is not ours.
        """
        self.require_own("move the clock")
        why = "the clock only moves forward, and contracts keep deadlines in 40 bits"
        seconds = check_whole("seconds", seconds, 1, 100 * 365 * 86_400, why=why)
        self._rpc("evm_setNextBlockTimestamp", self.timestamp + seconds)
        self._rpc("evm_mine")

    def wait_until(self, time: int) -> None:
        """Mine a block of that time, in seconds since 1970, if it is ahead; raises as `advance_time`."""
        if (now := self.timestamp) < time:
            self.advance_time(time - now)

    def snapshot(self) -> str:
        """Remember the whole state, and return its name; `revert` goes back to it, once.

        Raises:
            ServiceError: the chain is not ours.
        """
        self.require_own("take snapshots")
        return str(self._rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot; it and all later ones are used up.

        Args:
            snapshot: what `snapshot` returned.

        Raises:
            InvalidInput: there is no such snapshot, or it is used up.
            ServiceError: the chain is not ours.
        """
        self.require_own("go back to snapshots")
        known = isinstance(snapshot, str) and re.fullmatch("0x[0-9a-f]{1,64}", snapshot)
        if not known or self._rpc("evm_revert", snapshot) is not True:
            raise InvalidInput(f"snapshot {snapshot} does not exist or is used up; take a new one")

    def require_own(self, wish: str) -> None:
        """Make sure that this is our own anvil, before work is begun that needs it; `wish` is what, for the message.

        Raises:
            ServiceError: it is an endpoint of somebody else's.
        """
        if not self.local:
            advice = "unset BCFL_RPC_URL and a local chain is started"
            raise ServiceError(f"{without_secrets(self.url)} is not a chain of ours, so we cannot {wish}; {advice}")


def connect(url: str | None = None, *, states: int | None = None) -> Chain:
    """The chain to use: the endpoint given, else the one in ``BCFL_RPC_URL``, else a new local anvil.

    Args:
        url: JSON-RPC endpoint, http or https.
        states: of a local anvil, see `Chain.start`.

    Raises:
        ServiceError: the endpoint does not answer, or holds no accounts and ``BCFL_MNEMONIC`` is not set or misspelled.
    """
    if not (address := url or os.environ.get("BCFL_RPC_URL", "")):
        return Chain.start(states=states)
    if urlsplit(address).scheme not in ("http", "https"):
        name = "url" if url else "BCFL_RPC_URL"
        raise ServiceError(f"{name} = {address!r} is no http address; it looks like http://127.0.0.1:8545")
    return Chain(address)
