"""Fairness records: computed off chain, stored on IPFS, agreed on by CID, and audited by computing them again.

    value_i = Σ over the epoch's rounds of φ_i        F_i = clip(share of the values / share of the pay, ½, 1½)

The paper (arXiv 2502.14170) has Shapley-adjusted contributions computed off chain every so many rounds, the record on
IPFS and its CID on chain. That the record can be *verified* is this project's choice: it names everything it was
computed from by CID, so whoever recomputes it gets the same bytes, hence the same CID, and a quorum of equal CIDs is
agreement on a result. `Task` holds what is agreed on before the first round.

**Floating point.** Two machines add in another order or have another last bit in exp and log, so equal formulas give
values that differ by about 1e-15. That is kept out of the bytes in four steps. All inputs are integers at scale 10^9
(updates and parameters are the contract's, validation features are rounded), so everybody starts from equal floats.
Rounds are added with ``math.fsum``, whose result does not depend on the order. Values are then rounded to millionths,
UNIT. Factors follow from these integers by single IEEE divisions, the same everywhere. What remains: a value so close
to a rounding boundary that an error of 1e-15 crosses it. `compute_fairness` measures that distance and refuses to make
a record when it is below MARGIN, 1e-12: a thousand times the error, and still met by only one value in 500,000. An
epoch without a record leaves every factor at 1. Sampling estimators repeat only with the same NumPy release: its random
streams may change between releases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from bcfl_support import fixed_point, incentives
from bcfl_support import shapley as sh
from bcfl_support.cids import CHUNK_SIZE, InvalidCid, compute_cid, parse_cid
from bcfl_support.commitments import compute_digest
from bcfl_support.errors import InvalidUpdate, RecordError
from bcfl_support.ipfs import IpfsNode, cid_digest, digest_to_cid
from bcfl_support.models import Model
from bcfl_support.protocol import Federation, RoundRecord, compute_factors_hash
from bcfl_support.records import canonical_json, parse_record
from bcfl_support.round_utility import Convention, Kind
from bcfl_support.scores import midpoint_scores

VERSION = 1
UNIT = 1_000_000
"""Values, standard errors and factors are integers in millionths."""
MARGIN = 1e-12
"""Least distance of a value from a rounding boundary, in the utility's unit."""

_SAMPLERS: dict[str, Any] = {
    "permutation": sh.permutation_shapley,
    "stratified": sh.stratified_shapley,
    "svarm": sh.svarm_shapley,
    "regression": sh.regression_shapley,
}
ESTIMATORS = ("exact", "midpoint", *_SAMPLERS)
"""Names a record may give for how its values were computed."""


# ---------------------------------------------------------------- what is agreed on beforehand


@dataclass(frozen=True, eq=False)
class Task:
    """What all clients are given before the first round, so that nobody can choose it to suit a result.

    Attributes:
        model: the model; its parameters are the contract's, which begin at zero.
        x: validation features, (V, d), used as rounded to 10^-9.
        y: validation labels, (V,).
        convention: weights of a coalition, "fixed" or "renormalised".
        utility: "loss" or "accuracy".
        estimator: one of ESTIMATORS; "midpoint" goes with the loss and fixed weights.
        budget: coalitions a round, for estimators that sample.
        seed: seed of those; round r draws from ``default_rng([seed, r])``.
    """

    model: Model
    x: np.ndarray
    y: np.ndarray
    convention: Convention = "fixed"
    utility: Kind = "loss"
    estimator: str = "exact"
    budget: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.estimator not in ESTIMATORS:
            raise ValueError(f"estimator = {self.estimator!r}; choose one of {', '.join(ESTIMATORS)}")
        if self.estimator == "midpoint" and (self.convention, self.utility) != ("fixed", "loss"):
            raise ValueError(
                f"the midpoint rule needs the loss and fixed weights, not {self.utility}, {self.convention}"
            )
        if self.estimator in _SAMPLERS and self.budget < 1:
            raise ValueError(f"budget = {self.budget}; {self.estimator} samples: say how many coalitions a round")

    @property
    def validation(self) -> str:
        """CID of the validation data."""
        return compute_cid(self._blocks()[-1])

    def publish(self, store: IpfsNode) -> str:
        """Put the validation data on IPFS and return its CID."""
        return [store.add(block) for block in self._blocks()][-1]

    def _blocks(self) -> list[bytes]:
        x, y = _to_bytes(fixed_point.encode(self.x).reshape(-1)), _to_bytes(np.asarray(self.y, dtype=np.int64))
        index = {"kind": "bcfl-validation", "version": VERSION, "shape": list(self.x.shape)}
        return [x, y, canonical_json(index | {"x": compute_cid(x), "y": compute_cid(y)})]

    def terms(self) -> dict[str, Any]:
        """The entries of a record that say how it was computed."""
        terms = {"model": repr(self.model), "validation": self.validation}
        return terms | {k: getattr(self, k) for k in ("convention", "utility", "estimator", "budget", "seed")}


