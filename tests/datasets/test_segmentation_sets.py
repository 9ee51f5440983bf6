"""The sets of pictures with masks: the made one is what its masks say, the public one holds what its page says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import camvid, digit_scenes
from attentionflow.readers.masks import IGNORED, counted


def test_scenes_are_a_function_of_seed_split_and_index() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    one, other = digit_scenes.read(0).splits, digit_scenes.read(1).splits
    digit_scenes._drawn.cache_clear()
    same = digit_scenes.read(0).splits
    assert {split: len(pictures) for split, pictures in one.items()} == digit_scenes.COUNTS
    for split in one:
        first, again, differs = one[split][3], same[split][3], other[split][3]
        assert first.mask is not None
        assert again.mask is not None
        np.testing.assert_array_equal(first.pixels(), again.pixels())
        np.testing.assert_array_equal(first.mask.numbers(), again.mask.numbers())
        assert not np.array_equal(first.pixels(), differs.pixels())
    assert not np.array_equal(one["train"][3].pixels(), one["val"][3].pixels())


def test_scenes_hold_two_to_five_digits_on_their_ground() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    pictures = digit_scenes.read(0).splits["val"]
    masks = [one.mask.numbers() for one in pictures if one.mask]
    pixels = counted(masks, 11)
    assert (pixels > 0).all()
    assert 0.6 < pixels[0] / pixels.sum() < 0.95
    for one, mask in zip(pictures, masks, strict=True):
        assert one.pixels().shape == (*mask.shape, 3) == (digit_scenes.HEIGHT, digit_scenes.WIDTH, 3)
        assert 1 <= len(np.unique(mask)) - 1 <= 5
    contrast = [
        abs(one.pixels()[mask > 0].mean(0) - one.pixels()[mask == 0].mean(0)).max()
        for one, mask in zip(pictures, masks, strict=True)
    ]
    assert np.median(contrast) > 15
    less = digit_scenes.read(0, ignored=["ground", "7"]).splits["val"][0]
    assert less.labels == ("0", "1", "2", "3", "4", "5", "6", "8", "9")


def test_camvid_holds_what_its_page_says() -> None:
    folder = Path(os.environ.get("ATTENTIONFLOW_DATA", "")) / "camvid"
    if not os.environ.get("ATTENTIONFLOW_DATA") or not folder.is_dir():
        pytest.skip("the data set camvid is not on this machine")
    pytest.importorskip("PIL", reason="Pillow is not installed")
    found = camvid.read()
    assert {split: len(pictures) for split, pictures in found.splits.items()} == {"train": 367, "val": 101, "test": 233}
    assert not found.faults
    pictures = found.splits["test"][:20]
    assert pictures[0].labels == camvid.NAMES
    assert {one.answered_size for one in pictures} == {(480, 360)}
    masks = [one.mask.numbers() for one in pictures if one.mask]
    assert {mask.shape for mask in masks} == {(360, 480)}
    ignored = np.mean([(mask == IGNORED).mean() for mask in masks])
    assert 0.005 < ignored < 0.1
    shares = counted(masks, 11) / counted(masks, 11).sum()
    assert shares[camvid.NAMES.index("Road")] > 0.15
    assert shares[camvid.NAMES.index("Bicyclist")] < 0.02
