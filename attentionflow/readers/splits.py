"""How splits are called, and those that the user's files lack: held out of the training split, which is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

E = TypeVar("E")

ORDER = ("train", "val", "test")
CANONICAL = {"valid": "val", "validation": "val", "dev": "val"}


def fill_missing(
    splits: Mapping[str, Sequence[E]],
    hold_out: Callable[[Sequence[E], str], tuple[Sequence[E], Sequence[E]]],
    what: str,
    seed: int,
) -> tuple[dict[str, Sequence[E]], list[str]]:
    """The splits with "test" and "val" where they are missing, and notes that say so.

    hold_out: from training examples and the name of a split, what stays and what is held out, both chosen by `seed`.
    what: the examples are called, in the notes.
    """
    filled, notes = dict(splits), []
    for name in ("test", "val"):
        if name in filled:
            continue
        filled["train"], filled[name] = hold_out(filled["train"], name)
        notes.append(
            f"there is no {name} split: {len(filled[name]):,} {what} of train were held out for it (seed {seed})"
        )
    return filled, notes
