"""A model's positions onto what people attended to: words by characters, pixels by areas, moments by seconds.

Letters: n positions, W words; H height and W width of a picture, M rows of values; S stretches of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.errors import UserError
from attentionflow.records import Axis

UNKNOWN = "\ufffd"


@dataclass(frozen=True)
class Aligned:
    """values (W,) or (S,): of each word or stretch, the sum of what its positions hold. outside: the share of the whole
    that lies on positions which cover none, such as special tokens and punctuation."""

    values: np.ndarray
    outside: float


def character_spans(axis: Axis) -> tuple[tuple[float, float] | None, ...]:
    """Where each position lies on the text at the bottom of the axis; None for one that covers nothing."""
    if axis.spans is None:
        return (None,) * len(axis)
    spans = tuple(None if span is None else (span[0], span[1]) for span in axis.spans)
    if axis.parent is None:
        return spans
    below = character_spans(axis.parent)
    found: list[tuple[float, float] | None] = []
    for span in spans:
        covered = [] if span is None else [one for one in below[int(span[0]) : int(span[1])] if one is not None]
        found.append((covered[0][0], covered[-1][1]) if covered else None)
    return tuple(found)


def text_of(axis: Axis) -> str | None:
    """The text at the bottom of an axis."""
    while axis.parent is not None:
        axis = axis.parent
    return axis.preview


def onto_words(values: np.ndarray, axis: Axis, words: Sequence[tuple[int, int]], text: str, where: str = "") -> Aligned:
    """Values (n,) of the positions of an axis, summed over words given by their characters in `text`.

    A position that lies on several words is split by how many characters of each it covers. UserError, naming the text,
    where the model read another text than the people, or nothing of some word, as when its text was cut. A character
    that the model does not know may stand as U+FFFD in what it read.
    """
    name = f"{where}: " if where else ""
    read = text_of(axis)
    pairs = [] if read is None else list(zip(read, text, strict=False))
    differing = [i for i, (a, b) in enumerate(pairs) if a not in (b, UNKNOWN)]
    if read is not None and (differing or len(read) != len(text)):
        at = differing[0] if differing else len(pairs)
        raise UserError(
            f"{name}the model read another text than the people, from character {at} on: "
            f"{read[at : at + 20]!r} where they read {text[at : at + 20]!r}"
        )
    shared = _shared(character_spans(axis), words)
    seen = (shared > 0).any(0)
    if not seen.all():
        missing = text[slice(*words[int(np.argmin(seen))])]
        raise UserError(f"{name}no position of the model lies on the word {missing!r}; was the text cut?")
    return _handed_on(values, shared)


def onto_pixels(
    values: np.ndarray, axis: Axis, shape: tuple[int, int], sigma: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Values (M, n) of positions that lie on a picture, such as patches, as maps (M, H, W) of its pixels, and the
    shares (M,) that lie beside it.

    A position spreads what it holds evenly over its rectangle, pixels at its edge by how much of them it covers, and
    each map is then smoothed by a Gaussian of `sigma` pixels, which a rectangle allows side by side. Nothing is lost at
    the borders. UserError where no position lies on the picture.
    """
    from scipy.ndimage import gaussian_filter1d

    spans = axis.spans or (None,) * len(axis)
    there, beside = ([i for i, span in enumerate(spans) if (span is None) == away] for away in (False, True))
    corners = [span for span in spans if span is not None]
    if not corners or any(len(span) != 4 for span in corners):
        raise UserError(f"the model's attention runs over {axis.kind}s, of which none lies on the picture by corners")
    sides = []
    for first, last, size in ((1, 3, shape[0]), (0, 2, shape[1])):
        edges = np.arange(size + 1) / size
        low, high = (np.array([span[at] for span in corners])[:, None] for at in (first, last))
        covered = (np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)).clip(min=0)
        covered /= np.maximum(covered.sum(1, keepdims=True), np.finfo(float).tiny)
        sides.append(gaussian_filter1d(covered, sigma, axis=1, mode="reflect") if sigma > 0 else covered)
    maps = np.matmul(sides[0].T[None] * values[:, None, there], sides[1])
    whole = values.sum(1)
    return maps, np.where(whole > 0, values[:, beside].sum(1) / np.where(whole > 0, whole, 1), 0.0)


def onto_seconds(values: np.ndarray, axis: Axis, stretches: Sequence[tuple[float, float]]) -> Aligned:
    """Values (n,) of positions that lie on time, such as frames, summed over stretches (first second, last).

    A frame that lies on several stretches is split by how long it lies on each. UserError where a stretch has none.
    """
    spans = (None,) * len(axis) if axis.spans is None else tuple(axis.spans)
    shared = _shared([None if span is None else (span[0], span[1]) for span in spans], stretches)
    seen = (shared > 0).any(0)
    if not seen.all():
        first, last = stretches[int(np.argmin(seen))]
        raise UserError(f"no {axis.kind} of the model lies between {first:g} and {last:g} s; was the recording cut?")
    return _handed_on(values, shared)


def _shared(spans: Sequence[tuple[float, float] | None], parts: Sequence[tuple[float, float]]) -> np.ndarray:
    """(n, W): how much of each part each position covers."""
    first, last = np.array([(0.0, 0.0) if span is None else span for span in spans], float).reshape(-1, 2).T
    starts, ends = np.array(parts, float).reshape(-1, 2).T
    return (np.minimum(ends, last[:, None]) - np.maximum(starts, first[:, None])).clip(min=0)


def _handed_on(values: np.ndarray, shared: np.ndarray) -> Aligned:
    """What each position holds, to the parts in proportion to what it covers of them."""
    covered = shared.sum(1)
    inside = covered > 0
    found = (values[inside] / covered[inside]) @ shared[inside]
    whole = float(np.sum(values))
    return Aligned(found, float(values[~inside].sum()) / whole if whole > 0 else 0.0)
