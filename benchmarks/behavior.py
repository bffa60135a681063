"""What pay rules make learning clients do: honest cost × α × rule × data × learner, 20 seeds a cell, with intervals.

    python benchmarks/behavior.py --json            the whole study, written to results/behavior.json
    python benchmarks/behavior.py --json --quick    a small part of it, written nowhere, under 45 s

Twelve clients train a softmax regression on digits for 150 rounds and learn from their pay (`incentives.play`). A
cell is one setting, played for 20 seeds in one array; the same seeds in every cell, so that two cells differ in the
setting only and `effects` can compare them seed by seed. What varies too much for 20 seeds, the accuracy under the
paper's rule, has a section with 60 to 140, "convergence". A cell holds what differs from `defaults`, and for each
figure the mean over seeds and the half-width of its 95% interval (Student's t). Settings that several sections need are
played once.

Cells go through joblib: `--dask ADDRESS` runs them on a Dask cluster, "local" on one that is started for the purpose.
`study_minutes` is the wall time of the last whole study, `study_cpu_minutes` what it used of all processors together.
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

# 10 is the most that the contract allows
ALPHAS, COSTS = (0.0, 0.5, 2.0, 10.0), (0.1, 0.3, 0.5, 0.7, 0.9)
INTERVALS, BOUNDS = (1, 5, 20), ((0.8, 1.25), (0.1, 10.0))  # rounds; least and most F beside the contract's ½ and 1½
TARGET, COLLAPSE = 0.93, 0.8  # accuracies: two deviations below what honest clients reach; a model that is ruined


SEEDS, ROUNDS, CLIENTS = tuple(range(20)), 150, 12
PARTITIONS: dict[str, dict[str, Any]] = {
    "iid": {"partition": "iid"},
    "dir1.0": {"partition": "dirichlet", "alpha": 1.0},
    "dir0.1": {"partition": "dirichlet", "alpha": 0.1},
}
LEARNERS = ("softmax", "exp3", "best_response", "imitation")
HONEST = ("full", "half", "token", "fair_weather", "skip", "out")
FIGURES = (
    *("honest", "effort", "copy", "noise", "skip", "out", "fair_weather", "accuracy", "accuracy_at_budget"),
    *("rounds_to_90", "spent_to_90", "spent_to_93", "reached_93", "spent", "margin", "false_fines", "jain", "pay_0"),
    *("pay_copy", "factor_copy", "collapsed"),
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
            for start in ("full", "token", "copy", "noise")
            for alpha in ((0.0, 2.0) if rule == "paper" else (0.0,))
        ],
        "lone factors": [
            replace(base, learner="fixed", start=start, busy=0.0, interval=interval, least=least, most=most)
            for start in ("full", "copy")
            for interval, least, most in [(0, 0.5, 1.5), *list_factors()]
        ],
        "learners": [
            replace(base, rule=rule, alpha=alpha, learner=learner, rate=rate)
            for learner in LEARNERS
            for rate in (0.05, 0.15, 0.4)
            for rule in ("paper", "midpoint", "gate")
            for alpha in ((0.0, 2.0, 10.0) if rate == base.rate else (0.0,))
        ],
        "myopic": [
            replace(base, rule=rule, alpha=alpha, foresight=0.0) for rule in rules for alpha in (0.0, 2.0, 10.0)
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
            for alpha in ALPHAS
        ],
        "window": [replace(stay, window=window, alpha=2.0) for window in (2, 4, 8, 16, 32)],
        "fines": [
            replace(base, rule="paper_fines", alpha=2.0, stake=stake, loyal_fines=loyal, partition=partition)
            for partition in PARTITIONS
            for stake in (0.0, 10.0, 40.0)
            for loyal in (False, True)
        ],
        "interval": [
            replace(base, rule=rule, interval=interval, least=least, most=most, partition=partition)
            for partition in ("dir1.0", "dir0.1")
            for rule in ("paper", "midpoint")
            for interval, least, most in [(0, 0.5, 1.5), *list_factors()]
        ],
        "convergence": list(dict.fromkeys(s for pair in list_convergence() for s in pair[1:])),
        "accidents": [replace(base, rule=rule, drop=drop) for rule in scored for drop in (0.1, 0.3)],
        "price": [replace(stay, scaled=scaled, alpha=alpha) for scaled in (True, False) for alpha in (0.0, 2.0, 10.0)],
        "budget": [replace(base, rule=rule, budget=share) for rule in scored for share in (0.25, 0.5, 1.0, 2.0, 4.0)],
        "honest": [replace(base, learner="fixed", partition=partition) for partition in PARTITIONS],
    }


def list_factors() -> list[tuple[int, float, float]]:
    """Interval, least and most factor: the contract's bounds, and a narrower and a wider pair."""
    return [(k, *bounds) for bounds in ((0.5, 1.5), *BOUNDS) for k in INTERVALS]


def list_convergence() -> list[tuple[str, Setting, Setting]]:
    """What is compared on more seeds, because accuracy under the paper's rule has a heavy tail."""
    pairs = []
    for partition, seeds in (("iid", 60), ("dir1.0", 100), ("dir0.1", 140)):
        paper = replace(Setting(), partition=partition, seeds=seeds)
        for alpha in (2.0, 10.0):
            pairs.append(("convergence: alpha 0 to", replace(paper, alpha=0.0), replace(paper, alpha=alpha)))
        pairs += [("convergence: interval 0 to k", paper, replace(paper, interval=k)) for k in (1, 20)]
        pairs.append(("convergence: all honest to", replace(paper, learner="fixed"), paper))
        pairs.append(("convergence: paper to midpoint", paper, replace(paper, rule="midpoint")))
    return pairs


