"""Discs, squares and triangles on cloudy ground, made here: each picture depends on the seed, the split and its index.

A box ends where its shape does, so a perfect detector would score 1 but for shapes that others cover in part.
Letters: H height, W width.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.boxes import Picture, Pictures

WIDTH, HEIGHT = 160, 128
SHAPES = ("disc", "square", "triangle")
COUNTS = {"train": 600, "val": 100, "test": 200}
COVERED = 0.5  # of a shape, by later ones, at most

DATASET = Dataset(
    name="shapes",
    task="object-detection",
    summary=f"Shaded discs, squares and triangles on cloudy ground, {WIDTH} x {HEIGHT} pixels, two to seven a picture, "
    f"made here: {COUNTS['train']} pictures train, {COUNTS['val']} val, {COUNTS['test']} test.",
    licence="None needed: the data are made.",
    reference="None published: the data is made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "proposal-transformer": {"size": WIDTH, "epochs": 20, "evaluations": 5, "mosaic": 0.0, "ema": 0.99},
    "classic": {"size": WIDTH, "epochs": 20, "evaluations": 5, "mosaic": 0.0, "ema": 0.99},
}


def read(seed: int = 0) -> Pictures:
    splits = {
        split: [_picture(seed, at, index, split) for index in range(count)]
        for at, (split, count) in enumerate(COUNTS.items())
    }
    return Pictures(splits, [])


def _picture(seed: int, split: int, index: int, name: str) -> Picture:
    draw = np.random.default_rng((seed, split, index))
    kept: list[tuple[str, np.ndarray]] = []  # shape and box, those below first
    wanted = int(draw.integers(2, 8))
    for _ in range(5 * wanted):
        size = draw.uniform(14, 56, 2) if draw.random() < 0.3 else np.repeat(draw.uniform(14, 56), 2)
        corner = draw.uniform(0, np.array([WIDTH, HEIGHT]) - size)
        box = np.concatenate((corner, corner + size)).round()
        if len(kept) < wanted and all(_covered(below, box) <= COVERED for _, below in kept):
            kept.append((SHAPES[draw.integers(len(SHAPES))], box))
    boxes = np.array([box for _, box in kept], np.float32)
    labels = tuple(shape for shape, _ in kept)
    pixels = partial(_pixels, (seed, split, index), labels, boxes)
    return Picture(
        f"{name}-{index}",
        pixels,
        (WIDTH, HEIGHT),
        boxes,
        labels,
        np.zeros(len(labels), bool),
        f"shapes/{name}:{index + 1}",
    )


def _covered(below: np.ndarray, box: np.ndarray) -> float:
    shared = np.clip(np.minimum(below[2:], box[2:]) - np.maximum(below[:2], box[:2]), 0, None).prod()
    return float(shared / min((below[2:] - below[:2]).prod(), (box[2:] - box[:2]).prod()))


def _pixels(key: tuple[int, ...], labels: tuple[str, ...], boxes: np.ndarray) -> np.ndarray:
    draw = np.random.default_rng((*key, 1))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    ground = draw.uniform(60, 190, 3) + clouds(draw, x, y)[:, :, None] * draw.uniform(10, 30, 3)
    for label, (left, top, right, bottom) in zip(labels, boxes, strict=True):
        u, v = 2 * (x - left) / (right - left) - 1, 2 * (y - top) / (bottom - top) - 1  # -1 to 1 inside the box
        within = {
            "disc": u**2 + v**2 <= 1,
            "square": np.maximum(abs(u), abs(v)) <= 1,
            "triangle": (abs(v) <= 1) & (abs(u) <= (v + 1) / 2),
        }[label]
        shade = (u * draw.uniform(-25, 25) + v * draw.uniform(-25, 25))[within]
        ground[within] = draw.uniform(20, 235, 3) + shade[:, None]
    return (ground + draw.normal(0, 6, ground.shape)).clip(0, 255).astype(np.uint8)


def clouds(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth random surface (H, W) between about -1 and 1."""
    waves = [
        np.sin(x * draw.uniform(-0.15, 0.15) + y * draw.uniform(-0.15, 0.15) + draw.uniform(0, 7)) for _ in range(6)
    ]
    return np.sum(waves, axis=0) / 3
