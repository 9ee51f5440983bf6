"""Pictures changed at random, a whole batch at a time, each a pure function of seed, epoch and its own index.

Letters: B pictures, N all training pictures, C channels, H height, W width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Draws of a picture and epoch, by column.
TURN_X, TURN_Y, MOVE_X, MOVE_Y, ERASE, AREA, SHAPE, ERASE_X, ERASE_Y, PARTNER = range(10)
AREAS = (0.02, 0.33)  # of the part that is erased, as a share of the picture
SHAPES = (0.3, 3.3)  # height of that part to its width


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a picture.

    horizontal, vertical: it is turned round half the time. shift: share of a side by which it is moved at most.
    erase: share of pictures of which a part is erased.
    """

    horizontal: bool
    vertical: bool
    shift: float
    erase: float

    def changed(self, images: Tensor, draws: np.ndarray) -> Tensor:
        """Pictures (B, C, H, W), 0 being the mean colour, after `moved` and `erased`; draws (B, 10)."""
        return erased(moved(images, draws, self.shift, self.horizontal, self.vertical), draws, self.erase)


@lru_cache(maxsize=2)
def drawn(seed: int, epoch: int, count: int, columns: int = PARTNER + 1) -> np.ndarray:
    """(N, columns) uniform draws; the rows of a picture are the same however many come after it."""
    return np.random.default_rng((seed, epoch)).random((count, columns), np.float32)


@lru_cache(maxsize=2)
def shares(seed: int, epoch: int, count: int, mixup: float) -> np.ndarray:
    """(N,) shares of each picture itself where it is mixed with another: beta distributed, with both parameters alike
    (Zhang et al. 2018)."""
    return np.random.default_rng((seed, epoch, 1)).beta(mixup, mixup, count).astype(np.float32)


def moved(images: Tensor, draws: np.ndarray, shift: float, horizontal: bool, vertical: bool) -> Tensor:
    """Turned round where it may be and the draw says so, then moved by whole pixels; the mean colour comes in."""
    height, width = images.shape[-2:]
    rows = _places(height, draws[:, TURN_Y] < 0.5 * vertical, draws[:, MOVE_Y], most := round(shift * height))
    columns = _places(width, draws[:, TURN_X] < 0.5 * horizontal, draws[:, MOVE_X], wide := round(shift * width))
    padded = F.pad(images, (wide, wide, most, most)).permute(0, 2, 3, 1)
    at = torch.arange(len(images))[:, None, None]
    return padded[at, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _places(side: int, turned: np.ndarray, draw: np.ndarray, most: int) -> Tensor:
    """(B, side): which place of a side padded by `most` comes to each place."""
    place = np.arange(side)[None]
    place = np.where(turned[:, None], side - 1 - place, place)
    return torch.from_numpy(place + np.floor(draw * (2 * most + 1)).astype(int)[:, None])


def erased(images: Tensor, draws: np.ndarray, share: float) -> Tensor:
    """Random erasing (Zhong et al. 2020): a rectangle becomes the mean colour, in `share` of the pictures.

    Its area and shape are drawn once, and it is cut to the picture, where they draw again until it fits.
    """
    height, width = images.shape[-2:]
    area = (AREAS[0] + draws[:, AREA] * (AREAS[1] - AREAS[0])) * height * width
    shape = np.exp(np.log(SHAPES[0]) + draws[:, SHAPE] * np.log(SHAPES[1] / SHAPES[0]))
    hit = draws[:, ERASE] < share
    rows = _within(height, np.sqrt(area * shape), draws[:, ERASE_Y])
    columns = _within(width, np.sqrt(area / shape), draws[:, ERASE_X])
    gone = torch.from_numpy(rows[:, :, None] & columns[:, None, :] & hit[:, None, None])
    return images.masked_fill(gone[:, None], 0)


def _within(side: int, length: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """(B, side) bool: a stretch of each length, at least a pixel, somewhere on the side."""
    length = np.clip(np.rint(length), 1, side)[:, None]
    start = np.floor(draw[:, None] * (side - length + 1))
    place = np.arange(side)[None]
    return (place >= start) & (place < start + length)
