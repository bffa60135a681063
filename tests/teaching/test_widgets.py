"""Widgets: controls do something, words follow the picture, and what is stored is the same everywhere."""

from __future__ import annotations

import pytest

from bcfl_support.teaching import plots, widgets


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
        with pytest.raises(TypeError, match="steps is a generator, which has no length: give track"):
            next(widgets.track((k for k in range(3)), "counting"))
