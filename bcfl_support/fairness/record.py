"""Fairness records: computed off chain, stored on IPFS, agreed on by CID, and audited by computing them again.

    value_i = Σ over the epoch's rounds of φ_i        F_i = clip(share of the values / share of the pay, ½, 1½)

The paper (arXiv 2502.14170) has Shapley-adjusted contributions computed off chain every so many rounds, the record on
IPFS and its CID on chain. That the record can be *verified* is this project's choice: it names everything it was
computed from by CID, so whoever recomputes it gets the same bytes, hence the same CID, and a quorum of equal CIDs is
agreement on a result. `Task` holds what is agreed on before the first round.

**Floating point.** Two machines add in another order or have another last bit in exp and log, so equal formulas give
values that differ by about 1e-15. That is kept out of the bytes in four steps. All inputs are integers at scale 10^9
(updates and parameters are the contract's, validation features are rounded), so everybody starts from equal floats.
Rounds are added with ``math.fsum``, whose result does not depend on the order. Values are then rounded to millionths.
Factors follow from these integers by single IEEE divisions, the same everywhere. What remains: a value so close
to a rounding boundary that an error of 1e-15 crosses it. `compute_fairness` measures that distance and refuses to make
a record when it is below MARGIN, 1e-12: a thousand times the error, and still met by only one value in 500,000. An
epoch without a record leaves every factor at 1. Sampling estimators repeat only with the same NumPy release: its random
streams may change between releases.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from bcfl_support import incentives, protocol, shapley
from bcfl_support.checks import check_kind, check_list, check_whole
from bcfl_support.errors import InvalidCid, RecordError
from bcfl_support.fairness.task import SAMPLERS, VERSION, PublishedRound, Task, compare_round, get_round
from bcfl_support.incentives import MAX_FACTOR, MIN_FACTOR, PPM
from bcfl_support.ipfs import CHUNK_SIZE, IpfsNode, canonical_json, cid_digest, compute_cid, parse_cid, parse_record
from bcfl_support.ipfs.records import SAFE_INTEGER as SAFE
from bcfl_support.protocol import Federation
from bcfl_support.scores import midpoint_scores

MARGIN = 1e-12
"""Least distance of a value from a rounding boundary, in the utility's unit."""

_BOUNDS = {"values": (-SAFE, SAFE), "standard_errors": (0, SAFE), "factors": (MIN_FACTOR, MAX_FACTOR)}


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

    def __post_init__(self) -> None:
        for entry in fields(self):
            name, value = entry.name, getattr(self, entry.name)
            if entry.type == "int":
                object.__setattr__(self, name, _whole(name, value, 0, SAFE))
            elif entry.type == "str" and not isinstance(value, str):
                raise RecordError(f"{name} is {value!r}; it must be a text")
            elif name in _BOUNDS:
                if not isinstance(value, Mapping) or set(value) != set(self.values):
                    raise RecordError(f"{name} does not have one entry for each client that values has")
                whole = {c: _whole(f"{name} of {c}", value[c], *_BOUNDS[name]) for c in sorted(value)}
                object.__setattr__(self, name, whole)
        object.__setattr__(self, "rounds", _check_cids(self.rounds))

    def to_bytes(self) -> bytes:
        """Canonical JSON; at most one IPFS block, so that the ledger's 32 bytes name it.

        Raises:
            RecordError: too many clients for one block (about 1,500).
        """
        data = canonical_json({"kind": "bcfl-fairness", "version": VERSION, **asdict(self)})
        if len(data) > CHUNK_SIZE:
            raise RecordError(f"the record has {len(data)} bytes; a block holds {CHUNK_SIZE}: too many clients for one")
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
        version = plain.pop("version", None)
        if type(version) is not int or version != VERSION:
            raise RecordError(f"the fairness record has version {version!r}; this program reads {VERSION}")
        if wrong := {entry.name for entry in fields(cls)} ^ set(plain):
            raise RecordError(f"the fairness record lacks or misnames entries: {sorted(wrong)}")
        return cls(**plain)

    @property
    def cid(self) -> str:
        """Address of the record."""
        return compute_cid(self.to_bytes())


