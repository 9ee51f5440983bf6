"""Pictures and masks from folders and a .zip: the same whichever way they are laid out, and faults named one by one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segmentation_data import CLASSES, HEIGHT, WIDTH, save, scene, write_folders

from attentionflow.errors import DataError, UserError
from attentionflow.readers.segmented_picture_checks import check_segmented_pictures
from attentionflow.readers.segmented_pictures import one_input, read_inputs, read_segmented_pictures

pytest.importorskip("PIL", reason="Pillow is not installed")

COUNTS = {"train": 4, "val": 1, "test": 2}


@pytest.mark.parametrize("options", [{}, {"split_first": True}, {"coloured": True}])
def test_every_layout_gives_the_same_pictures(options: dict[str, Any], tmp_path: Path) -> None:
    found = read_segmented_pictures(write_folders(tmp_path, COUNTS, **options))
    assert {split: len(pictures) for split, pictures in found.splits.items()} == COUNTS
    assert list(found.splits) == ["train", "val", "test"]
    assert list(found.faults) == []
    for at, pictures in enumerate(found.splits.values()):
        for i, one in enumerate(pictures):
            pixels, classes = scene(1000 * at + i)
            np.testing.assert_array_equal(one.pixels(), pixels)
            assert one.mask is not None
            np.testing.assert_array_equal(one.mask.numbers(), classes)
            assert one.size == one.answered_size == (WIDTH, HEIGHT)
            assert one.labels == CLASSES


def test_a_zip_is_read_as_its_folder_and_so_are_masks_beside_their_split(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", COUNTS)
    packed = Path(shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path, "set"))
    assert {s: len(p) for s, p in read_segmented_pictures(packed).splits.items()} == COUNTS
    beside = tmp_path / "beside"
    for split, count in COUNTS.items():
        for i in range(count):
            save(beside / split / f"{i}.png", scene(i)[0])
            save(beside / f"{split}annot" / f"{i}.png", scene(i)[1])
    (beside / "classes.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    found = read_segmented_pictures(beside)
    assert {split: len(pictures) for split, pictures in found.splits.items()} == COUNTS
    assert not found.faults


def test_without_folders_of_splits_all_are_training_pictures(tmp_path: Path) -> None:
    write_folders(tmp_path, {"": 3})
    assert {s: len(p) for s, p in read_segmented_pictures(tmp_path).splits.items()} == {"train": 3}


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "set", {"train": 3})
    save(folder / "images" / "train" / "more.png", scene(1)[0])
    save(folder / "masks" / "train" / "other.png", scene(1)[1])
    save(folder / "loose.png", scene(1)[0])
    found = read_segmented_pictures(folder)
    assert len(found.splits["train"]) == 3
    told = {fault.what: fault.where for fault in found.faults}
    assert told == {
        "1 files stand in no folder of pictures or masks: left out": ("set/loose.png",),
        "1 pictures are without a mask: left out": ("set/images/train/more.png",),
        "1 masks are without a picture: left out": ("set/masks/train/other.png",),
    }


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "set", {"train": 2})
    save(folder / "images" / "train" / "0.bmp", scene(0)[0])
    with pytest.raises(UserError, match="have one name"):
        read_segmented_pictures(folder)
    (folder / "images" / "train" / "0.bmp").unlink()
    (folder / "classes.txt").unlink()
    with pytest.raises(UserError, match=r"lists no classes: write classes\.txt"):
        read_segmented_pictures(folder)
    folder = write_folders(tmp_path / "val", {"val": 2})
    with pytest.raises(UserError, match="no training pictures with masks: its splits are val"):
        read_segmented_pictures(folder)


def test_a_mask_fits_its_picture_or_is_a_whole_number_of_times_larger(tmp_path: Path) -> None:
    folder = write_folders(tmp_path, {"train": 2})
    mask = folder / "masks" / "train" / "0.png"
    save(mask, scene(0)[1].repeat(2, 0).repeat(2, 1))
    one, _ = read_segmented_pictures(folder).splits["train"]
    assert one.mask is not None
    assert one.mask.numbers().shape == (2 * HEIGHT, 2 * WIDTH)
    assert one.answered_size == (2 * WIDTH, 2 * HEIGHT)
    for wrong in (scene(0)[1][:, :-1], scene(0)[1].repeat(2, 0), scene(0)[1][::2, ::2]):
        save(mask, wrong)
        with pytest.raises(DataError, match=rf"0\.png: the mask has .* and its picture {WIDTH} x {HEIGHT}"):
            one.mask.numbers()


def findings(folder: Path) -> dict[str, list[str]]:
    found = read_segmented_pictures(folder)
    made: dict[str, list[str]] = {}
    for finding in check_segmented_pictures(found.splits, found.faults):
        made.setdefault(finding.severity, []).append(f"{finding.what} {finding.where}")
    return made


def test_good_data_has_no_faults(tmp_path: Path) -> None:
    found = findings(write_folders(tmp_path, COUNTS))
    assert found.keys() == {"info"}
    assert found["info"][0].startswith("train: 4 pictures, shares of pixels: ground ")
    assert "square" in found["info"][0]


def test_every_fault_is_found(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "set", COUNTS)
    (folder / "images" / "train" / "0.png").write_bytes(b"no picture")
    save(folder / "masks" / "train" / "1.png", np.full((HEIGHT, WIDTH), 3, np.uint8))
    save(folder / "masks" / "train" / "2.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    save(folder / "masks" / "test" / "1.png", np.full((HEIGHT, WIDTH), 255, np.uint8))
    for name in ("val/0.png", "test/1.png"):
        save(folder / "images" / name, scene(3)[0])  # as train/3.png
    found = findings(folder)
    assert sum("cannot be read" in one for one in found["error"]) == 1
    (masks,) = (one for one in found["error"] if "mask that cannot be used" in one)
    assert masks.startswith("2 of 7")
    assert "the first of them 3" in masks
    assert "of the kind RGB" in masks
    assert any("are in two splits" in one and "val/0.png" in one for one in found["error"])
    assert any("of test have no pixel of a class" in one and "test/1.png" in one for one in found["warning"])
    assert any("of the pixels are ignored" in one for one in found["info"])


def test_rare_classes_are_found(tmp_path: Path) -> None:
    folder = write_folders(tmp_path, {"train": 8})
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    for i in range(8):
        save(folder / "masks" / "train" / f"{i}.png", classes)
    classes[0, 0] = 1
    save(folder / "masks" / "train" / "3.png", classes)
    found = findings(folder)["warning"]
    assert any("the class 'square' is in a single training mask" in one and "3.png" in one for one in found)
    assert any("the class 'disc' is in no training mask" in one for one in found)
    save(folder / "masks" / "train" / "2.png", classes)
    assert any("the class 'square' has 0.0" in one for one in findings(folder)["warning"])


def test_inputs_have_no_mask(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", scene(0)[0])
    for one in (*read_inputs(path), *read_inputs(tmp_path), one_input(path), one_input(scene(0)[0])):
        assert one.mask is None
        assert one.labels is None
        assert one.answered_size == (WIDTH, HEIGHT)
    with pytest.raises(TypeError, match="a picture must be"):
        one_input(np.zeros((3, 3)))
