"""One proof for a whole round: FedAvg and every score, checked without the updates.

Each client's integers are the values of polynomials on roots of unity, fixed by KZG commitments, points of BLS12-381.
Commitments add up as the updates do, so anybody forms that of the average; `prove_round` then proves all scores
S_i = w_i·⟨v_i, Σ_k w_k v_k⟩ at once, in a few hundred bytes, and `verify_round` checks them as a contract would: a
multi-scalar multiplication and a pairing. `prove_norms` does the same for all ‖v_i‖². `transcript` says byte by byte
what is hashed and sent. `open_entry` shows a single value of a committed update, for instance one that is out of
range. `ethereum_setup` is the ceremony's; a `toy_setup` is for teaching: whoever knows its secret can prove anything.
"""

from bcfl_support.scaling.proofs.commitments import (
    Opening,
    average,
    check_entries,
    commit,
    find_fault,
    open_entry,
    split,
    verify_entry,
    verify_fault,
)
from bcfl_support.scaling.proofs.norms import compute_norms, prove_norms, verify_norms
from bcfl_support.scaling.proofs.rounds import compute_scores, prove_round, state_round, verify_round
from bcfl_support.scaling.proofs.setup import Setup, ethereum_setup, toy_setup
from bcfl_support.scaling.proofs.transcript import Proof, Statement