def compute_fairness(store: IpfsNode, round_cids: Sequence[str], task: Task, *, epoch: int) -> FairnessRecord:
    """The fairness record of an epoch from its published rounds.

    What the rounds say is taken as it is; `attest_record` compares them with the chain, as `verify_round` does.

    Args:
        store: where the rounds are.
        round_cids: CIDs of the epoch's rounds, in order, each once.
        task: what was agreed on.
        epoch: its number.

    Returns:
        The record; equal arguments give equal bytes.

    Raises:
        RecordError: the epoch is no number from 0 on, no rounds, one that is malformed, twice there or out of order, no
            epoch of that number can have these, or a value lies within MARGIN of a rounding boundary.
        ContentMissing, ContentCorrupted: from the store.
    """
    epoch, round_cids = _whole("epoch", epoch, 0, SAFE), check_list("round_cids", round_cids)
    rounds = [get_round(store, cid) for cid in round_cids]
    numbers = [past.record.number for past in rounds]
    # only the ledger knows how long an epoch is; at the least length that reaches the last round it must begin in time
    if not numbers or numbers != sorted(set(numbers)) or (-(-numbers[-1] // (epoch + 1)) * epoch >= numbers[0]):
        raise RecordError(f"rounds {numbers} make no epoch {epoch}: give each of its rounds once, in order")
    return derive_record(rounds, round_cids, task, epoch)


def derive_record(rounds: Sequence[PublishedRound], cids: Sequence[str], task: Task, epoch: int) -> FairnessRecord:
    """`compute_fairness` of rounds as they were fetched, whichever they are: an audit derives a forger's, too."""
    clients = sorted({client for past in rounds for client in past.record.clients})
    paid = dict.fromkeys(clients, 0)
    parts: dict[str, list[tuple[float, float]]] = {client: [] for client in clients}
    for past in rounds:
        for client, reward in zip(past.record.clients, past.record.rewards, strict=True):
            paid[client] += reward
        for client, value, error in _values_of_round(past, task):
            parts[client].append((value, error))
    values = {c: _round(math.fsum(value for value, _ in parts[c]), c) for c in clients}
    errors = {c: round(math.sqrt(math.fsum(error**2 for _, error in parts[c])) * PPM) for c in clients}
    factors = incentives.compute_fairness_factors(list(values.values()), list(paid.values()))
    of_client = dict(zip(clients, factors, strict=True))
    return FairnessRecord(epoch, tuple(cids), **task.terms(), values=values, standard_errors=errors, factors=of_client)


def rounding_distance(value: float) -> float:
    """How far a value is from the nearest number that two machines might round to different millionths.

    Args:
        value: in the utility's unit.

    Returns:
        Distance in the same unit, 0 to half a millionth.

    >>> rounding_distance(0.25), round(rounding_distance(0.1234564999), 12)
    (5e-07, 1e-10)
    """
    scaled = value * PPM
    return abs(scaled - math.floor(scaled) - 0.5) / PPM


def _round(value: float, client: str) -> int:
    distance = rounding_distance(value)
    if distance < MARGIN:
        close = f"the value of {client} is {value!r}, {distance:.0e} from a rounding boundary; within {MARGIN:.0e}"
        raise RecordError(f"{close} another machine may round it the other way: let the epoch pass without a record")
    return round(value * PPM)


def _values_of_round(past: PublishedRound, task: Task) -> list[tuple[str, float, float]]:
    """(client, value, standard error) of those that took part; nothing for a void round.

    Of a clipped update a coalition has what the contract averaged. Whether it clips, the record's average says.
    """
    if past.record.void:
        return []
    samples = {client: n for client, n in zip(past.record.clients, past.record.samples, strict=True) if n}
    clients, n = sorted(past.updates), len(past.updates)
    if not clients or clients != sorted(samples):
        raise RecordError(f"round {past.record.number} has no updates, or not those of the clients that revealed")
    counts = np.array([samples[client] for client in clients])
    integers = np.stack([past.updates[client] for client in clients])
    updates = protocol.decode(integers)
    plain = tuple(protocol.fedavg_fixed(integers, counts)) == past.record.global_update
    if not plain and integers.any(axis=1).all():  # then the contract clips: n_i·v_i / N became w_i·v_i / W
        weights, total = protocol.clip_weights(integers, counts)
        updates *= (weights * int(counts.sum()) / (counts * total)).astype(float)[:, None]
    params, x = protocol.decode(past.params), protocol.decode(protocol.encode(task.x))
    errors = np.zeros(n)
    if task.estimator == "midpoint":
        slope = functools.partial(task.model.gradient, x=x, y=task.y)
        values = midpoint_scores(updates, counts, params=params, gradient=slope)
    else:
        terms: Any = {"convention": task.convention, "kind": task.utility}
        utility = shapley.round_utility(task.model, params, updates, counts, x, task.y, **terms)
        if task.estimator == "exact" or n == 1:
            values = shapley.exact_shapley(utility.all_values())
        else:
            rng = np.random.default_rng([task.seed, past.record.number])
            estimate = SAMPLERS[task.estimator](utility, n, budget=task.budget, rng=rng)
            values, errors = estimate.values, estimate.standard_errors
    return list(zip(clients, values.tolist(), errors.tolist(), strict=True))


def attest_record(fed: Federation, store: IpfsNode, record: FairnessRecord, clients: Sequence[str]) -> str:
    """Put a record on IPFS and let `clients` attest to it on the ledger.

    A client that comes after a quorum of those before it in `clients` is no failure: its vote is not needed any more.
    What the rounds say is compared with the chain before, as `verify_round` does, which takes a node that keeps old
    states. Whether values and factors follow from them is not: attest to what you have computed yourself.

    Args:
        fed: the federation.
        store: where to put it.
        record: what is attested to.
        clients: addresses of those who attest.

    Returns:
        Its CID.

    Raises:
        RecordError: its rounds are not those of its epoch, all and in order, or one is not what the chain says, as
            where it was published with the parameters after it: agreed on, it would spend the epoch.
        ContentMissing, ContentCorrupted: a round is not in the store, or is not what its CID says.
        ContractError: the ledger refuses, e.g. AlreadyAttested, EpochNotOver; AlreadyAgreed, if a quorum stood before
            this call, on this record or another.
    """
    check_kind("record", record, FairnessRecord, "what compute_fairness returns")
    rounds = [get_round(store, cid) for cid in record.rounds]
    numbers = [past.record.number for past in rounds]
    if numbers != (due := fed.config.rounds_of(record.epoch)):
        raise RecordError(f"the record has rounds {numbers}, epoch {record.epoch} has {due}: compute it from these")
    if wrong := [p for cid, past in zip(record.rounds, rounds, strict=True) for p in compare_round(fed, past, cid)]:
        raise RecordError(f"{wrong[0]}: compute the record from rounds in which verify_round finds nothing")
    cid = store.add(record.to_bytes())
    fed.attest(record.epoch, cid_digest(cid), record.factors, clients=clients)
    return cid


def apply_record(fed: Federation, record: FairnessRecord) -> None:
    """Write an agreed record's factors on chain; the publisher sends it, anyone could.

    Args:
        fed: the federation.
        record: what the ledger agreed on.

    Raises:
        ContractError: NoAgreement, unless a quorum attested to exactly this record and these factors.
    """
    fed.apply_factors(record.epoch, cid_digest(record.cid), record.factors)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    """A checked integer, Python's own: JSON takes no NumPy numbers."""
    return check_whole(name, value, low, high, error=RecordError)


def _check_cids(values: Any) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)):
        raise RecordError(f"rounds is {values!r}; it must be a list of CIDs")
    for cid in values:
        try:
            parse_cid(cid)
        except (InvalidCid, TypeError, AttributeError) as error:
            raise RecordError(f"rounds holds {cid!r}, which is no CID") from error
    return tuple(values)