# ---------------------------------------------------------------- the record


@dataclass(frozen=True)
class FairnessRecord:
    """What one epoch's rounds were worth and the factors that follow, in integers; equal records are equal bytes.

    Attributes:
        epoch: epoch e covers the rounds e·interval + 1 … (e + 1)·interval.
        rounds: CIDs of the published rounds, which name records, parameters and updates by CID in turn.
        model, validation, convention, utility, estimator, budget, seed: how it was computed, see `Task`.
        values: client → sum of its values over the rounds, in millionths of the utility's unit.
        standard_errors: client → standard error of that sum, in millionths; 0 for exact values and the midpoint rule.
        factors: client → F_i in millionths.
        version: of the format.
    """

    epoch: int
    rounds: tuple[str, ...]
    model: str
    validation: str
    convention: str
    utility: str
    estimator: str
    budget: int
    seed: int
    values: Mapping[str, int]
    standard_errors: Mapping[str, int]
    factors: Mapping[str, int]
    version: int = VERSION

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version != VERSION:
            raise RecordError(f"the fairness record has version {self.version!r}; this program reads {VERSION}")
        for name in ("epoch", "budget", "seed"):
            _check_integer(name, getattr(self, name), least=0)
        for name in ("model", "validation", "convention", "utility", "estimator"):
            if not isinstance(getattr(self, name), str):
                raise RecordError(f"{name} is {getattr(self, name)!r}; it must be a text")
        object.__setattr__(self, "rounds", _check_cids(self.rounds))
        for name in ("values", "standard_errors", "factors"):
            column = getattr(self, name)
            if not isinstance(column, Mapping) or set(column) != set(self.values):
                raise RecordError(f"{name} does not have one entry for each client that values has")
            for client, value in column.items():
                _check_integer(f"{name} of {client}", value, least=None if name == "values" else 0)
            object.__setattr__(self, name, dict(sorted(column.items())))
        for client, factor in self.factors.items():
            if not incentives.MIN_FACTOR <= factor <= incentives.MAX_FACTOR:
                raise RecordError(
                    f"the factor of {client} is {factor}; it must be {incentives.MIN_FACTOR} to {incentives.MAX_FACTOR}"
                )

    def to_bytes(self) -> bytes:
        """Canonical JSON; at most one IPFS block, so that the ledger's 32 bytes name it.

        Raises:
            RecordError: too many clients for one block (about 1,500).
        """
        data = canonical_json({"kind": "bcfl-fairness", **asdict(self), "rounds": list(self.rounds)})
        if len(data) > CHUNK_SIZE:
            raise RecordError(f"the record has {len(data)} bytes, a block holds {CHUNK_SIZE}: too many clients for one")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> FairnessRecord:
        """Read what `to_bytes` wrote, and nothing else.

        Raises:
            RecordError: truncated, not canonical, of another kind or version, or an entry is missing, unknown or wrong.
        """
        plain = parse_record(data)
        if not isinstance(plain, dict) or plain.pop("kind", None) != "bcfl-fairness":
            raise RecordError("not a fairness record; is it another CID?")
        if plain.get("version") != VERSION:
            raise RecordError(f"the fairness record has version {plain.get('version')!r}; this program reads {VERSION}")
        names = {entry.name for entry in fields(cls)}
        if names != set(plain):
            raise RecordError(f"the fairness record lacks or misnames entries: {sorted(names ^ set(plain))}")
        return cls(**plain)

    @property
    def cid(self) -> str:
        """Address of the record."""
        return compute_cid(self.to_bytes())


