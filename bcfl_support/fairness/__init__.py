"""The fairness record: Shapley values on IPFS that attesters recompute and the ledger accepts by quorum. Lesson 3.

A `FairnessRecord` has one sequence of bytes, hence one CID; `compute_fairness` derives it from published rounds, which
`attest_record` compares with the chain (`verify_round`); `audit` tells honest records from forged ones, entry by entry.
"""

from bcfl_support.fairness.audit import audit
from bcfl_support.fairness.record import apply_record, attest_record, compute_fairness
from bcfl_support.fairness.task import Task, get_round, publish_round, verify_round
