"""The pictures that several lessons share: the system, a training run, a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from bcfl_support.teaching.plots import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, make_figure

GRAY = "#555555"

# Where the boxes of the system picture stand: center, label, second line.
_BOXES = {
    "client": ((0.085, 0.46), "Client", "data, training"),
    "registry": ((0.45, 0.84), "ClientRegistry", "stakes"),
    "aggregator": ((0.45, 0.46), "Aggregator", "FedAvg, scores"),
    "ipfs": ((0.68, 0.11), "IPFS", "records by CID"),
    "ledger": ((0.91, 0.46), "FairnessLedger", "agreed CIDs"),
    "pool": ((0.91, 0.84), "RewardPool", "pay, penalties"),
    "publisher": ((0.085, 0.84), "Publisher", "once, at first"),
}

# From, to, what passes, line. A contract can neither write to IPFS nor read from it: there the clients carry (dashed).
_ARROWS = (
    ("client", "registry", "register + stake", "solid"),
    ("client", "aggregator", "commit, reveal", "solid"),
    ("registry", "aggregator", "who, $n_i$", "solid"),
    ("aggregator", "ipfs", "records", "dashed"),
    ("ipfs", "ledger", "attested CID", "dashed"),
    ("ledger", "pool", "factors $F_i$", "solid"),
    ("aggregator", "pool", "scores $S_i$", "solid"),
    ("pool", "registry", "penalties", "solid"),
)

_HALF_WIDTH, _HALF_HEIGHT = 0.08, 0.1

# The frame around the four contracts: left, bottom, right, top. The publisher's arrow ends at it: it deploys all four.
_CHAIN = (0.345, 0.3, 0.999, 0.995)


def draw_system(highlight: Sequence[str] = ()) -> Figure:
    """The components of the system and what passes between them.

    Args:
        highlight: boxes to fill: any of client, registry, aggregator, ipfs, ledger, pool, publisher.

    Returns:
        The figure.

    Raises:
        ValueError: if a name in `highlight` is no box.
    """
    unknown = set(highlight) - set(_BOXES)
    if unknown:
        raise ValueError(f"no such box: {sorted(unknown)}; the boxes are {', '.join(_BOXES)}")
    figure, axes = make_figure(8.5, 3.7)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    _draw_frame(axes, _CHAIN, facecolor="none", edgecolor="#888888", linewidth=1.2, linestyle=":")
    axes.text(0.68, _CHAIN[1] + 0.035, "on chain: four contracts", ha="center", fontsize=9, color=GRAY)
    for start, end, label, line in _ARROWS:
        tail, head = np.array(_BOXES[start][0]), np.array(_BOXES[end][0])
        reach = _to_edge(*(head - tail))
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
    """An arrow with its label, above it where it is level; blue and thicker between chosen boxes."""
    color, width = (BLUE, 2.2) if chosen else (GRAY, 1.3)
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": width, "linestyle": line, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=head, xytext=tail, arrowprops=arrow)
    lift, side = (0.02, "bottom") if tail[1] == head[1] else (0, "center")
    x, y = (tail[0] + head[0]) / 2, (tail[1] + head[1]) / 2 + lift
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    axes.text(x, y, label, ha="center", va=side, fontsize=9.5, color=BLACK, bbox=ground)


def _to_edge(dx: float, dy: float) -> np.ndarray:
    """From a box's center to its edge, in the direction (dx, dy)."""
    shrink = min(_HALF_WIDTH / abs(dx) if dx else np.inf, _HALF_HEIGHT / abs(dy) if dy else np.inf)
    return np.array([dx, dy]) * shrink


