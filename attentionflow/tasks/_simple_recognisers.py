"""What simple methods write: the commonest text of training, and the text of the utterance that sounds most alike.

Letters: T frames, F bands, N utterances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numba
import numpy as np

from attentionflow.readers.spectrogram import Spectrograms
from attentionflow.readers.utterances import Utterance

MOST = 3000  # training utterances that are compared with, evenly spread
FRAMES = 24  # about so many frames are compared of an utterance of common length


def simple_recognisers(
    train: Sequence[Utterance],
    test: Sequence[Utterance],
    spectrograms: Spectrograms,
    text: Callable[[Utterance], str],
) -> dict[str, list[str]]:
    """Name of the method -> the text it writes for each of `test`."""
    chosen = [train[at] for at in np.unique(np.linspace(0, len(train) - 1, min(MOST, len(train))).astype(int))]
    texts = [text(one) for one in chosen]
    commonest = Counter(texts).most_common(1)[0][0]
    known, asked = ([spectrograms(one) for one in some] for some in (chosen, test))
    step = max(1, round(float(np.median([len(frames) for frames in known])) / FRAMES))
    known, asked = ([_coarse(frames, step) for frames in some] for some in (known, asked))
    nearest = [texts[int(np.argmin([_warped_distance(one, other) for other in known]))] for one in asked]
    return {"commonest text of training": [commonest] * len(test), "text of the most similar sound (DTW)": nearest}


def _coarse(frames: np.ndarray, step: int) -> np.ndarray:
    """Means of `step` frames at a time (T, F)."""
    starts = np.arange(0, len(frames), step)
    return (np.add.reduceat(frames, starts) / np.diff(np.append(starts, len(frames)))[:, None]).astype(np.float32)


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _warped_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Dynamic time warping (Sakoe and Chiba 1978, symmetric): the least sum of distances of frames, by both lengths."""
    n, m = len(a), len(b)
    before = np.full(m + 1, np.inf)
    before[0] = 0.0
    for i in range(n):
        row = np.full(m + 1, np.inf)
        for j in range(m):
            total = np.float32(0)
            for f in range(a.shape[1]):
                total += (a[i, f] - b[j, f]) ** 2
            cost = np.sqrt(total)
            row[j + 1] = min(before[j] + 2 * cost, before[j + 1] + cost, row[j] + cost)
        before = row
        before[0] = np.inf
    return before[m] / (n + m)
