"""Rung 5: what clients keep and remember, bytes, clipping, and who withholds its row."""

from __future__ import annotations

import doctest
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcfl_support.chain import TX_GAS_CAP
from bcfl_support.errors import ContractError, InvalidInput, InvalidUpdate
from bcfl_support.scaling import lanes, sparse
from bcfl_support.scaling.ladder import start_rung
from bcfl_support.scaling.rungs import DisputeTerms
from notebooks import definitions

sizes = st.tuples(st.integers(1, 5), st.integers(1, 300), st.integers(0, 2**32 - 1))


def draw_sparse(n, parameters, seed=0):
    """Sparse values with both extremes among them, of few indices, so that many meet; and weights that differ."""
    rng = np.random.default_rng(seed)
    values, blocks = np.zeros((n, parameters), dtype=np.int8), -(-parameters // 64)
    places = np.minimum(64 * np.arange(blocks) + rng.integers(0, 3, (n, blocks)), parameters - 1)
    np.put_along_axis(values, places, rng.integers(-128, 128, (n, blocks), dtype=np.int8), axis=1)
    return values, [int(w) for w in rng.integers(1, 2048 // n, n)]


def to_values(pages, parameters):
    """The inverse of `to_pages`, as the contract reads pages."""
    indices, picks = np.concatenate([np.frombuffer(p, dtype=np.uint8).reshape(2, -1) for p in pages], axis=1)
    values = np.zeros(64 * len(picks), dtype=np.int8)
    values[indices % 64 + 64 * np.arange(len(picks))] = picks.view(np.int8)
    return values[:parameters]


def test_doctests():
    assert doctest.testmod(sparse).failed == 0


# ---------------------------------------------------------------- the client's side
@settings(max_examples=60, deadline=None)
@given(sizes)
def test_one_value_of_each_block_is_kept_and_it_is_the_largest(case):
    n, parameters, seed = case
    updates = np.random.default_rng(seed).normal(0, 40, (n, parameters))
    values = sparse.sparsify(updates, step=1.0)
    for start in range(0, parameters, 64):
        block, kept = updates[:, start : start + 64], values[:, start : start + 64]
        assert (np.count_nonzero(kept, axis=1) <= 1).all()
        for row, whole in zip(kept, block, strict=True):
            largest = np.abs(whole).argmax()
            assert row[largest] == np.clip(np.rint(whole[largest]), -127, 127)


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(1, 12))
def test_nothing_is_lost_it_is_late(case, rounds):
    """Σ of what is sent = Σ of the updates less the memory, whatever is cut or rounded."""
    n, parameters, seed = case
    rng, memory = np.random.default_rng(seed), np.zeros((n, parameters))
    made, sent = np.zeros_like(memory), np.zeros_like(memory)
    for _ in range(rounds):
        updates = rng.normal(0, 1, (n, parameters))
        values, memory = sparse.compress(updates, memory, step=1 / 16)
        made, sent = made + updates, sent + values / 16
    assert np.allclose(sent + memory, made)


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(1, 7))
def test_pages_come_back(case, size):
    n, parameters, seed = case
    values, _ = draw_sparse(n, parameters, seed)
    for row in values:
        pages = sparse.to_pages(row, size)
        assert sum(map(len, pages)) == 2 * -(-parameters // 64)
        assert (to_values(pages, parameters) == row).all()


def test_what_stands_for_no_parameter_is_no_value():
    """Indices count modulo 64, and not beyond P: the contract reads them so."""
    assert to_values([bytes([0x45, 0x06, 1, 2])], 70)[[5, 64, 69]].tolist() == [1, 0, 0]


def test_the_step_follows_the_median_client():
    some = np.array([[127, 0], [60, 0], [50, 0]], dtype=np.int8)
    assert sparse.choose_step(1.0, some) == 1.0, "one client at the edge decides nothing"
    assert sparse.choose_step(1.0, np.array([[127], [-128], [0]], dtype=np.int8)) == 2.0
    assert sparse.choose_step(1.0, np.array([[127], [47], [0]], dtype=np.int8)) == 0.5


def test_bad_values_are_named():
    with pytest.raises(InvalidInput, match="step is 0: values count in steps"):
        sparse.sparsify([[1.0]], step=0)
    with pytest.raises(InvalidInput, match=r"updates is .*nan.*: the chain takes numbers"):
        sparse.sparsify([[np.nan]], step=1)
    with pytest.raises(InvalidUpdate, match=r"2 values are not zero, at most one value of each block of 64 may"):
        sparse.to_picks(np.array([1, 2], dtype=np.int8))


# ---------------------------------------------------------------- clipping
@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(1, 2048)), min_size=1, max_size=9))
def test_factors_are_the_definition(pairs):
    norms, weights = [norm for norm, _ in pairs], [weight for _, weight in pairs]
    factors = sparse.compute_factors(norms, weights)
    halves = [x for x in norms if 2 * sum(w for y, w in pairs if y <= x) >= sum(weights)]
    most = min(halves)
    for norm, factor in zip(norms, factors, strict=True):
        if norm <= most:
            assert factor == sparse.UNIT
        else:
            assert factor**2 * norm <= most << 64 < (factor + 1) ** 2 * norm


