"""Lesson 1: it is about one chain. What is left is the contract's integer division, for any numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bcfl_support import protocol

from .pages import Page
from .rows import Rows, part


@part(1, seconds=1, quick=True)
def division(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: averages and scores are cut toward zero, by less than a unit; page and package agree."""
    page = Page(1, seeds)
    page.run("c-70339c7c1a", only=("def divide_toward_zero", "def average_of")).run(
        "c-18115ad694", only=("def scores_of",)
    )
    lost, toward_zero, equal = [], [], []
    for seed in page.seeds:
        rng = np.random.default_rng(seed)
        updates, counts = rng.integers(-(10**9), 10**9, (5, 40)), rng.integers(1, 400, 5)
        average = page["average_of"](list(updates), counts.tolist())
        scores = page["scores_of"](list(updates), counts.tolist(), average)
        by_package = protocol.fedavg_fixed(updates, counts)
        whole = [int(sum(n * v for n, v in zip(counts.tolist(), column, strict=True))) for column in updates.T.tolist()]
        cut = [abs(exact) - abs(average[j]) * int(counts.sum()) for j, exact in enumerate(whole)]  # in Nths of a unit
        lost.append(max(cut) < counts.sum())
        toward_zero.append(min(cut) >= 0)
        products = counts.astype(object) * (updates.astype(object) @ by_package)
        same = list(protocol.divide_toward_zero(products, int(counts.sum())))
        equal.append(average == list(by_package) and scores == same)
    rows.every("c-c8176b52bc", "the division rounds toward zero", toward_zero)
    rows.every("c-c8176b52bc", "what is lost is less than one unit an entry", lost)
    rows.every("c-a66d8f2292", "page and package give the same averages and scores, to the last unit", equal)
