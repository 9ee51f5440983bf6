"""Pictures with a mask each: folders of pictures beside folders of masks, matched by name, and a list of classes.

Letters: H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.box_inputs import given_picture, pictures_to_answer
from attentionflow.readers.boxes import Faults, Picture
from attentionflow.readers.finding import Finding
from attentionflow.readers.image import IMAGES, decode, size_of
from attentionflow.readers.masks import IGNORED, LISTS, ClassList, read_class_list
from attentionflow.readers.splits import ORDER, SPLITS
from attentionflow.readers.tree import Tree, open_tree

PICTURES = ("images", "image", "imgs", "jpegimages")
MASKS = ("masks", "mask", "labels", "annotations", "segmentationclass")
BESIDE = "annot"  # train/ beside trainannot/, as SegNet's copy of CamVid has it


@dataclass(frozen=True)
class Mask:
    """numbers: makes (H, W) bytes, the class of each pixel; measure: gives (W, H); classes: their list."""

    numbers: Callable[[], np.ndarray] = field(repr=False, compare=False)
    measure: Callable[[], tuple[int, int]] = field(repr=False, compare=False)
    classes: ClassList

    def in_terms_of(self, known: ClassList) -> np.ndarray:
        """The numbers that another list gives to the same classes, such as that of the training."""
        names = self.classes.names
        if strange := [name for name in names if name not in known.names]:
            raise UserError(
                f"{self.classes.place} has classes that the model has not: {', '.join(strange)}. It has "
                f"{', '.join(known.names)}; rename them, or mark them as ignored"
            )
        table = np.full(IGNORED + 1, IGNORED, np.uint8)
        table[: len(names)] = [known.names.index(name) for name in names]
        return table[self.numbers()]


@dataclass(frozen=True)
class SegmentedPicture:
    """A picture, decoded when asked for, and its mask (None: not known).

    content: bytes that only equal pictures share. pixels: makes the array (H, W, 3). measure: gives (W, H).
    """

    name: str
    where: str
    content: Callable[[], bytes] = field(repr=False, compare=False)
    pixels: Callable[[], np.ndarray] = field(repr=False, compare=False)
    measure: Callable[[], tuple[int, int]] = field(repr=False, compare=False)
    mask: Mask | None

    @property
    def size(self) -> tuple[int, int]:
        """(W, H)"""
        return self.measure()

    @property
    def answered_size(self) -> tuple[int, int]:
        """(W, H) of an answer: that of its mask, which may be larger, or its own."""
        return self.size if self.mask is None else self.mask.measure()

    @property
    def labels(self) -> tuple[str, ...] | None:
        return None if self.mask is None else self.mask.classes.names


@dataclass(frozen=True)
class SegmentedPictures:
    """Splits of pictures and what was found wrong on the way."""

    splits: dict[str, Sequence[SegmentedPicture]]
    faults: Sequence[Finding] = ()


def read_segmented_pictures(
    given: str | Path | Tree, ignored: Sequence[str] = (), classes: ClassList | None = None
) -> SegmentedPictures:
    """Splits by name, "train" first, from a folder, a .zip or what lies in several of them.

    images/one.jpg beside masks/one.png, with a folder for each split above or below, or train/ beside trainannot/.
    ignored: names of classes that are passed over. classes: their list, where none is among the files.
    """
    tree = given if isinstance(given, Tree) else open_tree(given)
    known = (classes or _class_list(tree)).without(ignored)
    pictures, masks, loose = _told_apart(tree)
    faults = Faults()
    for name in loose:
        faults.add("files stand in no folder of pictures or masks: left out", tree.where(name), "Move them")
    made: dict[str, list[SegmentedPicture]] = {}
    for key, name in pictures.items():
        if key not in masks:
            faults.add("pictures are without a mask: left out", tree.where(name), "Add it under the picture's name")
            continue
        split = SPLITS.get(key.split("/")[0].lower(), "train")
        made.setdefault(split, []).append(_of_files(tree, name, masks[key], known))
    for key, name in masks.items():
        if key not in pictures:
            faults.add("masks are without a picture: left out", tree.where(name), "Add it under the mask's name")
    if "train" not in made:
        raise UserError(
            f"{tree.root} has no training pictures with masks: its splits are {', '.join(made) or 'none'}. Expected "
            "are images/one.jpg and masks/one.png, with or without folders train, val and test"
        )
    return SegmentedPictures({split: made[split] for split in ORDER if split in made}, faults.findings())


def read_inputs(path: Path) -> Sequence[SegmentedPicture]:
    """Pictures without masks: a picture, a folder or .zip of them, or a table with file_name."""
    return [_unmasked(one) for one in pictures_to_answer(path)]


def one_input(given: Any) -> SegmentedPicture:
    """A path, an array (H, W, 3) or (H, W) of bytes, or a picture of Pillow's."""
    return given if isinstance(given, SegmentedPicture) else _unmasked(given_picture(given))


