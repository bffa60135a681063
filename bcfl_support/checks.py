"""Numbers where they must lie, names that must be known: what is wrong, the value, the bound, and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any

import numpy as np

from bcfl_support.errors import InvalidInput


def check_range(
    name: str, value: Any, low: float, high: float = np.inf, *, whole: bool = False, above: bool = False, why: str = ""
) -> np.ndarray:
    """A number, or an array of them, all in [low, high]. NaN, infinity and text lie nowhere.

    Args:
        name: what the value is called in the message.
        value: a number, or numbers of any shape.
        low: the lowest allowed, or with `above` the highest that is not.
        high: the highest allowed.
        whole: whether only integers will do.
        above: whether `low` itself is refused.
        why: the reason for the bound, a clause of the message.

    Returns:
        The value, float64; as it is when `whole`.

    Raises:
        InvalidInput: it lies elsewhere; the message has the value and the bound.

    >>> check_range("share", 0.5, 0, 1).item()
    0.5
    >>> check_range("trim", 5, 0, 4, whole=True, why="half would be left out")
    Traceback (most recent call last):
    bcfl_support.errors.InvalidInput: trim is 5: half would be left out; choose it whole, in [0, 4]
    """
    with contextlib.suppress(TypeError, ValueError):  # what is no number at all is refused below
        given = np.asarray(value, dtype=object if whole else np.float64)  # integers of any size
        fits = not whole or all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in given.flat)
        refuse_text(name, value)
        if fits and ((given > low if above else given >= low) & (given <= high) & (abs(given) < np.inf)).all():
            return np.asarray(value) if whole else given
    reason, kind = f"{why}; " if why else "", "whole, " if whole else ""
    room = f"{'[('[above or low == -np.inf]}{low}, " + (f"{high}]" if high < np.inf else "∞)")
    shown = repr(value) if isinstance(value, (str, bytes)) else value
    raise InvalidInput(f"{name} is {shown}: {reason}choose it {kind}in {room}")


def refuse_text(name: str, values: Any) -> None:
    """Refuse text among numbers: NumPy would take "0.5" for 0.5.

    Args:
        name: what the values are called in the message.
        values: a number, or numbers of any shape.

    Raises:
        InvalidInput: there is text.
    """
    given = np.asarray(values)
    if given.dtype.kind in "US" or (given.dtype == object and any(isinstance(n, (str, bytes)) for n in given.flat)):
        raise InvalidInput(f"there is text in {name}: give numbers, not their digits")


def check_generator(rng: Any) -> None:
    """Refuse what draws nothing where a NumPy generator is wanted, such as a seed.

    Args:
        rng: what should draw.

    Raises:
        InvalidInput: it is no generator.
    """
    if not isinstance(rng, np.random.Generator):
        raise InvalidInput(f"rng is {rng!r}; give a generator, such as np.random.default_rng(0)")


def check_flags(name: str, values: Any) -> np.ndarray:
    """Truth values, or zeros and ones in their place. Any other number would pass for "yes".

    Args:
        name: what the values are called in the message.
        values: of any shape.

    Returns:
        The values, bool.

    Raises:
        InvalidInput: there is something else.

    >>> check_flags("present", [[1, 0]]).tolist()
    [[True, False]]
    """
    given = np.asarray(values)
    if given.dtype != np.bool_ and not np.isin(given, (0, 1)).all():
        raise InvalidInput(f"{name} holds more than truth values: give True and False, or ones and zeros")
    return given.astype(np.bool_, copy=False)


def check_choice(name: str, value: Any, known: Collection[str]) -> None:
    """Refuse a name that is not known.

    Args:
        name: what is chosen, for the message.
        value: the choice.
        known: the names there are.

    Raises:
        InvalidInput: it is none of them; the message lists them.
    """
    if not isinstance(value, str) or value not in known:
        raise InvalidInput(f"{name} is {value!r}; use one of {', '.join(known)}")
