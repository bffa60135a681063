"""The picture of the system."""

from __future__ import annotations

import pytest

from bcfl_support.teaching import plots
from bcfl_support.teaching.diagrams import draw_system


def test_it_is_drawn_on_white_in_few_bytes():
    figure = draw_system(["client", "pool"])
    data = plots.to_png(figure)
    assert data.startswith(b"\x89PNG") and len(data) < 120_000
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert data == plots.to_png(draw_system(["client", "pool"]))


def test_unknown_box():
    with pytest.raises(ValueError, match="highlight is 'miner'; use one of client, registry"):
        draw_system(["miner"])
