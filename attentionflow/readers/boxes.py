"""Pictures with boxes: COCO JSON, VOC XML and YOLO text, from a folder or a .zip.

A box is (left, top, right, bottom) in pixels from the picture's upper left corner, so its width is right - left.
Faults are collected and what they concern is left out; `data check` lists them, and training says how many there were.
Letters: N boxes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.finding import Finding
from attentionflow.readers.image import IMAGES, decode, size_of
from attentionflow.readers.splits import SPLITS
from attentionflow.readers.tree import Tree

FEW = 5  # places named in a finding


class Box(NamedTuple):
    """An object as a file tells it. label: None where the file's own list of classes does not hold it. ignored: marked
    as difficult or as a crowd, to be neither learned nor scored. place: where in the file it stands."""

    label: str | None
    left: float
    top: float
    right: float
    bottom: float
    ignored: bool
    place: str


class Annotation(NamedTuple):
    """A picture as a file tells it. image: its name in the tree, None where it is missing; size: (W, H) if told."""

    name: str
    image: str | None
    size: tuple[int, int] | None
    boxes: tuple[Box, ...]
    where: str


@dataclass(frozen=True)
class Picture:
    """A picture with its boxes, decoded when asked for.

    pixels: makes the array (H, W, 3). size: (W, H). boxes (N, 4) with labels; ignored (N,): neither to be learned nor
    scored. `where` is the file of the annotation, or of the picture where there is none.
    """

    name: str
    pixels: Callable[[], np.ndarray] = field(repr=False, compare=False)
    size: tuple[int, int]
    boxes: np.ndarray = field(repr=False, compare=False)
    labels: tuple[str, ...]
    ignored: np.ndarray = field(repr=False, compare=False)
    where: str


@dataclass(frozen=True)
class Pictures:
    """Splits of pictures and what was found wrong on the way."""

    splits: dict[str, list[Picture]]
    faults: list[Finding]


class Faults:
    """Faults by kind, in the order in which they were met."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], list[str]] = {}

    def add(self, what: str, place: str, remedy: str) -> None:
        self.places.setdefault((what, remedy), []).append(place)

    def findings(self) -> list[Finding]:
        return [
            Finding("warning", f"{len(at):,} {what}", len(at), tuple(at[:FEW]), remedy)
            for (what, remedy), at in self.places.items()
        ]


def tidy(tree: Tree, splits: Mapping[str, Sequence[Annotation]]) -> Pictures:
    """Pictures of what the files tell, with everything that cannot be right left out and reported."""
    faults = Faults()
    made: dict[str, list[Picture]] = {}
    for split, listed in splits.items():
        twice = Counter(a.image for a in listed if a.image)
        seen: set[str] = set()
        made[split] = []
        for one in listed:
            if one.image is None:
                faults.add(
                    "annotations without their picture: left out",
                    f"{one.where} ({one.name})",
                    "Put the picture beside the others, or remove its annotation",
                )
                continue
            if one.image in seen:
                continue
            if twice[one.image] > 1:
                faults.add(
                    f"pictures named more than once in {split}: the first annotation counts",
                    f"{one.where} ({one.name}, {twice[one.image]} times)",
                    "Keep one annotation a picture",
                )
            seen.add(one.image)
            made[split].append(_picture(tree, one, faults))
        if not made[split]:
            del made[split]
    if not made:
        raise UserError(f"{tree.root} has no picture with an annotation; {faults.findings() or 'nothing was found'}")
    return Pictures(made, faults.findings())


def _picture(tree: Tree, one: Annotation, faults: Faults) -> Picture:
    assert one.image is not None
    size = one.size or size_of(tree.read(one.image), tree.where(one.image))
    kept, known = [], set()
    for box in one.boxes:
        place = f"{one.where}, {box.place}"
        corners = np.array(box[1:5], float)
        clipped = np.clip(corners, 0, [*size, *size])
        if box.label is None:
            faults.add("boxes of an unknown class: left out", place, "Name the class where the classes are listed")
        elif not np.isfinite(corners).all():
            faults.add("boxes with a corner that is no number: left out", place, "Draw the box again")
        elif (corners[2:] <= corners[:2]).any():
            faults.add("boxes without area: left out", place, "Draw the box again, or remove it")
        elif (clipped[2:] <= clipped[:2]).any():
            faults.add(
                "boxes outside their picture: left out",
                place,
                "See that boxes and picture are of the same size and turned the same way",
            )
        elif (key := (box.label, *clipped)) in known:
            faults.add("boxes that repeat another of the same class: left out", place, "Remove the repetition")
        else:
            if np.abs(clipped - corners).max() > 1:  # a pixel too many is how some programs count
                faults.add("boxes that reach out of their picture: cut at its border", place, "Nothing, if they should")
            known.add(key)
            kept.append((clipped, box))
    boxes = np.array([corners for corners, _ in kept], np.float32).reshape(-1, 4)
    return Picture(
        name=one.name,
        pixels=partial(read_pixels, tree, one.image, size),
        size=size,
        boxes=boxes,
        labels=tuple(str(box.label) for _, box in kept),
        ignored=np.array([box.ignored for _, box in kept], bool),
        where=one.where,
    )


def read_pixels(tree: Tree, name: str, size: tuple[int, int]) -> np.ndarray:
    """The pixels of a picture, which must be as large as its annotation says."""
    pixels = decode(tree.read(name), tree.where(name))
    if pixels.shape[1::-1] != tuple(size):
        raise DataError(
            f"the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels where its annotation says "
            f"{size[0]} x {size[1]}, so the boxes would lie elsewhere",
            file=tree.where(name),
            remedy="Mend the annotation, or save the picture in that size and without an EXIF orientation",
        )
    return pixels


def plain_picture(pixels: np.ndarray, name: str, where: str) -> Picture:
    """A picture of which nothing is known yet."""
    height, width = pixels.shape[:2]
    nothing = np.zeros((0, 4), np.float32)
    return Picture(name, lambda: pixels, (width, height), nothing, (), np.zeros(0, bool), where)


def read_picture(path: Path) -> Picture:
    """A picture to predict for, decoded when asked for."""
    content = path.read_bytes()
    size = size_of(content, str(path))
    pixels = partial(decode, content, str(path))
    return Picture(path.name, pixels, size, np.zeros((0, 4), np.float32), (), np.zeros(0, bool), str(path))


def images_by_name(tree: Tree) -> dict[str, list[str]]:
    """Every picture of a tree by its bare name, with and without its ending."""
    found: dict[str, list[str]] = {}
    for name in tree.below("", IMAGES):
        bare = name.rsplit("/", 1)[-1]
        for key in (bare, bare.rsplit(".", 1)[0]):
            found.setdefault(key, []).append(name)
    return found


def split_of(text: str) -> str | None:
    """The split that a name speaks of: train2017 is train, valid is val."""
    plain = text.lower().rstrip("0123456789")
    return SPLITS.get(plain) or next(
        (SPLITS[word] for word in plain.replace("-", "_").split("_") if word in SPLITS), None
    )
