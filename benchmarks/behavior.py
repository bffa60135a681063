"""What pay rules make learning clients do: honest cost × α × rule × data × learner, 20 seeds a cell, with intervals.

    python benchmarks/behavior.py --json            the whole study, written to results/behavior.json
    python benchmarks/behavior.py --json --missing  what the file does not have yet, put into it; the rest stays
    python benchmarks/behavior.py --json --quick    a small part of it, written nowhere, under 45 s

Twelve clients train a softmax regression on digits for 150 rounds and learn from their pay (`incentives.play`). A
cell is one setting, played for 20 seeds in one array; the same seeds in every cell, so that two cells differ in the
setting only and `effects` can compare them seed by seed. What varies too much for 20 seeds, the accuracy under the
paper's rule, has a section with 40 to 100, "convergence". A cell holds what differs from `defaults`, and for each
figure the mean over seeds and the half-width of its 95% interval (Student's t). Settings that several sections need are
played once.

Cells go through joblib: `--dask ADDRESS` runs them on a Dask cluster, "local" on one that is started for the purpose.
`study_minutes` is the wall time of the last whole study, `study_cpu_minutes` what it used of all processors together;
`added` says the same of what was put into the file since. A cell has the same numbers whenever it is played; one that
was played before a figure came to `FIGURES`, at their end, does not have it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any

from _common import make_parser, median_seconds, read_result, report, write_result  # first: it sets the threads

# isort: split
import joblib
import numpy as np

from bcfl_support import incentives
from bcfl_support.incentives import Accidents, Costs, Learner, PayRule, Play, TrainingWorld
from bcfl_support.incentives.policies import FAIR_WEATHER
from bcfl_support.learning import divide_or_zero

# MOST_ALPHA is the most that the contract allows
ALPHAS, COSTS, MOST_ALPHA = (0.0, 0.5, 1.0, 2.0), (0.1, 0.2, 0.35, 0.5, 0.7, 0.9), 10.0
INTERVALS, BOUNDS = (1, 5, 20), ((0.8, 1.25), (0.1, 10.0))  # rounds; least and most F beside the contract's ½ and 1½
TARGET, COLLAPSE = 0.93, 0.8  # accuracies: two deviations below what honest clients reach; a model that is ruined


SEEDS, ROUNDS, CLIENTS = tuple(range(20)), 150, 12
PARTITIONS: dict[str, dict[str, Any]] = {
    "iid": {"partition": "iid"},
    "dir1.0": {"partition": "dirichlet", "alpha": 1.0},
    "dir0.1": {"partition": "dirichlet", "alpha": 0.1},
}
RATES = (0.05, 0.15, 0.4)
LEARNERS = ("softmax", "exp3", "best_response", "imitation")
HONEST = ("full", "half", "token", "fair_weather", "skip", "out")
FIGURES = (
    *("honest", "effort", "copy", "noise", "skip", "out", "fair_weather", "accuracy", "accuracy_at_budget"),
    *("rounds_to_90", "spent_to_90", "rounds_to_95", "spent_to_95", "reached_95", "spent", "margin", "false_fines"),
    *("jain", "pay_0"),
    *("spent_to_93", "reached_93", "pay_copy", "factor_copy", "collapsed"),
)


@dataclass(frozen=True)
class Setting:
    """One cell. Amounts are in fair pays; see `incentives.play`, `Learner` and `PayRule` for what each field does.

    Attributes:
        rule: a name in `incentives.PAY_RULES`; `consistency` and `stake` replace the rule's own unless "" and −1. The
            rule's own alpha, window, scaled and loyal_fines are not read: those below always stand in their place. So
            "paper_gate", "rank", "gate" and "threshold", whose own alpha is 0, are played at 0.5 wherever a section
            names no alpha.
        cost: honest cost of a round, four fifths computing and one fifth data.
        learner: a kind of `incentives.Learner`, with its `rate` and `foresight`.
        policies: "all", or "honest" for those without copy and noise.
        start: the first policy; for a "fixed" learner that of client 0, while the others work fully.
        interval: rounds between fairness records, 0 for none.
        least, most: bounds of the fairness factor.
        seeds: how many; 0 to 19, and from 10,000 on what is more: the numbers between are left to who checks claims.
    """

    rule: str = "paper"
    alpha: float = 0.5
    partition: str = "dir1.0"
    cost: float = 0.5
    learner: str = "softmax"
    rate: float = 0.15
    foresight: float = 1.0
    policies: str = "all"
    start: str = "full"
    busy: float = 0.2
    busy_factor: float = 2.0
    consistency: str = ""
    window: int = 8
    stake: float = -1.0
    loyal_fines: bool = False
    scaled: bool = True
    interval: int = 0
    least: float = 0.5
    most: float = 1.5
    drop: float = 0.0
    churn: float = 0.0
    budget: float = 1.0
    spread: float = 0.3
    seeds: int = 20

    def pay_rule(self) -> PayRule:
        """The rule of this cell, with the cell's alpha, window, scaled and loyal_fines in place of the rule's own."""
        rule = replace(incentives.PAY_RULES[self.rule], alpha=self.alpha, window=self.window, scaled=self.scaled)
        if self.consistency:
            rule = replace(rule, consistency=self.consistency)
        if self.stake >= 0:
            rule = replace(rule, stake=self.stake)
        return replace(rule, loyal_fines=self.loyal_fines)

    def changed(self) -> dict[str, Any]:
        """The fields that differ from the defaults."""
        default = Setting()
        return {
            f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(default, f.name)
        }


Effect = tuple[str, Setting, Setting]
"""What is compared: its name, from, to."""


@lru_cache(maxsize=8)
def get_world(score: str, tested: bool, partition: str, seeds: tuple[int, ...]) -> TrainingWorld:
    """The federations of all seeds; kept, because building them takes longer than playing in them."""
    rule = next(name for name, rule in incentives.PAY_RULES.items() if rule.score == score)
    return incentives.make_world(rule, seeds=seeds, n_clients=CLIENTS, tested=tested, **PARTITIONS[partition])


def play_setting(setting: Setting, seeds: tuple[int, ...] = SEEDS, rounds: int = ROUNDS) -> dict[str, np.ndarray]:
    """Play one cell; one number a seed for each of `FIGURES`."""
    rule = setting.pay_rule()
    world = get_world(rule.score, rule.needs_test, setting.partition, seeds)
    fixed = setting.learner == "fixed"
    learner = Learner(
        kind=setting.learner,
        rate=setting.rate,
        foresight=setting.foresight,
        start=(setting.start,) + ("full",) * (CLIENTS - 1) if fixed else setting.start,
        policies=HONEST if setting.policies == "honest" else None,
    )
    costs = Costs(
        compute=0.8 * setting.cost,
        data=0.2 * setting.cost,
        busy=setting.busy,
        busy_factor=setting.busy_factor,
        spread=setting.spread,
    )
    done = incentives.play(
        world,
        rule,
        learner,
        costs,
        rounds=rounds,
        rngs=[np.random.default_rng(1000 + seed) for seed in seeds],
        accidents=Accidents(drop=setting.drop, churn=setting.churn),
        fairness_interval=setting.interval,
        fairness_bounds=(setting.least, setting.most),
        budget=setting.budget,
    )
    return measure(done)


def play_timed(setting: Setting, seeds: tuple[int, ...], rounds: int) -> tuple[dict[str, np.ndarray], float]:
    """`play_setting` and the processor seconds it took."""
    start = time.process_time()
    return play_setting(setting, seeds, rounds), time.process_time() - start


def measure(done: Play) -> dict[str, np.ndarray]:
    """`FIGURES` of a game, one number a seed; the first fifth of the rounds does not count for `pay_0`.

    "pay_copy" and "factor_copy" are what those who copy are paid per unit of data, and their mean factor, over the last
    50 rounds, 0 where nobody copies; "collapsed" is 1 where the accuracy ends below `COLLAPSE`.
    """
    found = incentives.summarize(done)
    found["rounds_to_90"], found["spent_to_90"] = found.pop("rounds_to_target"), found.pop("spent_to_target")
    more = incentives.summarize(done, target=0.95)
    found["rounds_to_95"], found["spent_to_95"] = more["rounds_to_target"], more["spent_to_target"]
    found["reached_95"] = (done.accuracy >= 0.95).any(axis=0).astype(float)
    found["spent_to_93"] = incentives.summarize(done, target=TARGET)["spent_to_target"]
    found["reached_93"] = (done.accuracy >= TARGET).any(axis=0).astype(float)
    found["collapsed"] = (found["accuracy"] < COLLAPSE).astype(float)
    found["fair_weather"] = (done.chosen[-50:] == FAIR_WEATHER).mean(axis=(0, 2))
    unit = done.sizes[:, 0] * done.sizes.shape[1]
    found["pay_0"] = (done.rewards - done.fines)[len(done.rewards) // 5 :, :, 0].mean(axis=0) / unit
    copies = ((done.played == incentives.COPY) & done.present)[-50:]
    data = (copies * done.sizes * done.sizes.shape[1]).sum(axis=(0, 2))
    found["pay_copy"] = divide_or_zero((done.rewards[-50:] * copies).sum(axis=(0, 2)), data)
    found["factor_copy"] = divide_or_zero((done.factors[-50:] * copies).sum(axis=(0, 2)), copies.sum(axis=(0, 2)))
    return found


# ---------------------------------------------------------------- what is played


def list_sections(quick: bool) -> dict[str, list[Setting]]:
    """The settings of each section."""
    rules, scored = tuple(incentives.PAY_RULES), ("paper", "midpoint", "gate", "threshold")
    base = Setting()
    if quick:
        return {"main": [replace(base, rule=rule, alpha=alpha) for rule in rules for alpha in (0.0, 2.0)]}
    stay = replace(base, policies="honest", busy=0.3, busy_factor=3.0)
    return {
        "main": [replace(base, rule=r, alpha=a, partition=p) for p in PARTITIONS for r in rules for a in ALPHAS],
        "phase": [replace(base, rule=r, alpha=a, cost=c) for r in rules for c in COSTS for a in ALPHAS],
        "deviation": [
            replace(base, rule=rule, alpha=alpha, learner="fixed", start=start, busy=0.0)
            for rule in ("paper", "verified", "paper_gate", "midpoint", "rank", "gate", "threshold")
            for alpha, starts in ((0.0, ("full", "half", "token", "copy", "noise")), (2.0, ("full", "token", "copy")))
            for start in starts
        ],
        "learners": [
            replace(base, rule=rule, alpha=alpha, learner=learner, rate=rate)
            for learner in LEARNERS
            for rate in RATES
            for rule in ("paper", "midpoint", "gate")
            for alpha in (0.0, 2.0)
        ],
        "stay": [
            replace(stay, rule=rule, alpha=alpha, foresight=foresight)
            for rule in ("flat", "paper", "midpoint")
            for foresight in (0.0, 1.0)
            for alpha in ALPHAS
        ],
        "definitions": [
            replace(stay, consistency=kind, window=window, alpha=alpha, drop=0.1)
            for kind in ("window", "streak", "ewma")
            for window in (8, 32)
            for alpha in (0.0, 0.5, 2.0, MOST_ALPHA)
        ],
        "window": [replace(stay, window=window, alpha=2.0) for window in (2, 4, 8, 16, 32)],
        "fines": [
            replace(base, rule="paper_fines", alpha=2.0, stake=stake, loyal_fines=loyal, partition=partition)
            for partition in PARTITIONS
            for stake in (0.0, 10.0, 40.0)
            for loyal in (False, True)
        ],
        "interval": [
            replace(base, rule=rule, interval=interval, partition=partition)
            for partition in ("dir1.0", "dir0.1")
            for rule in ("paper", "midpoint")
            for interval in (0, 1, 5, 10, 20)
        ],
        "accidents": [
            replace(base, rule=rule, drop=drop, churn=churn)
            for rule in scored
            for drop, churn in ((0.1, 0.0), (0.3, 0.0), (0.0, 0.02))
        ],
        "price": [replace(stay, scaled=scaled, alpha=alpha) for scaled in (True, False) for alpha in (0.0, 2.0)],
        "offers": [replace(base, rule=rule, budget=share) for rule in scored for share in (0.25, 0.5, 1.0, 2.0, 4.0)],
        "honest": [replace(base, learner="fixed", partition=partition) for partition in PARTITIONS],
        # the settings of these are those of what they compare
        "most alpha": [setting for _, *pair in list_most_alpha() for setting in pair],
        "bounds": [setting for _, *pair in list_bounds() for setting in pair],
        "convergence": [setting for _, *pair in list_convergence() for setting in pair],
    }


def list_factors() -> list[tuple[int, float, float]]:
    """Interval, least and most factor: the contract's bounds, and a narrower and a wider pair."""
    return [(k, *bounds) for bounds in ((0.5, 1.5), *BOUNDS) for k in INTERVALS]


