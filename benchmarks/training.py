"""How fast a round trains: all clients in one batch, against one PyTorch model after another, against Flower.

    python benchmarks/training.py --json            all of it, some minutes (Flower takes most of them)
    python benchmarks/training.py --json --quick    without Flower and with fewer repeats, under 45 s

Task: digits, softmax regression (650 parameters), IID partition, 5 full-batch steps a round, n = 10, 100, 1000
clients. All three sides get the same partition, start, steps and learning rate, and no randomness is left, so their
accuracies must agree up to rounding. A round is local training of all clients and FedAvg, without evaluation. Times
are medians of rounds, ours and the loop's taken in turns on one thread; Flower's first round starts its workers and
is left out. Flower uses all cores. What is not measured is null, with the reason in `flower_note`.

`lesson_run_s` is data, 30 rounds of 10 clients and all scores in a process that has imported its modules, as a
lesson's cell has; `lesson_cold_s` adds a fresh interpreter and the imports (scikit-learn's take most of it).
`bytes_per_client_parameter` is the slope of peak memory from 100 to 1000 clients: three float64 arrays are 24.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

from _common import ROOT, make_parser, seconds  # first: it sets the threads

# isort: split
import numpy as np

from bcfl_support import simulation
from bcfl_support.learning import FederatedData, SoftmaxRegression, fedavg, load_digits_federation, local_updates
from bcfl_support.scores import SCORES

FLOWER_PYTHON = ROOT / ".venv-flower" / "bin" / "python"
STEPS, LR = 5, 0.5
MODEL = SoftmaxRegression(64, 10)


def our_round(data: FederatedData, w: np.ndarray) -> np.ndarray:
    """One round, all clients in one batch."""
    updates = local_updates(MODEL, w, data, steps=STEPS, lr=LR, rng=np.random.default_rng(0))
    return w + fedavg(updates, data.sizes)


class PlainLoop:
    """The usual way: one PyTorch model and optimizer for each client, one after another, float32."""

    def __init__(self, data: FederatedData) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch, self.sizes = torch, data.sizes
        clients = [data.client(i) for i in range(data.n_clients)]
        self.clients = [(torch.tensor(x, dtype=torch.float32), torch.tensor(y)) for x, y in clients]

    def round(self, w: np.ndarray) -> np.ndarray:
        """One round from the flat parameters `w` to the next ones."""
        torch = self.torch
        start = {"weight": torch.tensor(w[:640]).reshape(10, 64).float(), "bias": torch.tensor(w[640:]).float()}
        average = {name: torch.zeros_like(value) for name, value in start.items()}
        for (x, y), size in zip(self.clients, self.sizes, strict=True):
            net = torch.nn.Linear(64, 10)
            net.load_state_dict(start)
            optimizer = torch.optim.SGD(net.parameters(), lr=LR)
            for _ in range(STEPS):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            for name, value in net.state_dict().items():
                average[name] += value * (float(size) / float(self.sizes.sum()))
        return np.concatenate([average["weight"].reshape(-1).numpy(), average["bias"].numpy()]).astype(np.float64)


def run_flower(data: FederatedData, rounds: int) -> dict[str, Any]:
    """The same task on Flower's simulation engine, in its own environment and process."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("x", "y", "sizes", "x_test", "y_test"):
            np.save(Path(folder) / f"{name}.npy", getattr(data, name))
        script = [str(FLOWER_PYTHON), str(ROOT / "benchmarks" / "training_flower.py"), folder]
        options = ["--rounds", str(rounds), "--steps", str(STEPS), "--lr", str(LR)]
        done = subprocess.run([*script, *options], capture_output=True, text=True, timeout=1200, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Flower failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def peak_mb(data: FederatedData) -> float:
    """Most memory a round allocates at any moment, in MB of 10^6 bytes, data excluded."""
    w = np.zeros(MODEL.n_params)
    tracemalloc.start()
    our_round(data, w)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def lesson_run() -> None:
    """What a lesson's cell does: data, 30 rounds of 10 clients, every score, the table."""
    data = load_digits_federation(10, rng=np.random.default_rng(0))
    simulation.run(data, MODEL, rounds=30, scores=tuple(SCORES), rng=np.random.default_rng(1))


def compare(n: int, repeats: int, rounds: int, flower: bool) -> dict[str, Any]:
    """Seconds a round of all sides at n clients, their accuracies after equal rounds, and our memory."""
    data = load_digits_federation(n, rng=np.random.default_rng(0))
    loop = PlainLoop(data)
    w = np.zeros(MODEL.n_params)
    difference = float(np.abs(our_round(data, w) - loop.round(w)).max())
    times = [
        (statistics.median(seconds(our_round, data, w) for _ in range(5)), seconds(loop.round, w))
        for _ in range(repeats)
    ]
    ours, looped = (statistics.median(side) for side in zip(*times, strict=True))
    result = {
        "clients": n,
        "ours_s": ours,
        "loop_s": looped,
        "flower_s": None,
        "clients_per_s": n / ours,
        "speedup_vs_loop": looped / ours,
        "speedup_vs_flower": None,
        "largest_difference_to_loop": difference,
        "peak_mb": peak_mb(data),
        "accuracy_rounds": rounds,
        "accuracy_flower": None,
    }
    for name, one_round in (("ours", our_round), ("loop", lambda _, v: loop.round(v))):
        v = np.zeros(MODEL.n_params)
        for _ in range(rounds):
            v = one_round(data, v)
        result[f"accuracy_{name}"] = MODEL.accuracy(v, data.x_test, data.y_test)
    if flower:
        theirs = run_flower(data, rounds)
        result["flower_s"] = statistics.median(theirs["rounds_s"][1:])
        result["flower_first_round_s"] = theirs["rounds_s"][0]
        result["speedup_vs_flower"] = result["flower_s"] / ours
        result["accuracy_flower"] = theirs["accuracy"]
    return result


def measure(quick: bool) -> dict[str, Any]:
    """All numbers of the benchmark."""
    note = None
    if quick:
        note = "left out by --quick"
    elif not FLOWER_PYTHON.exists():
        note = "Flower's environment .venv-flower is missing: run `make bench`"
    # clients: (timed repeats, rounds to the accuracy)
    plan = {10: (2, 10), 100: (2, 10), 1000: (1, 1)} if quick else {10: (5, 10), 100: (5, 10), 1000: (3, 3)}
    rows = [compare(n, repeats, rounds, flower=note is None) for n, (repeats, rounds) in plan.items()]
    main_row, largest = rows[1:]
    slope = (
        (largest["peak_mb"] - main_row["peak_mb"]) * 1e6 / (largest["clients"] - main_row["clients"]) / MODEL.n_params
    )
    return {
        **{name: main_row[name] for name in ("clients", "speedup_vs_loop", "speedup_vs_flower")},
        **{name: main_row[name] for name in ("accuracy_ours", "accuracy_loop", "accuracy_flower")},
        "accuracy_rounds": main_row["accuracy_rounds"],
        "lesson_run_s": min(seconds(lesson_run) for _ in range(3)),
        "lesson_cold_s": seconds(subprocess.run, [sys.executable, __file__, "--lesson"]),
        "peak_mb_1000_clients": largest["peak_mb"],
        "bytes_per_client_parameter": slope,
        "flower_note": note,
        "by_clients": rows,
    }


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--lesson", action="store_true", help="run a lesson's 30 rounds once and print nothing")
    options = parser.parse_args()
    if options.lesson:
        lesson_run()
        return
    result = measure(options.quick)
    if options.json:
        print(json.dumps(result))
        return
    for row in result["by_clients"]:
        flower = f"{row['flower_s']:.2f} s Flower" if row["flower_s"] else f"no Flower ({result['flower_note']})"
        print(
            f"n = {row['clients']:4d}: {1e3 * row['ours_s']:.2f} ms ours, {1e3 * row['loop_s']:.1f} ms loop, {flower}"
        )
    warm, cold = result["lesson_run_s"], result["lesson_cold_s"]
    print(f"a lesson's run, 10 clients x 30 rounds: {warm:.2f} s, in a fresh process with imports {cold:.2f} s")


if __name__ == "__main__":
    main()
