"""A real EVM node and what its gas is made of. Lesson 1.

`Chain` starts anvil (or speaks to any JSON-RPC endpoint), deploys contracts and sends transactions, one or a hundred
in a block; a revert becomes a sentence. `GasSchedule`, `trace_gas` and `GasLedger` say where gas goes.
"""

from bcfl_support.chain.gas import (
    OSAKA,
    GasSchedule,
    calldata_floor,
    intrinsic_gas,
    keccak_gas,
    log_gas,
    memory_expansion_gas,
    settle_gas,
    sload_gas,
    sstore_gas,
)
from bcfl_support.chain.node import (
    BLOCK_GAS_LIMIT,
    GENESIS,
    HARDFORK,
    MNEMONIC,
    SLOT_SECONDS,
    TX_GAS_CAP,
    Artifact,
    Call,
    Chain,
    calldata,
    connect,
    load_artifact,
)
from bcfl_support.chain.reverts import Amount, RevertDecoder, Word, format_eth, revert_data
from bcfl_support.chain.trace import GasEntry, GasLedger, GasTotal, GasTrace, StorageAccess, trace_gas

__all__ = [
    "BLOCK_GAS_LIMIT",
    "GENESIS",
    "HARDFORK",
    "MNEMONIC",
    "OSAKA",
    "SLOT_SECONDS",
    "TX_GAS_CAP",
    "Amount",
    "Artifact",
    "Call",
    "Chain",
    "GasEntry",
    "GasLedger",
    "GasSchedule",
    "GasTotal",
    "GasTrace",
    "RevertDecoder",
    "StorageAccess",
    "Word",
    "calldata",
    "calldata_floor",
    "connect",
    "format_eth",
    "intrinsic_gas",
    "keccak_gas",
    "load_artifact",
    "log_gas",
    "memory_expansion_gas",
    "revert_data",
    "settle_gas",
    "sload_gas",
    "sstore_gas",
    "trace_gas",
]
