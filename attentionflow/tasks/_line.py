"""The line through the look-back: least squares with a penalty, in closed form.

Letters: L look-back, H horizon, C series, T steps, K quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from attentionflow.nn.channels import instance_scale
from attentionflow.nn.line import FittedLine
from attentionflow.readers.windows import Panel, Windows
from attentionflow.tasks._forecast_errors import Scale

CHUNK = 128  # windows whose products are added at a time
MOST = 1 << 18  # windows that are fitted; of more, evenly spaced ones
STRENGTHS = tuple(10.0**power for power in range(-5, 2))  # of the penalty, in shares of the mean square of an input
LAST_PART = 0.2  # of the windows of training, on which the strength is chosen
SAMPLE = 1024  # evenly spaced windows whose errors are looked at


def fitted_line(train: Windows, scale: Scale, levels: Sequence[float]) -> FittedLine:
    """The ridge as one map (H, L) of scaled values: each row adds up to one, so level and unit carry through."""
    line = torch.from_numpy(ridge(train, scale)[0].T.copy())
    line[:, -1] += 1 - line.sum(1)
    errors = []
    for panel, (start, stop), starts in spans(train[:: -(-len(train) // SAMPLE)]):
        mean, deviation = scale.of(panel)
        scaled = torch.from_numpy((panel.values[start:stop] - mean) / deviation)
        for at in starts - start:
            past, future = scaled[at - train.look_back : at].T, scaled[at : at + train.horizon].T  # (C, L), (C, H)
            errors.append((future - past @ line.T) / instance_scale(past)[1])
    quantiles = torch.cat(errors).quantile(torch.tensor(levels, dtype=torch.float64), dim=0).T
    return FittedLine(line.float(), quantiles.float())


def ridge(train: Windows, scale: Scale) -> tuple[np.ndarray, float]:
    """W (L, H) of the least squares (future - last) = (past - last) W with a penalty on W, one W for all series.

    It is NLinear (Zeng et al. 2023) in closed form. The strength of the penalty is that which serves the last part of
    the training windows best when W is fitted to the part before.
    """
    train = train[:: -(-len(train) // MOST)]
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
    for panel, (start, stop), starts in spans(windows):
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


def spans(windows: Windows) -> Iterator[tuple[Panel, tuple[int, int], np.ndarray]]:
    """Each panel, the steps that its windows cover, and the starts of those."""
    for index, (panel, span) in zip(np.unique(windows.which), windows.reach(), strict=True):
        yield panel, span, windows.starts[windows.which == index]
