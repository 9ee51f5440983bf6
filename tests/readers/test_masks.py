"""Masks of values and of colours, lists of classes, and every way in which they can be wrong."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attentionflow.errors import DataError, UserError
from attentionflow.readers.masks import IGNORED, ClassList, counted, read_class_list

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

VALUES = ClassList(("a", "b", "c"), ((0,), (7,), (300,)), ((255,), (9,)), "classes.csv")
COLOURS = ClassList(("a", "b"), ((0, 0, 0), (250, 3, 9)), ((1, 2, 3),), "classes.csv")


def png(pixels: np.ndarray, kind: str = "PNG", mode: str | None = None) -> bytes:
    buffer, image = BytesIO(), Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(buffer, kind)
    return buffer.getvalue()


@given(arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 1, 2, IGNORED])))
def test_values_and_colours_say_the_same(numbers: np.ndarray) -> None:
    values = np.array([0, 7, 300, *[255] * 253], np.uint16)[numbers]
    np.testing.assert_array_equal(VALUES.numbers(png(values), "mask.png"), numbers)
    numbers = np.where(numbers == 2, 0, numbers)
    colours = np.array([(0, 0, 0), (250, 3, 9), *[(1, 2, 3)] * 254], np.uint8)[numbers]
    np.testing.assert_array_equal(COLOURS.numbers(png(colours), "mask.png"), numbers)


def test_an_indexed_picture_is_read_by_index_or_by_colour() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([250, 3, 9, 0, 0, 0])
    buffer = BytesIO()
    image.save(buffer, "PNG")
    by_index = read_class_list("x\ny\n", "classes.txt", "classes.txt")
    assert by_index.numbers(buffer.getvalue(), "m.png").tolist() == [[0, 1]]
    assert COLOURS.numbers(buffer.getvalue(), "m.png").tolist() == [[1, 0]]
    two = png(np.array([[0, 255]], np.uint8), mode="1")
    assert by_index.numbers(two, "m.png").tolist() == [[0, 1]]


def test_a_value_that_is_no_class_is_told_with_its_place() -> None:
    with pytest.raises(
        DataError, match=r"m\.png: 2 pixels are of no class of classes\.csv, the first of them 5 in row 1, col"
    ):
        VALUES.numbers(png(np.array([[0, 5], [5, 7]], np.uint8)), "m.png")
    with pytest.raises(DataError, match=r"the first of them \(9, 9, 9\) in row 1, column 1"):
        COLOURS.numbers(png(np.full((1, 1, 3), 9, np.uint8)), "m.png")


@pytest.mark.parametrize(
    ("classes", "content", "fault"),
    [
        (VALUES, png(np.zeros((2, 2, 3), np.uint8)), "of the kind RGB; it must hold values"),
        (COLOURS, png(np.zeros((2, 2), np.uint8)), "of the kind L; it must hold colours"),
        (COLOURS, png(np.zeros((2, 2, 4), np.uint8)), "of the kind RGBA"),
        (VALUES, png(np.zeros((2, 2), np.uint8), "JPEG"), "JPEG alters pixels"),
        (VALUES, b"nothing", "this is no picture"),
        (VALUES, png(np.random.default_rng(0).integers(0, 9, (60, 60)).astype(np.uint8))[:900], "is damaged"),
    ],
)
def test_masks_of_another_kind_are_refused(classes: ClassList, content: bytes, fault: str) -> None:
    with pytest.raises(DataError, match=rf"m\.png: .*{fault}"):
        classes.numbers(content, "m.png")


def test_lists_of_classes() -> None:
    found = read_class_list("road\nsky\n\n", "classes.txt", "classes.txt")
    assert (found.names, found.codes, found.ignored) == (("road", "sky"), ((0,), (1,)), ((IGNORED,),))
    found = read_class_list("Name, value ,ignored\nvoid,0,yes\nroad,4,\nsky,255,no\n", "classes.csv", "classes.csv")
    assert (found.names, found.codes) == (("road", "sky"), ((4,), (255,)))
    assert found.of(np.array([[0, 4, 255]])).tolist() == [[IGNORED, 0, 1]]
    for heads in ("red,green,blue", "r,g,b"):
        found = read_class_list(f"name,{heads}\nroad,1,2,3\nsky,0,0,255\n", "classes.csv", "classes.csv")
        assert found.coloured
        assert found.codes == ((1, 2, 3), (0, 0, 255))
        assert found.ignored == ()


@pytest.mark.parametrize(
    ("text", "name", "fault"),
    [
        ("road\n\nsky\n", "classes.txt", "row 2: this line is empty"),
        ("road\n", "classes.txt", "1 classes that count; there must be 2 to 254"),
        ("road\nsky\nroad\n", "classes.txt", "the name road is there twice"),
        ("", "classes.csv", "there must be the columns name, and value or red, green, blue"),
        ("name,colour\nroad,1\n", "classes.csv", "there must be the columns"),
        ("name,value\nroad,1\nsky,1\n", "classes.csv", r"the code \(1,\) is there twice"),
        ("name,value\nroad,1\nsky,blue\n", "classes.csv", "row 3: 'blue' is no code"),
        ("name,value\nroad,1\nsky\n", "classes.csv", "row 3: '' is no code"),
        ("name,r,g,b\nroad,1,2,3\nsky,1,2,256\n", "classes.csv", "row 3: no mask can hold the code"),
    ],
)
def test_a_list_that_is_wrong_is_refused(text: str, name: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        read_class_list(text, name, name)


def test_classes_may_be_passed_over_by_name() -> None:
    less = VALUES.without(["b"])
    assert less.names == ("a", "c")
    assert less.of(np.array([[0, 7, 300, 9]])).tolist() == [[0, IGNORED, 1, IGNORED]]
    with pytest.raises(UserError, match=r"ignored=d: classes\.csv has no such class; .*There are: a, b, c"):
        VALUES.without(["d"])


def test_pixels_are_counted_by_class() -> None:
    masks = [np.array([[0, 1], [IGNORED, 1]], np.uint8), np.array([[2]], np.uint8)]
    assert counted(masks, 4).tolist() == [1, 2, 1, 0]
