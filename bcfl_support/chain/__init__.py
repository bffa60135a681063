"""A real EVM node and what its gas is made of. Lesson 1.

`Chain` starts anvil (or speaks to any JSON-RPC endpoint), deploys contracts and sends transactions, one or a hundred
in a block; a revert becomes a sentence. `GasSchedule`, `trace_gas` and `GasLedger` say where gas goes.
"""

from bcfl_support.chain.artifacts import Artifact, load_artifact
from bcfl_support.chain.node import BLOCK_GAS_LIMIT, TX_GAS_CAP, Chain, connect
from bcfl_support.chain.schedule import OSAKA, GasSchedule, intrinsic_gas
from bcfl_support.chain.sending import check_address, encode_call, require_kept
from bcfl_support.chain.trace import GasLedger, trace_gas
