"""Spectrograms changed at random, a whole batch at a time, each a pure function of seed, epoch and its own index.

Letters: B sounds, N all training sounds, W frames of a window, F bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

# Draws of a sound and epoch, by column; the last are place and width of two masks of bands and of two of frames.
CROP, TURN, PARTNER, SHIFT = range(4)
MASKS = 4
COLUMNS = MASKS + 8


@dataclass(frozen=True)
class SoundAugmentation:
    """What may happen to a spectrogram.

    turned: it is turned round in time, so that it begins anywhere. bands: it is moved by up to so many bands. masks:
    share of the bands, and of the frames, that each of two masks covers at most.
    """

    turned: bool
    bands: int
    masks: float

    def changed(self, frames: Tensor, draws: np.ndarray) -> Tensor:
        """Frames (B, W, F), 0 being the mean, after `moved` and `masked`; draws (B, COLUMNS)."""
        return masked(moved(frames, draws, self.turned, self.bands), draws, self.masks)


@lru_cache(maxsize=2)
def drawn(seed: int, epoch: int, count: int) -> np.ndarray:
    """(N, COLUMNS) uniform draws; the rows of a sound are the same however many come after it."""
    return np.random.default_rng((seed, epoch, 2)).random((count, COLUMNS), np.float32)


def moved(frames: Tensor, draws: np.ndarray, turned: bool, bands: int) -> Tensor:
    """In time round the window where `turned`, and up or down by whole bands; the outermost bands are repeated."""
    length, width = frames.shape[1:]
    start = np.floor(draws[:, TURN] * length * turned).astype(int)
    rows = (np.arange(length) + start[:, None]) % length
    up = np.floor(draws[:, SHIFT] * (2 * bands + 1)).astype(int) - bands
    columns = (np.arange(width) + up[:, None]).clip(0, width - 1)
    at = torch.arange(len(frames))[:, None, None]
    return frames[at, torch.from_numpy(rows)[:, :, None], torch.from_numpy(columns)[:, None, :]]


def masked(frames: Tensor, draws: np.ndarray, share: float) -> Tensor:
    """SpecAugment (Park et al. 2019): two stretches of bands and two of frames become the mean, 0."""
    length, width = frames.shape[1:]
    gone = np.zeros(frames.shape, bool)
    for at in range(2):
        place, wide = draws[:, MASKS + 2 * at], draws[:, MASKS + 2 * at + 1]
        gone |= _stretch(width, share, place, wide)[:, None, :]
        place, wide = draws[:, MASKS + 4 + 2 * at], draws[:, MASKS + 5 + 2 * at]
        gone |= _stretch(length, share, place, wide)[:, :, None]
    return frames.masked_fill(torch.from_numpy(gone), 0)


def _stretch(side: int, share: float, place: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """(B, side) bool: a stretch of up to `share` of the side, anywhere on it."""
    length = np.floor(wide * (share * side + 1))[:, None]
    start = np.floor(place[:, None] * (side - length + 1))
    at = np.arange(side)[None]
    return (at >= start) & (at < start + length)
