"""What learning clients did in a long study under each pay rule, as `results/behavior.json` keeps it.

`benchmarks/behavior.py` plays the settings, 20 seeds each, and writes the file; a lesson reads it through `Results`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bcfl_support import services


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
        path = services.project_root() / "results" / "behavior.json"
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def cell(self, section: str, figure: str, **setting: Any) -> tuple[float, float]:
        """Mean over seeds and half-width of its 95% interval of one figure in one cell.

        Args:
            section: a section of the study, such as "main".
            figure: a name in the file's "figures".
            setting: what sets the cell apart; the file's "defaults" hold for what is not given.

        Raises:
            LookupError: if the section has no such cell.
        """
        wanted = {name: value for name, value in setting.items() if value != self.content["defaults"][name]}
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
        mean, half = cell["figures"][self.content["figures"].index(figure)]
        return float(mean), float(half)
