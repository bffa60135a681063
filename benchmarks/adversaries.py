"""Who gets paid for lying: attacks x scores x aggregators x heterogeneity, with intervals.

    python benchmarks/adversaries.py --json            the whole study, written to results/adversaries.json
    python benchmarks/adversaries.py --json --quick    a small part of it, written nowhere, in well under a minute

Ten clients, three of them attackers, train an MLP on digits. A trajectory is one attack under one aggregator: all of
a world's (a partition and a seed) trajectories train in one batch from common mini-batches, so that what differs
between two cells is the attack or the aggregator and nothing else. All scores are read off each trajectory; only the
adaptive attackers, who search for what their score pays best, have a trajectory for each score.

A cell holds the attackers' share of the rewards (negative scores are paid 0), averaged over the rounds that pay, with
the half width of a 95% interval over seeds; beside it what a negative-alignment penalty burns of the stakes. A score
that often pays nobody makes a share look large: the *take* is the share averaged over all rounds, in budgets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from _common import make_parser, read_result, report, write_result  # first: it sets the threads

# isort: split
import numpy as np
from joblib import Parallel, delayed

from bcfl_support import adversaries, incentives, learning, simulation
from bcfl_support.checks import check_choice
from bcfl_support.incentives.consistency import share_budget
from bcfl_support.learning import AGGREGATORS, MLP, FederatedData, Round, local_updates, play_rounds
from bcfl_support.scores import SCORES, alignment_scores

CLIENTS, ATTACKERS, ROOT_SAMPLES = 10, 3, 100
STEPS, LR, BATCH = 5, 0.5, 32
PENALTY_RATE, PENALTY_CAP = 0.1, 0.05
PARTITIONS: dict[str, dict[str, Any]] = {
    "iid": {"partition": "iid"},
    "dir1.0": {"partition": "dirichlet", "alpha": 1.0, "min_size": 5, "max_tries": 100_000},
    "dir0.1": {"partition": "dirichlet", "alpha": 0.1, "min_size": 5, "max_tries": 100_000},
}
ATTACKS = (
    "honest",
    "label flip",
    "sign flip",
    "gaussian x5",
    "scale x5",
    "replacement",
    "alie",
    "alie z=1.5",
    "ipm x2",
    "min-max",
    "min-sum",
    "mimic",
    "free-rider",
    "disguised",
    "sybil",
    "collude",
    "collude x5",
    "copy",
    "inflate x5",
    "badmouth",
)
ADAPTIVE, COUNTING, CLIMBING = "adaptive", "adaptive, counts x5", "climbing"
"""Attackers who search: among 25 updates; the same, declaring five times their samples; uphill from the best of 25."""
SEARCHING = (ADAPTIVE, COUNTING, CLIMBING)
CHAIN_CLIP = "chain clip"
"""The contracts' clipped rule, as a score and as an average: cut at the length that half of the samples stay below."""
BEFORE_TRAINING = ("label flip", "inflate x5")
"""Attacks on labels and on declared counts: what is sent is what training gave."""
KEYS = {
    "sign flip": "sign_flip",
    "gaussian x5": "gaussian_x5",
    "scale x5": "scale_x5",
    "alie z=1.5": "alie_z1.5",
    "ipm x2": "ipm_x2",
    "min-max": "min_max",
    "min-sum": "min_sum",
    "free-rider": "free_rider",
    "collude x5": "collude_x5",
    "leave self out": "leave_self_out",
    "clipped, self out": "clipped_self_out",
    "median reference": "median_reference",
    "peer median": "peer_median",
    "clipped midpoint": "clipped_midpoint",
    "accuracy-adjusted": "accuracy_adjusted",
    "norm clip": "norm_clip",
    "trimmed mean": "trimmed_mean",
    "multi-krum": "multi_krum",
    "geometric median": "geometric_median",
    "centered clipping": "centered_clipping",
    "nnm + trimmed": "nnm_trimmed_mean",
}
"""Names in the tables whose names in the package's registries are others."""
SCORE_NAMES = (
    "alignment",
    "cosine",
    "leave self out",
    "clipped",
    "clipped, self out",
    "median reference",
    "peer median",
    "fltrust",
    "root",
    "midpoint",
    "clipped midpoint",
    "accuracy-adjusted",
)
ALL_SCORES = (*SCORE_NAMES, CHAIN_CLIP)
AGGREGATOR_NAMES = (
    "fedavg",
    "norm clip",
    "median",
    "trimmed mean",
    "multi-krum",
    "geometric median",
    "centered clipping",
    "nnm + trimmed",
    "fltrust",
)
SEARCHED = ("fedavg", CHAIN_CLIP)
"""Averages under which an adaptive attacker is sent against every score: length moves the one, and not the other."""
DIRECTIONS = ("own", "agreed", "last average", "honest mean", "pooled")
RARE_SAMPLES = 60
PENALTIES = ((0.0, 0.0), (0.1, 0.05), (1.0, 0.05), (1.0, 0.5), (10.0, 0.05), (10.0, 0.5))
COLLUDERS = (1, 2, 3, 4, 5, 6, 8, 10)
SCALES = (0.5, 1.0, 2.0, 5.0, 10.0)
CLIMB_STEPS = 60
SEE_THE_STEP = ("alignment", "cosine", "leave self out", "midpoint", "accuracy-adjusted")
"""Scores that compare with what the average made of the updates; the others have a reference of their own."""


