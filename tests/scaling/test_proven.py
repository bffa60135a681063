"""Rung 6: seals and reveals, proofs in one transaction and in several, faults, money."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaling.cases import assert_solvent, draw_values
from scaling.proofs.cases import lie, toy

from bcfl_support.chain import TX_GAS_CAP
from bcfl_support.errors import ContractError, InvalidInput, TransactionFailed
from bcfl_support.scaling import gas_model, ladder, lanes, proofs
from bcfl_support.scaling.ladder import start_rung
from bcfl_support.scaling.proofs import rounds
from bcfl_support.scaling.rungs import DisputeTerms

SRS = toy(4)
VALUES, WEIGHTS = draw_values(3, 40)  # three chunks, the last one half full
STAKE, WINDOW = DisputeTerms().stake, DisputeTerms().window_seconds


def start(chain, n=3, parameters=40, setup=SRS):
    values, weights = draw_values(n, parameters)
    return start_rung(chain, 6, weights, parameters, setup=setup), values


@pytest.fixture
def rung(chain):
    """Three clients whose seals are closed."""
    made, values = start(chain)
    made.open()
    made.submit(values)
    return made


def make_honest(rung):
    statement = rung.state()
    rows = np.array([rung.rows[i] for i in rung.present()])
    return statement, proofs.prove_round(rung.setup, statement, rows)


def call(rung, statement, proof, **options):
    return rung.contract.functions.work(rung.round, rung.encode(statement, proof, **options))


def refuse(rung, statement, proof, reason, sender=None, **options):
    with pytest.raises(ContractError, match=reason):
        rung.chain.send(call(rung, statement, proof, **options), sender=sender or rung.worker)


def pass_time(rung, seconds):
    rung.chain.advance_time(seconds)


# ---------------------------------------------------------------- honest rounds
@pytest.mark.parametrize("mode", ["seals", "one batch", "each itself"])
def test_scores_are_those_of_the_other_rungs(chain, mode):
    rung, values = start(chain, 4, 70)
    assert [int(c, 16) for c in rung.clients] == sorted(int(c, 16) for c in rung.clients)
    for again in (values, values[::-1].copy()):
        rung.open()
        rung.submit(again)
        if mode == "one batch":
            rung.reveal(range(4))
        elif mode == "each itself":
            for client in (2, 0, 3, 1):
                rung.reveal([client], rung.clients[client])
        rung.work(again)
        bill, exact = rung.bill(), rung.expected(again)
        assert bill.scores == exact.scores == lanes.compute_round(again, rung.weights).scores
        assert bill.result_digest == rung.result_digest(exact)
        assert bill.transactions == 7 + {"seals": 0, "one batch": 1, "each itself": 4}[mode]
    assert_solvent(rung)


def test_who_withholds_is_out_of_the_round(rung):
    """Before the time to reveal is over a proof counts everybody, and no proof opens the third seal."""
    rung.reveal([0, 2])
    assert rung.present() == [0, 1, 2]
    two = rung.state([0, 2])
    made = proofs.prove_round(SRS, two, VALUES[[0, 2]])
    refuse(rung, two, made, "RungWrongLength: a length of 2, where 3 is needed")
    pass_time(rung, 3600 + 3600)
    assert rung.present() == [0, 2]
    with pytest.raises(ContractError, match=r"RungRevealsClosed: seals could be opened until time"):
        rung.reveal([1])
    rung.work()
    assert rung.scores() == rung.expected(VALUES, [0, 2]).scores
    assert rung.bill().result_digest == rung.result_digest(rung.expected(VALUES, [0, 2]))
    assert rung.scores()[1] == 0


def test_who_does_not_seal_is_out_of_the_round(chain):
    rung, values = start(chain)
    rung.open()
    rung.submit(values, [2, 0])
    with pytest.raises(ContractError, match="RungSubmissionsOpen"):
        rung.reveal([0])
    pass_time(rung, 3600)
    rung.work()
    assert rung.scores() == rung.expected(values, [0, 2]).scores


def test_a_round_that_nobody_reveals_may_be_given_up(rung):
    statement, proof = make_honest(rung)
    pass_time(rung, 7200)
    refuse(rung, statement, proof, "RungNobodySubmitted")
    pass_time(rung, rung.terms.work_seconds)
    rung.open()
    assert rung.round == 2 and rung.contract.functions.availableOf(rung.clients[0]).call() == STAKE


def test_a_proof_in_several_transactions(chain, monkeypatch):
    rung, values = start(chain, 5, 40)
    monkeypatch.setattr(gas_model, "split_points", lambda n, chunks: [2, 1, 2])
    bill = rung.play(values)
    assert bill.scores == rung.expected(values).scores and bill.transactions == 10
    rung.open()
    rung.submit(values)
    rung.reveal([1, 3])  # salts of the others
    rung.work()
    assert rung.scores() == rung.expected(values).scores


def test_steps_of_several_senders_do_not_meet(chain):
    rung, values = start(chain, 5, 40)
    rung.open()
    rung.submit(values)
    mine, other = rung.state(), replace(rung.state(), sender=rung.watcher)
    proof, theirs = (proofs.prove_round(SRS, each, values) for each in (mine, other))
    works, sums = rung.contract.events.Worked(), {}
    for name, statement, made in ((rung.worker, mine, proof), (rung.watcher, other, theirs)):
        receipt = chain.send(call(rung, statement, made, start=0, count=3), sender=name)
        sums[name] = works.process_receipt(receipt)[0]["args"]["sum"]
    for wrong in ({"sums": sums[rung.watcher]}, {"sums": bytes(128)}, {"sums": b""}):
        refuse(rung, mine, proof, "RungWrongState", start=3, **wrong)
    refuse(rung, mine, proof, "RungWrongState", start=2, sums=sums[rung.worker])
    refuse(rung, replace(mine, scores=(0, *mine.scores[1:])), proof, "RungWrongState", start=3, sums=sums[rung.worker])
    refuse(rung, mine, proof, "RungWrongState", sender=rung.watcher, start=3, sums=sums[rung.worker])
    rung._send("prove", [(call(rung, mine, proof, start=3, sums=sums[rung.worker]), rung.worker)])
    rung.finalize()
    assert rung.scores() == rung.expected(values).scores
    rung.open()
    rung.submit(values)
    refuse(rung, rung.state(), proof, "RungWrongState", start=3, sums=sums[rung.worker])


def test_points_of_a_later_step_are_compared(chain):
    rung, values = start(chain, 3, 40)
    rung.open()
    rung.submit(values)
    statement, proof = make_honest(rung)
    payload = rung.encode(statement, proof, 0, 2)
    swapped = payload.replace(statement.commitments[0][0], statement.commitments[1][0])
    with pytest.raises(ContractError, match="RungWrongData: the data of client 0 open to"):
        chain.send(rung.contract.functions.work(1, swapped), sender=rung.worker)


# ---------------------------------------------------------------- lies
CLAIMS = {
    "one more": lambda s: (s[0] + 1, *s[1:]),
    "swapped": lambda s: (s[1], s[0], *s[2:]),
    "nothing": lambda s: tuple(0 for _ in s),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_false_scores_are_refused(rung, name):
    true, honest = make_honest(rung)
    false = replace(true, scores=CLAIMS[name](true.scores))
    for made in (honest, lie(SRS, false, VALUES)):
        refuse(rung, false, made, "ProofFails")
        with pytest.raises(TransactionFailed, match="ProofFails"):
            rung.prove(false, made)
    rung.prove(true, lie(SRS, true, VALUES))


def test_wrong_weights_commitments_and_clients_are_refused(rung):
    true = rung.state()
    weights = [w + 1 for w in WEIGHTS]
    false = replace(true, weights=tuple(weights), scores=proofs.compute_scores(VALUES, weights))
    refuse(rung, false, lie(SRS, false, VALUES), "ProofFails")
    stale = replace(true, commitments=(proofs.commit(SRS, draw_values(3, 40, 9)[0][0]), *true.commitments[1:]))
    refuse(rung, stale, lie(SRS, stale, VALUES), "RungWrongSeal: what client 0 opens is")
    names = ("clients", "weights", "scores", "commitments")
    for keep in ([0, 2], [0, 1, 1, 2], [0, 1, 1]):
        listed = replace(true, **{name: tuple(getattr(true, name)[i] for i in keep) for name in names})
        listed = replace(listed, scores=tuple(int(s) for s in listed.scores))
        made = rounds.build_proof(SRS, listed, VALUES[keep], rounds.Coefficients)
        refuse(rung, listed, made, "RungWrongLength|RungWrongSeal")


def test_a_proof_is_worth_nothing_elsewhere(rung):
    true, honest = make_honest(rung)
    refuse(rung, true, honest, "ProofFails", sender=rung.watcher)
    for name, value in (("chain_id", 1), ("contract", rung.worker), ("round", 2), ("parameters", 41)):
        refuse(rung, true, lie(SRS, replace(true, **{name: value}), VALUES), "ProofFails")
    rung.prove(true, honest)
    rung.finalize()
    rung.open()
    rung.submit(VALUES)
    refuse(rung, rung.state(), honest, "ProofFails")
    with pytest.raises(ContractError, match="RungWrongRound"):
        rung.chain.send(rung.contract.functions.work(1, rung.encode(true, honest)), sender=rung.worker)


def test_what_comes_late_or_again_is_refused_cheaply(rung):
    """Before the proof's gas is burned: the whole transaction costs little more than its bytes."""
    true, honest = make_honest(rung)
    sent = call(rung, true, honest)
    rung.prove(true, honest)
    receipt = rung.chain.send(sent, sender=rung.worker, gas=TX_GAS_CAP, check=False)
    floor = 21_000 + 40 * len(rung.encode(true, honest))
    assert receipt["status"] == 0 and receipt["gasUsed"] <= floor + 15_000
    with pytest.raises(ContractError, match="RungWrongPhase: the round is in phase Proposed"):
        rung.chain.send(sent, sender=rung.worker)


