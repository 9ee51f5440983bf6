"""Pictures to be recognised and what they are compared with, cut into batches.

In training, a batch holds two pictures or more of each of its things: every other one is asked about, the rest are
known. Letters: N pictures, B of a batch, G known pictures, C channels, H height, W width.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.galleries import galleries_of, gallery_of, thing_of
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.tasks._augment_pictures import PARTNER, drawn, erased
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._known import Columns, Known
from attentionflow.tasks._picture_batches import PREDICTION_PICTURES
from attentionflow.tasks._pixels import all_pixels, scaling_note
from attentionflow.tasks._warp_pictures import DRAWS, turned, warped

Tensors = dict[str, Tensor | None]


@dataclass(frozen=True)
class Items:
    """To learn from: pixels (N, H, W, C) of pictures in bytes, each of which counts once a way of turning it.

    things, kin, rows (N · ways,): the number of what is on each, that of the things it is most like, and which example
    it is. Kin are things whose names begin alike, up to the last "/", turned the same way.
    """

    pixels: np.ndarray
    things: np.ndarray
    kin: np.ndarray
    rows: np.ndarray
    ways: int

    @classmethod
    def of(cls, examples: Sequence[LabelledPicture], canvas: Canvas, ways: int) -> tuple[Items, list[str]]:
        """With notes; what is turned another way is another thing."""
        names = [thing_of(one) for one in examples]
        counts = Counter(names)
        kept = np.array([row for row, name in enumerate(names) if name and counts[name] > 1], int)
        left_out = [one.where for one, name in zip(examples, names, strict=True) if not name or counts[name] == 1]
        notes = []
        if left_out:
            what = "have no name, or are the only one of their thing"
            notes.append(f"{len(left_out):,} pictures {what}: left out of training ({', '.join(left_out[:5])})")
        pixels, scaled = all_pixels([examples[row] for row in kept], canvas)
        notes += scaling_note(scaled, len(kept), canvas)
        things, kin = (
            (_numbers([name(names[row]) for row in kept])[:, None] * ways + np.arange(ways)).ravel()
            for name in (str, lambda whole: whole.rpartition("/")[0])
        )
        return cls(pixels, things, kin, np.repeat(kept, ways), ways), notes

    def batches(self, size: int, seed: int, epoch: int | None) -> list[np.ndarray]:
        """Each item once, in groups of two of a thing, or of three where their number is odd, drawn anew every epoch.

        In every other epoch, kin share their batches, since they are hardest to tell apart.
        """
        count = len(self.things)
        if count == 0:
            return []
        draw = np.random.default_rng((seed, 0 if epoch is None else epoch))
        order = draw.permutation(count)
        order = order[np.argsort(self.things[order], kind="stable")]
        ends = np.flatnonzero(np.diff(self.things[order])) + 1
        groups = [group for own in np.split(order, ends) for group in np.array_split(own, max(1, len(own) // 2))]
        mixed = draw.permutation(len(groups))
        if epoch is not None and epoch % 2:
            mixed = mixed[np.argsort([self.kin[groups[at][0]] for at in mixed], kind="stable")]
        parts = np.array_split(mixed, min(len(groups), max(1, round(count / size))))
        return [np.concatenate([groups[at] for at in parts[number]]) for number in draw.permutation(len(parts))]

    def tensors(
        self, canvas: Canvas, indices: np.ndarray, seed: int, epoch: int | None, warp: float, erase: float
    ) -> Tensors:
        images = canvas.normalise(self.pixels[indices // self.ways])
        if self.ways > 1:
            images = turned(images, indices % self.ways)
        if epoch is not None:
            draws = drawn(seed, epoch, len(self.rows), PARTNER + 1 + DRAWS)[indices]
            images = erased(warped(images, draws[:, PARTNER + 1 :], warp), draws, erase)
        things = self.things[indices]
        known = every_other(things)
        same = things[~known, None] == things[known]
        return {
            "images": images[~known],
            "known": images[known],
            "pictures": torch.arange(int(known.sum())),
            "allowed": torch.ones(same.shape, dtype=torch.bool),
            "same": torch.from_numpy(same),
        }


@dataclass(frozen=True)
class Questions:
    """To be answered: pixels (N, H, W, C) in bytes, the name of the thing on each, and which of the galleries it is
    asked of."""

    pixels: np.ndarray
    things: np.ndarray
    asked: np.ndarray
    galleries: Sequence[Known]

    @classmethod
    def of(cls, examples: Sequence[LabelledPicture], canvas: Canvas, own: Known) -> Questions:
        """own: what is known where a picture comes without a gallery."""
        found = galleries_of(examples)
        shown = {one.where: one for gallery in found if gallery for one in gallery.pictures}
        row_of = {where: row for row, where in enumerate(shown)}
        pixels, _ = all_pixels(list(shown.values()), canvas)
        galleries = [
            own
            if gallery is None
            else Known(pixels[[row_of[one.where] for one in gallery.pictures]], tuple(map(thing_of, gallery.pictures)))
            for gallery in found
        ]
        number = {gallery: place for place, gallery in enumerate(found)}
        asked = np.array([number[gallery_of(one)] for one in examples], int)
        things = np.array([thing_of(one) for one in examples], object)
        return cls(all_pixels(examples, canvas)[0], things, asked, galleries)

    def batches(self, size: int) -> list[np.ndarray]:
        """Gallery by gallery, so that each is described as seldom as can be."""
        made = []
        for number in range(len(self.galleries)):
            own = np.flatnonzero(self.asked == number)
            made += np.array_split(own, -(-len(own) // max(size, PREDICTION_PICTURES)))
        return made

    def tensors(self, canvas: Canvas, indices: np.ndarray, by_thing: bool) -> Tensors:
        order = list(dict.fromkeys(self.asked[indices].tolist()))
        galleries = [self.galleries[number] for number in order]
        columns = Columns.of([gallery.names for gallery in galleries], by_thing)
        own = np.array([order.index(number) for number in self.asked[indices]], int)
        allowed = own[:, None] == columns.gallery
        same = np.array([[thing == name for name in columns.names] for thing in self.things[indices]], bool)
        return {
            "images": canvas.normalise(self.pixels[indices]),
            "known": canvas.normalise(np.concatenate([gallery.pixels for gallery in galleries])),
            "pictures": torch.from_numpy(columns.pictures),
            "allowed": torch.from_numpy(allowed),
            "same": torch.from_numpy(allowed & same.reshape(allowed.shape)),
        }


def _numbers(names: Sequence[str]) -> np.ndarray:
    """(N,) of each name, counted in the order in which they are first met."""
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], int)


def every_other(things: np.ndarray) -> np.ndarray:
    """(B,) bool: of the pictures of each thing (B,), in their order, the second, the fourth and so on."""
    seen: Counter[int] = Counter()
    found = np.zeros(len(things), bool)
    for row, thing in enumerate(things.tolist()):
        found[row] = seen[thing] % 2
        seen[thing] += 1
    return found
