"""What is wrong or remarkable with pictures and their boxes: behind `attentionflow data check object-detection`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.boxes import FEW, Picture
from attentionflow.readers.finding import Finding

SEVERITIES = ("error", "warning", "info")
RARE = 20  # boxes of a class with fewer of which little can be learned


def check_pictures(splits: Mapping[str, Sequence[Picture]], faults: Sequence[Finding]) -> list[Finding]:
    """All findings, the gravest first. Every picture is decoded."""
    found = list(faults)
    for name, pictures in splits.items():
        found += _sizes(name, pictures)
    found += [*_classes(splits), *_pixels(splits)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _sizes(name: str, pictures: Sequence[Picture]) -> Iterator[Finding]:
    classes = Counter(label for one in pictures for label in one.labels)
    listed = ", ".join(f"{label} {count:,}" for label, count in classes.most_common(8))
    count = sum(classes.values())
    yield Finding("info", f"{name}: {len(pictures):,} pictures, {count:,} boxes ({listed})", len(pictures))
    sides = Counter(one.size for one in pictures)
    if len(sides) > 1:
        common = ", ".join(f"{w} x {h}: {n:,}" for (w, h), n in sides.most_common(3))
        yield Finding("info", f"{name}: pictures of {len(sides)} sizes ({common})", len(pictures))
    if count:
        boxes = np.concatenate([one.boxes / np.array([*one.size] * 2) for one in pictures])
        shares = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
        spread = " / ".join(f"{value:.0%}" for value in np.percentile(shares, [5, 50, 95]))
        yield Finding("info", f"{name}: sides of the boxes {spread} of the picture's (5 % / median / 95 %)", count)
    bare = [one.where for one in pictures if not one.labels]
    if bare:
        yield Finding(
            "info", f"{name}: {len(bare):,} pictures without a box: nothing is there", len(bare), tuple(bare[:FEW])
        )
    hidden = sum(int(one.ignored.sum()) for one in pictures)
    if hidden:
        text = f"{name}: {hidden:,} boxes are marked difficult or as a crowd: neither learned nor scored"
        yield Finding("info", text, hidden)


def _classes(splits: Mapping[str, Sequence[Picture]]) -> Iterator[Finding]:
    known = Counter(label for one in splits.get("train", ()) for label in one.labels)
    for label, count in known.items():
        if count < RARE:
            yield Finding(
                "warning", f"the class {label!r} has {count} training boxes", count, (), "More of them, or leave it out"
            )
    for name, pictures in splits.items():
        new = [(label, one.where) for one in pictures for label in one.labels if label not in known]
        for label in dict.fromkeys(label for label, _ in new):
            at = [where for other, where in new if other == label]
            text = f"{len(at):,} boxes of {name} are of the class {label!r}, which no training picture has"
            remedy = "No model can find them; mend the name, or add training pictures"
            yield Finding("warning", text, len(at), tuple(at[:FEW]), remedy)


def _pixels(splits: Mapping[str, Sequence[Picture]]) -> Iterator[Finding]:
    """Pictures that cannot be decoded, and pictures that are there twice."""
    broken: list[str] = []
    places: dict[bytes, list[tuple[str, str]]] = {}  # of equal pictures: splits and files
    for name, pictures in splits.items():
        for one in pictures:
            try:
                key = blake2b(np.ascontiguousarray(one.pixels()).tobytes(), digest_size=16).digest()
            except DataError as error:
                broken.append(str(error))
            else:
                places.setdefault(key, []).append((name, one.where))
    if broken:
        yield Finding(
            "error", f"{len(broken):,} pictures cannot be used", len(broken), tuple(broken[:FEW]), "See there"
        )
    twice = [at for at in places.values() if len(at) > 1]
    across = [at for at in twice if len({name for name, _ in at}) > 1]
    for found, severity, text, remedy in (
        (across, "error", "pictures are in two splits, so that scores mislead", "Leave each in one split"),
        (
            [at for at in twice if at not in across],
            "warning",
            "pictures are there twice in a split",
            "Keep one of each",
        ),
    ):
        if found:
            shown = tuple(" = ".join(where for _, where in at) for at in found[:FEW])
            yield Finding(severity, f"{len(found):,} {text}", len(found), shown, remedy)  # type: ignore[arg-type]