@pytest.mark.parametrize("n", [1, 4])
def test_clipped_rounds_are_exact(chain, n):
    values, weights = draw_sparse(n, 1000, seed=n)
    values[0] = np.where(values[0] != 0, 127, 0)
    rung = start_rung(chain, 5, weights, 1000, clipped=True)
    bill = rung.play(values)
    exact = rung.expected(values)
    assert bill.scores == exact.scores and bill.result_digest == rung.result_digest(exact)
    [log] = chain.events(rung.contract.events.Clipped(), 0)
    assert tuple(log["args"]["factors"]) == exact.factors
    # the scores split the squared length of what the factors make of the updates
    assert sum(bill.scores) == sum(int(a) ** 2 for a in exact.sums)


# ---------------------------------------------------------------- on chain
def test_who_withholds_is_left_out_and_who_shows_is_not(chain):
    values, weights = draw_sparse(3, 700, seed=2)
    rung = start_rung(chain, 5, weights, 700)
    rung.open()
    rung.submit(values, [2, 0, 1])
    rung.ask([1, 2], by=0)
    rung.show(1)
    with pytest.raises(ContractError, match="RungAskedAlready: all of the clients 0b100, a bit each, were asked for"):
        rung.ask([2], by=1)
    with pytest.raises(ContractError, match="RungAnswerDue: the answer may come until time"):
        rung.leave_out(2)
    chain.advance_time(rung.terms.work_seconds // 4)
    with pytest.raises(ContractError, match="RungNotAsked: client 1 was not asked for its row in this round, or has"):
        rung.leave_out(1)
    rung.leave_out(2)
    assert rung.excluded() == {2}
    rung.work(values)
    exact = rung.expected(values, [0, 1])
    assert rung.bill().scores == exact.scores and exact.scores[2] == 0
    assert rung.bill().result_digest == rung.result_digest(exact)


def test_who_was_asked_before_is_passed_over(chain):
    values, weights = draw_sparse(3, 700, seed=2)
    rung = start_rung(chain, 5, weights, 700)
    rung.open()
    rung.submit(values)
    rung.ask([1], by=0)
    rung.ask([1, 2], by=0)
    asked = [log["args"]["clients"] for log in chain.events(rung.contract.events.Asked(), 0)]
    assert asked == [0b010, 0b100]


def test_heads_are_in_the_log(chain):
    """Each right before its client's `Submitted`, and without topics."""
    values, weights = draw_sparse(3, 700, seed=4)
    rung = start_rung(chain, 5, weights, 700)
    rung.open()
    rung.submit(values, [2, 0, 1])
    logs = chain.w3.eth.get_logs({"address": rung.contract.address, "fromBlock": 0})
    heads = {}
    for committed, submitted in itertools.pairwise(logs):
        if not committed["topics"]:
            heads[int.from_bytes(submitted["topics"][2])] = bytes(committed["data"])
    end = {i: (rung.round << 8 | i).to_bytes(32) for i in heads}
    assert list(heads) == [2, 0, 1]
    assert heads == {i: lanes.compute_heads(rung.rows[i], end[i])[0] for i in heads}


def test_there_is_time_to_show_a_row(chain, monkeypatch):
    monkeypatch.setattr(sparse.SparseRung, "terms", DisputeTerms(work_seconds=48))
    start_rung(chain, 5, [1, 2], 100)
    monkeypatch.setattr(sparse.SparseRung, "terms", DisputeTerms(work_seconds=47))
    with pytest.raises(ContractError, match="RungBadConfig: workSeconds: 47, which no rung can be deployed with"):
        start_rung(chain, 5, [1, 2], 100)


def test_what_is_not_sparse_opens_no_round(chain):
    rung = start_rung(chain, 5, [1, 2], 100)
    with pytest.raises(InvalidUpdate, match="200 values are not zero"):
        rung.play(np.ones((2, 100), dtype=np.int8))
    assert rung.phase == "Idle"


def test_pages_are_the_contracts(chain):
    for n in (1, 2, 10, 20, 40, 71, 80, 94, 95, 100):
        rung = start_rung(chain, 5, [1] * n, 100)
        assert rung.contract.functions.pageBlocks().call() == lanes.count_sparse_blocks_at_once(n) > 0


def test_several_pages(chain):
    """40 clients have pages of 1,440 blocks."""
    values, weights = draw_sparse(40, 64 * 1_500, seed=3)
    rung = start_rung(chain, 5, weights, values.shape[1])
    bill = rung.play(values)
    assert bill.result_digest == rung.result_digest(rung.expected(values))
    assert bill.transactions == 1 + 40 + math.ceil(1_500 / 1_440) and bill.max_tx_gas <= TX_GAS_CAP


@pytest.mark.parametrize(("n", "first", "later"), [(10, 2.0e6, 1.7e6), (20, 5.0e6, 4.5e6)])
def test_a_hundred_thousand_parameters(chain, n, first, later):
    import gas  # the benchmark

    values, weights = gas.draw_sparse(n, 100_000)
    rung = start_rung(chain, 5, weights, 100_000)
    for most in (first, later):
        bill = rung.play(values)
        assert bill.scores == rung.expected(values).scores
        assert bill.total_gas <= most and bill.max_tx_gas <= TX_GAS_CAP
        assert bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT - 400


# ---------------------------------------------------------------- what lesson 6 writes on its page
@settings(max_examples=30, deadline=None)
@given(sizes)
def test_the_page_sends_what_the_package_sends(case):
    n, parameters, seed = case
    rng, page = np.random.default_rng(seed), definitions("06")
    updates, memory = rng.normal(0, 20, (2, n, parameters))
    values, left = page["send"](updates, memory, 0.5)
    theirs, remembered = sparse.compress(updates, memory, step=0.5)
    assert (values == theirs).all() and (left == remembered).all()


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_page_scores_what_the_contract_scores(chain, n, clipped):
    values, weights = draw_sparse(n, 500, seed=10 + n)
    rung = start_rung(chain, 5, weights, 500, clipped=clipped)
    scores, factors = definitions("06")["sparse_scores"](values.astype(int) @ values.astype(int).T, weights, clipped)
    assert rung.play(values).scores == scores
    assert not clipped or tuple(factors) == rung.expected(values).factors


def test_whoever_sent_nothing_has_nothing_to_show(chain):
    rung = start_rung(chain, 5, [1, 2], 70)
    rung.open()
    with pytest.raises(InvalidInput, match="client 1 has no row here"):
        rung.show(1)
    with pytest.raises(InvalidInput, match=r"clients is \[9\]"):
        rung.ask([0], 9)


def test_one_number_is_no_update():
    with pytest.raises(InvalidInput, match=r"updates is 1\.0: give one update"):
        sparse.sparsify(1.0, step=0.5)


@pytest.mark.parametrize("step", [2, 200, np.int8(2), np.float32(0.5)])
def test_a_step_of_any_type_is_its_value(step):
    updates = np.array([[300.0, -7.0], [2.0, 90.0]])
    values, left = sparse.compress(updates, 0, step=step)
    assert np.array_equal(values.astype(float) * float(step) + left, updates)
    assert isinstance(sparse.choose_step(step, values), float)
