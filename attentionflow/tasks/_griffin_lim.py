"""A sound whose spectrogram is near a given one: magnitudes from mel bands, phases by Griffin-Lim.

Letters: N samples, T frames, K frequencies, F bands.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.mel import frame_sizes, triangles
from attentionflow.readers.spectrogram import Spectrograms

MOMENTUM = 0.99
UNMIXING = 40  # steps from mel bands to frequencies
LEAST = 1e-9


def sound_of(frames: np.ndarray, made_by: Spectrograms, rounds: int) -> np.ndarray:
    """(N,) samples of a log-mel spectrogram (T, F), as `made_by` makes them of sounds; the same each time.

    The fast Griffin-Lim algorithm (Perraudin et al. 2013): each of the rounds takes the phases of the sound that the
    magnitudes and the phases before make, pushed on by 0.99 of what they changed.
    """
    assert made_by.rate is not None
    hop, window, size = frame_sizes(made_by.rate, made_by.frame_rate, made_by.window)
    wanted = torch.from_numpy(np.asarray(frames, np.float32)).exp()
    magnitudes = frequencies_of(wanted, triangles(made_by.bands, size, made_by.rate)).sqrt().T  # (K, T)
    shape, length = torch.hann_window(window), (len(frames) - 1) * hop
    if length == 0:
        return np.zeros(0, np.float32)
    draw = torch.Generator().manual_seed(0)
    phases = torch.polar(torch.ones_like(magnitudes), 2 * math.pi * torch.rand(magnitudes.shape, generator=draw))
    before = torch.zeros_like(phases)

    def heard() -> Tensor:
        return torch.istft(magnitudes * phases, size, hop, window, shape, length=length)

    for _ in range(rounds):
        found = torch.stft(heard(), size, hop, window, shape, pad_mode="constant", return_complex=True)
        phases = found + MOMENTUM * (found - before)
        phases, before = phases / phases.abs().clamp_min(LEAST), found
    return heard().numpy()


def frequencies_of(bands: Tensor, shares: Tensor) -> Tensor:
    """(T, K) power of each frequency, none negative, whose bands are nearest to those given (T, F). shares (K, F).

    Multiplicative steps (Lee and Seung 2001) from the least-squares answer, cut at zero.
    """
    found = (bands @ torch.linalg.pinv(shares)).clamp_min(LEAST)
    there, between = bands @ shares.T, shares @ shares.T
    for _ in range(UNMIXING):
        found = found * there / (found @ between).clamp_min(1e-12)
    return found
