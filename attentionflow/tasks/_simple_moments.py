"""What simple methods say of the moments of films: chance, how much changes, and a line through small frames.

Letters: N moments of a film, M moments of all films, F numbers of a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from attentionflow.readers.clips import film_of
from attentionflow.readers.image import luminance, resize
from attentionflow.readers.moments import KnownFilm
from attentionflow.readers.video import Film
from attentionflow.task import Score
from attentionflow.tasks._film_frames import moment_count
from attentionflow.tasks._moment_choice import matched, stretches
from attentionflow.tasks._moment_scores import OVERLAP, among_raters, by_raters, event_scores, rank_scores

SIDE = 8  # pixels of a small frame
RIDGE = 1.0  # of the squares of deviations, a moment
DRAWS = 10  # of random scores
CANDIDATES = 60  # thresholds that are tried
MOST_FILMS = 100  # of training, evenly spread, that are looked at


def small_frames(film: Film, count: int) -> np.ndarray:
    """(N, SIDE²) of 0 to 1, grey."""
    return np.stack([luminance(resize(pixels, SIDE, SIDE)).ravel() / 255 for _, pixels in film.frames(count)])


def changes(frames: np.ndarray) -> np.ndarray:
    """(N,) how much a frame differs from the one before and the one after, in the mean."""
    steps = np.abs(np.diff(frames, axis=0)).mean(1)
    return np.concatenate(([0], steps)) + np.concatenate((steps, [0]))


def described(frames: np.ndarray) -> np.ndarray:
    """(N, F): each frame, how it differs from the mean of its film, and what changed before and after it."""
    steps = np.abs(np.diff(frames, axis=0))
    none = np.zeros((1, frames.shape[1]))
    stray = frames - frames.mean(0)
    return np.concatenate((frames, stray, abs(stray), np.concatenate((none, steps)), np.concatenate((steps, none))), 1)


def line(train: Sequence[np.ndarray], targets: Sequence[np.ndarray], test: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Scores (N,) of test films by ridge regression from descriptions (N, F) of training films to targets (N,)."""
    seen, wanted = np.concatenate(train), np.concatenate(targets)
    told = np.isfinite(wanted)
    seen, wanted = seen[told], wanted[told]
    mean, deviation = seen.mean(0), seen.std(0) + 1e-6
    x = (seen - mean) / deviation
    weights = np.linalg.solve(x.T @ x + RIDGE * len(x) ** 0.5 * np.eye(x.shape[1]), x.T @ (wanted - wanted.mean()))
    return [(one - mean) / deviation @ weights + wanted.mean() for one in test]


def best_threshold(
    scores: Sequence[np.ndarray],
    lasts: Sequence[float],
    known: Sequence[Sequence[tuple[float, float]]],
    shortest: float,
) -> float:
    """The score from which moments (N,) make events with the highest F1; of several, the middle one.

    shortest: moments of an event, at least.
    """
    together = np.concatenate(scores)
    by_rank = np.quantile(together, np.linspace(0.5, 0.999, CANDIDATES))
    candidates = np.union1d(by_rank, np.linspace(together.min(), together.max(), CANDIDATES + 1)[1:])
    found = []
    for threshold in candidates:
        right = count = 0
        for own, length, wanted in zip(scores, lasts, known, strict=True):
            spans = spans_of(own >= threshold, length, shortest)
            right, count = right + matched(spans, wanted, OVERLAP), count + len(spans) + len(wanted)
        found.append(2 * right / max(1, count))
    best = np.flatnonzero(np.array(found) >= max(found))
    return float(candidates[best[len(best) // 2]])


def spans_of(chosen: np.ndarray, lasts: float, shortest: float) -> list[tuple[float, float]]:
    """Runs of True (N,) in the time of a film."""
    return [(a * lasts / len(chosen), b * lasts / len(chosen)) for a, b in stretches(chosen, shortest)]


def simple_scores(train: Sequence[KnownFilm], test: Sequence[KnownFilm], rate: float) -> dict[str, dict[str, Score]]:
    """Metrics of each method; thresholds of events are those that are best on the training films."""
    some = [train[i] for i in np.unique(np.linspace(0, len(train) - 1, MOST_FILMS).astype(int))]
    known, asked = ([_Seen.of(one, rate) for one in films] for films in (some, test))
    draw = np.random.default_rng(1)

    def drawn(films: Sequence[_Seen]) -> list[np.ndarray]:
        return [draw.random(len(one.frames)) for one in films]

    chance = [_judged(drawn(known), drawn(asked), known, asked) for _ in range(DRAWS)]
    methods = {
        "how much changes from frame to frame": [[changes(one.frames) for one in part] for part in (known, asked)],
        "ridge regression on small frames and their changes": _regression(known, asked),
    }
    found = {"at random": {name: _mean([one[name] for one in chance]) for name in chance[0]}}
    found |= {name: _judged(own, scores, known, asked) for name, (own, scores) in methods.items()}
    if test[0].ratings is not None:
        found["people among themselves"] = rank_scores([among_raters(one.raters) for one in asked], cheap=True)
    return found


class _Seen(NamedTuple):
    """A film as simple methods see it: frames (N, F), raters (R, N), spans of its events (None: it has scores)."""

    frames: np.ndarray
    raters: np.ndarray
    spans: list[tuple[float, float]] | None
    lasts: float

    @classmethod
    def of(cls, one: KnownFilm, rate: float) -> Self:
        film = film_of(one.clip)
        count, lasts = moment_count(film, rate), film.lasts
        raters = one.raters((np.arange(count) + 0.5) * lasts / count)
        return cls(small_frames(film, count), raters, None if one.events is None else one.spans, lasts)


def _mean(scores: Sequence[Score]) -> Score:
    return replace(scores[0], value=float(np.mean([one.value for one in scores])))


def _regression(train: Sequence[_Seen], test: Sequence[_Seen]) -> list[list[np.ndarray]]:
    told, own = ([described(one.frames) for one in part] for part in (train, test))
    targets = [
        np.where(np.isfinite(one.raters), one.raters, 0).sum(0) / np.isfinite(one.raters).sum(0).clip(1)
        for one in train
    ]
    unknown = [~np.isfinite(one.raters).any(0) for one in train]
    targets = [np.where(none, np.nan, mean) for none, mean in zip(unknown, targets, strict=True)]
    return [line(told, targets, told), line(told, targets, own)]


def _judged(
    scores_train: Sequence[np.ndarray], scores: Sequence[np.ndarray], train: Sequence[_Seen], test: Sequence[_Seen]
) -> dict[str, Score]:
    ranks = rank_scores([by_raters(own, one.raters) for own, one in zip(scores, test, strict=True)], cheap=True)
    if test[0].spans is None:
        return ranks
    known = [one.spans or [] for one in train]
    lengths = [(end - start) * len(one.frames) / one.lasts for one in train for start, end in one.spans or []]
    shortest = min(lengths, default=0.0) / 2  # as the task has it
    threshold = best_threshold(scores_train, [one.lasts for one in train], known, shortest)
    found = [spans_of(own >= threshold, one.lasts, shortest) for own, one in zip(scores, test, strict=True)]
    return event_scores(found, [one.spans or [] for one in test], cheap=True) | ranks
