"""Sounds window by window through a network that cleans them, and what comes out as a sound again.

Letters: N samples, V windows, W samples of a window, T frames, K frequencies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attentionflow.tasks._wav import wav

IN_MEMORY = 1 << 24  # samples of a result that stay in memory; longer ones lie in a temporary file
SURE = 1e-4  # a frame is never surer than that


@dataclass(frozen=True)
class Windows:
    """Pieces of `size` samples, each beginning `size - overlap` after the last; silence follows the last one."""

    size: int
    overlap: int

    @property
    def hop(self) -> int:
        return self.size - self.overlap

    def count(self, length: int) -> int:
        return max(1, -(-(length - self.overlap) // self.hop))

    def cut(self, samples: np.ndarray) -> np.ndarray:
        """(V, W) of (N,)"""
        return np.stack(list(self.stream([samples])))

    def stream(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same, (W,) each, of samples that come piece by piece."""
        kept, given = np.zeros(0, np.float32), False
        for piece in pieces:
            kept = np.concatenate((kept, piece))
            while len(kept) > self.size:
                yield kept[: self.size]
                kept, given = kept[self.hop :], True
        if len(kept) > self.overlap or not given:
            yield np.pad(kept, (0, self.size - len(kept)))

    def joined(self, windows: Iterable[np.ndarray], length: int) -> np.ndarray:
        """(N,) of the windows in their order; where two overlap, one is faded out while the other is faded in."""
        made = room(length)
        rising = (np.arange(self.overlap, dtype=np.float32) + 0.5) / max(1, self.overlap)
        for at, window in enumerate(windows):
            start = at * self.hop
            piece = window[: length - start].copy()
            fade = min(self.overlap, len(piece))
            if at:
                piece[:fade] = made[start : start + fade] * (1 - rising[:fade]) + piece[:fade] * rising[:fade]
            made[start : start + len(piece)] = piece
        return made


def room(length: int) -> np.ndarray:
    """Samples to be filled: in memory, or of a long sound in a file that goes when they do."""
    if length <= IN_MEMORY:
        return np.zeros(length, np.float32)
    with tempfile.TemporaryFile() as file:  # what is mapped stays until nobody holds it
        return np.memmap(file, np.float32, shape=(length,))


def spectrum_of(windows: Tensor, size: int, hop: int) -> Tensor:
    """(V, T, K) complex: Hann windows of `size` samples, frame t centred on sample t · hop."""
    window = torch.hann_window(size, device=windows.device)
    return torch.stft(windows.float(), size, hop, size, window, return_complex=True).transpose(1, 2)


def samples_of(spectrum: Tensor, size: int, hop: int, length: int) -> Tensor:
    """(V, W): the inverse."""
    window = torch.hann_window(size, device=spectrum.device)
    return torch.istft(spectrum.transpose(1, 2), size, hop, size, window, length=length)


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A sound without its noise: samples (N,) from -1 to 1, samples a second, and how much energy was taken out."""

    samples: np.ndarray
    rate: int
    removed: float  # decibels

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cleaned):
            return NotImplemented
        return self.rate == other.rate and np.array_equal(self.samples, other.samples)

    def __hash__(self) -> int:
        return hash((len(self.samples), self.rate))

    def __str__(self) -> str:
        return f"{self._seconds:.2f} seconds, {self.removed:.1f} dB of their energy taken out"

    @property
    def _seconds(self) -> float:
        return len(self.samples) / self.rate

    def to_json(self) -> dict[str, Any]:
        return {"seconds": round(self._seconds, 4), "sample_rate": self.rate, "removed_db": round(self.removed, 2)}

    def wav(self) -> Iterator[bytes]:
        return wav(self.samples, self.rate)


def energy_taken(noisy: float, cleaned: float) -> float:
    """Decibels between two energies."""
    return 10 * float(np.log10(max(noisy, 1e-12) / max(cleaned, 1e-12)))


def log_probability(kept: Tensor, chosen: Tensor) -> Tensor:
    """Of each frame, that it was mostly kept, where `chosen`, or mostly taken out."""
    return torch.where(chosen, kept, 1 - kept).clamp_min(SURE).log()
