"""Texts as words, and each word as what it is made of: itself, n-grams of words that end with it, of its characters.

Letters: N texts, n words of all of them, M features of all words, F known features.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import numpy as np

from attentionflow.readers.vocabulary import WORD
from attentionflow.records import Axis

INNER = "#"  # before an n-gram of characters, where one of words has its length


def word_spans(text: str) -> list[tuple[int, int]]:
    """First and one past last character of each word; in scripts without blanks each character is one."""
    return [match.span() for match in WORD.finditer(text)]


def word_axis(text: str, most: int | None = None) -> Axis:
    """The first `most` words of a text, on its characters."""
    spans = word_spans(text)[:most]
    return Axis("word", tuple(text[a:b] for a, b in spans), tuple(spans), preview=text)


@dataclass(frozen=True)
class Bags:
    """Features of the words of some texts.

    ids, values: (M,) which feature, and how much it counts in its text (TF-IDF); ends: (n,) where the features of
    each word end in them; texts: (N,) where the words of each text end.
    """

    ids: np.ndarray
    values: np.ndarray
    ends: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) words of each text."""
        return np.diff(self.texts, prepend=0)

    def __getitem__(self, rows: np.ndarray) -> Bags:
        """Some of the texts, in this order."""
        words, lengths = _pieces(self.texts, rows)
        features, counts = _pieces(self.ends, words)
        return Bags(self.ids[features], self.values[features], counts.cumsum(), lengths.cumsum())

    def __add__(self, other: Bags) -> Bags:
        """Both, one after the other."""
        ids, values = np.append(self.ids, other.ids), np.append(self.values, other.values)
        ends = np.append(self.ends, other.ends + len(self.ids))
        return Bags(ids, values, ends, np.append(self.texts, other.texts + len(self.ends)))


def _pieces(ends: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the parts of these rows lie, one after the other, and how many each has."""
    starts, stops = np.append(0, ends)[rows], ends[rows]
    counts = stops - starts
    shift = np.repeat(starts - np.append(0, counts.cumsum()[:-1]), counts) if len(rows) else np.zeros(0, int)
    return np.arange(counts.sum()) + shift, counts


class Ngrams:
    """The features that training texts hold, the most frequent first: words, n-grams of words, and n-grams of the
    characters inside a word.

    Letters count without case, and in Unicode's form NFKC. In scripts written without blanks words are characters, so
    that n-grams of words are what n-grams of characters are elsewhere.
    """

    def __init__(self, words: int, characters: tuple[int, int], names: Sequence[str], rarity: np.ndarray) -> None:
        """words: longest n-gram of words. characters: shortest and longest n-gram of characters. rarity: (F,), the
        inverse document frequency of each feature, log((1 + texts) / (1 + texts with it)) + 1 (as scikit-learn's)."""
        self.words, self.characters, self.names, self.rarity = words, characters, list(names), rarity
        self._ids = {name: i for i, name in enumerate(names)}
        self.inner = np.array([name[0] == INNER for name in names], bool)  # (F,), n-grams of characters
        self._known: dict[str, list[int]] = {}

    @classmethod
    def learn(cls, texts: Sequence[str], words: int, characters: tuple[int, int], most: int) -> Ngrams:
        """The `most` features that stand in most of these texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            found: set[str] = set()
            plain = [_plain(text[a:b]) for a, b in word_spans(text)]
            for i in range(len(plain)):
                found.update(_word_ngrams(plain, i, words))
            for word in set(plain):
                found.update(_character_ngrams(word, characters))
            counts.update(found)
        names = sorted(counts, key=lambda name: (-counts[name], name))[:most]
        seen = np.array([counts[name] for name in names], np.float64)
        return cls(words, characters, names, (np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32))

    @property
    def repeated(self) -> int:
        """How many of the features stand in at least two texts; they are the first."""
        return int((self.rarity < self.rarity.max(initial=0)).sum())

    def __len__(self) -> int:
        return len(self.names)

    def save(self, path: Path) -> None:
        page = {"words": self.words, "characters": self.characters, "names": self.names}
        page["rarity"] = self.rarity.astype(float).tolist()
        path.write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Ngrams:
        page = json.loads(path.read_text(encoding="utf-8"))
        return cls(page["words"], tuple(page["characters"]), page["names"], np.array(page["rarity"], np.float32))

    def encode(self, texts: Iterable[Sequence[str | None]]) -> Bags:
        """Features of texts that are cut into words. A word that is None was taken out: it has no feature left, and
        neither has any n-gram that it is in."""
        ids: list[int] = []
        ends: list[int] = []
        ids_of, stops, bounds = self._ids, [], [0]
        for text in texts:
            plain = [None if word is None else _plain(word) for word in text]
            for i, word in enumerate(plain):
                if word is not None:
                    ids += [ids_of[name] for name in _word_ngrams(plain, i, self.words) if name in ids_of]
                    ids += self._of_characters(word)
                ends.append(len(ids))
            stops.append(len(ends))
            bounds.append(len(ids))
        flat = np.array(ids, np.int32)
        return Bags(flat, self._values(flat, np.array(bounds)), np.array(ends, np.int64), np.array(stops, np.int64))

    def _of_characters(self, word: str) -> list[int]:
        if word not in self._known:
            found = (self._ids.get(name) for name in _character_ngrams(word, self.characters))
            self._known[word] = [i for i in found if i is not None]
        return self._known[word]

    def _values(self, ids: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """(1 + log tf) idf of each feature of a text, shared by its tf places.

        Those of words, and those of characters, are each scaled to a unit vector over the text.
        """
        text = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        _, place, times = np.unique(text * max(1, len(self)) + ids, return_inverse=True, return_counts=True)
        times = times[place]
        weight = (1 + np.log(times)) * self.rarity[ids]
        block = 2 * text + self.inner[ids]
        norm = np.bincount(block, weight**2 / times, minlength=2 * len(bounds))
        return (weight / times / np.sqrt(norm)[block]).astype(np.float32)


def _plain(word: str) -> str:
    return normalize("NFKC", word).lower()


def _word_ngrams(words: Sequence[str | None], i: int, most: int) -> Iterator[str]:
    """Those that end with word i, the word itself first; the number before them tells how many words they have."""
    name = ""
    for size in range(1, min(most, i + 1) + 1):
        word = words[i + 1 - size]
        if word is None:
            return
        name = f"{word} {name}" if name else word
        yield f"{size}{name}"


def _character_ngrams(word: str, sizes: tuple[int, int]) -> Iterator[str]:
    """Of the word between its two ends, "<" and ">", but for the whole of it; a word of one character has none."""
    if len(word) == 1:
        return
    marked = f"<{word}>"
    for size in range(sizes[0], min(sizes[1], len(marked) - 1) + 1):
        for start in range(len(marked) - size + 1):
            yield f"{INNER}{marked[start : start + size]}"
