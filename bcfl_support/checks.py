"""Numbers where they must lie, names that must be known: what is wrong, the value, the bound, and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from numbers import Number
from typing import Any

import numpy as np

from bcfl_support.errors import BcflError, InvalidInput


def check_range(
    name: str,
    value: Any,
    low: float,
    high: float = np.inf,
    *,
    many: bool = False,
    row: bool = False,
    whole: bool = False,
    above: bool = False,
    why: str = "",
    error: type[BcflError] = InvalidInput,
) -> np.ndarray:
    """One number, or with `many` an array of them, all in [low, high]. NaN, infinity and text lie nowhere.

    Args:
        name: what the value is called in the message.
        value: a number; with `many` numbers of any shape.
        low: the lowest allowed, or with `above` the highest that is not.
        high: the highest allowed.
        many: whether an array will do, also an empty one.
        row: whether it must be one row of numbers.
        whole: whether only integers will do.
        above: whether `low` itself is refused.
        why: the reason for the bound, a clause of the message.
        error: what is raised.

    Returns:
        The value, float64; when `whole`, int64, in which nothing small overflows, or objects where that is too small.

    Raises:
        InvalidInput, or what `error` says: it lies elsewhere, or is no single number; the message has value and bound.

    >>> check_range("share", 0.5, 0, 1).item()
    0.5
    >>> check_range("trim", 5, 0, 4, whole=True, why="half would be left out")
    Traceback (most recent call last):
    bcfl_support.errors.InvalidInput: trim is 5: half would be left out; choose it whole, in [0, 4]
    """
    shaped, form = True, "one row," if row else "one number,"
    refuse_mask(name, value, error)
    with contextlib.suppress(TypeError, ValueError):  # what is no number at all is refused below
        integers = isinstance(value, np.ndarray) and value.dtype.kind in "iu"  # checked without a loop
        # as objects, integers are of any size
        given = to_array(name, value, error, None if integers else object) if whole else to_floats(name, value)
        shaped, told = given.ndim == 1 if row else many or not given.ndim, () if integers or not whole else given.flat
        counted = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in told)
        fits = shaped and counted and not isinstance(value, (bool, np.bool_))
        if fits and ((given > low if above else given >= low) & (given <= high) & (abs(given) < np.inf)).all():
            exact = np.int64 if np.all(abs(given) < 2**63) else object
            return given.astype(exact if whole else np.float64, copy=False)
    reason, kind = f"{why}; " if why else "", "whole, " if whole else ""
    room = f"{'[('[above or low == -np.inf]}{low}, " + (f"{high}]" if high < np.inf else "∞)")
    shown = repr(value) if isinstance(value, (str, bytes)) else str(value)
    shown = shown if len(shown) < 1_000 else f"{shorten(value)} …"
    raise error(f"{name} is {shown}: {reason}choose {'it' if shaped else form} {kind}in {room}")


def check_whole(
    name: str, value: Any, low: float, high: float = np.inf, *, why: str = "", error: type[BcflError] = InvalidInput
) -> int:
    """One whole number in [low, high], as Python's: NumPy's overflow, and no transaction takes them.

    >>> check_whole("P", np.int8(100), 1) * 10
    1000

    Arguments and errors as in `check_range`.
    """
    return int(check_range(name, value, low, high, whole=True, why=why, error=error))


def to_floats(name: str, values: Any, error: type[BcflError] = InvalidInput) -> np.ndarray:
    """Numbers as float64, NaN and infinity among them. NumPy alone would read text, and take None for NaN.

    The rule of the whole package: a number means its value, whatever type holds it. 2 is 2.0 as int64, int32, uint8,
    float32, big-endian or in a list, in features and in updates alike; only `protocol` takes integers at the contract's
    scale, and only where ``scaled=True`` says so. Labels, counts and wei are integers, and floats are none of them.

    Args:
        name: what the values are called in the message.
        values: a number, or numbers of any shape.
        error: what is raised.

    Returns:
        The numbers, float64, in their shape.

    Raises:
        InvalidInput, or what `error` says: text, None, or rows of unequal length.

    >>> to_floats("updates", [[1, 2], [3]])
    Traceback (most recent call last):
    bcfl_support.errors.InvalidInput: updates is [[1, 2], [3]]: give numbers, in rows of one length
    """
    given = to_array(name, values, error)
    kind, objects = given.dtype.kind, list(given.flat) if given.dtype == object else []
    if kind in "US" or any(isinstance(n, (str, bytes)) for n in objects):
        raise error(f"there is text in {name}: give numbers, not their digits")
    with contextlib.suppress(TypeError, OverflowError):  # complex, or too large for a float
        if kind in "biuf" or (kind == "O" and all(isinstance(n, Number) for n in objects)):
            return given.astype(np.float64, copy=False)
    raise error(f"{name} is {shorten(values)}: give numbers, in rows of one length")


def to_array(name: str, values: Any, error: type[BcflError] = InvalidInput, dtype: Any = None) -> np.ndarray:
    """An array of whatever it is made of; rows of unequal length and masks, which it would lose, are refused.

    Arguments as in `to_floats`; `dtype` is that of the array, None for what NumPy finds.
    """
    refuse_mask(name, values, error)
    try:
        return np.asarray(values, dtype=dtype)
    except (RuntimeError, TypeError) as problem:  # torch's: with a gradient, on another device, sparse, or bfloat16
        raise error(f"{name} is {shorten(values)}, no array of NumPy: {problem}; convert it first") from None
    except ValueError:
        raise error(f"{name} is {shorten(values)}: give numbers, in rows of one length") from None


def refuse_mask(name: str, values: Any, error: type[BcflError] = InvalidInput) -> None:
    """Refuse an array with a mask, or rows of which one has a mask; arguments as in `to_floats`."""
    if isinstance(values, np.ma.MaskedArray):
        raise error(f"{name} has a mask, which nobody who receives it would see: fill it first")
    if isinstance(values, (list, tuple)):
        for row in values:
            if isinstance(row, (list, tuple, np.ma.MaskedArray)):
                refuse_mask(name, row, error)


def freeze(values: np.ndarray) -> np.ndarray:
    """A copy that nobody changes, for what is kept after its check; what is one already is taken as it is.

    >>> kept = freeze(np.zeros(2))
    >>> kept.flags.writeable, freeze(kept) is kept
    (False, True)
    """
    if values.flags.writeable or not values.flags.owndata:
        values = values.copy()
        values.flags.writeable = False
    return values


def lower_median(values: Iterable[int], weights: Collection[int]) -> int:
    """The smallest value such that those not larger hold half of the weights, as the contracts find it; 0 of none.

    >>> lower_median([30, 10, 20], [1, 1, 2])
    20

    Args:
        values, weights: Python's integers, one of each a client: NumPy's would overflow.
    """
    pairs, total = sorted(zip(values, weights, strict=True)), sum(weights)
    reached = np.cumsum([weight for _, weight in pairs], dtype=object)
    return next((value for (value, _), so_far in zip(pairs, reached, strict=True) if 2 * so_far >= total), 0)


def name_entry(name: str, place: Iterable[int]) -> str:
    """How a message calls one entry of an array.

    >>> name_entry("x", (7, 2))
    'x[7, 2]'
    """
    return f"{name}[{', '.join(map(str, place))}]"


def shorten(value: Any) -> str:
    """The beginning of a value in one line, for a message."""
    return " ".join(repr(value).split())[:60]


def check_list(name: str, values: Any) -> list[Any]:
    """Several of a kind, also none. One alone would be an error of Python's, and text would be read letter by letter.

    Args:
        name: what the values are called in the message.
        values: a list, a tuple, or whatever else has an order: that of a set differs from run to run.

    Returns:
        The values.

    Raises:
        InvalidInput: there is only one thing, or a set.

    >>> check_list("clients", 3)
    Traceback (most recent call last):
    bcfl_support.errors.InvalidInput: clients is 3: give a list, also of one
    """
    with contextlib.suppress(TypeError):
        if not isinstance(values, (str, bytes, set, frozenset)):
            return list(values)
    why = "a set, which has no order" if isinstance(values, (set, frozenset)) else shorten(values)
    raise InvalidInput(f"{name} is {why}: give a list, also of one")


def check_indices(name: str, values: Any, n: int) -> np.ndarray:
    """Which of n clients are meant: their numbers, int64, each once.

    >>> check_indices("clients", [2, 0], 3).tolist()
    [2, 0]

    Args:
        name: what they are called in the message.
        values: numbers from 0 to n − 1; also none.
        n: how many clients there are.

    Raises:
        InvalidInput: something else, or one twice.
    """
    chosen = check_range(name, values, 0, n - 1, row=True, whole=True, why="a client is named by its index")
    if len(np.unique(chosen)) < len(chosen):
        raise InvalidInput(f"{name} is {chosen.tolist()}: name each once")
    return chosen.astype(np.int64)


def check_kind(name: str, value: Any, kinds: Any, give: str) -> None:
    """Refuse what is of another kind. Later, it would fail with an error of Python's, or be read as something else.

    Args:
        name: what the value is called in the message.
        value: what was given.
        kinds: a class, or several.
        give: what to give, for the message.

    Raises:
        InvalidInput: it is of none of these kinds.

    >>> check_kind("updates", [1.0], dict, "one for each client, by its address")
    Traceback (most recent call last):
    bcfl_support.errors.InvalidInput: updates is [1.0]; give one for each client, by its address
    """
    if not isinstance(value, kinds):
        raise InvalidInput(f"{name} is {shorten(value)}; give {give}")


def check_generator(rng: Any, name: str = "rng") -> None:
    """Refuse what draws nothing where a NumPy generator is wanted, such as a seed.

    Args:
        rng: what should draw.
        name: what it is called in the message.

    Raises:
        InvalidInput: it is no generator.
    """
    check_kind(name, rng, np.random.Generator, "a generator, such as np.random.default_rng(0)")


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
    given = to_array(name, values)
    with contextlib.suppress(TypeError):  # the NA of pandas is neither
        if given.dtype == np.bool_ or np.isin(given, (0, 1)).all():
            return given.astype(np.bool_, copy=False)
    raise InvalidInput(f"{name} holds more than truth values: give True and False, or ones and zeros")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False where one of them is wanted: "no" would count as yes.

    Args:
        name: what the flag is called in the message.
        value: what was given.

    Raises:
        InvalidInput: it is something else.
    """
    check_kind(name, value, (bool, np.bool_), "True or False")


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


