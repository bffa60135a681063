"""Pay rules: the paper's equals the contract's arithmetic, each other rule does the one thing it is named after."""

from __future__ import annotations

import numpy as np
import pytest

from bcfl_support.errors import InvalidInput
from bcfl_support.incentives import exact as incentives
from bcfl_support.incentives import pay_rules
from bcfl_support.incentives.consistency import share_budget
from bcfl_support.incentives.exact import PPM
from bcfl_support.incentives.pay_rules import PayRule


def test_pay_by_hand() -> None:
    # a record of 3 rounds, window 2: C = (1, 1/2, 0); weights 2 · 1.5, 3 · 1.25, 0 → shares 3 / 6.75, 3.75 / 6.75
    record = np.array([[True, True, True], [True, False, False], [True, True, False]])
    rule, sizes, all_here = PayRule(window=2), np.full(3, 1 / 3), np.ones(3, dtype=bool)
    pay = 6.75 * rule.share(np.array([2.0, 3.0, -1.0]), sizes, all_here, rule.standing(record))
    assert pay == pytest.approx([3.0, 3.75, 0.0], abs=1e-15)
    flat = PayRule(alpha=0.0)
    here = np.array([True, True, False])
    without = flat.share(np.array([2.0, 3.0, np.nan]), sizes, here, flat.standing(record))
    assert without == pytest.approx([0.4, 0.6, 0.0], abs=1e-15)
    none = flat.share(np.array([-1.0, 0.0, -2.0]), sizes, all_here, flat.standing(record))
    assert none.tolist() == [0.0, 0.0, 0.0]


