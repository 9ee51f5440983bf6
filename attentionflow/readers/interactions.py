"""Who did what and when: tables of interactions, RecBole's .inter files, and files of `user item` lines in time order.

Letters: N actions, U users.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import overload

import numpy as np

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.readers.finding import Finding
from attentionflow.readers.table import TABLES, read_frame, table_kind
from attentionflow.readers.text import Lines, checked_path

RECBOLE = (".inter", ".item")  # tab-separated, with types in the header: user_id:token
USER, ITEM, TIME, RATING, NAME = (
    ("user", "user_id"),
    ("item", "item_id"),
    ("timestamp", "time"),
    ("rating",),
    ("name", "title"),
)
FEW = 5  # places named in a finding
LEAST = 3  # actions of a user from whom two are held out


@dataclass(frozen=True, slots=True)
class History:
    """What a user did, oldest first, and what came next (None: not known); `where` is the row of what came next."""

    items: tuple[str, ...]
    target: str | None
    user: str
    where: str

    @property
    def whole(self) -> tuple[str, ...]:
        """The items and what came next."""
        return self.items if self.target is None else (*self.items, self.target)


@dataclass(frozen=True)
class Interactions:
    """The actions of all users, user after user, each in time order.

    users, items: names by code, in order of first appearance. offsets: (U + 1,) where the actions of each user begin.
    codes: (N,) the item of each action; rows: (N,) its row in the file; times: (N,) seconds, None where not known.
    names: what people call an item. faults: rows that were left out. notes: what a reader must know.
    """

    file: str
    users: list[str]
    items: list[str]
    offsets: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    times: np.ndarray | None = None
    names: Mapping[str, str] | None = None
    faults: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> np.ndarray:
        """(U,) actions of each user."""
        return np.diff(self.offsets)


class Histories(Sequence[History]):
    """A history of each of some users, made when asked for.

    users: (n,) which of them; held: (n,) how many of each one's last actions are kept away.
    """

    def __init__(self, log: Interactions, users: np.ndarray, held: np.ndarray) -> None:
        self.log, self.users, self.held = log, users, held

    def __len__(self) -> int:
        return len(self.users)

    @overload
    def __getitem__(self, index: int) -> History: ...
    @overload
    def __getitem__(self, index: slice) -> Histories: ...
    def __getitem__(self, index: int | slice) -> History | Histories:
        if isinstance(index, slice):
            return Histories(self.log, self.users[index], self.held[index])
        log, user = self.log, int(self.users[index])
        start, end = int(log.offsets[user]), int(log.offsets[user + 1]) - int(self.held[index])
        names = [log.items[code] for code in log.codes[start:end].tolist()]
        return History(tuple(names[:-1]), names[-1], log.users[user], f"{log.file}:{log.rows[end - 1]}")


def leave_one_out(log: Interactions) -> tuple[dict[str, Sequence[History]], list[str]]:
    """Of every user the last action for test, the last but one for val and the rest for train, with notes.

    Users with fewer than three actions are in train alone.
    """
    counts, everyone = log.counts, np.arange(len(log.users))
    enough = counts >= LEAST
    if not enough.any():
        raise UserError(
            f"{log.file}: no user has {LEAST} actions, so none can be held out for val and test; add data, or check "
            f"that the column of users is the right one"
        )
    scored = everyone[enough]
    splits: dict[str, Sequence[History]] = {
        "train": Histories(log, everyone, np.where(enough, 2, 0)),
        "val": Histories(log, scored, np.ones(len(scored), int)),
        "test": Histories(log, scored, np.zeros(len(scored), int)),
    }
    notes = [f"{fault.what}: {', '.join(fault.where)}" for fault in log.faults] + list(log.notes)
    if not enough.all():
        notes.append(
            f"{(~enough).sum():,} of {len(enough):,} users have fewer than {LEAST} actions: they are in train alone"
        )
    return splits, notes


def read_interactions(
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    time: str | None = None,
    least_rating: float | None = None,
    names: str | Path | None = None,
) -> Interactions:
    """The interactions of a table, a .inter file, a text file of `user item` lines, or a folder that holds one.

    user, item, time: columns of the table, by default those of USER, ITEM and TIME. Without a column of times the order
    of the rows counts, and that is noted. least_rating: rows rated lower are left out, and counted. names: a table with
    the columns item and name; in a folder, items.* or *.item unless given. Rows that lack a cell, or whose time or
    rating cannot be read, are left out and become `faults`.
    """
    path = Path(path)
    if path.is_dir():
        path, beside = _of_folder(path)
        names = names or beside
    checked_path(path)
    if _kind(path):
        log = _read_table(path, user, item, time, least_rating)
    elif given := [value for value in (user, item, time, least_rating) if value is not None]:
        raise UserError(f"{path} has no columns that could be chosen ({given[0]}): each line is a user and an item")
    else:
        log = _read_lines(path)
    return replace(log, names=read_names(names)) if names else log


def read_histories(
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    time: str | None = None,
    least_rating: float | None = None,
) -> list[History]:
    """Histories to go on from: a text file with the items of one a line, or a table as for training, one a user.

    DataError for a row of the table that cannot be read, as an answer to less than the whole history would mislead.
    """
    path = Path(path)
    if not _kind(path):
        lines = enumerate(Lines(path)[:], start=1)
        return [History(tuple(line.split()), None, "", f"{path.name}:{row}") for row, line in lines]
    log = read_interactions(path, user=user, item=item, time=time, least_rating=least_rating)
    for fault in log.faults:
        raise DataError(f"{fault.what.split(';')[0]}: {', '.join(fault.where)}", file=path, remedy=fault.remedy)
    everyone = Histories(log, np.arange(len(log.users)), np.zeros(len(log.users), int))
    return [replace(one, items=one.whole, target=None) for one in everyone]


def read_names(path: str | Path) -> dict[str, str]:
    """Item -> name, from a table with the columns item and name (or item_id and title). An empty name is none."""
    kind = _kind(path)
    if kind is None:
        raise UserError(f"{path} is no table of names: it must end in {', '.join((*TABLES, '.item'))} (.gz is fine)")
    frame, _ = read_frame(path, kind=kind)
    ids, called = (frame[_column(path, frame.columns, None, aliases, "names")].to_list() for aliases in (ITEM, NAME))
    return {one.strip(): name.strip() for one, name in zip(ids, called, strict=True) if name.strip()}


def arranged(
    file: str, users: Iterable[str], items: Iterable[str], times: np.ndarray | None = None, rows: object = None
) -> Interactions:
    """Interactions of columns in any order: grouped by user, each in time order, equal times in that of the rows."""
    user_names, user_codes = _coded(users)
    item_names, codes = _coded(items)
    numbers = np.arange(1, len(codes) + 1) if rows is None else np.asarray(rows)
    order = np.lexsort((numbers, user_codes) if times is None else (numbers, times, user_codes))
    offsets = np.concatenate(([0], np.cumsum(np.bincount(user_codes, minlength=len(user_names)))))
    sorted_times = None if times is None else times[order]
    return Interactions(file, user_names, item_names, offsets, codes[order], numbers[order], sorted_times)


def _coded(texts: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """The different texts in order of first appearance, and the place of each text among them."""
    known: dict[str, int] = {}
    codes = [known.setdefault(text, len(known)) for text in texts]
    return list(known), np.array(codes, np.int64)


def _kind(path: str | Path) -> str | None:
    """What kind of table a file is; None for a text file."""
    name = Path(path).name.lower().removesuffix(".gz")
    return ".tsv" if name.endswith(RECBOLE) else table_kind(path)


def _of_folder(folder: Path) -> tuple[Path, Path | None]:
    """The file of interactions in a folder, and the table of names beside it where there is one."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))

    def found(stem: str, extension: str) -> list[Path]:
        return [
            f for f in files if f.name.split(".")[0] == stem or f.name.lower().removesuffix(".gz").endswith(extension)
        ]

    main, beside = found("interactions", ".inter"), found("items", ".item")
    for what, several in (("interactions", main), ("names", beside)):
        if len(several) > 1:
            listed = ", ".join(file.name for file in several)
            raise UserError(f"{folder} holds several files of {what}: {listed}; leave one, or name the file itself")
    if not main:
        there = ", ".join(file.name for file in files[:10]) or "nothing"
        raise UserError(
            f"{folder} holds no interactions: it needs interactions.csv (.tsv, .jsonl, .parquet, .txt) or a .inter "
            f"file; it holds {there}. Or name the file itself"
        )
    return main[0], beside[0] if beside else None


