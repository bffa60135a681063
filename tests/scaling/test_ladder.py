"""Rungs, found by number, one result."""

from __future__ import annotations

import numpy as np
import pytest
from scaling.cases import draw_round

from bcfl_support.chain import OSAKA, load_artifact
from bcfl_support.errors import ContractError, InvalidInput
from bcfl_support.scaling import ladder
from bcfl_support.scaling.ladder import RUNGS, largest_clients, start_rung
from bcfl_support.scaling.rungs import Rung

NUMBERS = range(len(RUNGS))
PARTS = [name for name, kind in Rung.__annotations__.items() if kind.startswith("ClassVar")]


@pytest.mark.parametrize("number", NUMBERS)
def test_rung_gives_the_exact_round(chain, number):
    n = 2 if ladder.predict(number, 2, 70).blobs else 3  # a blob takes half a second
    size = 1100 if ladder.predict(number, n, 1100).max_tx_gas <= OSAKA.transaction_cap else 70
    values, weights = draw_round(number, n, size, seed=number)
    rung, predicted = start_rung(chain, number, weights, size), ladder.predict(number, n, size)
    for again in (values, values[::-1].copy()):
        bill = rung.play(again)
        exact = rung.expected(again)
        assert bill.scores == exact.scores
        assert bill.result_digest == rung.result_digest(exact)
        assert (bill.transactions, bill.blobs) == (predicted.transactions, predicted.blobs)
        assert bill.total_gas == sum(entry.gas_used for entry in rung.ledger.entries)


def check_complete(number: int, rung: type[Rung]) -> None:
    """Whatever a rung lacks, or has of the class that it inherits from and must not, fails with its name."""
    for part in PARTS:
        assert hasattr(rung, part), f"{part} is missing"
    assert rung.__doc__.startswith(f"Rung {number}:"), "the class docstring"
    for part in ("artifact", "title"):
        taken = {getattr(each, part) for k, each in enumerate(RUNGS) if k != number}
        assert getattr(rung, part) not in {"", *taken}, f"{part} is another rung's, or empty"
    assert rung.trust, "trust"
    assert load_artifact(rung.artifact).name == rung.artifact
    cost = rung.gas(2, 10, OSAKA)
    assert (cost.rung, cost.clients, cost.parameters) == (number, 2, 10), "gas is another rung's, or of another size"
    assert cost.total_gas > 21_000, "gas"
    fixed, each = rung.limit(10)
    assert fixed >= 0 and each > 0, "limit"
    assert rung.most_played >= (rung.gas(10, 10, OSAKA).blobs or 10 * 10), "most_played: the benchmark plays no round"


@pytest.mark.parametrize("number", NUMBERS)
def test_every_rung_is_complete(number):
    check_complete(number, RUNGS[number])
    assert 0 < largest_clients(number, 10) <= 120


def test_there_is_no_further_rung():
    with pytest.raises(ValueError, match=rf"choose it whole, in \[0, {len(RUNGS) - 1}\]"):
        ladder.predict(len(RUNGS), 2, 10)


WRONG = {
    "artifact": "Rung1Packed",
    "title": RUNGS[1].title,
    "trust": "",
    "gas": staticmethod(RUNGS[1].gas),
    "limit": staticmethod(lambda P: (0, 0)),
    "most_played": 99,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_rung_that_lacks_a_part_is_not_complete(part):
    parts = {name: vars(RUNGS[2])[name] for name in ("__doc__", *PARTS)}
    check_complete(2, type("Whole", (Rung,), parts))
    for wrong in ({part: WRONG[part]}, {}):
        made = {name: value for name, value in parts.items() if name != part} | wrong
        with pytest.raises(AssertionError, match=part):
            check_complete(2, type("Lacking", (Rung,), made))


def test_a_rung_that_only_inherits_is_not_complete():
    with pytest.raises(AssertionError, match="the class docstring"):
        check_complete(len(RUNGS), type("Variant", (RUNGS[1],), {"__doc__": RUNGS[1].__doc__}))
    with pytest.raises(FileNotFoundError, match='no compiled contract "Rung9Nothing"'):
        check_complete(1, type("Variant", (RUNGS[1],), {"__doc__": RUNGS[1].__doc__, "artifact": "Rung9Nothing"}))


@pytest.mark.parametrize(("number", "parameters", "most"), [(3, 1_000, 98), (4, 1_000, 98), (3, 100_000, 73)])
def test_largest_n_is_the_contracts(chain, monkeypatch, number, parameters, most):
    """With one client more the contract refuses; `start_rung` says so before."""
    assert largest_clients(number, parameters) == most
    start_rung(chain, number, [1] * most, parameters)
    with pytest.raises(
        InvalidInput, match=f"{most + 1} clients; rung {number} takes at most {most} with {parameters:,} "
    ):
        start_rung(chain, number, [1] * (most + 1), parameters)
    monkeypatch.setattr(ladder, "largest_clients", lambda *_: 120)  # so that the contract is asked
    with pytest.raises(ContractError, match=f"RungBadConfig: clients: {most + 1},"):
        start_rung(chain, number, [1] * (most + 1), parameters)


def test_bad_calls_are_named(chain):
    with pytest.raises(ValueError, match=rf"rung is 99: .* in \[0, {len(RUNGS) - 1}\]"):
        start_rung(chain, 99, [1], 10)
    with pytest.raises(InvalidInput, match="accounts"):
        start_rung(chain, 1, [1] * 109, 10)
    for weights in ([1.9, 2.9], [1, 0], [1, -1], ["1", "2"], [True, 1]):
        with pytest.raises(
            InvalidInput,
            match=r"the weight of client \d is .*a client counts by its samples; choose it whole, in \[1, ",
        ):
            start_rung(chain, 1, weights, 10)


@pytest.mark.parametrize("number", NUMBERS)
def test_forecasts_do_not_overflow(number):
    prices = {"gas_price": 1, "ether_price": 2000}
    wanted = ladder.forecast(number, 50, 50_000_000, **prices)
    assert ladder.forecast(number, np.int32(50), np.int32(50_000_000), **prices) == wanted
    assert largest_clients(np.int8(number), np.int32(100_000)) == largest_clients(number, 100_000)


@pytest.mark.parametrize(("number", "option"), [(2, "clipped"), (5, "cliped")])
def test_an_unknown_option_is_refused_in_words(chain, number, option):
    with pytest.raises(InvalidInput, match=f"rung {number} has no option '{option}'"):
        start_rung(chain, number, [1, 2], 70, **{option: True})


def test_text_is_no_flag(chain):
    with pytest.raises(InvalidInput, match="clipped is 'False'"):
        start_rung(chain, 5, [1, 2], 70, clipped="False")


@pytest.mark.parametrize("number", NUMBERS)
def test_clients_may_be_named_by_numpys_integers(chain, number):
    values, weights = draw_round(number, 2, 70, seed=1)
    rung = start_rung(chain, number, weights, 70)
    rung.open()
    rung.submit(values, np.arange(2))
    rung.work(values)
    assert rung.bill().scores == rung.expected(values).scores


def test_no_bill_of_a_round_that_was_undone(chain):
    values, weights = draw_round(2, 2, 70, seed=1)
    rung = start_rung(chain, 2, weights, 70)
    before = chain.snapshot()
    rung.play(values)
    chain.revert(before)
    with pytest.raises(InvalidInput, match=r"nothing was sent in this round, or a revert has undone it"):
        rung.bill()
