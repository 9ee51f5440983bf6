"""The sets of pictures with several answers hold what their pages say."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import digit_pairs, digits, fashion_mnist, mnist, multifashionmnist, multimnist
from attentionflow.datasets._two_in_one import SIDE, overlaid, pair_up
from attentionflow.readers.labelled_pictures import LabelledPictures, PictureArray
from attentionflow.readers.tabled_pictures import TabledPictures, column_kinds


def present(*names: str) -> None:
    """Skips where the files of these sets are not on this machine."""
    root = os.environ.get("ATTENTIONFLOW_DATA")
    for name in names:
        if not root or not (Path(root) / name).is_dir():
            pytest.skip(f"the data set {name} is not on this machine")


def cells(found: TabledPictures, split: str, column: str) -> list[str]:
    at = found.columns.index(column)
    return [(one.labels or ())[at] for one in found.splits[split]]


# The embedded pairs


def test_the_embedded_pairs_are_what_they_say() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    found = digit_pairs.read()
    assert {split: len(pictures) for split, pictures in found.splits.items()} == digit_pairs.LENGTHS
    kinds = {"left": "class", "right": "class", "digits": "labels", "mean": "number"}
    assert column_kinds({name: cells(found, "train", name) for name in found.columns}, {}) == kinds
    for split in found.splits:
        for one in list(found.splits[split])[:200]:
            left, right, both, mean = one.labels or ()
            if left and right and both and mean:
                assert set(both.split("|")) == {left, right}
                assert float(mean) == (int(left) + int(right)) / 2
        assert found.splits[split][0].pixels().shape == (12, 16, 3)
    again = digit_pairs.read(7)
    assert [one.labels for one in again.splits["test"]] == [one.labels for one in found.splits["test"]]


def test_answers_are_missing_in_training_alone() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    found = digit_pairs.read()
    for column, share in digit_pairs.COLUMNS.items():
        assert np.mean([not cell for cell in cells(found, "train", column)]) == pytest.approx(share, abs=0.03)
        assert all(cells(found, "test", column))
        assert all(cells(found, "val", column))


def test_each_side_of_an_embedded_pair_is_a_digit_of_its_split() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    singles = digits.read().splits["test"]
    assert isinstance(singles, PictureArray)
    pictures = digit_pairs.read().splits["test"]
    known = {one.tobytes() for one in singles.pixels}
    for one in list(pictures)[:50]:
        grey = one.pixels()[:, :, 0]
        for side in (grey[:, :8], grey[:, 8:]):
            assert any(np.ascontiguousarray(side[top : top + 8]).tobytes() in known for top in range(5))


# Two in one


def test_two_pictures_lie_in_their_corners_and_the_brighter_pixel_counts() -> None:
    draw = np.random.default_rng(0)
    left, right = draw.integers(0, 256, (2, 3, 28, 28)).astype(np.uint8)
    made = overlaid(left, right, SIDE)
    expected = np.zeros((3, SIDE, SIDE), np.uint8)
    expected[:, :28, :28] = left
    lower = expected[:, 8:, 8:].copy()
    expected[:, 8:, 8:] = np.where(lower > right, lower, right)
    np.testing.assert_array_equal(made, expected)


def test_pairs_are_made_within_a_split_and_each_picture_is_twice_at_each_side() -> None:
    pixels = np.zeros((30, 28, 28), np.uint8)
    pixels[:, 0, 0], pixels[:, 27, 27] = np.arange(30) + 1, np.arange(30) + 101  # seen at either side
    whole = PictureArray.whole(pixels, np.arange(30) % 3, ("a", "b", "c"), "some")
    found = pair_up("some", [LabelledPictures({"train": whole[:20], "test": whole[20:]})])
    for split, numbers in (("train", range(20)), ("test", range(20, 30))):
        pairs = found.splits[split]
        assert isinstance(pairs, PictureArray)
        left, right = pairs.pixels[:, 0, 0].astype(int) - 1, pairs.pixels[:, 35, 35].astype(int) - 101
        assert sorted(left) == sorted(right) == sorted([*numbers, *numbers])
        assert [one.labels for one in pairs] == [("abc"[a % 3], "abc"[b % 3]) for a, b in zip(left, right, strict=True)]
    again = pair_up("some", [LabelledPictures({"train": whole[:20], "test": whole[20:]})])
    assert [one.labels for one in again.splits["train"]] == [one.labels for one in found.splits["train"]]


def test_multimnist_is_made_of_mnist() -> None:
    present("mnist")
    found = multimnist.read()
    assert {split: len(pictures) for split, pictures in found.splits.items()} == {
        "train": 110_000,
        "val": 10_000,
        "test": 20_000,
    }
    assert found.columns == ("left", "right")
    test, singles = found.splits["test"], mnist.read().splits["test"]
    assert isinstance(test, PictureArray)
    assert isinstance(singles, PictureArray)
    assert test.numbers is not None
    assert singles.numbers is not None
    assert test.pixels.shape[1:] == (36, 36)
    for side in (0, 1):
        np.testing.assert_array_equal(np.bincount(test.numbers[:, side]), 2 * np.bincount(singles.numbers))
    corners = {one.tobytes() for one in singles.pixels[:, :8]}  # rows that the lower picture does not reach
    assert all(np.ascontiguousarray(one[:8, :28]).tobytes() in corners for one in test.pixels[:200])


def test_multifashionmnist_has_a_digit_at_the_left_and_clothing_at_the_right() -> None:
    present("mnist", "fashion_mnist")
    found = multifashionmnist.read()
    assert len(found.splits["test"]) == 20_000
    first = list(found.splits["val"][:500])
    assert {(one.labels or ())[0] for one in first} == {str(digit) for digit in range(10)}
    assert {(one.labels or ())[1] for one in first} == set(fashion_mnist.NAMES)
