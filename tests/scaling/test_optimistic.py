"""Cheats on rung 3 are caught, honest people are not; and what a dispute costs."""

from __future__ import annotations

import numpy as np
import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scaling.cases import assert_solvent, change_leaf, draw_values, shifted

from bcfl_support.chain import TX_GAS_CAP
from bcfl_support.errors import ContractError, InvalidInput
from bcfl_support.scaling import lanes
from bcfl_support.scaling.ladder import start_rung

SLOW = settings(max_examples=15, suppress_health_check=list(HealthCheck), derandomize=True)
PARAMETERS = 2600  # three chunks, so the tree has a leaf of padding
CLIENTS = 3


@pytest.fixture(scope="module")
def submitted(chain):
    """A rung 3 whose clients have submitted, in an order of their own; and a snapshot to come back to."""
    values, weights = draw_values(CLIENTS, PARAMETERS, seed=5)
    rung = start_rung(chain, 3, weights, PARAMETERS)
    rung.open()
    rung.submit(values, [2, 0, 1])
    return rung, values


@pytest.fixture
def optimistic(chain, submitted):
    before = chain.snapshot()
    yield submitted
    chain.revert(before)


def prove_total(rung, tree, chunk, claimed):
    """The watcher shows that the tree's scores do not add up to the claimed ones."""
    call = rung.contract.functions.proveTotal(rung.round, chunk, tree.leaf(chunk), tree.path(chunk), claimed)
    rung.chain.send(call, sender=rung.watcher)


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
            prove_total(rung, tree, int(seed % 4), claimed)
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
        for attempt in (lambda: rung.prove_chunk(chunk), lambda: prove_total(rung, rung.tree, chunk, rung.tree.total)):
            with pytest.raises(ContractError, match="RungNoFraud"):
                attempt()
        wrong = make_cheat(KINDS[seed % 7], rung, values, rng)[0]
        functions, leaf, path = rung.contract.functions, rung.tree.leaf(0), rung.tree.path(0)
        opening = (wrong.leaf(chunk), wrong.path(chunk), rung.evidence(chunk))
        with pytest.raises(ContractError, match="RungBadPath"):
            rung.chain.send(functions.proveChunk(rung.round, chunk, *opening), sender=rung.watcher)
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
        with pytest.raises(ContractError, match=r"RungChallengeOpen: .* \(now 1\)"):
            rung.chain.send(functions.finalize(rung.round), sender=rung.worker)
        rung.answer(chunk)
        assert rung.get_deposit(rung.worker) == rung.terms.bond, "the fee is held until the proposal is final"
        assert_solvent(rung, fees=1)
        rung.finalize()
        deposit = rung.get_available(rung.worker)
        assert deposit == rung.terms.bond + rung.terms.fee, "the bond, and the fee for the answer"
        with pytest.raises(ContractError, match=f"RungFeeEarned: the proposal that answered for chunk {chunk} became"):
            rung.reclaim(chunk)
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
    rung.reclaim(2)
    after = rung.get_deposit(rung.watcher)
    assert after == before + rung.terms.bond // 2, "both fees came back, and half the bond with them"
    assert_solvent(rung)
    rung.deposit(rung.worker, rung.terms.bond)
    rung.work(values)
    assert rung.phase == "Idle"


def test_a_demand_names_the_proposal_it_is_for(optimistic):
    """Another one may have taken its place; nobody pays for a leaf of that."""
    rung, _ = optimistic
    rung.propose(change_leaf(rung.honest_tree(), 0, lambda leaf: (bytes(32), leaf[1])))
    meant = rung.contract.functions.proposedDigest().call()
    late = rung.contract.functions.demand(rung.round, meant, 1)
    rung.prove_chunk(0)
    rung.deposit(rung.worker, rung.terms.bond)
    rung.propose(rung.honest_tree())
    before = rung.get_deposit(rung.watcher)
    with pytest.raises(ContractError, match=f"RungOtherProposal: the demand is for proposal 0x{meant.hex()[:4]}"):
        rung.chain.send(late, sender=rung.watcher)
    assert rung.get_deposit(rung.watcher) == before
    rung.demand(1)
    assert rung.get_deposit(rung.watcher) == before - rung.terms.fee


def test_result_is_final_or_zero(optimistic):
    """What is only proposed is not a result."""
    rung, values = optimistic
    read = rung.contract.functions
    wrong = change_leaf(rung.honest_tree(), 0, lambda leaf: (bytes(32), leaf[1]))
    rung.propose(wrong)
    assert bytes(read.resultDigest().call()) == bytes(32)
    assert bytes(read.proposedDigest().call()) == lanes.compute_result_digest(wrong.root, wrong.total)
    rung.prove_chunk(0)
    rung.deposit(rung.worker, rung.terms.bond)
    rung.work(values)
    assert bytes(read.resultDigest().call()) == rung.result_digest(rung.expected(values))


