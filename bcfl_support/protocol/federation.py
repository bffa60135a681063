"""A federation on chain: deploy, register, commit, reveal, aggregate, score, settle, attest, claim.

ClientRegistry → Aggregator → RewardPool, and by way of IPFS the FairnessLedger. `Federation` is a thin typed face of
these contracts: it encodes, sends in batches, pages work that does not fit one transaction, and turns what the chain
says into records. It computes no score and no reward itself: what a `RoundRecord` holds was read from the contracts,
all but the average g from their events.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator
from web3.types import TxReceipt

from bcfl_support.chain import TX_GAS_CAP, Chain
from bcfl_support.checks import check_choice, check_generator, check_range, check_whole
from bcfl_support.errors import InvalidInput, RecordError
from bcfl_support.protocol import fixed_point, inputs
from bcfl_support.protocol.commitments import PART, Submission, bind_updates, compute_factors_hash
from bcfl_support.protocol.deployment import Deployed, check_pool
from bcfl_support.protocol.rounds import PHASES, FederationConfig, RoundRecord, collect_record, compute_shortfall


class Federation(Deployed):
    """The four contracts of a federation, and the transactions of a round in their order. Made by `deploy` or `at`.

    Attributes:
        chain: the chain it lives on.
        config: what it was deployed with.
        publisher: who paid for that, and sends what anyone may.
        registry, aggregator, ledger, pool: the web3 contracts; everything they offer may be called directly.
        deployment: the receipts of the four deployments, by contract name.
        submissions: of this round, what clients committed to, or all they may have; their salts are nowhere else.
    """

    def __init__(self, chain: Chain, config: FederationConfig, publisher: str, pool: str = "") -> None:
        super().__init__(chain, config, publisher, pool)
        self.config, self.publisher = config, publisher
        self.submissions: list[Submission] = []
        self._lost = set[int]()  # rounds in which an interrupt may have kept a transaction from the bill
        self._bills: dict[int, dict[str, dict[bytes, TxReceipt]]] = {}  # by round, operation, transaction

    # ------------------------------------------------------------------------------------------------ setting up
    @classmethod
    def deploy(cls, chain: Chain, config: FederationConfig, *, publisher: str | None = None) -> Federation:
        """Deploy the four contracts, see `deploy_contracts`.

        Args:
            chain: where to.
            config: what the federation fixes.
            publisher: who pays for the deployment and may stop new rounds; default: the chain's first account.

        Raises:
            ToolMissing, InvalidInput, ContractError, RuntimeError: as in `deploy_contracts`.
        """
        return cls(chain, config, publisher or chain.accounts[0])

    def register(self, clients: Sequence[str], samples: Sequence[int], *, stake: int | None = None) -> list[TxReceipt]:
        """Register clients, each with the stake its sample count asks for.

        Args:
            clients: addresses.
            samples: declared sample count n_i of each.
            stake: wei to send instead of what is asked (to see it refused).

        Returns:
            One receipt a client.

        Raises:
            InvalidInput: a count or the stake is no whole number, a client no address, or there is not one count each.
            ContractError: AlreadyRegistered, ZeroSamples, TooManySamples, InsufficientStake or ExcessStake.
        """
        clients, samples = inputs.check_clients(clients), inputs.list_of_each("samples", samples, clients)
        counts = check_range("samples", samples, 0, row=True, whole=True, why="samples are counted").tolist()
        if len(clients) != len(counts):
            raise InvalidInput(f"{len(clients)} clients and {len(counts)} sample counts: give one count a client")
        register, asked = self.registry.functions.register, self.config.stake_per_sample
        sent = None if stake is None else check_whole("stake", stake, 0, why="it is wei")
        each = zip(clients, counts, strict=True)
        return self.chain.send_many([(register(n), client, n * asked if sent is None else sent) for client, n in each])

    def fund(self, amount: int, *, sender: str | None = None) -> TxReceipt:
        """Put money into the pot from which rewards are paid: a budget for each round that is to be played.

        Args:
            amount: wei.
            sender: who gives it; None: the publisher.

        Raises:
            InvalidInput: the amount is no whole number, or the federation is stopped and no round runs.
            ContractError: NothingToFund, if the amount is 0.
        """
        amount, state = check_whole("amount", amount, 0, why="it is wei"), self.round_state()
        if state["stopped"] and state["phase"] == "Idle":
            raise InvalidInput(f"{amount} wei for a stopped federation: no round can pay them, keep them")
        return self.chain.send(self.pool.functions.fund(), sender=sender or self.publisher, value=amount)

    # ------------------------------------------------------------------------------------------------ one round
    def open_round(self) -> int:
        """Open the next round and return its number.

        Raises:
            ContractError: WrongPhase, if a round is running, with the calls that end it; FederationStopped.
        """
        number = inputs.require_idle(self.round_state())
        self._bills.pop(number + 1, None)  # of a round of that number that a `revert` has undone
        self._lost.discard(number + 1)
        self._send_many("open", [(self.aggregator.functions.openRound(), self.publisher, 0)])
        return self.round_number

    def prepare(self, updates: Mapping[str, Any], *, rng: Generator, scaled: bool = False) -> list[Submission]:
        """Encode each client's update and bind it to the current round: one submission each, in the given order.

        Args:
            updates: client address → update, shape (P,), numbers that mean their value, whatever their dtype.
            rng: source of the salts. A lesson passes a seeded one so that its hashes repeat; a client with something
                to lose draws its salt from ``secrets.token_bytes(32)``.
            scaled: whether the updates are integers at scale s already, as `encode` makes them; only the contract
                then looks at the bound.

        Raises:
            FixedPointError: if an entry is NaN, infinite or beyond the bound, naming the client and the entry.
            InvalidUpdate: if an update is no vector of P numbers (integers if `scaled`), zero in every entry, or equal
                to another's: the second to reveal it is refused, and loses stake. To see that, prepare it apart.
            InvalidInput: updates that are not given by address, each once, or an rng that is no generator.
        """
        check_generator(rng)
        return self._bind(inputs.encode_updates(self.config, updates, scaled), rng, self.round_number)

    def _bind(self, encoded: Mapping[str, tuple[np.ndarray, bytes]], rng: Generator, number: int) -> list[Submission]:
        place = {"chain_id": self.chain.w3.eth.chain_id, "aggregator": self.aggregator.address}
        return bind_updates(encoded, rng, **place, round_number=number)

    def commit(self, submissions: Sequence[Submission]) -> list[TxReceipt]:
        """Send every commitment. They are taken until the deadline; then `end_phase` moves on.

        Raises:
            InvalidInput: nothing that `prepare` has made, or made for another federation: nobody could reveal it.
            ContractError: NotRegistered, AlreadyCommitted, RoundFull, WrongRound, DeadlinePassed or WrongPhase.
        """
        said, given = self.aggregator.functions, inputs.check_submissions(submissions, self.aggregator.address)
        keep = partial(inputs.pick_submissions, self.round_number, lambda client: said.entryOf(client).call()[0])
        self.submissions = keep([*self.submissions, *given])
        calls = [(said.commit(s.round_number, s.commitment), s.client, 0) for s in given]
        try:
            return self._send_many("commit", calls)
        finally:  # also of what was refused or interrupted the chain knows whose commitments it has
            self.submissions = keep(self.submissions)

    def reveal(self, submissions: Sequence[Submission]) -> list[TxReceipt]:
        """Send every update with its salt, in parts of `PART` entries. With all in, the aggregation opens by itself.

        Keep what `commit` was given: each `prepare` draws new salts, and only those committed to open a commitment.

        Raises:
            InvalidInput: as in `commit`.
            ContractError: CommitmentMismatch, AlreadyRevealed, CopiedUpdate, ValueOutOfBounds, DeadlinePassed or
                WrongPhase.
        """
        said, size, receipts = self.aggregator.functions, self.config.parameters, []
        show = said.revealPart if size > PART else lambda _, values, salt: said.reveal(values, salt)
        given = inputs.check_submissions(submissions)
        for start in range(0, size, PART):  # each part is refused before the one before it
            calls = [(show(start, s.values[start : start + PART].tolist(), s.salt), s.client, 0) for s in given]
            receipts += self._send_many("reveal", calls)
        return receipts

    def end_phase(self, phase: str) -> None:
        """Let the clock run out and move the round on, if it still is in `phase`; anyone may.

        Args:
            phase: "Commit" or "Reveal". If the round is in another, nothing happens: all revealed before the deadline.

        Raises:
            InvalidInput: another phase, which no clock ends.
            ServiceError: the deadline is ahead and the chain not ours, so that nobody can move its clock: wait for it.
        """
        check_choice("phase", phase, PHASES[1:3])
        state = self.round_state()
        if state["phase"] == phase:
            self.chain.wait_until(state["deadline"])
            self._send_many("advance", [(self.aggregator.functions.advance(), self.publisher, 0)])

    def aggregate(self) -> list[TxReceipt]:
        """Have the contract average the updates: g_j = Σ w_i·v_ij / W, in as many pages as the gas cap asks for."""
        return self._paged("aggregate", self.aggregator.functions.aggregate, self.config.parameters, "Aggregate")

    def score(self) -> list[TxReceipt]:
        """Have the contract score the clients: S_i = w_i·Σ_j v_ij·g_j / W, in as many pages as needed."""
        entries = self.config.capacity * self.config.parameters
        return self._paged("score", self.aggregator.functions.score, entries, "Score")

    def settle(self) -> RoundRecord:
        """Have the contract pay and penalize, close the round, and read its record back.

        A pot that holds less than the budget is shared in its place, and stake is burned all the same, be it empty: the
        contract's rule, of which a Python warning tells afterwards. Money given before the first payment counts.

        Raises:
            InvalidInput: the pool takes more than a count of clients, see `FederationConfig.pool_terms`.
            ContractError: NothingToSettle: the round is not scored yet, or somebody has settled it.
        """
        return self._settle()

    def _settle(self) -> RoundRecord:
        """`settle`; a warning names the line that called what called this."""
        check_pool(self.pool)
        number = self.round_number
        self._paged("settle", self.pool.functions.settle, 2 * self.config.capacity, "Settle")
        past = self.record(number)
        if short := compute_shortfall(self.config, past):
            warnings.warn(f"round {number} paid {short} wei too little: the pot held no more", stacklevel=3)
        return past

    def play_round(self, updates: Mapping[str, Any], *, rng: Generator) -> RoundRecord:
        """One whole round: open, commit, reveal, aggregate, score, settle; its record.

        All that is given is checked before the round is open, also against what was revealed before. With fewer clients
        than `minimum`, or fewer samples than `minimum_samples`, the round is void: it is settled at once, as its record
        says. Where a contract refuses a later step, as it may when somebody else's transactions come in between, the
        round stays open and `submissions` has what was prepared: go on with those not refused; `open_round` says how.

        Args:
            updates, rng: as in `prepare`.

        Raises:
            ServiceError: the chain is not ours, so that nobody can let its clock run out.
            InvalidInput: a pool that `settle` cannot settle, or an rng that is no generator.
            InvalidUpdate, FixedPointError: as in `prepare`; no updates, more than there is room for, or two the same.
            ContractError: a contract refuses a client or a step, e.g. NotRegistered, CopiedUpdate.
        """
        self.chain.require_own("move the clock")
        check_pool(self.pool)
        check_generator(rng)
        encoded = inputs.encode_updates(self.config, updates, room=self.config.capacity)
        eligible = self.registry.functions.eligibleSamples
        self.chain.check((eligible(client), client, 0) for client in encoded)  # as `commit` will
        number = inputs.require_idle(self.round_state()) + 1
        inputs.refuse_copies(encoded, self.chain.events, self.aggregator.events)
        self.submissions = submissions = self._bind(encoded, rng, number)  # first: whatever stops it now, they are here
        self.open_round()
        self.commit(submissions)
        self.end_phase("Commit")
        if not self.round_state()["void"]:
            self.reveal(submissions)
            self.end_phase("Reveal")
        if not self.round_state()["void"]:
            self.aggregate()
            self.score()
        return self._settle()

    # ------------------------------------------------------------------------------------------------ fairness, money
    def attest(
        self, epoch: int, record: bytes, factors: Mapping[str, int], *, clients: Sequence[str]
    ) -> list[TxReceipt]:
        """Let `clients` attest that `record` holds the fairness factors of `epoch`; one receipt each.

        Once some hold samples enough, no more votes are taken. Who comes after is no failure: its receipt has status 0.

        Args:
            epoch: epoch e covers the rounds e·interval + 1 … (e + 1)·interval.
            record: sha2-256 digest of the record, 32 bytes; see ``ipfs.cid_digest``.
            factors: client address → factor in millionths.
            clients: who attests.

        Raises:
            InvalidInput: an epoch that is none, a record that is not 32 bytes, or no factors, one that the ledger would
                never apply, or one of what is no client: a quorum for it would spend the epoch.
            ContractError: AlreadyAttested, EpochNotOver, EpochExpired, NotRegistered; NobodyPresent, if all of the
                epoch's rounds were void; AlreadyAgreed, if it was before this call.
        """
        epoch, numbers = inputs.check_statement(epoch, record, factors, self._find_members())
        statement = (epoch, record, compute_factors_hash(numbers))
        if not (voters := inputs.check_clients(clients)):
            raise InvalidInput("nobody is to attest: name at least one client")
        ledger = self.ledger.functions
        call = ledger.attest(*statement)
        receipts = self.chain.send_many([(call, client, 0) for client in voters], check=False)
        if ledger.votesFor(*statement).call() >= ledger.epochOf(epoch).call()[3]:
            return receipts
        # Without a quorum a refusal has another reason; asked again, the ledger says it.
        pairs = zip(voters, receipts, strict=True)
        return [receipt if receipt["status"] else self.chain.send(call, sender=client) for client, receipt in pairs]

    def apply_factors(self, epoch: int, record: bytes, factors: Mapping[str, int]) -> TxReceipt:
        """Write the agreed factors on chain.

        Args:
            epoch, record, factors: as in `attest`.

        Raises:
            InvalidInput: as in `attest`.
            ContractError: NoAgreement, without a quorum for exactly these; AlreadyApplied, EpochExpired, EpochOver.
        """
        epoch, numbers = inputs.check_statement(epoch, record, factors, self._find_members())
        call = self.ledger.functions.applyFactors(epoch, record, list(numbers), list(numbers.values()))
        return self.chain.send(call, sender=self.publisher)

    def _find_members(self) -> set[str]:
        return {log["args"]["client"] for log in self.chain.events(self.registry.events.Registered)}

    def withdraw(self, clients: Sequence[str]) -> list[TxReceipt]:
        """Let each client take out its whole credit; `ContractError` NothingToWithdraw, if one has none."""
        call = self.pool.functions.withdraw()
        return self.chain.send_many([(call, client, 0) for client in inputs.check_clients(clients)])

    # ------------------------------------------------------------------------------------------------ reading
    @property
    def round_number(self) -> int:
        """Number of the current (or last) round; 0 before the first."""
        return self.aggregator.functions.currentRound().call()[0]

    def round_state(self) -> dict[str, Any]:
        """The current round: number, deadline, committed, revealed, cursor, phase (by name), stopped, void, since."""
        names = ("number", "deadline", "committed", "revealed", "cursor", "phase", "stopped", "void", "since")
        state = dict(zip(names, self.aggregator.functions.currentRound().call(), strict=True))
        return state | {"phase": PHASES[state["phase"]]}

    def model(self) -> np.ndarray:
        """The sum of all averages, shape (P,), float64, from zero on; train a network from ``start + fed.model()``."""
        return fixed_point.decode(np.array(self.aggregator.functions.model().call(), dtype=np.int64))

    def credits(self, clients: Sequence[str]) -> list[int]:
        """Wei each client may withdraw; `InvalidInput` for what is no address."""
        credit_of = self.pool.functions.creditOf
        return [credit_of(client).call() for client in inputs.check_clients(clients)]

    def record(self, number: int) -> RoundRecord:
        """Read a settled round back, whoever settled it: `read_round`, g as it was then, and this object's bill.

        Raises:
            RecordError: if it was not settled, or the chain was set back to before it was.
        """
        number = check_whole("round", number, 0)
        logs, bill = self.chain.events(self.aggregator.events.RoundClosed), self._bills.get(number, {})
        closed = {log["args"]["round"]: log["blockNumber"] for log in logs}
        if (last := closed.get(number)) is None:  # else the next round overwrites g: it is read as it was then
            raise RecordError(f"round {number} is not settled, or that was undone: settle it, or use read_round")
        there = self.chain.block_hashes({r["blockNumber"] for sent in bill.values() for r in sent.values()})
        # after a `revert` the bill has receipts of blocks that are no more
        kept = {name: [r for r in sent.values() if r["blockHash"] in there] for name, sent in bill.items()}
        if number in self._lost:
            warnings.warn(f"round {number} was interrupted: its gas may lack a transaction", stacklevel=3)
        first = min((r["blockNumber"] for r in kept.get("open", ())), default=0)  # begun elsewhere: from anywhere
        found = self.read_round(number, first, last)
        return replace(
            found,
            global_update=() if found.void else tuple(self.aggregator.functions.globalUpdate().call({}, last)),
            gas={name: tuple(r["gasUsed"] for r in sent) for name, sent in kept.items() if sent},
            transactions={k: tuple(r["transactionHash"].to_0x_hex() for r in sent) for k, sent in kept.items() if sent},
        )

    def read_round(self, number: int, first: int = 0, last: int | str = "latest") -> RoundRecord:
        """A round from the contracts' events alone, whoever played it: g, which no event holds, and gas are left out.

        Args:
            number: the round.
            first, last: blocks to look from and to.

        Returns:
            Its record; without clients if nobody committed to such a round.
        """
        said, paid = self.aggregator.events, self.pool.events
        return collect_record(number, lambda event: self.chain.events(event, first, last), said, paid)

    # ------------------------------------------------------------------------------------------------ sending
    def _send_many(self, operation: str, calls: Sequence[tuple[Any, str, int]]) -> list[TxReceipt]:
        """Send a step of the round and enter what was mined on the round's bill, also if one of the calls failed."""
        try:
            receipts = self.chain.send_many(calls, check=False)
        except KeyboardInterrupt:
            self._lost.add(self.round_number)
            raise
        bill = self._bills.setdefault(self.round_number, {})
        bill.setdefault(operation, {}).update({r["transactionHash"]: r for r in receipts})
        self.chain.check_receipts(calls, receipts)
        return receipts

    def _paged(self, operation: str, call: Callable[[int], Any], items: int, phase: str) -> list[TxReceipt]:
        """Repeat `call(count)` until the round has left `phase`, with pages that stay under the gas cap."""
        count, receipts = items, []
        while True:
            # A page is cut until it fits: simpler than a gas formula, and right for every P and n.
            while (gas := self.chain.estimate(call(count), sender=self.publisher)) > TX_GAS_CAP * 0.9 and count > 1:
                fitting = count // 2 if gas == float("inf") else int(count * 0.85 * TX_GAS_CAP / gas)
                count = max(1, min(fitting, count - 1))
            receipts += self._send_many(operation, [(call(count), self.publisher, 0)])
            if self.round_state()["phase"] != phase:
                return receipts
