"""Items with labels in a tree of files, whatever an item is: a file, or a folder of frames.

train/LABEL/item   LABEL/item             folders named after labels
metadata.csv       file_name,label        a table whose paths start at its own folder
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from attentionflow.errors import UserError
from attentionflow.readers.finding import Finding
from attentionflow.readers.splits import ORDER, SPLITS
from attentionflow.readers.table import read_table, table_kind
from attentionflow.readers.tree import Tree

METADATA = "metadata"  # a table of this name tells the labels of the items beside and below it
COLUMN = "file_name"  # of such a table, the paths
FEW = 5  # places named in a finding

E = TypeVar("E")


class Item(NamedTuple):
    """An item's name in the tree, its split, the cells that tell its labels, and the place where it is told."""

    name: str
    split: str
    cells: tuple[str, ...]
    where: str


def items_of_folders(tree: Tree, names: Iterable[str], what: str) -> tuple[list[Item], list[Finding]]:
    """SPLIT/LABEL/..., or LABEL/... where no folder is named after a split; the label is the one cell. Folders below a
    label mean nothing. what: the items are called, in the findings."""
    names = list(names)
    first = {name.split("/")[0] for name in names if "/" in name}
    split = {folder: SPLITS[folder.lower()] for folder in first if folder.lower() in SPLITS}
    items, loose = [], []
    for name in names:
        parts = name.split("/")
        inner = parts[1:] if split else parts
        if len(inner) < 2 or (split and parts[0] not in split):
            loose.append(tree.where(name))
        else:
            items.append(Item(name, split[parts[0]] if split else "train", (inner[0],), tree.where(name)))
    told = f"{what} stand in no folder of a label" + (", or in one beside those of the splits" if split else "")
    return items, found_faults(loose, f"{told}: left out", "Move them into the folder of their label")


def metadata_tables(tree: Tree) -> list[str]:
    """Tables that tell the labels of the items beside and below them."""
    tables = [name for name in tree.names if table_kind(name) and Path(name).name.split(".")[0] == METADATA]
    if tables and not tree.root.is_dir():
        raise UserError(f"{tree.root} holds {tables[0]}; unpack the .zip, a metadata table is read from a folder alone")
    return tables


def items_of_tables(
    tree: Tree, tables: Sequence[str], names: Iterable[str], columns: Sequence[str], what: str, remedy: str
) -> tuple[list[Item], list[Finding]]:
    """Each table tells the cells of items below its folder; the split is the outermost folder of a path.

    what: an item is called. remedy: what to do where a column is not there.
    """
    there = set(names)
    items, missing, told = [], [], set()
    for table in tables:
        folder = table.rpartition("/")[0]
        read = read_table(tree.root / table, [COLUMN, *columns], remedy=remedy)
        by_row = zip(*(read.columns[column] for column in columns), strict=True)
        for row, file, given in zip(read.rows, read.columns[COLUMN], by_row, strict=True):
            path = f"{folder}/{file}".strip("/")
            place = f"{tree.where(table)}:{row}"
            if path not in there:
                missing.append(f"{place} ({file})")
                continue
            told.add(path)
            split = SPLITS.get(path.split("/")[0].lower(), "train")
            items.append(Item(path, split, tuple(cell.strip() for cell in given), place))
    silent = [tree.where(name) for name in sorted(there - told)]
    remedy = f"Put the {what} there, or remove the row"
    return items, [
        *found_faults(missing, f"labels are without their {what}: left out", remedy),
        *found_faults(silent, f"{what}s stand in no {METADATA} table: left out", f"Add a row, or remove the {what}"),
    ]


def in_order(items: Iterable[Item], made: Callable[[Item], E]) -> dict[str, Sequence[E]]:
    """What is made of the items, by split, the training split first."""
    by_split: dict[str, list[E]] = {}
    for item in items:
        by_split.setdefault(item.split, []).append(made(item))
    return {split: by_split[split] for split in ORDER if split in by_split}


def found_faults(places: Sequence[str], what: str, remedy: str) -> list[Finding]:
    """One for all places, or none."""
    what = f"{len(places):,} {what}"
    return [Finding("warning", what, len(places), tuple(places[:FEW]), remedy)] if places else []
