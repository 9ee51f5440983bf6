"""COCO, VOC and YOLO say the same, and what is wrong with them is told one by one."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from detection_data import HEIGHT, WIDTH, picture, save, voc_xml, write_coco, write_voc, write_yolo

from attentionflow.errors import DataError, UserError
from attentionflow.readers.box_checks import check_pictures
from attentionflow.readers.box_formats import read_pictures
from attentionflow.readers.box_inputs import fill_splits, given_picture, pictures_to_answer
from attentionflow.readers.boxes import Pictures, split_of

pytest.importorskip("PIL", reason="Pillow is not installed")
COUNTS = {"train": 3, "val": 1, "test": 2}


@pytest.mark.parametrize("write", [write_voc, write_coco, write_yolo])
def test_the_formats_say_the_same(write: Callable[..., Path], tmp_path: Path) -> None:
    found = read_pictures(write(tmp_path / "data", COUNTS))
    assert {split: len(pictures) for split, pictures in found.splits.items()} == COUNTS
    assert list(found.splits) == ["train", "val", "test"]
    assert found.faults == []
    for split, pictures in found.splits.items():
        for i, one in enumerate(pictures):
            pixels, objects = picture({"train": 0, "val": 30_000, "test": 60_000}[split] + i)
            assert one.size == (WIDTH, HEIGHT)
            assert one.labels == tuple(label for label, _ in objects)
            np.testing.assert_allclose(one.boxes, [box for _, box in objects], atol=1e-3)
            np.testing.assert_array_equal(one.pixels(), pixels)
            assert not one.ignored.any()


@pytest.mark.parametrize("write", [write_voc, write_coco, write_yolo])
def test_a_zip_is_read_as_its_folder(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write(tmp_path / "data", COUNTS)
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, f"outer/{file.relative_to(folder)}")
        archive.writestr("__MACOSX/._x.xml", "nonsense")
    plain, zipped = read_pictures(folder), read_pictures(packed)
    for split, pictures in plain.splits.items():
        for a, b in zip(pictures, zipped.splits[split], strict=True):
            assert (a.labels, a.size) == (b.labels, b.size)
            np.testing.assert_array_equal(a.boxes, b.boxes)
            np.testing.assert_array_equal(a.pixels(), b.pixels())


def test_one_coco_file_is_read_as_training_pictures(tmp_path: Path) -> None:
    folder = write_coco(tmp_path, {"train": 3})
    (folder / "annotations" / "instances_train2017.json").rename(folder / "all.json")
    assert len(read_pictures(folder / "all.json").splits["train"]) == 3


# ---- faults


def voc(folder: Path, objects: list[tuple[str, tuple[int, int, int, int]]], **more: object) -> Pictures:
    """One picture with these objects."""
    save(folder / "JPEGImages" / "one.png", picture(0)[0])
    (folder / "Annotations").mkdir()
    (folder / "Annotations" / "one.xml").write_text(voc_xml("one.png", objects, **more))  # type: ignore[arg-type]
    return read_pictures(folder)


GOOD = ("disc", (2, 3, 20, 21))


@pytest.mark.parametrize(
    ("box", "what"),
    [
        ((5, 5, 5, 20), "without area"),
        ((20, 20, 10, 30), "without area"),
        ((WIDTH + 5, 2, WIDTH + 20, 20), "outside their picture"),
        ((-30, 2, -2, 20), "outside their picture"),
        (GOOD[1], "repeat another"),
    ],
)
def test_a_box_that_cannot_be_is_left_out_and_told(box: tuple[int, int, int, int], what: str, tmp_path: Path) -> None:
    found = voc(tmp_path, [GOOD, ("disc", box)])
    (one,) = found.splits["train"]
    assert len(one.boxes) == 1
    (fault,) = found.faults
    assert what in fault.what
    assert "left out" in fault.what
    assert fault.where == (f"{tmp_path.name}/Annotations/one.xml, object 2 (disc)",)
    assert fault.remedy


def test_a_box_beyond_the_border_is_cut_there_and_told(tmp_path: Path) -> None:
    found = voc(tmp_path, [("disc", (40, 30, WIDTH + 10, HEIGHT + 5))])
    np.testing.assert_array_equal(found.splits["train"][0].boxes, [[40, 30, WIDTH, HEIGHT]])
    assert "reach out of their picture" in found.faults[0].what


def test_coordinates_that_count_from_one_or_zero_are_both_right(tmp_path: Path) -> None:
    """Pixels 1 to W are the whole width; whoever counted from 0 is a pixel off at most, which is no fault."""
    found = voc(tmp_path, [("disc", (0, 0, WIDTH, HEIGHT)), ("square", (-1, -1, 20, 20))])
    np.testing.assert_array_equal(found.splits["train"][0].boxes, [[0, 0, WIDTH, HEIGHT], [0, 0, 20, 20]])
    assert found.faults == []


def test_a_class_that_the_file_does_not_list_is_told(tmp_path: Path) -> None:
    folder = write_coco(tmp_path, {"train": 1})
    path = folder / "annotations" / "instances_train2017.json"
    page = json.loads(path.read_text())
    page["annotations"][0]["category_id"] = 99
    path.write_text(json.dumps(page))
    (fault,) = read_pictures(folder).faults
    assert "unknown class" in fault.what
    assert "annotation 1 (category 99)" in fault.where[0]


def test_a_missing_picture_is_told(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, {"train": 2})
    (folder / "JPEGImages" / "train1.png").unlink()
    found = read_pictures(folder)
    assert len(found.splits["train"]) == 1
    assert "without their picture" in found.faults[0].what
    assert "train1.xml" in found.faults[0].where[0]


def test_a_picture_named_twice_counts_once_and_is_told(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, {"train": 2})
    (folder / "ImageSets" / "Main" / "train.txt").write_text("train0\ntrain1\ntrain0\n")
    found = read_pictures(folder)
    assert [one.name for one in found.splits["train"]] == ["train0.png", "train1.png"]
    assert "named more than once in train" in found.faults[0].what


def test_a_picture_of_another_size_than_its_annotation_is_refused(tmp_path: Path) -> None:
    (one,) = voc(tmp_path, [GOOD], size=(640, 480)).splits["train"]
    with pytest.raises(DataError, match=f"{WIDTH} x {HEIGHT} pixels where its annotation says 640 x 480"):
        one.pixels()


def test_a_crowd_and_what_is_difficult_is_marked(tmp_path: Path) -> None:
    folder = write_coco(tmp_path, {"train": 1})
    path = folder / "annotations" / "instances_train2017.json"
    page = json.loads(path.read_text())
    page["annotations"][0]["iscrowd"] = 1
    path.write_text(json.dumps(page))
    assert read_pictures(folder).splits["train"][0].ignored.tolist()[0]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("0 0.5 0.5 0.2", "4 cells where a class and the four numbers"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2", "no outlines"),
        ("cat 0.5 0.5 0.2 0.2", "row 1"),
    ],
)
def test_a_line_of_yolo_that_cannot_be_read_is_named(line: str, what: str, tmp_path: Path) -> None:
    folder = write_yolo(tmp_path, {"train": 1})
    (folder / "labels" / "train" / "0.txt").write_text(line)
    with pytest.raises(DataError, match=what):
        read_pictures(folder)


def test_yolo_classes_may_stand_in_yaml_and_a_number_beyond_them_is_told(tmp_path: Path) -> None:
    folder = write_yolo(tmp_path, {"train": 1})
    (folder / "classes.txt").unlink()
    with pytest.raises(UserError, match="does not name its classes"):
        read_pictures(folder)
    (folder / "data.yaml").write_text("nc: 1\nnames: [thing]\n")
    (folder / "labels" / "train" / "0.txt").write_text("0 0.5 0.5 0.2 0.2\n4 0.2 0.2 0.1 0.1\n")
    found = read_pictures(folder)
    assert found.splits["train"][0].labels == ("thing",)
    assert "row 2 (class 4)" in found.faults[0].where[0]


def test_a_yolo_picture_without_a_text_has_no_objects(tmp_path: Path) -> None:
    folder = write_yolo(tmp_path, {"train": 2})
    (folder / "labels" / "train" / "1.txt").unlink()
    assert [len(one.boxes) > 0 for one in read_pictures(folder).splits["train"]] == [True, False]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("Annotations/one.xml", "<annotation><object>", "no VOC annotation"),
        ("Annotations/one.xml", "<annotation><object><name>a</name></object></annotation>", "an object has no bndbox"),
        ("train.json", '{"annotations": [', "no JSON"),
        ("train.json", '{"annotations": [], "images": []}', "no COCO file"),
        (
            "train.json",
            '{"categories": [], "images": [], "annotations": [{"id": 3, "image_id": 5, "bbox": [1, 1, 1, 1]}]}',
            "annotation 3 is of image 5, which is not listed",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, content: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(DataError, match=what) as caught:
        read_pictures(tmp_path)
    assert name in str(caught.value)


def test_a_folder_without_boxes_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("nothing here")
    with pytest.raises(UserError, match=r"VOC.*COCO.*YOLO.*readme.md"):
        read_pictures(tmp_path)


# ---- what data check finds


def test_the_check_tells_sizes_classes_and_copies(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, COUNTS)
    same = (folder / "JPEGImages" / "train0.png").read_bytes()
    (folder / "JPEGImages" / "test0.png").write_bytes(same)
    page = folder / "Annotations" / "test1.xml"
    page.write_text(page.read_text().replace("<name>square", "<name>cube").replace("<name>disc", "<name>cube"))
    found = read_pictures(folder)
    findings = check_pictures(found.splits, found.faults)
    texts = [f"{one.severity}: {one.what}" for one in findings]
    assert texts[0] == "error: 1 pictures are in two splits, so that scores mislead"
    assert any("of the class 'cube', which no training picture has" in text for text in texts)
    assert any(text.startswith("info: train: 3 pictures") for text in texts)
    assert any("training boxes" in text for text in texts if text.startswith("warning"))


def test_the_check_names_pictures_that_cannot_be_decoded(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, {"train": 2})
    path = folder / "JPEGImages" / "train0.png"
    path.write_bytes(path.read_bytes()[:200])
    found = read_pictures(folder)
    worst = check_pictures(found.splits, found.faults)[0]
    assert worst.severity == "error"
    assert "train0.png" in worst.where[0]


# ---- inputs and splits


def test_inputs_are_pictures_folders_zips_and_tables(tmp_path: Path) -> None:
    paths = [save(tmp_path / "in" / f"{i}.png", picture(i)[0]) for i in range(3)]
    assert [one.name for one in pictures_to_answer(paths[1])] == ["1.png"]
    assert [one.name for one in pictures_to_answer(tmp_path / "in")] == ["0.png", "1.png", "2.png"]
    table = tmp_path / "in" / "metadata.csv"
    table.write_text("file_name,more\n2.png,a\n0.png,b\n")
    found = pictures_to_answer(table)
    assert [one.name for one in found] == ["2.png", "0.png"]
    np.testing.assert_array_equal(found[0].pixels(), picture(2)[0])
    table.write_text("file_name\nnone.png\n")
    with pytest.raises(DataError, match="row 1: there is no picture none"):
        pictures_to_answer(table)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pictures"):
        pictures_to_answer(tmp_path / "empty")


def test_a_picture_may_be_an_array(tmp_path: Path) -> None:
    grey = given_picture(np.zeros((4, 6), np.uint8))
    assert grey.size == (6, 4)
    assert grey.pixels().shape == (4, 6, 3)
    with pytest.raises(TypeError, match=r"float64 \(4, 6\)"):
        given_picture(np.zeros((4, 6)))
    with pytest.raises(UserError, match="no pixels"):
        given_picture(np.zeros((0, 6, 3), np.uint8))
    with pytest.raises(UserError, match="there is no picture"):
        given_picture(tmp_path / "none.png")


def test_missing_splits_are_held_out_by_the_seed(tmp_path: Path) -> None:
    found = read_pictures(write_voc(tmp_path, {"train": 20}))
    filled, notes = fill_splits(found.splits, 0.1, 3)
    assert {name: len(pictures) for name, pictures in filled.items()} == {"train": 16, "test": 2, "val": 2}
    names = [one.name for pictures in filled.values() for one in pictures]
    assert len(set(names)) == 20
    assert [one.name for one in fill_splits(found.splits, 0.1, 3)[0]["test"]] == [one.name for one in filled["test"]]
    assert len(notes) == 2
    with pytest.raises(UserError, match="too few"):
        fill_splits({"train": found.splits["train"][:1]}, 0.1, 0)


@pytest.mark.parametrize(
    ("name", "split"), [("train2017", "train"), ("valid", "val"), ("instances_val", "val"), ("photos", None)]
)
def test_a_split_is_told_by_its_name(name: str, split: str | None) -> None:
    assert split_of(name) == split
