"""The fairness record: Shapley values on IPFS that attesters recompute and the ledger accepts by quorum. Lesson 3.

A `FairnessRecord` has one sequence of bytes, hence one CID; `compute_fairness` derives it from published rounds, which
`verify_round` compares with the chain; `audit` tells an honest record from a forged one and says which entries differ.
"""

from bcfl_support.fairness.audit import audit, verify_round
from bcfl_support.fairness.record import apply_record, attest_record, compute_fairness
from bcfl_support.fairness.task import Task, get_round, publish_round
