"""What is agreed on and what is published: only what was revealed, in the same bytes for all, and nothing malformed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput, InvalidUpdate, RecordError
from bcfl_support.fairness.record import compute_fairness
from bcfl_support.fairness.task import get_round, publish_round, verify_round
from bcfl_support.learning import TorchModel
from bcfl_support.protocol import encode
from tests.fairness.cases import TASK, make_task


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": "guess"}, "'guess'"),
        ({"estimator": "svarm"}, r"budget is 0: an estimator that samples draws .*whole, in \[1, 9007199254740991\]"),
        ({"budget": -1}, r"budget is -1: .* in \[0, "),
        ({"budget": 0.5}, r"budget is 0\.5: "),
        ({"budget": True}, "budget is True: "),
        ({"budget": 2**53}, "budget is 9007199254740992: "),
        ({"seed": -1}, r"seed is -1: choose it whole, in \[0, 9007199254740991\]"),
        ({"seed": 1.0}, r"seed is 1\.0: "),
        ({"seed": 2**53}, "seed is 9007199254740992: "),
        ({"seed": "7"}, "seed is '7': "),
        ({"estimator": "midpoint", "convention": "renormalized"}, "the midpoint rule needs 'loss' and 'fixed'"),
        ({"convention": "fixd"}, "convention is 'fixd'; use one of fixed, renormalized"),
        ({"utility": "los"}, "utility is 'los'; use one of loss, accuracy"),
    ],
)
def test_tasks_that_make_no_sense(changes, message):
    with pytest.raises(ValueError, match=message):
        make_task(**changes)


def test_budgets_and_seeds_of_numpy_make_the_same_record(epoch, store):
    _, _, cids = epoch
    records = [
        compute_fairness(store, cids, make_task(estimator="svarm", budget=kind(40), seed=kind(3)), epoch=0)
        for kind in (int, np.int64)
    ]
    assert records[0].to_bytes() == records[1].to_bytes()


@pytest.mark.parametrize("layer", ["ReLU", "Tanh", "GELU"])
def test_another_network_is_another_task(layer):
    import torch

    def net(middle):
        return TorchModel(torch.nn.Sequential(torch.nn.Linear(5, 4), middle, torch.nn.Linear(4, 2)), 5)

    one = dataclasses.replace(TASK, model=net(torch.nn.SELU())).terms()
    assert dataclasses.replace(TASK, model=net(torch.nn.SELU())).terms() == one
    assert dataclasses.replace(TASK, model=net(getattr(torch.nn, layer)())).terms() != one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": TASK.y + 0.7}, r"y\[0\] = [01].7, of dtype float64, is no class: .* from 0 to 1; np.unique\(y"),
        ({"y": TASK.y + 1}, r"y\[\d+\] = 2, of dtype int64, is no class"),
        ({"y": TASK.y[:2]}, r"y has shape \(2,\) for 30 samples"),
        ({"x": TASK.x[:, :4]}, r"x has shape \(30, 4\): give \(m, 5\)"),
        ({"x": TASK.x * np.nan}, "is not a finite number"),
    ],
)
def test_validation_data_that_are_not_what_is_published_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TASK, **change)
    assert dataclasses.replace(TASK, y=TASK.y.astype(np.int8), x=TASK.x.tolist()).validation == TASK.validation


def test_only_revealed_updates_can_be_published(epoch, store):
    _, clients, cids = epoch
    past = get_round(store, cids[0])
    swapped = dict(zip(clients, [past.updates[c] for c in reversed(clients)], strict=True))
    with pytest.raises(InvalidUpdate, match="not the one it revealed"):
        publish_round(store, past.record, swapped, params=past.params, scaled=True)
    with pytest.raises(InvalidUpdate, match="give it too"):
        publish_round(store, past.record, {}, params=past.params, scaled=True)
    stranger = "0x" + "12" * 20
    with pytest.raises(InvalidUpdate, match=r"0x1212.* revealed nothing in round 1: leave it out"):
        publish_round(store, past.record, {**past.updates, stranger: np.zeros(6)}, params=past.params, scaled=True)
    with pytest.raises(InvalidInput, match=r"updates is .* give one for each client, by its address"):
        publish_round(store, past.record, list(past.updates.values()), params=past.params, scaled=True)
    lower = {client.lower(): update for client, update in past.updates.items()}
    assert publish_round(store, past.record, lower, params=past.params, scaled=True) == cids[0]


def test_a_published_number_means_its_value_whatever_its_type(epoch, store):
    fed, clients, _ = epoch
    updates = {client: np.array([k, 0, 0, 0, 0, 1]) for k, client in enumerate(clients[:3])}
    before = fed.model()
    record = fed.play_round(updates, rng=np.random.default_rng(9))
    cid = publish_round(store, record, updates, params=before)
    assert get_round(store, cid).updates[clients[2]].tolist() == [2 * 10**9, 0, 0, 0, 0, 10**9]
    assert verify_round(fed, store, cid) == ()
    for wrong in (None, [[1], [2, 3]], np.ones((2, 3)), "updates"):
        with pytest.raises(
            InvalidUpdate, match=rf"the update of {clients[1]} is .*(send one flat vector|rows of one length)"
        ):
            publish_round(store, record, updates | {clients[1]: wrong}, params=before)
        with pytest.raises(InvalidUpdate, match=r"params is .*(send one flat vector|rows of one length)"):
            publish_round(store, record, updates, params=wrong)


def test_a_round_without_its_average_is_not_published(epoch, store):
    fed, _, cids = epoch
    past = get_round(store, cids[0])
    with pytest.raises(RecordError, match=r"round 1 has no g here: .* take what Federation\.record returns"):
        publish_round(store, fed.read_round(1), past.updates, params=past.params, scaled=True)


def test_validation_data_travel_by_cid(store):
    cid = TASK.publish(store)
    assert cid == TASK.validation
    index = store.get_json(cid)
    x = np.frombuffer(store.cat(index["x"]), dtype=">i8").reshape(index["shape"])
    np.testing.assert_array_equal(x, encode(TASK.x))


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


def test_whoever_publishes_a_round_gets_the_same_cid(epoch, store):
    _, _, cids = epoch
    past = get_round(store, cids[0])
    elsewhere = dataclasses.replace(past.record, gas={"commit": (1, 2)}, transactions={"commit": ("0x", "0x")})
    updates = dict(reversed(past.updates.items()))
    assert publish_round(store, elsewhere, updates, params=past.params, scaled=True) == cids[0]


def test_what_is_agreed_on_cannot_be_written_to():
    x, y = TASK.x.copy(), TASK.y.copy()
    task = dataclasses.replace(TASK, x=x, y=y)
    said = task.terms()
    x[:], y[:] = 0, 0
    for array in (task.x, task.y):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
    assert task.terms() == said


def test_a_round_that_another_settled_is_published(epoch, store):
    """A record needs no more than the chain: whose transaction settled the round does not matter."""
    fed, clients, _ = epoch
    before, size = fed.model(), fed.config.parameters
    updates = {client: np.linspace(0.1, 0.5, size) * (i + 1) for i, client in enumerate(clients)}
    number = fed.open_round()
    sent = fed.prepare(updates, rng=np.random.default_rng(0))
    fed.commit(sent)
    fed.end_phase("Commit")
    fed.reveal(sent)
    fed.end_phase("Reveal")
    fed.aggregate()
    fed.score()
    fed.chain.send(fed.pool.functions.settle(2 * fed.config.capacity), sender=clients[0])
    record = fed.record(number)
    assert len(record.global_update) == size and "settle" not in record.gas
    cid = publish_round(store, record, updates, params=before)
    assert verify_round(fed, store, cid) == ()