# ---------------------------------------------------------------- a tree the watcher has not seen
@pytest.fixture(scope="module")
def unseen(chain):
    """A rung 3 whose tree has depth 3, and a proposal of which the watcher knows the root and the scores."""
    values, weights = draw_values(2, 7 * lanes.CHUNK, seed=11)
    rung = start_rung(chain, 3, weights, values.shape[1])
    rung.open()
    rung.submit(values)
    return rung


def ask_for(rung, chunks):
    """Demand these chunks at once; the proposer answers. What the watcher then knows: nodes by (height, place)."""
    for chunk in chunks:
        rung.demand(chunk)
    first = rung.chain.w3.eth.block_number
    for chunk in chunks:
        rung.answer(chunk)
    known, n = {}, len(rung.weights)
    for log in rung.chain.events(rung.contract.events.Answered(), first):
        chunk, leaf, path = log["args"]["chunk"], log["args"]["leaf"], log["args"]["path"]
        known[0, chunk] = (bytes(leaf["sums"]), tuple(leaf["scores"]))
        for height, digest in enumerate(path["hashes"]):
            scores = tuple(path["scores"][n * height : n * (height + 1)])
            known[height, (chunk >> height) ^ 1] = (bytes(digest), scores)
    return known


@pytest.mark.parametrize("bad", range(8))
def test_two_stages_find_any_wrong_leaf(chain, unseen, bad):
    """2^⌈d/2⌉ demands at once, then fewer than 2^⌊d/2⌋; all is over before demands close, and their fees come back."""
    rung, before = unseen, chain.snapshot()
    try:
        honest, deposit = rung.honest_tree(), rung.get_deposit(rung.watcher)
        rung.propose(change_leaf(honest, bad, lambda leaf: (leaf[0], shifted(leaf[1], 0, 5))))
        depth = len(honest.levels) - 1
        low = depth // 2
        first = ask_for(rung, range(0, 2**depth, 2**low))
        wrong = [k for k in range(2 ** (depth - low)) if first[low, k] != honest.levels[low][k]]
        assert wrong == [bad >> low]
        rest = [k for k in range(wrong[0] << low, wrong[0] + 1 << low) if (0, k) not in first]
        second = ask_for(rung, rest)
        leaves = {k: node for (height, k), node in (first | second).items() if height == 0}
        assert [k for k, node in leaves.items() if node != honest.leaf(k)] == [bad]
        rung.prove_chunk(bad)
        assert rung.phase == "Open"
        for k in [*range(0, 2**depth, 2**low), *rest]:
            rung.reclaim(k)
        assert rung.get_deposit(rung.watcher) == deposit + rung.terms.bond // 2
        assert_solvent(rung)
    finally:
        chain.revert(before)


def test_demands_end_and_late_answers_are_refused(optimistic):
    rung, _ = optimistic
    rung.propose(rung.honest_tree())
    rung.demand(0)
    rung.chain.advance_time(rung.terms.window_seconds)
    with pytest.raises(ContractError, match="RungDemandsClosed: demands were taken until time"):
        rung.demand(1)
    with pytest.raises(ContractError, match="RungAnswerLate: the answer was due at time"):
        rung.answer(0)
    rung.expire(0)
    assert rung.phase == "Open"
    assert rung.get_deposit(rung.worker) == 0, "an honest proposer that does not answer in time loses its bond"


def test_a_proposal_lives_four_windows_at_most(optimistic):
    """Somebody demands at the end of each window, and the proposer answers at the last moment."""
    rung, values = optimistic
    rung.propose(rung.honest_tree())
    began, window = rung.chain.timestamp, rung.terms.window_seconds
    margin = 300  # each transaction moves the clock by a slot
    for chunk in range(2):
        rung.chain.advance_time(began + (chunk + 1) * window - margin - rung.chain.timestamp)
        rung.demand(chunk)
        rung.chain.advance_time(window - margin)
        rung.answer(chunk)
    with pytest.raises(ContractError, match="RungDemandsClosed"):
        rung.demand(2)
    rung.finalize()
    assert rung.chain.timestamp <= began + 4 * window
    assert bytes(rung.contract.functions.resultDigest().call()) == rung.result_digest(rung.expected(values))


def test_at_depth_zero_the_leaf_is_what_is_proven(chain):
    values, weights = draw_values(2, 500, seed=3)
    rung = start_rung(chain, 3, weights, 500)
    rung.open()
    rung.submit(values)
    honest = rung.honest_tree()
    rung.propose(honest, shifted(honest.total, 0, 1))
    with pytest.raises(ContractError, match="RungNoTree: P is 500, so that the tree is one leaf"):
        prove_total(rung, honest, 0, shifted(honest.total, 0, 1))
    h, _ = honest.leaf(0)
    rung.tree = lanes.SumTree([h], [shifted(honest.total, 0, 1)])
    rung.prove_chunk(0)
    assert rung.phase == "Open"


