"""What a caller gives a federation, checked and spelled as the contracts take it, before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from eth_utils import is_checksum_address

from bcfl_support.chain import check_address
from bcfl_support.checks import check_list, check_range
from bcfl_support.errors import FixedPointError, InvalidInput, InvalidUpdate
from bcfl_support.incentives import MAX_FACTOR, MIN_FACTOR
from bcfl_support.protocol import fixed_point
from bcfl_support.protocol.commitments import compute_digest
from bcfl_support.protocol.rounds import FederationConfig


def check_clients(clients: Iterable[str]) -> list[str]:
    """Addresses of clients as the chain spells them, each once; `InvalidInput` for what is none, or there twice."""
    found: list[str] = [check_address("client", client) for client in check_list("clients", clients)]
    if twice := [client for client, times in Counter(found).items() if times > 1]:
        raise InvalidInput(f"{twice[0]} is there twice, maybe in two spellings: give each client once")
    return found


def encode_update(config: FederationConfig, client: str, update: Any, scaled: bool = False) -> np.ndarray:
    """An update as the contract takes it: P integers, of an address as the chain spells it.

    Args:
        config: what the federation fixes.
        client: whose it is.
        update, scaled: as in `Federation.prepare`.

    Returns:
        int64 array, shape (P,).

    Raises:
        FixedPointError, InvalidUpdate: as in `Federation.prepare`; the message has the client.
    """
    if not is_checksum_address(client):
        raise InvalidUpdate(f"client is {client!r}, no address as the chain spells it: take one of chain.accounts")
    name = f"the update of {client}"
    try:
        encoded = fixed_point.to_integers(name, update, config.parameters, scaled=scaled, bound=config.bound)
    except FixedPointError as error:
        raise FixedPointError(f"in {name}, {error}", error.index) from None
    if not encoded.any():
        zero = f"every entry of {name} is 0 (at scale {fixed_point.SCALE:,}), which the contract refuses"
        raise InvalidUpdate(f"{zero} as the work of nobody: leave this client out of the round")
    return encoded


def digest_updates(config: FederationConfig, updates: Mapping[str, Any]) -> dict[str, bytes]:
    """Client → keccak256 of its update, of all that one round is given.

    Args:
        config: what the federation fixes.
        updates: client address → update.

    Raises:
        FixedPointError, InvalidUpdate: as in `encode_update`; no updates, more than there is room for, or two the same.
    """
    if not isinstance(updates, Mapping) or not 0 < len(updates) <= config.capacity:
        given = f"{len(updates)} updates were" if isinstance(updates, Mapping) else f"a {type(updates).__name__} was"
        room = f"a round needs at least one client and has room for {config.capacity}: give as many, by address"
        raise InvalidUpdate(f"{given} given; {room}")
    digests = {client: compute_digest(encode_update(config, client, update)) for client, update in updates.items()}
    authors: dict[bytes, str] = {}
    for client, digest in digests.items():
        if (first := authors.setdefault(digest, client)) != client:
            raise InvalidUpdate(f"{first} and {client} sent the same update; leave out the one that is a copy")
    return digests


def check_statement(epoch: Any, record: Any, factors: Mapping[str, int], members: Collection[str]) -> dict[str, int]:
    """Factors by addresses as the chain spells them, once they and what they belong to are checked.

    Args:
        epoch, record, factors: as in `Federation.attest`.
        members: who has ever registered.

    Raises:
        InvalidInput: as in `Federation.attest`.
    """
    check_range("epoch", epoch, 0, 2**64, whole=True)
    if not isinstance(record, bytes) or len(record) != 32:
        raise InvalidInput(f"record is {record!r}: give the 32 bytes that ipfs.cid_digest makes of its CID")
    if not isinstance(factors, Mapping) or not factors:
        raise InvalidInput(f"factors are {factors!r}: give one for each client of the epoch, by its address")
    numbers = dict(zip(check_clients(factors), factors.values(), strict=True))
    for client, factor in numbers.items():
        bounds, why = (MIN_FACTOR, MAX_FACTOR), "it is in millionths"
        check_range(f"the factor of {client}", factor, *bounds, whole=True, why=why)
        if client not in members:
            raise InvalidInput(f"factors has {client}, which never registered: give those of the epoch's clients")
    return {client: int(factor) for client, factor in numbers.items()}
