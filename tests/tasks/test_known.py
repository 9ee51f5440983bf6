"""What a model knows by name: added, refused, forgotten, saved; and the columns that pictures are compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from attentionflow.errors import UserError
from attentionflow.tasks._known import Columns, Known, column_means, first_of_each, taken_in

DRAW = np.random.default_rng(0)
A, B, C = DRAW.integers(0, 256, (3, 4, 4, 1)).astype(np.uint8)
EMPTY = Known(np.zeros((0, 4, 4, 1), np.uint8))
TRAINED = EMPTY.with_picture(A, "cup", "a.png")


def test_pictures_are_added_under_their_name() -> None:
    added, notes = taken_in(TRAINED, EMPTY, "mug", [(B, "b.png"), (C, "c.png")])
    assert (added.names, added.places, notes) == (("mug", "mug"), ("b.png", "c.png"), [])
    again, notes = taken_in(TRAINED, added, "mug", [(B, "copy.png")])
    assert again.counts == {"mug": 2}
    assert notes == ["copy.png is known as mug already: left out"]
    assert len(EMPTY) == 0, "what was there is not altered"
    assert TRAINED.joined(added).names == ("cup", "mug", "mug")


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("unknown", B, "'unknown' is no name"),
        (" ", B, "' ' is no name"),
        ("mug", np.zeros_like(B), "x.png is of one colour all over"),
        ("mug", A, "x.png is known as cup already, so it cannot be mug too"),
    ],
)
def test_what_is_of_no_use_is_refused(name: str, pixels: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        taken_in(TRAINED, EMPTY, name, [(pixels, "x.png")])


def test_a_name_is_forgotten() -> None:
    added, _ = taken_in(TRAINED, EMPTY, "mug", [(B, "b.png")])
    added, _ = taken_in(TRAINED, added, "pot", [(C, "c.png")])
    assert added.without("mug").names == ("pot",)
    with pytest.raises(UserError, match="'mog' is not enrolled; did you mean 'mug'"):
        added.without("mog")
    with pytest.raises(UserError, match="nothing is"):
        EMPTY.without("mug")


def test_it_is_saved_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "known.safetensors"
    for known in (EMPTY, TRAINED.with_picture(B, "杯子", "b.png")):
        known.save(path)
        again = Known.load(path)
        assert (again.names, again.places) == (known.names, known.places)
        np.testing.assert_array_equal(again.pixels, known.pixels)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="was altered"):
        Known.load(path)
    path.write_bytes(content[:40])
    with pytest.raises(UserError, match="damaged"):
        Known.load(path)


def test_columns_are_pictures_or_things_of_each_gallery() -> None:
    galleries = [("a", "b", "a"), ("a",)]
    single = Columns.of(galleries, by_thing=False)
    assert (single.names, single.gallery.tolist()) == (("a", "b", "a", "a"), [0, 0, 0, 1])
    assert single.pictures.tolist() == [0, 1, 2, 3]
    joined = Columns.of(galleries, by_thing=True)
    assert (joined.names, joined.gallery.tolist()) == (("a", "b", "a"), [0, 0, 1])
    assert joined.pictures.tolist() == [0, 1, 0, 2]
    described = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    means = column_means(described, torch.from_numpy(joined.pictures))
    torch.testing.assert_close(means, torch.tensor([[3.0, 4.0], [3.0, 4.0], [7.0, 8.0]]))
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(column_means(described, order)[order], described)


def test_the_first_of_each_name_are_kept() -> None:
    assert first_of_each(["a", "b", "", "a", "a", "b"], 2) == [0, 1, 3, 5]
    assert first_of_each(["a"], 0) == []
