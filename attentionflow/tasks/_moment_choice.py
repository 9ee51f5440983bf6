"""What is picked by the scores of moments: events, the shots of a cut-down film, and its key frames.

Letters: N moments, U units of time, K units that are kept, M units of a shot at least.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNITS = 4000  # of a film at most, so that the best shots are found in seconds and in a few megabytes
NEVER = np.float32(-np.inf)

Stretch = tuple[int, int]  # the first moment, and one past the last


def stretches(chosen: np.ndarray, shortest: float = 1) -> list[Stretch]:
    """The runs of True in (N,) bool that have at least so many moments."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= shortest]


def matched(found: Sequence[tuple[float, float]], known: Sequence[tuple[float, float]], least: float) -> int:
    """How many of the stretches found are one of the known ones: one to one, and what both share is at least this part
    of what either covers.

    Neither list overlaps itself, so that with a `least` of half no stretch has two that it could be.
    """
    count = 0
    taken: set[int] = set()
    for start, end in found:
        for at, (first, last) in enumerate(known):
            shared = min(end, last) - max(start, first)
            if at not in taken and shared > 0 and shared >= least * (max(end, last) - min(start, first)):
                taken.add(at)
                count += 1
                break
    return count


def best_shots(scores: np.ndarray, share: float, least: int) -> list[Stretch]:
    """Shots of at least `least` moments each that together are this share of the film and have the largest sum of
    scores (N,): the exact optimum, by dynamic programming over the time and what is kept of it.

    A film of more than UNITS moments is cut into units of several. What is kept is at least one shot.
    """
    size = -(-len(scores) // UNITS)
    units = np.add.reduceat(scores.astype(np.float32), np.arange(0, len(scores), size))
    shortest = min(len(units), max(1, round(least / size)))
    kept = min(len(units), max(shortest, round(share * len(scores) / size)))
    return [(a * size, min(len(scores), b * size)) for a, b in _best_runs(units, kept, shortest)]


def _best_runs(values: np.ndarray, kept: int, least: int) -> list[Stretch]:
    """Runs of at least M units, K in all, with the largest sum of values (U,).

    out[u, k], within[u, k]: the largest sum of k of the first u units, when the last of them is not kept, or ends a run
    that is long enough. A run comes into being with M units at once and then grows by one.
    """
    count = len(values)
    sums = np.concatenate(([0], np.cumsum(values, dtype=np.float64)))
    out = np.full((count + 1, kept + 1), NEVER, np.float32)
    within = np.full((count + 1, kept + 1), NEVER, np.float32)
    out[0, 0] = 0
    for u in range(1, count + 1):
        out[u] = np.maximum(out[u - 1], within[u - 1])
        within[u, 1:] = within[u - 1, :-1] + values[u - 1]
        if u >= least:
            begun = out[u - least, : kept + 1 - least] + np.float32(sums[u] - sums[u - least])
            np.maximum(within[u, least:], begun, out=within[u, least:])
    return _way_back(values, sums, out, within, least)


def _way_back(values: np.ndarray, sums: np.ndarray, out: np.ndarray, within: np.ndarray, least: int) -> list[Stretch]:
    """The runs of the best sum, read from the end."""
    u, k = len(values), out.shape[1] - 1
    found: list[Stretch] = []
    inside, end = within[u, k] > out[u, k], u
    while u:
        if inside:
            grown = within[u - 1, k - 1] + values[u - 1] if k else NEVER
            if grown == within[u, k]:
                u, k = u - 1, k - 1
                continue
            u, k, inside = u - least, k - least, False
            found.append((u, end))
        else:
            inside = within[u - 1, k] > out[u - 1, k]
            u, end = u - 1, u - 1
    return found[::-1]


def peaks(scores: np.ndarray, shots: Sequence[Stretch], most: int) -> list[int]:
    """Of each shot the moment with the highest score; of these the highest `most`, in the order of time."""
    found = [a + int(np.argmax(scores[a:b])) for a, b in shots]
    return sorted(sorted(found, key=lambda at: -scores[at])[:most])
