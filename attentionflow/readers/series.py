"""Time series from a table with a date column: wide, one column a series, or long, one row a series and date.

    date,load,price                 series,date,value
    2024-03-01 00:00,41.2,3.5       north,2024-03-01,17
    2024-03-01 01:00,40.7,3.4       south,2024-03-01,12

Letters: T steps, C series of a panel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from attentionflow.errors import DataError, UserError
from attentionflow.readers.calendar import Calendar
from attentionflow.readers.finding import Finding
from attentionflow.readers.table import TABLES, read_frame, table_kind
from attentionflow.readers.text import checked_path
from attentionflow.readers.windows import Panel, Range, Series

Missing = Literal["skip", "interpolate"]

# What date, series and value columns are usually called.
DATES = ("date", "datetime", "timestamp", "time", "ds", "day", "week", "month", "year")
IDS = ("series", "unique_id", "series_id", "item_id", "id")
VALUES = ("value", "y", "target")
SPLITS = {"train": ("train",), "val": ("val", "valid", "validation", "dev"), "test": ("test",)}

DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")
CLOCKS = ("", " %H:%M:%S%.f", " %H:%M", "T%H:%M:%S%.f", "T%H:%M")
ZONES = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z")
NOTHING = ("", "na", "n/a", "nan", "null", "none", "-", "?")
FEW = 5


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what; None is guessed from the usual names.

    date_format: as of strptime. columns: of a wide table, the series; all but the date unless given.
    series, value: of a long table, the names of the series and the values.
    """

    date: str | None = None
    date_format: str | None = None
    columns: tuple[str, ...] = ()
    series: str | None = None
    value: str | None = None


def read_series(data: str | Path, columns: Columns, missing: Missing, held_out: float) -> Series:
    """Panels and splits of one table, cut by time, or of a folder with a table a split, each going on from the last.

    held_out: of one table, the share of the steps at the end that is test, and of those before it that is val.
    """
    path = Path(data)
    files = _split_files(path) if path.is_dir() else {"train": checked_path(path)}
    tables = {split: [*_panels(file, columns, missing)] for split, file in files.items()}
    if len(tables) == 1:
        panels = tables["train"]
        part = [round(len(panel) * held_out) for panel in panels]
        ends = [[len(p) - 2 * n, len(p) - n, len(p)] for p, n in zip(panels, part, strict=True)]
        notes = [
            f"there are no val and test splits: the last {held_out:g} of the steps are held out for test, and as many "
            "before them for val"
        ]
    else:
        panels, ends = _joined(tables, files)
        notes = []
    order = ("train", "val", "test")
    ranges: dict[str, tuple[Range, ...]] = {
        split: tuple((0 if at == 0 else end[at - 1], end[at]) for end in ends) for at, split in enumerate(order)
    }
    found = dict.fromkeys(finding for panel in panels for finding in panel.findings)
    return Series(tuple(panels), ranges, [*notes, *(_told(finding) for finding in found)])


def read_panels(path: str | Path, columns: Columns, missing: Missing) -> list[Panel]:
    """The panels of one table: one where all series have the same dates, else one a series."""
    return [*_panels(checked_path(path), columns, missing)]


def _told(finding: Finding) -> str:
    return f"{finding.what}{': ' if finding.where else ''}{', '.join(finding.where)}"


def _split_files(folder: Path) -> dict[str, Path]:
    """train, val and test of a folder."""
    found = {}
    for split, words in SPLITS.items():
        files = [f for f in sorted(folder.iterdir()) if table_kind(f) and f.name.split(".")[0].lower() in words]
        if len(files) > 1:
            raise UserError(f"{folder} holds {split} twice: {files[0].name} and {files[1].name}; leave one there")
        if files:
            found[split] = files[0]
    if len(found) < len(SPLITS):
        raise UserError(
            f"{folder} has no table {' and no table '.join(name for name in SPLITS if name not in found)} "
            f"({', '.join(TABLES)}); one table alone is split by time: name the file instead of the folder"
        )
    return found