def test_a_seal_is_of_one_client_and_one_round(chain):
    rung, values = start(chain)
    rung.open()
    seal = rung.seal(0, values[0])
    rung.submit(values, [2])
    for client in (0, 1):  # the second copies the first's
        chain.send(rung.contract.functions.submit(1, seal), sender=rung.clients[client])
    rung.seal(1, values[0])
    rung.salts[1] = rung.salts[0]
    statement = rung.state()
    proof = proofs.prove_round(SRS, statement, values[[0, 0, 2]])
    refuse(rung, statement, proof, "RungWrongSeal: what client 1 opens is")
    with pytest.raises(ContractError, match="RungWrongSeal: what client 1 opens is"):
        rung.reveal([1])
    rung.reveal([0, 2])
    rung.reveal([2, 0])  # again: nothing happens, or whoever reveals one first would undo a transaction for all
    pass_time(rung, 7200 + rung.terms.work_seconds)
    rung.open()
    chain.send(rung.contract.functions.submit(2, seal), sender=rung.clients[0])  # last round's
    rung.submit(values, [1, 2])
    rung.rows[0], rung.points[0] = values[0], proofs.commit(SRS, values[0])
    rung.salts[0] = bytes(32)
    with pytest.raises(ContractError, match="RungWrongSeal: what client 0 opens is"):
        rung.reveal([0])


