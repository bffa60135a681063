"""Addresses known beforehand, contracts that know one another, and errors in words."""

from __future__ import annotations

import dataclasses
import doctest
import pickle
from dataclasses import replace

import numpy as np
import pytest
from eth_abi import encode
from eth_utils import keccak
from web3.utils import get_create_address

from bcfl_support.chain import Chain, connect, load_artifact
from bcfl_support.chain.reverts import RevertDecoder
from bcfl_support.errors import ContractError, InvalidInput, ToolMissing
from bcfl_support.protocol import Federation, deployment
from bcfl_support.protocol.rounds import FederationConfig
from bcfl_support.scaling.rungs import EXPLANATIONS as scaling_sentences
from notebooks import ROOT

CONFIG = FederationConfig(parameters=3, capacity=4)


@pytest.fixture(scope="module")
def node():
    with Chain.start() as chain:
        yield chain


def test_examples_in_the_documentation():
    assert doctest.testmod(deployment).failed == 0


def test_contracts_land_where_they_were_predicted(node):
    sender = node.accounts[5]
    node.send({"to": node.accounts[6]}, sender=sender)  # not the sender's first transaction
    first = node.w3.eth.get_transaction_count(sender)
    contracts, receipts = deployment.deploy_contracts(node, CONFIG, sender)
    predicted = [get_create_address(sender, first + k) for k in range(4)]
    assert [contracts[name].address for name in deployment.CONTRACTS] == predicted
    assert [receipts[name]["contractAddress"] for name in deployment.CONTRACTS] == predicted


SHOWN_AS_NUMBERS = {"NotSlasher", "BadTerms"}  # by lessons 1 and 4


def sources():
    """Every contract and interface of ours, by the name of its file."""
    return [path.stem for path in (ROOT / "contracts" / "src").rglob("*.sol")]


def test_every_error_has_its_sentence_and_every_sentence_its_error():
    every = {item["name"] for name in sources() for item in load_artifact(name).abi if item["type"] == "error"}
    own = {name for name in every if not name.startswith("SafeCast")}  # those are OpenZeppelin's
    assert set(deployment.EXPLANATIONS) | set(scaling_sentences) == own - SHOWN_AS_NUMBERS
    assert not set(deployment.EXPLANATIONS) & set(scaling_sentences)


@pytest.mark.parametrize("names", [deployment.CONTRACTS, ("AccuracyAdjusted",)])
def test_every_sentence_has_its_numbers(names):
    errors = [each for name in names for each in load_artifact(name).abi if each["type"] == "error"]
    errors = [error for error in errors if not error["name"].startswith("SafeCast")]
    decoder = RevertDecoder()
    decoder.register(errors)
    decoder.explain(deployment.EXPLANATIONS)
    for error in errors:
        types = [part["type"] for part in error["inputs"]]
        some = {"address": "0x" + "00" * 20, "bytes32": bytes(32), "string": "x", "bool": True}
        values = encode(types, [some.get(each, 1) for each in types])
        data = keccak(text=f"{error['name']}({','.join(types)})")[:4] + values
        assert error["name"] in SHOWN_AS_NUMBERS or "=" not in str(decoder.decode(data)), error["name"]


def unchecked(**changes):
    """A configuration that nobody looked at, as from another program."""
    config = replace(CONFIG)
    for name, value in changes.items():
        object.__setattr__(config, name, value)
    return config


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"minimum": 0}, "BadConfig: minimum is 0, which no federation can run with"),
        ({"interval": 0}, "BadLedgerConfig: interval is 0; interval lies between 1 and 1,000"),
        ({"interval": 1_001}, "BadLedgerConfig: interval is 1,001"),
        ({"stake_per_sample": 2**64}, r"StakePerSampleTooLarge: 18\.446744073709551616 ETH of stake a sample, at most"),
        ({"parameters": 2**20 + 1}, "BadConfig: parameters is 1,048,577"),
        ({"capacity": 257}, "BadConfig: capacity is 257"),
        ({"bound": 17_593.0}, "BadConfig: bound is 17,593,000,000,000"),
        ({"quorum": 0.5}, "BadLedgerConfig: quorum is 500,000"),
        ({"window": 65}, "BadTerms: field=window, value=65"),
        ({"penalty_cap": 1.01}, "BadTerms: field=penaltyCap, value=1,010,000"),
        ({"full_samples": 0}, "BadTerms: field=fullSamples, value=0"),
    ],
)
def test_what_a_configuration_refuses_the_contracts_refuse_too(node, wrong, message):
    with pytest.raises(InvalidInput, match=f"{next(iter(wrong))} is"):
        replace(CONFIG, **wrong)
    with pytest.raises(ContractError, match=message):
        deployment.deploy_contracts(node, unchecked(**wrong), node.accounts[4])