def _class_list(tree: Tree) -> ClassList:
    for name in LISTS:
        if name in tree.names:
            return read_class_list(tree.text(name), name, tree.where(name))
    raise UserError(
        f"{tree.root} lists no classes: write {LISTS[0]}, a name a line of which the first has the value 0, or "
        f"{LISTS[1]} with name and value, or name and red, green, blue"
    )


def _told_apart(tree: Tree) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Pictures and masks by what they share of their paths, and files that are neither."""
    folders = {str(parent) for name in tree.names for parent in PurePosixPath(name).parents}
    pictures: dict[str, str] = {}
    masks: dict[str, str] = {}
    loose = []
    for name in tree.below("", IMAGES):
        *path, file = PurePosixPath(name).with_suffix("").parts
        lower = [part.lower() for part in path]
        role = next((part for part in lower if part in (*PICTURES, *MASKS)), None)
        if role is not None:
            del path[lower.index(role)]
            there = masks if role in MASKS else pictures
        elif path and lower[-1].endswith(BESIDE):
            path[-1] = path[-1][: -len(BESIDE)]
            there = masks
        elif path and "/".join(path) + BESIDE in folders:
            there = pictures
        else:
            loose.append(name)
            continue
        key = "/".join((*path, file))
        if key in there:
            both = f"{tree.where(there[key])} and {tree.where(name)}"
            raise UserError(f"{both} have one name, so what belongs together cannot be told; rename one")
        there[key] = name
    return pictures, masks, loose


def _of_files(tree: Tree, picture: str, mask: str, classes: ClassList) -> SegmentedPicture:
    content = partial(tree.read, picture)
    place, mask_place = tree.where(picture), tree.where(mask)

    def measure() -> tuple[int, int]:
        return size_of(content(), place)

    def numbers() -> np.ndarray:
        found = classes.numbers(tree.read(mask), mask_place)
        _must_fit(found.shape[::-1], measure(), mask_place)
        return found

    return SegmentedPicture(
        picture,
        place,
        content,
        lambda: decode(content(), place),
        measure,
        Mask(numbers, lambda: size_of(tree.read(mask), mask_place), classes),
    )


def _must_fit(mask: tuple[int, ...], picture: tuple[int, int], where: str) -> None:
    """A mask is as large as its picture, or a whole number of times larger."""
    times = mask[0] // picture[0]
    if times < 1 or mask != (picture[0] * times, picture[1] * times):
        raise DataError(
            f"the mask has {mask[0]} x {mask[1]} pixels and its picture {picture[0]} x {picture[1]}",
            file=where,
            remedy="Save the mask in the picture's size, or a whole number of times larger",
        )


def _unmasked(one: Picture) -> SegmentedPicture:
    return SegmentedPicture(one.name, one.where, lambda: one.pixels().tobytes(), one.pixels, lambda: one.size, None)
