"""Figures of lines and dots from the places of joints.

Letters: T frames, J joints, L lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

THICK = 0.011  # half the width of a line, as a share of the side
DOT = 0.02  # radius of a joint that no line meets


def drawn_sticks(
    places: np.ndarray, bones: Sequence[tuple[int, int]], side: int, thick: float = THICK, dots: bool = True
) -> np.ndarray:
    """(T, side, side) bytes, white on black: joints (T, J, 2), as shares of the side, joined by lines.

    A pixel is as bright as the line covers it, told by the distance of its middle. dots: whether joints that no bone
    meets are drawn as dots.
    """
    lines = [(start, end, thick) for start, end in bones]
    met = {joint for bone in bones for joint in bone}
    lines += [(joint, joint, DOT) for joint in range(places.shape[1]) if dots and joint not in met]
    drawn = np.zeros((len(places), side, side))
    if lines:
        ends, radii = np.array([line[:2] for line in lines]), np.array([line[2] for line in lines]) * side
        _draw(drawn, np.ascontiguousarray(places, float) * side, ends, radii)
    return np.rint(drawn * 255).astype(np.uint8)


@numba.njit(cache=True)
def _draw(drawn: np.ndarray, places: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> None:
    """Adds lines (L, 2) between places (T, J, 2) in pixels, of radii (L,), where brighter than what is there."""
    side = drawn.shape[1]
    for t in range(len(places)):
        for line in range(len(ends)):
            x0, y0 = places[t, ends[line, 0]]
            x1, y1 = places[t, ends[line, 1]]
            room, square = radii[line] + 1, (x1 - x0) ** 2 + (y1 - y0) ** 2
            for y in range(max(0, int(min(y0, y1) - room)), min(side, int(max(y0, y1) + room) + 1)):
                for x in range(max(0, int(min(x0, x1) - room)), min(side, int(max(x0, x1) + room) + 1)):
                    px, py = x + 0.5 - x0, y + 0.5 - y0
                    share = 0.0
                    if square > 0:
                        share = min(1.0, max(0.0, (px * (x1 - x0) + py * (y1 - y0)) / square))
                    distance = np.hypot(px - share * (x1 - x0), py - share * (y1 - y0))
                    cover = min(1.0, max(0.0, radii[line] - distance + 0.5))
                    drawn[t, y, x] = max(drawn[t, y, x], cover)
