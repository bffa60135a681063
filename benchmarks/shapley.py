"""What exact Shapley values of a round cost, against a plain loop, pyDVL and shapiq; how far estimates are off.

    python benchmarks/shapley.py --json            all of it, some minutes
    python benchmarks/shapley.py --json --quick    fewer clients, budgets and seeds, under 45 s

Task: digits dealt to n clients (Dirichlet 0.5), five rounds of FedAvg, then the game of the sixth round,
v(S) = L(w) − L(w + g_S) on the federation's validation samples, float64, one thread. Every contestant gets the same
round from the same file and evaluates the same function: the plain loop, pyDVL and shapiq through one forward pass a
coalition (`CoalitionLoss` in shapley_peers.py), ours in one batch; Shapley values must agree to 1e-9. pyDVL is timed
as shipped, where it evaluates coalitions anew for each client, and with a dictionary as cache; shapiq with the loop and
with our batched utility. Our time is the median of runs just before and after each peer's, utility set-up included.
The ratios are those at `speedup_clients` clients. The longer one forward pass takes, the less there is to save by
batching: `twice_the_samples` has the ratios on the same samples taken twice. What is not measured is null, with the
reason in `peer_note`.

`estimates` has the error of each estimator against budget (coalitions evaluated), for both conventions: mean over
seeds of ‖φ̂ − φ‖ / ‖φ‖. φ is exact at n = 20; at n = 50 and 100 it comes from a least-squares estimate from 200,000
coalitions, whose own standard error, as a share of ‖φ‖, is `reference_error`. `midpoint_*` compare one gradient per
round with exact values (MLP, n = 12): Spearman's rank correlation and the error as above, means over rounds.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _common import ROOT, make_parser, seconds  # first: it sets the threads

# isort: split
import numpy as np
from scipy.stats import spearmanr
from shapley_peers import CoalitionLoss

from bcfl_support import learning, shapley
from bcfl_support.learning import MLP, Model, SoftmaxRegression, load_digits_federation, local_updates, play_rounds
from bcfl_support.scores import alignment_scores, midpoint_scores

PEER_PYTHON = ROOT / ".venv-pydvl" / "bin" / "python"
NETWORK, LINEAR = MLP(64, 32, 10), SoftmaxRegression(64, 10)
CONVENTIONS: tuple[Any, ...] = ("fixed", "renormalized")
Round = dict[str, Any]


# ---------------------------------------------------------------- rounds


def make_rounds(model: Model, n: int, *, seed: int, first: int = 5, count: int = 1, alpha: float = 0.5) -> list[Round]:
    """`count` rounds of a federation after `first` rounds of training, as arrays."""
    rng = np.random.default_rng(seed)
    data = load_digits_federation(n, partition="dirichlet", rng=rng, alpha=alpha)
    units = [64, model.n_hidden, 10] if isinstance(model, MLP) else [64, 10]

    def work(number: int, params: np.ndarray, previous: np.ndarray) -> learning.Round:
        return learning.Round(
            updates=local_updates(model, params, data, steps=5, lr=0.5, rng=rng),
            samples=data.sizes,
            params=params,
            gradient=lambda where: model.gradient(where, data.x_val, data.y_val),
            accuracy=lambda where: model.accuracy(where, data.x_val, data.y_val),
            previous=previous,
        )

    played = list(play_rounds(model.init(rng=rng), first + count, work))[first:]
    common = {"samples": data.sizes, "units": units, "x": data.x_val, "y": data.y_val}
    return [{"params": seen.params, "updates": seen.updates} | common for seen in played]


def make_game(model: Model, arrays: Round, convention: Any = "fixed") -> shapley.RoundUtility:
    """The batched utility of a round."""
    parts = (arrays[name] for name in ("params", "updates", "samples", "x", "y"))
    return shapley.round_utility(model, *parts, convention=convention)


def exact(model: Model, arrays: Round, convention: Any = "fixed") -> np.ndarray:
    """Exact Shapley values, from set-up to the last subtraction."""
    return shapley.exact_shapley(make_game(model, arrays, convention).all_values())


def exact_by_loop(arrays: Round) -> np.ndarray:
    """The same from 2^n separate forward passes."""
    loss = CoalitionLoss(arrays)
    return shapley.exact_shapley([loss(shapley.coalition_members(mask)) for mask in range(1 << loss.n)])


# ---------------------------------------------------------------- against other libraries


def run_peer(arrays: Round, method: str) -> dict[str, Any]:
    """One peer's time and values, from its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "round.npz", **arrays)
        command = [str(PEER_PYTHON), str(ROOT / "benchmarks" / "shapley_peers.py"), f"{folder}/round.npz", method]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{method} failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(arrays: Round, methods: list[str], repeats: int) -> dict[str, Any]:
    """Seconds of ours and of each contestant on one round, and how many times longer each takes than ours."""
    n = len(arrays["updates"])
    values = exact(NETWORK, arrays)
    row: dict[str, Any] = {"clients": n}
    ours = [seconds(exact, NETWORK, arrays) for _ in range(repeats)]
    every = list(ours)
    for method in methods:
        if method == "loop":
            start = time.perf_counter()
            theirs, took, calls = exact_by_loop(arrays), time.perf_counter() - start, 1 << n
        else:
            answer = run_peer(arrays, method)
            theirs, took, calls = answer["values"], answer["seconds"], answer["evaluations"]
        if np.abs(np.asarray(theirs) - values).max() > 1e-9:
            raise AssertionError(f"{method} disagrees with ours at n = {n}: {theirs} against {values.tolist()}")
        after = [seconds(exact, NETWORK, arrays) for _ in range(repeats)]
        row |= {f"{method}_s": took, f"{method}_evaluations": calls}
        row[f"speedup_vs_{method}"] = took / statistics.median(ours + after)
        ours, every = after, every + after
    return row | {"ours_s": statistics.median(every)}


