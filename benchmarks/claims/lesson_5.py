"""Lesson 5: who gets paid for lying, by the study's own script on other federations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from bcfl_support import learning, simulation
from bcfl_support.scores import alignment_scores, clipped_scores

from .pages import Page, load_study
from .rows import Rows, more, part

NAMES = {"iid": "IID", "dir1.0": "Dirichlet 1.0", "dir0.1": "Dirichlet 0.1"}
RULE = "chain clip"
"""The contracts' clipped rule, as a score and as an average."""
OTHERS = {
    RULE: ("alie", "mimic", "collude", "collude x5", "copy", "inflate x5"),
    "multi-krum": ("collude", "collude x5", "copy", "inflate x5"),
}
"""Beside FedAvg, under which every lie is played: averages, and the lies of which the lesson says something there."""
ROOTED = ("fltrust", "root", "midpoint", "clipped midpoint")
BOUNDED = ("clipped", "fltrust", "clipped midpoint")
GIVEN_AWAY = ("alignment", "cosine", "leave self out", "median reference", "peer median", "root")
SEARCHED = (*GIVEN_AWAY, "midpoint", "clipped, self out", *BOUNDED, "accuracy-adjusted")
SEARCHED_BOUNDED = ("alignment", "cosine", "fltrust", "root", "midpoint", RULE)
"""Scores against which an adaptive attacker is sent: under FedAvg, and under an average that length does not move."""


@dataclass
class Grid:
    """Attacks, averages and scores on one kind of data, each entry an array over the seeds."""

    scores: tuple[str, ...]
    attacks: tuple[str, ...]
    places: dict[tuple[str, str, str], int]
    found: dict[str, np.ndarray]

    @classmethod
    def play(cls, kind: str, seeds: Sequence[int]) -> Grid:
        """The study's worlds of these seeds: every lie under FedAvg, a few under other averages, those who search."""
        study = load_study("adversaries")
        runs = [study.Trajectory(lie, "fedavg") for lie in study.ATTACKS]
        runs += [study.Trajectory(lie, average) for average, lies in OTHERS.items() for lie in lies]
        averages = (*study.AGGREGATOR_NAMES[1:], RULE) if kind == "dir0.1" else (RULE, "multi-krum")
        runs += [study.Trajectory("honest", average) for average in averages]
        runs += [study.Trajectory(study.ADAPTIVE, "fedavg", score) for score in SEARCHED]
        runs += [study.Trajectory(study.ADAPTIVE, RULE, score) for score in SEARCHED_BOUNDED]
        runs += [study.Trajectory(attack, RULE, RULE) for attack in (study.COUNTING, study.CLIMBING)]
        plan = SimpleNamespace(dataset="digits", rounds=study.Study.rounds, trajectories=lambda: runs)
        plan.scores = study.ALL_SCORES
        worlds = [study.run_world(plan, kind, seed) for seed in seeds]
        names = ("share", "take", "burned_bad", "burned_good", "unpaid", "accuracy", "pay", "choice")
        found = {name: np.stack([world[name] for world in worlds]) for name in names}
        places = {(run.attack, run.aggregator, run.target): place for place, run in enumerate(runs)}
        return cls(study.ALL_SCORES, study.ATTACKS, places, found)

    def at(self, attack: str, score: str = "alignment", table: str = "share", average: str = "fedavg") -> np.ndarray:
        """An entry, one number a seed."""
        return self._read(self.places[attack, average, ""], score, table)

    def adapted(
        self, score: str, table: str = "share", average: str = "fedavg", attack: str = "adaptive"
    ) -> np.ndarray:
        """An attacker who searches against a score, one number a seed."""
        return self._read(self.places[attack, average, score], score, table)

    def _read(self, place: int, score: str, table: str) -> np.ndarray:
        values = self.found[table][:, place]
        return values if values.ndim == 1 else values[:, self.scores.index(score)]

    def longest(self, score: str, average: str = "fedavg") -> np.ndarray:
        """Part of the rounds in which the adaptive attacker sends the longest it may, one number a seed."""
        lengths = len(load_study("adversaries").SCALES)
        chosen = self.found["choice"][:, self.places["adaptive", average, score]]
        return (chosen % lengths == lengths - 1).mean(axis=-1)

    def gain(self, attack: str, sigma: float) -> np.ndarray:
        """Budgets a round that a lie gains by the paper's score, at stakes of sigma budgets."""
        pay, burned = (self.at(attack, table=name) - self.at("honest", table=name) for name in ("share", "burned_bad"))
        return pay - sigma * burned


