"""The batched game against closed forms, against the contract's arithmetic, and against its own seeds one at a time."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives import exact as incentives
from bcfl_support.incentives import market as game
from bcfl_support.incentives import population as behavior
from bcfl_support.incentives.consistency import expected_consistency, fairness_ratios
from bcfl_support.incentives.market import Accidents, Play, play
from bcfl_support.incentives.pay_rules import PAY_RULES, PayRule
from bcfl_support.incentives.policies import COPY, FULL, HALF, NOISE, OUT, POLICIES, SKIP, TOKEN, Costs, stay_threshold
from bcfl_support.incentives.population import Learner
from bcfl_support.incentives.study import mean_interval
from bcfl_support.incentives.worlds import PresenceWorld, TrainingWorld

N = 5
FREE = Costs(compute=0.0, data=0.0, send=0.0, outside=0.0, rejoin=0.0, spread=0.0, busy=0.0)
FLAT = PayRule(base="flat", record="attended")


def generators(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


def count_stayers(costs: list[float], budget: float) -> int:
    """How many clients stay when k present clients share the budget equally: the largest k with budget/k ≥ c_(k)."""
    ordered = np.sort(np.asarray(costs, dtype=np.float64))
    fits = np.flatnonzero(budget / np.arange(1, len(ordered) + 1) >= ordered)
    return int(fits[-1]) + 1 if len(fits) else 0


@pytest.mark.parametrize("kind", behavior.LEARNERS)
def test_a_seed_gives_the_same_game_in_every_batch(federations: tuple, kind: str) -> None:
    learner, rule = Learner(kind=kind, rate=0.4, explore=0.3), PayRule(stake=10.0, record="verified")
    options = {"rounds": 12, "accidents": Accidents(drop=0.1, churn=0.05), "fairness_interval": 3}
    together = play(
        TrainingWorld(federations, tested=True), rule, learner, Costs(), rngs=generators(4, 5, 6), **options
    )
    alone = play(TrainingWorld(federations[1:2], tested=True), rule, learner, Costs(), rngs=generators(5), **options)
    for item in fields(Play):
        mine, theirs = getattr(alone, item.name), getattr(together, item.name)
        picked = theirs[1:2] if item.name == "sizes" else theirs[:, 1:2]
        assert np.allclose(mine, picked, rtol=1e-9, atol=1e-12), item.name


# ---------------------------------------------------------------- pay and closed forms


def test_pay_in_the_presence_world_is_the_contracts_arithmetic() -> None:
    """Scripted attendance; the game's pay equals settle_round's, in wei, for scores p_i."""
    learner = Learner(kind="fixed", start=("full", "full", "fair_weather", "full", "skip"))
    costs = replace(FREE, busy=0.4)
    done = play(PresenceWorld.equal(2, N), FLAT, learner, costs, rounds=30, rngs=generators(1, 2))
    for s in range(2):
        accounts: dict[str, incentives.Account] = {}
        for t in range(30):
            scores = {str(i): 10**17 for i in range(N) if done.present[t, s, i]}
            settled = incentives.settle_round(
                t + 1,
                scores,
                norm_squared=10**18,
                terms=incentives.Terms(budget=N * 10**18),
                accounts=accounts,
                stakes=dict.fromkeys("01234", 0),
                pot=10**22,
            )
            accounts = dict(settled.accounts)
            for i in range(N):
                assert done.rewards[t, s, i] * 10**18 == pytest.approx(settled.rewards.get(str(i), 0), abs=1e4)
                if str(i) in scores:
                    assert done.standing[t, s, i] * 10**6 == pytest.approx(settled.consistency[str(i)], abs=1)
    assert not done.present[:, :, 4].any() and 0 < done.present[:, :, 2].mean() < 1


def test_the_game_crosses_over_at_alpha_star() -> None:
    """One fair-weather client among 79 that always work: it earns more below α*, less above, the same at α*."""
    n, busy, cost, window = 80, 0.3, 1.25, 8
    star = stay_threshold(cost, attendance=1 - busy, consistency=float(expected_consistency(1 - busy, window=window)))
    costs = replace(FREE, compute=cost / 2.0, busy=busy, busy_factor=2.0)
    learner = Learner(kind="fixed", start=("fair_weather",) + ("full",) * (n - 1))
    gaps = {}
    for alpha in (star / 3, star, 3 * star):
        rule = replace(FLAT, alpha=alpha, window=window)
        done = play(PresenceWorld.equal(8, n), rule, learner, costs, rounds=600, rngs=generators(*range(8)))
        net = (done.rewards - done.costs)[window:].mean(axis=0)  # (seeds, n)
        gaps[alpha] = net[:, 1:].mean(axis=1) - net[:, 0]
    mean, half = mean_interval(gaps[star])
    assert abs(mean) < half + 0.02  # many clients in the formula, 80 here
    assert gaps[star / 3].max() < 0 < gaps[3 * star].min()


@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_entry_settles_at_the_closed_form_whatever_alpha(alpha: float) -> None:
    """Clients that only choose between working and leaving: as many stay as the sorted costs say."""
    n = 30
    learner = Learner(kind="best_response", rate=0.03, explore=0.0, policies=("full", "out"))
    costs = replace(FREE, compute=1.4, outside=0.05, spread=0.5)
    done = play(
        PresenceWorld.equal(12, n),
        replace(FLAT, alpha=alpha),
        learner,
        costs,
        rounds=600,
        rngs=generators(*range(12)),
        accidents=Accidents(pause=1.0),
    )
    levels = [costs.draw_levels(n, rng=np.random.default_rng(seed).spawn(3)[0]) for seed in range(12)]
    expected = np.array([count_stayers(1.4 * level + 0.05, float(n)) for level in levels])
    stayed = (done.chosen[-300:] == FULL).sum(axis=2).mean(axis=0)
    assert np.abs(stayed - expected).max() < 3 and abs((stayed - expected).mean()) < 0.75


def test_a_fixed_price_does_not_share_a_budget() -> None:
    rule = replace(FLAT, scaled=False, alpha=0.0)
    learner = Learner(kind="fixed", start=("full", "full", "skip", "skip", "skip"))
    done = play(PresenceWorld.equal(1, N), rule, learner, FREE, rounds=3, rngs=generators(0))
    assert np.allclose(done.rewards[:, 0], [[2.5, 2.5, 0, 0, 0]] * 3)  # the first round's total is the budget
    learner = Learner(kind="fixed", start=("full",) * N)
    dropped = play(
        PresenceWorld.equal(1, N), rule, learner, FREE, rounds=40, rngs=generators(0), accidents=Accidents(drop=0.3)
    )
    price = dropped.rewards[0].sum() / dropped.present[0].sum()
    assert np.allclose(dropped.rewards, price * dropped.present)


def test_a_fixed_price_is_that_of_the_first_round_that_pays() -> None:
    """Nobody has a record before it has made one: the price waits for that, in each seed for itself."""
    rule = PayRule(base="flat", gate="threshold", consistency="streak", window=4, alpha=0.0, scaled=False)
    learner = Learner(kind="fixed", start=("full",) * N)
    drop = Accidents(drop=(0.0, 0.6, 0.6, 0.6, 0.6))
    done = play(PresenceWorld.equal(6, N), rule, learner, FREE, rounds=30, rngs=generators(*range(6)), accidents=drop)
    paid = done.rewards.sum(axis=2)
    assert (paid[:2] == 0).all() and (paid[2] > 0).all()  # three rounds in a row reach three quarters of four
    earned = (done.rewards > 0).sum(axis=2)
    price = N / earned[2]  # the first round that pays spends the budget, equal shares
    assert np.allclose(paid, price * earned)


def test_fairness_factors_follow_the_epochs() -> None:
    learner = Learner(kind="fixed", start=("full",) * 4 + ("fair_weather",))
    rule = replace(FLAT, alpha=2.0)
    done = play(
        PresenceWorld.equal(1, N),
        rule,
        learner,
        replace(FREE, busy=0.4),
        rounds=12,
        rngs=generators(3),
        fairness_interval=4,
    )
    assert (done.factors[:4] == 1).all()
    for start in (0, 4):
        expected = fairness_ratios(
            done.scores[start : start + 4].sum(axis=0), done.rewards[start : start + 4].sum(axis=0)
        )
        assert np.allclose(done.factors[start + 4 : start + 8], expected)
    assert done.factors[4:, 0, 4].max() > 1  # α took from the fair-weather client what it had brought


def test_drops_churn_and_leaving() -> None:
    rule = replace(FLAT, stake=10.0, fine_cap=0.05)
    learner = Learner(kind="fixed", start=("full",) * N)
    done = play(
        PresenceWorld.equal(40, N),
        rule,
        learner,
        replace(FREE, compute=0.5),
        rounds=50,
        rngs=generators(*range(40)),
        accidents=Accidents(drop=(0.0, 0.2, 0.2, 0.2, 1.0)),
    )
    share = done.present.mean(axis=(0, 1))
    assert share[0] == 1 and share[4] == 0 and np.allclose(share[1:4], 0.8, atol=0.04)  # 4.5 standard errors of 2,000
    assert np.allclose(done.costs, 0.5)  # the work of a dropped round is lost
    assert not done.fines.any()  # who is absent is not fined

    churned = play(
        PresenceWorld.equal(20, N), FLAT, learner, FREE, rounds=60, rngs=generators(*range(20)),
        accidents=Accidents(churn=0.1),
    )  # fmt: skip
    assert churned.standing[20:].mean() < 0.8 and churned.standing.max() == 1

    gone = play(
        PresenceWorld.equal(30, N), FLAT, Learner(explore=1.0, start="out"), replace(FREE, rejoin=0.7, outside=0.2),
        rounds=2, rngs=generators(*range(30)), accidents=Accidents(pause=1.0),
    )  # fmt: skip
    assert (gone.played[0] < SKIP).all() and np.allclose(gone.costs[0], 0)  # they had not been in before
    staying = play(
        PresenceWorld.equal(30, N), FLAT, Learner(kind="fixed", start="out"), replace(FREE, outside=0.2), rounds=3,
        rngs=generators(*range(30)),
    )  # fmt: skip
    assert np.allclose(staying.costs, -0.2) and staying.rewards.sum() == 0


def test_rejoining_costs_once() -> None:
    learner = Learner(kind="best_response", rate=0.5, explore=0.0, policies=("full", "out"), start="out")
    costs = replace(FREE, rejoin=0.7, outside=0.1)
    done = play(
        PresenceWorld.equal(30, N), FLAT, learner, costs, rounds=40, rngs=generators(*range(30)),
        accidents=Accidents(pause=2.0),
    )  # fmt: skip
    back = (done.chosen[1:] == FULL) & (done.chosen[:-1] == OUT)
    assert np.allclose(done.costs[1:][back], 0.7)
    stayed = (done.chosen[1:] == FULL) & (done.chosen[:-1] == FULL)
    assert np.allclose(done.costs[1:][stayed], 0.0)


def test_foresight_counts_what_a_policy_leads_to() -> None:
    """Myopic clients back after an absence see little pay; foresighted ones see what full attendance earns."""
    costs = replace(FREE, compute=0.9, outside=0.0)
    shares = {}
    for foresight in (0.0, 1.0):
        learner = Learner(foresight=foresight, policies=("full", "skip"), explore=0.05)
        done = play(
            PresenceWorld.equal(40, 12), replace(FLAT, alpha=5.0), learner, costs, rounds=150,
            rngs=generators(*range(40)), accidents=Accidents(drop=0.15),
        )  # fmt: skip
        shares[foresight] = (done.chosen[-50:] == FULL).mean()
    assert shares[1.0] > shares[0.0] + 0.02


# ---------------------------------------------------------------- results


def handmade(played: np.ndarray, accuracy: list[float], rewards: np.ndarray) -> Play:
    shape = played.shape
    zeros = np.zeros(shape)
    return Play(
        chosen=played, played=played, present=played < SKIP, rewards=rewards, fines=zeros + 0.1, costs=zeros + 0.2,
        standing=zeros, factors=zeros, scores=zeros, passed=played < SKIP, accuracy=np.array(accuracy)[:, None],
        sizes=np.array([[0.5, 0.25, 0.25]]),
    )  # fmt: skip


def test_summary_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(game, "PAID_ROUNDS", 2)
    played = np.array([[[FULL, COPY, OUT]], [[HALF, NOISE, SKIP]], [[TOKEN, COPY, OUT]], [[FULL, COPY, FULL]]])
    rewards = np.array([[[2.0, 1.0, 0.0]], [[2.0, 1.0, 0.0]], [[2.0, 0.5, 0.5]], [[1.0, 0.5, 0.5]]])
    done = handmade(played, [0.2, 0.8, 0.95, 0.9], rewards)
    got = {name: float(values[0]) for name, values in game.summarize(done, last=2).items()}
    assert got["honest"] == pytest.approx(3 / 6) and got["effort"] == pytest.approx(2.25 / 6)
    assert (got["copy"], got["noise"], got["skip"], got["out"]) == (2 / 6, 0, 0, 1 / 6)
    assert got["rounds_to_target"] == 3 and got["spent_to_target"] == 9.0
    assert got["accuracy"] == pytest.approx(np.mean([0.2, 0.8, 0.95, 0.9])) and got["accuracy_at_budget"] == 0.8
    assert got["spent"] == pytest.approx(11 / 4) and got["margin"] == pytest.approx(5 / 6 - 0.3)
    assert got["false_fines"] == pytest.approx(0.1 * 3 / 2 / 3)
    per_data = np.array([6.0, 4.0, 4.0])
    assert got["jain"] == pytest.approx(per_data.sum() ** 2 / (3 * (per_data**2).sum()))
    with pytest.raises(InvalidInput, match=r"last is 0: choose it whole, in \[1, ∞\)"):
        game.summarize(done, last=0)
    never = game.summarize(done, target=0.99)
    assert never["rounds_to_target"][0] == 5 and never["spent_to_target"][0] == 11.0


def test_what_does_not_fit_is_refused() -> None:
    world, learner = PresenceWorld.equal(2, N), Learner()
    with pytest.raises(ValueError, match="1 generators for 2 seeds; give one of each"):
        play(world, FLAT, learner, FREE, rounds=3, rngs=generators(1))
    with pytest.raises(ValueError, match=r"rounds is 0: choose it whole, in \[1, ∞\)"):
        play(world, FLAT, learner, FREE, rounds=0, rngs=generators(1, 2))
    with pytest.raises(ValueError, match=r"drop is 1\.5: choose it in \[0, 1\]"):
        Accidents(drop=1.5)
    with pytest.raises(InvalidInput, match=r"drop is \(0\.1, nan\)"):
        Accidents(drop=(0.1, float("nan")))
    with pytest.raises(ValueError, match=r"pause is 0\.5: who leaves stays away for a round"):
        Accidents(pause=0.5)


def test_a_world_and_a_rule_that_do_not_belong_together_are_refused() -> None:
    world = game.make_world("paper", seeds=[0], n_clients=4, partition="iid")
    for name in ("midpoint", "verified"):
        with pytest.raises(InvalidInput, match="make the world for the rule"):
            play(world, PAY_RULES[name], Learner(), Costs(), rounds=1, rngs=generators(0))
    with pytest.raises(InvalidInput, match=r"rule is 'papper'; use one of .*flat"):
        game.make_world("papper", seeds=[0])


def test_every_named_rule_plays() -> None:
    for name, rule in PAY_RULES.items():
        world = game.make_world(name, seeds=[0, 1], n_clients=4, partition="iid")
        done = play(world, rule, Learner(), Costs(), rounds=4, rngs=generators(0, 1))
        assert done.rewards.shape == (4, 2, 4) and np.isfinite(done.rewards).all() and (done.rewards >= 0).all()
        assert (done.rewards.sum(axis=2) <= 4 + 1e-9).all()
        assert set(np.unique(done.played)) <= set(range(len(POLICIES)))
        assert world.tested == (rule.record == "verified")


def test_a_rule_may_be_given_by_its_name() -> None:
    world, options = PresenceWorld.equal(1, 4), {"rounds": 5}
    by_name = play(world, "paper", Learner(), Costs(), rngs=generators(0), **options)
    given = play(world, PAY_RULES["paper"], Learner(), Costs(), rngs=generators(0), **options)
    assert np.array_equal(by_name.rewards, given.rewards)
    with pytest.raises(InvalidInput, match=r"pay rule is None; use one of .*flat"):
        play(world, None, Learner(), Costs(), rngs=generators(0), **options)


def test_accidents_of_another_number_of_clients_are_refused() -> None:
    world = PresenceWorld.equal(2, N)
    with pytest.raises(InvalidInput, match=r"drop is \(0.1, 0.2\); give one probability, or 5, one a client"):
        play(world, FLAT, Learner(), FREE, rounds=2, rngs=generators(0, 1), accidents=Accidents(drop=(0.1, 0.2)))


def test_wider_bounds_move_the_factors_further(federations: tuple) -> None:
    world, learner = TrainingWorld(federations), Learner(kind="fixed", start=("copy", "noise", "full", "full", "full"))
    options = {"rounds": 9, "rngs": generators(1, 2, 3), "fairness_interval": 3}
    narrow, usual, wide = (
        play(world, "paper", learner, FREE, **options | bounds).factors
        for bounds in ({"fairness_bounds": (0.8, 1.25)}, {}, {"fairness_bounds": (0.1, 10.0)})
    )
    for factors, least, most in ((narrow, 0.8, 1.25), (usual, 0.5, 1.5), (wide, 0.1, 10.0)):
        assert factors.min() >= least and factors.max() <= most and (factors[:3] == 1).all()
    assert np.ptp(narrow) < np.ptp(usual) < np.ptp(wide)
