"""Quorums and audits on a real chain: true records pass, lies are named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bcfl_support.errors import ContentMissing, ContractError, InvalidInput, RecordError
from bcfl_support.fairness.audit import audit
from bcfl_support.fairness.record import apply_record, attest_record, compute_fairness, derive_record
from bcfl_support.fairness.task import get_round, publish_round, verify_round
from bcfl_support.ipfs import cid_digest
from bcfl_support.protocol import Federation, compute_digest
from tests.fairness.cases import CONFIG, SAMPLES, TASK, forge, make_task, play


def attest_unchecked(fed, store, record, clients):
    """What `attest_record` refuses to send, sent by clients who lie."""
    fed.attest(record.epoch, cid_digest(store.add(record.to_bytes())), record.factors, clients=clients)


def test_a_record_of_part_of_an_epoch_is_not_attested_to(epoch, store):
    fed, clients, cids = epoch
    with pytest.raises(RecordError, match=r"the record has rounds \[1\], epoch 0 has \[1, 2\]: compute it from these"):
        attest_record(fed, store, compute_fairness(store, cids[:1], TASK, epoch=0), clients)
    assert not any(fed.ledger.functions.epochOf(0).call()[0])


def test_a_round_published_with_the_model_after_it_is_not_attested_to(epoch, store):
    fed, clients, cids = epoch
    past = get_round(store, cids[0])
    after = past.params + np.array(past.record.global_update)
    late = publish_round(store, past.record, past.updates, params=after, scaled=True)
    record = compute_fairness(store, [late, cids[1]], TASK, epoch=0)
    with pytest.raises(
        RecordError, match="round 1: the parameters before it are not the contract's: compute the record from rounds"
    ):
        attest_record(fed, store, record, clients)
    assert not any(fed.ledger.functions.epochOf(0).call()[0])


def test_invented_rounds_are_caught(epoch, store):
    fed, clients, cids = epoch
    past = get_round(store, cids[0])
    values = past.updates | {clients[0]: 2 * past.updates[clients[0]]}
    digests = tuple("0x" + compute_digest(values[c]).hex() for c in past.record.clients)
    better = dataclasses.replace(past.record, digests=digests, rewards=(1, *past.record.rewards[1:]))
    invented = publish_round(store, better, values, params=past.params + 1, scaled=True)
    problems = verify_round(fed, store, invented)
    for part in (
        "not the one it revealed",
        "rewards is not what",
        "digests is not what",
        "parameters before it are not",
    ):
        assert any(part in problem for problem in problems), part
    record = compute_fairness(store, [invented, cids[1]], TASK, epoch=0)
    attest_record(fed, store, compute_fairness(store, cids, TASK, epoch=0), clients[:1])
    attest_unchecked(fed, store, record, clients[1:])
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
    false = publish_round(
        store, dataclasses.replace(past.record, **change), past.updates, params=past.params, scaled=True
    )
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


def test_a_round_has_one_true_address(epoch, store):
    """A quorum that writes a true round in another way would make liars of those who attested to the usual one."""
    fed, clients, cids = epoch
    block = store.get_json(cids[0])
    record = store.get_json(block["record"])
    again = [store.add_json(block | {"note": "the same round"})]
    zero = store.add_json(record | {"norm_squared": "0" + record["norm_squared"]})
    with pytest.raises(RecordError, match="not spelled as to_json does it"):
        verify_round(fed, store, store.add_json(block | {"record": zero}))
    with pytest.raises(RecordError, match=r"void is 0: .* give true or false"):
        verify_round(fed, store, store.add_json(block | {"record": store.add_json(record | {"void": 0})}))
    for other in again:
        [problem] = verify_round(fed, store, other)
        assert problem == f"round 1: {other} spells it in another way than publish_round, hence the CID"
    attest_record(fed, store, compute_fairness(store, cids, TASK, epoch=0), clients[:1])
    attest_unchecked(fed, store, compute_fairness(store, [again[0], cids[1]], TASK, epoch=0), clients[1:])
    assert audit(fed, store, 0, TASK).false_attesters == tuple(clients[1:])


def _renumbered(store, past, number):
    return publish_round(
        store, dataclasses.replace(past.record, number=number), past.updates, params=past.params, scaled=True
    )


def test_quorum_then_factors_then_pay_then_a_clean_audit(epoch, store):
    fed, clients, cids = epoch
    assert [verify_round(fed, store, cid) for cid in cids] == [(), ()]
    with pytest.raises(RecordError, match="agreed on no record for epoch 0"):
        audit(fed, store, 0, TASK)
    for client in clients[:2]:  # each computes for itself
        record = compute_fairness(store, cids, TASK, epoch=0)
        attest_record(fed, store, record, [client])
    with pytest.raises(ContractError, match="47 samples stand behind exactly this, 166 needed"):
        apply_record(fed, record)
    attest_record(fed, store, record, [clients[2]])
    apply_record(fed, record)
    assert [fed.ledger.functions.factorOf(c).call() for c in clients] == [record.factors[c] for c in clients]
    play(fed, store, clients, 3)
    report = audit(fed, store, 0, TASK)
    assert report.ok and report.false_attesters == () and report.agreed == report.recomputed == record
    assert max(map(abs, report.overpaid.values())) <= 4  # roundings


def test_a_lone_false_attester_is_named_and_does_no_harm(epoch, store):
    fed, clients, cids = epoch
    record = compute_fairness(store, cids, TASK, epoch=0)
    forged = forge(record, factors=record.factors | {clients[3]: 1_500_000})
    attest_record(fed, store, forged, [clients[3]])
    attest_record(fed, store, record, clients[:3])
    report = audit(fed, store, 0, TASK)
    assert report.ok and report.false_attesters == (clients[3],)
    assert report.agreed.cid == record.cid != forged.cid


def test_true_record_with_forged_factors_beside_it(epoch, store):
    fed, clients, cids = epoch
    record = compute_fairness(store, cids, TASK, epoch=0)
    fed.attest(0, cid_digest(record.cid), record.factors | {clients[3]: 1_500_000}, clients=[clients[3]])
    attest_record(fed, store, record, clients[:3])
    assert audit(fed, store, 0, TASK).false_attesters == (clients[3],)


def test_a_forging_quorum_gets_its_way_and_is_caught(epoch, store):
    fed, clients, cids = epoch
    record = compute_fairness(store, cids, TASK, epoch=0)
    up, down = clients[1], clients[0]
    forged = forge(record, factors=record.factors | {up: 1_500_000, down: 500_000})
    assert forged.factors != record.factors
    attest_record(fed, store, forged, clients[1:])
    apply_record(fed, forged)
    play(fed, store, clients, 3)
    report = audit(fed, store, 0, TASK)
    assert not report.ok and set(report.false_attesters) == set(clients[1:])
    assert report.agreed == forged and report.recomputed == record
    assert any("the factors applied on chain are not" in problem for problem in report.problems)
    assert any(f"factors: {down} 500000 for {record.factors[down]}" in problem for problem in report.problems)
    assert report.overpaid[up] > 10**15 and report.overpaid[down] < -(10**15)
    assert abs(sum(report.overpaid.values())) <= 8


def test_a_record_of_other_rounds_is_caught(epoch, store):
    fed, clients, cids = epoch
    attest_unchecked(fed, store, compute_fairness(store, cids[:1], TASK, epoch=0), clients[:3])
    report = audit(fed, store, 0, TASK)
    assert report.problems == ("the record covers rounds [1], epoch 0 has [1, 2]",)
    assert report.false_attesters == tuple(clients[:3])


def test_a_round_that_counts_twice_is_caught_and_not_an_exception(epoch, store):
    fed, clients, cids = epoch
    honest, past = compute_fairness(store, cids, TASK, epoch=0), [get_round(store, cid) for cid in cids[:1] * 2]
    twice = derive_record(past, cids[:1] * 2, TASK, 0)
    assert twice.values != honest.values
    with pytest.raises(RecordError, match=r"rounds \[1, 1\], epoch 0 has \[1, 2\]"):
        attest_record(fed, store, twice, clients[:3])
    attest_unchecked(fed, store, twice, clients[:3])
    report = audit(fed, store, 0, TASK)
    assert report.problems == ("the record covers rounds [1, 1], epoch 0 has [1, 2]",)
    assert report.false_attesters == tuple(clients[:3])


def test_a_record_with_other_terms_is_caught(epoch, store):
    fed, clients, cids = epoch
    chosen = make_task(convention="renormalized")
    attest_record(fed, store, compute_fairness(store, cids, chosen, epoch=0), clients[:3])
    report = audit(fed, store, 0, TASK)
    assert "convention: 'renormalized' for 'fixed'" in report.problems and len(report.false_attesters) == 3


def test_agreement_on_something_that_is_no_record_names_who_attested(epoch, store):
    fed, clients, cids = epoch
    cid = store.add(b'{"epoch":0')
    attest_record(fed, store, compute_fairness(store, cids, TASK, epoch=0), clients[1:2])
    quorum = [clients[0], *clients[2:]]
    fed.attest(0, cid_digest(cid), {clients[0]: 10**6}, clients=quorum)
    named = f"^{', '.join(quorum)} attested for epoch 0 to what is no record, {cid}: .*cut short"
    with pytest.raises(RecordError, match=named):
        audit(fed, store, 0, TASK)


@pytest.mark.parametrize("kind", ["columns", "no updates", "text", "another file", "number"])
def test_a_round_file_that_nobody_can_read_names_the_quorum_behind_it(epoch, store, kind):
    fed, clients, cids = epoch
    block = store.get_json(cids[0])
    record = store.get_json(block["record"])
    bad = {
        "columns": lambda: store.add_json(block | {"record": store.add_json(record | {"rewards": ["-5"]})}),
        "no updates": lambda: store.add_json(block | {"updates": {}}),
        "text": lambda: store.add(b"not a round"),
        "another file": lambda: block["record"],
        "number": lambda: store.add_json(block | {"record": store.add_json(record | {"number": [[]]})}),
    }[kind]()
    honest = compute_fairness(store, cids, TASK, epoch=0)
    forged = forge(honest, rounds=(bad, cids[1]), factors=honest.factors | {clients[1]: 1_500_000})
    attest_unchecked(fed, store, honest, clients[:1])
    attest_unchecked(fed, store, forged, clients[1:])
    apply_record(fed, forged)
    play(fed, store, clients, 3)
    report = audit(fed, store, 0, TASK)
    assert not report.ok and report.false_attesters == tuple(clients[1:])
    assert report.agreed == forged and report.recomputed.rounds == (cids[1],)
    assert set(report.overpaid) == set(clients)
    told = "which nobody can read as a round" if kind != "no updates" else "is not the one it revealed"
    assert any(told in problem for problem in report.problems)
    assert "the record covers rounds [2], epoch 0 has [1, 2]" in report.problems


def test_a_record_without_a_single_true_round_is_caught(epoch, store):
    fed, clients, cids = epoch
    forged = forge(compute_fairness(store, cids, TASK, epoch=0), rounds=(store.add(b"nothing"),))
    attest_unchecked(fed, store, forged, clients[:3])
    report = audit(fed, store, 0, TASK)
    assert report.false_attesters == tuple(clients[:3]) and report.recomputed.values == {} == report.recomputed.factors
    assert "the record covers rounds [], epoch 0 has [1, 2]" in report.problems


def test_a_round_that_is_still_open_is_no_round_of_the_epoch(epoch, store):
    fed, clients, cids = epoch
    fed.open_round()
    block = store.get_json(cids[0])
    third = store.add_json(store.get_json(block["record"]) | {"number": 3})
    early = store.add_json(block | {"updates": {}, "record": third})
    assert "round 3: clients is not what the chain says" in verify_round(fed, store, early)
    attest_unchecked(
        fed, store, forge(compute_fairness(store, cids, TASK, epoch=0), rounds=(*cids, early)), clients[:3]
    )
    assert audit(fed, store, 0, TASK).false_attesters == tuple(clients[:3])


def test_a_vote_after_the_quorum_is_no_failure_and_one_after_the_call_is(epoch, store):
    fed, clients, cids = epoch
    record = compute_fairness(store, cids, TASK, epoch=0)
    attest_record(fed, store, record, clients)  # the first three are enough
    with pytest.raises(ContractError, match="AlreadyAgreed"):
        attest_record(fed, store, record, clients[3:])


def test_agreed_record_that_nobody_stored(epoch, store):
    fed, clients, _ = epoch
    fed.attest(0, bytes(31) + b"\1", {clients[0]: 10**6}, clients=clients[:3])
    with pytest.raises(ContentMissing):
        audit(fed, store, 0, TASK)


@pytest.mark.parametrize("changes", [{"clipped": True}, {"pool": "SquarePool"}], ids=str)
def test_honest_rounds_of_other_federations_pass(node, store, changes):
    fed, clients = Federation.deploy(node, dataclasses.replace(CONFIG, **changes)), node.accounts[1:5]
    fed.register(clients, SAMPLES)
    fed.fund(20 * 10**18)
    cids = [play(fed, store, clients, 1), play(fed, store, clients[:3], 2)]
    assert [verify_round(fed, store, cid) for cid in cids] == [(), ()]
    record = compute_fairness(store, cids, TASK, epoch=0)
    attest_record(fed, store, record, clients[:3])
    apply_record(fed, record)
    play(fed, store, clients, 3)
    report = audit(fed, store, 0, TASK)
    assert report.ok and report.false_attesters == () and max(map(abs, report.overpaid.values())) <= 4


@pytest.mark.parametrize("number", [[], [[]], [1], True, 1.5, "1", None])
def test_a_round_has_one_number(epoch, store, number):
    block = store.get_json(epoch[2][0])
    record = store.get_json(block["record"]) | {"number": number}
    with pytest.raises(RecordError, match=r"number is "):
        compute_fairness(store, [store.add_json(block | {"record": store.add_json(record)})], TASK, epoch=0)


@pytest.mark.parametrize("number", [-1, "0", 0.5, None])
def test_what_is_no_epoch(epoch, store, number):
    with pytest.raises(RecordError, match=r"epoch is .*: choose it whole, in \[0"):
        audit(epoch[0], store, number, TASK)


def test_numbers_of_numpy_are_numbers(epoch, store):
    fed, clients, cids = epoch
    record = compute_fairness(store, cids, TASK, epoch=np.array(0))
    plain = compute_fairness(store, cids, TASK, epoch=0)
    of_numpy = dataclasses.replace(plain, values={client: np.int64(value) for client, value in plain.values.items()})
    assert record.cid == of_numpy.cid == plain.cid
    fed.attest(np.int64(0), cid_digest(store.add(record.to_bytes())), record.factors, clients=clients)
    fed.apply_factors(np.int64(0), cid_digest(record.cid), record.factors)
    assert audit(fed, store, np.int64(0), TASK).ok
    assert fed.record(np.array(1)) == fed.record(1) and fed.read_round(np.int64(1)) == fed.read_round(1)


def test_true_record_and_other_factors_are_no_agreement_on_it(epoch, store):
    fed, clients, cids = epoch
    record = compute_fairness(store, iter(cids), TASK, epoch=np.uint64(0))
    assert record.rounds == tuple(cids)
    forged = {**record.factors, clients[0]: 1_500_000 if record.factors[clients[0]] != 1_500_000 else 500_000}
    store.add(record.to_bytes())
    fed.attest(0, cid_digest(record.cid), forged, clients=clients)
    report = audit(fed, store, 0, TASK)
    assert report.problems == ("the factors agreed on are not those of the record",) and not report.ok
    with pytest.raises(InvalidInput, match=r"record is .*; give what compute_fairness returns"):
        attest_record(fed, store, record.cid, clients)