def common_claims(rows: Rows, name: str, grid: Grid) -> None:
    """What the lesson says of every kind of data."""
    for score in ROOTED:
        paid = np.maximum(grid.at("collude", score), grid.at("collude x5", score))
        most = 0.1 if name == "Dirichlet 0.1" else 0.05
        rows.mean("c-e34bee42fa", f"{name}, {score}: collusion earns next to nothing", paid, below=most)
    safe = grid.at("collude x5", table="accuracy", average="multi-krum") - grid.at("collude x5", table="accuracy")
    rows.mean("c-cc91f00d50", f"{name}: multi-krum keeps the model safe from collude x5", safe, 0)
    caught = grid.at("collude x5", average="multi-krum")
    rows.mean("c-cc91f00d50", f"{name}, multi-krum, paper's score: collude x5 is paid under a tenth", caught, below=0.1)
    if name != "Dirichlet 0.1":
        for lie in ("gaussian x5", "scale x5", "replacement", "collude x5"):
            plain, cut = (grid.at(lie, score) - grid.at("honest", score) for score in ("alignment", "clipped"))
            rows.mean("c-ad2c7b0c44", f"{name}: alignment pays {lie} over 0.25 more than honesty", plain, 0.25)
            rows.mean("c-ad2c7b0c44", f"{name}: clipped pays {lie} less than 0.1 more", cut, below=0.1)
    if name != "IID":
        dearer = grid.at("collude", average="multi-krum") - grid.at("collude")
        rows.mean("c-1cd4939689", f"{name}: multi-krum pays collusion at the usual length more than FedAvg", dearer, 0)
    for lie, least in (("copy", 0.3), ("inflate x5", 0.5)):
        paid = grid.at(lie, average="multi-krum")
        rows.mean("c-cc91f00d50", f"{name}, multi-krum, paper's score: {lie} is paid over {least}", paid, least)
    cell = "c-e34bee42fa"
    for score in GIVEN_AWAY:
        rows.mean(
            cell, f"{name}, {score}: the adaptive attacker takes three quarters or more", grid.adapted(score), 0.75
        )
        rows.mean(
            cell, f"{name}, {score}: and leaves an accuracy below 0.7", grid.adapted(score, "accuracy"), below=0.7
        )
    for score in BOUNDED:
        gain = grid.adapted(score) - grid.at("honest", score)
        rows.mean(cell, f"{name}, {score}: the adaptive attacker is paid more than honesty", gain, 0)
    narrow = grid.adapted("cosine") - grid.adapted("cosine", average=RULE)
    bar = 0.1 if name == "Dirichlet 0.1" else 0.4
    rows.mean(cell, f"{name}: with a bounded average the cosine pays the adaptive attacker less, by", narrow, bar)
    for score in ("alignment", "root"):
        paid = grid.adapted(score, average=RULE)
        rows.mean(cell, f"{name}, {score} with a bounded average: the adaptive attacker takes over 0.8", paid, 0.8)
    for score, average in (("cosine", "fedavg"), ("alignment", RULE), ("root", RULE)):
        twice = grid.adapted(score, average=average) - 2 * grid.at("honest", score, average=average)
        rows.mean(cell, f"{name}, {score} with {average}: one bound alone leaves over twice honest pay", twice, 0)
    over = grid.adapted("midpoint") - grid.at("honest", "midpoint")
    rows.mean(cell, f"{name}, midpoint: the adaptive attacker is paid more than honesty", over, 0)
    rows.mean(cell, f"{name}, midpoint: and less than 0.7 of the budget", grid.adapted("midpoint"), below=0.7)
    dearer = grid.adapted("midpoint", average=RULE) - grid.adapted("midpoint")
    rows.mean(cell, f"{name}: with a bounded average midpoint pays the adaptive attacker more, by", dearer, 0.15)
    rows.mean(
        cell,
        f"{name}, midpoint: under FedAvg it sends the longest in less than half",
        grid.longest("midpoint"),
        below=0.5,
    )
    longest = grid.longest("midpoint", RULE)
    rows.mean(cell, f"{name}, midpoint: with a bounded average it does in most rounds", longest, 0.5)
    spared = grid.adapted("root") - grid.adapted("fltrust")
    rows.mean(cell, f"{name}: fltrust pays the adaptive attacker less than root, by", spared, 0.2)
    same = np.abs(np.mean(grid.adapted("fltrust", average=RULE) - grid.adapted("fltrust")))
    rows.number(cell, f"{name}: fltrust pays the adaptive attacker alike under both averages", same, below=0.05)
    kept = grid.at("collude x5", table="accuracy", average=RULE) - grid.at("collude x5", table="accuracy")
    rows.mean(cell, f"{name}: a bounded average keeps more of the model from collude x5 than FedAvg", kept, 0)
    clipped_rule(rows, name, grid)
    adjusted(rows, name, grid)
    cell = "c-49ea8b7324"
    rows.mean(cell, f"{name}: collude x5 takes over 0.85 by the paper's score", grid.at("collude x5"), 0.85)
    for lie in ("collude x5", "scale x5", "copy"):
        rows.mean(cell, f"{name}, {lie}: a gain at stakes of 200 budgets", grid.gain(lie, 200), 0)
    rows.every(
        cell, f"{name}: collude x5 burns nothing of the attackers", grid.at("collude x5", table="burned_bad") == 0
    )
    for lie in ("scale x5", "copy") if name != "Dirichlet 0.1" else ("copy",):
        rows.every(cell, f"{name}: {lie} burns nothing of the attackers", grid.at(lie, table="burned_bad") == 0)


