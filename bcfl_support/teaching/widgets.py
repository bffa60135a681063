"""What moves on a page: views with controls, and a line that says how far a long cell is.

An explorer's figure is an HTML widget with an image, its text alternative, and the same sentence below for everybody;
it is not captured output. So nothing is printed while a slider moves, words follow the picture, and a stored notebook
is the same whoever executed it. What is stored is the view as it first stood, for pages without a kernel.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from bcfl_support.teaching import plots

LABEL_WIDTH, CONTROL_WIDTH = 8, 300
"""Pixels of a letter of a control's label, and of the control beside it."""


class Explorer(ipywidgets.VBox):
    """Controls and the figure they govern.

    Attributes:
        controls: the control widgets by the name of the argument they set.
        picture: the HTML widget that shows the figure and the sentence that describes it.
    """

    def __init__(
        self,
        draw: Callable[..., Figure],
        describe: Callable[..., str],
        *,
        title: str,
        **controls: ipywidgets.ValueWidget,
    ) -> None:
        """Build the view and draw it once.

        Args:
            draw: takes the controls' values by name, returns the figure.
            describe: takes the same, returns what the figure shows, in words.
            title: what the view is about; it stands for the widget where no widget can be shown.
            controls: one widget for each argument of `draw`.
        """
        self._draw, self._describe, self._title = draw, describe, title
        self.controls, self.picture = controls, ipywidgets.HTML()
        # One column for the labels, so that all controls begin at one edge.
        column = max((len(control.description) for control in controls.values()), default=0) * LABEL_WIDTH + 8
        for control in controls.values():
            control.style.description_width = f"{column:.0f}px"
            control.layout.width = f"{column + CONTROL_WIDTH:.0f}px"
            control.layout.max_width = "100%"  # on a narrow page, or a magnified one
            control.observe(self._update, names="value")
        super().__init__(children=[*controls.values(), self.picture])
        self.add_class("bcfl-explorer")
        self._update()

    def _update(self, _change: Any = None) -> None:
        values = {name: control.value for name, control in self.controls.items()}
        words = self._describe(**values)
        image = plots.to_html(self._draw(**values), words)
        # The image already says it to who cannot see it: said twice it would be noise.
        self.picture.value = f'{image}<p aria-hidden="true" style="line-height: 1.4">{html.escape(words)}</p>'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The live view, and for pages that cannot show it the picture as it first stood."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        names = " and ".join(f"“{control.description}”" for control in self.controls.values())
        bundle["text/html"] = f"<p>(When the lesson is run, {html.escape(names)} can be moved.)</p>{self.picture.value}"
        return bundle

    def __repr__(self) -> str:
        # Stored as the cell's text; a widget's own repr would hold the image's bytes.
        names = ", ".join(control.description for control in self.controls.values())
        return f"Explorer: {self._title} (run this cell, then move: {names})"


def slider(description: str, minimum: int, maximum: int, value: int) -> ipywidgets.IntSlider:
    """An integer slider that redraws when it is let go.

    Args:
        description: its label.
        minimum, maximum: its ends, both included.
        value: where it stands at first.

    Returns:
        A control for `Explorer`.
    """
    return ipywidgets.IntSlider(value=value, min=minimum, max=maximum, description=description, continuous_update=False)


class Progress(ipywidgets.HBox):
    """A bar and the seconds so far; stored in a notebook, only the words."""

    def __init__(self, words: str, total: int) -> None:
        self._words, self._start = words, time.monotonic()
        # The words keep their room, the bar takes what is left.
        whole = {"layout": ipywidgets.Layout(flex="0 0 auto")}
        self._bar = ipywidgets.IntProgress(max=total, layout=ipywidgets.Layout(flex="0 1 220px", min_width="40px"))
        self._label = ipywidgets.Label(**whole)
        super().__init__(children=[ipywidgets.Label(words, **whole), self._bar, self._label])

    def advance(self) -> None:
        """Move the bar on by a step."""
        self._bar.value += 1
        done, seconds = self._bar.value, time.monotonic() - self._start
        self._label.value = f"{done} of {self._bar.max}, {seconds:.0f} s"

    def __repr__(self) -> str:
        return f"{self._words} ({self._bar.max} steps)"


def track(steps: Iterable[Any], words: str) -> Iterator[Any]:
    """Go through `steps` and show how far it is: for cells that run longer than a few seconds.

    Args:
        steps: what to go through; it must have a length.
        words: what is being done, such as "training for ten rounds".

    Yields:
        Each step.

    Raises:
        TypeError: if `steps` has no length.
    """
    from IPython.display import display

    if not isinstance(steps, Sized):
        raise TypeError(f"steps is a {type(steps).__name__}, which has no length: give track() a list or a range")
    progress = Progress(words, len(steps))
    display(progress)
    for step in steps:
        yield step
        progress.advance()