def _joined(tables: dict[str, list[Panel]], files: dict[str, Path]) -> tuple[list[Panel], list[list[int]]]:
    """The panels of train, val and test put together, with the end of each in steps."""
    panels, ends = [], []
    for first, *rest in zip(*tables.values(), strict=False):
        parts = [first, *rest]
        stops = np.cumsum([len(part) for part in parts]).tolist()
        for part, split, stop in zip(rest, list(files)[1:], stops, strict=False):
            if part.names != first.names:
                raise UserError(f"{files[split].name} has the series {part.names}, but train has {first.names}")
            expected = first.calendar.dates(stop, stop + 1)[0]
            if part.calendar.first != expected or part.calendar.step != first.calendar.step:
                raise DataError(
                    f"it begins at {part.calendar.first} with a step of {part.calendar.step}, but the file before it "
                    f"would go on at {expected} with {first.calendar.step}",
                    file=files[split],
                    remedy="The splits must follow each other in time; or give all steps in one table",
                )
        values, rows = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "rows"))
        findings = tuple(finding for part in parts for finding in part.findings)
        further = tuple((stop, part.file) for part, stop in zip(rest, stops, strict=False))
        panels.append(Panel(first.file, first.calendar, first.names, values, rows, findings, further))
        ends.append(stops)
    if any(len(found) != len(panels) for found in tables.values()):
        raise UserError("train, val and test must hold the same series with the same dates within a file")
    return panels, ends


# ---- one table -------------------------------------------------------------------------------------------------------


def _panels(path: Path, columns: Columns, missing: Missing) -> Iterator[Panel]:
    frame, rows = read_frame(path)
    date = _column(path, frame, columns.date, DATES, "date", "date column") or _date_like(path, frame, columns)
    dates = _dates(path, frame[date], rows, columns.date_format)
    if columns.columns and (columns.series or columns.value):
        raise UserError(
            "columns= names the series of a wide table, series= and value= those of a long one; leave one out"
        )
    names = {name.lower(): name for name in frame.columns if name != date}
    long = columns.series or columns.value or (set(IDS) & names.keys() and set(VALUES) & names.keys())
    if not long or columns.columns:
        series = _wide(path, frame, date, columns)
        values = np.column_stack([_numbers(path, frame[name], rows) for name in series])
        yield _panel(path, dates, values, np.array(rows), tuple(series), missing)
        return
    key = _column(path, frame, columns.series, IDS, "series", "column with the names of the series")
    value = _column(path, frame, columns.value, VALUES, "value", "column with the values")
    if key is None or value is None:
        lacking = "series" if key is None else "value"
        raise UserError(f"{path.name}: a long table needs --set {lacking}=COLUMN; there are {', '.join(frame.columns)}")
    numbers, at = _numbers(path, frame[value], rows), np.array(rows)
    groups = frame.select(pl.col(key)).with_row_index("at").group_by(key, maintain_order=True).agg("at")
    found = []
    for name, indices in zip(groups[key].to_list(), groups["at"].to_list(), strict=True):
        chosen = np.array(indices)
        found.append(_panel(path, dates[chosen], numbers[chosen, None], at[chosen], (name,), missing))
    first = found[0]
    if all((p.calendar, len(p)) == (first.calendar, len(first)) for p in found):
        values = np.concatenate([p.values for p in found], axis=1)
        findings = tuple(finding for p in found for finding in p.findings)
        found = [Panel(path.name, first.calendar, tuple(p.names[0] for p in found), values, first.rows, findings)]
    yield from found


def _column(
    path: Path, frame: pl.DataFrame, given: str | None, usual: Sequence[str], setting: str, what: str
) -> str | None:
    """The column that was given or has a usual name."""
    if given is not None:
        if given not in frame.columns:
            raise UserError(f"{path.name} has no column {given!r} ({setting}=); there are {', '.join(frame.columns)}")
        return given
    names = {name.strip().lower(): name for name in frame.columns}
    return next((names[name] for name in usual if name in names), None)


