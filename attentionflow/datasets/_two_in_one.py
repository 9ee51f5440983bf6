"""Two pictures in one, the first at the upper left and the second at the lower right, where the brighter pixel counts.

Letters: N pictures, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.readers.labelled_pictures import LabelledPicture, LabelledPictures, PictureArray
from attentionflow.readers.tabled_pictures import TabledPictures

SIDE = 36  # pixels; the two pictures of 28 overlap in 20 x 20
COLUMNS = ("left", "right")
ROUNDS = 2  # pictures in which each one stands at the left, and at the right
SEED = 0  # of the pairs, the same for all runs


def pair_up(name: str, sets: Sequence[LabelledPictures]) -> TabledPictures:
    """Pairs of the first set, at the left, with the last, at the right; each split out of the same split of both."""
    made = {}
    for number, split in enumerate(sets[0].splits):
        draw = np.random.default_rng((SEED, number))
        left, right = (_shuffled(one.splits[split], draw) for one in (sets[0], sets[-1]))
        names = list(dict.fromkeys([*left.names, *right.names]))
        numbers = [np.array([names.index(label) for label in side.names])[side.numbers] for side in (left, right)]
        pixels = overlaid(left.pixels, right.pixels, SIDE)
        made[split] = PictureArray.whole(pixels, np.stack(numbers, 1), names, f"{name}/{split}")
    return TabledPictures(dict(made), COLUMNS)


def _shuffled(pictures: Sequence[LabelledPicture], draw: np.random.Generator) -> PictureArray:
    """Each of them ROUNDS times."""
    assert isinstance(pictures, PictureArray)
    return pictures.take(np.concatenate([draw.permutation(len(pictures)) for _ in range(ROUNDS)]))


def overlaid(left: np.ndarray, right: np.ndarray, side: int) -> np.ndarray:
    """(N, side, side) of two arrays (N, H, W)."""
    made = np.zeros((len(left), side, side), np.uint8)
    made[:, : left.shape[1], : left.shape[2]] = left
    corner = made[:, side - right.shape[1] :, side - right.shape[2] :]
    np.maximum(corner, right, out=corner)
    return made
