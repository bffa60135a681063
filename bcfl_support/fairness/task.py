"""What is agreed on before the first round, and what a round publishes, compared with the chain: a record's inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np

from bcfl_support import protocol, shapley
from bcfl_support.checks import check_choice, check_kind, check_rows, check_whole, freeze
from bcfl_support.errors import InvalidCid, InvalidInput, InvalidUpdate, RecordError
from bcfl_support.ipfs import IpfsNode, canonical_json, compute_cid
from bcfl_support.ipfs.records import SAFE_INTEGER as SAFE
from bcfl_support.learning import Model
from bcfl_support.protocol import Federation, RoundRecord, compute_digest
from bcfl_support.shapley import Convention, Kind

VERSION = 1
"""Of the formats of records and published rounds."""

SAMPLERS: dict[str, Callable[..., shapley.Estimate]] = {
    "permutation": shapley.permutation_shapley,
    "stratified": shapley.stratified_shapley,
    "svarm": shapley.svarm_shapley,
    "regression": shapley.regression_shapley,
}
"""Estimators that draw coalitions, by name."""

ESTIMATORS = ("exact", "midpoint", *SAMPLERS)
"""Names a record may give for how its values were computed."""

_ADDRESSES: Any = SimpleNamespace(add=compute_cid, add_json=lambda plain: compute_cid(canonical_json(plain)))
"""In the place of a node: says under which address it would keep something."""


@dataclass(frozen=True, eq=False)
class Task:
    """What all clients are given before the first round, so that nobody can choose it to suit a result.

    Attributes:
        model: the model; its parameters are the contract's, which begin at zero.
        x: validation features, (V, d), used as rounded to 10⁻⁹.
        y: validation labels, (V,).
        convention: weights of a coalition, "fixed" or "renormalized".
        utility: "loss" or "accuracy".
        estimator: one of ESTIMATORS; "midpoint" goes with the loss and fixed weights.
        budget: coalitions a round, for estimators that sample; below 2^53, as JSON holds no larger integer.
        seed: seed of those, from 0, below 2^53; round r draws from ``default_rng([seed, r])``.

    Raises:
        InvalidInput: no model, no such name, an estimator that does not go with utility and weights, or one without a
            budget; a budget or seed that is not whole, negative, or too large; features or labels that do not fit.
        FixedPointError: a feature that is not finite, or too large for the contract's scale.
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
        check_kind("model", self.model, Model, "a model, such as learning.LogisticRegression(d)")
        check_choice("estimator", self.estimator, ESTIMATORS)
        check_choice("convention", self.convention, get_args(Convention))
        check_choice("utility", self.utility, get_args(Kind))
        if self.estimator == "midpoint" and (self.convention, self.utility) != ("fixed", "loss"):
            given = f"utility is {self.utility!r} and convention is {self.convention!r}"
            raise InvalidInput(f"{given}; the midpoint rule needs 'loss' and 'fixed': choose these")
        least, why = int(self.estimator in SAMPLERS), "an estimator that samples draws so many coalitions a round"
        object.__setattr__(self, "budget", check_whole("budget", self.budget, least, SAFE, why=why))
        object.__setattr__(self, "seed", check_whole("seed", self.seed, 0, SAFE))
        check_rows({"x": self.x, "y": self.y})
        # what is published is what is computed with: the model refuses features and labels that do not fit it
        self.model.accuracy(np.zeros(self.model.n_params), protocol.decode(protocol.encode(self.x)), self.y)
        object.__setattr__(self, "x", freeze(np.array(self.x)))  # what is agreed on does not change
        object.__setattr__(self, "y", freeze(np.array(self.y, dtype=np.int64)))

    @property
    def validation(self) -> str:
        """CID of the validation data."""
        return compute_cid(self._blocks()[-1])

    def publish(self, store: IpfsNode) -> str:
        """Put the validation data on IPFS and return its CID."""
        return [store.add(block) for block in self._blocks()][-1]

    def _blocks(self) -> list[bytes]:
        x, y = _to_bytes(protocol.encode(self.x).reshape(-1)), _to_bytes(self.y)
        index = {"kind": "bcfl-validation", "version": VERSION, "shape": list(np.shape(self.x))}
        return [x, y, canonical_json(index | {"x": compute_cid(x), "y": compute_cid(y)})]

    def terms(self) -> dict[str, Any]:
        """The entries of a record that say how it was computed."""
        terms = {"model": repr(self.model), "validation": self.validation}
        terms |= {name: getattr(self, name) for name in ("convention", "utility", "estimator")}
        return terms | {"budget": int(self.budget), "seed": int(self.seed)}


@dataclass(frozen=True, eq=False)
class PublishedRound:
    """A round as its CID gives it.

    Attributes:
        record: the round's record.
        params: parameters before the round, (P,) int64 at scale 10⁹.
        updates: client → update, (P,) int64 at scale 10⁹, for those that revealed.
    """

    record: RoundRecord
    params: np.ndarray
    updates: Mapping[str, np.ndarray]


