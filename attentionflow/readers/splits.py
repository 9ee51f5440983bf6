"""Splits that the user's files lack are held out of the training split, and that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attentionflow.readers.pairs import Pair, hold_out

MOST_HELD_OUT = 2000


def fill_splits(
    splits: Mapping[str, Sequence[Pair]], share: float, seed: int
) -> tuple[dict[str, Sequence[Pair]], list[str]]:
    """The splits with "val" and "test" held out where they are missing, and notes that say so."""
    filled, notes = dict(splits), []
    for name in ("test", "val"):
        if name in filled:
            continue
        filled["train"], filled[name] = hold_out(filled["train"], share, MOST_HELD_OUT, seed)
        notes.append(
            f"there is no {name} split: {len(filled[name]):,} examples of train were held out for it (seed {seed})"
        )
    return filled, notes