def list_convergence() -> list[Effect]:
    """What is compared on more seeds, because accuracy under the paper's rule has a heavy tail."""
    pairs = []
    for partition, seeds in (("iid", 40), ("dir1.0", 60), ("dir0.1", 100)):
        paper = replace(Setting(), partition=partition, seeds=seeds)
        for alpha in (2.0, MOST_ALPHA):
            pairs.append(("convergence: alpha", replace(paper, alpha=0.0), replace(paper, alpha=alpha)))
        pairs += [("convergence: interval", paper, replace(paper, interval=k)) for k in (1, 20)]
        pairs.append(("convergence: all honest to", replace(paper, learner="fixed"), paper))
        pairs.append(("convergence: to midpoint", paper, replace(paper, rule="midpoint")))
    return pairs


def list_bounds() -> list[Effect]:
    """Fairness factors in the contract's bounds, in narrower and in wider ones."""
    pairs = []
    for partition in ("dir1.0", "dir0.1"):
        for rule in ("paper", "midpoint"):
            plain = replace(Setting(), rule=rule, partition=partition)
            pairs += [("bounds", plain, replace(plain, interval=k, least=a, most=b)) for k, a, b in list_factors()]
    copies = replace(Setting(), learner="fixed", start="copy", busy=0.0)
    for k, least, most in list_factors():
        judged = replace(copies, interval=k, least=least, most=most)
        pairs.append(("bounds: a lone copy", copies, judged))
        pairs.append(("bounds: one client copies", replace(judged, start="full"), judged))
    return pairs


