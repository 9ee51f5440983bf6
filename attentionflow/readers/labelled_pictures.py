"""Pictures with a label each: folders named after labels, a metadata table beside pictures, and IDX pairs.

Letters: N pictures, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.box_inputs import given_picture, pictures_to_answer
from attentionflow.readers.boxes import Picture
from attentionflow.readers.finding import Finding
from attentionflow.readers.idx import is_idx, read_idx_pairs, read_idx_pictures
from attentionflow.readers.image import IMAGES, decode, size_of
from attentionflow.readers.labelled_tree import (
    METADATA,
    Item,
    in_order,
    items_of_folders,
    items_of_tables,
    metadata_tables,
)
from attentionflow.readers.splits import fill_missing, held_out_by_label
from attentionflow.readers.text import read_text
from attentionflow.readers.tree import Tree, open_tree

MOST_HELD_OUT = 5000
NAMES = "classes.txt"  # beside IDX files: the name of each label, a line each

# Of a picture: one, or none where the files tell none; where a table has several columns, a cell each, "" if empty.
Labels = tuple[str, ...]


@dataclass(frozen=True)
class LabelledPicture:
    """A picture, decoded when asked for, and its labels (None: not known).

    content: bytes that only equal pictures share. pixels: makes the array (H, W, 3). measure: gives (W, H).
    """

    name: str
    labels: Labels | None
    where: str
    content: Callable[[], bytes] = field(repr=False, compare=False)
    pixels: Callable[[], np.ndarray] = field(repr=False, compare=False)
    measure: Callable[[], tuple[int, int]] = field(repr=False, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """(W, H)"""
        return self.measure()


@dataclass(frozen=True, eq=False)
class PictureArray(Sequence[LabelledPicture]):
    """Pictures of one size in one array (N, H, W) or (N, H, W, 3) of bytes; each is made when asked for.

    numbers (N,), or (N, columns) where a picture has several cells: which of the names each has as its label; None
    where labels are not known. rows (N,): counted from 0 in the file `place`.
    """

    pixels: np.ndarray
    numbers: np.ndarray | None
    names: Sequence[str]
    place: str
    rows: np.ndarray

    @classmethod
    def whole(cls, pixels: np.ndarray, numbers: np.ndarray | None, names: Sequence[str], place: str) -> PictureArray:
        return cls(pixels, numbers, names, place, np.arange(len(pixels)))

    def __len__(self) -> int:
        return len(self.pixels)

    @overload
    def __getitem__(self, at: int) -> LabelledPicture: ...
    @overload
    def __getitem__(self, at: slice) -> PictureArray: ...
    def __getitem__(self, at: int | slice) -> LabelledPicture | PictureArray:
        if isinstance(at, slice):
            return self.take(np.arange(len(self))[at])
        pixels, row = self.pixels[at], self.rows[at] + 1
        labels = None if self.numbers is None else tuple(self.names[number] for number in self.numbers[at].ravel())
        return LabelledPicture(
            f"{self.place}:{row}",
            labels,
            f"{self.place}:{row}",
            pixels.tobytes,
            partial(_three, pixels),
            lambda: (pixels.shape[1], pixels.shape[0]),
        )

    def take(self, at: np.ndarray) -> PictureArray:
        """Those at these places, in this order."""
        numbers = None if self.numbers is None else self.numbers[at]
        return PictureArray(self.pixels[at], numbers, self.names, self.place, self.rows[at])


Some = Sequence[LabelledPicture]


@dataclass(frozen=True)
class LabelledPictures:
    """Splits of pictures and what was found wrong on the way."""

    splits: dict[str, Sequence[LabelledPicture]]
    faults: Sequence[Finding] = ()


def read_labelled_pictures(path: str | Path, label: str) -> LabelledPictures:
    """Splits by name, "train" first, from a folder or a .zip. label: column of a metadata table."""
    path = Path(path)
    if path.is_dir() and (pairs := read_idx_pairs(sorted(path.iterdir()))):
        return _of_pairs(path, pairs)
    if not path.is_dir() and path.suffix.lower() != ".zip":
        raise UserError(f"{path} is no folder of pictures and no .zip of one")
    tree = open_tree(path)
    tables = metadata_tables(tree)
    if not tables:
        return with_training(path, _of_folders(tree))
    remedy = "Name the column of the labels: --set label=NAME"
    return with_training(path, of_tables(tree, tables, [label], remedy, lambda cells: cells if cells[0] else ()))


def read_inputs(path: Path) -> Sequence[LabelledPicture]:
    """Pictures without labels: a picture, a folder or .zip of them, a table with file_name, or a file of IDX."""
    if is_idx(path):
        return PictureArray.whole(read_idx_pictures(path), None, (), path.name)
    return [_unlabelled(one) for one in pictures_to_answer(path)]


def one_input(given: Any) -> LabelledPicture:
    """A path, an array (H, W, 3) or (H, W) of bytes, or a picture of Pillow's."""
    return given if isinstance(given, LabelledPicture) else _unlabelled(given_picture(given))


