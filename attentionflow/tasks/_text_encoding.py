"""Passages of running text as ids of their units.

Letters: U units of all texts, M texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.models.language_model import begins
from attentionflow.models.ngrams import NgramModel
from attentionflow.readers.passages import Passage, blocks
from attentionflow.readers.stored import stored
from attentionflow.readers.units import UNKNOWN, Units

TOGETHER = 1024  # passages that are encoded at a time
BLOCK = 1 << 20  # ids that are looked at together


@dataclass(frozen=True)
class Encoded:
    """Texts as ids, one after the other in one array; M of them.

    ids: (U,). starts, stops: (M,) where each text lies in them. behind: (M,) how many of its units are there to be
    looked at alone, before those that are to be foreseen. given: (M,) False where what comes after them is to be
    written. rows: (M,) which example each is. counted: what `NgramModel.learned` has of each of the ids, where it is
    asked.
    """

    ids: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    behind: np.ndarray
    given: np.ndarray
    rows: np.ndarray
    counted: tuple[np.ndarray, np.ndarray] | None = None

    def text(self, at: int) -> np.ndarray:
        text: np.ndarray = self.ids[self.starts[at] : self.stops[at]].astype(np.int64)
        return text

    @property
    def unknown(self) -> int:
        """How many of the units are unknown."""
        parts = range(0, len(self.ids), BLOCK)
        return sum(int((self.ids[at : at + BLOCK] == UNKNOWN).sum()) for at in parts)


def running(passages: Sequence[Passage], units: Units) -> np.ndarray:
    """All of the text as ids."""
    return stored((ids for text in blocks(passages) for ids in units.encode([text])), len(units))


def side_by_side(passages: Sequence[Passage], units: Units, context: int, counts: NgramModel | None) -> Encoded:
    """Windows side by side over all of the text, to learn from."""
    ids = running(passages, units)
    starts = np.arange(0, len(ids), context)
    return Encoded(
        ids,
        starts,
        np.minimum(starts + context, len(ids)),
        np.zeros(len(starts), int),
        np.ones(len(starts), bool),
        np.arange(len(starts)),
        None if counts is None else counts.learned(ids),
    )


def one_by_one(passages: Sequence[Passage], units: Units, context: int) -> tuple[Encoded, list[str]]:
    """Each passage behind as much of what stands before it as a window has room for; with notes on what was cut."""
    lengths, behind, longer = [], [], []

    def texts() -> Iterator[np.ndarray]:
        for at in range(0, len(passages), TOGETHER):
            some = passages[at : at + TOGETHER]
            before = units.encode([one.before for one in some])
            after = units.encode([one.text or "" for one in some])
            for one, old, new in zip(some, before, after, strict=True):
                if one.text is not None:
                    old = old[max(0, len(old) - max(context // 2, context - len(new))) :]
                elif len(old) >= context:
                    longer.append(one.where or repr(one.before[:40]))
                    old = old[begins(len(old), context) :]
                behind.append(len(old))
                lengths.append(len(old) + len(new))
                yield np.concatenate([old, new])

    ids = stored(texts(), len(units))
    stops, given = np.cumsum(lengths, dtype=np.int64), np.array([one.text is not None for one in passages], bool)
    notes = []
    if longer:
        notes.append(
            f"{len(longer):,} beginnings are longer than context={context} {units.singular}s; of these the model sees "
            f"the last {context // 2}, and then a window that slides on: {', '.join(longer[:5])}"
        )
    return Encoded(ids, stops - lengths, stops, np.array(behind, int), given, np.arange(len(passages))), notes
