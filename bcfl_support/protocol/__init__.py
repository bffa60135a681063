"""A federation on chain: register and stake, commit, reveal, aggregate, score, attest, settle. Lessons 0 and 1.

`Federation` deploys the four contracts and plays rounds; a `RoundRecord` holds all that happened, read from events.
Parameters cross the border as fixed point; a commitment binds them before anybody sees them.
"""

from bcfl_support.protocol.commitments import Submission, compute_commitment, compute_digest, prepare_submission
from bcfl_support.protocol.federation import Federation, compute_create_address, compute_factors_hash
from bcfl_support.protocol.fixed_point import (
    SCALE,
    UNIT_ROUNDOFF,
    alignment_error_bound,
    alignment_fixed,
    alignment_sum_bounds,
    decode,
    divide_toward_zero,
    encode,
    encoding_error,
    fedavg_error_bound,
    fedavg_fixed,
)
from bcfl_support.protocol.rounds import PHASES, PPM, FederationConfig, RoundRecord

__all__ = [
    "PHASES",
    "PPM",
    "SCALE",
    "UNIT_ROUNDOFF",
    "Federation",
    "FederationConfig",
    "RoundRecord",
    "Submission",
    "alignment_error_bound",
    "alignment_fixed",
    "alignment_sum_bounds",
    "compute_commitment",
    "compute_create_address",
    "compute_digest",
    "compute_factors_hash",
    "decode",
    "divide_toward_zero",
    "encode",
    "encoding_error",
    "fedavg_error_bound",
    "fedavg_fixed",
    "prepare_submission",
]
