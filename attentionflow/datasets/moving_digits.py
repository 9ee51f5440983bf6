"""Handwritten digits of scikit-learn that move in one of six ways, so that no single frame tells the label.

Letters: T frames, H height, W width.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.errors import UserError
from attentionflow.readers.clips import Clip, Clips, array_clip
from attentionflow.readers.video import FrameArray

LENGTHS = {"train": 480, "val": 120, "test": 200}
FRAMES, SIDE, DIGIT = 12, 24, 8
BRIGHTEST = 16
SECONDS = 0.1  # from frame to frame
# Of each label, how far a digit goes, in pixels of x and y, and by how much it grows, as a logarithm.
MOTIONS = {
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
    "up": (0, -1, 0),
    "down": (0, 1, 0),
    "growing": (0, 0, 1),
    "shrinking": (0, 0, -1),
}
WAY, GROWTH = (5.0, 10.0), (0.5, 0.9)  # least and most of a clip

DATASET = Dataset(
    name="moving_digits",
    task="video-recognition",
    summary=f"Handwritten digits that go left, right, up or down, grow or shrink, {FRAMES} frames of {SIDE} x {SIDE} "
    f"pixels: {', '.join(f'{count} {split}' for split, count in LENGTHS.items())}. The motions are made.",
    licence="CC BY 4.0 (the digits: UCI, Alpaydin and Kaynak 1998), Apache-2.0 (the motions; made by this package).",
    reference="None published: the films are made here.",
)

# Settings that suit these data, by architecture; the user's own go before them. Mirrored, left would be right.
_SHARED: dict[str, object] = {
    "frames": 8,
    "tube": 2,
    "size": SIDE,
    "patch": 8,
    "flips": "none",
    "turn": 5.0,
    "zoom": 0.0,
    "crop": 0.8,
    "erase": 0.0,
    "epochs": 12,
    "evaluations": 4,
    "ema": 0.95,
}
ADVICE: dict[str, dict[str, object]] = {
    "space-time": {**_SHARED, "channels": 8, "width": 32, "heads": 2, "layers": 1, "feedforward": 64, "dropout": 0.0},
    "classic": {**_SHARED, "channels": 8, "width": 16, "hidden": 32, "dropout": 0.0},
}


def read(seed: int = 0, fold: int = 1) -> Clips:
    """`seed` chooses digits and motions. Digits of one split are in no other."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise UserError(
            "the data set 'moving_digits' needs scikit-learn: pip install \"attentionflow[video]\""
        ) from None
    digits = load_digits().images / BRIGHTEST
    order, first = np.random.default_rng(0).permutation(len(digits)), 0
    made: dict[str, list[Clip]] = {}
    for number, (split, count) in enumerate(LENGTHS.items()):
        draws = [np.random.default_rng((seed, number, row)) for row in range(count)]
        own, first = digits[order[first : first + count]], first + count
        made[split] = [_clip(split, row, own[row], draw) for row, draw in enumerate(draws)]
    return Clips(dict(made))


def _clip(split: str, row: int, digit: np.ndarray, draw: np.random.Generator) -> Clip:
    label = list(MOTIONS)[row % len(MOTIONS)]
    film = _film(digit, MOTIONS[label], draw)
    name = f"moving_digits/{split}:{row + 1}"
    return Clip(name, (label,), name, array_clip(film, name, None, name).key, partial(FrameArray, film, SECONDS))


def _film(digit: np.ndarray, motion: tuple[int, int, int], draw: np.random.Generator) -> np.ndarray:
    """(T, H, W) bytes: the digit is in the middle of its way, and of its size, in the middle of the film."""
    middle = SIDE / 2 + draw.uniform(-2, 2, 2)
    way, growth = draw.uniform(*WAY) * np.array(motion[:2]), draw.uniform(*GROWTH) * motion[2]
    size = draw.uniform(0.9, 1.3)
    y, x = np.indices((SIDE, SIDE)) + 0.5
    frames = []
    for share in np.linspace(-0.5, 0.5, FRAMES):
        scale, (left, top) = size * np.exp(growth * share), middle + way * share
        frames.append(_sampled(digit, (y - top) / scale + DIGIT / 2 - 0.5, (x - left) / scale + DIGIT / 2 - 0.5))
    return np.rint(np.stack(frames) * 255).astype(np.uint8)


def _sampled(digit: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The digit at places between its pixels, from its four neighbours; 0 beside it."""
    padded = np.pad(digit, 2)
    y, x = (place.clip(-1.5, DIGIT + 0.5) + 2 for place in (y, x))
    row, column = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - row, x - column
    upper = padded[row, column] * (1 - right) + padded[row, column + 1] * right
    lower = padded[row + 1, column] * (1 - right) + padded[row + 1, column + 1] * right
    return upper * (1 - down) + lower * down
