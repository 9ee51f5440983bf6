"""Small voices whose sound is a rule: each letter is a tone, a blank is a pause, and one of the two speaks higher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

RATE = 4_000
LETTERS = "abcd"
PITCHES = dict(zip(LETTERS, (350, 600, 950, 1350), strict=True))
VOICES = {"ada": 1.0, "bob": 1.25}
LASTS = {"a": 0.14, "b": 0.1, "c": 0.12, "d": 0.08, " ": 0.06}  # seconds

# Settings with which a model learns the rule in seconds on one core.
SHARED: dict[str, Any] = {
    "bands": 24,
    "frame_rate": 50,
    "batch_frames": 500,
    "dropout": 0.0,
    "learning_rate": 5e-3,
    "evaluations": 2,
    "log_every": 5,
    "ema": 0.9,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "parallel": SHARED
    | {"width": 32, "heads": 2, "text_layers": 1, "sound_layers": 1, "feedforward": 64, "kernel": 5, "alignment": 16}
    | {"epochs": 20},
    "classic": SHARED
    | {"hidden": 24, "embedding": 24, "attention": 24, "prenet": 16, "frames_a_step": 2, "longest_letter": 20}
    | {"epochs": 2},
}


def sound(text: str, voice: str, draw: np.random.Generator) -> np.ndarray:
    """Samples (N,) of a text; letters last up to a tenth more or less."""
    parts = []
    for letter in text:
        time = np.arange(round(LASTS[letter] * RATE * draw.uniform(0.9, 1.1))) / RATE
        tone = 0 * time if letter == " " else np.sin(2 * np.pi * PITCHES[letter] * VOICES[voice] * time)
        parts.append(0.4 * tone * np.minimum(1, np.minimum(time, time[::-1]) / 0.01))
    samples = np.concatenate(parts)
    return (samples + draw.normal(0, 1e-3, len(samples))).astype(np.float32)


def text(draw: np.random.Generator) -> str:
    return " ".join("".join(draw.choice(list(LETTERS), draw.integers(1, 4))) for _ in range(2))


def write_voices(folder: Path, counts: dict[str, int] | None = None, seed: int = 0) -> Path:
    """A folder with metadata.csv (file_name, text, speaker) in train, val and test."""
    import soundfile

    draw = np.random.default_rng(seed)
    for split, count in (counts or {"train": 200, "val": 12, "test": 20}).items():
        (folder / split).mkdir(parents=True)
        lines = ["file_name,text,speaker"]
        for at in range(count):
            said, voice = text(draw), list(VOICES)[at % 2]
            soundfile.write(folder / split / f"{at:03}.wav", sound(said, voice, draw), RATE)
            lines.append(f"{at:03}.wav,{said},{voice}")
        (folder / split / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
