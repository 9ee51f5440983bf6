"""Recommenders that learn by counting: popularity, and items that are taken near each other.

Letters: B histories, V catalogue, E pairs of items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attentionflow.readers.catalogue import Catalogue

WINDOW = 10  # actions apart, at most


def simple_recommenders(
    sequences: Sequence[np.ndarray], catalogue: Catalogue
) -> dict[str, Callable[[Sequence[np.ndarray]], np.ndarray]]:
    """By name, what gives histories of codes their scores (B, V)."""
    near, popular = Cooccurrence(sequences, len(catalogue)), catalogue.log_popularity
    return {
        "popularity": lambda histories: np.tile(popular, (len(histories), 1)),
        "items taken near those of the history": lambda histories: np.stack([near(codes) for codes in histories]),
    }


class Cooccurrence:
    """score(b | h_1 ... h_n) = Σ_i w(h_i, b) / (n - i + 1) + a little popularity, over the last WINDOW items h_i.

    w(a, b) sums 1 / distance over all pairs of a user's actions at most WINDOW apart, in both orders, after the
    sequential rules of Ludewig and Jannach 2018. Popularity decides where nothing was ever taken together.
    """

    def __init__(self, sequences: Sequence[np.ndarray], catalogue: int) -> None:
        self.popularity = np.bincount(np.concatenate(sequences), minlength=catalogue) * 1e-9
        codes = np.concatenate(sequences)
        users = np.repeat(np.arange(len(sequences)), [len(codes) for codes in sequences])
        pairs, weights = [], []
        for distance in range(1, WINDOW + 1):
            near = users[:-distance] == users[distance:]
            first, second = codes[:-distance][near], codes[distance:][near]
            pairs += [first * catalogue + second, second * catalogue + first]
            weights += [np.full(len(first), 1 / distance)] * 2
        keys, at = np.unique(np.concatenate(pairs), return_inverse=True)
        self.weights = np.bincount(at, np.concatenate(weights))  # (E,)
        self.partners = keys % catalogue  # (E,)
        self.starts = np.searchsorted(keys // catalogue, np.arange(catalogue + 1))

    def __call__(self, history: np.ndarray) -> np.ndarray:
        """Scores (V,) after a history of codes."""
        scores = self.popularity.copy()
        for back, item in enumerate(history[::-1][:WINDOW].tolist(), start=1):
            at = slice(self.starts[item], self.starts[item + 1])
            scores[self.partners[at]] += self.weights[at] / back  # partners of an item are all different
        return scores