def publish_round(
    store: IpfsNode, record: RoundRecord, updates: Mapping[str, np.ndarray], *, params: np.ndarray, scaled: bool = False
) -> str:
    """Put a round on IPFS: its record (gas left out), the parameters before it and every revealed update, each by CID.

    Args:
        store: where to.
        record: what the chain says of the round.
        updates: client → update, (P,), numbers that mean their value, whatever their dtype.
        params: parameters before the round, (P,), likewise.
        scaled: whether updates and parameters are integers at scale 10⁹ already, as a `PublishedRound` has them.

    Returns:
        CID of a small block that names all of them.

    Raises:
        InvalidInput: updates that are not given by address, each once.
        InvalidUpdate: an update is missing, no vector, or not the one that was revealed on chain.
        RecordError: the record lacks the average or its norm, as what `Federation.read_round` gives does.
    """
    lean = replace(record, gas={}, transactions={}).to_json()  # so that whoever publishes it gets the same bytes
    before = protocol.to_integers("params", params, len(lean["global_update"]), scaled=scaled)
    sent, named = protocol.by_client("updates", updates), {}
    revealed = {client for client, digest in zip(record.clients, record.digests, strict=True) if digest is not None}
    if strangers := sorted(set(sent) - revealed):
        raise InvalidUpdate(f"{', '.join(strangers)} revealed nothing in round {record.number}: leave it out")
    for client, digest in zip(record.clients, record.digests, strict=True):
        if digest is None:
            continue
        if client not in sent:
            raise InvalidUpdate(f"{client} revealed an update in round {record.number}; give it too")
        values = protocol.to_integers(f"the update of {client}", sent[client], len(before), scaled=scaled)
        if "0x" + compute_digest(values).hex() != digest:
            raise InvalidUpdate(f"the update of {client} is not the one it revealed in round {record.number}")
        named[client] = store.add(_to_bytes(values))
    block = {"kind": "bcfl-published-round", "version": VERSION, "record": store.add_json(lean)}
    return store.add_json(block | {"params": store.add(_to_bytes(before)), "updates": named})


def get_round(store: IpfsNode, cid: str) -> PublishedRound:
    """Fetch a published round; every byte is checked against its CID.

    Args:
        store: any node that has the blocks; it need not be trusted.
        cid: what `publish_round` returned.

    Returns:
        The round.

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
    if wrong := [client for client, values in updates.items() if values.shape != params.shape]:
        raise RecordError(f"in the published round {cid} the update of {wrong[0]} has another length than the model")
    return PublishedRound(record, params, updates)


def verify_round(fed: Federation, store: IpfsNode, cid: str) -> tuple[str, ...]:
    """Compare a published round with the chain: who took part, with what, from which model, and for which pay.

    Reads the contracts' events and the model as it was when the round was opened, which takes a node that keeps old
    states (anvil does).

    Args:
        fed: the federation.
        store: any node that has the blocks; it need not be trusted.
        cid: what was published.

    Returns:
        What differs, one sentence each; empty if nothing does. What the chain does not say, gas and transactions, is
        left out of published rounds, so a round has one true CID.

    Raises:
        RecordError: the blocks make no round.
        ContentMissing, ContentCorrupted: a block is not there, or is not what its CID says.
    """
    return compare_round(fed, get_round(store, cid), cid)


def compare_round(fed: Federation, past: PublishedRound, cid: str) -> tuple[str, ...]:
    """`verify_round` of a round that is fetched already."""
    number = past.record.number
    openings = {log["args"]["round"]: log["blockNumber"] for log in fed.chain.events(fed.aggregator.events.RoundOpened)}
    if number not in openings:
        return (f"round {number} was never opened",)
    truth, problems = fed.read_round(number), []
    digests = {client: digest for client, digest in zip(truth.clients, truth.digests, strict=True) if digest}
    for client in {**digests, **past.updates}:
        values = past.updates.get(client)
        if values is None or "0x" + compute_digest(values).hex() != digests.get(client):
            problems.append(f"round {number}: the update of {client} is not the one it revealed")
    if problems:  # without the updates there is no average to compare with
        truth = replace(truth, global_update=past.record.global_update)
    elif past.updates and not truth.void:  # a round that nobody has revealed in has none
        samples = dict(zip(truth.clients, truth.samples, strict=True))
        updates, counts = np.stack(list(past.updates.values())), [samples[client] for client in past.updates]
        step = tuple(int(v) for v in protocol.fedavg_fixed(updates, counts, clipped=fed.config.clipped))
        truth = replace(truth, global_update=step)
    said, found = asdict(past.record), asdict(truth)
    problems += [f"round {number}: {name} is not what the chain says" for name in found if said[name] != found[name]]
    before = fed.aggregator.functions.model().call(block_identifier=openings[number])
    if list(past.params) != list(before):
        problems.append(f"round {number}: the parameters before it are not the contract's")
    if not problems and publish_round(_ADDRESSES, truth, past.updates, params=past.params, scaled=True) != cid:
        problems.append(f"round {number}: {cid} spells it in another way than publish_round, hence the CID")
    return tuple(problems)


def _to_bytes(values: np.ndarray) -> bytes:
    """Integers as 8 bytes each, big-endian."""
    return values.astype(">i8").tobytes()


def _from_bytes(data: bytes) -> np.ndarray:
    if len(data) % 8:
        raise RecordError(f"{len(data)} bytes are no vector of 8-byte integers; was it truncated?")
    return np.frombuffer(data, dtype=">i8").astype(np.int64)
