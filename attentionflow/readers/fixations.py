"""Pictures and what people attended to in them: where their eyes rested, or maps of what they hold important.

Letters: n fixations, H height and W width of a picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.image import decode, luminance, resize, size_of
from attentionflow.readers.reading import one_unit, some
from attentionflow.readers.table import column_names, read_table

COLUMNS = ("image", "subject", "x", "y", "duration")
MAPS = ("image", "map")  # and perhaps subject
SHAPE_TOLERANCE = 0.02  # by which a map may be wider or narrower for its height than its picture
FEW = 3  # fixations, from which it is told whether a person's coordinates are shares of the picture


@dataclass(frozen=True)
class Looking:
    """A picture and what each person did with it.

    size: (width, height) of the picture as it was shown. fixations: person -> (n, 2), x and y in its pixels, the first
    pixel's centre at (0, 0); durations: person -> (n,), in milliseconds. maps: person -> (H, W) from 0 up, where people
    said what is important instead. image: its name; pixels: makes the array (H, W, 3), at the size at hand.
    """

    image: str
    size: tuple[int, int]
    fixations: Mapping[str, np.ndarray]
    durations: Mapping[str, np.ndarray]
    where: str
    pixels: Callable[[], np.ndarray] | None = field(default=None, repr=False, compare=False)
    maps: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def points(self) -> np.ndarray:
        """All fixations (n, 2), person after person."""
        return np.concatenate([np.zeros((0, 2)), *self.fixations.values()])


def is_of_pictures(path: str | Path) -> bool:
    """Whether a table is of pictures, by its columns."""
    return "image" in column_names(path)


def read_lookings(path: str | Path) -> tuple[list[Looking], list[str]]:
    """What people did with pictures by a user's table, whose paths start at its folder; and notes on what is left out.

    Columns image, subject, x, y and duration: a row a fixation, in pixels of the picture, the first one's centre at 0,
    and milliseconds; or a row without x, y and duration for a person who looked nowhere. Or image, map and perhaps
    subject: a row a picture and person, the map another picture of the same shape, brighter where it matters more.
    """
    path = Path(path)
    there = column_names(path)
    if {*MAPS} <= {*there}:
        return _mapped(path, "subject" in there)
    remedy = f"Fixations need the columns {', '.join(COLUMNS)}; maps {' and '.join(MAPS)}"
    table = read_table(path, COLUMNS, remedy=remedy)
    files = _files(path, table.rows, table.columns["image"])
    sizes = {name: size_of(file.read_bytes(), str(file)) for name, file in files.items()}
    found, notes = _seen(read_fixations(path, sizes))
    return [_shown(one, files[one.image]) for one in found], notes


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
        width, height = size if isinstance(size, tuple) else _size_of(table.path, row, image, size)
        first_row.setdefault(image, row)
        looked = found[image][subject]
        if not any(one.strip() for one in numbers):  # who looked nowhere
            continue
        x, y, duration = (_number(table.path, row, name, one) for name, one in zip(columns[2:], numbers, strict=True))
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
        looked.append((x, y, duration))
    _check_units(table.path, found, first)
    return [
        Looking(
            image,
            size if isinstance(size, tuple) else size[image],
            {subject: np.array(one).reshape(-1, 3)[:, :2] for subject, one in people.items()},
            {subject: np.array(one).reshape(-1, 3)[:, 2] for subject, one in people.items()},
            f"{Path(path).name}, row {first_row[image]}",
        )
        for image, people in found.items()
    ]


def _check_units(
    path: Path, found: Mapping[str, Mapping[str, Sequence[tuple[float, float, float]]]], first: float
) -> None:
    """DataError where a person's durations, or coordinates, are in another unit than those of the others."""
    people: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for looked in found.values():
        for subject, fixations in looked.items():
            people[subject] += fixations
    one_unit(path, {subject: [one[2] for one in fixations] for subject, fixations in people.items()}, "person")
    for subject, fixations in people.items():
        if len(fixations) >= FEW and all(0 <= x + first <= 1 and 0 <= y + first <= 1 for x, y, _ in fixations):
            raise DataError(
                f"all {len(fixations)} fixations of person {subject!r} lie between 0 and 1: shares, not pixels",
                file=path,
                remedy="Give x and y in pixels of the picture as it was shown",
            )


