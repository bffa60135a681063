"""Lesson 4: what pay makes clients do, played again; the long study's settings by the study's own script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from bcfl_support import incentives

from .pages import Page, load_study
from .rows import Rows, ends_of, part

RULES = tuple(incentives.PAY_RULES)
DEALS = ("iid", "dir1.0", "dir0.1")


class Games:
    """Settings of the long study on other seeds; each is played once."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.study: ModuleType = load_study("behavior")
        self.seeds = tuple(seeds)
        self.play = lru_cache(maxsize=None)(self._play)

    def _play(self, setting: Any) -> dict[str, np.ndarray]:
        return self.study.play_setting(setting, self.seeds)

    def figure(self, name: str, **setting: Any) -> np.ndarray:
        """One figure of a setting, one number a seed."""
        return self.play(self.study.Setting(**setting))[name]

    def effect(self, name: str, before: dict[str, Any], after: dict[str, Any]) -> np.ndarray:
        """Its change from one setting to another, seed by seed."""
        return self.figure(name, **after) - self.figure(name, **before)


def open_page(seeds: Sequence[int]) -> Page:
    """The lesson's imports, its rewards and its definitions of consistency."""
    page = Page(4, seeds).run("c-0cbb37e01d", only=("from", "import", "rng"))
    page.run("c-20d2241c50", only=("def contract_rewards",)).run("c-3c2c3705f7")
    return page.run("c-3c782ce988", only=("def alpha_star",))


