"""Fairness records on a real chain and a real IPFS node: equal bytes for all, lies named, damage refused."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.chain.node import Chain
from bcfl_support.errors import ContentCorrupted, ContentMissing, ContractError, InvalidUpdate, RecordError
from bcfl_support.fairness import record as fairness
from bcfl_support.fairness.audit import audit, verify_round
from bcfl_support.fairness.record import FairnessRecord
from bcfl_support.fairness.task import Task, get_round, publish_round
from bcfl_support.incentives import exact as incentives
from bcfl_support.ipfs.cids import cid_digest, compute_cid
from bcfl_support.ipfs.node import IpfsNode
from bcfl_support.ipfs.records import canonical_json, parse_record
from bcfl_support.learning.models import LogisticRegression
from bcfl_support.protocol import compute_digest, fixed_point
from bcfl_support.protocol.federation import Federation
from bcfl_support.protocol.rounds import FederationConfig

SAMPLES = [40, 7, 120, 63]
MODEL = LogisticRegression(5)
CONFIG = FederationConfig(parameters=6, capacity=4, bound=5.0, interval=2, quorum=3, window=4)


def make_task(**changes):
    rng = np.random.default_rng(11)
    x = rng.normal(size=(30, 5))
    return Task(MODEL, x, (x[:, 0] + 0.3 * x[:, 1] > 0).astype(np.int64), **changes)


TASK = make_task()


@pytest.fixture(scope="module")
def node():
    with Chain.start() as chain:
        yield chain


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return tmp_path_factory.mktemp("ipfs")


@pytest.fixture(scope="module")
def store(repo):
    with IpfsNode.start(repo=repo, program="embedded") as ipfs:
        yield ipfs


def updates_for(clients, seed):
    rng = np.random.default_rng(seed)
    direction = np.array([1.0, 0.3, 0, 0, 0, 0])
    return {client: direction * (0.5 - 0.2 * i) + rng.normal(0, 0.1, 6) for i, client in enumerate(clients)}


def play(fed, store, clients, seed):
    before, updates = fed.model(), updates_for(clients, seed)
    record = fed.play_round(updates, rng=np.random.default_rng(seed))
    return publish_round(store, record, updates, params=before)


@pytest.fixture(scope="module")
def _played(node, store):
    federation = Federation.deploy(node, CONFIG)
    clients = node.accounts[1:5]
    federation.register(clients, SAMPLES)
    federation.fund(20 * 10**18)
    return federation, clients, [play(federation, store, clients, 1), play(federation, store, clients[:3], 2)]


@pytest.fixture
def epoch(node, _played):
    """(federation, clients, CIDs of the two rounds of epoch 0); fresh for each test."""
    snapshot = node.snapshot()
    yield _played
    node.revert(snapshot)


def forge(record, **changes):
    return dataclasses.replace(record, **changes)


# ---------------------------------------------------------------- values against the definition


def test_values_and_factors_are_those_of_the_definition(epoch, store):
    _, clients, cids = epoch
    record = fairness.compute_fairness(store, cids, TASK, epoch=0)
    x = fixed_point.decode(fixed_point.encode(TASK.x))
    w, total, paid = np.zeros(6), dict.fromkeys(clients, 0.0), dict.fromkeys(clients, 0)
    for seed, present in ((1, clients), (2, clients[:3])):
        sent = {c: fixed_point.decode(fixed_point.encode(u)) for c, u in updates_for(present, seed).items()}
        size = {c: SAMPLES[clients.index(c)] for c in present}

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
        w = w + fixed_point.decode(np.array(round_record.global_update, dtype=np.int64))
    assert record.values == {c: round(total[c] * 1e6) for c in sorted(clients)}
    expected = incentives.compute_fairness_factors([record.values[c] for c in clients], [paid[c] for c in clients])
    assert [record.factors[c] for c in clients] == expected
    assert len(set(expected)) > 2, "all factors are equal: the scenario tests no order"


@pytest.mark.parametrize("estimator", ["midpoint", "permutation", "stratified", "svarm", "regression"])
def test_estimators_come_near_the_exact_values(epoch, store, estimator):
    _, _, cids = epoch
    budget = 0 if estimator == "midpoint" else 120
    exact = fairness.compute_fairness(store, cids, TASK, epoch=0)
    record = fairness.compute_fairness(store, cids, make_task(estimator=estimator, budget=budget, seed=4), epoch=0)
    for client, value in record.values.items():
        assert abs(value - exact.values[client]) <= 5 * record.standard_errors[client] + 3_000


# ---------------------------------------------------------------- equal inputs, equal bytes


def test_two_independent_computations_give_one_cid(epoch, store, tmp_path):
    _, _, cids = epoch
    here = fairness.compute_fairness(store, cids, TASK, epoch=0)
    noisy = make_task()
    object.__setattr__(noisy, "x", TASK.x + 1e-13)  # another machine's floats
    with IpfsNode.start(repo=tmp_path, program="embedded") as other:
        for cid in cids:
            block = store.get_json(cid)
            for part in (cid, block["record"], block["params"], *block["updates"].values()):
                assert other.add(store.cat(part)) == part
        there = fairness.compute_fairness(other, cids, noisy, epoch=0)
    assert there.to_bytes() == here.to_bytes()
    assert there.cid == here.cid == compute_cid(here.to_bytes())


def test_another_way_of_adding_gives_the_same_bytes(epoch, store):
    class Plain(LogisticRegression):  # not the batched path: one loss a coalition, other order of additions
        def __repr__(self):
            return repr(MODEL)

    _, _, cids = epoch
    plain = dataclasses.replace(TASK, model=Plain(5))
    plain_record = fairness.compute_fairness(store, cids, plain, epoch=0)
    assert plain_record.cid == fairness.compute_fairness(store, cids, TASK, epoch=0).cid


def test_every_term_is_in_the_address(epoch, store):
    _, _, cids = epoch
    variants = [{}, {"convention": "renormalized"}, {"utility": "accuracy"}, {"seed": 1}, {"estimator": "midpoint"}]
    variants += [{"estimator": "svarm", "budget": 40, "seed": seed} for seed in (0, 1)]
    addresses = {fairness.compute_fairness(store, cids, make_task(**v), epoch=0).cid for v in variants}
    assert len(addresses) == len(variants)


def test_a_value_on_a_rounding_boundary_is_no_record(epoch, store):
    _, _, cids = epoch
    with pytest.raises(RecordError, match="rounding boundary"):
        fairness.compute_fairness(store, cids, TASK, epoch=0, margin=5e-7)


@given(st.integers(-(10**9), 10**9), st.floats(-4.9e-7, 4.9e-7))
def test_rounding_distance(millionths, offset):
    value = millionths / 1e6 + offset
    assert fairness.rounding_distance(value) == pytest.approx(5e-7 - abs(offset), abs=1e-12 + 1e-15 * abs(millionths))


# ---------------------------------------------------------------- records as bytes


@pytest.fixture(scope="module")
def record(_played, store):
    return fairness.compute_fairness(store, _played[2], TASK, epoch=0)


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
    with pytest.raises(RecordError, match=r"the factor of .* is 1600000; it must be 500000 to 1500000"):
        forge(record, factors=record.factors | {client: 1_600_000})
    with pytest.raises(RecordError, match=r"values of .* is 0\.5"):
        forge(record, values=record.values | {client: 0.5})


def test_a_record_that_does_not_fit_one_block(record):
    many = {f"0x{i:040x}": 10**6 for i in range(2000)}
    with pytest.raises(RecordError, match="too many clients"):
        forge(record, values=many, standard_errors=many, factors=many).to_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": "guess"}, "'guess'"),
        ({"estimator": "svarm"}, "budget = 0; svarm samples"),
        ({"estimator": "midpoint", "convention": "renormalized"}, "midpoint rule needs"),
    ],
)
def test_tasks_that_make_no_sense(changes, message):
    with pytest.raises(ValueError, match=message):
        make_task(**changes)


# ---------------------------------------------------------------- blocks


def test_only_revealed_updates_can_be_published(epoch, store):
    _, clients, cids = epoch
    past = get_round(store, cids[0])
    swapped = dict(zip(clients, [past.updates[c] for c in reversed(clients)], strict=True))
    with pytest.raises(InvalidUpdate, match="not the one it revealed"):
        publish_round(store, past.record, swapped, params=past.params)
    with pytest.raises(InvalidUpdate, match="give it too"):
        publish_round(store, past.record, {}, params=past.params)


def test_validation_data_travel_by_cid(store):
    cid = TASK.publish(store)
    assert cid == TASK.validation
    index = store.get_json(cid)
    x = np.frombuffer(store.cat(index["x"]), dtype=">i8").reshape(index["shape"])
    np.testing.assert_array_equal(x, fixed_point.encode(TASK.x))


def test_malformed_rounds(epoch, store):
    _, _, cids = epoch
    block = store.get_json(cids[0])
    for wrong, message in [
        ({"version": 9}, "no published round of version 1"),
        ({"record": cids[1]}, "not a round record"),
        ({"params": store.add(b"1234567")}, "7 bytes are no vector"),
        ({"params": store.add(bytes(16))}, "another length than the model"),
        ({"updates": 3}, "lacks or misnames"),
    ]:
        with pytest.raises(RecordError, match=message):
            get_round(store, store.add_json(block | wrong))


def test_missing_block_and_wrong_byte_are_errors(epoch, store, repo):
    _, clients, cids = epoch
    update = store.get_json(cids[0])["updates"][clients[0]]
    [path] = [p for p in repo.rglob("*") if p.is_file() and p.read_bytes() == store.cat(update)]
    good = path.read_bytes()
    try:
        path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
        with pytest.raises(ContentCorrupted, match=update):
            fairness.compute_fairness(store, cids, TASK, epoch=0)
        path.unlink()
        with pytest.raises(ContentMissing, match=update):
            fairness.compute_fairness(store, cids, TASK, epoch=0)
    finally:
        path.write_bytes(good)


# ---------------------------------------------------------------- chain and audit


def test_quorum_then_factors_then_pay_then_a_clean_audit(epoch, store):
    fed, clients, cids = epoch
    assert [verify_round(fed, store, cid) for cid in cids] == [(), ()]
    with pytest.raises(RecordError, match="agreed on no record for epoch 0"):
        audit(fed, store, 0, TASK)
    for client in clients[:2]:  # each computes for itself
        record = fairness.compute_fairness(store, cids, TASK, epoch=0)
        cid = fairness.attest_record(fed, store, record, [client])
    with pytest.raises(ContractError, match="2 equal attestations, 3 needed"):
        fairness.apply_record(fed, record)
    fairness.attest_record(fed, store, record, [clients[2]])
    fairness.apply_record(fed, record)
    assert [fed.ledger.functions.factorOf(c).call() for c in clients] == [record.factors[c] for c in clients]
    play(fed, store, clients, 3)
    report = audit(fed, store, 0, TASK)
    assert report.ok and report.false_attesters == () and report.agreed == report.recomputed == record
    assert report.attested == dict.fromkeys(clients[:3], cid)
    assert max(map(abs, report.overpaid.values())) <= 4  # roundings


def test_a_lone_false_attester_is_named_and_does_no_harm(epoch, store):
    fed, clients, cids = epoch
    record = fairness.compute_fairness(store, cids, TASK, epoch=0)
    forged = forge(record, factors=record.factors | {clients[3]: 1_500_000})
    fairness.attest_record(fed, store, forged, [clients[3]])
    fairness.attest_record(fed, store, record, clients[:3])
    report = audit(fed, store, 0, TASK)
    assert report.ok and report.false_attesters == (clients[3],)
    assert report.attested[clients[3]] == forged.cid != report.agreed.cid


def test_true_record_with_forged_factors_beside_it(epoch, store):
    fed, clients, cids = epoch
    record = fairness.compute_fairness(store, cids, TASK, epoch=0)
    fed.attest(0, cid_digest(record.cid), record.factors | {clients[3]: 1_500_000}, clients=[clients[3]])
    fairness.attest_record(fed, store, record, clients[:3])
    assert audit(fed, store, 0, TASK).false_attesters == (clients[3],)


def test_a_forging_quorum_gets_its_way_and_is_caught(epoch, store):
    fed, clients, cids = epoch
    record = fairness.compute_fairness(store, cids, TASK, epoch=0)
    up, down = clients[1], clients[0]
    forged = forge(record, factors=record.factors | {up: 1_500_000, down: 500_000})
    assert forged.factors != record.factors
    fairness.attest_record(fed, store, forged, clients[1:])
    fairness.apply_record(fed, forged)
    play(fed, store, clients, 3)
    report = audit(fed, store, 0, TASK)
    assert not report.ok and set(report.false_attesters) == set(clients[1:])
    assert report.agreed == forged and report.recomputed == record
    assert any("the factors applied on chain are not" in problem for problem in report.problems)
    assert any(f"factors: {down} 500000 for {record.factors[down]}" in problem for problem in report.problems)
    assert report.overpaid[up] > 10**15 and report.overpaid[down] < -(10**15)
    assert abs(sum(report.overpaid.values())) <= 8


def test_invented_rounds_are_caught(epoch, store):
    fed, clients, cids = epoch
    past = get_round(store, cids[0])
    values = past.updates | {clients[0]: 2 * past.updates[clients[0]]}
    digests = tuple("0x" + compute_digest(values[c]).hex() for c in past.record.clients)
    better = dataclasses.replace(past.record, digests=digests, rewards=(1, *past.record.rewards[1:]))
    invented = publish_round(store, better, values, params=past.params + 1)
    problems = verify_round(fed, store, invented)
    for part in (
        "not the one it revealed",
        "rewards is not what",
        "digests is not what",
        "parameters before it are not",
    ):
        assert any(part in problem for problem in problems), part
    record = fairness.compute_fairness(store, [invented, cids[1]], TASK, epoch=0)
    fairness.attest_record(fed, store, fairness.compute_fairness(store, cids, TASK, epoch=0), clients[:1])
    fairness.attest_record(fed, store, record, clients[1:])
    report = audit(fed, store, 0, TASK)
    assert not report.ok and set(report.false_attesters) == set(clients[1:])
    assert verify_round(fed, store, _renumbered(store, past, 77)) == ("round 77 was never opened",)


@pytest.mark.parametrize(
    "change",
    [
        {"void": True},
        {"samples": (40, 7, 120, 64)},
        {"global_update": (1, 2, 3, 4, 5, 6)},
        {"norm_squared": 5},
        {"scores": (1, 2, 3, 4)},
        {"penalties": (0, 0, 0, 9)},
        {"factors": (10**6,) * 3 + (10**6 + 1,)},
    ],
)
def test_any_entry_unlike_the_chain_is_named(epoch, store, change):
    fed, _, cids = epoch
    past = get_round(store, cids[0])
    false = publish_round(store, dataclasses.replace(past.record, **change), past.updates, params=past.params)
    [name] = change
    assert verify_round(fed, store, false) == (f"round 1: {name} is not what the chain says",)


def test_swapped_and_lacking_updates_are_named(epoch, store):
    fed, clients, cids = epoch
    block = store.get_json(cids[0])
    named = block["updates"]
    swapped = named | {clients[0]: named[clients[1]], clients[1]: named[clients[0]]}
    lacking = {client: cid for client, cid in named.items() if client != clients[2]}
    for updates, wrong in ((swapped, clients[:2]), (lacking, clients[2:3])):
        problems = verify_round(fed, store, store.add_json(block | {"updates": updates}))
        assert set(problems) == {f"round 1: the update of {c} is not the one it revealed" for c in wrong}


def test_whoever_publishes_a_round_gets_the_same_cid(epoch, store):
    _, _, cids = epoch
    past = get_round(store, cids[0])
    elsewhere = dataclasses.replace(past.record, gas={"commit": (1, 2)}, transactions={"commit": ("0x", "0x")})
    updates = dict(reversed(past.updates.items()))
    assert publish_round(store, elsewhere, updates, params=past.params) == cids[0]


def _renumbered(store, past, number):
    return publish_round(store, dataclasses.replace(past.record, number=number), past.updates, params=past.params)


def test_a_record_of_other_rounds_is_caught(epoch, store):
    fed, clients, cids = epoch
    fairness.attest_record(fed, store, fairness.compute_fairness(store, cids[:1], TASK, epoch=0), clients[:3])
    report = audit(fed, store, 0, TASK)
    assert report.problems == ("the record covers rounds [1], epoch 0 has 1 … 2",)
    assert report.false_attesters == tuple(clients[:3])


def test_a_record_with_other_terms_is_caught(epoch, store):
    fed, clients, cids = epoch
    chosen = make_task(convention="renormalized")
    fairness.attest_record(fed, store, fairness.compute_fairness(store, cids, chosen, epoch=0), clients[:3])
    report = audit(fed, store, 0, TASK)
    assert "convention: 'renormalized' for 'fixed'" in report.problems and len(report.false_attesters) == 3


def test_agreement_on_something_that_is_no_record(epoch, store):
    fed, clients, _ = epoch
    cid = store.add(b'{"epoch":0')
    fed.attest(0, cid_digest(cid), {clients[0]: 10**6}, clients=clients[:3])
    with pytest.raises(RecordError, match="cut short"):
        audit(fed, store, 0, TASK)


def test_agreed_record_that_nobody_stored(epoch, store):
    fed, clients, _ = epoch
    fed.attest(0, bytes(31) + b"\1", {clients[0]: 10**6}, clients=clients[:3])
    with pytest.raises(ContentMissing):
        audit(fed, store, 0, TASK)


def test_a_void_round_is_worth_nothing(epoch, store):
    _, clients, cids = epoch
    past = get_round(store, cids[0])
    void = dataclasses.replace(
        past.record, void=True, digests=(None,) * 4, samples=(0,) * 4, rewards=(0,) * 4, scores=(None,) * 4
    )
    empty = publish_round(store, void, {}, params=past.params)
    both = fairness.compute_fairness(store, [empty, cids[1]], TASK, epoch=0)
    alone = fairness.compute_fairness(store, cids[1:], TASK, epoch=0)
    assert {c: v for c, v in both.values.items() if v} == {c: v for c, v in alone.values.items() if v}
    assert both.values[clients[3]] == 0 and both.factors[clients[3]] == 10**6
    assert not math.isnan(sum(both.values.values()))
