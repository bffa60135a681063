"""The gas ladder: the same round, from storing every value on chain to blobs and fraud proofs. Lesson 6.

`start_rung` deploys one rung; every rung computes the same exact round. `predict` gives its gas by a model that is
fitted to measurements; `forecast` says what fits into a block, today and after the next fork.
"""

from bcfl_support.scaling.gas_model import BLOB_GAS, BLOBS_PER_BLOCK, NEXT_FORK, fit_gas
from bcfl_support.scaling.ladder import RUNGS, forecast, largest_clients, largest_parameters, predict, start_rung
from bcfl_support.scaling.lanes import (
    CALLDATA_LIMIT,
    CHUNK,
    PART,
    SumTree,
    chunks_of,
    compute_heads,
    compute_round,
    pack,
    to_blob,
    to_lanes,
)
from bcfl_support.scaling.optimistic import OptimisticRung
