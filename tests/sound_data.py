"""Small folders of made sounds: three kinds to be told apart, and tones in noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 4_000
SECONDS = 0.96
KINDS = ("beeps", "hiss", "rise")

TAGGING: dict[str, dict[str, Any]] = {
    "spectrogram-transformer": {"width": 16, "heads": 2, "layers": 1, "feedforward": 32, "dropout": 0.0},
    "classic": {"hidden": 16, "dropout": 0.0},
}
TAGGING = {
    name: {
        **own,
        "channels": 8,
        "bands": 16,
        "seconds": SECONDS,
        "step": 4,
        "patch": 12,
        "batch_sounds": 16,
        "mixup": 0.0,
        "masks": 0.0,
        "shifted_bands": 0,
        "ema": 0.9,
        "learning_rate": 5e-3,
        "epochs": 12,
        "evaluations": 2,
    }
    for name, own in TAGGING.items()
}
del TAGGING["classic"]["patch"]
ENHANCEMENT: dict[str, dict[str, Any]] = {
    "mask-transformer": {"channels": 4, "width": 16, "heads": 2, "layers": 1, "feedforward": 32},
    "classic": {"hidden": 16},
}
ENHANCEMENT = {
    name: {**own, "seconds": 0.96, "overlap": 0.16, "ema": 0.9, "learning_rate": 5e-3, "epochs": 12, "evaluations": 2}
    for name, own in ENHANCEMENT.items()
}


def sound(kind: str, draw: np.random.Generator, seconds: float = SECONDS) -> np.ndarray:
    """(N,) one third of which is of the kind, the rest faint noise."""
    samples = 0.01 * draw.normal(size=round(seconds * RATE))
    length = len(samples) // 3
    start = int(draw.integers(len(samples) - length))
    time = np.arange(length) / RATE
    pitch = draw.uniform(500, 900)
    made = {
        "beeps": np.sin(2 * np.pi * pitch * time) * (np.sin(2 * np.pi * 10 * time) > 0),
        "hiss": draw.normal(size=length) / 2,
        "rise": np.sin(2 * np.pi * (300 + 1200 * time / time[-1]) * time),
    }[kind]
    samples[start : start + length] += 0.3 * made
    return samples.astype(np.float32)


def write_tagged(folder: Path, counts: dict[str, int] | None = None) -> Path:
    """SPLIT/KIND/NUMBER.wav"""
    for at, (split, count) in enumerate((counts or {"train": 60, "val": 12, "test": 30}).items()):
        for i in range(count):
            kind = KINDS[i % len(KINDS)]
            path = folder / split / kind / f"{i:03d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound(kind, np.random.default_rng((at, i))), RATE)
    return folder


def pair(draw: np.random.Generator, seconds: float = SECONDS) -> tuple[np.ndarray, np.ndarray]:
    """Noisy and clean (N,): two tones in hiss."""
    time = np.arange(round(seconds * RATE)) / RATE
    clean = 0.2 * sum(np.sin(2 * np.pi * draw.uniform(200, 900) * time) for _ in range(2))
    clean = clean * (np.sin(2 * np.pi * draw.uniform(1, 2) * time) > -0.3)
    noisy = clean + draw.uniform(0.05, 0.15) * draw.normal(size=len(time))
    return noisy.astype(np.float32), np.asarray(clean, np.float32)


def write_pairs(folder: Path, counts: dict[str, int] | None = None) -> Path:
    """SPLIT/noisy/NUMBER.wav and SPLIT/clean/NUMBER.wav"""
    for at, (split, count) in enumerate((counts or {"train": 40, "val": 8, "test": 16}).items()):
        for i in range(count):
            for kind, samples in zip(("noisy", "clean"), pair(np.random.default_rng((at, i))), strict=True):
                path = folder / split / kind / f"{i:03d}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, samples, RATE, subtype="FLOAT")
    return folder
