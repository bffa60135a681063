"""The four contracts put on chain, each with the others' addresses; and what their refusals mean, in sentences."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any, Self

import numpy as np
from web3.contract import Contract
from web3.contract.contract import ContractConstructor
from web3.exceptions import MismatchedABI, Web3Exception
from web3.types import Nonce, TxReceipt
from web3.utils import get_create_address

from bcfl_support.chain import Chain, check_address, load_artifact, require_kept
from bcfl_support.checks import check_kind
from bcfl_support.errors import ContractError, InvalidInput, TransactionFailed
from bcfl_support.incentives import PPM
from bcfl_support.protocol import fixed_point
from bcfl_support.protocol.rounds import FederationConfig

CONTRACTS = ("ClientRegistry", "Aggregator", "FairnessLedger", "RewardPool")
"""In the order in which they are deployed."""

EXPLANATIONS: dict[str, str] = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8"))
"""Custom errors of the contracts in words, see `Chain.explain`."""


class Deployed:
    """The four contracts, at hand for as long as the chain has the block in which the last of them was deployed.

    A `revert` of the chain to before that takes them away. Then a call would succeed, do nothing, and leave its money
    where no code is; or it would reach another federation, since who deploys again gets the same addresses.

    Attributes:
        chain: the chain they live on.
        deployment: the receipts of the four deployments, by contract name; one that was found has the last block then.
    """

    def __init__(self, chain: Chain, config: FederationConfig, publisher: str, pool: str = "") -> None:
        made = find_contracts(chain, config, pool) if pool else deploy_contracts(chain, config, publisher)
        self.chain, (self._contracts, self.deployment) = chain, made

    @classmethod
    def at(cls, chain: Chain, config: FederationConfig, pool: str, *, publisher: str | None = None) -> Self:
        """A federation that is on chain already, to go on after a restart with submissions that were kept elsewhere.

        Of rounds that are over only their gas is not known.

        Args:
            chain: where it is.
            config: what it was deployed with.
            pool: the address of its `RewardPool`, which leads to the other contracts.
            publisher: who sends what anyone may; default: the chain's first account.

        Raises:
            InvalidInput: there is no such federation, or one with another configuration.
        """
        return cls(chain, config, publisher or chain.accounts[0], pool)

    def _get(self, name: str) -> Contract:
        made = self.deployment["RewardPool"]
        require_kept(self.chain, made, "this federation was deployed", "deploy another with Federation.deploy")
        return self._contracts[name]

    @property
    def registry(self) -> Contract:
        """`ClientRegistry`. This and the next three raise `InvalidInput` if the chain was reverted past them."""
        return self._get("ClientRegistry")

    @property
    def aggregator(self) -> Contract:
        """`Aggregator`."""
        return self._get("Aggregator")

    @property
    def ledger(self) -> Contract:
        """`FairnessLedger`."""
        return self._get("FairnessLedger")

    @property
    def pool(self) -> Contract:
        """`RewardPool`, or another that pays."""
        return self._get("RewardPool")


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
        ToolMissing: no compiled contract has the pool's name. Nothing was sent, as with the next two.
        InvalidInput: a pool without code, or with terms that its constructor cannot take, or a publisher that is no
            address.
        ContractError: if a constructor refuses the configuration. Of terms that the pool refuses nothing was sent.
        RuntimeError: if a contract did not land at the predicted address.
    """
    check_kind("config", config, FederationConfig, "a FederationConfig")
    chain.explain(EXPLANATIONS)
    account = check_address("publisher", publisher)
    first = chain.w3.eth.get_transaction_count(account)
    addresses = [get_create_address(account, Nonce(first + k)) for k in range(4)]
    registry, aggregator, ledger, pool = addresses
    alpha, rate, cap = (round(ratio * PPM) for ratio in (config.alpha, config.penalty_rate, config.penalty_cap))
    pays = (ledger, (config.budget, config.full_samples, alpha, config.window, rate, cap))
    arguments: tuple[tuple[Any, ...], ...] = (
        (config.stake_per_sample, config.cool_down_seconds, pool),
        (registry, pool, account, _round_terms(config)),
        (registry, aggregator, config.interval, math.ceil(config.quorum * PPM), config.attest_seconds),
        (registry, aggregator, *(pays if config.pool_terms is None else [config.pool_terms])),
    )
    artifacts = [load_artifact(name) for name in (*CONTRACTS[:3], config.pool)]
    constructors = [chain.constructor(artifact, *given) for artifact, given in zip(artifacts, arguments, strict=True)]
    _check_terms(chain, constructors[-1], account)
    contracts, receipts = {}, {}
    for name, artifact, expected, call in zip(CONTRACTS, artifacts, addresses, constructors, strict=True):
        receipts[name] = chain.send(call, sender=account)
        contracts[name] = chain.contract(str(receipts[name]["contractAddress"]), artifact)
        if contracts[name].address != expected:
            cause = f"another transaction of {account} came in between; deploy again"
            raise RuntimeError(f"{name} landed at {contracts[name].address}, expected {expected}: {cause}")
    return contracts, receipts


def find_contracts(
    chain: Chain, config: FederationConfig, pool: str
) -> tuple[dict[str, Contract], dict[str, TxReceipt]]:
    """The four contracts that a pool is one of, as `deploy_contracts` gives them; see `Deployed.at`."""
    check_kind("config", config, FederationConfig, "a FederationConfig")
    chain.explain(EXPLANATIONS)
    paying = chain.contract(pool, load_artifact(config.pool))
    last: Any = chain.w3.eth.get_block("latest" if chain.local else "finalized")
    try:
        asked = (paying.functions[name]().call() for name in ("registry", "aggregator", "ledger"))
        others = [chain.contract(at, load_artifact(name)) for name, at in zip(CONTRACTS, asked, strict=False)]
        same = others[1].functions.config().call() == _round_terms(config)
    except (ContractError, Web3Exception) as error:
        raise InvalidInput(f"there is no federation with {config.pool} at {pool}: {error}") from None
    if not same:
        raise InvalidInput(f"the federation at {pool} has other terms of a round: give the config it was deployed with")
    block: Any = {"blockNumber": last["number"], "blockHash": last["hash"]}
    return dict(zip(CONTRACTS, [*others, paying], strict=True)), dict.fromkeys(CONTRACTS, block)


def _round_terms(config: FederationConfig) -> tuple[Any, ...]:
    """What the aggregator fixes, as its constructor takes it."""
    who = (config.parameters, config.capacity, config.minimum, config.minimum_samples)
    bound = int(fixed_point.encode(np.array([config.bound]))[0])
    return (*who, config.commit_seconds, config.reveal_seconds, bound, config.clipped)


def check_pool(pool: Contract) -> None:
    """Refuse a pool that `Federation.settle` cannot settle: it gives a number of clients and nothing else.

    Args:
        pool: the contract that pays.

    Raises:
        InvalidInput: its `settle` takes other arguments, as `AccuracyAdjusted`'s does.
    """
    try:
        pool.functions.settle(1)
    except MismatchedABI:
        steps = "play the round step by step, up to score(), and settle it with pool.functions.settle"
        raise InvalidInput(f"this pool's settle takes more than a count of clients: {steps}") from None


def _check_terms(chain: Chain, pool: ContractConstructor, sender: str) -> None:
    """Refuse terms before three other contracts are paid for: a pool's constructor looks at them first.

    That it misses the other contracts, which are not there yet, is no refusal.
    """
    try:
        chain.check([(pool, sender, 0)])
    except (ContractError, TransactionFailed) as refused:
        if isinstance(refused, ContractError) and refused.name == "BadTerms":
            raise
