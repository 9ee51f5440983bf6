"""The strip of frames that attention over a clip is drawn on, and figures of joints on such frames.

Letters: M moments, S places, J joints, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.readers.image import preview
from attentionflow.readers.sticks import drawn_sticks
from attentionflow.records import Axis

A_ROW = 4  # frames at most
TALL = 96  # pixels of a frame at least
BETWEEN = 4  # pixels from frame to frame
DRAWN = 128  # pixels of a side of a figure

Box = tuple[float, float, float, float]


def strip_axes(
    frames: np.ndarray,
    boxes: Sequence[Sequence[Box]],
    names: Sequence[str],
    times: Sequence[float],
    tube: int,
    unit: str,
) -> tuple[Axis, Axis]:
    """The axes of tubes and of moments, both on the strip.

    frames (M, H, W, C); boxes: of each moment its S places as shares of the frame; names (S,); times (M · tube,): when
    each frame that the network sees is shown; tube: how many of them a moment is.
    """
    block = -(-TALL // frames.shape[1])
    frames = frames.repeat(block, 1).repeat(block, 2)
    frames = np.broadcast_to(frames, (*frames.shape[:3], 3))
    count, high, wide = frames.shape[:3]
    columns = min(A_ROW, count)
    rows = -(-count // columns)
    strip = np.full((rows * (high + BETWEEN), columns * (wide + BETWEEN), 3), 128, np.uint8)
    whole, parts = [], []
    for at, frame in enumerate(frames):
        top, left = at // columns * (high + BETWEEN), at % columns * (wide + BETWEEN)
        strip[top : top + high, left : left + wide] = frame
        whole.append(_on(strip, top, left, high, wide, (0, 0, 1, 1)))
        parts += [_on(strip, top, left, high, wide, box) for box in boxes[at]]
    labels = [_when(times[at * tube : (at + 1) * tube], unit) for at in range(count)]
    picture = preview(strip, max(strip.shape))
    tubes = Axis("tube", tuple(f"{label}, {name}" for label in labels for name in names), tuple(parts), preview=picture)
    return tubes, Axis("moment", tuple(labels), tuple(whole), preview=picture)


def stick_frames(places: np.ndarray, bones: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Figures (M, H, W, 1) of joints (M, J, 2), light on dark, and where each joint is as shares of its frame."""
    low, high = places.min((0, 1)), places.max((0, 1))
    scale = 0.8 / max(float((high - low).max()), 1e-6)
    shares = 0.5 + (places - (low + high) / 2) * scale
    return drawn_sticks(shares, bones, DRAWN)[..., None], shares


def _on(strip: np.ndarray, top: int, left: int, high: int, wide: int, box: Box) -> tuple[float, ...]:
    """A box on a frame as shares of the strip."""
    rows, columns = strip.shape[:2]
    x0, y0, x1, y1 = (min(max(edge, 0.0), 1.0) for edge in box)
    return (
        (left + x0 * wide) / columns,
        (top + y0 * high) / rows,
        (left + x1 * wide) / columns,
        (top + y1 * high) / rows,
    )


def _when(times: Sequence[float], unit: str) -> str:
    if unit == "s":
        return f"{times[0]:.2f} to {times[-1]:.2f} s" if len(times) > 1 else f"{times[0]:.2f} s"
    first, last = round(times[0]) + 1, round(times[-1]) + 1
    return f"frames {first} to {last}" if last > first else f"frame {first}"
