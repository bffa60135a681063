"""A game on a page that the reader plays, one button a turn.

The buttons are those of the browser: Tab reaches them, Enter and Space press them, and none of them is ever taken away
or switched off, so that who plays by keyboard keeps the place. What a turn brought is said in a line that screen
readers speak, under it the picture as in `widgets.Explorer`. A page without a kernel shows the game before the first
turn; a lesson plays it there once more by a written list of moves.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets
from matplotlib.figure import Figure

from bcfl_support.teaching import plots


class Game(Protocol):
    """What is played: it takes a move and knows how many turns are left."""

    @property
    def left(self) -> int:
        """Turns that are left."""

    def act(self, move: str, /) -> object:
        """Play a turn."""


class Turns(ipywidgets.VBox):
    """Buttons, the game that they play, and what it has come to.

    Attributes:
        game: the game as it stands.
        buttons: by the name of the move; "again" begins a new game.
        words: the HTML widget that says what the last turn brought.
        picture: the HTML widget that shows the figure.
    """

    def __init__(
        self,
        new: Callable[[], Game],
        draw: Callable[[Any], Figure],
        describe: Callable[[Any], str],
        *,
        title: str,
        **moves: str,
    ) -> None:
        """Build the view and begin a game.

        Args:
            new: begins a game.
            draw: takes the game, returns the figure.
            describe: takes the game, says how it stands.
            title: what is played; it stands for the widget where no widget can be shown.
            moves: the label of each move's button, by the name that `act` takes.
        """
        self._new, self._draw, self._describe, self._title, self._moves = new, draw, describe, title, moves
        labels = moves | {"again": "begin again"}
        self.buttons = {name: ipywidgets.Button(description=label) for name, label in labels.items()}
        for name, button in self.buttons.items():
            button.layout.width = "auto"
            button.on_click(lambda _button, name=name: self._press(name))
        row = ipywidgets.HBox(list(self.buttons.values()), layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.words, self.picture = ipywidgets.HTML(), ipywidgets.HTML()
        super().__init__(children=[row, self.words, self.picture])
        self.add_class("bcfl-turns")
        self._press("again")

    def _press(self, name: str) -> None:
        if name == "again":
            self.game = self._new()
        elif self.game.left:
            self.game.act(name)
        words = self._describe(self.game)
        # The line is new at every turn, and an alert is spoken when it appears.
        self.words.value = f'<p role="alert" style="line-height: 1.4">{html.escape(words)}</p>'
        self.picture.value = plots.to_html(self._draw(self.game), words)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The live game, and for pages that cannot play it the words before the first turn."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        names = ", ".join(f"“{label}”" for label in self._moves.values())
        how = f"(When the lesson is run, it is played with the buttons {names}.)"
        bundle["text/html"] = f"<p>{html.escape(how)}</p>{self.words.value}"
        return bundle

    def __repr__(self) -> str:
        return f"Turns: {self._title} (run this cell, then press: {', '.join(self._moves.values())})"
