"""Figures of the lessons: one style, readable without colour, on light and dark pages, each with a text alternative.

Colours are Okabe and Ito's, told apart by people with any common colour vision deficiency; what a colour says, a
label, a marker or a position says too. The background is opaque white, so a dark theme does not swallow the axes.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import cycler
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, BLACK = PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#222222",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

STYLE: Any = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.prop_cycle": cycler.cycler(color=[*list(PALETTE[:6]), BLACK]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}
"""Settings of every figure; a lesson that draws its own uses ``with matplotlib.rc_context(plots.STYLE)``."""

DPI = 96

MINIMUM_ALT = 20
"""Characters below which a text alternative cannot say anything."""

# Where the boxes of the system picture stand: centre, label, second line.
_BOXES = {
    "client": ((0.085, 0.5), "Client", "data, training"),
    "registry": ((0.38, 0.78), "ClientRegistry", "stake"),
    "aggregator": ((0.38, 0.22), "Aggregator", "FedAvg, scores"),
    "ipfs": ((0.645, 0.22), "IPFS", "records by CID"),
    "ledger": ((0.91, 0.22), "FairnessLedger", "agreement on a CID"),
    "pool": ((0.91, 0.78), "RewardPool", "pay and penalties"),
}
# From, to, what passes. A contract can neither write to IPFS nor read from it: there the clients carry, hence dashed.
_ARROWS = (
    ("client", "registry", "register + stake"),
    ("client", "aggregator", "commit, reveal"),
    ("registry", "aggregator", "who, $n_i$"),
    ("aggregator", "ipfs", "records"),
    ("ipfs", "ledger", "attested CID"),
    ("ledger", "pool", "factors $F_i$"),
    ("aggregator", "pool", "scores $S_i$"),
    ("pool", "registry", "penalties"),
)
_CARRIED = {("aggregator", "ipfs"), ("ipfs", "ledger")}
_HALF_WIDTH, _HALF_HEIGHT = 0.08, 0.15


def make_figure(width: float = 7.5, height: float = 3.4, rows: int = 1, columns: int = 1, **options: Any) -> Any:
    """A figure in the series' style, outside pyplot's list of open figures.

    Args:
        width: inches.
        height: inches.
        rows: of axes.
        columns: of axes.
        options: passed to ``Figure.subplots``, e.g. ``sharex=True``.

    Returns:
        (figure, axes), where axes is one Axes or an array of them, as ``Figure.subplots`` gives it.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        return figure, figure.subplots(rows, columns, **options)


def to_png(figure: Figure) -> bytes:
    """The figure as PNG bytes, in at most 128 colours: a third of the size, and no difference to the eye."""
    from PIL import Image

    drawn, stored = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(128).save(stored, format="png", optimize=True)
    return stored.getvalue()


def to_html(figure: Figure, alt: str) -> str:
    """The figure as an HTML image that carries its text alternative.

    JupyterLab, nbconvert and GitHub drop the alternative of a stored PNG, which stands in the output's metadata; all
    three keep an ``<img alt>``, in notebooks they do not trust too.

    Args:
        figure: what to show.
        alt: what a reader who cannot see it should know: the axes, and what the figure shows.

    Raises:
        ValueError: if `alt` is too short to say anything.
    """
    if len(alt) < MINIMUM_ALT:
        raise ValueError(
            f"the text alternative {alt!r} has {len(alt)} characters, at least {MINIMUM_ALT} are needed: "
            "say what the figure shows"
        )
    data = base64.b64encode(to_png(figure)).decode()
    return f'<img alt="{html.escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{data}">'


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook together with its text alternative.

    Args:
        figure: what to show.
        alt: see `to_html`.

    Raises:
        ValueError: if `alt` is empty or too short to say anything.
    """
    from IPython.display import display

    display({"text/html": to_html(figure, alt), "text/plain": f"Figure: {alt}"}, raw=True)


def draw_system(highlight: Sequence[str] = ()) -> Figure:
    """The components of the system and what passes between them.

    Args:
        highlight: boxes to fill: any of client, registry, aggregator, ipfs, ledger, pool.

    Returns:
        The figure.

    Raises:
        ValueError: if a name in `highlight` is no box.
    """
    unknown = set(highlight) - set(_BOXES)
    if unknown:
        raise ValueError(f"no such box: {sorted(unknown)}; the boxes are {', '.join(_BOXES)}")
    figure, axes = make_figure(9.4, 2.7)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    for start, end, label in _ARROWS:
        _draw_arrow(axes, start, end, label)
    for name, ((x, y), title, detail) in _BOXES.items():
        chosen = name in highlight
        axes.add_patch(
            FancyBboxPatch(
                (x - _HALF_WIDTH, y - _HALF_HEIGHT),
                2 * _HALF_WIDTH,
                2 * _HALF_HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.02",
                facecolor=BLUE if chosen else "white",
                edgecolor=BLUE if chosen else "#555555",
                linewidth=2.2 if chosen else 1.2,
            )
        )
        colour = "white" if chosen else BLACK
        axes.text(x, y + 0.035, title, ha="center", va="center", color=colour, weight="bold", fontsize=10)
        axes.text(x, y - 0.065, detail, ha="center", va="center", color=colour, fontsize=8.5)
    axes.text(0, 0.02, "dashed: carried by the clients", fontsize=8, color="#555555")
    return figure


def _draw_arrow(axes: Axes, start: str, end: str, label: str) -> None:
    (x0, y0), (x1, y1) = _BOXES[start][0], _BOXES[end][0]
    tail = np.array([x0, y0]) + _to_edge(x1 - x0, y1 - y0)
    head = np.array([x1, y1]) - _to_edge(x1 - x0, y1 - y0)
    line = "dashed" if (start, end) in _CARRIED else "solid"
    arrow = {"arrowstyle": "-|>", "color": "#555555", "linewidth": 1.3, "linestyle": line}
    axes.annotate("", xy=head, xytext=tail, arrowprops=arrow)
    level = tail[1] == head[1]
    x, y = (tail + head) / 2
    axes.text(
        x,
        y + (0.03 if level else 0),
        label,
        ha="center",
        va="bottom" if level else "center",
        fontsize=8.5,
        color=BLACK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
    )


def _to_edge(dx: float, dy: float) -> np.ndarray:
    """From a box's centre to its edge, in the direction (dx, dy)."""
    shrink = min(_HALF_WIDTH / abs(dx) if dx else np.inf, _HALF_HEIGHT / abs(dy) if dy else np.inf)
    return np.array([dx, dy]) * shrink