def list_effects(quick: bool) -> list[tuple[str, Setting, Setting]]:
    """Pairs of settings to be compared seed by seed: name, from, to."""
    base = Setting()
    pairs = [pair for rule in incentives.PAY_RULES for pair in raise_alpha("", replace(base, rule=rule), quick)]
    if quick:
        return pairs
    pairs = [(n, replace(a, partition=p), replace(b, partition=p)) for p in PARTITIONS for n, a, b in pairs]
    for rule in incentives.PAY_RULES:
        pairs += raise_alpha("myopic: ", replace(base, rule=rule, foresight=0.0))
    stay = replace(base, policies="honest", busy=0.3, busy_factor=3.0)
    for rule in ("flat", "paper", "midpoint"):
        for foresight in (0.0, 1.0):
            pairs += raise_alpha("stay: ", replace(stay, rule=rule, foresight=foresight))
    for kind in ("window", "streak", "ewma"):
        for window in (8, 32):
            pairs += raise_alpha("definition: ", replace(stay, consistency=kind, window=window, drop=0.1))
    pairs += raise_alpha("fixed price: ", replace(stay, scaled=False))
    for partition in PARTITIONS:
        honest = replace(base, learner="fixed", partition=partition)
        pairs += [
            ("all honest to", honest, replace(base, rule=rule, partition=partition)) for rule in incentives.PAY_RULES
        ]
        paper = replace(base, partition=partition)
        pairs += [("paper to", paper, replace(paper, rule=rule)) for rule in incentives.PAY_RULES if rule != "paper"]
        paper = replace(base, alpha=2.0, partition=partition)
        pairs.append(("only verified rounds count", paper, replace(paper, rule="verified")))
        paper = replace(paper, alpha=0.0)
        pairs.append(("behind a gate", paper, replace(paper, rule="paper_gate")))
    for rule in ("paper", "midpoint", "gate", "threshold"):
        pairs.append(("a third of the rounds dropped", replace(base, rule=rule), replace(base, rule=rule, drop=0.3)))
    for rule in ("paper", "verified", "paper_gate", "midpoint", "rank", "gate", "threshold"):
        works = replace(base, rule=rule, alpha=0.0, learner="fixed", busy=0.0)
        pairs += [("one client deviates", works, replace(works, start=act)) for act in ("token", "copy", "noise")]
    copies = replace(base, learner="fixed", start="copy", busy=0.0)
    for k, least, most in list_factors():
        judged = replace(copies, interval=k, least=least, most=most)
        pairs.append(("a lone copy gets factors", copies, judged))
        pairs.append(("one client copies under factors", replace(judged, start="full"), judged))
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
            pairs += [
                ("interval 0 to k", chosen, replace(chosen, interval=k, least=least, most=most))
                for k, least, most in list_factors()
            ]
    return list(dict.fromkeys(pairs + list_learner_effects() + list_convergence()))


def raise_alpha(name: str, setting: Setting, quick: bool = False) -> list[tuple[str, Setting, Setting]]:
    """The setting without a bonus, and with α = 2 and 10."""
    start = replace(setting, alpha=0.0)
    return [(f"{name}alpha 0 to {a:g}", start, replace(setting, alpha=a)) for a in ((2.0,) if quick else (2.0, 10.0))]


def list_learner_effects() -> list[tuple[str, Setting, Setting]]:
    """What α and the rule change, by how clients learn."""
    pairs = []
    for learner in LEARNERS:
        for rule in ("paper", "midpoint", "gate"):
            pairs += raise_alpha("learners: ", replace(Setting(), rule=rule, learner=learner))
        for rate in (0.05, 0.15, 0.4):
            paper = replace(Setting(), learner=learner, rate=rate, alpha=0.0)
            midpoint, gate = replace(paper, rule="midpoint"), replace(paper, rule="gate")
            pairs += [("learners: next rule", paper, midpoint), ("learners: next rule", midpoint, gate)]
    return pairs


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


def study(quick: bool, jobs: int) -> dict[str, Any]:
    """The whole study as plain JSON values."""
    seeds, rounds = (SEEDS[:4], 60) if quick else (SEEDS, ROUNDS)
    sections, effects = list_sections(quick), list_effects(quick)
    wanted = dict.fromkeys(
        [s for chosen in sections.values() for s in chosen] + [s for _, a, b in effects for s in (a, b)]
    )
    order = list(wanted)
    start = time.monotonic()
    found, used = run_cells(order, seeds, rounds, jobs)
    minutes = (time.monotonic() - start) / 60
    return {
        "seeds": len(seeds),
        "rounds": rounds,
        "clients": CLIENTS,
        "figures": list(FIGURES),
        "defaults": asdict(Setting()),
        "cells_played": len(order),
        "study_minutes": round(minutes, 2),
        "study_cpu_minutes": round(used / 60, 2),
        "sections": {
            name: [{"setting": s.changed(), "figures": summarize(found[s])} for s in chosen]
            for name, chosen in sections.items()
        },
        "effects": [
            {"name": name, "from": a.changed(), "to": b.changed(), "figures": compare(found[a], found[b])}
            for name, a, b in effects
        ],
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
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "onchain_equals_simulated": check_on_chain(),
        "run_150x12_s": round(time_one_run(1 if options.quick else 3), 3),
    }
    with cluster(options.dask):
        content = study(options.quick, options.jobs)
    if not options.quick:
        write_result("behavior", content | figures)
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
