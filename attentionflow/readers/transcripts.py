"""The units in which a text is written: characters, words, or sub-words; their ids, and their place in the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from attentionflow.readers.vocabulary import END, SPECIAL, UNKNOWN
from attentionflow.records import Axis

Kind = Literal["characters", "words"]
_MARKS = re.compile(r"[^\w\s']|_")


def plain(text: str) -> str:
    """In lower case, without punctuation marks but apostrophes."""
    return " ".join(_MARKS.sub(" ", text.lower()).split())


class Units:
    """Characters or words of the training texts, the most frequent first, after the special ones of a `Vocabulary`.

    It answers what a `Vocabulary` does, which is the same for sub-words. What was not seen in training has no unit: it
    is left out of what is learned, and counts as wrong where it should have been written.
    """

    def __init__(self, kind: Kind, labels: Sequence[str]) -> None:
        self.kind: Kind = kind
        self.labels = (*SPECIAL, *labels)
        self._ids = {label: at for at, label in enumerate(self.labels) if at >= len(SPECIAL)}

    @classmethod
    def learn(cls, texts: Iterable[str], kind: Kind) -> Units:
        counts = Counter(unit for text in texts for unit in _cut(text, kind))
        return cls(kind, sorted(counts, key=lambda unit: (-counts[unit], unit)))

    def page(self) -> dict[str, object]:
        """What makes the same units again."""
        return {"kind": self.kind, "labels": self.labels[len(SPECIAL) :]}

    def __len__(self) -> int:
        return len(self.labels)

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """Ids of each text, without start and end, <unk> for what has no unit."""
        return [[self._ids.get(unit, UNKNOWN) for unit in _cut(text, self.kind)] for text in texts]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        joint = "" if self.kind == "characters" else " "
        texts = (joint.join(self.labels[i] for i in text if i >= len(SPECIAL)) for text in ids)
        return [" ".join(text.split()) for text in texts]

    def axes_of(self, texts: Iterable[Sequence[int]]) -> list[Axis]:
        """Of texts given by their ids, and their end; characters lie on their words."""
        return [self._axis(list(ids)) for ids in texts]

    def _axis(self, ids: Sequence[int]) -> Axis:
        labels = [self.labels[i] for i in ids]
        if self.kind == "words":
            return Axis("word", (*labels, SPECIAL[END]))
        words: list[str] = []
        spans: list[tuple[float, ...] | None] = []
        inside = False  # a word
        for label in labels:
            if label.isspace():
                spans.append(None)
            else:
                if inside:
                    words[-1] += label
                else:
                    words.append(label)
                spans.append((len(words) - 1, len(words)))
            inside = not label.isspace()
        shown = [label if not label.isspace() else "\u2581" for label in labels]
        return Axis("token", (*shown, SPECIAL[END]), (*spans, None), Axis("word", tuple(words)))


def _cut(text: str, kind: Kind) -> Sequence[str]:
    return text if kind == "characters" else text.split()
