"""What sets in the files of MNIST share: 60,000 training pictures of 28 x 28 shades of grey and 10,000 for the test.

They have no validation split: the last 5,000 training pictures are it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.labelled_pictures import LabelledPictures, PictureArray, read_labelled_pictures

VAL = 5_000


def read_split(dataset: Dataset, names: Sequence[str]) -> LabelledPictures:
    """The splits, each label by its name."""
    found = read_labelled_pictures(fetch(dataset), "label").splits
    made: dict[str, PictureArray] = {}
    for split, pictures in found.items():
        assert isinstance(pictures, PictureArray)
        made[split] = replace(pictures, names=names)
    train = made["train"]
    return LabelledPictures({"train": train[:-VAL], "val": train[-VAL:], "test": made["test"]})
