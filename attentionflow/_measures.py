"""Faithfulness in numbers: orders of positions, measures over the scores of reduced inputs, intervals. No model here.

Letters: O orders, K sizes, n positions, N examples, M columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def ranked(relevance: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """The place of each position (n,) when the most relevant comes first; equals in the order of `ties` (n,)."""
    ranks = np.empty(len(relevance), int)
    ranks[np.lexsort((ties, -relevance))] = np.arange(len(relevance))
    return ranks


def without_top(ranks: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """What is left when the first k positions of each order are taken out: (O, K, n) of ranks (O, n), sizes (K,)."""
    return ranks[:, None, :] >= sizes[:, None]


def share_sizes(shares: Sequence[float], n: int) -> np.ndarray:
    """How many of n positions each share is: rounded, at least one."""
    return np.maximum(1, np.floor(np.asarray(shares) * n + 0.5).astype(int))


def curve_sizes(steps: int, n: int) -> np.ndarray:
    """Rising numbers of positions from none to all, about evenly apart, each once."""
    return np.unique(np.floor(np.linspace(0, n, steps + 1) + 0.5).astype(int))


def comprehensiveness(full: float, without: np.ndarray) -> np.ndarray:
    """mean_k p(x) - p(x without its top k): (O,) of (O, K). Large where what matters was found."""
    return (full - without).mean(-1)


def sufficiency(full: float, only: np.ndarray) -> np.ndarray:
    """mean_k p(x) - p(x's top k alone): (O,) of (O, K). Small where what was found is enough.

    Both from DeYoung et al. 2020, section 4.1, the mean over sizes as in their published code.
    """
    return (full - only).mean(-1)


def area(scores: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Area under p against the share of positions taken out or put in: (O,) of (O, K), by trapezoids.

    The deletion and insertion curves of Petsiuk et al. 2018, whose p is not divided by p(x) either.
    """
    return np.trapezoid(scores, sizes / sizes[-1], axis=-1)
