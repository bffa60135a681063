"""What a contract's refusal says: the bytes of a revert become a `ContractError` with a name, numbers and a sentence.

A revert returns four bytes that name the error, the beginning of keccak256 of its signature, and then its arguments,
ABI-encoded. The ABIs a decoder has been shown tell which error that is.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from eth_abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak, to_checksum_address
from eth_utils.abi import abi_to_signature, get_abi_input_names, get_abi_input_types
from hexbytes import HexBytes

from bcfl_support.errors import ContractError

_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001


class Amount(int):
    """An integer argument of an error, which a template may format as money or as a member of an enumeration.

    ``{sent:eth}`` shows it in ETH; ``{phase:Idle|Commit|Reveal}`` shows the name at its place; ``{value:entry}`` shows
    a remainder modulo the order of BLS12-381's groups with a sign.

    >>> f"{Amount(5 * 10**17):eth} of {Amount(12 * 10**17):eth}, {Amount(120)} samples, {Amount(1):Idle|Commit}"
    '0.5 ETH of 1.2 ETH, 120 samples, Commit'
    >>> f"{Amount(_ORDER - 3):entry} and {Amount(3):entry}"
    '-3 and 3'
    """

    def __format__(self, spec: str) -> str:
        if spec == "eth":
            return format_eth(self)
        if spec == "entry":
            return str(int(self) - _ORDER * (self > _ORDER // 2))
        names = spec.split("|")
        return names[self] if 0 <= self < len(names) > 1 else super().__format__("" if len(names) > 1 else spec)


class Word(HexBytes):
    """Bytes in an error's message, as hexadecimal; ``{hash:short}`` shows the beginning of a long one.

    >>> f"{Word(bytes(range(32))):short}, {Word(b'ab')}"
    '0x00010203…, 0x6162'
    """

    def __format__(self, spec: str) -> str:
        text = self.to_0x_hex()
        return f"{text[:10]}…" if spec == "short" else format(text, spec)


def format_eth(wei: int) -> str:
    """An amount exactly, in the unit a person would use.

    >>> format_eth(5 * 10**17), format_eth(-3 * 10**18), format_eth(1), format_eth(0), format_eth(10**18 + 1)
    ('0.5 ETH', '-3 ETH', '1 wei', '0 ETH', '1.000000000000000001 ETH')

    Args:
        wei: the amount, in wei.
    """
    if 0 < abs(wei) < 10**9:
        return f"{wei:,} wei"
    whole, rest = divmod(abs(wei), 10**18)
    fraction = f".{rest:018d}".rstrip("0") if rest else ""
    return f"{'-' if wei < 0 else ''}{whole:,}{fraction} ETH"


_MONEY = re.compile(r"(wei|stake|amount|deposit|balance|bond|reward|payment|price|fee|budget|credit)(value)?s?$", re.I)
_PANICS = {
    0x01: "an assertion is false",
    0x11: "an integer overflows or falls below zero",
    0x12: "division by zero",
    0x21: "no such value in the enumeration",
    0x31: "pop from an empty array",
    0x32: "array index out of bounds",
    0x41: "too much memory",
}
_BUILTIN_ERRORS: list[dict[str, Any]] = [
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]


class RevertDecoder:
    """Turns the bytes of a revert into a `ContractError`, by the ABIs it has been shown."""

    def __init__(self) -> None:
        self._errors: dict[bytes, dict[str, Any]] = {}
        self._templates: dict[str, str] = {"Error": "{message}"}
        self.register(_BUILTIN_ERRORS)

    def register(self, abi: Iterable[Mapping[str, Any]]) -> None:
        """Learn the custom errors of an ABI."""
        for item in abi:
            if item.get("type") == "error":
                self._errors[keccak(text=abi_to_signature(cast(Any, item)))[:4]] = dict(item)

    def explain(self, templates: Mapping[str, str]) -> None:
        """Give errors, by name, sentences with their arguments as fields, such as ``"{sent:eth} sent"``."""
        self._templates |= templates

    def decode(self, data: bytes) -> ContractError:
        """The error a contract meant by these bytes; unknown ones are named by their selector."""
        if not data:
            return ContractError("the contract reverted without a reason")
        item = self._errors.get(bytes(data[:4]))
        with contextlib.suppress(DecodingError):  # arguments that are not what the ABI says: shown as unknown
            if item is not None:
                return self._describe(item, data[4:])
        selector = f"0x{data[:4].hex()}"
        said = f"{selector}: an error no registered ABI explains; show its contract's ABI to chain.register_abi"
        return ContractError(said, selector, {"data": HexBytes(data)})

    def _describe(self, item: dict[str, Any], data: bytes) -> ContractError:
        raw = abi_decode(get_abi_input_types(cast(Any, item)), data)
        names = [name or f"arg{i}" for i, name in enumerate(get_abi_input_names(cast(Any, item)))]
        values = {n: _readable(v, it["type"]) for n, v, it in zip(names, raw, item["inputs"], strict=True)}
        name = item["name"]
        if name == "Panic":
            code = int(cast(int, values["code"]))
            return ContractError(f"Panic: {_PANICS.get(code, 'internal error')} (code 0x{code:02x})", name, values)
        text = ", ".join(f"{key}={_show(key, value)}" for key, value in values.items())
        with contextlib.suppress(KeyError):  # no sentence, or that of another contract's error of this name
            text = self._templates[name].format(**values)
        return ContractError(f"{name}: {text}" if text else name, name, values)


def _readable(value: Any, kind: str) -> object:
    if kind == "address":
        return to_checksum_address(value)
    if re.fullmatch(r"u?int\d+", kind):
        return Amount(value)
    return Word(value) if isinstance(value, bytes) else value


def _show(name: str, value: object) -> str:
    if isinstance(value, Amount):
        return format_eth(value) if _MONEY.search(name) else f"{value:,}"
    return value.to_0x_hex() if isinstance(value, HexBytes) else str(value)


def revert_data(response: Mapping[str, Any]) -> bytes | None:
    """The bytes a contract reverted with, if that is what this answer says; None for any other answer."""
    error = response.get("error")
    if not isinstance(error, dict):
        return None
    data = str(error.get("data") or "")
    found = re.search(r"0x[0-9a-fA-F]*", data)
    # geth and anvil say code 3; others put the word into the message or before the data.
    if error.get("code") == 3 or "revert" in f"{error.get('message')} {data}".lower():
        return bytes.fromhex(found[0][2:]) if found else b""
    return None