def adjusted(rows: Rows, name: str, grid: Grid) -> None:
    """The adjusted score: what is paid more than honesty, of what is paid and in budgets, and what less."""
    score, cell, alike = "accuracy-adjusted", "c-5a11e50002", name != "Dirichlet 0.1"
    some = {"Dirichlet 0.1": ["copy"], "Dirichlet 1.0": ["min-sum", "sybil"], "IID": ["min-sum", "sybil"]}[name]
    for table in ("share", "take"):
        honest = grid.at("honest", score, table)
        best = grid.at("alie", score, table) - 1.2 * honest
        rows.mean(cell, f"{name}, adjusted, {table}: ALIE is paid over 1.2 times as much as honesty", best, 0)
        counts = ["inflate x5"] * (name == "IID" or (name == "Dirichlet 0.1" and table == "take"))
        for lie in (*counts, *some, *["copy"] * (name == "Dirichlet 1.0" and table == "take")):
            gain = grid.at(lie, score, table) - honest
            rows.mean(cell, f"{name}, adjusted, {table}: {lie} is paid more than honesty", gain, 0)
    honest = grid.at("honest", score)
    for lie in ("sign flip", "label flip"):
        part, words = (2 / 3, "two thirds of honest pay") if alike else (1, "honest pay")
        paid = grid.at(lie, score) - honest * part
        rows.mean(cell, f"{name}, adjusted: {lie} is left less than {words}", paid, below=0)
    if alike:
        left = grid.at("collude x5", score) - honest
        rows.mean(cell, f"{name}, adjusted: collude x5 is left less of what is paid than honesty", left, below=0)
    if name == "IID":
        left = grid.at("collude", score) - honest
        rows.mean(cell, f"{name}, adjusted: collude is left less of what is paid than honesty", left, below=0)
    cell, searched = "c-2575130652", grid.adapted(score)
    rows.mean(cell, f"{name}, adjusted: the adaptive attacker takes over three quarters", searched, 0.75)
    twice = grid.adapted(score, "take") - 2 * grid.at("honest", score, "take")
    rows.mean(cell, f"{name}, adjusted: and more than twice the honest take", twice, 0)
    rows.mean(cell, f"{name}, adjusted: over 0.6 of the budget", grid.adapted(score, "take"), 0.6)
    spared = grid.adapted(score, "accuracy") - grid.adapted("alignment", "accuracy")
    rows.mean(cell, f"{name}: and leaves a model better by over 0.15 than by the plain score", spared, 0.15)
    quiet = grid.at("honest", score, "unpaid")
    rows.mean(cell, f"{name}, adjusted, nobody lying: over a seventh of the rounds pay nobody", quiet, 1 / 7)


