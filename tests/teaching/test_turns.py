"""The game on a page: buttons play it, its line is spoken, and what is stored is the same everywhere."""

from __future__ import annotations

import re

import pytest

from bcfl_support.teaching import plots, turns


class Nim:
    """Three turns; remembers its moves."""

    def __init__(self):
        self.moves = []

    @property
    def left(self):
        return 3 - len(self.moves)

    def act(self, move):
        self.moves.append(move)


@pytest.fixture
def view():
    def draw(game):
        figure, axes = plots.make_figure(3, 2)
        axes.plot([0, len(game.moves)])
        return figure

    return turns.Turns(
        Nim,
        draw,
        lambda game: f'{game.left} turns are left after "{game.moves}"',
        title="nim",
        one="take 1",
        two="take 2",
    )


def test_every_button_plays_a_turn_and_says_what_came_of_it(view):
    before = view.picture.value
    view.buttons["one"].click()
    view.buttons["two"].click()
    assert view.game.moves == ["one", "two"]
    assert "1 turns are left" in view.words.value and view.picture.value != before
    assert 'alt="1 turns are left after &quot;[' in view.picture.value


def test_a_game_that_is_over_takes_no_more_moves_and_can_begin_again(view):
    for _ in range(5):
        view.buttons["one"].click()
    assert view.game.moves == ["one"] * 3 and "0 turns are left" in view.words.value
    view.buttons["again"].click()
    assert view.game.moves == [] and "3 turns are left" in view.words.value


def test_who_plays_by_keyboard_keeps_the_place(view):
    """Buttons of the browser, reached by Tab; a button that is switched off or replaced loses the focus."""
    mine = list(view.children[0].children)
    for name in ("one", "two", "one", "two", "again"):
        view.buttons[name].click()
        assert list(view.children[0].children) == mine and not any(button.disabled for button in mine)
    assert all(isinstance(button, turns.ipywidgets.Button) and button.description for button in mine)


def test_the_line_is_spoken_when_it_appears(view):
    assert re.match(r'<p role="alert"[^>]*>3 turns are left', view.words.value)


def test_a_page_without_widgets_shows_how_it_begins(view):
    bundle = view._repr_mimebundle_()
    assert "it is played with the buttons “take 1”, “take 2”.)" in bundle["text/html"]
    assert "3 turns are left" in bundle["text/html"]
    assert repr(view) == "Turns: nim (run this cell, then press: take 1, take 2)"
