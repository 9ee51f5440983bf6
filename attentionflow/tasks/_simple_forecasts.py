"""What simple methods forecast: repeat the last value, repeat the last season, map the look-back linearly.

Letters: L look-back, H horizon, C series, N windows of all series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from attentionflow.readers.windows import Panel, Windows
from attentionflow.task import Score
from attentionflow.tasks._forecast_errors import Errors, Scale

CHUNK = 128  # windows whose products are added at a time
STRENGTHS = tuple(10.0**power for power in range(-5, 2))  # of the ridge, in shares of the mean square of an input
LAST_PART = 0.2  # of the windows of training, on which the strength is chosen

Method = Callable[[np.ndarray], np.ndarray]  # scaled past (L, C) -> forecast (H, C)


def simple_forecasts(
    train: Windows, test: Windows, levels: Sequence[float], scale: Scale
) -> dict[str, dict[str, Score]]:
    """name -> metrics over all of test."""
    horizon, season = test.horizon, best_season(train, scale)
    weights, strength = ridge(train, scale)
    methods: dict[str, tuple[Method, str]] = {
        "last value": (lambda past: np.broadcast_to(past[-1], (horizon, past.shape[1])), ""),
        "value of one season before": (
            lambda past: past[-season:][np.arange(horizon) % season],
            f"season of {season} steps",
        ),
        "linear map of the look-back": (
            lambda past: weights.T @ (past - past[-1]) + past[-1],
            f"ridge of strength {strength:g}",
        ),
    }
    errors = {name: Errors(horizon, levels, scale) for name in methods}
    for panel, (start, stop), starts in _spans(test):
        mean, deviation = scale.of(panel)
        scaled = (panel.values[start:stop] - mean) / deviation
        for at in starts:
            window, past = test.window(panel, int(at)), scaled[at - test.look_back - start : at - start]
            for name, (method, _) in methods.items():
                errors[name].add(window, method(past))
    return {name: errors[name].scores(note) for name, (_, note) in methods.items()}


def best_season(train: Windows, scale: Scale) -> int:
    """The period that forecasts training best when its last course is repeated over the horizon."""
    look_back, horizon = train.look_back, train.horizon
    furthest = look_back + horizon
    sums, counts = np.zeros(furthest), np.zeros(furthest)
    for panel, (start, stop), _ in _spans(train):
        mean, deviation = scale.of(panel)
        scaled = (panel.values[start:stop] - mean) / deviation
        for lag in range(1, min(furthest, len(scaled))):
            apart = (scaled[lag:] - scaled[:-lag]) ** 2
            sums[lag] += np.nansum(apart)
            counts[lag] += np.isfinite(apart).sum()
    apart = np.divide(sums, counts, out=np.full(furthest, np.inf), where=counts > 0)
    ahead = np.arange(1, horizon + 1)

    def error(season: int) -> float:
        return float(apart[-(-ahead // season) * season].mean())

    return min(range(1, look_back + 1), key=error)


def ridge(train: Windows, scale: Scale) -> tuple[np.ndarray, float]:
    """W (L, H) of the least squares (future - last) = (past - last) W with a penalty on W, one W for all series.

    It is NLinear (Zeng et al. 2023) in closed form. The strength of the penalty is that which serves the last part of
    the training windows best when W is fitted to the part before.
    """
    cut = round(len(train) * (1 - LAST_PART))
    before, after = _products(train[:cut], scale), _products(train[cut:], scale)
    together = tuple(a + b for a, b in zip(before, after, strict=True))

    def error(strength: float) -> float:
        weights, (xx, xy, yy) = _solve(before, strength), after
        return float(yy - 2 * (weights * xy).sum() + (weights * (xx @ weights)).sum())

    strength = min(STRENGTHS, key=error)
    return _solve(together, strength), strength


def _solve(products: Sequence[np.ndarray], strength: float) -> np.ndarray:
    xx, xy, _ = products
    penalty = strength * max(float(np.trace(xx)) / len(xx), 1e-12)
    return np.linalg.solve(xx + penalty * np.eye(len(xx)), xy)


def _products(windows: Windows, scale: Scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """XᵀX (L, L), XᵀY (L, H) and the sum of Y² of all windows, relative to the last value of each."""
    look_back, horizon = windows.look_back, windows.horizon
    xx, xy, yy = np.zeros((look_back, look_back)), np.zeros((look_back, horizon)), np.zeros(())
    for panel, (start, stop), starts in _spans(windows):
        mean, deviation = scale.of(panel)
        scaled = ((panel.values[start:stop] - mean) / deviation).astype(np.float32)
        views = np.lib.stride_tricks.sliding_window_view(scaled, look_back + horizon, axis=0)  # (T, C, L + H)
        for at in range(0, len(starts), CHUNK):
            rows = views[starts[at : at + CHUNK] - look_back - start].reshape(-1, look_back + horizon)
            rows = rows - rows[:, look_back - 1, None]
            x, y = rows[:, :look_back], rows[:, look_back:]
            xx += x.T @ x
            xy += x.T @ y
            yy += np.square(y).sum(dtype=float)
    return xx, xy, yy


def _spans(windows: Windows) -> Iterator[tuple[Panel, tuple[int, int], np.ndarray]]:
    """Each panel, the steps that its windows cover, and the starts of those."""
    for index, (panel, span) in zip(np.unique(windows.which), windows.reach(), strict=True):
        yield panel, span, windows.starts[windows.which == index]
