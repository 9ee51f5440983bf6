"""Clips with a label each: films, folders of frames, or motions of joints; in folders named after labels, or beside a
metadata table.

    train/wave/one.mp4      train/wave/one/0001.png ...      train/wave/one.npy      metadata.csv: file_name,label
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.finding import Finding
from attentionflow.readers.image import IMAGES
from attentionflow.readers.labelled_tree import (
    COLUMN,
    METADATA,
    Item,
    in_order,
    items_of_folders,
    items_of_tables,
    metadata_tables,
)
from attentionflow.readers.motion import MOTIONS, Motion, motion, read_motion
from attentionflow.readers.splits import fill_chosen, held_out_by_label
from attentionflow.readers.table import column_names, read_table, table_kind
from attentionflow.readers.tree import Tree, open_tree
from attentionflow.readers.video import VIDEOS, Film, FilmFile, FrameArray, FrameFolder

MOST_HELD_OUT = 5000
PICTURES = tuple(ending for ending in IMAGES if ending not in VIDEOS)
Labels = tuple[str, ...]  # one, or none where the files tell none


@dataclass(frozen=True)
class Clip:
    """A clip, opened when asked for, and its labels (None: not known).

    key: bytes that only equal clips share. open: gives what is to be seen, a film or a motion.
    """

    name: str
    labels: Labels | None
    where: str
    key: Callable[[], bytes] = field(repr=False, compare=False)
    open: Callable[[], Film | Motion] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Clips:
    """Splits of clips and what was found wrong on the way."""

    splits: dict[str, Sequence[Clip]]
    faults: Sequence[Finding] = ()


def read_clips(path: str | Path, label: str) -> Clips:
    """Splits by name, "train" first, from a folder. label: column of a metadata table."""
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is no folder of clips")
    tree = open_tree(path)
    names, tables = clips_of(tree), metadata_tables(tree)
    if tables:
        remedy = "Name the column of the labels: --set label=NAME"
        items, faults = items_of_tables(tree, tables, names, [label], "clip", remedy)
        items = [item._replace(cells=item.cells if item.cells[0] else ()) for item in items]
    else:
        items, faults = items_of_folders(tree, names, "clips")
    splits = in_order(items, lambda item: clip_of(tree, names[item.name], item))
    if "train" not in splits:
        raise UserError(
            f"{path} has no training clips: its splits are {', '.join(splits) or 'none'}. Expected are folders of "
            f"labels (LABEL/one.mp4 or train/LABEL/one.mp4) or {METADATA}.csv"
        )
    return Clips(splits, faults)


def read_inputs(path: Path) -> list[Clip]:
    """Clips without labels: one, a folder of them, or a table with file_name, whose paths start at its folder."""
    if table_kind(path) and COLUMN in column_names(path):
        table = read_table(path, [COLUMN])
        found = []
        for row, name in zip(table.rows, table.columns[COLUMN], strict=True):
            if not (path.parent / name).exists():
                raise DataError(f"there is no clip {name}", file=path, row=row, remedy="Paths start at its folder")
            found += read_inputs(path.parent / name)
        return found
    if path.is_dir():
        tree = open_tree(path)
        names = clips_of(tree)
        if not names:
            raise UserError(f"{path} holds no clips: no film, no folder of frames and no motion")
        # "." are the frames of the folder itself.
        found = [clip_of(tree, names[name], Item(name, "", (), tree.where(name)), None) for name in names]
        return [replace(one, name=path.name) if one.name == "." else one for one in found]
    if path.suffix.lower() not in (*VIDEOS, *MOTIONS):
        raise UserError(f"{path} is no clip that can be read: {', '.join((*VIDEOS, *MOTIONS))}, or a folder of frames")
    tree = Tree(path.parent, (path.name,), lambda name: (path.parent / name).read_bytes())
    return [clip_of(tree, (path.name,), Item(path.name, "", (), path.name), None)]


def one_input(given: Any) -> Clip:
    """A path, or an array: bytes (T, H, W) or (T, H, W, 3), or the places of joints (T, J, 2 or 3)."""
    if isinstance(given, Clip):
        return given
    if isinstance(given, str | Path):
        if not Path(given).exists():
            raise UserError(f"there is no clip {given}")
        found = read_inputs(Path(given))
        if len(found) != 1:
            raise UserError(f"{given} holds {len(found)} clips; give one")
        return found[0]
    return array_clip(np.asarray(given), "clip", None, "")


def array_clip(
    array: np.ndarray, name: str, labels: Labels | None, where: str, joints: tuple[str, ...] | None = None
) -> Clip:
    """A clip of an array, of bytes for pictures, of other numbers for places of joints with these names."""
    key = partial(_digest, array)
    if array.dtype != np.uint8:
        return Clip(name, labels, where, key, lambda: motion(array, joints, where or name))
    if not array.size or array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3):
        raise UserError(f"{where or name}: pictures in time are bytes (T, H, W) or (T, H, W, 3), got {array.shape}")
    return Clip(name, labels, where, key, lambda: FrameArray(array))


def film_of(clip: Clip) -> Film:
    """What is to be seen of a clip that must be a film."""
    opened = clip.open()
    if isinstance(opened, Motion):
        what = "holds joints, where the network was trained on films"
        raise DataError(what, file=clip.where or clip.name, remedy="Train on one kind at a time")
    return opened


def fill_splits(
    splits: Mapping[str, Sequence[Clip]], share: float, seed: int
) -> tuple[dict[str, Sequence[Clip]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so.

    Of every label about the same share; equal clips stay together.
    """

    def chosen(clips: Sequence[Clip]) -> np.ndarray:
        labels, keys = [one.labels or () for one in clips], [one.key() for one in clips]
        return held_out_by_label(labels, keys, share, MOST_HELD_OUT, seed, "clips")

    return fill_chosen(splits, chosen, "clips", seed)


def clips_of(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Name of each clip -> its files: a film, a motion, or all pictures of a folder."""
    found: dict[str, tuple[str, ...]] = {}
    for name in tree.below("", (*VIDEOS, *MOTIONS)):
        if Path(name).name.split(".")[0] != METADATA:
            found[name] = (name,)
    for name in tree.below("", PICTURES):
        folder = name.rpartition("/")[0] or "."
        found[folder] = (*found.get(folder, ()), name)
    return dict(sorted(found.items()))


def counted(files: Sequence[str]) -> bool:
    """Whether these files of a clip are pictures, whose times are only counted."""
    return files[0].lower().endswith(PICTURES)


def clip_of(tree: Tree, files: Sequence[str], item: Item, labels: Labels | None = ()) -> Clip:
    where = tree.where(item.name)
    labels = labels if labels is None else item.cells
    if counted(files):
        folder = FrameFolder(tuple(files), tree.read, where)
        return Clip(item.name, labels, item.where, lambda: _digest(*map(tree.read, files)), lambda: folder)
    path = tree.root / item.name
    if item.name.lower().endswith(MOTIONS):
        return Clip(item.name, labels, item.where, lambda: _of_file(path), lambda: read_motion(path, where))
    return Clip(item.name, labels, item.where, lambda: _of_file(path), lambda: FilmFile(path, where))


def _of_file(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file_digest(file, partial(blake2b, digest_size=16)).digest()


def _digest(*parts: bytes | np.ndarray) -> bytes:
    made = blake2b(digest_size=16)
    for part in parts:
        made.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part)
    return made.digest()
