"""What simple methods forecast: repeat the last value, repeat the last season, map the look-back linearly.

Letters: L look-back, H horizon, C series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attentionflow.readers.windows import Windows
from attentionflow.task import Score
from attentionflow.tasks._forecast_errors import Errors, Scale
from attentionflow.tasks._line import ridge, spans

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
    for panel, (start, stop), starts in spans(test):
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
    for panel, (start, stop), _ in spans(train):
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
