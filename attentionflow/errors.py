"""What goes wrong through no fault of the program: a message with the place and the remedy, never a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A mistake that the user can mend. The command line prints the message alone and exits with 2."""


class DataError(UserError):
    """A fault in the user's data: which file, which row (counted from 1), what is wrong and what to do."""

    def __init__(self, problem: str, *, file: object = None, row: int | None = None, remedy: str = "") -> None:
        place = "" if file is None else f"{file}" if row is None else f"{file}, row {row}"
        text = f"{place}: {problem}" if place else problem
        super().__init__(f"{text}. {remedy}" if remedy else text)
        self.file, self.row = file, row


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say after an unknown name: the nearest valid one and the whole list."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}There are: {', '.join(names)}"