def test_other_addresses_are_refused(rung):
    true, honest = make_honest(rung)
    rung.clients[0], rung.clients[1] = rung.clients[1], rung.clients[0]
    swapped = replace(true, clients=tuple(rung.clients))
    refuse(rung, swapped, honest, "RungWrongClients")


def test_a_seal_opened_meanwhile_undoes_no_proof(rung):
    true, honest = make_honest(rung)
    opened = rung.encode(true, honest)
    rung.reveal([1])
    rung.salts.pop(1)
    receipt = rung.chain.send(rung.contract.functions.work(1, opened), sender=rung.worker)
    assert receipt["status"] == 1 and rung.phase == "Proposed"


def test_salts_that_are_missing_or_too_many_are_refused(rung):
    true, honest = make_honest(rung)
    salts, rung.salts = rung.salts, dict.fromkeys(range(3), bytes(32))
    refuse(rung, true, honest, "RungWrongSeal: what client 0 opens is")
    rung.salts = salts
    rung.reveal([0, 1, 2])
    rung.prove(true, honest)  # without any


def test_damaged_steps_are_refused(rung):
    """Whatever bytes come: refused, at what the proof costs at most."""
    true, honest = make_honest(rung)
    whole, rng = rung.encode(true, honest), np.random.default_rng(5)
    used = rung.chain.estimate(call(rung, true, honest), sender=rung.worker)
    for k in range(40):
        raw = bytearray(whole)
        if k % 3 == 0:
            raw = raw[: rng.integers(len(raw))]
        else:
            raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
        sent = rung.contract.functions.work(1, bytes(raw))
        receipt = rung.chain.send(sent, sender=rung.worker, gas=TX_GAS_CAP, check=False)
        assert receipt["status"] == 0
        assert receipt["gasUsed"] <= used + 200_000