@part(4, seconds=5)
def formulas(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 1 to 5: integers, formulas against games, learning clients without training; exercise 4.2."""
    page = open_page(seeds)
    equal, same, left = [], [], []
    page.run("c-74fdeb5b17").run("c-520ad671f8", only=("def presence_only",)).run("c-12eec758a2")
    trusted = []
    for seed in page.seeds:
        page.names["rng"] = rng = np.random.default_rng(seed)
        scores, c = rng.integers(-(10**18), 10**18, 5).tolist(), rng.integers(0, 10**6, 5).tolist()
        f = rng.integers(500_000, 1_500_000, 5).tolist()
        weights = [incentives.compute_reward_weight(a, b, d, 700_000) for a, b, d in zip(scores, c, f, strict=True)]
        by_package = incentives.compute_rewards(weights, 10**18, 10**18)
        equal.append(page["contract_rewards"](scores, c, f, 700_000, 10**18) == by_package)
        record = [bool(x) for x in rng.random(30) < 0.7]
        pairs = [
            (page[f"{kind}_c"](record, 8), incentives.CONSISTENCIES[kind](np.array(record), window=8))
            for kind in ("window", "streak", "ewma")
        ]
        same.append(all(abs(here - there) < 1e-12 for here, there in pairs))
        left.append(page["presence_only"]()[-20:].mean())
        page.run("c-977a9d74d3", ("default_rng(44)", f"default_rng({seed})"))
        kept = page["steady_mean"] >= 0.75 and page["shaky_mean"] >= 0.55 and page["asleep_mean"] < 0.4
        trusted.append(kept and page["once_mean"] <= 0.3)
    rows.every("c-7e8684b36f", "page and package pay the same, to the wei", equal)
    rows.every("c-63913f5bfe", "page and package have the same definitions of consistency", same)
    rows.mean("c-520ad671f8", "flat pay: honest work falls below 16%", left, below=0.16)
    rows.every("c-977a9d74d3", "exercise 4.2: the share of rounds above 0.4 keeps its four promises", trusted)
    page.run("c-b45e0e9134", only=("arriving", "window_mean", "chances", "reached", "through", "curves"))
    page.run("c-89f038b9fa", ("range(20)", "SEED_LIST"), ("equal(20, 60)", "equal(len(SEED_LIST), 60)"))
    for name, found in page["simulated"].items():
        by_formula = np.interp(page["shares"], page["arriving"], page["curves"][name])
        claim = f"{name}: the game agrees with the formula, largest difference"
        rows.number("c-6b351df026", claim, np.abs(np.subtract(found, by_formula)).max(), below=0.02)
    page.run(
        "c-551dfeba72",
        ("range(10)", "SEED_LIST"),
        ("equal(10, 80)", "equal(len(SEED_LIST), 80)"),
        ("[0.0, 0.5, star, 2.0, 5.0]", "[0.0, star, 2.0]"),
    )
    gaps, star = page["gaps"], page["star"]
    rows.between("c-3f2cc64a3c", "α = 0: staying earns less than fair weather", *gaps[0.0], below=0)
    rows.between("c-3f2cc64a3c", "α*: as much", *gaps[star], -0.02, 0.02)
    rows.between("c-3f2cc64a3c", "α = 2: more", *gaps[2.0], 0)


@part(4, seconds=7)
def own_games(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 5, 6 and 9: the games that the page plays itself."""
    page = open_page(seeds)
    page.run("c-a67b6c8f7a", ("seeds=range(seeds)", "seeds=SEED_LIST"), ("range(20)", "SEED_LIST")).run("c-2cfa19abe2")
    honest = page["incentives"].summarize(page["paper"])["honest"]
    rows.mean("c-d32cfd0105", "paper's rule: honest work falls to what exploring gives, 0.067", honest, 0.05, 0.09)
    gap = page["paper"].accuracy[-10:].mean(axis=0) - page["everyone_honest"].accuracy[-10:].mean(axis=0)
    rows.mean("c-d32cfd0105", "paper's rule: the accuracy suffers", gap, below=0)
    copies, works = page["negative"]
    rows.number("c-4fa4fcb19c", "a copy's score is hardly ever negative: share of the copies", copies, below=0.005)
    rows.number("c-2cfa19abe2", "an honest update's is more often", works, 0.001)
    page.run("c-3826a6cd3b", ("world_of(rule, 4)", "world_of(rule)"), ("range(4)", "SEED_LIST"), only=("@cache",))
    page.run("c-de8dd9a493")
    rows.number("c-1583299edb", "factors see the copies: mean factor", page["factor_of_copies"], below=0.9)
    page.run("c-b3311c2aee", ("range(8)", "SEED_LIST")).run("c-8d38a92b5c", only=("readings", "negative"))
    negative, plain, loyal, contract, copied = (page[k] for k in ("negative", "plain", "loyal", "contract", "copied"))
    cell = "c-ed489291b9"
    rows.number(cell, "honest clients with rare data do get negative scores", negative[0], 0)
    rows.number(cell, "in the minority more often: by", negative[1] - negative[0], 0)
    rows.number(cell, "taken at its word the line fines the loyal three times |S|", loyal[0] / plain[0], 2.999, 3.001)
    rows.number(cell, "in the minority for less in all: a fine beside the majority's", plain[1] / plain[0], below=1)
    each = copied[1] / (8 * 50 * len(page.seeds))
    rows.number(cell, "a copy is hardly ever fined: its fine beside an honest client's", each / contract[1], below=0.01)


@part(4, seconds=12)
def seat(seeds: Sequence[int], rows: Rows) -> None:
    """Section 5: the reader's thirty rounds, ten of full work and then twenty copies, in other games."""
    page = open_page(seeds).run("c-4c01seat1")
    gains, found_out = [], []
    for seed in page.seeds:
        played = page["play_by_list"](["full"] * 10 + ["copy"] * 20, seed)
        worked, copied = ([turn.net for turn in played.turns if turn.policy == act] for act in ("full", "copy"))
        gains.append(np.mean(copied) - np.mean(worked))
        others = played.result().played[:, 0, 1:] == incentives.COPY
        found_out.append(others[-10:].mean() - others[:10].mean())
    rows.every("c-4c01seat5", "a round of copying leaves the reader more than a round of work did", np.array(gains) > 0)
    rows.mean("c-4c01seat5", "by about a fair pay or more", gains, 0.9)
    rows.mean("c-4c01seat5", "the others copy more in their last ten rounds than in their first", found_out, 0)


@part(4, seconds=70)
def multiplier(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: α from 0 to 10, nine rules, three deals."""
    games, cell = Games(seeds), "c-bb39b87156"
    raised = {
        (rule, deal): abs(
            games.effect("honest", *({"rule": rule, "partition": deal, "alpha": top} for top in (0.0, 10.0))).mean()
        )
        for rule in RULES
        for deal in DEALS
    }
    rows.number(cell, "every rule, α up to 10: less than a tenth of honest work", max(raised.values()), below=0.1)
    small = [raised[rule, deal] for rule in ("flat", "paper_fines", "threshold") for deal in DEALS]
    claim = "flat, paper_fines, threshold, α up to 10: less than two hundredths"
    rows.number("c-4fa4fcb19c", claim, max(small), below=0.02)
    gate = [{"rule": "paper_gate", "partition": deal} for deal in DEALS]
    added = np.mean([games.effect("honest", own | {"alpha": 0.0}, own | {"alpha": 10.0}) for own in gate], axis=0)
    rows.mean("c-0c42c4e932", "paper_gate: α up to 10 adds honest work, in the mean over three deals", added, 0)


@part(4, seconds=25)
def staying(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: where α has its best chance, a fixed price; exercise 4.3."""
    games = Games(seeds)
    stay = {"policies": "honest", "busy": 0.3, "busy_factor": 3.0}
    cell = "c-665e745b3a"
    found = {}
    for who, foresight in (("myopic", 0.0), ("foresighted", 1.0)):
        pair = [stay | {"foresight": foresight, "alpha": alpha} for alpha in (0.0, 10.0)]
        found[who] = {name: games.effect(name, *pair) for name in ("honest", "fair_weather", "out", "accuracy")}
        rows.mean(cell, f"{who}: accuracy does not notice α", found[who]["accuracy"], -0.01, 0.01)
    rows.mean(cell, "foresighted clients give up fair-weather habits", found["foresighted"]["fair_weather"], below=0)
    rows.mean(cell, "foresighted: a little more work", found["foresighted"]["honest"], 0)
    rows.mean(cell, "myopic: the multiplier drives them away", found["myopic"]["out"], 0)
    rows.mean(cell, "myopic: less work", found["myopic"]["honest"], below=0)
    for rule in ("flat", "midpoint"):
        pair = [stay | {"rule": rule, "foresight": 0.0, "alpha": alpha} for alpha in (0.0, 10.0)]
        rows.mean(cell, f"myopic, {rule}: less work", games.effect("honest", *pair), below=0)
        rows.mean(cell, f"myopic, {rule}: more leave", games.effect("out", *pair), 0)
    price = [stay | {"scaled": False, "alpha": alpha} for alpha in (0.0, 2.0)]
    rows.mean("c-5c3d358102", "fixed price: α raises honest work", games.effect("honest", *price), 0)
    rows.mean("c-5c3d358102", "fixed price: α raises what is paid", games.effect("spent", *price), 0)
    for setting in price:
        claim = f"fixed price, α = {setting['alpha']:g}: most clients leave"
        rows.mean("c-5c3d358102", claim, games.figure("out", **setting), 0.5)
    windows = [
        games.effect("fair_weather", *(stay | {"alpha": 2.0, "window": w} for w in (k, 2 * k))) for k in (2, 4, 8, 16)
    ]
    dearest = games.effect("honest", price[0], price[1] | {"alpha": 10.0})
    rows.mean("c-5c3d358102", "fixed price: α up to 10 raises honest work", dearest, 0)
    largest = max(abs(values.mean()) for values in windows)
    rows.number("c-b8dd004bf7", "window doubled: the largest of 4 changes is below a tenth", largest, below=0.1)


@part(4, seconds=14)
def records(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: the fairness interval, under the paper's rule."""
    games, cell = Games(seeds), "c-6a2940afbf"
    changes = [
        games.effect("honest", {"partition": deal}, {"partition": deal, "interval": k})
        for deal in ("dir1.0", "dir0.1")
        for k in (1, 5, 20)
    ]
    together = np.mean(changes, axis=0)
    claim = (
        "factors every 1 to 20 rounds, in the mean over the settings: honest work changes by less than two hundredths"
    )
    rows.mean(cell, claim, together, -0.02, 0.02)
    apart = np.subtract(changes[::3], changes[2::3]).mean(axis=0)
    rows.mean(cell, "the interval, 1 or 20 rounds: less than four hundredths apart", apart, -0.04, 0.04)


@part(4, seconds=45)
def phase(seeds: Sequence[int], rows: Rows) -> None:
    """Section 7: a coarser phase diagram, three costs, two α, and the first eight seeds."""
    games = Games(seeds[:8])
    grid = np.array(
        [
            [
                [games.figure("honest", rule=rule, cost=cost, alpha=alpha).mean() for cost in (0.1, 0.5, 0.9)]
                for alpha in (0.0, 2.0)
            ]
            for rule in RULES
        ]
    )  # (rules, alphas, costs)
    by_rule, by_alpha = grid.mean(axis=(1, 2)).var() / grid.var(), grid.mean(axis=(0, 2)).var() / grid.var()
    by_cost = grid.mean(axis=(0, 1)).var() / grid.var()
    rows.number("c-b3bef86482", "the rule explains more than nine tenths of the variance", by_rule, 0.9)
    rows.number("c-6b762b1814", "α explains next to nothing", by_alpha, below=0.001)
    rows.number("c-6b762b1814", "the cost explains more than α, and little", by_cost, by_alpha, 0.1)


def cost_of_learning(games: Games, rows: Rows) -> None:
    """Section 8: what learning clients cost the model under the paper's rule."""
    cell = "c-f74f71449d"
    lost = {
        deal: games.effect("accuracy", {"partition": deal}, {"learner": "fixed", "partition": deal}) for deal in DEALS
    }
    for deal in DEALS:
        rows.mean(cell, f"{deal}: learning clients cost the paper's rule accuracy", lost[deal], 0)
    for deal in DEALS[:2]:
        rows.mean(cell, f"and more with Dirichlet 0.1 than with {deal}", lost["dir0.1"] - lost[deal], 0)
    for deal in DEALS:
        gate = {"rule": "paper_gate", "partition": deal}
        kept = games.effect("accuracy", {"partition": deal, "learner": "fixed"}, gate)
        rows.mean(cell, f"{deal}: behind a gate the same score costs less than two points", kept, -0.02)
    for rule in ("paper", "paper_fines", "verified"):
        more = games.effect("accuracy", {"rule": rule, "partition": "dir0.1"}, {"rule": "flat", "partition": "dir0.1"})
        rows.mean(cell, f"dir0.1: {rule} costs more accuracy than flat pay", more, 0)


def pass_rates(games: Games, rows: Rows) -> None:
    """Section 8: how often work passes the test, and how often a copy does."""
    rule, rngs = (
        replace(incentives.PAY_RULES["verified"], consistency="ewma"),
        [np.random.default_rng(1000 + seed) for seed in games.seeds],
    )
    world = games.study.get_world(rule.score, rule.needs_test, "dir1.0", games.seeds)
    done = incentives.play(world, rule, incentives.Learner(), incentives.Costs(), rounds=60, rngs=rngs)
    for words, acts, least, most in (
        ("work passes more than nine times in ten", (done.played <= incentives.TOKEN) & done.present, 0.9, np.inf),
        ("a copy passes like a coin", (done.played == incentives.COPY) & done.present, 0.4, 0.6),
    ):
        passed = [done.passed[:, k][acts[:, k]].mean() for k in range(len(games.seeds))]
        rows.mean("c-ca395f0401", f"Dirichlet 1.0: {words}", passed, least, most)
    heads = np.random.default_rng(games.seeds[0]).random((1000, 60)) < np.mean(passed)  # passed by copies
    by_luck = [incentives.gate_factor(incentives.CONSISTENCIES["ewma"](row, window=8)) for row in heads]
    rows.mean("c-ca395f0401", "about a tenth of the pay passes the gate for such a coin", by_luck, 0.05, 0.15)


@part(4, seconds=50)
def offers(seeds: Sequence[int], rows: Rows) -> None:
    """Exercise 4.4: a quarter of the pay and four times the pay."""
    games, cell = Games(seeds), "c-4f01after4"
    for rule in ("midpoint", "gate", "threshold"):
        least, most = ({"rule": rule, "budget": budget} for budget in (0.25, 4.0))
        needed = [games.figure("spent_to_93", **own).mean() / (12 * own["budget"]) for own in (least, most)]
        rows.number(cell, f"{rule}: rounds at budget ¼ over rounds at 4", needed[0] / needed[1], below=2)
        rows.mean(cell, f"{rule}: at ¼ three in ten or more leave", games.figure("out", **least), 0.3)
        rows.mean(cell, f"{rule}: and there is less honest work", games.effect("honest", most, least), below=0)


@part(4, seconds=97)
def rules(seeds: Sequence[int], rows: Rows) -> None:
    """Sections 6 to 8: deviations of one, nine rules at α = ½, other learners, lost updates."""
    games = Games(seeds)
    lone = {"learner": "fixed", "busy": 0.0, "alpha": 0.0}
    paid = {
        (rule, act): games.figure("pay_0", rule=rule, start=act, **lone)
        for rule in ("paper", "midpoint")
        for act in ("full", "copy")
    }
    cell = "c-4fa4fcb19c"
    rows.mean(
        cell, "paper's score: one copy earns more than full work", paid["paper", "copy"] - paid["paper", "full"], 0
    )
    twice = paid["paper", "copy"].mean() / paid["paper", "full"].mean()
    rows.number(cell, "twice as much", twice, 1.5, 2.5)
    noise = games.figure("pay_0", rule="paper", start="noise", **lone)
    rows.mean(cell, "paper's score: one client's noise is paid, too, half a fair pay or more", noise, 0.5)
    unclear = ends_of(paid["midpoint", "copy"] - paid["midpoint", "full"])
    rows.number(cell, "midpoint: that a copy earns less is not measured: the upper end", unclear[1], 0)
    cell = "c-f74f71449d"
    for deal in ("dir1.0", "dir0.1"):
        work = {rule: games.figure("honest", rule=rule, partition=deal).mean() for rule in RULES}
        second = max(value for rule, value in work.items() if rule != "threshold")
        rows.number(cell, f"{deal}: the threshold has the most honest clients, by", work["threshold"] - second, 0)
        rows.mean(
            cell,
            f"{deal}: and they do less than half of the training",
            games.figure("effort", rule="threshold", partition=deal),
            below=0.5,
        )
    better = games.effect("accuracy", {"rule": "threshold"}, {"rule": "midpoint"})
    rows.mean(cell, "dir1.0: the threshold's model ends behind the midpoint rule's", better, 0)
    rows.mean(cell, "midpoint: three in ten copy", games.figure("copy", rule="midpoint"), 0.2, 0.4)
    shade = games.effect("accuracy", {"learner": "fixed", "partition": "iid"}, {"rule": "midpoint", "partition": "iid"})
    rows.mean(cell, "midpoint, even data: less than a point from twelve honest clients", shade, -0.01, 0.01)
    cost_of_learning(games, rows)
    pass_rates(games, rows)
    rows.mean("c-ca395f0401", "verified: still copies", games.figure("copy", rule="verified"), 0.8)
    gated, asked_copies = (games.figure("copy", rule=rule) for rule in ("paper_gate", "paper"))
    claim = "paper_gate: copies fall below a third of the paper's"
    rows.mean("c-ca395f0401", claim, gated - asked_copies / 3, below=0)
    for way in ("softmax", "exp3", "best_response", "imitation"):
        asked, helped, gated = (
            games.figure("honest", rule=rule, alpha=0.0, learner=way).mean() for rule in ("paper", "midpoint", "gate")
        )
        least = min(helped - asked, gated - helped)
        rows.number("c-5b1e0c7a42", f"{way}: the order of the three rules is the same, least step", least, 0)
    rows.mean("c-0c42c4e932", "paper's rule: most clients copy", asked_copies, 0.8)
    lost = games.effect("honest", {"rule": "gate"}, {"rule": "gate", "drop": 0.3})
    rows.near("c-0c42c4e932", "gate, three in ten updates lost: honest work changes by", lost, -0.07)
    fallen = games.effect("honest", {"rule": "threshold"}, {"rule": "threshold", "drop": 0.3})
    rows.mean("c-4c26a1d7d2", "threshold, bad network: loses more than a third of the honest", fallen, below=-1 / 3)
    left = games.effect("out", {"rule": "threshold"}, {"rule": "threshold", "drop": 0.3})
    rows.mean("c-328c7a7ee7", "threshold, bad network: who is not paid leaves", left, 0.2)


@part(4, seconds=60)
def largest_alpha(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: α from 0 to 10, the most that the contract allows; definitions of C."""
    games, cell = Games(seeds), "c-bb39b87156"
    ends = {"alpha": 0.0}, {"alpha": 10.0}
    for rule, words, bar in (("paper", "four", 0.04), ("midpoint", "ten", 0.1)):
        for deal in DEALS:
            pair = [{"rule": rule, "partition": deal} | end for end in ends]
            claim = f"{rule}, {deal}: α up to 10 moves honest work by less than {words} hundredths, interval and all"
            rows.mean(cell, claim, games.effect("honest", *pair), -bar, bar)
    stay = {"policies": "honest", "busy": 0.3, "busy_factor": 3.0, "drop": 0.1}
    moved = {
        (kind, window): games.effect("honest", *(stay | {"consistency": kind, "window": window} | end for end in ends))
        for kind, window in (("window", 8), ("streak", 8), ("streak", 32))
    }
    cell = "c-6b01defin2"
    for (kind, window), values in moved.items():
        rows.mean(cell, f"{kind}, K = {window}: α from 0 to 10 raises honest work", values, 0)
    rows.mean(cell, "the long streak more than the window", moved["streak", 32] - moved["window", 8], 0)


@part(4, seconds=40)
def bounds(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: fairness factors, by rule, deal and bounds; a lone copy."""
    games, cell = Games(seeds), "c-6a2940afbf"
    factors = [{"interval": k, "least": a, "most": b} for k, a, b in ((1, 0.1, 10.0), (5, 0.5, 1.5), (20, 0.1, 10.0))]
    for rule, words, ends in (
        ("paper", "raise honest work by two to eight hundredths", (0.02, 0.08)),
        ("midpoint", "do not raise honest work by two hundredths", (-np.inf, 0.02)),
    ):
        for deal in ("dir1.0", "dir0.1"):
            plain = {"rule": rule, "partition": deal}
            changes = [games.effect("honest", plain, plain | own) for own in factors]
            claim = f"{rule}, {deal}: in the mean over three settings, two of them with wide bounds, factors {words}"
            rows.mean(cell, claim, np.mean(changes, axis=0), *ends)
            for own in ({"interval": 1}, {"interval": 20}, {"interval": 5, "least": 0.8, "most": 1.25}):
                change = abs(games.effect("honest", plain, plain | own).mean())
                claim = f"{rule}, {deal}, {own}: bounds of ½ and 1½ or closer, less than five hundredths"
                rows.number(cell, claim, change, below=0.05)
    for deal in ("dir1.0", "dir0.1"):
        plain, own = {"rule": "midpoint", "partition": deal}, {"interval": 20, "least": 0.1, "most": 10.0}
        change = games.effect("honest", plain, plain | own)
        rows.mean(cell, f"midpoint, {deal}: wide bounds, a record every 20 rounds, lower honest work", change, below=0)
        close, far = ({"interval": 1}, {"interval": 1, "least": 0.1, "most": 10.0})
        same = np.abs(games.effect("honest", plain | close, plain | far)).max()
        rows.number(cell, f"midpoint, {deal}: a record every round, wider bounds change nothing", same, below=1e-9)
    lone = {"learner": "fixed", "busy": 0.0}
    for own in factors:
        gain = games.effect("pay_0", lone | own | {"start": "full"}, lone | own | {"start": "copy"})
        rows.mean(cell, f"a lone copy earns more than full work under factors, {own}", gain, 0)


@part(4, seconds=45)
def convergence(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: what α and factors do to the model under the paper's rule, Dirichlet 0.1, on three times the seeds."""
    games = [Games(seeds), *(Games([seed + 100_000 * k for seed in seeds]) for k in (1, 2))]
    cell, uneven = "c-6d01conv03", {"partition": "dir0.1"}
    compared = {
        "α from 0 to 10": ({"alpha": 0.0}, {"alpha": 10.0}),
        "factors every round": ({}, {"interval": 1}),
        "learning clients": ({"learner": "fixed"}, {}),
        "the midpoint score": ({}, {"rule": "midpoint"}),
    }
    found = {
        what: np.concatenate([g.effect("accuracy", *(uneven | side for side in pair)) for g in games])
        for what, pair in compared.items()
    }
    for what in ("α from 0 to 10", "factors every round"):
        claim = f"{what}: not measured; accuracy moves by less than fifteen points, interval and all"
        rows.mean(cell, claim, found[what], -0.15, 0.15)
    for what in ("α from 0 to 10", "factors every round"):
        sides = [uneven | side for side in compared[what]]
        sooner = {
            name: np.concatenate([g.effect(name, *sides) for g in games])
            for name in ("accuracy_at_budget", "rounds_to_90")
        }
        rows.mean(cell, f"{what}: accuracy at equal budget not worse by ten points", sooner["accuracy_at_budget"], -0.1)
        rows.mean(cell, f"{what}: 90% not later by thirty rounds", sooner["rounds_to_90"], below=30)
    rows.mean(cell, "learning clients cost accuracy, five points or more", found["learning clients"], below=-0.05)
    rows.mean(cell, "the midpoint score gives it back", found["the midpoint score"], 0.05)
    ends = ({"alpha": 0.0}, {"alpha": 0.0, "rule": "paper_gate"})
    for deal in DEALS:
        back = games[0].effect("accuracy", *({"partition": deal} | end for end in ends))
        rows.mean(cell, f"{deal}, α = 0: a gate before the paper's score gives accuracy back", back, 0)


@part(4, seconds=110)
def rest_of_alpha(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: α from 0 to 10 for myopic clients, where nobody cheats, and by how clients learn."""
    games, ends = Games(seeds), ({"alpha": 0.0}, {"alpha": 10.0})
    for rule in RULES:
        change = games.effect("honest", *({"rule": rule, "foresight": 0.0} | end for end in ends))
        rows.number("c-bb39b87156", f"myopic, {rule}: less than a tenth of honest work", abs(change.mean()), below=0.1)
    cell, plain = "c-0c42c4e932", {"foresight": 0.0, "alpha": 0.0}
    for rule in ("paper_gate", "gate", "threshold"):
        found = {name: games.figure(name, rule=rule, **plain) for name in ("honest", "out")}
        rows.mean(cell, f"myopic, {rule}, α = 0: less than 0.15 of honest work", found["honest"], below=0.15)
        rows.mean(cell, f"myopic, {rule}, α = 0: over four in five have left", found["out"], 0.8)
    kept = games.figure("honest", rule="midpoint", **plain)
    rows.mean(cell, "myopic, midpoint, α = 0: more than half of honest work", kept, 0.5)
    for deal in DEALS:
        own = {"partition": deal, "alpha": 0.0}
        back = games.effect("honest", own, own | {"rule": "paper_gate"})
        rows.mean(cell, f"{deal}: behind a gate the paper's score has over 0.4 more honest work", back, 0.4)
        in_c = games.figure("honest", rule="verified", partition=deal, alpha=10.0)
        rows.mean(cell, f"{deal}, α = 10: the test in C alone leaves less than 0.2", in_c, below=0.2)
    stay = {"policies": "honest", "busy": 0.3, "busy_factor": 3.0}
    for rule in ("flat", "paper", "midpoint"):
        for foresight in (0.0, 1.0):
            change = games.effect("accuracy", *(stay | {"rule": rule, "foresight": foresight} | end for end in ends))
            claim = f"without cheats, {rule}, foresight {foresight:g}: accuracy moves by less than a point"
            rows.mean("c-665e745b3a", claim, change, -0.01, 0.01)
    for way in ("exp3", "best_response", "imitation"):
        for rule in ("paper", "midpoint", "gate"):
            change = games.effect("honest", *({"rule": rule, "learner": way} | end for end in ends))
            claim = f"{way}, {rule}: less than a tenth of honest work"
            rows.number("c-bb39b87156", claim, abs(change.mean()), below=0.1)


@part(4, seconds=30)
def learners(seeds: Sequence[int], rows: Rows) -> None:
    """Section 8: honest work under the paper's rule, by how clients learn and how fast."""
    games, cell = Games(seeds), "c-5b1e0c7a42"
    bars = {"softmax": (-np.inf, 0.15), "best_response": (-np.inf, 0.15), "exp3": (0.45, np.inf)}
    for way, (least, most) in bars.items():
        for rate in (0.05, 0.15, 0.4):
            found = games.figure("honest", alpha=0.0, learner=way, rate=rate)
            rows.mean(cell, f"paper's rule, {way} at rate {rate}: honest work left", found, least, most)
    for rate in (0.15, 0.4):
        found = games.figure("honest", alpha=0.0, learner="imitation", rate=rate)
        rows.mean(cell, f"paper's rule, imitation at rate {rate}: honest work left", found, below=0.25)
    for rate, words, ends in (
        (0.05, "has not found out that copies pay", (-np.inf, 0.1)),
        (0.4, "has begun to", (0.2, np.inf)),
    ):
        copies = games.figure("copy", alpha=0.0, learner="exp3", rate=rate)
        rows.mean(cell, f"paper's rule, Exp3 at rate {rate}: {words}; copies", copies, *ends)
    slow, fast = (games.figure("honest", alpha=0.0, learner="imitation", rate=rate) for rate in (0.05, 0.4))
    rows.mean(cell, "paper's rule, imitation: more is left at the slowest rate", slow - fast, 0)
    wide = {"interval": 5, "least": 0.1, "most": 10.0, "partition": "dir0.1"}
    for words, own in (
        ("newcomers", {"churn": 0.02}),
        ("factors from 0.1 to 10", wide),
        ("four budgets", {"budget": 4.0}),
    ):
        found = games.figure("honest", **own)
        rows.mean("c-0c42c4e932", f"paper's rule, {words}: less than a quarter of honest work", found, below=0.25)
