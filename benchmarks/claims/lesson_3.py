"""Lesson 3: two games of one name, estimators of their values, and what a fairness record changes."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from bcfl_support import learning

from .pages import Page, load_study
from .rows import Rows, more, part

ORDERS = ("plain orders", "antithetic orders")


def open_page(seeds: Sequence[int]) -> Page:
    """The lesson's imports, its values of a round by coalitions, and its rounds."""
    page = Page(3, seeds).run("c-39176e8385").run("c-8856844ae1", only=("rng", "digits_model")).run("c-f00716d919")
    page.run("c-c724e70b54", only=("def shapley_of_table",)).run("c-3ed8570d3b")
    page.run("c-6e6d4f6ac7", only=("def rounds_of", "uneven", "outcomes", "last", "worth", "values"))
    page.run("c-0546072129").run("c-3bdb844cd1", only=("def added_by_size", "CONVENTIONS", "both", "added"))
    page.run("c-ea89923789", only=("def by_arrival_times", "def relative_error"))
    return page.run("c-444b7d8ec1")


@part(3, seconds=12)
def rounds(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 2 to 6: axioms, values of single rounds of other federations, the closed form."""
    page = (
        open_page(seeds)
        .run("c-4861e27320")
        .run("c-3f6a5d286d")
        .run("c-863051de40", only=("def charge", "def value_in"))
        .run("c-4166a5f8a7", only=("def mean_step",))
    )
    kept, efficient, closed, times, short, left, bends, damage = [], [], [], [], [], [], [], []
    for seed in page.seeds:
        page.names["rng"] = rng = np.random.default_rng(seed)
        page.run("c-e6283f9446", only=("games", "rules", "verdicts"))
        kept.append([list(found.values()).count(False) for found in page["verdicts"].values()] == [1, 1, 1, 1, 0])
        x = rng.integers(1, 9, 6)
        table = [np.mean([x[i] for i in range(6) if k >> i & 1]) if k else 0 for k in range(64)]
        closed.append(np.allclose(page["value_in_mean_game"](x), page["shapley_of_table"](table)))
        dealt = learning.load_digits_federation(10, partition="dirichlet", alpha=0.3, min_size=5, rng=rng)
        last = page["rounds_of"](dealt, page["digits_model"], 8, seed)[-1]
        worth = page["worth_of_round"](last, page["digits_model"])
        values = page["shapley_of_table"](worth)
        same = np.allclose(worth, page["worth_by_package"](last), atol=1e-12)
        efficient.append(same and abs(values.sum() - worth[-1]) < 1e-12)
        times.append(page["relative_error"](page["by_arrival_times"](worth), values) < 1e-12)
        along = [page["along_the_step"](last, page["digits_model"], points) for points in (1, 2, 4)]
        short.append(np.ptp([page["relative_error"](guess, values) for guess in along]))
        replaced = page["relative_error"](page["mean_step"](last, page["digits_model"]), values)
        left.append(replaced / page["relative_error"](along[-1], values))
        by_size = page["added_by_size"](worth)
        bends.append(np.abs(by_size - np.linspace(by_size[0], by_size[-1], 10)).max() / np.ptp(by_size))
        other = page["worth_of_round"](last, page["digits_model"], "renormalized")
        damage.append(page["added_by_size"](other)[0].mean())
    rows.every(
        "c-7dedb977e1", "50 pairs of games: each rule breaks one axiom and keeps three, Shapley's keeps all", kept
    )
    rows.every("c-2af51ed76b", "efficiency holds to the last digits, and page and package agree", efficient)
    rows.every("c-863051de40", "the closed form of the game of means equals all 64 coalitions", closed)
    rows.every("c-eefb6ba3a7", "the arrival times give the exact values", times)
    rows.mean(
        "c-2386d28dae",
        "more points make it no better: the error changes by less than a tenth of a percent",
        short,
        below=0.001,
    )
    claim = "what error there is comes from the mean in the place of the random step: its part of the error"
    rows.mean("c-2386d28dae", claim, left, 0.5)
    rows.mean(
        "c-a40c45f192",
        "fixed weights: what a client adds bends from a straight line by less than 3%",
        bends,
        below=0.03,
    )
    rows.mean("c-a40c45f192", "re-normalized: the first to arrive does damage", damage, below=0)


@part(3, seconds=75)
def conventions(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 4 to 6, from the study: two conventions, loss and accuracy, the score, the midpoint rule."""
    study = load_study("fairness")
    cells = {deal: study.gather([study.compare_conventions(deal, seed) for seed in seeds]) for deal in study.DEALS}
    wrong, one, two = (cells[deal] for deal in ("IID, wrong labels", "Dirichlet 1.0", "2 classes each"))
    cell, honest = "c-a115999d4a", {deal: found for deal, found in cells.items() if deal != "IID, wrong labels"}
    rows.mean(
        "c-684b6975b8",
        "wrong labels: both conventions order the clients almost alike",
        wrong["fixed, renormalized"],
        0.97,
    )
    rows.mean(
        cell, "wrong labels: more than three in ten below zero, re-normalized", wrong["negative, renormalized"], 0.3
    )
    rows.mean(cell, "wrong labels: fewer than one in ten below zero, fixed", wrong["negative, fixed"], below=0.1)
    for kind in ("fixed", "renormalized"):
        rows.every(cell, f"IID: nobody below zero, {kind}", np.array(cells["IID"][f"negative, {kind}"]) == 0)
    for deal, found in honest.items():
        rows.mean(cell, f"{deal}: the two orders are only loosely related", found["fixed, renormalized"], below=0.9)
        rows.mean(cell, f"{deal}: fixed weights put hardly anyone below zero", found["negative, fixed"], below=0.03)
        rows.mean(cell, f"{deal}: loss and accuracy, every interval ends below 0.7", found["loss, accuracy"], below=0.7)
    tenth = np.mean(one["negative, renormalized"])
    rows.number(cell, "Dirichlet 1.0, re-normalized: about one in ten below zero", tenth, 0.06, 0.16)
    for deal in ("Dirichlet 0.3", "2 classes each"):
        part_below = np.mean(cells[deal]["negative, renormalized"])
        rows.number(cell, f"{deal}, re-normalized: more than one in six below zero", part_below, 1 / 6)
    for deal in ("IID, wrong labels", "Dirichlet 1.0", "Dirichlet 0.3"):
        rows.mean("c-b55432212a", f"{deal}: loss and accuracy, a positive relation", cells[deal]["loss, accuracy"], 0)
    cell = "c-29710d190a"
    for name, words in (("S", "the score"), ("fixed", "the exact value")):
        rows.mean(cell, f"wrong labels: {words} orders them by quality", wrong[f"quality, {name}"], 0.97)
    for deal in ("IID", "2 classes each"):
        gap = np.subtract(one["S, fixed"], cells[deal]["S, fixed"])
        rows.mean(cell, f"S agrees with fixed values better with Dirichlet 1.0: above {deal} by", gap, 0)
    for deal, found in cells.items():
        rows.mean(
            cell, f"{deal}: downhill in the place of g: rank correlation above 0.96", found["midpoint, fixed"], 0.96
        )
    better = np.subtract(two["S, renormalized"], two["S, fixed"])
    rows.mean(cell, "two classes each: S does better against re-normalized values", better, 0)
    thirty = [study.compare_thirty(seed)["S, fixed"] for seed in seeds]
    rows.mean("c-94c1589219", "two classes each, thirty rounds: the agreement is negative", thirty, below=0)
    rows.mean(cell, "over more rounds it gets worse still", np.subtract(two["S, fixed"], thirty), 0)
    for deal, found in cells.items():
        errors = np.array(found["midpoint error"])
        rows.mean("c-2386d28dae", f"{deal}: midpoint error below 1% in the mean", errors, below=0.01)
        rows.share("c-2386d28dae", f"{deal}: and in most seeds", errors < 0.01, least=0.55)


@part(3, seconds=25)
def estimators(seeds: Sequence[int], rows: Rows) -> None:
    """Section 7: the errors of four estimators, and how often they tell the best from the worst."""
    page = open_page(seeds).run("c-ad85f6db3a").run("c-d61d850989", ("range(seeds)", "MANY_SEEDS"))
    page.names["MANY_SEEDS"] = more(page.seeds, 2)
    page.run("c-4d1d4c50c7")
    found, level, names = page["found"], page["level"], list(page["ESTIMATORS"])
    cell = "c-72525bbbd2"
    for name in names:
        for convention in page["CONVENTIONS"]:
            budgets = [found[convention, name, budget] for budget in (500, 2000)]
            claim = f"{convention}, {name}: four times the coalitions, two thirds of the error at most"
            rows.ratio(cell, claim, *budgets, above=1.5)
            if name in ORDERS:
                rows.ratio(cell, f"{convention}, {name}: and about half of it", *budgets, above=1.5, below=2.5)
    for convention in page["CONVENTIONS"]:
        for name in ("SVARM", "regression"):
            claim = f"{convention}, {name}: with ten clients about three quarters of the error with fourteen at most"
            rows.ratio(cell, claim, found[convention, name, 500], found[convention, name, "ten"], above=1.3)
    for convention in page["CONVENTIONS"]:
        fast, slow = (
            [level[convention, e, 500] / level[convention, e, 2000] for e in kinds]
            for kinds in (("SVARM", "regression"), ORDERS)
        )
        rows.number(cell, f"{convention}: SVARM and regression fall faster than orders, by", min(fast) - max(slow), 0)
    for name in ("antithetic orders", "regression"):
        rows.number(
            cell, f"fixed, {name}: 125 coalitions suffice for half a percent", level["fixed", name, 125], below=0.006
        )
    worst = max(names, key=lambda name: level["fixed", name, 125]) == "SVARM"
    rows.number(cell, "fixed: SVARM makes nothing of it, and is the worst with 125", worst, 0.5)
    for name in ORDERS:
        ratio = level["renormalized", name, 2000] / level["fixed", name, 2000]
        rows.number("c-80830e348d", f"{name}: the convention decides, the error more than threefold", ratio, 3)
        third = level["renormalized", name, 2000]
        rows.number(cell, f"re-normalized, {name}: after 2,000 coalitions still a third off", third, 0.28, 0.4)
    rows.mean(cell, "re-normalized, SVARM: 3% off by then", found["renormalized", "SVARM", 2000], 0.02, 0.045)
    page.run("c-7d2ffa179f", only=("@cache\ndef estimate_for", "def are_told_apart"))
    for convention in page["CONVENTIONS"]:
        for name in names:
            told = [page["are_told_apart"](10, convention, name, 500, seed) for seed in more(page.seeds, 5)]
            easy = convention == "fixed" or name not in ORDERS
            claim = f"{convention}, {name}: best and worst told apart by 500"
            if easy:
                rows.share("c-c5106f8ad3", claim, told, least=0.95)
            else:
                rows.share("c-c5106f8ad3", f"{claim}, not in every seed", told, most=0.95)


@part(3, seconds=12)
def coverage(seeds: Sequence[int], rows: Rows) -> None:
    """Section 7: how often 95% intervals hold the true value, by other draws of the orders."""
    page = open_page(seeds).run("c-d0559b4420", ("[64, k]", "[*SEED_LIST, k]"))
    covered, added = page["covered"], page["added"]["renormalized"]
    harmed = int(added[0].argmin())
    off = np.abs(covered["fixed"] - 0.95).max()
    rows.number("c-d1deff37c2", "fixed: every client's share within about a point of 95%", off, below=0.012)
    rows.number("c-20b413c4bc", "re-normalized: some are told apart from it", covered["renormalized"].min(), below=0.93)
    least = covered["renormalized"].argmin() == harmed
    rows.number("c-d1deff37c2", "who does the greatest damage in an empty room is covered least", least, 0.5)


@part(3, seconds=55)
def intervals(seeds: Sequence[int], rows: Rows) -> None:
    """Section 9, from the study: how often a record is made, and which rounds are valued."""
    study = load_study("fairness")
    found = study.gather([study.compare_intervals(seed) for seed in seeds])
    pay = {name: np.array(values["pay"]) for name, values in found.items()}
    cell, none = "c-55fa22567f", pay["no factors"]
    for k, low, high in ((1, 0.1, 0.13), (20, 0.13, 0.17)):
        rows.number(
            "c-5922553278", f"every round valued, K = {k}: pay of the cheat", pay[f"every round, {k}"].mean(), low, high
        )
    rows.mean("c-5922553278", "no factors: the cheat takes about a fifth", none, 0.19, 0.25)
    rows.mean(
        cell,
        "K = 5: factors take away most of what the cheat gains",
        (pay["every round, 5"] - 0.1) - (none - 0.1) / 2,
        below=0,
    )
    for k in study.INTERVALS:
        rows.mean(
            cell,
            f"K = {k}: with every round valued it never falls to an honest share, a tenth",
            pay[f"every round, {k}"],
            0.1,
        )
        apart = pay[f"every round, {k}"] - pay[f"random round, {k}"]
        rows.mean(cell, f"K = {k}: one round drawn afterwards does what all rounds do", apart, -0.015, 0.015)
        known = pay[f"last round, {k}"]
        if k > 1:
            rows.mean(
                "c-5922553278",
                f"K = {k}: a round known beforehand leaves it more",
                known - pay[f"random round, {k}"],
                0.03,
            )
    lost = [lost_by_known(study, seed) for seed in more(seeds, 4)]
    rows.mean(cell, "K = 5: a round known beforehand does almost nothing: three points at most", lost, below=0.03)
    dearer = pay["every round, 20"] - pay["every round, 1"]
    rows.mean("c-5922553278", "K = 20 costs more than K = 1", dearer, 0.02)
    error = {audit: np.array(found[f"{audit}, 20"]["error"]) for audit in study.AUDITS}
    worse = error["last round"] - error["random round"]
    rows.mean(cell, "K = 20: the last round is biased, its error larger than a random one's", worse, 0)
    rows.every(cell, "all rounds have neither bias nor spread", error["every round"] == 0)
    page = Page(3, seeds).run("c-39176e8385").run("c-ecedcfc438", only=("def shares_of", "def errors_of"))
    everybody = set(range(1, study.LONG + 1))
    twenty = np.array([page["errors_of_twenty"](study.play_long(seed, everybody)[1]) for seed in seeds])
    claim = "K = 20: a random round is much less biased than the last, its bias over the last one's error"
    rows.mean(cell, claim, twenty[:, 0] / twenty[:, 2], below=0.5)
    rows.mean(cell, "K = 20: more than half of a random round's error is bias", twenty[:, 0] / twenty[:, 1], 0.5)
    slow = np.array([second_half(study, seed) for seed in seeds])
    rows.every(cell, "K = 20: the first twenty rounds have no factors, the others cost the cheat", slow < 0)
    brought = study.gather([study.value_noise(seed) for seed in seeds])
    rows.mean(cell, "noise is worth nothing: within a hundredth of all values", brought["value"], -0.01, 0.01)
    rows.share("c-5922553278", "and the least of ten", brought["least"], least=0.95)


def lost_by_known(study: ModuleType, seed: int) -> float:
    """What the cheat's share of the pay loses by factors from every fifth round, if it is honest in those."""
    audited = set(range(5, study.LONG + 1, 5))
    paid = study.pay_with_factors(*study.play_long(seed, audited), study.choose_rounds("last round", 5, seed), 5)
    shares = paid.sum(axis=0)
    return study.simple_pay(study.play_long(seed, set())[0]) - shares[0] / shares.sum()


def second_half(study: ModuleType, seed: int) -> float:
    """What factors from twenty rounds change in the cheat's share of the pay of the next twenty; nothing before."""
    scores, values = study.play_long(seed, set())
    with_factors = study.pay_with_factors(scores, values, study.choose_rounds("every round", 20, seed), 20)[:, 0]
    without = study.pay_with_factors(scores, values, [np.arange(study.LONG)], study.LONG)[:, 0]
    assert np.allclose(with_factors[:20], without[:20]), f"seed {seed}: factors before there are values"
    return float((with_factors[20:] - without[20:]).mean())
