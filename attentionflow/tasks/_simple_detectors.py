"""What can be said of a picture without a network: the boxes of another picture, and windows judged by their colours.

Letters: N pictures, K features of a window, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from attentionflow.readers.boxes import Picture
from attentionflow.tasks._boxes import suppress
from attentionflow.tasks._canvas import Canvas, Prepared
from attentionflow.tasks._detections import Detection, Detections

GRID = 8  # cells a side of a window
RIDGE = 1e-4  # of the mean square of a feature
SMALL = 16  # pixels a side at which whole pictures are compared


def other_picture(train: Sequence[Picture], test: Sequence[Picture], seed: int = 0) -> list[Detections]:
    """The boxes of a training picture drawn at random."""
    draw = np.random.default_rng(seed)
    return [_borrowed(train[int(draw.integers(len(train)))], one) for one in test]


def nearest_picture(train: Sequence[Picture], test: Sequence[Picture], canvas: Canvas) -> list[Detections]:
    """The boxes of the training picture with the most similar colours, place by place."""
    known, asked = (_thumbnails(Prepared(pictures, canvas)) for pictures in (train, test))
    distances = (asked**2).sum(1)[:, None] - 2 * asked @ known.T + (known**2).sum(1)
    return [_borrowed(train[at], one) for at, one in zip(distances.argmin(1), test, strict=True)]


def windows(train: Sequence[Picture], test: Sequence[Picture], canvas: Canvas) -> list[Detections]:
    """Windows of the middle size of each class, slid over the picture; colours of their GRID x GRID cells are weighed
    as ridge regression weighs them to tell windows that overlap an object by half from all others."""
    trained, asked = Prepared(train, canvas), Prepared(test, canvas)
    found: list[list[tuple[float, int, np.ndarray]]] = [[] for _ in test]
    for number in range(len(canvas.classes)):
        boxes = [drawn.boxes[drawn.labels == number] for drawn in map(trained.drawn, range(len(train)))]
        sides = np.median(np.concatenate([b[:, 2:] - b[:, :2] for b in boxes]), axis=0)
        weights = _regression(trained, boxes, sides)
        for at in range(len(test)):
            features, places = _windows(asked.drawn(at).pixels, sides)
            scores = features @ weights
            for best in suppress(places, scores, np.zeros(len(scores), int), 0.3, 30):
                found[at].append((float(np.clip(scores[best], 1e-3, 1)), number, places[best]))
    return [_answer(one, picture, canvas) for one, picture in zip(found, test, strict=True)]


def _answer(found: list[tuple[float, int, np.ndarray]], picture: Picture, canvas: Canvas) -> Detections:
    scale = canvas.scale(picture.size)
    ordered = sorted(found, key=lambda one: -one[0])
    boxes = [Detection(canvas.classes[number], score, *(box / scale).tolist()) for score, number, box in ordered]
    return Detections(picture.size, tuple(boxes), 0.0)


def _borrowed(known: Picture, picture: Picture) -> Detections:
    scale = np.array([picture.size[i] / known.size[i] for i in (0, 1)] * 2)
    boxes = [
        Detection(label, 1.0, *box) for label, box in zip(known.labels, (known.boxes * scale).tolist(), strict=True)
    ]
    return Detections(picture.size, tuple(boxes), 0.0)


def _thumbnails(prepared: Prepared) -> np.ndarray:
    """(N, SMALL² · 3)."""
    drawn = (torch.from_numpy(prepared.drawn(at).pixels) for at in range(len(prepared.pictures)))
    small = [F.adaptive_avg_pool2d(one.permute(2, 0, 1).float(), SMALL).flatten().numpy() for one in drawn]
    return np.stack(small)


def _windows(pixels: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, K) of all windows of these sides, a cell apart, and their boxes (N, 4)."""
    height, width = pixels.shape[:2]
    cell = np.maximum(sides / GRID, 1)
    columns, rows = (max(GRID, round(side / c)) for side, c in zip((width, height), cell, strict=True))
    image = torch.from_numpy(pixels).permute(2, 0, 1).float()[None] / 255
    small = F.interpolate(image, (rows, columns), mode="bilinear", antialias=True)
    features = F.unfold(small, GRID)[0].T.numpy()
    y, x = np.mgrid[: rows - GRID + 1, : columns - GRID + 1]
    corners = np.stack((x, y), axis=-1).reshape(-1, 2) * np.array([width / columns, height / rows])
    boxes = np.concatenate((corners, corners + np.array([width / columns, height / rows]) * GRID), axis=1)
    ones = np.ones((len(features), 1), np.float32)
    return np.concatenate((features, features**2, ones), axis=1), boxes


def _regression(prepared: Prepared, boxes: Sequence[np.ndarray], sides: np.ndarray) -> np.ndarray:
    """(K,) weights."""
    size = 6 * GRID**2 + 1
    products, answers = np.zeros((size, size)), np.zeros(size)
    for at, own in enumerate(boxes):
        features, places = _windows(prepared.drawn(at).pixels, sides)
        right = np.zeros(len(places))
        if len(own):
            shared = np.minimum(places[:, None, 2:], own[:, 2:]) - np.maximum(places[:, None, :2], own[:, :2])
            shared = shared.clip(0).prod(-1)
            areas = [(b[:, 2:] - b[:, :2]).prod(1) for b in (places, own)]
            right = ((shared / (areas[0][:, None] + areas[1] - shared)).max(1) >= 0.5).astype(float)
        products += features.T @ features.astype(np.float64)
        answers += features.T @ right
    return np.linalg.solve(products + RIDGE * np.trace(products) / size * np.eye(size), answers)