def test_dispute_costs_at_most_800k(chain):
    values, weights = draw_values(10, 100_000, seed=9)
    rung = start_rung(chain, 3, weights, 100_000)
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


def test_no_tree_no_proof(chain):
    rung = start_rung(chain, 3, [1, 2], 10)
    with pytest.raises(ValueError, match=r"tree is None; .* call propose first"):
        rung.prove_chunk(0)


# ---------------------------------------------------------------- size and cost
def test_hundred_thousand_parameters(chain):
    values, weights = draw_values(10, 100_000)
    rung = start_rung(chain, 3, [w // 2 + 1 for w in weights], 100_000)
    bill = rung.play(values)
    assert bill.scores == rung.expected(values).scores
    assert bill.gas_per_value <= 41
    assert bill.max_tx_gas <= TX_GAS_CAP
    assert bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT - 400


def test_optimistic_rounds_cost_620k_besides_the_data(chain):
    values, weights = draw_values(10, 100_000)
    rung = start_rung(chain, 3, weights, 100_000)
    bill = rung.play(values)
    floor = sum(10 * row.count(0) + 40 * (len(row) - row.count(0)) for row in map(lanes.pack, values))
    assert bill.total_gas - floor <= 620_000


def test_several_parts(chain):
    """120 chunks fill a transaction; the 121st goes into a second one."""
    values, weights = draw_values(1, 120 * 1024 + 5)
    rung = start_rung(chain, 3, weights, values.shape[1])
    bill = rung.play(values)
    assert bill.transactions == 5
    assert bill.result_digest == rung.result_digest(rung.expected(values))
    rung.open()
    rung.submit(values)
    wrong = change_leaf(rung.honest_tree(), 120, lambda leaf: (bytes(32), leaf[1]))
    rung.propose(wrong)
    rung.prove_chunk(120)
    assert rung.phase == "Open"


def test_a_refused_opening_loses_no_row(chain):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 3, weights, 40)
    rung.open()
    rung.submit(values)
    with pytest.raises(ContractError, match="RungNotExpired"):
        rung.open()
    rung.work(values)
    assert rung.bill().scores == rung.expected(values).scores


def test_who_submits_is_named_once_and_through_here(chain):
    values, weights = draw_values(3, 40)
    rung = start_rung(chain, 3, weights, 40)
    rung.open()
    with pytest.raises(InvalidInput, match=r"clients is \[0, 1, 1\]: name each once"):
        rung.submit(values, [0, 1, 1])
    rung.submit(values)
    del rung.rows[1]
    with pytest.raises(InvalidInput, match=r"rows are kept of clients \[0, 2\], the contract has \[0, 1, 2\]"):
        rung.work(values)


def test_no_round_is_opened_whose_result_nobody_could_propose(chain):
    values, weights = draw_values(2, 70, seed=5)
    rung = start_rung(chain, 3, weights, 70)
    chain.send(rung.contract.functions.withdraw(1), sender=rung.worker)
    with pytest.raises(InvalidInput, match="a proposal's bond is"):
        rung.play(values)
    assert rung.phase == "Idle"


def test_an_account_is_an_address_in_any_case(optimistic):
    rung, _ = optimistic
    for read in (rung.get_deposit, rung.get_available):
        assert read(rung.worker.lower()) == read(rung.worker) == rung.terms.bond
        for wrong in ("0x1", "worker", None, rung.worker[:-1]):
            with pytest.raises(InvalidInput, match=r"account is .*, no address"):
                read(wrong)


@pytest.mark.parametrize("tree", [None, 3, "tree"])
def test_what_is_no_tree_is_neither_proposed_nor_searched(optimistic, tree):
    rung, _ = optimistic
    for call in (rung.propose, rung.find_fraud):
        with pytest.raises(InvalidInput, match=r"tree is .*; give a SumTree, such as honest_tree"):
            call(tree)


def test_only_leaves_that_there_are_can_be_refuted(optimistic):
    rung, _ = optimistic
    rung.propose(rung.honest_tree())
    with pytest.raises(InvalidInput, match=r"chunk is 99: .* in \[0, 3\]"):
        rung.prove_chunk(99)


def test_an_open_demand_is_answered_before_the_clock_moves(optimistic):
    """Past the window the honest worker would lose its bond to whoever asked."""
    rung, values = optimistic
    rung.propose(rung.honest_tree())
    rung.demand(0)
    before = rung.chain.timestamp
    with pytest.raises(ContractError, match=r"RungChallengeOpen: .* \(now 1\); wait, or answer"):
        rung.finalize()
    assert rung.chain.timestamp == before
    rung.answer(0)
    rung.finalize()
    assert rung.get_deposit(rung.worker) == rung.terms.bond + rung.terms.fee
    assert {"demand", "answer"} <= set(rung.bill().gas) and rung.scores() == rung.expected(values).scores
