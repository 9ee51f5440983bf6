"""Small pictures whose label is seen at once: bars that lie, stand or cross, somewhere on noise; in every format."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

LABELS = ("cross", "lying", "standing")
SIDE = 16

# Settings with which a model learns them in seconds on one core.
QUICK = {"size": SIDE, "patch": 4, "flips": "both", "batch_pictures": 32, "erase": 0.0}
TRAINING = {"epochs": 8, "evaluations": 2, "ema": 0.9, "log_every": 5, "learning_rate": 5e-3}
OWN = {
    "patch-transformer": {"channels": 8, "blocks": 1, "heads": 2, "feedforward": 32},
    "classic": {"channels": 8, "blocks": 1},
}


def bars(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 16, 16) in grey and the number of each one's label."""
    draw = np.random.default_rng(seed)
    pixels = draw.integers(60, 190, (count, SIDE, SIDE)).astype(np.uint8)
    numbers = draw.integers(0, len(LABELS), count)
    for picture, number in zip(pixels, numbers, strict=True):
        x, y = draw.integers(0, SIDE - 7, 2)
        shade = draw.choice([20, 220])  # brighter or darker than the ground, so that no single pixel tells
        if LABELS[number] != "standing":
            picture[y + 3, x : x + 7] = shade
        if LABELS[number] != "lying":
            picture[y : y + 7, x + 3] = shade
    return pixels, numbers


def write_idx(path: Path, array: np.ndarray) -> Path:
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_pairs(folder: Path, counts: dict[str, int]) -> Path:
    """train-images-idx3-ubyte.gz and the like, with classes.txt."""
    for seed, (split, count) in enumerate(counts.items()):
        pixels, numbers = bars(count, seed)
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", pixels)
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", numbers)
    (folder / "classes.txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    return folder


def save(path: Path, pixels: np.ndarray) -> Path:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.fromarray(pixels).save(path)
    return path


def write_folders(folder: Path, counts: dict[str, int]) -> Path:
    """train/cross/0.png and the like."""
    for seed, (split, count) in enumerate(counts.items()):
        for i, (pixels, number) in enumerate(zip(*bars(count, seed), strict=True)):
            save(folder / split / LABELS[number] / f"{i}.png", pixels)
    return folder


def write_metadata(folder: Path, counts: dict[str, int]) -> Path:
    """train/0.png beside train/metadata.csv, and the like."""
    for seed, (split, count) in enumerate(counts.items()):
        pixels, numbers = bars(count, seed)
        rows = ["file_name,label"]
        for i in range(count):
            save(folder / split / f"{i}.png", pixels[i])
            rows.append(f"{i}.png,{LABELS[numbers[i]]}")
        (folder / split / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
