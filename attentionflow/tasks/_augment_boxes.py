"""Pictures with boxes, changed at random: mosaics, flips, scale, place, colour. Each a pure function of its generator.

What a change leaves of a box is its part inside the picture; less than SEEN of it counts as gone, since nobody would
draw a box around so little, and less than a few pixels cannot be learned from.
Letters: B pictures, H height, W width, N boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SEEN = 0.3
LEAST = 3.0  # pixels of a side
CENTRE = (0.3, 0.7)  # where the four parts of a mosaic meet, as shares of the picture


@dataclass(frozen=True)
class Drawn:
    """pixels (H, W, 3) bytes, boxes (N, 4) in its pixels, labels (N,)."""

    pixels: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def inside(boxes: np.ndarray, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Boxes cut at the border of a picture, and which of them are still there."""
    cut = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
    sides, whole = cut[:, 2:] - cut[:, :2], boxes[:, 2:] - boxes[:, :2]
    there = (sides >= LEAST).all(1) & (sides.prod(1) >= SEEN * np.maximum(whole.prod(1), 1e-9))
    return cut, there


def mosaic(four: list[Drawn], draw: np.random.Generator) -> Drawn:
    """One picture of parts of four, at their own scale (after Bochkovskiy et al. 2020, YOLOv4)."""
    height, width = four[0].pixels.shape[:2]
    x, y = (int(draw.uniform(*CENTRE) * side) for side in (width, height))
    pixels, boxes, labels = np.empty_like(four[0].pixels), [], []
    places = ((0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height))
    for one, (left, top, right, bottom) in zip(four, places, strict=True):
        wide, high = right - left, bottom - top
        a, b = int(draw.integers(width - wide + 1)), int(draw.integers(height - high + 1))
        pixels[top:bottom, left:right] = one.pixels[b : b + high, a : a + wide]
        cut, there = inside(one.boxes - np.array([a, b, a, b], np.float32), wide, high)
        boxes.append(cut[there] + np.array([left, top, left, top], np.float32))
        labels.append(one.labels[there])
    return Drawn(pixels, np.concatenate(boxes), np.concatenate(labels))


def affine(
    draw: np.random.Generator,
    width: int,
    height: int,
    scale: tuple[float, float],
    horizontal: bool,
    vertical: bool,
) -> tuple[float, float, float, float]:
    """A map of places, x -> a x + b, y -> c y + d: scaled by a factor between two, each axis turned round half the time
    where it may be, then moved so that no side has both a gap and something cut off."""
    zoom = float(np.exp(draw.uniform(*np.log(scale))))
    a = zoom * (-1 if horizontal and draw.random() < 0.5 else 1)
    c = zoom * (-1 if vertical and draw.random() < 0.5 else 1)
    free_x, free_y = (1 - zoom) * width, (1 - zoom) * height  # a gap where positive, cut off where negative
    b = free_x * draw.random() + (width * zoom if a < 0 else 0)
    d = free_y * draw.random() + (height * zoom if c < 0 else 0)
    return a, b, c, d


def moved(boxes: np.ndarray, change: tuple[float, float, float, float]) -> np.ndarray:
    """Boxes (N, 4) at their new places."""
    a, b, c, d = change
    x, y = boxes[:, 0::2] * a + b, boxes[:, 1::2] * c + d
    return np.stack((x.min(1), y.min(1), x.max(1), y.max(1)), axis=1).astype(np.float32)


def warp(images: Tensor, changes: np.ndarray) -> Tensor:
    """Pictures (B, 3, H, W) under one map (a, b, c, d) each, bilinear, 0 where nothing was."""
    grid = origins(images, changes)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def origins(images: Tensor, changes: np.ndarray) -> Tensor:
    """(B, H, W, 2): where each new place of pictures (B, C, H, W) was before, as `grid_sample` takes it."""
    height, width = images.shape[-2:]
    a, b, c, d = torch.from_numpy(changes).to(images.dtype).T
    zero = torch.zeros_like(a)
    # `affine_grid` asks where each new place was, in coordinates from -1 to 1.
    x = torch.stack((1 / a, zero, (width - 2 * b) / (a * width) - 1), dim=-1)
    y = torch.stack((zero, 1 / c, (height - 2 * d) / (c * height) - 1), dim=-1)
    return F.affine_grid(torch.stack((x, y), dim=1), list(images.shape), align_corners=False)


def colours(draw: np.random.Generator, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset (3,) of each channel on the scale of normalised colours: brightness, contrast and tint."""
    brightness, contrast = draw.uniform(-1, 1, 2) * strength
    tint = draw.uniform(-1, 1, 3) * strength / 2
    return np.exp(contrast + tint / 2).astype(np.float32), (brightness + tint).astype(np.float32)
