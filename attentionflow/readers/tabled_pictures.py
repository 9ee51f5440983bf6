"""Pictures with several answers each: a metadata table beside them, every column of it a question.

    file_name,kind,colours,age
    a.jpg,cat,black|white,3.5
    b.jpg,dog,,12

A column is of a kind: `class`, one label of several; `labels`, any of several, separated by |; or `number`. An empty
cell is an answer that is not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_pictures import (
    MOST_HELD_OUT,
    LabelledPicture,
    PictureArray,
    of_tables,
    with_training,
)
from attentionflow.readers.labelled_texts import SEVERAL
from attentionflow.readers.labelled_tree import COLUMN, METADATA, metadata_tables
from attentionflow.readers.splits import fill_chosen, held_out
from attentionflow.readers.table import column_names
from attentionflow.readers.tree import open_tree

Kind = Literal["class", "labels", "number"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_CLASSES = 20  # different numbers up to which a column of them is taken for classes


@dataclass(frozen=True)
class TabledPictures:
    """Splits of pictures whose labels are the cells of these columns, in their order; and what was found wrong."""

    splits: dict[str, Sequence[LabelledPicture]]
    columns: tuple[str, ...]
    faults: Sequence[Finding] = ()

    def only(self, columns: Sequence[str], remedy: str) -> TabledPictures:
        """With these columns in this order; all where none is named. UserError for one that is not there."""
        for name in columns:
            if name not in self.columns:
                raise UserError(f"there is no column {name!r} of answers: {nearest(name, self.columns)}. {remedy}")
        at = [self.columns.index(name) for name in columns]
        if not at or at == list(range(len(self.columns))):
            return self
        splits = {split: _with_columns(pictures, at) for split, pictures in self.splits.items()}
        return replace(self, splits=splits, columns=tuple(columns))


def _with_columns(pictures: Sequence[LabelledPicture], at: Sequence[int]) -> Sequence[LabelledPicture]:
    if isinstance(pictures, PictureArray):
        assert pictures.numbers is not None
        return replace(pictures, numbers=pictures.numbers[:, at])
    return [replace(one, labels=tuple((one.labels or ())[i] for i in at)) for one in pictures]


def read_tabled_pictures(path: str | Path) -> TabledPictures:
    """Splits by name, "train" first, of a folder with metadata tables; all columns but that of the paths."""
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is no folder of pictures with a {METADATA}.csv")
    tree = open_tree(path)
    tables = metadata_tables(tree)
    if not tables:
        raise UserError(
            f"{path} has no {METADATA}.csv (.tsv, .jsonl, .parquet) with the columns {COLUMN} and one for each question"
        )
    columns = [name for name in column_names(path / tables[0]) if name != COLUMN]
    if not columns:
        raise DataError("there is no column of answers", file=path / tables[0], remedy="Add one for each question")
    remedy = f"All {METADATA} tables must have the columns of {tables[0]}"
    found = with_training(path, of_tables(tree, tables, columns, remedy))
    return TabledPictures(found.splits, tuple(columns), found.faults)


def column_kinds(cells: Mapping[str, Sequence[str]], given: Mapping[str, Kind]) -> dict[str, Kind]:
    """Column -> kind: as given, or by its cells, empty ones aside. With a | anywhere: labels; all numbers, with a
    fraction among them or more than MOST_CLASSES different: a number; otherwise a class."""
    for name in given:
        if name not in cells:
            raise UserError(f"kinds names a column {name!r} that is not there: {nearest(name, cells)}")
    return {name: given.get(name) or _kind({cell for cell in column if cell}) for name, column in cells.items()}


def _kind(different: set[str]) -> Kind:
    if any(SEVERAL in cell for cell in different):
        return "labels"
    numbers = [as_number(cell) for cell in different]
    if not numbers or None in numbers:
        return "class"
    whole = all(number is not None and number == round(number) for number in numbers)
    return "class" if whole and len(different) <= MOST_CLASSES else "number"


def as_number(cell: str) -> float | None:
    """None where the cell is no finite number."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def fill_splits(
    splits: Mapping[str, Sequence[LabelledPicture]], share: float, seed: int
) -> tuple[dict[str, Sequence[LabelledPicture]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so.

    At random, since no order of so many answers suits them all; equal pictures stay together.
    """

    def chosen(pictures: Sequence[LabelledPicture]) -> np.ndarray:
        return held_out([one.content().hex() for one in pictures], share, MOST_HELD_OUT, seed, "pictures")

    return fill_chosen(splits, chosen, "pictures", seed)
