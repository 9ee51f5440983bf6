"""Rank correlation, bootstrap intervals, paired tests. Arrays in, numbers out.

Letters: N examples, n positions, M columns, V control variables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCK_DRAWS = 1 << 23  # counts of a block of bootstrap samples


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[back]


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two rows of numbers; NaN where either is constant."""
    x, y = a - a.mean(), b - b.mean()
    size = np.sqrt((x @ x) * (y @ y))
    return float(np.clip(x @ y / size, -1, 1)) if size > 0 else float("nan")


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation, equal values sharing the mean of their ranks; NaN where either is constant."""
    return pearson(mean_ranks(a), mean_ranks(b))


def partial_spearman(a: np.ndarray, b: np.ndarray, controls: np.ndarray) -> float:
    """Rank correlation of what the controls (V, n) leave unexplained of the ranks of a and of b, by least squares.

    NaN where fewer than V + 3 positions leave no freedom, or where the controls explain either wholly.
    """
    if len(a) < len(controls) + 3:
        return float("nan")
    known = np.stack([np.ones(len(a)), *map(mean_ranks, controls)], axis=1)
    left = []
    for values in (a, b):
        ranks = mean_ranks(values)
        rest = ranks - known @ np.linalg.lstsq(known, ranks, rcond=None)[0]
        if rest @ rest <= 1e-9 * max(1.0, float(((ranks - ranks.mean()) ** 2).sum())):
            return float("nan")
        left.append(rest)
    return pearson(*left)


def intervals(columns: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """95 % intervals (2, M) of the means of columns (N, M) by the percentile bootstrap over examples (Efron 1979).

    All columns are resampled together, so a column of differences is compared pairwise. NaN marks what is not known.
    """
    known = np.isfinite(columns)
    values = np.where(known, columns, 0.0)
    draw, means, count = np.random.default_rng(seed), [], len(columns)
    for first in range(0, samples, size := max(1, BLOCK_DRAWS // count)):
        rows = min(size, samples - first)
        drawn = draw.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(rows, count).astype(float)
        found = times @ known
        means.append(np.divide(times @ values, found, out=np.full(found.shape, np.nan), where=found > 0))
    ends = np.full((2, columns.shape[1]), np.nan)
    some = known.any(0)
    ends[:, some] = np.nanpercentile(np.concatenate(means)[:, some], [2.5, 97.5], axis=0)
    return ends


def permutation_p(differences: np.ndarray, samples: int, seed: int) -> float:
    """Two-sided p of the mean of paired differences (N,) being zero, by drawn changes of sign (Fisher 1935).

    (1 + draws at least as far from zero) / (1 + draws), so that it is never zero; NaN are left out.
    """
    known = differences[np.isfinite(differences)]
    if not len(known):
        return float("nan")
    draw, far, seen = np.random.default_rng(seed), 0, abs(known.sum())
    for first in range(0, samples, size := max(1, BLOCK_DRAWS // len(known))):
        signs = draw.integers(0, 2, size=(min(size, samples - first), len(known)), dtype=np.int8)
        sums = np.abs(2.0 * (signs @ known) - known.sum())
        far += int((sums >= seen * (1 - 1e-12)).sum())
    return (1 + far) / (1 + samples)


def holm(p: Sequence[float]) -> np.ndarray:
    """p-values corrected for how many there are, step by step from the smallest (Holm 1979); NaN stay NaN."""
    values = np.asarray(p, float)
    out = np.full(len(values), np.nan)
    order = [i for i in np.argsort(values) if np.isfinite(values[i])]
    largest = 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * values[i]))
        out[i] = largest
    return out


def spearman_brown(r: float) -> float:
    """Reliability of the whole from the correlation of its halves: 2 r / (1 + r) (Spearman 1910, Brown 1910)."""
    return 2 * r / (1 + r) if r > -1 else float("nan")