def clipped_rule(rows: Rows, name: str, grid: Grid) -> None:
    """The contracts' clipped rule: which lies and searches it pays."""
    cell, honest = "c-0b57a3e107", grid.at("honest", RULE, average=RULE)
    lies = {lie: grid.at(lie, RULE, average=RULE) for lie in ("mimic", "inflate x5")}
    rows.mean(cell, f"{name}, clipped rule: mimic is paid more than honesty", lies["mimic"] - honest, 0)
    over = lies["inflate x5"] - 1.5 * honest
    rows.mean(cell, f"{name}, clipped rule: inflated counts over one and a half times honest pay", over, 0)
    searched = {who: grid.adapted(RULE, average=RULE, attack=who) for who in ("adaptive", "climbing")}
    for who, paid in searched.items():
        rows.mean(cell, f"{name}, clipped rule, {who}: paid more than honesty", paid - honest, 0)
    further = searched["climbing"] - searched["adaptive"]
    most = 0.15 if name == "Dirichlet 0.1" else 0.1
    rows.mean(cell, f"{name}, clipped rule: climbing takes less than {most} more", further, below=most)
    options = {"average": RULE, "attack": "adaptive, counts x5"}
    rows.mean(cell, f"{name}, clipped rule: adaptive, counts x5, over 0.8", grid.adapted(RULE, **options), 0.8)
    left = grid.adapted(RULE, "accuracy", **options)
    rows.mean(cell, f"{name}, clipped rule: adaptive, counts x5, leaves an accuracy below 0.5", left, below=0.5)


def below_twice(rows: Rows, name: str, grid: Grid) -> None:
    """IID and Dirichlet 1.0: against which rules an attacker who searches stays below twice his honest pay."""
    cell, claim = "c-e34bee42fa", "the adaptive attacker stays below twice honest pay"
    for score in (*BOUNDED, "clipped, self out"):
        twice = grid.adapted(score) - 2 * grid.at("honest", score)
        rows.mean(cell, f"{name}, {score}: {claim}", twice, below=0)
    twice = grid.adapted("cosine", average=RULE) - 2 * grid.at("honest", "cosine", average=RULE)
    rows.mean(cell, f"{name}, cosine with a bounded average: {claim}", twice, below=0)
    honest = grid.at("honest", RULE, average=RULE)
    for who in ("adaptive", "climbing"):
        twice = grid.adapted(RULE, average=RULE, attack=who) - 2 * honest
        rows.mean("c-0b57a3e107", f"{name}, clipped rule, {who}: below twice honest pay", twice, below=0)
    for score in ("alignment", "root"):
        kept = grid.adapted(score, "accuracy", average=RULE)
        rows.mean(cell, f"{name}, {score} with a bounded average: an accuracy above 0.8", kept, 0.8)


def inflated(rows: Rows, name: str, grid: Grid) -> None:
    """IID and Dirichlet 1.0: the one lie that every score pays."""
    below_twice(rows, name, grid)
    scores, cell = [score for score in grid.scores if score != "accuracy-adjusted"], "c-e34bee42fa"
    gain = {score: grid.at("inflate x5", score) - grid.at("honest", score) for score in scores}
    for score in scores:
        bars = (0, 0.1) if score == "cosine" else (0.15, np.inf)
        rows.mean(cell, f"{name}, {score}: inflate x5 is paid more than honesty, by", gain[score], *bars)


@part(5, seconds=80)
def alike(seeds: Sequence[int], rows: Rows) -> None:
    """IID."""
    grid = Grid.play("iid", seeds)
    common_claims(rows, "IID", grid)
    inflated(rows, "IID", grid)
    burned = grid.at("sign flip", table="burned_bad") - grid.at("sign flip", table="burned_good")
    rows.mean("c-49ea8b7324", "IID: the penalty burns the stakes of sign flippers", burned, 0)
    few_clients(rows, grid, seeds)


def few_clients(rows: Rows, grid: Grid, seeds: Sequence[int]) -> None:
    """IID: why collusion at the usual length loses with three of ten, and pays sooner in section 2."""
    study, cell = load_study("adversaries"), "c-0b57a3e107"
    paid = grid.at("collude", RULE, average=RULE)
    rows.mean(cell, "IID, clipped rule: collusion at the usual length is paid less than its weight", paid, below=0.3)
    ten = 0.3**2 * (1 - paid) / (paid * 0.7**2)  # κ by the formula
    first, all_twenty = (
        np.array([study.run_collusion("iid", seed, (6,), rounds)["kappa"][0] for seed in seeds]) for rounds in (10, 20)
    )
    rows.mean(cell, "IID: ten clients have a larger κ than 20, of ten rounds each", ten - first, 0)
    rows.mean(cell, "IID: ten rounds have a larger κ than 20, of 20 clients each", first - all_twenty, 0)
    rows.mean(cell, "IID: the break-even of three of ten in ten rounds lies above their weight", ten / (1 + ten), 0.3)


