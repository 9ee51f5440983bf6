"""Pairs of texts: what translation, summarisation and dialogue learn from.

`read_pairs` reads a folder of parallel text files (train.en, train.de, val.en ...), a folder of tables (train.csv ...)
or one table, each also gzipped. `read_inputs` reads texts that have no target yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.readers.pair_checks import check_pairs
from attentionflow.readers.splits import CANONICAL, ORDER, fill_missing, held_out
from attentionflow.readers.table import TABLES, column_names, read_table, table_kind
from attentionflow.readers.text import Lines, checked_path

__all__ = ["COLUMNS", "Pair", "Pairs", "Subset", "check_pairs", "fill_splits", "hold_out", "read_inputs", "read_pairs"]

MOST_HELD_OUT = 2000
COLUMNS = (("source", "target"),)  # of a table: the usual names of both sides, the likeliest first


@dataclass(frozen=True, slots=True)
class Pair:
    """A source text, its target (None: not known), and where it stands: "train.en:17" is row 17 of the file."""

    source: str
    target: str | None
    where: str


class Subset(Sequence[Pair]):
    """Some of a sequence of pairs, by index; nothing is copied."""

    def __init__(self, pairs: Sequence[Pair], indices: np.ndarray) -> None:
        self.pairs, self.indices = pairs, indices

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Subset: ...
    def __getitem__(self, index: int | slice) -> Pair | Subset:
        if isinstance(index, slice):
            return Subset(self.pairs, self.indices[index])
        return self.pairs[int(self.indices[index])]


class Pairs(Sequence[Pair]):
    """Pairs read when asked for, blanks stripped from both ends of both texts.

    file: the name that `Pair.where` shows; rows: the row of each pair in it, from 1 on without gaps where not given.
    """

    def __init__(
        self, sources: Sequence[str], targets: Sequence[str] | None, file: str, rows: Sequence[int] | None = None
    ) -> None:
        self.sources, self.targets, self.file = sources, targets, file
        self.rows = range(1, len(sources) + 1) if rows is None else rows

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Subset: ...
    def __getitem__(self, index: int | slice) -> Pair | Subset:
        if isinstance(index, slice):
            return Subset(self, np.arange(len(self))[index])
        target = None if self.targets is None else self.targets[index].strip()
        return Pair(self.sources[index].strip(), target, f"{self.file}:{self.rows[index]}")


def read_pairs(
    path: str | Path,
    source: str | None = None,
    target: str | None = None,
    columns: Sequence[tuple[str, str]] = COLUMNS,
) -> dict[str, Pairs]:
    """The splits of a folder or table, by name: "train" first, then "val" and "test" where they are, then any others.

    source, target: the two languages, which are file extensions (train.en: "en"); in a table, the two columns. Where
    neither is given, the first of `columns` that is there. A validation split may also be called valid, validation or
    dev.
    """
    path = Path(path)
    if path.is_dir():
        texts = [file for file in _files(path) if not table_kind(file)]
        # Only tables whose name tells a split count: metadata.csv may lie there too.
        named = [file for file in _files(path) if any(word in _parts(file)[0] for word in ORDER)]
        tables = _by_split(path, [file for file in named if table_kind(file)])
        languages = {_parts(file)[1] for file in texts if _parts(file)[0] == "train"}
        if "train" in tables and languages:
            raise UserError(
                f"{path} holds the training pairs as {tables['train'].name} and as text files train.*; leave one there"
            )
        if "train" in tables:
            return _in_order({split: _table_pairs(file, source, target, columns) for split, file in tables.items()})
        if source is None and target is None:
            usual = (names for names in columns if languages >= set(names))
            source, target = next(usual, (None, None))
        if languages:
            return _language_pairs(path, texts, languages, source, target)
        found = ", ".join(file.name for file in _files(path)[:10]) or "nothing"
        raise UserError(
            f"{path} has no training pairs: it needs train.<language> twice, such as train.en and train.de, or a table "
            f"train.csv, .tsv, .jsonl or .parquet; it holds {found}"
        )
    checked_path(path)
    if table_kind(path):
        return {"train": _table_pairs(path, source, target, columns)}
    raise UserError(
        f"{path} is one text file, but pairs need two sides: give the folder that holds train.<source> and "
        f"train.<target>, or a table ({', '.join(TABLES)}) with a column for each"
    )


def read_inputs(path: str | Path, source: str | None = None, columns: Sequence[tuple[str, str]] = COLUMNS) -> Pairs:
    """Texts without target: a text file, one a line (empty ones are kept), or a table's column, by default the first
    source column of `columns` that is there."""
    path = Path(path)
    if table_kind(path):
        column = source or _usual(path, [name for name, _ in columns])
        table = read_table(path, [column], remedy="Name the column: --set source=NAME")
        return Pairs(table.columns[column], None, path.name, table.rows)
    return Pairs(Lines(path), None, path.name)


def fill_splits(
    splits: Mapping[str, Sequence[Pair]], share: float, seed: int
) -> tuple[dict[str, Sequence[Pair]], list[str]]:
    """The splits with "val" and "test" held out where they are missing, and notes that say so."""
    return fill_missing(splits, lambda train, _: hold_out(train, share, MOST_HELD_OUT, seed), "examples", seed)


def hold_out(pairs: Sequence[Pair], share: float, most: int, seed: int) -> tuple[Subset, Subset]:
    """What stays for training, and what is held out: about `share` of all and at most `most`, at random by `seed`.

    Pairs of the same source text stay together, so no text is on both sides. Both keep the order of `pairs`.
    """
    chosen = held_out([pair.source for pair in pairs], share, most, seed, "pairs")
    return Subset(pairs, np.flatnonzero(~chosen)), Subset(pairs, np.flatnonzero(chosen))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def _parts(file: Path) -> tuple[str, str]:
    """Split and extension: ("val", "en") for valid.en.gz."""
    stem, _, extension = file.name.removesuffix(".gz").rpartition(".")
    return CANONICAL.get(stem, stem), extension


def _by_split(folder: Path, files: Sequence[Path]) -> dict[str, Path]:
    splits: dict[str, Path] = {}
    for file in files:
        split = _parts(file)[0]
        if splits.setdefault(split, file) != file:
            raise UserError(f"{folder} holds {split!r} twice, as {splits[split].name} and {file.name}; leave one there")
    return splits


def _in_order(splits: dict[str, Pairs]) -> dict[str, Pairs]:
    names = [name for name in ORDER if name in splits] + sorted(splits.keys() - set(ORDER))
    return {name: splits[name] for name in names}


def _table_pairs(file: Path, source: str | None, target: str | None, columns: Sequence[tuple[str, str]]) -> Pairs:
    source = source or _usual(file, [name for name, _ in columns])
    target = target or _usual(file, [name for _, name in columns])
    if source == target:
        raise UserError(f"source and target are both the column {source!r}; name two, as in --set target=NAME")
    table = read_table(file, (source, target), remedy="Name the columns: --set source=NAME --set target=NAME")
    return Pairs(table.columns[source], table.columns[target], file.name, table.rows)


def _usual(file: Path, names: Sequence[str]) -> str:
    """The first of these columns that a table has; the first of all where it has none, or where there is no choice."""
    there = set(column_names(file)) if len(set(names)) > 1 else set()
    return next((name for name in names if name in there), names[0])


def direction(languages: set[str], source: str | None, target: str | None, place: object) -> tuple[str, str]:
    """Which language is translated into which; UserError where that is not said or not possible."""
    for side, language in (("source", source), ("target", target)):
        if language is not None and language not in languages:
            raise UserError(f"{place} has no {side} language {language!r}: {nearest(language, languages)}")
    if len(languages) < 2:
        raise UserError(f"{place} has train.{min(languages)} alone; the other side is missing: add train.<language>")
    left = sorted(languages - {source, target}, key=lambda language: (language != "en", language))
    if (source is None and target is None) or (len(languages) > 2 and (source is None or target is None)):
        first, second = (source or left[0], target or left[-1])
        raise UserError(
            f"{place} has the languages {', '.join(sorted(languages))}, and which is translated into which cannot be "
            f"guessed: add --set source={first} --set target={second}, or the other way round"
        )
    source, target = source or left[0], target or left[0]
    if source == target:
        raise UserError(f"source and target are both {source!r}; choose two of {', '.join(sorted(languages))}")
    return source, target


def _language_pairs(
    folder: Path, files: Sequence[Path], languages: set[str], source: str | None, target: str | None
) -> dict[str, Pairs]:
    source, target = direction(languages, source, target, folder)
    sides = [_by_split(folder, [file for file in files if _parts(file)[1] == side]) for side in (source, target)]
    splits = {}
    for split in sides[0].keys() | sides[1].keys():
        if split in sides[0] and split in sides[1]:
            splits[split] = _parallel(sides[0][split], sides[1][split])
        elif split in ORDER:  # another one-sided file need not be a split at all
            there = sides[0].get(split) or sides[1][split]
            other = target if split in sides[0] else source
            raise DataError(f"its other side {split}.{other} is missing", file=there, remedy="Add it, or remove both")
    return _in_order(splits)


def _parallel(source: Path, target: Path) -> Pairs:
    sources, targets = Lines(source), Lines(target)
    if len(sources) != len(targets):
        raise DataError(
            f"{len(sources):,} lines, but {target.name} has {len(targets):,}{_drift(sources, targets)}",
            file=source,
            remedy="Line k of one file must belong to line k of the other: find the line that is missing or too many",
        )
    return Pairs(sources, targets, source.name)


def _drift(sources: Lines, targets: Lines) -> str:
    """Where two files of unequal length seem to part: at the first line that is empty on one side alone; else where
    lengths would match best if the surplus of the longer file stood in one place there."""
    lengths = [np.array([len(line.strip()) for line in side], dtype=float) for side in (sources, targets)]
    short, long = sorted(lengths, key=len)
    lone = np.flatnonzero((short == 0) != (long[: len(short)] == 0))
    if len(lone):
        return f" and row {lone[0] + 1} is empty on one side alone"
    scale = np.log1p(long).mean() - np.log1p(short).mean()
    before = np.abs(np.log1p(long[: len(short)]) - np.log1p(short) - scale)
    after = np.abs(np.log1p(long[len(long) - len(short) :]) - np.log1p(short) - scale)
    cost = np.append(0, np.cumsum(before)) + np.append(np.cumsum(after[::-1])[::-1], 0)
    return f"; judged by the lengths of the lines, they part at about row {int(cost.argmin()) + 1}"