def compare_sizes(quick: bool, peers: bool) -> list[dict[str, Any]]:
    """One row for each number of clients; slow contestants drop out as n grows."""
    slowest = {"loop": 14, "pydvl": 12, "pydvl_cached": 14, "shapiq": 14, "shapiq_batched": 16}
    rows = []
    for n in (8, 10) if quick else (8, 10, 12, 14, 16):
        methods = [name for name, most in slowest.items() if n <= most and (peers or name == "loop")]
        if quick:
            methods = ["loop"] if n == 8 else [name for name in methods if name != "shapiq_batched"]
        rows.append(compare(make_rounds(NETWORK, n, seed=0)[0], methods, repeats=3 if n < 14 else 1))
    return rows


# ---------------------------------------------------------------- ours alone


def run_linear20(convention: str) -> dict[str, float]:
    """Exact values for 20 clients and a linear model; time, and peak memory of the process, this one."""
    arrays = make_rounds(LINEAR, 20, seed=0)[0]
    took = seconds(exact, LINEAR, arrays, convention)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": took, "peak_mb": peak * (1 if sys.platform == "darwin" else 1024) / 1e6}


def fresh_linear20(convention: str) -> dict[str, float]:
    """`run_linear20` in a process of its own."""
    command = [sys.executable, __file__, "--linear20", convention]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def midpoint(model: Model, arrays: Round, points: int = 1) -> np.ndarray:
    """Path integral of a round, one gradient a point."""
    return midpoint_scores(
        arrays["updates"],
        arrays["samples"],
        params=arrays["params"],
        gradient=lambda w: model.gradient(w, arrays["x"], arrays["y"]),
        points=points,
    )