@part(5, seconds=80)
def different(seeds: Sequence[int], rows: Rows) -> None:
    """Dirichlet 1.0."""
    grid = Grid.play("dir1.0", seeds)
    common_claims(rows, "Dirichlet 1.0", grid)
    inflated(rows, "Dirichlet 1.0", grid)
    against = grid.at("sign flip", table="burned_bad") - grid.at("sign flip", table="burned_good")
    rows.mean("c-49ea8b7324", "Dirichlet 1.0: the penalty burns the stakes of sign flippers", against, 0)
    cell, burned = "c-9a32951afc", ("sign flip", "badmouth", "ipm x2")
    for lie in burned[:2]:
        rows.mean(cell, f"Dirichlet 1.0, {lie}: does not pay even without stakes", grid.gain(lie, 0), below=0)
    dearer = {lie: grid.gain(lie, 200) - grid.gain(lie, 0) for lie in grid.attacks[1:]}
    for lie in burned:
        rows.mean(cell, f"Dirichlet 1.0, {lie}: at 200 budgets dearer by over 0.2", dearer[lie], below=-0.2)
    others = max(abs(change.mean()) for lie, change in dearer.items() if lie not in burned)
    rows.number(cell, "Dirichlet 1.0: stakes make none of the sixteen others dearer by 0.02", others, below=0.02)


@part(5, seconds=80)
def very_different(seeds: Sequence[int], rows: Rows) -> None:
    """Dirichlet 0.1."""
    grid = Grid.play("dir0.1", seeds)
    common_claims(rows, "Dirichlet 0.1", grid)
    others = [score for score in grid.scores if score not in (*ROOTED, "accuracy-adjusted")]
    least = min(max(grid.at(lie, score).mean() for lie in ("collude", "collude x5")) for score in others)
    rows.number("c-cc91f00d50", "Dirichlet 0.1: by every score without a root set collusion earns more", least, 0.05)
    cell = "c-e34bee42fa"
    honest, score = grid.at("honest", "clipped, self out"), "clipped, self out"
    rows.mean(
        cell,
        "Dirichlet 0.1: clipped, self out gives way, above one and a half times honest pay by",
        grid.adapted(score) - 1.5 * honest,
        0,
    )
    for other in BOUNDED:
        over = grid.adapted(score) - grid.adapted(other)
        rows.mean(cell, f"Dirichlet 0.1: clipped, self out gives away more than {other}, by", over, 0.1)
    collusion = grid.at("collude", "clipped") - grid.at("honest", "clipped")
    rows.mean(cell, "Dirichlet 0.1, clipped: collusion at the usual length pays", collusion, 0)
    for lie in ("replacement", "collude x5"):
        still = grid.at(lie, "clipped") - grid.at("honest", "clipped")
        rows.mean("c-ad2c7b0c44", f"Dirichlet 0.1, clipped: {lie} is paid more than honesty", still, 0)
    worse = grid.adapted("clipped midpoint", "accuracy") - grid.adapted("clipped", "accuracy")
    rows.mean(cell, "Dirichlet 0.1: clipped midpoint keeps more of the model than clipped", worse, 0)
    for lie in ("collude", "collude x5"):
        over = grid.at(lie, RULE, average=RULE) - grid.at("honest", RULE, average=RULE) * 4 / 3
        rows.mean("c-0b57a3e107", f"Dirichlet 0.1, clipped rule: {lie} over a third more than honest pay", over, 0)
    worse = grid.at("honest", RULE, "accuracy", RULE) - grid.adapted(RULE, "accuracy", RULE, "climbing")
    rows.mean("c-0b57a3e107", "Dirichlet 0.1, clipped rule: climbing leaves a worse model than honesty", worse, 0)
    gain = grid.at("inflate x5", "midpoint") - grid.at("honest", "midpoint")
    rows.mean("c-e34bee42fa", "Dirichlet 0.1, midpoint: a gain of inflated counts is less than 0.15", gain, below=0.15)
    cell = "c-2575130652"
    right = grid.at("sign flip") - grid.at("honest")
    rows.mean(cell, "Dirichlet 0.1: sign flippers are paid more than when honest", right, 0)
    burned = grid.at("sign flip", table="burned_good")
    rows.mean(cell, "Dirichlet 0.1: the penalty burns stakes of the honest, too", burned, 0)
    averages = load_study("adversaries").AGGREGATOR_NAMES
    places = [grid.places["honest", average, ""] for average in averages]
    pay = grid.found["pay"][:, places, 0]  # by alignment: (seeds, averages, n)
    moved = 0.5 * np.abs(pay - pay[:, :1]).sum(axis=-1).mean(axis=0)
    cell, most = "c-ef3396b252", moved[averages.index("multi-krum")]
    rows.number(cell, "Dirichlet 0.1: multi-krum moves between a tenth and a fifth of the budget", most, 0.1, 0.2)
    for lie in ("copy", "collude"):
        worse = grid.at(lie, table="accuracy") - grid.at(lie, table="accuracy", average="multi-krum")
        rows.mean(cell, f"Dirichlet 0.1, {lie}: multi-krum leaves a worse model than FedAvg, by", worse, 0.05)
    kept = {average: grid.at("honest", table="accuracy", average=average) for average in averages}
    for average, least in (("median", 0.2), ("trimmed mean", 0.15), ("multi-krum", 0.1)):
        lost = kept["fedavg"] - kept[average]
        rows.mean(cell, f"Dirichlet 0.1, nobody attacks: {average} costs the model over {least}", lost, least)


