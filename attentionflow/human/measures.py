"""How alike are two distributions of attention over the words of a text.

Each takes the people's and the model's attention to the same n words, not negative, neither all zero, and returns one
number. `MEASURES` holds them with their direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attentionflow.human.statistics import spearman

TOP_SHARE = 0.2  # of the words, for `top_overlap`
FLOOR = 1e-6  # probability that a word has at least, so that a logarithm exists


@dataclass(frozen=True)
class Measure:
    """A measure of likeness. range: lowest and highest value; higher: whether more is more alike."""

    of: Callable[[np.ndarray, np.ndarray], float]
    formula: str
    range: tuple[float, float]
    higher: bool


def shares(values: np.ndarray) -> np.ndarray:
    """Values as shares of their sum, none below FLOOR."""
    floored = np.maximum(values / values.sum(), FLOOR)
    return floored / floored.sum()


def kl(people: np.ndarray, model: np.ndarray) -> float:
    """Kullback-Leibler divergence sum p log(p / q) of the people's p from the model's q, in nats."""
    p, q = shares(people), shares(model)
    return float(p @ np.log(p / q))


def jensen_shannon(people: np.ndarray, model: np.ndarray) -> float:
    """(KL(p | m) + KL(q | m)) / 2 with m = (p + q) / 2, in bits, so between 0 and 1 (Lin 1991)."""
    p, q = shares(people), shares(model)
    m = (p + q) / 2
    return float(p @ np.log2(p / m) + q @ np.log2(q / m)) / 2


def top_overlap(people: np.ndarray, model: np.ndarray) -> float:
    """Share of the people's top k words that are among the model's top k, k a fifth of the words, at least one.

    Words that tie for the last places share them: each counts by the chance that a fair draw among them would take it.
    """
    k = max(1, round(TOP_SHARE * len(people)))
    return float(_in_top(people, k) @ _in_top(model, k)) / k


def _in_top(values: np.ndarray, k: int) -> np.ndarray:
    """The chance of each position to be among the k largest, equals drawn fairly; sums to k."""
    last = np.sort(values)[-k]
    above, equal = values > last, values == last
    return above + equal * ((k - above.sum()) / equal.sum())


MEASURES = {
    "spearman": Measure(spearman, "rank correlation, ties sharing the mean of their ranks", (-1, 1), True),
    "kl": Measure(kl, "sum p log(p/q) in nats, p the people's", (0, float("inf")), False),
    "jensen-shannon": Measure(jensen_shannon, "Jensen-Shannon divergence in bits", (0, 1), False),
    "top": Measure(top_overlap, "overlap of the top fifth of the words", (0, 1), True),
}