def _column(path: str | Path, there: Sequence[str], given: str | None, aliases: Sequence[str], setting: str) -> str:
    """The column as the header writes it: the one given, or the first of the aliases; a type behind ":" is no part."""
    plain = {name.split(":")[0].strip(): name for name in reversed(there)} | {name: name for name in there}
    for name in (given,) if given else aliases:
        if name in plain:
            return plain[name]
    wanted = given or aliases[0]
    raise DataError(
        f"there is no column {wanted!r}: {nearest(wanted, there)}",
        file=path,
        remedy=f"Name the column: --set {setting}=NAME" if setting != "names" else "Call its columns item and name",
    )


def _read_table(
    path: Path, user: str | None, item: str | None, time: str | None, least_rating: float | None
) -> Interactions:
    frame, numbers = read_frame(path, kind=_kind(path))
    there = frame.columns
    chosen = [_column(path, there, user, USER, "user"), _column(path, there, item, ITEM, "item")]
    timed = time is not None or any(name.split(":")[0].strip() in TIME for name in there)
    if timed:
        chosen.append(_column(path, there, time, TIME, "time"))
    if least_rating is not None:
        chosen.append(_column(path, there, None, RATING, "least_rating"))
    cells = [np.array([cell.strip() for cell in frame[name].to_list()], object) for name in chosen]
    rows, keep, faults = np.asarray(numbers), np.ones(len(numbers), bool), []

    def leave_out(wrong: np.ndarray, what: str, remedy: str) -> None:
        wrong = wrong & keep
        keep[wrong] = False
        if wrong.any():
            places = tuple(f"{path.name}:{row}" for row in rows[wrong][:FEW])
            text = f"{wrong.sum():,} of {len(rows):,} rows {what}; they are left out"
            faults.append(Finding("error", text, int(wrong.sum()), places, remedy))

    for name, column in zip(chosen, cells, strict=True):
        leave_out(column == "", f"have an empty cell in the column {name!r}", "Fill the cells, or remove the rows")
    times = None
    if timed:
        times = np.array([_seconds(cell) for cell in cells[2]])
        leave_out(
            np.isnan(times), f"have a {chosen[2]!r} that is no number and no date", "Write 1700000000 or 2023-11-14"
        )
    notes = (
        [] if timed else ["there is no column of times: the order of the rows in the file is taken for that of time"]
    )
    if least_rating is not None:
        ratings = np.array([_number(cell) for cell in cells[-1]])
        leave_out(np.isnan(ratings), f"have a {chosen[-1]!r} that is no number", "Mend the cells, or remove the rows")
        low = keep & (ratings < least_rating)
        keep &= ~low
        notes.append(f"{low.sum():,} of {len(rows):,} rows are rated below least_rating={least_rating:g}: left out")
    if not keep.any():
        why = "; ".join([fault.what for fault in faults] + notes)
        raise DataError(f"no row is left ({why})", file=path, remedy="Check the columns that were taken")
    log = arranged(path.name, cells[0][keep], cells[1][keep], None if times is None else times[keep], rows[keep])
    return replace(log, faults=tuple(faults), notes=tuple(notes))


def _read_lines(path: Path) -> Interactions:
    pairs = [line.split() for line in Lines(path)[:]]
    for row, pair in enumerate(pairs, start=1):
        if len(pair) != 2:
            raise DataError(
                f"{len(pair)} words where a user and an item are needed",
                file=path,
                row=row,
                remedy="Write one action a line, as in: u17 i204, in time order; or give a table with columns",
            )
    return arranged(path.name, (user for user, _ in pairs), (item for _, item in pairs))


def _number(text: str) -> float:
    """The number that a cell holds; NaN where it holds none."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _seconds(text: str) -> float:
    """A time as a number: as it is, or the seconds of a date in ISO 8601 (UTC unless it says); NaN for aught else."""
    if not math.isnan(number := _number(text)):
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
