"""Figures and widgets: what they draw, what they say to those who cannot see it, and that controls do something."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from bcfl_support.teaching import plots, widgets
from bcfl_support.teaching.diagrams import describe_round, describe_training, draw_round, draw_system, draw_training

NAMES = ["a", "b", "c"]


def view(scores=(0.2, -0.1, 0.05), rewards=(0.7, 0.0, 0.3)):
    return NAMES, np.array(scores), list(rewards), {"commit": 10**6, "reveal": 3 * 10**6}, "Round 1"


class TestFigures:
    @pytest.mark.parametrize(
        "figure",
        [
            draw_system(["client", "pool"]),
            draw_training([0.4, 0.9, 0.95], [0.1, 0.8], 0.96),
            draw_training([0.4, 0.9, 0.95], [0.1, 0.8], 0.96, {0: "labels swapped"}, 84),
            draw_training([0.7, 0.9, 0.95], [0.8, 0.8], 0.96),
            draw_round(*view()),
            draw_round(*view(scores=(np.nan, 0.0, 0.0), rewards=(0, 0, 0))),
        ],
    )
    def test_draw_to_opaque_png(self, figure):
        data = plots.to_png(figure)
        assert data.startswith(b"\x89PNG") and len(data) < 120_000
        assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)

    def test_same_figure_same_bytes(self):
        assert plots.to_png(draw_round(*view())) == plots.to_png(draw_round(*view()))

    def test_unknown_box(self):
        with pytest.raises(ValueError, match="no such box: \\['miner'\\]; the boxes are client, registry"):
            draw_system(["miner"])

    def test_text_alternative_names_the_extremes(self):
        text = describe_round(*view())
        assert "The scores sum to 0.150. Highest: a with 0.200, paid 0.700 ETH" in text
        assert "lowest: b with −0.100" in text and "reveal with 3.00 million of 4.00" in text

    def test_scores_are_told_with_three_digits_however_small(self):
        assert "a with 0.000200" in describe_round(*view(scores=(2e-4, -1e-4, 5e-5)))

    def test_axis_of_the_training_is_broken_where_the_values_leave_a_gap(self):
        whole = draw_training([0.7, 0.9, 0.95], [0.8, 0.8], 0.96)
        broken = draw_training([0.4, 0.9, 0.95], [0.1, 0.92], 0.96)
        assert len(whole.axes) == 2 and whole.axes[0].get_ylim()[0] == 0
        upper, lower = broken.axes[0].get_ylim(), broken.axes[2].get_ylim()
        assert lower[0] == 0 and 0.4 < lower[1] < upper[0] < 0.9 and upper[1] > 0.96

    def test_training_names_the_odd_client(self):
        text = describe_training([0.4, 0.9, 0.95], [0.1, 0.8, 0.85], 0.96, {0: "labels swapped"}, 84)
        assert "2 hospitals alone, from 0.80 to 0.85; hospital 0 (labels swapped): 0.10." in text
        assert "0.40 before the first round" in text and "One of 84 test records is 0.012." in text
        figure = draw_training([0.4, 0.9, 0.95], [0.1, 0.8, 0.85], 0.96, {0: "labels swapped"})
        assert any("hospital 0,\nlabels swapped: 0.10" in text.get_text() for text in figure.axes[-1].texts)

    def test_rounds_share_the_axes_they_are_given_room_on(self):
        axes = draw_round(*view(), ends=(2.0, 8 * 10**6)).axes
        assert axes[1].get_xlim()[1] > 2 and axes[2].get_xlim()[1] > 8

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
            lambda number, flag: f'a line up to the number {number} "{flag}"',
            title="a line",
            number=widgets.slider("end", 1, 5, 2),
            flag=widgets.ipywidgets.Dropdown(options=["x", "y"], value="x", description="choice"),
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
        assert 'alt="a line up to the number 5 &quot;x&quot;"' in view.picture.value
        assert ">a line up to the number 5 &quot;x&quot;</p>" in view.picture.value

    def test_stored_text_is_the_same_on_every_machine(self):
        view, _ = self.explorer()
        assert repr(view) == "Explorer: a line (run this cell, then move: end, choice)"

    def test_sliders_wait_until_they_are_let_go(self):
        assert widgets.slider("n", 0, 9, 3).continuous_update is False


class TestTrack:
    @pytest.fixture
    def shown(self, monkeypatch):
        outputs = []
        monkeypatch.setattr("IPython.display.display", outputs.append)
        return outputs

    def test_gives_every_step_and_counts_those_that_are_done(self, shown):
        seen = []
        for step in widgets.track(["a", "b", "c"], "training"):
            seen.append((step, shown[0].children[1].value))
        assert seen == [("a", 0), ("b", 1), ("c", 2)]
        assert shown[0].children[1].value == 3 and shown[0].children[2].value.startswith("3 of 3, ")

    def test_stored_words_do_not_depend_on_the_time_it_took(self, shown):
        list(widgets.track(range(4), "training four federations"))
        assert repr(shown[0]) == "training four federations (4 steps)"

    def test_steps_without_a_length_are_refused(self):
        with pytest.raises(TypeError, match="generator has no length: give track"):
            next(widgets.track((k for k in range(3)), "counting"))