def compare_midpoint(quick: bool) -> dict[str, Any]:
    """Midpoint, a 4-point path integral and S_i against exact values, over seeds, rounds and partitions."""
    rounds = [
        arrays
        for alpha in ((0.5,) if quick else (0.1, 0.5, 100.0))
        for seed in range(2 if quick else 5)
        for arrays in make_rounds(NETWORK, 12, seed=seed, first=2, count=2 if quick else 4, alpha=alpha)
    ]
    scores: dict[str, Callable[[Round], np.ndarray]] = {
        "midpoint": lambda arrays: midpoint(NETWORK, arrays),
        "path4": lambda arrays: midpoint(NETWORK, arrays, 4),
        "alignment": lambda arrays: alignment_scores(arrays["updates"], arrays["samples"]),
    }
    result: dict[str, Any] = {"midpoint_rounds": len(rounds)}
    truths = [exact(NETWORK, arrays) for arrays in rounds]
    for name, score in scores.items():
        pairs = [(score(arrays), truth) for arrays, truth in zip(rounds, truths, strict=True)]
        result[f"{name}_spearman"] = statistics.mean(float(spearmanr(*pair).statistic) for pair in pairs)
        result[f"{name}_rel_l2"] = statistics.mean(relative_error(*pair) for pair in pairs)
    return result


def time_midpoint_1000() -> float:
    """Seconds of the midpoint scores of 1000 clients of a 2410-parameter network: one gradient and one product."""
    rng = np.random.default_rng(0)
    arrays = make_rounds(NETWORK, 10, seed=0)[0]
    arrays |= {"updates": 0.01 * rng.standard_normal((1000, NETWORK.n_params)), "samples": rng.integers(1, 99, 1000)}
    return statistics.median(seconds(midpoint, NETWORK, arrays) for _ in range(5))


# ---------------------------------------------------------------- estimators


def relative_error(estimate: np.ndarray, truth: np.ndarray) -> float:
    """‖φ̂ − φ‖ / ‖φ‖."""
    return float(np.linalg.norm(estimate - truth) / np.linalg.norm(truth))


def estimators(whole: float) -> dict[str, Callable[..., shapley.Estimate]]:
    """All estimators by name; truncation at 1% of v(all)."""
    return {
        "permutation": lambda game, n, **o: shapley.permutation_shapley(game, n, antithetic=False, **o),
        "antithetic": shapley.permutation_shapley,
        "truncated": lambda game, n, **o: shapley.truncated_shapley(game, n, truncation=0.01 * abs(whole), **o),
        "gtg": lambda game, n, **o: shapley.gtg_shapley(game, n, truncation=0.01 * abs(whole), **o),
        "stratified": shapley.stratified_shapley,
        "svarm": shapley.svarm_shapley,
        "regression": shapley.regression_shapley,
    }


def mean_error(estimate: Callable[..., shapley.Estimate], game: Any, truth: np.ndarray, budget: int, seeds: int) -> Any:
    """Mean relative error over seeds, or None if the budget is below what the estimator needs."""
    n, errors = len(truth), []
    for seed in range(seeds):
        try:
            found = estimate(game, n, budget=budget, rng=np.random.default_rng(seed))
        except ValueError as error:
            if "clients need at least" in str(error):
                return None
            raise
        errors.append(relative_error(found.values, truth))
    return statistics.mean(errors)


def study_estimators(n: int, convention: Any, budgets: tuple[int, ...], seeds: int) -> dict[str, Any]:
    """Errors of all estimators at all budgets on one round of a linear model."""
    arrays = make_rounds(LINEAR, n, seed=0)[0]
    game = make_game(LINEAR, arrays, convention)
    row: dict[str, Any] = {"clients": n, "convention": convention, "reference_error": 0.0, "seeds": seeds}
    if n <= 20:
        truth = shapley.exact_shapley(game.all_values())
    else:
        reference = shapley.regression_shapley(game, n, budget=200_000, rng=np.random.default_rng(10**6))
        truth = reference.values
        row["reference_error"] = float(np.linalg.norm(reference.standard_errors) / np.linalg.norm(truth))
    if convention == "fixed":
        row["midpoint_error"] = relative_error(midpoint(LINEAR, arrays), truth)
    row["leave_one_out_error"] = relative_error(shapley.leave_one_out(game, n), truth)
    whole = float(truth.sum())
    for name, estimate in estimators(whole).items():
        row[name] = {str(budget): mean_error(estimate, game, truth, budget, seeds) for budget in budgets}
    return row


