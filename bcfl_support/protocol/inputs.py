"""What a caller gives a federation, checked and spelled as the contracts take it, before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np

from bcfl_support.chain import check_address
from bcfl_support.checks import check_kind, check_list, check_order, check_rows, check_whole
from bcfl_support.errors import ContractError, FixedPointError, InvalidInput, InvalidUpdate
from bcfl_support.incentives import MAX_FACTOR, MIN_FACTOR
from bcfl_support.protocol import fixed_point
from bcfl_support.protocol.commitments import Submission, compute_digest
from bcfl_support.protocol.deployment import EXPLANATIONS
from bcfl_support.protocol.rounds import FederationConfig


def check_clients(clients: Iterable[str]) -> list[str]:
    """Addresses of clients as the chain spells them, each once; `InvalidInput` for what is none, or there twice."""
    found: list[str] = [check_address("client", client) for client in check_list("clients", clients)]
    if twice := [client for place, client in enumerate(found) if client in found[:place]]:
        raise InvalidInput(f"{twice[0]} is there twice, maybe in two spellings: give each client once")
    return found


def by_client(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What each client has, by its address as the chain spells it.

    Args:
        name: what is given, for the message.
        given: client address → whatever it is, each client once.

    Raises:
        InvalidInput: it is not given by client, a client is no address, or there twice, in two spellings.
    """
    check_kind(name, given, Mapping, "one for each client, by its address")
    return dict(zip(check_clients(given), given.values(), strict=True))


def list_of_each(name: str, values: Any, clients: Any) -> list[Any]:
    """A row of values, one a client; `InvalidInput` for a Series whose index is another order than the clients'."""
    check_rows({"clients": clients, name: values})
    check_order(name, values, clients)
    return check_list(name, values)


def encode_updates(
    config: FederationConfig, updates: Mapping[str, Any], scaled: bool = False, *, room: int | None = None
) -> dict[str, tuple[np.ndarray, bytes]]:
    """Updates of one round as the contract takes them.

    Args:
        config: what the federation fixes.
        updates, scaled: as in `Federation.prepare`.
        room: for how many clients there is room in the round, which then needs one; None: any number will do.

    Returns:
        Client → P integers, int64, and keccak256 of them.

    Raises:
        FixedPointError, InvalidUpdate, InvalidInput: as in `Federation.prepare`; the message has the client.
    """
    encoded: dict[str, tuple[np.ndarray, bytes]] = {}
    authors: dict[bytes, str] = {}
    given = by_client("updates", updates)
    if room is not None and not 0 < len(given) <= room:
        needed = f"a round needs at least one client and has room for {room}: give as many, by address"
        raise InvalidUpdate(f"{len(given)} updates were given; {needed}")
    check_rows({f"the update of {client}": update for client, update in given.items()})
    for client, update in given.items():
        name = f"the update of {client}"
        try:
            values = fixed_point.to_integers(name, update, config.parameters, scaled=scaled, bound=config.bound)
        except FixedPointError as error:
            raise FixedPointError(f"in {name}, {error}", error.index) from None
        if not values.any():
            zero = f"every entry of {name} is 0 (at scale {fixed_point.SCALE:,}), which the contract refuses"
            raise InvalidUpdate(f"{zero} as the work of nobody: leave this client out of the round")
        digest = compute_digest(values)
        if (first := authors.setdefault(digest, client)) != client:
            raise InvalidUpdate(f"{first} and {client} sent the same update; leave out the one that is a copy")
        encoded[client] = values, digest
    return encoded


def check_submissions(submissions: Iterable[Submission], aggregator: str = "") -> list[Submission]:
    """What a round's steps are given; `InvalidInput` for what `Federation.prepare` has not made, or another's has."""
    if not (found := check_list("submissions", submissions)) and aggregator:
        raise InvalidInput("submissions are empty: give what prepare has made of the updates")
    for given in found:
        check_kind("a submission", given, Submission, "what prepare has made of the updates")
        if aggregator and given.aggregator not in ("", aggregator):
            other = f"the federation of {given.aggregator}, and this is that of {aggregator}"
            raise InvalidInput(f"{given.client} prepared its update for {other}: prepare it here")
    return found


