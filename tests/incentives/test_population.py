"""Learning rules one at a time, and what a crowd of clients makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bcfl_support.incentives import population as behavior
from bcfl_support.incentives.policies import COPY, FULL, OUT, POLICIES, SKIP, UNKNOWN, Costs
from bcfl_support.incentives.population import Crowd, Learner

ALL = np.ones(len(POLICIES), dtype=bool)


@given(hnp.arrays(np.float64, (3, len(POLICIES)), elements=st.floats(-50, 50)), st.floats(0.01, 5), st.floats(0, 1))
def test_softmax_is_a_distribution_and_prefers_higher_values(
    values: np.ndarray, temperature: float, explore: float
) -> None:
    explored = UNKNOWN
    got = behavior.softmax_probabilities(values, ALL, explored, temperature=temperature, explore=explore)
    assert np.allclose(got.sum(axis=-1), 1) and (got >= 0).all()
    among = got[:, explored]
    order = values[:, explored]
    better = order[:, :, None] > order[:, None, :]
    assert (among[:, :, None] - among[:, None, :])[better].min(initial=0) >= -1e-12


def test_policies_not_allowed_are_never_chosen() -> None:
    allowed = np.isin(POLICIES, ("full", "skip"))
    got = behavior.softmax_probabilities(
        np.zeros(len(POLICIES)), allowed, allowed & UNKNOWN, temperature=0.1, explore=0.5
    )
    assert got[FULL] == 0.75 and got[SKIP] == 0.25 and got.sum() == 1


def test_sampling_has_the_given_frequencies() -> None:
    probabilities = np.array([0.1, 0.0, 0.6, 0.3])
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    drawn = behavior.sample_policies(np.broadcast_to(probabilities, (10_000, 4)), uniforms)
    assert np.bincount(drawn, minlength=4).tolist() == [1000, 0, 6000, 3000]


def test_values_become_the_mean_of_results() -> None:
    values = np.zeros((1, 3))
    results = [3.0, -1.0, 4.0, 2.0]
    for k, result in enumerate(results, 1):
        values = behavior.update_values(values, np.array([2]), np.array([result]), 1 / k)
    assert np.allclose(values, [[0, 0, np.mean(results)]])


def test_exp3_estimates_are_unbiased() -> None:
    """Averaged over the draw, the log-weights move by rate/A times each policy's scaled payoff."""
    probabilities, payoffs, rate = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 2.0]), 0.3
    mean = np.zeros(3)
    for policy in range(3):
        moved = behavior.update_exp3(np.zeros((1, 3)), probabilities[None], np.array([policy]), payoffs[[policy]], rate)
        mean += probabilities[policy] * moved[0]
    assert np.allclose(mean, rate / 3 * (payoffs + 1) / 4)


def test_imitation_is_the_replicator_dynamics_on_average() -> None:
    """With n clients, x_a shares and u_a payoffs, the mean change of x is x_a·(u_a − ū) when payoffs differ by < 1."""
    policies = np.array([0] * 5 + [1] * 3 + [2] * 2)
    worth = np.array([0.1, 0.4, 0.8])
    payoffs, shares = worth[policies], np.array([0.5, 0.3, 0.2])
    grid = (np.arange(2000) + 0.5) / 2000
    change = np.zeros(3)
    for model in range(10):  # everyone looks at each other client in turn, with every uniform of a grid
        looked = np.full((2000, 10), model)
        new = behavior.imitate(
            np.tile(policies, (2000, 1)), np.tile(payoffs, (2000, 1)), looked, np.tile(grid[:, None], (1, 10))
        )
        change += np.array([(new == a).mean() for a in range(3)]) / 10
    # a minus sign for the flow out: x_a·(Σ_b x_b (u_a − u_b)^+ − Σ_b x_b (u_b − u_a)^+) = x_a·(u_a − ū)
    assert np.allclose(change - shares, shares * (worth - shares @ worth), atol=1e-3)


# ---------------------------------------------------------------- a crowd


def make_crowd(**options: object) -> Crowd:
    costs = Costs().expected(np.ones((2, 4)))
    return Crowd(Learner(**options), costs)  # type: ignore[arg-type]


