"""Digits that people wrote by hand, 8 x 8 pixels, which scikit-learn carries, so nothing is downloaded."""

from __future__ import annotations

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.errors import UserError
from attentionflow.readers.labelled_pictures import LabelledPictures, PictureArray

VAL, TEST = 180, 360
BRIGHTEST = 16

DATASET = Dataset(
    name="digits",
    task="image-classification",
    summary=f"Handwritten digits, 8 x 8 pixels in 17 shades, 10 labels: {1797 - VAL - TEST:,} train, {VAL} val, {TEST} "
    "test, drawn at random from 1,797. The writers are not known, so some may be in two splits.",
    licence="CC BY 4.0 (UCI, Alpaydin and Kaynak 1998), BSD-3-Clause (scikit-learn).",
    reference="None on these splits.",
)

# Settings that suit these data, by architecture; the user's own go before them. Digits turned round are no digits.
_SHARED: dict[str, object] = {"size": 16, "patch": 4, "flips": "none", "erase": 0.0, "epochs": 12, "evaluations": 4}
ADVICE: dict[str, dict[str, object]] = {
    "patch-transformer": {**_SHARED, "channels": 8, "heads": 2, "feedforward": 64, "ema": 0.98},
    "classic": {**_SHARED, "channels": 8, "blocks": 1, "ema": 0.98},
}


def read(seed: int = 0) -> LabelledPictures:
    """`seed` is of no effect: the splits are fixed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise UserError("the data set 'digits' needs scikit-learn: pip install \"attentionflow[image]\"") from None
    given = load_digits()
    pixels = np.rint(given.images * (255 / BRIGHTEST)).astype(np.uint8)
    whole = PictureArray.whole(pixels, given.target, [str(name) for name in given.target_names], "digits")
    order = np.random.default_rng(0).permutation(len(whole))
    parts = {"train": order[VAL + TEST :], "val": order[:VAL], "test": order[VAL : VAL + TEST]}
    return LabelledPictures({split: whole.take(np.sort(at)) for split, at in parts.items()})
