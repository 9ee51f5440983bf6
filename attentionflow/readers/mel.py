"""Log-mel spectrograms of sound, and how one is drawn small.

Letters: N samples, T frames, F bands, K frequencies of the Fourier transform.
"""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache

import numpy as np
import torch

from attentionflow.readers.audio import Audio

FLOOR = 1e-10  # of the power, before the logarithm
WINDOW = 0.025  # seconds that a frame sees


def log_mel(audio: Audio, bands: int, frame_rate: int, seconds: float = WINDOW, floor: float = FLOOR) -> np.ndarray:
    """(T, F) natural logarithms of the power in each mel band; frame t is centred on t / frame_rate seconds.

    A Hann window of so many seconds, T = N // hop + 1. Triangular bands evenly spaced on the mel scale of
    O'Shaughnessy, 2595 log10(1 + f / 700), from 0 Hz to half the rate.
    """
    hop, window, size = frame_sizes(audio.rate, frame_rate, seconds)
    spectrum = torch.stft(
        torch.from_numpy(audio.samples),
        size,
        hop,
        window,
        torch.hann_window(window),
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.abs().square_().T  # (T, K)
    return (power @ triangles(bands, size, audio.rate)).clamp_min_(floor).log_().numpy()


def frame_sizes(rate: int, frame_rate: int, seconds: float) -> tuple[int, int, int]:
    """Samples from frame to frame, of a window, and of the Fourier transform, the next power of two."""
    window = round(rate * seconds)
    return round(rate / frame_rate), window, 1 << (window - 1).bit_length()


@cache
def triangles(bands: int, size: int, rate: int) -> torch.Tensor:
    """(K, F) share of each frequency in each band."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    frequencies = np.linspace(0, rate / 2, size // 2 + 1)[:, None]
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return torch.from_numpy(np.clip(np.minimum(rising, falling), 0, None).astype(np.float32))


def picture(frames: np.ndarray, most: int = 1200) -> str:
    """A spectrogram (T, F) as the data URI of a grey PNG, low bands below, time from left to right; loud is dark.

    Where there are more than `most` frames, each column is the mean of several.
    """
    step = -(-len(frames) // most)
    starts = np.arange(0, len(frames), step)
    means = np.add.reduceat(frames, starts) / np.diff(np.append(starts, len(frames)))[:, None]
    low, high = np.percentile(means, (2, 99.5))
    grey = 255 - np.clip((means - low) / max(high - low, 1e-6), 0, 1) * 255
    return "data:image/png;base64," + base64.b64encode(_png(grey.T[::-1].astype(np.uint8))).decode()


def _png(grey: np.ndarray) -> bytes:
    """A PNG of (height, width) bytes (ISO/IEC 15948)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = grey.shape
    lines = np.pad(grey, ((0, 0), (1, 0))).tobytes()  # each line begins with the number of its filter, 0 for none
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (("IHDR", head), ("IDAT", zlib.compress(lines, 9)), ("IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name.encode(), content) for name, content in parts)