def look_up(name: str, wanted: Any, known: Mapping[str, Any], kinds: Any) -> Any:
    """What stands under a name in its registry; what is of these kinds already is what it is.

    Args:
        name: what is chosen, for the message.
        wanted: a name, or the thing itself.
        known: the registry.
        kinds: a class, or several.

    Raises:
        InvalidInput: it is neither; the message lists the names.
    """
    if isinstance(wanted, kinds):
        return wanted
    check_choice(name, wanted, known)
    return known[wanted]


def check_alike(tables: Mapping[str, Any], *, exact: bool = False) -> None:
    """Refuse values of the same clients, (…, n), that are not as many, or other names of rows or columns in pandas.

    >>> check_alike({"scores": [1.0, 2.0], "gains": [0.5]})
    Traceback (most recent call last):
    bcfl_support.errors.InvalidInput: scores, gains have the shapes (2,), (1,): give one of each a client

    Args:
        tables: what they are called in the message, and they.
        exact: all have one shape; else one row, (n,), may go with many, (…, n).

    Raises:
        InvalidInput: two differ.
    """
    shapes = [to_array(name, values).shape for name, values in tables.items()]
    if len({s[-1:] for s in shapes}) > 1 or len({s[:-1] for s in shapes if exact or s[:-1]}) > 1:
        raise InvalidInput(f"{', '.join(tables)} have the shapes {str(shapes)[1:-1]}: give one of each a client")
    check_rows(tables, "row", "column")


