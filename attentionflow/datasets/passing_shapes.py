"""Films in which shapes pass by, nearly all of one kind: what matters is when one of another kind does.

Which kind is the usual one differs from film to film, so no frame tells it: only all frames together do. The others
move as much, the ground pans, and the light changes.
Letters: T frames, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._made import Made
from attentionflow.datasets.shapes import clouds
from attentionflow.readers.clips import Clip
from attentionflow.readers.moments import Event, KnownFilm, KnownFilms
from attentionflow.readers.video import FrameArray

LENGTHS = {"train": 1000, "val": 60, "test": 200}
FRAMES, SIDE, RATE = 120, 24, 4  # of a film; pixels; frames a second
KINDS = {
    "disc": 0.5,
    "cross": 0.25,
    "ring": 0.15,
    "triangle": 0.1,
}  # and in what share of the films each is the usual one
PASSING, BETWEEN = (1.5, 3.0), (0.5, 1.5)  # least and most seconds
ODD = (1, 2)  # of a film
WAY = 40  # pixels that the ground pans at most, up and down or aside
NOISE = 6  # deviation of what is added to each pixel

DATASET = Dataset(
    name="passing_shapes",
    task="video-processing",
    summary="Discs, rings, crosses and triangles that pass over moving ground in changing light, all but one or two of "
    f"a film of one kind; those are its events. {FRAMES // RATE} seconds of {RATE} frames of {SIDE} x {SIDE} pixels, "
    f"made here: {', '.join(f'{count} {split}' for split, count in LENGTHS.items())}.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the films are made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "size": SIDE,
    "patch": 8,
    "rate": float(RATE),
    "window": FRAMES,
    "learning_rate": 3e-3,
    "epochs": 12,
    "evaluations": 4,
    "ema": 0.98,
}
ADVICE: dict[str, dict[str, object]] = {"local-global": {**_SHARED}, "classic": {**_SHARED}}


class Passage(NamedTuple):
    """One shape, from where its middle is when it comes to where it is when it goes, in pixels (y, x)."""

    kind: str
    start: int  # frames
    stop: int
    come: np.ndarray
    gone: np.ndarray


class PassingShapes(Made[KnownFilm]):
    name, lengths = DATASET.name, LENGTHS

    def one(self, index: int) -> KnownFilm:
        key, where = self.key(index), self.where(index)
        usual, passages = _passages(np.random.default_rng(key))
        events = tuple(Event(one.start / RATE, one.stop / RATE, where) for one in passages if one.kind != usual)
        clip = Clip(
            where, None, where, lambda: repr(key).encode(), lambda: FrameArray(_pixels(key, passages), 1 / RATE)
        )
        return KnownFilm(clip, events)


def read(seed: int = 0, fold: int = 1) -> KnownFilms:
    """`seed` chooses which films are made."""
    return KnownFilms(
        {split: PassingShapes(split, seed) for split in LENGTHS}, ["the data set 'passing_shapes' is made, not filmed"]
    )


def _passages(draw: np.random.Generator) -> tuple[str, list[Passage]]:
    """The usual kind, and all that passes, one after the other."""
    usual = str(draw.choice(list(KINDS), p=list(KINDS.values())))
    odd = str(draw.choice([kind for kind in KINDS if kind != usual]))
    times, now = [], draw.uniform(0, BETWEEN[1])
    while now + PASSING[1] < FRAMES / RATE:
        lasts = draw.uniform(*PASSING)
        times.append((round(now * RATE), round((now + lasts) * RATE)))
        now += lasts + draw.uniform(*BETWEEN)
    others = draw.permutation(len(times))[: draw.integers(ODD[0], ODD[1] + 1)]
    made = []
    for at, (start, stop) in enumerate(times):
        angle, middle = draw.uniform(0, 2 * np.pi), SIDE / 2 + draw.uniform(-SIDE / 5, SIDE / 5, 2)
        way = np.array([np.sin(angle), np.cos(angle)]) * SIDE / 2
        made.append(Passage(odd if at in others else usual, start, stop, middle - way, middle + way))
    return usual, made


def _pixels(key: tuple[int, ...], passages: Sequence[Passage]) -> np.ndarray:
    """(T, H, W) bytes."""
    draw = np.random.default_rng((*key, 1))
    y, x = np.indices((SIDE + WAY, SIDE + WAY))
    ground = clouds(draw, 2.0 * x, 2.0 * y) * draw.uniform(10, 30) + draw.uniform(60, 100)
    come, gone = draw.uniform(0, WAY, (2, 2))  # the corner of what is to be seen of the ground, first and last
    corners = np.linspace(come, gone, FRAMES).astype(int)
    film = np.stack([ground[top : top + SIDE, left : left + SIDE] for top, left in corners])
    film += _light(draw)[:, None, None]
    for one in passages:
        share = (np.arange(one.start, one.stop) + 0.5 - one.start) / (one.stop - one.start)
        middle = one.come + (one.gone - one.come) * share[:, None]
        v, u = (np.indices((SIDE, SIDE))[:, None] + 0.5 - middle.T[:, :, None, None]) / draw.uniform(4, 5)
        film[one.start : one.stop][_within(one.kind, u, v)] += draw.uniform(70, 110)
    return (film + draw.normal(0, NOISE, film.shape)).clip(0, 255).astype(np.uint8)


def _light(draw: np.random.Generator) -> np.ndarray:
    """(T,) by how much it is brighter: for a while now and then."""
    light = np.zeros(FRAMES)
    for start in draw.integers(0, FRAMES, 6):
        light[start : start + draw.integers(1, 12)] = draw.uniform(-30, 30)
    return light


def _within(kind: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether a place, in sizes of the shape from its middle, belongs to it."""
    radius = np.hypot(u, v)
    if kind == "disc":
        return radius <= 0.9
    if kind == "ring":
        return (radius <= 1) & (radius >= 0.55)
    if kind == "cross":
        return (np.minimum(abs(u), abs(v)) <= 0.25) & (np.maximum(abs(u), abs(v)) <= 1)
    return (abs(v) <= 0.9) & (abs(u) <= (v + 0.9) / 1.8)