def draw_training(accuracy: Sequence[float], alone: Sequence[float], pooled: float) -> Figure:
    """Test accuracy of the federated model by round, beside what training alone or on pooled data gives.

    Args:
        accuracy: accuracy before the first round and after each, shape (rounds + 1,).
        alone: accuracy of each client's own model, shape (n,).
        pooled: accuracy of one model trained on everybody's data.

    Returns:
        The figure.
    """
    figure, (axes, side) = make_figure(8.0, 3.2, 1, 2, width_ratios=(8, 1), sharey=True)
    rounds = np.arange(len(accuracy))
    axes.axhline(pooled, color=BLACK, linestyle="--", linewidth=1.4, label="one model, all data in one place")
    axes.plot(rounds, accuracy, color=BLUE, marker="o", label="federated, averaged on chain")
    axes.set(xlabel="round", ylabel="test accuracy", xticks=rounds, ylim=(0, 1.02))
    axes.legend(loc="lower right", fontsize=9, frameon=False)
    side.plot(np.linspace(-0.6, 0.6, len(alone)), alone, linestyle="", marker="D", markersize=4.5, color=ORANGE)
    side.set(xticks=[0], xticklabels=["each alone"], xlim=(-1, 1))
    return figure


def draw_round(
    names: Sequence[str], scores: Sequence[float], rewards: Sequence[float], gas: Mapping[str, int], title: str
) -> Figure:
    """One round: who scored what, who was paid what, where the gas went.

    Args:
        names: a label a client.
        scores: S_i of each; NaN where a client gave none.
        rewards: ether credited to each.
        gas: total gas by operation.
        title: shown above.

    Returns:
        The figure.
    """
    figure, (left, middle, right) = make_figure(9.2, 3.6, 1, 3, width_ratios=(1.15, 1, 1))
    places = np.arange(len(names))
    values = np.nan_to_num(np.asarray(scores, dtype=float))
    left.barh(places, values, color=[VERMILION if value < 0 else BLUE for value in values])
    left.axvline(0, color=BLACK, linewidth=0.8)
    power = int(np.floor(np.log10(np.abs(values).max() or 1.0)))
    left.set(yticks=places, yticklabels=names, xlabel=f"score $S_i$ ($10^{{{power}}}$)")
    left.xaxis.set_major_formatter(lambda value, _: f"{value / 10.0**power:g}")
    left.xaxis.set_major_locator(MaxNLocator(5))
    left.set_title(title)
    middle.barh(places, rewards, color=GREEN)
    middle.set(yticks=places, yticklabels=[], xlabel="reward (ETH)")
    operations = list(gas)
    right.barh(np.arange(len(operations)), [gas[name] / 1e6 for name in operations], color=PURPLE)
    right.set(yticks=np.arange(len(operations)), yticklabels=operations, xlabel="gas (million)")
    for axes in (left, middle, right):
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
    return figure


def describe_round(
    names: Sequence[str], scores: Sequence[float], rewards: Sequence[float], gas: Mapping[str, int], title: str
) -> str:
    """The text alternative of `draw_round`, with its main numbers."""
    best, worst = int(np.nanargmax(scores)), int(np.nanargmin(scores))
    dearest = max(gas, key=lambda name: gas[name])
    return (
        f"{title}. Three bar charts by client and operation. Highest score: {names[best]} with {scores[best]:.4f}, "
        f"paid {rewards[best]:.3f} ETH; lowest: {names[worst]} with {scores[worst]:.4f}, paid {rewards[worst]:.3f} "
        f"ETH. Most gas: {dearest} with {gas[dearest] / 1e6:.2f} million of {sum(gas.values()) / 1e6:.2f}."
    )