def pick_submissions(number: int, read: Callable[[str], bytes], submissions: list[Submission]) -> list[Submission]:
    """Those of a round; of several of one client that which the chain has, and all of them while it has none.

    Args:
        number: the round.
        read: client → its commitment in it, zeros if it has none.
        submissions: what clients have prepared, in this round and in others.
    """
    mine = {(s.client, s.commitment): s for s in submissions if s.round_number == number}
    counts = Counter(client for client, _ in mine)
    there = {(client, bytes(read(client))) for client, count in counts.items() if count > 1} & set(mine)
    settled = {client for client, _ in there}
    return [s for key, s in mine.items() if key in there or s.client not in settled]


def require_idle(state: Mapping[str, Any]) -> int:
    """Number of the last round, of a federation in this state; `ContractError` if it still runs, with the way on."""
    if state["phase"] != "Idle":
        steps = "commit(fed.submissions), end_phase('Commit'), reveal(fed.submissions), end_phase('Reveal'), "
        steps += "aggregate(), score(), settle(); without submissions that were refused, or are there already"
        running = f"round {state['number']} is in phase {state['phase']}; end it first, from there on: {steps}"
        raise ContractError(f"WrongPhase: {running}", "WrongPhase")
    return int(state["number"])


def refuse_copies(updates: Mapping[str, tuple[Any, bytes]], read: Callable[[Any, int], list[Any]], said: Any) -> None:
    """Refuse what the contract would take for a copy in the next round, see `Submissions.sol`.

    That is what others revealed in the last round that was not void or since, from whoever was neither the first nor
    the last to reveal it.

    Args:
        updates: client → the update it will reveal, and keccak256 of it.
        read: event and first block → its logs from there on.
        said: the events of the aggregator, of which no round is running.

    Raises:
        ContractError: CopiedUpdate, for the first such client.
    """
    void = {log["args"]["round"] for log in read(said.RoundVoid, 0)}
    since = [log["blockNumber"] for log in read(said.RoundOpened, 0) if log["args"]["round"] not in void]
    last = {log["args"]["digest"]: log["args"]["client"] for log in read(said.Revealed, since[-1])} if since else {}
    for client, (_, digest) in updates.items():
        if last.get(digest, client) != client:
            past = read(said.Revealed, 0)
            first = next(log["args"]["client"] for log in past if log["args"]["digest"] == digest)
            if first != client:
                refused = f"CopiedUpdate: {EXPLANATIONS['CopiedUpdate'].format(first=first)}"
                raise ContractError(f"{refused}, or leave {client} out of the round", "CopiedUpdate")


def check_statement(
    epoch: Any, record: Any, factors: Mapping[str, int], members: Collection[str]
) -> tuple[int, dict[str, int]]:
    """The epoch, and factors by addresses as the chain spells them, once they and what they belong to are checked.

    Args:
        epoch, record, factors: as in `Federation.attest`.
        members: who has ever registered.

    Raises:
        InvalidInput: as in `Federation.attest`.
    """
    epoch = check_whole("epoch", epoch, 0, 2**64)  # the ABI takes no NumPy numbers, here and below
    if not isinstance(record, bytes) or len(record) != 32:
        raise InvalidInput(f"record is {record!r}: give the 32 bytes that ipfs.cid_digest makes of its CID")
    if not (numbers := dict(sorted(by_client("factors", factors).items()))):  # the order of compute_factors_hash
        raise InvalidInput("factors are empty: give one for each client of the epoch, by its address")
    for client, factor in numbers.items():
        bounds, why = (MIN_FACTOR, MAX_FACTOR), "it is in millionths"
        numbers[client] = check_whole(f"the factor of {client}", factor, *bounds, why=why)
        if client not in members:
            raise InvalidInput(f"factors has {client}, which never registered: give those of the epoch's clients")
    return epoch, numbers
