"""The series of a forecast as a picture on which its attention is drawn: the past, and after it what is forecast.

Letters: L look-back, H horizon, C series, K quantiles.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from attentionflow.readers.windows import Window
from attentionflow.records import Axis
from attentionflow.task import Prediction

WIDTH, HEIGHT, MARGIN = 900, 72, 10  # of each series, and the room above and below its course
MOST_SERIES = 24  # more are not drawn
MOST_POINTS = 1200  # of a course
PAPER, COURSE, AHEAD, BAND, LETTERS = "#ffffff", "#31425c", "#b3541e", "#f3d9c6", "#5b6675"


def past_axis(window: Window, prediction: Prediction) -> Axis:
    """Patches of each series of the forecast, on the picture."""
    axis = steps_axis(window, prediction, window.start - window.look_back, prediction.raw.past_spans)
    drawn = len(prediction.output.names) <= MOST_SERIES
    return Axis(axis.kind, axis.labels, axis.spans, preview=series_picture(window, prediction) if drawn else None)


def steps_axis(window: Window, prediction: Prediction, first: int, spans: Sequence[tuple[int, int]]) -> Axis:
    """Spans of steps from step `first` of the panel on, for each series again, named by their first dates.

    Each lies on the picture (left, top, right, bottom), in shares of it, up to where the next one begins.
    """
    names, dates = prediction.output.names, window.panel.calendar.labels(first, first + spans[-1][1])
    labels = [dates[start] if len(names) == 1 else f"{name} {dates[start]}" for name in names for start, _ in spans]
    steps, before = window.look_back + window.horizon, first - (window.start - window.look_back)
    ends = [*(start for start, _ in spans[1:]), spans[-1][1]]
    columns = [((before + start) / steps, (before + end) / steps) for (start, _), end in zip(spans, ends, strict=True)]
    rows = [(at / len(names), (at + 1) / len(names)) for at in range(len(names))]
    boxes = tuple((left, top, right, bottom) for top, bottom in rows for left, right in columns)
    return Axis("patch", tuple(labels), boxes)


def series_picture(window: Window, prediction: Prediction) -> str:
    """A data URI: one series below the other, each on a scale of its own, with the outer quantiles as a band."""
    forecast, channels = prediction.output, list(prediction.raw.channels)
    past, values, quantiles = window.past[:, channels], forecast.values, forecast.quantiles  # (L, C), (H, C), (H, C, K)
    x = (np.arange(window.look_back + window.horizon) + 0.5) * WIDTH / (window.look_back + window.horizon)
    parts = []
    for at, name in enumerate(forecast.names):
        low, high = quantiles[:, at, 0], quantiles[:, at, -1]
        known = np.concatenate((past[:, at], values[:, at], low, high))
        least, most = np.nanmin(known), np.nanmax(known)
        room = (HEIGHT - 2 * MARGIN) / ((most - least) or 1.0)

        def y(course: np.ndarray, least: float = least, room: float = room, top: int = at * HEIGHT) -> np.ndarray:
            return top + HEIGHT - MARGIN - (course - least) * room

        ahead = x[window.look_back :]
        band = f"{_points(ahead, y(high))} {_points(ahead[::-1], y(low)[::-1])}"
        joined = np.concatenate((past[-1:, at], values[:, at]))
        parts += [
            f'<polygon points="{band}" fill="{BAND}"/>',
            _line(x[: window.look_back], y(past[:, at]), COURSE),
            _line(x[window.look_back - 1 :], y(joined), AHEAD),
            f'<text x="5" y="{at * HEIGHT + 14}" fill="{LETTERS}" font-family="sans-serif" font-size="12">'
            f"{escape(name)}</text>",
        ]
    height, present = len(forecast.names) * HEIGHT, window.look_back * WIDTH / len(x)
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">'
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>{"".join(parts)}'
        f'<path d="M{present:.1f} 0V{height}" stroke="{LETTERS}" stroke-dasharray="3 3"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def _line(x: np.ndarray, y: np.ndarray, colour: str) -> str:
    return f'<polyline points="{_points(x, y)}" fill="none" stroke="{colour}" stroke-width="1.3"/>'


def _points(x: np.ndarray, y: np.ndarray) -> str:
    """Those that are known, thinned out where they are many."""
    step = -(-len(x) // MOST_POINTS)
    known = zip(x[::step].tolist(), y[::step].tolist(), strict=True)
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in known if np.isfinite(b))
