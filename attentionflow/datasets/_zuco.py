"""ZuCo: people read sentences while their eyes were tracked; time a word and person, and means over people.

Hollenstein and Beinborn 2021 extracted it from ZuCo 1.0 (Hollenstein et al. 2018) and 2.0 (2020). What that brought
with it is handled here and counted: punctuation has rows of its own, without a time; sentences end before the first
word with an apostrophe or slash inside; shares are missing where a person looked at nothing, and zero in the last
sentence of each, so that times are read instead.
"""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.errors import DataError
from attentionflow.readers.reading import Reading, joined, without_the_absent

_COMMIT = "7c882c47caf26064040d60fd6083c308509abf65"
REPOSITORY = f"https://raw.githubusercontent.com/beinborn/relative_importance/{_COMMIT}"
LICENCE = "CC BY 4.0 for ZuCo; the repository of the extracted times holds the text of the GPL 3.0."
REFERENCE = (
    "Mean Spearman correlation over the 924 averaged sentences: last-layer attention 0.114 (BERT), 0.030 (DistilBERT), "
    "0.369 (ALBERT), gradients 0.680, 0.643, 0.619 (Hollenstein and Beinborn 2021, results/all_results.txt)."
)
TASK = "human attention"
FILE = "{person}-relfix-feats.csv"

# The sentences as they were shown.
SENTENCES = Dataset(
    name="zuco_sentiment_sentences",
    task=TASK,
    summary="400 sentences of film reviews, 123 negative, 137 neutral, 140 positive.",
    licence="None stated.",
    address="https://raw.githubusercontent.com/DS3Lab/zuco-nlp/11299af0c2f399ec9903c2e82564e7bbd40148fd"
    "/sentiment-analysis/data",
    files={"all_sentiment_sentences.zip": "140f14dfd0aaad7999281fef0aa8123fbd972c1c8c2ac580bc8af0abe7e619d2"},
    size=179_702,
    folder="zuco_gaze",
)


def times(name: str, part: str, summary: str, sums: Mapping[str, tuple[str, str]], size: int) -> Dataset:
    """The data set of a part; sums: of each person's file, as published and compressed."""
    paths = {person: f"{part}/{FILE.format(person=person)}" for person in sums}
    return Dataset(
        name=name,
        task=TASK,
        summary=summary,
        licence=LICENCE,
        address=f"{REPOSITORY}/extract_human_fixations/data/zuco",
        files={paths[person]: public for person, (public, _) in sums.items()},
        local={f"{paths[person]}.gz": packed for person, (_, packed) in sums.items()},
        reference=REFERENCE,
        size=size,
        folder="zuco_gaze",
    )


def averages(name: str, summary: str, licence: str, sums: Mapping[str, tuple[str, str]], size: int) -> Dataset:
    """A data set of means over people; sums: of each file, as published and compressed."""
    return Dataset(
        name=name,
        task=TASK,
        summary=summary,
        licence=licence,
        address=f"{REPOSITORY}/results",
        files={file: public for file, (public, _) in sums.items()},
        local={f"{file}.gz": packed for file, (_, packed) in sums.items()},
        reference=REFERENCE,
        size=size,
        folder=f"{name}_gaze",
    )


@dataclass(frozen=True)
class _Row:
    word: str
    time: float


def read_part(folder: Path, part: str) -> tuple[list[Reading], list[str]]:
    """All sentences of a part such as "zuco1_NR", tokens joined by blanks; attention is time."""
    paths = sorted((folder / part).glob(FILE.format(person="*") + "*"))
    if not paths:
        raise DataError("holds no reading times", file=folder / part, remedy="Take the data set again")
    people = tuple(path.name.split("-")[0] for path in paths)
    sentences: dict[int, dict[str, list[_Row]]] = {}
    for person, path in zip(people, paths, strict=True):
        for sentence, row in _rows(path):
            sentences.setdefault(sentence, {}).setdefault(person, []).append(row)
    readings, marks = [], 0
    for sentence in sorted(sentences):
        rows = sentences[sentence]
        words = [row.word for row in next(iter(rows.values()))]
        if any([row.word for row in one] != words for one in rows.values()):
            raise DataError(f"readers of sentence {sentence} have different words", file=folder / part)
        text, spans = joined(words)
        spoken = [i for i, word in enumerate(words) if any(map(str.isalnum, word))]
        marks += len(words) - len(spoken)
        absent = [np.nan] * len(words)
        times = np.array([[row.time for row in rows[one]] if one in rows else absent for one in people])
        where = f"{part}, sentence {sentence}"
        readings.append(Reading(text, tuple(spans[i] for i in spoken), people, times[:, spoken], where))
    readings, notes = without_the_absent(readings)
    return readings, [f"{marks} punctuation marks have no time, and are read over", *notes]


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            yield int(line["sentence_id"]), _Row(line["word"], float(line["TRT"]))


def whole_sentences(folder: Path, readings: list[Reading]) -> tuple[list[Reading], list[str]]:
    """Those that were not cut, with the sentence as it was shown, cased, and the rating of its sentiment as label."""
    shown = {}
    with zipfile.ZipFile(folder / next(iter(SENTENCES.files))) as archive:
        for name in archive.namelist():
            if found := re.fullmatch(r"all/(\w+)/(\d+)\.txt", name):
                shown[int(found[2])] = archive.read(name).decode().strip(), found[1].lower()
    kept = []
    for reading in readings:
        text, label = shown[int(reading.where.rsplit(" ", 1)[1])]
        if (spans := _found(text, reading.words)) is not None:
            kept.append(Reading(text, spans, reading.people, reading.attention, reading.where, label))
    cut = len(readings) - len(kept)
    return kept, [f"{cut} sentences that were cut before a word with an apostrophe or slash inside are left out"]


def _found(text: str, words: tuple[str, ...]) -> tuple[tuple[int, int], ...] | None:
    """Where the words stand in a text, case apart; None where it holds letters or digits beside them."""
    spans, at, lower = [], 0, text.lower()
    for word in words:
        first = lower.find(word.lower(), at)
        if first < 0 or any(map(str.isalnum, text[at:first])):
            return None
        spans.append((first, at := first + len(word)))
    return None if any(map(str.isalnum, text[at:])) else tuple(spans)


def read_averages(folder: Path, name: str, people: str) -> tuple[list[Reading], list[str]]:
    """Sentences a line, and the mean over readers of the share of time that each word took."""
    sentences, shares = f"{name}_sentences.txt", f"{name}_relfix_averages.txt"
    texts, values = _lines(folder / sentences), _lines(folder / shares)
    readings = []
    for row, (text, line) in enumerate(zip(texts, values, strict=True), start=1):
        words = text.split()
        found = np.array([[float(one) for one in line.split(",")]])
        if found.shape[1] != len(words):
            raise DataError(f"{found.shape[1]} shares for {len(words)} words", file=folder / shares, row=row)
        readings.append(Reading(*joined(words), (people,), found, f"{sentences}, row {row}"))
    return readings, ["people are averaged here, so nothing can be said of how alike they are"]


def _lines(path: Path) -> list[str]:
    packed = path.with_name(f"{path.name}.gz")
    content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    return [line for line in content.decode().split("\n") if line.strip()]
