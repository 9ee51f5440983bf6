"""What is picked of a film: a score a moment, events, the shots of a cut-down film and key frames.

Letters: N moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from attentionflow.errors import UserError
from attentionflow.readers.film_cuts import cut_film, key_frame
from attentionflow.readers.video import Film, FilmFile
from attentionflow.settings import Settings
from attentionflow.tasks._moment_choice import Stretch, best_shots, peaks, stretches

DIGITS = 4  # of scores and times that are told


class MomentOptions(Settings):
    threshold: float | None = Field(
        None, gt=0, lt=1, description="score from which a moment belongs to an event; chosen on validation unless given"
    )
    share: float = Field(0.15, gt=0, le=1, description="share of the film that the cut-down film keeps")
    seconds: float | None = Field(None, gt=0, description="length of the cut-down film, in place of share")
    shot: float = Field(2.0, ge=0, description="seconds of a shot of the cut-down film, at least")
    keys: int = Field(10, ge=1, description="key frames at most, one of each shot")


@dataclass(frozen=True, eq=False)
class Moments:
    """scores (N,) of as many equally long parts of a film that lasts `lasts` in its unit.

    events: stretches of moments (None: the network knows of none); shots: those of the cut-down; keys: key frames.
    film: where the pictures are, of a film that is a file.
    """

    scores: np.ndarray
    lasts: float
    unit: str
    events: tuple[Stretch, ...] | None
    shots: tuple[Stretch, ...]
    keys: tuple[int, ...]
    film: FilmFile | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moments):
            return NotImplemented
        return np.array_equal(self.scores, other.scores) and self._choices == other._choices

    def __hash__(self) -> int:
        return hash(self._choices)

    @property
    def _choices(self) -> tuple[Any, ...]:
        return self.lasts, self.unit, self.events, self.shots, self.keys

    @property
    def picked(self) -> np.ndarray:
        """(N,) bool: which belong to an event, or, where none are known, to the cut-down film."""
        chosen = np.zeros(len(self.scores), bool)
        for a, b in self.shots if self.events is None else self.events:
            chosen[a:b] = True
        return chosen

    @property
    def edges(self) -> np.ndarray:
        """(N + 1,) where the moments begin, and where the last ends."""
        return np.linspace(0, self.lasts, len(self.scores) + 1)

    @property
    def middles(self) -> np.ndarray:
        """(N,)"""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def times(self, stretches: tuple[Stretch, ...]) -> list[tuple[float, float]]:
        edges = self.edges
        return [(float(edges[a]), float(edges[b])) for a, b in stretches]

    def __str__(self) -> str:
        parts = []
        if self.events is not None:
            told = [f"{self._span(one)} ({self.scores[slice(*one)].mean():.2f})" for one in self.events]
            parts.append(f"events: {', '.join(told) or 'none'}")
        parts.append(f"cut-down: {', '.join(map(self._span, self.shots))}")
        return "; ".join([*parts, f"key frames: {', '.join(map(self._at, self.keys))}"])

    def _span(self, one: Stretch) -> str:
        start, end = self._told(*self.times((one,))[0])
        return f"{start:g} to {end:g} s" if self.unit == "s" else f"frames {start:g} to {end:g}"

    def _at(self, moment: int) -> str:
        return f"{self.middles[moment]:.2f} s" if self.unit == "s" else f"frame {int(self.middles[moment]) + 1}"

    def _told(self, start: float, end: float) -> tuple[float, float]:
        """As people tell it: seconds, or the numbers of the first and the last frame."""
        return (round(start, 2), round(end, 2)) if self.unit == "s" else (int(start) + 1, int(end))

    def to_json(self) -> dict[str, Any]:
        page: dict[str, Any] = {"unit": self.unit, "lasts": round(self.lasts, DIGITS)}
        if self.events is not None:
            page["events"] = [
                {"start": start, "end": end, "score": round(float(self.scores[a:b].mean()), DIGITS)}
                for (start, end), (a, b) in self._listed(self.events)
            ]
        page["shots"] = [{"start": start, "end": end} for (start, end), _ in self._listed(self.shots)]
        middles = self.middles[list(self.keys)].tolist()
        page["key_frames"] = [round(at, DIGITS) if self.unit == "s" else int(at) + 1 for at in middles]
        page["scores"] = [round(float(score), DIGITS) for score in self.scores]
        return page

    def _listed(self, stretches: tuple[Stretch, ...]) -> Iterator[tuple[tuple[float, float], Stretch]]:
        for times, one in zip(self.times(stretches), stretches, strict=True):
            yield self._told(*times), one

    def columns(self) -> dict[str, list[Any]]:
        """A row a moment: when it is, its score, the numbers of the event and the shot that it is of, counted from 1,
        when it is shown in the cut-down film, and whether it is a key frame."""
        edges = self.edges[:-1]
        unit = (
            {"second": edges.round(DIGITS).tolist()}
            if self.unit == "s"
            else {"frame": (edges.astype(int) + 1).tolist()}
        )
        columns: dict[str, list[Any]] = {**unit, "score": self.scores.round(DIGITS).tolist()}
        if self.events is not None:
            columns["event"] = self._numbers(self.events)
        columns["shot"] = self._numbers(self.shots)
        shown, columns["cut"] = 0.0, [None] * len(edges)
        for a, b in self.shots:
            for moment in range(a, b):
                columns["cut"][moment] = round(float(shown + edges[moment] - edges[a]), DIGITS)
            shown += float(self.edges[b] - edges[a])
        columns["key"] = [int(moment in self.keys) for moment in range(len(edges))]
        return columns

    def _numbers(self, stretches: tuple[Stretch, ...]) -> list[int | None]:
        found: list[int | None] = [None] * len(self.scores)
        for number, (a, b) in enumerate(stretches, start=1):
            found[a:b] = [number] * (b - a)
        return found

    def files(self, name: str) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The cut-down film, and the key frames named after their seconds. Of a folder all frames are files already."""
        if self.film is None:
            return
        stem = Path(name).stem
        yield f"{stem}-cut.mp4", cut_film(self.film, self.times(self.shots))
        for moment in self.keys:
            yield f"{stem}-{self.middles[moment]:.2f}s.png", key_frame(self.film, len(self.scores), moment)


def pick(
    logits: np.ndarray,
    scale: tuple[float, float] | None,
    film: Film,
    lasts: float,
    threshold: float,
    shortest: float,
    options: MomentOptions,
    name: str,
) -> Moments:
    """By logits (N,) of how much each moment matters.

    scale: what the scores lie between, None where the network learned of events; threshold: of events, unless the
    options have one; shortest: moments of an event, at least.
    """
    least, most = scale or (0.0, 1.0)
    scores = np.round(least + (most - least) / (1 + np.exp(-logits)), DIGITS)
    if film.unit != "s" and options.seconds is not None:
        raise UserError(f"seconds={options.seconds:g}: of {name} frames are only counted; give a share instead")
    share = options.share if options.seconds is None else min(1.0, options.seconds / lasts)
    shot = max(1, round(options.shot / lasts * len(scores))) if film.unit == "s" else 1
    shots = best_shots(scores, share, shot)
    events = None if scale else tuple(stretches(scores >= (options.threshold or threshold), shortest))
    file = film if isinstance(film, FilmFile) else None
    return Moments(scores, lasts, film.unit, events, tuple(shots), tuple(peaks(scores, shots, options.keys)), file)