# ---------------------------------------------------------------- faults
def seal_bad(chain, bad, parameters=40, position=7, client=1):
    """Three clients, of whom one commits to what no update may hold."""
    rung, values = start(chain, 3, parameters)
    rows = [np.zeros(48, dtype=np.int64) for _ in range(3)]
    for row, value in zip(rows, values, strict=True):
        row[:parameters] = value
    rows[client][position] = bad
    rung.open()
    for i, row in enumerate(rows):
        seal = rung.contract.functions.submit(rung.round, rung.seal(i, row))
        chain.send(seal, sender=rung.clients[i])
    return rung, np.array(rows)


def prove_bad(rung, rows):
    """A proof that holds, of what no update may be."""
    exact = rows.astype(object)
    total = np.array(rung.weights, dtype=object) @ exact
    scores = tuple(int(w * (row @ total)) for w, row in zip(rung.weights, exact, strict=True))
    statement = replace(rung_statement(rung, rows), scores=scores)
    made = rounds.build_proof(SRS, statement, rows, rounds.Coefficients)
    rung.prove(statement, made)


def rung_statement(rung, rows):
    small = np.zeros((len(rows), rung.parameters), dtype=np.int8)
    points = [rung.points[i] for i in range(len(rows))]
    here = {"chain_id": rung.chain.w3.eth.chain_id, "contract": rung.contract.address, "round": rung.round}
    whose = {"sender": rung.worker, "commitments": points}
    return proofs.state_round(SRS, small, rung.weights, rung.clients, **here, **whose)


