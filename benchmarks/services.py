"""How fast the ground is: import, anvil, IPFS, a registration's gas, a ten-client round, the largest transaction.

    python benchmarks/services.py --json            written to results/services.json
    python benchmarks/services.py --json --quick    fewer repeats and shapes, written nowhere

Times are the median of several starts on this machine; gas is the receipts' ``gasUsed``. ``max_tx_gas_n100`` is the
most expensive transaction of a round with 100 clients on a chain whose cap of 16,777,216 gas a transaction is switched
on (P = 31, and without ``--quick`` also P = 650).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from _common import make_parser, median_seconds, report, write_result  # first: it sets the threads

# isort: split
import numpy as np

from bcfl_support import learning
from bcfl_support.chain import TX_GAS_CAP, Chain
from bcfl_support.ipfs import IpfsNode
from bcfl_support.protocol import Federation, FederationConfig, RoundRecord


def import_seconds(repeats: int) -> float:
    """Time of ``import bcfl_support`` alone, measured inside fresh interpreters."""
    code = "import time; t = time.perf_counter(); import bcfl_support; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(repeats)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def ten_hospitals(repeats: int) -> tuple[int, float]:
    """Gas of a registration, and median seconds of a round on chain: 10 clients, 31 parameters."""
    rng = np.random.default_rng(0)
    data = learning.load_hospitals(10, rng=rng)
    model = learning.LogisticRegression(data.n_features)
    with Chain.start() as chain:
        fed = Federation.deploy(chain, FederationConfig(parameters=model.n_params))
        clients = chain.accounts[1:11]
        receipts = fed.register(clients, data.sizes)
        fed.fund(10**19)
        seconds = []
        for _ in range(repeats):
            updates = learning.local_updates(model, fed.model(), data, steps=5, lr=0.05, rng=rng)
            start = time.perf_counter()
            fed.play_round(dict(zip(clients, updates, strict=True)), rng=rng)
            seconds.append(time.perf_counter() - start)
    return max(receipt["gasUsed"] for receipt in receipts), statistics.median(seconds)


def many_clients(n: int, parameters: int) -> RoundRecord:
    """One round of n clients under the transaction cap."""
    rng = np.random.default_rng(n)
    with Chain.start() as chain:
        fed = Federation.deploy(chain, FederationConfig(parameters=parameters, capacity=n))
        clients = chain.accounts[1 : n + 1]
        fed.register(clients, rng.integers(20, 200, n))
        fed.fund(10**18)
        return fed.play_round({client: rng.normal(0, 0.1, parameters) for client in clients}, rng=rng)


def main() -> None:
    """Measure, print, and write the result file."""
    options = make_parser(__doc__).parse_args()
    repeats = 3 if options.quick else 9

    register_gas, round_seconds = ten_hospitals(3 if options.quick else 10)
    shapes = [(100, 31)] if options.quick else [(10, 31), (50, 31), (100, 31), (10, 650), (100, 650)]
    rounds = {f"n={n} P={p}": many_clients(n, p) for n, p in shapes}
    largest = max(max(max(used) for used in record.gas.values()) for record in rounds.values())
    result = {
        "import_s": round(import_seconds(repeats), 4),
        "anvil_ready_s": round(median_seconds(lambda: Chain.start().close(), repeats), 3),
        "ipfs_ready_s": round(median_seconds(lambda: IpfsNode.start().close(), repeats), 3),
        "register_gas": register_gas,
        "round10_s": round(round_seconds, 3),
        "max_tx_gas_n100": largest,
        "tx_gas_cap": TX_GAS_CAP,
        "gas_of_a_first_round": {
            shape: {operation: {"transactions": len(used), "gas": sum(used)} for operation, used in record.gas.items()}
            for shape, record in rounds.items()
        },
    }
    if not options.quick:
        write_result("services", result)
    report(result, options.json)


if __name__ == "__main__":
    main()
