"""Five rungs, one result; cheats are caught, honest people are not; and what all of it costs."""

from __future__ import annotations

import doctest
from itertools import pairwise

import numpy as np
import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bcfl_support.chain.node import TX_GAS_CAP, Chain, load_artifact
from bcfl_support.errors import ContractError, FixedPointError, InvalidUpdate, TransactionFailed
from bcfl_support.scaling import ladder as scaling
from bcfl_support.scaling import lanes

ETH = 10**18
SLOW = settings(max_examples=15, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def chain():
    with Chain.start() as running:
        yield running


def draw_values(n, parameters, seed=0):
    """Values with both extremes among them, and weights that differ."""
    rng = np.random.default_rng(seed)
    values = np.clip(np.rint(rng.normal(0, 50, (n, parameters))), -128, 127).astype(np.int8)
    return values, [int(w) for w in rng.integers(1, 2048 // n, n)]


# ---------------------------------------------------------------- encodings
@pytest.mark.parametrize("module", [lanes, scaling])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


@given(st.integers(1, 5), st.integers(1, 2100), st.integers(0, 2**32))
@settings(max_examples=40)
def test_round_is_exact(n, parameters, seed):
    values, weights = draw_values(n, parameters, seed)
    exact = lanes.compute_round(values, weights)
    python = values.tolist()
    sums = [sum(w * row[j] for w, row in zip(weights, python, strict=True)) for j in range(parameters)]
    scores = [w * sum(v * a for v, a in zip(row, sums, strict=True)) for w, row in zip(weights, python, strict=True)]
    assert exact.sums.tolist() == sums
    assert list(exact.scores) == scores
    assert sum(exact.scores) == sum(a * a for a in sums)
    assert [sum(column) for column in zip(*exact.chunk_scores, strict=True)] == scores


def test_scores_stay_exact_beyond_float_precision():
    values = np.full((1, 4096), -128, dtype=np.int8)
    assert lanes.compute_round(values, [2048]).scores == (2048**2 * 128**2 * 4096,)


@given(st.integers(1, 1024), st.integers(0, 2**32))
@settings(max_examples=40)
def test_lanes_go_both_ways(valid, seed):
    values, weights = draw_values(2, valid, seed)
    exact = lanes.compute_round(values, weights)
    packed = lanes.to_lanes(exact.sums, exact.total_weight)
    assert len(packed) == 4 * (-(-valid // 32) * 32)
    assert lanes.from_lanes(packed, exact.total_weight, valid).tolist() == exact.sums.tolist()


def test_bad_input_is_named():
    with pytest.raises(FixedPointError, match=r"entry \(0, 1\) is 2, more than 127 steps of 0.01"):
        lanes.quantize(np.array([[0.0, 2.0]]), 0.01)
    with pytest.raises(FixedPointError, match="entry"):
        lanes.quantize(np.array([[np.nan]]), 0.01)
    with pytest.raises(ValueError, match="step = 0"):
        lanes.quantize(np.zeros((1, 1)), 0)
    with pytest.raises(InvalidUpdate, match="dtype float64"):
        lanes.pack(np.zeros(3))
    with pytest.raises(InvalidUpdate, match="sum to 2,049"):
        lanes.compute_round(np.zeros((2, 3), dtype=np.int8), [2048, 1])
    with pytest.raises(InvalidUpdate, match=r"shape \(2, 3\), 1 weights"):
        lanes.compute_round(np.zeros((2, 3), dtype=np.int8), [1])
    with pytest.raises(ValueError, match="121 chunks"):
        lanes.to_blob([b""] * 121)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=9))
@settings(max_examples=40)
def test_merkle_proofs_lead_to_the_root(leaves):
    tree = lanes.MerkleTree(leaves, 1 << (len(leaves) - 1).bit_length())
    for k, leaf in enumerate(leaves):
        node = leaf
        for height, sibling in enumerate(tree.proof(k)):
            node = keccak(sibling + node if k >> height & 1 else node + sibling)
        assert node == tree.root


def test_blob_holds_the_chunks():
    rng = np.random.default_rng(0)
    chunks = [rng.integers(0, 256, size, dtype=np.uint8).tobytes() for size in (1024, 1024, 64)]
    blob = lanes.to_blob(chunks)
    assert [lanes.from_blob(blob, c, len(chunk)) for c, chunk in enumerate(chunks)] == chunks
    assert all(blob[k] == 0 for k in range(0, len(blob), 32)), "each element is below the field's order"


# ---------------------------------------------------------------- the arithmetic on chain
@pytest.fixture(scope="module")
def kernel(chain):
    return chain.deploy(load_artifact("LaneKernel"))[0]


@given(n=st.integers(1, 6), valid=st.integers(1, 200), seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_word_parallel_is_numpy(kernel, n, valid, seed):
    values, weights = draw_values(n, valid, seed)
    exact = lanes.compute_round(values, weights)
    data = b"".join(lanes.pack(row) for row in values)
    digest, scores, packed = kernel.functions.fold(weights, data, valid).call()
    assert packed == lanes.to_lanes(exact.sums, exact.total_weight)
    assert digest == keccak(packed)
    assert tuple(scores) == exact.scores
    sums, plain = kernel.functions.foldPlainly(weights, data, valid).call()
    assert sums == exact.sums.tolist()
    assert tuple(plain) == exact.scores


@pytest.mark.parametrize("n", [10, 100])
def test_arithmetic_costs_at_most_sixteen_gas(chain, kernel, n):
    values, weights = draw_values(n, 1024)
    data = b"".join(lanes.pack(row) for row in values)
    receipt = chain.send(kernel.functions.measure(weights, data, 1024), sender=chain.accounts[0], gas=TX_GAS_CAP)
    used = kernel.events.Measured().process_receipt(receipt)[0]["args"]["gasUsed"]
    assert used <= 16 * n * 1024, f"{used / n / 1024:.1f} gas a client and parameter"


# ---------------------------------------------------------------- the rungs
@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_rung_gives_the_exact_round(chain, number):
    values, weights = draw_values(2 if number == 4 else 3, 1100 if number else 70, seed=number)
    rung = scaling.start_rung(chain, number, weights, values.shape[1])
    for again in (values, values[::-1].copy()):
        bill = rung.play(again)
        exact = rung.expected(again)
        assert bill.scores == exact.scores
        assert bill.result_digest == rung.result_digest(exact)
        assert bill.blobs == (2 if number == 4 else 0)
        assert bill.total_gas == sum(entry.gas_used for entry in rung.ledger.entries)


@pytest.mark.parametrize(("number", "most"), [(1, 900), (2, 42), (3, 41)])
def test_hundred_thousand_parameters(chain, number, most):
    values, weights = draw_values(10, 100_000)
    rung = scaling.start_rung(chain, number, [w // 2 + 1 for w in weights], 100_000)
    bill = rung.play(values)
    assert bill.scores == rung.expected(values).scores
    assert bill.gas_per_value <= most
    assert bill.max_tx_gas <= TX_GAS_CAP
    assert bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT - 400


def test_optimistic_rounds_cost_600k_besides_the_data(chain):
    values, weights = draw_values(10, 100_000)
    rung = scaling.start_rung(chain, 3, weights, 100_000)
    bill = rung.play(values)
    floor = sum(10 * row.count(0) + 40 * (len(row) - row.count(0)) for row in map(lanes.pack, values))
    assert bill.total_gas - floor <= 600_000


def test_blob_rounds_cost_the_same_at_any_size(chain):
    """Gas is linear in n and does not depend on P, so two small rounds say what ten clients cost."""
    gas = {}
    for n, parameters in ((1, 40), (2, 40), (1, 3000)):
        values, weights = draw_values(n, parameters)
        gas[n, parameters] = scaling.start_rung(chain, 4, weights, parameters).play(values).total_gas
    slope = gas[2, 40] - gas[1, 40]
    assert gas[1, 40] + 9 * slope <= 600_000
    assert abs(gas[1, 3000] - gas[1, 40]) < 1000


def test_naive_rung_breaks_the_cap(chain):
    values, weights = draw_values(1, 1000)
    rung = scaling.start_rung(chain, 0, weights, 1000)
    rung.open()
    with pytest.raises(TransactionFailed, match="used all of its 16,777,216 gas"):
        rung.submit(values)


def test_several_parts(chain):
    """120 chunks fill a transaction; the 121st goes into a second one."""
    values, weights = draw_values(1, 120 * 1024 + 5)
    rung = scaling.start_rung(chain, 3, weights, values.shape[1])
    bill = rung.play(values)
    assert bill.transactions == 5
    assert bill.result_digest == rung.result_digest(rung.expected(values))
    rung.open()
    rung.submit(values)
    wrong = change_leaf(rung.honest_tree(), 120, lambda leaf: (bytes(32), leaf[1]))
    rung.propose(wrong)
    rung.prove_chunk(120)
    assert rung.phase == "Open"


def test_bad_calls_are_named(chain):
    with pytest.raises(ValueError, match="rung = 7"):
        scaling.start_rung(chain, 7, [1], 10)
    with pytest.raises(InvalidUpdate, match="accounts"):
        scaling.start_rung(chain, 1, [1] * 109, 10)
    rung = scaling.start_rung(chain, 1, [1], 10)
    with pytest.raises(InvalidUpdate, match=r"shape \(1, 11\), this rung takes \(1, 10\)"):
        rung.submit(np.zeros((1, 11), dtype=np.int8))


# ---------------------------------------------------------------- cheats
PARAMETERS = 2600  # three chunks, so the tree has a leaf of padding
CLIENTS = 3


@pytest.fixture(scope="module")
def submitted(chain):
    """A rung 3 whose clients have submitted, in an order of their own; and a snapshot to come back to."""
    values, weights = draw_values(CLIENTS, PARAMETERS, seed=5)
    rung = scaling.start_rung(chain, 3, weights, PARAMETERS)
    rung.open()
    rung.submit(values, [2, 0, 1])
    return rung, values


@pytest.fixture
def optimistic(chain, submitted):
    before = chain.snapshot()
    yield submitted
    chain.revert(before)


def change_leaf(tree, k, change):
    """The same tree with one leaf changed and everything above it recomputed."""
    leaves = list(tree.levels[0])
    leaves[k] = change(leaves[k])
    return lanes.SumTree([h for h, _ in leaves], [s for _, s in leaves])


def shifted(scores, client, delta):
    return tuple(s + (delta if i == client else 0) for i, s in enumerate(scores))


def make_cheat(kind, rung, values, rng):
    """A wrong tree of a kind, and the scores claimed with it (None: its total)."""
    honest = rung.honest_tree()
    k, client = int(rng.integers(3)), int(rng.integers(CLIENTS))
    delta = int(rng.integers(1, 2**40)) * int(rng.choice([-1, 1]))
    if kind == "sum":
        return change_leaf(honest, k, lambda leaf: (rng.bytes(32), leaf[1])), None
    if kind == "score":
        return change_leaf(honest, k, lambda leaf: (leaf[0], shifted(leaf[1], client, delta))), None
    if kind == "scores that cancel":
        one = change_leaf(honest, k, lambda leaf: (leaf[0], shifted(leaf[1], client, delta)))
        return change_leaf(one, (k + 1) % 3, lambda leaf: (leaf[0], shifted(leaf[1], client, -delta))), None
    if kind == "padding":
        return change_leaf(honest, 3, lambda leaf: (leaf[0], shifted(leaf[1], client, delta))), None
    if kind == "chunk order":
        leaves = [honest.leaf(j) for j in ([1, 2, 0], [1, 0, 2], [0, 2, 1])[k]]
        return lanes.SumTree([h for h, _ in leaves], [s for _, s in leaves]), None
    if kind == "missing client":
        exact = rung.expected(values, [i for i in range(CLIENTS) if i != client])
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores), None
    if kind == "wrong length":
        cut = values.copy()
        cut[:, int(rng.integers(1, PARAMETERS)) :] = 0
        exact = rung.expected(cut)
        return lanes.SumTree(exact.chunk_hashes(), exact.chunk_scores), None
    if kind == "total":
        return honest, shifted(honest.total, client, delta)
    raise AssertionError(kind)


KINDS = ["sum", "score", "scores that cancel", "padding", "chunk order", "missing client", "wrong length", "total"]


def assert_solvent(rung, fees=0):
    held, owed = rung.balances()
    assert held == owed + fees * rung.terms.fee


@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32))
@settings(SLOW, max_examples=24)
def test_fraud_is_always_caught(chain, submitted, kind, seed):
    rung, values = submitted
    before = chain.snapshot()
    try:
        tree, claimed = make_cheat(kind, rung, values, np.random.default_rng(seed))
        rung.propose(tree, claimed)
        bad = rung.find_fraud(tree)
        deposit = rung.get_deposit(rung.watcher)
        if bad is None:
            rung.prove_total(int(seed % 4))
        else:
            rung.prove_chunk(bad)
        assert rung.phase == "Open"
        assert rung.get_deposit(rung.worker) == 0
        assert rung.get_deposit(rung.watcher) == deposit + rung.terms.bond // 2
        assert rung.contract.functions.burned().call() == rung.terms.bond // 2
        assert_solvent(rung)
        if seed % 4 == 0:  # the round goes on, honestly
            rung.deposit(rung.worker, rung.terms.bond)
            rung.work(values)
            assert bytes(rung.contract.functions.resultDigest().call()) == rung.result_digest(rung.expected(values))
    finally:
        chain.revert(before)


@given(chunk=st.integers(0, 3), seed=st.integers(0, 2**32))
@settings(SLOW, max_examples=4)
def test_honest_proposer_keeps_its_bond(chain, submitted, chunk, seed):
    """Whatever a challenger brings: right evidence, evidence with a changed byte, in another order, another tree."""
    rung, values = submitted
    before = chain.snapshot()
    rng = np.random.default_rng(seed)
    try:
        rung.propose(rung.honest_tree())
        for attempt in (lambda: rung.prove_chunk(chunk), lambda: rung.prove_total(chunk)):
            with pytest.raises(ContractError, match="RungNoFraud"):
                attempt()
        wrong = make_cheat(KINDS[seed % 7], rung, values, rng)[0]
        with pytest.raises(ContractError, match="RungBadPath"):
            rung.prove_chunk(chunk, wrong)
        functions, leaf, path = rung.contract.functions, rung.tree.leaf(0), rung.tree.path(0)
        submissions, data, proofs = rung.evidence(0)
        at = int(rng.integers(len(data)))
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(ContractError, match="RungBadProof"):
            rung.chain.send(
                functions.proveChunk(rung.round, 0, leaf, path, (submissions, changed, proofs)), sender=rung.watcher
            )
        for bad in (submissions[::-1], submissions[1:], [(0, *submissions[0][1:]), *submissions[1:]]):
            with pytest.raises(ContractError, match="RungBadSubmissions"):
                rung.chain.send(
                    functions.proveChunk(rung.round, 0, leaf, path, (bad, data, proofs)), sender=rung.watcher
                )
        rung.demand(chunk)
        assert_solvent(rung, fees=1)
        with pytest.raises(ContractError, match="RungAnswerDue"):
            rung.expire(chunk)
        with pytest.raises(TransactionFailed, match="RungChallengeOpen"):
            rung.finalize()
        rung.answer(chunk)
        rung.finalize()
        deposit = rung.get_available(rung.worker)
        assert deposit == rung.terms.bond + rung.terms.fee, "the bond, and the fee for the answer"
        assert_solvent(rung)
    finally:
        chain.revert(before)


def test_withheld_tree_loses_the_bond(optimistic):
    """The proposer shows nothing: a demand, no answer, and the proposal is gone."""
    rung, values = optimistic
    honest = rung.honest_tree()
    hidden = lanes.SumTree([keccak(b"nobody knows")] * 4, [(0, 0, 0)] * 4)
    rung.propose(hidden, honest.total)
    before = rung.get_deposit(rung.watcher)
    rung.demand(1)
    rung.demand(2)
    with pytest.raises(ContractError, match="RungDemandExists"):
        rung.demand(1)
    with pytest.raises(ContractError, match="RungBadPath"):
        rung.answer(1)
    rung.chain.advance_time(rung.terms.window_seconds + 1)
    rung.expire(1)
    assert rung.phase == "Open"
    assert rung.get_deposit(rung.worker) == 0
    assert_solvent(rung, fees=1)
    rung.chain.send(rung.contract.functions.reclaim(rung.round, 1, 2), sender=rung.watcher)
    after = rung.get_deposit(rung.watcher)
    assert after == before + rung.terms.bond // 2, "both fees came back, and half the bond with them"
    assert_solvent(rung)
    rung.deposit(rung.worker, rung.terms.bond)
    rung.work(values)
    assert rung.phase == "Idle"


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS[:7]))
@settings(SLOW, max_examples=10)
def test_answers_lead_to_the_wrong_leaf(submitted, seed, kind):
    """A watcher that never saw the tree finds a wrong leaf with at most one demand a level."""
    rung, values = submitted
    tree, _ = make_cheat(kind, rung, values, np.random.default_rng(seed))
    honest = rung.honest_tree()
    chunk, depth = 0, len(tree.levels) - 1
    for _ in range(depth + 1):
        answer = (tree.leaf(chunk), tree.path(chunk))
        if answer[0] != honest.leaf(chunk):
            break
        hashes, scores = answer[1]
        beside = [(h, tuple(scores[CLIENTS * m : CLIENTS * (m + 1)])) for m, h in enumerate(hashes)]
        mine = [level[(chunk >> m) ^ 1] for m, level in enumerate(honest.levels[:-1])]
        height = max(m for m, (theirs, ours) in enumerate(zip(beside, mine, strict=True)) if theirs != ours)
        chunk = ((chunk >> height) ^ 1) << height  # the leftmost leaf below the node that differs
    else:
        pytest.fail("no wrong leaf found")
    assert tree.leaf(chunk) != honest.leaf(chunk)


def test_dispute_costs_at_most_800k(chain):
    values, weights = draw_values(10, 100_000, seed=9)
    rung = scaling.start_rung(chain, 3, weights, 100_000)
    rung.open()
    rung.submit(values)
    honest = rung.honest_tree()
    cheats = {
        "sum": change_leaf(honest, 3, lambda leaf: (bytes(32), leaf[1])),
        "score": change_leaf(honest, 96, lambda leaf: (leaf[0], shifted(leaf[1], 4, -1))),
    }
    for tree in cheats.values():
        rung.propose(tree)
        used = rung.prove_chunk(rung.find_fraud(tree))["gasUsed"]
        assert used <= 800_000
        rung.deposit(rung.worker, rung.terms.bond)


def test_chunks_open_from_the_front():
    row = bytes(range(256)) * 10
    heads = lanes.compute_heads(lanes.chunks_of(row))
    assert heads[-1] == bytes(32)
    for chunk, (before, after) in zip(lanes.chunks_of(row), pairwise(heads), strict=True):
        assert before == keccak(keccak(chunk) + after)


# ---------------------------------------------------------------- data in blobs
@pytest.fixture(scope="module")
def in_blobs(chain):
    """A rung 4 with three clients. Client 1's blob differs from what it committed to in one byte of chunk 1."""
    values, weights = draw_values(3, 2100, seed=6)
    rung = scaling.start_rung(chain, 4, weights, 2100)
    rung.open()
    rung.submit(values, [2, 0])
    row = lanes.pack(values[1])
    published = bytearray(lanes.to_blob(lanes.chunks_of(row)))
    published[32 * (34 + 20) + 5] ^= 1
    rung.submit_row(1, row, [bytes(published)])
    return rung, values, bytes(published)


@pytest.fixture
def blobs(chain, in_blobs):
    before = chain.snapshot()
    yield in_blobs
    chain.revert(before)


def test_blob_that_differs_puts_its_client_out(blobs):
    rung, values, published = blobs
    rung.propose(rung.honest_tree())
    before = rung.get_deposit(rung.watcher)
    rung.prove_data(1, 1, published)
    assert rung.phase == "Open"
    assert rung.contract.functions.excluded().call() == 0b010
    assert rung.get_deposit(rung.clients[1]) == 0
    assert rung.get_deposit(rung.watcher) == before + rung.terms.stake // 2
    assert rung.get_available(rung.worker) == rung.terms.bond, "it proposed in good faith"
    with pytest.raises(ContractError, match="RungNotInRound"):
        rung.prove_data(1, 1, published)
    rung.work(values)
    exact = rung.expected(values, [0, 2])
    assert exact.scores[1] == 0
    assert bytes(rung.contract.functions.resultDigest().call()) == rung.result_digest(exact)
    assert_solvent(rung)


def test_fraud_is_caught_with_a_client_put_out(blobs):
    rung, values, published = blobs
    rung.prove_data(1, 1, published)
    with_all = rung.expected(values)
    rung.propose(lanes.SumTree(with_all.chunk_hashes(), with_all.chunk_scores))
    rung.prove_chunk(0)
    assert rung.phase == "Open"
    assert rung.get_deposit(rung.worker) == 0
    assert_solvent(rung)


def test_honest_client_keeps_its_stake(blobs):
    rung, values, published = blobs
    blob = lanes.to_blob(lanes.chunks_of(lanes.pack(values[0])))
    with pytest.raises(ValueError, match="chunk 1 of client 0 is what its blob holds"):
        rung.prove_data(0, 1, blob)
    for element in (34, 34 + 33):
        with pytest.raises(ContractError, match="RungDataAgree"):
            rung.prove_data(0, 1, blob, element)
    for wrong, element in ((published, 34 + 20), (blob, 68 + 33)):
        with pytest.raises(ContractError, match="RungBadOpening"):
            rung.prove_data(0, 1, wrong, element)
    with pytest.raises(ContractError, match="Panic"):
        rung.prove_data(0, 1, blob, 33)
    rung.demand_data(0, 2)
    assert_solvent(rung, fees=1)
    with pytest.raises(ContractError, match="RungAnswerDue"):
        rung.expire_data(0, 2)
    with pytest.raises(ContractError, match="RungDemandLive"):
        rung.chain.send(rung.contract.functions.reclaimData(rung.round, 0, 2), sender=rung.watcher)
    rung.propose(rung.honest_tree())
    with pytest.raises(TransactionFailed, match="RungChallengeOpen"):
        rung.finalize()
    rung.answer_data(0, 2)
    rung.finalize()
    available = rung.get_available(rung.clients[0])
    assert available == rung.terms.stake + rung.terms.fee, "the stake, and the fee for the answer"
    assert_solvent(rung)


def test_withheld_data_put_their_client_out(blobs):
    """Nobody can show a chunk of a commitment that is none: the demand expires, the round goes on without."""
    rung, values, _ = blobs
    rung.demand_data(1, 0)
    rung.demand_data(1, 2)
    rung.propose(rung.honest_tree())
    rung.chain.advance_time(rung.terms.window_seconds + 1)
    rung.expire_data(1, 0)
    assert rung.phase == "Open"
    assert rung.get_available(rung.worker) == rung.terms.bond
    rung.chain.send(rung.contract.functions.reclaimData(rung.round, 1, 2), sender=rung.watcher)
    rung.work(values)
    assert bytes(rung.contract.functions.resultDigest().call()) == rung.result_digest(rung.expected(values, [0, 2]))
    assert_solvent(rung)


def test_stakes_and_bonds_come_back(blobs):
    rung, values, _ = blobs
    functions, client = rung.contract.functions, rung.clients[0]
    with pytest.raises(ContractError, match="RungShortDeposit"):
        rung.chain.send(functions.withdraw(1), sender=client)
    rung.work(values)
    rung.chain.send(functions.withdraw(rung.terms.stake), sender=client)
    rung.chain.send(functions.withdraw(rung.terms.bond), sender=rung.worker)
    assert rung.get_deposit(client) == rung.get_deposit(rung.worker) == 0
    assert_solvent(rung)