def _date_like(path: Path, frame: pl.DataFrame, columns: Columns) -> str:
    """The first column that begins with a date."""
    for name in frame.columns:
        if _parsed(frame[name].head(1), columns.date_format) is not None:
            return name
    raise DataError(
        f"no column holds dates; there are {', '.join(frame.columns)}",
        file=path,
        remedy="Name it: --set date=COLUMN, and --set date_format=%d/%m/%Y or the like where dates are no ISO 8601",
    )


def _wide(path: Path, frame: pl.DataFrame, date: str, columns: Columns) -> list[str]:
    chosen = list(columns.columns) or [name for name in frame.columns if name != date]
    if absent := [name for name in chosen if name not in frame.columns]:
        raise UserError(f"{path.name} has no column {absent[0]!r} (columns=); there are {', '.join(frame.columns)}")
    if not chosen:
        raise DataError(f"there is no column beside {date!r}", file=path, remedy="A series is a column of numbers")
    return chosen


def _parsed(cells: pl.Series, given: str | None) -> pl.Series | None:
    """Cells as datetimes, by the format given or the first that fits the first cell; None where none does."""
    cells = cells.str.strip_chars()
    # A year, or a year and month, are their first days.
    cells = cells.str.replace(r"^(\d{4})$", "$1-01").str.replace(r"^(\d{4}-\d{2})$", "$1-01")
    formats = (given,) if given else (*(day + clock for day in DAYS for clock in CLOCKS), *ZONES)
    return next((_read_as(cells, form) for form in formats if _read_as(cells.head(1), form)[0] is not None), None)


def _read_as(cells: pl.Series, form: str) -> pl.Series:
    """Datetimes without a time zone (UTC where the cells have one), null where a cell is not of the form."""
    try:
        clock = "%H" in form or "%I" in form or "%T" in form
        read = cells.str.to_datetime(form, strict=False) if clock else cells.str.to_date(form, strict=False)
    except pl.exceptions.PolarsError as error:
        raise UserError(f"date_format={form} cannot be used: {str(error).splitlines()[0]}") from None
    if getattr(read.dtype, "time_zone", None):
        read = read.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return read.cast(pl.Datetime("us"))


def _dates(path: Path, cells: pl.Series, rows: Sequence[int], given: str | None) -> np.ndarray:
    read = _parsed(cells, given)
    bad = 0 if read is None else read.is_null().arg_max() if read.null_count() else None
    if bad is not None:
        raise DataError(
            f"{cells[bad]!r} in column {cells.name!r} is no date"
            + (f" of the form {given}" if given else " of the form of the first" if bad else ""),
            file=path,
            row=rows[bad],
            remedy="Mend it, or say how dates are written: --set date_format=%d/%m/%Y or the like",
        )
    assert read is not None
    return read.to_numpy().astype("M8[us]")


def _numbers(path: Path, cells: pl.Series, rows: Sequence[int]) -> np.ndarray:
    """(T,) float64, NaN where a cell is empty or says that there is nothing."""
    text = cells.str.strip_chars()
    empty = text.str.to_lowercase().is_in(NOTHING)
    read = text.cast(pl.Float64, strict=False)
    wrong = (read.is_null() | read.is_infinite() | read.is_nan()) & ~empty
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        remedy = "Mend it; a missing value is an empty cell. Other columns are left out with --set columns=A,B,..."
        if "," in text[at]:
            remedy = "Decimals are written with a point, thousands without a mark"
        raise DataError(
            f"{cells[at]!r} in column {cells.name!r} is no number, and so {wrong.sum():,} of its cells",
            file=path,
            row=rows[at],
            remedy=remedy,
        )
    return read.to_numpy().astype(float)


# ---- onto a calendar -------------------------------------------------------------------------------------------------


