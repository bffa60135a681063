"""The README's figure, docs/gas.svg: gas of a round against parameters, on all rungs, from results/*.json.

    python -m tools figure

Rows of results/gas.json, and of results/proofs.json what a larger setup would make of a proven round. Each line carries
its name, so that nothing hangs on its color; the background is opaque, for dark pages.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from bcfl_support import chain
from bcfl_support.teaching import plots

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "gas.svg"
PAPER_P, PAPER_GAS = 100_000, 4.7e9
"""The paper's figure; it does not say of how many clients."""
CLIENTS = 10
NAMES = {
    0: "0  a slot a number",
    1: "1  32 numbers a slot",
    2: "2  calldata, recomputed",
    3: "3  the data logged, disputes",
    4: "4  the data in blobs, disputes",
    5: "5  one value of 64, recomputed",
    6: "6  proven",
    7: "7  proven, one transaction",
    8: "8  proven, in blobs, six clients",
}
"""What stands beside each line: the rung, and what it does."""
PLACES = {
    0: (1.5e6, 3.12e11),
    1: (1.5e6, 8e9),
    2: (1.5e6, 6.4e8),
    3: (1.5e6, 2.6e8),
    4: (1.5e6, 1.56e6),
    5: (1.5e6, 9.5e6),
    6: (1.5e6, 2.9e7),
    7: (2.5e4, 2.6e5),
    8: (11, 2.6e5),
}
STYLES: dict[int, Any] = {3: (0, (4, 2)), 7: "--", 8: ":"}
LEAD = {"arrowstyle": "-", "linewidth": 0.7}
MARKERS = (*plots.MARKERS[:6], "P", "X", "*")


def read() -> tuple[dict[int, list[dict[str, Any]]], dict[str, Any]]:
    """Rows of each rung, with ten clients or the most that it takes, by P; and a proven round with a larger setup."""
    rows: list[dict[str, Any]] = json.loads((ROOT / "results" / "gas.json").read_text(encoding="utf-8"))["rows"]
    lines = {}
    for number in sorted({row["rung"] for row in rows}):
        own = [row for row in rows if row["rung"] == number]
        n = CLIENTS if any(row["n"] == CLIENTS for row in own) else max(row["n"] for row in own)
        lines[number] = sorted((row for row in own if row["n"] == n), key=lambda row: row["P"])
    proofs: list[dict[str, Any]] = json.loads((ROOT / "results" / "proofs.json").read_text(encoding="utf-8"))["rows"]
    [larger] = [r for r in proofs if (r["rung"], r["n"], r["P"]) == (6, CLIENTS, 10**6) and r["srs"].startswith("toy")]
    return lines, larger


def draw() -> Figure:
    """The figure."""
    lines, larger = read()
    figure, axes = plots.make_figure(8.6, 5.6)
    axes.axhline(chain.BLOCK_GAS_LIMIT, color="#555555", linewidth=1.1)
    axes.text(2.4e6, chain.BLOCK_GAS_LIMIT * 1.25, "a block: 60 million")
    for number, rows in lines.items():
        color, wide = plots.PALETTE[number] if number < 6 else plots.BLACK, number == 2
        sizes, gas = [row["P"] for row in rows], [row["gas_round"] for row in rows]
        style = {"linestyle": STYLES.get(number, "-"), "linewidth": 7 if wide else 1.6, "alpha": 0.4 if wide else 1}
        axes.plot(sizes, gas, color=color, **style)
        for row in rows:
            face, size = color if row["measured"] else "white", 11 if wide else 5 if number == 3 else 6
            axes.plot(row["P"], row["gas_round"], MARKERS[number], color=color, markerfacecolor=face, markersize=size)
        lead = LEAD | {"relpos": (0.3, 1)} if number == 7 else None
        dark = matplotlib.colors.to_rgb(color)
        ink = color if number >= 6 else tuple(0.62 * part for part in dark)  # words need more contrast than lines
        place = PLACES[number]
        axes.annotate(NAMES[number], (sizes[-1], gas[-1]), place, color=ink, va="center", arrowprops=lead)
    axes.plot(larger["P"], larger["gas_round"], "P", color=plots.BLACK, markerfacecolor="white", markersize=8)
    axes.annotate(
        "6, if a ceremony made 2²⁰ powers",
        (larger["P"], larger["gas_round"]),
        (1.5e6, 4.6e5),
        va="center",
        arrowprops=LEAD | {"relpos": (0, 0.5)},
    )
    axes.plot(PAPER_P, PAPER_GAS, "s", color="#555555", markersize=9, markerfacecolor="none", markeredgewidth=2)
    words = "the paper: 4.7 billion (clients not said)"
    axes.annotate(words, (PAPER_P, PAPER_GAS), (60, 3.5e10), arrowprops=LEAD | {"relpos": (1, 0.5), "shrinkB": 6})
    axes.plot([], [], "o", color="#555555", label="measured on a local chain")
    axes.plot([], [], "o", color="#555555", markerfacecolor="white", label="predicted by a cost model; or a toy setup")
    axes.legend(fontsize=9.5, loc="upper left")
    axes.set(xscale="log", yscale="log", xlim=(6, 1.3e8), ylim=(1.7e5, 1e12))
    axes.set_xticks([10**k for k in range(1, 7)])
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set(xlabel="parameters", ylabel="gas of a first round, blob gas aside")
    axes.set_title("Gas of a round of ten clients: nine ways to put it on chain")
    return figure


def describe() -> str:
    """The figure in words: its alternative text in the README."""
    lines, larger = read()
    at = {number: next((r["gas_round"] for r in rows if r["P"] == PAPER_P), 0) for number, rows in lines.items()}
    million = {number: f"{gas / 1e6:.1f} million" for number, gas in at.items()}
    return (
        "Gas of a first round of ten clients against parameters, both axes logarithmic, blob gas aside. At 100,000 "
        f"parameters the paper reports 4.7 billion gas. A slot a number (rung 0) takes {at[0] / 1e9:.1f} billion, 32 "
        f"numbers a slot (1) {at[1] / 1e9:.1f} billion, calldata recomputed (2) {million[2]}, logged, with disputes "
        f"(3) {million[3]}, in blobs, with disputes (4) {million[4]}, one value of 64 (5) {million[5]}, proven (6) "
        f"{million[6]}, proven in one transaction (7) {million[7]}; a block holds 60 million. With the data in blobs, "
        f"proven (8), six clients take {lines[8][-1]['gas_round'] / 1e6:.1f} million at 1,000 parameters. With a setup "
        f"of 2^20 powers a million parameters proven would take {larger['gas_round'] / 1e6:.1f} million."
    )


def render() -> str:
    """The figure as SVG, the same wherever it is made."""
    written = io.StringIO()
    with matplotlib.rc_context({**plots.STYLE, "svg.hashsalt": "gas", "svg.fonttype": "path"}):
        draw().savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def write() -> str:
    """Write it; return its alternative text."""
    TARGET.write_text(render(), encoding="utf-8")
    return describe()