def list_most_alpha() -> list[Effect]:
    """From no bonus to the largest: rules on three deals, myopic clients, learners, a game without cheats, a price."""
    base, rules = Setting(), tuple(incentives.PAY_RULES)
    stay = replace(base, policies="honest", busy=0.3, busy_factor=3.0)
    chosen = [("", replace(base, rule=rule, partition=partition)) for partition in PARTITIONS for rule in rules]
    chosen += [("myopic: ", replace(base, rule=rule, foresight=0.0)) for rule in rules]
    chosen += [
        ("learners: ", replace(base, rule=rule, learner=learner))
        for learner in LEARNERS[1:]
        for rule in ("paper", "midpoint", "gate")
    ]
    chosen += [
        ("stay: ", replace(stay, rule=rule, foresight=foresight))
        for rule in ("flat", "paper", "midpoint")
        for foresight in (0.0, 1.0)
    ]
    chosen += [
        ("definitions: ", replace(stay, consistency=kind, window=window, drop=0.1))
        for kind in ("window", "streak", "ewma")
        for window in (8, 32)
    ]
    chosen.append(("fixed price: ", replace(stay, scaled=False)))
    return [(f"{name}alpha 0 to 10", replace(s, alpha=0.0), replace(s, alpha=MOST_ALPHA)) for name, s in chosen]


