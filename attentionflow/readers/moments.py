"""Films of which it is known, moment by moment, what matters: events, or scores that people gave.

    metadata.csv    file_name,start,end[,label]       a row an event; of a film without any, both cells are empty
    metadata.csv    file_name,second,score[,rater]    a row a score, which holds until the rater's next one
    metadata.csv    file_name,frame,score[,rater]     the same of folders of frames, where a score is of its frame alone

Times are seconds; of folders of frames they are numbers of frames, counted from 1, and `end` is the last one.
Letters: T moments, R raters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers import clips
from attentionflow.readers.clips import Clip
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_tree import METADATA, Item, in_order, items_of_tables, metadata_tables
from attentionflow.readers.motion import MOTIONS
from attentionflow.readers.splits import fill_chosen, held_out
from attentionflow.readers.table import column_names
from attentionflow.readers.tree import Tree, open_tree

MOST_HELD_OUT = 1000
SPILL = 1.0  # seconds, or frames, by which an event may end after its film
LAYOUT = "A table of films has the columns file_name,start,end or file_name,second,score; of folders frame for second"


class Event(NamedTuple):
    """From `start` until `end`, in the film's unit, and where that is told."""

    start: float
    end: float
    where: str


@dataclass(frozen=True, eq=False)
class Rating:
    """What one person thinks of a film. times: rising; scores: as many, each of which holds until the next, or of its
    frame alone where times count frames."""

    rater: str
    times: np.ndarray
    scores: np.ndarray
    counted: bool = False

    def at(self, times: np.ndarray) -> np.ndarray:
        """(T,) scores at these times; NaN where none is known."""
        place = np.searchsorted(self.times, times + 1e-9, side="right") - 1
        known = (place >= 0) & (~np.asarray(self.counted) | (np.floor(times) == self.times[place]))
        return np.where(known, self.scores[place], np.nan)


@dataclass(frozen=True)
class KnownFilm:
    """A film, opened when asked for, with its events or with ratings; neither where it is only to be predicted for."""

    clip: Clip
    events: tuple[Event, ...] | None = None
    ratings: tuple[Rating, ...] | None = None

    @property
    def name(self) -> str:
        return self.clip.name

    @property
    def where(self) -> str:
        return self.clip.where

    @property
    def known(self) -> bool:
        return self.events is not None or self.ratings is not None

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Of its events."""
        return [(one.start, one.end) for one in self.events or ()]

    def within(self, times: np.ndarray) -> np.ndarray:
        """(T,) 1 at times within an event, 0 at others."""
        inside = [(one.start <= times) & (times < one.end) for one in self.events or ()]
        return np.any(inside, axis=0).astype(float) if inside else np.zeros(len(times))

    def raters(self, times: np.ndarray) -> np.ndarray:
        """(R, T) scores; an event counts as the score 1 of one rater."""
        if self.ratings is None:
            return self.within(times)[None]
        return np.stack([one.at(times) for one in self.ratings])

    def mean_rating(self, times: np.ndarray | None = None) -> np.ndarray:
        """(T,) the mean of its raters' scores at these times, NaN where there is none; unless given, at all times at
        which any of them gave one."""
        told = self.ratings or ()
        if times is None:
            times = np.unique(np.concatenate([one.times for one in told]))
        scores = np.stack([one.at(times) for one in told])
        known = np.isfinite(scores)
        total, count = np.where(known, scores, 0).sum(0), known.sum(0)
        return np.divide(total, count, out=np.full(len(times), np.nan), where=count > 0)

    def check(self, lasts: float) -> None:
        """DataError where something is told of a time that the film does not have. lasts: how long it is."""
        for event in self.events or ():
            if event.start >= lasts or event.end > lasts + SPILL:
                what = f"an event from {event.start:g} to {event.end:g} is told of a film that lasts {lasts:g}"
                raise DataError(what, file=event.where, remedy="Correct its times, or name the film that it is of")
        for rating in self.ratings or ():
            if rating.times[-1] >= lasts + SPILL:
                what = f"a score at {rating.times[-1]:g} is told of a film that lasts {lasts:g}"
                raise DataError(what, file=self.where, remedy="Correct its times, or name the film that it is of")


@dataclass(frozen=True)
class KnownFilms:
    """Splits of films, notes, and what was found wrong on the way."""

    splits: dict[str, Sequence[KnownFilm]]
    notes: Sequence[str] = ()
    faults: Sequence[Finding] = ()


def read_known_films(path: str | Path, labels: Sequence[str] = ()) -> KnownFilms:
    """Splits by name, "train" first, from a folder with metadata tables.

    labels: of events, those that count; all unless some are given.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is no folder of films")
    tree = open_tree(path)
    tables = metadata_tables(tree)
    if not tables:
        raise UserError(f"{path} has no {METADATA}.csv that tells what matters in its films. {LAYOUT}")
    names = clips.clips_of(tree)
    kinds = {_columns(tree.root / table, labels) for table in tables}
    if len(kinds) > 1:
        told = " and others ".join(sorted(", ".join(kind) for kind in kinds))
        raise UserError(f"{path}: some {METADATA} tables have the columns {told}. All must have the same")
    columns = kinds.pop()
    items, faults = items_of_tables(tree, tables, names, columns, "film", LAYOUT)
    rows: dict[str, list[Item]] = {}
    for item in items:
        rows.setdefault(item.name, []).append(item)
    if len({clips.counted(names[name]) for name in rows}) > 1:
        raise UserError(f"{path} holds films and folders of frames, whose times cannot be compared; keep them apart")
    splits = in_order(
        (own[0] for own in rows.values()), lambda item: _known(tree, names, rows[item.name], columns, labels)
    )
    if "train" not in splits:
        raise UserError(f"{path} has no training films: its splits are {', '.join(splits) or 'none'}")
    return KnownFilms(splits, (), faults)