# ---------------------------------------------------------------- all


def measure(quick: bool) -> dict[str, Any]:
    """All numbers of the benchmark."""
    note = None if PEER_PYTHON.exists() else "the peers' environment .venv-pydvl is missing: run `make bench`"
    rows = compare_sizes(quick, peers=note is None)
    compared = next(row for row in rows if row["clients"] == (10 if quick else 12))
    twelve, sixteen = make_rounds(NETWORK, 12, seed=0)[0], make_rounds(LINEAR, 16, seed=0)[0]
    ratios = {
        f"speedup_vs_{name}": compared.get(f"speedup_vs_{name}")
        for name in ("pydvl", "pydvl_cached", "shapiq", "shapiq_batched", "loop")
    }
    result = {
        "exact_mlp12_s": statistics.median(seconds(exact, NETWORK, twelve) for _ in range(5)),
        **ratios,
        "speedup_clients": compared["clients"],
        "validation_samples": len(twelve["y"]),
        "twice_the_samples": None,
        "peer_note": note,
    }
    if not quick and note is None:
        doubled = twelve | {"x": np.tile(twelve["x"], (2, 1)), "y": np.tile(twelve["y"], 2)}
        result["twice_the_samples"] = compare(doubled, ["pydvl", "pydvl_cached"], repeats=3)
    for convention in CONVENTIONS[:1] if quick else CONVENTIONS:
        suffix = "" if convention == "fixed" else "_renormalized"
        result[f"exact_softmax16{suffix}_s"] = statistics.median(
            seconds(exact, LINEAR, sixteen, convention) for _ in range(3)
        )
        twenty = fresh_linear20(convention)
        result |= {f"exact_linear20{suffix}_{unit}": twenty[key] for unit, key in (("s", "seconds"), ("mb", "peak_mb"))}
    result["midpoint_1000_s"] = time_midpoint_1000()
    result |= compare_midpoint(quick)
    plan = {12: (500, 1000)} if quick else {20: (500, 2000, 8000), 50: (500, 2000, 8000), 100: (2000, 8000)}
    result["estimates"] = [
        study_estimators(n, convention, budgets, seeds=2 if quick else 10)
        for n, budgets in plan.items()
        for convention in CONVENTIONS
    ]
    return result | {"by_clients": rows}


def print_table(result: dict[str, Any]) -> None:
    """The same for people."""
    for row in result["by_clients"]:
        others = ", ".join(f"{key[:-2]} {row[key]:.2f} s" for key in row if key.endswith("_s") and key != "ours_s")
        print(f"exact, MLP, n = {row['clients']:2d}: ours {row['ours_s']:.3f} s, {others}")
    print(f"exact, softmax, n = 16: {result['exact_softmax16_s']:.2f} s; n = 20: {result['exact_linear20_s']:.2f} s")
    print(f"midpoint: rank {result['midpoint_spearman']:.3f}, error {result['midpoint_rel_l2']:.1%}")
    for row in result["estimates"]:
        errors = "; ".join(
            f"{name} " + " ".join("-" if error is None else f"{error:.1%}" for error in cells.values())
            for name, cells in row.items()
            if isinstance(cells, dict)
        )
        print(f"n = {row['clients']}, {row['convention']}: {errors}")


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--linear20", choices=CONVENTIONS, help="run only the exact values of 20 clients, print JSON")
    options = parser.parse_args()
    if options.linear20:
        print(json.dumps(run_linear20(options.linear20)))
        return
    result = measure(options.quick)
    if options.json:
        print(json.dumps(result))
    else:
        print_table(result)


if __name__ == "__main__":
    main()
