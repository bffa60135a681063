"""The same federation on Flower's simulation engine; runs in Flower's own environment (`make bench` makes it).

    .venv-flower/bin/python benchmarks/training_flower.py FOLDER --rounds 4 --steps 5 --lr 0.5

FOLDER holds x.npy, y.npy, sizes.npy (training samples in client order) and x_test.npy, y_test.npy. Every client is a
PyTorch `Linear` trained by full-batch SGD; FedAvg over all clients, no evaluation on clients. Prints one JSON object:
seconds of each round, seconds of the whole run, test accuracy.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation


def make_client(folder: str, steps: int, lr: float) -> ClientApp:
    """The client program; every virtual client reads its own rows of the shared arrays."""
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        torch.set_num_threads(1)
        sizes = np.load(f"{folder}/sizes.npy")
        i = int(context.node_config["partition-id"])
        rows = slice(int(sizes[:i].sum()), int(sizes[: i + 1].sum()))
        x = torch.from_numpy(np.array(np.load(f"{folder}/x.npy", mmap_mode="r")[rows])).float()
        y = torch.from_numpy(np.array(np.load(f"{folder}/y.npy", mmap_mode="r")[rows]))
        state = message.content["arrays"].to_torch_state_dict()
        net = torch.nn.Linear(state["weight"].shape[1], state["weight"].shape[0])
        net.load_state_dict(state)
        optimizer = torch.optim.SGD(net.parameters(), lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        content = {"arrays": ArrayRecord(net.state_dict()), "metrics": MetricRecord({"num-examples": len(y)})}
        return Message(content=RecordDict(content), reply_to=message)

    return app


def make_server(folder: str, rounds: int, clock: list[float], accuracies: list[float]) -> ServerApp:
    """The server program: FedAvg, timed by the evaluation after each round."""
    app = ServerApp()
    x, y = torch.from_numpy(np.load(f"{folder}/x_test.npy")).float(), np.load(f"{folder}/y_test.npy")
    n = len(np.load(f"{folder}/sizes.npy"))

    def evaluate(number: int, arrays: ArrayRecord) -> MetricRecord:
        state = arrays.to_torch_state_dict()
        predicted = (x @ state["weight"].T + state["bias"]).argmax(dim=1).numpy()
        accuracies.append(float((predicted == y).mean()))
        clock.append(time.perf_counter())
        return MetricRecord({"accuracy": accuracies[-1]})

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        net = torch.nn.Linear(x.shape[1], int(y.max()) + 1)
        torch.nn.init.zeros_(net.weight)
        torch.nn.init.zeros_(net.bias)
        strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=n, min_available_nodes=n)
        strategy.start(grid, ArrayRecord(net.state_dict()), num_rounds=rounds, evaluate_fn=evaluate)

    return app


def main() -> None:
    """Run and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    options = parser.parse_args()
    clock: list[float] = []
    accuracies: list[float] = []
    start = time.perf_counter()
    run_simulation(
        server_app=make_server(options.folder, options.rounds, clock, accuracies),
        client_app=make_client(options.folder, options.steps, options.lr),
        num_supernodes=len(np.load(f"{options.folder}/sizes.npy")),
        backend_config={"client_resources": {"num_cpus": 1.0, "num_gpus": 0.0}},
    )
    seconds = np.diff(clock).round(4).tolist()
    print(json.dumps({"rounds_s": seconds, "accuracy": accuracies[-1], "total_s": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
