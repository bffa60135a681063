"""What a proven round costs its prover, and the chain: rungs 6 to 8, by clients, parameters, setups and ways to go.

    python benchmarks/proofs.py --json            all of it, some ten minutes, written to results/proofs.json
    python benchmarks/proofs.py --json --quick    ten clients of 4,096 parameters, written nowhere

Each row is made in a process of its own. ``commit_s`` are all clients' commitments, ``prove_s`` one proof, checked as
everybody checks it; ``peak_mb`` is the most memory that process ever had until then, libraries included. Then two
rounds are played on anvil with the cap of 16,777,216 gas a transaction, and compared with exact integers:
``gas_round`` is a first one, ``gas_later`` the next, from opening to final scores, without membership, keys, deposits.
``srs`` is the setup: Ethereum's, or a toy of so many powers, which is what a ceremony of that size would cost.
``way``: who opens the seals (rung 6), how clients sign (rung 7), who brings the blobs (rung 8).
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from typing import Any

from _common import make_parser, report, seconds, write_result  # first: it sets the threads

# isort: split
from gas import draw

from bcfl_support import scaling
from bcfl_support.chain import Chain
from bcfl_support.scaling import proofs

ETHEREUM, TOY = "Ethereum, 2^12", "toy, 2^20"
SECRET = 0x5EED
WAYS: dict[int, tuple[str, ...]] = {
    6: ("opened by the prover", "opened at once", "each opens its own"),
    7: ("bls", "ecdsa"),
    8: ("relayer", "each brings its own"),
}
"""The first is what `play` does."""
Case = tuple[int, str, int, int, str]
CASES: tuple[Case, ...] = (
    *((6, WAYS[6][0], n, P, ETHEREUM) for n, P in ((1, 4096), (10, 4096), (10, 10_000), (10, 100_000), (20, 100_000))),
    (6, WAYS[6][0], 100, 100_000, ETHEREUM),
    (6, WAYS[6][0], 10, 1_000_000, ETHEREUM),
    *((6, WAYS[6][0], n, 1_000_000, TOY) for n in (1, 10, 100)),
    *((6, way, 10, 4096, ETHEREUM) for way in WAYS[6][1:]),
    *((7, way, n, 4096, ETHEREUM) for way in WAYS[7] for n in (1, 5, 10, 12, 15, 20, 50, 100)),
    *((8, way, n, 4096, ETHEREUM) for way in WAYS[8] for n in (2, 5)),
)
QUICK: tuple[Case, ...] = tuple(
    (number, WAYS[number][0], n, 4096, ETHEREUM) for number, n in ((6, 10), (7, 10), (8, 2))
)


def measure(case: Case) -> dict[str, Any]:
    """One row."""
    number, way, n, P, srs = case
    setup = proofs.ethereum_setup() if srs == ETHEREUM else proofs.toy_setup(20, SECRET)
    values, weights = draw(n, P)
    points: list[tuple[bytes, ...]] = []
    took = {"commit_s": seconds(lambda: points.extend(proofs.commit(setup, row) for row in values))}
    who = {"chain_id": 1, "contract": "0x" + "11" * 20, "round": 1, "sender": "0x" + "22" * 20}
    clients = [f"0x{i + 1:040x}" for i in range(n)]
    statement = proofs.state_round(setup, values, weights, clients, commitments=points, **who)
    took["prove_s"] = seconds(proofs.prove_round, setup, statement, values)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    row: dict[str, Any] = {"rung": number, "way": way, "n": n, "P": P, "srs": srs, "chunks": setup.count_chunks(P)}
    row |= {name: round(value, 2) for name, value in took.items()} | {"peak_mb": round(peak)}
    with Chain.start(accounts=n + 3) as chain:
        rung = start(chain, number, way, weights, P, setup)
        first, later = (play(rung, values, way) for _ in range(2))
    row |= {"gas_round": first.total_gas, "gas_by_operation": dict(first.gas)}
    row |= {"gas_later": later.total_gas, "gas_later_by_operation": dict(later.gas)}
    row |= {"blob_gas": first.blobs * scaling.BLOB_GAS, "transactions": first.transactions}
    return row | {"max_tx_gas": first.max_tx_gas, "max_calldata_bytes": first.max_calldata_bytes}


def start(chain: Chain, number: int, way: str, weights: list[int], P: int, setup: proofs.Setup) -> scaling.Rung:
    """Deploy the rung that goes this way."""
    if way == WAYS[8][1]:
        return scaling.RevealedRung(chain, number, weights, P, setup=setup)
    options: dict[str, Any] = {"signatures": way} if number == 7 else {}
    return scaling.start_rung(chain, number, weights, P, setup=setup, **options)


def play(rung: scaling.Rung, values: Any, way: str) -> scaling.RoundBill:
    """A round, and its bill; `sys.exit` if it is not exact."""
    if way in WAYS[6][1:]:
        assert isinstance(rung, scaling.ProvenRung)
        everybody = range(len(values))
        rung.open()
        rung.submit(values)
        for clients in [everybody] if way == WAYS[6][1] else [[i] for i in everybody]:
            rung.reveal(clients, rung.clients[clients[0]])
        rung.work(values)
        bill = rung.bill()
    else:
        bill = rung.play(values)
    exact = rung.expected(values)
    if bill.scores != exact.scores or bill.result_digest != rung.result_digest(exact):
        sys.exit(f"{rung.artifact} with n = {len(values)}, P = {values.shape[1]} did not give the exact round")
    return bill


def main() -> None:
    """Measure, print, and write the result file."""
    options = make_parser(__doc__).parse_args()
    rows = []
    spawn = multiprocessing.get_context("spawn")
    for case in QUICK if options.quick else CASES:
        with spawn.Pool(1) as process:  # a new one: memory is measured
            rows.append(process.apply(measure, (case,)))
    found = {"rows": rows, "secret": hex(SECRET)}
    if not options.quick:
        write_result("proofs", found)
    report(found, options.json)


if __name__ == "__main__":
    main()
