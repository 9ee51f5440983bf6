"""Small spoken data whose answer is a rule: each letter is a tone, a blank is a pause, in a little noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

RATE = 4_000
LETTERS = "ABCDE"
PITCHES = dict(zip(LETTERS, (300, 550, 800, 1150, 1600), strict=True))
SECONDS = 0.12

# Settings with which a model learns the rule in seconds on one core.
SHARED: dict[str, Any] = {
    "bands": 16,
    "batch_frames": 1200,
    "label_smoothing": 0.0,
    "speeds": 0.0,
    "voices": 0.0,
    "masked_bands": 0,
    "time_masks": 0,
    "dropout": 0.0,
    "learning_rate": 5e-3,
    "evaluations": 2,
    "log_every": 5,
    "ema": 0.9,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "conformer": SHARED
    | {"width": 32, "heads": 2, "encoder_layers": 1, "feedforward": 64, "channels": 8, "kernel": 7, "epochs": 8},
    "classic": SHARED | {"hidden": 32, "embedding": 16, "attention": 24, "epochs": 2},
}


def sound(text: str, draw: np.random.Generator) -> np.ndarray:
    """Samples (N,) of a text."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    quiet = np.zeros(round(0.05 * RATE))
    parts = [quiet]
    for letter in text:
        tone = np.zeros_like(time) if letter == " " else 0.4 * np.sin(2 * np.pi * PITCHES[letter] * time)
        parts += [tone * np.hanning(len(time)), quiet]
    samples = np.concatenate(parts)
    return (samples + draw.normal(0, 0.01, len(samples))).astype(np.float32)


def texts(count: int, draw: np.random.Generator) -> list[str]:
    return [" ".join("".join(draw.choice(list(LETTERS), draw.integers(1, 4))) for _ in range(2)) for _ in range(count)]


def write_sounds(folder: Path, counts: dict[str, int] | None = None, seed: int = 0, kind: str = ".wav") -> Path:
    """A folder with metadata.csv in train, val and test; kind .npy writes arrays of features."""
    import soundfile

    from attentionflow.readers.audio import Audio
    from attentionflow.readers.mel import log_mel

    draw = np.random.default_rng(seed)
    for split, count in (counts or {"train": 240, "val": 16, "test": 24}).items():
        (folder / split).mkdir(parents=True)
        lines = ["file_name,text"]
        for at, text in enumerate(texts(count, draw)):
            samples, path = sound(text, draw), folder / split / f"{at:03}{kind}"
            if kind == ".npy":
                np.save(path, log_mel(Audio(samples, RATE), 16, 100))
            else:
                soundfile.write(path, samples, RATE)
            lines.append(f"{path.name},{text}")
        (folder / split / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
