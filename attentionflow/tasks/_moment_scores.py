"""How well moments are picked: events against known ones, and scores against those of each person, by rank.

Letters: F films, N moments, R raters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from attentionflow.task import Score
from attentionflow.tasks._moment_choice import matched
from attentionflow.tasks._ranking import bootstrap

OVERLAP = 0.5  # of an event found and a known one, shared by covered, from which they are one
BLOCK = 1 << 22  # pairs of moments that are compared at once
RESAMPLES = 1000

Times = Sequence[tuple[float, float]]


def kendall(a: np.ndarray, b: np.ndarray) -> float:
    """Kendall's tau-b of two rows of numbers (Kendall 1945): pairs in the same order less those in the other, by the
    geometric mean of the pairs that are no ties in a and no ties in b; NaN where either is constant."""
    count, agreed = len(a), 0.0
    for rows in np.array_split(np.arange(count), max(1, count * count // BLOCK)):
        agreed += (np.sign(a[rows, None] - a) * np.sign(b[rows, None] - b)).sum()
    untied = [count * (count - 1) - (ties * (ties - 1)).sum() for ties in map(_ties, (a, b))]
    return float(agreed / np.sqrt(float(untied[0]) * float(untied[1]))) if min(untied) > 0 else float("nan")


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of ranks, equal values sharing the mean of theirs; NaN where either is constant."""
    x, y = (ranks - ranks.mean() for ranks in map(_ranks, (a, b)))
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else float("nan")


def _ties(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_counts=True)[1]


def _ranks(values: np.ndarray) -> np.ndarray:
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[back]


def by_raters(scores: np.ndarray, raters: np.ndarray) -> tuple[float, float]:
    """tau and rho of scores (N,) with each rater (R, N), of the moments that both tell, in the mean; or NaN."""
    return _mean([(scores[told], own[told]) for own in raters if (told := np.isfinite(own)).sum() > 1])


def among_raters(raters: np.ndarray) -> tuple[float, float]:
    """The same of each rater with each other one."""
    pairs = [(a, b, np.isfinite(a) & np.isfinite(b)) for a, b in combinations(raters, 2)]
    return _mean([(a[told], b[told]) for a, b, told in pairs if told.sum() > 1])


def _mean(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    found = np.array([(kendall(a, b), spearman(a, b)) for a, b in pairs]).reshape(-1, 2)
    found = found[np.isfinite(found).all(1)]
    tau, rho = found.mean(0) if len(found) else (np.nan, np.nan)
    return float(tau), float(rho)


def rank_scores(found: Sequence[tuple[float, float]], cheap: bool) -> dict[str, Score]:
    """Of tau and rho a film. Films of which neither can be told, as where all scores are one, have no part in it."""
    columns = np.array(found, float).reshape(-1, 2)
    told = columns[np.isfinite(columns).all(1)]
    signature = f"each rater, then films|{len(told):,} of {len(columns):,} films"
    scores = {}
    for at, name in enumerate(("kendall_tau", "spearman_rho")):
        value = float(told[:, at].mean()) if len(told) else 0.0
        interval = bootstrap(told[:, at]) if len(told) and not cheap else None
        scores[name] = Score(value, "", interval, signature)
    return scores


def event_scores(found: Sequence[Times], known: Sequence[Times], cheap: bool) -> dict[str, Score]:
    """Precision, recall and F1 of the events of all films together, with intervals by resampling films."""
    right = [matched(*pair, OVERLAP) for pair in zip(found, known, strict=True)]
    counts = np.array([right, list(map(len, found)), list(map(len, known))], float).T  # (F, 3)
    values = _ratios(counts.sum(0))
    edges: list[tuple[float, float] | None] = [None] * 3
    if not cheap:
        draw = np.random.default_rng(0)
        drawn = [counts[draw.integers(0, len(counts), len(counts))].sum(0) for _ in range(RESAMPLES)]
        low, high = np.percentile([_ratios(one) for one in drawn], [2.5, 97.5], axis=0)
        edges = list(zip(low.tolist(), high.tolist(), strict=True))
    names = ("event_precision", "event_recall", "event_f1")
    signature = f"one to one|shared by covered >= {OVERLAP:g}"
    return {
        name: Score(value, "", interval, signature) for name, value, interval in zip(names, values, edges, strict=True)
    }


def _ratios(counts: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall, F1 of how many events are right, were found, are known; 0 where none can be right."""
    right, found, known = counts.tolist()
    return right / max(1.0, found), right / max(1.0, known), 2 * right / max(1.0, found + known)
