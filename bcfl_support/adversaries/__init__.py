"""What clients that lie can send, and how far lying pays. Lesson 5.

Attacks are batched functions of what the attackers know, an `Insight`; `ATTACKS` finds them by name. `compute_kappa`,
`compute_collusion_share` and `compute_break_even` are the theory of colluders against the alignment score.
"""

from bcfl_support.adversaries.attacks import alie, draw_noise, flip_sign, ipm, mirror_labels, replay
from bcfl_support.adversaries.collusion import (
    collude,
    compute_break_even,
    compute_collusion_share,
    compute_kappa,
    inflate_samples,
    search_best,
    sybil,
)
from bcfl_support.adversaries.insight import ATTACKS, Insight