# ---------------------------------------------------------------- rounds on IPFS


@dataclass(frozen=True, eq=False)
class PublishedRound:
    """A round as its CID gives it.

    Attributes:
        record: the round's record.
        params: parameters before the round, (P,) int64 at scale 10^9.
        updates: client → update, (P,) int64 at scale 10^9, for those that revealed.
    """

    record: RoundRecord
    params: np.ndarray
    updates: Mapping[str, np.ndarray]


def publish_round(
    store: IpfsNode, record: RoundRecord, updates: Mapping[str, np.ndarray], *, params: np.ndarray
) -> str:
    """Put a round on IPFS: its record (gas left out), the parameters before it and every revealed update, each by CID.

    Args:
        store: where to.
        record: what the chain says of the round.
        updates: client → update, (P,), float64 (plain) or int64 (at scale 10^9).
        params: parameters before the round, (P,), likewise.

    Returns:
        CID of a small block that names all of them.

    Raises:
        InvalidUpdate: an update is missing, or is not the one that was revealed on chain.
    """
    named = {}
    for client, digest in zip(record.clients, record.digests, strict=True):
        if digest is None:
            continue
        if client not in updates:
            raise InvalidUpdate(f"{client} revealed an update in round {record.number}; give it too")
        values = _to_integers(updates[client])
        if "0x" + compute_digest(values).hex() != digest:
            raise InvalidUpdate(f"the update of {client} is not the one it revealed in round {record.number}")
        named[client] = store.add(_to_bytes(values))
    lean = replace(record, gas={}, transactions={})  # so that whoever publishes the round gets the same bytes
    block = {"kind": "bcfl-published-round", "version": VERSION, "record": store.add_json(lean.to_json())}
    return store.add_json(block | {"params": store.add(_to_bytes(_to_integers(params))), "updates": named})


def get_round(store: IpfsNode, cid: str) -> PublishedRound:
    """Fetch a published round; every byte is checked against its CID.

    Raises:
        ContentMissing, ContentCorrupted: a block is not there, or is not what its CID says.
        RecordError: the blocks are there but make no round.
    """
    block = store.get_json(cid)
    kind = (block.get("kind"), block.get("version")) if isinstance(block, dict) else None
    if kind != ("bcfl-published-round", VERSION):
        raise RecordError(f"{cid} is no published round of version {VERSION}; is it another CID?")
    try:
        record = RoundRecord.from_json(store.get_json(block["record"]))
        params = _from_bytes(store.cat(block["params"]))
        updates = {client: _from_bytes(store.cat(update)) for client, update in block["updates"].items()}
    except (KeyError, TypeError, AttributeError, InvalidCid) as error:
        raise RecordError(f"the published round {cid} lacks or misnames an entry: {error}") from error
    wrong = [client for client, values in updates.items() if values.shape != params.shape]
    if wrong:
        raise RecordError(f"in the published round {cid} the update of {wrong[0]} has another length than the model")
    return PublishedRound(record, params, updates)


# ---------------------------------------------------------------- computing


def compute_fairness(
    store: IpfsNode, round_cids: Sequence[str], task: Task, *, epoch: int, margin: float = MARGIN
) -> FairnessRecord:
    """The fairness record of an epoch from its published rounds.

    What the rounds say is taken as it is; before attesting, compare them with the chain: `verify_round`.

    Args:
        store: where the rounds are.
        round_cids: CIDs of the epoch's rounds, in order.
        task: what was agreed on.
        epoch: its number.
        margin: least distance from a rounding boundary, in the utility's unit.

    Returns:
        The record; equal arguments give equal bytes.

    Raises:
        RecordError: a round is malformed, or a value lies within `margin` of a rounding boundary.
        ContentMissing, ContentCorrupted: from the store.
    """
    rounds = [get_round(store, cid) for cid in round_cids]
    clients = sorted({client for past in rounds for client in past.record.clients})
    parts: dict[str, list[float]] = {client: [] for client in clients}
    squares: dict[str, list[float]] = {client: [] for client in clients}
    for past in rounds:
        for client, value, error in _values_of_round(past, task):
            parts[client].append(value)
            squares[client].append(error**2)
    values = {client: _round(math.fsum(parts[client]), client, margin) for client in clients}
    errors = {client: round(math.sqrt(math.fsum(squares[client])) * UNIT) for client in clients}
    paid = dict.fromkeys(clients, 0)
    for past in rounds:
        for client, reward in zip(past.record.clients, past.record.rewards, strict=True):
            paid[client] += reward
    factors = incentives.compute_fairness_factors(list(values.values()), list(paid.values()))
    of_client = dict(zip(clients, factors, strict=True))
    return FairnessRecord(
        epoch, tuple(round_cids), **task.terms(), values=values, standard_errors=errors, factors=of_client
    )


