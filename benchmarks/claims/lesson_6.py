"""Lesson 6: gas has no seeds; what eight bits and sparse updates cost a real model has, and what lies are paid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .pages import load_study
from .rows import Rows, ends_of, part


def eight_bits(kind: str, seeds: Sequence[int], rows: Rows) -> None:
    """Section 13: twenty rounds of an MLP through the rungs' integers, beside float; paired, by the study's script."""
    study, cell = load_study("int8"), "c-6a10000042"
    found = [study.run_seed(kind, seed) for seed in seeds]
    gap = np.array([row["int8"] - row["float"] for row in found])
    rows.mean(cell, f"{kind}: int8 is within one point of float", gap, above=-0.01, below=0.01)
    rows.mean(cell, f"{kind}: ranks of the scores agree to more than 0.97", [row["rank"] for row in found], above=0.97)
    cut = [row["clipped"] < 0.001 for row in found]
    rows.every(cell, f"{kind}: fewer than one value in a thousand is cut, in every federation", cut)


@part(6, seconds=60)
def int8_iid(seeds: Sequence[int], rows: Rows) -> None:
    """Clients who are alike."""
    eight_bits("iid", seeds, rows)


@part(6, seconds=60)
def int8_skewed(seeds: Sequence[int], rows: Rows) -> None:
    """Clients of whom each holds few digits."""
    eight_bits("dir0.1", seeds, rows)


def fifty_rounds(deal: str, seeds: Sequence[int], rows: Rows) -> None:
    """Section 14: one value of 64 beside dense updates after fifty rounds; paired, by the study's script."""
    study = load_study("sparse")
    found = {
        mode: np.array([study.play_accuracy(deal, mode, seed, (10, 50)) for seed in seeds])
        for mode in ("dense", "feedback")
    }
    early, late = (found["feedback"] - found["dense"]).T
    claim = f"{deal}: after 10 rounds sparse is two and a half to six points below dense"
    rows.mean("c-6a10000066", claim, early, above=-0.06, below=-0.025)
    rows.mean("c-6a10000065", f"{deal}: after 50 rounds sparse is less than a point below dense", late, above=-0.01)


@part(6, seconds=120)
def sparse_iid(seeds: Sequence[int], rows: Rows) -> None:
    """Clients who are alike."""
    fifty_rounds("IID", seeds, rows)


@part(6, seconds=120)
def sparse_skewed(seeds: Sequence[int], rows: Rows) -> None:
    """Clients of whom each holds few digits."""
    fifty_rounds("Dirichlet 0.1", seeds, rows)


LESS = ("alie", "min_max", "min_sum", "copy", "collude")
MORE = ("sign_flip", "mimic", "badmouth")
MORE_CLIPPED = (*MORE, "gaussian_x5", "replacement", "collude_x5")


@part(6, seconds=120)
def sparse_attacks(seeds: Sequence[int], rows: Rows) -> None:
    """Section 14: which lies earn more and which less when all updates are sparse."""
    study, cell = load_study("sparse"), "c-6a10000067"
    for deal in study.DEALS:
        played = [study.play_attacks(deal, seed) for seed in seeds]
        lies = [name for name in played[0] if name not in ("honest", "met")]
        for rule in ("", ", clipped"):
            change = {name: [p[name]["sparse" + rule] - p[name]["dense" + rule] for p in played] for name in lies}
            where = f"{deal}, {'clipped' if rule else 'plain'}"
            for name in LESS:
                rows.mean(cell, f"{where}: {name} earns less when updates are sparse", change[name], below=0)
            ahead = [p["mimic"]["sparse" + rule] - p["honest"]["sparse" + rule] for p in played]
            rows.mean(cell, f"{where}: mimic earns more than honesty when updates are sparse", ahead, above=0)
            if deal == "Dirichlet 0.1":
                none = [ends_of(values)[0] <= 0 for values in change.values()]
                rows.every(cell, f"{where}: no lie is measured to earn more when updates are sparse", none)
                continue
            for name in MORE_CLIPPED if rule else MORE:
                rows.mean(cell, f"{where}: {name} earns more when updates are sparse", change[name], above=0)
        met = [p["met"]["sparse"] for p in played]
        rows.mean(cell, f"{deal}: two honest clients meet in 3 to 5% of the blocks", met, above=0.03, below=0.05)
