"""A model's positions onto the words that people read, by the characters that both cover.

Letters: n positions, W words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.errors import UserError
from attentionflow.records import Axis


@dataclass(frozen=True)
class Aligned:
    """values (W,): of each word, the sum of what its positions hold. outside: the share of the whole that lies on
    positions which cover no word, such as special tokens and punctuation."""

    values: np.ndarray
    outside: float


def character_spans(axis: Axis) -> tuple[tuple[float, float] | None, ...]:
    """Where each position lies on the text at the bottom of the axis; None for one that covers nothing."""
    if axis.spans is None:
        return (None,) * len(axis)
    spans = tuple(None if span is None else (span[0], span[1]) for span in axis.spans)
    if axis.parent is None:
        return spans
    below = character_spans(axis.parent)
    found: list[tuple[float, float] | None] = []
    for span in spans:
        covered = [] if span is None else [one for one in below[int(span[0]) : int(span[1])] if one is not None]
        found.append((covered[0][0], covered[-1][1]) if covered else None)
    return tuple(found)


def text_of(axis: Axis) -> str | None:
    """The text at the bottom of an axis."""
    while axis.parent is not None:
        axis = axis.parent
    return axis.preview


def onto_words(values: np.ndarray, axis: Axis, words: Sequence[tuple[int, int]], text: str, where: str = "") -> Aligned:
    """Values (n,) of the positions of an axis, summed over words given by their characters in `text`.

    A position that lies on several words is split by how many characters of each it covers. UserError, naming the text,
    where the model read another text than the people, or nothing of some word, as when its text was cut.
    """
    name = f"{where}: " if where else ""
    read = text_of(axis)
    if read is not None and read != text:
        at = next((i for i, (a, b) in enumerate(zip(read, text, strict=False)) if a != b), min(len(read), len(text)))
        raise UserError(
            f"{name}the model read another text than the people, from character {at} on: "
            f"{read[at : at + 20]!r} where they read {text[at : at + 20]!r}"
        )
    starts, ends = np.array(words, float).reshape(-1, 2).T
    found, seen, outside = np.zeros(len(words)), np.zeros(len(words), bool), 0.0
    for value, span in zip(values, character_spans(axis), strict=True):
        shared = np.zeros(len(words)) if span is None else np.minimum(ends, span[1]) - np.maximum(starts, span[0])
        shared = shared.clip(min=0)
        if shared.sum() > 0:
            found += value * shared / shared.sum()
            seen |= shared > 0
        else:
            outside += float(value)
    if not seen.all():
        missing = text[slice(*words[int(np.argmin(seen))])]
        raise UserError(f"{name}no position of the model lies on the word {missing!r}; was the text cut?")
    whole = float(np.sum(values))
    return Aligned(found, outside / whole if whole > 0 else 0.0)
