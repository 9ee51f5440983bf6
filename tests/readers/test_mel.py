"""Log-mel spectrograms against the formula written out, and the picture of one."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from attentionflow.readers.audio import Audio
from attentionflow.readers.mel import FLOOR, log_mel, picture

RATE = 8_000


def plain(samples: np.ndarray, bands: int) -> np.ndarray:
    """Frame by frame: window, Fourier transform, triangles on the mel scale, logarithm."""
    window, size, hop = 200, 256, 80
    weights = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(samples, size // 2)
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2) / 2595) - 1)
    frames = []
    for start in range(0, len(samples) + 1, hop):
        inner = padded[start : start + size][(size - window) // 2 :][:window]
        power = np.abs(np.fft.rfft(inner * weights, size)) ** 2
        row = []
        for low, middle, high in zip(corners, corners[1:], corners[2:], strict=False):
            at = np.linspace(0, RATE / 2, size // 2 + 1)
            row.append((power * np.interp(at, [low, middle, high], [0, 1, 0])).sum())
        frames.append(np.log(np.maximum(row, FLOOR)))
    return np.array(frames)


@pytest.mark.parametrize("length", [1, 79, 80, 81, 4_000])
def test_it_is_the_formula(length: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)
    found = log_mel(Audio(samples, RATE), 20, 100)
    assert found.shape == (length // 80 + 1, 20)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain(samples, 20), atol=1e-3)


def test_a_tone_is_in_its_band_at_its_time() -> None:
    time = np.arange(RATE) / RATE
    samples = np.where(time > 0.5, np.sin(2 * np.pi * 1_000 * time), 0).astype(np.float32)
    found = log_mel(Audio(samples, RATE), 20, 100)
    corners = np.linspace(0, 2595 * np.log10(1 + 4_000 / 700), 22)
    band = np.abs(corners[1:-1] - 2595 * np.log10(1 + 1_000 / 700)).argmin()
    assert found[75].argmax() == band
    assert found[45].max() < found[60].max() - 5


def test_the_picture_has_a_column_a_frame_and_low_bands_below() -> None:
    image = pytest.importorskip("PIL.Image")
    frames = np.zeros((30, 10), np.float32)
    frames[5, 2] = 9
    uri = picture(frames)
    assert uri.startswith("data:image/png;base64,")
    pixels = np.asarray(image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    assert pixels.shape == (10, 30)
    assert np.argwhere(pixels < 128).tolist() == [[7, 5]]


def test_a_long_one_is_drawn_smaller() -> None:
    image = pytest.importorskip("PIL.Image")
    uri = picture(np.random.default_rng(0).normal(size=(2_500, 8)), most=1_000)
    assert image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).size == (834, 8)