def list_effects(quick: bool) -> list[Effect]:
    """Pairs of settings to be compared seed by seed: name, from, to."""
    base = Setting()
    pairs = [
        ("alpha 0 to 2", replace(base, rule=rule, alpha=0.0), replace(base, rule=rule, alpha=2.0))
        for rule in incentives.PAY_RULES
    ]
    if quick:
        return pairs
    pairs = [(n, replace(a, partition=p), replace(b, partition=p)) for p in PARTITIONS for n, a, b in pairs]
    stay = replace(base, policies="honest", busy=0.3, busy_factor=3.0)
    for rule in ("flat", "paper", "midpoint"):
        for foresight in (0.0, 1.0):
            chosen = replace(stay, rule=rule, foresight=foresight)
            pairs.append(("stay: alpha 0 to 2", replace(chosen, alpha=0.0), replace(chosen, alpha=2.0)))
    for partition in PARTITIONS:
        honest = replace(base, learner="fixed", partition=partition)
        pairs += [
            ("all honest to", honest, replace(base, rule=rule, partition=partition)) for rule in incentives.PAY_RULES
        ]
        paper = replace(base, alpha=2.0, partition=partition)
        pairs.append(("only verified rounds count", paper, replace(paper, rule="verified")))
        paper = replace(paper, alpha=0.0)
        pairs.append(("behind a gate", paper, replace(paper, rule="paper_gate")))
    for rule in ("paper", "midpoint", "gate", "threshold"):
        pairs.append(("a third of the rounds dropped", replace(base, rule=rule), replace(base, rule=rule, drop=0.3)))
    for rule in ("paper", "verified", "paper_gate", "midpoint", "rank", "gate", "threshold"):
        works = replace(base, rule=rule, alpha=0.0, learner="fixed", busy=0.0)
        pairs += [("one client deviates", works, replace(works, start=act)) for act in ("token", "copy", "noise")]
    unscaled = replace(stay, scaled=False, alpha=0.0)
    pairs.append(("fixed price: alpha 0 to 2", unscaled, replace(unscaled, alpha=2.0)))
    dropping = replace(stay, consistency="window", drop=0.1, alpha=2.0)
    pairs += [("definition", dropping, replace(dropping, consistency=kind)) for kind in ("streak", "ewma")]
    pairs += [
        ("window doubled", replace(stay, window=k, alpha=2.0), replace(stay, window=2 * k, alpha=2.0))
        for k in (2, 4, 8, 16)
    ]
    for partition in PARTITIONS:
        fined = replace(base, rule="paper_fines", alpha=2.0, stake=40.0, partition=partition)
        pairs.append(("fines made loyal", fined, replace(fined, loyal_fines=True)))
    for partition in ("dir1.0", "dir0.1"):
        for rule in ("paper", "midpoint"):
            chosen = replace(base, rule=rule, partition=partition)
            pairs += [("interval 0 to k", chosen, replace(chosen, interval=k)) for k in (1, 5, 10, 20)]
    for learner in ("softmax", "exp3", "best_response", "imitation"):
        for rule in ("paper", "midpoint", "gate"):
            chosen = replace(base, rule=rule, learner=learner)
            pairs.append(("alpha 0 to 2", replace(chosen, alpha=0.0), replace(chosen, alpha=2.0)))
        for rate in RATES:
            paper = replace(base, learner=learner, rate=rate, alpha=0.0)
            midpoint, gate = replace(paper, rule="midpoint"), replace(paper, rule="gate")
            pairs += [("next rule", paper, midpoint), ("next rule", midpoint, gate)]
    return list(dict.fromkeys(pairs + list_most_alpha() + list_bounds() + list_convergence()))


