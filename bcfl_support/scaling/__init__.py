"""The gas ladder: the same round, from storing every value on chain to blobs and fraud proofs. Lesson 6.

`start_rung` deploys one rung; every rung computes the same exact round. `predict` gives its gas from a fee schedule,
today's or `NEXT_FORK`, and a few loops measured once; `forecast` says what it fills and costs by today's schedule, with
`fees` that react, and how long its scores take to be final (`latency`). `proofs` proves a round instead.
"""

from bcfl_support.scaling.available import AvailableRung, RevealedRung
from bcfl_support.scaling.blobs import to_blob
from bcfl_support.scaling.fees import BPO2, Market, blob_fee, blob_floor, next_base_fee, next_excess, pay
from bcfl_support.scaling.gas_model import BLOB_GAS, BLOBS_PER_BLOCK, NEXT_FORK, RoundBill, RoundCost, fit_gas
from bcfl_support.scaling.ladder import RUNGS, forecast, largest_clients, largest_parameters, predict, start_rung
from bcfl_support.scaling.lanes import (
    BLOCK,
    CALLDATA_LIMIT,
    CHUNK,
    PART,
    SumTree,
    chunks_of,
    compute_heads,
    compute_round,
    pack,
    to_lanes,
)
from bcfl_support.scaling.latency import FINALITY_SECONDS, compute_latency
from bcfl_support.scaling.optimistic import OptimisticRung
from bcfl_support.scaling.proven import ProvenRung
from bcfl_support.scaling.relayed import RelayedRung
from bcfl_support.scaling.sparse import SparseRung, choose_step, compress, sparsify
