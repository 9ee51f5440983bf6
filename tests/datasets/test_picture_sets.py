"""The sets of labelled pictures hold what their pages say."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from attentionflow.datasets import digits, fashion_mnist, mnist
from attentionflow.readers.labelled_pictures import PictureArray


def test_digits_are_split_once_and_for_all() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    splits = digits.read(0).splits
    assert {split: len(pictures) for split, pictures in splits.items()} == {"train": 1257, "val": 180, "test": 360}
    assert [one.where for one in splits["val"]] == [one.where for one in digits.read(1).splits["val"]]
    assert len({one.where for pictures in splits.values() for one in pictures}) == 1797
    for pictures in splits.values():
        counts = Counter(one.labels for one in pictures)
        assert counts.keys() == {(str(digit),) for digit in range(10)}
        assert pictures[0].pixels().shape == (8, 8, 3)
        assert max(int(one.pixels().max()) for one in pictures) == 255


@pytest.mark.parametrize(
    ("module", "mean", "per_label"), [(fashion_mnist, 0.2860, {6000}), (mnist, 0.1307, set())], ids=["fashion", "mnist"]
)
def test_the_public_sets_are_as_published(module: ModuleType, mean: float, per_label: set[int]) -> None:
    name = module.DATASET.name
    if not os.environ.get("ATTENTIONFLOW_DATA") or not (Path(os.environ["ATTENTIONFLOW_DATA"]) / name).is_dir():
        pytest.skip(f"the data set {name} is not on this machine")
    splits = module.read().splits
    assert {split: len(pictures) for split, pictures in splits.items()} == {"train": 55000, "val": 5000, "test": 10000}
    train, val = splits["train"], splits["val"]
    assert isinstance(train, PictureArray)
    assert isinstance(val, PictureArray)
    assert val[0].where.endswith(":55001")
    pixels = np.concatenate([train.pixels, val.pixels])
    assert pixels.mean() / 255 == pytest.approx(mean, abs=1e-4)
    counts = np.bincount(np.concatenate([train.numbers, val.numbers]))
    assert len(counts) == 10
    assert not per_label or set(counts.tolist()) == per_label
    assert train[0].labels == (train.names[train.numbers[0]],)