def rounding_distance(value: float) -> float:
    """How far a value is from the nearest number that two machines might round to different millionths.

    Args:
        value: in the utility's unit.

    Returns:
        Distance in the same unit, 0 to half a millionth.

    >>> rounding_distance(0.25), round(rounding_distance(0.1234564999), 12)
    (5e-07, 1e-10)
    """
    scaled = value * UNIT
    return abs(scaled - math.floor(scaled) - 0.5) / UNIT


def _round(value: float, client: str, margin: float) -> int:
    distance = rounding_distance(value)
    if distance < margin:
        raise RecordError(
            f"the value of {client}, {value!r}, is {distance:.0e} from a rounding boundary, less than {margin:.0e}: "
            "another machine may round it the other way; let the epoch pass without a record"
        )
    return round(value * UNIT)


def _values_of_round(past: PublishedRound, task: Task) -> list[tuple[str, float, float]]:
    """(client, value, standard error) of those that took part; nothing for a void round."""
    if past.record.void:
        return []
    samples = dict(zip(past.record.clients, past.record.samples, strict=True))
    clients = sorted(past.updates)
    if set(clients) != {client for client, count in samples.items() if count}:
        raise RecordError(f"the updates of round {past.record.number} are not those of the clients that revealed")
    counts = np.array([samples[client] for client in clients])
    updates = np.stack([fixed_point.decode(past.updates[client]) for client in clients])
    values, errors = _estimate(task, fixed_point.decode(past.params), updates, counts, past.record.number)
    return list(zip(clients, values.tolist(), errors.tolist(), strict=True))


