"""What enhancement learns from: training sounds with noise that is mixed anew.

Letters: N samples, W samples of a window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attentionflow.readers.noisy_sounds import stretch_of


@dataclass(frozen=True)
class Prepared:
    """Samples (N,) with noise and without; None for a long sound, which is read when it is cleaned, and where it is not
    known what is without. rows: which example each is."""

    noisy: list[np.ndarray | None]
    clean: list[np.ndarray | None]
    lengths: list[int]
    rows: np.ndarray


def mixed(
    prepared: Prepared, at: int, size: int, ratios: tuple[float, float] | None, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A window (W,) of a training sound with noise and without: its own noise, or in a remix (Défossez et al. 2020)
    another's, between these ratios in decibels."""
    wanted, heard = prepared.clean[at], prepared.noisy[at]
    assert wanted is not None
    assert heard is not None
    start = int(draw.integers(min(0, len(wanted) - size), max(0, len(wanted) - size) + 1))
    clean = window(wanted, start, size)
    if ratios is None:
        return window(heard, start, size), clean
    other = int(draw.integers(len(prepared.rows)))
    theirs, without = prepared.noisy[other], prepared.clean[other]
    assert theirs is not None
    assert without is not None
    noise = stretch_of(theirs - without, size, draw)
    ratio = 10 ** (draw.uniform(*ratios) / 10)
    gain = np.sqrt(power(wanted) / ratio / (power(noise) + 1e-12))
    return clean + np.float32(gain) * noise, clean


def power(samples: np.ndarray) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


def window(samples: np.ndarray, start: int, size: int) -> np.ndarray:
    """(size,) from `start`, which may lie before the first sample; silence where there are none."""
    made = np.zeros(size, np.float32)
    piece = samples[max(0, start) : start + size]
    made[max(0, -start) : max(0, -start) + len(piece)] = piece
    return made