def _panel(
    path: Path, dates: np.ndarray, values: np.ndarray, rows: np.ndarray, names: tuple[str, ...], missing: Missing
) -> Panel:
    """Values (T, C) put in order of time and onto a regular calendar; what was noticed is in the findings."""
    findings, title = [], path.name if len(names) > 1 else f"{path.name}, {names[0]}"
    back = np.flatnonzero(np.diff(dates) < np.timedelta64(0)) + 1
    if len(back):
        order = np.argsort(dates, kind="stable")
        places = _places(path, rows[back])
        dates, values, rows = dates[order], values[order], rows[order]
        what = f"{title}: {len(places):,} rows are earlier than the one before; they were put in order of time"
        findings.append(Finding("info", what, len(places), tuple(places[:FEW])))
    twice = np.flatnonzero(np.diff(dates) == np.timedelta64(0))
    if len(twice):
        raise DataError(
            f"{dates[twice[0]]} is there twice, in rows {rows[twice[0]]} and {rows[twice[0] + 1]}, and so "
            f"{len(twice):,} dates",
            file=path,
            row=int(rows[twice[0] + 1]),
            remedy="Keep one row a date; a table with one row a series and date needs --set series=COLUMN",
        )
    calendar, positions = Calendar.of(dates)
    off = np.flatnonzero(positions < 0)
    if len(off):
        raise DataError(
            f"{dates[off[0]]} is off the usual step of {calendar.step} from {dates[0]} on, and so {len(off):,} of "
            f"{len(dates):,} dates",
            file=path,
            row=int(rows[off[0]]),
            remedy="Bring the series to a regular step first, for instance by averaging over hours or days",
        )
    length = int(positions[-1]) + 1
    if length > 4 * len(dates) + 100:
        raise DataError(
            f"of {length:,} steps of {calendar.step} from {dates[0]} to {dates[-1]} only {len(dates):,} are there",
            file=path,
            remedy="Bring the series to a coarser step first, or split it where it pauses",
        )
    grid, at = np.full((length, values.shape[1]), np.nan), np.zeros(length, int)
    grid[positions], at[positions] = values, rows
    findings += _gaps(path, title, calendar, grid, at)
    if missing == "interpolate" and np.isnan(grid).any():
        findings.append(_fill(title, grid))
    return Panel(path.name, calendar, names, grid, at, tuple(findings))


def _gaps(path: Path, title: str, calendar: Calendar, values: np.ndarray, rows: np.ndarray) -> Iterator[Finding]:
    """Steps that the file lacks, and cells without a number."""
    remedy = "Windows that touch them are left out; fill them, or add --set missing=interpolate"
    lacking = np.flatnonzero(rows == 0)
    if len(lacking):
        before = np.maximum.accumulate(np.where(rows > 0, rows, 0))
        places = [f"{path.name}, after row {before[i]}: {calendar.labels(i, i + 1)[0]}" for i in lacking[:FEW]]
        what = f"{title}: {len(lacking):,} of {len(rows):,} steps of {calendar.step} are missing"
        yield Finding("warning", what, len(lacking), tuple(places), remedy)
    empty = np.flatnonzero(np.isnan(values).any(1) & (rows > 0))
    if len(empty):
        what = f"{title}: {len(empty):,} of {len(rows):,} steps have an empty cell"
        yield Finding("warning", what, len(empty), tuple(_places(path, rows[empty])[:FEW]), remedy)


def _fill(title: str, values: np.ndarray) -> Finding:
    """Missing values become those of the straight line between their neighbours, in place; at an end, the nearest."""
    gone, steps = np.isnan(values), np.arange(len(values))
    for column in range(values.shape[1]):
        there = ~gone[:, column]
        if there.any():
            values[:, column] = np.interp(steps, steps[there], values[there, column])
    return Finding("info", f"{title}: {gone.sum():,} missing values were interpolated", int(gone.sum()))


def _places(path: Path, rows: np.ndarray) -> list[str]:
    return [f"{path.name}:{row}" for row in rows]