@part(5, seconds=40)
def collusion(seeds: Sequence[int], rows: Rows) -> None:
    """Section 2: the formula against measurement, and where collusion begins to pay."""
    study, starts = load_study("adversaries"), {}
    sizes = study.COLLUDERS
    for kind, name in NAMES.items():
        played = [study.run_collusion(kind, seed, sizes, 20) for seed in seeds]
        measured, theory = (np.mean([run[key] for run in played], axis=0) for key in ("measured", "theory"))
        apart = np.abs(measured - theory).max()
        rows.number(
            "c-08c3fc0854", f"{name}: formula and measurement agree to within two hundredths", apart, below=0.02
        )
        weight = np.array(sizes) / 20
        starts[kind] = float(np.interp(0, measured - weight, weight))
        if kind == "iid":
            third = [run["kappa"][sizes.index(4)] for run in played]
            rows.near("c-08c3fc0854", "IID: κ with four colluders of twenty is about a third", third, 0.33)
        if kind == "dir0.1":
            quarter = [run["measured"][sizes.index(5)] for run in played]
            rows.mean("c-08c3fc0854", f"{name}: five of twenty take more than the other fifteen", quarter, 0.5)
    cell = "c-08c3fc0854"
    rows.number(cell, "IID: collusion pays from about a fifth of the weight", starts["iid"], 0.15, 0.25)
    rows.number(cell, "Dirichlet 0.1: collusion pays from below a tenth", starts["dir0.1"], below=0.1)
    for less, further in (("iid", "dir1.0"), ("dir1.0", "dir0.1")):
        ratio = starts[less] / starts[further]
        rows.number("c-2436a6e225", f"collusion pays sooner with {NAMES[further]} than with {NAMES[less]}", ratio, 1.2)


@part(5, seconds=45)
def minority(seeds: Sequence[int], rows: Rows) -> None:
    """Section 6: penalties, an honest client with a rare class, and sign flippers."""
    study = load_study("adversaries")

    def follow(rate: float, cap: float, flippers: bool = False, times: int = 1) -> dict[str, np.ndarray]:
        found = [study.run_minority(rate, cap, seed, 40, flippers=flippers) for seed in more(seeds, times)]
        return {key: np.array([run[key] for run in found]) for key in found[0]}

    cell = "c-28618f594c"
    none, mild, harsh, driven = follow(0.0, 0.0), follow(0.1, 0.05), follow(10.0, 0.5), follow(10.0, 0.5, True, times=3)
    rows.mean(
        "c-3f9bf8cd8d",
        "false alarms without any attacker: negative scores of the rare class",
        none["negative_rate"],
        0.05,
    )
    rows.every(cell, "a mild penalty expels nobody", mild["excluded"] == 0)
    rows.mean(cell, "a mild penalty leaves over nine tenths of the stake", mild["stake_left"], 0.9)
    claim = "the harshest drives out the only client with nines, in most federations"
    rows.share(cell, claim, harsh["excluded"] == 1, least=0.5)
    rows.mean(cell, "the harshest drives out nearly every flipper (60 federations)", driven["excluded"], 0.8)
    rows.mean(cell, "in the mean the recall of nine falls below a quarter", harsh["recall_of_nine"], below=0.25)
    rows.mean(cell, "from over 0.5", mild["recall_of_nine"], 0.5)
    for rate, lost in ((1.0, 0.2), (10.0, 0.33)):
        window, flippers = follow(rate, 0.05), follow(rate, 0.05, True, times=3)
        rows.share(
            cell,
            f"window, rate {rate:g}: expels the minority in a tenth of the federations at most",
            window["excluded"] == 0,
            least=0.9,
        )
        rows.mean(cell, f"window, rate {rate:g}: expels most flippers (60 federations)", flippers["excluded"], 0.5)
        rows.near(cell, f"window, rate {rate:g}: the minority pays a part of its stake", 1 - window["stake_left"], lost)
        often = flippers["negative_rate"] - 2 * window["negative_rate"].mean()
        rows.mean(cell, f"window, rate {rate:g}: to flippers it happens more than twice as often", often, 0)
        rows.near(cell, f"window, rate {rate:g}: negative scores of the minority", window["negative_rate"], 0.23)


