"""From scores to pay in the contract's exact integers: consistency, multiplier, fairness factor, penalty.

    reward_i = budget · w_i / Σ w,      w_i = max(S_i, 0) · (1 + α·C_i) · F_i           arXiv 2502.14170; RewardPool.sol

S_i is the alignment score, C_i the consistency, F_i the fairness factor. The paper gives S_i·(1 + α·C) and leaves α, C
and the place of fairness open; every definition here is this project's choice. Ratios are integers in millionths, every
division is rounded as the contract rounds, so that `settle_round` equals ``RewardPool`` to the last wei (what it leaves
out stands there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bcfl_support.checks import check_alike, check_kind, check_range, check_whole
from bcfl_support.errors import InvalidInput

PPM = 1_000_000
"""The ratio 1: on chain, ratios are integers in millionths."""

MIN_FACTOR, MAX_FACTOR = 500_000, 1_500_000
"""Bounds of a fairness factor, in millionths."""

HISTORY_BITS = 64
"""Rounds of history the contract keeps for a client."""


def compute_reward_weight(score: int, consistency: int, factor: int, alpha: int) -> int:
    """w_i = S_i · (1 + α·C_i) · F_i, rounded down after each product; 0 for a negative score.

    Args:
        score: S_i at scale s².
        consistency: C_i in millionths.
        factor: F_i in millionths.
        alpha: α in millionths.

    Raises:
        InvalidInput: a number that is not whole, a negative factor or α, or a consistency outside 0 to 1.

    >>> compute_reward_weight(1000, 250_000, 1_000_000, 500_000)
    1125
    """
    consistency = check_whole("consistency", consistency, 0, PPM)
    factor = check_whole("factor", factor, 0)
    alpha = check_whole("alpha", alpha, 0)
    if (score := check_whole("score", score, -float("inf"))) < 0:
        return 0
    multiplier = PPM + alpha * consistency // PPM
    return score * multiplier // PPM * factor // PPM


def compute_rewards(weights: Sequence[int], budget: int, pot: int) -> list[int]:
    """Each client's share of the round's budget, in wei, rounded down; all zero when no weight is positive.

    Args:
        weights: w_i of each client.
        budget: wei a round.
        pot: wei left in the escrow; it bounds the budget.

    Raises:
        InvalidInput: a weight, a budget or a pot that is negative or not whole.

    >>> compute_rewards([1, 2, 0], 100, 1000)
    [33, 66, 0]
    """
    exact = [int(weight) for weight in check_range("weights", weights, 0, whole=True, row=True)]
    available = min(check_whole("budget", budget, 0), check_whole("pot", pot, 0))
    return [available * weight // sum(exact) if any(exact) else 0 for weight in exact]


def compute_penalty(stake: int, score: int | None, norm_squared: int, *, rate: int, cap: int) -> int:
    """Wei of stake that a round burns: stake · min(rate · (−S_i)/‖g‖², cap).

    Args:
        stake: wei.
        score: S_i at scale s²; None when the client committed and did not reveal, which costs the cap.
        norm_squared: ‖g‖² at scale s².
        rate: millionths of the stake per unit of −S_i/‖g‖².
        cap: most that a round burns, in millionths of the stake.

    Raises:
        InvalidInput: a stake, a norm, a rate or a cap that is negative or not whole, a cap above 1, or a score that is
            not whole.

    >>> compute_penalty(10**18, -30, 100, rate=100_000, cap=50_000) / 10**18
    0.03
    """
    stake, norm_squared = check_whole("stake", stake, 0), check_whole("norm_squared", norm_squared, 0)
    rate, ratio = check_whole("rate", rate, 0), check_whole("cap", cap, 0, PPM)
    if score is not None and (score := check_whole("score", score, -float("inf"))) >= 0:
        return 0
    if score is not None and norm_squared:
        ratio = min(-score * rate // norm_squared, ratio)
    return stake * ratio // PPM


def compute_fairness_factors(contributions: Sequence[float], rewards: Sequence[int]) -> list[int]:
    """F_i = clip(share of the contributions / share of the pay, ½, 1½), in millionths, rounded to the nearest.

    Args:
        contributions: what each client brought over the epoch, such as its Shapley values' sum; negative counts as 0.
        rewards: what each was paid over the epoch, in wei.

    Returns:
        One factor a client. A client that brought nothing and was paid nothing keeps the factor 1; one that brought
        something and was paid nothing gets the largest.

    Raises:
        InvalidInput: the lengths differ, a contribution is not finite or is above 1e300, a reward is negative or not
            whole, or pandas calls the rows of one by other names than those of the other.

    >>> compute_fairness_factors([2.0, 1.0, 0.0], [50, 50, 0])
    [1333333, 666667, 1000000]
    """
    got = [int(reward) for reward in check_range("rewards", rewards, 0, row=True, whole=True)]
    given = check_range("contributions", contributions, -float("inf"), 1e300, row=True)
    check_alike({"contributions": contributions, "rewards": rewards}, exact=True)
    positive = [max(0.0, float(value)) for value in given]
    brought, paid = sum(positive), sum(got)
    factors = []
    for value, reward in zip(positive, got, strict=True):
        if not reward:
            factors.append(MAX_FACTOR if value else PPM)
        else:
            ratio = (value / brought if brought else 0.0) / (reward / paid)
            factors.append(max(MIN_FACTOR, min(MAX_FACTOR, round(ratio * PPM))))
    return factors


@dataclass(frozen=True)
class Terms:
    """What ``RewardPool`` fixes at deployment: wei, and ratios in millionths.

    Attributes:
        budget: wei shared in a round.
        alpha: α, at most 10.
        window: K, 1 to 64.
        penalty_rate: share of the stake burned per unit of −S_i/‖g‖².
        penalty_cap: most that one round burns, at most all.
        full_samples: revealed samples from which the whole budget is shared; with fewer, in proportion.
        minimum_samples: fewest revealed samples with which a round is not void; a term of the aggregator. A void round,
            also one in which nobody revealed, pays nothing and leaves the histories as they are; who did not reveal is
            fined.

    Raises:
        InvalidInput: a number that is not whole or out of range, such as a window that the contract does not keep.
    """

    budget: int = 10**18
    alpha: int = 500_000
    window: int = 8
    penalty_rate: int = 100_000
    penalty_cap: int = 50_000
    full_samples: int = 1
    minimum_samples: int = 1

    def __post_init__(self) -> None:
        most = {"alpha": 10 * PPM, "window": HISTORY_BITS, "penalty_cap": PPM}
        for name, v in asdict(self).items():
            least = int("samples" in name or name == "window")
            object.__setattr__(self, name, check_whole(name, v, least, most.get(name, float("inf"))))


@dataclass(frozen=True)
class Account:
    """What the pool remembers of a client.

    Attributes:
        history: one bit a round, the newest lowest, at most 64.
        last_round: the number of the lowest bit's round among those not void; 0 before the first.
        credit: wei earned and not yet withdrawn.

    Raises:
        InvalidInput: a number that is negative or not whole, or a history of more than 64 bits.
    """

    history: int = 0
    last_round: int = 0
    credit: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            most = 2**HISTORY_BITS - 1 if name == "history" else float("inf")
            object.__setattr__(self, name, check_whole(name, value, 0, most))


@dataclass(frozen=True)
class Settlement:
    """A settled round: what each client that committed got and lost, and the books after it.

    Attributes:
        consistency: C_i in millionths, by client; as used for its reward.
        rewards: wei credited, by client.
        penalties: wei of stake burned, by client.
        accounts: everybody's account after the round.
        stakes: everybody's stake after the round.
        pot: wei left in the escrow.
    """

    consistency: Mapping[str, int]
    rewards: Mapping[str, int]
    penalties: Mapping[str, int]
    accounts: Mapping[str, Account]
    stakes: Mapping[str, int]
    pot: int


def settle_round(
    number: int,
    scores: Mapping[str, int | None],
    *,
    norm_squared: int,
    terms: Terms,
    accounts: Mapping[str, Account],
    stakes: Mapping[str, int],
    pot: int,
    factors: Mapping[str, int] | None = None,
    samples: int | None = None,
) -> Settlement:
    """Settle one round as ``RewardPool`` does: histories, weights, penalties, then pay. Refunds for work are left out.

    Args:
        number: the round's number among those not void, above every account's `last_round`.
        scores: client → S_i at scale s², for those that committed, none if they were too few; None for one that did not
            reveal, 0 for one that revealed in a void round.
        norm_squared, samples: ‖g‖² at scale s², 0 in a void round; the samples revealed, None for enough of them.
        terms, pot: the pool's terms; wei in the escrow.
        accounts, stakes: client → account, a client not in it starts with an empty one; client → wei of stake.
        factors: client → F_i in millionths; a client not in it has 1.

    Returns:
        The settlement, with new accounts and stakes; the arguments are not changed.

    Raises:
        InvalidInput: a round out of order, a stake missing, a factor no ledger applies, or what is of another kind.

    >>> s = settle_round(1, {"a": 3, "b": -1}, norm_squared=2, terms=Terms(budget=100), accounts={},
    ...                  stakes={"a": 1000, "b": 1000}, pot=1000)
    >>> s.rewards, s.penalties, s.stakes["b"], bin(s.accounts["a"].history)
    ({'a': 100, 'b': 0}, {'a': 0, 'b': 50}, 950, '0b1')
    """
    number, pot = check_whole("number", number, 1), check_whole("pot", pot, 0)
    check_kind("terms", terms, Terms, "incentives.Terms, such as Terms(budget=100)")
    scores, held = _to_integers(scores, stakes, factors := {} if factors is None else factors, accounts)
    books, weights, consistency, penalties = dict(accounts), {}, {}, {}
    full, fewest = terms.full_samples, terms.minimum_samples
    fine = {"rate": terms.penalty_rate, "cap": terms.penalty_cap}
    revealed = max(full, fewest) if samples is None else check_whole("samples", samples, 0)
    void = revealed < fewest or all(score is None for score in scores.values())
    for client, score in scores.items():
        account = books.get(client, Account())
        if number <= (last := account.last_round):
            raise InvalidInput(f"round {number} is not after {last}, {client}'s last round: settle in order")
        counted = -1 if score is None else score  # a missing reveal earns what a negative score does
        if not void:
            history = (account.history << number - last | (counted >= 0)) % 2**HISTORY_BITS
            account = replace(account, history=history, last_round=number)
        books[client] = account
        consistency[client] = (account.history & ((1 << terms.window) - 1)).bit_count() * PPM // terms.window
        factor = factors.get(client, PPM)
        weights[client] = 0 if void else compute_reward_weight(counted, consistency[client], factor, terms.alpha)
        penalties[client] = compute_penalty(held[client], score, norm_squared, **fine)
        held[client] -= penalties[client]
    budget = terms.budget * min(revealed, full) // full
    paid = dict(zip(weights, compute_rewards(list(weights.values()), budget, pot), strict=True))
    books |= {client: replace(books[client], credit=books[client].credit + amount) for client, amount in paid.items()}
    return Settlement(consistency, paid, penalties, books, held, pot - sum(paid.values()))


def _to_integers(scores: Any, stakes: Any, factors: Any, accounts: Any) -> tuple[dict[str, int | None], dict[str, int]]:
    """Scores and stakes as Python's integers, since NumPy's would overflow, after all checks."""
    for name, given in {"stakes": stakes, "scores": scores, "factors": factors, "accounts": accounts}.items():
        check_kind(name, given, Mapping, "a mapping, one for each client by its name")
        if unknown := set(given) - set(stakes):  # misspelled, a factor would count as 1, an account as empty
            raise InvalidInput(f"{name} has {sorted(unknown, key=str)}, whom stakes lacks: give what each has at stake")
    for client, account in accounts.items():
        check_kind(f"the account of {client}", account, Account, "an incentives.Account")
    check_range("stakes", list(stakes.values()), 0, row=True, whole=True)
    check_range("factors", list(factors.values()), MIN_FACTOR, MAX_FACTOR, row=True, whole=True)
    said = [score for score in scores.values() if score is not None]
    check_range("scores", said, -float("inf"), row=True, whole=True)
    whole = {client: None if score is None else int(score) for client, score in scores.items()}
    return whole, {client: int(stake) for client, stake in stakes.items()}
