"""Pictures to predict for, and the splits that a user's pictures lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.boxes import Picture, plain_picture, read_picture
from attentionflow.readers.image import IMAGES, decode, size_of
from attentionflow.readers.splits import fill_missing
from attentionflow.readers.table import TABLES, read_table, table_kind
from attentionflow.readers.tree import open_tree

P = TypeVar("P")

COLUMN = "file_name"  # of a table of pictures, as in the metadata.csv of an imagefolder


def pictures_to_answer(path: Path) -> list[Picture]:
    """A picture, a folder or .zip of them, or a table with the column file_name, whose paths start at its folder."""
    if table_kind(path):
        table = read_table(path, [COLUMN], remedy=f"Call the column of the pictures' paths {COLUMN}")
        found = []
        for row, name in zip(table.rows, table.columns[COLUMN], strict=True):
            if not (path.parent / name).is_file():
                remedy = "Paths start at the folder of the table"
                raise DataError(f"there is no picture {name}", file=path, row=row, remedy=remedy)
            found.append(read_picture(path.parent / name))
        return found
    if path.suffix.lower() in IMAGES:
        return [read_picture(path)]
    if not path.is_dir() and path.suffix.lower() != ".zip":
        raise UserError(f"{path} is no picture, .zip or table that can be read: {', '.join((*IMAGES, *TABLES))}")
    tree = open_tree(path)
    names = tree.below("", IMAGES)
    if not names:
        raise UserError(f"{path} holds no pictures ({', '.join(IMAGES)})")
    nothing = np.zeros((0, 4), np.float32)
    made = []
    for name in names:
        where = tree.where(name)
        content = partial(tree.read, name)
        size = size_of(content(), where)
        pixels = partial(_decoded, content, where)
        made.append(Picture(name, pixels, size, nothing, (), np.zeros(0, bool), where))
    return made


def _decoded(content: Any, where: str) -> np.ndarray:
    return decode(content(), where)


def given_picture(given: Any) -> Picture:
    """A path, an array (H, W, 3) of bytes or (H, W), or whatever NumPy takes for one, such as a picture of Pillow's."""
    if isinstance(given, Picture):
        return given
    if isinstance(given, str | Path):
        path = Path(given)
        if not path.is_file():
            raise UserError(f"there is no picture {given}")
        found = pictures_to_answer(path)
        if len(found) != 1:
            raise UserError(f"{given} holds {len(found)} pictures; give one")
        return found[0]
    pixels = np.asarray(given)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise TypeError(f"a picture must be a path or bytes (H, W, 3), got {pixels.dtype} {pixels.shape}")
    if not pixels.size:
        raise UserError("the picture has no pixels")
    pixels = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
    return plain_picture(pixels, "picture", "")


def fill_splits(splits: Mapping[str, Sequence[P]], share: float, seed: int) -> tuple[dict[str, Sequence[P]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so."""
    if "train" not in splits:
        raise UserError(f"there are no training pictures: the splits are {', '.join(splits)}")

    def take(pictures: Sequence[P], name: str) -> tuple[list[P], list[P]]:
        count = max(1, round(share * len(pictures)))
        if count >= len(pictures):
            raise UserError(f"{len(pictures)} training pictures are too few to hold a {name} split out of; add some")
        held = set(np.random.default_rng(seed).permutation(len(pictures))[:count].tolist())
        rest = [one for at, one in enumerate(pictures) if at not in held]
        return rest, [one for at, one in enumerate(pictures) if at in held]

    return fill_missing(splits, take, "pictures", seed)