@part(5, seconds=20)
def checks(seeds: Sequence[int], rows: Rows) -> None:
    """Section 7: two checks for copies; exercise 5.4: pooled updates under clip and root set."""
    page = Page(5, seeds).run("c-73bffcf2c8", only=("from", "import"))
    page.names["grid"] = {"rounds": 10}
    page.run("c-330018f033").run("c-483e4261f6").run("c-d1d3504ca4", only=("def compute_novelty",))
    page.run("c-38a44238aa").run("c-3cebf5b736").run(
        "c-e433ba87df", only=("def instructors_score", "def pay_under_defense")
    )
    page.run("c-0f0bf4a33c", only=("def load_world",))
    page.run("c-ce5aa9052b", only=("def look",))
    page.run("c-01b43f8b66", only=("def alike_to_different", "def find_gains"))

    def is_of_others(seen: simulation.RoundOutcome) -> bool:
        return np.allclose(seen.step, seen.updates[page["others"]].mean(axis=0))

    found, own, gains, hidden, outside, drops = [], [], [], [], [], []
    alone: dict[str, list[np.ndarray]] = {name: [] for name in NAMES.values()}
    for seed in page.seeds:
        digits, attackers = page["load_world"](seed)
        page.names |= {"digits": digits, "attackers": attackers, "others": np.setdiff1d(np.arange(10), attackers)}
        page.run("c-0f0bf4a33c", only=("mlp",)).run("c-0874736d67", ("[0, 7]", f"[{seed}, 7]"))
        page.run("c-8666708337", ("[0, 12]", f"[{seed}, 12]"), only=("direction", "lies"))
        page.run("c-ce5aa9052b", ("default_rng(3)", f"default_rng({seed})"), only=("novelty", "margins", "def look"))
        page["run"](page["lies"]["copy"], observe=page["look"])
        novelty, margins = page["novelty"], page["margins"]
        found.append(max(novelty["copy"]) < 1e-6 < min(novelty["honest"]))
        own.append(np.mean(np.array(margins["honest"]) > 0) - np.mean(np.array(margins["copy"]) > 0))
        lies = (lambda own, step: own, page["break_it"])
        fair, mine = (page["pay_under_defense"](lie, digits, attackers) for lie in lies)
        gains.append(mine / fair)
        page.run("c-5a11e00002", only=("seen",))
        page["run"](observe=lambda outcome: page["seen"].append(outcome.updates[page["others"]]))
        page.run("c-5a11e00002", only=("tried", "inside", "for honest_seven"))
        hidden.append(min(page["inside"]["alie"]) > 0.9 and max(page["apart"]["alie"]) < 0.5)
        watched = {"aggregate": "multi_krum", "byzantine": 3, "observe": lambda seen: drops.append(is_of_others(seen))}
        page["run"](page["lies"]["collude x5"], **watched)
        for name, world in zip(NAMES.values(), page["alike_to_different"](seed), strict=True):
            alone[name].append(page["find_gains"](world)[1:])
        outside.append([np.mean(page[kind]["alie z=1.5"]) for kind in ("apart", "inside")])
    rows.every("c-ef3396b252", "multi-krum drops the three lies of collude x5, in every round", drops)
    cell = "c-2575130652"
    for name, change in alone.items():  # change: the average and ten updates, round by round
        lowers = [(rounds[:, 1:] < 0).mean() for rounds in change]
        rows.mean(cell, f"{name}: after round 1 most updates, added alone, lower the accuracy", lowers, 0.5)
        together = [rounds[:, 0].mean() for rounds in change]
        rows.mean(cell, f"{name}: after round 1 the average raises it", together, 0)
    rows.every("c-f1ef98a701", "novelty finds the exact copy with no false alarm", found)
    rows.mean("c-f1ef98a701", "the own-data test asks for what a copycat cannot have", own, 0)
    rows.mean(
        "c-e433ba87df",
        "exercise 5.4: pooled updates earn more than honesty under clip and root set, in other federations, too",
        gains,
        1.0,
    )
    rows.every("c-5a11e00004", "ALIE by its authors' rule is among the honest", hidden)
    apart, inside = np.transpose(outside)
    rows.mean("c-5a11e00004", "with z = 1.5 it is further out than the furthest of seven, mean of ten rounds", apart, 1)
    rows.mean("c-5a11e00004", "with z = 1.5 over a third of its coordinates lie outside the seven", inside, below=2 / 3)


