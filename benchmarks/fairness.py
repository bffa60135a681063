"""What a fairness record depends on: the convention, the score it is compared with, the interval and the audits.

    python benchmarks/fairness.py --json            the whole study, written to results/fairness.json
    python benchmarks/fairness.py --json --quick    two seeds of it, written nowhere
    python benchmarks/fairness.py --json --only conventions    one section anew, the others kept as they are

Ten clients train a softmax regression on digits; one number a seed is kept, 20 seeds.

`conventions`: exact values of ten rounds, summed, for five ways to deal the digits. Rank correlations (Spearman) of
fixed with re-normalized weights, of loss with accuracy, of the alignment score S and of the midpoint rule with the
exact values, and with label quality where labels are wrong; `negative`, the share of clients with a negative sum.

`intervals`: 40 rounds, a record every K. All rounds are valued, or only the last of each K, or one drawn after the K
are over; a factor compares the share of the values with the share of the pay in the rounds valued. Client 0 sends
noise three times as long as an honest update in every round, or, where audits are known beforehand, in every round but
those. `pay` is its share of all pay (an honest client's is about a tenth), `error` the mean distance
Σ_i |share of the values − share over all 40 rounds| / 2 when everybody is honest.

`thirty`: thirty rounds with two classes each, all honest: the rank correlation of S with the exact values, both summed,
for three times as many seeds.

`noise`: the cheat of `intervals` in 40 rounds without factors: `value`, its share of all ten clients' exact values, and
`least`, whether it is the smallest of the ten.
"""

from __future__ import annotations

from typing import Any

from _common import make_parser, read_result, report, write_result  # first: it sets the threads

# isort: split
import numpy as np
from joblib import Parallel, delayed
from scipy.stats import spearmanr

from bcfl_support import adversaries, learning, shapley, simulation
from bcfl_support.incentives.consistency import fairness_ratios, share_budget
from bcfl_support.learning import SoftmaxRegression

MODEL = SoftmaxRegression(64, 10)
CLIENTS, SEEDS, ROUNDS, THIRTY, LONG = 10, 20, 10, 30, 40
DEALS: dict[str, dict[str, Any]] = {
    "IID": {"partition": "iid"},
    "IID, wrong labels": {"partition": "iid"},
    "Dirichlet 1.0": {"partition": "dirichlet", "alpha": 1.0},
    "Dirichlet 0.3": {"partition": "dirichlet", "alpha": 0.3, "min_size": 5},
    "2 classes each": {"partition": "pathological", "classes_per_client": 2},
}
SECTIONS = ("conventions", "intervals", "thirty", "noise")
INTERVALS = (1, 2, 5, 10, 20)
AUDITS = ("every round", "last round", "random round")
NOISE_LENGTH = 3.0


def rank_correlation(a: Any, b: Any) -> float:
    """Spearman's rho, to six digits: the rest may differ between machines."""
    return round(float(spearmanr(a, b).statistic), 6)


def value_round(outcome: simulation.RoundOutcome, convention: Any = "fixed", kind: Any = "loss") -> np.ndarray:
    """Exact values of one round's clients, (n,)."""
    state = outcome.state
    sizes, x, y = state.samples, state.data.x_val, state.data.y_val
    utility = shapley.round_utility(MODEL, state.params, outcome.updates, sizes, x, y, convention=convention, kind=kind)
    return shapley.exact_shapley(utility.all_values())


# ---------------------------------------------------------------- conventions


