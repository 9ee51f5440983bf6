"""How near spoken spectrograms are to recordings of the same text.

Letters: T frames, F bands, C coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from attentionflow.task import Score
from attentionflow.tasks._ranking import bootstrap

COEFFICIENTS = 13
DECIBELS = 10 / np.log(10)


def cepstra(frames: np.ndarray) -> np.ndarray:
    """(T, C) mel-cepstral coefficients 1 to 13 of log-mel power (T, F).

    c_k = 2/F sum over f of a_f cos(pi k (f + 1/2) / F), with a half the logarithm of the power, which is that of the
    amplitude. c_0, the loudness, is left out.
    """
    bands = frames.shape[1]
    angles = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(1, COEFFICIENTS + 1))
    return (frames.astype(np.float64) / 2) @ np.cos(angles) * (2 / bands)


def distortion(one: np.ndarray, other: np.ndarray) -> float:
    """Mel-cepstral distortion of two spectrograms (T, F) in decibels (Kubichek 1993): the mean, over the pairs of
    frames that dynamic time warping brings together, of 10 / ln 10 · sqrt(2 sum over k of (c_k - c'_k)²)."""
    return DECIBELS * float(_warped_mean(cepstra(one), cepstra(other)))


@numba.njit(nogil=True, cache=True)
def _warped_mean(a: np.ndarray, b: np.ndarray) -> float:
    """Mean of sqrt(2 |a_i - b_j|²) along the way of least sum; steps right, down or both (Sakoe and Chiba 1978)."""
    n, m = len(a), len(b)
    total, pairs = np.full((n + 1, m + 1), np.inf), np.zeros((n + 1, m + 1))
    total[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            square = 0.0
            for k in range(a.shape[1]):
                square += (a[i - 1, k] - b[j - 1, k]) ** 2
            cost = np.sqrt(2 * square)
            before, count = total[i - 1, j - 1], pairs[i - 1, j - 1]
            if total[i - 1, j] < before:
                before, count = total[i - 1, j], pairs[i - 1, j]
            if total[i, j - 1] < before:
                before, count = total[i, j - 1], pairs[i, j - 1]
            total[i, j], pairs[i, j] = before + cost, count + 1
    return total[n, m] / pairs[n, m]


def synthesis_scores(
    made: Sequence[np.ndarray],
    recorded: Sequence[np.ndarray],
    words: Sequence[tuple[int, int, int]],
    intervals: bool,
) -> dict[str, Score]:
    """made, recorded: log-mel spectrograms. words: of each text how many it has, are skipped, and are repeated."""
    distances = np.array([distortion(*pair) for pair in zip(made, recorded, strict=True)])
    lasting = np.array([abs(len(one) / len(other) - 1) for one, other in zip(made, recorded, strict=True)])
    count, skipped, repeated = np.array(words).sum(0).tolist()
    of = f"of {count:,} words"
    return {
        "mcd": Score(
            float(distances.mean()),
            " dB",
            bootstrap(distances) if intervals else None,
            f"{COEFFICIENTS} mel cepstra without the 0th, by dynamic time warping, of spectrograms before Griffin-Lim",
        ),
        "duration_error": Score(float(lasting.mean()), "", bootstrap(lasting) if intervals else None),
        "skipped_words": Score(skipped / max(1, count), "", None, f"{skipped:,} {of}"),
        "repeated_words": Score(repeated / max(1, count), "", None, f"{repeated:,} {of}"),
    }
