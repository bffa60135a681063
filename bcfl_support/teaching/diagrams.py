"""The picture that every lesson shows: the parts of the system, and what passes between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from bcfl_support.checks import check_choice
from bcfl_support.teaching.plots import BLACK, BLUE, make_figure

GRAY = "#555555"

# Where the boxes of the system picture stand: center, label, second line.
_BOXES = {
    "client": ((0.085, 0.46), "Client", "data, training"),
    "registry": ((0.45, 0.84), "ClientRegistry", "stakes"),
    "aggregator": ((0.45, 0.46), "Aggregator", "FedAvg, scores"),
    "ipfs": ((0.68, 0.11), "IPFS", "files by CID"),
    "ledger": ((0.91, 0.46), "FairnessLedger", "agreed CIDs"),
    "pool": ((0.91, 0.84), "RewardPool", "pay, penalties"),
    "publisher": ((0.085, 0.84), "Publisher", "once, at first"),
}

# From, to, what passes, line. A contract can neither write to IPFS nor read from it: there the clients carry (dashed).
_ARROWS = (
    ("client", "registry", "register + stake", "solid"),
    ("client", "aggregator", "commit, reveal", "solid"),
    ("registry", "aggregator", "who, $n_i$", "solid"),
    ("aggregator", "ipfs", "files", "dashed"),
    ("ipfs", "ledger", "attested CID", "dashed"),
    ("ledger", "pool", "factors $F_i$", "solid"),
    ("aggregator", "pool", "scores $S_i$", "solid"),
    ("pool", "registry", "penalties", "solid"),
)

_HALF_WIDTH, _HALF_HEIGHT = 0.08, 0.1

# The frame around the four contracts: left, bottom, right, top. The publisher's arrow ends at it: it deploys all four.
_CHAIN = (0.345, 0.325, 0.999, 0.995)


def draw_system(highlight: Sequence[str] = ()) -> Figure:
    """The components of the system and what passes between them.

    Args:
        highlight: boxes to fill: any of client, registry, aggregator, ipfs, ledger, pool, publisher.

    Returns:
        The figure.

    Raises:
        InvalidInput: if a name in `highlight` is no box.
    """
    for name in highlight:
        check_choice("highlight", name, _BOXES)
    figure, axes = make_figure(8.5, 3.7)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    _draw_frame(axes, _CHAIN, facecolor="none", edgecolor="#888888", linewidth=1.2, linestyle=":")
    axes.text(0.68, _CHAIN[1] + 0.035, "on chain: four contracts", ha="center", fontsize=9, color=GRAY)
    for start, end, label, line in _ARROWS:
        tail, head = np.array(_BOXES[start][0]), np.array(_BOXES[end][0])
        across = np.divide((_HALF_WIDTH, _HALF_HEIGHT), np.abs(head - tail), where=head != tail, out=np.full(2, np.inf))
        reach = (head - tail) * across.min()  # from a box's center to its edge
        _draw_arrow(axes, tail + reach, head - reach, label, line, {start, end} <= set(highlight))
    (x, y), _, _ = _BOXES["publisher"]
    _draw_arrow(axes, (x + _HALF_WIDTH, y), (_CHAIN[0], y), "deploys all four", "solid", "publisher" in highlight)
    for name, ((x, y), title, detail) in _BOXES.items():
        fill, edge, width, color = (BLUE, BLUE, 2.2, "white") if name in highlight else ("white", GRAY, 1.2, BLACK)
        corners = x - _HALF_WIDTH, y - _HALF_HEIGHT, x + _HALF_WIDTH, y + _HALF_HEIGHT
        _draw_frame(axes, corners, facecolor=fill, edgecolor=edge, linewidth=width)
        axes.text(x, y + 0.033, title, ha="center", va="center", color=color, weight="bold", fontsize=10)
        axes.text(x, y - 0.045, detail, ha="center", va="center", color=color, fontsize=9.5)
    axes.text(0, 0.02, "dashed: carried by the clients", fontsize=9, color=GRAY)
    if highlight:
        axes.text(0, 0.11, "filled: what this lesson is about", fontsize=9, color=BLUE, weight="bold")
    return figure


def _draw_frame(axes: Axes, corners: tuple[float, float, float, float], **style: Any) -> None:
    """A box with round corners: left, bottom, right, top."""
    left, bottom, right, top = corners
    shape = "round,pad=0,rounding_size=0.02"
    axes.add_patch(FancyBboxPatch((left, bottom), right - left, top - bottom, boxstyle=shape, **style))


def _draw_arrow(axes: Axes, tail: Any, head: Any, label: str, line: str, chosen: bool) -> None:
    """An arrow with its label, above it where it is level, lower where the clients carry, clear of the frame.

    Blue and thicker between chosen boxes.
    """
    color, width = (BLUE, 2.2) if chosen else (GRAY, 1.3)
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": width, "linestyle": line, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=head, xytext=tail, arrowprops=arrow)
    lift, side = (0.02, "bottom") if tail[1] == head[1] else (-0.015 if line == "dashed" else 0, "center")
    x, y = (tail[0] + head[0]) / 2, (tail[1] + head[1]) / 2 + lift
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    axes.text(x, y, label, ha="center", va=side, fontsize=9.5, color=BLACK, bbox=ground)
