"""The strip of frames that attention over a clip is drawn on, and figures of joints on such frames.

Letters: M moments, S places, J joints, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.readers.sticks import drawn_sticks
from attentionflow.records import Axis
from attentionflow.tasks._sheet import A_ROW, TALL, Box, Sheet

DRAWN = 128  # pixels of a side of a figure


def strip_axes(
    frames: np.ndarray,
    boxes: Sequence[Sequence[Box]],
    names: Sequence[str],
    times: Sequence[float],
    tube: int,
    unit: str,
    columns: int = A_ROW,
    tall: int = TALL,
) -> tuple[Axis, Axis]:
    """The axes of tubes and of moments, both on the strip.

    frames (M, H, W, C); boxes: of each moment its S places as shares of the frame; names (S,); times (M · tube,): when
    each frame that the network sees is shown; tube: how many of them a moment is. columns, tall: as of a `Sheet`.
    """
    sheet = Sheet.of(frames, columns, tall)
    labels = [_when(times[at * tube : (at + 1) * tube], unit) for at in range(len(frames))]
    whole = tuple(sheet.box(at) for at in range(len(frames)))
    parts = tuple(sheet.box(at, box) for at in range(len(frames)) for box in boxes[at])
    tubes = tuple(f"{label}, {name}" for label in labels for name in names)
    return Axis("tube", tubes, parts, preview=sheet.picture), Axis(
        "moment", tuple(labels), whole, preview=sheet.picture
    )


def stick_frames(places: np.ndarray, bones: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Figures (M, H, W, 1) of joints (M, J, 2), light on dark, and where each joint is as shares of its frame."""
    low, high = places.min((0, 1)), places.max((0, 1))
    scale = 0.8 / max(float((high - low).max()), 1e-6)
    shares = 0.5 + (places - (low + high) / 2) * scale
    return drawn_sticks(shares, bones, DRAWN)[..., None], shares


def _when(times: Sequence[float], unit: str) -> str:
    if unit == "s":
        return f"{times[0]:.2f} to {times[-1]:.2f} s" if len(times) > 1 else f"{times[0]:.2f} s"
    first, last = round(times[0]) + 1, round(times[-1]) + 1
    return f"frames {first} to {last}" if last > first else f"frame {first}"