@dataclass(frozen=True)
class Trajectory:
    """One run: an attack under an aggregator; `target` is the score an adaptive attacker aims at."""

    attack: str
    aggregator: str
    target: str = ""


@dataclass(frozen=True)
class Study:
    """What is run: names of everything, seeds and rounds; `searches` adds the attackers who search."""

    dataset: str = "digits"
    partitions: tuple[str, ...] = tuple(PARTITIONS)
    attacks: tuple[str, ...] = ATTACKS
    aggregators: tuple[str, ...] = AGGREGATOR_NAMES
    scores: tuple[str, ...] = SCORE_NAMES
    searches: bool = False
    seeds: int = 20
    rounds: int = 10

    def trajectories(self) -> list[Trajectory]:
        """All trajectories of a world."""
        plain = [Trajectory(attack, aggregator) for attack in self.attacks for aggregator in self.aggregators]
        return plain + (searches() if self.searches else [])

    def count_cells(self) -> int:
        """Cells attack x score x aggregator x partition; each is measured once a seed."""
        searched = len(searches()) if self.searches else 0
        each = len(self.attacks) * len(self.aggregators) * len(self.scores) + searched
        return each * len(self.partitions)


def searches() -> list[Trajectory]:
    """The attackers who search, each against one score under one average."""
    found = [Trajectory(ADAPTIVE, average, score) for average in SEARCHED for score in ALL_SCORES]
    return found + [Trajectory(attack, CHAIN_CLIP, CHAIN_CLIP) for attack in (COUNTING, CLIMBING)]


# ---------------------------------------------------------------- a world


def load_world(dataset: str, partition: str, seed: int, clients: int = CLIENTS) -> FederatedData:
    """The federation of a world; its validation set is the public root set of 100 samples."""
    loader = {"digits": learning.load_digits_federation, "mnist": learning.load_mnist_federation}[dataset]
    data = loader(clients, rng=np.random.default_rng(seed), **PARTITIONS[partition])
    return replace(data, x_val=data.x_val[:ROOT_SAMPLES], y_val=data.y_val[:ROOT_SAMPLES])


def choose_attackers(seed: int) -> np.ndarray:
    """Which clients attack, sorted."""
    return np.sort(np.random.default_rng([seed, 3]).permutation(CLIENTS)[:ATTACKERS])


def collusion_direction(seed: int, size: int) -> np.ndarray:
    """What colluders agreed on before the federation began."""
    return np.random.default_rng([seed, 12]).standard_normal(size)


def see_round(
    model: MLP, data: FederatedData, params: np.ndarray, updates: np.ndarray, samples: np.ndarray, previous: np.ndarray
) -> Round:
    """T rounds at once, as whoever scores them sees them: params (T, P), updates (T, n, P), samples (T, n)."""
    x, y = data.x_val, data.y_val
    return Round(
        updates=updates,
        samples=samples,
        params=params,
        gradient=lambda where: model.gradient(where, x, y),
        accuracy=lambda where: model.accuracy(where, x, y),
        previous=previous,
        byzantine=ATTACKERS,
    )


def clip_as_on_chain(seen: Round) -> np.ndarray:
    """Updates cut at the shortest length that half of the samples do not exceed, as Aggregator.sol does, (T, n, P).

    `Round.clipped` cuts at the median over clients: names cost nothing on chain, samples cost a stake.
    """
    lengths = learning.compute_lengths(seen.updates)
    order = np.argsort(lengths, axis=-1, kind="stable")
    counts = np.take_along_axis(np.broadcast_to(seen.samples, lengths.shape), order, axis=-1)
    place = (2 * np.cumsum(counts, axis=-1) >= counts.sum(axis=-1, keepdims=True)).argmax(axis=-1)
    clip = np.take_along_axis(np.take_along_axis(lengths, order, axis=-1), place[..., None], axis=-1)[..., 0]
    return learning.clip_norms(seen.updates, clip=clip)


def score_round(name: str, seen: Round) -> np.ndarray:
    """A score of the study, by its name in the tables, (T, n)."""
    if name == CHAIN_CLIP:
        return alignment_scores(clip_as_on_chain(seen), seen.samples)
    return SCORES[KEYS.get(name, name)](seen)


def average_round(name: str, seen: Round) -> np.ndarray:
    """An average of the study, by its name in the tables, (T, P)."""
    if name == CHAIN_CLIP:
        return learning.fedavg(clip_as_on_chain(seen), seen.samples)
    if name == "fltrust":
        seen = replace(seen, root_update=train_root(seen))
    return AGGREGATORS[KEYS.get(name, name)](seen)


def pick(seen: Round, index: np.ndarray) -> Round:
    """Some of the rounds."""
    names = ("params", "updates", "samples", "previous")
    step = None if seen.step is None else seen.step[index]
    return replace(seen, **{name: getattr(seen, name)[index] for name in names}, step=step)