def compare_conventions(name: str, seed: int) -> dict[str, float]:
    """One federation of `ROUNDS` rounds: everything summed over them, then compared."""
    data = learning.load_digits_federation(CLIENTS, rng=np.random.default_rng(seed), **DEALS[name])
    rng = np.random.default_rng([seed, 1])
    wrong = rng.permutation(np.linspace(0, 0.7, CLIENTS))  # share of wrong labels
    if name == "IID, wrong labels":
        data = learning.with_label_noise(data, wrong, rng=rng)
    outcomes: list[simulation.RoundOutcome] = []
    run = simulation.run(data, MODEL, rounds=ROUNDS, rng=rng, scores=("alignment", "midpoint"), observe=outcomes.append)
    score, midpoint = (run.table.pivot(f"score_{kind}").sum(axis=0) for kind in ("alignment", "midpoint"))
    fixed = np.sum([value_round(outcome) for outcome in outcomes], axis=0)
    renormalized = np.sum([value_round(outcome, "renormalized") for outcome in outcomes], axis=0)
    accuracy = np.sum([value_round(outcome, kind="accuracy") for outcome in outcomes], axis=0)
    found = {
        "fixed, renormalized": rank_correlation(fixed, renormalized),
        "loss, accuracy": rank_correlation(fixed, accuracy),
        "S, fixed": rank_correlation(score, fixed),
        "S, renormalized": rank_correlation(score, renormalized),
        "midpoint, fixed": rank_correlation(midpoint, fixed),
        "midpoint error": round(float(np.linalg.norm(midpoint - fixed) / np.linalg.norm(fixed)), 6),
        "negative, fixed": float((fixed < 0).mean()),
        "negative, renormalized": float((renormalized < 0).mean()),
    }
    if name == "IID, wrong labels":
        for kind, values in (("S", score), ("fixed", fixed), ("renormalized", renormalized)):
            found[f"quality, {kind}"] = rank_correlation(-wrong, values)
    return found


def compare_thirty(seed: int) -> dict[str, float]:
    """Thirty honest rounds with two classes each: does S still order the clients as their exact values do?"""
    name = "2 classes each"
    data = learning.load_digits_federation(CLIENTS, rng=np.random.default_rng(seed), **DEALS[name])
    outcomes: list[simulation.RoundOutcome] = []
    run = simulation.run(data, MODEL, rounds=THIRTY, rng=np.random.default_rng([seed, 1]), observe=outcomes.append)
    values = np.sum([value_round(outcome) for outcome in outcomes], axis=0)
    return {"S, fixed": rank_correlation(run.table.pivot("score").sum(axis=0), values)}


# ---------------------------------------------------------------- intervals


