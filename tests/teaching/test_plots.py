"""Figures: one style, the same bytes every time, and always words for who cannot see them."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from bcfl_support.teaching import plots


def test_figures_have_the_series_style() -> None:
    figure, axes = plots.make_figure(3, 2, 1, 2, sharey=True)
    assert len(axes) == 2 and not axes[0].spines["top"].get_visible()
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)


def test_html_carries_the_picture_and_its_words() -> None:
    figure, _ = plots.make_figure(3, 2)
    page = plots.to_html(figure, 'an empty pair of axes, "a" < "b"')
    assert 'alt="an empty pair of axes, &quot;a&quot; &lt; &quot;b&quot;"' in page
    assert 'src="data:image/png;base64,iVBOR' in page


@pytest.mark.parametrize("alt", ["", "a figure"])
def test_figure_without_alternative_is_refused(alt):
    with pytest.raises(ValueError, match="say what the figure shows"):
        plots.show(Figure(), alt)
