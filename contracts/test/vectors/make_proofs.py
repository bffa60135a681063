"""Proofs of rounds, true ones and some built for false claims: `proofs.json` checks the contract and the package alike.

All are of one contract, the first that forge's test contract deploys, with a toy setup of 2^3 points and P = 20.

    python contracts/test/vectors/make_proofs.py
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import rounds
from bcfl_support.scaling.proofs.polynomials import R
from bcfl_support.scaling.proofs.setup import encode_key

CONTRACT = "0x5615dEB798BB3E4dFa0139dFa1b3D433Cc23b72f"
SENDER = "0x00000000000000000000000000000000000000A1"
PARAMETERS, LOG_N = 20, 3


def state(setup: proofs.Setup, updates: np.ndarray, weights: list[int]) -> proofs.Statement:
    """The true statement of these updates."""
    clients = [f"0x{0xC0DE00 + 3 * i:040x}" for i in range(len(updates))]
    where: dict[str, Any] = {"chain_id": 31337, "contract": CONTRACT, "round": 7, "sender": SENDER}
    return proofs.state_round(setup, updates, weights, clients, **where)


def lie(setup: proofs.Setup, claimed: proofs.Statement, updates: np.ndarray) -> proofs.Proof:
    """A proof for whatever is claimed: f's constant term is forced to it."""

    def witness(setup: proofs.Setup, updates: np.ndarray, weights: Any, rho: int, progress: Any) -> Any:
        made = rounds.Coefficients(setup, updates, weights, rho, progress)
        claim = sum(pow(rho, i, R) * s for i, s in enumerate(claimed.scores)) * pow(setup.n, -1, R)
        made.f += claim - int(made.f(0))
        return made

    return rounds.build_proof(setup, claimed, updates, witness)


def make_cases() -> dict[str, Any]:
    """The setup and all cases."""
    setup = proofs.toy_setup(LOG_N, secret=2502)
    cases = []

    def add(name: str, claimed: proofs.Statement, proof: proofs.Proof, holds: bool) -> None:
        scores = b"".join(score.to_bytes(16, "big", signed=True) for score in claimed.scores)
        points = b"".join(point for row in claimed.commitments for point in row)
        sent = {"scores": scores, "proof": proof.to_bytes(), "points": points, "message": claimed.message(setup)}
        row: dict[str, Any] = {"name": name, "holds": holds, "clients": claimed.clients, "weights": claimed.weights}
        cases.append(row | {key: "0x" + raw.hex() for key, raw in sent.items()})

    for n, seed in ((1, 0), (3, 1), (5, 2)):
        rng = np.random.default_rng(seed)
        updates = rng.integers(-128, 128, (n, PARAMETERS)).astype(np.int8)
        weights = [int(w) for w in rng.integers(1, 400, n)]
        true = state(setup, updates, weights)
        honest = proofs.prove_round(setup, true, updates)
        add(f"{n} clients", true, honest, True)
        more = replace(true, scores=(true.scores[0] + 1, *true.scores[1:]))
        add(f"{n} clients, one score too high", more, lie(setup, more, updates), False)
        add(f"{n} clients, another's score", more, honest, False)
        if n > 1:
            swapped = replace(true, scores=(true.scores[1], true.scores[0], *true.scores[2:]))
            add(f"{n} clients, two scores swapped", swapped, lie(setup, swapped, updates), False)
            heavier = replace(true, weights=(weights[0] + 1, *weights[1:]))
            add(f"{n} clients, a weight too high", heavier, lie(setup, heavier, updates), False)
    nothing = np.zeros((2, PARAMETERS), dtype=np.int8)
    true = state(setup, nothing, [3, 5])
    add("two updates of zeros", true, proofs.prove_round(setup, true, nothing), True)
    head = {"contract": CONTRACT, "sender": SENDER, "round": 7, "parameters": PARAMETERS, "log_n": LOG_N}
    return head | {"tau_h": "0x" + encode_key(setup.tau_h).hex(), "count": len(cases), "cases": cases}


def main() -> None:
    """Write `proofs.json` beside this file."""
    path = Path(__file__).with_name("proofs.json")
    path.write_text(json.dumps(make_cases(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
