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
from attentionflow.readers.box_inputs import COLUMN, given_picture, pictures_to_answer
from attentionflow.readers.boxes import FEW, Picture
from attentionflow.readers.finding import Finding
from attentionflow.readers.idx import SPLITS, is_idx, read_idx_pairs, read_idx_pictures
from attentionflow.readers.image import IMAGES, decode, size_of
from attentionflow.readers.splits import ORDER, fill_missing, held_out_by_label
from attentionflow.readers.table import read_table, table_kind
from attentionflow.readers.text import read_text
from attentionflow.readers.tree import Tree, open_tree

MOST_HELD_OUT = 5000
NAMES = "classes.txt"  # beside IDX files: the name of each label, a line each
METADATA = "metadata"  # a table of this name tells the labels of the pictures beside it

Labels = tuple[str, ...]  # of a picture: one, or none where the files tell none


@dataclass(frozen=True)
class LabelledPicture:
    """A picture, decoded when asked for, and its label (None: not known).

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

    numbers (N,): which of the names each has as its label; None where labels are not known. rows (N,): counted from 0
    in the file `place`.
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
        labels = None if self.numbers is None else (self.names[self.numbers[at]],)
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
    tables = [name for name in tree.names if table_kind(name) and Path(name).name.split(".")[0] == METADATA]
    if tables and not path.is_dir():
        raise UserError(f"{path} holds {tables[0]}; unpack the .zip, a metadata table is read from a folder alone")
    found = _of_tables(tree, tables, label) if tables else _of_folders(tree)
    if "train" not in found.splits:
        raise UserError(f"{path} has no training pictures: its splits are {', '.join(found.splits) or 'none'}")
    return found


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
    """SPLIT/LABEL/..., or LABEL/... where no folder is named after a split. Folders below a label mean nothing."""
    names = tree.below("", IMAGES)
    first = {name.split("/")[0] for name in names if "/" in name}
    split = {folder: SPLITS[folder.lower()] for folder in first if folder.lower() in SPLITS}
    made: dict[str, list[LabelledPicture]] = {}
    loose = []
    for name in names:
        parts = name.split("/")
        inner = parts[1:] if split else parts
        if len(inner) < 2 or (split and parts[0] not in split):
            loose.append(tree.where(name))
        else:
            made.setdefault(split[parts[0]] if split else "train", []).append(_of_file(tree, name, (inner[0],)))
    if not made:
        raise UserError(
            f"{tree.root} holds no pictures in folders of their labels (LABEL/one.jpg or train/LABEL/one.jpg), no "
            f"{METADATA}.csv and no IDX files"
        )
    what = "pictures stand in no folder of a label" + (", or in one beside those of the splits" if split else "")
    remedy = "Move them into the folder of their label"
    return LabelledPictures(_in_order(made), _faults(loose, f"{what}: left out", remedy))


def _of_tables(tree: Tree, tables: Sequence[str], label: str) -> LabelledPictures:
    """Each table tells the labels of pictures below its folder; the split is the outermost folder of a path."""
    there = set(tree.below("", IMAGES))
    made: dict[str, list[LabelledPicture]] = {}
    missing, told = [], set()
    for table in tables:
        folder = table.rpartition("/")[0]
        read = read_table(tree.root / table, [COLUMN, label], remedy="Name the column of the labels: --set label=NAME")
        for row, file, name in zip(read.rows, read.columns[COLUMN], read.columns[label], strict=True):
            path = f"{folder}/{file}".lstrip("/")
            place = f"{tree.where(table)}:{row}"
            if path not in there:
                missing.append(f"{place} ({file})")
                continue
            told.add(path)
            split = SPLITS.get(path.split("/")[0].lower(), "train")
            made.setdefault(split, []).append(_of_file(tree, path, (name.strip(),) if name.strip() else (), place))
    silent = [tree.where(name) for name in sorted(there - told)]
    faults = [
        *_faults(missing, "labels are without their picture: left out", "Put the picture there, or remove the row"),
        *_faults(silent, f"pictures stand in no {METADATA} table: left out", "Add a row, or remove the picture"),
    ]
    return LabelledPictures(_in_order(made), faults)


def _of_file(tree: Tree, name: str, labels: Labels, where: str = "") -> LabelledPicture:
    place = tree.where(name)
    content = partial(tree.read, name)
    return LabelledPicture(
        name, labels, where or place, content, lambda: decode(content(), place), lambda: size_of(content(), place)
    )


def _unlabelled(one: Picture) -> LabelledPicture:
    return LabelledPicture(one.name, None, one.where, lambda: one.pixels().tobytes(), one.pixels, lambda: one.size)


def _three(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels


def _in_order(splits: Mapping[str, list[LabelledPicture]]) -> dict[str, Sequence[LabelledPicture]]:
    return {split: splits[split] for split in ORDER if split in splits}


def _faults(places: Sequence[str], what: str, remedy: str) -> list[Finding]:
    """One for all places, or none."""
    what = f"{len(places):,} {what}"
    return [Finding("warning", what, len(places), tuple(places[:FEW]), remedy)] if places else []
