"""The four contracts put on chain, each with the others' addresses; and what their refusals mean, in sentences."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from eth_utils import to_checksum_address
from web3.contract import Contract
from web3.types import Nonce, TxReceipt
from web3.utils import get_create_address

from bcfl_support.chain import Chain, load_artifact
from bcfl_support.incentives import PPM
from bcfl_support.protocol import fixed_point
from bcfl_support.protocol.rounds import FederationConfig

CONTRACTS = ("ClientRegistry", "Aggregator", "FairnessLedger", "RewardPool")
"""In the order in which they are deployed."""

EXPLANATIONS: dict[str, str] = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8"))
"""Custom errors of the contracts in words, see `Chain.explain`."""


def deploy_contracts(
    chain: Chain, config: FederationConfig, publisher: str
) -> tuple[dict[str, Contract], dict[str, TxReceipt]]:
    """Deploy the four contracts.

    They refer to one another, and nobody may change that later, so each is given the others' addresses in its
    constructor — also addresses of contracts that do not exist yet. An address made by CREATE is known beforehand:
    the last 20 bytes of keccak256(rlp([sender, transactions it has sent before])) (yellow paper, section 7).

    Args:
        chain: where to.
        config: what the federation fixes.
        publisher: who pays.

    Returns:
        Contracts and receipts, by contract name.

    Raises:
        ContractError: if a constructor refuses the configuration.
        RuntimeError: if a contract did not land at the predicted address.
    """
    chain.explain(EXPLANATIONS)
    account = to_checksum_address(publisher)
    first = chain.w3.eth.get_transaction_count(account)
    addresses = [get_create_address(account, Nonce(first + k)) for k in range(4)]
    registry, aggregator, ledger, pool = addresses
    bound = int(fixed_point.encode(np.array([config.bound]))[0])
    round_ = (config.parameters, config.capacity, config.minimum, config.minimum_samples, config.commit_seconds)
    alpha, rate, cap = (round(ratio * PPM) for ratio in (config.alpha, config.penalty_rate, config.penalty_cap))
    pays = (ledger, (config.budget, config.full_samples, alpha, config.window, rate, cap))
    arguments: tuple[tuple[Any, ...], ...] = (
        (config.stake_per_sample, config.cool_down_seconds, pool),
        (registry, pool, publisher, (*round_, config.reveal_seconds, bound, config.clipped)),
        (registry, aggregator, config.interval, math.ceil(config.quorum * PPM), config.attest_seconds),
        (registry, aggregator, *(pays if config.pool_terms is None else [config.pool_terms])),
    )
    contracts, receipts = {}, {}
    for name, expected, given in zip(CONTRACTS, addresses, arguments, strict=True):
        artifact = load_artifact(config.pool if name == "RewardPool" else name)
        contracts[name], receipts[name] = chain.deploy(artifact, *given, sender=publisher)
        if contracts[name].address != expected:
            cause = f"another transaction of {publisher} came in between; deploy again"
            raise RuntimeError(f"{name} landed at {contracts[name].address}, expected {expected}: {cause}")
    return contracts, receipts
