"""Pictures and where people's eyes rested on them.

Letters: n fixations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.table import read_table

COLUMNS = ("image", "subject", "x", "y", "duration")


@dataclass(frozen=True)
class Looking:
    """A picture and where each person looked.

    size: (width, height) of the picture as it was shown. fixations: person -> (n, 2), x and y in its pixels, the first
    pixel's centre at (0, 0); durations: person -> (n,), in milliseconds. image: its file name.
    """

    image: str
    size: tuple[int, int]
    fixations: Mapping[str, np.ndarray]
    durations: Mapping[str, np.ndarray]
    where: str

    @property
    def points(self) -> np.ndarray:
        """All fixations (n, 2), person after person."""
        return np.concatenate(list(self.fixations.values()))


def read_fixations(
    path: str | Path,
    size: tuple[int, int] | Mapping[str, tuple[int, int]],
    *,
    first: float = 0.0,
    columns: tuple[str, ...] = COLUMNS,
) -> list[Looking]:
    """Fixations of a table with the columns image, subject, x, y and duration; pictures in their order of appearance.

    size: (width, height) in the pixels that x and y count, of every picture or by name. first: what the centre of the
    first pixel is called in the file, 0 or 1. DataError, with the row, for a fixation that lies outside.
    """
    table = read_table(path, columns, remedy=f"Fixations need the columns {', '.join(columns)}")
    found: dict[str, dict[str, list[tuple[float, float, float]]]] = defaultdict(lambda: defaultdict(list))
    first_row: dict[str, int] = {}
    for row, image, subject, *numbers in zip(table.rows, *(table.columns[name] for name in columns), strict=True):
        x, y, duration = (_number(table.path, row, name, one) for name, one in zip(columns[2:], numbers, strict=True))
        width, height = size if isinstance(size, tuple) else _size_of(table.path, row, image, size)
        x, y = x - first, y - first
        if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
            raise DataError(
                f"the fixation at x {numbers[0]}, y {numbers[1]} lies outside {image}, which is {width} x {height}",
                file=table.path,
                row=row,
                remedy="Give x and y in pixels of the picture as it was shown, and leave out what lies beside it",
            )
        if duration < 0:
            remedy = "Give for how long the eye rested, in milliseconds"
            raise DataError(f"the duration {numbers[2]} is negative", file=table.path, row=row, remedy=remedy)
        first_row.setdefault(image, row)
        found[image][subject].append((x, y, duration))
    return [
        Looking(
            image,
            size if isinstance(size, tuple) else size[image],
            {subject: np.array(one)[:, :2] for subject, one in people.items()},
            {subject: np.array(one)[:, 2] for subject, one in people.items()},
            f"{Path(path).name}, row {first_row[image]}",
        )
        for image, people in found.items()
    ]


def _number(path: Path, row: int, name: str, given: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"{name} is {given!r}, which is no number", file=path, row=row, remedy="Mend or drop the row")
    return value


def _size_of(path: Path, row: int, image: str, sizes: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    if image not in sizes:
        raise DataError(f"there is no picture {image!r}", file=path, row=row, remedy="Put it beside the others")
    return sizes[image]
