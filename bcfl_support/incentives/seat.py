"""A seat at the table: one client is played by hand, round by round, while the others learn as in `market.play`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bcfl_support.checks import check_choice, check_whole
from bcfl_support.errors import InvalidInput
from bcfl_support.incentives.market import Accidents, Game, Play
from bcfl_support.incentives.pay_rules import PayRule, check_rule
from bcfl_support.incentives.policies import POLICIES, Costs
from bcfl_support.incentives.population import Learner
from bcfl_support.incentives.worlds import World


@dataclass(frozen=True)
class Turn:
    """What one round brought the client in the seat; amounts are in fair pays per unit of its data.

    Attributes:
        policy: what it played.
        busy: whether its machine was busy.
        pay: reward less fine.
        cost: what the round cost it.
        standing: its C after the round.
    """

    policy: str
    busy: bool
    pay: float
    cost: float
    standing: float

    @property
    def net(self) -> float:
        """What is left of the pay."""
        return self.pay - self.cost


class Seat:
    """A game of one seed in which one client does what it is told.

    Attributes:
        turns: what the rounds so far brought.
        client: which client sits here.
    """

    def __init__(
        self,
        world: World,
        rule: PayRule | str,
        learner: Learner,
        costs: Costs,
        *,
        rounds: int,
        rng: np.random.Generator,
        client: int = 0,
    ) -> None:
        """Sit down.

        Args:
            world: where the clients work, of one seed.
            rule, learner, costs, rounds: as in `play`; the learner is what the others are.
            rng: the seed's generator. With the same one and the same turns the game is the same.
            client: whose seat it is.

        Raises:
            InvalidInput: a world of several seeds, no such client, or what `play` refuses.
        """
        seeds, n = world.sizes.shape
        if seeds != 1:
            raise InvalidInput(f"the world has {seeds} seeds: a seat is at one table, make it with one")
        client = check_whole("client", client, 0, n - 1)
        bounds = (0.5, 1.5)
        self._game = Game(world, check_rule(rule), learner, costs, rounds, [rng], Accidents(), 0, bounds, 1.0)
        self._outcomes = world.play(rounds, self._game.work_rngs, self._game.choose)
        self.client, self.turns, self._rounds, self._costs = client, list[Turn](), rounds, costs

    @property
    def left(self) -> int:
        """Rounds that are still to be played."""
        return self._rounds - len(self.turns)

    @property
    def busy(self) -> bool:
        """Whether the machine is busy in the coming round; False when none is left."""
        return bool(self.left and self._game.draws[len(self.turns), 0, self.client, 4] < self._costs.busy)

    def prices(self) -> Mapping[str, float]:
        """What each policy costs in the coming round, in fair pays per unit of data."""
        level = self._game.levels[0, self.client]
        spent = self._costs.spent(np.arange(len(POLICIES)), self.busy, level)
        return dict(zip(POLICIES, spent.tolist(), strict=True))

    def act(self, policy: str) -> Turn:
        """Play one round.

        Args:
            policy: a name in `POLICIES`.

        Raises:
            InvalidInput: no such policy, or no round is left.
        """
        check_choice("policy", policy, POLICIES)
        if not self.left:
            raise InvalidInput(f"all {self._rounds} rounds are played: take a new seat")
        busy = self.busy
        self._game.held = {self.client: POLICIES.index(policy)}
        self._game.settle(next(self._outcomes))
        row, unit = self._game.rows[-1], float(self._game.unit[0, self.client])
        pay, fine, cost, standing = (float(row[n][0, self.client]) for n in ("rewards", "fines", "costs", "standing"))
        self.turns.append(Turn(policy, busy, (pay - fine) / unit, cost / unit, standing))
        return self.turns[-1]

    def result(self) -> Play:
        """The rounds so far, of all clients.

        Raises:
            InvalidInput: none has been played.
        """
        if not self.turns:
            raise InvalidInput("no round has been played: act first")
        return self._game.result()
