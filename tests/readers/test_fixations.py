"""Fixation tables, and bad ones, one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from attentionflow.errors import DataError
from attentionflow.readers.fixations import read_fixations

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