@pytest.mark.parametrize(("bad", "position"), [(128, 7), (-129, 0), (10**9, 39), (1, 40), (-1, 47)])
def test_a_fault_takes_the_proof_and_half_a_stake(chain, bad, position):
    rung, rows = seal_bad(chain, bad, position=position)
    prove_bad(rung, rows)
    assert rung.phase == "Proposed"
    with pytest.raises(ContractError, match="RungWindowOpen: faults in the last proof may be shown until time"):
        chain.send(rung.contract.functions.finalize(1), sender=rung.worker)
    rung.prove_fault(1)
    assert rung.phase == "Open" and rung.present() == [0, 2]
    assert (rung.get_deposit(rung.clients[1]), rung.get_deposit(rung.watcher)) == (0, STAKE // 2)
    assert rung.contract.functions.burned().call() == STAKE // 2
    with pytest.raises(ContractError, match="RungNotInRound: client 1"):
        rung.prove_fault(1)
    with pytest.raises(ContractError, match="RungWrongPhase"):
        chain.send(rung.contract.functions.finalize(1), sender=rung.worker)
    for i in (0, 2):
        rung.rows[i] = rows[i][:40].astype(np.int8)
    rung.work()
    assert rung.scores() == rung.expected(rows[:, :40].clip(-128, 127).astype(np.int8), [0, 2]).scores
    assert_solvent(rung)


def test_a_fault_before_any_proof(chain):
    rung, _ = seal_bad(chain, 200)
    before = rung.contract.functions.currentRound().call()[3]
    rung.prove_fault(1)
    assert rung.phase == "Open" and rung.present() == [0, 2]
    assert rung.contract.functions.currentRound().call()[3] >= before
    with pytest.raises(ContractError, match="RungNotInRound: client 1"):
        rung.prove_fault(1)
    assert_solvent(rung)


def test_who_revealed_is_proven_at_fault_as_well(chain):
    rung, _ = seal_bad(chain, 200)
    rung.reveal([0, 1, 2])
    rung.salts[1] = bytes(32)  # not needed any more
    rung.prove_fault(1)
    assert rung.present() == [0, 2]


def test_a_fault_after_the_time_to_reveal(chain):
    """The proof opened all seals, nobody had to reveal: the time to do so begins anew."""
    rung, rows = seal_bad(chain, 128)
    prove_bad(rung, rows)
    pass_time(rung, 3 * 3600)
    rung.prove_fault(1)
    assert rung.present() == [0, 2]
    rung.reveal([2])
    pass_time(rung, 3600)
    assert rung.present() == [2]


def test_a_fault_in_front_of_a_proof_leaves_the_others_time_to_reveal(chain):
    """It is undone in the last minute; whom it counted is in for another hour, and then who revealed."""
    rung, rows = seal_bad(chain, 128)
    pass_time(rung, 2 * 3600 - 60)
    rung.prove_fault(1)
    with pytest.raises(TransactionFailed, match="RungWrongLength: a length of 3, where 2 is needed"):
        prove_bad(rung, rows)
    pass_time(rung, 1800)
    assert rung.present() == [0, 2]
    rung.reveal([0, 1, 2])  # client 1 is out, and undoes nothing
    assert rung.contract.functions.revealed().call() == 0b101
    pass_time(rung, 1800)
    for i in (0, 2):
        rung.rows[i] = rows[i][:40].astype(np.int8)
    rung.work()
    assert rung.scores() == rung.expected(rows[:, :40].clip(-128, 127).astype(np.int8), [0, 2]).scores
    assert_solvent(rung)


def test_whom_a_standing_proof_counts(rung):
    """Nobody has revealed when the time to do so is over: the proof opened all seals before."""
    statement, proof = make_honest(rung)
    rung.prove(statement, proof)
    pass_time(rung, 2 * 3600)
    assert rung.phase == "Proposed" and rung.present() == [0, 1, 2]
    rung.finalize()
    assert rung.phase == "Idle" and rung.present() == [0, 1, 2]
    rung.open()
    assert rung.present() == []


def test_a_proof_that_did_not_count_the_client_stands(chain):
    rung, rows = seal_bad(chain, 128)
    rung.reveal([0, 2])
    pass_time(rung, 7200)
    for i in (0, 2):
        rung.rows[i] = rows[i][:40].astype(np.int8)
    statement, proof = make_honest(rung)
    rung.prove(statement, proof)
    rung.prove_fault(1)
    assert rung.phase == "Proposed" and rung.get_deposit(rung.clients[1]) == 0
    rung.finalize()
    assert rung.scores()[1] == 0 and rung.scores()[0] != 0


def test_who_breaks_no_rule_keeps_its_stake(rung):
    with pytest.raises(InvalidInput, match="client 0 has no fault"):
        rung.prove_fault(0)
    lowest = int(VALUES[0].argmin())
    for position, value in ((0, VALUES[0, 0]), (lowest, VALUES[0, lowest]), (40, 0), (47, 0)):
        with pytest.raises(ContractError, match=f"RungNoFault: entry {position} is {value}[ ,:;]"):
            rung.prove_fault(0, position)
        assert value == proofs.open_entry(SRS, VALUES[0], position).entry
    opening, points = proofs.open_entry(SRS, VALUES[0], 3), b"".join(rung.points[0])
    fault = rung.contract.functions.proveFault
    cases = {
        "ProofFails": (1, 0, rung.salts[0], points, 3, 128, opening.proof),
        "RungNoEntry": (1, 0, rung.salts[0], points, 48, 128, opening.proof),
        "RungWrongSeal: what client 1": (1, 1, rung.salts[1], points, 3, 128, opening.proof),
        "RungWrongSeal: what client 0": (1, 0, rung.salts[1], points, 3, 128, opening.proof),
        "RungWrongLength": (1, 0, rung.salts[0], points[:-96], 3, 128, opening.proof),
        "ProofBadLength": (1, 0, rung.salts[0], points, 3, 128, opening.proof[:-1]),
        "RungNotInRound: client 300": (1, 300, rung.salts[0], points, 3, 128, opening.proof),
        "RungWrongRound": (2, 0, rung.salts[0], points, 3, 128, opening.proof),
        "ProofBadScalar": (1, 0, rung.salts[0], points, 40, rounds.R, opening.proof),
    }
    for reason, arguments in cases.items():
        with pytest.raises(ContractError, match=reason):
            rung.chain.send(fault(*arguments), sender=rung.watcher)
    rung.work()
    with pytest.raises(ContractError, match="RungWrongPhase"):
        rung.chain.send(fault(1, 0, rung.salts[0], points, 3, 128, opening.proof), sender=rung.watcher)


# ---------------------------------------------------------------- stakes
def test_a_stake_is_tied_up_until_the_round_is_over(chain):
    rung, values = start(chain)
    out = rung.contract.functions.withdraw
    chain.send(out(STAKE), sender=rung.clients[0])
    rung.open()
    with pytest.raises(ContractError, match=r"RungShortDeposit: .* has 0 ETH free, 0\.5 ETH needed"):
        chain.send(rung.contract.functions.submit(1, bytes(32)), sender=rung.clients[0])
    rung.deposit(rung.clients[0], STAKE)
    rung.submit(values)
    statement, proof = make_honest(rung)
    for _ in range(2):
        with pytest.raises(ContractError, match="RungShortDeposit"):
            chain.send(out(1), sender=rung.clients[0])
        if rung.phase == "Open":
            rung.prove(statement, proof)
    rung.finalize()
    chain.send(out(STAKE), sender=rung.clients[0])
    assert_solvent(rung)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"stake": 0}, "RungBadConfig: stake: 0,"),
        ({"window_seconds": 0}, "RungBadConfig: windowSeconds: 0,"),
        ({"reveal_seconds": 0}, "RungBadConfig: revealSeconds: 0,"),
        ({"work_seconds": 7_199}, "RungBadConfig: workSeconds: 7,199,"),
    ],
)
def test_terms_that_are_refused(chain, monkeypatch, terms, message):
    kind = ladder.RUNGS[6]
    monkeypatch.setattr(kind, "terms", replace(kind.terms, **terms))
    with pytest.raises(ContractError, match=message):
        start(chain)