def test_the_papers_rule_equals_the_contract_in_floats() -> None:
    rng = np.random.default_rng(3)
    scores, record = rng.normal(size=5), rng.random((12, 5)) < 0.6
    record[-1] = scores >= 0
    rule = PayRule(alpha=0.5)
    present = np.ones(5, dtype=bool)
    weights = rule.base_weights(scores, np.full(5, 0.2), present) * rule.standing_factor(rule.standing(record))
    pay = share_budget(weights, 10.0)
    assert np.array_equal(pay, 10.0 * rule.share(scores, np.full(5, 0.2), present, rule.standing(record)))
    integers = [
        incentives.compute_reward_weight(int(s * 10**18), int(record[-8:, i].sum()) * PPM // 8, PPM, 500_000)
        for i, s in enumerate(scores)
    ]
    exact = incentives.compute_rewards(integers, 10**19, 10**20)
    assert np.allclose(pay, np.array(exact) / 10**18, rtol=1e-9)


def test_fines_equal_the_contracts_in_floats() -> None:
    scores, present = np.array([3.0, -0.5, -4.0, 2.0]), np.array([True, True, True, False])
    sizes = np.array([0.1, 0.2, 0.3, 0.4])
    rule = PayRule(stake=10.0, fine_rate=0.1, fine_cap=0.05)
    fines = rule.fines(scores, sizes, present, ~present, np.ones(4))
    assert fines.tolist() == [0.0, 10 * 0.8 * 0.05, 10 * 1.2 * 0.05, 0.0]  # Σ S = −1.5 ≤ 0: the cap
    scores = np.array([8.0, -0.5, 0.5, 0.0])
    graded = rule.fines(scores, sizes, present, ~present, np.ones(4))
    stake = round(10 * 0.8 * 10**18)
    exact = incentives.compute_penalty(stake, -5 * 10**17, 8 * 10**18, rate=100_000, cap=50_000)
    assert graded[1] == pytest.approx(exact / 10**18, rel=1e-9) and graded[[0, 2, 3]].tolist() == [0, 0, 0]
    loyal = PayRule(stake=10.0, loyal_fines=True, alpha=2.0).fines(scores, sizes, present, ~present, np.full(4, 0.5))
    assert np.allclose(loyal, 2 * graded)
    failing = PayRule(stake=10.0, fine_on="failed").fines(scores, sizes, present, np.array([True] * 4), np.ones(4))
    assert np.allclose(failing, 10 * 4 * sizes * 0.05 * present)


def test_a_score_that_is_no_number_is_fined_and_ranked_nowhere() -> None:
    present, sizes = np.array([True, True]), np.array([0.5, 0.5])
    with pytest.raises(InvalidInput, match=r"scores is \[nan -1.\]"):
        PayRule(stake=1.0).fines(np.array([np.nan, -1.0]), sizes, present, ~present, np.ones(2))
    with pytest.raises(InvalidInput, match=r"scores is \[nan, 1.0\]"):
        pay_rules.rank_weights([np.nan, 1.0], sizes)
    absent = PayRule(stake=1.0).fines(np.array([np.nan, -1.0]), sizes, np.array([False, True]), ~present, np.ones(2))
    assert absent.tolist() == [0.0, 0.05]


def test_a_rule_is_found_by_name() -> None:
    assert pay_rules.check_rule("rank") is pay_rules.PAY_RULES["rank"]
    assert pay_rules.check_rule(rule := PayRule(alpha=2.0)) is rule
    for wrong in (None, "rnk", {}):
        with pytest.raises(InvalidInput, match=r"pay rule is .*; use one of .*flat"):
            pay_rules.check_rule(wrong)


def test_gates_and_thresholds() -> None:
    standing = np.array([0.0, 0.5, 0.75, 1.0])
    product, threshold = PayRule(gate="product", alpha=0.0), PayRule(gate="threshold", alpha=0.0, threshold=0.75)
    assert product.standing_factor(standing).tolist() == [0, 0, 0.5, 1]
    assert threshold.standing_factor(standing).tolist() == [0, 0, 1, 1]
    both = PayRule(gate="product", alpha=1.0).standing_factor(standing)
    assert both.tolist() == [0, 0, 0.875, 2]  # gate times bonus


def test_rank_pay_ignores_how_far_ahead_and_ties_share_a_rank() -> None:
    sizes = np.full(4, 0.25)
    near = pay_rules.rank_weights([4.0, 3.9, 3.8, -1.0], sizes)
    far = pay_rules.rank_weights([400.0, 4.0, 0.001, 0.0], sizes)
    assert np.array_equal(near, far) and np.allclose(near, 0.25 * np.array([1, 0.8, 0.64, 0]))
    tied = pay_rules.rank_weights([1.0, 1.0 + 1e-14, 0.5, 0.1], sizes)
    assert np.allclose(tied, 0.25 * np.array([1, 1, 0.64, 0.512]))
    assert pay_rules.rank_weights(np.ones((2, 3, 4)), np.ones((2, 3, 4))).shape == (2, 3, 4)
    with pytest.raises(ValueError, match=r"ratio is 1\.5"):
        pay_rules.rank_weights([1.0], [1.0], ratio=1.5)


def test_flat_pay_is_for_presence_alone() -> None:
    rule = PayRule(base="flat", record="attended", alpha=0.0)
    sizes, present = np.array([0.5, 0.3, 0.2]), np.array([True, False, True])
    assert rule.base_weights(np.array([-9.0, 1.0, 0.0]), sizes, present).tolist() == [0.5, 0, 0.2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": "equal"}, "base is 'equal'; use one of flat, share, rank"),
        ({"gate": "door"}, "gate is 'door'; use one of none, product, threshold"),
        ({"record": "all"}, "record is 'all'; use one of attended, good, verified"),
        ({"fine_cap": 5.0}, r"fine_cap is 5\.0: choose it in \[0, 1\]"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"alpha": -1.0}, r"alpha is -1\.0: choose it in \[0, ∞\)"),
        ({"window": 0}, r"window is 0: consistency counts rounds; choose it whole, in \[1, ∞\)"),
        ({"score": "nope"}, "score is 'nope'; use one of .*alignment"),
        ({"ratio": 7}, r"ratio is 7: choose it in \(0, 1\]"),
    ],
)
def test_a_bad_rule_is_refused_when_it_is_made(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PayRule(**options)  # type: ignore[arg-type]


def test_the_bonus_is_a_transfer_not_a_gift() -> None:
    """With everybody equally consistent α changes nobody's pay; with one absent now and then it moves pay to others."""
    scores = np.array([1.0, 2.0, 3.0])
    sizes, here = np.full(3, 1 / 3), np.ones(3, dtype=bool)
    for alpha in (0.0, 0.5, 2.0):
        assert np.allclose(6.0 * PayRule(alpha=alpha).share(scores, sizes, here, np.full(3, 0.6)), scores)
    for alpha in (0.5, 2.0):
        pay = 6.0 * PayRule(alpha=alpha).share(scores, sizes, here, np.array([1, 1, 0.5]))
        assert pay.sum() == pytest.approx(6.0) and pay[2] < 3.0 and (pay[:2] > scores[:2]).all()


@pytest.mark.parametrize("standing", [2.0, -0.1, [0.5, np.nan]])
def test_a_gate_of_no_share_is_refused(standing) -> None:
    with pytest.raises(InvalidInput, match=r"standing is .*: choose it in \[0, 1\]"):
        pay_rules.gate_factor(standing)
