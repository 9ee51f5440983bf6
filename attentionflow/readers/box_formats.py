"""How COCO, VOC and YOLO write boxes down. Each function gives annotations by split, or None where a tree has no such.

COCO: one JSON a split, with images, annotations (bbox: x, y, width, height) and categories.
VOC:  Annotations/*.xml, corners counted from 1 and inclusive; ImageSets/Main/train.txt lists a split.
YOLO: labels/**/*.txt, a line "class x y width height" an object, centre and size as shares of the picture; the names of
      the classes in data.yaml, classes.txt or obj.names.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attentionflow.errors import DataError, UserError
from attentionflow.readers.boxes import Annotation, Box, Pictures, images_by_name, split_of, tidy
from attentionflow.readers.image import IMAGES, size_of
from attentionflow.readers.tree import Tree, open_tree

By = dict[str, list[Annotation]]


def read_pictures(path: str | Path) -> Pictures:
    """The pictures of a folder or .zip with VOC, COCO or YOLO annotations, or of one COCO JSON, whose pictures lie
    anywhere below its folder."""
    path = Path(path)
    if path.suffix.lower() == ".json":
        tree = open_tree(path.parent)
        return tidy(tree, _coco_files(tree, {"train": path.name}))
    tree = open_tree(path)
    for read in (voc, coco, yolo):
        if listed := read(tree):
            return tidy(tree, {split: listed[split] for split in sorted(listed, key=_rank)})
    raise UserError(
        f"{path} holds no boxes that can be read: it needs Annotations/*.xml (VOC), a .json with images, annotations "
        f"and categories (COCO), or labels/*.txt beside images/ (YOLO); it holds "
        f"{', '.join(tree.names[:8]) or 'nothing'}"
    )


def _rank(split: str) -> tuple[int, str]:
    order = ("train", "val", "test")
    return (order.index(split) if split in order else len(order), split)


# ---- VOC


def voc(tree: Tree) -> By | None:
    files = [name for name in tree.below("", (".xml",)) if "annotation" in name.lower()]
    files = files or tree.below("", (".xml",))
    if not files:
        return None
    images, by_stem = images_by_name(tree), {name.rsplit("/", 1)[-1].removesuffix(".xml"): name for name in files}
    lists = {
        stem: name
        for name in tree.below("", (".txt",))
        if "imagesets/main/" in f"/{name}".lower() and (stem := name.rsplit("/", 1)[-1].removesuffix(".txt")) in
        ("train", "val", "test")
    }  # fmt: skip
    if not lists:  # the folder that an annotation lies in may tell its split
        found: By = {}
        for stem, name in by_stem.items():
            split = next((s for part in name.split("/")[:-1] if (s := split_of(part))), "train")
            found.setdefault(split, []).append(_voc_file(tree, name, stem, images))
        return found
    found = {}
    for split, name in lists.items():
        ids = [line.split()[0] for line in tree.text(name).splitlines() if line.split()]
        found[split] = []
        for row, one in enumerate(ids, start=1):
            if one not in by_stem:
                raise DataError(
                    f"there is no annotation {one}.xml",
                    file=tree.where(name),
                    row=row,
                    remedy="Add it, or take the line out",
                )
            found[split].append(_voc_file(tree, by_stem[one], one, images))
    return found


def _voc_file(tree: Tree, name: str, stem: str, images: Mapping[str, Sequence[str]]) -> Annotation:
    where = tree.where(name)
    try:
        page = ET.fromstring(tree.read(name))
        size = page.find("size")
        told = None
        if size is not None:
            told = (int(size.findtext("width", "0")), int(size.findtext("height", "0")))
        boxes = []
        for number, one in enumerate(page.iter("object"), start=1):
            corners = one.find("bndbox")
            assert corners is not None
            left, top, right, bottom = (float(corners.findtext(k, "")) for k in ("xmin", "ymin", "xmax", "ymax"))
            label, ignored = (one.findtext("name") or "").strip(), one.findtext("difficult", "0").strip() == "1"
            # Both corners are pixels, counted from 1: the first begins one before, the last ends at its own number.
            # Where the two are one and the same, a program wrote a box without area.
            empty = right <= left or bottom <= top
            shift = 0 if empty else 1
            boxes.append(
                Box(label or None, left - shift, top - shift, right, bottom, ignored, f"object {number} ({label})")
            )
    except (ET.ParseError, ValueError, AssertionError) as error:
        why = str(error) or "an object has no bndbox"
        raise DataError(f"this is no VOC annotation ({why})", file=where, remedy="Write it again") from None
    called = page.findtext("filename", "").strip()
    places = images.get(stem) or images.get(called) or images.get(called.rsplit(".", 1)[0])
    return Annotation(
        called or stem, places[0] if places else None, told if told and all(told) else None, tuple(boxes), where
    )


# ---- COCO


def coco(tree: Tree) -> By | None:
    pages: dict[str, str] = {}
    for name in tree.below("", (".json",)):
        if b'"annotations"' not in tree.read(name):
            continue
        parts = name.split("/")
        split = split_of(parts[-1].rsplit(".", 1)[0]) or next((s for p in parts[:-1] if (s := split_of(p))), None)
        split = split or "train"
        if split in pages:
            raise UserError(f"{tree.root} holds two COCO files for {split}: {pages[split]} and {name}; leave one there")
        pages[split] = name
    return _coco_files(tree, pages) if pages else None


def _coco_files(tree: Tree, pages: Mapping[str, str]) -> By:
    images = images_by_name(tree)
    return {split: _coco_file(tree, name, split, images) for split, name in pages.items()}


def _coco_file(tree: Tree, name: str, split: str, images: Mapping[str, Sequence[str]]) -> list[Annotation]:
    where = tree.where(name)
    try:
        page = json.loads(tree.text(name))
        classes = {one["id"]: str(one["name"]) for one in page["categories"]}
        boxes: dict[Any, list[Box]] = {one["id"]: [] for one in page["images"]}
        for one in page["annotations"]:
            left, top, width, height = map(float, one["bbox"])
            place = f"annotation {one.get('id', '?')}"
            if one["image_id"] not in boxes:
                remedy = "Add the image, or remove the annotation"
                raise DataError(
                    f"{place} is of image {one['image_id']!r}, which is not listed", file=where, remedy=remedy
                )
            label = classes.get(one["category_id"])
            place += f" ({label if label is not None else 'category ' + str(one['category_id'])})"
            crowd = bool(one.get("iscrowd", 0))
            boxes[one["image_id"]].append(Box(label, left, top, left + width, top + height, crowd, place))
        return [
            Annotation(
                str(one["file_name"]),
                _coco_image(str(one["file_name"]), split, name, tree, images),
                (int(one["width"]), int(one["height"])) if one.get("width") and one.get("height") else None,
                tuple(boxes[one["id"]]),
                where,
            )
            for one in page["images"]
        ]
    except json.JSONDecodeError as error:
        raise DataError(f"this is no JSON ({error})", file=where, remedy="Write it again") from None
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise DataError(f"this is no COCO file ({error!r})", file=where, remedy="Write it again") from None


def _coco_image(called: str, split: str, page: str, tree: Tree, images: Mapping[str, Sequence[str]]) -> str | None:
    """The picture that a file_name means: beside the JSON, then in a folder of its split, then anywhere."""
    beside = f"{page.rsplit('/', 1)[0]}/{called}" if "/" in page else called
    places = images.get(called.rsplit("/", 1)[-1], [])
    exact = [name for name in places if name in (beside, called) or name.endswith(f"/{called}")]
    of_split = [name for name in exact if any(split_of(part) == split for part in name.split("/")[:-1])]
    return next((found[0] for found in ([n for n in exact if n == beside], of_split, exact) if found), None)


# ---- YOLO


def yolo(tree: Tree) -> By | None:
    files = [name for name in tree.below("", (".txt",)) if "labels" in name.split("/")[:-1]]
    if not files:
        return None
    classes = _yolo_classes(tree)
    found: By = {}
    texts = {name.rsplit(".", 1)[0]: name for name in files}
    pictures: dict[str, str] = {}
    for image in tree.below("", IMAGES):
        parts = image.split("/")
        if "images" in parts[:-1]:
            at = len(parts) - 2 - parts[:-1][::-1].index("images")
            pictures["/".join([*parts[:at], "labels", *parts[at + 1 :]]).rsplit(".", 1)[0]] = image
    for key in sorted(pictures.keys() | texts.keys()):
        split = next((s for part in key.split("/")[:-1] if (s := split_of(part))), "train")
        found.setdefault(split, []).append(_yolo_file(tree, texts.get(key), pictures.get(key), classes))
    return found


def _yolo_classes(tree: Tree) -> dict[int, str]:
    for name in tree.names:
        bare = name.rsplit("/", 1)[-1].lower()
        if bare in ("classes.txt", "obj.names"):
            lines = [line.strip() for line in tree.text(name).splitlines()]
            return dict(enumerate(line for line in lines if line))
        if bare.endswith((".yaml", ".yml")):
            import yaml  # comes with Accelerate

            try:
                names = (yaml.safe_load(tree.text(name)) or {}).get("names")
            except (yaml.YAMLError, AttributeError) as error:
                raise DataError(f"this is no YAML ({error})", file=tree.where(name)) from None
            if isinstance(names, dict):
                return {int(number): str(one) for number, one in names.items()}
            if isinstance(names, list):
                return {number: str(one) for number, one in enumerate(names)}
    raise UserError(
        f"{tree.root} does not name its classes: add classes.txt with a name a line, or data.yaml with names"
    )


def _yolo_file(tree: Tree, text: str | None, image: str | None, classes: Mapping[int, str]) -> Annotation:
    """A picture without a text has no objects, as YOLO has it."""
    where = tree.where(text or image or "")
    if image is None:
        return Annotation(str(text).rsplit("/", 1)[-1], None, None, (), where)
    width, height = size_of(tree.read(image), tree.where(image))
    boxes = []
    for row, line in enumerate(tree.text(text).splitlines() if text else [], start=1):
        cells = line.split()
        if not cells:
            continue
        try:
            number, (x, y, w, h) = int(cells[0]), map(float, cells[1:])
        except ValueError:
            what = f"{len(cells)} cells where a class and the four numbers x y width height are needed"
            remedy = "Boxes alone are read, no outlines" if len(cells) > 5 else "Mend the line"
            raise DataError(what, file=where, row=row, remedy=remedy) from None
        place = f"row {row} ({classes.get(number, f'class {number}')})"
        corners = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        boxes.append(Box(classes.get(number), *corners, False, place))
    return Annotation(image.rsplit("/", 1)[-1], image, (width, height), tuple(boxes), where)
