"""Means over seeds with their intervals, and what learning clients did in a long study: `results/behavior.json`.

`benchmarks/behavior.py` plays the settings, 20 seeds each, and writes the file; a lesson reads it through `Results`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcfl_support import services
from bcfl_support.checks import check_choice, check_range
from bcfl_support.errors import InvalidInput


def mean_interval(values: Any) -> tuple[float, float]:
    """Mean and half-width of its 95% confidence interval by Student's t, over independent seeds.

    Args:
        values: one number a seed, at least two.

    Returns:
        Mean and half-width, in the unit of the values.

    Raises:
        InvalidInput: fewer than two values, not one row of them, or one that is not finite.

    >>> mean, half = mean_interval([1.0, 2.0, 3.0])
    >>> round(mean, 3), round(half, 3)
    (2.0, 2.484)
    """
    from scipy.stats import t

    sample = check_range("values", values, -np.inf, many=True)
    if sample.ndim != 1 or len(sample) < 2:
        raise InvalidInput(f"values have shape {sample.shape}; an interval needs one row of at least 2: give more")
    return float(sample.mean()), float(t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))


@dataclass(frozen=True)
class Results:
    """The study's result file.

    Attributes:
        content: the file as plain JSON values.
    """

    content: Mapping[str, Any]

    @classmethod
    def read(cls) -> Results:
        """Read ``results/behavior.json``."""
        return cls(json.loads((services.project_root() / "results" / "behavior.json").read_text(encoding="utf-8")))

    def cell(self, section: str, figure: str, **setting: Any) -> tuple[float, float]:
        """Mean over seeds and half-width of its 95% interval of one figure in one cell.

        Args:
            section: a section of the study, such as "main".
            figure: a name in the file's "figures".
            setting: what sets the cell apart; the file's "defaults" hold for what is not given.

        Raises:
            InvalidInput: no such section, figure or field of a setting.
            LookupError: if the section has no such cell, or the cell was played before there was such a figure;
                the message says what to run for a new pay rule.
        """
        check_choice("section", section, self.content["sections"])
        for field in setting:
            check_choice("setting", field, self.content["defaults"])
        wanted = {name: value for name, value in setting.items() if value != self.content["defaults"][name]}
        for cell in self.content["sections"][section]:
            if cell["setting"] == wanted:
                return self._pick(cell, figure)
        advice = "look there for what it plays, and run it again after a new pay rule"
        raise LookupError(f"section {section!r} has no cell {wanted}; the study is {self.content['command']}: {advice}")

    def effect(self, name: str, figure: str) -> list[tuple[dict[str, Any], dict[str, Any], float, float]]:
        """All comparisons of a name: setting from, setting to, mean change, half-width of its 95% interval.

        Settings hold what differs from the defaults; the change is taken seed by seed.

        Raises:
            InvalidInput: no such name or figure.
        """
        check_choice("effect", name, dict.fromkeys(item["name"] for item in self.content["effects"]))
        found = [item for item in self.content["effects"] if item["name"] == name]
        return [(item["from"], item["to"], *self._pick(item, figure)) for item in found]

    def _pick(self, cell: Mapping[str, Any], figure: str) -> tuple[float, float]:
        check_choice("figure", figure, self.content["figures"])
        place = self.content["figures"].index(figure)
        if place >= len(cell["figures"]):
            raise LookupError(f"{figure!r} came to the study after this was played; {self.content['command']} plays it")
        mean, half = cell["figures"][place]
        return float(mean), float(half)