def draw_training(
    accuracy: Sequence[float],
    alone: Sequence[float],
    pooled: float,
    odd: Mapping[int, str] | None = None,
    records: int = 0,
) -> Figure:
    """Test accuracy of the federated model by round, beside what training alone or on pooled data gives.

    Where the values leave a wide gap, the axis is broken there, so that what happens above it can be seen.

    Args:
        accuracy: accuracy before the first round and after each, shape (rounds + 1,).
        alone: accuracy of each client's own model, shape (n,).
        pooled: accuracy of one model trained on everybody's data.
        odd: what is wrong with a client, by its number; it is marked and named.
        records: how many records were tested; the smallest step that means anything is drawn to scale.

    Returns:
        The figure.
    """
    odd, reference = odd or {}, "one model, all records in one place"
    spans = _split_at_gap([*accuracy, *alone, pooled])
    heights = (3, 1.25) if len(spans) == 2 else (1,)
    options = {"width_ratios": (1.75, 1), "height_ratios": heights, "sharex": "col", "sharey": "row", "squeeze": False}
    figure, grid = make_figure(8.6, 4.3, len(spans), 2, **options)
    rounds, clients = np.arange(len(accuracy)), np.arange(len(alone))
    usual = [i for i in clients if i not in odd]
    for (left, right), (bottom, top) in zip(grid, spans, strict=True):
        for axes in (left, right):
            axes.axhline(pooled, color=BLACK, linestyle="--", linewidth=1.4, label=reference)
        left.plot(rounds, accuracy, color=BLUE, marker="o", label="federation, averaged on chain")
        right.plot(usual, np.asarray(alone)[usual], linestyle="", marker="D", markersize=5.5, color=ORANGE)
        right.plot(list(odd), [alone[i] for i in odd], linestyle="", marker="X", markersize=9, color=VERMILION)
        left.set(ylim=(bottom, top))
        for i in {0, 1, len(accuracy) - 1}:
            if bottom <= accuracy[i] <= top:
                _note(left, f"{accuracy[i]:.2f}", (i, accuracy[i]), (6, -13), fontsize=9, color=BLUE)
    _name_odd(grid, spans, alone, odd)
    grid[0, 0].set_title("Together: the federation", loc="left")
    grid[0, 1].set_title("Alone: each on its own records", loc="left")
    grid[-1, 0].set(xlabel="rounds played", xticks=rounds, xlim=(-0.5, len(accuracy) + 0.1))
    grid[-1, 1].set(xlabel="hospital", xticks=clients, xlim=(-0.7, len(alone) - 0.3))
    grid[-1, 0].legend(loc="lower right", fontsize=9, frameon=False)
    figure.supylabel("test accuracy", fontsize=10.5)
    if records:
        _draw_step(grid[0, 0], 1 / records)
    if len(spans) == 2:
        _draw_break(grid)
    return figure


def describe_training(
    accuracy: Sequence[float],
    alone: Sequence[float],
    pooled: float,
    odd: Mapping[int, str] | None = None,
    records: int = 0,
) -> str:
    """The text alternative of `draw_training`, with its main numbers."""
    odd = odd or {}
    usual = [value for i, value in enumerate(alone) if i not in odd]
    named = "".join(f"; hospital {i} ({what}): {alone[i]:.2f}" for i, what in odd.items())
    step = f" One of {records} test records is {1 / records:.3f}." if records else ""
    return (
        f"Test accuracy of the federation by round: {accuracy[0]:.2f} before the first round, {accuracy[1]:.2f} after "
        f"it, {accuracy[-1]:.2f} after round {len(accuracy) - 1}. A dashed line marks one model trained on all records "
        f"in one place: {pooled:.2f}. Beside it, {len(usual)} hospitals alone, from {min(usual):.2f} to "
        f"{max(usual):.2f}{named}.{step}"
    )


def _split_at_gap(values: Sequence[float], widest: float = 0.25) -> list[tuple[float, float]]:
    """Ranges of an axis that hold all values, the upper first: two if more than `widest` lies empty between them."""
    ordered = np.sort(np.asarray(values, dtype=float))
    gaps = np.diff(ordered)
    cut = int(np.argmax(gaps))
    if gaps[cut] <= widest:
        return [(0.0, 1.02)]
    low, high = ordered[: cut + 1], ordered[cut + 1 :]
    margin = max(0.15 * (high[-1] - high[0]), 0.01)
    return [(high[0] - margin, high[-1] + 1.6 * margin), (0.0, low[-1] + 0.12)]


def _name_odd(grid: Any, spans: list[tuple[float, float]], alone: Sequence[float], odd: Mapping[int, str]) -> None:
    for i, what in odd.items():
        [axes] = [row[1] for row, (bottom, top) in zip(grid, spans, strict=True) if bottom <= alone[i] <= top]
        words = f"hospital {i},\n{what}: {alone[i]:.2f}"
        _note(axes, words, (i, alone[i]), (-9, 6), ha="right", va="center", fontsize=9, color=BLACK)


def _draw_step(axes: Axes, step: float) -> None:
    """A bar as high as one test record, at the right edge of the lower half, with its name."""
    x, low = axes.get_xlim()[1] * 0.97, axes.get_ylim()[0] + step
    axes.errorbar(x, low + step / 2, yerr=step / 2, color=GRAY, linewidth=1.3, capsize=4)
    axes.text(x - 0.25, low + step / 2, "one test record", ha="right", va="center", fontsize=9, color=GRAY)


