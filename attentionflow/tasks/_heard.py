"""When labels are heard: stretches of seconds, read from what each moment adds to the logits, and how good they are.

Letters: W windows, N moments of a window, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.readers.labelled_sounds import Event
from attentionflow.task import Score
from attentionflow.tasks._labels import Labelling

SHARE = 0.5  # of an even part of the logit, from which a moment counts
SEGMENT = 0.1  # seconds


@dataclass(frozen=True, eq=False)
class Tagging(Labelling):
    """A labelling, of how many windows it was made, and the stretches in which its labels are heard."""

    windows: int = 1
    heard: tuple[Event, ...] = ()


def stretches(
    shares: np.ndarray, chosen: Sequence[int], names: Sequence[str], spans: Sequence[tuple[float, float]], lasts: float
) -> tuple[Event, ...]:
    """Where the chosen labels are heard in a sound that lasts so long. shares (W, N, C); spans: of the W·N moments.

    In a window whose own logit of a label is above 0, and so above the mean of all labels where they exclude each other
    and their mean is taken away, a moment counts that adds at least half of what it would if all added alike.
    """
    found = []
    spoken = shares.sum(1)  # (W, C)
    counts = (shares * shares.shape[1] >= SHARE * spoken[:, None]) & (spoken[:, None] > 0)  # (W, N, C)
    for label in chosen:
        joined: list[list[float]] = []
        at = sorted(span for span, there in zip(spans, counts[..., label].ravel(), strict=True) if there)
        for start, stop in at:
            if start >= lasts:
                continue
            if joined and start <= joined[-1][1] + 1e-6:
                joined[-1][1] = max(joined[-1][1], min(stop, lasts))
            else:
                joined.append([start, min(stop, lasts)])
        found += [Event(names[label], start, stop) for start, stop in joined]
    return tuple(sorted(found, key=lambda event: (event.start, event.label)))


def segment_f1(given: Sequence[Sequence[Event]], truth: Sequence[Sequence[Event]]) -> Score:
    """2 TP / (2 TP + FP + FN) over labels and segments of 0.1 s, all sounds together (Mesaros et al. 2016)."""
    right = wrong = 0
    for one, other in zip(given, truth, strict=True):
        both = _segments(one), _segments(other)
        right += len(both[0] & both[1])
        wrong += len(both[0] ^ both[1])
    return Score(2 * right / max(1, 2 * right + wrong), signature=f"segments of {SEGMENT} s")


def _segments(events: Sequence[Event]) -> set[tuple[str, int]]:
    """(label, number of the segment) of all whose middle lies in an event."""
    return {
        (event.label, at)
        for event in events
        for at in range(int(event.start / SEGMENT), int(event.stop / SEGMENT) + 1)
        if event.start <= (at + 0.5) * SEGMENT < event.stop
    }
