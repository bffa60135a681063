"""What eight bits cost a real model: an MLP of 101,770 parameters through the rungs' integers, beside float.

    python benchmarks/int8.py --json            20 federations of each kind, some two minutes: results/int8.json
    python benchmarks/int8.py --json --quick    one of each kind, 5 rounds, written nowhere

Ten clients, MNIST-5k, 20 rounds of 10 steps; both sides have the same data, start and mini-batches. The int8 side
does what the contracts do: updates become whole steps from −128 to 127, `scaling.compute_round` averages and scores
them in exact integers (every rung gives these, which tests and lesson 6 check on chain), and the model moves by steps
times sums. All know the step beforehand: eight times the largest entry of the last round's result, by 127; in the first
round it is `FIRST`, which the publisher names. ``rank`` is
Spearman's correlation of the contract's scores with the paper's on the updates as they were before rounding, its mean
over the rounds; ``clipped`` the share of values beyond the 127th step.
"""

from __future__ import annotations

from typing import Any

from _common import make_parser, report, write_result  # first: it sets the threads

# isort: split
import numpy as np
from joblib import Parallel, delayed
from scipy.stats import spearmanr

from bcfl_support import scaling
from bcfl_support.learning import MLP, FederatedData, fedavg, load_mnist_federation, local_updates
from bcfl_support.scores import alignment_scores

KINDS: dict[str, dict[str, Any]] = {"iid": {}, "dir0.1": {"partition": "dirichlet", "alpha": 0.1, "min_size": 10}}
MODEL = MLP(784, 128, 10)
CLIENTS, ROUNDS, SEEDS = 10, 20, range(20)
TRAINING: dict[str, Any] = {"steps": 10, "lr": 0.2, "batch_size": 32}
FIRST, MARGIN = 0.15 / 127, 8
MOST_WEIGHT = 2_048


def small_weights(sizes: np.ndarray) -> list[int]:
    """Sample counts divided by a common factor, so that their sum is no more than a rung takes; none becomes 0."""
    factor = max(1.0, sizes.sum() / (MOST_WEIGHT - len(sizes)))
    return [max(1, round(size / factor)) for size in sizes.tolist()]


def as_int8(updates: np.ndarray, step: float) -> np.ndarray:
    """Updates in whole steps, rounded to the nearest and cut at the ends of int8."""
    return np.clip(np.rint(updates / step), -128, 127).astype(np.int8)


def train_float(data: FederatedData, seed: int, rounds: int = ROUNDS) -> float:
    """Accuracy after the rounds, with updates as they are."""
    w, rng = MODEL.init(rng=np.random.default_rng([seed, 1])), np.random.default_rng([seed, 2])
    for _ in range(rounds):
        w = w + fedavg(local_updates(MODEL, w, data, rng=rng, **TRAINING), data.sizes)
    return MODEL.accuracy(w, data.x_test, data.y_test)


def train_int8(data: FederatedData, seed: int, rounds: int = ROUNDS) -> dict[str, float]:
    """The same through the rungs' integers."""
    w, rng = MODEL.init(rng=np.random.default_rng([seed, 1])), np.random.default_rng([seed, 2])
    weights, step, ranks, clipped = small_weights(data.sizes), FIRST, [], []
    for _ in range(rounds):
        updates = local_updates(MODEL, w, data, rng=rng, **TRAINING)
        exact = scaling.compute_round(as_int8(updates, step), weights)
        clipped.append(float((abs(updates) > 127.5 * step).mean()))
        ranks.append(float(spearmanr(alignment_scores(updates, data.sizes), exact.scores)[0]))
        moved = step * np.asarray(exact.sums, dtype=float) / exact.total_weight
        w, step = w + moved, MARGIN * abs(moved).max() / 127
    accuracy = MODEL.accuracy(w, data.x_test, data.y_test)
    return {"accuracy": accuracy, "rank": float(np.mean(ranks)), "clipped": float(np.mean(clipped))}


def run_seed(kind: str, seed: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """One federation, both ways."""
    data = load_mnist_federation(CLIENTS, rng=np.random.default_rng([seed, 0]), **KINDS[kind])
    int8 = train_int8(data, seed, rounds)
    found = {"float": train_float(data, seed, rounds), "int8": int8["accuracy"]} | int8
    del found["accuracy"]
    return {"kind": kind, "seed": seed} | {name: round(value, 6) for name, value in found.items()}


def main() -> None:
    """Train, print, and write the result file."""
    options = make_parser(__doc__, jobs=True).parse_args()
    seeds, rounds = ([0], 5) if options.quick else (SEEDS, ROUNDS)
    tasks = [(kind, seed, rounds) for kind in KINDS for seed in seeds]
    rows = list(Parallel(n_jobs=options.jobs)(delayed(run_seed)(*task) for task in tasks))
    setting = {"parameters": MODEL.n_params, "clients": CLIENTS, "rounds": rounds, "first_step": FIRST}
    content = {"setting": setting, "rows": rows}
    report(content, options.json)
    if not options.quick:
        write_result("int8", content)


if __name__ == "__main__":
    main()
