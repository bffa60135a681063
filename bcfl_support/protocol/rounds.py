"""What a federation is deployed with, and what is on record of a round."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from bcfl_support.checks import check_flag, check_range, check_whole
from bcfl_support.errors import RecordError
from bcfl_support.protocol import fixed_point

PHASES = ("Idle", "Commit", "Reveal", "Aggregate", "Score", "Settle")

_RANGES: dict[str, tuple[float, float]] = {  # the contracts' own; what is not here is 1 to 2^32 − 1
    **{"parameters": (1, 2**20), "window": (1, 64), "stake_per_sample": (0, 2**64 - 1), "budget": (0, 2**96 - 1)},
    **{"bound": (1e-9, 2**44 / 1e9), "quorum": (0.500001, 1), "penalty_cap": (0, 1), "penalty_rate": (0, 4_294)},
    "interval": (1, 1_000),
    "alpha": (0, 4_294),  # what can be sent: that the pool refuses more than 10, lesson 4 shows
}


@dataclass(frozen=True)
class FederationConfig:
    """What is fixed when a federation is deployed. Times in seconds, money in wei, ratios as plain numbers.

    Attributes:
        parameters: P, the number of model parameters.
        capacity: most clients in a round, at most 256; later ones are refused.
        minimum: fewest commitments with which a round is not void.
        minimum_samples: fewest revealed samples with which a round is not void.
        clipped: whether an update longer than the median length by samples counts as if it were that long. Off
            chain ("norm_clip", "clipped") it is the median of clients; here each costs a sample, see `clip_weights`.
        commit_seconds: the commit phase, which nothing shortens.
        reveal_seconds: longest reveal phase; it ends earlier when everybody has revealed.
        bound: largest absolute value of an update's entry (a plain float, not scaled).
        stake_per_sample: wei a client stakes for each sample it declares.
        cool_down_seconds: time between deregistering and taking the stake; more than a round lasts.
        budget: wei shared among the clients in a round; what the pot holds, if that is less.
        full_samples: revealed samples from which the whole budget is shared; with fewer, in proportion.
        alpha: α, the weight of consistency in (1 + α·C).
        window: K, the rounds over which consistency C counts.
        penalty_rate: share of the stake burned per unit of −S_i/‖g‖².
        penalty_cap: most that one round burns, as a share of the stake.
        interval: rounds in an epoch of the fairness ledger, at most 1,000.
        quorum: share of the samples that must attest to a fairness record for it to count, above one half; of the most
            that were present at once, in a round of its epoch or in the last one that was not void; an epoch of
            void rounds alone has no vote.
        attest_seconds: time to attest, from an epoch's first attestation on.
        pool: the contract that pays: "RewardPool", or one that inherits it and weighs clients by another rule.
        pool_terms: for a pool of another kind, such as "AccuracyAdjusted": its terms in the contract's units, which its
            constructor takes after registry and aggregator; None: the ledger, and the terms above. One that settles by
            more than a count of clients, as that one does by gains, is settled by hand: not by `settle`, `play_round`.

    Raises:
        InvalidInput: a number that no contract takes, less room than the minimum of clients, or a cool-down shorter
            than a round or than the time to attest.
    """

    parameters: int
    capacity: int = 10
    minimum: int = 2
    minimum_samples: int = 1
    clipped: bool = False
    commit_seconds: int = 3_600
    reveal_seconds: int = 3_600
    bound: float = 100.0
    stake_per_sample: int = 10**16
    cool_down_seconds: int = 86_400
    budget: int = 10**18
    full_samples: int = 1
    alpha: float = 0.5
    window: int = 8
    penalty_rate: float = 0.1
    penalty_cap: float = 0.05
    interval: int = 5
    quorum: float = 2 / 3
    attest_seconds: int = 86_400
    pool: str = "RewardPool"
    pool_terms: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.type in ("int", "float"):
                room = _RANGES.get(entry.name, (1, 2**32 - 1))
                whole = entry.type == "int"
                number = check_range(entry.name, getattr(self, entry.name), *room, whole=whole).item()
                if entry.type == "float" and entry.name != "bound":  # 0 is 0, what is smaller would be rounded
                    check_range(entry.name, number or 1, 1e-6, why="ratios are kept in millionths")
                object.__setattr__(self, entry.name, int(number) if whole else number)  # web3 takes no NumPy numbers
        check_flag("clipped", self.clipped)
        object.__setattr__(self, "clipped", bool(self.clipped))
        check_whole("capacity", self.capacity, self.minimum, 256, why="it lies between minimum and 256")
        stays = max(self.commit_seconds + self.reveal_seconds + 1, self.attest_seconds)
        danger = "a stake that leaves sooner escapes its penalty, or votes twice"
        check_whole("cool_down_seconds", self.cool_down_seconds, stays, why=danger)

    def rounds_of(self, epoch: int) -> list[int]:
        """Numbers of the rounds of an epoch of the fairness ledger."""
        epoch = check_whole("epoch", epoch, 0)
        return list(range(epoch * self.interval + 1, (epoch + 1) * self.interval + 1))


@dataclass(frozen=True)
class RoundRecord:
    """One round as the contracts tell it.

    Attributes:
        number: the round's number, from 1.
        clients: addresses that committed, in order.
        samples: n_i of each; 0 for a client that did not reveal.
        scores: S_i of each, integers at scale s² = 10^18; None for a client that did not reveal, 0 in a void round for
            one that did.
        rewards: wei credited to each.
        penalties: wei of stake burned of each.
        consistency: C_i of each, in millionths, as used for its reward; None where no reward was computed.
        factors: F_i of each, in millionths; None where no reward was computed.
        digests: keccak256 of each revealed update, hex; None for a client that did not reveal.
        norm_squared: ‖g‖² at scale s²; 0 for a void round, None before there is an average.
        global_update: g, integers at scale s, shape (P,); empty for a void round, None where it was not read.
        void: whether the round ended without an average.
        gas: gas used by operation ("commit", "reveal", …), one number a transaction; those whose receipts were seen by
            the `Federation` that made the record.
        transactions: transaction hashes by operation, in the same order.
    """

    number: int
    clients: tuple[str, ...]
    samples: tuple[int, ...]
    scores: tuple[int | None, ...]
    rewards: tuple[int, ...]
    penalties: tuple[int, ...]
    consistency: tuple[int | None, ...]
    factors: tuple[int | None, ...]
    digests: tuple[str | None, ...]
    norm_squared: int | None
    global_update: tuple[int, ...] | None
    void: bool
    gas: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    transactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def total_gas(self) -> int:
        """Gas of the transactions in `gas`: what others sent for the round, as `carryOn`, is not in it."""
        return sum(sum(used) for used in self.gas.values())

    def scores_float(self) -> np.ndarray:
        """S_i in the unit of the updates' square, shape (clients,), float64; NaN for a client that did not reveal."""
        return np.array([np.nan if s is None else s / fixed_point.SCALE**2 for s in self.scores])

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values; integers of any size become decimal strings.

        Raises:
            RecordError: g or its norm is not known.
        """
        if self.global_update is None or self.norm_squared is None:
            raise RecordError(f"round {self.number} has no g here: settle it, and take what Federation.record returns")
        return {"kind": "bcfl-round", "version": 1, **json.loads(json.dumps(_convert(asdict(self), str)))}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> RoundRecord:
        """Read back what `to_json` wrote.

        Raises:
            RecordError: if the record is of another kind or version, a field is missing, of another type or in another
                spelling than `to_json`'s, two clients are the same, or columns are not one entry a client, with whole
                numbers from 0 on where they count.
        """
        if not isinstance(record, Mapping) or (record.get("kind"), record.get("version")) != ("bcfl-round", 1):
            raise RecordError("not a round record of version 1; was it truncated, or is it another CID?")
        plain = {key: _to_tuples(value) for key, value in record.items() if key not in ("kind", "version")}
        try:
            found = cls(**_convert(plain, int))
            found._check_entries()
            if json.dumps(found.to_json(), sort_keys=True) != json.dumps(dict(record), sort_keys=True):
                raise ValueError("it is not spelled as to_json does it: scores, wei and g are whole numbers as texts")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RecordError(f"the round record lacks or misnames a field: {error}") from error
        return found

    def _check_entries(self) -> None:
        """Raise ValueError for the first entry that no contract says."""
        if not isinstance(self.void, bool) or not _is_count(self.norm_squared) or not _is_count(self.number, 1):
            said = f"number is {self.number!r}, norm_squared is {self.norm_squared!r}, void is {self.void!r}"
            raise ValueError(f"{said}: whole numbers, from 1 and from 0 on, and for void: give true or false")
        if len(set(self.clients)) != len(self.clients):
            raise ValueError(f"clients are {self.clients}: each is in a round once")
        for name, fits in _ENTRIES.items():
            column = getattr(self, name)
            if name != "global_update" and len(column) != len(self.clients):
                raise ValueError(f"{name} does not have one entry a client")
            if wrong := [value for value in column if not fits(value)]:
                raise ValueError(f"{name} holds {wrong[0]!r}")
        for name, kind in (("gas", _is_count), ("transactions", _is_text)):
            of_step = getattr(self, name)
            if not isinstance(of_step, Mapping) or not all(isinstance(v, tuple) for v in of_step.values()):
                raise ValueError(f"{name} is {of_step!r}: give a list for each operation")
            if wrong := [value for values in of_step.values() for value in values if not kind(value)]:
                raise ValueError(f"{name} holds {wrong[0]!r}")


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and value >= least


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_ENTRIES: dict[str, Callable[[Any], bool]] = {  # by column: what may stand in it
    "clients": _is_text,
    **dict.fromkeys(("samples", "rewards", "penalties"), _is_count),
    **dict.fromkeys(("consistency", "factors"), lambda value: value is None or _is_count(value)),
    "scores": lambda value: value is None or type(value) is int,
    "digests": lambda value: value is None or (_is_text(value) and re.fullmatch("0x[0-9a-f]{64}", value) is not None),
    "global_update": lambda value: type(value) is int,
}


def compute_shortfall(config: FederationConfig, past: RoundRecord) -> int:
    """Wei that a round paid less than its samples entitle it to, since the pot held no more; 0 if it paid in full.

    Nobody has to be paid in a round without a positive score, and each payment is rounded down to the wei. What another
    pool than RewardPool should pay is not known here.

    Args:
        config: the federation's.
        past: a settled round.
    """
    due = config.budget * min(sum(past.samples), config.full_samples) // config.full_samples
    short, earned = due - sum(past.rewards), any((score or 0) > 0 for score in past.scores)
    return short if earned and config.pool_terms is None and short > len(past.clients) else 0


def collect_record(number: int, read: Callable[[Any], list[Any]], said: Any, paid: Any) -> RoundRecord:
    """A round from its events, see `Federation.read_round`.

    Args:
        number: the round.
        read: event → its logs.
        said, paid: the events of the aggregator and of the pool.

    Raises:
        InvalidInput: the number is none of a round.
    """
    number = check_whole("round", number, 0)

    def find(event: Any, key: str = "client") -> dict[Any, Any]:
        return {log["args"][key]: log["args"] for log in read(event) if log["args"]["round"] == number}

    void, averaged = find(said.RoundVoid, "round"), find(said.Aggregated, "round")
    revealed, scored, rewarded, penalized = map(find, (said.Revealed, said.Scored, paid.Rewarded, paid.Penalized))
    joined = [log for event in (said.Committed, said.Displaced) for log in read(event)]
    committed: list[str] = []  # the participants in the contract's order
    for log in sorted(joined, key=lambda log: (log["blockNumber"], log["logIndex"])):
        if log["args"]["round"] == number and log["event"] == "Committed":
            committed.append(log["args"]["client"])
        elif log["args"]["round"] == number:  # who committed last stands in the place of the displaced
            committed[committed.index(log["args"]["client"])] = committed.pop()

    def column(source: Mapping[str, Any], key: str, missing: Any) -> tuple[Any, ...]:
        return tuple(source.get(client, {}).get(key, missing) for client in committed)  # other pools say less

    return RoundRecord(
        number=number,
        clients=tuple(committed),
        samples=column(revealed, "samples", 0),
        scores=tuple(scored[c]["score"] if c in scored else 0 if void and c in revealed else None for c in committed),
        rewards=column(rewarded, "amount", 0),
        penalties=column(penalized, "amount", 0),
        consistency=column(rewarded, "consistency", None),
        factors=column(rewarded, "factor", None),
        digests=tuple("0x" + revealed[c]["digest"].hex() if c in revealed else None for c in committed),
        norm_squared=averaged[number]["normSquared"] if averaged else 0 if void else None,
        global_update=() if void else None,
        void=bool(void),
    )


def _convert(plain: Mapping[str, Any], kind: type[int] | type[str]) -> dict[str, Any]:
    """A record's fields with the integers that may exceed JSON's as `kind`."""
    names = ("scores", "rewards", "penalties", "global_update")
    columns = {name: tuple(None if value is None else kind(value) for value in plain[name]) for name in names}
    return {**plain, **columns, "norm_squared": kind(plain["norm_squared"])}


def _to_tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _to_tuples(part) for key, part in value.items()}
    return tuple(value) if isinstance(value, list) else value
