"""Pictures side by side on one sheet, for axes that lie on several.

Letters: N pictures, H height, W width, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from attentionflow.readers.image import preview

A_ROW = 4  # pictures, unless more are wanted
TALL = 96  # pixels of a picture, unless others are wanted
BETWEEN = 4  # pixels from picture to picture

Box = tuple[float, float, float, float]
WHOLE: Box = (0, 0, 1, 1)


@dataclass(frozen=True)
class Sheet:
    """picture: the sheet as a data URI. columns: pictures of a row; wide, high: a picture and what is between two, as
    shares of the sheet; drawn: the part of that which is the picture, across and down."""

    picture: str
    columns: int
    wide: float
    high: float
    drawn: tuple[float, float]

    @classmethod
    def of(cls, pictures: np.ndarray, columns: int = A_ROW, tall: int = TALL) -> Self:
        """Pictures (N, H, W, 1 or 3), row after row. columns: of them at most; tall: pixels that one has at least."""
        block = -(-tall // pictures.shape[1])
        pictures = pictures.repeat(block, 1).repeat(block, 2)
        count, high, wide = pictures.shape[:3]
        columns = min(columns, count)
        rows = -(-count // columns)
        sheet = np.full((rows * (high + BETWEEN), columns * (wide + BETWEEN), 3), 128, np.uint8)
        for at, picture in enumerate(pictures):
            top, left = at // columns * (high + BETWEEN), at % columns * (wide + BETWEEN)
            sheet[top : top + high, left : left + wide] = picture
        drawn = wide / (wide + BETWEEN), high / (high + BETWEEN)
        return cls(preview(sheet, max(sheet.shape)), columns, 1 / columns, 1 / rows, drawn)

    def box(self, at: int, box: Box = WHOLE) -> Box:
        """A box on picture number `at`, in shares of it, as shares of the sheet."""
        row, column = divmod(at, self.columns)
        x0, y0, x1, y1 = (min(max(edge, 0.0), 1.0) * self.drawn[n % 2] for n, edge in enumerate(box))
        return (column + x0) * self.wide, (row + y0) * self.high, (column + x1) * self.wide, (row + y1) * self.high
