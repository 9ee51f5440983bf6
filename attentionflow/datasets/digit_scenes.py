"""Digits that people wrote by hand, put together into scenes: several on cloudy ground, each with its pixels.

The digits are scikit-learn's, those of a split of `digits` in the scenes of the same split; ground, colours and places
are made here. A scene depends on the seed, the split and its index alone. Letters: N scenes, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np

from attentionflow.datasets import digits
from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets.shapes import clouds
from attentionflow.readers.image import resize
from attentionflow.readers.labelled_pictures import PictureArray
from attentionflow.readers.masks import ClassList
from attentionflow.readers.segmented_pictures import Mask, SegmentedPicture, SegmentedPictures

WIDTH, HEIGHT = 96, 64
COUNTS = {"train": 600, "val": 100, "test": 200}
SIDES = (20, 37)  # pixels of a digit
INK = 110  # of 255 from which a pixel is part of its digit
GROUND = "ground"

DATASET = Dataset(
    name="digit_scenes",
    task="image-segmentation",
    summary=f"Handwritten digits on cloudy ground, {WIDTH} x {HEIGHT} pixels, two to five a scene, 11 classes: "
    f"{COUNTS['train']} scenes train, {COUNTS['val']} val, {COUNTS['test']} test, of different digits. The digits are "
    "scikit-learn's, the scenes are made here.",
    licence="CC BY 4.0 (UCI, Alpaydin and Kaynak 1998), BSD-3-Clause (scikit-learn).",
    reference="None published: the scenes are made here.",
)

# Settings that suit these data, by architecture; the user's own go before them. Digits turned round are no digits.
_SHARED: dict[str, object] = {
    "size": WIDTH,
    "flips": "none",
    "largest": 1.3,
    "epochs": 16,
    "evaluations": 4,
    "ema": 0.99,
}
ADVICE: dict[str, dict[str, object]] = {
    "mask-transformer": {**_SHARED, "channels": 12, "blocks": 1, "width": 32, "feedforward": 96},
    "classic": {**_SHARED, "channels": 12},
}


def read(seed: int = 0, ignored: Sequence[str] = ()) -> SegmentedPictures:
    """`seed` chooses which scenes are made."""
    names = (GROUND, *map(str, range(10)))
    classes = ClassList(names, tuple((value,) for value in range(len(names))), (), DATASET.name).without(ignored)
    written = digits.read().splits
    splits: dict[str, Sequence[SegmentedPicture]] = {
        split: [_scene(written[split], (seed, at, index), split, classes) for index in range(count)]
        for at, (split, count) in enumerate(COUNTS.items())
    }
    return SegmentedPictures(splits)


def _scene(written: Sequence[object], key: tuple[int, ...], split: str, classes: ClassList) -> SegmentedPicture:
    assert isinstance(written, PictureArray)
    where = f"{DATASET.name}/{split}:{key[-1] + 1}"
    drawn = partial(_drawn, written, key)

    def numbers() -> np.ndarray:
        return classes.of(drawn()[1])

    return SegmentedPicture(
        f"{split}-{key[-1]}",
        where,
        lambda: drawn()[0].tobytes(),
        lambda: drawn()[0],
        lambda: (WIDTH, HEIGHT),
        Mask(numbers, lambda: (WIDTH, HEIGHT), classes),
    )


@lru_cache(maxsize=1024)  # 24 kB each
def _drawn(written: PictureArray, key: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (H, W, 3) and values (H, W), a digit above those before it."""
    draw = np.random.default_rng(key)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    ground = draw.uniform(60, 190, 3) + clouds(draw, x, y)[:, :, None] * draw.uniform(10, 30, 3)
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(int(draw.integers(2, 6))):
        at = int(draw.integers(len(written)))
        side = int(draw.integers(*SIDES))
        ink = resize(np.repeat(written.pixels[at][:, :, None], 3, 2), side, side)[:, :, 0]
        left, top = int(draw.integers(WIDTH - side + 1)), int(draw.integers(HEIGHT - side + 1))
        place = np.s_[top : top + side, left : left + side]
        colour = (ground[place].mean((0, 1)) + draw.choice([-1, 1]) * draw.uniform(70, 130, 3)).clip(0, 255)
        share = (ink / 255.0)[:, :, None]
        ground[place] = share * colour + (1 - share) * ground[place]
        assert written.numbers is not None
        values[place][ink >= INK] = 1 + written.numbers[at]
    noise = draw.normal(0, 5, ground.shape)
    return (ground + noise).clip(0, 255).astype(np.uint8), values
