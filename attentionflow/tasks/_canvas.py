"""The picture that the network sees: every picture, brought to one size, and batches of them.

Letters: B pictures, G objects of a picture (padded), H height, W width.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.boxes import Picture
from attentionflow.readers.image import resize
from attentionflow.tasks._augment_boxes import Drawn

BUDGET = 1 << 30  # bytes of pictures that are kept once they were decoded
LOOKED = 200  # pictures from which the mean colour is learned


@dataclass(frozen=True)
class Canvas:
    """Width and height in pixels, the mean and the deviation of each colour channel, and the names of the classes."""

    width: int
    height: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    classes: tuple[str, ...]

    @classmethod
    def learn(cls, pictures: Sequence[Picture], longest: int, patch: int) -> Self:
        """As wide to its height as the middle one of these pictures is, the longer side of `longest` pixels."""
        ratio = float(np.median([picture.size[0] / picture.size[1] for picture in pictures]))

        def whole(side: float) -> int:
            return max(1, round(side / patch)) * patch

        width, height = whole(longest * min(1, ratio)), whole(longest / max(1, ratio))
        some = [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, LOOKED).astype(int))]
        small = [resize(one.pixels(), 32, 32).reshape(-1, 3) for one in some]
        seen = np.concatenate(small).astype(float)
        classes = sorted({label for one in pictures for label in one.labels})
        deviation = np.maximum(seen.std(0), 1.0)
        return cls(width, height, tuple(seen.mean(0).tolist()), tuple(deviation.tolist()), tuple(classes))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        page: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
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

    def draw(self, picture: Picture) -> np.ndarray:
        """(H, W, 3) bytes, the mean colour where the picture does not reach."""
        width, height = self.fitted(picture.size)
        pixels = np.empty((self.height, self.width, 3), np.uint8)
        pixels[:] = np.round(self.mean)
        pixels[:height, :width] = resize(picture.pixels(), width, height)
        return pixels

    def normalise(self, pixels: np.ndarray) -> Tensor:
        """(B, H, W, 3) bytes as (B, 3, H, W): 0 is the mean colour."""
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
