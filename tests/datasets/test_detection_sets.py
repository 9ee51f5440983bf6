"""The sets of pictures: the made ones are what their boxes say, the public one holds what its page says."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import bccd, shapes


def test_shapes_are_a_function_of_seed_split_and_index() -> None:
    one, same, other = shapes.read(0).splits, shapes.read(0).splits, shapes.read(1).splits
    assert {split: len(pictures) for split, pictures in one.items()} == shapes.COUNTS
    for split in one:
        np.testing.assert_array_equal(one[split][3].boxes, same[split][3].boxes)
        np.testing.assert_array_equal(one[split][3].pixels(), same[split][3].pixels())
    assert not np.array_equal(one["train"][3].pixels(), other["train"][3].pixels())
    assert not np.array_equal(one["train"][3].pixels(), one["val"][3].pixels())


def test_shapes_lie_in_their_boxes_which_lie_in_the_picture() -> None:
    pictures = shapes.read(0).splits["val"]
    for one in pictures:
        assert one.pixels().shape == (shapes.HEIGHT, shapes.WIDTH, 3)
        assert (one.boxes >= 0).all()
        assert (one.boxes[:, 2:] <= one.size).all()
        sides = one.boxes[:, 2:] - one.boxes[:, :2]
        assert ((sides >= 13) & (sides <= 57)).all()
        assert len(one.labels) == len(one.boxes) >= 1
    assert Counter(label for one in pictures for label in one.labels).keys() == set(shapes.SHAPES)


def test_a_shape_fills_its_box_and_nothing_else() -> None:
    """Drawn with and without its last shape, a picture differs inside that shape's box alone, up to its border."""
    one = shapes.read(0).splits["val"][2]
    key = (0, 1, 2)
    less = shapes._pixels(key, one.labels[:-1], one.boxes[:-1]).astype(int)
    # Noise comes after the shapes, so what is left of it differs little from picture to picture.
    changed = np.abs(one.pixels().astype(int) - less).max(-1) > 60
    rows, columns = np.nonzero(changed)
    left, top, right, bottom = one.boxes[-1]
    assert left <= columns.min()
    assert columns.max() < right
    assert top <= rows.min()
    assert rows.max() < bottom


def test_bccd_holds_what_its_page_says() -> None:
    folder = Path(os.environ.get("ATTENTIONFLOW_DATA", "")) / "bccd"
    if not os.environ.get("ATTENTIONFLOW_DATA") or not folder.is_dir():
        pytest.skip("the data set bccd is not on this machine")
    pytest.importorskip("PIL", reason="Pillow is not installed")
    found = bccd.read()
    assert {split: len(pictures) for split, pictures in found.splits.items()} == {"train": 205, "val": 87, "test": 72}
    counts = {split: Counter(c for one in pictures for c in one.labels) for split, pictures in found.splits.items()}
    assert counts["test"] == {"RBC": 805, "WBC": 71, "Platelets": 69}
    assert counts["train"] == {"RBC": 2381, "WBC": 214, "Platelets": 209}
    (fault,) = found.faults
    assert (fault.count, "without area" in fault.what) == (2, True)
    assert {one.size for pictures in found.splits.values() for one in pictures} == {(640, 480)}
    assert found.splits["train"][0].pixels().shape == (480, 640, 3)
