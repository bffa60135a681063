"""The pictures several lessons share: what they draw, and what they say to those who cannot see them."""

from __future__ import annotations

import numpy as np
import pytest

from bcfl_support.teaching import plots
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
