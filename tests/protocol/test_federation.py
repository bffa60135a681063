"""A federation on a real chain: equal to exact integers, paged under the cap, and clear about what it refuses."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas
import pytest
from contract_scores import alignment_fixed

from bcfl_support.chain.node import TX_GAS_CAP, Chain, connect
from bcfl_support.errors import (
    ContractError,
    FixedPointError,
    InvalidInput,
    InvalidUpdate,
    RecordError,
    ServiceError,
    TransactionFailed,
)
from bcfl_support.incentives import exact as incentives
from bcfl_support.protocol import fixed_point
from bcfl_support.protocol.commitments import compute_factors_hash
from bcfl_support.protocol.federation import Federation
from bcfl_support.protocol.rounds import FederationConfig

ETHER = 10**18
SAMPLES = [40, 7, 120, 63]  # unequal on purpose: permuting clients changes every result
CONFIG = FederationConfig(parameters=6, capacity=4, minimum=2, bound=5.0, interval=2, quorum=0.7, window=4)


@pytest.fixture(scope="module")
def node():
    with Chain.start() as chain:
        yield chain


@pytest.fixture(scope="module")
def _deployed(node):
    federation = Federation.deploy(node, CONFIG)
    federation.register(node.accounts[1:5], SAMPLES)
    federation.fund(20 * ETHER)
    return federation


@pytest.fixture
def fed(node, _deployed):
    """The same freshly registered federation for each test."""
    snapshot = node.snapshot()
    yield _deployed
    node.revert(snapshot)


@pytest.fixture
def clients(node):
    return node.accounts[1:5]


def updates_for(clients, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return {client: rng.normal(0.3, scale, CONFIG.parameters).clip(-5, 5) for client in clients}


def in_reveal(fed, clients, seed=0):
    """A round in which all have committed; returns the submissions."""
    fed.open_round()
    submissions = fed.prepare(updates_for(clients, seed), rng=np.random.default_rng(seed))
    fed.commit(submissions)
    fed.end_phase("Commit")
    return submissions


def test_who_takes_the_place_of_fewer_samples_stands_there_in_the_record(fed, node, clients):
    few, more = node.accounts[5:7]
    fed.register([few, more], [5, 6])
    places = [clients[0], few, clients[2], clients[3]]  # full, without the client of 7 samples
    fed.open_round()
    submissions = fed.prepare(updates_for([*places, more, clients[1]], 3), rng=np.random.default_rng(3))
    fed.commit(submissions[:4])
    instead = fed.aggregator.functions.commitInstead
    node.send(instead(1, submissions[4].commitment), sender=more)
    node.send(instead(1, submissions[5].commitment), sender=clients[1])
    with pytest.raises(ContractError, match="the fewest samples in the round are 7, you have 5; only more take that"):
        node.send(instead(1, submissions[1].commitment), sender=few)
    fed.end_phase("Commit")
    present = [submissions[0], *submissions[2:4], submissions[5]]
    fed.reveal(present)
    fed.aggregate()
    fed.score()
    assert fed.aggregator.functions.participants().call() == clients
    record = fed.settle()
    assert list(record.clients) == clients and record.penalties == (0, 0, 0, 0)
    assert record.samples == tuple(SAMPLES)


class TestAgainstExactIntegers:
    @pytest.mark.parametrize("seed", range(4))
    def test_average_and_scores_equal_exact_integers(self, fed, clients, seed):
        updates = updates_for(clients, seed)
        record = fed.play_round(updates, rng=np.random.default_rng(seed))
        values = np.array([fixed_point.encode(update) for update in updates.values()])
        average = fixed_point.fedavg_fixed(values, SAMPLES)
        scores = alignment_fixed(values, SAMPLES, average)
        assert list(record.global_update) == list(average)
        assert list(record.scores) == list(scores)
        assert record.norm_squared == sum(int(g) ** 2 for g in average)
        low, high = fixed_point.alignment_sum_bounds(average, len(SAMPLES))
        assert low <= sum(record.scores) - record.norm_squared <= high

    def test_six_rounds_with_absences_pay_what_the_exact_arithmetic_says(self, fed, clients):
        rng = np.random.default_rng(5)
        history = {client: [] for client in clients}
        pot, factors = 20 * ETHER, dict.fromkeys(clients, 10**6)
        stakes = {c: n * CONFIG.stake_per_sample for c, n in zip(clients, SAMPLES, strict=True)}
        attendance = [(0, 1, 2, 3), (0, 1, 2), (1, 2, 3), (0, 1, 2, 3), (0, 2), (0, 1, 2, 3)]
        alpha, cap, rate, burned = 500_000, 50_000, 100_000, 0
        for number, present in enumerate(attendance, start=1):
            here = [clients[i] for i in present]
            updates = {client: rng.normal(0.05, 1.0, CONFIG.parameters).clip(-5, 5) for client in here}
            record = fed.play_round(updates, rng=rng)
            for client in clients:
                history[client].append(client in here and record.scores[record.clients.index(client)] >= 0)
            consistency = [sum(history[client][-CONFIG.window :]) * 10**6 // CONFIG.window for client in here]
            weights = [
                incentives.compute_reward_weight(score, c, factors[client], alpha)
                for client, score, c in zip(here, record.scores, consistency, strict=True)
            ]
            rewards = incentives.compute_rewards(weights, CONFIG.budget, pot)
            penalties = [
                incentives.compute_penalty(stakes[client], score, record.norm_squared, rate=rate, cap=cap)
                for client, score in zip(here, record.scores, strict=True)
            ]
            assert record.number == number
            assert list(record.rewards) == rewards
            assert list(record.penalties) == penalties
            pot -= sum(rewards)
            burned += sum(penalties)
            for client, penalty in zip(here, penalties, strict=True):
                stakes[client] -= penalty
                assert fed.registry.functions.clientOf(client).call()[0] == stakes[client]
            if number == 2:
                factors = dict(zip(clients, (500_000, 1_250_000, 1_000_000, 1_500_000), strict=True))
                fed.attest(0, b"\7" * 32, factors, clients=clients[:3])
                fed.apply_factors(0, b"\7" * 32, factors)
        assert burned > 0, "no score was negative: the scenario tests no penalty"
        assert fed.pool.functions.pot().call() == pot

    def test_model_is_the_sum_of_the_averages(self, fed, clients):
        total = np.zeros(CONFIG.parameters, dtype=object)
        for seed in range(3):
            record = fed.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
            total = total + np.array(record.global_update, dtype=object)
        assert fed.aggregator.functions.model().call() == list(total)

    def test_a_federation_repeats_itself_to_the_last_hash(self):
        def play():
            with Chain.start() as chain:
                federation = Federation.deploy(chain, CONFIG)
                federation.register(chain.accounts[1:5], SAMPLES)
                return federation.play_round(updates_for(chain.accounts[1:5], 3), rng=np.random.default_rng(3))

        assert play() == play()


class TestManyClients:
    @pytest.mark.parametrize(("n", "parameters"), [(10, 650), (50, 31), (100, 31)])
    def test_every_phase_stays_under_the_transaction_cap(self, node, n, parameters):
        config = dataclasses.replace(CONFIG, parameters=parameters, capacity=n)
        federation = Federation.deploy(node, config)
        clients = node.accounts[1 : n + 1]
        federation.register(clients, [10 + i for i in range(n)])
        federation.fund(ETHER)
        rng = np.random.default_rng(n)
        record = federation.play_round({c: rng.normal(0, 0.1, parameters) for c in clients}, rng=rng)
        assert max(max(used) for used in record.gas.values()) <= TX_GAS_CAP
        assert len(record.clients) == n and sum(record.rewards) == pytest.approx(ETHER, abs=n)


class TestRefusals:
    def test_short_stake(self, fed, node):
        message = "InsufficientStake: sent 0.5 ETH, 1.2 ETH needed for 120 samples"
        with pytest.raises(ContractError, match=message) as caught:
            fed.register([node.accounts[9]], [120], stake=5 * 10**17)
        assert caught.value.values == {"sent": 5 * 10**17, "needed": 12 * 10**17, "samples": 120}

    def test_double_registration(self, fed, clients):
        with pytest.raises(ContractError, match=f"AlreadyRegistered: {clients[0]}"):
            fed.register([clients[0]], [40])

    def test_zero_samples(self, fed, node):
        with pytest.raises(ContractError, match="ZeroSamples: a client needs at least one sample"):
            fed.register([node.accounts[9]], [0])

    @pytest.mark.parametrize("wrong", [100.9, "100", True, np.nan, -1])
    def test_samples_that_are_no_count(self, fed, node, wrong):
        with pytest.raises(InvalidInput, match=r"samples is \[.*\]: samples are counted; choose it whole, in \[0, ∞\)"):
            fed.register([node.accounts[9]], [wrong])
        assert fed.registry.functions.clientOf(node.accounts[9]).call()[1] == 0

    def test_clients_and_counts_come_in_pairs(self, fed, node):
        with pytest.raises(InvalidInput, match="1 clients and 2 sample counts: give one count a client"):
            fed.register(node.accounts[5:6], [1, 2])
        with pytest.raises(InvalidInput, match="samples is 10: give a list, also of one"):
            fed.register(node.accounts[5:6], 10)
        for wrong in ([[1], [2]], np.array([[1], [2]])):
            with pytest.raises(InvalidInput, match=r"samples is .*; choose one row, whole"):
                fed.register(node.accounts[5:7], wrong)
        with pytest.raises(InvalidInput, match="clients is a set, which has no order"):
            fed.register({*node.accounts[5:7]}, [1, 2])

    def test_wei_that_are_no_count(self, fed, node):
        with pytest.raises(InvalidInput, match=r"amount is 1\.9: it is wei"):
            fed.fund(1.9)
        with pytest.raises(InvalidInput, match=r"stake is 5e\+17: it is wei"):
            fed.register([node.accounts[9]], [120], stake=5e17)

    def test_wrong_phase(self, fed, node, clients):
        with pytest.raises(ContractError, match="WrongPhase: the round is in phase"):
            node.send(fed.aggregator.functions.commit(1, b"\1" * 32), sender=clients[0])

    def test_late_reveal(self, fed, node, clients):
        submissions = in_reveal(fed, clients)
        node.advance_time(CONFIG.reveal_seconds + 1)
        with pytest.raises(ContractError, match=r"DeadlinePassed: the phase ended at time \d+, it is \d+"):
            fed.reveal(submissions[:1])

    def test_reveal_that_does_not_match(self, fed, clients):
        submission = in_reveal(fed, clients)[0]
        other = dataclasses.replace(submission, values=submission.values + 1)
        with pytest.raises(ContractError, match="CommitmentMismatch"):
            fed.reveal([other])

    def test_copied_commitment_opens_for_nobody_else(self, fed, clients):
        fed.open_round()
        [mine] = fed.prepare({clients[0]: np.ones(CONFIG.parameters)}, rng=np.random.default_rng(0))
        fed.commit([mine, dataclasses.replace(mine, client=clients[1])])
        fed.end_phase("Commit")
        fed.reveal([mine])
        with pytest.raises(ContractError, match="CommitmentMismatch"):
            fed.reveal([dataclasses.replace(mine, client=clients[1])])

    def test_replayed_update(self, fed, clients):
        update = {client: np.arange(6) * (k + 1) / 10 for k, client in enumerate(clients)}
        fed.play_round(update, rng=np.random.default_rng(0))
        fed.open_round()
        again = fed.prepare({clients[2]: update[clients[0]]}, rng=np.random.default_rng(1))
        other = fed.prepare({clients[1]: np.ones(6)}, rng=np.random.default_rng(1))
        fed.commit([*again, *other])
        fed.end_phase("Commit")
        with pytest.raises(
            ContractError,
            match=f"CopiedUpdate: the same update was revealed in this round, or since .* not void, by {clients[0]}",
        ):
            fed.reveal(again)

    def test_wrong_length_is_refused_here_and_by_the_contract(self, fed, node, clients):
        fed.open_round()
        with pytest.raises(InvalidUpdate, match=r"of shape \(5,\); send one flat vector of 6 parameters, as numbers"):
            fed.prepare({clients[0]: np.ones(5)}, rng=np.random.default_rng(0))
        submissions = fed.prepare(updates_for(clients, 0), rng=np.random.default_rng(0))
        fed.commit(submissions)
        fed.end_phase("Commit")
        with pytest.raises(ContractError, match="WrongLength: the update has 5 entries, the model has 6"):
            node.send(fed.aggregator.functions.reveal([1] * 5, submissions[0].salt), sender=clients[0])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 5.1, -5.1])
    def test_values_out_of_bounds(self, fed, clients, bad):
        fed.open_round()
        update = np.zeros(6)
        update[4] = bad
        with pytest.raises(FixedPointError) as caught:
            fed.prepare({clients[0]: update}, rng=np.random.default_rng(0))
        assert caught.value.index == 4

    def test_contract_checks_bounds_itself(self, fed, clients):
        fed.open_round()
        updates = {clients[0]: [0, 0, 0, -5_000_000_001, 0, 0], clients[1]: [10**9] * 6}
        submissions = fed.prepare(updates, rng=np.random.default_rng(0), scaled=True)
        fed.commit(submissions)
        fed.end_phase("Commit")
        with pytest.raises(ContractError, match="ValueOutOfBounds: entry 3 is -5000000001, the bound is ±5000000000"):
            fed.reveal(submissions[:1])

    def test_claims(self, fed, node, clients):
        record = fed.play_round(updates_for(clients, 1), rng=np.random.default_rng(1))
        winner = clients[int(np.argmax(record.rewards))]
        fed.withdraw([winner])
        for nobody in (winner, node.accounts[20]):
            with pytest.raises(ContractError, match=f"NothingToWithdraw: {nobody} has no credit"):
                fed.withdraw([nobody])

    def test_fund_with_nothing(self, fed):
        with pytest.raises(ContractError, match="NothingToFund"):
            fed.fund(0)

    def test_round_without_clients(self, fed):
        with pytest.raises(InvalidUpdate, match="a round needs at least one client"):
            fed.play_round({}, rng=np.random.default_rng(0))

    def test_factors_without_a_quorum(self, fed, clients):
        for seed in range(2):
            fed.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
        factors = dict.fromkeys(clients, 1_100_000)
        fed.attest(0, b"\1" * 32, factors, clients=clients[:2])
        with pytest.raises(ContractError, match="NoAgreement: 47 samples stand behind exactly this, 161 needed"):
            fed.apply_factors(0, b"\1" * 32, factors)
        with pytest.raises(ContractError, match="AlreadyAttested"):
            fed.attest(0, b"\2" * 32, factors, clients=clients[:1])
        with pytest.raises(ContractError, match=r"EpochNotOver: epoch 1 ends with round 4, the last closed round is 2"):
            fed.attest(1, b"\1" * 32, factors, clients=clients[3:])

    def test_an_epoch_of_void_rounds_is_not_attested_to(self, fed, clients):
        for seed, there in enumerate((clients[:1], clients[:1], clients)):  # round 3 is of the next epoch
            fed.play_round(updates_for(there, seed), rng=np.random.default_rng(seed))
        with pytest.raises(ContractError, match=r"NobodyPresent: epoch 0: none of its rounds was averaged"):
            fed.attest(0, b"\1" * 32, dict.fromkeys(clients, 1_100_000), clients=clients)
        assert fed.ledger.functions.epochOf(0).call()[1] == 0, "no clock was started"

    def test_a_vote_that_is_not_needed_any_more_is_no_failure(self, fed, clients):
        for seed in range(2):
            fed.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
        factors = dict.fromkeys(clients, 1_100_000)
        receipts = fed.attest(0, b"\1" * 32, factors, clients=clients)
        assert [receipt["status"] for receipt in receipts] == [1, 1, 1, 0], (
            "167 of 161 samples are with the first three"
        )
        assert [receipt["from"] for receipt in receipts] == clients
        with pytest.raises(ContractError, match="AlreadyAgreed: epoch 0 is agreed on already"):
            fed.attest(0, b"\1" * 32, factors, clients=clients[3:])
        fed.apply_factors(0, b"\1" * 32, factors)

    def test_a_vote_refused_for_another_reason_says_which(self, fed, clients):
        for seed in range(2):
            fed.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
        statement = (0, b"\1" * 32, dict.fromkeys(clients, 1_100_000))
        fed.attest(*statement, clients=clients[:1])
        with pytest.raises(ContractError, match=f"AlreadyAttested: {clients[0]} has attested to epoch 0 already"):
            fed.attest(*statement, clients=clients[:1])

    def test_node_killed_in_the_middle_of_a_round(self):
        with Chain.start() as chain:
            federation = Federation.deploy(chain, CONFIG)
            federation.register(chain.accounts[1:5], SAMPLES)
            submissions = in_reveal(federation, chain.accounts[1:5])
            chain._child.stop()
            with pytest.raises(ServiceError, match=r"start"):
                federation.reveal(submissions)


class TestLifeOfARound:
    def test_a_running_round_is_not_void(self, fed, clients):
        in_reveal(fed, clients)
        assert not fed.read_round(fed.round_number).void

    def test_missing_clients_do_not_hold_up_a_round(self, fed, clients):
        record = fed.play_round(updates_for(clients[:2], 4), rng=np.random.default_rng(4))
        assert record.clients == tuple(clients[:2]) and not record.void

    def test_a_round_may_be_larger_than_any_before(self, fed, clients):
        """Returning clients find the list of participants shorter than those before them in the batch leave it."""
        fed.play_round(updates_for(clients[:2], 6), rng=np.random.default_rng(6))
        record = fed.play_round(updates_for([*clients[2:], *clients[:2]], 7), rng=np.random.default_rng(7))
        assert record.clients == (*clients[2:], *clients[:2])

    def test_commitment_without_reveal_costs_the_cap_and_voids_nothing(self, fed, clients):
        submissions = in_reveal(fed, clients)
        fed.reveal(submissions[:3])
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        record = fed.settle()
        assert record.scores[3] is None and record.samples[3] == 0 and record.rewards[3] == 0
        assert record.penalties[3] == SAMPLES[3] * CONFIG.stake_per_sample // 20

    def test_round_below_its_minimum_is_void_and_costs_nobody(self, fed, clients):
        fed.open_round()
        fed.commit(fed.prepare(updates_for(clients[:1], 0), rng=np.random.default_rng(0)))
        fed.end_phase("Commit")
        record = fed.settle()
        assert record.void and sum(record.rewards) == sum(record.penalties) == 0

    def test_a_round_of_too_few_clients_is_played_as_a_void_one(self, fed, clients):
        record = fed.play_round(updates_for(clients[:1], 0), rng=np.random.default_rng(0))
        assert record.void and record.clients == (clients[0],) and record.samples == (0,)
        assert record.global_update == () and not {"reveal", "aggregate", "score"} & set(record.gas)
        assert sum(record.rewards) == sum(record.penalties) == 0
        assert not fed.play_round(updates_for(clients, 1), rng=np.random.default_rng(1)).void

    @pytest.mark.parametrize("parameters", [6, 2_049])
    def test_a_round_of_too_few_samples_is_played_as_a_void_one(self, node, parameters):
        config = dataclasses.replace(CONFIG, parameters=parameters, minimum_samples=100)
        federation, clients = Federation.deploy(node, config), node.accounts[1:5]
        federation.register(clients, SAMPLES)
        updates = {client: np.full(parameters, 1.0 + i) for i, client in enumerate(clients)}
        few = {client: updates[client] for client in clients[:2]}
        record = federation.play_round(few, rng=np.random.default_rng(0))
        assert record.void and record.samples == tuple(SAMPLES[:2]) and set(record.scores) == {0}
        assert "reveal" in record.gas and not {"aggregate", "score"} & set(record.gas)
        assert not federation.play_round(updates, rng=np.random.default_rng(1)).void

    def test_stopping_finishes_the_round_and_frees_the_pot(self, fed, node, clients):
        in_reveal(fed, clients)
        node.send(fed.aggregator.functions.stop(), sender=fed.publisher)
        fed.end_phase("Reveal")
        fed.settle()
        with pytest.raises(ContractError, match="FederationStopped"):
            fed.open_round()
        node.send(fed.pool.functions.reclaim(), sender=fed.publisher)
        assert fed.pool.functions.pot().call() == 0


class TestRecords:
    def test_reading_back(self, fed, clients):
        record = fed.play_round(updates_for(clients[:3], 2), rng=np.random.default_rng(2))
        assert fed.record(record.number) == record
        fed.withdraw(clients[:1])
        assert fed.record(record.number) == record, "what follows a round is not on its bill"
        fed.play_round(updates_for(clients, 3), rng=np.random.default_rng(3))
        assert fed.record(record.number) == record, "a later round changed what an earlier one looks like"

    def test_money_and_members_of_another_day_are_not_on_the_bill(self, fed, node, clients):
        submissions = in_reveal(fed, clients)
        fed.register([node.accounts[9]], [3])
        fed.fund(1)
        fed.reveal(submissions)
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        assert list(fed.settle().gas) == ["open", "commit", "advance", "reveal", "aggregate", "score", "settle"]

    def test_a_round_that_was_undone_is_no_record(self, fed, node, clients):
        before = node.snapshot()
        fed.play_round(updates_for(clients, 1), rng=np.random.default_rng(1))
        node.revert(before)
        for _ in range(2):
            with pytest.raises(RecordError, match="round 1 is not settled, or that was undone"):
                fed.record(1)
            for _ in range(12):
                node.send({"to": clients[0]}, sender=fed.publisher)
        again = fed.play_round(updates_for(clients, 2), rng=np.random.default_rng(2))
        assert [len(used) for used in again.gas.values()] == [1, 4, 1, 4, 1, 1, 1]

    def test_what_went_through_beside_a_refused_call_is_on_the_bill(self, fed, clients):
        fed.open_round()
        submissions = fed.prepare(updates_for(clients, 1), rng=np.random.default_rng(1))
        with pytest.raises(TransactionFailed, match=r"commit was mined in block .* and failed: AlreadyCommitted"):
            fed.commit([*submissions[:3], submissions[0], submissions[3]])
        fed.end_phase("Commit")
        with pytest.raises(TransactionFailed, match="reveal was mined"):
            fed.reveal([submissions[0], *submissions])
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        record = fed.settle()
        assert len(record.gas["commit"]) == len(record.gas["reveal"]) == 5
        assert record.clients == tuple(clients) and record.samples == tuple(SAMPLES)
        used = [fed.chain.w3.eth.get_transaction_receipt(each)["gasUsed"] for each in record.transactions["commit"]]
        assert tuple(used) == record.gas["commit"]

    @pytest.mark.parametrize("waits", [False, True])
    def test_a_step_that_was_undone_is_not_on_the_bill(self, fed, node, clients, waits):
        submissions = in_reveal(fed, clients)
        before = node.snapshot()
        fed.reveal(submissions)
        fed.end_phase("Reveal")
        fed.aggregate()
        node.revert(before)
        if waits:
            node.advance_time(60)
        fed.reveal(submissions[:3])
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        record = fed.settle()
        assert [len(record.gas[name]) for name in ("reveal", "aggregate", "score")] == [3, 1, 1]
        assert set(record.gas) == set(record.transactions)

    def test_round_that_was_not_settled(self, fed):
        with pytest.raises(RecordError, match="round 7 is not settled, or that was undone: settle it, or use read"):
            fed.record(7)

    def test_read_from_events_a_round_has_no_average_and_cannot_pass_for_a_whole_one(self, fed, clients):
        whole = fed.play_round(updates_for(clients, 2), rng=np.random.default_rng(2))
        found = fed.read_round(whole.number)
        assert found == dataclasses.replace(whole, global_update=None, gas={}, transactions={})
        with pytest.raises(RecordError, match=r"round 1 has no g here: settle it, and take what Federation\.record"):
            found.to_json()
        in_reveal(fed, clients, seed=3)
        assert fed.read_round(2).norm_squared is None, "there is no average yet"


class TestUnits:
    @pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, list])
    def test_a_number_means_its_value_whatever_its_type(self, fed, clients, kind):
        same = list if kind is list else lambda numbers: np.array(numbers, dtype=kind)
        mixed = {clients[0]: same([1, 0, 0, 0, 0, 2]), clients[1]: np.array([0.0, 2, 0, 0, 0, 2])}
        record = fed.play_round(mixed, rng=np.random.default_rng(0))
        values = [[10**9, 0, 0, 0, 0, 2 * 10**9], [0, 2 * 10**9, 0, 0, 0, 2 * 10**9]]
        assert list(record.global_update) == list(fixed_point.fedavg_fixed(values, SAMPLES[:2]))
        assert min(record.rewards) > 0

    def test_integers_at_the_contracts_scale_are_said_to_be_that(self, fed, clients):
        fed.open_round()
        [sent] = fed.prepare({clients[0]: [1, -2, 3, 0, 0, 0]}, rng=np.random.default_rng(0), scaled=True)
        assert sent.values.dtype == np.int64 and sent.values.tolist() == [1, -2, 3, 0, 0, 0]
        with pytest.raises(
            InvalidUpdate, match="send one flat vector of 6 parameters, as integers of int64, not float64"
        ):
            fed.prepare({clients[0]: np.ones(6)}, rng=np.random.default_rng(0), scaled=True)

    @pytest.mark.parametrize(
        "bad", [None, "123456", ["1"] * 6, [[1, 2], [3]], np.ones((1, 6)), [1j] * 6, [None] * 6, {}, [True] * 6, 3.0]
    )
    def test_what_is_no_vector_of_numbers_is_refused_by_the_clients_name(self, fed, clients, bad):
        wanted = rf"the update of {clients[1]} is .*(of shape \(.*; send one flat vector of 6|rows of one length)"
        with pytest.raises(InvalidUpdate, match=wanted):
            fed.play_round({clients[0]: np.ones(6), clients[1]: bad}, rng=np.random.default_rng(0))
        assert fed.round_state()["phase"] == "Idle"


class TestNothingIsLost:
    """What can be checked is checked before a round is open; whatever stops one later, it can be played to its end."""

    def test_who_may_take_part_is_asked_in_one_request(self, fed, clients, monkeypatch):
        provider, asked = fed.chain.w3.provider, []
        batch, single = provider.make_batch_request, provider.make_request
        monkeypatch.setattr(provider, "make_batch_request", lambda part: asked.append(len(part)) or batch(part))
        monkeypatch.setattr(provider, "make_request", lambda method, params: asked.append(1) or single(method, params))
        monkeypatch.setattr(fed, "open_round", lambda: asked.append("open") or 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fed.play_round(updates_for(clients, 0), rng=np.random.default_rng(0))
        assert asked.count(4) == 1 and asked[-1] == "open"

    def test_clients_that_cannot_take_part_open_no_round(self, fed, node, clients):
        stranger = node.accounts[9]
        with pytest.raises(ContractError, match=f"NotRegistered: {stranger}"):
            fed.play_round(updates_for([clients[0], stranger], 0), rng=np.random.default_rng(0))
        assert fed.round_state()["phase"] == "Idle"

    def test_copies_and_too_many_open_no_round(self, fed, node, clients):
        twice = {clients[0]: np.ones(6), clients[1]: np.arange(6), clients[2]: [1] * 6}
        with pytest.raises(InvalidUpdate, match=f"{clients[0]} and {clients[2]} sent the same update; leave out"):
            fed.play_round(twice, rng=np.random.default_rng(0))
        with pytest.raises(InvalidUpdate, match=r"5 updates were given; a round .* has room for 4: give as many"):
            fed.play_round(updates_for([*clients, node.accounts[9]], 0), rng=np.random.default_rng(0))
        assert fed.round_state()["phase"] == "Idle"

    def test_a_copy_of_the_last_round_opens_none(self, fed, clients):
        first = updates_for(clients[:3], 0)
        fed.play_round(first, rng=np.random.default_rng(0))
        fed.play_round(updates_for(clients[:1], 1), rng=np.random.default_rng(1))  # void: round 1 counts on
        again = {clients[0]: first[clients[0]], clients[3]: first[clients[0]]}
        advice = f"send work of your own, or leave {clients[3]} out"
        with pytest.raises(ContractError, match=f"CopiedUpdate: .* by {clients[0]}; {advice}") as why:
            fed.play_round(again | {clients[0]: first[clients[0]] / 2}, rng=np.random.default_rng(2))
        assert why.value.name == "CopiedUpdate"
        assert (fed.round_number, fed.round_state()["phase"]) == (2, "Idle")
        repeat = updates_for(clients[1:3], 3) | {clients[0]: first[clients[0]]}  # its own affair
        assert not fed.play_round(repeat, rng=np.random.default_rng(3)).void
        old = updates_for(clients[:2], 4) | {clients[3]: first[clients[1]]}  # two averaged rounds ago: no copier
        assert not fed.play_round(old, rng=np.random.default_rng(4)).void
        mine = updates_for(clients[2:3], 5) | {clients[1]: first[clients[1]]}  # the first to reveal it may repeat it
        assert not fed.play_round(mine, rng=np.random.default_rng(5)).void

    def test_a_round_that_an_interrupt_stopped_goes_on(self, fed, clients, monkeypatch):
        updates = updates_for(clients, 0)
        for _ in range(2):  # also in a later round
            with monkeypatch.context() as patch:
                patch.setattr(fed, "commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
                with pytest.raises(KeyboardInterrupt):
                    fed.play_round(updates, rng=np.random.default_rng(fed.round_number))
            fed.commit(fed.submissions)
            fed.end_phase("Commit")
            fed.reveal(fed.submissions)
            fed.end_phase("Reveal")
            fed.aggregate()
            fed.score()
            assert fed.settle().samples == tuple(SAMPLES)
            updates = updates_for(clients, 1)
        before = fed.submissions
        with pytest.raises(InvalidInput, match="submissions are empty: give what prepare has made"):
            fed.commit([])
        assert fed.submissions == before

    def finish(self, fed):
        fed.end_phase("Commit")
        fed.reveal(fed.submissions)
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        return fed.settle()

    @pytest.mark.parametrize("refused", ["a repeat", "one of an earlier round", "nothing", "one beside a stranger's"])
    def test_what_the_chain_has_stays_here_whatever_is_refused_after_it(self, fed, node, clients, refused):
        fed.play_round(updates_for(clients, 0), rng=np.random.default_rng(0))
        old = fed.submissions
        fed.open_round()
        fed.commit(mine := fed.prepare(updates_for(clients, 1), rng=np.random.default_rng(1)))
        again = fed.prepare(updates_for([*clients, node.accounts[9]], 1), rng=np.random.default_rng(2))
        given = {"a repeat": again[:4], "one of an earlier round": old, "nothing": [], "one beside a stranger's": again}
        with pytest.raises((ContractError, InvalidInput), match=r"RoundFull|WrongRound|empty"):
            fed.commit(given[refused])
        assert fed.submissions[:4] == mine and {s.client for s in fed.submissions[4:]} <= {node.accounts[9]}
        fed.submissions = fed.submissions[:4]
        assert self.finish(fed).samples == tuple(SAMPLES)

    def test_of_two_of_which_the_chain_may_have_either_both_are_kept_until_it_says(self, fed, clients, monkeypatch):
        fed.open_round()
        one, other = (fed.prepare(updates_for(clients, seed), rng=np.random.default_rng(seed)) for seed in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(fed.chain, "send_many", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                fed.commit(one)
        assert fed.submissions == one  # nobody knows whether they were sent
        fed.commit(other)
        assert fed.submissions == other
        assert self.finish(fed).samples == tuple(SAMPLES)

    def test_an_interrupt_after_sending_leaves_what_was_sent(self, fed, clients, monkeypatch):
        fed.open_round()
        one, other = (fed.prepare(updates_for(clients, seed), rng=np.random.default_rng(seed)) for seed in range(2))
        with monkeypatch.context() as patch:
            send = fed.chain.send_many

            def interrupted(*given, **options):
                send(*given, **options)
                raise KeyboardInterrupt

            patch.setattr(fed.chain, "send_many", interrupted)
            with pytest.raises(KeyboardInterrupt):
                fed.commit(one)
        with pytest.raises(ContractError, match="RoundFull"):
            fed.commit(other)
        assert fed.submissions == one
        with pytest.warns(UserWarning, match="was interrupted"):
            assert self.finish(fed).samples == tuple(SAMPLES)

    def test_nobody_commits_for_another_federation(self, node, fed, clients):
        other = Federation.deploy(node, dataclasses.replace(fed.config, capacity=4))
        other.register(clients[:2], [3, 5])
        other.open_round()
        fed.open_round()
        theirs = other.prepare(updates_for(clients[:2], 0), rng=np.random.default_rng(0))
        with pytest.raises(InvalidInput, match=f"prepared its update for the federation of {other.aggregator.address}"):
            fed.commit(theirs)
        other.commit(theirs[:1])
        other.commit(theirs[1:])
        assert other.submissions == theirs

    def test_an_interrupted_bill_says_so(self, fed, clients, monkeypatch):
        before = fed.chain.snapshot()
        with monkeypatch.context() as patch:
            mine = fed.chain.send_many

            def send(calls, **options):
                mine(calls, **options)
                raise KeyboardInterrupt

            patch.setattr(fed.chain, "send_many", send)
            with pytest.raises(KeyboardInterrupt):
                fed.open_round()
        submissions = fed.prepare(updates_for(clients, 0), rng=np.random.default_rng(0))
        fed.commit(submissions)
        fed.end_phase("Commit")
        fed.reveal(submissions)
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        with pytest.warns(UserWarning, match="round 1 was interrupted: its gas may lack a transaction"):
            assert "open" not in fed.settle().gas
        fed.chain.revert(before)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert "open" in fed.play_round(updates_for(clients, 0), rng=np.random.default_rng(0)).gas

    def test_tables_of_pandas_are_not_paired_by_place(self, fed, clients):
        named = pandas.Series(clients[:2], index=["a", "b"])
        with pytest.raises(InvalidInput, match="row 0 is 'a' in clients and 'b' in samples"):
            fed.register(named, pandas.Series([300, 100], index=["b", "a"]))
        with pytest.raises(InvalidInput, match="samples has rows with names of their own: its index is"):
            fed.register(clients[:2], pandas.Series([300, 100], index=["b", "a"]))
        ours, theirs = (pandas.Series([1.0, 0.5, 0.0], index=list(names)) for names in ("xyz", "yxz"))
        with pytest.raises(InvalidInput, match=r"row 0 is 'x' in the update of .* and 'y' in the update of"):
            fed.prepare({clients[0]: ours, clients[1]: theirs}, rng=np.random.default_rng(0))

    def test_a_round_that_a_refusal_stopped_goes_on(self, fed, clients, monkeypatch):
        first = updates_for(clients, 0)
        fed.play_round(first, rng=np.random.default_rng(0))
        again = updates_for(clients, 1) | {clients[3]: first[clients[0]]}
        with monkeypatch.context() as patch:
            patch.setattr("bcfl_support.protocol.inputs.refuse_copies", lambda *_: None)  # as if it came in between
            with pytest.raises(ContractError, match="CopiedUpdate"):
                fed.play_round(again, rng=np.random.default_rng(1))
        with pytest.raises(
            ContractError,
            match=r"round 2 is in phase Reveal; end it first.*commit\(fed.submissions\).*without submissions that were",
        ) as why:
            fed.play_round(updates_for(clients, 2), rng=np.random.default_rng(2))
        assert why.value.name == "WrongPhase"
        fed.reveal(fed.submissions[:3])
        fed.end_phase("Reveal")
        fed.aggregate()
        fed.score()
        record = fed.settle()
        assert record.samples == (*SAMPLES[:3], 0) and record.penalties[3] > 0 == record.penalties[0]

    def test_a_phase_that_no_clock_ends(self, fed):
        for wrong in ("commit", "Score"):
            with pytest.raises(ValueError, match=f"phase is '{wrong}'; use one of Commit, Reveal"):
                fed.end_phase(wrong)


@pytest.mark.parametrize("name", ["somebody", "", "0x12"])
def test_what_is_no_address_opens_no_round(fed, name):
    with pytest.raises(InvalidInput, match=f"client is '{name}', no address: use one of chain.accounts"):
        fed.play_round({name: np.ones(6)}, rng=np.random.default_rng(1))
    assert fed.round_state()["phase"] == "Idle"


def test_an_address_in_another_spelling_is_the_same_client(fed, clients):
    spelled = [clients[0].lower(), "0x" + clients[1][2:].upper(), *clients[2:]]
    assert list(fed.play_round(updates_for(spelled, 1), rng=np.random.default_rng(1)).clients) == clients
    assert [one.client for one in fed.prepare(updates_for(spelled, 2), rng=np.random.default_rng(2))] == clients


def test_equal_updates_are_refused_step_by_step_as_in_a_whole_round(fed, clients):
    fed.open_round()
    with pytest.raises(InvalidUpdate, match=f"{clients[0]} and {clients[1]} sent the same update; leave out"):
        fed.prepare({clients[0]: np.ones(6), clients[1]: [1] * 6}, rng=np.random.default_rng(0))


def test_who_prepares_again_after_committing_is_told_what_to_reveal(fed, clients):
    in_reveal(fed, clients)
    again = fed.prepare(updates_for(clients, 0), rng=np.random.default_rng(1))
    with pytest.raises(
        ContractError, match=r"CommitmentMismatch.*; reveal what commit was given, as each prepare draws"
    ):
        fed.reveal(again)


def test_steps_take_what_prepare_made(fed, clients):
    fed.open_round()
    for step in (fed.commit, fed.reveal):
        with pytest.raises(InvalidInput, match=r"a submission is .*; give what prepare has made"):
            step(updates_for(clients, 0))


def test_a_pot_that_cannot_pay_its_budget_says_so(node, clients, fed):
    poor = Federation.deploy(node, CONFIG)
    poor.register(clients, SAMPLES)
    with pytest.warns(UserWarning, match="round 1 paid 1000000000000000000 wei too little: the pot held no more"):
        assert sum(poor.play_round(updates_for(clients, 0), rng=np.random.default_rng(0)).rewards) == 0
    poor.fund(CONFIG.budget)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            sum(poor.play_round(updates_for(clients, 1), rng=np.random.default_rng(1)).rewards) > 0.99 * CONFIG.budget
        )
        poor.play_round(updates_for(clients[:1], 2), rng=np.random.default_rng(2))  # void: there is nothing to pay
        with pytest.raises(ContractError, match="NothingToSettle"):
            poor.settle()


def test_a_short_pot_is_told_of_each_time_and_where_it_was_asked(node, clients):
    poor = Federation.deploy(node, CONFIG)
    poor.register(clients, SAMPLES)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")  # as in a notebook: once for each line that is told
        for seed in range(2):
            poor.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
    assert [each.filename for each in told] == [__file__] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="round 3 paid"):
            poor.play_round(updates_for(clients, 2), rng=np.random.default_rng(2))
    assert poor.round_state()["phase"] == "Idle" and poor.record(3).number == 3


def test_nobody_attests(fed, clients):
    with pytest.raises(InvalidInput, match="nobody is to attest"):
        fed.attest(0, bytes(32), {clients[0]: 10**6}, clients=[])
    with pytest.raises(InvalidInput, match="is there twice"):
        fed.attest(0, bytes(32), {clients[0]: 10**6}, clients=[clients[1], clients[1].lower()])


def test_a_mask_would_be_lost(fed, clients):
    hidden = np.ma.array(np.ones(6), mask=[1, 0, 0, 0, 0, 0])
    with pytest.raises(InvalidUpdate, match="has a mask"):
        fed.prepare({clients[0]: hidden}, rng=np.random.default_rng(0))


def test_epochs_are_numbers():
    assert dataclasses.replace(CONFIG, interval=100).rounds_of(np.uint8(3))[0] == 301
    with pytest.raises(InvalidInput, match="epoch is -1"):
        CONFIG.rounds_of(-1)


def test_a_round_of_few_samples_has_a_smaller_budget(node, clients):
    thrifty = Federation.deploy(node, dataclasses.replace(CONFIG, full_samples=2 * sum(SAMPLES)))
    thrifty.register(clients, SAMPLES)
    thrifty.fund(CONFIG.budget // 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thrifty.play_round(updates_for(clients, 0), rng=np.random.default_rng(0))
    with pytest.warns(UserWarning, match=r"round 2 paid \d{18} wei too little"):
        thrifty.play_round(updates_for(clients, 1), rng=np.random.default_rng(1))


def test_applying_before_any_vote_asks_for_votes(fed, clients):
    fed.play_round(updates_for(clients, 0), rng=np.random.default_rng(0))
    with pytest.raises(
        ContractError, match=r"0 samples stand .*, as many as the first vote will tell are needed; have"
    ):
        fed.apply_factors(0, b"\1" * 32, dict.fromkeys(clients, 10**6))


def test_an_update_that_cannot_be_sent_opens_no_round(fed, clients):
    good = {client: np.ones(CONFIG.parameters) for client in clients}
    with pytest.raises(FixedPointError, match="nan"):
        fed.play_round(good | {clients[1]: np.full(CONFIG.parameters, np.nan)}, rng=np.random.default_rng(0))
    assert fed.round_state()["phase"] == "Idle"
    with pytest.raises(InvalidUpdate, match=r"every entry of the update of .* leave this client out"):
        fed.play_round(good | {clients[1]: np.full(CONFIG.parameters, 1e-10)}, rng=np.random.default_rng(0))
    assert fed.round_state()["phase"] == "Idle"


def test_a_round_begun_elsewhere_is_read_whole(fed, node, clients):
    fed.open_round()
    submissions = fed.prepare(updates_for(clients, 5), rng=np.random.default_rng(5))
    fed.commit(submissions)
    fed._bills.clear()  # as another program's round
    fed.end_phase("Commit")
    fed.reveal(submissions)
    fed.aggregate()
    fed.score()
    record = fed.settle()
    assert list(record.clients) == clients and sum(record.rewards) > 0


def test_scores_of_a_void_round_tell_who_revealed(node):
    few = Federation.deploy(node, dataclasses.replace(CONFIG, minimum_samples=10**6), publisher=node.accounts[9])
    few.register(node.accounts[1:4], SAMPLES[:3])
    record = few.play_round(updates_for(node.accounts[1:4], 6), rng=np.random.default_rng(6))
    assert record.void and record.scores == (0, 0, 0) and record.penalties == (0, 0, 0)


@pytest.mark.parametrize("rng", [7, None])
def test_what_draws_no_salts_opens_no_round(fed, clients, rng):
    with pytest.raises(InvalidInput, match=f"rng is {rng}; give a generator"):
        fed.play_round(updates_for(clients, 0), rng=rng)
    assert fed.round_state()["phase"] == "Idle"


def test_a_chain_whose_clock_nobody_moves_opens_no_round(fed, node, clients):
    with connect(node.url) as foreign:
        guest = Federation.deploy(foreign, CONFIG)
        guest.register(clients, SAMPLES)
        with pytest.raises(ServiceError, match="so we cannot move the clock"):
            guest.play_round(updates_for(clients, 0), rng=np.random.default_rng(0))
        assert guest.round_number == 0


def test_a_pool_that_settles_by_more_than_a_count_is_settled_by_hand(node, clients):
    terms = (ETHER, 1, 4, 100_000, 50_000, 666_667, 3_600, bytes(32))
    fed = Federation.deploy(node, dataclasses.replace(CONFIG, pool="AccuracyAdjusted", pool_terms=terms))
    fed.register(clients, SAMPLES)
    fed.fund(ETHER)
    with pytest.raises(InvalidInput, match=r"settle takes more than a count .* pool\.functions\.settle"):
        fed.play_round(updates_for(clients, 0), rng=np.random.default_rng(0))
    assert fed.round_number == 0
    fed.reveal(in_reveal(fed, clients))
    fed.aggregate()
    fed.score()
    with pytest.raises(InvalidInput, match="settle takes more than a count"):
        fed.settle()
    gains = [4] * len(clients)
    digest = node.w3.keccak(node.w3.codec.encode(["int32[]"], [gains]))
    node.send_many([(fed.pool.functions.attest(1, digest), client, 0) for client in clients[:3:2]])
    node.send(fed.pool.functions.settle(2**255, gains), sender=fed.publisher)
    record = fed.read_round(1)
    assert sum(record.rewards) > 0 and set(record.consistency) == {None}  # such a pool has none


@pytest.mark.parametrize("number", ["1", 1.5, -1, None])
def test_a_round_has_a_whole_number(fed, number):
    with pytest.raises(InvalidInput, match=r"round is .* choose it whole"):
        fed.read_round(number)


def test_credits_of_an_address_in_any_case(fed, clients):
    assert fed.credits([clients[0].lower()]) == fed.credits([clients[0]])
    with pytest.raises(InvalidInput, match="client is 'bob', no address"):
        fed.credits(["bob"])


STEPS = {
    "register": lambda fed, clients: fed.register(clients, SAMPLES),
    "fund": lambda fed, clients: fed.fund(ETHER),
    "withdraw": lambda fed, clients: fed.withdraw(clients),
    "credits": lambda fed, clients: fed.credits(clients),
    "model": lambda fed, clients: fed.model(),
    "round_state": lambda fed, clients: fed.round_state(),
    "read_round": lambda fed, clients: fed.read_round(1),
    "attest": lambda fed, clients: fed.attest(0, b"\1" * 32, dict.fromkeys(clients, 10**6), clients=clients),
    "apply_factors": lambda fed, clients: fed.apply_factors(0, b"\1" * 32, dict.fromkeys(clients, 10**6)),
    "play_round": lambda fed, clients: fed.play_round(updates_for(clients, 0), rng=np.random.default_rng(0)),
    "pool": lambda fed, clients: fed.pool.functions.reclaim(),
}


def test_a_federation_that_a_revert_has_undone_says_so_on_every_use(clients):
    with Chain.start() as chain:
        before = chain.snapshot()
        lost = Federation.deploy(chain, CONFIG)
        held = lost.pool
        chain.revert(before)
        before, money = chain.snapshot(), [chain.w3.eth.get_balance(each) for each in chain.accounts[:5]]
        for step in STEPS.values():
            with pytest.raises(InvalidInput, match="which a revert of the chain has undone: deploy another"):
                step(lost, clients)
        with pytest.raises(InvalidInput, match=f"there is no contract at {held.address}: .* deploy it again"):
            chain.send(held.functions.fund(), sender=clients[0], value=ETHER)
        assert [chain.w3.eth.get_balance(each) for each in chain.accounts[:5]] == money
        other = Federation.deploy(chain, dataclasses.replace(CONFIG, budget=7))  # at the same addresses
        assert other.pool.address == held.address
        with pytest.raises(InvalidInput, match="has undone"):
            lost.fund(ETHER)
        chain.revert(before)


def test_factors_that_the_ledger_would_never_apply_spend_no_epoch(fed, node, clients):
    for seed in range(2):
        fed.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
    good, record = dict.fromkeys(clients, 1_100_000), b"\1" * 32
    for factors in (dict.fromkeys(clients, 1), {}, {node.accounts[30]: 10**6}, {clients[0]: -1}, {clients[0]: 1.0}):
        with pytest.raises(InvalidInput, match="factor"):
            fed.attest(0, record, factors, clients=clients)
    lower = {client.lower(): factor for client, factor in good.items()}
    receipts = fed.attest(0, record, lower, clients=[client.lower() for client in clients])
    assert [receipt["status"] for receipt in receipts] == [1, 1, 1, 0]
    assert fed.apply_factors(0, record, lower)["status"] == 1
    assert fed.ledger.functions.factorOf(clients[0]).call() == 1_100_000


def test_money_and_clients_are_called_by_their_names(fed):
    for call, name in (
        (lambda: fed.register(["bob"], [1]), "client is 'bob'"),
        (lambda: fed.withdraw(["bob"]), "client is 'bob'"),
        (lambda: fed.attest(0, b"\1" * 32, {}, clients=["bob"]), "factors are empty"),
        (lambda: fed.fund(-1), "amount is -1"),
    ):
        with pytest.raises(InvalidInput, match=name):
            call()


def test_money_for_a_federation_that_is_stopped_stays_where_it_is(fed, node, clients):
    fed.open_round()
    node.send(fed.aggregator.functions.stop(), sender=fed.publisher)
    fed.fund(1)  # the round that runs may pay it
    fed.end_phase("Commit")
    fed.settle()
    before = node.w3.eth.get_balance(clients[0])
    with pytest.raises(InvalidInput, match="5 wei for a stopped federation: no round can pay them, keep them"):
        fed.fund(5, sender=clients[0])
    assert node.w3.eth.get_balance(clients[0]) == before


def test_equal_factors_in_another_order_agree(fed, node, clients):
    for seed in range(CONFIG.interval):
        fed.play_round(updates_for(clients, seed), rng=np.random.default_rng(seed))
    factors = {client: 10**6 + i for i, client in enumerate(clients)}
    other = dict(reversed(factors.items()))
    fed.attest(0, b"\1" * 32, factors, clients=clients[:2])
    fed.attest(0, b"\1" * 32, other, clients=clients[2:])
    for given in (factors, other):
        statement = (0, b"\1" * 32, compute_factors_hash(given))
        assert fed.ledger.functions.votesFor(*statement).call() > 2 / 3 * sum(SAMPLES)
    assert fed.apply_factors(0, b"\1" * 32, other)["status"] == 1


def test_a_round_that_another_settled_is_read_back_whole(fed, node, clients):
    submissions = in_reveal(fed, clients)
    fed.reveal(submissions)
    fed.end_phase("Reveal")
    fed.aggregate()
    fed.score()
    node.send(fed.pool.functions.settle(2 * CONFIG.capacity), sender=clients[0])
    with pytest.raises(ContractError, match=r"NothingToSettle: .*read it with Federation.record"):
        fed.settle()
    later = fed.play_round(updates_for(clients, 7), rng=np.random.default_rng(7))
    record = fed.record(1)
    assert record.rewards == fed.read_round(1).rewards and sum(record.rewards) > 0
    values = np.array([each.values for each in submissions])
    assert list(record.global_update) == list(fixed_point.fedavg_fixed(values, SAMPLES)) != list(later.global_update)
    assert "settle" not in record.gas and len(record.gas["commit"]) == 4
