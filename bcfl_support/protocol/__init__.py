"""A federation on chain: register and stake, commit, reveal, aggregate, score, attest, settle. Lessons 0 and 1.

`Federation` deploys the four contracts and plays rounds; a `RoundRecord` holds all that happened, read from the chain.
Parameters cross the border as fixed point; a commitment binds them before anybody sees them.
"""

from bcfl_support.protocol.commitments import compute_commitment, compute_digest, compute_factors_hash
from bcfl_support.protocol.federation import Federation
from bcfl_support.protocol.fixed_point import (
    alignment_error_bound,
    alignment_sum_bounds,
    clip_weights,
    decode,
    divide_toward_zero,
    encode,
    fedavg_fixed,
    to_integers,
)
from bcfl_support.protocol.inputs import by_client
from bcfl_support.protocol.rounds import FederationConfig, RoundRecord
