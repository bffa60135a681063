"""What a round costs on each rung of the ladder: measured where anvil runs it in reasonable time, else predicted.

    python benchmarks/gas.py --json            all of it, some 3 minutes, written to results/gas.json
    python benchmarks/gas.py --json --quick    ten clients and fewer sizes, written nowhere
    python benchmarks/gas.py --json --price    time and money of the stored rounds anew, without playing them

Every measured round is checked against exact integers. Some sizes cannot be deployed, as a transaction that holds
something of every client, such as the evidence of a dispute on rungs 3 and 4, would be too long: they stand under
``not_deployable``, with the most clients there may be. The cap of 16,777,216 gas a transaction is on, except where a
single transaction is above it (``cap_on`` false), on rung 0 above n·P = 1,000. ``gas_round`` is the whole of a first
round, from the opening to the scores, without membership and deposits. ``dispute_gas`` proves one chunk of 1,024
parameters wrong.

Of each round stand ``blob_gas``, which no receipt's gas holds; ``seconds_to_final``, from the first submission to a
score that cannot be undone, in quiet blocks, without a hurry; ``seconds_at`` and ``ether_at`` for each of ``INPUTS``.
They follow from the gas, from how full blocks are and what they cost: ``patiently``, no more is sent than leaves the
prices where they are, ``in_a_hurry``, blocks are filled and the fees react. ``with_demands`` is the longest that a
proposal may be held up. null is more ether than there is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from _common import make_parser, read_result, report, write_result  # first: it sets the threads

# isort: split
import numpy as np

from bcfl_support import scaling
from bcfl_support.chain import TX_GAS_CAP, Chain, load_artifact

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
CLIENTS = (10, 50, 100)
QUICK = (10, 1_000, 100_000)  # with ten clients, on each rung that is measured there
CAP_OFF_BLOCK = 20_000_000_000
INPUTS: dict[str, dict[str, float]] = {
    "quiet": {"base_fee": 1.0, "blob_fee": 0.0, "tip": 0.0, "others": 0.5},
    "congested": {"base_fee": 30.0, "blob_fee": 0.0, "tip": 2.0, "others": 0.9},
}
"""Two markets; fees in gwei, what others use as a share of the target. A blob gas costs a sixteenth of gas at least."""


def draw(n: int, P: int, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    """Values as 8-bit quantized gradients look (bell-shaped, few zeros), and weights that differ."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, P), dtype=np.float32)
    values *= 30
    np.clip(np.rint(values, out=values), -128, 127, out=values)
    return values.astype(np.int8), [1 + i % 20 for i in range(n)]