def test_the_largest_numbers_are_taken(node):
    seconds = dict.fromkeys(("commit_seconds", "reveal_seconds"), 2**31 - 1) | {"cool_down_seconds": 2**32 - 1}
    sizes = {"capacity": 256, "window": 64, "alpha": 10.0, "penalty_cap": 1.0, "penalty_rate": 4_294.0, "quorum": 1.0}
    money = {"bound": 2**44 / 1e9, "stake_per_sample": 2**64 - 1, "budget": 2**96 - 1, "interval": 1_000}
    deployment.deploy_contracts(node, replace(CONFIG, **seconds, **sizes, **money), node.accounts[4])


def test_a_pool_of_another_kind_takes_its_own_terms(node):
    config = replace(CONFIG, pool="AccuracyAdjusted", pool_terms=TERMS)
    pool = deployment.deploy_contracts(node, config, node.accounts[3])[0]["RewardPool"]
    assert tuple(pool.functions.terms().call()) == TERMS


TERMS = (10**18, 230, 4, 100_000, 50_000, 666_667, 3_600, bytes(32))


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"pool": "Nope"}, ToolMissing, 'no compiled contract "Nope"'),
        ({"pool": "IRewardPool"}, InvalidInput, "IRewardPool is an interface or abstract"),
        ({"pool": "AccuracyAdjusted"}, InvalidInput, "AccuracyAdjusted's constructor does not take"),
        (
            {"pool": "AccuracyAdjusted", "pool_terms": TERMS[:5]},
            InvalidInput,
            "AccuracyAdjusted's constructor does not",
        ),
        ({"pool_terms": TERMS}, InvalidInput, "RewardPool's constructor does not take"),
        ({"alpha": 11.0}, ContractError, "BadTerms: field=alpha, value=11,000,000"),
        ({"pool": "SquarePool", "alpha": 11.0}, ContractError, "BadTerms: field=alpha"),
        (
            {"pool": "AccuracyAdjusted", "pool_terms": (*TERMS[:5], 500_000, *TERMS[6:])},
            ContractError,
            "BadTerms: field=quorum, value=500,000",
        ),
    ],
)
def test_a_pool_that_cannot_be_is_refused_before_anything_is_paid_for(node, wrong, kind, message):
    sent = node.w3.eth.get_transaction_count(node.accounts[4])
    with pytest.raises(kind, match=message):
        deployment.deploy_contracts(node, replace(CONFIG, **wrong), node.accounts[4])
    assert node.w3.eth.get_transaction_count(node.accounts[4]) == sent


def test_a_publisher_is_known_however_it_is_spelled(node):
    contracts, _ = deployment.deploy_contracts(node, CONFIG, node.accounts[4].lower())
    assert contracts["Aggregator"].functions.publisher().call() == node.accounts[4]
    with pytest.raises(InvalidInput, match=r"publisher is 'Alice', no address: use one of chain\.accounts"):
        deployment.deploy_contracts(node, CONFIG, "Alice")


def test_a_federation_goes_on_after_a_restart_with_submissions_that_were_kept():
    config = FederationConfig(parameters=2, capacity=3, window=4)
    with Chain.start() as node:
        fed, clients = Federation.deploy(node, config), node.accounts[1:4]
        fed.register(clients, [5, 7, 11])
        fed.fund(2 * 10**18)
        fed.play_round({c: [1.0, k] for k, c in enumerate(clients)}, rng=np.random.default_rng(0))
        fed.open_round()
        fed.commit(fed.prepare({c: [k, 1.0] for k, c in enumerate(clients)}, rng=np.random.default_rng(1)))
        kept, pool, deadline = pickle.dumps((config, fed.submissions)), fed.pool.address, fed.round_state()["deadline"]
        node.wait_until(deadline)
        with connect(node.url) as later:
            config, submissions = pickle.loads(kept)
            again = Federation.at(later, config, pool)
            with pytest.raises(ContractError, match=r"WrongPhase|DeadlinePassed"):
                again.commit(submissions)
            assert again.submissions == submissions
            again.end_phase("Commit")
            again.reveal(submissions)
            again.aggregate()
            again.score()
            record = again.settle()
            assert record.samples == (5, 7, 11) and sum(record.rewards) > 0 and record.gas["reveal"]
            assert record == dataclasses.replace(fed.record(2), gas=record.gas, transactions=record.transactions)
            assert again.record(1) == dataclasses.replace(fed.record(1), gas={}, transactions={})
            again.withdraw(clients)
            assert fed.credits(clients) == [0, 0, 0]
            for wrong in (fed.aggregator.address, clients[0]):
                with pytest.raises(InvalidInput, match=f"no federation with RewardPool at {wrong}"):
                    Federation.at(later, config, wrong)
            with pytest.raises(InvalidInput, match="address is 'there', no address"):
                Federation.at(later, config, "there")
            with pytest.raises(InvalidInput, match="has other terms of a round: give the config it was deployed with"):
                Federation.at(later, dataclasses.replace(config, bound=7.0), pool)