def play_long(seed: int, honest_rounds: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """40 rounds in which client 0 sends noise except in `honest_rounds`: (S (40, n), exact values (40, n))."""
    data = learning.load_digits_federation(CLIENTS, rng=np.random.default_rng(seed))
    outcomes: list[simulation.RoundOutcome] = []

    def cheat(number: int, sent: np.ndarray, state: simulation.RoundState) -> np.ndarray:
        if number not in honest_rounds:
            length = NOISE_LENGTH * learning.compute_median_norm(sent[1:])
            sent[0] = adversaries.draw_noise(sent[:1], norm=length, rng=state.rng)[0]
        return sent

    run = simulation.run(
        data, MODEL, rounds=LONG, rng=np.random.default_rng([seed, 2]), transform_updates=cheat, observe=outcomes.append
    )
    return run.table.pivot("score"), np.array([value_round(outcome) for outcome in outcomes])


def choose_rounds(audit: str, interval: int, seed: int) -> list[np.ndarray]:
    """For each epoch, the rounds that are valued, from 0."""
    epochs = [np.arange(start, start + interval) for start in range(0, LONG, interval)]
    if audit == "every round":
        return epochs
    if audit == "last round":
        return [epoch[-1:] for epoch in epochs]
    rng = np.random.default_rng([seed, 3, interval])
    return [rng.choice(epoch, 1) for epoch in epochs]


def pay_with_factors(scores: np.ndarray, values: np.ndarray, valued: list[np.ndarray], interval: int) -> np.ndarray:
    """Pay (40, n) when each epoch's factors come from the rounds valued in the epoch before."""
    pay, factors = np.zeros_like(scores), np.ones(scores.shape[1])
    for epoch, chosen in enumerate(valued):
        rows = slice(epoch * interval, (epoch + 1) * interval)
        pay[rows] = share_budget(np.maximum(scores[rows], 0) * factors, 1.0)
        factors = fairness_ratios(values[chosen].sum(axis=0), pay[chosen].sum(axis=0))
    return pay


def distance(values: np.ndarray, valued: list[np.ndarray]) -> float:
    """Half the sum of |share in the rounds valued − share in all rounds|."""
    some, every = (share_budget(np.maximum(v.sum(axis=0), 0), 1.0) for v in (values[np.concatenate(valued)], values))
    return float(np.abs(some - every).sum() / 2)


def compare_intervals(seed: int) -> dict[str, dict[str, float]]:
    """Client 0's share of the pay, and the error for honest clients, by audit and interval."""
    honest, cheating = play_long(seed, set(range(1, LONG + 1))), play_long(seed, set())
    found = {}
    for interval in INTERVALS:
        # who knows the audited round is honest in it
        aware = play_long(seed, set(range(interval, LONG + 1, interval))) if interval > 1 else honest
        for audit in AUDITS:
            scores, values = aware if audit == "last round" else cheating
            valued = choose_rounds(audit, interval, seed)
            pay = pay_with_factors(scores, values, valued, interval).sum(axis=0)
            found[f"{audit}, {interval}"] = {
                "pay": round(float(pay[0] / pay.sum()), 6),
                "error": round(distance(honest[1], valued), 6),
            }
    found["no factors"] = {"pay": round(float(simple_pay(cheating[0])), 6), "error": 0.0}
    return found


def value_noise(seed: int) -> dict[str, float]:
    """What the cheat brings in 40 rounds: its share of the values, and whether nobody brought less."""
    totals = play_long(seed, set())[1].sum(axis=0)
    return {"value": round(float(totals[0] / totals.sum()), 6), "least": float(totals.argmin() == 0)}


def simple_pay(scores: np.ndarray) -> float:
    """Client 0's share of the pay without any factor."""
    return float(share_budget(np.maximum(scores, 0), 1.0)[:, 0].mean())


# ---------------------------------------------------------------- all of it


def gather(per_seed: list[dict[str, Any]]) -> dict[str, Any]:
    """A dictionary a seed → one dictionary with a list over the seeds in each leaf."""
    first = per_seed[0]
    return {
        key: gather([found[key] for found in per_seed]) if isinstance(first[key], dict) else [f[key] for f in per_seed]
        for key in first
    }


def study(section: str, seeds: range, jobs: int) -> dict[str, Any]:
    """One section of the result file."""
    parts = {"intervals": compare_intervals, "thirty": compare_thirty, "noise": value_noise}
    if section == "thirty":
        seeds = range(3 * len(seeds))  # its spread is the largest
    if section in parts:
        return gather(Parallel(n_jobs=jobs)(delayed(parts[section])(seed) for seed in seeds))
    work = [delayed(compare_conventions)(name, seed) for name in DEALS for seed in seeds]
    done = Parallel(n_jobs=jobs)(work)
    return {name: gather(done[k * len(seeds) : (k + 1) * len(seeds)]) for k, name in enumerate(DEALS)}


def main() -> None:
    """Run, print, and write the result file."""
    parser = make_parser(__doc__, jobs=True)
    parser.add_argument("--only", choices=SECTIONS, help="make one section anew and keep the others")
    options = parser.parse_args()
    seeds = range(2 if options.quick else SEEDS)
    chosen = [options.only] if options.only else SECTIONS
    found = {section: study(section, seeds, options.jobs) for section in chosen}
    if not options.quick:
        content = read_result("fairness") | found | {"seeds": len(seeds)}
        write_result("fairness", content, whole=options.only is None)
    figures = {}
    for section, content in found.items():
        for name, cell in content.items() if section in ("conventions", "intervals") else [(section, content)]:
            figures |= {f"{name}: {key}": round(float(np.mean(values)), 4) for key, values in cell.items()}
    report(figures, options.json)


if __name__ == "__main__":
    main()
