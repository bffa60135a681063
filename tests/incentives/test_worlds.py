"""Training of all seeds in one batch against the loop written out; the test on own data by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.market import play
from bcfl_support.incentives.pay_rules import PayRule
from bcfl_support.incentives.policies import COPY, FULL, HALF, NOISE, OUT, SKIP, TOKEN, Costs
from bcfl_support.incentives.population import Learner
from bcfl_support.incentives.worlds import PAYING, PresenceWorld, TrainingWorld
from bcfl_support.learning import SoftmaxRegression, fedavg, load_digits_federation
from bcfl_support.scores import alignment_scores, midpoint_scores

N = 5


def generators(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


def test_presence_is_score_contribution_and_test() -> None:
    present = np.array([[True, False], [True, True]])
    world = PresenceWorld(np.array([[0.25, 0.75], [0.5, 0.5]]))
    [outcome] = world.play(1, generators(0, 1), lambda number: (np.zeros((2, 2), int), present))
    assert outcome.scores.tolist() == outcome.contributions.tolist() == [[0.25, 0.0], [0.5, 0.5]]
    assert np.array_equal(outcome.passed, present) and outcome.accuracy.tolist() == [0.25, 1.0]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([[1.5, -0.5]], "they are shares of the data"),
        ([[np.nan, 1.0]], "they are shares of the data"),
        ([[0.5, 0.4]], r"give shape \(seeds, n\), each row with a sum of 1"),
        ([0.5, 0.5], r"give shape \(seeds, n\)"),
    ],
)
def test_sizes_that_are_no_shares_are_refused(sizes: list, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        PresenceWorld(np.array(sizes))


def slow_rounds(data: object, acts: list[list[int]], present: list[list[bool]], rng: np.random.Generator) -> list:
    """The same rounds for one seed, client after client, from the single-model functions."""
    model = SoftmaxRegression(64, 10)
    batches, noises = rng.spawn(2)
    draws = batches.random((len(acts), 4, N, 16))
    w, previous, length, rows = np.zeros(650), np.zeros(650), 0.0, []
    for t, played in enumerate(acts):
        updates = np.zeros((N, 650))
        for i, act in enumerate(played):
            x, y = data.client(i)
            own = w.copy()
            for k in range({FULL: 4, HALF: 2, TOKEN: 1}.get(act, 0)):
                chosen = (draws[t, k, i] * len(y)).astype(int)
                own -= 0.3 * model.gradient(own, x[chosen], y[chosen])
            updates[i] = own - w
            if act == COPY and previous.any():
                updates[i] = previous / np.linalg.norm(previous) * length
            if act == NOISE:
                noise = noises.standard_normal(650)
                updates[i] = noise / np.linalg.norm(noise) * length
        there = np.array(present[t])
        step = fedavg(updates[there], data.sizes[there])
        scores = np.zeros(N)
        scores[there] = alignment_scores(updates[there], data.sizes[there])
        midpoint = np.zeros(N)
        midpoint[there] = midpoint_scores(
            updates[there], data.sizes[there], params=w, gradient=lambda v: model.gradient(v, data.x_val, data.y_val)
        )
        honest = [np.linalg.norm(updates[i]) for i in range(N) if there[i] and played[i] <= TOKEN]
        length = float(np.median(honest)) if honest else length
        w, previous = w + step, step
        rows.append((scores, midpoint, model.accuracy(w, data.x_test, data.y_test)))
    return rows


@pytest.mark.parametrize("score", PAYING)
def test_training_equals_the_loop_written_out(federations: tuple, score: str) -> None:
    acts = [
        [FULL, HALF, TOKEN, FULL, FULL],
        [FULL, COPY, NOISE, SKIP, TOKEN],
        [COPY] * 5,
        [FULL, NOISE, OUT, HALF, COPY],
    ]
    present = [
        [a < SKIP for a in acts[0]],
        [True, True, True, False, False],
        [True] * 5,
        [True, True, False, True, True],
    ]
    world = TrainingWorld(federations, score=score)
    expected = [slow_rounds(d, acts, present, r) for d, r in zip(federations, generators(7, 8, 9), strict=True)]
    everywhere = [(np.array([acts[t]] * 3), np.array([present[t]] * 3)) for t in range(4)]
    for t, outcome in enumerate(world.play(4, generators(7, 8, 9), everywhere.__getitem__)):
        for s in range(3):
            scores, midpoint, accuracy = expected[s][t]
            assert np.allclose(outcome.scores[s], scores if score == "alignment" else midpoint, rtol=1e-9, atol=1e-12)
            assert np.allclose(outcome.contributions[s], midpoint, rtol=1e-9, atol=1e-12)
            assert outcome.accuracy[s] == accuracy
            assert np.array_equal(outcome.passed[s], np.array(present[t]) & (outcome.scores[s] > 0))


def test_the_own_data_test_tells_work_from_copies(federations: tuple) -> None:
    world = TrainingWorld(federations, tested=True)
    learner = Learner(kind="fixed", start=("full", "full", "half", "copy", "noise"))
    done = play(world, PayRule(record="verified"), learner, Costs(), rounds=60, rngs=generators(1, 2, 3))
    rates = done.passed.mean(axis=(0, 1))
    # 180 trials a client: a fair coin stays within 0.35 … 0.65 (four standard errors)
    assert (rates[:3] > 0.9).all() and 0.35 < rates[3] < 0.65 and rates[4] < 0.65


def test_a_test_by_hand(federations: tuple) -> None:
    """Own first mini-batch against public samples, client after client from the single-model functions."""
    played = np.array([[FULL, HALF, TOKEN, COPY, FULL]] * 3)
    present = np.array([[True, True, True, True, False]] * 3)
    world = TrainingWorld(federations, tested=True)
    (outcome,) = world.play(1, generators(1, 2, 3), lambda number: (played, present))
    model, start = SoftmaxRegression(64, 10), np.zeros(650)
    for s, (data, rng) in enumerate(zip(federations, generators(1, 2, 3), strict=True)):
        batches = rng.spawn(2)[0]
        draws, probes = batches.random((4, N, 16)), batches.random(32)
        picked = (probes * len(data.y_val)).astype(int)
        for i, steps in enumerate((4, 2, 1, 0, 4)):
            x, y = data.client(i)
            chosen = (draws[:, i] * len(y)).astype(int)
            own = start.copy()
            for k in range(steps):
                own -= 0.3 * model.gradient(own, x[chosen[k]], y[chosen[k]])
            gains = [
                model.loss(start, features, labels) - model.loss(own, features, labels)
                for features, labels in ((x[chosen[0]], y[chosen[0]]), (data.x_val[picked], data.y_val[picked]))
            ]
            assert outcome.passed[s, i] == (present[s, i] and gains[0] > gains[1])


def test_what_does_not_fit_is_refused(federations: tuple) -> None:
    with pytest.raises(InvalidInput, match="score is 'cosine'; use one of alignment, midpoint"):
        TrainingWorld(federations, score="cosine")
    other = load_digits_federation(4, rng=np.random.default_rng(0))
    fewer = replace(federations[0], classes=(*federations[0].classes, "none of them"))
    for odd in (other, fewer):
        with pytest.raises(InvalidInput, match="federations differ in clients, classes, validation or test size"):
            TrainingWorld((*federations, odd))


def test_shares_may_be_lists() -> None:
    world = PresenceWorld([[0.5, 0.5]])
    game = play(world, PayRule(), Learner(), Costs(), rounds=2, rngs=generators(0))
    assert game.sizes.tolist() == [[0.5, 0.5]] and game.rewards.shape == (2, 1, 2)


def test_sizes_of_a_world_are_its_own():
    sizes = np.full((1, 4), 0.25)
    world = PresenceWorld(sizes)
    sizes[:] = [[1, 0, 0, 0]]
    assert world.sizes.tolist() == [[0.25] * 4]


def test_a_world_is_made_of_several_federations():
    with pytest.raises(InvalidInput, match="give federated data, one for each seed"):
        TrainingWorld(load_digits_federation(2, rng=np.random.default_rng(0)))
