"""Fixation tables, and bad ones, one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attentionflow.errors import DataError
from attentionflow.readers.fixations import is_of_pictures, read_fixations, read_lookings

HEADER = "image,subject,x,y,duration\n"


def written(folder: Path, rows: str) -> Path:
    path = folder / "fixations.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_fixations_by_picture_and_person(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jpg,s1,1,1,200\na.jpg,s2,8,6,150\na.jpg,s1,4,2.5,90\nb.jpg,s1,2,2,100\n")
    first, second = read_fixations(path, (8, 6), first=1.0)
    assert first.image == "a.jpg"
    assert first.fixations["s1"].tolist() == [[0, 0], [3, 1.5]]
    assert first.durations["s1"].tolist() == [200, 90]
    assert first.points.tolist() == [[0, 0], [3, 1.5], [7, 5]]
    assert second.size == (8, 6)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a.jpg,s1,9,3,200", "row 2: the fixation at x 9, y 3 lies outside a.jpg, which is 8 x 6"),
        ("a.jpg,s1,-2,3,200", "row 2: the fixation at x -2, y 3 lies outside"),
        ("a.jpg,s1,left,3,200", "row 2: x is 'left', which is no number"),
        ("a.jpg,s1,3,,200", "row 2: y is '', which is no number"),
        ("a.jpg,s1,3,3,-1", "row 2: the duration -1 is negative"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, fault: str) -> None:
    with pytest.raises(DataError) as raised:
        read_fixations(written(tmp_path, f"a.jpg,s1,1,1,10\n{row}\n"), (8, 6))
    assert fault in str(raised.value)


def test_a_picture_of_unknown_size_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 1: there is no picture 'a.jpg'"):
        read_fixations(written(tmp_path, "a.jpg,s1,1,1,10\n"), {"b.jpg": (8, 6)})


def test_durations_in_two_units_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"a.jpg,s{person},1,1,{time}\n" for person, time in enumerate(("210", "180", "0.2", "250")))
    with pytest.raises(DataError, match=r"person 's2' has a median duration of 0.2, the others of about 195: two"):
        read_fixations(written(tmp_path, rows), (8, 6))


def test_coordinates_that_are_shares_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"a.jpg,s{person},{x},{x},100\n" for person, x in ((1, 5), (1, 3), (2, 0.1), (2, 0.7), (2, 0.4)))
    with pytest.raises(DataError, match="all 3 fixations of person 's2' lie between 0 and 1: shares, not pixels"):
        read_fixations(written(tmp_path, rows), (8, 6))


def pictures(folder: Path, **sizes: tuple[int, int]) -> None:
    image = pytest.importorskip("PIL.Image", reason="pictures need the extra image")
    for name, (width, height) in sizes.items():
        values = np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)
        image.fromarray(values).save(folder / f"{name}.png")


def test_the_sizes_are_those_of_the_pictures_beside_the_table(tmp_path: Path) -> None:
    pictures(tmp_path, a=(8, 6), b=(4, 10))
    path = written(tmp_path, "a.png,s1,7,1,200\nb.png,s1,2,9,200\n")
    assert is_of_pictures(path)
    found, notes = read_lookings(path)
    assert [one.size for one in found] == [(8, 6), (4, 10)]
    assert found[1].pixels is not None
    assert found[1].pixels().shape == (10, 4, 3)
    assert notes == []
    with pytest.raises(DataError, match=r"row 1: the fixation at x 5, y 1 lies outside b.png, which is 4 x 10"):
        read_lookings(written(tmp_path, "b.png,s1,5,1,200\n"))
    with pytest.raises(DataError, match=r"row 1: there is no picture 'c.png'. Paths start at the folder of the table"):
        read_lookings(written(tmp_path, "c.png,s1,5,1,200\n"))


def test_who_looked_nowhere_is_left_out_and_counted(tmp_path: Path) -> None:
    pictures(tmp_path, a=(8, 6), b=(8, 6))
    found, notes = read_lookings(written(tmp_path, "a.png,s1,7,1,200\na.png,s2,,,\nb.png,s2,,,\n"))
    assert [(one.image, list(one.fixations)) for one in found] == [("a.png", ["s1"])]
    assert notes == [
        "2 people without a fixation on a picture are left out (a.png (s2), b.png (s2))",
        "1 pictures that nobody looked at are left out (b.png)",
    ]


def test_maps_are_pictures_of_the_same_shape(tmp_path: Path) -> None:
    pictures(tmp_path, a=(8, 6), m=(16, 12), n=(4, 3), tall=(6, 8))
    table = tmp_path / "maps.csv"
    table.write_text("image,map,subject\na.png,m.png,s1\na.png,n.png,s2\n", encoding="utf-8")
    (one,), notes = read_lookings(table)
    assert notes == []
    assert {person: map_.shape for person, map_ in one.maps.items()} == {"s1": (6, 8), "s2": (6, 8)}
    assert not len(one.points)
    table.write_text("image,map\na.png,tall.png\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 1: the map tall.png is 6 x 8, of another shape than a.png"):
        read_lookings(table)
    table.write_text("image,map\na.png,m.png\na.png,n.png\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 2: person 'subject' has two maps of a.png"):
        read_lookings(table)


def test_a_map_that_says_nothing_is_left_out_and_counted(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pictures need the extra image")
    pictures(tmp_path, a=(8, 6), m=(8, 6))
    image.fromarray(np.full((6, 8), 7, np.uint8)).save(tmp_path / "even.png")
    table = tmp_path / "maps.csv"
    table.write_text("image,map,subject\na.png,m.png,s1\na.png,even.png,s2\n", encoding="utf-8")
    (one,), notes = read_lookings(table)
    assert list(one.maps) == ["s1"]
    assert notes == ["1 maps that are the same everywhere are left out (a.png (s2))"]


def test_a_table_without_its_columns_is_told_what_it_needs(tmp_path: Path) -> None:
    table = tmp_path / "looked.csv"
    table.write_text("image,subject,x,z,duration\na.png,s,1,1,1\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="Fixations need the columns image, subject, x, y, duration; maps image and map"
    ):
        read_lookings(table)
