"""Whole runs: the table, its identities round by round, seeds, hooks, participation and pay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clipped_attacks import STRATEGIES

from bcfl_support import simulation
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.pay_rules import PayRule
from bcfl_support.learning import datasets
from bcfl_support.learning.aggregators import fedavg
from bcfl_support.learning.models import MLP, LogisticRegression, Model, SoftmaxRegression
from bcfl_support.learning.training import local_updates
from bcfl_support.learning.updates import clip_norms, compute_median_norm
from bcfl_support.scores import SCORES, alignment_scores
from bcfl_support.simulation import RoundOutcome, RoundState

MODEL = LogisticRegression(30)


@pytest.fixture(scope="module")
def hospitals() -> datasets.FederatedData:
    return datasets.load_hospitals(5, partition="quantity_skew", rng=np.random.default_rng(0))


def run(
    data: datasets.FederatedData, seed: int = 1, model: Model = MODEL, **options: object
) -> simulation.SimulationResult:
    return simulation.run(data, model, rng=np.random.default_rng(seed), **{"rounds": 6, **options})  # type: ignore[arg-type]


def three(number: int, rng: np.random.Generator) -> np.ndarray:
    """Three of five clients, at random."""
    return rng.permutation(5)[:3]


def test_a_run_equals_the_loop_written_out(hospitals: datasets.FederatedData) -> None:
    w = np.zeros(31)
    rng = np.random.default_rng(99)
    result = run(hospitals)
    for number in range(6):
        updates = local_updates(MODEL, w, hospitals, steps=5, lr=0.5, rng=rng)
        step = fedavg(updates, hospitals.sizes)
        w = w + step
        scores = result.table.pivot("score")[number]
        assert np.array_equal(scores, alignment_scores(updates, hospitals.sizes))
        assert scores.sum() == pytest.approx(step @ step, rel=1e-12)
        assert np.allclose(result.table.pivot("norm")[number], np.linalg.norm(updates, axis=1), rtol=1e-14)
        assert result.table.pivot("accuracy")[:, 0][number] == MODEL.accuracy(w, hospitals.x_test, hospitals.y_test)
    assert np.array_equal(result.params, w)
    assert result.accuracy == result.table.pivot("accuracy")[:, 0][-1] > 0.9


def test_the_table_is_tidy(hospitals: datasets.FederatedData) -> None:
    table = run(hospitals, scores=("alignment", "cosine")).table
    assert tuple(table.columns) == (
        *("round", "client", "samples", "participated", "norm", "score", "score_alignment", "score_cosine"),
        *("consistency", "reward", "accuracy", "loss"),
    )
    assert all(len(column) == 30 for column in table.columns.values())
    assert table.column("round").tolist() == [r for r in range(1, 7) for _ in range(5)]
    assert table.column("client").tolist() == list(range(5)) * 6
    assert table.pivot("client").shape == (6, 5)
    assert table.column("samples")[7] == hospitals.sizes[2]
    with pytest.raises(InvalidInput, match="column is 'accurracy'; use one of round, client"):
        table.column("accurracy")


def test_every_named_score_runs_and_the_first_pays(hospitals: datasets.FederatedData) -> None:
    names = tuple(SCORES)
    table = run(hospitals, scores=names[::-1]).table
    assert np.array_equal(table.column("score"), table.column(f"score_{names[-1]}"))
    for name in names:
        assert np.isfinite(table.column(f"score_{name}")).all()
        assert np.array_equal(table.column(f"score_{name}"), run(hospitals, scores=name).table.column("score"))
    with pytest.raises(InvalidInput, match="name at least the one that pays, first"):
        run(hospitals, scores=set(names))


def test_equal_seeds_equal_tables_other_seeds_other_tables(hospitals: datasets.FederatedData) -> None:
    def columns(seed: int) -> list[bytes]:
        result = run(hospitals, seed, batch_size=8, participation=three, model=MLP(30, 4, 2))
        return [result.table.column(name).tobytes() for name in result.table.columns]

    assert columns(3) == columns(3)
    assert columns(3) != columns(4)


def test_an_attack_changes_neither_participation_nor_batches(hospitals: datasets.FederatedData) -> None:
    def noise_on_client_0(number: int, updates: np.ndarray, state: RoundState) -> np.ndarray:
        updates[state.clients == 0] += state.rng.standard_normal(updates.shape[1])
        return updates

    honest = run(hospitals, batch_size=8, participation=three).table
    attacked = run(hospitals, batch_size=8, participation=three, transform_updates=noise_on_client_0).table
    assert np.array_equal(honest.column("participated"), attacked.column("participated"))
    first = honest.pivot("participated")[0] & (np.arange(5) != 0)
    assert np.array_equal(honest.pivot("norm")[0][first], attacked.pivot("norm")[0][first])
    assert not np.array_equal(honest.column("accuracy"), attacked.column("accuracy"))


def test_absent_clients_have_no_score_and_no_pay(hospitals: datasets.FederatedData) -> None:
    table = run(hospitals, participation=lambda number, rng: rng.permutation(5)[:2], rounds=20).table
    here = table.pivot("participated")
    assert (here.sum(axis=1) == 2).all() and here.any(axis=0).all()
    assert np.isnan(table.pivot("score")[~here]).all() and np.isfinite(table.pivot("score")[here]).all()
    assert not table.pivot("reward")[~here].any()
    assert np.allclose(table.pivot("reward").sum(axis=1), 1)


def test_a_round_that_nobody_came_to_moves_nothing(hospitals: datasets.FederatedData) -> None:
    table = run(
        hospitals, participation=lambda number, rng: np.array([4, 1]) if number % 2 else np.array([], dtype=int)
    ).table
    assert table.pivot("participated")[0].tolist() == [False, True, False, False, True]
    assert not table.pivot("participated")[1].any() and not table.pivot("reward")[1].any()
    assert table.pivot("loss")[:, 0][1] == table.pivot("loss")[:, 0][0]  # nobody came, nothing changed
    # Nor does it count: a void round leaves every history as it is, also when it is the first.
    assert table.pivot("consistency")[:, 4].tolist() == [k / 8 for k in (1, 1, 2, 2, 3, 3)]
    late = run(hospitals, participation=lambda number, rng: np.arange(5) if number > 1 else []).table
    assert late.pivot("consistency")[:, 0].tolist() == [k / 8 for k in range(6)]


def boost(number: int, updates: np.ndarray, state: RoundState) -> np.ndarray:
    """Client 0 turns round and sends a thousand times as much."""
    updates[0] *= -1000
    return updates


@pytest.mark.parametrize("name", ["trimmed_mean", "multi_krum", "nnm_trimmed_mean"])
def test_a_robust_aggregator_is_told_how_many_are_byzantine(hospitals: datasets.FederatedData, name: str) -> None:
    assert run(hospitals, aggregate=name, byzantine=1, transform_updates=boost).accuracy > 0.9
    assert run(hospitals, aggregate="fedavg", byzantine=1, transform_updates=boost).accuracy < 0.2
    with pytest.raises(InvalidInput, match=r"byzantine is 0: .* the plain mean; choose it whole, in \[1, ∞\)"):
        run(hospitals, aggregate=name, transform_updates=boost)


def test_declared_counts_weigh_and_score(hospitals: datasets.FederatedData) -> None:
    declared = hospitals.sizes.copy()
    declared[0] *= 10
    seen: list[RoundOutcome] = []
    table = run(hospitals, declared_samples=declared, observe=seen.append).table
    assert np.array_equal(seen[0].step, fedavg(seen[0].updates, declared))
    assert np.array_equal(table.pivot("score")[0], alignment_scores(seen[0].updates, declared))
    assert np.array_equal(table.pivot("samples")[0], declared)
    assert table.pivot("reward")[0][0] > run(hospitals).table.pivot("reward")[0][0]


def test_hooks_see_each_round(hospitals: datasets.FederatedData) -> None:
    seen: list[RoundOutcome] = []
    result = run(hospitals, observe=seen.append, aggregate="median")
    assert [outcome.state.round for outcome in seen] == [1, 2, 3, 4, 5, 6]
    assert np.array_equal(seen[2].step, np.median(seen[2].updates, axis=0))
    assert np.array_equal(seen[3].state.previous_step, seen[2].step)
    assert not seen[0].state.previous_step.any()
    assert np.allclose(seen[-1].state.params + seen[-1].step, result.params)
    assert np.array_equal(seen[4].rewards, result.table.pivot("reward")[4])


def test_own_scores_and_reward_rules(hospitals: datasets.FederatedData) -> None:
    table = run(
        hospitals, scores={"size": lambda seen: seen.samples.astype(float)}, reward=PayRule(alpha=0.0, base="flat")
    ).table
    assert np.allclose(table.pivot("reward")[2], hospitals.sizes / hospitals.sizes.sum())
    assert np.array_equal(table.pivot("score")[2], hospitals.sizes)


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("kind", ["window", "streak", "ewma"])
@pytest.mark.parametrize("record", ["good", "attended"])
def test_the_table_shows_the_consistency_that_pays(
    hospitals: datasets.FederatedData, window: int, kind: str, record: str
) -> None:
    rule = PayRule(window=window, consistency=kind, record=record, alpha=2.0)
    table = run(hospitals, rounds=8, participation=three, reward=rule).table
    scores, standing, there = (table.pivot(name) for name in ("score", "consistency", "participated"))
    counted = there if record == "attended" else scores >= 0
    for number in range(8):
        assert np.allclose(standing[number], rule.standing(counted[: number + 1]))
        weights = np.where(there[number], np.maximum(scores[number], 0), 0) * (1 + 2 * standing[number])
        assert table.pivot("reward")[number] == pytest.approx(weights / weights.sum())


def test_one_client_and_all_zero_updates_are_results_not_errors(hospitals: datasets.FederatedData) -> None:
    one = replace(hospitals, sizes=np.array([len(hospitals.y)]))
    table = run(one).table
    assert np.allclose(table.column("score"), table.column("norm") ** 2)
    assert np.array_equal(table.column("reward"), np.ones(6))
    still = run(hospitals, transform_updates=lambda number, updates, state: 0 * updates, scores=tuple(SCORES)).table
    assert not still.column("score").any() and not still.column("reward").any()
    assert still.pivot("consistency")[-1].tolist() == [0.75] * 5  # zero is non-negative: 6 rounds of 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, r"rounds is 0: choose it whole, in \[1, ∞\)"),
        (
            {"participation": lambda number, rng: np.array([9])},
            r"participation gave in round 1 is \[9\]: a client is named by its index; .* in \[0, 4\]",
        ),
        ({"participation": lambda number, rng: np.array([1, 1])}, r"gave in round 1 is \[1, 1\]: name each once"),
        ({"participation": lambda number, rng: [0.9, 1.2]}, r"participation gave .* \[0.9, 1.2\]: .* by its index"),
        (
            {"participation": lambda number, rng: [False, True]},
            r"participation gave .* \[False, True\]: .* by its index",
        ),
        ({"byzantine": -1}, r"byzantine is -1: choose it whole, in \[0, 5\]"),
        (
            {"aggregate": lambda seen: np.ones(1), "scores": "clipped"},
            r"aggregate gave shape \(1,\) in round 1: give \(31,\)",
        ),
        ({"aggregate": lambda seen: 0.0, "scores": "clipped"}, r"aggregate gave shape \(\) in round 1"),
        ({"aggregate": lambda seen: np.full(31, np.nan), "scores": "clipped"}, r"the step of round 1\[0\] = nan"),
        ({"scores": "cosinus"}, "score is 'cosinus'; use one of .*alignment"),
        ({"scores": ()}, r"scores is \(\): name at least the one that pays"),
        ({"declared_samples": np.array([1, 2])}, r"declared_samples is \[1, 2\]: give 5 positive integers"),
        ({"declared_samples": np.array([1, 2, 3, 4, 0])}, "declared_samples"),
        ({"declared_samples": [10**30, 1, 1, 1, 1]}, r"declared_samples is .* in \[1, 9223372036854775807\]"),
        (
            {"scores": {"mine": lambda seen: np.ones(3)}},
            r"what score 'mine' gave in round 1 is \[1\.0, 1\.0, 1\.0\]: give 5",
        ),
        ({"scores": {"mine": lambda seen: np.full(5, np.nan)}}, "score 'mine' gave .*: give 5 finite numbers"),
        ({"steps": 1.9}, "steps is 1.9: choose it whole"),
        (
            {"transform_updates": lambda n, u, s: u[:, :3]},
            r"what transform_updates gave in round 1 has shape \(5, 3\), not \(5, 31\)",
        ),
        ({"transform_updates": lambda n, u, s: u * np.nan}, r"updates\[0, 0\] = nan is not a finite number"),
        ({"reward": PayRule(record="verified")}, "record is 'verified'"),
        ({"reward": PayRule(stake=1.0)}, "stake 1.0"),
        ({"reward": None}, "pay rule is None; use one of .*flat"),
        ({"aggregate": None}, "aggregator is None; use one of fedavg"),
        ({"scores": 5}, "scores is 5: name at least the one that pays"),
        ({"scores": {"mine": None}}, "score is None; use one of alignment"),
        ({"model": SoftmaxRegression(64, 10)}, r"x \(\d, \d+, 30\), .*: expected .* \(\d, \d+, 64\)"),
    ],
)
def test_bad_arguments_are_named(hospitals: datasets.FederatedData, options: dict, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        run(hospitals, **options)


def test_who_took_part_attended_though_nobody_earned(hospitals: datasets.FederatedData) -> None:
    rule = PayRule(record="attended")
    table = run(hospitals, scores={"none": lambda seen: np.full(len(seen.samples), -1.0)}, reward=rule).table
    assert table.pivot("consistency")[-1].tolist() == [0.75] * 5 and not table.column("reward").any()


def test_scores_by_other_names_and_counts_whose_sum_int64_does_not_hold(hospitals: datasets.FederatedData) -> None:
    named, plain = run(hospitals, scores={"mine": "cosine"}).table, run(hospitals, scores="cosine").table
    assert np.array_equal(named.column("score_mine"), plain.column("score_cosine"))
    flat = run(hospitals, reward="flat", declared_samples=np.full(5, 2**62))
    np.testing.assert_allclose(flat.table.column("reward"), 0.2)


def test_what_averages_and_what_pays_are_found_by_name(hospitals: datasets.FederatedData) -> None:
    by_name, default = run(hospitals, reward="midpoint", aggregate="median"), run(hospitals)
    assert "score_midpoint" in by_name.table.columns and "score_alignment" in default.table.columns
    own = run(hospitals, scores="midpoint", aggregate=lambda seen: np.median(seen.updates, axis=-2))
    assert np.array_equal(by_name.table.column("reward"), own.table.column("reward"))
    with pytest.raises(InvalidInput, match="aggregator is 'mode'; use one of fedavg, norm_clip"):
        run(hospitals, aggregate="mode")
    with pytest.raises(InvalidInput, match=r"pay rule is 'papper'; use one of .*flat"):
        run(hospitals, reward="papper")


@pytest.mark.parametrize("claimed", [1, None])
def test_a_clipped_attacker_takes_its_part_of_the_step_at_most(claimed: int | None) -> None:
    """50 rounds of real training, five strategies, 20 seeds; client 0 of six sees what the others send.

    S_i = p_i·⟨v_i, g⟩ ≤ p_i·‖v_i‖·‖g‖ for the clipped update v_i, and the positive scores sum to ‖g‖² at least: a share
    of a round is at most p_i·‖v_i‖/‖g‖. With one sample that is next to nothing. With a sixth it is more than a sixth
    once honest updates point apart: whoever repeats their mean, as long as one of theirs, earns two fifths.
    """
    taken: dict[str, list[float]] = {name: [] for name in (STRATEGIES if claimed else ("far along", "as honest"))}
    for name in taken:
        strategy = STRATEGIES[name]
        for seed in range(20):
            data = datasets.load_hospitals(6, rng=np.random.default_rng(seed))
            declared = data.sizes.copy() if claimed is None else np.array([claimed, *data.sizes[1:]])
            share, most = declared / declared.sum(), []

            def cheat(_: int, updates: np.ndarray, state: RoundState) -> np.ndarray:
                honest = np.average(updates[1:], axis=0, weights=declared[1:])  # noqa: B023
                sent = np.vstack([strategy(honest), updates[1:]])  # noqa: B023
                clipped = clip_norms(sent, clip=compute_median_norm(sent))
                step = np.linalg.norm(share @ clipped)  # noqa: B023
                most.append(share[0] * np.linalg.norm(clipped[0]) / step)  # noqa: B023
                return sent

            options = {"rounds": 50, "aggregate": "norm_clip", "scores": "clipped", "reward": PayRule(alpha=0.0)}
            result = run(data, seed, transform_updates=cheat, declared_samples=declared, **options)
            paid = result.table.pivot("reward")[:, 0]
            assert (paid <= np.array(most) + 1e-9).all(), name
            taken[name].append(paid.mean() - share[0])
    if claimed:
        assert max(max(each) for each in taken.values()) <= 0.02
    else:
        assert np.mean(taken["as honest"]) <= 0.02 and 0.2 <= np.mean(taken["far along"]) <= 0.25


def test_hooks_cannot_change_what_others_see(hospitals: datasets.FederatedData) -> None:
    """The table, the scores and the other hooks have what was trained; a hook that writes into it is told so."""
    honest = run(hospitals, rounds=2)
    targets = {
        "observe": [lambda o: o.rewards, lambda o: o.step, lambda o: o.scores["alignment"], lambda o: o.state.params],
        "aggregate": [lambda r: r.updates, lambda r: r.samples, lambda r: r.params, lambda r: r.previous],
    }
    targets["aggregate"] += [lambda r: r.descent, lambda r: r.clipped, lambda r: r.gains]

    def writes(pick):  # type: ignore[no-untyped-def]
        def hook(seen):
            with pytest.raises(ValueError, match="read-only"):
                pick(seen)[...] = 0
            return fedavg(seen.updates, seen.samples) if hasattr(seen, "previous") else None

        return hook

    for name, picks in targets.items():
        for pick in picks:
            seen = run(hospitals, rounds=2, **{name: writes(pick)})
            for column, values in honest.table.columns.items():
                np.testing.assert_array_equal(values, seen.table.column(column))

    kept = run(hospitals, rounds=2, observe=lambda o: o.updates.fill(0))  # its own copy
    np.testing.assert_array_equal(honest.table.column("norm"), kept.table.column("norm"))

    def scored(seen):
        with pytest.raises(ValueError, match="read-only"):
            seen.step[:] = 0
        return np.ones(len(seen.samples))

    def attack(number, updates, state):
        for array in (state.params, state.previous_step, state.samples, state.clients, state.data.x):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
        return updates

    run(hospitals, rounds=2, scores={"flat": scored}, transform_updates=attack)


def test_a_momentum_kept_by_the_aggregator_is_not_the_last_step(hospitals: datasets.FederatedData) -> None:
    kept, before = np.zeros(MODEL.n_params), []

    def momentum(seen):
        before.append(seen.previous.copy())
        kept[:] = 0.5 * kept + fedavg(seen.updates, seen.samples)
        assert np.array_equal(seen.previous, before[-1])
        return kept

    run(hospitals, rounds=3, aggregate=momentum)


def test_masks_are_refused_where_rounds_take_arrays(hospitals: datasets.FederatedData) -> None:
    hidden = np.ma.masked_array(np.arange(5), mask=[1, 0, 0, 0, 0])
    with pytest.raises(InvalidInput, match="declared_samples has a mask"):
        run(hospitals, rounds=1, declared_samples=hidden + 1)
    with pytest.raises(InvalidInput, match="what participation gave in round 1 has a mask"):
        run(hospitals, rounds=1, participation=lambda number, rng: hidden)
