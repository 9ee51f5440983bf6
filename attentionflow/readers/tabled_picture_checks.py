"""What is wrong or remarkable with pictures that have several answers each: behind `data check multi-task`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attentionflow.readers.boxes import FEW
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import (
    RARE,
    Looked,
    found_at,
    gravest_first,
    look_at,
    picture_facts,
    repeated,
)
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.readers.labelled_texts import one_label, several_labels
from attentionflow.readers.tabled_pictures import Kind, as_number

FAR = 6  # training deviations from the mean beyond which a number is called far off


def check_tabled_pictures(
    splits: Mapping[str, Sequence[LabelledPicture]], kinds: Mapping[str, Kind], faults: Sequence[Finding]
) -> list[Finding]:
    """All findings, the gravest first. Every picture is decoded. kinds: of each column, in the order of the cells."""
    looked, broken = look_at(splits)
    found = [*faults, *broken]
    for split in splits:
        own = [one for one in looked if one.split == split]
        found += picture_facts(split, own, f", {len(kinds)} answers each ({', '.join(kinds)})")
        bare = [one.where for one in own if not any(one.labels or ())]
        remedy = "They are left out of training, and not scored; add an answer, or remove the rows"
        found += found_at("warning", len(own), f"of {split} have no answer at all", bare, remedy)
    for at, (column, kind) in enumerate(kinds.items()):
        found += _numbers(column, at, looked) if kind == "number" else _labels(column, at, kind, looked)
        for split in splits:
            empty = sum(1 for one in looked if one.split == split and not _cell(one, at))
            if empty:
                text = f"{split}: {column} is empty in {empty:,} pictures, which do not count for it"
                found.append(Finding("info", text, empty))
    found += repeated(looked)
    return gravest_first(found)


def _cell(one: Looked, at: int) -> str:
    return one.labels[at] if one.labels else ""


def _labels(column: str, at: int, kind: Kind, looked: Sequence[Looked]) -> Iterator[Finding]:
    read = several_labels if kind == "labels" else one_label
    train = Counter(label for one in looked if one.split == "train" for label in read(_cell(one, at)))
    listed = ", ".join(f"{label} {count:,}" for label, count in train.most_common(5))
    told = "any of some labels" if kind == "labels" else "a class"
    yield Finding("info", f"{column} is read as {told}: {len(train)} in train ({listed})", len(looked))
    if len(train) < 2:
        remedy = "Add pictures of others, or name the columns to learn without it: --set columns=..."
        yield Finding(
            "error", f"{column}: {len(train)} labels in train; there must be two to tell apart", 0, (), remedy
        )
        return
    if rare := sorted(label for label, count in train.items() if count < RARE):
        text = f"{column}: {len(rare)} labels have fewer than {RARE} training pictures: {', '.join(rare[:FEW])}"
        yield Finding("warning", text, len(rare), (), "Add pictures of these labels, or join them with others")
    strange = [one.where for one in looked if any(label not in train for label in read(_cell(one, at)))]
    remedy = "Such a label is never given; correct its name, or add training pictures of it"
    yield from found_at(
        "warning", len(looked), f"have a label in {column} that no training picture has", strange, remedy
    )


def _numbers(column: str, at: int, looked: Sequence[Looked]) -> Iterator[Finding]:
    told = [(one, as_number(_cell(one, at))) for one in looked if _cell(one, at)]
    wrong = [one.where for one, number in told if number is None]
    remedy = f"Correct or empty the cells, or read the column as classes: --set kinds={column}=class"
    yield from found_at("error", len(looked), f"have no number in {column}", wrong, remedy)
    train = np.array([number for one, number in told if number is not None and one.split == "train"])
    if not len(train) or np.ptp(train) == 0:
        remedy = "Add others, or name the columns to learn without it: --set columns=..."
        yield Finding("error", f"{column}: there are no two different numbers in train", 0, (), remedy)
        return
    low, middle, high = np.percentile(train, [0, 50, 100])
    text = f"{column} is read as a number: {low:g} / {middle:g} / {high:g} in train (least / median / most)"
    yield Finding("info", text, len(looked))
    mean, deviation = float(train.mean()), float(train.std())
    far = [one.where for one, number in told if number is not None and abs(number - mean) > FAR * deviation]
    remedy = "Look whether they are in the same unit as the others"
    what = f"have a number in {column} more than {FAR} deviations from the mean"
    yield from found_at("warning", len(looked), what, far, remedy)