def _draw_break(grid: Any) -> None:
    """Leave out the spines at the gap of an axis and mark its ends with slanted strokes."""
    stroke = {"marker": [(-1, -0.6), (1, 0.6)], "markersize": 9, "linestyle": "", "color": BLACK, "clip_on": False}
    for upper, lower in grid.T:
        upper.spines["bottom"].set_visible(False)
        upper.tick_params(axis="x", length=0)
        upper.plot([0], [0], transform=upper.transAxes, **stroke)
        lower.plot([0], [1], transform=lower.transAxes, **stroke)


def draw_round(
    names: Sequence[str],
    scores: Sequence[float],
    rewards: Sequence[float],
    gas: Mapping[str, int],
    title: str,
    ends: tuple[float, float] | None = None,
) -> Figure:
    """One round: who scored what, who was paid what, where the gas went.

    Args:
        names: a label a client.
        scores: S_i of each; NaN where a client gave none.
        rewards: ether credited to each.
        gas: total gas by operation.
        title: shown above.
        ends: largest reward and largest gas of an operation that the axes have room for, so that rounds can be
            compared by eye; None fits them to this round.

    Returns:
        The figure.
    """
    figure, (left, middle, right) = make_figure(8.5, 4.0, 1, 3, width_ratios=(1.75, 1, 1.05))
    figure.get_layout_engine().set(wspace=0.05)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    values, used = np.nan_to_num(np.asarray(scores, dtype=float)), [amount / 1e6 for amount in gas.values()]
    most_paid, most_used = ends or (max(rewards), max(gas.values()))
    decimals = _decimals(scores)
    _draw_bars(left, values, decimals, names, [VERMILION if value < 0 else BLUE for value in values])
    _draw_bars(middle, rewards, 3, [], GREEN)
    _draw_bars(right, used, 2, list(gas), PURPLE)
    left.axvline(0, color=BLACK, linewidth=0.8)
    left.set_xlabel("score $S_i$ (axis fitted to this round)")
    left.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    left.xaxis.set_major_formatter(lambda tick, _: _trimmed(tick, decimals))
    low, high = min(values.min(), 0), max(values.max(), 0)
    span = high - low or 1.0
    left.set_xlim(low - (0.65 if low < 0 else 0.04) * span, high + 0.5 * span)  # room for the numbers
    middle.set(xlabel="paid (ETH)", xlim=(0, 1.3 * most_paid or 1.0))
    right.set(xlabel="gas (million)", xlim=(0, 1.3 * most_used / 1e6 or 1.0))
    return figure


def describe_round(
    names: Sequence[str], scores: Sequence[float], rewards: Sequence[float], gas: Mapping[str, int], title: str
) -> str:
    """The text alternative of `draw_round`, with its main numbers."""
    best, worst, decimals = int(np.nanargmax(scores)), int(np.nanargmin(scores)), _decimals(scores)
    most_expensive = max(gas, key=lambda name: gas[name])
    return (
        f"{title}. The scores sum to {np.nansum(scores):.{decimals}f}. "
        f"Highest: {names[best]} with {scores[best]:.{decimals}f}, paid {rewards[best]:.3f} ETH; "
        f"lowest: {names[worst]} with {_signed(scores[worst], decimals)}, paid {rewards[worst]:.3f} ETH. "
        f"Most gas: {most_expensive} with {gas[most_expensive] / 1e6:.2f} million of {sum(gas.values()) / 1e6:.2f}."
    )


def _decimals(scores: Sequence[float]) -> int:
    """Decimals that show the largest score with three digits."""
    largest = np.nanmax(np.abs(np.asarray(scores, dtype=float)))
    return 2 - int(np.floor(np.log10(largest))) if largest > 0 else 2


def _signed(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")


def _trimmed(value: float, decimals: int) -> str:
    """A tick's number without the zeros at its end."""
    text = _signed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _draw_bars(
    axes: Axes, values: Sequence[float] | np.ndarray, decimals: int, labels: Sequence[str], color: Any
) -> None:
    """Bars from the top down, each with its value outside its end: on the right, on the left where it is negative."""
    axes.barh(np.arange(len(values)), values, color=color)
    axes.set(yticks=np.arange(len(values)), yticklabels=labels)
    for place, value in enumerate(values):
        shift, side = (-3, "right") if value < 0 else (3, "left")
        _note(axes, _signed(value, decimals), (value, place), (shift, 0), ha=side, va="center", fontsize=8.5)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


def _note(axes: Axes, text: str, place: tuple[float, float], shift: tuple[int, int], **style: Any) -> None:
    """Words beside a point, `shift` points away from it."""
    axes.annotate(text, place, xytext=shift, textcoords="offset points", **style)