def train_root(seen: Round) -> np.ndarray:
    """The update that the server's own data gives, by as many steps as the clients do, (T, P)."""
    root = seen.params.copy()
    for _ in range(STEPS):
        root -= LR * seen.gradient(root)
    return root - seen.params


def attack(
    name: str, trained: np.ndarray, bad: np.ndarray, samples: np.ndarray, previous: np.ndarray, seed: int, number: int
) -> np.ndarray:
    """What the attackers send, (T, m, P). `trained` (T, n, P) holds what everybody's training gave."""
    key = KEYS.get(name, name)
    knowledge = adversaries.Insight(
        own=trained[:, bad],
        honest=np.delete(trained, bad, axis=1),
        previous=previous,
        samples=samples[bad],
        weight=samples[bad].sum() / samples.sum(),
        victim=choose_victim(samples, bad),
        agreed=collusion_direction(seed, trained.shape[-1]),
        round_number=number,
        rng=np.random.default_rng([seed, 14 if name == "disguised" else 13, number]),
    )
    if name in BEFORE_TRAINING:
        return knowledge.own
    check_choice("attack", key, adversaries.ATTACKS)
    return adversaries.ATTACKS[key](knowledge)


def choose_victim(samples: np.ndarray, bad: np.ndarray) -> int:
    """Whom the badmouthers push against: the honest client with most samples, counted among the honest."""
    return int(np.argmax(np.delete(samples, bad)))


