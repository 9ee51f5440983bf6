"""Small pictures whose classes cannot be mistaken: bright squares and dark discs on grey, with their masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

# Settings with which a model learns them in seconds on one core.
QUICK = {"size": 64, "largest": 1.2, "channels": 8}
QUICK_DEFAULT = QUICK | {"blocks": 1, "layers": 1, "heads": 2, "feedforward": 32, "width": 16}
TRAINING = {"learning_rate": 5e-3, "epochs": 8, "evaluations": 2, "ema": 0.9, "log_every": 5}

WIDTH, HEIGHT = 64, 48
CLASSES = ("ground", "square", "disc")
COLOURS = ((10, 10, 10), (250, 200, 0), (0, 0, 130))


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bytes (H, W, 3), and the class (H, W) of every pixel: a square and a disc, beside each other."""
    draw = np.random.default_rng(seed)
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8) + draw.integers(-8, 8, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    for half, number in enumerate(draw.permutation([1, 2])):
        side = int(draw.integers(14, 26))
        left = half * WIDTH // 2 + int(draw.integers(0, WIDTH // 2 - side))
        top = int(draw.integers(0, HEIGHT - side))
        there = (x >= left) & (x < left + side) & (y >= top) & (y < top + side)
        if number == 2:
            there = (x - left - side / 2) ** 2 + (y - top - side / 2) ** 2 <= (side / 2) ** 2
        pixels[there] = (230, 220, 90) if number == 1 else (20, 30, 60)
        classes[there] = number
    return pixels, classes


def save(path: Path, pixels: np.ndarray) -> Path:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.fromarray(pixels).save(path)
    return path


def write_folders(folder: Path, counts: dict[str, int], split_first: bool = False, coloured: bool = False) -> Path:
    """images/train/0.png beside masks/train/0.png, or train/images/0.png beside train/masks/0.png, and the classes."""
    for at, (split, count) in enumerate(counts.items()):
        pictures, masks = (
            folder / split / role if split_first else folder / role / split for role in ("images", "masks")
        )
        for i in range(count):
            pixels, classes = scene(1000 * at + i)
            save(pictures / f"{i}.png", pixels)
            save(masks / f"{i}.png", np.array(COLOURS, np.uint8)[classes] if coloured else classes)
    if coloured:
        rows = [f"{name},{','.join(map(str, code))}" for name, code in zip(CLASSES, COLOURS, strict=True)]
        (folder / "classes.csv").write_text("\n".join(["name,red,green,blue", *rows]) + "\n", encoding="utf-8")
    else:
        (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    return folder
