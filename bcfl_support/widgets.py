"""Interactive views: controls above, one figure below, redrawn when a control moves.

The figure is an HTML widget with an image and its text alternative, not captured output: nothing is printed while a
slider moves, the alternative text follows it, and a stored notebook is the same whoever executed it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from bcfl_support import plots


class Explorer(ipywidgets.VBox):
    """Controls and the figure they govern.

    Attributes:
        controls: the control widgets by the name of the argument they set.
        picture: the HTML widget that shows the figure.
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
            describe: takes the same, returns the figure's text alternative.
            title: what the view is about; it stands for the widget where no widget can be shown.
            controls: one widget for each argument of `draw`.
        """
        self._draw, self._describe, self._title = draw, describe, title
        self.controls = controls
        self.picture = ipywidgets.HTML()
        for control in controls.values():
            control.style = {"description_width": "initial"}
            control.observe(self._update, names="value")
        super().__init__(children=[*controls.values(), self.picture])
        self._update()

    def _update(self, _change: Any = None) -> None:
        values = {name: control.value for name, control in self.controls.items()}
        data = base64.b64encode(plots.to_png(self._draw(**values))).decode()
        alt = html.escape(self._describe(**values))
        self.picture.value = f'<img alt="{alt}" style="max-width: 100%" src="data:image/png;base64,{data}">'

    def __repr__(self) -> str:
        # Stored as the cell's text; a widget's own repr would hold the image's bytes.
        return f"Explorer: {self._title} ({', '.join(self.controls)})"


def slider(description: str, minimum: int, maximum: int, value: int) -> ipywidgets.IntSlider:
    """An integer slider that redraws when it is let go, with room for its label."""
    return ipywidgets.IntSlider(
        value=value,
        min=minimum,
        max=maximum,
        description=description,
        continuous_update=False,
        layout=ipywidgets.Layout(width="420px"),
    )