def _seen(given: Sequence[Looking]) -> tuple[list[Looking], list[str]]:
    """Without people who looked nowhere in a picture, and without pictures that nobody looked at."""
    kept, lost, empty = [], [], []
    for one in given:
        lost += [f"{one.image} ({subject})" for subject, points in one.fixations.items() if not len(points)]
        fixations = {subject: points for subject, points in one.fixations.items() if len(points)}
        durations = {subject: one.durations[subject] for subject in fixations}
        if fixations:
            kept.append(replace(one, fixations=fixations, durations=durations))
        else:
            empty.append(one.image)
    notes = []
    if lost:
        notes.append(f"{len(lost)} people without a fixation on a picture are left out ({some(lost)})")
    if empty:
        notes.append(f"{len(empty)} pictures that nobody looked at are left out ({some(empty)})")
    return kept, notes


def _mapped(path: Path, named: bool) -> tuple[list[Looking], list[str]]:
    table = read_table(path, (*MAPS, *(["subject"] if named else [])))
    files = _files(path, table.rows, table.columns["image"])
    maps = _files(path, table.rows, table.columns["map"])
    people = table.columns.get("subject", ["subject"] * len(table))
    found: dict[str, dict[str, np.ndarray]] = {}
    first_row: dict[str, int] = {}
    dark = []
    for row, image, name, subject in zip(table.rows, table.columns["image"], table.columns["map"], people, strict=True):
        size = size_of(files[image].read_bytes(), str(files[image]))
        given = luminance(decode(maps[name].read_bytes(), str(maps[name])))[:, :, 0]
        if abs(given.shape[1] / given.shape[0] / (size[0] / size[1]) - 1) > SHAPE_TOLERANCE:
            raise DataError(
                f"the map {name} is {given.shape[1]} x {given.shape[0]}, of another shape than {image}, "
                f"which is {size[0]} x {size[1]}",
                file=path,
                row=row,
                remedy="Draw the map over the whole picture",
            )
        mine = found.setdefault(image, {})
        first_row.setdefault(image, row)
        if subject in mine:
            remedy = "Give each person one map of a picture"
            raise DataError(f"person {subject!r} has two maps of {image}", file=path, row=row, remedy=remedy)
        if given.min() == given.max():
            dark.append(f"{image} ({subject})")
            continue
        mine[subject] = resize(given[:, :, None].astype(np.float32), *size)[:, :, 0].clip(min=0)
    notes = [f"{len(dark)} maps that are the same everywhere are left out ({some(dark)})"] if dark else []
    lookings = []
    for image, mine in found.items():
        if mine:
            size = size_of(files[image].read_bytes(), str(files[image]))
            looking = Looking(image, size, {}, {}, f"{path.name}, row {first_row[image]}", None, mine)
            lookings.append(_shown(looking, files[image]))
    return lookings, notes


def _files(path: Path, rows: Sequence[int], names: Sequence[str]) -> dict[str, Path]:
    """Each named picture beside a table."""
    for row, name in zip(rows, names, strict=True):
        if not name.strip() or not (path.parent / name).is_file():
            remedy = "Paths start at the folder of the table"
            raise DataError(f"there is no picture {name!r}", file=path, row=row, remedy=remedy)
    return {name: path.parent / name for name in names}


def _shown(one: Looking, file: Path) -> Looking:
    return replace(one, pixels=partial(_decoded, file))


def _decoded(file: Path) -> np.ndarray:
    return decode(file.read_bytes(), str(file))


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
