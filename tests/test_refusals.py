"""What is no number, no flag, no generator or no bytes is refused with a sentence, not read, padded or let through."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import pytest

from bcfl_support import adversaries, chain, fairness, incentives, learning, protocol, scores, shapley, simulation
from bcfl_support.adversaries import attacks
from bcfl_support.errors import BcflError
from bcfl_support.incentives import consistency, exact, pay_rules, policies, population
from bcfl_support.incentives.worlds import PresenceWorld, TrainingWorld
from bcfl_support.ipfs import cids, records
from bcfl_support.learning import aggregators, datasets, training
from bcfl_support.protocol import commitments, fixed_point, inputs
from bcfl_support.scaling import fees, ladder, lanes, latency, sparse

RNG = np.random.default_rng(0)
U = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 3.0]])
RAGGED: Any = [[1.0, 2.0], [3.0]]
TEXT: Any = [["1", "2"], ["3", "4"]]
A: Any = "0x" + "11" * 20
TABLE = {"x": [float(i) for i in range(40)], "kind": ["a", "b"] * 20, "site": ["s", "s", "t", "t"] * 10}
DATA = learning.federate(TABLE, label="kind", client="site", rng=np.random.default_rng(0))
MODEL = learning.SoftmaxRegression(1, 2)
RULE, RANK = pay_rules.PayRule(), pay_rules.PayRule(base="rank")
LOYAL = pay_rules.PayRule(stake=1.0, loyal_fines=True)
HERE = np.array([True, True])
GAPS = pandas.DataFrame({"a": pandas.array([True, None], dtype="boolean")})
TERMS = exact.Terms()
TWO = protocol.FederationConfig(parameters=2, capacity=2)
TASK = fairness.Task(MODEL, DATA.x_val, DATA.y_val)
ROWS = pandas.DataFrame([[4, 0], [0, 8]], index=["a", "b"], columns=["w", "v"])
COUNTS, STEP = pandas.Series([3, 1], index=["a", "b"]), pandas.Series([10.0, 0.5], index=["w", "v"])
NAMES = ["s", "t"]  # of the clients of DATA


def game(rows: np.ndarray) -> np.ndarray:
    return rows.sum(axis=1).astype(float)


def commit(**changed: Any) -> bytes:
    given = {"chain_id": 1, "aggregator": A, "round_number": 1, "client": A, "digest": bytes(32), "salt": bytes(32)}
    return commitments.compute_commitment(**given | changed)


def train(**changed: Any) -> np.ndarray:
    given = {"params": np.zeros(4), "steps": 1, "lr": 0.1, "rng": RNG}
    return training.local_updates(MODEL, data=DATA, **given | changed)


def play(**changed: Any) -> Any:
    given = {"rounds": 1, "rngs": [np.random.default_rng(s) for s in range(2)]}
    world = PresenceWorld.equal(2, 3)
    return incentives.play(world, "flat", incentives.Learner(), policies.Costs(), **given | changed)


def run(**changed: Any) -> Any:
    return simulation.run(DATA, MODEL, **{"rounds": 1, "rng": np.random.default_rng(0)} | changed)


def huge() -> Any:
    return learning.federate(TABLE | {"x": [1e308, -1e308] * 20}, label="kind", client="site", rng=RNG)


def share(**changed: Any) -> Any:
    given = {"scores": [1.0, 2.0], "sizes": [0.5, 0.5], "present": HERE, "standing": [1.0, 1.0]}
    return RULE.share(**given | changed)


def settle(**changed: Any) -> Any:
    given = {"norm_squared": 1, "terms": TERMS, "accounts": {}, "stakes": {"a": 1}, "pot": 1}
    return exact.settle_round(1, {"a": 1}, **given | changed)


CASES: dict[str, list[Callable[[], Any]]] = {
    "an array for a number": [
        lambda: learning.load_digits_federation([], rng=RNG),  # type: ignore[arg-type]
        lambda: run(byzantine=[]),
        lambda: run(rounds=[]),
        lambda: pay_rules.PayRule(alpha=[1, 2]),  # type: ignore[arg-type]
        lambda: pay_rules.PayRule(window=[8]),  # type: ignore[arg-type]
        lambda: protocol.FederationConfig(parameters=3, budget=[]),  # type: ignore[arg-type]
        lambda: play(fairness_interval=[]),
        lambda: exact.compute_penalty([], 1, 1, rate=1, cap=1),  # type: ignore[arg-type]
        lambda: exact.compute_reward_weight(1, 0, [1, 2], [3, 4]),  # type: ignore[arg-type]
        lambda: ladder.largest_clients([], 1),  # type: ignore[arg-type]
        lambda: ladder.predict(2, [1, 2], [3, 4]),  # type: ignore[arg-type]
        lambda: shapley.mean_game_threshold([]),  # type: ignore[arg-type]
    ],
    "a seed for a generator": [
        lambda: run(rng=0),
        lambda: play(rngs=[1, 2]),
        lambda: play(rngs=3),
        lambda: learning.load_hospitals(3, rng=0),  # type: ignore[arg-type]
        lambda: learning.load_penguins(rng=0),  # type: ignore[arg-type]
        lambda: learning.federate(TABLE, label="kind", client="site", rng=0),  # type: ignore[arg-type]
        lambda: learning.with_label_noise(DATA, [0.1, 0.1], rng=0),  # type: ignore[arg-type]
        lambda: learning.partitions.partition_iid(np.zeros(9, int), 3, rng=0),  # type: ignore[arg-type]
        lambda: train(batch_size=3, rng=0),
        lambda: attacks.draw_noise(U, norm=1, rng=0),  # type: ignore[arg-type]
        lambda: attacks.disguise(U[0], clients=1, round_number=1, rng=0),  # type: ignore[arg-type]
        lambda: learning.MLP(3, 4, 2).init(rng=0),  # type: ignore[arg-type]
        lambda: MODEL.init(rng=0),  # type: ignore[arg-type]
        lambda: policies.Costs().draw_levels(3, rng=0),  # type: ignore[arg-type]
        lambda: shapley.permutation_shapley(game, 3, budget=50, rng=0),  # type: ignore[arg-type]
        lambda: shapley.stratified_shapley(game, 3, budget=50, rng=0),  # type: ignore[arg-type]
        lambda: shapley.gtg_shapley(game, 3, budget=50, truncation=0.0, rng=0),  # type: ignore[arg-type]
        lambda: shapley.svarm_shapley(game, 3, budget=50, rng=None),  # type: ignore[arg-type]
        lambda: shapley.regression_shapley(game, 3, budget=50, rng=None),  # type: ignore[arg-type]
    ],
    "what an attack starts from": [
        lambda: attacks.alie(TEXT, z=1.0),
        lambda: attacks.ipm([[np.nan, 1.0], [1.0, 2.0]], tau=2.0),
        lambda: attacks.alie(U, z=np.nan),
        lambda: attacks.alie(U, z=[1.0, 2.0]),  # type: ignore[arg-type]
        lambda: attacks.min_max(RAGGED),
        lambda: adversaries.compute_kappa(U, norm=-1),
        lambda: adversaries.compute_kappa(U, norm=0),
        lambda: attacks.replay([np.inf], norm=1),
        lambda: attacks.replay(None, norm=1),
        lambda: attacks.flip_sign(None),
        lambda: attacks.replace_model("12", weight=0.5),
        lambda: adversaries.collude([np.nan, 1.0], norm=1),
        lambda: attacks.compute_alie_z([], 1),  # type: ignore[arg-type]
    ],
    "one where several are wanted, or something that is no list": [
        lambda: incentives.Learner(policies=3),  # type: ignore[arg-type]
        lambda: incentives.Learner(policies="full"),  # type: ignore[arg-type]
        lambda: inputs.check_clients(A),
        lambda: inputs.check_clients(None),  # type: ignore[arg-type]
        lambda: lanes.check_clients(3, 5),  # type: ignore[arg-type]
        lambda: lanes.check_clients("12", 5),  # type: ignore[arg-type]
        lambda: adversaries.search_best(["a"], [1.0], lambda v: v),  # type: ignore[list-item]
        lambda: adversaries.search_best(3, [1.0], lambda v: v),  # type: ignore[arg-type]
        lambda: adversaries.search_best([U, U[0]], [1.0], lambda v: v),
        lambda: adversaries.search_best([U], ["2"], lambda v: v),  # type: ignore[list-item]
        lambda: adversaries.search_best([U], 2.0, lambda v: v),  # type: ignore[arg-type]
        lambda: adversaries.search_best([U], [1.0], lambda v: "much"),  # type: ignore[arg-type,return-value]
        lambda: adversaries.inflate_samples(3, clients=[0], factor=2),
        lambda: learning.federate(TABLE, label="kind", client="site", features="x", rng=RNG),
        lambda: learning.federate(TABLE, label="kind", client="site", held_out=0.2, rng=RNG),  # type: ignore[arg-type]
        lambda: learning.federate(TABLE, label="kind", client="site", held_out=(0.2,), rng=RNG),  # type: ignore
        lambda: datasets.deal("x", 3, [0, 1], 2, classes=("a", "b"), rng=RNG),  # type: ignore[arg-type]
        lambda: datasets.deal("x", U, [0, 1, 0], 2, classes="ab", rng=RNG),  # type: ignore[arg-type]
        lambda: datasets.deal("x", TEXT * 20, [0, 1] * 20, 2, classes=("a", "b"), rng=RNG),
        lambda: datasets.deal("x", RAGGED, [0, 1], 2, classes=("a", "b"), rng=RNG),
        lambda: replace(DATA, x=TEXT),
        lambda: replace(DATA, y=None),
    ],
    "shares, flags and fees": [
        lambda: LOYAL.fines([-1.0, 1.0], [300, 100], HERE, ~HERE, [1.0, 1.0]),  # type: ignore[arg-type]
        lambda: incentives.summarize(play(), target=90),
        lambda: scores.accuracy_adjusted_scores([8.0, 8.0], [0.5, 0.05], cap=10),
        lambda: scores.accuracy_adjusted_scores([8.0, 8.0], [50, 5], cap=0.1),
        lambda: fees.pay(1e6, 0, fees.Market(), hurry="no"),  # type: ignore[arg-type]
        lambda: fees.next_base_fee(-(10**9), 0),
        lambda: fees.blob_fee(float("nan")),  # type: ignore[arg-type]
        lambda: fees.blob_fee(-(10**9)),
        lambda: latency.compute_latency(ladder.predict(2, 10, 1000), fees.Market(), absent="no"),  # type: ignore
        lambda: shapley.permutation_shapley(game, 3, budget=50, rng=RNG, antithetic="no"),  # type: ignore[arg-type]
        lambda: chain.Chain.start(tx_gas_cap="no"),  # type: ignore[arg-type]
        lambda: protocol.FederationConfig(parameters=3, clipped="no"),  # type: ignore[arg-type]
        lambda: population.softmax_probabilities(U, HERE, HERE, temperature=0, explore=0.1),
        lambda: population.softmax_probabilities(U, HERE, HERE, temperature=1, explore=10),
        lambda: sparse.compress(np.ones((3, 64)), np.ones(64), step=1.0),
        lambda: sparse.choose_step(np.nan, np.zeros((1, 2), np.int8)),
        lambda: incentives.Seat(
            incentives.make_world("paper", seeds=[0], n_clients=6),
            *("midpoint", incentives.Learner(), policies.Costs()),
            **{"rounds": 3, "rng": np.random.default_rng(0)},  # type: ignore[arg-type]
        ),
        lambda: incentives.Seat(
            PresenceWorld.equal(1, 3), "flat", incentives.Learner(), policies.Costs(), rounds=3, rng=0
        ),  # type: ignore
        lambda: inputs.check_clients([A, A]),
    ],
    "something of another kind": [
        lambda: run(participation=[0, 1]),
        lambda: run(transform_updates="alie"),
        lambda: run(observe=None),
        lambda: run(aggregate=3),
        lambda: run(transform_updates=lambda number, updates, state: updates * 1j),
        lambda: run(transform_updates=lambda number, updates, state: updates.astype(str)),
        lambda: run(scores={"x": lambda seen: ["1"] * len(seen.samples)}),
        lambda: run(declared_samples=[3.0, 4.0]),
        lambda: inputs.encode_updates(TWO, [[1.0, 0.0]]),  # type: ignore[arg-type]
        lambda: inputs.encode_updates(TWO, {A: [1.0, 0.0], A[:-1] + "2": [1.0, 0.0]}),
        lambda: inputs.check_submissions({A: [1.0, 0.0]}),  # type: ignore[arg-type]
        lambda: inputs.check_submissions(3),  # type: ignore[arg-type]
        lambda: protocol.Federation.deploy(None, {"parameters": 3}, publisher=A),  # type: ignore[arg-type]
        lambda: fairness.Task(None, DATA.x_val, DATA.y_val),  # type: ignore[arg-type]
        lambda: fairness.Task(MODEL, DATA.x_val, DATA.y_val.astype(float)),
        lambda: fairness.compute_fairness(None, [], TASK, epoch=0),  # type: ignore[arg-type]
        lambda: pay_rules.check_rule(3),  # type: ignore[arg-type]
    ],
    "something else than terms, a model or a tree": [
        lambda: settle(terms={}),
        lambda: settle(accounts={"a": (0, 0, 0)}),
        lambda: settle(accounts=[]),
        lambda: settle(stakes=pandas.Series({"a": 1})),
        lambda: exact.settle_round(
            1, pandas.Series({"a": 1}), norm_squared=1, terms=TERMS, accounts={}, stakes={"a": 1}, pot=1
        ),  # type: ignore[arg-type]
        lambda: simulation.run(DATA, 3, rounds=1, rng=RNG),  # type: ignore[arg-type]
        lambda: simulation.run(3, MODEL, rounds=1, rng=RNG),  # type: ignore[arg-type]
    ],
    "what divides by zero": [
        *(lambda name=name: fees.BlobSchedule(**{name: 0}) for name in ("target", "most", "fraction")),
        lambda: fees.BlobSchedule(target=3, most=3),
        lambda: fees.BlobSchedule(fraction=1.5),  # type: ignore[arg-type]
        lambda: fees.next_base_fee(1, 1, 0),
        lambda: fees.next_base_fee(1, 1, 1),
    ],
    "sizes of other lengths": [
        lambda: share(sizes=[1.0]),
        lambda: share(sizes=[0.2, 0.3, 0.5]),
        lambda: share(sizes=0.5),
        lambda: share(present=[True]),
        lambda: share(standing=[1.0]),
        lambda: RANK.share([1.0, 1.0], [1.0], HERE, [1.0, 1.0]),  # type: ignore[arg-type]
        lambda: pay_rules.rank_weights([1.0, 2.0, 3.0], [0.3, 0.3]),
        lambda: LOYAL.fines([-1.0, 1.0], [0.5, 0.5], HERE, ~HERE, [1.0]),  # type: ignore[arg-type]
        lambda: sparse.compute_factors([4, 16, 64], [1, 1]),
    ],
    "records without rounds, or with gaps": [
        *(lambda c=c: c(True, window=8) for c in consistency.CONSISTENCIES.values()),
        *(lambda c=c: c(GAPS, window=8) for c in consistency.CONSISTENCIES.values()),
    ],
    "ratios that the contract would keep as 0": [
        lambda: protocol.FederationConfig(parameters=3, alpha=4e-7),
        lambda: protocol.FederationConfig(parameters=3, penalty_rate=1e-9),
        lambda: protocol.FederationConfig(parameters=3, penalty_cap=4e-7),
    ],
    "standings, accounts, costs": [
        lambda: share(standing=[5, 1]),
        lambda: share(present=[2, 1]),
        lambda: share(scores=[np.nan, 1.0]),
        lambda: share(sizes=[-1.0, 2.0]),
        lambda: LOYAL.fines([-1.0, 1.0], [0.5, 0.5], HERE, ~HERE, [-9.0, 1.0]),  # type: ignore[arg-type]
        lambda: RANK.share([1.0, 1.0], [0.0, 1.0], HERE, [1.0, 1.0]),  # type: ignore[arg-type]
        lambda: settle(accounts={"a": exact.Account(history=-1)}),
        lambda: settle(accounts={"a": exact.Account(credit=-5)}),
        lambda: exact.Account(last_round=0.5),  # type: ignore[arg-type]
        lambda: policies.Costs().spent([-1], [0], [1.0]),
        lambda: policies.Costs().spent([99], [0], [1.0]),
        lambda: policies.Costs().spent([0], ["no"], [1.0]),
        lambda: pay_rules.PayRule(scaled="no"),  # type: ignore[arg-type]
        lambda: replace(LOYAL, loyal_fines="False"),  # type: ignore[arg-type]
        lambda: TrainingWorld(()),
        lambda: PresenceWorld.equal(1, 0),
        lambda: policies.stay_threshold(1.0, attendance=None, consistency=1.0),  # type: ignore[arg-type]
        lambda: incentives.make_world("flat", seeds=3),  # type: ignore[arg-type]
    ],
    "fixed point and bytes": [
        lambda: fixed_point.encode([["1", "2"]]),
        lambda: fixed_point.encode("abc"),
        lambda: fixed_point.encode([5.0], bound=np.nan),
        lambda: fixed_point.encode(RAGGED),
        lambda: fixed_point.to_integers("g", [1, 0], 2, scaled="no"),  # type: ignore[arg-type]
        lambda: fixed_point.fedavg_fixed(RAGGED, [1, 1]),
        lambda: fixed_point.clip_weights(RAGGED, [1, 1]),
        lambda: fixed_point.decode(RAGGED),
        lambda: fixed_point.alignment_sum_bounds([1, 2], n_clients=-1),
        lambda: fixed_point.encoding_error(largest=np.nan),
        lambda: fixed_point.alignment_error_bound(TEXT, [1, 1]),
        lambda: commitments.compute_digest([1]),  # type: ignore[arg-type]
        lambda: commit(digest=b"x"),
        lambda: commit(salt="y" * 32),
        lambda: commit(client="0x12"),
        lambda: commit(round_number=-1),
        lambda: commitments.compute_factors_hash({A: -1}),
        lambda: commitments.compute_factors_hash({A: 1.0}),  # type: ignore[dict-item]
        lambda: cids.compute_cid("text"),  # type: ignore[arg-type]
        lambda: cids.verify_block(cids.compute_cid(b""), "text"),  # type: ignore[arg-type]
        lambda: records.parse_record("{}"),  # type: ignore[arg-type]
        lambda: lanes.to_lanes(np.zeros(2000, int), 3),
    ],
    "models, data and vectors": [
        *(lambda d=d: learning.LogisticRegression(d) for d in (0, -1, 2.5, "3", None)),
        lambda: learning.MLP(3, 0, 2),
        lambda: train(labels=[]),
        lambda: train(labels=["a"] * len(DATA.y)),
        lambda: train(params=["0"] * 4),
        lambda: train(params=[np.nan] * 4),
        huge,
        lambda: MODEL.loss(RAGGED, DATA.x, DATA.y),
        lambda: learning.compute_weights([[1], [1, 2]]),
        lambda: scores.alignment_scores(U, [1, 1, 1], step=RAGGED),
        lambda: aggregators.fltrust(U, root_update=None),
        lambda: shapley.exact_shapley(RAGGED),  # type: ignore[arg-type]
        lambda: shapley.leave_one_out(game, -1),
        lambda: shapley.leave_one_out(game, "3"),  # type: ignore[arg-type]
        lambda: shapley.permutation_shapley(lambda rows: ["1"] * len(rows), 3, budget=50, rng=RNG),  # type: ignore
    ],
}

SHARES = COUNTS / 4
RULE_FINES = pay_rules.PayRule(stake=1.0)
HERE_TOO = pandas.Series([True, True], index=["a", "b"])
PAIRS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "fedavg": (learning.fedavg, (ROWS, COUNTS)),
    "fedavg_fixed": (protocol.fedavg_fixed, (ROWS, COUNTS)),
    "clip_weights": (protocol.clip_weights, (ROWS, COUNTS)),
    "alignment_error_bound": (fixed_point.alignment_error_bound, (ROWS, COUNTS)),
    "compute_round": (lanes.compute_round, (ROWS.astype(np.int8), COUNTS)),
    "compute_factors": (sparse.compute_factors, (COUNTS, COUNTS)),
    "compress": (lambda rows, memory: sparse.compress(rows, memory, step=1.0), (ROWS, ROWS)),
    "accuracy_adjusted_scores": (lambda s, a: scores.accuracy_adjusted_scores(s, a, cap=0.5), (COUNTS, SHARES)),
    "fairness_ratios": (consistency.fairness_ratios, (COUNTS, COUNTS)),
    "compute_fairness_factors": (exact.compute_fairness_factors, (COUNTS, COUNTS)),
    "rank_weights": (pay_rules.rank_weights, (COUNTS, SHARES)),
    "share": (RULE.share, (COUNTS, SHARES, HERE_TOO, SHARES)),
    "share of a list of scores": (lambda p, c: RULE.share([1.0, 2.0], p, [True, True], c), (SHARES, SHARES)),
    "clipped_scores": (lambda rows, n: scores.clipped_scores(rows, n, clip=1.0), (ROWS, COUNTS)),
    "norm_clip": (
        lambda rows, n: aggregators.AGGREGATORS["norm_clip"](learning.Round(rows, n, STEP, abs, abs, STEP)),
        (ROWS, COUNTS),
    ),
    "fines": (RULE_FINES.fines, (COUNTS, SHARES, HERE_TOO, HERE_TOO, SHARES)),
    "alignment_penalties": (
        lambda s, held: consistency.alignment_penalties(s, held, 1.0, rate=0.1, cap=0.05),
        (COUNTS, COUNTS),
    ),
    "alignment_scores": (lambda rows, step: scores.alignment_scores(rows, [3, 1], step=step), (ROWS, STEP)),
    "leave_self_out_scores": (lambda rows, step: scores.leave_self_out_scores(rows, [3, 1], step=step), (ROWS, STEP)),
    "root_scores": (lambda rows, root: scores.root_scores(rows, [3, 1], root_update=root), (ROWS, STEP)),
    "fltrust_scores": (lambda rows, root: scores.fltrust_scores(rows, [3, 1], root_update=root), (ROWS, STEP)),
    "midpoint_scores": (
        lambda rows, start: scores.midpoint_scores(rows, [3, 1], params=start, gradient=lambda w: w),
        (ROWS, STEP),
    ),
    "compute_cosines": (learning.compute_cosines, (ROWS, STEP)),
    "centered_clipping": (lambda rows, v: aggregators.centered_clipping(rows, center=v, radius=1.0), (ROWS, STEP)),
    "fltrust": (lambda rows, root: aggregators.fltrust(rows, root_update=root), (ROWS, STEP)),
    "compute_novelty": (
        lambda rows, known: scores.compute_novelty(rows, known=known),
        (ROWS, pandas.DataFrame([[1.0, 2.0]], columns=["w", "v"])),
    ),
}
"""What belongs together, in one order of its names."""


@pytest.mark.parametrize("name", PAIRS)
def test_what_pandas_calls_by_other_names_is_not_paired_by_its_place(name: str) -> None:
    function, given = PAIRS[name]
    plain = function(*(each.to_numpy() for each in given))
    assert repr(function(*given)) == repr(plain)
    for place in range(1, len(given)):
        turned = given[place].iloc[::-1] if given[place].ndim == 1 else given[place][["v", "w"]]
        tables = [turned] + [given[place].iloc[::-1]] * (len(given[place]) > 1)
        for other in tables if name == "compress" else tables[:1]:
            with pytest.raises(
                BcflError, match=r"(row|column) 0 is '.' in .* and '.' in .*: bring them into one order"
            ):
                function(*given[:place], other, *given[place + 1 :])


def by_name(values: Any, names: Any = ("t", "s")) -> pandas.Series:
    return pandas.Series(values, index=list(names))


@pytest.mark.parametrize(
    "call",
    [
        lambda names: learning.with_label_noise(DATA, by_name([0.0, 0.5], names), rng=np.random.default_rng(0)).y,
        lambda names: train(steps=by_name([0, 3], names)),
        lambda names: run(declared_samples=by_name([1, 2], names)).table.column("samples"),
    ],
)
def test_values_by_client_are_refused_in_another_order_than_the_clients(call: Callable[[Any], Any]) -> None:
    assert np.array_equal(call(NAMES), call([0, 1]))
    with pytest.raises(BcflError, match=r"rows with names of their own: its index is \['t', 's'\], the clients are"):
        call(["t", "s"])


def test_what_a_hook_sends_is_refused_in_another_order_than_the_clients() -> None:
    def sort_down(number: int, updates: np.ndarray, state: simulation.RoundState) -> Any:
        return pandas.DataFrame(updates, index=state.clients).sort_index(ascending=False)

    same = run(transform_updates=lambda number, updates, state: pandas.DataFrame(updates, index=state.clients))
    assert np.array_equal(same.params, run().params)
    with pytest.raises(BcflError, match=r"transform_updates gave in round 1 has rows with names of their own"):
        run(transform_updates=sort_down)
    with pytest.raises(BcflError, match=r"what score 'x' gave in round 1 has rows with names of their own"):
        run(scores={"x": lambda seen: pandas.Series([1.0, 2.0], index=[1, 0])})


@pytest.mark.parametrize(("kind", "place"), [(kind, i) for kind, calls in CASES.items() for i in range(len(calls))])
def test_it_is_refused_with_a_sentence(kind: str, place: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BcflError):
            CASES[kind][place]()


def test_lists_do_where_arrays_do() -> None:
    parts = {name: getattr(DATA, name) for name in ("x", "y", "sizes", "x_val", "y_val", "x_test", "y_test")}
    listed: Any = replace(DATA, **{name: part.tolist() for name, part in parts.items()})
    assert all(np.array_equal(getattr(listed, name), part) for name, part in parts.items())
    dealt = datasets.deal("x", parts["x"].tolist(), parts["y"].tolist(), 2, classes=["a", "b"], rng=RNG)  # type: ignore
    assert dealt.classes == ("a", "b") and dealt.n_clients == 2


def test_what_is_right_passes() -> None:
    assert share().sum() == pytest.approx(1) and len(commit()) == 32 and train(params=[0.0] * 4).shape == (2, 4)
    assert settle().rewards["a"] == 1 and play().rewards.shape == (1, 2, 3) and run().table.n_clients == 2


def test_a_module_that_takes_other_features_is_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(BcflError, match=r"module refuses x \(64, 4\): .*; does n_features fit\?"):
        learning.TorchModel(torch.nn.Linear(3, 2), 4)
    with pytest.raises(BcflError, match="give a torch"):
        learning.TorchModel(None, 4)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64, np.int16])
def test_small_numbers_of_numpy_neither_wrap_nor_overflow(kind: Any) -> None:
    record = np.tri(20, 3, -9, dtype=bool)
    for name, c in consistency.CONSISTENCIES.items():
        assert np.array_equal(c(record, window=kind(8)), c(record, window=8)), name
        assert np.array_equal(pay_rules.PayRule(consistency=name, window=kind(8)).standing(record), c(record, window=8))
        lasting = [consistency.expected_consistency([0.5], window=w, kind=name) for w in (kind(100), 100)]
        assert np.array_equal(*lasting)
    assert policies.price_of_a_miss(1.0, window=kind(100)) == policies.price_of_a_miss(1.0, window=100)
    assert learning.SoftmaxRegression(64, kind(10)).n_params == 650
    net = learning.MLP(kind(100), kind(120), kind(10))
    assert net.n_params == 13_330 and type(net.n_hidden) is int and repr(net) == "MLP(100, 120, 10)"
    assert sparse.compute_factors([4, 16, 64], np.array([100] * 3, kind)) == sparse.compute_factors(
        [4, 16, 64], [1] * 3
    )
    assert protocol.clip_weights([[3, 4], [6, 8]], np.array([100] * 2, kind))[1] == 200 * 10**9
    for estimate in (
        shapley.permutation_shapley,
        shapley.stratified_shapley,
        shapley.svarm_shapley,
        shapley.regression_shapley,
    ):
        small, plain = (
            estimate(game, n, budget=b, rng=np.random.default_rng(0)) for n, b in ((kind(7), kind(120)), (7, 120))
        )
        assert np.array_equal(small.values, plain.values) and small.evaluations == plain.evaluations
    gtg, plain = (
        shapley.gtg_shapley(game, n, budget=50, truncation=0.0, rng=np.random.default_rng(0)) for n in (kind(5), 5)
    )
    assert np.array_equal(gtg.values, plain.values)
    for partition, options in (("quantity_skew", {}), ("label_skew", {}), ("dirichlet", {"alpha": 1.0})):
        dealt = [
            learning.load_digits_federation(n, partition=partition, rng=np.random.default_rng(0), **options).sizes
            for n in (kind(30), 30)
        ]
        assert np.array_equal(*dealt), partition
    assert len(run(rounds=kind(2)).table.column("round")) == 4


@pytest.mark.parametrize("of", ["torch", "decimal", "fractions"])
def test_numbers_of_other_libraries_mean_their_value(of: str) -> None:
    make = {
        "torch": lambda v: pytest.importorskip("torch").tensor(v, dtype=pytest.importorskip("torch").float64),
        "decimal": lambda v: __import__("decimal").Decimal(str(v)),
        "fractions": lambda v: __import__("fractions").Fraction(v),
    }[of]
    half: Any = make(0.5)
    assert np.array_equal(train(lr=half), train(lr=0.5))
    assert pay_rules.PayRule(alpha=half, stake=half, ratio=half) == pay_rules.PayRule(alpha=0.5, stake=0.5, ratio=0.5)
    assert type(pay_rules.PayRule(alpha=half).alpha) is float
    assert population.Learner(rate=half, temperature=half) == population.Learner(rate=0.5, temperature=0.5)
    assert policies.Costs(compute=half).spent([0], [0], [1.0]) == policies.Costs(compute=0.5).spent([0], [0], [1.0])
    assert policies.stay_threshold(make(1.25), attendance=half, consistency=half) == 1.0
    assert policies.price_of_a_miss(half, window=8) == policies.price_of_a_miss(0.5, window=8)
    assert fixed_point.encode([0.25], bound=half).tolist() == [250_000_000]
    assert fixed_point.encoding_error(largest=half) == fixed_point.encoding_error(largest=0.5)
    assert attacks.replace_model([1.0], weight=half).tolist() == [2.0]
    assert sparse.sparsify([[1.0]], step=half).tolist() == [[2]]
    assert scores.accuracy_adjusted_scores([1.0], [0.25], cap=half).tolist() == [0.5]
    paid = [fees.pay(1e6, 0, fees.Market(base_fee=fee, tip=fee), hurry=True) for fee in (half, 0.5)]
    assert paid[0] == paid[1]
    assert incentives.Accidents(churn=half, pause=make(2.0)) == incentives.Accidents(churn=0.5, pause=2.0)
    assert np.array_equal(play(budget=half).rewards, play(budget=0.5).rewards)


def test_a_world_keeps_the_federations_and_the_sizes_it_was_made_with() -> None:
    given = [learning.load_digits_federation(4, rng=np.random.default_rng(seed)) for seed in range(2)]
    world = TrainingWorld(given)  # type: ignore[arg-type]
    given.pop()
    assert len(world.federations) == len(world.sizes) == 2 and isinstance(world.federations, tuple)
    with pytest.raises(ValueError, match="read-only"):
        world.sizes[:] = 0


def test_integers_that_do_not_fit_are_said_to_be_that() -> None:
    for wrong in (np.array([1, 2], np.uint64), np.array([1, 2], object)):
        with pytest.raises(BcflError, match=f"as integers of int64, not {wrong.dtype}"):
            inputs.encode_updates(TWO, {A: wrong}, scaled=True)
