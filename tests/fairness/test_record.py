"""Records: values by the definition, equal bytes for all, damage refused."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.errors import ContentCorrupted, ContentMissing, RecordError
from bcfl_support.fairness.record import FairnessRecord, compute_fairness, rounding_distance
from bcfl_support.fairness.task import get_round, publish_round
from bcfl_support.incentives import compute_fairness_factors
from bcfl_support.ipfs import IpfsNode, canonical_json, compute_cid, parse_record
from bcfl_support.learning import LogisticRegression
from bcfl_support.protocol import Federation, decode, encode
from tests.fairness.cases import CONFIG, MODEL, SAMPLES, TASK, forge, make_task, play, updates_for


def _check_definition(clients, cids, store, counted=lambda sent, size: sent):
    """Values and factors of two rounds are the definition's; `counted`: what an average had of each update."""
    record = compute_fairness(store, cids, TASK, epoch=0)
    x = decode(encode(TASK.x))
    w, total, paid = np.zeros(6), dict.fromkeys(clients, 0.0), dict.fromkeys(clients, 0)
    for seed, present in ((1, clients), (2, clients[:3])):
        sent = {c: decode(encode(u)) for c, u in updates_for(present, seed).items()}
        size = {c: SAMPLES[clients.index(c)] for c in present}
        sent = counted(sent, size)

        def loss(team, w=w, sent=sent, size=size):
            params = w + sum((size[c] / sum(size.values()) * sent[c] for c in team), np.zeros(6))
            margin = np.where(TASK.y == 1, 1, -1) * (x @ params[:5] + params[5])
            return float(np.mean(np.log1p(np.exp(-margin))))

        orders = list(itertools.permutations(present))
        for order, k in itertools.product(orders, range(len(present))):
            total[order[k]] += (loss(order[:k]) - loss(order[: k + 1])) / len(orders)
        round_record = get_round(store, cids[seed - 1]).record
        for client, reward in zip(round_record.clients, round_record.rewards, strict=True):
            paid[client] += reward
        w = w + decode(np.array(round_record.global_update, dtype=np.int64))
    assert record.values == {c: round(total[c] * 1e6) for c in sorted(clients)}
    expected = compute_fairness_factors([record.values[c] for c in clients], [paid[c] for c in clients])
    assert [record.factors[c] for c in clients] == expected
    assert len(set(expected)) > 2, "all factors are equal: the scenario tests no order"


def test_values_and_factors_are_those_of_the_definition(epoch, store):
    _, clients, cids = epoch
    _check_definition(clients, cids, store)


def test_of_an_update_that_was_clipped_counts_what_the_contract_averaged(node, store):
    fed, clients = Federation.deploy(node, dataclasses.replace(CONFIG, clipped=True)), node.accounts[1:5]
    fed.register(clients, SAMPLES)
    fed.fund(20 * 10**18)
    cids = [play(fed, store, clients, 1), play(fed, store, clients[:3], 2)]
    factors = []

    def shorten(sent, size):
        norms = {c: np.linalg.norm(update) for c, update in sent.items()}
        half = sum(size.values()) / 2
        median = min(norm for norm in norms.values() if sum(size[c] for c in size if norms[c] <= norm) >= half)
        factors.extend(min(1, median / norm) for norm in norms.values())
        return {c: update * min(1, median / norms[c]) for c, update in sent.items()}

    _check_definition(clients, cids, store, shorten)
    assert sum(factor < 0.95 for factor in factors) >= 2, "hardly anything was clipped"


@pytest.mark.parametrize("estimator", ["midpoint", "permutation", "stratified", "svarm", "regression"])
def test_estimators_come_near_the_exact_values(epoch, store, estimator):
    _, _, cids = epoch
    budget = 0 if estimator == "midpoint" else 120
    exact = compute_fairness(store, cids, TASK, epoch=0)
    record = compute_fairness(store, cids, make_task(estimator=estimator, budget=budget, seed=4), epoch=0)
    for client, value in record.values.items():
        assert abs(value - exact.values[client]) <= 5 * record.standard_errors[client] + 3_000


def test_two_independent_computations_give_one_cid(epoch, store, tmp_path):
    _, _, cids = epoch
    here = compute_fairness(store, cids, TASK, epoch=0)
    noisy = make_task()
    object.__setattr__(noisy, "x", TASK.x + 1e-13)  # another machine's floats
    with IpfsNode.start(repo=tmp_path, program="embedded") as other:
        for cid in cids:
            block = store.get_json(cid)
            for part in (cid, block["record"], block["params"], *block["updates"].values()):
                assert other.add(store.cat(part)) == part
        there = compute_fairness(other, cids, noisy, epoch=0)
    assert there.to_bytes() == here.to_bytes()
    assert there.cid == here.cid == compute_cid(here.to_bytes())


def test_another_way_of_adding_gives_the_same_bytes(epoch, store):
    class Plain(LogisticRegression):  # not the batched path: one loss a coalition, other order of additions
        def __repr__(self):
            return repr(MODEL)

    _, _, cids = epoch
    plain = dataclasses.replace(TASK, model=Plain(5))
    plain_record = compute_fairness(store, cids, plain, epoch=0)
    assert plain_record.cid == compute_fairness(store, cids, TASK, epoch=0).cid


def test_every_term_is_in_the_address(epoch, store):
    _, _, cids = epoch
    variants = [{}, {"convention": "renormalized"}, {"utility": "accuracy"}, {"seed": 1}, {"estimator": "midpoint"}]
    variants += [{"estimator": "svarm", "budget": 40, "seed": seed} for seed in (0, 1)]
    addresses = {compute_fairness(store, cids, make_task(**v), epoch=0).cid for v in variants}
    assert len(addresses) == len(variants)


