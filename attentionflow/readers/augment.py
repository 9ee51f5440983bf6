"""Changes to a spectrogram that leave its text as it is: speed, pitch of the voice, and parts masked.

Letters: T frames, F bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """How much is changed at most, see the functions below.

    speeds: share by which an utterance becomes faster or slower; voices: and its bands higher or lower. bands, times,
    share: of `masked`.
    """

    speeds: float
    voices: float
    bands: int
    times: int
    share: float

    def __call__(self, frames: np.ndarray, least: int, draw: np.random.Generator) -> np.ndarray:
        """least: frames that the text needs; an utterance is not made faster than that."""
        length = round(len(frames) / draw.uniform(1 - self.speeds, 1 + self.speeds))
        if length >= least:
            frames = stretched(frames, length)
        frames = warped(frames, draw.uniform(1 - self.voices, 1 + self.voices))
        return masked(frames, draw, bands=self.bands, times=self.times, share=self.share)


def stretched(frames: np.ndarray, length: int) -> np.ndarray:
    """(T, F) played faster or slower, as `length` frames; between frames on straight lines."""
    return _at(frames, np.linspace(0, len(frames) - 1, length))


def warped(frames: np.ndarray, factor: float) -> np.ndarray:
    """Bands moved as by a vocal tract `factor` times as long (Jaitly and Hinton 2013), here on the mel scale.

    Band f takes what stood at band f · factor; what would come from above the highest band is that band.
    """
    places = np.minimum(np.arange(frames.shape[1]) * factor, frames.shape[1] - 1)
    return _at(frames.T, places).T


def _at(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows (n, ...) at places between them."""
    below = np.minimum(places.astype(int), max(0, len(rows) - 2))
    above = np.minimum(below + 1, len(rows) - 1)
    share = (places - below).astype(rows.dtype)[:, None]
    return rows[below] * (1 - share) + rows[above] * share


def masked(frames: np.ndarray, draw: np.random.Generator, *, bands: int, times: int, share: float) -> np.ndarray:
    """SpecAugment (Park et al. 2019): two stretches of bands and `times` stretches of time set to zero, the mean.

    bands: most bands of a stretch; share: most of the utterance that one stretch of time covers.
    """
    frames = frames.copy()
    for _ in range(2 if bands else 0):
        width = draw.integers(0, min(bands, frames.shape[1] - 1) + 1)
        start = draw.integers(0, frames.shape[1] - width + 1)
        frames[:, start : start + width] = 0
    for _ in range(times):
        width = draw.integers(0, int(share * len(frames)) + 1)
        start = draw.integers(0, len(frames) - width + 1)
        frames[start : start + width] = 0
    return frames
