"""Pictures with several answers each: what a column holds, what is missing, and what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabled_data import COLUMNS, tabled_bars, write_tabled

from attentionflow.errors import DataError, UserError
from attentionflow.readers.labelled_pictures import PictureArray
from attentionflow.readers.tabled_picture_checks import check_tabled_pictures
from attentionflow.readers.tabled_pictures import (
    MOST_CLASSES,
    TabledPictures,
    as_number,
    column_kinds,
    fill_splits,
    read_tabled_pictures,
)

pytest.importorskip("PIL", reason="Pillow is not installed")

COUNTS = {"train": 30, "val": 10, "test": 10}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tabled(tmp_path / "bars", COUNTS)


def array(rows: list[tuple[str, ...]], repeated: int = 0) -> PictureArray:
    """Pictures with these cells, each of its own pixels but for some at the end that are the first."""
    pixels, _ = tabled_bars(len(rows))
    if repeated:
        pixels[-repeated:] = pixels[0]
    names = sorted({cell for row in rows for cell in row})
    return PictureArray.whole(pixels, np.array([[names.index(cell) for cell in row] for row in rows]), names, "some")


# Reading


def test_a_picture_has_a_cell_a_column(folder: Path) -> None:
    found = read_tabled_pictures(folder)
    assert found.columns == COLUMNS
    assert {split: len(pictures) for split, pictures in found.splits.items()} == COUNTS
    for number, split in enumerate(COUNTS):
        pixels, rows = tabled_bars(COUNTS[split], number)
        assert [one.labels for one in found.splits[split]] == rows
        np.testing.assert_array_equal(found.splits[split][3].pixels()[:, :, 0], pixels[3])
    assert found.splits["train"][0].where.endswith("train/metadata.csv:1")


def test_columns_are_chosen_by_name_in_any_order(folder: Path) -> None:
    whole = read_tabled_pictures(folder)
    some = whole.only(["place", "bar"], "")
    assert some.columns == ("place", "bar")
    _, rows = tabled_bars(COUNTS["val"], 1)
    assert [one.labels for one in some.splits["val"]] == [(row[2], row[0]) for row in rows]
    assert whole.only([], "") is whole
    made = TabledPictures({"train": array(rows)}, COLUMNS).only(["ways"], "")
    assert [one.labels for one in made.splits["train"]] == [(row[1],) for row in rows]
    with pytest.raises(UserError, match=r"there is no column 'plaice' of answers: did you mean 'place'.*Look again"):
        whole.only(["plaice"], "Look again")


def test_pictures_and_rows_that_do_not_match_are_counted(folder: Path) -> None:
    (folder / "train" / "0.png").unlink()
    table = folder / "val" / "metadata.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    found = read_tabled_pictures(folder)
    assert len(found.splits["train"]) == 29
    assert len(found.splits["val"]) == 9
    assert [fault.count for fault in found.faults] == [1, 1]


def test_bad_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder of pictures"):
        read_tabled_pictures(folder / "train" / "metadata.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no metadata\.csv .* with the columns file_name and one for each"):
        read_tabled_pictures(tmp_path / "empty")
    table = folder / "val" / "metadata.csv"
    table.write_text(table.read_text().replace("place", "position"))
    with pytest.raises(DataError, match=r"no column 'place'.*All metadata tables must have the columns of"):
        read_tabled_pictures(folder)
    for split in COUNTS:
        (folder / split / "metadata.csv").write_text("file_name\n1.png\n")
    with pytest.raises(DataError, match="there is no column of answers"):
        read_tabled_pictures(folder)


def test_missing_splits_are_held_out_and_equal_pictures_stay_together() -> None:
    _, rows = tabled_bars(60)
    splits, notes = fill_splits({"train": array(rows, repeated=4)}, 0.2, 0)
    assert len(notes) == 2
    places = {split: {one.where for one in pictures} for split, pictures in splits.items()}
    assert sorted(place for group in places.values() for place in group) == sorted(f"some:{i + 1}" for i in range(60))
    alike = {"some:1", *(f"some:{i}" for i in range(57, 61))}
    assert any(alike <= group for group in places.values())
    assert splits.keys() == {"train", "val", "test"}


# Kinds


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["cat", "dog", ""], "class"),
        (["0", "1", "2"], "class"),
        (["0", "1", "2.5"], "number"),
        (["1e3", "", "nan"], "class"),
        (["-3", "7.25"], "number"),
        (["a|b", "c"], "labels"),
        (["1|2", "3"], "labels"),
        (["", ""], "class"),
        ([str(i) for i in range(MOST_CLASSES)], "class"),
        ([str(i) for i in range(MOST_CLASSES + 1)], "number"),
        ([f"id{i}" for i in range(100)], "class"),
    ],
)
def test_a_kind_is_told_by_the_cells(cells: list[str], kind: str) -> None:
    assert column_kinds({"what": cells}, {}) == {"what": kind}


def test_a_kind_that_is_given_goes_first() -> None:
    assert column_kinds({"a": ["1", "2"], "b": ["1", "2"]}, {"b": "number"}) == {"a": "class", "b": "number"}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back(number: float) -> None:
    assert as_number(repr(number)) == number


@pytest.mark.parametrize("cell", ["", "nan", "inf", "-inf", "three", "1,5"])
def test_what_is_no_finite_number_is_none(cell: str) -> None:
    assert as_number(cell) is None


# The check


def found(splits: dict[str, PictureArray], **kinds: str) -> list[tuple[str, str]]:
    return [(one.severity, one.what) for one in check_tabled_pictures(splits, kinds, ())]  # type: ignore[arg-type]


def test_the_check_tells_how_each_column_is_read_and_what_is_missing() -> None:
    rows = [("a", "x|y", "1.5"), ("b", "x", ""), ("", "", "2.5"), ("", "", "")] * 6
    told = found({"train": array(rows)}, name="class", marks="labels", size="number")
    assert ("info", "name is read as a class: 2 in train (a 6, b 6)") in told
    assert ("info", "marks is read as any of some labels: 2 in train (x 12, y 6)") in told
    assert ("info", "size is read as a number: 1.5 / 2 / 2.5 in train (least / median / most)") in told
    assert ("info", "train: name is empty in 12 pictures, which do not count for it") in told
    assert ("warning", "6 of 24 pictures of train have no answer at all") in told
    assert not [one for one in told if one[0] == "error"]


@pytest.mark.parametrize(
    ("train", "test", "kind", "expected"),
    [
        (["a"] * 6, ["a"], "class", ("error", "what: 1 labels in train; there must be two to tell apart")),
        (["3"] * 6, ["3"], "number", ("error", "what: there are no two different numbers in train")),
        (["1", "2", "x"], ["1"], "number", ("error", "1 of 4 pictures have no number in what")),
        (["a"] * 6 + ["b"], ["a"], "class", ("warning", "what: 1 labels have fewer than 5 training pictures: b")),
        (
            ["a", "b"] * 6,
            ["c"],
            "class",
            ("warning", "1 of 13 pictures have a label in what that no training picture has"),
        ),
        (
            ["1", "2"] * 6,
            ["1000"],
            "number",
            ("warning", "1 of 13 pictures have a number in what more than 6 deviations from the mean"),
        ),
    ],
)
def test_faults_of_a_column_are_found(train: list[str], test: list[str], kind: str, expected: tuple[str, str]) -> None:
    pictures = array([(cell,) for cell in train + test])
    told = found({"train": pictures[: len(train)], "test": pictures[len(train) :]}, what=kind)
    assert expected in told
    assert [one for one in told if one[0] == expected[0]] == [expected]


def test_equal_pictures_with_other_answers_are_found() -> None:
    told = found({"train": array([("a",), ("b",)] * 10, repeated=3)}, what="class")
    assert [one for one in told if one[0] == "warning"] == [("warning", "1 of 17 pictures have two labels")]