def test_clients_are_in_order_and_not_too_many(chain, monkeypatch):
    kind = ladder.RUNGS[6]
    monkeypatch.setattr(kind, "_order", lambda self, accounts: sorted(accounts, key=lambda a: -int(a, 16)))
    with pytest.raises(ContractError, match="RungBadConfig: order of client: 1,"):
        start(chain)
    assert ladder.largest_clients(6, 100) == 116
    most = next(P for P in range(4096, 10**7, 4096) if not ladder.largest_clients(6, P))
    assert most > 3_500_000
    monkeypatch.undo()
    with pytest.raises(InvalidInput, match="rung 6 takes at most 0"):
        start_rung(chain, 6, [1], most)


# ---------------------------------------------------------------- what it costs
def test_gas_of_a_hundred_thousand_parameters(chain):
    values, weights = draw_values(10, 100_000)
    rung = start_rung(chain, 6, weights, 100_000)
    for most in (3_300_000, 3_100_000):
        bill = rung.play(values)
        assert bill.scores == rung.expected(values).scores
        assert bill.total_gas <= most and bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT
    assert ladder.predict(6, 10, 100_000).gas["prove"] == pytest.approx(bill.gas["prove"], rel=0.03)


def test_gas_of_a_million_in_one_chunk(chain):
    values, weights = draw_values(10, 1_000_000)
    rung = start_rung(chain, 6, weights, 1_000_000, setup=proofs.toy_setup(20, 5))
    for most in (1_200_000, 1_050_000):
        bill = rung.play(values)
        assert bill.scores == rung.expected(values).scores and bill.total_gas <= most


@pytest.mark.parametrize(("n", "parameters"), [(1, 10), (3, 5_000), (20, 300), (40, 20_000)])
def test_predictions_are_within_three_percent(chain, n, parameters):
    values, weights = draw_values(n, parameters)
    bill, predicted = start_rung(chain, 6, weights, parameters).play(values), ladder.predict(6, n, parameters)
    assert set(bill.gas) == set(predicted.gas)
    for operation, gas in predicted.gas.items():
        assert gas == pytest.approx(bill.gas[operation], rel=0.03), operation
    assert predicted.transactions == bill.transactions
    assert bill.max_calldata_bytes <= predicted.max_calldata_bytes <= bill.max_calldata_bytes + 300


def test_many_clients_split_under_the_cap(chain):
    """100 clients of 25 points each: 2,500 points, in transactions that fit."""
    values, weights = draw_values(100, 24 * 16 + 5)
    bill = start_rung(chain, 6, weights, values.shape[1], setup=SRS).play(values)
    counts = gas_model.split_points(100, 25)
    assert len(counts) == bill.transactions - 102 == 3
    assert bill.max_tx_gas <= TX_GAS_CAP and bill.max_calldata_bytes <= lanes.CALLDATA_LIMIT - lanes.ENVELOPE
    assert bill.scores == lanes.compute_round(values, weights).scores
