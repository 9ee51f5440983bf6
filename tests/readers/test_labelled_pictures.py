"""Labelled pictures from folders, tables and IDX files: the same whichever way they are written, and faults named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from picture_data import LABELS, bars, save, write_folders, write_idx, write_metadata, write_pairs

from attentionflow.errors import DataError, UserError
from attentionflow.readers.labelled_picture_checks import check_labelled_pictures
from attentionflow.readers.labelled_pictures import (
    PictureArray,
    fill_splits,
    one_input,
    read_inputs,
    read_labelled_pictures,
)

pytest.importorskip("PIL", reason="Pillow is not installed")

COUNTS = {"train": 12, "test": 6}


@pytest.mark.parametrize("write", [write_folders, write_metadata, write_pairs])
def test_every_way_of_writing_gives_the_same_pictures(write: object, tmp_path: Path) -> None:
    found = read_labelled_pictures(write(tmp_path, COUNTS), "label")  # type: ignore[operator]
    assert {split: len(pictures) for split, pictures in found.splits.items()} == COUNTS
    assert list(found.faults) == []
    for seed, pictures in enumerate(found.splits.values()):
        pixels, numbers = bars(len(pictures), seed)
        wanted = sorted((LABELS[n], p.tobytes()) for p, n in zip(pixels, numbers, strict=True))
        assert sorted((one.labels[0], one.pixels()[:, :, 0].tobytes()) for one in pictures if one.labels) == wanted
        assert all(one.size == (16, 16) and one.pixels().shape == (16, 16, 3) for one in pictures)


def test_a_zip_is_read_as_its_folder(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", COUNTS)
    packed = Path(shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path, "set"))
    found = read_labelled_pictures(packed, "label").splits
    assert {split: len(pictures) for split, pictures in found.items()} == COUNTS
    write_metadata(tmp_path / "tables", COUNTS)
    packed = Path(shutil.make_archive(str(tmp_path / "tables"), "zip", tmp_path / "tables"))
    with pytest.raises(UserError, match=r"unpack the \.zip"):
        read_labelled_pictures(packed, "label")


def test_labels_without_folders_of_splits_are_training_pictures(tmp_path: Path) -> None:
    write_folders(tmp_path, {"train": 8})
    found = read_labelled_pictures(tmp_path / "train", "label").splits
    assert {split: len(pictures) for split, pictures in found.items()} == {"train": 8}


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    folder = write_metadata(tmp_path / "table", {"train": 4})
    with (folder / "train" / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write("9.png,cross\n")
    save(folder / "train" / "more.png", bars(1)[0][0])
    found = read_labelled_pictures(folder, "label")
    assert len(found.splits["train"]) == 4
    missing, silent = found.faults
    assert "1 labels are without their picture" in missing.what
    assert missing.where == ("table/train/metadata.csv:5 (9.png)",)
    assert "1 pictures stand in no metadata table" in silent.what
    assert silent.where == ("table/train/more.png",)
    folder = write_folders(tmp_path / "folders", {"train": 4})
    save(folder / "loose.png", bars(1)[0][0])
    (fault,) = read_labelled_pictures(folder, "label").faults
    assert "stand in no folder of a label" in fault.what


def test_the_column_of_the_labels_has_a_name(tmp_path: Path) -> None:
    folder = write_metadata(tmp_path, {"train": 4})
    with pytest.raises(DataError, match="no column 'kind'"):
        read_labelled_pictures(folder, "kind")


def test_what_holds_no_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pictures in folders of their labels"):
        read_labelled_pictures(tmp_path / "empty", "label")
    (tmp_path / "one.txt").write_text("x")
    with pytest.raises(UserError, match="is no folder of pictures"):
        read_labelled_pictures(tmp_path / "one.txt", "label")
    write_folders(tmp_path / "set", {"test": 4})
    with pytest.raises(UserError, match="has no training pictures: its splits are test"):
        read_labelled_pictures(tmp_path / "set", "label")


def test_labels_of_idx_files_have_names_or_are_numbers(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"train": 8})
    names = tmp_path / "classes.txt"
    names.write_text("cross\nlying\n")
    with pytest.raises(UserError, match="names 2 labels, but the numbers go up to 2"):
        read_labelled_pictures(tmp_path, "label")
    names.unlink()
    found = read_labelled_pictures(tmp_path, "label").splits["train"]
    assert {one.labels for one in found} <= {("0",), ("1",), ("2",)}


def test_an_array_is_cut_without_being_copied_piece_by_piece() -> None:
    pixels, numbers = bars(10)
    whole = PictureArray.whole(pixels, numbers, LABELS, "file")
    part = whole[2:8:2]
    assert isinstance(part, PictureArray)
    assert [one.where for one in part] == ["file:3", "file:5", "file:7"]
    np.testing.assert_array_equal(part[1].pixels()[:, :, 2], pixels[4])
    assert part[1].labels == (LABELS[numbers[4]],)
    colours = PictureArray.whole(np.zeros((2, 4, 6, 3), np.uint8), None, (), "file")
    assert (colours[0].size, colours[0].labels, colours[0].pixels().shape) == ((6, 4), None, (4, 6, 3))


def test_held_out_pictures_are_of_every_label_and_in_one_split() -> None:
    pixels, numbers = bars(300)
    pixels[150:] = pixels[:150]  # every picture twice, with its label
    numbers[150:] = numbers[:150]
    splits, notes = fill_splits({"train": PictureArray.whole(pixels, numbers, LABELS, "file")}, 0.1, 0)
    assert len(notes) == 2
    assert sum(map(len, splits.values())) == 300
    seen = {split: {one.content() for one in pictures} for split, pictures in splits.items()}
    assert not seen["train"] & seen["val"]
    assert not seen["train"] & seen["test"]
    for name in ("val", "test"):
        assert {one.labels for one in splits[name]} == {(label,) for label in LABELS}
        assert 20 <= len(splits[name]) <= 40
    again, _ = fill_splits({"train": PictureArray.whole(pixels, numbers, LABELS, "file")}, 0.1, 0)
    assert [one.where for one in again["val"]] == [one.where for one in splits["val"]]
    with pytest.raises(UserError, match="too few to hold some out"):
        fill_splits({"train": PictureArray.whole(pixels[:1], numbers[:1], LABELS, "file")}, 0.1, 0)


def test_inputs_are_pictures_folders_arrays_and_idx_files(tmp_path: Path) -> None:
    pixels, _ = bars(3)
    path = save(tmp_path / "one.png", pixels[0])
    for found in (read_inputs(path)[0], one_input(str(path)), one_input(pixels[0])):
        assert found.labels is None
        np.testing.assert_array_equal(found.pixels()[:, :, 1], pixels[0])
        assert found.size == (16, 16)
    file = write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", pixels)
    assert [one.name for one in read_inputs(file)] == [f"{file.name}:{row}" for row in (1, 2, 3)]
    with pytest.raises(UserError, match="there is no picture"):
        one_input("nowhere.png")


def test_the_check_names_every_fault(tmp_path: Path) -> None:
    folder = write_folders(tmp_path, {"train": 40, "test": 8})
    pixels, _ = bars(8, 1)
    save(folder / "train" / "cross" / "again.png", pixels[0])  # it is in test too
    save(folder / "train" / "cross" / "black.png", np.zeros((16, 16), np.uint8))
    save(folder / "train" / "cross" / "two.png", bars(1, 9)[0][0])
    save(folder / "train" / "lying" / "two.png", bars(1, 9)[0][0])
    save(folder / "train" / "lone" / "red.png", np.full((20, 16, 3), (200, 10, 10), np.uint8) + pixels[:1, :1, :1])
    save(folder / "test" / "circle" / "one.png", bars(1, 10)[0][0])
    (folder / "train" / "cross" / "broken.png").write_bytes(b"no picture")
    found = read_labelled_pictures(folder, "label")
    findings = check_labelled_pictures(found.splits, found.faults)
    said = {finding.what: finding.severity for finding in findings}

    def severity(part: str) -> str:
        return next(severity for what, severity in said.items() if part in what)

    assert severity("cannot be read") == "error"
    assert severity("are in two splits") == "error"
    assert severity("have two labels") == "warning"
    assert severity("are of one colour all over") == "warning"
    assert severity("1 labels have a single picture: lone") == "warning"
    assert severity("have a label that no training picture has") == "warning"
    assert severity("of train are coloured, the others are not") == "info"
    assert [finding.severity for finding in findings] == sorted(
        (finding.severity for finding in findings), key=("error", "warning", "info").index
    )
