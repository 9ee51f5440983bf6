"""What needs no model: position, word length, rarity, and their regression on what people did with other texts.

Letters: n words of a text, N words of all texts, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError

FEATURES = ("length", "rarity", "position")
RAREST = 8.0  # Zipf values lie between 0, a word in ten thousand million, and 8, one in ten
FOLDS = 5


def features(words: Sequence[str], language: str) -> np.ndarray:
    """(F, n): characters of each word; 8 less its Zipf frequency, so log rarity; words that follow it and itself.

    Zipf frequency is log10 of occurrences in 10^9 words (van Heuven et al. 2014), by the `wordfreq` package.
    """
    try:
        from wordfreq import zipf_frequency
    except ImportError as error:
        raise UserError('word frequencies need another package: pip install "attentionflow[human]"') from error
    length = [float(len(word)) for word in words]
    rarity = [max(0.0, RAREST - zipf_frequency(word, language)) for word in words]
    return np.array([length, rarity, np.arange(len(words), 0, -1, dtype=float)])


def chance(n: int, seed: Sequence[int]) -> np.ndarray:
    """Uniform draws (n,)."""
    return np.random.default_rng(list(seed)).random(n)


def regression(texts: Sequence[np.ndarray], people: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What least squares on the features (F, n) of other texts predicts for each text: shares times n, at least zero.

    Text i is predicted from those that are not in its fold, i modulo FOLDS. people: shares (n,), NaN where not known.
    """
    designs = [np.stack([np.ones(one.shape[1]), *one], axis=1) for one in texts]
    wanted = [one * np.isfinite(one).sum() for one in people]
    count = min(FOLDS, len(texts))
    if count < 2:
        raise UserError("the regression of the baselines needs two texts at least")
    found = []
    weights = []
    for fold in range(count):
        x = np.concatenate([one for i, one in enumerate(designs) if i % count != fold])
        y = np.concatenate([one for i, one in enumerate(wanted) if i % count != fold])
        known = np.isfinite(y)
        weights.append(np.linalg.lstsq(x[known], y[known], rcond=None)[0])
    for i, one in enumerate(designs):
        found.append(np.clip(one @ weights[i % count], 0, None))
    return found
