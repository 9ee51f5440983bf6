"""Tables: .csv, .tsv, .jsonl (each also .gz) and .parquet, read as text; and written, whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.readers.text import check_utf8, checked_path, read_bytes

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
SEPARATOR = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Table:
    """Columns of a table as text; an empty or missing cell is "".

    columns: name -> one text a row. rows: the row of each in the file, from 1: records after the header in CSV and TSV
    (a cell may hold line ends), lines in JSONL, records in Parquet.
    """

    path: Path
    columns: dict[str, list[str]]
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)


def table_kind(path: str | Path) -> str | None:
    """ ".csv", ".tsv", ".jsonl" or ".parquet" by the file's name, with or without .gz; None for anything else."""
    name = Path(path).name.lower()
    kind = Path(name.removesuffix(".gz")).suffix
    return kind if kind in TABLES and (kind != ".parquet" or not name.endswith(".gz")) else None


def read_table(path: str | Path, columns: Sequence[str], *, remedy: str = "") -> Table:
    """The named columns of a table. DataError for a column that is not there (then with `remedy`) or a damaged file."""
    frame, rows = read_frame(path, columns, remedy=remedy)
    return Table(Path(path), {name: frame[name].to_list() for name in columns}, rows)


def column_names(path: str | Path) -> list[str]:
    """The columns of a table, in their order; of JSONL, the keys of all its lines."""
    return read_frame(path)[0].columns


def read_frame(
    path: str | Path, columns: Sequence[str] | None = None, *, remedy: str = "", kind: str | None = None
) -> tuple[pl.DataFrame, Sequence[int]]:
    """The same as a frame of texts, with the row of each in the file; every column unless some are named.

    kind: one of TABLES, for a file whose name does not end in it.
    """
    kind = kind or table_kind(path)
    if kind is None:
        raise UserError(f"{path} is no table that can be read: its name must end in {', '.join(TABLES)} (.gz is fine)")
    path = checked_path(path)
    rows: Sequence[int] | None = None
    if kind == ".parquet":
        frame = _read_parquet(path, columns, remedy)
    else:
        content = read_bytes(path)
        check_utf8(path, content)
        if kind == ".jsonl":
            frame, rows = _read_jsonl(path, content, columns, remedy)
        else:
            frame = _read_csv(path, content, SEPARATOR[kind], columns, remedy)
    if frame.height == 0:
        raise DataError("the table has no rows", file=path, remedy="Check how it was written, or leave it out")
    return frame.fill_null(""), range(1, frame.height + 1) if rows is None else rows


def write_table(path: str | Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """A table of equally long columns, in the format that the name tells. The file appears whole or not at all."""
    path, kind = Path(path), table_kind(path)
    if kind is None:
        raise UserError(f"cannot write {path}: its name must end in {', '.join(TABLES)} (.gz is fine but for .parquet)")
    frame, buffer = pl.DataFrame(dict(columns)), io.BytesIO()
    if kind == ".parquet":
        frame.write_parquet(buffer)
    elif kind == ".jsonl":
        frame.write_ndjson(buffer)
    else:
        frame.write_csv(buffer, separator=SEPARATOR[kind])
    content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(gzip.compress(content, mtime=0) if path.suffix.lower() == ".gz" else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _missing(path: Path, wanted: Sequence[str], there: Sequence[str], remedy: str) -> None:
    for name in wanted:
        if name not in there:
            raise DataError(f"there is no column {name!r}: {nearest(name, there)}", file=path, remedy=remedy)


def _read_csv(path: Path, content: bytes, separator: str, columns: Sequence[str] | None, remedy: str) -> pl.DataFrame:
    # Blank lines at the end are no rows; inside, they are rows with too few cells.
    content = content.rstrip(b"\r\n") + b"\n"
    try:
        header = next(_records(content, separator), [])
    except csv.Error as error:
        raise DataError(
            f"the header cannot be read ({error})", file=path, remedy="Check its quotation marks"
        ) from error
    columns = list(dict.fromkeys(header)) if columns is None else columns
    _missing(path, columns, header, remedy)
    twice = [name for name, count in Counter(header).items() if count > 1 and name in columns]
    if twice:
        raise DataError(f"the column {twice[0]!r} is there twice", file=path, remedy="Rename one of the two")
    try:
        # All columns are read, since polars looks for surplus cells only then. Missing cells come as null, silently.
        frame = pl.read_csv(content, separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise _csv_fault(path, content, separator, len(header)) or _unreadable(path, error) from error
    if frame[:, -1].null_count() and (fault := _csv_fault(path, content, separator, len(header))):
        raise fault
    return frame.select(columns)


def _records(content: bytes, separator: str) -> Iterator[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    return csv.reader(text, delimiter=separator, strict=True)


def _csv_fault(path: Path, content: bytes, separator: str, width: int) -> DataError | None:
    """The first row that is not `width` cells wide or not properly quoted."""
    row = 0
    records = _records(content, separator)
    try:
        next(records)  # the header
        for row, cells in enumerate(records, start=1):
            if len(cells) != width and not (width == 1 and not cells):
                return DataError(
                    f"{len(cells)} cells where the header has {width}",
                    file=path,
                    row=row,
                    remedy='Put cells that hold the separator into quotation marks ("), and give every row all cells',
                )
    except csv.Error as error:
        return DataError(
            f"the quotation marks do not match ({error})",
            file=path,
            row=row + 1,
            remedy='A cell that begins with a quotation mark must end with one, and each " inside is written ""',
        )
    return None


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot be read ({str(error).splitlines()[0]})", file=path, remedy="Check how it was written")


def _read_jsonl(
    path: Path, content: bytes, columns: Sequence[str] | None, remedy: str
) -> tuple[pl.DataFrame, Sequence[int] | None]:
    lines = content.split(b"\n")
    rows = [row for row, line in enumerate(lines, start=1) if line.strip()]
    if columns is None:
        if fault := _json_fault(path, lines, rows):
            raise fault
        columns = list(dict.fromkeys(key for row in rows for key in json.loads(lines[row - 1])))
    try:
        frame = pl.read_ndjson(content, schema=dict.fromkeys(columns, pl.String))
    except pl.exceptions.PolarsError as error:
        raise _json_fault(path, lines, rows) or _unreadable(path, error) from error
    if frame.height and any(frame[name].null_count() == frame.height for name in columns):
        keys = {key for row in rows for key in json.loads(lines[row - 1])}
        _missing(path, columns, sorted(keys), remedy)
    return frame, rows


def _json_fault(path: Path, lines: Sequence[bytes], rows: Sequence[int]) -> DataError | None:
    """The first line that is not a JSON object."""
    for row in rows:
        try:
            if isinstance(json.loads(lines[row - 1]), dict):
                continue
            problem = "this is no JSON object"
        except ValueError as error:
            problem = f"this is no JSON ({error})"
        return DataError(problem, file=path, row=row, remedy='Each line must be one object, as {"name": "value"}')
    return None


def _read_parquet(path: Path, columns: Sequence[str] | None, remedy: str) -> pl.DataFrame:
    try:
        there = list(pl.read_parquet_schema(path))
        columns = there if columns is None else columns
        _missing(path, columns, there, remedy)
        return pl.read_parquet(path, columns=list(columns)).cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, error) from error
