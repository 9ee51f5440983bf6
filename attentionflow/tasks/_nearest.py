"""The answer of the most similar training example: a baseline that every text-to-text model must beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from attentionflow.readers.pairs import Pair
from attentionflow.readers.vocabulary import WORD


class NearestTarget:
    """Target of the training pair whose source has the largest TF-IDF cosine with the query (Salton and Buckley 1988).

    Weights are (1 + log tf) log(N / df) over lower-cased words.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.targets = [pair.target or "" for pair in pairs]
        rows: dict[str, list[int]] = defaultdict(list)
        for row, pair in enumerate(pairs):
            for word in WORD.findall(pair.source.lower()):
                rows[word].append(row)
        self.postings: dict[str, tuple[np.ndarray, np.ndarray, float]] = {}
        squares = np.zeros(len(pairs))
        for word, found in rows.items():
            at, counts = np.unique(found, return_counts=True)
            rarity = float(np.log(len(pairs) / len(at)))
            weights = (1 + np.log(counts)) * rarity
            squares[at] += weights**2
            self.postings[word] = (at, weights, rarity)
        self.norms = np.sqrt(np.maximum(squares, 1e-12))

    def __call__(self, source: str) -> str:
        scores = np.zeros(len(self.targets))
        words, counts = np.unique(WORD.findall(source.lower()), return_counts=True)
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            if word in self.postings:
                at, weights, rarity = self.postings[word]
                scores[at] += weights * ((1 + np.log(count)) * rarity)
        return self.targets[int((scores / self.norms).argmax())]


class WordWeights:
    """Texts as unit vectors of (1 + log tf) log(N / df) over lower-cased words, with df from N texts; a word in none of
    them weighs as one in a single text."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.count = max(2, len(texts))
        self.found = Counter(word for text in texts for word in set(WORD.findall(text.lower())))

    def __call__(self, text: str) -> dict[str, float]:
        counts = Counter(WORD.findall(text.lower()))
        weights = {
            word: (1 + float(np.log(n))) * float(np.log(self.count / max(1, self.found[word])))
            for word, n in counts.items()
        }
        norm = float(np.sqrt(sum(weight**2 for weight in weights.values()))) or 1.0
        return {word: weight / norm for word, weight in weights.items()}


def cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Of two unit vectors."""
    return sum(weight * other.get(word, 0.0) for word, weight in one.items())
