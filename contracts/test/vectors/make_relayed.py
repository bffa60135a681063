"""Rounds of rung 7 as a relayer brings them: `relayed.json` for forge, where nobody can prove or sign.

Four clients, client 1 of which has an entry that is no int8 in every round. For each of three rounds and each set that
makes a quorum, the payload of `work`, what must come of it, and the fault. Anybody may know the setup's secret.

    python contracts/test/vectors/make_relayed.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak, to_checksum_address

from bcfl_support.scaling import proofs, relayed
from bcfl_support.scaling.proofs import rounds, setup
from bcfl_support.scaling.proofs.signing import SigningKey, add_keys, add_signatures

CHAIN = 31_337
CONTRACTS = {"bls": "0x5615dEB798BB3E4dFa0139dFa1b3D433Cc23b72f", "ecdsa": "0x2e234DAe75C793f67A35089C9d99245E1C58470b"}
"""Where the test's contract deploys its first and its second."""
RELAYER = to_checksum_address(keccak(b"relayer")[12:])
SETUP = proofs.toy_setup(5, 0x5EC2E7 << 200)
PARAMETERS, WEIGHTS, FAULTY, POSITION = 20, (300, 7, 41, 150), 1, 13
ACCOUNTS = sorted((Account.from_key(keccak(b"client %d" % i)) for i in range(4)), key=lambda a: int(a.address, 16))
KEYS = [SigningKey.derive(account.address) for account in ACCOUNTS]
SETS = ([0, 1, 2, 3], [1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2])


def make_rows(number: int) -> np.ndarray:
    """What the four commit to in a round, shape (4, P), int64."""
    rows = np.random.default_rng(number).integers(-128, 128, (4, PARAMETERS))
    rows[FAULTY, POSITION] = 128 + number
    return rows


def make_round(kind: str, number: int, present: list[int]) -> dict[str, Any]:
    """One payload, its result and its fault."""
    rows = make_rows(number)[present]
    weights = [WEIGHTS[i] for i in present]
    sums = np.array(weights) @ rows
    scores = tuple(int(w * (row @ sums)) for w, row in zip(weights, rows, strict=True))
    statement = proofs.Statement(
        CHAIN, CONTRACTS[kind], number, RELAYER, PARAMETERS, tuple(ACCOUNTS[i].address for i in present),
        tuple(weights), scores, tuple(proofs.commit(SETUP, row) for row in rows),
    )  # fmt: skip
    message = statement.message(SETUP)
    signature, signed = b"", b""
    if kind == "bls":
        signature = add_signatures([KEYS[i].sign(message) for i in present])
    else:
        for i in present:
            made = ACCOUNTS[i].sign_message(encode_defunct(message))
            signed += made.r.to_bytes(32, "big") + (made.s | made.v - 27 << 255).to_bytes(32, "big")
    proof = rounds.build_proof(SETUP, statement, rows, rounds.Coefficients, signature=signature)
    absent = [i for i in range(4) if i not in present]
    everybody = keccak(b"".join(encode(["address"], [account.address]) for account in ACCOUNTS))
    keys = [key.public for key in KEYS] if kind == "bls" else [b""] * 4
    closing = (
        everybody, b"".join(weight.to_bytes(2, "big") for weight in WEIGHTS), add_keys(keys) if kind == "bls" else b"",
        sum(1 << i for i in absent), [account.address for account in ACCOUNTS] if absent else [],
        b"".join(keys[i] for i in absent), b"".join(b"".join(points) for points in statement.commitments),
        b"".join(score.to_bytes(16, "big", signed=True) for score in scores), proof.to_bytes(), signed,
    )  # fmt: skip
    every = [scores[present.index(i)] if i in present else 0 for i in range(4)]
    made = {
        "payload": encode([relayed.CLOSING], [closing]),
        "message": message,
        "scores": encode(["int256[]"], [every]),
    }
    if FAULTY in present:
        place = present.index(FAULTY)
        opening = proofs.open_entry(SETUP, rows[place], POSITION)
        fault = (
            list(statement.clients), weights, statement.digests(), keccak(made["scores"]), place,
            b"".join(statement.commitments[place]), POSITION, opening.value, opening.proof,
        )  # fmt: skip
        made["fault"] = encode(["(address[],uint256[],bytes32[],bytes32,uint256,bytes,uint256,uint256,bytes)"], [fault])
    return {name: "0x" + part.hex() for name, part in made.items()}


def main() -> None:
    """Write `relayed.json` beside this file."""
    possessions = [
        key.prove_possession(CHAIN, CONTRACTS["bls"], a.address) for key, a in zip(KEYS, ACCOUNTS, strict=True)
    ]
    written: dict[str, Any] = {
        "parameters": PARAMETERS,
        "logN": SETUP.log_n,
        "tauH": "0x" + setup.encode_key(SETUP.tau_h).hex(),
        "relayer": "0x" + bytes.fromhex(RELAYER[2:]).rjust(32, b"\0").hex(),
        "clients": [str(int(account.address, 16)) for account in ACCOUNTS],
        "weights": [str(weight) for weight in WEIGHTS],
        "sets": [str(sum(1 << i for i in present)) for present in SETS],
        "keys": ["0x" + key.public.hex() for key in KEYS],
        "possessions": ["0x" + possession.hex() for possession in possessions],
        "contracts": {kind: "0x" + place[2:].lower().rjust(64, "0") for kind, place in CONTRACTS.items()},
        "bls": [[make_round("bls", number, present) for present in SETS] for number in (1, 2, 3)],
        "ecdsa": [[make_round("ecdsa", number, present) for present in SETS[:2]] for number in (1, 2)],
    }
    path = Path(__file__).with_name("relayed.json")
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
