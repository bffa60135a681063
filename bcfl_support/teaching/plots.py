"""Figures of the lessons: one style, readable without color, on light and dark pages, each with a text alternative.

Colors are Okabe and Ito's, told apart by people with any common color vision deficiency; what a color says, a
label, a marker or a position says too. The background is opaque white, so a dark theme does not swallow the axes.
"""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import cycler
import matplotlib
from matplotlib.figure import Figure

from bcfl_support.errors import InvalidInput

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#222222")
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, BLACK = PALETTE


MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


STYLE: Any = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "white"),
    "axes.prop_cycle": cycler.cycler(color=[*list(PALETTE[:6]), BLACK]),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "lines.linewidth": 2.0,
    # room to the picture's edge, which shows on a dark page
    **dict.fromkeys(("figure.constrained_layout.w_pad", "figure.constrained_layout.h_pad"), 0.12),
}
"""Settings of every figure; a lesson that draws its own uses ``with matplotlib.rc_context(plots.STYLE)``."""


DPI = 96


MINIMUM_ALT = 20
"""Characters below which a text alternative cannot say anything."""


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
    """The figure as PNG bytes, in at most 128 colors: a third of the size, and no difference to the eye."""
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
        InvalidInput: if `alt` is too short to say anything.
    """
    if len(alt) < MINIMUM_ALT:
        asked = f"at least {MINIMUM_ALT} are needed: say what the figure shows"
        raise InvalidInput(f"the text alternative {alt!r} has {len(alt)} characters, {asked}")
    data = base64.b64encode(to_png(figure)).decode()
    return f'<img alt="{html.escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{data}">'


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook together with its text alternative.

    Args:
        figure: what to show.
        alt: see `to_html`.

    Raises:
        InvalidInput: if `alt` is empty or too short to say anything.
    """
    from IPython.display import display

    display({"text/html": to_html(figure, alt), "text/plain": f"Figure: {alt}"}, raw=True)
