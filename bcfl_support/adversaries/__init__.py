"""What clients that lie can send, and how far lying pays. Lesson 5.

Attacks are batched functions of what the attackers know, an `Insight`; `ATTACKS` finds them by name. `compute_kappa`,
`compute_collusion_share` and `compute_break_even` are the theory of colluders against the alignment score.
"""

from bcfl_support.adversaries.attacks import (
    alie,
    compute_alie_z,
    disguise,
    draw_noise,
    flip_sign,
    free_ride,
    ipm,
    mimic,
    min_max,
    min_sum,
    mirror_labels,
    replace_model,
    replay,
    scale_up,
)
from bcfl_support.adversaries.collusion import (
    badmouth,
    collude,
    compute_break_even,
    compute_collusion_share,
    compute_kappa,
    inflate_samples,
    search_best,
    split_client,
    sybil,
)
from bcfl_support.adversaries.registry import ATTACKS, Insight

__all__ = [
    "ATTACKS",
    "Insight",
    "alie",
    "badmouth",
    "collude",
    "compute_alie_z",
    "compute_break_even",
    "compute_collusion_share",
    "compute_kappa",
    "disguise",
    "draw_noise",
    "flip_sign",
    "free_ride",
    "inflate_samples",
    "ipm",
    "mimic",
    "min_max",
    "min_sum",
    "mirror_labels",
    "replace_model",
    "replay",
    "scale_up",
    "search_best",
    "split_client",
    "sybil",
]