def draw_sparse(n: int, P: int, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    """Values as sparse updates have them: one of each block of 64, most of them small, one in twenty zero."""
    rng, blocks = np.random.default_rng(seed), -(-P // scaling.BLOCK)
    places = scaling.BLOCK * np.arange(blocks) + rng.integers(0, scaling.BLOCK, (n, blocks))
    picks = np.clip(np.rint(rng.laplace(0, 9, (n, blocks))), -128, 127).astype(np.int8)
    values = np.zeros((n, P), dtype=np.int8)
    np.put_along_axis(values, np.minimum(places, P - 1), picks, axis=1)
    return values, draw(n, 1)[1]


def is_measured(rung: int, n: int, P: int) -> bool:
    """Whether anvil runs this round in reasonable time."""
    return (scaling.predict(rung, n, P).blobs or n * P) <= scaling.RUNGS[rung].most_played


def measure(chains: dict[bool, Chain], rung: int, n: int, P: int) -> dict[str, Any]:
    """Play one round and read its bill."""
    sparse, predicted = issubclass(scaling.RUNGS[rung], scaling.SparseRung), scaling.predict(rung, n, P)
    values, weights = draw_sparse(n, P) if sparse else draw(n, P)
    cap_on = predicted.max_tx_gas <= TX_GAS_CAP
    deployed = scaling.start_rung(chains[cap_on], rung, weights, P)
    bill = deployed.play(values)
    exact = deployed.expected(values)
    if bill.scores != exact.scores or bill.result_digest != deployed.result_digest(exact):
        sys.exit(f"rung {rung} with n = {n}, P = {P} did not give the exact round")
    row = as_row(rung, n, P, dict(bill.gas), bill.max_tx_gas, bill.max_calldata_bytes, bill.transactions, bill.blobs)
    residual = round(predicted.total_gas / bill.total_gas - 1, 4)
    return row | {"measured": True, "cap_on": cap_on, "residual": residual}


def extrapolate(rung: int, n: int, P: int) -> dict[str, Any]:
    """The same from the cost model."""
    cost = scaling.predict(rung, n, P)
    gas = {operation: round(used) for operation, used in cost.gas.items()}
    row = as_row(rung, n, P, gas, round(cost.max_tx_gas), cost.max_calldata_bytes, cost.transactions, cost.blobs)
    return row | {"measured": False, "cap_on": cost.max_tx_gas <= TX_GAS_CAP, "residual": None}


def price(row: dict[str, Any]) -> dict[str, Any]:
    """What a row's gas and blobs take in time and money; the same for one that was played and one that is predicted."""
    kept = {"gas": row["gas_by_operation"], "transactions": row["transactions"], "max_tx_gas": row["max_tx_gas"]}
    sizes = {"rung": row["rung"], "clients": row["n"], "parameters": row["P"], "blobs": row["blobs"]}
    cost = scaling.RoundCost(**sizes, **kept, max_calldata_bytes=row["max_calldata_bytes"])
    seconds: dict[str, Any] = {}
    ether: dict[str, Any] = {}
    for name, inputs in INPUTS.items():
        market = scaling.Market(**inputs)
        patient, demands = (scaling.compute_latency(cost, market, windows=windows).seconds for windows in (1, 4))
        hurry = scaling.compute_latency(cost, market, hurry=True).seconds
        seconds[name] = {"patiently": patient, "in_a_hurry": hurry, "with_demands": demands}
        paid = [scaling.pay(cost.total_gas, cost.blobs, market, hurry=hurry) for hurry in (False, True)]
        rounded = [round(each.ether, 9) if each.ether < float("inf") else None for each in paid]
        ether[name] = {"patiently": rounded[0], "in_a_hurry": rounded[1], "inputs": inputs}
    found = {"blob_gas": row["blobs"] * scaling.BLOB_GAS, "seconds_to_final": seconds["quiet"]["patiently"]}
    found |= {"seconds_at": seconds, "ether_at": ether, "trust": scaling.RUNGS[row["rung"]].trust}
    return {name: value for name, value in row.items() if name not in found} | found


def as_row(
    rung: int, n: int, P: int, gas: dict[str, int], most: int, calldata: int, transactions: int, blobs: int
) -> dict[str, Any]:
    """One line of the table."""
    total = sum(gas.values())
    return {
        "rung": rung,
        "n": n,
        "P": P,
        "gas_round": total,
        "gas_by_operation": gas,
        "gas_per_value": round(total / (n * P), 3),
        "max_tx_gas": most,
        "max_calldata_bytes": calldata,
        "transactions": transactions,
        "blobs": blobs,
    }


def dispute_gas(chain: Chain, n: int, P: int) -> dict[str, int]:
    """Gas to prove a wrong sum and a wrong score, in a chunk of 1,024 parameters."""
    values, weights = draw(n, P)
    rung = scaling.start_rung(chain, 3, weights, P)
    assert isinstance(rung, scaling.OptimisticRung)
    rung.open()
    rung.submit(values)
    honest = rung.honest_tree()
    used = {}
    for kind in ("sum", "score"):
        leaves = list(honest.levels[0])[: -(-P // scaling.CHUNK)]
        sums, scores = leaves[3]
        leaves[3] = (bytes(32), scores) if kind == "sum" else (sums, (scores[0] + 1, *scores[1:]))
        rung.propose(scaling.SumTree([h for h, _ in leaves], [s for _, s in leaves]))
        used[kind] = int(rung.prove_chunk(3)["gasUsed"])
        rung.deposit(rung.worker, rung.terms.bond)
    return used


def kernel_gas(chain: Chain, n: int) -> float:
    """Gas a client and parameter for FedAvg and scores of one chunk, word-parallel, memory included."""
    values, weights = draw(n, scaling.CHUNK)
    kernel = chain.deploy(load_artifact("LaneKernel"))[0]
    data = b"".join(scaling.pack(row) for row in values)
    receipt = chain.send(
        kernel.functions.measure(weights, data, scaling.CHUNK), sender=chain.accounts[0], gas=TX_GAS_CAP
    )
    used = kernel.events.Measured().process_receipt(receipt)[0]["args"]["gasUsed"]
    return round(used / (n * scaling.CHUNK), 2)


def make_cases(quick: bool) -> tuple[list[tuple[int, int, int]], list[dict[str, Any]]]:
    """The sizes (rung, n, P) that can be deployed, and a line for each that cannot."""
    numbers = range(len(scaling.RUNGS))
    asked = [(rung, n, P) for rung in numbers for n in clients_of(rung) for P in SIZES]
    most = {(rung, P): scaling.largest_clients(rung, P) for rung, _, P in asked}
    cases = [(rung, n, P) for rung, n, P in asked if n <= most[rung, P]]
    if quick:
        least = {rung: clients_of(rung)[0] for rung in numbers}
        return [(rung, n, P) for rung, n, P in cases if n == least[rung] and P in QUICK and is_measured(rung, n, P)], []
    refused = [(rung, n, P) for rung, n, P in asked if n > most[rung, P]]
    return cases, [
        {"rung": rung, "n": n, "P": P, "largest_n": most[rung, P], "why": why_refused(rung)} for rung, n, P in refused
    ]


def why_refused(rung: int) -> str:
    """What a rung has no room for."""
    if issubclass(scaling.RUNGS[rung], scaling.AvailableRung):
        return "an update is one blob, of 4,096 values at most, and a transaction carries six"
    return "a transaction with a part of every client would be too long"


def clients_of(rung: int) -> tuple[int, ...]:
    """`CLIENTS`, and before them the most that a rung takes if that is fewer than the fewest of these."""
    most = scaling.largest_clients(rung, min(SIZES))
    return CLIENTS if most >= min(CLIENTS) else (most, *CLIENTS)


def rows(cases: list[tuple[int, int, int]], quick: bool) -> Iterator[dict[str, Any]]:
    """The table, row by row."""
    with Chain.start() as chain:
        kernels = {n: kernel_gas(chain, n) for n in CLIENTS if n == 10 or not quick}
        dispute = dispute_gas(chain, 10, 100_000)
    for rung in range(len(scaling.RUNGS)):
        sizes = [(n, P) for number, n, P in cases if number == rung]
        # A new pair of chains for each rung: anvil keeps the state of every block.
        with Chain.start() as capped, Chain.start(tx_gas_cap=False, block_gas_limit=CAP_OFF_BLOCK) as free:
            for n, P in sizes:
                known = is_measured(rung, n, P)
                row = measure({True: capped, False: free}, rung, n, P) if known else extrapolate(rung, n, P)
                if rung in (1, 2, 3):
                    row["kernel_gas_per_value"] = kernels[n]
                if (rung, n, P) == (3, 10, 100_000):
                    row["dispute_gas"] = dispute
                yield price(row)


def main() -> None:
    """Measure, print, and write the result file."""
    parser = make_parser(__doc__)
    parser.add_argument("--price", action="store_true", help="only time and money of the stored rounds anew")
    options = parser.parse_args()
    if options.price:
        stored = read_result("gas")
        content = {"rows": [price(row) for row in stored["rows"]], "not_deployable": stored["not_deployable"]}
        if options.json:
            report(content, as_json=True)
        write_result("gas", content, whole=False)
        return
    found = []
    cases, not_deployable = make_cases(options.quick)
    for row in rows(cases, options.quick):
        found.append(row)
        if not options.json:
            mark = "measured" if row["measured"] else "predicted"
            print(
                f"rung {row['rung']}, n = {row['n']:3d}, P = {row['P']:9,}: {row['gas_round']:17,} gas, "
                f"{row['gas_per_value']:10,.1f} a value, most expensive {row['max_tx_gas']:13,}, {mark}",
                flush=True,
            )
    if not options.json:
        for no in not_deployable:
            print(f"rung {no['rung']}, n = {no['n']:3d}, P = {no['P']:9,}: not deployable: {no['why']}; ", end="")
            print(f"largest n {no['largest_n']}")
    content = {"rows": found, "not_deployable": not_deployable}
    if options.json:
        report(content, as_json=True)
    if not options.quick:
        write_result("gas", content)


if __name__ == "__main__":
    main()
