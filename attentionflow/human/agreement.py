"""How alike people are among themselves: what a model can be expected to reach.

Letters: R readers, n words; attention (R, n) is NaN where it is not known.
"""

from __future__ import annotations

import numpy as np

from attentionflow.human.statistics import spearman, spearman_brown

HALVES = 20  # random splits of the readers


def reader_shares(attention: np.ndarray) -> np.ndarray:
    """Each reader's attention as shares of the reader's own sum over the known words; NaN for who looked at nothing."""
    total = np.nansum(attention, axis=1, keepdims=True)
    return np.divide(attention, total, out=np.full(attention.shape, np.nan), where=total > 0)


def consensus(attention: np.ndarray) -> np.ndarray:
    """(n,): the mean over readers of their shares; NaN where no reader is known."""
    known = reader_shares(attention)
    seen = np.isfinite(known)
    count = seen.sum(0)
    return np.divide(np.where(seen, known, 0.0).sum(0), count, out=np.full(known.shape[1], np.nan), where=count > 0)


def one_against_rest(attention: np.ndarray) -> np.ndarray:
    """(R,): rank correlation of each reader's shares with the mean of all others'; NaN where there is none.

    One noisy reader beside a mean: no ceiling for a model that predicts the mean, but what a person reaches.
    """
    out = np.full(len(attention), np.nan)
    for reader in range(len(attention)):
        rest = (
            consensus(np.delete(attention, reader, axis=0))
            if len(attention) > 1
            else np.full(attention.shape[1], np.nan)
        )
        out[reader] = known_spearman(reader_shares(attention[[reader]])[0], rest)
    return out


def split_half(attention: np.ndarray, seed: int) -> float:
    """Reliability of the mean over readers: halves drawn HALVES times correlate r, corrected to 2 r / (1 + r).

    What a model that knew the true mean would correlate with the measured one is about its square root.
    """
    there = attention[np.isfinite(reader_shares(attention)).any(1)]
    if len(there) < 2:
        return float("nan")
    draw, found = np.random.default_rng(seed), []
    for _ in range(HALVES):
        order = draw.permutation(len(there))
        half = len(there) // 2
        found.append(known_spearman(consensus(there[order[:half]]), consensus(there[order[half:]])))
    known = [r for r in found if np.isfinite(r)]
    return spearman_brown(float(np.mean(known))) if known else float("nan")


def known_spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation over the positions where both are known; NaN for fewer than two of them."""
    both = np.isfinite(a) & np.isfinite(b)
    return spearman(a[both], b[both]) if both.sum() > 1 else float("nan")
