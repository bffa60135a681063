"""Fairness records checked: recompute what was published, say which entries differ and who lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from bcfl_support.checks import check_whole
from bcfl_support.errors import RecordError
from bcfl_support.fairness.record import FairnessRecord, derive_record
from bcfl_support.fairness.task import PublishedRound, Task, compare_round, get_round
from bcfl_support.incentives import PPM, compute_reward_weight, compute_rewards
from bcfl_support.ipfs import IpfsNode, cid_digest, digest_to_cid
from bcfl_support.ipfs.records import SAFE_INTEGER
from bcfl_support.protocol import Federation, compute_factors_hash


@dataclass(frozen=True)
class AuditReport:
    """What an audit of one epoch found.

    Attributes:
        agreed: the record the ledger agreed on.
        recomputed: the record that its rounds give, without those that cannot be read or are not the chain's.
        false_attesters: clients that attested to another record, or to other factors, than the rounds give; if the
            agreed record names rounds that are not the epoch's, those that attested to it.
        overpaid: client → wei it got too much since the factors were applied, by the factors of `recomputed`; negative
            if it got too little. A few wei are roundings. Only a `RewardPool`'s pay can be compared: with another pool
            it stays zero.
        problems: what is wrong, one sentence each.
    """

    agreed: FairnessRecord
    recomputed: FairnessRecord
    false_attesters: tuple[str, ...]
    overpaid: Mapping[str, int]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the agreed record is true, and what was paid by it, if anything yet, is what it says.

        A false attester whom nobody followed does no harm.
        """
        return not self.problems


def audit(fed: Federation, store: IpfsNode, epoch: int, task: Task) -> AuditReport:
    """Fetch an epoch's agreed record by the digest on chain, verify its inputs, compute it again, compare with the pay.

    Args:
        fed: the federation.
        store: any node that has the blocks; it need not be trusted.
        epoch: an epoch on which the ledger agreed.
        task: what was agreed on before the first round.

    Returns:
        The report. A forged record, or a round in it that is none, is a problem in it, not an exception.

    Raises:
        RecordError: an epoch that is none, or on which there is no agreement; what was agreed on is no record, and the
            message has those who attested to it; or a value lies within `record.MARGIN` of a rounding boundary.
        ContentMissing, ContentCorrupted: a block is not there, or is not what its CID says. That is the node's doing
            as well as it may be the attesters': ask another node.
    """
    epoch = check_whole("epoch", epoch, 0, SAFE_INTEGER, error=RecordError)
    digest = fed.ledger.functions.epochOf(epoch).call()[0]
    if not any(digest):
        raise RecordError(f"the ledger has agreed on no record for epoch {epoch}: wait for a quorum")
    cid = digest_to_cid(digest)
    try:
        agreed = FairnessRecord.from_bytes(store.cat(cid))
    except RecordError as error:
        names = ", ".join(_find_false_attesters(fed, epoch, cid, None))
        raise RecordError(f"{names} attested for epoch {epoch} to what is no record, {cid}: {error}") from error
    true: list[str] = []
    rounds: list[PublishedRound] = []
    unlike_chain: list[str] = []
    for published in agreed.rounds:
        try:
            wrong = compare_round(fed, past := get_round(store, published), published)
        except RecordError as error:
            wrong = (f"the record names {published}, which nobody can read as a round: {error}",)
        unlike_chain += wrong
        if not wrong:
            true.append(published)
            rounds.append(past)
    numbers = [past.record.number for past in rounds]
    if numbers != (due := fed.config.rounds_of(epoch)):
        unlike_chain.append(f"the record covers rounds {numbers}, epoch {epoch} has {due}")
    recomputed, problems = derive_record(rounds, true, task, epoch), list(unlike_chain)
    for entry in fields(agreed):
        said, found = getattr(agreed, entry.name), getattr(recomputed, entry.name)
        if isinstance(said, Mapping):
            differ = [f"{c} {said.get(c)} for {found.get(c)}" for c in {**said, **found} if said.get(c) != found.get(c)]
            problems += [f"{entry.name}: {difference}" for difference in differ]
        elif said != found:
            problems.append(f"{entry.name}: {said!r} for {found!r}")
    votes = fed.ledger.functions.votesFor(epoch, digest, compute_factors_hash(agreed.factors)).call()
    if votes < fed.ledger.functions.epochOf(epoch).call()[3]:
        problems.append("the factors agreed on are not those of the record")
    false_attesters = _find_false_attesters(fed, epoch, cid, None if unlike_chain else recomputed)
    applied, overpaid = _compare_pay(fed, recomputed)
    if applied is not None and applied != recomputed.factors:
        problems.append("the factors applied on chain are not those that the rounds give")
    return AuditReport(agreed, recomputed, false_attesters, overpaid, tuple(problems))


def _find_false_attesters(fed: Federation, epoch: int, agreed: str, truth: FairnessRecord | None) -> tuple[str, ...]:
    """Who attested to something untrue.

    Where the truth is known, whoever said anything else lied. What was agreed on may name rounds that never took place,
    or be no record: the truth is then None, whoever attested to that lied, and what the others said cannot be judged.
    """
    logs = [e["args"] for e in fed.chain.events(fed.ledger.events.Attested) if e["args"]["epoch"] == epoch]
    if truth is None:
        return tuple(log["client"] for log in logs if log["record"] == cid_digest(agreed))
    honest = (cid_digest(truth.cid), compute_factors_hash(truth.factors))
    return tuple(log["client"] for log in logs if (log["record"], log["factorsHash"]) != honest)


def _compare_pay(fed: Federation, truth: FairnessRecord) -> tuple[dict[str, int] | None, dict[str, int]]:
    """The factors applied for the epoch, None if none were; and what each client got too much by them."""
    written = fed.chain.events(fed.ledger.events.FactorsApplied)
    place = next((k for k, log in enumerate(written) if log["args"]["epoch"] == truth.epoch), None)
    if place is None:
        return None, {}
    since = _position(written[place])
    until = _position(written[place + 1]) if place + 1 < len(written) else (2**64, 0)
    paid: dict[int, dict[str, int]] = {}
    for log in fed.chain.events(fed.pool.events.Rewarded) if fed.config.pool == "RewardPool" else ():
        if since < _position(log) < until:
            paid.setdefault(log["args"]["round"], {})[log["args"]["client"]] = log["args"]["amount"]
    overpaid, factor_of = dict.fromkeys(truth.factors, 0), truth.factors.get
    alpha = round(fed.config.alpha * PPM)
    for number, amounts in paid.items():
        past, total = fed.read_round(number), sum(amounts.values())
        entries: Iterable[tuple[str, Any, Any]] = zip(past.clients, past.scores, past.consistency, strict=True)
        weights = {c: compute_reward_weight(s, k, factor_of(c, PPM), alpha) for c, s, k in entries if c in amounts}
        for client, due in zip(weights, compute_rewards(list(weights.values()), total, total), strict=True):
            overpaid[client] = overpaid.get(client, 0) + amounts[client] - due
    applied = written[place]["args"]
    return dict(zip(applied["clients"], applied["factors"], strict=True)), overpaid


def _position(log: Any) -> tuple[int, int]:
    return log["blockNumber"], log["logIndex"]