# ---------------------------------------------------------------- running


def run_cells(
    settings: list[Setting], seeds: tuple[int, ...], rounds: int, jobs: int
) -> tuple[dict[Setting, dict[str, Any]], float]:
    """Play all settings, in whatever backend joblib is set to, with a line of progress now and then on stderr.

    Returns:
        The figures of each setting, and the processor seconds all of them took together.
    """
    start, used = time.monotonic(), 0.0
    parts: dict[Setting, list[dict[str, np.ndarray]]] = {setting: [] for setting in settings}
    # neighbors share a world: the cache of each process is then small and hit often
    tasks = sorted(
        ((setting, chunk) for setting in settings for chunk in cut_seeds(setting, seeds)),
        key=lambda task: (task[0].partition, task[1], incentives.PAY_RULES[task[0].rule].score, task[0].rule),
    )
    calls = (joblib.delayed(play_timed)(setting, chunk, rounds) for setting, chunk in tasks)
    results = joblib.Parallel(n_jobs=jobs, return_as="generator")(calls)
    for k, ((setting, _), (result, seconds)) in enumerate(zip(tasks, results, strict=True), 1):
        parts[setting].append(result)
        used += seconds
        if k % 20 == 0 or k == len(tasks):
            spent = time.monotonic() - start
            left = spent / k * (len(tasks) - k)
            print(f"{k}/{len(tasks)} runs, {spent / 60:.1f} min, {left / 60:.1f} to go", file=sys.stderr, flush=True)
    return {s: {n: np.concatenate([part[n] for part in parts[s]]) for n in FIGURES} for s in settings}, used


