"""Things held out whole, and pictures of them turned into galleries and questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.errors import UserError
from attentionflow.readers.galleries import (
    Gallery,
    Question,
    ask,
    check_questions,
    galleries_of,
    gallery_name,
    gallery_of,
    question,
    thing_of,
)
from attentionflow.readers.labelled_pictures import LabelledPicture


def picture(thing: str, number: int, content: bytes = b"") -> LabelledPicture:
    where = f"{thing or 'nothing'}/{number}.png"
    seed = crc32(content or where.encode())
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return LabelledPicture(
        where, (thing,) if thing else (), where, lambda: pixels.tobytes(), lambda: pixels, lambda: (4, 4)
    )


def things(counts: dict[str, int]) -> list[LabelledPicture]:
    return [picture(name, number) for name, count in counts.items() for number in range(count)]


def names(pictures: Sequence[LabelledPicture]) -> set[str]:
    return {thing_of(one) for one in pictures}


def gallery(pictures: Sequence[LabelledPicture]) -> Gallery:
    (found,) = galleries_of(pictures)
    assert found is not None
    return found


TEN = {f"thing {number}": 4 for number in range(10)}


@given(st.integers(1, 3), st.integers(0, 5), st.lists(st.integers(1, 6), min_size=12, max_size=16))
@settings(max_examples=30, deadline=None)
def test_every_picture_is_in_one_place_and_every_thing_in_one_split(shots: int, seed: int, counts: list[int]) -> None:
    given_ = things({f"thing {at}": count for at, count in enumerate(counts)} | {"a": 6, "b": 6, "c": 6, "d": 6})
    splits, notes, _ = ask({"train": given_}, shots, 0.1, seed)
    known = {split: gallery(splits[split]).pictures for split in ("val", "test")}
    places = [one.where for own in (*splits.values(), *known.values()) for one in own]
    assert sorted(places) == sorted(one.where for one in given_)
    for split in ("val", "test"):
        assert Counter(map(thing_of, known[split])) == dict.fromkeys(names(splits[split]), shots)
        assert not names(splits["train"]) & names(splits[split])
    assert not names(splits["val"]) & names(splits["test"])
    assert len(notes) == 2


def test_splits_that_are_given_stay() -> None:
    given_ = {"train": things(TEN), "val": things({"x": 3, "y": 3}), "test": things({"u": 2, "v": 2, "w": 1})}
    splits, notes, faults = ask(given_, 1, 0.2, 0)
    assert splits["train"] is given_["train"]
    assert notes == []
    assert len(splits["val"]) == 4
    assert names(splits["test"]) == {"u", "v"}
    assert names(gallery(splits["test"]).pictures) == {"u", "v", "w"}
    assert [fault.what for fault in faults] == [
        "test: 1 things have no more than 1 pictures: all are in the gallery, and none is asked about"
    ]


def test_the_seed_draws_the_gallery() -> None:
    splits = [ask({"train": things(TEN)}, 2, 0.2, seed)[0]["val"] for seed in (0, 0, 1)]
    drawn = [[one.where for one in gallery(val).pictures] for val in splits]
    assert drawn[0] == drawn[1] != drawn[2]


def test_pictures_without_a_name_are_left_out_and_named() -> None:
    nameless = picture("", 0)
    splits, _, faults = ask({"train": things(TEN), "val": [*things({"x": 2, "y": 2}), nameless]}, 1, 0.2, 0)
    assert nameless.where not in {one.where for one in splits["val"]}
    assert faults[0].where == (nameless.where,)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": {"a": 5, "b": 5, "c": 5}}, "3 things, 3 of them with more than 1 pictures, are too few to hold 2"),
        ({"train": dict.fromkeys("abcdefgh", 1)}, "8 things, 0 of them with more than 1 pictures"),
        ({"train": TEN, "val": {"x": 1, "y": 1}}, "val: 2 things, none with more than 1 pictures"),
        ({"train": TEN, "val": {"x": 5}}, "val: 1 thing, but there must be 2"),
    ],
)
def test_too_little_is_refused(splits: dict[str, dict[str, int]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ask({name: things(counts) for name, counts in splits.items()}, 1, 0.2, 0)


def test_a_question_is_its_picture_with_a_gallery() -> None:
    one = picture("cup", 1)
    mine = Gallery("shelf", (one,))
    asked = question(one, mine)
    assert isinstance(asked, Question)
    assert (asked.where, thing_of(asked), gallery_of(asked), gallery_name(asked)) == (one.where, "cup", mine, "shelf")
    assert (gallery_of(one), gallery_of(question(one)), gallery_name(one)) == (None, None, "")
    assert galleries_of([asked, one, asked]) == [mine, None]


def test_the_check_finds_what_would_mislead(tmp_path: Path) -> None:
    same = b"the same picture"
    train = [*things({"a": 5, "b": 5, "alone": 1}), picture("c", 0, same), picture("c", 1)]
    val = [*things({"x": 3, "y": 3}), picture("x", 9, same)]
    test = [picture("a", 20), picture("a", 21), *things({"z": 3})]
    splits, _, faults = ask({"train": train, "val": val, "test": test}, 1, 0.2, 0)
    found = check_questions(splits, faults)
    said = {finding.what: finding for finding in found}
    assert said["1 of 24 pictures are in two splits, so that scores mislead"].severity == "error"
    assert said["1 of 7 labels are in two splits, so that scores are not of things never seen"].where == ("a",)
    assert any("train: 1 labels have a single picture: alone" in what for what in said)
    assert any(what.startswith("val: 7 pictures, 2 labels") for what in said), "the gallery is looked at too"
