"""The contract's scores in exact integers, written out: what chain and pages are compared with."""

from __future__ import annotations

from fractions import Fraction
from math import trunc


def alignment_fixed(updates, samples, step):
    """S_i = trunc(n_i · Σ_j v_ij·G_j / N), a list of integers at scale SCALE²."""
    counts, g = [int(n) for n in samples], [int(w) for w in step]
    total = sum(counts)
    return [
        trunc(Fraction(n * sum(int(v) * w for v, w in zip(row, g, strict=True)), total))
        for n, row in zip(counts, updates, strict=True)
    ]