def check_order(name: str, values: Any, order: Iterable[Any] = ()) -> None:
    """Refuse a table of pandas whose rows have names of their own, where its place decides whose each row is.

    Args:
        name: what it is called in the message.
        values: whatever is given; lists and arrays name no rows.
        order: the names that are known, in the order that decides. Rows that are numbered from 0 will do, too.

    Raises:
        InvalidInput: the rows have other names, or another order.
    """
    index, known = getattr(values, "index", len), list(order)
    if not callable(index) and list(index) not in (known, list(range(len(index)))):
        found = f"its index is {[*index]}" + (f", the clients are {known}" if known else "")
        raise InvalidInput(f"{name} has rows with names of their own: {found}; give a list in the clients' order")


def check_rows(tables: Mapping[str, Any], *what: str) -> None:
    """Refuse tables of pandas whose rows have other names, or the same in another order: half a pair is another's.

    Args:
        tables: what they are called in the message, and they. Lists, arrays and functions name no rows.
        what: "row", which is compared if nothing is said, and "column". A Series is one row, whose index names columns.

    Raises:
        InvalidInput: two differ; the message has the first row in which they do.
    """
    for kind in what or ("row",):
        rows = {name: getattr(table, "index", len) for name, table in tables.items()}
        indices = rows if kind == "row" else {name: getattr(tables[name], "columns", rows[name]) for name in tables}
        named = [(name, index) for name, index in indices.items() if not callable(index)]
        for name, index in named[1:]:
            first, known = named[0]
            if len(index) != len(known):
                raise InvalidInput(f"{first} has {len(known)} {kind}s, {name} has {len(index)}: give as many of each.")
            for place, (one, other) in enumerate(zip(known, index, strict=True) if not index.equals(known) else ()):
                if one != other:
                    found = f"{kind} {place} is {one!r} in {first} and {other!r} in {name}, by their indices"
                    advice = "bring them into one order, or give to_numpy() of both if they are in it"
                    raise InvalidInput(f"{found}: {advice}.")
