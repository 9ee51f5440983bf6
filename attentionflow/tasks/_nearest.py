"""The answer of the most similar training example: a baseline that every text-to-text model must beat."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from attentionflow.readers.pairs import Pair

_PIECE = re.compile(r"\w+|[^\w\s]")


class NearestTarget:
    """Target of the training pair whose source has the largest TF-IDF cosine with the query (Salton and Buckley 1988).

    Weights are (1 + log tf) log(N / df) over lower-cased words.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.targets = [pair.target or "" for pair in pairs]
        rows: dict[str, list[int]] = defaultdict(list)
        for row, pair in enumerate(pairs):
            for word in _PIECE.findall(pair.source.lower()):
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
        words, counts = np.unique(_PIECE.findall(source.lower()), return_counts=True)
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            if word in self.postings:
                at, weights, rarity = self.postings[word]
                scores[at] += weights * ((1 + np.log(count)) * rarity)
        return self.targets[int((scores / self.norms).argmax())]
