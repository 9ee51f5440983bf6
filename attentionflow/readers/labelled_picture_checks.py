"""What is wrong or remarkable with labelled pictures: behind `attentionflow data check image-classification`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.boxes import FEW
from attentionflow.readers.finding import Finding, Severity
from attentionflow.readers.labelled_pictures import LabelledPicture, Labels

SEVERITIES = ("error", "warning", "info")
RARE = 5  # training pictures below which a label is called rare


class Looked(NamedTuple):
    """A picture that was decoded. key: equal for equal pictures; grey: without colour; plain: all of one colour."""

    split: str
    where: str
    labels: Labels | None
    size: tuple[int, int]
    key: bytes
    grey: bool
    plain: bool


def check_labelled_pictures(
    splits: Mapping[str, Sequence[LabelledPicture]], faults: Sequence[Finding]
) -> list[Finding]:
    """All findings, the gravest first. Every picture is decoded."""
    found = list(faults)
    looked: list[Looked] = []
    broken: list[str] = []
    for split, pictures in splits.items():
        for one in pictures:
            try:
                pixels = one.pixels()
            except DataError as error:
                broken.append(str(error))
                continue
            key = blake2b(np.ascontiguousarray(pixels).tobytes(), digest_size=16).digest()
            grey, plain = bool((pixels == pixels[:, :, :1]).all()), bool((pixels == pixels[:1, :1]).all())
            looked.append(Looked(split, one.where, one.labels, (pixels.shape[1], pixels.shape[0]), key, grey, plain))
    found += _found("error", len(looked) + len(broken), "cannot be read", broken, "Save them again, or leave them out")
    for split in splits:
        found += _split(split, [one for one in looked if one.split == split])
    found += [*_labels(looked), *_repeats(looked)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _found(severity: Severity, of: int, what: str, where: Sequence[str], remedy: str) -> Iterator[Finding]:
    """One finding for all places, or none."""
    if where:
        yield Finding(severity, f"{len(where):,} of {of:,} pictures {what}", len(where), tuple(where[:FEW]), remedy)


def _split(name: str, looked: Sequence[Looked]) -> Iterator[Finding]:
    if not looked:
        yield Finding("error", f"{name}: no pictures", 0, (), "Add some, or leave the split out")
        return
    labels = Counter(label for one in looked for label in one.labels or ())
    listed = ", ".join(f"{label} {count:,}" for label, count in labels.most_common(5))
    yield Finding("info", f"{name}: {len(looked):,} pictures, {len(labels)} labels ({listed})", len(looked))
    sizes = Counter(one.size for one in looked).most_common()
    common = ", ".join(f"{w} x {h}: {count:,}" for (w, h), count in sizes[:3])
    yield Finding("info", f"{name}: {len(sizes)} sizes in pixels ({common})", len(looked))
    bare = [one.where for one in looked if one.labels == ()]
    yield from _found("error", len(looked), f"of {name} have no label", bare, "Add it, or remove the rows")
    plain = [one.where for one in looked if one.plain]
    remedy = "Nothing is on them; leave them out"
    yield from _found("warning", len(looked), f"of {name} are of one colour all over", plain, remedy)
    grey = [one.where for one in looked if one.grey]
    coloured = [one.where for one in looked if not one.grey]
    few, kind = (grey, "grey") if len(grey) <= len(coloured) else (coloured, "coloured")
    remedy = "All are read alike; a label must not be told by this alone"
    yield from _found("info", len(looked), f"of {name} are {kind}, the others are not", few, remedy)


def _labels(looked: Sequence[Looked]) -> Iterator[Finding]:
    train = Counter(label for one in looked if one.split == "train" for label in one.labels or ())
    if len(train) < 2:
        what = f"train: {len(train)} labels; there must be two to tell apart"
        yield Finding("error", what, 0, (), "Add pictures of others")
        return
    for count, what in ((1, "a single picture"), (RARE - 1, f"fewer than {RARE} pictures")):
        rare = sorted(label for label, of in train.items() if of <= count and (count == 1 or of > 1))
        if rare:
            text = f"train: {len(rare)} labels have {what}: {', '.join(rare[:FEW])}"
            yield Finding("warning", text, len(rare), (), "Add pictures of these labels, or join them with others")
    strange = [one.where for one in looked if any(label not in train for label in one.labels or ())]
    remedy = "Such a label is never given; correct its name, or add training pictures of it"
    yield from _found("warning", len(looked), "have a label that no training picture has", strange, remedy)


def _repeats(looked: Sequence[Looked]) -> Iterator[Finding]:
    alike: dict[bytes, list[Looked]] = {}
    for one in looked:
        alike.setdefault(one.key, []).append(one)
    twice = [group for group in alike.values() if len(group) > 1]
    across = [group for group in twice if len({one.split for one in group}) > 1]
    torn = [group for group in twice if len({one.labels for one in group}) > 1]
    within = [group for group in twice if group not in across and group not in torn]
    for severity, groups, what, remedy in (
        ("error", across, "are in two splits, so that scores mislead", "Leave each in one split"),
        ("warning", torn, "have two labels", "Keep the right one"),
        ("warning", within, "are there twice in a split", "Keep one of each"),
    ):
        shown = [" = ".join(one.where for one in group) for group in groups]
        yield from _found(severity, len(alike), what, shown, remedy)  # type: ignore[arg-type]
