"""A seat at the table: what it plays is its own, all the rest is the game that `play` plays."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.market import Play, play
from bcfl_support.incentives.policies import COPY, FULL, POLICIES, SKIP, Costs
from bcfl_support.incentives.population import Learner
from bcfl_support.incentives.seat import Seat
from bcfl_support.incentives.worlds import PresenceWorld, TrainingWorld

COSTS = Costs(busy=0.5)


def take(world, learner=None, rounds=8, client=0, seed=3) -> Seat:
    rng = np.random.default_rng(seed)
    return Seat(world, "paper", learner or Learner(), COSTS, rounds=rounds, rng=rng, client=client)


def test_who_works_fully_in_a_seat_is_a_fixed_client_of_the_game(federations: tuple) -> None:
    world = TrainingWorld(federations[:1])
    seat = take(world, Learner(kind="fixed", start=("copy", "half", "full", "full", "copy")), client=1)
    while seat.left:
        seat.act("full")
    learner = Learner(kind="fixed", start=("copy", "full", "full", "full", "copy"))
    other = play(world, "paper", learner, COSTS, rounds=8, rngs=[np.random.default_rng(3)])
    for item in fields(Play):
        assert np.array_equal(getattr(seat.result(), item.name), getattr(other, item.name)), item.name


def test_the_others_learn_and_the_seat_does_as_it_is_told(federations: tuple) -> None:
    moves = ["full", "copy", "skip", "token", "copy", "full", "noise", "half"]
    seat = take(TrainingWorld(federations[:1]), client=4)
    for move in moves:
        seat.act(move)
    done = seat.result()
    assert [POLICIES[k] for k in done.chosen[:, 0, 4]] == [turn.policy for turn in seat.turns] == moves
    assert (done.chosen[:, 0, :4] != FULL).any(), "the others explore"
    assert not done.present[2, 0, 4] and done.played[2, 0, 4] == SKIP and done.played[1, 0, 4] == COPY


def test_a_turn_says_what_the_round_paid_and_cost(federations: tuple) -> None:
    seat = take(TrainingWorld(federations[:1]), rounds=6)
    for move in ("full", "copy", "full", "skip", "full", "copy"):
        busy, price = seat.busy, seat.prices()[move]
        turn = seat.act(move)
        assert (turn.busy, turn.cost) == (busy, pytest.approx(price))
    done, unit = seat.result(), seat.result().sizes[0, 0] * 5
    assert [turn.pay * unit for turn in seat.turns] == pytest.approx((done.rewards - done.fines)[:, 0, 0].tolist())
    assert [turn.net for turn in seat.turns] == pytest.approx(
        ((done.rewards - done.fines - done.costs)[:, 0, 0] / unit).tolist()
    )
    assert [turn.standing for turn in seat.turns] == done.standing[:, 0, 0].tolist()
    assert len({turn.busy for turn in seat.turns}) == 2, "busy and free rounds"


def test_the_same_turns_make_the_same_game() -> None:
    first, second = (take(PresenceWorld.equal(1, 5)) for _ in range(2))
    for move in ("full", "skip", "copy"):
        assert first.act(move) == second.act(move)


def test_a_seat_refuses_what_it_cannot_play() -> None:
    with pytest.raises(InvalidInput, match="the world has 2 seeds: a seat is at one table, make it with one"):
        take(PresenceWorld.equal(2, 5))
    with pytest.raises(InvalidInput, match=r"client is 5: choose it whole, in \[0, 4\]"):
        take(PresenceWorld.equal(1, 5), client=5)
    seat = take(PresenceWorld.equal(1, 5), rounds=1)
    with pytest.raises(InvalidInput, match="no round has been played: act first"):
        seat.result()
    with pytest.raises(InvalidInput, match="policy is 'steal'; use one of full, half"):
        seat.act("steal")
    seat.act("full")
    assert not seat.left and not seat.busy
    with pytest.raises(InvalidInput, match="all 1 rounds are played: take a new seat"):
        seat.act("full")
