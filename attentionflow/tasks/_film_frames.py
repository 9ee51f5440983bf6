"""Films as frames on one canvas, evenly spread over time, in windows that the network sees at once.

Letters: N moments of a film, V windows, W moments of a window, T of the longest, H height, W width, C channels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from attentionflow._cores import over_cores
from attentionflow.readers.clips import film_of
from attentionflow.readers.moments import KnownFilm
from attentionflow.readers.video import Film
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._pixels import room

SHARED = 0.25  # of a window, at least, that the next one sees too


@dataclass(frozen=True)
class Windows:
    """Pieces of at most `size` moments, evenly spread over a film; they overlap, and of each moment that window is read
    in which it lies furthest from an edge."""

    size: int

    def starts(self, count: int) -> list[int]:
        """First moments of the windows of a film of so many."""
        if count <= self.size:
            return [0]
        step = max(1, int(self.size * (1 - SHARED)))
        pieces = 1 + -(-(count - self.size) // step)
        return np.linspace(0, count - self.size, pieces).round().astype(int).tolist()

    def cut(self, film: np.ndarray) -> list[np.ndarray]:
        """The windows of what there is a moment, (N, ...)."""
        return [film[start : start + self.size] for start in self.starts(len(film))]

    def read(self, count: int) -> list[tuple[int, int]]:
        """Of each window the moments of the film that are read from it: the first, and one past the last."""
        starts = self.starts(count)
        middles = [(b + a + self.size) // 2 for a, b in pairwise(starts)]
        edges = [0, *middles, count]
        return list(pairwise(edges))

    def places(self, count: int) -> np.ndarray:
        """(N,) where each moment is read, among the moments of all windows one after the other."""
        size = min(self.size, count)
        pieces = zip(self.starts(count), self.read(count), strict=True)
        return np.concatenate(
            [number * size + np.arange(a, b) - start for number, (start, (a, b)) in enumerate(pieces)]
        )


@dataclass(frozen=True)
class Prepared:
    """What is kept of all films. frames: (N, H, W, C) each, None of a long one; targets: (N,) of 0 to 1, NaN where not
    known; lasts: how long each is, in its unit; rows: which example each is."""

    frames: list[np.ndarray | None]
    targets: list[np.ndarray]
    lasts: list[float]
    rows: np.ndarray


def moment_count(film: Film, rate: float) -> int:
    """N: `rate` a second, or every frame where they are only counted."""
    return max(1, round(film.lasts * (rate if film.unit == "s" else 1)))


@dataclass(frozen=True)
class Frames:
    """How films become frames: `rate` a second, or every one where they are only counted."""

    canvas: Canvas
    rate: float

    def count(self, film: Film) -> int:
        """N"""
        return moment_count(film, self.rate)

    def stream(self, film: Film) -> Iterator[np.ndarray]:
        """Each frame (H, W, C), one at a time."""
        return (self.canvas.placed(pixels) for _, pixels in film.frames(self.count(film)))

    def windows(self, film: Film, windows: Windows) -> Iterator[np.ndarray]:
        """Each window (at most W, H, W, C) of a film of any length; no more than one is held."""
        size, frames = windows.size, self.stream(film)
        held: deque[np.ndarray] = deque(maxlen=size)
        seen = 0
        for start in windows.starts(count := self.count(film)):
            for frame in _next(frames, min(start + size, count) - seen):
                held.append(frame)
                seen += 1
            yield np.stack(held)

    def all(self, films: Sequence[KnownFilm], counts: Sequence[int]) -> list[np.ndarray]:
        """(N, H, W, C) of each film, decoded once; large amounts are kept in a file."""
        ends = np.cumsum(counts)
        made = room((int(ends[-1]) if len(ends) else 0, self.canvas.height, self.canvas.width, len(self.canvas.mean)))
        parts = np.split(made, ends[:-1]) if len(films) else []

        def draw(index: int) -> None:
            for at, frame in enumerate(self.stream(film_of(films[index].clip))):
                parts[index][at] = frame

        list(over_cores(draw, range(len(films))))
        return parts


def _next(frames: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    for _ in range(count):
        yield next(frames)


def padded(films: Sequence[np.ndarray], canvas: Canvas) -> tuple[Tensor, Tensor | None]:
    """Of pieces (T, H, W, C): (V, T, C, H, W), the mean colour on padding, and present (V, T), None without padding."""
    longest = max(map(len, films), default=0)
    made = torch.zeros(len(films), longest, len(canvas.mean), canvas.height, canvas.width)
    for row, one in zip(made, films, strict=True):
        row[: len(one)] = canvas.normalise(np.ascontiguousarray(one))
    lengths = torch.tensor([len(one) for one in films])
    if not films or int(lengths.min()) == longest:
        return made, None
    return made, torch.arange(longest) < lengths[:, None]
