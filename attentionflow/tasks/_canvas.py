"""The picture that the network sees: every picture, brought to one size, and batches of them.

Letters: B pictures, C channels, G objects of a picture (padded), H height, W width.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.boxes import Picture
from attentionflow.readers.image import luminance, resize
from attentionflow.tasks._augment_boxes import Drawn

BUDGET = 1 << 30  # bytes of pictures that are kept once they were decoded
LOOKED = 200  # pictures from which the mean colour is learned


class Drawable(Protocol):
    """A picture of any task. pixels: makes the array (H, W, 3) of bytes; size: (W, H)."""

    @property
    def pixels(self) -> Callable[[], np.ndarray]: ...
    @property
    def size(self) -> tuple[int, int]: ...


class Labelled(Drawable, Protocol):
    @property
    def labels(self) -> tuple[str, ...] | None: ...


@dataclass(frozen=True)
class Canvas:
    """Width and height in pixels, the mean and the deviation of each channel (three colours, or grey alone), and the
    names of the classes."""

    width: int
    height: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    classes: tuple[str, ...]

    @classmethod
    def learn(
        cls, pictures: Sequence[Labelled], longest: int, patch: int, grey: bool = False, room: bool = False
    ) -> Self:
        """As wide to its height as the middle one of these pictures is, the longer side of `longest` pixels.

        grey: of one channel where no picture that is looked at has colour. room: sides that are no whole patches grow,
        so that the middle picture is not scaled down by it.
        """
        ratio = float(np.median([picture.size[0] / picture.size[1] for picture in pictures]))

        def whole(side: float) -> int:
            return max(1, math.ceil(side / patch - 1e-9) if room else round(side / patch)) * patch

        width, height = whole(longest * min(1, ratio)), whole(longest / max(1, ratio))
        some = [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, LOOKED).astype(int))]
        small = [resize(one.pixels(), 32, 32).reshape(-1, 3) for one in some]
        seen = np.concatenate(small).astype(float)
        if grey and (seen == seen[:, :1]).all():
            seen = seen[:, :1]
        classes = sorted({label for one in pictures for label in one.labels or ()})
        deviation = np.maximum(seen.std(0), 1.0)
        return cls(width, height, tuple(seen.mean(0).tolist()), tuple(deviation.tolist()), tuple(classes))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls.of(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, page: Mapping[str, Any]) -> Self:
        """The canvas whose fields are these, as JSON has them."""
        mean, deviation, classes = (tuple(page[name]) for name in ("mean", "deviation", "classes"))
        return cls(page["width"], page["height"], mean, deviation, classes)

    def fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a picture once it fits, its shape kept; it lies in the upper left corner."""
        scale = min(self.width / size[0], self.height / size[1])
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def scale(self, size: tuple[int, int]) -> np.ndarray:
        """(4,) by which its boxes are multiplied."""
        width, height = self.fitted(size)
        return np.array([width / size[0], height / size[1]] * 2, np.float32)

    def draw(self, picture: Drawable) -> np.ndarray:
        """(H, W, C) bytes, the mean colour where the picture does not reach."""
        return self.placed(picture.pixels())

    def placed(self, given: np.ndarray) -> np.ndarray:
        """The same of its pixels (H, W, 3)."""
        given = luminance(given) if len(self.mean) == 1 else given
        width, height = self.fitted((given.shape[1], given.shape[0]))
        pixels = np.empty((self.height, self.width, len(self.mean)), np.uint8)
        pixels[:] = np.round(self.mean)
        pixels[:height, :width] = resize(given, width, height)
        return pixels

    def normalise(self, pixels: np.ndarray) -> Tensor:
        """(B, H, W, C) bytes as (B, C, H, W): 0 is the mean colour."""
        mean, deviation = (torch.tensor(values, dtype=torch.float32) for values in (self.mean, self.deviation))
        return ((torch.from_numpy(pixels).float() - mean) / deviation).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Prepared:
    """Pictures on a canvas, each decoded once and kept as long as there is room."""

    pictures: Sequence[Picture]
    canvas: Canvas
    kept: dict[int, np.ndarray] = field(default_factory=dict)

    def drawn(self, index: int) -> Drawn:
        """A picture with its boxes of known classes; those to be ignored have the number -1."""
        picture = self.pictures[index]
        if (pixels := self.kept.get(index)) is None:
            pixels = self.canvas.draw(picture)
            if (len(self.kept) + 1) * pixels.nbytes <= BUDGET:
                self.kept[index] = pixels
        numbers = {label: number for number, label in enumerate(self.canvas.classes)}
        known = np.array([label in numbers for label in picture.labels], bool)
        labels = np.array([numbers.get(label, -1) for label in picture.labels], np.int64)
        labels[picture.ignored] = -1
        boxes = picture.boxes * self.canvas.scale(picture.size)
        return Drawn(pixels, boxes[known].reshape(-1, 4), labels[known])


def padded(drawn: Sequence[Drawn]) -> Mapping[str, Tensor]:
    """objects (B, G, 4), labels (B, G): 0 and up, -1 to be ignored, -2 on padding."""
    most = max(1, *(len(one.labels) for one in drawn))
    objects, labels = np.zeros((len(drawn), most, 4), np.float32), np.full((len(drawn), most), -2)
    for row, one in enumerate(drawn):
        objects[row, : len(one.labels)], labels[row, : len(one.labels)] = one.boxes, one.labels
    return {"objects": torch.from_numpy(objects), "labels": torch.from_numpy(labels)}
