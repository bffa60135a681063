"""Lesson 6: gas has no seeds; what eight bits cost a real model has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .pages import load_study
from .rows import Rows, part


def eight_bits(kind: str, seeds: Sequence[int], rows: Rows) -> None:
    """Section 12: twenty rounds of an MLP through the rungs' integers, beside float; paired, by the study's script."""
    study, cell = load_study("int8"), "c-6a10000042"
    found = [study.run_seed(kind, seed) for seed in seeds]
    gap = np.array([row["int8"] - row["float"] for row in found])
    rows.mean(cell, f"{kind}: int8 is within one point of float", gap, above=-0.01, below=0.01)
    rows.mean(cell, f"{kind}: ranks of the scores agree to more than 0.97", [row["rank"] for row in found], above=0.97)
    cut = [row["clipped"] < 0.001 for row in found]
    rows.every(cell, f"{kind}: fewer than one value in a thousand is cut, in every federation", cut)


@part(6, seconds=180)
def int8_iid(seeds: Sequence[int], rows: Rows) -> None:
    """Clients who are alike."""
    eight_bits("iid", seeds, rows)


@part(6, seconds=180)
def int8_skewed(seeds: Sequence[int], rows: Rows) -> None:
    """Clients of whom each holds few digits."""
    eight_bits("dir0.1", seeds, rows)