def read_inputs(path: Path) -> list[KnownFilm]:
    """Films of which nothing is known: one, a folder of them, or a table with the column file_name."""
    return [KnownFilm(one) for one in clips.read_inputs(path)]


def one_input(given: Any) -> KnownFilm:
    """A path, or bytes (T, H, W) or (T, H, W, 3)."""
    return given if isinstance(given, KnownFilm) else KnownFilm(clips.one_input(given))


def fill_splits(
    splits: Mapping[str, Sequence[KnownFilm]], share: float, seed: int
) -> tuple[dict[str, Sequence[KnownFilm]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so."""

    def chosen(films: Sequence[KnownFilm]) -> np.ndarray:
        return held_out([one.clip.key().hex() for one in films], share, MOST_HELD_OUT, seed, "films")

    return fill_chosen(splits, chosen, "films", seed)


def _columns(table: Path, labels: Sequence[str]) -> tuple[str, ...]:
    """Those that are read of a table, by which kind it is known."""
    there = column_names(table)
    if "start" in there:
        if labels and "label" not in there:
            raise DataError("has no column 'label', by which events are chosen", file=table, remedy="Leave events out")
        return ("start", "end", "label") if labels else ("start", "end")
    if labels:
        raise UserError(f"events={', '.join(labels)}: {table} tells scores, not events; leave it out")
    time = "frame" if "frame" in there else "second"
    return (time, "score", "rater") if "rater" in there else (time, "score")


def _known(
    tree: Tree,
    names: Mapping[str, tuple[str, ...]],
    rows: Sequence[Item],
    columns: Sequence[str],
    labels: Sequence[str],
) -> KnownFilm:
    clip = clips.clip_of(tree, names[rows[0].name], rows[0], None)
    if clip.name.lower().endswith(MOTIONS):
        raise DataError(f"{clip.name} holds joints, where a film is needed", file=rows[0].where, remedy="Leave it out")
    counted = clips.counted(names[clip.name])
    if columns[0] == "start":
        told = [_event(row, counted) for row in rows if not labels or row.cells[2] in labels]
        return KnownFilm(clip, tuple(sorted(one for one in told if one is not None)))
    if counted != (columns[0] == "frame"):
        what = f"{clip.name} is a {'folder of frames' if counted else 'film'}, and the column is {columns[0]!r}"
        raise DataError(what, file=rows[0].where, remedy="Frames are counted in the column frame, films told in second")
    by_rater: dict[str, list[Item]] = {}
    for row in rows:
        by_rater.setdefault(row.cells[2] if len(columns) > 2 else "", []).append(row)
    return KnownFilm(clip, None, tuple(_rating(name, own, counted) for name, own in by_rater.items()))


def _event(row: Item, counted: bool) -> Event | None:
    if not row.cells[0] and not row.cells[1]:
        return None
    start, end = (_number(cell, name, row) for cell, name in zip(row.cells, ("start", "end"), strict=False))
    start -= counted
    if start < 0 or end <= start:
        what = f"an event from {row.cells[0]} to {row.cells[1]} has no length, or begins before its film"
        raise DataError(what, file=row.where, remedy="Times are seconds from the film's beginning, or frames from 1 on")
    return Event(start, end, row.where)


def _rating(rater: str, rows: Sequence[Item], counted: bool) -> Rating:
    time = "frame" if counted else "second"
    times = np.array([_number(row.cells[0], time, row) for row in rows]) - counted
    scores = np.array([_number(row.cells[1], "score", row) for row in rows])
    order = np.argsort(times, kind="stable")
    times = times[order]
    wrong = np.flatnonzero((np.diff(times, prepend=-1) <= 0) & (np.arange(len(times)) > 0) | (times < 0))
    if len(wrong):
        row = rows[order[wrong[0]]]
        before = times[wrong[0]] < 0
        what = f"the {time} {row.cells[0]} is {'before the film begins' if before else 'there twice'}"
        raise DataError(
            what, file=row.where, remedy="Leave one score of a rater at a time; several raters need `rater`"
        )
    return Rating(rater, times, scores[order], counted)


def _number(cell: str, name: str, row: Item) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(
            f"the {name} {cell!r} is no number", file=row.where, remedy="Write it as 12.5, or leave the row out"
        )
    return value