def payoff_of(run: Trajectory, seen: Round, bad: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The attackers' share of the pay as a function of what they send, (T, m, P) → (T,); −inf where nobody is paid.

    Rounded, so that lengths between which a clip makes no difference tie: the shorter is tried first, and sent.
    """

    root = seen.root if run.target in ("fltrust", "root") else None  # the same for whatever they send

    def payoff(sent: np.ndarray) -> np.ndarray:
        updates = seen.updates.copy()
        updates[:, bad] = sent
        changed = replace(seen, updates=updates, root_update=root)
        if run.aggregator != "fedavg" and run.target in SEE_THE_STEP:
            changed = replace(changed, step=average_round(run.aggregator, changed))
        share = compute_share(score_round(run.target, changed), bad)
        return np.where(np.isnan(share), -np.inf, np.round(share, 9))

    return payoff


def adapt(run: Trajectory, seen: Round, bad: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What an attacker sends who tries five directions at five lengths against a score.

    Returns:
        What is sent, (T, m, P), and which of the 25 it is, direction by direction, (T,); −1 where none is paid.
    """
    own, honest = seen.updates[:, bad], np.delete(seen.updates, bad, axis=1)
    typical = learning.compute_median_norm(honest)
    spread = (1, len(bad), 1)
    agreed = adversaries.collude(np.tile(collusion_direction(seed, own.shape[-1]), (len(own), 1)), norm=typical)
    candidates = [
        own,
        np.tile(agreed[:, None], spread),
        np.tile(adversaries.replay(seen.previous, norm=typical)[:, None], spread),
        np.tile(adversaries.collude(honest.mean(axis=1), norm=typical)[:, None], spread),
        adversaries.sybil(own, np.ones(len(bad), dtype=int)),
    ]
    sent, _, choice = adversaries.search_best(candidates, SCALES, payoff_of(run, seen, bad))
    return sent, choice


def climb(run: Trajectory, seen: Round, bad: np.ndarray, seed: int, number: int) -> np.ndarray:
    """What an attacker sends who goes on from the best of the 25, (T, m, P): a random walk that keeps what pays more.

    A step adds to all of the attackers' updates one mix of the round's updates, the last average and the agreed
    direction, each brought to the usual length, and stretches what it has by some factor.
    """
    sent = adapt(run, seen, bad, seed)[0]
    typical = learning.compute_median_norm(np.delete(seen.updates, bad, axis=1))
    agreed = np.broadcast_to(collusion_direction(seed, sent.shape[-1]), seen.previous.shape)
    rows = np.concatenate([seen.updates, seen.previous[:, None], agreed[:, None]], axis=1)
    basis = learning.rescale(rows, typical[:, None])
    payoff, rng = payoff_of(run, seen, bad), np.random.default_rng([seed, 15, number])
    paid = payoff(sent)
    for _ in range(CLIMB_STEPS):
        reach = rng.choice([0.03, 0.1, 0.3, 1.0])
        mix = reach * rng.standard_normal(basis.shape[1])
        tried = np.exp(reach * rng.standard_normal()) * sent + np.einsum("k,tkp->tp", mix, basis)[:, None]
        value = payoff(tried)
        better = value > paid
        sent, paid = np.where(better[:, None, None], tried, sent), np.where(better, value, paid)
    return sent


def compute_share(scores: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Share of the round's pay that goes to `who`, (T,); NaN where nobody is paid."""
    paid = np.maximum(np.nan_to_num(scores), 0.0)
    total = paid.sum(axis=-1)
    return np.divide(paid[:, who].sum(axis=-1), total, out=np.full(len(total), np.nan), where=total > 0)


# ---------------------------------------------------------------- one world's rounds


def run_world(study: Study, partition: str, seed: int) -> dict[str, np.ndarray]:
    """All trajectories of one world.

    Returns:
        share (T, S), a mean over rounds that pay; take (T, S), burned_bad, burned_good and slashed_good (T, S), each a
        mean over all rounds; accuracy and worst_recall (T,) at the end; pay (T, S, n), every client's mean share;
        unpaid (T, S), rounds without pay; choice (T, R), what an adaptive attacker sent, −1 elsewhere.
    """
    cpu = time.process_time()
    data = load_world(study.dataset, partition, seed)
    model, runs = MLP(data.n_features, 32, data.n_classes), study.trajectories()
    bad, count = choose_attackers(seed), len(runs)
    start_rng, _, batch_rng, _ = np.random.default_rng([seed, 7]).spawn(4)  # the streams of simulation.run
    declared, labels = np.tile(data.sizes, (count, 1)), np.tile(data.y, (count, 1))
    theirs = np.isin(np.repeat(np.arange(CLIENTS), data.sizes), bad)  # samples of the attackers
    for t, run in enumerate(runs):
        if run.attack in ("label flip", "replacement"):
            labels[t, theirs] = adversaries.mirror_labels(data.y[theirs], n_classes=data.n_classes)
        if run.attack in ("inflate x5", COUNTING):
            declared[t] = adversaries.inflate_samples(data.sizes, clients=list(bad), factor=5)
    options: dict[str, Any] = {"steps": STEPS, "lr": LR, "batch_size": BATCH, "labels": labels, "rng": batch_rng}

    def work(number: int, params: np.ndarray, previous: np.ndarray) -> Round:
        updates = local_updates(model, params, data, **options)
        seen = see_round(model, data, params, updates, declared, previous)
        choices.append(_lie(seen, runs, bad, data.sizes, seed, number))
        return seen

    start = np.tile(model.init(rng=start_rng), (count, 1))
    totals: dict[str, np.ndarray] = {}
    choices: list[np.ndarray] = []
    clock = time.perf_counter()
    for seen in play_rounds(start, study.rounds, work, aggregate=lambda seen: _average_all(seen, runs)):
        for name, values in _measure(seen, bad, study.scores).items():
            totals[name] = totals.get(name, 0.0) + np.nan_to_num(values)
            if name == "share":
                totals["paid_rounds"] = totals.get("paid_rounds", 0.0) + ~np.isnan(values)
        params = seen.params + seen.step
    # "seconds": without loading data and starting a process; "cpu": what this world took of a core
    times = {"seconds": np.array(time.perf_counter() - clock), "cpu": np.array(time.process_time() - cpu)}
    return {**_summary(totals, model, params, data, study.rounds), "choice": np.stack(choices, axis=1), **times}


def _lie(
    seen: Round, runs: list[Trajectory], bad: np.ndarray, samples: np.ndarray, seed: int, number: int
) -> np.ndarray:
    """Replace the attackers' updates, attack by attack; which candidate an adaptive one chose, (T,), −1 elsewhere."""
    choice = np.full(len(runs), -1)
    for name in dict.fromkeys((run.attack, run.target and run) for run in runs):
        index = np.array([t for t, run in enumerate(runs) if (run.attack, run.target and run) == name])
        part, run = pick(seen, index), runs[index[0]]
        if run.attack == CLIMBING:
            sent = climb(run, part, bad, seed, number)
        elif run.attack in SEARCHING:
            sent, choice[index] = adapt(run, part, bad, seed)
        else:
            sent = attack(run.attack, part.updates, bad, samples, part.previous, seed, number)
        seen.updates[index[:, None], bad] = sent
    return choice


def _average_all(seen: Round, runs: list[Trajectory]) -> np.ndarray:
    """What each trajectory's aggregator makes of its updates, (T, P)."""
    step = np.zeros_like(seen.params)
    for name in dict.fromkeys(run.aggregator for run in runs):
        index = np.array([t for t, run in enumerate(runs) if run.aggregator == name])
        step[index] = average_round(name, pick(seen, index))
    return step


def _measure(seen: Round, bad: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Shares and penalties of one round under these scores."""
    good, weights = np.setdiff1d(np.arange(CLIENTS), bad), learning.compute_weights(seen.samples)
    rows: dict[str, list[np.ndarray]] = {k: [] for k in ("share", "burned_bad", "burned_good", "slashed_good", "pay")}
    for name in names:
        scores = np.nan_to_num(score_round(name, seen))
        # the paper's score sums to ||g||^2 under FedAvg; for the others the sum takes that place
        burned = incentives.alignment_penalties(
            scores, weights, np.maximum(scores.sum(axis=-1), 0.0), rate=PENALTY_RATE, cap=PENALTY_CAP
        )
        rows["share"].append(compute_share(scores, bad))
        rows["burned_bad"].append(burned[:, bad].sum(axis=-1))
        rows["burned_good"].append(burned[:, good].sum(axis=-1))
        rows["slashed_good"].append((scores[:, good] < 0).mean(axis=-1))
        rows["pay"].append(share_budget(np.maximum(scores, 0.0), 1.0))
    return {name: np.stack(values, axis=1) for name, values in rows.items()}


def _summary(
    totals: dict[str, np.ndarray], model: MLP, params: np.ndarray, data: FederatedData, rounds: int
) -> dict[str, np.ndarray]:
    paid = np.maximum(totals["paid_rounds"], 1)
    means = {name: totals[name] / rounds for name in ("burned_bad", "burned_good", "slashed_good")}
    recall = np.stack(
        [model.accuracy(params, data.x_test[data.y_test == c], data.y_test[data.y_test == c]) for c in range(10)]
    )
    return {
        **means,
        "share": totals["share"] / paid,
        "take": totals["share"] / rounds,
        "pay": totals["pay"] / paid[:, :, None],
        "unpaid": 1 - totals["paid_rounds"] / rounds,
        "accuracy": model.accuracy(params, data.x_test, data.y_test),
        "worst_recall": recall.min(axis=0),
    }


# ---------------------------------------------------------------- the grid


def run_grid(study: Study, jobs: int) -> dict[str, Any]:
    """All worlds of a study, reduced to means and 95% half widths over seeds.

    Returns:
        share, share_half, burned_bad, burned_good, slashed_good, unpaid by partition, attack, aggregator and score;
        accuracy, accuracy_half, worst_recall by partition, attack and aggregator; pay_shift by partition, aggregator
        and score; with searches, under_fedavg, see `_compare`, and searches, see `_search_rows`; minutes and
        cells_per_s.
    """
    start = time.perf_counter()
    worlds = [(partition, seed) for partition in study.partitions for seed in range(study.seeds)]
    done = Parallel(n_jobs=jobs)(delayed(run_world)(study, *world) for world in worlds)
    seconds = time.perf_counter() - start
    by_name = {name: np.stack([world[name] for world in done]) for name in done[0]}
    shape = (len(study.partitions), study.seeds)
    table = {name: values.reshape(*shape, *values.shape[1:]) for name, values in by_name.items()}
    grid, plain = (len(study.attacks), len(study.aggregators)), len(study.attacks) * len(study.aggregators)
    result: dict[str, Any] = {}
    for name in ("share", "burned_bad", "burned_good", "slashed_good", "unpaid", "accuracy", "worst_recall"):
        values = table[name][:, :, :plain]
        values = values.reshape(*shape, *grid, *values.shape[3:])
        result[name] = values.mean(axis=1)
        if name in ("share", "accuracy"):
            result[f"{name}_half"] = half_width(values, axis=1)
    result["pay_shift"] = _pay_shift(study, table["pay"])
    if study.searches:
        result["under_fedavg"] = _compare(study, table)
        result |= {"directions": DIRECTIONS, "scales": SCALES, "searches": _search_rows(study, table)}
    check = {} if study.dataset != "digits" else _first_seed(study, table)
    cost = {
        "minutes": seconds / 60,
        "minutes_in_rounds": float(by_name["seconds"].sum()) / jobs / 60,
        "minutes_of_cpu": float(by_name["cpu"].sum()) / jobs / 60,  # of each of `jobs` cores, were nothing else on them
        "jobs": jobs,
        "cells": study.count_cells(),
        "seeds": study.seeds,
    }
    return {**result, "seed_0": check, **cost, "cells_per_s": study.count_cells() * study.seeds / seconds}


def half_width(values: np.ndarray, axis: int) -> np.ndarray:
    """Half width of the 95% interval of a mean over `axis`, independent seeds; NaN for a single seed."""
    if values.shape[axis] < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    return np.apply_along_axis(lambda seeds: incentives.mean_interval(seeds)[1], axis, values)


def _pay_shift(study: Study, pay: np.ndarray) -> dict[str, Any]:
    """Pay that changes hands among ten honest clients when the aggregator does: half of sum |share - share_fedavg|."""
    first = study.attacks.index("honest") * len(study.aggregators)
    honest = pay[:, :, first : first + len(study.aggregators)]  # (partitions, seeds, aggregators, S, n)
    moved = 0.5 * np.abs(honest - honest[:, :, study.aggregators.index("fedavg")][:, :, None]).sum(axis=-1)
    return {"mean": moved.mean(axis=1), "half": half_width(moved, axis=1)}


def _compare(study: Study, table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Under FedAvg, what a lie gains on the honest row of its own seed, by partition, attack and score.

    Returns:
        take, in budgets a round; share_gain and take_gain, lying less honest; each with its half width.
    """
    index = [t for t, run in enumerate(study.trajectories()) if run.aggregator == "fedavg" and not run.target]
    found: dict[str, np.ndarray] = {}
    for name in ("share", "take"):
        values = table[name][:, :, index]  # (partitions, seeds, attacks, S); the first attack is honesty
        columns = {f"{name}_gain": values - values[:, :, :1]} | ({name: values} if name == "take" else {})
        for key, column in columns.items():
            found |= {key: column.mean(axis=1), f"{key}_half": half_width(column, axis=1)}
    return found


def _search_rows(study: Study, table: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """One row for each attacker who searches and each partition.

    Returns:
        share, take and accuracy with their half widths; gain, the share less the honest one under the same average by
        the same score, and over_twice, less twice that, paired by seed; chosen, by direction and length, the part of
        all rounds in which that was sent (empty for who climbs: he starts there).
    """
    runs, rows = study.trajectories(), []
    for place, partition in enumerate(study.partitions):
        for t, run in enumerate(runs):
            if not run.target:
                continue
            s, honest = study.scores.index(run.target), runs.index(Trajectory("honest", run.aggregator))
            share, fair = table["share"][place, :, t, s], table["share"][place, :, honest, s]
            columns = {
                "share": share,
                "take": table["take"][place, :, t, s],
                "accuracy": table["accuracy"][place, :, t],
            }
            columns |= {"gain": share - fair, "over_twice": share - 2 * fair, "honest": fair}
            row: dict[str, Any] = {"attack": run.attack, "average": run.aggregator, "score": run.target}
            row["partition"] = partition
            for name, values in columns.items():
                row |= {name: float(values.mean()), f"{name}_half": float(half_width(values[None], axis=1)[0])}
            choice = table["choice"][place, :, t]
            shares = [float((choice == k).mean()) for k in range(len(DIRECTIONS) * len(SCALES))]
            row["chosen"] = [] if run.attack == CLIMBING else np.reshape(shares, (len(DIRECTIONS), len(SCALES)))
            rows.append(row)
    return rows


def _first_seed(study: Study, table: dict[str, np.ndarray]) -> dict[str, Any]:
    """Seed 0, for checks by runs of themselves: shares under FedAvg, accuracies (partition, attack, aggregator)."""
    index = [t for t, run in enumerate(study.trajectories()) if run.aggregator == "fedavg" and not run.target]
    grid = (len(study.attacks), len(study.aggregators))
    every = table["accuracy"][:, 0, : grid[0] * grid[1]]
    return {"share": table["share"][:, 0, index], "accuracy": every.reshape(-1, *grid)}


# ---------------------------------------------------------------- collusion: theory and measurement


def run_collusion(partition: str, seed: int, sizes: tuple[int, ...], rounds: int) -> dict[str, np.ndarray]:
    """Share of k colluders of n by measurement and by theory, and kappa, each (len(sizes),), means over rounds.

    Equal weights 1/n, everybody clipped at the median honest length B, colluders at B: the theory's setting. The
    measured share floors negative honest scores at 0, the theory does not; `signed` is the share without the floor.
    """
    n = 20
    data = load_world("digits", partition, seed, n)
    model, count = MLP(data.n_features, 32, data.n_classes), len(sizes)
    start_rng, batch_rng = np.random.default_rng([seed, 8]).spawn(2)
    agreed = collusion_direction(seed, model.n_params)
    equal = np.ones(n, dtype=np.int64)
    sums = {name: np.zeros(count) for name in ("measured", "theory", "kappa", "signed", "negative")}

    def work(number: int, params: np.ndarray, previous: np.ndarray) -> Round:
        updates = local_updates(model, params, data, steps=STEPS, lr=LR, batch_size=BATCH, rng=batch_rng)
        for t, k in enumerate(sizes):
            length = learning.compute_median_norm(updates[t, k:])
            updates[t] = learning.clip_norms(updates[t], clip=length)
            updates[t, :k] = adversaries.collude(agreed, norm=length)
            kappa = adversaries.compute_kappa(updates[t, k:], norm=length)
            sums["kappa"][t] += kappa
            sums["theory"][t] += adversaries.compute_collusion_share(k / n, kappa)
        return see_round(model, data, params, updates, equal, previous)

    for seen in play_rounds(np.tile(model.init(rng=start_rng), (count, 1)), rounds, work):
        scores = SCORES["alignment"](seen)
        for t, k in enumerate(sizes):
            sums["measured"][t] += compute_share(scores[t : t + 1], np.arange(k))[0]
            sums["signed"][t] += scores[t, :k].sum() / scores[t].sum()
            sums["negative"][t] += (scores[t, k:] < 0).mean()
    return {name: values / rounds for name, values in sums.items()}


def study_collusion(sizes: tuple[int, ...], seeds: int, rounds: int, jobs: int) -> list[dict[str, Any]]:
    """One row for each partition and number of colluders, means over seeds."""
    worlds = [(partition, seed) for partition in PARTITIONS for seed in range(seeds)]
    done = Parallel(n_jobs=jobs)(delayed(run_collusion)(*world, sizes, rounds) for world in worlds)
    rows = []
    for place, partition in enumerate(PARTITIONS):
        part = done[place * seeds : (place + 1) * seeds]
        values = {name: np.stack([run[name] for run in part]) for name in part[0]}
        half = half_width(values["measured"], axis=0)
        for t, k in enumerate(sizes):
            mean = {name: float(column[:, t].mean()) for name, column in values.items()}
            rows.append(
                {
                    "partition": partition,
                    "q": k / 20,
                    **mean,
                    "half": float(half[t]),
                    "break_even": float(adversaries.compute_break_even(mean["kappa"])),
                    "error": abs(mean["measured"] - mean["theory"]),
                    "error_signed": abs(mean["signed"] - mean["theory"]),
                }
            )
    return rows


# ---------------------------------------------------------------- an honest minority under penalties


def load_minority(seed: int) -> FederatedData:
    """Digits in which client 0 holds the only nines of the training data, 60 of them, and nothing else."""
    data = load_world("digits", "iid", seed)
    nines, others = np.flatnonzero(data.y == 9)[:RARE_SAMPLES], np.flatnonzero(data.y != 9)
    deal = np.array_split(np.random.default_rng([seed, 21]).permutation(others), CLIENTS - 1)
    order = np.concatenate([nines, *(np.sort(part) for part in deal)])
    sizes = np.array([len(nines), *(len(part) for part in deal)])
    return replace(data, x=data.x[order], y=data.y[order], sizes=sizes)


def run_minority(rate: float, cap: float, seed: int, rounds: int, *, flippers: bool = False) -> dict[str, float]:
    """A federation with that penalty; a client whose stake fell below half of what it needs is out, as on chain.

    Watched is client 0, the only one with nines; with `flippers`, three sign flippers in a
    Dirichlet(1.0) world instead.
    """
    data = load_world("digits", "dir1.0", seed) if flippers else load_minority(seed)
    watched = choose_attackers(seed) if flippers else np.array([0])
    model, stakes = MLP(data.n_features, 32, data.n_classes), np.ones(CLIENTS)
    slashed, seen = np.zeros(2), np.zeros(2)  # watched, others

    def burn(outcome: simulation.RoundOutcome) -> None:
        clients, scores = outcome.state.clients, outcome.scores["alignment"]
        square = float(outcome.step @ outcome.step)
        stakes[clients] -= incentives.alignment_penalties(scores, stakes[clients], square, rate=rate, cap=cap)
        mine = np.isin(clients, watched)
        for group, members in enumerate((mine, ~mine)):
            slashed[group] += (scores[members] < 0).sum()
            seen[group] += members.sum()

    def lie(number: int, updates: np.ndarray, state: simulation.RoundState) -> np.ndarray:
        mine = np.isin(state.clients, watched)
        updates[mine] = adversaries.flip_sign(updates[mine])
        return updates

    result = simulation.run(
        data,
        model,
        rounds=rounds,
        rng=np.random.default_rng([seed, 7]),
        steps=STEPS,
        lr=LR,
        batch_size=BATCH,
        participation=lambda number, rng: np.flatnonzero(stakes >= 0.5),
        transform_updates=lie if flippers else None,
        observe=burn,
    )
    nine = data.y_test == 9
    return {
        "negative_rate": slashed[0] / max(seen[0], 1),
        "others_negative_rate": slashed[1] / max(seen[1], 1),
        "stake_left": float(stakes[watched].mean()),
        "excluded": float((stakes[watched] < 0.5).mean()),
        "recall_of_nine": float(model.accuracy(result.params, data.x_test[nine], data.y_test[nine])),
        "accuracy": result.accuracy,
        "share": float(result.table.pivot("reward")[:, watched].sum(axis=1).mean()),
    }


def study_minority(seeds: int, rounds: int, jobs: int) -> list[dict[str, Any]]:
    """Penalties from none to harsh: what they do to the honest client with rare data, and to sign flippers."""
    rows = []
    for rate, cap in PENALTIES:
        for flippers in (False, True):
            runs = (delayed(run_minority)(rate, cap, seed, rounds, flippers=flippers) for seed in range(seeds))
            done = Parallel(n_jobs=jobs)(runs)
            row: dict[str, Any] = {"rate": rate, "cap": cap, "watched": "sign flippers" if flippers else "rare class"}
            for name in done[0]:
                values = np.array([[run[name] for run in done]])
                row[name], row[f"{name}_half"] = float(values.mean()), float(half_width(values, axis=1)[0])
            rows.append(row)
    return rows


# ---------------------------------------------------------------- on chain


def measure_gas() -> dict[str, int]:
    """Gas of settling a round of ten clients, by how many of them have a negative score and are penalized.

    Returns:
        settle_honest, settle_penalized (three of ten penalized), penalty_gas_overhead (their difference, a client).
    """
    from bcfl_support import chain, protocol

    used = {}
    for name, flipped in (("settle_honest", 0), ("settle_penalized", 3)):
        with chain.connect() as node:
            config = protocol.FederationConfig(parameters=31, penalty_rate=PENALTY_RATE, penalty_cap=PENALTY_CAP)
            federation = protocol.Federation.deploy(node, config)
            clients, rng = node.accounts[1:11], np.random.default_rng(5)
            federation.register(clients, [100] * 10)
            federation.fund(10 * 10**18)
            for _ in range(2):  # the second round finds its storage written, as all later ones do
                updates = 0.1 * rng.standard_normal(31) + 0.01 * rng.standard_normal((10, 31))
                updates[:flipped] *= -1
                record = federation.play_round(dict(zip(clients, updates, strict=True)), rng=rng)
            assert sum(penalty > 0 for penalty in record.penalties) == flipped
            used[name] = sum(record.gas["settle"])
    used["penalty_gas_overhead"] = (used["settle_penalized"] - used["settle_honest"]) // 3
    return used | _measure_adjusted_gas()


def _measure_adjusted_gas() -> dict[str, int]:
    """Gas of one round of ten clients paid by accuracy-adjusted alignment: seven attestations and the settlement."""
    from bcfl_support import chain, protocol

    with chain.connect() as node:
        terms = (10**18, 1, 8, 100_000, 50_000, 666_667, 3_600, bytes(32))
        config = protocol.FederationConfig(parameters=31, pool="AccuracyAdjusted", pool_terms=terms)
        federation = protocol.Federation.deploy(node, config)
        pool, clients, rng = federation.pool, node.accounts[1:11], np.random.default_rng(5)
        federation.register(clients, [100] * 10)
        federation.fund(10**19)
        gains = [4] * 10
        digest = node.w3.keccak(node.w3.codec.encode(["int32[]"], [gains]))
        for _ in range(2):
            updates = 0.1 * rng.standard_normal(31) + 0.01 * rng.standard_normal((10, 31))
            number = federation.open_round()
            submissions = federation.prepare(dict(zip(clients, updates, strict=True)), rng=rng)
            federation.commit(submissions)
            federation.end_phase("Commit")
            federation.reveal(submissions)
            federation.aggregate()
            federation.score()
            votes = node.send_many([(pool.functions.attest(number, digest), client, 0) for client in clients[:7]])
            settled = node.send(pool.functions.settle(2**255, gains), sender=federation.publisher)
    attested = sum(receipt["gasUsed"] for receipt in votes)
    return {"adjusted_attestations": attested, "adjusted_settle": settled["gasUsed"]}


# ---------------------------------------------------------------- command line

FULL = Study()
MNIST = Study(
    dataset="mnist",
    attacks=("honest", "label flip", "gaussian x5", "scale x5", "alie", "ipm x2", "collude x5", "copy"),
    aggregators=("fedavg", "multi-krum"),
)
RULE = Study(aggregators=SEARCHED, scores=ALL_SCORES, searches=True)
"""The contracts' clipped rule beside FedAvg and the paper's score, and the attackers who search against either."""
QUICK = Study(attacks=("honest", "scale x5", "alie", "collude x5", "copy", "mimic"), seeds=2, rounds=3)
QUICK_RULE = replace(RULE, partitions=("dir1.0",), attacks=("honest", "collude"), seeds=2, rounds=2)
PARTS = ("grid", "rule", "mnist", "collusion", "minority", "gas")


def plain(value: Any, digits: int = 4) -> Any:
    """Arrays as lists, floats rounded: what goes into the result file. The big tables keep three digits, burns five."""
    if isinstance(value, dict):
        keep = {"burned_bad": 5, "burned_good": 5, "chosen": 3}
        big = {"share", "share_half", "slashed_good", "unpaid", "worst_recall"}
        top = "pay_shift" in value  # a whole grid
        return {key: plain(entry, keep.get(key, 3 if top and key in big else digits)) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry, digits) for entry in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), digits)
    if isinstance(value, float | np.floating):
        rounded = round(float(value), digits)
        return int(rounded) if rounded == 0 else rounded
    return value


def run_parts(parts: list[str], jobs: int, quick: bool) -> dict[str, Any]:
    """The chosen parts of the study, as they go into the result file."""
    found: dict[str, Any] = {}
    studies = {"grid": QUICK, "rule": QUICK_RULE} if quick else {"grid": FULL, "rule": RULE, "mnist": MNIST}
    for part in parts:
        if part in studies:
            study = studies[part]
            labels = {name: getattr(study, name) for name in ("attacks", "scores", "aggregators", "partitions")}
            found[part] = {**labels, "rounds": study.rounds, **run_grid(study, jobs)}
        elif part == "collusion":
            found[part] = study_collusion(*((COLLUDERS[::3], 2, 5) if quick else (COLLUDERS, 20, 20)), jobs)
        elif part == "minority":
            found[part] = study_minority(*((2, 10) if quick else (20, 40)), jobs)
        else:
            found[part] = measure_gas()
    return plain(found)


def summarize(found: dict[str, Any], quick: bool) -> dict[str, Any]:
    """The figures the benchmark is judged by."""
    grid, collusion = found.get("grid"), found.get("collusion")
    figures: dict[str, Any] = {"quick": quick}
    if grid:
        # of the full grid; when quick, extrapolated from the time a trajectory's round takes
        scale = _trajectory_rounds(FULL) / _trajectory_rounds(QUICK)
        figures["grid_minutes"] = round(grid["minutes_in_rounds"] * scale, 2) if quick else grid["minutes"]
        figures["grid_minutes_of_cpu"] = round(grid["minutes_of_cpu"] * (scale if quick else 1), 2)
        figures["cells_per_s"] = grid["cells_per_s"]
    if collusion:
        figures["collusion_max_abs_error"] = max(row["error"] for row in collusion)
        figures["collusion_max_abs_error_without_floor"] = max(row["error_signed"] for row in collusion)
    return figures | found.get("gas", {})


def _trajectory_rounds(study: Study) -> int:
    return len(study.trajectories()) * len(study.partitions) * study.seeds * study.rounds


def main() -> None:
    """Run, print, and write the result file."""
    parser = make_parser(__doc__, jobs=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to run; the rest is kept")
    options = parser.parse_args()
    parts = [part for part in options.parts if not (options.quick and part == "mnist")]
    found = run_parts(parts, options.jobs, options.quick)
    if not options.quick:
        write_result("adversaries", read_result("adversaries") | found, whole=set(parts) == set(PARTS))
    report(summarize(found, options.quick), options.json)


if __name__ == "__main__":
    main()
