"""Rounds, lies and a contract: what the test files of this folder share."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from eth_abi import encode
from eth_utils import keccak, to_checksum_address
from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from bcfl_support.scaling import proofs
from bcfl_support.scaling.proofs import rounds
from bcfl_support.scaling.proofs.polynomials import R

SECRET = 0x5EC2E7 << 200  # of the toys; no test of soundness uses it
CONTRACT = "0x" + "c0" * 20
BASE_PRIME = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB


@functools.cache
def toy(log_n, powers=True):
    return proofs.toy_setup(log_n, SECRET, powers=powers)


def draw_round(n, parameters, seed=0):
    """Updates with both extremes among them, weights that differ and fit every rung's lanes."""
    rng = np.random.default_rng(seed)
    updates = np.clip(np.rint(rng.normal(0, 50, (n, parameters))), -128, 127).astype(np.int8)
    return updates, [int(w) for w in rng.integers(1, 2048 // n, n)]


def name_clients(n):
    return tuple(f"0x{7 * i + 1:040x}" for i in range(n))


def state(setup, updates, weights, **changes):
    """The true statement of these updates, and what a liar changes of it."""
    clients = name_clients(len(updates))
    names = {"chain_id": 31337, "contract": CONTRACT, "round": 3, "sender": clients[0]}
    return replace(proofs.state_round(setup, updates, weights, clients, **names), **changes)


def lie(setup, statement, updates, weights=None, **options):
    """A proof built for whatever the statement claims: f's constant term is forced to it, so the opening at 0 holds.

    Args:
        updates: what the prover computes with, not what the commitments hold.
        weights: the same for weights.
    """

    def witness(setup, updates, stated, rho, progress):
        made = rounds.Coefficients(setup, updates, stated if weights is None else weights, rho, progress)
        claim = sum(pow(rho, i, R) * s for i, s in enumerate(statement.scores)) * pow(setup.n, -1, R)
        made.f += claim - int(made.f(0))
        assert int(made.f(0)) == claim % R
        return made

    return rounds.build_proof(setup, statement, updates, witness, **options)


def off_the_group():
    """A point on the curve that is not in the group of order r."""
    x = 1
    while True:
        y = pow(x**3 + 4, (BASE_PRIME + 1) // 4, BASE_PRIME)
        if (y * y - x**3 - 4) % BASE_PRIME == 0:
            return x.to_bytes(48, "big") + y.to_bytes(48, "big")
        x += 1


OFF_CURVE, OFF_GROUP = (5).to_bytes(48, "big") * 2, off_the_group()


def call_contract(setup, call, *, absorb_signature=True, node=None):
    """The contract's check from the bytes that it is sent, written from `transcript` and `fold` alone.

    Args:
        setup: N and τ·H, which the contract was deployed with.
        call: chain_id, contract, round, sender, parameters, clients, weights; as bytes points, scores, proof,
            aggregates, key.
        absorb_signature: False forgets to hash it.
        node: whose precompiles add and pair; None: the library does.

    Returns:
        Whether the pairing is one. Malformed points raise.
    """
    tau = write_key(setup.tau_h)
    add, pair = (node.add, node.pair) if node else (add_points, pair_points)
    number, chunks = len(call["clients"]), -(-call["parameters"] // setup.n)
    step = 96 * chunks
    points, scores, sent, sums = call["points"], call["scores"], call["proof"], call["aggregates"]
    assert len(points) == number * step and len(scores) == 16 * number and len(sums) in (0, 96 * chunks)
    signed = call["key"] is not None
    assert len(sent) == 384 + 32 * chunks + 96 * signed

    types = ["uint256", "address", "uint256", "bytes32", "uint256", "bytes32", "bytes32"]
    who = keccak(b"".join(encode(["address"], [client]) for client in call["clients"]))
    rows = [points[i * step : (i + 1) * step] for i in range(number)]
    records = keccak(b"".join(w.to_bytes(8, "big") + keccak(row) for w, row in zip(call["weights"], rows, strict=True)))
    words = (keccak(setup.n.to_bytes(32, "big") + tau), call["parameters"], who, records)
    message = keccak(encode(types, [call["chain_id"], call["contract"], call["round"], *words]))
    t = keccak(encode(["bytes32", "address"], [keccak(message + scores), call["sender"]]))
    t = keccak(t + sums)
    rho = int.from_bytes(t, "big") % R
    t = keccak(t + sent[:192])
    zeta = int.from_bytes(t, "big") % R
    t = keccak(t + sent[192 : 192 + 32 * chunks])
    gamma = int.from_bytes(t, "big") % R
    tail = sent[192 + 32 * chunks :]
    delta = int.from_bytes(keccak(t + (tail if absorb_signature else tail[:192])), "big") % R

    pairs, claim = [], 0
    values = [int.from_bytes(sent[192 + 32 * k : 224 + 32 * k], "big") for k in range(chunks)]
    assert all(a < R for a in values)
    for i, weight in enumerate(call["weights"]):
        claim += pow(rho, i, R) * int.from_bytes(scores[16 * i : 16 * i + 16], "big", signed=True)
        for k in range(chunks):
            at = i * step + 96 * k
            scalar = delta * (pow(gamma, k + 1, R) + pow(rho, i, R) * values[k])
            if sums:
                scalar -= pow(delta, 3 + k, R)
            pairs.append((points[at : at + 96], weight * scalar))
    pairs += [(sums[96 * k : 96 * k + 96], pow(delta, 3 + k, R)) for k in range(len(sums) // 96)]
    pairs.append((sent[:96], -delta * (pow(zeta, setup.n, R) - 1)))
    pairs.append((sent[96:192], delta * delta - delta))
    pairs.append((tail[:96], delta * zeta))
    if signed:
        pairs.append((tail[192:], 1))
    opened, zero = sum(pow(gamma, k + 1, R) * a for k, a in enumerate(values)), claim * pow(setup.n, -1, R)
    pairs.append((G1Point().to_xy_bytes_be(), -delta * opened - delta * delta * zero))
    right = add([(tail[:96], delta), (tail[96:192], delta * delta)])
    ends = [(add(pairs), write_key(-G2Point())), (right, tau)]
    if signed:
        hashed = G1Point.hash_to_curve(message, b"BCFL-V1-ROUND_BLS12381G1_XMD:SHA-256_SSWU_RO_")
        ends.append((hashed.to_xy_bytes_be(), call["key"]))
    return pair(ends)


def write_key(point):
    raw = point.to_xy_bytes_be()
    return b"".join(bytes(16) + raw[i : i + 48] for i in range(0, 192, 48))


def add_points(pairs):
    """Σ n·P of points in 96 bytes."""
    points = [G1Point.from_xy_bytes_be(raw) for raw, _ in pairs]
    scalars = [Scalar.from_be_bytes((n % R).to_bytes(32, "big")) for _, n in pairs]
    return G1Point.multiexp_unchecked(points, scalars).to_xy_bytes_be()


def pair_points(ends):
    """Whether the product of pairings is one."""
    ones = [G1Point.from_xy_bytes_be(one) for one, _ in ends]
    twos = [b"".join(two[i + 16 : i + 64] for i in range(0, 256, 64)) for _, two in ends]
    return GT.pairing_check(ones, [G2Point.from_xy_bytes_be(two) for two in twos])


class Precompiles:
    """The same two operations, asked of a node: EIP-2537's multi-scalar multiplication (12) and pairing (15)."""

    def __init__(self, chain):
        self.chain = chain

    def ask(self, number, data):
        place = to_checksum_address(number.to_bytes(20, "big"))
        return bytes(self.chain.w3.eth.call({"to": place, "data": "0x" + data.hex(), "gas": 16_000_000}))

    def add(self, pairs):
        found = self.ask(12, b"".join(pad(raw) + (n % R).to_bytes(32, "big") for raw, n in pairs))
        return found[16:64] + found[80:]

    def pair(self, ends):
        return int.from_bytes(self.ask(15, b"".join(pad(one) + two for one, two in ends)), "big") == 1


def pad(raw):
    """A point as a precompile takes it: 128 bytes."""
    return bytes(16) + raw[:48] + bytes(16) + raw[48:]


def to_call(statement, proof, key=None):
    """What travels to the contract."""
    names = ("chain_id", "contract", "round", "sender", "parameters", "clients", "weights")
    call = {name: getattr(statement, name) for name in names}
    scores = b"".join(s.to_bytes(16, "big", signed=True) for s in statement.scores)
    sent = {"proof": proof.to_bytes(), "aggregates": b"".join(proof.aggregates), "key": key}
    points = b"".join(point for row in statement.commitments for point in row)
    return call | {"points": points, "scores": scores} | sent
