"""The behavior study's cells: one setting, played for all seeds in one array; and how to read the study's results.

`benchmarks/behavior.py` lists the settings, plays them through joblib, and writes ``results/behavior.json``. What it
needs on every worker is here, in the package, so that a cluster's machines find it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from bcfl_support import services
from bcfl_support.incentives import market
from bcfl_support.incentives.market import Accidents
from bcfl_support.incentives.pay_rules import PayRule
from bcfl_support.incentives.policies import FAIR_WEATHER, Costs
from bcfl_support.incentives.population import Learner
from bcfl_support.incentives.worlds import TrainingWorld

SEEDS, ROUNDS, CLIENTS = tuple(range(20)), 150, 12
PARTITIONS: dict[str, dict[str, Any]] = {
    "iid": {"partition": "iid"},
    "dir1.0": {"partition": "dirichlet", "alpha": 1.0},
    "dir0.1": {"partition": "dirichlet", "alpha": 0.1},
}
HONEST = ("full", "half", "token", "fair_weather", "skip", "out")
FIGURES = (
    *("honest", "effort", "copy", "noise", "skip", "out", "fair_weather", "accuracy", "accuracy_at_budget"),
    *("rounds_to_90", "spent_to_90", "rounds_to_95", "spent_to_95", "reached_95", "spent", "margin", "false_fines"),
    *("jain", "pay_0"),
)


@dataclass(frozen=True)
class Setting:
    """One cell. Amounts are in fair pays; see `game`, `behavior` and `pay_rules` for what each field does.

    Attributes:
        rule: a name in `market.RULES`; `consistency` and `stake` replace the rule's own unless "" and −1.
        cost: honest cost of a round, four fifths computing and one fifth data.
        learner: a kind of `behavior.Learner`, with its `rate` and `foresight`.
        policies: "all", or "honest" for those without copy and noise.
        start: the first policy; for a "fixed" learner that of client 0, while the others work fully.
        interval: rounds between fairness records, 0 for none.
    """

    rule: str = "paper"
    alpha: float = 0.5
    partition: str = "dir1.0"
    cost: float = 0.5
    learner: str = "softmax"
    rate: float = 0.15
    foresight: float = 1.0
    policies: str = "all"
    start: str = "full"
    busy: float = 0.2
    busy_factor: float = 2.0
    consistency: str = ""
    window: int = 8
    stake: float = -1.0
    loyal_fines: bool = False
    scaled: bool = True
    interval: int = 0
    drop: float = 0.0
    churn: float = 0.0
    budget: float = 1.0
    spread: float = 0.3

    def pay_rule(self) -> PayRule:
        """The rule of this cell."""
        rule = replace(market.RULES[self.rule], alpha=self.alpha, window=self.window, scaled=self.scaled)
        if self.consistency:
            rule = replace(rule, consistency=self.consistency)
        if self.stake >= 0:
            rule = replace(rule, stake=self.stake)
        return replace(rule, loyal_fines=self.loyal_fines)

    def changed(self) -> dict[str, Any]:
        """The fields that differ from the defaults."""
        default = Setting()
        return {
            f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(default, f.name)
        }


@lru_cache(maxsize=8)
def get_world(score: str, tested: bool, partition: str, seeds: tuple[int, ...]) -> TrainingWorld:
    """The federations of all seeds; kept, because building them takes longer than playing in them."""
    rule = next(name for name, value in market.RULE_SCORES.items() if value == score)
    return market.make_world(rule, seeds=seeds, n_clients=CLIENTS, tested=tested, **PARTITIONS[partition])


def play_setting(setting: Setting, seeds: tuple[int, ...] = SEEDS, rounds: int = ROUNDS) -> dict[str, np.ndarray]:
    """Play one cell; one number a seed for each of `FIGURES`."""
    rule = setting.pay_rule()
    tested = rule.record == "verified" or rule.fine_on == "failed"
    world = get_world(market.RULE_SCORES[setting.rule], tested, setting.partition, seeds)
    fixed = setting.learner == "fixed"
    learner = Learner(
        kind=setting.learner,
        rate=setting.rate,
        foresight=setting.foresight,
        start=(setting.start,) + ("full",) * (CLIENTS - 1) if fixed else setting.start,
        policies=HONEST if setting.policies == "honest" else None,
    )
    costs = Costs(
        compute=0.8 * setting.cost,
        data=0.2 * setting.cost,
        busy=setting.busy,
        busy_factor=setting.busy_factor,
        spread=setting.spread,
    )
    done = market.play(
        world,
        rule,
        learner,
        costs,
        rounds=rounds,
        rngs=[np.random.default_rng(1000 + seed) for seed in seeds],
        accidents=Accidents(drop=setting.drop, churn=setting.churn),
        fairness_interval=setting.interval,
        budget=setting.budget,
    )
    return measure(done)


def play_timed(setting: Setting, seeds: tuple[int, ...], rounds: int) -> tuple[dict[str, np.ndarray], float]:
    """`play_setting` and the processor seconds it took."""
    start = time.process_time()
    return play_setting(setting, seeds, rounds), time.process_time() - start


def measure(done: market.Play) -> dict[str, np.ndarray]:
    """`FIGURES` of a game, one number a seed; the first fifth of the rounds does not count for `pay_0`."""
    found = market.summarize(done)
    found["rounds_to_90"], found["spent_to_90"] = found.pop("rounds_to_target"), found.pop("spent_to_target")
    more = market.summarize(done, target=0.95)
    found["rounds_to_95"], found["spent_to_95"] = more["rounds_to_target"], more["spent_to_target"]
    found["reached_95"] = (done.accuracy >= 0.95).any(axis=0).astype(float)
    found["fair_weather"] = (done.chosen[-50:] == FAIR_WEATHER).mean(axis=(0, 2))
    unit = done.sizes[:, 0] * done.sizes.shape[1]
    found["pay_0"] = (done.rewards - done.fines)[len(done.rewards) // 5 :, :, 0].mean(axis=0) / unit
    return found


class Results:
    """The study's result file.

    Attributes:
        content: the file as plain JSON values.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self._names = list(content["figures"])

    @classmethod
    def read(cls) -> Results:
        """Read ``results/behavior.json``."""
        path = services.project_root() / "results" / "behavior.json"
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def cell(self, section: str, figure: str, **setting: Any) -> tuple[float, float]:
        """Mean over seeds and half-width of its 95% interval of one figure in one cell.

        Args:
            section: a section of the study, such as "main".
            figure: a name in `FIGURES`.
            setting: fields of the cell's `Setting`; those not given have their defaults.

        Raises:
            LookupError: if the section has no such cell.
        """
        wanted = Setting(**setting).changed()
        for cell in self.content["sections"][section]:
            if cell["setting"] == wanted:
                return self._pick(cell, figure)
        raise LookupError(f"section {section!r} has no cell {wanted}; the study plays {self.content['command']}")

    def effect(self, name: str, figure: str) -> list[tuple[dict[str, Any], dict[str, Any], float, float]]:
        """All comparisons of a name: setting from, setting to, mean change, half-width of its 95% interval.

        Settings hold what differs from the defaults; the change is taken seed by seed.
        """
        found = [item for item in self.content["effects"] if item["name"] == name]
        return [(item["from"], item["to"], *self._pick(item, figure)) for item in found]

    def _pick(self, cell: Mapping[str, Any], figure: str) -> tuple[float, float]:
        mean, half = cell["figures"][self._names.index(figure)]
        return float(mean), float(half)