def test_best_response_takes_what_was_publicly_best_for_ones_own_costs() -> None:
    levels = np.array([[0.5, 0.5, 3.0, 3.0]])
    crowd = Crowd(
        Learner(kind="best_response", rate=0.9, explore=0.0, start=("full", "copy", "full", "copy")),
        Costs(busy=0.0).expected(levels),
    )
    free = np.ones((1, 4), bool)
    crowd.choose(np.full((1, 4, 4), 0.95), free)  # above the rate: nobody reconsiders yet
    crowd.observe_marks(np.ones((1, 4), bool))
    crowd.learn(np.array([[1.0, 0.6, 1.0, 0.6]]), np.zeros((1, 4)))
    # full pays 1.0 and costs level/2 + 0.02, copy pays 0.6 and costs 0.02
    assert crowd.choose(np.full((1, 4, 4), 0.5), free).tolist() == [[FULL, FULL, COPY, COPY]]


def test_exploring_lasts_one_round_and_a_mutation_stays() -> None:
    lots = np.full((2, 4, 4), 0.9)
    lots[..., 3] = 0.0  # explore: the first working policy that is not the settled one is POLICIES[0]
    for kind, stays in (("best_response", False), ("imitation", True)):
        crowd = make_crowd(kind=kind, rate=0.5, explore=0.5, start="copy")
        assert (crowd.choose(lots, np.ones((2, 4), bool)) == FULL).all()
        after = crowd.choose(np.full((2, 4, 4), 0.9), np.ones((2, 4), bool))
        assert (after == (FULL if stays else COPY)).all()


def test_clients_that_are_away_keep_their_policy() -> None:
    crowd = make_crowd(kind="softmax", explore=1.0, start="out")
    free = np.array([[True, False, True, False]] * 2)
    chosen = crowd.choose(np.full((2, 4, 4), 0.5), free)
    assert (chosen[:, [1, 3]] == OUT).all() and (chosen[:, [0, 2]] < SKIP).all()


def test_newcomers_know_nothing_and_the_others_forget_nothing() -> None:
    crowd = make_crowd(kind="softmax")
    crowd.choose(np.full((2, 4, 4), 0.5), np.ones((2, 4), bool))
    crowd.observe_marks(np.zeros((2, 4), bool))
    crowd.learn(np.full((2, 4), 9.0), np.zeros((2, 4)))
    before = crowd.standing_marks().copy()
    assert (before == 0).all()
    gone = np.zeros((2, 4), bool)
    gone[1, 2] = True
    crowd.replace(gone)
    after = crowd.standing_marks()
    assert after[1, 2] == 1 and (after[~gone] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "ppo"}, "kind is 'ppo'; use one of fixed, softmax, exp3, best_response, imitation"),
        ({"start": "work"}, "start is 'work'; use one of full, half"),
        ({"start": "copy", "policies": ("full", "skip")}, "start is 'copy'; use one of full, skip"),
        ({"start": ("skip", "out"), "policies": ("full", "skip")}, "start is 'out'; use one of full, skip"),
        ({"policies": ("full", "sleep")}, "policy is 'sleep'"),
        ({"policies": ()}, "the number of policies is 0: None allows all; choose it whole"),
        ({"rate": 0.0}, r"rate is 0\.0: choose it in \(0, 1\]"),
        ({"temperature": 0.0}, r"temperature is 0\.0: choose it in \(0, ∞\)"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"explore": 2}, r"explore is 2: choose it in \[0, 1\]"),
    ],
)
def test_bad_learners_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Learner(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="start names 2 policies for 3 clients"):
        Learner(start=("full", "copy")).start_policies(3)


def test_who_may_only_stay_away_stays_away() -> None:
    """No policy is left whose pay would have to be found out: exploring goes over what is allowed."""
    allowed = np.isin(np.array(POLICIES), ("skip", "out"))
    odds = behavior.softmax_probabilities(
        np.zeros(len(POLICIES)), allowed, allowed & UNKNOWN, temperature=1.0, explore=0.2
    )
    assert odds[allowed].sum() == pytest.approx(1.0) and not odds[~allowed].any()


@pytest.mark.parametrize("kind", ["best_response", "imitation"])
def test_who_may_only_stay_away_explores_staying_away(kind: str) -> None:
    crowd = make_crowd(kind=kind, rate=1.0, explore=1.0, start="skip", policies=("skip", "out"))
    drawn = {int(p) for lot in (0.1, 0.7) for p in crowd.choose(np.full((2, 4, 4), lot), np.ones((2, 4), bool)).flat}
    assert drawn == {SKIP, OUT}
