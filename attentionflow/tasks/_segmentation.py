"""What is where in a picture, as an answer: printed, written as JSON, as rows of a table, as a mask.

Letters: H height, W width, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from attentionflow.readers.masks import ClassList

COLUMNS = ("class", "share", "pixels")


@dataclass(frozen=True, eq=False)
class Segmentation:
    """numbers: (H, W) bytes, the class of every pixel by its place in the list of classes."""

    numbers: np.ndarray = field(repr=False)
    classes: ClassList = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(W, H)"""
        return self.numbers.shape[1], self.numbers.shape[0]

    @property
    def pixels(self) -> dict[str, int]:
        """How many pixels each class has that is there, the largest first."""
        counts = np.bincount(self.numbers.ravel(), minlength=len(self.classes.names))
        return {self.classes.names[at]: int(counts[at]) for at in np.argsort(-counts, kind="stable") if counts[at]}

    def rows(self) -> list[tuple[str, float, int]]:
        return [(name, count / self.numbers.size, count) for name, count in self.pixels.items()]

    def mask(self) -> bytes:
        """A PNG that writes the classes as the masks of the training pictures do."""
        from PIL import Image

        codes, buffer = np.array(self.classes.codes), BytesIO()
        written = codes[self.numbers] if self.classes.coloured else codes[self.numbers, 0]
        deep = not self.classes.coloured and codes.max() > 255
        Image.fromarray(written.astype(np.uint16 if deep else np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    def save(self, path: str | Path) -> None:
        Path(path).write_bytes(self.mask())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segmentation):
            return NotImplemented
        return self.classes == other.classes and np.array_equal(self.numbers, other.numbers)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return ", ".join(f"{name} {share:.1%}" for name, share, _ in self.rows())

    def to_json(self) -> dict[str, Any]:
        """The shares alone; `mask` gives the pixels."""
        return {"width": self.size[0], "height": self.size[1], "shares": {n: round(s, 6) for n, s, _ in self.rows()}}


@dataclass(frozen=True)
class Asked:
    """What a recording asks again: the class of every pixel of the canvas, (H, W) bytes, and which classes those are,
    the largest first."""

    regions: np.ndarray
    classes: tuple[int, ...]
