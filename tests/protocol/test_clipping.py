"""A federation that clips: exact integers, updates in parts, and what an attacker can take out of it."""

from __future__ import annotations

import numpy as np
import pytest
from clipped_attacks import STRATEGIES

from bcfl_support.chain import TX_GAS_CAP, Chain
from bcfl_support.protocol import Federation, FederationConfig, fixed_point
from bcfl_support.protocol.commitments import PART

BUDGET = 10**18


@pytest.fixture(scope="module")
def node():
    with Chain.start() as chain:
        yield chain


def deploy(node, samples, **changes):
    clients = node.accounts[1 : len(samples) + 1]
    config = FederationConfig(capacity=len(samples), clipped=True, budget=BUDGET, **changes)
    fed = Federation.deploy(node, config)
    fed.register(clients, samples)
    fed.fund(60 * BUDGET)
    return fed, clients


def check_by_integers(record, updates, samples):
    encoded = np.array([fixed_point.encode(update) for update in updates])
    weights, total = fixed_point.clip_weights(encoded, samples)
    average = fixed_point.fedavg_fixed(encoded, samples, clipped=True)
    assert record.global_update == tuple(average)
    scores = fixed_point.divide_toward_zero(weights * (encoded.astype(object) @ average), total)
    assert list(record.scores) == list(scores)


@pytest.mark.parametrize(("n", "parameters"), [(2, 1), (5, 7), (6, 33), (9, 4)])
def test_average_and_scores_equal_exact_integers(node, n, parameters):
    rng = np.random.default_rng(n)
    samples = [int(count) for count in rng.integers(1, 300, n)]
    fed, clients = deploy(node, samples, parameters=parameters)
    for _ in range(2):
        updates = rng.normal(size=(n, parameters)) * rng.exponential(size=(n, 1))
        record = fed.play_round(dict(zip(clients, updates, strict=True)), rng=rng)
        check_by_integers(record, updates, samples)


def test_ten_thousand_parameters_in_parts_below_the_cap(node):
    rng, samples = np.random.default_rng(0), [40, 120]
    fed, clients = deploy(node, samples, parameters=10_000)
    updates = rng.normal(size=(2, 10_000)) / 100
    record = fed.play_round(dict(zip(clients, updates, strict=True)), rng=rng)
    check_by_integers(record, updates, samples)
    assert len(record.gas["reveal"]) == 2 * -(-10_000 // PART)
    assert max(max(used) for used in record.gas.values()) <= TX_GAS_CAP


@pytest.mark.parametrize("samples", [1, 250])
def test_an_attacker_takes_its_clipped_share_in_fifty_rounds(node, samples):
    """On chain, ten rounds of each strategy; the attacker sees all honest updates of the round.

    S_i = p_i·⟨v'_i, g⟩ ≤ p_i·‖v'_i‖·‖g‖ for the clipped update v'_i, and the positive scores sum to ‖g‖² at least: so
    its share of a round is at most p_i·‖v'_i‖/‖g‖, its clipped share. R is a length of the honest, who hold more
    than half of the samples.
    """
    rng = np.random.default_rng(samples)
    counts = [100, 80, 120, 100, 100, samples]
    fed, clients = deploy(node, counts, parameters=8, alpha=0.0, penalty_rate=0.0)
    taken, allowed = [], []
    common = rng.normal(size=8) / 10
    for attack in STRATEGIES.values():
        for _ in range(10):
            honest = common + rng.normal(size=(5, 8)) / 20
            updates = np.vstack([honest, attack(honest.mean(axis=0))])
            record = fed.play_round(dict(zip(clients, updates, strict=True)), rng=rng)
            encoded = np.array([fixed_point.encode(update) for update in updates])
            weights, total = fixed_point.clip_weights(encoded, counts)
            step = np.linalg.norm(np.array(record.global_update, dtype=float) / fixed_point.SCALE)
            taken.append(record.rewards[-1] / BUDGET)
            allowed.append(weights[-1] / total * np.linalg.norm(updates[-1]) / step)
    assert len(taken) == 50 and (np.array(taken) <= np.array(allowed) + 1e-6).all()
    assert np.mean(taken) <= np.mean(allowed) + 0.02
    assert sum(taken) <= 50 * (samples / sum(counts) + 0.1), "no more than a tenth above its share of the samples"


def test_who_carries_a_round_on_gets_its_cost_back_and_no_more(node):
    rng, samples = np.random.default_rng(3), [40, 7, 120]
    fed, clients = deploy(node, samples, parameters=6)
    worker = node.accounts[11]
    node._rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    fed.open_round()
    submissions = fed.prepare(dict(zip(clients, rng.normal(size=(3, 6)), strict=True)), rng=rng)
    fed.commit(submissions)
    fed.end_phase("Commit")
    fed.reveal(submissions)
    paid, pot = 0, fed.pool.functions.pot().call()
    while fed.round_state()["phase"] != "Idle":
        receipt = node.send(fed.pool.functions.carryOn(2), sender=worker)
        paid += receipt["gasUsed"] * node.w3.eth.get_block(receipt["blockNumber"])["baseFeePerGas"]
    refund = fed.credits([worker])[0]
    assert 0.4 * paid < refund <= 0.8 * paid  # the 21,000 gas of a transaction are not seen from within it
    shared = sum(fed.credits(clients))
    assert fed.pool.functions.pot().call() == pot - shared - refund
