"""The sets of things to recognise hold what their pages say."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import omniglot, signs
from attentionflow.readers.galleries import galleries_of, gallery_of, thing_of


def test_signs_depend_on_the_seed_and_their_place_alone() -> None:
    splits, notes = signs.read(3)
    again, other = signs.read(3)[0], signs.read(4)[0]
    assert notes == []
    assert {split: len(pictures) for split, pictures in splits.items()} == {"train": 800, "val": 120, "test": 200}
    one = splits["train"][57].pixels()
    assert one.shape == (32, 32, 3)
    assert (one.min(), one.max()) == (0, 255)
    np.testing.assert_array_equal(one, again["train"][57].pixels())
    assert not np.array_equal(one, other["train"][57].pixels())
    drawings = {pictures[0].pixels().tobytes() for pictures in splits.values()}
    assert len(drawings) == 3


def test_every_sign_asked_about_is_once_in_its_gallery() -> None:
    splits, _ = signs.read(0)
    assert set(Counter(map(thing_of, splits["train"])).values()) == {10}
    for split in ("val", "test"):
        for gallery in galleries_of(splits[split]):
            assert gallery is not None
            known = [thing_of(one) for one in gallery.pictures]
            asked = Counter(thing_of(one) for one in splits[split] if gallery_of(one) is gallery)
            assert asked == dict.fromkeys(known, 2)
            assert len(known) == 20


def test_omniglot_is_as_published() -> None:
    if not os.environ.get("ATTENTIONFLOW_DATA") or not (Path(os.environ["ATTENTIONFLOW_DATA"]) / "omniglot").is_dir():
        pytest.skip("the data set omniglot is not on this machine")
    splits, _ = omniglot.read()
    assert {split: len(pictures) for split, pictures in splits.items()} == {"train": 3920, "val": 800, "test": 400}
    characters = Counter(map(thing_of, splits["train"]))
    assert set(characters.values()) == {20}
    alphabets = Counter(name.split("/")[0] for name in characters)
    assert sorted(alphabets) == ["Greek", "Japanese_(katakana)", "Korean", "Latin", "Sanskrit", "Tagalog"]
    assert sorted(alphabets.values()) == [17, 24, 26, 40, 42, 47]
    pixels = splits["test"][0].pixels()
    assert (pixels.shape, set(np.unique(pixels))) == ((105, 105, 3), {0, 255})
    for split, count in (("val", 40), ("test", 20)):
        galleries = galleries_of(splits[split])
        assert len(galleries) == count
        for gallery in galleries:
            assert gallery is not None
            own = [one for one in splits[split] if gallery_of(one) is gallery]
            assert sorted(map(thing_of, own)) == sorted(map(thing_of, gallery.pictures))
            assert len(set(map(thing_of, own))) == 20
            assert not {one.where for one in own} & {one.where for one in gallery.pictures}
    # From the list of answers that comes with the runs.
    first = {one.name: thing_of(one) for one in splits["test"] if one.name.startswith("run01/")}
    assert first["run01/test/item01.png"] == "class08"
