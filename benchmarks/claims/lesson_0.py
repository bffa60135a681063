"""Lesson 0: what federating gains, what catches a station with swapped labels, what the factors do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .pages import Page
from .rows import Rows, more, part


def open_page(seeds: Sequence[int]) -> Page:
    """The lesson up to its twenty splits, with the splits of the seeds."""
    page = Page(0, seeds).run("c-d2af16a1e8").run("c-6be16163f5").run("c-5263be1632")
    page.run("c-3d48962b7e", ("range(20)", "SEED_LIST"), ("reshape(20, 3, 3)", "reshape(len(SEED_LIST), 3, 3)"))
    page.run("c-e1f79aaea6", only=("def swap_labels", "cheat", "swapped"))
    return page.run("c-3971dc317b")


@part(0, seconds=10, quick=True)
def gain(seeds: Sequence[int], rows: Rows) -> None:
    """Section 2: nine stations alone, together, and pooled."""
    page = open_page(seeds)
    every, joint, best, pooled = (page[name] for name in ("every", "joint", "best_alone", "at_once"))
    cell = "c-3d48962b7e"
    rows.every(cell, "the federation beats every station alone, in every seed", joint > best)
    rows.share(cell, "by five points or more", joint > best + 0.05, least=0.9)
    rows.every(
        "c-f8013b7757", "it is within three points of the pooled birds, in every seed", abs(joint - pooled) < 0.03
    )
    rows.share(cell, "it is within two points of the pooled birds", abs(joint - pooled) < 0.02, least=0.9)
    rows.mean("c-f8013b7757", "in the mean within one point", joint - pooled, -0.01, 0.01)
    cell = "c-56389143b8"
    for name, columns, known, birds in (("Biscoe", slice(0, 3), 81, 3), ("Torgersen", slice(6, 9), 45, 4)):
        near = abs(every[:, columns] - known / 101).max(axis=1) < (birds + 0.1) / 101
        rows.share(cell, f"{name} gets right what it knows, to within {birds} birds", near, least=0.9)
    dream = every[:, 3:6].mean(axis=1) - 65 / 101
    rows.mean(cell, "Dream does better on average than the birds it knows account for", dream, 0)
    seen = [(split.label_counts() > 0).sum(axis=1).max() <= 2 for split in page["splits"]]
    rows.every("c-397d1e96a9", "no station has seen all three species", seen)


@part(0, seconds=10, quick=True)
def cheat(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 4 and 5: the station with swapped labels; exercise 0.4: the stale update."""
    page = open_page(seeds)
    caught = "Torgersen 2008 is below zero in all ten rounds, in nearly every seed"
    rows.share("c-45be16a324", caught, page["caught"], least=0.9)
    rows.share("c-45be16a324", "nobody else ever is", page["innocent"], least=0.9)
    page.run("c-cd1933db79", only=("trio", "def birds_right", "def worth_of_teams"))
    page.run("c-db82965d41", only=("def added_by_order", "each_seed", "for split"))
    values = page["each_seed"]
    rows.share("c-a3cec5c1aa", "Torgersen 2008 is worth less than nothing", values[:, 2] < 0, least=0.85)
    rows.every("c-a3cec5c1aa", "the two others more than nothing, in every seed", (values[:, :2] > 0).all(axis=1))
    page.run("c-1752356d7e", only=("with_cheat",))
    with_cheat, joint = page["with_cheat"], page["joint"]
    beats = with_cheat > page["best_alone"]
    rows.every("c-1752356d7e", "with the cheat the federation beats every station, in every seed", beats)
    rows.unmeasured("c-fair00pay1", "no effect of the cheat on accuracy was measured", with_cheat - joint)
    rows.mean("c-04cdad71a8", "eight of 191 birds do not spoil it: less than a point lost", with_cheat - joint, -0.01)
    page.run("c-a4e976a3d3", ("(np.array(stale) > 1).sum()", "0"))
    more = np.array(page["stale"]) > 1
    rows.share("c-a4e976a3d3", "a stale update, sent anew, is paid more than the author's new one", more, least=0.9)


@part(0, seconds=12)
def factors(seeds: Sequence[int], rows: Rows) -> None:
    """Section 5: do fairness factors bring the pay nearer to the Shapley shares?"""
    page = open_page(more(seeds, 4)).run("c-fair00pay4")
    before, factored, plain = (page[name] for name in ("before", "factored", "unfactored"))
    cell, own = "c-fair00pay6", slice(len(seeds))  # the means take more seeds: the distances are far apart
    rows.every(cell, "the factors bring the pay nearer than it would have been, in every seed", (factored < plain)[own])
    fairer = (factored < before)[own]
    rows.share(
        cell, "fairer after than before: that does not show, nearer in half of the seeds at most", fairer, most=0.5
    )
    claim = f"before and after, the means of the distance are nearly the same ({len(before)} seeds)"
    rows.mean(cell, claim, factored - before, -0.05, 0.05)
    further = (plain > before)[own]
    rows.every(cell, "without factors it would be further off than in rounds 1 to 5, in every seed", further)
    most = (plain - factored > (plain - before) / 2)[own]
    rows.every(cell, "the factors make up for most of that, in every seed", most)
