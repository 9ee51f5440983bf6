"""Two of scikit-learn's handwritten digits side by side, of which four things are asked. Nothing is downloaded.

Some answers are missing in training, as they are in people's tables.
"""

from __future__ import annotations

import numpy as np

from attentionflow.datasets import digits
from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.labelled_pictures import PictureArray
from attentionflow.readers.tabled_pictures import TabledPictures

LENGTHS = {"train": 2_400, "val": 240, "test": 400}
COLUMNS = {"left": 0.1, "right": 0.1, "digits": 0.3, "mean": 0.3}  # share of training pictures without an answer
SIDE, HEIGHT = 8, 12  # pixels of a digit, and of the picture, in which each stands higher or lower

DATASET = Dataset(
    name="digit_pairs",
    task="multi-task",
    summary="Two handwritten digits side by side, 16 x 12 pixels: the left and the right one (classes), which digits "
    "occur (labels) and their mean (a number): 2,400 train, of which a tenth to a third lack an answer, 240 val, 400 "
    "test, each from digits of its own split.",
    licence=digits.DATASET.licence,
    reference="None: the pairs are made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"size": 16, "patch": 4, "shift": 0.0, "evaluations": 4}
ADVICE: dict[str, dict[str, object]] = {
    "task-tokens": {**_SHARED, "channels": 8, "blocks": 1, "heads": 2, "feedforward": 64, "ema": 0.98, "epochs": 10},
    "classic": {**_SHARED, "channels": 8, "blocks": 1, "ema": 0.98, "epochs": 10},
}


def read(seed: int = 0) -> TabledPictures:
    """`seed` is of no effect: pairs and splits are fixed."""
    made = {}
    for split, pictures in digits.read(seed).splits.items():
        assert isinstance(pictures, PictureArray)
        made[split] = _paired(pictures, split)
    return TabledPictures(dict(made), tuple(COLUMNS))


def _paired(singles: PictureArray, split: str) -> PictureArray:
    assert singles.numbers is not None
    count = LENGTHS[split]
    draw = np.random.default_rng((0, list(LENGTHS).index(split)))
    chosen = draw.integers(len(singles), size=(2, count))
    pixels = np.zeros((count, HEIGHT, 2 * SIDE), np.uint8)
    for side, at in enumerate(chosen):
        rows = draw.integers(HEIGHT - SIDE + 1, size=count)[:, None] + np.arange(SIDE)
        columns = side * SIDE + np.arange(SIDE)
        pixels[np.arange(count)[:, None, None], rows[:, :, None], columns] = singles.pixels[at]
    left, right = singles.numbers[chosen]
    cells = [
        (str(a), str(b), "|".join(sorted({str(a), str(b)})), str((a + b) / 2)) for a, b in zip(left, right, strict=True)
    ]
    gone = draw.random((count, len(COLUMNS))) < np.array([*COLUMNS.values()]) * (split == "train")
    names = ["", *sorted({cell for row in cells for cell in row})]
    place = {name: number for number, name in enumerate(names)}
    numbers = np.where(gone, 0, [[place[cell] for cell in row] for row in cells])
    return PictureArray.whole(pixels, numbers, names, f"digit_pairs/{split}")
