"""What is wrong or remarkable with labelled pictures: behind `attentionflow data check image-classification`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.boxes import FEW
from attentionflow.readers.finding import Finding, Severity
from attentionflow.readers.labelled_pictures import LabelledPicture, Labels

SEVERITIES = ("error", "warning", "info")
RARE = 5  # training pictures below which a label is called rare


class Shown(Protocol):
    """A picture of any kind; pixels: makes the array (H, W, 3)."""

    @property
    def where(self) -> str: ...
    @property
    def labels(self) -> Labels | None: ...
    @property
    def pixels(self) -> Callable[[], np.ndarray]: ...


class Found(Protocol):
    """An example of any kind that was looked at. key: equal for equal ones."""

    @property
    def split(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def labels(self) -> Labels | None: ...
    @property
    def key(self) -> bytes: ...


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
    splits: Mapping[str, Sequence[LabelledPicture]], faults: Sequence[Finding], apart: bool = False
) -> list[Finding]:
    """All findings, the gravest first. Every picture is decoded.

    apart: whether each label should be in one split alone, since things are to be told apart that training never saw.
    """
    looked, broken = look_at(splits)
    found = [*faults, *broken]
    for split in splits:
        own = [one for one in looked if one.split == split]
        labels = Counter(label for one in own for label in one.labels or ())
        listed = ", ".join(f"{label} {count:,}" for label, count in labels.most_common(5))
        found += picture_facts(split, own, f", {len(labels)} labels ({listed})")
        bare = [one.where for one in own if one.labels == ()]
        found += found_at("error", len(own), f"of {split} have no label", bare, "Add it, or remove the rows")
    found += [*label_facts(looked), *(_shared(looked) if apart else strange_labels(looked)), *repeated(looked)]
    return gravest_first(found)


def gravest_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def look_at(splits: Mapping[str, Sequence[Shown]]) -> tuple[list[Looked], list[Finding]]:
    """Every picture, decoded, and a finding of those that cannot be."""
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
    remedy = "Save them again, or leave them out"
    return looked, list(found_at("error", len(looked) + len(broken), "cannot be read", broken, remedy))


def found_at(
    severity: Severity, of: int, what: str, where: Sequence[str], remedy: str, thing: str = "picture"
) -> Iterator[Finding]:
    """One finding for all places, or none. thing: an example is called."""
    if where:
        yield Finding(severity, f"{len(where):,} of {of:,} {thing}s {what}", len(where), tuple(where[:FEW]), remedy)


def picture_facts(name: str, looked: Sequence[Looked], labels: str) -> Iterator[Finding]:
    """What is to be said of the pictures of a split. labels: that of its labels, at the end of the first sentence."""
    if not looked:
        yield Finding("error", f"{name}: no pictures", 0, (), "Add some, or leave the split out")
        return
    yield Finding("info", f"{name}: {len(looked):,} pictures{labels}", len(looked))
    sizes = Counter(one.size for one in looked).most_common()
    common = ", ".join(f"{w} x {h}: {count:,}" for (w, h), count in sizes[:3])
    yield Finding("info", f"{name}: {len(sizes)} sizes in pixels ({common})", len(looked))
    plain = [one.where for one in looked if one.plain]
    remedy = "Nothing is on them; leave them out"
    yield from found_at("warning", len(looked), f"of {name} are of one colour all over", plain, remedy)
    grey = [one.where for one in looked if one.grey]
    coloured = [one.where for one in looked if not one.grey]
    few, kind = (grey, "grey") if len(grey) <= len(coloured) else (coloured, "coloured")
    remedy = "All are read alike; a label must not be told by this alone"
    yield from found_at("info", len(looked), f"of {name} are {kind}, the others are not", few, remedy)


def label_facts(looked: Sequence[Found], thing: str = "picture") -> Iterator[Finding]:
    """Labels of the training split that are too few or too rare."""
    train = Counter(label for one in looked if one.split == "train" for label in one.labels or ())
    if len(train) < 2:
        what = f"train: {len(train)} labels; there must be two to tell apart"
        yield Finding("error", what, 0, (), f"Add {thing}s of others")
        return
    for count, what in ((1, f"a single {thing}"), (RARE - 1, f"fewer than {RARE} {thing}s")):
        rare = sorted(label for label, of in train.items() if of <= count and (count == 1 or of > 1))
        if rare:
            text = f"train: {len(rare)} labels have {what}: {', '.join(rare[:FEW])}"
            yield Finding("warning", text, len(rare), (), f"Add {thing}s of these labels, or join them with others")


def strange_labels(looked: Sequence[Found], thing: str = "picture") -> Iterator[Finding]:
    train = {label for one in looked if one.split == "train" for label in one.labels or ()}
    strange = [one.where for one in looked if any(label not in train for label in one.labels or ())]
    if train:
        remedy = f"Such a label is never given; correct its name, or add training {thing}s of it"
        yield from found_at(
            "warning", len(looked), f"have a label that no training {thing} has", strange, remedy, thing
        )


def _shared(looked: Sequence[Looked]) -> Iterator[Finding]:
    splits: dict[str, set[str]] = {}
    for one in looked:
        for label in one.labels or ():
            splits.setdefault(label, set()).add(one.split)
    twice = [label for label, within in splits.items() if len(within) > 1]
    if twice:
        what = (
            f"{len(twice):,} of {len(splits):,} labels are in two splits, so that scores are not of things never seen"
        )
        yield Finding("warning", what, len(twice), tuple(twice[:FEW]), "Leave each in one split")


def repeated(looked: Sequence[Found], thing: str = "picture") -> Iterator[Finding]:
    alike: dict[bytes, list[Found]] = {}
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
        yield from found_at(severity, len(alike), what, shown, remedy, thing)  # type: ignore[arg-type]
