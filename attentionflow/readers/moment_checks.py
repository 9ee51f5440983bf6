"""What is wrong or remarkable with films of known moments: behind `attentionflow data check video-processing`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.clips import film_of
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import found_at, gravest_first, repeated
from attentionflow.readers.moments import KnownFilm

LOOKED = 8  # frames of a film
MEND = "Mend them, or leave them out"
FULL = 0.5  # share of a film above which events are most of it


class Seen(NamedTuple):
    """A film that was opened. labels: none, as no film has any."""

    split: str
    where: str
    labels: None
    key: bytes
    size: tuple[int, int]
    unit: str
    lasts: float
    still: bool
    film: KnownFilm


def check_known_films(splits: Mapping[str, Sequence[KnownFilm]], faults: Sequence[Finding]) -> list[Finding]:
    """All findings, the gravest first. Of every film some frames are decoded, evenly spread."""
    seen: list[Seen] = []
    broken: list[str] = []
    for split, films in splits.items():
        for one in films:
            try:
                seen.append(_look(split, one))
            except DataError as error:
                broken.append(str(error))
    what = "cannot be read, or are told of times that they do not have"
    found = [*faults, *found_at("error", len(seen) + len(broken), what, broken, MEND, "film")]
    for split in splits:
        found += _split(split, [one for one in seen if one.split == split])
    train = [one.film for one in seen if one.split == "train"]
    if train and not any(one.events for one in train) and not any(one.ratings for one in train):
        found.append(Finding("error", "train: no film has an event", len(train), (), "Add films with events"))
    return gravest_first([*found, *repeated(seen, "film")])


def _look(split: str, one: KnownFilm) -> Seen:
    film = film_of(one.clip)
    lasts = film.lasts
    one.check(lasts)
    frames = [pixels for _, pixels in film.frames(LOOKED)]
    still = all(np.array_equal(other, frames[0]) for other in frames)
    size = frames[0].shape[1], frames[0].shape[0]
    return Seen(split, one.where, None, one.clip.key(), size, film.unit, lasts, still, one)


def _split(name: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    if not seen:
        yield Finding("error", f"{name}: no films", 0, (), "Add some, or leave the split out")
        return
    sizes = ", ".join(f"{w} x {h}: {count:,}" for (w, h), count in Counter(one.size for one in seen).most_common(3))
    unit = " s" if seen[0].unit == "s" else " frames"
    lengths = [one.lasts for one in seen]
    yield Finding(
        "info",
        f"{name}: {len(seen):,} films of {min(lengths):g} to {max(lengths):g}{unit}, in pixels {sizes}",
        len(seen),
    )
    yield from _ratings(name, seen) if seen[0].film.ratings is not None else _events(name, seen)
    still = [one.where for one in seen if one.still]
    yield from found_at("warning", len(seen), f"of {name} show nothing that changes", still, "Leave them out", "film")


def _events(name: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    spans = [one.film.spans for one in seen]
    lengths = [end - start for own in spans for start, end in own] or [0.0]
    what = f"{name}: {sum(map(len, spans)):,} events, of {min(lengths):g} to {max(lengths):g}"
    yield Finding("info", what, len(seen))
    none = [one.where for one, own in zip(seen, spans, strict=True) if not own]
    yield from found_at("info", len(seen), f"of {name} have no event", none, "", "film")
    full = [
        one.where
        for one, own in zip(seen, spans, strict=True)
        if sum(end - start for start, end in own) > FULL * one.lasts
    ]
    remedy = "What matters should be rare; tell the moments more narrowly"
    yield from found_at(
        "warning", len(seen), f"of {name} are events for more than half of their time", full, remedy, "film"
    )
    crossed = [one.where for one, own in zip(seen, spans, strict=True) if _overlap(own)]
    remedy = "What is found is one stretch where events touch; join them"
    yield from found_at("warning", len(seen), f"of {name} have events that overlap", crossed, remedy, "film")


def _overlap(spans: Sequence[tuple[float, float]]) -> bool:
    return any(before[1] > after[0] for before, after in pairwise(spans))


def _ratings(name: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    told = [one.film.ratings or () for one in seen]
    counts = Counter(map(len, told))
    listed = ", ".join(f"{count} films with {raters}" for raters, count in sorted(counts.items()))
    values = np.concatenate([rating.scores for own in told for rating in own])
    what = f"{name}: scores from {values.min():g} to {values.max():g}, raters of a film: {listed}"
    yield Finding("info", what, len(seen))
    flat = [
        f"{one.where} ({rating.rater or 'the only rater'})"
        for one, own in zip(seen, told, strict=True)
        for rating in own
        if (rating.scores == rating.scores[0]).all()
    ]
    remedy = "They have no part in rank correlation; leave them out"
    yield from found_at("warning", sum(map(len, told)), f"of {name} are all of one score", flat, remedy, "rating")
