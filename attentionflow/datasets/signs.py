"""Signs of made-up alphabets, drawn by made-up hands: each depends on the seed, the split and its indices alone.

A sign is two or three bent strokes. Whoever draws it leans, stretches, shifts and trembles, and holds a pen of their
own width. Letters: H height, W width, S strokes, N points of a stroke.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.galleries import Gallery, Splits, question
from attentionflow.readers.labelled_pictures import LabelledPicture

SIDE = 32
SIGNS, DRAWINGS = 80, 10  # of training
GALLERIES = {"val": 3, "test": 5}
THINGS, ASKED = 20, 2  # signs of a gallery, each drawn once in it, and questions about each
POINTS = 24

DATASET = Dataset(
    name="signs",
    task="image-recognition",
    summary=f"Signs of two or three bent strokes, {SIDE} x {SIDE} pixels, made here: {SIGNS * DRAWINGS} drawings of "
    f"{SIGNS} signs train; {GALLERIES['val']} galleries of {THINGS} other signs, each drawn once, with {ASKED} "
    f"questions about each val, {GALLERIES['test']} test.",
    licence="None needed: the data are made.",
    reference="None published: the data is made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "size": SIDE,
    "patch": 8,
    "erase": 0.0,
    "evaluations": 4,
    "ema": 0.98,
    "epochs": 18,
}
ADVICE: dict[str, dict[str, object]] = {
    "patch-matcher": {**_SHARED, "channels": 12, "blocks": 1, "feedforward": 64},
    "classic": {**_SHARED, "channels": 8, "blocks": 1},
}


def read(seed: int = 0) -> tuple[Splits, list[str]]:
    splits: Splits = {"train": [_drawing(seed, 0, i, hand) for i in range(SIGNS) for hand in range(DRAWINGS)]}
    for at, (split, count) in enumerate(GALLERIES.items(), start=1):
        asked = []
        for number in range(count):
            signs = range(number * THINGS, (number + 1) * THINGS)
            gallery = Gallery(f"{split} {number + 1}", tuple(_drawing(seed, at, sign, 0) for sign in signs))
            hands = range(1, 1 + ASKED)
            asked += [question(_drawing(seed, at, sign, hand), gallery) for hand in hands for sign in signs]
        splits[split] = asked
    return splits, []


def _drawing(seed: int, split: int, sign: int, hand: int) -> LabelledPicture:
    pixels = partial(_pixels, seed, split, sign, hand)
    name = f"sign {sign + 1}, drawing {hand + 1}"
    return LabelledPicture(name, (f"sign {sign + 1}",), name, lambda: pixels().tobytes(), pixels, lambda: (SIDE, SIDE))


def _pixels(seed: int, split: int, sign: int, hand: int) -> np.ndarray:
    """(H, W, 3): dark where a stroke is near."""
    draw = np.random.default_rng((seed, split, sign))
    bends = draw.uniform(-1, 1, (int(draw.integers(2, 4)), 4, 2))  # control points (S, 4, 2)
    draw = np.random.default_rng((seed, split, sign, hand))
    bends = bends + draw.normal(0, 0.08, bends.shape)
    lean, angle = draw.normal(0, 0.18, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1, lean], [0, 1]]) * np.exp(draw.normal(0, 0.14, 2))
    t = np.linspace(0, 1, POINTS)[:, None]
    powers = np.concatenate(((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3), 1)  # (N, 4), Bernstein
    points = (powers @ bends).reshape(-1, 2) @ matrix.T
    points = SIDE * (0.5 + 0.36 * points + draw.normal(0, 0.03, 2))
    places = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 1, 2) + 0.5
    nearest = np.sqrt(((places - points) ** 2).sum(-1)).min(1).reshape(SIDE, SIDE)
    ink = np.clip(draw.uniform(0.9, 1.5) + 0.5 - nearest, 0, 1)
    return np.repeat((255 * (1 - ink)).round().astype(np.uint8)[:, :, None], 3, axis=2)