@part(5, seconds=3)
def robbery(seeds: Sequence[int], rows: Rows) -> None:
    """Section 4: one sample against two thousand, replayed off the chain on other halves and other batches."""
    samples, plain, clipped, share = [1_000, 1_000, 1], [], [], []
    for seed in seeds:
        halves = learning.load_hospitals(2, partition="iid", rng=np.random.default_rng(seed))
        model = learning.LogisticRegression(halves.n_features)
        rng, start = np.random.default_rng([seed, 7]), np.zeros(model.n_params)
        options = {"steps": 5, "lr": 0.05, "rng": rng}
        step = learning.local_updates(model, start, halves, **options).mean(axis=0)
        honest = learning.local_updates(model, start + step, halves, **options)
        for side in (-1, 1):
            sent = np.vstack([honest, side * np.where(step > 0, 100.0, -100.0)])
            scores = alignment_scores(sent, samples)
            cut = clipped_scores(sent, samples, clip=learning.compute_median_norm(sent))
            if side < 0:
                plain.append(scores[2] > 0 > scores[:2].max())
                clipped.append(cut[:2].min() > 0 > cut[2])
            else:
                share.append(2_001 * cut[2] / cut.sum())
    rows.every("c-0b57a3e101", "one sample, plain: the robber takes everything, honest scores are negative", plain)
    rows.every("c-0b57a3e101", "clipped: the only negative score is its own", clipped)
    rows.mean("c-0b57a3e105", "sent the other way round: paid about what one honest sample would be", share, 0.5, 1.1)


@part(5, seconds=200)
def mnist(seeds: Sequence[int], rows: Rows) -> None:
    """The last table: do MNIST-5k and digits agree on which lies are paid?"""
    study, same, cell = load_study("adversaries"), [], "c-8305f9bed0"
    scores = study.SCORE_NAMES
    runs = [study.Trajectory(lie, "fedavg") for lie in study.MNIST.attacks]
    lies, adjusted = list(study.MNIST.attacks), scores.index("accuracy-adjusted")
    for kind, title in NAMES.items():
        found = {}
        for name in ("mnist", "digits"):
            plan = SimpleNamespace(dataset=name, rounds=study.Study.rounds, trajectories=lambda: runs)
            plan.scores = scores
            found[name] = np.stack([study.run_world(plan, kind, seed)["share"] for seed in seeds])
        means = [share.mean(axis=0) for share in found.values()]  # (lies, scores)
        paid = [share[1:] > share[0] + 0.05 for share in means]
        same += (paid[0] == paid[1]).ravel().tolist()
        if kind != "iid":
            gain = {n: share[:, lies.index("alie"), adjusted] - share[:, 0, adjusted] for n, share in found.items()}
            less = gain["digits"] - gain["mnist"]
            rows.mean(cell, f"{title}, adjusted: ALIE gains over 0.1 more on digits than on MNIST", less, 0.1)
        if kind == "dir1.0":
            cut = found["mnist"][:, :, scores.index("clipped")]
            gain = cut[:, lies.index("collude x5")] - cut[:, 0]
            rows.mean(cell, "MNIST, Dirichlet 1.0: clipped pays collude x5 more than honesty", gain, 0.05)
    rows.quoted(cell, "MNIST and digits agree whether a lie is paid, in 221 of the 252 cells", same, 221, 252)