def fill_splits(
    splits: Mapping[str, Sequence[LabelledPicture]], share: float, seed: int
) -> tuple[dict[str, Sequence[LabelledPicture]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so.

    Of every label about the same share; equal pictures stay together.
    """

    def take(pictures: Some, _: str) -> tuple[Some, Some]:
        examples = list(pictures)
        keys = [one.content() for one in examples]
        held = held_out_by_label([one.labels or () for one in examples], keys, share, MOST_HELD_OUT, seed, "pictures")
        return _at(pictures, np.flatnonzero(~held)), _at(pictures, np.flatnonzero(held))

    return fill_missing(splits, take, "pictures", seed)


def _at(pictures: Sequence[LabelledPicture], at: np.ndarray) -> Sequence[LabelledPicture]:
    return pictures.take(at) if isinstance(pictures, PictureArray) else [pictures[i] for i in at]


def _of_pairs(folder: Path, pairs: Mapping[str, tuple[Path, np.ndarray, np.ndarray]]) -> LabelledPictures:
    most = max(int(numbers.max(initial=0)) for _, _, numbers in pairs.values())
    names = [str(number) for number in range(most + 1)]
    if (listed := folder / NAMES).is_file():
        names = [line.strip() for line in read_text(listed).splitlines() if line.strip()]
        if len(names) <= most:
            raise UserError(f"{listed} names {len(names)} labels, but the numbers go up to {most}, counted from 0")
    if "train" not in pairs:
        raise UserError(f"{folder} has no training pictures (train-images-idx3-ubyte)")
    made: dict[str, Sequence[LabelledPicture]] = {}
    for split, (file, pixels, numbers) in pairs.items():
        made[split] = PictureArray.whole(pixels, numbers, names, file.name)
    return LabelledPictures(made)


def _of_folders(tree: Tree) -> LabelledPictures:
    items, faults = items_of_folders(tree, tree.below("", IMAGES), "pictures")
    if not items:
        raise UserError(
            f"{tree.root} holds no pictures in folders of their labels (LABEL/one.jpg or train/LABEL/one.jpg), no "
            f"{METADATA}.csv and no IDX files"
        )
    return LabelledPictures(in_order(items, partial(_of_item, tree)), faults)


def with_training(path: Path, found: LabelledPictures) -> LabelledPictures:
    """What was found; UserError where there is nothing to train on."""
    if "train" not in found.splits:
        raise UserError(f"{path} has no training pictures: its splits are {', '.join(found.splits) or 'none'}")
    return found


def of_tables(
    tree: Tree,
    tables: Sequence[str],
    columns: Sequence[str],
    remedy: str,
    labels: Callable[[tuple[str, ...]], Labels] = tuple,
) -> LabelledPictures:
    """labels: of a picture, from the cells of its columns. remedy: what to do where a column is not there."""
    items, faults = items_of_tables(tree, tables, tree.below("", IMAGES), columns, "picture", remedy)
    told = [item._replace(cells=labels(item.cells)) for item in items]
    return LabelledPictures(in_order(told, partial(_of_item, tree)), faults)


def _of_item(tree: Tree, item: Item) -> LabelledPicture:
    place = tree.where(item.name)
    content = partial(tree.read, item.name)
    return LabelledPicture(
        item.name, item.cells, item.where, content, lambda: decode(content(), place), lambda: size_of(content(), place)
    )


def _unlabelled(one: Picture) -> LabelledPicture:
    return LabelledPicture(one.name, None, one.where, lambda: one.pixels().tobytes(), one.pixels, lambda: one.size)


def _three(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
