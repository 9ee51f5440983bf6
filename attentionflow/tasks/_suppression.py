"""Which of overlapping boxes stand, in one compiled pass."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def standing(boxes: np.ndarray, labels: np.ndarray, threshold: float, most: int) -> np.ndarray:
    """Indices of boxes (N, 4) float64, the best first, that overlap none before them of their label by more than
    `threshold` (intersection over union); at most `most`."""
    kept = np.empty(min(most, len(boxes)), np.int64)
    count = 0
    for i in range(len(boxes)):
        if count == len(kept):
            break
        a, stands = boxes[i], True
        for j in kept[:count]:
            if labels[j] != labels[i]:
                continue
            b = boxes[j]
            wide = min(a[2], b[2]) - max(a[0], b[0])
            high = min(a[3], b[3]) - max(a[1], b[1])
            if wide > 0 and high > 0:
                both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
                if wide * high > threshold * (both - wide * high):
                    stands = False
                    break
        if stands:
            kept[count] = i
            count += 1
    return kept[:count]
