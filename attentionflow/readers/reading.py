"""Texts, and how much people attended to each of their words: reading times, or words marked as important.

Letters: R people, n words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.table import Table, column_names, read_table, table_kind

COLUMNS = ("text_id", "reader", "word_index", "word", "duration")
APART = 50.0  # readers whose usual durations differ by such a factor do not share a unit: ms and s differ by 1,000

# A run without blanks, but each Chinese character, Japanese syllable or Hangul block by itself.
_CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(f"[{_CHARACTER}]|[^\\s{_CHARACTER}]+")


@dataclass(frozen=True)
class Reading:
    """A text as people read it.

    text: what was read. spans: (first character, one past the last) of each of its n words. people: R names.
    attention: (R, n), not negative, in the file's own unit, of which only the proportions count; NaN where nothing is
    known, as of a punctuation mark, or of all words where a person did not read this text.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    people: tuple[str, ...]
    attention: np.ndarray
    where: str
    label: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.text[first:last] for first, last in self.spans)


def joined(words: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Words with a blank between them, and where each stands."""
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    return " ".join(words), tuple((int(end) - len(word), int(end)) for word, end in zip(words, ends, strict=True))


def split_words(text: str) -> tuple[tuple[int, int], ...]:
    """Where the words of a text stand: between blanks, and Chinese or Japanese characters one by one."""
    return tuple(found.span() for found in _WORD.finditer(text))


def without_the_absent(readings: Sequence[Reading]) -> tuple[list[Reading], list[str]]:
    """Readings with NaN for people who attended to nothing in a text, and without texts that nobody attended to.

    Who attends to no word of a text did not read it, or the tracker lost the eye; a zero would say otherwise.
    """
    kept, lost, empty = [], [], []
    for reading in readings:
        nothing = ~(np.nan_to_num(reading.attention) > 0).any(1) & np.isfinite(reading.attention).any(1)
        lost += [f"{reading.where} ({reading.people[i]})" for i in np.flatnonzero(nothing)]
        attention = np.where(nothing[:, None], np.nan, reading.attention)
        if np.isfinite(attention).any():
            kept.append(replace(reading, attention=attention))
        else:
            empty.append(reading.where)
    notes = []
    if lost:
        notes.append(f"{len(lost)} readings in which a person looked at no word are left out ({some(lost)})")
    if empty:
        notes.append(f"{len(empty)} texts that nobody looked at are left out ({some(empty)})")
    return kept, notes


def read_readings(path: str | Path) -> tuple[list[Reading], list[str]]:
    """Readings of a user's table, and notes on what was left out.

    Columns text_id, reader, word_index, word, duration: a row a word and reader; an empty duration is not known. Or
    text, spans and perhaps reader: a row a text and reader, spans such as "0-5 10-17", the characters marked important.
    Or text, importance and perhaps reader: a number from 0 up for every word, with blanks between.
    """
    path = Path(path)
    if table_kind(path) is None:
        raise DataError("this is no table", file=path, remedy="Give a .csv, .tsv, .jsonl or .parquet file")
    there = column_names(path)
    for kind, judged in JUDGED.items():
        if {"text", kind} <= {*there}:
            named = read_table(path, ("text", kind, *(["reader"] if "reader" in there else [])))
            return without_the_absent(_judged(named, kind, judged))
    remedy = f"Reading times need the columns {', '.join(COLUMNS)}; marks text and spans; maps text and importance"
    return without_the_absent(_timed(read_table(path, COLUMNS, remedy=remedy)))


def _timed(table: Table) -> list[Reading]:
    texts: dict[str, dict[int, str]] = {}
    times: dict[str, dict[str, dict[int, float]]] = {}
    first_row: dict[str, int] = {}
    for row, text, reader, index, word, duration in zip(
        table.rows, *(table.columns[name] for name in COLUMNS), strict=True
    ):
        at, time = _index(table.path, row, index), _duration(table.path, row, duration)
        if not word.strip():
            raise DataError("the word is empty", file=table.path, row=row, remedy="Name the word, or leave the row out")
        first_row.setdefault(text, row)
        known = texts.setdefault(text, {}).setdefault(at, word)
        if known != word:
            raise DataError(
                f"word {at} of text {text!r} is {word!r} here and {known!r} above",
                file=table.path,
                row=row,
                remedy="All readers of a text must have read the same words",
            )
        mine = times.setdefault(text, {}).setdefault(reader, {})
        if at in mine:
            raise DataError(
                f"word {at} of text {text!r} is there twice for reader {reader!r}",
                file=table.path,
                row=row,
                remedy="Add the durations of a word read twice into one row",
            )
        mine[at] = time
    usual: dict[str, list[float]] = {}
    for readers in times.values():
        for reader, mine in readers.items():
            usual.setdefault(reader, []).extend(mine.values())
    one_unit(table.path, usual, "reader")
    return [_reading(table.path, text, texts[text], times[text], first_row[text]) for text in texts]


def _index(path: Path, row: int, given: str) -> int:
    try:
        return int(given)
    except ValueError:
        raise DataError(
            f"word_index {given!r} is no whole number",
            file=path,
            row=row,
            remedy="Number the words of a text from 0 or 1",
        ) from None


def _duration(path: Path, row: int, given: str) -> float:
    if not given.strip():
        return float("nan")
    try:
        time = float(given)
    except ValueError:
        time = float("inf")
    if not np.isfinite(time) or time < 0:
        wrong = "negative" if np.isfinite(time) else "no number"
        remedy = "Give the time for which the word was looked at; leave the cell empty where it is not known"
        raise DataError(f"the duration {given!r} is {wrong}", file=path, row=row, remedy=remedy)
    return time


def one_unit(path: Path, durations: Mapping[str, Sequence[float]], who: str) -> None:
    """DataError where the usual duration of one of the people is far from all others': two units in one file."""
    known = {name: [time for time in mine if time > 0] for name, mine in durations.items()}
    medians = {name: float(np.median(found)) for name, found in known.items() if found}
    if len(medians) < 2:
        return
    middle = float(np.median(list(medians.values())))
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    if medians[high] / medians[low] > APART:
        odd = low if middle / medians[low] > medians[high] / middle else high
        raise DataError(
            f"{who} {odd!r} has a median duration of {medians[odd]:g}, the others of about {middle:g}: two units",
            file=path,
            remedy="Give all durations in one unit",
        )


def _reading(path: Path, text: str, words: dict[int, str], readers: dict[str, dict[int, float]], row: int) -> Reading:
    order = sorted(words)
    if order != list(range(order[0], order[0] + len(order))):
        gap = next(a + 1 for a, b in pairwise(order) if b != a + 1)
        remedy = "Give a row to every word of the text, with an empty duration where nothing is known"
        raise DataError(f"text {text!r} has no word {gap}", file=path, row=row, remedy=remedy)
    whole, spans = joined([words[at] for at in order])
    attention = np.array([[mine.get(at, np.nan) for at in order] for mine in readers.values()])
    return Reading(whole, spans, tuple(readers), attention, f"{path.name}, text {text}")


def _judged(table: Table, kind: str, judged: Callable[[Table, int, str, str], np.ndarray]) -> list[Reading]:
    """A text and reader a row, with what the column `kind` says of its words."""
    readers = table.columns.get("reader", ["reader"] * len(table))
    found: dict[str, dict[str, np.ndarray]] = {}
    first_row: dict[str, int] = {}
    for row, text, given, reader in zip(table.rows, table.columns["text"], table.columns[kind], readers, strict=True):
        if not split_words(text):
            raise DataError("the text is empty", file=table.path, row=row, remedy="Give the text that was read")
        mine = found.setdefault(text, {})
        if reader in mine:
            remedy = "Give each reader one row a text"
            raise DataError(f"reader {reader!r} judged this text twice", file=table.path, row=row, remedy=remedy)
        first_row.setdefault(text, row)
        mine[reader] = judged(table, row, text, given)
    return [
        Reading(
            text,
            split_words(text),
            tuple(mine),
            np.stack(list(mine.values())),
            f"{table.path.name}, row {first_row[text]}",
        )
        for text, mine in found.items()
    ]


def _marked(table: Table, row: int, text: str, given: str) -> np.ndarray:
    """1 for words of which a character was marked, 0 for others."""
    words = np.array(split_words(text))
    marks = np.zeros(len(words))
    for part in given.replace(";", " ").split():
        first, _, last = part.partition("-")
        if not (first.isdecimal() and last.isdecimal() and int(first) < int(last) <= len(text)):
            raise DataError(
                f"{part!r} is no stretch of the text's {len(text)} characters",
                file=table.path,
                row=row,
                remedy='Write stretches as "0-5 10-17", the first character and one past the last, counted from 0',
            )
        marks[(words[:, 0] < int(last)) & (words[:, 1] > int(first))] = 1.0
    return marks


def _weighed(table: Table, row: int, text: str, given: str) -> np.ndarray:
    """A number a word."""
    words, parts = split_words(text), given.split()
    if len(parts) != len(words):
        first = text[slice(*words[0])]
        raise DataError(
            f"{len(parts)} numbers for the {len(words)} words of {first!r} ...",
            file=table.path,
            row=row,
            remedy="Give a number for every word: what stands between blanks, and Chinese characters one by one",
        )
    try:
        values = np.array([float(part) for part in parts])
    except ValueError:
        values = np.full(1, np.nan)
    if not np.isfinite(values).all() or (values < 0).any():
        remedy = "Say how important each word is by a number from 0 up, such as 0 0.5 3"
        raise DataError(
            f"importance {given[:40]!r} is not all numbers from 0 up", file=table.path, row=row, remedy=remedy
        )
    return values


# Column -> what it says of the words of a text, (n,).
JUDGED = {"spans": _marked, "importance": _weighed}


def some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
