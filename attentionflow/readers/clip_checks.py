"""What is wrong or remarkable with clips: behind `attentionflow data check video-recognition`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.clips import Clip
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import (
    found_at,
    gravest_first,
    label_facts,
    repeated,
    strange_labels,
)
from attentionflow.readers.labelled_tree import FEW
from attentionflow.readers.motion import Motion

LOOKED = 8  # moments of a film
MEND = "Mend them, or leave them out"


class Seen(NamedTuple):
    """A clip that was opened. kind: what it is, in words; still: nothing moves in it; gaps: joints not always known."""

    split: str
    where: str
    labels: tuple[str, ...] | None
    key: bytes
    kind: str
    still: bool
    gaps: bool


def check_clips(splits: Mapping[str, Sequence[Clip]], faults: Sequence[Finding]) -> list[Finding]:
    """All findings, the gravest first. Of every film some frames are decoded, evenly spread."""
    seen: list[Seen] = []
    broken: list[str] = []
    for split, clips in splits.items():
        for one in clips:
            try:
                kind, still, gaps = _look(one)
            except DataError as error:
                broken.append(str(error))
                continue
            seen.append(Seen(split, one.where, one.labels, one.key(), kind, still, gaps))
    found = [*faults, *found_at("error", len(seen) + len(broken), "cannot be read", broken, MEND, "clip")]
    for split in splits:
        found += _split(split, [one for one in seen if one.split == split])
    kinds = {one.kind.split(" of ")[0] for one in seen}
    if len(kinds) > 1:
        what = f"some clips are {' and others are '.join(sorted(kinds))}"
        found.append(Finding("error", what, len(seen), (), "Train on one kind at a time"))
    found += [*label_facts(seen, "clip"), *strange_labels(seen, "clip"), *repeated(seen, "clip")]
    return gravest_first(found)


def _look(clip: Clip) -> tuple[str, bool, bool]:
    """What a clip is, whether nothing moves in it, and whether it has gaps."""
    opened = clip.open()
    if isinstance(opened, Motion):
        joints, axes = opened.places.shape[1:]
        still = bool((opened.whole() == opened.whole()[:1]).all())
        return f"motions of {joints} joints in {axes} dimensions", still, bool(np.isnan(opened.places).any())
    frames = [pixels for _, pixels in opened.frames(LOOKED)]
    height, width = frames[0].shape[:2]
    return f"films of {width} x {height} pixels", all(np.array_equal(one, frames[0]) for one in frames), False


def _split(name: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    if not seen:
        yield Finding("error", f"{name}: no clips", 0, (), "Add some, or leave the split out")
        return
    labels = Counter(label for one in seen for label in one.labels or ())
    listed = ", ".join(f"{label} {count:,}" for label, count in labels.most_common(FEW))
    yield Finding("info", f"{name}: {len(seen):,} clips, {len(labels)} labels ({listed})", len(seen))
    kinds = Counter(one.kind for one in seen).most_common(3)
    yield Finding("info", f"{name}: {', '.join(f'{kind}: {count:,}' for kind, count in kinds)}", len(seen))
    for severity, what, remedy, where in (
        ("error", "have no label", "Add it, or remove the rows", [one.where for one in seen if one.labels == ()]),
        ("warning", "show nothing that moves", "Leave them out", [one.where for one in seen if one.still]),
        ("info", "have joints that are not always known", "They are put between the frames around", _gaps(seen)),
    ):
        yield from found_at(severity, len(seen), f"of {name} {what}", where, remedy, "clip")  # type: ignore[arg-type]


def _gaps(seen: Sequence[Seen]) -> list[str]:
    return [one.where for one in seen if one.gaps]
