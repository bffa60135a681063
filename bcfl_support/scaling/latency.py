"""How long a score takes to be final: blocks for what is sent, windows to object, and the chain's own finality.

From the first submission on::

    seconds = 12·(blocks of submissions + blocks of work) + windows + 2 epochs

The blocks are `fees.pay`'s. A window is there on the rungs on which a result is proposed, or proven of updates that may
yet turn out to break a rule. Then the block of the final
score has to become final itself: two epochs of 32 slots after a checkpoint at the earliest, up to one more for the rest
of the epoch in which it lies (Gasper: Buterin et al. 2020, https://arxiv.org/abs/2003.03052).
"""

from __future__ import annotations

from dataclasses import dataclass

from bcfl_support.checks import check_flag, check_whole
from bcfl_support.scaling.fees import SLOT_SECONDS, Market, pay
from bcfl_support.scaling.gas_model import RoundCost
from bcfl_support.scaling.rungs import DisputeTerms

FINALITY_SECONDS = 2 * 32 * SLOT_SECONDS
"""Two epochs, the least. What is final is undone only if validators lose a third of all stake."""

EPOCH_SECONDS = 32 * SLOT_SECONDS
"""What finality may take beyond that, by where in its epoch a block lies."""


@dataclass(frozen=True)
class Latency:
    """Seconds from the first submission to a score that is final, by what they are spent on.

    Attributes:
        submit: until the last submission is in a block.
        work: blocks of all that is computed or proposed after that, the one that ends the round included.
        windows: waiting for objections.
        finality: the chain's own.
    """

    submit: float
    work: float
    windows: float
    finality: float = FINALITY_SECONDS

    @property
    def seconds(self) -> float:
        """All of it, with the least finality."""
        return self.submit + self.work + self.windows + self.finality

    @property
    def latest(self) -> float:
        """The same with the most: an epoch more."""
        return self.seconds + EPOCH_SECONDS


def compute_latency(
    cost: RoundCost,
    market: Market,
    *,
    hurry: bool = False,
    absent: bool = False,
    windows: int = 1,
    terms: DisputeTerms = DisputeTerms(),  # noqa: B008  # frozen
) -> Latency:
    """How long a round takes whose gas and blobs are known.

    >>> from bcfl_support.scaling.ladder import predict
    >>> compute_latency(predict(2, 10, 100_000), Market())
    Latency(submit=12, work=24, windows=0, finality=768)
    >>> found = compute_latency(predict(2, 10, 100_000), Market())
    >>> found.seconds / 60, found.latest / 60
    (13.4, 19.8)
    >>> compute_latency(predict(4, 10, 100_000), Market(), windows=4).seconds / 86_400 > 4
    True

    Args:
        cost: of the round, predicted or played.
        market: how full blocks are.
        hurry: whether the round fills blocks, or stays within their target; see `fees.pay`.
        absent: whether a client never submits, so that all wait until the time to submit has passed. One that seals
            and then withholds (rung 6; 8 with a transaction a client) costs up to `terms.reveal_seconds` besides, and
            the gas of the others' reveals, which `cost` does not hold; on rung 6 that time begins anew with each fault
            that is shown in it.
        windows: how many pass, where a result is proposed: one when nobody objects, up to four when chunks are demanded
            and answered as late as they may be; a proposal that falls adds its own to the next one's. A proof waits for
            one: nothing is demanded of it.
        terms: the windows, in seconds.

    Raises:
        InvalidInput: the number of windows is not whole or below 1, or a flag is none.
    """
    check_flag("absent", absent)
    windows = check_whole("windows", windows, 1, why="a proposal is open to challenge for one")
    if "relay" in cost.gas:  # commitments and signatures are exchanged off the chain: however long that takes
        work = pay(cost.gas["relay"], cost.blobs, market, hurry=hurry).seconds
        return Latency(0, work, terms.window_seconds)
    submit = pay(cost.gas["submit"], cost.blobs, market, hurry=hurry).seconds
    if absent:
        submit = max(submit, terms.submit_seconds)
    after = {operation: gas for operation, gas in cost.gas.items() if operation not in ("open", "submit")}
    if not {"propose", "prove"} & set(after):
        return Latency(submit, pay(sum(after.values()), 0, market, hurry=hurry).seconds, 0)
    work = sum(pay(gas, 0, market, hurry=hurry).seconds for gas in after.values())  # a window lies between them
    return Latency(submit, work, (windows if "propose" in after else 1) * terms.window_seconds)