def test_a_value_on_a_rounding_boundary_is_no_record(epoch, store, monkeypatch):
    _, _, cids = epoch
    monkeypatch.setattr("bcfl_support.fairness.record.MARGIN", 5e-7)  # every value is nearer than half a millionth
    with pytest.raises(RecordError, match="rounding boundary"):
        compute_fairness(store, cids, TASK, epoch=0)


@given(st.integers(-(10**9), 10**9), st.floats(-4.9e-7, 4.9e-7))
def test_rounding_distance(millionths, offset):
    value = millionths / 1e6 + offset
    assert rounding_distance(value) == pytest.approx(5e-7 - abs(offset), abs=1e-12 + 1e-15 * abs(millionths))


def test_round_trip(record):
    data = record.to_bytes()
    assert FairnessRecord.from_bytes(data) == record
    assert FairnessRecord.from_bytes(data).to_bytes() == data
    shuffled = forge(record, values=dict(reversed(record.values.items())))
    assert shuffled.to_bytes() == data


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_truncated(record, cut):
    with pytest.raises(RecordError, match="not JSON or is cut short"):
        FairnessRecord.from_bytes(record.to_bytes()[:cut])


def test_not_canonical(record):
    with pytest.raises(RecordError, match="not in canonical form"):
        FairnessRecord.from_bytes(record.to_bytes().replace(b",", b", "))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2; this program reads 1"),
        ({"version": True}, "version True"),
        ({"kind": "bcfl-round"}, "not a fairness record"),
        ({"note": "hello"}, r"lacks or misnames entries: \['note'\]"),
        ({"epoch": -1}, "epoch is -1"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"rounds": ["no address"]}, "which is no CID"),
        ({"rounds": "abc"}, "must be a list"),
        ({"model": 3}, "model is 3"),
        ({"factors": {}}, "factors does not have one entry"),
    ],
)
def test_wrong_entries(record, change, message):
    plain = parse_record(record.to_bytes()) | change
    with pytest.raises(RecordError, match=message):
        FairnessRecord.from_bytes(canonical_json(plain))


def test_lacking_and_impossible_entries(record):
    plain = parse_record(record.to_bytes())
    del plain["seed"]
    with pytest.raises(RecordError, match=r"\['seed'\]"):
        FairnessRecord.from_bytes(canonical_json(plain))
    with pytest.raises(RecordError, match="not a fairness record"):
        FairnessRecord.from_bytes(b"[]")
    client = next(iter(record.factors))
    with pytest.raises(RecordError, match=r"factors of .* is 1600000: choose it whole, in \[500000, 1500000\]"):
        forge(record, factors=record.factors | {client: 1_600_000})
    with pytest.raises(RecordError, match=r"values of .* is 0\.5"):
        forge(record, values=record.values | {client: 0.5})


def test_a_record_that_does_not_fit_one_block(record):
    many = {f"0x{i:040x}": 10**6 for i in range(2000)}
    with pytest.raises(RecordError, match="too many clients"):
        forge(record, values=many, standard_errors=many, factors=many).to_bytes()


def test_missing_block_and_wrong_byte_are_errors(epoch, store, repo):
    _, clients, cids = epoch
    update = store.get_json(cids[0])["updates"][clients[0]]
    [path] = [p for p in repo.rglob("*") if p.is_file() and p.read_bytes() == store.cat(update)]
    good = path.read_bytes()
    try:
        path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
        with pytest.raises(ContentCorrupted, match=update):
            compute_fairness(store, cids, TASK, epoch=0)
        path.unlink()
        with pytest.raises(ContentMissing, match=update):
            compute_fairness(store, cids, TASK, epoch=0)
    finally:
        path.write_bytes(good)


def test_rounds_that_make_no_epoch_are_refused(epoch, store):
    _, _, cids = epoch
    cases = ([cids[0]] * 2, 0, r"\[1, 1\]"), (cids[::-1], 0, r"\[2, 1\]"), (cids[:1], 7, r"\[1\]")
    for wrong, number, shown in cases:
        with pytest.raises(RecordError, match=rf"rounds {shown} make no epoch {number}: give each of its rounds once"):
            compute_fairness(store, wrong, TASK, epoch=number)
    for wrong in (-1, 0.5):
        with pytest.raises(RecordError, match=rf"epoch is {wrong}: choose it whole, in \[0"):
            compute_fairness(store, cids, TASK, epoch=wrong)
    assert compute_fairness(store, cids[1:], TASK, epoch=1).epoch == 1  # rounds of one epoch: an interval of 1


def test_a_void_round_is_worth_nothing(epoch, store):
    _, clients, cids = epoch
    past = get_round(store, cids[0])
    void = dataclasses.replace(
        past.record, void=True, digests=(None,) * 4, samples=(0,) * 4, rewards=(0,) * 4, scores=(None,) * 4
    )
    empty = publish_round(store, void, {}, params=past.params, scaled=True)
    both = compute_fairness(store, [empty, cids[1]], TASK, epoch=0)
    alone = compute_fairness(store, cids[1:], TASK, epoch=0)
    assert {c: v for c, v in both.values.items() if v} == {c: v for c, v in alone.values.items() if v}
    assert both.values[clients[3]] == 0 and both.factors[clients[3]] == 10**6
    assert not math.isnan(sum(both.values.values()))
