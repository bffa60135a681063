"""Figures and widgets: what they draw, what they say to those who cannot see it, and that controls do something."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from bcfl_support import plots, widgets

NAMES = ["a", "b", "c"]


def view(scores=(0.2, -0.1, 0.05), rewards=(0.7, 0.0, 0.3)):
    return NAMES, np.array(scores), list(rewards), {"commit": 10**6, "reveal": 3 * 10**6}, "Round 1"


class TestFigures:
    @pytest.mark.parametrize(
        "figure",
        [
            plots.draw_system(["client", "pool"]),
            plots.draw_training([0.4, 0.9, 0.95], [0.1, 0.8], 0.96),
            plots.draw_round(*view()),
            plots.draw_round(*view(scores=(np.nan, 0.0, 0.0), rewards=(0, 0, 0))),
        ],
    )
    def test_draw_to_opaque_png(self, figure):
        data = plots.to_png(figure)
        assert data.startswith(b"\x89PNG") and len(data) < 120_000
        assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)

    def test_same_figure_same_bytes(self):
        assert plots.to_png(plots.draw_round(*view())) == plots.to_png(plots.draw_round(*view()))

    def test_unknown_box(self):
        with pytest.raises(ValueError, match="no such box: \\['miner'\\]; the boxes are client, registry"):
            plots.draw_system(["miner"])

    def test_text_alternative_names_the_extremes(self):
        text = plots.describe_round(*view())
        assert "Highest score: a with 0.2000, paid 0.700 ETH" in text
        assert "lowest: b with -0.1000" in text and "reveal with 3.00 million of 4.00" in text

    @pytest.mark.parametrize("alt", ["", "a figure"])
    def test_figure_without_alternative_is_refused(self, alt):
        with pytest.raises(ValueError, match="say what the figure shows"):
            plots.show(Figure(), alt)


class TestExplorer:
    def explorer(self):
        calls = []

        def draw(number, flag):
            calls.append((number, flag))
            figure, axes = plots.make_figure(3, 2)
            axes.plot([0, number])
            return figure

        view = widgets.Explorer(
            draw,
            lambda number, flag: f'line to {number} "{flag}"',
            title="a line",
            number=widgets.slider("end", 1, 5, 2),
            flag=widgets.ipywidgets.Dropdown(options=["x", "y"], value="x"),
        )
        return view, calls

    def test_draws_once_at_first_and_again_for_every_move(self):
        view, calls = self.explorer()
        first = view.picture.value
        view.controls["number"].value = 4
        view.controls["flag"].value = "y"
        assert calls == [(2, "x"), (4, "x"), (4, "y")]
        assert view.picture.value != first

    def test_alternative_text_follows_the_controls_and_is_escaped(self):
        view, _ = self.explorer()
        view.controls["number"].value = 5
        assert 'alt="line to 5 &quot;x&quot;"' in view.picture.value

    def test_stored_text_is_the_same_on_every_machine(self):
        view, _ = self.explorer()
        assert repr(view) == "Explorer: a line (number, flag)"

    def test_sliders_wait_until_they_are_let_go(self):
        assert widgets.slider("n", 0, 9, 3).continuous_update is False
