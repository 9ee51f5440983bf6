"""What is wrong or remarkable with pictures and their masks: behind `attentionflow data check image-segmentation`.

Letters: N pictures, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import found_at, gravest_first, look_at, picture_facts, repeated
from attentionflow.readers.masks import IGNORED
from attentionflow.readers.segmented_pictures import SegmentedPicture

RARE = 1e-4  # share of the training pixels below which a class is called rare


def check_segmented_pictures(
    splits: Mapping[str, Sequence[SegmentedPicture]], faults: Sequence[Finding]
) -> list[Finding]:
    """All findings, the gravest first. Every picture and every mask is decoded."""
    looked, broken = look_at(splits)
    found = [*faults, *broken]
    strange: list[str] = []
    for split, pictures in splits.items():
        own = [one for one in looked if one.split == split]
        readable = {one.where for one in own}
        counts, where = [], []
        for one in pictures:
            if one.where not in readable:
                continue
            try:
                mask = one.mask.numbers() if one.mask else np.zeros(0, np.uint8)
            except DataError as error:
                strange.append(str(error))
                continue
            counts.append(np.bincount(mask.ravel(), minlength=IGNORED + 1))
            where.append(one.where)
        names = next((one.labels for one in pictures if one.labels), ())
        pixels = np.array(counts).reshape(-1, IGNORED + 1)
        found += picture_facts(split, own, _shares(pixels[:, : len(names)], names))
        found += _unlabelled(split, pixels, where)
        if split == "train":
            found += _rare(pixels[:, : len(names)], names, where)
    remedy = "Mend or remove them; training stops at such a one"
    found += found_at("error", sum(map(len, splits.values())), "have a mask that cannot be used", strange, remedy)
    return gravest_first([*found, *repeated(looked)])


def _shares(pixels: np.ndarray, names: Sequence[str]) -> str:
    """Of pixels (N, K), the share of each class, the largest first."""
    total = pixels.sum(0)
    order = [at for at in np.argsort(-total, kind="stable") if total[at]]
    return ", shares of pixels: " + ", ".join(f"{names[at]} {total[at] / total.sum():.1%}" for at in order)


def _unlabelled(split: str, pixels: np.ndarray, where: Sequence[str]) -> Iterator[Finding]:
    if ignored := int(pixels[:, IGNORED].sum()):
        yield Finding("info", f"{split}: {ignored / pixels.sum():.1%} of the pixels are ignored", len(pixels))
    bare = [place for place, own in zip(where, pixels, strict=True) if not own[:IGNORED].any()]
    remedy = "Nothing is learned from them, and nothing scored"
    yield from found_at("warning", len(pixels), f"of {split} have no pixel of a class", bare, remedy)


def _rare(pixels: np.ndarray, names: Sequence[str], where: Sequence[str]) -> Iterator[Finding]:
    """Classes of which little can be learned; pixels (N, K) of the training pictures."""
    shares, pictures = pixels.sum(0) / max(1, pixels.sum()), (pixels > 0).sum(0)
    remedy = "Add training pictures of it, join it with another, or name it in ignored="
    for at, name in enumerate(names):
        if pictures[at] == 0:
            yield Finding("warning", f"the class {name!r} is in no training mask, so it is never given", 0, (), remedy)
        elif pictures[at] == 1:
            place = where[int(pixels[:, at].argmax())]
            yield Finding("warning", f"the class {name!r} is in a single training mask", 1, (place,), remedy)
        elif shares[at] < RARE:
            text = f"the class {name!r} has {shares[at]:.3%} of the training pixels"
            yield Finding("warning", text, int(pictures[at]), (), remedy)
