"""Pay in exact integers, against the contract on a real chain and against fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcfl_support.chain import Chain
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives import PAY_RULES, exact
from bcfl_support.incentives.consistency import fairness_ratios, share_budget
from bcfl_support.incentives.exact import PPM, Account, Terms, settle_round
from bcfl_support.protocol import Federation, FederationConfig

# ---------------------------------------------------------------- the contract, to the last wei

# Who does what in each of the 20 rounds: "." absent, "+" with the others, "-" against them, "0" a score near zero, "l"
# commits and does not reveal. F joins last; C leaves after round 7 and comes back in round 13; B is often absent; in
# round 9 nobody reveals, and round 17 has fewer than the minimum of 2.
SCRIPT = {
    "A": "+++++ +++l+ +++++ +.+++",
    "B": "+.+++ .+.l. ++..+ ..+.+",
    "C": "++-++ +-... ..+++ +.-++",
    "D": "-+-+- +-+l+ -+-+- +.-+-",
    "E": "...++ 0++l. +l+++ +.l++",
    "F": "..... .++.+ +++++ +++++",
}
SCRIPT = {name: acts.replace(" ", "") for name, acts in SCRIPT.items()}
SAMPLES = {"A": 40, "B": 25, "C": 60, "D": 10, "E": 33, "F": 7}
SCALE = 10**9  # of updates on chain
THREE = np.ones(3) / 3, np.ones(3, dtype=bool), np.ones(3)  # sizes, presence and standing of three clients
BUDGET, FUND = 10**18 + 7, 16 * 10**18  # the pot runs dry before round 20


def scripted_update(name: str, number: int, act: str) -> np.ndarray:
    """An update of four entries at scale 10^9, different for every client and round."""
    rng = np.random.default_rng([ord(name), number])
    common = np.array([3, 2, 1, 0]) * SCALE // 10
    own = rng.integers(-(SCALE // 20), SCALE // 20, size=4)
    if act == "0":
        return np.array([0, 0, 0, number])  # at right angles to nearly everything
    return (common if act == "+" else -common) + own


def toward_zero(a: int, b: int) -> int:
    return abs(a) // b * (1 if a >= 0 else -1)


def expected_scores(sent: dict[str, list[int]]) -> tuple[dict[str, int], int]:
    """S_i and ‖g‖² in Python integers, from nothing but the updates."""
    total = sum(SAMPLES[name] for name in sent)
    g = [toward_zero(sum(SAMPLES[name] * row[j] for name, row in sent.items()), total) for j in range(4)]
    dots = {name: sum(a * b for a, b in zip(row, g, strict=True)) for name, row in sent.items()}
    return {name: toward_zero(SAMPLES[name] * dot, total) for name, dot in dots.items()}, sum(x * x for x in g)


def play_scripted(fed: Federation, acts: dict[str, str], address: dict[str, str], number: int) -> None:
    """One round on chain: all commit, all but "l" reveal."""
    fed.open_round()
    updates = {address[n]: scripted_update(n, number, "+" if act == "l" else act) for n, act in acts.items()}
    submissions = fed.prepare(updates, rng=np.random.default_rng(number), scaled=True)
    if submissions:
        fed.commit(submissions)
    fed.end_phase("Commit")
    late = {address[name] for name, act in acts.items() if act == "l"}
    if fed.round_state()["phase"] == "Reveal":
        fed.reveal([s for s in submissions if s.client not in late])
        fed.end_phase("Reveal")
    if fed.round_state()["phase"] == "Aggregate":
        fed.aggregate()
        fed.score()


def join_and_leave(fed: Federation, number: int, address: dict[str, str], stakes: dict[str, int]) -> None:
    for name, script in SCRIPT.items():
        first = number == next(k for k, act in enumerate(script, 1) if act != ".")
        if first or (name == "C" and number == 13):
            fed.register([address[name]], [SAMPLES[name]])
            stakes[name] = SAMPLES[name] * fed.config.stake_per_sample
    if number == 8:
        fed.chain.send(fed.registry.functions.deregister(), sender=address["C"])
    if number == 12:
        fed.chain.advance_time(fed.config.cool_down_seconds)
        fed.chain.send(fed.registry.functions.withdrawStake(), sender=address["C"])


def test_twenty_scripted_rounds_equal_the_chain_to_the_last_wei() -> None:
    config = FederationConfig(
        parameters=4, capacity=6, budget=BUDGET, alpha=0.7, window=5, penalty_rate=0.3, penalty_cap=0.04, quorum=0.501
    )
    terms = Terms(BUDGET, 700_000, 5, 300_000, 40_000)
    with Chain.start() as node:
        fed = Federation.deploy(node, config)
        fed.fund(FUND)
        address = dict(zip(SCRIPT, node.accounts[1:], strict=False))
        accounts: dict[str, Account] = {}
        stakes: dict[str, int] = {}
        factors: dict[str, int] = {}
        counted = 0
        pot, seen = FUND, {"fined": 0, "late": 0, "void": 0, "negative": 0}
        for number in range(1, 21):
            join_and_leave(fed, number, address, stakes)
            acts = {name: script[number - 1] for name, script in SCRIPT.items() if script[number - 1] != "."}
            play_scripted(fed, acts, address, number)
            record = fed.settle()

            sent = {n: scripted_update(n, number, act).tolist() for n, act in acts.items() if act != "l"}
            void = not sent or len(acts) < config.minimum
            scores, square = ({}, 0) if void else expected_scores(sent)
            took_part = {} if len(acts) < config.minimum else {name: scores.get(name) for name in acts}
            counted += not void
            settled = settle_round(
                counted + void,
                took_part,
                norm_squared=square,
                terms=terms,
                accounts=accounts,
                stakes=stakes,
                pot=pot,
                factors=factors,
            )
            accounts, stakes, pot = dict(settled.accounts), dict(settled.stakes), settled.pot
            names = [next(n for n, a in address.items() if a == client) for client in record.clients]
            assert void == record.void
            for k, name in enumerate(names if took_part else []):
                assert record.scores[k] == took_part[name]
                assert record.rewards[k] == settled.rewards[name], f"round {number}, {name}"
                assert record.penalties[k] == settled.penalties[name], f"round {number}, {name}"
                if record.consistency[k] is not None:
                    assert record.consistency[k] == settled.consistency[name]
                    assert record.factors[k] == factors.get(name, PPM)
            for name in stakes if number % 4 == 0 else ():  # the books, now and then
                on_chain = fed.pool.functions.accountOf(address[name]).call()
                mine = accounts.get(name, Account())
                assert (on_chain[0], on_chain[2], on_chain[3]) == (mine.credit, mine.history, mine.last_round)
                if not (name == "C" and number == 12):
                    assert fed.registry.functions.clientOf(address[name]).call()[0] == stakes[name]
            assert fed.pool.functions.pot().call() == pot
            seen["fined"] += any(settled.penalties.values())
            seen["late"] += "l" in acts.values()
            seen["void"] += void
            seen["negative"] += any(score < 0 for score in scores.values())

            if number in (5, 10):  # new factors for some of the clients; the others go back to 1
                chosen = ["A", "D", "E"] if number == 5 else ["B", "C", "F"]
                factors = dict(zip(chosen, (1_500_000, 612_345, 999_999), strict=True))
                on_chain_factors = {address[name]: value for name, value in factors.items()}
                epoch, digest = number // 5 - 1, number.to_bytes(32, "big")
                fed.attest(epoch, digest, on_chain_factors, clients=[address[name] for name in "ABE"])
                fed.apply_factors(epoch, digest, on_chain_factors)
        assert pot < BUDGET, "the script must run the pot dry"
        assert seen == {"fined": 11, "late": 3, "void": 2, "negative": 9}


def test_few_samples_share_less_and_too_few_make_a_round_void_as_on_chain() -> None:
    """fullSamples and minimumSamples: 400 of 1,000 samples share four tenths; 100 of them fewer than the least."""
    config = FederationConfig(
        parameters=2, capacity=3, budget=10**18 + 7, full_samples=1_000, minimum_samples=200, penalty_cap=0.04
    )
    terms = Terms(config.budget, 500_000, 8, 100_000, 40_000, full_samples=1_000, minimum_samples=200)
    samples = (300, 100, 50)
    rounds = (("++.", 400), ("l+l", 100), ("+-+", 450))  # who does what, and the samples that are revealed
    with Chain.start() as node:
        fed, clients = Federation.deploy(node, config), node.accounts[1:4]
        fed.fund(10**19)
        fed.register(clients, samples)
        accounts: dict[str, Account] = {}
        stakes = {client: n * config.stake_per_sample for client, n in zip(clients, samples, strict=True)}
        pot, counted = 10**19, 0
        for number, (acts, revealed) in enumerate(rounds, 1):
            signs = {c: -1 if act == "-" else 1 for c, act in zip(clients, acts, strict=True) if act != "."}
            sent = {c: sign * np.array([0.5, k / 10 + number / 50]) for k, (c, sign) in enumerate(signs.items())}
            fed.open_round()
            submissions = fed.prepare(sent, rng=np.random.default_rng(number))
            fed.commit(submissions)
            fed.end_phase("Commit")
            late = {c for c, act in zip(clients, acts, strict=True) if act == "l"}
            fed.reveal([s for s in submissions if s.client not in late])
            fed.end_phase("Reveal")
            if fed.round_state()["phase"] == "Aggregate":
                fed.aggregate()
                fed.score()
            record = fed.settle()
            assert record.void == (revealed < 200)
            counted += not record.void
            scores = {c: None if c in late else s or 0 for c, s in zip(record.clients, record.scores, strict=True)}
            settled = settle_round(
                counted + record.void,
                scores,
                norm_squared=record.norm_squared or 0,
                terms=terms,
                accounts=accounts,
                stakes=stakes,
                pot=pot,
                samples=revealed,
            )
            accounts, stakes, pot = dict(settled.accounts), dict(settled.stakes), settled.pot
            assert tuple(settled.rewards.values()) == tuple(r or 0 for r in record.rewards)
            assert tuple(settled.penalties.values()) == record.penalties
            assert fed.pool.functions.pot().call() == pot
        for client in clients:
            credit, _, history, last = fed.pool.functions.accountOf(client).call()
            assert (history, last, credit) == tuple(vars(accounts[client]).values())
        assert sum(settled.rewards.values()) == pytest.approx(config.budget * 450 / 1000, abs=3)
    with pytest.raises(ValueError, match="samples is -1"):
        settle_round(9, {}, norm_squared=0, terms=terms, accounts={}, stakes={}, pot=0, samples=-1)


# ---------------------------------------------------------------- integers


@given(st.lists(st.booleans(), min_size=1, max_size=90), st.integers(1, 64), st.integers(0, 3))
def test_settled_history_gives_the_same_c_as_the_record(record: list[bool], window: int, gap: int) -> None:
    """Absent rounds shift zeros in, also more than 64 of them."""
    accounts: dict[str, Account] = {}
    number = 0
    padded: list[bool] = []
    for good in record:
        number += 1 + gap
        padded += [False] * gap + [good]
        settled = settle_round(
            number,
            {"a": 5 if good else -5},
            norm_squared=10,
            terms=Terms(window=window),
            accounts=accounts,
            stakes={"a": 0},
            pot=0,
        )
        accounts = dict(settled.accounts)
    assert settled.consistency["a"] == sum(padded[-window:]) * PPM // window
    later = settle_round(
        number + 70, {"a": 1}, norm_squared=1, terms=Terms(window=window), accounts=accounts, stakes={"a": 0}, pot=0
    )
    assert later.accounts["a"].history == 1


def test_bad_arguments_are_refused() -> None:
    for window in (0, 65):
        with pytest.raises(ValueError, match=rf"window is {window}: choose it whole, in \[1, 64\]"):
            Terms(window=window)
    for wrong in ({"penalty_cap": 5_000_000}, {"alpha": 10_000_001}, {"budget": -1}, {"penalty_rate": 0.1}):
        with pytest.raises(ValueError, match="choose it whole, in"):
            Terms(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"contributions, rewards have the shapes \(1,\), \(2,\): give one of each"):
        exact.compute_fairness_factors([1.0], [1, 2])


@given(st.integers(0, 2**100), st.integers(0, PPM), st.integers(500_000, 1_500_000), st.integers(0, 10 * PPM))
def test_weight_is_the_product_less_at_most_three_roundings(score: int, c: int, factor: int, alpha: int) -> None:
    true = Fraction(score) * (1 + Fraction(alpha * c, PPM * PPM)) * Fraction(factor, PPM)
    got = exact.compute_reward_weight(score, c, factor, alpha)
    assert got <= true
    assert true - got < 3 + Fraction(2 * score, PPM)  # α·C loses less than a millionth of the score, times F


@given(st.lists(st.integers(0, 2**120), min_size=1, max_size=12), st.integers(0, 10**20), st.integers(0, 10**20))
def test_rewards_never_exceed_budget_or_pot(weights: list[int], budget: int, pot: int) -> None:
    rewards = exact.compute_rewards(weights, budget, pot)
    assert sum(rewards) <= min(budget, pot)
    if sum(weights):
        assert min(budget, pot) - sum(rewards) < len(weights)  # less than one wei a client stays


def test_penalty_is_graded_then_capped_and_a_missing_reveal_costs_the_cap() -> None:
    terms = {"rate": 100_000, "cap": 50_000}
    assert exact.compute_penalty(10**6, -10, 100, **terms) == 10_000
    assert exact.compute_penalty(10**6, -90, 100, **terms) == 50_000
    assert exact.compute_penalty(10**6, None, 0, **terms) == 50_000
    assert exact.compute_penalty(10**6, -1, 0, **terms) == 50_000
    assert exact.compute_penalty(10**6, 0, 0, **terms) == 0


def test_settling_out_of_order_is_refused_and_arguments_stay() -> None:
    accounts, stakes = {"a": Account(1, 3, 5)}, {"a": 100}
    with pytest.raises(ValueError, match="round 3 is not after 3, a's last round: settle in order"):
        settle_round(3, {"a": 1}, norm_squared=1, terms=Terms(), accounts=accounts, stakes=stakes, pot=1)
    settle_round(4, {"a": -1}, norm_squared=1, terms=Terms(), accounts=accounts, stakes=stakes, pot=1)
    assert accounts == {"a": Account(1, 3, 5)} and stakes == {"a": 100}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exact.compute_rewards([-1, 3], 100, 1000), r"weights is \[-1, 3\]: choose it whole, in \[0, ∞\)"),
        (lambda: exact.compute_rewards([1, 3], -100, 1000), "budget is -100"),
        (lambda: exact.compute_rewards([1, 3], 100, 0.5), "pot is 0.5"),
        (lambda: exact.compute_penalty(100, -1, 10, rate=-1, cap=50_000), "rate is -1"),
        (
            lambda: exact.compute_penalty(100, -1, 10, rate=1, cap=PPM + 1),
            r"cap is 1000001: choose it whole, in \[0, 1000000\]",
        ),
        (lambda: exact.compute_penalty(-100, None, 0, rate=1, cap=1), "stake is -100"),
        (lambda: exact.compute_penalty(10**18, np.nan, 100, rate=1, cap=1), "score is nan: choose it whole"),
        (lambda: exact.compute_reward_weight(1000, -5_000_000, PPM, PPM), r"consistency is -5000000: .* 1000000\]"),
        (lambda: exact.compute_reward_weight(1000, PPM, -1, PPM), "factor is -1: choose it whole"),
        (lambda: exact.compute_reward_weight(0.5, PPM, PPM, PPM), "score is 0.5: choose it whole"),
        (
            lambda: exact.compute_fairness_factors([np.nan, 1], [50, 50]),
            r"contributions is \[nan, 1\]: choose it in \(-inf",
        ),
        (lambda: exact.compute_fairness_factors([np.inf, 1], [50, 50]), "contributions is"),
        (lambda: exact.compute_fairness_factors([2, 1], [-50, 50]), r"rewards is \[-50, 50\]"),
        (lambda: fairness_ratios([np.nan, 1], [50, 50]), "contributions is"),
        (lambda: fairness_ratios([-np.inf, 1], [50, 50]), "contributions is"),
        (lambda: fairness_ratios([2, 1], [-50, 50]), "rewards is"),
        (lambda: share_budget([-1.0, 3.0], 8.0), r"weights is \[-1.0, 3.0\]: choose it in \[0, 1e\+300\]"),
        (lambda: share_budget([np.nan, 3.0], 8.0), "weights is"),
        (lambda: share_budget([1.0, 3.0], -8.0), "budget is -8.0"),
        (lambda: PAY_RULES["paper"].share(np.array([1, np.nan, 2]), *THREE), r"scores is \[.*nan.*\]: choose it in"),
    ],
)
def test_what_is_no_amount_is_refused_and_never_paid(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_an_absent_client_needs_no_score() -> None:
    sizes, _, standing = THREE
    there = np.array([True, False, True])
    assert PAY_RULES["paper"].share(np.array([1, np.nan, 3]), sizes, there, standing).tolist() == [0.25, 0.0, 0.75]


def test_integers_of_numpy_pay_what_pythons_do():
    stakes = dict(zip("ab", np.array([300, 100]) * 10**16, strict=True))
    whole = {"norm_squared": 2, "terms": exact.Terms(budget=10**18), "accounts": {}, "pot": 10**18}
    by_numpy = exact.settle_round(1, {"a": 3, "b": -1}, stakes=stakes, **whole)
    by_python = exact.settle_round(1, {"a": 3, "b": -1}, stakes={k: int(v) for k, v in stakes.items()}, **whole)
    assert by_numpy == by_python and by_numpy.penalties["b"] == 5 * 10**16
    weights = np.array([10**10, 2 * 10**10])
    assert exact.compute_rewards(weights, 10**18, 10**18) == exact.compute_rewards(weights.tolist(), 10**18, 10**18)
    assert exact.compute_reward_weight(np.int64(10**15), 10**6, 10**6, 10**6) == 2 * 10**15
    assert exact.compute_fairness_factors([1.0, 1.0], np.array([2**62, 2**62])) == [10**6, 10**6]


def test_a_void_round_pays_nothing_whatever_its_scores():
    terms = exact.Terms(minimum_samples=10)
    settled = exact.settle_round(
        1, {"a": 3}, norm_squared=1, terms=terms, accounts={}, stakes={"a": 1}, pot=10**18, samples=5
    )
    assert settled.rewards == {"a": 0} and settled.pot == 10**18


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stakes": {"a": "1000", "b": 1}}, "there is text in stakes|stakes is"),
        ({"stakes": {"a": 1.7e18, "b": 1}}, r"stakes is \[1.7e\+18, 1\]: choose it whole"),
        ({"stakes": {"a": 1000}}, r"scores has \['b'\], whom stakes lacks: give what each has at stake"),
        ({"factors": {"a": 10**9}}, r"factors is \[1000000000\]: choose it whole, in \[500000, 1500000\]"),
        ({"factors": {"a": 1.0}}, "factors is"),
        ({"scores": {"a": 0.5, "b": 1}}, r"scores is \[0.5, 1\]: choose it whole"),
        ({"scores": {"a": "5", "b": 1}}, "scores"),
        ({"number": 0}, "number is 0"),
        ({"number": 1.5}, "number is 1.5"),
    ],
)
def test_what_no_pool_could_settle_is_refused(change: dict, message: str) -> None:
    whole = {
        "norm_squared": 2,
        "terms": Terms(budget=100),
        "accounts": {},
        "stakes": {"a": 1000, "b": 1000},
        "pot": 100,
    }
    given = {"number": 1, "scores": {"a": 3, "b": -1}} | whole | change
    with pytest.raises(InvalidInput, match=message):
        settle_round(given.pop("number"), given.pop("scores"), **given)


def test_scores_of_numpy_settle_as_pythons_do() -> None:
    accounts = {"a": Account(2**64 - 1, 1), "b": Account(2**63, 1)}
    whole = {"norm_squared": 2, "terms": Terms(), "accounts": accounts, "stakes": {"a": 10**18, "b": 1}, "pot": 10**18}
    by_python = settle_round(2, {"a": 3, "b": -1}, **whole)
    by_numpy = settle_round(np.int64(2), {"a": np.int64(3), "b": np.int64(-1)}, **whole)
    assert by_numpy == by_python and type(by_numpy.accounts["a"].history) is int


@pytest.mark.parametrize(
    "call",
    [
        lambda: exact.compute_rewards([[1], [2]], 100, 100),
        lambda: exact.compute_rewards((weight for weight in (1, 2)), 100, 100),
        lambda: exact.compute_fairness_factors([[1.0], [2.0]], [1, 2]),
        lambda: exact.compute_fairness_factors([1.0, 2.0], [[1], [2]]),
        lambda: exact.compute_fairness_factors((value for value in (1.0, 2.0)), [1, 2]),
    ],
)
def test_a_table_or_a_stream_is_no_row_of_numbers(call):
    with pytest.raises(InvalidInput, match=r"choose (one row|it in)"):
        call()


@pytest.mark.parametrize(
    ("name", "given"), [("factors", {"A": 10**6}), ("accounts", {"A": exact.Account(), 7: exact.Account()})]
)
def test_what_belongs_to_nobody_is_a_name_misspelled(name, given):
    terms, stakes = exact.Terms(budget=100), {"a": 1000, "b": 1000}
    arguments = {"norm_squared": 2, "terms": terms, "accounts": {}, "stakes": stakes, "pot": 1} | {name: given}
    with pytest.raises(InvalidInput, match=rf"{name} has \[.*'A'\], whom stakes lacks"):
        exact.settle_round(1, {"a": 3, "b": 1}, **arguments)