def _estimate(
    task: Task, params: np.ndarray, updates: np.ndarray, counts: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    n, x = len(counts), fixed_point.decode(fixed_point.encode(task.x))
    if task.estimator == "midpoint":

        def gradient(w: np.ndarray) -> np.ndarray:
            return task.model.gradient(w, x, task.y)

        return midpoint_scores(updates, counts, params=params, gradient=gradient), np.zeros(n)
    utility = sh.round_utility(
        task.model, params, updates, counts, x, task.y, convention=task.convention, kind=task.utility
    )
    if task.estimator == "exact" or n == 1:
        return sh.exact_shapley(utility.all_values()), np.zeros(n)
    sample, rng = _SAMPLERS[task.estimator], np.random.default_rng([task.seed, number])
    estimate: sh.Estimate = sample(utility, n, budget=task.budget, rng=rng)
    return estimate.values, estimate.standard_errors


# ---------------------------------------------------------------- on chain


def attest_record(fed: Federation, store: IpfsNode, record: FairnessRecord, clients: Sequence[str]) -> str:
    """Put a record on IPFS and let `clients` attest to it on the ledger.

    Returns:
        Its CID.

    Raises:
        ContractError: the ledger refuses, e.g. AlreadyAttested, EpochNotOver.
    """
    cid = store.add(record.to_bytes())
    fed.attest(record.epoch, cid_digest(cid), record.factors, clients=clients)
    return cid


def apply_record(fed: Federation, record: FairnessRecord, *, sender: str | None = None) -> None:
    """Write an agreed record's factors on chain.

    Raises:
        ContractError: NoAgreement, unless a quorum attested to exactly this record and these factors.
    """
    fed.apply_factors(record.epoch, cid_digest(record.cid), record.factors, sender=sender)


def verify_round(fed: Federation, store: IpfsNode, cid: str) -> tuple[str, ...]:
    """Compare a published round with the chain: who took part, with what, from which model, and for which pay.

    Reads the contracts' events and the model as it was when the round was opened, which takes a node that keeps old
    states (anvil does).

    Returns:
        What differs, one sentence each; empty if nothing does. What the chain does not say, gas and transactions, is
        left out of published rounds, so a round has one true CID.
    """
    past = get_round(store, cid)
    number = past.record.number
    opened = _of_round(fed, fed.aggregator.events.RoundOpened, number)
    if not opened:
        return (f"round {number} was never opened",)
    truth, problems = fed.read_round(number), []
    digests = {client: digest for client, digest in zip(truth.clients, truth.digests, strict=True) if digest}
    for client in {**digests, **past.updates}:
        values = past.updates.get(client)
        if values is None or "0x" + compute_digest(values).hex() != digests.get(client):
            problems.append(f"round {number}: the update of {client} is not the one it revealed")
    if problems:  # without the updates there is no average to compare with
        truth = replace(truth, global_update=past.record.global_update, norm_squared=past.record.norm_squared)
    elif not truth.void:
        step = _average(past.updates, dict(zip(truth.clients, truth.samples, strict=True)))
        truth = replace(truth, global_update=step, norm_squared=sum(v * v for v in step))
    said, found = asdict(past.record), asdict(truth)
    differ = [name for name in found if said[name] != found[name]]
    problems += [f"round {number}: {name} is not what the chain says" for name in differ]
    before = fed.aggregator.functions.model().call(block_identifier=opened[0]["blockNumber"])
    if list(past.params) != list(before):
        problems.append(f"round {number}: the parameters before it are not the contract's")
    return tuple(problems)


def _average(updates: Mapping[str, np.ndarray], samples: Mapping[str, int]) -> tuple[int, ...]:
    counts = [samples[client] for client in updates]
    return tuple(int(v) for v in fixed_point.fedavg_fixed(np.stack(list(updates.values())), counts))


# ---------------------------------------------------------------- audit


@dataclass(frozen=True)
class AuditReport:
    """What an audit of one epoch found.

    Attributes:
        epoch: its number.
        agreed: the record the ledger agreed on.
        recomputed: the record the rounds give.
        attested: client → CID it attested to.
        liars: clients that attested to another record, or to other factors, than the rounds give.
        overpaid: client → wei it got too much since the factors were applied; negative if it got too little.
        problems: what is wrong, one sentence each.
    """

    epoch: int
    agreed: FairnessRecord
    recomputed: FairnessRecord
    attested: Mapping[str, str]
    liars: tuple[str, ...]
    overpaid: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the agreed record is true and was paid; a liar whom nobody followed does no harm."""
        return not self.problems


def audit(fed: Federation, store: IpfsNode, epoch: int, task: Task) -> AuditReport:
    """Fetch an epoch's agreed record by the digest on chain, verify its inputs, compute it again, compare with the pay.

    Args:
        fed: the federation.
        store: any node that has the blocks; it need not be trusted.
        epoch: an epoch on which the ledger agreed.
        task: what was agreed on before the first round.

    Returns:
        The report. A forged record is a problem in it, not an exception.

    Raises:
        RecordError: no agreement on this epoch, or the agreed record or a round in it cannot be read.
        ContentMissing, ContentCorrupted: a block is not there, or is not what its CID says.
    """
    digest = fed.ledger.functions.epochOf(epoch).call()[0]
    if not any(digest):
        raise RecordError(f"the ledger has agreed on no record for epoch {epoch}; wait for a quorum")
    cid = digest_to_cid(digest)
    agreed = FairnessRecord.from_bytes(store.cat(cid))
    unlike_chain = [problem for published in agreed.rounds for problem in verify_round(fed, store, published)]
    first = epoch * fed.config.interval + 1
    numbers = [get_round(store, published).record.number for published in agreed.rounds]
    if numbers != list(range(first, first + fed.config.interval)):
        last = first + fed.config.interval - 1
        unlike_chain.append(f"the record covers rounds {numbers}, epoch {epoch} has {first} … {last}")
    recomputed, problems = compute_fairness(store, agreed.rounds, task, epoch=epoch), list(unlike_chain)
    for entry in fields(agreed):
        said, found = getattr(agreed, entry.name), getattr(recomputed, entry.name)
        if isinstance(said, Mapping):
            differ = [f"{c} {said.get(c)} for {found.get(c)}" for c in {**said, **found} if said.get(c) != found.get(c)]
            problems += [f"{entry.name}: {difference}" for difference in differ]
        elif said != found:
            problems.append(f"{entry.name}: {said!r} for {found!r}")
    attested, liars = _find_liars(fed, recomputed, cid if unlike_chain else None)
    applied, overpaid = _compare_pay(fed, recomputed)
    if applied is not None and applied != recomputed.factors:
        problems.append("the factors applied on chain are not those that the rounds give")
    return AuditReport(epoch, agreed, recomputed, attested, liars, overpaid, tuple(problems))


def _find_liars(
    fed: Federation, truth: FairnessRecord, false_cid: str | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Who attested to what, and who to something untrue.

    A record made from rounds that never took place, `false_cid`, makes liars of those who attested to it; what the
    others said cannot be judged then. Otherwise the truth is known, and whoever said anything else lied.
    """
    logs = [e["args"] for e in fed.chain.events(fed.ledger.events.Attested) if e["args"]["epoch"] == truth.epoch]
    attested = {log["client"]: digest_to_cid(log["record"]) for log in logs}
    if false_cid is not None:
        return attested, tuple(client for client, cid in attested.items() if cid == false_cid)
    honest = (cid_digest(truth.cid), compute_factors_hash(truth.factors))
    return attested, tuple(log["client"] for log in logs if (log["record"], log["factorsHash"]) != honest)


def _compare_pay(fed: Federation, truth: FairnessRecord) -> tuple[dict[str, int] | None, dict[str, int]]:
    """The factors applied for the epoch, None if none were; and what each client got too much by them."""
    written = fed.chain.events(fed.ledger.events.FactorsApplied)
    place = next((k for k, log in enumerate(written) if log["args"]["epoch"] == truth.epoch), None)
    if place is None:
        return None, {}
    since = _position(written[place])
    until = _position(written[place + 1]) if place + 1 < len(written) else (2**64, 0)
    rounds: dict[int, dict[str, Any]] = {}
    for log in fed.chain.events(fed.pool.events.Rewarded):
        if since < _position(log) < until:
            rounds.setdefault(log["args"]["round"], {})[log["args"]["client"]] = log["args"]
    overpaid = dict.fromkeys(truth.factors, 0)
    for number, logs in rounds.items():
        scores = {e["args"]["client"]: e["args"]["score"] for e in _of_round(fed, fed.aggregator.events.Scored, number)}
        alpha, total = round(fed.config.alpha * UNIT), sum(log["amount"] for log in logs.values())
        weights = [
            incentives.compute_reward_weight(scores[c], log["consistency"], truth.factors.get(c, UNIT), alpha)
            for c, log in logs.items()
        ]
        for (client, log), due in zip(logs.items(), incentives.compute_rewards(weights, total, total), strict=True):
            overpaid[client] = overpaid.get(client, 0) + log["amount"] - due
    applied = written[place]["args"]
    return dict(zip(applied["clients"], applied["factors"], strict=True)), overpaid


def _of_round(fed: Federation, event: Any, number: int) -> list[Any]:
    return [log for log in fed.chain.events(event) if log["args"]["round"] == number]


def _position(log: Any) -> tuple[int, int]:
    return log["blockNumber"], log["logIndex"]


# ---------------------------------------------------------------- bytes


def _to_integers(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array if array.dtype == np.int64 else fixed_point.encode(array)


def _to_bytes(values: np.ndarray) -> bytes:
    """Integers as 8 bytes each, big-endian."""
    return values.astype(">i8").tobytes()


def _from_bytes(data: bytes) -> np.ndarray:
    if len(data) % 8:
        raise RecordError(f"{len(data)} bytes are no vector of 8-byte integers; was it truncated?")
    return np.frombuffer(data, dtype=">i8").astype(np.int64)


def _check_integer(name: str, value: Any, *, least: int | None) -> None:
    if type(value) is not int or (least is not None and value < least):
        raise RecordError(f"{name} is {value!r}; it must be an integer{'' if least is None else f' from {least} on'}")


def _check_cids(values: Any) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)):
        raise RecordError(f"rounds is {values!r}; it must be a list of CIDs")
    for cid in values:
        try:
            parse_cid(cid)
        except (InvalidCid, TypeError, AttributeError) as error:
            raise RecordError(f"rounds holds {cid!r}, which is no CID") from error
    return tuple(values)