def cut_seeds(setting: Setting, seeds: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The seeds of a setting, as many at a time as fit an array: those of all cells, and then its own."""
    more = setting.seeds - len(SEEDS)
    own = range(10_000, 10_000 + more)
    return [seeds, *(tuple(own[k : k + len(SEEDS)]) for k in range(0, more, len(SEEDS)))]


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """joblib on Dask: on the scheduler at `address`, on a local one for "local", or not at all for None."""
    if address is None:
        yield
        return
    from distributed import Client, LocalCluster

    local = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) if address == "local" else None
    with Client(local or address), joblib.parallel_config("dask"):
        yield
    if local is not None:
        local.close()


def study(quick: bool, jobs: int, known: dict[str, Any]) -> dict[str, Any]:
    """The whole study as plain JSON values; of a `known` one only what it lacks is played."""
    seeds, rounds = (SEEDS[:4], 60) if quick else (SEEDS, ROUNDS)
    sections, effects = list_sections(quick), list_effects(quick)
    cells = {(name, str(c["setting"])): c for name, chosen in known.get("sections", {}).items() for c in chosen}
    compared = {(e["name"], str(e["from"]), str(e["to"])): e for e in known.get("effects", [])}
    new = [s for name, chosen in sections.items() for s in chosen if (name, str(s.changed())) not in cells]
    new += [s for name, *p in effects if (name, *(str(s.changed()) for s in p)) not in compared for s in p]
    wanted = list(dict.fromkeys(new))
    start = time.monotonic()
    found, used = run_cells(wanted, seeds, rounds, jobs)
    minutes = {"study_minutes": (time.monotonic() - start) / 60, "study_cpu_minutes": used / 60}
    took = {name: round(value, 2) for name, value in minutes.items()} | {"cells_played": len(wanted)}
    stamp = {"command": "python benchmarks/behavior.py --json --missing"} | took
    times = {name: known[name] for name in took} if known else took

    def put(name: str, setting: Setting) -> dict[str, Any]:
        own = setting.changed()
        return cells.get((name, str(own))) or {"setting": own, "figures": summarize(found[setting])}

    def set_beside(name: str, a: Setting, b: Setting) -> dict[str, Any]:
        old = compared.get((name, str(a.changed()), str(b.changed())))
        return old or {"name": name, "from": a.changed(), "to": b.changed(), "figures": compare(found[a], found[b])}

    return times | {
        "added": [*known.get("added", []), stamp] if known else [],
        "seeds": len(seeds),
        "rounds": rounds,
        "clients": CLIENTS,
        "figures": list(FIGURES),
        "defaults": asdict(Setting()),
        "sections": {name: [put(name, s) for s in dict.fromkeys(chosen)] for name, chosen in sections.items()},
        "effects": [set_beside(*effect) for effect in effects],
    }


def summarize(figures: dict[str, np.ndarray]) -> list[list[float]]:
    """[mean, half-width] of each of `FIGURES`."""
    return [[round(value, 5) for value in incentives.mean_interval(figures[name])] for name in FIGURES]


def compare(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> list[list[float]]:
    """[mean, half-width] of the change of each of `FIGURES`, seed by seed."""
    return [[round(v, 5) for v in incentives.mean_interval(after[name] - before[name])] for name in FIGURES]


def time_one_run(repeats: int) -> float:
    """Median seconds of one 150-round, 12-client run with the slowest rule, which tests every update; data loaded."""
    play_setting(Setting(rule="gate"), seeds=(0,), rounds=1)
    return median_seconds(lambda: play_setting(Setting(rule="gate"), seeds=(0,)), repeats)


def check_on_chain() -> bool:
    """Twenty rounds on a chain, clients coming, going, missing and pulling the wrong way: is every wei as computed?"""
    from bcfl_support.chain import Chain
    from bcfl_support.protocol import Federation, FederationConfig

    rng, rounds = np.random.default_rng(7), 20
    config = FederationConfig(parameters=3, capacity=6, budget=10**18 + 7, alpha=0.7, window=5, penalty_cap=0.04)
    terms = incentives.Terms(config.budget, 700_000, 5, 100_000, 40_000)
    accounts: dict[str, incentives.Account] = {}
    pot, equal = 15 * 10**18, True
    with Chain.start() as chain:
        fed = Federation.deploy(chain, config)
        fed.fund(pot)
        clients, samples = chain.accounts[1:7], rng.integers(5, 60, 6)
        fed.register(clients, samples)
        stakes = {client: int(n) * config.stake_per_sample for client, n in zip(clients, samples, strict=True)}
        signs = rng.choice([1, -1], size=(rounds, 6), p=[0.75, 0.25])
        there = rng.random((rounds, 6)) < 0.7
        there[0] = True  # the first round fills every place
        there[5:10, 2] = there[:, 5] = False  # client 2 leaves for a while, client 5 never comes back
        there[0, 5] = True
        for t in range(rounds):
            there[t, :2] = True
            row = {
                clients[i]: signs[t, i] * np.array([3e-1, 2e-1, 1e-1]) + rng.normal(0, 0.05, 3)
                for i in np.flatnonzero(there[t])
            }
            record = fed.play_round(row, rng=rng)
            scores = dict(zip(record.clients, record.scores, strict=True))
            settled = incentives.settle_round(
                t + 1, scores, norm_squared=record.norm_squared, terms=terms, accounts=accounts, stakes=stakes, pot=pot
            )
            accounts, stakes, pot = dict(settled.accounts), dict(settled.stakes), settled.pot
            equal &= tuple(settled.rewards.values()) == record.rewards
            equal &= tuple(settled.penalties.values()) == record.penalties
        equal &= fed.credits(clients) == [accounts[client].credit for client in clients]
        equal &= fed.pool.functions.pot().call() == pot
    return bool(equal)


def main() -> None:
    """Run, print, and write the result file."""
    parser = make_parser(__doc__, jobs=True)
    parser.add_argument("--dask", metavar="ADDRESS", help='a Dask scheduler, or "local"')
    parser.add_argument("--missing", action="store_true", help="play only what the result file does not have")
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "onchain_equals_simulated": check_on_chain(),
        "run_150x12_s": round(time_one_run(1 if options.quick else 3), 3),
    }
    known = read_result("behavior") if options.missing else {}
    with cluster(options.dask):
        content = study(options.quick, options.jobs, known)
    if not options.quick:
        write_result("behavior", content | figures, whole=not options.missing)
    figures["study_minutes"] = (read_result("behavior") if options.quick else content).get("study_minutes")
    figures |= {name: content[name] for name in ("study_cpu_minutes", "cells_played", "seeds")}
    for cell in content["sections"]["main"]:
        setting = asdict(Setting()) | cell["setting"]
        if setting["partition"] == "dir1.0" and setting["alpha"] in (0.0, 2.0):
            mean, half = cell["figures"][FIGURES.index("honest")]
            figures[f"honest_{setting['rule']}_alpha{setting['alpha']:g}"] = [mean, half]
    report(figures, options.json)


if __name__ == "__main__":
    import behavior  # under its name: workers can import what they are to do, and keep the worlds they have built

    behavior.main()
