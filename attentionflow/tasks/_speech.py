"""Speech as an answer: a spectrogram and the sound made of it, and what of the text is in it.

Letters: N samples, T frames, F bands, P moments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attentionflow.readers.spectrogram import Spectrograms
from attentionflow.tasks._griffin_lim import sound_of
from attentionflow.tasks._wav import wav


@dataclass(frozen=True, eq=False)
class Speech:
    """frames (T, F): log-mel power, as `made_by` makes it of a sound; rounds: of Griffin-Lim. skipped, repeated: words
    of the text; ended: whether the network stopped by itself. path (P,): the letter, of `letters`, that is read at each
    of P moments, evenly spread over the frames; step: frames of a row of attention."""

    frames: np.ndarray
    made_by: Spectrograms
    rounds: int
    speaker: str
    skipped: tuple[str, ...]
    repeated: tuple[str, ...]
    ended: bool
    path: np.ndarray
    letters: tuple[str, ...]
    step: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Speech):
            return NotImplemented
        return self.to_json() == other.to_json() and np.array_equal(self.frames, other.frames)

    def __hash__(self) -> int:
        return hash((len(self.frames), self.speaker))

    def __str__(self) -> str:
        faults = [
            f"{what}: {', '.join(words)}"
            for what, words in (("skipped", self.skipped), ("repeated", self.repeated))
            if words
        ]
        faults += [] if self.ended else ["it did not end by itself and was cut"]
        return "; ".join([f"{self.seconds:.2f} seconds", *faults])

    @property
    def rate(self) -> int:
        assert self.made_by.rate is not None
        return self.made_by.rate

    @property
    def seconds(self) -> float:
        return (len(self.frames) - 1) / self.made_by.frame_rate

    def samples(self) -> np.ndarray:
        """(N,) from -1 to 1, made anew whenever asked for, so that many answers take little memory."""
        return sound_of(self.frames, self.made_by, self.rounds).clip(-1, 1)

    def wav(self) -> Iterator[bytes]:
        yield from wav(self.samples(), self.rate)

    def to_json(self) -> dict[str, Any]:
        return {
            "speaker": self.speaker,
            "seconds": round(self.seconds, 4),
            "sample_rate": self.rate,
            "skipped": list(self.skipped),
            "repeated": list(self.repeated),
            "ended": self.ended,
        }


def faults(path: np.ndarray, letters: Sequence[str], forced: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words that are skipped, and words that are said again, by the letter that each moment reads, path (P,).

    A word is skipped where no moment reads it; on a way that is forced through all letters, where each of them has the
    one moment that it must have. It is repeated where, after another word, half of its letters or more are read again,
    as they were before. Blanks lie between words.
    """
    words, word_of = _words(letters)
    runs: list[tuple[int, set[int]]] = []  # of moments that read one word: which, and its letters
    moments = [0] * len(words)
    for letter in path.tolist():
        word = word_of[letter]
        if word < 0:
            continue
        moments[word] += 1
        if not runs or runs[-1][0] != word:
            runs.append((word, set()))
        runs[-1][1].add(letter)
    said = Counter(word for word, read in runs if 2 * len(read) >= len(words[word]))
    skipped = tuple(word for word, found in zip(words, moments, strict=True) if found <= (len(word) if forced else 0))
    return skipped, tuple(word for at, word in enumerate(words) if said[at] > 1)


def _words(letters: Sequence[str]) -> tuple[list[str], list[int]]:
    """The words, and of each letter the number of its word; -1 for blanks and the end, which is empty."""
    words: list[str] = []
    word_of: list[int] = []
    for before, letter in zip(("", *letters), letters, strict=False):
        if letter.strip() and not before.strip():
            words.append("")
        if letter.strip():
            words[-1] += letter
        word_of.append(len(words) - 1 if letter.strip() else -1)
    return words, word_of
