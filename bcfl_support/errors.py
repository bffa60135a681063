"""The exceptions a learner meets.

Every message is one sentence that says what was wrong and the value, and what to do where that does not follow. Each
class also inherits the builtin that callers already know how to catch.
"""

from __future__ import annotations

import linecache
import textwrap
import traceback
from pathlib import Path

WIDTH = 90
"""Characters of a line that fit beside a notebook's cell."""


class BcflError(Exception):
    """Base of the exceptions this package has of its own."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the reader's own lines that led here, and the sentence.

        The lines within packages, a screenful of them, say nothing about what to do. IPython asks for this method.
        """
        shown = []
        for frame in traceback.extract_tb(self.__traceback__):
            name = frame.filename
            if "ipykernel_" in Path(name).parent.name or name.startswith("<ipython"):
                code = linecache.getline(frame.filename, frame.lineno or 0).strip()
                shown.append(f"line {frame.lineno} of the cell:  {code}")
        # A notebook breaks a longer line wherever it ends, in the middle of a word.
        lines = [*shown, f"{type(self).__name__}: {self}"]
        return [part for line in lines for part in textwrap.wrap(line, WIDTH, break_long_words=False)]


class NotSolved(BcflError, NotImplementedError):
    """An exercise's answer is still to be written: raised where its solution will stand."""

    def __init__(self, message: str = "this exercise is not solved yet: write your answer") -> None:
        super().__init__(message)

    def _render_traceback_(self) -> list[str]:
        """The sentence alone: the lines that led here are those of the check, and all in order."""
        return [f"{type(self).__name__}: {self}"]


class ToolMissing(BcflError, FileNotFoundError):
    """A program the lessons need is not installed where it is looked for."""


class ServiceError(BcflError, ConnectionError):
    """A chain or IPFS node did not start, died, or does not answer."""


class FixedPointError(BcflError, ValueError):
    """A number does not fit the contract's fixed point; `index` says which entry."""

    def __init__(self, message: str, index: int | tuple[int, ...] | None = None) -> None:
        super().__init__(message)
        self.index = index


class InvalidInput(BcflError, ValueError):
    """Data, a partition, a model or an option of the wrong shape, size or content."""


class InvalidUpdate(InvalidInput):
    """A round's updates or sample counts of the wrong shape, size or content."""


class ContentMissing(BcflError, LookupError):
    """No block for this CID on the node that was asked."""


class ContentCorrupted(BcflError, ValueError):
    """The bytes found do not hash to the CID they are stored under."""


class RecordError(BcflError, ValueError):
    """A record is truncated, not JSON, not canonical, or of an unknown version."""


class ProofError(BcflError, ValueError):
    """A proof, or what it is about, that a contract would refuse; the message says which check failed."""


class TransactionFailed(BcflError, RuntimeError):
    """A transaction was mined and reverted, or could not be sent at all."""


class ContractError(BcflError, ValueError):
    """A contract refused a call with one of its custom errors.

    Attributes:
        name: the error's Solidity name, e.g. ``InsufficientStake``.
        values: its arguments by name, as the contract gave them.
    """

    def __init__(self, message: str, name: str = "", values: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.values: dict[str, object] = values or {}


class UtilityError(BcflError, ValueError):
    """The utility of a coalition could not be computed or is not a finite number; the message says whose."""


class CompileError(BcflError, RuntimeError):
    """The Solidity compiler refused the contracts; the message holds what it said."""


class InvalidCid(BcflError, ValueError):
    """A text that is no CID, or a CID of a kind the package does not use; the message says which kinds it does."""
