"""One row for each claim: what was found on other seeds, its interval, and whether the claim holds.

A claim about every seed holds without a counterexample. A claim about most seeds has the bar of the lesson's own check.
A claim about a mean holds if the whole 95% interval (Student's t over the seeds) lies beyond its bar. A claim that
something was *not* measured has no verdict while the interval holds zero, and fails if it does not (which happens by
chance once in twenty times). Where the lesson's check looks at a number of all seeds together, so does the row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import fisher_exact, norm

from bcfl_support import incentives


@dataclass
class Rows:
    """The rows of a part of a lesson."""

    lesson: int
    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, cell: str, claim: str, value: float, interval: Any, bar: str, holds: bool | None) -> None:
        """Append a row; `cell` is where the lesson says it, `bar` what the value has to be."""
        ends = None if interval is None else [round(float(end), 4) for end in interval]
        verdict = None if holds is None else bool(holds)
        row = {"lesson": self.lesson, "claim": claim, "value": round(float(value), 4), "interval": ends}
        self.found.append(row | {"bar": bar, "holds": verdict, "cell": cell})

    def every(self, cell: str, claim: str, flags: Any) -> None:
        """It is so in every seed."""
        flags = np.asarray(flags, dtype=bool).ravel()
        self.add(cell, claim, flags.mean(), wilson(flags), f"{len(flags)} of {len(flags)}", flags.all())

    def share(self, cell: str, claim: str, flags: Any, *, least: float = 0.0, most: float = 1.0) -> None:
        """It is so in at least, or at most, a share of the seeds."""
        flags = np.asarray(flags, dtype=bool).ravel()
        part = flags.mean()
        self.add(cell, claim, part, wilson(flags), _spell_bar(least, most, 0.0, 1.0), least <= part <= most)

    def mean(self, cell: str, claim: str, values: Any, above: float = -np.inf, below: float = np.inf) -> None:
        """The mean over the seeds lies above, below or between."""
        low, high = ends_of(values)
        bar = _spell_bar(above, below, -np.inf, np.inf)
        self.add(cell, claim, np.mean(values), (low, high), bar, above < low and high < below)

    def between(
        self, cell: str, claim: str, mean: float, half: float, above: float = -np.inf, below: float = np.inf
    ) -> None:
        """A mean and the half-width of its interval, as the page gives them, lie above, below or between."""
        ends = (mean - half, mean + half)
        self.add(
            cell, claim, mean, ends, _spell_bar(above, below, -np.inf, np.inf), above < ends[0] and ends[1] < below
        )

    def near(self, cell: str, claim: str, values: Any, quoted: float) -> None:
        """The lesson quotes the mean of its own seeds; other seeds contradict it at 99%, both as spread as these."""
        low, high = ends_of(values)
        mean, reach = float(np.mean(values)), np.sqrt(2) * norm.ppf(0.995) / norm.ppf(0.975) * (high - low) / 2
        self.add(cell, claim, mean, (low, high), f"about {quoted:g}", abs(mean - quoted) <= reach)

    def unmeasured(self, cell: str, claim: str, values: Any) -> None:
        """The lesson says that no effect was measured: the interval of the mean holds zero."""
        low, high = ends_of(values)
        self.add(cell, claim, np.mean(values), (low, high), "holds 0", None if low <= 0 <= high else False)

    def quoted(self, cell: str, claim: str, flags: Any, k: int, n: int) -> None:
        """The lesson quotes k of n of its own seeds; other seeds contradict it if Fisher's exact p is below 1%."""
        flags = np.asarray(flags, dtype=bool).ravel()
        counts = [[flags.sum(), len(flags) - flags.sum()], [k, n - k]]
        holds = fisher_exact(counts).pvalue >= 0.01
        self.add(cell, claim, flags.mean(), wilson(flags), f"about {k} of {n}", holds)

    def ratio(self, cell: str, claim: str, before: Any, after: Any, *, above: float, below: float = np.inf) -> None:
        """The mean before over the mean after, with its interval, lies above or between."""
        value = np.mean(before) / np.mean(after)
        spread = [np.std(v, ddof=1) / np.mean(v) / np.sqrt(len(v)) for v in (before, after)]
        half = float(norm.ppf(0.975)) * value * np.hypot(*spread)  # independent draws, to first order
        self.between(cell, claim, value, half, above, below)

    def number(self, cell: str, claim: str, value: float, above: float = -np.inf, below: float = np.inf) -> None:
        """A number that all seeds together make lies above, below or between."""
        self.add(cell, claim, value, None, _spell_bar(above, below, -np.inf, np.inf), above < value < below)


@dataclass(frozen=True)
class Part:
    """Claims that are computed together.

    Attributes:
        run: takes the seeds, gives the rows.
        seconds: about what it takes of a core; the longest begin first.
        quick: whether it is part of a quick run.
    """

    lesson: int
    run: Callable[[Sequence[int]], Rows]
    seconds: float
    quick: bool


PARTS: dict[str, Part] = {}


def part(lesson: int, *, seconds: float, quick: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function that takes the seeds and empty rows, and fills the rows."""

    def register(function: Callable[[Sequence[int], Rows], None]) -> Callable[[Sequence[int], Rows], None]:
        def run(seeds: Sequence[int]) -> Rows:
            rows = Rows(lesson)
            function(seeds, rows)
            return rows

        PARTS[f"{lesson}: {function.__name__}"] = Part(lesson, run, seconds, quick)
        return function

    return register


def more(seeds: Sequence[int], times: int) -> list[int]:
    """The seeds and others, `times` as many in all: for what varies too much to be told from a few."""
    return [seed + 100_000 * k for k in range(times) for seed in seeds]


def ends_of(values: Any) -> tuple[float, float]:
    """The ends of the 95% interval of a mean over seeds."""
    mean, half = incentives.mean_interval(np.asarray(values, dtype=float))
    return mean - half, mean + half


def wilson(flags: np.ndarray) -> tuple[float, float]:
    """95% interval of a share (Wilson): (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)."""
    n, p, z = len(flags), float(flags.mean()), float(norm.ppf(0.975))
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def _spell_bar(low: float, high: float, least: float, most: float) -> str:
    words = [f"> {low:g}"] * bool(low > least) + [f"< {high:g}"] * bool(high < most)
    return " and ".join(words)
