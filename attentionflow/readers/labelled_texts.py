"""Texts with labels: what classification and sentiment learn from.

`read_texts` reads a table (columns text and label), a folder of tables train.csv, val.csv, test.csv, or folders of text
files named after their label: LABEL/*.txt, or train/LABEL/*.txt, val/..., test/.... Tables may be gzipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from attentionflow.errors import DataError, UserError
from attentionflow.readers.splits import CANONICAL, ORDER, fill_missing
from attentionflow.readers.table import TABLES, read_frame, read_table, table_kind
from attentionflow.readers.text import Lines, checked_path, read_text

MOST_HELD_OUT = 2000
SEVERAL = "|"  # between the labels of a cell

ReadLabels = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its labels (None: not known), and where it stands. part: a phrase of a longer text, only learned from."""

    text: str
    labels: tuple[str, ...] | None
    where: str
    part: bool = False


def one_label(cell: str) -> tuple[str, ...]:
    """The whole cell; () where it is empty."""
    return (cell.strip(),) if cell.strip() else ()


def several_labels(cell: str) -> tuple[str, ...]:
    """Labels separated by |, or a JSON list of them; in the order of the alphabet, each once. A cell may be empty."""
    cell = cell.strip()
    if cell.startswith("["):
        try:
            found = json.loads(cell)
        except ValueError as error:
            raise UserError(f"the labels {cell[:60]!r} begin like a JSON list but are none ({error})") from None
        names = [str(name).strip() for name in found]
    else:
        names = [name.strip() for name in cell.split(SEVERAL)]
    return tuple(sorted({name for name in names if name}))


def read_texts(path: str | Path, text: str, label: str, labels: ReadLabels) -> dict[str, list[LabelledText]]:
    """Splits by name, "train" first. text, label: columns of a table. labels: what a cell of the second says."""
    path = Path(path)
    if path.is_file():
        if not table_kind(path):
            raise UserError(
                f"{path} is no table ({', '.join(TABLES)}) with the columns {text} and {label}, and no folder of texts"
            )
        return {"train": _of_table(path, text, label, labels)}
    checked = _children(path)
    tables = {split: file for file in checked if table_kind(file) and (split := _split(file))}
    folders = [child for child in checked if child.is_dir()]
    named = {split: folder for folder in folders if (split := _split(folder))}
    if "train" in tables:
        if "train" in named:
            raise UserError(
                f"{path} holds the training texts as {tables['train'].name} and as a folder; leave one there"
            )
        return _in_order({split: _of_table(file, text, label, labels) for split, file in tables.items()})
    if "train" in named:
        return _in_order({split: _of_folders(folder, path) for split, folder in named.items()})
    if not named and any(_texts(folder) for folder in folders):
        return {"train": _of_folders(path, path)}
    found = ", ".join(child.name for child in checked[:10]) or "nothing"
    raise UserError(
        f"{path} has no training texts: it needs a table train.csv, .tsv, .jsonl or .parquet with the columns {text} "
        f"and {label}, folders LABEL with text files, or the same below train, val and test; it holds {found}"
    )


def read_inputs(path: Path, text: str) -> list[LabelledText]:
    """Texts without labels: a table's column, the lines of a text file, or the .txt files of a folder, each a text."""
    if path.is_dir():
        files = _texts(path)
        if not files:
            raise UserError(f"{path} holds no .txt file")
        return [LabelledText(read_text(file).strip(), None, file.name) for file in files]
    if table_kind(path):
        table = read_table(path, [text], remedy="Name the column: --set text=NAME")
        rows = zip(table.columns[text], table.rows, strict=True)
        return [LabelledText(cell.strip(), None, f"{path.name}:{row}") for cell, row in rows]
    return [LabelledText(line.strip(), None, f"{path.name}:{row}") for row, line in enumerate(Lines(path), start=1)]


def fill_splits(
    splits: Mapping[str, Sequence[LabelledText]], share: float, seed: int
) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so."""
    return fill_missing(splits, lambda train, _: hold_out(train, share, MOST_HELD_OUT, seed), "texts", seed)


def hold_out(
    examples: Sequence[LabelledText], share: float, most: int, seed: int
) -> tuple[list[LabelledText], list[LabelledText]]:
    """What stays, and what is held out: of every combination of labels about the same share, at random by `seed`.

    The same text is never on both sides, and phrases are not held out. A label with a single text stays.
    """
    whole = [one for one in examples if not one.part]
    share = min(share, most / max(1, len(whole)))
    groups: dict[tuple[str, ...], dict[bytes, str]] = {}
    for one in whole:
        key = blake2b(f"{seed}\n{one.text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        groups.setdefault(one.labels or (), {})[key] = one.text
    held: set[str] = set()
    owed = 0.0  # what rounding has kept back so far, so that many small groups give their share together
    for _, texts in sorted(groups.items()):
        owed += share * len(texts)
        count = min(int(owed + 0.5), len(texts) - 1)
        if count > 0:
            held.update(texts[key] for key in sorted(texts)[:count])
            owed -= count
    if not held:
        raise UserError(
            f"{len(whole)} texts with {len(groups)} different labels are too few to hold some out; add texts, or give "
            "a split of its own"
        )
    stay = [one for one in examples if one.part or one.text not in held]
    return stay, [one for one in whole if one.text in held]


def _of_table(path: Path, text: str, label: str, labels: ReadLabels) -> list[LabelledText]:
    remedy = "Name the columns: --set text=NAME --set label=NAME"
    frame, rows = read_frame(path, [text, label], remedy=remedy)
    found = []
    for words, cell, row in zip(frame[text].to_list(), frame[label].to_list(), rows, strict=True):
        try:
            found.append(LabelledText(words.strip(), labels(cell), f"{path.name}:{row}"))
        except UserError as error:
            raise DataError(str(error), file=path, row=row, remedy=f"Separate labels by {SEVERAL}") from None
    return found


def _of_folders(folder: Path, root: Path) -> list[LabelledText]:
    found = []
    for child in _children(folder):
        if child.is_dir():
            for file in _texts(child):
                found.append(LabelledText(read_text(file).strip(), (child.name,), file.relative_to(root).as_posix()))
    if not found:
        raise UserError(f"{folder} holds no folder LABEL with .txt files")
    return found


def _children(folder: Path) -> list[Path]:
    folder = folder if folder.is_dir() else checked_path(folder)
    return sorted(child for child in folder.iterdir() if not child.name.startswith("."))


def _texts(folder: Path) -> list[Path]:
    return [file for file in _children(folder) if file.name.lower().endswith((".txt", ".txt.gz"))]


def _split(path: Path) -> str | None:
    """Of a table or folder named after one."""
    name = path.name.lower()
    name = name.split(".")[0] if path.is_file() else name
    name = CANONICAL.get(name, name)
    return name if name in ORDER else None


def _in_order(splits: Mapping[str, list[LabelledText]]) -> dict[str, list[LabelledText]]:
    return {split: splits[split] for split in ORDER if split in splits}
