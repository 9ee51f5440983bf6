"""The strip of frames that attention between moments is drawn on, each with a bar as long as its score is high.

Letters: N moments, P positions, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.records import Axis
from attentionflow.tasks._clip_strip import strip_axes

COLUMNS, TALL = 12, 48  # frames of a row, and pixels of one
BAR = 0.1  # of a frame's height
LIT, DARK = (255, 176, 0), (40, 40, 40)


def moment_axis(film: np.ndarray, edges: np.ndarray, unit: str, shares: np.ndarray, seen: Sequence[int]) -> Axis:
    """Of positions (P,) that are these moments `seen`, which repeat where windows overlap.

    film (N, H, W, C); edges (N + 1,): when moments begin and end; shares (N,): their scores from 0 to 1.
    """
    frames = np.broadcast_to(film, (*film.shape[:3], 3)).copy()
    count, height, width = frames.shape[:3]
    bar = max(1, round(BAR * height))
    lit = np.arange(width) < np.round(shares * width)[:, None]
    frames[:, height - bar :] = np.where(lit[:, None, :, None], LIT, DARK).astype(np.uint8)
    whole = [[(0.0, 0.0, 1.0, 1.0)]] * count
    columns = max(COLUMNS, round((count / 2) ** 0.5))  # of a long film the strip is about twice as wide as high
    axis = strip_axes(frames, whole, ("",), edges[:-1].tolist(), 1, unit, columns, TALL)[1]
    assert axis.spans is not None
    labels = [f"{label}, score {share:.2f}" for label, share in zip(axis.labels, shares, strict=True)]
    return Axis("moment", tuple(labels[at] for at in seen), tuple(axis.spans[at] for at in seen), preview=axis.preview)
